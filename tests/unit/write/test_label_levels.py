"""The grid of a label image is that of its image, on every level."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import CoordinateError, OmeZarrError
from xarray_omezarr.options import complete
from xarray_omezarr.write.label_frame import Frame
from xarray_omezarr.write.label_levels import label_view, made_levels
from xarray_omezarr.write.multiscale import plan_multiscale
from xarray_omezarr.write.tree import plan_tree

FIRST, SCALE = 10.0, 0.5


def image(**coords):
    x = FIRST + SCALE * np.arange(18)
    return xr.DataArray(
        np.zeros((2, 10, 18), "u1"),
        {"x": ("x", x, {"units": "um"}), **coords},
        ("c", "y", "x"),
    )


def frame(da=None, **options):
    chosen = {"scale_factors": [2, 6], "method": "nearest", **options}
    return Frame.of(plan_multiscale(image() if da is None else da, complete(chosen)))


def levels(da, method="mode", there=None):
    there = frame() if there is None else there
    return made_levels(label_view(da, there, complete({})), there, method).levels


def label(dims="yx", **sizes):
    known = {"c": 2, "y": 10, "x": 18, **sizes}
    return xr.DataArray(np.zeros([known[d] for d in dims], "u1"), dims=tuple(dims))


# Levels.
def test_they_have_the_sizes_and_scales_of_those_of_the_image() -> None:
    made = levels(label())
    assert [level.grid.shape for level in made] == [(10, 18), (5, 9), (2, 3)]
    assert [level.grid["x"].scale for level in made] == [0.5, 1.0, 3.0]
    assert [level.grid["x"].unit for level in made] == ["micrometer"] * 3
    assert [level.factors for level in made] == [(1, 1), (2, 2), (6, 6)]
    assert [(level.parent, level.step) for level in made] == [
        (None, (1, 1)),
        ("0", (2, 2)),
        ("1", (3, 3)),
    ]


@pytest.mark.parametrize(
    ("method", "first"),
    [
        # Samples stand where they were taken.
        ("nearest", [10.0, 10.0, 10.0]),
        # Blocks of 2 and of 6 pixels of 0.5 that begin at 10 have their middle there.
        ("mode", [10.0, 10.25, 11.25]),
        ("max", [10.0, 10.25, 11.25]),
    ],
)
def test_they_stand_where_their_own_method_puts_them(method, first) -> None:
    made = levels(label(), method)
    assert [level.grid["x"].translation for level in made] == first


def test_one_pixel_for_all_of_the_image_stays_one() -> None:
    made = levels(label("cyx", c=1, y=1))
    assert [level.grid.shape for level in made] == [(1, 1, 18), (1, 1, 9), (1, 1, 3)]
    assert [level.factors for level in made] == [(1, 1, 1), (1, 1, 2), (1, 1, 6)]


def test_sizes_that_an_image_rounded_down_are_those_of_its_labels() -> None:
    da = xr.DataArray(np.zeros((9, 9), "u1"), dims=("y", "x"))
    pyramid = xr.DataTree.from_dict(
        {
            f"/{n}": xr.Dataset(
                {
                    "image": da[:size, :size].assign_coords(
                        {d: (d, (f - 1) / 2 + f * np.arange(size)) for d in "yx"}
                    )
                }
            )
            for n, (size, f) in enumerate([(9, 1), (4, 2), (3, 4)])
        }
    )
    there = Frame.of(plan_tree(pyramid, complete({})))
    made = levels(label(y=9, x=9), there=there)
    assert [level.grid.shape for level in made] == [(9, 9), (4, 4), (3, 3)]
    assert [(level.parent, level.step) for level in made[1:]] == [
        ("0", (2, 2)),
        ("0", (4, 4)),
    ]


# Positions.
@pytest.mark.parametrize("off", [0.0, 0.0004, -0.0004])
def test_positions_may_be_off_by_what_computing_them_does(off) -> None:
    x = FIRST + SCALE * (np.arange(18) + off)
    view = label_view(label().assign_coords(x=x), frame(), complete({}))
    assert view.grid["x"].translation == FIRST
    assert view.grid["x"].scale == SCALE


@pytest.mark.parametrize("off", [0.01, -0.01, 0.5, 1.0, 18.0])
def test_positions_of_other_pixels_are_refused(off) -> None:
    x = FIRST + SCALE * (np.arange(18) + off)
    with pytest.raises(CoordinateError, match="'x'"):
        label_view(label().assign_coords(x=x), frame(), complete({}))


def test_uneven_positions_are_compared_one_by_one() -> None:
    times = np.array([0.0, 1.0, 5.0])
    da = xr.DataArray(
        np.zeros((3, 8, 8), "u1"), {"t": times}, ("t", "y", "x")
    ).assign_coords(t=("t", times, {"units": "s"}))
    with pytest.warns(UserWarning, match="not evenly spaced"):
        there = frame(da, scale_factors=[2])
    own = label("yx", y=8, x=8).expand_dims(t=3)
    same = own.assign_coords(t=("t", times, {"units": "s"}))
    assert label_view(same, there, complete({})).grid.shape == (3, 8, 8)
    assert label_view(own, there, complete({})).grid.shape == (3, 8, 8)
    moved = np.array([0.0, 1.5, 5.0])
    other = own.assign_coords(t=("t", moved, {"units": "s"}))
    with pytest.raises(OmeZarrError, match="'t'"):
        label_view(other, there, complete({}))


def test_what_describes_channels_of_the_image_is_left_to_it() -> None:
    da = image(c=["DAPI", "GFP"], channel_color=("c", ["#ff0000", "#00ff00"]))
    cells = label().assign_coords(c="GFP", channel_color="#00ff00", note="mine")
    view = label_view(cells, frame(da), complete({}))
    assert {*view.outline.coords} == {"note"}
