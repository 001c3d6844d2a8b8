"""Which levels the fields of a plate get when they are made later."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo


def image(size: int) -> xr.DataArray:
    return xr.DataArray(np.ones((size, size), "uint16"), dims=("y", "x"))


def flat_plate(*sizes: int) -> MemoryStore:
    store = MemoryStore()
    fields = {f"A/1/{n}": image(size) for n, size in enumerate(sizes)}
    xo.write_plate(fields, store, scale_factors=None)
    return store


def shapes(store, path):
    group = zarr.open_group(store, path=path, mode="r")
    datasets = group.attrs["ome"]["multiscales"][0]["datasets"]
    return [group[level["path"]].shape[0] for level in datasets]


@pytest.mark.filterwarnings("ignore:Fields are not like")
@pytest.mark.parametrize("group", [None, "A/1"])
@pytest.mark.parametrize("sizes", [(32, 64), (64, 32)])
def test_fields_of_a_plate_get_levels_alike(group, sizes) -> None:
    store = flat_plate(*sizes)
    xo.build_pyramid(store, group=group, scale_factors="auto", chunks=16)
    small, large = sorted(shapes(store, f"A/1/{n}") for n in range(2))
    assert (small, large) == ([32, 16, 8], [64, 32, 16])


def test_fields_that_have_levels_say_how_many() -> None:
    store = flat_plate(32, 32)
    xo.build_pyramid(store, group="A/1/1", scale_factors=[4])
    xo.build_pyramid(store)
    assert shapes(store, "A/1/0") == shapes(store, "A/1/1") == [32, 8]


def test_series_get_levels_of_their_own() -> None:
    store = MemoryStore()
    images = {"0": image(32), "1": image(64)}
    xo.write_bioformats2raw(images, store, scale_factors=None)
    xo.build_pyramid(store, scale_factors="auto", chunks=16)
    assert [shapes(store, path) for path in "01"] == [[32, 16], [64, 32, 16]]


def labelled(factors=(2,), **options) -> MemoryStore:
    store = MemoryStore()
    xo.write_image(image(32), store, scale_factors=list(factors) or None, **options)
    cells = np.zeros((32, 32), "int32")
    cells[:20, :20] = 7
    cells[20:, 20:] = 1000
    da = xr.DataArray(cells, dims=("y", "x"))
    xo.write_labels(da, store, name="cells", **options)
    return store


@pytest.mark.parametrize("factors", [(), (2,)])
def test_labels_get_the_levels_of_their_image(factors) -> None:
    store = labelled(factors)
    xo.build_pyramid(store, scale_factors=[2, 4], method="mean")
    assert shapes(store, "") == shapes(store, "labels/cells") == [32, 16, 8]
    coarse = xo.open_image(store, group="labels/cells", level=2)
    assert {*np.unique(coarse)} == {0, 7, 1000}
    assert coarse.dtype == "int32"
    np.testing.assert_array_equal(coarse.x, xo.open_image(store, level=2).x)
    assert not [f for f in xo.validate(store).findings if f.severity == "error"]


def test_labels_with_the_levels_of_their_image_stay() -> None:
    store = labelled([2])
    zarr.open_array(store, path="labels/cells/1")[:] = 5
    xo.build_pyramid(store)
    xo.build_pyramid(store, scale_factors=[2])
    assert (zarr.open_array(store, path="labels/cells/1", mode="r")[:] == 5).all()


def test_labels_of_fields_follow_their_fields() -> None:
    store = flat_plate(32, 32)
    cells = xr.DataArray(np.ones((32, 32), "uint8"), dims=("y", "x"))
    xo.write_labels(cells, store, group="A/1/1", name="cells")
    xo.build_pyramid(store, scale_factors=[2, 4])
    assert shapes(store, "A/1/1/labels/cells") == shapes(store, "A/1/1") == [32, 16, 8]


def test_labels_that_cannot_follow_are_told_before_the_first_byte() -> None:
    store = labelled([])
    group = zarr.open_group(store, path="labels/cells")
    group.create_array("1", shape=(3,), dtype="uint8")
    before = sorted(store._store_dict)
    with pytest.raises(xo.TargetExistsError, match="cells"):
        xo.build_pyramid(store, scale_factors=[2])
    assert sorted(store._store_dict) == before
