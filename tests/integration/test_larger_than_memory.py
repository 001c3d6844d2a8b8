"""Memory does not grow with the image, whatever it is made of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

WRITER = """
import sys
import dask, dask.array, numpy as np, xarray as xr
import xarray_omezarr as xo
from xarray.backends import BackendArray
from xarray.core import indexing

kind, folder, planes, scheduler, options = sys.argv[1:]
shape = (int(planes), 2048, 2048)
# Repeats along z, so that making and packing it costs little.
plane = np.arange(2048 * 2048, dtype="uint16").reshape(1, 2048, 2048) // 64

class Planes(BackendArray):
    def __init__(self):
        self.shape, self.dtype = shape, plane.dtype

    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(
            key, shape, indexing.IndexingSupport.BASIC, self.read
        )

    def read(self, key):
        z, y, x = key
        return np.repeat(plane[0, y, x][None], len(range(*z.indices(shape[0]))), 0)

def image(planes):
    if kind == "lazy":
        pixels = indexing.LazilyIndexedArray(Planes())
    else:
        pixels = dask.array.concatenate(
            [dask.array.from_array(plane, (1, 1024, 1024))] * planes
        )
    return xr.DataArray(pixels, dims=("z", "y", "x"))

def peak():
    lines = open("/proc/self/status").read().splitlines()
    return next(int(l.split()[1]) for l in lines if l.startswith("VmHWM")) / 1024

with dask.config.set(scheduler=scheduler, num_workers=2):
    if kind == "dask":
        # What is loaded with the first write is no pixel.
        image(1).omezarr.to_image(folder + ".first", **eval(options))
    before = peak()
    image(shape[0]).omezarr.to_image(folder, **eval(options))
print(peak() - before)
"""


def rise(kind, folder, gib, scheduler="threads", **options):
    """MiB of memory more at the peak, from writing an image of `gib` GiB."""
    planes = int(gib * 128)
    arguments = [kind, folder, str(planes), scheduler, repr(options)]
    done = subprocess.run(
        [sys.executable, "-c", WRITER, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
@pytest.mark.parametrize(("kind", "gib"), [("dask", 2), ("lazy", 1)])
def test_gibibytes_are_written_in_a_fraction_of_the_memory(tmp_path, kind, gib):
    folder = str(tmp_path / "image.ome.zarr")
    assert rise(kind, folder, gib, scale_factors=[2, 4, 8]) <= 300


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
def test_shards_are_held_a_few_at_a_time(tmp_path):
    folder = str(tmp_path / "image.ome.zarr")
    options = {"chunks": (16, 256, 256), "shards": (16, 1024, 1024)}
    # Shards of 32 MiB; a block that made level 1 too would be eight of them.
    assert rise("lazy", folder, 0.5, scale_factors=[2], **options) <= 400


if __name__ == "__main__":
    # By hand: kind, folder, GiB.
    print(rise(sys.argv[1], sys.argv[2], float(sys.argv[3]), scale_factors=[2, 4, 8]))
