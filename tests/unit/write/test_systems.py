"""The option transforms, as far as it can be checked without an image."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from xarray_omezarr.errors import MetadataError, OmeZarrErrorGroup, OptionError
from xarray_omezarr.ngff import (
    Affine,
    Axis,
    CoordinateSystem,
    Scene,
    SystemReference,
    Translation,
)
from xarray_omezarr.write.systems import Transforms, parse_transforms

AXES = [{"name": name, "type": "space"} for name in "yx"]
ENDS = {"input": {"name": "physical"}, "output": {"name": "world"}}
PATH = "coordinateTransformations/stage"


def ways(*told: Any, **others: Any) -> dict[str, Any]:
    return {"coordinateTransformations": [*told], **others}


def test_nothing_is_no_system_and_no_way() -> None:
    assert parse_transforms(None) == Transforms()


def test_json_and_models_say_the_same() -> None:
    told = {
        "coordinateSystems": [{"name": "world", "axes": AXES}],
        **ways({"type": "translation", "translation": [1, 2], **ENDS}),
    }
    system = CoordinateSystem(
        name="world", axes=tuple(Axis(name=n, type="space") for n in "yx")
    )
    way = Translation(
        translation=(1, 2),
        input=SystemReference(name="physical"),
        output=SystemReference(name="world"),
    )
    models = {"coordinateSystems": [system], "coordinateTransformations": (way,)}
    scene = Scene(coordinate_systems=(system,), coordinate_transformations=(way,))
    found = parse_transforms(told)
    assert found == Transforms((system,), (way,), {})
    assert parse_transforms(models) == parse_transforms(scene) == found
    assert parse_transforms(found) is found


def test_paths_are_found_inside_of_other_transformations() -> None:
    inner = {"type": "affine", "path": PATH}
    part = {"transformation": inner, "inputAxes": [0], "outputAxes": [0]}
    there = {"type": "byDimension", "transformations": [part]}
    back = {"type": "sequence", "transformations": [{"type": "rotation", "path": "r"}]}
    told = {"type": "bijection", "forward": there, "inverse": back, **ENDS}
    found = parse_transforms(ways(told, arrays={PATH: np.eye(2), "r": np.eye(2)}))
    assert {path: way.type for path, way in found.paths.items()} == {
        PATH: "affine",
        "r": "rotation",
    }


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ([], r"transforms is \[\]; give a mapping with coordinateSystems"),
        ({"scene": {}}, r"has \['scene'\]; .* \(give what is under 'scene'\)"),
        ({"coordinateSystems": {}}, r"\['coordinateSystems'\] is \{\}; give a list"),
        ({"arrays": [1]}, r"\['arrays'\] is \[1\]; give a mapping of arrays by path"),
        ({"arrays": {"a": np.eye(2)}}, "'a', which no transformation names"),
    ],
)
def test_what_is_no_description_of_systems_is_refused(value, said) -> None:
    with pytest.raises(OptionError, match=said):
        parse_transforms(value)


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (3, "is 3: give an object with a type"),
        ({"type": "spline", **ENDS}, "'spline', which the standard does not know"),
        (
            {"type": "identity", "output": {"name": "world"}},
            "names no system as its input: give 'input': .*'physical'",
        ),
        ({"type": "identity", "input": "physical", "output": {}}, "give an object"),
        ({"type": "scale", "scale": [1, -1], **ENDS}, "give an affine"),
        (
            {"type": "translation", "translation": [np.nan, 1], **ENDS},
            "is nan: give a finite number",
        ),
        ({"type": "affine", "path": "../a", **ENDS}, r"has a path that is '\.\./a'"),
        ({"type": "affine", "path": "/a", **ENDS}, "has a path that is '/a'"),
        ({"type": "rotation", "path": "s3://a", **ENDS}, "protocol"),
        (
            {"type": "coordinates", "path": "f", "interpolation": "cubic", **ENDS},
            r"'cubic', .* give one of \['nearest', 'linear'\]",
        ),
        (
            {
                "type": "identity",
                "input": {"name": "physical"},
                "output": {"name": "own", "path": "../other"},
            },
            "has an end whose path is",
        ),
    ],
)
def test_what_breaks_a_must_is_refused_with_its_place(way, said) -> None:
    with pytest.raises(MetadataError, match="^/coordinateTransformations/0.*" + said):
        parse_transforms(ways(way))


def test_faults_are_found_inside_of_other_transformations() -> None:
    inner = {"type": "displacements", "path": "f", "interpolation": "bspline-cubic"}
    told = {"type": "sequence", "transformations": [inner], **ENDS}
    with pytest.raises(MetadataError, match="bspline-cubic"):
        parse_transforms(ways(told))


def test_all_faults_are_told_together() -> None:
    system = {"name": "world", "axes": AXES}
    told = ways(
        {"type": "spline", **ENDS},
        {"type": "identity"},
        coordinateSystems=[system, system, {"name": "", "axes": []}],
        arrays=7,
    )
    with pytest.raises(OmeZarrErrorGroup) as caught:
        parse_transforms(told)
    said = [str(problem) for problem in caught.value.exceptions]
    assert len(said) == 5
    assert any("several coordinate systems called ['world']" in text for text in said)


def test_one_array_is_no_matrix_and_field_at_once() -> None:
    both = ({"type": kind, "path": "a", **ENDS} for kind in ("affine", "coordinates"))
    with pytest.raises(MetadataError, match=r"\['affine', 'coordinates'\].*'a'"):
        parse_transforms(ways(*both))


def test_one_array_may_be_named_twice() -> None:
    way = Affine(
        path="a",
        input=SystemReference(name="physical"),
        output=SystemReference(name="world"),
    )
    assert [*parse_transforms(ways(way, way)).paths] == ["a"]
