"""What is kept beside an image, and what is left out with a word."""

from __future__ import annotations

import datetime
import math

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import MetadataError, OmeZarrWarning
from xarray_omezarr.grid.inspect import examine
from xarray_omezarr.write.keeping import check_attrs, plan_kept


def image(coords=None, attrs=None, dims=("t", "c", "y", "x")):
    return xr.DataArray(np.zeros((3, 2, 4, 4), "u1"), coords, dims, attrs=attrs)


def kept(da, names=None, channel_dim="c", irregular="keep"):
    found = examine(da, irregular=irregular)
    names = names or {str(dim): str(dim) for dim in da.dims}
    return plan_kept(da, names, found.exact, channel_dim, found.grid)


class TestAttrs:
    def test_those_of_the_array_are_kept(self) -> None:
        assert kept(image(attrs={"lab": "B", "n": np.int64(3)})).attrs == {
            "lab": "B",
            "n": 3,
        }

    def test_those_of_the_array_are_not_mixed_with_those_of_coordinates(self) -> None:
        da = image(
            {
                "x": ("x", np.arange(4.0), {"long_name": "along"}),
                "lab": ((), 3, {"a": 1}),
            },
            attrs={"lab": "B"},
        )
        found = kept(da)
        assert found.attrs == {"lab": "B"}
        assert found.coords["x"].attrs == {"long_name": "along"}
        assert found.coords["lab"].attrs == {"a": 1}

    def test_nothing_to_keep_is_nothing(self) -> None:
        found = kept(image())
        assert (found.attrs, found.coords) == ({}, {})

    def test_what_json_lacks_is_left_out_with_one_warning_for_all(self) -> None:
        da = image(
            {"x": ("x", np.arange(4.0), {"when": datetime.date(2024, 1, 1)})},
            attrs={"keep": 1, "metadata": object(), "noise": math.nan},
        )
        with pytest.warns(OmeZarrWarning) as caught:
            found = kept(da)
        assert len(caught) == 1
        message = str(caught[0].message)
        for named in ("'metadata'", "'noise'", "nan", "'when'", "'x'", "date"):
            assert named in message
        assert found.attrs == {"keep": 1}
        assert "x" not in found.coords

    def test_keys_that_are_no_texts_become_texts(self) -> None:
        assert kept(image(attrs={5: "five"})).attrs == {"5": "five"}


