"""What interrupted writes leave in a hierarchy: logs of updates, marks of images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from xarray_omezarr.ngff.rules.finding import Finding
from xarray_omezarr.store.occupancy import UNFINISHED
from xarray_omezarr.store.place import ancestors
from xarray_omezarr.store.update import root_of
from xarray_omezarr.store.update_log import keeps_log, log_key
from xarray_omezarr.store.walk import Walker

if TYPE_CHECKING:
    from xarray_omezarr.store.walk import Node
    from xarray_omezarr.store.walk_listing import Listing

_CLAUSE = "Interrupted writes: metadata that are whole (MUST)"


class LeftOver:
    """Looks for it.

    Parameters
    ----------
    walker : Walker
        Reads files.
    listing : Listing
        Tells whether looking costs next to nothing. Where it does not, logs are
        looked for at the target only.
    """

    def __init__(self, walker: Walker, listing: Listing) -> None:
        self._walker = walker
        self._is_cheap = listing.is_cheap
        self._has_logs = keeps_log(walker.target)

    def above(self) -> Iterator[Finding]:
        """Of groups above the target, whose updates concern what is below them."""
        target = self._walker.target
        above = [log_key(group.path) for group in ancestors(target)]
        if above and self._has_logs and self._is_cheap:
            read = Walker(root_of(target)).files(above)
            for key, found in read.items():
                if isinstance(found, bytes):
                    at = key.rpartition("/")[0]
                    whole = f"the group {at!r} above" if at else "the root of the store"
                    yield _half_updated("", f"{whole}, which this is part of,")

    def at(self, node: Node) -> Iterator[Finding]:
        """Of a group that has been read."""
        if isinstance(node.attrs, Mapping) and UNFINISHED in node.attrs:
            yield _unfinished(node.path)
        if self._has_logs and (self._is_cheap or not node.path):
            key = log_key(node.path)
            if isinstance(self._walker.files([key])[key], bytes):
                yield _half_updated(node.path, "the group")


def _half_updated(path: str, what: str) -> Finding:
    return Finding(
        "error",
        path,
        "",
        f"an update of {what} was interrupted half way, or is under way: some metadata "
        "are corrected and some are not",
        _CLAUSE,
        remedy="make the same update again with xarray_omezarr.update, which finishes "
        "it",
    )


def _unfinished(path: str) -> Finding:
    return Finding(
        "error",
        path,
        "",
        "it is being written, or that was interrupted: it is marked as unfinished",
        _CLAUSE,
        seen=UNFINISHED,
        remedy="wait for the writer, or write it again, or go on with resume=True",
    )
