"""Correct what finished images say of themselves: metadata only, all of it together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xarray_omezarr.api.ways_above import understood, ways_above
from xarray_omezarr.errors import (
    MetadataError,
    OmeZarrError,
    OptionError,
    Problems,
    some,
)
from xarray_omezarr.ngff.labels import LabelImage
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.named import image_paths
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.store.occupancy import UNFINISHED
from xarray_omezarr.store.open_documents import (
    GROUP_NAMES,
    group_attrs,
    read_documents,
)
from xarray_omezarr.store.open_tree import XML, open_tree
from xarray_omezarr.store.place import ancestors
from xarray_omezarr.store.selection import Selection
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.update import Contents, check_updatable, update_groups
from xarray_omezarr.write.correcting import Asked, check_above
from xarray_omezarr.write.keeping import check_attrs
from xarray_omezarr.write.label_place import warn_if_off
from xarray_omezarr.write.revised import Correction, Images

if TYPE_CHECKING:
    from xarray_omezarr.api.ways_above import Above
    from xarray_omezarr.ngff.omero import Channel
    from xarray_omezarr.store.arrays import ZarrFormat
    from xarray_omezarr.store.target import Group, StoreLike, Target

_LABELS = "labels"


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
    MetadataError
        If the unit of a coordinate system changes that transformations to others
        count in: those of the image, or of a scene above it.
    NotInVersionError
        For scales and units before the version that has them.
    NotOmeZarrError
        If the store holds something else, or is unfinished.

    Warns
    -----
    OmeZarrWarning
        If a label image is corrected by itself and does not lie on its image then.

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
    opened = open_tree(target, Selection(levels=(0,), numbers=False))
    _refuse_scene(target, opened.group("").model)
    zarr_format = opened.version.features.zarr_format
    images = Images.of(opened, target.path, GROUP_NAMES[zarr_format], XML)
    wanted.check(images)

    is_label = isinstance(opened.group("").model, LabelImage)
    image = _image_of(target, zarr_format) if is_label and asked.axes else None

    above = ways_above(target, zarr_format) if asked.axes else []

    def revised(known: Contents) -> Contents:
        new = Contents(*wanted.revised(images, known.groups, known.files))
        if above:
            _check_above(above, images, known.groups, new.groups)
        label = _image(new.groups[target.path])
        if image is not None and label is not None:
            pictures = label.multiscale, image[1].multiscale
            warn_if_off(*pictures, asked.axes, image[0])
        return new

    return update_groups(target, zarr_format, images.paths, images.files, revised)


def _refuse_scene(target: Target, model: object) -> None:
    if isinstance(model, Scene):
        paths = [*image_paths(model)[0]]
        raise OptionError(
            f"{target} is a scene, which says where images lie, not how large their "
            f"pixels are; correct one of its images with group=: {some(paths)}"
        )


def _check_above(
    above: Iterable[Above],
    images: Images,
    known: Mapping[str, Mapping[str, Any]],
    new: Mapping[str, Mapping[str, Any]],
) -> None:
    """Refuse what puts transformations of groups above off."""
    problems = Problems()
    for path in images.paths:
        before, after = _image(known[path]), _image(new[path])
        if before is None or after is None:
            continue
        pairs = zip(before.multiscales, after.multiscales, strict=True)
        for was, now in pairs:
            for group in above:
                ways = group.of(images.relative(path), was.system.name)
                with problems.collected():
                    check_above(was, now, ways, group.name)
    problems.raise_all("Nothing is corrected")


def _image_of(label: Target, zarr_format: ZarrFormat) -> tuple[str, Image] | None:
    """Where the image of a label image is, and what it says; None if nobody knows."""
    parts = label.path.split("/")
    if _LABELS in parts[:-1]:
        place = [*ancestors(label)][len(parts) - 2 - parts[-2::-1].index(_LABELS)]
    elif label.directory is not None and label.directory.parent.name == _LABELS:
        place = open_target(label.directory.parents[1], read_only=True)
    else:
        return None
    name = GROUP_NAMES[zarr_format]
    try:
        documents = read_documents(place, [name])
        attrs = group_attrs(documents.get(name, b"{}"), zarr_format, str(place))
    except (OmeZarrError, OSError):
        return None
    model = _image(attrs)
    return None if model is None else (str(place), model)


def _image(attrs: Mapping[str, Any]) -> Image | None:
    """What attributes say, if they are of an image that can be understood."""
    model = understood(attrs)
    return model if isinstance(model, Image) else None


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
