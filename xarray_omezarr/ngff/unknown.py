"""Unknown keys of metadata, told apart from what a program has a place for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from xarray_omezarr.ngff.base import Model
from xarray_omezarr.ngff.multiscale import Multiscale
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.ngff.spaces import has_spaces, spaces, with_spaces
from xarray_omezarr.ngff.transforms import SystemReference

M = TypeVar("M", bound=Model)

G = TypeVar("G", Plate, Well)

_WORDS: dict[type[Model], str] = {Plate: "plate", Well: "well"}
# Lists of a plate whose entries a tree spells in its nodes.
_OF_PLATE = ("rows", "columns", "wells")

# Of a transformation, which need not tell them.
_ENDS = ("input", "output")

# Told as a whole, but for unknown keys of the axes that arrays have.
_SPACES = ("coordinate_systems", "coordinate_transformations")

# What tells one entry of a list from another, so that its unknown keys find it
# again after entries were added, removed or put into another order.
_IDENTITIES = frozenset({"path", "label-value", "label", "name", "id"})


def unknown(model: Model) -> dict[str, Any]:
    """The unknown keys of a model and of the models in it; empty if there are none.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Axis, CoordinateSystem
    >>> x = Axis(name="x", type="space", orientation={"value": "left-to-right"})
    >>> unknown(CoordinateSystem(name="physical", axes=(x,)))
    {'axes': [{'name': 'x', 'orientation': {'value': 'left-to-right'}}]}
    """
    found = model.extras()
    if isinstance(model, Multiscale):
        found |= spaces(model)
    for name in type(model).model_fields:
        value = getattr(model, name)
        if isinstance(model, Multiscale) and name in _SPACES:
            value = (model.system,) if name == "coordinate_systems" else None
        if isinstance(value, Model):
            inner: Any = unknown(value)
        elif isinstance(value, tuple):
            inner = [
                {**_identity(entry, index), **keys}
                for index, entry in enumerate(value)
                if isinstance(entry, Model) and (keys := unknown(entry))
            ]
        else:
            continue
        if inner:
            found[name] = inner
    return found


def with_unknown(model: M, keys: object) -> M:
    """The model with unknown keys as `unknown` gives them; known ones never change."""
    if not isinstance(keys, Mapping):
        return model
    if isinstance(model, Multiscale) and has_spaces(keys):
        model = cast("M", with_spaces(model, keys))
    fields = type(model).model_fields
    update: dict[str, Any] = {
        key: value
        for key, value in keys.items()
        if key not in fields and key not in _json_keys(model)
    }
    for name in fields:
        value, inner = getattr(model, name), keys.get(name)
        if value is None and name in _ENDS and isinstance(inner, Mapping):
            # Which system it is, the place of the transformation tells.
            value = SystemReference()
        if isinstance(value, Model):
            update[name] = with_unknown(value, inner)
        elif isinstance(value, tuple) and isinstance(inner, list):
            update[name] = tuple(
                with_unknown(entry, _matching(entry, index, inner))
                if isinstance(entry, Model)
                else entry
                for index, entry in enumerate(value)
            )
    return model.model_copy(update=update) if update else model


def unknown_beside(model: Plate | Well) -> dict[str, Any]:
    """The unknown keys of the group of a plate or well, and under its word its own.

    What a plate itself says besides is no part of it, nor are its acquisitions: those
    who keep the plate as it is spelled have both.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Field
    >>> well = Well(images=(Field(path="0", x_mm=1.5),), beside={"lab": "7"})
    >>> unknown_beside(well)
    {'lab': '7', 'well': {'images': [{'path': '0', 'x_mm': 1.5}]}}
    """
    own = unknown(model)
    if isinstance(model, Plate):
        own = {key: own[key] for key in _OF_PLATE if key in own}
    return {**model.beside, **({_WORDS[type(model)]: own} if own else {})}


def with_unknown_beside(model: G, keys: object) -> G:
    """The plate or well with unknown keys as `unknown_beside` gives them."""
    if not isinstance(keys, Mapping):
        return model
    word = _WORDS[type(model)]
    beside = {**model.beside, **{k: v for k, v in keys.items() if k != word}}
    return with_unknown(model.model_copy(update={"beside": beside}), keys.get(word))


def _json_keys(model: Model) -> set[str]:
    return set(type(model).json_keys().values())


def _identity(entry: Model, index: int) -> dict[str, Any]:
    if isinstance(entry, Multiscale):
        # Written under another name it is still the picture that was read.
        return {"index": index}
    for name, key in entry.json_keys().items():
        value = getattr(entry, name)
        if key in _IDENTITIES and value is not None:
            return {key: value}
    return {"index": index}


def _matching(entry: Model, index: int, candidates: list[Any]) -> object:
    identity = _identity(entry, index)
    for candidate in candidates:
        if isinstance(candidate, Mapping) and identity.items() <= candidate.items():
            return {k: v for k, v in candidate.items() if k not in identity}
    return None
