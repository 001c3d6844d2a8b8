"""Sessions of icechunk: nobody else sees what is stored before it is committed."""

from __future__ import annotations

import pickle
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync

from xarray_omezarr.errors import (
    LockedError,
    NotInVersionError,
    OptionError,
    some,
    warn,
)

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

_REMEDY = "repo.writable_session('main').store"
_SHOWN = 3

# Releases before it fork sessions without changes only.
_FORKS_CHANGES = 2


def innermost(store: Any) -> Any:
    """The store that others are wrapped around; zarr names it in no public way."""
    while not _is_icechunk(store) and hasattr(store, "_store"):
        store = store._store
    return store


def session_of(store: object) -> Any | None:
    """The session that a store writes to; None for stores of other kinds."""
    inner = innermost(store)
    return inner.session if _is_icechunk(inner) else None


def said(store: Any) -> str:
    """A store as messages name it; those of icechunk spell themselves in many lines."""
    session = session_of(store)
    if session is None:
        return str(store)
    branch = getattr(session, "branch", None)
    return f"icechunk:{branch or session.snapshot_id}"


def holds_key(store: object, key: str) -> bool:
    """Whether an object can be called so: a session has only those of Zarr."""
    return session_of(store) is None or key.rpartition("/")[2] == "zarr.json"


def _is_icechunk(store: object) -> bool:
    # Importing it would cost everybody else a tenth of a second.
    return type(store).__module__.partition(".")[0] == "icechunk"


def check_session(target: Target) -> None:
    """Raise if the target is in a session that takes nothing any more.

    The store of a session that was committed does not tell so itself.

    Raises
    ------
    OptionError
        Saying what to open instead.
    """
    session = session_of(target.store)
    if session is None:
        return
    mode = str(getattr(session, "mode", "")).lower()
    if session.read_only or mode.endswith("rearrange"):
        raise OptionError(
            f"{target} is in a session of icechunk that takes no pixels: it is "
            f"read-only, was committed already, or only rearranges. Open one with "
            f"{_REMEDY}"
        )


def check_writable(target: Target) -> None:
    """Raise if the store takes nothing.

    Raises
    ------
    OptionError
        Saying what to do.
    """
    check_session(target)
    if target.store.read_only:
        raise OptionError(
            f"{target} is read-only; open the store for writing, or choose another "
            "place"
        )
    protocol = getattr(getattr(innermost(target.store), "fs", None), "protocol", ())
    if {"http", "https"} & ({protocol} if isinstance(protocol, str) else {*protocol}):
        raise OptionError(
            f"{target} cannot be written: what is reached over HTTP is read-only. "
            "Write to a folder or an object store, such as s3://..., that is served so"
        )


def check_held(target: Target, zarr_format: int, files: Iterable[str]) -> None:
    """Raise if a session cannot hold what is to be written.

    Parameters
    ----------
    target : Target
        Where to.
    zarr_format : int
        2 or 3.
    files : iterable of str
        Paths of files that are no nodes.

    Raises
    ------
    NotInVersionError
        For Zarr v2.
    OptionError
        For files that are no documents or chunks of Zarr.
    """
    if session_of(target.store) is None:
        return
    if zarr_format != 3:
        raise NotInVersionError(
            f"{target} is in a session of icechunk, which holds Zarr v3 only, and "
            "this version of OME-Zarr is stored in Zarr v2; leave version out, or "
            "choose a later one"
        )
    named = [*files]
    if named:
        raise OptionError(
            f"{target} is in a session of icechunk, which holds groups and arrays and "
            f"no other files, such as {some(named, _SHOWN)}; leave them out: "
            "ome_xml=None"
        )


def leaves_out(target: Target, files: Iterable[str]) -> bool:
    """Whether a target can hold no files beside groups and arrays; warns of them."""
    named = [*files]
    if session_of(target.store) is None or not named:
        return False
    warn(
        f"{target} is in a session of icechunk, which holds groups and arrays and no "
        f"other files; left out: {some(named, _SHOWN)}"
    )
    return True


