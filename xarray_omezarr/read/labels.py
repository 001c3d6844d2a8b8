"""Label images beside their image in one flat Dataset, and what their values mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from xarray_omezarr.errors import warn
from xarray_omezarr.grid.names import VARIABLE
from xarray_omezarr.read.multiscale import LABEL_KEY

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.read.multiscale import OpenImage

_VALUE = "label-value"
# Two programs write the same position with other roundings: in pixels.
_TOLERANCE = 1e-6


class _DoesNotFit(Exception):
    """Why a label image cannot be a variable beside its image."""


def with_labels(
    image: OpenImage, labels: Mapping[str, OpenImage], number: int
) -> xr.Dataset:
    """A level of an image with that of each label image as a variable of its name.

    A label image that does not fit exactly is left out, with a warning.

    Parameters
    ----------
    image : OpenImage
        The image.
    labels : mapping
        Its label images by name.
    number : int
        Which level, 0 being the finest.
    """
    dataset = image.level(number)
    left_out = {}
    found = {}
    for name, label in labels.items():
        try:
            found[name] = _variable(name, label, number, dataset)
        except _DoesNotFit as reason:
            left_out[name] = str(reason)
    if left_out:
        listed = "; ".join(f"'labels/{name}' ({why})" for name, why in left_out.items())
        warn(
            f"Label images of {image.source} do not fit into one Dataset with it and "
            f"are left out: {listed}. They are in the tree that xarray.open_datatree "
            "gives"
        )
    return dataset.assign(found) if found else dataset


def _variable(
    name: str, label: OpenImage, number: int, dataset: xr.Dataset
) -> xr.Variable:
    taken = {*dataset.variables, *dataset.dims, VARIABLE}
    if name in taken or "/" in name:
        raise _DoesNotFit("the name is that of a dim, a coordinate or the image")
    if number not in label.paths():
        raise _DoesNotFit(f"it has no level {number}")
    level = label.level(number)
    variable = level[label.variable].variable
    # What one pixel stands for all along a dim is said by leaving the dim out.
    single = [
        dim
        for dim, size in variable.sizes.items()
        if size == 1 and dataset.sizes.get(dim, 1) != 1
    ]
    variable = variable.isel(dict.fromkeys(single, 0))
    for dim, size in variable.sizes.items():
        _check_dim(str(dim), size, level, dataset)
    variable.attrs = {**variable.attrs, **label.attrs}
    return variable


def _check_dim(dim: str, size: int, level: xr.Dataset, dataset: xr.Dataset) -> None:
    if dim not in dataset.dims:
        raise _DoesNotFit(f"the image has no dim {dim!r}")
    if size != dataset.sizes[dim]:
        raise _DoesNotFit(
            f"it has {size} along {dim!r}, the image {dataset.sizes[dim]}"
        )
    if dim not in level.coords or dim not in dataset.coords:
        return
    own, image = level[dim], dataset[dim]
    if own.dtype.kind not in "iuf" or image.dtype.kind not in "iuf":
        return
    units = own.attrs.get("units"), image.attrs.get("units")
    if None not in units and units[0] != units[1]:
        raise _DoesNotFit(f"its unit along {dim!r} is {units[0]}, not {units[1]}")
    step = abs(image.values[-1] - image.values[0]) / max(size - 1, 1)
    step = step or image.attrs.get("spacing", 1.0)
    if np.abs(own.values - image.values).max() > _TOLERANCE * step:
        raise _DoesNotFit(f"it lies elsewhere along {dim!r}")


def label_properties(attrs: Mapping[Any, Any]) -> pd.DataFrame | None:
    """What is known of the values of a label image, one line per value.

    Parameters
    ----------
    attrs : mapping
        Attributes of the node of a label image, or of its variable in a Dataset.
    """
    lines = _listed(attrs, "properties")
    if not lines:
        return None
    values = pd.Index([line[_VALUE] for line in lines], name=_VALUE)
    known = [{k: v for k, v in line.items() if k != _VALUE} for line in lines]
    return pd.DataFrame(known, index=values)


def label_colors(attrs: Mapping[Any, Any]) -> dict[int, tuple[int, int, int, int]]:
    """Red, green, blue and alpha, each from 0 to 255, by value of a label image."""
    return {
        line[_VALUE]: tuple(line["rgba"])
        for line in _listed(attrs, "colors")
        if line.get("rgba") is not None
    }


def _listed(attrs: Mapping[Any, Any], key: str) -> list[Mapping[str, Any]]:
    told = attrs.get(LABEL_KEY)
    entries = told.get(key) if isinstance(told, Mapping) else None
    return [
        entry
        for entry in (entries if isinstance(entries, list | tuple) else ())
        if isinstance(entry, Mapping) and _VALUE in entry
    ]
