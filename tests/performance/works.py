"""What is measured: one `Work` per row of targets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

#: Factors of the coarser levels relative to level 0, along y and x.
FACTORS = (2, 4, 8, 16)

#: The same of plates.
FEWER_FACTORS = (2, 4)

Source = Literal["numpy", "dask"]


@dataclass(frozen=True, slots=True)
class Work:
    """One task that every contestant gets in the same words.

    Attributes
    ----------
    name
        As it is given on the command line.
    mebibytes
        Size of level 0 without compression. A field of a plate has 1 MiB, so this is
        their number too.
    kind
        ``"image"`` (uint16), ``"labels"`` (uint32) or ``"plate"`` (uint16).
    verb
        ``"write"`` what `kind` says; ``"tree"``, ``"stack"``: open a plate that is
        there.
    source
        ``"numpy"``: an array in memory; ``"dask"``: a dask array over a Zarr array on
        disk.
    method
        ``"mean"``, ``"nearest"`` or ``"mode"``.
    codec
        ``"matched"``: blosc-zstd level 3 with byte shuffle and the chunks and shards
        given here; ``"own"``: whatever the tool does when it is told nothing.
    store
        ``"local"``: a folder; ``"ram"``: a folder of a file system in memory, where
        making many files costs little; ``"slow"``: a store in memory that needs 50 ms
        for each request; ``"fast"``: the same store without the wait.
    cluster
        Whether two worker processes of dask.distributed do the work.
    chunks, shards
        In the order t, c, z, y, x (plates: c, z, y, x).
    factors
        Of the coarser levels relative to level 0, along y and x.
    fields
        How many each well of a plate has.
    """

    name: str
    about: str
    mebibytes: int = 256
    kind: Literal["image", "labels", "plate"] = "image"
    verb: Literal["write", "tree", "stack"] = "write"
    source: Source = "numpy"
    method: Literal["mean", "nearest", "mode"] = "mean"
    codec: Literal["matched", "own"] = "matched"
    store: Literal["local", "ram", "slow", "fast"] = "local"
    cluster: bool = False
    chunks: tuple[int, ...] = field(default=(1, 1, 16, 256, 256))
    shards: tuple[int, ...] | None = None
    factors: tuple[int, ...] = FACTORS
    fields: int = 1


_W1 = Work("w1", "numpy in memory, five levels, codec matched")
_W2 = replace(_W1, name="w2", about="dask over Zarr on disk", source="dask")
_W4 = Work(
    "w4",
    "a plate of 96 wells with 4 fields, into a file system in memory",
    mebibytes=96 * 4,
    kind="plate",
    store="ram",
    chunks=(1, 1, 512, 512),
    factors=FEWER_FACTORS,
    fields=4,
)
_TREE = replace(
    _W4,
    name="plate-tree",
    about="opening a plate of 384 wells with 9 fields, level 0 of each as a tree",
    mebibytes=384 * 9,
    verb="tree",
    store="local",
    fields=9,
)
_W5 = replace(_W1, kind="labels")

WORKS: dict[str, Work] = {
    work.name: work
    for work in (
        _W1,
        replace(_W1, name="w1-4x", about="w1 with 4 x the data", mebibytes=1024),
        replace(_W1, name="w1-own", about="w1, each tool's own defaults", codec="own"),
        _W2,
        replace(_W2, name="w2-4x", about="w2 with 4 x the data", mebibytes=1024),
        replace(_W1, name="w3", about="w1 in shards", shards=(1, 1, 16, 1024, 1024)),
        _W4,
        replace(_W4, name="w4-disk", about="the same on disk", store="local"),
        _TREE,
        replace(
            _TREE, name="plate-stack", about="opening the same stacked", verb="stack"
        ),
        replace(_W5, name="w5-nearest", about="labels, nearest", method="nearest"),
        replace(_W5, name="w5-mode", about="labels, mode", method="mode"),
        replace(_W2, name="cluster", about="w2 on two worker processes", cluster=True),
        replace(_W1, name="fast", about="w1 into a store in memory", store="fast"),
        replace(_W1, name="slow", about="the same, 50 ms a request", store="slow"),
    )
}


def blosc(work: Work) -> Any:
    """The codec that matched works share."""
    from zarr.codecs import BloscCodec

    size = 4 if work.kind == "labels" else 2
    return BloscCodec(cname="zstd", clevel=3, shuffle="shuffle", typesize=size)
