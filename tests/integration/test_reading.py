"""Images of others, as they are found in the field, are read as they are meant.

Every file is written by hand or by zarr alone, never by this package.
"""

from __future__ import annotations

import asyncio
import copy
import json
import pickle

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo

PIXELS = np.arange(24 * 36, dtype="uint16").reshape(24, 36)
VERSIONS = pytest.mark.parametrize("version", ["0.4", "0.5"])


def axes(names, unit="micrometer"):
    types = {"t": "time", "c": "channel"}
    found = [{"name": name, "type": types.get(name, "space")} for name in names]
    for axis in found:
        if axis["type"] == "space" and unit is not None:
            axis["unit"] = unit
    return found


def level(path, scale, translation=None):
    chain = [{"type": "scale", "scale": scale}]
    if translation is not None:
        chain.append({"type": "translation", "translation": translation})
    return {"path": path, "coordinateTransformations": chain}


def two_levels():
    """An image of two levels of 0.5 and 1.0 micrometers."""
    return {
        "axes": axes("yx"),
        "datasets": [
            level("0", [0.5, 0.5], [3.0, 7.0]),
            level("1", [1.0, 1.0], [3.25, 7.25]),
        ],
    }


def write(path, multiscales, version="0.4", pixels=PIXELS, others=None, **members):
    """An image with every second pixel of the level before, and given metadata."""
    zarr_format = 2 if version == "0.4" else 3
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    steps = pixels.ndim * (slice(None, None, 2),)
    stored = pixels
    for dataset in multiscales[0]["datasets"]:
        array = group.create_array(
            dataset["path"], shape=stored.shape, dtype=stored.dtype, chunks=stored.shape
        )
        array[...] = stored
        stored = stored[steps]
    metadata = {"multiscales": multiscales, **members}
    if version == "0.4":
        group.attrs.put({**metadata, **(others or {})})
    else:
        group.attrs.put({"ome": {"version": version, **metadata}, **(others or {})})
    return path


def image(path, version="0.5"):
    return write(path, [versioned(two_levels(), version)], version)


def versioned(multiscale, version):
    """The image with its version, where 0.4 has it."""
    return {"version": version, **multiscale} if version == "0.4" else multiscale


@pytest.fixture
def path(tmp_path):
    return tmp_path / "theirs"


def assert_is_the_image(da):
    np.testing.assert_array_equal(da.values, PIXELS)
    np.testing.assert_array_equal(da["y"], 3.0 + 0.5 * np.arange(24))
    np.testing.assert_array_equal(da["x"], 7.0 + 0.5 * np.arange(36))
    assert da["x"].attrs["units"] == "micrometer"


# -- layouts of arrays --------------------------------------------------------


def write_by_hand(path, *, separator, order="C", dtype="<u2", told=True):
    """A Zarr v2 image of 3 x 2 chunks, without the help of any library."""
    chunk, folder = (8, 18), path / "0"
    folder.mkdir(parents=True)
    (path / ".zgroup").write_text('{"zarr_format": 2}')
    multiscale = {"axes": axes("yx"), "datasets": [level("0", [0.5, 0.5], [3.0, 7.0])]}
    (path / ".zattrs").write_text(json.dumps({"multiscales": [multiscale]}))
    array = {
        "zarr_format": 2,
        "shape": PIXELS.shape,
        "chunks": chunk,
        "dtype": dtype,
        "order": order,
        "compressor": None,
        "filters": None,
        "fill_value": 0,
    }
    # Without a word the separator is a dot.
    (folder / ".zarray").write_text(
        json.dumps(array | ({"dimension_separator": separator} if told else {}))
    )
    for i, j in np.ndindex(3, 2):
        block = PIXELS[i * 8 : (i + 1) * 8, j * 18 : (j + 1) * 18]
        file = folder / f"{i}{separator}{j}"
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(block.astype(dtype).tobytes(order))


