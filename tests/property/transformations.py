"""Transformations by chance, of every type, and what they do by plain numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from xarray_omezarr.ngff import (
    Affine,
    Bijection,
    ByDimension,
    Coordinates,
    DimensionPart,
    Displacements,
    Identity,
    MapAxis,
    ProjectAxis,
    Rotation,
    Scale,
    Sequence,
    Translation,
)
from xarray_omezarr.transforming.inverting import invert
from xarray_omezarr.transforming.stored import Field

Floats = NDArray[np.float64]

#: Numbers as people write them, and not too far from 1.
moves = st.integers(-10_000, 10_000).map(lambda n: n / 100)
factors = st.integers(1, 5000).map(lambda n: n / 100)
signed = st.tuples(factors, st.sampled_from([1, -1])).map(
    lambda pair: pair[0] * pair[1]
)
seeds = st.integers(0, 2**32 - 1)


def vectors(ndim: int, numbers: Any) -> Any:
    return st.lists(numbers, min_size=ndim, max_size=ndim).map(tuple)


def points(ndim: int) -> Any:
    """Arrays of shape (5, ndim)."""
    rows = st.lists(vectors(ndim, st.floats(-1000, 1000)), min_size=5, max_size=5)
    return rows.map(lambda values: np.array(values, dtype=np.float64))


def turned(ndim: int, seed: int) -> Floats:
    """A matrix with orthonormal rows and determinant 1."""
    matrix, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(ndim, ndim)))
    if np.linalg.det(matrix) < 0:
        matrix[0] *= -1
    return np.asarray(matrix)


def rows(matrix: Floats) -> tuple[tuple[float, ...], ...]:
    return tuple(map(tuple, matrix.tolist()))


def _well_conditioned(ndim: int, seed: int) -> Affine:
    rng = np.random.default_rng(seed)
    stretch = rng.uniform(0.2, 5, ndim) * rng.choice([1, -1], ndim)
    middle = turned(ndim, seed) @ np.diag(stretch) @ turned(ndim, seed + 1)
    move = rng.uniform(-100, 100, (ndim, 1))
    return Affine(affine=rows(np.hstack([middle, move])))


def simple(ndim: int) -> dict[str, Any]:
    """Strategies by type, of those that have an inverse in closed form."""
    found = {
        "identity": st.just(Identity()),
        "scale": vectors(ndim, signed).map(lambda v: Scale(scale=v)),
        "translation": vectors(ndim, moves).map(lambda v: Translation(translation=v)),
        "affine": seeds.map(lambda seed: _well_conditioned(ndim, seed)),
    }
    if ndim > 1:  # the schemas know none along one axis
        found["mapAxis"] = st.permutations(range(ndim)).map(
            lambda order: MapAxis(map_axis=tuple(order))
        )
        found["rotation"] = seeds.map(
            lambda seed: Rotation(rotation=rows(turned(ndim, seed)))
        )
    return found


@st.composite
def by_dimension(draw: Callable[..., Any], ndim: int) -> ByDimension:
    """Each axis taken once and given once, in groups."""
    start = draw(st.permutations(range(ndim)))
    end = draw(st.permutations(range(ndim)))
    cut = draw(st.integers(0, ndim - 1))
    groups = [(0, ndim)] if not cut else [(0, cut), (cut, ndim)]
    parts = [
        DimensionPart(
            transformation=draw(st.one_of(*simple(b - a).values())),
            input_axes=tuple(start[a:b]),
            output_axes=tuple(end[a:b]),
        )
        for a, b in groups
    ]
    return ByDimension(transformations=tuple(parts))


@st.composite
def sequence(draw: Callable[..., Any], ndim: int) -> Sequence:
    part = st.one_of(*simple(ndim).values(), by_dimension(ndim))
    parts = draw(st.lists(part, min_size=1, max_size=3))
    if draw(st.booleans()):
        parts.append(Sequence(transformations=(draw(part), draw(part))))
    return Sequence(transformations=tuple(parts))


def bijection(ndim: int) -> Any:
    return st.one_of(*simple(ndim).values()).map(
        lambda there: Bijection(forward=there, inverse=invert(there))
    )


def square(ndim: int) -> dict[str, Any]:
    """Strategies by type, of all that lead back."""
    return {
        **simple(ndim),
        "byDimension": by_dimension(ndim),
        "sequence": sequence(ndim),
        "bijection": bijection(ndim),
    }


@st.composite
def projection(draw: Callable[..., Any], ndim: int) -> ProjectAxis:
    dropped = draw(st.sets(st.integers(0, ndim - 1), max_size=ndim - 1))
    created = draw(st.integers(0 if dropped else 1, 2))
    count = ndim - len(dropped) + created
    places = draw(
        st.sets(st.integers(0, count - 1), min_size=created, max_size=created)
    )
    return ProjectAxis(
        dropped_inputs=tuple(dropped) or None, created_outputs=tuple(places) or None
    )


@st.composite
def wide(draw: Callable[..., Any], ndim: int) -> Affine:
    """From so many axes to another number of them."""
    count = draw(st.integers(1, 5))
    numbers = draw(st.lists(vectors(ndim + 1, moves), min_size=count, max_size=count))
    return Affine(affine=tuple(numbers))


def linear(ndim: int) -> dict[str, Any]:
    """Strategies by type, of all that have a matrix."""
    return {**square(ndim), "projectAxis": projection(ndim), "wide": wide(ndim)}


def fields(ndim: int) -> dict[str, Field]:
    """What the transformations below name, by path."""
    rng = np.random.default_rng(ndim)
    shape = (4,) * ndim
    place = ((600.0,) * ndim, (-900.0,) * ndim)
    return {
        "displacements": Field(rng.normal(size=(ndim, *shape)), 0, *place),
        "coordinates": Field(rng.normal(size=(3, *shape)), 0, *place),
    }


def of_fields() -> dict[str, Any]:
    return {
        "displacements": Displacements(path="displacements"),
        "coordinates": Coordinates(path="coordinates"),
    }


def homogeneous(t: Any, ndim: int) -> Floats:
    """The matrix of shape (M + 1, N + 1), by the words of the standard."""
    matrix = np.eye(ndim + 1)
    if t.type == "scale":
        matrix[:-1, :-1] = np.diag(t.scale)
    elif t.type == "translation":
        matrix[:-1, -1] = t.translation
    elif t.type == "rotation":
        matrix[:-1, :-1] = t.rotation
    elif t.type == "affine":
        matrix = np.vstack([t.affine, np.eye(ndim + 1)[-1]])
    elif t.type == "mapAxis":
        matrix = matrix[[*t.map_axis, ndim]]
    elif t.type == "projectAxis":
        matrix = np.delete(matrix, t.dropped_inputs or (), axis=0)
        for place in sorted(t.created_outputs or ()):
            matrix = np.insert(matrix, place, 0, axis=0)
    elif t.type == "sequence":
        for part in t.transformations:
            matrix = homogeneous(part, len(matrix) - 1) @ matrix
    elif t.type == "bijection":
        matrix = homogeneous(t.forward, ndim)
    elif t.type == "byDimension":
        matrix = np.zeros((ndim + 1, ndim + 1))
        matrix[-1, -1] = 1
        for part in t.transformations:
            inner = homogeneous(part.transformation, len(part.input_axes))
            matrix[np.ix_(part.output_axes, part.input_axes)] = inner[:-1, :-1]
            matrix[part.output_axes, -1] = inner[:-1, -1]
    return matrix


def moved(t: Any, positions: Floats) -> Floats:
    """Positions by one product with that matrix."""
    matrix = homogeneous(t, positions.shape[1])
    ones = np.ones((len(positions), 1))
    return (np.hstack([positions, ones]) @ matrix.T)[:, :-1]


def size(t: Any, positions: Floats) -> float:
    """How large the terms are that add up to positions, to tell what rounding makes."""
    matrix = np.abs(homogeneous(t, positions.shape[1]))
    ones = np.ones((len(positions), 1))
    return float((np.hstack([np.abs(positions), ones]) @ matrix.T).max())
