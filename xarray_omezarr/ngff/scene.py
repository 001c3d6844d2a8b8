"""Scene: where several images lie, by transformations between their systems."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator

from xarray_omezarr.ngff.axes import CoordinateSystem, repeated_names
from xarray_omezarr.ngff.base import Model
from xarray_omezarr.ngff.dimensions import fitting_problems
from xarray_omezarr.ngff.transforms import Transformation, unnamed_ends


class Scene(Model):
    """The metadata of a group of images that share a space.

    Examples
    --------
    >>> from xarray_omezarr.ngff import SystemReference, Translation
    >>> moved = Translation(
    ...     translation=(0, 10),
    ...     input=SystemReference(name="physical", path="tile_1"),
    ...     output=SystemReference(name="physical", path="tile_0"),
    ... )
    >>> print(Scene(coordinate_transformations=(moved,)).summary())
    scene, 1 transformation
    """

    coordinate_systems: tuple[CoordinateSystem, ...] = Field(
        default=(),
        description="Systems of the scene itself; the first is the one to show it in",
    )
    coordinate_transformations: tuple[Transformation, ...] = Field(
        min_length=1, description="Between systems of images, and those of the scene"
    )
    beside: dict[str, Any] = Field(
        default_factory=dict, description="Unknown keys beside the scene"
    )

    @field_validator("coordinate_systems")
    @classmethod
    def _names_are_unique(
        cls, systems: tuple[CoordinateSystem, ...]
    ) -> tuple[CoordinateSystem, ...]:
        # RULES C1
        if twice := repeated_names(systems):
            raise ValueError(f"has several systems called {twice}: rename them")
        return systems

    def members(self) -> dict[str, Any]:
        """All values by JSON key; empty lists that may be left out are."""
        members = super().members()
        for key in ("coordinateSystems", "beside"):
            if not members[key]:
                del members[key]
        return members

    def summary(self) -> str:
        """One line for people."""
        count = len(self.coordinate_transformations)
        return f"scene, {count} transformation{'s' if count > 1 else ''}"


def check_scene(scene: Scene) -> list[str]:
    """Say which MUSTs of the standard a scene breaks; it must not be written.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Identity
    >>> check_scene(Scene(coordinate_transformations=(Identity(),)))
    ["'identity' names no system as its ['input', 'output']: both ends have a name"]
    """
    sizes = {system.name: len(system.axes) for system in scene.coordinate_systems}
    problems = []
    for transformation in scene.coordinate_transformations:
        # RULES C8: both ends have a name.
        if ends := unnamed_ends(transformation):
            problems.append(
                f"{transformation.type!r} names no system as its {ends}: both ends "
                "have a name"
            )
        problems += fitting_problems(transformation, sizes)
    return problems
