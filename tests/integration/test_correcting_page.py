"""What the page about corrections shows runs, and does what it says."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import yaozarrs
import zarr

from tests.integration.pages import DOCS, run_page


def test_the_examples_run_and_do_what_is_said(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_page("correcting.md")
    for name in ("stack", "plate"):
        yaozarrs.validate_zarr_store(tmp_path / f"{name}.ome.zarr")
    ome = zarr.open_group("stack.ome.zarr", mode="r").attrs["ome"]
    assert ome["multiscales"][0]["name"] == "first stack"
    assert [c["label"] for c in ome["omero"]["channels"]] == ["DAPI", "GFP"]
    assert zarr.open_group("plate.ome.zarr").attrs["ome"]["plate"]["name"] == "assay 3"
    page = (DOCS / "correcting.md").read_text("utf-8")
    for line in re.findall(r"^xarray-omezarr (.*)$", page, re.MULTILINE):
        words = shlex.split(line, comments=True)
        subprocess.run([sys.executable, "-m", "xarray_omezarr", *words], check=True)
    for well in "12":
        image = zarr.open_group(Path("plate.ome.zarr") / "A" / well / "0", mode="r")
        told = image.attrs["ome"]["multiscales"][0]
        numbers = told["datasets"][0]["coordinateTransformations"][0]
        assert numbers["scale"] == [0.1, 0.1]
        assert {axis["unit"] for axis in told["axes"]} == {"micrometer"}
