"""Chunks of which there would be very many: said before anything is written."""

from __future__ import annotations

import warnings

import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.ngff.versions import registry

OLD = next(
    name
    for name in registry.SUPPORTED[::-1]
    if registry.get(name).features.zarr_format == 2
)


def image(*shape: int) -> xr.DataArray:
    return xr.DataArray(dask.array.zeros(shape, dtype="uint8"), dims=("y", "x"))


@pytest.mark.parametrize(
    ("shape", "chunks", "told"),
    [
        ((400, 400), 1, "160,000 of \\(1, 1\\) pixels"),
        ((101_000, 1_000), (31, 32), "104,288 of"),
    ],
)
def test_very_many_chunks_are_told_with_the_remedy(shape, chunks, told) -> None:
    with pytest.warns(xo.OmeZarrWarning, match=rf"'0' {told}.*larger chunks") as heard:
        xo.plan_image(image(*shape), chunks=chunks, scale_factors=[])
    assert "shards='auto'" in str(heard[0].message)
    with pytest.warns(xo.OmeZarrWarning, match="larger chunks$"):
        xo.plan_image(image(*shape), chunks=chunks, scale_factors=[], version=OLD)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((300, 300), {"chunks": 1}),
        ((400, 400), {"chunks": 1, "shards": (100, 100)}),
        ((100_100, 320_000), {"chunks": (100, 256)}),
        ((500_000, 500_000), {}),
        ((100_000_000, 100_000_000), {}),
    ],
)
def test_chunks_that_stores_bear_are_not_spoken_of(shape, options) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        xo.plan_image(image(*shape), scale_factors=[], **options)


def test_it_is_said_once_and_before_the_first_byte() -> None:
    store = zarr.storage.MemoryStore()
    template = xo.template("yx", (400, 400), "uint8")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(xo.OmeZarrWarning, match="very many"):
            xo.prepare_image(template, store, chunks=1, scale_factors=[])
    assert not store._store_dict
    with pytest.warns(xo.OmeZarrWarning) as heard:
        xo.prepare_image(template, store, chunks=1, scale_factors=[])
    assert len(heard) == 1


def test_converting_says_it_of_what_is_cut_anew() -> None:
    source, target = zarr.storage.MemoryStore(), zarr.storage.MemoryStore()
    da = xr.DataArray(np.zeros((400, 400), "uint8"), dims=("y", "x"))
    da.omezarr.to_image(source, scale_factors=[])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(xo.OmeZarrWarning, match="very many"):
            xo.convert(source, target, chunks=1)
    assert not target._store_dict
