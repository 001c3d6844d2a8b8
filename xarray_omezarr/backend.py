"""The xarray engine ``"omezarr"``: a door, light to import."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypedDict, Unpack

from xarray.backends import BackendEntrypoint

if TYPE_CHECKING:
    import xarray as xr


class Decoding(TypedDict, total=False):
    """Keywords with which xarray decodes the CF conventions; accepted, no effect."""

    mask_and_scale: object
    decode_times: object
    concat_characters: object
    decode_coords: object
    use_cftime: object
    decode_timedelta: object


# Those of whole trees; none of them is for one level.
_TREE_PARAMETERS = (
    *("drop_variables", "group", "levels", "wells", "fields", "labels"),
    "storage_options",
)
_OME_WORDS = ("ome", "multiscales", "plate", "well", "bioformats2raw.layout")


class OmeZarrBackendEntrypoint(BackendEntrypoint):
    """Opens OME-Zarr images, labels, plates, collections and scenes, lazily.

    The keywords that control decoding of CF conventions are accepted and have no
    effect, so that code written for any engine works: pixels of an OME-Zarr are
    never masked or scaled.
    """

    description: ClassVar[str] = "Open OME-Zarr images with physical coordinates"
    url: ClassVar[str] = "https://ngff.openmicroscopy.org"
    supports_groups: ClassVar[bool] = True
    # xarray reads these off the signature, unless that has ``**``.
    open_dataset_parameters: ClassVar[tuple[str, ...]] = (
        *("drop_variables", "group", "level", "labels", "storage_options"),
        *Decoding.__annotations__,
    )

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        """Whether it is OME-Zarr: by its ending, else by metadata."""
        text = _as_text(filename_or_obj)
        if text is not None:
            if text.rstrip("/").endswith((".ome.zarr", ".ozx")):
                return True
            if "://" in text or not _mentions_ome(text):
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
        **decoding: Unpack[Decoding],
    ) -> xr.Dataset:
        """One level of an image: the variable ``image`` and its label images."""
        from xarray_omezarr.api import open_level

        _refuse_unknown(decoding, self.open_dataset_parameters)
        dataset = open_level(
            filename_or_obj,
            group=group,
            level=level,
            labels=labels,
            storage_options=storage_options,
        )
        return _without(dataset, drop_variables)

    def open_groups_as_dict(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
        levels: None | Literal["all"] | int | Iterable[int] = None,
        wells: Iterable[str] | None = None,
        fields: Iterable[str] | None = None,
        labels: bool = True,
        storage_options: Mapping[str, Any] | None = None,
        **decoding: Unpack[Decoding],
    ) -> dict[str, xr.Dataset]:
        """All that the store holds, by path: ``/``, ``/0``, ``/labels/cells/0``, ..."""
        from xarray_omezarr.api import open_groups

        _refuse_unknown(decoding, _TREE_PARAMETERS)
        groups = open_groups(
            filename_or_obj,
            group=group,
            levels=levels,
            wells=wells,
            fields=fields,
            labels=labels,
            storage_options=storage_options,
        )
        if drop_variables is None:
            return groups
        return {path: _without(ds, drop_variables) for path, ds in groups.items()}

    def open_datatree(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        group: str | None = None,
        levels: None | Literal["all"] | int | Iterable[int] = None,
        wells: Iterable[str] | None = None,
        fields: Iterable[str] | None = None,
        labels: bool = True,
        storage_options: Mapping[str, Any] | None = None,
        **decoding: Unpack[Decoding],
    ) -> xr.DataTree:
        """All that the store holds, as a tree that mirrors it."""
        from xarray_omezarr.api import as_tree, nothing_is_garbage

        groups = self.open_groups_as_dict(
            filename_or_obj,
            drop_variables=drop_variables,
            group=group,
            levels=levels,
            wells=wells,
            fields=fields,
            labels=labels,
            storage_options=storage_options,
            **decoding,
        )
        with nothing_is_garbage():
            return as_tree(groups)


def _as_text(place: Any) -> str | None:
    """A path or URL as text; None for everything else."""
    if isinstance(place, (str, os.PathLike)):
        text = os.fspath(place)
        return text if isinstance(text, str) else None
    # Paths of universal_pathlib to other machines are no `os.PathLike`.
    is_remote = hasattr(place, "protocol") and hasattr(place, "joinpath")
    return str(place) if is_remote else None


def _refuse_unknown(keywords: Mapping[str, object], known: Sequence[str]) -> None:
    decoding = Decoding.__annotations__
    unknown = sorted(keywords.keys() - decoding.keys())
    if not unknown:
        return
    import difflib

    names = [name for name in known if name not in decoding]
    near = {name: difflib.get_close_matches(name, names, n=1) for name in unknown}
    hints = [f"did you mean {found[0]!r}?" for found in near.values() if found]
    hint = f"; {' '.join(hints)}" if hints else ""
    raise TypeError(f"Unknown keywords {unknown}{hint}; the engine knows {names} here")


def _mentions_ome(folder: str) -> bool:
    """Whether the metadata of a folder have a word that OME-Zarr alone uses."""
    for name in ("zarr.json", ".zattrs"):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            text = _read(path)
            return any(f'"{word}"' in text for word in _OME_WORDS)
    return False


def _read(path: str) -> str:
    """The text of a file; nothing where it may not be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _without(dataset: xr.Dataset, names: str | Iterable[str] | None) -> xr.Dataset:
    if names is None:
        return dataset
    dropped = [names] if isinstance(names, str) else list(names)
    return dataset.drop_vars(dropped, errors="ignore")
