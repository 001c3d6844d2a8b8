"""Hierarchy: a plain value that says and shows what a store holds."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from xarray_omezarr.hierarchy import (
    ArrayNode,
    Deferred,
    Downsampled,
    Given,
    GroupNode,
    Hierarchy,
    Layout,
    Readable,
    format_bytes,
    join,
)
from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.versions import registry

U2 = np.dtype("uint16")


def array(shape=(8, 6), source=None, **layout):
    return ArrayNode(
        ("y", "x"), shape, U2, Layout((4, 4), **layout), source or Deferred()
    )


def image(name="cells"):
    axes = [Axis(name="y", type="space"), Axis(name="x", type="space")]
    levels = [Level.of("0", (1.0, 1.0)), Level.of("1", (2.0, 2.0))]
    return Image(multiscales=(Multiscale.of(axes, levels, name=name),))


@pytest.fixture
def hierarchy():
    nodes = {
        "": GroupNode(image(), {"lab": "B"}),
        "0": array(shards=(8, 8)),
        "1": array((4, 3), Downsampled("0", (2, 2), "mean")),
        "xarray": GroupNode(),
    }
    return Hierarchy(registry.get("0.5"), nodes)


def test_nodes_are_found_by_path_and_kind(hierarchy) -> None:
    assert list(hierarchy) == ["", "0", "1", "xarray"]
    assert list(hierarchy.arrays) == ["0", "1"]
    assert list(hierarchy.groups) == ["", "xarray"]
    assert hierarchy["0"] == hierarchy.array("0")
    assert hierarchy.group("").attrs == {"lab": "B"}


def test_a_node_of_the_other_kind_is_a_type_error(hierarchy) -> None:
    with pytest.raises(TypeError, match="'0' is an array"):
        hierarchy.group("0")
    with pytest.raises(TypeError, match="'' is a group"):
        hierarchy.array("")


def test_bytes_are_those_of_all_pixels_uncompressed(hierarchy) -> None:
    assert hierarchy.nbytes == 2 * (8 * 6 + 4 * 3)


def test_bytes_of_the_largest_arrays_do_not_overflow() -> None:
    assert array((10**12, 10**12)).nbytes == 2 * 10**24


def test_it_can_be_moved_further_down(hierarchy) -> None:
    assert list(hierarchy.under("A/1")) == ["A/1", "A/1/0", "A/1/1", "A/1/xarray"]
    assert list(hierarchy.under("")) == list(hierarchy)


def test_a_union_holds_the_nodes_of_both_and_the_second_wins(hierarchy) -> None:
    other = Hierarchy(hierarchy.version, {"0": array((2, 2)), "new": GroupNode()})
    union = hierarchy | other
    assert list(union) == ["", "0", "1", "xarray", "new"]
    assert union.array("0").shape == (2, 2)
    assert hierarchy.array("0").shape == (8, 6)


def test_values_are_frozen(hierarchy) -> None:
    for value, field in [
        (hierarchy, "nodes"),
        (hierarchy.array("0"), "shape"),
        (hierarchy.group(""), "attrs"),
        (hierarchy.array("0").layout, "chunks"),
    ]:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field, None)


def test_stored_objects_are_shards_else_chunks() -> None:
    assert Layout((4, 4)).objects == (4, 4)
    assert Layout((4, 4), shards=(8, 8)).objects == (8, 8)


def test_given_pixels_are_those_that_exist() -> None:
    pixels = np.zeros((8, 6), U2)
    assert array(source=Given(pixels)).given is pixels
    with pytest.raises(TypeError, match="not given"):
        _ = array().given


def test_numpy_and_dask_are_readable() -> None:
    dask_array = pytest.importorskip("dask.array")
    assert isinstance(np.zeros(3), Readable)
    assert isinstance(dask_array.zeros(3), Readable)
    assert not isinstance([1, 2, 3], Readable)


class TestPrinted:
    def test_it_is_a_tree_of_all_that_will_be_written(self, hierarchy) -> None:
        assert repr(hierarchy) == "\n".join(
            [
                "<Hierarchy OME-Zarr 0.5, 2 arrays, 120 B uncompressed>",
                "/  image 'cells', axes yx, 2 levels, attributes ['lab']",
                "    0  (y: 8, x: 6) uint16, chunks (4, 4), shards (8, 8), 96 B",
                "    1  (y: 4, x: 3) uint16, chunks (4, 4), 24 B, mean of 0 by (2, 2)",
                "    xarray  group",
            ]
        )

    def test_a_method_of_the_user_is_shown_by_its_name(self) -> None:
        node = array((4, 3), Downsampled("0", (2, 2), np.add))
        text = repr(Hierarchy(registry.get("0.5"), {"1": node}))
        assert "add of 0 by (2, 2)" in text

    def test_nodes_further_down_are_shown_below(self, hierarchy) -> None:
        lines = repr(hierarchy.under("A/1")).splitlines()
        assert lines[1].startswith("        1  image")
        assert lines[2].startswith("            0  ")

    def test_ten_levels_are_shown_in_order(self) -> None:
        nodes = {str(n): array() for n in range(12)}
        lines = repr(Hierarchy(registry.get("0.5"), nodes)).splitlines()[1:]
        assert [line.split()[0] for line in lines] == [str(n) for n in range(12)]


@pytest.mark.parametrize(
    ("parts", "path"),
    [
        ((), ""),
        (("",), ""),
        (("", "0"), "0"),
        (("A", "1", "0"), "A/1/0"),
        (("/A/", "1/"), "A/1"),
        (("A", "", "0"), "A/0"),
    ],
)
def test_paths_are_joined_without_empty_parts(parts, path) -> None:
    assert join(*parts) == path


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (2**20, "1.0 MiB"),
        (64 * 2**30, "64.0 GiB"),
        (2**50, "1.0 PiB"),
        (2**61, "2048.0 PiB"),
    ],
)
def test_bytes_are_shown_as_people_write_them(count, text) -> None:
    assert format_bytes(count) == text
