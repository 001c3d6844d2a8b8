"""Whether those who write reach a store that is only in the memory of a process."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dask
from zarr.storage import MemoryStore

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.zip_target import OneFile

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target


# Names under which dask knows a cluster.
_CLUSTERS = ("distributed", "dask.distributed")


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a store can be written from.

    Parameters
    ----------
    uri : str
        The target, for messages.
    process : int, optional
        The only process that has the store; None where all do.
    is_copied : bool
        Whether handing the store to a worker, even one in the same process, makes a
        copy of it.
    is_one_file : bool
        Whether it becomes one file, which is written by one process.
    """

    uri: str
    process: int | None
    is_copied: bool
    is_one_file: bool = False

    @classmethod
    def from_here(cls, target: Target) -> Reach:
        """The reach of a target that was opened in this process."""
        store = target.store
        if isinstance(store, OneFile):
            return cls(target.uri, os.getpid(), is_copied=True, is_one_file=True)
        is_copied = isinstance(store, MemoryStore)
        inner = getattr(store, "store", None)
        in_memory = (
            is_copied
            or "memory" in getattr(getattr(store, "fs", None), "protocol", ())
            or type(inner).__name__ == "MemoryStore"
        )
        return cls(target.uri, os.getpid() if in_memory else None, is_copied)

    def check_cluster(self) -> None:
        """Refuse if tasks would go to workers that have not got the store."""
        if self.process is not None and has_client():
            raise self._lost()

    def check_travel(self, handles: object) -> None:
        """Raise what keeps handles from being sent to the workers of a cluster."""
        if has_client():
            import cloudpickle

            cloudpickle.dumps(handles)

    def check(self) -> None:
        """Refuse, in the process that is about to write, if it has a copy only."""
        elsewhere = self.process not in (None, os.getpid())
        if elsewhere or (self.is_copied and _is_worker()):
            raise self._lost()

    def _lost(self) -> OptionError:
        if self.is_one_file:
            return OptionError(
                f"{self.uri} is one file, which workers of dask cannot write together; "
                "write to a folder, and make one file of that with "
                "xarray_omezarr.convert, or use threads"
            )
        return OptionError(
            f"{self.uri} is in the memory of one process, and workers of dask would "
            "write to copies of it that are lost; write to a path or URL, or use "
            "threads"
        )


def has_client() -> bool:
    """Whether a cluster of dask.distributed is what computes."""
    # What is configured wins over a Client that is there.
    chosen = dask.config.get("scheduler", None)
    if chosen is not None and chosen not in _CLUSTERS:
        return False
    return _distributed_has("default_client")


def _is_worker() -> bool:
    return _distributed_has("get_worker")


def _distributed_has(name: str) -> bool:
    """Whether distributed can give what a function of it gives."""
    # Whoever has a Client or is a worker has imported it; importing it here would
    # cost everybody else half a second.
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return False
    try:
        getattr(distributed, name)()
    except ValueError:
        return False
    return True
