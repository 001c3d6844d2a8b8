"""A pyramid that somebody made is checked against its first level."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    DataTypeError,
    LayoutError,
    OmeZarrError,
    OmeZarrErrorGroup,
    OptionError,
    UnitError,
)
from xarray_omezarr.grid.model import to_grid
from xarray_omezarr.options import complete
from xarray_omezarr.write.tree import plan_tree


def level(shape=(16, 16), scale=1.0, first=0.0, dtype="uint8", unit=None, name="image"):
    """A level with coordinates, all pixels zero."""
    attrs = {} if unit is None else {"units": unit}
    coords = {
        dim: (dim, first + scale * np.arange(n), attrs)
        for dim, n in zip(("y", "x"), shape, strict=True)
    }
    return xr.Dataset({name: (("y", "x"), np.zeros(shape, dtype))}, coords)


def plan(levels, image=None, **options):
    tree = levels if isinstance(levels, xr.DataTree) else xr.DataTree.from_dict(levels)
    return plan_tree(tree, complete(options), image)


def grids(hierarchy):
    multiscale = hierarchy.group("").model.multiscale
    return [
        to_grid(multiscale, found, hierarchy.array(found.path).shape)
        for found in multiscale.levels
    ]


GOOD = {"0": level(), "1": level((8, 8), 2.0, 0.5)}


def refused(kind, coarse, said, **options):
    with pytest.raises(OmeZarrError) as caught:
        plan({"0": level(unit="micrometer"), "1": coarse}, **options)
    problems = getattr(caught.value, "exceptions", [caught.value])
    assert {type(problem) for problem in problems} == {kind}
    assert said in str(caught.value)
    assert "Level '/1'" in str(caught.value)


class TestGivenLevels:
    def test_levels_keep_their_scale_and_translation(self) -> None:
        _, coarse = grids(plan(GOOD))
        assert coarse.scale == {"y": 2.0, "x": 2.0}
        assert coarse.translation == {"y": 0.5, "x": 0.5}

    @pytest.mark.parametrize("names", ["01", ["scale0", "scale1"], "ab", "10"])
    def test_the_finest_is_first_whatever_its_name(self, names) -> None:
        found = plan(dict(zip(names, GOOD.values(), strict=True)))
        assert [found.array(path).shape for path in "01"] == [(16, 16), (8, 8)]

    def test_arrays_in_groups_of_their_own_are_levels(self) -> None:
        found = plan({f"scale{n}/image": ds for n, ds in GOOD.items()})
        assert [*found.arrays] == ["0", "1"]

    def test_the_only_variable_is_the_image_whatever_its_name(self) -> None:
        levels = {"0": level(name="raw"), "1": level((8, 8), 2.0, name="raw")}
        assert [*plan(levels).arrays] == ["0", "1"]

    def test_one_of_several_variables_is_named(self) -> None:
        levels = {n: ds.assign(other=ds["image"] + 1) for n, ds in GOOD.items()}
        assert plan(levels, image="other").array("1").given[0:1, 0:1] == 1

    def test_a_second_variable_is_not_left_out_silently(self) -> None:
        levels = {n: ds.assign(other=ds["image"] + 1) for n, ds in GOOD.items()}
        with pytest.raises(OmeZarrErrorGroup) as caught:
            plan(levels)
        assert "'/1' holds ['other'] beside 'image'" in str(caught.value.exceptions[1])

    def test_factors_need_not_be_whole(self) -> None:
        coarse = level((11, 11), 16 / 11, 0.25)
        _, found = grids(plan({"0": level(), "1": coarse}))
        assert found.scale["x"] == pytest.approx(16 / 11)

    def test_trimmed_levels_are_as_good_as_padded_ones(self) -> None:
        for size in (8, 9):
            coarse = level((size, size), 2.0, 0.5)
            assert plan({"0": level((17, 17)), "1": coarse}).array("1").shape[0] == size

    def test_a_level_without_coordinates_lies_over_the_same_place(self) -> None:
        bare = level((8, 4)).drop_vars(["y", "x"])
        levels = {"0": level((16, 16), 0.5, 3.0), "1": bare}
        _, mean = grids(plan(levels))
        assert mean.scale == {"y": 1.0, "x": 2.0}
        assert mean.translation == {"y": 3.25, "x": 3.75}
        _, sampled = grids(plan(levels, method="nearest"))
        assert sampled.translation == {"y": 3.0, "x": 3.0}

    def test_a_single_coarse_pixel_is_as_large_as_the_image(self) -> None:
        _, coarse = grids(plan({"0": level(), "1": level((1, 1), 1.0, 7.5)}))
        assert coarse.scale == {"y": 16.0, "x": 16.0}
        assert coarse.translation == {"y": 7.5, "x": 7.5}

    def test_the_method_is_named_if_it_is_known(self) -> None:
        of = lambda **options: plan(GOOD, **options).group("").model.multiscale  # noqa: E731
        assert of().type is None
        assert of(method="gaussian of mine").type == "gaussian of mine"

    def test_chunks_are_given_level_by_level(self) -> None:
        found = plan(GOOD, chunks=[(8, 8), (4, 4)])
        assert [found.array(p).layout.chunks for p in "01"] == [(8, 8), (4, 4)]

    def test_numbers_in_place_of_channel_names_are_no_names(self) -> None:
        fine = GOOD["0"].expand_dims(c=["DAPI"])
        coarse = GOOD["1"].expand_dims(c=[0])
        found = plan({"0": fine, "1": coarse})
        assert found.group("").model.omero.channels[0].label == "DAPI"


class TestRefused:
    def test_another_type(self) -> None:
        refused(DataTypeError, level((8, 8), 2.0, dtype="float32"), "astype")

    def test_other_dims(self) -> None:
        refused(AxisError, GOOD["1"].expand_dims("z"), "dims")

    def test_another_unit(self) -> None:
        refused(UnitError, level((8, 8), 2.0, unit="meter"), "'meter'")

    def test_a_scale_that_does_not_fit_the_sizes(self) -> None:
        refused(CoordinateError, level((8, 8), 4.0), "cover")

    def test_a_finer_step(self) -> None:
        refused(CoordinateError, level((8, 8), 0.5), "finer")

    @pytest.mark.parametrize("first", [-1.1, 1.6])
    def test_a_shift_of_more_than_half_a_pixel(self, first) -> None:
        refused(CoordinateError, level((8, 8), 2.0, first), "half a pixel")

    @pytest.mark.parametrize("first", [-1.0, 0.0, 0.5, 1.5])
    def test_but_not_half_a_pixel(self, first) -> None:
        plan({"0": level(), "1": level((8, 8), 2.0, first)})

    def test_sizes_that_tell_no_factor(self) -> None:
        bare = level((2, 8)).drop_vars(["y", "x"])
        with pytest.raises(CoordinateError, match="no coordinate 'y'"):
            plan({"0": level((5, 16)), "1": bare})

    def test_more_pixels_along_a_dim(self) -> None:
        levels = {
            "0": level(),
            "1": level((8, 8), 2.0),
            "2": level((4, 4), 4.0).isel(y=[0]).drop_vars("y"),
        }
        wide = xr.Dataset({"image": (("y", "x"), np.zeros((1, 16), "uint8"))})
        with pytest.raises(LayoutError, match=r"more along \['x'\]"):
            plan({**levels, "2": wide})

    def test_other_channels(self) -> None:
        fine, coarse = (ds.expand_dims(c=[n]) for ds, n in zip(GOOD.values(), "ab"))  # noqa: B905
        with pytest.raises(CoordinateError, match="channels"):
            plan({"0": fine, "1": coarse})

    def test_all_problems_are_told_together_with_their_places(self) -> None:
        bad = {"0": level(), "1": level((8, 8), 2.0, dtype="f4"), "2": level((4, 4))}
        with pytest.raises(OmeZarrErrorGroup) as caught:
            plan(bad)
        text = str(caught.value)
        assert "Level '/1'" in text
        assert "Level '/2'" in text

    @pytest.mark.parametrize(
        ("tree", "said"),
        [
            ({"/": level(), "0": GOOD["1"].drop_vars(["y", "x"])}, "one or the other"),
            ({"0": xr.Dataset()}, "has the variables"),
            ({"A/1/0": level(), "A/2/0": level()}, "has the children"),
            ({"/": xr.Dataset()}, "no children"),
            (
                {"0": level().assign(image2=level()["image"]).rename(image="a")},
                "image=",
            ),
        ],
    )
    def test_what_is_no_pyramid(self, tree, said) -> None:
        if "/" in tree and tree["/"].data_vars:
            tree["/"] = tree["/"].drop_vars(["y", "x"]).rename(y="v", x="w")
        with pytest.raises(OptionError, match=said):
            plan(tree)

    def test_nodes_of_one_size_are_images_of_their_own(self) -> None:
        with pytest.raises(LayoutError, match=r"'/1' has the sizes.*to_plate.*'/1/0'"):
            plan({"0": level(), "1": level()})
        twice = {"0": level(), "1": level((8, 8), 2.0), "2": level((8, 8), 2.0)}
        with pytest.raises(LayoutError, match=r"'/2' has the sizes .* as '/1' has"):
            plan(twice)

    @pytest.mark.parametrize("factors", [[2], None, 2])
    def test_factors_beside_levels(self, factors) -> None:
        with pytest.raises(OptionError, match="as they are"):
            plan(GOOD, scale_factors=factors)


class TestOneLevel:
    def test_it_gets_a_pyramid_as_an_array_does(self) -> None:
        found = plan({"0": level()}, scale_factors=[2, 4])
        assert [node.shape for node in found.arrays.values()] == [
            (16, 16),
            (8, 8),
            (4, 4),
        ]

    def test_the_node_itself_may_be_the_level(self) -> None:
        assert [*plan(xr.DataTree(level())).arrays] == ["0"]
