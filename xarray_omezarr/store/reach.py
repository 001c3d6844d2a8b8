"""Whether those who write reach a store that only one process has."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dask
from zarr.storage import MemoryStore

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.sessions import innermost, session_of
from xarray_omezarr.store.zip_target import OneFile

if TYPE_CHECKING:
    from zarr.abc.store import Store

    from xarray_omezarr.store.target import Target


# Names under which dask knows a cluster.
_CLUSTERS = ("distributed", "dask.distributed")
# And processes that it starts itself.
_PROCESSES = ("processes", "multiprocessing")


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
    is_session : bool
        Whether it is a session of icechunk, of which only forks travel.
    """

    uri: str
    process: int | None
    is_copied: bool
    is_one_file: bool = False
    is_session: bool = False

    @classmethod
    def from_here(cls, target: Target) -> Reach:
        """The reach of a target that was opened in this process."""
        store = target.store
        if isinstance(store, OneFile):
            return cls(target.uri, os.getpid(), is_copied=True, is_one_file=True)
        session = session_of(store)
        if session is not None:
            alone = None if session.read_only else os.getpid()
            return cls(target.uri, alone, is_copied=True, is_session=True)
        store = innermost(store)
        is_copied = isinstance(store, MemoryStore)
        process = os.getpid() if is_copied or _is_in_memory(store) else None
        return cls(target.uri, process, is_copied)

    def check_cluster(self, store: Store) -> None:
        """Refuse, before the first byte, if workers have not got the store.

        Raises
        ------
        OptionError
            Saying why, and what to do.
        """
        if not tasks_leave():
            return
        if self.process is not None:
            raise self._lost()
        import cloudpickle

        try:
            cloudpickle.dumps(store)
        except Exception as error:
            raise OptionError(
                f"{self.uri} is in a store that cannot be sent to workers of dask, for "
                f"it cannot be pickled ({type(error).__name__}: {error}); give a path "
                "or URL, or use threads: dask.config.set(scheduler='threads')"
            ) from error

    def check_travel(self, handles: object) -> None:
        """Raise what keeps handles from being sent to the workers of a cluster."""
        if tasks_leave():
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
        if self.is_session:
            return OptionError(
                f"{self.uri} is in a session of icechunk, which does not travel to "
                "workers of dask. Write new images with compute=True, which forks and "
                "merges it, and the rest with threads: "
                "dask.config.set(scheduler='threads')"
            )
        return OptionError(
            f"{self.uri} is in the memory of one process, and workers of dask would "
            "write to copies of it that are lost; write to a path or URL, or use "
            "threads"
        )


def _is_in_memory(store: Any) -> bool:
    """Whether what fsspec or obstore reach is in the memory of this process."""
    inner = getattr(store, "store", None)
    known = getattr(getattr(store, "fs", None), "protocol", ())
    return "memory" in known or type(inner).__name__ == "MemoryStore"


def tasks_leave() -> bool:
    """Whether other processes than this one run the tasks of dask."""
    return dask.config.get("scheduler", None) in _PROCESSES or has_client()


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
