"""Sessions of icechunk: commits, time travel, conflicts, workers."""

from __future__ import annotations

import warnings

import dask
import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.core.sync import sync

import xarray_omezarr as xo
from tests.property.test_engine_reference import plain_pyramid

icechunk = pytest.importorskip("icechunk")

# Clusters warn of what machines do.
pytestmark = pytest.mark.filterwarnings("default")

PIXELS = np.random.default_rng(0).integers(1, 2**16, (6, 64, 64), "uint16")
LEVELS = {"scale_factors": [2, 4], "chunks": (1, 16, 16)}


def image(pixels=PIXELS):
    return xr.DataArray(pixels, dims=("t", "y", "x"), name="cells")


@pytest.fixture
def repo(tmp_path):
    return icechunk.Repository.create(
        icechunk.local_filesystem_storage(str(tmp_path / "repository"))
    )


def new(repo):
    return repo.writable_session("main").store


def read(repo, **which):
    which = which or {"branch": "main"}
    return repo.readonly_session(**which).store


def assert_holds(store, pixels=PIXELS, path=""):
    group = zarr.open_group(store, path=path, mode="r")
    factors = [(1, 2, 2), (1, 4, 4)]
    for level, expected in enumerate(plain_pyramid(pixels, factors, "mean")):
        np.testing.assert_array_equal(group[str(level)][...], expected)


def test_nothing_is_seen_before_it_is_committed_and_old_states_stay(repo) -> None:
    group = image().omezarr.to_image(new(repo), attrs={"state": "raw"}, **LEVELS)
    assert not sync(read(repo).exists("zarr.json"))
    first = xo.commit(group, "raw", metadata={"by": "me"})
    repo.create_tag("v1", snapshot_id=first)
    found = repo.lookup_snapshot(first)
    assert (found.message, found.metadata["by"]) == ("raw", "me")
    changed = image(PIXELS[:, ::-1].copy())
    store = new(repo)
    with warnings.catch_warnings():
        warnings.simplefilter("error", xo.OmeZarrWarning)
        changed.omezarr.to_image(store, mode="w", attrs={"state": "flipped"}, **LEVELS)
    assert_holds(read(repo))
    second = xo.commit(store, "flipped")
    assert second != first
    for which in ({"snapshot_id": first}, {"tag": "v1"}):
        old = xr.open_datatree(read(repo, **which), engine="omezarr")
        assert old.attrs["state"] == "raw"
        np.testing.assert_array_equal(old["0"].image, PIXELS)
        assert_holds(read(repo, **which))
    assert_holds(read(repo), PIXELS[:, ::-1])
    assert xr.open_datatree(read(repo), engine="omezarr").attrs["state"] == "flipped"


def test_a_replaced_image_that_fails_is_as_it_was(repo) -> None:
    xo.commit(image().omezarr.to_image(new(repo), **LEVELS), "raw")

    def fail(_block):
        raise RuntimeError("no more film")

    broken = dask.array.from_array(PIXELS, (1, 64, 64)).map_blocks(fail, dtype="u2")
    store = new(repo)
    with pytest.raises(RuntimeError, match="film") as told:
        image(broken).omezarr.to_image(store, mode="w", **LEVELS)
    assert any("discard_changes" in note for note in told.value.__notes__)
    store.session.discard_changes()
    assert_holds(store)
    assert_holds(read(repo))


def test_what_takes_nothing_is_refused(repo) -> None:
    store = new(repo)
    group = image().omezarr.to_image(store, **LEVELS)
    xo.commit(group, "raw")
    for taken in (store, group, read(repo)):
        for write in (
            lambda where: image().omezarr.to_image(where, mode="w"),
            lambda where: image().omezarr.to_image(where, append_dim="t"),
            lambda where: xo.update(where, scale={"x": 2.0}),
            xo.build_pyramid,
        ):
            with pytest.raises(xo.OptionError, match=r"session of icechunk.*Open one"):
                write(taken)
    with pytest.raises(xo.OptionError, match="takes no pixels"):
        xo.commit(store, "again")
    with pytest.raises(xo.OptionError, match="no changes"):
        xo.commit(new(repo), "nothing")
    with pytest.raises(xo.OptionError, match="in no session"):
        xo.commit(zarr.storage.MemoryStore(), "what")
    with pytest.raises(xo.OptionError, match=r"message is ''"):
        xo.commit(new(repo), "")
    with pytest.raises(xo.OptionError, match="merge it"):
        xo.commit(repo.writable_session("main").fork().store, "fork")


