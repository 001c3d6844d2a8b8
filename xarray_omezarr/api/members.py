"""What one field of a plate and one series of a collection have in common."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import dask
import xarray as xr

from xarray_omezarr.api.amending import write_into
from xarray_omezarr.api.stacked_channels import one_name, with_channels
from xarray_omezarr.api.trees import checked_array
from xarray_omezarr.errors import (
    NotInVersionError,
    OmeZarrError,
    OmeZarrWarning,
    OptionError,
    TargetExistsError,
)
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import WriteOptions
from xarray_omezarr.store.open import open_hierarchy
from xarray_omezarr.store.standing import (
    Standing,
    group_at,
    refuse_strangers,
    standing,
)
from xarray_omezarr.write.dataset import image_of
from xarray_omezarr.write.image import plan_labelled
from xarray_omezarr.write.templates import refuse_templates
from xarray_omezarr.write.tree import tree_levels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dask.delayed import Delayed

    from xarray_omezarr.hierarchy import Hierarchy, Model
    from xarray_omezarr.store.target import Group, StoreLike, Target


def refuse_shared(said: Mapping[str, Any]) -> None:
    """Raise where options are given that write metadata, with those that do not."""
    given = [name for name, value in said.items() if value is not None]
    if given:
        raise OptionError(
            f"{', '.join(given)} cannot be chosen with region or mode='r+', which put "
            "pixels into what exists, and no metadata; leave them out"
        )


def pixels_of(
    obj: Any, image: str | Sequence[str] | None, options: WriteOptions
) -> xr.DataArray:
    """The pixels that are written into an image that exists.

    Raises
    ------
    OptionError
        If it is not plain which variable has them, or there are several levels.
    """
    if isinstance(obj, xr.Dataset):
        obj, image = with_channels(obj, image, None)
        return image_of(obj, image, options)[0]
    if not isinstance(obj, xr.DataTree):
        return checked_array(obj)
    levels = tree_levels(obj, one_name(image))
    if len(levels) > 1:
        raise OptionError(
            f"The tree has {len(levels)} levels, and region, append_dim and mode='r+' "
            "take one, from which the others are made; give that of the finest, "
            f"{levels[0].node!r}"
        )
    return levels[0].da


def write_inside(
    obj: xr.DataArray,
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
    written = write_into(obj, store, inner, compute=compute)
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


def image_at(target: Target) -> Hierarchy | None:
    """The image at `target` with its finest level, if it can be opened."""
    with warnings.catch_warnings():
        # What others have written is no matter of the image that is added.
        warnings.simplefilter("ignore", OmeZarrWarning)
        try:
            return open_hierarchy(target, [0])
        except OmeZarrError:
            return None


def model_above(
    target: Target, path: str, kinds: Mapping[int, type[Any]]
) -> Model | None:
    """The metadata right above a member, unless it would lie inside of an image.

    Parameters
    ----------
    target : Target
        The root.
    path : str
        Of the member below it.
    kinds : mapping
        What groups between them are, by depth; others have no metadata.

    Raises
    ------
    TargetExistsError
        Saying what is there.
    """
    parts, model = path.split("/"), None
    for depth in range(1, len(parts)):
        place = target.child("/".join(parts[:depth]))
        model = standing(place).model
        if model is not None and not isinstance(model, kinds.get(depth, ())):
            raise TargetExistsError(
                f"{place} is {model.summary()}, and {path!r} would lie inside of it; "
                "nothing was written. Choose another path, or remove it first"
            )
    return model


def plan_member(
    obj: Any,
    image: str | None,
    labels: Any,
    options: WriteOptions,
    path: str,
) -> Hierarchy:
    """The plan of one image with its labels, named after its path if need be."""
    if not isinstance(obj, xr.DataTree):
        obj = checked_array(obj)
    planned = plan_labelled(obj, options, image=image, labels=labels, stem=path)
    refuse_templates(planned)
    return planned


def already(planned: Hierarchy, _stem: str | None) -> Hierarchy:
    """What was planned before the name of the target was asked for."""
    return planned
