"""Writes that were interrupted are gone on with, and end as if nothing had happened."""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
import urllib.request
from pathlib import Path
from threading import Lock

import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr
from xarray.backends.common import BackendArray
from xarray.core import indexing

import xarray_omezarr as xo

DOCUMENTS = {"zarr.json", ".zattrs", ".zgroup", ".zarray"}
WAYS = ["numpy", "dask", "lazy"]


class Stopped(Exception):
    """The power fails."""


class Reads:
    """Where an image was read, in order."""

    def __init__(self):
        self.origins = []
        self._lock = Lock()

    def note(self, origin) -> None:
        with self._lock:
            self.origins.append(tuple(origin))


class Lazy(BackendArray):
    """Pixels that xarray reads when they are asked for."""

    def __init__(self, pixels, reads):
        self.shape, self.dtype = pixels.shape, pixels.dtype
        self._pixels, self._reads = pixels, reads

    def __getitem__(self, key):
        kind = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, kind, self._get)

    def _get(self, key):
        self._reads.note(part.start or 0 for part in key)
        return self._pixels[key]


def source(pixels, way, reads, chunks):
    if way == "numpy":
        return pixels
    if way == "lazy":
        return indexing.LazilyIndexedArray(Lazy(pixels, reads))

    def note(block, block_info=None):
        reads.note(start for start, _ in block_info[0]["array-location"])
        return block

    array = dask.array.from_array(pixels, chunks=chunks)
    meta = np.empty((0,) * pixels.ndim, pixels.dtype)
    return array.map_blocks(note, dtype=pixels.dtype, meta=meta)


def image(way="numpy", reads=None, seed=0, shape=(2, 4, 96, 96)):
    pixels = np.random.default_rng(seed).integers(1, 60000, shape).astype("uint16")
    # Chunks of nothing but zeros are not stored.
    pixels[0, :, :32, :32] = 0
    array = source(pixels, way, reads or Reads(), (1, 2, 32, 32))
    x = ("x", 0.5 * np.arange(shape[-1]), {"units": "um"})
    variable = xr.Variable(("c", "z", "y", "x"), array)
    return xr.DataArray(variable, {"c": ["DAPI", "GFP"], "x": x}, name="cells")


def labels(way, reads):
    pixels = np.random.default_rng(9).integers(0, 4, (4, 96, 96)).astype("uint8")
    array = source(pixels, way, reads, (2, 32, 32))
    return xr.DataArray(xr.Variable(("z", "y", "x"), array))


class Case:
    """One kind of write, of the same pixels each time."""

    def __init__(self, kind, way, **options):
        self.kind, self.way = kind, way
        self.reads = Reads()
        sizes = {"scale_factors": [2, 4], "chunks": {"z": 1, "y": 16, "x": 16}}
        self.options = {**sizes, "memory_limit": 2**18, **options}

    def write(self, store, **options):
        chosen = {"resume": True, **self.options, **options}
        one = image(self.way, self.reads)
        if self.kind == "labels":
            given = {"cells": labels(self.way, self.reads)}
            return xo.write_image(one, store, labels=given, **chosen)
        if self.kind == "image":
            return xo.write_image(one, store, **chosen)
        many = {
            path: image(self.way, self.reads, seed, (2, 2, 64, 64))
            for seed, path in enumerate(["A/1/0", "A/1/1", "B/2/0"])
        }
        if self.kind == "plate":
            return xo.write_plate(many, store, **chosen)
        series = {str(index): one for index, one in enumerate(many.values())}
        return xo.write_bioformats2raw(series, store, **chosen)


def stopping(share):
    """A function for `progress` that stops a write at a share of its bytes."""

    def told(done, total) -> None:
        if done >= share * total:
            raise Stopped

    return told


def interrupt(case, store, share, **options) -> None:
    with pytest.raises(Stopped):
        case.write(store, progress=stopping(share), **options)


