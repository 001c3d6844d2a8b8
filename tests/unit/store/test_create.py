"""Writing a hierarchy: in which order, over what, and what a failure leaves."""

from __future__ import annotations

import json
import os
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import dask.array
import numpy as np
import pytest
import zarr
from zarr.storage import LocalStore, MemoryStore, WrapperStore, ZipStore

from xarray_omezarr.errors import (
    LayoutError,
    LockedError,
    OmeZarrWarning,
    OptionError,
    TargetExistsError,
)
from xarray_omezarr.hierarchy import ArrayNode, Given, GroupNode, Layout
from xarray_omezarr.store.create import Commit, Start
from xarray_omezarr.store.engine import write
from xarray_omezarr.store.occupancy import UNFINISHED
from xarray_omezarr.store.reach import Reach
from xarray_omezarr.store.target import open_target

PIXELS = np.arange(48, dtype=np.uint16).reshape(8, 6)
# The maximum of 2 x 2 blocks of numbers that grow along both axes is the last one.
HALF = PIXELS[1::2, 1::2]
OTHERS = PIXELS[::-1] + np.uint16(1000)


class DiskFullError(OSError):
    """What happens in the middle of a write."""


class Failing:
    """Pixels that can be read up to a row."""

    shape, dtype, ndim = PIXELS.shape, PIXELS.dtype, 2

    def __getitem__(self, key):
        if key[0].start >= 4 or key[0].stop > 4:
            raise DiskFullError("no space left")
        return PIXELS[key]


class Recording(WrapperStore):
    """A store that remembers the keys it was given, in order."""

    def __init__(self, store=None):
        super().__init__(store or MemoryStore())
        self.puts = []

    def with_read_only(self, read_only=False):
        return self

    async def set(self, key, value, *args, **kwargs):
        self.puts.append((key, bytes(value.to_bytes())))
        await super().set(key, value, *args, **kwargs)

    async def set_if_not_exists(self, key, value):
        if not await self.exists(key):
            await self.set(key, value)


def put(hierarchy, store, *, mode=None, compute=True, group=None, memory_limit=10**6):
    target = open_target(store, group=group)
    return write(
        hierarchy, target, mode=mode, compute=compute, memory_limit=memory_limit
    )


def pixels_in(store, level="0", group=None):
    return zarr.open_array(
        store, path=f"{group}/{level}" if group else level, mode="r"
    )[:]


def is_image(store, group=None):
    attrs = zarr.open_group(store, path=group, mode="r").attrs
    return "ome" in attrs or "multiscales" in attrs


@pytest.fixture(params=["folder", "memory", "group", "fsspec"])
def place(request, tmp_path):
    """An empty place of every kind, and what opens it again."""
    if request.param == "folder":
        return str(tmp_path / "cells.zarr")
    if request.param == "memory":
        return MemoryStore()
    if request.param == "group":
        return zarr.create_group(tmp_path / "root.zarr").create_group("cells")
    return f"memory://{tmp_path.name}/cells.zarr"


def reopened(place):
    """What zarr itself opens the place by."""
    return place.store_path if isinstance(place, zarr.Group) else place


