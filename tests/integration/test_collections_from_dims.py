"""Collections in one array: a dim of positions becomes the series."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from yaozarrs import validate_zarr_store

import xarray_omezarr as xo

PIXELS = np.random.default_rng(0).integers(0, 999, (12, 2, 20, 30), dtype="uint16")


def stack(**coords):
    return xr.DataArray(PIXELS, coords, ("p", "c", "y", "x"))


@pytest.mark.parametrize("chunked", [False, True])
def test_every_position_is_a_series(tmp_path, chunked) -> None:
    da = stack(p=[f"site {n}" for n in range(12)])
    if chunked:
        da = da.chunk({"p": 5, "y": 7})
    group = da.omezarr.to_bioformats2raw(tmp_path / "c", series="p")
    assert group["OME"].attrs["ome"]["series"] == [str(n) for n in range(12)]
    for number in range(12):
        np.testing.assert_array_equal(group[f"{number}/0"][:], PIXELS[number])
    image = group["10"].attrs["ome"]["multiscales"][0]
    assert image["name"] == "site 10"
    from ome_types import from_xml

    text = (tmp_path / "c" / "OME" / "METADATA.ome.xml").read_text("utf-8")
    assert [image.name for image in from_xml(text).images][-1] == "site 11"
    assert validate_zarr_store(str(tmp_path / "c"))


def test_each_series_begins_at_its_origin(tmp_path) -> None:
    da = stack(
        x=("x", 0.1 * np.arange(30), {"units": "micrometer"}),
        origin_x=("p", 100.3 * np.arange(12), {"units": "micrometer"}),
    )
    da.omezarr.to_bioformats2raw(tmp_path / "c", series="p", ome_xml=None)
    assert xo.open_image(tmp_path / "c" / "1")["x"].values[:2].tolist() == [
        100.3,
        100.4,
    ]


def test_the_text_of_the_collection_is_not_that_of_each_series(tmp_path) -> None:
    stack().omezarr.to_bioformats2raw(tmp_path / "a", series="p")
    text = (tmp_path / "a" / "OME" / "METADATA.ome.xml").read_text("utf-8")
    text = text.replace("</OME>", "<!-- by hand --></OME>")
    da = stack().assign_attrs(ome_xml=text)
    da.omezarr.to_bioformats2raw(tmp_path / "b", series="p")
    assert da.attrs == {"ome_xml": text}
    kept = (tmp_path / "b" / "OME" / "METADATA.ome.xml").read_text("utf-8")
    assert "by hand" in kept
    for metadata in (tmp_path / "b").rglob("zarr.json"):
        assert "by hand" not in metadata.read_text("utf-8")


def test_absent_positions_are_left_out(tmp_path) -> None:
    da = stack(present=("p", [n != 1 for n in range(12)]))
    group = da.omezarr.to_bioformats2raw(tmp_path / "c", series="p")
    np.testing.assert_array_equal(group["1/0"][:], PIXELS[2])
    assert len(group["OME"].attrs["ome"]["series"]) == 11


def test_dims_that_tell_no_images_are_refused(tmp_path) -> None:
    with pytest.raises(xo.OptionError, match="'q'"):
        stack().omezarr.to_bioformats2raw(tmp_path / "c", series="q")
    with pytest.raises(xo.OptionError, match="series="):
        xo.write_bioformats2raw(stack(), tmp_path / "c")
    with pytest.raises(xo.OptionError, match="leave it out"):
        xo.write_bioformats2raw({"0": stack()[0]}, tmp_path / "c", series="p")
    assert not (tmp_path / "c").exists()