def tree(folder) -> dict[str, bytes]:
    files = [path for path in Path(folder).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def objects(folder) -> dict[str, tuple[int, int]]:
    """What tells a file from one that was put in its place."""
    found = {}
    for path in Path(folder).rglob("*"):
        is_object = path.is_file() and path.name not in DOCUMENTS
        is_half = path.suffix in (".partial", ".xml") or path.name.startswith(".xarray")
        if is_object and not is_half:
            about = path.stat()
            found[path.relative_to(folder).as_posix()] = about.st_ino, about.st_mtime_ns
    return found


def check_went_on(case, folder, whole, **options) -> None:
    """What was there stays untouched, and all is as in an undisturbed write."""
    before = objects(folder)
    case.write(folder, **options)
    after = objects(folder)
    assert {path: after[path] for path in before} == before
    assert tree(folder) == whole


CASES = {
    "image": Case("image", "numpy"),
    "image-in-shards": Case("image", "numpy", shards={"z": 2, "y": 32, "x": 32}),
    "image-of-0.4": Case("image", "numpy", version="0.4"),
    "image-by-median": Case("image", "numpy", method="median"),
    "image-with-labels": Case("labels", "numpy"),
    "plate": Case("plate", "numpy"),
    "plate-of-0.4": Case("plate", "numpy", version="0.4"),
    "collection": Case("collection", "numpy"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", CASES)
def test_it_ends_as_if_nothing_had_happened(tmp_path, name, way) -> None:
    case = Case(CASES[name].kind, way, **CASES[name].options)
    whole = tmp_path / "whole" / "x.zarr"
    case.write(whole)
    told = tree(whole)
    for share in (0.0, 0.3, 0.7):
        folder = tmp_path / str(share) / "x.zarr"
        interrupt(case, folder, share)
        assert not _opens(folder)
        check_went_on(case, folder, told)


def _opens(folder) -> bool:
    try:
        xo.open_image(folder)
    except xo.OmeZarrError:
        return False
    return True


@pytest.mark.parametrize("way", WAYS)
def test_it_may_be_interrupted_again_and_again(tmp_path, way) -> None:
    case = Case("labels", way)
    case.write(tmp_path / "whole" / "x.zarr")
    folder = tmp_path / "x.zarr"
    counts = []
    for share in (0.1, 0.3, 0.5, 0.8):
        interrupt(case, folder, share)
        counts.append(len(objects(folder)))
    assert counts == sorted(counts)
    check_went_on(case, folder, tree(tmp_path / "whole" / "x.zarr"))


@pytest.mark.parametrize("way", ["dask", "lazy"])
def test_what_is_stored_is_not_read_from_the_source(tmp_path, way) -> None:
    case = Case("image", way)
    folder = tmp_path / "x.zarr"
    case.write(folder)
    reads = len(case.reads.origins)
    _unfinish(case, folder)
    # One object of level 0 is missing, and the block that it is in is read again.
    (folder / "0/c/1/3/5/5").unlink()
    case.reads.origins.clear()
    case.write(folder)
    read = {*case.reads.origins}
    empty = {(0, z, 0, 0) for z in range(4)}
    assert (1, 2, 64, 64) in read or (1, 3, 64, 64) in read or way == "lazy"
    # Chunks that are not stored, for they are empty, are looked at again.
    assert 0 < len(case.reads.origins) < reads
    assert not {o for o in read if o[0] == 0 and o[2] >= 64} - empty


def _unfinish(case, folder) -> None:
    """Make a finished write look as if only its metadata were missing."""
    interrupted = folder.parent / "begun" / folder.name
    interrupt(case, interrupted, 0.0)
    (folder / "zarr.json").write_bytes((interrupted / "zarr.json").read_bytes())


def test_nothing_is_read_where_only_the_metadata_are_missing(tmp_path) -> None:
    for way in ("dask", "lazy"):
        folder = tmp_path / way / "x.zarr"
        case = Case("image", way, write_empty_chunks=True)
        case.write(folder)
        whole = tree(folder)
        _unfinish(case, folder)
        case.reads.origins.clear()
        check_went_on(case, folder, whole)
        assert case.reads.origins == []


@pytest.mark.parametrize("way", WAYS)
def test_it_may_hold_more_or_less_than_before(tmp_path, way) -> None:
    case = Case("labels", way)
    case.write(tmp_path / "whole" / "x.zarr")
    whole = tree(tmp_path / "whole" / "x.zarr")
    for first, second in ((2**16, 2**22), (2**22, 2**16)):
        folder = tmp_path / str(first) / "x.zarr"
        interrupt(case, folder, 0.4, memory_limit=first)
        check_went_on(case, folder, whole, memory_limit=second)


def test_one_kind_of_source_goes_on_from_another(tmp_path) -> None:
    Case("labels", "numpy").write(tmp_path / "whole" / "x.zarr")
    folder = tmp_path / "x.zarr"
    for way, share in (("dask", 0.2), ("lazy", 0.5), ("numpy", 0.7)):
        interrupt(Case("labels", way), folder, share)
    whole = tree(tmp_path / "whole" / "x.zarr")
    check_went_on(Case("labels", "dask"), folder, whole)


@pytest.mark.parametrize("way", WAYS)
def test_a_delayed_goes_on_too(tmp_path, way) -> None:
    case = Case("labels", way)
    case.write(tmp_path / "whole" / "x.zarr")
    folder = tmp_path / "x.zarr"
    interrupt(case, folder, 0.5)
    before = objects(folder)
    later = case.write(folder, compute=False)
    assert objects(folder) == before
    later.compute()
    assert tree(folder) == tree(tmp_path / "whole" / "x.zarr")
    after = objects(folder)
    assert {path: after[path] for path in before} == before


def test_a_delayed_that_misses_what_was_there_says_so(tmp_path) -> None:
    case = Case("image", "dask")
    folder = tmp_path / "x.zarr"
    interrupt(case, folder, 0.6)
    later = case.write(folder, compute=False)
    for path in [*folder.glob("0/c/*/*/*/*")]:
        path.unlink()
    with pytest.raises(xo.TargetExistsError, match="plan it again"):
        later.compute()
    assert case.write(folder)["0"].shape == (2, 4, 96, 96)


@pytest.mark.parametrize("way", WAYS)
def test_progress_begins_with_what_is_stored_and_ends_with_all(tmp_path, way) -> None:
    case = Case("plate", way)
    interrupt(case, tmp_path / "x.zarr", 0.6)
    seen = []
    case.write(tmp_path / "x.zarr", progress=lambda *told: seen.append(told))
    done = [done for done, _ in seen]
    assert done == sorted(done)
    (total,) = {total for _, total in seen}
    assert done[0] == 0
    assert done[-1] == total


class TestRefused:
    """What is there was to be something else, or cannot be gone on with."""

    @pytest.fixture
    def folder(self, tmp_path):
        folder = tmp_path / "x.zarr"
        interrupt(Case("image", "numpy"), folder, 0.5)
        return folder

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"chunks": {"z": 1, "y": 32, "x": 32}}, "chunk_grid of '0'"),
            ({"compression": "gzip"}, "codecs of '0'"),
            ({"fill_value": 1}, "fill_value of '0' is 0 there and 1 here"),
            ({"scale_factors": [2]}, "factors"),
            ({"scale_factors": [2, 6]}, "shape of '2'"),
            ({"method": "median"}, "method"),
            ({"method": "max"}, "method"),
            ({"write_empty_chunks": True}, "write_empty_chunks"),
            ({"channels": ["DAPI", "RFP"]}, 'channels are .* and .*"RFP". here'),
            ({"attrs": {"made by": "us"}}, "attributes"),
            ({"name": "other"}, 'name is .* there and "other" here'),
            ({"version": "0.4"}, 'version is "0.5" there and "0.4" here'),
            ({"shards": {"z": 1, "y": 32, "x": 32}}, "chunk_grid of '0'"),
        ],
    )
    def test_another_plan(self, folder, options, said) -> None:
        before = tree(folder)
        with pytest.raises(xo.TargetExistsError, match=said):
            Case("image", "numpy", **options).write(folder)
        assert tree(folder) == before

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda da: da.astype("float32"), "data_type of '0' is \"uint16\" there"),
            (lambda da: da[..., :-1], "shape of '0'"),
            (lambda da: da.assign_coords(x=da.x * 3), "coordinates (are|differ)"),
            (lambda da: da.assign_coords(c=["DAPI", "RFP"]), "channels"),
        ],
    )
    def test_another_object(self, folder, change, said) -> None:
        before = tree(folder)
        with pytest.raises(xo.TargetExistsError, match=said):
            xo.write_image(
                change(image()), folder, resume=True, **Case("image", "").options
            )
        assert tree(folder) == before

    def test_arrays_that_somebody_has_changed(self, folder) -> None:
        told = json.loads((folder / "0/zarr.json").read_text())
        told["fill_value"] = 7
        (folder / "0/zarr.json").write_text(json.dumps(told))
        with pytest.raises(xo.TargetExistsError, match="fill_value of '0' is 7 there"):
            Case("image", "numpy").write(folder)

    def test_what_does_not_tell_its_plan(self, folder) -> None:
        told = json.loads((folder / "zarr.json").read_text())
        told["attributes"] = dict.fromkeys(told["attributes"], True)
        (folder / "zarr.json").write_text(json.dumps(told))
        with pytest.raises(xo.TargetExistsError, match="does not tell"):
            Case("image", "numpy").write(folder)

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"mode": "w"}, "mode is 'w'"),
            ({"mode": "w-"}, "mode is 'w-'"),
            ({"region": {"z": 0}}, "resume cannot be chosen with region"),
            ({"append_dim": "z"}, "resume cannot be chosen with append_dim"),
            ({"writer": lambda *a, **k: None}, "leave writer out"),
            ({"method": print, "scale_factors": [2]}, "cannot recognise"),
            ({"resume": "yes"}, "give True or False"),
        ],
    )
    def test_options_that_do_not_go_with_it(self, tmp_path, options, said) -> None:
        chosen = {"resume": True, **options}
        with pytest.raises(xo.OptionError, match=said):
            xo.write_image(image(), tmp_path / "new.zarr", **chosen)
        assert not (tmp_path / "new.zarr").exists()

    def test_one_file_and_what_has_no_pixels(self, tmp_path) -> None:
        with pytest.raises(xo.OptionError, match="is one file"):
            xo.write_image(image(), tmp_path / "x.ozx", resume=True)
        template = xo.template("yx", (8, 8), "uint8")
        with pytest.raises(xo.OptionError, match="no pixels to go on with"):
            xo.prepare_image(template, tmp_path / "y.zarr", resume=True)
        assert not [*tmp_path.iterdir()]


