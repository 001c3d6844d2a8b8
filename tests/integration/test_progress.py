"""What users see of the progress of a write, wherever its pixels come from."""

from __future__ import annotations

import importlib
import os
import pickle
import signal
import subprocess
import sys
import textwrap
import threading
import time

import dask
import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.errors import OptionError
from xarray_omezarr.testing import image

# Of 128 x 96 pixels of 2 bytes and the levels of 64 x 48 and 32 x 24.
TOTAL = 2 * (128 * 96 + 64 * 48 + 32 * 24)
OPTIONS = {"chunks": 16, "scale_factors": [2, 4], "memory_limit": "16 KiB"}


def picture(blocks=None):
    return image("yx", (128, 96), blocks=blocks)


class Seen(list):
    """A function ``(done, total)`` that cannot be sent anywhere."""

    def __init__(self):
        self.lock = threading.Lock()

    def __call__(self, done, total):
        with self.lock:
            self.append((done, total))


def assert_complete(seen, at_least=2):
    done = [now for now, _ in seen]
    assert seen[0] == (0, TOTAL)
    assert seen[-1] == (TOTAL, TOTAL)
    assert done == sorted(set(done))
    assert {total for _, total in seen} == {TOTAL}
    assert len(seen) >= at_least


@pytest.mark.parametrize("blocks", [None, 40])
@pytest.mark.parametrize("writer", ["zarr", "tensorstore"])
def test_a_function_is_told_from_nothing_to_all_bytes(tmp_path, blocks, writer):
    seen = Seen()
    store = tmp_path / "i.ome.zarr"
    picture(blocks).omezarr.to_image(store, progress=seen, writer=writer, **OPTIONS)
    assert_complete(seen, at_least=4)


def test_an_image_of_blanks_is_complete_too(tmp_path):
    seen = Seen()
    blank = picture() * np.uint16(0)
    blank.omezarr.to_image(tmp_path / "i.ome.zarr", progress=seen, **OPTIONS)
    assert_complete(seen)


@pytest.mark.parametrize("blocks", [None, 40])
def test_a_function_is_told_when_the_delayed_runs(tmp_path, blocks):
    seen = Seen()
    delayed = picture(blocks).omezarr.to_image(
        tmp_path / "i.ome.zarr", progress=seen, compute=False, mode="w", **OPTIONS
    )
    assert seen == []
    for _ in range(2):
        seen.clear()
        delayed.compute()
        assert_complete(seen, at_least=4)


def test_an_error_of_the_function_stops_the_write(tmp_path):
    def stop(done, total):
        if done > total / 2:
            raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        picture().omezarr.to_image(tmp_path / "i.ome.zarr", progress=stop, **OPTIONS)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_error_of_the_write_leaves_the_function_where_it_was(tmp_path):
    seen = Seen()

    def fails(block, factors):
        raise RuntimeError("no such block")

    with pytest.raises(RuntimeError, match="no such block"):
        picture().omezarr.to_image(
            tmp_path / "i.ome.zarr", progress=seen, method=fails, **OPTIONS
        )
    assert seen[0] == (0, TOTAL)
    assert seen[-1][0] < TOTAL


def test_a_refused_write_tells_nothing(tmp_path):
    seen = Seen()
    picture().omezarr.to_image(tmp_path / "i.ome.zarr")
    with pytest.raises(FileExistsError):
        picture().omezarr.to_image(tmp_path / "i.ome.zarr", progress=seen)
    assert seen == []


@pytest.mark.parametrize("blocks", [None, 40])
def test_a_bar_in_the_terminal(capsys, blocks):
    picture(blocks).omezarr.to_image(MemoryStore(), progress=True, **OPTIONS)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("\rWriting:   0%|")
    assert "Writing: 100%|" in shown.err
    assert "31.5k/31.5k" in shown.err
    assert shown.err.count("\n") == 1
    assert shown.err.endswith("\n")


def test_no_bar_unless_it_is_asked_for(capsys):
    picture().omezarr.to_image(MemoryStore(), **OPTIONS)
    shown = capsys.readouterr()
    assert shown.err == shown.out == ""


@pytest.mark.parametrize("progress", ["yes", None, 1])
def test_other_values_are_refused_before_the_first_byte(tmp_path, progress):
    with pytest.raises(OptionError, match="progress is"):
        picture().omezarr.to_image(tmp_path / "i.ome.zarr", progress=progress)
    assert not os.listdir(tmp_path)


