"""The image in a Dataset, and its label images: variables of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import OptionError
from xarray_omezarr.grid.dims import roles
from xarray_omezarr.grid.inspect import labelled_dims
from xarray_omezarr.grid.names import VARIABLE
from xarray_omezarr.options import WriteOptions
from xarray_omezarr.write.keeping import check_attrs, plain_attrs
from xarray_omezarr.write.label_values import KEY
from xarray_omezarr.write.stage import OF_PLATE, is_placed

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.grid.dims import Role

#: Attributes with which a variable says that it is a label image.
TELLING_ATTRS = (KEY, "segmentation")


def image_of(
    ds: xr.Dataset, image: str | None, options: WriteOptions
) -> tuple[xr.DataArray, WriteOptions]:
    """The variable to write, and the options with the attributes of `ds`.

    Raises
    ------
    OptionError
        If `image` names no variable, or is missing where there are several.
    MetadataError
        If the option ``attrs`` is not JSON.
    """
    names = [str(name) for name in ds.data_vars]
    if image is None and len(names) == 1:
        image = names[0]
    if image not in names:
        said = "is not given" if image is None else f"is {image!r}"
        raise OptionError(
            f"image {said}, and the Dataset has the variables {names}; name one of "
            f"them with image={_proposal(ds)}"
        )
    da = ds[image]
    own = ds.attrs
    if is_placed(da):
        own = {key: value for key, value in own.items() if key not in OF_PLATE}
    merged = WriteOptions(**options)
    merged["attrs"] = {**plain_attrs(own), **check_attrs(options["attrs"])}
    return da, merged


def _proposal(ds: xr.Dataset) -> str:
    """How to name the image, where the labels beside it are plain."""
    image = _image_among(ds)
    if image is None:
        return ""
    labels = [str(name) for name in ds.data_vars if name != image]
    return f", e.g. image={image!r}, labels={labels}; labels='auto' takes the same"


def labelled_image_of(
    ds: xr.Dataset, image: str | None, labels: Any, options: WriteOptions
) -> tuple[xr.DataArray, dict[str, Any], WriteOptions]:
    """The image of a Dataset, its label images, and the options with its attributes.

    Parameters
    ----------
    ds : xarray.Dataset
        The variables.
    image : str, optional
        Name of the image. May be left out where all other variables are labels.
    labels : sequence, mapping, "auto" or None
        Names of variables; or label images by name, each a name, a DataArray or a
        DataTree. ``"auto"``: the variables that are plainly label images, see
        `is_plainly_label`. None: those of a Dataset as `open_dataset` gives it, and
        no others.
    options : WriteOptions
        All of them.

    Raises
    ------
    OptionError
        If variables are not there, or it is not plain which is the image.
    """
    names = [str(name) for name in ds.data_vars]
    if labels is None and image is None and _is_as_read(ds):
        image, labels = VARIABLE, [name for name in names if name != VARIABLE]
    if isinstance(labels, str):
        if labels != "auto":
            raise OptionError(
                f"labels is {labels!r}; give a list of names, e.g. [{labels!r}], or "
                "'auto'"
            )
        image = _image_among(ds) if image is None else image
        da, options = image_of(ds, image, options)
        return da, _plain_labels(ds, str(da.name)), options
    chosen = _chosen(ds, labels)
    if image is None:
        others = [name for name in names if name not in chosen]
        image = others[0] if len(others) == 1 else None
    da, options = image_of(ds, image, options)
    if da.name in chosen:
        raise OptionError(
            f"image and labels both name {da.name!r}; leave it out of one of them"
        )
    return da, chosen, options


def _is_as_read(ds: xr.Dataset) -> bool:
    """Whether it is an image with label images as a store gives them."""
    others = [da for name, da in ds.data_vars.items() if name != VARIABLE]
    return len(others) < len(ds.data_vars) and all(KEY in da.attrs for da in others)


def _chosen(ds: xr.Dataset, labels: Any) -> dict[str, Any]:
    if labels is None:
        return {}
    if isinstance(labels, Mapping):
        return {
            name: _variable(ds, label) if isinstance(label, str) else label
            for name, label in labels.items()
        }
    if not isinstance(labels, Iterable):
        raise OptionError(
            f"labels is {labels!r}; give a list of names of variables, or a mapping"
        )
    return {name: _variable(ds, name) for name in labels}


def _variable(ds: xr.Dataset, name: Any) -> xr.DataArray:
    if name not in ds.data_vars:
        raise OptionError(
            f"labels name {name!r}, and the Dataset has the variables "
            f"{[*ds.data_vars]}; name one of them"
        )
    found: xr.DataArray = ds[name]
    return found


def _plain_labels(ds: xr.Dataset, image: str) -> dict[str, Any]:
    """All variables but the image, which are plainly label images of it."""
    others = {str(name): da for name, da in ds.data_vars.items() if name != image}
    unclear = [
        name for name, da in others.items() if not is_plainly_label(da, ds[image])
    ]
    if unclear:
        raise OptionError(
            f"labels is 'auto', and of the variables beside {image!r} {unclear} are "
            "not plainly label images of it; name those that are, e.g. with "
            f"labels={[name for name in others if name not in unclear]}, or drop the "
            f"others with .drop_vars({unclear})"
        )
    return others


def _image_among(ds: xr.Dataset) -> str | None:
    """The variable of which all others are plainly label images."""
    names = [str(name) for name in ds.data_vars]
    fitting = [
        name
        for name in names
        if not any(key in ds[name].attrs for key in TELLING_ATTRS)
        and all(is_plainly_label(ds[o], ds[name]) for o in names if o != name)
    ]
    return fitting[0] if len(fitting) == 1 and len(names) > 1 else None


def is_plainly_label(da: xr.DataArray, image: xr.DataArray) -> bool:
    """Whether nobody would take a variable for anything but a label image.

    It has the attribute ``segmentation`` or ``image-label``; or it is of integers or
    booleans, has no channels, shares y, x (and z) with the image, and is no further
    channel of it: the image has channels, or is of another type.
    """
    if any(key in da.attrs for key in TELLING_ATTRS):
        return True
    own, theirs = _roles(da), _roles(image)
    kinds = {role.type for role in theirs.values()}
    if da.dtype.kind not in "biu" or any(r.type == "channel" for r in own.values()):
        return False
    space = {
        role.name: da.sizes[dim] for dim, role in own.items() if role.type == "space"
    }
    known = {
        role.name: image.sizes[dim]
        for dim, role in theirs.items()
        if role.type == "space"
    }
    is_other = "channel" in kinds or da.dtype != image.dtype
    return space == known and set(own) <= set(theirs) and is_other


def _roles(da: xr.DataArray) -> Mapping[str, Role]:
    sizes = {str(dim): size for dim, size in da.sizes.items()}
    return roles([*sizes], sizes, labelled_dims(da))
