"""How channels shall be shown."""

from __future__ import annotations

import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff import Channel, Omero, Window
from xarray_omezarr.ngff.omero import check_channels

WINDOW = Window(min=0, max=255, start=10, end=200)


@pytest.mark.parametrize("color", ["ff8000", "FF8000", "#ff8000", "#Ff8000"])
def test_colours_are_kept_in_one_spelling(color: str) -> None:
    assert Channel(color=color).color == "FF8000"


@pytest.mark.parametrize(
    "color",
    [
        "red",
        "#f80",
        "FF80001",
        "FF8000FF",
        "##FF8000",
        "GG0000",
        "",
        " FF8000",
        0xFF8000,
    ],
)
def test_anything_else_is_no_colour(color: object) -> None:
    with pytest.raises(MetadataError, match=r"/color is .*: give six hex digits"):
        Channel.model_validate({"color": color})


@pytest.mark.parametrize("part", ["min", "max", "start", "end"])
def test_a_window_has_all_four_values(part: str) -> None:
    values = {key: value for key, value in WINDOW.to_json().items() if key != part}
    with pytest.raises(MetadataError, match=f"/{part} is missing"):
        Window.model_validate(values)


def test_further_keys_of_omero_and_its_channels_are_kept() -> None:
    json = {
        "channels": [{"label": "DAPI", "coefficient": 1.0, "wavelength_id": "A01_C01"}],
        "id": 1,
        "rdefs": {"defaultZ": 3, "model": "color"},
    }
    assert Omero.model_validate(json).to_json() == json


def test_omero_without_channels_is_none() -> None:
    with pytest.raises(MetadataError, match="/channels is missing"):
        Omero.model_validate({"rdefs": {}})


def test_a_channel_may_say_nothing() -> None:
    assert Omero(channels=(Channel(),)).to_json() == {"channels": [{}]}


def test_a_full_channel_may_be_written() -> None:
    omero = Omero(channels=(Channel(color="FFFFFF", window=WINDOW),))
    assert check_channels(omero) == []


def test_what_channels_lack_is_told_for_each() -> None:
    omero = Omero(channels=(Channel(label="DAPI", window=WINDOW), Channel()))
    assert check_channels(omero) == [
        "omero channel 0 (DAPI) has no color: give six hex digits",
        "omero channel 1 (no label) has no color: give six hex digits",
        "omero channel 1 (no label) has no window: give min, max, start and end",
    ]
