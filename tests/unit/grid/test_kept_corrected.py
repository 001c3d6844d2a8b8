"""What is kept beside an image follows a correction."""

from __future__ import annotations

import pytest

from xarray_omezarr.errors import CoordinateError
from xarray_omezarr.grid.correction import AxisChange
from xarray_omezarr.grid.kept_corrected import KeptChange, correct_kept


def kept(**coords: object) -> dict[str, object]:
    return {"mine": 1, "xarray": {"version": 1, "coords": coords}}


def corrected(change: KeptChange, **coords: object) -> dict[str, object]:
    attrs, lost = correct_kept(kept(**coords), change)
    assert not lost
    found: dict[str, object] = attrs["xarray"]["coords"]
    return found


TWICE = {"t": AxisChange(1.0, 0.0, 2.0, 0.0, "second", "second")}


def test_numbers_move_and_attributes_stay() -> None:
    entry = {
        "dims": ["t"],
        "dtype": "<i8",
        "values": [0, 1, 4],
        "attrs": {"note": "a", "units": "second"},
    }
    found = corrected(KeptChange(TWICE), t=entry)
    assert found["t"] == {
        "dims": ["t"],
        "dtype": "<f8",
        "values": [0.0, 2.0, 8.0],
        "attrs": {"note": "a"},
    }
    assert entry["values"] == [0, 1, 4]


def test_an_epoch_stays_and_its_unit_follows() -> None:
    change = {"t": AxisChange(1.0, 0.0, 1.0, 0.0, "second", "minute")}
    entry = {
        "dims": ["t"],
        "dtype": "<f8",
        "values": [0.0, 1.5],
        "attrs": {"units": "seconds since 2020-01-01"},
    }
    found = corrected(KeptChange(change), t=entry)
    assert found["t"]["attrs"] == {"units": "minutes since 2020-01-01"}
    assert found["t"]["values"] == [0.0, 1.5]


def test_values_in_a_unit_of_their_own_become_those_of_the_axis() -> None:
    change = {"x": AxisChange(1.0, 0.0, 3.0, 0.0, "micrometer", "micrometer")}
    entry = {
        "dims": ["x"],
        "dtype": "<f8",
        "values": [0.0, 1000.0, 2500.0],
        "attrs": {"units": "nanometer"},
    }
    found = corrected(KeptChange(change), x=entry)
    assert found["x"] == {"dims": ["x"], "dtype": "<f8", "values": [0.0, 3.0, 7.5]}


def test_dates_grow_with_the_unit() -> None:
    change = {"t": AxisChange(1.0, 0.0, 1.0, 0.0, "second", "minute")}
    entry = {"dims": ["t"], "dtype": "<M8[s]", "values": [100, 101, 103]}
    found = corrected(KeptChange(change), t=entry)
    assert found["t"]["values"] == [100, 160, 280]
    assert found["t"]["dtype"] == "<M8[s]"


def test_dates_move_with_their_axis() -> None:
    change = {"t": AxisChange(1.0, 0.0, 0.5, 3.0, "second", "second")}
    entry = {"dims": ["t"], "dtype": "<M8[ms]", "values": [1000, 2000, 5000]}
    found = corrected(KeptChange(change), t=entry)
    assert found["t"]["values"] == [4000, 4500, 6000]


def test_dates_get_finer_ticks_where_theirs_are_too_coarse() -> None:
    change = {"t": AxisChange(10.0, 0.0, 10.0, 0.0, "second", "millisecond")}
    entry = {"dims": ["t"], "dtype": "<M8[s]", "values": [100, 110, 130]}
    found = corrected(KeptChange(change), t=entry)
    assert found["t"]["dtype"] == "<M8[ms]"
    assert found["t"]["values"] == [100_000, 100_010, 100_030]


def test_dates_that_no_tick_tells_exactly_are_told_in_nanoseconds() -> None:
    change = {"t": AxisChange(3.0, 0.0, 1.0, 0.0, "second", "second")}
    entry = {"dims": ["t"], "dtype": "<m8[s]", "values": [0, 1, 3]}
    found = corrected(KeptChange(change), t=entry)
    assert found["t"]["dtype"] == "<m8[ns]"
    assert found["t"]["values"] == [0, 333_333_333, 1_000_000_000]


def test_dates_beyond_nanoseconds_get_the_finest_ticks_that_reach() -> None:
    change = {"t": AxisChange(3.0, 0.0, 1.0, 0.0, "second", "second")}
    entry = {"dims": ["t"], "dtype": "<M8[s]", "values": [10**11, 10**11 + 1]}
    found = corrected(KeptChange(change), t=entry)
    assert found["t"]["dtype"] == "<M8[us]"
    assert found["t"]["values"] == [10**17, 10**17 + 333_333]


def test_dates_that_would_lie_beyond_all_ticks_are_refused() -> None:
    change = {"t": AxisChange(1.0, 0.0, 1e30, 0.0, "second", "second")}
    entry = {"dims": ["t"], "dtype": "<M8[s]", "values": [0, 1]}
    with pytest.raises(CoordinateError, match="do not reach"):
        corrected(KeptChange(change), t=entry)


def test_other_axes_and_coordinates_stay() -> None:
    others = {
        "x": {"dims": ["x"], "dtype": "<f8", "values": [1.0]},
        "stage": {"dims": ["t", "x"], "dtype": "<f8", "values": [[1.0]]},
        "t_label": {"dims": ["t"], "dtype": "str", "values": ["a"]},
        "y": {"attrs": {"note": 1}},
    }
    assert corrected(KeptChange(TWICE), **others) == others


def test_values_in_an_array_are_forgotten_and_named() -> None:
    entry = {"dims": ["t"], "dtype": "<f8", "array": "t", "attrs": {"note": 1}}
    attrs, lost = correct_kept(kept(t=entry), KeptChange(TWICE))
    assert lost == ["t"]
    assert attrs["xarray"]["coords"] == {"t": {"attrs": {"note": 1}}}


def test_a_name_that_others_gave_stays() -> None:
    for own, expected in (("old", "new"), ("mine", "mine")):
        encoded = {"version": 1, "attrs": {"long_name": own}}
        attrs, _ = correct_kept({"xarray": encoded}, KeptChange(names=("old", "new")))
        assert attrs["xarray"]["attrs"] == {"long_name": expected}


def test_what_is_not_ours_stays() -> None:
    for value in ("text", {"version": 99, "coords": {"t": 1}}, None, [1]):
        attrs = {"xarray": value}
        assert correct_kept(attrs, KeptChange(TWICE)) == (attrs, [])
