"""What versions demand of what is stored: arrays, labels and whole hierarchies."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

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


_FIXED = ("t", "c", "z", "y", "x")
_V3 = Demands("0.3", 2, separator="/")
_V5 = Demands(
    "0.5",
    3,
    dimension_names="error",
    other_names="error",
    one_version="error",
    unlisted_labels="warning",
    metadata_between="error",
)
_KNOWN = {
    found.version: found
    for found in (
        # Nested keys came with the second version.
        replace(_V3, version="0.1", dims=_FIXED, separator="."),
        replace(_V3, version="0.2", dims=_FIXED),
        _V3,
        replace(_V3, version="0.4"),
        _V5,
        replace(
            _V5,
            version="0.6",
            dimension_names="warning",
            other_names="warning",
            dtype="error",
            systems=True,
        ),
    )
}


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
