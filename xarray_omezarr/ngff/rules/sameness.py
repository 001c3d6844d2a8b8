"""Sameness: whether entries of a list are equal as JSON counts it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Any

_DEEPEST = 100  # below it a value is only equal to itself

# Python's own equality is that of JSON for them; all others are told apart by tuples.
_PLAIN = frozenset({str, int, float, type(None)})


def first_repeated(values: Iterable[object]) -> int | None:
    """The index of the first value that equals an earlier one; None if there is none.

    As in JSON ``1`` equals ``1.0`` and neither equals ``true``.

    Examples
    --------
    >>> first_repeated([{"a": 1, "b": []}, 1, True, {"b": [], "a": 1.0}])
    3
    """
    keys = _Keys()
    known: set[Hashable] = set()
    for i, value in enumerate(values):
        key = keys.of(value, 0)
        if key in known:
            return i
        known.add(key)
    return None


class _Keys:
    """Gives equal values equal keys, each part once: shared parts cost nothing."""

    def __init__(self) -> None:
        self._numbers: dict[Hashable, int] = {}
        # Values are kept with their keys, as an id is only theirs while they live.
        self._by_id: dict[int, tuple[object, Hashable]] = {}

    def of(self, value: object, depth: int) -> Hashable:
        if type(value) in _PLAIN:
            return value
        if not isinstance(value, dict | list | tuple):
            return _scalar(value)
        if id(value) in self._by_id:
            return self._by_id[id(value)][1]
        # Taken by what contains itself.
        itself: Hashable = ("self", id(value))
        self._by_id[id(value)] = (value, itself)
        if depth == _DEEPEST:
            return itself
        parts = self._parts(value, depth + 1)
        key = ("container", self._numbers.setdefault(parts, len(self._numbers)))
        self._by_id[id(value)] = (value, key)
        return key

    def _parts(self, value: Any, depth: int) -> Hashable:
        if isinstance(value, dict):
            return frozenset(
                (self.of(key, depth), self.of(item, depth))
                for key, item in value.items()
            )
        return tuple(
            item if type(item) in _PLAIN else self.of(item, depth) for item in value
        )


def _scalar(value: object) -> Hashable:
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, str):
        return str.__str__(value)
    return float(value) if isinstance(value, float) else ("other", id(value))
