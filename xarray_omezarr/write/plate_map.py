"""What is known of each well (compound, dose, ...): a table -> JSON by well."""

from __future__ import annotations

import datetime
import math
import os
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from xarray_omezarr.errors import PlateError, Problems, some, warn
from xarray_omezarr.grid.kept import NotJson, to_json

if TYPE_CHECKING:
    from xarray_omezarr.write.plate_names import PlateNames

#: Key of the attribute, beside the standard's metadata, that holds it.
PLATE_MAP = "plate_map"

PlateMap: TypeAlias = dict[str, dict[str, Any]]

_WELL, _ROW, _COLUMN = ("well",), ("row",), ("column", "col")
# Leading zeros tell a name, not a number.
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_TRUTHS = {"True": True, "False": False, "true": True, "false": False}
_LARGEST_INTEGER = 2**53  # that other readers of JSON hold exactly
# Columns become coordinates of a stacked plate, where these names are taken.
_TAKEN = frozenset(
    [
        *("row", "column", "field", "well", "t", "c", "z", "y", "x", "image"),
        *("present", "acquisition", "origin_z", "origin_y", "origin_x"),
    ]
)
_LETTERS_DIGITS = re.compile(r"([A-Za-z]+)[ :-]*(\d+)")


def parse_plate_map(given: Any, names: PlateNames) -> PlateMap:
    """The write option ``plate_map`` as JSON by path of the well.

    Parameters
    ----------
    given : pandas.DataFrame, path or mapping
        A table, or a file with commas, with one line per well: its name in the
        index, or in a column ``well`` (B2, B02, B/2), or in columns ``row`` and
        ``column``. Or what each well has, by its name. Of a file, a column is of
        numbers where all its texts are, without leading zeros; nothing but an empty
        text is missing.
    names : PlateNames
        Rows and columns of the plate.

    Raises
    ------
    PlateError
        All wells that the plate cannot have, and those that occur twice; values
        that are no JSON.

    Examples
    --------
    >>> from xarray_omezarr.write.plate_names import PlateNames
    >>> table = pd.DataFrame({"well": ["A01", "A02"], "dose": [1.5, np.nan]})
    >>> parse_plate_map(table, PlateNames(("A",), ("1", "2")))
    {'A/1': {'dose': 1.5}, 'A/2': {'dose': None}}
    """
    lines = _lines(given)
    problems = Problems()
    found: PlateMap = {}
    told: dict[str, str] = {}
    unknown = []
    for well, values in lines:
        place = find_well(well, names)
        if place is None:
            unknown.append(well)
            continue
        path = "/".join(place)
        with problems.collected():
            if path in told:
                raise PlateError(
                    f"plate_map has well {path} twice, as {told[path]!r} and {well!r}; "
                    "keep one line per well"
                )
            told[path] = well
            found[path] = {
                key: plain_value(v, f"plate_map: {key!r} of well {path}")
                for key, v in values.items()
            }
    with problems.collected():
        if unknown:
            raise PlateError(
                f"plate_map has the wells {some([*map(repr, unknown)])}, and the plate "
                f"has {names.describe()}; correct them, or declare more with layout= "
                "or plate={'rows': [...], 'columns': [...]}"
            )
    with problems.collected():
        _check_keys(found)
    problems.raise_all("The plate map does not fit the plate")
    return dict(sorted(found.items(), key=lambda item: names.place(item[0])))


def kept_plate_map(given: Any, names: PlateNames) -> PlateMap:
    """The map that came with a plate that was read; what no longer fits goes."""
    if not isinstance(given, Mapping):
        return {}
    kept = {
        well: values
        for well, values in given.items()
        if isinstance(values, Mapping) and find_well(str(well), names) is not None
    }
    if len(kept) < len(given):
        gone = [str(well) for well in given if well not in kept]
        warn(f"Left out of the plate map, as the plate has no such wells: {some(gone)}")
    return parse_plate_map(kept, names)


