import warnings
from typing import Any

import pytest

from xarray_omezarr.errors import MetadataError, OmeZarrWarning
from xarray_omezarr.ngff import Axis, Level, Multiscale
from xarray_omezarr.ngff.spaces import parse, spaces, with_spaces

AXES = [{"name": name, "type": "space", "unit": "meter"} for name in "yx"]


def system(name: str, axes: Any = AXES) -> dict[str, Any]:
    return {"name": name, "axes": axes}


def way(start: str, end: str, **told: Any) -> dict[str, Any]:
    told = told or {"type": "scale", "scale": [2.0, 3.0]}
    return {**told, "input": {"name": start}, "output": {"name": end}}


KEYS = {
    "coordinateSystems": [system("world"), system("physical"), system("stage")],
    "intrinsic": "physical",
    "coordinateTransformations": [way("physical", "world"), way("stage", "physical")],
}


def picture(axes: Any = AXES) -> Multiscale:
    return Multiscale.of(
        [Axis.model_validate(axis) for axis in axes], [Level.of("0", (1.0, 1.0))]
    )


def test_systems_and_ways_are_parsed_and_told_again() -> None:
    found = parse(KEYS)
    assert [one.name for one in found.systems] == ["world", "physical", "stage"]
    assert found.intrinsic == "physical"
    assert found.own is found.systems[1]
    assert [one.type for one in found.ways] == ["scale", "scale"]
    assert found.keys() == KEYS


@pytest.mark.parametrize("name", [None, "gone", 3, ["world"]])
def test_without_a_name_that_there_is_the_first_system_is_the_own_one(
    name: object,
) -> None:
    assert parse({**KEYS, "intrinsic": name}).intrinsic == "world"


def test_unknown_keys_of_systems_and_ways_are_told_again() -> None:
    keys = {
        "coordinateSystems": [{**system("a"), "lab": 7}, system("b")],
        "coordinateTransformations": [{**way("a", "b"), "made": {"by": "hand"}}],
    }
    assert parse(keys).keys() == keys


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"coordinateSystems": []}, "/coordinateSystems is empty"),
        ({"coordinateSystems": [{"name": "a"}]}, "/coordinateSystems/0"),
        ({**KEYS, "coordinateTransformations": [3]}, "/coordinateTransformations/0"),
        (
            {**KEYS, "coordinateTransformations": [{"type": "scale", "scale": "x"}]},
            "/coordinateTransformations/0",
        ),
    ],
)
def test_slips_are_told_with_their_place(keys: Any, told: str) -> None:
    with pytest.raises(MetadataError, match=told):
        parse(keys)


def test_a_picture_gives_what_makes_it_again() -> None:
    made = with_spaces(picture(), KEYS)
    assert spaces(made) == KEYS
    assert made.system.name == "physical"


ARRAYS = {
    "coordinateSystems": [system("physical"), system("a"), system("b"), system("c")],
    "coordinateTransformations": [
        way("physical", "a", type="affine", path="numbers/a"),
        way(
            "physical",
            "b",
            type="bijection",
            forward={"type": "displacements", "path": "./there"},
            inverse={"type": "displacements", "path": "back"},
        ),
        way("physical", "c"),
    ],
}


def test_ways_with_arrays_are_kept_where_all_of_their_arrays_come_along() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        made = with_spaces(picture(), ARRAYS, {"numbers/a", "there", "back"})
    assert spaces(made) == ARRAYS


def test_ways_whose_arrays_stay_behind_are_left_out_with_their_systems() -> None:
    with pytest.warns(OmeZarrWarning) as found:
        made = with_spaces(picture(), ARRAYS, {"numbers/a", "there"})
    assert [one.name for one in made.coordinate_systems] == ["physical", "a", "c"]
    assert [str(one.message)[:40] for one in found] == [
        "Transformations are left out whose numbe",
        "Coordinate systems ['b'] are left out: n",
    ]
    assert "at ['back']" in str(found[0].message)


def test_without_arrays_no_way_that_names_one_is_kept() -> None:
    with pytest.warns(OmeZarrWarning):
        made = with_spaces(picture(), ARRAYS)
    assert [one.type for one in made.between_systems] == ["scale"]


def test_a_path_that_leads_elsewhere_is_not_among_the_arrays() -> None:
    keys = {
        **KEYS,
        "coordinateTransformations": [
            way("physical", "world", type="affine", path="../other"),
            way("physical", "stage"),
        ],
    }
    with pytest.warns(OmeZarrWarning) as found:
        with_spaces(picture(), keys, {"other"})
    assert "['../other']" in str(found[0].message)


def test_other_axes_leave_all_systems_out() -> None:
    other = [*AXES[:1], {**AXES[1], "unit": "foot"}]
    with pytest.warns(OmeZarrWarning, match=r"\['world', 'stage'\] and 2 transf"):
        assert with_spaces(picture(other), KEYS) == picture(other)


def test_thousands_of_systems_are_linked_in_one_pass() -> None:
    count = 2000
    names = [f"s{number}" for number in range(count)]
    keys = {
        "coordinateSystems": [system(name) for name in names],
        # From the far end on, so that no order of the ways helps.
        "coordinateTransformations": [
            way(names[number], names[number + 1])
            for number in reversed(range(count - 1))
        ],
    }
    assert len(with_spaces(picture(), keys).coordinate_systems) == count
