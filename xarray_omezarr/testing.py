"""Tests for those who build on the package: images, round trips, a suite for writers.

Nothing here needs pytest to be imported, but `ArrayWriterSuite` needs it to be run.
"""

from __future__ import annotations

import itertools
import pickle
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, TypeAlias

import numpy as np
import xarray as xr

from xarray_omezarr.api.images import plan_image, write_image
from xarray_omezarr.api.opening import open_image
from xarray_omezarr.store.writers import make_arrays, resolve_writer

Slices: TypeAlias = tuple[slice, ...]

# Distance of pixel centres and unit by dim, and a first coordinate that is not 0.
_SCALE = {"t": 2.5, "z": 1.5, "y": 0.25, "x": 0.25}
_UNIT = {"t": "second", "z": "micrometer", "y": "micrometer", "x": "micrometer"}
_FIRST = {"t": 0.0, "z": -3.0, "y": 100.0, "x": 7.5}

_SIZES = {"t": 2, "c": 3, "z": 5, "y": 37, "x": 53}

#: Types that a pixel of OME-Zarr commonly has.
DTYPES = (
    "uint8",
    "int8",
    "uint16",
    "int16",
    "uint32",
    "int32",
    "uint64",
    "int64",
    "float32",
    "float64",
    "bool",
)


def image(
    dims: str = "zyx",
    shape: Sequence[int] | None = None,
    dtype: Any = "uint16",
    *,
    scale: Mapping[str, float] | None = None,
    seed: int = 0,
    blocks: Sequence[int] | int | None = None,
) -> xr.DataArray:
    """A calibrated image of random pixels, for tests.

    Parameters
    ----------
    dims : str
        Some of ``t c z y x``, in this order.
    shape : sequence of int, optional
        Pixels along each dim; small odd sizes if not given.
    dtype : numpy dtype
        Type of the pixels. Integers stay below 2000, so that means of them are exact;
        floats are between 0 and 1.
    scale : mapping, optional
        Distance of pixel centres by dim, in seconds and micrometers.
    seed : int
        The same number gives the same pixels.
    blocks : int or sequence of int, optional
        Makes a dask array of blocks of this shape.

    Returns
    -------
    xarray.DataArray
        With coordinates and units for ``t z y x`` and names for ``c``.

    Examples
    --------
    >>> da = image("cyx", (2, 8, 8))
    >>> da["c"].values.tolist(), da["x"].attrs["units"], float(da["x"][1] - da["x"][0])
    (['channel 0', 'channel 1'], 'micrometer', 0.25)
    """
    sizes = [_SIZES[dim] for dim in dims] if shape is None else shape
    rng = np.random.default_rng(seed)
    kind = np.dtype(dtype)
    if kind.kind == "f":
        pixels = rng.random(sizes).astype(kind)
    else:
        top = {"b": 2, "u": 2000, "i": 2000}[kind.kind]
        top = min(top, 2 ** (8 * kind.itemsize - 1))
        pixels = rng.integers(0, top, sizes).astype(kind)
    steps = {**_SCALE, **(scale or {})}
    coords: dict[str, Any] = {}
    for dim, size in zip(dims, sizes, strict=True):
        if dim == "c":
            coords[dim] = [f"channel {index}" for index in range(size)]
        else:
            centres = _FIRST[dim] + steps[dim] * np.arange(size)
            coords[dim] = (dim, centres, {"units": _UNIT[dim], "spacing": steps[dim]})
    made = xr.DataArray(pixels, coords, tuple(dims))
    if blocks is None:
        return made
    shape = [blocks] * len(dims) if isinstance(blocks, int) else blocks
    return made.chunk(dict(zip(dims, shape, strict=True)))


