"""Scenes that are written satisfy the rules, the standard's schemas and neighbours."""

from __future__ import annotations

import importlib
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.write.scene import scene_version

Json = dict[str, Any]
SchemaErrors = Callable[[str, str, Json], list[str]]

AXES = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
WORLD = {"name": "world", "axes": AXES}
UM = {"y": "um", "x": "um"}
MATRIX = np.array([[0.0, -1.0, 30.0], [1.0, 0.0, -4.0]])


def image(seed: int, dims: str = "yx") -> xr.DataArray:
    pixels = np.random.default_rng(seed).integers(0, 999, [24] * len(dims))
    da = xr.DataArray(pixels.astype("uint16"), dims=list(dims))
    return da.omezarr.assign_grid(scale={"y": 0.5, "x": 0.5}, units=UM)


def field(amount: float) -> xr.DataArray:
    places = {dim: (dim, 2.0 * np.arange(9), {"units": "um"}) for dim in "yx"}
    vectors = np.full((2, 9, 9), amount)
    return xr.DataArray(vectors, places, ("displacement", "y", "x"))


def way(start: str, stop: str = "world", **what: Any) -> Json:
    ends = {}
    for key, told in (("input", start), ("output", stop)):
        path, _, name = told.rpartition("/")
        ends[key] = {"name": name, **({"path": path} if path else {})}
    return {**what, **ends}


def bent(start: str, stop: str) -> Json:
    fields = {
        key: {
            "type": "displacements",
            "path": f"fields/{key}",
            "interpolation": "linear",
        }
        for key in ("forward", "inverse")
    }
    return way(start, stop, type="bijection", **fields)


FIELDS = {"fields/forward": field(3), "fields/inverse": field(-3)}

#: Transformations, and the arrays of them.
SCENES: dict[str, tuple[list[Json], dict[str, Any]]] = {
    "tiles": (
        [
            way("a/physical", type="translation", translation=[0, 0]),
            way("b/physical", type="translation", translation=[0, 10]),
        ],
        {},
    ),
    "affine": (
        [
            way("a/physical", type="identity"),
            way("b/physical", type="affine", affine=MATRIX.tolist()),
        ],
        {},
    ),
    "stored affine": (
        [
            way("a/physical", type="identity"),
            way("b/physical", type="affine", path="registration/b"),
        ],
        {"registration/b": MATRIX},
    ),
    "stored rotation": (
        [
            way("a/physical", type="identity"),
            way("b/physical", type="rotation", path="turn"),
        ],
        {"turn": MATRIX[:, :2]},
    ),
    "field": (
        [way("a/physical", type="identity"), bent("b/physical", "world")],
        FIELDS,
    ),
    "image to image": ([bent("a/physical", "b/physical")], FIELDS),
}
scenes = pytest.mark.parametrize("name", SCENES)


@pytest.fixture
def written(tmp_path: Path, name: str) -> Path:
    ways, arrays = SCENES[name]
    transforms: Json = {"coordinateTransformations": ways, "arrays": arrays}
    if name != "image to image":
        transforms["coordinateSystems"] = [WORLD]
    store = tmp_path / "scene.ome.zarr"
    images = {"a": image(0), "b": image(1)}
    xo.write_scene(images, store, transforms=transforms, scale_factors=[2])
    return store


def attributes(path: Path) -> Json:
    found: Json = json.loads((path / "zarr.json").read_text("utf-8"))["attributes"]
    return found


@scenes
def test_nothing_is_said_against_them(written: Path) -> None:
    report = xo.validate(written, level="standard", data=True)
    assert report.ok, report
    assert not report.warnings, report


@scenes
def test_the_official_schemas_have_nothing_against_them(
    written: Path, schema_errors: SchemaErrors
) -> None:
    version = scene_version(None).name
    assert schema_errors(version, "scene", attributes(written)) == []
    for path in ("a", "b"):
        assert schema_errors(version, "image", attributes(written / path)) == []
    for path in (written / "fields").glob("*ward"):
        assert schema_errors(version, "image", attributes(path)) == []


# It does not load a rotation yet.
@pytest.mark.parametrize("name", [n for n in SCENES if n != "stored rotation"])
def test_ome_zarr_models_takes_them(written: Path, name: str) -> None:
    try:
        models = importlib.import_module("ome_zarr_models.v06.scene")
    except ImportError:
        pytest.skip("this release of ome-zarr-models knows no scenes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = models.Scene.from_zarr(zarr.open_group(written, mode="r"))
    scene = found.attributes.ome.scene
    kinds = [way["type"] for way in SCENES[name][0]]
    assert [way.type for way in scene.coordinateTransformations] == kinds
    assert {"a", "b"} <= {*found.images}


# An affine or rotation by a path is none of its types.
@pytest.mark.parametrize("name", [n for n in SCENES if not n.startswith("stored")])
def test_ngff_zarr_reads_them(written: Path, name: str) -> None:
    ngff_zarr = pytest.importorskip("ngff_zarr")
    if not hasattr(ngff_zarr, "NgffScene"):
        pytest.skip("this release of ngff-zarr knows no scenes")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = ngff_zarr.from_ome_zarr(str(written), kind="scene")
    assert {*found.images} == {"a", "b"}
    for path, told in found.images.items():
        finest = told.images[0]
        original = image("ab".index(path))
        np.testing.assert_array_equal(np.asarray(finest.data), original)
        assert finest.scale == {"y": 0.5, "x": 0.5}
    own = SCENES[name][0]
    assert [way.type for way in found.coordinateTransformations] == [
        way["type"] for way in own
    ]
    if name == "tiles":
        moved = [way.translation for way in found.coordinateTransformations]
        assert [list(vector) for vector in moved] == [[0, 0], [0, 10]]
    if name == "affine":
        matrix = found.coordinateTransformations[1].affine
        np.testing.assert_array_equal(np.asarray(matrix), MATRIX)
