"""The same image by every writer, and writers that fail."""

from __future__ import annotations

import importlib
import json
import os
import threading
import urllib.request
import warnings
from pathlib import Path

import numpy as np
import pytest
import tensorstore
import xarray as xr
import zarr
from zarr.storage import MemoryStore, ObjectStore

import xarray_omezarr as xo
from xarray_omezarr.errors import OptionError
from xarray_omezarr.testing import ArrayWriterSuite, assert_roundtrip, image


class TestZarr(ArrayWriterSuite):
    writer = "zarr"
    versions = (None, "0.4")
    fill_values = (0, 7)


class TestTensorstore(ArrayWriterSuite):
    writer = "tensorstore"
    versions = (None, "0.4")
    fill_values = (0, 7)
    compressions = ("auto", "blosc-lz4", "zstd", "gzip", "none")


def made_with_zarr(path, shape, dtype, chunks, **options):
    """As a user of zarr would write it."""
    codecs = {
        "blosc-zstd": zarr.codecs.BloscCodec(cname="zstd", clevel=5),
        "blosc-lz4": zarr.codecs.BloscCodec(cname="lz4"),
        "zstd": zarr.codecs.ZstdCodec(),
        "none": None,
    }
    return zarr.create_array(
        str(path),
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        shards=options["shards"],
        compressors=codecs[options["compression"]],
        dimension_names=options["dimension_names"],
        overwrite=options["overwrite"],
    )


class TestFunctionWithZarr(ArrayWriterSuite):
    writer = made_with_zarr


def made_with_tensorstore(
    path: Path,
    shape,
    dtype,
    chunks,
    *,
    shards,
    overwrite,
    compression,
    dimension_names,
):
    """As array creators for yaozarrs are written: a schema, and an open store."""
    names = {"blosc-zstd": "zstd", "blosc-lz4": "lz4"}
    codecs = []
    if compression in names:
        codecs = [{"name": "blosc", "configuration": {"cname": names[compression]}}]
    elif compression == "zstd":
        codecs = [{"name": "zstd", "configuration": {"level": 1}}]
    layout = {"chunk": {"shape": chunks}}
    if shards is not None:
        inner = {"chunk_shape": chunks, "codecs": codecs}
        codecs = [{"name": "sharding_indexed", "configuration": inner}]
        layout = {"write_chunk": {"shape": shards}}
    return tensorstore.open(
        {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": str(path)},
            "schema": {
                "dtype": dtype.name,
                "domain": {"shape": shape, "labels": dimension_names},
                "chunk_layout": layout,
                "codec": {"driver": "zarr3", "codecs": codecs},
            },
            "create": True,
            "delete_existing": overwrite,
        }
    ).result()


class TestFunctionWithTensorstore(ArrayWriterSuite):
    writer = made_with_tensorstore


@pytest.mark.parametrize("name", ["zarr", "tensorstore"])
def test_the_array_creators_of_yaozarrs_are_writers(tmp_path, name):
    creators = importlib.import_module("yaozarrs.write.v05._write")
    creator = creators._get_create_func(name)
    da = image("czyx")
    options = {"chunks": (1, 2, 16, 16), "shards": (1, 4, 32, 32)}
    assert_roundtrip(da, tmp_path / "i.ome.zarr", writer=creator, **options)


def test_tensorstore_leaves_the_metadata_of_arrays_as_zarr_wrote_them(tmp_path):
    for writer in ("zarr", "tensorstore"):
        for version in ("0.4", None):
            store = tmp_path / writer / f"{version}.ome.zarr"
            image("zyx").omezarr.to_image(store, writer=writer, version=version)
    for expected in (tmp_path / "zarr").rglob("*"):
        if expected.name in ("zarr.json", ".zarray", ".zattrs", ".zgroup"):
            written = tmp_path / "tensorstore" / expected.relative_to(tmp_path / "zarr")
            assert json.loads(written.read_bytes()) == json.loads(expected.read_bytes())


def test_tensorstore_stores_no_chunk_that_holds_only_the_fill_value(tmp_path):
    da = image("yx", (64, 64))
    da[:, :32] = 7
    counts = {}
    for empty in (False, True):
        store = tmp_path / f"{empty}.ome.zarr"
        da.omezarr.to_image(
            store,
            writer="tensorstore",
            chunks=32,
            scale_factors=None,
            fill_value=7,
            write_empty_chunks=empty,
        )
        counts[empty] = sum(p.is_file() for p in (store / "0" / "c").rglob("*"))
    assert counts == {False: 2, True: 4}


def test_tensorstore_leaves_no_files_of_its_own(tmp_path):
    image("yx").omezarr.to_image(tmp_path / "i.ome.zarr", writer="tensorstore")
    names = {p.name for p in (tmp_path / "i.ome.zarr").rglob("*") if p.is_file()}
    assert names == {"zarr.json", "0"}


