"""Consolidated metadata: copies that must follow when what they copy is changed."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import zarr

from xarray_omezarr.errors import OptionError
from xarray_omezarr.hierarchy import join
from xarray_omezarr.store.copies import COPIES, consolidated
from xarray_omezarr.store.lock import NoLock, lock_of
from xarray_omezarr.store.open_documents import read_documents
from xarray_omezarr.store.place import ancestors
from xarray_omezarr.store.reach import Reach
from xarray_omezarr.store.zip_target import OneFile

if TYPE_CHECKING:
    from xarray_omezarr.store.arrays import ZarrFormat
    from xarray_omezarr.store.target import Target


class Copied(NamedTuple):
    """A group that has copies of the metadata of all below it, and its Zarr format."""

    place: Target
    zarr_format: ZarrFormat


def places_with_copies(target: Target) -> tuple[Copied, ...]:
    """Groups that have copies of the metadata at `target`, the deepest first.

    Ask before anything is changed: a group of Zarr v3 has them in the document that
    its attributes are in.
    """
    *above, root = [target, *reversed([*ancestors(target)])]
    places = [*above, root]
    names = ("zarr.json", COPIES)
    below = [place.path[len(root.path) :].strip("/") for place in places]
    found = read_documents(root, [join(path, n) for path in below for n in names])
    copied = []
    for place, path in zip(places, below, strict=True):
        documents = {n: found[join(path, n)] for n in names if join(path, n) in found}
        if consolidated(documents) is not None:
            copied.append(Copied(place, 3 if "zarr.json" in documents else 2))
    return tuple(copied)


def refresh(places: Iterable[Copied], *, held: Target | None = None) -> None:
    """Renew the copies in groups.

    Parameters
    ----------
    places : iterable of Copied
        Which had copies before something below changed.
    held : Target, optional
        A group of which the caller has the lock.
    """
    for place, zarr_format in places:
        is_held = held is not None and held.path == place.path
        with nullcontext() if is_held else _alone(place):
            _consolidate(place, zarr_format)


def refresh_above(target: Target) -> None:
    """Renew the copies in the groups above `target`, where they are."""
    above = [*ancestors(target)]
    if above:
        refresh(places_with_copies(above[-1]))


def check_consolidated(target: Target) -> None:
    """Raise if a store can have no consolidated metadata.

    Raises
    ------
    OptionError
        Saying so.
    """
    able = getattr(target.store, "supports_consolidated_metadata", True)
    if isinstance(target.store, OneFile) or not able:
        raise OptionError(
            f"consolidated is True, and {target} needs and takes no consolidated "
            "metadata: its documents are found together anyway. Leave consolidated out"
        )


@dataclass(frozen=True, slots=True)
class Consolidated:
    """Puts copies of all documents into a group when it is finished; travels.

    Parameters
    ----------
    target : Target
        The group.
    zarr_format : int
        2 or 3.
    finish : callable
        Finishes it.
    """

    target: Target
    zarr_format: ZarrFormat
    finish: Callable[[], Any]

    def __call__(self) -> zarr.Group:
        """Finish it; the group, with the copies."""
        self.finish()
        with _alone(self.target):
            _consolidate(self.target, self.zarr_format)
        refresh_above(self.target)
        return zarr.open_group(
            self.target.store,
            path=self.target.path,
            mode="r+",
            zarr_format=self.zarr_format,
        )


def _alone(place: Target) -> AbstractContextManager[None]:
    lock = lock_of(place, "", Reach.from_here(place).process)
    return nullcontext() if isinstance(lock, NoLock) else lock.held()


def _consolidate(place: Target, zarr_format: ZarrFormat) -> None:
    with warnings.catch_warnings():
        # zarr says that Zarr v3 does not define them; who asked for them knows.
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(place.store, path=place.path, zarr_format=zarr_format)
