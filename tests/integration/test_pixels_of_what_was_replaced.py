"""Pixels that were opened are those, or an error: never others, and no mixture."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from xarray_omezarr.store import as_opened, exchange

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders in use")

CHUNKS = {"chunks": {"z": 1, "y": 16, "x": 16}, "scale_factors": [2]}


def planes(count: int, value: int = 1) -> xr.DataArray:
    """Every pixel of a stack has the same value, which is not 0."""
    pixels = np.full((count, 16, 16), value, "uint16")
    return xr.DataArray(pixels, dims=("z", "y", "x"), name="image")


def write(path: Path, image: xr.DataArray, **options) -> None:
    image.omezarr.to_image(path, **CHUNKS, **options)


def write_with_labels(path: Path) -> None:
    """Several groups change their version at once, and so folders are exchanged."""
    write(path, planes(12), version="0.4")
    xo.write_labels(planes(12, 7), path, "cells")


@pytest.fixture(params=["as here", "as other systems"])
def identity(request, monkeypatch) -> str:
    """Also where nobody tells when a folder was made."""
    if request.param != "as here":
        known = as_opened._by_python
        monkeypatch.setattr(as_opened, "_identity", known)
    return str(request.param)


@pytest.mark.parametrize("chunks", [None, {}])
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_an_image_that_was_replaced_is_refused(
    tmp_path, chunks, version, identity
) -> None:
    path = tmp_path / "q.ome.zarr"
    write(path, planes(12), version=version)
    opened = [
        xo.open_image(path, chunks=chunks),
        xr.open_dataset(path, engine="omezarr", chunks=chunks).image,
        xr.open_datatree(path, engine="omezarr", chunks=chunks)["1"].image,
    ]
    read_before = xo.open_image(path).load()
    write(path, planes(5, 2), version=version, mode="w")
    for one in opened:
        with pytest.raises(xo.ReplacedError, match=r"q\.ome\.zarr.*open it again"):
            one.compute()
    np.testing.assert_array_equal(read_before, planes(12))
    np.testing.assert_array_equal(xo.open_image(path), planes(5, 2))


def test_whatever_is_asked_for_is_refused(tmp_path) -> None:
    path = tmp_path / "q.ome.zarr"
    write(path, planes(12))
    view = xo.open_image(path)
    copied = view.copy(deep=True)
    write(path, planes(5, 2), mode="w")
    points = xr.DataArray([0, 1], dims="p")
    parts = (view[3], view.isel(z=[4, 1]), view.isel(z=points, y=points), copied)
    for part in parts:
        with pytest.raises(xo.ReplacedError):
            asyncio.run(part.load_async())
        with pytest.raises(xo.ReplacedError):
            _ = part.values


@pytest.mark.parametrize("chunks", [None, {}])
def test_fields_that_were_replaced_are_refused(tmp_path, chunks) -> None:
    path = tmp_path / "q.ome.zarr"
    wells = {f"A/{n}/0": planes(3, n) for n in (1, 2)}
    xo.write_plate(wells, path)
    stacked = xo.open_plate(path, chunks=chunks)
    made = xr.open_datatree(path, engine="omezarr", chunks=chunks).omezarr.stack()
    xo.write_field(planes(3, 9), path, "A/2/0", mode="w")
    for plate in (stacked, made):
        first = plate.image.isel(row=0, column=0, field=0)
        np.testing.assert_array_equal(first, planes(3, 1))
        with pytest.raises(xo.ReplacedError, match="A/2/0"):
            _ = plate.image.values


def test_replaced_twice_is_replaced(tmp_path) -> None:
    # The number of the first folder is free for the third one.
    path = tmp_path / "q.ome.zarr"
    write(path, planes(12))
    if not as_opened._identity(str(path))[2]:
        pytest.skip("nobody knows when a folder was made here")
    view = xo.open_image(path)
    for count in range(4, 9):
        write(path, planes(count, count), mode="w")
        with pytest.raises(xo.ReplacedError):
            _ = view.values


def test_what_was_removed_is_refused(tmp_path) -> None:
    path = tmp_path / "q.ome.zarr"
    write(path, planes(3))
    view = xo.open_image(path)
    shutil.rmtree(path)
    with pytest.raises(xo.ReplacedError, match="not there any more"):
        _ = view.values


def test_what_is_not_a_replacement_is_read(tmp_path) -> None:
    path = tmp_path / "q.ome.zarr"
    write(path, planes(12))
    view = xo.open_image(path)
    again = pickle.loads(pickle.dumps(view))
    xo.write_labels(planes(12, 7), path, "cells")
    planes(2, 3).omezarr.to_image(path, append_dim="z")
    np.testing.assert_array_equal(view, planes(12))
    np.testing.assert_array_equal(again, planes(12))
    np.testing.assert_array_equal(copy.deepcopy(xo.open_image(path))[12:], planes(2, 3))


def test_an_image_is_replaced_by_what_is_made_of_it(tmp_path) -> None:
    path = tmp_path / "q.ome.zarr"
    write(path, planes(6))
    for chunks in (None, {}):
        view, other = (xo.open_image(path, chunks=chunks) for _ in range(2))
        before = int(xo.open_image(path).max())
        (view + 1).astype("uint16").omezarr.to_image(path, mode="w")
        np.testing.assert_array_equal(xo.open_image(path), planes(6, before + 1))
        with pytest.raises(xo.ReplacedError):
            _ = other.values


@pytest.mark.parametrize("in_steps", [False, True])
def test_pixels_are_read_after_an_upgrade_and_not_after_a_replacement(
    tmp_path, monkeypatch, in_steps, identity
) -> None:
    path = tmp_path / "q.ome.zarr"
    write_with_labels(path)
    view, other = xo.open_image(path), xo.open_image(path)
    if in_steps:
        monkeypatch.setattr(exchange, "_system_call", lambda: None)
    before = os.stat(path / "0").st_ino
    xo.upgrade(path, version="0.5")
    assert os.stat(path / "0").st_ino != before
    np.testing.assert_array_equal(view, planes(12))
    with pytest.warns(xo.OmeZarrWarning, match="cells"):
        write(path, planes(5, 2), mode="w")
    with pytest.raises(xo.ReplacedError):
        _ = other.values


def test_what_an_upgrade_came_in_between_is_read_again(tmp_path) -> None:
    path = tmp_path / "q.ome.zarr"
    write_with_labels(path)
    folder = as_opened.opened(str(path / "0"))
    calls = []

    def upgraded_meanwhile() -> int:
        if not calls:
            xo.upgrade(path, version="0.5")
        calls.append(1)
        return len(calls)

    assert folder.read(upgraded_meanwhile) == 2


def test_an_exchange_in_the_middle_of_reading_is_noticed(tmp_path) -> None:
    path = tmp_path / "q.ome.zarr"
    write(path, planes(12))
    folder = as_opened.opened(str(path / "0"))

    def replaced_meanwhile() -> int:
        write(path, planes(5, 2), mode="w")
        return 1

    with pytest.raises(xo.ReplacedError):
        folder.read(replaced_meanwhile)


READER = """
import os
import sys
import numpy as np
import xarray_omezarr as xo

