"""One file that holds a whole store: written in one pass, read by everybody."""

from __future__ import annotations

import json
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import LocalStore, ZipStore

import xarray_omezarr as xo
from tests.integration.test_larger_than_memory import rise
from tests.unit.store.test_zip_writing import bytes_of
from xarray_omezarr.ngff.versions import registry

PIXELS = np.random.default_rng(7).integers(0, 4000, (2, 96, 128), dtype="uint16")
NEW = [v for v in registry.SUPPORTED if registry.get(v).features.zarr_format == 3]
OLD = [v for v in registry.SUPPORTED if registry.get(v).features.zarr_format == 2]


def image(dask_chunks: int | None = None) -> xr.DataArray:
    made = xr.DataArray(
        PIXELS,
        dims=("c", "y", "x"),
        coords={"c": ["DAPI", "GFP"], "x": ("x", 0.5 * np.arange(128))},
        name="cells",
    )
    made["x"].attrs["units"] = "micrometer"
    return made if dask_chunks is None else made.chunk({"y": dask_chunks, "c": 1})


def cells() -> xr.DataArray:
    return (image()[0] > 2000).astype("uint8").drop_vars("c").rename("cells")


def check_file(path: Path, version: str = registry.DEFAULT) -> list[str]:
    """Check what is asked of such files, by their bytes; the names of the entries."""
    found = bytes_of(path)
    documents = [n for n in found.local if n.rpartition("/")[2] == "zarr.json"]
    assert found.local[: len(documents)] == documents
    assert documents[0] == "zarr.json"
    depths = [name.count("/") for name in documents]
    assert depths == sorted(depths)
    assert found.central == found.local
    assert len({*found.local}) == len(found.local)
    assert found.is_zip64
    assert json.loads(found.comment) == {
        "ome": {
            "version": version,
            "zipFile": {"centralDirectory": {"jsonFirst": True}},
        }
    }
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
    report = xo.validate(path)
    assert not report.errors
    assert not [f for f in report.warnings if "archive" in str(f)]
    assert [name for name in os.listdir(path.parent) if "partial" in name] == []
    return found.local


def same_store(file: Path, folder: Path) -> None:
    """What is in a file is what is in a folder that was written alike."""
    with zipfile.ZipFile(file) as archive:
        names = {*archive.namelist()}
        below = {p.relative_to(folder).as_posix() for p in folder.rglob("*")}
        assert names == {name for name in below if (folder / name).is_file()}
        for name in names:
            one, other = archive.read(name), (folder / name).read_bytes()
            if name.endswith("zarr.json"):
                assert json.loads(one) == json.loads(other)
            else:
                assert one == other


@pytest.mark.parametrize("version", NEW)
@pytest.mark.parametrize("shards", [None, "auto", (1, 64, 64)])
@pytest.mark.parametrize("dask_chunks", [None, 40])
def test_an_image_with_labels_is_the_same_in_a_file_and_in_a_folder(
    tmp_path: Path, version: str, shards: object, dask_chunks: int | None
) -> None:
    options = {
        "labels": {"cells": cells()},
        "scale_factors": [2, 4],
        "chunks": (1, 32, 32),
        "shards": shards,
        "version": version,
    }
    file, folder = tmp_path / "cells.ozx", tmp_path / "cells.zarr"
    group = image(dask_chunks).omezarr.to_image(file, **options)
    image(dask_chunks).omezarr.to_image(folder, **options)
    assert isinstance(group.store, ZipStore)
    assert dict(group.attrs) == dict(zarr.open_group(folder, mode="r").attrs)
    check_file(file, version)
    same_store(file, folder)
    back = xo.open_image(file)
    xr.testing.assert_identical(back.drop_encoding(), xo.open_image(folder))


