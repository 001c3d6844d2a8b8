"""The engine: what it takes, what it leaves to others, what it opens."""

from __future__ import annotations

import asyncio
import builtins
import inspect
import io
import json
import pickle

import numpy as np
import pytest
import xarray as xr
import zarr
from xarray.backends import plugins
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.backend import OmeZarrBackendEntrypoint

PIXELS = np.arange(2 * 64 * 48, dtype="uint16").reshape(2, 64, 48)
IMAGE = xr.DataArray(
    PIXELS,
    dims=("c", "y", "x"),
    coords={"c": ["DAPI", "GFP"], "x": ("x", 0.5 * np.arange(48), {"units": "um"})},
    name="cells",
)
ENGINE = OmeZarrBackendEntrypoint()


def takes(place):
    return ENGINE.guess_can_open(place)


@pytest.fixture(params=["0.4", "0.5"])
def image(request, tmp_path):
    """The path of an image whose name does not tell what it is."""
    path = tmp_path / "cells.zarr"
    xo.write_image(IMAGE, path, scale_factors=[2, 4], version=request.param)
    return path


class RemotePath:
    """As universal_pathlib's paths of other machines: no `os.PathLike`."""

    protocol = "s3"
    storage_options = {}  # noqa: RUF012 - as there

    def __str__(self):
        return "s3://bucket/cells.ome.zarr"

    def joinpath(self, *parts):
        raise AssertionError("looked into")


class BytesPath:
    def __fspath__(self):
        return b"/data/cells.zarr"


class TestTakes:
    def test_an_image_is_known_by_its_metadata(self, image) -> None:
        assert takes(image)
        assert takes(str(image))
        assert takes(f"{image}/")

    def test_an_image_is_known_in_a_group_and_in_a_store(self) -> None:
        store = MemoryStore()
        group = xo.write_image(IMAGE, store, group="a")
        assert takes(group)
        assert not takes(zarr.open_group(store, mode="r"))

    def test_the_ending_is_enough(self) -> None:
        assert takes("anything.ome.zarr")
        assert takes("anything.ome.zarr/")
        assert takes("s3://bucket/anything.ome.zarr")
        assert takes("https://example.org/data/anything.ome.zarr/")

    def test_the_ending_of_a_remote_path_is_enough(self) -> None:
        assert takes(RemotePath())

    def test_for_that_nothing_is_opened(self, monkeypatch) -> None:
        def refuse(*args, **kwargs):
            raise AssertionError("opened something")

        monkeypatch.setattr(builtins, "open", refuse)
        assert takes("s3://bucket/anything.ome.zarr")
        assert not takes("s3://bucket/anything.zarr")

    def test_xarray_finds_the_engine_by_itself(self, image) -> None:
        assert plugins.guess_engine(str(image)) == "omezarr"
        xr.testing.assert_identical(
            xr.open_dataset(image), xr.open_dataset(image, engine="omezarr")
        )

    @pytest.mark.parametrize(
        "attrs",
        [
            {"ome": {"version": "0.5", "plate": {"wells": []}}},
            {"plate": {"wells": []}},
            {"bioformats2raw.layout": 3},
        ],
    )
    def test_what_else_is_ome_zarr_is_taken_and_explained(
        self, tmp_path, attrs
    ) -> None:
        zarr_format = 3 if "ome" in attrs else 2
        zarr.create_group(
            tmp_path / "p.zarr", zarr_format=zarr_format, attributes=attrs
        )
        assert takes(tmp_path / "p.zarr")
        with pytest.raises(xo.NotOmeZarrError, match="group="):
            xr.open_dataset(tmp_path / "p.zarr")


