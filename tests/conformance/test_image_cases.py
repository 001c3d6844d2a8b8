"""The standard's own cases and those collected from the field: every image among them.

The cases lie beside the checkout, in ``shared/spec``; without them there is nothing to
run here.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from xarray_omezarr.errors import OmeZarrError, OmeZarrWarning
from xarray_omezarr.ngff.multiscale import check_for_writing
from xarray_omezarr.ngff.versions import registry

SchemaErrors = Callable[[str, str, dict[str, Any]], list[str]]
SPEC = Path(__file__).parents[2].parent / "shared" / "spec"
VERSIONS = ("0.4", "0.5", "0.6")
KINDS = ("image", "transforms")
# Names of the sets of schemas that what is written in a version must satisfy.
SETS = {"0.6": ("0.6rc0", "0.6")}

# What is wrong with these stores stands in no attribute of the image group: they need
# a look at the arrays or at the labels. The attributes themselves must be readable.
WRONG_ELSEWHERE = {
    "authored_disconnected_system": "validation tells; reading needs no such way",
    "authored_dimension_names_mismatch": "names of dimensions stand in the arrays",
    "authored_labels_listed_but_missing": "the label image is missing",
    "authored_level_is_group": "a group stands where the array should",
    "authored_level_ndim_mismatch": "the shape stands in the arrays",
    "authored_missing_level_array": "the array is missing",
    "oze_invalid_image-04": "the arrays are missing",
}


def collect(
    *, valid: bool, kinds: Sequence[str] = KINDS, versions: Sequence[str] = VERSIONS
) -> list[Any]:
    """The uncontested cases of all versions that stand in a group."""
    if not SPEC.is_dir():
        skip = pytest.mark.skip(reason=f"the cases of the standard are not at {SPEC}")
        return [pytest.param(None, marks=skip)]
    found = []
    for version in versions:
        index = json.loads((SPEC / version / "index.json").read_text("utf-8"))
        for case in index["cases"]:
            wanted = case["kind"] in kinds and case["mode"] != "fragment"
            if wanted and case["valid"] is valid and not case["contested"]:
                # The cases of 0.6 are those of its candidate.
                told = {**case, "version": version}
                found.append(pytest.param(told, id=case["id"]))
    return found


def attributes(case: dict[str, Any]) -> dict[str, Any]:
    """The attributes of the group of a case, without what its collectors added."""
    path = SPEC / case["version"] / case["file"]
    if path.is_dir():
        inner = path / "zarr.json"
        path = inner if inner.exists() else path / ".zattrs"
    document: dict[str, Any] = json.loads(path.read_text("utf-8"))
    if path.name == "zarr.json":
        document = document["attributes"]
    return {key: value for key, value in document.items() if key != "_conformance"}


def name(case: dict[str, Any]) -> str:
    return Path(case["file"]).name.split(".")[0]


def complaints(case: dict[str, Any]) -> list[str]:
    """All that is said against the attributes of a case, by reading or for writing."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OmeZarrWarning)
        try:
            version = registry.get(case["version"])
            problems = check_for_writing(version.from_attrs(attributes(case)))
        except OmeZarrError as error:
            problems = [str(error)]
    return [*problems, *(str(warning.message) for warning in caught)]


def schema_faults(
    errors: SchemaErrors, case: dict[str, Any], schema: str, written: dict[str, Any]
) -> list[str]:
    """What the schema of a name says in each set of the version, strict ones too."""
    version = case["version"]
    names = [schema, f"strict_{schema}"] if case["strict"] else [schema]
    if version not in SETS:
        return [fault for name in names for fault in errors(version, name, written)]
    return [
        fault
        for told in SETS[version]
        for name in names
        for fault in errors(
            told, name, {**written, "ome": {**written["ome"], "version": told}}
        )
    ]


def normalised(attrs: dict[str, Any]) -> dict[str, Any]:
    """Attributes as they are written back, by the rules and not by our code.

    A picture of 0.4 tells its version; a null in an object of the standard is no
    key; colours are upper case.
    """
    attrs = json.loads(json.dumps(attrs))
    image = attrs.get("ome", attrs)
    if image is attrs and attrs.get("version") == "0.4":
        del attrs["version"]
    for picture in image["multiscales"]:
        if image is attrs:
            picture["version"] = "0.4"
        for axis in picture["axes"]:
            for key in [key for key, value in axis.items() if value is None]:
                del axis[key]
    for channel in image.get("omero", {}).get("channels", []):
        channel["color"] = channel["color"].upper()
    return attrs


@pytest.mark.parametrize("case", collect(valid=True))
def test_a_valid_image_is_read_without_complaint(case: dict[str, Any]) -> None:
    assert complaints(case) == []


@pytest.mark.parametrize("case", collect(valid=True))
def test_a_valid_image_tells_its_version(case: dict[str, Any]) -> None:
    assert registry.detect(attributes(case)) == registry.get(case["version"])


# Of the newest version, see test_systems.py.
@pytest.mark.parametrize("case", collect(valid=True, versions=VERSIONS[:2]))
def test_a_valid_image_is_written_back_as_it_came(case: dict[str, Any]) -> None:
    version = registry.get(case["version"])
    attrs = attributes(case)
    written = version.to_attrs(version.from_attrs(attrs))
    assert {**version.foreign(attrs), **written} == normalised(attrs)


@pytest.mark.parametrize("case", collect(valid=True))
def test_what_is_written_back_satisfies_the_schema(
    case: dict[str, Any], schema_errors: SchemaErrors
) -> None:
    version = registry.get(case["version"])
    written = version.to_attrs(version.from_attrs(attributes(case)))
    assert schema_faults(schema_errors, case, "image", written) == []


@pytest.mark.parametrize("case", collect(valid=False))
def test_an_invalid_image_is_complained_about(case: dict[str, Any]) -> None:
    assert bool(complaints(case)) is (name(case) not in WRONG_ELSEWHERE)
