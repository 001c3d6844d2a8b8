"""Channels become coordinates, and what was read is what is written again."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from xarray_omezarr.grid.inspect import inspect
from xarray_omezarr.ngff.omero import Channel, Window
from xarray_omezarr.read.channels import channel_coords, channel_names, unique_names
from xarray_omezarr.write.channels import plan_channels

WINDOW = Window(min=0, max=255, start=10, end=200)


class TestNames:
    def test_names_are_those_that_were_written(self) -> None:
        assert channel_names([Channel(label="DAPI"), Channel(label="")]) == ("DAPI", "")

    def test_channels_without_any_name_have_none(self) -> None:
        assert channel_names([Channel(), Channel(color="FF0000")]) is None
        assert channel_names([]) is None

    def test_one_that_lacks_a_name_among_others_is_called_by_its_number(self) -> None:
        assert channel_names([Channel(label="DAPI"), Channel()]) == ("DAPI", "1")

    @pytest.mark.parametrize(
        ("names", "unique"),
        [
            (("a", "b"), ("a", "b")),
            (("a", "a"), ("a", "a_1")),
            (("a", "a", "a"), ("a", "a_1", "a_2")),
            (("a", "a", "a_1"), ("a", "a_2", "a_1")),
            (("a_1", "a", "a"), ("a_1", "a", "a_2")),
            (("", ""), ("", "_1")),
            ((), ()),
        ],
    )
    def test_repeated_names_get_suffixes(self, names, unique) -> None:
        assert unique_names(names) == unique

    @given(st.lists(st.sampled_from(["a", "a_1", "a_2", "a_1_1", "b", ""])))
    def test_unique_names_are_unique_and_change_only_repeated_ones(self, names) -> None:
        unique = unique_names(names)
        assert len(set(unique)) == len(names)
        for index, (name, choice) in enumerate(zip(names, unique, strict=True)):
            assert choice == name or name in names[:index]


class TestCoordinates:
    def test_every_field_of_the_standard_is_a_coordinate(self) -> None:
        channels = [
            Channel(label="A", color="FF0000", active=True, window=WINDOW),
            Channel(label="B", color="00FF00", active=False, window=WINDOW),
        ]
        coords = channel_coords(channels, "c")
        assert {name: list(v.values) for name, v in coords.items()} == {
            "channel_color": ["FF0000", "00FF00"],
            "channel_active": [True, False],
            "channel_window_min": [0, 0],
            "channel_window_max": [255, 255],
            "channel_window_start": [10, 10],
            "channel_window_end": [200, 200],
        }
        assert {v.dims for v in coords.values()} == {("c",)}
        assert coords["channel_active"].dtype == bool
        assert coords["channel_color"].dtype.kind == "U"

    def test_scalar_fields_of_others_ride_along(self) -> None:
        channels = [Channel(label="A", wavelength_id="A01_C01", gain=3)]
        coords = channel_coords(channels, "c")
        assert coords["channel_wavelength_id"].values.tolist() == ["A01_C01"]
        assert coords["channel_gain"].values.tolist() == [3]

    def test_fields_that_are_no_scalars_do_not(self) -> None:
        channels = [Channel(label="A", lut={"name": "fire"}, stops=[1, 2])]
        assert channel_coords(channels, "c") == {}

    def test_no_channels_are_no_coordinates(self) -> None:
        assert channel_coords([], "c") == {}

    def test_names_made_unique_leave_the_exact_ones_beside(self) -> None:
        coords = channel_coords([Channel(label="a"), Channel(label="a")], "c")
        assert coords["channel_label"].values.tolist() == ["a", "a"]

    def test_names_that_are_unique_are_not_said_twice(self) -> None:
        channels = [Channel(label="a"), Channel(label="b")]
        assert "channel_label" not in channel_coords(channels, "c")

    def test_what_one_channel_lacks_is_missing_in_its_place(self) -> None:
        channels = [Channel(family="linear", coefficient=2, window=WINDOW), Channel()]
        coords = channel_coords(channels, "c")
        assert coords["channel_family"].values.tolist() == ["linear", ""]
        np.testing.assert_array_equal(coords["channel_coefficient"], [2, np.nan])
        np.testing.assert_array_equal(coords["channel_window_end"], [200, np.nan])

    def test_a_flag_that_one_channel_lacks_is_none(self) -> None:
        coords = channel_coords([Channel(active=True), Channel()], "c")
        assert coords["channel_active"].values.tolist() == [True, None]

    def test_fields_of_several_types_stay_what_they_are(self) -> None:
        coords = channel_coords([Channel(note="x"), Channel(note=3)], "c")
        assert coords["channel_note"].values.tolist() == ["x", 3]


def fields_of_others():
    scalar = st.one_of(
        st.booleans(), st.integers(-9, 9), st.floats(-9, 9), st.text("ab", min_size=1)
    )
    return st.dictionaries(st.sampled_from(["gain", "note"]), scalar, max_size=2)


def windows():
    return st.builds(
        lambda a, b, c, d: Window(min=a, max=b, start=c, end=d),
        *[st.floats(-1e6, 1e6)] * 4,
    )


def any_channel():
    return st.builds(
        lambda extra, **known: Channel(**known, **extra),
        fields_of_others(),
        label=st.sampled_from(["a", "a_1", "DAPI", "488"]),
        color=st.from_regex(r"[0-9A-F]{6}", fullmatch=True),
        active=st.booleans(),
        window=st.none() | windows(),
        family=st.none() | st.sampled_from(["linear", "log"]),
        inverted=st.none() | st.booleans(),
        coefficient=st.none() | st.floats(0, 9),
    )


@given(st.lists(any_channel(), min_size=1, max_size=4))
def test_channels_that_are_read_and_written_are_the_same(channels) -> None:
    names = channel_names(channels)
    coords = {"c": ("c", list(unique_names(names))), **channel_coords(channels, "c")}
    shape = (len(channels), 2, 2)
    da = xr.DataArray(np.zeros(shape, "u1"), dims=("c", "y", "x"), coords=coords)
    assert plan_channels(da, inspect(da)["c"], None) == tuple(channels)
