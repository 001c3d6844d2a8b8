"""What mode="w" would remove for good is named, and not removed by its own part."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo

FIELDS = ["A/1/0", "A/1/1", "B/3/0", "H/12/0"]


def field(number: int) -> xr.DataArray:
    return xr.DataArray(np.full((8, 8), number, "uint16"), dims=("y", "x"))


def cells() -> xr.DataArray:
    return xr.DataArray(np.eye(8, dtype="uint8"), dims=("y", "x"))


@pytest.fixture(params=["folder", "memory"])
def place(request, tmp_path):
    """A plate of four fields, two of which have labels."""
    place = tmp_path / "p" if request.param == "folder" else MemoryStore()
    xo.write_plate({path: field(n) for n, path in enumerate(FIELDS, 1)}, place)
    for group in ("A/1/0", "B/3/0"):
        cells().omezarr.to_labels(place, "cells", group=group)
    return place


def fields_of(place) -> list[str]:
    names = []
    for well in zarr.open_group(place, mode="r").attrs["ome"]["plate"]["wells"]:
        told = zarr.open_group(place, path=well["path"], mode="r").attrs["ome"]["well"]
        names += [f"{well['path']}/{image['path']}" for image in told["images"]]
    return names


PARTS = {
    "wells": lambda place: xr.open_datatree(place, engine="omezarr", wells=["A/1"]),
    "fields": lambda place: xr.open_datatree(place, engine="omezarr", fields=["0"]),
    "dask": lambda place: xr.open_datatree(
        place, engine="omezarr", wells=["A/1"], chunks={}
    ),
    "stacked": lambda place: xo.open_plate(place).isel(row=[0], column=[0]),
    "stacked tree": lambda place: xr.open_datatree(
        place, engine="omezarr", wells=["A/1"]
    ).omezarr.stack(),
    "stacked dask": lambda place: xo.open_plate(place, chunks={}).isel(field=[0]),
}


@pytest.mark.parametrize("part", PARTS.values(), ids=PARTS)
@pytest.mark.filterwarnings("ignore:The stack holds images only")
def test_a_part_of_a_plate_does_not_replace_the_plate_it_is_read_from(place, part):
    read = part(place)
    with pytest.raises(xo.TargetExistsError, match=r"lacks images of it.*(B/3|A/1)/"):
        read.omezarr.to_plate(place, mode="w")
    assert fields_of(place) == FIELDS


@pytest.mark.filterwarnings("ignore:The stack holds images only")
@pytest.mark.filterwarnings("ignore:Replacing .* removes its labels")
def test_a_part_in_memory_replaces_the_plate_with_a_warning(place) -> None:
    part = xo.open_plate(place).isel(row=[0]).load()
    with pytest.warns(xo.OmeZarrWarning, match=r"removes images .*B/3/0, H/12/0"):
        part.omezarr.to_plate(place, mode="w")
    assert fields_of(place) == ["A/1/0", "A/1/1"]


def test_a_plate_that_replaces_another_says_which_fields_go(place) -> None:
    plate = xr.DataTree.from_dict(
        {
            "A/1/0": field(9).to_dataset(name="image"),
            "A/1/0/labels/cells": cells().to_dataset(name="cells"),
        }
    )
    with pytest.warns(xo.OmeZarrWarning) as caught:
        plate.omezarr.to_plate(place, mode="w")
    fields, labels = sorted((str(entry.message) for entry in caught), key=len)[::-1]
    assert fields.endswith(
        "removes images that are not in what is written: A/1/1, B/3/0, H/12/0"
    )
    # Labels that are written anew are not lost.
    assert labels.endswith("removes its labels too: B/3/0/labels/cells")
    assert fields_of(place) == ["A/1/0"]


def test_a_whole_plate_replaces_itself_without_a_word(place) -> None:
    tree = xr.open_datatree(place, engine="omezarr")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tree.omezarr.to_plate(place, mode="w")
    assert fields_of(place) == FIELDS
    back = xr.open_datatree(place, engine="omezarr", group="B/3/0")
    np.testing.assert_array_equal(back["0/image"], 3)
    np.testing.assert_array_equal(back["labels/cells/0/labels"], np.eye(8))


def test_of_a_collection_series_are_named_too(tmp_path) -> None:
    path = tmp_path / "c"
    xo.write_bioformats2raw({"0": field(1), "1": field(2)}, path)
    with pytest.warns(xo.OmeZarrWarning, match=r"removes images .* written: 1$"):
        xo.write_bioformats2raw({"0": field(3)}, path, mode="w")
    assert "1" not in zarr.open_group(path, mode="r")


def test_unlike_things_are_named_with_their_articles(place) -> None:
    with pytest.raises(xo.TargetExistsError, match="would replace it is an image"):
        field(1).omezarr.to_image(place, mode="w")
