"""Names of methods, and where the values they make stand."""

from __future__ import annotations

import functools
import sys
from typing import Any

import pytest

from xarray_omezarr.errors import (
    DataTypeError,
    MissingDependencyError,
    OptionError,
)
from xarray_omezarr.pixels.methods import (
    METHODS,
    check_method,
    check_method_for,
    method_name,
    overlap,
    position,
)

SMOOTH = {"resize", "zoom", "gaussian", "laplacian"}


def brightest(block: Any, factors: tuple[int, ...]) -> Any:
    return block.max()


class Sharpest:
    def __call__(self, block: Any, factors: tuple[int, ...]) -> Any:
        return block


def test_the_methods_are_those_that_are_documented() -> None:
    documented = {"mean", "local_mean", "nearest", "mode", "max", "min", "median"}
    assert set(METHODS) == documented | SMOOTH


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


# -- Methods and types ----------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["?", "u1", "u8"])
def test_a_band_pass_of_pixels_without_a_sign_is_refused_with_the_reason(
    dtype: str,
) -> None:
    with pytest.raises(DataTypeError, match=r"below zero, which .* cannot hold"):
        check_method_for("laplacian", dtype)


@pytest.mark.parametrize("dtype", ["i1", ">i2", "i8", "f2", "f4", "f8"])
@pytest.mark.parametrize("method", METHODS)
def test_numbers_with_a_sign_suit_every_method(method: str, dtype: str) -> None:
    check_method_for(method, dtype)


@pytest.mark.parametrize("method", [m for m in METHODS if m != "nearest"])
def test_pixels_that_are_no_numbers_suit_none_but_nearest(method: str) -> None:
    check_method_for("nearest", "c16")
    check_method_for(brightest, "c16")
    with pytest.raises(DataTypeError, match="complex128; use method='nearest'"):
        check_method_for(method, "c16")


def test_an_unknown_method_suits_no_type() -> None:
    with pytest.raises(OptionError, match="did you mean 'zoom'"):
        check_method_for("zoon", "u1")


@pytest.mark.parametrize("module", ["skimage", "scipy"])
@pytest.mark.parametrize("method", sorted(SMOOTH))
def test_without_the_extra_the_pip_line_is_given(
    monkeypatch: pytest.MonkeyPatch, method: str, module: str
) -> None:
    for name in (module, f"{module}.transform", f"{module}.ndimage"):
        monkeypatch.setitem(sys.modules, name, None)
    for ask in (
        lambda: check_method_for(method, "f4"),
        lambda: overlap(method, (1, 2, 2)),
    ):
        with pytest.raises(MissingDependencyError) as caught:
            ask()
        assert "pip install 'xarray-omezarr[resize]'" in str(caught.value)
        assert repr(method) in str(caught.value)
    check_method_for("mean", "f4")


# -- Surroundings ---------------------------------------------------------------------


@pytest.mark.parametrize("method", [*sorted(set(METHODS) - SMOOTH), brightest])
def test_methods_of_bins_and_functions_need_nothing_around(method: Any) -> None:
    assert overlap(method, (2, 1, 3)) == (0, 0, 0)


@pytest.mark.parametrize("method", sorted(SMOOTH))
@pytest.mark.parametrize("factor", [2, 3, 4, 5, 7, 16])
def test_surroundings_are_whole_bins_along_the_axes_that_shrink(
    method: str, factor: int
) -> None:
    one, along, other = overlap(method, (1, factor, 2))
    assert one == 0
    assert along % factor == 0
    assert other == overlap(method, (2,))[0] > 0


def test_surroundings_are_those_of_the_kernels() -> None:
    # Halving: scikit-image cuts Gaussians at 4 sigma, after rounding 2 pixels for
    # sigma 1/2 and 3 for 2/3; the two pixels of the bin see so far, so that the
    # first looks 2 or 3 further than the bin. Whole bins of that are 2 and 4.
    assert overlap("resize", (2,)) == (2,)
    assert overlap("gaussian", (2,)) == (4,)
    # Smoothing again looks 3 coarse pixels further.
    assert overlap("laplacian", (2,)) == (10,)
