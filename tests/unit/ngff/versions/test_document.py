"""Places in a document know their way."""

from __future__ import annotations

import pytest

from xarray_omezarr.errors import MetadataError, OmeZarrWarning
from xarray_omezarr.ngff import Level
from xarray_omezarr.ngff.versions.document import Place

DOCUMENT = {"a/b": [{"c": 1}, {"c": "long" * 50}], "empty": [], "levels": 1, "q": 2}


def test_a_place_is_found_by_keys_and_items() -> None:
    first, second = Place(DOCUMENT)["a/b"].items()
    assert (first["c"].value, first["c"].pointer) == (1, "/a~1b/0/c")
    assert second["c"].pointer == "/a~1b/1/c"


def test_what_is_not_there_is_none_and_keeps_its_pointer() -> None:
    place = Place(DOCUMENT, "/ome")["nothing"]
    assert (place.value, place.pointer) == (None, "/ome/nothing")
    assert str(place.error("give a list")) == "/ome/nothing is missing: give a list"


@pytest.mark.parametrize("key", ["levels", "nothing"])
def test_an_object_and_a_list_are_demanded_where_they_are_needed(key: str) -> None:
    with pytest.raises(MetadataError, match=f"/{key} is .*: give an object"):
        Place(DOCUMENT)[key]["c"]
    with pytest.raises(MetadataError, match=f"/{key} is .*: give a list"):
        list(Place(DOCUMENT)[key].items())


def test_text_is_no_list() -> None:
    with pytest.raises(MetadataError, match="/ is 'abc': give a list"):
        list(Place("abc").items())


def test_a_list_that_is_empty_has_no_entries() -> None:
    assert list(Place(DOCUMENT)["empty"].items()) == []
    with pytest.raises(MetadataError, match=r"/empty is .*: give at least one entry"):
        list(Place(DOCUMENT)["empty"].entries())


def test_unknown_members_are_those_that_neither_version_nor_model_know() -> None:
    place = Place({"path": "0", "transformation": 1, "other": {"x": None}})
    assert place.unknown(frozenset({"path"}), Level) == {"other": {"x": None}}
    (note,) = place.notes
    assert note.startswith("/transformation has no meaning in this version")


def test_notes_of_all_places_come_in_one_warning() -> None:
    document = Place(DOCUMENT)
    for item in document["a/b"].items():
        item["c"].note("is odd")
    with pytest.warns(OmeZarrWarning) as caught:
        document.warn()
    (warning,) = caught
    lines = str(warning.message).splitlines()
    assert lines[1] == "- /a~1b/0/c is odd (it is 1)"
    assert lines[2].startswith("- /a~1b/1/c is odd (it is 'longlong")
    assert len(lines) == 3


def test_without_notes_there_is_no_warning() -> None:
    Place(DOCUMENT).warn()
