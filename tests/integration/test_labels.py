"""Label images are written with their image, and into one that exists."""

from __future__ import annotations

import json
import warnings

import dask.array
import numpy as np
import pandas as pd
import pytest
import xarray as xr
import yaozarrs
import zarr

import xarray_omezarr as xo
from xarray_omezarr.errors import (
    LayoutError,
    NoPixelsError,
    OmeZarrError,
    OmeZarrWarning,
    OptionError,
    TargetExistsError,
)

VERSIONS = pytest.mark.parametrize("version", ["0.4", "0.5"])
COLORS = {1: "#ff0000", 2: (0, 255, 0, 128)}
TABLE = pd.DataFrame({"area": [4.5, np.nan], "kind": ["a", "b"]}, index=[1, 2])


def image(dims="cyx", shape=(2, 37, 53)):
    coords = {
        dim: (dim, 10 + 0.5 * np.arange(size), {"units": "micrometer"})
        for dim, size in zip(dims, shape, strict=True)
        if dim in "zyx"
    }
    pixels = np.arange(np.prod(shape)).reshape(shape) % 997
    return xr.DataArray(pixels.astype("uint16"), coords, tuple(dims))


def label(seed=0, shape=(37, 53), dtype="uint32"):
    values = np.random.default_rng(seed).integers(0, 5, shape)
    return xr.DataArray(values.astype(dtype), dims=("y", "x"))


def broken():
    """A label image whose pixels cannot be computed."""

    def fail(block):
        raise ZeroDivisionError("no such pixels")

    pixels = dask.array.zeros((37, 53), dtype="uint32", chunks=(16, 16))
    return xr.DataArray(pixels.map_blocks(fail, dtype="uint32"), dims=("y", "x"))


def ome(path):
    """The metadata of the standard, straight from the file."""
    if (path / "zarr.json").exists():
        return json.loads((path / "zarr.json").read_text("utf-8"))["attributes"]["ome"]
    return json.loads((path / ".zattrs").read_text("utf-8"))


def files(path, *without):
    """Bytes of all files below a folder, except those below some of its folders."""
    found = {
        str(file.relative_to(path)): file.read_bytes()
        for file in sorted(path.rglob("*"))
        if file.is_file()
    }
    return {
        name: content
        for name, content in found.items()
        if not name.startswith(tuple(f"{folder}/" for folder in without))
    }


