"""Bijections: whether what they say leads back does, where that can be computed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import OmeZarrError
from xarray_omezarr.ngff.rules.across import clause
from xarray_omezarr.ngff.rules.finding import Finding
from xarray_omezarr.ngff.transforms import Transformation, parse_transformation

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from xarray_omezarr.ngff.rules.across_sizes import Pair
    from xarray_omezarr.ngff.rules.parameters import Matrix
    from xarray_omezarr.ngff.versions.demands import Demands

# Numbers in files are rounded: those of rotations in use to three decimals.
_TOLERANCE = 2e-3


def check_inverses(
    pairs: Iterable[Pair], matrices: Mapping[str, Matrix], wanted: Demands
) -> Iterator[Finding]:
    """Whether the inverse of each bijection is that of its forward.

    Parameters
    ----------
    pairs : iterable of Pair
        Bijections of a document. Those with fields are not computed.
    matrices : mapping
        Matrices that are stored, by path, with their numbers where those were read.
    wanted : Demands
        What the version demands.
    """
    for pair in pairs:
        distance = _distance(pair, matrices)
        if distance is not None and not distance <= _TOLERANCE:
            yield Finding(
                "warning",
                "",
                f"{pair.pointer}/inverse",
                f"does not lead back: after forward and inverse, positions differ by "
                f"up to {distance:.3g} of themselves",
                clause(wanted, "transformations: inverse undoes forward", "warning"),
                remedy="write the inverse of forward, or forward alone",
            )


def _distance(pair: Pair, matrices: Mapping[str, Matrix]) -> float | None:
    """How far there and back is from nowhere; None where that is not known."""
    there, back = (_matrix(pair.value.get(key), pair, matrices) for key in _KEYS)
    if there is None or back is None or there.shape != back.shape:
        return None
    size = there.shape[0]
    if there.shape != (size, size + 1):
        return None
    import numpy as np

    turned = back[:, :-1] @ there[:, :-1]
    moved = back[:, :-1] @ there[:, -1] + back[:, -1]
    # Differences count beside what is added up, as that is what was rounded.
    parts = np.abs(back[:, :-1]) @ np.abs(there[:, :-1])
    whole = np.abs(back[:, :-1]) @ np.abs(there[:, -1]) + np.abs(back[:, -1])
    off = np.abs(turned - np.eye(size)) / np.maximum(parts, 1.0)
    shift = np.abs(moved) / np.maximum(whole, np.finfo(float).tiny)
    return float(max(off.max(), shift.max()))


_KEYS = ("forward", "inverse")


def _matrix(
    value: Any, pair: Pair, matrices: Mapping[str, Matrix]
) -> NDArray[Any] | None:
    """The matrix of a transformation, M x (N + 1); None if it has none."""
    transformation = _parsed(value, pair.pointer)
    if transformation is None or pair.axes is None:
        return None
    import numpy as np

    from xarray_omezarr.transforming.linear import matrix

    arrays = {path: np.asarray(one.rows) for path, one in matrices.items() if one.rows}
    try:
        return matrix(transformation, pair.axes, arrays)
    except (OmeZarrError, ValueError):
        # Whatever is wrong with it was told.
        return None


def _parsed(value: Any, pointer: str) -> Transformation | None:
    try:
        return parse_transformation(value, pointer)
    except (OmeZarrError, RecursionError):
        # What is wrong with its form was told.
        return None
