"""OME-XML of a collection that gets a series more: all else in the text stays."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from xml.parsers import expat

from xarray_omezarr.errors import MetadataError, warn
from xarray_omezarr.write.ome_xml import ImageFacts, image_element, make_ome_xml
from xarray_omezarr.write.ome_xml_text import parse_ome_xml

if TYPE_CHECKING:
    from xarray_omezarr.write.series_added import AddSeries

_NUMBER = re.compile(r"(?:Image|Pixels|Channel):(\d{1,9})\b")
# Units of distances are said since this release.
_UNITS_SINCE = "2015-01"
_RELEASE = re.compile(r"\d{4}-\d{2}")


@dataclass(frozen=True, slots=True)
class DescribeSeries:
    """The text of a collection with the image of a series that was added.

    Parameters
    ----------
    series : AddSeries
        The list of the series; it is called before.
    fact : ImageFacts
        What is said of the image.
    """

    series: AddSeries
    fact: ImageFacts

    def __call__(self, content: bytes | None) -> bytes | None:
        """The text as it shall be; None where none is written."""
        listed = () if self.series.listed is None else self.series.listed.series
        if content is None:
            # A collection that others made without a text goes on without.
            is_first = listed == (self.series.path,)
            return make_ome_xml([self.fact]).encode() if is_first else None
        try:
            index = listed.index(self.series.path)
            last = len(listed) - 1
            before = last if self.series.is_new and index < last else None
            return with_image(content, index, self.fact, before=before)
        except (MetadataError, UnicodeError) as error:
            warn(
                f"The OME-XML of the collection stays as it is, without image "
                f"{self.series.path!r}: {error}"
            )
            return None


def with_image(
    content: bytes, index: int, fact: ImageFacts, *, before: int | None = None
) -> bytes:
    """The text with an image at the place `index`: a new one, or in place of the old.

    Parameters
    ----------
    content : bytes
        OME-XML.
    index : int
        Which of its images; the number of its images adds one.
    fact : ImageFacts
        What is said of the image.
    before : int, optional
        How many images there were before one that comes between them.

    Raises
    ------
    MetadataError
        If it is no OME-XML, or has other images than are before.
    """
    parse_ome_xml(content.decode("utf-8"))
    spans = _Spans.of(content)
    count = len(spans.images)
    if index > count or before not in (None, count):
        raise MetadataError(
            f"it describes {count} images, and there were {before or index}"
        )
    release = _RELEASE.search(spans.namespace)
    if release is not None and release[0] < _UNITS_SINCE:
        fact = replace(fact, steps={})
    is_replaced = index < count and before is None
    first, last = spans.images[index] if is_replaced else (0, len(content))
    # What is replaced keeps its number, by which others may refer to it.
    numbers = [int(n) for n in _NUMBER.findall(content[first:last].decode("utf-8"))]
    number = numbers[0] if is_replaced and numbers else max(numbers, default=-1) + 1
    element = image_element(number, fact)
    element.set("xmlns", spans.namespace)
    ET.indent(element)
    # In ASCII it means the same in every encoding of the text round it.
    written: bytes = ET.tostring(element, encoding="us-ascii")
    new = b"\n" + written.strip() + b"\n"
    if is_replaced:
        return content[:first] + new.strip() + content[last:]
    if index < count:
        first = spans.images[index][0]
        return content[:first] + new.lstrip() + content[first:]
    at = spans.images[-1][1] if spans.images else spans.end
    return content[:at] + new + content[at:].lstrip(b"\r\n")


@dataclass(slots=True)
class _Spans:
    """Where the images of a text begin and end, in bytes."""

    namespace: str = ""
    images: list[tuple[int, int]] = field(default_factory=list)
    end: int = 0

    @classmethod
    def of(cls, content: bytes) -> _Spans:
        """Of a text that is OME-XML."""
        found = cls()
        parser = expat.ParserCreate(namespace_separator=" ")
        path: list[str] = []
        began = 0

        def start(name: str, _attributes: Any) -> None:
            nonlocal began
            namespace, _, local = name.rpartition(" ")
            path.append(local)
            found.namespace = found.namespace or namespace
            if path == ["OME", "Image"]:
                began = parser.CurrentByteIndex

        def stop(_name: str) -> None:
            at = parser.CurrentByteIndex
            if path == ["OME", "Image"]:
                found.images.append((began, content.index(b">", at) + 1))
            elif path == ["OME"]:
                found.end = at
            path.pop()

        parser.StartElementHandler = start
        parser.EndElementHandler = stop
        parser.Parse(content, True)
        return found