@pytest.mark.parametrize(
    "layout",
    [
        {"separator": "."},
        {"separator": ".", "told": False},
        {"separator": "/"},
        {"separator": "/", "dtype": ">u2"},
        {"separator": "/", "order": "F"},
        {"separator": ".", "order": "F", "dtype": ">u2"},
    ],
)
@pytest.mark.parametrize("chunks", [None, {}])
def test_arrays_of_zarr_v2_in_any_layout_are_read(path, layout, chunks):
    write_by_hand(path, **layout)
    da = xo.open_image(path, chunks=chunks)
    assert_is_the_image(da)
    part = da.isel(y=slice(5, 20, 3), x=[30, 2, 17])
    np.testing.assert_array_equal(part, PIXELS[5:20:3][:, [30, 2, 17]])


@pytest.mark.parametrize("dtype", [">u2", "<u2"])
def test_what_was_read_from_big_endian_pixels_can_be_written(path, tmp_path, dtype):
    write_by_hand(path, separator="/", dtype=dtype)
    xo.open_image(path).omezarr.to_image(tmp_path / "ours")
    stored = zarr.open_array(tmp_path / "ours" / "0", mode="r")
    assert stored.dtype == np.dtype("uint16")
    assert_is_the_image(xo.open_image(tmp_path / "ours"))


# -- transformations ----------------------------------------------------------


@VERSIONS
def test_transformations_of_the_multiscale_are_applied_after_those_of_the_level(
    path, version
):
    multiscale = two_levels()
    multiscale["coordinateTransformations"] = [
        {"type": "scale", "scale": [0.1, 10.0]},
        {"type": "translation", "translation": [-1.0, 100.0]},
    ]
    write(path, [versioned(multiscale, version)], version)
    tree = xr.open_datatree(path, engine="omezarr")
    for name, first_y, first_x, step in (("0", 3, 7, 0.5), ("1", 3.25, 7.25, 1)):
        da = tree[name]["image"]
        i, j = np.arange(da.sizes["y"]), np.arange(da.sizes["x"])
        np.testing.assert_allclose(da["y"], 0.1 * (first_y + step * i) - 1.0, 1e-12)
        np.testing.assert_allclose(da["x"], 10.0 * (first_x + step * j) + 100.0, 1e-12)
    assert tree["0"]["image"].omezarr.scale == {"y": 0.05, "x": 5.0}


@VERSIONS
def test_a_translation_on_some_levels_only_moves_those(path, version):
    multiscale = two_levels()
    multiscale["datasets"][0] = level("0", [0.5, 0.5])
    write(path, [versioned(multiscale, version)], version)
    tree = xr.open_datatree(path, engine="omezarr")
    assert tree["0"]["x"].values[:2].tolist() == [0.0, 0.5]
    assert tree["1"]["x"].values[:2].tolist() == [7.25, 8.25]


def test_a_negative_scale_makes_coordinates_that_descend(path, tmp_path):
    multiscale = two_levels()
    multiscale["datasets"] = [level("0", [-0.5, 0.5], [11.5, 7.0])]
    write(path, [multiscale])
    da = xo.open_image(path)
    np.testing.assert_array_equal(da["y"], 11.5 - 0.5 * np.arange(24))
    assert da.sel(y=11.0, x=8.0).item() == PIXELS[1, 2]
    with pytest.raises(ValueError, match=r"'y' descends.*sortby\('y'\)"):
        da.omezarr.to_image(tmp_path / "ours")
    da.sortby("y").omezarr.to_image(tmp_path / "ours")
    back = xo.open_image(tmp_path / "ours")
    np.testing.assert_array_equal(back, PIXELS[::-1])
    np.testing.assert_array_equal(back["y"], 0.5 * np.arange(24))


# -- metadata -----------------------------------------------------------------


def test_an_image_of_0_4_may_leave_its_version_out(path):
    assert_is_the_image(xo.open_image(write(path, [two_levels()])))


