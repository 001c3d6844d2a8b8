"""Write what was planned: one way for images, labels, plates and collections."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, overload

from xarray_omezarr.api.checking import check_new
from xarray_omezarr.byte_counts import parse_bytes
from xarray_omezarr.errors import OptionError
from xarray_omezarr.hierarchy import join
from xarray_omezarr.options import WriteOptions, truth
from xarray_omezarr.store.consolidated import Consolidated, check_consolidated
from xarray_omezarr.store.create import opened
from xarray_omezarr.store.engine import write
from xarray_omezarr.store.sessions import check_writable, leaves_out
from xarray_omezarr.store.target import Target, open_target
from xarray_omezarr.store.zip_target import refuse_changing
from xarray_omezarr.write.deferred import awaiting_pixels, level_paths
from xarray_omezarr.write.fitting import fit
from xarray_omezarr.write.ome_xml import OME_XML_PATH

if TYPE_CHECKING:
    from dask.delayed import Delayed

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.store.target import Group, StoreLike


def target_of(store: StoreLike, options: WriteOptions) -> Target:
    """Where the options `group` and `storage_options` say what is changed is.

    Raises
    ------
    OptionError
        If it is one file, which can only be replaced.
    """
    target = _new_target_of(store, options)
    refuse_changing(target)
    check_writable(target)
    return target


def _new_target_of(store: StoreLike, options: WriteOptions) -> Target:
    return open_target(
        store, group=options["group"], storage_options=options["storage_options"]
    )


@overload
def write_planned(
    plan: Callable[[str | None], Hierarchy],
    store: StoreLike,
    options: WriteOptions,
    *,
    compute: Literal[True],
    below: str = "",
    finish: Callable[[], Any] | None = None,
) -> Group: ...
@overload
def write_planned(
    plan: Callable[[str | None], Hierarchy],
    store: StoreLike,
    options: WriteOptions,
    *,
    compute: bool,
    below: str = "",
    finish: Callable[[], Any] | None = None,
) -> Group | Delayed: ...
def write_planned(
    plan: Callable[[str | None], Hierarchy],
    store: StoreLike,
    options: WriteOptions,
    *,
    compute: bool,
    below: str = "",
    finish: Callable[[], Any] | None = None,
) -> Group | Delayed:
    """Write what `plan` says, with the write options that no plan looks at.

    Parameters
    ----------
    plan : callable
        ``(stem) -> Hierarchy``: what to write, named after the target if need be.
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where to.
    options : WriteOptions
        All of them.
    compute : bool
        False gives a Delayed.
    below : str
        Path below the store (and its group) of the root of what is planned.
    finish : callable, optional
        Called when all is stored; gives the group that is returned.

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The root of what was planned, or what `finish` gives; or a Delayed of it.
    """
    writer = check_new(options)
    # What comes below, or is listed when it is done, is added to something.
    is_new = not below and finish is None
    target = (_new_target_of if is_new else target_of)(store, options).child(below)
    limit = options["memory_limit"]
    hierarchy = fit_planned(plan(target.stem), options)
    if truth(options, "consolidated"):
        finish = _consolidated(store, options, hierarchy, finish)
    written: Group | Delayed = write(
        hierarchy,
        target,
        mode=options["mode"],
        compute=compute,
        writer=writer,
        progress=options["progress"],
        memory_limit=None if limit is None else parse_bytes(limit),
        finish=finish,
        resume=truth(options, "resume"),
    )
    return written


def _consolidated(
    store: StoreLike,
    options: WriteOptions,
    hierarchy: Hierarchy,
    finish: Callable[[], Any] | None,
) -> Consolidated:
    """Finishes what is written, and puts copies of all metadata into its root."""
    root = _new_target_of(store, options)
    check_consolidated(root)
    done = finish or partial(opened, root, hierarchy)
    return Consolidated(root, hierarchy.version.features.zarr_format, done)


def text_for(ome_xml: Any, store: StoreLike, options: WriteOptions) -> Any:
    """The option `ome_xml`; None in place of "auto" where no such file can be.

    Sessions of icechunk hold groups and arrays only.
    """
    if not isinstance(ome_xml, str) or ome_xml != "auto":
        return ome_xml
    target = _new_target_of(store, options)
    return None if leaves_out(target, [OME_XML_PATH]) else ome_xml


def fit_planned(hierarchy: Hierarchy, options: WriteOptions) -> Hierarchy:
    """What was planned, as far as its version can hold it.

    Raises
    ------
    NotInVersionError
        If it cannot hold something, and the option `lossy` is not set.
    """
    return fit(hierarchy, hierarchy.version, lossy=truth(options, "lossy"))


def prepare_planned(
    plan: Callable[[str | None], Hierarchy],
    store: StoreLike,
    options: WriteOptions,
    *,
    below: str = "",
    finish: Callable[[], Any] | None = None,
) -> tuple[Group, dict[str, Any]]:
    """Write what `plan` says, but for the pixels.

    Returns
    -------
    group : zarr.Group
        As `write_planned` gives it.
    arrays : dict
        The empty array of every level by its path in the plan.
    """
    planned: list[Hierarchy] = []

    def without_pixels(stem: str | None) -> Hierarchy:
        planned.append(awaiting_pixels(plan(stem)))
        return planned[0]

    refuse_amending(options)
    if truth(options, "resume"):
        raise OptionError(
            "resume is True, and what is prepared has no pixels to go on with; leave "
            "it out"
        )
    # Pixels are written when all else is, and into what is there.
    target_of(store, options)
    group = write_planned(
        without_pixels, store, options, compute=True, below=below, finish=finish
    )
    paths = level_paths(planned[0])
    return group, {path: group[join(below, path)] for path in paths}


def refuse_amending(
    options: WriteOptions,
    instead: str = "give it when pixels are written afterwards",
) -> None:
    """Raise where the options are for what exists, and something new is made.

    Parameters
    ----------
    options : WriteOptions
        All of them.
    instead : str
        What to do, for the message.

    Raises
    ------
    OptionError
        Saying which.
    """
    named: Any = options
    known = {name: named[name] for name in ("region", "append_dim")}
    given = [f"{name} is {it!r}" for name, it in known.items() if it is not None]
    if options["mode"] == "r+":
        given.append("mode is 'r+'")
    if given:
        raise OptionError(
            f"{' and '.join(given)}, which is for images that exist, and something new "
            f"is made; {instead}"
        )
