"""Numbers of transformations count in the units that coordinates are stored in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.errors import MetadataError, OmeZarrWarning, UnitError

OWN, WORLD = {"name": "physical"}, {"name": "world"}


def axes(**units: str | None) -> list[dict[str, Any]]:
    return [
        {"name": name, "type": "space"} | ({"unit": unit} if unit else {})
        for name, unit in units.items()
    ]


NM = axes(z="nanometer", y="nanometer", x="nanometer")


def image(**units: str) -> xr.DataArray:
    da = xr.DataArray(np.zeros((3, 2, 2)), dims=("z", "y", "x"))
    scale = {"z": 2.0, "y": 100.0, "x": 100.0}
    return da.omezarr.assign_grid(scale=scale, units=units)


MIXED = {"z": "um", "y": "nm", "x": "nm"}


def told(way: dict[str, Any], world: Any = NM, own: Any = None) -> dict[str, Any]:
    systems = [{"name": "world", "axes": world}]
    if own:
        systems.append({"name": "physical", "axes": own})
    return {"coordinateSystems": systems, "coordinateTransformations": [way]}


def moved(*by: float, back: bool = False) -> dict[str, Any]:
    start, end = (WORLD, OWN) if back else (OWN, WORLD)
    return {
        "type": "translation",
        "translation": list(by),
        "input": start,
        "output": end,
    }


def written(da: xr.DataArray, transforms: Any) -> xr.DataArray:
    store = zarr.storage.MemoryStore()
    da.omezarr.to_image(store, version="0.6", transforms=transforms, scale_factors=[])
    return xo.open_image(store)


@pytest.mark.parametrize("back", [False, True])
def test_mixed_units_are_refused_before_the_first_byte(back: bool) -> None:
    transforms = told(moved(10, 0, 0, back=back))
    store: dict[str, Any] = {}
    for verb in (
        lambda: image(**MIXED).omezarr.to_image(
            zarr.storage.MemoryStore(store), version="0.6", transforms=transforms
        ),
        lambda: image(**MIXED).omezarr.to_system("world", transforms=transforms),
        lambda: (
            image(**MIXED)
            .to_dataset(name="image")
            .omezarr.to_system("world", transforms=transforms)
        ),
    ):
        with pytest.raises(
            UnitError, match=r"micrometer along 'z', and stored in nanometer"
        ) as found:
            verb()
        assert "assign_coords(z=" in str(found.value)
        assert "transforms['coordinateSystems']" in str(found.value)
    assert not store


def test_units_that_are_agreed_upon_are_those_of_the_numbers() -> None:
    transforms = told(moved(10, 0, 0), own=NM)
    wanted = [10, 2010, 4010]
    da = image(**MIXED)
    for found in (
        written(da, transforms).omezarr.to_system("world"),
        da.omezarr.to_system("world", transforms=transforms),
    ):
        np.testing.assert_array_equal(found.z, wanted)


def test_axes_that_nothing_happens_to_may_be_in_any_unit() -> None:
    da = image(**MIXED)
    assert written(da, told(moved(0, 5, 0))).omezarr.to_system("world").y[0] == 5


def test_one_unit_of_all_is_no_matter() -> None:
    units = dict.fromkeys("zyx", "nm")
    transforms = told(moved(10, 0, 0))
    assert written(image(**units), transforms).omezarr.to_system("world").z[0] == 10


MM = axes(z="millimeter", y="millimeter", x="millimeter")


@pytest.mark.parametrize(
    "way",
    [
        moved(1, 2, 3),
        {"type": "identity", "input": OWN, "output": WORLD},
        {
            "type": "rotation",
            "rotation": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
            "input": OWN,
            "output": WORLD,
        },
    ],
)
def test_a_jump_of_units_is_told(way: dict[str, Any]) -> None:
    da = image(**dict.fromkeys("zyx", "um"))
    transforms = told(way, MM)
    for verb in (
        lambda: written(da, transforms),
        lambda: da.omezarr.to_system("world", transforms=transforms),
    ):
        with pytest.warns(OmeZarrWarning, match="unit micrometer, .*to millimeter"):
            verb()


def test_a_scale_between_units_is_no_jump() -> None:
    da = image(**dict.fromkeys("zyx", "um"))
    way = {"type": "scale", "scale": [0.001] * 3, "input": OWN, "output": WORLD}
    written(da, told(way, MM))


def test_what_was_read_is_converted_with_the_coordinates() -> None:
    da = image(**dict.fromkeys("zyx", "um"))
    world = axes(z="micrometer", y="micrometer", x="micrometer")
    read = written(da, told(moved(10, 20, 30), world))
    nano = {dim: read[dim] * 1000 for dim in "yx"}
    for coord in nano.values():
        coord.attrs["units"] = "nm"
    mixed = read.assign_coords(nano)
    store = zarr.storage.MemoryStore()
    mixed.omezarr.to_image(store, version="0.6", scale_factors=[])
    again = xo.open_image(store)
    wanted, found = (obj.omezarr.to_system("world") for obj in (read, again))
    for dim in "zyx":
        np.testing.assert_array_equal(found[dim], wanted[dim])


def of_image(way: dict[str, Any]) -> dict[str, Any]:
    return way | {
        key: {"path": "a", **way[key]} for key in ("input", "output") if way[key] == OWN
    }


@pytest.mark.parametrize("back", [False, True])
def test_mixed_units_are_refused_in_scenes(back: bool) -> None:
    transforms = told(of_image(moved(10, 0, 0, back=back)))
    da = image(**MIXED)
    store: dict[str, Any] = {}
    for given in (da, da.to_dataset(name="image"), da.to_dataset(name="image").chunk()):
        with pytest.raises(UnitError, match=r"'a': .* along 'z', and stored") as found:
            xo.write_scene(
                {"b": image(**dict.fromkeys("zyx", "nm")), "a": given},
                zarr.storage.MemoryStore(store),
                transforms={
                    **transforms,
                    "coordinateTransformations": [
                        *transforms["coordinateTransformations"],
                        moved(1, 1, 1) | {"input": {"path": "b", **OWN}},
                    ],
                },
            )
        assert "assign_coords(z=" in str(found.value)
        assert "transforms['coordinateSystems']" not in str(found.value)
    assert not store


def test_scenes_of_mixed_units_that_are_not_counted_in_are_written() -> None:
    store = zarr.storage.MemoryStore()
    transforms = told(of_image(moved(0, 5, 0)))
    xo.write_scene({"a": image(**MIXED)}, store, transforms=transforms)
    placed = xr.open_datatree(store, engine="omezarr", chunks=None)[
        "a"
    ].omezarr.to_system("world")
    (level, *_) = placed.children.values()
    assert level.dataset.y[0] == 5
    np.testing.assert_array_equal(level.dataset.z, [0, 2000, 4000])


def test_a_system_told_in_other_units_than_are_stored_is_refused() -> None:
    own = axes(z="micrometer", y="nanometer", x="nanometer")
    transforms, da = told(moved(10, 0, 0), own=own), image(**MIXED)
    message = r"Axis 'z' of 'physical' .* of the image is 'nanometer'"
    for verb in (
        lambda: written(da, transforms),
        lambda: da.omezarr.to_system("world", transforms=transforms),
    ):
        with pytest.raises(MetadataError, match=message):
            verb()


YX = ("y", "x")
WARP = {"type": "displacements", "path": "warp", "interpolation": "linear"}


def warped(field: xr.DataArray) -> list[xr.DataArray]:
    """An image in another system by a field: after it was written, and before."""
    da = image(**dict.fromkeys("zyx", "um")).isel(z=0, drop=True)
    transforms = told(
        WARP | {"input": OWN, "output": WORLD}, axes(y="micrometer", x="micrometer")
    ) | {"arrays": {"warp": field}}
    return [
        written(da, transforms).omezarr.to_system("world"),
        da.omezarr.to_system("world", transforms=transforms),
    ]


@pytest.mark.parametrize("labels", [[1, 0], [0.5, 0.25]])
def test_numbers_along_the_vectors_of_a_field_are_no_names(labels: list[float]) -> None:
    vectors = np.stack([np.full((2, 2), 5.0), np.full((2, 2), 7.0)])
    places = {dim: (dim, [0.0, 100.0], {"units": "um"}) for dim in YX}
    field = xr.DataArray(vectors, {**places, "v": labels}, ("v", *YX))
    for found in warped(field):
        np.testing.assert_array_equal(found.y_world, [[5, 5], [105, 105]])
        np.testing.assert_array_equal(found.x_world, [[7, 107], [7, 107]])


def test_the_places_of_a_field_are_converted_to_the_unit_of_the_image() -> None:
    places = {dim: (dim, [-1e5, 0.0, 1e5], {"units": "nm"}) for dim in YX}
    vectors = np.zeros((2, 3, 3))
    vectors[0] = [[0], [5], [6]]
    for found in warped(xr.DataArray(vectors, places, ("displacement", *YX))):
        np.testing.assert_array_equal(found.y_world, [[5, 5], [106, 106]])
