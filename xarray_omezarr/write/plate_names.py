"""Names of rows, columns and fields: their order, and all that a plate has of them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from xarray_omezarr.errors import OptionError, PlateError, warn

# Names of plates are sorted in the rooms of both wings.
from xarray_omezarr.hierarchy import natural_key as natural_key
from xarray_omezarr.ngff.names import is_alphanumeric

#: Numbers of rows and columns by number of wells: 1536 wells have rows A to AF.
LAYOUTS = {
    6: (2, 3),
    12: (3, 4),
    24: (4, 6),
    48: (6, 8),
    96: (8, 12),
    384: (16, 24),
    1536: (32, 48),
}

# No plate that is made has more; names beyond are names, not numbers of a sequence.
_MOST_ROWS, _MOST_COLUMNS = LAYOUTS[1536]


def row_letters(index: int) -> str:
    """Name of a row by its index: 0 is A, 25 Z, 26 AA.

    Examples
    --------
    >>> row_letters(0), row_letters(25), row_letters(31)
    ('A', 'Z', 'AF')
    """
    letters = ""
    while index >= 0:
        index, last = divmod(index, 26)
        letters = chr(ord("A") + last) + letters
        index -= 1
    return letters


def check_names(names: Iterable[object], what: str) -> None:
    """Refuse names that the standard does not allow; warn of those that may collide.

    Parameters
    ----------
    names : iterable
        Of rows, columns, or the fields of one well.
    what : str
        ``"row"``, ``"column"`` or ``"field"``.

    Raises
    ------
    PlateError
        If a name holds anything but letters and digits of ASCII.
    """
    found = [str(name) for name in names]
    refused = [name for name in found if not is_alphanumeric(name)]
    if refused:
        offered = re.sub(r"[^A-Za-z0-9]", "", refused[0]) or "1"
        raise PlateError(
            f"Names of {what}s are {', '.join(map(repr, refused))}, and OME-Zarr "
            f"allows nothing but letters and digits in them; rename the nodes, e.g. "
            f"{refused[0]!r} to {offered!r}"
        )
    seen: dict[object, str] = {}
    for name in found:
        other = seen.setdefault(meaning(name), name)
        if other != name and name.isdecimal():
            warn(
                f"Names of {what}s {other!r} and {name!r} are the same number: they "
                "are two here, and one to people and to other programs"
            )
        elif other != name:
            warn(
                f"Names of {what}s {other!r} and {name!r} differ only by case: where a "
                "disk ignores case, one overwrites the other"
            )


def meaning(name: str) -> object:
    """What two names share that mean the same: ``"2"`` and ``"02"``, a and A."""
    return int(name) if name.isdecimal() else name.casefold()


def check_layout(layout: object) -> int | None:
    """The write option ``layout`` as a number of wells.

    Raises
    ------
    OptionError
        If nobody makes such plates.
    """
    if layout is None:
        return None
    text = str(layout).strip()
    if not isinstance(layout, bool) and text.isdecimal() and int(text) in LAYOUTS:
        return int(text)
    raise OptionError(
        f"layout is {layout!r}; plates have {', '.join(map(str, LAYOUTS))} wells. For "
        "another one give its names: plate={'rows': [...], 'columns': [...]}"
    )


@dataclass(frozen=True, slots=True)
class PlateNames:
    """All rows and columns that a plate has, in order."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]

    def place(self, path: str) -> tuple[int, int]:
        """Index of the row and of the column of a well, by its path."""
        row, column = path.split("/")
        return self.rows.index(row), self.columns.index(column)

    def describe(self) -> str:
        """As messages say it: rows A to H, columns 1 to 12."""
        ends = [f"{names[0]} to {names[-1]}" for names in (self.rows, self.columns)]
        return f"rows {ends[0]} and columns {ends[1]}"


