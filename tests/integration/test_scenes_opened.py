"""Scenes and images with several systems, opened from stores that zarr alone wrote."""

from __future__ import annotations

import copy
import functools
import http.server
import pickle
import shutil
import threading
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import LocalStore, MemoryStore

import xarray_omezarr as xo
from tests.integration.operations import CountingStore, Ledger
from tests.integration.scenes import (
    AFFINE,
    VECTORS,
    Rounds,
    group,
    image,
    label,
    matrix,
    registered,
    system,
    way,
)
from xarray_omezarr.grid.names import FRAME_KEY, KIND_KEY
from xarray_omezarr.transforming.stored import Field

CASES = Path(__file__).parents[2].parent / "shared/spec/0.6/tests/store/spec"


def tree_of(store: Any, **options: Any) -> xr.DataTree:
    return xr.open_datatree(store, engine="omezarr", **options)


def frame_of(obj: Any) -> Any:
    return obj.encoding[FRAME_KEY]


def ways_of(frame: Any) -> list[tuple[str, str, str]]:
    return [(way.start, way.end, way.transformation.type) for way in frame.ways]


@pytest.fixture
def store() -> MemoryStore:
    found = MemoryStore()
    registered(found)
    return found


class TestScene:
    def test_it_is_a_tree_that_mirrors_the_store(self, store: MemoryStore) -> None:
        tree = tree_of(store)
        assert {node.path for node in tree.leaves} == {
            "/views/left/s0",
            "/views/left/s1",
            "/views/right/s0",
            "/views/right/s1",
            "/numbers/affine",
            "/numbers/field/s0",
        }
        assert tree.omezarr.kind == "scene"
        assert tree.omezarr.levels == ()
        assert tree["views/left"].omezarr.kind == "image"
        assert [level.sizes["x"] for level in tree["views/left"].omezarr.levels] == [
            12,
            6,
        ]
        np.testing.assert_array_equal(tree["views/right/s0"].y, 3 + 0.5 * np.arange(8))

    def test_its_metadata_are_attributes(self, store: MemoryStore) -> None:
        stored = zarr.open_group(store, mode="r").attrs["ome"]
        tree = tree_of(store)
        assert tree.attrs["lab"] == 7
        assert tree.attrs["ome"]["note"] == "kept"
        scene = tree.attrs["ome"]["scene"]
        assert scene["stage"] == "A"
        assert scene["coordinateSystems"] == stored["scene"]["coordinateSystems"]
        affine, moved = scene["coordinateTransformations"]
        assert affine["path"] == "numbers/affine"
        assert moved["interpolation"] == "linear"
        assert "version" not in tree.attrs["ome"]

    def test_paths_are_told_as_one_writes_them(self) -> None:
        root = zarr.create_group(MemoryStore())
        image(root, "tile_0")
        ways = [way("affine", ("./tile_0/", "physical"), "world", path="/m")]
        scene = {"coordinateSystems": [system("world")]}
        scene["coordinateTransformations"] = ways
        group(root, "", {"scene": scene})
        matrix(root, "m")
        tree = tree_of(root.store)
        (told,) = tree.attrs["ome"]["scene"]["coordinateTransformations"]
        assert (told["path"], told["input"]["path"]) == ("m", "tile_0")
        assert frame_of(tree["tile_0/s0"].image).own == "tile_0/physical"

    def test_matrices_are_nodes(self, store: MemoryStore) -> None:
        node = tree_of(store)["numbers/affine"]
        assert node.encoding[KIND_KEY] == "parameters"
        assert node.omezarr.kind is None
        assert node["parameters"].dims == ("output", "input")
        np.testing.assert_array_equal(node["parameters"], AFFINE)

    def test_each_image_has_the_frame_of_the_scene(self, store: MemoryStore) -> None:
        tree = tree_of(store)
        left, right = (frame_of(tree[f"views/{n}/s0"].image) for n in ("left", "right"))
        assert left.own == "views/left/physical"
        assert right.own == frame_of(tree["views/right"]).own == "views/right/physical"
        assert frame_of(tree).own is None
        for frame in (left, right, frame_of(tree)):
            assert [*frame.systems] == [
                "world",
                "views/left/physical",
                "views/right/physical",
            ]
            assert ways_of(frame) == [
                ("views/left/physical", "world", "affine"),
                ("views/right/physical", "world", "displacements"),
            ]

    def test_numbers_are_read_when_they_are_asked_for(self, store: MemoryStore) -> None:
        counting = Rounds(store)
        frame = frame_of(tree_of(counting))
        assert counting.pixels == []
        np.testing.assert_array_equal(frame.arrays["numbers/affine"][:, :], AFFINE)
        field = frame.arrays["numbers/field"]
        assert isinstance(field, Field)
        assert (field.component, field.scale, field.translation) == (
            0,
            (2.0, 3.0),
            (3.0, 4.0),
        )
        np.testing.assert_array_equal(
            field.vectors[1:, :, :], np.arange(16.0, 32.0).reshape(1, 4, 4)
        )
        assert len(counting.pixels) == 2

    def test_it_takes_three_rounds_of_requests(self, store: MemoryStore) -> None:
        counting = Rounds(store)
        tree_of(counting)
        assert counting.rounds == 3

    def test_levels_and_labels_are_chosen(self, store: MemoryStore) -> None:
        label(zarr.open_group(store), "views/left/labels/cells")
        tree = tree_of(store)
        cells = tree["views/left/labels/cells/s0"].labels
        assert frame_of(cells).own == "views/left/physical"
        assert tree["views/left/labels/cells"].omezarr.kind == "labels"
        few = tree_of(store, levels=-1, labels=False)
        assert [*few["views/left"].children] == ["s1"]
        # Of a field the finest level is what counts.
        assert [*few["numbers/field"].children] == ["s0"]
        assert [*frame_of(few).arrays] == ["numbers/affine", "numbers/field"]

    def test_one_image_is_opened_alone(self, store: MemoryStore) -> None:
        da = xo.open_image(store, group="views/left")
        assert FRAME_KEY not in da.encoding
        with pytest.raises(xo.NotOmeZarrError, match="group='views/left'"):
            xo.open_image(store)
        with pytest.raises(xo.NotOmeZarrError, match="not a plate, but holds scene"):
            xo.open_plate(store)
        with pytest.raises(xo.OptionError, match="holds no plate"):
            tree_of(store, wells=["A/1"])

    def test_what_is_missing_is_told_once_and_left_out(self) -> None:
        store = MemoryStore()
        root = registered(store)
        ome = dict(root.attrs["ome"])
        ome["scene"]["coordinateTransformations"] += [
            way("identity", ("gone", "physical"), "world"),
            way("identity", ("../there", "physical"), "world"),
            way("identity", ("views/left", "nowhere"), "world"),
            way("affine", ("views/left", "physical"), "other", path="numbers/affine"),
        ]
        root.attrs["ome"] = ome
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            tree = tree_of(store)
        images, systems = sorted(str(one.message) for one in told)
        assert "'gone' (there is nothing of that name)" in images
        assert "'../there' (it leads out of the group by '..')" in images
        assert "'nowhere' at 'views/left', 'other'" in systems
        assert len(frame_of(tree).ways) == 2
        assert len(tree.attrs["ome"]["scene"]["coordinateTransformations"]) == 6

    def test_one_without_any_image_that_can_be_opened_is_refused(self) -> None:
        root = zarr.create_group(MemoryStore())
        ways = [way("identity", ("gone", "physical"), "world")]
        group(root, "", {"scene": {"coordinateTransformations": ways}})
        with pytest.raises(xo.MetadataError, match="'gone'"):
            tree_of(root.store)

    def test_images_may_be_fields_of_a_plate(self) -> None:
        root = zarr.create_group(MemoryStore())
        image(root, "plate/A/1/0")
        ways = [way("identity", ("plate/A/1/0", "physical"), "world")]
        scene = {"coordinateSystems": [system("world")]}
        scene["coordinateTransformations"] = ways
        group(root, "", {"scene": scene})
        pixels = tree_of(root.store)["plate/A/1/0/s0"].image
        assert frame_of(pixels).own == "plate/A/1/0/physical"

    def test_a_field_may_be_placed_in_the_scene_itself(self) -> None:
        store = MemoryStore()
        root = registered(store)
        ome = dict(root.attrs["ome"])
        ome["scene"]["coordinateTransformations"].append(
            way("identity", ("numbers/field", "physical"), "fields")
        )
        ome["scene"]["coordinateSystems"].append(system("fields", VECTORS))
        root.attrs["ome"] = ome
        tree = tree_of(store, levels=-1)
        assert frame_of(tree["numbers/field/s0"].image).own == "numbers/field/physical"
        assert isinstance(frame_of(tree).arrays["numbers/field"], Field)

    @pytest.mark.parametrize("path", ["views/left/s0", "views/left/s0/m"])
    def test_paths_at_or_below_a_level_do_no_harm(self, path: str) -> None:
        root = zarr.create_group(MemoryStore())
        image(root, "views/left")
        ways = [way("affine", ("views/left", "physical"), "world", path=path)]
        scene = {"coordinateSystems": [system("world")]}
        scene["coordinateTransformations"] = ways
        group(root, "", {"scene": scene})
        if path.endswith("m"):
            matrix(zarr.create_group(store := MemoryStore()), "m")
            document = store._store_dict["m/zarr.json"]
            root.store._store_dict[f"{path}/zarr.json"] = document
            with pytest.warns(xo.OmeZarrWarning, match="below an array"):
                tree = tree_of(root.store)
        else:
            tree = tree_of(root.store)
        assert tree["views/left/s0"].image.dims == ("y", "x")
        assert {node.path for node in tree.leaves} == {
            "/views/left/s0",
            "/views/left/s1",
        }


