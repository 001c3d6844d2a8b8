"""What transformations keep in arrays of their group, and name by a path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from xarray_omezarr.ngff.base import Model
from xarray_omezarr.ngff.rules.inside import inside
from xarray_omezarr.ngff.transforms import (
    Affine,
    Bijection,
    ByDimension,
    Coordinates,
    Displacements,
    Rotation,
    Sequence,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from xarray_omezarr.ngff.scene import Scene
    from xarray_omezarr.ngff.transforms import Transformation

M = TypeVar("M", bound=Model)

_MATRICES = (Affine, Rotation)
_FIELDS = (Displacements, Coordinates)


@dataclass(frozen=True, slots=True)
class Named:
    """A matrix or field that a transformation names.

    Parameters
    ----------
    path : str
        As the transformation tells it.
    type : str
        Of the transformation.
    is_matrix : bool, optional
        Whether it is a matrix; otherwise it is a field. None where nobody tells.
    """

    path: str
    type: str
    is_matrix: bool | None


def named(transformation: Transformation) -> Iterator[Named]:
    """What a transformation names, and those in it.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Scale
    >>> turned = Sequence(transformations=(Scale(scale=(2, 2)), Rotation(path="turn")))
    >>> list(named(turned))
    [Named(path='turn', type='rotation', is_matrix=True)]
    """
    path = getattr(transformation, "path", None)
    if isinstance(transformation, (*_MATRICES, *_FIELDS)):
        if path is not None:
            is_matrix = isinstance(transformation, _MATRICES)
            yield Named(path, transformation.type, is_matrix)
        return
    for part in _parts(transformation):
        yield from named(part)


def _parts(transformation: Any) -> tuple[Transformation, ...]:
    if isinstance(transformation, Sequence):
        return transformation.transformations
    if isinstance(transformation, ByDimension):
        return tuple(part.transformation for part in transformation.transformations)
    if isinstance(transformation, Bijection):
        return transformation.forward, transformation.inverse
    return ()


def within(path: str) -> str:
    """A path as it counts from the group that tells it, which is its root.

    Raises
    ------
    ValueError
        If it leads elsewhere; the message tells how.

    Examples
    --------
    >>> within("/fields/./warp/")
    'fields/warp'
    """
    parts = [part for part in path.split("/") if part not in ("", ".")]
    trimmed = "/".join(parts)
    if reason := inside(trimmed):
        raise ValueError(reason)
    return trimmed


def image_paths(scene: Scene) -> tuple[dict[str, None], dict[str, str]]:
    """Paths of the images whose systems a scene names, and why others lead nowhere.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Identity, Scene, SystemReference
    >>> there = SystemReference(path="../other", name="physical")
    >>> same = Identity(input=SystemReference(path="a", name="physical"), output=there)
    >>> image_paths(Scene(coordinate_transformations=(same,)))
    ({'a': None}, {'../other': "it leads out of the group by '..'"})
    """
    found: dict[str, None] = {}
    elsewhere: dict[str, str] = {}
    for way in scene.coordinate_transformations:
        for end in (way.input, way.output):
            if end is None or not end.path:
                continue
            try:
                found[within(end.path)] = None
            except ValueError as reason:
                elsewhere[end.path] = str(reason)
    return found, elsewhere


def renamed(transformation: Any, rename: Callable[[str], str]) -> Any:
    """The transformation with other paths of what it names, those in it as well.

    Parameters
    ----------
    transformation : Transformation
        Of any type.
    rename : callable
        Gives the new path for one that is told.

    Examples
    --------
    >>> renamed(Affine(path="view"), lambda path: f"tile_0/{path}").path
    'tile_0/view'
    """
    whole = transformation
    if isinstance(whole, (*_MATRICES, *_FIELDS)):
        if whole.path is None:
            return transformation
        return _with(whole, path=rename(whole.path))
    if not any(True for _ in named(whole)):
        return transformation
    if isinstance(whole, Bijection):
        return _with(
            whole,
            forward=renamed(whole.forward, rename),
            inverse=renamed(whole.inverse, rename),
        )
    if isinstance(whole, ByDimension):
        parts = tuple(
            _with(part, transformation=renamed(part.transformation, rename))
            for part in whole.transformations
        )
        return _with(whole, transformations=parts)
    inner = tuple(renamed(part, rename) for part in whole.transformations)
    return _with(whole, transformations=inner)


def tidied(transformation: Any) -> Any:
    """The transformation with paths as one writes them; those elsewhere stay.

    Examples
    --------
    >>> from xarray_omezarr.ngff import SystemReference
    >>> there = SystemReference(path="./tile_0/", name="physical")
    >>> tidied(Affine(path="/view", input=there)).to_json()["input"]["path"]
    'tile_0'
    """
    ends = {
        key: _with(end, path=_tidy(end.path))
        for key in ("input", "output")
        if (end := getattr(transformation, key)) is not None and end.path
    }
    return _with(renamed(transformation, _tidy), **ends)


def _tidy(path: str) -> str:
    try:
        return within(path)
    except ValueError:
        return path


def _with(model: M, **update: Any) -> M:
    return model.model_copy(update=update)