def assert_roundtrip(
    obj: xr.DataArray, store: Any, *, rtol: float = 1e-12, **options: Any
) -> xr.DataArray:
    """Write an image, read it back, and raise if it is not the same.

    Parameters
    ----------
    obj : xarray.DataArray
        The image, its dims named and ordered as they are stored.
    store : path, URL or store
        Where to write it.
    rtol : float
        How far coordinates may be off, as a fraction of the pixel size. Pixels, their
        type, names of channels and units must be equal.
    **options
        As for `xarray_omezarr.write_image`.

    Returns
    -------
    xarray.DataArray
        What was read back, lazily.

    Raises
    ------
    AssertionError
        At the first difference.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     back = assert_roundtrip(image("yx"), f"{folder}/image.ome.zarr")
    ...     back.shape
    (37, 53)
    """
    write_image(obj, store, **options)
    where = {
        name: options[name] for name in ("group", "storage_options") if name in options
    }
    back = open_image(store, **where)
    assert back.dims == obj.dims, f"dims are {back.dims}, not {obj.dims}"
    assert back.dtype == obj.dtype, f"dtype is {back.dtype}, not {obj.dtype}"
    np.testing.assert_array_equal(back.values, obj.values)
    for dim in obj.dims:
        if dim in obj.coords:
            _assert_same_coordinate(back[dim], obj[dim], rtol)
    return back


def _assert_same_coordinate(
    back: xr.DataArray, given: xr.DataArray, rtol: float
) -> None:
    if not np.issubdtype(given.dtype, np.number):
        assert back.values.tolist() == given.values.tolist(), f"names of {given.name}"
        return
    step = float(given[1] - given[0]) if given.size > 1 else 1.0
    np.testing.assert_allclose(
        back.values, given.values, rtol=rtol, atol=rtol * abs(step)
    )
    if "units" in given.attrs:
        seen, asked = back.attrs.get("units"), given.attrs["units"]
        assert seen == asked, f"unit of {given.name} is {seen}, not {asked}"