class TestPlaces:
    def test_a_folder_needs_no_engine(self, tmp_path: Path) -> None:
        registered(LocalStore(tmp_path / "registered.ome.zarr"))
        tree = xr.open_datatree(tmp_path / "registered.ome.zarr")
        assert tree.omezarr.kind == "scene"
        registered(LocalStore(tmp_path / "plain"))
        assert xr.open_datatree(tmp_path / "plain").omezarr.kind == "scene"

    def test_an_archive_is_read(self, tmp_path: Path) -> None:
        registered(LocalStore(tmp_path / "folder"))
        with zipfile.ZipFile(tmp_path / "scene.ozx", "w") as archive:
            for file in (tmp_path / "folder").rglob("*"):
                archive.write(file, file.relative_to(tmp_path / "folder"))
        tree = tree_of(tmp_path / "scene.ozx")
        np.testing.assert_array_equal(tree["numbers/affine/parameters"], AFFINE)

    def test_a_server_is_asked_for_metadata_alone(self, tmp_path: Path) -> None:
        pytest.importorskip("aiohttp")
        registered(LocalStore(tmp_path / "scene"))
        asked: list[str] = []

        class Noting(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *args: object) -> None:
                asked.append(self.path)

        handler = functools.partial(Noting, directory=tmp_path)
        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            threading.Thread(target=server.serve_forever, daemon=True).start()
            tree = tree_of(f"http://127.0.0.1:{server.server_port}/scene")
            metadata = [*asked]
            np.testing.assert_array_equal(tree["numbers/affine/parameters"], AFFINE)
            server.shutdown()
        assert all("/c/" not in path for path in metadata)
        assert frame_of(tree["views/left/s0"].image).own == "views/left/physical"

    def test_frames_travel_with_what_has_them(self, tmp_path: Path) -> None:
        registered(LocalStore(tmp_path))
        tree = tree_of(tmp_path)
        pixels = tree["views/left/s0"].image
        copied = pickle.loads(pickle.dumps(pixels))
        matrix = frame_of(copied).arrays["numbers/affine"]
        np.testing.assert_array_equal(matrix[:, :], AFFINE)
        assert frame_of(copy.deepcopy(pixels)) is frame_of(pixels)
        assert frame_of(pixels.isel(x=slice(2, 4))) is frame_of(pixels)
        assert frame_of(xo.image_pyramid(pixels, [2])["1"].image) is frame_of(pixels)

    def test_pixels_may_be_of_dask(self, store: MemoryStore) -> None:
        tree = tree_of(store, chunks={})
        assert frame_of(tree["views/left/s0"].image).own == "views/left/physical"
        assert tree["numbers/affine/parameters"].chunks == ((2,), (3,))


