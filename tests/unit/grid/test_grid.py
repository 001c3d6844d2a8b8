"""Grid and GridAxis against arithmetic on fractions."""

from __future__ import annotations

import dataclasses
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from xarray_omezarr.errors import AxisError, CoordinateError
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.ngff.exact import decimal


def axis(
    size: int = 4, scale: float = 1.0, translation: float = 0.0, name: str = "x"
) -> GridAxis:
    return GridAxis(name, "space", "micrometer", size, scale, translation)


def exact_positions(a: GridAxis) -> list[Fraction]:
    """The decimals as they are spelled, as fractions."""
    scale, translation = Fraction(repr(a.scale)), Fraction(repr(a.translation))
    return [translation + i * scale for i in range(a.size)]


GRID = Grid(
    (
        GridAxis("c", "channel", None, 2, labels=("DAPI", "GFP")),
        axis(5, 0.2, 7.0, "y"),
        axis(6, 0.1, -0.3, "x"),
    )
)


def test_a_float_is_the_decimal_it_is_spelled_as() -> None:
    assert decimal(0.1) == Decimal(1) / 10
    assert decimal(np.float64(0.325)) == Decimal("0.325")


class TestCoordinates:
    @pytest.mark.parametrize(
        ("scale", "translation"),
        [
            (0.1, 0.0),
            (0.325, -1234.567),
            (1e-9, 1e-7),
            (1 / 3, 2 / 3),
            (1e30, 1e-30),
            (123456.789012, 9.87654321e-5),
        ],
    )
    def test_each_is_the_double_nearest_to_its_decimal(
        self, scale: float, translation: float
    ) -> None:
        a = axis(257, scale, translation)
        expected = [float(position) for position in exact_positions(a)]
        assert a.coordinates().tolist() == expected

    def test_every_literal_is_met(self) -> None:
        # 3 * 0.325 is 0.9750000000000001 in doubles.
        assert axis(4, 0.325).coordinates().tolist() == [0.0, 0.325, 0.65, 0.975]

    def test_positions_beyond_the_integers_of_a_double_are_exact_too(self) -> None:
        a = axis(3, 0.1, 1e15)
        expected = [float(position) for position in exact_positions(a)]
        assert a.coordinates().tolist() == expected

    def test_one_pixel_is_where_it_is_however_long_the_step(self) -> None:
        one = axis(1, 999.0, -7.21461970422512e-07)
        assert one.coordinates().tolist() == [-7.21461970422512e-07]

    def test_no_pixels_have_no_positions(self) -> None:
        assert axis(0).coordinates().shape == (0,)


class TestCoarsen:
    @pytest.mark.parametrize("factor", [2, 3, 4, 7])
    @pytest.mark.parametrize("size", [1, 6, 65])
    def test_a_block_stands_at_the_mean_of_its_pixels(
        self, factor: int, size: int
    ) -> None:
        a = axis(size, 0.1, 0.7)
        fine = exact_positions(dataclasses.replace(a, size=size + factor))
        coarse = exact_positions(a.coarsen(factor))
        for i, position in enumerate(coarse):
            assert position == sum(fine[i * factor : (i + 1) * factor]) / factor

    def test_sampling_stands_at_the_first_pixel(self) -> None:
        coarse = axis(7, 0.1, 0.3).coarsen(3, position="first")
        assert (coarse.scale, coarse.translation, coarse.size) == (0.3, 0.3, 3)

    def test_three_pixels_of_a_tenth_make_three_tenths(self) -> None:
        assert axis(9, 0.1).coarsen(3).scale == 0.3

    def test_sizes_are_rounded_up_and_the_scale_is_not_touched(self) -> None:
        coarse = axis(65, 0.5).coarsen(2)
        assert (coarse.size, coarse.scale) == (33, 1.0)

    def test_labels_are_those_of_the_first_pixels(self) -> None:
        a = GridAxis("c", "channel", None, 3, labels=("a", "b", "c"))
        assert a.coarsen(2).labels == ("a", "c")

    def test_a_factor_of_one_changes_nothing(self) -> None:
        assert axis().coarsen(1) == axis()


