"""Which coarser levels an image that exists shall have, made from its level 0."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from xarray_omezarr._version import __version__
from xarray_omezarr.errors import NotInVersionError
from xarray_omezarr.grid.model import to_grid, to_level
from xarray_omezarr.hierarchy import (
    ArrayNode,
    Deferred,
    Downsampled,
    Hierarchy,
    Layout,
    Node,
)
from xarray_omezarr.pixels.methods import check_method_for, method_name, position
from xarray_omezarr.write.layout import plan_chunks, plan_shards
from xarray_omezarr.write.pyramid import plan_pyramid

if TYPE_CHECKING:
    from xarray_omezarr.grid.grid import Grid
    from xarray_omezarr.hierarchy import BlockFunction
    from xarray_omezarr.ngff.multiscale import Multiscale
    from xarray_omezarr.options import WriteOptions

# Coarser levels follow the chunks of level 0 unless these are for computing only.
_LARGEST_CHUNK = 8 * 2**20


def plan_rebuilt(
    hierarchy: Hierarchy, options: WriteOptions, method: str | BlockFunction
) -> Hierarchy:
    """The image with new coarser levels, laid out like its level 0.

    Parameters
    ----------
    hierarchy : Hierarchy
        The image as it was opened.
    options : WriteOptions
        ``scale_factors``, ``chunks``, ``shards`` and ``compression`` count.
    method : str or callable
        How the levels are made.

    Raises
    ------
    OmeZarrError
        As `plan_pyramid`, `plan_chunks` and `plan_shards`.
    """
    root, image = hierarchy.group(""), hierarchy.image()
    multiscale = image.multiscale
    finest = hierarchy.array(multiscale.levels[0].path)
    grid = own_grid(multiscale, finest)
    check_method_for(method, finest.dtype)

    def chunks_of(level: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        chunks = options["chunks"]
        if isinstance(chunks, list) and level >= len(chunks):
            chunks = chunks[-1] if chunks else None
        return plan_chunks(chunks, grid.dims, shape, finest.dtype, level)

    pyramid = plan_pyramid(
        grid,
        options["scale_factors"],
        method,
        chunks_of=chunks_of,
        located=grid.dims,
    )
    paths = new_paths(multiscale.levels[0].path, len(pyramid.levels))
    layouts = _Layouts(hierarchy, finest, options)
    nodes: dict[str, Node] = {"": root, paths[0]: replace(finest, source=Deferred())}
    for index, level in enumerate(pyramid.levels[1:], start=1):
        source = Downsampled(paths[int(str(level.parent))], level.step, method)
        layout = layouts.of(index, level.grid)
        nodes[paths[index]] = ArrayNode(
            finest.dims, level.grid.shape, finest.dtype, layout, source
        )
    grids = [level.grid for level in pyramid.levels[1:]]
    made = with_levels(multiscale, grids, paths[1:], method)
    image = image.model_copy(update={"multiscales": (made, *image.multiscales[1:])})
    nodes[""] = replace(root, model=image)
    return replace(hierarchy, nodes=nodes)


def plan_remade(
    hierarchy: Hierarchy, levels: Mapping[str, ArrayNode], told: str | None
) -> Hierarchy:
    """The image with the levels that it has, and what made them in its metadata.

    Parameters
    ----------
    hierarchy : Hierarchy
        The image as it was opened.
    levels : mapping
        Its levels by path, level 0 first, the others `Downsampled`.
    told : str, optional
        The method that the metadata tell; where it is the one that makes the levels,
        they stay as they are.
    """
    root, image = hierarchy.group(""), hierarchy.image()
    first, *coarser = levels
    nodes: dict[str, Node] = {"": root, **levels}
    sources = [levels[path].source for path in coarser]
    methods = [each.method for each in sources if isinstance(each, Downsampled)]
    if methods and methods[0] != told:
        grid = own_grid(image.multiscale, levels[first])
        totals = {first: (1,) * len(grid.axes)}
        placed = []
        for path, source in zip(coarser, sources, strict=True):
            assert isinstance(source, Downsampled)  # else it has no factors
            pairs = zip(totals[source.parent], source.factors, strict=True)
            totals[path] = tuple(a * b for a, b in pairs)
            factors = dict(zip(grid.dims, totals[path], strict=True))
            placed.append(grid.coarsen(factors, position=position(methods[0])))
        made = with_levels(image.multiscale, placed, coarser, methods[0])
        pictures = (made, *image.multiscales[1:])
        image = image.model_copy(update={"multiscales": pictures})
        nodes[""] = replace(root, model=image)
    return replace(hierarchy, nodes=nodes)


def own_grid(multiscale: Multiscale, finest: ArrayNode) -> Grid:
    """The grid of level 0, before what the picture as a whole is moved by."""
    bare = multiscale.model_copy(update={"coordinate_transformations": ()})
    return to_grid(bare, bare.levels[0], finest.shape)


def with_levels(
    multiscale: Multiscale,
    grids: Sequence[Grid],
    paths: Sequence[str],
    method: str | BlockFunction,
) -> Multiscale:
    """The picture with these coarser levels, level 0 as it is, made by `method`."""
    name = method_name(method)
    coarser = [to_level(grid, path) for grid, path in zip(grids, paths, strict=True)]
    kind = "method" if isinstance(method, str) else "function"
    return multiscale.model_copy(
        update={
            "levels": (multiscale.levels[0], *coarser),
            "type": name,
            "metadata": {
                "method": "xarray_omezarr.pixels.downsample",
                "version": __version__,
                "kwargs": {kind: name},
            },
        }
    )


def new_paths(first: str, count: int) -> list[str]:
    """Paths of levels in the manner of the first: ``s0``, ``s1``, ...

    Examples
    --------
    >>> new_paths("scale0/image", 2), new_paths("full", 3)
    (['scale0/image', 'scale1/image'], ['full', '1', '2'])
    """
    numbers = list(re.finditer(r"\d+", first))
    if len(numbers) == 1 and numbers[0].group() == "0":
        start, stop = numbers[0].span()
        return [f"{first[:start]}{index}{first[stop:]}" for index in range(count)]
    return [first, *(str(index) for index in range(1, count))]


@dataclass(frozen=True, slots=True)
class _Layouts:
    """How new levels are cut and packed: as asked, else as level 0 is."""

    hierarchy: Hierarchy
    finest: ArrayNode
    options: WriteOptions

    def of(self, index: int, grid: Grid) -> Layout:
        """The layout of one level."""
        own, dtype = self.finest.layout, self.finest.dtype
        chunks: Any = self.options["chunks"]
        shards: Any = self._shards()
        follows = isinstance(chunks, str) and chunks == "auto"
        if follows and math.prod(own.chunks) * dtype.itemsize <= _LARGEST_CHUNK:
            chunks = own.chunks
            shards = own.shards if shards is None else shards
        cut = plan_chunks(chunks, grid.dims, grid.shape, dtype, index)
        compression = self.options["compression"]
        if isinstance(compression, str) and compression == "auto":
            codecs = own.compression
            compression = codecs if codecs else "none"
        return Layout(
            chunks=cut,
            shards=_fitting_shards(shards, cut, grid, dtype, index),
            compression=compression,
            fill_value=own.fill_value,
            write_empty_chunks=bool(self.options["write_empty_chunks"]),
        )

    def _shards(self) -> Any:
        shards, version = self.options["shards"], self.hierarchy.version
        if shards is not None and not version.features.sharding:
            raise NotInVersionError(
                f"The image is of OME-Zarr {version.name}, which has no shards, and "
                f"shards is {shards!r}; leave it out"
            )
        return shards


def _fitting_shards(
    shards: Any, chunks: tuple[int, ...], grid: Grid, dtype: Any, index: int
) -> tuple[int, ...] | None:
    if isinstance(shards, tuple) and len(shards) == len(chunks):
        # Chunks of a small level are cut to its size, and shards stay multiples.
        shards = tuple(
            max(1, shard // chunk) * chunk
            for shard, chunk in zip(shards, chunks, strict=True)
        )
    return plan_shards(shards, grid.dims, grid.shape, dtype, chunks, index)
