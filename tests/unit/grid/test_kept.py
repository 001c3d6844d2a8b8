"""What is kept beside an image comes back bit for bit."""

from __future__ import annotations

import json
import math
from enum import IntEnum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.grid.kept import (
    KEY,
    Kept,
    KeptCoordinate,
    NotJson,
    array_names,
    can_keep,
    decode,
    encode,
    is_kept,
    to_json,
)

DTYPES = [
    "bool",
    "uint8",
    "uint16",
    "uint32",
    "uint64",
    "int8",
    "int16",
    "int32",
    "int64",
    "float16",
    "float32",
    "float64",
    "datetime64[s]",
    "datetime64[ms]",
    "datetime64[us]",
    "datetime64[ns]",
    "timedelta64[s]",
    "timedelta64[ms]",
    "timedelta64[us]",
    "timedelta64[ns]",
]


def stored(kept):
    """As a store gives it back: JSON text, and arrays that lost their object."""
    encoded, arrays = encode(kept)
    text = json.dumps(encoded, allow_nan=False)
    copies = {name: np.array(array) for name, array in arrays.items()}
    return decode(json.loads(text), copies.__getitem__), arrays


def one(values, dims=None, name="stage"):
    values = np.asarray(values)
    dims = tuple("tczyx"[: values.ndim]) if dims is None else dims
    kept, arrays = stored(Kept(coords={name: KeptCoordinate({}, dims, values)}))
    return kept.coords[name], arrays


def assert_same(found, values):
    assert found.dtype == values.dtype
    assert found.shape == values.shape
    np.testing.assert_array_equal(found, values)


class TestValues:
    @pytest.mark.parametrize("dtype", DTYPES)
    def test_extremes_of_every_dtype_come_back(self, dtype) -> None:
        kind = np.dtype(dtype)
        if kind.kind in "iu":
            extremes = [np.iinfo(kind).min, 0, 1, np.iinfo(kind).max]
        elif kind.kind == "f":
            extremes = [
                np.finfo(kind).min,
                np.finfo(kind).tiny,
                0.1,
                np.finfo(kind).max,
            ]
        elif kind.kind == "b":
            extremes = [True, False]
        else:
            extremes = np.array([1 - 2**63, -1, 0, 2**63 - 1]).view(kind)
        values = np.array(extremes, dtype=kind)
        coordinate, arrays = one(values)
        assert_same(coordinate.values, values)
        assert arrays == {}

    @given(
        hnp.arrays(st.sampled_from(DTYPES), hnp.array_shapes(max_dims=3, max_side=4))
    )
    def test_any_values_come_back(self, values) -> None:
        assert_same(one(values)[0].values, values)

    @given(hnp.arrays("U3", hnp.array_shapes(max_dims=2, max_side=4)))
    def test_any_texts_come_back(self, values) -> None:
        found = one(values)[0].values
        assert found.shape == values.shape
        assert found.tolist() == values.tolist()

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_many_values_go_to_an_array(self, dtype) -> None:
        values = np.arange(5000).astype("int64")
        values = values.view(dtype) if dtype[-1] == "]" else values.astype(dtype)
        coordinate, arrays = one(values, ("t",))
        assert set(arrays) == {"stage"}
        assert_same(coordinate.values, values)

    def test_many_texts_go_to_an_array_of_bytes(self) -> None:
        values = np.array([f"µ-well {i}" for i in range(2000)])
        coordinate, arrays = one(values, ("t",))
        assert arrays["stage"].dtype == np.uint8
        assert_same(coordinate.values, values)

    @pytest.mark.parametrize("odd", [math.nan, math.inf, -math.inf])
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_numbers_that_json_lacks_go_to_an_array(self, odd, dtype) -> None:
        values = np.array([1.5, odd], dtype)
        coordinate, arrays = one(values)
        assert set(arrays) == {"stage"}
        assert_same(coordinate.values, values)

    def test_a_date_that_is_missing_comes_back(self) -> None:
        values = np.array(["2024-01-01", "NaT"], "datetime64[ns]")
        found = one(values)[0].values
        assert np.isnat(found[1])
        assert found[0] == values[0]

    def test_a_single_value_without_dims_comes_back(self) -> None:
        for value in (
            np.float64(2.5),
            np.str_("A1"),
            np.datetime64("2024-01-01", "ns"),
        ):
            coordinate, _ = one(value)
            assert_same(coordinate.values, np.asarray(value))
            assert coordinate.dims == ()

    def test_a_single_nan_without_dims_comes_back(self) -> None:
        coordinate, arrays = one(np.float64("nan"))
        assert set(arrays) == {"stage"}
        assert_same(coordinate.values, np.asarray(np.nan))

    def test_byte_order_is_no_part_of_a_value(self) -> None:
        values = np.array([1.5, 2.5], ">f4")
        found = one(values)[0].values
        np.testing.assert_array_equal(found, values)
        assert found.dtype == np.dtype("float32")

    def test_big_endian_values_go_to_arrays_too(self) -> None:
        values = np.arange(5000, dtype=">i4")
        np.testing.assert_array_equal(one(values)[0].values, values)

    def test_four_kibibytes_of_json_are_the_limit(self) -> None:
        # 4096 characters: brackets, 1365 digits, and 1364 times comma and blank.
        fits = np.full(1365, 7, np.uint8)
        assert len(json.dumps(fits.tolist())) <= 4096
        assert one(fits, ("t",))[1] == {}
        assert set(one(np.full(1366, 7, np.uint8), ("t",))[1]) == {"stage"}

    @pytest.mark.parametrize("dtype", ["complex128", "O", "S3", "V4"])
    def test_other_dtypes_are_not_kept(self, dtype) -> None:
        assert not can_keep(np.dtype(dtype))

    @pytest.mark.parametrize("dtype", [*DTYPES, "U5"])
    def test_these_dtypes_are_kept(self, dtype) -> None:
        assert can_keep(np.dtype(dtype))

    @pytest.mark.skipif(np.dtype("longdouble").itemsize == 8, reason="it is a double")
    def test_long_doubles_are_not_kept_as_no_other_program_reads_them(self) -> None:
        assert not can_keep(np.dtype("longdouble"))


