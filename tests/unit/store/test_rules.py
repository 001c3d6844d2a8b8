"""Rules of a pyramid, told by its metadata or refused."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.grid.implied import told_method
from xarray_omezarr.ngff import Axis, Multiscale
from xarray_omezarr.ngff.multiscale import Level
from xarray_omezarr.store.open import open_hierarchy
from xarray_omezarr.store.rules import with_rules
from xarray_omezarr.store.target import open_target

AXES = [Axis(name="y", type="space"), Axis(name="x", type="space")]


def by_hand(shapes, scales, shifts=None, **told):
    """An image of another program: arrays, and what its metadata say."""
    group = zarr.open_group(MemoryStore(), mode="w")
    shifts = shifts or [0.0] * len(shapes)
    datasets = []
    for index, (shape, scale, shift) in enumerate(
        zip(shapes, scales, shifts, strict=True)
    ):
        group.create_array(f"s{index}", shape=shape, dtype="u1", chunks=(8, 8))
        steps = [{"type": "scale", "scale": [scale, scale]}]
        steps += [{"type": "translation", "translation": [shift, shift]}]
        datasets.append({"path": f"s{index}", "coordinateTransformations": steps})
    axes = [{"name": name, "type": "space"} for name in "yx"]
    picture = {"axes": axes, "datasets": datasets, **told}
    group.attrs["ome"] = {"version": "0.5", "multiscales": [picture]}
    return group


def rules(group, method="auto", **options):
    hierarchy = open_hierarchy(open_target(group))
    return with_rules(hierarchy, method, "here", **options).arrays


def test_factors_come_from_scales_and_shapes() -> None:
    group = by_hand([(16, 17), (8, 9), (3, 3)], [0.5, 1, 3], type="mean")
    found = rules(group)
    assert (found["s1"].source.parent, found["s1"].source.factors) == ("s0", (2, 2))
    assert (found["s2"].source.parent, found["s2"].source.factors) == ("s1", (3, 3))


def test_a_level_follows_from_the_last_one_that_divides_it() -> None:
    found = rules(by_hand([(18, 18), (9, 9), (6, 6)], [1, 2, 3], type="max"))
    assert (found["s2"].source.parent, found["s2"].source.factors) == ("s0", (3, 3))


def test_sizes_that_were_rounded_down_are_continued_so() -> None:
    group = by_hand([(9, 9), (4, 4)], [1, 2], type="mean")
    nines = xr.DataArray(np.full((9, 9), 9, "u1"), dims=("y", "x"))
    xo.write_image(nines, group, region="auto")
    assert (group["s1"][...] == 9).all()


@pytest.mark.parametrize(
    ("group", "said"),
    [
        (lambda: by_hand([(16, 16), (8, 8)], [1, 2]), "method="),
        (lambda: by_hand([(16, 16), (8, 8)], [1, 2], type="gaussian"), "'gaussian'"),
        (lambda: by_hand([(16, 16), (7, 8)], [1, 2], type="mean"), "no whole factor"),
        (lambda: by_hand([(16, 16), (8, 8)], [1, 2.1], type="mean"), "no whole factor"),
        (lambda: by_hand([(16, 16), (8, 8)], [1, 1], type="mean"), "no whole factor"),
        (
            lambda: by_hand([(16, 16), (8, 8)], [1, 2], [0, 0.25], type="mean"),
            "not where 'mean' puts",
        ),
        (
            lambda: by_hand([(16, 16), (8, 8)], [1, 2], [0, 0.5], type="nearest"),
            "not where 'nearest' puts",
        ),
    ],
)
def test_what_cannot_be_told_is_refused(group, said) -> None:
    with pytest.raises(xo.OptionError, match=said) as error:
        rules(group())
    assert "build_pyramid" in str(error.value)


def test_a_given_method_stands_in_for_one_that_is_not_told() -> None:
    group = by_hand([(16, 16), (8, 8)], [1, 2])
    assert rules(group, "median")["s1"].source.method == "median"
    with pytest.raises(xo.OptionError, match="Unknown method"):
        rules(group, "medium")


def test_remaking_may_choose_another_method() -> None:
    group = by_hand([(16, 16), (8, 8)], [1, 2], type="mean")
    with pytest.raises(xo.OptionError, match="were made by 'mean'"):
        rules(group, "max")
    assert rules(group, "max", remake=True)["s1"].source.method == "max"


def told(**fields):
    return told_method(Multiscale.of(AXES, [Level.of("0", (1, 1))], **fields))


def test_the_method_of_other_programs_is_known_only_where_it_is_the_same() -> None:
    assert told(type="mode") == "mode"
    assert told(type="itkwasm_bin_shrink", metadata={"method": "itk.x"}) == "mean"
    assert told(type="nearest", metadata={"method": "some.resize"}) is None
    assert told(type="gaussian") is None
    assert told() is None


def test_a_function_that_is_called_like_a_method_is_not_taken_for_it() -> None:
    def mean(block, factors):
        return block[:: factors[0], :: factors[1]]

    da = xr.DataArray(np.zeros((8, 8), "u1"), dims=("y", "x"))
    store = xo.write_image(da, MemoryStore(), scale_factors=[2], method=mean).store
    with pytest.raises(xo.OptionError, match="method="):
        xo.write_image(da, store, region="auto")
    xo.write_image(da, store, region="auto", method=mean)


@pytest.mark.parametrize(
    ("sizes", "parent", "step"),
    [
        ((9, 5, 3), "s1", 2),
        ((9, 4, 2), "s1", 2),
        # Level 1 lacks the last pixels, and level 2 has them.
        ((9, 4, 3), "s0", 4),
        ((11, 5, 3), "s0", 4),
        ((13, 6, 4), "s0", 4),
        # Halved until it is 1.
        ((3, 1, 1), "s1", 2),
    ],
)
def test_a_level_follows_from_one_that_has_all_its_pixels(sizes, parent, step) -> None:
    shapes = [(size, size) for size in sizes]
    source = rules(by_hand(shapes, [1, 2, 4], type="max"))["s2"].source
    assert (source.parent, source.factors) == (parent, (step, step))
