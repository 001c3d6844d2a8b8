"""What an object says of its systems once its coordinates are those of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import warn
from xarray_omezarr.grid.names import OME
from xarray_omezarr.ngff.axes import CoordinateSystem
from xarray_omezarr.ngff.spaces import has_spaces, parse
from xarray_omezarr.ngff.transforms import (
    Affine,
    Scale,
    Sequence,
    Translation,
)
from xarray_omezarr.placing.frames import picture_of
from xarray_omezarr.transforming.frame import Frame, Way
from xarray_omezarr.transforming.linear import fraction, rounded
from xarray_omezarr.transforming.simplifying import simplify
from xarray_omezarr.transforming.spaces_moved import SPACES, framed, moved_as_framed

if TYPE_CHECKING:
    from xarray_omezarr.ngff.axes import Axis
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.placing.coords import Placed
    from xarray_omezarr.placing.plan import Chain, Output


def moved_frame(chain: Chain, placed: Placed) -> Frame:
    """The frame of an object whose coordinates were replaced.

    Where all of them are positions in the other system, that is its own. Where some
    are, as the others are told by several dims together, its own is one between both.
    """
    if placed.whole:
        return framed(chain.frame, chain.key)
    changed = {at: output for at, output in placed.replaced.items() if not output.same}
    if not changed:
        return chain.frame
    scales, moves = [1.0] * len(chain.places), [0.0] * len(chain.places)
    own = chain.frame.systems[str(chain.frame.own)]
    axes = list(own.axes)
    for at, output in changed.items():
        numbers = chain.numbers(output, at)
        # Only what a matrix tells is replaced where others are left.
        assert numbers is not None
        scales[at], moves[at] = numbers
        axes[at] = output.axis.model_copy(update={"name": axes[at].name})
    way = _each_axis(scales, moves)
    key, is_there = _between_both(chain, tuple(axes), way)
    if is_there:
        return replace(chain.frame, own=key)
    system = CoordinateSystem(name=key.rpartition("/")[2], axes=tuple(axes))
    return replace(
        chain.frame,
        own=key,
        systems={**chain.frame.systems, key: system},
        ways=(
            *chain.frame.ways,
            Way(str(chain.frame.own), key, way),
            *_onwards(chain, key, changed, scales, moves),
        ),
    )


def _onwards(
    chain: Chain,
    key: str,
    changed: Mapping[int, Output],
    scales: list[float],
    moves: list[float],
) -> tuple[Way, ...]:
    """The way from a system between both to the other one, where a matrix tells it.

    By way of an inverse, what is there already would be there but for a rounding.
    """
    there = {output.number: at for at, output in changed.items()}
    found = []
    for number, row in enumerate(chain.rows):
        if row is None:
            return ()
        told = [*row]
        for at in changed:
            told[at] = row[at] / fraction(scales[at])
            told[-1] -= told[at] * fraction(moves[at])
        if number in there:
            told = [Fraction(int(at == there[number])) for at in range(len(row))]
        found.append(tuple(told))
    rows = tuple(map(tuple, rounded(tuple(found))))
    return (Way(key, chain.key, simplify(Affine(affine=rows))),)


def _between_both(
    chain: Chain, axes: tuple[Axis, ...], way: Transformation
) -> tuple[str, bool]:
    """The key of a system between both, and whether that is there.

    It is where the object was there before, and came back.
    """
    frame, own = chain.frame, str(chain.frame.own)
    key = f"{own}_in_{chain.system}"
    while key in frame.systems:
        if frame.systems[key].axes == axes and Way(own, key, way) in frame.ways:
            return key, True
        key += "_"
    return key, False


def _each_axis(scales: list[float], moves: list[float]) -> Transformation:
    if min(scales) > 0:
        parts = (Scale(scale=tuple(scales)), Translation(translation=tuple(moves)))
        return Sequence(transformations=parts)
    # Scales are positive in the standard.
    count = len(scales)
    rows = [
        (*(scales[row] if row == at else 0.0 for at in range(count)), moves[row])
        for row in range(count)
    ]
    return Affine(affine=tuple(rows))


def moved_attrs(
    attrs: Mapping[Any, Any], before: Frame, now: Frame, *, told_elsewhere: bool = False
) -> dict[Any, Any]:
    """Attributes that say that the coordinates are positions in another system.

    Parameters
    ----------
    attrs : mapping
        With or without ``attrs["ome"]``.
    before, now : Frame
        Of the object before and after it was placed.
    told_elsewhere : bool
        Whether others, such as a scene, lead to the system as it was: then it is told
        how to come there, also where the image had one system only.
    """
    found = dict(attrs)
    ome = found.get(OME)
    known = picture_of(ome)
    if now.own == before.own or (known is None and not told_elsewhere):
        return found
    told: dict[str, Any] = dict(ome) if isinstance(ome, Mapping) else {}
    pictures = told.get("multiscales")
    pictures = list(pictures) if isinstance(pictures, list) and pictures else [{}]
    pictures[0] = {"index": 0, **_moved(pictures[0], before, now)}
    found[OME] = {**told, "multiscales": pictures}
    return found


def _moved(keys: Mapping[str, Any], before: Frame, now: Frame) -> dict[str, Any]:
    """What is kept of a picture, but for systems of label images with other axes."""
    own = before.systems[str(before.own)]
    if has_spaces(keys) and keys["coordinateSystems"]:
        told = parse(keys)
        if len(told.own.axes) != len(own.axes):
            names = [system.name for system in told.systems]
            warn(
                f"Coordinate systems {names} are left out: they belong to an image of "
                f"{len(told.own.axes)} axes, and what was placed in "
                f"{now.systems[str(now.own)].name!r} has {len(own.axes)}"
            )
            return {k: v for k, v in keys.items() if k not in SPACES}
    return moved_as_framed(keys, before, now)


def path_of(frame: Frame, key: str | None) -> str:
    """The path of the group that a system is of."""
    if key is None or key not in frame.systems:
        return ""
    return key.removesuffix(frame.systems[key].name).rstrip("/")
