"""Names of methods, and where the values they make stand."""

from __future__ import annotations

import functools
from typing import Any

import pytest

from xarray_omezarr.errors import OptionError
from xarray_omezarr.pixels.methods import (
    METHODS,
    check_method,
    method_name,
    position,
)


def brightest(block: Any, factors: tuple[int, ...]) -> Any:
    return block.max()


class Sharpest:
    def __call__(self, block: Any, factors: tuple[int, ...]) -> Any:
        return block


def test_the_methods_are_those_that_are_documented() -> None:
    documented = {"mean", "local_mean", "nearest", "mode", "max", "min", "median"}
    assert set(METHODS) == documented


@pytest.mark.parametrize("method", [*METHODS, brightest, Sharpest()])
def test_methods_and_functions_are_accepted(method: Any) -> None:
    check_method(method)


@pytest.mark.parametrize(
    ("method", "meant"),
    [("Mean", "mean"), ("neerest", "nearest"), ("average_mode", None), ("auto", None)],
)
def test_a_wrong_name_is_answered_with_the_right_ones(
    method: str, meant: str | None
) -> None:
    with pytest.raises(OptionError) as caught:
        check_method(method)
    message = str(caught.value)
    assert repr(method) in message
    assert all(repr(name) in message for name in METHODS)
    assert ("did you mean" in message) == (meant is not None)
    assert meant is None or f"did you mean {meant!r}?" in message


@pytest.mark.parametrize("method", [None, 2, ("mean",)])
def test_what_is_no_name_is_refused(method: Any) -> None:
    with pytest.raises(OptionError, match="Unknown method"):
        check_method(method)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "nearest"])
def test_values_of_blocks_stand_in_the_centre(method: str) -> None:
    assert position(method) == "centre"


def test_sampled_values_stand_on_the_first_pixel() -> None:
    assert position("nearest") == "first"


def test_values_of_functions_stand_in_the_centre() -> None:
    assert position(brightest) == "centre"


def test_an_unknown_method_has_no_position_and_no_name() -> None:
    for ask in (position, method_name):
        with pytest.raises(OptionError, match="Unknown method 'bicubic'"):
            ask("bicubic")


def test_names_tell_functions_apart() -> None:
    assert method_name("local_mean") == "local_mean"
    assert method_name(brightest) == "brightest"
    assert method_name(functools.partial(brightest, factors=(1,))) == "brightest"
    assert method_name(Sharpest()) == "Sharpest"
