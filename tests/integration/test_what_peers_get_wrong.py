"""What was measured to go wrong elsewhere goes right here: one test per defect."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import textwrap
import warnings
import weakref

import dask
import dask.array
import numpy as np
import ome_zarr.io
import ome_zarr.reader
import pytest
import tensorstore
import xarray as xr
import yaozarrs

import xarray_omezarr as xo

EMPTY = np.empty((0, 0), "uint16")
METHODS = ["mean", "nearest", "mode", "median", "max", "min"]
VERSIONS = pytest.mark.parametrize("version", ["0.4", "0.5"])


def image(dims="yx", shape=(24, 36), *, scale=0.5, first=0.0, dtype="uint16"):
    """An image with coordinates in micrometers along every spatial dim."""
    coords = {
        dim: (dim, first + scale * np.arange(size), {"units": "micrometer"})
        for dim, size in zip(dims, shape, strict=True)
        if dim in "zyx"
    }
    pixels = np.arange(math.prod(shape)).reshape(shape) % 199
    return xr.DataArray(pixels.astype(dtype), coords, tuple(dims))


def read_metadata(path):
    """The metadata of the standard, straight from the file, by strict JSON."""

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    name = "zarr.json" if (path / "zarr.json").exists() else ".zattrs"
    document = json.loads((path / name).read_text("utf-8"), parse_constant=refuse)
    return document["attributes"]["ome"] if name == "zarr.json" else document


def read_levels(path):
    """``(scale, translation, pixels)`` of each level, without any of our code."""
    found = []
    for dataset in read_metadata(path)["multiscales"][0]["datasets"]:
        numbers = {
            entry["type"]: entry[entry["type"]]
            for entry in dataset["coordinateTransformations"]
        }
        scale = numbers["scale"]
        translation = numbers.get("translation", [0.0] * len(scale))
        found.append((scale, translation, read_pixels(path / dataset["path"])))
    return found


def read_pixels(path):
    driver = "zarr3" if (path / "zarr.json").exists() else "zarr"
    spec = {"driver": driver, "kvstore": {"driver": "file", "path": str(path)}}
    return tensorstore.open(spec, read=True, open=True).result().read().result()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cells.ome.zarr"


# ome-zarr: only the number of factors counts, their values do not.
@VERSIONS
def test_scale_factors_of_3_and_9_give_levels_of_a_third_and_a_ninth(path, version):
    da = image(shape=(270, 135))
    da.omezarr.to_image(path, scale_factors=[3, 9], version=version)
    scales, translations, pixels = zip(*read_levels(path), strict=True)
    assert [level.shape for level in pixels] == [(270, 135), (90, 45), (30, 15)]
    assert list(scales) == [[0.5, 0.5], [1.5, 1.5], [4.5, 4.5]]
    assert list(translations) == [[0.0, 0.0], [0.5, 0.5], [2.0, 2.0]]


# ome-zarr: unknown keywords are swallowed, and nothing of what they ask for is done.
@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("chunk", "chunks"),
        ("scale_factor", "scale_factors"),
        ("compressor", "compression"),
    ],
)
def test_an_unknown_option_raises_and_the_nearest_one_is_named(path, wrong, meant):
    with pytest.raises(TypeError, match=rf"'{wrong}'.*did you mean '{meant}'"):
        image().omezarr.to_image(path, **{wrong: 32})
    assert not path.exists()


def test_transformations_that_would_be_ignored_are_no_option(path):
    scale = [[{"type": "scale", "scale": [0.5, 0.5]}]]
    with pytest.raises(TypeError, match="coordinate_transformations"):
        image().omezarr.to_image(path, coordinate_transformations=scale)


# ome-zarr, ngff-zarr: coordinates of a DataArray are dropped. yaozarrs raises.
@VERSIONS
def test_coordinates_of_a_data_array_become_scale_and_translation(path, version):
    da = image(scale=0.325, first=100.1)
    da.omezarr.to_image(path, version=version, scale_factors=None)
    ((scale, translation, _),) = read_levels(path)
    assert (scale, translation) == ([0.325, 0.325], [100.1, 100.1])
    axes = read_metadata(path)["multiscales"][0]["axes"]
    assert [axis["unit"] for axis in axes] == ["micrometer", "micrometer"]


# ome-zarr: 0-510 for uint16; bioio: 0-255.
@VERSIONS
def test_the_window_of_uint16_is_that_of_the_pixels(path, version):
    pixels = np.full((2, 40, 40), 700, "uint16")
    pixels[0, 0, 0], pixels[0, 0, 1] = 150, 4000
    pixels[1] = np.arange(1600).reshape(40, 40) + 10_000
    da = xr.DataArray(pixels, dims=("c", "y", "x"))
    da.omezarr.to_image(path, version=version, scale_factors=None)
    first, second = (c["window"] for c in read_metadata(path)["omero"]["channels"])
    assert (first["min"], first["max"]) == (150, 4000)
    assert (second["min"], second["max"]) == (10_000, 11_599)
    # 0.1 and 99.9 percentiles of 1600 consecutive numbers.
    assert second["start"] == pytest.approx(10_000 + 1.599)
    assert second["end"] == pytest.approx(10_000 + 1599 - 1.599)


# ome-zarr and ngff-zarr (without being asked): the folder is removed.
@pytest.mark.parametrize("mode", [None, "w-", "w", "a"])
@pytest.mark.parametrize("compute", [True, False])
def test_a_folder_that_is_not_zarr_is_never_removed(tmp_path, mode, compute):
    folder = tmp_path / "thesis"
    folder.mkdir()
    (folder / "precious.txt").write_text("three years of work")
    with pytest.raises(FileExistsError, match="not Zarr"):
        image().omezarr.to_image(folder, mode=mode, compute=compute)
    assert [file.name for file in folder.iterdir()] == ["precious.txt"]
    assert (folder / "precious.txt").read_text() == "three years of work"


def test_precious_files_inside_an_image_survive_its_replacement_being_refused(path):
    image().omezarr.to_image(path)
    (path / "notes").mkdir()
    (path / "notes" / "precious.txt").write_text("three years of work")
    with pytest.raises(FileExistsError, match="notes"):
        image().omezarr.to_image(path, mode="w")
    assert (path / "notes" / "precious.txt").read_text() == "three years of work"
    xr.testing.assert_equal(xo.open_image(path).load(), image())


# ome-zarr: an error of zarr, and no way to replace.
@VERSIONS
def test_writing_twice_raises_file_exists_error_unless_told_to_replace(path, version):
    image().omezarr.to_image(path, version=version)
    before = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    for mode in (None, "w-", "a"):
        with pytest.raises(FileExistsError, match="mode='w'"):
            (image() + 1).omezarr.to_image(path, mode=mode, version=version)
    after = {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}
    assert after == before
    (image() + 1).omezarr.to_image(path, mode="w", version=version)
    np.testing.assert_array_equal(read_pixels(path / "0"), image().values + 1)


# ome-zarr: the metadata are complete before there is any data.
@VERSIONS
def test_compute_false_leaves_nothing_that_looks_finished(path, version):
    delayed = image().chunk(10).omezarr.to_image(path, compute=False, version=version)
    assert_looks_like_nothing(path)

    delayed.compute()
    yaozarrs.validate_zarr_store(str(path))
    (node,) = found_by_ome_zarr(path)
    np.testing.assert_array_equal(np.asarray(node.data[0]), image().values)


@VERSIONS
def test_nothing_looks_finished_while_pixels_are_still_written(path, version):
    written = []

    def watching(block):
        written.append(len(files_in(path)))
        assert_looks_like_nothing(path)
        return block

    pixels = image().chunk(10).data.map_blocks(watching, dtype="uint16", meta=EMPTY)
    with dask.config.set(scheduler="sync"):
        image().copy(data=pixels).omezarr.to_image(
            path, chunks=10, version=version, memory_limit="512 B"
        )
    # Blocks were stored while others were still waiting.
    assert written[0] < written[-1]
    yaozarrs.validate_zarr_store(str(path))


def assert_looks_like_nothing(path):
    with pytest.raises(xo.OmeZarrError):
        xo.open_image(path)
    with pytest.raises(Exception):  # noqa: B017 - which one is not ours to say
        yaozarrs.validate_zarr_store(str(path))
    assert all("multiscales" not in n.metadata for n in found_by_ome_zarr(path))
    assert not any(b"multiscales" in file.read_bytes() for file in files_in(path))


def found_by_ome_zarr(path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        location = ome_zarr.io.parse_url(str(path))
        return [] if location is None else list(ome_zarr.reader.Reader(location)())


def files_in(path):
    # Files on the way to their names may be gone before they are looked at.
    files = [file for file in path.rglob("*") if file.suffix != ".partial"]
    return [file for file in files if file.is_file()]


# ome-zarr: pixel (1, 1) is sampled, and position (0.5, 0.5) is recorded.
@pytest.mark.parametrize("factor", [2, 3, 5])
def test_the_translation_of_nearest_is_that_of_the_pixel_it_sampled(path, factor):
    da = image(shape=(20, 30), first=7.0)
    da.omezarr.to_image(path, scale_factors=[factor], method="nearest")
    (_, (scale, translation, coarse)) = read_levels(path)
    for i, j in np.ndindex(coarse.shape):
        y, x = translation[0] + i * scale[0], translation[1] + j * scale[1]
        assert coarse[i, j] == da.sel(y=y, x=x).item()


# ome-zarr: the default method fails for bool.
@VERSIONS
@pytest.mark.parametrize("method", ["auto", *METHODS])
def test_bool_images_work_with_every_method(path, version, method):
    pixels = np.zeros((8, 8), bool)
    pixels[:4, :4] = True
    da = xr.DataArray(pixels, dims=("y", "x"))
    da.omezarr.to_image(path, scale_factors=[2], method=method, version=version)
    _, (_, _, coarse) = read_levels(path)
    assert coarse.dtype == bool
    np.testing.assert_array_equal(coarse, pixels[::2, ::2])


# ome-zarr: a custom axis fails.
@VERSIONS
def test_a_custom_axis_is_put_where_the_standard_wants_it(path, version):
    da = image("zqyx", (2, 3, 8, 9))
    da.omezarr.to_image(path, version=version)
    axes = read_metadata(path)["multiscales"][0]["axes"]
    assert [axis["name"] for axis in axes] == ["q", "z", "y", "x"]
    expected = da.transpose("q", "z", "y", "x").values
    np.testing.assert_array_equal(read_pixels(path / "0"), expected)


# ome-zarr: reading loses the translation.
@VERSIONS
def test_the_translation_survives_reading(path, version):
    da = image(scale=0.325, first=250.325)
    da.omezarr.to_image(path, version=version)
    back = xo.open_image(path)
    np.testing.assert_array_equal(back["x"][:3], [250.325, 250.65, 250.975])
    assert back.omezarr.translation == {"y": 250.325, "x": 250.325}


# yaozarrs with tensorstore: the whole dask array is computed at once.
def test_a_chunk_of_dask_is_let_go_when_its_block_is_written(path):
    made, living = [], []

    def block(block_info):
        chunk = np.ones(block_info[None]["chunk-shape"], "uint16")
        made.append(weakref.ref(chunk))
        living.append(sum(known() is not None for known in made))
        return chunk

    pixels = dask.array.map_blocks(
        block,
        chunks=((64,) * 8, (64,) * 8),
        dtype="uint16",
        meta=np.empty((0, 0), "u2"),
    )
    da = xr.DataArray(pixels, dims=("y", "x"))
    made.clear()
    living.clear()
    with dask.config.set(scheduler="sync"):
        # 64 KiB hold two by two chunks of 8 KiB with their levels, and no more.
        da.omezarr.to_image(path, chunks=64, memory_limit="64 KiB", compression="none")
    assert len(living) == 64
    assert max(living) <= 4


def test_a_large_dask_array_is_never_in_memory_as_a_whole(path):
    code = f"""
        import tracemalloc
        import dask.array, numpy as np, xarray as xr
        import xarray_omezarr as xo

        def lazy(*shape):
            pixels = dask.array.zeros(shape, chunks=1024, dtype="uint16") + 1
            return xr.DataArray(pixels, dims=("y", "x"))

        lazy(1024, 1024).omezarr.to_image({str(path.with_name("warm"))!r})
        large = lazy(16384, 8192)
        assert large.nbytes == 256 * 2**20
        tracemalloc.start()
        with dask.config.set(scheduler="threads", num_workers=2):
            large.omezarr.to_image({str(path)!r}, compression="none")
        print(tracemalloc.get_traced_memory()[1])
    """
    run = [sys.executable, "-W", "error", "-c", textwrap.dedent(code)]
    done = subprocess.run(run, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 120 * 2**20
    assert read_metadata(path)["multiscales"][0]["datasets"][-1]["path"] == "5"


# yaozarrs: a local folder called "s3:" appears.
def test_an_s3_url_never_makes_a_local_folder(tmp_path, monkeypatch):
    pytest.importorskip("s3fs")
    monkeypatch.chdir(tmp_path)
    # Nothing listens there, so that the write fails, and at once.
    options = {
        "key": "nobody",
        "secret": "nothing",
        "endpoint_url": "http://127.0.0.1:9",
        "config_kwargs": {"retries": {"max_attempts": 0}, "connect_timeout": 1},
    }
    with pytest.raises(Exception):  # noqa: B017 - whatever a dead connection raises
        image().omezarr.to_image("s3://bucket/cells.ome.zarr", storage_options=options)
    assert list(tmp_path.iterdir()) == []


# yaozarrs: an error of the backend that names no dim.
@pytest.mark.parametrize(
    ("shards", "dim"), [({"y": 24, "x": 20}, "x"), ({"y": 20, "x": 24}, "y")]
)
def test_shards_that_are_no_multiple_of_the_chunks_name_the_dim(path, shards, dim):
    with pytest.raises(xo.LayoutError, match=f"along '{dim}'"):
        image(shape=(48, 48)).omezarr.to_image(path, chunks=8, shards=shards)
    assert not path.exists()


# ngff-zarr: the channels are called z.
@VERSIONS
def test_channels_y_x_are_not_called_z_y_x(path, version):
    da = xr.DataArray(np.zeros((3, 8, 8), "uint8"), dims=("c", "y", "x"))
    da.omezarr.to_image(path, version=version)
    axes = read_metadata(path)["multiscales"][0]["axes"]
    assert [(axis["name"], axis["type"]) for axis in axes] == [
        ("c", "channel"),
        ("y", "space"),
        ("x", "space"),
    ]


# ngff-zarr: 250 pixels of size 3.0, where 4.0 would be true.
@pytest.mark.parametrize("method", METHODS)
def test_factors_of_2_3_and_6_describe_1001_pixels_rightly(path, method):
    da = xr.DataArray(
        np.tile(np.arange(1001.0), (4, 1)), {"x": np.arange(1001.0)}, ("y", "x")
    )
    factors = [{"x": 2}, {"x": 3}, {"x": 6}]
    da.omezarr.to_image(path, scale_factors=factors, method=method)
    _, *coarser = read_levels(path)
    assert [pixels.shape[1] for _, _, pixels in coarser] == [501, 334, 167]
    assert [scale[1] for scale, _, _ in coarser] == [2.0, 3.0, 6.0]
    if method in ("mean", "median", "nearest"):
        for scale, translation, pixels in coarser:
            declared = translation[1] + scale[1] * np.arange(pixels.shape[1])
            # The last block may be a partial one, whose pixels lie further left.
            np.testing.assert_allclose(pixels[0, :-1], declared[:-1], rtol=1e-12)


# xarray-ome-ngff: units are required, as are coordinates; channel names fail.
@VERSIONS
def test_coordinates_without_units_are_written_without_units(path, version):
    da = xr.DataArray(
        np.zeros((4, 4), "uint8"),
        {"y": 2.0 * np.arange(4), "x": np.arange(4)},
        ("y", "x"),
    )
    da.omezarr.to_image(path, version=version)
    axes = read_metadata(path)["multiscales"][0]["axes"]
    assert axes == [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    assert read_levels(path)[0][:2] == ([2.0, 1.0], [0.0, 0.0])


@VERSIONS
def test_names_of_channels_are_written_as_they_are(path, version):
    names = ["DAPI", "GFP (488 nm)", "µ-tubulin"]
    da = image("cyx", (3, 8, 8)).assign_coords(c=names)
    da.omezarr.to_image(path, version=version)
    channels = read_metadata(path)["omero"]["channels"]
    assert [channel["label"] for channel in channels] == names


def test_missing_coordinates_count_pixels(path):
    da = xr.DataArray(np.zeros((2, 4, 4), "uint8"), dims=("z", "y", "x"))
    da.omezarr.to_image(path)
    assert read_levels(path)[0][:2] == ([1.0, 1.0, 1.0], [0.0, 0.0, 0.0])


# xarray-ome-ngff and others: the first step stands for all.
@pytest.mark.parametrize("irregular", ["auto", "raise"])
def test_uneven_space_is_refused(path, irregular):
    da = image().assign_coords(x=np.arange(36.0) ** 2)
    with pytest.raises(ValueError, match="'x' is not evenly spaced"):
        da.omezarr.to_image(path, irregular=irregular)
    assert not path.exists()


@VERSIONS
def test_uneven_times_are_kept_to_the_last_bit(path, version):
    times = np.array([0.0, 1.0, 4.0, 9.1])
    da = image("tyx", (4, 8, 8)).assign_coords(t=("t", times, {"units": "s"}))
    with pytest.warns(xo.OmeZarrWarning, match="'t' is not evenly spaced"):
        da.omezarr.to_image(path, version=version)
    np.testing.assert_array_equal(xo.open_image(path)["t"], times)
    assert read_levels(path)[0][0][0] == pytest.approx(9.1 / 3)


# xarray-ome-ngff: 0.10000000000000003.
@pytest.mark.parametrize("first", [0.0, 0.3, 12.7, -3.1])
@pytest.mark.parametrize("make", ["arange", "linspace", "product", "sum"])
def test_a_tenth_is_written_as_0_1(path, first, make):
    made = {
        "arange": np.arange(first, first + 3.55, 0.1)[:36],
        "linspace": np.linspace(first, first + 3.5, 36),
        "product": first + 0.1 * np.arange(36),
        "sum": np.cumsum([first, *[0.1] * 35]),
    }[make]
    image().assign_coords(x=made).omezarr.to_image(path, scale_factors=None)
    scale, translation, _ = read_levels(path)[0]
    assert (scale[1], translation[1]) == (0.1, first)


# xarray-ome-ngff: the image is mirrored and shifted, and nothing is said.
def test_descending_y_is_refused_and_the_remedy_named(path):
    da = image(shape=(8, 8)).isel(y=slice(None, None, -1))
    with pytest.raises(ValueError, match=r"'y' descends.*\.sortby\('y'\)"):
        da.omezarr.to_image(path)
    da.sortby("y").omezarr.to_image(path)
    np.testing.assert_array_equal(read_pixels(path / "0"), image(shape=(8, 8)).values)
    assert read_levels(path)[0][:2] == ([0.5, 0.5], [0.0, 0.0])


# xarray-ome: 0, 0.5, 1 are written, the geometry of before.
@VERSIONS
def test_a_crop_with_a_stride_is_written_where_it_lies(path, tmp_path, version):
    image(shape=(24, 60)).omezarr.to_image(tmp_path / "source.ome.zarr")
    for source in (
        image(shape=(24, 60)),
        xo.open_image(tmp_path / "source.ome.zarr"),
        xo.open_image(tmp_path / "source.ome.zarr", chunks={}),
    ):
        crop = source.isel(x=slice(20, None, 2))
        crop.omezarr.to_image(path, mode="w", version=version, scale_factors=None)
        scale, translation, pixels = read_levels(path)[0]
        x = translation[1] + scale[1] * np.arange(pixels.shape[1])
        assert x[:3].tolist() == [10.0, 11.0, 12.0]
        np.testing.assert_array_equal(pixels, image(shape=(24, 60)).values[:, 20::2])


# bioio, iohub, ngio: coarser levels have no translation.
@VERSIONS
def test_coarser_levels_are_shifted_by_half_the_difference_of_the_pixels(path, version):
    da = image("zyx", (8, 64, 64), first=3.0)
    da.omezarr.to_image(path, scale_factors=[2, 4, 8], version=version)
    translations = [translation for _, translation, _ in read_levels(path)]
    shifts = [0.5 * (factor - 1) / 2 for factor in (1, 2, 4, 8)]
    assert translations == [[3.0, 3.0 + shift, 3.0 + shift] for shift in shifts]


# iohub: 33 pixels, which is right, of a size that is right by chance; others divide
# shapes and write a scale of 1.97.
@pytest.mark.parametrize("method", METHODS)
@VERSIONS
def test_65_pixels_become_33_of_exactly_twice_the_size(path, method, version):
    da = image(shape=(65, 129), scale=0.3)
    da.omezarr.to_image(path, scale_factors=[2, 4], method=method, version=version)
    levels = read_levels(path)
    assert [pixels.shape for *_, pixels in levels] == [(65, 129), (33, 65), (17, 33)]
    assert [scale for scale, *_ in levels] == [[0.3, 0.3], [0.6, 0.6], [1.2, 1.2]]


# spatialdata: pixels are centred on 0.5, which becomes a translation.
class Transformation:
    """What spatialdata keeps in ``attrs["transform"]``, as far as it is asked."""

    def __init__(self, matrix):
        self._matrix = np.asarray(matrix)

    def to_affine_matrix(self, input_axes, output_axes):
        assert input_axes == output_axes == ("y", "x")
        return self._matrix


def test_pixels_of_spatialdata_that_centre_on_a_half_are_not_shifted(path):
    plain = Transformation(np.eye(3))
    scaled = Transformation([[0.25, 0, 10], [0, 0.25, 20], [0, 0, 1]])
    for transform, expected in (
        (plain, ([1.0, 1.0], [0.0, 0.0])),
        (scaled, ([0.25, 0.25], [10.0, 20.0])),
    ):
        da = xr.DataArray(
            np.zeros((6, 8), "uint8"),
            {"y": np.arange(6) + 0.5, "x": np.arange(8) + 0.5},
            ("y", "x"),
            attrs={"transform": {"global": transform}},
        )
        with pytest.warns(xo.OmeZarrWarning, match="transform"):
            da.omezarr.to_image(path, mode="w", scale_factors=None)
        assert read_levels(path)[0][:2] == expected


# spatialdata: names that are not there are written as numbers.
@VERSIONS
def test_labels_of_channels_are_texts_or_absent(path, version):
    image("cyx", (2, 8, 8)).omezarr.to_image(path, version=version)
    for channel in read_metadata(path)["omero"]["channels"]:
        assert isinstance(channel.get("label", ""), str)


# multiscale-spatial-image: names of channels become 0, 1, 2.
@VERSIONS
def test_names_of_channels_survive_on_all_levels(path, version):
    da = image("cyx", (2, 64, 64)).assign_coords(c=["DAPI", "GFP"])
    da.omezarr.to_image(path, scale_factors=[2, 4], version=version)
    tree = xr.open_datatree(path, engine="omezarr")
    for level in ("0", "1", "2"):
        assert tree[level]["c"].values.tolist() == ["DAPI", "GFP"]


# multiscale-spatial-image: "unit": "" on the channel axis.
@VERSIONS
def test_no_unit_is_empty_or_null(path, version):
    da = image("tcyx", (2, 2, 8, 8))
    da["x"].attrs["units"] = ""
    da["y"].attrs["units"] = None
    da.omezarr.to_image(path, version=version)
    text = " ".join(file.read_text() for file in files_in(path) if is_metadata(file))
    assert '"unit"' not in text
    assert "multiscales" in text


def is_metadata(file):
    return file.name in ("zarr.json", ".zattrs", ".zgroup", ".zarray")


def test_all_coordinates_are_there_when_an_image_is_opened(path):
    da = image("tcyx", (3, 2, 8, 8), first=5.0)
    da = da.assign_coords(t=("t", 1.5 * np.arange(3), {"units": "s"}))
    da.omezarr.to_image(path)
    level = xr.open_datatree(path, engine="omezarr")["0"]
    np.testing.assert_array_equal(level["t"], [0.0, 1.5, 3.0])
    np.testing.assert_array_equal(level["x"], 5.0 + 0.5 * np.arange(8))
    units = [level[dim].attrs["units"] for dim in "tyx"]
    assert units == ["second", "micrometer", "micrometer"]
