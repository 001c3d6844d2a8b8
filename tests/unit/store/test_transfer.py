"""Stored objects go from one store to another as they are."""

from __future__ import annotations

import json

import numpy as np
import pytest
import zarr
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore, MemoryStore

from tests.integration.plates import image, label, pixels, plate
from xarray_omezarr import convert
from xarray_omezarr.errors import MetadataError, OmeZarrWarning
from xarray_omezarr.store.origins import overlap
from xarray_omezarr.store.progress import Progress, Report
from xarray_omezarr.store.selection import Selection
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.transfer import Transfer, files_below
from xarray_omezarr.store.transfer_arrays import (
    ArrayDocument,
    Keys,
    plan_copy,
    similar_codecs,
)
from xarray_omezarr.store.transfer_source import read_source
from xarray_omezarr.store.translated import Untranslatable

ZARRAY = {
    "zarr_format": 2,
    "shape": [5, 7],
    "chunks": [2, 4],
    "dtype": "<u2",
    "compressor": {"id": "zstd", "level": 3},
    "fill_value": 0,
    "order": "C",
    "filters": None,
    "dimension_separator": ".",
}
WHOLE = Selection("all")


def document(array: zarr.Array) -> ArrayDocument:
    files = array.metadata.to_buffer_dict(default_buffer_prototype())
    found = {name: json.loads(file.to_bytes()) for name, file in files.items()}
    if array.metadata.zarr_format == 2:
        return ArrayDocument(found[".zarray"], found[".zattrs"])
    attrs = found["zarr.json"].pop("attributes")
    return ArrayDocument(found["zarr.json"], attrs)


class Blind(MemoryStore):
    """A store that cannot list, as a plain web server."""

    def list_dir(self, prefix):
        raise NotImplementedError

    def list_prefix(self, prefix):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("keys", "index", "key"),
    [
        (Keys(".", prefix=False), (0, 12), "0.12"),
        (Keys("/", prefix=False), (0, 12), "0/12"),
        (Keys("/", prefix=True), (0, 12), "c/0/12"),
        (Keys(".", prefix=True), (0, 12), "c.0.12"),
        (Keys(".", prefix=False), (), "0"),
        (Keys("/", prefix=True), (), "c"),
    ],
)
def test_keys_are_spelled_and_read_as_the_format_says(keys, index, key):
    assert keys.spell(index) == key
    assert keys.parse(key, len(index)) == index


@pytest.mark.parametrize("key", ["0", "0.1.2", "0/1", "c/0/1", "00.1", "-1.0", "a.b"])
def test_what_is_no_key_of_a_chunk_is_none(key):
    assert Keys(".", prefix=False).parse(key, 2) is None


def test_chunks_of_v2_get_the_usual_keys_of_v3():
    copied = plan_copy(ArrayDocument(ZARRAY, {"mine": 1}), 3, "/", ("y", "x"))
    assert copied.renamed("2.1") == ("c/2/1", 1 * 3 * 2)
    assert copied.renamed("0.0") == ("c/0/0", 2 * 4 * 2)
    assert copied.renamed("notes.txt") == ("notes.txt", 0)
    assert copied.documents["zarr.json"]["dimension_names"] == ["y", "x"]
    assert copied.documents["zarr.json"]["attributes"] == {"mine": 1}


def test_further_axes_stand_in_the_document_and_in_the_keys():
    dims = ("t", "c", "z", "y", "x")
    copied = plan_copy(ArrayDocument(ZARRAY, {}), 2, ".", dims, (0, 1, 2))
    assert copied.documents[".zarray"]["shape"] == [1, 1, 1, 5, 7]
    assert copied.documents[".zarray"]["chunks"] == [1, 1, 1, 2, 4]
    assert copied.documents[".zattrs"] == {"_ARRAY_DIMENSIONS": list(dims)}
    assert copied.renamed("2.1")[0] == "0.0.0.2.1"


def test_an_array_of_others_keeps_its_documents_to_the_letter():
    copied = plan_copy(
        ArrayDocument(ZARRAY, {"_ARRAY_DIMENSIONS": ["a", "b"]}), 2, "/", None
    )
    assert copied.documents == {
        ".zarray": ZARRAY,
        ".zattrs": {"_ARRAY_DIMENSIONS": ["a", "b"]},
    }
    assert copied.renamed("1.1")[0] == "1.1"


def test_stale_names_of_dims_are_not_taken_along():
    attrs = {"_ARRAY_DIMENSIONS": ["a", "b"], "more": 2}
    copied = plan_copy(ArrayDocument(ZARRAY, attrs), 3, "/", ("y", "x"))
    assert copied.documents["zarr.json"]["attributes"] == {"more": 2}


def test_shards_cannot_be_chunks_of_v2():
    array = zarr.create_array(
        {}, shape=(8, 8), chunks=(2, 2), shards=(4, 4), dtype="u1"
    )
    with pytest.raises(Untranslatable):
        plan_copy(document(array), 2, "/", ("y", "x"))


