"""Independent readers agree with us on plates, wells, fields and label images.

Seen with ngio 1.1.3, iohub 0.3.11 and ome-zarr 0.18 and 0.21. None of them refuses
what is written here, but they show less than the files say:

- iohub iterates wells and fields as the store sorts their names (``A/10`` before
  ``A/3``, field ``10`` before ``2``). The order of the metadata is there in
  ``metadata.wells`` and ``metadata.images``.
- ome-zarr lays the first field of each well side by side as one picture, and the fields
  of a well too: neither stage positions nor acquisitions count. The geometry of a plate
  is that of the well whose path sorts first as text.
- ngio shows where an image begins only as ``dataset.translation``; its ``pixel_size``
  says 1 along dims that the image does not have.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr  # noqa: F401

# What these packages think of their dependencies and their own future is not at issue;
# what we have to say is.
pytestmark = pytest.mark.filterwarnings(
    "ignore", "error::xarray_omezarr.OmeZarrWarning"
)

needs_python_3_12 = pytest.mark.skipif(
    sys.version_info < (3, 12), reason="ngio and iohub want Python 3.12"
)

CHANNELS = ["DAPI", "GFP"]
MICROMETER = {"units": "micrometer"}
SHAPE = (2, 24, 36)
SCALE = [1.0, 0.5, 0.25]
# The order of the files: rows and columns as the plate has them, 2 before 10.
WELLS = {"A/3": ["0"], "A/10": ["0"], "B/2": [str(number) for number in range(11)]}
FIELDS = [f"{well}/{field}" for well, fields in WELLS.items() for field in fields]
LATER = ["A/10/0", "B/2/6", "B/2/7", "B/2/8", "B/2/9", "B/2/10"]
LABELLED = "B/2/10"


def pixels(path):
    """The pixels of a field: none is 0, no two fields share their first pixel."""
    values = np.arange(np.prod(SHAPE)).reshape(SHAPE) * 7 % 3001
    return (values + 1 + 4000 * FIELDS.index(path)).astype("uint16")


def origin(path):
    """Where the stage stood: translation of y and x in micrometers."""
    number = FIELDS.index(path)
    return [100.5 * number, 12.0 - 50.25 * number]


def objects(shape=SHAPE[1:]):
    """Rectangles in the last two dims, one of them called more than 16 bits hold."""
    values = np.zeros(shape, "uint32")
    values[..., 1:8, 2:9], values[..., 9:22, 27:35] = 3, 70_000
    return values


def field(path):
    y, x = origin(path)
    coords = {
        "c": CHANNELS,
        "y": ("y", y + SCALE[1] * np.arange(SHAPE[1]), MICROMETER),
        "x": ("x", x + SCALE[2] * np.arange(SHAPE[2]), MICROMETER),
        "acquisition": int(path in LATER),
    }
    return xr.DataArray(pixels(path), coords, ("c", "y", "x"))


def plate_tree():
    """The plate as a tree whose nodes stand in no particular order."""
    nodes = {path: xr.Dataset({"image": field(path)}) for path in sorted(FIELDS)}
    image = nodes[LABELLED]
    cells = xr.DataArray(objects(), {"y": image["y"], "x": image["x"]}, ("y", "x"))
    nodes[f"{LABELLED}/labels/cells"] = xr.Dataset({"cells": cells})
    return xr.DataTree.from_dict(nodes)


@pytest.fixture(scope="module", params=["0.4", "0.5"])
def version(request):
    return request.param


@pytest.fixture(scope="module")
def plate(version, tmp_path_factory):
    path = tmp_path_factory.mktemp("plate") / "screen.ome.zarr"
    plate_tree().omezarr.to_plate(
        path,
        version=version,
        plate={"name": "screen"},
        acquisitions=[{"id": 0, "name": "before"}, {"id": 1, "name": "after"}],
        scale_factors=[2],
        chunks=16,
    )
    return path


IMAGES = {"yx": (24, 36), "cyx": SHAPE, "tczyx": (3, 2, 6, 24, 36)}
STEPS = {"t": 1.5, "c": 1.0, "z": 0.75, "y": 0.5, "x": 0.25}
STARTS = {"t": 0.0, "c": 0.0, "z": -3.25, "y": 100.5, "x": 12.0}


@pytest.fixture(scope="module", params=list(IMAGES))
def image(request, version, tmp_path_factory):
    """An image with labels: its path, dims, pixels and label image."""
    dims, shape = request.param, IMAGES[request.param]
    values = (np.arange(np.prod(shape)).reshape(shape) % 65_521).astype("uint16")
    coords = {"c": CHANNELS} if "c" in dims else {}
    for dim in set(dims) - {"c"}:
        units = {"units": "second"} if dim == "t" else MICROMETER
        steps = STARTS[dim] + STEPS[dim] * np.arange(shape[dims.index(dim)])
        coords[dim] = (dim, steps, units)
    da = xr.DataArray(values, coords, tuple(dims))
    names = dims.replace("c", "")
    cells = objects(tuple(shape[dims.index(dim)] for dim in names))
    labels = {"cells": xr.DataArray(cells, {d: da[d] for d in names}, tuple(names))}
    path = tmp_path_factory.mktemp("image") / "cells.ome.zarr"
    da.omezarr.to_image(path, labels=labels, version=version, scale_factors=[2])
    return path, dims, values, cells


def steps_of(dims):
    return [STEPS[dim] for dim in dims]


def starts_of(dims):
    return [STARTS[dim] for dim in dims]


# ngio


@needs_python_3_12
def test_ngio_lists_the_wells_fields_and_acquisitions_in_order(plate):
    import ngio

    found = ngio.open_ome_zarr_plate(str(plate), mode="r")
    assert found.rows == ["A", "B"]
    assert [name for name in found.columns if name in {"2", "3", "10"}] == [
        *("2", "3", "10")
    ]
    assert found.wells_paths() == list(WELLS)
    assert found.acquisition_ids == [0, 1]
    assert found.acquisitions_names == ["before", "after"]
    assert found.images_paths(max_workers=1) == FIELDS
    assert found.images_paths(acquisition=1, max_workers=1) == LATER
    for path in FIELDS:
        told = found.get_image_acquisition_id(*path.split("/"))
        assert told == int(path in LATER)


@needs_python_3_12
def test_ngio_reads_the_pixels_and_positions_of_every_field(plate):
    import ngio

    found = ngio.open_ome_zarr_plate(str(plate), mode="r")
    for path in FIELDS:
        container = found.get_image(*path.split("/"))
        assert container.channel_labels == CHANNELS
        assert container.space_unit == "micrometer"
        image = container.get_image(path="0")
        assert image.axes == ("c", "y", "x")
        np.testing.assert_array_equal(image.get_as_numpy(), pixels(path))
        assert image.pixel_size.yx == tuple(SCALE[1:])
        np.testing.assert_allclose(image.dataset.translation, [0.0, *origin(path)])
        coarse = container.get_image(path="1")
        assert coarse.pixel_size.yx == (2 * SCALE[1], 2 * SCALE[2])
        # A pixel of 2 x 2 begins half a pixel further.
        y, x = origin(path)
        expected = [0.0, y + SCALE[1] / 2, x + SCALE[2] / 2]
        np.testing.assert_allclose(coarse.dataset.translation, expected)


@needs_python_3_12
def test_ngio_reads_the_label_image_of_the_field_that_has_one(plate):
    import ngio

    found = ngio.open_ome_zarr_plate(str(plate), mode="r")
    for path in FIELDS:
        names = found.get_image(*path.split("/")).list_labels()
        assert names == (["cells"] if path == LABELLED else [])
    label = found.get_image(*LABELLED.split("/")).get_label("cells", path="0")
    assert label.axes == ("y", "x")
    assert label.pixel_size.yx == tuple(SCALE[1:])
    np.testing.assert_allclose(label.dataset.translation, origin(LABELLED))
    assert label.get_as_numpy().dtype == np.dtype("uint32")
    np.testing.assert_array_equal(label.get_as_numpy(), objects())


@needs_python_3_12
def test_ngio_reads_an_image_and_its_label_image(image):
    import ngio

    path, dims, values, cells = image
    container = ngio.open_ome_zarr_container(str(path), mode="r")
    found = container.get_image(path="0")
    assert found.axes == tuple(dims)
    np.testing.assert_array_equal(found.get_as_numpy(), values)
    np.testing.assert_allclose(found.dataset.scale, steps_of(dims))
    np.testing.assert_allclose(found.dataset.translation, starts_of(dims))
    assert container.list_labels() == ["cells"]
    label = container.get_label("cells", path="0")
    names = dims.replace("c", "")
    assert label.axes == tuple(names)
    np.testing.assert_array_equal(label.get_as_numpy(), cells)
    np.testing.assert_allclose(label.dataset.scale, steps_of(names))
    np.testing.assert_allclose(label.dataset.translation, starts_of(names))


# iohub


@needs_python_3_12
def test_iohub_lists_the_wells_fields_and_acquisitions(plate, version):
    from iohub import ngff

    with ngff.open_ome_zarr(plate, mode="r") as found:
        assert isinstance(found, ngff.Plate)
        assert found.version == version
        told = found.metadata
        assert (told.name, told.field_count) == ("screen", 11)
        assert [well.path for well in told.wells] == list(WELLS)
        for well in told.wells:
            row, column = well.path.split("/")
            assert told.rows[well.row_index].name == row
            assert told.columns[well.column_index].name == column
        assert [(a.id, a.name) for a in told.acquisitions] == [
            *((0, "before"), (1, "after"))
        ]
        for path, fields in WELLS.items():
            listed = [(i.path, i.acquisition) for i in found[path].metadata.images]
            assert listed == [(f, int(f"{path}/{f}" in LATER)) for f in fields]
        # It iterates as text sorts: every field is there, but 10 stands before 2.
        assert [name for name, _ in found.positions()] == sorted(FIELDS)


@needs_python_3_12
def test_iohub_reads_the_pixels_and_positions_of_every_field(plate):
    from iohub import ngff

    with ngff.open_ome_zarr(plate, mode="r") as found:
        for path in FIELDS:
            position = found[path]
            assert position.axis_names == ["c", "y", "x"]
            assert position.channel_names == CHANNELS
            np.testing.assert_array_equal(np.asarray(position["0"][:]), pixels(path))
            assert position.get_effective_scale("0") == SCALE
            y, x = origin(path)
            start = position.get_effective_translation("0")
            np.testing.assert_allclose(start, [0.0, y, x])
            assert position.get_effective_scale("1") == [1.0, 1.0, 0.5]
            coarse = position.get_effective_translation("1")
            np.testing.assert_allclose(coarse, [0.0, y + 0.25, x + 0.125])


@needs_python_3_12
def test_iohub_reads_the_label_image_of_the_field_that_has_one(plate):
    from iohub import ngff

    with ngff.open_ome_zarr(plate, mode="r") as found:
        for path in FIELDS:
            assert found[path].has_labels == (path == LABELLED)
        assert found[LABELLED].label_names() == ["cells"]
        stored = found[LABELLED].get_label("cells")["0"]
        np.testing.assert_array_equal(np.asarray(stored[:]), objects())


@needs_python_3_12
def test_iohub_reads_an_image_and_its_label_image(image):
    from iohub import ngff

    path, dims, values, cells = image
    with ngff.open_ome_zarr(path, mode="r") as found:
        assert found.axis_names == list(dims)
        np.testing.assert_array_equal(np.asarray(found["0"][:]), values)
        np.testing.assert_allclose(found.get_effective_scale("0"), steps_of(dims))
        start = found.get_effective_translation("0")
        np.testing.assert_allclose(start, starts_of(dims))
        assert found.label_names() == ["cells"]
        stored = found.get_label("cells")["0"]
        np.testing.assert_array_equal(np.asarray(stored[:]), cells)


# ome-zarr


def nodes_at(path):
    """What ome-zarr finds at a path: the image first, then its labels."""
    from ome_zarr import io, reader

    return list(reader.Reader(io.parse_url(str(path), mode="r"))())


def geometry(node):
    """Scale and translation of the finest level; no translation means zeros."""
    told = {
        t["type"]: t[t["type"]] for t in node.metadata["coordinateTransformations"][0]
    }
    return told["scale"], told.get("translation", [0.0] * len(told["scale"]))


def test_ome_zarr_lays_the_first_field_of_each_well_in_its_place(plate):
    (node,) = nodes_at(plate)
    told = node.metadata["metadata"]["plate"]
    rows = [row["name"] for row in told["rows"]]
    columns = [column["name"] for column in told["columns"]]
    _, height, width = SHAPE
    expected = np.zeros((2, height * len(rows), width * len(columns)), "uint16")
    for well, (first, *_) in WELLS.items():
        row, column = well.split("/")
        top, left = height * rows.index(row), width * columns.index(column)
        tile = pixels(f"{well}/{first}")
        expected[:, top : top + height, left : left + width] = tile
    np.testing.assert_array_equal(np.asarray(node.data[0]), expected)
    assert [a["name"] for a in told["acquisitions"]] == ["before", "after"]


def test_ome_zarr_lays_the_fields_of_a_well_in_their_order(plate):
    (node,) = nodes_at(plate / "B" / "2")
    tiles = [pixels(path) for path in FIELDS if path.startswith("B/2/")]
    tiles.append(np.zeros(SHAPE, "uint16"))
    # 11 fields, the last place empty, in 3 rows of 4.
    rows = [np.concatenate(tiles[n : n + 4], axis=2) for n in (0, 4, 8)]
    np.testing.assert_array_equal(np.asarray(node.data[0]), np.concatenate(rows, 1))


def test_ome_zarr_reads_every_field_with_its_position_and_labels(plate):
    for path in FIELDS:
        node, *labels = nodes_at(plate / path)
        np.testing.assert_array_equal(np.asarray(node.data[0]), pixels(path))
        assert node.metadata["channel_names"] == CHANNELS
        scale, translation = geometry(node)
        assert scale == SCALE
        np.testing.assert_allclose(translation, [0.0, *origin(path)])
        if path != LABELLED:
            assert labels == []
            continue
        _, label = labels
        np.testing.assert_array_equal(np.asarray(label.data[0]), objects())
        scale, translation = geometry(label)
        assert scale == SCALE[1:]
        np.testing.assert_allclose(translation, origin(path))


def test_ome_zarr_reads_an_image_and_its_label_image(image):
    path, dims, values, cells = image
    node, _, label = nodes_at(path)
    names = dims.replace("c", "")
    for found, axes, expected in ((node, dims, values), (label, names, cells)):
        assert [axis["name"] for axis in found.metadata["axes"]] == list(axes)
        np.testing.assert_array_equal(np.asarray(found.data[0]), expected)
        scale, translation = geometry(found)
        np.testing.assert_allclose(scale, steps_of(axes))
        np.testing.assert_allclose(translation, starts_of(axes))
    assert label.metadata["name"] == "cells"
