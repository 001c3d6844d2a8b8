"""The bridge between grids and the metadata of the standard."""

from __future__ import annotations

import warnings
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xarray_omezarr.errors import MetadataError, OmeZarrWarning
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.grid.model import to_axes, to_grid, to_level
from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.multiscale import Level, Multiscale
from xarray_omezarr.ngff.transforms import Identity, Scale, Translation
from xarray_omezarr.ngff.transforms import Sequence as Chain

AXES = (
    Axis(name="t", type="time", unit="second"),
    Axis(name="c", type="channel"),
    Axis(name="y", type="space", unit="micrometer"),
    Axis(name="x", type="space", unit="micrometer"),
)
SHAPE = (5, 2, 30, 40)


def multiscale(*levels, axes=AXES, after=()):
    made = Multiscale.of(axes, levels)
    return made.model_copy(update={"coordinate_transformations": tuple(after)})


def grid_of(level, after=(), axes=AXES, shape=SHAPE):
    return to_grid(multiscale(level, axes=axes, after=after), level, shape)


class TestToModel:
    grid = Grid(
        (
            GridAxis("c", "channel", None, 2, labels=("DAPI", "GFP")),
            GridAxis("y", "space", "micrometer", 30, 0.5, 10.0),
            GridAxis("x", "space", None, 40, 0.25),
        )
    )

    def test_axes_have_name_type_and_unit_in_order(self) -> None:
        assert [axis.to_json() for axis in to_axes(self.grid)] == [
            {"name": "c", "type": "channel"},
            {"name": "y", "type": "space", "unit": "micrometer"},
            {"name": "x", "type": "space"},
        ]

    def test_a_level_has_one_number_per_axis_channels_too(self) -> None:
        level = to_level(self.grid, "3")
        assert level.path == "3"
        assert level.scale == (1.0, 0.5, 0.25)
        assert level.translation == (0.0, 10.0, 0.0)

    def test_a_translation_of_nothing_is_not_written(self) -> None:
        grid = Grid((GridAxis("y", "space", None, 3), GridAxis("x", "space", None, 3)))
        assert isinstance(to_level(grid, "0").transformation, Scale)


