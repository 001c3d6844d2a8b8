"""Numbers at the ends of their types: positions, labels, pixels, windows."""

from __future__ import annotations

import json
from decimal import Decimal
from fractions import Fraction

import dask.array
import numpy as np
import pandas as pd
import pytest
import tensorstore
import xarray as xr
import yaozarrs
import zarr

import xarray_omezarr as xo
from xarray_omezarr.errors import CoordinateError, DataTypeError, MetadataError

# xarray has no index of half floats, and makes doubles of them.
HALVES = pytest.mark.filterwarnings("ignore:.*float16:FutureWarning")
MOST = 2**64 - 1
FIRST, LAST = -(2**63), 2**63 - 1
N = 8


def along(dim, values):
    """An image of which only the coordinate along `dim` matters."""
    sizes = {"y": 2, "x": 2} | {dim: len(values)}
    dims = tuple(sorted(sizes, key="tzyx".index))
    pixels = np.zeros([sizes[name] for name in dims], "uint8")
    return xr.DataArray(pixels, dims=dims, coords={dim: values})


def told(path, dim="x"):
    """Scale and translation of level 0 along a dim, as JSON has them."""
    document = json.loads((path / "zarr.json").read_text())
    multiscale = document["attributes"]["ome"]["multiscales"][0]
    axis = [axis["name"] for axis in multiscale["axes"]].index(dim)
    steps = multiscale["datasets"][0]["coordinateTransformations"]
    shift = steps[1]["translation"][axis] if len(steps) > 1 else 0
    return steps[0]["scale"][axis], shift


def told_to_yaozarrs(path):
    image = yaozarrs.open_group(str(path)).ome_metadata()
    steps = image.multiscales[0].datasets[0].coordinateTransformations
    shift = steps[1].translation[-1] if len(steps) > 1 else 0
    return steps[0].scale[-1], shift


def in_tensorstore(path):
    spec = {"driver": "zarr3", "kvstore": f"file://{path}/"}
    return tensorstore.open(spec, read=True).result().read().result()


def refused_at_once(da, path, match):
    with pytest.raises(CoordinateError, match=match):
        xo.write_image(da, path)
    assert not path.exists()


