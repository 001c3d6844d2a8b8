"""What is measured: one `Work` per row of targets."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

#: Factors of the coarser levels relative to level 0, along y and x.
FACTORS = (2, 4, 8, 16)

Source = Literal["numpy", "dask"]


@dataclass(frozen=True, slots=True)
class Work:
    """One task that every contestant gets in the same words.

    Attributes
    ----------
    name
        As it is given on the command line.
    mebibytes
        Size of level 0 without compression.
    kind
        ``"image"`` (uint16) or ``"labels"`` (uint32).
    source
        ``"numpy"``: an array in memory; ``"dask"``: a dask array over a Zarr array on
        disk.
    method
        ``"mean"``, ``"nearest"`` or ``"mode"``.
    codec
        ``"matched"``: blosc-zstd level 3 with byte shuffle and the chunks and shards
        given here; ``"own"``: whatever the tool does when it is told nothing.
    store
        ``"local"``; ``"slow"``: a store in memory that needs 50 ms for each request;
        ``"fast"``: the same store without the wait.
    cluster
        Whether two worker processes of dask.distributed do the work.
    chunks, shards
        In the order t, c, z, y, x.
    """

    name: str
    about: str
    mebibytes: int = 256
    kind: Literal["image", "labels"] = "image"
    source: Source = "numpy"
    method: Literal["mean", "nearest", "mode"] = "mean"
    codec: Literal["matched", "own"] = "matched"
    store: Literal["local", "slow", "fast"] = "local"
    cluster: bool = False
    chunks: tuple[int, ...] = field(default=(1, 1, 16, 256, 256))
    shards: tuple[int, ...] | None = None


_W1 = Work("w1", "numpy in memory, five levels, codec matched")
_W2 = replace(_W1, name="w2", about="dask over Zarr on disk", source="dask")
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
        replace(_W5, name="w5-nearest", about="labels, nearest", method="nearest"),
        replace(_W5, name="w5-mode", about="labels, mode", method="mode"),
        replace(_W2, name="cluster", about="w2 on two worker processes", cluster=True),
        replace(_W1, name="fast", about="w1 into a store in memory", store="fast"),
        replace(_W1, name="slow", about="the same, 50 ms a request", store="slow"),
    )
}
