"""OME-XML of others: what it says of its images, and what may not stand in it."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.write.ome_xml_text import parse_ome_xml

RELEASE = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
SIZES = 'SizeX="5" SizeY="4" SizeZ="3" SizeC="2" SizeT="1"'


def text(*images: str, namespace: str = RELEASE) -> str:
    return f'<OME xmlns="{namespace}">{"".join(images)}</OME>'


def image(inside: str = "<MetadataOnly/>", name: str = "cells") -> str:
    return (
        f'<Image ID="Image:0" Name="{name}"><Pixels ID="Pixels:0" Type="uint16" '
        f'DimensionOrder="XYZCT" {SIZES}>{inside}</Pixels></Image>'
    )


def test_images_are_told_in_order() -> None:
    images = parse_ome_xml(text(image(name="a"), "<StructuredAnnotations/>", image()))
    assert [found.name for found in images.images] == ["a", "cells"]
    assert images.images[0].sizes == {"X": 5, "Y": 4, "Z": 3, "C": 2, "T": 1}
    assert images.images[0].type == "uint16"


def test_what_is_not_said_is_none() -> None:
    (found,) = parse_ome_xml(text("<Image><Pixels SizeX='many'/></Image>")).images
    assert found.name is None
    assert found.type is None
    assert set(found.sizes.values()) == {None}


@pytest.mark.parametrize(
    "namespace",
    [
        RELEASE,
        "http://www.openmicroscopy.org/Schemas/OME/2013-06",
        "https://www.openmicroscopy.org/Schemas/OME/2016-06/",
    ],
)
def test_all_releases_are_read(namespace: str) -> None:
    assert len(parse_ome_xml(text(image(), namespace=namespace)).images) == 1


def test_prefixes_of_namespaces_do_not_matter() -> None:
    prefixed = (
        f'<o:OME xmlns:o="{RELEASE}"><o:Image Name="a"><o:Pixels {SIZES}>'
        "<o:TiffData><o:UUID>x</o:UUID></o:TiffData></o:Pixels></o:Image></o:OME>"
    )
    xml = parse_ome_xml(prefixed)
    assert xml.images[0].sizes["Z"] == 3
    assert "<o:Pixels " in xml.text
    assert f"{SIZES}><o:MetadataOnly/></o:Pixels>" in xml.text


@pytest.mark.parametrize(
    "elsewhere",
    [
        "<TiffData/>",
        '<TiffData IFD="0" PlaneCount="1"/><TiffData IFD="1" PlaneCount="1"/>',
        '<TiffData><UUID FileName="a>b.tif">urn:uuid:1</UUID></TiffData>',
        '<BinData Length="0" BigEndian="false"></BinData>',
        '<TiffData\n  IFD="0"\n></TiffData >\n<TiffData/>',
    ],
)
def test_pixels_in_other_files_become_metadata_only(elsewhere: str) -> None:
    channel, plane = '<Channel ID="C:0" Name="é"/>', '<Plane TheZ="0"/>'
    given = text(image(channel + elsewhere + plane), image(elsewhere))
    written = parse_ome_xml(given).text
    assert "TiffData" not in written
    assert "BinData" not in written
    for pixels in ET.fromstring(written).iter(f"{{{RELEASE}}}Pixels"):
        names = [child.tag.split("}")[1] for child in pixels]
        assert names.count("MetadataOnly") == 1
    expected = text(image(f"{channel}<MetadataOnly/>{plane}"), image("<MetadataOnly/>"))
    assert "".join(written.split()) == "".join(expected.split())


def test_pixels_of_an_older_release_are_found_in_their_own_namespace() -> None:
    older = "http://www.openmicroscopy.org/Schemas/BinaryFile/2013-06"
    inside = f'<b:BinData xmlns:b="{older}" Length="4">AAAA</b:BinData>'
    assert "BinData" not in parse_ome_xml(text(image(inside))).text


def test_annotations_of_others_are_not_touched() -> None:
    annotation = (
        '<XMLAnnotation><Value><TiffData xmlns="urn:mine"/><Image/></Value>'
        "</XMLAnnotation>"
    )
    given = text(
        image(), f"<StructuredAnnotations>{annotation}</StructuredAnnotations>"
    )
    xml = parse_ome_xml(given)
    assert len(xml.images) == 1
    assert xml.text == given


@pytest.mark.parametrize(
    "start",
    [
        "",
        '<?xml version="1.0"?>',
        '<?xml version="1.0" encoding="UTF-8"?>\n',
        "<?xml version='1.0' encoding='utf-8' standalone='no'?><!-- a comment -->",
    ],
)
def test_a_text_that_is_right_is_kept_to_the_letter(start: str) -> None:
    given = start + text(image(name="µ&amp;≤"))
    kept = parse_ome_xml(given).text
    assert kept.replace("UTF-8", "utf-8") == given.replace("UTF-8", "utf-8")


@pytest.mark.parametrize("start", ["\ufeff", "\n  ", "\ufeff \n"])
def test_what_stands_before_the_text_is_left_out(start: str) -> None:
    given = f'<?xml version="1.0" encoding="UTF-8"?>{text(image())}'
    assert parse_ome_xml(start + given).text == given


def test_another_encoding_is_no_longer_declared() -> None:
    given = f'<?xml version="1.0" encoding="ISO-8859-1"?>{text(image(name="µm"))}'
    written = parse_ome_xml(given).text
    assert 'encoding="UTF-8"' in written
    assert ET.fromstring(written.encode("utf-8"))[0].get("Name") == "µm"


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ("<OME", "is not well-formed"),
        (text(image()) + "<OME/>", "is not well-formed"),
        (text(image() + "&nbsp;"), "is not well-formed"),
        ("<html/>", "has the root 'html' in the namespace ''"),
        ("<OME/>", "has the root 'OME' in the namespace ''"),
        (text(image(), namespace="urn:mine"), "in the namespace 'urn:mine'"),
    ],
)
def test_other_texts_are_refused(given: str, problem: str) -> None:
    with pytest.raises(MetadataError, match=problem):
        parse_ome_xml(given)


def test_a_document_type_is_refused_before_anything_is_expanded() -> None:
    lol = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
    bomb = f'<!DOCTYPE OME [<!ENTITY l0 "lol">{lol}]>' + text(image(name="&l9;"))
    with pytest.raises(MetadataError, match=r"document type, <!DOCTYPE OME"):
        parse_ome_xml(bomb)


def test_files_of_the_machine_are_not_read() -> None:
    given = '<!DOCTYPE OME SYSTEM "file:///etc/passwd">' + text(image())
    with pytest.raises(MetadataError, match="document type"):
        parse_ome_xml(given)


def test_a_text_without_end_is_refused_or_read_but_never_crashes() -> None:
    deep = "<a>" * 50_000 + "</a>" * 50_000
    assert parse_ome_xml(text(deep)).images == ()