@pytest.mark.parametrize("writer", ["tensorstore", made_with_zarr])
@pytest.mark.parametrize(
    "store", [MemoryStore, "memory://somewhere/i.ome.zarr", "obstore"]
)
def test_stores_that_a_writer_cannot_reach_are_refused(writer, store):
    if store == "obstore":
        obstore = importlib.import_module("obstore.store")
        store = ObjectStore(obstore.MemoryStore())
    elif store is MemoryStore:
        store = MemoryStore()
    with pytest.raises(OptionError, match=r"leave writer out|use writer='zarr'"):
        image("yx").omezarr.to_image(store, writer=writer)


def test_codecs_that_tensorstore_does_not_know_are_refused(tmp_path):
    from zarr.codecs import numcodecs

    with warnings.catch_warnings():
        # Of older zarr: these codecs are of no specification.
        warnings.simplefilter("ignore", UserWarning)
        codec = numcodecs.LZ4()
        with pytest.raises(OptionError, match="'tensorstore', which cannot write"):
            image("yx").omezarr.to_image(
                tmp_path / "i.ome.zarr", writer="tensorstore", compression=codec
            )
    assert not os.listdir(tmp_path)


def assert_nothing_is_left(folder):
    assert [path for path in folder.rglob("*") if path.is_file()] == []


class Failing:
    """An array that fails at the block of a number."""

    def __init__(self, array, at):
        self.array, self.at, self.lock = array, at, threading.Lock()
        self.shape, self.dtype = array.shape, array.dtype

    def __setitem__(self, key, value):
        with self.lock:
            self.at -= 1
        if self.at < 0:
            raise RuntimeError("the disk is on fire")
        self.array[key] = value

    def __getitem__(self, key):
        return self.array[key]


@pytest.mark.parametrize("at", [0, 3])
@pytest.mark.parametrize("is_dask", [False, True])
def test_a_writer_that_fails_at_a_block_leaves_no_image(tmp_path, at, is_dask):
    def create(path, *args, **options):
        return Failing(made_with_zarr(path, *args, **options), at)

    da = image("czyx", (4, 4, 64, 64), blocks=32 if is_dask else None)
    with pytest.raises(RuntimeError, match="on fire") as caught:
        da.omezarr.to_image(
            tmp_path / "i.ome.zarr", writer=create, chunks=16, memory_limit="64 KiB"
        )
    assert "Raised by the writer's array" in "".join(caught.value.__notes__)
    assert_nothing_is_left(tmp_path)


def test_a_writer_that_fails_to_make_an_array_leaves_no_image(tmp_path):
    def create(path, *args, **options):
        if path.name == "1":
            raise RuntimeError("no more arrays")
        return made_with_zarr(path, *args, **options)

    with pytest.raises(RuntimeError, match="no more arrays") as caught:
        image("yx").omezarr.to_image(
            tmp_path / "i.ome.zarr", writer=create, scale_factors=[2]
        )
    assert "while it made the array at" in caught.value.__notes__[0]
    assert_nothing_is_left(tmp_path)


def test_a_writer_that_fails_leaves_the_old_image(tmp_path):
    old = image("yx")
    old.omezarr.to_image(tmp_path / "i.ome.zarr")

    def create(path, *args, **options):
        return Failing(made_with_zarr(path, *args, **options), 0)

    with pytest.raises(RuntimeError, match="on fire"):
        image("yx", seed=1).omezarr.to_image(
            tmp_path / "i.ome.zarr", writer=create, mode="w"
        )
    xr.testing.assert_equal(xo.open_image(tmp_path / "i.ome.zarr"), old)
    assert os.listdir(tmp_path) == ["i.ome.zarr"]


def changed(**changes):
    def create(path, shape, dtype, chunks, **options):
        given = {"shape": shape, "dtype": dtype, "chunks": chunks, **options}
        given |= changes
        return made_with_zarr(
            path, given.pop("shape"), given.pop("dtype"), given.pop("chunks"), **given
        )

    return create


def in_zarr_2(path, shape, dtype, chunks, **_options):
    return zarr.create_array(
        str(path), shape=shape, dtype=dtype, chunks=chunks, zarr_format=2
    )


def with_a_fill_value(path, shape, dtype, chunks, *, dimension_names, **_options):
    return zarr.create_array(
        str(path),
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        dimension_names=dimension_names,
        fill_value=3,
    )


