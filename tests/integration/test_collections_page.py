"""What the page about collections shows runs, and does what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ome_types
import yaozarrs
import zarr

from tests.integration.pages import run_page


def ome(path: Path) -> dict[str, Any]:
    return json.loads((path / "zarr.json").read_text())["attributes"]["ome"]


def test_the_examples_run_and_do_what_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_page("collections.md")
    found = {path.name.partition(".")[0]: path for path in tmp_path.iterdir()}
    for path in found.values():
        assert ome(path)["bioformats2raw.layout"] == 3
        assert ome(path / "OME")["series"] == ["0", "1"]
        yaozarrs.validate_zarr_store(path)
    described = ome_types.from_xml(found["scan"] / "OME/METADATA.ome.xml")
    overview, detail = (image.pixels for image in described.images)
    assert (overview.size_x, overview.physical_size_x) == (64, 2.0)
    assert (detail.size_y, detail.size_c, detail.type.value) == (96, 2, "uint16")
    assert [channel.name for channel in detail.channels] == ["DAPI", "GFP"]
    own = ome_types.from_xml(found["own"] / "OME/METADATA.ome.xml")
    assert [image.description for image in own.images] == ["before treatment", None]
    assert names["tree"].attrs["ome_xml"].startswith("<?xml")
    second = zarr.open_array(found["positions"] / "1/0")
    assert (second.shape, int(second[0, 0, 0])) == ((2, 96, 128), 1)
    assert zarr.open_array(found["growing"] / "0/0")[0, 0] == 1
    assert zarr.open_array(found["prepared"] / "0/0")[0, 0] == 1
    assert names["image"]["image"].sizes["x"] == 128
