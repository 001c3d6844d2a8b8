"""Whatever is written in whatever parts, the image is that of the whole."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zarr.storage import MemoryStore

import xarray_omezarr as xo

DIMS = "tzyx"
METHODS = ["mean", "nearest", "mode", "max", "min", "median"]
CASES = settings(
    max_examples=30, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def levels(store):
    group = zarr.open_group(store, mode="r")
    return {name: array[...] for name, array in sorted(group.arrays())}


def assert_same_pixels(store, other) -> None:
    found, expected = levels(store), levels(other)
    assert found.keys() == expected.keys()
    for name, pixels in expected.items():
        np.testing.assert_array_equal(found[name], pixels, err_msg=name)


@st.composite
def layouts(draw):
    """Options of an image, with odd factors, chunks, shards."""
    z, y, x = (draw(st.integers(1, 3)) for _ in "zyx")
    factors = [{"z": z, "y": y + 1, "x": x}, {"z": 2 * z, "y": 2 * y + 2, "x": 3 * x}]
    chunks = tuple(draw(st.integers(1, most)) for most in (2, 4, 8, 8))
    options = {
        "scale_factors": factors[: draw(st.integers(1, 2))],
        "method": draw(st.sampled_from(METHODS)),
        "version": draw(st.sampled_from(["0.4", "0.5"])),
        "chunks": chunks,
    }
    if options["version"] != "0.4" and draw(st.booleans()):
        options["shards"] = tuple(draw(st.integers(1, 3)) * n for n in chunks)
    return options


SHAPES = st.tuples(
    st.integers(3, 4), st.integers(4, 7), st.integers(8, 21), st.integers(8, 21)
)


@st.composite
def ranges(draw, size: int):
    start = draw(st.integers(0, size - 1))
    return slice(start, draw(st.integers(start + 1, size)))


def random_pixels(seed: int, shape):
    return np.random.default_rng(seed).integers(0, 9, shape).astype("uint16")


@CASES
@given(data=st.data(), options=layouts(), shape=SHAPES)
def test_regions_one_after_the_other_are_the_whole(data, options, shape) -> None:
    whole = random_pixels(0, shape)
    coords = {"y": 0.5 + np.arange(shape[2]) / 4, "x": np.arange(shape[3]) / 10}
    image = xr.DataArray(whole.copy(), dims=list(DIMS), coords=coords)
    try:
        store = xo.write_image(image, MemoryStore(), **options).store
    except xo.LayoutError:
        return  # shards that are no multiples of chunks that were cut to the size
    for number in range(1, data.draw(st.integers(2, 4))):
        region = {
            dim: data.draw(ranges(size)) for dim, size in zip(DIMS, shape, strict=True)
        }
        part = image.isel(region)
        part = part.copy(data=random_pixels(number, part.shape))
        whole[tuple(region.values())] = part.values
        if data.draw(st.booleans()):
            region |= {"y": "auto", "x": "auto"}
        if data.draw(st.booleans()):
            part = part.chunk(data.draw(st.integers(1, 7)))
        order = data.draw(st.permutations(DIMS))
        limit = data.draw(st.sampled_from([None, 64, 5000]))
        xo.write_image(part.transpose(*order), store, region=region, memory_limit=limit)
    expected = xo.write_image(image.copy(data=whole), MemoryStore(), **options)
    assert_same_pixels(store, expected.store)


@CASES
@given(data=st.data(), options=layouts(), shape=SHAPES)
def test_pieces_that_are_appended_are_the_whole(data, options, shape) -> None:
    dim = data.draw(st.sampled_from("tz"))
    coords = {
        "t": ("t", 2.5 * np.arange(shape[0]), {"units": "second"}),
        "z": ("z", 10 + np.arange(shape[1]) * 0.3, {"units": "micrometer"}),
    }
    image = xr.DataArray(
        random_pixels(0, shape), dims=list(DIMS), coords=coords, name="grown"
    )
    try:
        expected = xo.write_image(image, MemoryStore(), **options).store
    except xo.LayoutError:
        return
    size = image.sizes[dim]
    cuts = sorted(data.draw(st.sets(st.integers(1, size - 1), min_size=1)))
    # Chunks of a small first piece would be cut to it.
    options["chunks"] = {dim: 1, "y": 4, "x": 4}
    options.pop("shards", None)
    pieces = [slice(a, b) for a, b in zip([0, *cuts], [*cuts, size], strict=True)]
    store = xo.write_image(image.isel({dim: pieces[0]}), MemoryStore(), **options).store
    for piece in pieces[1:]:
        xo.write_image(image.isel({dim: piece}), store, append_dim=dim)
    assert_same_pixels(store, expected)
    for level in range(len(levels(expected))):
        xr.testing.assert_identical(
            xo.open_image(store, level=level), xo.open_image(expected, level=level)
        )


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("cut", [1, 2, 4])
@pytest.mark.parametrize(
    "times",
    [
        np.array("2024-05-01T10", "M8[ms]") + 1500 * np.arange(6).astype("m8[ms]"),
        np.array([0.0, 1.1, 1.9, 3.3, 4.0, 5.5]),
        np.array(["a", "b", "c", "long", "e", "f"]),
    ],
    ids=["dates", "uneven", "texts"],
)
def test_exact_coordinates_grow_with_the_image(version, cut, times) -> None:
    along = "c" if times.dtype.kind == "U" else "t"
    image = xr.DataArray(
        random_pixels(0, (6, 8, 8)),
        dims=[along, "y", "x"],
        coords={along: times, "exposure": (along, np.arange(6) / 7)},
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xo.OmeZarrWarning)
        first = image.isel({along: slice(0, cut)})
        store = xo.write_image(first, MemoryStore(), version=version).store
        xo.write_image(image.isel({along: slice(cut, 6)}), store, append_dim=along)
    found = xo.open_image(store)
    for name in (along, "exposure"):
        assert found[name].dtype.kind == image[name].dtype.kind
        np.testing.assert_array_equal(found[name].values, image[name].values)
    np.testing.assert_array_equal(found.values, image.values)


@CASES
@given(options=layouts(), shape=SHAPES)
def test_a_pyramid_made_later_is_the_one_made_at_once(options, shape) -> None:
    image = xr.DataArray(random_pixels(0, shape), dims=list(DIMS), name="later")
    try:
        expected = xo.write_image(image, MemoryStore(), **options).store
        group, _ = xo.prepare_image(image, MemoryStore(), **options)
    except xo.LayoutError:
        return
    xo.write_image(image, group, region={}, pyramid=False)
    assert all(not levels(group.store)[name].any() for name in ["1"])
    before = dict(group.attrs)
    done = xo.build_pyramid(group)
    assert_same_pixels(done.store, expected)
    assert dict(done.attrs) == before
