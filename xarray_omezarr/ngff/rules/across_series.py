"""What must agree across nodes: images of a collection with its lists and OME-XML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from xarray_omezarr.errors import some
from xarray_omezarr.ngff.rules.across import clause
from xarray_omezarr.ngff.rules.across_plate import Child
from xarray_omezarr.ngff.rules.facts import objects, part, texts
from xarray_omezarr.ngff.rules.finding import Finding
from xarray_omezarr.ngff.rules.ome_xml import XmlImage, read_ome_xml

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.across_labels import Leveled
    from xarray_omezarr.ngff.versions.demands import Demands

#: Where a collection tells of its images in another format.
XML = "OME/METADATA.ome.xml"
_XML_REMEDY = "write it again, or remove it"


def series(attrs: object) -> tuple[Child, ...] | None:
    """The images that the group ``OME`` lists, each once; None if it has no list."""
    block, above = part(attrs)
    told = block.get("series")
    if not isinstance(told, list):
        return None
    found: dict[str, Child] = {}
    for number, path in texts(told):
        found.setdefault(path, Child(path, f"{above}/series/{number}"))
    return tuple(found.values())


def check_series_of_plate(attrs: object, wanted: Demands) -> Iterator[Finding]:
    """What is told of a plate whose images are listed nowhere else (RULES F5)."""
    yield Finding(
        "warning",
        "",
        f"{part(attrs)[1]}/bioformats2raw.layout",
        "the images of the plate are not listed as series",
        clause(
            wanted, "bioformats2raw.layout: a plate lists its images as well", "warning"
        ),
        remedy="list the images in the group OME under series",
    )


def check_numbers(present: Sequence[str], wanted: Demands) -> Iterator[Finding]:
    """Whether images that no list names are numbered from 0 without a gap.

    Parameters
    ----------
    present : sequence of str
        Names of groups beside each other that are whole numbers.
    wanted : Demands
        What the version demands.
    """
    numbers = {int(name) for name in present}
    missing = sorted(set(range(len(numbers))) - numbers)
    if not numbers:
        yield Finding(
            "error",
            "",
            "",
            "the collection lists no images, is no plate, and has no image '0'",
            clause(
                wanted,
                "bioformats2raw.layout: images without a list are 0, 1, ...",
                "error",
            ),
            remedy="list the images in the group OME under series",
        )
    elif missing:
        yield Finding(
            "error",
            "",
            "",
            f"images are numbered with gaps: there is {some(sorted(present, key=int))} "
            f"and no {missing[0]}",
            clause(
                wanted,
                "bioformats2raw.layout: images without a list are 0, 1, ...",
                "error",
            ),
            seen=some(sorted(present, key=int)),
            remedy="list the images in the group OME under series, or number them from "
            "0 without gaps",
        )


def check_one_picture(path: str, attrs: object, wanted: Demands) -> Iterator[Finding]:
    """Whether an image of a collection is one picture (RULES F6).

    Only a warning: which of several an Image of the OME-XML is of cannot be told, and
    readers take the first.
    """
    block, above = part(attrs)
    count = len([*objects(block.get("multiscales"))])
    if count < 2:
        return
    yield Finding(
        "warning",
        path,
        f"{above}/multiscales",
        f"the image of a collection has {count} multiscales, and OME-XML describes "
        "each image as one",
        f"OME-Zarr {wanted.version}, bioformats2raw.layout: each image is one Image "
        "(MUST; only a warning, as readers take the first)",
        seen=str(count),
        remedy="write each picture as an image of its own",
    )


def check_xml(
    raw: bytes | None | Exception, images: Sequence[Leveled | None], wanted: Demands
) -> Iterator[Finding]:
    """Whether the OME-XML of a collection tells of its images, in their order.

    Parameters
    ----------
    raw : bytes, None or Exception
        The file; None if there is none, or why it cannot be read.
    images : sequence of Leveled or None
        In the order of the collection; None for one that is not there.
    wanted : Demands
        What the version demands.
    """
    if raw is None:
        words = "there is no OME/METADATA.ome.xml"
        remedy = "describe the images in OME-XML too"
        cited = clause(wanted, "bioformats2raw.layout: METADATA.ome.xml", "warning")
        yield Finding("warning", XML, "", words, cited, remedy=remedy)
        return
    cited = clause(
        wanted, "bioformats2raw.layout: METADATA.ome.xml is OME-XML", "error"
    )
    if isinstance(raw, Exception):
        words = f"it cannot be read: {raw}"[:300]
        yield Finding("error", XML, "", words, cited, remedy=_XML_REMEDY)
        return
    text = read_ome_xml(raw)
    if text.problem is not None:
        words = f"it is no OME-XML: {text.problem}"
        yield Finding("error", XML, "", words, cited, remedy=_XML_REMEDY)
        return
    elsewhere = [i for i, image in enumerate(text.images) if image.elsewhere]
    if elsewhere:
        first = text.images[elsewhere[0]]
        yield Finding(
            "error",
            XML,
            "",
            f"{len(elsewhere)} images have {first.elsewhere} or its like, the first is "
            f"Image {elsewhere[0]}",
            clause(
                wanted, "bioformats2raw.layout: METADATA.ome.xml has no pixels", "error"
            ),
            seen=first.elsewhere,
            remedy="replace what says where pixels are by an element MetadataOnly",
        )
    yield from _check_images(text.images, images, wanted)


def _check_images(
    told: Sequence[XmlImage], images: Sequence[Leveled | None], wanted: Demands
) -> Iterator[Finding]:
    if len(told) != len(images):
        yield Finding(
            "error",
            XML,
            "",
            f"it tells of {len(told)} images, and the collection has {len(images)}",
            clause(wanted, "bioformats2raw.layout: each image is one Image", "error"),
            seen=str(len(told)),
            remedy="describe each image of the collection once, in its order",
        )
        return
    for number, (xml, image) in enumerate(zip(told, images, strict=True)):
        if image is None:
            continue
        off = [
            f"Size{letter} {xml.sizes[letter]} instead of {size}"
            for letter, size in _sizes(image).items()
            if letter in xml.sizes and xml.sizes[letter] != size
        ]
        if off:
            yield Finding(
                "error",
                XML,
                "",
                f"Image {number} is not like the image at {image.path!r}: {some(off)}",
                clause(
                    wanted,
                    "bioformats2raw.layout: series is in the order of Image",
                    "error",
                ),
                seen=xml.name[:80],
                remedy="put the images of the OME-XML into the order of the series",
            )


def _sizes(image: Leveled) -> Mapping[str, int]:
    """Size of the finest level by letters of OME-XML."""
    levels, axes = image.image.levels, image.image.axes
    array = image.arrays.get(levels[0].path) if levels else None
    if array is None or array.shape is None or axes is None:
        return {}
    if len(axes) != len(array.shape):
        return {}
    sizes = zip(axes, array.shape, strict=True)
    return {name.upper(): size for name, size in sizes if name in "xyzct"}
