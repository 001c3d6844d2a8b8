"""Told: which version a document is measured with, and whether it tells it well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.versions.dialects import (
    FIRST_WITH_NAMESPACE,
    FIRST_WITH_SYSTEMS,
    LAST_WITHOUT_NAMESPACE,
    Dialect,
    is_later,
    known,
    nearest,
)

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.spot import Spot

_NAMESPACE = "ome"
_VERSION = "version"
_LARGEST = 1000  # whole numbers may have more digits than Python spells
# Blocks that told the version before there was a place for all of them.
_BLOCKS = ("multiscales", "plate", "well", "image-label", "omero")


def dialect_of(
    attrs: object, *, expected: str | None = None, within: str | None = None
) -> Dialect:
    """The version to measure `attrs` with: the told one, or the nearest to it."""
    above = known(expected) or known(within)
    if not isinstance(attrs, dict):
        return above or LAST_WITHOUT_NAMESPACE
    if _NAMESPACE in attrs:
        ome = attrs[_NAMESPACE]
        told = ome.get(_VERSION) if isinstance(ome, dict) else None
        if told is None and above is not None and above.namespace:
            return above
        found = known(as_text(told))
        if found is not None and found.namespace:
            return found
        return _by_form(ome) or _below(above) or nearest(told, namespace=True)
    if above is not None and (above.namespace or known(expected) is not None):
        return above
    for told in _told_by_blocks(attrs):
        found = known(as_text(told))
        if found is not None and not found.namespace:
            return found
    return above or LAST_WITHOUT_NAMESPACE


def as_text(told: object) -> object:
    """A version that is told as a number, as it is meant."""
    is_short = type(told) is int and abs(told) <= _LARGEST
    return repr(told) if is_short or type(told) is float else told


def not_text(version: Spot) -> bool:
    """Note a version that is a number (else its text looks like the right one)."""
    meant = as_text(version.value)
    if meant is version.value:
        return False
    written = meant if known(meant) else version.dialect.told_as[0]
    version.error(
        f"is the number {seen(version.value)}, and a version is text",
        f'version: text, as "{written}"',
        f'write "{written}" as text, between quotes',
    )
    return True


def _by_form(ome: object) -> Dialect | None:
    """The version whose form images have, for those that tell an unknown one."""
    images = ome.get("multiscales") if isinstance(ome, dict) else None
    for image in images if isinstance(images, list) else ():
        if isinstance(image, dict):
            if "coordinateSystems" in image:
                return FIRST_WITH_SYSTEMS
            if "axes" in image:
                return FIRST_WITH_NAMESPACE
    return None


def _below(above: Dialect | None) -> Dialect | None:
    return above if above is not None and above.namespace else None


def _told_by_blocks(attrs: dict[object, object]) -> Iterator[object]:
    for key in _BLOCKS:
        block = attrs.get(key)
        if isinstance(block, list) and block:
            block = block[0]
        if isinstance(block, dict) and _VERSION in block:
            yield block[_VERSION]


def check_told_version(spelled: Spot, expected: str | None) -> None:
    """Measure the version that stands where the metadata are (RULES L3, L4)."""
    dialect = spelled.dialect
    if not dialect.namespace:
        return
    demand = "version: told beside the metadata"  # RULES L3
    version = spelled.need(_VERSION, demand, f"add {dialect.told_as[0]!r}")
    if version is None:
        return
    told = version.value
    if not_text(version):
        return
    if known(told) is not dialect or told not in dialect.told_as:
        _check_unknown(version)
        return
    above = known(expected)
    if above is not None and above is not dialect:
        version.must(  # RULES L4
            f"is {seen(told)}, but the hierarchy is {seen(expected)}",
            "version: the same in the whole hierarchy",
            "write the whole hierarchy in one version",
        )


def _check_unknown(version: Spot) -> None:
    told = version.value
    is_draft = known(told) is version.dialect
    if is_draft and version.follows_text:
        version.should(
            f"is {seen(told)}, a draft of {version.dialect.name}",
            "version: one that was published",
            f"write {version.dialect.told_as[0]!r}",
        )
        return
    earlier = known(told)
    what = "a version that is not known here"
    if earlier is not None and not earlier.namespace:
        what = f"which has no key {_NAMESPACE!r} and is stored in Zarr v2"
    version.error(
        f"is {seen(told)}, {what}; measured as {version.dialect.name}",
        f"version: {' or '.join(version.dialect.told_as)}",
        remedy_for(version),
    )


def remedy_for(version: Spot) -> str:
    """What to write in place of a version, and what else it may mean."""
    written = f"write {version.dialect.told_as[0]!r}"
    if not is_later(version.value):
        return written
    return f"a newer release may know it; if it is a slip, {written}"
