"""What a conversion is asked for: a version, and how arrays are cut and packed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from xarray_omezarr.byte_counts import parse_bytes
from xarray_omezarr.errors import LayoutError, NotInVersionError, OptionError, warn
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.arrays import COMPRESSIONS
from xarray_omezarr.write.layout import plan_chunks, plan_shards

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode, Hierarchy, Layout
    from xarray_omezarr.ngff.versions.protocol import Version

#: In place of an option: as it is stored.
KEEP: Final[Literal["keep"]] = "keep"


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of a conversion, checked.

    Parameters
    ----------
    version : Version
        What is written.
    follows : bool
        Whether no version was asked for: a source that is later keeps its own.
    chunks, shards, compression, fill_value : object
        The options; `KEEP` where nothing changes.
    lossy : bool
        Whether what has no place is dropped.
    memory_limit : int, optional
        Bytes.
    """

    version: Version
    follows: bool
    chunks: Any
    shards: Any
    compression: Any
    fill_value: Any
    lossy: bool
    memory_limit: int | None

    def of(self, stored: Hierarchy) -> Asked:
        """The same for what is stored, whose version may be the one that is written."""
        if not self.follows:
            return self
        found = [stored.version, *map(stored.version_of, stored.groups)]
        return replace(self, version=registry.copied(found), follows=False)

    def layout(
        self,
        node: ArrayNode,
        level: int,
        most: tuple[str, ...],
        *,
        may_shard: bool = True,
    ) -> Layout | None:
        """How a level is cut and packed; None where it is as it is stored.

        Parameters
        ----------
        node : ArrayNode
            As it is stored.
        level : int
            Its number.
        most : tuple of str
            The dims of the image that has most; labels may lack some of them, and
            what is asked along those is not for them.
        may_shard : bool
            Whether its shards can stay.

        Raises
        ------
        LayoutError
            If shards are no multiple of chunks, or an option names no dim.
        """
        chunks, shards = node.layout.chunks, node.layout.shards
        extent = node.dims, node.shape, node.dtype
        if not is_kept(self.chunks):
            option = _for_dims(self.chunks, node.dims, most, level)
            chunks = plan_chunks(option, *extent, level)
        if not is_kept(self.shards):
            option = _for_dims(self.shards, node.dims, most, level)
            shards = plan_shards(option, *extent, chunks, level)
        elif not may_shard:
            shards = None
        elif shards is not None:
            _check_multiples(node, chunks, shards, level)
        fill_value = node.layout.fill_value
        if not is_kept(self.fill_value):
            fill_value = _fill_value(self.fill_value, node.dtype)
        made = replace(node.layout, chunks=chunks, shards=shards, fill_value=fill_value)
        if not is_kept(self.compression):
            return replace(made, compression=self.compression)
        return None if made == node.layout else made


def _for_dims(
    option: Any, dims: tuple[str, ...], most: tuple[str, ...], level: int
) -> Any:
    """What an option says of an array that may lack dims of others."""
    if isinstance(option, list):
        made = [_for_dims(entry, dims, most, level) for entry in option]
        # Those with more levels follow the last entry, as in writing.
        return [*made, *made[-1:] * max(0, level + 1 - len(made))]
    lacking = set(most) - set(dims)
    if isinstance(option, Mapping):
        return {dim: size for dim, size in option.items() if dim not in lacking}
    if isinstance(option, tuple) and len(dims) < len(option) <= len(most):
        pairs = zip(most[len(most) - len(option) :], option, strict=True)
        return tuple(size for dim, size in pairs if dim not in lacking)
    return option


def is_kept(option: object) -> bool:
    """Whether an option leaves things as they are; codecs compare in their own way."""
    return isinstance(option, str) and option == KEEP


def _check_multiples(
    node: ArrayNode, chunks: tuple[int, ...], shards: tuple[int, ...], level: int
) -> None:
    for dim, shard, chunk in zip(node.dims, shards, chunks, strict=True):
        if shard % chunk:
            raise LayoutError(
                f"Level {level} is stored in shards of {shard} pixels along {dim!r}, "
                f"which is no multiple of chunks={chunk}; give shards= as well, or "
                "shards=None"
            )


def _fill_value(value: Any, dtype: np.dtype[Any]) -> Any:
    given = np.asarray(value)
    if given.ndim == 0 and given.dtype.kind in "biuf":
        with np.errstate(all="ignore"):
            fitting = given.astype(dtype)
        if fitting == given or (fitting != fitting and given != given):
            return given.item()
    raise OptionError(
        f"fill_value is {value!r}, which pixels of type {dtype} cannot hold; give a "
        "number that they can"
    )


def asked_for(
    version: str | None,
    *,
    chunks: Any,
    shards: Any,
    compression: Any,
    fill_value: Any,
    lossy: Any,
    memory_limit: int | str | None,
) -> Asked:
    """The options, checked.

    Raises
    ------
    UnknownVersionError, OptionError, NotInVersionError
        For the first that has no meaning.
    """
    if lossy is not True and lossy is not False:
        raise OptionError(f"lossy is {lossy!r}; give True or False")
    if isinstance(compression, str) and compression not in (KEEP, *COMPRESSIONS):
        raise OptionError(
            f"compression is {compression!r}; there are {COMPRESSIONS}, a codec of "
            f"zarr, or {KEEP!r}"
        )
    known = registry.get(registry.DEFAULT if version is None else version)
    if shards is not None and not is_kept(shards) and not known.features.sharding:
        message = f"OME-Zarr {known.name} is stored in Zarr v2, which has no shards"
        if not lossy:
            raise NotInVersionError(
                f"{message}, and shards is {shards!r}; leave it out, choose a later "
                "version=, or drop it with lossy=True"
            )
        warn(f"{message}; chunks only are written")
        shards = None
    limit = None if memory_limit is None else parse_bytes(memory_limit)
    return Asked(
        known,
        version is None,
        chunks,
        shards,
        compression,
        fill_value,
        lossy,
        limit,
    )