def test_chunks_of_shards_are_compressed_as_they_were():
    zstd = zarr.codecs.ZstdCodec(level=7)
    array = zarr.create_array(
        {}, shape=(8, 8), chunks=(2, 2), shards=(4, 4), dtype="u1", compressors=zstd
    )
    (codec,) = similar_codecs(document(array), 2)
    assert codec.get_config() == {"id": "zstd", "level": 7, "checksum": False} or (
        codec.get_config() == {"id": "zstd", "level": 7}
    )


def test_codecs_of_v2_have_likes_in_v3():
    (codec,) = similar_codecs(ArrayDocument(ZARRAY, {}), 3)
    assert codec == zarr.codecs.ZstdCodec(level=3)
    odd = {**ZARRAY, "compressor": {"id": "lzma"}}
    assert similar_codecs(ArrayDocument(odd, {}), 3) is None


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_texts_keep_their_bytes_in_the_other_format(zarr_format):
    store, other = MemoryStore(), MemoryStore()
    words = np.array(["Zelle", "", "µm", "a" * 300], dtype=object)
    array = zarr.create_array(
        store, name="a", shape=(4,), chunks=(3,), dtype=str, zarr_format=zarr_format
    )
    array[:] = words
    copied = plan_copy(
        document(zarr.open_array(store, path="a")), 5 - zarr_format, "/", None
    )
    root = zarr.create_group(other, zarr_format=5 - zarr_format)
    Transfer(open_target(store), {"a": copied})(root, Report())
    assert zarr.open_array(other, path="a")[:].tolist() == words.tolist()


def stores(tmp_path, kind):
    if kind == "folder":
        return LocalStore(tmp_path / "old"), LocalStore(tmp_path / "new")
    if kind == "up":
        return LocalStore(tmp_path / "old"), MemoryStore()
    return MemoryStore(), MemoryStore()


@pytest.mark.parametrize("kind", ["folder", "up", "memory"])
def test_chunks_that_are_missing_stay_missing(tmp_path, kind):
    old, new = stores(tmp_path, kind)
    array = zarr.create_array(
        old, name="0", shape=(6, 6), chunks=(2, 2), dtype="u2", zarr_format=2
    )
    array[2:4, 2:4] = 7
    sync(old.set("0/notes.txt", default_buffer_prototype().buffer.from_bytes(b"hi")))
    copied = plan_copy(document(array), 3, "/", ("y", "x"))
    root = zarr.create_group(new)
    Transfer(open_target(old), {"0": copied})(root, Report())

    async def keys():
        return sorted([key async for key in new.list_prefix("")])

    assert sync(keys()) == ["0/c/1/1", "0/notes.txt", "0/zarr.json", "zarr.json"]
    assert zarr.open_array(new, path="0")[:].sum() == 4 * 7


def test_bytes_of_pixels_are_told_to_whoever_waits(tmp_path):
    array = zarr.create_array(
        tmp_path / "old", name="0", data=np.ones((5, 7), "u2"), chunks=(2, 4)
    )
    seen = []
    copied = plan_copy(document(array), 3, "/", ("y", "x"))
    transfer = Transfer(open_target(tmp_path / "old"), {"0": copied})
    progress = Progress(lambda done, total: seen.append((done, total)), transfer.nbytes)
    report = progress.report()
    report.begin()
    transfer(zarr.create_group(tmp_path / "new"), report)
    assert seen[0] == (0, 70)
    assert seen[-1] == (70, 70)
    assert len(seen) == 1 + 6


def test_a_thousand_and_more_objects_are_listed_page_by_page():
    old, new = MemoryStore(), MemoryStore()
    for name in ("0", "1"):
        zarr.create_array(
            old, name=name, data=np.arange(1, 1302, dtype="u2"), chunks=(1,)
        )
    arrays = {
        name: plan_copy(document(zarr.open_array(old, path=name)), 3, "/", ("x",))
        for name in ("0", "1")
    }
    Transfer(open_target(old), arrays)(zarr.create_group(new), Report())
    for name in ("0", "1"):
        assert (zarr.open_array(new, path=name)[:] == np.arange(1, 1302)).all()


