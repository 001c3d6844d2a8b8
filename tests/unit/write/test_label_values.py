"""Colours and properties of label images are told in any common form."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import pytest

from xarray_omezarr.errors import (
    MetadataError,
    OmeZarrError,
    OmeZarrErrorGroup,
    OptionError,
)
from xarray_omezarr.write.label_values import plan_meaning

RED = {"label-value": 1, "rgba": [255, 0, 0, 255]}


def colors(given):
    return plan_meaning(None, given).to_json()["colors"]


def properties(given):
    return plan_meaning(None, None, given).to_json()["properties"]


def refused(**given):
    with pytest.raises((OmeZarrError, OmeZarrErrorGroup)) as caught:
        plan_meaning(given.pop("known", None), **given)
    error = caught.value
    while isinstance(error, OmeZarrErrorGroup):
        (error,) = error.exceptions
    return error


# Colours.
@pytest.mark.parametrize(
    "given",
    [
        {1: "#ff0000"},
        {1: "#FF0000"},
        {1: "ff0000ff"},
        {1: (255, 0, 0)},
        {1: [255, 0, 0, 255]},
        {1: np.array([255, 0, 0], "uint8")},
        {np.uint16(1): "#ff0000"},
        [RED],
        (dict(RED),),
    ],
)
def test_red_is_red_in_every_form(given) -> None:
    assert colors(given) == [RED]


def test_transparency_is_kept() -> None:
    assert colors({1: "#00ff0080"})[0]["rgba"] == [0, 255, 0, 128]
    assert colors({0: (0, 0, 0, 0)})[0]["rgba"] == [0, 0, 0, 0]


def test_colours_keep_their_order() -> None:
    given = {7: "#000001", 2: "#000002", 30: "#000003"}
    assert [color["label-value"] for color in colors(given)] == [7, 2, 30]


@pytest.mark.parametrize(
    ("color", "said"),
    [
        ("red", "#rrggbb"),
        ("#f00", "#rrggbb"),
        ((256, 0, 0), "0 to 255"),
        ((-1, 0, 0), "0 to 255"),
        ((1, 2), "0 to 255"),
        ((0.5, 0.5, 1.0), "multiply fractions by 255"),
        (5, "0 to 255"),
        ((True, False, False), "0 to 255"),
    ],
)
def test_a_colour_that_is_none_is_refused_by_value(color, said) -> None:
    error = refused(colors={3: color})
    assert isinstance(error, OptionError)
    assert "value 3" in str(error)
    assert said in str(error)


@pytest.mark.parametrize("value", ["1", 1.5, None, True])
def test_values_of_labels_are_whole_numbers(value) -> None:
    assert repr(value) in str(refused(colors={value: "#ff0000"}))
    assert repr(value) in str(refused(properties={value: {"area": 1}}))


@pytest.mark.parametrize("given", ["#ff0000", 5])
def test_colours_without_values_are_refused(given) -> None:
    assert repr(given) in str(refused(colors=given))


# Properties.
def test_rows_of_a_table_are_properties_of_the_values_of_its_index() -> None:
    table = pd.DataFrame({"area": [4, 9], "kind": ["a", "b"]}, index=[1, 300])
    assert properties(table) == [
        {"label-value": 1, "area": 4, "kind": "a"},
        {"label-value": 300, "area": 9, "kind": "b"},
    ]


def test_whole_numbers_stay_whole_beside_fractions() -> None:
    table = pd.DataFrame({"area": [4], "mean": [0.5]}, index=[1])
    (entry,) = properties(table)
    assert type(entry["area"]) is int
    assert type(entry["mean"]) is float


@pytest.mark.parametrize("missing", [np.nan, None, pd.NA, pd.NaT, float("nan")])
def test_what_is_missing_is_left_out(missing) -> None:
    given = {1: {"area": missing, "kind": "a"}}
    assert properties(given) == [{"label-value": 1, "kind": "a"}]
    table = pd.DataFrame({"a": pd.Series([missing], dtype=object, index=[1]), "b": 2})
    assert properties(table) == [{"label-value": 1, "b": 2}]


@pytest.mark.parametrize(
    "given",
    [
        {1: {"area": 4}},
        {np.int64(1): {"area": np.uint8(4)}},
        [{"label-value": 1, "area": 4}],
        pd.DataFrame({"area": [4]}, index=[1]),
        pd.DataFrame({"label-value": [1], "area": [4]}),
        pd.DataFrame({"label": [1], "area": [4]}).set_index("label"),
    ],
)
def test_an_area_is_an_area_in_every_form(given) -> None:
    assert properties(given) == [{"label-value": 1, "area": 4}]


@pytest.mark.parametrize("column", ["label", "label_value"])
def test_a_table_that_counts_its_rows_is_refused_with_the_way_out(column) -> None:
    error = refused(properties=pd.DataFrame({column: [5, 6], "area": [1, 2]}))
    assert isinstance(error, OptionError)
    assert f".set_index('{column}')" in str(error)


def test_a_table_without_label_values_is_refused() -> None:
    error = refused(properties=pd.DataFrame({"area": [1, 2]}))
    assert isinstance(error, OptionError)
    assert ".set_index('label')" in str(error)


@pytest.mark.parametrize(
    "index", [pd.RangeIndex(1, 3), pd.RangeIndex(0, 2, name="label"), [0, 1]]
)
def test_an_index_that_somebody_made_is_one_of_label_values(index) -> None:
    found = properties(pd.DataFrame({"area": [1, 2]}, index=index))
    assert [entry["label-value"] for entry in found] == [*index]


@pytest.mark.parametrize(
    "table",
    [
        pd.DataFrame({"area": [1, 2, 3]}, index=[7, 8, 7]),
        pd.DataFrame({"area": [1, 2, 3], "label-value": [7, 8, 7]}),
    ],
)
def test_two_rows_for_one_value_are_refused(table) -> None:
    error = refused(properties=table)
    assert isinstance(error, OptionError)
    assert "[7]" in str(error)


def test_columns_that_are_there_twice_are_refused() -> None:
    table = pd.DataFrame([[1, 2]], columns=["a", "a"], index=[1])
    assert "'a'" in str(refused(properties=table))


@pytest.mark.parametrize("index", [[0.5], ["cell"]])
def test_an_index_that_is_no_value_is_refused(index) -> None:
    error = refused(properties=pd.DataFrame({"area": [1]}, index=index))
    assert isinstance(error, OptionError)


def test_what_is_no_json_is_refused_by_its_column() -> None:
    error = refused(properties={1: {"when": datetime.timedelta(1), "at": object()}})
    assert isinstance(error, MetadataError)
    assert "'when'" in str(error) or "'at'" in str(error)


@pytest.mark.parametrize("given", ["area", 5, {1: 4}])
def test_properties_that_are_no_mappings_are_refused(given) -> None:
    assert isinstance(refused(properties=given), OptionError)


# What is known.
def test_empty_lists_say_nothing() -> None:
    found = plan_meaning({"colors": [], "properties": []}).to_json()
    assert found == {"source": {"image": "../../"}}
    assert plan_meaning(None, {}, pd.DataFrame({"a": []})).to_json() == found


def test_unknown_keys_and_the_source_are_kept_and_the_version_is_not() -> None:
    known = {"source": {"image": "../raw"}, "lab": 7, "version": "0.4"}
    found = plan_meaning(known, {1: "#ff0000"}).to_json()
    assert found == {"colors": [RED], "source": {"image": "../raw"}, "lab": 7}


def test_what_is_given_wins_over_what_is_known() -> None:
    known = {"colors": [{"label-value": 2, "rgba": [0, 0, 0, 0]}], "properties": []}
    assert plan_meaning(known, {1: "#ff0000"}).to_json()["colors"] == [RED]


@pytest.mark.parametrize("known", ["red", [RED], 5])
def test_an_attribute_that_is_no_mapping_is_refused(known) -> None:
    error = refused(known=known)
    assert isinstance(error, MetadataError)
    assert "image-label" in str(error)
