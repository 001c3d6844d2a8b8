"""Stores of every kind that are written in every version satisfy every validator."""

from __future__ import annotations

import importlib
import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

import xarray_omezarr as xo
from tests.conformance.cases import SPEC
from tests.conformance.kinds import PLACES, write
from xarray_omezarr.ngff.versions import registry

SCHEMAS = {"0.4": "schemas", "0.5": "schemas", "0.6": "schemas_0.6_final"}
# Names of schemas by the key that tells a kind of group.
KEYS = {
    "plate": "plate",
    "well": "well",
    "bioformats2raw.layout": "bf2raw",
    "series": "ome",
    "image-label": "label",
    "multiscales": "image",
}
Made = tuple[str, Path]


@pytest.fixture(scope="module", params=registry.SUPPORTED)
def stores(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A function of a kind: the path of it, written in the version once."""
    version = request.param
    folder = tmp_path_factory.mktemp("written")

    def made(kind: str) -> Made:
        return version, write(kind, version, folder / PLACES[kind][0])

    return made


def only(version: str, known: tuple[str, ...]) -> None:
    if version not in known:
        pytest.skip(f"the validator does not know {version}")


kinds = pytest.mark.parametrize("kind", PLACES)


@kinds
def test_our_own_validator_finds_neither_errors_nor_warnings(
    stores: Any, kind: str
) -> None:
    _, path = stores(kind)
    report = xo.validate(str(path))
    assert report.errors == (), str(report)
    assert report.warnings == (), str(report)


def groups(path: Path) -> list[tuple[Path, dict[str, Any]]]:
    """Attributes of every group below a path, by its folder."""
    found = []
    for file in sorted([*path.rglob(".zgroup"), *path.rglob("zarr.json")]):
        if file.name == ".zgroup":
            attrs = file.with_name(".zattrs")
            document = json.loads(attrs.read_text()) if attrs.exists() else {}
        else:
            document = json.loads(file.read_text())
            if document["node_type"] != "group":
                continue
            document = document.get("attributes", {})
        found.append((file.parent, document))
    return found


@kinds
def test_the_official_schemas_have_nothing_against_any_group(
    stores: Any, kind: str
) -> None:
    version, path = stores(kind)
    only(version, tuple(SCHEMAS))
    if not SPEC.is_dir():
        pytest.skip(f"the schemas of the standard are not at {SPEC}")
    files = (SPEC / version / SCHEMAS[version]).glob("*.schema")
    schemas = {file.stem: json.loads(file.read_text("utf-8")) for file in files}
    resources = [
        (schema["$id"], Resource.from_contents(schema, DRAFT202012))
        for schema in schemas.values()
    ]
    known: Any = Registry().with_resources(resources)
    asked = 0
    for folder, attrs in groups(path):
        blocks = attrs.get("ome", attrs)
        for name in [schema for key, schema in KEYS.items() if key in blocks]:
            validator = Draft202012Validator(schemas[name], registry=known)
            errors = [error.message for error in validator.iter_errors(attrs)]
            assert errors == [], (folder, name)
            asked += 1
    # No schema covers the list of labels, which has the label image below it.
    assert asked


# A label image or a field is a whole image; others look at them through what is above.
@kinds
def test_yaozarrs_finds_nothing_wrong(stores: Any, kind: str) -> None:
    version, path = stores(kind)
    only(version, ("0.4", "0.5"))
    validate = importlib.import_module("yaozarrs").validate_zarr_store
    if kind == "labels" and version == "0.4":
        pytest.skip("the list of labels tells no version in 0.4")
    if kind == "label":
        pytest.skip("it looks for the source of a label below the root it was given")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        validate(str(path))


@kinds
def test_ome_zarr_models_finds_nothing_wrong(stores: Any, kind: str) -> None:
    version, path = stores(kind)
    only(version, ("0.4", "0.5", "0.6"))
    package = importlib.import_module("ome_zarr_models")
    if not hasattr(package, f"v{version.replace('.', '')}"):
        try:
            importlib.import_module(f"ome_zarr_models.v{version.replace('.', '')}")
        except ImportError:
            pytest.skip(f"this ome-zarr-models does not know {version}")
    if kind == "collection" and version != "0.4":
        pytest.skip("it does not open collections of later versions")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = package.open_ome_zarr(str(path), version=version)
    named = found.ome_zarr_version if hasattr(found, "ome_zarr_version") else version
    assert named == version


@kinds
def test_ngff_zarr_finds_nothing_wrong(stores: Any, kind: str) -> None:
    version, path = stores(kind)
    only(version, ("0.4", "0.5", "0.6"))
    package = importlib.import_module("ngff_zarr")
    if kind in ("collection", "labels", "well"):
        pytest.skip("it does not read groups of this kind")
    if version == "0.6" and not hasattr(package, "from_ome_zarr"):
        pytest.skip("this ngff-zarr does not know 0.6")
    reader = getattr(package, "from_ome_zarr", None) or package.from_ngff_zarr
    if kind == "plate":
        reader = package.from_hcs_zarr
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        reader(str(path), validate=True)