@pytest.mark.parametrize("paths", [("s0", "s1"), ("resolutions/0", "resolutions/1")])
@VERSIONS
def test_levels_are_found_wherever_they_are_and_whatever_they_are_called(
    path, version, paths
):
    multiscale = two_levels()
    for dataset, name in zip(multiscale["datasets"], paths, strict=True):
        dataset["path"] = name
    write(path, [versioned(multiscale, version)], version)
    assert_is_the_image(xo.open_image(path))
    assert xo.open_image(path, level=1).shape == (12, 18)
    tree = xr.open_datatree(path, engine="omezarr")
    assert_is_the_image(tree[paths[0]]["image"])
    np.testing.assert_array_equal(tree[paths[1]]["image"], PIXELS[::2, ::2])


@pytest.mark.parametrize("omero", [None, "absent"])
@VERSIONS
def test_channels_without_omero_have_no_names(path, version, omero):
    pixels = np.stack([PIXELS, PIXELS + 1])
    multiscale = {"axes": axes("cyx"), "datasets": [level("0", [1.0, 0.5, 0.5])]}
    members = {} if omero == "absent" else {"omero": omero}
    write(path, [versioned(multiscale, version)], version, pixels, **members)
    da = xo.open_image(path)
    np.testing.assert_array_equal(da, pixels)
    assert set(da.coords) == {"y", "x"}
    assert da["x"].values[1] == 0.5


def test_channels_that_do_not_fit_the_pixels_are_left_out_with_a_warning(path):
    pixels = np.stack([PIXELS, PIXELS + 1])
    multiscale = {"axes": axes("cyx"), "datasets": [level("0", [1.0, 0.5, 0.5])]}
    channel = {"color": "FF0000", "window": {"min": 0, "max": 9, "start": 0, "end": 9}}
    write(path, [multiscale], pixels=pixels, omero={"channels": [channel]})
    with pytest.warns(xo.OmeZarrWarning, match="describes 1 channels and stores 2"):
        da = xo.open_image(path)
    np.testing.assert_array_equal(da, pixels)
    assert "channel_color" not in da.coords


@VERSIONS
def test_of_two_images_in_a_group_the_first_is_opened(path, version):
    second = {"axes": axes("yx"), "datasets": [level("1", [9.0, 9.0])], "name": "other"}
    first = two_levels() | {"name": "first"}
    write(path, [versioned(first, version), versioned(second, version)], version)
    da = xo.open_image(path)
    assert_is_the_image(da)
    assert da.name == "first"


def test_axes_without_a_type_are_what_their_names_say(path):
    pixels = np.stack([PIXELS, PIXELS + 1])[np.newaxis]
    names = [{"name": name} for name in "tcyx"]
    # The schema and the text of the standard want two of type space.
    names[2]["type"] = names[3]["type"] = "space"
    multiscale = {"axes": names, "datasets": [level("0", [2.0, 1.0, 0.5, 0.5])]}
    with pytest.raises(xo.OmeZarrError, match="without type"):
        xo.open_image(write(path, [multiscale], pixels=pixels))
    names[0]["type"] = "time"
    da = xo.open_image(write(path, [multiscale], pixels=pixels))
    np.testing.assert_array_equal(da, pixels)
    assert "c" not in da.coords
    assert da["t"].values.tolist() == [0.0]
    assert da.omezarr.scale == {"t": 2.0, "c": 1.0, "y": 0.5, "x": 0.5}


IDR = {
    "_creator": {"name": "omero-zarr", "version": "0.3.1"},
    "bioformats2raw.layout.x": 3,
    "study": {"id": "idr0062A", "tags": ["a", None, 1.5]},
}
MARK = {"lab": ["unknown", {"to": None}], "x": False}