class TestAttributes:
    def test_attributes_and_coordinates_come_back_together(self) -> None:
        kept = Kept(
            {"instrument": "widefield", "lasers": [405, 488]},
            {"x": KeptCoordinate({"long_name": "along the slide"})},
        )
        found, _ = stored(kept)
        assert found == kept

    def test_dims_and_attributes_of_values_come_back(self) -> None:
        coordinate = KeptCoordinate({"units": "ms"}, ("t", "c"), np.zeros((2, 3)))
        found, _ = stored(Kept(coords={"exposure": coordinate}))
        assert found.coords["exposure"].attrs == {"units": "ms"}
        assert found.coords["exposure"].dims == ("t", "c")

    def test_the_json_is_that_of_the_specification(self) -> None:
        dates = np.array(["2024-01-01T00:00:00", "2024-01-01T00:00:01.5"], "M8[ns]")
        kept = Kept(
            {"instrument": "widefield"},
            {
                "t": KeptCoordinate({}, ("t",), dates),
                "exposure": KeptCoordinate(
                    {"units": "millisecond"}, ("c",), np.array([12.5, 40.0])
                ),
                "stage": KeptCoordinate({}, ("t", "z"), np.full((2, 2), np.nan)),
                "x": KeptCoordinate({"long_name": "along the slide"}),
            },
        )
        encoded, arrays = encode(kept)
        assert encoded == {
            "version": 1,
            "attrs": {"instrument": "widefield"},
            "coords": {
                "t": {
                    "dims": ["t"],
                    "dtype": "<M8[ns]",
                    "values": [1704067200000000000, 1704067201500000000],
                },
                "exposure": {
                    "dims": ["c"],
                    "dtype": "<f8",
                    "values": [12.5, 40.0],
                    "attrs": {"units": "millisecond"},
                },
                "stage": {"dims": ["t", "z"], "dtype": "<f8", "array": "stage"},
                "x": {"attrs": {"long_name": "along the slide"}},
            },
        }
        assert set(arrays) == {"stage"}

    def test_nothing_to_keep_is_only_a_version(self) -> None:
        assert encode(Kept()) == ({"version": 1}, {})
        assert encode(Kept(coords={"x": KeptCoordinate()})) == ({"version": 1}, {})

    def test_what_is_decoded_is_no_part_of_what_was_encoded(self) -> None:
        attrs = {"a": 1}
        encoded, _ = encode(Kept(attrs))
        encoded["attrs"]["a"] = 2
        assert attrs == {"a": 1}


