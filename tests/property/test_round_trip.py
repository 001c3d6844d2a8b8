"""What is written comes back, and is written the same way again."""

from __future__ import annotations

import warnings

import numpy as np
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from zarr.storage import MemoryStore

import xarray_omezarr as xo

UNITS = {
    "space": ["micrometer", "nanometer", "um", "µm", "mm", "angstrom", None],
    "time": ["second", "ms", "min", "hour", None],
}
STANDARD = {"um": "micrometer", "µm": "micrometer", "mm": "millimeter"}
STANDARD |= {"ms": "millisecond", "min": "minute"}
DTYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64"]
DTYPES += ["uint64", "float16", "float32", "float64"]

names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]),
    min_size=1,
    max_size=8,
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | names,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3)
    ),
    max_leaves=5,
)


@st.composite
def decimals(draw, digits=12, exponent=4):
    """A positive number of up to `digits` significant decimal digits."""
    mantissa = draw(st.integers(1, 10**digits - 1))
    power = draw(st.integers(-digits - exponent, exponent - digits))
    return float(f"{mantissa}e{power}")


@st.composite
def images(draw):
    """DataArrays of any dims, order, dtype, scale, offset, unit, channels, attrs."""
    space = draw(st.sampled_from([("y", "x"), ("z", "y", "x"), ("z", "x")]))
    before = draw(st.sampled_from([(), ("t",), ("c",), ("t", "c"), ("angle",)]))
    dims = tuple(draw(st.permutations([*before, *space])))
    shape = tuple(draw(st.integers(1, 9)) for _ in dims)
    dtype = draw(st.sampled_from(DTYPES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    pixels = (
        rng.integers(0, 2, shape) if dtype == "bool" else rng.integers(0, 100, shape)
    )
    space_unit = draw(st.sampled_from(UNITS["space"]))
    coords, scales = {}, {}
    for dim, size in zip(dims, shape, strict=True):
        if dim == "c":
            unique = st.lists(names, min_size=size, max_size=size, unique=True)
            coords[dim] = draw(unique)
            continue
        scales[dim] = draw(decimals())
        # An origin of a few pixels leaves all digits of the scale in the coordinates.
        first = draw(st.integers(-50, 50)) * scales[dim]
        attrs = {}
        unit = draw(st.sampled_from(UNITS["time"])) if dim == "t" else space_unit
        if unit is not None and dim != "angle":
            attrs["units"] = unit
        if size == 1:
            attrs["spacing"] = scales[dim]
        coords[dim] = (dim, first + np.arange(size) * scales[dim], attrs)
    attrs = draw(st.dictionaries(names, json_values, max_size=3))
    return xr.DataArray(pixels.astype(dtype), coords, dims, attrs=attrs), scales


def write_and_open(da, **options):
    store = MemoryStore()
    da.omezarr.to_image(store, scale_factors=None, **options)
    return xr.open_datatree(store, engine="omezarr")["0"]["image"]


many = settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


@many
@given(case=images(), version=st.sampled_from(["0.4", "0.5"]))
def test_scale_units_channels_attrs_and_pixels_come_back(case, version):
    da, scales = case
    back = write_and_open(da, version=version)
    assert dict(back.omezarr.scale) == {**dict.fromkeys(back.dims, 1.0), **scales}
    for dim in da.dims:
        if dim == "c":
            assert back["c"].values.tolist() == da["c"].values.tolist()
            continue
        np.testing.assert_allclose(
            back[dim], da[dim], rtol=1e-12, atol=1e-9 * scales[dim]
        )
        unit = da[dim].attrs.get("units")
        assert back[dim].attrs.get("units") == STANDARD.get(unit, unit)
    assert back.dtype == da.dtype
    np.testing.assert_array_equal(back.transpose(*da.dims), da)
    assert {key: back.attrs[key] for key in da.attrs} == da.attrs


@many
@given(case=images(), version=st.sampled_from(["0.4", "0.5"]))
def test_from_the_first_write_on_everything_is_identical(case, version):
    once = write_and_open(case[0], version=version)
    twice = write_and_open(once, version=version)
    xr.testing.assert_identical(once.load(), twice.load())


@many
@given(
    case=images(),
    start=st.integers(0, 4),
    step=st.integers(1, 3),
)
def test_crops_and_strides_of_what_was_read_come_back_bitwise(case, start, step):
    once = write_and_open(case[0])
    cut = {
        dim: slice(start, None, step)
        for dim in once.dims
        if once.sizes[dim] - start > step and dim != "c"
    }
    part = once.isel(cut)
    again = write_and_open(part)
    xr.testing.assert_identical(part.load(), again.load())
    for dim in part.dims:
        if dim != "c" and part.sizes[dim] > 1:
            expected = once.omezarr.scale[dim] * (step if dim in cut else 1)
            assert np.isclose(again.omezarr.scale[dim], expected, rtol=1e-14)


@many
@given(
    unit=st.sampled_from(["s", "ms", "us", "ns"]),
    ticks=st.lists(st.integers(1, 10**9), min_size=1, max_size=8),
    first=st.integers(0, 10**9),
    is_date=st.booleans(),
)
def test_dates_and_durations_come_back_with_their_dtype(unit, ticks, first, is_date):
    values = (first + np.cumsum([0, *ticks])).astype("i8")
    times = values.view(f"M8[{unit}]" if is_date else f"m8[{unit}]")
    da = xr.DataArray(np.zeros((times.size, 2, 2), "u1"), {"t": times}, ("t", "y", "x"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xo.OmeZarrWarning)
        back = write_and_open(da)
    assert back["t"].dtype == da["t"].dtype
    np.testing.assert_array_equal(back["t"].values, da["t"].values)


@many
@given(
    steps=st.lists(st.floats(1, 100), min_size=2, max_size=8),
    extra=st.floats(allow_nan=True, allow_infinity=True),
)
def test_uneven_times_and_further_coordinates_come_back_bitwise(steps, extra):
    # The last step is longer than all others, so the times are never even.
    times = np.cumsum([0.0, *steps, 2 * max(steps)])
    drift = np.stack([times, times], axis=1)
    drift[0, 1] = extra
    da = xr.DataArray(
        np.zeros((times.size, 2, 2), "u1"),
        {
            "t": ("t", times, {"units": "s", "note": "camera clock"}),
            "stage": ("t", times[::-1].copy()),
            "drift": (("t", "x"), drift),
            "well": "B02",
            "exposure": 12.5,
        },
        ("t", "y", "x"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xo.OmeZarrWarning)
        back = write_and_open(da)
    for name in ("t", "stage", "drift", "well", "exposure"):
        np.testing.assert_array_equal(back[name].values, da[name].values)
        assert back[name].dims == da[name].dims
    assert back["t"].attrs["note"] == "camera clock"
    assert back["t"].attrs["units"] == "second"
