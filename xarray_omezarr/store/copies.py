"""Consolidated metadata as they are read: copies that spare a request per node."""

from __future__ import annotations

import contextlib
import contextvars
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from xarray_omezarr.hierarchy import join

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

#: In Zarr v2, the document with the copies.
COPIES = ".zmetadata"
_MEMBER = "consolidated_metadata"

# Groups that may be there or not, and are looked for where their image is.
_OPTIONAL = ("labels", "OME")
_DOCUMENTS = ("zarr.json", ".zgroup", ".zarray", ".zattrs")


@dataclass(slots=True)
class _Held:
    """What the group that is opened has copies of, by key below it."""

    target: Target
    documents: Mapping[str, Any] = field(default_factory=dict)
    nodes: frozenset[str] = frozenset()

    def is_absent(self, key: str) -> bool:
        """Whether the copies tell that there is no such document."""
        node, _, name = key.rpartition("/")
        if name not in _DOCUMENTS:
            return False
        above, _, last = node.rpartition("/")
        if last in _OPTIONAL and node not in self.nodes:
            return not above or above in self.nodes
        return node in self.nodes


_HELD: contextvars.ContextVar[_Held | None] = contextvars.ContextVar(
    "xarray_omezarr_copies", default=None
)


@contextlib.contextmanager
def copies_used(target: Target) -> Iterator[None]:
    """While this lasts, documents below `target` are taken from copies at `target`.

    Files of local disks are read themselves, which is quicker.
    """
    token = _HELD.set(_Held(target))
    try:
        yield
    finally:
        _HELD.reset(token)


def wants_copies(target: Target) -> bool:
    """Whether copies at a target would be used."""
    held = _HELD.get()
    return held is not None and held.target == target


def note_copies(target: Target, found: Mapping[str, bytes]) -> None:
    """Note the copies that the documents of a group have of those below."""
    held = _HELD.get()
    if held is None or held.target != target:
        return
    documents = consolidated(found)
    if documents:
        held.documents = documents
        held.nodes = frozenset(key.rpartition("/")[0] for key in documents)


def consolidated(found: Mapping[str, bytes]) -> dict[str, Any] | None:
    """The copies that documents of a group hold, by key; None where it has none.

    Parameters
    ----------
    found : mapping
        Content of ``zarr.json`` and ``.zmetadata``, as far as they are there.
    """
    inline = "zarr.json" in found
    document = found.get("zarr.json" if inline else COPIES, b"")
    if b'"metadata"' not in document:
        return None
    try:
        told = json.loads(document)
        copies = told[_MEMBER]["metadata"] if inline else told["metadata"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    if not isinstance(copies, Mapping):
        return None
    if not inline:
        return dict(copies)
    return {join(path, "zarr.json"): node for path, node in copies.items()}


def from_copies(
    target: Target, keys: Iterable[str]
) -> tuple[dict[str, bytes], list[str]]:
    """Documents of which there are copies, and the keys of those to ask for.

    What the copies do not know, but metadata name, is asked for: others may have
    added it. A copy that is there is trusted, as zarr does.
    """
    held = _HELD.get()
    if held is None or not held.documents or held.target.store is not target.store:
        return {}, [*keys]
    root = f"{held.target.path}/" if held.target.path else ""
    found: dict[str, bytes] = {}
    asked: list[str] = []
    for key in keys:
        whole = join(target.path, key)
        below = whole[len(root) :]
        if not whole.startswith(root) or "/" not in below:
            asked.append(key)
        elif below in held.documents:
            found[key] = json.dumps(held.documents[below]).encode()
        elif not held.is_absent(below):
            asked.append(key)
    return found, asked
