"""OME-XML of a plan: checked by the schema of OME, and against the plan."""

from __future__ import annotations

import functools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import ome_types
import pytest
import xarray as xr
import xmlschema

from xarray_omezarr.errors import MetadataError, OmeZarrWarning, OptionError
from xarray_omezarr.hierarchy import Hierarchy
from xarray_omezarr.options import complete
from xarray_omezarr.write.bioformats2raw import plan_bioformats2raw
from xarray_omezarr.write.ome_xml import ome_xml_for
from xarray_omezarr.write.ome_xml_words import UNITS, color_number


@functools.cache
def schema() -> xmlschema.XMLSchema:
    path = Path(ome_types.__file__).parent / "ome-2016-06.xsd"
    # Nothing is fetched: the namespace of XML itself, its one import, is built in.
    return xmlschema.XMLSchema(str(path), allow="local")


def valid(text: str) -> Any:
    """What ome-types reads of a text that the schema of OME has nothing against."""
    assert [str(error.reason) for error in schema().iter_errors(text)] == []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return ome_types.from_xml(text)


def planned(**images: xr.DataArray) -> Hierarchy:
    by_name = {name.removeprefix("s"): image for name, image in images.items()}
    return plan_bioformats2raw(by_name, complete({}), ome_xml=None)


def made(**images: xr.DataArray) -> Any:
    names = [name.removeprefix("s") for name in images]
    text = ome_xml_for(planned(**images), names, "auto")
    assert text is not None
    return valid(text)


def stack(dims: str = "tczyx", dtype: str = "uint16", **coords: Any) -> xr.DataArray:
    sizes = {"t": 2, "c": 3, "z": 4, "y": 5, "x": 6}
    data = np.zeros([sizes[dim] for dim in dims], dtype)
    return xr.DataArray(data, dims=list(dims), coords=coords, name="cells")


def axis(dim: str, step: float, unit: str | None, count: int) -> Any:
    return (dim, step * np.arange(count), {} if unit is None else {"units": unit})


