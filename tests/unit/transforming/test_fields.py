import tracemalloc
from math import prod
from typing import Any

import dask.array as da
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.interpolate import RegularGridInterpolator
from scipy.ndimage import map_coordinates
from zarr.storage import MemoryStore

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.transforming import fields
from xarray_omezarr.transforming.fields import TILE_BYTES, sample
from xarray_omezarr.transforming.stored import Field

#: What tells the components of `Virtual` apart.
OFFSET = np.array([0, 1000, 2000])


class Virtual:
    """Vectors that are computed where they are read, and what was read of them."""

    def __init__(
        self,
        shape: tuple[int, ...],
        component: int,
        dtype: str = "float32",
        chunks: tuple[int, ...] | None = None,
    ) -> None:
        self.shape = shape
        self.component = component
        self.dtype = np.dtype(dtype)
        self.chunks = chunks
        self.boxes: list[tuple[slice, ...]] = []

    def __getitem__(self, key: tuple[slice, ...], /) -> NDArray[Any]:
        self.boxes.append(key)
        ranges = [
            np.arange(*part.indices(n), dtype=self.dtype)
            for part, n in zip(key, self.shape, strict=True)
        ]
        # Component c is the index along axis c, plus 1000 times c.
        number = ranges.pop(self.component)
        grid = np.meshgrid(*ranges, indexing="ij")
        entries = [grid[int(c)] + self.dtype.type(1000 * c) for c in number]
        return np.stack(entries, axis=self.component)

    @property
    def bytes_read(self) -> list[int]:
        return [self.dtype.itemsize * prod(self._lengths(box)) for box in self.boxes]

    def _lengths(self, box: tuple[slice, ...]) -> list[int]:
        return [
            len(range(*part.indices(n)))
            for part, n in zip(box, self.shape, strict=True)
        ]


def field_of(
    vectors: Any,
    component: int = 0,
    scale: tuple[float, ...] | None = None,
    translation: tuple[float, ...] | None = None,
) -> Field:
    axes = len(vectors.shape) - 1
    return Field(
        vectors, component, scale or (1.0,) * axes, translation or (0.0,) * axes
    )


def row(*values: float, scale: float = 1.0, translation: float = 0.0) -> Field:
    return field_of(np.array([values], float), 0, (scale,), (translation,))


def at(
    field: Field, *positions: float, interpolation: str | None = None
) -> list[float]:
    points = np.array(positions, float).reshape(-1, 1)
    return sample(field, points, interpolation).ravel().tolist()


def test_between_two_pixels_values_are_shared_by_distance() -> None:
    assert at(row(0, 8, 4), 0, 0.25, 1, 1.75, 2) == [0, 2, 8, 5, 4]


def test_linear_is_what_no_interpolation_means() -> None:
    assert at(row(0, 8), 0.5, interpolation="linear") == at(row(0, 8), 0.5) == [4]


def test_the_nearest_pixel_is_the_higher_one_half_way() -> None:
    field = row(1, 2, 4, 8)
    positions = [0, 0.49, 0.5, 1.5, 2.5, 2.51]
    assert at(field, *positions, interpolation="nearest") == [1, 1, 2, 4, 8, 8]


def test_half_way_is_told_by_decimals_not_by_how_they_are_rounded() -> None:
    field = row(0, 1, 2, 3, 4, scale=0.1)
    # 0.35 / 0.1 is 3.4999999999999996.
    assert at(field, 0.35, interpolation="nearest") == [4]


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_the_border_holds_for_half_a_pixel_and_nothing_beyond(
    interpolation: str,
) -> None:
    field = row(3, 5, 7, scale=0.1, translation=0.2)
    found = at(
        field, 0.1499, 0.15, 0.16, 0.44, 0.45, 0.4501, interpolation=interpolation
    )
    np.testing.assert_array_equal(found, [np.nan, 3, 3, 7, 7, np.nan])


def test_a_scale_may_be_negative() -> None:
    assert at(row(0, 10, 20, scale=-2, translation=4), 4, 3, 0) == [0, 5, 20]


@pytest.mark.parametrize("interpolation", ["linear", "nearest"])
def test_one_pixel_holds_for_its_own_size(interpolation: str) -> None:
    found = at(row(7, scale=2), -1.1, -1, 0, 1, 1.1, interpolation=interpolation)
    np.testing.assert_array_equal(found, [np.nan, 7, 7, 7, np.nan])


