"""Errors say what was found, what is left and what to do."""

from __future__ import annotations

import json
import warnings

import dask.array
import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from xarray_omezarr.store.claim import take
from xarray_omezarr.store.target import open_target


def image(pixels=None):
    pixels = np.ones((8, 8), "uint16") if pixels is None else pixels
    return xr.DataArray(pixels, dims=("y", "x"))


def failing():
    def fail(block):
        raise ValueError("the disk of the microscope is off")

    zeros = dask.array.zeros((8, 8), chunks=4, dtype="uint16")
    return image(zeros.map_blocks(fail, dtype="uint16", meta=np.empty((0, 0), "u2")))


def test_a_scale_beyond_all_numbers_is_an_error_of_coordinates(tmp_path) -> None:
    xo.write_image(image(), tmp_path / "a", scale_factors=[])
    document = tmp_path / "a" / "zarr.json"
    told = json.loads(document.read_text())
    (level,) = told["attributes"]["ome"]["multiscales"][0]["datasets"]
    level["coordinateTransformations"] = [{"type": "scale", "scale": [1e308, 1.0]}]
    document.write_text(json.dumps(told))
    with pytest.raises(xo.CoordinateError, match="'y' has 8 pixels of scale 1e\\+308"):
        xo.open_image(tmp_path / "a")


def test_a_source_that_fails_tells_of_going_on(tmp_path) -> None:
    with pytest.raises(ValueError, match="microscope") as caught:
        failing().omezarr.to_image(tmp_path / "a", resume=True)
    assert any("resume=True goes on" in note for note in caught.value.__notes__)
    with pytest.raises(xo.NotOmeZarrError, match="or go on with resume=True"):
        xo.open_image(tmp_path / "a")
    remedies = [found.remedy or "" for found in xo.validate(tmp_path / "a").findings]
    assert any("go on with resume=True" in remedy for remedy in remedies)


def test_a_source_that_fails_without_it_leaves_nothing_and_says_so(tmp_path) -> None:
    with pytest.raises(ValueError, match="microscope") as caught:
        failing().omezarr.to_image(tmp_path / "a")
    assert any("Nothing is left" in note for note in caught.value.__notes__)


def test_what_is_refused_has_not_warned_of_what_it_removes(tmp_path) -> None:
    xo.write_image(image(), tmp_path / "a")
    image().omezarr.to_labels(tmp_path / "a", "cells")
    with take(open_target(tmp_path / "a"), "other"), warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(xo.LockedError):
            image().omezarr.to_image(tmp_path / "a", mode="w")
    with pytest.warns(xo.OmeZarrWarning, match="removes its labels"):
        image().omezarr.to_image(tmp_path / "a", mode="w")


def test_a_link_to_nothing_is_called_one(tmp_path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "gone")
    for mode in (None, "w"):
        with pytest.raises(xo.TargetExistsError, match=r"link to nothing: .*gone"):
            image().omezarr.to_image(tmp_path / "a", mode=mode)
    assert (tmp_path / "a").is_symlink()


def test_sessions_and_repositories_are_told_what_to_give() -> None:
    icechunk = pytest.importorskip("icechunk")
    repo = icechunk.Repository.create(icechunk.in_memory_storage())
    session = repo.writable_session("main")
    for given in (repo, session):
        with pytest.raises(xo.OptionError, match=r"give session\.store"):
            image().omezarr.to_image(given)
    image().omezarr.to_image(session.store)
    read = xo.open_image(session.store, chunks={})
    with pytest.raises(xo.OptionError, match="readonly_session"):
        (read + 1).omezarr.to_image(session.store, mode="w")
