"""Opening: what stands at a target becomes a hierarchy, or a clear error."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.errors import (
    MetadataError,
    NotOmeZarrError,
    OmeZarrError,
    TargetNotFoundError,
    UnknownVersionError,
)
from xarray_omezarr.hierarchy import Given
from xarray_omezarr.store.engine import write
from xarray_omezarr.store.open import holds_ome_zarr, open_hierarchy
from xarray_omezarr.store.target import open_target

PIXELS = np.arange(48, dtype=np.uint16).reshape(8, 6)


def image_attrs(*paths, ndim=2, version="0.5"):
    """Attributes of an image, written out by hand."""
    axes = [{"name": name, "type": "space"} for name in "zyx"[-ndim:]]
    datasets = [
        {
            "path": path,
            "coordinateTransformations": [{"type": "scale", "scale": [2.0**i] * ndim}],
        }
        for i, path in enumerate(paths)
    ]
    multiscale = {"axes": axes, "datasets": datasets, "name": "by hand"}
    if version == "0.4":
        return {"multiscales": [{"version": "0.4", **multiscale}]}
    return {"ome": {"version": version, "multiscales": [multiscale]}}


def made_by_hand(store, *paths, attrs=None, zarr_format=3):
    version = "0.5" if zarr_format == 3 else "0.4"
    root = zarr.create_group(
        store,
        zarr_format=zarr_format,
        attributes=attrs or image_attrs(*paths, version=version),
    )
    for index, path in enumerate(paths):
        step = 2**index
        root.create_array(path, data=PIXELS[::step, ::step], chunks=(4, 3))
    return root


def opened(store, levels=None, group=None):
    return open_hierarchy(open_target(store, group=group, read_only=True), levels)


@pytest.fixture(params=[2, 3])
def store(request):
    store = MemoryStore()
    made_by_hand(store, "0", "1", "2", zarr_format=request.param)
    return store


class TestImage:
    def test_every_level_is_an_array_of_the_hierarchy(self, store) -> None:
        hierarchy = opened(store)
        assert list(hierarchy.arrays) == ["0", "1", "2"]
        assert [node.shape for node in hierarchy.arrays.values()] == [
            (8, 6),
            (4, 3),
            (2, 2),
        ]
        node = hierarchy.array("0")
        assert (node.dims, node.dtype, node.layout.chunks) == (
            ("y", "x"),
            np.dtype("uint16"),
            (4, 3),
        )
        assert node.layout.shards is None

    def test_pixels_are_read_when_they_are_indexed(self, store) -> None:
        node = opened(store).array("0")
        zarr.open_array(store, path="0", mode="r+")[:] = 7
        assert isinstance(node.source, Given)
        np.testing.assert_array_equal(
            node.source.array[slice(0, 2), slice(0, 1)], [[7], [7]]
        )

    def test_shards_are_told_apart_from_chunks(self) -> None:
        store = MemoryStore()
        root = zarr.create_group(store, attributes=image_attrs("0"))
        root.create_array("0", data=PIXELS, chunks=(2, 3), shards=(4, 6))
        layout = opened(store).array("0").layout
        assert (layout.chunks, layout.shards) == ((2, 3), (4, 6))

    @pytest.mark.parametrize(
        ("levels", "paths"),
        [([0], ["0"]), ([2], ["2"]), ([-1], ["2"]), ([0, 2], ["0", "2"])],
    )
    def test_only_the_levels_that_are_asked_for_are_opened(
        self, store, levels, paths
    ) -> None:
        assert list(opened(store, levels).arrays) == paths

    def test_a_level_that_is_not_asked_for_may_be_missing(self, store) -> None:
        del zarr.open_group(store, mode="r+")["1"]
        assert list(opened(store, [0]).arrays) == ["0"]

    @pytest.mark.parametrize("level", [3, -4])
    def test_a_level_that_no_image_has_is_named(self, store, level) -> None:
        with pytest.raises(OmeZarrError, match=rf"3 levels.*{level}"):
            opened(store, [level])

    def test_levels_may_be_nested(self) -> None:
        store = MemoryStore()
        made_by_hand(store, "scales/full")
        assert list(opened(store).arrays) == ["scales/full"]

    def test_an_image_in_a_group_is_opened_there(self, tmp_path, plan_image) -> None:
        target = open_target(tmp_path / "x.zarr", group="A/1")
        write(plan_image(), target, mode=None, compute=True)
        assert list(opened(tmp_path / "x.zarr", group="A/1").arrays) == ["0", "1"]

    def test_what_was_written_is_what_is_opened(self, plan_image) -> None:
        store = MemoryStore()
        plan = plan_image(attrs={"lab": "B"})
        write(plan, open_target(store), mode=None, compute=True)
        found = opened(store)
        assert found.version == plan.version
        assert found.nodes[""] == plan.nodes[""]
        np.testing.assert_array_equal(found.array("1").given[:, :], PIXELS[1::2, 1::2])

    def test_attributes_of_others_are_told_apart(self) -> None:
        store = MemoryStore()
        made_by_hand(store, "0", attrs={**image_attrs("0"), "lab": "B"})
        assert dict(opened(store).group("").attrs) == {"lab": "B"}


class TestBroken:
    def test_nothing_there_is_a_file_that_is_not_found(self, tmp_path) -> None:
        with pytest.raises(FileNotFoundError, match=r"no Zarr group at .*absent\.zarr"):
            opened(tmp_path / "absent.zarr")
        assert list(tmp_path.iterdir()) == []

    def test_a_group_that_is_not_there_is_named_with_its_path(self, store) -> None:
        with pytest.raises(TargetNotFoundError, match="A/1"):
            opened(store, group="A/1")

    def test_a_folder_that_is_not_zarr_is_said_so(self, tmp_path) -> None:
        (tmp_path / "notes.txt").write_text("x")
        with pytest.raises(TargetNotFoundError, match="no Zarr group"):
            opened(tmp_path)

    def test_a_file_is_no_zarr_group(self, tmp_path) -> None:
        (tmp_path / "image.tif").write_bytes(b"II*\0")
        with pytest.raises(TargetNotFoundError, match=r"image\.tif"):
            opened(tmp_path / "image.tif")

    @pytest.mark.parametrize("zarr_format", [2, 3])
    def test_an_array_is_no_image(self, zarr_format) -> None:
        store = MemoryStore()
        zarr.create_array(store, name="0", data=PIXELS, zarr_format=zarr_format)
        with pytest.raises(NotOmeZarrError, match=r"Zarr array.*folder above"):
            opened(store, group="0")

    def test_a_group_without_metadata_is_no_image(self) -> None:
        store = MemoryStore()
        zarr.create_group(store, attributes={"title": "table"})
        with pytest.raises(NotOmeZarrError, match="without OME-Zarr metadata"):
            opened(store)

    def test_an_interrupted_write_is_called_one(
        self, tmp_path, plan_image, interrupt
    ) -> None:
        interrupt(plan_image(), open_target(tmp_path / "x.zarr"))
        with pytest.raises(
            NotOmeZarrError, match="interrupted; write it again, or go on"
        ):
            opened(tmp_path / "x.zarr")

    @pytest.mark.parametrize(
        "attrs",
        [
            {"ome": {"version": "0.5", "plate": {"wells": []}}},
            {"plate": {"version": "0.4", "wells": []}},
        ],
    )
    def test_a_plate_is_opened_by_its_images(self, attrs) -> None:
        store = MemoryStore()
        zarr.create_group(store, attributes=attrs)
        with pytest.raises(NotOmeZarrError, match=r"\['plate'\].*group='A/1/0'"):
            opened(store)

    def test_what_others_say_beside_a_plate_is_not_listed(self) -> None:
        store = MemoryStore()
        attrs = {"plate": {"version": "0.4"}, "lab": "B", "colour": "red"}
        zarr.create_group(store, zarr_format=2, attributes=attrs)
        with pytest.raises(NotOmeZarrError) as caught:
            opened(store)
        assert "lab" not in str(caught.value)

    def test_a_version_that_is_not_known_is_said_so(self) -> None:
        store = MemoryStore()
        made_by_hand(store, "0", attrs=image_attrs("0", version="7.1"))
        with pytest.raises(UnknownVersionError, match=r"'7\.1'.*'0\.5'"):
            opened(store)

    def test_a_missing_level_is_named(self, store) -> None:
        del zarr.open_group(store, mode="r+")["1"]
        with pytest.raises(MetadataError, match=r"'1'.*no array"):
            opened(store)

    def test_a_level_that_is_a_group_is_no_array(self, store) -> None:
        root = zarr.open_group(store, mode="r+")
        del root["1"]
        root.create_group("1")
        with pytest.raises(MetadataError, match=r"'1'.*no array"):
            opened(store)

    def test_a_level_of_the_other_zarr_format_is_not_found(self, tmp_path) -> None:
        attrs = image_attrs("0", version="0.4")
        zarr.create_group(tmp_path / "x.zarr", zarr_format=2, attributes=attrs)
        zarr.create_array(tmp_path / "x.zarr" / "0", data=PIXELS, zarr_format=3)
        with pytest.raises(MetadataError, match=r"'0'.*no array"):
            opened(tmp_path / "x.zarr")

    def test_a_level_with_another_number_of_dims_is_named(self) -> None:
        store = MemoryStore()
        made_by_hand(store, "0", attrs=image_attrs("0", ndim=3))
        with pytest.raises(MetadataError, match=r"'0'.*\(8, 6\).*3 axes.*'z'"):
            opened(store)

    def test_metadata_that_break_the_standard_name_the_place(self) -> None:
        store = MemoryStore()
        attrs = image_attrs("0")
        del attrs["ome"]["multiscales"][0]["axes"]
        made_by_hand(store, "0", attrs=attrs)
        with pytest.raises(MetadataError, match="/ome/multiscales/0/axes is missing"):
            opened(store)

    @pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "a/../../b"])
    def test_no_level_is_opened_outside_of_the_image(self, tmp_path, path) -> None:
        made_by_hand(tmp_path / "secret", "0")
        zarr.create_group(tmp_path / "x.zarr", attributes=image_attrs(path))
        with pytest.raises(MetadataError, match="path"):
            opened(tmp_path / "x.zarr")

    @pytest.mark.parametrize("text", ["", "{", "[]"])
    def test_a_file_of_metadata_that_is_no_json_is_named(self, tmp_path, text) -> None:
        made_by_hand(tmp_path / "x.zarr", "0")
        (tmp_path / "x.zarr" / "zarr.json").write_text(text)
        with pytest.raises(MetadataError, match=r"x\.zarr.*cannot be read"):
            opened(tmp_path / "x.zarr")

    @pytest.mark.parametrize("text", ["", "{", "[]", '{"node_type": "array"}'])
    def test_so_is_that_of_a_level(self, tmp_path, text) -> None:
        made_by_hand(tmp_path / "x.zarr", "0")
        (tmp_path / "x.zarr" / "0" / "zarr.json").write_text(text)
        with pytest.raises(MetadataError, match="'0'"):
            opened(tmp_path / "x.zarr")

    def test_chunks_of_uneven_size_are_refused_in_words(self, tmp_path) -> None:
        path = tmp_path / "x.zarr"
        made_by_hand(path, "0")
        file = path / "0" / "zarr.json"
        metadata = json.loads(file.read_text())
        uneven = [[1, size - 1] for size in metadata["shape"]]
        metadata["chunk_grid"] = {
            "name": "rectilinear",
            "configuration": {"kind": "inline", "chunk_shapes": uneven},
        }
        file.write_text(json.dumps(metadata))
        # Without this, and where it is not known, zarr itself does not open it.
        with zarr.config.set({"array.rectilinear_chunks": True}):
            with pytest.raises(MetadataError, match=r"'0'.*cannot be read"):
                opened(path)
            with pytest.raises(MetadataError, match=r"'0'.*cannot be read"):
                xr.open_datatree(path, engine="omezarr")

    def test_a_size_that_nobody_can_index_is_refused_in_words(self, tmp_path) -> None:
        path = tmp_path / "x.zarr"
        made_by_hand(path, "0")
        file = path / "0" / "zarr.json"
        metadata = json.loads(file.read_text())
        metadata["shape"][-1] = 10**30
        file.write_text(json.dumps(metadata))
        with pytest.raises(MetadataError, match=r"'0'.*pixels along an axis"):
            opened(path)
        with pytest.raises(MetadataError, match=r"'0'.*pixels along an axis"):
            xr.open_datatree(path, engine="omezarr")

    def test_levels_nested_too_deeply_are_refused_in_words(self, tmp_path) -> None:
        path = tmp_path / "x.zarr"
        made_by_hand(path, "0")
        (path / "0" / "zarr.json").write_text("[" * 100_000)
        with pytest.raises(MetadataError, match=r"'0'.*cannot be read"):
            opened(path)

    def test_a_codec_that_is_not_installed_is_an_error_that_names_the_level(
        self, tmp_path
    ) -> None:
        made_by_hand(tmp_path / "x.zarr", "0")
        path = tmp_path / "x.zarr" / "0" / "zarr.json"
        metadata = json.loads(path.read_text())
        metadata["codecs"] = [{"name": "unheard.of", "configuration": {}}]
        path.write_text(json.dumps(metadata))
        with pytest.raises(MetadataError, match=r"'0'.*unheard\.of"):
            opened(tmp_path / "x.zarr")


class TestKept:
    def kept(self, *names):
        coords = {n: {"dims": ["y"], "dtype": "<f8", "array": n} for n in names}
        return {**image_attrs("0"), "xarray": {"version": 1, "coords": coords}}

    def test_arrays_that_were_kept_are_opened_too(self) -> None:
        store = MemoryStore()
        root = made_by_hand(store, "0", attrs=self.kept("stage"))
        root.create_array("xarray/stage", data=np.arange(8.0))
        node = opened(store).array("xarray/stage")
        np.testing.assert_array_equal(node.given[:,], np.arange(8.0))

    def test_names_that_lead_elsewhere_are_not_followed(self, tmp_path) -> None:
        made_by_hand(tmp_path / "x.zarr", "0", attrs=self.kept("../0", "..", "a/b"))
        assert list(opened(tmp_path / "x.zarr").arrays) == ["0"]

    def test_an_array_that_is_gone_is_named_by_its_place(self) -> None:
        store = MemoryStore()
        made_by_hand(store, "0", attrs=self.kept("stage"))
        with pytest.raises(MetadataError, match="xarray/stage"):
            opened(store)

    @pytest.mark.parametrize("value", [1, "x", {"version": 2}, {"coords": []}, []])
    def test_an_attribute_of_that_name_by_others_is_theirs(self, value) -> None:
        store = MemoryStore()
        made_by_hand(store, "0", attrs={**image_attrs("0"), "xarray": value})
        assert dict(opened(store).group("").attrs) == {"xarray": value}


class TestHolds:
    def test_an_image_is_held_in_a_folder_and_in_memory(self, tmp_path, store) -> None:
        made_by_hand(tmp_path / "x.zarr", "0")
        assert holds_ome_zarr(open_target(tmp_path / "x.zarr"))
        assert holds_ome_zarr(open_target(store))

    def test_a_plain_group_and_an_array_are_not(self, tmp_path) -> None:
        zarr.create_group(tmp_path / "g.zarr", attributes={"ome": "sweet home"})
        zarr.create_array(tmp_path / "a.zarr", data=PIXELS)
        for name in ("g.zarr", "a.zarr", "absent.zarr"):
            assert not holds_ome_zarr(open_target(tmp_path / name))

    def test_remote_stores_are_not_asked(self, tmp_path) -> None:
        url = f"memory://{tmp_path.name}/x.zarr"
        made_by_hand(url, "0")
        assert not holds_ome_zarr(open_target(url))


def test_an_image_still_opens_after_it_was_moved(tmp_path, plan_image) -> None:
    target = open_target(tmp_path / "x.zarr")
    write(plan_image(), target, mode=None, compute=True)
    shutil.move(tmp_path / "x.zarr", tmp_path / "elsewhere")
    np.testing.assert_array_equal(
        opened(tmp_path / "elsewhere").array("0").given[:, :], PIXELS
    )
