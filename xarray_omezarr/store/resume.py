"""Go on with a write that was interrupted, if it is the same one."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from xarray_omezarr._version import __version__
from xarray_omezarr.errors import MetadataError, OptionError, TargetExistsError
from xarray_omezarr.hierarchy import Downsampled, Given, join
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.store.aspects import differences, items_of
from xarray_omezarr.store.nodes import (
    array_documents,
    get,
    planned_arrays,
    put,
    put_groups,
)
from xarray_omezarr.store.occupancy import UNFINISHED
from xarray_omezarr.store.sessions import session_of
from xarray_omezarr.store.stored import NOTHING, Stored, find_stored
from xarray_omezarr.store.told import digest, told
from xarray_omezarr.store.writers import ArrayWriter, Handles, ZarrWriter
from xarray_omezarr.store.zip_target import OneFile
from xarray_omezarr.windows import needs_windows

if TYPE_CHECKING:
    import zarr

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.base import Model
    from xarray_omezarr.store.fill import BlockWriter
    from xarray_omezarr.store.occupancy import Occupancy
    from xarray_omezarr.store.target import Target

# In this order in a fingerprint, each with what it says where it differs.
_ASPECTS = {
    "package": "it was begun by another version of xarray_omezarr",
    "arrays": "shapes, types, chunks, shards, compression or fill values differ",
    "pixels": (
        "method, factors or write_empty_chunks differ, or the versions of the packages "
        "that make the levels"
    ),
    "metadata": (
        "names, channels, coordinates, units, attributes or the version of OME-Zarr "
        "differ"
    ),
}

_BEGIN_ANEW = "leave resume out, which begins anew"


def fingerprint(hierarchy: Hierarchy) -> str:
    """All of a plan that decides what is stored, but for the pixels it is made from.

    Parameters
    ----------
    hierarchy : Hierarchy
        With its sources. No pixel is looked at: whether they have changed is not for
        this to tell.

    Returns
    -------
    str
        Digests, one per aspect, so that it can be said what differs.
    """
    aspects = {
        "package": [__version__],
        "arrays": _arrays(hierarchy),
        "pixels": _pixels(hierarchy),
        "metadata": _metadata(hierarchy),
    }
    return " ".join(f"{name}:{digest(of)}" for name, of in aspects.items())


def _arrays(hierarchy: Hierarchy) -> Iterator[object]:
    features = hierarchy.version.features
    for path, documents in array_documents(
        hierarchy.arrays, features.zarr_format, features.separator
    ):
        yield path
        for name, document in documents.items():
            yield name
            yield document.to_bytes()


def _pixels(hierarchy: Hierarchy) -> Iterator[object]:
    known = functools.cache(told)
    for path, node in hierarchy.arrays.items():
        yield path
        yield node.layout.write_empty_chunks
        if isinstance(node.source, Downsampled):
            # One that cannot be told is like no other, not even itself.
            method = known(node.source.method) or object()
            yield from (node.source.parent, node.source.factors, method)
        else:
            yield isinstance(node.source, Given)


def _metadata(hierarchy: Hierarchy) -> Iterator[object]:
    yield hierarchy.version.name
    for path, node in hierarchy.groups.items():
        model = node.model
        yield path
        yield type(model).__name__
        yield "" if model is None else _as_json(model, path)
        # A window of which the limits are measured looks like one that is given.
        yield isinstance(model, Image) and needs_windows(model)
        yield json.dumps(dict(node.attrs), sort_keys=True, default=repr)
    for path, content in hierarchy.files.items():
        yield path
        yield content


def _as_json(model: Model, path: str) -> str:
    try:
        return model.model_dump_json()
    except ValueError as error:
        # Halves of characters are texts to Python, and to nobody else.
        raise MetadataError(
            f"Metadata of {path or 'the root'!r} cannot be written as JSON ({error}); "
            "correct the names"
        ) from error


def refuse_resuming(hierarchy: Hierarchy, target: Target, writer: ArrayWriter) -> None:
    """Raise where it cannot be known whether going on is right.

    Raises
    ------
    OptionError
        For one file, for other writers than zarr, and for a method that another
        process could not recognise.
    """
    if isinstance(target.store, OneFile):
        raise OptionError(
            f"resume is True, and {target} is one file, which is put together at the "
            "end; write to a folder with resume, and make one file of it with "
            "xarray_omezarr.convert"
        )
    if session_of(target.store) is not None:
        raise OptionError(
            f"resume is True, and {target} is in a session of icechunk, of which "
            "nothing is left when it is interrupted; leave resume out"
        )
    if not isinstance(writer, ZarrWriter):
        raise OptionError(
            "resume is True, and only zarr is known to store objects as a whole or not "
            "at all; leave writer out"
        )
    for path, node in hierarchy.arrays.items():
        source = node.source
        if isinstance(source, Downsampled) and told(source.method) is None:
            raise OptionError(
                f"resume is True, and the method of {path!r} is {source.method!r}, "
                "which another process cannot recognise; give the name of a method, "
                "or a function that brings only numbers and texts along"
            )


def refuse_other_plan(
    found: Occupancy, plan: str, hierarchy: Hierarchy, target: Target
) -> None:
    """Raise if what was left at a target was to be something else.

    Parameters
    ----------
    found : Occupancy
        What stands there.
    plan : str
        The fingerprint of what is to be written.
    hierarchy : Hierarchy
        That.
    target : Target
        The place.

    Raises
    ------
    TargetExistsError
        Saying what differs.
    """
    if not found.is_unfinished:
        return
    left = (found.attrs or {}).get(UNFINISHED)
    left = left if isinstance(left, Mapping) else {}
    theirs = left.get("plan")
    if theirs == plan:
        return
    if not isinstance(theirs, str):
        raise TargetExistsError(
            f"{target} holds an unfinished write that does not tell what it was to be; "
            f"{_BEGIN_ANEW}"
        )
    here, there = plan.split(), theirs.split()
    texts = dict(_ASPECTS)
    items = differences(items_of(hierarchy), left.get("items"))
    if items:
        texts["metadata"] = "; ".join(items)
    said = [
        text
        for (name, text), ours in zip(texts.items(), here, strict=True)
        if ours not in there
    ]
    details = _array_difference(hierarchy, target)
    raise TargetExistsError(
        f"{target} holds an unfinished write of something else: {'; '.join(said)}"
        f"{f' ({details})' if details else ''}. Give the same object and options to go "
        f"on with it, or {_BEGIN_ANEW}"
    )


def refuse_other_arrays(
    documents: Mapping[str, bytes], stored: Mapping[str, bytes | None], target: Target
) -> None:
    """Raise if an array is not stored as it was planned.

    Parameters
    ----------
    documents, stored : mapping
        Contents of the documents of the arrays by key: planned, and as found.
    target : Target
        The place.
    """
    for key, ours in documents.items():
        theirs = stored.get(key)
        if theirs is not None and theirs != ours:
            raise TargetExistsError(
                f"{target} holds an unfinished write whose arrays have been changed: "
                f"{difference(key, ours, theirs)}; {_BEGIN_ANEW}"
            )


def _array_difference(hierarchy: Hierarchy, target: Target) -> str:
    """The first difference between arrays as planned and stored, in words."""
    documents = planned_documents(hierarchy, target)
    for key, theirs in get(target.store, documents).items():
        if theirs is not None and theirs != documents[key]:
            return difference(key.removeprefix(target.path), documents[key], theirs)
    return ""


def planned_documents(hierarchy: Hierarchy, target: Target) -> dict[str, bytes]:
    """Contents of the documents of all arrays, by key."""
    features = hierarchy.version.features
    return {
        join(target.path, path, name): document.to_bytes()
        for path, documents in array_documents(
            hierarchy.arrays, features.zarr_format, features.separator
        )
        for name, document in documents.items()
    }


def difference(key: str, ours: bytes, theirs: bytes) -> str:
    """What two documents of an array tell differently, in words."""
    path = key.strip("/").rpartition("/")[0]
    try:
        planned, stored = json.loads(ours), json.loads(theirs)
        names = [
            name
            for name in {**planned, **stored}
            if planned.get(name) != stored.get(name)
        ]
    except (AttributeError, ValueError):
        return f"the metadata of {path!r} are broken"
    if not names:
        return f"the metadata of {path!r} are spelled otherwise"
    first = names[0]
    return (
        f"{first} of {path!r} is {_short(stored.get(first))} there and "
        f"{_short(planned.get(first))} here"
    )


def _short(value: object, most: int = 80) -> str:
    text = json.dumps(value)
    return text if len(text) <= most else f"{text[:most]}..."


@dataclass(frozen=True, slots=True)
class Resumption:
    """What a write has to know in order to be resumed, or to resume another.

    Parameters
    ----------
    plan : str, optional
        Its fingerprint.
    is_wanted : bool
        Whether it goes on with what an earlier one has left.
    expected : Stored
        What was stored when tasks were made for the rest.
    skipped : int
        Bytes for which no task was made.
    """

    plan: str = ""
    is_wanted: bool = False
    expected: Stored = NOTHING
    skipped: int = 0

    def mark(self, hierarchy: Hierarchy) -> object:
        """What is said of a group that is not finished."""
        if not self.plan:
            return True
        return {"plan": self.plan, "items": items_of(hierarchy)}

    def goes_on(self, found: Occupancy, hierarchy: Hierarchy, target: Target) -> bool:
        """Whether it goes on from what is `found`; raises if that is something else."""
        if self.is_wanted:
            refuse_other_plan(found, self.plan, hierarchy, target)
        return self.is_wanted and found.is_unfinished

    def after(self, writers: Iterable[BlockWriter], stored: Stored) -> Resumption:
        """The same where tasks are made for what is not stored now."""
        skipped = skipped_bytes(writers, stored)
        return replace(self, expected=stored, skipped=skipped)


def skipped_bytes(writers: Iterable[BlockWriter], stored: Stored) -> int:
    """Bytes of the blocks that need not be written any more, uncompressed."""
    return sum(
        stored.nbytes(writer.stage, block)
        for writer in writers
        for block in writer.stage.blocks()
        if stored.has(writer.stage, block)
    )


def go_on(
    root: zarr.Group, hierarchy: Hierarchy, target: Target, expected: Stored
) -> tuple[Handles, Stored]:
    """The arrays of a write that was interrupted, and what they hold.

    What is not there is made, what is there is left as it is, and files that were
    being written are removed: whoever wrote them is gone.

    Parameters
    ----------
    root : zarr.Group
        The root of what was written.
    hierarchy : Hierarchy
        What was to be written.
    target : Target
        Where `root` is.
    expected : Stored
        What was stored when tasks were made for the rest.

    Raises
    ------
    TargetExistsError
        If arrays are stored otherwise, or something expected is not there any more.
    """
    features = hierarchy.version.features
    found = find_stored(target, hierarchy)
    arrays, planned = planned_arrays(
        root, hierarchy.arrays, features.zarr_format, features.separator
    )
    there = get(target.store, [join(target.path, path) for path in found.documents])
    contents = {key: document.to_bytes() for key, document in planned.items()}
    refuse_other_arrays(contents, there, target)
    found.remove_broken()
    missing = {key: document for key, document in planned.items() if key not in there}
    above = {key.rpartition("/")[0] for key in missing}
    # Objects of an array that is not there are not of this write.
    lost = [path for path in arrays if join(target.path, path) in above]
    stored = found.stored.without(lost, hierarchy.arrays)
    if not stored.covers(expected):
        raise TargetExistsError(
            f"What was stored at {target} when the rest of its write was planned is "
            "not there any more; plan it again, with a new call"
        )
    name = "zarr.json" if features.zarr_format == 3 else ".zgroup"
    groups = [path for path in hierarchy.groups if path]
    new: dict[str, Any] = {
        path: {} for path in groups if join(path, name) not in found.documents
    }
    put_groups(root.store, root.path, new, features.zarr_format)
    put(root.store, missing)
    return {**arrays}, stored
