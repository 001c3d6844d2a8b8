from __future__ import annotations

import pytest

from xarray_omezarr.ngff.rules.graph import Graph
from xarray_omezarr.ngff.rules.sameness import first_repeated


@pytest.mark.parametrize(
    ("values", "index"),
    [
        ([], None),
        ([1, 1.0], 1),
        ([1, True], None),
        ([0, False, None, "", [], {}], None),
        (["1", 1], None),
        ([[1, 2], [2, 1], [1, 2]], 2),
        ([{"a": 1, "b": 2}, {"b": 2, "a": 1}], 1),
        ([{"a": [1]}, {"a": [1.0]}], 1),
        ([(1, 2), [1, 2]], 1),
    ],
)
def test_equal_is_what_json_counts_as_equal(values, index) -> None:
    assert first_repeated(values) == index


def test_what_holds_itself_ends() -> None:
    loop: list[object] = []
    loop.append(loop)
    assert first_repeated([loop, 1, loop]) == 2


def test_shared_parts_are_looked_at_once() -> None:
    part: list[object] = [1]
    for _ in range(80):
        part = [part, part]
    assert first_repeated([[part], part, [part]]) == 2


def test_joined_systems_are_joined_over_any_number_of_steps() -> None:
    graph = Graph("abcdef")
    for one, other in ("ab", "cd", "bc"):
        graph.join(one, other)
    assert graph.apart_from("d") == ["e", "f"]
