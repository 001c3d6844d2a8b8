"""What stands in a hierarchy on a local disk: every group and array with its documents.

Also what others put there, since a hierarchy changes its Zarr format as a whole.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from zarr.storage import LocalStore

from xarray_omezarr.errors import (
    LockedError,
    MetadataError,
    NotOmeZarrError,
    OptionError,
    Problems,
    TargetNotFoundError,
    UnknownVersionError,
)
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.plain import endless_number
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.occupancy import LEASE, METADATA, UNFINISHED
from xarray_omezarr.store.update_log import half_updated, log_key

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

_V3 = "zarr.json"
# Folders in a row that are no nodes: those of a row and a well.
_GAP = 2
_OLD_NODES: Mapping[str, Literal["group", "array"]] = {
    ".zarray": "array",
    ".zgroup": "group",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One folder that is a node, or lies above one.

    Parameters
    ----------
    kind : "group", "array" or "folder"
        A folder has no metadata of its own.
    zarr_format : int, optional
        2 or 3; None for a folder. Where there are documents of both, that of the
        root, and else the later one, as for readers.
    document : mapping
        Contents of ``zarr.json``, ``.zarray`` or ``.zgroup``.
    attrs : mapping
        Its attributes.
    names : tuple of str
        Metadata documents that are there, of either format.
    """

    kind: Literal["group", "array", "folder"]
    zarr_format: int | None = None
    document: Mapping[str, Any] = field(default_factory=dict)
    attrs: Mapping[str, Any] = field(default_factory=dict)
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Survey:
    """A hierarchy on a local disk as it stands.

    Parameters
    ----------
    target : Target
        Its root.
    folder : pathlib.Path
        The folder itself, where the target may be a link to it.
    nodes : mapping
        By path below the root, parents first.
    """

    target: Target
    folder: Path
    nodes: Mapping[str, Standing]

    @property
    def zarr_format(self) -> int:
        """That of the root."""
        return self.nodes[""].zarr_format or 0


def survey(target: Target) -> Survey:
    """What stands at `target`; nothing is changed.

    Raises
    ------
    OptionError
        If it is no folder of a local disk, or is not to be written to.
    TargetNotFoundError, NotOmeZarrError
        If there is nothing, or no group.
    MetadataError
        If a document cannot be read.
    LockedError
        If somebody is writing there.
    """
    folder = folder_of(target)
    problems = Problems()
    first = _Look(folder, None).node("")
    if first is None or first.kind == "folder":
        raise TargetNotFoundError(f"There is no Zarr group at {target}")
    if first.kind == "array":
        raise NotOmeZarrError(
            f"{target} is a Zarr array, and OME-Zarr is made of groups; name the group "
            "above it"
        )
    look = _Look(folder, first.zarr_format)
    nodes = {"": first, **look.below("", problems)}
    problems.raise_all(f"What stands at {target} cannot be upgraded")
    _refuse_what_is_being_written(target, folder, nodes)
    return Survey(target, folder, nodes)


def above(folder: Path) -> Iterator[tuple[Path, Standing]]:
    """The groups that a folder is part of, the nearest first.

    A path may name a field of a plate, and not the plate it is in. Some writers make
    no groups of rows, so that it is looked a few folders further up; groups beyond
    such a gap count only if they are OME-Zarr.
    """
    gap, has_gap = 0, False
    for parent in folder.parents:
        try:
            node = _Look(parent, None).node("")
        except (MetadataError, OSError):
            return
        if node is not None and node.kind == "array":
            return
        if node is None:
            gap, has_gap = gap + 1, True
            if gap > _GAP:
                return
            continue
        gap = 0
        if not has_gap or _is_ours(node):
            yield parent, node


def _is_ours(node: Standing) -> bool:
    try:
        return registry.detect(node.attrs) is not None
    except UnknownVersionError:
        return True


def folder_of(
    target: Target, settle: Callable[[Path], None] = lambda folder: None
) -> Path:
    """The folder of a target, where a link to it may be named.

    Parameters
    ----------
    target : Target
        Where.
    settle : callable
        Puts right what an interrupted upgrade left there.

    Raises
    ------
    OptionError
        If it is no folder of a local disk, or is not to be written to.
    TargetNotFoundError
        If there is nothing.
    """
    if type(target.store) is not LocalStore or target.directory is None:
        raise OptionError(
            f"{target} is no folder of a local disk: elsewhere many objects cannot "
            "change at once, and what fails halfway would leave neither version. "
            "Write it anew with xarray_omezarr.convert(source, store, version=...)"
        )
    folder = target.directory.resolve()
    if not target.store.read_only:
        settle(folder)
    if not folder.is_dir():
        raise TargetNotFoundError(f"There is no Zarr group at {target}")
    if target.store.read_only or not os.access(folder, os.W_OK):
        raise OptionError(
            f"{target} is read-only; write it to another place with "
            "xarray_omezarr.convert(source, store, version=...)"
        )
    return folder


