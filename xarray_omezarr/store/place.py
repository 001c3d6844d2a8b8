"""Where a write happens, what it replaces, and how its result gets into place."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import zarr
from zarr.core.sync import sync
from zarr.storage import FsspecStore, LocalStore, MemoryStore, ZipStore

from xarray_omezarr.errors import OptionError, TargetExistsError, some, warn
from xarray_omezarr.store.clearing import clear
from xarray_omezarr.store.conditional import creator_of
from xarray_omezarr.store.exchange import beside
from xarray_omezarr.store.left_over import strangers_in
from xarray_omezarr.store.nodes import empty_group
from xarray_omezarr.store.occupancy import (
    METADATA,
    UNFINISHED,
    Occupancy,
    check_mode,
    inspect_settled,
    inspect_target,
)
from xarray_omezarr.store.origins import reads_from_itself
from xarray_omezarr.store.ownership import Contents, contents_of
from xarray_omezarr.store.protected import refuse_links, refuse_protected
from xarray_omezarr.store.sessions import check_held, check_writable, session_of
from xarray_omezarr.store.target import Target
from xarray_omezarr.store.zip_target import OneFile, check_one_file, new_file
from xarray_omezarr.store.zip_writing import ZipWriting

if TYPE_CHECKING:
    from pathlib import Path

    from xarray_omezarr.hierarchy import Hierarchy, Model
    from xarray_omezarr.store.arrays import ZarrFormat
    from xarray_omezarr.store.claim import Claim


# Paths that a message names.
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Place:
    """Where a write happens, and where its result will stand.

    Parameters
    ----------
    final : Target
        Where the hierarchy will stand.
    working : Target
        Where it is written: `final`, or a place beside it that takes its place.
    kept_attrs : mapping
        Attributes of an empty group that was there already.
    found : Occupancy
        What stood at `final`.
    labels, members : tuple of str
        Paths of label images, and of fields or series, that go with it: nothing that
        is written takes their place.
    had : Contents
        All that was found in what is replaced.
    """

    final: Target
    working: Target
    kept_attrs: Mapping[str, Any]
    found: Occupancy
    labels: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    had: Contents = field(default_factory=Contents)

    @property
    def is_beside(self) -> bool:
        """Whether the result is put into place at the end."""
        return self.working is not self.final


def find_place(target: Target, mode: str | None, hierarchy: Hierarchy) -> Place:
    """Where to write `hierarchy`; nothing is changed.

    Raises
    ------
    TargetExistsError
        If something is there that `mode` does not replace.
    OptionError
        If the store cannot be written, or holds groups of another Zarr format.
    """
    check_writable(target)
    if isinstance(target.store, ZipStore):
        raise OptionError(
            f"{target} is a zip file, in which nothing can be written twice, as the "
            "metadata of an image must be; give a path that ends in .ozx instead, or "
            "write to a folder"
        )
    if isinstance(target.store, OneFile):
        check_one_file(target.store, target.path, mode, hierarchy)
    check_held(target, hierarchy.version.features.zarr_format, hierarchy.files)
    refuse_links(target)
    occupancy = inspect_target(target)
    # Of a plate it takes a while, and only what is replaced is looked into.
    contents = contents_of(target, occupancy) if mode == "w" else Contents()
    strangers = contents.strangers
    if occupancy.is_unfinished:
        strangers = strangers_in(target)
    action = check_mode(mode, occupancy, target, strangers)
    zarr_format = hierarchy.version.features.zarr_format
    new = hierarchy.group("").model
    if action == "replace" and not contents.is_replaced_by(new):
        raise TargetExistsError(
            f"{target} holds {_with_article(contents.model)}, and what would replace "
            f"it is {_with_article(new)}; mode='w' replaces like with like. Delete it "
            "yourself, or choose another path or group="
        )
    if target.directory is not None and (
        action == "replace" or occupancy.is_unfinished
    ):
        refuse_protected(target.directory)
    _check_ancestors(target, zarr_format)
    if action == "create":
        is_group = occupancy.kind == "group" and not occupancy.is_unfinished
        if is_group and occupancy.zarr_format != zarr_format:
            raise _wrong_format(target, occupancy, zarr_format)
        attrs = occupancy.attrs or {}
        kept = {key: value for key, value in attrs.items() if key != UNFINISHED}
        return Place(target, _beside_if_new(target, hierarchy), kept, occupancy)
    images = hierarchy.images
    labels, members = (
        tuple(path for path in paths if path not in images)
        for paths in (contents.labels, contents.members)
    )
    beside = _beside(target, hierarchy)
    return Place(target, beside, {}, occupancy, labels, members, contents)


def _with_article(model: Model | None) -> str:
    said = "group without metadata" if model is None else model.summary()
    article = "an " if said[0] in "aeiou" else "a "
    return said if said[0].isdecimal() else f"{article}{said}"


def _check_ancestors(target: Target, zarr_format: ZarrFormat) -> None:
    for ancestor in ancestors(target):
        occupancy = inspect_settled(ancestor)
        if occupancy.kind in ("array", "foreign"):
            raise TargetExistsError(
                f"{ancestor} is no Zarr group, so no group can be made below it; "
                "choose another path"
            )
        if occupancy.kind == "group" and occupancy.zarr_format != zarr_format:
            raise _wrong_format(ancestor, occupancy, zarr_format)


def ancestors(target: Target) -> Iterator[Target]:
    """The groups above a target inside its store, the root first."""
    parts = target.path.split("/") if target.path else []
    for depth in range(len(parts)):
        above = len(parts) - depth
        directory = None if target.directory is None else target.directory.parents
        yield Target(
            store=target.store,
            path="/".join(parts[:depth]),
            directory=None if directory is None else directory[above - 1],
            uri=target.uri.rsplit("/", above)[0],
        )


def require_group(target: Target, zarr_format: ZarrFormat) -> None:
    """Make a group at `target` if there is none; one that is there is not touched.

    Others may make it, and tell its metadata, at the same time.
    """
    key, value = empty_group(target.path, zarr_format)
    if isinstance(target.store, FsspecStore):
        creator = creator_of(target)
        # Not every server knows conditions; then there is one writer.
        with contextlib.suppress(Exception):
            if creator is not None and sync(target.store.exists(key)):
                return
            if creator is not None:
                creator.create(key, value.to_bytes())
                return
    sync(target.store.set_if_not_exists(key, value))


def _wrong_format(
    target: Target, occupancy: Occupancy, zarr_format: ZarrFormat
) -> OptionError:
    return OptionError(
        f"{target} is a group of Zarr v{occupancy.zarr_format}, and this version of "
        f"OME-Zarr is stored in Zarr v{zarr_format}; choose another version= or path"
    )


def warn_of_replacing(place: Place) -> None:
    """Say what is lost when the write replaces something."""
    target = place.final
    if place.found.is_free:
        return
    if place.members:
        warn(
            f"Replacing what is at {target} removes images that are not in "
            f"what is written: {some(place.members, _SHOWN)}"
        )
    if place.labels:
        warn(
            f"Replacing what is at {target} removes its labels too: "
            f"{some(place.labels, _SHOWN)}"
        )
    if not place.is_beside and session_of(target.store) is None:
        warn(
            f"{target} has no rename: the old image is gone before the new one is "
            "complete. Write to a new path, or use icechunk, to be safe"
        )


def refuse_losing_members(place: Place, hierarchy: Hierarchy) -> None:
    """Raise if a part of a plate or collection would replace the whole it is from.

    Raises
    ------
    TargetExistsError
        Naming the images that would be gone.
    """
    if place.members and reads_from_itself(hierarchy, place.final):
        raise TargetExistsError(
            f"What is to be written is read from {place.final}, and lacks "
            f"images of it, which mode='w' would remove: "
            f"{some(place.members, _SHOWN)}. Open all of it, or write to another "
            "place; single images are replaced with to_field or to_series"
        )


def _beside_if_new(target: Target, hierarchy: Hierarchy) -> Target:
    """Where something is written where nothing is: one file is made beside, too."""
    is_one = isinstance(target.store, OneFile)
    return _beside(target, hierarchy) if is_one else target


def _beside(target: Target, hierarchy: Hierarchy) -> Target:
    """Where the new image is written: a hidden folder or file, or memory of its own.

    The target itself where none can be put in its place at the end.
    """
    if isinstance(target.store, OneFile):
        file = new_file(target.store, target.path, hierarchy)
        return Target(file, target.path, directory=None, uri=target.uri)
    if isinstance(target.store, MemoryStore):
        return Target(MemoryStore(), path="", directory=None, uri=target.uri)
    if target.directory is None:
        return target
    # Renaming a symbolic link would leave the data it points to behind.
    return _hidden(beside(target.directory.resolve(), ""))


def _hidden(folder: Path) -> Target:
    return Target(LocalStore(folder), path="", directory=folder, uri=str(folder))


def where_tasks_meet(place: Place, token: str) -> Place:
    """The place of a write that may be begun once more while its tasks run.

    Schedulers do so when a worker dies: tasks that are done are not done again, so
    what is hidden beside must be at the same place the second time.
    """
    folder = place.final.directory
    if not place.is_beside or folder is None or place.working.directory is None:
        return place
    return replace(place, working=_hidden(beside(folder.resolve(), "", token)))


class CleanUp:
    """Whether what was made is removed when the write fails."""

    def __init__(self) -> None:
        self.is_wanted = True

    def renounce(self) -> None:
        """Leave it, marked as unfinished, for others may still write there."""
        self.is_wanted = False


@contextlib.contextmanager
def cleaned_up_on_error(place: Place, claim: Claim) -> Iterator[CleanUp]:
    """Remove what was made so far when the write fails, and nothing else.

    What is under `claim` is removed; its own file stays until that is released.
    """
    clean_up = CleanUp()
    try:
        yield clean_up
    except BaseException as error:
        if session_of(place.final.store) is not None:
            error.add_note(
                f"{place.final} is in a session of icechunk: nothing was committed, "
                "and session.discard_changes() forgets all that was written in it"
            )
        # The error that is under way matters more than one of cleaning up; what
        # cannot be removed stays marked as unfinished.
        if clean_up.is_wanted:
            with contextlib.suppress(Exception):
                if not place.is_beside:
                    claim.check()
                _remove_unfinished(place)
        raise


def _remove_unfinished(place: Place) -> None:
    working = place.working
    if place.is_beside:
        if working.directory is not None:
            shutil.rmtree(working.directory, ignore_errors=True)
        if isinstance(working.store, ZipWriting):
            working.store.discard()
        return
    if not inspect_target(working).is_unfinished:
        return
    if place.found.kind == "group" and not place.found.is_unfinished:
        # A group that was there stays, as empty as it was.
        clear(working, keep=METADATA)
        group = zarr.open_group(working.store, path=working.path, mode="r+")
        group.attrs.put(dict(place.kept_attrs))
    else:
        # The mark goes last: what is left if this stops half way is recognised.
        clear(working, keep=METADATA)
        clear(working)