class TestNames:
    @pytest.mark.parametrize(
        "name", ["a/b", "..", ".", "", "zarr.json", ".zarray", "µ", "a b", "-x", "__x"]
    )
    def test_an_odd_name_is_no_name_of_an_array(self, name) -> None:
        values = np.array([np.nan])
        coordinate, arrays = one(values, ("t",), name)
        assert_same(coordinate.values, values)
        (array,) = arrays
        assert array not in ("zarr.json", ".zarray")
        assert not set(array) & set("/\\.")
        assert array

    def test_no_two_coordinates_share_an_array(self) -> None:
        names = ["coordinate-1", "a b", "a/b", "coordinate-0", "coordinate-2"]
        coords = {
            name: KeptCoordinate({}, ("t",), np.array([np.nan, i]))
            for i, name in enumerate(names)
        }
        found, arrays = stored(Kept(coords=coords))
        assert len(arrays) == len(names)
        for i, name in enumerate(names):
            np.testing.assert_array_equal(found.coords[name].values, [np.nan, i])

    def test_names_that_differ_in_case_only_do_not_share_a_folder(self) -> None:
        # Disks of Windows and macOS take them for one.
        coords = {
            name: KeptCoordinate({}, ("t",), np.array([np.nan])) for name in ("Z", "z")
        }
        _, arrays = encode(Kept(coords=coords))
        assert len({name.lower() for name in arrays}) == 2

    def test_the_arrays_that_are_named_are_listed(self) -> None:
        coords = {
            "stage": KeptCoordinate({}, ("t",), np.array([np.nan])),
            "a b": KeptCoordinate({}, ("t",), np.array([np.nan])),
            "inline": KeptCoordinate({}, ("t",), np.array([1.0])),
        }
        encoded, arrays = encode(Kept(coords=coords))
        assert set(array_names(encoded)) == set(arrays)

    @pytest.mark.parametrize("name", ["../0", "/etc", "a/b", "..", 5, None, ["a"]])
    def test_a_name_that_leads_elsewhere_is_not_listed(self, name) -> None:
        coords = {"stage": {"dims": ["t"], "dtype": "<f8", "array": name}}
        assert array_names({"version": 1, "coords": coords}) == []


class TestBroken:
    @pytest.mark.parametrize("value", [None, 1, "x", [], {}, {"version": 2}])
    def test_what_is_not_ours_is_nothing(self, value) -> None:
        assert not is_kept(value)
        assert decode(value, {}.__getitem__) == Kept()
        assert array_names(value) == []

    @pytest.mark.parametrize(
        "entry",
        [
            {"dims": ["t"]},
            {"dims": ["t"], "dtype": "<f8"},
            {"dims": ["t"], "dtype": "<f8", "values": ["a"]},
            {"dims": ["t"], "dtype": "O", "values": [1]},
            {"dims": ["t"], "dtype": "banana", "values": [1]},
            {"dims": ["t"], "dtype": "<f8", "array": "gone"},
            {"dims": 5, "dtype": "<f8", "values": [1]},
            {"dims": ["t", "c"], "dtype": "<f8", "values": [1]},
            {"dims": ["t"], "dtype": "<f8", "values": [[1], [2, 3]]},
            {"attrs": 5},
            "text",
            None,
        ],
    )
    def test_an_entry_that_cannot_be_read_is_named_with_the_remedy(self, entry) -> None:
        encoded = {"version": 1, "coords": {"stage": entry}}
        with pytest.raises(MetadataError, match=rf"'stage'.*{KEY}/coords.*delete"):
            decode(encoded, {}.__getitem__)

    @pytest.mark.parametrize("part", ["coords", "attrs"])
    def test_a_part_that_is_no_object_is_named(self, part) -> None:
        with pytest.raises(MetadataError, match=f"{KEY}/{part}"):
            decode({"version": 1, part: [1]}, {}.__getitem__)


class Colour(IntEnum):
    RED = 1


class TestToJson:
    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            (None, None),
            (True, True),
            (np.True_, True),
            (3, 3),
            (np.uint64(2**64 - 1), 2**64 - 1),
            (Colour.RED, 1),
            (np.float32(0.5), 0.5),
            (np.str_("a"), "a"),
            (np.array([[1, 2]]), [[1, 2]]),
            (np.array(3.5), 3.5),
            (np.array(["a"]), ["a"]),
            ((1, (2,)), [1, [2]]),
            ({"a": {"b": (np.int8(1),)}}, {"a": {"b": [1]}}),
        ],
    )
    def test_numbers_of_numpy_and_tuples_become_plain(self, value, expected) -> None:
        found = to_json(value)
        assert found == expected
        assert json.loads(json.dumps(found)) == expected

    @pytest.mark.parametrize(
        ("value", "named"),
        [
            (math.nan, "nan"),
            (np.array([1.0, np.inf]), "inf"),
            (np.float32("nan"), "nan"),
            (1j, "complex"),
            (b"x", "bytes"),
            ({1, 2}, "set"),
            ({1: "x"}, "dict"),
            (np.datetime64("2024-01-01"), "datetime64"),
            (object(), "object"),
            ({"deep": [0, {"down": object()}]}, "object"),
        ],
    )
    def test_what_json_lacks_is_named_by_its_type(self, value, named) -> None:
        with pytest.raises(NotJson, match=named):
            to_json(value)