@dataclass(frozen=True, slots=True)
class _Look:
    root: Path
    preferred: int | None

    def below(self, path: str, problems: Problems) -> dict[str, Standing]:
        """The nodes below a group or folder, parents first."""
        try:
            with os.scandir(self.root / path) as entries:
                listed = [(e.name, e.is_symlink()) for e in entries if e.is_dir()]
        except PermissionError as error:
            raise _unreadable(self.root / path, error) from None
        found: dict[str, Standing] = {}
        for name, is_link in sorted(listed):
            inner = join(path, name)
            with problems.collected():
                node = self.node(inner)
                if is_link and node is not None:
                    raise _link(self.root / inner)
                deeper = {}
                if not is_link and (node is None or node.kind != "array"):
                    deeper = self.below(inner, problems)
                if node is not None or deeper:
                    found[inner] = node or Standing("folder")
                    found.update(deeper)
        return found

    def node(self, path: str) -> Standing | None:
        """What the documents in a folder tell; None if there are none."""
        folder = self.root / path
        names = tuple(n for n in sorted(METADATA) if os.path.isfile(folder / n))
        old = next((name for name in _OLD_NODES if name in names), None)
        if _V3 in names and (old is None or self.preferred != 2):
            return self._new(path, names)
        if old is None and ".zattrs" not in names:
            return None
        attrs = self._json(join(path, ".zattrs")) if ".zattrs" in names else {}
        if old is None:
            return Standing("group", 2, {"zarr_format": 2}, attrs, names)
        document = self._json(join(path, old))
        return Standing(_OLD_NODES[old], 2, document, attrs, names)

    def _new(self, path: str, names: tuple[str, ...]) -> Standing:
        document = self._json(join(path, _V3))
        kind, attrs = document.get("node_type"), document.get("attributes", {})
        if kind not in ("group", "array") or not isinstance(attrs, dict):
            raise MetadataError(
                f"{self.root / path / _V3} does not describe a group or an array with "
                f"attributes: its node_type is {kind!r}, and the attributes are "
                f"{type(attrs).__name__}"
            )
        return Standing(kind, 3, document, attrs, names)

    def _json(self, key: str) -> dict[str, Any]:
        if (self.root / key).exists() and not (self.root / key).is_file():
            # A pipe would keep whoever opens it waiting.
            raise MetadataError(f"{self.root / key} is no regular file")
        try:
            found = json.loads((self.root / key).read_bytes())
        except PermissionError as error:
            raise _unreadable(self.root / key, error) from None
        except (ValueError, RecursionError) as error:
            number = endless_number(error)
            problem = f"holds {number}" if number else f"is no JSON: {error}"
            raise MetadataError(f"{self.root / key} {problem}") from None
        if not isinstance(found, dict):
            raise MetadataError(f"{self.root / key} is {found!r}, no JSON object")
        return found


def _unreadable(place: Path, error: OSError) -> OptionError:
    return OptionError(
        f"{place} cannot be read ({error.strerror}), so that nobody knows what is in "
        "it; give yourself the right to"
    )


def _link(place: Path) -> OptionError:
    return OptionError(
        f"{place} is a link to another place, where nothing is changed; write the "
        "whole anew with xarray_omezarr.convert(source, store, version=...)"
    )


def _refuse_what_is_being_written(
    target: Target, folder: Path, nodes: Mapping[str, Standing]
) -> None:
    for path, node in nodes.items():
        if os.path.exists(folder / log_key(path)):
            raise half_updated(folder / path)
        if UNFINISHED in node.attrs:
            raise LockedError(
                f"{folder / path} is an image that is being written, or whose writing "
                "was interrupted; wait for it, or write it again"
            )
        if node.kind == "array" and os.path.exists(folder / path / LEASE):
            raise LockedError(
                f"{path!r} of {target} is being written. If that writer is not alive "
                f"any more, delete {folder / path / LEASE}"
            )
