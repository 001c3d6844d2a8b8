"""Servers that only hand files out: what cannot be corrected there is said plainly."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner

import xarray_omezarr as xo
from xarray_omezarr.cli import main

pytest.importorskip("aiohttp")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    da = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"))
    da.omezarr.to_image(tmp_path / "image.zarr", scale_factors=[2])
    fields = {"A/1/0": da, "A/2/0": da}
    xo.write_plate(fields, tmp_path / "plate.zarr", scale_factors=None)
    handler = functools.partial(Quiet, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.filterwarnings("ignore:.*can neither lock")
@pytest.mark.parametrize("name", ["image.zarr", "plate.zarr"])
def test_what_only_hands_files_out_cannot_be_corrected(served: str, name: str) -> None:
    with pytest.raises(xo.OptionError, match=rf"{name} cannot be written"):
        xo.update(f"{served}/{name}", scale={"x": 0.5})
    done = CliRunner().invoke(
        main, ["update", f"{served}/{name}", "--scale", "x=0.5"], catch_exceptions=False
    )
    assert done.exit_code == 1
    assert f"{name} cannot be written" in done.stderr