def test_levels_that_are_made_of_stored_ones_are_read_back_from_it(
    tmp_path: Path,
) -> None:
    options = {"scale_factors": [2, 4, 8], "memory_limit": 40_000}
    options |= {"chunks": (1, 16, 16), "progress": lambda done, total: None}
    for source in (image(), image(40)):
        source.omezarr.to_image(tmp_path / "a.ozx", mode="w", **options)
        source.omezarr.to_image(tmp_path / "a.zarr", mode="w", **options)
        check_file(tmp_path / "a.ozx")
        same_store(tmp_path / "a.ozx", tmp_path / "a.zarr")


def test_datasets_and_trees_and_plates_and_collections_become_one_file(
    tmp_path: Path,
) -> None:
    data = xr.Dataset({"cells": image(), "nuclei": cells()})
    plate = {"A/1/0": image(), "A/1/1": image(), "B/10/0": image()}
    writes = {
        "dataset": lambda to: data.omezarr.to_image(to, labels="auto"),
        "plate": lambda to: xo.write_plate(plate, to),
        "collection": lambda to: xo.write_bioformats2raw(
            {"0": image(), "1": cells()}, to
        ),
    }
    for name, write in writes.items():
        write(tmp_path / f"{name}.ozx")
        write(tmp_path / f"{name}.zarr")
        check_file(tmp_path / f"{name}.ozx")
        one, other = (
            zarr.open_group(opened, mode="r").attrs.asdict()
            for opened in (
                ZipStore(tmp_path / f"{name}.ozx", mode="r"),
                LocalStore(tmp_path / f"{name}.zarr"),
            )
        )
        assert one == other
        same_store(tmp_path / f"{name}.ozx", tmp_path / f"{name}.zarr")
        trees = [
            xr.open_datatree(tmp_path / f"{name}.{kind}", engine="omezarr")
            for kind in ("ozx", "zarr")
        ]
        xr.testing.assert_equal(*trees)
        for tree in trees:
            tree.close()


def test_a_tree_that_was_opened_from_a_file_becomes_another_file(
    tmp_path: Path,
) -> None:
    image().omezarr.to_image(tmp_path / "a.ozx", labels={"cells": cells()})
    with xr.open_datatree(tmp_path / "a.ozx", engine="omezarr", chunks={}) as tree:
        tree.omezarr.to_image(tmp_path / "b.ozx")
        # What is read lazily stays readable until it is replaced.
        tree.omezarr.to_image(tmp_path / "a.ozx", mode="w")
    same = [
        xr.open_datatree(tmp_path / n, engine="omezarr") for n in ("a.ozx", "b.ozx")
    ]
    xr.testing.assert_equal(*same)
    np.testing.assert_array_equal(xo.open_image(tmp_path / "a.ozx"), PIXELS)
    for tree in same:
        tree.close()


def test_a_scene_becomes_one_file(tmp_path: Path) -> None:
    axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in "yx"]
    ends = [
        ({"path": n, "name": "physical"}, [0.0, 64.0 * i]) for i, n in enumerate("ab")
    ]
    transforms = {
        "coordinateSystems": [{"name": "world", "axes": axes}],
        "coordinateTransformations": [
            {
                "type": "translation",
                "translation": shift,
                "input": end,
                "output": {"name": "world"},
            }
            for end, shift in ends
        ],
    }
    tile = image()[0].drop_vars("c").to_dataset(name="image")
    tree = xr.DataTree.from_dict({"/a": tile, "/b": tile})
    options = {"transforms": transforms, "version": NEW[-1]}
    tree.omezarr.to_scene(tmp_path / "scene.ozx", **options)
    tree.omezarr.to_scene(tmp_path / "scene.zarr", **options)
    check_file(tmp_path / "scene.ozx", NEW[-1])
    same_store(tmp_path / "scene.ozx", tmp_path / "scene.zarr")


