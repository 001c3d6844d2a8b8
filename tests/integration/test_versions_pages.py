"""What the pages about versions, conversion and validation show runs and holds."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaozarrs
import zarr

import xarray_omezarr as xo
from tests.integration.pages import DOCS, run_page
from xarray_omezarr.ngff.versions import registry

_SHELL = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def shell(page: str) -> list[int]:
    """Exit codes of the commands that a page shows, run one after the other."""
    text = (DOCS / page).read_text("utf-8")
    lines = [line for block in _SHELL.findall(text) for line in block.splitlines()]
    codes = []
    for line in lines:
        command, *words = line.split()
        assert command == "xarray-omezarr"
        done = subprocess.run(
            [sys.executable, "-m", "xarray_omezarr", *words],
            check=False,
            stdout=subprocess.DEVNULL,
        )
        codes.append(done.returncode)
    return codes


def test_the_page_about_versions(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page("versions.md")
    for name in ("0.4", "0.5"):
        yaozarrs.validate_zarr_store(tmp_path / f"image-{name}.ome.zarr")
    assert xo.open_image("early.ome.zarr").dims == ("c", "y", "x")


@pytest.mark.parametrize("version", registry.SUPPORTED)
def test_the_table_of_versions_says_what_the_code_says(version) -> None:
    text = (DOCS / "versions.md").read_text("utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith(f"| {version} |")]
    _, _, stored, axes, scale, further, _ = (cell.strip() for cell in row.split("|"))
    features = registry.get(version).features
    assert f"Zarr v{features.zarr_format}" in stored
    assert ("always" in axes) == (features.dims is not None)
    assert (scale == "yes") == features.transformations == features.units
    assert ("systems" in further) == features.systems
    if features.dims is not None:
        assert ", ".join(features.dims) in axes
        assert features.separator.join("00000") in stored


def test_the_page_about_conversion(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_page("converting.md")
    pixels = names["stack"].values
    for name in ("new", "sharded", "old"):
        yaozarrs.validate_zarr_store(tmp_path / f"{name}.ome.zarr")
        group = zarr.open_group(f"{name}.ome.zarr", mode="r")
        assert (group["0"][...] == pixels).all()
        assert group.attrs["ome"]["version"] == "0.5"
    assert zarr.open_array("sharded.ome.zarr/0").shards == (2, 256, 256)
    old = Path("old.ome.zarr/0/0/0/0")
    assert old.read_bytes() == Path("new.ome.zarr/0/c/0/0/0").read_bytes()
    assert not Path("old.ome.zarr/.zattrs").exists()
    assert shell("converting.md") == [0, 0, 0, 0]
    assert xo.read_metadata("copy.ome.zarr").summary()
    assert zarr.open_group("plate.ome.zarr").metadata.zarr_format == 3
    part = zarr.open_group("part.ome.zarr", mode="r")
    assert part["A/2/0/0"].chunks == (128, 128)


def test_the_page_about_validation(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = run_page("validating.md")
    finding = names["report"].errors[0]
    page = (DOCS / "validating.md").read_text("utf-8")
    for field in ("severity", "path", "pointer", "message", "seen", "clause", "remedy"):
        assert isinstance(getattr(finding, field), str)
        assert f"| `{field}` |" in page
    # The page has broken the image.
    assert shell("validating.md") == [1, 1, 1]