@pytest.mark.parametrize(
    ("step", "first"),
    [
        *(("1e-12", "0"), ("1e12", "0"), ("1e-12", "1"), ("1e-3", "-1e9")),
        *(("1e-4", "1e6"), ("0.325", "123456.789"), ("1e-05", "0"), ("1e22", "0")),
        *(("1e22", "-3e22"), ("1e16", "1e16"), ("1e-300", "0"), ("1e-7", "1e-7")),
        *(("5e-324", "0"), ("1e-320", "0"), ("1e150", "-1e150"), ("0.1", "-0.2")),
    ],
)
def test_steps_and_origins_of_any_size_are_told_exactly(tmp_path, step, first) -> None:
    path = tmp_path / "image.zarr"
    # What numpy makes of them, rounded as it does, and what was meant.
    values = float(first) + float(step) * np.arange(N)
    xo.write_image(along("x", values), path)
    assert told(path) == (float(step), float(first))
    assert told_to_yaozarrs(path) == (float(step), float(first))
    exact = [Decimal(first) + Decimal(step) * index for index in range(N)]
    back = xo.open_image(path)
    assert back.x.values.tolist() == [float(position) for position in exact]
    again = tmp_path / "again.zarr"
    xo.write_image(back, again)
    assert told(again) == told(path)
    np.testing.assert_array_equal(xo.open_image(again).x, back.x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("step", [0.2, 0.325, 1.0])
@pytest.mark.parametrize("first", [0.0, 1000.0, 12345.678, -5000.25])
def test_long_images_on_a_stage_keep_scale_and_place(
    tmp_path, dtype, step, first
) -> None:
    path = tmp_path / "image.zarr"
    values = (first + step * np.arange(100_000)).astype(dtype)
    xo.write_image(along("x", values), path, scale_factors=None)
    assert told(path) == (step, first)


@HALVES
@pytest.mark.parametrize(
    ("dtype", "step", "first"),
    [("float32", 0.325, 50_000), ("float32", 0.1, 1e6), ("float16", 0.1, 0)],
)
def test_positions_that_their_type_has_rounded_away_are_refused(
    tmp_path, dtype, step, first
) -> None:
    # Between neighbours near the last position this type has less than ten numbers.
    values = (first + step * np.arange(100_000)).astype(dtype)
    match = rf"{dtype}.* its scale cannot be known\. Make the coordinate float64"
    refused_at_once(along("x", values), tmp_path / "image.zarr", match)


@HALVES
def test_positions_in_half_floats_are_understood_where_they_can_be(tmp_path) -> None:
    values = (0.5 * np.arange(N)).astype("float16")
    xo.write_image(along("x", values), tmp_path / "image.zarr")
    assert told(tmp_path / "image.zarr") == (0.5, 0)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64", ">i4"])
def test_integers_are_positions(tmp_path, dtype) -> None:
    values = np.arange(10, 10 + 3 * N, 3).astype(dtype)
    xo.write_image(along("x", values), tmp_path / "image.zarr")
    assert told(tmp_path / "image.zarr") == (3, 10)


@pytest.mark.parametrize("step", [1, 1000])
@pytest.mark.parametrize("first", [2**62, -(2**62), 2**63])
@pytest.mark.parametrize("dim", ["x", "t"])
def test_integers_that_doubles_do_not_tell_apart_are_refused(
    tmp_path, step, first, dim
) -> None:
    values = np.array([first + step * index for index in range(N)])
    match = "where float64, in which positions are read, may round by"
    refused_at_once(along(dim, values), tmp_path / "image.zarr", match)
    near = tmp_path / "near.zarr"
    xo.write_image(along(dim, (values - values[0]).astype("int64")), near)
    assert told(near, dim) == (step, 0)


def test_large_integers_far_from_each_other_are_positions(tmp_path) -> None:
    values = np.array([2**62 + 2**50 * index for index in range(N)], "uint64")
    xo.write_image(along("x", values), tmp_path / "image.zarr")
    assert told(tmp_path / "image.zarr") == (2**50, 2**62)
    assert xo.open_image(tmp_path / "image.zarr").x.values.tolist() == values.tolist()


@pytest.mark.parametrize("values", [[-0.0, 1.0, 2.0], [-0.0, 0.5]])
def test_a_negative_zero_is_zero(tmp_path, values) -> None:
    xo.write_image(along("x", values), tmp_path / "image.zarr")
    assert told(tmp_path / "image.zarr") == (values[1], 0)


NO_POSITIONS = {
    "NaN": ([0, np.nan, 2], "NaN or infinity"),
    "infinity": ([0, 1, np.inf], "NaN or infinity"),
    "half floats that overflowed": (np.array([0, np.inf], "f2"), "NaN or infinity"),
    "one NaN": ([np.nan], "NaN or infinity"),
    "beyond use": ([0, 1e300], "no position in any unit"),
    "descending": ([2.0, 1.0, 0.0], r"descends.*da\.sortby\('x'\)"),
    "descending without sign": (np.arange(3, dtype="u8")[::-1], "descends"),
    "all the same": ([1.0, 1.0], "everywhere, so it has no scale"),
    "decimals": (np.array([Decimal(1), Decimal(2)]), r"object \(Decimal\)"),
    "fractions": (np.array([Fraction(1), Fraction(2)]), r"object \(Fraction\)"),
    "complex": ([1j, 2j], "complex128"),
    "booleans": ([False, True], "holds bool"),
    "too fine for doubles": (1e16 + 2 * np.arange(4.0), "Count from a nearer origin"),
}


@HALVES
@pytest.mark.parametrize("name", NO_POSITIONS)
def test_what_is_no_position_is_refused(tmp_path, name) -> None:
    values, match = NO_POSITIONS[name]
    refused_at_once(along("x", values), tmp_path / "image.zarr", match)


@pytest.mark.parametrize(
    "spacing", [0, -1, np.nan, np.inf, 10**400, "wide", np.timedelta64("NaT", "s")]
)
def test_a_spacing_that_is_none_is_refused(tmp_path, spacing) -> None:
    da = along("x", [1.0])
    da.x.attrs["spacing"] = spacing
    refused_at_once(da, tmp_path / "image.zarr", r"attrs\['spacing'\] of coordinate")


@pytest.mark.parametrize("spacing", [1e-300, 1e300, 5e-324, 1e-5, 1e22])
def test_one_pixel_may_have_any_size(tmp_path, spacing) -> None:
    path = tmp_path / "image.zarr"
    da = along("x", [-1e9])
    da.x.attrs["spacing"] = spacing
    xo.write_image(da, path)
    assert told_to_yaozarrs(path) == (spacing, -1e9)
    back = xo.open_image(path)
    assert back.omezarr.scale["x"] == spacing
    assert back.x.values.tolist() == [-1e9]


UNITS = {"s": 1, "ms": "1e-3", "us": "1e-6", "ns": "1e-9"}


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("start", ["1680-01-01", "1970-01-01", "2262-04-10"])
def test_dates_of_any_resolution_come_back(tmp_path, unit, start) -> None:
    values = np.datetime64(start, unit) + 7 * np.arange(N)
    path = tmp_path / "image.zarr"
    xo.write_image(along("t", values), path)
    assert told(path, "t") == (float(7 * Decimal(UNITS[unit])), 0)
    back = xo.open_image(path).t.values
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("first", [-(2**62), 0, 2**62])
def test_durations_of_any_length_come_back(tmp_path, unit, first) -> None:
    values = (first + 2**40 * np.arange(N)).astype(f"m8[{unit}]")
    path = tmp_path / "image.zarr"
    xo.write_image(along("t", values), path)
    tick = Decimal(UNITS[unit])
    assert told(path, "t") == (float(2**40 * tick), float(first * tick))
    back = xo.open_image(path).t.values
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, values)


