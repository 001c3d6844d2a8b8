"""One image with its label images, in one plan."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import OmeZarrError
from xarray_omezarr.hierarchy import Downsampled, Given
from xarray_omezarr.ngff.labels import LabelsGroup
from xarray_omezarr.options import complete
from xarray_omezarr.write.image import plan_labelled

OPTIONS = complete({"scale_factors": [2], "chunks": 8})


def pixels(dtype="u2"):
    return xr.DataArray(np.zeros((16, 16), dtype), dims=("y", "x"))


def node():
    """A field as a tree has it: a level, and a group of labels."""
    return xr.DataTree.from_dict(
        {
            "0": xr.Dataset({"image": pixels()}),
            "labels/cells": xr.Dataset({"labels": pixels("u4")}),
            "labels/nuclei/0": xr.Dataset({"labels": pixels("u1")}),
        }
    )


def test_an_image_alone_has_no_group_of_labels() -> None:
    assert [*plan_labelled(pixels(), OPTIONS).nodes] == ["", "0", "1"]


@pytest.mark.parametrize(
    ("obj", "labels"),
    [
        (pixels(), {"cells": pixels("u4"), "nuclei": pixels("u1")}),
        (node(), None),
    ],
)
def test_labels_lie_below_the_image_and_are_listed(obj, labels) -> None:
    planned = plan_labelled(obj, OPTIONS, labels=labels)
    assert planned.group("labels").model == LabelsGroup(labels=("cells", "nuclei"))
    arrays = {path: (a.shape, str(a.dtype)) for path, a in planned.arrays.items()}
    assert arrays == {
        "0": ((16, 16), "uint16"),
        "1": ((8, 8), "uint16"),
        "labels/cells/0": ((16, 16), "uint32"),
        "labels/cells/1": ((8, 8), "uint32"),
        "labels/nuclei/0": ((16, 16), "uint8"),
        "labels/nuclei/1": ((8, 8), "uint8"),
    }


def test_labels_follow_the_layout_of_the_image_and_not_its_method() -> None:
    options = complete({"scale_factors": [2], "chunks": 8, "method": "mean"})
    planned = plan_labelled(pixels(), options, labels={"cells": pixels("u4")})
    assert planned.array("1").source == Downsampled("0", (2, 2), "mean")
    made = Downsampled("labels/cells/0", (2, 2), "mode")
    assert planned.array("labels/cells/1").source == made
    assert isinstance(planned.array("labels/cells/0").source, Given)
    assert planned.array("labels/cells/0").layout.chunks == (8, 8)


def test_what_is_wrong_with_image_and_labels_is_told() -> None:
    wrong = {"cells": pixels("f4"), "nuclei": pixels().isel(x=slice(3))}
    with pytest.raises(OmeZarrError) as caught:
        plan_labelled(pixels(), OPTIONS, labels=wrong)
    told = [str(problem) for problem in caught.value.exceptions]
    assert len(told) == 2
    assert all(name in text for name, text in zip(wrong, told, strict=True))