def test_one_pixel_along_one_axis_of_several() -> None:
    vectors = np.array([[[0.0, 4.0]], [[8.0, 0.0]]])  # component, y (1), x (2)
    found = sample(field_of(vectors), np.array([[0.3, 0.25], [0.6, 0.25]]))
    np.testing.assert_array_equal(found, [[1, 6], [np.nan, np.nan]])


def test_nothing_is_known_at_no_position_and_infinitely_far_away() -> None:
    vectors = np.ones((2, 3, 3))
    bad = [np.nan, np.inf, -np.inf, 1e308]
    points = np.array([[value, 1.0] for value in bad] + [[1.0, value] for value in bad])
    assert np.isnan(sample(field_of(vectors, 0, (1e-9, 1e-9)), points)).all()
    assert np.isnan(sample(field_of(vectors), points, "nearest")).all()


def test_a_centre_has_its_value_whatever_lies_beside_it() -> None:
    field = row(np.nan, 2, np.inf, 4)
    np.testing.assert_array_equal(
        at(field, 0, 1, 1.5, 2, 3), [np.nan, 2, np.inf, np.inf, 4]
    )
    # 0.3 / 0.1 is 2.9999999999999996.
    assert at(row(0, 1, np.nan, 3, scale=0.1), 0.3) == [3]


def test_no_points_give_no_vectors_and_read_nothing() -> None:
    vectors = Virtual((2, 5, 6), 0)
    assert sample(field_of(vectors), np.empty((0, 2))).shape == (0, 2)
    assert np.isnan(sample(field_of(vectors), np.array([[-9.0, 0.0]]))).all()
    assert vectors.boxes == []


def test_a_field_without_pixels_knows_nothing() -> None:
    assert np.isnan(sample(field_of(np.empty((2, 0, 4))), np.zeros((3, 2)))).all()


@pytest.mark.parametrize("component", [0, 1, 2, 3])
def test_components_lie_along_any_dim(component: int) -> None:
    vectors = Virtual((4, 5, 6), 0).shape
    field = field_of(
        Virtual((*vectors[:component], 3, *vectors[component:]), component), component
    )
    points = np.array([[1.5, 2.25, 3.125], [0, 4, 5]])
    expected = points + OFFSET
    np.testing.assert_array_equal(sample(field, points), expected)


@pytest.mark.parametrize(
    "dtype", ["float16", "float32", "float64", "int16", "uint8", "int64", ">f4"]
)
def test_vectors_of_any_numeric_type_give_float64(dtype: str) -> None:
    vectors = np.array([[0, 1, 2, 100]], dtype=dtype)
    found = sample(field_of(vectors), np.array([[0.5], [2.5]]))
    assert found.dtype == np.float64
    assert found.ravel().tolist() == [0.5, 51]


def in_zarr(values: NDArray[Any]) -> Any:
    array = zarr.create_array(
        MemoryStore(), shape=values.shape, dtype=values.dtype, chunks=(2, 3, 4)
    )
    array[...] = values
    return array


@pytest.mark.parametrize(
    "stored",
    [
        in_zarr,
        lambda values: da.from_array(values, chunks=(1, (3, 4), (2, 5, 2))),
        lambda values: xr.DataArray(values),
        lambda values: xr.DataArray(values).chunk({"dim_1": 3}),
    ],
    ids=["zarr", "dask", "xarray", "xarray of dask"],
)
@pytest.mark.parametrize("tile", [TILE_BYTES, 128])
def test_anything_that_slices_can_hold_the_vectors(
    stored: Any, tile: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fields, "TILE_BYTES", tile)
    values = np.random.default_rng(5).normal(size=(2, 7, 9))
    points = np.random.default_rng(6).uniform(-0.5, [6.5, 8.5], (200, 2))
    np.testing.assert_array_equal(
        sample(field_of(stored(values)), points), sample(field_of(values), points)
    )


def test_differences_of_unsigned_vectors_do_not_wrap_around() -> None:
    vectors = np.array([[255, 0]], dtype="uint8")
    assert sample(field_of(vectors), np.array([[0.5]])).tolist() == [[127.5]]


