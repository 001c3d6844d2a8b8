"""A field that is selected from a stacked plate lies where it lay in the plate."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo

# Positions that no other decimals than their own are right for.
STAGE = {"A/1/0": (0.0, 0.0), "B/3/0": (9000.1, 18020.3), "B/3/1": (9000.1, 18028.3)}


def field(number: int, y: float, x: float) -> xr.DataArray:
    grid = {"y": y, "x": x}
    da = xr.DataArray(np.full((2, 16, 16), number, "uint16"), dims=("c", "y", "x"))
    return da.assign_coords(c=["DAPI", "GFP"], acquisition=2).omezarr.assign_grid(
        scale={"y": 0.5, "x": 0.5}, translation=grid, units={"y": "um", "x": "um"}
    )


@pytest.fixture
def plate():
    store = MemoryStore()
    fields = {p: field(n, *at) for n, (p, at) in enumerate(STAGE.items(), 1)}
    xo.write_plate(fields, store, plate={"name": "screen"}, acquisitions={2: "b"})
    return store


@pytest.fixture(params=["lazy", "dask", "tree"])
def selected(request, plate):
    if request.param == "tree":
        ds = xr.open_datatree(plate, engine="omezarr").omezarr.stack()
    else:
        ds = xo.open_plate(plate, chunks={} if request.param == "dask" else None)
    return ds.sel(row="B", column="3", field="1").image


def written(store, path=None):
    ome = zarr.open_group(store, path=path, mode="r").attrs["ome"]["multiscales"][0]
    (_, found) = ome["datasets"][0]["coordinateTransformations"]
    return found["translation"][-2:]


@pytest.mark.parametrize("verb", ["image", "field", "series", "plate", "pyramid"])
def test_it_is_written_where_it_lies_on_the_stage(selected, verb) -> None:
    store, path = MemoryStore(), None
    match verb:
        case "image":
            selected.omezarr.to_image(store)
        case "field":
            path = "C/1/7"
            selected.omezarr.to_field(store, path)
        case "series":
            path = "0"
            selected.omezarr.to_series(store, path)
        case "plate":
            path = "C/1/1"
            xo.write_plate({"C/1/0": selected, path: selected}, store)
        case "pyramid":
            selected.omezarr.pyramid(scale_factors=[2]).omezarr.to_image(store)
    assert written(store, path) == [9000.1, 18028.3]
    root = dict(zarr.open_group(store, path=path, mode="r").attrs)
    for junk in ("origin_y", "origin_x", "present", "'plate'", "screen"):
        assert junk not in str(root)


def test_a_part_of_it_lies_where_the_part_lies(selected) -> None:
    store = MemoryStore()
    selected.isel(y=slice(4, 12)).omezarr.to_image(store)
    assert written(store) == [9002.1, 18028.3]


def test_a_label_image_that_is_made_of_it_fits_the_field(plate, selected) -> None:
    cells = (selected.sel(c="GFP") > 2).astype("uint16")
    cells.omezarr.to_labels(plate, "cells", group="B/3/1")
    assert written(plate, "B/3/1/labels/cells") == [9000.1, 18028.3]
    with pytest.raises(xo.CoordinateError):
        cells.omezarr.to_labels(plate, "cells", group="B/3/0")


def test_its_pixels_go_into_the_field_that_it_is(plate, selected) -> None:
    brighter = (selected + 5).load()
    brighter.omezarr.to_field(plate, "B/3/1", mode="r+")
    opened = xo.open_image(plate, group="B/3/1")
    np.testing.assert_array_equal(opened, 8)
    with pytest.raises(xo.OmeZarrError):
        brighter.omezarr.to_field(plate, "B/3/0", mode="r+")


def test_a_field_that_there_is_not_is_no_image(plate) -> None:
    nothing = xo.open_plate(plate).sel(row="A", column="3", field="0").image
    with pytest.raises(xo.CoordinateError, match="'present' is False"):
        nothing.omezarr.to_image(MemoryStore())


def test_coordinates_of_others_are_theirs() -> None:
    da = field(1, 3.0, 4.0).assign_coords(origin_y=7.0)
    store = MemoryStore()
    da.omezarr.to_image(store)
    assert written(store) == [3.0, 4.0]
    assert float(xo.open_image(store).origin_y) == 7.0


@pytest.mark.parametrize("version", ["0.4", "0.5"])
@pytest.mark.parametrize("kind", ["store", "tree"])
def test_label_images_of_a_stack_are_not_lost_without_a_word(version, kind) -> None:
    store = MemoryStore()
    fields = {path: field(1, *at) for path, at in STAGE.items()}
    xo.write_plate(fields, store, version=version)
    cells = (fields["B/3/1"].sel(c="GFP") > 2).astype("uint16")
    cells.omezarr.to_labels(store, "cells", group="B/3/1")
    if kind == "tree":
        ds = xr.open_datatree(store, engine="omezarr").omezarr.stack()
    else:
        ds = xo.open_plate(store)
    assert ds.image.attrs["label_images"] == ["cells"]
    with pytest.warns(xo.OmeZarrWarning, match="images only.*'cells'"):
        (ds * 2).omezarr.to_plate(MemoryStore(), version=version)
    again = MemoryStore()
    chosen = ds.sel(row="B", column="3", field="1")
    chosen.image.omezarr.to_image(again, version=version)
    assert "label_images" not in str(dict(zarr.open_group(again, mode="r").attrs))


def test_a_stack_without_label_images_says_nothing_of_them(plate) -> None:
    ds = xo.open_plate(plate)
    assert "label_images" not in ds.image.attrs
    ds.omezarr.to_plate(MemoryStore())


def test_what_where_masks_of_pixels_that_are_yet_to_be_computed_is_warned_of(
    plate,
) -> None:
    ds = xo.open_plate(plate, chunks={})
    masked = ds.where(ds.row == "A")
    with pytest.warns(
        xo.OmeZarrWarning, match="were uint16 and are float.*assign_coords"
    ):
        xo.plan_plate(masked)
    xo.plan_plate(ds.where(ds.row == "A", 0))
    xo.plan_plate(masked.fillna(0).astype("uint16"))


@pytest.mark.parametrize("chunks", [None, {}])
def test_of_a_mean_over_fields_wells_that_there_are_are_written(chunks) -> None:
    one = xr.DataArray(np.full((8, 8), 6, "uint16"), dims=("y", "x"))
    store, out = MemoryStore(), MemoryStore()
    runs = {"A/1/0": 0, "A/1/1": 1, "B/2/0": 0}
    xo.write_plate(
        {p: one.assign_coords(acquisition=n) for p, n in runs.items()}, store
    )
    stack = xo.open_plate(store, chunks=chunks)
    mean = stack.image.where(stack.present).mean("field", keep_attrs=True)
    if chunks is not None:
        with pytest.raises(xo.PlateError, match=r"plate\.present\.any\('field'\)"):
            mean.omezarr.to_plate(out)
        mean = mean.assign_coords(present=stack.present.any("field"))
    with pytest.warns(xo.OmeZarrWarning, match=r"No field tells.*\[0, 1\]"):
        mean.omezarr.to_plate(out)
    back = xr.open_datatree(out, engine="omezarr")
    assert [n.path for n in back.leaves] == ["/A/1/0/0", "/B/2/0/0"]
    assert all((n["image"] == 6).all() for n in back.leaves)
    assert "acquisitions" not in back.attrs["plate"]


@pytest.mark.parametrize("chunks", [None, {}])
def test_scattered_wells_of_a_stack_are_written_and_no_others(chunks) -> None:
    store, out = MemoryStore(), MemoryStore()
    one = xr.DataArray(np.full((8, 8), 6, "uint16"), dims=("y", "x"))
    wells = {"A/1": "x", "A/2": "y", "B/1": "y", "B/2": "x"}
    told = {well: {"compound": what} for well, what in wells.items()}
    xo.write_plate({f"{well}/0": one for well in wells}, store, plate_map=told)
    stack = xo.open_plate(store, chunks=chunks)
    is_x = stack.present & (stack.compound == "x")
    stack.assign_coords(present=is_x).omezarr.to_plate(out)
    back = xr.open_datatree(out, engine="omezarr")
    assert [n.path for n in back.leaves] == ["/A/1/0/0", "/B/2/0/0"]
    assert {n["image"].dtype for n in back.leaves} == {np.dtype("uint16")}
    assert stack.image.where(is_x).mean() == 6
