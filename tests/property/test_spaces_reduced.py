"""Images lie where they did after some of their axes were dropped."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import xarray_omezarr as xo
from tests.property.systems import image, transforms
from xarray_omezarr.errors import OmeZarrWarning, TransformationError
from xarray_omezarr.placing.frames import frame_of
from xarray_omezarr.transforming.applying import apply
from xarray_omezarr.transforming.chains import between


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OmeZarrWarning)
        yield


@settings(max_examples=25, suppress_health_check=[*HealthCheck], deadline=None)
@given(
    case=transforms(), seed=st.integers(0, 2**32 - 1), choice=st.integers(0, 2**16 - 1)
)
def test_what_is_left_of_an_image_lies_where_it_did(case, seed, choice) -> None:
    dims, told = case
    gone = [dim for n, dim in enumerate(dims[:-2]) if choice >> n & 1] or [dims[0]]
    if len(dims) - len(gone) < 2:
        return
    store, second = zarr.storage.MemoryStore(), zarr.storage.MemoryStore()
    image(dims).omezarr.to_image(
        store, version="0.6", transforms=told, scale_factors=[]
    )
    part = xo.open_image(store).isel(dict.fromkeys(gone, 1))
    part.omezarr.to_image(second, version="0.6", scale_factors=[])
    assert xo.validate(second).ok
    before, after = frame_of(part), frame_of(xo.open_image(second))
    points = np.random.default_rng(seed).normal(size=(5, len(dims)))
    for dim in gone:
        # Channels have no positions.
        points[:, dims.index(dim)] = part[dim] if dim in part.coords else 0.0
    own = [n for n, dim in enumerate(dims) if dim not in gone]
    for name, system in after.systems.items():
        try:
            first = between(before, str(before.own), name)
        except TransformationError:
            continue
        wanted = apply(first, points, before.arrays)
        try:
            way = between(after, str(after.own), name)
        except TransformationError:
            continue
        found = apply(way, points[:, own], after.arrays)
        axes = [axis.name for axis in before.systems[name].axes]
        stay = [axes.index(axis.name) for axis in system.axes]
        size = np.abs(wanted[:, stay][np.isfinite(wanted[:, stay])]).max(initial=1)
        np.testing.assert_allclose(found, wanted[:, stay], rtol=1e-9, atol=1e-9 * size)
