"""Which versions of the standard there are, and which one attributes are written in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import UnknownVersionError
from xarray_omezarr.ngff.plain import shown
from xarray_omezarr.ngff.versions.names import without_correction
from xarray_omezarr.ngff.versions.v04 import Version04, standard_part
from xarray_omezarr.ngff.versions.v05 import Version05

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Version

_VERSIONS: dict[str, Version] = {
    version.name: version for version in (Version04(), Version05())
}

#: Names of all versions, the oldest first.
SUPPORTED: tuple[str, ...] = tuple(_VERSIONS)
#: Name of the version that is written where none is asked for.
DEFAULT: str = Version05().name

# Files of these two kinds may leave their version out.
_FIRST_WITH_NAMESPACE = Version05().name
_LAST_WITHOUT = Version04().name


def get(name: object) -> Version:
    """The version called `name`.

    Raises
    ------
    UnknownVersionError
        If there is none; the message lists those that are.

    Examples
    --------
    >>> get(DEFAULT).features.zarr_format
    3
    """
    if isinstance(name, str) and without_correction(name) in _VERSIONS:
        return _VERSIONS[without_correction(name)]
    no_text = "" if isinstance(name, str) else f" ({type(name).__name__}, not text)"
    raise UnknownVersionError(
        f"Version {shown(name)}{no_text} of OME-Zarr is not known here; known are "
        f"{', '.join(map(repr, SUPPORTED))}"
    )


def detect(attrs: Mapping[str, Any]) -> Version | None:
    """The version that attributes of a group are written in.

    None if they hold no OME metadata at all. A group that has the key ``ome`` but
    tells no version counts as the first version that had this key.

    Raises
    ------
    UnknownVersionError
        If they tell a version that is not known here.
    """
    ome = attrs.get("ome")
    if isinstance(ome, Mapping) and ome:
        told = ome.get("version")
        return get(_FIRST_WITH_NAMESPACE if told is None else told)
    blocks = standard_part(attrs)
    if not blocks:
        return None
    told = next(filter(None, map(_told_version, blocks.values())), None)
    return get(_LAST_WITHOUT if told is None else told)


def _told_version(block: object) -> object:
    if isinstance(block, list) and block:
        block = block[0]
    return block.get("version") if isinstance(block, Mapping) else None