class Forks:
    """A session that tasks elsewhere write to, each in a fork of its own.

    A writable session does not travel; its forks do, with what was stored in the
    session up to now. What is stored in a fork reaches the session when they are
    merged.

    Parameters
    ----------
    target : Target
        In a session.
    """

    def __init__(self, target: Target) -> None:
        self._session = session_of(target.store)
        self._uri = target.uri

    def check(self) -> None:
        """Raise, before the first byte, if forks do not find what the session has.

        Raises
        ------
        OptionError
            Saying what to do.
        """
        icechunk = import_module("icechunk")
        if int(icechunk.__version__.partition(".")[0]) < _FORKS_CHANGES:
            raise OptionError(
                f"{self._uri} is in a session of icechunk {icechunk.__version__}, "
                "which cannot fork what is not committed; pip install 'icechunk>=2', "
                "or use threads: dask.config.set(scheduler='threads')"
            )
        try:
            fork = _copy(self.store().session)
            sync(fork.store.get("zarr.json", default_buffer_prototype()))
        except Exception as error:
            raise OptionError(
                f"{self._uri} is in a session of icechunk that workers of dask cannot "
                f"share ({type(error).__name__}: {str(error).splitlines()[0]}): its "
                "repository may be in the memory of this process. Use one on a disk or "
                "in an object store, or threads: dask.config.set(scheduler='threads')"
            ) from error

    def store(self) -> Any:
        """A store that travels, of what the session has just now."""
        assert self._session is not None
        return self._session.fork().store

    def merge(self, changes: Changes) -> None:
        """Take what tasks have stored into the session."""
        if self._session is not None and changes.forks:
            self._session.merge(*changes.forks)


class Changes:
    """What tasks have stored in forks; travels.

    Parameters
    ----------
    forks : iterable
        Forks of one session.
    """

    def __init__(self, forks: Iterable[Any] = ()) -> None:
        self.forks = tuple(forks)

    @classmethod
    def merged(cls, parts: Iterable[Changes]) -> Changes:
        """Those of many, in one fork."""
        forks = [fork for part in parts for fork in part.forks]
        if len(forks) < 2:
            return cls(forks)
        # Tasks that share a part of it go on with theirs at the same time.
        first = _copy(forks[0])
        first.merge(*forks[1:])
        return cls([first])

    def __bool__(self) -> bool:
        return bool(self.forks)


def _copy(fork: Any) -> Any:
    return pickle.loads(pickle.dumps(fork))


def own_fork(store: Any, changes: Changes) -> Any:
    """A store of a fork for one task alone, in which it finds `changes`.

    Parameters
    ----------
    store : zarr.abc.store.Store
        Of a fork, to which nobody writes.
    changes : Changes
        Of tasks before.
    """
    fork = _copy(store.session)
    if changes:
        fork.merge(*changes.forks)
    return fork.store


def commit_session(
    target: Target, message: str, metadata: Mapping[str, Any] | None
) -> str:
    """Commit the session that a target is in; the identity of the new snapshot.

    Raises
    ------
    OptionError
        If it is in no session, or one that cannot be committed.
    LockedError
        If another session has changed the same arrays or groups meanwhile.
    """
    session = session_of(target.store)
    if session is None:
        raise OptionError(
            f"{target} is in no session of icechunk, so there is nothing to commit: "
            "what was written stands there already"
        )
    if type(session).__name__ == "ForkSession":
        raise OptionError(
            f"{target} is in a fork of a session; merge it into that one with "
            "session.merge(fork), and commit that"
        )
    check_session(target)
    if not session.has_uncommitted_changes:
        raise OptionError(f"{target} holds no changes that are not committed")
    icechunk = import_module("icechunk")
    # What others have committed to other chunks and nodes since is no conflict.
    detector = icechunk.ConflictDetector()
    try:
        told = dict(metadata) if metadata is not None else None
        return str(session.commit(message, told, rebase_with=detector))
    except icechunk.ConflictError as error:
        raise LockedError(
            f"Nothing of {target} was committed: since this session was opened, "
            f"another one has committed to branch {session.branch!r} "
            f"{_conflicts(error)}. Open a new session, and write again there: "
            f"{_REMEDY}"
        ) from error


def _conflicts(error: Any) -> str:
    found = [
        f"{each.path} ({str(each.conflict_type).rpartition('.')[2]})"
        for each in getattr(error, "conflicts", None) or ()
    ]
    more = f" and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
    if not found:
        return "what this one has changed, too"
    return f"changes of the same: {', '.join(found[:_SHOWN])}{more}"
