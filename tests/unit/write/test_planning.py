"""What a plan takes from an object, and what it refuses before a byte is written."""

from __future__ import annotations

import dask.array
import numpy as np
import pint
import pytest
import xarray as xr

from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    MetadataError,
    OmeZarrWarning,
    OptionError,
)
from xarray_omezarr.grid.kept import KEY
from xarray_omezarr.options import complete
from xarray_omezarr.write.dataset import image_of
from xarray_omezarr.write.keeping import check_attrs
from xarray_omezarr.write.metadata import image_attributes
from xarray_omezarr.write.multiscale import own_channels, plan_multiscale

PIXELS = np.arange(2 * 8 * 8, dtype="uint16").reshape(2, 8, 8)


def image(**coords):
    return xr.DataArray(PIXELS, {"c": ["DAPI", "GFP"], **coords}, ("c", "y", "x"))


def plan(da, **options):
    return plan_multiscale(da, complete({"scale_factors": None, **options}))


def model(da, **options):
    return plan(da, **options).group("").model


def windows(da, **options):
    attrs = image_attributes(plan(da, **options))
    return [channel["window"] for channel in attrs["ome"]["omero"]["channels"]]


class TestNames:
    @pytest.mark.parametrize(
        ("dims", "coords", "name"),
        [
            (("time", "y", "x"), {"t": ("time", [7, 3])}, "t"),
            (("time", "y", "x"), {"t": 5}, "t"),
            (("c", "Y", "X"), {"x": (("Y", "X"), np.zeros((8, 8)))}, "x"),
            (("c", "y", "x"), {"image": "plate 1"}, "image"),
        ],
    )
    def test_a_coordinate_that_would_take_the_place_of_another_is_refused(
        self, dims, coords, name
    ) -> None:
        da = xr.DataArray(PIXELS, coords, dims)
        with pytest.raises(CoordinateError, match=r"\.rename") as caught:
            plan(da)
        assert repr(name) in str(caught.value)
        plan(da.drop_vars(name))

    def test_dims_that_are_no_texts_are_refused_with_the_remedy(self) -> None:
        with pytest.raises(AxisError, match=r"\.rename"):
            plan(xr.DataArray(PIXELS, dims=(0, "y", "x")))


class TestInsertedDims:
    def test_the_position_may_have_any_name_of_the_axis(self) -> None:
        da = image(time=12.5).isel(c=0, drop=True)
        (level,) = model(da, dims="tyx").multiscale.levels
        assert level.translation == (12.5, 0.0, 0.0)

    def test_a_channel_that_was_selected_keeps_its_fields(self) -> None:
        da = image(
            channel_color=("c", ["123456", "ABCDEF"]),
            channel_active=("c", [True, False]),
            channel_wavelength_id=("c", ["a", "b"]),
        )
        (channel,) = model(da.isel(c=1), dims="tczyx").omero.channels
        assert channel.to_json() == {
            "label": "GFP",
            "color": "ABCDEF",
            "active": False,
            "wavelength_id": "b",
        }


class TestOneChannel:
    def test_a_channel_that_was_selected_is_told_without_its_dim(self) -> None:
        da = image(channel_color=("c", ["123456", "ABCDEF"])).isel(c=1)
        (channel,) = own_channels(da, complete({}))
        assert (channel.label, channel.color) == ("GFP", "ABCDEF")

    def test_a_name_alone_makes_no_channel(self) -> None:
        assert model(image().isel(c=1)).omero is None

    def test_other_coordinates_of_that_prefix_are_kept_as_they_are(self) -> None:
        da = image(channel_count=3).isel(c=0)
        found = plan(da).group("")
        assert found.model.omero is None
        assert "channel_count" in found.attrs[KEY]["coords"]

    def test_what_the_selected_channel_lacks_is_kept(self) -> None:
        da = image(
            channel_color=("c", ["123456", "ABCDEF"]),
            channel_family=("c", ["", "linear"]),
        ).isel(c=0)
        assert plan(da).group("").attrs[KEY]["coords"]["channel_family"]["values"] == ""