class TestWhatIsWritten:
    def test_pixels_and_metadata_are_there(self, place, plan_image) -> None:
        root = put(plan_image(PIXELS, attrs={"lab": "B"}), place)
        assert isinstance(root, zarr.Group)
        np.testing.assert_array_equal(root["0"][:], PIXELS)
        np.testing.assert_array_equal(root["1"][:], HALF)
        again = zarr.open_group(reopened(place), mode="r")
        assert again.attrs["ome"]["multiscales"][0]["name"] == "cells"
        assert again.attrs["lab"] == "B"
        assert set(again.attrs) == {"ome", "lab"}

    def test_the_group_that_is_returned_can_be_written(self, place, plan_image) -> None:
        root = put(plan_image(), place)
        root.attrs["more"] = 1
        assert zarr.open_group(reopened(place), mode="r").attrs["more"] == 1

    def test_arrays_of_zarr_v3_name_their_dims(self, plan_image) -> None:
        root = put(plan_image(), MemoryStore())
        assert root["1"].metadata.dimension_names == ("y", "x")
        assert dict(root["1"].attrs) == {}

    def test_arrays_of_zarr_v2_name_their_dims_and_nest_their_keys(
        self, tmp_path, plan_image
    ) -> None:
        put(plan_image(version="0.4"), tmp_path / "x.zarr")
        zarray = json.loads((tmp_path / "x.zarr/1/.zarray").read_text())
        zattrs = json.loads((tmp_path / "x.zarr/1/.zattrs").read_text())
        assert zarray["dimension_separator"] == "/"
        assert zattrs == {"_ARRAY_DIMENSIONS": ["y", "x"]}
        assert (tmp_path / "x.zarr/0/1/0").is_file()

    @pytest.mark.parametrize("version", ["0.4", "0.5"])
    def test_each_version_has_the_files_of_its_zarr_format_only(
        self, tmp_path, plan_image, version
    ) -> None:
        extra = {
            "xarray": GroupNode(),
            "xarray/stage": ArrayNode(
                ("d",), (2,), np.dtype("f8"), Layout((2,)), Given(np.zeros(2))
            ),
        }
        plan = plan_image(version=version, extra=extra)
        put(plan, tmp_path / "x.zarr", group="deep/down")
        names = {p.name for p in (tmp_path / "x.zarr").rglob("*") if p.is_file()}
        v2, v3 = {".zgroup", ".zarray", ".zattrs"}, {"zarr.json"}
        wanted, unwanted = (v2, v3) if version == "0.4" else (v3, v2)
        assert wanted <= names
        assert not unwanted & names

    @pytest.mark.parametrize("version", ["0.4", "0.5"])
    def test_metadata_are_not_consolidated(self, tmp_path, plan_image, version) -> None:
        put(plan_image(version=version), tmp_path / "x.zarr")
        assert not list(tmp_path.rglob(".zmetadata"))
        for path in tmp_path.rglob("zarr.json"):
            assert not json.loads(path.read_text()).get("consolidated_metadata")

    def test_a_group_makes_its_parents(self, tmp_path, plan_image) -> None:
        put(plan_image(), tmp_path / "x.zarr", group="A/1/0")
        for path in ("", "A", "A/1"):
            parent = zarr.open_group(tmp_path / "x.zarr", path=path, mode="r")
            assert dict(parent.attrs) == {}
        np.testing.assert_array_equal(
            pixels_in(tmp_path / "x.zarr", group="A/1/0"), PIXELS
        )

    def test_parents_that_exist_keep_what_they_say(self, plan_image) -> None:
        store = MemoryStore()
        zarr.create_group(store, attributes={"plate": "mine"}).create_group("table")
        put(plan_image(), store, group="A/1")
        root = zarr.open_group(store, mode="r")
        assert dict(root.attrs) == {"plate": "mine"}
        assert set(root.keys()) == {"table", "A"}

    @pytest.mark.parametrize("limit", [1, 10**6])
    @pytest.mark.parametrize("compute", [True, False])
    def test_dask_gives_the_same(self, place, plan_image, limit, compute) -> None:
        lazy = dask.array.from_array(PIXELS, chunks=(3, 5))
        done = put(plan_image(lazy), place, compute=compute, memory_limit=limit)
        if not compute:
            with pytest.raises((FileNotFoundError, KeyError)):
                _ = zarr.open_group(reopened(place), mode="r").attrs["ome"]
            done = done.compute(scheduler="synchronous")
        np.testing.assert_array_equal(done["0"][:], PIXELS)
        np.testing.assert_array_equal(done["1"][:], HALF)

    def test_numpy_can_be_written_later_too(self, place, plan_image) -> None:
        delayed = put(plan_image(), place, compute=False)
        np.testing.assert_array_equal(delayed.compute()["1"][:], HALF)

    def test_it_is_written_below_a_file_url(self, tmp_path, plan_image) -> None:
        put(plan_image(), (tmp_path / "a b" / "cells.zarr").as_uri())
        assert is_image(tmp_path / "a b" / "cells.zarr")


