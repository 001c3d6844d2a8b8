"""Plates and wells: what they hold, and what may not be written."""

from __future__ import annotations

import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff import (
    Acquisition,
    Column,
    Field,
    Plate,
    PlateWell,
    Row,
    Well,
)
from xarray_omezarr.ngff.plate import check_plate, check_well

PLATE = Plate.of(["A/1", "B/3"], rows="ABC", columns=["1", "2", "3"], name="screen")


def changed(**fields: object) -> Plate:
    return PLATE.model_copy(update=fields)


class TestOfWells:
    def test_indices_are_the_places_of_their_row_and_column(self) -> None:
        assert PLATE == Plate(
            name="screen",
            rows=(Row(name="A"), Row(name="B"), Row(name="C")),
            columns=(Column(name="1"), Column(name="2"), Column(name="3")),
            wells=(
                PlateWell(path="A/1", row_index=0, column_index=0),
                PlateWell(path="B/3", row_index=1, column_index=2),
            ),
        )

    def test_rows_and_columns_that_are_not_told_are_those_of_the_wells(self) -> None:
        plate = Plate.of(["B/2", "A/2", "B/10"])
        assert plate.row_names == ("B", "A")
        assert plate.column_names == ("2", "10")
        assert check_plate(plate) == []

    @pytest.mark.parametrize("path", ["D/1", "A/4", "A", "A/1/0"])
    def test_a_well_of_no_row_or_column_is_refused(self, path: str) -> None:
        with pytest.raises(MetadataError, match=rf"Wells \['{path}'\] are in no row"):
            Plate.of(["A/1", path], rows="ABC", columns="123")


def test_the_json_of_a_plate_has_the_words_of_the_standard() -> None:
    plate = changed(
        wells=(PlateWell(path="B/3", row_index=1, column_index=2),),
        acquisitions=(
            Acquisition(
                id=0, name="a", maximum_field_count=2, start_time=5, end_time=6
            ),
        ),
        field_count=4,
        bioformats2raw_layout=3,
    )
    assert plate.to_json() == {
        "name": "screen",
        "rows": [{"name": "A"}, {"name": "B"}, {"name": "C"}],
        "columns": [{"name": "1"}, {"name": "2"}, {"name": "3"}],
        "wells": [{"path": "B/3", "rowIndex": 1, "columnIndex": 2}],
        "acquisitions": [
            {
                "id": 0,
                "name": "a",
                "maximumfieldcount": 2,
                "starttime": 5,
                "endtime": 6,
            }
        ],
        "field_count": 4,
        "bioformats2raw.layout": 3,
    }
    assert Plate.model_validate(plate.to_json()) == plate


@pytest.mark.parametrize(
    ("model", "json"),
    [
        (Acquisition, {"id": -1}),
        (Acquisition, {"id": "0"}),
        (Acquisition, {"id": 0, "maximumfieldcount": 0}),
        (Acquisition, {"id": 0, "starttime": -1}),
        (Acquisition, {"id": 0, "endtime": 1.5}),
        (PlateWell, {"path": "A/1", "rowIndex": -1, "columnIndex": 0}),
        (PlateWell, {"path": "A/1", "rowIndex": 0}),
        (PlateWell, {"path": "../A/1", "rowIndex": 0, "columnIndex": 0}),
        (Row, {"name": ""}),
        (Row, {}),
        (Field, {"path": "../0"}),
        (Field, {"path": "0", "acquisition": "first"}),
    ],
)
def test_impossible_values_are_refused(model: type[Row], json: object) -> None:
    with pytest.raises(MetadataError, match="/"):
        model.model_validate(json)


def test_a_plate_tells_what_it_holds() -> None:
    assert PLATE.summary() == "plate 'screen', 3 rows, 3 columns, 2 wells"
    runs = (Acquisition(id=1), Acquisition(id=4))
    assert changed(acquisitions=runs).summary().endswith("acquisitions [1, 4]")
    assert Well(images=(Field(path="0"),)).summary() == "well, 1 field"


class TestChecking:
    def test_a_good_plate_has_no_problems(self) -> None:
        assert check_plate(PLATE) == []

    def test_rows_that_differ_in_case_only_are_two_rows(self) -> None:
        assert check_plate(Plate.of(["a/1", "A/1"])) == []

    @pytest.mark.parametrize(
        ("fields", "problem"),
        [
            ({"rows": ()}, "the plate has no rows"),
            ({"columns": ()}, "the plate has no columns"),
            ({"wells": ()}, "the plate has no wells"),
            (
                {"rows": tuple(Row(name=n) for n in ("A", "B", "B"))},
                r"several rows are called \['B'\]",
            ),
            (
                {"rows": (*PLATE.rows, Row(name="C", note="another object"))},
                r"several rows are called \['C'\]",
            ),
            ({"columns": (*PLATE.columns, Column(name="4-5"))}, "column '4-5' has"),
            ({"wells": PLATE.wells * 2}, r"wells has \['A/1', 'B/3'\] several"),
            (
                {"wells": (PlateWell(path="A1", row_index=0, column_index=0),)},
                "well 'A1' is not row/column",
            ),
            (
                {"wells": (PlateWell(path="A/1/0", row_index=0, column_index=0),)},
                "well 'A/1/0' is not row/column",
            ),
            (
                {"wells": (PlateWell(path="1/A", row_index=0, column_index=0),)},
                "which are row 'A' and column '1'",
            ),
            (
                {"wells": (PlateWell(path="A/1", row_index=0, column_index=1),)},
                "which are row 'A' and column '2'",
            ),
            (
                {"wells": (PlateWell(path="A/1", row_index=9, column_index=0),)},
                "which are row None and column '1'",
            ),
            (
                {"acquisitions": (Acquisition(id=1), Acquisition(id=1, name="b"))},
                r"several acquisitions have the ids \[1\]",
            ),
            ({"bioformats2raw_layout": 2}, "bioformats2raw.layout is 2: give 3"),
        ],
    )
    def test_broken_rules_are_told(
        self, fields: dict[str, object], problem: str
    ) -> None:
        problems = " | ".join(check_plate(changed(**fields)))
        with pytest.raises(AssertionError, match=problem):
            raise AssertionError(problems)

    def test_every_broken_rule_of_a_well_is_told(self) -> None:
        well = Well(images=(Field(path="0_a"), Field(path="1"), Field(path="1")))
        assert check_well(well) == [
            "field '0_a' has other characters than A-Z, a-z and 0-9: rename it",
            "several fields are called ['1']: name each field once",
        ]

    def test_a_well_has_fields(self) -> None:
        problem = "the well has no fields: give one at least"
        assert check_well(Well(images=())) == [problem]

    def test_acquisitions_are_those_of_the_plate(self) -> None:
        well = Well(images=(Field(path="0"), Field(path="1", acquisition=2)))
        assert check_well(well) == []
        assert check_well(well, [2]) == []
        assert check_well(well, [1, 2]) == [
            "field '0' has no acquisition, and the plate lists [1, 2]: give one of them"
        ]
        assert check_well(well, []) == [
            "field '1' has acquisition 2, and the plate lists []: give one of them"
        ]
