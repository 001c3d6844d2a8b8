"""An S3 server that fails: what passes is waited for, and what stays is told."""

from __future__ import annotations

import random
import threading

import numpy as np
import obstore.store
import pytest
import zarr
from aiohttp import ClientError
from distributed import Client, LocalCluster
from obstore.exceptions import BaseError
from zarr.storage import ObjectStore

import xarray_omezarr as xo
from tests.faults import s3 as faults
from tests.faults.s3_server import BUCKET, TRANSIENT, Rule, Server
from xarray_omezarr.store import steady as steadiness
from xarray_omezarr.store.lease import Lease
from xarray_omezarr.store.lock import NoLock, lock_of
from xarray_omezarr.store.target import open_target

# Clients and servers of others warn of each other's old habits.
pytestmark = pytest.mark.filterwarnings("default")

CLIENTS = ("s3fs", "obstore")
PASSING = [Rule(fault, 0.015) for fault in TRANSIENT if fault != "delay"]


@pytest.fixture(scope="module")
def server():
    made = Server(delay=1.5)
    yield made
    made.close()


@pytest.fixture
def name(request):
    return "".join(c if c.isalnum() else "-" for c in request.node.name)


@pytest.mark.parametrize("situation", faults.SITUATIONS)
@pytest.mark.parametrize("client", CLIENTS)
def test_what_passes_is_waited_for(server, client, situation):
    end, injected, wrong = faults.run(
        server,
        situation,
        faults.SITUATIONS[situation],
        client,
        "passing",
        random.Random(1),
    )
    assert (end, wrong) == ("right", [])
    assert injected > 0


@pytest.mark.parametrize("situation", faults.SITUATIONS)
def test_what_stays_is_told_and_nothing_half_is_left(server, situation):
    index = [*faults.SITUATIONS].index(situation)
    _, injected, wrong = faults.run(
        server,
        situation,
        faults.SITUATIONS[situation],
        CLIENTS[index % 2],
        "staying",
        random.Random(index),
    )
    assert wrong == []
    assert injected > 0


