"""Correct what finished images say of themselves: metadata only, all of it together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import MetadataError, OptionError
from xarray_omezarr.store.occupancy import UNFINISHED
from xarray_omezarr.store.open_documents import GROUP_NAMES
from xarray_omezarr.store.open_tree import XML, Selection, open_tree
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.update import Contents, check_updatable, update_groups
from xarray_omezarr.write.correcting import Asked
from xarray_omezarr.write.keeping import check_attrs
from xarray_omezarr.write.revised import Correction, Images

if TYPE_CHECKING:
    from xarray_omezarr.ngff.omero import Channel
    from xarray_omezarr.store.target import Group, StoreLike


def update(
    store: StoreLike,
    *,
    scale: Mapping[str, Any] | None = None,
    translation: Mapping[str, Any] | None = None,
    units: Mapping[str, Any] | None = None,
    channels: Sequence[str | Mapping[str, Any] | Channel] | None = None,
    name: str | None = None,
    attrs: Mapping[str, Any] | None = None,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Group:
    """Correct finished images: their pixel size, place, units, channels or name.

    Only metadata are written; no pixel is read. All levels and label images of an
    image follow, and all images of a plate, a well or a collection. Everything is
    computed and checked before the first byte is written, and it is written together:
    what is interrupted half way is finished by the next update of the same store.

    Parameters
    ----------
    store : str, path, URL, zarr store, zarr.Group or obstore store
        An image, a label image, a plate, a well or a collection, of any version.
    scale : mapping, optional
        Distance of pixel centres of level 0 by axis, in the unit of the axis:
        ``{"y": 0.1, "x": 0.1}``. A pint quantity brings its unit, which becomes that of
        the axis. Coarser levels keep their factors. The centre of the first pixel
        stays where it is; how far levels are shifted against level 0 scales.
    translation : mapping, optional
        Centre of the first pixel of level 0 by axis, likewise; other levels and label
        images move along. Refused for several images: they would come to lie on each
        other.
    units : mapping, optional
        Name of the unit by axis, in any spelling; None removes it. Numbers stay as
        they are: nothing is converted.
    channels : list of str, dict or xo.ngff.Channel, optional
        One for each channel; what it does not say stays.
    name : str, optional
        Of the image or the plate.
    attrs : mapping, optional
        Attributes of the group itself that are not the standard's, JSON; they join
        those that are there. None as a value removes one.
    group : str, optional
        Path inside the store, such as one field of a plate: ``"A/1/0"``.
    storage_options : mapping, optional
        For URLs: passed to fsspec.

    Returns
    -------
    zarr.Group
        The group at the store.

    Raises
    ------
    OptionError
        If there is nothing to do, or something that cannot be done here.
    AxisError, CoordinateError, UnitError
        If an axis is named that is not there, or a value is no scale or unit.
    NotInVersionError
        For scales and units before the version that has them.
    NotOmeZarrError
        If the store holds something else, or is unfinished.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((64, 64), "uint8"), dims=("y", "x"))
    >>> image = xo.write_image(da, zarr.storage.MemoryStore(), scale_factors=[2])
    >>> image = xo.update(image, scale={"y": 0.1, "x": 0.1}, units={"x": "µm"})
    >>> [xo.open_image(image, level=n).x.values[:3].tolist() for n in (0, 1)]
    [[0.0, 0.1, 0.2], [0.05, 0.25, 0.45]]
    """
    asked = Asked(
        _by_axis("scale", scale),
        _by_axis("translation", translation),
        _by_axis("units", units),
    )
    wanted = Correction(asked, _listed(channels), _text(name), _attributes(attrs))
    if wanted.is_empty:
        raise OptionError(
            "There is nothing to correct; give scale, translation, units, channels, "
            "name or attrs"
        )
    target = open_target(store, group=group, storage_options=storage_options)
    check_updatable(target)
    opened = open_tree(target, Selection(levels=(0,)))
    zarr_format = opened.version.features.zarr_format
    images = Images.of(opened, target.path, GROUP_NAMES[zarr_format], XML)
    wanted.check(images)

    def revised(known: Contents) -> Contents:
        return Contents(*wanted.revised(images, known.groups, known.files))

    return update_groups(target, zarr_format, images.paths, images.files, revised)


def _by_axis(option: str, given: object) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise OptionError(
            f"{option} is {given!r}; give a mapping by axis, such as {{'x': ...}}"
        )
    return dict(given)


def _listed(channels: Any) -> tuple[Any, ...] | None:
    if channels is None:
        return None
    if isinstance(channels, str | Mapping) or not isinstance(channels, Iterable):
        raise OptionError(
            f"channels is {channels!r}; give a list of names, dicts or Channel objects"
        )
    return tuple(channels)


def _text(name: object) -> str | None:
    if name is not None and (not isinstance(name, str) or not name):
        raise OptionError(f"name is {name!r}; give text")
    return name


def _attributes(attrs: Mapping[str, Any] | None) -> dict[str, Any]:
    checked = check_attrs(attrs)
    # In a new group unknown keys of the standard may ride under this one.
    for key in ("ome", UNFINISHED):
        if key in checked:
            raise MetadataError(
                f"attrs has the key {key!r}, which has a meaning of its own; rename it"
            )
    return checked
