"""Metadata documents, made in memory and put all at once."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.hierarchy import ArrayNode, Deferred, Layout
from xarray_omezarr.store.nodes import new_arrays, new_group, put_groups


def node(layout, **fields):
    return ArrayNode(("y", "x"), (8, 6), np.dtype("u2"), layout, Deferred(), **fields)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_zarr_reads_groups_and_arrays(zarr_format) -> None:
    store = MemoryStore()
    root = new_group(store, "a/b", {"said": 1}, zarr_format)
    put_groups(store, "a/b", {"c": {"deep": True}, "c/d": {}}, zarr_format)
    arrays = new_arrays(
        root,
        {"0": node(Layout((4, 3), fill_value=7)), "c/1": node(Layout((8, 6)))},
        zarr_format,
    )
    read = zarr.open_group(store, path="a/b", mode="r", zarr_format=zarr_format)
    assert dict(read.attrs) == {"said": 1} == dict(root.attrs)
    assert dict(read["c"].attrs) == {"deep": True}
    assert read["0"].chunks == (4, 3)
    assert read["0"].fill_value == 7
    assert read["c/1"].shape == (8, 6)
    arrays["0"][:2] = 5
    assert read["0"][:3, 0].tolist() == [5, 5, 7]


def test_they_are_what_zarr_itself_writes() -> None:
    ours, theirs = MemoryStore(), MemoryStore()
    layout = Layout((4, 3), shards=(8, 6), compression="zstd")
    new_arrays(new_group(ours, "", {}, 3), {"0": node(layout)}, 3)
    zarr.create_group(theirs).create_array(
        "0",
        shape=(8, 6),
        dtype="u2",
        chunks=(4, 3),
        shards=(8, 6),
        compressors=zarr.codecs.ZstdCodec(level=3),
        dimension_names=("y", "x"),
        fill_value=0,
    )
    assert ours._store_dict.keys() == theirs._store_dict.keys()
    for key, value in ours._store_dict.items():
        assert value.to_bytes() == theirs._store_dict[key].to_bytes()
