"""What was measured to go wrong with label images elsewhere goes right here."""

from __future__ import annotations

import json
import threading
from importlib.metadata import version

import dask
import dask.array
import numpy as np
import ome_zarr.io
import ome_zarr.reader
import pytest
import xarray as xr
import zarr
from ome_zarr_models.v05.image_label import ImageLabel
from ome_zarr_models.v05.labels import Labels
from packaging.version import Version

import xarray_omezarr as xo
from xarray_omezarr.errors import OptionError, TargetExistsError

VERSIONS = pytest.mark.parametrize("version", ["0.4", "0.5"])


def image(dims="yx", shape=(24, 36), *, scale=0.5, first=10.0):
    """An image with coordinates in micrometers along every spatial dim."""
    coords = {
        dim: (dim, first + scale * np.arange(size), {"units": "micrometer"})
        for dim, size in zip(dims, shape, strict=True)
        if dim in "zyx"
    }
    pixels = np.arange(np.prod(shape)).reshape(shape) % 199
    return xr.DataArray(pixels.astype("uint16"), coords, tuple(dims))


def objects(shape=(24, 36), dtype="uint32"):
    """Rectangles that are called 3, 50 and 101."""
    values = np.zeros(shape, dtype)
    values[1:8, 2:9], values[5:20, 11:24], values[9:22, 27:35] = 3, 50, 101
    return xr.DataArray(values, dims=("y", "x"))


def ome(path):
    """The metadata of the standard, straight from the file."""
    if (path / "zarr.json").exists():
        return json.loads((path / "zarr.json").read_text("utf-8"))["attributes"]["ome"]
    return json.loads((path / ".zattrs").read_text("utf-8"))


def numbers(path):
    """``(scale, translation)`` of each level, straight from the file."""
    found = []
    for dataset in ome(path)["multiscales"][0]["datasets"]:
        told = {t["type"]: t[t["type"]] for t in dataset["coordinateTransformations"]}
        found.append((told["scale"], told.get("translation")))
    return found


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cells.ome.zarr"


# ome-zarr: a label that is written again is in the list twice.
@VERSIONS
def test_a_label_that_is_written_twice_is_listed_once(path, version) -> None:
    image().omezarr.to_image(path, version=version)
    for _ in range(3):
        objects().omezarr.to_labels(path, "cells", mode="w")
        objects().omezarr.to_labels(path, "nuclei", mode="w")
    assert ome(path / "labels")["labels"] == ["cells", "nuclei"]


# Two that read the list, add to it and put it back lose what the other one added.
def test_labels_that_are_written_at_once_are_all_listed(path) -> None:
    image().omezarr.to_image(path)
    names = [f"cells{number}" for number in range(6)]
    threads = [
        threading.Thread(target=objects().omezarr.to_labels, args=(path, name))
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ome(path / "labels")["labels"]) == names


# ome-zarr: colours nobody asked for, by chance, for the background as well.
@VERSIONS
def test_there_are_no_colours_but_those_that_were_given(tmp_path, version) -> None:
    said = []
    for number in range(2):
        path = tmp_path / f"{number}.ome.zarr"
        image().omezarr.to_image(path, version=version)
        objects().omezarr.to_labels(path, "plain")
        objects().omezarr.to_labels(path, "red", colors={3: "#ff0000"})
        assert "colors" not in ome(path / "labels/plain")["image-label"]
        red = ome(path / "labels/red")["image-label"]["colors"]
        assert red == [{"label-value": 3, "rgba": [255, 0, 0, 255]}]
        said.append([ome(path / "labels" / name) for name in ("plain", "red")])
    assert said[0] == said[1]


