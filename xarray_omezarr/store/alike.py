"""Metadata of images that are alike but for position, name and contrast.

The fields of a plate have thousands of documents that say the same in all but a few
values. What is the same is understood once.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel

from xarray_omezarr.ngff.base import Model
from xarray_omezarr.ngff.transforms import Sequence as Chain
from xarray_omezarr.ngff.transforms import Translation

if TYPE_CHECKING:
    from xarray_omezarr.ngff.multiscale import Image, Level
    from xarray_omezarr.ngff.omero import Channel, Omero

M = TypeVar("M", bound=Model)

# Members whose values may differ: the key is no part of the value. A quote inside a
# text has a backslash before it, so none of this is found in texts.
_MEMBER = re.compile(
    rb'("(?:translation|start|end|min|max|name)"\s*:\s*)'
    rb'(\[[^\[\]"{}]*\]|-?[0-9][0-9.eE+-]*|"(?:[^"\\]|\\.)*")'
)
_LIMITS = frozenset({"start", "end", "min", "max"})

_Kind: TypeAlias = Literal["translation", "name", "window", "same"]
#: Where a value that may differ belongs: the level, or the channel and the limit.
Slot: TypeAlias = tuple[_Kind, int, str]
#: Values that differ, by where they belong.
Differences: TypeAlias = Mapping[Slot, Any]
_SAME: Slot = ("same", 0, "")


@dataclass(frozen=True, slots=True)
class Template:
    """The document of one image, cut where others may differ from it.

    Parameters
    ----------
    values : tuple of bytes
        JSON of the values that were cut out.
    slots : tuple
        What each of them is.
    """

    values: tuple[bytes, ...]
    slots: tuple[Slot, ...]

    def differences(self, values: Sequence[bytes]) -> Differences | None:
        """What differs in another document; None if more does than may."""
        if len(values) != len(self.values):
            return None
        pairs = zip(self.values, values, strict=True)
        at = [n for n, (own, other) in enumerate(pairs) if own != other]
        try:
            others = json.loads(b"[" + b",".join(values[n] for n in at) + b"]")
        except ValueError:
            # What is wrong is told when the whole document is read.
            return None
        found: dict[Slot, Any] = {}
        for number, value in zip(at, others, strict=True):
            slot = self.slots[number]
            if not _may_be(slot, value, self.values[number]):
                return None
            found[slot] = value
        return found


Key: TypeAlias = tuple[bytes, ...]


def cut(document: bytes) -> tuple[Key, list[bytes]]:
    """A document without the values that may differ, and these."""
    parts = _MEMBER.split(document)
    return (*parts[0::3], *parts[1::3]), parts[2::3]


def template(document: bytes) -> Template | None:
    """What documents alike to this one are compared to; None if nothing can be."""
    _, values = cut(document)
    marked = [f"\0{number}" for number in range(len(values))]
    text = iter(marked)
    found = json.loads(
        _MEMBER.sub(lambda match: match[1] + json.dumps(next(text)).encode(), document)
    )
    slots = dict.fromkeys(marked, _SAME)
    picture = _standard(found)
    try:
        multiscale = picture["multiscales"][0]
        slots[multiscale.get("name", "")] = ("name", 0, "")
        for number, level in enumerate(multiscale["datasets"]):
            for transformation in _after_scale(level["coordinateTransformations"]):
                mark = transformation.get("translation", "")
                slots[mark] = ("translation", number, "")
        for number, channel in enumerate(picture.get("omero", {}).get("channels", [])):
            for limit, mark in channel.get("window", {}).items():
                if limit in _LIMITS:
                    slots[mark] = ("window", number, limit)
    except (AttributeError, LookupError, TypeError):
        return None
    return Template(tuple(values), tuple(slots[mark] for mark in marked))


def _after_scale(told: Any) -> Any:
    """The transformations after the first, which may stand in a sequence."""
    first, *others = told
    return others or first.get("transformations", [])[1:]


def _standard(found: Mapping[str, Any]) -> Any:
    attrs = found.get("attributes", found)
    return attrs.get("ome", attrs) if isinstance(attrs, Mapping) else attrs


def _may_be(slot: Slot, value: Any, instead_of: bytes) -> bool:
    """Whether a value is valid where another one, here as JSON, is."""
    kind = slot[0]
    if kind == "translation":
        count = instead_of.count(b",") + 1
        is_vector = isinstance(value, list) and instead_of.startswith(b"[")
        return is_vector and len(value) == count and all(map(_is_number, value))
    if kind == "name":
        return isinstance(value, str) and instead_of.startswith(b'"')
    is_number = _is_number(value) and instead_of[:1] not in b'["'
    return kind == "window" and is_number


def _is_number(value: Any) -> bool:
    # The types that JSON gives; a flag is another one.
    return type(value) in (float, int) and math.isfinite(value)


def with_differences(image: Image, differences: Differences) -> Image:
    """The metadata of an image with the values that another one has.

    Everything else is shared between the two. The values were checked, so no model
    is checked again.
    """
    if not differences:
        return image
    first = image.multiscale
    levels = list(first.levels)
    windows: dict[int, dict[str, float]] = {}
    name = first.name
    for (kind, number, limit), value in differences.items():
        if kind == "translation":
            levels[number] = _moved(levels[number], value)
        elif kind == "name":
            name = value
        else:
            windows.setdefault(number, {})[limit] = float(value)
    picture = _copy(first, name=name, levels=tuple(levels))
    omero = _shown(image.omero, windows) if image.omero else None
    return _copy(image, multiscales=(picture, *image.multiscales[1:]), omero=omero)


def _moved(level: Level, values: list[float]) -> Level:
    chain = level.transformation
    if not isinstance(chain, Chain):
        return level
    translation = chain.transformations[-1]
    if not isinstance(translation, Translation):
        return level
    moved = _copy(translation, translation=tuple(map(float, values)))
    parts = (*chain.transformations[:-1], moved)
    return _copy(level, transformation=_copy(chain, transformations=parts))


def _shown(omero: Omero, windows: Mapping[int, Mapping[str, float]]) -> Omero:
    if not windows:
        return omero
    channels: list[Channel] = list(omero.channels)
    for number, limits in windows.items():
        window = channels[number].window
        if window is not None:
            shown = _copy(window, **limits)
            channels[number] = _copy(channels[number], window=shown)
    return _copy(omero, channels=tuple(channels))


def _copy(model: M, **update: Any) -> M:
    return BaseModel.model_copy(model, update=update)
