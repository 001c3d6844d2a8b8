"""Hierarchy: everything an OME-Zarr holds, as a plain value that does no I/O."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from xarray_omezarr.errors import printable
from xarray_omezarr.ngff.multiscale import Image

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Metadata, Version

    Model: TypeAlias = Metadata
Json: TypeAlias = Any
BlockFunction: TypeAlias = Callable[[NDArray[Any], tuple[int, ...]], NDArray[Any]]


# Names are numbers and words by turns; longer words are in alphabetical order:
# Control before DMSO.
_PARTS = re.compile(r"\d+|\D+")
_LETTERS = 3


@runtime_checkable
class Readable(Protocol):
    """Pixels that can be read block by block: numpy, dask, or a stored array."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each axis."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        ...

    def __getitem__(self, key: tuple[slice, ...], /) -> Any: ...


@runtime_checkable
class LazyArray(Readable, Protocol):
    """A stored array: it reads just the pixels it is indexed for, in three ways."""

    def outer(self, key: tuple[Any, ...], /) -> NDArray[Any]:
        """Pixels at the product of 1-D index arrays."""
        ...

    def points(self, key: tuple[Any, ...], /) -> NDArray[Any]:
        """Pixels at the points that broadcast index arrays name."""
        ...

    async def load(self, key: tuple[Any, ...], /) -> NDArray[Any]:
        """As indexing, without blocking the event loop."""
        ...

    async def load_outer(self, key: tuple[Any, ...], /) -> NDArray[Any]:
        """As `outer`, without blocking the event loop."""
        ...

    async def load_points(self, key: tuple[Any, ...], /) -> NDArray[Any]:
        """As `points`, without blocking the event loop."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """The pixels at one index of the first axes of a larger array, not cut out yet.

    Thousands of images that are parts of one array of dask share its graph this way:
    a selection for each would be a graph of its own, on top of that of the whole, and
    would compute anew what it shares with others.

    Parameters
    ----------
    whole : Readable
        The larger array.
    index : tuple of int
        Where, along its first axes.
    """

    whole: Readable
    index: tuple[int, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of pixels along each of the other axes."""
        return self.whole.shape[len(self.index) :]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the pixels."""
        return self.whole.dtype

    def __getitem__(self, key: tuple[slice, ...], /) -> Any:
        at = tuple(slice(place, place + 1) for place in self.index)
        return self.whole[*at, *key][(0,) * len(self.index)]


@dataclass(frozen=True, slots=True)
class Given:
    """Pixels that exist: in memory, lazily computed, or stored."""

    array: Readable


@dataclass(frozen=True, slots=True)
class Downsampled:
    """Pixels made from another array of the same group.

    Parameters
    ----------
    parent : str
        Path of the array they are made from, in the same hierarchy.
    factors : tuple of int
        Pixels of the parent per pixel, in axis order.
    method : str or callable
        Name of a method of `xarray_omezarr.pixels`, or a function
        ``(block, factors) -> block``.
    """

    parent: str
    factors: tuple[int, ...]
    method: str | BlockFunction


@dataclass(frozen=True, slots=True)
class Deferred:
    """Pixels that somebody writes later."""


Source: TypeAlias = Given | Downsampled | Deferred


@dataclass(frozen=True, slots=True)
class Layout:
    """How an array is cut and packed.

    Parameters
    ----------
    chunks : tuple of int
        Shape of the smallest unit that is read, in axis order.
    shards : tuple of int, optional
        Shape of one stored object of several chunks; a multiple of `chunks`.
    compression : object
        ``"blosc-zstd"``, ``"blosc-lz4"``, ``"zstd"``, ``"gzip"``, ``"none"``, or
        codecs of zarr.
    fill_value : number
        Value of pixels that are not stored.
    write_empty_chunks : bool
        Whether chunks that hold nothing but `fill_value` are stored.
    """

    chunks: tuple[int, ...]
    shards: tuple[int, ...] | None = None
    compression: object = "blosc-zstd"
    fill_value: float | int | bool = 0
    write_empty_chunks: bool = False

    @property
    def objects(self) -> tuple[int, ...]:
        """Shape of one stored object: the shard, else the chunk."""
        return self.shards or self.chunks


@dataclass(frozen=True, slots=True)
class ArrayNode:
    """One zarr array. `dims` and `shape` are in stored order."""

    dims: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    layout: Layout
    source: Source
    attrs: Mapping[str, Json] = field(default_factory=dict)

    @property
    def nbytes(self) -> int:
        """Bytes of the pixels, uncompressed."""
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize

    @property
    def given(self) -> Readable:
        """The pixels of a node whose pixels exist."""
        if not isinstance(self.source, Given):
            raise TypeError(f"Pixels of this array are {self.source}, not given")
        return self.source.array


@dataclass(frozen=True, slots=True)
class GroupNode:
    """One zarr group: its OME metadata, if any, and the attributes of others.

    Parameters
    ----------
    model : Model, optional
        Its metadata.
    attrs : mapping
        The attributes of others.
    version : Version, optional
        Of a group that was read, where it differs from that of the hierarchy.
    """

    model: Model | None = None
    attrs: Mapping[str, Json] = field(default_factory=dict)
    version: Version | None = None


Node: TypeAlias = GroupNode | ArrayNode


@dataclass(frozen=True, slots=True, repr=False)
class Hierarchy:
    """What a store holds or will hold: nodes by path, the root under ``""``.

    It is complete before anything is written, so printing it is the dry run.

    Parameters
    ----------
    version : Version
        How its metadata are spelled.
    nodes : mapping
        Groups and arrays by path.
    files : mapping
        Contents of stored objects that are no nodes, such as
        ``OME/METADATA.ome.xml``, by path.
    """

    version: Version
    nodes: Mapping[str, Node]
    files: Mapping[str, bytes] = field(default_factory=dict)

    def __getitem__(self, path: str) -> Node:
        return self.nodes[path]

    def __iter__(self) -> Iterator[str]:
        return iter(self.nodes)

    def group(self, path: str) -> GroupNode:
        """The group at `path`."""
        node = self.nodes[path]
        if not isinstance(node, GroupNode):
            raise TypeError(f"{path!r} is an array, not a group")
        return node

    def array(self, path: str) -> ArrayNode:
        """The array at `path`."""
        node = self.nodes[path]
        if not isinstance(node, ArrayNode):
            raise TypeError(f"{path!r} is a group, not an array")
        return node

    def version_of(self, path: str) -> Version:
        """The version of the group at `path`."""
        return self.group(path).version or self.version

    @property
    def arrays(self) -> dict[str, ArrayNode]:
        """The array nodes by path."""
        return {p: n for p, n in self.nodes.items() if isinstance(n, ArrayNode)}

    @property
    def groups(self) -> dict[str, GroupNode]:
        """The group nodes by path."""
        return {p: n for p, n in self.nodes.items() if isinstance(n, GroupNode)}

    @property
    def images(self) -> dict[str, Image]:
        """The metadata of images and label images by path."""
        models = {path: node.model for path, node in self.groups.items()}
        return {p: m for p, m in models.items() if isinstance(m, Image)}

    def image(self, path: str = "") -> Image:
        """The metadata of the image at `path`."""
        model = self.group(path).model
        if not isinstance(model, Image):
            raise TypeError(f"The group {path!r} has no metadata of an image")
        return model

    @property
    def nbytes(self) -> int:
        """Bytes of the pixels of all arrays, uncompressed."""
        return sum(node.nbytes for node in self.arrays.values())

    def under(self, prefix: str) -> Hierarchy:
        """The same hierarchy, one or more groups further down."""
        nodes = {join(prefix, p): _moved(n, prefix) for p, n in self.nodes.items()}
        files = {join(prefix, p): content for p, content in self.files.items()}
        return replace(self, nodes=nodes, files=files)

    def around(self, parts: Mapping[str, Hierarchy]) -> Hierarchy:
        """The union with others, each under its path; of thousands, in one go."""
        nodes, files = dict(self.nodes), dict(self.files)
        for prefix, part in parts.items():
            for path, node in part.nodes.items():
                nodes[join(prefix, path)] = _moved(node, prefix)
            files.update({join(prefix, p): file for p, file in part.files.items()})
        return replace(self, nodes=nodes, files=files)

    def __or__(self, other: Hierarchy) -> Hierarchy:
        """The union; nodes of `other` win where both have a path."""
        nodes, files = {**self.nodes, **other.nodes}, {**self.files, **other.files}
        return replace(self, nodes=nodes, files=files)

    def __repr__(self) -> str:
        head = (
            f"<Hierarchy OME-Zarr {self.version.name}, {len(self.arrays)} arrays, "
            f"{format_bytes(self.nbytes)} uncompressed>"
        )
        # Paths may come from a file of others.
        return printable("\n".join([head, *_tree_lines(self)]))


def _moved(node: Node, prefix: str) -> Node:
    if isinstance(node, ArrayNode) and isinstance(node.source, Downsampled):
        source = replace(node.source, parent=join(prefix, node.source.parent))
        return replace(node, source=source)
    return node


def join(*parts: str) -> str:
    """Join paths inside a store; empty parts, the root, vanish."""
    return "/".join(part.strip("/") for part in parts if part.strip("/"))


def depth(path: str) -> int:
    """How many groups lie above a path."""
    return path.count("/") + 1 if path else 0


def format_bytes(count: float) -> str:
    """A byte count as people write it: ``1.5 MiB``."""
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if count < 1024:
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    return f"{count:.1f} PiB"


def _tree_lines(hierarchy: Hierarchy) -> list[str]:
    lines = []
    for path in sorted({*hierarchy.nodes, *hierarchy.files}, key=natural_order):
        name = path.rsplit("/", 1)[-1] or "/"
        if path in hierarchy.files:
            what = f"file, {format_bytes(len(hierarchy.files[path]))}"
        else:
            what = _describe(hierarchy.nodes[path])
        lines.append(f"{'    ' * depth(path)}{name}  {what}")
    return lines


def natural_order(path: str) -> list[tuple[int, int, str]]:
    """Sorts level 2 before level 10, and numbers before names."""
    parts = path.split("/") if path else []
    return [(0, int(p), "") if p.isdecimal() else (1, 0, p) for p in parts]


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Sorts 2 before 10, B2 before B10, and Z before AA, as plates are numbered.

    Examples
    --------
    >>> sorted(["AA", "B10", "10", "Z", "B2", "2"], key=natural_key)
    ['2', '10', 'B2', 'B10', 'Z', 'AA']
    """
    return tuple(_part_key(part) for part in _PARTS.findall(name))


def _part_key(part: str) -> tuple[int, int, str]:
    if part.isdecimal():
        return 0, int(part), part
    return 1, min(len(part), _LETTERS + 1), part


def _describe(node: Node) -> str:
    if isinstance(node, GroupNode):
        if node.model is None:
            return "group"
        others = f", attributes {sorted(node.attrs)}" if node.attrs else ""
        return f"{node.model.summary()}{others}"
    sizes = ", ".join(f"{d}: {n}" for d, n in zip(node.dims, node.shape, strict=True))
    shards = f", shards {node.layout.shards}" if node.layout.shards else ""
    made = ""
    if isinstance(node.source, Downsampled):
        method = node.source.method
        name = method if isinstance(method, str) else getattr(method, "__name__", "?")
        finer = node.source.parent.rsplit("/", 1)[-1]
        made = f", {name} of {finer} by {node.source.factors}"
    return (
        f"({sizes}) {node.dtype}, chunks {node.layout.chunks}{shards}, "
        f"{format_bytes(node.nbytes)}{made}"
    )
