"""Reading what is readable: the rest of an object or a list is noted and left out."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.base import Model
from xarray_omezarr.ngff.versions.names import as_text, without_correction

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.document import Place

M = TypeVar("M", bound=Model)


def read_object(place: Place, model: type[M], *needed: str) -> M:
    """The model of an object; what it can do without is left out where unreadable.

    Parameters
    ----------
    place : Place
        The object.
    model : type of Model
        What it is read as.
    *needed : str
        JSON keys that it makes no sense without.
    """
    members = place.members()
    try:
        return model.parse(members, place.pointer)
    except MetadataError:
        kept = {key: members[key] for key in needed if key in members}
        model.parse(kept, place.pointer)
    for key in [key for key in members if key not in kept]:
        # Each alone, since one that is broken must not cost the others.
        try:
            model.parse({**kept, key: members[key]}, place.pointer)
        except MetadataError as error:
            place.notes.append(f"{error}; it is left out")
        else:
            kept[key] = members[key]
    return model.parse(kept, place.pointer)


def read_entries(place: Place, read: Callable[[Place], M]) -> tuple[M, ...] | None:
    """The readable entries of a list that an object can do without.

    None where there is no list, and where nothing is in it.
    """
    if place.value is None:
        return None
    try:
        items = list(place.items())
    except MetadataError:
        place.note("is left out: it is a list")
        return None
    entries = []
    for item in items:
        try:
            entries.append(read(item))
        except MetadataError as error:
            place.notes.append(f"{error}; this entry is left out")
    if not items:
        place.note("is left out: such a list has one entry at least")
    return tuple(entries) or None


def read_paths(place: Place, model: type[Model], field: str) -> tuple[str, ...]:
    """The paths of a list, as a field of a model takes them."""
    paths = []
    for item in place.items():
        try:
            model.parse({field: [item.value]}, place.pointer)
        except MetadataError:
            item.note("is left out: give the path of a group below")
        else:
            paths.append(item.value)
    return without_repeats(place, paths)


def without_repeats(
    place: Place, entries: list[Any], key: Callable[[Any], Hashable] = lambda x: x
) -> tuple[Any, ...]:
    """The entries of a list, each once."""
    unique: dict[Hashable, Any] = {}
    for entry in entries:
        if key(entry) in unique:
            place.notes.append(
                f"{place.pointer} lists {key(entry)!r} several times; it is read once"
            )
        unique.setdefault(key(entry), entry)
    return tuple(unique.values())


def check_version(place: Place, version: str) -> None:
    """Raise if a picture tells another version; note one that is a number.

    Raises
    ------
    MetadataError
        With the version that it is read as.
    """
    told = place.value
    if told not in (None, version):
        if as_text(told) != version:
            raise place.error(f"give {version!r}, the version it is read as")
        place.note("is a number, and read as text")


def check_told(place: Place, version: str) -> None:
    """Note a version that an object tells which is not that of its file."""
    told = place.value
    name = without_correction(told) if isinstance(told, str) else told
    if name not in (None, version):
        place.note(f"is not the version of the file, {version!r}, and is not kept")
