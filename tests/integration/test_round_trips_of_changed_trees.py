"""What was read, changed and written comes back as it was changed.

Every kind of object is opened, an image is cut, one part of it is kept, channels are
renamed or a label image is added; what is read again is what was written.
"""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from tests.integration.plates import image, label, pixels, plate, put

VERSIONS = pytest.mark.parametrize(("zarr_format", "version"), [(2, "0.4"), (3, "0.5")])
NAMES = ["nuclei", "membranes"]
# What is said of every label image that is written.
SOURCE = {"source": {"image": "../../"}}
CELLS = (np.arange(48).reshape(8, 6) % 5).astype("uint16")


def opened(store, **options):
    return xr.open_datatree(store, engine="omezarr", **options).load()


# How each kind is made, opened and written again.


def an_image(store, zarr_format):
    root = zarr.create_group(store, zarr_format=zarr_format)
    image(root, zarr_format, pixels())
    group = root.create_group("labels")
    put(group, zarr_format, labels=["cells"])
    told = {"colors": [{"label-value": 1, "rgba": [255, 0, 0, 255]}], **SOURCE}
    label(group.create_group("cells"), zarr_format, CELLS, **{"image-label": told})


def a_plate(store, zarr_format):
    root = plate(store, zarr_format)
    group = root.create_group("B/2/0/labels")
    put(group, zarr_format, labels=["cells"])
    place = {"origin": (30.0, 16.5), "image-label": SOURCE}
    label(group.create_group("cells"), zarr_format, CELLS, **place)


def a_collection(store, zarr_format):
    root = zarr.create_group(store, zarr_format=zarr_format)
    for number, path in enumerate(("0", "1")):
        image(root.create_group(path), zarr_format, pixels(number), scale=0.5 + number)
    put(root, zarr_format, **{"bioformats2raw.layout": 3})
    put(root.create_group("OME"), zarr_format, series=["0", "1"])


def read_tree(store):
    return opened(store, levels=0)


def read_dataset(store):
    return xr.open_dataset(store, engine="omezarr").load()


def write_dataset(ds, store, **options):
    labels = [name for name in ds.data_vars if name != "image"]
    return ds.omezarr.to_image(store, image="image", labels=labels, **options)


KINDS = {
    "image": (an_image, read_tree, xo.write_image),
    "dataset": (an_image, read_dataset, write_dataset),
    "plate": (a_plate, read_tree, xo.write_plate),
    "collection": (a_collection, read_tree, xo.write_bioformats2raw),
}


# What is done to each.


def on_images(obj, change):
    """The object with every Dataset that has pixels changed."""
    if isinstance(obj, xr.Dataset):
        return change(obj)
    return obj.map_over_datasets(lambda ds: change(ds) if "y" in ds.dims else ds)


def cut(kind, obj):
    return on_images(obj, lambda ds: ds.isel(y=slice(2, 7), x=slice(1, 5)))


def every_second(kind, obj):
    return on_images(obj, lambda ds: ds.isel(y=slice(1, None, 2), x=slice(0, None, 2)))


def renamed(kind, obj):
    def rename(ds):
        return ds.assign_coords(c=NAMES) if "c" in ds.dims else ds

    return on_images(obj, rename)


def one_part(kind, obj):
    """One well of a plate, one series of a collection, one channel of an image."""
    if kind == "plate":
        return obj.filter(lambda node: node.path.startswith("/B/2/"))
    if kind == "collection":
        return obj.drop_nodes("1")
    return on_images(obj, lambda ds: ds.sel(c=["GFP"]) if "c" in ds.dims else ds)


def labelled(kind, obj):
    """A label image more; of a mask, which is stored as bytes."""
    if kind == "dataset":
        mask = (obj.image.isel(c=0, drop=True) % 2).astype("uint8")
        return obj.assign(mask=mask.assign_attrs({"image-label": SOURCE}))
    place = {"image": "", "plate": "A/1/1/", "collection": "1/"}[kind]
    first = obj[f"{place}0"].to_dataset()
    mask = (first.image.isel(c=0, drop=True) % 2).astype("uint8")
    mask = mask.drop_vars("acquisition", errors="ignore").to_dataset(name="labels")
    mask.labels.attrs["long_name"] = "mask"
    made = obj.copy()
    made[f"{place}labels/mask/0"] = xr.DataTree(mask)
    made[f"{place}labels/mask"].attrs["image-label"] = SOURCE
    return made