def test_without_resume_it_begins_anew(tmp_path) -> None:
    folder = tmp_path / "x.zarr"
    interrupt(Case("image", "numpy"), folder, 0.5)
    Case("image", "numpy", method="max").write(folder, resume=False)
    told = zarr.open_group(folder).attrs["ome"]["multiscales"][0]
    assert told["type"] != "mean"


class TestFinished:
    def test_the_same_is_not_touched(self, tmp_path) -> None:
        for case in (Case("labels", "dask"), Case("plate", "numpy", version="0.4")):
            folder = tmp_path / case.kind / "x.zarr"
            group = case.write(folder)
            stats = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
            case.reads.origins.clear()
            again = case.write(folder)
            assert dict(again.attrs) == dict(group.attrs)
            assert dict(case.write(folder, compute=False).compute().attrs)
            now = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
            assert now == stats
            assert case.reads.origins == []

    def test_the_claim_of_a_writer_that_died_right_then_is_removed(
        self, tmp_path
    ) -> None:
        folder = tmp_path / "x.zarr"
        case = Case("image", "numpy")
        case.write(folder)
        whole = tree(folder)
        claim = {"token": "gone", "writer": "host:1", "since": "long ago"}
        (folder / ".xarray_omezarr.lock.write").write_text(json.dumps(claim))
        case.write(folder)
        assert tree(folder) == whole

    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ({"name": "other"}, "metadata of '/' differ"),
            ({"chunks": {"z": 1, "y": 32, "x": 32}}, "chunk_grid of '0'"),
            ({"scale_factors": [2, 4, 8]}, "there is no"),
        ],
    )
    def test_another_is_refused(self, tmp_path, options, said) -> None:
        folder = tmp_path / "x.zarr"
        Case("image", "numpy").write(folder)
        before = tree(folder)
        with pytest.raises(xo.TargetExistsError, match=said):
            Case("image", "numpy", **options).write(folder)
        assert tree(folder) == before

    def test_windows_that_were_given_must_be_the_same(self, tmp_path) -> None:
        folder = tmp_path / "x.zarr"
        window = {"label": "DAPI", "window": {"start": 5, "end": 900}}
        case = Case("image", "numpy", channels=[window, "GFP"])
        case.write(folder)
        before = tree(folder)
        case.write(folder)
        assert tree(folder) == before
        window["window"] = {"start": 5, "end": 901}
        with pytest.raises(xo.TargetExistsError, match="metadata of '/' differ"):
            case.write(folder)


