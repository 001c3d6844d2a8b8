"""Commit what was written in a session of icechunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.sessions import commit_session
from xarray_omezarr.store.target import open_target

if TYPE_CHECKING:
    from xarray_omezarr.store.target import StoreLike


def commit(
    store: StoreLike, message: str, *, metadata: Mapping[str, Any] | None = None
) -> str:
    """Commit the session of icechunk that a store is of: what it holds is seen then.

    It is ``store.session.commit(message)``, for whatever a verb has given back; what
    other sessions have committed meanwhile to other chunks, arrays and groups stays.

    Parameters
    ----------
    store : icechunk store or zarr.Group
        In a writable session: the store that was written to, or a group of it.
    message : str
        What was done, for the history of the repository.
    metadata : mapping, optional
        Further facts that the history keeps; JSON.

    Returns
    -------
    str
        Identity of the new snapshot, to open it again at any later time:
        ``repo.readonly_session(snapshot_id=...)``. The session takes nothing more.

    Raises
    ------
    OptionError
        If it is no such store, or nothing is to be committed.
    LockedError
        If another session has committed changes of the same chunks, arrays or groups
        since this one was opened; nothing is committed then.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((64, 64), "uint8"), dims=("y", "x"))
    >>> try:
    ...     import icechunk
    ... except ImportError:  # an optional package
    ...     print(64)
    ... else:
    ...     repo = icechunk.Repository.create(icechunk.in_memory_storage())
    ...     group = xo.write_image(da, repo.writable_session("main").store)
    ...     first = xo.commit(group, "as it left the microscope")
    ...     old = repo.readonly_session(snapshot_id=first)
    ...     print(xo.open_image(old.store).sizes["x"])
    64
    """
    told: object = message
    if not isinstance(told, str) or not told.strip():
        raise OptionError(f"message is {message!r}; say in a few words what was done")
    return commit_session(open_target(store), message, metadata)
