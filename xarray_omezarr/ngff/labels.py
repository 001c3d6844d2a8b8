"""Labels: which images are segmentations, of what, and what their values mean."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from xarray_omezarr.ngff.base import Integer, Model, Text
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.paths import Below, repeated
from xarray_omezarr.ngff.plain import shown, unboxed

#: The image that a label image belongs to where its ``source`` tells none (RULES B11).
DEFAULT_SOURCE = "../../"

_BYTES = range(256)


def _rgba(value: object) -> object:
    # RULES B9: four whole numbers between 0 and 255.
    parts = tuple(map(unboxed, value)) if isinstance(value, list | tuple) else ()
    if len(parts) != 4 or not all(map(_is_byte, parts)):
        raise ValueError(
            f"is {shown(value)}: give red, green, blue and alpha, each a whole number "
            "from 0 to 255"
        )
    return parts


def _is_byte(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255


class LabelColor(Model):
    """How one value of a label image shall be shown.

    Examples
    --------
    >>> LabelColor(label_value=3, rgba=(255, 128, 0, 255)).to_json()
    {'label-value': 3, 'rgba': [255, 128, 0, 255]}
    """

    label_value: Integer = Field(
        validation_alias="label-value",
        serialization_alias="label-value",
        description="Value of the pixels that have this colour",
    )
    rgba: Annotated[tuple[int, int, int, int], BeforeValidator(_rgba)] | None = Field(
        default=None,
        description="Red, green, blue and alpha, each from 0 to 255; None: not shown "
        "in a colour of its own",
    )


class LabelProperties(Model):
    """What is known of one value of a label image: any further keys.

    Examples
    --------
    >>> LabelProperties(label_value=3, area=120.5).to_json()
    {'label-value': 3, 'area': 120.5}
    """

    label_value: Integer = Field(
        validation_alias="label-value",
        serialization_alias="label-value",
        description="Value of the pixels that this is about",
    )


class LabelSource(Model):
    """Where the image is that was segmented."""

    image: Text | None = Field(
        default=None,
        description="Path from the group of the label image to that of the image; "
        "'../../' where none is given",
    )


class ImageLabel(Model):
    """What the values of a label image mean."""

    colors: tuple[LabelColor, ...] | None = Field(
        default=None, description="Colours by value, each value once"
    )
    properties: tuple[LabelProperties, ...] | None = Field(
        default=None, description="What is known of each value"
    )
    source: LabelSource | None = Field(
        default=None, description="The image that was segmented"
    )


class LabelImage(Image):
    """The metadata of a label image group: an image whose values are names of things.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Axis, Level, Multiscale
    >>> axes = [Axis(name="y", type="space"), Axis(name="x", type="space")]
    >>> cells = Multiscale.of(axes, [Level.of("0", (0.5, 0.5))], name="cells")
    >>> red = LabelColor(label_value=1, rgba=(255, 0, 0, 255))
    >>> label = LabelImage(multiscales=(cells,), image_label=ImageLabel(colors=(red,)))
    >>> print(label.summary())
    label image 'cells', axes yx, 1 level, 1 colour
    """

    image_label: ImageLabel = Field(
        default_factory=ImageLabel,
        validation_alias="image-label",
        serialization_alias="image-label",
        description="What the values of the pixels mean",
    )

    @property
    def image(self) -> Image:
        """The same as an image, without what the values mean."""
        return Image(multiscales=self.multiscales, omero=self.omero, **self.extras())

    def summary(self) -> str:
        """One line for people."""
        known = [
            _count(len(entries), one, several)
            for entries, one, several in (
                (self.image_label.colors or (), "colour", "colours"),
                (
                    self.image_label.properties or (),
                    "value described",
                    "values described",
                ),
            )
            if entries
        ]
        return ", ".join([f"label {super().summary()}", *known])


class LabelsGroup(Model):
    """The metadata of the group ``labels`` beside the levels of an image.

    Examples
    --------
    >>> print(LabelsGroup(labels=("cells", "nuclei")).summary())
    2 labels: cells, nuclei
    """

    labels: tuple[Below, ...] = Field(
        description="Paths of the label images below this group, in order"
    )

    def summary(self) -> str:
        """One line for people."""
        return f"{_count(len(self.labels), 'label', 'labels')}: " + ", ".join(
            self.labels
        )


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"


def check_image_label(label: ImageLabel) -> list[str]:
    """Say which MUSTs of the standard break the description of a label image.

    Readers forgive them; they are not written.

    Examples
    --------
    >>> twice = (LabelColor(label_value=1), LabelColor(label_value=1))
    >>> check_image_label(ImageLabel(colors=twice))
    ['colors has several entries for the values [1]: give one for each value']
    """
    problems = []
    for key, entries in (("colors", label.colors), ("properties", label.properties)):
        # RULES B9 and B10: lists of colours and properties have an entry at least.
        if entries == ():
            problems.append(f"{key} is empty: leave it out, or give one entry")
    # RULES B9: values of colours are unique.
    if twice := repeated(color.label_value for color in label.colors or ()):
        problems.append(
            f"colors has several entries for the values {twice}: give one for each "
            "value"
        )
    # RULES B10: no two entries of properties are equal.
    spelled = [repr(entry.to_json()) for entry in label.properties or ()]
    if twice := repeated(spelled):
        problems.append(f"properties has equal entries {twice}: give each once")
    return problems


def check_labels(group: LabelsGroup) -> list[str]:
    """Say which rules for the list of label images are broken.

    Examples
    --------
    >>> check_labels(LabelsGroup(labels=()))
    ['labels is empty: give one label, or make no group for them']
    """
    # RULES B1; an empty list says nothing, and readers refuse it (section 13, 4).
    if not group.labels:
        return ["labels is empty: give one label, or make no group for them"]
    if twice := repeated(group.labels):
        return [f"labels lists {twice} several times: list each label image once"]
    return []
