"""What JSON can hold."""

from __future__ import annotations

import datetime
import enum
import json

import numpy as np
import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.plain import endless_number, plain, shown


class Method(enum.IntEnum):
    MEAN = 3


def test_plain_values_stay_as_they_are() -> None:
    value = {"a": [1, 2.5, "three", True, None, {"b": {}}]}
    assert plain(value) == value
    assert plain(value) is not value


def test_every_scalar_of_numpy_becomes_pythons_own() -> None:
    value = {
        "float": np.float64(0.5),
        "half": np.float16(0.5),
        "int": np.uint64(2**64 - 1),
        "bool": np.bool_(False),
        "text": np.str_("mean"),
        "zero-dimensional": np.array(3),
        "enum": Method.MEAN,
    }
    result = plain(value)
    assert {key: type(item) for key, item in result.items()} == {
        "float": float,
        "half": float,
        "int": int,
        "bool": bool,
        "text": str,
        "zero-dimensional": int,
        "enum": int,
    }
    assert json.loads(json.dumps(result))["int"] == 2**64 - 1


def test_tuples_become_lists() -> None:
    assert plain({"factors": (1, (2, 2))}) == {"factors": [1, [2, 2]]}


@pytest.mark.parametrize(
    ("value", "pointer"),
    [
        ({"a": [1.0, float("nan")]}, "/a/1 is nan"),
        ({"a": {"b": -np.inf}}, "/a/b is -inf"),
        ({"a": np.float32("nan")}, "/a is nan"),
    ],
)
def test_a_number_that_json_lacks_is_refused_where_it_stands(
    value: object, pointer: str
) -> None:
    with pytest.raises(MetadataError, match=pointer):
        plain(value)


@pytest.mark.parametrize(
    "value",
    [np.zeros(2), {1, 2}, b"bytes", 1j, datetime.date(2020, 1, 1), object()],
    ids=lambda value: type(value).__name__,
)
def test_what_json_cannot_hold_is_refused_with_its_type(value: object) -> None:
    with pytest.raises(MetadataError, match=f"/a is .* a {type(value).__name__}, "):
        plain({"a": value})


@pytest.mark.parametrize("key", [1, None, ("a", "b")])
def test_a_key_that_is_no_text_is_refused(key: object) -> None:
    with pytest.raises(MetadataError, match="/a has the key"):
        plain({"a": {key: 1}})


def test_long_values_are_cut_in_messages() -> None:
    assert shown("ab") == "'ab'"
    assert len(shown("a" * 1000)) == 80
    assert shown("a" * 1000).endswith("a...")


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, None, True], "b": ("x", 2.5)},
        ["x" * 70],
        [{"name": "x", "type": "space"}] * 3,
        list(range(1000)),
        {str(i): [i] * i for i in range(30)},
    ],
)
def test_a_value_is_shown_as_python_writes_it_and_cut_at_80(value: object) -> None:
    text = repr(value)
    whole = len(text) <= 80
    assert shown(value) == (text if whole else text[:77] + "...")


def test_no_value_is_too_deep_or_too_large_to_be_shown() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    assert shown(deep) == "[" * 77 + "..."
    # Ten to the hundredth numbers, were it written out.
    large: list[object] = [0] * 10
    for _ in range(99):
        large = [large] * 10
    assert shown(large) == "[" * 77 + "..."


def test_what_is_nested_too_deeply_or_holds_itself_is_refused_in_words() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    own: dict[str, object] = {}
    own["own"] = own
    for value in (deep, own):
        with pytest.raises(MetadataError, match=r"^/notes is nested too deeply"):
            plain(value, "/notes")


LONG = "9" * 5000
WORDS = "a number of more than 4300 digits"


def test_numbers_that_python_does_not_read_are_told_without_its_advice() -> None:
    with pytest.raises(ValueError) as raised:
        json.loads(LONG)
    assert endless_number(raised.value) == WORDS
    assert endless_number(ValueError("is no number")) is None


def test_numbers_that_python_does_not_write_are_shown_in_words() -> None:
    assert shown([10**5000]) == f"what holds {WORDS}"


def test_models_of_a_text_with_such_a_number_are_refused() -> None:
    with pytest.raises(MetadataError, match=f"^Axis holds {WORDS}$"):
        Axis.model_validate_json(f'{{"name": {LONG}}}')
