"""Collections: which images they have, in which order, and what is written of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import (
    LayoutError,
    MetadataError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    OptionError,
)
from xarray_omezarr.hierarchy import GroupNode, Hierarchy, Node
from xarray_omezarr.ngff import Bioformats2Raw, Plate, Series
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import WriteOptions, complete
from xarray_omezarr.write.bioformats2raw import (
    collection,
    plan_bioformats2raw,
    with_series,
)

XML = "OME/METADATA.ome.xml"


def image(dims: str = "yx", size: int = 8, dtype: str = "uint16") -> xr.DataArray:
    return xr.DataArray(np.zeros([size] * len(dims), dtype), dims=list(dims))


def plan(tree: Any, ome_xml: Any = None, **options: Any) -> Hierarchy:
    return plan_bioformats2raw(tree, complete(WriteOptions(**options)), ome_xml=ome_xml)


def listed(planned: Hierarchy) -> tuple[str, ...]:
    model = planned.group("OME").model
    assert isinstance(model, Series)
    return model.series


class TestImages:
    def test_those_of_a_mapping_are_series_in_its_order(self) -> None:
        planned = plan({str(n): image() for n in (10, 2, 0)})
        assert listed(planned) == ("10", "2", "0")
        assert planned.group("").model == Bioformats2Raw()
        assert [*planned.images] == ["10", "2", "0"]

    def test_those_of_a_tree_are_series_in_natural_order(self) -> None:
        names = ["s10", "s2", "b", "10", "9"]
        tree = xr.DataTree.from_dict({n: image().to_dataset(name="i") for n in names})
        assert listed(plan(tree)) == ("9", "10", "b", "s2", "s10")

    def test_names_need_not_be_numbers(self) -> None:
        planned = plan({"embryo b": image(), "embryo a": image(), "3": image()})
        assert listed(planned) == ("embryo b", "embryo a", "3")

    def test_children_of_a_tree_are_series(self) -> None:
        tree = xr.DataTree.from_dict(
            {
                "/0": image().to_dataset(name="a"),
                "/1": image("zyx").to_dataset(name="b"),
            }
        )
        planned = plan(tree)
        assert listed(planned) == ("0", "1")
        assert planned.array("1/0").dims == ("z", "y", "x")

    def test_pyramids_and_labels_of_a_child_are_its_own(self) -> None:
        labels = image(dtype="uint8").to_dataset(name="labels")
        tree = xr.DataTree.from_dict(
            {
                "/0/0": image(size=8).to_dataset(name="image"),
                "/0/1": image(size=4).to_dataset(name="image"),
                "/0/labels/cells/0": labels,
                "/0/labels/cells/1": labels.isel(x=slice(4), y=slice(4)),
                "/1": image().to_dataset(name="image"),
            }
        )
        planned = plan(tree)
        assert listed(planned) == ("0", "1")
        assert planned.array("0/1").shape == (4, 4)
        assert "0/labels/cells" in planned.images

    def test_a_tree_may_have_groups_of_series(self) -> None:
        tree = xr.DataTree.from_dict(
            {
                "/day 1/a/0": image().to_dataset(name="image"),
                "/day 1/b/0": image().to_dataset(name="image"),
                "/day 2/a/0": image().to_dataset(name="image"),
            }
        )
        planned = plan(tree)
        assert listed(planned) == ("day 1/a", "day 1/b", "day 2/a")

    @pytest.mark.parametrize("inner", ["0/1", "0/labels", "0/labels/cells"])
    def test_none_lies_in_another(self, inner) -> None:
        with pytest.raises(MetadataError, match=f"Image '{inner}' lies in image '0'"):
            plan({"0": image(), inner: image()}, scale_factors=[2])

    def test_paths_may_begin_alike(self) -> None:
        planned = plan({"a": image(), "a1/b": image(), "a1/b2": image()})
        assert listed(planned) == ("a", "a1/b", "a1/b2")

    @pytest.mark.parametrize("twice", [(1, "1"), ("0", "/0"), ("a/b", "a/b/")])
    def test_none_is_given_twice(self, twice) -> None:
        path = str(twice[0])
        with pytest.raises(OptionError, match=f"Image '{path}' is given twice"):
            plan(dict.fromkeys(twice, image()))

    def test_datasets_are_images(self) -> None:
        planned = plan({"0": image().to_dataset(name="cells")})
        assert planned.image("0").multiscale.name == "cells"

    def test_a_tree_with_ome_xml_keeps_the_order_of_that(self) -> None:
        tree = xr.DataTree.from_dict(
            {
                "/b": image().to_dataset(name="i"),
                "/a": image("zyx").to_dataset(name="i"),
            }
        )
        assert [*collection(tree).images] == ["a", "b"]
        tree.attrs["ome_xml"] = "<OME/>"
        assert [*collection(tree).images] == ["b", "a"]

    def test_a_group_ome_without_pixels_is_no_image(self) -> None:
        tree = xr.DataTree.from_dict(
            {"/0": image().to_dataset(name="i"), "/OME": xr.Dataset(attrs={"by": "me"})}
        )
        planned = plan(tree)
        assert listed(planned) == ("0",)
        assert planned.group("OME").attrs == {"by": "me"}

    @pytest.mark.parametrize(
        ("tree", "problem"),
        [
            ({}, "The collection has no images"),
            (xr.DataTree(), "The collection has no images"),
            (xr.DataTree(image().to_dataset(name="a")), "holds the variables"),
            ({"0": np.zeros((4, 4))}, "'0': an image is a DataArray"),
        ],
    )
    def test_what_makes_no_collection_is_refused(self, tree: Any, problem: str) -> None:
        with pytest.raises(OptionError, match=problem):
            plan(tree)

    @pytest.mark.parametrize(
        "paths",
        [["A/1/0", "A/1/1"], ["A/1/0", "B/12/0"], ["A/1/0/0", "AA/1/0/0"]],
    )
    def test_a_plate_is_pointed_to_to_plate(self, paths: list[str]) -> None:
        fields = {path: image().to_dataset(name="image") for path in paths}
        tree = xr.DataTree.from_dict(fields)
        with pytest.raises(OptionError, match=r"is a plate.*write it with to_plate"):
            plan(tree)
        tree = xr.DataTree.from_dict({"0": image().to_dataset(name="image")})
        tree.attrs["plate"] = {"name": "screen"}
        with pytest.raises(OptionError, match="is a plate"):
            plan(tree)

    def test_fields_of_a_plate_given_by_path_are_series(self) -> None:
        tree = xr.DataTree.from_dict({"A/1/0": image().to_dataset(name="image")})
        planned = plan({"A/1/0": tree["A/1/0"], "A/1/1": image()})
        assert listed(planned) == ("A/1/0", "A/1/1")

    def test_series_two_deep_are_not_taken_as_levels_of_one_image(self) -> None:
        pixels = image().to_dataset(name="image")
        tree = xr.DataTree.from_dict({"day/a/0": pixels, "day/a/1": pixels})
        with pytest.raises(LayoutError, match="'day/a': Node '/day/a/1' has the sizes"):
            plan(tree)
        deeper = xr.DataTree.from_dict({"day/a/0/0": pixels, "day/a/1/0": pixels})
        assert listed(plan(deeper)) == ("day/a/0", "day/a/1")

    def test_an_array_is_no_collection(self) -> None:
        with pytest.raises(TypeError, match="to_bioformats2raw"):
            plan(image("pyx"))

    @pytest.mark.parametrize("path", ["OME", "OME/0"])
    def test_the_group_ome_is_taken(self, path: str) -> None:
        with pytest.raises(MetadataError, match="is for its OME-XML; rename the node"):
            plan({path: image()})

    @pytest.mark.parametrize("path", ["..", "a/../b", "a\\b"])
    def test_names_that_may_lead_elsewhere_are_refused(self, path: str) -> None:
        with pytest.raises(MetadataError, match="The name of an image is"):
            plan({path: image()})


class TestPlanning:
    def test_options_are_for_every_series(self) -> None:
        planned = plan(
            {"0": image(size=8), "1": image(size=32)}, scale_factors=[2], chunks=4
        )
        assert [planned.array(f"{n}/1").shape for n in "01"] == [(4, 4), (16, 16)]
        assert planned.array("1/1").layout.chunks == (4, 4)
        assert planned.array("1/1").source.parent == "1/0"  # type: ignore[union-attr]

    def test_attributes_are_those_of_the_root(self) -> None:
        tree = xr.DataTree.from_dict({"/0": image().to_dataset(name="i")})
        tree.attrs.update(by="me", ome_xml="<OME", ome={"_more": 1})
        planned = plan(tree, attrs={"on": "Monday"})
        assert planned.group("").attrs == {"by": "me", "on": "Monday"}
        assert planned.group("0").attrs == {}
        model = planned.group("").model
        assert isinstance(model, Bioformats2Raw)
        assert model.extras() == {"_more": 1}

    def test_a_name_is_that_of_one_image(self) -> None:
        with pytest.raises(OptionError, match="name is 'cells', which names one image"):
            plan({"0": image()}, name="cells")

    def test_all_problems_of_all_series_are_told_with_their_names(self) -> None:
        images = {
            "0": image("x"),
            "1": image(),
            "2": image(dtype="complex64"),
            "OME": image(),
        }
        with pytest.raises(OmeZarrErrorGroup) as told:
            plan(images, name="all", ome_xml="auto")
        text = str(told.value)
        assert "'0': " in text
        assert "'2': " in text
        assert "'1': " not in text
        assert "name is 'all'" in text
        assert "'OME', and the group" in text

    def test_warnings_tell_their_series(self) -> None:
        odd = image().assign_attrs(bad=object())
        with pytest.warns(OmeZarrWarning, match="'0', '1': Left out"):
            plan({"0": odd, "1": odd, "2": image()})

    @pytest.mark.parametrize("version", registry.SUPPORTED)
    def test_ome_xml_is_a_file_of_the_store(self, version: str) -> None:
        planned = plan({"0": image()}, "auto", version=version)
        assert planned.files[XML].startswith(b"<?xml")
        assert "METADATA.ome.xml  file, " in repr(planned)
        assert plan({"0": image()}, version=version).files == {}

    def test_pixels_are_not_computed(self) -> None:
        def fail(block: Any) -> Any:
            raise AssertionError("nothing may be computed")

        lazy = image().chunk(4)
        lazy = lazy.copy(data=lazy.data.map_blocks(fail, dtype="uint16"))
        plan({"0": lazy, "1": lazy}, "auto")


class TestPlates:
    def plate(self) -> Hierarchy:
        nodes: dict[str, Node] = {"": GroupNode(Plate.of(["A/1"]))}
        for path in ("A/1/0", "A/1/1"):
            one = plan({path: image()})
            nodes |= {p: n for p, n in one.nodes.items() if p.startswith(path)}
        return Hierarchy(registry.get("0.5"), nodes)

    def test_a_plate_with_ome_xml_lists_its_fields(self) -> None:
        planned = with_series(self.plate(), ["A/1/0", "A/1/1"], ome_xml="auto")
        model = planned.group("").model
        assert isinstance(model, Plate)
        assert model.bioformats2raw_layout == 3
        assert listed(planned) == ("A/1/0", "A/1/1")
        assert planned.files[XML].count(b"<Image ") == 2

    def test_a_plate_without_stays_as_it_is(self) -> None:
        plate = self.plate()
        assert with_series(plate, ["A/1/0", "A/1/1"], ome_xml=None) is plate
