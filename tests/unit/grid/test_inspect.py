"""The grid of objects as people have them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import dask.array
import numpy as np
import pandas as pd
import pint
import pint_xarray  # noqa: F401 - registers its accessor
import pytest
import xarray as xr
from xarray.indexes import RangeIndex

from xarray_omezarr.errors import (
    CoordinateError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    OptionError,
    UnitError,
)
from xarray_omezarr.grid.grid import GridAxis
from xarray_omezarr.grid.inspect import (
    channel_texts,
    examine,
    inspect,
    labelled_dims,
)

Q = pint.get_application_registry().Quantity


def image(
    dims: Sequence[str],
    coords: Mapping[str, Any] | None = None,
    attrs: Mapping[str, Mapping[str, Any]] | None = None,
    **more: Any,
) -> xr.DataArray:
    """Zeros with coordinates by dim; dims without one have three pixels."""
    coords = dict(coords or {})
    shape = [len(coords[dim]) if dim in coords else 3 for dim in dims]
    da = xr.DataArray(np.zeros(shape), dims=list(dims), coords=coords, **more)
    for dim, attributes in (attrs or {}).items():
        da[dim].attrs.update(attributes)
    return da


def axis_of(values: Any, dim: str = "x", **attrs: Any) -> GridAxis:
    return inspect(image([dim], {dim: values}, {dim: attrs}))[dim]


class TestPositions:
    def test_each_dim_has_its_line(self) -> None:
        da = image(
            "tyx",
            {"t": [0, 5, 10], "y": np.arange(4) * 0.325 + 1, "x": np.arange(5) * 0.5},
            {"t": {"units": "s"}, "y": {"units": "um"}, "x": {"units": "um"}},
        )
        found = examine(da)
        assert found.grid.dims == ("t", "y", "x")
        assert found.grid.scale == {"t": 5.0, "y": 0.325, "x": 0.5}
        assert found.grid.translation == {"t": 0.0, "y": 1.0, "x": 0.0}
        micrometer = "micrometer"
        assert found.grid.units == {"t": "second", "y": micrometer, "x": micrometer}
        assert found.exact == frozenset()

    def test_dims_keep_their_names_and_order(self) -> None:
        found = inspect(image(["Width", "CH", "Height"]))
        assert found.dims == ("Width", "CH", "Height")
        assert [axis.type for axis in found] == ["space", "channel", "space"]

    def test_no_coordinate_is_one_and_nothing(self) -> None:
        da = image("yx", attrs=None)
        da.attrs["coord_units"] = {"x": "micrometer"}
        assert inspect(da)["x"] == GridAxis("x", "space", None, 3)

    @pytest.mark.parametrize(
        ("change", "scale", "translation"),
        [
            (lambda da: da.isel(x=slice(3, None)), 0.1, 0.3),
            (lambda da: da.isel(x=slice(1, None, 2)), 0.2, 0.1),
            (lambda da: da.sel(x=slice(0.2, 0.5)), 0.1, 0.2),
            (lambda da: da.coarsen(x=2).mean(), 0.2, 0.05),
            (lambda da: da.transpose("x", "y"), 0.1, 0.0),
            (lambda da: da.isel(x=slice(None, None, -1)).sortby("x"), 0.1, 0.0),
            (lambda da: da.assign_coords(x=da.x * 3), 0.3, 0.0),
            (lambda da: da.chunk(), 0.1, 0.0),
        ],
    )
    def test_the_coordinates_of_now_count(
        self, change: Any, scale: float, translation: float
    ) -> None:
        da = image("yx", {"x": np.arange(8) * 0.1}, {"x": {"spacing": 99.0}})
        da.attrs["ome_scale"] = da.encoding["omezarr_scale"] = {"x": 77.0}
        found = inspect(change(da))["x"]
        assert (found.scale, found.translation) == (scale, translation)

    def test_lazy_coordinates_are_read(self) -> None:
        lazy = dask.array.arange(4, chunks=2) * 0.5
        coords = xr.Coordinates({"x": ("x", lazy)}, indexes={})
        da = xr.DataArray(np.zeros(4), dims="x").assign_coords(coords)
        assert da.x.chunks is not None
        assert inspect(da)["x"].scale == 0.5

    def test_a_range_index_is_read(self) -> None:
        index = RangeIndex.arange(1.0, 2.0, 0.1, dim="x")
        da = xr.DataArray(np.zeros(10), coords=xr.Coordinates.from_xindex(index))
        found = inspect(da)["x"]
        assert (found.scale, found.translation) == (0.1, 1.0)

    def test_pixels_are_not_computed(self) -> None:
        def never(block: Any) -> Any:
            raise AssertionError("computed")

        pixels = dask.array.ones((4, 4)).map_blocks(never, dtype=float, meta=np.ones(0))
        inspect(xr.DataArray(pixels, dims=("y", "x"), coords={"x": np.arange(4)}))

    def test_other_coordinates_do_not_matter(self) -> None:
        da = image("yx", {"x": [0.0, 0.5, 1.0]})
        da = da.assign_coords(
            spatial_ref=0, t=pd.Timestamp("2024-01-01"), lat=(("y", "x"), np.eye(3))
        )
        assert inspect(da).scale == {"y": 1.0, "x": 0.5}

    def test_a_dim_without_pixels_has_no_line(self) -> None:
        assert axis_of(np.zeros(0)) == GridAxis("x", "space", None, 0)


class TestSinglePixel:
    def test_it_has_the_spacing_that_was_left(self) -> None:
        found = axis_of([5.0], units="um", spacing=0.25)
        assert (found.scale, found.translation) == (0.25, 5.0)

    @pytest.mark.parametrize(
        ("units", "unit", "scale"),
        [
            ("nm", "nanometer", 250.0),
            ("", "micrometer", 0.25),
            ("um", "micrometer", 0.25),
        ],
    )
    def test_a_spacing_may_be_a_quantity(
        self, units: str, unit: str, scale: float
    ) -> None:
        found = axis_of([5.0], units=units, spacing=Q(0.25, "um"))
        assert (found.scale, found.unit) == (scale, unit)

    def test_a_spacing_may_be_a_duration(self) -> None:
        found = axis_of([5.0], dim="t", units="s", spacing=np.timedelta64(250, "ms"))
        assert (found.scale, found.unit) == (0.25, "second")

    @pytest.mark.parametrize("spacing", [0, -1.0, float("nan"), "wide", [1, 2]])
    def test_a_spacing_is_above_zero(self, spacing: object) -> None:
        with pytest.raises(CoordinateError, match=r"attrs\['spacing'\] of .*'x' is"):
            axis_of([5.0], spacing=spacing)

    def test_else_the_scale_it_was_read_with(self) -> None:
        da = image("zyx", {"z": [5.0]})
        da.encoding["omezarr_scale"] = {"z": 2.5, "y": 0.1}
        assert inspect(da).scale == {"z": 2.5, "y": 1.0, "x": 1.0}

    @pytest.mark.parametrize("left", [None, "text", {"z": -1}, {"z": "wide"}, {}])
    def test_else_one(self, left: object) -> None:
        da = image("zyx", {"z": [5.0]})
        da.encoding["omezarr_scale"] = left
        assert inspect(da)["z"] == GridAxis("z", "space", None, 1, 1.0, 5.0)

    def test_a_scale_that_was_read_is_found_to_its_last_digit(self) -> None:
        scale = 6.5 / 60
        axis = GridAxis("x", "space", None, 3, scale, 12345.678)
        da = image("x", {"x": axis.coordinates()})
        assert inspect(da)["x"].scale != scale
        da.encoding["omezarr_scale"] = {"x": scale}
        assert inspect(da)["x"] == axis


class TestUnits:
    def test_the_coordinate_says_it(self) -> None:
        assert axis_of([0.0, 1.0], units="micron").unit == "micrometer"
        assert axis_of([0.0, 1.0], unit="micron").unit == "micrometer"
        assert axis_of([0.0, 1.0], units="", unit="nm").unit == "nanometer"
        assert axis_of([0.0, 1.0], units="nm", unit="um").unit == "nanometer"
        assert axis_of([0.0, 1.0]).unit is None

    def test_or_the_array(self) -> None:
        da = image("YX", {"X": [0.0, 0.5], "Y": [0.0, 0.5]})
        da.attrs["coord_units"] = {"X": "micrometer", "Y": "micrometer"}
        assert inspect(da).units == {"Y": "micrometer", "X": "micrometer"}
        da["X"].attrs["units"] = "pixel"
        assert inspect(da)["X"].unit is None

    @pytest.mark.parametrize("lazy", [False, True])
    def test_or_an_index_of_pint(self, lazy: bool) -> None:
        da = image("yx", {"x": [0.0, 0.5], "y": [1.0, 1.5]}).assign_attrs(units="count")
        quantified = da.pint.quantify({"x": "um", "y": "nm", None: "count"})
        assert "units" not in quantified.x.attrs
        found = inspect(quantified.chunk() if lazy else quantified)
        assert found["x"] == GridAxis("x", "space", "micrometer", 2, 0.5)
        # In the unit of x.
        assert found["y"] == GridAxis("y", "space", "micrometer", 2, 0.0005, 0.001)

    def test_or_a_quantity(self) -> None:
        coords = xr.Coordinates(
            {"x": xr.Variable("x", Q(np.arange(3) * 0.5, "um"), {"units": "mm"})},
            indexes={},
        )
        da = xr.DataArray(np.zeros(3), dims="x").assign_coords(coords)
        found = inspect(da)["x"]
        assert (found.scale, found.unit) == (0.5, "micrometer")

    def test_space_is_brought_to_the_unit_of_x(self) -> None:
        da = image(
            "zYX",
            {"z": [0.0, 0.002], "Y": [100.0, 425.0], "X": [0.0, 0.325]},
            {"z": {"units": "mm"}, "Y": {"units": "nm"}, "X": {"units": "um"}},
        )
        found = examine(da)
        assert found.grid.scale == {"z": 2.0, "Y": 0.325, "X": 0.325}
        assert found.grid.translation == {"z": 0.0, "Y": 0.1, "X": 0.0}
        assert set(found.grid.units.values()) == {"micrometer"}
        assert found.exact == {"z", "Y"}

    def test_what_has_no_unit_stays_without(self) -> None:
        da = image(
            "zyx",
            {"z": [0.0, 2.0], "y": [0.0, 0.5], "x": [0.0, 0.5]},
            {"z": {"units": "mm"}, "x": {"units": "um"}},
        )
        assert inspect(da).units == {"z": "micrometer", "y": None, "x": "micrometer"}
        del da.x.attrs["units"]
        assert inspect(da).units == {"z": "millimeter", "y": None, "x": None}

    def test_a_custom_axis_keeps_its_own(self) -> None:
        da = image(["angle", "y", "x"], {"angle": [0, 90]}, {"angle": {"units": "deg"}})
        with pytest.warns(OmeZarrWarning, match="'degree' of 'angle'"):
            found = inspect(da)["angle"]
        assert (found.type, found.unit, found.scale) == ("angle", "degree", 90.0)


class TestTimes:
    def test_dates_count_from_their_first_and_are_kept(self) -> None:
        found = examine(
            image("tyx", {"t": pd.date_range("2024", periods=4, freq="5s")})
        )
        assert found.grid["t"] == GridAxis("t", "time", "second", 4, 5.0)
        assert found.exact == {"t"}

    def test_durations_are_seconds(self) -> None:
        values = pd.to_timedelta([1.5, 2.0, 2.5], unit="s")
        found = examine(image(["Time", "y", "x"], {"Time": values}))
        assert found.grid["Time"] == GridAxis("Time", "time", "second", 3, 0.5, 1.5)
        assert found.exact == {"Time"}

    def test_uneven_times_are_kept(self) -> None:
        da = image("tyx", {"t": [0.0, 1.0, 5.0]}, {"t": {"units": "ms"}})
        with pytest.warns(OmeZarrWarning, match="from 1 to 4 millisecond"):
            found = examine(da)
        assert found.grid["t"] == GridAxis("t", "time", "millisecond", 3, 2.5)
        assert found.exact == {"t"}

    @pytest.mark.parametrize(
        "values",
        [
            pd.date_range("2024", periods=3, tz="UTC"),
            pd.period_range("2024", periods=3, freq="D"),
            [None, None, None],
            [True, False, True],
            [1j, 2j, 3j],
        ],
        ids=["time zone", "periods", "nothing", "booleans", "complex"],
    )
    def test_what_is_no_time_is_refused(self, values: Any) -> None:
        with pytest.raises(CoordinateError, match=r"'t' holds .*convert it"):
            axis_of(values, dim="t")

    def test_dates_along_space_are_refused(self) -> None:
        with pytest.raises(CoordinateError, match=r"'x' is an axis of space; rename"):
            axis_of(pd.date_range("2024", periods=3))


class TestLabels:
    @pytest.mark.parametrize(
        ("values", "labels", "exact"),
        [
            (["DAPI", "GFP"], ("DAPI", "GFP"), False),
            (np.array([b"DAPI", b"GFP"]), ("DAPI", "GFP"), False),
            (np.array(["DAPI", "GFP"], dtype=object), ("DAPI", "GFP"), False),
            (pd.Categorical(["DAPI", "GFP"]), ("DAPI", "GFP"), False),
            ([405, 488], ("405", "488"), True),
            ([405.0, 488.5], ("405", "488.5"), True),
            (np.array([0.1, 488.5], dtype=np.float32), ("0.1", "488.5"), True),
            ([False, True], ("False", "True"), True),
        ],
    )
    def test_channels_have_the_texts_of_their_coordinate(
        self, values: Any, labels: tuple[str, ...], exact: bool
    ) -> None:
        da = xr.DataArray(
            np.zeros((2, 3)), dims=("C", "x"), coords={"C": ("C", values)}
        )
        found = examine(da)
        assert found.grid["C"] == GridAxis("C", "channel", None, 2, labels=labels)
        assert found.exact == ({"C"} if exact else set())

    def test_without_a_coordinate_they_have_none(self) -> None:
        assert inspect(image("cyx"))["c"].labels is None

    def test_samples_are_colours(self) -> None:
        assert inspect(image("YXS"))["S"].labels == ("Red", "Green", "Blue")
        da = image("YXS", {"S": ["R", "G", "B"]})
        assert inspect(da)["S"].labels == ("R", "G", "B")

    @pytest.mark.parametrize(
        ("names", "texts", "labels"),
        [
            (["GFP_1", "GFP_2"], ["GFP", "GFP"], ("GFP", "GFP")),
            (["GFP", "GFP_1"], ["GFP", "GFP"], ("GFP", "GFP")),
            (["DAPI", "GFP_2"], ["GFP", "GFP"], ("DAPI", "GFP")),
            (["GFP_a", "GFP_"], ["GFP", "GFP"], ("GFP_a", "GFP_")),
        ],
    )
    def test_suffixes_that_made_an_index_are_taken_back(
        self, names: list[str], texts: list[str], labels: tuple[str, ...]
    ) -> None:
        da = image("cx", {"c": names}).assign_coords(channel_label=("c", texts))
        assert inspect(da)["c"].labels == labels

    def test_exact_texts_alone_are_names(self) -> None:
        da = image("cx").assign_coords(channel_label=("c", ["a", "a", "b"]))
        assert inspect(da)["c"].labels == ("a", "a", "b")

    def test_texts_along_other_dims_are_kept(self) -> None:
        found = examine(image("tzx", {"t": ["before", "after"], "z": ["slide 3"]}))
        assert found.grid["t"] == GridAxis("t", "time", None, 2)
        assert found.grid["z"] == GridAxis("z", "space", None, 1)
        assert found.exact == {"t", "z"}

    def test_a_dim_with_texts_is_labelled(self) -> None:
        da = image("abx", {"a": ["p", "q"], "b": [1, 2]})
        assert labelled_dims(da) == {"a"}
        assert inspect(da)["a"].type == "channel"

    def test_texts_of_numbers_are_those_that_people_write(self) -> None:
        assert channel_texts(np.array([1.0, 2.5, 1e22])) == ("1", "2.5", "1e+22")
        days = np.array(["2024-01-01"], dtype="M8[D]")
        assert channel_texts(days) == ("2024-01-01",)


class TestProblems:
    def test_all_are_raised_together(self) -> None:
        da = image(
            "tzyx",
            {"t": [0, 1], "z": [3.0, 2.0], "y": [0.0, 1.0, 5.0], "x": [np.nan, 1.0]},
            {"t": {"units": "um"}, "x": {"units": "blink"}},
        )
        with pytest.raises(OmeZarrErrorGroup, match="5 problems") as raised:
            inspect(da)
        kinds = [type(problem) for problem in raised.value.exceptions]
        assert kinds.count(UnitError) == 2
        assert kinds.count(CoordinateError) == 3
        for said in (
            "'t'",
            "sortby('z')",
            "'y' is not evenly",
            "'x' holds NaN",
            "blink",
        ):
            assert said in str(raised.value)

    def test_one_is_raised_as_itself(self) -> None:
        with pytest.raises(CoordinateError, match=r"da\.sortby\('x'\)"):
            axis_of([2.0, 1.0])

    def test_a_multi_index_is_refused(self) -> None:
        da = image("tyx", {"y": [0, 1], "x": [0, 1]}).stack(p=("y", "x"))
        with pytest.raises(CoordinateError, match=r"MultiIndex.*\.unstack\('p'\)"):
            inspect(da)

    def test_an_unknown_choice_is_refused(self) -> None:
        with pytest.raises(OptionError, match="irregular is 'maybe'; there are"):
            inspect(image("yx"), irregular="maybe")

    @pytest.mark.parametrize(("irregular", "raises"), [("raise", "t"), ("auto", "x")])
    def test_uneven_ones_are_refused_as_chosen(
        self, irregular: str, raises: str
    ) -> None:
        da = image([raises], {raises: [0.0, 1.0, 5.0]})
        with pytest.raises(CoordinateError, match=f"'{raises}' is not evenly spaced"):
            inspect(da, irregular=irregular)

    def test_or_kept_as_chosen(self) -> None:
        with pytest.warns(OmeZarrWarning, match="'x' is not evenly spaced"):
            found = examine(image("x", {"x": [0.0, 1.0, 5.0]}), irregular="keep")
        assert found.grid["x"].scale == 2.5
        assert found.exact == {"x"}
