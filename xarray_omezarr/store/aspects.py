"""What the metadata of a plan say, item by item, to tell what differs."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.store.told import digest

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy

# By the key that something stands under in a model; the outermost counts.
_BY_KEY = {
    "omero": "channels",
    "axes": "units",
    "transformation": "coordinates",
    "coordinate_transformations": "coordinates",
    "name": "name",
}

#: The items, in the order in which they are told.
ITEMS = ("version", "name", "channels", "coordinates", "units", "attributes")

# Characters of a value that is stored, and shown, as it is.
_MOST = 80
# Plates have hundreds of images, which are told alike.
_GROUPS = 16
# Of each of them only what people recognise.
_SHOWN = {
    "channels": "label",
    "coordinates": "scale",
    "units": "unit",
}


def items_of(hierarchy: Hierarchy) -> dict[str, str]:
    """Each item of the metadata, as it is where it is short, and its digest."""
    found: dict[str, list[Any]] = {name: [] for name in ITEMS}
    found["version"].append(hierarchy.version.name)
    for node in itertools.islice(hierarchy.groups.values(), _GROUPS):
        if node.model is not None:
            _sort(json.loads(node.model.model_dump_json()), found)
        if node.attrs:
            text = json.dumps(dict(node.attrs), sort_keys=True, default=repr)
            found["attributes"].append(json.loads(text))
    return {name: _short(name, values) for name, values in found.items()}


def _sort(value: Any, found: dict[str, list[Any]]) -> None:
    if isinstance(value, dict):
        for key, part in value.items():
            if key in _BY_KEY:
                if part is not None:
                    found[_BY_KEY[key]].append(part)
            elif key == "coordinate_systems":
                for system in part:
                    found["units"].append(system.get("axes"))
            else:
                _sort(part, found)
    elif isinstance(value, list):
        for part in value:
            _sort(part, found)


def _short(name: str, values: list[Any]) -> str:
    """What is shown, and a digest of all."""
    key = _SHOWN.get(name)
    shown = values if key is None else [*_under(key, values)]
    text = json.dumps(shown[0] if len(shown) == 1 else shown)
    text = text if len(text) <= _MOST else ""
    return f"{text} {digest([json.dumps(values, sort_keys=True)])[:8]}".strip()


def _under(key: str, value: Any) -> list[Any]:
    """The values of a key, however deep."""
    if isinstance(value, dict):
        own = [part for name, part in value.items() if name == key and part is not None]
        return own + [x for part in value.values() for x in _under(key, part)]
    if isinstance(value, list):
        return [x for part in value for x in _under(key, part)]
    return []


def differences(ours: Mapping[str, str], theirs: object) -> list[str]:
    """The items that differ, in words, with both values where they are short.

    Parameters
    ----------
    ours : mapping
        The items of what is to be written.
    theirs : object
        Those of what was begun, as they are stored: anything may stand there.

    Examples
    --------
    >>> differences({"name": '"a" 01'}, {"name": '"b" 02'})
    ['name is "b" there and "a" here']
    """
    if not isinstance(theirs, Mapping):
        return []
    return [
        _told(name, own, str(theirs[name]))
        for name, own in ours.items()
        if name in theirs and theirs[name] != own
    ]


def _told(name: str, ours: str, theirs: str) -> str:
    here, there = (text.rpartition(" ")[0] for text in (ours, theirs))
    if not (here and there) or here == there:
        return f"{name} differ{'s' if name in ('version', 'name') else ''}"
    verb = "is" if name in ("version", "name") else "are"
    return f"{name} {verb} {there[:_MOST]} there and {here} here"
