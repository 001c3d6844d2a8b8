"""The image in a Dataset: one of its variables, with the attributes beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xarray_omezarr.errors import OptionError
from xarray_omezarr.options import WriteOptions
from xarray_omezarr.write.keeping import check_attrs, plain_attrs

if TYPE_CHECKING:
    import xarray as xr


def image_of(
    ds: xr.Dataset, image: str | None, options: WriteOptions
) -> tuple[xr.DataArray, WriteOptions]:
    """The variable to write, and the options with the attributes of `ds`.

    Raises
    ------
    OptionError
        If `image` names no variable, or is missing where there are several.
    MetadataError
        If the option ``attrs`` is not JSON.
    """
    names = [str(name) for name in ds.data_vars]
    if image is None and len(names) == 1:
        image = names[0]
    if image not in names:
        said = "is not given" if image is None else f"is {image!r}"
        raise OptionError(
            f"image {said}, and the Dataset has the variables {names}; name one of "
            "them with image="
        )
    merged = WriteOptions(**options)
    merged["attrs"] = {**plain_attrs(ds.attrs), **check_attrs(options["attrs"])}
    return ds[image], merged
