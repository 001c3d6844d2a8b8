"""What versions before coordinate systems can hold of a model, and what they cannot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from xarray_omezarr.errors import NotInVersionError
from xarray_omezarr.ngff.base import Model, listed
from xarray_omezarr.ngff.folding import is_foldable
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.transforms import has_ends

if TYPE_CHECKING:
    from xarray_omezarr.ngff.transforms import Transformation

M = TypeVar("M", bound=Model)


def without_systems(model: M) -> tuple[M, tuple[str, ...]]:
    """The model with one unnamed coordinate system, and in words what it lost.

    Long names, ``discrete`` and unknown keys of axes do no harm in files of versions
    that do not know them: they stay.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Axis
    >>> axes = [Axis(name="y", type="space"), Axis(name="x", type="space")]
    >>> image = Image(multiscales=(Multiscale.of(axes, [Level.of("0", (1, 1))]),))
    >>> without_systems(image)[1]
    ()
    """
    if not isinstance(model, Image):
        return model, ()
    lost: list[str] = []
    pictures = tuple(_one_system(entry, lost) for entry in model.multiscales)
    if not lost:
        return model, ()
    return model.model_copy(update={"multiscales": pictures}), tuple(lost)


def refuse_lost(model: Model, lost: tuple[str, ...], version: str) -> None:
    """Raise `NotInVersionError` that names what a version cannot hold."""
    if lost:
        name = type(model).__name__
        raise NotInVersionError(
            f"OME-Zarr {version} has no place for parts of this {name}: "
            f"{listed(lost)}; choose a later version"
        )


def _one_system(multiscale: Multiscale, lost: list[str]) -> Multiscale:
    update: dict[str, Any] = {}
    for field, value in (
        ("levels", _plain_levels(multiscale, lost)),
        ("coordinate_transformations", _unnamed(multiscale, lost)),
        ("coordinate_systems", _intrinsic(multiscale, lost)),
        ("intrinsic", None),
    ):
        if value != getattr(multiscale, field):
            update[field] = value
    return multiscale.model_copy(update=update)


def _intrinsic(multiscale: Multiscale, lost: list[str]) -> tuple[Any, ...]:
    system = multiscale.system
    systems = multiscale.coordinate_systems
    further = [other.name for other in systems if other is not system]
    if further:
        lost.append(f"coordinateSystems {further}")
    if keys := sorted(system.extras()):
        lost.append(f"keys of the coordinate system {keys}")
        system = type(system)(name=system.name, axes=system.axes)
    return (system,)


def _unnamed(multiscale: Multiscale, lost: list[str]) -> tuple[Transformation, ...]:
    kept = []
    for transformation in multiscale.coordinate_transformations:
        if is_foldable(transformation) and not has_ends(transformation):
            kept.append(transformation)
        else:
            lost.append(f"coordinateTransformations {described(transformation)}")
    return tuple(kept)


def _plain_levels(multiscale: Multiscale, lost: list[str]) -> tuple[Level, ...]:
    levels = []
    for level in multiscale.levels:
        if ends := _ends(level.transformation):
            lost.append(
                f"{' and '.join(ends)} of the transformation of level {level.path!r}"
            )
            nowhere = {"input": None, "output": None}
            plain = level.transformation.model_copy(update=nowhere)
            level = level.model_copy(update={"transformation": plain})
        levels.append(level)
    return tuple(levels)


def _ends(transformation: Transformation) -> list[str]:
    ends = {"input": transformation.input, "output": transformation.output}
    return [name for name, end in ends.items() if end is not None]


def described(transformation: Transformation) -> str:
    """Its type, its name and where it leads."""
    words: Iterator[str] = (
        f"{word} {what!r}"
        for word, what in (
            ("called", transformation.name),
            ("from", _system(transformation, "input")),
            ("to", _system(transformation, "output")),
        )
        if what is not None
    )
    return " ".join([repr(transformation.type), *words])


def _system(transformation: Transformation, end: str) -> str | None:
    reference = getattr(transformation, end)
    return None if reference is None else reference.name or reference.path