def test_components_may_be_more_or_fewer_than_axes() -> None:
    vectors = np.arange(24.0).reshape(3, 2, 4)
    found = sample(field_of(vectors), np.array([[0.5, 1.5]]))
    assert found.tolist() == [[3.5, 11.5, 19.5]]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"interpolation": "cubic"}, "'cubic'.*'linear' or 'nearest'"),
        ({"components": 3}, "vectors of 2 entries, and 3 are needed"),
        ({"points": np.zeros((4, 3))}, r"\(4, 3\).*shape \(n, 2\)"),
        ({"points": np.zeros(2)}, r"\(2,\).*shape \(n, 2\)"),
        ({"component": 3}, "along dim 3: give one of 0 to 2"),
        ({"scale": (1.0,)}, "give one entry for each"),
        ({"scale": (1.0, 0.0)}, "no position tells a pixel"),
        ({"vectors": np.zeros((2, 3, 4), complex)}, "complex128: give real numbers"),
        ({"vectors": np.zeros((2, 3, 4), bool)}, "bool: give real numbers"),
    ],
)
def test_what_does_not_fit_is_refused_with_what_to_do(
    change: dict[str, Any], told: str
) -> None:
    given = {
        "vectors": np.zeros((2, 3, 4)),
        "component": 0,
        "scale": (1.0, 1.0),
        "points": np.zeros((4, 2)),
        "interpolation": None,
        "components": None,
    } | change
    field = Field(given["vectors"], given["component"], given["scale"], (0.0, 0.0))
    with pytest.raises(TransformationError, match=told):
        sample(
            field,
            given["points"],
            given["interpolation"],
            components=given["components"],
        )


@st.composite
def fields_and_points(draw: st.DrawFn) -> tuple[Field, NDArray[Any]]:
    axes = draw(st.integers(1, 4))
    shape = draw(st.lists(st.integers(2, 6), min_size=axes, max_size=axes))
    component = draw(st.integers(0, axes))
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    entries = draw(st.integers(1, 4))
    vectors = rng.normal(size=(*shape[:component], entries, *shape[component:]))
    dtype = draw(st.sampled_from(["float64", "float32", "float16"]))
    scale = rng.uniform(0.1, 5, axes) * rng.choice([-1, 1], axes)
    translation = rng.normal(size=axes) * 100
    field = Field(
        vectors.astype(dtype),
        component,
        tuple(scale.tolist()),
        tuple(translation.tolist()),
    )
    indices = rng.uniform(-1.2, np.array(shape) + 0.2, (40, axes))
    return field, indices * scale + translation


@given(fields_and_points())
@settings(deadline=None)
def test_linear_is_that_of_scipy(drawn: tuple[Field, NDArray[Any]]) -> None:
    field, points = drawn
    vectors = np.moveaxis(np.asarray(field.vectors), field.component, -1)
    indices = (points - field.translation) / np.array(field.scale)
    size = np.array(vectors.shape[:-1])
    axes = tuple(np.arange(n, dtype=float) for n in size)
    grid = RegularGridInterpolator(axes, vectors.astype(float))
    expected = grid(np.clip(indices, 0, size - 1))
    expected[np.any((indices < -0.5) | (indices > size - 0.5), axis=1)] = np.nan
    np.testing.assert_allclose(sample(field, points), expected, rtol=1e-9, atol=1e-9)


@given(fields_and_points())
@settings(deadline=None)
def test_nearest_is_that_of_scipy(drawn: tuple[Field, NDArray[Any]]) -> None:
    field, points = drawn
    vectors = np.moveaxis(np.asarray(field.vectors), field.component, 0)
    indices = (points - field.translation) / np.array(field.scale)
    size = np.array(vectors.shape[1:])
    expected = np.stack(
        [map_coordinates(v.astype(float), indices.T, order=0, mode="nearest")
         for v in vectors], axis=1
    )  # fmt: skip
    expected[np.any((indices < -0.5) | (indices > size - 0.5), axis=1)] = np.nan
    np.testing.assert_array_equal(sample(field, points, "nearest"), expected)


@given(
    st.lists(st.floats(-100, 100), min_size=12, max_size=12),
    st.integers(0, 2**32),
)
@settings(deadline=None)
def test_a_field_linear_in_position_is_given_back(
    numbers: list[float], seed: int
) -> None:
    matrix, moved = np.reshape(numbers[:9], (3, 3)), np.array(numbers[9:])
    scale, translation = np.array([0.5, 0.25, 2]), np.array([-3, 10, 0.5])
    grid = np.stack(np.indices((4, 5, 6)), axis=-1) * scale + translation
    vectors = np.moveaxis(grid @ matrix.T + moved, -1, 0)
    field = Field(vectors, 0, tuple(scale), tuple(translation))
    inner = np.random.default_rng(seed).uniform(0, [3, 4, 5], (50, 3))
    points = inner * scale + translation
    expected = points @ matrix.T + moved
    np.testing.assert_allclose(sample(field, points), expected, rtol=1e-12, atol=1e-10)