class ArrayWriterSuite:
    """Tests that every writer must pass, collected by pytest in a subclass.

    Whatever the writer stores is compared with what zarr stores: pixels of all levels,
    metadata of the image, and the layout of the arrays.

    A writer that needs a fixture is set by one that is used by every test::

        class TestMine(ArrayWriterSuite):
            @pytest.fixture(autouse=True)
            def set_writer(self, server):
                self.writer = server.create_array

    Attributes
    ----------
    writer : str or callable
        What the option `writer` takes; a function needs no ``staticmethod``.
    versions : tuple of str or None
        Versions of the standard to write; None is the default one.
    fill_values : tuple
        Values of absent pixels to ask for. A function is not told the fill value, so
        it passes with the one that it uses only.
    compressions : tuple
        Codecs to ask for.
    is_portable : bool
        Whether the arrays can be sent to other processes.

    Examples
    --------
    >>> class TestTensorstore(ArrayWriterSuite):
    ...     writer = "tensorstore"
    ...     fill_values = (0, 7)
    """

    writer: Any = "zarr"
    versions: ClassVar[tuple[str | None, ...]] = (None,)
    fill_values: ClassVar[tuple[float, ...]] = (0,)
    compressions: ClassVar[tuple[Any, ...]] = ("auto", "blosc-lz4", "zstd", "none")
    is_portable: ClassVar[bool] = True

    def pytest_generate_tests(self, metafunc: Any) -> None:
        """Tell pytest what the arguments of the tests below run over."""
        values: dict[str, Sequence[Any]] = {
            "dtype": DTYPES,
            "dims": ("yx", "cyx", "zyx", "tcyx", "czyx", "tczyx"),
            "version": self.versions,
            "fill_value": self.fill_values,
            "compression": self.compressions,
            "seed": range(5),
        }
        for name in set(values).intersection(metafunc.fixturenames):
            metafunc.parametrize(name, values[name])

    @property
    def _writer(self) -> Any:
        # A plain function that is found on the instance would be bound to it.
        return vars(self).get("writer", type(self).writer)

    def assert_writes_as_zarr(
        self, da: xr.DataArray, folder: Path, **options: Any
    ) -> None:
        """Write by both writers, and raise if the stores do not say the same."""
        mine, others = (folder / name / "image.ome.zarr" for name in ("mine", "zarr"))
        group = write_image(da, mine, writer=self._writer, **options)
        expected = write_image(da, others, writer="zarr", **options)
        assert group.attrs.asdict() == expected.attrs.asdict()
        levels = sorted(expected.array_keys(), key=int)
        assert sorted(group.array_keys(), key=int) == levels
        for level in levels:
            _assert_same_array(group[level], expected[level])
            back = open_image(mine, level=int(level))
            xr.testing.assert_identical(back, open_image(others, level=int(level)))

    def test_pixels_of_every_type_are_stored(self, tmp_path: Path, dtype: str) -> None:
        """Pixels of one type, and the levels made of them."""
        da = image("yx", dtype=dtype)
        self.assert_writes_as_zarr(da, tmp_path, chunks=16, scale_factors=[2, 4])

    def test_images_of_every_number_of_dims_are_stored(
        self, tmp_path: Path, dims: str
    ) -> None:
        """Two to five dims, with sizes that no chunk divides."""
        da = image(dims)
        chunks = {"y": 16, "x": 24}
        self.assert_writes_as_zarr(da, tmp_path, chunks=chunks, scale_factors=[2])

    def test_every_version_is_stored(self, tmp_path: Path, version: str | None) -> None:
        """The Zarr format of each version."""
        da = image("czyx")
        options = {"version": version, "chunks": 16, "scale_factors": [2]}
        self.assert_writes_as_zarr(da, tmp_path, **options)

    def test_every_compression_is_stored(
        self, tmp_path: Path, compression: object
    ) -> None:
        """Pixels, whatever they are packed with: the layout is the writer's."""
        da = image("yx")
        store = tmp_path / "image.ome.zarr"
        options: dict[str, Any] = {"compression": compression, "chunks": 16}
        assert_roundtrip(da, store, writer=self._writer, **options)

    def test_partial_chunks_at_the_far_borders_are_stored(self, tmp_path: Path) -> None:
        """One pixel more than a chunk, one pixel less, and a single one."""
        for shape in ((17, 31), (16, 33), (1, 47), (48, 1)):
            da = image("yx", shape)
            folder = tmp_path / "x".join(map(str, shape))
            self.assert_writes_as_zarr(da, folder, chunks=16, scale_factors=[2, 4])

    def test_chunks_and_shards_of_every_level_are_stored(self, tmp_path: Path) -> None:
        """Another layout for each level."""
        da = image("zyx", (6, 70, 90))
        chunks = [(2, 16, 16), (1, 8, 24), None]
        shards = [(4, 32, 48), (3, 16, 24), None]
        options = {"chunks": chunks, "shards": shards, "scale_factors": [2, 4]}
        self.assert_writes_as_zarr(da, tmp_path, **options)

    def test_many_levels_are_stored(self, tmp_path: Path) -> None:
        """Seven levels, down to a single pixel, and factors that do not chain."""
        da = image("yx", (65, 64))
        factors = [2, 3, 4, 6, 16, 64]
        self.assert_writes_as_zarr(da, tmp_path, chunks=8, scale_factors=factors)

    def test_the_names_of_the_dims_are_stored(self, tmp_path: Path) -> None:
        """In the order they are stored in, not in that of the object."""
        da = image("czyx").transpose("x", "z", "c", "y")
        self.assert_writes_as_zarr(da, tmp_path, dims="tczyx", chunks=16)

    def test_the_fill_value_is_stored(self, tmp_path: Path, fill_value: float) -> None:
        """With chunks that hold nothing else, and with a few pixels among it."""
        da = image("yx", (64, 64))
        da[:40, :50] = fill_value
        for empty in (False, True):
            self.assert_writes_as_zarr(
                da,
                tmp_path / str(empty),
                chunks=16,
                fill_value=fill_value,
                write_empty_chunks=empty,
            )

    def test_an_image_is_replaced(self, tmp_path: Path) -> None:
        """By one of another shape, type and layout."""
        store = tmp_path / "image.ome.zarr"
        first, second = image("zyx"), image("cyx", dtype="float32", seed=1)
        assert_roundtrip(first, store, writer=self._writer, chunks=16)
        options = {"writer": self._writer, "mode": "w", "chunks": (1, 24, 24)}
        assert_roundtrip(second, store, **options)

    def test_the_blocks_of_dask_are_stored(self, tmp_path: Path) -> None:
        """Blocks that fit no chunk."""
        da = image("zyx", (7, 61, 83), blocks=(3, 22, 35))
        chunks = (2, 16, 16)
        self.assert_writes_as_zarr(da, tmp_path, chunks=chunks, scale_factors=[2, 4])

    def test_blocks_are_stored_in_any_order(self, tmp_path: Path, seed: int) -> None:
        """By one thread."""
        order = random.Random(seed)
        for array, pixels, places in self._empty_arrays(tmp_path):
            order.shuffle(places)
            for place in places:
                array[place] = pixels[place]
            _assert_holds(array, pixels)

    def test_blocks_are_stored_by_many_threads(self, tmp_path: Path) -> None:
        """Each a stored object of its own, all at once."""
        for array, pixels, places in self._empty_arrays(tmp_path):
            with ThreadPoolExecutor(8) as pool:
                # Listing the results raises what a thread raised.
                list(pool.map(_store_in(array, pixels), places))
            _assert_holds(array, pixels)

    def test_arrays_travel(self, tmp_path: Path) -> None:
        """A copy that was pickled stores into the same array."""
        if not self.is_portable:
            return
        for array, pixels, places in self._empty_arrays(tmp_path):
            for place in places:
                pickle.loads(pickle.dumps(array))[place] = pixels[place]
            _assert_holds(array, pixels)

    def _empty_arrays(
        self, folder: Path
    ) -> Iterator[tuple[Any, np.ndarray[Any, Any], list[Slices]]]:
        """Arrays made by the writer, with pixels for them and the places of blocks."""
        da = image("zyx", (5, 37, 53))
        for shards in (None, (4, 16, 24)):
            plan = plan_image(da, chunks=(2, 8, 12), shards=shards, scale_factors=None)
            handles = make_arrays(
                plan, folder / f"{shards}", resolve_writer(self._writer)
            )
            objects = plan.array("0").layout.objects
            yield handles["0"], da.values, list(_places(da.shape, objects))