class TestToGrid:
    def test_scale_and_translation_are_those_of_the_level(self) -> None:
        grid = grid_of(Level.of("1", (0.1, 1, 0.5, 0.25), (7, 0, 0.25, 0.125)))
        assert grid.dims == ("t", "c", "y", "x")
        assert grid.shape == SHAPE
        assert grid.scale == {"t": 0.1, "c": 1.0, "y": 0.5, "x": 0.25}
        assert grid.translation == {"t": 7.0, "c": 0.0, "y": 0.25, "x": 0.125}
        assert grid.units == {
            "t": "second",
            "c": None,
            "y": "micrometer",
            "x": "micrometer",
        }

    def test_an_identity_counts_pixels(self) -> None:
        grid = grid_of(Level(path="0", transformation=Identity()))
        assert set(grid.scale.values()) == {1.0}
        assert set(grid.translation.values()) == {0.0}

    def test_those_of_the_multiscale_come_after_those_of_the_level(self) -> None:
        # position = 10 * (0.5 * i + 3) + 1 = 5 * i + 31
        level = Level.of("0", (1, 1, 0.5, 0.5), (0, 0, 3, 3))
        after = (Scale(scale=(1, 1, 10, 10)), Translation(translation=(0, 0, 1, 1)))
        grid = grid_of(level, after)
        assert (grid["y"].scale, grid["y"].translation) == (5.0, 31.0)
        assert (grid["t"].scale, grid["t"].translation) == (1.0, 0.0)

    def test_sequences_may_be_nested(self) -> None:
        inner = Chain(
            transformations=(
                Scale(scale=(1, 1, 2, 2)),
                Identity(),
                Chain(transformations=(Translation(translation=(0, 0, 1, 1)),)),
            )
        )
        grid = grid_of(Level.of("0", (1, 1, 0.5, 0.5)), (inner,))
        assert (grid["x"].scale, grid["x"].translation) == (1.0, 1.0)

    def test_products_are_those_of_the_decimals(self) -> None:
        # 0.1 * 3 and 0.1 + 0.2 of floats end in ...04.
        level = Level.of("0", (1, 1, 0.1, 0.1), (0, 0, 0.1, 0.1))
        after = (Scale(scale=(1, 1, 3, 3)), Translation(translation=(0, 0, 0.3, 0.3)))
        grid = grid_of(level, after)
        assert grid["x"].scale == 0.3
        assert grid["x"].translation == 0.6

    @given(st.lists(st.tuples(*[st.integers(-999, 999)] * 2), min_size=1, max_size=4))
    def test_any_chain_gives_what_fractions_give(self, steps) -> None:
        scale, shift = Fraction(1), Fraction(0)
        after = []
        for factor, offset in steps:
            factor = factor or 7
            after.append(Scale(scale=(1, 1, factor / 100, 1)))
            after.append(Translation(translation=(0, 0, offset / 1000, 0)))
            scale, shift = (
                scale * Fraction(factor, 100),
                shift * Fraction(factor, 100) + Fraction(offset, 1000),
            )
        axis = grid_of(Level.of("0", (1, 1, 1, 1)), after)["y"]
        assert axis.scale == float(scale)
        assert axis.translation == float(shift)

    def test_writing_and_reading_is_nothing(self) -> None:
        level = Level.of("0", (0.1, 1, 0.325, 0.325), (3, 0, -7.5, 0.1))
        grid = grid_of(level)
        again = to_grid(
            Multiscale.of(to_axes(grid), [to_level(grid, "0")]),
            to_level(grid, "0"),
            SHAPE,
        )
        assert again == grid

    def test_an_array_with_another_number_of_dims_is_refused(self) -> None:
        with pytest.raises(MetadataError, match=r"'0'.*\(30, 40\).*4 axes.*'t'"):
            grid_of(Level.of("0", (1, 1, 1, 1)), shape=(30, 40))

    def test_negative_scales_of_others_are_read_as_they_are(self) -> None:
        grid = grid_of(Level.of("0", (1, 1, -0.5, 0.5)))
        assert grid["y"].scale == -0.5


class TestZeroScale:
    level = Level.of("0", (1, 1, 0, 0.5), (0, 0, 3, 3))

    def test_a_scale_of_zero_is_warned_of_and_counts_pixels(self) -> None:
        with pytest.warns(OmeZarrWarning, match=r"axis 'y' is 0"):
            grid = grid_of(self.level)
        assert (grid["y"].scale, grid["y"].unit) == (1.0, None)
        assert grid["y"].coordinates().tolist() == list(range(30))

    def test_other_axes_are_not_touched(self) -> None:
        with pytest.warns(OmeZarrWarning):
            grid = grid_of(self.level)
        assert (grid["x"].scale, grid["x"].translation, grid["x"].unit) == (
            0.5,
            3.0,
            "micrometer",
        )

    def test_each_axis_is_warned_of_once(self) -> None:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            grid_of(self.level)
        assert len(caught) == 1


class TestMissingType:
    def test_the_usual_names_tell_the_type(self) -> None:
        # An axis without type counts as channel or custom, of which there is one.
        for name, kind in (("t", "time"), ("c", "channel"), ("z", "space")):
            axes = (
                Axis(name=name),
                Axis(name="y", type="space"),
                Axis(name="x", type="space"),
            )
            grid = grid_of(Level.of("0", (1, 1, 1)), axes=axes, shape=(2, 3, 4))
            assert grid[name].type == kind

    def test_any_other_name_is_an_axis_of_its_own_kind(self) -> None:
        axes = (
            Axis(name="angle"),
            Axis(name="y", type="space"),
            Axis(name="x", type="space"),
        )
        grid = grid_of(Level.of("0", (1, 1, 1)), axes=axes, shape=(2, 3, 4))
        assert grid["angle"].type not in ("space", "time", "channel")