def test_ten_gibibytes_are_read_only_about_the_points() -> None:
    vectors = Virtual((3, 1000, 1000, 1000), 0)  # 11.2 GiB of float32
    field = field_of(vectors)
    rng = np.random.default_rng(0)
    near = rng.uniform(500, 510, (1000, 3))
    far = np.array([[3.5, 990.25, 0.0], [998.5, 0.0, 999.0]])
    points = np.concatenate([near, far])
    np.testing.assert_allclose(sample(field, points), points + OFFSET, rtol=1e-6)
    assert len(vectors.boxes) <= 8
    assert sum(vectors.bytes_read) < 2 * 12**3 * 12
    assert max(vectors.bytes_read) <= TILE_BYTES


def test_large_fields_are_read_in_tiles_and_each_pixel_once() -> None:
    vectors = Virtual((2, 3000, 5000), 0)  # 114 MiB
    field = field_of(vectors, 0, (0.5, 0.5), (0.0, 0.0))
    grid = np.meshgrid(np.arange(0, 1500, 4.0), np.arange(0, 2500, 4.0), indexing="ij")
    points = np.stack(grid, axis=-1).reshape(-1, 2)
    np.random.default_rng(1).shuffle(points)
    np.testing.assert_array_equal(sample(field, points), points * 2 + OFFSET[:2])
    assert max(vectors.bytes_read) <= TILE_BYTES
    seen = np.zeros((3000, 5000), dtype=np.uint8)
    for _, rows, columns in vectors.boxes:
        seen[rows, columns] += 1
    # At centres of pixels no neighbour is needed, so no two tiles overlap.
    assert seen.max() == 1
    assert len(vectors.boxes) <= 8


def test_tiles_share_no_chunk_but_at_their_edges() -> None:
    vectors = Virtual((2, 4096, 4096), 0, chunks=(1, 300, 700))
    points = np.stack(np.meshgrid(*[np.arange(0, 4096, 8.0)] * 2), -1).reshape(-1, 2)
    sample(field_of(vectors), points)
    assert len(vectors.boxes) > 1
    chunks = [
        (y, x)
        for _, rows, columns in vectors.boxes
        for y in range(rows.start // 300, (rows.stop - 1) // 300 + 1)
        for x in range(columns.start // 700, (columns.stop - 1) // 700 + 1)
    ]
    assert len(chunks) == len(set(chunks))


def test_points_across_a_seam_of_tiles_are_as_inside() -> None:
    vectors = Virtual((2, 3000, 3000), 0)
    rng = np.random.default_rng(3)
    points = rng.uniform(0, 2999, (40_000, 2))
    np.testing.assert_allclose(
        sample(field_of(vectors), points), points + OFFSET[:2], rtol=1e-6
    )
    assert len(vectors.boxes) > 1


def test_two_points_far_apart_are_two_small_readings() -> None:
    vectors = Virtual((2, 10**7, 10**7), 0)
    points = np.array([[0.5, 0.5], [9e6, 9e6]])
    sample(field_of(vectors), points)
    assert sum(vectors.bytes_read) <= 64


def test_indices_beyond_the_reach_of_32_bits_are_found() -> None:
    vectors = Virtual((1, 2**40), 0, dtype="float64")
    found = sample(field_of(vectors), np.array([[2.0**39 + 0.5]]))
    assert found.tolist() == [[2.0**39 + 0.5]]


def test_memory_is_that_of_some_tiles_and_of_the_points() -> None:
    vectors = Virtual((3, 300, 300, 300), 0)  # 309 MiB
    points = np.random.default_rng(4).uniform(0, 299, (100_000, 3))
    tracemalloc.start()
    try:
        sample(field_of(vectors), points)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # A tile is copied once as it is read, and `Virtual` needs room to compute one.
    assert peak < 6 * TILE_BYTES + 5 * points.nbytes
    assert len(vectors.boxes) > 8