CHANGES = [cut, every_second, renamed, one_part, labelled]


def plainly(obj):
    """Without what the writer itself says of the group as a whole."""
    if isinstance(obj, xr.DataTree):
        obj = obj.copy()
        for key in ("plate", "ome_xml"):
            obj.attrs.pop(key, None)
    return obj


@VERSIONS
@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", KINDS)
def test_what_was_changed_comes_back(kind, change, zarr_format, version) -> None:
    make, read, write = KINDS[kind]
    store, once, again = MemoryStore(), MemoryStore(), MemoryStore()
    make(store, zarr_format)
    changed = change(kind, read(store))
    write(changed, once, version=version)
    found = read(once)
    xr.testing.assert_identical(plainly(found), plainly(changed))
    write(found, again, version=version)
    xr.testing.assert_identical(read(again), found)


STACKED = {
    "unchanged": lambda ds: ds,
    "cut": lambda ds: ds.isel(y=slice(2, 7), x=slice(1, 5)),
    "every second": lambda ds: ds.isel(y=slice(1, None, 2), x=slice(0, None, 2)),
    "one well": lambda ds: ds.sel(row=["B"], column=["2"]),
    "one well without its dims": lambda ds: ds.sel(row="B", column="2"),
    "one field": lambda ds: ds.isel(field=[0]),
    "one channel": lambda ds: ds.sel(c=["GFP"]),
    "renamed": lambda ds: ds.assign_coords(c=NAMES),
    "more known of wells": lambda ds: ds.assign_coords(
        dose=(("row", "column"), np.arange(6.0).reshape(2, 3))
    ),
}


@VERSIONS
@pytest.mark.parametrize("change", STACKED.values(), ids=STACKED)
def test_a_plate_as_one_dataset_comes_back(change, zarr_format, version) -> None:
    store, again = MemoryStore(), MemoryStore()
    plate(store, zarr_format)
    changed = change(xo.open_plate(store))
    changed.omezarr.to_plate(again, version=version)
    found = xo.open_plate(again)
    there = np.argwhere(changed.present.values)
    assert found.present.sum() == len(there) > 0
    for numbers in there:
        expected = changed.isel(dict(zip(changed.present.dims, numbers, strict=True)))
        names = {dim: expected[dim].item() for dim in ("row", "column", "field")}
        field = found.sel(names)
        np.testing.assert_array_equal(field.image, expected.image)
        np.testing.assert_array_equal(field.c, expected.c)
        assert field.acquisition == expected.acquisition
        for dim in "yx":
            # Where it lies on the stage, wherever it was cut.
            np.testing.assert_allclose(
                field[dim] + field[f"origin_{dim}"],
                expected[dim] + expected[f"origin_{dim}"],
            )
            assert field[dim].attrs["units"] == "micrometer"
        if "dose" in changed.coords:
            assert field.dose == expected.dose


@VERSIONS
def test_a_label_image_is_added_to_a_field_of_what_was_one_dataset(
    zarr_format, version
) -> None:
    store, again = MemoryStore(), MemoryStore()
    plate(store, zarr_format)
    ds = xo.open_plate(store)
    ds.omezarr.to_plate(again, version=version)
    field = xr.open_dataset(again, engine="omezarr", group="B/2/10")
    mask = (field.image.isel(c=0) > 5020).astype("uint8").drop_attrs()
    mask.omezarr.to_labels(again, "mask", group="B/2/10")
    tree = opened(again)
    np.testing.assert_array_equal(tree["B/2/10/labels/mask/0/labels"], mask)
    found = xo.open_plate(again)
    np.testing.assert_array_equal(found.image, ds.image)