def plate_names(
    used: PlateNames,
    *,
    rows: Sequence[str] | None,
    columns: Sequence[str] | None,
    layout: int | None,
) -> PlateNames:
    """The rows and columns that are declared.

    Parameters
    ----------
    used : PlateNames
        Those that hold fields, in order.
    rows, columns : sequence of str, optional
        Declared by the user, in their order.
    layout : int, optional
        Number of wells of the physical plate.

    Raises
    ------
    PlateError
        If a name is used that is not declared.
    """
    counts = (None, None) if layout is None else LAYOUTS[layout]
    source = "plate" if layout is None else f"layout={layout}"
    likely_rows = _rows_like(used.rows, counts[0])
    likely_columns = _columns_like(used.columns, counts[1])
    return PlateNames(
        _declared(used.rows, rows, likely_rows, "row", source),
        _declared(used.columns, columns, likely_columns, "column", source),
    )


def _declared(
    used: tuple[str, ...],
    given: Sequence[str] | None,
    made: tuple[str, ...] | None,
    what: str,
    source: str,
) -> tuple[str, ...]:
    names = tuple(given) if given is not None else made
    if names is None:
        return used
    missing = [name for name in used if name not in names]
    if missing:
        raise PlateError(
            f"Fields are in the {what}s {', '.join(map(repr, missing))}, and {source} "
            f"has {names[0]!r} to {names[-1]!r}, {len(names)} in all; rename them, "
            f"or give all {what}s: plate={{'{what}s': [...]}}"
        )
    return names


def _rows_like(used: Collection[str], count: int | None) -> tuple[str, ...] | None:
    """Rows from A on, spelled as those that are used; None if these are no letters."""
    upper = [row_letters(index) for index in range(_MOST_ROWS)]
    for names in (upper, [name.lower() for name in upper]):
        if all(name in names for name in used):
            last = max(names.index(name) for name in used) + 1
            return tuple(names[: count or last])
    if count is not None:
        return tuple(upper[:count])
    return None


def _columns_like(used: Collection[str], count: int | None) -> tuple[str, ...] | None:
    """Columns from 1 on, as wide as those that are used; None if these differ."""
    padded = [len(name) for name in used if name.startswith("0") and len(name) > 1]
    width = min(padded, default=1)
    numbers = [int(name) for name in used if name.isdecimal()]
    regular = len(numbers) == len(used) and all(
        str(int(name)).zfill(width) == name for name in used
    )
    if count is not None:
        return tuple(str(n).zfill(width) for n in range(1, count + 1))
    if not regular or max(numbers) > _MOST_COLUMNS:
        return None
    first = min([1, *numbers])
    return tuple(str(n).zfill(width) for n in range(first, max(numbers) + 1))


def parse_rows(entries: Any, what: str) -> tuple[str, ...] | None:
    """Names of rows or columns as a user gives them: texts, dicts or models.

    Parameters
    ----------
    entries : sequence, optional
        E.g. ``["A", "B"]`` or ``[{"name": "A"}]``; None where they are not given.
    what : str
        ``"row"`` or ``"column"``.

    Raises
    ------
    PlateError
        If they are something else, repeated, or no names.
    """
    if entries is None:
        return None
    if isinstance(entries, (str, bytes)) or not isinstance(entries, Iterable):
        raise PlateError(
            f"plate has the {what}s {entries!r}; give a list of names or of "
            "{'name': ...}"
        )
    names = [_name_of(entry, what) for entry in entries]
    check_names(names, what)
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated or not names:
        seen = f"{', '.join(repeated)} more than once" if repeated else "none at all"
        raise PlateError(f"plate names its {what}s: {seen}; name each of them once")
    return tuple(names)


def _name_of(entry: Any, what: str) -> str:
    name = entry.get("name") if isinstance(entry, dict) else entry
    name = getattr(name, "name", name)
    if isinstance(name, int) and not isinstance(name, bool):
        name = str(name)
    if not isinstance(name, str):
        raise PlateError(
            f"plate has the {what} {entry!r}; give a name, or {{'name': ...}}"
        )
    return name
