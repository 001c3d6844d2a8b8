"""What an upgrade writes and removes: new metadata for the chunks that are there."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from xarray_omezarr.errors import LayoutError, OmeZarrError, some
from xarray_omezarr.hierarchy import format_bytes, join
from xarray_omezarr.store.occupancy import METADATA
from xarray_omezarr.store.translated import Untranslatable, to_v3

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.upgrade_survey import Standing, Survey

#: Nothing changes; documents are put into the hierarchy itself, the root's last; or a
#: copy with links to the same chunks takes its place.
Way: TypeAlias = Literal["nothing", "in place", "beside"]

_V3 = "zarr.json"
_ATTRIBUTES, _COPIES = ".zattrs", ".zmetadata"
_CONSOLIDATED = "consolidated_metadata"
_OLD = tuple(sorted(METADATA - {_V3}))
_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the metadata of a hierarchy shall say.

    Parameters
    ----------
    version : Version
        Of the standard.
    attrs : mapping
        New attributes of groups, by path; other groups keep theirs.
    dims : mapping
        Names of the dims of arrays, by path.
    """

    version: Version
    attrs: Mapping[str, Mapping[str, Any]]
    dims: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, repr=False)
class Upgrade:
    """What an upgrade would do, or did.

    Parameters
    ----------
    store : str
        Where.
    old, new : str
        Versions of the standard before and after.
    documents : mapping
        Contents of metadata files by path below the root, in the order in which they
        are written: the root's last.
    removed : tuple of str
        Metadata files of the old version that are removed.
    way : str
        ``"nothing"``, ``"in place"``, or ``"beside"``: a copy whose chunk files are
        hard links to those that are there takes the place of the hierarchy.
    problems : tuple of OmeZarrError
        What keeps it from being done.
    """

    store: str
    old: str
    new: str
    documents: Mapping[str, bytes] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    way: Way = "nothing"
    problems: tuple[OmeZarrError, ...] = ()

    def __repr__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"<Upgrade of {self.store} from OME-Zarr {self.old} to {self.new}>"
        if self.problems:
            yield "cannot be done:"
            yield from (f"- {problem}" for problem in self.problems)
            return
        if self.way == "nothing":
            yield "nothing to do"
            return
        if self.documents:
            size = format_bytes(sum(map(len, self.documents.values())))
            yield (
                f"writes {_count(len(self.documents))}, {size}: "
                f"{some([*self.documents], _SHOWN)}"
            )
        if self.removed:
            yield (
                f"removes {_count(len(self.removed))} of the old version: "
                f"{some(self.removed, _SHOWN)}"
            )
        yield "leaves every chunk as it is" + (
            "; a copy with hard links to the same files takes the place of the store"
            if self.way == "beside"
            else ""
        )


def _count(number: int) -> str:
    return f"{number} metadata file{'' if number == 1 else 's'}"


def plan_upgrade(
    survey: Survey,
    wanted: Wanted,
    *,
    old: Version,
    keep: bool,
    problems: Sequence[OmeZarrError] = (),
) -> Upgrade:
    """What makes a hierarchy say what is wanted; nothing is changed.

    Parameters
    ----------
    survey : Survey
        The hierarchy as it stands.
    wanted : Wanted
        What it shall say.
    old : Version
        That of its root.
    keep : bool
        Whether metadata files of the old version stay.
    problems : sequence of OmeZarrError
        What is in the way already.
    """
    is_new_format = wanted.version.features.zarr_format == 3
    documents: dict[str, Any] = {}
    found = [*problems]
    spell = _of_v2
    if is_new_format:
        spell = _of_v3 if survey.zarr_format == 3 else _translated
    for path, node in survey.nodes.items():
        try:
            document = spell(path, node, wanted)
        except LayoutError as problem:
            found.append(problem)
            continue
        if document is not None:
            documents[join(path, _V3 if is_new_format else _ATTRIBUTES)] = document
    if is_new_format:
        _renew_consolidated(survey, documents)
        _consolidate_anew(survey, documents)
    else:
        _renew_consolidated_of_v2(survey, documents)
    removed = () if keep else tuple(_left_over(survey, documents))
    contents = {key: _spelled(documents[key]) for key in _root_last(documents)}
    changed = {path for path in wanted.attrs if _differs(survey, path, wanted)}
    way: Way = "nothing"
    if contents or removed:
        # One group that says the version changes at once, and then all has changed.
        way = "in place" if changed <= {""} else "beside"
    where, name = str(survey.target), wanted.version.name
    return Upgrade(where, old.name, name, contents, removed, way, tuple(found))


def _differs(survey: Survey, path: str, wanted: Wanted) -> bool:
    node = survey.nodes[path]
    changes_format = node.zarr_format != wanted.version.features.zarr_format
    return changes_format or dict(node.attrs) != dict(wanted.attrs[path])


def _translated(path: str, node: Standing, wanted: Wanted) -> dict[str, Any] | None:
    """The ``zarr.json`` of what has none; what others put there in Zarr v3 stays."""
    if node.zarr_format == 3:
        return None
    if node.kind == "array":
        dims = wanted.dims.get(path)
        try:
            # What is no image need not be read by readers of images.
            return to_v3(
                node.document,
                node.attrs,
                dims,
                chunk_keys="v2",
                texts=path not in wanted.dims,
            )
        except Untranslatable as error:
            raise _refused(path, str(error)) from None
    # Zarr v3 knows no group without a document, so that folders get one.
    attrs = wanted.attrs.get(path, node.attrs)
    return {"zarr_format": 3, "node_type": "group", "attributes": dict(attrs)}