def test_what_icechunk_does_not_hold_is_refused_or_left_out(repo) -> None:
    store = new(repo)
    with pytest.raises(xo.NotInVersionError, match=r"Zarr v3 only.*choose a later one"):
        image().omezarr.to_image(store, version="0.4")
    text = xo.write_bioformats2raw({"0": image()}, zarr.storage.MemoryStore())
    told = text.store._store_dict["OME/METADATA.ome.xml"].to_bytes().decode()
    with pytest.raises(xo.OptionError, match="ome_xml=None"):
        xo.write_bioformats2raw({"0": image()}, store, ome_xml=told)
    with pytest.raises(xo.OptionError, match="consolidated is True"):
        image().omezarr.to_image(store, consolidated=True)
    assert not store.session.has_uncommitted_changes
    with pytest.warns(xo.OmeZarrWarning, match="left out: OME/METADATA.ome.xml"):
        xo.write_bioformats2raw({"0": image()}, store)
    with pytest.warns(xo.OmeZarrWarning, match="left out: OME/METADATA.ome.xml"):
        xo.convert(text, store, version="0.5", group="copy")
    xo.commit(store, "collections")
    np.testing.assert_array_equal(xo.open_image(read(repo), group="copy/0"), PIXELS)


def test_sessions_that_changed_different_things_are_both_committed(repo) -> None:
    store = new(repo)
    xo.prepare_image(image(), store, **LEVELS)
    xo.write_plate({"A/1/0": image()}, store, group="plate", **LEVELS)
    xo.commit(store, "begun")
    sessions = [new(repo) for _ in range(3)]
    for number, session in enumerate(sessions):
        frames = slice(2 * number, 2 * number + 2)
        image(PIXELS[frames]).omezarr.to_image(session, region={"t": frames})
    for session in sessions:
        xo.commit(session, "frames")
    assert_holds(read(repo))
    assert_holds(read(repo), path="plate/A/1/0")


