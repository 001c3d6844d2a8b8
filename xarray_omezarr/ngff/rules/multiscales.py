"""Multiscales: what the standard demands of an image and its levels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.axes import check_axes
from xarray_omezarr.ngff.rules.datasets import check_flat_transforms
from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.levels import check_levels, check_order
from xarray_omezarr.ngff.rules.versioned import check_version

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.spot import Spot

_M = "multiscales"


def check_multiscales(multiscales: Spot) -> None:
    """Measure the list ``multiscales``."""
    demand = f"{_M}: a list of different objects, at least one"  # RULES M1
    if not multiscales.is_list(demand, 1, unique=True):
        return
    for multiscale in multiscales.items():
        if multiscale.is_object(f"{_M}: each entry is an object"):
            _check_multiscale(multiscale)


def _check_multiscale(multiscale: Spot) -> None:
    check_version(multiscale, _M)  # RULES M7
    multiscale.strictly(("metadata", "type", "name"), f"{_M}: strict members")
    if multiscale.want("name", f"{_M}: has a name") is not None:  # RULES M5
        multiscale.text_member("name", f"{_M}: text")
    _check_method(multiscale)
    style = multiscale.dialect.axes
    if style in ("fixed", "names"):
        _check_old(multiscale)
    elif style == "objects":
        _check_flat(multiscale)
    else:
        # Transformations are a large room; the versions before 0.6 have no need of it.
        from xarray_omezarr.ngff.rules.systems import check_systems_and_levels

        check_systems_and_levels(multiscale)


def _check_method(multiscale: Spot) -> None:
    """RULES M6: type and metadata say how the levels were made."""
    kind = multiscale.want("type", f"{_M}: tells how levels were made")
    if kind is not None and not isinstance(kind.value, str):
        kind.should(
            f"is {seen(kind.value)}, not text", f"{_M}: type", "write the method"
        )
    metadata = multiscale.want("metadata", f"{_M}: tells how levels were made")
    if metadata is not None and not isinstance(metadata.value, dict):
        metadata.should(
            f"is {seen(metadata.value)}, not an object",
            f"{_M}: metadata",
            "write an object",
        )


def _check_old(multiscale: Spot) -> None:
    """Versions whose levels have no transformations."""
    if multiscale.dialect.axes == "names":
        axes = multiscale.need("axes", f"{_M}: has axes")  # RULES M2
        if axes is not None:
            check_axes(axes)
    check_levels(multiscale)


def _check_flat(multiscale: Spot) -> None:
    """Versions with one set of axes for all levels."""
    axes = multiscale.need("axes", f"{_M}: has axes")  # RULES M2
    count = None if axes is None else check_axes(axes)
    scales = []
    for dataset in check_levels(multiscale):
        demand = f"{_M}: each dataset has transformations"
        transforms = dataset.need("coordinateTransformations", demand)
        if transforms is not None:
            scales.append((dataset, check_flat_transforms(transforms, count)))
    common = multiscale.child("coordinateTransformations")
    if common is not None:  # RULES T8
        check_flat_transforms(common, count)
    if multiscale.follows_text and axes is not None:
        check_order(scales, axes.value)
