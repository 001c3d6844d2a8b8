"""Labels: what the standard demands of label images and of the group around them."""

from __future__ import annotations

from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.spot import Spot, is_integer
from xarray_omezarr.ngff.rules.versioned import check_version

_LABEL = "image-label"
_LABELS = "labels"


def check_label(label: Spot) -> None:
    """Measure the object ``image-label`` (RULES B8)."""
    if not label.is_object(f"{_LABEL}: an object"):
        return
    check_version(label, _LABEL)
    label.strictly(["colors"], f"{_LABEL}: has colors")
    if (colors := label.want("colors", f"{_LABEL}: has colors")) is not None:
        _check_colors(colors)
    if (properties := label.child("properties")) is not None:
        _check_properties(properties)
    source = label.child("source")
    if source is not None and source.is_object(f"{_LABEL}: source is an object"):
        source.text_member("image", f"{_LABEL}: path of the image")  # RULES B11


def _check_colors(colors: Spot) -> None:
    demand = f"{_LABEL}: colors are a list of different objects"  # RULES B9
    if not colors.is_list(demand, 1, unique=True):
        return
    for color in colors.items():
        value = _label_value(color)
        if value is not None and value.is_number(f"{_LABEL}: label-value"):
            if not is_integer(value.value):
                value.must(
                    f"is {seen(value.value)}, not an integer",
                    f"{_LABEL}: label-value is an integer",
                    "write the value of the pixels",
                )
        if (rgba := color.child("rgba")) is not None:
            _check_rgba(rgba)
    _check_one_per_label(colors)


def _label_value(entry: Spot) -> Spot | None:
    if not entry.is_object(f"{_LABEL}: entries are objects"):
        return None
    return entry.need("label-value", f"{_LABEL}: entries have a label-value")


def _check_rgba(rgba: Spot) -> None:
    demand = f"{_LABEL}: rgba is four integers from 0 to 255"
    if _is_rgba(rgba.value):
        return
    if rgba.is_list(demand, 4, 4):
        for part in list(rgba.items())[:4]:
            part.is_integer(demand, 0, 255)


def _is_rgba(value: object) -> bool:
    """Whether it surely is; asked first, as there may be a million of them."""
    if type(value) is not list or len(value) != 4:
        return False
    return all(type(part) is int and 0 <= part <= 255 for part in value)


def _check_one_per_label(colors: Spot) -> None:
    if not colors.follows_text:
        return
    known: set[float] = set()
    for color in colors.items():
        value = color.child("label-value")
        if value is None or not is_integer(value.value):
            continue
        if value.value in known:  # RULES B9
            demanded = colors.dialect.unique_label_colors
            (value.must if demanded else value.should)(
                f"is {seen(value.value)}, as in an earlier color",
                f"{_LABEL}: one color for each label",
                "remove one of them",
            )
        known.add(value.value)


def _check_properties(properties: Spot) -> None:
    demand = f"{_LABEL}: properties are a list of different objects"  # RULES B10
    if properties.is_list(demand, 1, unique=True):
        for entry in properties.items():
            if (value := _label_value(entry)) is not None:
                _check_whole(value)


def _check_whole(value: Spot) -> None:
    if not is_integer(value.value):
        value.error(
            f"is {seen(value.value)}, not an integer",
            f"{_LABEL}: label-value",
            "write the value of the pixels",
        )


def check_labels(labels: Spot) -> None:
    """Measure the list ``labels`` of the group around label images.

    No official schema knows it: only the text counts.
    """
    if not labels.follows_text:
        return
    demand = f"{_LABELS}: a list of the paths of the label images"  # RULES B1
    if not labels.is_list(demand, unique=True):
        return
    if not labels.value:
        report = labels.should if labels.dialect.empty_labels else labels.must
        report("is an empty list", demand, "list the labels, or remove the group")
    for path in labels.items():
        if path.is_text(demand) and not path.value.strip("/"):
            path.must("is empty", demand, "remove it, or name the label image")
