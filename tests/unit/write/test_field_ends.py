"""Dims and vectors of fields in the order of the axes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.errors import AxisError
from xarray_omezarr.ngff import Axis
from xarray_omezarr.ngff.transforms import parse_transformation
from xarray_omezarr.write.field_ends import Ends, fields_in, in_order

Y, X, A, B = (Axis(name=name, type="space") for name in ("y", "x", "a", "b"))
BETWEEN = Ends((Y, X), (A, B))


def field(*dims: str, labels: Any = None) -> xr.DataArray:
    sizes = {"d": 2, "y": 3, "x": 4, "Y": 3, "X": 4}
    shape = [sizes.get(dim, 5) for dim in dims]
    coords = {} if labels is None else {"d": labels}
    values = np.arange(np.prod(shape), dtype=float).reshape(shape)
    return xr.DataArray(values, dims=dims, coords=coords)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        (("d", "y", "x"), ("d", "y", "x")),
        (("d", "x", "y"), ("d", "y", "x")),
        (("d", "X", "Y"), ("d", "Y", "X")),
    ],
)
def test_dims_go_by_name(given: Any, wanted: Any) -> None:
    found = in_order(field(*given), "displacements", BETWEEN)
    xr.testing.assert_identical(found, field(*given).transpose(*wanted))


def test_other_names_count_by_place() -> None:
    other = Ends((A, B), None)
    da = field("d", "x", "y")
    xr.testing.assert_identical(in_order(da, "displacements", other), da)
    xr.testing.assert_identical(in_order(da, "displacements"), da)


def test_names_of_which_some_are_axes_are_refused() -> None:
    with pytest.raises(AxisError, match=r"\('z', 'y'\).*\('y', 'x'\): call all"):
        in_order(field("d", "z", "y"), "displacements", BETWEEN)


@pytest.mark.parametrize(
    ("type", "labels", "order"),
    [
        ("coordinates", ["a", "b"], [0, 1]),
        ("coordinates", ["B", "A"], [1, 0]),
        ("displacements", ["b", "a"], [1, 0]),
        ("displacements", ["x", "y"], [1, 0]),
        ("displacements", ["y", "x"], [0, 1]),
        ("displacements", [1, 0], [0, 1]),
    ],
)
def test_entries_of_vectors_go_by_their_labels(type: str, labels: Any, order) -> None:
    found = in_order(field("d", "y", "x", labels=labels), type, BETWEEN)
    np.testing.assert_array_equal(found, field("d", "y", "x")[order])


@pytest.mark.parametrize("labels", [["u", "v"], ["x", "x"]])
def test_labels_that_are_no_names_of_axes_are_refused(labels: list[str]) -> None:
    da = field("d", "y", "x", labels=labels)
    for ends in (BETWEEN, None):
        with pytest.raises(AxisError, match=r"drop_vars\('d'\)"):
            in_order(da, "displacements", ends)


def test_ends_are_those_of_the_part_that_a_field_is_in() -> None:
    warp = {"type": "displacements", "path": "first"}
    look = {"type": "coordinates", "path": "last"}
    parts = {
        "type": "byDimension",
        "transformations": [
            {"transformation": warp, "inputAxes": [2, 1], "outputAxes": [1, 0]}
        ],
    }
    way = parse_transformation({"type": "sequence", "transformations": [parts]}, "")
    found = dict(fields_in(way, (B, Y, X), (A, B)))
    assert found == {"first": Ends((X, Y), (B, A))}
    chain = {"type": "sequence", "transformations": [warp, look]}
    found = dict(fields_in(parse_transformation(chain, ""), (Y, X), (A, B)))
    assert found == {"first": Ends((Y, X), None), "last": Ends(None, (A, B))}


def told(warp: xr.DataArray) -> dict[str, Any]:
    axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in "yx"]
    way = {"type": "displacements", "path": "warp", "output": {"name": "w"}}
    return {
        "coordinateSystems": [{"name": "w", "axes": axes}],
        "coordinateTransformations": [{**way, "input": {"name": "physical"}}],
        "arrays": {"warp": warp},
    }


def test_written_placed_and_applied_fields_agree() -> None:
    image = xr.DataArray(np.zeros((3, 4)), dims=("y", "x"))
    image = image.omezarr.assign_grid(units={"y": "um", "x": "um"})
    vectors = np.zeros((2, 3, 4))
    vectors[0] = 10 * np.arange(3)[:, None]  # along y
    plain = xr.DataArray(vectors, dims=("displacement", "y", "x"))
    plain = plain.assign_coords(y=np.arange(3.0), x=np.arange(4.0))
    mixed = plain.assign_coords(displacement=["y", "x"]).isel(displacement=[1, 0])
    mixed = mixed.transpose("displacement", "x", "y")
    for warp in (plain, mixed):
        store = zarr.storage.MemoryStore()
        transforms = told(warp)
        image.omezarr.to_image(store, transforms=transforms, version="0.6")
        for placed in (
            xo.open_image(store).omezarr.to_system("w"),
            image.omezarr.to_system("w", transforms=transforms),
        ):
            np.testing.assert_array_equal(placed.y_w[:, 1], 11 * np.arange(3))
            np.testing.assert_array_equal(placed.x_w[2], np.arange(4))
    # Without names of axes, columns are in the order of the dims.
    way = {"type": "displacements", "path": "warp"}
    found = xo.transforms.apply(way, [[1, 2]], arrays={"warp": mixed})
    np.testing.assert_array_equal(found, [[1, 22]])