def test_of_writers_of_one_file_one_wins_and_the_others_are_told(
    tmp_path: Path,
) -> None:
    def write(n: int) -> int | None:
        try:
            (image() + n).omezarr.to_image(tmp_path / "a.ozx", chunks=(1, 16, 16))
        except (xo.TargetExistsError, xo.LockedError):
            return None
        return n

    with ThreadPoolExecutor(4) as pool:
        (won,) = [n for n in pool.map(write, range(4)) if n is not None]
    check_file(tmp_path / "a.ozx")
    assert os.listdir(tmp_path) == ["a.ozx"]
    np.testing.assert_array_equal(xo.open_image(tmp_path / "a.ozx"), PIXELS + won)


@pytest.mark.parametrize("mode", [None, "w"])
def test_a_group_inside_is_refused_for_the_file_is_one_image(
    tmp_path: Path, mode: str | None
) -> None:
    with pytest.raises(xo.OptionError, match=r"group is .raw/cells.*leave group out"):
        image().omezarr.to_image(tmp_path / "a.ozx", group="raw/cells", mode=mode)
    image().omezarr.to_image(tmp_path / "a.zarr")
    with pytest.raises(xo.OptionError, match="group is 'raw'"):
        xo.convert(tmp_path / "a.zarr", tmp_path / "a.ozx", group="raw")
    assert os.listdir(tmp_path) == ["a.zarr"]


@pytest.mark.parametrize("mode", [None, "w"])
def test_an_empty_file_is_told_to_be_one(tmp_path: Path, mode: str | None) -> None:
    (tmp_path / "a.ozx").touch()
    with pytest.raises(xo.TargetExistsError, match=r"but an empty file.*delete it"):
        image().omezarr.to_image(tmp_path / "a.ozx", mode=mode)
    assert (tmp_path / "a.ozx").read_bytes() == b""


def test_an_image_of_nothing_but_zeros_is_documents_alone(tmp_path: Path) -> None:
    (image() * 0).omezarr.to_image(tmp_path / "a.ozx")
    names = check_file(tmp_path / "a.ozx")
    assert all(name.endswith("zarr.json") for name in names)
    assert not xo.open_image(tmp_path / "a.ozx").any()


def test_metadata_that_are_measured_do_not_cost_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from xarray_omezarr.store.zip_archive import Archive

    def no_copy(*_: object) -> None:
        raise AssertionError("the documents did not fit")

    monkeypatch.setattr(Archive, "_copied", no_copy)
    many = xr.DataArray(
        np.random.default_rng(1).normal(size=(300, 8, 8)),
        dims=("c", "y", "x"),
        coords={"c": [f"channel {n}" for n in range(300)]},
    )
    many.omezarr.to_image(tmp_path / "a.ozx")
    assert len(xo.read_metadata(tmp_path / "a.ozx").omero.channels) == 300


