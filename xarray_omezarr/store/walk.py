"""Raw metadata documents of many nodes, a round at a time; nothing in them is an error.

Who checks a hierarchy wants to be told what is broken, so a document that cannot be
read or understood becomes a `Node` that says so. Who wants to open it uses
`open_tree`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore

from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.in_flight import Room
from xarray_omezarr.store.walk_json import Parsed, parse
from xarray_omezarr.store.walk_local import read_file

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

Want: TypeAlias = Literal["group", "array", "root", "maybe", "file"]
Kind: TypeAlias = Literal["group", "array", "absent", "unreadable"]
# What came of asking for one document: its bytes, that it is not there, or why not.
_Got: TypeAlias = "bytes | None | Exception"

# Documents of a plate are often the same to the byte, so they are parsed once; so many
# are remembered.
_REMEMBERED = 256
_REMEMBERED_BYTES = 1 << 20
_ZARR_FORMATS = (2, 3)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong with a document as such.

    Parameters
    ----------
    document : str
        Its name, such as ``"zarr.json"``.
    message : str
        What is wrong.
    is_error : bool
        False if it is only unwise.
    remedy : str
        What to do about it, where it is not to write the metadata again.
    """

    document: str
    message: str
    is_error: bool = True
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Node:
    """What the documents at a path hold.

    Parameters
    ----------
    path : str
        Below the target.
    kind : "group", "array", "absent" or "unreadable"
        Unreadable: something is there, and it does not tell what it is.
    zarr_format : int, optional
        2 or 3; None if there is nothing.
    attrs : object
        The attributes as they are, whatever their type.
    document : mapping
        Metadata of an array (``.zarray`` or ``zarr.json``), or of a group.
    key : bytes
        The document that holds the attributes: equal keys have equal attributes.
    troubles : tuple of Trouble
        What is wrong with the documents.
    """

    path: str
    kind: Kind
    zarr_format: int | None = None
    attrs: object = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    key: bytes = b""
    troubles: tuple[Trouble, ...] = ()


