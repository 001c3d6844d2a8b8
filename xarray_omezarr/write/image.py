"""One image, with its label images -> the hierarchy of both."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import xarray as xr

from xarray_omezarr.errors import OptionError
from xarray_omezarr.write.multiscale import plan_multiscale
from xarray_omezarr.write.tree import plan_tree

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.options import WriteOptions


def plan_labelled(
    obj: xr.DataArray | xr.DataTree,
    options: WriteOptions,
    *,
    image: str | None = None,
    labels: Mapping[str, xr.DataArray | xr.DataTree] | None = None,
    stem: str | None = None,
) -> Hierarchy:
    """Everything that will be stored for an image and its label images.

    Parameters
    ----------
    obj : xarray.DataArray or xarray.DataTree
        The image; a node of a tree holds it as a variable or as levels below, and
        its label images under ``labels``.
    options : WriteOptions
        All of them.
    image : str, optional
        Name of the variable in each level of a tree.
    labels : mapping, optional
        Label images by name.
    stem : str, optional
        Name to fall back to: the target's.

    Returns
    -------
    Hierarchy
        Nodes ``""``, ``"0"``, ..., ``"labels"``, ``"labels/cells"``,
        ``"labels/cells/0"``, ...; nothing is computed or written.
    """
    if labels:
        raise OptionError(f"labels are {[*labels]}, which are not written yet")
    if isinstance(obj, xr.DataTree):
        return plan_tree(obj, options, image, stem)
    return plan_multiscale(obj, options, stem)
