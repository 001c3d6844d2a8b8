"""The verbs: what goes in comes out, and what cannot go in is refused in time."""

from __future__ import annotations

import inspect
import typing
import warnings

import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.api import can_open

PIXELS = np.arange(2 * 64 * 48, dtype="uint16").reshape(2, 64, 48)


def image(**kwargs):
    defaults = {
        "coords": {
            "c": ["DAPI", "GFP"],
            "y": ("y", 1 + 0.5 * np.arange(64), {"units": "micrometer"}),
            "x": ("x", 325 * np.arange(48) / 1000, {"units": "micrometer"}),
        },
        "name": "cells",
    }
    return xr.DataArray(PIXELS, dims=("c", "y", "x"), **{**defaults, **kwargs})


def without_channel_fields(da):
    names = [name for name in da.coords if str(name).startswith("channel_")]
    return da.drop_vars(names)


class TestRoundTrip:
    @pytest.mark.parametrize("version", ["0.4", "0.5"])
    @pytest.mark.parametrize("group", [None, "A/1"])
    def test_the_object_comes_back(self, tmp_path, version, group) -> None:
        da = image(attrs={"instrument": "widefield", "long_name": "cells"})
        xo.write_image(da, tmp_path / "x.zarr", version=version, group=group)
        found = xo.open_image(tmp_path / "x.zarr", group=group)
        xr.testing.assert_identical(without_channel_fields(found), da)

    def test_from_the_first_write_on_nothing_changes(self, tmp_path) -> None:
        first = tmp_path / "first.zarr"
        second = tmp_path / "second.zarr"
        xo.write_image(image(), first)
        once = xo.open_image(first)
        xo.write_image(once, second)
        xr.testing.assert_identical(xo.open_image(second), once)
        assert (
            dict(zarr.open_group(second).attrs)["ome"]
            == (dict(zarr.open_group(first).attrs)["ome"])
        )

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_dates_come_back_with_their_resolution(self, unit) -> None:
        dates = np.array("2024-05-01", f"M8[{unit}]") + np.array(
            [0, 1, 5], f"m8[{unit}]"
        )
        da = xr.DataArray(
            np.zeros((3, 4, 4), "u1"), dims=("t", "y", "x"), coords={"t": dates}
        )
        store = MemoryStore()
        with warnings.catch_warnings():
            # The uneven dates are warned of, which is not what is asked here.
            warnings.simplefilter("ignore", xo.OmeZarrWarning)
            xo.write_image(da, store)
        found = xo.open_image(store)["t"]
        np.testing.assert_array_equal(found, dates)
        assert found.dtype == da["t"].dtype
        assert "units" not in found.attrs

    def test_everything_xarray_alone_has_comes_back(self) -> None:
        da = image(attrs={"lab": {"room": [1, 2]}}).assign_coords(
            exposure=("c", [1.5, np.nan], {"units": "ms"}),
            stage=(("c", "y"), np.ones((2, 64))),
            well="B02",
            note=("c", ["a", "µ"]),
        )
        da["x"].attrs["long_name"] = "along the slide"
        store = MemoryStore()
        xo.write_image(da, store)
        found = xo.open_image(store)
        for name in ("exposure", "stage", "well", "note", "x"):
            xr.testing.assert_identical(found[name].variable, da[name].variable)
        assert found.attrs == {"lab": {"room": [1, 2]}, "long_name": "cells"}

    def test_channels_come_back_as_coordinates(self) -> None:
        da = image().assign_coords(
            channel_color=("c", ["123456", "ABCDEF"]),
            channel_active=("c", [False, True]),
            channel_wavelength_id=("c", ["A01_C01", "A01_C02"]),
        )
        store = MemoryStore()
        xo.write_image(da, store)
        found = xo.open_image(store)
        for name in ("channel_color", "channel_active", "channel_wavelength_id"):
            xr.testing.assert_identical(found[name].variable, da[name].variable)

    def test_a_selected_channel_takes_its_fields_along(self) -> None:
        store, selected = MemoryStore(), MemoryStore()
        xo.write_image(image(), store, channels=[{"color": "123456"}, "mCherry"])
        xo.write_image(xo.open_image(store).isel(c=[1]), selected)
        found = xo.open_image(selected)
        assert found["c"].values.tolist() == ["mCherry"]
        assert found["channel_color"].values.tolist() == ["FF0000"]
        assert found["channel_window_max"].values.tolist() == [PIXELS.max()]

    def test_repeated_channel_names_come_back_exactly(self) -> None:
        first, second = MemoryStore(), MemoryStore()
        xo.write_image(image(), first, channels=["a", "a"])
        root = xo.write_image(xo.open_image(first), second)
        labels = [c["label"] for c in root.attrs["ome"]["omero"]["channels"]]
        assert labels == ["a", "a"]

    def test_a_crop_keeps_the_very_same_positions(self) -> None:
        first, second = MemoryStore(), MemoryStore()
        xo.write_image(image(), first)
        crop = xo.open_image(first).isel(y=slice(7, 40), x=slice(3, None, 3))
        xo.write_image(crop, second)
        xr.testing.assert_identical(xo.open_image(second)["x"], crop["x"])
        xr.testing.assert_identical(xo.open_image(second)["y"], crop["y"])

    def test_a_single_plane_keeps_its_thickness(self) -> None:
        da = xr.DataArray(
            np.zeros((5, 8, 8), "u1"),
            dims=("z", "y", "x"),
            coords={"z": ("z", 0.7 * np.arange(5), {"units": "micrometer"})},
        )
        first, second = MemoryStore(), MemoryStore()
        xo.write_image(da, first)
        xo.write_image(xo.open_image(first).isel(z=[3]), second)
        assert xo.open_image(second).omezarr.scale["z"] == 0.7
        assert xo.open_image(second).omezarr.translation["z"] == 2.1


