"""Transformations as values."""

from __future__ import annotations

import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff import Identity, Scale, Sequence, Translation
from xarray_omezarr.ngff.transforms import vector_lengths

CHAIN = {
    "type": "sequence",
    "transformations": [
        {"type": "scale", "scale": [2, 3]},
        {"type": "sequence", "transformations": [{"type": "identity"}]},
        {"type": "translation", "translation": [0.5, -1]},
    ],
}


def test_each_object_becomes_the_model_of_its_type() -> None:
    chain = Sequence.model_validate(CHAIN)
    assert chain == Sequence(
        transformations=(
            Scale(scale=(2.0, 3.0)),
            Sequence(transformations=(Identity(),)),
            Translation(translation=(0.5, -1.0)),
        )
    )
    assert chain.to_json() == CHAIN


def test_the_type_cannot_be_another() -> None:
    with pytest.raises(MetadataError, match="/type is 'translation'"):
        Scale.model_validate({"type": "translation", "scale": [1, 1]})


def test_an_unknown_type_is_told_with_the_known_ones() -> None:
    unknown = {"type": "sequence", "transformations": [{"type": "shear"}]}
    with pytest.raises(MetadataError, match=r"/transformations/0 .*'shear'.*'scale'"):
        Sequence.model_validate(unknown)


def test_a_missing_type_is_told() -> None:
    with pytest.raises(MetadataError, match="/transformations/0 "):
        Sequence.model_validate({"transformations": [{"scale": [1, 1]}]})


def test_both_ends_and_the_name_are_kept() -> None:
    json = {
        "type": "scale",
        "name": "calibration",
        "input": {"path": "0"},
        "output": {"name": "physical"},
        "scale": [1.0, 2.0],
    }
    scale = Scale.model_validate(json)
    assert scale.input is not None
    assert scale.input.path == "0"
    assert scale.to_json() == json


def test_an_end_that_is_null_is_no_end() -> None:
    scale = Scale.model_validate(
        {"scale": [1], "input": None, "output": {"name": None}}
    )
    assert scale.input is None
    assert scale.to_json() == {"type": "scale", "output": {}, "scale": [1.0]}


@pytest.mark.parametrize("empty", [(), []])
def test_a_vector_has_entries(empty: object) -> None:
    with pytest.raises(MetadataError, match=r"/scale is .*: give at least one entry"):
        Scale.model_validate({"scale": empty})
    with pytest.raises(MetadataError, match="/translation is "):
        Translation.model_validate({"translation": empty})
    with pytest.raises(MetadataError, match="/transformations is "):
        Sequence.model_validate({"transformations": empty})


def test_lengths_are_those_of_all_vectors_inside() -> None:
    uneven = Sequence(
        transformations=(Scale(scale=(1,)), Translation(translation=(0, 0)))
    )
    assert vector_lengths(uneven) == {1, 2}
    assert vector_lengths(Sequence.model_validate(CHAIN)) == {2}
    assert vector_lengths(Identity()) == set()
