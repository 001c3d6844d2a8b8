"""What a stacked plate keeps of the plate beside its fields."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
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
