"""What readers find in a folder: plain zarr, the peers, and the package itself."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.util
import os
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr

import xarray_omezarr as xo

_OURS = "xarray_omezarr_"
_WORDS = ("multiscales", "plate", "well", "labels", "bioformats2raw.layout")
_DOCUMENTS = ("zarr.json", ".zattrs", ".zgroup", ".zarray", ".zmetadata")
# Names that say that nobody needs to miss them.
_NAMELESS = re.compile(r".+\.[0-9a-f]{32}\.partial")
_LITTER = re.compile(r"\.xarray_omezarr\.lock.*|.*\.partial")


@dataclass(frozen=True, slots=True)
class Seen:
    """What the metadata lead to, read with zarr alone.

    Parameters
    ----------
    groups : mapping
        Attributes by path.
    arrays : mapping
        Pixels by path.
    """

    groups: Mapping[str, Any]
    arrays: Mapping[str, np.ndarray[Any, Any]]

    def differs(self, other: Seen) -> str:
        """What is not as in another; nothing if all is."""
        for word in ("groups", "arrays"):
            mine, others = getattr(self, word), getattr(other, word)
            if mine.keys() != others.keys():
                return f"{word} {sorted(mine.keys() ^ others.keys())}"
            for path, value in mine.items():
                same = (
                    same_pixels(value, others[path])
                    if word == "arrays"
                    else value == others[path]
                )
                if not same:
                    return f"{word} {path!r}"
        return ""


def same_pixels(first: np.ndarray[Any, Any], second: np.ndarray[Any, Any]) -> bool:
    """Whether type, shape and all pixels are the same."""
    return first.dtype == second.dtype and np.array_equal(first, second)


def is_told(attrs: Mapping[str, Any]) -> bool:
    """Whether attributes say that a group is something of OME-Zarr."""
    ome = attrs.get("ome")
    told = {*attrs, *(ome if isinstance(ome, Mapping) else ())}
    return any(word in told for word in _WORDS)


def attributes(folder: Path) -> dict[str, Any]:
    """Attributes of a group; none where there is no group."""
    if not folder.exists():
        return {}
    try:
        return dict(zarr.open_group(folder, mode="r").attrs)
    except (FileNotFoundError, zarr.errors.ContainsArrayError):
        return {}


def seen(place: Path) -> Seen:
    """All that the metadata of a folder, or a file, lead to."""
    store: Any = zarr.storage.ZipStore(place, mode="r") if place.is_file() else place
    groups: dict[str, Any] = {}
    arrays: dict[str, np.ndarray[Any, Any]] = {}
    with contextlib.closing(store) if place.is_file() else contextlib.nullcontext():
        root = zarr.open_group(store, mode="r", use_consolidated=False)
        _walk(root, "", groups, arrays)
    return Seen(groups, arrays)


def _walk(
    group: zarr.Group, path: str, groups: dict[str, Any], arrays: dict[str, Any]
) -> None:
    attrs = dict(group.attrs)
    groups[path] = attrs
    ome = {**attrs, **attrs.get("ome", {})}
    for picture in ome.get("multiscales", ()):
        for dataset in picture["datasets"]:
            name = dataset["path"]
            arrays[_join(path, name)] = np.asarray(group[name][...])
    children = [each["path"] for each in (ome.get("plate") or {}).get("wells", ())]
    children += [each["path"] for each in (ome.get("well") or {}).get("images", ())]
    if isinstance(ome.get("labels"), list):
        children += ome["labels"]
    if "multiscales" in ome and "labels" in group:
        children.append("labels")
    if "bioformats2raw.layout" in ome and "OME" in group:
        listed = dict(group["OME"].attrs)
        children += {**listed, **listed.get("ome", {})}.get("series", [])
        groups[_join(path, "OME")] = listed
    for child in children:
        _walk(group[child], _join(path, child), groups, arrays)


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def told_groups(folder: Path) -> Iterator[str]:
    """Paths of all groups in a folder that say they are something of OME-Zarr."""
    for above, _, files in os.walk(folder):
        if any(name in files for name in ("zarr.json", ".zgroup")):
            below = os.path.relpath(above, folder)
            if is_told(attributes(Path(above))):
                yield "" if below == "." else below


def files(folder: Path) -> dict[str, str]:
    """A digest of each file by path."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def is_document(path: str) -> bool:
    """Whether a file says what a node is."""
    return os.path.basename(path) in _DOCUMENTS


def is_litter(path: str) -> bool:
    """Whether the name of a file, or of a folder above it, says that it can go."""
    return any(_LITTER.fullmatch(part) for part in path.split("/"))


def is_nameless(path: str) -> bool:
    """Whether it is a file that zarr was about to give its name."""
    return _NAMELESS.fullmatch(os.path.basename(path)) is not None


# -- The package ------------------------------------------------------------------


def ours(place: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Pixels by path, as the package opens them."""
    with (
        warnings.catch_warnings(),
        xr.open_datatree(place, engine="omezarr", levels="all") as tree,
    ):
        warnings.simplefilter("ignore")
        found = {}
        for node in tree.subtree:
            for name in ("image", "labels"):
                if name in node.data_vars:
                    found[node.path.strip("/")] = node[name].values
        return found


def opens(place: Path) -> bool:
    """Whether the package takes it for something of OME-Zarr."""
    try:
        ours(place)
    except (xo.OmeZarrError, FileNotFoundError):
        return False
    return True


# -- The peers --------------------------------------------------------------------


def _ome_zarr(place: Path) -> bool:
    io = importlib.import_module("ome_zarr.io")
    reader = importlib.import_module("ome_zarr.reader")
    location = io.parse_url(str(place))
    return location is not None and bool(list(reader.Reader(location)()))


def _yaozarrs(place: Path) -> bool:
    importlib.import_module("yaozarrs").validate_zarr_store(str(place))
    return True


def _ngff_zarr(place: Path) -> bool:
    importlib.import_module("ngff_zarr").from_ome_zarr(str(place))
    return True


def _ome_zarr_models(place: Path) -> bool:
    importlib.import_module("ome_zarr_models").open_ome_zarr(str(place))
    return True


PEERS: dict[str, Callable[[Path], bool]] = {
    "ome_zarr": _ome_zarr,
    "yaozarrs": _yaozarrs,
    "ngff_zarr": _ngff_zarr,
    "ome_zarr_models": _ome_zarr_models,
}


def recognising(place: Path) -> list[str]:
    """Who takes what is there for something of OME-Zarr."""
    names = ["zarr"] if is_told(attributes(place)) else []
    if opens(place):
        names.append("xarray_omezarr")
    for name, recognises in PEERS.items():
        if importlib.util.find_spec(name) is None:
            continue
        # Whatever they raise, they do not take it for an image.
        with warnings.catch_warnings(), contextlib.suppress(Exception):
            warnings.simplefilter("ignore")
            if recognises(place):
                names.append(name)
    return names
