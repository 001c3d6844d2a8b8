"""What plates, wells and collections say when a member is added."""

from __future__ import annotations

import pickle

import pytest

from xarray_omezarr.errors import MetadataError, PlateError, TargetExistsError
from xarray_omezarr.ngff.bioformats2raw import Bioformats2Raw, Series
from xarray_omezarr.ngff.plate import (
    Acquisition,
    Field,
    Plate,
    PlateWell,
    Row,
    Well,
    check_plate,
)
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.write.members import (
    AddField,
    AddWell,
    check_member,
    warn_of_member,
)
from xarray_omezarr.write.plate_spec import parse_plate
from xarray_omezarr.write.series_added import AddSeries, AsCollection

VERSION = registry.get(registry.DEFAULT)


def added(plate, path, acquisition=None, well=None, **options):
    row, column, name = path.split("/")
    member = AddField(name, acquisition)
    member(well)
    revise = AddWell(row, column, member, **options)
    revised = revise(plate)
    assert check_plate(revised) == []
    return revised


def indices(plate):
    return {w.path: (w.row_index, w.column_index) for w in plate.wells}


def test_a_new_plate_declares_what_lies_before_its_first_well() -> None:
    plate = added(None, "C/3/0", name="screen")
    assert plate.row_names == ("A", "B", "C")
    assert plate.column_names == ("1", "2", "3")
    assert indices(plate) == {"C/3": (2, 2)}
    assert (plate.name, plate.field_count) == ("screen", 1)


def test_rows_that_come_before_others_move_the_wells_of_these() -> None:
    sparse = Plate.of(["B/2", "D/4"])
    plate = added(sparse, "A/3/0")
    # A plate that declares only what it uses goes on so.
    assert plate.row_names == ("A", "B", "D")
    assert plate.column_names == ("2", "3", "4")
    assert indices(plate) == {"A/3": (0, 1), "B/2": (1, 0), "D/4": (2, 2)}
    assert [well.path for well in plate.wells] == ["A/3", "B/2", "D/4"]


def test_natural_order_holds() -> None:
    plate = added(added(added(None, "A/10/0"), "A/2/0"), "AA/1/0")
    assert [well.path for well in plate.wells] == ["A/2", "A/10", "AA/1"]
    assert plate.row_names[-2:] == ("Z", "AA")


def test_rows_of_others_in_an_order_of_their_own_stay_in_it() -> None:
    odd = Plate.of(["C/2", "A/1"], rows=["C", "A"], columns=["2", "1"])
    plate = added(odd, "B/1/0")
    assert plate.row_names == ("C", "A", "B")
    assert indices(plate) == {"C/2": (0, 0), "A/1": (1, 1), "B/1": (2, 1)}
    assert [well.path for well in plate.wells] == ["C/2", "A/1", "B/1"]


def test_a_layout_declares_the_whole_plate_also_later() -> None:
    plate = added(added(None, "A/1/0"), "B/2/0", layout=96)
    assert len(plate.rows) == 8
    assert len(plate.columns) == 12
    with pytest.raises(PlateError, match="'Z'"):
        added(plate, "Z/1/0", layout=96)


def test_a_field_twice_is_listed_once() -> None:
    member = AddField("0", acquisition=2)
    well = member(Well(images=(Field(path="0", acquisition=1), Field(path="1"))))
    assert [(f.path, f.acquisition) for f in well.images] == [("0", 2), ("1", None)]


def test_fields_are_in_natural_order_where_they_were() -> None:
    ordered = Well(images=(Field(path="2"), Field(path="10")))
    assert [f.path for f in AddField("3")(ordered).images] == ["2", "3", "10"]
    other = Well(images=(Field(path="10"), Field(path="2")))
    assert [f.path for f in AddField("3")(other).images] == ["10", "2", "3"]


def test_counts_are_the_most_of_any_well() -> None:
    runs = (Acquisition(id=1, name="day 1", maximum_field_count=1),)
    plate = Plate.of(["A/1"], field_count=1, acquisitions=runs)
    fields = Well(images=(Field(path="0", acquisition=1),))
    more = added(plate, "A/1/1", acquisition=1, well=fields)
    assert more.field_count == 2
    (run,) = more.acquisitions
    assert (run.name, run.maximum_field_count) == ("day 1", 2)
    fewer = added(more, "B/1/0", acquisition=1)
    assert fewer.field_count == 2


def test_what_is_not_known_is_not_counted() -> None:
    runs = (Acquisition(id=1),)
    plate = added(Plate.of(["A/1"], acquisitions=runs), "A/2/0", acquisition=1)
    assert plate.field_count is None
    assert plate.acquisitions == runs


