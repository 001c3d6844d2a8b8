"""Sameness: whether entries of a list are equal as JSON counts it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, TypeAlias

_DEEPEST = 100  # below it a value is only equal to itself

_Key: TypeAlias = tuple[Any, ...]


def first_repeated(values: Iterable[object]) -> int | None:
    """The index of the first value that equals an earlier one; None if there is none.

    As in JSON ``1`` equals ``1.0`` and neither equals ``true``.

    Examples
    --------
    >>> first_repeated([{"a": 1, "b": []}, 1, True, {"b": [], "a": 1.0}])
    3
    """
    numbers = _Numbers()
    known: set[int] = set()
    for i, value in enumerate(values):
        number = numbers.of(value)
        if number in known:
            return i
        known.add(number)
    return None


class _Numbers:
    """Gives equal values equal numbers, each part once: shared parts cost nothing."""

    def __init__(self) -> None:
        self._by_key: dict[_Key, int] = {}
        # Values are kept with their numbers, as an id is only theirs while they live.
        self._by_id: dict[int, tuple[object, int]] = {}

    def of(self, value: object, depth: int = 0) -> int:
        if not isinstance(value, dict | list | tuple):
            return self._number(_scalar(value))
        if id(value) in self._by_id:
            return self._by_id[id(value)][1]
        # Taken by what contains itself.
        self._by_id[id(value)] = (value, self._number(("self", id(value))))
        if depth == _DEEPEST:
            return self._by_id[id(value)][1]
        number = self._number(self._key(value, depth))
        self._by_id[id(value)] = (value, number)
        return number

    def _key(self, value: Any, depth: int) -> _Key:
        if isinstance(value, dict):
            members = [
                (self.of(key, depth + 1), self.of(item, depth + 1))
                for key, item in value.items()
            ]
            return ("object", *sorted(members))
        return ("list", *(self.of(item, depth + 1) for item in value))

    def _number(self, key: _Key) -> int:
        return self._by_key.setdefault(key, len(self._by_key))


def _scalar(value: object) -> _Key:
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, int | float):
        return ("number", value)
    if isinstance(value, str):
        return ("text", value)
    return ("null",) if value is None else ("other", id(value))
