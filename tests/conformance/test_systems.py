"""The official examples of 0.6, and what is written in it, beside two neighbours."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import pytest

from tests.conformance.conftest import SPEC
from tests.conformance.kinds import KINDS
from xarray_omezarr.errors import MetadataError, OmeZarrWarning
from xarray_omezarr.ngff.axes import CoordinateSystem
from xarray_omezarr.ngff.transforms import UnknownTransformation, parse_transformation
from xarray_omezarr.ngff.versions import registry

HERE = SPEC / "0.6"
V = registry.get("0.6")


def cases(mode: str) -> list[dict[str, Any]]:
    if not HERE.is_dir():
        return []
    index = json.loads((HERE / "index.json").read_text("utf-8"))
    return [case for case in index["cases"] if case["mode"] == mode and case["valid"]]


def names(case: dict[str, Any]) -> str:
    return str(case["id"])


def document(case: dict[str, Any]) -> Any:
    found = json.loads((HERE / case["file"]).read_text("utf-8"))
    found.pop("_conformance", None)
    return found


def plain(value: Any) -> Any:
    """Without nulls, and with one kind of numbers."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(item) for item in value]
    is_number = isinstance(value, int) and not isinstance(value, bool)
    return float(value) if is_number else value


def without_defaults(attrs: Any) -> Any:
    """Without what 0.6 tells anyway: channels are discrete, and one version is."""
    found = plain(attrs)["ome"]
    for key in ("plate", "well", "image-label"):
        found.get(key, {}).pop("version", None)
    for picture in found.get("multiscales", []):
        for system in picture["coordinateSystems"]:
            for axis in system["axes"]:
                if axis.get("type") == "channel" and axis.get("discrete") is True:
                    del axis["discrete"]
    return {**found, "version": "0.6"}


# Wells whose path names the column first, and labels that are no images: the text
# forbids both (see docs/conformance.md).
NOT_BY_THE_TEXT = ("plate", "label")


@pytest.mark.parametrize("case", cases("attributes"), ids=names)
def test_a_valid_case_is_read_and_written_as_it_stands(case: dict[str, Any]) -> None:
    told = document(case)
    if case["kind"] in NOT_BY_THE_TEXT or case["contested"]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OmeZarrWarning)
            try:
                written = V.to_attrs(V.from_attrs(told))
            except MetadataError as error:
                assert "/ome" in str(error) or "cannot be written" in str(error)
                return
    else:
        written = V.to_attrs(V.from_attrs(told))
    if not case["contested"]:
        assert without_defaults(written) == without_defaults(told)


# Parts stand where an object with the part should, which the schemas refuse, too.
SLIPS = ("example_byDimensionXarray",)


@pytest.mark.parametrize(
    "case",
    [case for case in cases("fragment") if not case["id"].endswith(SLIPS)],
    ids=names,
)
def test_transformations_of_the_text_are_read_and_written(
    case: dict[str, Any],
) -> None:
    told = document(case)
    holder = told
    if "multiscales" in (inner := told.get("ome", told)) or "multiscales" in told:
        holder = (inner if "multiscales" in inner else told)["multiscales"][0]
    for system in holder.get("coordinateSystems", []):
        spelled = CoordinateSystem.model_validate(system).to_json()
        assert plain(spelled) == plain(system)
    for json_ in holder.get("coordinateTransformations", []):
        way = parse_transformation(json_, "")
        assert way is not None
        assert not isinstance(way, UnknownTransformation)
        assert plain(way.to_json()) == plain(json_)


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_written_satisfies_both_sets_of_schemas(
    kind: str,
    tmp_path: Path,
    schema_errors: Callable[[str, str, dict[str, Any]], list[str]],
) -> None:
    KINDS[kind](tmp_path / "a.zarr", "0.6", "czyx")
    seen = 0
    for file in sorted((tmp_path / "a.zarr").rglob("zarr.json")):
        attrs = json.loads(file.read_text("utf-8")).get("attributes", {})
        ome = attrs.get("ome", {})
        # No schema is about the list of label images (RULES 11), nor about a series.
        if "version" not in ome or "labels" in ome or "series" in ome:
            continue
        seen += 1
        assert ome["version"] == "0.6"
        for named in ("0.6rc0", "0.6"):
            told = {**attrs, "ome": {**ome, "version": named}}
            assert schema_errors(named, "ome_zarr", told) == []
    assert seen > 0


def is_at_least(package: str, *wanted: int) -> bool:
    try:
        found = version(package).split(".")
    except PackageNotFoundError:
        return False
    return tuple(int(part) for part in found[:2]) >= wanted


@pytest.mark.skipif(
    not is_at_least("ome-zarr-models", 1, 8),
    reason="older versions of this neighbour do not know 0.6",
)
def test_ome_zarr_models_opens_what_is_written(tmp_path: Path) -> None:
    import ome_zarr_models
    import zarr

    for number, kind in enumerate(("image", "image with labels", "plate")):
        path = tmp_path / f"{number}.zarr"
        KINDS[kind](path, "0.6", "czyx")
        opened = ome_zarr_models.open_ome_zarr(zarr.open_group(path, mode="r"))
        assert opened.ome_zarr_version == "0.6"


@pytest.mark.skipif(
    not is_at_least("ngff-zarr", 0, 50),
    reason="older versions of this neighbour do not know 0.6",
)
def test_ngff_zarr_reads_the_same_numbers(tmp_path: Path) -> None:
    import ngff_zarr

    KINDS["image"](tmp_path / "a.zarr", "0.6", "czyx")
    read = ngff_zarr.from_ngff_zarr(str(tmp_path / "a.zarr"), validate=True)
    image = read.images[0]
    assert list(image.dims) == ["c", "z", "y", "x"]
    assert image.scale["x"] == 0.325
    assert image.scale["z"] == 0.75
