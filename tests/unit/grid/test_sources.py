"""Conventions of producers, on attributes and axes made by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

from xarray_omezarr.errors import CoordinateError
from xarray_omezarr.grid.dims import roles
from xarray_omezarr.grid.grid import GridAxis
from xarray_omezarr.grid.sources import in_world, unit_by_convention


class TestUnits:
    @pytest.mark.parametrize("key", ["coord_units", "ome_axes_units", "axes_units"])
    @pytest.mark.parametrize("dim", ["X", "x"])
    def test_they_may_stand_on_the_array(self, key: str, dim: str) -> None:
        assert unit_by_convention({key: {"X": "micrometer"}}, dim) == "micrometer"
        assert unit_by_convention({key: {"X": "micrometer"}}, "Y") is None

    @pytest.mark.parametrize("attrs", [{}, {"coord_units": "um"}, {"axes_units": {}}])
    def test_nothing_is_found_where_nothing_is(self, attrs: dict[str, object]) -> None:
        assert unit_by_convention(attrs, "x") is None

    def test_those_of_nd2_are_implied(self) -> None:
        parts = {"metadata": 1, "experiment": [], "attributes": 2, "text_info": {}}
        units = [unit_by_convention({"metadata": parts}, dim) for dim in "TCZYX"]
        micrometer = "micrometer"
        assert units == ["millisecond", None, micrometer, micrometer, micrometer]

    def test_a_structure_of_nd2_is_enough(self) -> None:
        structure = type("Metadata", (), {"__module__": "nd2.structures"})()
        attrs = {"metadata": {"anything": structure}}
        assert unit_by_convention(attrs, "x") == "micrometer"

    @pytest.mark.parametrize("metadata", [None, "text", {}, {"metadata": 1}])
    def test_other_metadata_are_not_of_nd2(self, metadata: object) -> None:
        assert unit_by_convention({"metadata": metadata}, "x") is None


@dataclass
class Transform:
    """An affine matrix over z, y, x, with the method that spatialdata gives it."""

    matrix: NDArray[np.float64]

    def to_affine_matrix(
        self, input_axes: Sequence[str], output_axes: Sequence[str]
    ) -> NDArray[np.float64]:
        assert tuple(input_axes) == tuple(output_axes)
        places = ["zyx".index(axis) for axis in input_axes] + [3]
        return self.matrix[np.ix_(places, places)]


def transform(
    scale: tuple[float, float, float] = (2.0, 0.5, 0.25),
    shift: tuple[float, float, float] = (100.0, 10.0, 20.0),
) -> Transform:
    matrix = np.diag([*scale, 1.0])
    matrix[:3, 3] = shift
    return Transform(matrix)


def placed(axes: dict[str, GridAxis], found: object) -> dict[str, tuple[float, float]]:
    named = roles([*axes], {dim: axis.size for dim, axis in axes.items()})
    world = in_world({"transform": {"global": found}}, [*axes.values()], named)
    return {axis.name: (axis.scale, axis.translation) for axis in world}


def pixels(name: str, size: int = 8, step: float = 1.0, first: float = 0.5) -> GridAxis:
    return GridAxis(name, "space", None, size, step, first)


class TestWorld:
    def test_centres_at_a_half_are_placed_by_the_transform(self) -> None:
        axes = {"y": pixels("y"), "x": pixels("x")}
        assert placed(axes, transform()) == {"y": (0.5, 10.0), "x": (0.25, 20.0)}

    def test_dims_of_any_case_are_placed(self) -> None:
        axes = {"Z": pixels("Z", 1), "Y": pixels("Y"), "X": pixels("X")}
        assert placed(axes, transform())["Z"] == (2.0, 100.0)

    def test_a_crop_with_a_stride_keeps_its_place(self) -> None:
        axes = {"y": pixels("y", 3, 2.0, 3.5), "x": pixels("x", 4, 1.0, 7.5)}
        # y: pixels 3, 5, 7; x: pixels 7, 8, ...
        assert placed(axes, transform()) == {"y": (1.0, 11.5), "x": (0.25, 21.75)}

    def test_means_of_blocks_keep_their_place(self) -> None:
        axes = {"y": pixels("y", 4, 2.0, 1.0), "x": pixels("x", 4, 2.0, 1.0)}
        assert placed(axes, transform()) == {"y": (1.0, 10.25), "x": (0.5, 20.125)}

    @pytest.mark.parametrize(("fine", "coarse"), [(8, 4), (65, 33), (64, 4)], ids=str)
    def test_a_coarser_level_is_not_scaled_twice(self, fine: int, coarse: int) -> None:
        factor = fine / coarse
        level = SimpleNamespace(
            transformations=[SimpleNamespace(scale=[factor] * 2, axes=("y", "x"))],
            to_affine_matrix=transform(
                (1, 0.5 * factor, 0.25 * factor)
            ).to_affine_matrix,
        )
        axis = {dim: pixels(dim, coarse, factor, factor / 2) for dim in "yx"}
        found = placed(axis, level)
        # The first pixel of the level covers the first `factor` of the finest.
        middle = (factor - 1) / 2
        assert found["y"] == pytest.approx((0.5 * factor, 10 + middle * 0.5), rel=1e-12)
        assert found["x"] == pytest.approx(
            (0.25 * factor, 20 + middle * 0.25), rel=1e-12
        )

    def test_a_sequence_at_the_finest_level_counts_in_full(self) -> None:
        scaled = SimpleNamespace(
            transformations=[SimpleNamespace(scale=[2.0, 2.0], axes=("y", "x"))],
            to_affine_matrix=transform((1, 2, 2), (0, 0, 0)).to_affine_matrix,
        )
        axes = {"y": pixels("y"), "x": pixels("x")}
        assert placed(axes, scaled) == {"y": (2.0, 0.0), "x": (2.0, 0.0)}

    def test_noise_of_a_product_is_not_written(self) -> None:
        # 3 * 0.1 is 0.30000000000000004.
        axes = {"y": pixels("y"), "x": pixels("x")}
        noisy = transform((1, 3 * 0.1, 3 * 0.1), (0, 0, 0))
        assert placed(axes, noisy)["x"] == (0.3, 0.0)

    @pytest.mark.parametrize(
        "x",
        [
            pixels("x", first=0.0),
            pixels("x", step=0.5, first=0.25),
            pixels("x", step=1.0, first=3.0),
            pixels("x", first=-0.5),
            GridAxis("x", "space", "micrometer", 8, 1.0, 0.5),
        ],
        ids=["from 0", "half pixels", "whole pixels", "negative", "with a unit"],
    )
    def test_coordinates_that_count_no_centres_are_the_truth(self, x: GridAxis) -> None:
        axes = {"y": pixels("y"), "x": x}
        assert placed(axes, transform()) == {
            "y": (1.0, 0.5),
            "x": (x.scale, x.translation),
        }

    @pytest.mark.parametrize("other", [None, (0.5, 0.0, 10.0), "text", object()])
    def test_what_is_no_transform_is_ignored(self, other: object) -> None:
        axes = {"y": pixels("y"), "x": pixels("x")}
        assert placed(axes, other) == {"y": (1.0, 0.5), "x": (1.0, 0.5)}
        assert in_world({"transform": other}, [pixels("x")], roles("x", {"x": 8})) == [
            pixels("x")
        ]

    @pytest.mark.parametrize(
        ("entry", "said"),
        [((1, 2, 0.1), "turns or shears"), ((2, 2, -1.0), "mirrors")],
    )
    def test_what_a_grid_cannot_say_is_refused(
        self, entry: tuple[int, int, float], said: str
    ) -> None:
        matrix = np.eye(4)
        matrix[entry[:2]] = entry[2]
        axes = {"y": pixels("y"), "x": pixels("x")}
        with pytest.raises(CoordinateError, match=f"{said} the image.*'transform'"):
            placed(axes, Transform(matrix))

    def test_a_transform_without_a_matrix_is_refused(self) -> None:
        def fails(**axes: object) -> None:
            raise ValueError("no such axis")

        axes = {"y": pixels("y"), "x": pixels("x")}
        with pytest.raises(CoordinateError, match=r"no such axis.*remove attrs"):
            placed(axes, SimpleNamespace(to_affine_matrix=fails))
