"""Colours of channels: by names that tell them, else apart for every eye."""

from __future__ import annotations

import re
from collections.abc import Sequence

BLUE, CYAN, GREEN, YELLOW = "0000FF", "00FFFF", "00FF00", "FFFF00"
RED, MAGENTA, WHITE = "FF0000", "FF00FF", "FFFFFF"

# Names of dyes, proteins and lights, as parts of regular expressions on lower case.
# The first row that matches wins: "far red" is not "red", "Nile red 561" is red.
_NAMES: tuple[tuple[str, str], ...] = (
    (MAGENTA, r"far[ _-]?red|cy-?5(?:\.5)?|cy-?7|irfp\d*|sir|draq[57]|apc"),
    (WHITE, r"bf|bright[ _-]?field|dic|phase(?:[ _-]?contrast)?|tl|trans(?:mitted)?"),
    (BLUE, r"dapi|hoechst|(?:e|t|tag)?bfp|cascade[ _-]?blue|pacific[ _-]?blue"),
    (CYAN, r"e?cfp|cerulean|m?turquoise\d*"),
    (GREEN, r"(?:e|sf|m)?gfp|fitc|m?neongreen|mng|m?clover\d*|gcamp\w*|fluorescein"),
    (YELLOW, r"e?yfp|m?venus|m?citrine"),
    (
        RED,
        r"[mt]?rfp|m?cherry|m?scarlet\w*|m?ruby\d*|m?kate\d*|tdtomato|dsred\d*|"
        r"tritc|cy-?3(?:\.5)?|te?xa?s?[ _-]?red|rhodamine|tamra|propidium[ _-]?iodide",
    ),
    (RED, "red"),
    (GREEN, "green"),
    (BLUE, "blue"),
    (CYAN, "cyan"),
    (MAGENTA, "magenta"),
    (YELLOW, "yellow"),
    (WHITE, "white|gr[ae]y"),
)


def _word(names: str) -> re.Pattern[str]:
    # "H2B-GFP" and "GFP_2" hold the word, "Fred" and "infrared" do not; a number
    # may follow a name in letters (DAPI2), but "cy35" is not "cy3".
    return re.compile(rf"(?<![a-z0-9])(?:{names})(?![a-z])(?!(?<=\d)\d)")


_WORDS = tuple((color, _word(names)) for color, names in _NAMES)

# Alone ("488", "488 nm"), or behind the name of a family of dyes or a light.
_WAVELENGTH = re.compile(
    r"(?<![a-z0-9.])"
    r"(?:(?:alexa[ _-]?(?:fluor)?|af|a|atto|cf|dy|dylight|star|laser|ex|em)[ _-]*)?"
    r"([3-8]\d\d)(?:[ _-]?nm)?(?![a-z0-9])"
)
# Up to these wavelengths in nanometers, whether of excitation or of emission.
_SPECTRUM = ((470, BLUE), (530, GREEN), (620, RED), (900, MAGENTA))

_LETTERS = {"r": RED, "g": GREEN, "b": BLUE}

# Colours that people with any colour vision tell apart (Okabe and Ito, 2008), each
# with the named colour that it would be mistaken for.
_CYCLE = (
    ("56B4E9", CYAN),
    ("E69F00", YELLOW),
    ("CC79A7", MAGENTA),
    ("009E73", GREEN),
    ("F0E442", YELLOW),
    ("D55E00", RED),
    ("0072B2", BLUE),
)


def channel_colors(labels: Sequence[str | None]) -> tuple[str, ...]:
    """A colour for each channel, six hex digits.

    Parameters
    ----------
    labels : sequence of str or None
        Names of the channels, in order; None where there is none.

    Returns
    -------
    tuple of str
        Channels with telling names (dyes, proteins, colours, wavelengths) have the
        colour that microscopists expect, even where two have the same. The others
        have colours that are unlike these and each other; a channel that is alone
        and says nothing is white.

    Examples
    --------
    >>> channel_colors(["DAPI", "GFP", "Alexa 561", "mystery"])
    ('0000FF', '00FF00', 'FF0000', '56B4E9')
    >>> channel_colors([None])
    ('FFFFFF',)
    """
    named = [None if label is None else _by_name(label) for label in labels]
    if named == [None]:
        return (WHITE,)
    taken = {color for color in named if color is not None}
    free = [color for color, kin in _CYCLE if kin not in taken]
    cycle = free or [color for color, _ in _CYCLE]
    result = []
    unnamed = 0
    for color in named:
        if color is None:
            color = cycle[unnamed % len(cycle)]
            unnamed += 1
        result.append(color)
    return tuple(result)


def _by_name(label: str) -> str | None:
    text = label.strip().lower()
    if text in _LETTERS:
        return _LETTERS[text]
    for color, word in _WORDS:
        if word.search(text):
            return color
    for match in _WAVELENGTH.finditer(text):
        wavelength = int(match[1])
        if 350 <= wavelength:
            return next(color for end, color in _SPECTRUM if wavelength < end)
    return None
