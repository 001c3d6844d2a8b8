"""A change of a model put into attributes that stand: only what differs is touched.

Attributes in use hold keys of others, whole numbers where models have floats, and slips
that reading forgives. The change is told by two spellings of the same version, before
and after; what is alike in both stays in the file to the letter.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

from xarray_omezarr.ngff.multiscale import Image

if TYPE_CHECKING:
    from xarray_omezarr.ngff.omero import Omero
    from xarray_omezarr.ngff.plate import Plate
    from xarray_omezarr.ngff.versions.protocol import Version

Json: TypeAlias = Any


def patch_image(
    version: Version, attrs: Mapping[str, Json], before: Image, after: Image
) -> dict[str, Json]:
    """`attrs` of an image or label image with the pictures of `after`.

    Parameters
    ----------
    version : Version
        How they are spelled.
    attrs : mapping
        All attributes of the group.
    before, after : Image
        What they say, and shall say: names, axes and transformations. Channels are
        not looked at.
    """
    patched = copy.deepcopy(dict(attrs))
    # Without channels: those of files in use may lack what writers must give.
    spelled = [
        _holder(version.to_attrs(Image(multiscales=image.multiscales)))["multiscales"]
        for image in (before, after)
    ]
    holder = _holder(patched)
    holder["multiscales"] = patch(holder["multiscales"], *spelled)
    return patched


def patch_channels(
    version: Version, attrs: Mapping[str, Json], image: Image, omero: Omero
) -> dict[str, Json]:
    """`attrs` of an image with the channels of `omero`; fields not given stay."""
    patched = copy.deepcopy(dict(attrs))
    holder = _holder(patched)
    full = Image(multiscales=image.multiscales[:1], omero=omero)
    spelled = _holder(version.to_attrs(full))["omero"]
    known = holder.get("omero")
    if not isinstance(known, Mapping):
        holder["omero"] = spelled
        return patched
    old = known.get("channels")
    entries = old if isinstance(old, list) else []
    if len(entries) != len(spelled["channels"]):
        entries = [{}] * len(spelled["channels"])
    channels = [
        _overlaid(entry, channel)
        for entry, channel in zip(entries, spelled["channels"], strict=True)
    ]
    holder["omero"] = {**known, "channels": channels}
    return patched


def patch_plate(
    version: Version, attrs: Mapping[str, Json], before: Plate, after: Plate
) -> dict[str, Json]:
    """`attrs` of a plate with what differs between two models of it."""
    spelled = (version.to_attrs(before), version.to_attrs(after))
    changed = patch(copy.deepcopy(dict(attrs)), *spelled)
    return dict(changed)


def patch(value: Json, before: Json, after: Json) -> Json:
    """`value` with what `after` has otherwise than `before`.

    Examples
    --------
    >>> patch({"note": 1, "a": [1, 2]}, {"a": [1.0, 2.0]}, {"a": [1.0, 3.0]})
    {'note': 1, 'a': [1, 3.0]}
    """
    if before == after:
        return value
    if _all(Mapping, value, before, after) and _alike(value, before, after):
        return _patched_object(value, before, after)
    if _all(list, value, before, after) and len(value) == len(before) == len(after):
        parts = [*zip(value, before, after, strict=True)]
        if all(_alike(*part) for part in parts):
            return [patch(*part) for part in parts]
    return after


def _patched_object(
    value: Mapping[str, Json], before: Mapping[str, Json], after: Mapping[str, Json]
) -> dict[str, Json]:
    gone = before.keys() - after.keys()
    result = {key: item for key, item in value.items() if key not in gone}
    for key, item in after.items():
        if key not in before:
            result[key] = item
        elif before[key] != item:
            result[key] = patch(value.get(key), before[key], item)
    return result


def _all(kind: type, *values: Json) -> bool:
    return all(isinstance(value, kind) for value in values)


def _alike(value: Json, before: Json, after: Json) -> bool:
    """Whether objects are of one kind: a scale is no translation."""
    kinds = [v.get("type") if isinstance(v, Mapping) else None for v in (value, before)]
    # Axes may get a type; a transformation of another type is another one.
    return kinds[0] == kinds[1] and (
        not isinstance(after, Mapping) or after.get("type") == kinds[0]
    )


def _overlaid(known: Json, given: Json) -> Json:
    """`given` over `known`, and `known` itself where both say the same."""
    if known == given:
        return known
    if isinstance(known, Mapping) and isinstance(given, Mapping):
        laid = {key: _overlaid(known.get(key), item) for key, item in given.items()}
        return {**known, **laid}
    return given


def _holder(attrs: dict[str, Any]) -> dict[str, Any]:
    """The object that has the key ``multiscales``: the attributes, or one in them."""
    if "multiscales" in attrs:
        return attrs
    inner: dict[str, Any] = attrs["ome"]
    return inner