path, chunks = sys.argv[1], {} if sys.argv[2] == "dask" else None
seen = {"whole": 0, "refused": 0}
# What is imported late is imported now.
xo.open_image(path, chunks=chunks).load()
print("ready", flush=True)
while not seen["whole"] or not os.path.exists(path + ".end"):
    view = xo.open_image(path, chunks=chunks)
    for _ in range(3):
        try:
            # A copy, as what was read once is kept.
            pixels = view.copy(deep=True).values
        except xo.ReplacedError:
            seen["refused"] += 1
            break
        values = np.unique(pixels)
        # Each has as many planes as its value says.
        assert values.size == 1 and values[0] == len(pixels), (values, pixels.shape)
        seen["whole"] += 1
print(seen)
"""


@pytest.mark.parametrize("kind", ["numpy", "dask"])
def test_who_reads_during_replacements_gets_no_mixture(tmp_path, kind) -> None:
    path = tmp_path / "q.ome.zarr"
    write(path, planes(12, 12))
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(path), kind],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
        for number in range(20):
            count = 3 + (number * 7) % 11
            write(path, planes(count, count), mode="w")
        path.with_name(f"{path.name}.end").touch()
        out, err = reader.communicate(timeout=120)
    assert reader.returncode == 0, err
    assert "whole" in out