class TestMaking:
    def test_sizes_and_type_are_those_of_the_image(self) -> None:
        (image,) = made(s0=stack()).images
        pixels = image.pixels
        sizes = [getattr(pixels, f"size_{letter}") for letter in "xyzct"]
        assert sizes == [6, 5, 4, 3, 2]
        assert pixels.type.value == "uint16"
        assert pixels.dimension_order.value == "XYZCT"
        assert pixels.metadata_only is not None
        assert image.name == "cells"

    def test_dims_that_are_missing_have_one_pixel(self) -> None:
        pixels = made(s0=stack("yx")).images[0].pixels
        assert (pixels.size_z, pixels.size_c, pixels.size_t) == (1, 1, 1)
        assert len(pixels.channels) == 1

    def test_distances_have_units_in_the_words_of_ome(self) -> None:
        image = stack(
            t=axis("t", 1500.0, "millisecond", 2),
            z=axis("z", 2.0, "um", 4),
            y=axis("y", 0.1, "micrometer", 5),
            x=axis("x", 0.1, "micrometer", 6),
        )
        pixels = made(s0=image).images[0].pixels
        assert (pixels.time_increment, pixels.time_increment_unit.value) == (1500, "ms")
        assert (pixels.physical_size_z, pixels.physical_size_z_unit.value) == (2, "µm")
        assert pixels.physical_size_x == pixels.physical_size_y == 0.1

    def test_distances_without_a_unit_are_not_told(self) -> None:
        # The schema would take them for micrometers.
        image = stack("yx", y=axis("y", 0.5, None, 5), x=axis("x", 0.5, None, 6))
        pixels = made(s0=image).images[0].pixels
        assert pixels.physical_size_x is None
        assert pixels.physical_size_y is None

    def test_channels_have_names_and_colours(self) -> None:
        image = stack(c=["DAPI", "GFP", "Cy5"]).assign_coords(
            channel_color=("c", ["0000FF", "00FF00", "FF8000"])
        )
        channels = made(s0=image).images[0].pixels.channels
        assert [channel.name for channel in channels] == ["DAPI", "GFP", "Cy5"]
        colors = [channel.color.as_rgb_tuple(alpha=False) for channel in channels]
        assert colors == [(0, 0, 255), (0, 255, 0), (255, 128, 0)]

    def test_series_follow_the_order_they_are_given_in(self) -> None:
        images = {f"s{n}": stack("yx").rename(f"image {n}") for n in range(11)}
        names = [image.name for image in made(**images).images]
        assert names == [f"image {n}" for n in range(11)]

    def test_identities_are_unique(self) -> None:
        found = made(s0=stack(), s1=stack())
        ids = [image.pixels.id for image in found.images]
        ids += [
            channel.id for image in found.images for channel in image.pixels.channels
        ]
        assert len(set(ids)) == 2 + 6

    @pytest.mark.parametrize(
        ("dtype", "word"),
        [
            *((name, name) for name in ("int8", "uint8", "int16", "uint16", "int32")),
            ("uint32", "uint32"),
            ("float32", "float"),
            ("float64", "double"),
        ],
    )
    def test_types_have_words(self, dtype: str, word: str) -> None:
        assert made(s0=stack("yx", dtype)).images[0].pixels.type.value == word

    @pytest.mark.parametrize(
        ("dtype", "word"),
        [("float16", "float"), ("int64", "double"), ("uint64", "double")],
    )
    def test_types_without_a_word_are_told_with_a_warning(
        self, dtype: str, word: str
    ) -> None:
        with pytest.warns(
            OmeZarrWarning, match="no word for the type of pixels of '0'"
        ):
            found = made(s0=stack("yx", dtype))
        assert found.images[0].pixels.type.value == word

    def test_names_that_xml_cannot_hold_are_replaced(self) -> None:
        name = 'a<b>&"c"\x00\ud800\n'
        image = stack("yx").rename(name)
        assert made(s0=image).images[0].name == 'a<b>&"c"\ufffd\ufffd\n'

    def test_a_custom_dim_counts_channels(self) -> None:
        image = xr.DataArray(np.zeros((7, 4, 5), "u1"), dims=("angle", "y", "x"))
        assert made(s0=image).images[0].pixels.size_c == 7

    def test_every_unit_of_the_standard_is_a_word_of_the_schema(self) -> None:
        known = {unit.value for unit in ome_types.model.UnitsLength}
        known |= {unit.value for unit in ome_types.model.UnitsTime}
        from xarray_omezarr.ngff.units import SPACE_UNITS, TIME_UNITS

        assert set(UNITS) == SPACE_UNITS | TIME_UNITS
        assert set(UNITS.values()) <= known

    def test_every_unit_is_the_same_length_or_time_as_in_pint(self) -> None:
        import pint

        registry = pint.get_application_registry()
        # pint has other meanings for some of these letters.
        other = {"Å": "angstrom", "d": "day", "h": "hour", "min": "minute"}
        for name, word in UNITS.items():
            same = registry.Unit(other.get(word, word))
            assert registry.Quantity(1, name).to(same).magnitude == pytest.approx(1)

    @pytest.mark.parametrize(
        ("rgb", "number"),
        [("000000", 255), ("FFFFFF", -1), ("FF0000", -16776961), ("00FF00", 16711935)],
    )
    def test_colours_are_signed_numbers_of_32_bits(self, rgb: str, number: int) -> None:
        assert color_number(rgb) == number


