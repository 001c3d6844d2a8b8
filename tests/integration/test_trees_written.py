"""Trees of resolutions, ours and those of others, are written as they are."""

from __future__ import annotations

import dask
import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo

PIXELS = np.random.default_rng(7).integers(0, 999, (2, 33, 41), dtype="uint16")


def stored_by_others():
    """An image with paths, a scale and pixels that this package would not make."""
    store = MemoryStore()
    group = zarr.open_group(store, mode="w", zarr_format=3)
    datasets = []
    for number, step in enumerate((1, 3)):
        path = f"scale{number}/image"
        pixels = PIXELS[:, step // 2 :: step, step // 2 :: step] + number
        group.create_array(path, data=pixels)
        chain = [
            {"type": "scale", "scale": [1.0, 0.5 * step, 0.25 * step]},
            {"type": "translation", "translation": [0.0, 3 + 0.5 * number, 0.0]},
        ]
        datasets.append(
            {"path": path, "coordinateTransformations": chain, "note": number}
        )
    window = {"min": 0, "max": 999, "start": 5, "end": 500}
    multiscale = {
        "name": "cells",
        "type": "third pixels",
        "metadata": {"by": "hand"},
        "axes": [
            {"name": "c", "type": "channel"},
            {"name": "y", "type": "space", "unit": "micrometer"},
            {"name": "x", "type": "space", "unit": "micrometer"},
        ],
        "datasets": datasets,
    }
    channels = [
        {"label": n, "color": "00FF00", "active": True, "window": window} for n in "ab"
    ]
    group.attrs["ome"] = {
        "version": "0.5",
        "multiscales": [multiscale],
        "omero": {"channels": channels, "rdefs": {"model": "color"}},
    }
    group.attrs["lab"] = {"room": 7}
    return store


def opened(store, **options):
    return xr.open_datatree(store, engine="omezarr", **options)


def test_the_pyramid_of_others_survives() -> None:
    store, copy = stored_by_others(), MemoryStore()
    tree = opened(store)
    tree.omezarr.to_image(copy)
    again = opened(copy)
    for old, new in zip(tree.omezarr.levels, again.omezarr.levels, strict=True):
        xr.testing.assert_identical(old, new)
    assert [*again.children] == ["0", "1"]
    old, new = dict(zarr.open(store).attrs), dict(zarr.open(copy).attrs)
    for number, level in enumerate(old["ome"]["multiscales"][0]["datasets"]):
        level["path"] = str(number)
    # A translation of nothing need not be written.
    found = new["ome"]["multiscales"][0]["datasets"]
    assert [level["note"] for level in found] == [0, 1]
    assert {**new["ome"]["multiscales"][0], "datasets": 0} == {
        **old["ome"]["multiscales"][0],
        "datasets": 0,
    }
    assert new["ome"]["omero"] == old["ome"]["omero"]
    assert new["lab"] == {"room": 7}


def test_levels_that_were_not_opened_are_made_with_the_stored_factors() -> None:
    copy = MemoryStore()
    opened(stored_by_others(), levels=0).omezarr.to_image(copy)
    again = opened(copy)
    assert [*again.children] == ["0", "1"]
    assert again["1"]["image"].shape == (2, 11, 14)
    np.testing.assert_allclose(again["1"]["x"].diff("x"), 0.75)


def test_without_the_finest_level_they_cannot_be_made() -> None:
    tree = opened(stored_by_others(), levels=[1])
    with pytest.raises(xo.OptionError, match="level 0, which is missing"):
        tree.omezarr.to_image(MemoryStore())


def test_a_tree_of_multiscale_spatial_image_is_written() -> None:
    # As its to_multiscale leaves it: names, coordinates and their attributes.
    levels = {}
    for number in range(3):
        step = 2**number
        pixels = PIXELS[:, : 32 // step, : 40 // step]
        axis = {
            "c": ("c", np.arange(2), {"long_name": "c", "units": ""}),
            "y": ("y", 3 + (step - 1) / 4 + 0.5 * step * np.arange(32 // step)),
            "x": ("x", (step - 1) / 8 + 0.25 * step * np.arange(40 // step)),
        }
        for dim in "yx":
            axis[dim] = (*axis[dim], {"long_name": dim, "units": "micrometer"})
        image = xr.DataArray(dask.array.asarray(pixels), axis, ("c", "y", "x"))
        levels[f"scale{number}"] = image.to_dataset(name="image")
    store = MemoryStore()
    xr.DataTree.from_dict(levels).omezarr.to_image(store)
    tree = opened(store)
    for number, level in enumerate(levels.values()):
        found = tree[str(number)]["image"]
        np.testing.assert_array_equal(found.values, level["image"].values)
        for dim in "cyx":
            np.testing.assert_array_equal(found[dim], level[dim])
        assert found["x"].attrs["units"] == "micrometer"


def test_contrast_comes_from_all_of_the_finest_and_the_coarsest_level() -> None:
    fine = np.zeros((16, 16), "uint8")
    fine[3, 3] = 200
    coarse = np.arange(64, dtype="uint8").reshape(8, 8)
    tree = xr.DataTree.from_dict(
        {
            "0": xr.Dataset({"image": (("c", "y", "x"), fine[None])}, {"c": ["GFP"]}),
            "1": xr.Dataset({"image": (("c", "y", "x"), coarse[None])}),
        }
    )
    ome = tree.omezarr.to_image(MemoryStore()).attrs["ome"]
    (channel,) = ome["omero"]["channels"]
    start, end = np.percentile(coarse, [0.1, 99.9])
    window = {"min": 0, "max": 200, "start": start, "end": end}
    assert channel["window"] == pytest.approx(window)


def test_nothing_is_written_before_everything_is_checked() -> None:
    tree = xo.image_pyramid(xr.DataArray(PIXELS, dims=("c", "y", "x")), [2])
    tree["1"]["image"] = tree["1"]["image"].astype("float32")
    store = MemoryStore()
    with pytest.raises(xo.DataTypeError, match="Level '/1'"):
        tree.omezarr.to_image(store)
    assert not store._store_dict


def test_a_delayed_writes_a_tree_of_dask_arrays() -> None:
    da = xr.DataArray(PIXELS, dims=("c", "y", "x")).chunk(y=7, x=9)
    tree, store = da.omezarr.pyramid([2, 6]), MemoryStore()
    delayed = tree.omezarr.to_image(store, compute=False)
    dask.compute(delayed, scheduler="threads")
    for name, node in tree.children.items():
        np.testing.assert_array_equal(opened(store)[name]["image"], node["image"])


def test_attributes_of_the_tree_go_beside_the_image() -> None:
    tree = xo.image_pyramid(xr.DataArray(PIXELS, dims=("c", "y", "x")), [2])
    tree.attrs = {"lab": 7, "day": "Monday"}
    group = tree.omezarr.to_image(MemoryStore(), attrs={"day": "Friday"})
    assert (group.attrs["lab"], group.attrs["day"]) == (7, "Friday")


def test_a_plan_of_a_tree_touches_nothing() -> None:
    text = repr(opened(stored_by_others()).omezarr.plan_image())
    assert "1  (c: 2, y: 11, x: 14) uint16" in text
