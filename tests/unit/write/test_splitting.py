"""An array of many images is cut into them, nothing computed."""

from __future__ import annotations

import dask
import dask.array
import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.hierarchy import Hierarchy
from xarray_omezarr.options import complete
from xarray_omezarr.write.multiscale import plan_multiscale
from xarray_omezarr.write.splitting import Filler, Split, along, without_multiindex

PIXELS = np.arange(2 * 3 * 2 * 8 * 6, dtype="uint16").reshape(2, 3, 2, 8, 6)
DIMS = ("well", "field", "c", "y", "x")
WELLS = ["A1", "A2"]


def array(pixels=PIXELS, **coords):
    return xr.DataArray(
        pixels,
        {
            "well": ["A1", "A2"],
            "c": ["a", "b"],
            "power": ("field", [1, 2, 3]),
            **coords,
        },
        DIMS,
        attrs={"n": 1, "plate": {"name": "p"}},
    )


def lazy():
    """Pixels that fail when they are computed."""

    def fail(block):
        raise AssertionError("computed")

    chunks = dask.array.from_array(PIXELS, chunks=(1, 2, 1, 5, 6))
    return array(chunks.map_blocks(fail, dtype="uint16", meta=np.empty((0,) * 5, "u2")))


# Images.
def test_an_image_is_what_lies_at_its_index() -> None:
    split = Split.of(array(), ("well", "field"), ["well"], ["plate"])
    assert split.shape == (2, 3)
    image = split.image((1, 2))
    np.testing.assert_array_equal(image.values, PIXELS[1, 2])
    assert image.dims == ("c", "y", "x")
    assert float(image["power"]) == 3
    assert "well" not in image.coords
    assert image.attrs == {"n": 1}


def test_dims_may_be_cut_in_any_order() -> None:
    split = Split.of(array(), ("field", "well"))
    np.testing.assert_array_equal(split.image((2, 0)).values, PIXELS[0, 2])


def test_the_array_of_the_caller_stays_as_it_is() -> None:
    da = array()
    before = da.copy(deep=True)
    Split.of(da, ("well", "field"), ["power"], ["plate"]).image((0, 0)).attrs["m"] = 2
    xr.testing.assert_identical(da, before)


def test_images_of_dask_have_no_pixels_and_compute_none() -> None:
    split = Split.of(lazy(), ("well", "field"))
    image = split.image((1, 1))
    assert (image.shape, image.dtype) == ((2, 8, 6), np.dtype("uint16"))
    assert not dask.is_dask_collection(image.data)
    # One zero that is seen from everywhere.
    assert image.variable.values.strides == (0, 0, 0)
    # xarray names an array after the graph, and that is nobody's name.
    assert image.name is None


# Their pixels.
def filled(da, cut, index, **options) -> np.ndarray:
    split, full = Split.of(da, cut), complete({"scale_factors": None, **options})
    image = plan_multiscale(split.image(index), full)
    planned = Hierarchy(image.version, {}).around({"A/1/0": image})
    nodes = Filler(split, full).filled(planned, "A/1/0", index)
    assert [*nodes] == ["A/1/0/0"]
    node = nodes["A/1/0/0"]
    return np.asarray(node.source.array[(slice(None),) * len(node.shape)])


@pytest.mark.parametrize("chunks", [(1, 1, 2, 8, 6), (2, 2, 1, 5, 4), (2, 3, 2, 8, 6)])
@pytest.mark.parametrize("index", [(0, 0), (1, 2)])
def test_pixels_are_those_of_the_place(chunks, index) -> None:
    da = array(dask.array.from_array(PIXELS, chunks=chunks))
    found = filled(da, ("well", "field"), index)
    np.testing.assert_array_equal(found, PIXELS[index])


def test_pixels_lie_in_the_order_that_is_stored() -> None:
    chunked = dask.array.from_array(PIXELS, chunks=(1, 2, 1, 5, 6))
    da = array(chunked).transpose("x", "field", "y", "c", "well")
    found = filled(da, ("field", "well"), (2, 1))
    np.testing.assert_array_equal(found, PIXELS[1, 2])
    asked = filled(da, ("field", "well"), (2, 1), dims="tcyx")
    np.testing.assert_array_equal(asked, PIXELS[1, 2][np.newaxis])


def test_pixels_in_memory_are_there_already() -> None:
    split, full = Split.of(array(), ("well", "field")), complete({})
    planned = plan_multiscale(split.image((0, 0)), full)
    assert Filler(split, full).filled(planned, "", (0, 0)) == {}


def test_what_is_no_image_gets_no_pixels() -> None:
    full = complete({"scale_factors": None})
    split = Split.of(lazy(), ("well", "field"))
    image = plan_multiscale(split.image((0, 0)), full)
    planned = Hierarchy(image.version, {}).around({"A/1/0": image})
    with pytest.raises(TypeError, match="'A/1/0/0' is no image"):
        Filler(split, full).filled(planned, "A/1/0/0", (0, 0))


# Helpers.
def test_a_coordinate_is_told_at_every_index() -> None:
    da = array(known=(("field", "well"), [[1, 2], [3, 4], [5, 6]]), all=7)
    dims = ("well", "field")
    assert along(da, dims, da["power"]).tolist() == [[1, 2, 3], [1, 2, 3]]
    assert along(da, dims, da["known"]).tolist() == [[1, 3, 5], [2, 4, 6]]
    assert along(da, dims, da["all"]).tolist() == [[7] * 3] * 2


def test_levels_of_an_index_are_coordinates_without_it() -> None:
    stacked = array(field=[0, 1, 2]).stack(p=("well", "field"))
    plain = without_multiindex(stacked)
    assert plain["well"].dims == plain["field"].dims == ("p",)
    assert "p" not in plain.xindexes
    assert without_multiindex(plain) is plain
