"""Pixels that would be removed before they are written are recognised."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import FsspecStore, LocalStore, MemoryStore, ObjectStore, WrapperStore

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.origins import overlap, refuse_own_source
from xarray_omezarr.store.target import open_target

PIXELS = np.arange(48, dtype="uint16").reshape(8, 6)


@pytest.fixture
def store():
    """A store with the same pixels under ``a/0`` and ``ab/0``."""
    store = MemoryStore()
    for path in ("a/0", "ab/0"):
        array = zarr.create_array(
            store, name=path, shape=(8, 6), dtype="u2", dimension_names=("y", "x")
        )
        array[...] = PIXELS
    return store


def opened(store, path="a/0"):
    return zarr.open_array(store, path=path, mode="r")


def opened_by_xarray(store, **options):
    group = zarr.open_group(store, path="a", mode="r+")
    group.attrs["title"] = "two"
    ds = xr.open_dataset(store, engine="zarr", group="a", consolidated=False, **options)
    return ds["0"].variable


SOURCES = {
    "zarr": opened,
    "dask": lambda store: dask.array.from_array(opened(store), chunks=4),
    "fused": lambda store: dask.array.from_array(opened(store), chunks=3)[1:].T + 1,
    "inline": lambda store: dask.array.from_array(opened(store), inline_array=True),
    "many": lambda store: dask.array.stack(
        [dask.array.zeros((8, 6)), dask.array.from_array(opened(store))]
    ),
    "xarray": opened_by_xarray,
    "xarray with dask": lambda store: opened_by_xarray(store, chunks={}).data,
}


@pytest.mark.parametrize("group", [None, "a", "a/0"])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_is_read_from_the_target_is_refused(plan_image, store, source, group):
    hierarchy = plan_image(source(store))
    with pytest.raises(OptionError, match="mode='w' would remove the pixels"):
        refuse_own_source(hierarchy, open_target(store, group=group))


@pytest.mark.parametrize("group", ["ab", "b", "a/1"])
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_is_read_from_beside_it_is_not(plan_image, store, source, group):
    refuse_own_source(plan_image(source(store)), open_target(store, group=group))


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_what_is_read_from_another_store_is_not(plan_image, store, source):
    refuse_own_source(plan_image(source(store)), open_target(MemoryStore()))


@pytest.mark.parametrize(
    "pixels", [PIXELS, dask.array.from_array(PIXELS), dask.array.ones((8, 6))]
)
def test_what_is_in_memory_is_not(plan_image, store, pixels):
    refuse_own_source(plan_image(pixels), open_target(store, group="a"))


def folder_stores(folder):
    """Stores of several libraries that are in one folder."""
    obstore = pytest.importorskip("obstore.store")
    return [
        str(folder),
        LocalStore(folder),
        WrapperStore(LocalStore(folder)),
        FsspecStore.from_url(f"local://{folder}"),
        ObjectStore(obstore.LocalStore(folder)),
    ]


def test_a_folder_is_the_same_through_every_library(tmp_path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}-linked").symlink_to(tmp_path / name)
    ones = [*folder_stores(tmp_path / "a"), tmp_path / "a-linked"]
    others = [*folder_stores(tmp_path / "b"), tmp_path / "b-linked"]
    for one in ones:
        for same in ones:
            assert overlap(open_target(one), open_target(same)), (one, same)
            assert overlap(open_target(one, group="x"), open_target(same))
            assert overlap(open_target(one), open_target(same, group="x"))
            inner = open_target(one, group="x"), open_target(same, group="xy")
            assert not overlap(*inner)
        for other in others:
            assert not overlap(open_target(one), open_target(other)), (one, other)


def test_a_bucket_is_the_same_whoever_asks_for_it() -> None:
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("s3fs")

    def bucket(**options):
        filesystem = fsspec.filesystem("s3", asynchronous=True, **options)
        return open_target(FsspecStore(filesystem, path="bucket/a.zarr"))

    mine, anonymous = bucket(key="a", secret="b"), bucket(anon=True)
    elsewhere = bucket(anon=True, endpoint_url="http://example.org")
    assert overlap(mine, anonymous)
    assert not overlap(mine, elsewhere)


@pytest.mark.parametrize("endpoint", [None, "http://127.0.0.1:9"])
def test_a_bucket_is_the_same_through_every_library(endpoint, monkeypatch) -> None:
    fsspec = pytest.importorskip("fsspec")
    pytest.importorskip("s3fs")
    obstore = pytest.importorskip("obstore.store")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"):
        monkeypatch.delenv(name, raising=False)

    def by_fsspec(path, told=endpoint):
        options = {} if told is None else {"endpoint_url": told}
        filesystem = fsspec.filesystem("s3", asynchronous=True, anon=True, **options)
        return open_target(FsspecStore(filesystem, path=path))

    def by_obstore(bucket, prefix, told=endpoint):
        options = {} if told is None else {"endpoint": told}
        store = obstore.S3Store(
            bucket,
            prefix=prefix,
            region="us-east-1",
            skip_signature=True,
            client_options={"allow_http": True},
            **options,
        )
        return open_target(ObjectStore(store))

    mine = by_fsspec("bucket/a/b.zarr")
    assert overlap(mine, by_obstore("bucket", "a/b.zarr"))
    assert overlap(by_obstore("bucket", None), mine)
    assert overlap(by_obstore("bucket", "a/b.zarr/labels"), mine)
    assert not overlap(mine, by_obstore("bucket", "a/b"))
    assert not overlap(mine, by_obstore("bucket2", "a/b.zarr"))
    assert not overlap(mine, by_obstore("bucket", "a/b.zarr", "http://127.0.0.1:8"))
    # Without one, the environment says where.
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint or "")
    assert overlap(mine, by_obstore("bucket", "a/b.zarr", None))
    amazon = by_fsspec("bucket/a/b.zarr", "https://s3.us-east-1.amazonaws.com/")
    assert overlap(amazon, by_obstore("bucket", "a/b.zarr", None)) == (endpoint is None)


def test_a_store_that_cannot_tell_its_bucket_is_itself() -> None:
    obstore = pytest.importorskip("obstore.store")
    # Asked for what it was made with, it panics.
    odd = obstore.S3Store("bucket", config={"AWS_ALLOW_HTTP": "true"})
    one, same = open_target(ObjectStore(odd)), open_target(ObjectStore(odd))
    assert overlap(one, same)


def test_stores_in_memory_are_the_same_by_their_place() -> None:
    pytest.importorskip("fsspec")
    one, same = (FsspecStore.from_url("memory://origins/a") for _ in range(2))
    other = FsspecStore.from_url("memory://origins/ab")
    assert overlap(open_target(one), open_target(same))
    assert not overlap(open_target(one), open_target(other))
