"""Whatever the image and however it is cut, what is stored is a plain computation."""

from __future__ import annotations

import itertools
import warnings
from collections import Counter
from dataclasses import dataclass, field

import dask
import dask.array
import numpy as np
import pytest
import tensorstore
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zarr.storage import MemoryStore

import xarray_omezarr  # noqa: F401 - registers the accessor
from tests.integration.operations import CountingArray

INTEGERS = ("u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8")
DTYPES = (*INTEGERS, "f4", "f8", "?")
METHODS = ("mean", "mode", "median", "max", "min", "nearest")
STORED_DIMS = ("yx", "zyx", "cyx", "tyx", "czyx", "tzyx", "tcyx", "tczyx")
# No more pixels than this: the reference counts them one by one.
MOST_PIXELS = 2500


# -- The plain computation --------------------------------------------------------


def bins(pixels, factors):
    """Pixels of every bin along a new last axis, and which of them there are."""
    missing = [(0, -n % f) for n, f in zip(pixels.shape, factors, strict=True)]
    present = np.pad(np.ones(pixels.shape, bool), missing)
    padded = np.pad(pixels, missing)
    split = [k for n, f in zip(padded.shape, factors, strict=True) for k in (n // f, f)]
    order = [*range(0, len(split), 2), *range(1, len(split), 2)]
    coarse = tuple(split[::2])
    return (
        padded.reshape(split).transpose(order).reshape(*coarse, -1),
        present.reshape(split).transpose(order).reshape(*coarse, -1),
    )


def half_to_even(numerator, denominator):
    """Quotients of Python's whole numbers, rounded."""
    floor, rest = numerator // denominator, numerator % denominator
    up = (2 * rest > denominator) | ((2 * rest == denominator) & (floor % 2 == 1))
    return floor + up.astype(int).astype(object)


def mean(values, present):
    count = present.sum(-1)
    if values.dtype == bool:
        return 2 * (values & present).sum(-1) >= count
    if values.dtype.kind in "iu":
        total = np.where(present, values.astype(object), 0).sum(-1)
        return half_to_even(total, count.astype(object))
    return np.nanmean(np.where(present, values, np.nan).astype("f8"), axis=-1)


def median(values, present):
    if values.dtype == bool:
        return mean(values, present)
    if values.dtype.kind == "f":
        return np.nanmedian(np.where(present, values, np.nan).astype("f8"), axis=-1)
    count = present.sum(-1)
    # No pixel is larger, so those that are missing come last.
    table = np.sort(np.where(present, values.astype(object), 2**64), axis=-1)
    lower = np.take_along_axis(table, ((count - 1) // 2)[..., None], -1)[..., 0]
    upper = np.take_along_axis(table, (count // 2)[..., None], -1)[..., 0]
    return half_to_even(lower + upper, np.full(count.shape, 2, object))


def mode(values, present):
    if values.dtype == bool:
        return mean(values, present)
    made = np.empty(values.shape[:-1], values.dtype)
    for at in np.ndindex(made.shape):
        there = values[at][present[at]]
        numbers = there[there == there].tolist()
        counts = Counter(numbers) or {np.nan: 1}
        # The most frequent; of those the smallest, but zero last.
        made[at] = min(counts, key=lambda v: (-counts[v], v == 0, v))
    return made


def extreme(values, present, function):
    if values.dtype.kind == "f":
        pick = {"max": np.nanmax, "min": np.nanmin}[function]
        return pick(np.where(present, values, np.nan), axis=-1)
    low = {"max": -1, "min": 1}[function] * 2**70
    table = np.where(present, values.astype(object), low)
    return getattr(table, function)(-1)


def plain_level(pixels, factors, method):
    """The pixels that a level must have, from those of the level it is made of."""
    if method == "nearest":
        return pixels[tuple(slice(None, None, f) for f in factors)]
    values, present = bins(pixels, factors)
    with warnings.catch_warnings():
        # Bins of nothing but NaN.
        warnings.simplefilter("ignore", RuntimeWarning)
        if method in ("max", "min"):
            made = extreme(values, present, method)
        else:
            made = {"mean": mean, "median": median, "mode": mode}[method](
                values, present
            )
        return np.asarray(made).astype(pixels.dtype)


def plain_pyramid(pixels, scale_factors, method):
    """All levels: each from the coarsest finer one whose factors divide its own."""
    levels, factors = [pixels], [(1,) * pixels.ndim]
    for wanted in scale_factors:
        parent = max(
            i
            for i, finer in enumerate(factors)
            if all(w % f == 0 for w, f in zip(wanted, finer, strict=True))
        )
        step = tuple(w // f for w, f in zip(wanted, factors[parent], strict=True))
        levels.append(plain_level(levels[parent], step, method))
        factors.append(wanted)
    return levels


# -- Cases ------------------------------------------------------------------------


@dataclass
class Case:
    """An image, how it is stored, and how it is cut on its way there."""

    dims: str
    pixels: np.ndarray = field(repr=False)
    factors: list[tuple[int, ...]]
    method: str
    chunks: list[tuple[int, ...]]
    shards: list[tuple[int, ...]] | None
    own_dims: str
    kind: str
    blocks: tuple[tuple[int, ...], ...]
    memory_limit: int | None
    options: dict

    def image(self):
        """The image, its dims in any order, its pixels in memory or not."""
        order = [self.dims.index(dim) for dim in self.own_dims]
        own = np.ascontiguousarray(self.pixels.transpose(order))
        blocks = tuple(self.blocks[axis] for axis in order)
        if self.kind == "dask":
            return xr.DataArray(
                dask.array.from_array(own, blocks), dims=[*self.own_dims]
            )
        data = CountingArray(own).lazily() if self.kind == "lazy" else own
        return xr.DataArray(data, dims=[*self.own_dims])

    def write(self):
        """The arrays that were stored, opened by zarr."""
        group = self.image().omezarr.to_image(
            MemoryStore(),
            scale_factors=[dict(zip(self.dims, f, strict=True)) for f in self.factors]
            or None,
            method=self.method,
            chunks=self.chunks,
            shards=self.shards,
            memory_limit=self.memory_limit,
            **self.options,
        )
        return [group[str(level)] for level in range(len(self.factors) + 1)]


@st.composite
def cases(draw, dtypes=DTYPES, methods=METHODS, dims=STORED_DIMS, chained=False):
    dims = draw(st.sampled_from(dims))
    shape, left = [], MOST_PIXELS
    for dim in reversed(dims):
        most = {"t": 3, "c": 3, "z": 9}.get(dim, 45)
        shape.insert(0, draw(st.integers(1, max(1, min(most, left)))))
        left //= shape[0]
    factors = draw(all_factors(dims, chained))
    shapes = [tuple(shape)] + [
        tuple(-(-n // f) for n, f in zip(shape, fs, strict=True)) for fs in factors
    ]
    chunks = [tuple(draw(st.integers(1, n)) for n in size) for size in shapes]
    version = draw(st.sampled_from(["0.4", "0.5"]))
    shards = None
    if version == "0.5" and draw(st.sampled_from([True, True, False])):
        shards = [tuple(c * draw(st.integers(1, 3)) for c in cut) for cut in chunks]
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    seed = draw(st.integers(0, 2**32 - 1))
    return Case(
        dims=dims,
        pixels=random_pixels(np.random.default_rng(seed), tuple(shape), dtype),
        factors=factors,
        method=draw(st.sampled_from(methods)),
        chunks=chunks,
        shards=shards,
        own_dims="".join(draw(st.permutations(dims))),
        kind=draw(st.sampled_from(["numpy", "dask", "lazy"])),
        blocks=tuple(draw(chunking(n)) for n in shape),
        memory_limit=draw(st.sampled_from([1000, 1, 100, 10**4, 10**5, None])),
        options={
            "version": version,
            "fill_value": draw(st.sampled_from([0, 1])),
            "write_empty_chunks": draw(st.booleans()),
            "compression": draw(
                st.sampled_from(["auto", "none", "zstd", "gzip", "blosc-lz4"])
            ),
        },
    )


@st.composite
def all_factors(draw, dims, chained):
    """Factors that grow from level to level, multiples of each other or not."""
    made, last = [], dict.fromkeys(dims, 1)
    for _ in range(draw(st.sampled_from([2, 3, 4, 1, 0]))):
        now = {}
        for dim in dims:
            by = draw(st.integers(1, 3 if dim in "zyx" else 2))
            grow = chained or draw(st.booleans())
            now[dim] = last[dim] * by if grow else last[dim] + by - 1
        if now == last:
            now["x"] = 2 * last["x"]
        made.append(tuple(now.values()))
        last = now
    return made


def chunking(size):
    """Any way of cutting `size` pixels into blocks."""
    return st.sets(st.integers(1, size), max_size=6).map(
        lambda cuts: tuple(np.diff([0, *sorted(cuts - {size}), size]).tolist())
    )


def random_pixels(rng, shape, dtype):
    """Objects on an empty ground, or all values there are, or few."""
    if dtype.kind == "b":
        return rng.random(shape) < rng.choice([0.1, 0.5])
    few = rng.integers(0, 5, shape).astype(dtype)
    if dtype.kind == "f":
        # Sums of these are exact, so that their order does not show.
        pixels = (rng.integers(-(2**12), 2**12, shape) / 8).astype(dtype)
        for special in (np.nan, np.inf):
            pixels[rng.random(shape) < rng.choice([0, 0.2, 0.9])] = special
    else:
        info = np.iinfo(dtype)
        pixels = rng.integers(info.min, info.max, shape, dtype, endpoint=True)
    empty = np.zeros(shape, dtype)
    empty[tuple(slice(0, n // 2 + 1) for n in shape)] = 3
    return [few, pixels, empty][rng.integers(3)]


# -- Properties -------------------------------------------------------------------

patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
threads = dask.config.set(scheduler="threads", num_workers=4)


def assert_same(stored, expected):
    assert stored.dtype == expected.dtype
    if expected.dtype.kind == "f":
        # Levels of levels are thirds of thirds: their sums depend on the order.
        epsilon = 4 * np.finfo(expected.dtype).eps
        np.testing.assert_allclose(stored, expected, rtol=epsilon, atol=1e-10)
    else:
        np.testing.assert_array_equal(stored, expected)


@settings(patient, max_examples=330)
@given(case=cases())
def test_every_level_is_what_plain_numpy_makes(case):
    with threads:
        stored = case.write()
    expected = plain_pyramid(case.pixels, case.factors, case.method)
    for level, (array, pixels) in enumerate(zip(stored, expected, strict=True)):
        assert array.chunks == case.chunks[level]
        assert (
            array.metadata.zarr_format == {"0.4": 2, "0.5": 3}[case.options["version"]]
        )
        assert_same(array[...], pixels)


@settings(patient, max_examples=40)
@given(case=cases(dtypes=("f4", "f8")), other=st.data())
def test_not_a_bit_depends_on_how_the_image_is_cut(case, other):
    with threads:
        stored = [array[...] for array in case.write()]
    case.kind = other.draw(st.sampled_from(["numpy", "dask", "lazy"]))
    case.blocks = tuple(other.draw(chunking(n)) for n in case.pixels.shape)
    case.chunks = [array.shape for array in stored]
    case.shards, case.memory_limit = None, other.draw(st.sampled_from([None, 1]))
    with threads:
        again = [array[...] for array in case.write()]
    assert [a.tobytes() for a in stored] == [b.tobytes() for b in again]


@settings(patient, max_examples=40)
@given(case=cases(), seed=st.integers(0, 99))
def test_objects_that_hold_nothing_are_left_out_unless_wanted(case, seed):
    case.shards = None
    case.pixels = np.where(
        np.random.default_rng(seed).random(case.pixels.shape) < 0.02, case.pixels, 0
    ).astype(case.pixels.dtype)
    case.options["fill_value"] = 0
    with threads:
        stored = case.write()
    for array in stored:
        places = itertools.product(
            *(
                range(0, size, chunk)
                for size, chunk in zip(array.shape, array.chunks, strict=True)
            )
        )
        pixels = array[...]
        held = sum(
            bool(
                np.any(
                    pixels[
                        tuple(
                            slice(a, a + n)
                            for a, n in zip(at, array.chunks, strict=True)
                        )
                    ]
                )
            )
            for at in places
        )
        wanted = array.nchunks if case.options["write_empty_chunks"] else held
        assert array.nchunks_initialized == wanted


# -- A second reference -----------------------------------------------------------


def tensorstore_level(pixels, factors, method):
    """A level as tensorstore makes it."""
    array = tensorstore.array(np.ascontiguousarray(pixels))
    names = {"nearest": "stride"}
    view = tensorstore.downsample(array, list(factors), names.get(method, method))
    return view.read().result()


@settings(patient, max_examples=60)
@given(case=cases(dtypes=INTEGERS, methods=("mean", "nearest"), chained=True))
def test_means_and_samples_are_those_of_tensorstore(case):
    with threads:
        stored = [array[...] for array in case.write()]
    expected, last = case.pixels, (1,) * case.pixels.ndim
    for array, factors in zip(stored[1:], case.factors, strict=True):
        step = tuple(b // a for a, b in zip(last, factors, strict=True))
        expected, last = tensorstore_level(expected, step, case.method), factors
        np.testing.assert_array_equal(array, expected)


@settings(patient, max_examples=40)
@given(case=cases(dtypes=INTEGERS, methods=("mode",), chained=True))
def test_modes_are_those_of_tensorstore_where_no_two_values_are_as_frequent(case):
    with threads:
        stored = [array[...] for array in case.write()]
    last = (1,) * case.pixels.ndim
    for finer, array, factors in zip(stored, stored[1:], case.factors, strict=False):
        step = tuple(b // a for a, b in zip(last, factors, strict=True))
        expected, last = tensorstore_level(finer, step, "mode"), factors
        clear = ~is_tied(finer, step)
        np.testing.assert_array_equal(array[clear], expected[clear])


def is_tied(pixels, factors):
    values, present = bins(pixels, factors)
    tied = np.empty(values.shape[:-1], bool)
    for at in np.ndindex(tied.shape):
        (_, first), *rest = Counter(values[at][present[at]].tolist()).most_common(2)
        tied[at] = any(count == first for _, count in rest)
    return tied


# -- The reference itself ---------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "expected"),
    [
        ("mean", [[2, 8], [6, 9]]),
        ("median", [[2, 8], [6, 9]]),
        ("mode", [[1, 7], [5, 9]]),
        ("max", [[4, 8], [6, 9]]),
        ("min", [[1, 7], [5, 9]]),
        ("nearest", [[1, 7], [5, 9]]),
    ],
)
def test_the_plain_computation_gives_what_is_known(method, expected):
    pixels = np.array([[1, 2, 7], [4, 3, 8], [5, 6, 9]], "u1")
    # Halves go to even numbers: 2.5 to 2, 7.5 to 8, 5.5 to 6.
    np.testing.assert_array_equal(plain_level(pixels, (2, 2), method), expected)


def test_the_plain_pyramid_goes_back_to_level_0_where_factors_do_not_divide():
    pixels = np.arange(12, dtype="u1")[None]
    levels = plain_pyramid(pixels, [(1, 2), (1, 3), (1, 6)], "nearest")
    assert [level.tolist() for level in levels[1:]] == [
        [[0, 2, 4, 6, 8, 10]],
        [[0, 3, 6, 9]],
        [[0, 6]],
    ]
