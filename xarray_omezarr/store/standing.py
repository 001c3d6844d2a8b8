"""What a plate or collection says of itself now, without its images being opened."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import zarr

from xarray_omezarr.errors import OmeZarrError, OmeZarrWarning, TargetExistsError
from xarray_omezarr.ngff.bioformats2raw import Series
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.occupancy import Occupancy, inspect_settled

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Model
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.target import Target

# Groups that are below others, and need not repeat the version of these.
_BELOW = frozenset(["well", "labels", "series"])


@dataclass(frozen=True, slots=True)
class Standing:
    """One group that exists, or could.

    Parameters
    ----------
    target : Target
        Where it is.
    version : Version, optional
        Of its metadata; None where there are none.
    model : Model, optional
        Its metadata.
    children : tuple of str
        Names right below it.
    """

    target: Target
    version: Version | None = None
    model: Model | None = None
    children: tuple[str, ...] = ()


def standing(target: Target) -> Standing:
    """What stands at `target`; nothing is changed.

    Raises
    ------
    TargetExistsError
        If it is an array, no Zarr, or left over from a write that was interrupted.
    OmeZarrError
        If its metadata break the standard.
    """
    found = inspect_settled(target)
    if found.kind == "nothing":
        return Standing(target)
    if found.kind != "group":
        what = "a Zarr array" if found.kind == "array" else "something not Zarr"
        raise TargetExistsError(
            f"{target} holds {what}; nothing is added to it. Choose another path"
        )
    if found.is_unfinished:
        raise TargetExistsError(
            f"{target} is being written by somebody, or was left over when that was "
            "interrupted; nothing is added to it. Write the whole again first"
        )
    return Standing(target, *_model(found.attrs or {}), found.children)


def _model(attrs: Mapping[str, Any]) -> tuple[Version | None, Model | None]:
    version = registry.detect(attrs)
    if version is None:
        return None, None
    with warnings.catch_warnings():
        # Slips of others are said when it is opened, not with each addition.
        warnings.simplefilter("ignore", OmeZarrWarning)
        ome = attrs.get("ome")
        if isinstance(ome, Mapping) and _BELOW & {*ome}:
            attrs = registry.with_version(attrs, version)
        return version, version.from_attrs(attrs)


def refuse_strangers(place: Standing) -> None:
    """Raise if a group without metadata holds what nobody has written to be listed.

    A write into a new plate that failed leaves empty groups of rows and wells, one
    that was killed an unfinished image; images that are complete may be about to be
    listed by their writers just now, and the list of series is put before the root.

    Raises
    ------
    TargetExistsError
        Naming what it holds.
    """
    if place.version is not None:
        return
    strangers = []
    for name in place.children:
        child = inspect_settled(place.target.child(name))
        if not child.is_unfinished and not _may_be_listed(child):
            strangers.append(name)
    if strangers:
        raise TargetExistsError(
            f"{place.target} is a group without OME-Zarr metadata that holds "
            f"{strangers[:10]}; nothing is added to it. Choose another path"
        )


def _may_be_listed(child: Occupancy) -> bool:
    if child.kind != "group" or not child.attrs:
        return child.kind in ("nothing", "group")
    try:
        version = registry.detect(child.attrs)
        return version is not None and isinstance(
            version.from_attrs(child.attrs), Image | Series
        )
    except OmeZarrError:
        return False


def model_at(target: Target) -> Model | None:
    """The metadata of a group; None where there are none that can be understood."""
    try:
        return standing(target).model
    except OmeZarrError:
        return None


def group_at(target: Target) -> zarr.Group:
    """The group at `target`, which exists."""
    return zarr.open_group(
        target.store, path=target.path, mode="r+", use_consolidated=False
    )
