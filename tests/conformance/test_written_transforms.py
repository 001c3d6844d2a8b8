"""Systems and transformations that are written satisfy the standard's schemas."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, given, settings

from tests.property.systems import image, transforms
from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.ngff import Image

SchemaErrors = Callable[[str, str, dict[str, Any]], list[str]]


@settings(max_examples=40, suppress_health_check=[*HealthCheck], deadline=None)
@given(case=transforms())
def test_random_ones_satisfy_the_schemas(case, schema_errors: SchemaErrors) -> None:
    dims, told = case
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OmeZarrWarning)
        hierarchy = image(dims).omezarr.plan_image(version="0.6", transforms=told)
    # How channels are shown is measured on their pixels, which are not looked at.
    pictures = [Image(multiscales=one.multiscales) for one in hierarchy.images.values()]
    assert [
        error
        for picture in pictures
        for kind in ("image", "ome_zarr")
        for error in schema_errors("0.6", kind, hierarchy.version.to_attrs(picture))
    ] == []
