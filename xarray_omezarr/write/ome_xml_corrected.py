"""OME-XML whose images were corrected: attributes of its elements, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from xarray_omezarr.errors import MetadataError, some, warn
from xarray_omezarr.write.ome_xml import ImageFacts, image_element
from xarray_omezarr.write.ome_xml_text import parse_ome_xml

# A start tag: what stands in quotes may hold its end.
_TAG = re.compile(rb"""<(?:"[^"]*"|'[^']*'|[^"'>])*>""")
_IMAGE = ["OME", "Image"]
_SHOWN = 4


@dataclass(slots=True)
class _Element:
    """A start tag: where it is, and what it says."""

    first: int
    attributes: dict[str, str]


@dataclass(slots=True)
class _Found:
    """The start tags of one image."""

    image: _Element
    pixels: _Element | None = None
    channels: list[_Element] = field(default_factory=list)


def correct_ome_xml(
    content: bytes,
    order: list[str],
    before: Mapping[str, ImageFacts],
    after: Mapping[str, ImageFacts],
) -> bytes:
    """The text with what differs between two sets of facts; else as it is.

    Only texts that this package wrote are changed: they say what the metadata say.
    Those of a microscope's software stay, with a warning.

    Parameters
    ----------
    content : bytes
        The text.
    order : list of str
        Paths of its images, in the order of the text.
    before, after : mapping
        What was and is said of images by path.
    """
    changed = [path for path in after if before[path] != after[path]]
    if not changed:
        return content
    try:
        text = parse_ome_xml(content.decode("utf-8")).text.encode("utf-8")
        found, is_ours = _images(text)
        if not is_ours:
            raise MetadataError("another program wrote it")
        if len(found) != len(order):
            raise MetadataError(f"it has {len(found)} images instead of {len(order)}")
        if unlisted := [path for path in changed if path not in order]:
            raise MetadataError(f"it does not list {some(unlisted, _SHOWN)}")
    except (MetadataError, UnicodeError) as error:
        warn(
            f"The OME-XML still says what was said before of {some(changed, _SHOWN)}: "
            f"{error}. Correct it by hand"
        )
        return content
    edits: dict[int, bytes] = {}
    for path in changed:
        image = found[order.index(path)]
        _edit(text, edits, image, before[path], after[path])
    for first, tag in sorted(edits.items(), reverse=True):
        match = _TAG.match(text, first)
        assert match is not None  # the parser has found a tag there
        text = text[:first] + tag + text[match.end() :]
    return text


def _images(content: bytes) -> tuple[list[_Found], bool]:
    parser = expat.ParserCreate(namespace_separator=" ")
    path: list[str] = []
    found: list[_Found] = []
    creators: list[str] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        path.append(name.rpartition(" ")[2])
        element = _Element(parser.CurrentByteIndex, attributes)
        if path == ["OME"]:
            creators.append(attributes.get("Creator", ""))
        elif path == _IMAGE:
            found.append(_Found(element))
        elif path == [*_IMAGE, "Pixels"]:
            found[-1].pixels = element
        elif path == [*_IMAGE, "Pixels", "Channel"]:
            found[-1].channels.append(element)

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: path.pop()
    parser.Parse(content, True)
    return found, creators[0].startswith("xarray-omezarr")


def _edit(
    content: bytes,
    edits: dict[int, bytes],
    image: _Found,
    before: ImageFacts,
    after: ImageFacts,
) -> None:
    """Note the new start tags of what differs between two elements of an image."""
    old, new = image_element(0, before), image_element(0, after)
    pairs: list[tuple[Any, Any, Any]] = [(image.image, old, new)]
    if image.pixels is not None:
        pairs.append((image.pixels, old[0], new[0]))
    pairs += zip(image.channels, old.iter("Channel"), new.iter("Channel"), strict=False)
    for element, was, shall in pairs:
        keys = [key for key in {**was.attrib, **shall.attrib} if key != "ID"]
        differing = [key for key in keys if was.get(key) != shall.get(key)]
        if not differing:
            continue
        kept = {k: v for k, v in element.attributes.items() if " " not in k}
        for key in differing:
            if shall.get(key) is None:
                # A step that has no unit any more is not told.
                kept.pop(key, None)
            else:
                kept[key] = shall.get(key)
        edits[element.first] = _tag(content, element, kept)


def _tag(content: bytes, element: _Element, attributes: Mapping[str, str]) -> bytes:
    match = _TAG.match(content, element.first)
    assert match is not None
    name = re.match(rb"<[^\s/>]+", match[0])
    assert name is not None
    told = "".join(f" {key}={quoteattr(value)}" for key, value in attributes.items())
    end = re.search(rb"\s*/?>$", match[0])
    assert end is not None
    # Namespaces are declared at the root of texts that this package wrote; others that
    # somebody has added stay.
    spaces = re.findall(rb"""\sxmlns(?::[\w.-]+)?=(?:"[^"]*"|'[^']*')""", match[0])
    return name[0] + b"".join(spaces) + told.encode("utf-8") + end[0]
