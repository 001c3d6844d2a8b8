"""What objects of other packages mean, understood without configuration.

Where a package can be had, its own objects are inspected; the others are built as it
builds them: the same dims in the same case, coordinates, types and attributes.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pint_xarray  # noqa: F401 - registers its accessor
import pytest
import spatial_image
import tifffile
import xarray as xr
from numpy.typing import NDArray

from xarray_omezarr.errors import AxisError, CoordinateError, OmeZarrWarning
from xarray_omezarr.grid.dims import arrange
from xarray_omezarr.grid.inspect import examine, inspect, labelled_dims

MICROMETER = "micrometer"


def stored_dims(da: xr.DataArray) -> str:
    """Names of the stored dims, in order."""
    dims = [str(dim) for dim in da.dims]
    sizes = {str(dim): size for dim, size in da.sizes.items()}
    return " ".join(arrange(dims, sizes, labelled_dims(da)).names)


def steps(da: xr.DataArray) -> dict[str, tuple[float, float, str | None]]:
    """Scale, translation and unit by own dim, without channels."""
    return {
        axis.name: (axis.scale, axis.translation, axis.unit)
        for axis in inspect(da)
        if axis.type != "channel"
    }


def array(coords: Mapping[str, Any], **more: Any) -> xr.DataArray:
    """Lazy zeros with coordinates by dim, in the order of the dims."""
    values = {
        dim: given[1] if isinstance(given, tuple) else given
        for dim, given in coords.items()
    }
    shape = tuple(v if isinstance(v, int) else len(v) for v in values.values())
    known = {dim: c for dim, c in coords.items() if not isinstance(c, int)}
    return xr.DataArray(dask.array.zeros(shape), known, list(coords), **more)


@dataclass
class Nd2Structure:
    """A structure of nd2 is a dataclass, which JSON cannot hold."""

    channels: list[str] = field(default_factory=list)


ND2_ATTRS = {
    "metadata": {
        "metadata": Nd2Structure(),
        "experiment": [Nd2Structure()],
        "attributes": Nd2Structure(),
        "text_info": {"optics": "Plan Apo"},
    }
}
BIOIO_ATTRS = {"unprocessed": {256: 20}, "processed": object()}


class TestNd2:
    def test_units_are_implied(self) -> None:
        # Dims come in the order of the file.
        coords = {
            "T": np.arange(3) * 500.0,
            "Z": np.arange(4) * 0.3,
            "C": ["DAPI", "FITC"],
            "Y": np.arange(8) * 0.1083333,
            "X": np.arange(9) * 0.1083333,
        }
        da = array(coords, attrs=ND2_ATTRS)
        assert stored_dims(da) == "t c z y x"
        assert steps(da) == {
            "T": (500.0, 0.0, "millisecond"),
            "Z": (0.3, 0.0, MICROMETER),
            "Y": (0.1083333, 0.0, MICROMETER),
            "X": (0.1083333, 0.0, MICROMETER),
        }
        assert inspect(da)["C"].labels == ("DAPI", "FITC")

    def test_times_of_several_periods_are_kept(self) -> None:
        coords = {"T": [0.0, 100.0, 200.0, 0.0, 500.0], "Y": 4, "X": 4}
        with pytest.warns(OmeZarrWarning, match="'T' is not evenly spaced"):
            found = examine(array(coords, attrs=ND2_ATTRS))
        assert found.exact == {"T"}
        assert found.grid["T"].scale == 125.0

    def test_positions_are_no_image(self) -> None:
        da = array({"P": ["XYPos:0", "XYPos:1"], "Y": 4, "X": 4}, attrs=ND2_ATTRS)
        with pytest.raises(AxisError, match="to_bioformats2raw"):
            stored_dims(da)

    def test_colours_are_channels(self) -> None:
        da = array({"Y": 4, "X": 4, "S": ["Red", "Green", "Blue"]}, attrs=ND2_ATTRS)
        assert stored_dims(da) == "c y x"
        assert inspect(da)["S"].labels == ("Red", "Green", "Blue")


needs_asxarray = pytest.mark.skipif(
    not hasattr(tifffile.TiffPageSeries, "asxarray"),
    reason="this tifffile gives no xarray objects; install one of 2026.11 or newer",
)


@needs_asxarray
class TestTifffile:
    def read(self, path: Path, pixels: NDArray[Any], **options: Any) -> xr.DataArray:
        tifffile.imwrite(path, pixels, **options)
        with tifffile.TiffFile(path) as file:
            da: xr.DataArray = file.series[0].asxarray()
        return da

    def test_ome_tiff(self, tmp_path: Path) -> None:
        metadata = {
            "axes": "TCZYX",
            "PhysicalSizeX": 0.325,
            "PhysicalSizeXUnit": "µm",
            "PhysicalSizeY": 0.325,
            "PhysicalSizeYUnit": "µm",
            "PhysicalSizeZ": 2.0,
            "PhysicalSizeZUnit": "µm",
            "TimeIncrement": 0.5,
            "TimeIncrementUnit": "s",
            "Channel": {"Name": ["DAPI", "GFP", "Cy5"]},
        }
        pixels = np.zeros((2, 3, 4, 16, 20), "u2")
        da = self.read(tmp_path / "a.ome.tif", pixels, ome=True, metadata=metadata)
        assert stored_dims(da) == "t c z y x"
        assert steps(da) == {
            "T": (0.5, 0.0, "second"),
            "Z": (2.0, 0.0, MICROMETER),
            "Y": (0.325, 0.0, MICROMETER),
            "X": (0.325, 0.0, MICROMETER),
        }
        assert inspect(da)["C"].labels == ("DAPI", "GFP", "Cy5")
        # A crop with a stride, although the attributes still say 0.325.
        assert steps(da[..., 3::2])["X"] == (0.65, 0.975, MICROMETER)

    def test_imagej_has_singles(self, tmp_path: Path) -> None:
        da = self.read(
            tmp_path / "a.tif",
            np.zeros((3, 2, 16, 20), "u2"),
            imagej=True,
            resolution=(1 / 0.325, 1 / 0.325),
            metadata={"axes": "ZCYX", "unit": "um", "spacing": 2.0},
        )
        assert da.X.dtype == np.float32
        assert stored_dims(da) == "c z y x"
        assert steps(da) == {
            "Z": (2.0, 0.0, MICROMETER),
            "Y": (0.325, 0.0, MICROMETER),
            "X": (0.325, 0.0, MICROMETER),
        }

    def test_resolution_of_a_colour_picture(self, tmp_path: Path) -> None:
        da = self.read(
            tmp_path / "a.tif",
            np.zeros((16, 20, 3), "u1"),
            photometric="rgb",
            resolution=(10_000 / 0.5, 10_000 / 0.5),
            resolutionunit="CENTIMETER",
        )
        assert stored_dims(da) == "c y x"
        assert steps(da) == {
            "Y": (5e-5, 0.0, "centimeter"),
            "X": (5e-5, 0.0, "centimeter"),
        }
        assert inspect(da)["S"].labels == ("Red", "Green", "Blue")


def test_dims_that_nobody_named_are_named_on_request() -> None:
    # As xr.DataArray(tifffile.imread(...)).
    da = xr.DataArray(np.zeros((2, 3, 4)))
    with pytest.raises(AxisError, match="dims='zyx'"):
        stored_dims(da)
    assert arrange(da.dims, da.sizes, (), "cyx").names == ("c", "y", "x")


class TestBioio:
    def test_five_dims_with_positions(self) -> None:
        coords = {
            "T": np.arange(2) * 2.5,
            "C": ["Channel:0:0", "Channel:0:1"],
            "Z": np.arange(3) * 1.5,
            "Y": np.arange(6) * 0.1083333,
            "X": np.arange(7) * 0.1083333,
        }
        da = array(coords, attrs=BIOIO_ATTRS)
        assert stored_dims(da) == "t c z y x"
        # Its units are on the image, not on the array: none is invented.
        assert steps(da) == {
            "T": (2.5, 0.0, None),
            "Z": (1.5, 0.0, None),
            "Y": (0.1083333, 0.0, None),
            "X": (0.1083333, 0.0, None),
        }

    def test_colours_take_the_place_of_the_single_channel(self) -> None:
        da = array({"T": 1, "C": ["0"], "Z": 1, "Y": 6, "X": 7, "S": 3})
        assert stored_dims(da) == "t c z y x"

    def test_its_reader_of_ome_zarr_gives_names_only(self) -> None:
        da = array({"T": 2, "C": ["a", "b"], "Z": 3, "Y": 6, "X": 7}, attrs=BIOIO_ATTRS)
        assert set(steps(da).values()) == {(1.0, 0.0, None)}
        assert inspect(da)["C"].labels == ("a", "b")


class TestSpatialImage:
    def image(self, **more: Any) -> xr.DataArray:
        with warnings.catch_warnings():
            # Its base class still uses an old form of xarray's coordinates.
            warnings.simplefilter("ignore")
            made: xr.DataArray = spatial_image.to_spatial_image(
                np.zeros((2, 3, 4, 8, 9), "u1"),
                dims=("t", "c", "z", "y", "x"),
                scale={"z": 2.0, "y": 0.325, "x": 0.325},
                translation={"z": -10.0, "y": 1000.1, "x": 0.0},
                axis_units=dict.fromkeys("zyx", MICROMETER) | {"t": "second"},
                **more,
            )
        return made

    def test_positions_and_units_are_on_the_coordinates(self) -> None:
        da = self.image(c_coords=["a", "b", "c"])
        assert steps(da) == {
            "t": (1.0, 0.0, "second"),
            "z": (2.0, -10.0, MICROMETER),
            "y": (0.325, 1000.1, MICROMETER),
            "x": (0.325, 0.0, MICROMETER),
        }
        assert inspect(da)["c"].labels == ("a", "b", "c")

    def test_numbered_channels_are_named_by_their_number(self) -> None:
        found = examine(self.image())
        assert found.grid["c"].labels == ("0", "1", "2")
        assert found.exact == {"c"}

    def test_levels_of_multiscale_spatial_image_stand_in_the_middle(self) -> None:
        level = array(
            {
                "c": ("c", np.arange(3), {"units": ""}),
                "y": ("y", np.arange(4) * 1.0 + 0.25, {"units": MICROMETER}),
                "x": ("x", np.arange(4) * 1.0 + 0.25, {"units": MICROMETER}),
            }
        )
        assert steps(level) == {
            "y": (1.0, 0.25, MICROMETER),
            "x": (1.0, 0.25, MICROMETER),
        }


def test_xarray_ome_ngff_numbers_its_channels() -> None:
    def units(name: str) -> dict[str, str]:
        return {"units": name}

    da = array(
        {
            "c": ("c", np.arange(2.0), {}),
            "z": ("z", np.arange(3) * 0.5 + 3, units(MICROMETER)),
            "y": ("y", np.arange(6) * 0.1, units(MICROMETER)),
            "x": ("x", np.arange(7) * 0.1, units(MICROMETER)),
        }
    )
    assert steps(da)["z"] == (0.5, 3.0, MICROMETER)
    assert steps(da)["x"] == (0.1, 0.0, MICROMETER)
    assert inspect(da)["c"].labels == ("0", "1")


def test_xarray_ome_keeps_what_is_stale_in_attributes() -> None:
    attrs = {
        "ome_scale": {"y": 0.5, "x": 0.5},
        "ome_translation": {"y": 0.0, "x": 0.0},
        "ome_axes_units": {"y": MICROMETER, "x": MICROMETER},
        "ome_ngff_metadata": object(),
    }
    da = array({"y": np.arange(8) * 0.5, "x": np.arange(9) * 0.5}, attrs=attrs)
    cropped = da.isel(x=slice(4, None, 2))
    assert steps(cropped)["x"] == (1.0, 2.0, MICROMETER)


def test_iohub_says_everything_on_coordinates() -> None:
    da = array(
        {
            "t": ("t", np.arange(2) * 1.0, {"units": "second"}),
            "c": ("c", ["Phase3D", "DAPI"]),
            "z": ("z", np.arange(3) * 0.25 + 0.5, {"units": MICROMETER}),
            "y": ("y", np.arange(6) * 0.1494, {"units": MICROMETER}),
            "x": ("x", np.arange(7) * 0.1494, {"units": MICROMETER}),
        }
    )
    assert stored_dims(da) == "t c z y x"
    assert steps(da)["z"] == (0.25, 0.5, MICROMETER)
    assert steps(da)["x"] == (0.1494, 0.0, MICROMETER)


@dataclass
class Scale:
    """The scale of spatialdata."""

    scale: NDArray[np.float64]
    axes: tuple[str, ...]

    def to_affine_matrix(
        self, input_axes: Sequence[str], output_axes: Sequence[str]
    ) -> NDArray[np.float64]:
        by_axis = dict(zip(self.axes, self.scale, strict=True))
        return np.diag([*(by_axis.get(axis, 1.0) for axis in input_axes), 1.0])


@dataclass
class Sequential:
    """The sequence of spatialdata, which levels are given."""

    transformations: list[Scale]

    def to_affine_matrix(
        self, input_axes: Sequence[str], output_axes: Sequence[str]
    ) -> NDArray[np.float64]:
        matrix = np.eye(len(input_axes) + 1)
        for part in self.transformations:
            matrix = part.to_affine_matrix(input_axes, output_axes) @ matrix
        return matrix


class TestSpatialdata:
    SCALE = Scale(np.array([0.65, 0.65]), ("y", "x"))

    def level(self, size: int, of: int, transform: object) -> xr.DataArray:
        factor = of / size
        centres = np.linspace(0, of, size + 1)[:-1] + factor / 2
        return array(
            {"c": ("c", [0, 1], {"units": ""}), "y": centres, "x": centres},
            attrs={"transform": {"global": transform}},
        )

    def test_its_transformation_counts_and_not_its_pixel_centres(self) -> None:
        da = self.level(64, 64, self.SCALE)
        assert da.x.values[:2].tolist() == [0.5, 1.5]
        assert steps(da) == {"y": (0.65, 0.0, None), "x": (0.65, 0.0, None)}
        assert steps(da.isel(x=slice(4, None, 2)))["x"] == (1.3, 2.6, None)

    @pytest.mark.parametrize(("size", "of"), [(32, 64), (33, 65), (16, 64)])
    def test_levels_stand_in_the_middle_of_their_pixels(
        self, size: int, of: int
    ) -> None:
        factor = of / size
        own = Scale(np.array([factor, factor]), ("y", "x"))
        da = self.level(size, of, Sequential([own, self.SCALE]))
        scale, translation, _ = steps(da)["x"]
        assert scale == pytest.approx(0.65 * factor, rel=1e-12)
        assert translation == pytest.approx(0.65 * (factor - 1) / 2, rel=1e-12)

    def test_identity_is_in_pixels(self) -> None:
        da = self.level(64, 64, Scale(np.array([]), ()))
        assert steps(da) == {"y": (1.0, 0.0, None), "x": (1.0, 0.0, None)}

    def test_own_coordinates_are_the_truth_again(self) -> None:
        da = self.level(4, 4, self.SCALE).assign_coords(x=np.arange(4) * 0.1)
        assert steps(da)["x"] == (0.1, 0.0, None)

    def test_mirrored_images_are_refused(self) -> None:
        mirrored = Scale(np.array([-1.0, 1.0]), ("y", "x"))
        with pytest.raises(CoordinateError, match="mirrors the image"):
            inspect(self.level(4, 4, mirrored))


def test_squidpy_has_channels_last_and_libraries_along_z() -> None:
    da = array({"y": 6, "x": 7, "z": ["library"], "channels_0": 3})
    assert stored_dims(da) == "c z y x"
    assert examine(da).exact == {"z"}
    assert steps(da)["z"] == (1.0, 0.0, None)


def test_pymmcore_plus_has_short_units_and_uneven_times() -> None:
    da = array(
        {
            "t": ("t", [0.0, 103.2, 198.7, 305.1], {"units": "ms"}),
            "c": ("c", ["DAPI", "FITC"]),
            "z": ("z", [-1.0, -0.5, 0.0, 0.5, 1.0], {"units": "um"}),
            "y": ("y", np.arange(6.0) * 0.65, {"units": "um"}),
            "x": ("x", np.arange(7.0) * 0.65, {"units": "um"}),
        }
    )
    with pytest.warns(OmeZarrWarning, match="steps range from 95.5 to 106.4 milli"):
        found = examine(da)
    assert found.exact == {"t"}
    assert found.grid["t"].scale == 101.7
    assert found.grid["t"].unit == "millisecond"
    assert found.grid["z"].translation == -1.0
    assert found.grid["x"].unit == MICROMETER
    with pytest.raises(AxisError, match="'p' tells 2 images apart"):
        stored_dims(da.expand_dims(p=[0, 1]))


def test_ome_writers_counts_indices() -> None:
    ranges = {dim: range(size) for dim, size in {"t": 3, "y": 4, "x": 5}.items()}
    da = xr.DataArray(np.zeros((3, 4, 5)), ranges, ["t", "y", "x"])
    assert set(steps(da).values()) == {(1.0, 0.0, None)}


class TestPintXarray:
    def test_quantified_objects_are_understood(self) -> None:
        da = array(
            {"z": [0.0, 2.0], "y": np.arange(4) * 0.325, "x": np.arange(5) * 0.1}
        )
        quantified = da.pint.quantify({"z": "mm", "y": "um", "x": "um", None: "count"})
        assert steps(quantified) == {
            "z": (2000.0, 0.0, MICROMETER),
            "y": (0.325, 0.0, MICROMETER),
            "x": (0.1, 0.0, MICROMETER),
        }

    def test_after_a_selection_too(self) -> None:
        da = array({"y": np.arange(4) * 0.325, "x": np.arange(8) * 0.1})
        quantified = da.pint.quantify({"y": "um", "x": "um"})
        assert steps(quantified.isel(x=slice(3, None)))["x"] == (0.1, 0.3, MICROMETER)


class TestGeo:
    def raster(self) -> xr.DataArray:
        coords = {
            "band": ("band", [1, 2, 3]),
            "y": ("y", 5_000_000.0 - np.arange(4) * 10),
            "x": ("x", 300_000.0 + np.arange(5) * 10),
        }
        return array(coords).assign_coords(spatial_ref=0)

    def test_a_descending_y_names_its_remedy(self) -> None:
        with pytest.raises(CoordinateError, match=r"'y' descends.*da\.sortby\('y'\)"):
            inspect(self.raster())

    def test_which_works(self) -> None:
        da = self.raster().sortby("y")
        assert stored_dims(da) == "c y x"
        assert steps(da) == {
            "y": (10.0, 4_999_970.0, None),
            "x": (10.0, 300_000.0, None),
        }
        assert inspect(da)["band"].labels == ("1", "2", "3")

    def test_degrees_are_no_length(self) -> None:
        da = array({"lat": [0.0, 0.5], "lon": ("lon", [0.0, 0.5], {"units": "degree"})})
        assert stored_dims(da) == "y x"
        with pytest.raises(ValueError, match="'degree' of 'lon' is no length"):
            inspect(da)


def test_raw_arrays_have_names_of_dims_only() -> None:
    # As xr.open_zarr of one level gives them.
    da = array({"c": 2, "y": 6, "x": 7})
    assert steps(da) == {"y": (1.0, 0.0, None), "x": (1.0, 0.0, None)}
    assert inspect(da)["c"].labels is None


def test_dates_of_napari_and_others_are_seconds() -> None:
    times = np.datetime64("2026-11-20T12:00", "ns") + np.arange(4) * np.timedelta64(
        250, "ms"
    )
    found = examine(array({"time": times, "y": 4, "x": 4}))
    assert found.grid["time"].scale == 0.25
    assert found.grid["time"].unit == "second"
    assert found.exact == {"time"}