class TestName:
    @pytest.mark.parametrize(
        ("name", "long_name", "expected"),
        [
            ("cells", None, "cells"),
            ("cells", "All the cells", "cells"),
            ("image", "All the cells", "All the cells"),
            (None, None, "plate7"),
        ],
    )
    def test_the_name_comes_back(self, tmp_path, name, long_name, expected) -> None:
        attrs = {} if long_name is None else {"long_name": long_name}
        da = image(name=name, attrs=attrs)
        xo.write_image(da, tmp_path / "plate7.ome.zarr")
        found = xo.open_image(tmp_path / "plate7.ome.zarr")
        assert found.name == expected
        assert found.attrs["long_name"] == (long_name or expected)

    @pytest.mark.parametrize("chunks", [None, {}])
    def test_with_dask_too(self, chunks) -> None:
        store = MemoryStore()
        xo.write_image(image(attrs={"long_name": "L"}), store)
        assert xo.open_image(store, chunks=chunks).name == "cells"

    def test_a_store_in_memory_gives_no_name(self) -> None:
        root = xo.write_image(image(name=None), MemoryStore())
        assert "name" not in root.attrs["ome"]["multiscales"][0]
        assert xo.open_image(root).name == "image"

    def test_a_name_that_is_asked_for_is_the_long_name_too(self) -> None:
        store = MemoryStore()
        xo.write_image(image(attrs={"long_name": "L"}), store, name="new")
        found = xo.open_image(store)
        assert (found.name, found.attrs["long_name"]) == ("new", "new")


