"""Metadata alone: read what a group says of itself, or say it of arrays that exist."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import NotOmeZarrError, OptionError
from xarray_omezarr.ngff.bioformats2raw import Bioformats2Raw, Series
from xarray_omezarr.ngff.labels import LabelImage, LabelsGroup
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.read.multiscale import LABELS
from xarray_omezarr.store.described import (
    check_described,
    name_dimensions,
    version_for,
)
from xarray_omezarr.store.occupancy import group_inside, inspect_target
from xarray_omezarr.store.parents import Parents, Revise
from xarray_omezarr.store.place import ancestors
from xarray_omezarr.store.standing import group_at
from xarray_omezarr.store.target import StoreLike, Target, open_target
from xarray_omezarr.store.zip_target import refuse_changing
from xarray_omezarr.write.labels import Listed
from xarray_omezarr.write.scene import scene_version

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Metadata, Version
    from xarray_omezarr.store.target import Group

_MODELS = (Image, LabelImage, LabelsGroup, Plate, Well, Bioformats2Raw, Series, Scene)


def write_metadata(
    store: StoreLike,
    model: Metadata,
    *,
    version: str | None = None,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Group:
    """Say what a group is whose arrays, or groups, others have written.

    No pixel is read or written. Arrays of Zarr v3 that do not name their dims get the
    names of the axes, which the standard asks for (0.5, "multiscales" metadata).
    Attributes that are not the standard's stay.

    Parameters
    ----------
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the group is; it is made if it is not there.
    model : xo.ngff.Image, LabelImage, LabelsGroup, Plate, Well, ... or Scene
        What the group is. Of a scene, each image exists. Of an image, each level is an
        array that exists, with as many dims as there are axes. A label image is added
        to the list of the group ``labels`` above it, if that is in the same store.
    version : str, optional
        Of the standard. That which is there if None, else the newest that is stored in
        the format of Zarr of the group.
    group : str, optional
        Path inside the store.
    storage_options : mapping, optional
        For URLs: passed to fsspec.

    Returns
    -------
    zarr.Group
        The group.

    Raises
    ------
    MetadataError
        If an array is missing or is not as the model says, or the model breaks a MUST;
        nothing is changed then.
    TargetExistsError
        If the group says that it is something else, such as a plate for an image.
    OptionError
        If it is of another version.

    Examples
    --------
    >>> import numpy as np, zarr
    >>> import xarray_omezarr as xo
    >>> from xarray_omezarr.ngff import Axis, Image, Level, Multiscale
    >>> root = zarr.create_group(zarr.storage.MemoryStore())
    >>> pixels = root.create_array("0", data=np.zeros((4, 6), "uint8"))
    >>> axes = [Axis(name=n, type="space", unit="micrometer") for n in "yx"]
    >>> multiscale = Multiscale.of(axes, [Level.of("0", (0.5, 0.5))], name="cells")
    >>> root = xo.write_metadata(root, Image(multiscales=(multiscale,)))
    >>> xo.open_image(root).x.values
    array([0. , 0.5, 1. , 1.5, 2. , 2.5])
    """
    if not isinstance(model, _MODELS):
        names = ", ".join(kind.__name__ for kind in _MODELS)
        raise OptionError(
            f"model is {model!r:.80}, a {type(model).__name__}; give one of "
            f"xarray_omezarr.ngff: {names}"
        )
    target = open_target(store, group=group, storage_options=storage_options)
    refuse_changing(target)
    asked = scene_version(version).name if isinstance(model, Scene) else version
    chosen = version_for(target, asked)
    check_described(target, model, chosen)
    name_dimensions(target, model)
    _say(target, model, chosen)
    return group_at(target)


def _say(target: Target, model: Metadata, version: Version) -> None:
    above = [*ancestors(target)]
    *_, group, name = ["", *target.path.split("/")]
    if isinstance(model, LabelImage) and group == LABELS:
        listed: dict[str, Revise] = {name: _Said(model), "": Listed((name,))}
        Parents(above[-1], version, listed)()
    else:
        Parents(target, version, {"": _Said(model)})()


@dataclass(frozen=True, slots=True)
class _Said:
    """Says the same, whatever was said before."""

    model: Metadata

    def __call__(self, _model: Metadata | None) -> Metadata:
        """The metadata."""
        return self.model


def read_metadata(
    store: StoreLike,
    *,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Metadata:
    """What a group says of itself; no array is opened.

    Parameters
    ----------
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the group is.
    group : str, optional
        Path inside the store.
    storage_options : mapping, optional
        For URLs: passed to fsspec.

    Returns
    -------
    xo.ngff.Image, LabelImage, LabelsGroup, Plate, Well, Bioformats2Raw, Series or Scene
        The same for every version of the standard; unknown keys are kept in it.

    Raises
    ------
    NotOmeZarrError
        If there is no group, or none with such metadata.
    MetadataError
        If the metadata break a MUST of the standard.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((4, 6), "uint8"), dims=("y", "x"), name="cells")
    >>> root = xo.write_image(da, zarr.storage.MemoryStore(), scale_factors=None)
    >>> print(xo.read_metadata(root).summary())
    image 'cells', axes yx, 1 level
    """
    target = open_target(
        store, group=group, storage_options=storage_options, read_only=True
    )
    found = inspect_target(target)
    version = registry.detect(found.attrs or {})
    if version is None:
        what = {"group": "a group without OME-Zarr metadata", "array": "an array"}
        remedy = "give the group of an image, label image, plate, well or collection"
        if found.kind == "foreign":
            inside = group_inside(target, found.children)
            remedy = f"name the one inside with group={inside!r}" if inside else remedy
        raise NotOmeZarrError(
            f"There is {what.get(found.kind, 'no Zarr group')} at {target}; {remedy}"
        )
    return version.from_attrs(found.attrs or {})
