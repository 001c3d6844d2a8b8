"""What stands at a target, and which modes may write there."""

from __future__ import annotations

import os

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.errors import OptionError, TargetExistsError
from xarray_omezarr.store.occupancy import (
    UNFINISHED,
    Occupancy,
    check_mode,
    inspect_target,
)
from xarray_omezarr.store.target import open_target

IMAGE = {"ome": {"version": "0.5", "multiscales": [{}]}}
IMAGE_V2 = {"multiscales": [{"version": "0.4"}]}
ALL_MODES = [None, "w-", "w", "a"]


def seen(place):
    return inspect_target(open_target(place))


class TestInspect:
    def test_nothing_is_nothing(self, tmp_path) -> None:
        assert seen(tmp_path / "absent").kind == "nothing"
        assert seen(MemoryStore()).kind == "nothing"

    def test_looking_makes_no_folder(self, tmp_path) -> None:
        seen(tmp_path / "absent")
        assert list(tmp_path.iterdir()) == []

    def test_an_empty_folder_is_nothing(self, tmp_path) -> None:
        assert seen(tmp_path).kind == "nothing"

    @pytest.mark.parametrize("litter", [".DS_Store", "Thumbs.db", "desktop.ini"])
    def test_what_a_desktop_leaves_in_a_folder_is_nothing(
        self, tmp_path, litter
    ) -> None:
        (tmp_path / litter).write_bytes(b"x")
        assert seen(tmp_path).kind == "nothing"

    def test_a_folder_with_a_file_is_foreign(self, tmp_path) -> None:
        (tmp_path / "thesis.docx").write_bytes(b"years")
        assert seen(tmp_path).kind == "foreign"

    def test_a_folder_with_an_empty_folder_is_foreign(self, tmp_path) -> None:
        (tmp_path / "photos").mkdir()
        assert seen(tmp_path).kind == "foreign"

    def test_a_file_is_foreign(self, tmp_path) -> None:
        (tmp_path / "image.zarr").write_bytes(b"zip")
        assert seen(tmp_path / "image.zarr").kind == "foreign"

    def test_a_link_to_nowhere_is_foreign(self, tmp_path) -> None:
        (tmp_path / "image.zarr").symlink_to(tmp_path / "unplugged")
        assert seen(tmp_path / "image.zarr").kind == "foreign"

    @pytest.mark.parametrize("zarr_format", [2, 3])
    @pytest.mark.parametrize("local", [True, False])
    def test_a_group_is_known_with_its_attributes_and_children(
        self, tmp_path, zarr_format, local
    ) -> None:
        store = str(tmp_path / "x.zarr") if local else MemoryStore()
        group = zarr.create_group(store, zarr_format=zarr_format, attributes={"a": 1})
        group.create_group("tables")
        group.create_array("0", shape=(2,), dtype="u1")
        assert seen(store) == Occupancy("group", zarr_format, {"a": 1}, ("0", "tables"))

    @pytest.mark.parametrize("zarr_format", [2, 3])
    @pytest.mark.parametrize("local", [True, False])
    def test_an_array_is_an_array(self, tmp_path, zarr_format, local) -> None:
        store = str(tmp_path / "x.zarr") if local else MemoryStore()
        zarr.create_array(store, shape=(2,), dtype="u1", zarr_format=zarr_format)
        assert seen(store).kind == "array"

    def test_consolidated_metadata_are_no_child(self) -> None:
        store = MemoryStore()
        zarr.create_group(store, zarr_format=2)
        zarr.consolidate_metadata(store, zarr_format=2)
        assert seen(store).children == ()

    @pytest.mark.parametrize("name", ["zarr.json", ".zgroup"])
    @pytest.mark.parametrize(
        "text", ["", "{", "[]", '{"zarr_format": 3, "node_type": "banana"}']
    )
    def test_metadata_that_nobody_can_read_are_foreign_not_a_crash(
        self, tmp_path, name, text
    ) -> None:
        (tmp_path / name).write_text(text)
        assert seen(tmp_path).kind == "foreign"


class TestOmeMetadata:
    @pytest.mark.parametrize(
        "attrs",
        [
            IMAGE,
            IMAGE_V2,
            {"ome": {"version": "0.5", "plate": {}}},
            {"plate": {"rows": []}},
            {"ome": {"version": "0.9"}},
        ],
    )
    def test_metadata_of_any_version_are_seen(self, attrs) -> None:
        assert Occupancy("group", 3, attrs).has_ome_metadata

    @pytest.mark.parametrize(
        "attrs", [{}, {"title": "x"}, {"ome": "sweet home"}, {"well": "A1"}]
    )
    def test_attributes_of_others_are_none(self, attrs) -> None:
        assert not Occupancy("group", 3, attrs).has_ome_metadata


