"""Arrays that are no plain ones of numpy: written right, or refused at once."""

from __future__ import annotations

import json

import dask.array
import ml_dtypes
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import tensorstore
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    DataTypeError,
    LayoutError,
    MetadataError,
)

PIXELS = np.arange(12, dtype="uint16").reshape(3, 4)


def image(pixels, dims=("y", "x")):
    return xr.DataArray(pixels, dims=dims)


def chunked(pixels=PIXELS, size=2):
    return dask.array.from_array(np.asarray(pixels), chunks=size)


def computing(function, dtype="uint16", pixels=PIXELS):
    """An image of dask that promises one thing; `function` gives perhaps another."""
    meta = np.empty((0,) * pixels.ndim, dtype)
    return image(chunked(pixels).map_blocks(function, dtype=dtype, meta=meta))


def stored(path):
    return zarr.open_group(path, mode="r")["0"][...]


def in_tensorstore(path):
    spec = {"driver": "zarr3", "kvstore": f"file://{path}/0/"}
    return tensorstore.open(spec, read=True).result().read().result()


def refused_at_once(da, path, error, match):
    with pytest.raises(error, match=match):
        xo.write_image(da, path)
    assert not path.exists()
    with pytest.raises(error, match=match):
        xo.write_image(da, path, compute=False)
    assert not path.exists()


class OnACard:
    """An array of cupy's ways: nothing reads it but its own `get`."""

    __cuda_array_interface__ = property(lambda _: {"version": 3})
    __array_ufunc__ = None

    def __init__(self, values):
        self.values = values
        self.shape, self.ndim = values.shape, values.ndim
        self.dtype, self.size = values.dtype, values.size

    def __array__(self, dtype=None, copy=None):
        raise TypeError("Implicit conversion is not allowed, use .get()")

    def __array_function__(self, function, types, arguments, options):
        return NotImplemented

    def __getitem__(self, key):
        return OnACard(self.values[key])

    def get(self):
        return self.values


class Kind(np.ndarray):
    """A subclass that adds nothing."""


def on_a_card_by_dask():
    meta = OnACard(np.empty((0, 0), "uint16"))
    return chunked().map_blocks(OnACard, dtype="uint16", meta=meta)


def sparse_by_dask():
    return chunked().map_blocks(scipy.sparse.csr_array, dtype="uint16")


def with_empty_chunks():
    none = chunked()[:0]
    return dask.array.concatenate([none, chunked(), none])


@pytest.mark.parametrize(
    "make",
    [
        lambda: OnACard(PIXELS),
        on_a_card_by_dask,
        sparse_by_dask,
        with_empty_chunks,
        lambda: PIXELS.view(Kind),
        lambda: np.ma.masked_array(PIXELS),
        lambda: chunked().map_blocks(lambda block: block.view(Kind)),
        lambda: chunked().map_blocks(lambda block: block.astype("int64"), dtype="u2"),
        lambda: chunked().map_blocks(lambda block: block * 1.0, dtype="u2"),
        lambda: PIXELS[::-1, ::-1].copy()[::-1, ::-1],
    ],
)
def test_arrays_of_all_kinds_are_stored_as_numpy_has_them(tmp_path, make) -> None:
    path = tmp_path / "image.zarr"
    xo.write_image(image(make()), path, chunks=2)
    found = in_tensorstore(path)
    assert found.shape == PIXELS.shape
    np.testing.assert_array_equal(found, PIXELS)


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
def test_a_matrix_is_an_image_of_two_dims(tmp_path) -> None:
    xo.write_image(image(np.matrix(PIXELS)), tmp_path / "image.zarr")
    np.testing.assert_array_equal(in_tensorstore(tmp_path / "image.zarr"), PIXELS)


