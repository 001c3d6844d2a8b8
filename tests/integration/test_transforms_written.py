"""Images with further systems: written, read, changed, and written again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.errors import (
    MetadataError,
    NotInVersionError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    OptionError,
)

HERE = "coordinateTransformations"
UM = {"y": "um", "x": "um"}
AXES = [{"name": n, "type": "space", "unit": "micrometer"} for n in "yx"]
PHYSICAL = {"name": "physical"}
STAGE = np.array([[0.0, -2.0, 5.0], [2.0, 0.0, 7.0]])
TURN = np.array([[0.8, -0.6], [0.6, 0.8]])
# Twice as far as it was, at each of three by four points.
WARP = xr.DataArray(
    np.stack(np.meshgrid(np.arange(3.0), np.arange(4.0), indexing="ij")),
    dims=("displacement", "y", "x"),
    coords={"y": [0.0, 1.0, 2.0], "x": [0.0, 1.0, 2.0, 3.0]},
)


def way(name: str, /, **told: Any) -> dict[str, Any]:
    return {**told, "input": PHYSICAL, "output": {"name": name}}


TRANSFORMS: dict[str, Any] = {
    "coordinateSystems": [
        {"name": name, "axes": AXES} for name in ("stage", "turned", "warped")
    ],
    "coordinateTransformations": [
        way("stage", type="affine", path=f"{HERE}/stage", name="by hand"),
        way("turned", type="rotation", path="turn"),
        way("warped", type="displacements", path=f"{HERE}/warp"),
    ],
    "arrays": {f"{HERE}/stage": STAGE, "turn": TURN, f"{HERE}/warp": WARP},
}


def image(dims: str = "yx", **sizes: int) -> xr.DataArray:
    known = {"t": 2, "c": 2, "y": 8, "x": 6} | sizes
    shape = [known[dim] for dim in dims]
    pixels = np.arange(np.prod(shape), dtype="uint16").reshape(shape)
    da = xr.DataArray(pixels, dims=list(dims), name="cells")
    return da.omezarr.assign_grid(scale={"y": 0.5, "x": 0.25}, units=UM)


def everything(store: Any) -> dict[str, Any]:
    """Attributes and values of all nodes of a store, by path."""
    root = zarr.open_group(store, mode="r")
    found: dict[str, Any] = {"": (root.attrs.asdict(), None)}
    for path, node in root.members(max_depth=None):
        values = None if isinstance(node, zarr.Group) else node[...].tolist()
        found[path] = node.attrs.asdict(), values
    return found


def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    paths = before.keys() | after.keys()
    return {path for path in paths if before.get(path) != after.get(path)}


def picture(attrs: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = attrs["ome"]["multiscales"][0]
    return found


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "cells.ome.zarr"
    options = {"version": "0.6", "transforms": TRANSFORMS, "scale_factors": [2]}
    image().omezarr.to_image(path, **options)
    return path


def test_everything_stands_where_the_standard_puts_it(store: Path) -> None:
    root = zarr.open_group(store, mode="r")
    told = picture(root.attrs.asdict())
    assert [system["name"] for system in told["coordinateSystems"]] == [
        "physical",
        "stage",
        "turned",
        "warped",
    ]
    wanted = TRANSFORMS["coordinateTransformations"]
    assert told["coordinateTransformations"] == wanted
    matrix: Any = root[f"{HERE}/stage"]
    assert (matrix.dtype, matrix.chunks) == (np.dtype("float64"), (2, 3))
    assert matrix.metadata.dimension_names == ("output", "input")
    np.testing.assert_array_equal(matrix[...], STAGE)
    np.testing.assert_array_equal(root["turn"][...], TURN)
    field = picture(root[f"{HERE}/warp"].attrs.asdict())
    (system,) = field["coordinateSystems"]
    assert system["axes"][0] == {
        "name": "displacement",
        "type": "displacement",
        "discrete": True,
    }
    assert [axis["unit"] for axis in system["axes"][1:]] == ["micrometer"] * 2
    assert len(field["datasets"]) == 1
    np.testing.assert_array_equal(root[f"{HERE}/warp/0"][...], WARP.values)
    report = xo.validate(store)
    assert not report.errors
    assert not report.warnings


def test_a_tree_a_dataset_and_an_array_are_written_as_they_were(
    store: Path, tmp_path: Path
) -> None:
    before = everything(store)
    opened: dict[str, tuple[Any, dict[str, Any]]] = {
        "tree": (xr.open_datatree(store, engine="omezarr"), {}),
        "dataset": (xr.open_dataset(store, engine="omezarr"), {"scale_factors": [2]}),
        "array": (xo.open_image(store), {"scale_factors": [2]}),
    }
    for name, (obj, options) in opened.items():
        obj.omezarr.to_image(tmp_path / name, version="0.6", **options)
        assert changed(before, everything(tmp_path / name)) == set(), name


def test_a_tree_tells_levels_from_matrices_and_fields(store: Path) -> None:
    tree = xr.open_datatree(store, engine="omezarr")
    assert len(tree.omezarr.levels) == 2
    assert tree.omezarr.kind == "image"


def test_a_level_of_a_tree_alone_knows_its_systems(store: Path, tmp_path: Path) -> None:
    level = xr.open_datatree(store, engine="omezarr")["0"]["image"]
    assert "ome" not in level.attrs
    options: dict[str, Any] = {"version": "0.6", "scale_factors": [2]}
    level.omezarr.to_image(tmp_path / "a", **options)
    assert changed(everything(store), everything(tmp_path / "a")) == set()
    level.omezarr.to_image(tmp_path / "b", transforms={}, **options)
    assert set(everything(tmp_path / "b")) == {"", "0", "1"}


def test_an_image_of_a_scene_alone_knows_its_own_systems(tmp_path: Path) -> None:
    told = {
        "coordinateSystems": [{"name": "world", "axes": AXES}],
        "coordinateTransformations": [
            {
                "type": "identity",
                "input": {"name": "physical", "path": "tile"},
                "output": {"name": "world"},
            }
        ],
    }
    alone, scene = tmp_path / "alone", tmp_path / "scene"
    options: dict[str, Any] = {"version": "0.6", "scale_factors": None}
    image().omezarr.to_image(alone, transforms=TRANSFORMS, **options)
    tree = xr.DataTree(children={"tile": xr.open_datatree(alone, engine="omezarr")})
    tree.omezarr.to_scene(scene, version="0.6", transforms=told)
    tile = xr.open_datatree(scene, engine="omezarr")["tile"]
    before = everything(alone)
    for name, obj in {"tree": tile, "level": tile["0"]["image"]}.items():
        extra = {} if name == "tree" else options
        obj.omezarr.to_image(tmp_path / name, **{"version": "0.6", **extra})
        assert changed(before, everything(tmp_path / name)) == set(), name


def test_positions_that_were_told_in_another_system_stay_true(
    store: Path, tmp_path: Path
) -> None:
    told = {
        "coordinateSystems": [{"name": n, "axes": AXES} for n in ("room", "turned")],
        "coordinateTransformations": [
            way("room", type="translation", translation=[100, 200]),
            way("turned", type="rotation", path="turn"),
        ],
        "arrays": {"turn": TURN},
    }
    options: dict[str, Any] = {"version": "0.6", "scale_factors": None}
    image().omezarr.to_image(tmp_path / "a", transforms=told, **options)
    placed = xo.open_image(tmp_path / "a").omezarr.to_system("room")
    placed.omezarr.to_image(tmp_path / "b", **options)
    found = xo.read_metadata(tmp_path / "b")
    assert found.multiscale.system.name == "room"
    assert found.multiscale.levels[0].translation == (100, 200)
    assert xo.validate(tmp_path / "b").ok
    here = xo.open_image(tmp_path / "a").omezarr.to_system("turned")
    there = xo.open_image(tmp_path / "b").omezarr.to_system("turned")
    for name in ("y_turned", "x_turned"):
        np.testing.assert_allclose(there[name], here[name], rtol=1e-12, atol=1e-12)


def test_lazy_coordinates_are_not_kept_beside(store: Path, tmp_path: Path) -> None:
    placed = xo.open_image(store).omezarr.to_system("turned")
    assert placed["y_turned"].dims == ("y", "x")
    placed.omezarr.to_image(tmp_path / "a", version="0.6", scale_factors=[2])
    assert changed(everything(store), everything(tmp_path / "a")) == set()
    with pytest.warns(OmeZarrWarning, match="computed from transformations that did"):
        placed.omezarr.plan_image(version="0.6", transforms={})


def test_a_part_lies_where_it_lay(store: Path, tmp_path: Path) -> None:
    part = xo.open_image(store).isel(y=slice(2, 6)).sel(x=slice(0.5, None))
    part.omezarr.to_image(tmp_path / "part", version="0.6", scale_factors=None)
    before, after = everything(store), everything(tmp_path / "part")
    assert changed(before, after) == {"", "0", "1"}
    for key in ("coordinateSystems", "coordinateTransformations"):
        assert picture(after[""][0])[key] == picture(before[""][0])[key]
    corner = {"y": 1.0, "x": 0.5}
    assert float(xo.open_image(tmp_path / "part").sel(corner)) == float(
        xo.open_image(store).sel(corner)
    )


def test_numbers_that_are_not_at_hand_are_left_out_with_a_warning(store: Path) -> None:
    alone = xo.open_image(store)
    alone.encoding = {}
    with pytest.warns(OmeZarrWarning) as caught:
        planned = alone.omezarr.plan_image(version="0.6")
    assert "arrays of the image that was read" in str(caught[0].message)
    assert set(planned) == {"", "0"}


def test_transforms_take_the_place_of_those_that_were_read(
    store: Path, tmp_path: Path
) -> None:
    told = {
        "coordinateSystems": [{"name": "new", "axes": AXES}],
        "coordinateTransformations": [way("new", type="affine", path="turn")],
        "arrays": {"turn": STAGE},
    }
    tree = xr.open_datatree(store, engine="omezarr")
    tree.omezarr.to_image(tmp_path / "new", version="0.6", transforms=told)
    after = everything(tmp_path / "new")
    assert set(after) == {"", "0", "1", "turn"}
    assert after["turn"][1] == STAGE.tolist()
    names = [s["name"] for s in picture(after[""][0])["coordinateSystems"]]
    assert names == ["physical", "new"]


def test_arrays_that_were_read_can_be_named_again(store: Path) -> None:
    told = {
        "coordinateSystems": [{"name": "new", "axes": AXES}],
        "coordinateTransformations": [way("new", type="affine", path=f"{HERE}/stage")],
    }
    planned = xo.open_image(store).omezarr.plan_image(version="0.6", transforms=told)
    assert set(planned) == {"", "0", HERE, f"{HERE}/stage"}


def test_the_system_of_an_image_keeps_its_name(tmp_path: Path) -> None:
    told = {
        "coordinateSystems": [
            {"name": "world", "axes": AXES},
            {"name": "camera", "axes": AXES},
        ],
        "coordinateTransformations": [
            {
                "type": "scale",
                "scale": [2, 2],
                "input": {"name": "camera"},
                "output": {"name": "world"},
            }
        ],
    }
    attrs = {"ome": {"multiscales": [{"index": 0, **told, "intrinsic": "camera"}]}}
    da = image().assign_attrs(attrs)
    planned = da.omezarr.plan_image(version="0.6", transforms=told)
    found = planned.image().multiscale
    assert found.system.name == found.intrinsic == "camera"
    assert found.levels[0].scale == (0.5, 0.25)


def test_regions_and_growth_leave_systems_alone(tmp_path: Path) -> None:
    volume = [{"name": "t", "type": "time", "unit": "second"}, *AXES]
    told = {
        "coordinateSystems": [{"name": "stage", "axes": volume}],
        "coordinateTransformations": [way("stage", type="affine", path="stage")],
        "arrays": {"stage": np.eye(3, 4)},
    }
    movie = image("tyx").omezarr.assign_grid(scale={"t": 2.0}, units={"t": "s"})
    path = tmp_path / "movie"
    movie.omezarr.to_image(path, version="0.6", transforms=told)
    before = everything(path)
    movie.isel(t=[1]).omezarr.to_image(path, region={"t": slice(0, 1)})
    later = movie.assign_coords(t=movie.t + 4)
    later.omezarr.to_image(path, append_dim="t")
    assert changed(before, everything(path)) == {"0"}
    for options in ({"region": {"t": slice(0, 2)}}, {"append_dim": "t"}):
        with pytest.raises(OptionError, match=r"^transforms cannot be chosen with"):
            movie.omezarr.to_image(path, transforms=told, **options)


def test_fields_are_written_when_an_image_is_prepared(tmp_path: Path) -> None:
    group, arrays = image().omezarr.prepare_image(
        tmp_path / "empty", version="0.6", transforms=TRANSFORMS
    )
    assert [*arrays] == ["0"]
    np.testing.assert_array_equal(group[f"{HERE}/warp/0"][...], WARP.values)
    np.testing.assert_array_equal(group["turn"][...], TURN)


def test_a_conversion_copies_matrices_and_fields(store: Path, tmp_path: Path) -> None:
    xo.convert(store, tmp_path / "copy", version="0.6")
    assert changed(everything(store), everything(tmp_path / "copy")) == set()
    with pytest.raises(NotInVersionError, match="'by hand' from 'physical' to 'stage'"):
        xo.convert(store, tmp_path / "old", version="0.5")


@pytest.mark.filterwarnings("ignore::xarray_omezarr.OmeZarrWarning")
@pytest.mark.filterwarnings("ignore:Object at METADATA.ome.xml")
def test_plates_and_collections_have_them_in_every_image(tmp_path: Path) -> None:
    both = xr.concat([image(), image()], "n")
    plate = both.rename(n="field").expand_dims(row=["A"], column=["1"])
    plate = plate.assign_coords(field=["0", "1"])
    options: dict[str, Any] = {"version": "0.6", "transforms": TRANSFORMS}
    plate.omezarr.to_plate(tmp_path / "plate", **options)
    both.omezarr.to_bioformats2raw(tmp_path / "series", series="n", **options)
    verbs = {"plate": ("to_plate", "A/1/"), "series": ("to_bioformats2raw", "")}
    for name, (verb, above) in verbs.items():
        before = everything(tmp_path / name)
        for number in "01":
            assert before[f"{above}{number}/turn"][1] == TURN.tolist()
        assert xo.validate(tmp_path / name).ok
        tree = xr.open_datatree(tmp_path / name, engine="omezarr")
        getattr(tree.omezarr, verb)(tmp_path / f"{name}2", version="0.6")
        assert changed(before, everything(tmp_path / f"{name}2")) == set()


def test_label_images_have_systems_of_their_own(store: Path, tmp_path: Path) -> None:
    told = {
        "coordinateSystems": [{"name": "atlas", "axes": AXES}],
        "coordinateTransformations": [way("atlas", type="affine", path="fit")],
        "arrays": {"fit": STAGE},
    }
    labels = image().astype("uint8")
    labels.omezarr.to_labels(store, "cells", transforms=told, colors={1: "#ff0000"})
    before = everything(store)
    assert before["labels/cells/fit"][1] == STAGE.tolist()
    assert xo.validate(store).ok
    tree = xr.open_datatree(store, engine="omezarr")
    tree.omezarr.to_image(tmp_path / "tree", version="0.6")
    assert changed(before, everything(tmp_path / "tree")) == set()
    flat = xr.open_dataset(store, engine="omezarr")
    flat.omezarr.to_image(tmp_path / "flat", version="0.6", scale_factors=[2])
    assert changed(before, everything(tmp_path / "flat")) == set()


def test_labels_that_are_written_with_an_image_do_not_repeat_its_systems() -> None:
    planned = image().omezarr.plan_image(
        version="0.6", transforms=TRANSFORMS, labels={"cells": image().astype("uint8")}
    )
    assert not planned.image("labels/cells").multiscale.between_systems


def test_large_fields_are_never_held_as_a_whole(tmp_path: Path) -> None:
    held: list[int] = []

    def make(block_info: Any = None) -> Any:
        shape = block_info[None]["chunk-shape"]
        held.append(int(np.prod(shape)))
        return np.ones(shape, "float32")

    vectors = dask.array.map_blocks(
        make, chunks=((2,), (500,) * 4, (500,) * 4), dtype="float32"
    )
    told = {
        **TRANSFORMS,
        "coordinateSystems": [{"name": "warped", "axes": AXES}],
        "coordinateTransformations": [way("warped", type="displacements", path="w")],
        "arrays": {"w": xr.DataArray(vectors, dims=("displacement", "y", "x"))},
    }
    planned = image().omezarr.plan_image(version="0.6", transforms=told)
    assert planned.array("w/0").shape == (2, 2000, 2000)
    assert not held
    group = image().omezarr.to_image(
        tmp_path / "a", version="0.6", transforms=told, memory_limit="8 MiB"
    )
    assert max(held) == 2 * 500 * 500
    assert (group["w/0"][0, ::500, ::500] == 1).all()


class TestRefused:
    def test_by_versions_without_systems(self, tmp_path: Path) -> None:
        with pytest.raises(NotInVersionError, match=r"give version='0\.6'"):
            image().omezarr.to_image(tmp_path / "a", transforms=TRANSFORMS)
        assert not (tmp_path / "a").exists()

    def test_or_left_out_with_a_warning(self) -> None:
        with pytest.warns(OmeZarrWarning, match="no place for transforms"):
            planned = image().omezarr.plan_image(transforms=TRANSFORMS, lossy=True)
        assert set(planned) == {"", "0"}

    @pytest.mark.parametrize(
        ("path", "message"),
        [
            *(
                (path, f"^Path '{path}' of a transformation")
                for path in ("0", "0/deep", "labels/a", "xarray")
            ),
            ("zarr.json", "'zarr.json' is a document of Zarr; give another name"),
        ],
    )
    def test_where_something_else_is(self, path: str, message: str) -> None:
        told = {
            "coordinateSystems": [{"name": "stage", "axes": AXES}],
            "coordinateTransformations": [way("stage", type="affine", path=path)],
            "arrays": {path: STAGE},
        }
        with pytest.raises(MetadataError, match=message):
            image().omezarr.plan_image(version="0.6", transforms=told)

    def test_that_no_schema_takes(self) -> None:
        part = {
            "transformation": {"type": "mapAxis", "mapAxis": [0]},
            "inputAxes": [0],
            "outputAxes": [0],
        }
        other = {**part, "inputAxes": [1], "outputAxes": [1]}
        told = {
            "coordinateSystems": [{"name": "stage", "axes": AXES}],
            "coordinateTransformations": [
                way("stage", type="byDimension", transformations=[part, other])
            ],
        }
        with pytest.raises(OmeZarrErrorGroup) as caught:
            image().omezarr.plan_image(version="0.6", transforms=told)
        assert re.search("'mapAxis' of one axis", str(caught.value))

    def test_with_all_that_is_wrong_before_the_first_byte(self, tmp_path: Path) -> None:
        told = {**TRANSFORMS, "arrays": {"turn": np.ones((2, 2))}}
        with pytest.raises(OmeZarrErrorGroup) as caught:
            image().omezarr.to_image(tmp_path / "a", version="0.6", transforms=told)
        said = "\n".join(map(str, caught.value.exceptions))
        assert "is no rotation" in said
        assert said.count("is missing") == 2
        assert not (tmp_path / "a").exists()

    def test_where_a_matrix_has_other_axes_than_the_systems(self) -> None:
        arrays = {**TRANSFORMS["arrays"], f"{HERE}/stage": np.eye(3, 4)}
        told = {**TRANSFORMS, "arrays": arrays}
        with pytest.raises(MetadataError, match=r"Transformations/0, .*does not fit"):
            image().omezarr.plan_image(version="0.6", transforms=told)
