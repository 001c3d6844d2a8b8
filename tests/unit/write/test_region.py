"""Regions: from slices and coordinates, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.write.region import plan_region

IMAGE = xr.DataArray(
    np.zeros((6, 3, 20, 30), "uint16"),
    dims=("t", "c", "y", "x"),
    coords={
        "t": np.array("2024-01-01", "M8[s]") + np.arange(6).astype("m8[s]"),
        "c": ["DAPI", "GFP", "RFP"],
        "y": ("y", np.arange(20) * 0.5, {"units": "micrometer"}),
        "x": ("x", 10 + np.arange(30) * 0.1, {"units": "micrometer"}),
    },
)


def place(da, region="auto"):
    _, box = plan_region(da, IMAGE, region)
    return tuple((side.start, side.stop) for side in box)


def test_auto_finds_a_part_in_any_order_of_dims() -> None:
    part = IMAGE.isel(t=slice(2, 5), c=[1, 2], y=slice(3, 9), x=slice(29, 30))
    assert place(part.transpose("x", "c", "t", "y")) == (
        (2, 5),
        (1, 3),
        (3, 9),
        (29, 30),
    )


def test_auto_uses_positions_of_dims_that_were_selected_away() -> None:
    assert place(IMAGE.isel(t=4, c=1)) == ((4, 5), (1, 2), (0, 20), (0, 30))


def test_auto_converts_units() -> None:
    part = IMAGE.isel(x=slice(3, 8))
    part = part.assign_coords(x=("x", part.x.values * 1000, {"units": "nm"}))
    assert place(part)[3] == (3, 8)


def test_auto_takes_coordinates_of_single_precision() -> None:
    part = IMAGE.isel(x=slice(3, 8))
    assert place(part.assign_coords(x=part.x.astype("float32")))[3] == (3, 8)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            lambda p: p.assign_coords(x=p.x.values + 0.03),
            "nearest of the image is",
        ),
        (lambda p: p.assign_coords(x=p.x.values * 1.1), "Coordinate 'x'"),
        (lambda p: p.assign_coords(x=p.x.values + 100), "Coordinate 'x'"),
        (lambda p: p.assign_coords(c=["DAPI", "GFP", "Cy5"]), "Cy5"),
        (lambda p: p.isel(c=[0, 2]), "do not follow each other"),
        (lambda p: p.drop_vars("x"), "no coordinate 'x'"),
        (lambda p: p.assign_coords(t=np.arange(6.0)), "datetime64"),
    ],
)
def test_auto_refuses_what_is_not_on_the_pixels(change, said) -> None:
    with pytest.raises(xo.CoordinateError, match=said):
        place(change(IMAGE.isel(x=slice(3, 8))))


@pytest.mark.parametrize("wanted", [5, -1, slice(5, 6), slice(-1, None), np.int64(5)])
def test_a_frame_goes_to_its_index(wanted) -> None:
    frame = IMAGE.isel(t=0, drop=True).drop_vars(["c", "y", "x"])
    assert place(frame, {"t": wanted}) == ((5, 6), (0, 3), (0, 20), (0, 30))


@pytest.mark.parametrize(
    ("region", "error", "said"),
    [
        ({"t": 6}, xo.OptionError, "append_dim"),
        ({"t": slice(6, 7)}, xo.OptionError, "append_dim|1 pixels|0 pixels"),
        ({"t": slice(0, 2)}, xo.OptionError, "2 pixels along 't'"),
        ({"t": slice(0, 6, 2)}, xo.OptionError, "gaps"),
        ({"t": True}, xo.OptionError, "whole numbers"),
        ({"t": "all"}, xo.OptionError, "'auto'"),
        ({"q": 1}, xo.AxisError, "'q'"),
        ("all", xo.OptionError, "'auto' or a mapping"),
        (3, xo.OptionError, "'auto' or a mapping"),
    ],
)
def test_regions_without_meaning_are_refused(region, error, said) -> None:
    with pytest.raises(error, match=said):
        place(IMAGE.isel(t=[0]), region)


@pytest.mark.parametrize(
    ("dtype", "fits"),
    [("uint8", True), ("bool", True), ("int16", False), ("float32", False)],
)
def test_pixels_that_would_change_are_refused(dtype, fits) -> None:
    part = IMAGE.astype(dtype)
    if fits:
        place(part)
    else:
        with pytest.raises(xo.DataTypeError, match="astype"):
            place(part)


def test_a_custom_dim_is_never_guessed() -> None:
    turned = IMAGE.drop_vars(["t", "c"]).isel(c=0).rename(t="angle")
    with pytest.raises(xo.AxisError, match="expand_dims\\('angle'\\)"):
        plan_region(turned.isel(angle=0), turned, {"angle": 1})
    _, box = plan_region(turned.isel(angle=[0]), turned, {"angle": 1})
    assert box[0] == slice(1, 2)


class TestOptions:
    @pytest.fixture
    def store(self):
        return xo.write_image(IMAGE, MemoryStore(), scale_factors=[2]).store

    @pytest.mark.parametrize(
        "options",
        [
            {"scale_factors": [2]},
            {"chunks": 16},
            {"shards": 32},
            {"name": "x"},
            {"attrs": {"a": 1}},
            {"compression": "zstd"},
            {"channels": ["a"] * 3},
        ],
    )
    def test_of_new_images_are_refused(self, store, options) -> None:
        (name,) = options
        with pytest.raises(xo.OptionError, match=name):
            xo.write_image(IMAGE, store, region="auto", **options)

    @pytest.mark.parametrize("mode", ["w", "w-", "a"])
    def test_another_mode_is_refused(self, store, mode) -> None:
        with pytest.raises(xo.OptionError, match=r"'r\+'"):
            xo.write_image(IMAGE, store, region="auto", mode=mode)

    def test_another_version_is_refused(self, store) -> None:
        with pytest.raises(xo.NotInVersionError):
            xo.write_image(IMAGE, store, region="auto", version="0.4")

    def test_another_method_is_refused(self, store) -> None:
        with pytest.raises(xo.OptionError, match="build_pyramid"):
            xo.write_image(IMAGE, store, region="auto", method="max")

    def test_a_place_without_an_image_is_refused(self) -> None:
        with pytest.raises(xo.TargetNotFoundError):
            xo.write_image(IMAGE, MemoryStore(), region="auto")

    def test_mode_r_plus_writes_the_whole(self, store) -> None:
        xo.write_image(IMAGE + np.uint16(3), store, mode="r+")
        assert (xo.open_image(store, level=1).values == 3).all()
        assert (xo.open_image(store).values == 3).all()

    def test_pixels_that_are_read_from_the_image_are_refused(self, store) -> None:
        lazy = xo.open_image(store, chunks={})
        with pytest.raises(xo.OptionError, match="load"):
            xo.write_image(lazy + np.uint16(1), store, region="auto")
        xo.write_image(lazy.load() + np.uint16(1), store, region="auto")

    def test_a_plan_is_of_a_new_image(self) -> None:
        with pytest.raises(xo.OptionError, match="plan"):
            xo.plan_image(IMAGE, region="auto")

    def test_attributes_of_a_dataset_are_not_written_again(self, store) -> None:
        ds = IMAGE.rename("image").to_dataset().assign_attrs(a=1)
        ds["image"] = ds["image"] + np.uint16(4)
        ds.omezarr.to_image(store, region="auto")
        assert (xo.open_image(store).values == 4).all()
        assert "a" not in zarr.open_group(store).attrs


@pytest.mark.parametrize("region", [{"t": 1}, {"t": 1, "c": slice(0, 3)}])
def test_channels_in_another_order_are_refused_wherever_they_go(region) -> None:
    frame = IMAGE.isel(t=1, c=[1, 0, 2])
    with pytest.raises(xo.CoordinateError, match=r"GFP.*DAPI.*drop_vars"):
        place(frame, region)
    assert place(frame.drop_vars("c"), region)[1] == (0, 3)


def test_positions_of_dims_that_are_not_named_are_those_of_the_image() -> None:
    frame = IMAGE.isel(t=1)
    assert place(frame, {"t": 3})[0] == (3, 4)
    shifted = frame.assign_coords(x=frame.x + 0.2)
    with pytest.raises(xo.CoordinateError, match="'x'"):
        place(shifted, {"t": 3})
    assert place(shifted, {"t": 3, "x": slice(0, 30)})[3] == (0, 30)
    assert place(shifted.drop_vars("x"), {"t": 3})[3] == (0, 30)
