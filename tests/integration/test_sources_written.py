"""Objects of other packages are written and read without configuration."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field

import dask.array
import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo


def written(da, **options):
    """The image read back, and its metadata."""
    store = MemoryStore()
    with warnings.catch_warnings():
        # What JSON cannot hold and uneven times are warned of; others test that.
        warnings.simplefilter("ignore", xo.OmeZarrWarning)
        group = da.omezarr.to_image(store, **options)
    return xo.open_image(store), group.attrs["ome"]


def zeros(**sizes):
    return np.zeros(tuple(sizes.values()), "uint16"), tuple(sizes)


@dataclass
class Nd2Part:
    """Like the dataclasses of nd2: not JSON."""

    anything: dict = field(default_factory=dict)


def test_nd2_has_upper_case_dims_micrometers_and_milliseconds_unsaid():
    pixels, dims = zeros(T=3, Z=2, C=2, Y=8, X=9)
    da = xr.DataArray(
        dask.array.from_array(pixels),
        {
            "T": [0.0, 500.0, 1000.0],
            "Z": [0.0, 0.3],
            "C": ["DAPI", "FITC"],
            "Y": np.arange(8) * 0.108,
            "X": np.arange(9) * 0.108,
        },
        dims,
        attrs={
            "metadata": {
                "metadata": Nd2Part(),
                "experiment": [Nd2Part()],
                "attributes": Nd2Part(),
                "text_info": {},
            }
        },
    )
    image, _ = written(da)
    assert image.dims == ("t", "c", "z", "y", "x")
    assert image.omezarr.scale == {
        "t": 500.0,
        "c": 1.0,
        "z": 0.3,
        "y": 0.108,
        "x": 0.108,
    }
    units = image.omezarr.units
    assert (units["t"], units["z"], units["x"]) == (
        "millisecond",
        "micrometer",
        "micrometer",
    )
    assert image["c"].values.tolist() == ["DAPI", "FITC"]


def test_nd2_positions_are_several_images_and_are_refused_with_the_way_out():
    pixels, dims = zeros(P=2, Y=4, X=4)
    da = xr.DataArray(pixels, {"P": ["XYPos:0", "XYPos:1"]}, dims)
    with pytest.raises(xo.AxisError, match="to_bioformats2raw"):
        da.omezarr.plan_image()


def test_tifffile_keeps_units_on_the_array_and_float32_coordinates():
    pixels, dims = zeros(T=2, C=2, Y=6, X=7)
    step = np.float32(0.32499998807907104)
    da = xr.DataArray(
        pixels,
        {
            "T": ("T", [0.0, 2.5]),
            "C": ["a", "b"],
            "Y": (np.arange(6) * step).astype("f4"),
            "X": (np.arange(7) * step).astype("f4"),
        },
        dims,
        attrs={
            "coord_units": {"T": "second", "Y": "micrometer", "X": "micrometer"},
            "coord_scales": {"T": 2.5, "Y": 0.325, "X": 0.325},
            "photometric": "MINISBLACK",
        },
    )
    image, _ = written(da)
    assert image.omezarr.scale == {"t": 2.5, "c": 1.0, "y": 0.325, "x": 0.325}
    assert image.omezarr.units["x"] == "micrometer"
    assert image.omezarr.units["t"] == "second"
    assert image.attrs["photometric"] == "MINISBLACK"


def test_samples_of_a_colour_picture_are_red_green_and_blue_channels():
    pixels = np.random.default_rng(0).integers(0, 255, (6, 7, 3), "uint8")
    da = xr.DataArray(pixels, {"S": ["Red", "Green", "Blue"]}, ("Y", "X", "S"))
    image, ome = written(da)
    assert image.dims == ("c", "y", "x")
    np.testing.assert_array_equal(image.sel(c="Green"), pixels[..., 1])
    assert [c["color"] for c in ome["omero"]["channels"]] == [
        "FF0000",
        "00FF00",
        "0000FF",
    ]


def test_bioio_is_five_dimensional_dask_with_objects_in_attrs():
    pixels, dims = zeros(T=1, C=2, Z=3, Y=4, X=5)
    da = xr.DataArray(
        dask.array.from_array(pixels, chunks=(1, 1, 3, 4, 5)),
        {
            "C": ["Channel:0:0", "Channel:0:1"],
            "Z": np.arange(3) * 1.5,
            "Y": np.arange(4) * 0.5,
            "X": np.arange(5) * 0.5,
        },
        dims,
        attrs={"unprocessed": {256: 5}, "processed": object()},
    )
    image, _ = written(da)
    assert image.omezarr.scale["z"] == 1.5
    assert image.omezarr.units["x"] is None
    assert image["c"].values.tolist() == ["Channel:0:0", "Channel:0:1"]


def test_what_json_cannot_hold_is_left_out_with_one_warning():
    da = xr.DataArray(
        np.zeros((2, 2)), dims=("y", "x"), attrs={"a": object(), "b": object(), "n": 1}
    )
    with pytest.warns(xo.OmeZarrWarning, match=r"'a'.*'b'") as caught:
        da.omezarr.to_image(MemoryStore())
    assert len(caught) == 1


def test_spatial_image_has_units_and_long_names_on_its_coordinates():
    spatial_image = pytest.importorskip("spatial_image")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        da = spatial_image.to_spatial_image(
            np.zeros((2, 8, 9), "uint8"),
            dims=("c", "y", "x"),
            scale={"y": 0.4, "x": 0.2},
            translation={"y": 10.0, "x": -3.0},
            c_coords=["one", "two"],
            axis_units={"y": "micrometer", "x": "micrometer"},
        )
    image, _ = written(da)
    assert image.omezarr.scale == {"c": 1.0, "y": 0.4, "x": 0.2}
    assert image.omezarr.translation == {"c": 0.0, "y": 10.0, "x": -3.0}
    assert image.omezarr.units["y"] == "micrometer"


def test_pymmcore_plus_has_short_units_and_irregular_times():
    pixels, dims = zeros(t=3, c=1, y=4, x=5)
    times = [0.0, 101.3, 230.9]
    da = xr.DataArray(
        pixels,
        {
            "t": ("t", times, {"units": "ms"}),
            "c": ["Cy5"],
            "y": ("y", np.arange(4) * 0.65, {"units": "um"}),
            "x": ("x", np.arange(5) * 0.65, {"units": "um"}),
        },
        dims,
    )
    image, ome = written(da)
    assert image["t"].values.tolist() == times
    assert image["t"].attrs["units"] == "millisecond"
    units = {axis["name"]: axis.get("unit") for axis in ome["multiscales"][0]["axes"]}
    assert units == {
        "t": "millisecond",
        "c": None,
        "y": "micrometer",
        "x": "micrometer",
    }


class Scaled:
    """Like a transformation of spatialdata: a matrix on request."""

    def __init__(self, scale, translation):
        self.scale, self.translation = scale, translation

    def to_affine_matrix(self, input_axes, output_axes):
        matrix = np.eye(len(output_axes) + 1, len(input_axes) + 1)
        for i, axis in enumerate(output_axes):
            matrix[i, input_axes.index(axis)] = self.scale[axis]
            matrix[i, -1] = self.translation[axis]
        return matrix


@pytest.mark.parametrize("level", [0, 1])
def test_spatialdata_counts_pixels_from_their_corners(level):
    factor = 2**level
    sizes = {"c": 2, "y": 8 // factor, "x": 6 // factor}
    pixels, dims = zeros(**sizes)
    da = xr.DataArray(
        pixels,
        {
            "c": ["a", "b"],
            "y": (np.arange(sizes["y"]) + 0.5) * factor,
            "x": (np.arange(sizes["x"]) + 0.5) * factor,
        },
        dims,
        attrs={
            "transform": {
                "global": Scaled({"y": 0.5, "x": 0.25}, {"y": 100.0, "x": 0.0})
            }
        },
    )
    image, _ = written(da)
    assert image.omezarr.scale == {"c": 1.0, "y": 0.5 * factor, "x": 0.25 * factor}
    # The corner of the first pixel lies at the transform's origin less half a pixel
    # of level 0, so the first centre of level 1 is half a pixel of level 0 further.
    shift = (factor - 1) / 2
    assert image.omezarr.translation["y"] == 100.0 + shift * 0.5
    assert image.omezarr.translation["x"] == shift * 0.25


def test_pint_xarray_quantities_are_coordinates_with_units():
    pint_xarray = pytest.importorskip("pint_xarray")
    ureg = pint_xarray.unit_registry
    da = xr.DataArray(
        np.zeros((4, 5), "f4"),
        {
            "y": ("y", np.arange(4) * 0.5, {"units": ureg.Unit("um")}),
            "x": ("x", np.arange(5) * 0.5, {"units": ureg.Unit("um")}),
        },
        ("y", "x"),
    ).pint.quantify({"y": "um", "x": "um"})
    image, _ = written(da)
    assert image.omezarr.scale == {"y": 0.5, "x": 0.5}
    assert image.omezarr.units == {"y": "micrometer", "x": "micrometer"}


def test_squidpy_puts_channels_last_and_a_library_on_z():
    pixels = np.random.default_rng(0).integers(0, 9, (6, 7, 1, 3), "uint8")
    da = xr.DataArray(pixels, {"z": ["library"]}, ("y", "x", "z", "channels_0"))
    image, _ = written(da)
    assert image.dims == ("c", "z", "y", "x")
    np.testing.assert_array_equal(image[1, 0], pixels[:, :, 0, 1])
    assert image["z"].values.tolist() == ["library"]


def test_geo_data_with_descending_y_are_turned_on_request():
    pixels = np.arange(20.0).reshape(4, 5)
    da = xr.DataArray(
        pixels,
        {"y": [30.0, 20.0, 10.0, 0.0], "x": np.arange(5) * 10.0, "spatial_ref": 0},
        ("y", "x"),
    )
    with pytest.raises(xo.CoordinateError, match="sortby"):
        da.omezarr.plan_image()
    image, _ = written(da.sortby("y"))
    np.testing.assert_array_equal(image.sel(y=30.0), pixels[0])
    assert image["spatial_ref"].item() == 0


def test_iohub_is_lower_case_with_full_names():
    pixels, dims = zeros(t=2, c=1, z=3, y=4, x=5)
    coords = {"c": ["Phase"]}
    for dim, scale, unit in [
        ("t", 60.0, "second"),
        ("z", 2.0, "micrometer"),
        ("y", 0.5, "micrometer"),
        ("x", 0.5, "micrometer"),
    ]:
        size = dict(zip(dims, pixels.shape, strict=True))[dim]
        coords[dim] = (dim, np.arange(size) * scale, {"units": unit})
    image, _ = written(xr.DataArray(dask.array.from_array(pixels), coords, dims))
    assert image.omezarr.scale == {"t": 60.0, "c": 1.0, "z": 2.0, "y": 0.5, "x": 0.5}


def test_an_array_without_names_says_how_to_name_them():
    da = xr.DataArray(np.zeros((3, 4, 5)))
    with pytest.raises(xo.AxisError, match="dims='zyx'"):
        da.omezarr.plan_image()
    image, _ = written(da, dims="zyx")
    assert image.dims == ("z", "y", "x")


def test_a_raw_zarr_array_has_no_coordinates_and_gets_no_unit(tmp_path):
    image = xr.DataArray(np.zeros((4, 4), "u1"), dims=("y", "x"))
    image.omezarr.to_image(tmp_path / "x.ome.zarr")
    raw = xr.open_zarr(tmp_path / "x.ome.zarr", consolidated=False)["0"]
    assert raw.omezarr.scale == {"y": 1.0, "x": 1.0}
    back, ome = written(raw)
    assert all("unit" not in axis for axis in ome["multiscales"][0]["axes"])
    assert back.shape == (4, 4)


def test_stale_attributes_of_xarray_ome_do_not_count():
    da = xr.DataArray(
        np.zeros((4, 6), "u1"),
        {"y": np.arange(4) * 2.0, "x": 10 + np.arange(6) * 2.0},
        ("y", "x"),
        attrs={
            "ome_scale": [0.5, 0.5],
            "ome_translation": [0.0, 0.0],
            "ome_axes_units": {"y": "micrometer", "x": "micrometer"},
        },
    )
    image, _ = written(da.isel(x=slice(1, None, 2)))
    assert image.omezarr.scale == {"y": 2.0, "x": 4.0}
    assert image.omezarr.translation == {"y": 0.0, "x": 12.0}
    assert image.omezarr.units == {"y": "micrometer", "x": "micrometer"}
