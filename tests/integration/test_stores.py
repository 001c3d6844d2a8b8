"""The same image to and from every kind of store, from every kind of array."""

from __future__ import annotations

import json
import os
from pathlib import Path

import dask.array
import fsspec
import numpy as np
import obstore.store
import pint
import pytest
import tensorstore
import upath
import xarray as xr
import zarr
from zarr.storage import FsspecStore, LocalStore, MemoryStore, ObjectStore, StorePath

import xarray_omezarr as xo

VERSIONS = pytest.mark.parametrize("version", ["0.4", "0.5"])


def image(pixels=None):
    """An image of 3 x 21 x 34 pixels with names, scale and units."""
    if pixels is None:
        pixels = np.arange(3 * 21 * 34, dtype="uint16").reshape(3, 21, 34)
    return xr.DataArray(
        pixels,
        {
            "c": ["DAPI", "GFP", "mCherry"],
            "y": ("y", 100.1 + 0.325 * np.arange(21), {"units": "micrometer"}),
            "x": ("x", -7 + 0.325 * np.arange(34), {"units": "micrometer"}),
        },
        ("c", "y", "x"),
        name="cells",
    )


def assert_holds_the_image(store, **where):
    """Read back by all ways of opening, pixels and coordinates."""
    expected = image()
    opened = [
        xo.open_image(store, **where),
        xr.open_dataset(store, engine="omezarr", **where)["image"],
        xr.open_dataset(store, engine="omezarr", chunks={}, **where)["image"],
        xr.open_datatree(store, engine="omezarr", **where)["0"]["image"],
    ]
    for da in opened:
        np.testing.assert_array_equal(da.values, expected.values)
        assert da["c"].values.tolist() == expected["c"].values.tolist()
        np.testing.assert_allclose(da["x"], expected["x"], rtol=1e-12)
        np.testing.assert_allclose(da["y"], expected["y"], rtol=1e-12)
        assert da["x"].attrs["units"] == "micrometer"
    coarse = xo.open_image(store, level=1, **where)
    sums = expected.values.astype(int)[:, :20].reshape(3, 10, 2, 17, 2).sum(axis=(2, 4))
    np.testing.assert_array_equal(coarse.values[:, :10], np.rint(sums / 4))


def read_pixels(path):
    driver = "zarr3" if (path / "zarr.json").exists() else "zarr"
    spec = {"driver": driver, "kvstore": {"driver": "file", "path": str(path)}}
    return tensorstore.open(spec, read=True, open=True).result().read().result()


# -- where to -----------------------------------------------------------------


def from_environment(name):
    """A store that finds itself below the current folder, which is a fresh one."""
    folder = Path.cwd()
    stores = {
        "str": str(folder / "a b" / "cells.ome.zarr"),
        "path": folder / "cells.ome.zarr",
        "slash": str(folder / "cells.ome.zarr") + "/",
        "plain name": folder / "cells",
        "relative": "deep/cells.ome.zarr",
        "relative path": Path("cells.ome.zarr"),
        "home": "~/cells.ome.zarr",
        "file url": (folder / "a b.ome.zarr").as_uri(),
        "local store": LocalStore(folder / "cells.ome.zarr"),
        "memory store": MemoryStore(),
        "store path": StorePath(MemoryStore(), "deep/cells"),
        "local store path": StorePath(LocalStore(folder), "cells.ome.zarr"),
        "obstore memory": obstore.store.MemoryStore(),
        "obstore local": obstore.store.LocalStore(str(folder)),
        "zarr over obstore": ObjectStore(obstore.store.MemoryStore()),
        "memory url": "memory://test-stores/cells.ome.zarr",
        "fsspec store": FsspecStore.from_url("memory://test-stores/other.ome.zarr"),
        "fsspec local": "local://" + str(folder / "cells.ome.zarr"),
    }
    return stores[name]