# ome-zarr: the values of the whole image are looked for, before it is written.
def test_pixels_of_a_label_are_computed_once_each(path) -> None:
    computed, lock = [], threading.Lock()

    def make(block, block_info=None):
        with lock:
            computed.append(tuple(block_info[0]["chunk-location"]))
        return block

    pixels = dask.array.from_array(objects().values, chunks=(12, 12))
    lazy = pixels.map_blocks(make, dtype="uint32", meta=np.empty((0, 0), "uint32"))
    da = xr.DataArray(lazy, dims=("y", "x"))
    image().omezarr.to_image(path, scale_factors=[2, 4], chunks=12)
    delayed = da.omezarr.to_labels(path, "cells", chunks=12, compute=False)
    assert computed == []
    delayed.compute()
    assert sorted(computed) == [(y, x) for y in range(2) for x in range(3)]


# ome-zarr and others: blocks of labels are averaged, or interpolated.
@VERSIONS
@pytest.mark.parametrize("method", ["auto", "mean", "nearest", "median", "max"])
def test_levels_have_no_value_that_is_nobodys_name(path, version, method) -> None:
    labels = {"cells": objects()}
    image().omezarr.to_image(
        path, labels=labels, scale_factors=[2, 6], method=method, version=version
    )
    group = zarr.open_group(path, mode="r")["labels/cells"]
    for level in ("0", "1", "2"):
        assert set(np.unique(group[level][...])) <= {0, 3, 50, 101}


def test_a_method_that_interpolates_is_refused_for_labels(path) -> None:
    image().omezarr.to_image(path)
    with pytest.raises(OptionError, match=r"'mean'.*no pixel had"):
        objects().omezarr.to_labels(path, "cells", method="mean")
    assert not (path / "labels").exists()


# ome-zarr: the scale that is given for labels is ignored, so they lie elsewhere.
@VERSIONS
def test_labels_lie_on_their_image_on_every_level(path, version) -> None:
    image().omezarr.to_image(path, scale_factors=[2, 4], version=version)
    objects().omezarr.to_labels(path, "cells")
    # Centres of blocks of one, two and four pixels of 0.5 that begin at 10.
    expected = [([0.5] * 2, [10.0] * 2), ([1.0] * 2, [10.25] * 2)]
    expected.append(([2.0] * 2, [10.75] * 2))
    assert numbers(path / "labels/cells") == numbers(path) == expected
    axes = ome(path / "labels/cells")["multiscales"][0]["axes"]
    assert axes == ome(path)["multiscales"][0]["axes"]


# ome-zarr: nearest takes pixel (1, 1) of each block and says that it is its centre.
def test_pixels_that_were_picked_lie_where_they_were(path) -> None:
    da = image()
    da.omezarr.to_image(path, scale_factors=[2])
    values = np.arange(24 * 36, dtype="uint32").reshape(24, 36)
    picked = da.copy(data=values).omezarr.to_labels(path, "cells", method="nearest")
    level = picked["labels/cells/1"][...]
    (_, _), (scale, (top, left)) = numbers(path / "labels/cells")
    assert scale == [1.0, 1.0]
    # Each value tells from where it is.
    y, x = np.divmod(level, 36)
    np.testing.assert_array_equal(10 + 0.5 * y[:, 0], top + np.arange(12))
    np.testing.assert_array_equal(10 + 0.5 * x[0], left + np.arange(18))


# ome-zarr: masks fail with the method that is used by default.
@VERSIONS
def test_a_mask_is_a_label(path, version) -> None:
    image().omezarr.to_image(path, scale_factors=[2], version=version)
    written = (objects() > 3).omezarr.to_labels(path, "mask")
    assert written["labels/mask/0"].dtype == "uint8"
    assert set(np.unique(written["labels/mask/1"][...])) == {0, 1}


# ome-zarr: ContainsArrayError, without a way to replace it.
def test_a_label_that_is_there_is_named_with_the_way_out(path) -> None:
    image().omezarr.to_image(path, labels={"cells": objects()})
    with pytest.raises(TargetExistsError, match=r"'cells'.*mode='w' replaces it"):
        objects().omezarr.to_labels(path, "cells")