def marked(version):
    """Two channels with keys that nobody knows in every object of their metadata."""
    window = {"min": 0.0, "max": 9.0, "start": 0.0, "end": 9.0, **MARK}
    shown = {"color": "0000FF", "active": True, "emission_wavelength": 461, **MARK}
    names = [axis | MARK for axis in axes("cyx")]
    datasets = [level("0", [1.0, 0.5, 0.5]), level("1", [1.0, 1.0, 1.0])]
    multiscale = {
        **MARK,
        "axes": names,
        "datasets": [dataset | MARK for dataset in datasets],
    }
    channels = [{**shown, "label": name, "window": window} for name in ("DAPI", "GFP")]
    omero = {"channels": channels, "rdefs": {"model": "color"}, "id": 7}
    return versioned(multiscale, version), omero


@pytest.mark.parametrize("source", ["0.4", "0.5"])
@pytest.mark.parametrize("target", ["0.4", "0.5"])
def test_unknown_keys_are_kept_and_written_back(path, tmp_path, source, target):
    multiscale, omero = marked(source)
    pixels = np.stack([PIXELS, PIXELS])
    write(path, [multiscale], source, pixels, IDR, omero=omero, further=MARK)
    ds = xr.open_dataset(path, engine="omezarr")
    assert {key: ds.attrs[key] for key in IDR} == IDR
    ds.omezarr.to_image(tmp_path / "ours", version=target, scale_factors=[2])

    name = ".zattrs" if target == "0.4" else "zarr.json"
    written = json.loads((tmp_path / "ours" / name).read_text())
    if target == "0.5":
        written = written["attributes"]
    assert {key: written[key] for key in IDR} == IDR
    image = written if target == "0.4" else written["ome"]
    # In 0.4 the keys of the standard and those of others share one place.
    assert (written if source == "0.4" else image)["further"] == MARK
    (entry,) = image["multiscales"]
    channels = image["omero"]["channels"]
    windows = [channel["window"] for channel in channels]
    for place in (entry, *entry["axes"], *entry["datasets"], *channels, *windows):
        assert {key: place[key] for key in MARK} == MARK
    assert [channel["emission_wavelength"] for channel in channels] == [461, 461]
    assert (image["omero"]["rdefs"], image["omero"]["id"]) == ({"model": "color"}, 7)


def test_attributes_of_the_image_data_resource_are_on_the_dataset_and_the_tree(path):
    write(path, [two_levels()], others=IDR)
    for opened in (
        xr.open_dataset(path, engine="omezarr"),
        xr.open_datatree(path, engine="omezarr"),
    ):
        assert opened.attrs == IDR


@VERSIONS
def test_labels_beside_the_levels_do_not_disturb(path, version):
    image(path, version)
    group = zarr.open_group(path, mode="r+")
    labels = group.create_group("labels")
    names = {"labels": ["cells"]}
    labels.attrs.put(
        names if version == "0.4" else {"ome": {"version": "0.5", **names}}
    )
    cells = labels.create_group("cells")
    cells.create_array("0", shape=PIXELS.shape, dtype="uint32", chunks=PIXELS.shape)
    group.create_group("tables").attrs["ngio"] = True
    assert_is_the_image(xo.open_image(path))
    with pytest.warns(xo.OmeZarrWarning, match="'labels/cells'.*without OME-Zarr"):
        tree = xr.open_datatree(path, engine="omezarr")
    assert {"0", "1"} == set(tree.children)


@VERSIONS
def test_a_group_without_an_image_says_what_it_is(path, version):
    zarr_format = 2 if version == "0.4" else 3
    group = zarr.open_group(path, mode="w", zarr_format=zarr_format)
    with pytest.raises(xo.OmeZarrError, match="without OME-Zarr metadata"):
        xo.open_image(path)
    plate = {"plate": {"version": version, "wells": []}}
    group.attrs.put(plate if version == "0.4" else {"ome": {"version": "0.5", **plate}})
    with pytest.raises(xo.OmeZarrError, match="group="):
        xo.open_image(path)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        xo.open_image(path / "nowhere")


def test_a_level_that_is_missing_is_named(path):
    multiscale = two_levels()
    write(path, [multiscale])
    group = zarr.open_group(path, mode="r+")
    del group["1"]
    assert_is_the_image(xo.open_image(path))
    with pytest.raises(xo.OmeZarrError, match="'1'"):
        xo.open_image(path, level=1)


