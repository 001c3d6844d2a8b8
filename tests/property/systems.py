"""Random systems of an image, and transformations of every type between them."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from hypothesis import strategies as st

import xarray_omezarr as xo

# Dims that an image may have, by their number.
DIMS = {2: "yx", 3: "zyx", 4: "czyx", 5: "tczyx"}
KINDS = {"t": "time", "c": "channel"}
SIZES = {"t": 2, "c": 3, "z": 2, "y": 3, "x": 4}
FOLDER = "coordinateTransformations"

# Away from zero, so that scales stay positive when they are spelled.
positive = st.floats(1e-3, 1e3)
finite = st.floats(-1e6, 1e6)


def system(name: str, dims: str) -> dict[str, Any]:
    axes = [{"name": d, "type": KINDS.get(d, "space")} for d in dims]
    return {"name": name, "axes": axes}


def rotation(n: int, angle: float, plane: tuple[int, int]) -> list[list[float]]:
    turned = np.eye(n)
    a, b = plane
    turned[[a, b], [a, b]] = np.cos(angle)
    turned[a, b], turned[b, a] = -np.sin(angle), np.sin(angle)
    return turned.tolist()


@st.composite
def vectors(draw: st.DrawFn, dims: str, count: int, name: str) -> xr.DataArray:
    """A field over dims of space and time."""
    at = 1 if dims.startswith("t") else 0
    order = (*dims[:at], name, *dims[at:])
    sizes = [count if d == name else draw(st.integers(1, 4)) for d in order]
    seed = draw(st.integers(0, 2**32 - 1))
    values = np.random.default_rng(seed).normal(size=sizes).astype("float32")
    da = xr.DataArray(values, dims=order)
    scale = {d: draw(positive) for d in dims}
    first = {d: draw(finite) for d in dims}
    return xo.assign_grid(da, scale=scale, translation=first)


@st.composite
def simple(draw: st.DrawFn, n: int) -> dict[str, Any]:
    """A transformation of n axes to as many, with its numbers in it."""
    kinds = ["identity", "scale", "translation", "affine"]
    kinds += ["mapAxis", "rotation"] if n > 1 else []
    kind = draw(st.sampled_from(kinds))
    if kind == "identity":
        return {"type": kind}
    if kind == "scale":
        return {"type": kind, kind: draw(st.lists(positive, min_size=n, max_size=n))}
    if kind == "translation":
        return {"type": kind, kind: draw(st.lists(finite, min_size=n, max_size=n))}
    if kind == "mapAxis":
        return {"type": kind, kind: draw(st.permutations(range(n)))}
    if kind == "rotation":
        plane = tuple(draw(st.permutations(range(n)))[:2])
        return {"type": kind, kind: rotation(n, draw(st.floats(-4, 4)), plane)}
    row = st.lists(finite, min_size=n + 1, max_size=n + 1)
    return {"type": kind, kind: draw(st.lists(row, min_size=n, max_size=n))}


@st.composite
def way(draw: st.DrawFn, dims: str, arrays: dict[str, Any]) -> dict[str, Any]:
    """A transformation of any type; numbers that are elsewhere go to `arrays`."""
    n = len(dims)
    place = "".join(d for d in dims if d != "c")
    first = dims.index(place[0])
    kind = draw(
        st.sampled_from(
            [
                *("simple", "sequence", "bijection", "byDimension", "projectAxis"),
                *("affine", "rotation", "displacements", "coordinates"),
            ]
        )
    )
    path = f"{FOLDER}/{draw(st.sampled_from('abcdef'))}{len(arrays)}"
    if kind == "simple":
        return draw(simple(n))
    if kind == "sequence":
        parts = draw(st.lists(way(dims, arrays), min_size=1, max_size=3))
        return {"type": kind, "transformations": parts}
    if kind == "bijection":
        return {
            "type": kind,
            "forward": draw(way(dims, arrays)),
            "inverse": draw(way(dims, arrays)),
        }
    if kind == "byDimension":
        order = draw(st.permutations(range(n)))
        cut = draw(st.integers(1, n))
        parts = [
            {
                "transformation": draw(simple(len(axes))),
                "inputAxes": list(axes),
                "outputAxes": list(axes),
            }
            for axes in (order[:cut], order[cut:])
            if axes
        ]
        return {"type": kind, "transformations": parts}
    if kind == "projectAxis":
        return {"type": kind, "droppedInputs": [0], "createdOutputs": [n - 1]}
    if kind == "affine":
        numbers = [[draw(finite) for _ in range(n + 1)] for _ in range(n)]
        arrays[path] = np.array(numbers)
        return {"type": kind, "path": path}
    if kind == "rotation":
        arrays[path] = np.array(rotation(n, draw(st.floats(-4, 4)), (n - 2, n - 1)))
        return {"type": kind, "path": path}
    # Channels have no positions: a field moves the others.
    axes = (
        list(range(n))[first:]
        if place == dims[first:]
        else [index for index, dim in enumerate(dims) if dim != "c"]
    )
    arrays[path] = draw(vectors(place, len(axes), kind.removesuffix("s")))
    leaf = {"type": kind, "path": path}
    if draw(st.booleans()):
        leaf["interpolation"] = draw(st.sampled_from(["nearest", "linear"]))
    if len(axes) == n:
        return leaf
    rest = [index for index in range(n) if index not in axes]
    parts = [
        {"transformation": leaf, "inputAxes": axes, "outputAxes": axes},
        {
            "transformation": {"type": "identity"},
            "inputAxes": rest,
            "outputAxes": rest,
        },
    ]
    return {"type": "byDimension", "transformations": parts}


@st.composite
def transforms(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    dims = DIMS[draw(st.integers(2, 5))]
    arrays: dict[str, Any] = {}
    systems, ways = [], []
    own = {"name": "physical"}
    for number in range(draw(st.integers(1, 4))):
        name = f"s{number}"
        systems.append(system(name, dims))
        ends = [own, {"name": name}]
        if draw(st.booleans()):
            ends.reverse()
        told = draw(way(dims, arrays))
        ways.append({**told, "input": ends[0], "output": ends[1]})
    if draw(st.booleans()):
        systems.insert(draw(st.integers(0, len(systems))), system("physical", dims))
    return dims, {
        "coordinateSystems": systems,
        "coordinateTransformations": ways,
        "arrays": arrays,
    }


def image(dims: str) -> xr.DataArray:
    """Pixels that are all different."""
    shape = [SIZES[d] for d in dims]
    pixels = np.arange(np.prod(shape), dtype="uint16").reshape(shape)
    return xr.DataArray(pixels, dims=list(dims), name="cells")
