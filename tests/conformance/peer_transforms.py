"""What the neighbours make of each type of transformation that this package writes.

``python -m tests.conformance.peer_transforms`` writes the table into the page on
conformance; with ``--print`` the page is left alone.
"""

from __future__ import annotations

import json
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from jsonschema import Draft202012Validator

import xarray_omezarr as xo
from tests.conformance.conftest import load
from tests.conformance.totals import PAGE, marked

HERE = "coordinateTransformations"
ENDS = {"input": {"name": "physical"}, "output": {"name": "world"}}
SPACE = {"type": "space", "unit": "micrometer"}
TURN = [[0.8, -0.6], [0.6, 0.8]]
POINTS = np.array([[2.0, 4.0], [6.0, 10.0], [3.5, 7.25]])
MATRIX = [[1.0, 0.25, 3.0], [0.0, 2.0, 4.0]]
SCALE = {"type": "scale", "scale": [2.0, 4.0]}
MOVE = {"type": "translation", "translation": [10.0, 20.0]}
ORDER = {"type": "mapAxis", "mapAxis": [1, 0]}

#: Of each type what is written, and the arrays that it names.
TYPES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "identity": ({"type": "identity"}, ()),
    "scale": (SCALE, ()),
    "translation": (MOVE, ()),
    "mapAxis": (ORDER, ()),
    "affine": ({"type": "affine", "affine": MATRIX}, ()),
    "affine, stored": ({"type": "affine", "path": f"{HERE}/matrix"}, ("matrix",)),
    "rotation": ({"type": "rotation", "rotation": TURN}, ()),
    "rotation, stored": ({"type": "rotation", "path": f"{HERE}/turn"}, ("turn",)),
    "sequence": ({"type": "sequence", "transformations": [SCALE, MOVE]}, ()),
    "byDimension": (
        {
            "type": "byDimension",
            "transformations": [
                {
                    "transformation": {"type": "scale", "scale": [3.0]},
                    "inputAxes": [number],
                    "outputAxes": [number],
                }
                for number in range(2)
            ],
        },
        (),
    ),
    "bijection": (
        {
            "type": "bijection",
            "forward": SCALE,
            "inverse": {"type": "scale", "scale": [0.5, 0.25]},
        },
        (),
    ),
    "displacements": (
        {"type": "displacements", "path": f"{HERE}/field", "interpolation": "linear"},
        ("field",),
    ),
    "coordinates": (
        {"type": "coordinates", "path": f"{HERE}/field", "interpolation": "linear"},
        ("field",),
    ),
}
# Leads to another number of axes, so it is between an image and a scene.
SCENE = {"projectAxis": {"type": "projectAxis", "createdOutputs": [0]}}


def plane() -> xr.DataArray:
    """A plane of 8 x 12 pixels, 2 micrometers each."""
    da = xr.DataArray(np.arange(96, dtype="uint16").reshape(8, 12), dims=("y", "x"))
    units = dict.fromkeys("yx", "micrometer")
    return da.omezarr.assign_grid(scale={"y": 2.0, "x": 2.0}, units=units)


def arrays() -> dict[str, Any]:
    """The numbers of those that name an array."""
    places = {"y": np.arange(0, 20, 4.0), "x": np.arange(0, 28, 4.0)}
    field = xr.DataArray(np.zeros((2, 5, 7)), dims=("v", "y", "x"), coords=places)
    units = dict.fromkeys("yx", "micrometer")
    return {
        "matrix": np.array(MATRIX),
        "turn": np.array(TURN),
        "field": field.omezarr.assign_grid(units=units),
    }


def systems(names: str) -> list[dict[str, Any]]:
    """The world, with these axes."""
    axes = [{"name": name, **SPACE} for name in names]
    return [{"name": "world", "axes": axes}]


