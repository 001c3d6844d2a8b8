"""Transformations and one-file stores beside what else does them.

``python -m tests.performance.transforms`` prints three tables; with ``--page PAGE``
they replace those between the marks of that page. Linux only, as memory is read from
``/proc``.
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from zarr.storage import LocalStore, WrapperStore

import xarray_omezarr as xo
from tests.performance.measure import timed

SIDE = 100_000
POINTS = 1_000_000
BEAD = (50_000, 70_000)
STEP = 0.5
# A turn by 30 degrees with a little shear.
TURN = [[0.8, -0.55, 1000.0], [0.5, 0.85, -2000.0]]
MARKS = "<!-- begin: transforms -->", "<!-- end: transforms -->"
ARCHIVE_MEBIBYTES = 256


class Counting(WrapperStore[Any]):
    """Counts the requests for keys and the bytes that came."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.requests = self.nbytes = 0

    async def get(self, key: str, prototype: Any, byte_range: Any = None) -> Any:
        """As the store does, counted."""
        found = await self._store.get(key, prototype, byte_range)
        self.requests += 1
        self.nbytes += 0 if found is None else len(found)
        return found


def large_image(folder: Path, *, affine: bool) -> Path:
    """An image of 10^10 pixels, one of which is not 0."""
    path = folder / f"large-{'affine' if affine else 'plain'}.ome.zarr"
    if path.exists():
        return path
    units = dict.fromkeys("yx", "micrometer")
    image = xo.template(
        "yx", (SIDE, SIDE), "uint16", scale=dict.fromkeys("yx", STEP), units=units
    )
    axes = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]
    way = {
        "type": "affine",
        "affine": TURN,
        "input": {"name": "physical"},
        "output": {"name": "world"},
    }
    transforms = {
        "coordinateSystems": [{"name": "world", "axes": axes}],
        "coordinateTransformations": [way],
    }
    options: dict[str, Any] = {"transforms": transforms} if affine else {}
    made = xo.prepare_image(
        image, path, version="0.6", chunks=512, scale_factors=None, **options
    )
    level: Any = made[1]["0"]
    level[BEAD] = 1000
    return path


def opened(path: Path, *, affine: bool) -> dict[str, float]:
    """Open the image and find the bead; what that took."""
    store = Counting(LocalStore(path, read_only=True))
    there = np.array(TURN) @ [*(STEP * place for place in BEAD), 1.0]

    def find() -> int:
        image = xo.open_image(store)
        if not affine:
            y, x = (STEP * place for place in BEAD)
            return int(image.sel(y=y, x=x))
        world = image.omezarr.to_system("world")
        y, x = there
        return int(world.sel(y_world=y, x_world=x, method="nearest"))

    find()
    store.requests = store.nbytes = 0
    figures, found = timed(find)
    assert found == 1000
    return {**figures, "requests": store.requests, "read": store.nbytes}


def opening(folder: Path, repeats: int) -> str:
    """The table of opening, each in fresh processes that take turns."""
    raw: dict[str, list[dict[str, float]]] = {"plain": [], "affine": []}
    for kind in raw:
        large_image(folder, affine=kind == "affine")
    for _ in range(repeats):
        for kind, results in raw.items():
            words = [sys.executable, "-m", __spec__.name, "--one", kind]
            told = subprocess.run(
                [*words, "--folder", str(folder)],
                capture_output=True,
                text=True,
                check=True,
            )
            results.append(json.loads(told.stdout.splitlines()[-1]))
    lines = [
        "| 100 000 x 100 000 pixels | ms | memory + MiB | requests | kB read |",
        "| --- | --- | --- | --- | --- |",
    ]
    names = {
        "plain": "open, one pixel by its coordinates",
        "affine": "open, `to_system`, one pixel by its place in the world",
    }
    for kind, results in raw.items():
        ms, rise = (_median(results, key) for key in ("wall", "rise"))
        read = _median(results, "read") / 1e3
        lines.append(
            f"| {names[kind]} | {1e3 * ms:.1f} | {rise / 2**20:.1f} "
            f"| {results[0]['requests']} | {read:.1f} |"
        )
    return "\n".join(lines)


def _median(results: list[dict[str, float]], key: str) -> float:
    return statistics.median(result[key] for result in results)