def _of_v3(path: str, node: Standing, wanted: Wanted) -> dict[str, Any] | None:
    """The new ``zarr.json``; None where it stays as it is."""
    if node.zarr_format != 3:
        return None
    if node.kind == "array":
        return _with_names(path, node, wanted.dims.get(path))
    attrs = wanted.attrs.get(path, node.attrs)
    if dict(attrs) == dict(node.attrs):
        return None
    return {**node.document, "attributes": dict(attrs)}


def _with_names(
    path: str, node: Standing, dims: tuple[str, ...] | None
) -> dict[str, Any] | None:
    told = node.document.get("dimension_names")
    if dims is None or told == list(dims):
        return None
    ndim = len(node.document.get("shape", ()))
    if ndim != len(dims):
        raise _refused(path, f"it has {ndim} dims, and its axes are {[*dims]}")
    return {**node.document, "dimension_names": list(dims)}


def _refused(path: str, reason: str) -> LayoutError:
    return LayoutError(
        f"The chunks of array {path!r} cannot stay as they are: {reason}. "
        "Write them anew with xarray_omezarr.convert(source, store, version=...)"
    )


def _of_v2(path: str, node: Standing, wanted: Wanted) -> dict[str, Any] | None:
    """The new ``.zattrs``; None where it stays as it is."""
    attrs = wanted.attrs.get(path)
    if node.kind == "array" and path in wanted.dims:
        separator = node.document.get("dimension_separator", ".")
        needed = wanted.version.features.separator
        if separator != needed and len(node.document.get("shape", ())) > 1:
            raise _refused(
                path,
                f"their names are numbers with {separator!r} between, and this version "
                f"has {needed!r}",
            )
    if attrs is None or dict(attrs) == dict(node.attrs):
        return None
    return dict(attrs)


def _renew_consolidated(survey: Survey, documents: dict[str, Any]) -> None:
    """Copies of metadata follow what they copy."""
    for path, node in survey.nodes.items():
        copies = node.document.get(_CONSOLIDATED)
        if node.zarr_format != 3 or not isinstance(copies, Mapping):
            continue
        found = copies.get("metadata")
        if not isinstance(found, Mapping):
            continue
        renewed = {
            inner: documents.get(join(path, inner, _V3), copy)
            for inner, copy in found.items()
        }
        if renewed != found:
            key = join(path, _V3)
            members = dict(documents.get(key, node.document))
            copied = {**copies, "metadata": renewed}
            documents[key] = {**members, _CONSOLIDATED: copied}


def _consolidate_anew(survey: Survey, documents: dict[str, Any]) -> None:
    """Groups that had copies of metadata in Zarr v2 have them in Zarr v3, too."""
    told = {
        path: documents.get(join(path, _V3), node.document)
        for path, node in survey.nodes.items()
    }
    for path, node in survey.nodes.items():
        key = join(path, _V3)
        if _COPIES not in node.names or key not in documents:
            continue
        start = f"{path}/" if path else ""
        below = {
            inner.removeprefix(start): _copied(document)
            for inner, document in told.items()
            if inner != path and inner.startswith(start)
        }
        documents[key] = {**told[path], _CONSOLIDATED: _copies(below)}


def _copied(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document as a copy: groups leave what is below them to the one above."""
    if document["node_type"] != "group":
        return dict(document)
    return {**document, _CONSOLIDATED: _copies({})}


def _copies(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": "inline", "must_understand": False, "metadata": metadata}


def _renew_consolidated_of_v2(survey: Survey, documents: dict[str, Any]) -> None:
    for path in survey.nodes:
        # A pipe would keep whoever opens it waiting.
        if not (survey.folder / path / _COPIES).is_file():
            continue
        try:
            copies = json.loads((survey.folder / path / _COPIES).read_bytes())
            found = dict(copies["metadata"])
        except (KeyError, TypeError, ValueError):
            # Nobody can read it either.
            continue
        start = f"{path}/" if path else ""
        new = {
            key.removeprefix(start): document
            for key, document in documents.items()
            if key.startswith(start) and key.endswith(_ATTRIBUTES)
        }
        if new:
            renewed = {**copies, "metadata": {**found, **new}}
            documents[join(path, _COPIES)] = renewed


def _left_over(survey: Survey, documents: Mapping[str, Any]) -> Iterator[str]:
    """Metadata of Zarr v2 beside those of Zarr v3, the root's first."""
    for path, node in survey.nodes.items():
        if _V3 in node.names or join(path, _V3) in documents:
            yield from (join(path, name) for name in node.names if name in _OLD)


def _root_last(documents: Mapping[str, Any]) -> list[str]:
    """Keys of documents, deeper ones first; in a group, its attributes last."""
    return sorted(documents, key=lambda key: (-key.count("/"), key))


def _spelled(document: Any) -> bytes:
    return json.dumps(document, indent=2).encode()
