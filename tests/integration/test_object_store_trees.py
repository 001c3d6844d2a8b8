"""Plates, labels and collections on S3: written, added to and read back."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import obstore
import pytest
import xarray as xr
import zarr
from zarr.storage import ObjectStore

import xarray_omezarr as xo
from tests.integration.operations import is_metadata
from tests.integration.scenes import AFFINE, registered
from tests.integration.test_object_stores import BUCKET, s3, server

__all__ = ["s3", "server"]  # fixtures

# Clients and servers of others warn of each other's old habits.
pytestmark = pytest.mark.filterwarnings(
    "default", "error::xarray_omezarr.OmeZarrWarning"
)

LEVELS = {"scale_factors": [2], "chunks": 16}


@pytest.fixture(params=["s3fs", "obstore"])
def place(s3, request):
    """Where to write, with which options, and the server."""
    made, name = s3
    if request.param == "s3fs":
        return f"s3://{BUCKET}/{name}", {"storage_options": made.options}, made, name
    return made.obstore(name), {}, made, name


def image(number, shape=(40, 24)):
    pixels = np.arange(np.prod(shape)).reshape(shape) + 1 + 2000 * number
    coords = {
        dim: (dim, 100.0 * number + 0.5 * np.arange(size), {"units": "micrometer"})
        for dim, size in zip("yx", shape, strict=True)
    }
    return xr.DataArray(pixels.astype("uint16"), coords, ("y", "x"), f"image {number}")


def plainly(made, name):
    """The store, through zarr and obstore alone."""
    return zarr.open_group(ObjectStore(made.obstore(name)), mode="r")


def listed(made, name):
    return {entry["path"] for page in made.obstore(name).list() for entry in page}


def assert_put_once(made, name):
    pixels = Counter(k for k in made.puts if k.startswith(name) and not is_metadata(k))
    assert pixels
    assert set(pixels.values()) == {1}


def test_a_collection_goes_to_s3_and_comes_back(place) -> None:
    store, options, made, name = place
    images = {"0": image(0), "1": image(1, (20, 64))}
    xo.write_bioformats2raw(images, store, **LEVELS, **options)
    assert_put_once(made, name)
    image(2).omezarr.to_series(store, "10", **LEVELS, **options)
    images["10"] = image(2)
    group = plainly(made, name)
    assert group.attrs["ome"]["bioformats2raw.layout"] == 3
    assert group["OME"].attrs["ome"]["series"] == ["0", "1", "10"]
    for path, da in images.items():
        np.testing.assert_array_equal(group[f"{path}/0"][...], da)
    file = obstore.get(made.obstore(name), "OME/METADATA.ome.xml").bytes()
    text = bytes(file).decode("utf-8")
    assert [f'Name="image {number}"' in text for number in range(4)] == [True] * 3 + [
        False
    ]
    tree = xr.open_datatree(store, engine="omezarr", **options)
    assert tree.omezarr.kind == "bioformats2raw"
    assert list(tree.children) == ["0", "1", "10"]
    for path, da in images.items():
        found = tree[f"{path}/0/image"]
        np.testing.assert_array_equal(found, da)
        np.testing.assert_array_equal(found.y, da.y)
    assert tree.attrs["ome_xml"] == text


def test_a_prepared_collection_on_s3_is_filled_later(place) -> None:
    store, options, made, name = place
    images = {"0": image(0), "1": image(1, (20, 64))}
    _, arrays = xo.prepare_bioformats2raw(images, store, **LEVELS, **options)
    assert sorted(arrays) == ["0/0", "0/1", "1/0", "1/1"]
    assert all(is_metadata(key) or "OME" in key for key in listed(made, name))
    image(1, (20, 64)).omezarr.to_series(store, "1", mode="r+", **options)
    arrays["0/0"][:] = image(0).values
    for path, da in images.items():
        np.testing.assert_array_equal(plainly(made, name)[f"{path}/0"][...], da)


def test_a_collection_on_s3_is_written_again_as_it_was_read(place, tmp_path) -> None:
    store, options, _, _ = place
    images = {"0": image(0), "1": image(1, (20, 64))}
    xo.write_bioformats2raw(images, store, **LEVELS, **options)
    read = xr.open_datatree(store, engine="omezarr", **options)
    read.omezarr.to_bioformats2raw(tmp_path / "copy.ome.zarr")
    copy = xr.open_datatree(tmp_path / "copy.ome.zarr", engine="omezarr")
    xr.testing.assert_identical(read.load(), copy.load())


def test_a_plate_with_labels_goes_to_s3_and_comes_back(place) -> None:
    store, options, made, name = place
    fields = {path: image(n) for n, path in enumerate(["A/1/0", "A/1/1", "B/10/0"])}
    xo.write_plate(fields, store, plate_map={"A1": {"dose": 0.5}}, **LEVELS, **options)
    assert_put_once(made, name)
    cells = (image(2) % 7).astype("uint8")
    cells.omezarr.to_labels(store, "cells", group="B/10/0", **options)
    group = plainly(made, name)
    wells = [well["path"] for well in group.attrs["ome"]["plate"]["wells"]]
    assert wells == ["A/1", "B/10"]
    for path, da in fields.items():
        np.testing.assert_array_equal(group[f"{path}/0"][...], da)
    np.testing.assert_array_equal(group["B/10/0/labels/cells/0"][...], cells)
    one = xo.open_plate(store, **options)
    assert one.present.values.sum() == 3
    # Those with wells, of the ten columns that are declared.
    assert one.image.shape == (2, 2, 2, 40, 24)
    found = one.image.sel(row="A", column="1", field="1")
    np.testing.assert_array_equal(found, fields["A/1/1"])
    assert one.origin_y.sel(row="B", column="10", field="0") == 200.0
    assert one.dose.sel(row="A", column="1") == 0.5
    tree = xr.open_datatree(store, engine="omezarr", wells=["B/10"], **options)
    node = tree["B/10/0/labels/cells"]
    np.testing.assert_array_equal(node.omezarr.levels[0].labels, cells)


def test_what_is_listed_on_s3_is_there(place) -> None:
    """Metadata of the root come last, so that nobody finds half a collection."""
    store, options, made, name = place
    xo.write_bioformats2raw({"0": image(0), "1": image(1)}, store, **LEVELS, **options)
    root = f"{name}/zarr.json"
    last = {key: n for n, key in enumerate(made.puts) if key.startswith(name)}
    assert last[root] > max(n for key, n in last.items() if "/c/" in key)
    stored = bytes(obstore.get(made.obstore(name), "zarr.json").bytes())
    assert "bioformats2raw.layout" in json.loads(stored)["attributes"]["ome"]


def test_a_scene_opens_with_the_numbers_of_its_transformations(place):
    store, options, made, name = place
    registered(ObjectStore(made.obstore(name)))
    made.requests.clear()
    tree = xr.open_datatree(store, engine="omezarr", **options)
    got = [key for method, key in made.requests if method == "GET"]
    assert [key for key in got if "/c/" in key] == []
    frame = tree["views/left/s0"].image.encoding["omezarr_frame"]
    assert frame.own == "views/left/physical"
    np.testing.assert_array_equal(frame.arrays["numbers/affine"][:, :], AFFINE)
    np.testing.assert_array_equal(tree["numbers/affine/parameters"], AFFINE)