class TestParts:
    """Labels, fields and series are listed when they are complete, and not before."""

    def test_labels(self, tmp_path) -> None:
        folder = tmp_path / "x.zarr"
        xo.write_image(image(), folder, scale_factors=[2], chunks=16)
        reads = Reads()

        def write(**options):
            return xo.write_labels(
                labels("dask", reads), folder, "nuclei", resume=True, **options
            )

        with pytest.raises(Stopped):
            write(progress=stopping(0.5))
        assert "labels" not in zarr.open_group(folder) or not [
            *zarr.open_group(folder)["labels"].attrs
        ]
        write()
        whole = tree(folder)
        assert zarr.open_group(folder)["labels"].attrs["ome"]["labels"] == ["nuclei"]
        # The last thing that is missing may be that the image lists it.
        group = '{"zarr_format": 3, "node_type": "group"}'
        (folder / "labels/zarr.json").write_text(group)
        write()
        assert {**tree(folder), "labels/zarr.json": b""} == {
            **whole,
            "labels/zarr.json": b"",
        }
        assert zarr.open_group(folder)["labels"].attrs["ome"]["labels"] == ["nuclei"]

    @pytest.mark.parametrize("verb", [xo.write_field, xo.write_series])
    def test_fields_and_series(self, tmp_path, verb) -> None:
        paths = ["A/1/0", "A/1/1"] if verb is xo.write_field else ["0", "1"]
        for folder in (tmp_path / "whole" / "x.zarr", tmp_path / "x.zarr"):
            verb(image(), folder, paths[0], scale_factors=[2], chunks=16)
        options = {"scale_factors": [2], "chunks": 16, "resume": True}
        second = image("dask", None, 5)
        verb(second, tmp_path / "whole" / "x.zarr", paths[1], **options)
        folder = tmp_path / "x.zarr"
        with pytest.raises(Stopped):
            verb(second, folder, paths[1], progress=stopping(0.5), **options)
        before = objects(folder)
        verb(second, folder, paths[1], **options)
        after = objects(folder)
        assert {path: after[path] for path in before} == before
        assert tree(folder) == tree(tmp_path / "whole" / "x.zarr")
        verb(second, folder, paths[1], **options)
        assert tree(folder) == tree(tmp_path / "whole" / "x.zarr")


