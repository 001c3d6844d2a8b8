from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr import testing


def test_images_have_coordinates_units_and_names():
    da = testing.image("tczyx")
    assert dict(da.sizes) == {"t": 2, "c": 3, "z": 5, "y": 37, "x": 53}
    assert da["t"].values.tolist() == [0, 2.5]
    assert da["t"].attrs["units"] == "second"
    assert da["z"].values.tolist() == [-3, -1.5, 0, 1.5, 3]
    assert da["c"].values.tolist() == ["channel 0", "channel 1", "channel 2"]


@pytest.mark.parametrize("dtype", testing.DTYPES)
def test_images_are_of_the_type_asked_for_and_not_constant(dtype):
    da = testing.image("yx", dtype=dtype)
    assert da.dtype == dtype
    assert np.unique(da).size > 1


def test_the_same_seed_gives_the_same_image_in_blocks_too():
    da = testing.image("yx", seed=3)
    blocks = testing.image("yx", seed=3, blocks=(10, 20))
    xr.testing.assert_identical(da, blocks.compute())
    assert blocks.chunks[0][:3] == (10, 10, 10)
    assert not da.equals(testing.image("yx", seed=4))


def test_a_round_trip_that_changes_something_is_told(tmp_path):
    da = testing.image("zyx")
    testing.assert_roundtrip(da, tmp_path / "same.ome.zarr")
    with pytest.raises(AssertionError, match="dims are"):
        testing.assert_roundtrip(da, tmp_path / "dims.ome.zarr", dims="tzyx")
    # Noise that counts as evenly spaced, and is not kept.
    noise = 1e-4 * (-1.0) ** np.arange(53)
    off = da.assign_coords(x=da["x"] + noise)
    with pytest.raises(AssertionError, match="Not equal to tolerance"):
        testing.assert_roundtrip(off, tmp_path / "coordinates.ome.zarr")


def test_it_is_imported_without_pytest():
    code = (
        "import sys; sys.modules['pytest'] = None; import xarray_omezarr.testing as t;"
        "print(t.image('yx').shape)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    assert done.stdout == "(37, 53)\n", done.stderr