class TestOfficialCases:
    @pytest.fixture(autouse=True)
    def _has_them(self) -> None:
        if not CASES.is_dir():
            pytest.skip("the cases of the standard are not here")

    def test_two_tiles_lie_side_by_side(self) -> None:
        case = CASES / "valid/scene/authored_scene_two_tiles.ome.zarr"
        tree = xr.open_datatree(case)
        frame = frame_of(tree["b/s1"].image)
        assert frame.own == "b/physical"
        assert ways_of(frame) == [
            ("b/physical", "world", "translation"),
            ("a/physical", "world", "identity"),
        ]
        moved = frame.ways[0].transformation
        assert moved.translation == (0, 0, 0, 0, 6.4)

    def test_a_missing_image_is_left_out(self, tmp_path: Path) -> None:
        case = CASES / "invalid/scene/authored_scene_missing_image.ome.zarr"
        # A store is never touched by opening it.
        shutil.copytree(case, tmp_path / "case")
        with pytest.warns(xo.OmeZarrWarning, match=r"'b' \(there is nothing"):
            tree = tree_of(tmp_path / "case")
        assert [*tree.children] == ["a"]
        assert [way.start for way in frame_of(tree).ways] == ["a/physical"]


def world_image(store: Any, **members: Any) -> zarr.Group:
    root = zarr.create_group(store)
    image(
        root,
        systems=[system("world"), system("warped")],
        ways=[
            way("affine", "physical", "world", path="params/affine"),
            way("displacements", "physical", "warped", path="warp/field"),
        ],
        **members,
    )
    matrix(root, "params/affine")
    image(
        root,
        "warp/field",
        told=VECTORS,
        scale=(1.0,) * 3,
        sizes=(2, 8, 12),
        translation=(0.0,) * 3,
    )
    return root


