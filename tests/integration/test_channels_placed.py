"""Channels have the numbers of the image that was read, whichever are left of them."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from tests.unit.placing.building import affine, image, system, way
from xarray_omezarr.errors import OmeZarrWarning, TransformationError

# Channels are shifted along x, by half a pixel each.
SHIFT = way(affine([[1, 0, 0, 0], [0, 1, 0, 0], [0.5, 0, 1, 0]]))
TRANSFORMS = {
    "coordinateSystems": [system("world", "cyx", None)],
    "coordinateTransformations": [SHIFT],
}
Y, X = np.arange(4.0), np.arange(5.0)


def stored(path, names=("a", "b", "d")) -> xr.DataArray:
    da = image(None, c=np.arange(3), y=Y, x=X)
    da = da.drop_vars("c") if names is None else da.assign_coords(c=list(names))
    xo.write_image(da, path, version="0.6", transforms=TRANSFORMS)
    return xo.open_image(path)


@pytest.fixture
def read(tmp_path):
    return stored(tmp_path / "image.ome.zarr")


def first_x(placed: xr.DataArray) -> list[float]:
    """Where the first column of each channel lies."""
    found = placed.x_world.isel(x=0) if "x_world" in placed.coords else placed.x[:1]
    return np.atleast_1d(found.values).tolist()


def test_channels_that_were_selected_keep_their_numbers(read) -> None:
    assert first_x(read.omezarr.to_system("world")) == [0, 0.5, 1]
    assert first_x(read.sel(c=["d"]).omezarr.to_system("world")) == [1]
    assert first_x(read.isel(c=[2, 0]).omezarr.to_system("world")) == [1, 0]
    flipped = read.isel(c=slice(None, None, -1)).omezarr.to_system("world")
    assert first_x(flipped) == [1, 0.5, 0]
    uneven = read.isel(c=[0, 2, 1]).omezarr.to_system("world")
    assert first_x(uneven) == [0, 1, 0.5]


def test_one_channel_keeps_its_number_and_its_name(read) -> None:
    placed = read.sel(c="d").omezarr.to_system("world")
    np.testing.assert_array_equal(placed.x, X + 1)
    assert placed.c.item() == "d"
    again = placed.omezarr.to_system("physical")
    np.testing.assert_array_equal(again.x, X)
    assert again.c.item() == "d"


def test_datasets_and_trees_keep_the_numbers(read, tmp_path) -> None:
    path = tmp_path / "image.ome.zarr"
    ds = xr.open_dataset(path, engine="omezarr").sel(c=["b"])
    assert first_x(ds.omezarr.to_system("world").image) == [0.5]
    tree = xr.open_datatree(path, engine="omezarr").isel(c=[1, 2])
    placed = tree.omezarr.to_system("world")
    assert first_x(placed["0"]["image"]) == [0.5, 1]


def test_a_part_of_channels_without_names_is_refused(tmp_path) -> None:
    read = stored(tmp_path / "image.ome.zarr", None)
    named = read.assign_coords(c=["p", "q", "r"])
    for part in (read.isel(c=[2]), read.isel(c=2), named, named.isel(c=[2, 1, 0])):
        with pytest.raises(TransformationError, match="c"):
            part.omezarr.to_system("world")


def test_all_channels_without_names_are_counted_as_they_are(tmp_path) -> None:
    read = stored(tmp_path / "image.ome.zarr", None)
    assert first_x(read.omezarr.to_system("world")) == [0, 0.5, 1]
    tree = xr.open_datatree(tmp_path / "image.ome.zarr", engine="omezarr")
    assert first_x(tree.omezarr.to_system("world")["0"]["image"]) == [0, 0.5, 1]
    again = written(read, tmp_path / "again.ome.zarr")
    assert first_x(again.omezarr.to_system("world")) == [0, 0.5, 1]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda da: da.assign_coords(c=["p", "q", "r"]), "renamed"),
        (lambda da: da.drop_vars("c"), "was dropped"),
        (lambda da: da.isel(c=[2]) + 1, "not known any more"),
    ],
)
def test_channels_that_nobody_knows_are_refused(read, change, told) -> None:
    with pytest.raises(TransformationError, match=told):
        change(read).omezarr.to_system("world")


def test_what_does_not_depend_on_channels_needs_no_names(tmp_path) -> None:
    scale = way({"type": "scale", "scale": [1, 2, 2]})
    transforms = {**TRANSFORMS, "coordinateTransformations": [scale]}
    path = tmp_path / "image.ome.zarr"
    da = image(None, c=np.arange(3), y=Y, x=X).drop_vars("c")
    xo.write_image(da, path, version="0.6", transforms=transforms)
    placed = xo.open_image(path).isel(c=[2]).omezarr.to_system("world")
    np.testing.assert_array_equal(placed.x, 2 * X)


def test_what_was_not_read_is_numbered_as_it_is() -> None:
    da = image(None, c=np.arange(3), y=Y, x=X).assign_coords(c=list("abd"))
    placed = da.isel(c=[2, 1]).omezarr.to_system("world", transforms=TRANSFORMS)
    assert first_x(placed) == [0, 0.5]
    # From then on, they are those of this image.
    back = placed.isel(c=[1]).omezarr.to_system("physical").omezarr.to_system("world")
    assert first_x(back) == [0.5]


def written(da: xr.DataArray, path) -> xr.DataArray:
    da.omezarr.to_image(path, version="0.6")
    return xo.open_image(path)


def test_one_channel_is_written_where_it_lies(read, tmp_path) -> None:
    one = written(read.sel(c="d"), tmp_path / "one.ome.zarr")
    np.testing.assert_array_equal(one.omezarr.to_system("world").x, X + 1)


@pytest.mark.filterwarnings("ignore:Coordinate systems")
@pytest.mark.parametrize("part", [[2], [2, 1], [2, 1, 0], slice(None, None, -1)])
def test_channels_with_other_numbers_are_not_written_as_shifted(
    read, tmp_path, part
) -> None:
    with pytest.warns(OmeZarrWarning, match="numbers of channels"):
        found = written(read.isel(c=part), tmp_path / "part.ome.zarr")
    with pytest.raises(TransformationError, match="no coordinate system 'world'"):
        found.omezarr.to_system("world")


def test_the_first_channels_are_written_as_they_were(read, tmp_path) -> None:
    found = written(read.isel(c=[0, 1]), tmp_path / "part.ome.zarr")
    assert first_x(found.omezarr.to_system("world")) == [0, 0.5]


@pytest.mark.filterwarnings("ignore:Coordinate systems")
@pytest.mark.parametrize("part", [[1], [2, 1, 0]])
def test_trees_of_other_channels_are_not_written_as_shifted(
    read, tmp_path, part
) -> None:
    tree = xr.open_datatree(tmp_path / "image.ome.zarr", engine="omezarr").isel(c=part)
    with pytest.warns(OmeZarrWarning, match="numbers of channels"):
        found = written(tree, tmp_path / "part.ome.zarr")
    with pytest.raises(TransformationError, match="no coordinate system 'world'"):
        found.omezarr.to_system("world")


@pytest.mark.filterwarnings("ignore:Coordinate systems")
def test_a_channel_that_nobody_knows_is_kept_with_all_channels(read, tmp_path) -> None:
    # The first one of size 1 would be left out as well, if it is not number 0.
    with pytest.warns(OmeZarrWarning, match="Write all channels, in their order$"):
        written(read.isel(c=1, drop=True), tmp_path / "part.ome.zarr")


def scene(path, names, shift) -> xr.DataTree:
    da = image(None, c=np.arange(3), y=Y, x=X).drop_vars("c")
    da = da if names is None else da.assign_coords(c=names)
    placed = {**shift, "input": {"path": "tile", "name": "physical"}}
    transforms = {**TRANSFORMS, "coordinateTransformations": [placed]}
    xo.write_scene({"tile": da}, path, transforms=transforms)
    return xr.open_datatree(path, engine="omezarr")


def in_scene(tree: xr.DataTree, path) -> list[float]:
    tree.omezarr.to_scene(path)
    again = xr.open_datatree(path, engine="omezarr")
    return first_x(again.omezarr.to_system("world")["tile/0"]["image"])


@pytest.mark.parametrize("names", [None, ["a", "b", "d"]])
def test_scenes_that_shift_channels_are_written_with_the_channels_they_had(
    tmp_path, names
) -> None:
    tree = scene(tmp_path / "scene.ome.zarr", names, SHIFT)
    assert in_scene(tree, tmp_path / "again.ome.zarr") == [0, 0.5, 1]
    with pytest.raises(TransformationError, match=r"'tile'.*numbers of channels"):
        tree.isel(c=[1]).omezarr.to_scene(tmp_path / "part.ome.zarr")
    assert not (tmp_path / "part.ome.zarr").exists()


def test_scenes_that_shift_channels_are_refused_in_another_order(tmp_path) -> None:
    tree = scene(tmp_path / "scene.ome.zarr", ["a", "b", "d"], SHIFT)
    with pytest.raises(TransformationError, match="numbers of channels"):
        tree.isel(c=[2, 1, 0]).omezarr.to_scene(tmp_path / "part.ome.zarr")
    first = tree.isel(c=[0, 1])
    assert in_scene(first, tmp_path / "first.ome.zarr") == [0, 0.5]


def test_scenes_that_do_not_depend_on_channels_take_any_of_them(tmp_path) -> None:
    scale = way({"type": "scale", "scale": [1, 2, 2]})
    tree = scene(tmp_path / "scene.ome.zarr", ["a", "b", "d"], scale)
    assert in_scene(tree.isel(c=[2, 1]), tmp_path / "part.ome.zarr") == [0]


@pytest.mark.filterwarnings("ignore:Coordinate systems")
def test_computed_channels_are_not_written_as_if_they_were_the_first(
    read, tmp_path
) -> None:
    computed = (read.isel(c=[2]) * 1).assign_attrs(read.attrs)
    with pytest.warns(OmeZarrWarning, match="computed, which drops them"):
        written(computed, tmp_path / "part.ome.zarr")
    tree = scene(tmp_path / "scene.ome.zarr", ["a", "b", "d"], SHIFT)
    part = tree.isel(c=[2]) * 1
    part.attrs = tree.attrs
    with pytest.raises(TransformationError, match="computed, which drops them"):
        part.omezarr.to_scene(tmp_path / "other.ome.zarr")
