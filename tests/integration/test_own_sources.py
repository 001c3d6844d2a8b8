"""What is written from itself: refused, or written beside, and never lost."""

from __future__ import annotations

import dask
import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import LocalStore

import xarray_omezarr as xo
from xarray_omezarr.errors import OptionError
from xarray_omezarr.store.origins import reads_from
from xarray_omezarr.store.target import open_target

PIXELS = np.random.default_rng(0).integers(1, 999, (64, 48), dtype="uint16")
OPTIONS = {"scale_factors": [2], "chunks": 16, "compression": "none"}


@pytest.fixture
def path(tmp_path):
    """An image on a disk."""
    path = tmp_path / "image.ome.zarr"
    xo.write_image(xr.DataArray(PIXELS, dims=("y", "x")), path, **OPTIONS)
    return path


def opened_inside(path):
    """A function that has the path in what it encloses, as people write them."""

    def read(block):
        return block + zarr.open_array(path, mode="r")[:16, :16]

    return dask.array.zeros((16, 16), "uint16", chunks=16).map_blocks(
        read, dtype="uint16"
    )


def delayed(path):
    @dask.delayed
    def read(told):
        return zarr.open_array(told, mode="r")[...]

    return dask.array.from_delayed(read(path), PIXELS.shape, PIXELS.dtype)


def by_tensorstore(path):
    tensorstore = pytest.importorskip("tensorstore")
    spec = {"driver": "zarr3", "kvstore": {"driver": "file", "path": path}}
    return dask.array.from_array(Adapted(tensorstore.open(spec).result()), chunks=16)


class Adapted:
    """What makes an array of tensorstore one that dask takes."""

    def __init__(self, array):
        self.array, self.shape, self.ndim = array, tuple(array.shape), array.ndim
        self.dtype = array.dtype.numpy_dtype

    def __getitem__(self, key):
        return self.array[key].read().result()


SOURCES = {
    "from_zarr": dask.array.from_zarr,
    "fused": lambda path: dask.optimize(dask.array.from_zarr(path)[1:] + 1)[0],
    "xarray": lambda path: xo.open_image(path.rsplit("/", 1)[0]).variable._data,
    "xarray in chunks": lambda path: (
        xr.open_dataset(path.rsplit("/", 1)[0], engine="omezarr", chunks={})[
            "image"
        ].data
    ),
    "path in a closure": opened_inside,
    "path in a task": delayed,
    "tensorstore": by_tensorstore,
}


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_a_source_that_reads_a_folder_is_known_to(path, tmp_path, make) -> None:
    source = make(f"{path}/0")
    assert reads_from(source, open_target(path)) is not None
    assert reads_from(source, open_target(path, group="0")) is not None
    # Neither what is beside it, nor what only begins like it.
    assert reads_from(source, open_target(path, group="1")) is None
    assert reads_from(source, open_target(tmp_path / "image.ome")) is None


def test_a_map_of_a_file_of_chunks_is_known_to(path) -> None:
    chunk = np.memmap(path / "0/c/0/0", dtype="uint16", mode="r", shape=(16, 16))
    assert reads_from(chunk[1:], open_target(path)) is not None
    assert reads_from(chunk[1:], open_target(path, group="1")) is None


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_replacing_an_image_by_what_is_read_from_it_loses_nothing(path, make) -> None:
    source = make(f"{path}/0")
    da = xr.DataArray(source, dims=("y", "x"))
    expected = da.values.copy()
    xo.write_image(da, path, mode="w", **OPTIONS)
    np.testing.assert_array_equal(xo.open_image(path).values, expected)


@pytest.mark.parametrize("make", SOURCES.values(), ids=SOURCES)
def test_a_region_is_not_written_from_the_levels_that_it_changes(path, make) -> None:
    source = make(f"{path}/0")
    da = xr.DataArray(source, dims=("y", "x"))[:8, :8]
    with pytest.raises(OptionError, match="The pixels are read from"):
        xo.write_image(da, path, region={"y": slice(0, 8), "x": slice(8, 16)})
    np.testing.assert_array_equal(xo.open_image(path).values, PIXELS)


def test_labels_are_made_and_replaced_from_their_image_and_themselves(path) -> None:
    image = xr.open_dataset(path, engine="omezarr", chunks={})["image"]
    mask = (image > 500).astype("uint8")
    xo.write_labels(mask, path, "bright")
    old = xr.open_dataset(path, engine="omezarr", chunks={})["bright"]
    xo.write_labels(old + 1, path, "bright", mode="w")
    found = xr.open_dataset(path, engine="omezarr")["bright"]
    np.testing.assert_array_equal(found, (PIXELS > 500) + 1)


def test_converting_an_image_onto_itself_is_refused(path) -> None:
    with pytest.raises(xo.OmeZarrError):
        xo.convert(path, path, mode="w")
    np.testing.assert_array_equal(xo.open_image(path).values, PIXELS)


@pytest.mark.parametrize("where", ["tables", "0/../notes.txt", "labels/notes.txt"])
def test_what_others_put_beside_an_image_is_not_removed_with_it(path, where) -> None:
    place = path / where
    place.parent.mkdir(exist_ok=True)
    if where == "tables":
        zarr.open_group(LocalStore(place), mode="w").attrs["encoding-type"] = "anndata"
    else:
        place.write_text("mine")
    da = xr.DataArray(PIXELS + 1, dims=("y", "x"))
    with pytest.raises(xo.TargetExistsError, match="nothing else is lost"):
        xo.write_image(da, path, mode="w", **OPTIONS)
    assert place.exists()
    np.testing.assert_array_equal(xo.open_image(path).values, PIXELS)


def test_tables_in_fields_and_wells_of_a_plate_are_kept(tmp_path) -> None:
    store = tmp_path / "plate.ome.zarr"
    da = xr.DataArray(PIXELS, dims=("y", "x"))
    for path in ("A/1/0", "A/2/0"):
        xo.write_field(da, store, path, **OPTIONS)
    root = zarr.open_group(store)
    root.create_group("A/1/tables/cells").attrs["encoding-type"] = "anndata"
    root.create_group("A/2/0/tables").attrs["tables"] = ["cells"]
    with pytest.raises(xo.TargetExistsError, match="A/1/tables"):
        xo.write_plate(xr.open_datatree(store, engine="omezarr"), store, mode="w")
    with pytest.raises(xo.TargetExistsError, match="tables"):
        xo.write_field(da, store, "A/2/0", mode="w", **OPTIONS)
    # A field beside them is replaced, and corrections leave them alone.
    xo.write_field(da + 1, store, "A/1/0", mode="w", **OPTIONS)
    xo.update(store, scale={"y": 0.5})
    xo.build_pyramid(store, scale_factors=[2, 4])
    root = zarr.open_group(store, mode="r")
    assert root["A/1/tables/cells"].attrs["encoding-type"] == "anndata"
    assert root["A/2/0/tables"].attrs["tables"] == ["cells"]
