"""Tests of the answers to the official runner: the level, and what can be read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from xarray_omezarr.conformance import judge

PICTURE: dict[str, Any] = {
    "axes": [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}],
    "datasets": [
        {
            "path": "0",
            "coordinateTransformations": [{"type": "scale", "scale": [1, 1]}],
        }
    ],
}
NEW = {"ome": {"version": "0.5", "multiscales": [PICTURE]}}
OLD = {"multiscales": [{**PICTURE, "version": "0.4"}]}


def put(file: Path, document: object) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document))
    return file


@pytest.mark.parametrize("attrs", [NEW, OLD], ids=["under ome", "beside all"])
def test_attributes_are_judged_without_what_the_collectors_added(
    tmp_path: Path, attrs: dict[str, Any]
) -> None:
    file = put(tmp_path / "a.json", {**attrs, "_conformance": {"valid": False}})
    assert judge("attributes", file)["valid"] is True


def test_a_folder_called_strict_asks_for_what_the_strict_schemas_demand(
    tmp_path: Path,
) -> None:
    # The strict schema wants a name, a type and metadata of the downscaling.
    assert judge("attributes", put(tmp_path / "spec" / "a.json", NEW))["valid"] is True
    strict = judge("attributes", put(tmp_path / "strict" / "a.json", NEW))
    assert strict["valid"] is False
    named = {"name": "a", "type": "mean", "metadata": {"method": "mean"}}
    full = {"ome": {"version": "0.5", "multiscales": [{**PICTURE, **named}]}}
    file = put(tmp_path / "strict" / "b.json", full)
    assert judge("attributes", file)["valid"] is True


def test_the_group_of_a_folder_is_judged_in_both_formats(tmp_path: Path) -> None:
    group = {"zarr_format": 3, "node_type": "group", "attributes": NEW}
    put(tmp_path / "new.ome.zarr" / "zarr.json", group)
    assert judge("zarr", tmp_path / "new.ome.zarr")["valid"] is True
    put(tmp_path / "old.ome.zarr" / ".zgroup", {"zarr_format": 2})
    put(tmp_path / "old.ome.zarr" / ".zattrs", OLD)
    assert judge("zarr", tmp_path / "old.ome.zarr")["valid"] is True


def test_an_array_is_no_group(tmp_path: Path) -> None:
    array = {"zarr_format": 3, "node_type": "array", "attributes": NEW}
    put(tmp_path / "zarr.json", array)
    answer = judge("zarr", tmp_path)
    assert answer["valid"] is False
    assert "node_type" in answer["message"]


def test_a_folder_without_anything_is_invalid(tmp_path: Path) -> None:
    assert judge("zarr", tmp_path)["valid"] is False
    assert judge("zarr", tmp_path / "absent")["valid"] is False
    assert judge("attributes", tmp_path)["valid"] is False


def test_the_message_names_places_and_counts_the_rest(tmp_path: Path) -> None:
    broken = {"ome": {"version": "0.5", "multiscales": [{}] * 9}}
    message = judge("attributes", put(tmp_path / "a.json", broken))["message"]
    assert "/ome/multiscales" in message
    assert "more" in message
    assert "\n" not in message