class TestImage:
    def test_matrices_and_fields_are_no_levels(self) -> None:
        root = world_image(MemoryStore())
        tree = tree_of(root.store)
        assert tree.omezarr.kind == "image"
        assert [level.sizes["x"] for level in tree.omezarr.levels] == [12, 6]
        assert tree["warp/field"].omezarr.kind == "image"
        assert len(tree["warp/field"].omezarr.levels) == 2
        np.testing.assert_array_equal(tree["params/affine/parameters"], AFFINE)
        frame = frame_of(tree)
        assert frame.own == "physical"
        assert [*frame.systems] == ["physical", "world", "warped"]
        assert frame_of(tree["s1"].image) is frame
        assert FRAME_KEY not in tree["warp/field"].encoding

    def test_flat_ones_have_the_frame_alone(self) -> None:
        store = world_image(MemoryStore()).store
        assert [*xr.open_dataset(store, engine="omezarr").data_vars] == ["image"]
        da = xo.open_image(store, level=1)
        assert da.sizes["x"] == 6
        assert [*frame_of(da).arrays] == ["params/affine", "warp/field"]
        assert frame_of(da).arrays["warp/field"].vectors.shape == (2, 8, 12)

    def test_an_array_costs_no_round_and_a_field_one(self) -> None:
        plain, turned, warped = MemoryStore(), MemoryStore(), MemoryStore()
        image(zarr.create_group(plain))
        root = zarr.create_group(turned)
        ways = [way("affine", "physical", "world", path="params/affine")]
        image(root, systems=[system("world")], ways=ways)
        matrix(root, "params/affine")
        world_image(warped)
        rounds = []
        for store in (plain, turned, warped):
            counting = Rounds(store)
            xo.open_image(counting)
            rounds.append(counting.rounds)
            assert counting.pixels == []
        assert rounds == [2, 2, 3]

    def test_plain_images_have_no_frame(self) -> None:
        store = MemoryStore()
        image(zarr.create_group(store))
        tree = tree_of(store)
        assert FRAME_KEY not in tree.encoding
        assert FRAME_KEY not in tree["s0"].image.encoding

    @pytest.mark.parametrize(
        ("path", "reason"),
        [
            ("params/gone", "there is nothing of that name"),
            ("../affine", "it leads out of the group"),
            ("s3://bucket/affine", "it names a drive or a protocol"),
            ("warp", "it is a group, and a matrix is an array"),
            ("params/line", "a matrix has two dims"),
            ("params/text", "numbers are wanted"),
            ("params/broken", "cannot be read"),
        ],
    )
    def test_what_is_no_matrix_is_told(self, path: str, reason: str) -> None:
        root = zarr.create_group(MemoryStore())
        ways = [way("affine", "physical", "world", path=path)]
        image(root, systems=[system("world")], ways=ways)
        root.create_group("warp")
        root.create_array("params/line", data=np.arange(3.0))
        root.create_array("params/text", data=np.zeros((2, 3), bool))
        matrix(root, "params/broken")
        broken = b'{"node_type": "array", "zarr_format": 3}'
        key = "params/broken/zarr.json"
        root.store._store_dict[key] = type(root.store._store_dict[key]).from_bytes(
            broken
        )
        with pytest.warns(xo.OmeZarrWarning, match="cannot be applied") as told:
            da = xo.open_image(root.store)
        assert path in str(told[0].message)
        assert reason in str(told[0].message)
        assert len(told) == 1
        assert frame_of(da).arrays == {}
        assert ways_of(frame_of(da)) == [("physical", "world", "affine")]

    def test_what_is_no_field_is_told(self) -> None:
        root = zarr.create_group(MemoryStore())
        ways = [way("displacements", "physical", "world", path="field")]
        image(root, systems=[system("world")], ways=ways)
        image(root, "field")
        with pytest.warns(xo.OmeZarrWarning, match="'displacement' or 'coordinate'"):
            tree = tree_of(root.store)
        # It is there to be looked at all the same.
        assert tree["field"].omezarr.kind == "image"
        assert frame_of(tree).arrays == {}

    def test_an_array_alone_may_be_a_field(self) -> None:
        root = zarr.create_group(MemoryStore())
        ways = [way("coordinates", "physical", "world", path="field")]
        image(root, systems=[system("world")], ways=ways)
        vectors = np.arange(2.0 * 8 * 12).reshape(8, 12, 2)
        root.create_array("field", data=vectors)
        tree = tree_of(root.store)
        found = frame_of(tree).arrays["field"]
        assert (found.component, found.scale, found.translation) == (
            2,
            (1.0, 1.0),
            (0.0, 0.0),
        )
        np.testing.assert_array_equal(tree["field/parameters"], vectors)

    def test_opening_a_huge_image_reads_none_of_its_pixels(self) -> None:
        root = zarr.create_group(MemoryStore())
        ways = [way("affine", "physical", "world", affine=AFFINE)]
        image(root, systems=[system("world")], ways=ways, levels=1)
        root.create_array(
            "s0",
            shape=(100_000, 100_000),
            chunks=(1000, 1000),
            dtype="uint16",
            dimension_names=["y", "x"],
            overwrite=True,
        )
        ledger = Ledger()
        da = xo.open_image(CountingStore(root.store, ledger))
        assert da.shape == (100_000, 100_000)
        assert frame_of(da).own == "physical"
        assert ledger.pixels_got == ledger.partly_got == []


