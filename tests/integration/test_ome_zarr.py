"""ome-zarr reads our labels and collections; its plates and labels are read here."""

from __future__ import annotations

import warnings
from importlib.metadata import version as version_of

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo

# What it thinks of its own past and its dependencies is not at issue; ours is.
pytestmark = pytest.mark.filterwarnings(
    "ignore", "error::xarray_omezarr.OmeZarrWarning"
)
newest = pytest.mark.skipif(
    version_of("ome-zarr").startswith(("0.1", "0.20")),
    reason="ome-zarr 0.21, which has these objects, wants Python 3.12",
)
both_versions = pytest.mark.parametrize("version", ["0.4", "0.5"])

COLORS = {1: (255, 0, 0, 255), 7: (0, 128, 64, 32)}
AXES = [
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
]


def pixels(number=0, shape=(32, 48)):
    values = np.arange(np.prod(shape)).reshape(shape)
    return (values + 5000 * number).astype("uint16")


def picture(number=0, shape=(32, 48)):
    da = xr.DataArray(pixels(number, shape), dims=("y", "x"), name=f"number {number}")
    units = {"y": "micrometer", "x": "micrometer"}
    return da.omezarr.assign_grid(scale={"y": 0.5, "x": 0.25}, units=units)


def objects(shape=(32, 48)):
    values = np.zeros(shape, "uint32")
    values[2:20, 3:9], values[24:, 40:] = 1, 7
    return values


# Ours, read by ome-zarr


@newest
@both_versions
def test_its_objects_hold_our_image_and_labels(tmp_path, version) -> None:
    from ome_zarr import OMEZarrMultiscale

    path = tmp_path / "image.ome.zarr"
    cells = xr.DataArray(objects(), dims=("y", "x"))
    picture().omezarr.to_image(path, scale_factors=[2], version=version)
    # It wants properties and colours of the same values.
    table = {1: {"area": 108}, 7: {"area": 64}}
    cells.omezarr.to_labels(path, "cells", colors=COLORS, properties=table)
    found = OMEZarrMultiscale.from_ome_zarr(str(path))
    assert found.name == "number 0"
    for level, (image, factor) in enumerate(zip(found.images, (1, 2), strict=True)):
        assert image.axes == ["y", "x"]
        assert image.scale == {"y": 0.5 * factor, "x": 0.25 * factor}
        assert image.axes_units == {"y": "micrometer", "x": "micrometer"}
        stored = zarr.open_array(path / str(level), mode="r")[...]
        np.testing.assert_array_equal(np.asarray(image.data), stored)
    np.testing.assert_array_equal(np.asarray(found.images[0].data), pixels())
    (label,) = found.labels.values()
    np.testing.assert_array_equal(np.asarray(label.images[0].data), objects())
    assert [image.scale for image in label.images] == [i.scale for i in found.images]
    told = {color.label_value: color.rgba for color in label.image_label.colors}
    assert told == COLORS


@both_versions
def test_it_reads_every_series_of_a_collection(tmp_path, version) -> None:
    from ome_zarr import io, reader

    path = tmp_path / "scan.ome.zarr"
    shapes = {"0": (32, 48), "1": (20, 10), "10": (64, 64)}
    images = {name: picture(int(name), shape) for name, shape in shapes.items()}
    xo.write_bioformats2raw(images, path, version=version, scale_factors=[2])
    for name, shape in shapes.items():
        (node,) = reader.Reader(io.parse_url(str(path / name), mode="r"))()
        np.testing.assert_array_equal(node.data[0], pixels(int(name), shape))
        assert [axis["name"] for axis in node.metadata["axes"]] == ["y", "x"]
        (scale, *_) = node.metadata["coordinateTransformations"][0]
        assert scale == {"type": "scale", "scale": [0.5, 0.25]}


# Its own, read by us


def its_format(version):
    from ome_zarr import format

    return {"0.4": format.FormatV04, "0.5": format.FormatV05}[version]()


def its_image(group, number, version):
    """An image of two levels, the second by picking every second pixel."""
    from ome_zarr import writer

    scales = ([0.5, 0.25], [1.0, 0.5])
    writer.write_multiscale(
        [pixels(number), pixels(number)[::2, ::2]],
        group,
        fmt=its_format(version),
        axes=AXES,
        coordinate_transformations=[[{"type": "scale", "scale": s}] for s in scales],
    )


