"""One file: what an archive that holds a whole hierarchy should be like (RFC-9)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xarray_omezarr.ngff.rules.finding import Finding, Severity

_ROOT = "zarr.json"
_REMEDY = "pack the archive again, or write it with xarray_omezarr.convert"


@dataclass(frozen=True, slots=True)
class Entry:
    """One file in an archive.

    Parameters
    ----------
    name : str
        Its path in the archive.
    offset : int
        Where it begins, in bytes.
    is_compressed : bool
        Whether the archive compresses it, whatever the codecs of Zarr did.
    """

    name: str
    offset: int
    is_compressed: bool


@dataclass(frozen=True, slots=True)
class Archive:
    """What is known of an archive without reading its files.

    Parameters
    ----------
    entries : tuple of Entry
        In the order of its central directory.
    comment : bytes
        Of the archive as a whole.
    is_zip64 : bool
        Whether it is of the form for large archives.
    is_named : bool
        Whether its name ends in ``.ozx``: another archive promises nothing.
    """

    entries: tuple[Entry, ...]
    comment: bytes
    is_zip64: bool
    is_named: bool


def told(comment: bytes) -> dict[str, Any]:
    """What the comment of an archive says of OME-Zarr; empty if it says nothing.

    Examples
    --------
    >>> told(b'{"ome": {"version": "0.5"}}')
    {'version': '0.5'}
    >>> told(b"made by hand")
    {}
    """
    try:
        found = json.loads(comment)
    except (ValueError, RecursionError):
        return {}
    ome = found.get("ome") if isinstance(found, dict) else None
    return ome if isinstance(ome, dict) else {}


def check_archive(archive: Archive) -> Iterator[Finding]:
    """Whether an archive is as the text about one-file hierarchies has it.

    Parameters
    ----------
    archive : Archive
        What is known of it.
    """
    names = [entry.name for entry in archive.entries]
    if repeated := len(names) - len({*names}):
        words = f"{repeated} of its entries have a name that another one has"
        yield _finding(words, "each entry once")
    if not archive.is_named:
        return
    if _ROOT not in names:
        words = f"there is no {_ROOT} at the root of the archive"
        yield _finding(words, "the root of the hierarchy is that of the archive", True)
    inner = [name for name in names if name.lower().endswith((".ozx", ".zip"))]
    if inner:
        words = f"there are archives in the archive, {inner[0]!r:.80} first"
        yield _finding(words, "no archives in it", True)
    packed = [entry.name for entry in archive.entries if entry.is_compressed]
    if packed:
        words = f"{len(packed)} entries are compressed by zip, {packed[0]!r:.80} first"
        yield _finding(words, "entries are stored as they are")
    if not archive.is_zip64:
        yield _finding("the archive is not of the form ZIP64", "ZIP64")
    yield from _check_order(archive)
    yield from _check_comment(archive)


def _check_order(archive: Archive) -> Iterator[Finding]:
    """Documents come first, the root's before all; an error if that is promised."""
    stored = sorted(archive.entries, key=lambda entry: entry.offset)
    orders = {
        "the central directory": [entry.name for entry in archive.entries],
        "the archive": [entry.name for entry in stored],
    }
    apart = [where for where, names in orders.items() if not _in_order(names)]
    if not apart:
        return
    words = (
        f"{_ROOT} files are not first in {apart[0]}, the root's before those further "
        "down"
    )
    promised = _directory(archive).get("jsonFirst") is True
    if promised and "the central directory" in apart:
        words += ", though the comment says so (jsonFirst)"
        yield _finding(words, "jsonFirst is true where it is", True)
    else:
        yield _finding(words, "documents come first, breadth-first")


def _in_order(names: Sequence[str]) -> bool:
    documents = [name for name in names if name.rpartition("/")[2] == _ROOT]
    depths = [name.count("/") for name in documents]
    return [*names[: len(documents)]] == documents and depths == sorted(depths)


def _directory(archive: Archive) -> dict[str, Any]:
    """What the comment says of the central directory."""
    found: Any = told(archive.comment)
    for key in ("zipFile", "centralDirectory"):
        found = found.get(key)
        if not isinstance(found, dict):
            return {}
    return {**found}


def _check_comment(archive: Archive) -> Iterator[Finding]:
    words = "the archive has no comment that tells the version of OME-Zarr"
    if isinstance(told(archive.comment).get("version"), str):
        return
    if archive.comment:
        words = (
            f"the comment of the archive tells no ome.version: {archive.comment[:80]!r}"
        )
    yield _finding(words, "comment of the archive")


def _finding(words: str, rule: str, is_error: bool = False) -> Finding:
    severity: Severity = "error" if is_error else "warning"
    strength = "MUST" if is_error else "SHOULD"
    clause = f"One-file hierarchies (RFC-9): {rule} ({strength})"
    return Finding(severity, "", "", words, clause, remedy=_REMEDY)
