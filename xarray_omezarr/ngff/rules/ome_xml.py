"""Bytes of OME-XML -> what they say of each image; nothing is raised."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

_NAMESPACE = re.compile(r"https?://www\.openmicroscopy\.org/Schemas/OME/\d{4}-\d{2}/?")
_SIZE = re.compile(r"[0-9]{1,18}")
# Pixels that are said to be in other files, or in the text itself.
_ELSEWHERE = frozenset({"BinData", "TiffData"})
_MOST_IMAGES = 1_000_000


@dataclass(slots=True)
class XmlImage:
    """One image of a text.

    Parameters
    ----------
    name : str
        As it is told; empty if it is not.
    sizes : mapping
        By the letter of the dimension, those that are told.
    elsewhere : str
        Name of an element that says where pixels are other than in the store.
    """

    name: str
    sizes: Mapping[str, int] = field(default_factory=dict)
    elsewhere: str = ""


@dataclass(frozen=True, slots=True)
class XmlText:
    """What a text says, and why it is no OME-XML."""

    images: tuple[XmlImage, ...]
    problem: str | None = None


class _Refused(Exception):
    """What a text must not have."""


def read_ome_xml(raw: bytes) -> XmlText:
    """The images in a file such as ``METADATA.ome.xml``.

    Document types are refused: they make small texts huge and name files of the
    reader's machine.

    Examples
    --------
    >>> text = b"<OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06'/>"
    >>> read_ome_xml(text)
    XmlText(images=(), problem=None)
    >>> read_ome_xml(b"<a/>").problem
    "its root element is 'a' in no namespace instead of OME"
    """
    reader = _Reader()
    try:
        reader.parser.Parse(raw, True)
    except (_Refused, expat.ExpatError) as error:
        return XmlText((), str(error)[:300])
    # An encoding that Python does not know, or one that it does wrongly.
    except (LookupError, ValueError) as error:
        return XmlText((), f"its encoding cannot be read: {error}"[:300])
    return XmlText(tuple(reader.images))


class _Reader:
    """Collects images while expat reads."""

    def __init__(self) -> None:
        self.images: list[XmlImage] = []
        self._path: list[str] = []
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.StartDoctypeDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        raise _Refused("it has a document type")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        space, _, local = name.rpartition(" ")
        if not self._path and (local != "OME" or not _NAMESPACE.fullmatch(space)):
            where = f"namespace {space[:80]!r}" if space else "no namespace"
            raise _Refused(
                f"its root element is {local[:80]!r} in {where} instead of OME"
            )
        self._path.append(local)
        if self._path == ["OME", "Image"] and len(self.images) < _MOST_IMAGES:
            self.images.append(XmlImage(attributes.get("Name", "")))
        elif self._path == ["OME", "Image", "Pixels"] and self.images:
            sizes = {letter: attributes.get(f"Size{letter}", "") for letter in "XYZCT"}
            self.images[-1].sizes = {
                letter: int(size)
                for letter, size in sizes.items()
                if _SIZE.fullmatch(size)
            }
        elif self._path[:3] == ["OME", "Image", "Pixels"] and local in _ELSEWHERE:
            if self.images:
                self.images[-1].elsewhere = local

    def _end(self, name: str) -> None:
        self._path.pop()