class TestConversion:
    @pytest.mark.parametrize("version", NEW)
    def test_a_folder_becomes_a_file_and_a_folder_again(
        self, tmp_path: Path, version: str
    ) -> None:
        folder = tmp_path / "a.zarr"
        options = {"labels": {"cells": cells()}, "chunks": (1, 32, 32)}
        image().omezarr.to_image(folder, version=version, **options)
        (folder / "notes.txt").write_text("of somebody")
        xo.convert(folder, tmp_path / "a.ozx", version=version)
        check_file(tmp_path / "a.ozx", version)
        xo.convert(tmp_path / "a.ozx", tmp_path / "b.zarr", version=version)
        xo.convert(tmp_path / "b.zarr", tmp_path / "b.ozx", version=version)
        same_store(tmp_path / "a.ozx", tmp_path / "b.zarr")
        same_store(tmp_path / "b.ozx", tmp_path / "b.zarr")
        np.testing.assert_array_equal(xo.open_image(tmp_path / "b.ozx"), PIXELS)

    def test_a_plate_of_an_old_version_becomes_a_file_of_a_new_one(
        self, tmp_path: Path
    ) -> None:
        fields = {"A/1/0": image(), "B/2/0": image()}
        xo.write_plate(fields, tmp_path / "old.zarr", version="0.4")
        xo.convert(tmp_path / "old.zarr", tmp_path / "new.ozx")
        check_file(tmp_path / "new.ozx")
        for path in fields:
            found = xo.open_image(tmp_path / "new.ozx", group=path)
            np.testing.assert_array_equal(found, PIXELS)

    def test_a_part_is_taken_and_packed_anew(self, tmp_path: Path) -> None:
        fields = {"A/1/0": image(), "B/2/0": image()}
        xo.write_plate(fields, tmp_path / "all.ozx")
        xo.convert(
            tmp_path / "all.ozx", tmp_path / "part.ozx", wells=["B/2"], shards="auto"
        )
        names = check_file(tmp_path / "part.ozx")
        assert not [name for name in names if name.startswith("A")]
        found = xo.open_image(tmp_path / "part.ozx", group="B/2/0")
        np.testing.assert_array_equal(found, PIXELS)

    def test_a_file_is_not_converted_into_itself(self, tmp_path: Path) -> None:
        image().omezarr.to_image(tmp_path / "a.ozx")
        before = (tmp_path / "a.ozx").read_bytes()
        with pytest.raises(xo.OptionError, match="neither may be the other"):
            xo.convert(tmp_path / "a.ozx", tmp_path / "a.ozx", mode="w")
        assert (tmp_path / "a.ozx").read_bytes() == before


class TestModes:
    def test_what_is_there_is_replaced_where_that_is_asked(
        self, tmp_path: Path
    ) -> None:
        file = tmp_path / "a.ozx"
        image().omezarr.to_image(file)
        for mode in (None, "w-"):
            with pytest.raises(xo.TargetExistsError, match="mode='w' replaces"):
                (image() + 1).omezarr.to_image(file, mode=mode)
        np.testing.assert_array_equal(xo.open_image(file), PIXELS)
        opened = xo.open_image(file)
        (image() + 1).omezarr.to_image(file, mode="w")
        np.testing.assert_array_equal(xo.open_image(file), PIXELS + 1)
        # Who has opened the old one goes on reading it.
        np.testing.assert_array_equal(opened, PIXELS)

    def test_like_replaces_like(self, tmp_path: Path) -> None:
        xo.write_plate({"A/1/0": image()}, tmp_path / "a.ozx")
        before = (tmp_path / "a.ozx").read_bytes()
        with pytest.raises(xo.TargetExistsError, match="replaces like with like"):
            image().omezarr.to_image(tmp_path / "a.ozx", mode="w")
        assert (tmp_path / "a.ozx").read_bytes() == before

    @pytest.mark.parametrize("content", [b"", b"a file of somebody", b"PK\x05\x06"])
    @pytest.mark.parametrize("mode", [None, "w"])
    def test_a_file_that_is_no_archive_is_never_replaced(
        self, tmp_path: Path, content: bytes, mode: str | None
    ) -> None:
        (tmp_path / "a.ozx").write_bytes(content)
        with pytest.raises(xo.TargetExistsError, match="no zip archive"):
            image().omezarr.to_image(tmp_path / "a.ozx", mode=mode)
        assert (tmp_path / "a.ozx").read_bytes() == content

    def test_an_archive_of_others_is_not_replaced(self, tmp_path: Path) -> None:
        with zipfile.ZipFile(tmp_path / "a.ozx", "w") as archive:
            archive.writestr("thesis.txt", "years of work")
        with pytest.raises(xo.TargetExistsError, match="not Zarr"):
            image().omezarr.to_image(tmp_path / "a.ozx", mode="w")
        image().omezarr.to_image(tmp_path / "b.ozx")
        with zipfile.ZipFile(tmp_path / "b.ozx", "a") as archive:
            archive.writestr("thesis.txt", "years of work")
        with pytest.raises(xo.TargetExistsError, match=r"thesis\.txt"):
            image().omezarr.to_image(tmp_path / "b.ozx", mode="w")

    def test_a_link_stays_one(self, tmp_path: Path) -> None:
        (tmp_path / "disk").mkdir()
        image().omezarr.to_image(tmp_path / "disk" / "a.ozx")
        (tmp_path / "a.ozx").symlink_to(tmp_path / "disk" / "a.ozx")
        (image() + 1).omezarr.to_image(tmp_path / "a.ozx", mode="w")
        assert (tmp_path / "a.ozx").is_symlink()
        found = xo.open_image(tmp_path / "disk" / "a.ozx")
        np.testing.assert_array_equal(found, PIXELS + 1)


