"""OME-XML of the images of a plan: given, kept from reading, or made from the plan."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xarray_omezarr._version import __version__
from xarray_omezarr.errors import MetadataError, OptionError, some, warn
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.base import listed
from xarray_omezarr.ngff.plain import shown
from xarray_omezarr.ngff.transforms import Scale
from xarray_omezarr.write.ome_xml_text import DIMENSIONS, OmeXml, parse_ome_xml
from xarray_omezarr.write.ome_xml_words import (
    NAMESPACE,
    SCHEMA,
    UNITS,
    color_number,
    pixel_type,
)

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.ngff.axes import Axis
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.ngff.omero import Channel

#: Where it stands below the root of a collection or plate.
OME_XML_PATH = "OME/METADATA.ome.xml"

_SIZES = {"X": "PhysicalSizeX", "Y": "PhysicalSizeY", "Z": "PhysicalSizeZ"}
_SIZES["T"] = "TimeIncrement"
# What XML 1.0 cannot hold, not even escaped.
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SHOWN = 8  # differences that a warning repeats


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What OME-XML says of one image.

    Parameters
    ----------
    path : str
        Path of its group, for messages.
    name : str
        What people call it.
    order : str
        Its dimensions, the fastest first, such as ``"XYZCT"``.
    sizes : mapping
        Number of pixels by letter of the dimension.
    steps : mapping
        Distance of pixels and its unit, in words of OME-XML, by letter; only those
        that have a unit.
    type : str
        Word for the type of the pixels.
    is_exact : bool
        Whether there is a word for this very type.
    channels : tuple of Channel
        Their names and colours; empty if nothing is known of them.
    """

    path: str
    name: str
    order: str
    sizes: Mapping[str, int]
    steps: Mapping[str, tuple[float, str]]
    type: str
    is_exact: bool
    channels: tuple[Channel, ...]


def ome_xml_for(
    hierarchy: Hierarchy, paths: Sequence[str], ome_xml: Any, kept: object = None
) -> str | None:
    """The OME-XML of a plan.

    Parameters
    ----------
    hierarchy : Hierarchy
        Holds the images.
    paths : sequence of str
        Paths of the images, in the order that the text shall have.
    ome_xml : str, bytes, ome_types.OME, "auto" or None
        A text, or an object with a method ``to_xml``, that describes these images;
        ``"auto"`` keeps the text that was read where it does, else makes one from the
        plan; None: none is written.
    kept : str, optional
        The text that was read.

    Returns
    -------
    str or None
        Text whose images have their pixels nowhere else (``MetadataOnly``).

    Raises
    ------
    OptionError
        If `ome_xml` is none of these.
    MetadataError
        If the given text is no OME-XML, or describes other images.
    """
    if ome_xml is None:
        return None
    facts = [image_facts(hierarchy, path) for path in paths]
    if isinstance(ome_xml, str) and ome_xml == "auto":
        return _kept(kept, facts) or make_ome_xml(facts)
    xml = parse_ome_xml(_text(ome_xml))
    if different := differences(xml, facts):
        raise MetadataError(
            f"The OME-XML describes other images than those that are written: "
            f"{listed(different)}\nCorrect it, or have it made with ome_xml='auto'"
        )
    return xml.text


def _text(ome_xml: Any) -> str:
    to_xml = getattr(ome_xml, "to_xml", None)
    if callable(to_xml):
        ome_xml = to_xml()
    if isinstance(ome_xml, bytes):
        try:
            ome_xml = ome_xml.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise MetadataError(
                f"The OME-XML is no UTF-8 at byte {error.start}: {error.reason}; give "
                "text"
            ) from error
    if isinstance(ome_xml, str) and ome_xml.lstrip("\ufeff \t\r\n").startswith("<"):
        return ome_xml
    raise OptionError(
        f"ome_xml is {shown(ome_xml)}; give OME-XML as text that starts with '<', an "
        "object of ome_types, 'auto' or None; of a file, give its text: "
        "Path(...).read_text('utf-8')"
    )


def _kept(kept: object, facts: Sequence[ImageFacts]) -> str | None:
    """The text that was read, if it still describes the images."""
    if kept is None:
        return None
    try:
        xml = parse_ome_xml(_text(kept))
    except (MetadataError, OptionError) as error:
        reasons = [str(error)]
    else:
        reasons = differences(xml, facts)
        if not reasons:
            return xml.text
    more = len(reasons) - _SHOWN
    reasons[_SHOWN:] = [f"{more} more"] if more > 0 else []
    warn(
        f"The OME-XML that was read is not written, but made anew: {listed(reasons)}\n"
        "What it says of instruments and the like is lost; give a text with ome_xml= "
        "to keep it"
    )
    return None