@pytest.mark.parametrize("what", ["region", "append", "field"])
def test_sessions_that_changed_the_same_are_told(repo, what) -> None:
    store = new(repo)
    xo.write_plate({"A/1/0": image()}, store, group="plate", **LEVELS)
    image().omezarr.to_image(store, group="movie", **LEVELS)
    xo.commit(store, "begun")
    one, two = new(repo), new(repo)
    for number, session in enumerate((one, two)):
        frame = image(PIXELS[:1] // (number + 2))
        if what == "region":
            box = {"t": slice(0, 1)}
            frame.omezarr.to_image(session, group="movie", region=box)
        elif what == "append":
            later = frame.assign_coords(t=[6.0])
            later.omezarr.to_image(session, group="movie", append_dim="t")
        else:
            frame.omezarr.to_field(session, f"B/{number + 1}/0", group="plate")
    xo.commit(one, "first")
    with pytest.raises(xo.LockedError, match=r"Nothing .* committed.*new session"):
        xo.commit(two, "second")
    again = new(repo)
    if what == "field":
        image(PIXELS[:1]).omezarr.to_field(again, "B/2/0", group="plate")
        xo.commit(again, "again")
        plate = zarr.open_group(read(repo), path="plate", mode="r")
        assert [well["path"] for well in plate.attrs["ome"]["plate"]["wells"]] == [
            "A/1",
            "B/1",
            "B/2",
        ]
    elif what == "append":
        image(PIXELS[:1]).assign_coords(t=[7.0]).omezarr.to_image(
            again, group="movie", append_dim="t"
        )
        xo.commit(again, "again")
        both = np.concatenate([PIXELS, PIXELS[:1] // 2, PIXELS[:1]])
        assert_holds(read(repo), both, "movie")


def test_an_append_that_fails_leaves_the_size(repo) -> None:
    store = new(repo)
    image().omezarr.to_image(store, **LEVELS)

    def fail(_block):
        raise RuntimeError("no more film")

    broken = dask.array.from_array(PIXELS, (1, 64, 64)).map_blocks(fail, dtype="u2")
    later = image(broken).assign_coords(t=np.arange(6.0) + 6)
    with pytest.raises(RuntimeError, match="film"):
        later.omezarr.to_image(store, append_dim="t")
    assert_holds(store)


# -- Workers ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster():
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.worker.daemon": True}),
        LocalCluster(
            n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None
        ) as made,
    ):
        yield made


def lazy(pixels=PIXELS):
    return image(dask.array.from_array(pixels, (2, 30, 64)))


@pytest.mark.parametrize("limit", [None, 20_000])
def test_workers_write_what_one_session_commits(repo, cluster, limit) -> None:
    from distributed import Client

    store = new(repo)
    image(PIXELS[:2]).omezarr.to_image(store, group="before", **LEVELS)
    with Client(cluster):
        lazy().omezarr.to_image(store, group="movie", memory_limit=limit, **LEVELS)
        fields = {"A/1/0": lazy(), "B/2/0": lazy(PIXELS[::-1])}
        xo.write_plate(fields, store, group="plate", memory_limit=limit, **LEVELS)
    xo.commit(store, "all")
    assert_holds(read(repo), PIXELS[:2], "before")
    assert_holds(read(repo), path="movie")
    assert_holds(read(repo), path="plate/A/1/0")
    assert_holds(read(repo), PIXELS[::-1], "plate/B/2/0")


@pytest.mark.parametrize("scheduler", ["threads", "processes", "synchronous"])
def test_every_scheduler_writes_it(repo, scheduler) -> None:
    store = new(repo)
    with dask.config.set(scheduler=scheduler, num_workers=2):
        lazy().omezarr.to_image(store, memory_limit=20_000, **LEVELS)
    xo.commit(store, scheduler)
    assert_holds(read(repo))


def test_what_workers_cannot_do_is_refused(repo, cluster) -> None:
    from distributed import Client

    memory = icechunk.Repository.create(icechunk.in_memory_storage())
    store, nowhere = new(repo), new(memory)
    image().omezarr.to_image(store, **LEVELS)
    xo.commit(store, "begun")
    store = new(repo)
    with Client(cluster):
        with pytest.raises(xo.OptionError, match=r"memory of this process.*threads"):
            lazy().omezarr.to_image(nowhere, **LEVELS)
        with pytest.raises(xo.OptionError, match=r"does not travel.*threads"):
            lazy().omezarr.to_image(store, region={"t": slice(0, 6)})
        later = lazy().assign_coords(t=np.arange(6.0) + 6)
        with pytest.raises(xo.OptionError, match=r"does not travel.*threads"):
            later.omezarr.to_image(store, append_dim="t")
        assert not store.session.has_uncommitted_changes
        assert not nowhere.session.has_uncommitted_changes
        with dask.config.set(scheduler="threads"):
            lazy(PIXELS[::-1]).omezarr.to_image(store, region={"t": slice(0, 6)})
    assert_holds(store, PIXELS[::-1])


def test_workers_that_fail_leave_the_session_as_it_was(repo, cluster) -> None:
    from distributed import Client

    def fail(_block):
        raise RuntimeError("no more film")

    broken = dask.array.from_array(PIXELS, (1, 64, 64)).map_blocks(fail, dtype="u2")
    store = new(repo)
    with Client(cluster), pytest.raises(RuntimeError, match="film"):
        image(broken).omezarr.to_image(store, group="movie", **LEVELS)
    assert list(zarr.open_group(store, mode="a").keys()) == []