class TestOrder:
    def test_the_metadata_of_the_root_come_last(self, plan_image) -> None:
        store = Recording()
        put(plan_image(), store)
        key, value = store.puts[-1]
        assert key == "zarr.json"
        assert "multiscales" in json.loads(value)["attributes"]["ome"]
        earlier = [v for k, v in store.puts[:-1] if k.endswith("zarr.json")]
        assert earlier
        assert not any(b"multiscales" in value for value in earlier)

    def test_until_then_the_root_says_that_it_is_unfinished(self, plan_image) -> None:
        store = Recording()
        put(plan_image(), store)
        first_chunk = next(i for i, (k, _) in enumerate(store.puts) if "/c/" in k)
        said = [v for k, v in store.puts[:first_chunk] if k == "zarr.json"]
        assert json.loads(said[-1])["attributes"][UNFINISHED]

    def test_in_zarr_v2_too(self, plan_image) -> None:
        store = Recording()
        put(plan_image(version="0.4"), store)
        key, value = store.puts[-1]
        assert key == ".zattrs"
        assert "multiscales" in json.loads(value)
        assert not any(b"multiscales" in value for _, value in store.puts[:-1])

    def test_groups_further_down_come_before_those_above(self, plan_image) -> None:
        store = Recording()
        plan = plan_image(extra={"xarray": GroupNode(attrs={"last": "but one"})})
        put(plan, store)
        keys = [key for key, _ in store.puts]
        last_inner = len(keys) - 1 - keys[::-1].index("xarray/zarr.json")
        assert keys[last_inner:] == ["xarray/zarr.json", "zarr.json"]

    def test_no_chunk_is_written_twice(self, plan_image) -> None:
        store = Recording()
        put(
            plan_image(dask.array.from_array(PIXELS, chunks=(3, 2))),
            store,
            memory_limit=1,
        )
        chunks = [key for key, _ in store.puts if "/c/" in key]
        assert sorted(chunks) == ["0/c/0/0", "0/c/1/0", "1/c/0/0"]


