"""Sizes that metadata tell are bounded before anything is allocated."""

from __future__ import annotations

import contextlib
import json
import os
import tracemalloc
import warnings

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from tests.integration.handmade import Folder, multiscale
from tests.integration.hostile import READERS, WRITERS, refused_in_words

MIB = 1 << 20


def huge(path, shape, chunks):
    """An image with no pixels but with a shape."""
    names = "tzyx"[-len(shape) :]
    level = {
        "path": "0",
        "coordinateTransformations": [{"type": "scale", "scale": [0.5] * len(shape)}],
    }
    axes = [{"name": n, "type": "time" if n == "t" else "space"} for n in names]
    picture = {"name": "huge", "axes": axes, "datasets": [level]}
    Folder(path).group("", {"multiscales": [picture]})
    small = zarr.create_array(path / "0", shape=[8] * len(shape), dtype="uint16")
    assert small.metadata
    file = path / "0" / "zarr.json"
    document = json.loads(file.read_text())
    document["shape"] = shape
    document["chunk_grid"]["configuration"]["chunk_shape"] = chunks
    document["dimension_names"] = [*names]
    file.write_text(json.dumps(document))
    return path


@contextlib.contextmanager
def at_most(nbytes):
    """Python and numpy allocate no more."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < nbytes
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [[10**5] * 3, [10**6] * 3, [31_622, 31_623, 10**6]])
@pytest.mark.parametrize("chunk", [1024, 10**5])
def test_images_of_very_many_pixels_open_in_no_memory(tmp_path, shape, chunk) -> None:
    path = huge(tmp_path / "h.zarr", shape, [min(chunk, n) for n in shape])
    xo.open_image(path)  # what is imported late is no fault of the image
    with at_most(128 * MIB):
        with contextlib.closing(xr.open_datatree(path, engine="omezarr")) as tree:
            assert repr(tree)
            assert tree._repr_html_()
        image = xo.open_image(path)
        assert image.shape == tuple(shape)
        assert repr(image)
        assert repr(image.omezarr.grid)
        assert float(image.x[-1]) == 0.5 * (shape[-1] - 1)
        assert xo.validate(path).ok
        assert xo.read_metadata(path)
    if chunk == 1024:
        assert image.isel(z=5, y=6, x=slice(7, 9)).values.tolist() == [0, 0]


@pytest.mark.parametrize("size", [2**27 + 1, 10**12, 2**62, 2**63 - 1, 10**400])
def test_an_axis_of_more_coordinates_than_memory_is_refused(tmp_path, size) -> None:
    path = huge(tmp_path / "h.zarr", [4, size], [4, 1024])
    with at_most(64 * MIB):
        for name in ("open_datatree", "open_dataset", "open_image", "open_plate"):
            assert refused_in_words(READERS[name], path) is not None, name
        xo.validate(path)
        for name in ("update", "to_labels", "to_field", "upgrade"):
            refused_in_words(WRITERS[name], path)


def test_coordinates_that_were_kept_are_no_larger_than_memory(tmp_path) -> None:
    folder = Folder(tmp_path / "store.zarr").image()
    file = folder.path / "zarr.json"
    document = json.loads(file.read_text())
    entry = {"dims": ["x"], "dtype": "<f8", "array": "far"}
    document["attributes"]["xarray"] = {"version": 1, "coords": {"far": entry}}
    file.write_text(json.dumps(document))
    zarr.create_array(
        folder.path / "xarray" / "far", shape=10**12, chunks=10**6, dtype="f8"
    )
    with at_most(64 * MIB), pytest.raises(xo.OmeZarrError, match=r"xarray/far.*shape"):
        xo.open_image(folder.path)


@pytest.mark.parametrize("level", [0, 1])
def test_levels_that_lie_about_their_shapes_are_told_or_opened(tmp_path, level) -> None:
    folder = Folder(tmp_path / "store.zarr").image()
    file = folder.path / str(level) / "zarr.json"
    document = json.loads(file.read_text())
    for shape in ([2, 10**4, 6], [0, 0, 0], [2, 16, 12, 5], [], [-1, 2, 2], "x", [1.5]):
        file.write_text(json.dumps({**document, "shape": shape}))
        with at_most(512 * MIB):
            for name in ("open_datatree", "open_dataset", "to_system", "validate"):
                refused_in_words(READERS[name], folder.path)
            for name in ("update", "to_labels", "build_pyramid", "upgrade"):
                refused_in_words(WRITERS[name], folder.path)
            # Sizes that do not fit the scales are a warning, others an error.
            assert xo.validate(folder.path).findings
        folder.image()


def test_very_long_lists_are_read_or_refused(tmp_path) -> None:
    folder = Folder(tmp_path / "store.zarr")
    folder.labelled().group("labels", {"labels": [f"l{n}" for n in range(5_000)]})
    every(folder.path)
    folder.image()
    level = multiscale(folder.ome()[0])["datasets"][1]

    def lengthen(ome):
        picture = multiscale(ome)
        picture["datasets"] += [{**level, "path": f"d{n}"} for n in range(20_000)]

    every(folder.change("", lengthen).path)
    folder.image()

    def widen(ome):
        names = [f"a{n}" for n in range(5_000)]
        multiscale(ome)["axes"] = [{"name": n, "type": "space"} for n in names]

    every(folder.change("", widen).path)
    folder.plate(("A/1",))

    def spread(ome):
        rows, columns = [f"r{n}" for n in range(1000)], [f"{n}" for n in range(100)]
        ome["plate"]["rows"] = [{"name": name} for name in rows]
        ome["plate"]["columns"] = [{"name": name} for name in columns]
        ome["plate"]["wells"] = [
            {"path": f"{row}/{column}", "rowIndex": i, "columnIndex": j}
            for i, row in enumerate(rows)
            for j, column in enumerate(columns)
        ]

    every(folder.change("", spread).path)


def every(path):
    for name in ("open_datatree", "open_dataset", "open_plate", "validate"):
        refused_in_words(READERS[name], path)


DOCUMENTS = {
    "deep lists": b"[" * 100_000,
    "deep lists, closed": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep attributes": b'{"zarr_format":3,"node_type":"group","attributes":{"ome":'
    + b'{"a":' * 900
    + b"1"
    + b"}" * 902,
    "a long number": b'{"zarr_format":3,"node_type":"group","attributes":{"a":'
    + b"9" * 5000
    + b"}}",
    "endless numbers": b'{"zarr_format":3,"node_type":"group","attributes":{"ome":'
    b'{"version":"0.5","multiscales":[{"axes":[1e400,NaN,-Infinity]}]}}}',
    "a long text": b'{"zarr_format":3,"node_type":"group","attributes":{"ome":'
    b'{"version":"' + b"x" * 10_000_000 + b'"}}}',
    "half of a character": b'{"zarr_format":3,"node_type":"group","attributes":{"ome":'
    b'{"version":"\\ud800","\\udfff":1}}}',
    "no text": b"\xff\xfe\x00" * 1000,
    "nothing": b"",
    "zeros": bytes(100_000),
}


@pytest.mark.parametrize("what", DOCUMENTS)
@pytest.mark.parametrize("place", ["", "0", "labels"])
def test_documents_that_are_too_much_are_refused_in_words(tmp_path, what, place):
    folder = Folder(tmp_path / "store.zarr").labelled()
    (folder.path / place / "zarr.json").write_bytes(DOCUMENTS[what])
    before = {f for f in folder.path.rglob("*") if f.is_file()}
    with at_most(512 * MIB):
        for name in ("open_datatree", "open_dataset", "validate"):
            refused_in_words(READERS[name], folder.path)
        for name in ("update", "w", "to_labels", "upgrade"):
            refused_in_words(WRITERS[name], folder.path)
    if not place:
        assert {f for f in folder.path.rglob("*") if f.is_file()} >= before


def test_a_document_of_very_many_bytes_is_not_read(tmp_path) -> None:
    folder = Folder(tmp_path / "store.zarr").labelled()
    with (folder.path / "labels" / "zarr.json").open("wb") as file:
        file.truncate(10 << 30)
    with at_most(64 * MIB):
        with pytest.raises(xo.OmeZarrError, match="10737418240 bytes"):
            xr.open_datatree(folder.path, engine="omezarr")
        assert "10737418240 bytes" in str(xo.validate(folder.path))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes")
@pytest.mark.parametrize("place", ["", "0", "labels", "labels/cells/0"])
def test_pipes_and_devices_are_no_documents(tmp_path, place) -> None:
    for make in (os.mkfifo, lambda path: os.symlink("/dev/zero", path)):
        folder = Folder(tmp_path / f"{make.__name__}.zarr").labelled()
        file = folder.path / place / "zarr.json"
        file.unlink()
        make(file)
        with at_most(64 * MIB):
            for name in ("open_datatree", "open_dataset", "open_plate", "validate"):
                with contextlib.suppress(OSError):
                    refused_in_words(READERS[name], folder.path)
            for name in ("update", "to_labels", "upgrade", "w"):
                with contextlib.suppress(OSError):
                    refused_in_words(WRITERS[name], folder.path)


def test_folders_that_hold_themselves_and_very_many_files_end(tmp_path) -> None:
    folder = Folder(tmp_path / "store.zarr").labelled()
    os.symlink("..", folder.path / "labels" / "round", target_is_directory=True)
    os.symlink("here", folder.path / "here")
    folder.group("labels", {"labels": ["cells", "round", "round/labels/round", "here"]})
    for number in range(20_000):
        (folder.path / f"file{number}").touch()
    for verb in (*READERS.values(), *WRITERS.values()):
        # Some systems say themselves what links that go round are.
        with contextlib.suppress(OSError):
            refused_in_words(verb, folder.path)
    assert len([*folder.path.iterdir()]) > 20_000


def test_what_is_left_over_is_not_removed_with_files_of_somebody(tmp_path) -> None:
    folder = Folder(tmp_path / "store.zarr").plate(("A/1",))
    document = json.loads((folder.path / "zarr.json").read_text())
    document["attributes"] = {"xarray_omezarr_unfinished": True}
    (folder.path / "zarr.json").write_text(json.dumps(document))
    picture = xr.DataArray(np.ones((4, 4), "uint8"), dims=("y", "x"))
    for place in ("note.txt", "A/note.txt", "A/1/0/note.txt", "mine/deep/note.txt"):
        note = folder.path / place
        note.parent.mkdir(parents=True, exist_ok=True)
        note.write_text("mine")
        for mode in (None, "w", "a"):
            with pytest.raises(FileExistsError, match=place):
                picture.omezarr.to_image(folder.path, mode=mode)
        assert note.read_text() == "mine"
        note.unlink()
    os.symlink(tmp_path, folder.path / "A" / "link")
    with pytest.raises(FileExistsError, match="A/link"):
        picture.omezarr.to_image(folder.path)
    (folder.path / "A" / "link").unlink()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture.omezarr.to_image(folder.path)
    assert xo.open_image(folder.path).identical(xo.open_image(folder.path))
    assert not (folder.path / "A").exists()
