"""OME-XML text: what it says of its images, and what may not stand in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.plain import shown

#: Sizes that every image tells, by the letter of its dimension.
DIMENSIONS = "XYZCT"

# Any release of the schema: the names here have been the same in all of them.
_NAMESPACE = re.compile(r"https?://www\.openmicroscopy\.org/Schemas/OME/\d{4}-\d{2}/?")
# Releases before 2015 have pixels in a namespace of their own.
_BINARY = re.compile(r"https?://www\.openmicroscopy\.org/Schemas/BinaryFile/.*")
# The encoding that a text declares. Texts are stored as UTF-8, whatever they were.
_ENCODING = re.compile(r"""(\A<\?xml[^>]*?encoding\s*=\s*["'])([A-Za-z0-9._-]+)""")
_PIXELS_ELSEWHERE = frozenset({"BinData", "TiffData"})
_TAG = re.compile(rb"<([^\s:/>]+:)?")


@dataclass(frozen=True, slots=True)
class XmlImage:
    """What a text says of one image; None where it does not say it."""

    name: str | None
    sizes: Mapping[str, int | None]
    type: str | None


@dataclass(frozen=True, slots=True)
class OmeXml:
    """A text of OME-XML, and what it says of each image."""

    text: str
    images: tuple[XmlImage, ...]


def parse_ome_xml(text: str) -> OmeXml:
    """The images of a text; places of pixels in other files become MetadataOnly.

    Parameters
    ----------
    text : str
        OME-XML of any release.

    Raises
    ------
    MetadataError
        If it is not well-formed, is no OME-XML, or has a document type, which can
        make a small text huge and name files of the reader's machine.

    Examples
    --------
    >>> xml = parse_ome_xml(
    ...     "<OME xmlns='http://www.openmicroscopy.org/Schemas/OME/2016-06'>"
    ...     "<Image ID='Image:0' Name='dots'><Pixels Type='uint8' SizeX='5' SizeY='4' "
    ...     "SizeZ='1' SizeC='1' SizeT='1'><TiffData/></Pixels></Image></OME>"
    ... )
    >>> xml.images[0].name, xml.images[0].sizes["X"]
    ('dots', 5)
    >>> "<MetadataOnly/></Pixels>" in xml.text
    True
    """
    text = _ENCODING.sub(r"\1UTF-8", text.lstrip("\ufeff \t\r\n"))
    content = text.encode("utf-8", errors="replace")
    reader = _Reader(content)
    try:
        reader.parser.Parse(content, True)
    except expat.ExpatError as error:
        raise MetadataError(
            f"The OME-XML is not well-formed: {error}; give the text of a file such as "
            "METADATA.ome.xml"
        ) from error
    images = tuple(image.finished() for image in reader.images)
    return OmeXml(reader.text(), images)


@dataclass(slots=True)
class _Found:
    """An image while it is read.

    Where pixels are in other files stands between the bytes `elsewhere`.
    """

    attributes: Mapping[str, str]
    pixels: Mapping[str, str] = field(default_factory=dict)
    elsewhere: list[tuple[int, int]] = field(default_factory=list)

    def finished(self) -> XmlImage:
        sizes = {letter: _integer(self.pixels, letter) for letter in DIMENSIONS}
        return XmlImage(self.attributes.get("Name"), sizes, self.pixels.get("Type"))


def _integer(pixels: Mapping[str, str], letter: str) -> int | None:
    text = pixels.get(f"Size{letter}", "").strip()
    return int(text) if re.fullmatch(r"\+?[0-9]{1,18}", text) else None


class _Reader:
    """Handlers of one parser: they note images, and where pixels are elsewhere."""

    def __init__(self, content: bytes) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = self._refuse_doctype
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.images: list[_Found] = []
        self._content = content
        self._path: list[str] = []
        self._namespace = ""
        self._began = 0

    def text(self) -> str:
        """The text; pixels in other files are replaced by MetadataOnly."""
        # RULES F4: of the elements that say where pixels are, only this one.
        parts, done = [], 0
        for image in self.images:
            for number, (first, last) in enumerate(image.elsewhere):
                parts.append(self._content[done:first])
                if number == 0:
                    parts.append(b"<" + self._prefix(first) + b"MetadataOnly/>")
                done = last
        return b"".join([*parts, self._content[done:]]).decode("utf-8")

    def _prefix(self, first: int) -> bytes:
        """What the name of an element begins with for its namespace, with the colon."""
        tag = _TAG.match(self._content, first)
        return (tag[1] if tag else None) or b""

    def _refuse_doctype(self, name: str, *_: Any) -> None:
        raise MetadataError(
            f"The OME-XML has a document type, <!DOCTYPE {name} ...>, which OME-XML "
            "does not need and which can harm those who read it; remove it"
        )

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if not self._path:
            _check_root(namespace, local)
            self._namespace = namespace
        is_ours = namespace == self._namespace or _BINARY.fullmatch(namespace)
        self._path.append(local if is_ours else "")
        if self._path == ["OME", "Image"]:
            self.images.append(_Found(attributes))
        elif self._path == ["OME", "Image", "Pixels"]:
            self.images[-1].pixels = attributes
        elif self._is_elsewhere():
            self._began = self.parser.CurrentByteIndex

    def _end(self, name: str) -> None:
        if self._is_elsewhere():
            last = self.parser.CurrentByteIndex
            closing = b"</" + self._prefix(self._began) + self._path[-1].encode()
            # Of an element without an end tag this is where it ends, else where the
            # end tag begins.
            if self._content.startswith(closing, last):
                last = self._content.index(b">", last) + 1
            self.images[-1].elsewhere.append((self._began, last))
        self._path.pop()

    def _is_elsewhere(self) -> bool:
        # Looked at for every element, of which there may be very many in one another.
        if len(self._path) != 4:
            return False
        *parents, name = self._path
        return parents == ["OME", "Image", "Pixels"] and name in _PIXELS_ELSEWHERE


def _check_root(namespace: str, name: str) -> None:
    if name != "OME" or not _NAMESPACE.fullmatch(namespace):
        raise MetadataError(
            f"The OME-XML has the root {shown(name)} in the namespace "
            f"{shown(namespace)}: give text whose root is OME, in a namespace such as "
            "'http://www.openmicroscopy.org/Schemas/OME/2016-06'"
        )
