"""Which versions of the standard there are, and which one attributes are written in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import UnknownVersionError
from xarray_omezarr.ngff.plain import shown
from xarray_omezarr.ngff.versions.names import as_text, without_correction
from xarray_omezarr.ngff.versions.v01 import VERSION_01
from xarray_omezarr.ngff.versions.v02 import VERSION_02
from xarray_omezarr.ngff.versions.v03 import VERSION_03
from xarray_omezarr.ngff.versions.v04 import Version04, standard_part
from xarray_omezarr.ngff.versions.v05 import Version05
from xarray_omezarr.ngff.versions.v06 import Version06

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Version

_VERSIONS: dict[str, Version] = {
    version.name: version
    for version in (
        *(VERSION_01, VERSION_02, VERSION_03),
        *(Version04(), Version05(), Version06()),
    )
}

#: Names of all versions, the oldest first.
SUPPORTED: tuple[str, ...] = tuple(_VERSIONS)
#: Name of the version that is written where none is asked for.
DEFAULT: str = Version05().name

# Files of these two kinds may leave their version out.
_FIRST_WITH_NAMESPACE = Version05().name
_LAST_WITHOUT = Version04().name
# Images that tell none, by what they have.
_FIRST_WITH_AXES = VERSION_03.name
_FIRST = VERSION_01.name


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


def copied(stored: Iterable[Version]) -> Version:
    """The version of a copy for which none is asked: never an earlier one.

    Parameters
    ----------
    stored : iterable of Version
        Those of what is copied.

    Returns
    -------
    Version
        The latest of them, or what is written anyway where that is later.

    Examples
    --------
    >>> copied([get(SUPPORTED[0])]).name == DEFAULT
    True
    >>> copied([get(SUPPORTED[-1])]).name == SUPPORTED[-1]
    True
    """
    names = {DEFAULT, *(version.name for version in stored)}
    return get(max(names, key=SUPPORTED.index))


def detect(attrs: Mapping[str, Any]) -> Version | None:
    """The version that attributes of a group are written in.

    None if they hold no OME metadata at all. A group that has the key ``ome`` but
    tells no version counts as the first version that had this key. Where there is no
    such key, images and plates tell the version of a file; other parts of it that tell
    one that cannot be are slips of writers, which reading the group names.

    Raises
    ------
    UnknownVersionError
        If they tell a version that is not known here, or one that cannot be.
    """
    ome = attrs.get("ome")
    if isinstance(ome, Mapping) and ome:
        told = ome.get("version")
        found = get(_FIRST_WITH_NAMESPACE if told is None else as_text(told))
        if not found.features.namespace and not standard_part(attrs):
            raise _has_no_namespace(found)
        return found
    blocks = standard_part(attrs)
    if not blocks:
        return None
    for key in ("multiscales", "plate"):
        told = _told_version(blocks.get(key))
        if told is not None:
            return _without_namespace(get(told))
    # Beside blocks that have no place for it, it may stand on its own.
    for told in (*map(_told_version, blocks.values()), as_text(attrs.get("version"))):
        if isinstance(told, str) and without_correction(told) in _VERSIONS:
            return _without_namespace(get(told))
    return get(_by_axes(blocks.get("multiscales")))


def _has_no_namespace(version: Version) -> UnknownVersionError:
    """Metadata are where those of a version never are, so it is another's."""
    return UnknownVersionError(
        f"Metadata under 'ome' tell OME-Zarr {version.name}, which has no such key and "
        f"is stored in Zarr v{version.features.zarr_format}; write the right version "
        f"there, such as {_FIRST_WITH_NAMESPACE!r}"
    )


def _by_axes(multiscales: object) -> str:
    """The version of an image that tells none, by its axes and transformations."""
    entry = multiscales[0] if isinstance(multiscales, list) and multiscales else None
    if not isinstance(entry, Mapping) or not isinstance(entry.get("datasets"), list):
        return _LAST_WITHOUT
    levels = [level for level in entry["datasets"] if isinstance(level, Mapping)]
    axes = entry.get("axes")
    if any("coordinateTransformations" in place for place in (entry, *levels)):
        return _LAST_WITHOUT
    if isinstance(axes, list) and axes and all(isinstance(a, str) for a in axes):
        return _FIRST_WITH_AXES
    return _FIRST if axes is None else _LAST_WITHOUT


def with_version(attrs: Mapping[str, Any], version: Version) -> Mapping[str, Any]:
    """Attributes of a group below another one, which may leave its version out.

    Examples
    --------
    >>> with_version({"ome": {"labels": ["cells"]}}, get(DEFAULT))
    {'ome': {'labels': ['cells'], 'version': '0.5'}}
    """
    ome = attrs.get("ome")
    if isinstance(ome, Mapping) and ome:
        told = ome.get("version")
        inside = {**ome, "version": version.name}
        return attrs if told is not None else {**attrs, "ome": inside}
    is_later = version.features.namespace or version.name == _LAST_WITHOUT
    if is_later or "version" in attrs or not (blocks := standard_part(attrs)):
        return attrs
    if any(_told_version(block) is not None for block in blocks.values()):
        return attrs
    return {**attrs, "version": version.name}


def _without_namespace(version: Version) -> Version:
    """The version of attributes that are not under the key ``ome``."""
    is_later = SUPPORTED.index(version.name) > SUPPORTED.index(_LAST_WITHOUT)
    return get(_LAST_WITHOUT) if is_later else version


def _told_version(block: object) -> object:
    if isinstance(block, list) and block:
        block = block[0]
    return as_text(block.get("version")) if isinstance(block, Mapping) else None
