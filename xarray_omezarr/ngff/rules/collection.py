"""Collections: what the standard demands of several images in one hierarchy."""

from __future__ import annotations

from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.spot import Spot, is_number

_LAYOUT = 3


def check_layout(layout: Spot) -> None:
    """Measure ``bioformats2raw.layout``."""
    demand = f"bioformats2raw.layout: the number {_LAYOUT}"  # RULES F1
    if not (is_number(layout.value) and layout.value == _LAYOUT):
        layout.error(
            f"is {seen(layout.value)}, not {_LAYOUT}", demand, f"write {_LAYOUT}"
        )


def check_series(series: Spot) -> None:
    """Measure the list ``series`` (RULES F2)."""
    demand = "series: a list of the paths of images"
    if series.is_list(demand):
        for path in series.items():
            path.is_text(demand)
        if not series.value:
            series.should("is an empty list", demand, "list the images")
