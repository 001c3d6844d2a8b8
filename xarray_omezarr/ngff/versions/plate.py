"""Plates and wells, spelled alike by the versions that tell their version in them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.base import Model, listed
from xarray_omezarr.ngff.names import is_field_name
from xarray_omezarr.ngff.plate import (
    Acquisition,
    Column,
    Field,
    Plate,
    PlateWell,
    Row,
    Well,
    check_plate,
    check_well,
)
from xarray_omezarr.ngff.versions.tolerant import (
    check_told,
    read_entries,
    read_object,
    without_repeats,
)

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.document import Place

_LAYOUT = "bioformats2raw.layout"
_PLATE = frozenset(
    {"name", "rows", "columns", "wells", "acquisitions", "field_count", "version"}
)
_WELL = frozenset({"images", "version"})


def read_plate(place: Place, version: str) -> Plate:
    """The plate of an object with ``plate``."""
    plate = place["plate"]
    check_told(plate["version"], version)
    names = {
        "rows": tuple(_read_name(entry, Row) for entry in plate["rows"].items()),
        "columns": tuple(
            _read_name(entry, Column) for entry in plate["columns"].items()
        ),
    }
    wells = _read_wells(plate["wells"], **names)
    parts = {
        **plate.unknown(_PLATE, Plate),
        **names,
        "wells": without_repeats(plate["wells"], wells, lambda well: well.path),
        "acquisitions": read_entries(plate["acquisitions"], _read_acquisition) or (),
        **_readable(
            plate, {"name": plate["name"], "field_count": plate["field_count"]}
        ),
        **_readable(place, {_LAYOUT: place[_LAYOUT]}),
        "beside": _beside(place, "plate", "version", _LAYOUT),
    }
    return Plate.parse(parts, plate.pointer)


def _read_name(place: Place, model: type[Any]) -> Any:
    name = place["name"].value
    if isinstance(name, int) and not isinstance(name, bool):
        place["name"].note("is read as text")
        return model.parse({**place.members(), "name": str(name)}, place.pointer)
    return model.parse(place.members(), place.pointer)


def _read_wells(
    place: Place, rows: tuple[Row, ...], columns: tuple[Column, ...]
) -> list[PlateWell]:
    """The wells that can be read; one that cannot does not cost the others."""
    wells, errors = [], []
    places = _places(rows), _places(columns)
    for entry in place.items():
        try:
            wells.append(_read_well(entry, *places))
        except MetadataError as error:
            errors.append(error)
    if errors and not wells:
        raise errors[0]
    place.notes.extend(f"{error}; this well is left out" for error in errors)
    return wells


def _places(named: Iterable[Row | Column]) -> dict[str, list[int]]:
    """The places of rows or columns by name; wells of a large plate share them."""
    found: dict[str, list[int]] = {}
    for index, one in enumerate(named):
        found.setdefault(one.name, []).append(index)
    return found


def _read_well(
    place: Place,
    rows: Mapping[str, Sequence[int]],
    columns: Mapping[str, Sequence[int]],
) -> PlateWell:
    members = dict(place.members())
    parts = str(members.get("path")).split("/")
    if len(parts) == 2:
        # RULES P6: path and indices agree. Where they do not, readers that take
        # the path find the well.
        for key, name, places in (
            ("rowIndex", parts[0], rows),
            ("columnIndex", parts[1], columns),
        ):
            known = places.get(name)
            if known and members.get(key) not in known:
                place[key].note(f"is read as {known[0]}, the place of {name!r}")
                members[key] = known[0]
    return PlateWell.parse(members, place.pointer)


def _read_acquisition(place: Place) -> Acquisition:
    return read_object(place, Acquisition, "id")


def _readable(parent: Place, places: Mapping[str, Place]) -> dict[str, Any]:
    """Values that a plate can take; it can do without each of them."""
    none: dict[str, Any] = {"rows": (), "columns": (), "wells": ()}
    readable = {}
    for key, place in places.items():
        try:
            Plate.parse({**none, key: place.value}, parent.pointer)
        except MetadataError as error:
            place.notes.append(f"{error}; it is left out")
        else:
            readable[key] = place.value
    return readable


def _beside(place: Place, *known: str) -> dict[str, Any]:
    return {k: v for k, v in place.members().items() if k not in known}


def spell_plate(plate: Plate, version: str) -> dict[str, Any]:
    """The object of a plate group.

    Raises
    ------
    MetadataError
        If the plate breaks a MUST.
    """
    if problems := check_plate(plate):
        raise MetadataError(f"{plate.summary()} cannot be written: {listed(problems)}")
    spelled: dict[str, Any] = {"plate": _spell(plate, version, _LAYOUT, "beside")}
    if plate.bioformats2raw_layout is not None:
        spelled[_LAYOUT] = plate.bioformats2raw_layout
    return {**plate.beside, **spelled}


def read_well(place: Place, version: str) -> Well:
    """The well of an object with ``well``."""
    well = place["well"]
    check_told(well["version"], version)
    fields = [read_object(entry, Field, "path") for entry in well["images"].items()]
    parts = {
        **well.unknown(_WELL, Well),
        "images": without_repeats(well["images"], fields, lambda field: field.path),
        "beside": _beside(place, "well", "version"),
    }
    return Well.parse(parts, well.pointer)


def spell_well(well: Well, version: str, *, systems: bool = False) -> dict[str, Any]:
    """The object of a well group; versions with coordinate systems allow more names.

    Raises
    ------
    MetadataError
        If the well breaks a MUST.
    """
    names: dict[str, Any] = {}
    if systems:
        names = {
            "is_name": is_field_name,
            "characters": "A-Z, a-z, 0-9, '_', '.' and '-', or begins with '__'",
        }
    if problems := check_well(well, **names):
        raise MetadataError(f"{well.summary()} cannot be written: {listed(problems)}")
    return {**well.beside, "well": _spell(well, version, "beside")}


def _spell(model: Model, version: str, *elsewhere: str) -> dict[str, Any]:
    # RULES P10 and W5: the version stands in the plate and in the well.
    members = model.members()
    for key in ("version", *elsewhere):
        members.pop(key, None)
    return {"version": version, **members}
