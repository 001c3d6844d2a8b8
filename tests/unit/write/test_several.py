"""Several images planned together: what is said of each."""

from __future__ import annotations

import warnings

import pytest

from xarray_omezarr.errors import (
    AxisError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    OptionError,
    raise_together,
    warn,
)
from xarray_omezarr.write.several import Said


def test_nothing_is_said_of_what_is_right() -> None:
    said = Said()
    with said.about("0"):
        pass
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        said.close("This cannot be written")


def test_every_problem_is_told_with_the_path_of_its_image() -> None:
    said = Said()
    with said.about("a"):
        raise AxisError("too few dims")
    with said.about("b"):
        raise_together([AxisError("no y"), OptionError("no chunks")], "b is wrong")
    with pytest.raises(OmeZarrErrorGroup, match="These are wrong: 3 problems") as told:
        said.close("These are wrong")
    kinds = [(type(problem), str(problem)) for problem in told.value.exceptions]
    assert kinds == [
        (AxisError, "'a': too few dims"),
        (AxisError, "'b': no y"),
        (OptionError, "'b': no chunks"),
    ]


def test_what_many_say_is_told_once() -> None:
    said = Said()
    for number in range(10):
        with said.about(str(number)):
            warn("the unit is odd")
            raise AxisError("too few dims")
    with pytest.raises(AxisError, match="'0', '1', '2' and 7 more: too few dims"):
        said.close("These are wrong")


def test_warnings_are_told_where_nothing_is_wrong() -> None:
    said = Said()
    for path in ("a", "b"):
        with said.about(path):
            warn("the unit is odd")
    with pytest.warns(OmeZarrWarning, match="'a', 'b': the unit is odd") as told:
        said.close("These are wrong")
    assert len(told) == 1


def test_it_is_known_whether_there_was_something_to_say_of_the_last() -> None:
    said = Said()
    with said.about("a"):
        warn("the unit is odd")
    assert said.tells_of("a")
    with said.about("b"):
        pass
    assert not said.tells_of("b")
    with said.about("c"):
        raise AxisError("too few dims")
    assert said.tells_of("c")


def test_warnings_of_others_are_passed_on() -> None:
    said = Said()
    with pytest.warns(FutureWarning, match="soon gone"), said.about("a"):
        warnings.warn("soon gone", FutureWarning, stacklevel=1)
    assert said.warnings == {}


def test_endless_problems_are_counted() -> None:
    said = Said()
    for number in range(100):
        with said.about(str(number)):
            raise AxisError(f"problem {number}")
    with pytest.raises(OmeZarrErrorGroup, match="the first 30 of 100") as told:
        said.close("These are wrong")
    assert len(told.value.exceptions) == 30


def test_errors_of_others_are_not_held_back() -> None:
    said = Said()
    with pytest.raises(ZeroDivisionError), said.about("a"):
        1 / 0  # noqa: B018
