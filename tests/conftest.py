"""Settings that every test shares."""

from __future__ import annotations

import copy

import ome_zarr_models.v04.image
import ome_zarr_models.v04.labels
import pydantic_zarr.v2
import pytest
import zarr
from hypothesis import settings

# A deadline measures the machine, not the code, where two workers share two cores.
settings.register_profile("house", deadline=None)
settings.load_profile("house")

# With the newest pydantic these models miss a name that their module imports for type
# checkers only, and refuse everything.
for _module, _model in (
    (ome_zarr_models.v04.image, "Image"),
    (ome_zarr_models.v04.labels, "Labels"),
):
    getattr(_module, _model).model_rebuild(
        _types_namespace={**vars(_module), "ArraySpec": pydantic_zarr.v2.ArraySpec},
        raise_errors=False,
    )


@pytest.fixture(autouse=True)
def settings_of_zarr():
    """What a test, or a package it uses, sets of zarr ends with the test.

    iohub chooses other codecs for the whole process when it opens a store.
    """
    before = copy.deepcopy(zarr.config.config)
    yield
    if zarr.config.config != before:
        zarr.config.config.clear()
        zarr.config.config.update(before)
