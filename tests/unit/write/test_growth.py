"""Appending: what continues an image, and what is refused before the first byte."""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor

import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo


def movie(start: int, stop: int, **coords):
    count = stop - start
    pixels = np.full((count, 2, 8, 8), start, "uint8")
    times = ("t", 0.5 * np.arange(start, stop), {"units": "second"})
    return xr.DataArray(
        pixels,
        dims=("t", "c", "y", "x"),
        coords={"t": times, "c": ["DAPI", "GFP"], "y": np.arange(8) / 10, **coords},
    )


@pytest.fixture
def store():
    return xo.write_image(movie(0, 3), MemoryStore(), scale_factors=[2]).store


def keys(store):
    return {key: value.to_bytes() for key, value in store._store_dict.items()}


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        (movie(0, 2), "comes after it"),
        (movie(3, 5).isel(x=slice(0, 4)), "4 pixels along 'x'"),
        (movie(3, 5).isel(c=[1, 0]), "Coordinate 'c'"),
        (movie(3, 5).assign_coords(y=np.arange(8) / 20), "Coordinate 'y'"),
        (movie(3, 5).assign_coords(t=np.array(["a", "b"])), "Coordinate 't'"),
        (movie(3, 5).assign_coords(dose=("t", [1, 2])), "no \\['dose'\\]"),
        (movie(3, 5).astype("float32"), "astype"),
    ],
)
def test_what_does_not_continue_is_refused_before_the_first_byte(
    store, piece, said
) -> None:
    before = keys(store)
    with pytest.raises(xo.OmeZarrError, match=said):
        xo.write_image(piece, store, append_dim="t")
    assert keys(store) == before


@pytest.mark.parametrize("dim", ["y", "x", "q", "z"])
def test_only_dims_of_the_image_but_y_and_x_grow(store, dim) -> None:
    with pytest.raises((xo.OptionError, xo.AxisError), match=repr(dim)):
        xo.write_image(movie(3, 5), store, append_dim=dim)


def test_uneven_steps_of_space_are_refused_and_of_time_kept(store) -> None:
    late = movie(4, 6)
    with pytest.warns(xo.OmeZarrWarning, match="uneven|evenly"):
        xo.write_image(late, store, append_dim="t")
    assert xo.open_image(store).t.values.tolist() == [0, 0.5, 1, 2, 2.5]
    with pytest.raises(xo.CoordinateError):
        xo.write_image(movie(9, 10), store, append_dim="t", irregular="raise")


def test_frames_without_time_continue_in_even_steps(store) -> None:
    xo.write_image(movie(3, 4).isel(t=0, drop=True), store, append_dim="t")
    assert xo.open_image(store).t.values.tolist() == [0, 0.5, 1, 1.5]


def test_new_channels_bring_names_colours_and_their_own_windows(store) -> None:
    red = movie(0, 3).isel(c=[0]).assign_coords(c=["mCherry"]).copy()
    red[0] = 77
    xo.write_image(red, store, append_dim="c")
    found = xo.open_image(store)
    assert found.c.values.tolist() == ["DAPI", "GFP", "mCherry"]
    assert found.channel_color.values[2] == "FF0000"
    assert found.channel_window_max.values[2] == 77


def test_an_error_on_the_way_leaves_the_image_as_it_was(store) -> None:
    class Breaks:
        shape, dtype = (2, 2, 8, 8), np.dtype("uint8")

        def __getitem__(self, key):
            raise ZeroDivisionError

    lazy = movie(3, 5).copy(
        data=dask.array.from_array(Breaks(), chunks=-1, meta=np.empty(0, "uint8"))
    )
    with pytest.raises(ZeroDivisionError):
        xo.write_image(lazy, store, append_dim="t")
    found = xo.open_image(store)
    assert found.shape == (3, 2, 8, 8)
    xo.write_image(movie(3, 5), store, append_dim="t")
    assert (xo.open_image(store).values[3:] == 3).all()


def test_who_appends_second_is_told(store) -> None:
    first = xo.write_image(movie(3, 5), store, append_dim="t", compute=False)
    second = xo.write_image(movie(3, 5), store, append_dim="t", compute=False)
    first.compute()
    with pytest.raises(xo.TargetExistsError, match="somebody"):
        second.compute()
    assert xo.open_image(store).sizes["t"] == 5


def test_who_appends_second_overwrites_nothing(store) -> None:
    first = xo.write_image(movie(3, 5), store, append_dim="t", compute=False)
    other = movie(3, 5) + np.uint8(100)
    second = xo.write_image(other, store, append_dim="t", compute=False)
    first.compute()
    before = keys(store)
    with pytest.raises(xo.TargetExistsError, match="somebody"):
        second.compute()
    assert keys(store) == before


@pytest.mark.parametrize("where", ["memory", "folder"])
def test_of_appends_at_the_same_time_one_is_complete(where, tmp_path) -> None:
    store = MemoryStore() if where == "memory" else tmp_path / "x.zarr"
    xo.write_image(movie(0, 3), store, scale_factors=[2])

    def append(add):
        piece = movie(3, 5) + np.uint8(add)
        try:
            xo.write_image(piece, store, append_dim="t")
        except xo.OmeZarrError:
            return None
        return 3 + add

    with ThreadPoolExecutor(4) as pool:
        found = [value for value in pool.map(append, range(4)) if value is not None]
    assert len(found) == 1
    assert (xo.open_image(store).values[3:] == found[0]).all()


def test_long_coordinates_grow_without_a_gap_for_readers(tmp_path) -> None:
    times = np.cumsum(np.random.default_rng(0).random(3000) + 0.1)
    pixels = np.zeros((3000, 4, 4), "uint8")
    whole = xr.DataArray(pixels, dims=("t", "y", "x"), coords={"t": times})
    path = tmp_path / "x.zarr"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xo.OmeZarrWarning)
        xo.write_image(whole[:1000], path)
    for start in (1000, 2000):
        xo.write_image(whole[start : start + 1000], path, append_dim="t")
    np.testing.assert_array_equal(xo.open_image(path).t.values, times)
    assert len([*zarr.open_group(path)["xarray"].array_keys()]) == 1


def test_consolidated_metadata_follow(tmp_path) -> None:
    path = tmp_path / "x.zarr"
    xo.write_image(movie(0, 3), path, version="0.4")
    zarr.consolidate_metadata(path, zarr_format=2)
    xo.write_image(movie(3, 5), path, append_dim="t")
    assert zarr.open_consolidated(path, zarr_format=2)["0"].shape[0] == 5