def _places(shape: Sequence[int], block: Sequence[int]) -> Iterator[Slices]:
    ranges = (range(0, n, b) for n, b in zip(shape, block, strict=True))
    for origin in itertools.product(*ranges):
        yield tuple(
            slice(start, min(start + b, n))
            for start, b, n in zip(origin, block, shape, strict=True)
        )


def _store_in(array: Any, pixels: np.ndarray[Any, Any]) -> Callable[[Slices], None]:
    def store(place: Slices) -> None:
        array[place] = pixels[place]

    return store


def _assert_holds(array: Any, pixels: np.ndarray[Any, Any]) -> None:
    whole = tuple(slice(0, size) for size in pixels.shape)
    np.testing.assert_array_equal(np.asarray(array[whole]), pixels)


def _assert_same_array(seen: Any, expected: Any) -> None:
    for name in ("shape", "dtype", "chunks", "shards", "fill_value"):
        mine, zarrs = getattr(seen, name), getattr(expected, name)
        assert mine == zarrs, f"{name} of {seen} is {mine}, not {zarrs}"
    assert seen.attrs.asdict() == expected.attrs.asdict()
    names = [getattr(a.metadata, "dimension_names", None) for a in (seen, expected)]
    assert names[0] == names[1], f"names of dims are {names[0]}, not {names[1]}"
