"""Plate: which wells a plate has, which fields a well, and when they were imaged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from pydantic import Field as Member

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.base import Integer, Model, Text
from xarray_omezarr.ngff.bioformats2raw import LAYOUT
from xarray_omezarr.ngff.names import is_alphanumeric
from xarray_omezarr.ngff.paths import Below, repeated


class Row(Model):
    """One row of a plate."""

    name: Text = Member(min_length=1, description="Name of the row, such as 'A'")


class Column(Model):
    """One column of a plate."""

    name: Text = Member(min_length=1, description="Name of the column, such as '1'")


class Acquisition(Model):
    """One run of the microscope over a plate.

    Examples
    --------
    >>> Acquisition(id=1, name="day 2", start_time=1343731272).to_json()
    {'id': 1, 'name': 'day 2', 'starttime': 1343731272}
    """

    id: Integer = Member(ge=0, description="Number of the acquisition, unique")
    name: Text | None = Member(default=None, description="Name for people")
    maximum_field_count: Integer | None = Member(
        default=None,
        validation_alias="maximumfieldcount",
        serialization_alias="maximumfieldcount",
        gt=0,
        description="Most fields that any well has of this acquisition",
    )
    description: Text | None = Member(default=None, description="Words for people")
    start_time: Integer | None = Member(
        default=None,
        validation_alias="starttime",
        serialization_alias="starttime",
        ge=0,
        description="When it began, in seconds since 1970-01-01T00:00:00Z",
    )
    end_time: Integer | None = Member(
        default=None,
        validation_alias="endtime",
        serialization_alias="endtime",
        ge=0,
        description="When it ended, in seconds since 1970-01-01T00:00:00Z",
    )


class PlateWell(Model):
    """Where one well of a plate is."""

    path: Below = Member(description="Path of the group of the well: row/column")
    row_index: Integer = Member(ge=0, description="Place of its row, from 0")
    column_index: Integer = Member(ge=0, description="Place of its column, from 0")

    @property
    def names(self) -> tuple[str, str]:
        """Names of row and column, as the path tells them."""
        row, _, column = self.path.partition("/")
        return row, column


class Plate(Model):
    """The metadata of a plate group.

    Examples
    --------
    >>> plate = Plate.of(["A/1", "B/2"], name="screen 7", field_count=4)
    >>> print(plate.summary())
    plate 'screen 7', 2 rows, 2 columns, 2 wells
    >>> [well.to_json() for well in plate.wells][1]
    {'path': 'B/2', 'rowIndex': 1, 'columnIndex': 1}
    """

    name: Text | None = Member(default=None, description="Name of the plate")
    rows: tuple[Row, ...] = Member(
        description="The rows in order, also those that no well is in"
    )
    columns: tuple[Column, ...] = Member(
        description="The columns in order, also those that no well is in"
    )
    wells: tuple[PlateWell, ...] = Member(description="The wells that have images")
    acquisitions: tuple[Acquisition, ...] = Member(
        default=(), description="The runs of the microscope over the plate"
    )
    field_count: Integer | None = Member(
        default=None,
        validation_alias="field_count",
        serialization_alias="field_count",
        gt=0,
        description="Most fields that any well has",
    )
    bioformats2raw_layout: Integer | None = Member(
        default=None,
        validation_alias="bioformats2raw.layout",
        serialization_alias="bioformats2raw.layout",
        description="3 where the plate is a collection of bioformats2raw as well; it "
        "stands beside the plate",
    )
    beside: Mapping[str, Any] = Member(
        default_factory=dict,
        description="Unknown keys of the group that stand beside the plate",
    )

    @classmethod
    def of(
        cls,
        wells: Iterable[str],
        *,
        rows: Iterable[str] = (),
        columns: Iterable[str] = (),
        name: str | None = None,
        field_count: int | None = None,
        acquisitions: Iterable[Acquisition] = (),
    ) -> Self:
        """The plate of wells that are told by their paths.

        Parameters
        ----------
        wells : iterable of str
            Paths ``row/column``.
        rows, columns : iterable of str
            Names in order; none: those of the wells, in the order they occur.
        name : str, optional
            Name of the plate.
        field_count : int, optional
            Most fields that any well has.
        acquisitions : iterable of Acquisition
            The runs of the microscope.

        Raises
        ------
        MetadataError
            If a path is not ``row/column``, or names a row or column there is not.
        """
        paths = list(wells)
        pairs = [path.partition("/") for path in paths]
        row_names = list(dict.fromkeys(rows or (row for row, _, _ in pairs)))
        names = list(dict.fromkeys(columns or (column for _, _, column in pairs)))
        at_row = {name: index for index, name in enumerate(row_names)}
        at_column = {name: index for index, name in enumerate(names)}
        missing = [
            p
            for p, (r, _, c) in zip(paths, pairs, strict=True)
            if r not in at_row or c not in at_column
        ]
        if missing:
            raise MetadataError(
                f"Wells {missing} are in no row of {row_names} and column of {names}: "
                "give paths row/column of rows and columns that are listed"
            )
        return cls(
            name=name,
            rows=tuple(Row(name=row) for row in row_names),
            columns=tuple(Column(name=column) for column in names),
            wells=tuple(
                PlateWell(path=p, row_index=at_row[r], column_index=at_column[c])
                for p, (r, _, c) in zip(paths, pairs, strict=True)
            ),
            acquisitions=tuple(acquisitions),
            field_count=field_count,
        )

    @property
    def row_names(self) -> tuple[str, ...]:
        """Names of the rows, in order."""
        return tuple(row.name for row in self.rows)

    @property
    def column_names(self) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(column.name for column in self.columns)

    def members(self) -> dict[str, Any]:
        """All values by JSON key; empty lists that may be left out are."""
        members = super().members()
        for key in ("acquisitions", "beside"):
            if not members[key]:
                del members[key]
        return members

    def summary(self) -> str:
        """One line for people."""
        name = "" if self.name is None else f" {self.name!r}"
        counts = ("row", self.rows), ("column", self.columns), ("well", self.wells)
        parts = [
            f"{len(entries)} {word}{'' if len(entries) == 1 else 's'}"
            for word, entries in counts
        ]
        if self.acquisitions:
            parts.append(f"acquisitions {[entry.id for entry in self.acquisitions]}")
        return ", ".join([f"plate{name}", *parts])


class Field(Model):
    """Where one field of view of a well is."""

    path: Below = Member(description="Path of the group of the image below the well")
    acquisition: Integer | None = Member(
        default=None,
        description="Number of the acquisition of the plate that it belongs to",
    )


class Well(Model):
    """The metadata of a well group.

    Examples
    --------
    >>> well = Well(images=(Field(path="0", acquisition=1), Field(path="1")))
    >>> print(well.summary())
    well, 2 fields
    """

    images: tuple[Field, ...] = Member(description="The fields of view")
    beside: Mapping[str, Any] = Member(
        default_factory=dict,
        description="Unknown keys of the group that stand beside the well",
    )

    def members(self) -> dict[str, Any]:
        """All values by JSON key; nothing stands beside most wells."""
        members = super().members()
        if not self.beside:
            del members["beside"]
        return members

    def summary(self) -> str:
        """One line for people."""
        count = len(self.images)
        return f"well, {count} field{'' if count == 1 else 's'}"


def acquisition_of(field: Field, plate: Plate) -> int | None:
    """The acquisition that a field belongs to; of one, no well needs to tell it.

    Examples
    --------
    >>> plate = Plate.of(["A/1"], acquisitions=[Acquisition(id=4)])
    >>> acquisition_of(Field(path="0"), plate)
    4
    """
    # RULES W4: told where a plate has several.
    if field.acquisition is None and len(plate.acquisitions) == 1:
        return plate.acquisitions[0].id
    return field.acquisition


def check_plate(plate: Plate) -> list[str]:
    """Say which MUSTs of the standard a plate breaks; it must not be written.

    Examples
    --------
    >>> check_plate(Plate.of(["A_1/1"]))
    ["row 'A_1' has other characters than A-Z, a-z and 0-9: rename it"]
    """
    return [
        *_names("row", plate.row_names),
        *_names("column", plate.column_names),
        *_wells(plate),
        *_acquisitions(plate.acquisitions),
        *_layout(plate.bioformats2raw_layout),
    ]


def _names(kind: str, names: Sequence[str]) -> Iterator[str]:
    # RULES P1: a plate has rows and columns.
    if not names:
        yield f"the plate has no {kind}s: give one at least"
    # RULES P2: names are ASCII letters and digits, and unique; case counts.
    for name in names:
        if not is_alphanumeric(name):
            yield (
                f"{kind} {name!r} has other characters than A-Z, a-z and 0-9: rename it"
            )
    if twice := repeated(names):
        yield f"several {kind}s are called {twice}: name each {kind} once"


def _wells(plate: Plate) -> Iterator[str]:
    # RULES P1: a plate has wells, each of them once.
    if not plate.wells:
        yield "the plate has no wells: give one at least"
    if twice := repeated(well.path for well in plate.wells):
        yield f"wells has {twice} several times: list each well once"
    rows, columns = plate.row_names, plate.column_names
    for well in plate.wells:
        # RULES P5: the path is row/column, with one "/".
        if well.path.count("/") != 1:
            yield f"well {well.path!r} is not row/column: give a path such as 'A/1'"
            continue
        # RULES P6: indices count rows and columns from 0 and agree with the path.
        indexed = _at(rows, well.row_index), _at(columns, well.column_index)
        if indexed != well.names:
            yield (
                f"well {well.path!r} has rowIndex {well.row_index} and columnIndex "
                f"{well.column_index}, which are row {indexed[0]!r} and column "
                f"{indexed[1]!r}: give the indices of its own row and column"
            )


def _at(names: Sequence[str], index: int) -> str | None:
    return names[index] if index < len(names) else None


def _acquisitions(acquisitions: Sequence[Acquisition]) -> Iterator[str]:
    # RULES P7: ids are unique.
    if twice := repeated(entry.id for entry in acquisitions):
        yield f"several acquisitions have the ids {twice}: number each once"


def _layout(layout: int | None) -> Iterator[str]:
    # RULES F1: the number 3.
    if layout not in (None, LAYOUT):
        yield f"bioformats2raw.layout is {layout}: give {LAYOUT} or None"


def check_well(
    well: Well,
    acquisitions: Iterable[int] | None = None,
    *,
    is_name: Callable[[str], bool] = is_alphanumeric,
    characters: str = "A-Z, a-z and 0-9",
) -> list[str]:
    """Say which MUSTs of the standard a well breaks; it must not be written.

    Parameters
    ----------
    well : Well
        The metadata of the well.
    acquisitions : iterable of int, optional
        The ids of the plate, where they are known.
    is_name : callable
        Whether a field may be called so.
    characters : str
        Those of names, in words.

    Examples
    --------
    >>> check_well(Well(images=(Field(path="0", acquisition=3),)), [1, 2])
    ["field '0' has acquisition 3, and the plate lists [1, 2]: give one of them"]
    """
    problems = []
    # RULES W1: a well has a field at least.
    if not well.images:
        problems.append("the well has no fields: give one at least")
    # RULES W2: names of fields are ASCII letters and digits, later some others too.
    problems += [
        f"field {field.path!r} has other characters than {characters}: rename it"
        for field in well.images
        if not is_name(field.path)
    ]
    # RULES W3: paths are unique.
    if twice := repeated(field.path for field in well.images):
        problems.append(f"several fields are called {twice}: name each field once")
    return [*problems, *_ids(well, acquisitions)]


def _ids(well: Well, acquisitions: Iterable[int] | None) -> Iterator[str]:
    if acquisitions is None:
        return
    known = list(acquisitions)
    for field in well.images:
        # RULES W4: one of the plate's; needed where there are several of them.
        if field.acquisition is None and len(known) > 1:
            yield (
                f"field {field.path!r} has no acquisition, and the plate lists "
                f"{known}: give one of them"
            )
        elif field.acquisition is not None and field.acquisition not in known:
            yield (
                f"field {field.path!r} has acquisition {field.acquisition}, and the "
                f"plate lists {known}: give one of them"
            )
