"""Nothing is put into what another process is about to replace, and lost with that."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading

import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.store.claim import CLAIM, take
from xarray_omezarr.store.lock import documents_alone
from xarray_omezarr.store.presence import writing
from xarray_omezarr.store.rebuild import Rebuild
from xarray_omezarr.store.target import open_target

SPAWN = multiprocessing.get_context("spawn")
SHAPE = (1, 64, 64)
LEVELS = {"scale_factors": [2], "chunks": (1, 16, 16)}


def image(value):
    return xr.DataArray(np.full(SHAPE, value, "uint16"), dims=("t", "y", "x"))


def plate(value):
    fields = {f"A/{n}/0": image(value).to_dataset(name="image") for n in (1, 2)}
    return xr.DataTree.from_dict(fields)


def replace(kind, path, begun, release):
    """Write the new one, and wait for the others before it is complete."""

    def pixels(_):
        begun.set()
        assert release.wait(60)
        return np.full(SHAPE, 9, "uint16")

    empty = dask.array.zeros(SHAPE, "uint16", chunks=-1)
    late = xr.DataArray(
        empty.map_blocks(pixels, dtype="uint16", meta=np.empty((0, 0, 0), "uint16")),
        dims=("t", "y", "x"),
    )
    if kind == "image":
        xo.write_image(late, path, mode="w", **LEVELS)
    else:
        fields = {f"A/{n}/0": late.to_dataset(name="image") for n in (1, 2)}
        xr.DataTree.from_dict(fields).omezarr.to_plate(path, mode="w", **LEVELS)


class Replacer:
    """Another process that replaces what is at a path."""

    def __init__(self, kind, path):
        self.begun, self.release = SPAWN.Event(), SPAWN.Event()
        self.process = SPAWN.Process(
            target=replace, args=(kind, path, self.begun, self.release)
        )

    def __enter__(self):
        self.process.start()
        assert self.begun.wait(60)
        return self

    def __exit__(self, *_):
        if self.process.is_alive():
            # Of one that is dead an event would wait for ever to be heard.
            self.release.set()
        self.process.join(60)


INTO_IMAGES = {
    "region": lambda path: xo.write_image(
        image(5)[:, :16, :16], path, region={"y": slice(0, 16), "x": slice(0, 16)}
    ),
    "append": lambda path: xo.write_image(image(5), path, append_dim="t"),
    "update": lambda path: xo.update(path, name="corrected"),
    "pyramid": lambda path: xo.build_pyramid(path, scale_factors=[2, 4]),
    "labels": lambda path: image(1).omezarr.to_labels(path, "cells", mode="w"),
    "upgrade": lambda path: xo.upgrade(path, version="0.6"),
}


def everything(path):
    return {
        os.path.join(above, name): os.stat(os.path.join(above, name)).st_mtime_ns
        for above, _, names in os.walk(path)
        for name in names
        if name != CLAIM
    }


@pytest.mark.filterwarnings("ignore::xarray_omezarr.OmeZarrWarning")
def test_what_would_be_lost_is_refused_before_the_first_byte(tmp_path):
    path = str(tmp_path / "a.ome.zarr")
    xo.write_image(image(1), path, **LEVELS)
    with Replacer("image", path) as replacer:
        before = everything(path)
        for way in INTO_IMAGES.values():
            with pytest.raises(xo.LockedError, match=r"since|being written"):
                way(path)
            assert everything(path) == before
    assert replacer.process.exitcode == 0
    assert set(np.unique(zarr.open_array(f"{path}/0", mode="r")[...])) == {9}
    # Afterwards nothing is in the way.
    for way in INTO_IMAGES.values():
        way(path)


INTO_PLATES = {
    "update of a field": lambda path: xo.update(f"{path}/A/1/0", name="corrected"),
    "update of the plate": lambda path: xo.update(path, scale={"y": 2.0}),
    "field": lambda path: image(5).omezarr.to_field(path, "B/1/0", **LEVELS),
    "field, replaced": lambda path: image(5).omezarr.to_field(
        path, "A/1/0", mode="w", **LEVELS
    ),
    "region": lambda path: xo.write_image(
        image(5), f"{path}/A/1/0", mode="r+", region={"y": slice(0, 64)}
    ),
    "upgrade": lambda path: xo.upgrade(path, version="0.6"),
}


@pytest.mark.filterwarnings("ignore::xarray_omezarr.OmeZarrWarning")
def test_what_lies_in_a_plate_that_is_replaced_is_refused(tmp_path):
    path = str(tmp_path / "a.ome.zarr")
    plate(1).omezarr.to_plate(path, **LEVELS)
    with Replacer("plate", path) as replacer:
        before = everything(path)
        for way in INTO_PLATES.values():
            with pytest.raises(xo.LockedError):
                way(path)
            assert everything(path) == before
    assert replacer.process.exitcode == 0
    for way in INTO_PLATES.values():
        way(path)


@pytest.mark.filterwarnings("ignore::xarray_omezarr.OmeZarrWarning")
def test_the_claim_of_a_dead_replacer_is_in_nobodys_way(tmp_path):
    path = str(tmp_path / "a.ome.zarr")
    xo.write_image(image(1), path, **LEVELS)
    with Replacer("image", path) as replacer:
        os.kill(replacer.process.pid, signal.SIGKILL)
        replacer.process.join(60)
    assert os.path.exists(os.path.join(path, CLAIM))
    for way in INTO_IMAGES.values():
        way(path)


def test_who_corrects_a_field_while_the_plate_is_claimed_is_waited_for(tmp_path):
    """Whoever is in before the claim ends first, and is part of what was looked at."""
    path = str(tmp_path / "a.ome.zarr")
    xo.write_image(image(1), path, **LEVELS)
    began, ended = threading.Event(), []
    with documents_alone(open_target(path)):
        writer = threading.Thread(
            target=lambda: (
                began.set(),
                xo.write_image(image(9), path, mode="w", **LEVELS),
                ended.append(True),
            )
        )
        writer.start()
        assert began.wait(60)
        writer.join(1)
        assert not ended
        assert not [name for name in os.listdir(tmp_path) if "partial" in name]
    writer.join(60)
    assert ended


def test_who_writes_a_region_when_somebody_would_replace_it_is_left_alone(tmp_path):
    """Refused at once, not when all of the new one is written."""
    path = str(tmp_path / "a.ome.zarr")
    xo.write_image(image(1), path, **LEVELS)
    read = []

    def pixels(block):
        read.append(True)
        return block

    late = dask.array.zeros(SHAPE, "uint16", chunks=-1).map_blocks(
        pixels, dtype="uint16", meta=np.empty((0, 0, 0), "uint16")
    )
    with (
        writing(tmp_path / "a.ome.zarr" / "0"),
        pytest.raises(xo.LockedError, match="being written"),
    ):
        xo.write_image(
            xr.DataArray(late, dims=("t", "y", "x")), path, mode="w", **LEVELS
        )
    assert not read


def test_in_memory_what_would_be_lost_is_refused_too():
    store = MemoryStore()
    xo.write_image(image(1), store, **LEVELS)
    begun, release = threading.Event(), threading.Event()
    writer = threading.Thread(target=replace, args=("image", store, begun, release))
    writer.start()
    try:
        assert begun.wait(60)
        for way in ("region", "append", "update", "pyramid", "labels"):
            with pytest.raises(xo.LockedError, match="since"):
                INTO_IMAGES[way](store)
    finally:
        release.set()
        writer.join(60)
    assert set(np.unique(zarr.open_array(store, path="0", mode="r")[...])) == {9}


@pytest.mark.parametrize("way", ["region", "append", "update", "pyramid", "labels"])
@pytest.mark.parametrize("place", ["folder", "memory"])
def test_who_has_just_written_a_new_image_is_in_nobodys_way(tmp_path, place, way):
    store = MemoryStore() if place == "memory" else tmp_path / "new.ome.zarr"
    xo.write_image(image(1), store, **LEVELS)
    # The image is whole, and its writer has not yet let go of it.
    with take(open_target(store), "first", replaces=False):
        INTO_IMAGES[way](store)
    with (
        take(open_target(store), "second", replaces=True),
        pytest.raises(xo.LockedError, match="since"),
    ):
        INTO_IMAGES[way](store)


@pytest.mark.parametrize("place", ["folder", "memory"])
def test_nothing_is_put_below_a_new_plate_before_that_is_whole(tmp_path, place):
    store = MemoryStore() if place == "memory" else tmp_path / "new.ome.zarr"
    field = image(5)
    with (
        take(open_target(store), "first", replaces=False),
        pytest.raises(xo.LockedError, match="since"),
    ):
        field.omezarr.to_field(store, "A/1/0", **LEVELS)
    plate(1).omezarr.to_plate(store, **LEVELS)
    with take(open_target(store), "second", replaces=False):
        field.omezarr.to_field(store, "B/1/0", **LEVELS)
    listed = zarr.open_group(store, mode="r").attrs["ome"]["plate"]["wells"]
    assert [well["path"] for well in listed] == ["A/1", "A/2", "B/1"]


def test_who_makes_levels_undoes_no_correction_made_meanwhile(tmp_path, monkeypatch):
    """The correction comes between reading and putting of the attributes."""
    path = str(tmp_path / "a.ome.zarr")
    xo.write_image(image(1), path, **LEVELS)
    others = []
    grafted = Rebuild._grafted

    def slowly(self, group, picture):
        known = grafted(self, group, picture)
        other = threading.Thread(target=lambda: xo.update(path, attrs={"by": "hand"}))
        if not others:
            others.append(other)
            other.start()
            other.join(1)
        return known

    monkeypatch.setattr(Rebuild, "_grafted", slowly)
    xo.build_pyramid(path, scale_factors=[2, 4])
    others[0].join(60)
    assert zarr.open_group(path, mode="r").attrs["by"] == "hand"
    assert sorted(zarr.open_group(path, mode="r").array_keys()) == ["0", "1", "2"]


@pytest.mark.parametrize("length", [228, 250])
@pytest.mark.parametrize("way", ["update", "upgrade"])
def test_long_names_are_corrected_and_upgraded_or_refused_in_words(
    tmp_path, way, length
):
    path = str(tmp_path / ("a" * length))
    xo.write_image(image(1), path, version="0.5", **LEVELS)
    INTO_IMAGES[way](path)
    assert os.listdir(tmp_path) == ["a" * length]
