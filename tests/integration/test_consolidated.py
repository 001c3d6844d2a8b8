"""Consolidated metadata: written on request, kept true by every verb, and used."""

from __future__ import annotations

import json
import threading
from collections import Counter

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import LocalStore, MemoryStore, WrapperStore

import xarray_omezarr as xo

# What zarr says of copies in Zarr v3, and of the text of a collection.
pytestmark = [
    pytest.mark.filterwarnings("ignore:Consolidated metadata"),
    pytest.mark.filterwarnings("ignore:Object at .* is not recognized"),
]

VERSIONS = pytest.mark.parametrize("version", ["0.4", "0.5"])
PLACES = pytest.mark.parametrize("place", ["disk", "memory", "wrapped"])


def image(start=0, shape=(2, 16, 16), dims=("t", "y", "x")):
    pixels = np.arange(start, start + np.prod(shape), dtype="uint16").reshape(shape)
    return xr.DataArray(pixels, dims=dims, name="cells")


def store_at(place, tmp_path):
    made = LocalStore(tmp_path / "x.ome.zarr") if place == "disk" else MemoryStore()
    return WrapperStore(made) if place == "wrapped" else made


def nodes(group):
    """Metadata of all nodes below a group, but for copies that they hold."""
    return {
        path: {
            key: value
            for key, value in node.metadata.to_dict().items()
            if key != "consolidated_metadata"
        }
        for path, node in group.members(max_depth=None)
    }


def assert_true(store, path=""):
    """What readers of the copies see is what stands there."""
    copied = zarr.open_group(store, path=path, mode="r", use_consolidated=True)
    plain = zarr.open_group(store, path=path, mode="r", use_consolidated=False)
    assert copied.metadata.consolidated_metadata is not None
    assert nodes(copied) == nodes(plain)
    assert dict(copied.attrs) == dict(plain.attrs)


@VERSIONS
@PLACES
def test_what_is_written_has_them_on_request_only(tmp_path, place, version) -> None:
    store = store_at(place, tmp_path)
    group = image().omezarr.to_image(
        store, version=version, scale_factors=[2], consolidated=True
    )
    assert group.metadata.consolidated_metadata is not None
    assert_true(store)
    np.testing.assert_array_equal(group["0"][...], image().values)
    if version == "0.5":
        opened = xr.open_zarr(store, consolidated=True, drop_variables=["1"])
        np.testing.assert_array_equal(opened["0"].values, image().values)
    other = MemoryStore()
    image().omezarr.to_image(other, version=version)
    plain = zarr.open_group(other, mode="r")
    assert plain.metadata.consolidated_metadata is None


@VERSIONS
@PLACES
@pytest.mark.filterwarnings("ignore::xarray_omezarr.OmeZarrWarning")
def test_every_verb_keeps_them_true(tmp_path, place, version) -> None:
    store = store_at(place, tmp_path)
    zarr.open_group(store, mode="w", zarr_format=2 if version == "0.4" else 3)
    told = {"version": version}
    xo.write_plate({"A/1/0": image(), "B/2/0": image(5)}, store, group="plate", **told)
    xo.write_bioformats2raw({"0": image()}, store, group="coll", **told)
    image().omezarr.to_image(store, group="movie", scale_factors=[2], **told)
    for path in ("", "plate"):
        zarr.consolidate_metadata(store, path=path)

    def check():
        assert_true(store)
        assert_true(store, "plate")

    image(3).omezarr.to_field(store, "C/3/0", group="plate")
    check()
    assert "C/3/0/0" in nodes(zarr.open_group(store, path="plate", mode="r"))
    field = zarr.open_group(store, path="plate/A/1/0")
    image(1)[0].drop_vars([]).omezarr.to_labels(field, "cells")
    check()
    image(3).omezarr.to_series(store, "1", group="coll")
    check()
    image().omezarr.to_image(store, group="movie", region={"t": slice(0, 2)})
    check()
    later = image().assign_coords(t=[2.0, 3.0])
    later.omezarr.to_image(store, group="movie", append_dim="t")
    check()
    copied = zarr.open_group(store, mode="r", use_consolidated=True)
    assert copied["movie/0"].shape == (4, 16, 16)
    xo.update(store, group="plate", scale={"x": 0.25})
    check()
    xo.build_pyramid(store, group="movie", scale_factors=[2, 4])
    check()
    image(7, (1, 8, 8)).omezarr.to_image(store, group="movie", mode="w", **told)
    check()
    assert zarr.open_group(store)["movie/0"].shape == (1, 8, 8)
    image(7).omezarr.to_field(store, "A/1/0", group="plate", mode="w")
    check()
    image().omezarr.to_image(store, group="new/image", **told)
    check()
    xo.prepare_image(image(), store, group="new/other", **told)
    check()


@VERSIONS
def test_an_upgrade_keeps_them_true(tmp_path, version) -> None:
    place = tmp_path / "x.ome.zarr"
    image().omezarr.to_image(place, version="0.4", consolidated=True)
    xo.upgrade(place, version="0.5")
    assert_true(LocalStore(place))


@VERSIONS
def test_a_member_is_added_with_them_at_the_root_of_the_whole(version) -> None:
    store = MemoryStore()
    options = {"version": version, "consolidated": True}
    plate = image().omezarr.to_field(store, "A/1/0", **options)
    assert plate.metadata.consolidated_metadata is not None
    assert_true(store)
    assert "A/1/0/0" in nodes(zarr.open_group(store, mode="r", use_consolidated=True))


