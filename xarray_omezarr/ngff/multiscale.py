"""Image: one picture at several resolutions, and how it shall be shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Any, Self

from pydantic import Field, field_validator, model_validator

from xarray_omezarr.ngff.axes import Axis, CoordinateSystem, check_axes, repeated_names
from xarray_omezarr.ngff.base import Model, Text
from xarray_omezarr.ngff.dimensions import fitting_problems, outputs
from xarray_omezarr.ngff.names import goes_up, names_elsewhere
from xarray_omezarr.ngff.omero import Omero, check_channels
from xarray_omezarr.ngff.plain import shown
from xarray_omezarr.ngff.transforms import (
    Identity,
    Scale,
    Transformation,
    Translation,
    has_ends,
)
from xarray_omezarr.ngff.transforms import Sequence as Chain

#: What the system of a picture is called that nobody named.
SYSTEM = "physical"


class Level(Model):
    """One resolution of an image: an array, and where its pixels lie.

    Examples
    --------
    >>> level = Level.of("1", scale=(2, 0.5, 0.5), translation=(0, 0.125, 0.125))
    >>> level.scale, level.translation
    ((2.0, 0.5, 0.5), (0.0, 0.125, 0.125))
    """

    path: Text = Field(
        description="Path of the array below the group of the image, with '/'"
    )
    transformation: Scale | Identity | Chain = Field(
        discriminator="type",
        description="From indices of pixel centres to positions in the first "
        "coordinate system: a scale, an identity, or a scale and then a translation",
    )

    @field_validator("path")
    @classmethod
    def _stays_below_the_group(cls, path: str) -> str:
        # RULES L11: levels lie below the group of the image. What points elsewhere
        # could make a reader open any file of its machine.
        refused = not path or path.startswith("/") or {"\\", "\0"} & set(path)
        if refused or goes_up(path) or names_elsewhere(path):
            raise ValueError(
                f"is {shown(path)}: give the path of an array below the image, such "
                "as '0', without '.', '..', backslash, drive or protocol"
            )
        return path

    @field_validator("transformation")
    @classmethod
    def _scale_then_translation(
        cls, transformation: Scale | Identity | Chain
    ) -> Scale | Identity | Chain:
        # RULES T2, T3 and C5: one scale, and after it at most one translation.
        if isinstance(transformation, Chain):
            kinds = [part.type for part in transformation.transformations]
            if kinds not in (["scale"], ["scale", "translation"]):
                raise ValueError(
                    f"is a sequence of {kinds}: give ['scale', 'translation']"
                )
        return transformation

    @classmethod
    def of(
        cls, path: str, scale: Sequence[float], translation: Sequence[float] = ()
    ) -> Self:
        """The level of an array.

        Parameters
        ----------
        path : str
            Path of the array below the group of the image.
        scale : sequence of float
            Distance between pixel centres per axis, in axis order and unit.
        translation : sequence of float
            Centre of the first pixel per axis; not written where all are zero.
        """
        first = Scale(scale=tuple(scale))
        if not any(translation):
            return cls(path=path, transformation=first)
        second = Translation(translation=tuple(translation))
        return cls(path=path, transformation=Chain(transformations=(first, second)))

    @property
    def scale(self) -> tuple[float, ...]:
        """Distance between pixel centres per axis, in axis order and unit.

        Empty for an identity, which has no numbers: its scale is 1 on every axis.
        """
        for part in self._parts():
            if isinstance(part, Scale):
                return part.scale
        return ()

    @property
    def translation(self) -> tuple[float, ...]:
        """Centre of the first pixel per axis, in axis order and unit."""
        for part in self._parts():
            if isinstance(part, Translation):
                return part.translation
        return (0.0,) * len(self.scale)

    def _parts(self) -> tuple[Transformation, ...]:
        if isinstance(self.transformation, Chain):
            return self.transformation.transformations
        return (self.transformation,)


class Multiscale(Model):
    """One picture at several resolutions, the finest first."""

    name: Text | None = Field(default=None, description="Name of the picture")
    coordinate_systems: tuple[CoordinateSystem, ...] = Field(
        min_length=1,
        description="What positions mean; the first system is the one to show the "
        "picture in",
    )
    intrinsic: Text | None = Field(
        default=None,
        description="Name of the system that the levels lead to; the first if not "
        "given",
    )
    levels: tuple[Level, ...] = Field(
        min_length=1, description="The resolutions, the finest first"
    )
    coordinate_transformations: tuple[Transformation, ...] = Field(
        default=(),
        description="Those without ends are applied after those of the levels, the "
        "first one first; the others lead from one system to another",
    )
    type: Text | None = Field(
        default=None, description="Method that made the coarser levels, such as 'mean'"
    )
    metadata: Any = Field(
        default=None,
        description="An object that says more about the method, such as its program",
    )

    @classmethod
    def of(
        cls,
        axes: Sequence[Axis],
        levels: Sequence[Level],
        *,
        name: str | None = None,
        type: str | None = None,
        metadata: Mapping[str, Any] | None = None,
        system: str = SYSTEM,
    ) -> Self:
        """The picture with one coordinate system.

        Parameters
        ----------
        axes : sequence of Axis
            In the order of the dimensions of the arrays.
        levels : sequence of Level
            The finest first.
        name : str, optional
            Name of the picture.
        type : str, optional
            Method that made the coarser levels, such as ``"mean"``.
        metadata : mapping, optional
            More about the method; JSON.
        system : str
            Name of the coordinate system.
        """
        systems = (CoordinateSystem(name=system, axes=tuple(axes)),)
        return cls(
            name=name,
            coordinate_systems=systems,
            levels=tuple(levels),
            type=type,
            metadata=metadata,
        )

    @property
    def system(self) -> CoordinateSystem:
        """The coordinate system that the levels lead to."""
        for system in self.coordinate_systems:
            if system.name == self.intrinsic:
                return system
        return self.coordinate_systems[0]

    @property
    def axes(self) -> tuple[Axis, ...]:
        """The axes of the arrays, in the order of their dimensions."""
        return self.system.axes

    @property
    def applied_after_levels(self) -> tuple[Transformation, ...]:
        """Transformations that move the picture as a whole, the first one first."""
        return tuple(t for t in self.coordinate_transformations if not has_ends(t))

    @property
    def between_systems(self) -> tuple[Transformation, ...]:
        """Transformations that lead from one system to another."""
        return tuple(t for t in self.coordinate_transformations if has_ends(t))

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        problems = [
            *check_axes(self.axes),
            *self._systems_with_one_name(),
            *self._no_such_system(),
            *self._paths_used_twice(),
            *self._vectors_of_other_length(),
            *self._ends_of_other_length(),
        ]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def _systems_with_one_name(self) -> Iterator[str]:
        # RULES C1: names of coordinate systems are unique.
        for name in repeated_names(self.coordinate_systems):
            yield f"has several coordinate systems called {name!r}: rename them"

    def _no_such_system(self) -> Iterator[str]:
        # RULES C6: the system that levels lead to exists.
        names = [system.name for system in self.coordinate_systems]
        if self.intrinsic is not None and self.intrinsic not in names:
            yield (
                f"has levels that lead to {self.intrinsic!r}, and the coordinate "
                f"systems {names}: name one of them"
            )

    def _paths_used_twice(self) -> Iterator[str]:
        counts = Counter(level.path for level in self.levels)
        for path in sorted(path for path, count in counts.items() if count > 1):
            yield f"has several levels with the path {path!r}: name each array once"

    def _vectors_of_other_length(self) -> Iterator[str]:
        # RULES T4 and C10: vectors have one entry per axis.
        count = len(self.axes)
        owned: list[tuple[str, Transformation]] = [
            (f"level {level.path!r}", level.transformation) for level in self.levels
        ]
        for after in self.applied_after_levels:
            owned.append(("coordinateTransformations", after))
        for owner, transformation in owned:
            try:
                outputs(transformation, count)
            except ValueError as error:
                yield f"has {count} axes, but {owner} {error}"

    def _ends_of_other_length(self) -> Iterator[str]:
        # RULES C10: transformations fit the systems at both ends.
        sizes = {system.name: len(system.axes) for system in self.coordinate_systems}
        for transformation in self.between_systems:
            yield from fitting_problems(transformation, sizes)


def check_levels(multiscale: Multiscale) -> list[str]:
    """Say where levels are not ordered from fine to coarse (RULES M4).

    Checkers compare every axis, so no scale may shrink, not even by rounding.
    """
    problems = []
    names = [axis.name for axis in multiscale.axes]
    identity = (1.0,) * len(names)
    for fine, coarse in pairwise(multiscale.levels):
        scales = (fine.scale or identity, coarse.scale or identity)
        for name, before, after in zip(names, *scales, strict=True):
            # Before 0.6 a scale may be negative; its size is what tells the level.
            if abs(after) < abs(before):
                problems.append(
                    f"level {coarse.path!r} has scale {after} along {name!r}, less "
                    f"than {before} of level {fine.path!r} before it: order levels "
                    "from fine to coarse"
                )
    return problems


class Image(Model):
    """The metadata of an image group.

    Examples
    --------
    >>> axes = [Axis(name="y", type="space"), Axis(name="x", type="space")]
    >>> cells = Multiscale.of(axes, [Level.of("0", (0.5, 0.5))], name="cells")
    >>> print(Image(multiscales=(cells,)).summary())
    image 'cells', axes yx, 1 level
    """

    multiscales: tuple[Multiscale, ...] = Field(
        min_length=1, description="The picture; a second one is rare"
    )
    omero: Omero | None = Field(
        default=None, description="How the channels shall be shown"
    )

    @property
    def multiscale(self) -> Multiscale:
        """The picture that readers take who were not told another (RULES M8)."""
        return self.multiscales[0]

    def summary(self) -> str:
        """One line for people."""
        picture = self.multiscale
        names = [axis.name for axis in picture.axes]
        axes = ("" if all(len(name) == 1 for name in names) else ", ").join(names)
        name = "" if picture.name is None else f" {picture.name!r}"
        count = len(picture.levels)
        return f"image{name}, axes {axes}, {count} level{'s' if count > 1 else ''}"


def check_for_writing(image: Image) -> list[str]:
    """Say which MUSTs an image breaks that files in use break and readers forgive.

    What a reader could not make sense of is refused already when an `Image` is
    made; this is the rest, which must not be written.
    """
    problems = [text for scale in image.multiscales for text in check_levels(scale)]
    # RULES M1: no two entries are equal.
    if any(first == second for first, second in combinations(image.multiscales, 2)):
        problems.append("multiscales has equal entries: give each picture once")
    if image.omero is not None:
        problems += check_channels(image.omero)
    return problems
