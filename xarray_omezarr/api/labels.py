"""Write label images into an image that exists: one, or several without pixels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from xarray_omezarr.api.amending import amends
from xarray_omezarr.api.checking import check_new
from xarray_omezarr.api.label_pixels import write_into_label
from xarray_omezarr.api.writing import (
    fit_planned,
    prepare_planned,
    refuse_amending,
    target_of,
    write_planned,
)
from xarray_omezarr.errors import OptionError, Problems, TargetExistsError
from xarray_omezarr.hierarchy import GroupNode, Hierarchy, join
from xarray_omezarr.ngff.labels import LabelImage, LabelsGroup
from xarray_omezarr.options import (
    LabelOptions,
    WriteOptions,
    complete,
    shows_write_options,
)
from xarray_omezarr.store.create import check_arrays
from xarray_omezarr.store.existing import open_existing
from xarray_omezarr.store.occupancy import inspect_target
from xarray_omezarr.store.parents import Parents
from xarray_omezarr.write.image import label_images
from xarray_omezarr.write.label_frame import Frame
from xarray_omezarr.write.labels import Listed, check_label_names, plan_label
from xarray_omezarr.write.templates import refuse_templates
from xarray_omezarr.write.tree import LABELS

if TYPE_CHECKING:
    import xarray as xr
    from dask.delayed import Delayed

    from xarray_omezarr.store.arrays import WritableArray
    from xarray_omezarr.store.existing import Existing
    from xarray_omezarr.store.target import Group, StoreLike, Target

_INSTEAD = "write into label images that exist with .omezarr.to_labels(store, name)"


@overload
def write_labels(
    obj: xr.DataArray | xr.DataTree,
    image_store: StoreLike,
    name: str,
    *,
    colors: Any = None,
    properties: Any = None,
    source: str | None = None,
    compute: Literal[True] = True,
    **options: Unpack[LabelOptions],
) -> Group: ...
@overload
def write_labels(
    obj: xr.DataArray | xr.DataTree,
    image_store: StoreLike,
    name: str,
    *,
    colors: Any = None,
    properties: Any = None,
    source: str | None = None,
    compute: Literal[False],
    **options: Unpack[LabelOptions],
) -> Delayed: ...
@overload
def write_labels(
    obj: xr.DataArray | xr.DataTree,
    image_store: StoreLike,
    name: str,
    *,
    colors: Any = None,
    properties: Any = None,
    source: str | None = None,
    compute: bool,
    **options: Unpack[LabelOptions],
) -> Group | Delayed: ...
@shows_write_options
def write_labels(
    obj: xr.DataArray | xr.DataTree,
    image_store: StoreLike,
    name: str,
    *,
    colors: Any = None,
    properties: Any = None,
    source: str | None = None,
    compute: bool = True,
    **options: Unpack[LabelOptions],
) -> Group | Delayed:
    """Write a label image beside the levels of an image that exists.

    It gets as many levels as the image, of the same sizes and scales; where they are
    made, by the most frequent value of each block: no value appears that was not
    there. When it is complete, the image lists it beside the labels that it has.

    Parameters
    ----------
    obj : xarray.DataArray or xarray.DataTree
        Integers, or booleans, which are stored as uint8. Each dim has the size of the
        image's, or 1, or is missing. Along dims without a coordinate it lies where
        the image does; other coordinates must be those of the image. A tree holds
        one level for each of the image, which are written as they are.
    image_store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the image is; `group` names it where the store holds several.
    name : str
        What the label image is called.
    colors : mapping or sequence, optional
        ``{value: "#rrggbb"}`` or ``{value: (r, g, b[, a])}``, from 0 to 255, or a
        list as the standard has it. By default what ``attrs["image-label"]`` says.
    properties : pandas.DataFrame, mapping or sequence, optional
        A table indexed by label value, ``{value: {name: ...}}``, or a list as the
        standard has it. By default what ``attrs["image-label"]`` says.
    source : str, optional
        Path from the label image to the image that was segmented. By default what
        ``attrs["image-label"]`` says, else ``"../../"``, the image it lies in.
    compute : bool, default True
        False returns a ``dask.delayed.Delayed`` that writes pixels and metadata.
    **options

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The group of the image.

    Raises
    ------
    TargetExistsError
        If there is a label image of that name: ``mode="w"`` replaces it alone, and
        ``mode="r+"``, or ``region``, writes into it.
    OmeZarrError
        All that does not fit the image, before the first byte.

    Notes
    -----
    ``method`` is ``"mode"`` (``"auto"``), ``"nearest"``, ``"max"``, ``"min"`` or a
    function, for the others make values that no pixel had. ``scale_factors`` are
    those of the image, and so is the version.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((32, 32), "uint16"), dims=("y", "x"))
    >>> image = xo.write_image(da, zarr.storage.MemoryStore(), scale_factors=[2])
    >>> cells = xr.DataArray(np.ones((32, 32), "uint8"), dims=("y", "x"))
    >>> image = xo.write_labels(cells, image, "cells", colors={1: "#ff8000"})
    >>> image["labels"].attrs["ome"]["labels"], image["labels/cells/1"].shape
    (['cells'], (16, 16))
    """
    full = complete(options, write_labels)
    if amends(full):
        return write_into_label(
            obj, image_store, name, full, (colors, properties), compute=compute
        )
    work = _Work.at(image_store, full)
    work.check_names([name])
    label_target = work.existing.target.child(join(LABELS, name))
    _check_mode(label_target, name, full)

    def plan(_: str | None) -> Hierarchy:
        said = {"colors": colors, "properties": properties, "source": source}
        hierarchy = work.plan({name: obj}, said)[name]
        refuse_templates(hierarchy)
        return hierarchy

    return write_planned(
        plan,
        image_store,
        work.options,
        compute=compute,
        below=join(LABELS, name),
        finish=work.listing([name]),
    )


@shows_write_options
def plan_labels(
    obj: xr.DataArray | xr.DataTree | Mapping[str, xr.DataArray | xr.DataTree],
    image_store: StoreLike,
    name: str | None = None,
    *,
    colors: Any = None,
    properties: Any = None,
    source: str | None = None,
    **options: Unpack[LabelOptions],
) -> Hierarchy:
    """What `write_labels` or `prepare_labels` would write, as a value.

    Parameters
    ----------
    obj : xarray.DataArray, xarray.DataTree or mapping
        With `name`, as for `write_labels`; without, as for `prepare_labels`.
    image_store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the image is; its metadata are read.
    name : str, optional
        Of the label image.
    colors, properties, source : optional
        As for `write_labels`.
    **options

    Returns
    -------
    Hierarchy
        The nodes below the group ``labels`` of the image; nothing is touched.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((32, 32), "uint16"), dims=("y", "x"))
    >>> image = xo.write_image(da, zarr.storage.MemoryStore(), scale_factors=[2])
    >>> xo.plan_labels(da.astype("uint8"), image, "cells")
    <Hierarchy OME-Zarr 0.5, 2 arrays, 1.2 KiB uncompressed>
    /  1 label: cells
        cells  label image 'cells', axes yx, 2 levels
            0  (y: 32, x: 32) uint8, chunks (32, 32), 1.0 KiB
            1  (y: 16, x: 16) uint8, chunks (16, 16), 256 B, mode of 0 by (2, 2)
    """
    full = complete(options, plan_labels)
    refuse_amending(full, _INSTEAD)
    check_new(full)
    work = _Work.at(image_store, full)
    labels = label_images(obj) if name is None else {name: obj}
    said = {"colors": colors, "properties": properties, "source": source}
    work.check_names([*labels])
    hierarchy = fit_planned(work.together(labels, said), work.options)
    check_arrays(hierarchy)
    return hierarchy


@shows_write_options
def prepare_labels(
    obj: xr.DataTree | Mapping[str, xr.DataArray | xr.DataTree],
    image_store: StoreLike,
    **options: Unpack[LabelOptions],
) -> tuple[Group, dict[str, WritableArray]]:
    """Make label images without pixels in an image that exists.

    They are complete at once, with all values 0. Their pixels are written later, with
    ``write_labels(..., region=...)`` from any number of processes, or through the
    arrays.

    Parameters
    ----------
    obj : xarray.DataTree or mapping
        Label images by name, as for `write_labels`, or templates; or a tree with a
        node ``labels``; what ``attrs["image-label"]`` says counts.
    image_store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the image is.
    **options

    Returns
    -------
    group : zarr.Group
        The group of the image.
    arrays : dict
        The zarr arrays by label and level, such as ``"cells/0"``.

    Raises
    ------
    TargetExistsError
        If there is a label image of one of the names: ``mode="w"`` replaces it.
    OmeZarrError
        As `write_labels`, for all of them together.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((32, 32), "uint16"), dims=("y", "x"))
    >>> image = xo.write_image(da, zarr.storage.MemoryStore(), scale_factors=[2])
    >>> cells = xo.template("yx", (32, 32), "uint32")
    >>> image, arrays = xo.prepare_labels({"cells": cells}, image)
    >>> {path: array.shape for path, array in arrays.items()}
    {'cells/0': (32, 32), 'cells/1': (16, 16)}
    """
    full = complete(options, prepare_labels)
    refuse_amending(full, _INSTEAD)
    work = _Work.at(image_store, full)
    labels = label_images(obj)
    work.check_names([*labels])
    for name in labels:
        _check_mode(work.existing.target.child(join(LABELS, name)), name, full)
    plans = work.plan(labels, {})
    group: Any = None
    arrays: dict[str, WritableArray] = {}
    for name, planned in plans.items():
        group, made = prepare_planned(
            partial(lambda plan, stem: plan, planned),
            image_store,
            work.options,
            below=join(LABELS, name),
            finish=work.listing([name]),
        )
        arrays |= {join(name, path): array for path, array in made.items()}
    return group, arrays


@dataclass(frozen=True, slots=True)
class _Work:
    """Label images for one image that exists.

    Parameters
    ----------
    existing : Existing
        The image.
    frame : Frame
        Where its pixels lie.
    options : WriteOptions
        All of them, with the version of the image.
    """

    existing: Existing
    frame: Frame
    options: WriteOptions

    @classmethod
    def at(cls, image_store: StoreLike, options: WriteOptions) -> _Work:
        """The image at a store."""
        existing = open_existing(target_of(image_store, options), options["version"])
        if isinstance(existing.image, LabelImage):
            raise OptionError(
                f"{existing.target} is a label image, and labels belong to the image "
                "that was segmented; give the store of that"
            )
        chosen = WriteOptions(**options)
        chosen["version"] = existing.hierarchy.version.name
        return cls(existing, Frame.of(existing.hierarchy), chosen)

    def check_names(self, names: list[Any]) -> None:
        """Refuse names that cannot be those of new label images."""
        target = self.existing.target.child(LABELS)
        there = [n for n in inspect_target(target).children if n not in names]
        check_label_names(names, self.frame, there)

    def plan(
        self, labels: Mapping[str, Any], said: Mapping[str, Any]
    ) -> dict[str, Hierarchy]:
        """Label images by name, each as it will be stored."""
        problems = Problems()
        planned: dict[str, Hierarchy] = {}
        for name, obj in labels.items():
            with problems.collected():
                planned[name] = plan_label(name, obj, self.frame, self.options, **said)
        problems.raise_all(f"These labels of {self.existing.target} cannot be written")
        return planned

    def together(self, labels: Mapping[str, Any], said: Mapping[str, Any]) -> Hierarchy:
        """All of them below the group of the labels."""
        planned = self.plan(labels, said)
        version = self.existing.hierarchy.version
        group = GroupNode(LabelsGroup(labels=tuple(labels)))
        return Hierarchy(version, {"": group}).around(planned)

    def listing(self, names: list[str]) -> Parents:
        """What makes the image list them."""
        version = self.existing.hierarchy.version
        return Parents(self.existing.target, version, {LABELS: Listed(tuple(names))})


def _check_mode(target: Target, name: str, options: WriteOptions) -> None:
    # Whether it is the same is seen when it is planned.
    is_allowed = options["mode"] == "w" or options["resume"] is True
    if is_allowed or inspect_target(target).is_free:
        return
    raise TargetExistsError(
        f"There is a label image {name!r} already, at {target}; mode='w' replaces it "
        "and nothing else, mode='r+' or region= write into it, or choose another name"
    )
