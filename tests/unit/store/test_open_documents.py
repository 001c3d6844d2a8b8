"""Documents of many nodes: what is there, and what they hold."""

from __future__ import annotations

import json

import pytest
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.errors import MetadataError, NotOmeZarrError
from xarray_omezarr.store.open_documents import (
    group_attrs,
    read_documents,
    read_root,
)
from xarray_omezarr.store.target import open_target


@pytest.fixture(params=["folder", "memory"])
def store(request, tmp_path):
    return tmp_path / "x.zarr" if request.param == "folder" else MemoryStore()


def target(store, group=None):
    return open_target(store, group=group, read_only=True)


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_what_is_there_is_read_and_the_rest_left_out(store, zarr_format) -> None:
    root = zarr.create_group(store, zarr_format=zarr_format, attributes={"a": 1})
    # Longer than what is read at once.
    root.create_group("long", attributes={"text": "x" * 100_000})
    name = ".zattrs" if zarr_format == 2 else "zarr.json"
    keys = [f"long/{name}", f"none/{name}", f"long/{name}", "long"]
    found = read_documents(target(store), keys)
    assert [*found] == [f"long/{name}"]
    told = json.loads(found[f"long/{name}"])
    assert told.get("attributes", told) == {"text": "x" * 100_000}
    below = read_documents(target(store, "long"), [name])
    assert below[name] == found[f"long/{name}"]
    known = read_root(target(store))
    assert (known.zarr_format, known.attrs) == (zarr_format, {"a": 1})


def test_a_group_without_attributes_has_none(store) -> None:
    zarr.create_group(store, zarr_format=2)
    known = read_root(target(store))
    assert (known.zarr_format, known.attrs) == (2, {})


def test_where_there_is_no_document_there_is_no_group(tmp_path) -> None:
    assert read_root(target(MemoryStore())) is None
    zarr.create_group(tmp_path / "x.zarr").create_group("a")
    assert read_root(target(tmp_path / "x.zarr", "b")) is None


@pytest.mark.parametrize(
    ("document", "error", "message"),
    [
        (b"{", MetadataError, "metadata of here are no JSON"),
        (b"[1]", MetadataError, r"metadata of here are \[1\], no object"),
        (b'{"attributes": 3}', MetadataError, "attributes of here are 3, no object"),
        (b'{"node_type": "array"}', NotOmeZarrError, "here is a Zarr array"),
    ],
)
def test_what_is_no_group_is_said(document, error, message) -> None:
    with pytest.raises(error, match=message):
        group_attrs(document, 3, "here")