@pytest.mark.parametrize("kind", ["M8[ns]", "M8[s]", "m8[us]"])
def test_no_time_is_no_position(tmp_path, kind) -> None:
    da = along("t", np.array([0, "NaT", 2], kind))
    refused_at_once(da, tmp_path / "image.zarr", "holds NaT")


# Labels.

LABELS = {
    "uint64": [0, 2**53 + 1, 2**63, MOST],
    "int64": [FIRST, -(2**53) - 1, 2**53 + 1, LAST],
    "int8": [-128, -1, 0, 127],
}


@pytest.mark.filterwarnings("ignore:.*64")
@pytest.mark.parametrize("dtype", LABELS)
@pytest.mark.parametrize("lazy", [False, True])
def test_labels_of_any_size_are_exact(tmp_path, dtype, lazy) -> None:
    path = tmp_path / "image.zarr"
    values = LABELS[dtype]
    pixels = np.array(values, dtype).reshape(2, 2)
    if lazy:
        pixels = dask.array.from_array(pixels, chunks=1)
    xo.write_image(xr.DataArray(np.zeros((2, 2), "u1"), dims=("y", "x")), path)
    colors = {value: (1, 2, index) for index, value in enumerate(values)}
    table = pd.DataFrame({"twin": values}, index=np.array(values, dtype))
    labels = xr.DataArray(pixels, dims=("y", "x"))
    xo.write_labels(labels, path, "cells", colors=colors, properties=table)
    stored = in_tensorstore(path / "labels" / "cells" / "0")
    assert stored.dtype == dtype
    assert stored.ravel().tolist() == values
    text = (path / "labels" / "cells" / "zarr.json").read_text()
    # Numbers with a point would be told as such.
    label = json.loads(text, parse_float=str)["attributes"]["ome"]["image-label"]
    assert [color["label-value"] for color in label["colors"]] == values
    rows = [(row["label-value"], row["twin"]) for row in label["properties"]]
    assert rows == list(zip(values, values, strict=True))
    node = xr.open_datatree(path, engine="omezarr")["labels/cells"]
    assert [int(v) for v in node.omezarr.label_properties.index] == values
    assert list(node.omezarr.label_colors) == values
    assert node["0/labels"].values.ravel().tolist() == values


def test_properties_that_json_cannot_hold_are_refused(tmp_path) -> None:
    path = tmp_path / "image.zarr"
    da = xr.DataArray(np.zeros((2, 2), "u1"), dims=("y", "x"))
    xo.write_image(da, path)
    with pytest.raises(MetadataError, match="inf as 'size', which is not JSON"):
        xo.write_labels(da, path, "cells", properties={1: {"size": np.inf}})
    assert not (path / "labels").exists()


@pytest.mark.parametrize("dtype", ["f4", "f8", "c8", "O", "M8[s]", "U1"])
def test_labels_are_integers(tmp_path, dtype) -> None:
    path = tmp_path / "image.zarr"
    da = xr.DataArray(np.zeros((2, 2), "u1"), dims=("y", "x"))
    xo.write_image(da, path)
    with pytest.raises(DataTypeError, match="labels are integers"):
        xo.write_labels(da.astype(dtype), path, "cells")
    assert not (path / "labels").exists()


# Pixels: a bin of four each, and what is to become of it by method. ``nearest`` is
# the first, and the others are what their words say in exact numbers.

