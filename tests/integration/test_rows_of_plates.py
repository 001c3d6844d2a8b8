"""Rows of plates: what others say of them is read, and written again."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from tests.integration.operations import CountingStore
from tests.integration.plates import plate

FIELDS = {"B/1/0": {}, "A/1/0": {}, "A/2/0": {}}
ZARR_FORMATS = pytest.mark.parametrize("zarr_format", [2, 3])


def made(zarr_format, **rows):
    """A plate whose rows have these attributes."""
    store = MemoryStore()
    plate(store, zarr_format, FIELDS)
    for row, attrs in rows.items():
        zarr.open_group(store, path=row, mode="r+").attrs.update(attrs)
    return store


def opened(store, **options):
    return xr.open_datatree(store, engine="omezarr", **options)


def row_attrs(store, row):
    return dict(zarr.open_group(store, path=row, mode="r").attrs)


@ZARR_FORMATS
def test_attributes_of_rows_are_read(zarr_format) -> None:
    tree = opened(made(zarr_format, B={"foreign": 1, "of": {"whom": ["x"]}}))
    assert tree["B"].attrs == {"foreign": 1, "of": {"whom": ["x"]}}
    assert tree["A"].attrs == {}


@ZARR_FORMATS
def test_rows_with_attributes_do_not_come_before_others(zarr_format) -> None:
    plain = [node.path for node in opened(made(zarr_format)).subtree]
    for row in "AB":
        tree = opened(made(zarr_format, **{row: {"foreign": 1}}))
        assert [node.path for node in tree.subtree] == plain


@ZARR_FORMATS
@pytest.mark.parametrize("version", ["0.4", "0.5", "0.6"])
def test_attributes_of_rows_are_written_again(zarr_format, version) -> None:
    written = MemoryStore()
    tree = opened(made(zarr_format, A={"foreign": 1}))
    tree.omezarr.to_plate(written, version=version)
    assert row_attrs(written, "A") == {"foreign": 1}
    assert row_attrs(written, "B") == {}
    assert xo.validate(written).ok


def test_attributes_of_rows_are_converted() -> None:
    converted = MemoryStore()
    xo.convert(made(2, A={"foreign": 1}), converted, version="0.5")
    assert row_attrs(converted, "A") == {"foreign": 1}


def test_rows_none_of_whose_wells_is_chosen_are_not_there() -> None:
    tree = opened(made(3, A={"foreign": 1}, B={"foreign": 2}), wells=["B/1"])
    assert [*tree.children] == ["B"]
    assert tree["B"].attrs == {"foreign": 2}


def test_broken_attributes_of_a_row_do_not_hide_its_wells() -> None:
    store = made(3, A={"foreign": 1})
    raw = {"zarr_format": 3, "node_type": "group", "attributes": 7}
    key = zarr.core.buffer.default_buffer_prototype().buffer.from_bytes
    store._store_dict["A/zarr.json"] = key(json.dumps(raw).encode())
    with pytest.warns(xo.OmeZarrWarning, match="row 'A'"):
        tree = opened(store)
    assert set(tree["A"].children) == {"1", "2"}


def test_a_row_takes_one_request() -> None:
    store = made(3, A={"foreign": 1})
    counting = CountingStore(store)
    opened(counting)
    asked = [
        key for key in counting.ledger.got if key in ("A/zarr.json", "B/zarr.json")
    ]
    assert sorted(asked) == ["A/zarr.json", "B/zarr.json"]


def test_attributes_that_a_tree_is_given_are_written_and_read() -> None:
    image = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"), name="image")
    tree = xr.DataTree.from_dict({"A/1/0": image.to_dataset()})
    tree["A"].attrs["drug"] = "none"
    store = MemoryStore()
    tree.omezarr.to_plate(store)
    assert opened(store)["A"].attrs == {"drug": "none"}
