"""Scenes: which images they have, and what their transformations may say of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import (
    MetadataError,
    NotInVersionError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    OptionError,
    TransformationError,
)
from xarray_omezarr.grid.names import FRAME_KEY, KIND_KEY
from xarray_omezarr.hierarchy import GroupNode, Hierarchy
from xarray_omezarr.ngff import Axis, CoordinateSystem, Scene
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import WriteOptions, complete
from xarray_omezarr.transforming.frame import Frame
from xarray_omezarr.write.scene import plan_scene, scene_version

Json = dict[str, Any]
MATRIX = np.array([[0.0, -1.0, 5.0], [1.0, 0.0, 7.0]])


def image(dims: str = "yx", unit: str = "um", size: int = 8) -> xr.DataArray:
    da = xr.DataArray(np.zeros([size] * len(dims), "uint16"), dims=list(dims))
    space = [dim for dim in dims if dim in "zyx"]
    return da.omezarr.assign_grid(
        scale=dict.fromkeys(space, 0.5), units=dict.fromkeys(space, unit)
    )


def node(dims: str = "yx", **options: Any) -> xr.Dataset:
    return image(dims, **options).to_dataset(name="image")


def coarse() -> xr.Dataset:
    """The level below `node`."""
    centres = [0.25, 1.25, 2.25, 3.25]
    return node(size=4).assign_coords(
        {dim: (dim, centres, {"units": "micrometer"}) for dim in "yx"}
    )


def system(name: str = "world", dims: str = "yx", unit: str = "micrometer") -> Json:
    axes = [{"name": dim, "type": "space", "unit": unit} for dim in dims]
    return {"name": name, "axes": axes}


def end(told: str) -> Json:
    """``"world"``, ``"tile_0/physical"`` as the standard spells them."""
    path, _, name = told.rpartition("/")
    return {"name": name, **({"path": path} if path else {})}


def way(start: str, stop: str = "world", **what: Any) -> Json:
    what = what or {"type": "translation", "translation": [0, 4]}
    return {**what, "input": end(start), "output": end(stop)}


def scene(*ways: Json, systems: list[Json] | None = None, **more: Any) -> Json:
    return {
        "coordinateSystems": [system()] if systems is None else systems,
        "coordinateTransformations": list(ways),
        **more,
    }


TWO = scene(way("a/physical"), way("b/physical"))


def plan(tree: Any, **options: Any) -> Hierarchy:
    return plan_scene(tree, complete(WriteOptions(**options)))


def told(planned: Hierarchy) -> Json:
    model = planned.group("").model
    assert isinstance(model, Scene)
    return model.to_json()


class TestImages:
    def test_they_are_in_natural_order_and_called_by_their_path(self) -> None:
        names = ["t10", "t9", "t1"]
        ways = scene(*(way(f"{name}/physical") for name in names))
        planned = plan({name: image() for name in names}, transforms=ways)
        assert [*planned.images] == ["t1", "t9", "t10"]
        named = [i.multiscale.name for i in planned.images.values()]
        assert named == ["t1", "t9", "t10"]

    def test_a_name_of_its_own_stays(self) -> None:
        planned = plan({"a": image().rename("DAPI"), "b": image()}, transforms=TWO)
        assert planned.image("a").multiscale.name == "DAPI"

    @pytest.mark.parametrize("as_tree", [True, False])
    def test_they_lie_at_any_depth(self, as_tree: bool) -> None:
        paths = {"left/0": node(), "left/1": node(), "c": node()}
        ways = scene(*(way(f"{path}/physical") for path in paths))
        tree = xr.DataTree.from_dict(paths) if as_tree else paths
        assert [*plan(tree, transforms=ways).images] == ["c", "left/0", "left/1"]

    def test_what_transformations_name_tells_images_from_levels(self) -> None:
        tree = xr.DataTree.from_dict({"a/0": node(), "a/1": coarse()})
        as_levels = scene(way("a/physical"))
        assert [*plan(tree, transforms=as_levels).images] == ["a"]
        as_images = scene(way("a/0/physical"), way("a/1/physical"))
        assert [*plan(tree, transforms=as_images).images] == ["a/0", "a/1"]

    def test_a_pyramid_and_label_images_come_along(self) -> None:
        cells = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"))
        tree = xr.DataTree.from_dict(
            {
                "a/0": node(),
                "a/1": coarse(),
                "a/labels/cells": cells.to_dataset(name="labels"),
            }
        )
        planned = plan(tree, transforms=scene(way("a/physical")))
        assert {"a/0", "a/1", "a/labels/cells/0"} <= {*planned.arrays}

    def test_the_options_are_for_every_image(self) -> None:
        planned = plan({"a": image(), "b": image()}, transforms=TWO, chunks=4)
        assert {node.layout.chunks for node in planned.arrays.values()} == {(4, 4)}

    def test_attributes_are_those_of_the_root(self) -> None:
        tree = xr.DataTree.from_dict({"a": node(), "b": node()})
        tree.attrs = {"microscope": "M1", "day": 3}
        planned = plan(tree, transforms=TWO, attrs={"day": 4})
        assert planned.group("").attrs == {"microscope": "M1", "day": 4}
        assert planned.group("a").attrs == {}

    def test_there_is_at_least_one(self) -> None:
        with pytest.raises(OptionError, match="no images; give a tree whose nodes"):
            plan(xr.DataTree(), transforms=TWO)

    def test_the_root_is_none(self) -> None:
        tree = xr.DataTree.from_dict({"/": node(), "/labels/cells": node()})
        with pytest.raises(OptionError, match="write one image with to_image"):
            plan(tree, transforms=TWO)

    def test_one_lies_in_no_other(self) -> None:
        ways = scene(way("a/physical"), way("a/b/physical"))
        with pytest.raises(MetadataError, match="'a/b' lies in image 'a'"):
            plan({"a": image(), "a/b": image()}, transforms=ways)

    def test_one_name_is_not_for_all(self) -> None:
        with pytest.raises(OptionError, match="a scene has 2 images; name their"):
            plan({"a": image(), "b": image()}, transforms=TWO, name="cells")

    def test_an_array_is_no_scene(self) -> None:
        with pytest.raises(TypeError, match="mapping of images by path, not from"):
            plan(image(), transforms=TWO)

    def test_one_that_was_placed_elsewhere_is_not_placed_again(self) -> None:
        axes = tuple(Axis(name=n, type="space", unit="micrometer") for n in "yx")
        names = {"world": "world", "a/physical": "physical"}
        systems = {k: CoordinateSystem(name=n, axes=axes) for k, n in names.items()}
        placed = image()
        placed.encoding[FRAME_KEY] = Frame("world", systems)
        for obj in (placed, placed.to_dataset(name="image")):
            with pytest.raises(TransformationError, match="positions in 'world', wh"):
                plan({"a": obj, "b": image()}, transforms=TWO)
        placed.encoding[FRAME_KEY] = Frame("a/physical", systems)
        assert [*plan({"a": placed, "b": image()}, transforms=TWO).images] == ["a", "b"]


class TestVersions:
    def test_the_first_with_scenes_is_taken(self) -> None:
        first = next(
            name for name in registry.SUPPORTED if registry.get(name).features.systems
        )
        planned = plan({"a": image(), "b": image()}, transforms=TWO)
        assert planned.version.name == scene_version(None).name == first

    def test_an_earlier_one_is_refused_with_it(self) -> None:
        with pytest.raises(NotInVersionError, match=r"0\.5 has no scenes; leave vers"):
            plan({"a": image()}, transforms=TWO, version="0.5", lossy=True)


class TestTransformations:
    def test_they_are_written_as_they_are_given(self) -> None:
        given = scene(
            way("a/physical", name="stage", type="scale", scale=[2, 2]),
            way("a/physical", "b/physical"),
        )
        assert told(plan({"a": image(), "b": image()}, transforms=given)) == given

    def test_they_may_be_models(self) -> None:
        model = Scene(**TWO).model_copy(update={"microscope": "M1"})
        planned = plan({"a": image(), "b": image()}, transforms=model)
        assert told(planned) == {**TWO, "microscope": "M1"}

    def test_without_any_an_example_is_shown(self) -> None:
        with pytest.raises(OptionError) as raised:
            plan({"tile_7": image()})
        message = str(raised.value)
        start = message.index("transforms=") + len("transforms=")
        # The example is one: it can be given as it is.
        shown = eval(message[start:])
        assert told(plan({"tile_7": image()}, transforms=shown)) == shown

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            (way("c/physical"), "input names the path 'c', where no image is; there"),
            (way("b/stage"), "'stage', and 'b' has 'physical'; name one that it"),
            (way("b/physical", "atlas"), "'atlas', and the scene itself has 'world'"),
            (
                way("b/physical", type="translation", translation=[1, 2, 3]),
                "'translation' of 3 axes, and is given 2",
            ),
            (
                way("b/physical", type="projectAxis", droppedInputs=[0]),
                "gives 1 axes, and the system that it leads to has 2",
            ),
            (way("b/labels/x/physical"), "'b/labels/x', where no image is"),
        ],
    )
    def test_what_they_name_is_there_and_fits(self, given: Json, message: str) -> None:
        ways = scene(way("a/physical"), way("b/physical"), given)
        with pytest.raises((MetadataError, TransformationError), match=message):
            plan({"a": image(), "b": image()}, transforms=ways)

    def test_everything_wrong_is_told_at_once(self) -> None:
        bad = xr.DataArray(np.zeros((2, 2), complex), dims=("y", "x"))
        ways = scene(way("c/physical"), way("bad/nothing"), way("b/other"))
        with pytest.raises(OmeZarrErrorGroup) as raised:
            plan({"a": image(), "b": image(), "bad": bad}, transforms=ways)
        text = str(raised.value)
        assert "path 'c'" in text
        assert "complex128" in text
        assert "'b' has 'physical'" in text
        # What cannot be planned has no systems to speak of.
        assert "nothing" not in text

    def test_images_that_hang_loose_are_named(self) -> None:
        images = {name: image() for name in "abcd"}
        ways = scene(way("a/physical"), way("b/physical", "c/physical"))
        with pytest.raises(TransformationError) as raised:
            plan(images, transforms=ways)
        assert "joins image 'b', image 'c', image 'd' to system 'world'" in str(
            raised.value
        )

    def test_a_system_of_the_scene_that_nothing_leads_to_is_named(self) -> None:
        ways = scene(
            way("a/physical"), way("b/physical"), systems=[system(), system("atlas")]
        )
        with pytest.raises(TransformationError, match="joins system 'atlas' to system"):
            plan({"a": image(), "b": image()}, transforms=ways)

    def test_images_may_be_joined_without_a_system_of_the_scene(self) -> None:
        ways = scene(way("a/physical", "b/physical"), systems=[])
        planned = plan({"a": image(), "b": image()}, transforms=ways)
        assert "coordinateSystems" not in told(planned)

    def test_further_systems_of_an_image_can_be_ends(self) -> None:
        to_stage = way("physical", "stage", type="scale", scale=[2, 2])
        keys = {
            "coordinateSystems": [system("physical"), system("stage")],
            "coordinateTransformations": [to_stage],
        }
        tree = xr.DataTree.from_dict({"a": node(), "b": node()})
        tree["a"].attrs["ome"] = {"multiscales": [{"index": 0, **keys}]}
        ways = scene(way("a/stage"), way("b/physical"))
        planned = plan(tree, transforms=ways)
        names = [s.name for s in planned.image("a").multiscale.coordinate_systems]
        assert names == ["physical", "stage"]

    def test_a_label_image_can_be_an_end(self) -> None:
        cells = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"))
        labels = cells.to_dataset(name="labels")
        tree = xr.DataTree.from_dict({"a": node(), "a/labels/cells": labels})
        ways = scene(way("a/labels/cells/physical"))
        assert [*plan(tree, transforms=ways).images] == ["a", "a/labels/cells"]

    @pytest.mark.parametrize(
        "moved",
        [
            {"type": "identity"},
            {
                "type": "sequence",
                "transformations": [{"type": "translation", "translation": [1, 2]}],
            },
        ],
    )
    def test_another_unit_without_a_scale_is_warned_of_once(self, moved: Json) -> None:
        ways = scene(
            *(way(f"{path}/physical", **moved) for path in "ab"),
            systems=[system(unit="millimeter")],
        )
        with pytest.warns(OmeZarrWarning, match="'a/physical', 'b/physical': axis 'y'"):
            plan({"a": image(), "b": image()}, transforms=ways)

    def test_another_unit_with_a_scale_is_right(self) -> None:
        ways = scene(
            way("a/physical", type="scale", scale=[0.001, 0.001]),
            systems=[system(unit="millimeter")],
        )
        assert told(plan({"a": image()}, transforms=ways)) == ways


class TestNumbers:
    STORED = scene(way("a/physical"), way("b/physical", type="affine", path="reg/b"))

    def test_a_matrix_is_given_with_the_transformations(self) -> None:
        given = {**self.STORED, "arrays": {"reg/b": MATRIX}}
        planned = plan({"a": image(), "b": image()}, transforms=given)
        stored = planned.array("reg/b")
        assert (stored.dims, stored.dtype) == (("output", "input"), np.float64)
        np.testing.assert_array_equal(stored.given[:, :], MATRIX)
        assert planned.group("reg") == GroupNode()
        assert told(planned) == self.STORED

    @pytest.mark.parametrize("is_marked", [True, False])
    @pytest.mark.parametrize("path", ["reg/b", "matrix", "b/matrix"])
    def test_a_matrix_is_a_node_of_the_tree(self, path: str, is_marked: bool) -> None:
        matrix = xr.Dataset({"parameters": (("output", "input"), MATRIX)})
        tree = xr.DataTree.from_dict({"a": node(), "b/0": node(), path: matrix})
        if is_marked:
            tree[path].encoding[KIND_KEY] = "parameters"
        ways = scene(way("a/physical"), way("b/physical", type="affine", path=path))
        planned = plan(tree, transforms=ways)
        assert {*planned.arrays} == {"a/0", "b/0", path}
        np.testing.assert_array_equal(planned.array(path).given[:, :], MATRIX)

    def test_one_that_nothing_names_is_left_out_with_a_warning(self) -> None:
        matrix = xr.Dataset({"parameters": (("output", "input"), MATRIX)})
        tree = xr.DataTree.from_dict({"a": node(), "b": node(), "reg/b": matrix})
        with pytest.warns(OmeZarrWarning, match="Matrices at 'reg/b' are left out"):
            planned = plan(tree, transforms=TWO)
        assert [*planned.arrays] == ["a/0", "b/0"]

    def test_one_that_is_missing_is_named(self) -> None:
        with pytest.raises(MetadataError, match=r"'reg/b'.*is missing.*'arrays'"):
            plan({"a": image(), "b": image()}, transforms=self.STORED)

    def test_its_size_is_that_of_the_systems(self) -> None:
        given = {**self.STORED, "arrays": {"reg/b": np.eye(4)[:2]}}
        with pytest.raises(TransformationError, match="of 3 axes, and is given 2"):
            plan({"a": image(), "b": image()}, transforms=given)

    @pytest.mark.parametrize("path", ["b", "b/0"])
    def test_it_takes_no_place_of_an_image(self, path: str) -> None:
        given = scene(
            way("a/physical"),
            way("b/physical", type="affine", path=path),
            arrays={path: MATRIX},
        )
        with pytest.raises(MetadataError, match="a part of the image 'b' is"):
            plan({"a": image(), "b": image()}, transforms=given)

    def test_a_field_is_an_image_of_vectors(self) -> None:
        places = {"y": [0.0, 2.0, 4.0], "x": [0.0, 2.0, 4.0]}
        field = xr.DataArray(
            np.zeros((2, 3, 3)), dims=("displacement", "y", "x"), coords=places
        )
        given = scene(
            way("a/physical"),
            way("b/physical", type="displacements", path="warp"),
            arrays={"warp": field},
        )
        planned = plan({"a": image(), "b": image()}, transforms=given)
        axes = planned.image("warp").multiscale.axes
        assert [axis.type for axis in axes] == ["displacement", "space", "space"]
        # Positions of the field are those of the image that it starts from.
        assert [axis.unit for axis in axes] == [None, "micrometer", "micrometer"]
        assert planned.array("warp/0").shape == (2, 3, 3)


class TestAsRead:
    KEPT = TWO | {"microscope": "M1"}

    def tree(self, *names: str) -> xr.DataTree:
        tree = xr.DataTree.from_dict({name: node() for name in names})
        tree.attrs = {"day": 3, "ome": {"scene": self.KEPT, "project": "P"}}
        axes = tuple(Axis(name=n, type="space", unit="micrometer") for n in "yx")
        known = {
            key: CoordinateSystem(name=key.rpartition("/")[2], axes=axes)
            for key in ("world", "a/physical", "b/physical")
        }
        tree.encoding[FRAME_KEY] = Frame(None, known)
        return tree

    def test_the_scene_and_unknown_keys_stay(self) -> None:
        planned = plan(self.tree("a", "b"))
        root = planned.group("")
        assert root.attrs == {"day": 3}
        assert root.model is not None
        spelled = planned.version.to_attrs(root.model)["ome"]
        assert spelled["scene"] == self.KEPT
        assert spelled["project"] == "P"

    def test_what_is_given_takes_its_place(self) -> None:
        given = scene(way("a/physical", "b/physical"), systems=[])
        assert "microscope" not in told(plan(self.tree("a", "b"), transforms=given))

    def test_transformations_of_images_that_left_go_with_a_warning(self) -> None:
        with pytest.warns(OmeZarrWarning, match="Transformations of 'b' are left out"):
            planned = plan(self.tree("a"))
        ways = told(planned)["coordinateTransformations"]
        assert [way["input"]["path"] for way in ways] == ["a"]

    def test_an_image_that_came_needs_one(self) -> None:
        with pytest.raises(TransformationError, match="joins image 'c' to"):
            plan(self.tree("a", "b", "c"))

    def test_images_that_are_cut_keep_theirs(self) -> None:
        tree = self.tree("a", "b")
        tree["a"] = tree["a"].to_dataset().isel(y=slice(2, 5))
        planned = plan(tree)
        assert told(planned) == told(plan(self.tree("a", "b")))
        assert planned.image("a").multiscale.levels[0].translation == (1.0, 0.0)

    def test_images_in_another_unit_are_refused(self) -> None:
        tree = self.tree("a", "b")
        tree["a"] = node(unit="mm")
        with pytest.raises(MetadataError, match=r"y \(millimeter\).*and were y \(micr"):
            plan(tree)
