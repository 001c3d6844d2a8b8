"""Acquisitions of a plate: what the user tells of them, and which fields belong."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from xarray_omezarr.errors import OptionError, PlateError, Problems, some, warn
from xarray_omezarr.ngff.plate import Acquisition

# Texts of times are told apart from numbers by their place only.
_TIMES = ("starttime", "endtime")
_SPELLINGS = {
    "start_time": "starttime",
    "end_time": "endtime",
    "maximum_field_count": "maximumfieldcount",
}


def parse_acquisitions(given: Any) -> tuple[Acquisition, ...]:
    """The write option ``acquisitions`` as models.

    Parameters
    ----------
    given : sequence of dict or Acquisition, or mapping
        In the form of the standard; or names, or dicts, by id. Times may be dates
        (those without a zone are UTC), ISO 8601 texts, or seconds since 1970.

    Raises
    ------
    OptionError
        If it is something else.
    PlateError
        If ids repeat, or a time is none.
    MetadataError
        If a value is not what the standard allows.

    Examples
    --------
    >>> parse_acquisitions({1: "day 1", 2: "day 2"})[1].to_json()
    {'id': 2, 'name': 'day 2'}
    >>> parse_acquisitions([{"id": 3, "starttime": "2026-05-01T08:00"}])[0].start_time
    1777622400
    """
    if given is None:
        return ()
    entries = [_fields(entry) for entry in _entries(given)]
    found = tuple(
        Acquisition.parse(entry, f"acquisitions/{index}")
        for index, entry in enumerate(entries)
    )
    twice = [
        n for n, times in Counter(entry.id for entry in found).items() if times > 1
    ]
    if twice:
        raise PlateError(f"acquisitions have the ids {twice} more than once")
    for entry in found:
        if None not in (entry.start_time, entry.end_time):
            _check_order(entry)
    return found


def _check_order(entry: Acquisition) -> None:
    start, end = int(entry.start_time or 0), int(entry.end_time or 0)
    if end < start:
        raise PlateError(
            f"Acquisition {entry.id} ends at {end}, before it starts at {start}; "
            "correct starttime or endtime"
        )


def _entries(given: Any) -> list[Any]:
    if isinstance(given, Mapping):
        return [_entry_of(key, value) for key, value in given.items()]
    if isinstance(given, (str, bytes)) or not isinstance(given, Iterable):
        raise OptionError(
            f"acquisitions is {given!r}; give a list of dicts such as "
            "{'id': 1, 'name': 'day 1'}, or names by id: {1: 'day 1'}"
        )
    return list(given)


def _entry_of(key: Any, value: Any) -> Any:
    if isinstance(value, Mapping):
        return {"id": key, **value}
    return {"id": key} if value is None else {"id": key, "name": value}


def _fields(entry: Any) -> dict[str, Any]:
    if isinstance(entry, Acquisition):
        return entry.to_json()
    if not isinstance(entry, Mapping):
        raise OptionError(
            f"acquisitions holds {entry!r}; give dicts such as {{'id': 1, 'name': "
            "'day 1'}} or xarray_omezarr.ngff.Acquisition"
        )
    fields = {
        _SPELLINGS.get(str(key), str(key)): value
        for key, value in entry.items()
        if value is not None
    }
    for key in _TIMES:
        if key in fields:
            fields[key] = _epoch(fields[key], key)
    return fields


def _epoch(value: Any, key: str) -> Any:
    """Whole seconds since 1970; numbers stay as they are."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        return round(value) if math.isfinite(value) else value
    try:
        time = pd.Timestamp(value)
        if time.tzinfo is None:
            time = time.tz_localize("UTC")
        return math.floor(time.timestamp())
    except (TypeError, ValueError) as error:
        raise PlateError(
            f"{key} of an acquisition is {value!r}, which is no time ({error}); give a "
            "date, an ISO 8601 text, or seconds since 1970"
        ) from error


