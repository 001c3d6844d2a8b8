"""Settings that every test shares."""

from __future__ import annotations

import ome_zarr_models.v04.image
import ome_zarr_models.v04.labels
import pydantic_zarr.v2
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
