from __future__ import annotations

import pytest

from tests.unit.ngff.rules.documents import (
    GONE,
    IMAGE_04,
    IMAGE_05,
    WELL_05,
    assert_one_fault,
    faults,
    with_change,
)

HERE = "/ome/omero"
FIRST = f"{HERE}/channels/0"


@pytest.mark.parametrize(
    ("at", "value", "severity", "pointer", "word"),
    [
        (HERE, [], "error", HERE, "object"),
        (f"{HERE}/channels", GONE, "error", HERE, "channels"),  # RULES O1
        (f"{HERE}/channels", {}, "error", f"{HERE}/channels", "list"),
        (FIRST, None, "error", FIRST, "object"),
        (f"{FIRST}/color", GONE, "error", FIRST, "color"),  # RULES O2
        (f"{FIRST}/color", "#FF0000", "error", f"{FIRST}/color", "hexadecimal"),
        (f"{FIRST}/color", "blue", "error", f"{FIRST}/color", "hexadecimal"),
        (f"{FIRST}/color", 0xFF, "error", f"{FIRST}/color", "hexadecimal"),
        (f"{FIRST}/window", GONE, "error", FIRST, "window"),  # RULES O3
        (f"{FIRST}/window/max", GONE, "error", f"{FIRST}/window", "max"),
        (f"{FIRST}/window/min", "0", "error", f"{FIRST}/window/min", "min"),
        (f"{FIRST}/label", 3, "error", f"{FIRST}/label", "label"),  # RULES O4
        (f"{FIRST}/active", 1, "error", f"{FIRST}/active", "active"),
        (f"{FIRST}/inverted", "no", "warning", f"{FIRST}/inverted", "inverted"),
    ],
)
def test_one_broken_place_is_one_finding(at, value, severity, pointer, word) -> None:
    assert_one_fault(with_change(IMAGE_05, at, value), severity, pointer, word)


@pytest.mark.parametrize("key", ["color", "window"])
def test_only_the_older_schema_knows_what_the_text_demands(key) -> None:
    later = with_change(IMAGE_05, f"{FIRST}/{key}", GONE)
    assert faults(later, "schema") == []
    older = with_change(IMAGE_04, f"/omero/channels/0/{key}", GONE)
    assert_one_fault(older, "error", "/omero/channels/0", key, "schema")


def test_no_schema_knows_how_a_color_is_written() -> None:
    document = with_change(IMAGE_04, "/omero/channels/0/color", "blue")
    assert faults(document, "schema") == []


def test_rendering_without_an_image_is_a_warning() -> None:
    document = with_change(WELL_05, HERE, {"channels": "broken"})
    assert faults(document, "schema") == []
    assert_one_fault(document, "warning", HERE, "image")