class TestRefused:
    @pytest.mark.parametrize("version", OLD)
    def test_versions_in_the_old_format_of_zarr(
        self, tmp_path: Path, version: str
    ) -> None:
        plain = xr.DataArray(PIXELS[0], dims=("y", "x"))
        with pytest.raises(xo.NotInVersionError, match="newer version="):
            plain.omezarr.to_image(tmp_path / "a.ozx", version=version)
        plain.omezarr.to_image(tmp_path / "a.zarr")
        with pytest.raises(xo.NotInVersionError, match="newer version="):
            xo.convert(tmp_path / "a.zarr", tmp_path / "a.ozx", version=version)
        assert os.listdir(tmp_path) == ["a.zarr"]

    @pytest.mark.parametrize("there", [True, False])
    def test_what_changes_or_adds_to_something(
        self, tmp_path: Path, there: bool
    ) -> None:
        file = tmp_path / "a.ozx"
        if there:
            image().omezarr.to_image(file)
        before = file.read_bytes() if there else None
        meta = xo.read_metadata(file) if there else None
        region = {"x": slice(0, 32)}
        label, part = cells(), image().isel(x=slice(0, 32))
        for verb in (
            lambda: image().omezarr.to_image(file, mode="a"),
            lambda: part.omezarr.to_image(file, region=region, mode="r+"),
            lambda: image().omezarr.to_image(file, append_dim="c"),
            lambda: label.omezarr.to_labels(file, "nuclei"),
            lambda: image().omezarr.to_field(file, "A/1/0"),
            lambda: image().omezarr.to_series(file, "0"),
            lambda: xo.update(file, scale={"x": 0.5}),
            lambda: xo.build_pyramid(file),
            lambda: xo.write_metadata(file, meta),
            lambda: xo.prepare_image(image(), file),
            lambda: xo.prepare_plate({"A/1/0": image()}, file),
        ):
            if meta is None and verb.__code__.co_names[1:2] == ("write_metadata",):
                continue
            with pytest.raises(xo.OptionError, match="one-file store") as refused:
                verb()
            # What is not there cannot be unpacked.
            told = str(refused.value)
            assert ("unpack it to a folder" in told) is there, told
            assert ("here is no file" in told) is not there, told
            assert "convert" in told or "leave mode out" in told
        if there:
            with pytest.raises(xo.OptionError, match="convert"):
                xo.upgrade(file, version=NEW[-1])
        assert (file.read_bytes() if file.exists() else None) == before
        assert os.listdir(tmp_path) == (["a.ozx"] if there else [])

    @pytest.mark.parametrize("writer", ["tensorstore", lambda *a, **k: None])
    def test_other_writers_than_zarr(self, tmp_path: Path, writer: object) -> None:
        pytest.importorskip("tensorstore")
        with pytest.raises(xo.OptionError, match=r"one file.*convert"):
            image().omezarr.to_image(tmp_path / "a.ozx", writer=writer)
        assert os.listdir(tmp_path) == []


