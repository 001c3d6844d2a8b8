"""The works with plates on a few tiny fields; no time is judged here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.performance import check, data, opening, plates
from tests.performance.contestants import CONTESTANTS
from tests.performance.measure import target_of
from tests.performance.places import names, places, wells
from tests.performance.works import WORKS, Work

WRITERS = [name for name, one in CONTESTANTS.items() if "w4" in one.works]


@pytest.fixture
def work() -> Work:
    return replace(WORKS["w4"], mebibytes=6, chunks=(1, 1, 32, 32))


@pytest.fixture
def pixels() -> np.ndarray:
    """Six fields of 64 x 64: a well with four, a well with two."""
    return data.camera_image((6, 2, 1, 64, 64))


def written(name: str, work: Work, pixels: np.ndarray, target: Path) -> Path:
    contestant = CONTESTANTS[name]
    if missing := contestant.missing():
        pytest.skip(f"{', '.join(missing)} not installed")
    contestant.prepare(work, pixels, target)()
    return target


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in WRITERS if name != "floor"])
def test_every_contestant_writes_the_plate_it_was_given(
    name: str, work: Work, pixels: np.ndarray, tmp_path: Path
) -> None:
    target = written(name, work, pixels, tmp_path / "plate.ome.zarr")
    assert check.plate_problems(target, pixels, work) == []


def test_the_floor_makes_the_files_of_our_plate(
    work: Work, pixels: np.ndarray, tmp_path: Path
) -> None:
    found = {}
    for name in ("ours", "floor"):
        folder = tmp_path / name
        folder.mkdir()
        target = written(name, work, pixels, folder / "plate.ome.zarr")
        assert [*folder.iterdir()] == [target]
        found[name] = {
            path.relative_to(target): path.stat().st_size
            for path in target.rglob("*")
            if path.is_file()
        }
    assert found["floor"] == found["ours"]
    # Per field 2 channels of 4, 1 and 1 chunks and 4 files of metadata; two wells, the
    # row and the plate.
    assert len(found["floor"]) >= 6 * (2 * 6 + 4) + 2 + 1


def test_the_check_sees_a_well_a_field_and_a_pixel_that_are_wrong(
    work: Work, pixels: np.ndarray, tmp_path: Path
) -> None:
    target = written("yaozarrs-zarr", work, pixels, tmp_path / "plate.ome.zarr")
    other = pixels.copy()
    other[5, 1, 0, 3, 3] += 1
    found = check.plate_problems(target, other, work)
    assert found == ["A/2/1: level 0 differs at (1,)"]
    found = check.plate_problems(target, pixels[:5], work)
    assert found == ["fields ['0', '1'] in well A/2"]
    found = check.plate_problems(target, pixels[:4], work)
    assert found == ["2 wells, not those that were given"]


def test_fields_lie_in_wells_and_wells_on_the_plate() -> None:
    fields = places(96 * 4, 4)
    assert names(fields) == (list("ABCDEFGH"), [str(n) for n in range(1, 13)])
    assert list(wells(fields))[::95] == ["A/1", "H/12"]
    # The second row of wells; the fourth field of its first well.
    assert (fields[12 * 4].y, fields[12 * 4].x) == (9000.0, 0.0)
    assert (fields[3].y, fields[3].x) == (332.8, 332.8)
    assert len(names(places(384 * 9, 9))[1]) == 24
    assert len({(place.y, place.x) for place in fields}) == len(fields)


def test_our_tree_has_the_positions_of_the_stage(
    work: Work, pixels: np.ndarray
) -> None:
    tree = plates.tree_of(work, pixels)
    field = tree["A/2/1/image"]
    assert (float(field["y"][0]), float(field["x"][0])) == (0.0, 9332.8)
    np.testing.assert_array_equal(field, pixels[5])


def test_the_plate_to_open_is_what_others_take_for_a_plate(tmp_path: Path) -> None:
    import yaozarrs

    work = replace(WORKS["plate-tree"], mebibytes=11)
    plate = opening.plate_folder(work, tmp_path)
    assert opening.plate_folder(work, tmp_path) == plate
    yaozarrs.validate_zarr_store(plate)
    read = json.loads((plate / "A/2/1/zarr.json").read_text())
    first = read["attributes"]["ome"]["multiscales"][0]["datasets"][1]
    moved = first["coordinateTransformations"][1]["translation"]
    # Half a pixel of 0.65 further than level 0, in the second well.
    np.testing.assert_allclose(moved, [0, 0, 0.325, 9333.125], rtol=1e-12)


@pytest.mark.parametrize("name", ["plate-tree", "plate-stack"])
def test_opening_finds_every_field_where_it_lies(name: str, tmp_path: Path) -> None:
    work = replace(WORKS[name], mebibytes=11)
    with target_of(work, tmp_path / "unused") as plate:
        CONTESTANTS["floor"].prepare(work, None, plate)()
        opened = CONTESTANTS["ours"].prepare(work, None, plate)()
    assert check.opened_problems(opened, work) == []
    assert plate.is_dir()


def test_what_is_opened_wrongly_is_seen(tmp_path: Path) -> None:
    import xarray as xr

    work = replace(WORKS["plate-stack"], mebibytes=1)
    names = ("row", "column", "field")
    opened = xr.Dataset(
        {"image": (("y", "x"), np.zeros((2, 2)))},
        {
            **{dim: [value] for dim, value in zip(names, ("A", "1", "0"), strict=True)},
            **{dim: [0.0, 0.65] for dim in "yx"},
            "present": (names, [[[True]]]),
            "origin_y": (names, [[[0.0]]]),
            "origin_x": (names, [[[7.0]]]),
        },
    )
    assert check.opened_problems(opened, work) == [
        "A/1/0 is absent or begins at {'y': 0.0, 'x': 7.0}"
    ]