class TestLeaves:
    @pytest.mark.parametrize("zarr_format", [2, 3])
    @pytest.mark.parametrize(
        "attrs",
        [
            {},
            {"title": "home of the plate"},
            {"ome": "sweet home"},
            {"plate": "B", "well": "A1"},
            {"multiscale": True},
            {"note": 'he said "ome" and "well"'},
        ],
    )
    def test_plain_zarr_is_left_to_xarray(self, tmp_path, zarr_format, attrs) -> None:
        path = tmp_path / "x.zarr"
        ds = xr.Dataset({"a": ("x", [1, 2, 3])}, attrs=attrs)
        ds.to_zarr(path, zarr_format=zarr_format, consolidated=False)
        assert not takes(path)
        assert plugins.guess_engine(str(path)) == "zarr"

    def test_netcdf_is_left_to_xarray(self, tmp_path) -> None:
        (tmp_path / "x.nc").write_bytes(b"CDF\x01")
        assert not takes(tmp_path / "x.nc")

    @pytest.mark.parametrize(
        "place",
        [
            "absent.zarr",
            "",
            "/",
            "s3://bucket/x.zarr",
            "https://example.org/x.zarr",
            b"CDF\x01",
            BytesPath(),
            io.BytesIO(b"CDF\x01"),
            None,
            5,
            ["a.zarr", "b.zarr"],
            "name\0with nul",
            "x" * 5000,
        ],
    )
    def test_what_is_not_there_or_no_place_is_left(self, place) -> None:
        assert not takes(place)

    def test_a_level_is_an_array_and_left(self, image) -> None:
        assert not takes(image / "0")

    @pytest.mark.parametrize("text", ["", "{", '{"ome": ', '["ome"]'])
    def test_broken_metadata_are_left(self, tmp_path, text) -> None:
        (tmp_path / "zarr.json").write_text(text)
        assert not takes(tmp_path)

    def test_metadata_that_are_no_text_are_left(self, tmp_path) -> None:
        (tmp_path / "zarr.json").write_bytes(b'\xff\xfe"ome"\x00')
        assert not takes(tmp_path)

    def test_metadata_that_may_not_be_read_are_left(
        self, tmp_path, monkeypatch
    ) -> None:
        (tmp_path / "zarr.json").write_text('{"attributes": {"ome": {}}}')

        def refuse(*args, **kwargs):
            raise PermissionError("not yours")

        monkeypatch.setattr(builtins, "open", refuse)
        assert not takes(tmp_path)

    def test_an_interrupted_write_is_left(self, tmp_path) -> None:
        attrs = {"xarray_omezarr_unfinished": True}
        zarr.create_group(tmp_path / "x.zarr", attributes=attrs)
        assert not takes(tmp_path / "x.zarr")


class TestOpenDataset:
    def test_one_level_is_a_dataset_with_the_variable_image(self, image) -> None:
        ds = xr.open_dataset(image, engine="omezarr")
        assert list(ds.data_vars) == ["image"]
        np.testing.assert_array_equal(ds["image"], PIXELS)

    @pytest.mark.parametrize(
        ("level", "shape"), [(0, (2, 64, 48)), (1, (2, 32, 24)), (-1, (2, 16, 12))]
    )
    def test_the_level_can_be_chosen(self, image, level, shape) -> None:
        assert xr.open_dataset(image, level=level)["image"].shape == shape

    @pytest.mark.parametrize("level", [3, -4])
    def test_a_level_that_is_not_there_is_named(self, image, level) -> None:
        with pytest.raises(xo.OmeZarrError, match=rf"3 levels.*{level}"):
            xr.open_dataset(image, level=level)

    def test_without_dask_it_is_lazy_and_with_chunks_it_is_dask(self, image) -> None:
        assert xr.open_dataset(image)["image"].chunks is None
        assert xr.open_dataset(image, chunks={})["image"].chunks is not None

    def test_dask_chunks_are_the_stored_shards(self, tmp_path) -> None:
        xo.write_image(IMAGE, tmp_path / "x.zarr", chunks=(1, 8, 8), shards=(1, 32, 16))
        ds = xr.open_dataset(tmp_path / "x.zarr", chunks={})
        assert ds["image"].data.chunksize == (1, 32, 16)

    def test_dask_chunks_are_the_stored_chunks_where_there_are_no_shards(
        self, tmp_path
    ) -> None:
        xo.write_image(IMAGE, tmp_path / "x.zarr", chunks=(1, 16, 24))
        ds = xr.open_dataset(tmp_path / "x.zarr", chunks={})
        assert ds["image"].data.chunksize == (1, 16, 24)

    def test_generic_code_may_pass_what_decodes_other_formats(self, image) -> None:
        ds = xr.open_dataset(
            image,
            engine="omezarr",
            decode_cf=True,
            mask_and_scale=True,
            decode_times=True,
            decode_timedelta=False,
            use_cftime=None,
            concat_characters=True,
            decode_coords=True,
        )
        assert ds["image"].dtype == np.uint16
        xr.open_dataset(image, engine="omezarr", decode_cf=False)

    def test_an_unknown_keyword_is_answered_with_those_of_what_is_opened(
        self, image
    ) -> None:
        with pytest.raises(TypeError, match=r"'well'.*'wells'\?.*'fields'"):
            xr.open_datatree(image, engine="omezarr", well=["A/1"])
        with pytest.raises(TypeError, match=r"'levels'.*'level'\?"):
            xr.open_dataset(image, engine="omezarr", levels=0)

    @pytest.mark.parametrize("names", ["channel_color", ["channel_color", "absent"]])
    def test_variables_can_be_dropped(self, image, names) -> None:
        ds = xr.open_dataset(image, drop_variables=names)
        assert "channel_color" not in ds.variables
        assert "image" in ds.variables

    def test_an_image_is_opened_in_its_group(self, tmp_path) -> None:
        xo.write_image(IMAGE, tmp_path / "x.zarr", group="A/1")
        ds = xr.open_dataset(tmp_path / "x.zarr", engine="omezarr", group="A/1")
        assert ds["image"].shape == PIXELS.shape

    def test_the_only_variable_is_a_data_array(self, image) -> None:
        da = xr.open_dataarray(image, engine="omezarr", labels=False)
        assert da.name == "image"

    def test_the_source_is_told(self, image) -> None:
        assert xr.open_dataset(image).encoding["source"] == str(image)
        group = zarr.open_group(image, mode="r")
        found = xr.open_dataset(group, engine="omezarr").encoding["source"]
        assert found == str(image)

    def test_it_loads_without_blocking(self, image) -> None:
        async def load():
            return await xr.open_dataset(image).load_async()

        np.testing.assert_array_equal(asyncio.run(load())["image"], PIXELS)

    def test_it_travels_to_another_process(self, image) -> None:
        ds = pickle.loads(pickle.dumps(xr.open_dataset(image)))
        np.testing.assert_array_equal(ds["image"], PIXELS)

    def test_several_are_opened_at_once(self, tmp_path) -> None:
        paths = [tmp_path / f"{n}.ome.zarr" for n in "ab"]
        for n, path in enumerate(paths):
            xo.write_image(IMAGE.expand_dims(t=[float(n)]), path)
        ds = xr.open_mfdataset(
            paths,
            combine="nested",
            concat_dim="t",
            data_vars="all",
            coords="minimal",
            compat="override",
            join="exact",
        )
        assert ds["image"].sizes == {"t": 2, "c": 2, "y": 64, "x": 48}

    def test_an_option_that_does_not_exist_is_a_type_error(self, image) -> None:
        with pytest.raises(TypeError, match="resolution"):
            xr.open_dataset(image, engine="omezarr", resolution=1)


