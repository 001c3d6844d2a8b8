"""Blocks that sources give, compared with what they promised."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse
from hypothesis import given
from hypothesis import strategies as st

from xarray_omezarr.errors import DataTypeError, LayoutError
from xarray_omezarr.pixels.given import as_promised, dense

INTEGERS = [f"{kind}{size}" for kind in "iu" for size in (1, 2, 4, 8)]


class OnACard:
    """As cupy's: copied to the host only when told to."""

    __cuda_array_interface__ = property(lambda _: {"version": 3})

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion is not allowed, use .get()")

    def get(self):
        return self.values


def test_what_was_promised_is_not_copied() -> None:
    block = np.arange(6, dtype="u2").reshape(2, 3)
    assert as_promised(block, block.dtype, (2, 3)) is block


def test_bytes_are_put_in_the_order_of_the_machine() -> None:
    swapped = np.dtype("u2").newbyteorder("S")
    made = as_promised(np.array([1, 258], swapped), np.dtype("u2"), (2,))
    assert made.dtype.isnative
    assert made.tolist() == [1, 258]


def test_blocks_of_other_libraries_become_dense() -> None:
    values = np.array([[0, 7], [0, 0]], "u2")
    for block in (scipy.sparse.csr_array(values), OnACard(values), values.tolist()):
        made = dense(block)
        assert type(made) is np.ndarray
        assert made.tolist() == [[0, 7], [0, 0]]


def test_what_numpy_cannot_read_is_refused_by_name() -> None:
    class Stubborn:
        def __array__(self, dtype=None, copy=None):
            raise TypeError("no")

    with pytest.raises(DataTypeError, match=r"Stubborn.*\(no\); convert"):
        dense(Stubborn())


@given(
    st.sampled_from(INTEGERS),
    st.sampled_from(INTEGERS),
    st.lists(st.integers(-(2**63), 2**64 - 1), min_size=1, max_size=4),
)
def test_integers_keep_their_value_or_are_refused(source, promised, numbers) -> None:
    limits, kept = np.iinfo(source), np.iinfo(promised)
    numbers = [min(max(n, limits.min), limits.max) for n in numbers]
    block = np.array(numbers, source)
    if all(kept.min <= n <= kept.max for n in numbers):
        made = as_promised(block, np.dtype(promised), block.shape)
        assert made.dtype == promised
        assert made.tolist() == numbers
    else:
        with pytest.raises(DataTypeError, match="where its source promised"):
            as_promised(block, np.dtype(promised), block.shape)


@pytest.mark.parametrize("promised", INTEGERS)
@pytest.mark.parametrize("value", [0.5, np.nan, np.inf, 2.0**64, -(2.0**64), 1e300])
def test_floats_that_are_no_such_integer_are_refused(promised, value) -> None:
    with pytest.raises(DataTypeError, match="float64 where its source promised"):
        as_promised(np.array([0.0, value]), np.dtype(promised), (2,))


@pytest.mark.parametrize("promised", ["i8", "u8"])
def test_the_first_float_beyond_64_bits_is_refused(promised) -> None:
    beyond = 2.0**63 if promised == "i8" else 2.0**64
    with pytest.raises(DataTypeError):
        as_promised(np.array([beyond]), np.dtype(promised), (1,))
    last = float(np.nextafter(beyond, 0))
    made = as_promised(np.array([last]), np.dtype(promised), (1,))
    assert made.tolist() == [int(last)]


def test_floats_are_rounded_but_do_not_become_infinite() -> None:
    narrow = np.dtype("f4")
    values = np.array([0.1, np.nan, np.inf])
    made = as_promised(values, narrow, (3,))
    np.testing.assert_array_equal(made, values.astype("f4"))
    with pytest.raises(DataTypeError, match="float64 where its source promised float"):
        as_promised(np.array([1e39]), narrow, (1,))


@pytest.mark.parametrize(
    "block", [np.array([1j]), np.array(["1"]), np.array([1], object)]
)
def test_what_is_no_number_is_refused(block) -> None:
    with pytest.raises(DataTypeError):
        as_promised(block, np.dtype("f8"), (1,))


@pytest.mark.parametrize("shape", [(1, 1), (2,), (2, 3), (0, 2), (4, 1)])
def test_no_block_is_stretched_or_cut(shape) -> None:
    with pytest.raises(LayoutError, match=r"where its source promised \(2, 2\)"):
        as_promised(np.zeros(shape, "u1"), np.dtype("u1"), (2, 2))


def test_masked_floats_are_nan_and_masked_integers_refused() -> None:
    floats = np.ma.masked_array([1.0, 2.0], [False, True])
    made = as_promised(floats, np.dtype("f8"), (2,))
    np.testing.assert_array_equal(made, [1.0, np.nan])
    integers = np.ma.masked_array([1, 2], [False, True], dtype="u2")
    with pytest.raises(DataTypeError, match=r"masked, and uint16 .*\.filled\(\)"):
        as_promised(integers, np.dtype("u2"), (2,))
    unmasked = np.ma.masked_array([1, 2], dtype="u2")
    assert as_promised(unmasked, np.dtype("u2"), (2,)).tolist() == [1, 2]
