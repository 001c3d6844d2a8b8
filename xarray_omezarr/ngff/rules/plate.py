"""Plate: what the standard demands of a plate and of its wells."""

from __future__ import annotations

from collections.abc import Sequence

from xarray_omezarr.ngff.names import is_alphanumeric, is_field_name, is_well_path
from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.spot import Spot, is_integer, text
from xarray_omezarr.ngff.rules.versioned import check_version

_PLATE = "plate"
_WELL = "well"


def check_plate(plate: Spot) -> None:
    """Measure the object ``plate``."""
    if not plate.is_object(f"{_PLATE}: an object"):
        return
    check_version(plate, _PLATE)  # RULES P10
    plate.strictly(["name"], f"{_PLATE}: has a name")
    if plate.want("name", f"{_PLATE}: has a name") is not None:  # RULES P9
        plate.text_member("name", f"{_PLATE}: text")
    count = plate.want("field_count", f"{_PLATE}: tells its fields")  # RULES P8
    if count is not None:
        count.is_integer(f"{_PLATE}: field_count is a positive integer", 1)
    rows = _check_names(plate, "rows")
    columns = _check_names(plate, "columns")
    wells = plate.need("wells", f"{_PLATE}: lists rows, columns and wells")  # RULES P1
    demand = f"{_PLATE}: wells are a list of different objects, at least one"
    # The text demands more: paths that differ.
    unique = not plate.follows_text
    if wells is not None and wells.is_list(demand, 1, unique=unique):
        _check_wells(wells, rows, columns)
    if (acquisitions := plate.child("acquisitions")) is not None:
        _check_acquisitions(acquisitions)


def _check_names(plate: Spot, key: str) -> list[str | None] | None:
    """Rows or columns; their names, or None if they cannot be told."""
    names = plate.need(key, f"{_PLATE}: lists rows, columns and wells")  # RULES P1
    demand = f"{_PLATE}: {key} are a list of different objects, at least one"
    # The text demands more: names that differ.
    unique = not plate.follows_text
    if names is None or not names.is_list(demand, 1, unique=unique):
        return None
    for entry in names.items():
        if not entry.is_object(f"{_PLATE}: each of the {key} is an object"):
            continue
        name = entry.need("name", f"{_PLATE}: each of the {key} has a name")
        if name is not None and name.is_text(f"{_PLATE}: names are text"):
            if not is_alphanumeric(name.value):  # RULES P2
                name.error(
                    f"is {seen(name.value)}",
                    f"{_PLATE}: names of {key} have letters and digits only",
                    "rename it, and the groups of its wells",
                )
    if names.follows_text:
        _check_unique(names, key)
    return [text(entry, "name") for entry in names.value] or None


def _check_unique(names: Spot, key: str) -> None:
    known: set[str] = set()
    folded: set[str] = set()
    for entry in names.items():
        name = text(entry.value, "name")
        if name is None:
            continue
        if name in known:  # RULES P2
            entry.must(
                f"has the name {seen(name)} of another one",
                f"{_PLATE}: names of {key} are unique",
                "remove it, or rename it",
            )
        elif name.casefold() in folded:  # RULES P4
            entry.should(
                f"has the name {seen(name)}, which differs from another one only in "
                "upper and lower case",
                f"{_PLATE}: names of {key} differ on every file system",
                "rename one of them, and the groups of its wells",
            )
        known.add(name)
        folded.add(name.casefold())


def _check_wells(
    wells: Spot,
    rows: Sequence[str | None] | None,
    columns: Sequence[str | None] | None,
) -> None:
    places = _Places("row", rows), _Places("column", columns)
    known: set[str] = set()
    for well in wells.items():
        if not well.is_object(f"{_PLATE}: each well is an object"):
            continue
        path = well.need("path", f"{_PLATE}: each well has a path")
        has_path = path is not None and _check_well_path(path)
        indices = [_index(well, key) for key in ("rowIndex", "columnIndex")]
        if not wells.follows_text:
            continue
        if has_path and path is not None:
            if path.value in known:
                path.must(
                    f"is {seen(path.value)}, as of another well",
                    f"{_PLATE}: each well is listed once",
                    "remove one of them",
                )
            known.add(path.value)
        names = path.value.split("/") if has_path and path is not None else (None, None)
        for place, name, index in zip(places, names, indices, strict=True):
            place.check(well, name, index)


def _check_well_path(path: Spot) -> bool:
    demand = f"{_PLATE}: path of a well is row/column"  # RULES P5
    if not path.is_text(demand):
        return False
    fits = is_well_path(path.value)
    if not fits:
        path.error(f"is {seen(path.value)}", demand, "write it as 'A/1'")
    return fits


