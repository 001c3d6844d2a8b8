"""Which axis of the standard each dim of an object is, and in which order."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xarray_omezarr.errors import AxisError, OptionError, warn

_TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
_SPACE = ("z", "y", "x")
# Time comes first, then the channel or custom axis, then space (RULES A8).
_RANKS = {"time": 0, "space": 2}
_MOST_DIMS = 5

# Names that mean an axis, whatever their case, where the one-letter name is absent.
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "t": ("time", "timepoint", "timepoints", "frame", "frames"),
    "c": ("channel", "channels", "ch", "band", "bands"),
    "z": ("depth",),
    "y": ("height", "row", "rows", "lat", "latitude"),
    "x": ("width", "col", "cols", "column", "columns", "lon", "longitude"),
}
# squidpy numbers the channel dims of its layers.
_NUMBERED_CHANNELS = re.compile(r"channels?_\d+")
# Red, green and blue of one picture.
_SAMPLES = ("s", "sample", "samples", "rgb", "rgba")
# Names of pixels or of wells: of wells where they have labels.
_PLATE_WORDS = ("row", "rows", "col", "cols", "column", "columns")
# Dims that tell images apart rather than pixels.
_SEVERAL_IMAGES = frozenset(
    [
        *("p", "pos", "position", "positions", "m", "g", "scene", "scenes", "series"),
        *("site", "sites", "field", "fields", "fov", "fovs", "well", "wells"),
        *_PLATE_WORDS,
    ]
)
# What xarray calls dims that nobody named.
_UNNAMED = re.compile(r"dim_\d+")


@dataclass(frozen=True, slots=True)
class Role:
    """What one dim is: its stored name and the type of its axis."""

    name: str
    type: str

    @property
    def rank(self) -> tuple[int, int]:
        """Its place in the order of the standard."""
        place = _SPACE.index(self.name) if self.name in _SPACE else 0
        return _RANKS.get(self.type, 1), place


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


def check_texts(dims: Iterable[object]) -> None:
    """Refuse dims of one name, and those called by what is no text."""
    dims = list(dims)
    twice = [dim for dim in dict.fromkeys(dims) if dims.count(dim) > 1]
    if twice:
        raise AxisError(
            f"Of dims {tuple(dims)} several are called {twice[0]!r}, and every axis "
            "has a name of its own; make the object anew, e.g. with "
            "xr.DataArray(da.data, dims=('y', 'x'))"
        )
    others = [dim for dim in dims if not isinstance(dim, str)]
    if others:
        raise AxisError(
            f"Dims {others} are no texts, and axes are called by texts; name them, "
            f"e.g. with .rename({{{others[0]!r}: 't'}})"
        )


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
    found: dict[str, Role] = {}
    for name, kind in _TYPES.items():
        own = next(_candidates(name, dims, labelled), None)
        if own is not None:
            found[own] = Role(name, kind)
    channel = next((dim for dim, role in found.items() if role.name == "c"), None)
    samples = next((dim for dim in dims if is_samples(dim)), None)
    if samples and (channel is None or sizes[channel] == 1 < sizes[samples]):
        found[samples] = Role("c", "channel")
    return {dim: found.get(dim) or _other(dim, labelled) for dim in dims}


def _candidates(
    name: str, dims: Sequence[str], labelled: Collection[str]
) -> Iterator[str]:
    """Dims that may be axis `name`, the likeliest first."""
    yield from (dim for dim in dims if dim == name)
    for word in (name, *_ALIASES[name]):
        for dim in dims:
            names_wells = word in _PLATE_WORDS and dim in labelled
            if dim.lower() == word and not names_wells:
                yield dim
    if name == "c":
        yield from (dim for dim in dims if _NUMBERED_CHANNELS.fullmatch(dim.lower()))


def is_axis(name: str, axis: str) -> bool:
    """Whether a dim of this name is the axis `axis`, such as ``time`` is ``t``."""
    return roles([name], {name: 1})[name].name == axis


def is_samples(dim: str) -> bool:
    """Whether a dim holds the red, green and blue of one picture."""
    return dim.lower() in _SAMPLES


def _other(dim: str, labelled: Collection[str]) -> Role:
    # Every axis has a type: the schemas take one without for an axis of space (A16).
    named_pixels = dim in labelled or is_samples(dim)
    return Role(dim.lower(), "channel" if named_pixels else dim.lower())


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
        raise AxisError(
            f"Dims {empty} have size 0, and there is no image without pixels; select "
            "a range that holds some"
        )
    if requested is not None:
        return _as_requested(dims, sizes, labelled, requested)
    found = roles(dims, sizes, labelled)
    dropped = _dropped_channels(found, sizes)
    stored = {dim: role for dim, role in found.items() if dim not in dropped}
    _check(stored, sizes)
    order = sorted(stored, key=lambda dim: stored[dim].rank)
    return _arrangement(order, [stored[dim] for dim in order], dropped)


def _arrangement(
    order: Sequence[str | None], placed: Sequence[Role], dropped: Sequence[str]
) -> Arrangement:
    return Arrangement(
        dims=tuple(order),
        names=tuple(role.name for role in placed),
        types=tuple(role.type for role in placed),
        dropped=tuple(dropped),
    )


def _dropped_channels(
    found: Mapping[str, Role], sizes: Mapping[str, int]
) -> tuple[str, ...]:
    """Where there are channels and samples, those of size 1: they say nothing."""
    channels = [dim for dim, role in found.items() if role.type == "channel"]
    samples = next((dim for dim in channels if is_samples(dim)), None)
    if samples is None or len(channels) == 1:
        return ()
    if sizes[samples] == 1:
        return (samples,)
    return tuple(dim for dim in channels if dim != samples and sizes[dim] == 1)


def _check(stored: Mapping[str, Role], sizes: Mapping[str, int]) -> None:
    """Refuse what is no image; `stored` has the roles by own (or inserted) name."""
    dims = tuple(stored)
    for dim, role in stored.items():
        if role.name in _SEVERAL_IMAGES:
            raise AxisError(_about_several_images(dim, sizes.get(dim, 1)))
        if role.name not in _TYPES:
            _check_meaning(dim, role, stored)
    space = [dim for dim, role in stored.items() if role.type == "space"]
    if len(space) < 2:
        raise AxisError(_about_space(dims, space))
    if len(dims) > _MOST_DIMS:
        raise AxisError(
            f"The object has {len(dims)} dims {dims}, and an image has 2 to 5; select "
            "from one of them with .isel(), or write a collection of images with "
            "to_bioformats2raw or a plate with to_plate"
        )
    others = [dim for dim, role in stored.items() if role.type not in _RANKS]
    if len(others) > 1:
        raise AxisError(
            f"Dims {others} are all channels or custom axes, and an image has one at "
            "most; select from all but one with .isel(), or join them with "
            f".stack(c={tuple(others)}).reset_index('c')"
        )


def _check_meaning(dim: str, role: Role, stored: Mapping[str, Role]) -> None:
    """Refuse a custom dim with the name of an axis that another dim is."""
    for name in _TYPES:
        taken = next((own for own, other in stored.items() if other.name == name), dim)
        if dim in _candidates(name, [dim], ()) and taken != dim:
            raise AxisError(
                f"Dims {taken!r} and {dim!r} both look like the axis {name!r}; rename "
                f"one of them with .rename({{{dim!r}: ...}})"
            )
    if role.type in _RANKS:
        raise AxisError(
            f"Dim {dim!r} has the name of a type of axis; rename it with "
            f".rename({{{dim!r}: ...}})"
        )


def _about_several_images(dim: str, size: int) -> str:
    if size == 1:
        return (
            f"Dim {dim!r} tells images apart and has size 1: drop it with "
            f".squeeze({dim!r}), or leave it out of dims="
        )
    return (
        f"Dim {dim!r} tells {size} images apart: write them as a collection with "
        "to_bioformats2raw or as a plate with to_plate, or select one with "
        f".isel({{{dim!r}: 0}})"
    )


def _about_space(dims: tuple[str, ...], space: Sequence[str]) -> str:
    if any(_UNNAMED.fullmatch(dim) for dim in dims):
        guess = "tczyx"[-len(dims) :]
        return (
            f"Dims {dims} have no names that tell what they are; name them in their "
            f"order, e.g. dims={guess!r}"
        )
    return (
        f"Of dims {dims} only {space} are of space, and an image has two or three: y "
        "and x, with or without z; rename dims, e.g. with "
        f".rename({{{dims[-1] if dims else 'dim'!r}: 'x'}}), or insert one with dims="
    )


def _as_requested(
    dims: Sequence[str],
    sizes: Mapping[str, int],
    labelled: Collection[str],
    requested: str | Sequence[str],
) -> Arrangement:
    given: Any = requested
    names = list(given) if isinstance(given, Iterable) else [given]
    if not all(isinstance(name, str) for name in names):
        raise OptionError(f"dims is {requested!r}; give names of dims, e.g. 'tczyx'")
    found = roles(dims, sizes, labelled)
    dropped = _dropped_channels(found, sizes)
    order = _matched(names, [dim for dim in dims if dim not in dropped], found)
    placed = [
        _inserted(name, dims) if own is None else _role_of(own, name, found)
        for own, name in zip(order, names, strict=True)
    ]
    if len({role.name for role in placed}) < len(placed):
        raise AxisError(f"dims={requested!r} names a dim twice")
    left = [dim for dim in dims if dim not in order]
    too_large = [dim for dim in left if sizes[dim] > 1]
    if too_large:
        raise AxisError(
            f"dims={requested!r} leaves out {too_large} of {tuple(dims)}, which hold "
            "more than one pixel; name them too, or select from them first"
        )
    labels = [own or role.name for own, role in zip(order, placed, strict=True)]
    _check(dict(zip(labels, placed, strict=True)), sizes)
    _check_order(placed, requested)
    return _arrangement(order, placed, left)


def _matched(
    names: Sequence[str], dims: Sequence[str], found: Mapping[str, Role]
) -> list[str | None]:
    """The own dim that each requested name means; None for one that is missing."""
    own: list[str | None] = []
    for name in names:
        wanted = roles([name], {name: 1})[name].name
        same = [dim for dim in dims if dim == name]
        same += [dim for dim in dims if dim.lower() == name.lower()]
        same += [dim for dim in dims if found[dim].name == wanted]
        own.append(same[0] if same else None)
    # Dims without a name are named by their place.
    unnamed = [dim for dim in dims if _UNNAMED.fullmatch(dim) and dim not in own]
    if len(unnamed) == own.count(None):
        in_order = iter(unnamed)
        own = [next(in_order) if dim is None else dim for dim in own]
    return own


def _role_of(own: str, name: str, found: Mapping[str, Role]) -> Role:
    named_by_place = _UNNAMED.fullmatch(own) and own != name
    return roles([name], {name: 1})[name] if named_by_place else found[own]


def _inserted(name: str, dims: Sequence[str]) -> Role:
    role = roles([name], {name: 1})[name]
    if role.name not in _TYPES:
        raise AxisError(
            f"dims= names {name!r}, which is neither one of {tuple(dims)} nor one of "
            f"{tuple(_TYPES)}, which can be inserted; correct the name"
        )
    return role


def _check_order(placed: Sequence[Role], requested: str | Sequence[str]) -> None:
    ranks = [role.rank[0] for role in placed]
    if ranks != sorted(ranks):
        raise AxisError(
            f"dims={requested!r} is in an order that the standard forbids: time comes "
            "first, then the channel or custom axis, then space"
        )
    space = [role.name for role in placed if role.type == "space"]
    if space != sorted(space, key=_SPACE.index):
        warn(
            f"dims={requested!r} has space in the order {space}; the standard advises "
            "z, y, x, and viewers may show the image turned",
        )