@pytest.mark.parametrize("shape", [(700, 600), (1, 1), (1, 3000), (3000, 1)])
def test_a_value_seen_from_everywhere_fills_its_levels(tmp_path, shape) -> None:
    path = tmp_path / "image.zarr"
    xo.write_image(image(np.broadcast_to(np.uint16(7), shape)), path)
    group = zarr.open_group(path, mode="r")
    assert group["0"].shape == shape
    for _, array in group.arrays():
        assert (array[...] == 7).all()


@pytest.mark.parametrize("dims", ["tczyx", "zyx", "cyx"])
def test_one_pixel_along_every_dim_is_an_image(tmp_path, dims) -> None:
    pixels = np.full((1,) * len(dims), 9, "uint8")
    xo.write_image(image(pixels, tuple(dims)), tmp_path / "image.zarr")
    assert in_tensorstore(tmp_path / "image.zarr").tolist() == pixels.tolist()
    assert xo.validate(tmp_path / "image.zarr").ok


@pytest.mark.parametrize(
    "dtype",
    [
        *("O", "c8", "c16", "U3", "S3", "M8[ns]", "m8[s]", "longdouble", "V4"),
        *(ml_dtypes.bfloat16, ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.float8_e5m2),
        [("a", "i4"), ("b", "f4")],
    ],
)
@pytest.mark.parametrize("lazy", [False, True])
def test_types_that_readers_do_not_decode_are_refused(tmp_path, dtype, lazy) -> None:
    pixels = np.zeros((2, 3), dtype)
    da = image(
        dask.array.zeros((2, 3), dtype=pixels.dtype, chunks=2) if lazy else pixels
    )
    refused_at_once(da, tmp_path / "image.zarr", DataTypeError, "cannot decode; conv")


@pytest.mark.parametrize("dims", ["yx", "cyx", "tczyx"])
@pytest.mark.parametrize("make", [np.zeros, dask.array.zeros])
def test_there_is_no_image_without_pixels(tmp_path, dims, make) -> None:
    pixels = make((0, *(3 for _ in dims[1:])), dtype="uint8")
    match = rf"\['{dims[0]}'\] have size 0"
    refused_at_once(
        image(pixels, tuple(dims)), tmp_path / "image.zarr", AxisError, match
    )


def test_chunks_of_unknown_size_are_refused(tmp_path) -> None:
    array = chunked()
    da = image(array[array[:, 0] > 2])
    match = r"call \.compute_chunk_sizes\(\)"
    refused_at_once(da, tmp_path / "image.zarr", LayoutError, match)
    path = tmp_path / "known.zarr"
    xo.write_image(image(array[array[:, 0] > 2].compute_chunk_sizes()), path)
    np.testing.assert_array_equal(stored(path), PIXELS[1:])


LIES = [
    (lambda block: block + 0.7, "uint16", DataTypeError, "float64 .* promised uint16"),
    (lambda block: block.astype("i8") - 5, "uint16", DataTypeError, "int64 .* promise"),
    (lambda block: block.astype("i8") << 20, "uint16", DataTypeError, "int64 .* prom"),
    (lambda block: block * 1j, "float32", DataTypeError, "complex128 where"),
    (lambda block: block.astype(str), "uint16", DataTypeError, "<U5 where its source"),
    (lambda block: block.astype("f8") * 1e39, "float32", DataTypeError, "float64 wh"),
    (lambda block: block[:1, :1], "uint16", LayoutError, r"\(1, 1\) where its source"),
    (lambda block: np.pad(block, 1), "uint16", LayoutError, "shape .* where its sou"),
]


@pytest.mark.parametrize(("function", "dtype", "error", "match"), LIES)
def test_blocks_that_are_not_what_was_promised_are_never_stored(
    tmp_path, function, dtype, error, match
) -> None:
    path = tmp_path / "image.zarr"
    with pytest.raises(error, match=match):
        xo.write_image(computing(function, dtype), path)
    assert not path.exists()
    later = xo.write_image(computing(function, dtype), path, compute=False)
    with pytest.raises(error, match=match):
        later.compute()
    assert not (path / "zarr.json").exists() or "ome" not in json.loads(
        (path / "zarr.json").read_text()
    ).get("attributes", {})