def test_an_acquisition_that_is_new_is_listed() -> None:
    plate = added(None, "A/1/0", acquisition=4)
    assert [run.id for run in plate.acquisitions] == [4]
    assert plate.acquisitions[0].maximum_field_count == 1


def test_unknown_keys_of_others_stay() -> None:
    plate = Plate.of(["A/1"]).model_copy(
        update={
            "rows": (Row.model_validate({"name": "A", "colour": "red"}),),
            "wells": (
                PlateWell.model_validate(
                    {"path": "A/1", "rowIndex": 0, "columnIndex": 0, "note": "x"}
                ),
            ),
        }
    )
    told = added(plate, "B/1/0").to_json()
    assert told["rows"][0] == {"name": "A", "colour": "red"}
    assert told["wells"][0]["note"] == "x"
    field = Field.model_validate({"path": "0", "note": "y"})
    assert AddField("1")(Well(images=(field,))).images[0] == field


def test_wells_that_a_given_plate_does_not_list_are_refused() -> None:
    revise = AddWell("C", "1", AddField("0"), parse_plate({"wells": ["A/1", "B/1"]}))
    with pytest.raises(PlateError, match="A/1, B/1"):
        check_member(None, revise, VERSION)


def test_a_field_without_acquisition_is_refused_where_there_are_several() -> None:
    plate = Plate.of(["A/1"], acquisitions=[Acquisition(id=1), Acquisition(id=2)])
    with pytest.raises(PlateError, match=r"\[1, 2\]; give acquisition="):
        check_member(plate, AddWell("A", "1", AddField("0")), VERSION)


def test_columns_that_differ_by_zeros_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="'1', and '01' becomes another"):
        warn_of_member(Plate.of(["A/1"]), AddWell("A", "01", AddField("0")))


def test_columns_that_hold_wells_already_do_not_become_other_ones() -> None:
    plate = Plate.of(["A/1", "B/01"])
    # Warnings are errors here.
    warn_of_member(plate, AddWell("C", "1", AddField("0")))
    warn_of_member(plate, AddWell("C", "01", AddField("0")))


@pytest.mark.parametrize("revise", [AddField("0"), AsCollection(), AddSeries("0")])
def test_another_kind_of_group_is_not_overwritten(revise) -> None:
    with pytest.raises(TargetExistsError, match="plate"):
        revise(Plate.of(["A/1"]))
    with pytest.raises(TargetExistsError, match="well"):
        AddWell("A", "1", AddField("0"))(Well(images=(Field(path="0"),)))


def test_collections_list_what_is_there_and_what_is_added() -> None:
    assert AsCollection()(None) == Bioformats2Raw()
    assert AddSeries("2", known=("0", "1"))(None).series == ("0", "1", "2")
    listed = Series(series=("b", "a"))
    assert AddSeries("c", known=("x",))(listed).series == ("b", "a", "c")
    assert AddSeries("a")(listed) is listed


def test_they_travel_together() -> None:
    member = AddField("0")
    parts = pickle.loads(pickle.dumps({"A/1": member, "": AddWell("A", "1", member)}))
    two = Well(images=(Field(path="1"), Field(path="2")))
    parts["A/1"](two)
    assert parts[""](None).field_count == 3


def listing(path, row_index, column_index):
    """A plate with rows A and B and columns 1 and 2, and one well."""
    well = PlateWell(path=path, row_index=row_index, column_index=column_index)
    return Plate.of(["A/1", "B/2"]).model_copy(update={"wells": (well,)})


@pytest.mark.parametrize("path", ["C/9", "B/12", "C/2"])
def test_wells_of_others_beyond_rows_and_columns_are_declared(path) -> None:
    plate = listing(path, 2, 8)
    with pytest.warns(UserWarning, match=f"wells {path} in rows or columns"):
        warn_of_member(plate, AddWell("A", "1", AddField("0")))
    told = added(plate, "A/1/0")
    row, column = path.split("/")
    assert {row, column} <= {*told.row_names, *told.column_names}
    assert [well.path for well in told.wells] == ["A/1", path]


def test_a_plate_that_breaks_a_must_is_told_before_a_field_is_written() -> None:
    plate = Plate.of(["A/1"]).model_copy(
        update={"rows": (Row(name="A"), Row(name="B_1"))}
    )
    with pytest.raises(MetadataError, match="row 'B_1' has other characters"):
        check_member(plate, AddWell("A", "2", AddField("0")), VERSION)


def test_a_well_that_breaks_a_must_is_told_before_a_field_is_written() -> None:
    member = AddField("1")
    member(Well(images=(Field(path="fov_0"),)))
    with pytest.raises(MetadataError, match="field 'fov_0'"):
        check_member(Plate.of(["A/1"]), AddWell("A", "1", member), VERSION)
