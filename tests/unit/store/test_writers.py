from __future__ import annotations

import functools
import pickle

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.writers import (
    CallableWriter,
    ZarrWriter,
    make_arrays,
    resolve_writer,
)


def create(path, shape, dtype, chunks, *, shards, dimension_names, **others):
    return zarr.create_array(
        path,
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        shards=shards,
        dimension_names=dimension_names,
    )


@pytest.mark.parametrize("word", ["auto", "zarr"])
def test_zarr_is_the_default(word):
    assert resolve_writer(word) == ZarrWriter()


@pytest.mark.parametrize("option", ["Zarr", "", None, 1, ["zarr"]])
def test_what_is_no_writer_is_refused(option):
    with pytest.raises(OptionError, match="give one of"):
        resolve_writer(option)


def test_functions_objects_and_partials_are_writers():
    class Creator:
        def __call__(self, path, shape, dtype, chunks, **options):
            raise NotImplementedError

    partial = functools.partial(create, level=3)
    for function in (create, Creator(), partial, lambda *args, **options: None):
        assert resolve_writer(function) == CallableWriter(function)


@pytest.mark.parametrize(
    "function",
    [
        lambda path: None,
        lambda path, shape, dtype, chunks: None,
        lambda path, shape, dtype, chunks, more, **options: None,
        lambda path, shape, dtype, chunks, *, must, **options: None,
    ],
)
def test_functions_that_cannot_be_called_so_are_refused(function):
    with pytest.raises(OptionError, match="it is called with"):
        resolve_writer(function)


def test_zarr_gives_arrays_of_zarr_and_opens_them_again(plan_image):
    store = MemoryStore()
    made = make_arrays(plan_image(), store, ZarrWriter())
    assert {path: array.shape for path, array in made.items()} == {
        "0": (8, 6),
        "1": (4, 3),
    }
    made["0"][0:4, 0:6] = 7
    opened = ZarrWriter().open(plan_image(), zarr.open_group(store))
    assert opened["0"][0:8, 0:6].sum() == 7 * 24


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_arrays_of_zarr_are_opened_below_a_group(plan_image, version):
    store = MemoryStore()
    hierarchy = plan_image(version=version)
    root = zarr.create_group(
        store, path="a/b", zarr_format=hierarchy.version.features.zarr_format
    )
    ZarrWriter().create(hierarchy, root)
    opened = ZarrWriter().open(hierarchy, root)
    assert opened["1"].shape == (4, 3)
    assert opened["1"].path == "a/b/1"


def test_a_function_makes_arrays_that_are_no_longer_of_zarr(plan_image, tmp_path):
    writer = CallableWriter(create)
    made = make_arrays(plan_image(), tmp_path / "i.zarr", writer)
    assert not isinstance(made["0"], zarr.Array)
    made["0"][0:4, 0:6] = np.full((4, 6), 7, "uint16")
    copy = pickle.loads(pickle.dumps(made["0"]))
    np.testing.assert_array_equal(copy[3:5, 0:2], [[7, 7], [0, 0]])


def test_the_attributes_of_an_array_are_added_to_what_a_function_made(
    plan_image, tmp_path
):
    def create_2(path, shape, dtype, chunks, **options):
        return zarr.create_array(
            path,
            shape=shape,
            dtype=dtype,
            chunks=chunks,
            zarr_format=2,
            chunk_key_encoding={"name": "v2", "separator": "/"},
        )

    writer = CallableWriter(create_2)
    make_arrays(plan_image(version="0.4"), tmp_path / "i.zarr", writer)
    stored = zarr.open_array(tmp_path / "i.zarr" / "0")
    assert stored.attrs["_ARRAY_DIMENSIONS"] == ["y", "x"]


def test_keys_that_are_not_nested_are_refused_in_zarr_2(plan_image, tmp_path):
    def create_flat(path, shape, dtype, chunks, **options):
        return zarr.create_array(
            path, shape=shape, dtype=dtype, chunks=chunks, zarr_format=2
        )

    writer = CallableWriter(create_flat)
    with pytest.raises(OptionError, match=r"dimension_separator are \., not /"):
        make_arrays(plan_image(version="0.4"), tmp_path / "i.zarr", writer)


def test_a_function_opens_nothing_that_exists(plan_image, tmp_path):
    make_arrays(plan_image(), tmp_path / "i.zarr", ZarrWriter())
    with pytest.raises(OptionError, match="which makes new arrays"):
        CallableWriter(create).open(plan_image(), zarr.open_group(tmp_path / "i.zarr"))


def test_a_function_needs_a_folder(plan_image):
    with pytest.raises(OptionError, match="which makes arrays in folders"):
        CallableWriter(create).check(plan_image(), open_target(MemoryStore()))
