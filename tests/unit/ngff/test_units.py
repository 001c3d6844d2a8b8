"""The units of the standard, held against an independent register of units."""

from __future__ import annotations

import pint
import pytest

from xarray_omezarr.ngff.units import SPACE_UNITS, TIME_UNITS

REGISTRY = pint.UnitRegistry()


def test_there_are_as_many_as_in_the_standard() -> None:
    assert (len(SPACE_UNITS), len(TIME_UNITS)) == (26, 23)


@pytest.mark.parametrize("name", sorted(SPACE_UNITS))
def test_space_units_are_lengths_under_their_full_name(name: str) -> None:
    unit = REGISTRY.Unit(name)
    assert unit.dimensionality == {"[length]": 1}
    assert str(unit) == name


@pytest.mark.parametrize("name", sorted(TIME_UNITS))
def test_time_units_are_durations_under_their_full_name(name: str) -> None:
    unit = REGISTRY.Unit(name)
    assert unit.dimensionality == {"[time]": 1}
    assert str(unit) == name


@pytest.mark.parametrize("name", ["micron", "um", "µm", "pixel", "week", "decameter"])
def test_names_that_are_often_written_but_not_listed_are_not_in(name: str) -> None:
    assert name not in SPACE_UNITS | TIME_UNITS
