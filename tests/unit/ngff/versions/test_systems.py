"""How 0.6 spells images: coordinate systems, ways between them, scenes."""

from __future__ import annotations

import copy
import re
import warnings
from typing import Any

import pytest

from xarray_omezarr.errors import MetadataError, NotInVersionError, OmeZarrWarning
from xarray_omezarr.ngff import (
    Affine,
    Axis,
    Field,
    Identity,
    Image,
    Level,
    Multiscale,
    Scale,
    Scene,
    Sequence,
    SystemReference,
    Translation,
    UnknownTransformation,
    Well,
)
from xarray_omezarr.ngff.versions import registry

V = registry.get("0.6")
AXES = [
    {"name": "c", "type": "channel", "discrete": True},
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer", "longName": "along"},
]
WORLD = [{"name": name, "type": "space"} for name in "zyx"]


def dataset(path: str, *, start: float | None = None) -> dict[str, Any]:
    scale = {"type": "scale", "scale": [1.0, 0.5, 0.5]}
    ends = {"input": {"path": path}, "output": {"name": "physical"}}
    if start is None:
        told = {**scale, **ends}
    else:
        moved = {"type": "translation", "translation": [0.0, start, start]}
        told = {"type": "sequence", "transformations": [scale, moved], **ends}
    return {"path": path, "coordinateTransformations": [told]}


ENTRY = {
    "name": "cells",
    "coordinateSystems": [
        {"name": "world", "axes": WORLD},
        {"name": "physical", "axes": AXES},
    ],
    "datasets": [dataset("0"), dataset("1", start=0.25)],
    "coordinateTransformations": [
        {
            "type": "affine",
            "affine": [[0.0, 0.0, 1.0, 5.0]] * 3,
            "input": {"name": "physical"},
            "output": {"name": "world"},
        }
    ],
}


def attrs(entry: dict[str, Any], version: str = "0.6") -> dict[str, Any]:
    return {"ome": {"version": version, "multiscales": [entry]}}