def contests() -> dict[str, dict[str, Callable[[], Any]]]:
    """Positions of a million points by several means, which agree."""
    from scipy.interpolate import RegularGridInterpolator
    from scipy.ndimage import map_coordinates

    from xarray_omezarr.transforming.stored import Field

    rng = np.random.default_rng(0)
    points = rng.uniform(0, 1000, (POINTS, 2))
    matrix = np.array(TURN)
    affine = {"type": "affine", "affine": TURN}
    vectors = rng.normal(size=(2, 256, 256))
    grid = np.arange(256) * 4.0
    field = Field(vectors, 0, (4.0, 4.0), (0.0, 0.0))
    warp = {"type": "displacements", "path": "warp", "interpolation": "linear"}
    tool = RegularGridInterpolator((grid, grid), np.moveaxis(vectors, 0, -1))

    def mapped() -> Any:
        moved = [
            map_coordinates(part, points.T / 4.0, order=1, mode="nearest")
            for part in vectors
        ]
        return points + np.stack(moved, axis=1)

    ours = "xo.transforms.apply"
    return {
        "affine": {
            ours: lambda: xo.transforms.apply(affine, points),
            "numpy, `points @ matrix.T + shift`": lambda: (
                points @ matrix[:, :2].T + matrix[:, 2]
            ),
        },
        "displacements, linear": {
            ours: lambda: xo.transforms.apply(warp, points, arrays={"warp": field}),
            "scipy, `map_coordinates`, nothing outside": mapped,
            "scipy, `RegularGridInterpolator`": lambda: points + tool(points),
        },
    }


def applying(repeats: int) -> str:
    """The table of positions; contestants take turns, and are compared."""
    lines = [
        f"| {POINTS:,} points | by | ms | / numpy or scipy |".replace(",", " "),
        "| --- | --- | --- | --- |",
    ]
    for kind, calls in contests().items():
        results = [call() for call in calls.values()]
        for other in results[1:]:
            np.testing.assert_allclose(results[0], other, rtol=1e-9)
        took = _turns(calls, repeats)
        fastest = min(value for name, value in took.items() if "xo." not in name)
        for name, seconds in took.items():
            lines.append(
                f"| {kind} | {name} | {1e3 * seconds:.0f} | {seconds / fastest:.2f} |"
            )
    return "\n".join(lines)


def _turns(calls: Mapping[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median seconds of each, all of them in turn."""
    took: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            took[name].append(time.perf_counter() - start)
    return {name: statistics.median(times) for name, times in took.items()}


def archives(folder: Path, repeats: int) -> str:
    """The table of one-file stores, beside a folder."""
    import dask.array as da
    import xarray as xr

    side = int((ARCHIVE_MEBIBYTES * 2**19) ** 0.5)
    pixels = np.random.default_rng(0).poisson(100, (side, side)).astype("uint16")
    image = xr.DataArray(pixels, dims=("y", "x"))
    options: dict[str, Any] = {"chunks": 512, "scale_factors": None}

    def place(name: str) -> Path:
        # Nothing is replaced while the clock runs.
        return Path(tempfile.mkdtemp(dir=folder)) / name

    def ours(name: str) -> Callable[[], Any]:
        return lambda: image.omezarr.to_image(place(name), **options)

    def theirs() -> None:
        import ngff_zarr

        lazy = da.from_array(pixels, chunks=512)
        made = ngff_zarr.to_ngff_image(lazy, dims=["y", "x"])
        scales = ngff_zarr.to_multiscales(made, scale_factors=[], chunks=512)
        ngff_zarr.to_ome_zarr(str(place("theirs.ozx")), scales, version="0.5")

    calls = {
        "ours, a folder": ours("ours.ome.zarr"),
        "ours, `.ozx`": ours("ours.ozx"),
        "ngff-zarr, `.ozx`": theirs,
    }
    took = _turns(calls, repeats)
    lines = [
        f"| {ARCHIVE_MEBIBYTES} MiB, one level, own codecs | s | / folder |",
        "| --- | --- | --- |",
    ]
    whole = took["ours, a folder"]
    for name, seconds in took.items():
        lines.append(f"| {name} | {seconds:.2f} | {seconds / whole:.2f} |")
    return "\n".join(lines)


def tables(folder: Path, repeats: int) -> str:
    """All of them."""
    parts = [opening(folder, repeats), applying(repeats), archives(folder, repeats)]
    return "\n\n".join(parts)


def main(words: list[str] | None = None) -> None:
    """What the command line says."""
    parser = argparse.ArgumentParser(prog="python -m tests.performance.transforms")
    parser.add_argument("--repeats", type=int, default=5, help="of each (5)")
    parser.add_argument("--page", type=Path, help="put the tables into this page")
    parser.add_argument("--folder", type=Path, help="for images")
    parser.add_argument("--one", choices=("plain", "affine"), help=argparse.SUPPRESS)
    chosen = parser.parse_args(words)
    folder = chosen.folder or Path(tempfile.mkdtemp())
    if chosen.one:
        affine = chosen.one == "affine"
        print(json.dumps(opened(large_image(folder, affine=affine), affine=affine)))
        return
    try:
        made = tables(folder, chosen.repeats)
    finally:
        if chosen.folder is None:
            shutil.rmtree(folder, ignore_errors=True)
    print(made)
    if chosen.page:
        text = chosen.page.read_text("utf-8")
        before, _, rest = text.partition(MARKS[0])
        after = rest.partition(MARKS[1])[2]
        whole = f"{before}{MARKS[0]}\n\n{made}\n\n{MARKS[1]}{after}"
        chosen.page.write_text(whole, "utf-8")


if __name__ == "__main__":
    main()
