"""The omero block: the same in all versions, and often broken in files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.omero import Channel, Omero

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.document import Place


def read_omero(place: Place) -> Omero | None:
    """What is readable of an omero block; the rest is noted and left out.

    It only says how to show the image, so nothing in it keeps the image from being
    read. A channel that cannot be read leaves its place: the order counts.
    """
    if place.value is None:
        return None
    try:
        members = dict(place.members())
    except MetadataError:
        place.note("is left out: omero is an object")
        return None
    members["channels"] = _read_channels(place["channels"])
    try:
        return Omero.parse(members, place.pointer)
    except MetadataError as error:
        place.notes.append(f"{error}; omero is left out")
        return None


def _read_channels(place: Place) -> tuple[Channel, ...]:
    try:
        return tuple([_read_channel(channel) for channel in place.items()])
    except MetadataError:
        place.note("is left out: omero needs a list of channels")
        return ()


def _read_channel(place: Place) -> Channel:
    try:
        members = place.members()
    except MetadataError:
        place.note("is left out: a channel is an object")
        return Channel()
    readable = {}
    for key, value in members.items():
        # Each field alone, since one that is broken must not cost the others.
        try:
            Channel.parse({key: value}, place.pointer)
        except MetadataError as error:
            place.notes.append(f"{error}; {key} of this channel is left out")
        else:
            readable[key] = value
    return Channel.parse(readable, place.pointer)


def spell_omero(omero: Omero, version: str) -> dict[str, Any]:
    """The members of the omero block; a version that is told is the right one."""
    members = omero.members()
    return {**members, "version": version} if "version" in members else members