def image_facts(hierarchy: Hierarchy, path: str) -> ImageFacts:
    """What OME-XML says of an image of a plan.

    Dims of space that are not called x, y and z are taken by their place; a dim that is
    neither space nor time counts channels.
    """
    image = hierarchy.image(path)
    picture = image.multiscale
    array = hierarchy.array(join(path, picture.levels[0].path))
    letters = axis_letters(picture.axes)
    sizes = dict.fromkeys(DIMENSIONS, 1)
    sizes |= dict(zip(letters, array.shape, strict=True))
    scale = _scale(image)
    steps = {
        letter: (step, UNITS[axis.unit])
        for letter, axis, step in zip(letters, picture.axes, scale, strict=True)
        if letter in _SIZES and axis.unit in UNITS and 0 < step < math.inf
    }
    word, is_exact = pixel_type(array.dtype)
    channels = () if image.omero is None else image.omero.channels
    others = [letter for letter in reversed(letters) if letter not in "XY"]
    order = "".join(dict.fromkeys(["X", "Y", *others, *DIMENSIONS]))
    name = path if picture.name is None else picture.name
    return ImageFacts(path, name, order, sizes, steps, word, is_exact, channels)


def axis_letters(axes: Sequence[Axis]) -> list[str]:
    """The letters of OME-XML for axes, in their order.

    Examples
    --------
    >>> from xarray_omezarr.ngff import Axis
    >>> kinds = {"t": "time", "angle": "angle", "y": "space", "x": "space"}
    >>> axis_letters([Axis(name=name, type=kind) for name, kind in kinds.items()])
    ['T', 'C', 'Y', 'X']
    """
    space = [axis.name for axis in axes if axis.type == "space"]
    by_name = {name: name.upper() for name in space}
    if not {*by_name.values()} <= {*"XYZ"} or len({*by_name.values()}) < len(space):
        by_name = dict(zip(reversed(space), "XYZ", strict=False))
    by_type = {"space": None, "time": "T"}
    return [by_type.get(axis.type or "", "C") or by_name[axis.name] for axis in axes]


def _scale(image: Image) -> list[float]:
    """Distance of pixels of the finest level per axis, in the units of the axes."""
    picture = image.multiscale
    scale = list(picture.levels[0].scale) or [1.0] * len(picture.axes)
    for after in picture.applied_after_levels:
        if isinstance(after, Scale):
            scale = [own * by for own, by in zip(scale, after.scale, strict=True)]
    return scale


def differences(xml: OmeXml, facts: Sequence[ImageFacts]) -> list[str]:
    """Say where a text describes other images; empty if it describes these."""
    if len(xml.images) != len(facts):
        return [f"it has {len(xml.images)} images, and {len(facts)} are written"]
    found = []
    for number, (told, fact) in enumerate(zip(xml.images, facts, strict=True)):
        name = "" if told.name is None else f" ({told.name!r})"
        for key, theirs, own in _compared(told, fact):
            if theirs != own:
                found.append(
                    f"Image {number}{name} has {key} {theirs}, and image "
                    f"{fact.path!r} has {own}"
                )
    return found


def _compared(told: Any, fact: ImageFacts) -> Iterator[tuple[str, Any, Any]]:
    for letter in DIMENSIONS:
        yield f"Size{letter}", told.sizes[letter], fact.sizes[letter]
    # Whatever a text says of a type that has no word is as good as ours.
    if fact.is_exact:
        yield "Type", told.type, fact.type


def make_ome_xml(facts: Sequence[ImageFacts]) -> str:
    """OME-XML of images, in their order."""
    root = ET.Element(
        "OME",
        {
            "xmlns": NAMESPACE,
            "xmlns:xsi": "http://www.w3.org/2001/XMLSchema-instance",
            "xsi:schemaLocation": f"{NAMESPACE} {SCHEMA}",
            "Creator": f"xarray-omezarr {__version__}",
        },
    )
    root.extend(image_element(number, fact) for number, fact in enumerate(facts))
    inexact = [fact.path for fact in facts if not fact.is_exact]
    if inexact:
        few = some([*map(repr, inexact)], 3)
        warn(
            f"OME-XML has no word for the type of pixels of {few}; it says "
            f"{sorted({fact.type for fact in facts if not fact.is_exact})}, and the "
            "arrays say what they are"
        )
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="UTF-8", xml_declaration=True)
    return written.decode("utf-8")


def image_element(number: int, fact: ImageFacts) -> ET.Element:
    """What OME-XML says of one image, without its namespace."""
    identity = {"ID": f"Image:{number}", "Name": _xml_text(fact.name)}
    image = ET.Element("Image", identity)
    _add_pixels(image, number, fact)
    return image


def _add_pixels(image: ET.Element, number: int, fact: ImageFacts) -> None:
    attributes = {
        "ID": f"Pixels:{number}",
        "DimensionOrder": fact.order,
        "Type": fact.type,
        **{f"Size{letter}": str(size) for letter, size in fact.sizes.items()},
    }
    for letter, (step, unit) in fact.steps.items():
        attributes[_SIZES[letter]] = repr(step)
        attributes[f"{_SIZES[letter]}Unit"] = unit
    pixels = ET.SubElement(image, "Pixels", attributes)
    for index in range(fact.sizes["C"]):
        own = {"ID": f"Channel:{number}:{index}", "SamplesPerPixel": "1"}
        if index < len(fact.channels):
            channel = fact.channels[index]
            if channel.label is not None:
                own["Name"] = _xml_text(channel.label)
            if channel.color is not None:
                own["Color"] = str(color_number(channel.color))
        ET.SubElement(pixels, "Channel", own)
    ET.SubElement(pixels, "MetadataOnly")


def _xml_text(text: str) -> str:
    return _NO_XML.sub("\ufffd", text)