class TestUnknownKeys:
    @pytest.fixture
    def foreign(self):
        """An image with unknown keys everywhere, beside and inside of ``ome``."""
        store = MemoryStore()
        root = xo.write_image(image(), store, scale_factors=[2], attrs={"lab": "B"})
        ome = dict(root.attrs["ome"])
        ome["acquired_by"] = "X"
        multiscale = ome["multiscales"][0]
        multiscale["note"] = {"deep": [1]}
        multiscale["axes"][1]["orientation"] = {"value": "left-to-right"}
        multiscale["datasets"][0]["checksum"] = "abc"
        ome["omero"]["rdefs"] = {"model": "color"}
        ome["omero"]["channels"][1]["lut"] = {"name": "fire"}
        ome["omero"]["channels"][1]["wavelength_id"] = "A01"
        ome["omero"]["channels"][1]["window"]["auto"] = True
        root.attrs["ome"] = ome
        return store

    @pytest.mark.parametrize("name", [None, "renamed"])
    def test_they_survive_reading_and_writing(self, foreign, name) -> None:
        ds = xr.open_dataset(foreign, engine="omezarr")
        root = ds.omezarr.to_image(MemoryStore(), scale_factors=[2], name=name)
        before = dict(zarr.open_group(foreign).attrs)
        after = dict(root.attrs)
        if name is not None:
            before["ome"]["multiscales"][0]["name"] = name
        assert after == before

    def test_those_of_channels_follow_them(self, foreign) -> None:
        ds = xr.open_dataset(foreign, engine="omezarr").isel(c=[1])
        root = ds.omezarr.to_image(MemoryStore())
        (channel,) = root.attrs["ome"]["omero"]["channels"]
        assert channel["lut"] == {"name": "fire"}
        assert channel["wavelength_id"] == "A01"

    def test_a_coordinate_that_was_changed_wins_over_the_old_key(self, foreign) -> None:
        ds = xr.open_dataset(foreign, engine="omezarr")
        ds = ds.assign_coords(channel_wavelength_id=("c", ["B01", "B02"]))
        root = ds.omezarr.to_image(MemoryStore())
        channels = root.attrs["ome"]["omero"]["channels"]
        assert [channel["wavelength_id"] for channel in channels] == ["B01", "B02"]

    def test_a_coordinate_that_was_dropped_is_gone(self, foreign) -> None:
        ds = xr.open_dataset(foreign, engine="omezarr")
        root = ds.drop_vars("channel_wavelength_id").omezarr.to_image(MemoryStore())
        channels = root.attrs["ome"]["omero"]["channels"]
        assert not any("wavelength_id" in channel for channel in channels)


class TestBeforeTheFirstByte:
    @pytest.mark.parametrize(
        "options",
        [
            {"version": "9.9"},
            {"mode": "x"},
            {"method": "meen"},
            {"scale_factors": [0]},
            {"chunks": {"q": 1}},
            {"shards": (7, 7), "chunks": (4, 4)},
            {"compression": "brotli"},
            {"fill_value": "x"},
            {"channels": ["one"]},
            {"attrs": {"a": object()}},
            {"irregular": "maybe"},
            {"memory_limit": "much"},
            {"dims": "zyx"},
            {"group": "../x"},
            {"name": 5},
            {"attrs": {"xarray": 1}},
        ],
    )
    def test_what_cannot_be_written_is_refused(self, tmp_path, options) -> None:
        with pytest.raises(xo.OmeZarrError):
            xo.write_image(image(), tmp_path / "x.zarr", **options)
        assert list(tmp_path.iterdir()) == []

    def test_the_old_image_is_untouched_by_what_is_refused(self, tmp_path) -> None:
        path = tmp_path / "x.zarr"
        xo.write_image(image(), path)
        before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
        with pytest.raises(xo.OmeZarrError):
            xo.write_image(image(), path, mode="w", scale_factors=[0])
        assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before

    @pytest.mark.parametrize("obj", [PIXELS, None, "text", [image()]])
    def test_what_is_no_xarray_object_is_a_type_error(self, obj) -> None:
        for verb in (
            lambda: xo.write_image(obj, MemoryStore()),
            lambda: xo.plan_image(obj),
        ):
            with pytest.raises(TypeError, match="DataArray"):
                verb()

    def test_planning_touches_nothing(self, tmp_path, monkeypatch) -> None:
        monkeypatch.chdir(tmp_path)
        xo.plan_image(image(), group="A/1")
        xo.image_metadata(image())
        assert list(tmp_path.iterdir()) == []


