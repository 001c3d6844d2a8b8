"""Names and paths that metadata may have, the same for models and for rules."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

import xarray_omezarr
from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.matrices import rotation_problem
from xarray_omezarr.ngff.names import (
    is_alphanumeric,
    is_field_name,
    is_well_path,
    names_elsewhere,
)
from xarray_omezarr.ngff.rules.check import check_attributes
from xarray_omezarr.ngff.transforms import Rotation

NGFF = Path(xarray_omezarr.__file__).parent / "ngff"


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("A", True), ("a01", True), ("", False), ("A_1", False), ("é", False), ("1\n", 0)],
)
def test_only_ascii_letters_and_digits_are_alphanumeric(
    name: str, is_one: bool
) -> None:
    assert is_alphanumeric(name) is bool(is_one)


@pytest.mark.parametrize("path", ["C:", "c:/a", "s3://a", "file:/a", "zip+https://a"])
def test_drives_and_protocols_lead_elsewhere(path: str) -> None:
    assert names_elsewhere(path)


@pytest.mark.parametrize("path", ["", "0", "10:30", "a b:/c", "/C:", "at/C:/"])
def test_a_colon_further_on_is_an_ordinary_character(path: str) -> None:
    assert not names_elsewhere(path)


@pytest.mark.parametrize("path", ["", "/", "A", "A/", "/1", "A/1/0", "A/1\n", "A//1"])
def test_a_well_is_in_a_row_and_a_column(path: str) -> None:
    assert is_well_path("A/1") and not is_well_path(path)


@pytest.mark.parametrize("name", ["", ".", "...", "__a", "a b", "a/b", "é", "0\n"])
def test_fields_have_no_names_that_mean_something_else(name: str) -> None:
    assert is_field_name("_0.a-") and not is_field_name(name)


def test_each_pattern_stands_in_one_file() -> None:
    patterns = [re.escape(p) for p in ("[A-Za-z]:|", "[A-Za-z0-9]+", "[A-Za-z0-9_.-]+")]
    for pattern in patterns:
        found = [
            file.name
            for file in NGFF.rglob("*.py")
            if re.search(rf"compile\(.*{pattern}", file.read_text())
        ]
        assert found == ["names.py"]


def test_rules_need_no_models() -> None:
    code = (
        "import sys, xarray_omezarr.ngff.rules.plate, xarray_omezarr.ngff.rules.inside,"
        "xarray_omezarr.ngff.rules.dimensions; sys.exit('pydantic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def turned(degrees: float, digits: int) -> list[list[float]]:
    """A rotation about the diagonal of three axes, with some digits only."""
    angle = math.radians(degrees)
    own = (1 + 2 * math.cos(angle)) / 3
    one, other = (
        (1 - math.cos(angle)) / 3 + sign * math.sin(angle) / math.sqrt(3)
        for sign in (1, -1)
    )
    rows = [[own, other, one], [one, own, other], [other, one, own]]
    return [[round(value, digits) for value in row] for row in rows]


@pytest.mark.parametrize("degrees", range(0, 360, 7))
def test_rotations_of_three_decimals_are_rotations_for_models_and_rules(
    degrees: int,
) -> None:
    matrix = turned(degrees, 3)
    assert rotation_problem(matrix) is None
    assert Rotation(rotation=matrix)
    assert not faults(matrix)


def test_what_is_no_rotation_is_none_for_models_and_rules() -> None:
    matrix = [[1.002, 0, 0], [0, 1, 0], [0, 0, 1]]
    assert rotation_problem(matrix) is not None
    with pytest.raises(MetadataError, match="no rotation"):
        Rotation(rotation=matrix)
    assert faults(matrix)


def faults(matrix: list[list[float]]) -> list[str]:
    """What rules say of a rotation between two systems of a scene."""
    axes = [{"name": name, "type": "space"} for name in "zyx"]
    way = {
        "type": "rotation",
        "rotation": matrix,
        "input": {"name": "a"},
        "output": {"name": "b"},
    }
    scene = {
        "coordinateSystems": [{"name": name, "axes": axes} for name in "ab"],
        "coordinateTransformations": [way],
    }
    found = check_attributes({"ome": {"version": "0.6", "scene": scene}}, "standard")
    return [one.message for one in found.findings if one.severity == "error"]
