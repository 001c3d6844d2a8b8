"""The verb: look, plan, and do it while nobody else writes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

from xarray_omezarr.errors import OptionError, raise_together
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.exchange import settle
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.upgrade_apply import alone, apply, reopened
from xarray_omezarr.store.upgrade_plan import Upgrade, plan_upgrade
from xarray_omezarr.store.upgrade_survey import above, folder_of, survey
from xarray_omezarr.upgrading.metadata import (
    check_above,
    check_not_later,
    new_metadata,
    version_of,
)

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.store.target import Group, StoreLike, Target


@overload
def upgrade(
    store: StoreLike,
    *,
    version: str,
    dry_run: Literal[False] = False,
    keep: bool = False,
    lossy: bool = False,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Group: ...
@overload
def upgrade(
    store: StoreLike,
    *,
    version: str,
    dry_run: Literal[True],
    keep: bool = False,
    lossy: bool = False,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Upgrade: ...
@overload
def upgrade(
    store: StoreLike,
    *,
    version: str,
    dry_run: bool,
    keep: bool = False,
    lossy: bool = False,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Group | Upgrade: ...
def upgrade(
    store: StoreLike,
    *,
    version: str,
    dry_run: bool = False,
    keep: bool = False,
    lossy: bool = False,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Group | Upgrade:
    """Make an OME-Zarr one of a later version where it lies, its pixels untouched.

    Only metadata are written: for images, labels, plates and collections with all
    that is in them, also the groups and arrays of others, such as tables. Every file
    of a chunk stays what it is. Where the Zarr format changes, the new metadata say
    that the chunks have the keys of the old one, which every reader of Zarr v3 knows.

    At every moment, also when it is interrupted, the old version opens or the new
    one is complete. What is left over then is removed by the next upgrade. What has
    one group with metadata changes in place. A store with more of them, such as a
    plate, changes as a whole: a copy whose files are hard links to the same chunks is
    put together in a hidden folder beside it, and trades places with it. Do not write
    to the store meanwhile.

    Parameters
    ----------
    store : str, path, zarr store or zarr.Group
        A folder on a local disk. Elsewhere use ``xarray_omezarr.convert``.
    version : str
        Of OME-Zarr, later than that of the store. For the same version nothing is
        done, but what an upgrade with ``keep=True`` kept is removed.
    dry_run : bool
        Give what would be done, as an object to print, and do nothing.
    keep : bool
        Whether metadata files of the old version stay beside those of the new one, if
        their Zarr formats differ. Readers of Zarr v3, zarr-python for one, take the
        new ones then; those that know only Zarr v2 see the old version. Nothing
        keeps the two alike when one of them is changed later.
    lossy : bool
        Whether metadata that the new version cannot hold are left out, and wells,
        fields, labels and series that are listed may be absent, with a warning,
        instead of refused.
    group : str, optional
        Path of the OME-Zarr inside the store. It must not be part of another one:
        fields change with their plate, labels with their image.
    storage_options : mapping, optional
        As for the other verbs; no local disk has any.

    Returns
    -------
    zarr.Group or Upgrade
        The group, opened anew; with ``dry_run=True`` what would be done: its
        ``documents`` to be written by path, paths to be ``removed``, the ``way``, and
        the ``problems`` that would be raised.

    Raises
    ------
    OptionError
        If the store is no folder of a local disk, is read-only, is part of another
        OME-Zarr, or cannot have hard links; or if its version is later.
    LayoutError
        If the chunks of an array cannot be described in the new Zarr format, as those
        that zlib compressed.
    NotInVersionError
        If the new version has no place for something.
    MetadataError
        If the metadata break a MUST of the standard, or a level or something else
        that is listed is missing.
    LockedError
        If somebody is writing there.
    NotOmeZarrError, TargetNotFoundError
        If there is something else, or nothing.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import xarray as xr
    >>> import xarray_omezarr as xo
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = f"{folder.name}/cells.ome.zarr"
    >>> image = xr.DataArray(np.ones((64, 64), "uint8"), dims=("y", "x"))
    >>> _ = image.omezarr.to_image(path, version="0.4", scale_factors=[])
    >>> xo.upgrade(path, version="0.5", dry_run=True).removed
    ('.zattrs', '.zgroup', '0/.zarray', '0/.zattrs')
    >>> xo.upgrade(path, version="0.5").metadata.zarr_format
    3
    >>> folder.cleanup()
    """
    _check_flags(dry_run=dry_run, keep=keep, lossy=lossy)
    target = open_target(store, group=group, storage_options=storage_options)
    new = registry.get(version)
    if dry_run:
        return _planned(target, new, keep=keep, lossy=lossy)
    folder = folder_of(target, settle)
    with alone(folder):
        planned = _planned(target, new, keep=keep, lossy=lossy)
        raise_together(planned.problems, f"{target} cannot be upgraded")
        apply(planned, folder)
    return reopened(target, new.features.zarr_format)


def _check_flags(**flags: object) -> None:
    for name, value in flags.items():
        if value is not True and value is not False:
            raise OptionError(f"{name} is {value!r}; give True or False")


def _planned(target: Target, new: Version, *, keep: bool, lossy: bool) -> Upgrade:
    found = survey(target)
    old = version_of(found)
    check_not_later(old, new, str(target))
    check_above(above(found.folder), new, found.folder)
    wanted, problems = new_metadata(found, old, new, lossy=lossy)
    return plan_upgrade(found, wanted, old=old, keep=keep, problems=problems)
