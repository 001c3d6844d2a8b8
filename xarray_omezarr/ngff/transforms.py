"""Transformations: how positions in one coordinate system become those in another.

Positions are those of pixel centres: index 0 is the centre of the first pixel.
Vectors have one entry per axis, in the order of the axes.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from xarray_omezarr.ngff.base import Model, Number, Text


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


class Sequence(_Transformation):
    """Several transformations, the first one applied first."""

    type: Literal["sequence"] = Field(
        default="sequence", description="Always 'sequence'"
    )
    transformations: tuple[Transformation, ...] = Field(
        min_length=1, description="The transformations, the first one applied first"
    )


Transformation: TypeAlias = Annotated[
    Identity | Scale | Translation | Sequence, Field(discriminator="type")
]

Sequence.model_rebuild()


def vector_lengths(
    transformation: Identity | Scale | Translation | Sequence,
) -> set[int]:
    """The lengths of all vectors inside; empty where there are none (identities)."""
    if isinstance(transformation, Scale):
        return {len(transformation.scale)}
    if isinstance(transformation, Translation):
        return {len(transformation.translation)}
    if isinstance(transformation, Sequence):
        parts = transformation.transformations
        return {length for part in parts for length in vector_lengths(part)}
    return set()
