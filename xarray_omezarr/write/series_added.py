"""One series more: what a collection says of it afterwards.

These are called with what a group says at that moment, under a lock.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xarray_omezarr.hierarchy import natural_order
from xarray_omezarr.ngff.bioformats2raw import Bioformats2Raw, Series
from xarray_omezarr.write.members import inserted, other_kind

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Model


@dataclass(frozen=True, slots=True)
class AsCollection:
    """The root of a collection."""

    def __call__(self, model: Model | None) -> Bioformats2Raw:
        """The root as it shall be."""
        if model is None:
            return Bioformats2Raw()
        if not isinstance(model, Bioformats2Raw):
            raise other_kind("a collection", model)
        return model


@dataclass(slots=True)
class AddSeries:
    """The list of the images of a collection, with one more.

    Parameters
    ----------
    path : str
        Of the image.
    known : tuple of str
        Those that there are in a collection that has no list.
    in_order : bool
        Whether they are those of a plate, which come in the order of its fields.
    listed : Series, optional
        What was listed when this was called last, for the OME-XML describes it.
    is_new : bool
        Whether it was not listed before that.
    """

    path: str
    known: tuple[str, ...] = ()
    in_order: bool = False
    listed: Series | None = None
    is_new: bool = False

    def __call__(self, model: Model | None) -> Series:
        """The list as it shall be."""
        if model is not None and not isinstance(model, Series):
            raise other_kind("the list of a collection", model)
        if model is None:
            model = Series(series=self.known)
        self.is_new = self.path not in model.series
        if self.is_new:
            model = model.model_copy(update={"series": self._with(model.series)})
        self.listed = model
        return model

    def _with(self, series: tuple[str, ...]) -> tuple[str, ...]:
        if not self.in_order:
            return (*series, self.path)
        return inserted(series, self.path, natural_order)