def test_what_fails_leaves_nothing_and_what_was_there(tmp_path: Path) -> None:
    file = tmp_path / "a.ozx"
    image().omezarr.to_image(file)
    before = file.read_bytes()

    def broken(block: np.ndarray) -> np.ndarray:
        if block.any():
            raise RuntimeError("a broken disk")
        return block

    lazy = image(40)
    failing = lazy.copy(data=lazy.data.map_blocks(broken, dtype="uint16"))
    with dask.config.set(scheduler="threads"):
        for target, mode in ((file, "w"), (tmp_path / "new.ozx", None)):
            with pytest.raises(RuntimeError, match="broken disk"):
                failing.omezarr.to_image(target, mode=mode, chunks=(1, 32, 32))
    assert file.read_bytes() == before
    assert os.listdir(tmp_path) == ["a.ozx"]


def test_a_delayed_write_begins_when_it_is_computed(tmp_path: Path) -> None:
    later = image(40).omezarr.to_image(tmp_path / "a.ozx", compute=False)
    assert os.listdir(tmp_path) == []
    group = later.compute(scheduler="threads")
    assert dict(group.attrs)
    check_file(tmp_path / "a.ozx")
    np.testing.assert_array_equal(xo.open_image(tmp_path / "a.ozx"), PIXELS)
    with pytest.raises(xo.TargetExistsError, match="there already"):
        later.compute(scheduler="threads")


def test_very_many_entries_are_warned_of(tmp_path: Path) -> None:
    many = xr.DataArray(np.ones((101, 100), "uint8"), dims=("y", "x"))
    options = {"chunks": (1, 1), "scale_factors": None}
    with pytest.warns(xo.OmeZarrWarning, match=r"10,100 entries.*shards='auto'"):
        many.omezarr.to_image(tmp_path / "a.ozx", **options)
    assert len(check_file(tmp_path / "a.ozx")) == 10_102
    with pytest.warns(xo.OmeZarrWarning, match=r"10,100 entries"):
        xo.convert(tmp_path / "a.ozx", tmp_path / "b.ozx")
    xo.convert(tmp_path / "a.ozx", tmp_path / "c.ozx", shards="auto")
    assert len(check_file(tmp_path / "c.ozx")) < 20


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
@pytest.mark.parametrize("kind", ["dask", "lazy"])
def test_a_gibibyte_is_written_in_a_fraction_of_the_memory(
    tmp_path: Path, kind: str
) -> None:
    file = str(tmp_path / "image.ozx")
    assert rise(kind, file, 1, scale_factors=[2, 4, 8]) <= 300


class TestReading:
    def test_threads_read_at_the_same_time(self, tmp_path: Path) -> None:
        image().omezarr.to_image(tmp_path / "a.ozx", chunks=(1, 16, 16))
        lazy = xo.open_image(tmp_path / "a.ozx")
        with ThreadPoolExecutor(8) as pool:
            jobs = [pool.submit(lambda y=y: lazy[:, y].values) for y in range(96)]
            for y, job in enumerate(jobs):
                np.testing.assert_array_equal(job.result(), PIXELS[:, y])

    def test_nobody_needs_to_name_the_engine(self, tmp_path: Path) -> None:
        image().omezarr.to_image(tmp_path / "a.ozx")
        for place in (tmp_path / "a.ozx", str(tmp_path / "a.ozx")):
            with xr.open_datatree(place) as tree:
                np.testing.assert_array_equal(tree["0"]["image"], PIXELS)
            with xr.open_dataset(place) as data:
                np.testing.assert_array_equal(data["image"], PIXELS)

    def test_a_lazy_image_travels(self, tmp_path: Path) -> None:
        image().omezarr.to_image(tmp_path / "a.ozx")
        for chunks in (None, {}):
            lazy = xr.open_dataset(tmp_path / "a.ozx", engine="omezarr", chunks=chunks)
            travelled = pickle.loads(pickle.dumps(lazy))
            name = next(iter(travelled.data_vars))
            np.testing.assert_array_equal(travelled[name], PIXELS)
            travelled.close()
            lazy.close()


