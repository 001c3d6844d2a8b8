"""Make the coarser levels of images that exist: of one, or of a whole plate."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, Unpack, overload

from xarray_omezarr.api.amending import budget_of
from xarray_omezarr.api.checking import check_amending
from xarray_omezarr.api.writing import target_of
from xarray_omezarr.errors import Problems
from xarray_omezarr.grid.implied import told_method
from xarray_omezarr.ngff.labels import LabelImage
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.options import (
    WriteOptions,
    complete,
    shows_write_options,
    truth,
)
from xarray_omezarr.store.existing import open_existing
from xarray_omezarr.store.open_tree import open_tree
from xarray_omezarr.store.rebuild import Rebuild, Rebuilds, later
from xarray_omezarr.store.selection import Selection
from xarray_omezarr.write.plate_fields import factors_of
from xarray_omezarr.write.rebuild import plan_rebuilt, plan_remade

if TYPE_CHECKING:
    from dask.delayed import Delayed

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.store.existing import Existing
    from xarray_omezarr.store.target import Group, StoreLike, Target

_FOR_PYRAMIDS = frozenset(
    [
        *("mode", "version", "group", "storage_options", "memory_limit", "progress"),
        *("scale_factors", "method", "chunks", "shards", "compression"),
        "write_empty_chunks",
    ]
)


@overload
def build_pyramid(
    store: StoreLike, *, compute: Literal[True] = True, **options: Unpack[WriteOptions]
) -> Group: ...
@overload
def build_pyramid(
    store: StoreLike, *, compute: Literal[False], **options: Unpack[WriteOptions]
) -> Delayed: ...
@overload
def build_pyramid(
    store: StoreLike, *, compute: bool, **options: Unpack[WriteOptions]
) -> Group | Delayed: ...
@shows_write_options
def build_pyramid(
    store: StoreLike, *, compute: bool = True, **options: Unpack[WriteOptions]
) -> Group | Delayed:
    """Make or remake the coarser levels of an image, or of all images of a plate.

    They are made from level 0.

    For images that were written with ``pyramid=False`` or through the arrays of
    `prepare_image`, and for flat images of others. Nothing else changes: all other
    metadata stay, unknown keys too, and level 0 can be read all the time.

    Parameters
    ----------
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the image is; or a plate, a well or a collection, whose images get
        their levels one after the other. Label images follow where the levels of
        their image are others, made from their own level 0 by their mode or as their
        metadata tell; pixels of labels alone are remade with
        ``group="labels/cells"``.
    compute : bool, default True
        False returns a ``dask.delayed.Delayed`` that does it.
    **options

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The group at the store.

    Notes
    -----
    Of the write options, only those of levels can be given. If ``scale_factors`` and
    the layout are left out, an image that has levels keeps their shapes, paths and
    layout, and their method too if it can be told; a flat one gets levels as a new
    image does, made by their mean (labels: mode), in chunks like those of level 0.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((64, 64), "uint8"), dims=("y", "x"))
    >>> flat = xo.write_image(da, zarr.storage.MemoryStore(), scale_factors=None)
    >>> sorted(xo.build_pyramid(flat, scale_factors=[2, 4]).array_keys())
    ['0', '1', '2']
    """
    full = complete(options, build_pyramid)
    check_amending(full, _FOR_PYRAMIDS, "build_pyramid", "r+")
    laid_out = any(name in options for name in ("scale_factors", "chunks", "shards"))
    target = target_of(store, full)
    images, is_plate = _image_paths(target)
    problems = Problems()
    rebuilds = []
    for path in images:
        with problems.collected():
            rebuilds.append(_rebuild(target.child(path), full, laid_out))
    problems.raise_all(f"The pyramids of {target} cannot be made")
    if is_plate and isinstance(full["scale_factors"], str):
        rebuilds = _alike(rebuilds, full, laid_out)
    for part, labels in zip([*rebuilds], images.values(), strict=True):
        if not _keeps_levels(part.existing, laid_out):
            for path in labels:
                with problems.collected():
                    rebuilds += _followed(target.child(path), part.planned, full)
    problems.raise_all(f"The label images of {target} cannot follow")
    if len(rebuilds) == 1 and [*images] == [""]:
        work: Rebuild | Rebuilds = rebuilds[0]
    else:
        parts = tuple(replace(part, progress=False) for part in rebuilds)
        work = Rebuilds(target, parts, full["progress"])
    work.check()
    made: Group | Delayed = work() if compute else later(work)
    return made


def _image_paths(target: Target) -> tuple[dict[str, list[str]], bool]:
    """Images at the target with their label images; whether they are of a plate."""
    opened = open_tree(target, Selection(levels=(0,), numbers=False))
    found: dict[str, list[str]] = {}
    for path, image in opened.images.items():
        owner = path.rpartition("/labels/")[0] if "/" in path else ""
        owner = "" if path.startswith("labels/") else owner
        if path and isinstance(image, LabelImage):
            if owner in opened.images:
                found.setdefault(owner, []).append(path)
        else:
            found.setdefault(path, [])
    return found, isinstance(opened.group("").model, (Plate, Well))


def _followed(label: Target, image: Hierarchy, options: WriteOptions) -> list[Rebuild]:
    """The levels of a label image, which has those of its image.

    Its chunks and codecs stay what they are: what is asked for is of the image.
    """
    existing = open_existing(label, options["version"])
    own = {axis.name for axis in existing.image.multiscale.axes}
    wanted = [
        {n: f for n, f in level.items() if n in own} for level in factors_of(image)
    ]
    likewise = WriteOptions(**options)
    likewise["scale_factors"] = wanted or None
    for name in ("method", "chunks", "compression"):
        likewise[name] = "auto"
    likewise["shards"] = None
    planned = _plan_new(existing, likewise)
    there, made = (
        [node.shape for node in one.arrays.values()]
        for one in (existing.hierarchy, planned)
    )
    return [] if there == made else [_as_rebuild(existing, planned, options)]


def _rebuild(target: Target, options: WriteOptions, laid_out: bool) -> Rebuild:
    existing = open_existing(target, options["version"])
    if _keeps_levels(existing, laid_out):
        levels = existing.levels(options["method"], remake=True)
        told = told_method(existing.image.multiscale)
        planned = plan_remade(existing.hierarchy, levels, told)
    else:
        planned = _plan_new(existing, options)
    return _as_rebuild(existing, planned, options)


def _as_rebuild(
    existing: Existing, planned: Hierarchy, options: WriteOptions
) -> Rebuild:
    return Rebuild(
        existing,
        planned,
        budget_of(options, uses_dask=False),
        options["progress"],
        truth(options, "write_empty_chunks"),
    )


def _keeps_levels(existing: Existing, laid_out: bool) -> bool:
    return len(existing.paths) > 1 and not laid_out


def _plan_new(existing: Existing, options: WriteOptions) -> Hierarchy:
    """The image with levels as the options say."""
    method = options["method"]
    if isinstance(method, str) and method == "auto":
        is_label = isinstance(existing.image, LabelImage)
        told = told_method(existing.image.multiscale)
        method = told or ("mode" if is_label else "mean")
    return plan_rebuilt(existing.hierarchy, options, method)


def _alike(
    parts: list[Rebuild], options: WriteOptions, laid_out: bool
) -> list[Rebuild]:
    """Fields of a plate with the levels of one of them, where they can be chosen.

    Those that keep their levels say how many; else the one does that needs most.
    """
    kept = [part for part in parts if _keeps_levels(part.existing, laid_out)]
    likely = [factors_of(part.planned) for part in kept or parts]
    factors = likely[0] if kept else max(likely, key=len)
    found = []
    for part in parts:
        own = {axis.name for axis in part.existing.image.multiscale.axes}
        wanted = [{n: f for n, f in level.items() if n in own} for level in factors]
        if part not in kept and factors_of(part.planned) != wanted:
            changed = WriteOptions(**options)
            changed["scale_factors"] = wanted or None
            part = replace(part, planned=_plan_new(part.existing, changed))
        found.append(part)
    return found
