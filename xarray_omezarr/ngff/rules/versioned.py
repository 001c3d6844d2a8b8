"""Versioned: the blocks of a document that tell a version of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.told import not_text, remedy_for

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.spot import Spot


def check_version(block: Spot, key: str) -> None:
    """Measure ``version`` inside the block `key` (RULES M7, B12, P10, W5)."""
    dialect = block.dialect
    demand = f"{key}: tells the version"
    if key in dialect.version_strict:
        block.strictly(["version"], demand)
    version = block.child("version")
    if version is None:
        if key in dialect.version_advised:
            remedy = f"add {dialect.told_as[0]!r}"
            _note(block, key, "has no 'version'", f"{demand}: version", remedy)
    elif key in dialect.version_closed:
        if not not_text(version):
            version.is_one_of(dialect.told_as, demand, remedy_for(version))
    elif key in dialect.version_advised and not _is_told(version):
        message = f"is {seen(version.value)}, not {dialect.told_as[0]}"
        _note(version, key, message, demand, f"write {dialect.told_as[0]!r}")


def _note(spot: Spot, key: str, message: str, demand: str, remedy: str) -> None:
    if key in spot.dialect.version_lacking:
        spot.tolerated(message, demand, "official valid cases lack it", remedy)
    else:
        spot.should(message, demand, remedy)


def _is_told(version: Spot) -> bool:
    return isinstance(version.value, str) and version.value in version.dialect.told_as