@contextmanager
def written(kind: str) -> Iterator[Path]:
    """A passing image, or scene, with one transformation of a type."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.ome.zarr"
        if kind in SCENE:
            ends = {**ENDS, "input": {"path": "plane", "name": "physical"}}
            ways = [{**SCENE[kind], **ends}]
            told = {"coordinateSystems": systems("zyx"), HERE: ways}
            tree = xr.DataTree.from_dict({"/plane": plane().to_dataset(name="image")})
            tree.omezarr.to_scene(path, transforms=told)
        else:
            transform, names = TYPES[kind]
            known = arrays()
            told = {
                "coordinateSystems": systems("xy" if kind == "mapAxis" else "yx"),
                HERE: [{**transform, **ENDS}],
                "arrays": {f"{HERE}/{name}": known[name] for name in names},
            }
            plane().omezarr.to_image(path, version="0.6", transforms=told)
        yield path


def _ours(path: Path, kind: str) -> str:
    report = xo.validate(path)
    assert not report.errors, str(report)
    return "valid"


def _schema(path: Path, kind: str) -> str:
    """The schemas of the release."""
    schemas, registry = load("0.6")
    name = "scene" if kind in SCENE else "image"
    document = json.loads((path / "zarr.json").read_text("utf-8"))
    judge = Draft202012Validator(schemas[name], registry=registry)
    return "valid" if judge.is_valid(document["attributes"]) else "invalid"


def _models(path: Path, kind: str) -> str:
    """Its models, and the positions that they give."""
    from ome_zarr_models.v06.image import Image
    from ome_zarr_models.v06.scene import Scene

    group = zarr.open_group(path, mode="r")
    way: Any
    if kind in SCENE:
        (way,) = Scene.from_zarr(group).ome_attributes.scene.coordinateTransformations
    else:
        picture: Any = Image.from_zarr(group).ome_attributes.multiscales[0]
        (way,) = picture.coordinateTransformations
    word = _read(way.type, kind)
    try:
        theirs = [way.transform_point(tuple(point)) for point in POINTS]
    except NotImplementedError:
        return f"{word}, not applied"
    ours = xo.transforms.apply(way.model_dump(exclude_none=True), POINTS, store=path)
    is_same = np.allclose(theirs, ours, rtol=1e-12, atol=0)
    return f"{word}, {'the same' if is_same else 'other'} positions"


def _ngff_zarr(path: Path, kind: str) -> str:
    """Its reader; it computes with ITK, which is not asked here."""
    import ngff_zarr

    options: Any = {"kind": "scene"} if kind in SCENE else {"validate": True}
    found: Any = ngff_zarr.from_ome_zarr(str(path), **options)
    holder = found if kind in SCENE else found.metadata
    (way,) = holder.coordinateTransformations
    return _read(way.type, kind)


def _read(told: str, kind: str) -> str:
    expected = kind.partition(",")[0]
    return "read" if told == expected else f"read as {told}"


JUDGES: dict[str, Callable[[Path, str], str]] = {
    "xarray-omezarr": _ours,
    "official schema": _schema,
    "ome-zarr-models": _models,
    "ngff-zarr": _ngff_zarr,
}
PACKAGES = ("ome-zarr-models", "ngff-zarr")


def answers(kind: str) -> list[str]:
    """What each judge says of a type, in a few words.

    Raises
    ------
    AssertionError
        If what is written is not valid.
    """
    found = []
    with written(kind) as path:
        for judge in JUDGES.values():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                try:
                    found.append(judge(path, kind))
                except AssertionError:
                    raise
                # What others raise is anything.
                except Exception as problem:
                    text = " ".join(str(problem).split())
                    found.append(f"refused: {type(problem).__name__}: {text[:70]}")
    return found


def table() -> str:
    """A row for each type."""
    names = [
        f"{name} {version_of(name)}" if name in PACKAGES else name for name in JUDGES
    ]
    lines = [
        f"| type | {' | '.join(names)} |",
        "|---" * (len(names) + 1) + "|",
    ]
    for kind in (*TYPES, *SCENE):
        lines.append(f"| {kind} | {' | '.join(answers(kind))} |")
    return "\n".join(lines)


def main(arguments: Sequence[str]) -> None:
    """Write the page, or print what would be written."""
    made = table()
    if "--print" in arguments:
        print(made)
        return
    text = PAGE.read_text("utf-8")
    PAGE.write_text(marked("peers", text, made), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
