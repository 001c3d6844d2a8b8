"""What the README shows runs, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skimage.data
import xarray as xr
import zarr

import xarray_omezarr as xo

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def blocks() -> list[tuple[str, str]]:
    """Language and text of each fenced block, without its indentation."""
    return [
        (language, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))
        for indent, language, text in BLOCK.findall(README.read_text(encoding="utf-8"))
    ]


def test_the_examples_run_and_print_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    printed, compared = "", 0
    for language, text in blocks():
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(text, README.name, "exec"), names)
            printed = output.getvalue()
        elif language == "text":
            assert printed == text
            compared += 1
    assert compared == 1
    assert (tmp_path / "cell.ome.zarr").is_dir()
    cell = skimage.data.cell()
    nuclei = zarr.open_array(tmp_path / "cell.ome.zarr/labels/nuclei/0", mode="r")
    np.testing.assert_array_equal(nuclei[...], cell > 150)
    field = zarr.open_array(tmp_path / "plate.ome.zarr/B/2/0/0", mode="r")
    np.testing.assert_array_equal(field[...], cell // 2)
    expected = [[cell.mean(), np.nan], [np.nan, (cell // 2).mean()]]
    np.testing.assert_allclose(names["brightness"], expected, rtol=1e-5)
    assert {*names["ds"].data_vars} == {"image", "nuclei"}
    # The turn leads from there to (0.8 * 30 - 0.6 * 20, 0.6 * 30 + 0.8 * 20).
    place = [float(names["pixel"][dim]) for dim in "yx"]
    np.testing.assert_allclose(place, [30, 20], atol=0.107 / 2)


@pytest.fixture
def cell() -> xr.DataArray:
    picture = xr.DataArray(skimage.data.cell()[:64, :64], dims=("y", "x"))
    grid = {"scale": {"y": 0.107, "x": 0.107}, "units": {"y": "um", "x": "um"}}
    return picture.omezarr.assign_grid(**grid)


def test_what_is_written_is_where_the_pixels_are_now(
    cell: xr.DataArray, tmp_path: Path
) -> None:
    changed = cell.sel(x=slice(1, 5)).isel(y=slice(None, None, 2)).coarsen(y=2).mean()
    changed.omezarr.to_image(tmp_path / "changed.ome.zarr")
    read = xo.open_image(tmp_path / "changed.ome.zarr")
    # 10 * 0.107 is the first centre above 1; rows 0 and 2 have their mean at row 1.
    assert float(read["x"][0]) == 1.07
    assert [float(y) for y in read["y"][:2]] == [0.107, 0.535]


def test_what_would_be_wrong_is_refused(cell: xr.DataArray, tmp_path: Path) -> None:
    uneven = cell.isel(x=[0, 1, 3])
    with pytest.raises(xo.CoordinateError, match="'x'"):
        uneven.omezarr.to_image(tmp_path / "image.ome.zarr")
    cell["x"].attrs["units"] = "blink"
    with pytest.raises(xo.UnitError, match="blink"):
        cell.omezarr.to_image(tmp_path / "image.ome.zarr")
    assert list(tmp_path.iterdir()) == []
    cell["x"].attrs["units"] = "um"
    cell.omezarr.to_image(tmp_path / "image.ome.zarr")
    with pytest.raises(FileExistsError, match=r"image\.ome\.zarr"):
        cell.omezarr.to_image(tmp_path / "image.ome.zarr")


def test_there_is_one_command_to_run_and_one_to_test() -> None:
    commands = [text for language, text in blocks() if language == "sh"]
    assert len(commands) == 2
    assert all(command.count("\n") == 1 for command in commands)
    assert commands[0].rstrip().endswith("xarray-omezarr demo out")
    assert "-m pytest" in commands[1]


def test_pictures_and_links_inside_the_project_exist() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", README.read_text(encoding="utf-8"))
    inside = [target for target in targets if not target.startswith("https://")]
    assert "docs/picture.svg" in inside
    assert [t for t in inside if not (README.parent / t).exists()] == []


def test_pictures_come_from_no_other_host() -> None:
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README.read_text(encoding="utf-8"))
    assert [picture for picture in pictures if "://" in picture] == []
