"""Numbers of more digits than Python reads: every door tells of them in words."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from xarray_omezarr.errors import MetadataError

LONG = "9" * 5000
WORDS = "a number of more than 4300 digits"
IMAGE = xr.DataArray(np.ones((8, 8), "uint8"), dims=("y", "x"), name="image")


@pytest.fixture
def store(tmp_path):
    path = tmp_path / "image.zarr"
    xo.write_image(IMAGE, path)
    put(path / "zarr.json")
    return path


def put(file):
    """Put a long number beside everything else in a document."""
    text = file.read_text().rstrip()
    file.write_text(f'{text[:-1]}, "long": {LONG}}}')


@pytest.mark.parametrize(
    "door",
    [
        lambda store: xr.open_dataset(store, engine="omezarr"),
        lambda store: xr.open_datatree(store, engine="omezarr"),
        lambda store: xo.convert(store, store.parent / "other.zarr", version="0.4"),
        lambda store: xo.upgrade(store, version="0.6"),
        lambda store: xo.update(store, name="mine"),
    ],
)
def test_a_document_with_such_a_number_is_refused(store, door) -> None:
    with pytest.raises(MetadataError, match=f"holds? {WORDS}") as raised:
        door(store)
    assert "sys." not in str(raised.value)


def test_a_document_with_such_a_number_is_a_finding(store) -> None:
    (finding,) = xo.validate(store).findings
    assert finding.message == f"zarr.json holds {WORDS}"


def test_an_array_with_such_a_number_is_refused(tmp_path) -> None:
    path = tmp_path / "image.zarr"
    xo.write_image(IMAGE, path)
    (array,) = [p for p in path.rglob("zarr.json") if p.parent.name == "0"]
    put(array)
    with pytest.raises(MetadataError, match=f"it holds {WORDS}") as raised:
        xr.open_dataset(path, engine="omezarr")
    assert "sys." not in str(raised.value)


@pytest.mark.parametrize("number", [LONG, "1-2"])
def test_a_field_with_a_number_that_is_none_is_left_out(tmp_path, number) -> None:
    path = tmp_path / "plate.zarr"
    channels = IMAGE.expand_dims(c=["DAPI"])
    xo.write_plate({"A/1/0": channels, "A/1/1": channels}, path)
    file = path / "A/1/1/zarr.json"
    document = json.loads(file.read_text())
    window = document["attributes"]["ome"]["omero"]["channels"][0]["window"]
    window["start"] = "HERE"
    file.write_text(json.dumps(document).replace('"HERE"', number))
    first = path / "A/1/0/zarr.json"
    first.write_text(json.dumps(json.loads(first.read_text())))
    with pytest.warns(xo.OmeZarrWarning, match="left out: 'A/1/1'"):
        tree = xr.open_datatree(path, engine="omezarr")
    assert [*tree["A/1"].children] == ["0"]


def test_the_runner_of_the_standard_is_answered(tmp_path) -> None:
    file = tmp_path / "attributes.json"
    file.write_text(f'{{"ome": {LONG}}}')
    command = [sys.executable, "-m", "xarray_omezarr", "validate"]
    run = subprocess.run(
        [*command, "--conformance", "attributes", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    answer = json.loads(run.stdout)
    assert answer["valid"] is False
    assert answer["message"].endswith(f"it holds {WORDS}")
