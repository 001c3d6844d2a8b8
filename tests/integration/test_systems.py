"""Images of 0.6 through xarray: systems, orientations and long names both ways."""

from __future__ import annotations

from typing import Any

import numpy as np
import pint
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.ngff import (
    Affine,
    Axis,
    CoordinateSystem,
    Displacements,
    Image,
    Level,
    Multiscale,
    SystemReference,
)

ORIENTATION = {"type": "anatomical", "value": "left-to-right"}
AXES = (
    Axis(name="c", type="channel", discrete=True),
    Axis(name="y", type="space", unit="micrometer", discrete=False),
    Axis(name="x", type="space", unit="micrometer", long_name="along"),
)
ENDS = {
    "input": SystemReference(name="stage"),
    "output": SystemReference(name="world"),
}
WAY = Affine(affine=((1, 0, 0, 0), (0, 0, -1, 3), (0, 1, 0, 4)), **ENDS)


def store_of(*ways: Any) -> zarr.storage.MemoryStore:
    """An image of others with a system called ``stage`` and one called ``world``."""
    axes = (*AXES[:2], AXES[2].model_copy(update={"orientation": ORIENTATION}))
    picture = Multiscale(
        name="cells",
        coordinate_systems=(
            CoordinateSystem(name="world", axes=AXES),
            CoordinateSystem(name="stage", axes=axes),
        ),
        intrinsic="stage",
        levels=(Level.of("s0", (1, 0.5, 0.5), (0, 10, 20)),),
        coordinate_transformations=ways or (WAY,),
    )
    store = zarr.storage.MemoryStore()
    root = zarr.create_group(store)
    root.create_array("s0", data=np.arange(160, dtype="uint8").reshape(2, 8, 10))
    xo.write_metadata(store, Image(multiscales=(picture,)), version="0.6")
    return store


def written(obj: Any, **options: Any) -> Multiscale:
    store = zarr.storage.MemoryStore()
    obj.omezarr.to_image(store, **{"version": "0.6", **options})
    image = xo.read_metadata(store)
    assert isinstance(image, Image)
    kept = zarr.open_group(store).attrs.get("xarray", {})
    assert "ome" not in str(kept)
    return image.multiscale


OPENED = {
    "array": xo.open_image,
    "dataset": lambda store: xr.open_dataset(store, engine="omezarr"),
    "tree": lambda store: xr.open_datatree(store, engine="omezarr"),
}
opened = pytest.mark.parametrize("open_it", OPENED.values(), ids=OPENED)


@opened
def test_systems_and_ways_between_them_are_written_again(open_it: Any) -> None:
    stored = xo.read_metadata(store := store_of())
    picture = written(open_it(store))
    assert picture.coordinate_systems == stored.multiscale.coordinate_systems
    assert picture.intrinsic == "stage"
    assert picture.coordinate_transformations == (WAY,)
    assert picture.levels[0].translation == (0.0, 10.0, 20.0)


@opened
def test_versions_before_have_no_place_for_them(open_it: Any) -> None:
    obj = open_it(store_of())
    with pytest.raises(xo.NotInVersionError, match=r"'affine'.*\['world'\]"):
        obj.omezarr.to_image(zarr.storage.MemoryStore(), version="0.5")
    with pytest.warns(xo.OmeZarrWarning, match="'world'"):
        picture = written(obj, version="0.5", lossy=True)
    assert len(picture.coordinate_systems) == 1
    assert picture.coordinate_transformations == ()


def test_after_a_crop_the_way_is_as_true_as_before() -> None:
    picture = written(xo.open_image(store_of()).isel(x=slice(4, 9)))
    assert picture.coordinate_transformations == (WAY,)
    # The level carries the crop: pixel 4 lies at 20 + 4 * 0.5.
    assert picture.levels[0].translation == (0.0, 10.0, 22.0)


@pytest.mark.parametrize(
    "change",
    [
        lambda da: da.assign_coords({dim: da[dim].values for dim in ("y", "x")}),
        lambda da: da.rename(c="t").drop_vars("t", errors="ignore"),
    ],
)
def test_of_other_axes_the_way_is_not_true(change: Any) -> None:
    with pytest.warns(xo.OmeZarrWarning, match="belong to axes"):
        picture = written(change(xo.open_image(store_of())))
    assert [system.name for system in picture.coordinate_systems] == ["physical"]
    assert picture.coordinate_transformations == ()


