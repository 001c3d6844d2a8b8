"""One fault is one finding, which says what it is and what to do."""

from __future__ import annotations

import shutil

import pytest

import xarray_omezarr as xo
from tests.integration.handmade import Folder, multiscale, only, told


@pytest.fixture
def newer(tmp_path):
    return Folder(tmp_path / "store.zarr", "0.5")


def test_a_version_that_is_a_number_is_to_be_text(tmp_path) -> None:
    for version in ("0.4", "0.5"):
        folder = Folder(tmp_path / f"{version}.zarr", version).labelled()
        number = {"version": float(version)}
        folder.change(
            "",
            lambda ome, v=number: (multiscale(ome) if "0.4" in str(v) else ome).update(
                v
            ),
        )
        report = xo.validate(folder.path)
        place = "/multiscales/0/version" if version == "0.4" else "/version"
        only(report, "error", "", place, f"the number {version}")
        assert f'write "{version}" as text' in report.errors[0].remedy
        assert report.version == version


def test_an_unknown_version_is_measured_by_its_form(newer) -> None:
    newer.labelled().change("", lambda ome: ome.update(version="9.9"))
    report = xo.validate(newer.path)
    only(report, "error", "", "/version", "measured as 0.5")


def test_an_unknown_version_of_all_groups_is_one_line(newer) -> None:
    newer.plate()
    for path in ("", "A/1", "A/1/0", "B/2", "B/2/0"):
        newer.change(path, lambda ome: ome.update(version="9.9"))
    report = xo.validate(newer.path)
    assert {one.pointer for one in report.findings} == {"/ome/version"}
    newer.change("", lambda ome: ome.update(version="0.5"))
    assert {one.path for one in xo.validate(newer.path).errors} == {
        "A/1",
        "A/1/0",
        "B/2",
        "B/2/0",
    }


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_a_group_that_tells_nothing_is_held_against_no_version(
    tmp_path, version
) -> None:
    folder = Folder(tmp_path / "store.zarr", version).group()
    report = xo.validate(folder.path)
    only(report, "error", "", "", "none of the metadata of OME-Zarr")
    assert report.errors[0].clause.startswith("OME-Zarr, ")


def test_a_field_of_another_zarr_format_is_called_that(newer) -> None:
    newer.plate()
    shutil.rmtree(newer.path / "A" / "1" / "0")
    Folder(newer.path / "A" / "1" / "0", "0.4").image()
    only(xo.validate(newer.path), "error", "A/1/0", "", "it is Zarr v2")


def test_a_scale_of_one_number_lacks_some(newer) -> None:
    def shorten(ome):
        transforms = multiscale(ome)["datasets"][0]["coordinateTransformations"]
        transforms[0]["scale"] = [0.5]

    newer.image().change("", shorten)
    place = "/multiscales/0/datasets/0/coordinateTransformations/0/scale"
    only(xo.validate(newer.path), "error", "", place, "there are 3 axes")


def test_a_well_or_a_field_that_is_listed_twice(newer) -> None:
    newer.plate()
    newer.change("", lambda ome: ome["plate"]["wells"].append(ome["plate"]["wells"][0]))
    only(xo.validate(newer.path), "error", "", "/plate/wells/2/path", "another well")
    newer.plate()
    newer.change("A/1", lambda ome: ome["well"]["images"].append({"path": "0"}))
    fields = [one for one in xo.validate(newer.path).errors if one.path == "A/1"]
    assert [one.pointer for one in fields] == ["/ome/well/images/1/path"]


def test_levels_in_the_wrong_order_are_told_once_and_not_of_labels(newer) -> None:
    newer.labelled().change("", lambda ome: multiscale(ome)["datasets"].reverse())
    report = xo.validate(newer.path)
    assert told(report) == {("error", "", "/multiscales/0/datasets/1")}
    assert len(report.findings) == 1


def test_labels_without_colours_in_many_fields_are_two_lines(newer) -> None:
    fields = [str(number) for number in range(12)]
    newer.plate(("A/1",), fields)
    for field in fields:
        below = f"A/1/{field}/labels"
        newer.group(below, {"labels": ["cells"]})
        newer.image(f"{below}/cells", "cells", "uint8", {"version": "0.5"})
    report = xo.validate(newer.path, data=False)
    assert len(report.warnings) == 12
    lines = str(report).split("\n")
    assert len(lines) == 3
    assert lines[1].startswith("  at 12 nodes: A/1/0/labels/cells, ")


def test_a_sample_takes_no_more_than_it_may(newer, monkeypatch) -> None:
    from xarray_omezarr.store import walk_pixels

    # Chunks have 64 pixels of 2 bytes: two of one array, one of another, no more.
    monkeypatch.setattr(walk_pixels, "_ALL_SAMPLED", 512)
    newer.plate(arrays=True)
    looked = []
    read = walk_pixels._read_one

    async def counted(task, **more):
        looked.append(task.nbytes)
        await read(task, **more)

    monkeypatch.setattr(walk_pixels, "_read_one", counted)
    report = xo.validate(newer.path)
    assert 0 < sum(looked) <= 512
    assert report.skipped > 0
    assert f"no chunk of {report.skipped} array" in str(report)
    assert report.to_json()["skipped"] == report.skipped


def test_an_array_with_two_faults_has_two_findings(newer) -> None:
    newer.image().array("1", (8, 6), "float32", ("y", "x"))
    words = [one.message for one in xo.validate(newer.path).findings if one.path == "1"]
    assert any("2 dims" in one for one in words), words
    assert any("float32" in one for one in words), words
