"""Colours that the names of channels tell."""

from __future__ import annotations

import pytest

from xarray_omezarr.ngff.colours import channel_colors

BLUE, GREEN, RED = "0000FF", "00FF00", "FF0000"
CYAN, YELLOW, MAGENTA, WHITE = "00FFFF", "FFFF00", "FF00FF", "FFFFFF"


def color(label: str) -> str:
    """The colour of a channel beside one that says nothing."""
    return channel_colors([label, None])[0]


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("DAPI", BLUE),
        ("Dapi", BLUE),
        ("DAPI2", BLUE),
        ("Hoechst 33342", BLUE),
        ("GFP", GREEN),
        ("EGFP", GREEN),
        ("H2B-GFP", GREEN),
        ("GFP_1", GREEN),
        ("FITC", GREEN),
        ("mNeonGreen", GREEN),
        ("RFP", RED),
        ("mCherry", RED),
        ("TRITC", RED),
        ("Cy3", RED),
        ("Texas Red", RED),
        ("TxRed", RED),
        ("tdTomato", RED),
        ("Cy5", MAGENTA),
        ("Cy5.5", MAGENTA),
        ("far red", MAGENTA),
        ("FarRed", MAGENTA),
        ("CFP", CYAN),
        ("YFP", YELLOW),
        ("Red", RED),
        ("green", GREEN),
        ("Blue", BLUE),
        ("R", RED),
        ("g", GREEN),
        ("B", BLUE),
        ("BF", WHITE),
        ("brightfield", WHITE),
        ("Bright Field", WHITE),
        ("DIC", WHITE),
        ("Phase contrast", WHITE),
        ("TL 50%", WHITE),
        ("405", BLUE),
        ("488", GREEN),
        ("Alexa 488", GREEN),
        ("AF488", GREEN),
        ("Alexa Fluor 647", MAGENTA),
        ("561 nm", RED),
        ("laser-640nm", MAGENTA),
    ],
)
def test_a_telling_name_has_the_colour_that_microscopists_expect(
    label: str, expected: str
) -> None:
    assert color(label) == expected


@pytest.mark.parametrize(
    "label",
    [
        "Fred",
        "infrared",
        "predator",
        "greenhouse",
        "bfx",
        "medic",
        "phased",
        "cy35",
        "gfpuv",
        "CD405",
        "p488",
        "4881",
        "0.488",
        "320",
        "950",
        "marker 12",
        "",
    ],
)
def test_a_name_that_only_holds_the_letters_of_another_tells_nothing(
    label: str,
) -> None:
    # Beside nothing else, such a channel is white like one without a name.
    assert channel_colors([label]) == (WHITE,)
    assert color(label) not in {BLUE, GREEN, RED, CYAN, YELLOW, MAGENTA, WHITE}


def test_samples_of_a_colour_photograph_are_exact() -> None:
    assert channel_colors(["Red", "Green", "Blue"]) == (RED, GREEN, BLUE)


def test_one_channel_without_telling_name_is_white() -> None:
    assert channel_colors([None]) == (WHITE,)
    assert channel_colors(["Channel 0"]) == (WHITE,)


def test_no_channels_have_no_colours() -> None:
    assert channel_colors([]) == ()


def test_unnamed_channels_differ_from_each_other() -> None:
    assert len(set(channel_colors([None] * 7))) == 7


def test_there_is_a_colour_for_any_number_of_channels() -> None:
    many = channel_colors([None] * 50)
    assert len(many) == 50
    assert all(len(color) == 6 for color in many)


def distance(first: str, second: str) -> float:
    """Distance of two colours in the cube of red, green and blue, 0 to 442."""
    pairs = zip(bytes.fromhex(first), bytes.fromhex(second), strict=True)
    return float(sum((a - b) ** 2 for a, b in pairs)) ** 0.5


@pytest.mark.parametrize("named", ["DAPI", "GFP", "mCherry", "Cy5", "CFP", "YFP"])
def test_unnamed_channels_stay_away_from_the_colour_of_a_named_one(named: str) -> None:
    # The look-alikes of the pure colours are nearer than 160, all others farther.
    taken, *others = channel_colors([named, *[None] * 5])
    assert len(set(others)) == 5
    assert min(distance(taken, other) for other in others) > 160


def test_when_every_colour_is_taken_the_cycle_is_used_all_the_same() -> None:
    names = ["DAPI", "GFP", "mCherry", "Cy5", "CFP", "YFP"]
    colors = channel_colors([*names, None, None])
    assert len(set(colors)) == 8
