"""Work that people do with other writers, done with this one.

Each test is one way of working that the documentation of yaozarrs or ome-zarr shows;
what was written is read with zarr and json, and judged by yaozarrs.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import xarray as xr
import yaozarrs
import zarr

import xarray_omezarr as xo

UM = {"y": "um", "x": "um"}


def plane(value: int = 0, side: int = 64, dtype: str = "uint16") -> xr.DataArray:
    pixels = np.full((side, side), value, dtype)
    da = xr.DataArray(pixels, dims=("y", "x"), name="image")
    return da.omezarr.assign_grid(scale={"y": 0.5, "x": 0.5}, units=UM)


def ome(path: Path) -> dict[str, Any]:
    """The metadata of the standard, as they stand in the file."""
    return json.loads((path / "zarr.json").read_text())["attributes"]["ome"]


def tree_of(images: dict[str, xr.DataArray]) -> xr.DataTree:
    return xr.DataTree.from_dict(
        {path: da.to_dataset(name="image") for path, da in images.items()}
    )


# Workflow 1: a 3-D image at once, without a pyramid.
def test_an_image_of_channels_without_a_pyramid(tmp_path: Path) -> None:
    pixels = np.arange(3 * 64 * 64, dtype="uint16").reshape(3, 64, 64)
    da = xr.DataArray(pixels, dims=("c", "y", "x"))
    da = da.omezarr.assign_grid(scale={"y": 0.5, "x": 0.5}, units=UM)
    group = da.omezarr.to_image(tmp_path / "image.ome.zarr", scale_factors=None)
    assert list(group.array_keys()) == ["0"]
    np.testing.assert_array_equal(group["0"][...], pixels)
    scale = ome(tmp_path / "image.ome.zarr")["multiscales"][0]["datasets"][0]
    assert scale["coordinateTransformations"][0]["scale"] == [1.0, 0.5, 0.5]
    yaozarrs.validate_zarr_store(tmp_path / "image.ome.zarr")


# Workflow 2: an image with two label images that have colours, twice at one place.
@pytest.mark.filterwarnings("ignore:.*label:xarray_omezarr.OmeZarrWarning")
def test_an_image_with_two_coloured_label_images_replaced(tmp_path: Path) -> None:
    target = tmp_path / "image.ome.zarr"
    labels = {"cells": plane(1, dtype="uint8"), "nuclei": plane(2, dtype="uint8")}
    for mode in ("w-", "w"):
        plane(7).omezarr.to_image(target, mode=mode)
        for name, label in labels.items():
            label.omezarr.to_labels(target, name, colors={1: "#ff0000", 2: (0, 0, 9)})
    assert ome(target / "labels")["labels"] == ["cells", "nuclei"]
    colors = ome(target / "labels/nuclei")["image-label"]["colors"]
    assert [tuple(color["rgba"]) for color in colors] == [
        (255, 0, 0, 255),
        (0, 0, 9, 255),
    ]
    group = zarr.open_group(target)
    assert group["labels/nuclei/0"][0, 0] == 2
    yaozarrs.validate_zarr_store(target)


# Workflow 3: a plate of 2 x 2 wells from a dict of arrays; then with a name.
def test_a_plate_from_a_dict_and_with_a_name(tmp_path: Path) -> None:
    wells = [f"{row}/{column}/0" for row in "AB" for column in (1, 2)]
    fields = {path: plane(number) for number, path in enumerate(wells)}
    target = tmp_path / "plate.ome.zarr"
    xo.write_plate(fields, target)
    xo.write_plate(fields, target, plate={"name": "My experiment"}, mode="w")
    plate = ome(target)["plate"]
    assert plate["name"] == "My experiment"
    assert [well["path"] for well in plate["wells"]] == ["A/1", "A/2", "B/1", "B/2"]
    for number, path in enumerate(wells):
        assert zarr.open_array(target / path / "0")[3, 3] == number
    yaozarrs.validate_zarr_store(target)


# Workflow 4: several series of different shapes, with OME-XML.
def test_a_collection_of_different_shapes_with_xml(tmp_path: Path) -> None:
    import ome_types

    target = tmp_path / "scan.ome.zarr"
    tree_of({"0": plane(1, 32), "1": plane(2, 16)}).omezarr.to_bioformats2raw(target)
    assert ome(target)["bioformats2raw.layout"] == 3
    assert ome(target / "OME")["series"] == ["0", "1"]
    shapes = [zarr.open_array(target / n / "0").shape for n in "01"]
    assert shapes == [(32, 32), (16, 16)]
    described = ome_types.from_xml(target / "OME/METADATA.ome.xml")
    assert [image.pixels.size_x for image in described.images] == [32, 16]
    yaozarrs.validate_zarr_store(target)


# Workflow 4: the same with one's own XML.
def test_a_collection_with_a_given_xml(tmp_path: Path) -> None:
    import ome_types

    target = tmp_path / "scan.ome.zarr"
    series = tree_of({"0": plane(1, 32)})
    pixels = ome_types.model.Pixels(
        dimension_order="XYZCT",
        type="uint16",
        size_x=32,
        size_y=32,
        size_z=1,
        size_c=1,
        size_t=1,
        metadata_only=True,
    )
    text = ome_types.OME(images=[ome_types.model.Image(pixels=pixels)]).to_xml()
    series.omezarr.to_bioformats2raw(target, ome_xml=text)
    assert (target / "OME/METADATA.ome.xml").read_text(encoding="utf-8") == text


# Workflow 5: prepare, then fill the arrays.
def test_an_image_that_is_prepared_and_filled(tmp_path: Path) -> None:
    outline = xo.template("cyx", (2, 64, 64), "uint16", scale={"y": 0.5, "x": 0.5})
    target = tmp_path / "image.ome.zarr"
    _, arrays = outline.omezarr.prepare_image(target, scale_factors=[2])
    for number, array in arrays.items():
        array[:] = int(number) + 1
    group = zarr.open_group(target)
    assert (group["0"][...] == 1).all()
    assert (group["1"][...] == 2).all()
    yaozarrs.validate_zarr_store(target)


# Workflow 6: label images one by one; and label images that are filled later.
def test_label_images_at_once_and_prepared(tmp_path: Path) -> None:
    target = tmp_path / "image.ome.zarr"
    plane(7).omezarr.to_image(target, scale_factors=None)
    plane(3, dtype="uint8").omezarr.to_labels(target, "cells")
    outline = xo.template(
        "yx", (64, 64), "uint32", scale={"y": 0.5, "x": 0.5}, units=UM
    )
    empty = xr.DataTree.from_dict({"nuclei": outline.to_dataset(name="labels")})
    _, arrays = empty.omezarr.prepare_labels(target)
    arrays["nuclei/0"][:] = 9
    assert ome(target / "labels")["labels"] == ["cells", "nuclei"]
    group = zarr.open_group(target)
    assert [group[f"labels/{n}/0"][5, 5] for n in ("cells", "nuclei")] == [3, 9]
    yaozarrs.validate_zarr_store(target)


# Workflow 7: a plate well by well; then with rows, columns and wells that are given.
def test_a_plate_that_grows_field_by_field(tmp_path: Path) -> None:
    target = tmp_path / "plate.ome.zarr"
    for number, path in enumerate(("A/1/0", "A/1/1", "B/3/0")):
        plane(number).omezarr.to_field(target, path)
    plate = ome(target)["plate"]
    assert [well["path"] for well in plate["wells"]] == ["A/1", "B/3"]
    images = ome(target / "A/1")["well"]["images"]
    assert [image["path"] for image in images] == ["0", "1"]
    assert zarr.open_array(target / "B/3/0/0")[0, 0] == 2
    yaozarrs.validate_zarr_store(target)


# Workflow 7: a prepared plate with rows and columns that are given.
def test_a_prepared_plate_with_given_rows_and_columns(tmp_path: Path) -> None:
    target = tmp_path / "plate.ome.zarr"
    outline = xo.template("yx", (64, 64), "uint16", scale={"y": 0.5, "x": 0.5})
    given = {
        "name": "given",
        "rows": [{"name": name} for name in "ABC"],
        "columns": [{"name": name} for name in ("1", "2")],
    }
    _, arrays = xo.prepare_plate({"B/2/0": outline}, target, plate=given)
    arrays["B/2/0/0"][:] = 5
    plate = ome(target)["plate"]
    assert [row["name"] for row in plate["rows"]] == ["A", "B", "C"]
    assert plate["wells"] == [{"path": "B/2", "rowIndex": 1, "columnIndex": 1}]
    with pytest.raises(xo.PlateError, match="D"):
        xo.plan_plate({"D/1/0": plane()}, plate=given)
    yaozarrs.validate_zarr_store(target)


# Workflow 8: series one by one; and series that are filled later.
def test_series_at_once_and_prepared(tmp_path: Path) -> None:
    growing, prepared = tmp_path / "growing.ome.zarr", tmp_path / "prepared.ome.zarr"
    for name, side in (("0", 32), ("1", 16)):
        plane(int(name), side).omezarr.to_series(growing, name)
    series = tree_of({"0": plane(0, 32), "1": plane(0, 16)})
    _, arrays = series.omezarr.prepare_bioformats2raw(prepared)
    for path, array in arrays.items():
        array[:] = int(path[0])
    for target in (growing, prepared):
        assert ome(target / "OME")["series"] == ["0", "1"]
        assert zarr.open_array(target / "1/0")[...].tolist() == [[1] * 16] * 16
        yaozarrs.validate_zarr_store(target)


# Workflow 9: a function of one's own makes the arrays.
def test_arrays_that_are_made_by_a_function(tmp_path: Path) -> None:
    made = []

    def make(path, shape, dtype, chunks, *, dimension_names, **others):
        made.append((path.name, shape, others["compression"]))
        return zarr.create_array(
            path,
            shape=shape,
            dtype=dtype,
            chunks=chunks,
            dimension_names=dimension_names,
        )

    target = tmp_path / "image.ome.zarr"
    plane(4).omezarr.to_image(
        target, writer=make, scale_factors=[2], compression="blosc-zstd"
    )
    assert made == [("0", (64, 64), "blosc-zstd"), ("1", (32, 32), "blosc-zstd")]
    assert (zarr.open_group(target)["1"][...] == 4).all()


# Workflow 10: a dask image with its pyramid, computed by the user.
def test_a_lazy_image_that_is_computed_later(tmp_path: Path) -> None:
    pixels = dask.array.arange(64 * 64, chunks=1000).reshape(64, 64).astype("uint16")
    target = tmp_path / "image.ome.zarr"
    da = xr.DataArray(pixels, dims=("y", "x"))
    later = da.omezarr.to_image(target, scale_factors=[2, 4], compute=False)
    assert (
        not (target / "zarr.json").exists()
        or "ome" not in (target / "zarr.json").read_text()
    )
    later.compute()
    group = zarr.open_group(target)
    np.testing.assert_array_equal(group["0"][...], pixels.compute())
    assert group["2"].shape == (16, 16)


# Workflow 11: chunks and shards for each level.
def test_chunks_and_shards_for_each_level(tmp_path: Path) -> None:
    group = plane(1, 256).omezarr.to_image(
        tmp_path / "image.ome.zarr",
        scale_factors=[2],
        chunks=[(64, 64), (32, 32)],
        shards=[(128, 128), None],
    )
    assert [group[n].chunks for n in "01"] == [(64, 64), (32, 32)]
    assert [group[n].shards for n in "01"] == [(128, 128), None]


# Workflow 12: metadata of plate and wells, and an image for each field, by hand.
def test_plate_and_wells_from_what_is_written_into_them(tmp_path: Path) -> None:
    target = tmp_path / "plate.ome.zarr"
    root = zarr.open_group(target, mode="w")
    for acquisition, path in ((1, "A/1/0"), (2, "A/1/1"), (1, "B/2/0")):
        plane(acquisition).omezarr.to_field(root, path, acquisition=acquisition)
    plate = ome(target)["plate"]
    assert [one["id"] for one in plate["acquisitions"]] == [1, 2]
    assert plate["field_count"] == 2
    assert ome(target / "A/1")["well"]["images"] == [
        {"path": "0", "acquisition": 1},
        {"path": "1", "acquisition": 2},
    ]
    yaozarrs.validate_zarr_store(target)


# Workflow 13: a pyramid that was made elsewhere.
def test_a_pyramid_that_is_given(tmp_path: Path) -> None:
    tree = tree_of({"0": plane(1), "1": plane(2, 32).drop_vars(["y", "x"])})
    group = tree.omezarr.to_image(tmp_path / "image.ome.zarr")
    assert [int(group[n][0, 0]) for n in "01"] == [1, 2]
    levels = ome(tmp_path / "image.ome.zarr")["multiscales"][0]["datasets"]
    scales = [level["coordinateTransformations"][0]["scale"] for level in levels]
    assert scales == [[0.5, 0.5], [1.0, 1.0]]


# Workflow 14: labels with colours and properties.
def test_labels_with_colours_and_properties(tmp_path: Path) -> None:
    target = tmp_path / "image.ome.zarr"
    plane(7).omezarr.to_image(target)
    colors = [{"label-value": 1, "rgba": [255, 255, 255, 0]}]
    properties = [{"label-value": 1, "area": 4096, "class": "nucleus"}]
    plane(1, dtype="uint8").omezarr.to_labels(
        target, "cells", colors=colors, properties=properties
    )
    image_label = ome(target / "labels/cells")["image-label"]
    assert image_label["colors"] == colors
    assert image_label["properties"] == properties
    assert image_label["source"] == {"image": "../../"}


# Workflow 15: what a script with a `Scaler`, `chunks` and `byte_order` did.
def test_a_script_for_an_old_writer(tmp_path: Path) -> None:
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    target = tmp_path / "image.zarr"
    pixels = np.arange(5 * 64 * 64, dtype="uint16").reshape(5, 64, 64)
    xr.DataArray(pixels, dims=("z", "y", "x")).omezarr.to_image(
        target,
        version="0.4",
        chunks=(1, 32, 32),
        scale_factors=[2, 4, 8, 16],
        method="nearest",
    )
    levels = next(iter(Reader(parse_url(target))())).data
    assert [level.shape[-1] for level in levels] == [64, 32, 16, 8, 4]
    np.testing.assert_array_equal(levels[1].compute(), pixels[:, ::2, ::2])
    assert levels[0].chunks[0] == (1,) * 5
