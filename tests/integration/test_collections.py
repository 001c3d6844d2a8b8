"""Collections on a disk: read back alike, and by neighbours."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import ome_types
import pytest
import xarray as xr
import yaozarrs

import xarray_omezarr as xo
from xarray_omezarr.errors import OmeZarrWarning

versions = pytest.mark.parametrize("version", ["0.4", "0.5"])


def images() -> dict[str, xr.DataArray]:
    """Two images that differ in everything."""
    rng = np.random.default_rng(0)

    def axis(dim: str, step: float, count: int) -> xr.DataArray:
        values = step * np.arange(count)
        return xr.DataArray(values, dims=dim, attrs={"units": "micrometer"})

    stack = xr.DataArray(
        rng.integers(0, 900, (2, 3, 16, 16), dtype="uint16"),
        dims=("c", "z", "y", "x"),
        coords={
            "c": ["DAPI", "GFP"],
            "z": axis("z", 2, 3),
            "y": axis("y", 0.5, 16),
            "x": axis("x", 0.5, 16),
        },
        name="stack",
    )
    plane = xr.DataArray(
        rng.random((24, 20), dtype="float32"),
        dims=("y", "x"),
        coords={"y": axis("y", 0.25, 24), "x": axis("x", 0.25, 20)},
        name="plane",
    )
    return {"0": stack, "1": plane}


@versions
def test_a_collection_is_written_again_as_it_was_read(
    tmp_path: Path, version: str
) -> None:
    first, second = tmp_path / "first.ome.zarr", tmp_path / "second.ome.zarr"
    xo.write_bioformats2raw(images(), first, version=version, scale_factors=[2])
    read = xr.open_datatree(first, engine="omezarr")
    read.omezarr.to_bioformats2raw(second, version=version)
    again = xr.open_datatree(second, engine="omezarr")
    xr.testing.assert_identical(read, again)
    for path, image in images().items():
        np.testing.assert_array_equal(read[f"{path}/0/image"], image)
    files = [store / "OME" / "METADATA.ome.xml" for store in (first, second)]
    assert files[0].read_bytes() == files[1].read_bytes()


@versions
def test_neighbours_have_nothing_against_a_collection(
    tmp_path: Path, version: str
) -> None:
    store = tmp_path / "collection.ome.zarr"
    xo.write_bioformats2raw(images(), store, version=version)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yaozarrs.validate_zarr_store(str(store))
        ome = ome_types.from_xml(store / "OME" / "METADATA.ome.xml")
    assert [image.name for image in ome.images] == ["stack", "plane"]
    assert [channel.name for channel in ome.images[0].pixels.channels] == [
        "DAPI",
        "GFP",
    ]


def test_a_description_that_no_longer_fits_is_made_anew(tmp_path: Path) -> None:
    first, second = tmp_path / "first.ome.zarr", tmp_path / "second.ome.zarr"
    xo.write_bioformats2raw(images(), first)
    tree = xr.open_datatree(first, engine="omezarr").isel(z=[0], missing_dims="ignore")
    with pytest.warns(OmeZarrWarning, match="has SizeZ 3, and image '0' has 1"):
        tree.omezarr.to_bioformats2raw(second)
    ome = ome_types.from_xml(second / "OME" / "METADATA.ome.xml")
    assert ome.images[0].pixels.size_z == 1


def test_a_prepared_collection_is_finished_at_once(tmp_path: Path) -> None:
    store = tmp_path / "prepared.ome.zarr"
    _, arrays = xo.prepare_bioformats2raw(images(), store)
    assert [*arrays] == ["0/0", "1/0"]
    arrays["1/0"][:] = 7
    read = xr.open_datatree(store, engine="omezarr")
    assert (read["1/0/image"] == 7).all()
    assert (read["0/0/image"] == 0).all()


def test_nothing_is_written_of_a_collection_with_one_bad_image(tmp_path: Path) -> None:
    store = tmp_path / "bad.ome.zarr"
    bad = images() | {"2": xr.DataArray(np.zeros(4), dims="x")}
    with pytest.raises(xo.OmeZarrError, match="'2': "):
        xo.write_bioformats2raw(bad, store)
    assert not store.exists()
