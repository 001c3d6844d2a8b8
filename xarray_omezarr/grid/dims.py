"""Which axis of the standard each dim of an object is, and in which order."""

from __future__ import annotations

import re
import warnings
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from xarray_omezarr.errors import AxisError, OmeZarrWarning

# Names that mean an axis, whatever their case. The one-letter name always wins; the
# others count only where it is absent, and "row" and its like only for spatial dims.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "t": ("time", "timepoint", "timepoints", "frame", "frames"),
    "c": ("channel", "channels", "ch", "band", "bands"),
    "z": ("depth",),
    "y": ("height", "row", "rows", "lat", "latitude"),
    "x": ("width", "col", "cols", "column", "columns", "lon", "longitude"),
}
_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
# squidpy numbers the channel dims of its layers.
_NUMBERED_CHANNELS = re.compile(r"channels_\d+")
# Red, green and blue of one picture.
_SAMPLES = ("s", "sample", "samples", "rgb", "rgba")
# Dims that tell images apart rather than pixels.
_SEVERAL_IMAGES = frozenset(
    "p position positions pos scene scenes series m g field fields fov fovs "
    "well wells site sites".split()
)
# Names of wells' rows and columns, unless they count pixels.
_PLATE_WORDS = ("row", "rows", "col", "cols", "column", "columns")
# What xarray calls dims that nobody named.
_UNNAMED = re.compile(r"dim_\d+")

_SPACE = ("z", "y", "x")
_RANKS = {"time": 0, "space": 2}


@dataclass(frozen=True, slots=True)
class Arrangement:
    """How the dims of an object become stored dims.

    Parameters
    ----------
    dims : tuple of str or None
        Own dims in stored order; None where a dim is inserted with size 1.
    names : tuple of str
        Stored name of each: ``t c z y x``, or a custom one in lower case.
    types : tuple of str
        Type of each axis.
    dropped : tuple of str
        Own dims of size 1 that are not stored.
    """

    dims: tuple[str | None, ...]
    names: tuple[str, ...]
    types: tuple[str, ...]
    dropped: tuple[str, ...] = ()

    @property
    def inserted(self) -> tuple[str, ...]:
        """Stored names of dims that the object lacks."""
        pairs = zip(self.dims, self.names, strict=True)
        return tuple(name for own, name in pairs if own is None)


@dataclass(frozen=True, slots=True)
class Role:
    """What one dim is: its stored name and the type of its axis."""

    name: str
    type: str


def roles(
    dims: Sequence[str], sizes: Mapping[str, int], labelled: Collection[str] = ()
) -> dict[str, Role]:
    """What each dim is, by own name; dims of any number and order.

    Parameters
    ----------
    dims : sequence of str
        Names of the dims, any case.
    sizes : mapping
        Number of pixels by dim.
    labelled : collection of str
        Dims whose coordinate is texts.
    """
    lower = {dim: dim.lower() for dim in dims}
    found: dict[str, Role] = {}
    for name, aliases in _ALIASES.items():
        own = _find(name, aliases, lower, labelled)
        if own is not None:
            found[own] = Role(name, _TYPES[name])
    channel = next((dim for dim, role in found.items() if role.name == "c"), None)
    for dim in dims:
        if dim in found:
            continue
        if lower[dim] in _SAMPLES and (channel is None or sizes[channel] == 1):
            found[dim] = Role("c", "channel")
        elif lower[dim] in _SAMPLES or dim in labelled:
            found[dim] = Role(lower[dim], "channel")
        else:
            # Every axis gets a type: the schemas take one without for space.
            found[dim] = Role(lower[dim], lower[dim])
    return {dim: found[dim] for dim in dims}


def is_samples(dim: str) -> bool:
    """Whether a dim holds the red, green and blue of one picture."""
    return dim.lower() in _SAMPLES


def _find(
    name: str,
    aliases: Iterable[str],
    lower: Mapping[str, str],
    labelled: Collection[str],
) -> str | None:
    for candidate in (name, *aliases):
        for dim, text in lower.items():
            names_wells = candidate in _PLATE_WORDS and dim in labelled
            if text == candidate and not names_wells:
                return dim
            if name == candidate == "c" and _NUMBERED_CHANNELS.fullmatch(text):
                return dim
    return None


def arrange(
    dims: Sequence[str],
    sizes: Mapping[str, int],
    labelled: Collection[str] = (),
    requested: str | Sequence[str] | None = None,
) -> Arrangement:
    """How an object with these dims is stored.

    Parameters
    ----------
    dims : sequence of str
        Own dims.
    sizes : mapping
        Number of pixels by dim.
    labelled : collection of str
        Dims whose coordinate is texts.
    requested : str or sequence of str, optional
        The write option ``dims``: own or stored names in the order to store; those
        that are missing are inserted with size 1.

    Raises
    ------
    AxisError
        If they do not make the axes of an image; the message says what to do.
    """
    empty = [dim for dim in dims if sizes[dim] == 0]
    if empty:
        raise AxisError(f"Dims {empty} have size 0; an image has pixels")
    if requested is not None:
        return _as_requested(dims, sizes, labelled, list(requested))
    found = roles(dims, sizes, labelled)
    dropped = _dropped_channel(found)
    stored = {dim: role for dim, role in found.items() if dim not in dropped}
    _check(stored, sizes)
    order = sorted(stored, key=lambda dim: _rank(stored[dim]))
    return Arrangement(
        dims=tuple(order),
        names=tuple(stored[dim].name for dim in order),
        types=tuple(stored[dim].type for dim in order),
        dropped=dropped,
    )


