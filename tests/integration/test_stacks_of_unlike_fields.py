"""Fields of one plate that begin at other times, or tell other things, as one array."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from tests.integration.plates import pixels, plate

VERSIONS = pytest.mark.parametrize("version", ["0.4", "0.5"])
DAY = np.timedelta64(86_400, "s").astype("timedelta64[ns]")


def field(size=4, *, times=(0.0, 2.0, 4.0), coords=None, **attrs) -> xr.DataArray:
    times = np.asarray(times)
    units = {} if times.dtype.kind == "M" else {"units": "second"}
    positions = 0.5 * np.arange(size)
    return xr.DataArray(
        np.arange(len(times) * size * size, dtype="uint16").reshape(-1, size, size),
        dims=("t", "y", "x"),
        coords={
            "t": ("t", times, units),
            "y": positions,
            "x": positions,
            **(coords or {}),
        },
        attrs=attrs,
    )


def stored(first, second, version="0.5") -> MemoryStore:
    store = MemoryStore()
    fields = {"A/1/0": first, "B/2/0": second}
    xo.write_plate(fields, store, scale_factors=None, version=version)
    return store


def opened(store) -> xr.DataTree:
    return xr.open_datatree(store, engine="omezarr")


def stacked(store):
    """The same in all the ways in which a plate becomes one array."""
    yield xo.open_plate(store)
    yield xo.open_plate(store, chunks={})
    yield opened(store).omezarr.stack()


def written(ds) -> xr.DataTree:
    store = MemoryStore()
    ds.omezarr.to_plate(store, scale_factors=None)
    return opened(store)


def assert_same(found, expected) -> None:
    for path in ("A/1/0/0", "B/2/0/0"):
        xr.testing.assert_identical(
            found[path].to_dataset().load(), expected[path].to_dataset().load()
        )


@VERSIONS
def test_times_that_begin_elsewhere_have_an_origin_and_are_written_back(
    version,
) -> None:
    later = field(times=(86_400.0, 86_402.0, 86_404.0))
    store = stored(field(), later, version)
    for ds in stacked(store):
        assert ds.t.values.tolist() == [0, 2, 4]
        assert ds.origin_t.attrs == {"units": "second"}
        one = ds.sel(row="B", column="2", field="0")
        assert (one.origin_t + one.t).values.tolist() == later.t.values.tolist()
        assert np.isnan(ds.origin_t.values[~ds.present.values]).all()
        assert_same(written(ds), opened(store))


def test_times_of_fields_that_begin_together_stay_as_they_are() -> None:
    times = (7.0, 9.0, 11.0)
    for ds in stacked(stored(field(times=times), field(times=times))):
        assert ds.t.values.tolist() == [*times]
        assert "origin_t" not in ds.coords


@VERSIONS
def test_dates_count_from_the_date_on_which_each_field_begins(version) -> None:
    dates = np.datetime64("2020-01-01", "ns") + np.arange(3) * DAY
    store = stored(field(times=dates), field(times=dates + 400 * DAY), version)
    for ds in stacked(store):
        assert ds.t.values.tolist() == [0, int(DAY), 2 * int(DAY)]
        one = ds.sel(row="B", column="2", field="0")
        np.testing.assert_array_equal(one.origin_t + one.t, dates + 400 * DAY)
        assert np.isnat(ds.origin_t.values[~ds.present.values]).all()
        assert_same(written(ds), opened(store))


def test_one_field_of_them_has_its_own_times_again() -> None:
    dates = np.datetime64("2020-01-01", "ns") + np.arange(3) * DAY
    store = stored(field(times=dates), field(times=dates + 400 * DAY))
    one = xo.open_plate(store).sel(row="B", column="2", field="0")
    target = MemoryStore()
    one.image.omezarr.to_image(target)
    np.testing.assert_array_equal(xo.open_image(target).t, dates + 400 * DAY)


@pytest.mark.parametrize("times", [(0.0, 2.0, 4.5), (0.0, 3.0, 6.0)])
@pytest.mark.filterwarnings("ignore::xarray_omezarr.OmeZarrWarning")
def test_other_steps_of_times_are_refused(times) -> None:
    store = stored(field(), field(times=times))
    for stack in (xo.open_plate, lambda s: opened(s).omezarr.stack()):
        with pytest.raises(xo.PlateError, match=r"'B/2/0' have another scale.*'t'"):
            stack(store)


def test_other_steps_of_dates_are_refused() -> None:
    dates = np.datetime64("2020-01-01", "ns") + np.arange(3) * DAY
    faster = dates[0] + np.arange(3) * (DAY // 2)
    store = stored(field(times=dates), field(times=faster))
    for stack in (xo.open_plate, lambda s: opened(s).omezarr.stack()):
        with pytest.raises(xo.PlateError, match="scale"):
            stack(store)


@VERSIONS
def test_what_is_told_of_each_field_or_time_is_told_of_each(version) -> None:
    first = field(coords={"gain": 1.5, "drug": "DMSO", "exposure": ("t", [1, 2, 3])})
    second = field(coords={"gain": 2.5, "drug": "X", "exposure": ("t", [7, 8, 9])})
    store = stored(first, second, version)
    for ds in stacked(store):
        one = ds.sel(row="B", column="2", field="0")
        assert (float(one.gain), str(one.drug.values)) == (2.5, "X")
        assert one.exposure.values.tolist() == [7, 8, 9]
        assert np.isnan(ds.gain.sel(row="A", column="2", field="0"))
        assert_same(written(ds), opened(store))


def test_many_values_that_differ_are_read_of_every_field() -> None:
    times = 2.0 * np.arange(1500)
    values = np.linspace(0, 1, 1500) ** 2
    fields = [field(1, times=times, coords={"p": ("t", k * values)}) for k in (1, 3)]
    for ds in stacked(stored(*fields)):
        one = ds.sel(row="B", column="2", field="0")
        np.testing.assert_array_equal(one.p, 3 * values)


def test_what_all_fields_tell_alike_is_told_once() -> None:
    one = field(coords={"gain": 1.5, "exposure": ("t", [1, 2, 3])})
    for ds in stacked(stored(one, one)):
        assert (ds.gain.dims, ds.exposure.dims) == ((), ("t",))


def test_coordinates_that_only_some_fields_have_are_named() -> None:
    store = stored(field(coords={"gain": 1.5}), field())
    for stack in (xo.open_plate, lambda s: opened(s).omezarr.stack()):
        with pytest.warns(xo.OmeZarrWarning, match=r"\['gain'\].*left out"):
            assert "gain" not in stack(store).coords


def test_coordinates_along_space_are_named() -> None:
    store = stored(*[field(coords={"stripe": ("x", [1, 2, 1, 2])})] * 2)
    with pytest.warns(xo.OmeZarrWarning, match=r"\['stripe'\]"):
        xo.open_plate(store)


def test_attributes_that_contradict_each_other_are_nobodys() -> None:
    store = stored(field(operator="a", gain=[1, 2]), field(operator="b", gain=[1, 2]))
    for ds in stacked(store):
        assert ds.image.attrs["gain"] == [1, 2]
        assert "operator" not in ds.image.attrs


def test_colours_of_channels_are_those_of_each_field() -> None:
    def shown(color):
        da = field().rename(t="c").assign_coords(c=["a", "b", "d"])
        return da.assign_coords(channel_color=("c", [color, "00FF00", "0000FF"]))

    store = stored(shown("FF0000"), shown("FFFFFF"))
    for ds in stacked(store):
        one = ds.sel(row="B", column="2", field="0")
        assert one.channel_color.values.tolist() == ["FFFFFF", "00FF00", "0000FF"]
        assert_same(written(ds), opened(store))


def of_two_depths(scales, order=1) -> MemoryStore:
    """A plate whose fields have one and two levels, the last of one size."""
    store = MemoryStore()
    small = {"data": pixels(1), "levels": 1, "scale": scales[0], "origin": (3.0, 4.0)}
    large = {"data": pixels(2, (2, 16, 12)), "levels": 2, "scale": scales[1]}
    plate(store, 3, dict(zip(["A/1/0", "A/2/0"], [small, large][::order], strict=True)))
    return store


@pytest.mark.parametrize("order", [1, -1])
def test_the_coarsest_level_of_each_field_has_its_own_number(order) -> None:
    store = of_two_depths((1.0, 0.5), order)
    ds = xo.open_plate(store, level=-1)
    tree = xr.open_datatree(store, engine="omezarr", levels=-1)
    assert ds.x.values.tolist() == [0, 1, 2, 3, 4, 5]
    for column in "12":
        (level,) = tree[f"A/{column}/0"].omezarr.levels
        one = ds.sel(row="A", column=column, field="0")
        np.testing.assert_array_equal(one.image, level.image)
        np.testing.assert_array_equal(one.origin_x + one.x, level.x)


def test_the_coarsest_levels_of_other_scales_are_refused() -> None:
    store = of_two_depths((0.5, 0.5))
    with pytest.raises(xo.PlateError, match=r"'A/2/0' have another scale"):
        xo.open_plate(store, level=-1)


@VERSIONS
def test_a_first_field_without_its_pixels_costs_nothing_else(tmp_path, version) -> None:
    times = np.cumsum(np.linspace(1, 2, 1500))
    coords = {"p": ("t", times)}
    path = tmp_path / "plate.zarr"
    one = field(1, times=2.0 * np.arange(1500), coords=coords)
    xo.write_plate(
        {"A/1/0": one, "A/2/0": one}, path, scale_factors=None, version=version
    )
    name = ".zarray" if version == "0.4" else "zarr.json"
    (path / "A/1/0/0" / name).unlink()
    with pytest.warns(xo.OmeZarrWarning, match="A/1/0"):
        ds = xo.open_plate(path)
    assert ds.column.values.tolist() == ["2"]
    np.testing.assert_array_equal(ds.p, times)
