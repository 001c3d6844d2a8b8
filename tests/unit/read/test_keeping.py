"""Kept coordinates: put back where they fit, averaged where levels are coarser."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.grid.coords import coordinates
from xarray_omezarr.grid.grid import Grid, GridAxis
from xarray_omezarr.grid.kept import Kept, KeptCoordinate
from xarray_omezarr.read.keeping import restore

TIMES = np.array([0.0, 1.0, 2.5, 4.0, 9.0])


def grid(size=5, unit="second", labels=("405", "488"), **factors):
    axes = (
        GridAxis("t", "time", unit, size, 2.25),
        GridAxis("c", "channel", None, 2, labels=labels),
        GridAxis("x", "space", "micrometer", 4, 0.5),
    )
    return Grid(axes).coarsen(factors)


def restored(coords, of=None, finest=None):
    of = of or grid()
    kept = Kept(coords=coords)
    return restore(kept, coordinates(of), of, finest or grid())


class TestFinest:
    def test_uneven_positions_come_back_with_their_unit(self) -> None:
        t = restored({"t": KeptCoordinate({}, ("t",), TIMES)})["t"]
        np.testing.assert_array_equal(t.values, TIMES)
        assert t.attrs == {"units": "second"}

    def test_the_unit_that_was_kept_wins(self) -> None:
        kept = KeptCoordinate({"units": "ms"}, ("t",), TIMES)
        assert restored({"t": kept})["t"].attrs == {"units": "ms"}

    def test_dates_have_no_unit_that_xarray_could_take_for_an_encoding(self) -> None:
        dates = np.array("2024-01-01", "M8[ns]") + np.arange(5).astype("m8[s]")
        t = restored({"t": KeptCoordinate({}, ("t",), dates)})["t"]
        np.testing.assert_array_equal(t.values, dates)
        assert "units" not in t.attrs

    def test_attributes_join_those_of_the_grid(self) -> None:
        x = restored({"x": KeptCoordinate({"long_name": "along the slide"})})["x"]
        assert x.attrs == {"units": "micrometer", "long_name": "along the slide"}
        assert x.values.tolist() == [0.0, 0.5, 1.0, 1.5]

    def test_attributes_of_what_is_not_there_are_left_out(self) -> None:
        assert "z" not in restored({"z": KeptCoordinate({"long_name": "depth"})})

    def test_further_coordinates_come_back(self) -> None:
        stage = KeptCoordinate({"units": "um"}, ("t", "c"), np.ones((5, 2)))
        lab = KeptCoordinate({}, (), np.asarray("B"))
        found = restored({"stage": stage, "lab": lab})
        assert found["stage"].dims == ("t", "c")
        assert found["stage"].attrs == {"units": "um"}
        assert found["lab"].item() == "B"

    def test_numbers_of_channels_come_back_while_their_names_are_the_same(self) -> None:
        kept = {"c": KeptCoordinate({}, ("c",), np.array([405, 488]))}
        assert restored(kept)["c"].values.tolist() == [405, 488]

    def test_names_that_others_gave_since_win(self) -> None:
        kept = {"c": KeptCoordinate({}, ("c",), np.array([405, 488]))}
        found = restored(kept, grid(labels=("405", "GFP")))
        assert found["c"].values.tolist() == ["405", "GFP"]

    def test_names_that_are_gone_since_stay_gone(self) -> None:
        kept = {"c": KeptCoordinate({}, ("c",), np.array([405, 488]))}
        assert "c" not in restored(kept, grid(labels=None))

    @pytest.mark.parametrize("size", [4, 6])
    def test_what_no_longer_fits_is_left_out_with_a_warning(self, size) -> None:
        kept = {"t": KeptCoordinate({}, ("t",), TIMES)}
        with pytest.warns(OmeZarrWarning, match=rf"'t'.*\(5,\).*\({size},\)"):
            found = restored(kept, grid(size=size), grid(size=size))
        np.testing.assert_array_equal(found["t"].values, 2.25 * np.arange(size))

    def test_dims_that_the_image_has_not_are_left_out(self) -> None:
        kept = {"stage": KeptCoordinate({}, ("position",), np.ones(3))}
        assert "stage" not in restored(kept)

    def test_nothing_kept_changes_nothing(self) -> None:
        found = restored({})
        for name, variable in coordinates(grid()).items():
            xr.testing.assert_identical(found[name], variable)


class TestCoarser:
    def test_uneven_positions_are_averaged_as_pixels_are(self) -> None:
        kept = {"t": KeptCoordinate({}, ("t",), TIMES)}
        t = restored(kept, grid(t=2))["t"]
        # The last block has one pixel, as sizes are rounded up.
        np.testing.assert_array_equal(t.values, [0.5, 3.25, 9.0])

    def test_they_are_sampled_where_pixels_are(self) -> None:
        sampled = grid().coarsen({"t": 2}, position="first")
        t = restored({"t": KeptCoordinate({}, ("t",), TIMES)}, sampled)["t"]
        np.testing.assert_array_equal(t.values, [0.0, 2.5, 9.0])

    @pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
    def test_dates_are_averaged_without_overflow(self, unit) -> None:
        dates = np.array("2200-01-01", f"M8[{unit}]") + np.array(
            [0, 2, 10, 14, 20], f"m8[{unit}]"
        )
        t = restored({"t": KeptCoordinate({}, ("t",), dates)}, grid(t=2))["t"]
        expected = dates[0] + np.array([1, 12, 20], f"m8[{unit}]")
        np.testing.assert_array_equal(t.values, expected)
        assert t.values.dtype == dates.dtype

    def test_durations_are_averaged(self) -> None:
        kept = np.array([0, 2, 10, 14, 20], "m8[ms]")
        t = restored({"t": KeptCoordinate({}, ("t",), kept)}, grid(t=2))["t"]
        np.testing.assert_array_equal(t.values, np.array([1, 12, 20], "m8[ms]"))

    def test_dims_that_are_not_coarser_keep_their_values(self) -> None:
        kept = {
            "t": KeptCoordinate({}, ("t",), TIMES),
            "stage": KeptCoordinate({}, ("t", "c"), np.ones((5, 2))),
        }
        found = restored(kept, grid(x=2))
        np.testing.assert_array_equal(found["t"].values, TIMES)
        assert "stage" in found

    def test_further_coordinates_of_a_coarser_dim_stay_with_the_finest(self) -> None:
        kept = {
            "stage": KeptCoordinate({}, ("t", "c"), np.ones((5, 2))),
            "note": KeptCoordinate({}, ("t",), np.array(list("abcde"))),
            "exposure": KeptCoordinate({}, ("t",), np.ones(5)),
        }
        assert restored(kept, grid(t=2)).keys() == {"t", "c", "x"}

    def test_texts_along_a_coarser_dim_are_left_out(self) -> None:
        kept = {"t": KeptCoordinate({}, ("t",), np.array(list("abcde")))}
        found = restored(kept, grid(t=2))
        np.testing.assert_array_equal(found["t"].values, [1.125, 5.625, 10.125])

    def test_kept_attributes_hold_for_every_level(self) -> None:
        kept = {"x": KeptCoordinate({"long_name": "along the slide"})}
        assert restored(kept, grid(x=2))["x"].attrs == {
            "units": "micrometer",
            "long_name": "along the slide",
        }

    def test_values_of_another_length_are_left_out(self) -> None:
        kept = {"t": KeptCoordinate({}, ("t",), np.arange(9.0))}
        found = restored(kept, grid(t=2))
        np.testing.assert_array_equal(found["t"].values, [1.125, 5.625, 10.125])
