"""What the nodes of a DataTree are, hold and tell, for its accessor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

    from xarray_omezarr.validation import Report, Strictness


class NodeMethods:
    """Questions to a node of a tree."""

    _obj: xr.DataTree

    @property
    def kind(
        self,
    ) -> Literal["image", "labels", "plate", "well", "bioformats2raw", "scene"] | None:
        """What the node is, told by what it holds; None where it is nothing of it."""
        from xarray_omezarr import api

        return api.node_kind(self._obj)

    @property
    def levels(self) -> tuple[xr.Dataset, ...]:
        """The Datasets of the levels of an image node, finest first."""
        from xarray_omezarr import api

        return api.node_levels(self._obj)

    @property
    def label_properties(self) -> pd.DataFrame | None:
        """What is known of each value of a label image, one line per value."""
        from xarray_omezarr import api

        return api.label_properties(self._obj)

    @property
    def label_colors(self) -> dict[int, tuple[int, int, int, int]]:
        """Red, green, blue and alpha, 0 to 255, by value of a label image."""
        from xarray_omezarr import api

        return api.label_colors(self._obj)

    def validate(
        self,
        *,
        level: Strictness = "standard",
        data: bool | Literal["all"] = True,
    ) -> Report:
        """Measure the store that the tree was opened from with the rules.

        See `xarray_omezarr.validate`. What was changed in the tree since is not seen;
        write it, and give the store to that function.

        Parameters
        ----------
        level : {"standard", "schema", "strict"}
            Whose demands count.
        data : bool or "all"
            Whether chunks are decoded: a sample, or all of them.
        """
        from xarray_omezarr import validation

        return validation.validate_tree(self._obj, level=level, data=data)

    def stack(self, *, level: int = 0, acquisition: int | None = None) -> xr.Dataset:
        """The fields of a plate as one lazy Dataset.

        See `xarray_omezarr.open_plate` for what it holds.

        Parameters
        ----------
        level : int, default 0
            Which resolution; 0 is the finest.
        acquisition : int, optional
            Take the fields of this acquisition only.
        """
        from xarray_omezarr import api

        return api.stack_plate(self._obj, level=level, acquisition=acquisition)