def test_files_of_zarr_itself_are_no_objects(tmp_path):
    for name in ("0/.zarray", "0/.zattrs", "0/0/0", "0/.DS_Store", "0/deep/.zarray"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    found = files_below(open_target(tmp_path), "0")
    assert sorted(found) == ["0/0", "deep/.zarray"]


@pytest.mark.parametrize(
    "key",
    ["a/../../out/zarr.json", "../out", "0/c/../../../out", "a\\..\\..\\out", "a/./b"],
)
def test_nothing_is_copied_to_elsewhere(tmp_path, key):
    store = MemoryStore()
    image(zarr.create_group(store), 3, np.ones((8, 8), "u1"))
    value = default_buffer_prototype().buffer.from_bytes(b"{}")
    sync(store.set(key, value))
    with pytest.raises(MetadataError, match="leads elsewhere"):
        convert(store, tmp_path / "inner" / "image.ome.zarr")
    assert not (tmp_path / "inner" / "out").exists()
    assert not (tmp_path / "inner" / "image.ome.zarr").exists()


def test_groups_arrays_and_files_of_others_are_found():
    store = MemoryStore()
    root = plate(store)
    root.create_group("tables/cells").create_array("area", data=np.arange(4.0))
    root["A"].attrs["row"] = "first"
    value = default_buffer_prototype().buffer.from_bytes(b"hello")
    sync(store.set("A/1/readme.txt", value))
    sync(store.set("raw/deep/file.bin", value))
    found = read_source(open_target(store), WHOLE)
    assert found.lists
    assert sorted(found.files) == ["A/1/readme.txt", "raw/deep/file.bin"]
    assert found.hierarchy.group("A").attrs == {"row": "first"}
    assert found.hierarchy.group("tables").model is None
    assert "tables/cells/area" in found.arrays
    assert "tables/cells/area" not in found.dims
    assert found.dims["A/1/0/0"] == ("c", "y", "x")


def test_what_was_not_chosen_does_not_count_as_that_of_others():
    store = MemoryStore()
    plate(store)
    chosen = Selection("all", wells=("B/2",), fields=("10",))
    found = read_source(open_target(store), chosen)
    assert sorted(found.hierarchy.groups) == ["", "B", "B/2", "B/2/10"]
    assert sorted(found.arrays) == ["B/2/10/0", "B/2/10/1"]
    assert found.files == ()


def test_a_label_image_that_nothing_lists_is_one_all_the_same():
    store = MemoryStore()
    root = zarr.create_group(store)
    image(root, 3, pixels())
    labels = root.create_group("labels")
    labels.attrs["ome"] = {"version": "0.5", "labels": ["cells"]}
    for name in ("cells", "forgotten"):
        label(labels.create_group(name), 3, pixels(shape=(8, 6)))
    found = read_source(open_target(store), WHOLE)
    assert found.dims["labels/forgotten/0"] == ("y", "x")
    assert found.hierarchy.group("labels/forgotten").model is not None


def test_what_is_listed_and_missing_is_refused_by_name():
    store = MemoryStore()
    root = plate(store)
    del root["B/2/10"]["1"]
    with pytest.raises(MetadataError, match="B/2/10"):
        read_source(open_target(store), WHOLE)
    with pytest.warns(OmeZarrWarning, match="B/2/10"):
        found = read_source(open_target(store), WHOLE, lossy=True)
    assert "B/2/10" not in found.hierarchy.nodes


def test_a_store_that_cannot_list_is_asked_for_every_chunk():
    store, new = Blind(), MemoryStore()
    root = zarr.create_group(store)
    image(root, 3, pixels())
    with pytest.warns(OmeZarrWarning, match="cannot list"):
        found = read_source(open_target(store), WHOLE)
    assert not found.lists
    arrays = {
        path: plan_copy(array, 3, "/", found.dims[path])
        for path, array in found.arrays.items()
    }
    transfer = Transfer(found.target, arrays, lists=False)
    transfer(zarr.create_group(new), Report())
    assert (zarr.open_array(new, path="0")[:] == pixels()).all()


def test_places_overlap_where_one_lies_in_the_other(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    places = {name: open_target(tmp_path / name) for name in ("a", "a/b", "ab", "link")}
    assert overlap(places["a"], places["a/b"])
    assert overlap(places["a/b"], places["a"])
    assert overlap(places["a"], places["link"])
    assert not overlap(places["a"], places["ab"])


def test_stores_in_memory_overlap_by_identity_not_by_content():
    one, other = MemoryStore(), MemoryStore()
    assert one == other
    assert not overlap(open_target(one), open_target(other))
    assert overlap(open_target(one), open_target(one))
    assert not overlap(open_target(one, group="a"), open_target(one, group="b"))
    assert overlap(open_target(one, group="a"), open_target(one, group="a/b"))


def test_an_array_of_others_that_nobody_understands_stays_as_it_is():
    odd = {
        "zarr_format": 3,
        "node_type": "array",
        "shape": [4],
        "data_type": {"name": "odd"},
        "chunk_grid": {"name": "rectilinear", "configuration": {"sizes": [[1, 3]]}},
        "chunk_key_encoding": {"name": "suffix"},
    }
    copied = plan_copy(ArrayDocument(odd, {"a": 1}), 3, "/", None)
    assert copied.documents == {"zarr.json": {**odd, "attributes": {"a": 1}}}
    assert copied.renamed("c/0.bin") == ("c/0.bin", 0)
    assert copied.renamed("c") == ("c", 0)
    with pytest.raises(Untranslatable):
        plan_copy(ArrayDocument(odd, {}), 2, "/", None)
