"""However an image is cut, the stored pyramid is that of a plain computation."""

from __future__ import annotations

import dask
import dask.array
import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zarr.storage import MemoryStore

from xarray_omezarr.hierarchy import (
    ArrayNode,
    Downsampled,
    Given,
    GroupNode,
    Hierarchy,
    Layout,
)
from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.omero import Channel, Omero
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.engine import write
from xarray_omezarr.store.target import open_target


def plain_level(pixels, factors, method):
    """A level by padding with NaN: exact for the small integers used here."""
    padded = np.pad(
        pixels.astype(float),
        [(0, -n % f) for n, f in zip(pixels.shape, factors, strict=True)],
        constant_values=np.nan,
    )
    split = [k for n, f in zip(padded.shape, factors, strict=True) for k in (n // f, f)]
    axes = tuple(range(1, 2 * pixels.ndim, 2))
    blocks = padded.reshape(split)
    if method == "mean":
        return np.rint(np.nanmean(blocks, axis=axes)).astype(pixels.dtype)
    if method == "max":
        return np.nanmax(blocks, axis=axes).astype(pixels.dtype)
    return pixels[tuple(slice(None, None, f) for f in factors)]


@st.composite
def cases(draw):
    """Levels with any factors, chunks and shards, and a dask chunking to match."""
    shape = tuple(draw(st.integers(1, n)) for n in (3, 40, 40))
    dims = ("c", "y", "x")
    method = draw(st.sampled_from(["mean", "max", "nearest"]))
    nodes, factors = {}, [(1, 1, 1)]
    for index in range(draw(st.integers(1, 4))):
        step = (1, 1, 1)
        if index:
            step = (1, draw(st.integers(1, 3)), draw(st.integers(2, 3)))
            factors.append(tuple(a * b for a, b in zip(factors[-1], step, strict=True)))
        size = tuple(-(-n // f) for n, f in zip(shape, factors[-1], strict=True))
        chunks = tuple(draw(st.integers(1, n)) for n in size)
        shards = None
        if draw(st.booleans()):
            shards = tuple(c * draw(st.integers(1, 3)) for c in chunks)
        nodes[str(index)] = (size, step, Layout(chunks, shards, "none"))
    blocks = tuple(tuple(draw(chunking(n))) for n in shape)
    return dims, shape, method, nodes, factors, blocks


def chunking(size):
    """Any way of cutting `size` pixels into blocks."""
    return st.lists(st.integers(1, size), min_size=1, max_size=8).map(
        lambda cuts: (
            np.diff([0, *sorted({*(c for c in cuts if c < size), size})])
            .astype(int)
            .tolist()
        )
    )


def hierarchy(case, pixels, array):
    dims, _, method, nodes, factors, _ = case
    types = {"c": "channel", "y": "space", "x": "space"}
    axes = [Axis(name=dim, type=types[dim]) for dim in dims]
    levels = [
        Level.of(path, tuple(map(float, factor)))
        for path, factor in zip(nodes, factors, strict=True)
    ]
    channels = tuple(Channel(color="FFFFFF") for _ in range(pixels.shape[0]))
    image = Image(
        multiscales=(Multiscale.of(axes, levels),), omero=Omero(channels=channels)
    )
    made = {"": GroupNode(image)}
    for path, (size, step, layout) in nodes.items():
        source = (
            Given(array)
            if path == "0"
            else Downsampled(str(int(path) - 1), step, method)
        )
        made[path] = ArrayNode(dims, size, pixels.dtype, layout, source)
    return Hierarchy(registry.get("0.5"), made)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    case=cases(),
    budget=st.integers(1, 100_000),
    lazy=st.booleans(),
    later=st.booleans(),
    seed=st.integers(0, 99),
)
def test_the_stored_pyramid_does_not_depend_on_how_it_was_cut(
    case, budget, lazy, later, seed
):
    _, shape, method, nodes, _, blocks = case
    pixels = np.random.default_rng(seed).integers(0, 999, shape, dtype="uint16")
    array = dask.array.from_array(pixels, chunks=blocks) if lazy else pixels
    target = open_target(MemoryStore())
    with dask.config.set(scheduler="threads", num_workers=4):
        written = write(
            hierarchy(case, pixels, array),
            target,
            mode=None,
            compute=not later,
            memory_limit=budget,
        )
        group = written.compute() if later else written
    expected = pixels
    for path, (_, step, _) in nodes.items():
        expected = plain_level(expected, step, method) if path != "0" else expected
        np.testing.assert_array_equal(group[path][...], expected)
    windows = [c["window"] for c in group.attrs["ome"]["omero"]["channels"]]
    for plane, window in zip(pixels, windows, strict=True):
        if plane.min() < plane.max():
            assert (window["min"], window["max"]) == (plane.min(), plane.max())


def test_each_source_chunk_is_computed_once_and_each_object_put_once():
    computed = []

    def block(block_info=None):
        computed.append(block_info[None]["chunk-location"])
        return np.ones(block_info[None]["chunk-shape"], "uint8")

    array = dask.array.map_blocks(
        block,
        chunks=((3,), (30, 34), (20, 20, 24)),
        dtype="uint8",
        meta=np.empty(0, "u1"),
    )
    store = CountingStore()
    case = (
        ("c", "y", "x"),
        (3, 64, 64),
        "mean",
        {
            "0": ((3, 64, 64), (1, 1, 1), Layout((1, 16, 16))),
            "1": ((3, 32, 32), (1, 2, 2), Layout((1, 16, 16))),
            "2": ((3, 16, 16), (1, 2, 2), Layout((1, 16, 16))),
        },
        [(1, 1, 1), (1, 2, 2), (1, 4, 4)],
        None,
    )
    computed.clear()
    pixels = np.ones((3, 64, 64), "uint8")
    write(hierarchy(case, pixels, array), open_target(store), mode=None, compute=True)
    assert len(computed) == len(set(computed)) == 6
    chunks = [key for key in store.puts if "/c/" in key]
    assert len(chunks) == len(set(chunks)) == 3 * (16 + 4 + 1)


class CountingStore(MemoryStore):
    """A store that notes every key that is put."""

    def __init__(self):
        super().__init__()
        self.puts = []

    async def set(self, key, value, byte_range=None):
        self.puts.append(key)
        await super().set(key, value, byte_range)


def test_nothing_looks_like_an_image_before_the_delayed_has_run():
    case = (
        ("c", "y", "x"),
        (1, 8, 8),
        "mean",
        {"0": ((1, 8, 8), (1, 1, 1), Layout((1, 8, 8)))},
        [(1, 1, 1)],
        None,
    )
    pixels = np.arange(64, dtype="uint8").reshape(1, 8, 8)
    store = MemoryStore()
    delayed = write(
        hierarchy(case, pixels, pixels), open_target(store), mode=None, compute=False
    )
    assert store._store_dict == {}
    delayed.compute()
    assert "ome" in zarr.open_group(store, mode="r").attrs


def test_a_source_that_fails_leaves_nothing_behind(tmp_path):
    def broken(block):
        raise RuntimeError("the microscope is on fire")

    array = dask.array.ones((1, 8, 8), chunks=4, dtype="uint8").map_blocks(
        broken, dtype="uint8", meta=np.empty((0, 0, 0), "u1")
    )
    case = (
        ("c", "y", "x"),
        (1, 8, 8),
        "mean",
        {"0": ((1, 8, 8), (1, 1, 1), Layout((1, 8, 8)))},
        [(1, 1, 1)],
        None,
    )
    target = open_target(tmp_path / "new.ome.zarr")
    with pytest.raises(RuntimeError, match="on fire"):
        write(
            hierarchy(case, np.ones((1, 8, 8), "u1"), array),
            target,
            mode=None,
            compute=True,
        )
    assert list(tmp_path.iterdir()) == []
