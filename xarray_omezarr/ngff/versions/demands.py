"""What versions demand of what is stored: arrays, labels and whole hierarchies."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from xarray_omezarr.ngff.versions import registry

Demanded: TypeAlias = Literal["error", "warning"] | None

_NUMBERS = re.compile(r"\d+\.\d+")


@dataclass(frozen=True, slots=True)
class Demands:
    """How a version takes what is stored otherwise: error, warning or not at all.

    Parameters
    ----------
    version : str
        Which one.
    zarr_format : {2, 3}
        That all groups and arrays have.
    separator : str, optional
        Between indices in the keys of chunks; None if any will do.
    dims : tuple of str, optional
        Axes that every image has; None if images tell theirs.
    dimension_names : "error", "warning" or None
        Levels that do not name their dims.
    other_names : "error", "warning" or None
        Levels that name other dims than the axes.
    dtype : "error" or "warning"
        Levels of different data types.
    one_version : "error" or "warning"
        Groups of another version than the root.
    unlisted_labels : "warning" or None
        Label images that are there and not listed.
    metadata_between : "error" or None
        Groups between a list of labels and its images that have metadata.
    systems : bool
        Whether axes are those of coordinate systems.
    """

    version: str
    zarr_format: Literal[2, 3]
    separator: Literal[".", "/"] | None = None
    dims: tuple[str, ...] | None = None
    dimension_names: Demanded = None
    other_names: Demanded = None
    dtype: Literal["error", "warning"] = "warning"
    one_version: Literal["error", "warning"] = "warning"
    unlisted_labels: Demanded = None
    metadata_between: Demanded = None
    systems: bool = False


def _of(name: str, **more: Any) -> Demands:
    """Those of a version; what it can hold at all stands with the version itself."""
    features = registry.get(name).features
    # Keys of chunks in Zarr v3 are as their arrays tell, in any version.
    separator = features.separator if features.zarr_format == 2 else None
    return Demands(
        name,
        features.zarr_format,
        separator=separator,
        dims=features.dims,
        systems=features.systems,
        **more,
    )


_WITH_NAMESPACE: dict[str, Any] = {
    "dimension_names": "error",
    "other_names": "error",
    "one_version": "error",
    "unlisted_labels": "warning",
    "metadata_between": "error",
}
_LATER: dict[str, Any] = {
    **_WITH_NAMESPACE,
    "dimension_names": "warning",
    "other_names": "warning",
    "dtype": "error",
}
_FURTHER = {"0.5": _WITH_NAMESPACE, "0.6": _LATER}
_KNOWN = {name: _of(name, **_FURTHER.get(name, {})) for name in registry.SUPPORTED}


def demands(version: str | None) -> Demands | None:
    """What a version demands; None if it is not known.

    Examples
    --------
    >>> demands("0.6rc0").dtype
    'error'
    >>> demands("7") is None
    True
    """
    numbers = _NUMBERS.match(version or "")
    return _KNOWN.get(numbers[0]) if numbers else None


def same(version: str | None, other: str | None) -> bool:
    """Whether two names are those of one version, drafts and corrections aside."""
    one, two = (_NUMBERS.match(name or "") for name in (version, other))
    return version == other or bool(one and two and one[0] == two[0])
