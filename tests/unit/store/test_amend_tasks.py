"""A change of an image as tasks: how large the graph is, and what is made once."""

from __future__ import annotations

import threading

import dask
import dask.array
import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.store import existing


def image(data) -> xr.DataArray:
    return xr.DataArray(data, dims=("t", "y", "x"))


def prepared(frames: int, store=None):
    store = MemoryStore() if store is None else store
    empty = xo.template("tyx", (frames, 16, 16), "uint8")
    return xo.prepare_image(empty, store, scale_factors=[2], chunks=(1, 8, 8))[0]


@pytest.mark.parametrize("how", ["region", "append"])
@pytest.mark.parametrize("kind", ["dask", "numpy"])
def test_more_pieces_are_more_tasks_but_not_more_calls_or_layers(
    how, kind, monkeypatch
) -> None:
    calls = []
    original = dask.delayed

    def counted(*args, **kwargs):
        calls.append(1)
        return original(*args, **kwargs)

    found = []
    for frames in (2, 40):
        group = prepared(frames)
        data = np.ones((frames, 16, 16), "uint8")
        if kind == "dask":
            data = dask.array.from_array(data, chunks=(1, 16, 16))
        options = {"region": "auto"} if how == "region" else {"append_dim": "t"}
        piece = image(data)
        if how == "append":
            piece = piece.assign_coords(t=frames + np.arange(float(frames)))
        calls.clear()
        with monkeypatch.context() as patch:
            patch.setattr(dask, "delayed", counted)
            later = xo.write_image(
                piece, group, compute=False, memory_limit=1024, **options
            )
        found.append((len(calls), len(later.dask.layers)))
        later.compute(scheduler="sync")
        assert (xo.open_image(group).values[-frames:] == 1).all()
    assert found[0] == found[1]


def test_each_chunk_is_made_once_though_pieces_cut_it() -> None:
    made, lock = [], threading.Lock()

    def make(block, block_info=None):
        with lock:
            made.append(block_info[0]["chunk-location"])
        return block + np.uint8(len(block_info))

    values = np.arange(6 * 16 * 16, dtype="uint8").reshape(6, 16, 16)
    source = dask.array.from_array(values, chunks=(4, 5, 16))
    lazy = source.map_blocks(make, dtype="uint8", meta=np.empty((0, 0, 0), "uint8"))
    group = prepared(6)
    xo.write_image(image(lazy), group, region={"t": slice(0, 6)}, memory_limit=1024)
    assert len(made) == len(set(made)) == 2 * 4
    np.testing.assert_array_equal(
        xo.open_image(group).values, values + xo.open_image(group).values[0, 0, 0]
    )


def test_who_shares_no_object_asks_for_no_lock(monkeypatch, tmp_path) -> None:
    group = prepared(2, tmp_path / "x.zarr")
    frame = image(np.ones((1, 16, 16), "uint8"))
    asked = []
    original = existing.lock_of

    def noted(*args):
        asked.append(args)
        return original(*args)

    monkeypatch.setattr(existing, "lock_of", noted)
    xo.write_image(frame, group, region={"t": slice(0, 1)})
    assert asked == []
    xo.write_image(
        frame[:, :4, :4], group, region={"t": 1, "y": slice(0, 4), "x": slice(0, 4)}
    )
    assert len(asked) == 1
