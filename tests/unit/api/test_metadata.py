"""Metadata alone, for arrays that others have written."""

from __future__ import annotations

import re

import numpy as np
import pytest
import xarray as xr
import zarr
from yaozarrs import validate_zarr_store

import xarray_omezarr as xo
from xarray_omezarr.ngff import (
    Axis,
    Image,
    ImageLabel,
    LabelColor,
    LabelImage,
    Level,
    Multiscale,
    Plate,
)

PIXELS = np.arange(48, dtype="u2").reshape(6, 8)


def image(names="yx", levels=("0", "1"), kind=Image, **more):
    axes = [Axis(name=name, type="space", unit="micrometer") for name in names]
    made = [
        Level.of(path, (0.5 * 2**n,) * len(names), (0.25 * (2**n - 1),) * len(names))
        for n, path in enumerate(levels)
    ]
    return kind(multiscales=(Multiscale.of(axes, made, name="cells"),), **more)


def arrays(path, zarr_format=3, group="", **options) -> None:
    """Pixels as any other library writes them."""
    root = zarr.open_group(path, mode="a", zarr_format=zarr_format)
    below = root.require_group(group) if group else root
    below.create_array("0", data=PIXELS, **options)
    halved = PIXELS.reshape(3, 2, 4, 2).mean(axis=(1, 3)).astype("u2")
    below.create_array("1", data=halved, **options)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "x.ome.zarr"


def files(path):
    return {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


@pytest.mark.parametrize(("zarr_format", "version"), [(2, "0.4"), (3, "0.5")])
def test_arrays_of_others_become_an_image(path, zarr_format, version) -> None:
    arrays(path, zarr_format)
    zarr.open_group(path).attrs["mine"] = [1]
    xo.write_metadata(path, image())
    assert validate_zarr_store(str(path))
    assert xo.read_metadata(path) == image()
    da = xo.open_image(path, level=1)
    np.testing.assert_array_equal(da.x, [0.25, 1.25, 2.25, 3.25])
    assert da.x.attrs["units"] == "micrometer"
    attrs = dict(zarr.open_group(path).attrs)
    assert attrs["mine"] == [1]
    told = attrs["ome"] if version == "0.5" else attrs["multiscales"][0]
    assert told["version"] == version


def test_arrays_that_name_no_dims_get_them_and_nothing_else_changes(path) -> None:
    arrays(path)
    before = files(path)
    xo.write_metadata(path, image())
    after = files(path)
    changed = {str(f.relative_to(path)) for f in after if after[f] != before[f]}
    assert changed == {"zarr.json", "0/zarr.json", "1/zarr.json"}
    array = zarr.open_array(path / "0")
    assert array.metadata.dimension_names == ("y", "x")
    np.testing.assert_array_equal(array[:], PIXELS)


@pytest.mark.parametrize(
    ("model", "options", "problem"),
    [
        (image(levels=("0", "7")), {}, "no array at .*7"),
        (image("zyx"), {}, "2 dims, and the image has the axes"),
        (image(), {"dimension_names": ["x", "y"]}, r"has the dims \['x', 'y'\]"),
    ],
)
def test_what_does_not_fit_the_arrays_is_refused(path, model, options, problem) -> None:
    arrays(path, **options)
    before = files(path)
    with pytest.raises(xo.OmeZarrError) as caught:
        xo.write_metadata(path, model)
    each = getattr(caught.value, "exceptions", [caught.value])
    assert all(re.search(problem, str(error)) for error in each)
    assert files(path) == before


def test_versions_do_not_mix(path) -> None:
    arrays(path, 2)
    with pytest.raises(xo.OptionError, match="Zarr v2"):
        xo.write_metadata(path, image(), version="0.5")
    xo.write_metadata(path, image(), version="0.4")


def test_another_kind_is_not_replaced(path) -> None:
    arrays(path)
    xo.write_metadata(path, image())
    plate = Plate.model_validate(
        {"rows": [{"name": "A"}], "columns": [{"name": "1"}], "wells": []}
    )
    with pytest.raises(xo.TargetExistsError, match="image 'cells'"):
        xo.write_metadata(path, plate)
    assert xo.read_metadata(path) == image()


def test_the_same_kind_is_replaced(path) -> None:
    arrays(path)
    xo.write_metadata(path, image())
    xo.write_metadata(path, image(levels=("0",)))
    assert len(xo.read_metadata(path).multiscale.levels) == 1


def test_a_label_image_is_listed_and_gets_colours(path) -> None:
    arrays(path)
    xo.write_metadata(path, image())
    arrays(path, group="labels/nuclei")
    for colour in ((255, 0, 0, 255), (0, 255, 0, 255)):
        told = ImageLabel(colors=(LabelColor(label_value=1, rgba=colour),))
        label = image(kind=LabelImage, image_label=told)
        xo.write_metadata(path, label, group="labels/nuclei")
        tree = xr.open_datatree(path, engine="omezarr")
        assert tree["labels/nuclei"].omezarr.label_colors == {1: colour}
    assert xo.read_metadata(path, group="labels").labels == ("nuclei",)
    assert validate_zarr_store(str(path))


@pytest.mark.parametrize("model", [None, {}, {"multiscales": []}, "image"])
def test_other_things_are_no_metadata(path, model) -> None:
    with pytest.raises(xo.OptionError, match="LabelsGroup"):
        xo.write_metadata(path, model)
    assert not path.exists()


def test_where_there_are_none_nothing_is_read(path) -> None:
    with pytest.raises(xo.NotOmeZarrError, match="no Zarr group"):
        xo.read_metadata(path)
    arrays(path)
    with pytest.raises(xo.NotOmeZarrError, match="without OME-Zarr"):
        xo.read_metadata(path)
    with pytest.raises(xo.NotOmeZarrError, match="an array"):
        xo.read_metadata(path / "0")
