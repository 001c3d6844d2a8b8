"""Independent readers and validators agree with us on pixels and geometry."""

from __future__ import annotations

import json
import warnings

import numpy as np
import ome_zarr_models
import pytest
import tensorstore
import xarray as xr
import yaozarrs
import zarr

import xarray_omezarr as xo

SHAPES = {
    "yx": (45, 70),
    "zyx": (6, 45, 70),
    "cyx": (3, 45, 70),
    "tyx": (4, 45, 70),
    "tcyx": (4, 3, 45, 70),
    "czyx": (3, 6, 45, 70),
    "tczyx": (2, 3, 6, 45, 70),
}
SCALE = {"t": 1.5, "z": 0.75, "y": 0.325, "x": 0.325}
TRANSLATION = {"t": 0.0, "z": -3.25, "y": 100.1, "x": 250.325}
UNITS = {"t": "s", "z": "um", "y": "µm", "x": "micron"}
NAMES = {"s": "second", "um": "micrometer", "µm": "micrometer", "micron": "micrometer"}


def image(dims, dtype="uint16"):
    shape = SHAPES[dims]
    pixels = np.random.default_rng(0).integers(0, 200, shape).astype(dtype)
    coords = {}
    for dim, size in zip(dims, shape, strict=True):
        if dim == "c":
            coords[dim] = ["DAPI", "GFP", "mCherry"]
            continue
        values = TRANSLATION[dim] + np.arange(size) * SCALE[dim]
        coords[dim] = (dim, values, {"units": UNITS[dim]})
    return xr.DataArray(pixels, coords, tuple(dims), name="cells")


def factors(dims):
    return [{d: f for d in "zyx" if d in dims} for f in (2, 4)]


def expected_transform(dims, level):
    """Scale and translation of a level of means of blocks, in closed form."""
    factor = {d: 2**level if d in "zyx" else 1 for d in dims}
    scale = [SCALE.get(d, 1.0) * factor[d] for d in dims]
    translation = [
        TRANSLATION.get(d, 0.0) + (factor[d] - 1) / 2 * SCALE.get(d, 1.0) for d in dims
    ]
    return scale, translation


