"""Read, write, read: images with labels, plates and collections come back identical."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from tests.integration.plates import image, label, pixels, plate, put

VERSIONS = pytest.mark.parametrize(
    ("zarr_format", "version"), [(2, "0.4"), (3, "0.5"), (3, "0.6")]
)


def opened(store, **options):
    return xr.open_datatree(store, engine="omezarr", **options)


def assert_valid(store, version) -> None:
    """What was written is of the version, and the standard has nothing against it."""
    report = xo.validate(store)
    assert report.version == version
    assert report.errors == (), str(report)


@VERSIONS
def test_an_image_with_labels(zarr_format, version) -> None:
    store, again = MemoryStore(), MemoryStore()
    root = zarr.create_group(store, zarr_format=zarr_format)
    image(root, zarr_format, pixels())
    told = {
        "colors": [{"label-value": 1, "rgba": [255, 0, 0, 255]}],
        "properties": [{"label-value": 1, "area": 4}],
        "source": {"image": "../../"},
    }
    group = root.create_group("labels")
    put(group, zarr_format, labels=["cells"])
    data = np.eye(8, 6, dtype="uint32")
    label(group.create_group("cells"), zarr_format, data, **{"image-label": told})
    first = opened(store)
    first.omezarr.to_image(again, version=version)
    xr.testing.assert_identical(opened(again).load(), first.load())
    assert_valid(again, version)
    flat = xr.open_dataset(store, engine="omezarr")
    other = MemoryStore()
    flat.omezarr.to_image(other, labels=["cells"], version=version, scale_factors=[2])
    back = xr.open_dataset(other, engine="omezarr")
    xr.testing.assert_identical(back.load(), flat.load())


@VERSIONS
def test_a_plate(zarr_format, version) -> None:
    store, again = MemoryStore(), MemoryStore()
    root = plate(store, zarr_format)
    root.attrs["plate_map"] = {"A/1": {"drug": "DMSO"}, "B/2": {"drug": "X"}}
    root.attrs["lab"] = {"room": 7}
    first = opened(store, levels="all")
    first.omezarr.to_plate(again, version=version)
    assert_valid(again, version)
    second = opened(again, levels="all")
    other = MemoryStore()
    second.omezarr.to_plate(other, version=version)
    xr.testing.assert_identical(opened(other, levels="all").load(), second.load())
    for path in ("A/1/0/0", "B/2/10/1", "B/10/0/0"):
        xr.testing.assert_identical(
            second[path].to_dataset().load(), first[path].to_dataset().load()
        )
    assert second.attrs["lab"] == {"room": 7}
    # What the standard advises to say, and the file did not, is added.
    added = [{"maximumfieldcount": n} for n in (2, 1)]
    told = first.attrs["plate"]["acquisitions"]
    expected = [{**old, **new} for old, new in zip(told, added, strict=True)]
    assert second.attrs["plate"]["acquisitions"] == expected


@VERSIONS
def test_a_stacked_plate(zarr_format, version) -> None:
    store, again = MemoryStore(), MemoryStore()
    root = plate(store, zarr_format)
    root.attrs["plate_map"] = {"A/1": {"drug": "DMSO"}, "B/2": {"drug": "X"}}
    first = xo.open_plate(store)
    first.image.omezarr.to_plate(again, version=version)
    assert_valid(again, version)
    second = xo.open_plate(again)
    np.testing.assert_array_equal(second.image, first.image)
    for name in ("present", "origin_y", "origin_x", "acquisition", "drug", "y", "x"):
        xr.testing.assert_equal(second[name].variable, first[name].variable)
    part = MemoryStore()
    first.image.sel(row=["B"], column=["2"]).omezarr.to_plate(part, version=version)
    assert set(xo.open_plate(part).field.values) == {"0", "10"}


@VERSIONS
def test_a_collection(zarr_format, version) -> None:
    store, again = MemoryStore(), MemoryStore()
    root = zarr.create_group(store, zarr_format=zarr_format)
    for number, path in enumerate(("0", "1")):
        image(root.create_group(path), zarr_format, pixels(number)[:, : 8 - 2 * number])
    put(root, zarr_format, **{"bioformats2raw.layout": 3})
    put(root.create_group("OME"), zarr_format, series=["0", "1"])
    first = opened(store)
    first.omezarr.to_bioformats2raw(again, version=version)
    assert_valid(again, version)
    second = opened(again)
    assert second.attrs.pop("ome_xml").startswith("<")
    xr.testing.assert_identical(second.load(), first.load())