class TestLabels:
    def test_they_lie_where_their_image_does(self) -> None:
        root = world_image(MemoryStore())
        label(root, "labels/cells")
        tree = tree_of(root.store)
        assert frame_of(tree["labels/cells/s0"].labels).own == "physical"
        flat = xr.open_dataset(root.store, engine="omezarr")
        assert frame_of(flat["cells"]).own == "physical"
        assert frame_of(flat["cells"]).ways == frame_of(flat["image"]).ways

    def test_their_image_may_tell_their_place(self) -> None:
        root = zarr.create_group(MemoryStore())
        there = ("labels/cells", "physical")
        ways = [way("translation", there, "physical", translation=[1.0, 2.0])]
        image(root, ways=ways)
        label(root, "labels/cells")
        tree = tree_of(root.store)
        cells = frame_of(tree["labels/cells/s0"].labels)
        assert cells.own == "labels/cells/physical"
        assert ways_of(cells) == [("labels/cells/physical", "physical", "translation")]
        assert frame_of(tree["s0"].image).own == "physical"
        without = tree_of(root.store, labels=False)
        assert frame_of(without["s0"].image).ways == ()

    def test_they_may_have_matrices_of_their_own(self) -> None:
        root = zarr.create_group(MemoryStore())
        image(root)
        ways = [way("affine", "physical", "atlas", path="affine")]
        label(root, "labels/cells", systems=[system("atlas")], ways=ways)
        matrix(root, "labels/cells/affine")
        tree = tree_of(root.store)
        frame = frame_of(tree["labels/cells/s0"].labels)
        assert frame.own == "labels/cells/physical"
        assert ways_of(frame) == [
            ("labels/cells/physical", "labels/cells/atlas", "affine"),
            ("labels/cells/physical", "physical", "identity"),
        ]
        np.testing.assert_array_equal(frame.arrays["labels/cells/affine"][:, :], AFFINE)
        assert len(tree["labels/cells"].omezarr.levels) == 2


