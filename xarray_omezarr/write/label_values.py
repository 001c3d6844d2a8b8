"""What the values of a label image mean: colours and properties in any form."""

from __future__ import annotations

import math
import operator
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from xarray_omezarr.errors import MetadataError, OptionError, Problems
from xarray_omezarr.grid.kept import NotJson, to_json
from xarray_omezarr.ngff.labels import (
    DEFAULT_SOURCE,
    ImageLabel,
    LabelColor,
    LabelProperties,
    LabelSource,
)

#: Attribute of a label image that holds what its values mean, as the standard does.
KEY = "image-label"
_VALUE = "label-value"

# Columns of tables of measurements that hold the values which they are about.
_VALUE_COLUMNS = ("label", "label_value", _VALUE)
_HEX = re.compile(r"#?([0-9A-Fa-f]{6})([0-9A-Fa-f]{2})?")


def plan_meaning(
    known: object, colors: Any = None, properties: Any = None, source: Any = None
) -> ImageLabel:
    """The metadata ``image-label``; what is given wins over what is known.

    Parameters
    ----------
    known : mapping or None
        The attribute ``image-label`` of the object, in the standard's form.
    colors : mapping or sequence, optional
        ``{value: "#rrggbb"}`` or ``{value: (r, g, b[, a])}``, numbers from 0 to 255;
        or the standard's list of objects.
    properties : pandas.DataFrame, mapping or sequence, optional
        A table indexed by value, one row for each, ``{value: {name: ...}}``, or the
        standard's list of objects. What is missing in a table (NaN, None) is left out.
    source : str, optional
        Path from the label image to the image that was segmented; the image it lies
        in where neither this nor what is known tells another.

    Raises
    ------
    OptionError, MetadataError
        For what is in none of these forms, or no JSON.

    Examples
    --------
    >>> plan_meaning(None, {1: "#ff8000"}, {1: {"area": 12}}).to_json()["properties"]
    [{'label-value': 1, 'area': 12}]
    """
    if known is not None and not isinstance(known, (Mapping, ImageLabel)):
        raise MetadataError(
            f"attrs[{KEY!r}] is {known!r}; give a mapping with colors, properties and "
            "source, as the standard has it"
        )
    label = ImageLabel()
    problems = Problems()
    with problems.collected():
        label = _known(known)
    update: dict[str, Any] = {}
    with problems.collected():
        if colors is not None:
            update["colors"] = tuple(_colors(colors)) or None
    with problems.collected():
        if properties is not None:
            update["properties"] = tuple(_properties(properties)) or None
    with problems.collected():
        if source is not None:
            update["source"] = LabelSource(image=source)
        elif label.source is None:
            update["source"] = LabelSource(image=DEFAULT_SOURCE)
    problems.raise_all("The description of the label image cannot be written")
    return label.model_copy(update=update)


def _known(known: Any) -> ImageLabel:
    if known is None or isinstance(known, ImageLabel):
        return known or ImageLabel()
    # The version is that of the file which it was read from.
    parts = {key: value for key, value in known.items() if key != "version"}
    for key in ("colors", "properties"):
        # Empty lists say nothing, and readers refuse them.
        if not parts.get(key):
            parts.pop(key, None)
    try:
        parts = to_json(parts)
    except NotJson as reason:
        raise MetadataError(f"attrs[{KEY!r}] holds {reason}, no JSON") from reason
    return ImageLabel.parse(parts, f"attrs/{KEY}")


def _colors(colors: Any) -> Iterator[LabelColor]:
    if isinstance(colors, Mapping):
        for value, color in colors.items():
            number = _value(value, "colors")
            yield LabelColor(label_value=number, rgba=_rgba(color, number))
        return
    for index, entry in enumerate(_listed(colors, "colors", "{1: '#ff0000'}")):
        yield (
            entry
            if isinstance(entry, LabelColor)
            else LabelColor.parse(_plain(entry, "colors"), f"colors/{index}")
        )


def _rgba(color: Any, value: int) -> tuple[int, int, int, int] | None:
    if color is None:
        return None
    if isinstance(color, str):
        found = _HEX.fullmatch(color.strip())
        if found is None:
            raise OptionError(
                f"The colour of value {value} is {color!r}; give '#rrggbb', "
                "'#rrggbbaa', or (r, g, b) from 0 to 255"
            )
        digits = found[1] + (found[2] or "ff")
        red, green, blue, alpha = bytes.fromhex(digits)
        return red, green, blue, alpha
    parts = tuple(color) if isinstance(color, Iterable) else ()
    numbers = [_index(part) for part in parts]
    known = [number for number in numbers if number is not None and 0 <= number <= 255]
    if len(parts) not in (3, 4) or len(known) != len(parts):
        fractions = bool(parts) and all(isinstance(part, float) for part in parts)
        hint = "; multiply fractions by 255 and round them" if fractions else ""
        raise OptionError(
            f"The colour of value {value} is {color!r}; give '#rrggbb', or red, green, "
            f"blue and perhaps alpha as whole numbers from 0 to 255{hint}"
        )
    red, green, blue, alpha = (*known, 255)[:4]
    return red, green, blue, alpha


