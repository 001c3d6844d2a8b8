"""Many images in one write: each is right, whoever makes it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.hierarchy import GroupNode, Hierarchy
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import complete
from xarray_omezarr.store.engine import write
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.windows import Watch
from xarray_omezarr.write.multiscale import plan_multiscale

COUNT = 40


def pixels(index: int) -> np.ndarray:
    rng = np.random.default_rng(index)
    return rng.integers(index, 1000 + index, (2, 33, 47)).astype("u2")


def mean_of_bins(array: np.ndarray) -> np.ndarray:
    """2 x 2 means of (c, y, x), half to even, partial bins at the far border."""
    rows, columns = (-(-size // 2) for size in array.shape[1:])
    made = np.empty((len(array), rows, columns))
    for row in range(rows):
        for column in range(columns):
            part = array[:, 2 * row : 2 * row + 2, 2 * column : 2 * column + 2]
            made[:, row, column] = part.mean((1, 2))
    return np.rint(made).astype(array.dtype)


def hierarchy(kind: str, count: int = COUNT) -> Hierarchy:
    options = complete({"scale_factors": [2, 4], "chunks": (1, 16, 16)})
    parts = {}
    for index in range(count):
        da = xr.DataArray(
            pixels(index), dims=("c", "y", "x"), coords={"c": ["DAPI", "GFP"]}
        )
        if kind == "dask" or (kind == "mixed" and index % 2):
            da = da.chunk(y=10)
        parts[f"wells/{index}"] = plan_multiscale(da, options)
    version = registry.get(registry.DEFAULT)
    nodes = {"": GroupNode(), "wells": GroupNode()}
    return Hierarchy(version, nodes).around(parts)


@pytest.mark.parametrize("kind", ["numpy", "dask", "mixed"])
def test_every_level_and_window_of_many_images_is_right(kind) -> None:
    store = MemoryStore()
    group = write(hierarchy(kind), open_target(store), mode=None, compute=True)
    for index in range(COUNT):
        image = group[f"wells/{index}"]
        level = pixels(index)
        for path in ("0", "1", "2"):
            np.testing.assert_array_equal(image[path][...], level)
            coarsest, level = level, mean_of_bins(level)
        channels = image.attrs["ome"]["omero"]["channels"]
        for channel, values, coarse in zip(
            channels, pixels(index), coarsest, strict=True
        ):
            window = channel["window"]
            assert (window["min"], window["max"]) == (values.min(), values.max())
            low, high = np.percentile(coarse, [0.1, 99.9])
            assert window["start"] == pytest.approx(low, abs=1)
            assert window["end"] == pytest.approx(high, abs=1)


def test_what_fails_in_one_of_many_images_leaves_nothing(tmp_path) -> None:
    def broken(block, factors):
        if block[0, 0, 0] == pixels(COUNT - 1)[0, 0, 0]:
            raise RuntimeError("of the microscope")
        return block[:, ::2, ::2]

    options = complete({"scale_factors": [2], "method": broken})
    parts = {
        f"{index}": plan_multiscale(
            xr.DataArray(pixels(index), dims=("c", "y", "x")), options
        )
        for index in range(COUNT)
    }
    version = registry.get(registry.DEFAULT)
    many = Hierarchy(version, {"": GroupNode()}).around(parts)
    target = open_target(tmp_path / "x.zarr")
    with pytest.raises(RuntimeError, match="of the microscope"):
        write(many, target, mode=None, compute=True)
    assert not (tmp_path / "x.zarr").exists()


def test_what_shall_be_shown_is_measured_of_whole_levels_only() -> None:
    watch = Watch(hierarchy("numpy", 1))
    coarsest = np.arange(2 * 9 * 12).reshape(2, 9, 12).astype("u2")
    watch.see("wells/0/2", coarsest[:, :4])
    watch.see("wells/0/1", np.zeros((2, 17, 24), "u2"))
    watch.see("wells/0/elsewhere", coarsest)
    assert not watch.shown
    watch.see("wells/0/2", coarsest)
    (first, second) = watch.shown["wells/0/2"]
    assert first == pytest.approx(np.percentile(coarsest[0], [0.1, 99.9]))
    assert second == pytest.approx(np.percentile(coarsest[1], [0.1, 99.9]))


def test_the_groups_of_many_images_are_as_zarr_makes_them(tmp_path) -> None:
    write(
        hierarchy("numpy", 2), open_target(tmp_path / "x.zarr"), mode=None, compute=True
    )
    zarr.create_group(tmp_path / "theirs.zarr")
    ours = (tmp_path / "x.zarr" / "wells" / "zarr.json").read_text()
    theirs = (tmp_path / "theirs.zarr" / "zarr.json").read_text()
    assert ours == theirs
