"""Labels are made from levels that have all the pixels which a level is of."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.errors import OmeZarrErrorGroup, OmeZarrWarning, OptionError
from xarray_omezarr.options import complete
from xarray_omezarr.write.label_frame import Frame
from xarray_omezarr.write.multiscale import plan_multiscale
from xarray_omezarr.write.tree import plan_tree


def pyramid(sizes, factors):
    """An image of zeros whose levels have these sizes along y and x."""
    return xr.DataTree.from_dict(
        {
            f"/{n}": xr.Dataset(
                {
                    "image": xr.DataArray(
                        np.zeros((size, size), "uint8"),
                        {d: (d, (f - 1) / 2 + f * np.arange(size)) for d in "yx"},
                        ("y", "x"),
                    )
                }
            )
            for n, (size, f) in enumerate(zip(sizes, factors, strict=True))
        }
    )


def frame_of(sizes, factors):
    return Frame.of(plan_tree(pyramid(sizes, factors), complete({})))


def labels_on(sizes, factors, values, method="mode"):
    group = xo.write_image(pyramid(sizes, factors), MemoryStore())
    given = xr.DataArray(values, dims=("y", "x"))
    written = xo.write_labels(given, group, "cells", method=method)
    return [written[f"labels/cells/{n}"][...] for n in range(len(sizes))]


def roundings(size, factors):
    """All ways in which programs round the sizes of coarser levels."""
    ways = [sorted({size // factor, -(-size // factor)}) for factor in factors]
    return [(size, *coarser) for coarser in product(*ways)]


SWEEP = [
    (sizes, (1, 2, 4))
    for size in (9, 10, 11, 12, 13, 15, 17, 31)
    for sizes in roundings(size, (2, 4))
]
SWEEP += [
    (sizes, (1, 2, 6)) for size in (13, 17, 23) for sizes in roundings(size, (2, 6))
]
SWEEP += [
    (sizes, (1, 2, 4, 8)) for size in (21, 27) for sizes in roundings(size, (2, 4, 8))
]


@pytest.mark.parametrize(("sizes", "factors"), SWEEP)
def test_a_constant_label_has_no_background_at_any_border(sizes, factors) -> None:
    ones = np.ones((sizes[0], sizes[0]), "uint8")
    for size, level in zip(sizes, labels_on(sizes, factors, ones), strict=True):
        np.testing.assert_array_equal(level, np.ones((size, size), "uint8"))


@pytest.mark.parametrize(("sizes", "factors"), SWEEP)
def test_nearest_takes_the_first_of_the_pixels_that_a_pixel_covers(
    sizes, factors
) -> None:
    values = np.random.default_rng(7).integers(0, 99, (sizes[0], sizes[0]), "uint16")
    made = labels_on(sizes, factors, values, "nearest")
    for size, factor, level in zip(sizes, factors, made, strict=True):
        at = factor * np.arange(size)
        np.testing.assert_array_equal(level, values[np.ix_(at, at)])


@pytest.mark.parametrize(("sizes", "factors"), SWEEP)
def test_the_largest_value_is_that_of_all_pixels_that_a_pixel_covers(
    sizes, factors
) -> None:
    # The largest of the largest is that of all, however many steps were taken.
    values = np.random.default_rng(8).permutation(sizes[0] ** 2).reshape(sizes[0], -1)
    values = values.astype("uint16")
    made = labels_on(sizes, factors, values, "max")
    for size, f, level in zip(sizes, factors, made, strict=True):
        expected = [
            [
                values[y * f : (y + 1) * f, x * f : (x + 1) * f].max()
                for x in range(size)
            ]
            for y in range(size)
        ]
        np.testing.assert_array_equal(level, expected)


def mode(values) -> int:
    """The most frequent value; of equals the smallest that is not zero."""
    found, counts = np.unique(values, return_counts=True)
    best = found[counts == counts.max()]
    named = best[best != 0]
    return int(named.min() if named.size else 0)


@pytest.mark.parametrize("sizes", roundings(9, (4,)) + roundings(13, (4,)))
def test_the_mode_is_that_of_all_pixels_that_a_pixel_covers(sizes) -> None:
    values = np.random.default_rng(9).integers(0, 4, (sizes[0], sizes[0]), "uint8")
    level = labels_on(sizes, (1, 4), values)[1]
    expected = [
        [mode(values[4 * y : 4 * y + 4, 4 * x : 4 * x + 4]) for x in range(sizes[1])]
        for y in range(sizes[1])
    ]
    np.testing.assert_array_equal(level, expected)


@pytest.mark.parametrize(
    ("sizes", "parent", "step"),
    [
        # Rounded up: each level from the one before.
        ((9, 5, 3), 1, 2),
        # Rounded down all the way: what is cut off of a level is not of the next.
        ((9, 4, 2), 1, 2),
        ((11, 5, 2), 1, 2),
        # The pixel that level 1 lacks is of level 2.
        ((9, 4, 3), 0, 4),
        ((13, 6, 4), 0, 4),
        ((11, 5, 3), 0, 4),
    ],
)
def test_the_parent_is_the_coarsest_level_with_all_pixels(sizes, parent, step) -> None:
    frame = frame_of(sizes, (1, 2, 4))
    assert frame.step(1) == (0, (2, 2))
    assert frame.step(2) == (parent, (step, step))


def test_a_level_whose_factors_do_not_divide_is_no_parent() -> None:
    assert frame_of((36, 18, 12, 6), (1, 2, 3, 6)).step(2) == (0, (3, 3))
    assert frame_of((36, 18, 12, 6), (1, 2, 3, 6)).step(3) == (2, (2, 2))


def test_levels_that_are_made_tell_their_parents_themselves() -> None:
    da = xr.DataArray(np.zeros((9, 9), "uint8"), dims=("y", "x"))
    frame = Frame.of(plan_multiscale(da, complete({"scale_factors": [2, 3, 6]})))
    assert [frame.step(level) for level in (1, 2, 3)] == [
        (0, (2, 2)),
        (0, (3, 3)),
        (2, (2, 2)),
    ]


def test_levels_that_are_no_whole_factor_apart_are_refused() -> None:
    frame = frame_of((30, 20), (1, 1.5))
    with pytest.raises((OptionError, OmeZarrErrorGroup), match="no whole factor"):
        frame.step(1)


def test_dims_channels_and_positions_are_those_of_the_image() -> None:
    da = xr.DataArray(
        np.zeros((2, 8, 8), "uint8"),
        {"c": ["DAPI", "GFP"], "x": ("x", 3 + 0.5 * np.arange(8), {"units": "nm"})},
        ("c", "y", "x"),
    )
    frame = Frame.of(plan_multiscale(da, complete({"scale_factors": None})))
    assert frame.dims == ("c", "y", "x")
    assert frame.channels == ("DAPI", "GFP")
    x = frame.coordinate("x")
    np.testing.assert_array_equal(x.values, 3 + 0.5 * np.arange(8))
    assert x.attrs["units"] == "nanometer"


def test_uneven_times_come_from_what_was_kept() -> None:
    times = np.array([0.0, 1.0, 5.0])
    da = xr.DataArray(
        np.zeros((3, 8, 8), "uint8"),
        {"t": ("t", times, {"units": "second"})},
        ("t", "y", "x"),
    )
    options = complete({"scale_factors": None})
    with pytest.warns(OmeZarrWarning, match="not evenly spaced"):
        frame = Frame.of(plan_multiscale(da, options))
    np.testing.assert_array_equal(frame.coordinate("t").values, times)


@pytest.mark.parametrize(
    "sizes", [(9, 5, 3), (9, 4, 3), (9, 4, 2), (11, 6, 3), (11, 5, 3), (11, 5, 2)]
)
@pytest.mark.parametrize("method", ["mode", "max"])
def test_a_label_that_is_filled_later_is_that_written_at_once(sizes, method) -> None:
    values = np.random.default_rng(5).integers(0, 5, (sizes[0], sizes[0]), "uint16")
    group = xo.write_image(pyramid(sizes, (1, 2, 4)), MemoryStore())
    given = xr.DataArray(values, {d: np.arange(sizes[0]) for d in "yx"}, ("y", "x"))
    xo.write_labels(given, group, "whole", method=method)
    empty = xo.template("yx", values.shape, "uint16")
    xo.prepare_labels({"later": empty}, group, method=method)
    xo.write_labels(given, group, "later", region="auto")
    for level in range(3):
        np.testing.assert_array_equal(
            group[f"labels/later/{level}"][...], group[f"labels/whole/{level}"][...]
        )
