"""Errors: each is the builtin it stands for, several come together."""

from __future__ import annotations

import pickle
import warnings

import pytest

from xarray_omezarr import errors
from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    OmeZarrError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    Problems,
    UnitError,
    raise_together,
)

BUILTINS = {
    "CoordinateError": ValueError,
    "UnitError": ValueError,
    "AxisError": ValueError,
    "DataTypeError": TypeError,
    "LayoutError": ValueError,
    "OptionError": ValueError,
    "PlateError": ValueError,
    "MetadataError": ValueError,
    "OutsideError": KeyError,
    "TransformationError": ValueError,
    "UnknownVersionError": ValueError,
    "NotInVersionError": ValueError,
    "TargetExistsError": FileExistsError,
    "TargetNotFoundError": FileNotFoundError,
    "NotOmeZarrError": ValueError,
    "NotWritableError": PermissionError,
    "NoPixelsError": ValueError,
    "LockedError": TimeoutError,
    "ReplacedError": RuntimeError,
    "MissingDependencyError": ImportError,
    "OmeZarrErrorGroup": ValueError,
}


def own_errors():
    return {
        name: value
        for name, value in vars(errors).items()
        if isinstance(value, type)
        and issubclass(value, OmeZarrError)
        and value is not OmeZarrError
    }


def test_the_table_lists_every_error() -> None:
    assert set(own_errors()) == set(BUILTINS)


@pytest.mark.parametrize(("name", "builtin"), BUILTINS.items())
def test_every_error_is_ours_and_a_builtin_but_never_an_attribute_error(
    name, builtin
) -> None:
    # xarray takes an AttributeError of an accessor for an accessor that is missing.
    error = own_errors()[name]
    assert issubclass(error, OmeZarrError)
    assert issubclass(error, builtin)
    assert not issubclass(error, AttributeError)


@pytest.mark.parametrize("name", sorted(set(BUILTINS) - {"OmeZarrErrorGroup"}))
def test_the_message_is_what_is_shown(name) -> None:
    assert str(own_errors()[name]("what, where, seen, do this")) == (
        "what, where, seen, do this"
    )


@pytest.mark.parametrize("name", sorted(set(BUILTINS) - {"OmeZarrErrorGroup"}))
def test_errors_travel_between_processes(name) -> None:
    error = own_errors()[name]("message")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == "message"


def test_a_name_that_is_taken_is_a_file_that_exists_and_a_wrong_value() -> None:
    assert issubclass(errors.TargetExistsError, FileExistsError)
    assert issubclass(errors.TargetExistsError, ValueError)


class TestGroup:
    group = OmeZarrErrorGroup("Cannot", [UnitError("a unit"), AxisError("an axis")])

    def test_its_text_holds_every_problem(self) -> None:
        assert str(self.group) == "Cannot\n- a unit\n- an axis"

    def test_it_is_caught_as_ours_as_a_value_error_and_member_by_member(self) -> None:
        with pytest.raises(OmeZarrError):
            raise self.group
        with pytest.raises(ValueError, match="Cannot"):
            raise self.group
        seen = []
        try:
            raise self.group
        except* UnitError as units:
            seen += units.exceptions
        except* AxisError as axes:
            seen += axes.exceptions
        assert [str(error) for error in seen] == ["a unit", "an axis"]

    def test_a_part_of_it_is_a_group_of_ours(self) -> None:
        matching, rest = self.group.split(UnitError)
        assert type(matching) is OmeZarrErrorGroup
        assert [str(e) for e in rest.exceptions] == ["an axis"]


class TestTogether:
    def test_no_problem_raises_nothing(self) -> None:
        raise_together([], "Cannot")

    def test_one_problem_is_raised_as_itself(self) -> None:
        problem = UnitError("a unit")
        with pytest.raises(UnitError) as caught:
            raise_together([problem], "Cannot")
        assert caught.value is problem

    def test_several_are_raised_as_a_group_that_counts_them(self) -> None:
        with pytest.raises(OmeZarrErrorGroup, match="Cannot: 2 problems"):
            raise_together([UnitError("a"), AxisError("b")], "Cannot")


class TestProblems:
    def test_problems_are_noted_and_the_work_goes_on(self) -> None:
        problems = Problems()
        assert not problems
        with problems.collected():
            raise UnitError("a")
        assert problems
        with problems.collected():
            raise CoordinateError("b")
        with pytest.raises(OmeZarrErrorGroup) as caught:
            problems.raise_all("Cannot")
        assert [str(e) for e in caught.value.exceptions] == ["a", "b"]

    def test_groups_are_taken_apart(self) -> None:
        problems = Problems()
        with problems.collected():
            raise OmeZarrErrorGroup("inner", [UnitError("a"), AxisError("b")])
        with problems.collected():
            raise CoordinateError("c")
        with pytest.raises(OmeZarrErrorGroup, match="3 problems"):
            problems.raise_all("Cannot")

    def test_errors_of_others_are_not_hidden(self) -> None:
        with pytest.raises(ZeroDivisionError), Problems().collected():
            _ = 1 / 0

    def test_without_problems_nothing_is_raised(self) -> None:
        Problems().raise_all("Cannot")


def test_a_warning_points_at_the_line_that_led_to_it() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        errors.warn("look here")
    assert caught[0].category is OmeZarrWarning
    assert caught[0].filename == __file__


def test_long_lists_are_shortened() -> None:
    assert errors.some(["a", "b"]) == "a, b"
    assert errors.some([*"abcdefg"]) == "a, b, c, d, e and 2 more"
