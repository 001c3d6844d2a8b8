"""Plainness: whether a document holds only what JSON can hold."""

from __future__ import annotations

from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.spot import Spot, is_finite

_MOST = 200_000  # values that are looked at; foreign tables may hold more
_DEEPEST = 500
# Most values are these. A float may be none that JSON has.
_PLAIN = frozenset({str, int, bool, type(None)})
_JSON = "JSON: keys are text; values are numbers, text, true, false, null"


def check_plain(document: Spot) -> None:
    """Measure all values of a document, those of others as well (RULES L12)."""
    if not document.follows_text:
        return
    # Containers still to see, with their depth; a shared one is seen once.
    waiting = [(document, 0)]
    known: set[int] = set()
    left = _MOST
    while waiting and left > 0:
        spot, depth = waiting.pop()
        if id(spot.value) in known:
            continue
        known.add(id(spot.value))
        left -= len(spot.value)
        if depth == _DEEPEST:
            spot.must(f"is nested {depth} levels deep", _JSON, "flatten it")
        else:
            inner = [(child, depth + 1) for child in _check_members(spot)]
            waiting.extend(reversed(inner))


def _check_members(spot: Spot) -> list[Spot]:
    """Note what JSON has not; the members that hold others."""
    is_object = isinstance(spot.value, dict)
    inner = []
    for key, item in spot.value.items() if is_object else enumerate(spot.value):
        if type(item) in _PLAIN and (type(key) is str or not is_object):
            continue
        child = Spot(item, spot.log, spot, key)
        if is_object and not isinstance(key, str):
            child.must(
                f"has the key {seen(key)}, which is not text", _JSON, "write it as text"
            )
        if isinstance(item, dict | list | tuple):
            inner.append(child)
        else:
            _check_scalar(child)
    return inner


def _check_scalar(spot: Spot) -> None:
    value = spot.value
    if value is None or isinstance(value, str | bool):
        return
    if not isinstance(value, int | float):
        spot.must(f"is {seen(value)}", _JSON, "write it as plain JSON")
    elif not is_finite(value):
        spot.must(f"is {seen(value)}, which JSON has not", _JSON, "leave it out")
