"""Frame: the systems that positions can be told in, and the ways between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import CoordinateSystem
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.transforming.stored import Stored


@dataclass(frozen=True, slots=True)
class Way:
    """A transformation that leads from one system to another, both by their key."""

    start: str
    end: str
    transformation: Transformation


@dataclass(frozen=True, slots=True)
class Frame:
    """Coordinate systems and the ways between them, seen from one of them.

    The key of a system is its name where it belongs to the group that was opened
    (``"world"``), else the path of its group below that one, and its name
    (``"tile_0/physical"``).

    Parameters
    ----------
    own : str, optional
        Key of the system that the coordinates of the object are positions in; None of
        a scene as a whole.
    systems : mapping
        By key; the first is the one to show things in.
    ways : tuple of Way
        The paths of arrays in their transformations count from the opened group.
    arrays : mapping
        Matrices and fields by that path, unread.
    """

    own: str | None
    systems: Mapping[str, CoordinateSystem]
    ways: tuple[Way, ...] = ()
    arrays: Mapping[str, Stored] = field(default_factory=dict)

    def __deepcopy__(self, memo: dict[int, object]) -> Frame:
        """Itself: it never changes, and xarray copies what it finds beside pixels."""
        return self