@pytest.mark.parametrize("client", CLIENTS)
def test_what_fails_says_what_was_asked_of_which_store(server, name, client):
    at, options = faults.place(server, client, name, hasty=True)
    with (
        server.failing(Rule("403", methods="PUT", key="/0/c/")),
        pytest.raises(Exception, match=r"(?i)injected 403|forbidden") as told,
    ):
        faults.image().omezarr.to_image(at, **faults.OPTIONS, **options)
    notes = "".join(told.value.__notes__)
    assert "putting '0/c/" in notes
    assert name in notes


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_that_stops_and_starts_again_takes_the_next_write(
    server, name, client
):
    hasty, options = faults.place(server, client, name, hasty=True)
    with server.failing(Rule("stop", after=25)), pytest.raises(Exception) as told:
        faults.image().omezarr.to_image(hasty, **faults.OPTIONS, **options)
    assert not isinstance(told.value, xo.OmeZarrError)
    server.start()
    assert faults.is_no_image(faults.copied(server, name), "")
    calm, options = faults.place(server, client, name)
    faults.image().omezarr.to_image(calm, **faults.OPTIONS, **options)
    assert faults.has_image(faults.copied(server, name), "", faults.PIXELS)


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes."""
    with LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None
    ) as made:
        yield made


@pytest.mark.parametrize("client", CLIENTS)
def test_workers_of_a_cluster_wait_for_what_passes(server, name, cluster, client):
    at, options = faults.place(server, client, name)
    with Client(cluster), server.failing(*PASSING, seed=3):
        faults.image(kind="dask").omezarr.to_image(at, **faults.OPTIONS, **options)
        assert server.failed.total() > 0
    assert faults.has_image(faults.copied(server, name), "", faults.PIXELS)


@pytest.mark.parametrize("client", CLIENTS)
def test_workers_tell_what_stays(server, name, cluster, client):
    at, options = faults.place(server, client, name, hasty=True)
    with (
        Client(cluster),
        server.failing(Rule("403", methods="PUT", key="/1/c/")),
        pytest.raises(Exception, match=r"(?i)injected 403|forbidden"),
    ):
        faults.image(kind="dask").omezarr.to_image(at, **faults.OPTIONS, **options)
    assert faults.is_no_image(faults.copied(server, name), "")


# -- Reading -----------------------------------------------------------------------


def readers(server, name):
    """Places that are only read, of all clients."""
    yield from (faults.place(server, client, name) for client in CLIENTS)
    web = f"{server.url}/{BUCKET}/{name}"
    yield web, {}
    yield obstore.store.HTTPStore.from_url(web, client_options={"allow_http": True}), {}


@pytest.fixture
def public(server, name, monkeypatch):
    """An image that everybody may read."""
    monkeypatch.setattr(steadiness, "PAUSES", (0.01, 0.02, 0.03, 0.04))
    at, options = faults.place(server, "s3fs", name)
    faults.image().omezarr.to_image(at, **faults.OPTIONS, **options)
    client = server.boto3()
    for key in server.stored(name):
        client.put_object_acl(Bucket=BUCKET, Key=f"{name}/{key}", ACL="public-read")
    return name


@pytest.mark.parametrize("index", range(4), ids=[*CLIENTS, "fsspec http", "HTTPStore"])
@pytest.mark.parametrize("fault", ["500", "503", "429", "drop", "truncate"])
def test_readers_wait_for_what_passes(server, public, index, fault):
    at, options = [*readers(server, public)][index]
    with server.failing(Rule(fault, 0.3, methods="GET", in_a_row=2), seed=index):
        found = xo.open_image(at, **options)
        np.testing.assert_array_equal(found.values, faults.PIXELS)
        assert server.failed[fault] > 0


@pytest.mark.parametrize("index", range(4), ids=[*CLIENTS, "fsspec http", "HTTPStore"])
def test_readers_are_told_what_stays(server, public, index):
    at, options = [*readers(server, public)][index]
    found = xo.open_image(at, **options)
    with server.failing(Rule("403", methods="GET")), pytest.raises(Exception) as told:
        found.values  # noqa: B018 - it is read
    notes = "".join(told.value.__notes__)
    assert "reading '0/c/" in notes


def test_pixels_that_cannot_be_read_are_never_taken_for_empty_ones(server, public):
    for at, options in readers(server, public):
        found = xo.open_image(at, **options)
        for fault in ("403", "expired"):
            with (
                server.failing(Rule(fault, key="/0/c/0/0/0")),
                pytest.raises((OSError, BaseError, ClientError)),
            ):
                found.values  # noqa: B018 - it is read


# -- What others did ----------------------------------------------------------------


def test_what_others_added_is_seen_though_the_client_remembers_a_listing(server, name):
    at, options = faults.place(server, "s3fs", name)
    faults.image().omezarr.to_image(at, **faults.OPTIONS, **options)
    xo.open_image(at, **options)
    other = ObjectStore(server.obstore(name))
    zarr.open_group(other, mode="r+").create_group("tables")
    with pytest.raises(xo.TargetExistsError, match="tables"):
        faults.image().omezarr.to_image(at, mode="w", **faults.OPTIONS, **options)


def test_objects_that_a_server_keeps_do_not_shine_through_what_replaces_them(
    server, name
):
    at, options = faults.place(server, "s3fs", name)
    faults.image().omezarr.to_image(at, **faults.OPTIONS, **options)
    black = faults.image(np.zeros_like(faults.PIXELS))
    with (
        server.failing(Rule("kept", methods="BULK")),
        pytest.warns(xo.OmeZarrWarning, match="no rename"),
        pytest.raises(OSError, match="still there after they were removed"),
    ):
        black.omezarr.to_image(at, mode="w", **faults.OPTIONS, **options)
    assert faults.is_no_image(faults.copied(server, name), "")
    black.omezarr.to_image(at, **faults.OPTIONS, **options)
    stored = faults.copied(server, name)
    assert faults.has_image(stored, "", np.zeros_like(faults.PIXELS))


# -- Several writers ----------------------------------------------------------------


@pytest.mark.parametrize("client", CLIENTS)
def test_writers_that_add_to_a_plate_lose_no_well_though_requests_fail(
    server, name, client
):
    wells = [f"{row}/{column}" for row in "AB" for column in (1, 2, 3)]
    faults._field(faults.place(server, client, name), wells[0])
    failed = []

    def add(well):
        try:
            faults._field(faults.place(server, client, name), well)
        except Exception as error:
            failed.append(error)

    with server.failing(*PASSING, seed=5):
        threads = [threading.Thread(target=add, args=(each,)) for each in wells[1:]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert server.failed.total() > 0
    assert failed == []
    assert faults._plate_is(faults.copied(server, name), wells)


@pytest.mark.parametrize("client", CLIENTS)
def test_one_of_two_writers_of_a_new_image_is_refused_though_requests_fail(
    server, name, client
):
    ends = []

    def write(pixels):
        at, options = faults.place(server, client, name)
        try:
            faults.image(pixels).omezarr.to_image(at, **faults.OPTIONS, **options)
        except (xo.LockedError, xo.TargetExistsError):
            return
        ends.append(pixels)

    with server.failing(*PASSING, seed=7):
        both = (faults.PIXELS, faults.PIXELS + 1)
        threads = [threading.Thread(target=write, args=(each,)) for each in both]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(ends) == 1
    assert faults.has_image(faults.copied(server, name), "", ends[0])


@pytest.mark.parametrize("client", CLIENTS)
def test_a_lost_answer_to_a_lease_is_ones_own_lease(server, name, client):
    at, options = faults.place(server, client, name)
    faults.image().omezarr.to_image(at, **faults.OPTIONS, **options)
    with server.failing(Rule("lost", methods="PUT", in_a_row=1)):
        lock = lock_of(open_target(at, **options), "", None)
        assert isinstance(lock, Lease)
        with lock.held():
            assert [key for key in server.stored(name) if "lock" in key]
    assert not [key for key in server.stored(name) if "lock" in key]


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_without_conditions_is_found_out(name, client):
    lax = Server(conditions=False)
    try:
        at, options = faults.place(lax, client, name)
        faults.image().omezarr.to_image(at, **faults.OPTIONS, **options)
        lock = lock_of(open_target(at, **options), "", None)
        assert isinstance(lock, NoLock)
        with pytest.raises(xo.OptionError, match="created once more"), lock.held():
            pass
        with pytest.warns(xo.OmeZarrWarning, match="may not be listed"):
            faults._label((at, options))
    finally:
        lax.close()


# -- One node is replaced ------------------------------------------------------------


@pytest.mark.parametrize("client", CLIENTS)
def test_labels_that_are_replaced_and_fail_half_way_are_not_listed(
    server, name, client
):
    at, options = faults.place(server, client, name)
    faults._write((at, options))
    faults._label((at, options))
    new = faults.labels(faults.LABELS + 1)
    hasty, more = faults.place(server, client, name, hasty=True)
    with (
        server.failing(Rule("403", methods="PUT", key="labels/cells/0/c/")),
        pytest.warns(xo.OmeZarrWarning, match="no rename"),
        pytest.raises(Exception, match=r"(?i)injected 403|forbidden"),
    ):
        new.omezarr.to_labels(hasty, "cells", mode="w", chunks=16, **more)
    stored = faults.copied(server, name)
    assert faults.ome(stored, "labels") is None
    assert faults.has_image(stored, "", faults.PIXELS)
    new.omezarr.to_labels(at, "cells", chunks=16, **options)
    stored = faults.copied(server, name)
    assert faults.ome(stored, "labels")["labels"] == ["cells"]
    found = zarr.open_group(stored, path="labels/cells", mode="r")["0"][...]
    np.testing.assert_array_equal(found, faults.LABELS + 1)


@pytest.mark.parametrize("client", CLIENTS)
def test_fields_that_are_replaced_and_fail_half_way_are_not_listed(
    server, name, client
):
    at, options = faults.place(server, client, name)
    for well in ("A/1", "B/2"):
        faults._field((at, options), well)
    hasty, more = faults.place(server, client, name, hasty=True)
    with (
        server.failing(Rule("403", methods="PUT", key="B/2/0/0/c/")),
        pytest.warns(xo.OmeZarrWarning, match="no rename"),
        pytest.raises(Exception, match=r"(?i)injected 403|forbidden"),
    ):
        faults.image().omezarr.to_field(
            hasty, "B/2/0", mode="w", **faults.OPTIONS, **more
        )
    assert faults._plate_is(faults.copied(server, name), ["A/1"])
    faults._field((at, options), "B/2")
    assert faults._plate_is(faults.copied(server, name), ["A/1", "B/2"])