WRONG = {
    "nothing": (lambda *args, **options: None, "it returned None"),
    "no zarr": (
        lambda path, shape, dtype, *args, **options: np.zeros(shape, dtype),
        "no Zarr array can be opened there",
    ),
    "shape": (changed(shape=(37, 54)), r"of shape \(37, 54\), not \(37, 53\)"),
    "dtype": (changed(dtype="float32"), "of dtype float32, not uint16"),
    "chunks": (changed(chunks=(7, 8)), r"chunks are \(7, 8\), not \(16, 16\)"),
    "shards": (changed(shards=(32, 32)), r"shards are \(32, 32\), not None"),
    "names": (changed(dimension_names=None), "dimension_names are None"),
    "format": (in_zarr_2, "Zarr v2, not v3"),
    "fill value": (with_a_fill_value, r"fill_value is .*3.*, not 0"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_function_that_makes_another_array_is_refused(tmp_path, wrong):
    create, message = WRONG[wrong]
    with pytest.raises(OptionError, match=message):
        image("yx").omezarr.to_image(
            tmp_path / "i.ome.zarr", writer=create, chunks=16, scale_factors=None
        )
    assert_nothing_is_left(tmp_path)


@pytest.mark.parametrize("writer", ["zar", None, 3, lambda path, shape: None])
def test_writers_that_are_none_are_refused(tmp_path, writer):
    with pytest.raises(OptionError, match="writer is"):
        image("yx").omezarr.to_image(tmp_path / "i.ome.zarr", writer=writer)
    assert not os.listdir(tmp_path)


def test_what_a_function_is_told(tmp_path):
    told = []

    def create(path, shape, dtype, chunks, **options):
        told.append((path, shape, dtype, chunks, options))
        assert path.parent.is_dir() and not path.exists()
        return made_with_zarr(path, shape, dtype, chunks, **options)

    image("zyx").omezarr.to_image(
        tmp_path / "i.ome.zarr",
        writer=create,
        chunks=(1, 16, 16),
        shards=(2, 32, 32),
        scale_factors=[2],
        dims="tzyx",
    )
    first, second = told
    assert first == (
        tmp_path / "i.ome.zarr" / "0",
        (1, 5, 37, 53),
        np.dtype("uint16"),
        (1, 1, 16, 16),
        {
            "shards": (1, 2, 32, 32),
            "overwrite": False,
            "compression": "blosc-zstd",
            "dimension_names": ["t", "z", "y", "x"],
        },
    )
    assert second[:2] == (tmp_path / "i.ome.zarr" / "1", (1, 5, 19, 27))


def test_a_function_without_a_cluster_need_not_travel(tmp_path):
    lock = threading.Lock()

    class Counted(Failing):
        def __reduce__(self):
            raise TypeError("cannot be pickled")

    def create(path, *args, **options):
        with lock:
            return Counted(made_with_zarr(path, *args, **options), 10**6)

    da = image("zyx", blocks=16)
    assert_roundtrip(da, tmp_path / "i.ome.zarr", writer=create)


@pytest.fixture
def bucket(monkeypatch):
    """A bucket of an S3 server on loopback, whose keys the environment holds."""
    server = importlib.import_module("moto.server").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0, verbose=False
    )
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    request = urllib.request.Request(f"{url}/bucket", method="PUT")
    urllib.request.urlopen(request).close()
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    yield {"endpoint_url": url}
    server.stop()


# Clients and servers of others warn of each other's old habits.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("blocks", [None, 32])
def test_tensorstore_writes_to_s3(bucket, blocks):
    da = image("zyx", blocks=blocks)
    url = f"s3://bucket/{blocks}/i.ome.zarr"
    for mode, options in [(None, {}), ("w", {"shards": (2, 32, 32)})]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # S3 has no rename
            assert_roundtrip(
                da,
                url,
                storage_options=bucket,
                writer="tensorstore",
                mode=mode,
                chunks=(1, 16, 16),
                scale_factors=[2],
                **options,
            )
    coarse = xo.open_image(url, level=1, storage_options=bucket)
    assert coarse.shape == (5, 19, 27)


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


@pytest.mark.parametrize("writer", ["tensorstore", made_with_zarr])
def test_writers_work_on_a_cluster(client, tmp_path, writer):
    da = image("zyx", (7, 61, 83), blocks=(3, 22, 35))
    for shards in (None, (4, 32, 32)):
        assert_roundtrip(
            da,
            tmp_path / f"{shards}.ome.zarr",
            writer=writer,
            chunks=(2, 16, 16),
            shards=shards,
            memory_limit="64 KiB",
        )


def test_arrays_that_cannot_be_sent_to_a_cluster_are_refused(client, tmp_path):
    def create(path, *args, **options):
        return Failing(made_with_zarr(path, *args, **options), 10**6)

    with pytest.raises(OptionError, match="cannot be sent to the workers"):
        image("yx", blocks=32).omezarr.to_image(tmp_path / "i.ome.zarr", writer=create)
    assert_nothing_is_left(tmp_path)