def acquisition_id(value: Any, path: str = "") -> int | None:
    """The acquisition of a field, from its coordinate or attribute.

    NaN and -1, with which arrays of several fields say "none", are none.

    Raises
    ------
    PlateError
        For what is no whole number, 0 or more.

    Examples
    --------
    >>> acquisition_id(np.float64(3.0)), acquisition_id(-1), acquisition_id(None)
    (3, None, None)
    """
    value = value.item() if isinstance(value, (np.generic, np.ndarray)) else value
    if value is None or value == -1 or value != value:
        return None
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if is_number and math.isfinite(value) and value == int(value) and value >= 0:
        return int(value)
    raise PlateError(
        f"{path}: the acquisition is {value!r}; give the id of one, "
        "a whole number from 0 on"
    )


def known_acquisition(said: Any, known: Iterable[Acquisition], path: str) -> int | None:
    """The acquisition of a field, which tells it by id or by name.

    Parameters
    ----------
    said : object
        As for `acquisition_id`, or the name of one of those that are known.
    known : iterable of Acquisition
        All of them; of several with one id the last counts.
    path : str
        Of the field.

    Raises
    ------
    PlateError
        For a name of none or of several, and as `acquisition_id`.
    """
    if not isinstance(said, str):
        return acquisition_id(said, path)
    by_id = {entry.id: entry for entry in known}
    ids = [number for number, entry in by_id.items() if entry.name == said]
    if len(ids) > 1:
        raise PlateError(
            f"{path}: the acquisition is {said!r}, and those with the ids {ids} are "
            "all called so; give its id"
        )
    return acquisition_id(ids[0] if ids else said, path)


def settle_acquisitions(
    told: tuple[Acquisition, ...],
    wells: Mapping[str, Mapping[str, int | None]],
    *,
    declared: bool,
) -> tuple[Acquisition, ...]:
    """All acquisitions of a plate, with the number of fields that wells have of each.

    Parameters
    ----------
    told : tuple of Acquisition
        What is known of them.
    wells : mapping
        By path of a well, the acquisition of each of its fields.
    declared : bool
        Whether the user told them for this plate: a count that is too small is then
        an error; one that was read and no longer holds is made anew.

    Raises
    ------
    PlateError
        All problems together.
    """
    problems = Problems()
    most = _most_fields(wells)
    listed = {entry.id: entry for entry in told}
    warn_of_undeclared(sorted(most.keys() - listed.keys()), told)
    for number in sorted(most.keys() - listed.keys()):
        listed[number] = Acquisition(id=number, name=str(number))
    for number, count in most.items():
        with problems.collected():
            listed[number] = _counted(listed[number], count, declared=declared)
    if len(listed) > 1:
        with problems.collected():
            _refuse_fields_without(wells, [*listed])
    problems.raise_all("The acquisitions do not fit the fields")
    return tuple(listed.values())


def warn_of_undeclared(added: list[int], known: Iterable[Acquisition]) -> None:
    """Warn of acquisitions of fields beside those that somebody declared."""
    known = [*known]
    # Those that fields have brought are named after their ids.
    if added and any(entry.name != str(entry.id) for entry in known):
        warn(
            f"Fields are of the acquisitions {added}, and those that are declared are "
            f"{[entry.id for entry in known]}; they are added, named after their ids. "
            "Declare them in acquisitions, or correct the fields"
        )


def _most_fields(wells: Mapping[str, Mapping[str, int | None]]) -> dict[int, int]:
    most: Counter[int] = Counter()
    for fields in wells.values():
        most |= Counter(number for number in fields.values() if number is not None)
    return dict(most)


def _counted(entry: Acquisition, count: int, *, declared: bool) -> Acquisition:
    known = entry.maximum_field_count
    if known is not None and known >= count:
        return entry
    if known is not None and declared:
        raise PlateError(
            f"Acquisition {entry.id} has maximumfieldcount {known}, and a well has "
            f"{count} of its fields; correct it, or leave it out"
        )
    return entry.model_copy(update={"maximum_field_count": count})


def _refuse_fields_without(
    wells: Mapping[str, Mapping[str, int | None]], ids: list[int]
) -> None:
    missing = [
        f"{well}/{field}"
        for well, fields in wells.items()
        for field, number in fields.items()
        if number is None
    ]
    if missing:
        raise PlateError(
            f"{some(missing)}: no acquisition is known, and the plate has {ids}; give "
            "each field a scalar coordinate or an attribute 'acquisition'"
        )
