"""Write one field of a plate at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

import xarray as xr

from xarray_omezarr.api.amending import amends
from xarray_omezarr.api.members import (
    already,
    image_at,
    model_above,
    pixels_of,
    plan_member,
    refuse_shared,
    root_of,
    write_inside,
)
from xarray_omezarr.api.stacked_channels import one_name, with_channels
from xarray_omezarr.api.writing import target_of, write_planned
from xarray_omezarr.errors import OptionError, PlateError, some, warn
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.bioformats2raw import Series
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import WriteOptions, complete, shows_write_options
from xarray_omezarr.store.disk_rules import check_path
from xarray_omezarr.store.parents import Parents
from xarray_omezarr.store.standing import (
    Standing,
    model_at,
)
from xarray_omezarr.write.acquisitions import (
    known_acquisition,
    parse_acquisitions,
)
from xarray_omezarr.write.bioformats2raw import OME
from xarray_omezarr.write.dataset import labelled_image_of
from xarray_omezarr.write.members import (
    AddField,
    AddWell,
    check_member,
    factors_like,
    warn_of_member,
)
from xarray_omezarr.write.ome_xml import OME_XML_PATH, image_facts
from xarray_omezarr.write.ome_xml_added import DescribeSeries
from xarray_omezarr.write.plate_fields import check_alike
from xarray_omezarr.write.plate_names import check_layout, check_names
from xarray_omezarr.write.plate_spec import parse_plate
from xarray_omezarr.write.plate_tree import (
    single_level,
    told_acquisition,
    without_acquisition,
)
from xarray_omezarr.write.series_added import AddSeries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dask.delayed import Delayed

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.plate import Acquisition, Field
    from xarray_omezarr.store.parents import Revise, ReviseFile
    from xarray_omezarr.store.target import Group, StoreLike

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
        or attribute ``acquisition`` of `obj` says it as well. Else it is that of the
        field that is replaced, or the only one that the plate has.
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
    PlateError
        If it would have another number of levels than the plate's other fields; a
        warning tells of other types, axes, sizes, channels, scales and units, of
        which `open_plate` could not make one array.
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
    check_path(target.child(path))
    said = {"acquisition": acquisition, "acquisitions": acquisitions}
    said |= {"plate": plate, "layout": layout, "labels": labels}
    if amends(full):
        refuse_shared(said)
        obj = pixels_of(obj, image, full)
        return write_inside(obj, plate_store, target, path, full, compute=compute)
    if isinstance(obj, xr.Dataset):
        obj, image = with_channels(obj, image, labels)
        obj, labels, full = labelled_image_of(obj, image, labels, full)
    known = root_of(target, Plate, "a plate", full)
    spec, runs = parse_plate(plate), parse_acquisitions(acquisitions)
    runs = runs or spec.acquisitions
    member = AddField(
        name,
        _acquisition(obj, path, acquisition, known, runs),
        only=_only(known, runs),
    )
    member(model_above(target, path, {2: Well}))
    revise = AddWell(
        row,
        column,
        member,
        spec,
        runs,
        check_layout(layout),
        target.stem,
    )
    version = registry.get(full["version"])
    check_member(_plate(known), revise, version)
    _refuse_untold(known, revise, path)
    others = _another(known, path)
    full["scale_factors"] = _factors(obj, others, full)
    planned = _planned(obj, one_name(image), labels, full, path, others)
    warn_of_member(_plate(known), revise)
    listed, files = _described(known, planned, path)
    return write_planned(
        partial(already, planned),
        plate_store,
        full,
        compute=compute,
        below=path,
        finish=Parents(
            target,
            version,
            {**listed, f"{row}/{column}": member, "": revise},
            files,
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
    return known_acquisition(said, (*listed, *runs), path)


def _only(known: Standing, runs: Sequence[Acquisition]) -> int | None:
    """The acquisition of fields that tell none: the one that the plate has."""
    plate = _plate(known)
    listed = {run.id for run in (*(() if plate is None else plate.acquisitions), *runs)}
    return listed.pop() if len(listed) == 1 else None


def _refuse_untold(known: Standing, revise: AddWell, path: str) -> None:
    """Refuse a second acquisition where fields do not tell that they are of the first.

    Raises
    ------
    PlateError
        Naming those fields.
    """
    plate = _plate(known)
    if plate is None or len(plate.acquisitions) > 1:
        # Where there are two already, each field was asked for its own.
        return
    ids = [run.id for run in revise(plate).acquisitions]
    if len(ids) < 2:
        return
    untold = [
        join(entry.path, field.path)
        for entry in plate.wells
        for field in _fields_of(known, entry.path)
        if field.acquisition is None and join(entry.path, field.path) != path
    ]
    if untold:
        raise PlateError(
            f"Fields {some(untold)} have no acquisition, and with {path} the plate "
            f"would have the acquisitions {ids}; every field tells then which it is "
            "of. Write those again with acquisition= and mode='w', or this one "
            "without acquisition"
        )


def _fields_of(known: Standing, well: str) -> tuple[Field, ...]:
    model = model_at(known.target.child(well))
    return model.images if isinstance(model, Well) else ()


def _another(known: Standing, path: str) -> dict[str, Hierarchy]:
    """One of the plate's other fields by its path, if there is one."""
    plate = _plate(known)
    for entry in () if plate is None else plate.wells[:_TRIED]:
        for field in _fields_of(known, entry.path)[:_TRIED]:
            other = join(entry.path, field.path)
            image = None if other == path else image_at(known.target.child(other))
            if image is not None:
                return {other: image}
    return {}


def _factors(obj: Any, others: Mapping[str, Hierarchy], options: WriteOptions) -> Any:
    """The factors that give the field as many levels as the plate's others have."""
    given = options["scale_factors"]
    level = single_level(obj) if isinstance(obj, (xr.DataArray, xr.DataTree)) else None
    if not isinstance(given, str) or level is None or not others:
        return given
    return factors_like(next(iter(others.values())).image(), level)


def _planned(
    obj: Any,
    image: str | None,
    labels: Any,
    options: WriteOptions,
    path: str,
    others: Mapping[str, Hierarchy],
) -> Hierarchy:
    """The plan of the image, without its acquisition, which its well tells."""
    planned = plan_member(obj, image, labels, options, path)
    check_alike({**others, path: planned})
    return without_acquisition(planned, obj)


def _described(
    known: Standing, planned: Hierarchy, path: str
) -> tuple[dict[str, Revise], dict[str, ReviseFile]]:
    """The list of the images of a plate, and its OME-XML, where it has them."""
    plate = _plate(known)
    if OME not in known.children or plate is None or OME in plate.row_names:
        return {}, {}
    if not isinstance(model_at(known.target.child(OME)), Series):
        warn(
            f"The group {OME!r} of {known.target} lists no series, and what it says "
            f"of the plate stays as it is, without field {path}"
        )
        return {}, {}
    series = AddSeries(path, in_order=True)
    described = DescribeSeries(series, image_facts(planned.under(path), path))
    return {OME: series}, {OME_XML_PATH: described}
