"""Paths and names of groups that metadata list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Annotated, TypeAlias

from pydantic import AfterValidator

from xarray_omezarr.ngff.base import Text
from xarray_omezarr.ngff.names import goes_up, names_elsewhere
from xarray_omezarr.ngff.plain import shown

#: Documents of groups and arrays, beside which no node can have their name.
DOCUMENTS = ("zarr.json", ".zarray", ".zgroup", ".zattrs", ".zmetadata")


def below(path: str) -> str:
    """`path` if it leads below the group that lists it.

    What points elsewhere could make a reader open any file of its machine.
    """
    if taken := [part for part in path.split("/") if part in DOCUMENTS]:
        raise ValueError(
            f"is {shown(path)}: {taken[0]!r} is a document of Zarr; give another name"
        )
    refused = "" in path.split("/") or {"\\", "\0"} & set(path)
    if refused or goes_up(path) or names_elsewhere(path):
        raise ValueError(
            f"is {shown(path)}: give the path of a group below this one, such as "
            "'0', without '.', '..', backslash, drive or protocol"
        )
    return path


#: Path of a group below the one that lists it, with ``/`` between names.
Below: TypeAlias = Annotated[Text, AfterValidator(below)]


def repeated(names: Iterable[object]) -> list[object]:
    """What occurs more than once, each told once, in the order of its first."""
    return [name for name, times in Counter(names).items() if times > 1]
