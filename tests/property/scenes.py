"""A scene whose transformations take their numbers from arrays, as documents alone."""

from __future__ import annotations

import json
from typing import Any

Document = dict[str, Any]

_HERE = "coordinateTransformations"
_SPACE = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
_VECTOR = {"name": "v", "type": "displacement", "discrete": True}


def _group(**ome: Any) -> Document:
    attributes = {"ome": {"version": "0.6", **ome}} if ome else {}
    return {"zarr_format": 3, "node_type": "group", "attributes": attributes}


def _array(shape: list[int], names: list[str] | None = None) -> Document:
    named = {"dimension_names": names} if names else {}
    grid = {"name": "regular", "configuration": {"chunk_shape": shape}}
    keys = {"name": "default", "configuration": {"separator": "/"}}
    endian = {"name": "bytes", "configuration": {"endian": "little"}}
    return {
        "zarr_format": 3,
        "node_type": "array",
        "shape": shape,
        "data_type": "float32",
        "chunk_grid": grid,
        "chunk_key_encoding": keys,
        "fill_value": 0.0,
        "codecs": [endian],
        "attributes": {},
        **named,
    }


def _image(axes: list[Document]) -> Document:
    scale = {
        "type": "scale",
        "scale": [1.0] * len(axes),
        "input": {"path": "0"},
        "output": {"name": "physical"},
    }
    entry = {
        "coordinateSystems": [{"name": "physical", "axes": axes}],
        "datasets": [{"path": "0", _HERE: [scale]}],
    }
    return _group(multiscales=[entry])


def _ways() -> list[Document]:
    affine = {"type": "affine", "path": f"{_HERE}/matrix"}
    turn = {"type": "rotation", "path": f"{_HERE}/turn"}
    warp = {"type": "displacements", "path": f"{_HERE}/warp"}
    axes = {"inputAxes": [0, 1], "outputAxes": [0, 1]}
    both = {"forward": affine, "inverse": {"type": "identity"}}
    types: list[Document] = [
        {"type": "sequence", "transformations": [affine, turn]},
        {"type": "byDimension", "transformations": [{"transformation": warp, **axes}]},
        {"type": "bijection", **both},
    ]
    ends = [("a", {"name": "world"}), ("b", {"name": "world"})]
    ends.append(("a", {"path": "b", "name": "physical"}))
    return [
        {**way, "input": {"path": path, "name": "physical"}, "output": output}
        for way, (path, output) in zip(types, ends, strict=True)
    ]


def scene() -> dict[str, str]:
    """The metadata files of the scene, by their keys."""
    world = [{"name": "world", "axes": _SPACE}]
    told = {"coordinateSystems": world, _HERE: _ways()}
    field, image = [_VECTOR, *_SPACE], list(_SPACE)
    nodes = {
        "": _group(scene=told),
        "a/": _image(image),
        "a/0/": _array([4, 6], ["y", "x"]),
        "b/": _image(image),
        "b/0/": _array([4, 6], ["y", "x"]),
        f"{_HERE}/": _group(),
        f"{_HERE}/matrix/": _array([2, 3]),
        f"{_HERE}/turn/": _array([2, 2]),
        f"{_HERE}/warp/": _image(field),
        f"{_HERE}/warp/0/": _array([2, 4, 6], ["v", "y", "x"]),
    }
    return {f"{path}zarr.json": json.dumps(node) for path, node in nodes.items()}
