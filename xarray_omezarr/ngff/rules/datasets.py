"""Datasets: scale and translation of the levels in versions without systems."""

from __future__ import annotations

from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.spot import Spot, numbers, text

_T = "transformations"
_ONLY = "scale and then, if there is one, translation"


def check_flat_transforms(transforms: Spot, axes: int | None) -> list[float] | None:
    """Measure a scale and a translation; the scale, if it is sound.

    Parameters
    ----------
    transforms : Spot
        The list ``coordinateTransformations``.
    axes : int, optional
        How many axes there are.
    """
    if not transforms.is_list(f"{_T}: a list of {_ONLY}", 1):
        return None
    for transform in transforms.items():
        _check_flat_transform(transform, axes)
    kinds = [text(transform, "type") for transform in transforms.value]
    if kinds.count("scale") != 1:  # RULES T2
        transforms.error(
            f"has {kinds.count('scale')} of type scale",
            f"{_T}: exactly one scale",
            "give one scale, and perhaps a translation after it",
        )
        return None
    _check_flat_order(transforms, kinds)
    scale = transforms.value[kinds.index("scale")].get("scale")
    return numbers(scale)


def _check_flat_transform(transform: Spot, axes: int | None) -> None:
    if not transform.is_object(f"{_T}: each is an object"):
        return
    kind = transform.need("type", f"{_T}: each has a type")
    demand = f"{_T}: only scale and translation"  # RULES T1
    if kind is None or not kind.is_one_of(("scale", "translation"), demand):
        return
    demand = f"{_T}: {kind.value} is a list of 2 or more numbers"  # RULES T6
    vector = transform.need(kind.value, demand)
    if vector is None:
        return
    # One fault: a number is missing for an axis, which the text says better.
    least = 0 if axes is not None and vector.follows_text else 2
    if not vector.is_list(demand, least):
        return
    for number in vector.items():
        is_number = number.is_number(demand)
        if is_number and kind.value == "scale" and number.value == 0:  # RULES 11: scale
            number.should(
                "is 0: all pixels are at one place",
                f"{_T}: scale is not zero",
                "write the distance of pixels, or 1.0 where it is not known",
            )
    if axes is not None and len(vector.value) != axes:  # RULES T4
        vector.must(
            f"has {len(vector.value)} numbers, but there are {axes} axes",
            f"{_T}: {kind.value} has one number for each axis",
            f"write {axes} numbers, 1.0 where there is no size",
        )


def _check_flat_order(transforms: Spot, kinds: list[str | None]) -> None:
    if kinds.count("translation") > 1:  # RULES T3
        transforms.must(
            f"has {kinds.count('translation')} of type translation",
            f"{_T}: at most one translation",
            "add them up",
        )
    if "translation" in kinds[: kinds.index("scale")]:  # RULES T3
        transforms.must(
            f"has the order {seen(kinds)}", f"{_T}: {_ONLY}", "write the scale first"
        )
