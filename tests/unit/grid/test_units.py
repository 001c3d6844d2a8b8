"""Units in the spellings that people and programs use."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pint
import pytest

from xarray_omezarr.errors import OmeZarrWarning, UnitError
from xarray_omezarr.grid.units import (
    conversion_factor,
    split_quantity,
    standard_unit,
)
from xarray_omezarr.ngff.units import SPACE_UNITS, TIME_UNITS


def space(unit: object) -> str | None:
    return standard_unit(unit, axis_type="space", dim="x")


def time(unit: object) -> str | None:
    return standard_unit(unit, axis_type="time", dim="t")


class TestNames:
    @pytest.mark.parametrize("name", sorted(SPACE_UNITS))
    def test_lengths_of_the_standard_are_themselves(self, name: str) -> None:
        plurals = {"foot": "feet", "inch": "inches"}
        assert space(name) == name
        assert space(plurals.get(name, f"{name}s")) == name

    @pytest.mark.parametrize("name", sorted(TIME_UNITS))
    def test_times_of_the_standard_are_themselves(self, name: str) -> None:
        assert time(name) == name
        assert time(f"{name}s") == name

    @pytest.mark.parametrize("name", sorted(SPACE_UNITS | TIME_UNITS))
    def test_pint_spells_them_as_the_standard_does(self, name: str) -> None:
        unit = pint.get_application_registry().Unit(name)
        read = time if name in TIME_UNITS else space
        assert read(unit) == name
        assert read(f"{unit:~}") == name

    @pytest.mark.parametrize(
        ("spelling", "name"),
        [
            ("um", "micrometer"),
            ("µm", "micrometer"),  # U+00B5, micro sign
            ("μm", "micrometer"),  # U+03BC, Greek mu
            (r"\u00B5m", "micrometer"),  # as ImageJ stores it
            ("micron", "micrometer"),
            ("microns", "micrometer"),
            ("Microns", "micrometer"),
            ("Micrometer", "micrometer"),
            ("MICROMETERS", "micrometer"),
            ("micrometre", "micrometer"),
            (" um ", "micrometer"),
            (b"um", "micrometer"),
            ("nm", "nanometer"),
            ("mm", "millimeter"),
            ("Mm", "megameter"),
            ("cm", "centimeter"),
            ("m", "meter"),
            ("A", "angstrom"),
            ("Å", "angstrom"),  # U+00C5, letter
            ("\u212b", "angstrom"),  # Angstrom sign
            ("Angstrom", "angstrom"),
            ("in", "inch"),
            ("ft", "foot"),
        ],
    )
    def test_lengths_in_other_spellings(self, spelling: object, name: str) -> None:
        assert space(spelling) == name

    @pytest.mark.parametrize(
        ("spelling", "name"),
        [
            ("s", "second"),
            ("sec", "second"),
            ("secs", "second"),
            ("Seconds", "second"),
            ("ms", "millisecond"),
            ("msec", "millisecond"),
            ("us", "microsecond"),
            ("µs", "microsecond"),
            ("min", "minute"),
            ("mins", "minute"),
            ("h", "hour"),
            ("hr", "hour"),
            ("d", "day"),
            ("as", "attosecond"),
            ("seconds since 1970-01-01", "second"),
            ("days since 2000-01-01 00:00:00", "day"),
            ("ms since the start", "millisecond"),
        ],
    )
    def test_times_in_other_spellings(self, spelling: object, name: str) -> None:
        assert time(spelling) == name

    @pytest.mark.parametrize(
        "word",
        [
            *("", " ", "-", "1", 1, None, "none", "unit", "a.u.", "dimensionless"),
            *("px", "Pixel", "pixels", "voxels", "index", "frame"),
        ],
    )
    def test_words_for_no_unit(self, word: object) -> None:
        assert space(word) is None
        assert time(word) is None

    @pytest.mark.parametrize("word", ["micrometer", "nonsense", "degree", ""])
    def test_channels_have_no_unit(self, word: str) -> None:
        assert standard_unit(word, axis_type="channel", dim="c") is None


class TestPint:
    def test_a_quantity_is_its_unit(self) -> None:
        registry = pint.get_application_registry()
        assert space(registry.Quantity(np.arange(3.0), "um")) == "micrometer"

    def test_a_unit_of_another_registry_is_understood(self) -> None:
        assert space(pint.UnitRegistry().Unit("um")) == "micrometer"

    def test_the_format_of_the_registry_does_not_matter(self) -> None:
        registry = pint.UnitRegistry()
        registry.formatter.default_format = "~P"
        assert str(registry.Unit("um")) != "micrometer"
        assert space(registry.Unit("um")) == "micrometer"

    @pytest.mark.parametrize("unit", ["pixel", "dimensionless", "css_pixel"])
    def test_counted_is_not_measured(self, unit: str) -> None:
        assert space(pint.get_application_registry().Unit(unit)) is None


class TestRefused:
    @pytest.mark.parametrize(
        ("unit", "said"),
        [
            ("furlong", r"1 furlong = 201\.168\d* meter.*'units'\] = 'meter'"),
            ("light_year", r"1 light_year = 9\.46\d*e\+15 meter"),
            ("blink", r"Unit 'blink' of 'x' is not known.*'micrometer'"),
            ("MM", "if it is millimeter"),
            ("UM", "if it is micrometer"),
            ("s", "is no length.*axis of space"),
            ("degree", "is no length"),
            ("degrees_north", "is not known"),
            ("um/pixel", "is no length"),
            ("seconds since 2000-01-01", "is not known"),
        ],
    )
    def test_for_space_with_the_remedy(self, unit: str, said: str) -> None:
        with pytest.raises(UnitError, match=said):
            space(unit)

    @pytest.mark.parametrize(
        ("unit", "said"),
        [
            ("week", "1 week = 604800 second.*'units'.*'second'"),
            ("years since 1900-01-01", "is not in the standard's list"),
            ("um", "is no time.*axis of time"),
            ("blink", "Unit 'blink' of 't' is not known"),
            ("MS", "if it is millisecond"),
        ],
    )
    def test_for_time_with_the_remedy(self, unit: str, said: str) -> None:
        with pytest.raises(UnitError, match=said):
            time(unit)

    def test_megamolar_is_never_a_millimeter(self) -> None:
        # pint reads MM as megamolar; folding the case would make it mm.
        with pytest.raises(UnitError):
            space("MM")


class TestCustomAxes:
    @pytest.mark.parametrize(
        ("unit", "kept"), [("deg", "degree"), ("Hz", "hertz"), ("week", "week")]
    )
    def test_other_units_are_kept_with_a_warning(self, unit: str, kept: str) -> None:
        with pytest.warns(OmeZarrWarning, match=f"'{kept}' of 'angle'"):
            assert standard_unit(unit, axis_type="angle", dim="angle") == kept

    @pytest.mark.parametrize(
        ("unit", "name"), [("nm", "nanometer"), ("s", "second"), ("px", None)]
    )
    def test_units_of_the_standard_are_kept_without(
        self, unit: str, name: str | None
    ) -> None:
        assert standard_unit(unit, axis_type="lambda", dim="lambda") == name

    def test_nonsense_is_refused(self) -> None:
        with pytest.raises(UnitError, match="'blink' of 'angle' is not known"):
            standard_unit("blink", axis_type="angle", dim="angle")


class TestSplitQuantity:
    def test_a_quantity_is_split(self) -> None:
        registry = pint.get_application_registry()
        values, unit = split_quantity(registry.Quantity(np.arange(3), "nm"))
        assert values.tolist() == [0, 1, 2]
        assert unit == registry.Unit("nm")

    def test_anything_else_is_left_alone(self) -> None:
        values = np.arange(3)
        assert split_quantity(values) == (values, None)


class TestConversion:
    @pytest.mark.parametrize(
        ("unit", "into", "factor"),
        [
            ("millimeter", "micrometer", "1000"),
            ("nanometer", "micrometer", "0.001"),
            ("angstrom", "micrometer", "0.0001"),
            ("yoctometer", "yottameter", "1e-48"),
            ("yottasecond", "yoctosecond", "1e48"),
            ("inch", "micrometer", "25400"),
            ("foot", "meter", "0.3048"),
            ("mile", "meter", "1609.344"),
            ("hour", "second", "3600"),
            ("day", "minute", "1440"),
            ("meter", "meter", "1"),
        ],
    )
    def test_factors_are_exact(self, unit: str, into: str, factor: str) -> None:
        assert conversion_factor(unit, into) == Decimal(factor)

    def test_other_factors_are_as_precise_as_doubles(self) -> None:
        assert float(conversion_factor("inch", "foot")) == pytest.approx(1 / 12)