def test_files_without_bytes_and_half_made_ones_are_not_counted(tmp_path) -> None:
    case = Case("image", "numpy")
    case.write(tmp_path / "whole" / "x.zarr")
    folder = tmp_path / "x.zarr"
    interrupt(case, folder, 0.9)
    (folder / "0/c/1/1/2/2").write_bytes(b"")
    # Where nothing is to be stored, nobody would replace it.
    (folder / "0/c/0/1/0").mkdir(parents=True, exist_ok=True)
    (folder / "0/c/0/1/0/0").write_bytes(b"")
    (folder / "0/c/1/1/2/3.0123456789abcdef0123456789abcdef.partial").write_bytes(b"x")
    (folder / "1/zarr.0123456789abcdef0123456789abcdef.partial").write_bytes(b"{")
    case.write(folder)
    assert tree(folder) == tree(tmp_path / "whole" / "x.zarr")


def test_a_store_in_memory_goes_on(tmp_path) -> None:
    case = Case("labels", "dask")
    case.write(tmp_path / "x.zarr")
    for store in (zarr.storage.MemoryStore(), _fsspec_memory(), _obstore_memory()):
        interrupt(case, store, 0.5, group="x.zarr")
        case.reads.origins.clear()
        case.write(store, group="x.zarr")
        assert 0 < len(case.reads.origins)
        assert _keys(store) == tree(tmp_path / "x.zarr")


def _fsspec_memory():
    return zarr.storage.FsspecStore.from_url(f"memory://{time.monotonic_ns()}")


def _obstore_memory():
    return zarr.storage.ObjectStore(
        importlib.import_module("obstore.store").MemoryStore()
    )


def _keys(store) -> dict[str, bytes]:
    from zarr.core.buffer import default_buffer_prototype
    from zarr.core.sync import sync

    async def everything():
        keys = [key async for key in store.list_prefix("x.zarr/")]
        got = [await store.get(key, default_buffer_prototype()) for key in keys]
        return {
            key.removeprefix("x.zarr/"): one.to_bytes()
            for key, one in zip(keys, got, strict=True)
        }

    return sync(everything())