# ome-zarr: compute=False leaves metadata that promise pixels which are not there.
def test_a_label_is_listed_when_its_pixels_are_there(path) -> None:
    image().omezarr.to_image(path)
    delayed = objects().omezarr.to_labels(path, "cells", compute=False)
    assert list(xr.open_dataset(path, engine="omezarr")) == ["image"]
    delayed.compute()
    assert list(xr.open_dataset(path, engine="omezarr")) == ["image", "cells"]


# ome-zarr: unknown keywords are swallowed.
@pytest.mark.parametrize(
    "option", ["colours", "label_metadata", "coordinate_transformations"]
)
def test_an_option_that_is_none_is_refused(path, option) -> None:
    image().omezarr.to_image(path)
    with pytest.raises(TypeError, match=option):
        objects().omezarr.to_labels(path, "cells", **{option: {}})
    assert not (path / "labels").exists()


# ngff-zarr: a DataArray (c, y, x) is called (z, y, x).
def test_dims_of_labels_are_theirs(path) -> None:
    image("tzyx", (2, 3, 24, 36)).omezarr.to_image(path)
    moving = xr.concat([objects(), objects()], "t")
    moving.omezarr.to_labels(path, "cells")
    axes = ome(path / "labels/cells")["multiscales"][0]["axes"]
    assert [(axis["name"], axis["type"]) for axis in axes] == [
        ("t", "time"),
        ("y", "space"),
        ("x", "space"),
    ]


# ome-zarr reads the list, the pixels and the colours that are written here.
@VERSIONS
@pytest.mark.filterwarnings("ignore")
def test_ome_zarr_finds_the_labels_and_their_colours(path, version) -> None:
    labels = {"cells": objects()}
    image().omezarr.to_image(path, labels=labels, scale_factors=[2], version=version)
    objects().omezarr.to_labels(path, "red", colors={3: "#ff0000"})
    location = ome_zarr.io.parse_url(str(path))
    nodes = {
        node.metadata.get("name"): node for node in ome_zarr.reader.Reader(location)()
    }
    assert {"cells", "red"} <= {*nodes}
    assert nodes["red"].metadata["color"] == {3: [1.0, 0.0, 0.0, 1.0]}
    np.testing.assert_array_equal(nodes["cells"].data[0].compute(), objects().values)


def test_ome_zarr_models_takes_labels_with_colours(path) -> None:
    image().omezarr.to_image(path)
    objects().omezarr.to_labels(path, "cells", colors={3: "#ff0000"})
    group = zarr.open_group(path, mode="r")
    assert Labels.from_zarr(group["labels"]).attributes.ome.labels == ["cells"]
    ImageLabel.from_zarr(group["labels/cells"])


def test_ome_zarr_models_takes_a_label_image_without_colours(path) -> None:
    image().omezarr.to_image(path, labels={"cells": objects()})
    assert "colors" not in ome(path / "labels/cells")["image-label"]
    ImageLabel.from_zarr(zarr.open_group(path, mode="r")["labels/cells"])


# ome-zarr-models 1.6 dumps what it has read, where colours that are missing (as they
# may be, and as it reads above) become None, and then it cannot go through None:
# "'NoneType' object is not iterable". The file is as it should be.
@pytest.mark.xfail(
    Version(version("ome-zarr-models")) < Version("1.7"),
    raises=TypeError,
    strict=True,
    reason="refuses its own default",
)
def test_ome_zarr_models_takes_a_group_of_labels_without_colours(path) -> None:
    image().omezarr.to_image(path, labels={"cells": objects()})
    Labels.from_zarr(zarr.open_group(path, mode="r")["labels"])


@VERSIONS
def test_a_label_of_a_label_is_refused(path, version) -> None:
    image().omezarr.to_image(path, labels={"cells": objects()}, version=version)
    with pytest.raises(OptionError, match="is a label image"):
        xo.write_labels(objects(), path / "labels/cells", "nuclei")
    assert not (path / "labels/cells/labels").exists()
