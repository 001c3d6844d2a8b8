"""Images and scenes of real stores, placed in systems that they tell of."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from tests.integration.operations import CountingStore
from tests.unit.placing.building import affine, image, system, way
from xarray_omezarr.errors import NotInVersionError, TransformationError
from xarray_omezarr.grid.names import FRAME_KEY
from xarray_omezarr.placing.index import WorldIndex

TURN = [[1, 0, 0, 0], [0, 0.8, -0.6, 5], [0, 0.6, 0.8, -2]]
STAGE = {
    "type": "sequence",
    "transformations": [
        {"type": "scale", "scale": [1, 2, 3]},
        {"type": "translation", "translation": [0, 100, 200.1]},
    ],
}
TRANSFORMS = {
    "coordinateSystems": [system("world", "zyx"), system("turned", "zyx")],
    "coordinateTransformations": [way(STAGE), way(affine(TURN), end="turned")],
}
Z, Y, X = np.arange(3) * 2.0, np.arange(16) * 0.5, np.arange(20) * 0.1


def decimals(count, scale, first=0.0):
    return [round(first + scale * i, 6) for i in range(count)]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("world") / "image.ome.zarr"
    da = image(z=Z, y=Y, x=X)
    cells = (da % 5).astype("uint8")
    xo.write_image(
        da,
        path,
        version="0.6",
        transforms=TRANSFORMS,
        labels={"cells": cells},
        scale_factors=[2],
    )
    return path


def expected_y(y, x):
    """By hand: the second row of the matrix, at pixel centres."""
    return 0.8 * np.asarray(y)[:, np.newaxis] - 0.6 * np.asarray(x) + 5


class TestAnImage:
    def test_tells_its_systems(self, store) -> None:
        systems = xo.open_image(store).omezarr.coordinate_systems
        assert list(systems) == ["physical", "world", "turned"]
        assert systems["world"].axes[0].unit == "micrometer"
        tree = xr.open_datatree(store, engine="omezarr")
        assert list(tree.omezarr.coordinate_systems) == list(systems)
        ds = xr.open_dataset(store, engine="omezarr")
        assert list(ds.omezarr.coordinate_systems) == list(systems)

    def test_is_placed_in_decimals(self, store) -> None:
        world = xo.open_image(store).omezarr.to_system("world")
        assert world.x.values.tolist() == decimals(20, 0.3, 200.1)
        assert world.y.values.tolist() == decimals(16, 1.0, 100)
        assert int(world.sel(z=2, y=103, x=200.7)) == 320 + 3 * 20 + 2

    def test_is_placed_by_a_matrix(self, store) -> None:
        placed = xo.open_image(store).omezarr.to_system("turned")
        np.testing.assert_allclose(placed.y_turned, expected_y(Y, X), rtol=1e-12)
        there = np.array(TURN) @ [2.0, Y[3], X[7], 1]
        found = placed.sel(
            z=2.0, y_turned=there[1], x_turned=there[2], method="nearest"
        )
        assert int(found) == 320 + 3 * 20 + 7

    def test_is_written_where_the_user_sees_it(self, store, tmp_path) -> None:
        world = xo.open_image(store).omezarr.to_system("world")
        world.omezarr.to_image(tmp_path / "moved.ome.zarr", version="0.6")
        assert xo.validate(tmp_path / "moved.ome.zarr").ok
        again = xo.open_image(tmp_path / "moved.ome.zarr")
        assert again.encoding[FRAME_KEY].own == "world"
        assert again.x.values.tolist() == world.x.values.tolist()
        turned = again.omezarr.to_system("turned")
        np.testing.assert_allclose(turned.y_turned, expected_y(Y, X), rtol=1e-12)
        back = again.omezarr.to_system("physical")
        np.testing.assert_allclose(back.x, X, rtol=0, atol=1e-12)

    def test_versions_without_systems_say_so(self, store, tmp_path) -> None:
        world = xo.open_image(store).omezarr.to_system("world")
        with pytest.raises(NotInVersionError) as refused:
            world.omezarr.to_image(tmp_path / "old.ome.zarr")
        for words in ("from 'physical' to 'world'", "'turned'", "['physical', 'turned"):
            assert words in str(refused.value)
        remedy = "give version='0.6', or leave it out with lossy=True"
        assert str(refused.value).endswith(remedy)
        with pytest.warns(xo.OmeZarrWarning):
            world.omezarr.to_image(tmp_path / "old.ome.zarr", lossy=True)
        again = xo.open_image(tmp_path / "old.ome.zarr")
        assert again.x.values.tolist() == world.x.values.tolist()

    def test_lazy_coordinates_are_not_stored(self, store, tmp_path) -> None:
        placed = xo.open_image(store).omezarr.to_system("turned")
        placed.omezarr.to_image(tmp_path / "turned.ome.zarr", version="0.6")
        level = xr.open_datatree(store, engine="omezarr")["0/image"]
        level = level.omezarr.to_system("turned")
        level.omezarr.to_image(tmp_path / "level.ome.zarr", version="0.6")
        again = xo.open_image(tmp_path / "turned.ome.zarr")
        assert set(again.coords) == {"z", "y", "x"}
        same = again.omezarr.to_system("turned")
        np.testing.assert_array_equal(same.y_turned, placed.y_turned)

    def test_is_true_also_where_some_axes_are_replaced(self, tmp_path) -> None:
        rows = [[3, 0, 0, 1], [0, 0.8, -0.6, 5], [0, 0.6, 0.8, 2]]
        transforms = {
            "coordinateSystems": [system("world", "zyx")],
            "coordinateTransformations": [way(affine(rows))],
        }
        first, second = tmp_path / "first.ome.zarr", tmp_path / "second.ome.zarr"
        da = image(z=Z, y=Y, x=X)
        xo.write_image(da, first, version="0.6", transforms=transforms)
        placed = xo.open_image(first).omezarr.to_system("world")
        assert placed.z.values.tolist() == [1.0, 7.0, 13.0]
        assert placed.y.values.tolist() == Y.tolist()
        placed.omezarr.to_image(second, version="0.6")
        assert xo.validate(second).ok
        again = xo.open_image(second).omezarr.to_system("world")
        np.testing.assert_allclose(again.z, [1, 7, 13], rtol=1e-12)
        np.testing.assert_allclose(again.y_world, expected_y(Y, X), rtol=1e-12)

    def test_a_plane_of_it_lies_in_space(self, store, tmp_path) -> None:
        flat = xo.open_image(store).isel(z=1)
        world = flat.omezarr.to_system("world")
        assert float(world.z) == 2.0
        assert world.x.values.tolist() == decimals(20, 0.3, 200.1)
        placed = flat.omezarr.to_system("turned")
        np.testing.assert_allclose(placed.y_turned, expected_y(Y, X), rtol=1e-12)

    def test_what_arithmetic_drops_is_not_needed(self, store) -> None:
        da = xo.open_image(store)
        with xr.set_options(keep_attrs=True):
            doubled = (da * 2).isel(y=slice(3, None))
        assert FRAME_KEY not in doubled.encoding
        placed = doubled.omezarr.to_system("turned")
        np.testing.assert_allclose(placed.y_turned, expected_y(Y[3:], X), rtol=1e-12)

    def test_levels_that_were_taken_out_of_a_tree_say_so_too(
        self, store, tmp_path
    ) -> None:
        tree = xr.open_datatree(store, engine="omezarr")
        flat = tree["0"].to_dataset()
        path = tmp_path / "old.ome.zarr"
        for one in (tree["0"], flat, flat["image"], flat["image"][:, 2:]):
            with pytest.raises(NotInVersionError, match="'physical' to 'turned'"):
                one.omezarr.to_image(path)
        assert not path.exists()
        with pytest.warns(xo.OmeZarrWarning, match="'physical' to 'turned'") as said:
            flat["image"].omezarr.to_image(path, lossy=True)
        assert len(said) == 1


class TestATree:
    def test_has_all_levels_and_labels_placed(self, store) -> None:
        world = xr.open_datatree(store, engine="omezarr").omezarr.to_system("world")
        # Level 1: the centre of two pixels is half a pixel further.
        for path in ("/1", "/labels/cells/1"):
            assert world[path].x.values.tolist() == decimals(10, 0.6, 200.25)
            assert world[path].y.values.tolist() == decimals(8, 2.0, 100.5)
        assert world.encoding[FRAME_KEY].own == "world"

    def test_has_lazy_coordinates_in_each(self, store) -> None:
        tree = xr.open_datatree(store, engine="omezarr").omezarr.to_system("turned")
        y, x = 0.25 + np.arange(8), 0.05 + 0.2 * np.arange(10)
        for path in ("1", "labels/cells/1"):
            found = tree[path].ds
            np.testing.assert_allclose(found.y_turned, expected_y(y, x), rtol=1e-12)
            assert isinstance(found.xindexes["y_turned"], WorldIndex)

    def test_stays_what_it_is_in_its_own_system(self, store) -> None:
        tree = xr.open_datatree(store, engine="omezarr")
        xr.testing.assert_identical(tree.omezarr.to_system("physical"), tree)

    def test_is_written_and_read(self, store, tmp_path) -> None:
        world = xr.open_datatree(store, engine="omezarr").omezarr.to_system("world")
        world.omezarr.to_image(tmp_path / "moved.ome.zarr", version="0.6")
        assert xo.validate(tmp_path / "moved.ome.zarr").ok
        again = xr.open_datatree(tmp_path / "moved.ome.zarr", engine="omezarr")
        for path in ("0", "1", "labels/cells/0", "labels/cells/1"):
            xr.testing.assert_equal(again[path].ds, world[path].ds)
        placed = again.omezarr.to_system("turned")
        np.testing.assert_allclose(placed["0"].y_turned, expected_y(Y, X), rtol=1e-12)

    def test_has_labels_that_lack_a_dim(self, tmp_path) -> None:
        da = image(z=Z, y=Y, x=X)
        flat = {"flat": (da.isel(z=0, drop=True) % 5).astype("uint8")}
        scaled = way({"type": "scale", "scale": [2, 3, 3]})
        transforms = {
            "coordinateSystems": [system("world", "zyx")],
            "coordinateTransformations": [scaled],
        }
        path = tmp_path / "flat.ome.zarr"
        xo.write_image(da, path, version="0.6", labels=flat, transforms=transforms)
        world = xr.open_datatree(path, engine="omezarr").omezarr.to_system("world")
        assert world["0"].z.values.tolist() == [0.0, 4.0, 8.0]
        assert world["labels/flat/0"].x.values.tolist() == decimals(20, 0.3)

    def test_takes_further_transformations(self, store) -> None:
        tree = xr.open_datatree(store, engine="omezarr")
        there = {"input": {"name": "world"}, "output": {"name": "map"}}
        transforms = {
            "coordinateSystems": [system("map", "zyx")],
            "coordinateTransformations": [
                {"type": "translation", "translation": [0, 0, 1000], **there}
            ],
        }
        placed = tree.omezarr.to_system("map", transforms=transforms)
        assert placed["0"].x.values.tolist() == decimals(20, 0.3, 1200.1)

    def test_may_be_made_by_hand(self) -> None:
        da = image(z=Z, y=Y, x=X)
        tree = da.omezarr.pyramid(scale_factors=[2])
        world = tree.omezarr.to_system("world", transforms=TRANSFORMS)
        assert world["1"].x.values.tolist() == decimals(10, 0.6, 200.25)

    def test_may_inherit_its_coordinates(self) -> None:
        da = image(z=Z, y=Y, x=X)
        tree = xr.DataTree.from_dict(
            {
                "/": xr.Dataset(coords={"x": da.x, "y": da.y}),
                "/a": da.drop_vars(["x", "y"]).to_dataset(name="image"),
            }
        )
        world = tree.omezarr.to_system("world", transforms=TRANSFORMS)
        assert world["a"].x.values.tolist() == decimals(20, 0.3, 200.1)
        assert "x" not in world.coords

    def test_without_images_says_so(self) -> None:
        with pytest.raises(TransformationError, match="holds no images"):
            xr.DataTree().omezarr.to_system("world")


class TestAScene:
    CORNERS = {"tile_0": (0.0, 10.0), "tile_1": (0.1, 14.0)}  # noqa: RUF012
    VIEW = ((0.8, -0.6, 5.0), (0.6, 0.8, 0.0))

    def tree(self):
        da = image(y=np.arange(8) * 0.5, x=np.arange(8) * 0.5)
        names = [*self.CORNERS, "view"]
        return xr.DataTree.from_dict(
            {
                f"/{name}": (da + i).to_dataset(name="image")
                for i, name in enumerate(names)
            }
        )

    def transforms(self):
        def end(path):
            return {
                "input": {"name": "physical", "path": path},
                "output": {"name": "world"},
            }

        ways = [
            {"type": "translation", "translation": list(move), **end(path)}
            for path, move in self.CORNERS.items()
        ]
        return {
            "coordinateSystems": [system("world", "yx")],
            "coordinateTransformations": [
                *ways,
                {"type": "affine", "path": "registration", **end("view")},
            ],
            "arrays": {"registration": np.array(self.VIEW)},
        }

    @pytest.fixture
    def scene(self, tmp_path):
        path = tmp_path / "scene.ome.zarr"
        transforms = self.transforms()
        xo.write_scene(self.tree(), path, transforms=transforms, scale_factors=[2])
        return path

    def test_has_all_its_images_in_the_world(self, scene) -> None:
        tree = xr.open_datatree(scene, engine="omezarr")
        world = tree.omezarr.to_system("world")
        for name, (y, x) in self.CORNERS.items():
            assert world[name]["0"].x.values.tolist() == decimals(8, 0.5, x)
            assert world[name]["1"].y.values.tolist() == decimals(4, 1.0, y + 0.25)
        half = np.arange(8) * 0.5
        np.testing.assert_allclose(
            world["view/0"].x_world, 0.6 * half[:, None] + 0.8 * half, rtol=1e-12
        )
        found = world["view/0"].image.sel(y_world=5.5, x_world=2.5, method="nearest")
        # 0.8 y - 0.6 x = 0.5 and 0.6 y + 0.8 x = 2.5, so that y = 1.9 and x = 1.7.
        assert (float(found.y), float(found.x)) == (2.0, 1.5)
        assert "registration" in world.children

    def test_may_be_placed_before_it_is_written(self, scene) -> None:
        stored = xr.open_datatree(scene, engine="omezarr").omezarr.to_system("world")
        by_hand = self.tree().omezarr.to_system("world", transforms=self.transforms())
        for name in (*self.CORNERS, "view"):
            # The pixels are the same, so that this compares the coordinates.
            xr.testing.assert_allclose(by_hand[name].ds, stored[name]["0"].ds)

    def test_images_overlap_in_one_coordinate(self, scene) -> None:
        world = xr.open_datatree(scene, engine="omezarr").omezarr.to_system("world")
        left, right = (world[name]["0"].image for name in self.CORNERS)
        inside = slice(12, 16)
        assert left.sel(x=inside).sizes["x"] == 4
        assert right.sel(x=inside).sizes["x"] == 5

    def test_one_image_of_it_knows_the_world(self, scene) -> None:
        tree = xr.open_datatree(scene, engine="omezarr")
        one = tree["tile_1"].omezarr.to_system("world")
        assert one["0"].x.values.tolist() == decimals(8, 0.5, 14.0)
        alone = tree["tile_1/0"].image.omezarr.to_system("world")
        assert alone.x.values.tolist() == decimals(8, 0.5, 14.0)
        beside = tree["tile_1"].omezarr.to_system("tile_0/physical")
        assert beside["0"].x.values.tolist() == decimals(8, 0.5, 4.0)

    def test_is_written_and_read_as_it_is_placed(self, scene, tmp_path) -> None:
        world = xr.open_datatree(scene, engine="omezarr").omezarr.to_system("world")
        again = tmp_path / "again.ome.zarr"
        world.omezarr.to_scene(again)
        assert xo.validate(again).ok
        tree = xr.open_datatree(again, engine="omezarr")
        placed = tree.omezarr.to_system("world")
        for name in self.CORNERS:
            assert tree[name]["0"].x.equals(world[name]["0"].x)
            assert placed[name]["1"].ds.equals(world[name]["1"].ds)
        np.testing.assert_array_equal(placed["view/0"].x_world, world["view/0"].x_world)

    def test_images_of_it_tell_of_coordinates_that_are_lost(
        self, scene, tmp_path
    ) -> None:
        tree = xr.open_datatree(scene, engine="omezarr")
        lazy = tree["view/0"].image.omezarr.to_system("world")
        # What leads there is the scene's, and is not written with one image.
        for number, one in enumerate((lazy, lazy.to_dataset())):
            with pytest.warns(xo.OmeZarrWarning, match="'x_world'.* are left out"):
                one.omezarr.to_image(tmp_path / f"{number}.zarr", version="0.6")

    def test_names_all_images_without_a_way(self, scene) -> None:
        tree = xr.open_datatree(scene, engine="omezarr")
        with pytest.raises(TransformationError, match="tile_0, tile_1, view"):
            tree.omezarr.to_system("nowhere")

    def test_a_field_leads_from_one_image_to_another(self, tmp_path) -> None:
        places = {dim: (dim, 2.0 * np.arange(9), {"units": "um"}) for dim in "yx"}
        vectors = np.zeros((2, 9, 9))
        vectors[0], vectors[1] = 3, 0.5 * places["y"][1][:, None]
        field = xr.DataArray(vectors, places, ("displacement", "y", "x"))
        warp = {"type": "displacements", "path": "warp", "interpolation": "linear"}
        ends = {
            "input": {"name": "physical", "path": "a"},
            "output": {"name": "physical", "path": "b"},
        }
        da = image(y=np.arange(8) * 0.5, x=np.arange(8) * 0.5)
        path = tmp_path / "views.ome.zarr"
        xo.write_scene(
            xr.DataTree.from_dict(
                {"/a": da.to_dataset(name="image")}
                | {"/b": da.to_dataset(name="image")}
            ),
            path,
            transforms={
                "coordinateTransformations": [{**warp, **ends}],
                "arrays": {"warp": field},
            },
        )
        tree = xr.open_datatree(path, engine="omezarr")
        placed = tree["a"].omezarr.to_system("b/physical")["0"]
        half = np.arange(8) * 0.5
        np.testing.assert_allclose(
            placed.x_physical, 0.5 * half[:, None] + half, rtol=1e-12
        )
        with pytest.raises(TransformationError, match="bijection"):
            tree["b"].omezarr.to_system("a/physical")


class TestPlatesAndCollections:
    def test_images_that_know_the_system_are_placed(self, tmp_path) -> None:
        da = image(z=Z, y=Y, x=X).astype("uint16")
        path = tmp_path / "all.ome.zarr"
        series = {"/0": da.to_dataset(name="image"), "/1": da.to_dataset(name="image")}
        xo.write_bioformats2raw(xr.DataTree.from_dict(series), path, version="0.6")
        xo.write_image(da, path / "1", version="0.6", mode="w", transforms=TRANSFORMS)
        tree = xr.open_datatree(path, engine="omezarr")
        with pytest.warns(xo.OmeZarrWarning, match="1 of 2 images.*'world'.*: 0") as w:
            world = tree.omezarr.to_system("world")
        assert len(w) == 1
        assert world["1/0"].x.values.tolist() == decimals(20, 0.3, 200.1)
        assert world["0/0"].x.equals(tree["0/0"].x)
        with pytest.raises(TransformationError):
            tree.omezarr.to_system("nowhere")

    def plate(self, path):
        da = image(y=Y, x=X).astype("uint16")
        names = [f"/A/{column}/{field}" for column in (1, 2) for field in range(2)]
        fields = {name: da.to_dataset(name="image") for name in names}
        xo.write_plate(
            xr.DataTree.from_dict(fields), path, version="0.6", scale_factors=[2]
        )
        return da, names

    def test_fields_of_a_plate_that_do_not_know_it_are_named(self, tmp_path) -> None:
        path = tmp_path / "plate.ome.zarr"
        da, names = self.plate(path)
        transforms = {
            "coordinateSystems": [system("world", "yx")],
            "coordinateTransformations": [way({"type": "scale", "scale": [2, 3]})],
        }
        xo.write_image(
            da, path / "A/2/1", version="0.6", mode="w", transforms=transforms
        )
        tree = xr.open_datatree(path, engine="omezarr")
        with pytest.warns(xo.OmeZarrWarning) as told:
            world = tree.omezarr.to_system("world")
        assert [str(one.message) for one in told] == [
            "3 of 4 images do not know the coordinate system 'world', and are left as "
            "they are: A/1/0, A/1/1, A/2/0"
        ]
        assert world["A/2/1/0"].x.values.tolist() == decimals(20, 0.3)
        for name in names[:3]:
            xr.testing.assert_identical(world[name], tree[name])

    def test_where_no_field_knows_it_images_are_not_looked_at(
        self, tmp_path, monkeypatch
    ) -> None:
        # There may be thousands.
        path = tmp_path / "plate.ome.zarr"
        self.plate(path)
        tree = xr.open_datatree(path, engine="omezarr")
        monkeypatch.delattr("xarray_omezarr.placing.trees.frame_of")
        with pytest.raises(TransformationError, match=r"4 images.*A/1/1, A/2/0"):
            tree.omezarr.to_system("world")


class TestMemory:
    def test_a_huge_image_is_opened_placed_shown_and_selected_without_pixels(
        self,
    ) -> None:
        count = 100_000
        um = {"y": "um", "x": "um"}
        scale = {"y": 0.5, "x": 0.5}
        empty = xo.template(
            "yx", (count, count), "uint16", scale=scale, units=um, chunks=4096
        )
        rows = [[0.8, -0.6, 10.0], [0.6, 0.8, 20.0]]
        kept = MemoryStore()
        transforms = {
            "coordinateSystems": [system("world", "yx")],
            "coordinateTransformations": [way(affine(rows))],
        }
        xo.prepare_image(
            empty, kept, version="0.6", transforms=transforms, scale_factors=None
        )
        store = CountingStore(kept)
        there = np.array(rows) @ [100.0, 40_000.5, 1]
        tracemalloc.start()
        da = xo.open_image(store)
        placed = da.omezarr.to_system("world")
        shown = repr(placed) + placed._repr_html_()
        found = placed.sel(y_world=there[0], x_world=there[1], method="nearest")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert "y_world" in shown
        assert (float(found.y), float(found.x)) == (100.0, 40_000.5)
        # Pixels alone would be 20 GB, one coordinate 80 GB.
        assert peak < 100e6
        assert not store.ledger.pixels_got
        assert not store.ledger.partly_got
