"""Scenes on a disk: read back alike, written in parts, and refused as a whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dask.array as dsa
import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.errors import (
    OmeZarrErrorGroup,
    OmeZarrWarning,
    OptionError,
    TargetExistsError,
)

Json = dict[str, Any]

AXES = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
UM = {"y": "um", "x": "um"}
MATRIX = np.array([[0.0, -1.0, 30.0], [1.0, 0.0, -4.0]])
STAGE = {"left/0": [0, 0], "left/1": [0, 14], "right": [14, 0.5]}


def image(seed: int, size: int = 32) -> xr.DataArray:
    pixels = np.random.default_rng(seed).integers(0, 999, (size, size))
    da = xr.DataArray(pixels.astype("uint16"), dims=("y", "x"))
    return da.omezarr.assign_grid(scale={"y": 0.5, "x": 0.5}, units=UM)


def field(amount: float) -> xr.DataArray:
    places = {dim: (dim, 2.0 * np.arange(9), {"units": "um"}) for dim in "yx"}
    vectors = np.random.default_rng(0).normal(amount, 1, (2, 9, 9))
    return xr.DataArray(vectors, places, ("displacement", "y", "x"))


def moved(path: str, position: list[float]) -> Json:
    return {
        "type": "translation",
        "translation": position,
        "input": {"path": path, "name": "physical"},
        "output": {"name": "world"},
    }


def stage(positions: dict[str, list[float]] = STAGE) -> Json:
    ways = [moved(path, position) for path, position in positions.items()]
    return {
        "coordinateSystems": [{"name": "world", "axes": AXES}],
        "coordinateTransformations": ways,
    }


def tiles() -> dict[str, xr.DataArray]:
    return {path: image(seed) for seed, path in enumerate(STAGE)}


def views() -> tuple[dict[str, xr.DataArray], Json]:
    """Two images, a matrix and fields in arrays."""
    kind = {"type": "displacements", "interpolation": "linear"}
    ways = stage({"a": [0, 0]})
    ways["coordinateTransformations"] += [
        {**moved("b", []), "type": "affine", "path": "registration/b"},
        {
            **moved("a", []),
            "type": "bijection",
            "forward": {**kind, "path": "registration/forward"},
            "inverse": {**kind, "path": "registration/inverse"},
            "output": {"path": "b", "name": "physical"},
        },
    ]
    for way in ways["coordinateTransformations"][1:]:
        del way["translation"]
    ways["arrays"] = {
        "registration/b": MATRIX,
        "registration/forward": field(2),
        "registration/inverse": field(-2),
    }
    return {"a": image(0), "b": image(1, size=24)}, ways


def documents(store: Path) -> dict[str, Any]:
    """Attributes of every node, and the values of arrays."""
    root = zarr.open_group(store, mode="r")
    found: dict[str, Any] = {"": dict(root.attrs)}
    for path, node in root.members(max_depth=None):
        found[path] = dict(node.attrs)
        if isinstance(node, zarr.Array):
            found[path] |= {
                "dims": node.metadata.dimension_names,
                "dtype": str(node.dtype),
                "values": node[:].tolist(),
            }
    return found


def differing(one: Path, other: Path) -> list[str]:
    """Paths of the nodes that are not the same in both."""
    first, second = documents(one), documents(other)
    paths = sorted({*first, *second})
    return [path for path in paths if first.get(path) != second.get(path)]


def read(store: Path) -> xr.DataTree:
    return xr.open_datatree(store, engine="omezarr")


@pytest.fixture
def mosaic(tmp_path: Path) -> Path:
    store = tmp_path / "mosaic.ome.zarr"
    xo.write_scene(tiles(), store, transforms=stage(), scale_factors=None)
    return store


class TestRoundTrip:
    def test_tiles_are_written_again_as_they_were_read(
        self, mosaic: Path, tmp_path: Path
    ) -> None:
        again = tmp_path / "again.ome.zarr"
        read(mosaic).omezarr.to_scene(again)
        assert differing(again, mosaic) == []
        assert {"left", "left/0/0", "left/1/0", "right/0"} <= {*documents(again)}

    def test_matrices_fields_levels_and_labels_too(self, tmp_path: Path) -> None:
        images, ways = views()
        cells = xr.DataArray(np.ones((32, 32), "uint8"), dims=("y", "x"))
        tree = xr.DataTree.from_dict(
            {
                **{path: da.to_dataset(name="image") for path, da in images.items()},
                "a/labels/cells": cells.to_dataset(name="labels"),
            }
        )
        tree.attrs["microscope"] = "M1"
        first, second = tmp_path / "first.ome.zarr", tmp_path / "second.ome.zarr"
        tree.omezarr.to_scene(first, transforms=ways, scale_factors=[2])
        found = documents(first)
        assert found["registration/b"]["values"] == MATRIX.tolist()
        vectors = found["registration/forward/0"]["values"]
        np.testing.assert_array_equal(vectors, field(2))
        assert found["a/labels/cells/1"]["values"] == [[1] * 16] * 16
        assert found[""]["microscope"] == "M1"
        read(first).omezarr.to_scene(second)
        assert differing(first, second) == []
        assert xo.validate(second).ok

    def test_tiles_that_are_cut_keep_their_place(
        self, mosaic: Path, tmp_path: Path
    ) -> None:
        tree = read(mosaic)
        tree["right/0"] = tree["right/0"].to_dataset().isel(y=slice(4, 20))
        cut = tmp_path / "cut.ome.zarr"
        tree.omezarr.to_scene(cut)
        before, after = documents(mosaic), documents(cut)
        assert after[""] == before[""]
        assert after["right/0"]["values"] == before["right/0"]["values"][4:20]
        levels = after["right"]["ome"]["multiscales"][0]["datasets"]
        (at,) = levels[0]["coordinateTransformations"]
        parts = [part.get("translation") for part in at["transformations"]]
        assert parts == [None, [2.0, 0.0]]

    def test_the_whole_tree_can_be_cut(self, mosaic: Path, tmp_path: Path) -> None:
        cut = tmp_path / "cut.ome.zarr"
        read(mosaic).isel(x=slice(0, 8)).omezarr.to_scene(cut)
        assert documents(cut)[""] == documents(mosaic)[""]

    def test_images_can_be_dropped(self, mosaic: Path, tmp_path: Path) -> None:
        part = tmp_path / "part.ome.zarr"
        tree = read(mosaic).drop_nodes("right")
        with pytest.warns(OmeZarrWarning, match="Transformations of 'right' are left"):
            tree.omezarr.to_scene(part)
        ways = documents(part)[""]["ome"]["scene"]["coordinateTransformations"]
        assert [way["input"]["path"] for way in ways] == ["left/0", "left/1"]
        assert xo.validate(part).ok

    def test_lazy_pixels_are_written_block_by_block(self, tmp_path: Path) -> None:
        lazy = {path: da.chunk(16) for path, da in tiles().items()}
        store = tmp_path / "lazy.ome.zarr"
        xo.write_scene(lazy, store, transforms=stage(), scale_factors=None)
        for path, da in tiles().items():
            np.testing.assert_array_equal(documents(store)[f"{path}/0"]["values"], da)


class TestModes:
    def test_what_exists_is_refused(self, mosaic: Path) -> None:
        with pytest.raises(TargetExistsError):
            xo.write_scene(tiles(), mosaic, transforms=stage())

    def test_and_replaced_if_asked_for(self, mosaic: Path) -> None:
        only = {"right": STAGE["right"]}
        with pytest.warns(OmeZarrWarning, match="removes images.*left/0, left/1"):
            xo.write_scene(
                {"right": image(9)}, mosaic, transforms=stage(only), mode="w"
            )
        found = documents(mosaic)
        assert "left" not in found
        assert found["right/0"]["values"] == image(9).values.tolist()

    def test_numbers_of_transformations_are_replaced_too(self, tmp_path: Path) -> None:
        images, ways = views()
        store, again = tmp_path / "views.ome.zarr", tmp_path / "again.ome.zarr"
        xo.write_scene(images, store, transforms=ways)
        xo.write_scene(images, again, transforms=ways)
        # Written once more over itself, nothing is in the way, and nothing is left.
        xo.write_scene(images, store, transforms=ways, mode="w")
        assert differing(store, again) == []

    def test_what_is_not_of_the_scene_is_not_removed(self, tmp_path: Path) -> None:
        images, ways = views()
        store = tmp_path / "views.ome.zarr"
        xo.write_scene(images, store, transforms=ways)
        zarr.create_group(store / "registration" / "table")
        with pytest.raises(TargetExistsError, match="registration/table"):
            xo.write_scene(images, store, transforms=ways, mode="w")

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"mode": "a"}, "is written as a whole.*mode='w'"),
            ({"mode": "r+"}, "mode is 'r.'.*open the scene as a tree"),
            ({"region": {"y": slice(0, 4)}}, "region is.*open the scene as a tree"),
            ({"append_dim": "t"}, "append_dim is 't'.*open the scene as a tree"),
        ],
    )
    def test_nothing_is_added_where_it_lies(
        self, mosaic: Path, options: Json, message: str
    ) -> None:
        with pytest.raises(OptionError, match=message):
            xo.write_scene(tiles(), mosaic, transforms=stage(), **options)

    def test_nothing_is_there_before_a_delayed_ran(self, tmp_path: Path) -> None:
        store = tmp_path / "later.ome.zarr"
        later = xo.write_scene(tiles(), store, transforms=stage(), compute=False)
        assert not store.exists()
        group = later.compute()
        assert sorted(group.keys()) == ["left", "right"]
        assert xo.validate(store).ok

    def test_nothing_is_there_after_a_refusal(self, tmp_path: Path) -> None:
        store = tmp_path / "refused.ome.zarr"
        positions = {**STAGE, "missing": [0, 0], "right": [0, 0, 0]}
        with pytest.raises(OmeZarrErrorGroup, match="2 problems"):
            xo.write_scene(tiles(), store, transforms=stage(positions))
        assert not store.exists()

    def test_progress_is_told_to_the_end(self, tmp_path: Path) -> None:
        told: list[tuple[int, int]] = []
        store = tmp_path / "told.ome.zarr"
        xo.write_scene(
            tiles(),
            store,
            transforms=stage(),
            scale_factors=None,
            progress=lambda done, total: told.append((done, total)),
        )
        assert told[0] == (0, 3 * 32 * 32 * 2)
        assert told[-1] == (3 * 32 * 32 * 2, 3 * 32 * 32 * 2)

    def test_a_plan_computes_nothing(self) -> None:
        def refuse(block: Any) -> Any:
            raise AssertionError("computed")

        lazy = dsa.zeros((32, 32), chunks=16, dtype="u1").map_blocks(refuse, dtype="u1")
        da = image(0).copy(data=lazy)
        planned = xo.plan_scene(dict.fromkeys(STAGE, da), transforms=stage())
        assert [*planned.images] == [*STAGE]


def test_groups_between_keep_their_attributes_and_a_plate_is_told(
    tmp_path: Path,
) -> None:
    store = tmp_path / "scene.ome.zarr"
    root = zarr.create_group(store)
    fields = {f"A/{column}/0": image(column) for column in (1, 2)}
    xo.write_plate(fields, store, group="plate", version="0.6", attrs={"lab": 7})
    scene = stage({"plate/A/1/0": [0, 0]})
    root.attrs["ome"] = {"version": "0.6", "scene": scene}
    root["plate/A"].attrs["row"] = "first"
    tree = xr.open_datatree(store, engine="omezarr")
    with pytest.warns(OmeZarrWarning, match=r"'plate' of 'plate'.*convert"):
        tree.omezarr.to_scene(tmp_path / "new.ome.zarr")
    new = zarr.open_group(tmp_path / "new.ome.zarr", mode="r")
    assert new["plate"].attrs.asdict() == {"lab": 7}
    assert new["plate/A"].attrs.asdict() == {"row": "first"}
    found = xo.validate(tmp_path / "new.ome.zarr").findings
    assert not [one for one in found if one.severity == "error"]
    xo.convert(store, tmp_path / "copy.ome.zarr")
    whole = zarr.open_group(tmp_path / "copy.ome.zarr", mode="r")
    assert whole["plate"].attrs.asdict() == root["plate"].attrs.asdict()
    assert "2" in whole["plate/A"]