def joined_plate_map(kept: PlateMap, told: PlateMap, names: PlateNames) -> PlateMap:
    """One map of two; what is told wins, and hides nothing where it is null.

    Parameters
    ----------
    kept, told : mapping
        As from `kept_plate_map` and `parse_plate_map`.
    names : PlateNames
        Rows and columns of the plate.
    """
    both = (told, kept)
    keys = dict.fromkeys(
        key for known in (kept, told) for values in known.values() for key in values
    )

    def value(well: str, key: str) -> Any:
        found = (known.get(well, {}).get(key) for known in both)
        return next((value for value in found if value is not None), None)

    wells = sorted({*kept, *told}, key=names.place)
    return {well: {key: value(well, key) for key in keys} for well in wells}


def merged_columns(kept: Any, told: Mapping[str, Any]) -> dict[str, Any]:
    """The map that came along, with what coordinates tell now.

    Arrays have a place for every well; lines of nothing but null say nothing.
    """
    known = kept if isinstance(kept, Mapping) else {}
    joined = {
        well: {**known.get(well, {}), **told.get(well, {})}
        for well in dict.fromkeys([*known, *told])
    }
    return {
        well: line
        for well, line in joined.items()
        if any(value is not None for value in line.values())
    }


def find_well(text: str, names: PlateNames) -> tuple[str, str] | None:
    """Row and column of a well, however its name is spelled; None if there is none.

    Examples
    --------
    >>> from xarray_omezarr.write.plate_names import PlateNames
    >>> plate = PlateNames(("A", "B"), ("01", "02"))
    >>> [find_well(text, plate) for text in ("B2", "b-02", "B/002", "B_2")]
    [('B', '02'), ('B', '02'), ('B', '02'), None]
    """
    text = text.strip()
    if "/" in text:
        row, _, column = text.partition("/")
        return _matched(row.strip(), column.strip(), names)
    exact = [
        (text[:at], text[at:])
        for at in range(1, len(text))
        if text[:at] in names.rows and text[at:] in names.columns
    ]
    if len(exact) == 1:
        return exact[0]
    parts = _LETTERS_DIGITS.fullmatch(text)
    if exact or parts is None:
        return None
    return _matched(parts[1], parts[2], names)


def _matched(row: str, column: str, names: PlateNames) -> tuple[str, str] | None:
    found_row = _one_like(row, names.rows)
    found_column = _one_like(column, names.columns)
    if found_row is None or found_column is None:
        return None
    return found_row, found_column


def _one_like(text: str, names: tuple[str, ...]) -> str | None:
    """The name that is spelled so; else the only one that means the same."""
    if text in names:
        return text
    alike = [name for name in names if _meaning(name) == _meaning(text)]
    return alike[0] if len(alike) == 1 else None


def _meaning(name: str) -> object:
    return int(name) if name.isdecimal() else name.casefold()


def _lines(given: Any) -> list[tuple[str, dict[str, Any]]]:
    """Well and values of every line."""
    if isinstance(given, Mapping):
        table = {str(well): values for well, values in given.items()}
        wrong = [well for well, v in table.items() if not isinstance(v, Mapping)]
        if wrong:
            raise PlateError(
                f"plate_map of well {wrong[0]!r} is {table[wrong[0]]!r}; give a "
                "mapping such as {'compound': 'DMSO', 'dose': 1.5}"
            )
        columns = dict.fromkeys(key for values in table.values() for key in values)
        return [(w, {k: v.get(k) for k in columns}) for w, v in table.items()]
    if isinstance(given, (str, os.PathLike)):
        given = _read_table(given)
    if not isinstance(given, pd.DataFrame):
        raise PlateError(
            f"plate_map is a {type(given).__name__}; give a pandas.DataFrame, the path "
            "of a file of comma-separated values, or a mapping by well"
        )
    return _lines_of_table(given)


def _read_table(file: Any) -> pd.DataFrame:
    """A file of comma-separated values; what is no number for certain stays text."""
    # Neither "NA" nor "None" is missing: both are names of compounds and genes.
    texts = pd.read_csv(
        file, dtype=str, keep_default_na=False, na_values=[""], index_col=False
    )
    kinds = {
        name: pd.Series(_values(texts[name].tolist()), dtype=object)
        for name in texts.columns
        if str(name).strip().lower() not in (*_WELL, *_ROW, *_COLUMN)
    }
    return texts.assign(**kinds)


