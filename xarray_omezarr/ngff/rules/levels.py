"""Levels: what the standard demands of the datasets of an image and their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.spot import Spot, text

_M = "multiscales"
_NEAR = 1e-9  # sizes of pixels that differ by less are one size


def check_levels(multiscale: Spot) -> list[Spot]:
    """The datasets that are objects; faults of their list and paths are noted."""
    datasets = multiscale.need("datasets", f"{_M}: has datasets")  # RULES M3
    demand = f"{_M}: datasets are a list, at least one"
    if datasets is None or not datasets.is_list(demand, 1):
        return []
    levels = []
    known: set[str] = set()
    for dataset in datasets.items():
        if not dataset.is_object(f"{_M}: each dataset is an object"):
            continue
        levels.append(dataset)
        path = dataset.need("path", f"{_M}: each dataset has a path")
        if path is None or not path.is_text(f"{_M}: paths are text"):
            continue
        if path.value in known:
            path.must(
                f"is {seen(path.value)}, as of another dataset",
                f"{_M}: each dataset is another resolution",
                "remove the copy",
            )
        known.add(path.value)
    return levels


def check_order(
    levels: Iterable[tuple[Spot, Sequence[float] | None]], axes: object
) -> None:
    """RULES M4: the highest resolution comes first.

    Parameters
    ----------
    levels : iterable of tuple
        Datasets with their scale, one number for each axis; None where it is not known.
    axes : object
        The axes, in the same order.
    """
    entries = axes if isinstance(axes, list | tuple) else ()
    space = [i for i, axis in enumerate(entries) if text(axis, "type") == "space"]
    before: list[float] | None = None
    for dataset, scale in levels:
        if scale is None or len(scale) != len(entries):
            continue
        sizes = [abs(scale[i]) for i in space]
        if before is not None:
            _compare(dataset, before, sizes)
        before = sizes


def _compare(dataset: Spot, before: Sequence[float], sizes: Sequence[float]) -> None:
    pairs = list(zip(before, sizes, strict=True))
    shrinks = any(now < then * (1 - _NEAR) for then, now in pairs)
    grows = any(now > then * (1 + _NEAR) for then, now in pairs)
    if not shrinks:
        return
    message = (
        f"has pixels of {seen(list(sizes))}, smaller than those of the dataset before "
        f"it, {seen(list(before))}"
    )
    demand = f"{_M}: datasets are ordered from the highest resolution to the lowest"
    if grows:
        # Larger along one axis and smaller along another: which one is higher?
        dataset.should(message, demand, "make scales grow along each axis")
    else:
        dataset.must(message, demand, "reorder the datasets, or correct their scales")