@pytest.mark.parametrize(("function", "dtype", "error", "match"), LIES[:3] + LIES[6:])
@pytest.mark.parametrize("compute", [True, False])
def test_nor_in_regions_of_an_image(
    tmp_path, function, dtype, error, match, compute
) -> None:
    path = tmp_path / "image.zarr"
    xo.write_image(image(PIXELS), path)
    region = {"y": slice(0, 3), "x": slice(0, 4)}

    def write():
        options = {"region": region, "compute": compute}
        later = xo.write_image(computing(function, dtype), path, **options)
        return None if compute else later.compute()

    with pytest.raises(error, match=match):
        write()
    np.testing.assert_array_equal(stored(path), PIXELS)


def test_nor_as_labels(tmp_path) -> None:
    path = tmp_path / "image.zarr"
    xo.write_image(image(PIXELS), path)
    with pytest.raises(DataTypeError, match="float64 where its source promised"):
        xo.write_labels(computing(lambda block: block + 0.5), path, "cells")
    assert not (path / "labels" / "cells").exists()
    assert list(xr.open_dataset(path, engine="omezarr")) == ["image"]


def test_floats_computed_wider_than_promised_are_rounded(tmp_path) -> None:
    path = tmp_path / "image.zarr"
    xo.write_image(computing(lambda block: block / 10, "float32"), path)
    np.testing.assert_array_equal(stored(path), (PIXELS / 10).astype("float32"))


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_masked_pixels_are_nan(tmp_path, dtype) -> None:
    pixels = PIXELS.astype(dtype)
    expected = np.where(pixels > 5, np.nan, pixels)
    # xarray itself makes floats of masked integers.
    path = tmp_path / "image.zarr"
    xo.write_image(image(np.ma.masked_greater(pixels, 5)), path)
    np.testing.assert_array_equal(stored(path), expected)
    refused = tmp_path / "labels.zarr"
    xo.write_image(image(PIXELS), refused)
    with pytest.raises(DataTypeError, match="labels are integers"):
        xo.write_labels(image(np.ma.masked_greater(pixels, 5)), refused, "cells")


def test_masks_that_appear_when_blocks_are_computed_are_not_ignored(tmp_path) -> None:
    def masked(block):
        return np.ma.masked_greater(block, 5)

    path = tmp_path / "image.zarr"
    with pytest.raises(DataTypeError, match=r"masked, and uint16 .*\.filled\(\)"):
        xo.write_image(computing(masked), path)
    assert not path.exists()
    xo.write_image(computing(masked, "float32", PIXELS.astype("float32")), path)
    np.testing.assert_array_equal(stored(path), np.where(PIXELS > 5, np.nan, PIXELS))


CASTS = [
    *(("u1", "u2"), ("?", "u2"), (">u2", "u2"), ("u1", "f2"), ("i4", "f8")),
    *(("u4", "i8"), ("f2", "f4")),
]


@pytest.mark.parametrize(("dtype", "kept"), CASTS)
@pytest.mark.parametrize("lazy", [False, True])
def test_other_types_are_written_into_an_image_that_holds_them(
    tmp_path, dtype, kept, lazy
) -> None:
    path = tmp_path / "image.zarr"
    xo.write_image(in_time(np.zeros((1, 2, 2), kept), 0), path)
    part = np.array([[[0, 1], [1, 0]]], dtype)
    pixels = chunked(part, 1) if lazy else part
    xo.write_image(in_time(pixels, 1), path, append_dim="t")
    xo.write_image(in_time(pixels, 0), path, region="auto")
    found = in_tensorstore(path)
    assert found.dtype == np.dtype(kept)
    np.testing.assert_array_equal(found, np.concatenate([part, part]))


