"""Which fields in an array there are."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import PlateError
from xarray_omezarr.write.present import present, refuse_masked

DIMS = ("well", "field")


def array(dtype="f4"):
    return xr.DataArray(np.ones((2, 3, 4, 4), dtype), dims=(*DIMS, "y", "x"))


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8"])
def test_in_memory_fields_of_nothing_but_nan_are_absent(dtype) -> None:
    da = array(dtype)
    da[0, 1] = np.nan
    da[1, 2, :3] = np.nan
    assert present(da, DIMS).tolist() == [[True, False, True], [True] * 3]


def test_dims_may_lie_anywhere() -> None:
    da = array()
    da[0, 1] = np.nan
    turned = da.transpose("y", "field", "x", "well")
    assert present(turned, ("field", "well")).tolist() == [
        [True, True],
        [False, True],
        [True, True],
    ]


@pytest.mark.parametrize(
    ("dims", "there", "expected"),
    [
        ((), True, [[True] * 3] * 2),
        ("well", [True, False], [[True] * 3, [False] * 3]),
        (("field", "well"), [[True, True]] * 2 + [[False] * 2], [[1, 1, 0]] * 2),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_a_coordinate_says_it_whatever_the_pixels_are(
    dims, there, expected, chunked
) -> None:
    da = array().assign_coords(present=(dims, there))
    da = da.chunk() if chunked else da
    assert present(da, DIMS).tolist() == expected


@pytest.mark.parametrize("dtype", ["u1", "i4", "?"])
def test_pixels_that_cannot_be_nan_are_all_there(dtype) -> None:
    assert present(array(dtype).chunk(), DIMS).all()


@pytest.mark.parametrize("dtype", ["f4", "c8"])
def test_what_is_lazy_and_may_be_nan_is_refused_and_not_computed(dtype) -> None:
    with pytest.raises(PlateError, match=r"assign_coords\(present=True\)"):
        present(array(dtype).chunk(), DIMS)


@pytest.mark.parametrize(
    "coordinate", [("well", [1, 0]), ("y", [True] * 4), ("well", ["a", "b"])]
)
def test_a_coordinate_that_does_not_tell_fields_is_refused(coordinate) -> None:
    with pytest.raises(PlateError, match="it tells which fields there are"):
        present(array().assign_coords(present=coordinate), DIMS)


def test_masked_fields_that_are_said_to_be_there_are_told_how_to_be_left_out() -> None:
    da = array().assign_coords(present=True)
    da[0, 1] = np.nan
    paths = {(0, 0): "A/1/0", (0, 1): "A/1/1"}
    remedy = r"A/1/1 are all NaN.*\.assign_coords\(present=plate\.present & condition\)"
    with pytest.raises(PlateError, match=remedy):
        refuse_masked(da, DIMS, paths)
