"""Plainness: whether a document holds only what JSON can hold."""

from __future__ import annotations

from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.spot import Spot, is_finite

_MOST = 200_000  # values that are looked at; foreign tables may hold more
_DEEPEST = 500
_JSON = "JSON: keys are text; values are numbers, text, true, false, null"


def check_plain(document: Spot) -> None:
    """Measure all values of a document, those of others as well (RULES L12)."""
    if not document.follows_text:
        return
    # Values still to see, with their depth; a shared value is seen once.
    waiting = [(document, 0)]
    known: set[int] = set()
    seen_so_far = 0
    while waiting and seen_so_far < _MOST:
        spot, depth = waiting.pop()
        seen_so_far += 1
        value = spot.value
        if isinstance(value, dict | list | tuple):
            if id(value) in known:
                continue
            known.add(id(value))
            if depth == _DEEPEST:
                spot.must(f"is nested {depth} levels deep", _JSON, "flatten it")
                continue
            waiting.extend((child, depth + 1) for child in _children(spot))
        else:
            _check_scalar(spot)


def _children(spot: Spot) -> list[Spot]:
    if not isinstance(spot.value, dict):
        return list(spot.items())
    children = []
    for key, item in spot.value.items():
        child = Spot(item, spot.log, spot, key)
        if not isinstance(key, str):
            child.must(f"has the key {seen(key)}, which is not text", _JSON)
        children.append(child)
    children.reverse()
    return children


def _check_scalar(spot: Spot) -> None:
    value = spot.value
    if value is None or isinstance(value, str | bool):
        return
    if not isinstance(value, int | float):
        spot.must(f"is {seen(value)}", _JSON, "write it as plain JSON")
    elif not is_finite(value):
        spot.must(f"is {seen(value)}, which JSON has not", _JSON, "leave it out")