def test_where_nothing_is_gained_they_are_refused(tmp_path) -> None:
    with pytest.raises(xo.OptionError, match=r"consolidated is True.*Leave"):
        image().omezarr.to_image(tmp_path / "x.ozx", consolidated=True)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(xo.OptionError, match="give True or False"):
        image().omezarr.to_image(MemoryStore(), consolidated="yes")


def test_a_replaced_image_is_not_told_before_it_is_complete() -> None:
    """Copies above do not show what was removed from a store without rename."""
    inner = MemoryStore()
    store = WrapperStore(inner)
    zarr.open_group(store, mode="w")
    image().omezarr.to_image(store, group="movie")
    zarr.consolidate_metadata(store)
    seen = []

    def progress(_done, _total):
        copied = zarr.open_group(inner, mode="r", use_consolidated=True)
        seen.append("ome" in copied["movie"].attrs)

    with pytest.warns(xo.OmeZarrWarning, match="no rename"):
        image(4).omezarr.to_image(store, group="movie", mode="w", progress=progress)
    assert seen[:1] == [False]
    assert_true(inner)


class Counting(WrapperStore):
    """Counts the documents that are asked for."""

    def __init__(self, store):
        super().__init__(store)
        self.asked = Counter()

    async def get(self, key, prototype, byte_range=None):
        self.asked[key] += 1
        return await self._store.get(key, prototype, byte_range)


def plate_of(rows, columns, version):
    """A plate in memory, one field of which has labels."""
    one = image(shape=(8, 8), dims=("y", "x"))
    wells = [f"{row}/{column}" for row in rows for column in range(1, columns + 1)]
    store = MemoryStore()
    group = xo.write_plate(
        {f"{well}/0": one for well in wells}, store, version=version, scale_factors=None
    )
    one.omezarr.to_labels(group["C/5/0"], "cells")
    return store


@pytest.mark.parametrize(
    ("rows", "columns", "version"),
    [("ABCDEFGHIJKLMNOP", 24, "0.5"), ("ABCDP", 24, "0.4")],
)
def test_a_plate_of_384_wells_is_opened_with_a_few_requests(
    rows, columns, version
) -> None:
    plate = plate_of(rows, columns, version)
    store = Counting(plate)
    expected = xr.open_datatree(store, engine="omezarr")
    assert store.asked.total() > 2 * len(rows) * columns
    copied = MemoryStore(dict(plate._store_dict))
    zarr.consolidate_metadata(copied)
    store = Counting(copied)
    opened = xr.open_datatree(store, engine="omezarr")
    assert store.asked.total() <= 8, store.asked
    assert opened.identical(expected)
    assert "/C/5/0/labels/cells" in opened.groups
    store.asked.clear()
    stacked = xo.open_plate(store)
    assert store.asked.total() <= 8, store.asked
    np.testing.assert_array_equal(
        stacked.image.sel(row="P", column="24", field="0").squeeze(),
        image(shape=(8, 8), dims=("y", "x")),
    )


def test_what_the_metadata_list_and_copies_lack_is_looked_for() -> None:
    store = MemoryStore()
    xo.write_plate({"A/1/0": image()}, store)
    zarr.consolidate_metadata(store)
    stale = json.loads(store._store_dict["zarr.json"].to_bytes())
    image(9).omezarr.to_field(store, "B/2/0")
    # A writer that knows nothing of copies would have left them as they were.
    document = json.loads(store._store_dict["zarr.json"].to_bytes())
    document["consolidated_metadata"] = stale["consolidated_metadata"]
    kind = type(store._store_dict["zarr.json"])
    store._store_dict["zarr.json"] = kind.from_bytes(json.dumps(document).encode())
    opened = xr.open_datatree(store, engine="omezarr")
    np.testing.assert_array_equal(opened["B/2/0/0"].image, image(9))
    np.testing.assert_array_equal(opened["A/1/0/0"].image, image())


@pytest.mark.parametrize(
    "copies", [b"[]", b'{"metadata": 3}', b"{", b"7", b'"metadata"']
)
def test_copies_that_make_no_sense_are_left_aside(copies) -> None:
    store = MemoryStore()
    group = image().omezarr.to_image(store, version="0.4")
    kind = type(store._store_dict[".zattrs"])
    store._store_dict[".zmetadata"] = kind.from_bytes(copies)
    del group
    np.testing.assert_array_equal(xo.open_image(store), image())


def test_a_plate_in_a_folder_with_copies_takes_a_well_and_waits_for_nobody(
    tmp_path,
) -> None:
    root = zarr.open_group(tmp_path / "all.zarr", mode="w")
    root.require_group("experiments/plate")
    zarr.consolidate_metadata(root.store)
    da = xr.DataArray(np.zeros((8, 8), "u1"), dims=("y", "x"))

    def add() -> None:
        plate = zarr.open_group(tmp_path / "all.zarr", path="experiments/plate")
        da.omezarr.to_field(plate, "A/1/0")

    # A lock that is waited for in vain cannot be interrupted.
    thread = threading.Thread(target=add, daemon=True)
    thread.start()
    thread.join(60)
    assert not thread.is_alive()
    found = zarr.open_consolidated(tmp_path / "all.zarr").metadata
    assert "experiments/plate/A/1/0/0" in (
        found.consolidated_metadata.flattened_metadata
    )