# -- options of the engine ----------------------------------------------------


def write_sharded(path):
    group = zarr.open_group(path, mode="w", zarr_format=3)
    for name, options in {"0": {"shards": (16, 24)}, "1": {}}.items():
        pixels = PIXELS if name == "0" else PIXELS[::2, ::2]
        array = group.create_array(
            name, shape=pixels.shape, dtype="uint16", chunks=(8, 6), **options
        )
        array[...] = pixels
    group.attrs["ome"] = {"version": "0.5", "multiscales": [two_levels()]}


def test_chunks_of_dask_are_the_shards_else_the_chunks(path):
    write_sharded(path)
    tree = xr.open_datatree(path, engine="omezarr", chunks={})
    assert tree["0"]["image"].chunks == ((16, 8), (24, 12))
    assert tree["1"]["image"].chunks == ((8, 4), (6, 6, 6))
    assert xo.open_image(path, chunks={}).chunks == ((16, 8), (24, 12))
    assert xo.open_image(path, chunks={"y": 24}).chunks == ((24,), (24, 12))
    assert xo.open_image(path, chunks=-1).chunks == ((24,), (36,))
    assert_is_the_image(tree["0"]["image"])
    encoding = xo.open_image(path).encoding
    assert (encoding["chunks"], encoding["shards"]) == ((8, 6), (16, 24))


@VERSIONS
def test_variables_can_be_dropped(path, version):
    image(path, version)
    for names in ("x", ["x", "nothing"]):
        ds = xr.open_dataset(path, engine="omezarr", drop_variables=names)
        assert set(ds.variables) == {"image", "y"}
        tree = xr.open_datatree(path, engine="omezarr", drop_variables=names)
        assert set(tree["1"].variables) == {"image", "y"}
    assert not xr.open_dataset(path, engine="omezarr", drop_variables="image").data_vars


DECODING = {
    "mask_and_scale": True,
    "decode_times": True,
    "concat_characters": True,
    "decode_coords": True,
    "decode_timedelta": False,
}


@pytest.mark.parametrize("options", [DECODING, {"decode_cf": False}, {"cache": False}])
def test_keywords_of_decoding_are_accepted_and_change_nothing(path, options):
    image(path)
    ds = xr.open_dataset(path, engine="omezarr", **options)
    assert_is_the_image(ds["image"])
    assert ds["image"].dtype == np.dtype("uint16")


def test_pixels_can_be_loaded_without_blocking(path):
    image(path)
    ds = xr.open_dataset(path, engine="omezarr")

    async def load():
        part = ds["image"].isel(y=slice(2, 9), x=[3, 1])
        points = {dim: xr.DataArray([1, 5, 3], dims="p") for dim in ("y", "x")}
        picked = ds["image"].isel(points)
        return await asyncio.gather(part.load_async(), picked.load_async())

    part, picked = asyncio.run(load())
    np.testing.assert_array_equal(part, PIXELS[2:9][:, [3, 1]])
    np.testing.assert_array_equal(picked, PIXELS[[1, 5, 3], [1, 5, 3]])


def test_positions_are_the_decimals_that_people_write(path):
    multiscale = {"axes": axes("yx"), "datasets": [level("0", [0.1, 0.325])]}
    write(path, [multiscale])
    da = xo.open_image(path)
    for i in range(36):
        # Literals: not products, which differ from them in the last bit.
        literal = float(f"{i * 325 // 1000}.{i * 325 % 1000:03d}")
        assert da.sel(x=literal, y=0.3).item() == PIXELS[3, i]
    assert da.sel(x=0.975, y=0.7).item() == PIXELS[7, 3]
    assert da.sel(x=slice(0.65, 1.3)).sizes["x"] == 3


# -- without engine= ----------------------------------------------------------


