"""Options of new and existing images that no plan looks at: honoured or refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo

PLANE = xr.DataArray(np.zeros((32, 32), "uint8"), dims=("y", "x"))

WRONG = [
    {"writer": "nonsense"},
    {"progress": 3},
    {"mode": "zzz"},
    {"mode": "r+"},
    {"memory_limit": "junk"},
    {"pyramid": False},
    {"pyramid": "no"},
]


@pytest.mark.parametrize("options", WRONG, ids=str)
def test_a_plan_refuses_what_a_write_would(options) -> None:
    with pytest.raises(xo.OptionError):
        xo.plan_image(PLANE, **options)


@pytest.mark.parametrize("options", WRONG, ids=str)
def test_what_is_prepared_drops_no_option(options) -> None:
    store = MemoryStore()
    with pytest.raises(xo.OptionError):
        xo.prepare_image(PLANE, store, **options)
    assert not store._store_dict


def test_a_new_image_without_pyramid_is_pointed_to_scale_factors() -> None:
    with pytest.raises(xo.OptionError, match="scale_factors=None"):
        xo.write_image(PLANE, MemoryStore(), pyramid=False)


def test_preparing_says_that_it_is_done_at_once() -> None:
    with pytest.raises(TypeError, match="at once"):
        xo.prepare_image(PLANE, MemoryStore(), compute=False)


def test_arrays_are_prepared_by_the_writer_that_is_named(tmp_path) -> None:
    import zarr

    called = []

    def make(path, shape, dtype, chunks, **others):
        called.append(path.name)
        names = others["dimension_names"]
        return zarr.create_array(
            path, shape=shape, dtype=dtype, chunks=chunks, dimension_names=names
        )

    xo.prepare_image(PLANE, tmp_path / "x.zarr", writer=make, scale_factors=[2])
    assert called == ["0", "1"]


def test_a_tree_has_no_place_in_a_region() -> None:
    group = xo.write_image(PLANE, MemoryStore(), scale_factors=[2])
    tree = xr.DataTree.from_dict({"a": PLANE.to_dataset(name="image")})
    with pytest.raises(xo.OptionError, match="DataArray"):
        xo.write_image(tree, group, region="auto")


def chunks(store, level):
    return [key for key in store._store_dict if key.startswith(f"{level}/c/")]


def test_empty_chunks_are_stored_in_levels_that_are_built() -> None:
    store = MemoryStore()
    xo.write_image(PLANE, store, scale_factors=None)
    xo.build_pyramid(store, scale_factors=[2], write_empty_chunks=True)
    assert len(chunks(store, 1)) == 1


def test_empty_chunks_are_stored_by_regions_that_ask_for_them() -> None:
    store = MemoryStore()
    xo.prepare_image(PLANE, store, scale_factors=[2])
    xo.write_image(PLANE, store, region="auto")
    assert not chunks(store, 0)
    xo.write_image(PLANE, store, region="auto", write_empty_chunks=True)
    assert len(chunks(store, 0)) == len(chunks(store, 1)) == 1
