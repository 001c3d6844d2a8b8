"""Object stores: a real S3 server on this machine, slow stores, stores that fail."""

from __future__ import annotations

import threading
import urllib.request
from collections import Counter
from urllib.parse import unquote

import dask
import dask.array
import numpy as np
import obstore.store
import pytest
import xarray as xr
import zarr
from distributed import Client, LocalCluster
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    create_backend_app,
)
from werkzeug.serving import make_server
from zarr.storage import MemoryStore, ObjectStore

import xarray_omezarr as xo
from tests.integration.operations import FailingStore, GatedStore, is_metadata
from tests.property.test_engine_reference import plain_pyramid
from xarray_omezarr.store.claim import CLAIM

# Clients and servers of others warn of each other's old habits.
pytestmark = pytest.mark.filterwarnings("default")

PIXELS = np.random.default_rng(0).integers(1, 999, (3, 70, 90), dtype="uint16")
LEVELS = {"scale_factors": [2, 4]}
LAYOUTS = {
    "0.4": {"version": "0.4", "chunks": (1, 16, 16)},
    "0.5": {"version": "0.5", "chunks": (1, 16, 16)},
    "0.5 sharded": {"chunks": (1, 8, 8), "shards": (1, 16, 32)},
}
BUCKET = "images"


class Server:
    """An S3 server on loopback that notes the requests it gets."""

    def __init__(self):
        self.requests = []
        self._lock = threading.Lock()
        self._app = DomainDispatcherApplication(create_backend_app)
        self._http = make_server("127.0.0.1", 0, self._respond, threaded=True)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, daemon=True)
        self._thread.start()

    def _respond(self, environ, start_response):
        with self._lock:
            path = unquote(environ["PATH_INFO"]).removeprefix(f"/{BUCKET}/")
            self.requests.append((environ["REQUEST_METHOD"], path))
        return self._app(environ, start_response)

    def close(self):
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    @property
    def puts(self):
        return [key for method, key in self.requests if method in ("PUT", "POST")]

    @property
    def options(self):
        """Options of s3fs to reach it."""
        return {
            "key": "key",
            "secret": "secret",
            "endpoint_url": self.url,
            "client_kwargs": {"region_name": "us-east-1"},
        }

    def obstore(self, prefix):
        return obstore.store.S3Store(
            BUCKET,
            prefix=prefix,
            endpoint=self.url,
            access_key_id="key",
            secret_access_key="secret",
            region="us-east-1",
            virtual_hosted_style_request=False,
            client_options={"allow_http": True},
        )


@pytest.fixture(scope="module")
def server():
    made = Server()
    bucket = urllib.request.Request(f"{made.url}/{BUCKET}", method="PUT")
    urllib.request.urlopen(bucket).close()
    yield made
    made.close()


@pytest.fixture
def s3(server, request):
    """The server, and a name in its bucket that nobody else has."""
    server.requests.clear()
    name = "".join(c if c.isalnum() else "-" for c in request.node.name)
    return server, f"{name}.ome.zarr"


def image(kind="numpy", pixels=PIXELS):
    data = dask.array.from_array(pixels, (2, 33, 41)) if kind == "dask" else pixels
    return xr.DataArray(data, {"c": ["a", "b", "c"]}, ("c", "y", "x"))


def assert_holds(group, pixels=PIXELS):
    for level, expected in enumerate(
        plain_pyramid(pixels, [(1, 2, 2), (1, 4, 4)], "mean")
    ):
        np.testing.assert_array_equal(group[str(level)][...], expected)


def pixels_put(puts, name):
    own = [key for key in puts if key.startswith(name) and not is_metadata(key)]
    # Beside pixels there is the claim of the writer, which a slow one renews.
    claim = f"{name}/{CLAIM}"
    assert claim in own
    return Counter(key for key in own if key != claim)


OBJECTS = {
    # Three channels; y and x of each level in chunks of 16.
    "0.4": 3 * (5 * 6 + 3 * 3 + 2 * 2),
    "0.5": 3 * (5 * 6 + 3 * 3 + 2 * 2),
    # In shards of 16 and 32.
    "0.5 sharded": 3 * (5 * 3 + 3 * 2 + 2 * 1),
}