def test_a_bar_that_is_interrupted_is_closed_and_leaves_no_thread(tmp_path):
    code = """
        import os, signal, sys, threading, time
        import numpy as np, xarray as xr, xarray_omezarr

        def slowly(block, factors):
            if threading.current_thread() is threading.main_thread():
                os.kill(os.getpid(), signal.SIGINT)
            return block[::2, ::2]

        da = xr.DataArray(np.ones((256, 256)), dims=("y", "x"))
        try:
            da.omezarr.to_image(
                sys.argv[1], progress=True, method=slowly, scale_factors=[2]
            )
        except KeyboardInterrupt:
            ours = [t for t in threading.enumerate() if "omezarr" in t.name]
            bars = [t for t in threading.enumerate() if "TMonitor" in str(type(t))]
            print("interrupted", ours + bars)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code), str(tmp_path / "i.ome.zarr")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "interrupted []\n", done.stderr
    assert done.stderr.endswith("\n")
    assert "100%" not in done.stderr


def test_a_widget_in_a_notebook(tmp_path):
    nbclient = importlib.import_module("nbclient")
    nbformat = importlib.import_module("nbformat")
    code = f"""
        import numpy as np, xarray as xr, xarray_omezarr
        da = xr.DataArray(np.ones((64, 64)), dims=("y", "x"))
        group = da.omezarr.to_image({str(tmp_path / "i.ome.zarr")!r}, progress=True)
    """
    cell = nbformat.v4.new_code_cell(textwrap.dedent(code))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    client = nbclient.NotebookClient(notebook, timeout=120, kernel_name="python3")
    client.execute()
    views = [
        output["data"]["application/vnd.jupyter.widget-view+json"]["model_id"]
        for output in cell.outputs
        if "widget-view" in str(output.get("data", {}))
    ]
    assert len(views) == 1
    states = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]
    bars = [
        model["state"]
        for model in states["state"].values()
        if model["model_name"] == "FloatProgressModel"
    ]
    assert [(bar["value"], bar["max"], bar["bar_style"]) for bar in bars] == [
        (bars[0]["max"], 64 * 64 * 8, "success")
    ]


def test_a_worker_that_is_killed_does_not_push_it_too_far(tmp_path):
    distributed = importlib.import_module("distributed")
    dask_image = picture(32)
    mark = tmp_path / "killed"

    def deadly(block):
        if not mark.exists() and len(os.listdir(tmp_path)) > 0 and block.size:
            mark.touch()
            time.sleep(0.5)
            os.kill(os.getpid(), signal.SIGKILL)
        return block

    seen = Seen()
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster),
    ):
        lazy = dask_image.copy(data=dask_image.data.map_blocks(deadly, dtype="uint16"))
        lazy.omezarr.to_image(tmp_path / "i.ome.zarr", progress=seen, **OPTIONS)
    assert mark.exists()
    assert_complete(seen, at_least=4)
    xr.testing.assert_equal(xo.open_image(tmp_path / "i.ome.zarr"), picture())


def test_a_delayed_that_nobody_would_hear_is_refused_before_it_writes(tmp_path):
    distributed = importlib.import_module("distributed")
    seen = Seen()
    delayed = picture(40).omezarr.to_image(
        tmp_path / "i.ome.zarr", progress=seen, compute=False, **OPTIONS
    )
    with (
        distributed.LocalCluster(
            n_workers=1, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as late,
        pytest.raises(OptionError, match="make the Client first"),
    ):
        late.compute(delayed).result(timeout=60)
    assert not os.listdir(tmp_path)
    assert seen == []


def test_processes_without_a_cluster_are_refused(tmp_path):
    delayed = picture(40).omezarr.to_image(
        tmp_path / "i.ome.zarr", progress=Seen(), compute=False, **OPTIONS
    )
    with (
        dask.config.set(scheduler="processes", num_workers=1),
        pytest.raises(OptionError, match="other processes"),
    ):
        delayed.compute()
    assert not os.listdir(tmp_path)


def test_reports_of_a_write_are_small():
    seen = Seen()
    delayed = picture(40).omezarr.to_image(
        MemoryStore(), progress=seen, compute=False, **OPTIONS
    )
    assert len(pickle.dumps(dict(delayed.dask))) < 10**6


# The tests above need that no Client is active, or have one of their own.
@pytest.fixture(scope="module")
def client():
    distributed = importlib.import_module("distributed")
    with (
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.mark.parametrize("writer", ["zarr", "tensorstore"])
def test_a_function_is_told_by_the_workers_of_a_cluster(client, tmp_path, writer):
    for attempt in range(3):
        seen = Seen()
        store = tmp_path / f"{attempt}.ome.zarr"
        picture(40).omezarr.to_image(store, progress=seen, writer=writer, **OPTIONS)
        assert_complete(seen, at_least=4)


@pytest.mark.parametrize("blocks", [None, 40])
def test_a_delayed_tells_from_a_cluster(client, tmp_path, blocks):
    seen = Seen()
    delayed = picture(blocks).omezarr.to_image(
        tmp_path / "i.ome.zarr", progress=seen, compute=False, **OPTIONS
    )
    future = client.compute(delayed)
    del delayed
    future.result(timeout=60)
    assert_complete(seen, at_least=4)


def test_a_bar_is_told_by_the_workers_of_a_cluster(client, tmp_path, capsys):
    picture(40).omezarr.to_image(tmp_path / "i.ome.zarr", progress=True, **OPTIONS)
    shown = capsys.readouterr().err
    assert "Writing: 100%|" in shown
    assert "31.5k/31.5k" in shown
