"""What must agree across nodes: wells and their fields with the plate above."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.across import clause
from xarray_omezarr.ngff.rules.facts import objects, part, texts
from xarray_omezarr.ngff.rules.finding import Finding, seen

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.demands import Demands


@dataclass(frozen=True, slots=True)
class Child:
    """A group that another one lists: its path below that one, and where it is told."""

    path: str
    pointer: str


@dataclass(frozen=True, slots=True)
class PlateFacts:
    """What a plate says of its wells.

    Parameters
    ----------
    wells : tuple of Child
        As they are listed.
    rows : mapping
        Names of rows that have wells, and the pointer of the first one.
    acquisitions : mapping
        Their ids, with the number of fields that a well has at most if it is told.
    field_count : int, optional
        The most fields of any well.
    pointer : str
        To the plate.
    """

    wells: tuple[Child, ...]
    rows: Mapping[str, str]
    acquisitions: Mapping[int, int | None]
    field_count: int | None
    pointer: str


def plate_facts(attrs: object) -> PlateFacts:
    """What the attributes of a plate say; no wells if they are of no plate."""
    block, above = part(attrs)
    pointer = f"{above}/plate"
    plate = block.get("plate")
    if not isinstance(plate, Mapping):
        return PlateFacts((), {}, {}, None, pointer)
    wells: dict[str, Child] = {}
    rows: dict[str, str] = {}
    for number, entry in objects(plate.get("wells")):
        path = entry.get("path")
        if isinstance(path, str) and path not in wells:
            wells[path] = Child(path, f"{pointer}/wells/{number}/path")
            row, has_column, _ = path.partition("/")
            if has_column and row:
                rows.setdefault(row, wells[path].pointer)
    acquisitions: dict[int, int | None] = {}
    for _, entry in objects(plate.get("acquisitions")):
        number_of = entry.get("id")
        if type(number_of) is int:
            acquisitions[number_of] = _count(entry.get("maximumfieldcount"))
    field_count = _count(plate.get("field_count"))
    return PlateFacts(tuple(wells.values()), rows, acquisitions, field_count, pointer)


def _count(value: object) -> int | None:
    return value if type(value) is int else None


def fields(attrs: object) -> tuple[Child, ...]:
    """The fields that a well lists, each once."""
    block, above = part(attrs)
    well = block.get("well")
    found: dict[str, Child] = {}
    for number, entry in objects(
        well.get("images") if isinstance(well, Mapping) else 0
    ):
        path = entry.get("path")
        if isinstance(path, str) and path not in found:
            found[path] = Child(path, f"{above}/well/images/{number}/path")
    return tuple(found.values())


def labels(attrs: object) -> tuple[Child, ...]:
    """The label images that a group lists, each once."""
    block, above = part(attrs)
    found: dict[str, Child] = {}
    for number, path in texts(block.get("labels")):
        found.setdefault(path, Child(path, f"{above}/labels/{number}"))
    return tuple(found.values())


def check_well_against_plate(
    path: str, attrs: object, plate: PlateFacts, wanted: Demands
) -> Iterator[Finding]:
    """Whether the acquisitions and the number of fields of a well are the plate's."""
    block, above = part(attrs)
    well = block.get("well")
    entries = [*objects(well.get("images") if isinstance(well, Mapping) else None)]
    used: Counter[int] = Counter()
    for number, entry in entries:
        pointer = f"{above}/well/images/{number}/acquisition"
        told = entry.get("acquisition")
        if told is None and len(plate.acquisitions) > 1:
            yield Finding(
                "error",
                path,
                pointer.rpartition("/")[0],
                f"field {seen(entry.get('path'))} tells no acquisition, and the plate "
                f"has {len(plate.acquisitions)}",
                clause(wanted, "well: acquisitions of images are the plate's", "error"),
                remedy="give each image of the well the id of its acquisition",
            )
        if type(told) is not int:
            continue
        used[told] += 1
        if told not in plate.acquisitions:
            known = ", ".join(map(str, plate.acquisitions)) or "none"
            yield Finding(
                "error",
                path,
                pointer,
                f"acquisition {told} is none of the plate's: {known}",
                clause(wanted, "well: acquisitions of images are the plate's", "error"),
                seen=str(told),
                remedy="use an id that the plate lists under acquisitions",
            )
    yield from _check_counts(path, above, used, len(entries), plate, wanted)


def _check_counts(
    path: str,
    above: str,
    used: Mapping[int, int],
    count: int,
    plate: PlateFacts,
    wanted: Demands,
) -> Iterator[Finding]:
    pointer = f"{above}/well/images"
    most: Sequence[tuple[str, int, int | None]] = [
        (
            f"maximumfieldcount of acquisition {number}",
            times,
            plate.acquisitions[number],
        )
        for number, times in used.items()
        if number in plate.acquisitions
    ]
    per_view = max(used.values(), default=count)
    for what, times, told in [*most, ("field_count", per_view, plate.field_count)]:
        if told is not None and times > told:
            yield Finding(
                "warning",
                path,
                pointer,
                f"the well has {times} fields, and {what} of the plate is {told}",
                clause(wanted, "plate: number of fields", "warning"),
                seen=str(times),
                remedy=f"set {what} of the plate to the largest number",
            )
