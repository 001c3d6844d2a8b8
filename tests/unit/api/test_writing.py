"""What is new is not written with the options for what exists."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.errors import OptionError

AMENDING = [{"region": {"y": 0}}, {"append_dim": "t"}, {"mode": "r+"}]
INSTEAD = {
    "write_plate": "to_field",
    "plan_plate": "to_field",
    "write_bioformats2raw": "to_series",
    "plan_bioformats2raw": "to_series",
    "prepare_plate": "afterwards",
    "prepare_bioformats2raw": "afterwards",
}


@pytest.mark.parametrize("options", AMENDING, ids=str)
@pytest.mark.parametrize("verb", [*INSTEAD])
def test_options_for_what_exists_are_refused_with_what_to_do(verb, options) -> None:
    store = () if verb.startswith("plan") else (MemoryStore(),)
    da = xr.DataArray(np.zeros((8, 8), "u1"), dims=("y", "x"))
    images = {"A/1/0": da} if "plate" in verb else {"0": da}
    with pytest.raises(OptionError, match=f"something new.*{INSTEAD[verb]}") as caught:
        getattr(xo, verb)(images, *store, **options)
    assert next(iter(options)) in str(caught.value)


@pytest.mark.parametrize("options", AMENDING, ids=str)
@pytest.mark.parametrize("verb", ["plan_labels", "prepare_labels"])
def test_labels_that_are_new_are_no_part_of_others(verb, options) -> None:
    da = xr.DataArray(np.zeros((8, 8), "u1"), dims=("y", "x"))
    group = xo.write_image(da, MemoryStore(), scale_factors=None)
    with pytest.raises(OptionError, match=r"something new.*to_labels"):
        getattr(xo, verb)({"cells": da}, group, **options)
