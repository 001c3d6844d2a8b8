"""What a stacked plate keeps of the plate beside its fields."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo

XML = "OME/METADATA.ome.xml"


def plate(**options) -> MemoryStore:
    store = MemoryStore()
    image = xr.DataArray(np.ones((8, 8), "uint16"), dims=("y", "x"))
    xo.write_plate(dict.fromkeys(["A/1/0", "B/2/0"], image), store, **options)
    return store


@pytest.mark.parametrize("form", ["stored", "tree"])
def test_ome_xml_comes_back_when_it_is_written_again(form) -> None:
    store = plate(ome_xml="auto")
    text = store._store_dict[XML].to_bytes()
    # What is made anew would not hold the words of others.
    text = text.replace(b"</OME>", b"<!-- of others --></OME>")
    store._store_dict[XML] = store._store_dict[XML].from_bytes(text)
    if form == "stored":
        stacked = xo.open_plate(store)
    else:
        stacked = xr.open_datatree(store, engine="omezarr").omezarr.stack()
    again = MemoryStore()
    stacked.omezarr.to_plate(again)
    assert b"<!-- of others -->" in again._store_dict[XML].to_bytes()


def test_a_plate_without_it_stays_without() -> None:
    again = MemoryStore()
    stacked = xo.open_plate(plate())
    assert "ome_xml" not in stacked.attrs
    stacked.omezarr.to_plate(again)
    assert XML not in again._store_dict


@pytest.mark.parametrize("verb", ["image", "field", "series"])
def test_a_field_that_is_selected_has_nothing_of_the_whole_plate(verb) -> None:
    told = {"ome_xml": "auto", "plate_map": {"A1": {"dose": 1}}, "attrs": {"by": "Ada"}}
    ds = xo.open_plate(plate(**told)).sel(row="A", column="1", field="0")
    store, path = MemoryStore(), {"image": None, "field": "A/1/0", "series": "0"}[verb]
    if path is None:
        ds.omezarr.to_image(store)
    else:
        getattr(ds.omezarr, f"to_{verb}")(store, path)
    attrs = zarr.open_group(store, path=path, mode="r").attrs.keys()
    assert {*attrs} == {"ome", "xarray", "by"}
