"""Templates: everything but pixels."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from xarray_omezarr.write.templates import refuse_template, template


def huge(**options):
    shape = (10**6, 4, 200, 10**5, 10**5)
    return template("tczyx", shape, "uint16", scale={"y": 0.5, "x": 0.5}, **options)


def test_it_costs_nothing_however_large_it_is() -> None:
    movie = huge(units={"y": "um", "x": "um"})
    assert movie.nbytes > 10**19
    assert "values with dtype=uint16" in repr(movie)
    assert movie.isel(t=3, x=slice(2, 4)).x.values.tolist() == [1.0, 1.5]
    assert movie.omezarr.units["x"] == "micrometer"
    levels = xo.plan_image(movie, scale_factors=[2, 4]).arrays
    assert levels["1"].shape[-1] == 50000


def test_reading_its_pixels_is_refused() -> None:
    with pytest.raises(xo.NoPixelsError, match="prepare_image"):
        huge().isel(t=0, c=0, z=0, y=0, x=0).load()


@pytest.mark.parametrize(
    "made",
    [
        lambda movie: movie,
        lambda movie: movie.isel(t=slice(0, 4)),
        lambda movie: movie.transpose("x", ...),
        lambda movie: movie.isel(t=0, c=0, z=0).chunk({"y": 5000, "x": 5000}),
    ],
)
def test_writing_it_is_refused_before_the_first_byte(tmp_path, made) -> None:
    with pytest.raises(xo.NoPixelsError, match="prepare_image"):
        xo.write_image(made(huge()), tmp_path / "x.zarr")
    assert not (tmp_path / "x.zarr").exists()


def test_other_arrays_pass() -> None:
    plain = xr.DataArray(np.zeros((4, 4)), dims=("y", "x"))
    refuse_template(plain)
    refuse_template(plain.chunk(2))


def test_chunks_make_a_lazy_dask_array() -> None:
    movie = template("tyx", (10**5, 512, 512), "u1", scale={"y": 2}, chunks={"t": 1})
    assert movie.chunks[0][0] == 1
    with pytest.raises(xo.NoPixelsError):
        movie[0].compute()


def test_dims_and_sizes_are_given_in_any_form() -> None:
    sizes = {"x": 3, "y": 2, "t": 1}
    assert template(("t", "y", "x"), sizes, bool, scale={}).shape == (1, 2, 3)
    assert template("cyx", (2, 3, 4), "f4", scale={"c": 1, "y": 2}).sizes["c"] == 2


@pytest.mark.parametrize(
    ("dims", "shape"),
    [("yx", (2, 3, 4)), ("yy", (2, 3)), ("yx", {"y": 2}), ("yx", (0, 3))],
)
def test_what_does_not_fit_is_refused(dims, shape) -> None:
    with pytest.raises(xo.AxisError):
        template(dims, shape, "uint8", scale={})


def test_a_prepared_image_is_finished_at_once(tmp_path) -> None:
    movie = template("cyx", (2, 64, 64), "uint8", scale={"y": 0.5, "x": 0.5})
    group, arrays = movie.omezarr.prepare_image(
        tmp_path / "x.zarr", scale_factors=[2, 4], channels=["a", "b"]
    )
    assert [*arrays] == ["0", "1", "2"]
    assert [array.shape for array in arrays.values()] == [
        (2, 64, 64),
        (2, 32, 32),
        (2, 16, 16),
    ]
    window = group.attrs["ome"]["omero"]["channels"][1]["window"]
    assert window == {"min": 0, "max": 255, "start": 0, "end": 255}
    found = xo.open_image(tmp_path / "x.zarr")
    assert found.c.values.tolist() == ["a", "b"]
    assert not found.values.any()