def in_time(pixels, t):
    return image(pixels, ("t", "y", "x")).assign_coords(t=[float(t)])


REFUSED_CASTS = [
    *(("i2", "u2"), ("u4", "u2"), ("f4", "u2"), ("f8", "f4"), ("c8", "f4")),
    *(("O", "u2"), ("u8", "f8"), ("i8", "f8"), ("u8", "i8"), ("M8[s]", "i8")),
]


@pytest.mark.parametrize(("dtype", "kept"), REFUSED_CASTS)
def test_types_that_an_image_cannot_hold_are_refused(tmp_path, dtype, kept) -> None:
    path = tmp_path / "image.zarr"
    xo.write_image(in_time(np.ones((1, 2, 2), kept), 0), path)
    before = {p: p.read_bytes() for p in path.rglob("*") if p.is_file()}
    part = np.zeros((1, 2, 2), dtype)
    with pytest.raises(DataTypeError, match="convert them"):
        xo.write_image(in_time(part, 1), path, append_dim="t")
    with pytest.raises(DataTypeError, match="convert them"):
        xo.write_image(in_time(part, 0), path, region="auto")
    assert {p: p.read_bytes() for p in path.rglob("*") if p.is_file()} == before


@pytest.mark.filterwarnings("ignore:Duplicate dimension names")
def test_dims_of_one_name_are_refused(tmp_path) -> None:
    da = image(np.zeros((3, 3), "uint8"), ("x", "x"))
    refused_at_once(da, tmp_path / "image.zarr", AxisError, "several are called 'x'")


@pytest.mark.parametrize("dim", [0, ("a", 1), None, 1.5])
def test_dims_that_are_no_texts_are_refused(tmp_path, dim) -> None:
    da = image(np.zeros((2, 3, 4), "uint8"), (dim, "y", "x"))
    refused_at_once(da, tmp_path / "image.zarr", AxisError, "are no texts, and axes")


def test_two_indices_in_one_are_refused(tmp_path) -> None:
    pairs = pd.MultiIndex.from_product([[0, 1], [0, 1]], names=["a", "b"])
    coords = xr.Coordinates.from_pandas_multiindex(pairs, "x")
    da = image(PIXELS).assign_coords(coords)
    refused_at_once(da, tmp_path / "image.zarr", CoordinateError, "has a MultiIndex")


@pytest.mark.parametrize("dim", ["é", "日本", "Ω"])
def test_dims_and_names_of_any_script_come_back(tmp_path, dim) -> None:
    da = image(np.zeros((2, 3, 4), "uint8"), (dim, "y", "x")).rename("Zelle λ")
    xo.write_image(da, tmp_path / "image.zarr")
    back = xo.open_image(tmp_path / "image.zarr")
    assert back.name == "Zelle λ"
    assert back.dims == (dim.lower(), "y", "x")


def test_channels_of_one_name_stay_apart(tmp_path) -> None:
    da = image(np.zeros((3, 2, 2), "uint8"), ("c", "y", "x"))
    path = tmp_path / "image.zarr"
    xo.write_image(da.assign_coords(c=["λ\u202e", "a", "a"]), path)
    written = zarr.open_group(path, mode="r").attrs["ome"]["omero"]["channels"]
    assert [channel["label"] for channel in written] == ["λ\u202e", "a", "a"]
    assert xo.open_image(path).c.to_index().is_unique


@pytest.mark.parametrize("option", [{"name": "\ud800"}, {"channels": ["\ud800"]}])
def test_halves_of_characters_are_refused(tmp_path, option) -> None:
    da = image(np.zeros((1, 2, 2), "uint8"), ("c", "y", "x"))
    with pytest.raises(MetadataError, match="cannot be written as JSON"):
        xo.write_image(da, tmp_path / "image.zarr", **option)
    assert not (tmp_path / "image.zarr").exists()
