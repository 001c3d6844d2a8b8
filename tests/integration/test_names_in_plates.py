"""Wells and acquisitions are called the same wherever they are named."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo

FIELD = xr.DataArray(np.ones((8, 8), "uint16"), dims=("y", "x"))


def wells(*names: str) -> xr.DataArray:
    return FIELD.expand_dims(well=list(names))


def test_wells_that_are_one_to_people_are_warned_of_in_every_form() -> None:
    fields = {"A/1/0": FIELD, "A/01/0": FIELD}
    for plate in (fields, wells("A1", "A01")):
        with pytest.warns(xo.OmeZarrWarning, match="columns '1' and '01'|'01' and '1'"):
            xo.plan_plate(plate)
    store = MemoryStore()
    xo.write_plate({"A/1/0": FIELD}, store)
    with pytest.warns(xo.OmeZarrWarning, match="'01' becomes another"):
        FIELD.omezarr.to_field(store, "A/01/0")


@pytest.mark.parametrize("name", ["B3", "B03", "b3", "B/3", "B/03"])
def test_wells_to_open_are_spelled_as_in_a_plate_map(name) -> None:
    store = MemoryStore()
    xo.write_plate({"A/1/0": FIELD, "B/3/0": FIELD}, store, plate_map={name: {"d": 1}})
    tree = xr.open_datatree(store, engine="omezarr", wells=[name])
    assert [*tree.children] == ["B"]
    assert tree.attrs["plate_map"] == {"B/3": {"d": 1}}


def test_of_wells_that_are_one_to_people_the_one_spelled_so_is_opened() -> None:
    store = MemoryStore()
    with pytest.warns(xo.OmeZarrWarning, match="same number"):
        xo.write_plate({"A/1/0": FIELD, "A/01/0": FIELD}, store)
    for name, column in (("A1", "1"), ("A01", "01"), ("A/01", "01")):
        tree = xr.open_datatree(store, engine="omezarr", wells=[name])
        assert [*tree["A"].children] == [column]
    with pytest.raises(xo.OptionError, match=r"'A001' may be each of.*'A/01'.*spell"):
        xr.open_datatree(store, engine="omezarr", wells=["A001"])


def test_a_field_of_a_well_that_is_there_is_not_said_to_make_another() -> None:
    store = MemoryStore()
    xo.write_plate({"A/2/0": FIELD}, store)
    with pytest.warns(xo.OmeZarrWarning, match="'02' becomes another"):
        FIELD.omezarr.to_field(store, "A/02/0")
    FIELD.omezarr.to_field(store, "A/2/1")
    FIELD.omezarr.to_field(store, "A/02/1")


def test_what_is_refused_is_not_said_to_be_added() -> None:
    store = MemoryStore()
    fields = {f"A/1/{n}": FIELD.assign_coords(acquisition=n) for n in (0, 1)}
    xo.write_plate(fields, store, acquisitions={0: "a", 1: "b"}, layout=96)
    # A warning would be an error of another kind.
    with pytest.raises(xo.PlateError, match="give acquisition="):
        FIELD.omezarr.to_field(store, "Z/99/0")


@pytest.mark.parametrize("name", ["B_3", "B.3", "3B", "B"])
def test_what_names_no_well_is_refused_everywhere(name) -> None:
    store = MemoryStore()
    with pytest.raises(xo.OmeZarrError, match=f"{name!r}"):
        xo.write_plate({"B/3/0": FIELD}, store, plate_map={name: {"d": 1}})
    with pytest.raises(xo.PlateError) as caught:
        xo.write_plate(wells("A1", name), store)
    assert f": {name!r};" in str(caught.value)
    xo.write_plate({"B/3/0": FIELD}, store)
    with pytest.raises(xo.OptionError, match=name):
        xr.open_datatree(store, engine="omezarr", wells=[name])


def test_an_array_that_does_not_fit_a_layout_is_not_called_a_tree() -> None:
    with pytest.raises(xo.PlateError, match="Fields are in the columns '1'"):
        xo.plan_plate(wells("A1", "B03", "H12"), layout=96)


def test_acquisitions_that_nobody_declared_are_warned_of() -> None:
    fields = {f"A/1/{n}": FIELD.assign_coords(acquisition=n) for n in (0, 1)}
    with pytest.warns(xo.OmeZarrWarning, match=r"acquisitions \[1\].*are \[0\]"):
        xo.plan_plate(fields, acquisitions={0: "first"})
    store = MemoryStore()
    xo.write_plate(fields, store, acquisitions={0: "first", 1: "second"})
    with pytest.warns(xo.OmeZarrWarning, match=r"acquisitions \[5\].*are \[0, 1\]"):
        FIELD.omezarr.to_field(store, "A/1/2", acquisition=5)


def test_a_well_outside_a_declared_layout_is_warned_of() -> None:
    store = MemoryStore()
    xo.write_plate({"A/1/0": FIELD}, store, layout=96)
    with pytest.warns(xo.OmeZarrWarning, match="Z/1 is outside .* rows A to H"):
        FIELD.omezarr.to_field(store, "Z/1/0")
    grown = MemoryStore()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for row in "ABC":
            for column in range(1, 5):
                FIELD.omezarr.to_field(grown, f"{row}/{column}/0")