def test_numbers_that_are_arrays_of_the_image_stay_there() -> None:
    store = store_of(WAY, Displacements(path="field", **ENDS))
    with pytest.warns(xo.OmeZarrWarning, match=r"'field' \(there is nothing of that"):
        image = xo.open_image(store)
    with pytest.warns(xo.OmeZarrWarning, match=r"\['field'\]"):
        picture = written(image)
    assert picture.coordinate_transformations == (WAY,)


def test_axes_tell_coordinates_and_coordinates_axes() -> None:
    da = xo.open_image(store_of())
    assert da.x.attrs == {
        "units": "micrometer",
        "long_name": "along",
        "orientation": ORIENTATION,
    }
    assert da.y.attrs == {"units": "micrometer", "discrete": False}
    turned = {**ORIENTATION, "value": "right-to-left"}
    da.x.attrs |= {"long_name": "across", "orientation": turned}
    _, y, x = written(da).axes
    assert y.discrete is False
    assert x.long_name == "across"
    assert x.extras() == {"orientation": turned}


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_versions_before_tell_orientations_too_and_keep_the_rest(version: str) -> None:
    store = zarr.storage.MemoryStore()
    da = xo.open_image(store_of())
    with pytest.warns(xo.OmeZarrWarning, match="'stage' to 'world'"):
        da.omezarr.to_image(store, version=version, lossy=True)
    attrs = dict(zarr.open_group(store).attrs)
    (picture,) = attrs.get("ome", attrs)["multiscales"]
    assert picture["axes"][2] == {
        "name": "x",
        "type": "space",
        "unit": "micrometer",
        "orientation": ORIENTATION,
    }
    found = xo.open_image(store)
    assert found.x.attrs == da.x.attrs
    assert found.y.attrs == da.y.attrs


def test_regions_and_further_frames_are_written_into_0_6() -> None:
    store = zarr.storage.MemoryStore()
    frames = xr.DataArray(
        np.arange(2 * 16 * 16, dtype="uint16").reshape(2, 16, 16),
        coords={"t": ("t", [0.0, 2.0], {"units": "second"})},
        dims=("t", "y", "x"),
    )
    like = frames.isel(t=[0])
    like.omezarr.to_image(store, version="0.6", scale_factors=[2])
    frames.isel(t=[1]).omezarr.to_image(store, mode="a", append_dim="t")
    later = frames.isel(t=[1]) + 7
    later.omezarr.to_image(store, region={"t": slice(1, 2)})
    found = xo.open_image(store)
    np.testing.assert_array_equal(found.isel(t=0), frames.isel(t=0))
    np.testing.assert_array_equal(found.isel(t=1), frames.isel(t=1) + 7)
    assert zarr.open_group(store).attrs["ome"]["version"] == "0.6"
    assert xo.open_image(store, level=1).sizes == {"t": 2, "y": 8, "x": 8}


NM = pint.get_application_registry()("nanometer")


@pytest.mark.parametrize(
    "wanted",
    [
        {"scale": {"x": 250 * NM}},
        {"units": {"x": "nanometer"}},
        {"units": {"x": None}},
        {"translation": {"x": 5.0}, "units": {"y": "nm"}},
    ],
)
@pytest.mark.parametrize(
    "ends", [ENDS, {"input": ENDS["output"], "output": ENDS["input"]}]
)
def test_a_unit_that_ways_count_in_does_not_change(wanted: Any, ends: Any) -> None:
    store = store_of(WAY.model_copy(update=ends))
    before = xo.read_metadata(store)
    with pytest.raises(xo.MetadataError, match=r"(?s)'affine'.*'stage'.*micrometer"):
        xo.update(store, **wanted)
    assert xo.read_metadata(store) == before


def test_other_numbers_in_the_same_unit_keep_the_ways() -> None:
    store = store_of()
    xo.update(store, scale={"x": 0.25}, translation={"y": 1.0}, units={"x": "um"})
    xo.update(store, scale={"y": 0.125 * pint.get_application_registry()("um")})
    picture = xo.read_metadata(store).multiscale
    assert picture.coordinate_transformations == (WAY,)
    assert picture.levels[0].scale == (1.0, 0.125, 0.25)
