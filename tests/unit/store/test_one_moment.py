"""What is read was there at one moment, or is read again."""

from __future__ import annotations

import os

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from xarray_omezarr.errors import LockedError
from xarray_omezarr.store import one_moment
from xarray_omezarr.store.target import open_target


@pytest.fixture
def place(tmp_path):
    pixels = xr.DataArray(np.ones((8, 8), "uint8"), dims=("y", "x"))
    pixels.omezarr.to_image(tmp_path / "a.ome.zarr")
    return tmp_path / "a.ome.zarr"


def test_what_is_not_touched_is_read_once(place) -> None:
    calls = []
    target = open_target(place, read_only=True)
    assert one_moment.at_one_moment(target, lambda: calls.append(1) or 7) == 7
    assert calls == [1]


def test_what_is_replaced_while_it_is_read_is_read_again(place) -> None:
    calls = []
    document = place / "zarr.json"

    def read():
        with document.open("rb") as stream:
            one_moment.note_file(str(document), stream.fileno())
            found = stream.read()
        calls.append(found)
        if len(calls) == 1:
            other = document.with_name("other")
            other.write_bytes(found + b" ")
            os.replace(other, document)
        return found

    target = open_target(place, read_only=True)
    assert one_moment.at_one_moment(target, read) == calls[0] + b" "
    assert len(calls) == 2


def test_what_is_replaced_all_the_time_is_told(place, monkeypatch) -> None:
    document = place / "zarr.json"
    monkeypatch.setattr(one_moment, "_ATTEMPTS", 4)

    def read():
        one_moment.note_folder(str(place))
        with document.open("rb") as stream:
            one_moment.note_file(str(document), stream.fileno())
        aside = place.with_name("aside")
        os.rename(place, aside)
        place.mkdir()
        for file in ("zarr.json",):
            (place / file).write_bytes((aside / file).read_bytes())

    with pytest.raises((LockedError, OSError)):
        one_moment.at_one_moment(open_target(place, read_only=True), read)


def test_a_file_system_that_numbers_open_files_otherwise_can_be_read(
    place, monkeypatch
) -> None:
    # As some network file systems and those in user space do.
    real = os.fstat

    def other(handle):
        told = list(real(handle))
        told[1] += 1
        return os.stat_result(told)

    monkeypatch.setattr(one_moment.os, "fstat", other)
    assert xo.open_image(place).shape == (8, 8)
