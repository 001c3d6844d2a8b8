"""Acquisitions: what is told of them, and how fields belong to them."""

from __future__ import annotations

import datetime

import numpy as np
import pytest

from xarray_omezarr.errors import MetadataError, OmeZarrError, OptionError, PlateError
from xarray_omezarr.ngff.plate import Acquisition
from xarray_omezarr.write.acquisitions import (
    acquisition_id,
    known_acquisition,
    parse_acquisitions,
    settle_acquisitions,
)

MAY = 1777622400  # 2026-05-01T08:00Z
FIRST = Acquisition(id=1, name="day 1")


@pytest.mark.parametrize(
    "given",
    [
        [{"id": 1, "name": "day 1"}],
        ({"id": np.int64(1), "name": "day 1", "description": None},),
        [FIRST],
        {1: "day 1"},
        {1: {"name": "day 1"}},
    ],
)
def test_they_are_given_in_several_ways(given):
    assert parse_acquisitions(given) == (FIRST,)


@pytest.mark.parametrize(
    "time",
    [
        MAY,
        float(MAY),
        np.datetime64("2026-05-01T08:00"),
        datetime.datetime(2026, 5, 1, 8),
        datetime.datetime(2026, 5, 1, 8, tzinfo=datetime.UTC),
        "2026-05-01T10:00+02:00",
    ],
)
def test_times_become_seconds_since_1970(time):
    (entry,) = parse_acquisitions([{"id": 0, "starttime": time, "end_time": time}])

    assert entry.start_time == entry.end_time == MAY


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("day 1", OptionError),
        (3, OptionError),
        ([3], OptionError),
        ([{"name": "no id"}], MetadataError),
        ([{"id": -1}], MetadataError),
        ([{"id": "1"}], MetadataError),
        ([{"id": 1}, {"id": 1}], PlateError),
        ([{"id": 1, "starttime": "soon"}], PlateError),
        ([{"id": 1, "starttime": 9, "endtime": 3}], PlateError),
    ],
)
def test_others_are_refused(given, error):
    with pytest.raises(error):
        parse_acquisitions(given)


@pytest.mark.parametrize("value", [3, 3.0, np.int8(3), np.array(3.0)])
def test_a_field_says_its_acquisition_as_a_number(value):
    assert acquisition_id(value) == 3


@pytest.mark.parametrize("value", [None, -1, np.nan, np.float32("nan")])
def test_a_field_may_say_that_it_has_none(value):
    assert acquisition_id(value) is None


@pytest.mark.parametrize("value", [2.5, -2, True, "day 1", [1]])
def test_other_values_are_refused_with_the_path_of_the_field(value):
    with pytest.raises(OmeZarrError, match=r"^A/1/0: "):
        acquisition_id(value, "A/1/0")


def test_counts_are_filled_in_with_the_most_fields_of_a_well():
    wells = {"A/1": {"0": 1, "1": 1, "2": 2}, "A/2": {"0": 2}}

    found = settle_acquisitions((FIRST, Acquisition(id=2)), wells, declared=True)

    assert [entry.maximum_field_count for entry in found] == [2, 1]


def test_ids_that_only_fields_have_are_added():
    found = settle_acquisitions((), {"A/1": {"0": 7, "1": 3}}, declared=False)

    assert [(entry.id, entry.name) for entry in found] == [(3, "3"), (7, "7")]


def test_an_acquisition_without_fields_has_no_count():
    (_, other) = settle_acquisitions(
        (FIRST, Acquisition(id=2)), {"A/1": {"0": 1}}, declared=True
    )

    assert other.maximum_field_count is None


def test_with_several_acquisitions_every_field_has_one():
    with pytest.raises(PlateError, match=r"^A/1/1, A/2/0: no acquisition is known"):
        settle_acquisitions(
            (FIRST, Acquisition(id=2)),
            {"A/1": {"0": 1, "1": None}, "A/2": {"0": None}},
            declared=True,
        )


def test_a_count_that_is_too_small_is_refused_or_made_anew_where_it_was_read():
    few = Acquisition(id=1, maximum_field_count=1)
    wells = {"A/1": {"0": 1, "1": 1}}

    with pytest.raises(PlateError, match="maximumfieldcount 1, and a well has 2"):
        settle_acquisitions((few,), wells, declared=True)
    (entry,) = settle_acquisitions((few,), wells, declared=False)
    assert entry.maximum_field_count == 2


def test_a_field_tells_its_acquisition_by_id_or_name():
    known = (FIRST, Acquisition(id=2, name="day 2"), Acquisition(id=3, name="day 2"))

    assert known_acquisition("day 1", known, "A/1/0") == 1
    assert known_acquisition(3, known, "A/1/0") == 3
    assert known_acquisition(None, known, "A/1/0") is None
    with pytest.raises(PlateError, match=r"A/1/0: .*'day 2', .*ids \[2, 3\]"):
        known_acquisition("day 2", known, "A/1/0")
    with pytest.raises(PlateError, match="A/1/0: the acquisition is 'day 9'"):
        known_acquisition("day 9", known, "A/1/0")


def test_what_is_told_of_an_acquisition_again_names_it_anew():
    known = (FIRST, Acquisition(id=1, name="monday"))

    assert known_acquisition("monday", known, "A/1/0") == 1
    with pytest.raises(PlateError, match="'day 1'"):
        known_acquisition("day 1", known, "A/1/0")
