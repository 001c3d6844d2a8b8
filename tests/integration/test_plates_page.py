"""What the page about plates shows runs, and does what it says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaozarrs
import zarr

from tests.integration.pages import run_page


def ome(path: Path) -> dict[str, Any]:
    return json.loads((path / "zarr.json").read_text())["attributes"]["ome"]


def translation(field: Path) -> list[float]:
    """Where the first pixel of level 0 lies; zeros where nothing is said."""
    steps = ome(field)["multiscales"][0]["datasets"][0]["coordinateTransformations"]
    told = [step["translation"] for step in steps if step["type"] == "translation"]
    return told[0] if told else [0.0] * len(steps[0]["scale"])


def test_the_examples_run_and_do_what_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page("plates.md")
    plates = {path.name.partition(".")[0]: path for path in tmp_path.iterdir()}
    for path in plates.values():
        yaozarrs.validate_zarr_store(path)
    plate = ome(plates["plate"])["plate"]
    assert (plate["name"], len(plate["rows"]), len(plate["columns"])) == (
        "screen 7",
        8,
        12,
    )
    for name in ("plate", "growing", "prepared", "days"):
        assert translation(plates[name] / "A/1/0") == [0.0, 0.0, 0.0]
    for name in ("plate", "growing", "prepared"):
        assert translation(plates[name] / "A/1/1") == [0.0, 0.0, 83.2]
    field = plates["plate"] / "B/2/0"
    assert ome(field / "labels")["labels"] == ["cells"]
    assert (zarr.open_array(field / "labels/cells/0")[...] == 1).all()
    days = ome(plates["days"])["plate"]["acquisitions"]
    assert [(day["id"], day["name"]) for day in days] == [(0, "day 1"), (1, "day 2")]
    wells = [well["path"] for well in ome(plates["stack"])["plate"]["wells"]]
    assert wells == ["A/1", "A/2", "B/1"]
    assert not (plates["stack"] / "A/2/1").exists()
    # Well A2, field 0 is the third image of 64 x 64.
    third = zarr.open_array(plates["stack"] / "A/2/0/0")[0, 0]
    assert third == 2 * 64 * 64
    for name in ("plate", "growing"):
        assert zarr.open_array(plates[name] / "B/2/0/0")[0, 0, 0] == 3
    assert zarr.open_array(plates["prepared"] / "A/1/1/0")[1, 2, 3] == 2
    assert zarr.open_array(plates["prepared"] / "B/2/0/0")[1, 2, 3] == 0
    hand = ome(plates["by-hand"])["plate"]
    assert (hand["name"], len(hand["rows"]), len(hand["columns"])) == ("screen 8", 2, 3)
    assert [run["name"] for run in hand["acquisitions"]] == ["day 1", "day 2"]
    images = ome(plates["by-hand"] / "A/1")["well"]["images"]
    assert [image["acquisition"] for image in images] == [0, 1]
    one = ome(plates["one-well"])["plate"]
    assert [well["path"] for well in one["wells"]] == ["A/1"]
    assert zarr.open_array(plates["one-well"] / "A/1/1/0")[0, 0, 0] == 2
    # Written from one Dataset: the fields of before, and none where none was.
    attributes = json.loads((plates["again"] / "zarr.json").read_text())["attributes"]
    assert attributes["plate_map"]["B/2"] == {"compound": "taxol", "dose": 1.5}
    assert [well["path"] for well in attributes["ome"]["plate"]["wells"]] == [
        "A/1",
        "B/2",
    ]
    for path, value in (("A/1/0", 1), ("A/1/1", 2), ("B/2/0", 3)):
        assert (zarr.open_array(plates["again"] / path / "0")[...] == value).all()
    assert not (plates["again"] / "B/2/1").exists()
    # Those of one compound, with pixels of the type of before.
    taxol = ome(plates["taxol"])["plate"]["wells"]
    assert [well["path"] for well in taxol] == ["B/2"]
    assert not (plates["taxol"] / "A").exists()
    assert zarr.open_array(plates["taxol"] / "B/2/0/0").dtype == "uint16"
    # One image for each well that is there; the mean of 1 and 2, and 3.
    for name in ("means", "lazy-means"):
        wells = ome(plates[name])["plate"]["wells"]
        assert [well["path"] for well in wells] == ["A/1", "B/2"]
        for path, value in (("A/1/0", 1.5), ("B/2/0", 3)):
            assert (zarr.open_array(plates[name] / path / "0")[...] == value).all()
    added = json.loads((plates["plate"] / "zarr.json").read_text())["attributes"]
    assert added["plate_map"]["B/2"] == {"compound": "taxol", "dose": 1.5}
