"""Lengths: which step of several has not one number for each axis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from xarray_omezarr.errors import MetadataError

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.document import Place

_VECTORS = ("scale", "translation", "mapAxis")
_STEPS = "transformations"


def check_lengths(steps: Iterable[Place], axes: int) -> None:
    """Raise if steps of one chain do not fit each other, naming the one to blame.

    Where all have the same wrong length the picture says so, whose axes may be wrong.

    Parameters
    ----------
    steps : iterable of Place
        Transformations as they are told, the first one applied first; a sequence
        stands for its own steps. Those behind one that may change the number of axes
        are not looked at.
    axes : int
        Number of axes that the first one is given.

    Raises
    ------
    MetadataError
        Naming the first one of wrong length.
    """
    vectors = []
    for step in _flat(steps):
        kind = _type(step)
        if kind not in (*_VECTORS, "identity"):
            break
        vector = step[kind].value
        if kind in _VECTORS and isinstance(vector, list) and vector:
            vectors.append((step[kind].pointer, kind, len(vector)))
    if len({length for *_, length in vectors}) < 2:
        return
    for pointer, kind, length in vectors:
        if length != axes:
            raise MetadataError(
                f"{pointer}: {kind} has {length} entries, and there are {axes} axes: "
                "give one number per axis"
            )


def _flat(steps: Iterable[Place]) -> Iterable[Place]:
    for step in steps:
        inner = step[_STEPS] if _type(step) == "sequence" else None
        if inner is not None and isinstance(inner.value, list):
            yield from inner.items()
        else:
            yield step


def _type(step: Place) -> str:
    kind = step.value.get("type") if isinstance(step.value, Mapping) else None
    return kind if isinstance(kind, str) else ""