def _dropped_channel(found: Mapping[str, Role]) -> tuple[str, ...]:
    """The channel dim of size 1 whose place the samples of a colour picture take."""
    channels = [dim for dim, role in found.items() if role.name == "c"]
    if len(channels) < 2:
        return ()
    return tuple(dim for dim in channels if dim.lower() not in _SAMPLES)


def _rank(role: Role) -> tuple[int, int]:
    space = _SPACE.index(role.name) if role.name in _SPACE else 0
    return _RANKS.get(role.type, 1), space


def _check(stored: Mapping[str, Role], sizes: Mapping[str, int]) -> None:
    dims = tuple(stored)
    several = [
        dim
        for dim, role in stored.items()
        if role.type not in _RANKS
        and (dim.lower() in _SEVERAL_IMAGES or dim.lower() in _PLATE_WORDS)
    ]
    if several:
        raise AxisError(_about_several_images(several, sizes))
    space = [dim for dim, role in stored.items() if role.type == "space"]
    if len(space) < 2:
        raise AxisError(_about_space(dims, space))
    if len(dims) > 5:
        raise AxisError(
            f"The object has {len(dims)} dims {dims}, and an image has 2 to 5; select "
            "from one of them, or write a collection of images with to_bioformats2raw "
            "or a plate with to_plate"
        )
    others = [dim for dim, role in stored.items() if role.type not in _RANKS]
    if len(others) > 1:
        raise AxisError(
            f"Dims {others} are all channels or custom axes, and an image has one at "
            f"most; select from all but one, or join them with "
            f".stack(c={tuple(others)}).reset_index('c')"
        )


def _about_several_images(several: Sequence[str], sizes: Mapping[str, int]) -> str:
    dim = several[0]
    if sizes[dim] == 1:
        return (
            f"Dim {dim!r} tells several images apart and has one entry: drop it with "
            f".isel({dim}=0), and write one image"
        )
    return (
        f"Dim {dim!r} tells {sizes[dim]} images apart: write them as a collection with "
        f"to_bioformats2raw or as a plate with to_plate, or select one with "
        f".isel({dim}=0)"
    )


def _about_space(dims: tuple[str, ...], space: Sequence[str]) -> str:
    if any(_UNNAMED.fullmatch(dim) for dim in dims):
        guess = "tczyx"[-len(dims) :] if len(dims) <= 5 else "..."
        return (
            f"Dims {dims} have no names, so nobody can tell what they are; name them "
            f"in their order, e.g. dims={guess!r}"
        )
    return (
        f"Dims {dims} hold {len(space)} spatial ones {tuple(space)}, and an image has "
        "two or three: y and x, with or without z; rename them, e.g. "
        ".rename({'old': 'y'}), or insert one with dims="
    )


def _as_requested(
    dims: Sequence[str],
    sizes: Mapping[str, int],
    labelled: Collection[str],
    requested: list[str],
) -> Arrangement:
    if len(set(requested)) < len(requested):
        raise AxisError(f"dims={requested} names a dim twice")
    if len(dims) == len(requested) and all(_UNNAMED.fullmatch(dim) for dim in dims):
        by_position = dict(zip(requested, dims, strict=True))
        found = roles(requested, {n: sizes[own] for n, own in by_position.items()})
        stored = {by_position[name]: role for name, role in found.items()}
        order: list[str | None] = list(dims)
        placed = [stored[dim] for dim in dims]
    else:
        found = roles(dims, sizes, labelled)
        by_name = {role.name: dim for dim, role in found.items()} | {d: d for d in dims}
        order = [by_name.get(name) for name in requested]
        placed = [
            found[own] if own is not None else roles([name], {name: 1})[name]
            for own, name in zip(order, requested, strict=True)
        ]
    left = [dim for dim in dims if dim not in order]
    too_large = [dim for dim in left if sizes[dim] > 1]
    if too_large:
        raise AxisError(
            f"dims={requested} leaves out {too_large}, which have more than one pixel; "
            "name them too, or select from them first"
        )
    by_own = {own or role.name: role for own, role in zip(order, placed, strict=True)}
    _check(by_own, {**sizes, **{role.name: 1 for role in placed}})
    _check_order(placed, requested)
    return Arrangement(
        dims=tuple(order),
        names=tuple(role.name for role in placed),
        types=tuple(role.type for role in placed),
        dropped=tuple(left),
    )


def _check_order(placed: Sequence[Role], requested: Sequence[str]) -> None:
    ranks = [_RANKS.get(role.type, 1) for role in placed]
    if ranks != sorted(ranks):
        raise AxisError(
            f"dims={list(requested)} is in an order that the standard forbids: time "
            "comes first, then the channel or custom axis, then space"
        )
    space = [role.name for role in placed if role.type == "space"]
    if space != sorted(space, key=_SPACE.index):
        warnings.warn(
            f"dims={list(requested)} has space in the order {space}; the standard "
            "advises z, y, x, and viewers may show the image turned",
            OmeZarrWarning,
            stacklevel=2,
        )