class TestExisting:
    def test_an_image_is_not_overwritten_unless_asked(self, place, plan_image) -> None:
        put(plan_image(), place)
        for mode in (None, "w-", "a"):
            with pytest.raises(FileExistsError):
                put(plan_image(OTHERS), place, mode=mode)
        np.testing.assert_array_equal(pixels_in(reopened(place)), PIXELS)

    def test_w_replaces_it_whole(self, place, plan_image) -> None:
        extra = {
            "2": ArrayNode(
                ("a",), (2,), OTHERS.dtype, Layout((2,)), Given(OTHERS[0, :2])
            )
        }
        put(plan_image(attrs={"old": 1}, extra=extra), place)
        root = zarr.open_group(reopened(place), mode="r+")
        del root["2"]
        with warnings.catch_warnings():
            # A store without renaming warns, and is told so in a test of its own.
            warnings.simplefilter("ignore", OmeZarrWarning)
            put(plan_image(OTHERS, name="new"), place, mode="w")
        root = zarr.open_group(reopened(place), mode="r")
        np.testing.assert_array_equal(root["0"][:], OTHERS)
        assert set(root.attrs) == {"ome"}
        assert root.attrs["ome"]["multiscales"][0]["name"] == "new"
        assert set(root.keys()) == {"0", "1"}

    @pytest.mark.parametrize("mode", [None, "w-", "w", "a"])
    def test_an_empty_group_keeps_its_attributes(self, place, plan_image, mode) -> None:
        if not isinstance(place, zarr.Group):
            zarr.create_group(place)
        zarr.open_group(reopened(place), mode="r+").attrs["project"] = "screen 7"
        put(plan_image(), place, mode=mode)
        assert zarr.open_group(reopened(place), mode="r").attrs["project"] == "screen 7"

    def test_an_empty_group_of_another_zarr_format_is_refused(self, plan_image) -> None:
        store = MemoryStore()
        zarr.create_group(store, zarr_format=2)
        with pytest.raises(OptionError, match=r"Zarr v2.*Zarr v3.*version="):
            put(plan_image(), store)

    def test_a_group_below_another_zarr_format_is_refused(self, plan_image) -> None:
        store = MemoryStore()
        zarr.create_group(store, zarr_format=3)
        with pytest.raises(OptionError, match=r"Zarr v3.*Zarr v2"):
            put(plan_image(version="0.4"), store, group="cells")

    @pytest.mark.parametrize("mode", [None, "w-", "w", "a"])
    def test_a_group_below_an_array_is_refused(self, plan_image, mode) -> None:
        store = MemoryStore()
        zarr.create_array(store, name="x", data=np.zeros(3))
        with pytest.raises(TargetExistsError, match="choose another path"):
            put(plan_image(), store, group="x/cells", mode=mode)

    def test_an_image_of_another_version_can_be_replaced(
        self, tmp_path, plan_image
    ) -> None:
        put(plan_image(version="0.4"), tmp_path / "x.zarr")
        put(plan_image(version="0.5"), tmp_path / "x.zarr", mode="w")
        names = {path.name for path in tmp_path.rglob("*")}
        assert "zarr.json" in names
        assert not {".zgroup", ".zattrs", ".zarray"} & names

    def test_an_image_of_another_version_can_be_replaced_in_memory(
        self, plan_image
    ) -> None:
        store = MemoryStore()
        put(plan_image(version="0.4"), store)
        put(plan_image(version="0.5"), store, mode="w")
        assert not [key for key in store._store_dict if "/.z" in f"/{key}"]

    @pytest.mark.parametrize("mode", [None, "w-", "w", "a"])
    @pytest.mark.parametrize("group", [None, "cells"])
    def test_a_folder_of_somebody_is_never_touched(
        self, tmp_path, plan_image, mode, group
    ) -> None:
        (tmp_path / "photos").mkdir()
        (tmp_path / "photos" / "wedding.jpg").write_bytes(b"precious")
        before = sorted(tmp_path.rglob("*"))
        with pytest.raises(TargetExistsError):
            put(plan_image(), tmp_path, mode=mode, group=group)
        assert sorted(tmp_path.rglob("*")) == before
        assert (tmp_path / "photos" / "wedding.jpg").read_bytes() == b"precious"

    @pytest.mark.parametrize("mode", ["w", None])
    def test_a_zarr_array_is_never_touched(self, tmp_path, plan_image, mode) -> None:
        zarr.create_array(tmp_path / "x.zarr", data=PIXELS)
        with pytest.raises(TargetExistsError, match="Zarr array"):
            put(plan_image(), tmp_path / "x.zarr", mode=mode)
        np.testing.assert_array_equal(zarr.open_array(tmp_path / "x.zarr")[:], PIXELS)

    def test_nodes_of_others_keep_an_image_from_being_replaced(
        self, place, plan_image
    ) -> None:
        put(plan_image(), place)
        zarr.open_group(reopened(place), mode="r+").create_group("tables")
        with pytest.raises(TargetExistsError, match=r"\['tables'\]"):
            put(plan_image(OTHERS), place, mode="w")
        np.testing.assert_array_equal(pixels_in(reopened(place)), PIXELS)

    def test_a_plate_is_not_replaced_by_an_image(self, plan_image) -> None:
        store = MemoryStore()
        well = {"path": "A/1", "rowIndex": 0, "columnIndex": 0}
        names = {"rows": [{"name": "A"}], "columns": [{"name": "1"}]}
        plate = {"ome": {"version": "0.5", "plate": {**names, "wells": [well]}}}
        zarr.create_group(store, attributes=plate).create_group("A/1")
        with pytest.raises(TargetExistsError, match="replaces like with like"):
            put(plan_image(), store, mode="w")

    def test_labels_that_go_with_the_image_are_warned_of(
        self, tmp_path, plan_image
    ) -> None:
        put(plan_image(), tmp_path / "x.zarr")
        for name in ("nuclei", "cells"):
            put(plan_image(), tmp_path / "x.zarr" / "labels" / name)
        with pytest.warns(OmeZarrWarning, match="labels/cells, labels/nuclei"):
            put(plan_image(OTHERS), tmp_path / "x.zarr", mode="w")
        root = zarr.open_group(tmp_path / "x.zarr", mode="r")
        assert set(root.keys()) == {"0", "1"}

    def test_a_warning_that_is_an_error_leaves_the_image(
        self, tmp_path, plan_image
    ) -> None:
        put(plan_image(), tmp_path / "x.zarr")
        put(plan_image(), tmp_path / "x.zarr" / "labels" / "cells")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            with pytest.raises(OmeZarrWarning):
                put(plan_image(OTHERS), tmp_path / "x.zarr", mode="w")
        assert is_image(tmp_path / "x.zarr")
        np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), PIXELS)

    def test_a_store_without_renaming_warns_before_it_replaces(
        self, tmp_path, plan_image
    ) -> None:
        url = f"memory://{tmp_path.name}/cells.zarr"
        put(plan_image(), url)
        with pytest.warns(OmeZarrWarning, match="no rename.*icechunk"):
            put(plan_image(OTHERS), url, mode="w")

    def test_a_codec_that_does_not_fit_is_refused_before_anything_is_removed(
        self, place, plan_image
    ) -> None:
        put(plan_image(), place)
        plan = plan_image(OTHERS)
        layout = replace(plan.array("0").layout, compression="brotli")
        nodes = {**plan.nodes, "0": replace(plan.array("0"), layout=layout)}
        with pytest.raises(OptionError, match="brotli"):
            put(replace(plan, nodes=nodes), place, mode="w")
        assert is_image(reopened(place))
        np.testing.assert_array_equal(pixels_in(reopened(place)), PIXELS)

    def test_a_read_only_store_is_refused(self, tmp_path, plan_image) -> None:
        target = open_target(tmp_path / "x.zarr", read_only=True)
        with pytest.raises(OptionError, match=r"x\.zarr is read-only"):
            write(plan_image(), target, mode=None, compute=True)
        assert list(tmp_path.iterdir()) == []

    @pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")
    def test_the_folder_behind_a_link_is_replaced_and_the_link_stays(
        self, tmp_path, plan_image
    ) -> None:
        (tmp_path / "disk").mkdir()
        put(plan_image(), tmp_path / "disk" / "real.zarr")
        link = tmp_path / "link.zarr"
        link.symlink_to(tmp_path / "disk" / "real.zarr")
        put(plan_image(OTHERS), link, mode="w")
        assert link.is_symlink()
        np.testing.assert_array_equal(pixels_in(tmp_path / "disk/real.zarr"), OTHERS)
        assert sorted(p.name for p in (tmp_path / "disk").iterdir()) == ["real.zarr"]

    def test_the_old_image_is_readable_until_the_new_one_is_complete(
        self, tmp_path, plan_image
    ) -> None:
        put(plan_image(), tmp_path / "x.zarr")
        delayed = put(plan_image(OTHERS), tmp_path / "x.zarr", mode="w", compute=False)
        assert is_image(tmp_path / "x.zarr")
        np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), PIXELS)
        delayed.compute()
        np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), OTHERS)
        assert [p.name for p in tmp_path.iterdir()] == ["x.zarr"]

    def test_an_image_can_be_made_from_itself(self, tmp_path, plan_image) -> None:
        put(plan_image(), tmp_path / "x.zarr")
        own = zarr.open_array(tmp_path / "x.zarr", path="0", mode="r")
        flipped = dask.array.from_array(own, chunks=(4, 6))[::-1]
        put(plan_image(flipped), tmp_path / "x.zarr", mode="w")
        np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), PIXELS[::-1])

    def test_an_image_in_memory_can_be_made_from_itself(self, plan_image) -> None:
        store = MemoryStore()
        put(plan_image(), store)
        own = zarr.open_array(store, path="0", mode="r")
        flipped = dask.array.from_array(own, chunks=(4, 6))[::-1]
        put(plan_image(flipped), store, mode="w")
        np.testing.assert_array_equal(pixels_in(store), PIXELS[::-1])


