"""Several writers of one image, and images of other programs that are continued."""

from __future__ import annotations

import importlib
import itertools
import multiprocessing
import os
import signal
import threading
import time
import urllib.request
import warnings

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo

SHAPE = (67, 91)
WHOLE = np.random.default_rng(1).integers(1, 60000, SHAPE).astype("uint16")
# Borders that are no borders of chunks, nor of bins.
YS = [slice(0, 21), slice(21, 50), slice(50, 67)]
XS = [slice(0, 33), slice(33, 64), slice(64, 91)]


def prepared(store, **options):
    template = xo.template("yx", SHAPE, "uint16", scale={"y": 1, "x": 1})
    return xo.prepare_image(template, store, **options)


def part(region):
    return xr.DataArray(WHOLE[tuple(region.values())].copy(), dims=("y", "x"))


def assert_is_whole(store, **options) -> None:
    expected = xr.DataArray(WHOLE, dims=("y", "x"))
    other = xo.write_image(expected, MemoryStore(), **options)
    group = zarr.open_group(store, mode="r")
    for name, array in other.arrays():
        np.testing.assert_array_equal(group[name][...], array[...], err_msg=name)


def write_parts(path: str, regions, start) -> None:
    start.wait()
    for region in regions:
        xo.write_image(part(region), path, region=region)


def tiles():
    return [{"y": y, "x": x} for y, x in itertools.product(YS, XS)]


SPAWN = multiprocessing.get_context("spawn")


@pytest.mark.parametrize(
    "options",
    [
        {"scale_factors": [2, 4, 8], "chunks": 16, "method": "mean"},
        {"scale_factors": [3, 6], "chunks": 8, "shards": 32, "method": "mode"},
        {"scale_factors": [2, 4], "chunks": 16, "version": "0.4", "method": "max"},
    ],
    ids=["chunks", "shards", "v2"],
)
def test_processes_that_write_neighbours_lose_nothing(tmp_path, options) -> None:
    path = str(tmp_path / "many.zarr")
    prepared(path, **options)
    start = SPAWN.Event()
    shares = [tiles()[index::3] for index in range(3)]
    workers = [
        SPAWN.Process(target=write_parts, args=(path, share, start)) for share in shares
    ]
    for worker in workers:
        worker.start()
    start.set()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert_is_whole(path, **options)
    left = [name for *_, names in os.walk(path) for name in names if "lock" in name]
    assert left == []


