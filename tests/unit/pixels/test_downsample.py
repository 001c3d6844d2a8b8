"""One coarser block from a block."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from xarray_omezarr.errors import DataTypeError, OptionError
from xarray_omezarr.pixels.downsample import downsample
from xarray_omezarr.pixels.methods import KERNELS, METHODS, NEAREST

Block = NDArray[Any]

BY_BIN = (*KERNELS, NEAREST)


# -- All methods ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("mean", [[2, 7], [8, 9]]),
        ("local_mean", [[2, 7], [8, 9]]),
        ("nearest", [[0, 6], [8, 9]]),
        ("mode", [[4, 6], [7, 9]]),
        ("max", [[4, 8], [8, 9]]),
        ("min", [[0, 6], [7, 9]]),
        ("median", [[2, 7], [8, 9]]),
    ],
)
def test_partial_bins_at_the_far_border_count_with_what_they_have(
    method: str, expected: list[list[int]]
) -> None:
    block = np.array([[0, 4, 6], [0, 4, 8], [8, 7, 9]], dtype=np.uint8)
    assert downsample(block, (2, 2), method).tolist() == expected


def test_one_plane_of_a_stack_does_not_leak_into_the_next() -> None:
    block = np.arange(2 * 3 * 4 * 4, dtype=np.int16).reshape(2, 3, 4, 4)
    coarse = downsample(block, (1, 1, 2, 2), "mean")
    corners = block[..., ::2, ::2]
    # The mean of four pixels at 0, 1, 4 and 5 is 2.5 more than the first.
    np.testing.assert_array_equal(coarse, np.rint(corners + 2.5), strict=False)


@pytest.mark.parametrize("method", METHODS)
def test_factors_of_one_give_the_block_itself(method: str) -> None:
    block = np.array([[1.5, np.nan]])
    assert downsample(block, (1, 1), method) is block


def test_a_fortran_block_comes_back_in_c_order() -> None:
    block = np.asfortranarray(np.arange(6).reshape(2, 3))
    coarse = downsample(block, (1, 1), "mean")
    assert coarse.flags.c_contiguous
    np.testing.assert_array_equal(coarse, block)


def test_a_single_number_has_nothing_to_downsample() -> None:
    assert downsample(np.array(3.0), (), "mean").tolist() == 3.0


@pytest.mark.parametrize("method", [m for m in METHODS if m != "laplacian"])
def test_a_factor_may_be_larger_than_the_block(method: str) -> None:
    block = np.full((2, 3), 5, dtype=np.uint16)
    assert downsample(block, (7, 4), method).tolist() == [[5]]


@pytest.mark.parametrize("method", METHODS)
def test_an_empty_block_stays_empty(method: str) -> None:
    block = np.empty((0, 5), dtype=np.float32)
    coarse = downsample(block, (2, 2), method)
    assert coarse.shape == (0, 3)
    assert coarse.dtype == np.float32


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("dtype", [">i2", "<i2", ">f8", ">f2", ">i8"])
def test_byte_order_is_kept(method: str, dtype: str) -> None:
    block = np.arange(1, 13).reshape(3, 4).astype(dtype)
    coarse = downsample(block, (2, 2), method)
    native = downsample(block.astype(block.dtype.newbyteorder("=")), (2, 2), method)
    assert coarse.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(coarse, native)


@pytest.mark.parametrize("method", BY_BIN)
def test_large_arrays_are_the_same_in_pieces(method: str) -> None:
    # Large enough for several parts, with all that a float can be.
    rng = np.random.default_rng(3)
    special = np.array([0.0, -0.0, np.nan, np.inf, -np.inf], dtype=np.float32)
    block = rng.normal(size=(3, 601, 703)).astype(np.float32)
    chosen = rng.random(block.shape) < 0.4
    block[chosen] = rng.choice(special, size=int(chosen.sum()))
    factors = (2, 3, 2)
    whole = downsample(block, factors, method)
    for z in range(0, 3, 2):
        for y in range(0, 601, 120):
            piece = downsample(block[z : z + 2, y : y + 120], factors, method)
            expected = whole[z // 2 : z // 2 + 1, y // 3 : y // 3 + 40]
            assert piece.tobytes() == expected.tobytes()


def test_nothing_is_warned_of_even_where_numpy_is_told_to_raise() -> None:
    block = np.array([np.inf, -np.inf, np.nan, 1e308, 1e308, 5e-324, np.nan, np.nan])
    with np.errstate(all="raise"):
        for method in METHODS:
            downsample(block, (2,), method)
            downsample(block.astype(">f8")[::-1], (3,), method)


# -- What is refused ------------------------------------------------------------------


@pytest.mark.parametrize("factor", [0, -2, 1.5, 2.0, None, "2"])
def test_impossible_factors_are_refused_by_axis_and_value(factor: Any) -> None:
    with pytest.raises(OptionError, match=r"Factor of axis 1 is .*at least 1") as error:
        downsample(np.zeros((4, 4)), (2, factor), "mean")
    assert repr(factor) in str(error.value)


@pytest.mark.parametrize("factors", [(2,), (2, 2, 2), ()])
def test_there_is_one_factor_per_axis(factors: tuple[int, ...]) -> None:
    with pytest.raises(OptionError, match="2 dimensions"):
        downsample(np.zeros((4, 4)), factors, "mean")


def test_integers_of_numpy_are_factors() -> None:
    factors = (np.int64(2), np.uint8(2))
    assert downsample(np.ones((4, 4)), factors, "max").shape == (2, 2)  # type: ignore[arg-type]


def test_an_unknown_method_is_refused() -> None:
    with pytest.raises(OptionError, match="Unknown method 'bicubic'"):
        downsample(np.zeros(4), (2,), "bicubic")


@pytest.mark.parametrize("dtype", ["complex64", "U3", "M8[s]", "O"])
def test_only_numbers_can_be_averaged_but_all_can_be_sampled(dtype: str) -> None:
    block = np.zeros(4, dtype=dtype)
    with pytest.raises(DataTypeError, match="method='nearest'"):
        downsample(block, (2,), "mean")
    assert downsample(block, (2,), "nearest").shape == (2,)


# -- Functions of the user ------------------------------------------------------------


def corner(block: Block, factors: tuple[int, ...]) -> Block:
    """The last pixel of every bin."""
    return block[tuple(slice(f - 1, None, f) for f in factors)]


def test_a_function_gets_whole_bins_of_repeated_pixels_and_a_tuple() -> None:
    seen: list[tuple[Block, tuple[int, ...]]] = []

    def look(block: Block, factors: tuple[int, ...]) -> Block:
        seen.append((block, factors))
        return corner(block, factors)

    block = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 9]], dtype=np.uint8)
    coarse = downsample(block, [1, 2], look)
    ((given, factors),) = seen
    assert given.tolist() == [[1, 2, 3, 3], [4, 5, 6, 6], [7, 8, 9, 9]]
    assert given.dtype == np.uint8
    assert factors == (1, 2)
    assert type(factors) is tuple
    assert coarse.tolist() == [[2, 3], [5, 6], [8, 9]]
    assert coarse.flags.c_contiguous


def test_a_function_of_the_wrong_shape_is_refused_with_both_shapes() -> None:
    def halve_rows_only(block: Block, factors: tuple[int, ...]) -> Block:
        return block[:: factors[0]]

    with pytest.raises(OptionError) as error:
        downsample(np.zeros((5, 4)), (2, 2), halve_rows_only)
    assert "'halve_rows_only'" in str(error.value)
    assert "(3, 4)" in str(error.value)
    assert "(3, 2)" in str(error.value)


def returning(values: list[Any], dtype: str) -> Any:
    """A function that returns given values whatever it gets."""
    return lambda block, factors: np.array(values, dtype=dtype)


@pytest.mark.parametrize(
    ("dtype", "returned", "values", "expected"),
    [
        ("u1", "f8", [0.5, 1.5, -3.0, 300.0], [0, 2, 0, 255]),
        ("u1", "f2", [2.5, 3.5, -np.inf, np.inf], [2, 4, 0, 255]),
        ("i8", "f8", [2.0**63, -(2.0**63), 1e300, 2.0**62], None),
        ("u8", "f4", [2.0**64, -1.0, np.inf, 2.0**63], None),
        ("u4", "f2", [65504.0, -1.0, np.inf, 7.5], [65504, 0, 2**32 - 1, 8]),
        ("i1", "i8", [2**40, -(2**40), 5, -5], [127, -128, 5, -5]),
        ("u8", "i8", [-1, 2**63 - 1, 0, 3], [0, 2**63 - 1, 0, 3]),
        ("i8", "u8", [2**64 - 1, 0, 5, 2**63], [2**63 - 1, 0, 5, 2**63 - 1]),
        (">u2", "f8", [70000.0, 1.5, 2.5, 0.0], [65535, 2, 2, 0]),
        ("u1", "?", [True, False, True, False], [1, 0, 1, 0]),
        ("?", "f8", [0.5, 0.49, 1.0, 0.0], [True, False, True, False]),
        ("?", "u1", [2, 0, 1, 0], [True, False, True, False]),
        ("f4", "f8", [0.5, np.inf, 1e300, 3.0], [0.5, np.inf, np.inf, 3.0]),
        ("f8", "i2", [1, -2, 3, 4], [1.0, -2.0, 3.0, 4.0]),
    ],
)
def test_results_of_functions_get_the_type_of_the_pixels(
    dtype: str, returned: str, values: list[Any], expected: list[Any] | None
) -> None:
    if expected is None:
        info = np.iinfo(dtype)
        expected = [min(max(v, info.min), info.max) for v in values]
        expected = [int(v) for v in expected]
    block = np.zeros(8, dtype=dtype)
    coarse = downsample(block, (2,), returning(values, returned))
    assert coarse.dtype == np.dtype(dtype)
    assert coarse.tolist() == expected


@pytest.mark.parametrize("dtype", ["u1", "i8", "?"])
def test_a_function_may_not_return_nan_for_integers(dtype: str) -> None:
    with pytest.raises(OptionError, match="returned NaN"):
        downsample(np.zeros(4, dtype=dtype), (2,), returning([1, np.nan], "f8"))


def test_a_function_may_return_nan_for_floats() -> None:
    coarse = downsample(np.zeros(4, "f4"), (2,), returning([1, np.nan], "f8"))
    np.testing.assert_array_equal(coarse, np.array([1, np.nan], "f4"), strict=True)


@pytest.mark.parametrize("returned", ["complex128", "O", "U1"])
def test_a_function_must_return_numbers(returned: str) -> None:
    with pytest.raises(OptionError, match=r"returned .* for pixels of type uint8"):
        downsample(np.zeros(4, np.uint8), (2,), returning([1, 1], returned))


# -- Memory ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "dtype", "most"),
    [
        ("mean", "u2", 0.6),
        ("mean", "f4", 0.8),
        ("mode", "u4", 0.8),
        ("median", "u2", 0.8),
        ("max", ">i2", 0.8),
    ],
)
def test_little_more_memory_is_needed_than_for_the_result(
    method: str, dtype: str, most: float
) -> None:
    block = np.random.default_rng(0).integers(0, 99, (4, 2047, 2049)).astype(dtype)
    tracemalloc.start()
    try:
        downsample(block, (1, 2, 2), method)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # The result alone is a quarter of the block.
    assert block.nbytes / 4 < peak < most * block.nbytes
