"""Processes that add to one store at the same time lose nothing of each other."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import warnings

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo

SPAWN = multiprocessing.get_context("spawn")

# Nobody needs longer; a process that waits for ever is killed, and the test fails.
PATIENCE = 240


def image(value, dims=("y", "x"), shape=(16, 16)):
    return xr.DataArray(np.full(shape, value, "uint16"), dims=dims)


def add_fields(store, group, start, share) -> None:
    start.wait()
    for path, value in share:
        xo.write_field(image(value), store, path, group=group, scale_factors=None)


def add_series(store, group, start, share) -> None:
    start.wait()
    for path, value in share:
        xo.write_series(image(value), store, path, group=group, scale_factors=None)


def add_labels(store, group, start, share) -> None:
    start.wait()
    for name, value in share:
        xo.write_labels(image(value), store, name, group=group)


def correct(store, group, start, share) -> None:
    start.wait()
    for key, value in share:
        xo.update(store, group=group, attrs={key: value})


def append(store, group, start, share) -> None:
    start.wait()
    for _, value in share:
        while True:
            da = image(value, ("t", "y", "x"), (1, 16, 16))
            try:
                xo.write_image(da, store, group=group, append_dim="t")
                break
            except (xo.TargetExistsError, xo.LockedError):
                # Somebody else was first, and nothing was written.
                continue


def run(jobs) -> None:
    start = SPAWN.Event()
    workers = [
        SPAWN.Process(target=job, args=(str(store), group, start, share))
        for job, store, group, share in jobs
    ]
    for worker in workers:
        worker.start()
    start.set()
    ends = time.monotonic() + PATIENCE
    for worker in workers:
        worker.join(max(0, ends - time.monotonic()))
    late = [worker for worker in workers if worker.is_alive()]
    for worker in late:
        worker.kill()
    assert not late, "somebody waits for ever"
    assert [worker.exitcode for worker in workers] == [0] * len(workers)


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("group", [None, "plates/first"])
def test_wells_fields_labels_and_corrections_of_one_plate(tmp_path, version, group):
    store = tmp_path / "plate.ome.zarr"
    options = {"group": group, "version": version, "scale_factors": None}
    xo.write_field(image(1), store, "A/1/0", **options)
    inner = "/".join(filter(None, (group, "A/1/0")))
    # Two of them add fields to one well.
    shares = [
        [(f"{row}/{column}/{field}", 10) for column in (2, 3)]
        for row, field in (("B", 0), ("B", 1), ("C", 0))
    ]
    names = [f"cells{index}" for index in range(4)]
    keys = [f"note{index}" for index in range(8)]
    run(
        [
            *((add_fields, store, group, share) for share in shares),
            (add_labels, store, inner, [(name, 3) for name in names]),
            (correct, store, group, [(key, 7) for key in keys]),
        ]
    )
    root = zarr.open_group(store, mode="r", path=group or "")
    plate = dict(root.attrs).get("ome", root.attrs)["plate"]
    wells = {well["path"] for well in plate["wells"]}
    assert wells == {"A/1", "B/2", "B/3", "C/2", "C/3"}
    for path in wells:
        attrs = dict(root[path].attrs)
        listed = attrs.get("ome", attrs)["well"]["images"]
        expected = {"0", "1"} if path.startswith("B") else {"0"}
        assert {field["path"] for field in listed} == expected
    attrs = dict(root["A/1/0/labels"].attrs)
    assert set(attrs.get("ome", attrs)["labels"]) == set(names)
    assert [root.attrs[key] for key in keys] == [7] * len(keys)
    tree = xr.open_datatree(store, engine="omezarr", group=group)
    assert int(tree["C/3/0/0"]["image"].max()) == 10


def test_series_of_one_collection(tmp_path) -> None:
    store = tmp_path / "collection.ome.zarr"
    shares = [[(str(3 * n + k), 3 * n + k) for k in range(3)] for n in range(3)]
    run([(add_series, store, None, share) for share in shares])
    root = zarr.open_group(store, mode="r")
    assert sorted(root["OME"].attrs["ome"]["series"], key=int) == [*map(str, range(9))]
    for index in range(9):
        assert int(root[f"{index}/0"][0, 0]) == index


def test_appends_and_corrections_of_one_image(tmp_path) -> None:
    store = tmp_path / "movie.ome.zarr"
    first = image(1, ("t", "y", "x"), (1, 16, 16))
    xo.write_image(first, store, scale_factors=None)
    keys = [f"note{index}" for index in range(6)]
    run(
        [
            (append, store, None, [("", 2), ("", 3)]),
            (append, store, None, [("", 4), ("", 5)]),
            (correct, store, None, [(key, 7) for key in keys[:3]]),
            (correct, store, None, [(key, 7) for key in keys[3:]]),
        ]
    )
    root = zarr.open_group(store, mode="r")
    assert sorted(root["0"][:, 0, 0].tolist()) == [1, 2, 3, 4, 5]
    assert [root.attrs[key] for key in keys] == [7] * 6


def hold(store, held) -> None:
    from xarray_omezarr.store.parents import Parents

    def wait(model):
        held.set()
        time.sleep(600)

    from xarray_omezarr.ngff.versions import registry
    from xarray_omezarr.store.target import open_target

    Parents(open_target(store), registry.get("0.5"), {"": wait})()


@pytest.mark.skipif(os.name == "nt", reason="there are no such locks on Windows")
def test_who_is_killed_while_it_lists_something_is_in_nobodys_way(tmp_path) -> None:
    store = tmp_path / "plate.ome.zarr"
    xo.write_field(image(1), store, "A/1/0", scale_factors=None)
    held = SPAWN.Event()
    holder = SPAWN.Process(target=hold, args=(str(store), held))
    holder.start()
    assert held.wait(PATIENCE)
    start = SPAWN.Event()
    start.set()
    jobs = [
        SPAWN.Process(
            target=add_fields, args=(str(store), None, start, [("B/2/0", 2)])
        ),
        SPAWN.Process(target=correct, args=(str(store), None, start, [("note", 7)])),
    ]
    for job in jobs:
        job.start()
    jobs[1].join(3)
    assert jobs[1].is_alive(), "the lock was not waited for"
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    for job in jobs:
        job.join(PATIENCE)
    assert [job.exitcode for job in jobs] == [0, 0]
    root = zarr.open_group(store, mode="r")
    assert len(root.attrs["ome"]["plate"]["wells"]) == 2
    assert root.attrs["note"] == 7


def upgrade(store, group, start, share) -> None:
    start.wait()
    for _ in share:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                xo.upgrade(store, group=group, version="0.5")
            return
        except xo.LockedError:
            time.sleep(0.05)


def add_until_upgraded(store, group, start, share) -> None:
    start.wait()
    for path, value in share:
        while True:
            try:
                xo.write_field(image(value), store, path, scale_factors=None)
                break
            except (xo.OmeZarrError, OSError) as error:
                # It was 0.4 when it was looked at, and is not any more.
                known = (xo.LockedError, xo.NotInVersionError, xo.OptionError)
                if isinstance(error, xo.TargetExistsError):
                    # Written, and not listed: the version changed in between.
                    xo.write_field(
                        image(value), store, path, scale_factors=None, mode="w"
                    )
                    break
                if not isinstance(error, (*known, FileNotFoundError)):
                    raise


def test_an_upgrade_while_others_add_loses_no_well(tmp_path) -> None:
    store = tmp_path / "plate.ome.zarr"
    xo.write_field(image(1), store, "A/1/0", scale_factors=None, version="0.4")
    share = [(f"B/{column}/0", column) for column in range(2, 6)]
    run([(add_until_upgraded, store, None, share), (upgrade, store, None, range(400))])
    root = zarr.open_group(store, mode="r")
    attrs = dict(root.attrs)
    wells = {well["path"] for well in attrs.get("ome", attrs)["plate"]["wells"]}
    assert wells == {"A/1", *(path[:3] for path, _ in share)}
    for path, value in share:
        assert int(root[f"{path}/0"][0, 0]) == value
