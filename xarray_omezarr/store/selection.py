"""Selection: what of a store is opened."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from xarray_omezarr.errors import OptionError


@dataclass(frozen=True, slots=True)
class Selection:
    """What of a store is opened.

    Parameters
    ----------
    levels : tuple of int, "all", optional
        0 is the finest, negative ones count from the coarsest. None: all, but only
        the finest for plates.
    wells, fields : tuple of str, optional
        Paths of wells in a plate, and of fields in wells; all if None.
    labels : bool
        Whether label images are opened with their image.
    numbers : bool
        Whether matrices and fields are opened that transformations name.
    """

    levels: tuple[int, ...] | Literal["all"] | None = None
    wells: tuple[str, ...] | None = None
    fields: tuple[str, ...] | None = None
    labels: bool = True
    numbers: bool = True


def named(names: Iterable[str] | None, option: str) -> tuple[str, ...] | None:
    """Wells or fields as an `option` chooses them; None for all.

    Raises
    ------
    OptionError
        If it is no list of names.
    """
    if names is None:
        return None
    given = (names,) if isinstance(names, str) else tuple(names)
    if not given or not all(isinstance(name, str) for name in given):
        raise OptionError(
            f"{option} is {names!r}; give a list of names as texts, or None for all"
        )
    return tuple(name.strip("/") for name in given)
