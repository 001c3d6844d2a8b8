"""Numbers, dates and durations along one dim."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from xarray_omezarr.errors import CoordinateError, OmeZarrWarning
from xarray_omezarr.grid.positions import Circumstances, place_dates, place_numbers


def about(
    axis_type: str = "space", irregular: str = "auto", **more: Any
) -> Circumstances:
    return Circumstances("q", axis_type, irregular, **more)


def dates(*texts: str, unit: str = "ns") -> NDArray[np.datetime64]:
    return np.array([f"2024-05-{text}" for text in texts], dtype=f"M8[{unit}]")


class TestNumbers:
    def test_even_ones_lie_on_a_line(self) -> None:
        placed = place_numbers(np.arange(5) * 0.1 + 2, about())
        assert (placed.scale, placed.translation, placed.regular) == (0.1, 2.0, True)

    def test_a_single_one_has_the_scale_that_is_known(self) -> None:
        single = np.array([12.7], dtype=np.float32)
        placed = place_numbers(single, about(spacing=0.5))
        assert (placed.scale, placed.translation, placed.regular) == (0.5, 12.7, True)

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            ([0.0, np.nan, 2.0], r"'q' holds NaN or infinity.*\.dropna\('q'\)"),
            ([np.nan], "'q' holds NaN or infinity"),
            ([0.0, np.inf], "'q' holds NaN or infinity"),
            ([0.0, 1e201], r"'q' holds 1e\+201, which is no position"),
            ([-1e250, 0.0], r"'q' holds -1e\+250, which is no position"),
            ([3.0, 2.0, 1.0], r"'q' descends, from 3\.0 to 1\.0.*da\.sortby\('q'\)"),
            ([3.0, 3.0, 1.0], "'q' descends"),
            ([3, 2, 1], "'q' descends, from 3 to 1"),
            ([2.0, 2.0, 2.0], r"'q' is 2\.0 everywhere.*assign_grid.*drop_vars"),
        ],
    )
    @pytest.mark.parametrize("axis_type", ["space", "time"])
    @pytest.mark.parametrize("irregular", ["auto", "raise", "keep"])
    def test_what_is_never_right_is_refused(
        self, values: list[float], said: str, axis_type: str, irregular: str
    ) -> None:
        with pytest.raises(CoordinateError, match=said):
            place_numbers(np.array(values), about(axis_type, irregular))

    def test_unsigned_ones_that_descend_do_not_wrap(self) -> None:
        with pytest.raises(CoordinateError, match="descends"):
            place_numbers(np.array([3, 2, 1], dtype=np.uint8), about())


class TestUneven:
    VALUES = np.array([0.0, 0.4, 1.5])

    @pytest.mark.parametrize(
        ("axis_type", "irregular"),
        [("space", "auto"), ("space", "raise"), ("time", "raise"), ("angle", "raise")],
    )
    def test_they_raise(self, axis_type: str, irregular: str) -> None:
        said = (
            r"Coordinate 'q' is not evenly spaced: steps range from 0\.4 to 1\.1 "
            r'micrometer\. .*resample, or pass irregular="keep"'
        )
        with pytest.raises(CoordinateError, match=said):
            place_numbers(self.VALUES, about(axis_type, irregular, unit="micrometer"))

    @pytest.mark.parametrize(
        ("axis_type", "irregular"),
        [("space", "keep"), ("time", "auto"), ("time", "keep"), ("angle", "auto")],
    )
    def test_or_get_a_nominal_scale_with_a_warning(
        self, axis_type: str, irregular: str
    ) -> None:
        with pytest.warns(OmeZarrWarning, match=r"steps range from 0\.4 to 1\.1\. "):
            placed = place_numbers(self.VALUES, about(axis_type, irregular))
        assert (placed.scale, placed.translation, placed.regular) == (0.75, 0.0, False)

    def test_a_clock_that_was_set_back_has_its_usual_step(self) -> None:
        with pytest.warns(OmeZarrWarning, match="steps range from -20 to 10"):
            placed = place_numbers(np.array([0, 10, 20, 0, 10, 20, 0]), about("time"))
        assert placed.scale == 10.0


class TestNoise:
    VALUES = (np.arange(5) * 0.325 + 1e6).astype(np.float32)

    @pytest.mark.parametrize("irregular", ["auto", "raise"])
    @pytest.mark.parametrize("axis_type", ["space", "time"])
    def test_a_scale_that_cannot_be_known_is_not_guessed(
        self, axis_type: str, irregular: str
    ) -> None:
        said = r"'q' is of type float32.*near 10000.*its scale cannot be known"
        with pytest.raises(CoordinateError, match=said):
            place_numbers(self.VALUES, about(axis_type, irregular))

    def test_unless_a_nominal_one_will_do(self) -> None:
        with pytest.warns(OmeZarrWarning, match="not evenly spaced"):
            placed = place_numbers(self.VALUES, about(irregular="keep"))
        assert placed.scale == pytest.approx(0.325, rel=0.1)


class TestDates:
    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "m", "h"])
    def test_their_step_is_in_seconds_in_any_resolution(self, unit: str) -> None:
        placed = place_dates(dates("01T00", "01T02", "01T04", unit=unit), about("time"))
        assert (placed.scale, placed.translation) == (7200.0, 0.0)
        assert placed.regular

    def test_fractions_of_seconds_are_exact(self) -> None:
        start = np.datetime64("2024-05-01", "ns")
        values = start + np.arange(50) * np.timedelta64(1_234_567, "ns")
        assert place_dates(values, about("time")).scale == 0.001234567

    def test_a_frame_rate_is_found_as_far_as_it_was_stored(self) -> None:
        start = np.datetime64("2024-05-01", "ns")
        ticks = np.round(np.arange(300) * 1e9 / 30).astype(np.int64)
        placed = place_dates(start + ticks.astype("m8[ns]"), about("time"))
        assert placed.regular
        assert placed.scale == pytest.approx(1 / 30, rel=1e-9)

    @pytest.mark.parametrize("dtype", ["m8[ms]", "m8[us]", "m8[ns]", "m8[10ms]"])
    def test_durations_keep_their_start(self, dtype: str) -> None:
        values = np.array([100, 350, 600], dtype="m8[ms]").astype(dtype)
        placed = place_dates(values, about("time"))
        assert (placed.scale, placed.translation) == (0.25, 0.1)

    def test_a_single_date_has_the_scale_that_is_known(self) -> None:
        placed = place_dates(dates("01"), about("time", spacing=30.0))
        assert (placed.scale, placed.translation) == (30.0, 0.0)
        single = np.array([1500], dtype="m8[ms]")
        assert place_dates(single, about("time")).translation == 1.5

    def test_uneven_ones_have_a_nominal_scale(self) -> None:
        values = dates("01T00:00:00", "01T00:00:10", "01T00:00:21")
        with pytest.warns(OmeZarrWarning, match="steps range from 10 to 11 second"):
            placed = place_dates(values, about("time"))
        assert (placed.scale, placed.regular) == (10.5, False)
        with pytest.raises(CoordinateError, match="from 10 to 11 second"):
            place_dates(values, about("time", "raise"))

    @pytest.mark.parametrize(
        ("values", "said"),
        [
            (dates("03", "02", "01"), "'q' descends, from 2024-05-03.* to 2024-05-01"),
            (dates("01", "01"), "'q' is 2024-05-01.* everywhere"),
            (np.array(["2024-05-01", "NaT"], "M8[s]"), "'q' holds NaT"),
            (np.array(["NaT"], "m8[s]"), "'q' holds NaT"),
        ],
    )
    def test_what_is_never_right_is_refused(
        self, values: NDArray[Any], said: str
    ) -> None:
        with pytest.raises(CoordinateError, match=said):
            place_dates(values, about("time", "keep"))


def test_even_ones_are_not_warned_of() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        place_numbers(np.linspace(0, 1, 11), about())
        place_dates(dates("01", "02", "03"), about("time"))
