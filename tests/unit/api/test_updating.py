"""Corrections in every version, and what is refused before a store is looked at."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.ngff.versions import registry

VERSIONS = [registry.get(name) for name in registry.SUPPORTED]
WITH_SCALES = [v.name for v in VERSIONS if v.features.transformations]
WITHOUT = [v.name for v in VERSIONS if not v.features.transformations]


def image(version: str, **options: object) -> zarr.Group:
    da = xr.DataArray(
        np.zeros((2, 24, 24), "uint8"), dims=("c", "y", "x"), coords={"c": ["a", "b"]}
    )
    labels = {"cells": da.isel(c=0, drop=True)}
    return da.omezarr.to_image(
        MemoryStore(),
        labels=labels,
        scale_factors=[2],
        version=version,
        name="old",
        **options,
    )


@pytest.mark.parametrize("version", WITH_SCALES)
def test_every_version_with_scales_gets_them(version) -> None:
    group = image(version)
    units = {"y": "um", "x": "nm"}
    xo.update(group, scale={"x": 0.5}, translation={"y": 4.0}, units=units)
    tree = xr.open_datatree(group, engine="omezarr")
    for name in ("1", "labels/cells/1"):
        level = tree[name]
        assert level.x.values[:2].tolist() == [0.25, 1.25]
        assert level.y.values[:2].tolist() == [4.5, 6.5]
        assert level.x.attrs["units"] == "nanometer"
        assert level.y.attrs["units"] == "micrometer"
    assert xo.read_metadata(group).multiscale.name == "old"


@pytest.mark.parametrize("version", WITHOUT)
def test_versions_without_scales_refuse_them(version) -> None:
    group = image(version, lossy=True)
    before = dict(group.attrs)
    for wanted in ({"scale": {"x": 0.5}}, {"translation": {"x": 1.0}}):
        with pytest.raises(xo.NotInVersionError, match=rf"{version} has no place for"):
            xo.update(group, **wanted)
    with pytest.raises(xo.NotInVersionError, match="units"):
        xo.update(group, units={"x": "nm"})
    assert dict(zarr.open_group(group.store, mode="r").attrs) == before


@pytest.mark.parametrize("version", registry.SUPPORTED)
def test_every_version_gets_names_channels_and_attributes(version) -> None:
    lossy = version in WITHOUT
    group = image(version, lossy=lossy)
    xo.update(group, name="new", channels=["q", {"label": "r"}], attrs={"mine": 1})
    found = xo.open_image(group)
    assert found.name == "new"
    assert found.c.values.tolist() == ["q", "r"]
    assert xr.open_datatree(group, engine="omezarr").attrs["mine"] == 1


def test_named_systems_and_what_leads_to_them_stay() -> None:
    version = next(v.name for v in VERSIONS if v.features.systems)
    axes = [{"name": n, "type": "space", "unit": "micrometer"} for n in "yx"]
    further = {
        "coordinateSystems": [{"name": "stage", "axes": axes}],
        "coordinateTransformations": [
            {
                "type": "translation",
                "translation": [10.0, 20.0],
                "input": {"name": "physical"},
                "output": {"name": "stage"},
            }
        ],
    }
    da = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"))
    group = da.omezarr.to_image(MemoryStore(), version=version, scale_factors=[2])
    attrs = dict(group.attrs)
    told = attrs["ome"]["multiscales"][0]
    told["coordinateSystems"] += further["coordinateSystems"]
    told["coordinateTransformations"] = further["coordinateTransformations"]
    group.attrs.put(attrs)
    before = group.attrs["ome"]["multiscales"][0]
    updated = xo.update(group, scale={"x": 0.5}, translation={"y": 3.0})
    after = updated.attrs["ome"]["multiscales"][0]
    key = "coordinateTransformations"
    assert after[key] == before[key]
    assert after["coordinateSystems"] == before["coordinateSystems"]
    (finest,) = after["datasets"][0][key]
    assert finest["input"] == before["datasets"][0][key][0]["input"]
    assert finest["output"] == before["datasets"][0][key][0]["output"]
    assert finest["transformations"][1]["translation"] == [3.0, 0.0]
    assert "input" not in finest["transformations"][0]


@pytest.mark.parametrize(
    "wanted",
    [{}, {"units": {}}, {"attrs": {}}, {"scale": [0.5]}, {"name": b"a"}],
)
def test_options_are_looked_at_before_the_store(wanted) -> None:
    with pytest.raises(xo.OptionError):
        xo.update("nowhere/at/all.zarr", **wanted)


def test_a_label_image_has_no_channels() -> None:
    group = image(registry.DEFAULT)
    with pytest.raises(xo.OptionError, match="no channels"):
        xo.update(group, group="labels/cells", channels=["a"])
    with pytest.raises(xo.OptionError, match="LabelsGroup has none"):
        xo.update(group, group="labels", name="a")
    xo.update(group, group="labels", scale={"x": 0.5})
    assert xr.open_datatree(group, engine="omezarr")["labels/cells/0"].x[1] == 0.5
