"""What was written comes back as it was, also where a name could mean two things."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.grid.coords import coordinates
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.grid.kept import KEY, Kept, KeptCoordinate
from xarray_omezarr.read.keeping import restore

PIXELS = np.arange(5 * 8 * 8, dtype="uint16").reshape(5, 8, 8)


def written(da, **options):
    store = zarr.storage.MemoryStore()
    xo.write_image(da, store, scale_factors=None, **options)
    return store


class TestScaleOfOnePixel:
    def test_it_is_in_the_unit_of_the_coordinate(self) -> None:
        da = xr.DataArray(
            PIXELS,
            {
                "z": ("z", 200.0 * np.arange(5), {"units": "nm"}),
                "x": ("x", 0.1 * np.arange(8), {"units": "um"}),
            },
            ("z", "y", "x"),
        )
        read = xo.open_image(written(da))
        assert read["z"].attrs["units"] == "nanometer"
        axis = xo.image_grid(read.isel(z=[3]))["z"]
        # In the unit of x, as the standard's readers compare the axes of space.
        assert (axis.scale, axis.translation) == (0.2, 0.6)
        alone = xo.image_grid(read.isel(z=[3]).rename(x="w"))["z"]
        assert (alone.scale, alone.unit) == (200.0, "nanometer")


class TestRestoring:
    GRID = Grid(
        (
            GridAxis("t", "time", "second", 3, 2.0),
            GridAxis("y", "space", "micrometer", 2),
            GridAxis("x", "space", "micrometer", 2),
        )
    )

    @pytest.mark.parametrize(
        ("name", "dims", "shape"), [("x", ("y", "x"), (2, 2)), ("t", ("y",), (2,))]
    )
    def test_only_the_coordinate_of_an_axis_takes_its_place(
        self, name, dims, shape
    ) -> None:
        kept = Kept(coords={name: KeptCoordinate({}, dims, np.zeros(shape))})
        found = restore(kept, coordinates(self.GRID), self.GRID, self.GRID)
        assert found[name].identical(coordinates(self.GRID)[name])

    def test_a_coordinate_with_the_name_of_the_pixels_does_not_hide_them(self) -> None:
        store = written(xr.DataArray(PIXELS, dims=("t", "y", "x"), attrs={"a": 1}))
        group = zarr.open_group(store)
        kept = dict(group.attrs[KEY])
        kept["coords"] = {"image": {"dims": [], "dtype": "<i8", "values": 3}}
        group.attrs[KEY] = kept
        read = xo.open_image(store)
        np.testing.assert_array_equal(read.values, PIXELS)
        assert "image" not in read.coords


class TestOneChannel:
    def test_it_is_told_and_written_again(self) -> None:
        da = xr.DataArray(PIXELS[0], dims=("y", "x"))
        whole = {"min": 0, "max": 99, "start": 3, "end": 60}
        given = {"label": "GFP", "color": "00FF00", "active": True, "window": whole}
        read = xo.open_image(written(da, channels=[given]))
        assert read["channel_label"].item() == "GFP"
        (channel,) = read.omezarr.channels
        assert channel.to_json() == given
        again = xo.open_image(written(read))
        xr.testing.assert_identical(again, read)

    def test_one_that_was_selected_comes_back_as_it_was(self) -> None:
        da = xr.DataArray(PIXELS, {"c": list("abcde")}, ("c", "y", "x"))
        read = xo.open_image(written(da)).isel(c=3).load()
        again = xo.open_image(written(read))
        xr.testing.assert_identical(again, read)
        assert [channel.label for channel in again.omezarr.channels] == ["d"]

    def test_several_for_one_are_left_out_with_a_warning(self) -> None:
        da = xr.DataArray(PIXELS[0], dims=("y", "x"))
        store = written(da, channels=["GFP"])
        group = zarr.open_group(store)
        ome = dict(group.attrs["ome"])
        ome["omero"] = {"channels": ome["omero"]["channels"] * 3}
        group.attrs["ome"] = ome
        with pytest.warns(xo.OmeZarrWarning, match="3 channels and stores 1"):
            read = xo.open_image(store)
        assert "channel_color" not in read.coords


class TestName:
    def test_it_is_that_of_the_image_not_its_long_name(self) -> None:
        attrs = {"long_name": "Cell density"}
        da = xr.DataArray(PIXELS, dims=("t", "y", "x"), name="cells", attrs=attrs)
        read = xo.open_image(written(da))
        assert (read.name, read.attrs["long_name"]) == ("cells", "Cell density")

    def test_a_long_name_may_be_anything(self) -> None:
        da = xr.DataArray(PIXELS, dims=("t", "y", "x"), attrs={"long_name": ["a"]})
        read = xo.open_image(written(da))
        assert (read.name, read.attrs["long_name"]) == ("image", ["a"])

    def test_a_name_that_a_coordinate_has_is_not_taken(self) -> None:
        da = xr.DataArray(PIXELS, dims=("t", "y", "x"))
        read = xo.open_image(written(da, name="x"))
        assert read.name == "image"
        assert "image" in read.to_dataset()


def test_attributes_of_channel_fields_come_back() -> None:
    color = ("c", ["123456"] * 5, {"long_name": "false colour"})
    da = xr.DataArray(PIXELS, {"channel_color": color}, ("c", "y", "x"))
    read = xo.open_image(written(da))
    assert read["channel_color"].attrs == {"long_name": "false colour"}
    assert read["channel_color"].values.tolist() == ["123456"] * 5


@pytest.mark.parametrize("open_it", [xr.open_dataset, xr.open_datatree])
def test_the_engine_knows_the_keywords_of_decoding_and_no_others(open_it) -> None:
    store = written(xr.DataArray(PIXELS, dims=("t", "y", "x")))
    open_it(store, engine="omezarr", decode_times=False, mask_and_scale=True)
    with pytest.raises(TypeError, match="levle"):
        open_it(store, engine="omezarr", levle=1)


def test_the_unit_of_wavelengths_comes_back_with_them() -> None:
    wavelengths = ("c", [488, 561], {"units": "nm", "long_name": "emission"})
    da = xr.DataArray(PIXELS[:2], {"c": wavelengths}, ("c", "y", "x"))
    read = xo.open_image(written(da))
    assert read["c"].attrs == {"units": "nm", "long_name": "emission"}
    assert read["c"].values.tolist() == [488, 561]