class TestWindows:
    def test_limits_that_nobody_gave_are_the_range_of_the_pixels(self) -> None:
        da = image(
            channel_window_start=("c", [5.0, 70.0]),
            channel_window_end=("c", [9.0, 80.0]),
        )
        assert windows(da) == [
            {"min": 0.0, "max": 63.0, "start": 5.0, "end": 9.0},
            {"min": 64.0, "max": 127.0, "start": 70.0, "end": 80.0},
        ]

    def test_limits_hold_what_is_shown(self) -> None:
        given = [{"window": {"start": -5, "end": 40}}, {}]
        first, _ = windows(image(), channels=given)
        assert first == {"min": -5.0, "max": 63.0, "start": -5.0, "end": 40.0}

    def test_limits_that_were_given_are_left_alone(self) -> None:
        whole = {"min": 0.0, "max": 4095.0, "start": 1.0, "end": 2.0}
        first, _ = windows(image(), channels=[{"window": whole}, {}])
        assert first == whole

    def test_of_pixels_that_are_not_computed_they_are_those_of_the_type(self) -> None:
        lazy = image().copy(data=dask.array.from_array(PIXELS))
        first, _ = windows(lazy, channels=[{"window": {"start": 5, "end": 9}}, {}])
        assert first == {"min": 0.0, "max": 65535.0, "start": 5.0, "end": 9.0}


class TestKept:
    def test_the_unit_of_quantified_pixels_is_kept(self) -> None:
        registry = pint.get_application_registry()
        da = xr.DataArray(registry.Quantity(PIXELS, "volt"), dims=("c", "y", "x"))
        assert plan(da).group("").attrs[KEY]["attrs"] == {"units": "volt"}
        da.attrs["units"] = "V"
        assert plan(da).group("").attrs[KEY]["attrs"] == {"units": "V"}

    def test_attributes_of_channel_fields_are_kept_without_their_values(self) -> None:
        color = ("c", ["123456", "ABCDEF"], {"long_name": "false colour"})
        kept = plan(image(channel_color=color)).group("").attrs[KEY]["coords"]
        assert kept == {"channel_color": {"attrs": {"long_name": "false colour"}}}


class TestReservedAttrs:
    @pytest.mark.parametrize(
        "attrs",
        [
            {"multiscales": []},
            {"omero": {}},
            {"plate": {}},
            {"bioformats2raw.layout": 3},
            {"labels": ["cells"]},
            {"ome": "me"},
        ],
    )
    def test_keys_of_the_standard_are_refused(self, attrs) -> None:
        with pytest.raises(MetadataError, match=repr(next(iter(attrs)))):
            check_attrs(attrs)

    def test_words_that_mean_something_else_are_not(self) -> None:
        attrs = {"labels": "hand drawn", "version": "7", "ome": {"mine": 1}}
        assert check_attrs(attrs) == attrs

    def test_those_of_a_dataset_are_left_out_with_one_warning(self) -> None:
        ds = image().to_dataset(name="cells")
        ds.attrs = {"plate": {}, "gain": np.nan, "lab": "B"}
        with pytest.warns(OmeZarrWarning, match="'gain'.*'plate'") as caught:
            _, options = image_of(ds, None, complete({}))
        assert len(caught) == 1
        assert options["attrs"] == {"lab": "B"}


class TestOptions:
    @pytest.mark.parametrize(
        "option",
        [
            {"dims": 5},
            {"fill_value": [1, 2]},
            {"write_empty_chunks": None},
            {"write_empty_chunks": "no"},
            {"lossy": "no"},
        ],
    )
    def test_values_without_a_meaning_are_refused(self, option) -> None:
        with pytest.raises(OptionError, match=next(iter(option))):
            plan(image(), **option)

    @pytest.mark.parametrize("wrap", [list, tuple])
    def test_factors_and_chunks_may_name_own_dims(self, wrap) -> None:
        da = image().rename(y="Y", x="X")
        chunks = {"c": 2, "Y": 4, "X": 8}
        found = plan(da, scale_factors=wrap([{"Y": 2, "X": 4}]), chunks=chunks)
        assert found.array("1").shape == (2, 4, 2)
        assert found.array("0").layout.chunks == (2, 4, 8)


def test_a_warning_points_at_the_line_of_the_user() -> None:
    da = image().isel(c=0, drop=True).expand_dims(t=[0.0, 1.0, 5.0])
    with pytest.warns(OmeZarrWarning) as caught:
        _ = da.omezarr.grid
    assert caught[0].filename == __file__
    assert "written" not in str(caught[0].message)