@pytest.fixture(scope="module")
def bucket():
    """Options of a client for a bucket of an S3 server on loopback."""
    moto = importlib.import_module("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    request = urllib.request.Request(f"{url}/bucket", method="PUT")
    urllib.request.urlopen(request).close()
    yield {"endpoint_url": url, "key": "testing", "secret": "testing"}
    server.stop()


# Clients and servers of others warn of each other's old habits.
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("way", ["numpy", "dask"])
def test_an_object_store_goes_on(bucket, tmp_path, way) -> None:
    case = Case("labels", way)
    case.write(tmp_path / "x.zarr")
    root = f"s3://bucket/{way}"
    where = {"storage_options": bucket}
    interrupt(case, f"{root}/x.zarr", 0.5, **where)
    case.write(f"{root}/x.zarr", **where)
    store = zarr.storage.FsspecStore.from_url(root, storage_options=bucket)
    assert _keys(store) == tree(tmp_path / "x.zarr")


# Clusters warn of what machines do.
@pytest.mark.filterwarnings("default")
def test_a_cluster_goes_on(tmp_path) -> None:
    from distributed import Client, LocalCluster

    case = Case("labels", "numpy")
    case.write(tmp_path / "whole" / "x.zarr")
    pixels, marks = image().values, tmp_path / "marks"
    folder = tmp_path / "x.zarr"
    marks.mkdir()

    def unreliable(block, block_info=None):
        origin = [start for start, _ in block_info[0]["array-location"]]
        if origin == [1, 2, 64, 64] and not (marks / "mended").exists():
            # Not before something is stored, however the tasks are ordered.
            while not [*folder.glob("0/c/*/*/*/*")]:
                time.sleep(0.01)
            raise OSError("of the microscope")
        (marks / "-".join(map(str, origin))).touch()
        return block

    array = dask.array.from_array(pixels, chunks=(1, 2, 32, 32))
    array = array.map_blocks(unreliable, dtype="uint16", meta=np.empty((0,) * 4, "u2"))
    one = image().copy(data=array)
    given = {"cells": labels("numpy", Reads()).chunk(y=32)}

    def write() -> None:
        options = {**case.options, "memory_limit": 2**17}
        xo.write_image(one, folder, labels=given, resume=True, **options)

    cluster = LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    )
    with cluster, Client(cluster):
        with pytest.raises(OSError, match="of the microscope"):
            write()
        before = objects(folder)
        assert before
        for mark in marks.iterdir():
            mark.unlink()
        (marks / "mended").touch()
        write()
    after = objects(folder)
    # Tasks that were under way when the other failed may have gone on for a moment.
    assert before.keys() <= after.keys()
    assert sum(after[path] == told for path, told in before.items()) > 0
    assert tree(folder) == tree(tmp_path / "whole" / "x.zarr")


KILLED = """
    import sys
    from tests.integration.test_resuming import Case
    print("ready", flush=True)
    kind, way, folder, resume = sys.argv[1:]
    Case(kind, way).write(folder, resume=bool(resume))
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="nothing kills like it")
@pytest.mark.parametrize(("kind", "way"), [("labels", "numpy"), ("plate", "dask")])
def test_processes_that_are_killed_leave_what_others_go_on_with(
    tmp_path, kind, way
) -> None:
    case = Case(kind, way)
    case.write(tmp_path / "whole" / "x.zarr")
    whole = tree(tmp_path / "whole" / "x.zarr")
    folder = tmp_path / "x.zarr"
    program = [sys.executable, "-c", textwrap.dedent(KILLED), kind, way, str(folder)]
    # Whoever begins need not know that it will be gone on with.
    for resume, wanted in (("", len(whole) // 4), ("yes", len(whole) // 2)):
        with subprocess.Popen([*program, resume], stdout=subprocess.PIPE) as run:
            run.stdout.readline()
            # However quick the machine is: it is killed in the middle or at the end.
            while run.poll() is None and len(objects_now(folder)) < wanted:
                time.sleep(0.001)
            run.kill()
    check_went_on(case, folder, whole)


def objects_now(folder) -> list[str]:
    """Names of files while somebody makes and renames them."""
    return [name for _, _, names in os.walk(folder) for name in names]