def _values(texts: list[Any]) -> list[Any]:
    """The texts of a column as numbers or truths, if each of them is one exactly.

    Examples
    --------
    >>> _values(["1", float("nan"), "20"]), _values(["0.50", "3"])
    ([1, None, 20], [0.5, 3.0])
    >>> _values(["00123", "7"]), _values(["1.1", "1.10"]), _values(["NA", "5"])
    (['00123', '7'], ['1.1', '1.10'], ['NA', '5'])
    """
    texts = [text if isinstance(text, str) else None for text in texts]
    told = {text: text.strip() for text in texts if text is not None}
    read: dict[str, Any] = {}
    if told and all(text in _TRUTHS for text in told.values()):
        read = {text: _TRUTHS[bare] for text, bare in told.items()}
    elif all(_NUMBER.fullmatch(bare) for bare in told.values()):
        read = _numbers(told)
    return [None if text is None else read.get(text, text) for text in texts]


def _numbers(told: Mapping[str, str]) -> dict[str, Any]:
    """Numbers by text; none where that would lose what tells texts apart."""
    if all(bare.lstrip("-").isdecimal() for bare in told.values()):
        whole = {text: int(bare) for text, bare in told.items()}
        is_exact = all(abs(number) <= _LARGEST_INTEGER for number in whole.values())
        return whole if is_exact else {}
    found = {text: float(bare) for text, bare in told.items()}
    is_exact = all(
        math.isfinite(number) and Decimal(repr(number)) == Decimal(told[text])
        for text, number in found.items()
    )
    is_one_to_one = len({*found.values()}) == len({*told.values()})
    return found if is_exact and is_one_to_one else {}


def _lines_of_table(table: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
    well = _column(table, _WELL)
    row, column = _column(table, _ROW), _column(table, _COLUMN)
    if well is not None:
        wells = [_text(value) for value in table[well]]
        used = [well, *(name for name in (row, column) if name is not None)]
    elif row is not None and column is not None:
        pairs = zip(table[row], table[column], strict=True)
        wells = [f"{_text(r)}/{_text(c)}" for r, c in pairs]
        used = [row, column]
    elif isinstance(table.index, pd.MultiIndex) and table.index.nlevels == 2:
        wells = [f"{_text(r)}/{_text(c)}" for r, c in table.index]
        used = []
    elif not isinstance(table.index, pd.RangeIndex):
        wells, used = [_text(value) for value in table.index], []
    else:
        raise PlateError(
            f"plate_map has the columns {[*map(str, table.columns)]}, and none tells "
            "the well; name one 'well', or two 'row' and 'column', or set the index"
        )
    names = [name for name in table.columns if name not in used]
    values = [table[name].tolist() for name in names]
    return [
        (well, {str(n): column[at] for n, column in zip(names, values, strict=True)})
        for at, well in enumerate(wells)
    ]


def _column(table: pd.DataFrame, spellings: tuple[str, ...]) -> Any:
    alike = [name for name in table.columns if str(name).strip().lower() in spellings]
    return alike[0] if len(alike) == 1 else None


def _text(value: Any) -> str:
    is_whole = isinstance(value, (float, np.floating)) and float(value).is_integer()
    return str(int(value) if is_whole else value).strip()


def _check_keys(found: PlateMap) -> None:
    keys = {key for values in found.values() for key in values}
    taken = sorted(key for key in keys if key in _TAKEN)
    if taken:
        raise PlateError(
            f"plate_map has the columns {taken}, which name other things of a plate; "
            f"rename them, e.g. {taken[0]!r} to {taken[0] + '_of_map'!r}"
        )


def plain_value(value: Any, about: str) -> Any:
    """What is known of a well as JSON; None where it is missing.

    Parameters
    ----------
    value : object
        A number, text or date, of numpy and pandas too.
    about : str
        What it is, for the message.

    Raises
    ------
    PlateError
        If JSON cannot hold it.

    Examples
    --------
    >>> plain_value(np.float32("nan"), "dose"), plain_value(np.int8(3), "dose")
    (None, 3)
    """
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or value is pd.NaT or value is pd.NA:
        return None
    if isinstance(value, float) and math.isnan(value):
        return None
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    try:
        return to_json(value)
    except NotJson as reason:
        raise PlateError(
            f"{about} is {value!r} ({reason}), which JSON cannot hold; convert it to a "
            "number or text, or leave it out"
        ) from reason
