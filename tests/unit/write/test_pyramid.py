"""Pyramids: how many levels, by which factors, made from which."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xarray_omezarr.errors import OptionError
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.write.pyramid import plan_pyramid

TYPES = {"t": "time", "c": "channel"}


def grid(scale=None, unit="micrometer", **sizes):
    scale = scale or {}
    return Grid(
        tuple(
            GridAxis(
                dim,
                TYPES.get(dim, "space"),
                unit if dim in "zyx" else None,
                size,
                scale.get(dim, 1.0),
            )
            for dim, size in sizes.items()
        )
    )


def plan(of, scale_factors="auto", method="auto", chunk=256, located=None):
    return plan_pyramid(
        of,
        scale_factors,
        method,
        chunks_of=lambda level, shape: tuple(min(chunk, n) for n in shape),
        located=of.dims if located is None else located,
    )


def factors(pyramid):
    return [level.factors for level in pyramid.levels]


class TestAuto:
    @pytest.mark.parametrize(
        ("size", "count"), [(256, 1), (257, 2), (512, 2), (513, 3), (4096, 5), (1, 1)]
    )
    def test_it_ends_when_a_level_fits_one_chunk(self, size, count) -> None:
        pyramid = plan(grid(y=size, x=64))
        assert len(pyramid.levels) == count
        assert factors(pyramid) == [(2**k, 2**k) for k in range(count)]

    def test_it_goes_on_while_one_of_y_and_x_does_not_fit(self) -> None:
        # Viewers expect both to be halved, so a narrow image is halved in x too.
        pyramid = plan(grid(y=4096, x=16))
        assert factors(pyramid)[-1] == (16, 16)
        assert pyramid.levels[-1].grid.shape == (256, 1)

    def test_time_and_channels_are_never_halved(self) -> None:
        pyramid = plan(grid(t=500, c=300, y=1024, x=1024))
        assert factors(pyramid) == [(1, 1, 1, 1), (1, 1, 2, 2), (1, 1, 4, 4)]

    def test_flat_voxels_are_not_halved_in_z(self) -> None:
        # z is four times as coarse as y and x: it joins when they have caught up.
        of = grid({"z": 2.0, "y": 0.5, "x": 0.5}, z=100, y=4096, x=4096)
        assert factors(plan(of)) == [
            (1, 1, 1),
            (1, 2, 2),
            (1, 4, 4),
            (2, 8, 8),
            (4, 16, 16),
        ]

    @pytest.mark.parametrize(
        ("ratio", "joins"),
        [(1.0, True), (0.3, True), (1.41, True), (1.42, False), (1.9, False)],
    )
    def test_z_joins_at_the_square_root_of_two(self, ratio, joins) -> None:
        of = grid({"z": ratio, "y": 1.0, "x": 1.0}, z=64, y=512, x=512)
        assert factors(plan(of))[1] == ((2 if joins else 1), 2, 2)

    def test_the_finer_of_y_and_x_decides(self) -> None:
        of = grid({"z": 1.0, "y": 1.0, "x": 0.5}, z=64, y=512, x=512)
        assert factors(plan(of))[1] == (1, 2, 2)

    def test_once_z_has_joined_it_stays(self) -> None:
        of = grid({"z": 1.0, "y": 1.0, "x": 1.0}, z=1024, y=2048, x=2048)
        assert factors(plan(of)) == [(2**k,) * 3 for k in range(4)]

    def test_a_z_that_is_used_up_stops(self) -> None:
        of = grid(z=2, y=1024, x=1024)
        assert [level.grid.sizes["z"] for level in plan(of).levels] == [2, 1, 1]
        assert factors(plan(of))[-1] == (2, 4, 4)

    def test_a_single_plane_is_left_alone(self) -> None:
        assert factors(plan(grid(z=1, y=512, x=512)))[1] == (1, 2, 2)

    @pytest.mark.parametrize("missing", ["z", "y", "x"])
    def test_pixels_without_coordinates_say_nothing_of_z(self, missing) -> None:
        located = {"z", "y", "x"} - {missing}
        of = grid(z=64, y=512, x=512)
        assert factors(plan(of, located=located))[1] == (1, 2, 2)

    def test_coordinates_without_units_are_compared(self) -> None:
        assert factors(plan(grid(unit=None, z=64, y=512, x=512)))[1] == (2, 2, 2)

    def test_different_units_are_not_compared(self) -> None:
        of = grid(z=64, y=512, x=512)
        mixed = Grid((GridAxis("z", "space", None, 64), *of.axes[1:]))
        assert factors(plan(mixed))[1] == (1, 2, 2)

    def test_chunks_of_the_level_decide_when_it_ends(self) -> None:
        asked = []

        def chunks_of(level, shape):
            asked.append((level, shape))
            return tuple(min(64 * 2**level, n) for n in shape)

        of = grid(y=1024, x=1024)
        pyramid = plan_pyramid(of, "auto", "mean", chunks_of=chunks_of, located=())
        assert asked == [(0, (1024, 1024)), (1, (512, 512)), (2, (256, 256))]
        assert len(pyramid.levels) == 3

    def test_the_smallest_chunks_come_to_an_end(self) -> None:
        assert plan(grid(y=1000, x=3), chunk=1).levels[-1].grid.shape == (1, 1)

    @given(
        sizes=st.tuples(*[st.integers(1, 100_000)] * 3),
        scales=st.tuples(*[st.floats(0.01, 100)] * 3),
        chunk=st.integers(1, 4096),
    )
    def test_every_level_halves_y_and_x_and_z_never_more(
        self, sizes, scales, chunk
    ) -> None:
        of = grid(
            dict(zip("zyx", scales, strict=True)),
            **dict(zip("zyx", sizes, strict=True)),
        )
        found = factors(plan(of, chunk=chunk))
        for before, after in itertools.pairwise(found):
            steps = [b / a for a, b in zip(before, after, strict=True)]
            assert steps[1:] == [2, 2]
            assert steps[0] in (1, 2)
        largest = max(sizes[1:])
        assert len(found) == 1 + max(0, math.ceil(math.log2(largest / chunk)))


class TestGiven:
    @pytest.mark.parametrize("nothing", [None, [], ()])
    def test_none_makes_no_pyramid(self, nothing) -> None:
        assert factors(plan(grid(y=9000, x=9000), nothing)) == [(1, 1)]

    @pytest.mark.parametrize(
        "asked", [[2, 4], (2, 4), range(2, 5, 2), [np.int64(2), np.uint8(4)]]
    )
    def test_numbers_act_on_y_and_x_only(self, asked) -> None:
        of = grid(t=8, c=8, z=8, y=64, x=64)
        assert factors(plan(of, asked)) == [
            (1, 1, 1, 1, 1),
            (1, 1, 1, 2, 2),
            (1, 1, 1, 4, 4),
        ]

    @pytest.mark.parametrize("asked", [3, np.int64(3), {"y": 3, "x": 3}])
    def test_a_single_factor_is_a_single_level(self, asked) -> None:
        assert factors(plan(grid(y=9, x=9), asked)) == [(1, 1), (3, 3)]

    def test_mappings_name_their_dims_and_leave_the_others(self) -> None:
        of = grid(t=8, z=8, y=64, x=64)
        asked = [{"x": 2}, {"z": 2, "y": 4, "x": 4}, {"t": 2, "z": 2, "y": 4, "x": 4}]
        assert factors(plan(of, asked)) == [
            (1, 1, 1, 1),
            (1, 1, 1, 2),
            (1, 2, 4, 4),
            (2, 2, 4, 4),
        ]

    def test_sizes_are_rounded_up_and_scales_are_exact(self) -> None:
        of = grid({"y": 0.1, "x": 0.1}, y=65, x=10)
        level = plan(of, [3]).levels[1]
        assert level.grid.shape == (22, 4)
        assert level.grid.scale == {"y": 0.3, "x": 0.3}

    def test_factors_beyond_the_size_leave_one_pixel(self) -> None:
        assert plan(grid(y=5, x=5), [100]).levels[1].grid.shape == (1, 1)

    def test_values_of_means_stand_in_the_middle_of_their_block(self) -> None:
        of = grid({"y": 0.5, "x": 0.5}, y=64, x=64)
        for method in ("auto", "mean", "median", "max", "min", "mode", lambda b, f: b):
            level = plan(of, [2, 4], method).levels[2]
            assert level.grid.translation == {"y": 0.75, "x": 0.75}

    def test_values_of_samples_stand_on_the_first_pixel(self) -> None:
        of = grid({"y": 0.5, "x": 0.5}, y=64, x=64)
        level = plan(of, [2, 4], "nearest").levels[2]
        assert level.grid.translation == {"y": 0.0, "x": 0.0}
        assert level.grid.scale == {"y": 2.0, "x": 2.0}

    def test_a_level_comes_from_the_coarsest_whose_factors_divide_its_own(self) -> None:
        pyramid = plan(grid(y=512, x=512), [2, 3, 4, 6, 12])
        assert [level.path for level in pyramid.levels] == [
            "0",
            "1",
            "2",
            "3",
            "4",
            "5",
        ]
        assert [level.parent for level in pyramid.levels] == [
            None,
            "0",
            "0",
            "1",
            "2",
            "4",
        ]
        assert [level.step for level in pyramid.levels] == [
            (1, 1),
            (2, 2),
            (3, 3),
            (2, 2),
            (2, 2),
            (2, 2),
        ]

    def test_every_dim_must_be_divisible(self) -> None:
        asked = [{"z": 2, "y": 2, "x": 2}, {"z": 3, "y": 4, "x": 4}]
        level = plan(grid(z=12, y=64, x=64), asked).levels[2]
        assert (level.parent, level.step) == ("0", (3, 4, 4))

    @given(
        st.lists(st.integers(2, 40), min_size=1, max_size=6, unique=True).map(sorted)
    )
    def test_parent_times_step_is_the_factor(self, asked) -> None:
        pyramid = plan(grid(y=4096, x=4096), asked)
        by_path = {level.path: level for level in pyramid.levels}
        for level in pyramid.levels[1:]:
            parent = by_path[level.parent]
            assert parent.factors[0] * level.step[0] == level.factors[0]
            better = [
                other.factors[0]
                for other in pyramid.levels[: int(level.path)]
                if level.factors[0] % other.factors[0] == 0
            ]
            assert parent.factors[0] == max(better)

    def test_auto_means_the_mean(self) -> None:
        assert plan(grid(y=8, x=8), [2]).method == "mean"


class TestRefused:
    @pytest.mark.parametrize(
        "asked", [[1], [2, 2], [4, 2], [{"x": 1}], [{"x": 2}, {"y": 2}], [{}]]
    )
    def test_every_level_is_coarser_than_the_one_before(self, asked) -> None:
        with pytest.raises(OptionError, match="relative to level 0"):
            plan(grid(y=64, x=64), asked)

    @pytest.mark.parametrize(
        "factor", [0, -2, 1.5, 2.0, "2", None, True, math.nan, {"y": 2}]
    )
    def test_a_factor_is_a_whole_number(self, factor) -> None:
        with pytest.raises(OptionError, match=r"scale_factors give .* for 'x'"):
            plan(grid(y=64, x=64), [{"y": 2, "x": factor}])

    def test_a_dim_that_is_not_stored_is_named(self) -> None:
        with pytest.raises(OptionError, match=r"\['z'\].*'y', 'x'"):
            plan(grid(y=64, x=64), [{"z": 2}])

    @pytest.mark.parametrize("asked", ["automatic", "2"])
    def test_auto_is_the_only_word(self, asked) -> None:
        with pytest.raises(OptionError, match="'auto'"):
            plan(grid(y=64, x=64), asked)

    @pytest.mark.parametrize("asked", [2.5, object(), {2, 4}])
    def test_what_is_no_list_is_refused(self, asked) -> None:
        with pytest.raises(OptionError, match="scale_factors is"):
            plan(grid(y=64, x=64), asked)

    def test_an_unknown_method_is_refused_with_the_nearest(self) -> None:
        with pytest.raises(OptionError, match="'mean'"):
            plan(grid(y=64, x=64), [2], "meen")


def test_an_array_of_factors_is_a_list_of_them() -> None:
    assert factors(plan(grid(y=64, x=64), np.array([2, 4]))) == [(1, 1), (2, 2), (4, 4)]