TOP, NAN, INF = float(np.finfo("f8").max), np.nan, np.inf
BINS = {
    "uint64": [
        ([MOST] * 4, {"mean": MOST, "mode": MOST, "max": MOST, "min": MOST}),
        ([MOST, MOST, MOST - 1, MOST - 1], {"mean": MOST - 1, "max": MOST}),
        ([MOST, MOST - 2, MOST, MOST], {"mode": MOST, "min": MOST - 2}),
        ([2**53 + 1] * 3 + [0], {"mode": 2**53 + 1, "median": 2**53 + 1}),
    ],
    "int64": [
        ([LAST] * 4, {"mean": LAST, "mode": LAST, "median": LAST}),
        ([FIRST] * 4, {"mean": FIRST, "mode": FIRST, "median": FIRST}),
        ([FIRST, LAST] * 2, {"mean": 0, "max": LAST, "min": FIRST, "median": 0}),
    ],
    "float16": [
        ([65504] * 4, {"mean": 65504, "median": 65504, "max": 65504}),
        ([65504, NAN, NAN, NAN], {"mean": 65504, "mode": 65504, "min": 65504}),
        ([-65504, 65504] * 2, {"mean": 0, "min": -65504}),
    ],
    "float32": [
        ([np.float32(3.4e38)] * 4, {"mean": np.float32(3.4e38)}),
        ([NAN] * 4, {"mean": NAN, "mode": NAN, "max": NAN, "median": NAN}),
        ([INF, 1, 2, 3], {"mean": INF, "max": INF, "min": 1, "median": 2.5}),
        ([INF, -INF, 1, NAN], {"mean": NAN, "max": INF, "min": -INF, "median": 1}),
    ],
    "float64": [
        ([TOP] * 4, {"mean": TOP, "median": TOP, "mode": TOP}),
        ([TOP, TOP, -TOP, -TOP], {"mean": 0, "max": TOP, "min": -TOP, "median": 0}),
        ([5e-324] * 4, {"mean": 5e-324, "max": 5e-324}),
    ],
}
CASES = [
    (dtype, method, [(pixels, made[method]) for pixels, made in bins if method in made])
    for dtype, bins in BINS.items()
    for method in ("mean", "mode", "max", "min", "median")
]
CASES += [
    (dtype, "nearest", [(pixels, pixels[0]) for pixels, _ in bins])
    for dtype, bins in BINS.items()
]


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(("dtype", "method", "bins"), [c for c in CASES if c[2]])
def test_levels_of_extreme_pixels_are_exact(
    tmp_path, dtype, method, bins, lazy
) -> None:
    path = tmp_path / "image.zarr"
    pixels = np.hstack([np.array(b, dtype).reshape(2, 2) for b, _ in bins])
    given = dask.array.from_array(pixels, chunks=2) if lazy else pixels
    da = xr.DataArray(given, dims=("y", "x"))
    xo.write_image(da, path, method=method, scale_factors=[2])
    np.testing.assert_array_equal(in_tensorstore(path / "0"), pixels)
    found = in_tensorstore(path / "1")
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, np.array([[m for _, m in bins]], dtype))


CHANNELS = {
    "NaN": (np.full(4, NAN, "f4"), (0, 1)),
    "infinity": (np.array([INF, -INF, INF, NAN], "f4"), (0, 1)),
    "some numbers": (np.array([NAN, 2, INF, 5], "f4"), (2, 5)),
    "all doubles": (np.array([TOP, -TOP, 0, 1]), (-TOP, TOP)),
    "all integers": (np.array([0, MOST, 1, 1], "u8"), (0, 2.0**64)),
    "nothing": (np.zeros(4, "u1"), (0, 1)),
    "negative zeros": (np.full(4, -0.0), (0, 1)),
    "the same": (np.full(4, 7, "u1"), (0, 7)),
    "the largest": (np.full(4, MOST, "u8"), (0, 2.0**64)),
    "the smallest": (np.full(4, 5e-324), (0, 5e-324)),
}


@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize("name", CHANNELS)
def test_windows_are_finite_whatever_the_pixels(tmp_path, name, lazy) -> None:
    pixels, limits = CHANNELS[name]
    pixels = pixels.reshape(1, 2, 2)
    given = dask.array.from_array(pixels, chunks=1) if lazy else pixels
    path = tmp_path / "image.zarr"
    xo.write_image(xr.DataArray(given, dims=("c", "y", "x")), path)
    text = (path / "zarr.json").read_text()
    document = json.loads(text, parse_constant=pytest.fail)
    (channel,) = document["attributes"]["ome"]["omero"]["channels"]
    window = channel["window"]
    assert (window["min"], window["max"]) == limits
    assert window["min"] <= window["start"] < window["end"] <= window["max"]
    np.testing.assert_array_equal(zarr.open_array(path / "0", mode="r")[...], pixels)
