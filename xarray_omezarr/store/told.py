"""Methods of downsampling in words that are the same in every process."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import types
from collections.abc import Iterable, Mapping

import numpy as np

from xarray_omezarr.pixels.filters import FILTERS

# Bytes of a digest that are kept: nobody forges a plan.
_DIGEST = 10

# Values of constants and defaults that a function can be told by.
_PLAIN = (type(None), bool, int, float, complex, str, bytes, np.generic, np.dtype)


def digest(parts: Iterable[object]) -> str:
    """A short text that is another for other parts."""
    made = hashlib.sha256()
    for part in parts:
        content = part if isinstance(part, bytes) else str(part).encode()
        # Where a part ends is told, too.
        made.update(b"%d:" % len(content) + content)
    return made.hexdigest()[: 2 * _DIGEST]


def told(method: object) -> str | None:
    """A method in words that are the same in another process; None if there are none.

    Parameters
    ----------
    method : str or callable
        Of a function the words are its name, its code, and the values it brings along:
        not the functions and modules that it uses.

    Examples
    --------
    >>> told("mean")
    'mean'
    >>> told(lambda block, factors: block) == told(lambda block, factors: -block)
    False
    >>> told(print) is None
    True
    """
    try:
        return _told(method)
    except (RecursionError, ValueError):
        # It brings itself along, or what it brings along is not there yet.
        return None


def _told(function: object) -> str | None:
    if isinstance(function, str):
        return f"{function} {_versions()}" if function in FILTERS else function
    if isinstance(function, functools.partial):
        return _joined(function.func, function.args, function.keywords)
    if isinstance(function, types.FunctionType):
        cells = [cell.cell_contents for cell in function.__closure__ or ()]
        inside = _joined(cells, function.__defaults__, function.__kwdefaults__)
        code = _code(function.__code__)
        name = f"{function.__module__}.{function.__qualname__}"
        return None if inside is None else f"{name} {code} {inside}"
    return None


def _joined(*values: object) -> str | None:
    known = [each for value in values if (each := _value(value)) is not None]
    return None if len(known) < len(values) else f"({', '.join(known)})"


def _value(value: object) -> str | None:
    if isinstance(value, _PLAIN):
        return f"{type(value).__name__} {value!r}"
    if isinstance(value, (tuple, list)):
        inside = _joined(*value)
        return None if inside is None else f"{type(value).__name__} {inside}"
    if isinstance(value, Mapping):
        return _joined(*(each for item in value.items() for each in item))
    return _told(value) if callable(value) else None


def _code(code: types.CodeType) -> str:
    """What code does, wherever in its file it stands."""
    parts: list[object] = [code.co_code, code.co_names, code.co_varnames]
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            parts.append(_code(constant))
        elif isinstance(constant, frozenset):
            parts.append(sorted(map(repr, constant)))
        else:
            parts.append(repr(constant))
    return digest(parts)


@functools.cache
def _versions() -> str:
    """Versions of the packages that the extra methods are made of."""
    found = []
    for name in ("scikit-image", "scipy"):
        try:
            found.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            continue
    return ", ".join(found)
