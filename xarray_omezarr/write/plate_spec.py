"""What a user, or a plate that was read, says of a plate as a whole."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xarray_omezarr.errors import MetadataError, OptionError, PlateError, Problems, some
from xarray_omezarr.grid.kept import NotJson, to_json
from xarray_omezarr.ngff.plate import Acquisition, Plate, PlateWell
from xarray_omezarr.write.acquisitions import parse_acquisitions
from xarray_omezarr.write.plate_names import (
    PlateNames,
    natural_key,
    parse_rows,
    plate_names,
)

_KNOWN = frozenset(
    ["name", "rows", "columns", "wells", "acquisitions", "field_count", "version"]
)


@dataclass(frozen=True, slots=True)
class PlateSpec:
    """The parts of a plate's metadata that were given; None where they were not.

    Parameters
    ----------
    name : str, optional
        Of the plate.
    rows, columns : tuple of str, optional
        All of them, in order.
    wells : mapping, optional
        By path, the indices of row and column; None where they are not said.
    acquisitions : tuple of Acquisition
        What is known of them.
    field_count : int, optional
        Most fields of a well.
    further : mapping
        Keys that the standard does not have, as JSON.
    """

    name: str | None = None
    rows: tuple[str, ...] | None = None
    columns: tuple[str, ...] | None = None
    wells: Mapping[str, tuple[int, int] | None] | None = None
    acquisitions: tuple[Acquisition, ...] = ()
    field_count: int | None = None
    further: Mapping[str, Any] = field(default_factory=dict)

    def names(
        self, used: PlateNames, known: PlateSpec, layout: int | None
    ) -> PlateNames:
        """All rows and columns; those of the user win over those that came along.

        Raises
        ------
        OptionError
            If they are declared twice.
        PlateError
            If the tree uses others.
        """
        if layout is not None and (self.rows or self.columns):
            raise OptionError(
                f"layout is {layout}, and plate names rows or columns too; give one "
                "of them"
            )
        rows, columns = self.rows, self.columns
        if layout is None:
            # A row that was added to a plate that was read is filled up to.
            used = PlateNames(
                _with(used.rows, known.rows), _with(used.columns, known.columns)
            )
            rows = rows or _if_whole(known.rows, used.rows)
            columns = columns or _if_whole(known.columns, used.columns)
        return plate_names(used, rows=rows, columns=columns, layout=layout)

    def plate(
        self,
        known: PlateSpec,
        names: PlateNames,
        wells: Mapping[str, Mapping[str, Any]],
        acquisitions: tuple[Acquisition, ...],
        *,
        name: str | None,
        stem: str | None,
    ) -> Plate:
        """The metadata of the plate.

        Parameters
        ----------
        known : PlateSpec
            What came with the tree.
        names : PlateNames
            All rows and columns.
        wells : mapping
            Fields by path of the well.
        acquisitions : tuple of Acquisition
            All of them.
        name, stem : str, optional
            The write option, and what to fall back to.

        Raises
        ------
        PlateError
            All that contradicts the tree.
        """
        problems = Problems()
        count = max(len(fields) for fields in wells.values())
        with problems.collected():
            self._check_wells(wells, names)
        with problems.collected():
            count = self._count(known, count)
        own = name
        with problems.collected():
            own = self._name(name)
        problems.raise_all("The plate that was given does not fit the tree")
        paths = sorted(wells, key=names.place)
        model = Plate.of(
            paths,
            rows=names.rows,
            columns=names.columns,
            name=own or known.name or stem,
            field_count=count,
            acquisitions=acquisitions,
        )
        further = {**known.further, **self.further}
        return model.model_copy(update=further) if further else model

    def _name(self, given: str | None) -> str | None:
        if given is not None and self.name is not None and given != self.name:
            raise PlateError(
                f"name is {given!r}, and plate has the name {self.name!r}; give one "
                "of them"
            )
        return given if given is not None else self.name

    def _count(self, known: PlateSpec, most: int) -> int:
        if self.field_count is None:
            return max(most, known.field_count or 0)
        if self.field_count < most:
            raise PlateError(
                f"plate has field_count {self.field_count}, and a well has {most} "
                "fields; correct it, or leave it out"
            )
        return self.field_count

    def _check_wells(
        self, wells: Mapping[str, Mapping[str, Any]], names: PlateNames
    ) -> None:
        if self.wells is None:
            return
        problems = Problems()
        missing = [path for path in self.wells if path not in wells]
        extra = [path for path in wells if path not in self.wells]
        with problems.collected():
            if missing:
                raise PlateError(
                    f"plate lists the wells {some(missing)}, and the tree has no "
                    "fields there; add them, or leave them out"
                )
        with problems.collected():
            if extra:
                raise PlateError(
                    f"The tree has the wells {some(extra)}, and plate does not list "
                    "them; list them, or leave wells out of plate"
                )
        for path, given in self.wells.items():
            with problems.collected():
                if path in wells and given not in (None, names.place(path)):
                    raise PlateError(
                        f"plate gives well {path} the indices {given}, and its row and "
                        f"column are {names.place(path)}; correct rowIndex and "
                        "columnIndex, or leave them out"
                    )
        problems.raise_all("The wells of plate are not those of the tree")


def _with(used: tuple[str, ...], known: tuple[str, ...] | None) -> tuple[str, ...]:
    if known is None or set(used) <= set(known):
        return used
    return tuple(sorted({*used, *known}, key=natural_key))


def _if_whole(
    known: tuple[str, ...] | None, used: tuple[str, ...]
) -> tuple[str, ...] | None:
    return known if known is not None and set(used) <= set(known) else None


def parse_plate(given: Any, *, is_kept: bool = False) -> PlateSpec:
    """The write option ``plate``, or what a tree that was read has of it.

    Parameters
    ----------
    given : mapping or Plate, optional
        Keys as in the standard; rows, columns and wells may be plain names.
    is_kept : bool
        Whether it came with the tree, whose further keys are those of others.

    Raises
    ------
    PlateError, OptionError, MetadataError
        For what is no plate, and for keys that are nearly those of the standard.
    """
    if given is None:
        return PlateSpec()
    fields = _plate_fields(given)
    problems = Problems()
    parsed: dict[str, Any] = {}
    with problems.collected():
        parsed["rows"] = parse_rows(fields.get("rows"), "row")
    with problems.collected():
        parsed["columns"] = parse_rows(fields.get("columns"), "column")
    with problems.collected():
        parsed["wells"] = _wells(fields.get("wells"))
    with problems.collected():
        parsed["acquisitions"] = parse_acquisitions(fields.get("acquisitions"))
    with problems.collected():
        parsed["name"] = _name(fields.get("name"))
    with problems.collected():
        parsed["field_count"] = _field_count(fields.get("field_count"))
    with problems.collected():
        parsed["further"] = _further(fields, is_kept=is_kept)
    problems.raise_all("plate is no plate")
    return PlateSpec(**parsed)


def _plate_fields(given: Any) -> dict[str, Any]:
    if isinstance(given, Plate):
        return given.to_json()
    if not isinstance(given, Mapping):
        raise OptionError(
            f"plate is {given!r}; give a mapping such as {{'name': 'screen 7'}}, or a "
            "xarray_omezarr.ngff.Plate"
        )
    return {key: value for key, value in given.items() if value is not None}


def _name(name: Any) -> str | None:
    if name is None or isinstance(name, str):
        return name
    raise PlateError(f"plate has the name {name!r}; give a text")


def _field_count(count: Any) -> int | None:
    if count is None:
        return None
    is_whole = hasattr(count, "__index__") and not isinstance(count, bool)
    if is_whole and int(count) > 0:
        return int(count)
    raise PlateError(f"plate has field_count {count!r}; give a whole number above 0")


def _further(fields: Mapping[str, Any], *, is_kept: bool) -> dict[str, Any]:
    further = {}
    for key, value in fields.items():
        if key in _KNOWN:
            continue
        near = None if is_kept else _nearest(str(key))
        if near is not None:
            raise OptionError(
                f"plate has the key {key!r}, which the standard does not know; spell "
                f"it {near!r} if you mean that, or choose a name that is less like it"
            )
        try:
            further[str(key)] = to_json(value)
        except NotJson as reason:
            raise MetadataError(
                f"plate has {key!r}, which holds {reason}; JSON cannot hold it"
            ) from reason
    return further


def _nearest(key: str) -> str | None:
    """The key of the standard that somebody may have meant."""
    bare = {name.replace("_", ""): name for name in sorted(_KNOWN)}
    written = re.sub(r"[^a-z]", "", key.casefold())
    near = difflib.get_close_matches(written, bare, n=1, cutoff=0.8)
    return bare[near[0]] if near else None


def _wells(entries: Any) -> dict[str, tuple[int, int] | None] | None:
    if entries is None:
        return None
    found: dict[str, tuple[int, int] | None] = {}
    for entry in entries:
        path, indices = _well(entry)
        if path.count("/") != 1:
            raise PlateError(
                f"plate lists well {path!r}; the path of a well is 'row/column'"
            )
        if path in found:
            raise PlateError(f"plate lists well {path!r} more than once")
        found[path] = indices
    return found


def _well(entry: Any) -> tuple[str, tuple[int, int] | None]:
    if isinstance(entry, str):
        return entry, None
    if isinstance(entry, PlateWell):
        return entry.path, (entry.row_index, entry.column_index)
    if isinstance(entry, Mapping) and isinstance(entry.get("path"), str):
        indices = entry.get("rowIndex"), entry.get("columnIndex")
        return entry["path"], None if None in indices else indices  # type: ignore[return-value]  # both are numbers
    raise PlateError(
        f"plate lists well {entry!r}; give paths such as 'A/1', or {{'path': 'A/1'}}"
    )