class Walker:
    """Reads nodes of a hierarchy, each round with concurrent gets.

    Nodes are looked for in the Zarr format of the root first: one document per node of
    Zarr v3, one or two of Zarr v2. Only what is not found so is looked for otherwise.

    Parameters
    ----------
    target : Target
        The root; paths count from it.

    Attributes
    ----------
    zarr_format : int
        That of the root, 3 before it was read.
    """

    def __init__(self, target: Target) -> None:
        self._target = target
        self._is_local = (
            target.directory is not None and type(target.store) is LocalStore
        )
        self._parsed: dict[bytes, Parsed] = {}
        self.zarr_format = 3

    @property
    def target(self) -> Target:
        """What paths count from."""
        return self._target

    def root(self) -> Node:
        """The node at the target.

        Raises
        ------
        OSError
            If the store cannot be reached, or does not allow to read. What a client
            of a server raises is passed on too.
        """
        keys = [*_documents("root", 3)]
        got = self._get([(key, key) for key in keys])
        for value in got.values():
            if isinstance(value, Exception):
                raise value
        node = self._node("", got)
        if node.zarr_format is not None:
            self.zarr_format = node.zarr_format
        return node

    def read(self, wanted: Iterable[tuple[str, Want]]) -> dict[str, Node]:
        """The nodes at these paths, in one or two rounds.

        Parameters
        ----------
        wanted : iterable of (str, Want)
            Paths below the target, and what is expected there: a ``"group"``, an
            ``"array"``, or ``"maybe"`` a group that need not be there.

        Returns
        -------
        dict
            A node for every path; those that are not there are of kind ``"absent"``.
        """
        asked = dict(wanted)
        found = self._round(asked, self.zarr_format)
        missing = {
            path: asked[path]
            for path, node in found.items()
            if (node.kind == "absent" and asked[path] != "maybe")
            # Of a group of the other format not all documents were asked for.
            or (node.kind == "group" and node.zarr_format != self.zarr_format)
        }
        if missing:
            found |= self._round(dict.fromkeys(missing, "root"), self.zarr_format)
        return found

    def files(self, paths: Sequence[str]) -> dict[str, bytes | None | Exception]:
        """The bytes of files; None where there is none, or why it cannot be read."""
        return self._get([(path, path) for path in paths])

    def _round(self, asked: Mapping[str, Want], zarr_format: int) -> dict[str, Node]:
        names = {
            path: _documents(want, zarr_format, both=self._is_local)
            for path, want in asked.items()
        }
        keys = [(join(path, name), path) for path in asked for name in names[path]]
        got = self._get(keys)
        return {
            path: self._node(
                path, {name: got[join(path, name)] for name in names[path]}
            )
            for path in asked
        }

    def _node(self, path: str, got: Mapping[str, _Got]) -> Node:
        """What the documents of one node say together."""
        failed = {name: v for name, v in got.items() if isinstance(v, Exception)}
        if failed:
            troubles = tuple(
                Trouble(name, f"{name} cannot be read: {_told(error)}")
                for name, error in failed.items()
            )
            return Node(path, "unreadable", None, troubles=troubles)
        there = {name: v for name, v in got.items() if isinstance(v, bytes)}
        both: tuple[Trouble, ...] = ()
        if "zarr.json" in there and {".zgroup", ".zarray"} & there.keys():
            both = (_two_formats(there),)
        if "zarr.json" in there:
            return self._node_v3(path, there["zarr.json"], both)
        if ".zarray" in there:
            return self._node_v2(path, "array", ".zarray", there)
        if ".zgroup" in there or ".zattrs" in there:
            return self._node_v2(path, "group", ".zgroup", there)
        return Node(path, "absent")

    def _node_v3(self, path: str, raw: bytes, both: tuple[Trouble, ...]) -> Node:
        parsed = self._parse(raw)
        troubles = [*both, *_told_of("zarr.json", parsed)]
        document = parsed.value
        if not isinstance(document, Mapping):
            return Node(path, "unreadable", 3, troubles=tuple(troubles))
        kind = document.get("node_type")
        if document.get("zarr_format") != 3:
            troubles.append(
                Trouble(
                    "zarr.json",
                    f"zarr_format is {document.get('zarr_format')!r} instead of 3",
                )
            )
        if kind not in ("group", "array"):
            words = f"node_type is {kind!r} instead of 'group' or 'array'"
            troubles.append(Trouble("zarr.json", words))
            return Node(path, "unreadable", 3, troubles=tuple(troubles))
        attrs = document.get("attributes", {})
        return Node(path, kind, 3, attrs, document, raw, tuple(troubles))

    def _node_v2(
        self, path: str, kind: Kind, name: str, there: Mapping[str, bytes]
    ) -> Node:
        troubles: list[Trouble] = []
        document: Mapping[str, Any] = {}
        if name in there:
            parsed = self._parse(there[name])
            troubles += _told_of(name, parsed)
            if not isinstance(parsed.value, Mapping):
                return Node(path, "unreadable", 2, troubles=tuple(troubles))
            document = parsed.value
            if document.get("zarr_format") != 2:
                seen = document.get("zarr_format")
                words = f"zarr_format is {seen!r} instead of 2"
                troubles.append(Trouble(name, words))
        else:
            words = "there is .zattrs and no .zgroup, so Zarr knows of no group"
            troubles.append(Trouble(".zgroup", words))
        raw = there.get(".zattrs", b"{}")
        parsed = self._parse(raw)
        troubles += _told_of(".zattrs", parsed)
        attrs = parsed.value if parsed.is_json else {}
        return Node(path, kind, 2, attrs, document, raw, tuple(troubles))

    def _parse(self, raw: bytes) -> Parsed:
        known = self._parsed.get(raw)
        if known is None:
            known = parse(raw)
            if len(raw) <= _REMEMBERED_BYTES:
                if len(self._parsed) >= _REMEMBERED:
                    self._parsed.clear()
                self._parsed[raw] = known
        return known

    def _get(self, keys: Sequence[tuple[str, str]]) -> dict[str, _Got]:
        """What is at keys; of each only what it is, nothing is raised."""
        if self._is_local:
            folder = str(self._target.directory)
            return {key: read_file(f"{folder}/{key}") for key, _ in keys}
        return sync(self._get_all([key for key, _ in keys]))

    async def _get_all(self, keys: Sequence[str]) -> dict[str, _Got]:
        room = Room(self._target.store)
        prototype = default_buffer_prototype()
        store, base = self._target.store, self._target.path

        async def get_one(key: str) -> _Got:
            async with room.request():
                # Clients of servers raise what they like.
                try:
                    value = await store.get(join(base, key), prototype)
                    return None if value is None else value.to_bytes()
                except Exception as error:
                    return error

        got = await asyncio.gather(*map(get_one, keys))
        return dict(zip(keys, got, strict=True))


def _documents(want: Want, zarr_format: int, *, both: bool = False) -> tuple[str, ...]:
    """Names of the documents that tell of a node.

    On local disks it costs next to nothing to see whether there are those of the other
    format of Zarr as well.
    """
    if want == "root":
        return "zarr.json", ".zgroup", ".zattrs", ".zarray"
    if want == "array":
        return (".zarray",) if zarr_format == 2 else ("zarr.json",)
    if zarr_format == 2:
        names: tuple[str, ...] = (".zgroup", ".zattrs")
        return (*names, "zarr.json") if both and want != "maybe" else names
    return ("zarr.json", ".zgroup") if both and want != "maybe" else ("zarr.json",)


def _two_formats(there: Iterable[str]) -> Trouble:
    others = ", ".join(sorted({".zgroup", ".zarray"} & {*there}))
    return Trouble(
        "zarr.json",
        f"there are documents of Zarr v3 and of v2 ({others}); which of them a reader "
        "takes is up to it",
        is_error=False,
        remedy="remove the documents of the format that is not meant",
    )


def _told_of(name: str, parsed: Parsed) -> list[Trouble]:
    return [Trouble(name, f"{name} {words}") for words in parsed.problems]


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:300]
