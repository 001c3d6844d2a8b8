"""What is said of a plate as a whole, by a user or by a plate that was read."""

from __future__ import annotations

from typing import Any

import pytest

from xarray_omezarr.errors import (
    MetadataError,
    OmeZarrErrorGroup,
    OptionError,
    PlateError,
)
from xarray_omezarr.ngff.plate import Acquisition, Plate
from xarray_omezarr.write.plate_names import PlateNames
from xarray_omezarr.write.plate_spec import PlateSpec, parse_plate

USED = PlateNames(("A", "B"), ("1", "3"))
WELLS = {"A/1": {"0": None}, "B/3": {"0": None, "1": None}}


def plate(given: Any = None, known: Any = None, **more: Any) -> Plate:
    spec, kept = parse_plate(given), parse_plate(known, is_kept=True)
    names = spec.names(USED, kept, more.pop("layout", None))
    told = {"name": None, "stem": None, **more}
    return spec.plate(kept, names, WELLS, (), **told)


# What is given.
@pytest.mark.parametrize(
    "given",
    [
        {"name": "p", "rows": ["A", "B"], "columns": ["1", "2", "3"]},
        {
            "name": "p",
            "rows": [{"name": "A"}, {"name": "B"}],
            "columns": [{"name": n} for n in "123"],
        },
        {"name": "p", "rows": ("A", "B"), "columns": [1, 2, 3], "version": "0.4"},
    ],
)
def test_rows_and_columns_are_names_or_as_the_standard_has_them(given) -> None:
    found = plate(given)
    assert found.name == "p"
    assert [row.name for row in found.rows] == ["A", "B"]
    assert [column.name for column in found.columns] == ["1", "2", "3"]
    places = [(w.path, w.row_index, w.column_index) for w in found.wells]
    assert places == [("A/1", 0, 0), ("B/3", 1, 2)]


def test_a_plate_says_itself() -> None:
    made = plate({"name": "p", "lab": 7})
    assert parse_plate(made) == PlateSpec(
        name="p",
        rows=("A", "B"),
        columns=("1", "2", "3"),
        wells={"A/1": (0, 0), "B/3": (1, 2)},
        field_count=2,
        further={"lab": 7},
    )


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("fieldcount", "field_count"),
        ("fieldCount", "field_count"),
        ("field-count", "field_count"),
        ("Name", "name"),
        ("coloumns", "columns"),
        ("colums", "columns"),
        ("aquisitions", "acquisitions"),
        ("well", "wells"),
    ],
)
def test_a_key_that_is_spelled_nearly_as_one_of_the_standard_is_refused(
    key, meant
) -> None:
    with pytest.raises(OptionError, match=f"{key!r}.*{meant!r}"):
        parse_plate({key: 3})
    # Of a plate that was read it is what somebody has stored.
    assert parse_plate({key: 3}, is_kept=True).further == {key: 3}


@pytest.mark.parametrize("key", ["lab", "barcode", "comment", "vendor", "id"])
def test_keys_of_one_s_own_are_kept(key) -> None:
    assert parse_plate({key: [1, {"a": None}]}).further == {key: [1, {"a": None}]}


@pytest.mark.parametrize(
    ("given", "kind", "said"),
    [
        (["A"], OptionError, "give a mapping"),
        ({"name": 7}, PlateError, "the name 7"),
        ({"field_count": 0}, PlateError, "field_count 0"),
        ({"field_count": True}, PlateError, "field_count True"),
        ({"field_count": 1.5}, PlateError, "field_count 1.5"),
        ({"lab": object()}, MetadataError, "'lab'"),
        ({"wells": ["A1"]}, PlateError, "'A1'"),
        ({"wells": ["A/1", {"path": "A/1"}]}, PlateError, "more than once"),
        ({"wells": [3]}, PlateError, "lists well 3"),
    ],
)
def test_what_is_no_plate_is_refused(given, kind, said) -> None:
    with pytest.raises(kind, match=said):
        parse_plate(given)


def test_all_that_is_wrong_is_said_together() -> None:
    with pytest.raises(OmeZarrErrorGroup) as caught:
        parse_plate({"name": 7, "field_count": 0, "fieldcount": 2})
    assert len(caught.value.exceptions) == 3


# What came along.
def test_what_is_given_wins_over_what_came_along() -> None:
    known = {"name": "old", "field_count": 9, "lab": 1, "note": "x"}
    found = plate({"name": "new", "lab": 2}, known)
    assert (found.name, found.field_count) == ("new", 9)
    assert found.model_extra == {"lab": 2, "note": "x"}
    assert plate(None, known).name == "old"
    assert plate(None, {"name": "old"}, name="option").name == "option"
    assert plate(None, None, stem="file").name == "file"


def test_rows_and_columns_that_came_along_stay_where_they_hold_those_used() -> None:
    known = {"rows": list("ABCDEFGH"), "columns": [str(n) for n in range(1, 13)]}
    assert len(plate(None, known).rows) == 8
    assert len(plate(None, known).columns) == 12
    # Another row is filled up to; nothing that was declared goes.
    few = {"rows": ["A"], "columns": ["1", "2"]}
    found = plate(None, few)
    assert [row.name for row in found.rows] == ["A", "B"]
    assert [column.name for column in found.columns] == ["1", "2", "3"]


def test_a_count_of_fields_that_came_along_is_made_anew_and_one_given_is_refused() -> (
    None
):
    assert plate(None, {"field_count": 1}).field_count == 2
    assert plate({"field_count": 4}).field_count == 4
    with pytest.raises(PlateError, match="field_count 1, and a well has 2"):
        plate({"field_count": 1})


# What contradicts the tree.
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"wells": ["A/1"]}, "The tree has the wells B/3"),
        ({"wells": ["A/1", "B/3", "A/3"]}, "plate lists the wells A/3"),
        (
            {
                "wells": [
                    "A/1",
                    {"path": "B/3", "rowIndex": 0, "columnIndex": 2},
                ]
            },
            r"well B/3 the indices \(0, 2\), .* are \(1, 2\)",
        ),
    ],
)
def test_wells_that_are_not_those_of_the_tree_are_refused(given, said) -> None:
    with pytest.raises(PlateError, match=said):
        plate(given)


def test_two_names_and_two_declarations_are_refused() -> None:
    with pytest.raises(PlateError, match="name is 'a', and plate has the name 'b'"):
        plate({"name": "b"}, name="a")
    assert plate({"name": "b"}, name="b").name == "b"
    with pytest.raises(OptionError, match="layout is 96"):
        plate({"rows": ["A", "B"]}, layout=96)


def test_acquisitions_are_parsed() -> None:
    assert parse_plate({"acquisitions": [{"id": 2}]}).acquisitions == (
        Acquisition(id=2),
    )
