"""Which axes make an image."""

from __future__ import annotations

import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff import Axis, CoordinateSystem
from xarray_omezarr.ngff.axes import AXES_RULES, AxesRule, advice, check_axes

TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}


def axes(names: str) -> list[Axis]:
    """Axes with one-letter names; those that are not tczyx are of a custom type."""
    return [Axis(name=name, type=TYPES.get(name, "angle")) for name in names]


@pytest.mark.parametrize(
    "names", ["yx", "zyx", "cyx", "tyx", "tczyx", "czyx", "tzyx", "ayx", "tazyx", "xyz"]
)
def test_axes_of_images_are_allowed(names: str) -> None:
    assert check_axes(axes(names)) == []


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ("x", "has 1 axes .*: images have 2 to 5"),
        ("tczyxa", "has 6 axes"),
        ("cyy", r"several axes called \['y'\]"),
        ("tcx", "has 1 axes of type 'space'"),
        ("tc", "has 0 axes of type 'space'"),
        ("acyx", "has 2 axes that are channels, custom or without type"),
        ("abyx", "has 2 axes that are channels, custom or without type"),
        ("zyxt", "in the order .*transpose to 't' .time., 'z' "),
        ("ctyx", "transpose to 't' .time., 'c' .channel., 'y'"),
        ("yxc", "transpose to 'c' .channel., 'y' .space., 'x' .space."),
        ("ycx", "time comes first, then the channel or custom axis, then space"),
    ],
)
def test_axes_that_make_no_image_are_told_apart(names: str, problem: str) -> None:
    found = "\n".join(check_axes(axes(names)))
    with pytest.raises(MetadataError, match=problem):
        raise MetadataError(found)


def test_at_most_three_axes_are_space() -> None:
    four = [Axis(name=name, type="space") for name in "wzyx"]
    assert [text[:28] for text in check_axes(four)] == ["has 4 axes of type 'space' i"]


def test_at_most_one_axis_is_time() -> None:
    two = [Axis(name="t", type="time"), Axis(name="s", type="time"), *axes("yx")]
    assert check_axes(two) == [
        "has 2 axes of type 'time', ['t', 's']: images have one at most"
    ]


def test_an_axis_without_type_takes_the_place_of_the_channel() -> None:
    untyped = Axis(name="angle")
    assert check_axes([*axes("t"), untyped, *axes("zyx")]) == []
    assert len(check_axes([*axes("c"), untyped, *axes("yx")])) == 1
    assert len(check_axes([*axes("zyx"), untyped])) == 1


def test_other_rules_can_take_the_place_of_the_table() -> None:
    fussy = AxesRule("There is a z", lambda axes: None if "z" in str(axes) else "no z")
    assert check_axes(axes("tc"), rules=()) == []
    assert check_axes(axes("yx"), rules=[fussy]) == ["no z"]


def test_every_rule_of_the_table_has_its_clause() -> None:
    assert len({rule.clause for rule in AXES_RULES}) == len(AXES_RULES) == 6


def test_an_axis_needs_a_name_that_is_not_empty() -> None:
    with pytest.raises(MetadataError, match="Axis /name is '': give at least one"):
        Axis(name="")


def test_a_unit_that_is_null_is_no_unit() -> None:
    axis = Axis.model_validate({"name": "x", "type": "space", "unit": None})
    assert axis == Axis(name="x", type="space")
    assert axis.to_json() == {"name": "x", "type": "space"}


def test_a_system_may_hold_axes_that_make_no_image() -> None:
    # Systems that images are mapped to have axes of their own kinds.
    system = CoordinateSystem(name="world", axes=(Axis(name="i", type="array"),))
    assert system.axes[0].type == "array"


def test_names_in_a_system_are_unique() -> None:
    with pytest.raises(MetadataError, match=r"/axes has several axes called \['x'\]"):
        CoordinateSystem(name="world", axes=(Axis(name="x"), Axis(name="x")))


class TestAdvice:
    def test_perfect_axes_need_none(self) -> None:
        units = {"time": "second", "channel": None, "space": "micrometer"}
        perfect = [
            Axis(name=a.name, type=a.type, unit=units[a.type or ""])
            for a in axes("tczyx")
        ]
        assert advice(perfect) == []

    @pytest.mark.parametrize(
        ("axis", "words"),
        [
            (Axis(name="q"), "'q' has no type"),
            (Axis(name="y", type="space"), "'y' has no unit"),
            (Axis(name="t", type="time"), "'t' has no unit"),
            (Axis(name="y", type="space", unit="micron"), "the unit 'micron'"),
            (Axis(name="t", type="time", unit="meter"), "the unit 'meter'"),
        ],
    )
    def test_one_slip_gets_one_sentence(self, axis: Axis, words: str) -> None:
        found = advice([axis])
        assert len(found) == 1
        assert words in found[0]

    def test_a_custom_axis_may_have_any_unit(self) -> None:
        assert advice([Axis(name="angle", type="angle", unit="degree")]) == []

    def test_three_space_axes_are_wanted_as_zyx(self) -> None:
        space = [Axis(name=n, type="space", unit="meter") for n in "xyz"]
        assert advice(space) == [
            "Space axes have the order ['x', 'y', 'z']: readers expect ['z', 'y', 'x']"
        ]
        assert advice(space[::-1]) == []
        assert advice(space[:2]) == []