class TestOpenTree:
    def test_the_tree_mirrors_the_store(self, image) -> None:
        tree = xr.open_datatree(image, engine="omezarr")
        assert list(tree.groups) == ["/", "/0", "/1", "/2"]
        np.testing.assert_array_equal(tree["0/image"], PIXELS)
        assert tree["2/image"].sizes == {"c": 2, "y": 16, "x": 12}

    @pytest.mark.parametrize(
        ("levels", "paths"),
        [
            (None, ["/0", "/1", "/2"]),
            ("all", ["/0", "/1", "/2"]),
            (0, ["/0"]),
            (np.int64(1), ["/1"]),
            (-1, ["/2"]),
            ([0, 2], ["/0", "/2"]),
            ((1,), ["/1"]),
            (range(2), ["/0", "/1"]),
        ],
    )
    def test_levels_can_be_chosen(self, image, levels, paths) -> None:
        tree = xr.open_datatree(image, engine="omezarr", levels=levels)
        assert list(tree.groups) == ["/", *paths]

    @pytest.mark.parametrize("levels", ["some", "0", 1.5, [0.5]])
    def test_what_is_no_level_is_refused(self, image, levels) -> None:
        with pytest.raises(xo.OmeZarrError):
            xr.open_datatree(image, engine="omezarr", levels=levels)

    def test_groups_are_opened_as_a_dict(self, image) -> None:
        found = xr.open_groups(image, engine="omezarr")
        assert list(found) == ["/", "/0", "/1", "/2"]

    def test_the_source_is_told(self, image) -> None:
        assert xr.open_datatree(image).encoding["source"] == str(image)

    def test_variables_can_be_dropped_from_all_levels(self, image) -> None:
        tree = xr.open_datatree(image, drop_variables="channel_color")
        assert all("channel_color" not in node.variables for node in tree.subtree)

    def test_dask_is_used_on_demand(self, image) -> None:
        assert xr.open_datatree(image, chunks={})["1/image"].chunks is not None


@pytest.mark.parametrize(
    "method", ["open_dataset", "open_groups_as_dict", "open_datatree"]
)
def test_xarray_is_told_every_option_of_the_engine(method) -> None:
    # xarray reads them off the signature, unless the engine tells them.
    parameters = inspect.signature(getattr(ENGINE, method)).parameters.values()
    own = {p.name for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY}
    assert own - {"levels", "wells", "fields"} <= set(ENGINE.open_dataset_parameters)


@pytest.mark.parametrize("name", inspect.signature(xr.decode_cf).parameters)
def test_keywords_that_decode_conventions_have_no_effect(image, name) -> None:
    if name not in ("obj", "drop_variables"):
        found = xr.open_dataset(image, engine="omezarr", **{name: False})
        xr.testing.assert_identical(found, xr.open_dataset(image, engine="omezarr"))


def test_metadata_are_read_as_text_of_any_length(tmp_path) -> None:
    attrs = {"ome": {"version": "0.5", "note": "x" * 10**6, "multiscales": [{}]}}
    metadata = {"zarr_format": 3, "node_type": "group", "attributes": attrs}
    (tmp_path / "zarr.json").write_text(json.dumps(metadata))
    assert takes(tmp_path)