class TestPeers:
    @pytest.fixture(params=[None, "auto"])
    def file(self, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
        path = tmp_path / "cells.ozx"
        options = {"chunks": (1, 32, 32), "shards": request.param}
        image().omezarr.to_image(path, scale_factors=[2], **options)
        return path

    def test_zarr_reads_it(self, file: Path) -> None:
        with ZipStore(file, mode="r") as store:
            np.testing.assert_array_equal(zarr.open_array(store, path="0")[:], PIXELS)

    @pytest.mark.filterwarnings("default")
    def test_ngff_zarr_reads_it(self, file: Path) -> None:
        ngff_zarr = pytest.importorskip("ngff_zarr")
        zipped = pytest.importorskip("ngff_zarr.rfc9_zip")
        assert zipped.read_ozx_version(file) == registry.DEFAULT
        assert zipped.read_ozx_json_first(file)
        found = ngff_zarr.from_ngff_zarr(str(file))
        assert len(found.images) == 2
        np.testing.assert_array_equal(np.asarray(found.images[0].data), PIXELS)
        assert found.images[1].scale["x"] == 1.0

    @pytest.mark.filterwarnings("default")
    def test_bioio_reads_it(self, file: Path) -> None:
        bioio = pytest.importorskip("bioio_ome_zarr")
        found = bioio.Reader(str(file))
        assert found.channel_names == ["DAPI", "GFP"]
        assert found.physical_pixel_sizes.X == 0.5
        np.testing.assert_array_equal(found.get_image_data("CYX"), PIXELS)

    def test_tensorstore_reads_it(self, file: Path) -> None:
        tensorstore = pytest.importorskip("tensorstore")
        place = {"driver": "zip", "base": file.as_uri(), "path": "0/"}
        opened = tensorstore.open({"driver": "zarr3", "kvstore": place}).result()
        np.testing.assert_array_equal(opened.read().result(), PIXELS)

    def test_a_file_of_ngff_zarr_is_read_and_rewritten(self, tmp_path: Path) -> None:
        zipped = pytest.importorskip("ngff_zarr.rfc9_zip")
        image().omezarr.to_image(tmp_path / "a.zarr")
        zipped.write_store_to_zip(tmp_path / "a.zarr", tmp_path / "theirs.ozx")
        xo.convert(tmp_path / "theirs.ozx", tmp_path / "ours.ozx")
        check_file(tmp_path / "ours.ozx")
        same_store(tmp_path / "ours.ozx", tmp_path / "a.zarr")


KILLED = """
import sys, time, threading
import dask.array, numpy as np, xarray as xr, xarray_omezarr

def slow(block):
    print("block", flush=True)
    time.sleep(0.2)
    return block + 1

pixels = dask.array.ones((64, 64, 64), chunks=(1, 64, 64), dtype="u2")
image = xr.DataArray(pixels.map_blocks(slow, dtype="u2"), dims=("z", "y", "x"))
image.omezarr.to_image(
    sys.argv[1], mode="w", chunks=(1, 32, 32), memory_limit=100_000
)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="nothing is killed like this")
def test_a_write_that_is_killed_leaves_the_old_file_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.ozx"
    image().omezarr.to_image(file)
    before = file.read_bytes()
    writer = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(file)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
    )
    assert writer.stdout is not None
    deadline = time.monotonic() + 60
    hidden: list[str] = []
    while time.monotonic() < deadline and not hidden:
        assert writer.stdout.readline()
        hidden = [n for n in os.listdir(tmp_path) if n.endswith(".partial")]
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()
    assert file.read_bytes() == before
    assert len(hidden) == 1
    assert not zipfile.is_zipfile(tmp_path / hidden[0])
    np.testing.assert_array_equal(xo.open_image(file), PIXELS)
    (image() + 1).omezarr.to_image(file, mode="w")
    assert os.listdir(tmp_path) == ["a.ozx"]
    np.testing.assert_array_equal(xo.open_image(file), PIXELS + 1)
