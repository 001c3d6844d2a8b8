"""The plan of a plate: what it takes over, and the OME-XML of its fields."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import MetadataError, OmeZarrWarning, PlateError
from xarray_omezarr.hierarchy import Hierarchy
from xarray_omezarr.options import WriteOptions, complete
from xarray_omezarr.write.plate import plan_plate

# Fields differ in size here, so that the XML tells them apart.
pytestmark = pytest.mark.filterwarnings("ignore:Fields are not like")

XML = "OME/METADATA.ome.xml"


def plan(tree: Any, ome_xml: Any = None, **options: Any) -> Hierarchy:
    return plan_plate(tree, complete(WriteOptions(**options)), ome_xml=ome_xml)


def field(size: int) -> xr.DataArray:
    return xr.DataArray(np.zeros((4, size), "u1"), dims=("y", "x"))


FIELDS = {"A/1/10": field(10), "A/1/2": field(2), "A/2/0": field(5)}


def sizes(planned: Hierarchy) -> list[int]:
    root = ET.fromstring(planned.files[XML])
    return [
        int(pixels.get("SizeX", 0))
        for pixels in root.iter()
        if "SizeX" in pixels.keys()
    ]


def test_fields_have_no_ome_xml_unless_it_is_asked_for() -> None:
    planned = plan(FIELDS)
    assert not planned.files
    assert "OME" not in planned.nodes


def test_ome_xml_is_made_of_the_fields_in_their_order() -> None:
    planned = plan(FIELDS, "auto")
    assert sizes(planned) == [2, 10, 5]
    assert planned.group("OME").model.series == ("A/1/2", "A/1/10", "A/2/0")
    assert planned.group("").model.bioformats2raw_layout == 3


def read_with_ome_xml() -> xr.DataTree:
    """As a tree is read whose text says more than we do."""
    text = plan(FIELDS, "auto").files[XML].decode()
    nodes = {path: da.to_dataset(name="image") for path, da in FIELDS.items()}
    tree = xr.DataTree.from_dict(nodes)
    tree.attrs["ome_xml"] = text.replace("<Image ", "<!-- lens 7 --><Image ", 1)
    return tree


def test_the_ome_xml_that_was_read_is_kept() -> None:
    tree = read_with_ome_xml()
    planned = plan(tree)
    assert planned.files[XML].decode() == tree.attrs["ome_xml"]
    assert "ome_xml" not in planned.group("").attrs


def test_the_ome_xml_that_was_read_is_made_anew_where_a_field_is_gone() -> None:
    tree = read_with_ome_xml()
    del tree["A/1"]["10"]
    with pytest.warns(OmeZarrWarning, match="3 images, and 2 are written"):
        planned = plan(tree)
    assert sizes(planned) == [2, 5]


def test_ome_xml_of_other_images_is_refused() -> None:
    text = plan(FIELDS, "auto").files[XML]
    with pytest.raises(MetadataError, match="3 images, and 1 are written"):
        plan({"A/1/0": field(2)}, text)


def test_a_row_cannot_be_where_the_ome_xml_is() -> None:
    assert "OME/1/0" in plan({"OME/1/0": field(2)}).nodes
    with pytest.raises(PlateError, match="'OME'"):
        plan({"OME/1/0": field(2)}, "auto")