@pytest.mark.parametrize("kind", ["numpy", "dask"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("client", ["s3fs", "obstore"])
def test_an_image_goes_to_s3_and_comes_back(s3, client, layout, kind):
    server, name = s3
    if client == "s3fs":
        store, options = f"s3://{BUCKET}/{name}", {"storage_options": server.options}
    else:
        store, options = server.obstore(name), {}
    with dask.config.set(scheduler="threads", num_workers=4):
        group = image(kind).omezarr.to_image(
            store, **LEVELS, **LAYOUTS[layout], **options
        )
    put = pixels_put(server.puts, name)
    assert set(put.values()) == {1}
    assert len(put) == OBJECTS[layout]
    assert_holds(group)
    plain = zarr.open_group(ObjectStore(server.obstore(name)), mode="r")
    assert_holds(plain)
    assert xo.open_image(store, **options)["c"].values.tolist() == ["a", "b", "c"]


def test_an_image_on_s3_is_replaced_with_a_warning(s3):
    server, name = s3
    url, options = f"s3://{BUCKET}/{name}", {"storage_options": server.options}
    image().omezarr.to_image(url, **LEVELS, **options)
    with pytest.raises(xo.TargetExistsError):
        image().omezarr.to_image(url, **LEVELS, **options)
    with pytest.warns(xo.OmeZarrWarning, match="no rename"):
        group = image(pixels=PIXELS + 1).omezarr.to_image(
            url, mode="w", **LEVELS, **options
        )
    assert_holds(group, PIXELS + 1)


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes."""
    with LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, dashboard_address=None
    ) as made:
        yield made


@pytest.mark.parametrize("client", ["s3fs", "obstore"])
def test_workers_of_a_cluster_write_to_s3(s3, cluster, client):
    server, name = s3
    if client == "s3fs":
        store, options = f"s3://{BUCKET}/{name}", {"storage_options": server.options}
    else:
        store, options = server.obstore(name), {}
    with Client(cluster):
        image("dask").omezarr.to_image(store, **LEVELS, **LAYOUTS["0.5"], **options)
    put = pixels_put(server.puts, name)
    assert set(put.values()) == {1}
    assert len(put) == OBJECTS["0.5"]
    assert_holds(zarr.open_group(ObjectStore(server.obstore(name)), mode="r"))


def test_a_bucket_that_is_not_there_is_told(server):
    with pytest.raises(Exception, match=r"(?i)bucket|not exist|404"):
        image().omezarr.to_image(
            "s3://nobody-made-this/image.ome.zarr", storage_options=server.options
        )


# -- Slow stores ------------------------------------------------------------------


@pytest.mark.parametrize("shards", [None, (32, 32)])
def test_many_puts_are_under_way_at_a_time(shards):
    store = GatedStore(MemoryStore())
    store.wanted = 32
    pixels = np.random.default_rng(0).integers(1, 255, (384, 384), "uint8")
    group = xr.DataArray(pixels, dims=("y", "x")).omezarr.to_image(
        store, scale_factors=[2, 4], chunks=(32, 32), shards=shards
    )
    assert len(store.ledger.pixels_put) == 144 + 36 + 9
    assert store.ledger.most_in_flight >= 32
    np.testing.assert_array_equal(group["0"][...], pixels)


def test_levels_do_not_wait_for_each_other():
    store = GatedStore(MemoryStore())
    store.wanted = 16 + 4 + 1 + 1 + 1
    pixels = np.random.default_rng(0).integers(1, 255, (128, 128), "uint8")
    xr.DataArray(pixels, dims=("y", "x")).omezarr.to_image(
        store, scale_factors=[2, 4, 8, 16], chunks=(32, 32)
    )
    assert store.ledger.most_in_flight >= store.wanted > 0


# -- Stores that fail -------------------------------------------------------------


@pytest.mark.parametrize("kind", ["numpy", "dask"])
def test_a_store_that_fails_late_holds_no_image(kind):
    store = FailingStore(MemoryStore())
    store.fails_at = 100
    with pytest.raises(OSError, match="the disk is full"):
        image(kind).omezarr.to_image(store, **LEVELS, **LAYOUTS["0.5"])
    with pytest.raises(xo.OmeZarrError):
        xo.open_image(store)


def test_a_store_that_fails_while_it_replaces_holds_no_image():
    place = ObjectStore(obstore.store.MemoryStore())
    image().omezarr.to_image(place, **LEVELS)
    store = FailingStore(place)
    store.fails_at = 1
    with (
        pytest.warns(xo.OmeZarrWarning, match="no rename"),
        pytest.raises(OSError, match="the disk is full"),
    ):
        image().omezarr.to_image(store, mode="w", **LEVELS)
    with pytest.raises(xo.OmeZarrError):
        xo.open_image(place)
