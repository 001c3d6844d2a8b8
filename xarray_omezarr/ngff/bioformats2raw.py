"""Collections: several images in one store, in the layout of bioformats2raw."""

from __future__ import annotations

from pydantic import Field

from xarray_omezarr.ngff.base import Integer, Model
from xarray_omezarr.ngff.paths import Below, repeated

#: The only number that the standard gives a meaning (RULES F1).
LAYOUT = 3


class Bioformats2Raw(Model):
    """The metadata of the root of a collection.

    Examples
    --------
    >>> Bioformats2Raw().to_json()
    {'bioformats2raw.layout': 3}
    """

    layout: Integer = Field(
        default=LAYOUT,
        validation_alias="bioformats2raw.layout",
        serialization_alias="bioformats2raw.layout",
        description="Number of the layout; 3 is the only one",
    )

    def summary(self) -> str:
        """One line for people."""
        return f"collection of images (bioformats2raw.layout {self.layout})"


class Series(Model):
    """The metadata of the group ``OME`` of a collection.

    Examples
    --------
    >>> print(Series(series=("0", "1")).summary())
    2 series: 0, 1
    """

    series: tuple[Below, ...] = Field(
        description="Paths of the images from the root of the collection, in the "
        "order of the images in OME/METADATA.ome.xml"
    )

    def summary(self) -> str:
        """One line for people."""
        shown = [*self.series[:8], *(["..."] if len(self.series) > 8 else [])]
        return f"{len(self.series)} series: {', '.join(shown)}"


def check_layout(root: Bioformats2Raw) -> list[str]:
    """Say whether the root of a collection tells another layout than the one known."""
    # RULES F1: the number 3.
    if root.layout != LAYOUT:
        return [f"bioformats2raw.layout is {root.layout}: give {LAYOUT}"]
    return []


def check_series(group: Series) -> list[str]:
    """Say which rules for the list of series are broken.

    Examples
    --------
    >>> check_series(Series(series=("0", "0")))
    ["series lists ['0'] several times: list each image once"]
    """
    # RULES F2 and F6: one path for each image.
    if not group.series:
        return ["series is empty: give the path of one image at least"]
    if twice := repeated(group.series):
        return [f"series lists {twice} several times: list each image once"]
    return []
