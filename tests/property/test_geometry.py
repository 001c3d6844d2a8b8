"""Scale and translation are found exactly, wherever rounding leaves them to be found.

Expected values are fractions of the decimals that made the coordinates, and of what
was done to them. They can be found where every decimal with fewer digits lies further
away than any rounding reaches.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from xarray_omezarr.grid.dims import arrange
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.grid.inspect import examine, inspect
from xarray_omezarr.grid.regular import fit

DIGITS = {"f2": 2, "f4": 5, "f8": 12}
# Sums of steps are off by up to so many last bits per step.
REACH = 20


@dataclass(frozen=True)
class Line:
    """Coordinates, and the decimals that they were made of."""

    scale: Decimal
    translation: Decimal
    size: int
    dtype: str = "f8"

    def exact(self) -> list[Fraction]:
        start, step = Fraction(self.translation), Fraction(self.scale)
        return [start + i * step for i in range(self.size)]

    def rounded(self) -> NDArray[Any]:
        """Each position, rounded once."""
        return np.array([float(x) for x in self.exact()]).astype(self.dtype)

    def computed(self) -> NDArray[Any]:
        """As people compute it: every operation rounds."""
        kind = np.dtype(self.dtype).type
        index = np.arange(self.size, dtype=self.dtype)
        return index * kind(self.scale) + kind(self.translation)

    def can_be_found(self, *, parts: int = 1) -> bool:
        """Whether no rounding reaches a decimal of fewer digits.

        With `parts`, after positions were divided: means of two have halves.
        """
        largest = max(abs(x) for x in self.exact())
        last_bit = Fraction(float(np.finfo(self.dtype).eps)) * largest
        finest = min(
            self.scale.as_tuple().exponent, self.translation.as_tuple().exponent
        )
        return REACH * self.size * parts * last_bit < Fraction(10) ** int(finest)


@st.composite
def lines(draw: st.DrawFn, dtypes: tuple[str, ...] = ("f8",), least: int = 2) -> Line:
    dtype = draw(st.sampled_from(dtypes))
    exponent = draw(st.integers(-3, 3) if dtype == "f2" else st.integers(-9, 6))
    digits = draw(st.integers(1, DIGITS[dtype]))
    start = 10 if dtype == "f2" else 10_000
    line = Line(
        scale=Decimal(draw(st.integers(1, 10**digits - 1))).scaleb(exponent),
        translation=Decimal(draw(st.integers(-start, start))).scaleb(exponent),
        size=draw(st.integers(least, 40)),
        dtype=dtype,
    )
    assume(line.can_be_found())
    return line


@given(lines(("f8", "f4", "f2")))
def test_decimals_are_found_in_rounded_positions(line: Line) -> None:
    found = fit(line.rounded())
    assume(found.noise <= 0.1)
    expected = (float(line.scale), float(line.translation), True)
    assert (found.scale, found.translation, found.regular) == expected


@given(lines())
def test_decimals_are_found_in_computed_positions(line: Line) -> None:
    found = fit(line.computed())
    expected = (float(line.scale), float(line.translation), True)
    assert (found.scale, found.translation, found.regular) == expected


@given(lines(("f4",)))
def test_scales_are_found_in_positions_computed_in_singles(line: Line) -> None:
    values = line.computed()
    found = fit(values)
    assume(found.noise <= 0.1)
    # Without digits to spare, a first position is known to its last bits.
    last_bits = 4 * float(np.spacing(np.abs(values).max()))
    assert found.scale == float(line.scale)
    assert found.translation == pytest.approx(float(line.translation), abs=last_bits)


@given(lines())
def test_decimals_are_found_in_linspace(line: Line) -> None:
    ends = [float(x) for x in (line.exact()[0], line.exact()[-1])]
    found = fit(np.linspace(*ends, line.size))
    assert (found.scale, found.translation) == (
        float(line.scale),
        float(line.translation),
    )


@given(lines(least=3))
def test_decimals_are_found_in_steps_of_arange(line: Line) -> None:
    end = line.exact()[-1] + Fraction(line.scale) / 2
    values = np.arange(float(line.translation), float(end), float(line.scale))
    found = fit(values)
    assert (found.scale, found.translation) == (
        float(line.scale),
        float(line.translation),
    )


@given(lines(("f8", "f4")))
def test_numbers_that_were_singles_are_read_as_such(line: Line) -> None:
    assume(Line(line.scale, line.translation, line.size, "f4").can_be_found())
    singles = np.array([float(x) for x in line.exact()], dtype=np.float32)
    # Whole numbers are the same in all types.
    assume(not np.array_equal(singles, np.rint(singles)))
    found = fit(singles.astype(np.float64))
    assume(found.regular)
    assert (found.scale, found.translation) == (
        float(line.scale),
        float(line.translation),
    )


@given(
    step=st.integers(1, 10**12),
    first=st.integers(-(10**12), 10**12),
    size=st.integers(2, 60),
)
def test_integers_are_exact(step: int, first: int, size: int) -> None:
    found = fit(first + step * np.arange(size))
    assert (found.scale, found.translation, found.regular) == (step, first, True)


@given(st.lists(st.integers(1, 9), min_size=2, max_size=30))
def test_uneven_steps_are_never_even(steps: list[int]) -> None:
    values = np.cumsum(np.array([0, *steps]) * 0.1)
    assert fit(values).regular == (len(set(steps)) == 1)


def _object(line: Line, values: NDArray[Any]) -> xr.DataArray:
    return xr.DataArray(np.zeros((3, line.size)), dims=("y", "x"), coords={"x": values})


@given(lines(least=8), st.integers(0, 3), st.integers(1, 3), st.booleans())
def test_crops_and_strides_keep_every_pixel_in_its_place(
    line: Line, first: int, step: int, rounded: bool
) -> None:
    da = _object(line, line.rounded() if rounded else line.computed())
    found = inspect(da.isel(x=slice(first, None, step)).transpose())["x"]
    assert found.scale == float(line.scale * step)
    assert found.translation == float(line.exact()[first])


@given(lines(least=8), st.sampled_from([2, 4]))
def test_means_of_blocks_stand_in_their_middle(line: Line, factor: int) -> None:
    assume(line.can_be_found(parts=10 * factor))
    da = _object(line, line.rounded())
    found = inspect(da.coarsen(x=factor, boundary="trim").mean())["x"]
    assert found.scale == float(line.scale * factor)
    assert found.translation == float(sum(line.exact()[:factor]) / factor)


@given(lines())
def test_what_a_grid_gives_is_the_grid_again(line: Line) -> None:
    axis = GridAxis(
        "x",
        "space",
        "micrometer",
        line.size,
        float(line.scale),
        float(line.translation),
    )
    da = _object(line, axis.coordinates())
    da.x.attrs["units"] = "um"
    assert inspect(da)["x"] == axis


@given(
    scale=st.floats(1e-3, 1e3),
    translation=st.floats(-1e5, 1e5).filter(lambda t: t == 0 or abs(t) > 1e-9),
    size=st.integers(2, 50),
)
def test_what_was_read_is_written_again_to_the_last_bit(
    scale: float, translation: float, size: int
) -> None:
    # Scales of any digits, which the reader leaves beside the coordinates.
    axis = GridAxis("x", "space", None, size, scale, translation)
    da = xr.DataArray(np.zeros(size), dims="x", coords={"x": axis.coordinates()})
    da.encoding["omezarr_scale"] = {"x": scale}
    again = inspect(da)["x"]
    assert again.scale == scale
    assert np.array_equal(again.coordinates(), axis.coordinates())


@given(
    lines(least=2),
    st.sampled_from(["s", "ms", "us", "ns"]),
    st.integers(1, 10**6),
)
def test_dates_of_any_resolution_are_seconds(line: Line, unit: str, step: int) -> None:
    ticks = np.arange(line.size) * step
    dates = np.datetime64("2024-02-29", unit) + ticks.astype(f"m8[{unit}]")
    da = xr.DataArray(np.zeros(line.size), dims="t", coords={"t": dates})
    found = examine(da)
    places = {"s": 0, "ms": -3, "us": -6, "ns": -9}[unit]
    assert found.grid["t"].scale == float(Decimal(step).scaleb(places))
    assert found.grid["t"].translation == 0.0
    assert found.exact == {"t"}


@given(
    st.permutations("tczyx").flatmap(
        lambda dims: st.sampled_from(
            [d for n in range(2, 6) for d in [dims[:n]] if {"y", "x"} <= set(d)]
            or [["y", "x"]]
        )
    ),
    st.sampled_from([str.upper, str.lower]),
)
def test_any_order_and_case_is_arranged(dims: list[str], case: Any) -> None:
    own = [case(dim) for dim in dims]
    found = arrange(own, dict.fromkeys(own, 2))
    assert list(found.names) == [dim for dim in "tczyx" if dim in dims]
    assert [case(name) for name in found.names] == list(found.dims)
    everything = arrange(own, dict.fromkeys(own, 2), requested="tczyx")
    assert everything.names == tuple("tczyx")
    assert set(everything.inserted) == set("tczyx") - set(dims)


@settings(max_examples=50)
@given(
    st.lists(lines(), min_size=2, max_size=3),
    st.sampled_from(["millimeter", "micrometer", "nanometer", None]),
    st.sampled_from(["millimeter", "micrometer", "nanometer"]),
)
def test_units_of_space_are_converted_exactly(
    found: list[Line], other: str | None, unit: str
) -> None:
    powers = {"millimeter": -3, "micrometer": -6, "nanometer": -9}
    dims = "zyx"[-len(found) :]
    coords = {dim: line.rounded() for dim, line in zip(dims, found, strict=True)}
    da = xr.DataArray(np.zeros([line.size for line in found]), coords, list(dims))
    for dim in dims:
        da[dim].attrs["units"] = unit if dim == "x" else other or "px"
    shift = powers[other] - powers[unit] if other else 0
    grid = inspect(da)
    for dim, line in zip(dims, found, strict=True):
        by = 0 if dim == "x" else shift
        assert grid[dim].scale == float(line.scale.scaleb(by))
        assert grid[dim].translation == float(line.translation.scaleb(by))
        assert grid[dim].unit == (unit if dim == "x" or other else None)


@given(lines(least=2), st.integers(2, 5))
def test_coarsening_a_grid_is_coarsening_its_coordinates(
    line: Line, factor: int
) -> None:
    size = factor * line.size
    axis = GridAxis(
        "x", "space", None, size, float(line.scale), float(line.translation)
    )
    blocks = np.array(Line(line.scale, line.translation, size).exact())
    means = blocks.reshape(-1, factor).sum(axis=1) / factor
    coarse = Grid((axis,)).coarsen({"x": factor})["x"]
    assert coarse.coordinates() == pytest.approx(means.astype(float), rel=1e-15)
    assert coarse.size == line.size
