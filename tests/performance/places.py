"""Where the fields of a plate are: names, and positions of the stage."""

from __future__ import annotations

import math
import string
from dataclasses import dataclass

#: Order of the axes of a field.
DIMS = ("c", "z", "y", "x")

#: Physical size of a pixel along z, y and x, in micrometres.
SCALE = {"z": 1.0, "y": 0.65, "x": 0.65}

CHANNELS = ("DAPI", "GFP")

# Distances of wells, and of fields inside a well, in micrometres.
_WELL, _FIELD = 9000.0, 332.8


@dataclass(frozen=True, slots=True)
class Place:
    """One field: its well, its name there and where its first pixel lies."""

    row: str
    column: str
    field: str
    y: float
    x: float

    @property
    def well(self) -> str:
        """Path of the well."""
        return f"{self.row}/{self.column}"

    @property
    def path(self) -> str:
        """Path of the field."""
        return f"{self.well}/{self.field}"


def places(count: int, fields: int) -> list[Place]:
    """The first `count` fields of a plate with `fields` in a well, well by well.

    96 wells have 12 columns, more have 24.

    Examples
    --------
    >>> [place.path for place in places(50, 4)][-2:], len(places(384 * 9, 9))
    (['B/1/0', 'B/1/1'], 3456)
    """
    columns = 12 if count <= 96 * fields else 24
    side = math.ceil(math.sqrt(fields))
    found = []
    for number in range(count):
        well, field = divmod(number, fields)
        row, column = divmod(well, columns)
        y = row * _WELL + field // side * _FIELD
        x = column * _WELL + field % side * _FIELD
        name = string.ascii_uppercase[row]
        found.append(Place(name, str(column + 1), str(field), round(y, 1), round(x, 1)))
    return found


def wells(fields: list[Place]) -> dict[str, list[Place]]:
    """Fields by the path of their well."""
    found: dict[str, list[Place]] = {}
    for place in fields:
        found.setdefault(place.well, []).append(place)
    return found


def names(fields: list[Place]) -> tuple[list[str], list[str]]:
    """Rows and columns that are used, in order."""
    rows = dict.fromkeys(place.row for place in fields)
    columns = dict.fromkeys(place.column for place in fields)
    return list(rows), sorted(columns, key=int)
