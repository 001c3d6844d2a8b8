"""Contrast windows are measured while pixels are written, however they are cut."""

from __future__ import annotations

import math
import tracemalloc
from dataclasses import replace

import dask.array
import numpy as np
import pytest
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
from xarray_omezarr.ngff.omero import Channel, Omero, Window
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store import windows
from xarray_omezarr.store.engine import write
from xarray_omezarr.store.target import open_target

SHAPE = (3, 32, 32)
CHUNKS = (2, 16, 16)


def pixels(seed=0):
    """Three channels of different ranges, each with one pixel that is far off."""
    rng = np.random.default_rng(seed)
    made = np.stack([rng.integers(low, low + 100, SHAPE[1:]) for low in (0, 500, 900)])
    made[:, 5, 7] += 10_000
    return made.astype("int32")


def hierarchy(given, channels, dims=("c", "y", "x"), factors=(1, 2, 2)):
    types = {"c": "channel"}
    axes = [Axis(name=d, type=types.get(d, "space")) for d in dims]
    ones = (1.0,) * len(dims)
    levels = [
        Level.of("0", ones),
        Level.of("1", tuple(float(f) for f in factors)),
    ]
    omero = Omero(channels=tuple(channels))
    image = Image(multiscales=(Multiscale.of(axes, levels),), omero=omero)
    shape = given.shape
    coarse = tuple(-(-n // f) for n, f in zip(shape, factors, strict=True))
    chunks = CHUNKS[-len(shape) :]
    nodes = {
        "": GroupNode(image),
        "0": ArrayNode(dims, shape, given.dtype, Layout(chunks), Given(given)),
        "1": ArrayNode(
            dims,
            coarse,
            given.dtype,
            Layout(tuple(min(a, b) for a, b in zip(chunks, coarse, strict=True))),
            Downsampled("0", factors, "nearest"),
        ),
    }
    return Hierarchy(registry.get("0.5"), nodes)


def written(given, channels, memory_limit=10**6, **kwargs):
    plan = hierarchy(given, channels, **kwargs)
    target = open_target(MemoryStore())
    root = write(plan, target, mode=None, compute=True, memory_limit=memory_limit)
    return [channel["window"] for channel in root.attrs["ome"]["omero"]["channels"]]


CHANNELS = [Channel(color="FF0000")] * 3


@pytest.mark.parametrize("budget", [1, 10_000, 10**6])
@pytest.mark.parametrize(
    "wrap",
    [
        np.asarray,
        lambda array: dask.array.from_array(array, chunks=(1, 7, 32)),
        lambda array: dask.array.from_array(array, chunks=(3, 32, 5)),
    ],
)
def test_limits_are_those_of_all_pixels_of_the_channel(wrap, budget) -> None:
    data = pixels()
    found = written(wrap(data), CHANNELS, budget)
    for window, channel in zip(found, data, strict=True):
        assert (window["min"], window["max"]) == (channel.min(), channel.max())


@pytest.mark.parametrize("budget", [1, 10**6])
def test_percentiles_are_those_of_the_coarsest_level_of_the_channel(budget) -> None:
    data = pixels()
    found = written(data, CHANNELS, budget)
    for window, channel in zip(found, data, strict=True):
        expected = np.percentile(channel[::2, ::2], (0.1, 99.9))
        assert (window["start"], window["end"]) == pytest.approx(tuple(expected))


def test_a_window_that_was_given_is_left_alone() -> None:
    given = Window(min=0, max=9, start=1, end=8)
    channels = [CHANNELS[0], Channel(color="00FF00", window=given), CHANNELS[0]]
    assert written(pixels(), channels)[1] == given.to_json()


def test_nan_counts_for_nothing() -> None:
    data = pixels().astype("float32")
    data[1, 3:9] = np.nan
    data[2] = np.nan
    found = written(data, CHANNELS)
    assert (found[1]["min"], found[1]["max"]) == (
        np.nanmin(data[1]),
        np.nanmax(data[1]),
    )
    assert found[2] == {"min": 0.0, "max": 1.0, "start": 0.0, "end": 1.0}


def test_an_image_without_channel_dim_is_one_channel() -> None:
    data = pixels()[1]
    (window,) = written(data, CHANNELS[:1], dims=("y", "x"), factors=(2, 2))
    assert (window["min"], window["max"]) == (data.min(), data.max())


def test_nothing_is_measured_where_every_window_was_given() -> None:
    given = Window(min=0, max=9, start=1, end=8)
    plan = hierarchy(pixels(), [Channel(color="FF0000", window=given)] * 3)
    assert windows.channel_axes(plan) == {}
    assert windows.channel_axes(hierarchy(pixels(), CHANNELS)) == {"0": 0}


def test_a_large_level_is_sampled_evenly(monkeypatch) -> None:
    monkeypatch.setattr(windows, "_SAMPLE_PIXELS", 600)
    data = np.zeros((1, 64, 64), "uint16")
    # Brightness grows from block to block, so a sample of one corner would show.
    data[0] = (np.arange(64)[:, None] // 16) * 4 + np.arange(64)[None, :] // 16
    plan = hierarchy(data, CHANNELS[:1], factors=(1, 1, 1))
    target = open_target(MemoryStore())
    root = write(plan, target, mode=None, compute=True, memory_limit=10**6)
    window = root.attrs["ome"]["omero"]["channels"][0]["window"]
    assert window["min"] == 0
    assert window["max"] == 15
    assert window["end"] - window["start"] >= 7


@pytest.mark.parametrize("limit", [1, 300, 5000])
def test_a_sample_holds_pixels_of_its_channel_only(monkeypatch, limit) -> None:
    monkeypatch.setattr(windows, "_SAMPLE_PIXELS", limit)
    found = written(pixels(), CHANNELS)
    for window, low in zip(found, (0, 500, 900), strict=True):
        assert low <= window["start"] < window["end"] <= low + 10_100


class Counted:
    """An array in memory that counts the pixels it decodes: whole objects."""

    def __init__(self, array, objects) -> None:
        self.array, self.objects = array, objects
        self.decoded = 0
        self.read = []

    def __getitem__(self, key):
        self.read.append(self.array[key].size)
        cells = [
            -(-k.stop // o) - k.start // o
            for k, o in zip(key, self.objects, strict=True)
        ]
        self.decoded += math.prod(cells) * math.prod(self.objects)
        return self.array[key]


def measured(data, layout, given=0):
    window = Window(min=0, max=9, start=1, end=8)
    channels = [Channel(color="FF0000", window=window)] * given
    channels += [Channel(color="FF0000")] * (len(data) - given)
    plan = hierarchy(data, channels, factors=(1, 1, 1))
    nodes = {**plan.nodes, "1": replace(plan.nodes["1"], layout=layout)}
    counted = Counted(data, layout.objects)
    limits = {n: (float(c.min()), float(c.max())) for n, c in enumerate(data)}
    done = windows.complete(replace(plan, nodes=nodes), {"0": limits}, {"1": counted})
    return [c.window for c in done.group("").model.omero.channels], counted


@pytest.mark.parametrize("room", [2**23, 5 * 32 * 32 * 4])
def test_objects_of_many_channels_are_decoded_once_for_as_many_as_fit(
    monkeypatch, room
) -> None:
    monkeypatch.setattr(windows, "_SAMPLE_BYTES", room)
    data = np.random.default_rng(0).integers(0, 10**6, (12, 32, 32)).astype("int32")
    found, counted = measured(data, Layout((4, 16, 16)))
    for window, channel in zip(found, data, strict=True):
        expected = np.percentile(channel, (0.1, 99.9))
        assert (window.start, window.end) == pytest.approx(tuple(expected))
    assert counted.decoded == data.size
    assert max(counted.read) * 4 <= room


def test_channels_whose_windows_were_given_are_not_read() -> None:
    data = np.random.default_rng(0).integers(0, 10**6, (6, 32, 32)).astype("int32")
    _, counted = measured(data, Layout((1, 32, 32)), given=4)
    assert counted.decoded == 2 * 32 * 32


def test_a_sample_is_of_all_rows_and_columns_of_objects(monkeypatch) -> None:
    monkeypatch.setattr(windows, "_SAMPLE_PIXELS", 8 * 64)
    places = np.arange(64)
    for along in (0, 1):
        data = np.broadcast_to(np.expand_dims(places, 1 - along), (64, 64))[np.newaxis]
        (window,), _ = measured(data.astype("int32"), Layout((1, 8, 8)))
        assert window.start < 12
        assert window.end > 51


def test_the_memory_of_samples_does_not_grow_with_the_level() -> None:
    data = np.random.default_rng(0).random((2, 2048, 2048), "float32")
    tracemalloc.start()
    found, counted = measured(data, Layout((1, 256, 256)))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert counted.decoded == 2 * 2**20
    # Samples of both channels, and what percentiles of one need in 64 bits.
    assert peak < 32 * 2**20
    assert [window.start for window in found] == pytest.approx([0.001] * 2, abs=2e-4)


@pytest.mark.parametrize(
    "layout", [Layout((1, 64, 64)), Layout((1, 16, 16), (1, 64, 64))]
)
def test_objects_that_are_larger_than_a_sample_are_thinned(monkeypatch, layout) -> None:
    monkeypatch.setattr(windows, "_SAMPLE_PIXELS", 1000)
    offsets = np.reshape([0, 10], (2, 1, 1))
    data = np.random.default_rng(0).random((2, 64, 64)) + offsets
    found, _ = measured(data, layout)
    for low, window in zip((0, 10), found, strict=True):
        assert low <= window.start < low + 0.1
        assert low + 0.9 < window.end <= low + 1