def _properties(properties: Any) -> Iterator[LabelProperties]:
    # xarray needs pandas, so it is there, and loaded when a table is given.
    if hasattr(properties, "itertuples") and hasattr(properties, "columns"):
        yield from _rows(properties)
        return
    if isinstance(properties, Mapping):
        for value, entry in properties.items():
            if not isinstance(entry, Mapping):
                raise OptionError(
                    f"properties of value {value!r} are {entry!r}; give a mapping, "
                    "e.g. {'area': 12}"
                )
            plain = _plain(_without_missing(entry), "properties")
            number = _value(value, "properties")
            yield LabelProperties(**{**plain, _VALUE: number})
        return
    for index, entry in enumerate(
        _listed(properties, "properties", "{1: {'area': 5}}")
    ):
        yield (
            entry
            if isinstance(entry, LabelProperties)
            else LabelProperties.parse(
                _plain(_without_missing(entry), "properties"), f"properties/{index}"
            )
        )


def _rows(table: Any) -> Iterator[LabelProperties]:
    """One entry per row of a DataFrame."""
    names = [str(name) for name in table.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or table.columns.nlevels > 1 or table.index.nlevels > 1:
        raise OptionError(
            f"The table of properties has {_about_columns(twice)}; give one column per "
            "name, and an index of label values"
        )
    if _VALUE in names:
        values = table[_VALUE].tolist()
        table = table.drop(columns=_VALUE)
    else:
        _check_index(table)
        values = table.index.tolist()
    _check_once(values)
    names = [str(name) for name in table.columns]
    # Column by column, so that numbers keep the type of theirs.
    columns = [table.iloc[:, at].tolist() for at in range(len(names))]
    for row, value in enumerate(values):
        number = _value(value, "properties")
        entry = {name: column[row] for name, column in zip(names, columns, strict=True)}
        plain = _plain(_without_missing(entry), "properties")
        yield LabelProperties(**{**plain, _VALUE: number})


def _about_columns(twice: Sequence[str]) -> str:
    return f"the columns {twice} twice" if twice else "several levels of names"


def _check_index(table: Any) -> None:
    """Refuse a table that was not indexed: its rows would be about other values."""
    told = [str(name) for name in table.columns if str(name) in _VALUE_COLUMNS]
    index = table.index
    is_counted = type(index).__name__ == "RangeIndex" and index.name is None
    if not is_counted or not (told or (len(index) and index.start == 0)):
        return
    if told:
        raise OptionError(
            f"The table of properties counts its rows and has a column {told[0]!r}; "
            f"index it by label value, with .set_index({told[0]!r})"
        )
    raise OptionError(
        "The table of properties counts its rows from 0, which is the value of the "
        "background, and does not say which label value a row is about; tell it, e.g. "
        "with .set_index('label') where a column has it, or .set_axis(values)"
    )


def _check_once(values: Sequence[Any]) -> None:
    counts = Counter(values)
    twice = [value for value, count in counts.items() if count > 1]
    if twice:
        raise OptionError(
            f"The table of properties has more than one row for the label values "
            f"{twice[:5]}; keep one row for each value, e.g. with "
            ".groupby(level=0).first()"
        )


def _without_missing(entry: Any) -> Any:
    """The entry without what tables call missing."""
    if not isinstance(entry, Mapping):
        return entry
    return {key: value for key, value in entry.items() if not _is_missing(value)}


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    try:
        return math.isnan(value)
    except (TypeError, ValueError, OverflowError):
        return False


def _plain(entry: Any, option: str) -> dict[str, Any]:
    if not isinstance(entry, Mapping):
        raise OptionError(f"{option} holds {entry!r}; give mappings with {_VALUE!r}")
    plain = {}
    for key, value in entry.items():
        try:
            plain[str(key)] = to_json(value)
        except NotJson as reason:
            raise MetadataError(
                f"{option} have {reason} as {key!r}, which is not JSON; convert it to "
                "numbers or texts, e.g. with .astype(str), or leave it out"
            ) from reason
    return plain


def _listed(option: Any, name: str, example: str) -> list[Any]:
    if isinstance(option, (str, bytes)) or not isinstance(option, Iterable):
        raise OptionError(f"{name} is {option!r}; give a mapping such as {example}")
    return list(option)


def _value(value: Any, option: str) -> int:
    number = _index(value)
    if number is None:
        raise OptionError(
            f"{option} names the label value {value!r}, a {type(value).__name__}; "
            "values of labels are whole numbers: convert them, e.g. with int()"
        )
    return number


def _index(value: Any) -> int | None:
    if isinstance(value, bool):
        return None
    try:
        return operator.index(value)
    except TypeError:
        return None
