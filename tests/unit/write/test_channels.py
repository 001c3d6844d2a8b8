"""Channels from coordinates and from the option, with what nobody said filled in."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import MetadataError, OptionError
from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.ngff.omero import Channel, Window
from xarray_omezarr.windows import ShownWindow
from xarray_omezarr.write.channels import is_channel_field, plan_channels


def image(names=("DAPI", "GFP"), **along_c):
    coords = {key: ("c", list(value)) for key, value in along_c.items()}
    count = len(next(iter(along_c.values()))) if names is None else len(names)
    if names is not None:
        coords["c"] = list(names)
    return xr.DataArray(
        np.zeros((count, 2, 2), "uint8"), dims=("c", "y", "x"), coords=coords
    )


def planned(da, given=None):
    return plan_channels(da, inspect(da)["c"], given)


class TestFromCoordinates:
    def test_names_are_labels_and_tell_the_colours(self) -> None:
        dapi, gfp = planned(image())
        assert (dapi.label, dapi.color) == ("DAPI", "0000FF")
        assert (gfp.label, gfp.color) == ("GFP", "00FF00")

    def test_a_window_that_nobody_gave_is_left_to_the_pixels(self) -> None:
        assert [channel.window for channel in planned(image())] == [None, None]

    def test_every_coordinate_with_the_prefix_is_a_field(self) -> None:
        da = image(
            channel_color=["FF0000", "#00ff7f"],
            channel_active=[False, True],
            channel_inverted=[True, False],
            channel_coefficient=[0.5, 1.0],
            channel_family=["linear", "log"],
            channel_wavelength_id=["A01_C01", "A02_C02"],
        )
        first, second = planned(da)
        assert first.to_json() == {
            "label": "DAPI",
            "color": "FF0000",
            "active": False,
            "inverted": True,
            "coefficient": 0.5,
            "family": "linear",
            "wavelength_id": "A01_C01",
        }
        assert second.color == "00FF7F"

    def test_four_coordinates_make_a_window(self) -> None:
        da = image(
            channel_window_min=[0, 0.0],
            channel_window_max=[255, 100],
            channel_window_start=[10, 20],
            channel_window_end=[200, 90],
        )
        first, second = planned(da)
        assert first.window == Window(min=0, max=255, start=10, end=200)
        assert second.window == Window(min=0, max=100, start=20, end=90)

    def test_the_shown_part_of_a_window_waits_for_the_pixels_to_tell_the_rest(
        self,
    ) -> None:
        da = image(channel_window_start=[10, 9], channel_window_end=[200, 2])
        first, second = planned(da)
        assert first.window == ShownWindow(min=10, max=200, start=10, end=200)
        # A window that descends shows small values bright.
        assert second.window == ShownWindow(min=2, max=9, start=9, end=2)

    @pytest.mark.parametrize(
        "half",
        [
            {"channel_window_start": [1, 2]},
            {"channel_window_min": [0, 0], "channel_window_max": [9, 9]},
            {"channel_window_start": [1, 2], "channel_window_end": [np.nan, np.nan]},
        ],
    )
    def test_half_a_window_says_too_little(self, half) -> None:
        assert [channel.window for channel in planned(image(**half))] == [None, None]

    def test_one_channel_may_say_what_the_other_does_not(self) -> None:
        da = image(
            channel_family=["linear", ""],
            channel_coefficient=[np.nan, 2.0],
            channel_window_start=[1.0, np.nan],
            channel_window_end=[5.0, np.nan],
        )
        first, second = planned(da)
        assert (first.family, second.family) == ("linear", None)
        assert (first.coefficient, second.coefficient) == (None, 2.0)
        assert first.window is not None
        assert second.window is None

    def test_without_names_there_are_no_labels(self) -> None:
        da = xr.DataArray(np.zeros((3, 2, 2)), dims=("c", "y", "x"))
        channels = planned(da)
        assert [channel.label for channel in channels] == [None] * 3
        assert len({channel.color for channel in channels}) == 3

    def test_numbers_become_texts(self) -> None:
        assert [c.label for c in planned(image([405, 488]))] == ["405", "488"]

    def test_exact_names_count_where_there_is_no_index(self) -> None:
        da = image(None, channel_label=["DAPI", "GFP"])
        assert [channel.label for channel in planned(da)] == ["DAPI", "GFP"]

    def test_names_may_be_the_same(self) -> None:
        assert [c.label for c in planned(image(["a", "a"]))] == ["a", "a"]

    def test_the_exact_names_win_over_those_made_unique(self) -> None:
        da = image(["a", "a_1"], channel_label=["a", "a"])
        assert [channel.label for channel in planned(da)] == ["a", "a"]

    def test_a_name_that_was_changed_since_wins_over_the_old_one(self) -> None:
        da = image(["nuclei", "a_1"], channel_label=["a", "a"])
        assert [channel.label for channel in planned(da)] == ["nuclei", "a"]

    def test_the_first_six_are_shown_at_first(self) -> None:
        da = xr.DataArray(np.zeros((8, 2, 2)), dims=("c", "y", "x"))
        assert [c.active for c in planned(da)] == [True] * 6 + [False] * 2

    def test_coordinates_of_other_dims_are_no_fields(self) -> None:
        da = image().assign_coords(channel_gain=("x", [1, 2]), channel_lab="B")
        assert planned(da)[0].extras() == {}

    def test_coordinates_without_the_prefix_are_no_fields(self) -> None:
        assert planned(image(exposure=[1.0, 2.0]))[0].extras() == {}

    def test_dates_are_no_fields_as_the_standard_has_none(self) -> None:
        dates = np.array(["2024-01-01", "2024-01-02"], "M8[ns]")
        assert planned(image(channel_acquired=dates))[0].extras() == {}

    @pytest.mark.parametrize(
        ("coords", "named"),
        [
            ({"channel_color": ["red", "blue"]}, "'red'"),
            ({"channel_active": [1, 0]}, "active"),
            ({"channel_window": [1.0, 2.0]}, "window"),
            ({"channel_gain": [1j, 2j]}, "channel_gain"),
            ({"channel_gain": [np.inf, 1.0]}, "channel_gain.*inf"),
        ],
    )
    def test_a_value_that_is_not_allowed_is_named(self, coords, named) -> None:
        with pytest.raises(MetadataError, match=named):
            planned(image(**coords))

    def test_a_colour_that_is_not_allowed_names_its_channel(self) -> None:
        with pytest.raises(MetadataError, match="channels/1/color is 'blue'"):
            planned(image(channel_color=["FF0000", "blue"]))


class TestOption:
    def test_names_win_over_the_coordinate(self) -> None:
        first, second = planned(image(), ["Hoechst", "mCherry"])
        assert (first.label, second.label) == ("Hoechst", "mCherry")
        assert second.color == "FF0000"

    def test_each_field_that_is_given_wins_and_the_others_stay(self) -> None:
        da = image(channel_color=["111111", "222222"], channel_family=["log", "log"])
        first, second = planned(da, [{"color": "ABCDEF"}, {"name": "eGFP"}])
        assert (first.label, first.color, first.family) == ("DAPI", "ABCDEF", "log")
        assert (second.label, second.color) == ("eGFP", "222222")

    def test_none_in_a_dict_means_not_given(self) -> None:
        first, _ = planned(image(), [{"label": None, "color": None}, {}])
        assert (first.label, first.color) == ("DAPI", "0000FF")

    @pytest.mark.parametrize("key", ["colour", "colors", "Label", "windows"])
    def test_keys_that_are_nearly_those_of_a_channel_are_refused(self, key) -> None:
        with pytest.raises(OptionError, match=f"{key!r}.*write '(color|label|window)'"):
            planned(image(), [{key: "FF0000"}, {}])

    def test_channels_of_the_standard_are_understood(self) -> None:
        given = [Channel(label="A", color="#00FF00", active=False), Channel()]
        first, second = planned(image(), given)
        assert (first.label, first.color, first.active) == ("A", "00FF00", False)
        assert second.label == "GFP"

    def test_numbers_of_numpy_are_plain_in_the_end(self) -> None:
        window = {"start": np.int64(3), "end": np.float32(4.5)}
        (first, _) = planned(image(), [{"window": window, "gain": np.int8(2)}, {}])
        assert first.to_json()["window"] == {
            "min": 3.0,
            "max": 4.5,
            "start": 3.0,
            "end": 4.5,
        }
        assert type(first.to_json()["gain"]) is int

    def test_the_callers_dicts_are_left_alone(self) -> None:
        given = [{"name": "A"}, {"label": "B", "color": None}]
        planned(image(), given)
        assert given == [{"name": "A"}, {"label": "B", "color": None}]

    def test_an_image_without_channels_has_them_only_on_demand(self) -> None:
        da = xr.DataArray(np.zeros((2, 2)), dims=("y", "x"))
        assert plan_channels(da, None, None) is None
        (channel,) = plan_channels(da, None, ["BF"]) or ()
        assert channel.label == "BF"

    @pytest.mark.parametrize("given", [[], ["A"], ["A", "B", "C"]])
    def test_another_number_of_channels_is_refused(self, given) -> None:
        with pytest.raises(OptionError, match=f"{len(given)} entries.*2 channels"):
            planned(image(), given)

    @pytest.mark.parametrize("given", ["DAPI", 5, {"label": "DAPI"}])
    def test_what_is_no_list_is_refused(self, given) -> None:
        with pytest.raises(OptionError, match="give a list"):
            planned(image(), given)

    @pytest.mark.parametrize("entry", [5, None, ["A"]])
    def test_an_entry_that_says_nothing_is_refused(self, entry) -> None:
        with pytest.raises(OptionError, match="channels holds"):
            planned(image(), ["DAPI", entry])

    @pytest.mark.parametrize(
        ("entry", "named"),
        [
            ({"color": "blue"}, "'blue'"),
            ({"window": {"start": 1}}, "window"),
            ({"window": 5}, "window"),
            ({"window": {"start": "a", "end": 5}}, "window/start is 'a'"),
            ({"lut": object()}, "no JSON"),
            ({"active": "yes"}, "active"),
        ],
    )
    def test_a_field_that_is_not_allowed_is_named(self, entry, named) -> None:
        with pytest.raises(MetadataError, match=named):
            planned(image(), [{}, entry])

    @pytest.mark.parametrize("of", [tuple, np.array])
    def test_any_sequence_of_names_is_a_list(self, of) -> None:
        assert [c.label for c in planned(image(), of(["A", "B"]))] == ["A", "B"]


def test_only_coordinates_along_the_channels_are_their_fields() -> None:
    da = image(channel_gain=[1, 2]).assign_coords(channel_lab="B")
    assert is_channel_field("channel_gain", da["channel_gain"], "c")
    assert not is_channel_field("channel_lab", da["channel_lab"], "c")
    assert not is_channel_field("gain", da["channel_gain"], "c")
