"""Write one field of a plate, or one series of a collection, at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

import dask
import xarray as xr

from xarray_omezarr.api.amending import amends, write_into
from xarray_omezarr.api.stacked_channels import one_name, with_channels
from xarray_omezarr.api.trees import checked_array
from xarray_omezarr.api.writing import target_of, write_planned
from xarray_omezarr.errors import (
    NotInVersionError,
    OptionError,
    TargetExistsError,
)
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import WriteOptions, complete, shows_write_options
from xarray_omezarr.store.parents import Parents
from xarray_omezarr.store.standing import (
    Standing,
    group_at,
    model_at,
    refuse_strangers,
    standing,
)
from xarray_omezarr.write.acquisitions import acquisition_id, parse_acquisitions
from xarray_omezarr.write.dataset import image_of
from xarray_omezarr.write.image import plan_labelled
from xarray_omezarr.write.members import AddField, AddWell, check_member, factors_like
from xarray_omezarr.write.plate_names import check_layout, check_names
from xarray_omezarr.write.plate_spec import parse_plate
from xarray_omezarr.write.plate_tree import (
    single_level,
    told_acquisition,
    without_acquisition,
)
from xarray_omezarr.write.templates import refuse_templates

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dask.delayed import Delayed

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.plate import Acquisition
    from xarray_omezarr.store.target import Group, StoreLike, Target

# Fields of a plate that are asked for their levels, should some be broken.
_TRIED = 3


@overload
def write_field(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    plate_store: StoreLike,
    path: str,
    *,
    image: str | Sequence[str] | None = None,
    labels: Any = None,
    acquisition: int | str | None = None,
    plate: Any = None,
    acquisitions: Any = None,
    layout: int | str | None = None,
    compute: Literal[True] = True,
    **options: Unpack[WriteOptions],
) -> Group: ...
@overload
def write_field(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    plate_store: StoreLike,
    path: str,
    *,
    image: str | Sequence[str] | None = None,
    labels: Any = None,
    acquisition: int | str | None = None,
    plate: Any = None,
    acquisitions: Any = None,
    layout: int | str | None = None,
    compute: Literal[False],
    **options: Unpack[WriteOptions],
) -> Delayed: ...
@overload
def write_field(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    plate_store: StoreLike,
    path: str,
    *,
    image: str | Sequence[str] | None = None,
    labels: Any = None,
    acquisition: int | str | None = None,
    plate: Any = None,
    acquisitions: Any = None,
    layout: int | str | None = None,
    compute: bool,
    **options: Unpack[WriteOptions],
) -> Group | Delayed: ...
@shows_write_options
def write_field(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    plate_store: StoreLike,
    path: str,
    *,
    image: str | Sequence[str] | None = None,
    labels: Any = None,
    acquisition: int | str | None = None,
    plate: Any = None,
    acquisitions: Any = None,
    layout: int | str | None = None,
    compute: bool = True,
    **options: Unpack[WriteOptions],
) -> Group | Delayed:
    """Write one field of a plate; a plate that is not there yet is made.

    When it is complete, its well and the plate list it, and not before: a field whose
    write fails is not listed. What others have listed stays, also where several
    processes write fields of one plate at the same time. For many processes it is
    quicker to make the plate once with `prepare_plate`, and to write the pixels of
    its fields with ``mode="r+"``, which changes no metadata that they share.

    Parameters
    ----------
    obj : xarray.DataArray, xarray.Dataset or xarray.DataTree
        The image, as for `write_image`: its coordinates are those of the stage.
    plate_store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the plate is, or will be.
    path : str
        Row, column and field, such as ``"B/3/0"``.
    image, labels : optional
        As for `write_image`.
    acquisition : int or str, optional
        Number, or name, of the acquisition that the field is of; a scalar coordinate
        or attribute ``acquisition`` of `obj` says it as well.
    plate, acquisitions, layout : optional
        As for `write_plate`: what they say is added to what the plate says.
    compute : bool, default True
        False returns a ``dask.delayed.Delayed`` that writes pixels and metadata.
    **options

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The group of the plate.

    Raises
    ------
    TargetExistsError
        If the field is there already (``mode="w"`` replaces it, and nothing else), or
        something at the store that is no plate.
    OmeZarrError
        As `write_image`, all before the first byte.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> store = zarr.storage.MemoryStore()
    >>> da = xr.DataArray(np.zeros((16, 16), "uint16"), dims=("y", "x"))
    >>> for well in ("A/1", "B/12"):
    ...     plate = xo.write_field(da, store, f"{well}/0", layout=96)
    >>> [well["path"] for well in plate.attrs["ome"]["plate"]["wells"]]
    ['A/1', 'B/12']
    """
    full = complete(options, write_field)
    row, column, name = _place(path)
    path = f"{row}/{column}/{name}"
    target = target_of(plate_store, full)
    said = {"acquisition": acquisition, "acquisitions": acquisitions}
    said |= {"plate": plate, "layout": layout, "labels": labels}
    if amends(full):
        refuse_shared(said)
        return write_inside(obj, plate_store, target, path, full, compute=compute)
    if isinstance(obj, xr.Dataset):
        obj, image = with_channels(obj, image, labels)
        obj, full = image_of(obj, image, full)
    known = root_of(target, Plate, "a plate", full)
    spec, runs = parse_plate(plate), parse_acquisitions(acquisitions)
    member = AddField(name, _acquisition(obj, path, acquisition, known, runs))
    member(standing(target.child(f"{row}/{column}")).model)
    revise = AddWell(
        row,
        column,
        member,
        spec,
        runs or spec.acquisitions,
        check_layout(layout),
        target.stem,
    )
    check_member(_plate(known), revise)
    full["scale_factors"] = _factors(obj, known, path, full)
    return write_planned(
        partial(plan_member, obj, one_name(image), labels, full, path),
        plate_store,
        full,
        compute=compute,
        below=path,
        finish=Parents(
            target,
            registry.get(full["version"]),
            {f"{row}/{column}": member, "": revise},
        ),
    )


def _place(path: Any) -> tuple[str, str, str]:
    parts = path.strip("/").split("/") if isinstance(path, str) else ()
    if len(parts) != 3:
        raise OptionError(
            f"path is {path!r}; give row, column and field, such as 'B/3/0'"
        )
    for name, what in zip(parts, ("row", "column", "field"), strict=True):
        check_names([name], what)
    return parts[0], parts[1], parts[2]


def refuse_shared(said: Mapping[str, Any]) -> None:
    """Raise where options are given that write metadata, with those that do not."""
    given = [name for name, value in said.items() if value is not None]
    if given:
        raise OptionError(
            f"{', '.join(given)} cannot be chosen with region or mode='r+', which put "
            "pixels into what exists, and no metadata; leave them out"
        )


def write_inside(
    obj: Any,
    store: StoreLike,
    target: Target,
    path: str,
    options: WriteOptions,
    *,
    compute: bool,
) -> Group | Delayed:
    """Write pixels into an image that exists; gives the group at `target`."""
    inner = WriteOptions(**options)
    inner["group"] = join(options["group"] or "", path)
    if isinstance(obj, xr.Dataset):
        obj, _ = image_of(obj, None, options)
    if isinstance(obj, xr.DataTree):
        obj = single_level(obj)
    written = write_into(checked_array(obj), store, inner, compute=compute)
    if compute:
        return group_at(target)
    # dask would look into the target for arrays of its own.
    root = dask.delayed(_Root(target), pure=False, traverse=False)
    later: Delayed = root(written)
    return later


class _Root:
    """Gives the group at a target once something below it is written."""

    def __init__(self, target: Target) -> None:
        self._target = target

    def __call__(self, _written: object) -> Group:
        return group_at(self._target)


def root_of(
    target: Target, kind: type[Any], what: str, options: WriteOptions
) -> Standing:
    """What is at the root, if a member can be added; sets the version to its own."""
    known = standing(target)
    refuse_strangers(known)
    if known.model is not None and not isinstance(known.model, kind):
        raise TargetExistsError(
            f"{target} is not {what}, but {known.model.summary()}; choose another "
            "store or group="
        )
    asked = options["version"]
    wanted = None if asked is None else registry.get(asked)
    if known.version is not None and wanted not in (None, known.version):
        raise NotInVersionError(
            f"{target} is written in OME-Zarr {known.version.name}, and version is "
            f"{asked!r}; a store is of one version. Leave version out"
        )
    options["version"] = (
        known.version or wanted or registry.get(registry.DEFAULT)
    ).name
    return known


def _plate(known: Standing) -> Plate | None:
    return known.model if isinstance(known.model, Plate) else None


def _acquisition(
    obj: Any,
    path: str,
    given: int | str | None,
    known: Standing,
    runs: Sequence[Acquisition],
) -> int | None:
    """The number of the acquisition of a field, given or told by the object."""
    said: Any = told_acquisition(obj, path) if given is None else given
    plate = _plate(known)
    listed = () if plate is None else plate.acquisitions
    by_name: dict[Any, int] = {r.name: r.id for r in (*listed, *runs) if r.name}
    return acquisition_id(by_name.get(said, said), path)


def _factors(obj: Any, known: Standing, path: str, options: WriteOptions) -> Any:
    """The factors that give the field as many levels as the plate's others have."""
    given, plate = options["scale_factors"], _plate(known)
    level = single_level(obj) if isinstance(obj, (xr.DataArray, xr.DataTree)) else None
    if not isinstance(given, str) or level is None or plate is None:
        return given
    for entry in plate.wells[:_TRIED]:
        well = model_at(known.target.child(entry.path))
        fields = well.images if isinstance(well, Well) else ()
        for field in fields[:_TRIED]:
            other = join(entry.path, field.path)
            image = model_at(known.target.child(other)) if other != path else None
            if isinstance(image, Image):
                return factors_like(image, level)
    return given


def plan_member(
    obj: Any,
    image: str | None,
    labels: Any,
    options: WriteOptions,
    path: str,
    stem: str | None,
) -> Hierarchy:
    """The plan of one image with its labels, named after its path if need be."""
    if not isinstance(obj, xr.DataTree):
        obj = checked_array(obj)
    planned = plan_labelled(obj, options, image=image, labels=labels, stem=path)
    refuse_templates(planned)
    return without_acquisition(planned, obj)