def check(path, labels):
    """Another reader accepts the store, and zarr alone reads the pixels given."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yaozarrs.validate_zarr_store(str(path))
    assert ome(path / "labels")["labels"] == [*labels]
    group = zarr.open_group(path, mode="r")
    levels = len(ome(path)["multiscales"][0]["datasets"])
    for name, given in labels.items():
        np.testing.assert_array_equal(group[f"labels/{name}/0"][...], given.values)
        datasets = ome(path / "labels" / name)["multiscales"][0]["datasets"]
        assert len(datasets) == levels
        for dataset in datasets:
            shape = group[f"labels/{name}/{dataset['path']}"].shape
            assert shape[-2:] == group[dataset["path"]].shape[-2:]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cells.ome.zarr"


# With the image.
@VERSIONS
def test_an_image_is_written_with_its_labels(path, version) -> None:
    labels = {"cells": label(1), "nuclei": label(2, dtype="uint8")}
    image().omezarr.to_image(path, labels=labels, scale_factors=[2, 4], version=version)
    check(path, labels)
    source = ome(path / "labels/cells")["image-label"]["source"]
    assert source == {"image": "../../"}


@pytest.mark.parametrize("labels", [["cells", "mask"], "auto"])
def test_variables_of_a_dataset_are_image_and_labels(path, labels) -> None:
    ds = xr.Dataset({"raw": image(), "cells": label(1), "mask": label(2) > 2})
    ds.omezarr.to_image(path, image="raw", labels=labels, scale_factors=[2])
    check(path, {"cells": ds.cells, "mask": ds.mask.astype("uint8")})
    np.testing.assert_array_equal(zarr.open_group(path)["0"][...], ds.raw.values)


def test_all_variables_beside_the_labels_are_the_image(path) -> None:
    ds = xr.Dataset({"raw": image(), "cells": label(1)})
    ds.omezarr.to_image(path, labels=["cells"])
    check(path, {"cells": ds.cells})


def test_variables_that_may_be_images_are_not_taken_for_labels(path) -> None:
    ds = xr.Dataset({"raw": image(), "mean": label(1).astype("float32")})
    with pytest.raises(OptionError, match=r"'mean'.*not plainly label images"):
        ds.omezarr.to_image(path, image="raw", labels="auto")
    assert not path.exists()


def test_labels_of_a_dataset_may_have_other_names(path) -> None:
    ds = xr.Dataset({"raw": image(), "seg": label(1)})
    ds.omezarr.to_image(path, image="raw", labels={"cells": "seg", "more": label(2)})
    check(path, {"cells": ds.seg, "more": label(2)})


def test_a_tree_is_written_with_its_labels(path) -> None:
    tree = xr.DataTree.from_dict(
        {
            "/": xr.Dataset({"image": image()}),
            "/labels/cells": xr.Dataset({"labels": label(1)}),
        }
    )
    tree.omezarr.to_image(path, scale_factors=[2, 4])
    check(path, {"cells": label(1)})


def test_what_is_wrong_with_a_label_is_refused_before_the_first_byte(path) -> None:
    labels = {"cells": label(1), "bad": label(shape=(37, 50))}
    with pytest.raises(LayoutError, match=r"'bad'.*50 pixels.*53"):
        image().omezarr.to_image(path, labels=labels)
    assert not path.exists()


@pytest.mark.parametrize("form", ["tree", "mapping", "pyramid"])
def test_a_template_is_no_label_image_of_an_image_that_is_written(path, form) -> None:
    empty = xo.template("yx", (37, 53), "uint8").to_dataset(name="labels")
    obj, labels = image(), {"cells": xr.DataTree(empty)}
    if form == "tree":
        nodes = {"0": image().to_dataset(name="image"), "labels/cells/0": empty}
        obj, labels = xr.DataTree.from_dict(nodes), None
    elif form == "mapping":
        labels = {"cells": empty["labels"]}
    with pytest.raises(NoPixelsError, match=r"'labels/cells'.*prepare_labels"):
        xo.write_image(obj, path, labels=labels)
    assert not path.exists()


def test_nothing_is_computed_or_listed_before_it_is_asked_for(path) -> None:
    image().omezarr.to_image(path)
    delayed = label(1).omezarr.to_labels(path, "cells", compute=False)
    assert not (path / "labels/cells").exists()
    delayed.compute()
    check(path, {"cells": label(1)})


# Into an image that exists.
@VERSIONS
def test_labels_are_written_into_an_image_with_what_they_mean(path, version) -> None:
    image().omezarr.to_image(path, scale_factors=[2, 4], version=version)
    group = label(1).omezarr.to_labels(
        path, "cells", colors=COLORS, properties=TABLE, source="../../"
    )
    assert group.attrs.asdict() == zarr.open_group(path, mode="r").attrs.asdict()
    check(path, {"cells": label(1)})
    assert ome(path / "labels/cells")["image-label"] == {
        "version": version,
        "colors": [
            {"label-value": 1, "rgba": [255, 0, 0, 255]},
            {"label-value": 2, "rgba": [0, 255, 0, 128]},
        ],
        "properties": [
            {"label-value": 1, "area": 4.5, "kind": "a"},
            {"label-value": 2, "kind": "b"},
        ],
        "source": {"image": "../../"},
    }


def test_the_source_that_a_label_tells_is_kept_unless_another_is_given(path) -> None:
    image().omezarr.to_image(path, scale_factors=[2])
    known = label(1)
    known.attrs["image-label"] = {"source": {"image": "../../../raw"}}

    def source(name):
        return ome(path / "labels" / name)["image-label"]["source"]["image"]

    known.omezarr.to_labels(path, "kept")
    known.omezarr.to_labels(path, "given", source="../../")
    label(1).omezarr.to_labels(path, "untold")
    back = xr.open_datatree(path, engine="omezarr")["labels/kept"]
    back.omezarr.to_labels(path, "again")
    assert [*map(source, ("kept", "given", "untold", "again"))] == [
        "../../../raw",
        "../../",
        "../../",
        "../../../raw",
    ]


@VERSIONS
def test_a_new_label_leaves_every_byte_of_others_alone(path, version) -> None:
    image().omezarr.to_image(
        path, labels={"cells": label(1)}, scale_factors=[2], version=version
    )
    before = files(path, "labels")
    others = files(path / "labels/cells")
    label(2).omezarr.to_labels(path, "nuclei")
    assert files(path, "labels") == before
    assert files(path / "labels/cells") == others
    check(path, {"cells": label(1), "nuclei": label(2)})


@VERSIONS
def test_a_label_is_replaced_alone(path, version) -> None:
    labels = {"cells": label(1), "nuclei": label(2), "more": label(3)}
    image().omezarr.to_image(path, labels=labels, scale_factors=[2], version=version)
    before = files(path, "labels/nuclei")
    label(9).omezarr.to_labels(path, "nuclei", mode="w")
    assert files(path, "labels/nuclei") == before
    check(path, {**labels, "nuclei": label(9)})


def test_a_label_that_is_there_is_not_replaced_unasked(path) -> None:
    image().omezarr.to_image(path, labels={"cells": label(1)})
    before = files(path)
    with pytest.raises(TargetExistsError, match=r"'cells'.*mode='w'"):
        label(9).omezarr.to_labels(path, "cells")
    assert files(path) == before


@VERSIONS
def test_attributes_of_the_group_of_labels_stay(path, version) -> None:
    image().omezarr.to_image(path, labels={"cells": label(1)}, version=version)
    group = zarr.open_group(path)["labels"]
    group.attrs["lab"] = {"room": 7}
    label(2).omezarr.to_labels(path, "nuclei")
    attrs = zarr.open_group(path, mode="r")["labels"].attrs.asdict()
    assert attrs["lab"] == {"room": 7}
    check(path, {"cells": label(1), "nuclei": label(2)})


def test_a_label_that_could_not_be_written_is_not_listed(path) -> None:
    image().omezarr.to_image(path, labels={"cells": label(1)})
    with pytest.raises(ZeroDivisionError):
        broken().omezarr.to_labels(path, "nuclei")
    check(path, {"cells": label(1)})
    assert list(xr.open_dataset(path, engine="omezarr")) == ["image", "cells"]


def test_a_label_stays_until_what_replaces_it_is_complete(path) -> None:
    image().omezarr.to_image(path, labels={"cells": label(1)})
    before = files(path)
    with pytest.raises(ZeroDivisionError):
        broken().omezarr.to_labels(path, "cells", mode="w")
    assert files(path) == before


def test_replacing_an_image_names_the_labels_that_go_with_it(path) -> None:
    labels = {"cells": label(1), "nuclei": label(2)}
    image().omezarr.to_image(path, labels=labels)
    with pytest.warns(OmeZarrWarning, match="cells.*nuclei"):
        image().omezarr.to_image(path, mode="w")
    assert not (path / "labels").exists()


def test_labels_are_refused_where_there_is_no_image(path) -> None:
    with pytest.raises(OmeZarrError, match=r"cells\.ome\.zarr"):
        label().omezarr.to_labels(path, "cells")
    assert not path.exists()


@VERSIONS
def test_pixels_are_written_into_a_part_of_a_label(path, version) -> None:
    image().omezarr.to_image(
        path, labels={"cells": label(1)}, scale_factors=[2], version=version
    )
    before = files(path, "labels/cells")
    part = xr.DataArray(np.full((8, 10), 7, "uint32"), dims=("y", "x"))
    region = {"y": slice(4, 12), "x": slice(20, 30)}
    part.omezarr.to_labels(path, "cells", region=region)
    expected = label(1)
    expected[region] = 7
    check(path, {"cells": expected})
    group = zarr.open_group(path, mode="r")["labels/cells"]
    assert (group["1"][2:6, 10:15] == 7).all()
    assert files(path, "labels/cells") == before


def test_labels_without_pixels_are_filled_in_parts(path) -> None:
    image().omezarr.to_image(path, scale_factors=[2])
    template = xo.template("yx", (37, 53), "uint32")
    xo.prepare_labels({"cells": template}, path)
    check(path, {"cells": label() * 0})
    for first in (0, 16, 32):
        region = {"y": slice(first, min(first + 16, 37)), "x": slice(0, 53)}
        label(4)[region].omezarr.to_labels(path, "cells", region=region)
    check(path, {"cells": label(4)})


@VERSIONS
def test_a_label_grows_after_its_image_and_not_beyond_it(path, version) -> None:
    movie = image("tyx", (2, 37, 53))
    labels = xr.concat([label(1), label(2)], "t")
    movie.omezarr.to_image(path, labels={"cells": labels}, version=version)
    more = label(3).expand_dims("t")
    before = files(path)
    with pytest.raises(LayoutError, match=r"2 pixels along 't'.*1 more.*has 2;"):
        more.omezarr.to_labels(path, "cells", append_dim="t")
    assert files(path) == before
    movie[:1].omezarr.to_image(path, append_dim="t")
    more.omezarr.to_labels(path, "cells", append_dim="t")
    check(path, {"cells": xr.concat([labels, more], "t")})


# There and back.
def written(path, version):
    image().omezarr.to_image(
        path, labels={"cells": label(1)}, scale_factors=[2, 4], version=version
    )
    label(2, dtype="uint8").omezarr.to_labels(
        path, "nuclei", colors=COLORS, properties=TABLE
    )


@VERSIONS
def test_a_tree_with_labels_survives(path, tmp_path, version) -> None:
    written(path, version)
    tree = xr.open_datatree(path, engine="omezarr")
    copy = tmp_path / "copy.ome.zarr"
    tree.omezarr.to_image(copy, version=version)
    xr.testing.assert_identical(xr.open_datatree(copy, engine="omezarr"), tree)
    check(copy, {"cells": label(1), "nuclei": label(2)})
    for name in ("cells", "nuclei"):
        mine, its = ome(copy / "labels" / name), ome(path / "labels" / name)
        assert mine["image-label"] == its["image-label"]


@VERSIONS
def test_a_dataset_with_labels_survives(path, tmp_path, version) -> None:
    written(path, version)
    ds = xr.open_dataset(path, engine="omezarr")
    assert list(ds) == ["image", "cells", "nuclei"]
    copy = tmp_path / "copy.ome.zarr"
    ds.omezarr.to_image(copy, scale_factors=[2, 4], version=version)
    xr.testing.assert_identical(xr.open_dataset(copy, engine="omezarr"), ds)
    check(copy, {"cells": label(1), "nuclei": label(2)})
