from typing import Any

import pytest

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff import (
    Affine,
    Identity,
    Scale,
    Sequence,
    SystemReference,
    Translation,
)
from xarray_omezarr.transforming.composing import compose


def ends(start: str | None, end: str | None) -> dict[str, Any]:
    return {"input": SystemReference(name=start), "output": SystemReference(name=end)}


def test_the_first_one_is_applied_first() -> None:
    both = compose(
        Scale(scale=(2,), **ends("array", "physical")),
        Translation(translation=(5,), **ends("physical", "world")),
    )
    assert both.to_json() == {
        "type": "sequence",
        "input": {"name": "array"},
        "output": {"name": "world"},
        "transformations": [
            {"type": "scale", "scale": [2]},
            {"type": "translation", "translation": [5]},
        ],
    }


def test_sequences_are_laid_into_one() -> None:
    inner = Sequence(transformations=(Scale(scale=(2,)), Identity()))
    nested = Sequence(transformations=(inner, Translation(translation=(1,))))
    whole = compose(nested, inner)
    assert isinstance(whole, Sequence)
    types = [part.type for part in whole.transformations]
    assert types == ["scale", "identity", "translation", "scale", "identity"]


def test_a_single_transformation_stays_what_it_is() -> None:
    alone = Scale(scale=(2,), name="alone")
    assert compose(alone) is alone


def test_names_of_parts_are_kept() -> None:
    both = compose(Scale(scale=(2,), name="pixels"), Identity())
    assert isinstance(both, Sequence)
    assert both.transformations[0].name == "pixels"


def test_numbers_of_axes_must_follow() -> None:
    with pytest.raises(TransformationError, match="of 3 axes, and is given 1"):
        compose(Affine(affine=((1, 2, 3),)), Scale(scale=(1, 2, 3)))


def test_a_wrong_order_is_told_by_the_names_of_the_systems() -> None:
    pixels = Scale(scale=(2,), **ends("array", "physical"))
    moved = Translation(translation=(5,), **ends("physical", "world"))
    with pytest.raises(TransformationError, match=r"'world', and the next .*'array"):
        compose(moved, pixels)


def test_systems_without_a_name_are_taken_to_meet() -> None:
    pixels = Scale(scale=(2,), **ends(None, None))
    moved = Translation(translation=(5,), **ends("physical", "world"))
    assert compose(pixels, moved).output == SystemReference(name="world")