@VERSIONS
@pytest.mark.parametrize("name", ["theirs.ome.zarr", "theirs.zarr", "theirs"])
def test_images_are_recognised_without_naming_the_engine(tmp_path, version, name):
    image(tmp_path / name, version)
    for place in (tmp_path / name, str(tmp_path / name)):
        assert_is_the_image(xr.open_dataset(place)["image"])
        assert_is_the_image(xr.open_datatree(place)["0"]["image"])
        assert_is_the_image(xr.open_dataarray(place))


@pytest.mark.parametrize("zarr_format", [2, 3])
@pytest.mark.parametrize("name", ["plain.zarr", "model of the ocean.zarr"])
def test_plain_zarr_is_left_to_the_engine_of_zarr(tmp_path, zarr_format, name):
    plain = xr.Dataset({"image": ("t", [1, 2, 3])}, attrs={"title": "ome and all"})
    plain.to_zarr(tmp_path / name, zarr_format=zarr_format, consolidated=False)
    opened = xr.open_dataset(tmp_path / name, consolidated=False)
    xr.testing.assert_identical(opened.load(), plain)


def test_plain_zarr_is_refused_by_this_engine(tmp_path):
    xr.Dataset({"a": ("t", [1, 2])}).to_zarr(
        tmp_path / "plain.zarr", consolidated=False
    )
    with pytest.raises(xo.OmeZarrError, match="without OME-Zarr metadata"):
        xr.open_dataset(tmp_path / "plain.zarr", engine="omezarr")


# -- what can be done with what was opened ------------------------------------


@pytest.mark.parametrize("chunks", [None, {}])
def test_what_was_opened_can_be_pickled_and_copied(path, chunks):
    image(path)
    da = xo.open_image(path, chunks=chunks)
    tree = xr.open_datatree(path, engine="omezarr", chunks=chunks)
    for one in (pickle.loads(pickle.dumps(da)), copy.deepcopy(da)):
        assert_is_the_image(one)
    for one in (pickle.loads(pickle.dumps(tree)), copy.deepcopy(tree)):
        assert_is_the_image(one["0"]["image"])


@VERSIONS
def test_levels_are_chosen_by_number_from_either_end(path, version):
    image(path, version)
    coarse = PIXELS[::2, ::2]
    for number in (1, -1):
        np.testing.assert_array_equal(xo.open_image(path, level=number), coarse)
        ds = xr.open_dataset(path, engine="omezarr", level=number)
        np.testing.assert_array_equal(ds["image"], coarse)
        np.testing.assert_array_equal(ds["x"], 7.25 + np.arange(18))
        tree = xr.open_datatree(path, engine="omezarr", levels=[number])
        assert list(tree.children) == ["1"]
    for number in (2, -3):
        with pytest.raises(xo.OmeZarrError, match="2 levels"):
            xo.open_image(path, level=number)
    assert list(xr.open_datatree(path, engine="omezarr", levels="all")) == ["0", "1"]


@VERSIONS
def test_an_image_inside_a_store_is_opened_by_its_group(path, version):
    zarr_format = 2 if version == "0.4" else 3
    zarr.open_group(path, mode="w", zarr_format=zarr_format).create_group("A/1")
    image(path / "A" / "1" / "0", version)
    for group in ("A/1/0", "/A/1/0", "A/1/0/"):
        assert_is_the_image(xo.open_image(path, group=group))
        tree = xr.open_datatree(path, engine="omezarr", group=group)
        assert_is_the_image(tree["0"]["image"])
    with pytest.raises(FileNotFoundError, match="A/1/7"):
        xo.open_image(path, group="A/1/7")


def test_a_tree_knows_that_it_is_an_image_and_its_levels(path):
    image(path)
    tree = xr.open_datatree(path, engine="omezarr")
    assert tree.omezarr.kind == "image"
    assert [ds["image"].shape for ds in tree.omezarr.levels] == [(24, 36), (12, 18)]
    assert tree["0"].omezarr.kind is None