class TestFree:
    @pytest.mark.parametrize(
        "occupancy",
        [
            Occupancy("nothing"),
            Occupancy("group", 3, {}),
            Occupancy("group", 3, {"title": "prepared by somebody"}),
            Occupancy("group", 3, {UNFINISHED: True}, ("0", "1")),
        ],
    )
    @pytest.mark.parametrize("mode", ALL_MODES)
    def test_a_free_place_is_free_in_every_mode(self, occupancy, mode) -> None:
        assert check_mode(mode, occupancy, open_target(MemoryStore()), ()) == "create"

    @pytest.mark.parametrize(
        "occupancy",
        [Occupancy("foreign", children=("thesis.docx",)), Occupancy("array", 3)],
    )
    @pytest.mark.parametrize("mode", ALL_MODES)
    def test_what_is_no_group_is_never_replaced(self, occupancy, mode) -> None:
        with pytest.raises(TargetExistsError, match="never removed"):
            check_mode(mode, occupancy, open_target(MemoryStore()), ())

    def test_an_image_without_levels_is_not_free(self) -> None:
        assert not Occupancy("group", 3, IMAGE).is_free


class TestImage:
    occupancy = Occupancy("group", 3, IMAGE, ("0", "1", "labels"))

    def check(self, mode, occupancy=None, strangers=()):
        target = open_target("/data/cells.zarr")
        return check_mode(mode, occupancy or self.occupancy, target, strangers)

    def test_only_w_replaces_it(self) -> None:
        assert self.check("w") == "replace"

    @pytest.mark.parametrize("mode", [None, "w-"])
    def test_without_a_mode_it_is_a_file_that_exists(self, mode) -> None:
        with pytest.raises(FileExistsError, match=r"/data/cells\.zarr .*mode='w'"):
            self.check(mode)

    def test_a_second_image_is_not_added_to_it(self) -> None:
        with pytest.raises(TargetExistsError, match="group="):
            self.check("a")

    def test_nodes_of_others_are_named_and_kept(self) -> None:
        with pytest.raises(TargetExistsError, match=r"\['shapes', 'tables'\]"):
            self.check("w", strangers=("shapes", "tables"))

    def test_of_many_nodes_of_others_the_first_are_named(self) -> None:
        with pytest.raises(TargetExistsError, match=r"'A/1/9/t'\] and 374 more"):
            self.check("w", strangers=[f"A/1/{n}/t" for n in range(384)])

    @pytest.mark.parametrize("mode", ["r", "r+", "W", "x", "", 1, True])
    def test_an_unknown_mode_is_refused_even_where_nothing_stands(self, mode) -> None:
        with pytest.raises(OptionError, match="mode is "):
            self.check(mode, Occupancy("nothing"))


def test_a_group_that_holds_only_files_of_others_is_not_free(tmp_path) -> None:
    zarr.create_group(tmp_path / "x.zarr")
    (tmp_path / "x.zarr" / "notes.txt").write_text("precious")
    assert not seen(tmp_path / "x.zarr").is_free


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such links")
def test_a_link_to_a_folder_is_what_is_in_the_folder(tmp_path) -> None:
    zarr.create_array(tmp_path / "real.zarr", data=np.zeros(2))
    (tmp_path / "link.zarr").symlink_to(tmp_path / "real.zarr")
    assert seen(tmp_path / "link.zarr").kind == "array"


@pytest.mark.parametrize("mode", [None, "w-", "a"])
@pytest.mark.parametrize(
    ("attrs", "said"),
    [
        ({"plate": {}}, r"a plate already.*to_field adds a field to it"),
        ({"plate": {}, "bioformats2raw.layout": 3}, "a plate already"),
        ({"well": {}}, r"a well already.*to_field"),
        ({"bioformats2raw.layout": 3}, r"a collection already.*to_series adds"),
        ({"multiscales": [{}]}, "an image already"),
        ({}, "nodes already"),
    ],
)
def test_what_is_there_is_told_and_how_it_is_added_to(mode, attrs, said) -> None:
    for told in (attrs, {"ome": {"version": "0.5", **attrs}}):
        occupancy = Occupancy("group", 3, told, ("A",))
        with pytest.raises(TargetExistsError, match=f"{said}.*mode='w'"):
            check_mode(mode, occupancy, open_target(MemoryStore()), ())
