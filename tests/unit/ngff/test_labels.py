"""Label images: what their values mean, and which there are."""

from __future__ import annotations

import numpy as np
import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff import (
    Axis,
    Image,
    ImageLabel,
    LabelColor,
    LabelImage,
    LabelProperties,
    LabelsGroup,
    LabelSource,
    Level,
    Multiscale,
)
from xarray_omezarr.ngff.labels import check_image_label, check_labels

AXES = [Axis(name=name, type="space") for name in "yx"]
CELLS = Multiscale.of(AXES, [Level.of("0", (1, 1))], name="cells")


@pytest.mark.parametrize("value", [3, 3.0, np.int64(3), np.float32(3), 2**53 + 1])
def test_a_value_is_a_whole_number_however_it_is_spelled(value: object) -> None:
    color = LabelColor.model_validate({"label-value": value})
    assert color.label_value == value
    assert type(color.label_value) is int


@pytest.mark.parametrize("value", [1.5, "1", True, None, float("nan"), [1]])
def test_anything_else_is_no_value(value: object) -> None:
    with pytest.raises(MetadataError, match="/label-value is"):
        LabelProperties.model_validate({"label-value": value})


def test_numbers_that_arrays_hold_become_colours() -> None:
    color = LabelColor(label_value=1, rgba=tuple(np.array([0, 1, 254, 255])))
    assert color.to_json() == {"label-value": 1, "rgba": [0, 1, 254, 255]}


@pytest.mark.parametrize(
    "rgba",
    [
        (0, 0, 0),
        (0, 0, 0, 0, 0),
        (0, 0, 0, 256),
        (-1, 0, 0, 0),
        (0.5, 0, 0, 0),
        (True, 0, 0, 0),
        ("0", 0, 0, 0),
        "0000",
        "#ff0000",
    ],
)
def test_a_colour_is_four_numbers_from_0_to_255(rgba: object) -> None:
    with pytest.raises(MetadataError, match=r"/rgba is .*a whole number from 0 to 255"):
        LabelColor.model_validate({"label-value": 1, "rgba": rgba})


def test_a_colour_may_be_left_open() -> None:
    assert LabelColor(label_value=0).to_json() == {"label-value": 0}


def test_properties_hold_anything() -> None:
    json = {"label-value": 1, "area (pixels)": 1200, "class": {"name": "cell"}}
    assert LabelProperties.model_validate(json).to_json() == json


def test_a_label_image_is_an_image_and_more() -> None:
    label = LabelImage(multiscales=(CELLS,), image_label=ImageLabel())
    assert isinstance(label, Image)
    assert label.multiscale == CELLS
    assert label.image == Image(multiscales=(CELLS,))
    assert label != label.image


def test_unknown_keys_of_a_label_image_are_those_of_its_image() -> None:
    label = LabelImage(multiscales=(CELLS,), _creator={"name": "me"})
    assert label.image.extras() == {"_creator": {"name": "me"}}


def test_a_label_image_tells_what_it_knows_of_its_values() -> None:
    about = ImageLabel(
        colors=(LabelColor(label_value=1), LabelColor(label_value=2)),
        properties=(LabelProperties(label_value=1, area=2),),
        source=LabelSource(image="../../"),
    )
    label = LabelImage(multiscales=(CELLS,), image_label=about)
    assert label.summary() == (
        "label image 'cells', axes yx, 1 level, 2 colours, 1 value described"
    )


def test_several_values_described_are_told() -> None:
    about = ImageLabel(
        properties=(LabelProperties(label_value=1), LabelProperties(label_value=2))
    )
    label = LabelImage(multiscales=(CELLS,), image_label=about)
    assert label.summary().endswith(", 2 values described")


class TestChecking:
    def test_colours_and_properties_need_not_be_of_the_same_values(self) -> None:
        label = ImageLabel(
            colors=(LabelColor(label_value=1), LabelColor(label_value=2)),
            properties=(
                LabelProperties(label_value=1, frame=0),
                LabelProperties(label_value=1, frame=1),
            ),
        )
        assert check_image_label(label) == []

    def test_values_with_two_colours_are_told(self) -> None:
        values = [1, 2, 1, 3, 3]
        label = ImageLabel(colors=tuple(LabelColor(label_value=v) for v in values))
        assert check_image_label(label) == [
            "colors has several entries for the values [1, 3]: give one for each value"
        ]

    def test_equal_properties_are_told(self) -> None:
        same = LabelProperties(label_value=1, area=2)
        assert check_image_label(ImageLabel(properties=(same, same))) == [
            "properties has equal entries [\"{'label-value': 1, 'area': 2}\"]: give "
            "each once"
        ]

    def test_empty_lists_are_told(self) -> None:
        assert check_image_label(ImageLabel(colors=(), properties=())) == [
            "colors is empty: leave it out, or give one entry",
            "properties is empty: leave it out, or give one entry",
        ]

    def test_a_list_of_labels_is_neither_empty_nor_repetitive(self) -> None:
        assert check_labels(LabelsGroup(labels=("a", "b"))) == []
        assert check_labels(LabelsGroup(labels=())) == [
            "labels is empty: give one label, or make no group for them"
        ]
        assert check_labels(LabelsGroup(labels=("a", "b", "a"))) == [
            "labels lists ['a'] several times: list each label image once"
        ]


def test_labels_lie_below_their_group() -> None:
    with pytest.raises(MetadataError, match=r"/labels/1 is '\.\./0': give the path of"):
        LabelsGroup(labels=("a", "../0"))