def its_plate(path, version):
    from ome_zarr import writer

    fmt = its_format(version)
    root = zarr.open_group(path, mode="w", zarr_format=fmt.zarr_format)
    wells = {"A/1": ["0", "1"], "B/2": ["0"]}
    writer.write_plate_metadata(
        root,
        ["A", "B"],
        ["1", "2"],
        [*wells],
        fmt=fmt,
        acquisitions=[{"id": 0, "name": "before"}, {"id": 3, "name": "after"}],
        field_count=2,
        name="theirs",
    )
    number = 0
    for well, fields in wells.items():
        group = root.require_group(well)
        listed = [{"path": f, "acquisition": 3 * int(f)} for f in fields]
        writer.write_well_metadata(group, listed, fmt=fmt)
        for name in fields:
            its_image(group.require_group(name), number, version)
            number += 1
    return root


@both_versions
def test_its_plate_is_a_plate(tmp_path, version) -> None:
    path = tmp_path / "plate.zarr"
    its_plate(path, version)
    tree = xr.open_datatree(path, engine="omezarr", levels="all")
    assert tree.omezarr.kind == "plate"
    assert tree.attrs["plate"]["name"] == "theirs"
    for number, field in enumerate(("A/1/0", "A/1/1", "B/2/0")):
        for level, step in enumerate((1, 2)):
            # It calls its levels s0, s1.
            da = tree[field].omezarr.levels[level].image
            expected = pixels(number)[::step, ::step]
            np.testing.assert_array_equal(da, expected)
            # No translation: the first pixel of each level lies at 0.
            np.testing.assert_array_equal(da.x, 0.25 * step * np.arange(48 // step))
            assert da.acquisition.item() == 3 * int(field[-1])
    one = xo.open_plate(path)
    assert one.present.sum() == 3
    told = one.acquisition.sel(row="A", column="1", field=["0", "1"])
    assert told.values.tolist() == [0, 3]


@both_versions
def test_its_plate_goes_on_with_our_fields(tmp_path, version) -> None:
    path = tmp_path / "plate.zarr"
    its_plate(path, version)
    with warnings.catch_warnings():
        # Of some versions its axes tell no units, and others are warned of then.
        warnings.filterwarnings("ignore", "Fields are not like", xo.OmeZarrWarning)
        picture(9).omezarr.to_field(path, "B/1/0", acquisition=0, scale_factors=[2])
    tree = xr.open_datatree(path, engine="omezarr")
    told = tree.attrs["plate"]
    assert (told["name"], told["field_count"]) == ("theirs", 2)
    np.testing.assert_array_equal(tree["B/1/0/0/image"], pixels(9))
    (theirs,) = tree["B/2/0"].omezarr.levels
    np.testing.assert_array_equal(theirs.image, pixels(2))
    from ome_zarr import io, reader

    (node,) = reader.Reader(io.parse_url(str(path), mode="r"))()
    wells = [well["path"] for well in node.metadata["metadata"]["plate"]["wells"]]
    assert wells == ["A/1", "B/1", "B/2"]
    (ours,) = reader.Reader(io.parse_url(str(path / "B/1/0"), mode="r"))()
    np.testing.assert_array_equal(ours.data[0], pixels(9))


@both_versions
def test_its_labels_are_labels(tmp_path, version) -> None:
    from ome_zarr import writer

    path = tmp_path / "image.zarr"
    fmt = its_format(version)
    root = zarr.open_group(path, mode="w", zarr_format=fmt.zarr_format)
    its_image(root, 0, version)
    scales = ([0.5, 0.25], [1.0, 0.5])
    writer.write_multiscale_labels(
        [objects(), objects()[::2, ::2]],
        root,
        "cells",
        fmt=fmt,
        axes=AXES,
        coordinate_transformations=[[{"type": "scale", "scale": s}] for s in scales],
        label_metadata={
            "colors": [
                {"label-value": value, "rgba": list(rgba)}
                for value, rgba in COLORS.items()
            ],
            "properties": [{"label-value": 1, "class": "nucleus"}],
        },
    )
    tree = xr.open_datatree(path, engine="omezarr")
    node = tree["labels/cells"]
    finest, coarsest = node.omezarr.levels
    np.testing.assert_array_equal(finest.labels, objects())
    np.testing.assert_array_equal(coarsest.labels, objects()[::2, ::2])
    assert node.omezarr.label_colors == COLORS
    assert node.omezarr.label_properties.loc[1, "class"] == "nucleus"
    flat = xr.open_dataset(path, engine="omezarr")
    xr.testing.assert_equal(flat.cells.x, flat.image.x)
    # And others are written beside it.
    (flat.cells == 7).drop_attrs().omezarr.to_labels(path, "sevens")
    assert list(xr.open_dataset(path, engine="omezarr").data_vars) == [
        *("image", "cells", "sevens")
    ]