class TestSlice:
    @pytest.mark.parametrize(
        "selection",
        [slice(2, 5), slice(None, None, 3), slice(-4, None, 2), slice(1, 100)],
    )
    def test_it_selects_what_indexing_selects(self, selection: slice) -> None:
        a = axis(10, 0.1, -0.7)
        assert exact_positions(a.slice(selection)) == exact_positions(a)[selection]

    def test_labels_are_selected_too(self) -> None:
        a = GridAxis("c", "channel", None, 3, labels=("a", "b", "c"))
        assert a.slice(slice(1, None)).labels == ("b", "c")

    def test_backwards_is_refused(self) -> None:
        with pytest.raises(CoordinateError, match="'x' runs backwards"):
            axis().slice(slice(None, None, -1))


class TestIsclose:
    def test_a_billionth_of_a_pixel_does_not_matter(self) -> None:
        a = axis(100, 0.1, 5.0)
        moved = dataclasses.replace(a, translation=5.0 + 1e-12)
        assert a.isclose(moved)
        assert not a.isclose(dataclasses.replace(a, translation=5.0 + 1e-9))

    def test_a_scale_that_drifts_over_the_image_matters(self) -> None:
        a = axis(10_000, 0.1)
        # Far below a billionth of a pixel per pixel, but not over ten thousand.
        drifting = dataclasses.replace(a, scale=0.1 * (1 + 5e-13))
        assert not a.isclose(drifting)
        assert dataclasses.replace(a, size=10).isclose(
            dataclasses.replace(drifting, size=10)
        )

    @pytest.mark.parametrize("change", [{"unit": None}, {"size": 5}])
    def test_unit_and_size_matter(self, change: dict[str, object]) -> None:
        assert not axis().isclose(dataclasses.replace(axis(), **change))


class TestRefused:
    @pytest.mark.parametrize("scale", [0.0, float("nan"), float("inf")])
    def test_a_scale_that_is_no_scale(self, scale: float) -> None:
        with pytest.raises(CoordinateError, match="Scale of axis 'x'"):
            axis(scale=scale)

    def test_a_translation_that_is_not_finite(self) -> None:
        with pytest.raises(CoordinateError, match="Translation of axis 'x'"):
            axis(translation=float("nan"))

    def test_labels_of_another_number(self) -> None:
        with pytest.raises(AxisError, match="3 pixels but 2 labels"):
            GridAxis("c", "channel", None, 3, labels=("a", "b"))

    def test_two_axes_of_one_name(self) -> None:
        with pytest.raises(AxisError, match="not unique"):
            Grid((axis(), axis()))

    def test_dims_that_are_not_there(self) -> None:
        for refused in (
            lambda: GRID["z"],
            lambda: GRID.coarsen({"z": 2}),
            lambda: GRID.slice({"z": slice(1)}),
        ):
            with pytest.raises(AxisError, match="'z'"):
                refused()


class TestGrid:
    def test_mappings_are_by_dim(self) -> None:
        assert GRID.dims == ("c", "y", "x")
        assert GRID.shape == (2, 5, 6)
        assert GRID.sizes == {"c": 2, "y": 5, "x": 6}
        assert GRID.scale == {"c": 1.0, "y": 0.2, "x": 0.1}
        assert GRID.translation == {"c": 0.0, "y": 7.0, "x": -0.3}
        assert GRID.units == {"c": None, "y": "micrometer", "x": "micrometer"}

    def test_an_axis_is_found_by_dim(self) -> None:
        assert GRID["y"] is GRID.axes[1]
        assert "y" in GRID
        assert "z" not in GRID
        assert list(GRID) == list(GRID.axes)

    def test_only_the_named_dims_are_coarsened(self) -> None:
        coarse = GRID.coarsen({"x": 2})
        assert coarse.shape == (2, 5, 3)
        assert coarse.scale == {"c": 1.0, "y": 0.2, "x": 0.2}
        assert coarse.translation == {"c": 0.0, "y": 7.0, "x": -0.25}

    def test_only_the_named_dims_are_sliced(self) -> None:
        part = GRID.slice({"y": slice(1, None, 2)})
        assert part.shape == (2, 2, 6)
        assert part.translation == {"c": 0.0, "y": 7.2, "x": -0.3}

    def test_dims_can_be_put_in_another_order(self) -> None:
        assert GRID.transpose("x", "c", "y").dims == ("x", "c", "y")
        assert not GRID.isclose(GRID.transpose("x", "c", "y"))
        assert GRID.isclose(GRID.transpose("x", "c", "y").transpose("c", "y", "x"))

    def test_it_does_not_change(self) -> None:
        with pytest.raises(dataclasses.FrozenInstanceError):
            GRID["x"].scale = 2.0  # type: ignore[misc]
