"""Variables of a Dataset become the channels of one image."""

from __future__ import annotations

from typing import Any

import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.api.stacked_channels import with_channels
from xarray_omezarr.errors import (
    AxisError,
    DataTypeError,
    NoPixelsError,
    OmeZarrError,
    OmeZarrWarning,
    OptionError,
)

SIZE = 6


def plane(value: int, *, dims: str = "yx", dtype: str = "uint16") -> xr.DataArray:
    pixels = np.full([SIZE] * len(dims), value, dtype)
    coords = {"x": ("x", 0.5 * np.arange(SIZE), {"units": "micrometer"})}
    return xr.DataArray(pixels, coords, list(dims))


def stack(ds: xr.Dataset, names: Any, labels: Any = None) -> xr.DataArray:
    found, name = with_channels(ds, names, labels)
    return found[name]


def test_channels_have_the_pixels_and_names_of_the_variables_in_order() -> None:
    ds = xr.Dataset({"GFP": plane(7), "DAPI": plane(9), "other": plane(1)})
    found = stack(ds, ["DAPI", "GFP"])
    assert found.dims == ("c", "y", "x")
    assert found.c.values.tolist() == ["DAPI", "GFP"]
    assert found.values[:, 0, 0].tolist() == [9, 7]
    assert found.x.identical(ds.x)


def test_one_name_leaves_the_dataset_as_it_is() -> None:
    ds = xr.Dataset({"a": plane(1), "b": plane(2)})
    assert with_channels(ds, "a", None) == (ds, "a")
    assert with_channels(ds, None, None) == (ds, None)
    assert stack(ds, ["b"]).shape == (1, SIZE, SIZE)


def test_variables_in_another_order_of_dims_are_transposed() -> None:
    ramp = plane(0) + xr.DataArray(np.arange(SIZE, dtype="uint16"), dims="y")
    ds = xr.Dataset({"a": ramp, "b": ramp.transpose("x", "y")})
    found = stack(ds, ["a", "b"])
    np.testing.assert_array_equal(found.values[0], found.values[1])


def test_a_dim_or_coordinate_of_the_one_channel_gives_way() -> None:
    one = plane(3, dims="yx").expand_dims(c=["green"])
    found = stack(xr.Dataset({"a": one, "b": one + np.uint16(1)}), ["a", "b"])
    assert found.c.values.tolist() == ["a", "b"]
    assert found.values[:, 0, 0].tolist() == [3, 4]
    scalar = plane(3).assign_coords(c="green", channel_window_end=9.0)
    found = stack(xr.Dataset({"a": scalar, "b": scalar}), ["a", "b"])
    assert found.c.values.tolist() == ["a", "b"]
    assert found.channel_window_end.values.tolist() == [9.0, 9.0]


def test_attributes_that_differ_are_fields_of_the_channels() -> None:
    ds = xr.Dataset(
        {
            "a": plane(1).assign_attrs(lab="x", color="FF0000", exposure=5),
            "b": plane(2).assign_attrs(lab="x", color="00FF00"),
        }
    )
    found = stack(ds, ["a", "b"])
    assert found.attrs == {"lab": "x"}
    assert found.channel_color.values.tolist() == ["FF0000", "00FF00"]
    store = zarr.storage.MemoryStore()
    ds.omezarr.to_image(store, image=["a", "b"])
    first, second = zarr.open_group(store).attrs["ome"]["omero"]["channels"]
    assert (first["label"], first["color"], first["exposure"]) == ("a", "FF0000", 5)
    assert (second["label"], second["color"]) == ("b", "00FF00")
    assert "exposure" not in second


def test_attributes_that_no_channel_can_hold_are_left_out_with_a_warning() -> None:
    ds = xr.Dataset(
        {"a": plane(1).assign_attrs(note=[1]), "b": plane(2).assign_attrs(note=[2])}
    )
    with pytest.warns(OmeZarrWarning, match="'note'"):
        assert stack(ds, ["a", "b"]).attrs == {}


def test_pixels_of_dask_stay_lazy() -> None:
    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("computed")

    raw = dask.array.map_blocks(
        never,
        dask.array.zeros((SIZE, SIZE), "uint16"),
        dtype="uint16",
        meta=np.empty(0),
    )
    ds = xr.Dataset({"a": (("y", "x"), raw), "b": plane(2).drop_vars("x")})
    found = stack(ds, ["a", "b"])
    assert found.chunks == ((1, 1), (SIZE,), (SIZE,))


def test_pixels_of_a_store_are_read_when_they_are_used(tmp_path: Any) -> None:
    xr.Dataset({"a": plane(1), "b": plane(2)}).omezarr.to_image(
        tmp_path / "i", image=["a", "b"]
    )
    ds = xr.open_dataset(tmp_path / "i", engine="omezarr")
    swapped = {
        "a": ds.image[1].reset_coords(drop=True),
        "b": ds.image[0].reset_coords(drop=True),
    }
    both = xr.Dataset(swapped).drop_attrs()
    found = stack(both, ["a", "b"])
    assert not found.variable._in_memory
    assert found.values[:, 0, 0].tolist() == [2, 1]
    with pytest.raises(OptionError, match="read from"):
        both.omezarr.to_image(tmp_path / "i", image=["a", "b"], mode="r+")


@pytest.mark.parametrize(
    ("ds", "kind", "said"),
    [
        ({"a": plane(1), "b": plane(1, dtype="uint8")}, DataTypeError, "'b' is uint8"),
        ({"a": plane(1), "b": plane(1, dims="zyx")}, AxisError, "'b' has the dims"),
        (
            {"a": plane(1), "b": plane(1, dims="cyx")},
            AxisError,
            r"channels of its own.*concat",
        ),
    ],
)
def test_variables_that_are_not_alike_are_refused(
    ds: Any, kind: type[OmeZarrError], said: str
) -> None:
    with pytest.raises(kind, match=said):
        with_channels(xr.Dataset(ds), ["a", "b"], None)


@pytest.mark.parametrize("names", [[], ["a", "c"], ["a", "a"], 5, {"a": 1}])
def test_names_that_do_not_tell_the_channels_are_refused(names: Any) -> None:
    with pytest.raises(OptionError, match=r"^image"):
        with_channels(xr.Dataset({"a": plane(1), "b": plane(2)}), names, None)


def test_a_tree_has_one_variable_in_each_level() -> None:
    tree = xr.DataTree(xr.Dataset({"a": plane(1), "b": plane(2)}))
    with pytest.raises(OptionError, match="Dataset of the finest level"):
        tree.omezarr.plan_image(image=["a", "b"])


def test_a_template_has_no_pixels_to_stack() -> None:
    empty = xo.template("yx", (SIZE, SIZE), "uint16")
    with pytest.raises(NoPixelsError):
        with_channels(xr.Dataset({"a": empty, "b": empty}), ["a", "b"], None)


def test_another_variable_called_image_is_not_lost() -> None:
    ds = xr.Dataset({"a": plane(1), "b": plane(2), "image": plane(3)})
    assert stack(ds, ["a", "b"]).sizes["c"] == 2
    with pytest.raises(OptionError, match="rename"):
        with_channels(ds, ["a", "b"], {"cells": "image"})
    assert stack(ds, ["a", "image"], []).values[:, 0, 0].tolist() == [1, 3]
