"""What can be read of broken omero blocks, which never keep an image from opening."""

from __future__ import annotations

from typing import Any

import pytest

from xarray_omezarr.ngff import Channel, Omero, Window
from xarray_omezarr.ngff.versions.document import Place
from xarray_omezarr.ngff.versions.omero import read_omero, spell_omero

WINDOW = {"min": 0, "max": 255, "start": 0, "end": 100}
GOOD = {"label": "DAPI", "color": "0000FF", "active": True, "window": WINDOW}


def read(block: object) -> tuple[Omero | None, list[str]]:
    """What is read of a block, and the notes that were made."""
    place = Place(block, "/omero")
    return read_omero(place), place.notes


def test_a_good_block_is_read_without_notes() -> None:
    omero, notes = read({"channels": [GOOD], "rdefs": {"defaultT": 0}})
    assert notes == []
    assert omero == Omero.model_validate(
        {
            "channels": (Channel.model_validate(GOOD),),
            "rdefs": {"defaultT": 0},
        }
    )


def test_a_block_that_is_null_is_none() -> None:
    assert read(None) == (None, [])


@pytest.mark.parametrize("block", [[], "omero", 3])
def test_a_block_that_is_no_object_is_left_out(block: object) -> None:
    omero, (note,) = read(block)
    assert omero is None
    assert note.startswith("/omero is left out: omero is an object")


@pytest.mark.parametrize("channels", [None, {}, "DAPI"])
def test_without_a_list_of_channels_the_rest_is_kept(channels: object) -> None:
    omero, (note,) = read({"channels": channels, "id": 1})
    assert omero is not None
    assert omero.to_json() == {"channels": [], "id": 1}
    assert note.startswith("/omero/channels is left out")


@pytest.mark.parametrize(
    ("broken", "note"),
    [
        ({"color": 255}, "/omero/channels/1/color is 255: give six hex digits"),
        ({"color": "blue"}, "/omero/channels/1/color is 'blue'"),
        ({"active": "yes"}, "/omero/channels/1/active is 'yes': give true or false"),
        ({"label": 405}, "/omero/channels/1/label is 405: give text"),
        ({"window": [0, 1]}, "/omero/channels/1/window is [0, 1]: give an object"),
        (
            {"window": {**WINDOW, "end": "max"}},
            "/omero/channels/1/window/end is 'max': give a number",
        ),
        (
            {"window": {"min": 0, "max": 1, "start": 0}},
            "/omero/channels/1/window/end is missing",
        ),
        ({"coefficient": float("nan")}, "/omero/channels/1/coefficient is nan"),
    ],
)
def test_one_broken_field_costs_only_itself(broken: dict[str, Any], note: str) -> None:
    omero, (found,) = read({"channels": [GOOD, {**GOOD, "lut": "fire", **broken}]})
    (key,) = broken
    rest = {k: v for k, v in GOOD.items() if k != key}
    assert omero is not None
    assert omero.channels[0] == Channel.model_validate(GOOD)
    assert omero.channels[1] == Channel.model_validate({**rest, "lut": "fire"})
    assert found.startswith(note)
    assert found.endswith(f"{key} of this channel is left out")


def test_a_channel_that_is_no_object_leaves_its_place_empty() -> None:
    omero, (note,) = read({"channels": ["DAPI", GOOD]})
    assert omero is not None
    assert omero.channels == (Channel(), Channel.model_validate(GOOD))
    assert note.startswith("/omero/channels/0 is left out")


def test_fields_that_are_null_are_not_given() -> None:
    omero, notes = read({"channels": [{"label": None, "window": None, "lut": None}]})
    assert notes == []
    assert omero == Omero(channels=(Channel(),))


def test_a_channel_without_window_is_read_as_it_is() -> None:
    omero, notes = read({"channels": [{"label": "DAPI"}]})
    assert notes == []
    assert omero == Omero(channels=(Channel(label="DAPI"),))


def test_a_version_that_is_told_becomes_the_one_that_is_written() -> None:
    window = Window.model_validate(WINDOW)
    told = Omero.model_validate({"channels": [{"window": window}], "version": "old"})
    assert spell_omero(told, "new")["version"] == "new"
    assert "version" not in spell_omero(Omero(channels=()), "new")


def test_a_block_with_a_key_that_is_no_text_is_left_out() -> None:
    omero, (note,) = read({1: 2, "channels": [GOOD]})
    assert omero is None
    assert note.startswith("/omero/1")
    assert "omero is left out" in note