def test_fields_of_a_plate_have_frames_and_stacks_have_none() -> None:
    root = zarr.create_group(MemoryStore())
    wells = [{"path": "A/1", "rowIndex": 0, "columnIndex": 0}]
    plate = {"name": "p", "rows": [{"name": "A"}], "columns": [{"name": "1"}]}
    group(root, "", {"plate": {**plate, "wells": wells}})
    root.create_group("A")
    group(root, "A/1", {"well": {"images": [{"path": "0"}, {"path": "1"}]}})
    for number in range(2):
        path = f"A/1/{number}"
        ways = [way("affine", "physical", "stage", path="affine")]
        image(root, path, systems=[system("stage")], ways=ways)
        matrix(root, f"{path}/affine", [[1.0, 0.0, number], [0.0, 1.0, 0.0]])
    tree = tree_of(root.store)
    frame = frame_of(tree["A/1/1/s0"].image)
    assert (frame.own, [*frame.systems]) == ("physical", ["physical", "stage"])
    assert frame.arrays["affine"][0, 2] == 1
    assert tree["A/1/1"].omezarr.kind == "image"
    assert FRAME_KEY not in xo.open_plate(root.store).image.encoding
    assert FRAME_KEY not in tree.omezarr.stack().image.encoding


class TestOtherVerbs:
    def test_corrections_are_made_to_one_image(self, store: MemoryStore) -> None:
        with pytest.raises(xo.OptionError, match="views/left, views/right"):
            xo.update(store, scale={"y": 1.0})
        field = dict(zarr.open_group(store)["numbers/field"].attrs)
        xo.update(store, group="views/left", scale={"y": 1.0, "x": 1.0})
        assert dict(zarr.open_group(store)["numbers/field"].attrs) == field

    def test_pyramids_are_made_of_images_and_not_of_fields(
        self, store: MemoryStore
    ) -> None:
        ledger = Ledger()
        xo.build_pyramid(CountingStore(store, ledger), method="mean")
        assert {key.split("/")[0] for key in ledger.put if "/" in key} <= {"views"}

    def test_a_scene_is_no_image_plate_or_collection(self, store: MemoryStore) -> None:
        tree = tree_of(store)
        for method in ("to_image", "to_plate", "to_bioformats2raw"):
            with pytest.raises(xo.OptionError, match="write it with to_scene"):
                getattr(tree.omezarr, method)(MemoryStore())

    def test_what_a_scene_says_is_read_and_written(self, store: MemoryStore) -> None:
        scene = xo.read_metadata(store)
        assert isinstance(scene, xo.ngff.Scene)
        root = zarr.create_group(MemoryStore())
        image(root, "views/left")
        with pytest.raises(xo.MetadataError, match=r"There is nothing at .*/right"):
            xo.write_metadata(root, scene)
        assert "ome" not in root.attrs
        image(root, "views/right")
        matrix(root, "numbers/affine")
        image(
            root,
            "numbers/field",
            told=VECTORS,
            scale=(1.0,) * 3,
            sizes=(2, 4, 4),
            translation=(0.0,) * 3,
        )
        xo.write_metadata(root, scene)
        assert tree_of(root.store).attrs["ome"] == tree_of(store).attrs["ome"]


@pytest.mark.parametrize(
    ("path", "size", "problem"),
    [
        ("v0/s0", 8, "'affine', whose numbers are at 'v0/s0', takes .* of 11 axes"),
        ("v0/s0", 1200, r"Array 'v0/s0' has the shape \(1200, 12\)"),
    ],
)
def test_pixels_that_are_named_as_a_matrix_are_told(path, size, problem) -> None:
    store = MemoryStore()
    root = zarr.create_group(store)
    image(root, "v0", sizes=(size, 12))
    ways = [way("affine", ("v0", "physical"), "world", path=path)]
    scene = {"coordinateSystems": [system("world")], "coordinateTransformations": ways}
    group(root, "", {"scene": scene})
    tree = xr.open_datatree(store, engine="omezarr")
    with pytest.raises(xo.TransformationError, match=problem):
        tree.omezarr.to_system("world")
