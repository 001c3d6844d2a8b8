"""The command `xarray-omezarr demo`, as a user sees it."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage.data
import skimage.measure
import xarray as xr
import zarr
from click.testing import CliRunner, Result

from xarray_omezarr.cli import main

NAMES = {"cell", "cell_labels", "tissue", "tissue_labels"}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def bytes_under(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Result]:
    folder = tmp_path_factory.mktemp("demo") / "not" / "there"
    return folder, run("demo", folder)


@pytest.fixture
def folder(written: tuple[Path, Result]) -> Path:
    return written[0]


def test_the_demo_makes_its_folder_and_four_images(
    written: tuple[Path, Result],
) -> None:
    folder, result = written
    assert result.exit_code == 0, result.output
    assert {path.name for path in folder.iterdir()} == {f"{n}.ome.zarr" for n in NAMES}


def test_the_pixels_in_the_store_are_those_of_the_picture(folder: Path) -> None:
    stored = zarr.open_array(folder / "cell.ome.zarr" / "0", mode="r")
    np.testing.assert_array_equal(stored[:], skimage.data.cell(), strict=True)


def test_pixel_centres_are_as_the_description_of_the_picture_says(
    folder: Path,
) -> None:
    cell = xr.open_datatree(folder / "cell.ome.zarr", engine="omezarr")["0"]["image"]
    # 0.107 micrometer: the 101st centre lies at 10.7, which no sum of floats gives.
    assert float(cell["x"][100]) == 10.7
    assert cell["x"].attrs["units"] == cell["y"].attrs["units"] == "micrometer"


def test_the_stains_are_named_channels(folder: Path) -> None:
    tissue = xr.open_datatree(folder / "tissue.ome.zarr", engine="omezarr")
    assert list(tissue["0"]["c"].values) == ["Hematoxylin", "Eosin", "DAB"]


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_image_has_a_pyramid(folder: Path, name: str) -> None:
    tree = xr.open_datatree(folder / f"{name}.ome.zarr", engine="omezarr")
    heights = [tree[level].sizes["y"] for level in sorted(tree.children, key=int)]
    halved = [heights[0]]
    while halved[-1] > 128:
        halved.append(-(-halved[-1] // 2))
    assert heights == halved


def test_labels_number_the_connected_regions(folder: Path) -> None:
    labels = zarr.open_array(folder / "tissue_labels.ome.zarr" / "0", mode="r")[:]
    # Numbered again from the mask alone: the same regions, whatever their numbers.
    again = skimage.measure.label(labels > 0)
    pairs = np.unique(np.stack([labels.ravel(), again.ravel()]), axis=1)
    assert pairs.shape[1] == labels.max() + 1 == again.max() + 1


def test_coarse_labels_invent_no_number(folder: Path) -> None:
    tree = xr.open_datatree(folder / "tissue_labels.ome.zarr", engine="omezarr")
    fine, coarse = (np.unique(tree[level]["image"]) for level in ("0", "1"))
    assert set(coarse) <= set(fine)


def test_the_account_tells_sizes_pixels_and_that_they_came_back(
    written: tuple[Path, Result],
) -> None:
    text = written[1].output
    assert "y 660, x 550; uint8" in text
    assert "0.107 x 0.107 micrometer" in text
    assert "Hematoxylin, Eosin, DAB" in text
    assert text.count("came back equal") == len(NAMES)


def test_a_second_run_is_refused_and_changes_nothing(folder: Path) -> None:
    before = bytes_under(folder)
    result = run("demo", folder)
    assert result.exit_code == 1
    assert "already holds" in result.output
    assert "--overwrite" in result.output
    assert bytes_under(folder) == before


def test_one_image_that_is_there_stops_all(tmp_path: Path) -> None:
    (tmp_path / "tissue.ome.zarr").mkdir()
    result = run("demo", tmp_path)
    assert result.exit_code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["tissue.ome.zarr"]


def test_overwrite_replaces_an_earlier_run(tmp_path: Path) -> None:
    assert run("demo", tmp_path).exit_code == 0
    array = zarr.open_array(tmp_path / "cell.ome.zarr" / "0", mode="r+")
    array[:] = 0
    result = run("demo", tmp_path, "--overwrite")
    assert result.exit_code == 0, result.output
    stored = zarr.open_array(tmp_path / "cell.ome.zarr" / "0", mode="r")
    np.testing.assert_array_equal(stored[:], skimage.data.cell())


def test_a_file_in_the_place_of_the_folder_is_a_plain_message(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("not a folder")
    result = run("demo", tmp_path / "out")
    assert result.exit_code == 2
    assert "is a file" in result.output


def test_without_scikit_image_the_message_holds_the_pip_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "skimage", None)
    result = run("demo", tmp_path / "out")
    assert result.exit_code == 1
    assert "pip install 'xarray-omezarr[demo]'" in result.output
    assert not (tmp_path / "out").exists()


def test_pixels_that_come_back_changed_are_told_and_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = xr.open_datatree

    def open_spoiled(*args: object, **kwargs: object) -> xr.DataTree:
        tree = opened(*args, **kwargs)
        return tree.map_over_datasets(lambda level: level + 1)

    monkeypatch.setattr(xr, "open_datatree", open_spoiled)
    result = run("demo", tmp_path)
    assert result.exit_code == 1
    assert "does not hold what was written" in result.output


def test_command_module_and_distribution_have_one_version() -> None:
    version = importlib.metadata.version("xarray-omezarr")
    assert run("--version").output == f"xarray-omezarr, version {version}\n"
    command = [sys.executable, "-m", "xarray_omezarr", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == run("--version").output
