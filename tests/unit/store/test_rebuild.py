"""Coarser levels made later: what stays, what is lost when it stops half way."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo

PIXELS = np.arange(64 * 48, dtype="uint16").reshape(64, 48)
IMAGE = xr.DataArray(
    PIXELS, dims=("y", "x"), coords={"x": ("x", 0.5 * np.arange(48))}, name="flat"
)


def block_mean(factor):
    shape = 64 // factor, factor, 48 // factor, factor
    return np.rint(PIXELS.reshape(shape).mean(axis=(1, 3)))


def flat(version="0.5", **options):
    options = {"scale_factors": None, "chunks": 16, **options}
    return xo.write_image(IMAGE, MemoryStore(), version=version, **options)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_unknown_keys_and_other_metadata_stay_to_the_letter(version) -> None:
    group = flat(version)
    attrs = dict(group.attrs)
    ome = attrs.get("ome", attrs)
    ome["omero"] = {"channels": [{"label": "no window"}], "rdefs": {"model": "color"}}
    ome["multiscales"][0]["datasets"][0]["of_others"] = {"a": [None, 1]}
    ome["multiscales"][0]["mine"] = 3
    group.attrs.put({**attrs, "tool": {"b": None}})
    built = dict(xo.build_pyramid(group, scale_factors=[2, 4]).attrs)
    picture = built.get("ome", built)["multiscales"][0]
    assert [level["path"] for level in picture["datasets"]] == ["0", "1", "2"]
    assert picture["datasets"][0]["of_others"] == {"a": [None, 1]}
    assert picture["mine"] == 3
    assert picture["type"] == "mean"
    assert built.get("ome", built)["omero"] == ome["omero"]
    assert built["tool"] == {"b": None}
    np.testing.assert_array_equal(group["1"][...], block_mean(2))
    assert xo.open_image(group.store, level=1).x.values[0] == 0.25


def test_new_levels_are_laid_out_like_level_0() -> None:
    group = xo.build_pyramid(
        flat(shards=32, compression="gzip"), scale_factors=[2], method="max"
    )
    assert (group["1"].chunks, group["1"].shards) == ((16, 16), (32, 32))
    assert group["1"].compressors == group["0"].compressors


def test_what_is_asked_for_wins() -> None:
    group = xo.build_pyramid(flat(), scale_factors=[2], chunks=8, compression="none")
    assert group["1"].chunks == (8, 8)
    assert not group["1"].compressors


def test_a_flat_image_gets_levels_as_a_new_one_does() -> None:
    big = xr.DataArray(np.zeros((1024, 700), "uint8"), dims=("y", "x"))
    group = xo.write_image(big, MemoryStore(), scale_factors=None)
    expected = xo.write_image(big, MemoryStore())
    built = xo.build_pyramid(group)
    assert sorted(built.array_keys()) == sorted(expected.array_keys())


def test_labels_are_made_by_the_most_frequent_value() -> None:
    group = flat()
    ome = dict(group.attrs)["ome"]
    group.attrs["ome"] = {**ome, "image-label": {}}
    ome["multiscales"][0].pop("type")
    ome["multiscales"][0].pop("metadata")
    group.attrs["ome"] = {**ome, "image-label": {}}
    built = xo.build_pyramid(group, scale_factors=[2])
    assert dict(built.attrs)["ome"]["multiscales"][0]["type"] == "mode"


def test_other_factors_replace_the_levels_that_were_there() -> None:
    group = flat(scale_factors=[2, 4, 8])
    built = xo.build_pyramid(group, scale_factors=[4])
    assert sorted(built.array_keys()) == ["0", "1"]
    np.testing.assert_array_equal(built["1"][...], block_mean(4))


def test_another_method_moves_the_levels_to_where_it_puts_them() -> None:
    group = flat(scale_factors=[2])
    before = xo.open_image(group.store, level=1).x.values[0]
    built = xo.build_pyramid(group, method="nearest")
    assert (before, xo.open_image(group.store, level=1).x.values[0]) == (0.25, 0.0)
    np.testing.assert_array_equal(built["1"][...], PIXELS[::2, ::2])


def test_arrays_of_others_are_not_overwritten() -> None:
    group = flat()
    group.create_array("1", shape=(3,), dtype="u1")[...] = 7
    with pytest.raises(xo.TargetExistsError, match="'1'"):
        xo.build_pyramid(group, scale_factors=[2])
    assert group["1"][...].tolist() == [7, 7, 7]


@pytest.mark.parametrize("levels", [None, [4]])
def test_what_stops_half_way_leaves_a_readable_image_and_can_be_repeated(
    levels,
) -> None:
    group = flat(scale_factors=levels)

    def fails(block, factors):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        xo.build_pyramid(group, scale_factors=[2], method=fails)
    np.testing.assert_array_equal(xo.open_image(group.store).values, PIXELS)
    assert len(xr.open_datatree(group.store, engine="omezarr").children) == 1
    built = xo.build_pyramid(group, scale_factors=[2], method="mean")
    np.testing.assert_array_equal(built["1"][...], block_mean(2))
    assert [*built.attrs] == ["ome"]


def test_consolidated_metadata_follow(tmp_path) -> None:
    xo.write_image(IMAGE, tmp_path / "x.zarr", scale_factors=None, version="0.4")
    zarr.consolidate_metadata(tmp_path / "x.zarr", zarr_format=2)
    xo.build_pyramid(tmp_path / "x.zarr", scale_factors=[2])
    read = zarr.open_consolidated(tmp_path / "x.zarr", zarr_format=2)
    assert read["1"].shape == (32, 24)
    assert len(read.attrs["multiscales"][0]["datasets"]) == 2


@pytest.mark.parametrize("options", [{"name": "x"}, {"region": "auto"}, {"mode": "w"}])
def test_options_of_new_images_are_refused(options) -> None:
    with pytest.raises(xo.OptionError, match=next(iter(options))):
        xo.build_pyramid(flat(), **options)


def test_a_delayed_touches_nothing_before_it_runs() -> None:
    group = flat()
    later = xo.build_pyramid(group, scale_factors=[2], compute=False)
    assert sorted(group.array_keys()) == ["0"]
    later.compute()
    np.testing.assert_array_equal(group["1"][...], block_mean(2))
