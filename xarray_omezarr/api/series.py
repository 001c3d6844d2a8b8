"""Write one series of a collection at a time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

import xarray as xr

from xarray_omezarr.api.amending import amends
from xarray_omezarr.api.members import (
    already,
    model_above,
    pixels_of,
    plan_member,
    refuse_shared,
    root_of,
    write_inside,
)
from xarray_omezarr.api.stacked_channels import one_name, with_channels
from xarray_omezarr.api.writing import target_of, text_for, write_planned
from xarray_omezarr.errors import MetadataError, OptionError, some
from xarray_omezarr.ngff.bioformats2raw import Bioformats2Raw, Series
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.paths import below
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import WriteOptions, complete, shows_write_options
from xarray_omezarr.store.disk_rules import check_path
from xarray_omezarr.store.parents import Parents
from xarray_omezarr.store.standing import Standing, model_at
from xarray_omezarr.write.bioformats2raw import OME
from xarray_omezarr.write.dataset import labelled_image_of
from xarray_omezarr.write.ome_xml import OME_XML_PATH, image_facts
from xarray_omezarr.write.ome_xml_added import DescribeSeries
from xarray_omezarr.write.series_added import AddSeries, AsCollection

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dask.delayed import Delayed

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.store.target import Group, StoreLike, Target


@overload
def write_series(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    store: StoreLike,
    path: str,
    *,
    image: str | Sequence[str] | None = None,
    labels: Any = None,
    ome_xml: str | None = "auto",
    compute: Literal[True] = True,
    **options: Unpack[WriteOptions],
) -> Group: ...
@overload
def write_series(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    store: StoreLike,
    path: str,
    *,
    image: str | Sequence[str] | None = None,
    labels: Any = None,
    ome_xml: str | None = "auto",
    compute: Literal[False],
    **options: Unpack[WriteOptions],
) -> Delayed: ...
@overload
def write_series(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    store: StoreLike,
    path: str,
    *,
    image: str | Sequence[str] | None = None,
    labels: Any = None,
    ome_xml: str | None = "auto",
    compute: bool,
    **options: Unpack[WriteOptions],
) -> Group | Delayed: ...
@shows_write_options
def write_series(
    obj: xr.DataArray | xr.Dataset | xr.DataTree,
    store: StoreLike,
    path: str,
    *,
    image: str | Sequence[str] | None = None,
    labels: Any = None,
    ome_xml: str | None = "auto",
    compute: bool = True,
    **options: Unpack[WriteOptions],
) -> Group | Delayed:
    """Write one series of a collection; a collection that is not there yet is made.

    When it is complete, the list of series names it, and not before: a series whose
    write fails is not listed. What others have listed stays, also where several
    processes write series of one collection at the same time.

    Parameters
    ----------
    obj : xarray.DataArray, xarray.Dataset or xarray.DataTree
        The image, as for `write_image`; series may differ in everything.
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the collection is, or will be.
    path : str
        Of the series; programs that know nothing of the list find ``"0"``, ``"1"``, ...
    image, labels : optional
        As for `write_image`.
    ome_xml : {"auto", None}
        Whether the series is added to the OME-XML of the collection, of which all else
        stays; a collection that is made gets one.
    compute : bool, default True
        False returns a ``dask.delayed.Delayed`` that writes pixels and metadata.
    **options

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The group of the collection.

    Raises
    ------
    TargetExistsError
        If the series is there already (``mode="w"`` replaces it, and nothing else), or
        something at the store that is no collection.
    OmeZarrError
        As `write_image`, all before the first byte.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> store = zarr.storage.MemoryStore()
    >>> for path, size in (("0", 32), ("1", 16)):
    ...     da = xr.DataArray(np.zeros((size, size), "uint16"), dims=("y", "x"))
    ...     root = xo.write_series(da, store, path)
    >>> root["OME"].attrs["ome"]["series"]
    ['0', '1']
    """
    full = complete(options, write_series)
    path = _checked(path)
    target = target_of(store, full)
    check_path(target.child(path))
    if ome_xml not in ("auto", None):
        raise OptionError(
            f"ome_xml is {str(ome_xml)[:40]!r}; one series is added to the text that "
            "there is ('auto'), or is not (None). Give a whole text to "
            "write_bioformats2raw"
        )
    if amends(full):
        refuse_shared({"labels": labels})
        obj = pixels_of(obj, image, full)
        return write_inside(obj, store, target, path, full, compute=compute)
    if isinstance(obj, xr.Dataset):
        obj, image = with_channels(obj, image, labels)
        obj, labels, full = labelled_image_of(obj, image, labels, full)
    known = root_of(target, Bioformats2Raw, "a collection", full)
    model_above(target, path, {})
    listed = _listed(known, target)
    _refuse_outer(path, listed)
    series = AddSeries(path, listed)
    planned = plan_member(obj, one_name(image), labels, full, path)
    files = {}
    if text_for(ome_xml, store, full) is not None:
        inside: Hierarchy = planned.under(path)
        files[OME_XML_PATH] = DescribeSeries(series, image_facts(inside, path))
    return write_planned(
        partial(already, planned),
        store,
        full,
        compute=compute,
        below=path,
        finish=Parents(
            target,
            registry.get(full["version"]),
            {OME: series, "": AsCollection()},
            files,
        ),
    )


def _checked(path: Any) -> str:
    try:
        found = below(str(path).strip("/"))
    except ValueError as error:
        raise MetadataError(f"The path of a series {error}") from None
    if found.split("/")[0] == OME:
        raise MetadataError(
            f"The path of a series is {path!r}, and the group {OME!r} of a collection "
            "is for its OME-XML; choose another"
        )
    return found


def _refuse_outer(path: str, listed: tuple[str, ...]) -> None:
    inside = [other for other in listed if other.startswith(f"{path}/")]
    if inside:
        raise MetadataError(
            f"The path of a series is {path!r}, where the series {some(inside)} are; "
            "choose another"
        )


def _listed(known: Standing, target: Target) -> tuple[str, ...]:
    """The series of a collection; of one that lists none those called 0, 1, 2, ..."""
    if known.model is None:
        return ()
    model = model_at(target.child(OME))
    if model is not None:
        return model.series if isinstance(model, Series) else ()
    found: list[str] = []
    while str(len(found)) in known.children:
        path = str(len(found))
        if not isinstance(model_at(target.child(path)), Image):
            break
        found.append(path)
    return tuple(found)
