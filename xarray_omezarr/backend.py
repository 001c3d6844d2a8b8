"""The xarray engine ``"omezarr"``: a door, light to import."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

import xarray as xr
from xarray.backends import BackendEntrypoint

_OME_WORDS = ("ome", "multiscales", "plate", "well", "bioformats2raw.layout")


class OmeZarrBackendEntrypoint(BackendEntrypoint):
    """Opens OME-Zarr images as lazy Datasets and DataTrees.

    The keywords that control decoding of CF conventions are accepted and have no
    effect, so that code written for any engine works: pixels of an OME-Zarr are
    never masked or scaled. So is ``labels``: this release leaves label images out.
    """

    description: ClassVar[str] = "Open OME-Zarr images with physical coordinates"
    url: ClassVar[str] = "https://ngff.openmicroscopy.org"
    supports_groups: ClassVar[bool] = True

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether it is OME-Zarr: by the ending ``.ome.zarr``, else by metadata."""
        if isinstance(filename_or_obj, (str, os.PathLike)):
            text = os.fspath(filename_or_obj).rstrip("/")
            if isinstance(text, str) and text.endswith(".ome.zarr"):
                return True
            if "://" in str(text) or not _mentions_ome(str(text)):
                return False
        # Looking further costs the import of zarr, which is worth it only for a
        # folder or a store object. Imported here as every xarray user imports this
        # module.
        from xarray_omezarr.api import can_open

        return can_open(filename_or_obj)

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
        level: int = 0,
        labels: bool = True,
        storage_options: Mapping[str, Any] | None = None,
        mask_and_scale: object = None,
        decode_times: object = None,
        concat_characters: object = None,
        decode_coords: object = None,
        use_cftime: object = None,
        decode_timedelta: object = None,
    ) -> xr.Dataset:
        """One level of an image: the variable ``image`` and its coordinates."""
        from xarray_omezarr.api import open_level

        dataset = open_level(
            filename_or_obj, group=group, level=level, storage_options=storage_options
        )
        return _without(dataset, drop_variables)

    def open_groups_as_dict(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
        levels: None | Literal["all"] | int | Iterable[int] = None,
        labels: bool = True,
        storage_options: Mapping[str, Any] | None = None,
        mask_and_scale: object = None,
        decode_times: object = None,
        concat_characters: object = None,
        decode_coords: object = None,
        use_cftime: object = None,
        decode_timedelta: object = None,
    ) -> dict[str, xr.Dataset]:
        """All levels of an image, by path: ``/``, ``/0``, ``/1``, ..."""
        from xarray_omezarr.api import open_groups

        groups = open_groups(
            filename_or_obj,
            group=group,
            levels=levels,
            storage_options=storage_options,
        )
        return {path: _without(ds, drop_variables) for path, ds in groups.items()}

    def open_datatree(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
        levels: None | Literal["all"] | int | Iterable[int] = None,
        labels: bool = True,
        storage_options: Mapping[str, Any] | None = None,
        mask_and_scale: object = None,
        decode_times: object = None,
        concat_characters: object = None,
        decode_coords: object = None,
        use_cftime: object = None,
        decode_timedelta: object = None,
    ) -> xr.DataTree:
        """An image as a tree that mirrors the store, one child per level."""
        groups = self.open_groups_as_dict(
            filename_or_obj,
            drop_variables=drop_variables,
            group=group,
            levels=levels,
            labels=labels,
            storage_options=storage_options,
        )
        tree = xr.DataTree.from_dict(groups)
        tree.encoding.update(groups["/"].encoding)
        return tree


def _mentions_ome(folder: str) -> bool:
    """Whether the metadata of a folder have a word that OME-Zarr alone uses."""
    for name in ("zarr.json", ".zattrs"):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            with open(path, encoding="utf-8", errors="replace") as file:
                text = file.read()
            return any(f'"{word}"' in text for word in _OME_WORDS)
    return False


def _without(dataset: xr.Dataset, names: str | Iterable[str] | None) -> xr.Dataset:
    if names is None:
        return dataset
    dropped = [names] if isinstance(names, str) else list(names)
    return dataset.drop_vars(dropped, errors="ignore")
