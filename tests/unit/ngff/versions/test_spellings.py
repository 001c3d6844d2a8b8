"""How each version spells an image, and what it forgives when it reads one."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import pytest

from xarray_omezarr.errors import MetadataError, NotInVersionError, OmeZarrWarning
from xarray_omezarr.ngff import (
    Axis,
    Channel,
    CoordinateSystem,
    Identity,
    Image,
    Level,
    Multiscale,
    Omero,
    Scale,
    Sequence,
    Translation,
    Window,
)
from xarray_omezarr.ngff.versions.protocol import Version
from xarray_omezarr.ngff.versions.v04 import Version04
from xarray_omezarr.ngff.versions.v05 import Version05

VERSIONS = [Version04(), Version05()]
both = pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)

AXES = [
    {"name": "c", "type": "channel"},
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
]
SCALE = {"type": "scale", "scale": [1.0, 0.5, 0.5]}
COARSE = {"type": "scale", "scale": [1.0, 1.0, 1.0]}
SHIFT = {"type": "translation", "translation": [0.0, 0.25, 0.25]}
ENTRY = {
    "name": "cells",
    "axes": AXES,
    "datasets": [
        {"path": "0", "coordinateTransformations": [SCALE]},
        {"path": "1", "coordinateTransformations": [COARSE, SHIFT]},
    ],
    "type": "mean",
    "metadata": {"method": "made by hand", "kwargs": {"seed": None}},
}
WINDOW = {"min": 0.0, "max": 255.0, "start": 0.0, "end": 100.0}
OMERO = {
    "channels": [
        {"label": "DAPI", "color": "0000FF", "active": True, "window": WINDOW}
    ],
    "rdefs": {"defaultT": 0, "model": "color"},
}

IMAGE = Image(
    multiscales=(
        Multiscale.of(
            [
                Axis(name="c", type="channel"),
                Axis(name="y", type="space", unit="micrometer"),
                Axis(name="x", type="space", unit="micrometer"),
            ],
            [
                Level.of("0", (1, 0.5, 0.5)),
                Level.of("1", (1, 1, 1), (0, 0.25, 0.25)),
            ],
            name="cells",
            type="mean",
            metadata={"method": "made by hand", "kwargs": {"seed": None}},
        ),
    ),
    omero=Omero.model_validate(OMERO),
)


def spelled(
    version: Version, entry: Mapping[str, Any], **members: object
) -> dict[str, Any]:
    """Attributes of a group with one picture, written by hand for the version."""
    picture = copy.deepcopy(dict(entry))
    if version == Version04():
        return {"multiscales": [{**picture, "version": "0.4"}], **members}
    return {"ome": {"version": "0.5", "multiscales": [picture], **members}}


def with_levels(*chains: list[dict[str, Any]]) -> dict[str, Any]:
    """A picture whose levels have these transformations."""
    datasets = [
        {"path": str(i), "coordinateTransformations": chain}
        for i, chain in enumerate(chains)
    ]
    return {**ENTRY, "datasets": datasets}


def pointer(version: Version, place: str) -> str:
    """Where `place` of an image stands in the attributes of a version."""
    return place if version == Version04() else f"/ome{place}"


class TestWriting:
    @both
    def test_an_image_is_spelled_as_the_standard_says(self, version: Version) -> None:
        assert version.to_attrs(IMAGE) == spelled(version, ENTRY, omero=OMERO)

    @both
    def test_what_is_written_is_json_without_surprises(self, version: Version) -> None:
        attrs = version.to_attrs(IMAGE)
        assert json.loads(json.dumps(attrs, allow_nan=False)) == attrs

    @both
    def test_an_identity_is_written_as_a_scale_of_ones(self, version: Version) -> None:
        level = Level(path="0", transformation=Identity())
        axes = [Axis(name=n, type="space", unit="meter") for n in "yx"]
        image = Image(multiscales=(Multiscale.of(axes, [level]),))
        assert version.from_attrs(version.to_attrs(image)).multiscale.levels == (
            Level.of("0", (1, 1)),
        )

    @both
    def test_a_sequence_after_the_levels_is_written_flat(
        self, version: Version
    ) -> None:
        scale = Scale(scale=(1, 2, 2))
        shift = Translation(translation=(0, 1, 1))
        chain = Sequence(transformations=(scale, Sequence(transformations=(shift,))))
        picture = IMAGE.multiscale.model_copy(
            update={"coordinate_transformations": (chain,)}
        )
        image = IMAGE.model_copy(update={"multiscales": (picture,)})
        after = version.from_attrs(version.to_attrs(image)).multiscale
        assert after.coordinate_transformations == (scale, shift)

    @both
    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"omero": Omero(channels=(Channel(label="a"),))}, "channel 0 .a. has no"),
            ({"multiscales": IMAGE.multiscales * 2}, "multiscales has equal entries"),
        ],
    )
    def test_what_readers_forgive_is_not_written(
        self, version: Version, change: dict[str, Any], problem: str
    ) -> None:
        image = IMAGE.model_copy(update=change)
        with pytest.raises(MetadataError, match=problem):
            version.to_attrs(image)

    @both
    def test_levels_in_wrong_order_are_not_written(self, version: Version) -> None:
        levels = IMAGE.multiscale.levels[::-1]
        picture = IMAGE.multiscale.model_copy(update={"levels": levels})
        with pytest.raises(
            MetadataError, match=r"(?s)image 'cells'.*cannot.*fine to coarse"
        ):
            version.to_attrs(Image(multiscales=(picture,)))

    @both
    @pytest.mark.parametrize("value", [float("nan"), {1, 2}, b"x"])
    def test_metadata_that_are_no_json_are_refused_where_they_stand(
        self, version: Version, value: object
    ) -> None:
        picture = IMAGE.multiscale.model_copy(update={"metadata": {"a": [value]}})
        image = Image(multiscales=(picture,))
        place = pointer(version, "/multiscales/0/metadata/a/0")
        with pytest.raises(MetadataError, match=f"^{place} is "):
            version.to_attrs(image)

    @both
    def test_further_coordinate_systems_have_no_place(self, version: Version) -> None:
        world = CoordinateSystem(name="world", axes=IMAGE.multiscale.axes)
        systems = (*IMAGE.multiscale.coordinate_systems, world)
        picture = IMAGE.multiscale.model_copy(update={"coordinate_systems": systems})
        message = rf"{version.name} .*coordinateSystems \['world'\]"
        with pytest.raises(NotInVersionError, match=message):
            version.to_attrs(Image(multiscales=(picture,)))

    @both
    def test_a_transformation_to_a_named_system_has_no_place(
        self, version: Version
    ) -> None:
        to_world = Scale.model_validate(
            {"scale": [1, 1, 1], "output": {"name": "world"}}
        )
        world = CoordinateSystem(name="world", axes=IMAGE.multiscale.axes)
        systems = (*IMAGE.multiscale.coordinate_systems, world)
        picture = IMAGE.multiscale.model_copy(
            update={
                "coordinate_transformations": (to_world,),
                "coordinate_systems": systems,
            }
        )
        with pytest.raises(NotInVersionError, match="coordinateTransformations"):
            version.to_attrs(Image(multiscales=(picture,)))

    @both
    def test_no_unknown_key_takes_the_place_of_a_known_one(
        self, version: Version
    ) -> None:
        picture = IMAGE.multiscale.model_copy(update={"axes": [], "version": "9"})
        level = picture.levels[0].model_copy(update={"coordinateTransformations": []})
        picture = picture.model_copy(update={"levels": (level, picture.levels[1])})
        image = IMAGE.model_copy(update={"multiscales": (picture,), "version": "9"})
        assert version.to_attrs(image) == version.to_attrs(IMAGE)

    @both
    def test_another_model_has_no_place(self, version: Version) -> None:
        with pytest.raises(NotInVersionError, match=f"{version.name} .*Axis"):
            version.to_attrs(Axis(name="x"))  # type: ignore[arg-type]


class TestReading:
    @both
    def test_an_image_is_read_as_it_was_written(self, version: Version) -> None:
        assert version.from_attrs(spelled(version, ENTRY, omero=OMERO)) == IMAGE

    @both
    def test_what_is_read_is_not_changed(self, version: Version) -> None:
        attrs = spelled(version, ENTRY, omero=OMERO)
        before = copy.deepcopy(attrs)
        version.to_attrs(version.from_attrs(attrs))
        assert attrs == before

    @both
    def test_unknown_keys_are_kept_at_every_place(self, version: Version) -> None:
        entry = copy.deepcopy(ENTRY)
        entry["axes"][2]["orientation"] = {"value": "left-to-right"}
        entry["datasets"][0]["extra"] = [1, None]
        entry["datasets"][0]["coordinateTransformations"][0]["note"] = "measured"
        entry["@id"] = "image"
        omero = copy.deepcopy(OMERO)
        omero["channels"][0]["wavelength_id"] = "A01_C01"
        omero["channels"][0]["window"]["gamma"] = 1.5
        attrs = spelled(version, entry, omero=omero)
        assert version.to_attrs(version.from_attrs(attrs)) == attrs

    @both
    def test_two_pictures_and_transformations_after_the_levels_are_kept(
        self, version: Version
    ) -> None:
        attrs = spelled(version, ENTRY)
        pictures = attrs.get("ome", attrs)["multiscales"]
        second = {
            **pictures[0],
            "name": "nuclei",
            "coordinateTransformations": [COARSE],
        }
        pictures.append(second)
        image = version.from_attrs(attrs)
        assert [picture.name for picture in image.multiscales] == ["cells", "nuclei"]
        after = image.multiscales[1].coordinate_transformations
        assert after == (Scale(scale=(1, 1, 1)),)
        assert version.to_attrs(image) == attrs

    @both
    def test_a_translation_of_zeros_stays_where_it_was_written(
        self, version: Version
    ) -> None:
        zeros = {"type": "translation", "translation": [0.0, 0.0, 0.0]}
        attrs = spelled(version, with_levels([SCALE, zeros]))
        assert version.to_attrs(version.from_attrs(attrs)) == attrs

    @both
    @pytest.mark.parametrize(
        ("place", "members"),
        [
            ("axes", {"unit": None}),
            ("axes", {"type": None}),
            ("entry", {"name": None, "type": None, "metadata": None}),
            ("entry", {"coordinateTransformations": None}),
            ("entry", {"coordinateTransformations": []}),
            ("image", {"omero": None}),
        ],
    )
    def test_null_is_the_same_as_nothing(
        self, version: Version, place: str, members: dict[str, None]
    ) -> None:
        entry = copy.deepcopy(ENTRY)
        for key in members:
            entry.pop(key, None)
        if place == "axes":
            entry["axes"][0].pop("type", None)
        without = version.from_attrs(spelled(version, entry))
        if place == "axes":
            entry["axes"][0].update(members)
        elif place == "entry":
            entry.update(members)
        further = members if place == "image" else {}
        assert version.from_attrs(spelled(version, entry, **further)) == without

    @both
    def test_a_translation_before_the_scale_is_put_behind_it_with_a_warning(
        self, version: Version
    ) -> None:
        attrs = spelled(version, with_levels([SCALE], [SHIFT, COARSE]))
        place = pointer(version, "/multiscales/0/datasets/1/coordinateTransformations")
        with pytest.warns(OmeZarrWarning, match=f"{place} is read as a scale"):
            image = version.from_attrs(attrs)
        assert image.multiscale == IMAGE.multiscale

    @both
    def test_everything_that_is_forgiven_comes_in_one_warning(
        self, version: Version
    ) -> None:
        omero = copy.deepcopy(OMERO)
        omero["channels"][0].update(color="blue", active=1)
        attrs = spelled(version, with_levels([SCALE], [SHIFT, COARSE]), omero=omero)
        with pytest.warns(OmeZarrWarning) as caught:
            image = version.from_attrs(attrs)
        assert len(caught) == 1
        message = str(caught[0].message)
        assert "3 problems" in message
        assert pointer(version, "/omero/channels/0/color is 'blue'") in message
        assert image.omero is not None
        assert image.omero.channels[0] == Channel(
            label="DAPI", window=Window.model_validate(WINDOW)
        )
        assert caught[0].filename == __file__

    @both
    def test_a_scale_that_shrinks_is_read(self, version: Version) -> None:
        fine = {"type": "scale", "scale": [1.0, 0.4999, 1.0]}
        image = version.from_attrs(spelled(version, with_levels([SCALE], [fine])))
        assert image.multiscale.levels[1].scale == (1.0, 0.4999, 1.0)

    @both
    @pytest.mark.parametrize("key", ["levels", "coordinateSystems"])
    def test_a_key_that_means_something_only_to_others_is_left_out_with_a_warning(
        self, version: Version, key: str
    ) -> None:
        with pytest.warns(OmeZarrWarning, match=f"/{key} has no meaning in this"):
            image = version.from_attrs(spelled(version, {**ENTRY, key: []}))
        assert image.multiscale == IMAGE.multiscale

    @both
    @pytest.mark.parametrize(
        ("entry", "problem"),
        [
            (
                with_levels([SHIFT]),
                "/datasets/0/coordinateTransformations is .*one scale",
            ),
            (with_levels([SCALE, COARSE]), "one scale"),
            (with_levels([SCALE, SHIFT, SHIFT]), "one scale"),
            (with_levels([]), "one scale"),
            (with_levels([{"type": "identity"}]), "of type 'scale' or 'translation'"),
            (with_levels([{"scale": [1, 1, 1]}]), "/0 is .* of type"),
            (with_levels([{"type": "scale", "path": "s"}]), "/0 is .*give the numbers"),
            (with_levels([{"type": "scale"}]), "/0/scale is missing"),
            (with_levels([{"type": "scale", "scale": [1, 1]}]), "of 2 axes"),
            (
                with_levels([{"type": "scale", "scale": [1, 1]}, SHIFT]),
                "/0/scale: scale has 2 entries, and there are 3 axes",
            ),
            (
                with_levels([SCALE, {"type": "translation", "translation": [1, 1]}]),
                "/1/translation: translation has 2 entries, and there are 3 axes",
            ),
            (with_levels(), "/datasets is .*: give at least one entry"),
            ({**ENTRY, "axes": "cyx"}, "/axes is 'cyx': give a list"),
            ({**ENTRY, "axes": AXES[:1]}, "/multiscales/0 has 1 axes"),
            (
                {**ENTRY, "axes": [*AXES[:2], {"type": "space"}]},
                "/axes/2/name is missing",
            ),
            ({**ENTRY, "name": 3}, "/multiscales/0/name is 3: give text"),
            (
                {
                    **ENTRY,
                    "datasets": [
                        {"path": "../0", "coordinateTransformations": [SCALE]}
                    ],
                },
                "/datasets/0/path is '../0'",
            ),
            (
                {
                    **ENTRY,
                    "coordinateTransformations": [{"type": "scale", "scale": [1]}],
                },
                r"coordinateTransformations is a 'scale' of 1 axes",
            ),
        ],
    )
    def test_what_no_reader_can_make_sense_of_is_refused_where_it_stands(
        self, version: Version, entry: dict[str, Any], problem: str
    ) -> None:
        with pytest.raises(MetadataError, match=problem) as caught:
            version.from_attrs(spelled(version, entry))
        assert str(caught.value).startswith(pointer(version, "/multiscales/0"))

    @both
    @pytest.mark.parametrize(
        "attrs", [{}, {"ome": []}, {"ome": {}}, {"multiscales": 1}]
    )
    def test_attributes_without_an_image_are_refused(
        self, version: Version, attrs: dict[str, Any]
    ) -> None:
        with pytest.raises(MetadataError, match=r"^/(ome|multiscales)"):
            version.from_attrs(attrs)


class TestVersion04:
    version = Version04()

    def test_it_is_stored_in_zarr_2(self) -> None:
        features = self.version.features
        assert (features.zarr_format, features.sharding) == (2, False)

    def test_a_picture_without_version_is_read_and_gets_one(self) -> None:
        image = self.version.from_attrs({"multiscales": [ENTRY]})
        assert image.multiscale == IMAGE.multiscale
        assert self.version.to_attrs(image)["multiscales"][0]["version"] == "0.4"

    @pytest.mark.parametrize("told", ["0.3", "0.5", 0.5])
    def test_a_picture_of_another_version_is_refused(self, told: object) -> None:
        with pytest.raises(MetadataError, match=r"^/multiscales/0/version is "):
            self.version.from_attrs({"multiscales": [{**ENTRY, "version": told}]})

    def test_attributes_of_others_are_told_apart(self) -> None:
        others = {"_creator": {"name": "somebody"}, "@type": "ngff:Image", "scale": 3}
        attrs = {**spelled(self.version, ENTRY, omero=OMERO), **others}
        assert self.version.foreign(attrs) == others
        assert {
            **others,
            **self.version.to_attrs(self.version.from_attrs(attrs)),
        } == attrs

    def test_everyday_words_are_the_standards_only_in_the_standards_shape(self) -> None:
        others = {"plate": "P1", "well": "A1", "labels": {"units": "mm"}, "series": 3}
        assert self.version.foreign(others) == others
        ours = {"plate": {"rows": []}, "well": {}, "labels": ["cells"], "series": ["0"]}
        assert self.version.foreign(ours) == {}

    def test_only_its_own_version_at_the_top_is_taken_away(self) -> None:
        assert self.version.foreign({"version": "0.4"}) == {}
        assert self.version.foreign({"version": "1.2"}) == {"version": "1.2"}

    def test_keys_of_the_standard_that_are_no_part_of_the_image_stay_with_it(
        self,
    ) -> None:
        attrs = {**spelled(self.version, ENTRY), "bioformats2raw.layout": 3}
        assert self.version.to_attrs(self.version.from_attrs(attrs)) == attrs
        assert self.version.foreign(attrs) == {}


class TestVersion05:
    version = Version05()

    def test_it_is_stored_in_zarr_3(self) -> None:
        features = self.version.features
        assert (features.zarr_format, features.sharding) == (3, True)

    def test_everything_but_one_key_is_of_others(self) -> None:
        others = {"multiscales": [], "_creator": "somebody"}
        attrs = {**spelled(self.version, ENTRY), **others}
        assert self.version.foreign(attrs) == others

    def test_unknown_keys_beside_the_pictures_are_kept(self) -> None:
        attrs = spelled(self.version, ENTRY, _creator={"name": "me", "notes": None})
        assert self.version.to_attrs(self.version.from_attrs(attrs)) == attrs

    def test_a_correction_of_the_text_is_the_same_version(self) -> None:
        attrs = spelled(self.version, ENTRY)
        attrs["ome"]["version"] = "0.5.2"
        assert self.version.from_attrs(attrs).multiscale == IMAGE.multiscale

    @pytest.mark.parametrize("told", [None, 0.5])
    def test_a_version_that_is_missing_or_a_number_is_noted(self, told) -> None:
        attrs = spelled(self.version, ENTRY)
        attrs["ome"]["version"] = told
        with pytest.warns(OmeZarrWarning, match="/ome/version is .*read as"):
            assert self.version.from_attrs(attrs).multiscale == IMAGE.multiscale

    @pytest.mark.parametrize("told", ["0.4", "0.6", "0.50", 0.6, True, ["0.5"]])
    def test_another_version_is_refused(self, told: object) -> None:
        attrs = spelled(self.version, ENTRY)
        attrs["ome"]["version"] = told
        with pytest.raises(MetadataError, match=r"^/ome/version is .*give '0.5'"):
            self.version.from_attrs(attrs)

    def test_a_version_left_over_in_a_picture_is_dropped(self) -> None:
        attrs = spelled(self.version, {**ENTRY, "version": "0.4"})
        image = self.version.from_attrs(attrs)
        assert image.multiscale == IMAGE.multiscale


def test_an_image_changes_its_version_without_loss() -> None:
    old, new = VERSIONS
    attrs = spelled(new, ENTRY, omero={**OMERO, "version": "0.5"})
    there = old.from_attrs(old.to_attrs(new.from_attrs(attrs)))
    assert old.to_attrs(there)["omero"]["version"] == "0.4"
    assert new.to_attrs(there) == attrs