def block_means(pixels, steps):
    """Means of blocks, rounded half to even, borders with the pixels they have."""
    padded = np.pad(
        pixels.astype(float),
        [(0, -n % f) for n, f in zip(pixels.shape, steps, strict=True)],
        constant_values=np.nan,
    )
    split = [k for n, f in zip(padded.shape, steps, strict=True) for k in (n // f, f)]
    axes = tuple(range(1, 2 * pixels.ndim, 2))
    return np.rint(np.nanmean(padded.reshape(split), axis=axes)).astype(pixels.dtype)


@pytest.fixture(params=["0.4", "0.5", "0.5 sharded"])
def flavour(request):
    version, _, sharded = request.param.partition(" ")
    options = {"version": version, "chunks": 16}
    return options | ({"shards": 32} if sharded else {})


@pytest.fixture(params=list(SHAPES))
def written(request, flavour, tmp_path):
    da = image(request.param)
    path = tmp_path / "cells.ome.zarr"
    da.omezarr.to_image(path, scale_factors=factors(request.param), **flavour)
    return da, path, flavour["version"]


def test_validators_find_neither_error_nor_warning(written):
    _, path, _ = written
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yaozarrs.validate_zarr_store(str(path))
        ome_zarr_models.open_ome_zarr(zarr.open_group(path, mode="r"))


def test_tensorstore_reads_the_same_pixels_at_every_level(written):
    da, path, version = written
    expected = da.values
    steps = [2 if dim in "zyx" else 1 for dim in da.dims]
    for level in ("0", "1", "2"):
        spec = {
            "driver": "zarr" if version == "0.4" else "zarr3",
            "kvstore": {"driver": "file", "path": str(path / level)},
        }
        stored = tensorstore.open(spec, read=True, open=True).result()
        np.testing.assert_array_equal(stored.read().result(), expected)
        if version != "0.4":
            assert stored.domain.labels == da.dims
        expected = block_means(expected, steps)


def test_the_metadata_hold_the_geometry_in_closed_form(written):
    da, path, version = written
    if version == "0.4":
        attrs = json.loads((path / ".zattrs").read_text())
    else:
        attrs = json.loads((path / "zarr.json").read_text())["attributes"]["ome"]
    (multiscale,) = attrs["multiscales"]
    assert [axis["name"] for axis in multiscale["axes"]] == list(da.dims)
    for axis in multiscale["axes"]:
        unit = UNITS.get(axis["name"])
        assert axis.get("unit") == (NAMES[unit] if unit else None)
    for level, dataset in enumerate(multiscale["datasets"]):
        scale, translation = expected_transform(da.dims, level)
        found = {
            entry["type"]: entry[entry["type"]]
            for entry in dataset["coordinateTransformations"]
        }
        np.testing.assert_allclose(found["scale"], scale, rtol=1e-12)
        np.testing.assert_allclose(found["translation"], translation, rtol=1e-12)


def test_ngff_zarr_reads_the_same_geometry_and_pixels(written):
    da, path, version = written
    with warnings.catch_warnings():
        # What ngff-zarr thinks of its own dependencies is not at issue here.
        warnings.simplefilter("ignore")
        import ngff_zarr

        multiscales = ngff_zarr.from_ngff_zarr(str(path), version=version)
        images = multiscales.images
        finest = np.asarray(images[0].data)
    np.testing.assert_array_equal(finest, da.values)
    for level, picture in enumerate(images):
        scale, translation = expected_transform(da.dims, level)
        assert list(picture.dims) == list(da.dims)
        for index, dim in enumerate(da.dims):
            assert picture.scale.get(dim, 1.0) == pytest.approx(scale[index], rel=1e-12)
            assert picture.translation.get(dim, 0.0) == pytest.approx(
                translation[index], rel=1e-12
            )
            if dim in UNITS:
                assert picture.axes_units[dim] == NAMES[UNITS[dim]]


def test_ome_zarr_reads_the_same_pixels_geometry_and_channels(written):
    da, path, _ = written
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from ome_zarr import io, reader

        (node,) = list(reader.Reader(io.parse_url(str(path)))())
        finest = np.asarray(node.data[0])
    np.testing.assert_array_equal(finest, da.values)
    assert [axis["name"] for axis in node.metadata["axes"]] == list(da.dims)
    for level, found in enumerate(node.metadata["coordinateTransformations"]):
        scale, translation = expected_transform(da.dims, level)
        np.testing.assert_allclose(found[0]["scale"], scale, rtol=1e-12)
        np.testing.assert_allclose(found[1]["translation"], translation, rtol=1e-12)
    if "c" in da.dims:
        assert node.metadata["channel_names"] == ["DAPI", "GFP", "mCherry"]


def test_we_read_back_what_we_wrote(written):
    da, path, _ = written
    back = xo.open_image(path)
    assert back.name == "cells"
    np.testing.assert_array_equal(back.values, da.values)
    for dim in da.dims:
        if dim == "c":
            assert back["c"].values.tolist() == ["DAPI", "GFP", "mCherry"]
        else:
            np.testing.assert_allclose(back[dim], da[dim], rtol=1e-12)
            assert back[dim].attrs["units"] == NAMES[UNITS[dim]]


@pytest.mark.parametrize(
    "dtype",
    [
        *("bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"),
        *("uint64", "float16", "float32", "float64"),
    ],
)
@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_every_pixel_type_is_stored_as_it_is(dtype, version, tmp_path):
    da = image("yx", dtype)
    path = tmp_path / "typed.ome.zarr"
    da.omezarr.to_image(path, version=version, scale_factors=[2], chunks=32)
    spec = {
        "driver": "zarr" if version == "0.4" else "zarr3",
        "kvstore": {"driver": "file", "path": str(path / "0")},
    }
    stored = tensorstore.open(spec, read=True, open=True).result()
    assert stored.dtype.numpy_dtype == np.dtype(dtype)
    np.testing.assert_array_equal(stored.read().result(), da.values)
    assert xo.open_image(path, level=1).dtype == np.dtype(dtype)