class TestSources:
    def test_a_lazy_image_is_copied_without_loading_it_whole(self, tmp_path) -> None:
        xo.write_image(image(), tmp_path / "a.zarr", chunks=(1, 16, 16))
        lazy = xo.open_image(tmp_path / "a.zarr")
        xo.write_image(lazy, tmp_path / "b.zarr", memory_limit=2000)
        assert not isinstance(lazy.variable._data, np.ndarray)
        np.testing.assert_array_equal(xo.open_image(tmp_path / "b.zarr"), PIXELS)

    @pytest.mark.parametrize("chunks", [None, {}])
    @pytest.mark.parametrize("in_memory", [False, True])
    def test_an_image_can_be_replaced_by_what_is_made_of_it(
        self, tmp_path, chunks, in_memory
    ) -> None:
        store = MemoryStore() if in_memory else tmp_path / "x.zarr"
        xo.write_image(image(), store)
        flipped = xo.open_image(store, chunks=chunks).isel(x=slice(0, 20))
        xo.write_image(flipped, store, mode="w")
        np.testing.assert_array_equal(xo.open_image(store), PIXELS[..., :20])

    def test_dask_is_computed_once(self, tmp_path) -> None:
        counted = []

        def count(block):
            counted.append(block.shape)
            return block

        lazy = dask.array.from_array(PIXELS, chunks=(1, 20, 48)).map_blocks(
            count, dtype=PIXELS.dtype, meta=np.zeros((0, 0, 0), PIXELS.dtype)
        )
        da = xr.DataArray(lazy, dims=("c", "y", "x"))
        with dask.config.set(scheduler="synchronous"):
            xo.write_image(da, tmp_path / "x.zarr", chunks=(1, 8, 8))
        assert len(counted) == 2 * 4

    def test_bool_pixels_with_channels_are_written(self) -> None:
        da = image().astype(bool)
        root = xo.write_image(da, MemoryStore(), scale_factors=[2])
        window = root.attrs["ome"]["omero"]["channels"][0]["window"]
        assert (window["min"], window["max"]) == (0, 1)


class TestOpen:
    def test_can_open_never_raises(self, tmp_path) -> None:
        xo.write_image(image(), tmp_path / "x.zarr")
        assert can_open(tmp_path / "x.zarr")
        for place in (None, 5, "", b"x", "s3://bucket/x", object(), "x.ozx", "\0"):
            assert not can_open(place)

    @pytest.mark.parametrize(("level", "size"), [(0, 48), (1, 24), (-1, 12)])
    def test_a_level_is_opened(self, tmp_path, level, size) -> None:
        xo.write_image(image(), tmp_path / "x.zarr", scale_factors=[2, 4])
        assert xo.open_image(tmp_path / "x.zarr", level=level).sizes["x"] == size

    @pytest.mark.parametrize("level", [9, "0", None, 0.5])
    def test_what_is_no_level_is_refused(self, tmp_path, level) -> None:
        xo.write_image(image(), tmp_path / "x.zarr")
        with pytest.raises(xo.OmeZarrError, match="level"):
            xo.open_image(tmp_path / "x.zarr", level=level)

    def test_what_was_opened_cannot_be_written_through(self, tmp_path) -> None:
        xo.write_image(image(), tmp_path / "x.zarr")
        da = xo.open_image(tmp_path / "x.zarr")
        da[:] = 0
        np.testing.assert_array_equal(xo.open_image(tmp_path / "x.zarr"), PIXELS)

    def test_nothing_there_is_a_file_that_is_not_found(self, tmp_path) -> None:
        with pytest.raises(FileNotFoundError, match=r"absent\.zarr"):
            xo.open_image(tmp_path / "absent.zarr")


class TestQuantify:
    def test_without_the_package_the_pip_line_is_said(self, monkeypatch) -> None:
        import sys

        monkeypatch.setitem(sys.modules, "pint_xarray", None)
        with pytest.raises(xo.MissingDependencyError, match=r"pip install.*\[pint\]"):
            image().omezarr.quantify()

    def test_quantities_are_written_as_they_are_meant(self) -> None:
        pytest.importorskip("pint_xarray")
        store = MemoryStore()
        xo.write_image(image().omezarr.quantify(), store)
        found = xo.open_image(store)
        xr.testing.assert_identical(found["x"].variable, image()["x"].variable)


@pytest.mark.parametrize(
    "verb",
    [
        xo.write_image,
        xo.write_labels,
        xo.write_field,
        xo.write_plate,
        xo.write_series,
        xo.write_bioformats2raw,
        xo.build_pyramid,
    ],
)
def test_types_tell_what_compute_gives(verb) -> None:
    told = {
        form.__annotations__.get("compute"): form.__annotations__["return"]
        for form in typing.get_overloads(inspect.unwrap(verb))
    }
    assert told == {
        "Literal[True]": "Group",
        "Literal[False]": "Delayed",
        "bool": "Group | Delayed",
    }
