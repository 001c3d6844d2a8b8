"""What stands at a target, and whether a write may go there."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import zarr
from zarr.core.sync import sync

from xarray_omezarr.errors import (
    OptionError,
    TargetExistsError,
    UnknownVersionError,
)
from xarray_omezarr.ngff.paths import DOCUMENTS
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.exchange import restored

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

#: Attribute of a group whose write has not finished; nobody takes it for an image.
UNFINISHED = "xarray_omezarr_unfinished"

#: Objects whose names begin so are leases of writers.
LEASE = ".xarray_omezarr.lock"

# What desktops leave in every folder they show.
_LITTER = frozenset({"", ".DS_Store", "Thumbs.db", "desktop.ini"})

#: Files of zarr, and folders of ours, on the way to their names; others may be making
#: them just now.
PARTIAL = re.compile(r".*\.[0-9a-f]{8,32}\.partial")

#: Names of documents that say what a group or an array is.
METADATA = frozenset(DOCUMENTS)

# What a key of a group tells: what it is, and which verb adds to it.
_KINDS = (
    ("multiscales", "an image", ""),
    ("plate", "a plate", "to_field adds a field to it, "),
    ("well", "a well", "to_field adds a field to its plate, "),
    ("labels", "label images", "to_labels adds one to their image, "),
    ("bioformats2raw.layout", "a collection", "to_series adds a series to it, "),
)

# Seconds between looks at what may be half made.
_PAUSES = (0.01, 0.03, 0.1, 0.2)

# Strangers that a message names.
_SHOWN = 10

_MODES = (None, "w-", "w", "a")


@dataclass(frozen=True, slots=True)
class Occupancy:
    """What stands at a target.

    Parameters
    ----------
    kind : str
        ``"nothing"`` (also an empty folder), ``"group"``, ``"array"`` or
        ``"foreign"`` (something that is not Zarr).
    zarr_format : int, optional
        Of the group.
    attrs : mapping
        Attributes of the group.
    children : tuple of str
        Names right below the group.
    """

    kind: Literal["nothing", "group", "array", "foreign"]
    zarr_format: Literal[2, 3] | None = None
    attrs: Mapping[str, Any] | None = None
    children: tuple[str, ...] = ()

    @property
    def is_unfinished(self) -> bool:
        """Whether it is left over from a write that was interrupted."""
        return bool(self.attrs) and UNFINISHED in (self.attrs or {})

    @property
    def is_free(self) -> bool:
        """Whether a new store may go there without losing anything."""
        if self.kind == "group":
            empty = not self.children and not self.has_ome_metadata
            return empty or self.is_unfinished
        return self.kind == "nothing"

    @property
    def has_ome_metadata(self) -> bool:
        """Whether the group has attributes of any version of the standard."""
        try:
            return registry.detect(self.attrs or {}) is not None
        except UnknownVersionError:
            return True


def is_litter(name: str) -> bool:
    """Whether a name in a folder is of nothing that anybody would miss."""
    is_made = name.startswith(LEASE) or PARTIAL.fullmatch(name) is not None
    return is_made or name in _LITTER


def inspect_target(target: Target) -> Occupancy:
    """What stands at `target`; nothing is changed."""
    folder = target.directory
    if folder is not None and not folder.is_dir():
        exists = restored(folder)
        if not folder.is_dir():
            return Occupancy("foreign" if exists else "nothing")
    children = tuple(_children(target))
    if not children:
        return Occupancy("nothing")
    for zarr_format in (3, 2):
        names = ("zarr.json",) if zarr_format == 3 else (".zgroup", ".zarray")
        if any(name in children for name in names):
            return _inspect_zarr(target, zarr_format, children)
    if folder is None and not _holds_something(target):
        # Some stores in folders list those that are left when all in them is gone.
        return Occupancy("nothing")
    return Occupancy("foreign", children=children)


def group_inside(target: Target, children: tuple[str, ...]) -> str:
    """Name the group that is all there is inside of something that is none.

    Archives are often made of a folder instead of what it holds.

    Parameters
    ----------
    target : Target
        Where no group is.
    children : tuple of str
        What is there.

    Returns
    -------
    str
        Its name; empty where there is something else, or nothing.
    """
    if len(children) != 1 or inspect_target(target.child(children[0])).kind != "group":
        return ""
    return children[0]


def inspect_settled(target: Target) -> Occupancy:
    """What stands at a target that others may be making a group of just now."""
    for pause in _PAUSES:
        occupancy = inspect_target(target)
        if occupancy.kind != "foreign":
            return occupancy
        # Their document may be there under another name, or in part.
        time.sleep(pause)
    return inspect_target(target)


def _inspect_zarr(
    target: Target, zarr_format: Literal[2, 3], children: tuple[str, ...]
) -> Occupancy:
    names = ("zarr.json",) if zarr_format == 3 else (".zgroup", ".zarray", ".zattrs")
    if any(_is_no_file(target, name) for name in names if name in children):
        return Occupancy("foreign", children=children)
    try:
        node = zarr.open(
            store=target.store, path=target.path, mode="r", zarr_format=zarr_format
        )
    except (
        *(AttributeError, LookupError, TypeError, ValueError),
        *(OverflowError, RecursionError, NotImplementedError),
    ):
        # What zarr runs into where its metadata are broken: nobody can tell what
        # stands there.
        return Occupancy("foreign", children=children)
    if isinstance(node, zarr.Array):
        return Occupancy("array", zarr_format)
    return Occupancy(
        "group",
        zarr_format,
        dict(node.attrs),
        tuple(name for name in children if name not in METADATA),
    )


def _is_no_file(target: Target, name: str) -> bool:
    """Whether it is a pipe or a device, which would keep zarr waiting."""
    folder = target.directory
    return folder is not None and not (folder / name).is_file()


def _children(target: Target) -> Iterator[str]:
    async def collect() -> list[str]:
        return [name async for name in target.store.list_dir(target.path)]

    # zarr offers groups and arrays to blocking callers, but no way to list what is
    # neither; its event loop is the one its stores are bound to.
    names = {name.strip("/") for name in sync(collect())}
    yield from sorted(name for name in names if not is_litter(name))


def _holds_something(target: Target) -> bool:
    """Whether there is an object anywhere below a target."""

    async def look() -> bool:
        keys = target.store.list_prefix(f"{target.path}/" if target.path else "")
        async for key in keys:
            if not is_litter(key.rsplit("/", 1)[-1]):
                return True
        return False

    return sync(look())


def _described(occupancy: Occupancy) -> tuple[str, str]:
    """What stands there, and how something is added to it."""
    attrs = occupancy.attrs or {}
    ome = attrs.get("ome")
    told = {*attrs, *(ome if isinstance(ome, Mapping) else ())}
    for key, what, adding in _KINDS:
        if key in told:
            return what, adding
    return "nodes", ""


def check_mode(
    mode: str | None, occupancy: Occupancy, target: Target, strangers: Sequence[str]
) -> Literal["create", "replace"]:
    """Whether to create or to replace; raises where neither is allowed.

    Parameters
    ----------
    mode : str, optional
        The write option.
    occupancy : Occupancy
        What stands at `target`.
    target : Target
        Where to write.
    strangers : sequence of str
        Paths below the group of what does not belong to the OME-Zarr there, and would
        go with it.

    Raises
    ------
    OptionError
        For an unknown mode.
    TargetExistsError
        If something is there that this mode does not replace.
    """
    if mode not in _MODES:
        raise OptionError(f"mode is {mode!r}; there are 'w-', 'w' and 'a'")
    if occupancy.is_free and strangers:
        raise TargetExistsError(
            f"{target} is left over from a write that was interrupted, and holds "
            f"{[*strangers[:_SHOWN]]}, which no write has put there; move them away "
            "and write again, or choose another path"
        )
    if occupancy.is_free:
        return "create"
    folder = target.directory
    if folder is not None and folder.is_symlink() and not folder.exists():
        raise TargetExistsError(
            f"{target} is a symbolic link to nothing: {os.readlink(folder)} is not "
            "there. Make that folder, or delete the link"
        )
    if occupancy.kind != "group":
        what = "a Zarr array" if occupancy.kind == "array" else "something not Zarr"
        raise TargetExistsError(
            f"{target} holds {what}; it is never removed or written into. Choose "
            "another path, or delete it yourself"
        )
    if mode != "w":
        what, adding = _described(occupancy)
        second = ", and a second one cannot be added there" if mode == "a" else ""
        raise TargetExistsError(
            f"{target} holds {what} already{second}; {adding}mode='w' replaces it as "
            "a whole, and group= writes beside it"
        )
    if strangers:
        shown = f"{[*strangers[:_SHOWN]]}"
        further = len(strangers) - _SHOWN
        more = f" and {further} more" if further > 0 else ""
        raise TargetExistsError(
            f"{target} holds {shown}{more} beside or instead of an image; mode='w' "
            "replaces OME-Zarr only, so that nothing else is lost. Delete them "
            "yourself, or choose another path"
        )
    return "replace"
