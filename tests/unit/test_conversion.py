"""How a conversion is planned, without a store."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from xarray_omezarr import errors
from xarray_omezarr.conversion import convert
from xarray_omezarr.conversion.asked import KEEP, Asked, asked_for
from xarray_omezarr.conversion.parts import check_spelling, with_true_lists
from xarray_omezarr.conversion.shaping import (
    WithAxes,
    inserted_axes,
    with_axes,
    with_ones,
)
from xarray_omezarr.hierarchy import ArrayNode, Given, GroupNode, Hierarchy, Layout
from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.bioformats2raw import Series
from xarray_omezarr.ngff.labels import LabelsGroup
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.omero import Channel, Omero
from xarray_omezarr.ngff.plate import Acquisition, Field, Plate, Well
from xarray_omezarr.ngff.versions import registry

FIXED = ("t", "c", "z", "y", "x")
NEW = registry.get("0.5")


def asked(**options) -> Asked:
    defaults = dict.fromkeys(("chunks", "shards", "compression", "fill_value"), KEEP)
    given = {"version": None, "lossy": False, "memory_limit": None, **defaults}
    return asked_for(**{**given, **options})


def node(dims="yx", shape=(64, 48), chunks=(8, 8), shards=None, dtype="uint16"):
    pixels = np.zeros(shape, dtype)
    layout = Layout(chunks, shards, ["codec"])
    return ArrayNode(tuple(dims), shape, pixels.dtype, layout, Given(pixels))


def picture(dims="cyx", levels=1, **more):
    types = {"t": "time", "c": "channel"}
    axes = [Axis(name=name, type=types.get(name, "space")) for name in dims]
    made = [
        Level.of(str(n), [1.0] + [0.5 * 2**n] * (len(dims) - 1), [0.0] + [3.0] * 2)
        for n in range(levels)
    ]
    return Image(multiscales=(Multiscale.of(axes, made),), **more)


@pytest.mark.parametrize(
    ("old", "new", "places"),
    [
        ("yx", "tczyx", (0, 1, 2)),
        ("cyx", "tczyx", (0, 2)),
        ("tczyx", "tczyx", ()),
        ("tzyx", "tczyx", (1,)),
        ("ctyx", "tczyx", None),
        ("qyx", "tczyx", None),
    ],
)
def test_further_axes_have_places_where_the_others_keep_their_order(old, new, places):
    assert inserted_axes(old, new) == places


def test_pixels_with_further_axes_are_the_same_pixels():
    data = np.arange(24).reshape(2, 3, 4)
    seen = WithAxes(data, (0, 2), (1, 1, 1, 3, 2))
    assert seen.shape == (1, 2, 1, 3, 4)
    assert seen.chunks == with_ones((1, 3, 2), (0, 2))
    key = (slice(0, 1), slice(1, 2), slice(0, 1), slice(0, 3), slice(1, 3))
    np.testing.assert_array_equal(seen[key], data[np.newaxis, 1:2, np.newaxis, :, 1:3])


def test_fixed_axes_leave_the_others_where_they_are():
    root = Hierarchy(NEW, {"": GroupNode(picture("cyx"))})
    made = with_axes(root, FIXED).image()
    assert [axis.name for axis in made.multiscale.axes] == list(FIXED)
    assert [axis.type for axis in made.multiscale.axes][:3] == [
        "time",
        "channel",
        "space",
    ]
    (level,) = made.multiscale.levels
    assert level.scale == (1.0, 1.0, 1.0, 0.5, 0.5)
    assert level.translation == (0.0, 0.0, 0.0, 3.0, 3.0)


def test_other_axes_stay_for_the_version_to_refuse():
    axes = [Axis(name="q", type="angle"), Axis(name="y", type="space")]
    axes.append(Axis(name="x", type="space"))
    image = Image(multiscales=(Multiscale.of(axes, [Level.of("0", (1, 1, 1))]),))
    root = Hierarchy(NEW, {"": GroupNode(image)})
    assert with_axes(root, FIXED).image() == image


def test_what_is_kept_is_as_it_is_stored():
    stored = node(chunks=(8, 8), shards=(16, 16))
    assert asked().layout(stored, 0, ("y", "x")) is None
    assert asked(chunks=8, shards=16).layout(stored, 0, ("y", "x")) is None
    layout = asked(compression="zstd").layout(stored, 0, ("y", "x"))
    assert layout == Layout((8, 8), (16, 16), "zstd")


@pytest.mark.parametrize(
    ("options", "dims", "chunks"),
    [
        ({"chunks": 4}, "yx", (4, 4)),
        ({"chunks": {"c": 1, "y": 16}}, "yx", (16, 48)),
        ({"chunks": (1, 16, 12)}, "yx", (16, 12)),
        ({"chunks": (16, 12)}, "yx", (16, 12)),
        ({"chunks": [None, (4, 4)]}, "yx", (64, 48)),
        ({"chunks": None}, "yx", (64, 48)),
    ],
)
def test_chunks_are_those_of_writing(options, dims, chunks):
    layout = asked(**options).layout(node(dims), 0, ("c", "y", "x"))
    assert layout.chunks == chunks


def test_further_levels_follow_the_last_entry_of_a_list():
    option = asked(chunks=[(32, 32), (4, 4)])
    assert option.layout(node(), 2, ("y", "x")).chunks == (4, 4)


def test_shards_that_do_not_fit_new_chunks_are_refused_by_dim():
    stored = node(chunks=(8, 8), shards=(16, 16))
    with pytest.raises(errors.LayoutError, match="'y'"):
        asked(chunks=(6, 8)).layout(stored, 0, ("y", "x"))
    unpacked = asked(chunks=(6, 8)).layout(stored, 0, ("y", "x"), may_shard=False)
    assert (unpacked.chunks, unpacked.shards) == ((6, 8), None)


def test_shards_are_dropped_for_a_version_without_if_that_is_wanted():
    with pytest.raises(errors.NotInVersionError, match="shards"):
        asked(version="0.4", shards=64)
    with pytest.warns(errors.OmeZarrWarning, match="shards"):
        assert asked(version="0.4", shards=64, lossy=True).shards is None


@pytest.mark.parametrize("value", [float("nan"), 3.0, 0])
def test_fill_values_that_the_pixels_can_hold_are_taken(value):
    layout = asked(fill_value=value).layout(node(dtype="float32"), 0, ("y", "x"))
    found = np.float64(0 if layout is None else layout.fill_value)
    np.testing.assert_equal(found, np.float64(value))


def test_lists_name_what_is_there():
    plate = Plate.of(["A/1", "A/2"], field_count=2)
    nodes = {
        "": GroupNode(plate),
        "A/1": GroupNode(Well(images=(Field(path="0"), Field(path="1")))),
        "A/1/1": GroupNode(picture()),
        "A/1/1/labels": GroupNode(LabelsGroup(labels=("cells", "gone"))),
        "A/1/1/labels/cells": GroupNode(picture("zyx")),
        "OME": GroupNode(Series(series=("A/1/0", "A/1/1"))),
    }
    made = with_true_lists(Hierarchy(NEW, nodes), is_part=True)
    assert [well.path for well in made.group("").model.wells] == ["A/1"]
    assert made.group("").model.columns == plate.columns
    assert made.group("").model.field_count == 1
    assert [entry.path for entry in made.group("A/1").model.images] == ["1"]
    assert made.group("A/1/1/labels").model.labels == ("cells",)
    assert made.group("OME").model.series == ("A/1/1",)


def test_acquisitions_stay_and_count_the_fields_that_stay():
    runs = [
        Acquisition(id=1, maximum_field_count=3),
        Acquisition(id=2, maximum_field_count=1),
        Acquisition(id=3),
    ]
    plate = Plate.of(["A/1"], acquisitions=runs)
    fields = tuple(Field(path=str(n), acquisition=1) for n in range(3))
    nodes = {
        "": GroupNode(plate),
        "A/1": GroupNode(Well(images=fields)),
        "A/1/2": GroupNode(picture()),
    }
    made = with_true_lists(Hierarchy(NEW, nodes), is_part=True).group("").model
    assert [(run.id, run.maximum_field_count) for run in made.acquisitions] == [
        (1, 1),
        (2, None),
        (3, None),
    ]


def test_nothing_changes_where_all_is_there():
    plate = Plate.of(["A/1"], field_count=1)
    well = Well(images=(Field(path="0"),))
    nodes = {
        "": GroupNode(plate),
        "A/1": GroupNode(well),
        "A/1/0": GroupNode(picture()),
    }
    made = with_true_lists(Hierarchy(NEW, nodes), is_part=False)
    assert made.group("").model is plate
    assert made.group("A/1").model is well


def test_what_cannot_be_spelled_is_told_with_its_path():
    channels = Omero(channels=(Channel(label="a"),))
    nodes = {"A/1/0": GroupNode(picture(omero=channels)), "": GroupNode(None)}
    (problem,) = check_spelling(Hierarchy(NEW, nodes))
    assert str(problem).startswith("A/1/0: ")


def test_all_options_are_keywords_with_defaults():
    parameters = [*inspect.signature(convert).parameters.values()]
    assert [p.name for p in parameters[:2]] == ["source", "store"]
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters[2:])
    assert all(p.default is not p.empty for p in parameters[2:])
