"""What an object says of its systems once its coordinates are those of another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.grid.names import OME
from xarray_omezarr.ngff.axes import CoordinateSystem
from xarray_omezarr.ngff.named import named
from xarray_omezarr.ngff.transforms import (
    Affine,
    Scale,
    Sequence,
    SystemReference,
    Translation,
)
from xarray_omezarr.placing.frames import picture_of
from xarray_omezarr.transforming.chains import between
from xarray_omezarr.transforming.frame import Frame, Way
from xarray_omezarr.transforming.simplifying import simplify

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.placing.coords import Placed
    from xarray_omezarr.placing.plan import Chain


def moved_frame(chain: Chain, placed: Placed) -> Frame:
    """The frame of an object whose coordinates were replaced.

    Where all of them are positions in the other system, that is its own. Where some
    are, as the others are told by several dims together, its own is one between both.
    """
    if placed.whole:
        return replace(chain.frame, own=chain.key)
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
    key = _free(f"{chain.frame.own}_in_{chain.system}", chain.frame)
    between_both = CoordinateSystem(name=key.rpartition("/")[2], axes=tuple(axes))
    way = Way(str(chain.frame.own), key, _each_axis(scales, moves))
    return replace(
        chain.frame,
        own=key,
        systems={**chain.frame.systems, key: between_both},
        ways=(*chain.frame.ways, way),
    )


def _free(key: str, frame: Frame) -> str:
    while key in frame.systems:
        key += "_"
    return key


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
    pictures[0] = {"index": 0, **pictures[0], **_star(known or {}, before, now)}
    found[OME] = {**told, "multiscales": pictures}
    return found


def _star(known: Mapping[str, Any], before: Frame, now: Frame) -> dict[str, Any]:
    """Systems, and a way from the one of the coordinates to each other one.

    That is what the standard asks for of an image: every way begins or ends there.
    """
    path = path_of(before, before.own)
    own = now.systems[str(now.own)]
    names = [system["name"] for system in known.get("coordinateSystems", [])]
    names += [before.systems[str(before.own)].name]
    systems, ways = [own.to_json()], []
    for name in dict.fromkeys(names):
        key = f"{path}/{name}" if path else name
        if name == own.name or key not in now.systems:
            continue
        found_way = _way(now, key, path)
        if found_way is not None:
            way, forward = found_way
            ends = [SystemReference(name=n) for n in (own.name, name)]
            start, end = ends if forward else ends[::-1]
            systems.append(now.systems[key].to_json())
            way = way.model_copy(update={"input": start, "output": end})
            ways.append(way.to_json())
    found: dict[str, Any] = {"coordinateSystems": systems}
    found["intrinsic"] = own.name
    found["coordinateTransformations"] = ways
    return found


def path_of(frame: Frame, key: str | None) -> str:
    """The path of the group that a system is of."""
    if key is None or key not in frame.systems:
        return ""
    return key.removesuffix(frame.systems[key].name).rstrip("/")


def _way(frame: Frame, key: str, path: str) -> tuple[Transformation, bool] | None:
    """A way between the own system and another, and whether it leads there.

    None if there is none whose numbers can be found from the group of the image.
    """
    own = str(frame.own)
    way, start = None, own
    for told in frame.ways:
        if {told.start, told.end} == {own, key}:
            # As it is told, since an inverse may need more digits than a number has.
            way, start = told.transformation, told.start
            break
    try:
        way = between(frame, own, key) if way is None else way
        if path and any(True for _ in named(way)):
            way = simplify(way, frame.arrays, ndim=len(frame.systems[start].axes))
    except TransformationError:
        return None
    # Paths count from the group of the frame, which is not that of the image.
    if path and any(True for _ in named(way)):
        return None
    return way, start == own
