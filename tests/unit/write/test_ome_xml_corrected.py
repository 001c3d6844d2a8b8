"""OME-XML follows corrections, attribute by attribute."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import canonicalize

import pytest

from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.ngff.omero import Channel
from xarray_omezarr.write.ome_xml import ImageFacts, make_ome_xml
from xarray_omezarr.write.ome_xml_corrected import correct_ome_xml


def fact(path: str, **changes: object) -> ImageFacts:
    sizes = {"X": 5, "Y": 4, "Z": 1, "C": 2, "T": 1}
    channels = (Channel(label="a", color="FF0000"), Channel(label="b", color="00FF00"))
    steps = {"X": (0.5, "µm"), "Y": (0.5, "µm")}
    known = ImageFacts(path, path, "XYCZT", sizes, steps, "uint8", True, channels)
    return replace(known, **changes)


BEFORE = {"0": fact("0"), "1": fact("1")}
TEXT = make_ome_xml([*BEFORE.values()])


def test_the_text_is_that_of_a_new_collection() -> None:
    changed = {
        "0": fact("0"),
        "1": fact(
            "1",
            name='"<&>"',
            steps={"X": (0.25, "nm"), "Y": (0.5, "µm")},
            channels=(Channel(label="é", color="0000FF"), BEFORE["1"].channels[1]),
        ),
    }
    text = correct_ome_xml(TEXT.encode(), ["0", "1"], BEFORE, changed).decode()
    expected = make_ome_xml([*changed.values()])
    # quoteattr chooses other quotes; they mean the same.
    assert canonicalize(text) == canonicalize(expected)


def test_steps_come_and_go() -> None:
    without = {"0": fact("0", steps={}), "1": fact("1")}
    text = correct_ome_xml(TEXT.encode(), ["0", "1"], BEFORE, without)
    assert text.decode() == make_ome_xml([*without.values()])
    again = correct_ome_xml(text, ["0", "1"], without, BEFORE)
    assert canonicalize(again) == canonicalize(TEXT)


def test_what_others_put_into_our_text_stays() -> None:
    own = '<Description>x > y "z"</Description>'
    text = TEXT.replace("<Pixels", f"{own}<Pixels", 1).replace(
        'PhysicalSizeX="0.5"', "PhysicalSizeX='0.5' More=\"a>b\"", 1
    )
    after = {"0": fact("0", steps={"X": (2.0, "µm"), "Y": (0.5, "µm")})}
    found = correct_ome_xml(text.encode(), ["0", "1"], BEFORE, after).decode()
    assert own in found
    assert 'More="a&gt;b"' in found
    assert 'PhysicalSizeX="2.0"' in found


@pytest.mark.parametrize(
    ("text", "order", "match"),
    [
        (TEXT.replace("xarray-omezarr", "other"), ["0", "1"], "another program"),
        (TEXT, ["0"], "2 images instead of 1"),
        ("no text", ["0", "1"], "well-formed"),
        ("<!DOCTYPE a><a/>", ["0", "1"], "DOCTYPE"),
        (TEXT, ["7", "8"], "does not list"),
    ],
)
def test_a_text_that_cannot_follow_stays_with_a_warning(text, order, match) -> None:
    after = {"0": fact("0", steps={}), "1": fact("1")}
    with pytest.warns(OmeZarrWarning, match=match):
        found = correct_ome_xml(text.encode(), order, BEFORE, after)
    assert found == text.encode()


def test_nothing_changes_nothing() -> None:
    assert correct_ome_xml(b"anything", [], BEFORE, BEFORE) == b"anything"
