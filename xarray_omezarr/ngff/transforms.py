"""Transformations: how positions in one coordinate system become those in another.

Positions are those of pixel centres: index 0 is the centre of the first pixel.
Vectors have one entry per axis, in the order of the axes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import (
    AfterValidator,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from xarray_omezarr.ngff.base import OTHER_TYPE, Integer, Model, Number, Text
from xarray_omezarr.ngff.dimensions import outputs
from xarray_omezarr.ngff.matrices import rotation_problem, shape


class SystemReference(Model):
    """The coordinate system a transformation starts from or leads to."""

    name: Text | None = Field(default=None, description="Name of the system")
    path: Text | None = Field(
        default=None, description="Path of the array or image that has the system"
    )


class _Transformation(Model):
    """What all transformations share (RULES C3: name and both ends may be absent)."""

    name: Text | None = Field(default=None, description="Name of the transformation")
    input: SystemReference | None = Field(
        default=None, description="Where positions come from"
    )
    output: SystemReference | None = Field(
        default=None, description="Where positions lead to"
    )


def _not_negative(index: int) -> int:
    if index < 0:
        raise ValueError(f"is {index}: axes are counted from 0")
    return index


def _each_once(indices: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(indices)) < len(indices):
        raise ValueError(f"is {list(indices)}: give each axis once")
    return indices


Index: TypeAlias = Annotated[Integer, AfterValidator(_not_negative)]
#: Axes by their place, each once.
Indices: TypeAlias = Annotated[tuple[Index, ...], AfterValidator(_each_once)]
Rows: TypeAlias = tuple[tuple[Number, ...], ...]


class Identity(_Transformation):
    """Positions stay what they are."""

    type: Literal["identity"] = Field(
        default="identity", description="Always 'identity'"
    )


class Scale(_Transformation):
    """Positions are multiplied, axis by axis.

    Examples
    --------
    >>> Scale(scale=(0.5, 0.25)).to_json()
    {'type': 'scale', 'scale': [0.5, 0.25]}
    """

    type: Literal["scale"] = Field(default="scale", description="Always 'scale'")
    scale: tuple[Number, ...] = Field(
        min_length=1,
        description="Distance between neighbouring pixel centres per axis, in the "
        "unit of the axis",
    )


class Translation(_Transformation):
    """Positions are moved, axis by axis.

    Examples
    --------
    >>> Translation(translation=(10.0, 0.25)).to_json()
    {'type': 'translation', 'translation': [10.0, 0.25]}
    """

    type: Literal["translation"] = Field(
        default="translation", description="Always 'translation'"
    )
    translation: tuple[Number, ...] = Field(
        min_length=1,
        description="Position of the centre of the first pixel per axis, in the unit "
        "of the axis",
    )


class MapAxis(_Transformation):
    """Axes change their order.

    Examples
    --------
    >>> MapAxis(map_axis=(1, 0)).to_json()
    {'type': 'mapAxis', 'mapAxis': [1, 0]}
    """

    type: Literal["mapAxis"] = Field(default="mapAxis", description="Always 'mapAxis'")
    map_axis: tuple[Index, ...] = Field(
        min_length=1, description="For each output axis the input axis that it is"
    )

    @field_validator("map_axis")
    @classmethod
    def _is_permutation(cls, order: tuple[int, ...]) -> tuple[int, ...]:
        if sorted(order) != list(range(len(order))):
            raise ValueError(
                f"is {list(order)}: give each of 0 to {len(order) - 1} once"
            )
        return order


class ProjectAxis(_Transformation):
    """Axes are dropped, and others are made, where all positions are 0.

    Examples
    --------
    >>> ProjectAxis(dropped_inputs=(0,)).to_json()
    {'type': 'projectAxis', 'droppedInputs': [0]}
    """

    type: Literal["projectAxis"] = Field(
        default="projectAxis", description="Always 'projectAxis'"
    )
    dropped_inputs: Indices | None = Field(
        default=None, min_length=1, description="Input axes that are dropped"
    )
    created_outputs: Indices | None = Field(
        default=None, min_length=1, description="Output axes that are made"
    )

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.dropped_inputs is None and self.created_outputs is None:
            raise ValueError(
                "has neither droppedInputs nor createdOutputs: give at least one"
            )
        return self


class Affine(_Transformation):
    """Positions are multiplied with a matrix and moved.

    Examples
    --------
    >>> Affine(affine=((1, 0, 5), (0, 1, 7))).to_json()
    {'type': 'affine', 'affine': [[1.0, 0.0, 5.0], [0.0, 1.0, 7.0]]}
    """

    type: Literal["affine"] = Field(default="affine", description="Always 'affine'")
    affine: Rows | None = Field(
        default=None,
        description="One row for each output axis: a factor for each input axis, and "
        "what is added",
    )
    path: Text | None = Field(
        default=None, description="Path of the array with the numbers, instead of them"
    )

    @model_validator(mode="after")
    def _is_a_matrix(self) -> Self:
        _numbers_or_path(self, self.affine)
        if self.affine is not None and shape(self.affine)[1] < 2:
            raise ValueError("has one column: give a factor for each axis as well")
        return self


class Rotation(_Transformation):
    """Positions are turned about the origin.

    Examples
    --------
    >>> Rotation(rotation=((0, -1), (1, 0))).to_json()
    {'type': 'rotation', 'rotation': [[0.0, -1.0], [1.0, 0.0]]}
    """

    type: Literal["rotation"] = Field(
        default="rotation", description="Always 'rotation'"
    )
    rotation: Rows | None = Field(
        default=None, description="One row for each axis, with determinant 1"
    )
    path: Text | None = Field(
        default=None, description="Path of the array with the numbers, instead of them"
    )

    @model_validator(mode="after")
    def _turns(self) -> Self:
        _numbers_or_path(self, self.rotation)
        if self.rotation is not None:
            if problem := rotation_problem(self.rotation):
                raise ValueError(problem)
        return self


def _numbers_or_path(transformation: Affine | Rotation, rows: Rows | None) -> None:
    if (rows is None) == (transformation.path is None):
        both = "neither" if rows is None else "both"
        raise ValueError(
            f"has {both} of {transformation.type!r} and 'path': give one of them"
        )


class _Composed(_Transformation):
    @model_validator(mode="after")
    def _parts_fit(self) -> Self:
        # RULES C10: what one part gives the next one takes.
        outputs(self, None)
        return self


class Sequence(_Composed):
    """Several transformations, the first one applied first."""

    type: Literal["sequence"] = Field(
        default="sequence", description="Always 'sequence'"
    )
    transformations: tuple[Transformation, ...] = Field(
        min_length=1, description="The transformations, the first one applied first"
    )


class DimensionPart(Model):
    """A transformation of some axes."""

    transformation: Transformation = Field(description="From the axes to the axes")
    input_axes: Indices = Field(
        min_length=1, description="Input axes in the order in which it takes them"
    )
    output_axes: Indices = Field(
        min_length=1, description="Output axes in the order in which it gives them"
    )


class ByDimension(_Composed):
    """Several transformations, each of some axes.

    Examples
    --------
    >>> part = DimensionPart(
    ...     transformation=Scale(scale=(2,)), input_axes=(1,), output_axes=(0,)
    ... )
    >>> ByDimension(transformations=(part,)).type
    'byDimension'
    """

    type: Literal["byDimension"] = Field(
        default="byDimension", description="Always 'byDimension'"
    )
    transformations: tuple[DimensionPart, ...] = Field(
        min_length=1, description="Together they give each output axis once"
    )


class Bijection(_Composed):
    """A transformation, and the one that leads back."""

    type: Literal["bijection"] = Field(
        default="bijection", description="Always 'bijection'"
    )
    forward: Transformation = Field(description="From input to output")
    inverse: Transformation = Field(description="From output to input")


class _FieldOfVectors(_Transformation):
    path: Text = Field(
        min_length=1, description="Path of the image that holds a vector per pixel"
    )
    interpolation: Text | None = Field(
        default=None,
        description="How values between pixels are found: 'nearest' or 'linear'",
    )


class Displacements(_FieldOfVectors):
    """Positions are moved by vectors that an image holds."""

    type: Literal["displacements"] = Field(
        default="displacements", description="Always 'displacements'"
    )


class Coordinates(_FieldOfVectors):
    """Positions are looked up in an image."""

    type: Literal["coordinates"] = Field(
        default="coordinates", description="Always 'coordinates'"
    )


class UnknownTransformation(_Transformation):
    """A transformation of a type that is not known here: kept, never applied."""

    type: Text = Field(description="Any other type")


# The types of the standard (RULES 5), by what stands under "type".
_TYPES: dict[str, type[_Transformation]] = {
    "identity": Identity,
    "scale": Scale,
    "translation": Translation,
    "mapAxis": MapAxis,
    "projectAxis": ProjectAxis,
    "affine": Affine,
    "rotation": Rotation,
    "sequence": Sequence,
    "byDimension": ByDimension,
    "bijection": Bijection,
    "displacements": Displacements,
    "coordinates": Coordinates,
}


def _tag(value: Any) -> str | None:
    """Which model takes a value; None if it has no type."""
    kind = value.get("type") if isinstance(value, Mapping) else None
    if isinstance(value, _Transformation):
        kind = getattr(value, "type", None)
    if not isinstance(kind, str):
        return None
    return kind if kind in _TYPES else OTHER_TYPE


Transformation: TypeAlias = Annotated[
    Annotated[Identity, Tag("identity")]
    | Annotated[Scale, Tag("scale")]
    | Annotated[Translation, Tag("translation")]
    | Annotated[MapAxis, Tag("mapAxis")]
    | Annotated[ProjectAxis, Tag("projectAxis")]
    | Annotated[Affine, Tag("affine")]
    | Annotated[Rotation, Tag("rotation")]
    | Annotated[Sequence, Tag("sequence")]
    | Annotated[ByDimension, Tag("byDimension")]
    | Annotated[Bijection, Tag("bijection")]
    | Annotated[Displacements, Tag("displacements")]
    | Annotated[Coordinates, Tag("coordinates")]
    | Annotated[UnknownTransformation, Tag(OTHER_TYPE)],
    Discriminator(_tag),
]

for _model in (Sequence, DimensionPart, ByDimension, Bijection):
    _model.model_rebuild()


def parse_transformation(value: object, pointer: str) -> Transformation | None:
    """The transformation of a part of a document; None if it tells no type."""
    tag = _tag(value)
    if tag is None:
        return None
    model: Any = _TYPES.get(tag, UnknownTransformation)
    found: Transformation = model.parse(value, pointer)
    return found


def has_ends(transformation: Transformation) -> bool:
    """Whether a transformation tells a system that it starts from or leads to."""
    return transformation.input is not None or transformation.output is not None


def unnamed_ends(transformation: Transformation) -> list[str]:
    """The ends at which a transformation names no system."""
    ends = {"input": transformation.input, "output": transformation.output}
    return [key for key, end in ends.items() if end is None or end.name is None]