class TestFailure:
    @pytest.mark.parametrize("lazy", [False, True])
    def test_nothing_is_left_of_a_write_that_failed(
        self, tmp_path, plan_image, lazy
    ) -> None:
        pixels = Failing()
        if lazy:
            pixels = dask.array.from_array(Failing(), chunks=(4, 6))
        with pytest.raises(DiskFullError):
            put(plan_image(pixels), tmp_path / "x.zarr")
        assert list(tmp_path.iterdir()) == []

    def test_nothing_is_left_in_memory(self, plan_image) -> None:
        store = MemoryStore()
        with pytest.raises(DiskFullError):
            put(plan_image(Failing()), store)
        assert store._store_dict == {}
        put(plan_image(), store)
        assert is_image(store)

    @pytest.mark.parametrize("lazy", [False, True])
    def test_the_old_image_survives_a_failing_replacement(
        self, tmp_path, plan_image, lazy
    ) -> None:
        put(plan_image(), tmp_path / "x.zarr")
        pixels = Failing()
        if lazy:
            pixels = dask.array.from_array(Failing(), chunks=(4, 6))
        with pytest.raises(DiskFullError):
            put(plan_image(pixels), tmp_path / "x.zarr", mode="w")
        assert is_image(tmp_path / "x.zarr")
        np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), PIXELS)
        assert [p.name for p in tmp_path.iterdir()] == ["x.zarr"]

    def test_the_old_image_in_memory_survives_a_failing_replacement(
        self, plan_image
    ) -> None:
        store = MemoryStore()
        put(plan_image(), store)
        with pytest.raises(DiskFullError):
            put(plan_image(Failing()), store, mode="w")
        assert is_image(store)
        np.testing.assert_array_equal(pixels_in(store), PIXELS)

    def test_a_delayed_that_runs_twice_writes_the_same_twice(
        self, tmp_path, plan_image
    ) -> None:
        put(plan_image(), tmp_path / "x.zarr")
        delayed = put(plan_image(OTHERS), tmp_path / "x.zarr", mode="w", compute=False)
        for _ in range(2):
            delayed.compute()
            np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), OTHERS)
        assert [p.name for p in tmp_path.iterdir()] == ["x.zarr"]

    def test_a_delayed_does_not_write_over_what_came_since(
        self, tmp_path, plan_image
    ) -> None:
        delayed = put(plan_image(), tmp_path / "x.zarr", compute=False)
        put(plan_image(OTHERS), tmp_path / "x.zarr")
        with pytest.raises(TargetExistsError, match="mode='w'"):
            delayed.compute()
        np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), OTHERS)

    def test_a_commit_that_runs_twice_leaves_the_image(
        self, tmp_path, plan_image
    ) -> None:
        put(plan_image(), tmp_path / "x.zarr")
        target = open_target(tmp_path / "x.zarr")
        begun = Start(plan_image(), target, "w", Reach.from_here(target))()
        begun.handles["0"][:], begun.handles["1"][:] = OTHERS, 0
        commit = Commit(plan_image())
        commit({}, begun)
        with pytest.raises((TargetExistsError, LockedError)):
            commit({}, begun)
        np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), OTHERS)
        assert is_image(tmp_path / "x.zarr")

    def test_a_start_that_runs_again_finds_what_tasks_have_stored(
        self, tmp_path, plan_image
    ) -> None:
        # Schedulers do so when the worker died that had the result of the first.
        put(plan_image(), tmp_path / "x.zarr")
        target = open_target(tmp_path / "x.zarr")
        start = Start(plan_image(), target, "w", Reach.from_here(target))
        begun = start()
        begun.handles["0"][:] = OTHERS
        begun.claim._use._drop()
        del begun
        begun = start()
        begun.handles["1"][:] = 0
        Commit(plan_image())({}, begun)
        np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), OTHERS)
        assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]

    def test_a_start_that_runs_again_misses_what_tasks_have_stored(
        self, tmp_path, plan_image
    ) -> None:
        put(plan_image(), tmp_path / "x.zarr")
        before = pixels_in(tmp_path / "x.zarr")
        target = open_target(tmp_path / "x.zarr")
        start = Start(plan_image(OTHERS), target, "w", Reach.from_here(target))
        begun = start()
        begun.claim._use._drop()
        shutil.rmtree(begun.place.working.directory)
        del begun
        with pytest.raises(LockedError, match="removed by somebody else"):
            start()
        np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), before)
        assert [path.name for path in tmp_path.iterdir()] == ["x.zarr"]

    @pytest.mark.parametrize("scheduler", ["processes", "threads"])
    def test_memory_of_this_process_is_not_written_in_another(
        self, plan_image, scheduler
    ) -> None:
        store = MemoryStore()
        delayed = put(plan_image(), store, compute=False)
        if scheduler == "threads":
            delayed.compute(scheduler=scheduler)
            assert is_image(store)
            return
        with pytest.raises(OptionError, match="memory of one process"):
            delayed.compute(scheduler=scheduler)

    def test_a_group_of_others_called_xarray_is_not_removed(
        self, tmp_path, plan_image
    ) -> None:
        put(plan_image(), tmp_path / "x.zarr")
        zarr.open_group(tmp_path / "x.zarr").create_group("xarray")
        with pytest.raises(TargetExistsError, match="xarray"):
            put(plan_image(OTHERS), tmp_path / "x.zarr", mode="w")

    def test_a_zip_is_refused(self, tmp_path, plan_image) -> None:
        store = ZipStore(tmp_path / "x.zip", mode="w")
        with pytest.raises(OptionError, match="zip"):
            put(plan_image(), store)

    def test_a_chunk_that_blosc_cannot_hold_is_refused_before_the_first_byte(
        self, tmp_path, plan_image
    ) -> None:
        huge = np.broadcast_to(np.uint16(0), (40_000, 40_000))
        planned = plan_image()
        node = replace(
            planned.array("0"),
            shape=huge.shape,
            source=Given(huge),
            layout=Layout(huge.shape),
        )
        with pytest.raises(LayoutError, match="blosc"):
            put(replace(planned, nodes={**planned.nodes, "0": node}), tmp_path / "x")
        assert list(tmp_path.iterdir()) == []

    def test_a_delayed_that_fails_leaves_the_old_image(
        self, tmp_path, plan_image
    ) -> None:
        put(plan_image(), tmp_path / "x.zarr")
        delayed = put(
            plan_image(Failing()), tmp_path / "x.zarr", mode="w", compute=False
        )
        with pytest.raises(DiskFullError):
            delayed.compute(scheduler="synchronous")
        assert is_image(tmp_path / "x.zarr")
        np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), PIXELS)

    def test_a_write_that_fails_leaves_the_empty_group_as_it_was(
        self, tmp_path, plan_image
    ) -> None:
        root = zarr.create_group(tmp_path / "x.zarr", attributes={"project": "7"})
        with pytest.raises(DiskFullError):
            put(plan_image(Failing()), root)
        again = zarr.open_group(tmp_path / "x.zarr", mode="r")
        assert dict(again.attrs) == {"project": "7"}
        assert list(again.keys()) == []

    def test_a_write_that_fails_leaves_the_siblings(self, tmp_path, plan_image) -> None:
        root = zarr.create_group(tmp_path / "x.zarr")
        root.create_array("table", data=PIXELS)
        with pytest.raises(DiskFullError):
            put(plan_image(Failing()), root, group="cells")
        assert set(zarr.open_group(tmp_path / "x.zarr", mode="r").keys()) == {"table"}

    def test_an_interrupted_write_is_not_taken_for_an_image(
        self, tmp_path, plan_image, interrupt
    ) -> None:
        interrupt(plan_image(), open_target(tmp_path / "x.zarr"))
        assert (tmp_path / "x.zarr" / "0").is_dir()
        assert not is_image(tmp_path / "x.zarr")

    @pytest.mark.parametrize("mode", [None, "w-", "w", "a"])
    def test_an_interrupted_write_is_begun_anew(
        self, place, plan_image, interrupt, mode
    ) -> None:
        interrupt(plan_image(), open_target(place))
        put(plan_image(OTHERS), place, mode=mode)
        root = zarr.open_group(reopened(place), mode="r")
        np.testing.assert_array_equal(root["0"][:], OTHERS)
        assert set(root.attrs) == {"ome"}

    @pytest.mark.parametrize(("old", "new"), [("0.4", "0.5"), ("0.5", "0.4")])
    def test_an_interrupted_write_is_begun_anew_in_another_zarr_format(
        self, tmp_path, plan_image, interrupt, old, new
    ) -> None:
        interrupt(plan_image(version=old), open_target(tmp_path / "x.zarr"))
        put(plan_image(version=new), tmp_path / "x.zarr")
        assert is_image(tmp_path / "x.zarr")
        names = {path.name for path in (tmp_path / "x.zarr").iterdir()}
        assert ("zarr.json" in names) == (new == "0.5")
        assert (".zgroup" in names) == (new == "0.4")

    @pytest.mark.parametrize(("old", "new"), [("0.4", "0.5"), ("0.5", "0.4")])
    def test_so_is_one_that_stopped_before_its_first_array(
        self, tmp_path, plan_image, old, new
    ) -> None:
        zarr_format = 2 if old == "0.4" else 3
        zarr.create_group(
            tmp_path / "x.zarr", zarr_format=zarr_format, attributes={UNFINISHED: True}
        )
        put(plan_image(version=new), tmp_path / "x.zarr")
        names = {path.name for path in (tmp_path / "x.zarr").iterdir()}
        assert ("zarr.json" in names) == (new == "0.5")
        assert (".zgroup" in names) == (new == "0.4")

    def test_attributes_of_an_empty_group_survive_an_interruption(
        self, tmp_path, plan_image, interrupt
    ) -> None:
        zarr.create_group(tmp_path / "x.zarr", attributes={"project": "7"})
        interrupt(plan_image(), open_target(tmp_path / "x.zarr"))
        put(plan_image(OTHERS), tmp_path / "x.zarr")
        attrs = zarr.open_group(tmp_path / "x.zarr", mode="r").attrs
        assert attrs["project"] == "7"
        assert UNFINISHED not in attrs

    def test_an_error_while_cleaning_up_does_not_hide_the_first(
        self, tmp_path, plan_image, monkeypatch
    ) -> None:
        def refuse(*args, **kwargs):
            raise PermissionError("not yours")

        monkeypatch.setattr("shutil.rmtree", refuse)
        with pytest.raises(DiskFullError):
            put(plan_image(Failing()), tmp_path / "x.zarr")
        assert not is_image(tmp_path / "x.zarr")

    def test_when_the_folders_cannot_be_swapped_the_old_image_stays(
        self, tmp_path, plan_image, monkeypatch
    ) -> None:
        put(plan_image(), tmp_path / "x.zarr")
        rename = os.rename

        def second_fails(source, destination):
            is_new = ".old." not in Path(source).name
            if is_new and Path(destination).name == "x.zarr":
                raise PermissionError("not yours")
            rename(source, destination)

        # Where folders cannot trade places at once.
        monkeypatch.setattr("xarray_omezarr.store.exchange._at_once", lambda *_: False)
        monkeypatch.setattr(os, "rename", second_fails)
        with pytest.raises(PermissionError):
            put(plan_image(OTHERS), tmp_path / "x.zarr", mode="w")
        np.testing.assert_array_equal(pixels_in(tmp_path / "x.zarr"), PIXELS)
        assert [p.name for p in tmp_path.iterdir()] == ["x.zarr"]


def test_a_local_store_object_is_replaced_like_its_folder(tmp_path, plan_image) -> None:
    store = LocalStore(tmp_path / "root.zarr")
    zarr.create_group(store)
    put(plan_image(), store, group="cells")
    put(plan_image(OTHERS), store, group="cells", mode="w")
    np.testing.assert_array_equal(pixels_in(store, group="cells"), OTHERS)
    names = sorted(p.name for p in (tmp_path / "root.zarr").iterdir())
    assert names == ["cells", "zarr.json"]
