"""Units that transformations of groups above count in stay what they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import LocalStore, MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.errors import MetadataError

UM = {"y": "um", "x": "um"}
AXES = [{"name": name, "type": "space", "unit": "micrometer"} for name in "yx"]


def tile(units: dict[str, str] = UM) -> xr.DataArray:
    da = xr.DataArray(np.zeros((16, 16), "uint8"), dims=("y", "x"))
    return da.omezarr.assign_grid(scale={"y": 0.5, "x": 0.5}, units=units)


def write(store: Any, units: dict[str, str] = UM, path: str = "v0") -> None:
    """Two images that lie in a world by their paths."""
    ways = [
        {
            "type": "translation",
            "translation": [0, 10],
            "input": {"path": at, "name": "physical"},
            "output": {"name": "world"},
        }
        for at in (path, "v1")
    ]
    scene = {
        "coordinateSystems": [{"name": "world", "axes": AXES}],
        "coordinateTransformations": ways,
    }
    xo.write_scene({path: tile(units), "v1": tile(units)}, store, transforms=scene)


@pytest.mark.parametrize(
    "wanted",
    [
        {"units": {"x": "nm"}},
        {"units": {"x": "nm"}, "scale": {"x": 500.0}},
    ],
)
def test_an_image_of_a_scene_keeps_its_unit(wanted: dict[str, Any]) -> None:
    store = MemoryStore()
    write(store)
    before = zarr.open_group(store, path="v0", mode="r").attrs.asdict()
    with pytest.raises(MetadataError, match="1 transformations of the scene"):
        xo.update(store, group="v0", **wanted)
    assert zarr.open_group(store, path="v0", mode="r").attrs.asdict() == before


def test_the_scene_is_named(tmp_path: Path) -> None:
    write(tmp_path / "scene.ome.zarr")
    with pytest.raises(MetadataError, match=r"of the scene \S+scene\.ome\.zarr \('tra"):
        xo.update(tmp_path / "scene.ome.zarr", group="v0", units={"y": "mm"})


@pytest.mark.parametrize("path", ["v0", "day/v0"])
@pytest.mark.parametrize("is_store", [False, True])
def test_an_image_that_is_given_as_a_folder_of_its_own_is_found_in_the_scene(
    tmp_path: Path, path: str, is_store: bool
) -> None:
    write(tmp_path / "scene.ome.zarr", path=path)
    place = tmp_path / "scene.ome.zarr" / path
    with pytest.raises(MetadataError, match="of the scene"):
        xo.update(LocalStore(place) if is_store else place, units={"y": "mm"})


def test_other_images_below_a_scene_are_corrected() -> None:
    store = MemoryStore()
    write(store)
    xo.write_image(tile(), store, group="other", version="0.6")
    xo.update(store, group="other", units={"x": "nm"})
    assert xo.open_image(store, group="other").x.attrs["units"] == "nanometer"


def test_numbers_in_the_same_unit_and_names_are_corrected() -> None:
    store = MemoryStore()
    write(store)
    xo.update(store, group="v0", scale={"x": 0.25}, name="first")
    np.testing.assert_array_equal(xo.open_image(store, group="v0").x[:2], [0, 0.25])


def test_a_unit_that_nobody_told_is_only_named() -> None:
    store = MemoryStore()
    write(store, {})
    xo.update(store, group="v0", units=UM)
    with pytest.raises(MetadataError, match="name the unit alone first"):
        xo.update(store, group="v1", units=UM, scale={"x": 2.0})
