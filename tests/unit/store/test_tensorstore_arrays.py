from __future__ import annotations

import json
import pickle
import sys
from concurrent.futures import ThreadPoolExecutor

import fsspec
import numpy as np
import pytest
import zarr
from zarr.storage import FsspecStore, LocalStore, MemoryStore

from xarray_omezarr.errors import MissingDependencyError, OptionError
from xarray_omezarr.store.target import Target, open_target
from xarray_omezarr.store.tensorstore_arrays import (
    TensorstoreArray,
    TensorstoreWriter,
    kvstore,
)
from xarray_omezarr.store.writers import make_arrays


@pytest.fixture
def handles(plan_image, tmp_path):
    return make_arrays(plan_image(), tmp_path / "i.zarr", TensorstoreWriter())


def test_what_is_assigned_is_stored_when_the_assignment_returns(handles, tmp_path):
    block = np.arange(24, dtype="uint16").reshape(4, 6)
    handles["0"][4:8, 0:6] = block
    stored = zarr.open_array(tmp_path / "i.zarr" / "0")
    np.testing.assert_array_equal(stored[4:], block)
    np.testing.assert_array_equal(stored[:4], 0)
    np.testing.assert_array_equal(handles["0"][5:7, 1:3], block[1:3, 1:3])


def test_an_array_travels_as_its_specification(handles):
    handles["0"][0:4, 0:6] = np.ones((4, 6), "uint16")
    data = pickle.dumps(handles["0"])
    assert len(data) < 2000
    copy = pickle.loads(data)
    assert copy == handles["0"]
    assert copy[0:8, 0:6].sum() == 24


def test_an_array_is_opened_where_it_is_first_used(tmp_path):
    spec = {
        "driver": "zarr3",
        "kvstore": {"driver": "file", "path": str(tmp_path / "none/")},
    }
    array = TensorstoreArray(json.dumps(spec))
    with pytest.raises(ValueError, match="NOT_FOUND"):
        array[0:1, 0:1]


def test_many_threads_may_use_an_array_that_is_not_open_yet(handles):
    ones = np.ones((4, 6), "uint16")

    def store(start):
        handles["0"][start : start + 4, 0:6] = ones

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(store, [0, 4]))
    assert handles["0"][0:8, 0:6].sum() == 48


def test_arrays_that_exist_are_opened(plan_image, handles, tmp_path):
    handles["0"][0:4, 0:6] = np.ones((4, 6), "uint16")
    again = TensorstoreWriter().open(plan_image(), zarr.open_group(tmp_path / "i.zarr"))
    assert list(again) == ["0", "1"]
    assert again["0"][0:8, 0:6].sum() == 24


def test_folders_are_named_as_such(tmp_path):
    for store in (tmp_path, str(tmp_path), LocalStore(tmp_path)):
        found = kvstore(open_target(store, group="a/b"))
        assert found == {"driver": "file", "path": f"{tmp_path}/a/b/"}


def s3(**options):
    fs = fsspec.filesystem("s3", asynchronous=True, skip_instance_cache=True, **options)
    store = FsspecStore(fs, path="bucket/some/i.zarr")
    return Target(store, "0", None, "s3://bucket/some/i.zarr/0")


def test_a_bucket_of_amazon_is_asked_for_with_the_login_of_the_environment():
    assert kvstore(s3()) == {
        "driver": "s3",
        "bucket": "bucket",
        "path": "some/i.zarr/0/",
        "aws_credentials": {"type": "default"},
    }


def test_a_public_bucket_is_asked_for_without_login():
    assert kvstore(s3(anon=True))["aws_credentials"] == {"type": "anonymous"}


@pytest.mark.parametrize(
    "options",
    [
        {"endpoint_url": "http://127.0.0.1:9000"},
        {"client_kwargs": {"endpoint_url": "http://127.0.0.1:9000"}},
    ],
)
def test_another_server_is_asked_where_it_is(options):
    found = kvstore(s3(**options))
    assert found["endpoint"] == "http://127.0.0.1:9000"
    assert found["aws_region"] == "us-east-1"


def test_the_region_is_told():
    assert kvstore(s3(client_kwargs={"region_name": "eu-west-1"}))["aws_region"] == (
        "eu-west-1"
    )


@pytest.mark.parametrize(
    "options",
    [
        {"key": "key", "secret": "secret"},
        {"client_kwargs": {"aws_access_key_id": "key"}},
    ],
)
def test_keys_that_tensorstore_cannot_take_are_refused(options):
    with pytest.raises(OptionError, match="AWS_ACCESS_KEY_ID") as caught:
        kvstore(s3(**options))
    assert "secret" not in str(caught.value).replace("SECRET", "")


def test_a_bucket_of_google_is_asked_for():
    class Fs:
        protocol = ("gs", "gcs")
        async_impl = asynchronous = True

    store = FsspecStore(Fs(), path="bucket/i.zarr")
    found = kvstore(Target(store, "", None, "gs://bucket/i.zarr"))
    assert found == {"driver": "gcs", "bucket": "bucket", "path": "i.zarr/"}


def test_other_stores_are_refused():
    with pytest.raises(OptionError, match="is a MemoryStore"):
        kvstore(open_target(MemoryStore()))


def test_without_tensorstore_the_pip_line_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorstore", None)
    with pytest.raises(MissingDependencyError, match=r"pip install .*\[tensorstore\]"):
        TensorstoreWriter()