def read(entry: dict[str, Any], version: str = "0.6") -> tuple[Any, list[str]]:
    """The image, and the lines of the warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OmeZarrWarning)
        image = V.from_attrs(attrs(entry, version))
    return image, [str(warning.message) for warning in caught]


def changed(*path: Any, value: Any) -> dict[str, Any]:
    """The entry with another value at one place."""
    entry = copy.deepcopy(ENTRY)
    place: Any = entry
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return entry


def way(*path: Any) -> tuple[Any, ...]:
    return ("coordinateTransformations", 0, *path)


def first(*path: Any) -> tuple[Any, ...]:
    return ("datasets", 0, "coordinateTransformations", 0, *path)


class TestReading:
    def test_what_is_read_is_written_as_it_stood(self) -> None:
        image, notes = read(ENTRY)
        assert notes == []
        assert V.to_attrs(image) == attrs(ENTRY)

    def test_the_system_of_the_levels_need_not_be_the_first(self) -> None:
        picture = read(ENTRY)[0].multiscale
        assert picture.intrinsic == picture.system.name == "physical"
        assert [axis.name for axis in picture.axes] == ["c", "y", "x"]
        assert picture.levels[1].translation == (0.0, 0.25, 0.25)
        assert picture.applied_after_levels == ()
        (affine,) = picture.between_systems
        assert isinstance(affine, Affine)

    def test_a_candidate_is_read_in_silence_and_written_as_the_version(self) -> None:
        image, notes = read(ENTRY, "0.6rc0")
        assert notes == []
        assert V.to_attrs(image) == attrs(ENTRY)

    def test_a_draft_is_read_with_a_note(self) -> None:
        image, (note,) = read(ENTRY, "0.6.dev4")
        assert "/ome/version is a draft" in note
        assert V.to_attrs(image) == attrs(ENTRY)

    def test_ends_that_drafts_spell_as_text_are_noted(self) -> None:
        entry = changed(*way("input"), value="physical")
        entry["datasets"][0]["coordinateTransformations"][0] |= {
            "input": "0",
            "output": "physical",
        }
        image, (note,) = read(entry, "0.6.dev2")
        assert "read as the name of a coordinate system" in note
        assert V.to_attrs(image) == attrs(ENTRY)

    def test_nulls_at_ends_are_read_and_not_written(self) -> None:
        entry = changed(*way("input"), value={"name": "physical", "path": None})
        image, notes = read(entry)
        assert notes == []
        assert V.to_attrs(image) == attrs(ENTRY)

    @pytest.mark.parametrize("level", [0, 1])
    def test_keys_of_ends_that_nobody_knows_are_kept(self, level: int) -> None:
        entry = copy.deepcopy(ENTRY)
        (told,) = entry["datasets"][level]["coordinateTransformations"]
        told["input"]["lab"] = {"7": [1]}
        told["output"] |= {"seen": True, "name": "physical"}
        image, notes = read(entry)
        assert notes == []
        assert V.to_attrs(image) == attrs(entry)
        picture = image.multiscale
        plain = read(ENTRY)[0].multiscale
        assert [one.scale for one in picture.levels] == [
            one.scale for one in plain.levels
        ]

    def test_keys_of_ends_survive_where_several_are_read_as_one(self) -> None:
        entry = copy.deepcopy(ENTRY)
        one = entry["datasets"][0]["coordinateTransformations"][0]
        moved = {"type": "translation", "translation": [0.0, 1.0, 1.0]}
        ends = {"input": {"path": "0"}, "output": {"name": "physical", "lab": 7}}
        entry["datasets"][0]["coordinateTransformations"] = [one, {**moved, **ends}]
        image, (_,) = read(entry)
        spelled = V.to_attrs(image)["ome"]["multiscales"][0]["datasets"][0]
        (whole,) = spelled["coordinateTransformations"]
        assert whole["output"] == {"name": "physical", "lab": 7}
        assert whole["input"] == {"path": "0"}

    def test_versions_without_ends_tell_that_keys_of_them_are_lost(self) -> None:
        entry = changed(*first("input", "lab"), value=7)
        del entry["coordinateTransformations"]
        entry["coordinateSystems"] = [{"name": "physical", "axes": AXES}]
        image, _ = read(entry)
        older, lost = registry.get("0.5").fitted(image)
        assert lost == ("input of the transformation of level '0'",)
        assert registry.get("0.5").fitted(older)[1] == ()

    def test_a_type_that_is_not_known_is_kept_with_a_note(self) -> None:
        entry = changed(*way("type"), value="thinPlate")
        image, (note,) = read(entry)
        assert "'thinPlate'" in note
        (kept,) = image.multiscale.between_systems
        assert isinstance(kept, UnknownTransformation)
        assert V.to_attrs(image) == attrs(entry)

    @pytest.mark.parametrize(
        ("path", "value", "note"),
        [
            (way("affine"), [[1.0, 0.0]], "left out"),
            (way("affine"), [[1.0, 0.0, 0.0, 0.0]], "gives 1 axes.*has 3.*left out"),
            (way("output"), {"name": "moon"}, "'moon'.*left out"),
            (way("output"), {}, "name the system that is its output.*left out"),
            (way("type"), None, "give the type.*left out"),
            (("coordinateTransformations",), {}, "it is a list"),
        ],
    )
    def test_a_way_that_breaks_the_standard_costs_no_image(
        self, path: tuple[Any, ...], value: Any, note: str
    ) -> None:
        image, (text,) = read(changed(*path, value=value))
        assert image.multiscale.between_systems == ()
        assert re.search(note, text, re.DOTALL)
        assert len(image.multiscale.coordinate_systems) == 2

    @pytest.mark.parametrize(
        ("path", "value", "note"),
        [
            (first("input"), {"path": "s0"}, "is read as '0'"),
            (first("input"), None, "is missing"),
            (first("output"), {"name": "intrinsic"}, "is none of the systems"),
        ],
    )
    def test_ends_of_levels_that_are_wrong_are_noted(
        self, path: tuple[Any, ...], value: Any, note: str
    ) -> None:
        entry = changed(*path, value=value)
        entry["coordinateSystems"] = [{"name": "physical", "axes": AXES}]
        del entry["coordinateTransformations"]
        image, (text,) = read(entry)
        assert note in text
        assert image.multiscale.levels[0].scale == (1.0, 0.5, 0.5)

    @pytest.mark.parametrize(
        ("path", "value", "message"),
        [
            (("coordinateSystems",), [], "coordinateSystems"),
            (first("output"), {"name": "world"}, "all levels lead"),
            (first("type"), "translation", "translation is missing"),
            (("datasets", 0, "coordinateTransformations"), [], "at least one entry"),
            (first("scale"), [1.0, 0.5], "of 2 axes"),
            (
                (
                    *("datasets", 1, "coordinateTransformations", 0),
                    *("transformations", 0, "scale"),
                ),
                [1.0, 0.5],
                "/transformations/0/scale: scale has 2 entries, and there are 3 axes",
            ),
        ],
    )
    def test_what_places_no_pixel_is_refused(
        self, path: tuple[Any, ...], value: Any, message: str
    ) -> None:
        with pytest.raises(MetadataError, match=message):
            read(changed(*path, value=value))


class TestWriting:
    def picture(self, *after: Any, **more: Any) -> Image:
        axes = [Axis(name=name, type="space") for name in "yx"]
        levels = [Level.of("0", (0.1, 1)), Level.of("1", (0.2, 2), (0.05, 0.5))]
        made = Multiscale.of(axes, levels)
        update = {"coordinate_transformations": after, **more}
        return Image(multiscales=(made.model_copy(update=update),))

    def test_what_moves_the_picture_is_folded_into_its_levels(self) -> None:
        image = self.picture(Scale(scale=(3, 1)), Translation(translation=(0.1, 7)))
        (entry,) = V.to_attrs(image)["ome"]["multiscales"]
        assert "coordinateTransformations" not in entry
        numbers = [
            [part.get("scale", part.get("translation")) for part in told]
            for told in (
                level["coordinateTransformations"][0]["transformations"]
                for level in entry["datasets"]
            )
        ]
        # Exact decimals: 3 * 0.1 = 0.3, 0.15 + 0.1 = 0.25.
        assert numbers == [[[0.3, 1.0], [0.1, 7.0]], [[0.6, 2.0], [0.25, 7.5]]]

    def test_what_cannot_be_folded_has_no_place(self) -> None:
        affine = Affine(affine=((1, 0, 0), (0, 1, 0)))
        image = self.picture(affine)
        assert V.fitted(image)[1] == (
            "coordinateTransformations 'affine' without systems",
        )
        with pytest.raises(NotInVersionError, match="'affine'"):
            V.to_attrs(image)

    def test_an_identity_stays_one(self) -> None:
        level = Level(path="0", transformation=Identity())
        spelled = V.to_attrs(self.picture(levels=(level,)))
        (dataset,) = spelled["ome"]["multiscales"][0]["datasets"]
        assert dataset["coordinateTransformations"] == [
            {
                "type": "identity",
                "input": {"path": "0"},
                "output": {"name": "physical"},
            }
        ]

    def test_a_sequence_of_a_scale_is_a_scale(self) -> None:
        chain = Sequence(transformations=(Scale(scale=(1, 2)),))
        image = self.picture(levels=(Level(path="0", transformation=chain),))
        (dataset,) = V.to_attrs(image)["ome"]["multiscales"][0]["datasets"]
        assert dataset["coordinateTransformations"][0]["type"] == "scale"

    def test_a_sequence_of_a_scale_keeps_what_it_says(self) -> None:
        chain = Sequence(
            name="calibrated", lab=7, transformations=(Scale(scale=(1, 2)),)
        )
        image = self.picture(levels=(Level(path="0", transformation=chain),))
        (dataset,) = V.to_attrs(image)["ome"]["multiscales"][0]["datasets"]
        assert dataset["coordinateTransformations"] == [
            {
                "type": "scale",
                "scale": [1.0, 2.0],
                "name": "calibrated",
                "lab": 7,
                "input": {"path": "0"},
                "output": {"name": "physical"},
            }
        ]

    @pytest.mark.parametrize("scale", [0.0, -0.5])
    def test_scales_are_positive(self, scale: float) -> None:
        image = self.picture(levels=(Level.of("0", (1, scale)),))
        with pytest.raises(MetadataError, match="turn the pixels round"):
            V.to_attrs(image)

    def test_channels_are_discrete_unless_they_say_otherwise(self) -> None:
        axes = [Axis(name="c", type="channel")]
        axes += [Axis(name=name, type="space") for name in "yx"]
        for told, written in ((None, True), (False, False)):
            axes[0] = axes[0].model_copy(update={"discrete": told})
            picture = Multiscale.of(axes, [Level.of("0", (1, 1, 1))])
            spelled = V.to_attrs(Image(multiscales=(picture,)))
            (system,) = spelled["ome"]["multiscales"][0]["coordinateSystems"]
            assert system["axes"][0]["discrete"] is written
            assert "discrete" not in system["axes"][1]

    def test_a_way_needs_both_ends(self) -> None:
        half = Identity(input=SystemReference(name="physical"))
        with pytest.raises(MetadataError, match=r"\['output'\]: both ends"):
            V.to_attrs(self.picture(half))

    def test_names_of_fields_may_have_more_characters(self) -> None:
        well = Well(images=(Field(path="fov_0.a-1"),))
        assert V.to_attrs(well)["ome"]["well"] == {"images": [{"path": "fov_0.a-1"}]}
        for path in ("__a", "...", "a b"):
            with pytest.raises(MetadataError, match="other characters"):
                V.to_attrs(Well(images=(Field(path=path),)))


SCENE = {
    "coordinateSystems": [{"name": "world", "axes": WORLD}],
    "coordinateTransformations": [
        {
            "type": "translation",
            "translation": [0.0, 0.0, 5.0],
            "input": {"path": "tile", "name": "physical"},
            "output": {"name": "world"},
        }
    ],
}


class TestScenes:
    def test_a_scene_is_read_and_written(self) -> None:
        told = {"ome": {"version": "0.6", "scene": SCENE, "lab": "7"}}
        scene = V.from_attrs(told)
        assert isinstance(scene, Scene)
        assert V.to_attrs(scene) == told

    def test_no_version_before_has_a_place_for_a_scene(self) -> None:
        scene = Scene.model_validate(SCENE)
        for name in registry.SUPPORTED[:-1]:
            with pytest.raises(NotInVersionError, match="Scene"):
                registry.get(name).to_attrs(scene)
