"""Disks that fail: the old data are intact, and the error says what is left."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from xarray_omezarr.store import nodes

OPTIONS = {"scale_factors": [2], "chunks": 16, "compression": "none"}


def image(value=1, dims=("c", "y", "x")):
    return xr.DataArray(np.full((2, 32, 32), value, "uint16"), dims=dims)


def contents(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


# -- Files that may not grow beyond a size: a real limit of the system --------------

LIMITED = """
import resource, signal, sys
import numpy as np, xarray as xr
import xarray_omezarr as xo
import xarray_omezarr.api

kind, path = sys.argv[1:]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192))
da = xr.DataArray(np.full((2, 256, 256), 9, "uint16"), dims=("c", "y", "x"))
options = {"scale_factors": [2], "chunks": 256, "compression": "none"}
try:
    if kind == "field":
        xo.write_field(da, path, "B/2/0", **options)
    elif kind == "append":
        da = da.rename(c="t").assign_coords(t=[2.0, 3.0])
        xo.write_image(da, path, append_dim="t")
    elif kind == "region":
        xo.write_image(da, path, region={})
    else:
        xo.write_image(da, path, mode=kind, **options)
except OSError as error:
    print(error.errno, *error.__notes__)
"""


def limited(kind, path) -> str:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, kind, str(path)],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
@pytest.mark.parametrize("kind", ["w-", "w", "field", "append", "region"])
def test_files_that_are_too_large_are_told_and_the_old_data_stay(tmp_path, kind):
    path = tmp_path / "image.ome.zarr"
    dims = ("t", "y", "x") if kind == "append" else ("c", "y", "x")
    old = xr.DataArray(np.full((2, 256, 256), 3, "uint16"), dims=dims)
    large = {"scale_factors": [2], "chunks": 256, "compression": "none"}
    if kind == "field":
        xo.write_field(old, path, "A/1/0", **large)
    elif kind != "w-":
        xo.write_image(old, path, **large)
    before = contents(path) if path.exists() else {}
    said = limited(kind, path)
    assert said.startswith(str(errno.EFBIG))
    assert "ulimit -f" in said
    after = contents(path) if path.exists() else {}
    assert {key: after.get(key) for key in before} == before
    assert not any("partial" in key or "lock" in key for key in after)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name] * bool(before)


# -- Errors at every single write of documents and of pixels ------------------------


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
@pytest.mark.parametrize("mode", ["w-", "w"])
def test_whatever_document_fails_nothing_is_lost_and_nothing_left(
    tmp_path, monkeypatch, mode, number
):
    path = tmp_path / "image.ome.zarr"
    if mode == "w":
        xo.write_image(image(), path, **OPTIONS)
    before = contents(path) if path.exists() else {}
    put, fails_at, failed = nodes.put, 0, True

    while failed:
        fails_at += 1
        failed, count = False, 0

        def failing(store, documents, *args, at=fails_at, **kwargs):
            nonlocal count, failed
            count += 1
            if count == at:
                failed = True
                raise OSError(number, os.strerror(number))
            return put(store, documents, *args, **kwargs)

        monkeypatch.setattr(nodes, "put", failing)
        try:
            xo.write_image(image(2), path, mode=mode, **OPTIONS)
        except OSError as error:
            assert failed
            assert error.errno == number
            assert any("To go on" in note for note in error.__notes__)
            assert (contents(path) if path.exists() else {}) == before
    assert fails_at > 2
    assert int(xo.open_image(path).max()) == 2


# -- Folders that must not be written to ---------------------------------------------

_CAPABILITIES = (1, 2, 3)  # of root: to read, write and own whatever it wants
_DROP = 24  # PR_CAPBSET_DROP


def as_anybody() -> None:
    """In a child: do without what lets root write everywhere."""
    if os.geteuid() == 0:
        system = ctypes.CDLL(None, use_errno=True)
        for capability in _CAPABILITIES:
            system.prctl(_DROP, capability, 0, 0, 0)


FORBIDDEN = """
import sys
import numpy as np, xarray as xr
import xarray_omezarr as xo

kind, path = sys.argv[1:]
da = xr.DataArray(np.full((2, 32, 32), 9, "uint16"), dims=("c", "y", "x"))
calls = {
    "new": lambda: xo.write_image(da, path + "/new.ome.zarr"),
    "w": lambda: xo.write_image(da, path + "/image.ome.zarr", mode="w"),
    "one file": lambda: xo.write_image(da, path + "/new.ozx"),
    "region": lambda: xo.write_image(da, path + "/image.ome.zarr", region={}),
    "labels": lambda: xo.write_labels(
        da[0], path + "/image.ome.zarr", "cells", chunks=16),
    "field": lambda: xo.write_field(da, path + "/plate.ome.zarr", "B/2/0"),
    "pyramid": lambda: xo.build_pyramid(path + "/image.ome.zarr", scale_factors=[4]),
}
try:
    calls[kind]()
except PermissionError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="root writes everywhere else")
@pytest.mark.parametrize(
    "kind", ["new", "w", "one file", "region", "labels", "field", "pyramid"]
)
def test_what_must_not_be_written_is_refused_before_the_first_byte(tmp_path, kind):
    xo.write_image(image(), tmp_path / "image.ome.zarr", **OPTIONS)
    xo.write_field(image(), tmp_path / "plate.ome.zarr", "A/1/0", **OPTIONS)
    before = contents(tmp_path)
    folders = [tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())]
    for folder in folders:
        folder.chmod(0o555)
    try:
        done = subprocess.run(
            [sys.executable, "-c", FORBIDDEN, kind, str(tmp_path)],
            capture_output=True,
            text=True,
            cwd=Path(__file__).parents[2],
            preexec_fn=as_anybody,
            timeout=300,
        )
    finally:
        for folder in folders:
            folder.chmod(0o755)
    assert done.stdout.startswith("NotWritableError"), done.stdout + done.stderr
    assert "must not be written to" in done.stdout
    assert contents(tmp_path) == before
