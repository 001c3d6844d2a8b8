"""The collected cases of labels, plates, wells and collections.

The cases lie beside the checkout, in ``shared/spec``; without them there is nothing to
run here.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import pytest

from tests.conformance.test_image_cases import (
    VERSIONS,
    attributes,
    collect,
    name,
    schema_faults,
)
from xarray_omezarr.errors import OmeZarrError, OmeZarrWarning
from xarray_omezarr.ngff.versions import registry

SchemaErrors = Callable[[str, str, dict[str, Any]], list[str]]

KINDS = ("label", "labels", "plate", "well", "bf2raw", "ome", "scene")
# What is wrong with these is that something listed is missing, or what only the strict
# schemas demand and the standard advises.
WRONG_ELSEWHERE = {
    "0.4/authored_bf2raw_series_missing_image": "a listed image is missing",
    "0.4/no_version": "the standard only advises it",
    "0.5/authored_bf2raw_series_missing_image": "a listed image is missing",
    "0.5/missing_acquisition_maximumfieldcount": "the standard only advises it",
    "0.6/authored_bf2raw_series_missing_image": "a listed image is missing",
    "0.6/authored_scene_missing_image": "an image is missing",
}
PICTURE: dict[str, Any] = {
    "axes": [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}],
    "datasets": [
        {
            "path": "0",
            "coordinateTransformations": [{"type": "scale", "scale": [1, 1]}],
        }
    ],
}

PICTURE_OF_SYSTEMS = {
    "coordinateSystems": [{"name": "image", "axes": PICTURE["axes"]}],
    "datasets": [
        {
            "path": "0",
            "coordinateTransformations": [
                {
                    "type": "scale",
                    "scale": [1, 1],
                    "input": {"path": "0"},
                    "output": {"name": "image"},
                }
            ],
        }
    ],
}


def group(case: dict[str, Any]) -> dict[str, Any]:
    """The attributes; cases of labels often leave out the image that each one is."""
    attrs = attributes(case)
    holder = attrs.get("ome", attrs)
    if case["kind"] == "label":
        newest = case["version"] == VERSIONS[-1]
        holder.setdefault("multiscales", [PICTURE_OF_SYSTEMS if newest else PICTURE])
    return attrs


def complaints(case: dict[str, Any]) -> list[str]:
    """All that is said against the attributes of a case, by reading or writing."""
    problems = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OmeZarrWarning)
        try:
            version = registry.get(case["version"])
            version.to_attrs(version.from_attrs(group(case)))
        except json.JSONDecodeError as error:  # so is one of the official ones
            problems = [str(error)]
        except OmeZarrError as error:
            problems = [str(error)]
    return [*problems, *(str(warning.message) for warning in caught)]


def normalised(version: str, attrs: dict[str, Any]) -> dict[str, Any]:
    """Attributes as they are written back, by the rules: blocks tell the version."""
    attrs = json.loads(json.dumps(attrs))
    holder = attrs.get("ome", attrs)
    if holder is attrs and attrs.get("version") == version:
        del attrs["version"]
    for key in ("plate", "well", "image-label"):
        if key in holder:
            holder[key]["version"] = version
    for picture in holder.get("multiscales", []):
        if holder is attrs:
            picture["version"] = version
    return attrs


@pytest.mark.parametrize("case", collect(valid=True, kinds=KINDS))
def test_a_valid_group_is_read_and_written_without_complaint(
    case: dict[str, Any],
) -> None:
    assert complaints(case) == []


@pytest.mark.parametrize("case", collect(valid=True, kinds=KINDS))
def test_a_valid_group_tells_its_version(case: dict[str, Any]) -> None:
    assert registry.detect(group(case)) == registry.get(case["version"])


# Of the newest version, see test_systems.py.
@pytest.mark.parametrize(
    "case", collect(valid=True, kinds=KINDS, versions=VERSIONS[:2])
)
def test_a_valid_group_is_written_back_as_it_came(case: dict[str, Any]) -> None:
    version = registry.get(case["version"])
    attrs = group(case)
    written = version.to_attrs(version.from_attrs(attrs))
    assert {**version.foreign(attrs), **written} == normalised(version.name, attrs)


# No official schema covers the list of labels.
@pytest.mark.parametrize(
    "case", collect(valid=True, kinds=[kind for kind in KINDS if kind != "labels"])
)
def test_what_is_written_back_satisfies_the_schema(
    case: dict[str, Any], schema_errors: SchemaErrors
) -> None:
    version = registry.get(case["version"])
    written = version.to_attrs(version.from_attrs(group(case)))
    assert schema_faults(schema_errors, case, case["kind"], written) == []


@pytest.mark.parametrize("case", collect(valid=False, kinds=KINDS))
def test_an_invalid_group_is_complained_about(case: dict[str, Any]) -> None:
    key = f"{case['version']}/{name(case)}"
    assert bool(complaints(case)) is (key not in WRONG_ELSEWHERE)