def _index(well: Spot, key: str) -> Spot | None:
    demand = f"{_PLATE}: {key} of a well is an integer from 0 on"  # RULES P6
    if well.dialect.well_indices:
        index = well.need(key, demand)
    else:
        index = well.child(key)
    return index if index is not None and index.is_integer(demand) else None


class _Places:
    """RULES P5, P6: names in paths, indices and the lists agree, row before column."""

    def __init__(self, word: str, names: Sequence[str | None] | None) -> None:
        self._word = word
        self._names = names
        # Of the first one where several have a name.
        self._place = {name: i for i, name in reversed(list(enumerate(names or ())))}

    def check(self, well: Spot, name: str | None, index: Spot | None) -> None:
        if self._names is None:
            return
        if name is not None and name not in self._place:
            well.must(
                f"has the path {seen(text(well.value, 'path'))}, but there is no "
                f"{self._word} {seen(name)}",
                f"{_PLATE}: path of a well is row/column",
                f"list the {self._word}, or correct the path",
            )
        if index is not None:
            self._check_index(index, name, self._names)

    def _check_index(
        self, index: Spot, name: str | None, names: Sequence[str | None]
    ) -> None:
        if index.value >= len(names):
            index.must(
                f"is {seen(index.value)}, but there are {len(names)} {self._word}s",
                f"{_PLATE}: indices of a well point into rows and columns, from 0 on",
                f"write the place of the {self._word} in the list, from 0 on",
            )
        elif name in self._place and names[int(index.value)] != name:
            index.must(
                f"is {seen(index.value)}, the {self._word} "
                f"{seen(names[int(index.value)])}, but the path tells {seen(name)}",
                f"{_PLATE}: indices and path of a well agree",
                f"write {self._place[name]}",
            )


def _check_acquisitions(acquisitions: Spot) -> None:
    if not acquisitions.is_list(f"{_PLATE}: acquisitions are a list"):  # RULES P7
        return
    known: set[float] = set()
    for one in acquisitions.items():
        if not one.is_object(f"{_PLATE}: each acquisition is an object"):
            continue
        number = one.need("id", f"{_PLATE}: each acquisition has an id")
        if number is not None and number.is_integer(f"{_PLATE}: id of an acquisition"):
            if number.value in known:
                number.must(
                    f"is {seen(number.value)}, as of another acquisition",
                    f"{_PLATE}: ids of acquisitions are unique",
                    "give each its own id, in the wells too",
                )
            known.add(number.value)
        _check_members(one)


def _check_members(one: Spot) -> None:
    advised = ("name", "maximumfieldcount")
    one.strictly(advised, f"{_PLATE}: acquisitions have a name and number of fields")
    for key in advised:
        one.want(key, f"{_PLATE}: acquisitions have a name and number of fields")
    for key in ("name", "description"):
        one.text_member(key, f"{_PLATE}: members of an acquisition")
    for key, least in (("maximumfieldcount", 1), ("starttime", 0), ("endtime", 0)):
        if (number := one.child(key)) is not None:
            number.is_integer(f"{_PLATE}: {key} of an acquisition", least)


def check_well(well: Spot) -> None:
    """Measure the object ``well``."""
    if not well.is_object(f"{_WELL}: an object"):
        return
    check_version(well, _WELL)  # RULES W5
    images = well.need("images", f"{_WELL}: lists its fields")  # RULES W1
    demand = f"{_WELL}: images are a list of different objects, at least one"
    # The text demands more: paths that differ.
    unique = not well.follows_text
    if images is None or not images.is_list(demand, 1, unique=unique):
        return
    known: set[str] = set()
    for image in images.items():
        if not image.is_object(f"{_WELL}: each field is an object"):
            continue
        acquisition = image.child("acquisition")  # RULES W4
        if acquisition is not None and not is_integer(acquisition.value):
            acquisition.error(
                f"is {seen(acquisition.value)}, not an integer",
                f"{_WELL}: acquisition is an id of the plate",
                "write the id of the acquisition",
            )
        path = image.need("path", f"{_WELL}: each field has a path")
        if path is not None and path.is_text(f"{_WELL}: paths are text"):
            _check_field_path(path, known)


def _check_field_path(path: Spot, known: set[str]) -> None:
    plain = path.dialect.plain_fields
    if not (is_alphanumeric if plain else is_field_name)(path.value):  # RULES W2
        allowed = "letters and digits" if plain else "letters, digits and _ . -"
        path.error(
            f"is {seen(path.value)}",
            f"{_WELL}: paths of fields have {allowed} only"
            + ("" if plain else ", are not dots alone and do not begin with __"),
            "rename the field",
        )
    if path.value in known:  # RULES W3
        path.must(
            f"is {seen(path.value)}, as of another field",
            f"{_WELL}: paths of fields are unique",
            "remove it, or name the field that is meant",
        )
    known.add(path.value)