class TestGiven:
    def test_a_text_that_describes_the_series_is_taken(self) -> None:
        plan = planned(s0=stack(), s1=stack("yx", "uint8"))
        text = ome_xml_for(plan, ["0", "1"], "auto")
        assert ome_xml_for(plan, ["0", "1"], text) == text

    def test_bytes_are_text(self) -> None:
        plan = planned(s0=stack("yx"))
        text = ome_xml_for(plan, ["0"], "auto")
        assert text is not None
        assert ome_xml_for(plan, ["0"], text.encode("utf-8-sig")) == text

    def test_objects_of_ome_types_are_written(self) -> None:
        plan = planned(s0=stack())
        ome = made(s0=stack())
        ome.images[0].description = "the first of all"
        text = ome_xml_for(plan, ["0"], ome)
        assert text is not None
        assert valid(text).images[0].description == "the first of all"

    def test_the_description_of_a_tiff_becomes_that_of_the_collection(self) -> None:
        ome = made(s0=stack())
        ome.images[0].pixels.metadata_only = None
        ome.images[0].pixels.tiff_data_blocks = [ome_types.model.TiffData(ifd=0)]
        text = ome_xml_for(planned(s0=stack()), ["0"], ome)
        assert text is not None
        assert valid(text).images[0].pixels.tiff_data_blocks == []

    def test_every_difference_is_told(self) -> None:
        text = ome_xml_for(planned(s0=stack(), s1=stack()), ["0", "1"], "auto")
        other = stack("czyx", "uint8").rename("other")
        with pytest.raises(MetadataError) as told:
            ome_xml_for(planned(s0=other, s1=stack("yx")), ["0", "1"], text)
        for difference in (
            "Image 0 ('cells') has SizeT 2, and image '0' has 1",
            "Image 0 ('cells') has Type uint16, and image '0' has uint8",
            "Image 1 ('cells') has SizeZ 4, and image '1' has 1",
            "Image 1 ('cells') has SizeC 3, and image '1' has 1",
            "or have it made with ome_xml='auto'",
        ):
            assert difference in str(told.value)

    def test_another_number_of_images_is_told(self) -> None:
        text = ome_xml_for(planned(s0=stack()), ["0"], "auto")
        with pytest.raises(MetadataError, match="it has 1 images, and 2 are written"):
            ome_xml_for(planned(s0=stack(), s1=stack()), ["0", "1"], text)

    def test_any_type_is_right_where_none_has_a_word(self) -> None:
        text = ome_xml_for(planned(s0=stack("yx", "int32")), ["0"], "auto")
        assert ome_xml_for(planned(s0=stack("yx", "int64")), ["0"], text) == text

    @pytest.mark.parametrize("given", ["METADATA.ome.xml", "", 3, True, {"a": 1}, []])
    def test_anything_else_is_refused(self, given: object) -> None:
        with pytest.raises(OptionError, match=r"ome_xml is .*give OME-XML as text"):
            ome_xml_for(planned(s0=stack("yx")), ["0"], given)

    def test_bytes_of_another_encoding_are_refused(self) -> None:
        with pytest.raises(MetadataError, match="no UTF-8 at byte 5"):
            ome_xml_for(planned(s0=stack("yx")), ["0"], b"<OME \xb5/>")

    def test_none_is_none(self) -> None:
        assert ome_xml_for(planned(s0=stack("yx")), ["0"], None) is None


class TestKept:
    def test_a_text_that_still_describes_the_series_is_kept(self) -> None:
        plan = planned(s0=stack())
        text = ome_xml_for(plan, ["0"], "auto")
        assert text is not None
        kept = text.replace('Name="cells"', 'Name="kept"')
        assert ome_xml_for(plan, ["0"], "auto", kept) == kept

    @pytest.mark.parametrize(
        ("kept", "reason"),
        [
            ("<OME", "not well-formed"),
            ("<!DOCTYPE OME><OME/>", "document type"),
            (7, "ome_xml is 7"),
        ],
    )
    def test_a_text_that_cannot_be_read_is_made_anew(
        self, kept: object, reason: str
    ) -> None:
        with pytest.warns(OmeZarrWarning, match=f"(?s)made anew: .*{reason}"):
            text = ome_xml_for(planned(s0=stack("yx")), ["0"], "auto", kept)
        assert text is not None
        assert valid(text).images[0].name == "cells"

    def test_a_text_of_other_series_is_made_anew(self) -> None:
        text = ome_xml_for(planned(s0=stack()), ["0"], "auto")
        with pytest.warns(OmeZarrWarning, match="has SizeT 2, and image '0' has 1"):
            new = ome_xml_for(planned(s0=stack("czyx")), ["0"], "auto", text)
        assert new is not None
        assert valid(new).images[0].pixels.size_t == 1

    def test_a_warning_does_not_repeat_everything(self) -> None:
        names = [str(n) for n in range(40)]
        images = {f"s{name}": stack() for name in names}
        text = ome_xml_for(planned(**images), names, "auto")
        others = {f"s{name}": stack("zyx") for name in names}
        with pytest.warns(OmeZarrWarning, match="72 more") as told:
            ome_xml_for(planned(**others), names, "auto", text)
        assert len(str(told[0].message)) < 1500
