"""Trees that can be written as plates can be stacked; what else they are is said."""

from __future__ import annotations

import traceback

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.api.stacking import stack_plate


def field(**coords) -> xr.Dataset:
    pixels = np.ones((4, 4), "uint16")
    return xr.Dataset({"image": (("y", "x"), pixels)}, coords=coords)


def plate(*fields, **attrs) -> xr.DataTree:
    nodes = {f"A/{number}/0": one for number, one in enumerate(fields, 1)}
    return xr.DataTree.from_dict({"/": xr.Dataset(attrs=attrs), **nodes})


def runs(ds: xr.Dataset) -> list[int]:
    return ds.acquisition.values.ravel().tolist()


@pytest.mark.parametrize("none", [np.nan, -1])
def test_what_is_no_acquisition_for_writing_is_none_here(none) -> None:
    tree = plate(field(acquisition=3), field(acquisition=none))
    assert runs(stack_plate(tree)) == [3, -1]


def test_attributes_of_nodes_tell_acquisitions_as_for_writing() -> None:
    tree = plate(field(), field())
    for number, name in enumerate(tree["A"].children):
        tree[f"A/{name}/0"].attrs["acquisition"] = number + 4
    assert runs(stack_plate(tree)) == [4, 5]
    assert stack_plate(tree, acquisition=5).column.values.tolist() == ["2"]
    store = MemoryStore()
    tree.omezarr.to_plate(store)
    assert runs(xo.open_plate(store)) == [4, 5]


def test_names_of_acquisitions_that_the_plate_lists_are_understood() -> None:
    listed = {"acquisitions": [{"id": 2, "name": "d1"}, {"id": 7, "name": "d2"}]}
    tree = plate(field(acquisition="d2"), field(acquisition="d1"), plate=listed)
    assert runs(stack_plate(tree)) == [7, 2]


@pytest.mark.parametrize("odd", ["d9", np.inf, 1.5, -3])
def test_what_is_no_acquisition_is_refused_with_the_fields(odd) -> None:
    tree = plate(field(acquisition=odd), field(acquisition=odd))
    for verb in (stack_plate, xo.plan_plate):
        with pytest.raises(xo.OmeZarrErrorGroup) as caught:
            verb(tree)
        told = "".join(traceback.format_exception(caught.value))
        assert "A/1/0: the acquisition is" in told
        assert "A/2/0: the acquisition is" in told


@pytest.mark.parametrize("level", ["0", 1.5, None])
def test_what_numbers_no_level_is_refused(level) -> None:
    with pytest.raises(xo.OptionError, match="whole number"):
        stack_plate(plate(field()), level=level)


def test_a_level_that_a_field_has_not_is_named() -> None:
    with pytest.raises(xo.PlateError, match=r"'A/1/0' has 1 levels.*level 2"):
        stack_plate(plate(field()), level=2)


def test_a_node_that_is_no_image_is_named() -> None:
    tree = xr.DataTree.from_dict({"A/1/0/x/y": xr.Dataset()})
    with pytest.raises(xo.PlateError, match="'/A/1/0' is no image"):
        stack_plate(tree)
    with pytest.raises(xo.PlateError, match="has no fields"):
        stack_plate(xr.DataTree())
    with pytest.raises(xo.PlateError, match="no fields of acquisition 3"):
        stack_plate(plate(field(acquisition=1)), acquisition=3)


def test_dims_in_another_order_are_the_same_image() -> None:
    turned = field().transpose("x", "y")
    found = stack_plate(plate(field(), turned))
    assert found.image.dims[-2:] == ("y", "x")


def test_pixels_of_dask_stay_so_and_others_join_them() -> None:
    found = stack_plate(plate(field().chunk(), field()))
    assert found.image.chunks is not None
    np.testing.assert_array_equal(found.image, 1)


def test_a_tree_is_read_once_however_often_its_stack_is_used() -> None:
    found = stack_plate(plate(field(), field()))
    first = found.image.values
    first[:] = 7
    np.testing.assert_array_equal(found.image.values, 7)