def test_threads_that_write_neighbours_lose_nothing(tmp_path) -> None:
    options = {"scale_factors": [2, 4, 8], "chunks": 16}
    prepared(tmp_path / "x.zarr", **options)
    stores = [tmp_path / "x.zarr"]
    memory = MemoryStore()
    prepared(memory, **options)
    stores.append(memory)
    for store in stores:
        threads = [
            threading.Thread(
                target=xo.write_image,
                args=(part(region), store),
                kwargs={"region": region},
            )
            for region in tiles()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert_is_whole(store, **options)


def read_on(path: str, stop, torn) -> None:
    group = zarr.open_group(path, mode="r")
    while not stop.is_set():
        for name in ("0", "1"):
            # What cannot be decoded raises; what is decoded is old or new.
            pixels = group[name][...]
            if not set(np.unique(pixels)) <= {0, 7}:
                torn.set()


def test_a_reader_never_sees_a_torn_object(tmp_path) -> None:
    path = str(tmp_path / "x.zarr")
    prepared(path, scale_factors=[2], chunks=16, shards=64, method="nearest")
    stop, torn = SPAWN.Event(), SPAWN.Event()
    reader = SPAWN.Process(target=read_on, args=(path, stop, torn))
    reader.start()
    for region in tiles():
        sevens = xr.full_like(part(region), 7)
        xo.write_image(sevens, path, region=region)
    stop.set()
    reader.join()
    assert reader.exitcode == 0
    assert not torn.is_set()


def hold_lock(path: str, held) -> None:
    from xarray_omezarr.store.lock import lock_of
    from xarray_omezarr.store.target import open_target

    with lock_of(open_target(path), "0", None).held():
        held.set()
        time.sleep(600)


@pytest.mark.skipif(os.name == "nt", reason="there are no such locks on Windows")
def test_a_killed_writer_leaves_no_lock(tmp_path) -> None:
    path = str(tmp_path / "x.zarr")
    prepared(path, scale_factors=[2], chunks=16)
    held = SPAWN.Event()
    holder = SPAWN.Process(target=hold_lock, args=(path, held))
    holder.start()
    held.wait()
    done = threading.Event()

    def write() -> None:
        region = tiles()[4]
        xo.write_image(part(region), path, region=region)
        done.set()

    writer = threading.Thread(target=write)
    writer.start()
    assert not done.wait(0.5)
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    writer.join()
    assert done.is_set()


def test_one_frame_after_the_other_on_all_levels(tmp_path) -> None:
    movie = xo.template(
        "tcyx",
        {"t": 4, "c": 2, "y": 30, "x": 50},
        "uint8",
        scale={"t": 0.5, "y": 0.1, "x": 0.1},
        units={"t": "s", "y": "um", "x": "um"},
    )
    path = tmp_path / "movie.zarr"
    xo.prepare_image(movie, path, scale_factors=[2, 4])
    frames = np.random.default_rng(0).integers(0, 255, (4, 2, 30, 50)).astype("uint8")
    for index, frame in enumerate(frames):
        da = xr.DataArray(frame, dims=("c", "y", "x"))
        where = {"t": index} if index % 2 else {"t": slice(index, index + 1)}
        xo.write_image(da, path, region=where)
    found = xo.open_image(path)
    np.testing.assert_array_equal(found.values, frames)
    assert found.t.values.tolist() == [0.0, 0.5, 1.0, 1.5]
    expected = xo.write_image(
        movie.copy(data=frames), MemoryStore(), scale_factors=[2, 4]
    )
    coarse = zarr.open_group(path)["2"][...]
    np.testing.assert_array_equal(coarse, expected["2"][...])


class TestOthersReadIt:
    def amended(self, path, version):
        template = xo.template("tyx", (3, 33, 41), "uint8", scale={"y": 0.5, "x": 0.5})
        xo.prepare_image(template, path, version=version, scale_factors=[2, 4])
        frame = xr.DataArray(np.full((33, 41), 9, "uint8"), dims=("y", "x"))
        xo.write_image(frame, path, region={"t": 1})
        more = frame.expand_dims(t=[3.0])
        xo.write_image(more, path, append_dim="t")
        return xo.build_pyramid(path, scale_factors=[3])

    @pytest.mark.parametrize("version", ["0.4", "0.5"])
    def test_yaozarrs_finds_nothing_wrong(self, tmp_path, version) -> None:
        yaozarrs = importlib.import_module("yaozarrs")
        self.amended(tmp_path / "x.zarr", version)
        yaozarrs.validate_zarr_store(str(tmp_path / "x.zarr"))

    @pytest.mark.parametrize("version", ["0.4", "0.5"])
    def test_ome_zarr_models_finds_nothing_wrong(self, tmp_path, version) -> None:
        name = f"ome_zarr_models.v{version.replace('.', '')}.image"
        models = importlib.import_module(name)
        attrs = dict(self.amended(tmp_path / "x.zarr", version).attrs)
        models.ImageAttrs.model_validate(attrs.get("ome", attrs))


class TestPyramidsOfOthers:
    @pytest.fixture
    def pixels(self):
        return np.random.default_rng(0).integers(0, 999, (64, 48)).astype("uint16")

    def by_ome_zarr(self, path, pixels) -> None:
        writer = pytest.importorskip("ome_zarr.writer")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            group = zarr.open_group(path, mode="w")
            writer.write_image(pixels, group, axes="yx", scale_factors=[2, 4])

    def by_ngff_zarr(self, path, pixels, name: str) -> None:
        ngff_zarr = importlib.import_module("ngff_zarr")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = ngff_zarr.to_ngff_image(pixels, dims=["y", "x"])
            scales = ngff_zarr.to_multiscales(
                image, method=ngff_zarr.Methods[name], scale_factors=[2, 4]
            )
            ngff_zarr.to_ngff_zarr(str(path), scales, version="0.5")

    def write(self, path, pixels, **options):
        new = xr.DataArray(pixels[:13, 5:20] // 2, dims=("y", "x"))
        region = {"y": slice(0, 13), "x": slice(5, 20)}
        return xo.write_image(new, path, region=region, **options)

    def test_of_an_untold_method_are_refused(self, tmp_path, pixels) -> None:
        self.by_ome_zarr(tmp_path / "x.zarr", pixels)
        with pytest.raises(xo.OptionError, match="method="):
            self.write(tmp_path / "x.zarr", pixels)

    def test_are_continued_by_a_method_that_is_given(self, tmp_path, pixels) -> None:
        path = tmp_path / "x.zarr"
        self.by_ome_zarr(path, pixels)
        group = self.write(path, pixels, method="max")
        first, second, _ = sorted(group.array_keys())
        finest, coarse = group[first][...], group[second][...]
        whole = pixels.copy()
        whole[:13, 5:20] //= 2
        np.testing.assert_array_equal(finest, whole)
        bins = whole.reshape(32, 2, 24, 2).max(axis=(1, 3))
        np.testing.assert_array_equal(coarse[:7, 2:10], bins[:7, 2:10])

    def test_of_a_method_with_other_ties_are_refused(self, tmp_path, pixels) -> None:
        self.by_ngff_zarr(tmp_path / "x.zarr", pixels, "DASK_IMAGE_MODE")
        with pytest.raises(xo.OptionError, match="dask_image_mode"):
            self.write(tmp_path / "x.zarr", pixels)

    def test_are_continued_by_a_method_that_is_known(self, tmp_path, pixels) -> None:
        path = tmp_path / "x.zarr"
        self.by_ngff_zarr(path, pixels, "ITKWASM_BIN_SHRINK")
        group = self.write(path, pixels)
        whole = pixels.copy()
        whole[:13, 5:20] //= 2
        exact = whole.reshape(32, 2, 24, 2).mean(axis=(1, 3))
        assert np.abs(group["scale1/image"][...] - exact).max() <= 0.5

    def test_of_broken_factors_are_refused_and_can_be_remade(self, tmp_path) -> None:
        path = tmp_path / "x.zarr"
        odd = np.random.default_rng(0).integers(0, 999, (65, 47)).astype("uint16")
        self.by_ome_zarr(path, odd)
        with pytest.raises(xo.OptionError, match="no whole factor"):
            self.write(path, odd, method="mean")
        group = xo.build_pyramid(path, scale_factors=[2])
        np.testing.assert_array_equal(xo.open_image(path).values, odd)
        assert xo.open_image(path, level=1).shape == (33, 24)
        assert len(sorted(group.array_keys())) == 2
        self.write(path, odd)


@pytest.fixture(scope="module")
def bucket():
    """Options of a client for a bucket of an S3 server on loopback."""
    moto = importlib.import_module("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    request = urllib.request.Request(f"{url}/bucket", method="PUT")
    urllib.request.urlopen(request).close()
    yield {"endpoint_url": url, "key": "testing", "secret": "testing"}
    server.stop()


def remote(bucket, client: str):
    """A new client of the same place, and options that go with it."""
    if client == "s3fs":
        return "s3://bucket/fs/x.zarr", {"storage_options": bucket}
    store = importlib.import_module("obstore.store").S3Store(
        "bucket",
        prefix="ob",
        endpoint=bucket["endpoint_url"],
        client_options={"allow_http": True},
        region="us-east-1",
        access_key_id=bucket["key"],
        secret_access_key=bucket["secret"],
    )
    return store, {"group": "x.zarr"}


# Clients and servers of others warn of each other's old habits.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("client", ["s3fs", "obstore"])
def test_writers_of_an_object_store_take_turns_by_leases(bucket, client) -> None:
    options = {"scale_factors": [2, 4], "chunks": 32}
    store, where = remote(bucket, client)
    prepared(store, **options, **where)

    failed = []

    def write(region) -> None:
        try:
            mine, where = remote(bucket, client)
            xo.write_image(part(region), mine, region=region, **where)
        except Exception as error:
            failed.append(error)

    threads = [
        threading.Thread(target=write, args=({"y": slice(0, 67), "x": x},)) for x in XS
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    expected = xr.DataArray(WHOLE, dims=("y", "x"))
    local = xo.write_image(expected, MemoryStore(), **options).store
    for level in range(3):
        np.testing.assert_array_equal(
            xo.open_image(store, level=level, **where).values,
            xo.open_image(local, level=level).values,
        )