@pytest.fixture
def anywhere(tmp_path, monkeypatch):
    """Makes a fresh folder the current one and the home, and empties the memory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield from_environment
    fsspec.filesystem("memory").store.clear()


LOCAL = {
    "str": "a b/cells.ome.zarr",
    "path": "cells.ome.zarr",
    "slash": "cells.ome.zarr",
    "plain name": "cells",
    "relative": "deep/cells.ome.zarr",
    "relative path": "cells.ome.zarr",
    "home": "cells.ome.zarr",
    "file url": "a b.ome.zarr",
    "local store": "cells.ome.zarr",
    "local store path": "cells.ome.zarr",
    "obstore local": ".",
    "fsspec local": "cells.ome.zarr",
}
ELSEWHERE = [
    "memory store",
    "store path",
    "obstore memory",
    "zarr over obstore",
    "memory url",
    "fsspec store",
]


@VERSIONS
@pytest.mark.parametrize("name", [*LOCAL, *ELSEWHERE])
def test_an_image_can_be_written_to_and_read_from(anywhere, name, version):
    store = anywhere(name)
    group = image().omezarr.to_image(store, scale_factors=[2], version=version)
    assert isinstance(group, zarr.Group)
    np.testing.assert_array_equal(group["0"][...], image().values)
    assert_holds_the_image(store)


@pytest.mark.parametrize("name", LOCAL)
def test_on_a_disk_it_stands_where_it_was_put_and_nowhere_else(
    anywhere, name, tmp_path
):
    image().omezarr.to_image(anywhere(name))
    place = tmp_path / LOCAL[name]
    np.testing.assert_array_equal(read_pixels(place / "0"), image().values)
    groups = {f.parent for f in tmp_path.rglob("zarr.json") if is_image(f)}
    assert groups == {place}


def is_image(file):
    return "ome" in json.loads(file.read_text())["attributes"]


@pytest.mark.parametrize("name", ELSEWHERE)
def test_in_memory_nothing_touches_the_disk(anywhere, name, tmp_path):
    image().omezarr.to_image(anywhere(name))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["path", "memory store", "obstore memory", "memory url"]
)
def test_a_group_inside_a_store_is_found_by_its_path(anywhere, name):
    store = anywhere(name)
    image().omezarr.to_image(store, group="day1/cells", scale_factors=[2])
    assert_holds_the_image(store, group="day1/cells")
    with pytest.raises(ValueError, match="without OME-Zarr metadata"):
        xo.open_image(store)


@VERSIONS
def test_an_empty_group_becomes_the_image(version):
    zarr_format = 2 if version == "0.4" else 3
    root = zarr.open_group(MemoryStore(), mode="w", zarr_format=zarr_format)
    root.attrs["lab"] = "north"
    image().omezarr.to_image(root, scale_factors=[2], version=version)
    assert_holds_the_image(root)
    assert zarr.open_group(root.store, mode="r").attrs["lab"] == "north"


@VERSIONS
def test_a_group_inside_a_group_becomes_the_image(tmp_path, version):
    zarr_format = 2 if version == "0.4" else 3
    root = zarr.open_group(tmp_path, mode="w", zarr_format=zarr_format)
    root.create_array("table", shape=3, dtype="u1")
    inner = root.create_group("day1").create_group("cells")
    image().omezarr.to_image(inner, scale_factors=[2], version=version)
    assert_holds_the_image(inner)
    assert_holds_the_image(tmp_path, group="day1/cells")
    assert_holds_the_image(root, group="day1/cells")
    assert sorted(zarr.open_group(tmp_path, mode="r")) == ["day1", "table"]


def test_a_group_beside_another_image_leaves_that_one_alone():
    store = MemoryStore()
    image().omezarr.to_image(store, group="a", scale_factors=[2])
    (image() * 0).omezarr.to_image(store, group="b")
    assert_holds_the_image(store, group="a")


def test_a_path_of_universal_pathlib_is_a_store(tmp_path):
    for place in (tmp_path / "cells.ome.zarr", "memory://test-upath/cells.ome.zarr"):
        store = upath.UPath(place)
        image().omezarr.to_image(store, scale_factors=[2])
        assert_holds_the_image(store)


class Anchor:
    """What universal_pathlib offers, as far as it is asked for."""

    protocol = "memory"
    storage_options = {"skip_instance_cache": False}  # noqa: RUF012 - as theirs

    def joinpath(self, *parts):
        raise AssertionError("nobody asks for a path below")

    def __str__(self):
        return "memory://test-anchor/cells.ome.zarr"


def test_paths_with_a_protocol_bring_their_options_along():
    image().omezarr.to_image(Anchor(), scale_factors=[2])
    assert_holds_the_image(Anchor())
    assert_holds_the_image("memory://test-anchor/cells.ome.zarr")


@pytest.mark.parametrize("store", [b"cells.ome.zarr", 7, None, "", {"a": 1}])
def test_what_is_no_store_is_refused_by_name(tmp_path, monkeypatch, store):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=r"store|path"):
        image().omezarr.to_image(store)
    assert list(tmp_path.iterdir()) == []


def test_a_store_that_is_read_only_is_refused(tmp_path):
    with pytest.raises(ValueError, match="read-only"):
        image().omezarr.to_image(LocalStore(tmp_path / "new", read_only=True))
    assert list(tmp_path.iterdir()) == []


def test_options_of_urls_are_refused_for_other_stores():
    with pytest.raises(ValueError, match="storage_options are for URLs"):
        image().omezarr.to_image(MemoryStore(), storage_options={"anon": True})


# -- where from ---------------------------------------------------------------


class CountingStore(MemoryStore):
    """A store that notes every key of pixels that is read."""

    def __init__(self, store_dict=None, *, read_only=False, read=None):
        super().__init__(store_dict, read_only=read_only)
        self.read = [] if read is None else read

    def with_read_only(self, read_only=False):
        return CountingStore(self._store_dict, read_only=read_only, read=self.read)

    async def get(self, key, prototype, byte_range=None):
        if "/c/" in key:
            self.read.append(key)
        return await super().get(key, prototype, byte_range)


def stored_in(store, **options):
    image().omezarr.to_image(store, scale_factors=[2], chunks=10, **options)
    if isinstance(store, CountingStore):
        store.read.clear()
    return store


def test_opening_reads_no_pixels_and_makes_no_dask_graph():
    store = stored_in(CountingStore())
    tree = xr.open_datatree(store, engine="omezarr")
    da = xo.open_image(store)
    repr(tree), repr(da), da.isel(y=3).sel(c="GFP").transpose("x", ...)
    assert da.omezarr.grid.scale["x"] == 0.325
    assert da.chunks is None
    assert dask.is_dask_collection(da) is False
    assert store.read == []
    da.isel(c=0, y=slice(0, 10), x=slice(10, 20)).load()
    assert store.read == ["0/c/0/0/1"]


@VERSIONS
@pytest.mark.parametrize("reading", ["without dask", "with dask"])
def test_a_lazy_image_is_copied_chunk_by_chunk(tmp_path, version, reading):
    source = stored_in(CountingStore())
    da = xo.open_image(source, chunks={} if reading == "with dask" else None)
    path = tmp_path / "copy.ome.zarr"
    da.omezarr.to_image(path, scale_factors=[2], chunks=10, version=version)
    assert_holds_the_image(path)
    # Each of 3 x 3 x 4 chunks once, though two levels are made from them.
    assert sorted(source.read) == sorted(set(source.read))
    assert len(source.read) == 3 * 4


def uneven_chunks(pixels):
    return dask.array.from_array(pixels, chunks=((1, 2), (1, 13, 7), (33, 1)))


def read_only(pixels):
    pixels.flags.writeable = False
    return pixels


def strided(pixels):
    wide = np.zeros((3, 42, 68), "uint16")
    wide[:, ::2, ::2] = pixels
    return wide[:, ::2, ::2]


def backwards(pixels):
    return np.ascontiguousarray(pixels[:, ::-1])[:, ::-1]


SOURCES = {
    "numpy": lambda pixels: pixels,
    "dask": uneven_chunks,
    "one dask chunk": dask.array.from_array,
    "Fortran order": np.asfortranarray,
    "big endian": lambda pixels: pixels.astype(">u2"),
    "big endian dask": lambda pixels: uneven_chunks(pixels.astype(">u2")),
    "read-only": read_only,
    "strided": strided,
    "backwards": backwards,
    "quantity": lambda pixels: pint.Quantity(pixels, "count"),
    "lazy quantity": lambda pixels: pint.Quantity(uneven_chunks(pixels), "count"),
    "memory map": None,
}


@VERSIONS
@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.filterwarnings("ignore:The unit of the quantity is stripped")
def test_pixels_of_any_kind_are_written(tmp_path, name, version):
    pixels = image().values.copy()
    if name == "memory map":
        np.save(tmp_path / "pixels.npy", pixels)
        source = np.load(tmp_path / "pixels.npy", mmap_mode="r")
    else:
        source = SOURCES[name](pixels)
    before = pixels.copy()
    path = tmp_path / "cells.ome.zarr"
    image(source).omezarr.to_image(path, scale_factors=[2], version=version)
    assert_holds_the_image(path)
    np.testing.assert_array_equal(pixels, before)
    stored = read_pixels(path / "0")
    assert stored.dtype == np.dtype("uint16")
    np.testing.assert_array_equal(stored, pixels)


@pytest.mark.parametrize("order", [("x", "y", "c"), ("y", "c", "x"), ("c", "x", "y")])
@pytest.mark.parametrize("name", ["numpy", "dask", "lazy"])
def test_dims_of_any_order_are_stored_in_that_of_the_standard(tmp_path, order, name):
    source = tmp_path / "source.ome.zarr"
    da = image()
    if name == "lazy":
        stored_in(source)
        da = xo.open_image(source)
    elif name == "dask":
        da = image(uneven_chunks(image().values))
    path = tmp_path / "cells.ome.zarr"
    da.transpose(*order).omezarr.to_image(path, scale_factors=[2])
    assert_holds_the_image(path)


# -- onto itself --------------------------------------------------------------


@VERSIONS
@pytest.mark.parametrize("chunks", [None, {}, {"y": 7}], ids=["plain", "dask", "odd"])
@pytest.mark.filterwarnings("ignore:The specified chunks separate the stored chunks")
def test_an_image_can_be_replaced_by_what_is_made_from_it(tmp_path, chunks, version):
    path = stored_in(tmp_path / "cells.ome.zarr", version=version)
    # The shift makes every block depend on others than its own.
    da = xo.open_image(path, chunks=chunks)
    changed = da.isel(x=slice(None, None, -1)).assign_coords(x=da["x"])
    changed.omezarr.to_image(path, mode="w", scale_factors=[2], version=version)
    np.testing.assert_array_equal(read_pixels(path / "0"), image().values[:, :, ::-1])
    assert os.listdir(tmp_path) == ["cells.ome.zarr"]
    # Read through the path, the object now sees what replaced its source.
    assert xo.open_image(path).identical(xo.open_image(path))


@pytest.mark.parametrize("chunks", [None, {}], ids=["plain", "dask"])
def test_an_image_in_memory_can_be_replaced_by_what_is_made_from_it(chunks):
    store = stored_in(MemoryStore())
    da = xo.open_image(store, chunks=chunks)
    changed = da.isel(x=slice(None, None, -1)).assign_coords(x=da["x"])
    changed.omezarr.to_image(store, mode="w", scale_factors=[2])
    stored = zarr.open_group(store, mode="r")["0"][...]
    np.testing.assert_array_equal(stored, image().values[:, :, ::-1])


def without_rename(name, path=""):
    """A store in memory that, like those in clouds, cannot rename what it holds."""
    stores = {
        "obstore": obstore.store.MemoryStore,
        "fsspec": lambda: f"memory://test-stores/{path}",
    }
    return stores[name]()


@pytest.mark.parametrize(
    "change",
    [
        lambda da: da,
        lambda da: da.isel(x=slice(None, None, 2)),
        lambda da: da.transpose("x", "y", "c").isel(x=slice(3, 9), y=[2, 3, 4]),
        lambda da: da.chunk({}),
        lambda da: da.chunk({}) + 1,
        lambda da: da.chunk(5).isel(y=slice(1, 9)).astype("float32"),
    ],
)
@pytest.mark.parametrize(
    ("name", "where"), [("obstore", {"group": "day1/cells"}), ("fsspec", {})]
)
@pytest.mark.filterwarnings("ignore:The specified chunks separate the stored chunks")
def test_pixels_are_never_lost_where_they_are_read_from_what_they_replace(
    anywhere, name, where, change
):
    store = stored_in(without_rename(name), **where)
    changed = change(xo.open_image(store, **where))
    with pytest.raises(ValueError, match="mode='w' would remove the pixels"):
        changed.omezarr.to_image(store, mode="w", **where)
    assert_holds_the_image(store, **where)
    with pytest.warns(xo.OmeZarrWarning, match="has no rename"):
        changed.load().omezarr.to_image(store, mode="w", **where)
    back = xo.open_image(store, **where)
    xr.testing.assert_equal(back.transpose(*changed.dims).load(), changed)


def test_pixels_are_recognised_however_their_place_is_spelled(anywhere):
    stored_in(without_rename("fsspec"), group="day1/cells")
    source = xo.open_image(without_rename("fsspec", "day1/cells"))
    with pytest.raises(ValueError, match="mode='w' would remove the pixels"):
        source.omezarr.to_image(without_rename("fsspec"), group="day1/cells", mode="w")


@pytest.mark.parametrize("chunks", [None, {}], ids=["plain", "dask"])
@pytest.mark.parametrize("name", ["obstore", "fsspec"])
@pytest.mark.filterwarnings("ignore:.*has no rename")
def test_pixels_that_are_read_from_elsewhere_replace_an_image(anywhere, name, chunks):
    place = stored_in(without_rename(name, "a"), group="a")
    (image() * 0).omezarr.to_image(place, group="ab")
    other = stored_in(without_rename(name, "other"))
    for source in (
        xo.open_image(other, chunks=chunks),
        xo.open_image(place, group="a"),
    ):
        source.omezarr.to_image(place, group="ab", mode="w", scale_factors=[2])
        assert_holds_the_image(place, group="ab")


def as_zarr(store):
    return store if isinstance(store, MemoryStore) else ObjectStore(store)


@VERSIONS
@pytest.mark.parametrize("make", [MemoryStore, obstore.store.MemoryStore])
@pytest.mark.filterwarnings("ignore:.*has no rename")
def test_an_image_in_memory_is_replaced_as_a_whole(make, version):
    store = make()
    big = xr.DataArray(np.ones((64, 64), "uint8"), dims=("y", "x"))
    big.omezarr.to_image(store, scale_factors=[2, 4, 8], chunks=8, version=version)
    image().omezarr.to_image(store, mode="w", scale_factors=[2], version=version)
    assert_holds_the_image(store)
    group = zarr.open_group(as_zarr(store), mode="r")
    assert sorted(group) == ["0", "1"]


@pytest.mark.parametrize("first", ["0.4", "0.5"])
def test_another_version_replaces_an_image_without_leaving_files(tmp_path, first):
    path = stored_in(tmp_path / "cells.ome.zarr", version=first)
    second = "0.5" if first == "0.4" else "0.4"
    image().omezarr.to_image(path, mode="w", scale_factors=[2], version=second)
    assert_holds_the_image(path)
    names = {file.name for file in path.rglob("*") if file.is_file()}
    old = {".zgroup", ".zattrs", ".zarray"} if first == "0.4" else {"zarr.json"}
    assert not names & old


def test_a_write_that_fails_leaves_the_image_that_it_would_replace(tmp_path):
    path = stored_in(tmp_path / "cells.ome.zarr")

    def broken(block):
        raise RuntimeError("the microscope is on fire")

    pixels = uneven_chunks(image().values).map_blocks(
        broken, dtype="uint16", meta=np.empty((0, 0, 0), "uint16")
    )
    with pytest.raises(RuntimeError, match="on fire"):
        image(pixels).omezarr.to_image(path, mode="w")
    assert_holds_the_image(path)
    assert os.listdir(tmp_path) == ["cells.ome.zarr"]


def test_a_symbolic_link_still_points_to_the_image_that_replaced_its_target(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    path = stored_in(disk / "cells.ome.zarr")
    link = tmp_path / "cells.ome.zarr"
    link.symlink_to(path)
    (image() * 0).omezarr.to_image(link, mode="w")
    assert link.is_symlink()
    assert read_pixels(path / "0").max() == 0
    assert os.listdir(disk) == ["cells.ome.zarr"]
