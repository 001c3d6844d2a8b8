"""A label image is planned on the grid of its image, level by level."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    DataTypeError,
    LayoutError,
    OmeZarrError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    OptionError,
    UnitError,
)
from xarray_omezarr.hierarchy import Downsampled, Given
from xarray_omezarr.options import complete
from xarray_omezarr.write.image import plan_labelled
from xarray_omezarr.write.label_frame import Frame
from xarray_omezarr.write.labels import check_label_names, plan_label
from xarray_omezarr.write.multiscale import plan_multiscale


def image(dims="yx", shape=(16, 16), *, scale=0.5, first=10.0):
    """Zeros with coordinates in micrometers along every spatial dim."""
    coords = {
        dim: (dim, first + scale * np.arange(size), {"units": "micrometer"})
        for dim, size in zip(dims, shape, strict=True)
        if dim in "zyx"
    }
    return xr.DataArray(np.zeros(shape, "uint16"), coords, tuple(dims))


def label(dims="yx", shape=(16, 16), dtype="uint32"):
    return xr.DataArray(np.zeros(shape, dtype), dims=tuple(dims))


def frame(da=None, factors=(2,), **options):
    da = image() if da is None else da
    return Frame.of(
        plan_multiscale(da, complete({"scale_factors": factors, **options}))
    )


def plan(obj, da=None, factors=(2,), *, said=None, **options):
    there = frame(da, factors)
    return plan_label("cells", obj, there, complete(options), **(said or {}))


def problems_of(error):
    if isinstance(error, OmeZarrErrorGroup):
        return [leaf for each in error.exceptions for leaf in problems_of(each)]
    return [error]


def refused(obj, da=None, **kwargs):
    with pytest.raises((OmeZarrError, OmeZarrErrorGroup)) as caught:
        plan(obj, da, **kwargs)
    return problems_of(caught.value)


def pixels(values, factors, **options):
    """All levels of a label image, as zarr reads them."""
    values = np.asarray(values)
    zeros = xr.DataArray(np.zeros(values.shape, "uint8"), dims=("y", "x"))
    group = xo.write_image(zeros, MemoryStore(), scale_factors=factors)
    given = xr.DataArray(values, dims=("y", "x"))
    written = xo.write_labels(given, group, "cells", **options)
    return [written[f"labels/cells/{n}"][...] for n in range(len(factors) + 1)]


# Pixels: expectations are worked out by hand.
def test_the_most_frequent_value_of_a_block_is_kept() -> None:
    values = np.array([[1, 1, 2, 3], [1, 9, 3, 3]], "uint16")
    assert pixels(values, [2])[1].tolist() == [[1, 3]]


@pytest.mark.parametrize(
    ("block", "kept"),
    [
        ([[5, 3], [3, 5]], 3),
        ([[0, 7], [0, 7]], 7),
        ([[0, 0], [0, 7]], 0),
        ([[0, 9], [4, 4]], 4),
        ([[4, 3], [2, 1]], 1),
        ([[0, 3], [2, 1]], 1),
        ([[0, 8], [0, 2]], 0),
    ],
)
def test_ties_go_to_the_smallest_value_that_is_something(block, kept) -> None:
    assert pixels(np.array(block, "int32"), [2])[1].tolist() == [[kept]]


def test_the_last_block_of_an_odd_size_is_of_the_pixels_there_are() -> None:
    values = np.array([[1, 1, 2], [1, 1, 2], [3, 3, 4]], "uint8")
    assert pixels(values, [2])[1].tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("method", ["auto", "mode", "nearest", "max", "min"])
@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint32"])
def test_no_level_has_a_value_that_was_not_there(method, dtype) -> None:
    values = np.random.default_rng(3).choice([0, 3, 50, 101], (37, 53)).astype(dtype)
    levels = pixels(values, [2, 4, 12], method=method)
    assert [level.shape for level in levels] == [(37, 53), (19, 27), (10, 14), (4, 5)]
    for level in levels:
        assert level.dtype == dtype
        assert set(np.unique(level)) <= {0, 3, 50, 101}


def test_a_constant_label_is_constant_on_all_levels() -> None:
    for level in pixels(np.full((33, 65), 7, "uint8"), [2, 3, 18]):
        assert (level == 7).all()


# Grids.
def test_it_has_the_levels_scales_and_units_of_the_image() -> None:
    there = frame(factors=(2, 4))
    planned = plan_label("cells", label(), there, complete({}))
    mine, its = planned.image().multiscale, there.image.multiscale
    assert mine.axes == its.axes
    assert len(mine.levels) == len(its.levels) == 3
    grids, known = Frame.of(planned).grids, there.grids
    for own, level in zip(grids, known, strict=True):
        assert own == level
    assert grids[2]["x"].scale == 4 * 0.5
    # The centre of four pixels of 0.5 that begin at 10.
    assert grids[2]["x"].translation == 10 + 1.5 * 0.5


def test_coordinates_of_the_image_are_no_offence() -> None:
    da = image()
    with_them = label().assign_coords(y=da.y, x=da.x)
    assert Frame.of(plan(with_them, da)).grids == frame(da).grids


def test_a_plane_lies_under_an_image_of_five_dims() -> None:
    da = image("tczyx", (2, 3, 4, 16, 16))
    there = frame(da, [{"z": 2, "y": 2, "x": 2}])
    planned = plan_label("cells", label(), there, complete({}))
    assert planned.array("0").dims == ("y", "x")
    assert [axis.name for axis in planned.image().multiscale.axes] == ["y", "x"]
    assert planned.array("1").shape == (8, 8)
    assert planned.array("1").source == Downsampled("0", (2, 2), "mode")


def test_a_dim_of_one_pixel_stays_one_on_every_level() -> None:
    da = image("tczyx", (2, 3, 4, 16, 16))
    there = frame(da, [{"z": 2, "y": 2, "x": 2}])
    one = label("tzyx", (2, 1, 16, 16))
    planned = plan_label("cells", one, there, complete({}))
    shapes = [planned.array(path).shape for path in ("0", "1")]
    assert shapes == [(2, 1, 16, 16), (2, 1, 8, 8)]


def test_dims_are_stored_in_the_order_of_the_image() -> None:
    da = image("tzyx", (2, 4, 16, 16))
    planned = plan(label("xyt", (16, 16, 2)), da)
    assert planned.array("0").dims == ("t", "y", "x")
    assert planned.array("0").shape == (2, 16, 16)


@pytest.mark.parametrize(
    ("obj", "kind", "said"),
    [
        (label("yx", (16, 12)), LayoutError, ("'x'", "12", "16")),
        (label("tyx", (2, 16, 16)), AxisError, ("'t'", "('y', 'x')")),
        (image(first=11.0).astype("u4"), CoordinateError, ("'x'", "11.0", "10.0")),
        (image(scale=0.25).astype("u4"), CoordinateError, ("'y'", "0.25", "0.5")),
    ],
)
def test_a_grid_that_is_another_is_refused_by_dim_and_both_values(
    obj, kind, said
) -> None:
    problems = refused(obj)
    assert {type(problem) for problem in problems} == {kind}
    text = "\n".join(map(str, problems))
    assert all(word in text for word in (*said, "cells")), text


def test_a_mirrored_label_is_refused() -> None:
    mirrored = image().astype("u4").isel(x=slice(None, None, -1))
    (problem,) = refused(mirrored)
    assert isinstance(problem, CoordinateError)
    assert "'x'" in str(problem)


def test_all_that_does_not_fit_is_said_together() -> None:
    wrong = image(shape=(12, 16), first=3.0).astype("float32")
    kinds = {type(problem) for problem in refused(wrong)}
    assert kinds == {DataTypeError, LayoutError, CoordinateError}


def test_the_same_positions_in_another_unit_are_the_same() -> None:
    da = image()
    nm = da.astype("u4").assign_coords(
        {d: (d, 1000 * da[d].values, {"units": "nanometer"}) for d in "yx"}
    )
    assert Frame.of(plan(nm, da)).grids == frame(da).grids


def test_a_unit_where_the_image_has_none_is_refused() -> None:
    da = image().drop_vars(["y", "x"])
    problems = refused(image(scale=1.0, first=0.0).astype("u4"), da)
    assert {type(problem) for problem in problems} == {UnitError}
    assert "micrometer" in str(problems[0])


def test_coordinates_of_single_precision_are_near_enough() -> None:
    da = image(shape=(16, 4096), scale=0.1625, first=25_000.0)
    single = {d: (d, da[d].values.astype("float32"), da[d].attrs) for d in "yx"}
    assert Frame.of(plan(da.astype("u4").assign_coords(single), da)).grids == (
        frame(da).grids
    )


# Levels that somebody made.
def levels_of(*arrays):
    return xr.DataTree.from_dict(
        {f"/{n}": xr.Dataset({"labels": da}) for n, da in enumerate(arrays)}
    )


def placed(size, scale, first):
    coords = {d: (d, first + scale * np.arange(size)) for d in "yx"}
    return xr.DataArray(np.full((size, size), 9, "uint8"), coords, ("y", "x"))


def test_given_levels_are_written_as_they_are() -> None:
    da = xr.DataArray(np.zeros((16, 16), "uint8"), dims=("y", "x"))
    planned = plan(levels_of(placed(16, 1, 0), placed(8, 2, 0.5)), da)
    assert [type(node.source) for node in planned.arrays.values()] == [Given, Given]
    assert planned.array("1").shape == (8, 8)


def test_given_levels_are_as_many_as_those_of_the_image() -> None:
    da = xr.DataArray(np.zeros((16, 16), "uint8"), dims=("y", "x"))
    obj = levels_of(placed(16, 1, 0), placed(8, 2, 0.5))
    (problem,) = refused(obj, da, factors=(2, 4))
    assert isinstance(problem, OptionError)
    assert "it has 2 levels, and the image has 3" in str(problem)


def test_a_given_level_of_another_size_is_refused() -> None:
    da = xr.DataArray(np.zeros((16, 16), "uint8"), dims=("y", "x"))
    problems = refused(levels_of(placed(16, 1, 0), placed(4, 4, 1.5)), da)
    assert {type(problem) for problem in problems} == {LayoutError}
    text = str(problems[0])
    assert all(word in text for word in ("level 1", "4 pixels", "8", "'y'")), text


def test_a_tree_of_one_level_has_the_others_made() -> None:
    planned = plan(levels_of(label()), factors=(2, 4))
    kinds = [type(node.source) for node in planned.arrays.values()]
    assert kinds == [Given, Downsampled, Downsampled]


# Values.
def test_booleans_are_stored_as_uint8() -> None:
    planned = plan(label(dtype=bool))
    assert [node.dtype for node in planned.arrays.values()] == [np.uint8] * 2
    mask = np.array([[True, False], [False, False]])
    assert pixels(mask, [2])[0].tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64"])
def test_values_that_are_no_integers_are_refused_with_the_way_out(dtype) -> None:
    (problem,) = refused(label(dtype=dtype))
    assert isinstance(problem, DataTypeError)
    assert dtype in str(problem)
    assert ".astype('uint32')" in str(problem)


@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_labels_of_64_bit_are_written_with_a_warning(dtype) -> None:
    with pytest.warns(OmeZarrWarning, match=f"'cells' is {dtype}.*64 bit"):
        planned = plan(label(dtype=dtype))
    assert planned.array("0").dtype == dtype


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", ">u2"])
def test_smaller_integers_stay_as_they_are_without_a_word(dtype) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        planned = plan(label(dtype=dtype))
    assert planned.array("0").dtype == np.dtype(dtype).newbyteorder("=")


@pytest.mark.parametrize("method", ["mean", "median", "linear"])
def test_methods_that_make_new_values_are_refused(method) -> None:
    (problem,) = refused(label(), method=method)
    assert isinstance(problem, OptionError)
    assert method in str(problem)


def test_methods_for_images_do_not_reach_their_labels() -> None:
    options = complete({"scale_factors": [2], "method": "mean"})
    planned = plan_labelled(image(), options, labels={"cells": label()})
    assert planned.array("1").source == Downsampled("0", (2, 2), "mean")
    made = planned.array("labels/cells/1").source
    assert made == Downsampled("labels/cells/0", (2, 2), "mode")


@pytest.mark.parametrize("option", [{"scale_factors": [2]}, {"name": "a"}])
def test_options_of_images_are_refused(option) -> None:
    (problem,) = refused(label(), **option)
    assert isinstance(problem, OptionError)
    assert "scale_factors" in str(problem)


@pytest.mark.parametrize("obj", [np.zeros((16, 16), "u4"), "cells", None])
def test_what_is_no_array_of_xarray_is_refused(obj) -> None:
    (problem,) = refused(obj)
    assert isinstance(problem, OptionError)
    assert "DataArray" in str(problem)


# Names.
@pytest.mark.parametrize(
    "name",
    [
        *("image", "y", "x", "a/b", "a\\b", "..", ".", "", " a", "__a", ".zattrs"),
        *("zarr.json", "a:b", "a?", "a#b", "end.", 5, None),
    ],
)
def test_names_that_cannot_stand_are_refused(name) -> None:
    with pytest.raises((OptionError, OmeZarrErrorGroup)) as caught:
        check_label_names([name], frame())
    (problem,) = problems_of(caught.value)
    assert repr(name) in str(problem)


def test_names_that_differ_by_case_alone_are_refused() -> None:
    with pytest.raises((OptionError, OmeZarrErrorGroup), match="case"):
        check_label_names(["cells", "Cells"], frame())
    with pytest.raises((OptionError, OmeZarrErrorGroup), match="case"):
        check_label_names(["Cells"], frame(), ["cells"])


def test_common_names_can_stand() -> None:
    check_label_names(["cells", "0", "Zellkerne ä", "cells-2.v1", "cells_2"], frame())


def test_all_names_and_labels_are_judged_together() -> None:
    options = complete({"scale_factors": [2]})
    labels = {"a/b": label(), "cells": label(dtype="float32"), "y": label()}
    with pytest.raises(OmeZarrErrorGroup) as caught:
        plan_labelled(image(), options, labels=labels)
    text = "\n".join(map(str, problems_of(caught.value)))
    assert all(word in text for word in ("'a/b'", "'cells'", "'y'"))


# With the image.
def test_an_image_and_its_labels_are_one_hierarchy() -> None:
    options = complete({"scale_factors": [2], "chunks": (8, 4)})
    planned = plan_labelled(image(), options, labels={"cells": label(), "b": label()})
    assert planned.group("labels").model.labels == ("cells", "b")
    own = ["", "0", "1", "labels"]
    below = [f"labels/{n}{p}" for n in ("cells", "b") for p in ("", "/0", "/1")]
    assert sorted(planned.nodes) == sorted(own + below)
    assert planned.array("labels/cells/0").layout.chunks == (8, 4)
    assert planned.array("labels/cells/1").layout.chunks == (8, 4)


def test_the_source_is_the_image_unless_another_is_named() -> None:
    said = [{}, {"source": "../../../raw"}]
    found = [plan(label(), said=s).group("").model.image_label.source for s in said]
    assert [source.image for source in found] == ["../../", "../../../raw"]


def test_what_the_object_says_of_its_values_counts_unless_more_is_said() -> None:
    obj = label()
    red = {"label-value": 1, "rgba": [255, 0, 0, 255]}
    area = {"label-value": 1, "area": 4}
    obj.attrs["image-label"] = {"colors": [red], "properties": [area], "version": "0.4"}
    known = plan(obj).group("").model.image_label.to_json()
    assert (known["colors"], known["properties"]) == ([red], [area])
    over = plan(obj, said={"colors": {2: "#0000ff"}}).group("").model.image_label
    assert over.to_json()["colors"] == [{"label-value": 2, "rgba": [0, 0, 255, 255]}]
    assert over.to_json()["properties"] == [area]
    assert obj.attrs["image-label"]["colors"] == [red]


def test_attributes_of_the_label_go_with_it() -> None:
    group = xo.write_image(image(), MemoryStore())
    obj = label()
    obj.attrs.update(made_by="threshold", long_name="The cells")
    written = xo.write_labels(obj, group, "cells")["labels/cells"]
    assert written.attrs["ome"]["multiscales"][0]["name"] == "The cells"
    again = xr.open_dataset(group.store, engine="omezarr")["cells"]
    assert again.attrs["made_by"] == "threshold"
    assert again.attrs["long_name"] == "The cells"