class TestCoordinates:
    def test_even_positions_are_restored_by_the_grid(self) -> None:
        da = image({"x": ("x", 0.5 * np.arange(4), {"units": "um"})})
        assert kept(da).coords == {}

    def test_the_size_of_a_single_pixel_is_restored_by_the_grid(self) -> None:
        da = image().isel(x=[0]).assign_coords(x=("x", [1.0], {"spacing": 0.5}))
        assert kept(da).coords == {}

    @pytest.mark.parametrize("unit", ["um", "micrometer", "µm", "micron"])
    def test_a_unit_is_restored_under_its_name_in_the_standard(self, unit) -> None:
        for key in ("units", "unit"):
            da = image({"x": ("x", np.arange(4.0), {key: unit})})
            assert kept(da).coords == {}

    def test_a_unit_that_the_axis_does_not_have_is_kept(self) -> None:
        # z, y, x are written in the unit of x.
        coords = {
            "y": ("y", np.arange(4.0), {"units": "nm"}),
            "x": ("x", np.arange(4.0), {"units": "um"}),
        }
        assert kept(image(coords)).coords["y"].attrs == {"units": "nanometer"}

    def test_an_epoch_is_kept(self) -> None:
        epoch = "seconds since 2024-01-01"
        da = image({"t": ("t", np.arange(3.0), {"units": epoch})})
        assert kept(da).coords["t"].attrs == {"units": epoch}

    @pytest.mark.filterwarnings("ignore::xarray_omezarr.errors.OmeZarrWarning")
    def test_uneven_positions_are_kept_value_by_value(self) -> None:
        da = image({"t": ("t", [0.0, 1.0, 5.0], {"units": "s"})})
        t = kept(da).coords["t"]
        assert t.dims == ("t",)
        np.testing.assert_array_equal(t.values, [0.0, 1.0, 5.0])

    def test_dates_are_kept_value_by_value(self) -> None:
        dates = np.array(["2024-01-01", "2024-01-02", "2024-01-03"], "M8[ns]")
        np.testing.assert_array_equal(
            kept(image({"t": dates})).coords["t"].values, dates
        )

    def test_further_coordinates_are_kept_with_stored_dims(self) -> None:
        da = image(
            {"stage": (("T", "Y"), np.ones((3, 4)), {"units": "um"})},
            dims=("T", "C", "Y", "X"),
        )
        names = {"T": "t", "C": "c", "Y": "y", "X": "x"}
        stage = kept(da, names, "C").coords["stage"]
        assert (stage.dims, stage.attrs) == (("t", "y"), {"units": "um"})

    def test_coordinates_of_dims_are_kept_under_their_stored_name(self) -> None:
        da = image(
            {"X": ("X", np.arange(4.0), {"long_name": "along"})},
            dims=("T", "C", "Y", "X"),
        )
        names = {"T": "t", "C": "c", "Y": "y", "X": "x"}
        assert kept(da, names, "C").coords.keys() == {"x"}

    def test_numbers_without_dims_are_kept(self) -> None:
        well = kept(image({"well": "B02", "t0": 5.5})).coords
        assert (well["well"].dims, well["well"].values.item()) == ((), "B02")
        assert well["t0"].values.item() == 5.5

    def test_fields_of_the_channels_are_not_kept_twice(self) -> None:
        da = image({"c": ["a", "b"], "channel_color": ("c", ["FF0000", "00FF00"])})
        assert kept(da).coords == {}

    def test_dates_of_the_channels_are_kept_as_they_are_no_fields(self) -> None:
        dates = np.array(["2024-01-01", "2024-01-02"], "M8[ns]")
        da = image({"channel_acquired": ("c", dates)})
        assert kept(da).coords.keys() == {"channel_acquired"}

    def test_numbers_of_the_channels_are_kept_with_their_dtype(self) -> None:
        c = kept(image({"c": np.array([405, 488], "u2")})).coords["c"]
        assert c.values.dtype == np.dtype("u2")

    def test_texts_of_any_kind_are_texts(self) -> None:
        da = image({"note": ("t", np.array(["a", "bb", "c"], dtype=object))})
        note = kept(da).coords["note"]
        assert note.values.tolist() == ["a", "bb", "c"]
        assert note.values.dtype.kind == "U"

    @pytest.mark.parametrize(
        "values",
        [[1j, 2j, 3j], np.array([{}, 1, "a"], dtype=object), [b"a", b"b", b"c"]],
    )
    def test_values_that_cannot_be_kept_are_named(self, values) -> None:
        with pytest.warns(OmeZarrWarning, match="'odd'"):
            found = kept(image({"odd": ("t", values)}))
        assert found.coords == {}

    def test_quantities_are_kept_with_their_unit(self) -> None:
        pint = pytest.importorskip("pint")
        quantity = pint.Quantity(np.array([1.0, 2.0, 4.0]), "ms")
        da = image().assign_coords(exposure=("t", quantity))
        exposure = kept(da).coords["exposure"]
        np.testing.assert_array_equal(exposure.values, [1.0, 2.0, 4.0])
        assert exposure.attrs == {"units": "millisecond"}

    def test_the_object_is_left_as_it_was(self) -> None:
        attrs = {"units": "um", "spacing": 1.0, "long_name": "along"}
        da = image({"x": ("x", np.arange(4.0), dict(attrs))}, attrs={"lab": "B"})
        kept(da)
        assert da["x"].attrs == attrs
        assert da.attrs == {"lab": "B"}


class TestCheckAttrs:
    def test_none_is_nothing(self) -> None:
        assert check_attrs(None) == {}

    def test_numbers_of_numpy_become_plain(self) -> None:
        found = check_attrs({"a": np.int64(1), "b": (np.float32(0.5),)})
        assert found == {"a": 1, "b": [0.5]}
        assert type(found["a"]) is int

    @pytest.mark.parametrize("attrs", [5, "x", [("a", 1)]])
    def test_what_is_no_mapping_is_refused(self, attrs) -> None:
        with pytest.raises(MetadataError, match="mapping"):
            check_attrs(attrs)

    @pytest.mark.parametrize(
        ("attrs", "named"),
        [
            ({"noise": math.nan}, r"'noise'.*nan"),
            ({"deep": {"er": [object()]}}, r"'deep'.*object"),
            ({5: "x"}, "5"),
            ({"xarray": {}}, "'xarray'"),
        ],
    )
    def test_what_cannot_stand_there_is_named(self, attrs, named) -> None:
        with pytest.raises(MetadataError, match=named):
            check_attrs(attrs)


@pytest.mark.parametrize("gap", [None, float("nan")])
def test_gaps_of_a_column_of_texts_say_nothing_and_texts_are_kept(gap) -> None:
    column = np.array(["taxol", gap], dtype=object)
    told = [
        kept(image({"compound": ((), np.array(value, dtype=object))}))
        for value in column
    ]
    # Warnings are errors here.
    assert told[0].coords["compound"].values == np.array("taxol")
    assert "compound" not in told[1].coords


def test_other_objects_of_a_field_are_told_of() -> None:
    with pytest.warns(OmeZarrWarning, match=r"coords\['lab'\] \(object\)"):
        kept(image({"lab": ((), np.array({1, 2}, dtype=object))}))
