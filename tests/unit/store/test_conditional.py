"""Objects are created where there are none, and stores tell so in many ways."""

from __future__ import annotations

import importlib

import pytest
from zarr.storage import FsspecStore

from xarray_omezarr.store.conditional import FsspecCreator, ObstoreCreator


class ClientError(Exception):
    """As botocore raises it."""

    def __init__(self, status) -> None:
        super().__init__(f"status {status}")
        self.response = {"ResponseMetadata": {"HTTPStatusCode": status}}


def direct(status):
    raise ClientError(status)


def as_cause(status):
    raise OSError("translated") from ClientError(status)


def as_context(status):
    try:
        direct(status)
    except ClientError:
        raise OSError("translated")  # noqa: B904 - clients forget the cause, too


def fsspec_creator(fail):
    class Files:
        async_impl = True
        asynchronous = True

        async def _pipe_file(self, path, value, mode) -> None:
            fail()

        async def _cat_file(self, path) -> bytes:
            return b"another's"

    store = FsspecStore.__new__(FsspecStore)
    store.fs, store.path = Files(), "bucket"
    return FsspecCreator(store)


def obstore_creator(fail):
    importlib.import_module("obstore")

    class Found:
        async def bytes_async(self) -> bytes:
            return b"another's"

    class Objects:
        async def put_async(self, key, value, **options) -> None:
            fail()

        async def get_async(self, key) -> Found:
            return Found()

    return ObstoreCreator(Objects())


CREATORS = [fsspec_creator, obstore_creator]


@pytest.mark.parametrize("creator", CREATORS)
@pytest.mark.parametrize("status", [409, 412])
@pytest.mark.parametrize("way", [direct, as_cause, as_context])
def test_a_conflict_means_that_it_is_not_created(creator, status, way) -> None:
    assert not creator(lambda: way(status)).create("lock", b"mine")


@pytest.mark.parametrize("creator", CREATORS)
def test_what_is_there_and_the_same_was_created_though_the_answer_was_lost(
    creator,
) -> None:
    assert creator(lambda: direct(412)).create("lock", b"another's")


@pytest.mark.parametrize("creator", CREATORS)
def test_other_errors_are_raised(creator) -> None:
    for way in (direct, as_cause, as_context):
        with pytest.raises((ClientError, OSError)):
            creator(lambda way=way: way(403)).create("lock", b"mine")

    def odd() -> None:
        error = OSError("its own cause")
        error.response = "no mapping"
        raise error from error

    with pytest.raises(OSError, match="its own cause"):
        creator(odd).create("lock", b"mine")
