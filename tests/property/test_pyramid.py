"""The pyramid of an array is what is written, and a given one is written as it is."""

from __future__ import annotations

import dask.array
import numpy as np
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from xarray.backends import BackendArray
from xarray.core import indexing
from zarr.storage import MemoryStore

import xarray_omezarr as xo

ORDERS = (("y", "x"), ("c", "y", "x"), ("Z", "Y", "X"), ("x", "t", "y", "c"))
ORDERS += (("t", "c", "z", "y", "x"), ("y", "x", "c"))
SCALES = {"t": 3.0, "z": 0.7, "y": 0.1, "x": 0.25}


def larger_corner(block, factors):
    """A user's own method: the larger of the first and the last pixel of a bin."""
    first = block[tuple(slice(None, None, f) for f in factors)]
    last = block[tuple(slice(f - 1, None, f) for f in factors)]
    return np.maximum(first, last)


METHODS = ("mean", "nearest", "mode", "max", "min", "median", "resize", larger_corner)


class Untouched(BackendArray):
    """Pixels that an engine opened lazily: nobody may read all of them at once."""

    def __init__(self, pixels):
        self.pixels = pixels
        self.shape, self.dtype = pixels.shape, pixels.dtype
        self.read = 0

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(
            key, self.shape, indexing.IndexingSupport.OUTER, self._outer
        )

    def _outer(self, key):
        found = self.pixels
        for axis in reversed(range(found.ndim)):
            found = found[(slice(None),) * axis + (key[axis],)]
        self.read += found.size
        return found


@st.composite
def images(draw):
    """An image in memory, factors of its levels, and chunks for dask."""
    dims = draw(st.sampled_from(ORDERS))
    most = {"t": 3, "c": 2, "z": 6}
    shape = tuple(draw(st.integers(1, most.get(d.lower(), 23))) for d in dims)
    dtype = draw(st.sampled_from(["uint8", "int16", "float32", "bool", "uint64"]))
    seed = draw(st.integers(0, 99))
    pixels = np.random.default_rng(seed).integers(0, 90, shape).astype(dtype)
    coords = {
        dim: (dim, 2 + SCALES[dim.lower()] * np.arange(n), {"units": unit_of(dim)})
        for dim, n in zip(dims, shape, strict=True)
        if dim.lower() in SCALES and draw(st.booleans())
    }
    da = xr.DataArray(pixels, dims=dims, coords=coords, name="cells")
    factors, total = [], dict.fromkeys(dims, 1)
    for _ in range(draw(st.integers(0, 3))):
        steps = {d: draw(st.integers(1, 3)) for d in dims if d.lower() not in "c"}
        steps[dims[-1] if dims[-1] != "c" else "y"] = draw(st.integers(2, 3))
        total = {d: n * steps.get(d, 1) for d, n in total.items()}
        factors.append(dict(total))
    chunks = {d: draw(st.integers(1, n)) for d, n in da.sizes.items()}
    return da, factors, chunks


def unit_of(dim):
    return "second" if dim == "t" else "micrometer"


def written(obj, **options):
    store = MemoryStore()
    obj.omezarr.to_image(store, **options)
    return xr.open_datatree(store, engine="omezarr"), store


def opened_lazily(da):
    untouched = Untouched(da.values)
    lazy = xr.Variable(da.dims, indexing.LazilyIndexedArray(untouched), da.attrs)
    return xr.DataArray(lazy, coords=da.coords, name=da.name), untouched


def without_windows(tree):
    """What lazy pixels do not tell: the contrast windows of the channels."""
    return tree.map_over_datasets(
        lambda ds: ds.drop_vars([n for n in ds.coords if "window" in str(n)])
    )


class TestPyramid:
    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(images(), st.sampled_from(METHODS))
    def test_it_is_what_is_written_and_read(self, image, method) -> None:
        da, factors, chunks = image
        if method == "resize" and da.dtype == np.uint64:
            method = "mean"
        expected, _ = written(da, scale_factors=factors, method=method)
        found = da.omezarr.pyramid(factors, method)
        xr.testing.assert_identical(found, expected)
        for level, other in zip(
            found.omezarr.levels, expected.omezarr.levels, strict=True
        ):
            assert level["image"].dtype == other["image"].dtype
            assert isinstance(level["image"].variable._data, np.ndarray)

        in_chunks = da.chunk(chunks).omezarr.pyramid(factors, method)
        for level in in_chunks.omezarr.levels:
            assert level["image"].chunks is not None
        expected = without_windows(expected)
        xr.testing.assert_identical(in_chunks.compute(), expected)

        lazy, untouched = opened_lazily(da)
        tree = lazy.omezarr.pyramid(factors, method)
        assert untouched.read == 0
        xr.testing.assert_identical(tree, expected)

    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(images(), st.data())
    def test_a_part_of_a_lazy_level_is_that_part(self, image, data) -> None:
        da, factors, _ = image
        lazy, _ = opened_lazily(da)
        made = da.omezarr.pyramid(factors)
        for name, node in lazy.omezarr.pyramid(factors).children.items():
            level = node["image"]
            key = {}
            for dim, size in level.sizes.items():
                index = st.integers(-size, size - 1)
                key[dim] = data.draw(
                    index
                    | st.lists(index, max_size=3).map(lambda i: np.array(i, int))
                    | st.slices(size).filter(lambda s, n=size: range(n)[s])
                )
            xr.testing.assert_equal(
                level.isel(key).variable, made[name]["image"].isel(key).variable
            )


class TestTree:
    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(images(), st.sampled_from(["mean", "nearest"]))
    def test_a_given_pyramid_is_written_as_it_is(self, image, method) -> None:
        da, factors, chunks = image
        expected, store = written(da, scale_factors=factors, method=method)
        again, copy = written(expected)
        xr.testing.assert_identical(again, expected)
        assert dict(zarr.open(copy).attrs) == dict(zarr.open(store).attrs)
        # Pixels that no method makes.
        numbers = {name: int(name) for name in expected.children}
        marked = xr.DataTree.from_dict(
            {
                name: expected[name]
                .to_dataset()
                .assign(image=expected[name]["image"] * 0 + np.array(n, da.dtype))
                for name, n in numbers.items()
            }
        )
        if len(numbers) > 1:
            again, _ = written(marked.chunk(chunks_of(marked, chunks)))
            for name, n in numbers.items():
                assert (again[name]["image"] == np.array(n, da.dtype)).all()

    @settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
    @given(images(), st.sampled_from(["mean", "nearest", "max"]))
    def test_what_was_not_opened_is_made_again(self, image, method) -> None:
        da, factors, _ = image
        expected, store = written(da, scale_factors=factors, method=method)
        for levels in (0, [0, len(factors)]):
            part = xr.open_datatree(store, engine="omezarr", levels=levels)
            again, copy = written(part)
            xr.testing.assert_identical(again, expected)
            assert dict(zarr.open(copy).attrs) == dict(zarr.open(store).attrs)


def chunks_of(tree, chunks):
    """Some chunks by the dims of the tree."""
    dims = tree["0"]["image"].dims
    return dict.fromkeys(dims, max(chunks.values()))


def test_a_graph_has_few_tasks() -> None:
    da = xr.DataArray(
        dask.array.zeros((4, 4096, 4096), chunks=(1, 256, 256), dtype="uint8"),
        dims=("c", "y", "x"),
    )
    source = len(da.__dask_graph__())
    tree = xo.image_pyramid(da, [2, 4, 8, 16])
    tasks = [len(node["image"].__dask_graph__()) for node in tree.children.values()]
    # Two tasks per chunk, one to make it coarser and one to put it beside others; a
    # quarter of that for the next level.
    assert tasks[-1] <= source * (1 + 2 * 4 / 3)
    assert max(tree["4"]["image"].chunks) == (256,)
