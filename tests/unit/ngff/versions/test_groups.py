"""How each version spells labels, plates and collections, and what it forgives."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from xarray_omezarr.errors import MetadataError, OmeZarrWarning
from xarray_omezarr.ngff import (
    Acquisition,
    Axis,
    Bioformats2Raw,
    Field,
    Image,
    ImageLabel,
    LabelColor,
    LabelImage,
    LabelProperties,
    LabelsGroup,
    LabelSource,
    Level,
    Multiscale,
    Plate,
    Series,
    Well,
)
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.ngff.versions.grafting import graft_levels
from xarray_omezarr.ngff.versions.protocol import Version

# Those before are tested where their manners are.
VERSIONS = [
    version
    for version in map(registry.get, registry.SUPPORTED)
    if version.features.transformations
]
each = pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)

AXES = [Axis(name=name, type="space") for name in "yx"]
PICTURE = Multiscale.of(AXES, [Level.of("0", (1, 1))])
PICTURE_JSON = {
    "axes": [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}],
    "datasets": [
        {
            "path": "0",
            "coordinateTransformations": [{"type": "scale", "scale": [1.0, 1.0]}],
        }
    ],
}
LABEL = LabelImage(
    multiscales=(PICTURE,),
    image_label=ImageLabel(
        colors=(LabelColor(label_value=1, rgba=(255, 0, 0, 255)),),
        properties=(LabelProperties(label_value=1, area=2.5),),
        source=LabelSource(image="../../"),
    ),
)
LABEL_JSON = {
    "colors": [{"label-value": 1, "rgba": [255, 0, 0, 255]}],
    "properties": [{"label-value": 1, "area": 2.5}],
    "source": {"image": "../../"},
}
PLATE = Plate.of(
    ["A/1", "B/2"], name="screen", field_count=2, acquisitions=[Acquisition(id=1)]
)
PLATE_JSON = {
    "name": "screen",
    "rows": [{"name": "A"}, {"name": "B"}],
    "columns": [{"name": "1"}, {"name": "2"}],
    "wells": [
        {"path": "A/1", "rowIndex": 0, "columnIndex": 0},
        {"path": "B/2", "rowIndex": 1, "columnIndex": 1},
    ],
    "acquisitions": [{"id": 1}],
    "field_count": 2,
}
WELL = Well(images=(Field(path="0", acquisition=1), Field(path="1")))
WELL_JSON = {"images": [{"path": "0", "acquisition": 1}, {"path": "1"}]}


def spelled(version: Version, **members: Any) -> dict[str, Any]:
    """Attributes written by hand: beside those of others in 0.4, else in ``ome``."""
    keys = {
        key.replace("__", "-").replace("_at_", "."): v for key, v in members.items()
    }
    if version.features.zarr_format == 2:
        return keys
    return {"ome": {"version": version.name, **keys}}


def told(version: Version, json: dict[str, Any]) -> dict[str, Any]:
    """A block with the version in it, as versions before coordinate systems demand."""
    return json if version.features.systems else {"version": version.name, **json}


def picture_json(version: Version) -> dict[str, Any]:
    """The picture as the version spells it."""
    if not version.features.systems:
        return PICTURE_JSON
    (dataset,) = PICTURE_JSON["datasets"]
    (scale,) = dataset["coordinateTransformations"]
    ends = {"input": {"path": "0"}, "output": {"name": "physical"}}
    return {
        "coordinateSystems": [{"name": "physical", "axes": PICTURE_JSON["axes"]}],
        "datasets": [{"path": "0", "coordinateTransformations": [{**scale, **ends}]}],
    }


def read(version: Version, **members: Any) -> tuple[Any, list[str]]:
    """The model, and the lines of the warning."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OmeZarrWarning)
        model = version.from_attrs(spelled(version, **members))
    return model, [str(warning.message) for warning in caught]


@each
class TestWriting:
    def test_a_label_image_tells_its_version(self, version: Version) -> None:
        picture = picture_json(version)
        if version.features.zarr_format == 2:
            picture = {"version": version.name, **picture}
        assert version.to_attrs(LABEL) == spelled(
            version, multiscales=[picture], image__label=told(version, LABEL_JSON)
        )

    def test_a_label_image_that_says_nothing_is_still_told_to_be_one(
        self, version: Version
    ) -> None:
        attrs = version.to_attrs(LabelImage(multiscales=(PICTURE,)))
        assert attrs.get("ome", attrs)["image-label"] == told(version, {})

    def test_a_plate_tells_its_version(self, version: Version) -> None:
        plate = told(version, PLATE_JSON)
        assert version.to_attrs(PLATE) == spelled(version, plate=plate)

    def test_the_layout_of_a_plate_stands_beside_it(self, version: Version) -> None:
        plate = PLATE.model_copy(update={"bioformats2raw_layout": 3})
        attrs = spelled(
            version, plate=told(version, PLATE_JSON), bioformats2raw_at_layout=3
        )
        assert version.to_attrs(plate) == attrs
        assert version.from_attrs(attrs) == plate

    def test_a_well_tells_its_version(self, version: Version) -> None:
        assert version.to_attrs(WELL) == spelled(version, well=told(version, WELL_JSON))

    def test_lists_and_layouts_stand_alone(self, version: Version) -> None:
        for model, members in (
            (LabelsGroup(labels=("a", "b")), {"labels": ["a", "b"]}),
            (Bioformats2Raw(), {"bioformats2raw_at_layout": 3}),
            (Series(series=("0", "1")), {"series": ["0", "1"]}),
        ):
            assert version.to_attrs(model) == spelled(version, **members)

    @pytest.mark.parametrize(
        ("model", "problem"),
        [
            (PLATE.model_copy(update={"wells": ()}), "the plate has no wells"),
            (Well(images=()), "the well has no fields"),
            (Well(images=(Field(path="f 0"),)), "field 'f 0' has other characters"),
            (LabelsGroup(labels=()), "labels is empty"),
            (Series(series=("0", "0")), r"series lists \['0'\] several times"),
            (Bioformats2Raw(layout=4), "bioformats2raw.layout is 4: give 3"),
            (
                LABEL.model_copy(update={"image_label": ImageLabel(colors=())}),
                "colors is empty",
            ),
        ],
    )
    def test_what_breaks_the_standard_is_not_written(
        self, version: Version, model: Any, problem: str
    ) -> None:
        with pytest.raises(MetadataError, match=problem):
            version.to_attrs(model)

    def test_unknown_keys_are_written_where_they_stood(self, version: Version) -> None:
        plate = {**PLATE_JSON, "_layout": 96, "rows": [{"name": "A", "_dose": 1}]}
        plate |= {"wells": PLATE_JSON["wells"][:1], "columns": [{"name": "1"}]}
        well = {"images": [{"path": "0", "_seen": True}], "_grid": [1, 2]}
        for members in (
            {"plate": told(version, plate)},
            {"well": told(version, well)},
            {
                "multiscales": [picture_json(version)],
                "image__label": told(version, {**LABEL_JSON, "_by": "me"}),
            },
        ):
            attrs = spelled(version, **members)
            written = version.to_attrs(version.from_attrs(attrs))
            for picture in written.get("multiscales", []):
                del picture["version"]
            assert written == attrs


@each
class TestTelling:
    def test_a_label_image_is_told_from_an_image(self, version: Version) -> None:
        image, _ = read(version, multiscales=[picture_json(version)])
        label, _ = read(version, multiscales=[picture_json(version)], image__label={})
        assert type(image) is Image
        assert type(label) is LabelImage

    def test_a_null_tells_nothing(self, version: Version) -> None:
        image, notes = read(
            version, multiscales=[picture_json(version)], image__label=None
        )
        assert type(image) is Image
        assert notes == []

    def test_a_plate_that_is_a_collection_is_a_plate(self, version: Version) -> None:
        plate, _ = read(version, bioformats2raw_at_layout=3, plate=PLATE_JSON)
        assert plate == PLATE.model_copy(update={"bioformats2raw_layout": 3})

    def test_the_version_of_every_kind_is_told(self, version: Version) -> None:
        for model in (LABEL, PLATE, WELL, LabelsGroup(labels=("a",)), Bioformats2Raw()):
            assert registry.detect(version.to_attrs(model)) == version

    def test_nothing_of_the_standard_is_foreign(self, version: Version) -> None:
        for model in (LABEL, PLATE, WELL, LabelsGroup(labels=("a",)), Bioformats2Raw()):
            attrs = {**version.to_attrs(model), "others": 1}
            assert version.foreign(attrs) == {"others": 1}


@each
class TestReading:
    def test_versions_may_be_missing(self, version: Version) -> None:
        for members in (
            {"plate": PLATE_JSON},
            {"well": WELL_JSON},
            {"multiscales": [picture_json(version)], "image__label": LABEL_JSON},
        ):
            assert read(version, **members)[1] == []

    @pytest.mark.parametrize("key", ["plate", "well"])
    def test_another_version_in_a_block_is_noted(
        self, version: Version, key: str
    ) -> None:
        json = {"plate": PLATE_JSON, "well": WELL_JSON}[key]
        model, notes = read(version, **{key: {"version": "0.1", **json}})
        assert model in (PLATE, WELL)
        assert "/version is not the version of the file" in notes[0]

    def test_labels_that_are_listed_twice_are_read_once(self, version: Version) -> None:
        group, notes = read(version, labels=["a", "b", "a"])
        assert group == LabelsGroup(labels=("a", "b"))
        assert "lists 'a' several times; it is read once" in notes[0]

    def test_labels_that_are_no_paths_below_are_left_out(
        self, version: Version
    ) -> None:
        group, notes = read(version, labels=["a", 3, "../b", "c"])
        assert group == LabelsGroup(labels=("a", "c"))
        assert "/labels/1 is left out" in notes[0]
        assert "/labels/2 is left out" in notes[0]

    def test_an_empty_list_of_labels_is_read(self, version: Version) -> None:
        assert read(version, labels=[]) == (LabelsGroup(labels=()), [])

    @pytest.mark.parametrize(
        ("label", "wanted", "note"),
        [
            ({"colors": []}, ImageLabel(), "colors is left out: such a list has one"),
            ({"properties": []}, ImageLabel(), "properties is left out: such a list"),
            ({"colors": 3}, ImageLabel(), "colors is left out: it is a list"),
            ({"source": "../../"}, ImageLabel(), "source is left out: source is an"),
            (7, ImageLabel(), "image-label is left out: image-label is an object"),
            (
                {"colors": [{"label-value": 2.0, "rgba": [1, 2, 3, 4]}]},
                ImageLabel(colors=(LabelColor(label_value=2, rgba=(1, 2, 3, 4)),)),
                None,
            ),
            (
                {"colors": [{"label-value": 2}]},
                ImageLabel(colors=(LabelColor(label_value=2),)),
                None,
            ),
            (
                {"colors": [{"label-value": 1.5}, {"label-value": 2}, {}]},
                ImageLabel(colors=(LabelColor(label_value=2),)),
                "colors/0/label-value is 1.5: give a whole number; this entry is left",
            ),
            (
                {"colors": [{"label-value": 2, "rgba": [0, 0, 300, 0], "_a": 1}]},
                ImageLabel(colors=(LabelColor(label_value=2, _a=1),)),
                "from 0 to 255; it is left out",
            ),
            (
                {"source": {"image": 3, "_kept": 4}},
                ImageLabel(source=LabelSource(_kept=4)),
                "source/image is 3: give text; it is left out",
            ),
        ],
    )
    def test_what_is_readable_of_a_label_image_is_read(
        self, version: Version, label: Any, wanted: ImageLabel, note: str | None
    ) -> None:
        model, notes = read(
            version, multiscales=[picture_json(version)], image__label=label
        )
        assert model.image_label == wanted
        assert [note in text for text in notes if note] == ([True] if note else [])
        assert bool(notes) is (note is not None)

    @pytest.mark.parametrize(
        ("change", "note"),
        [
            ({"acquisitions": []}, "acquisitions is left out: such a list has one"),
            ({"field_count": 0}, "field_count is 0: .* it is left out"),
            ({"field_count": "4"}, "field_count is '4': give a number; it is left out"),
            ({"name": 3}, "name is 3: give text; it is left out"),
            ({"acquisitions": None, "field_count": None, "name": None}, None),
        ],
    )
    def test_a_plate_can_do_without_what_is_unreadable(
        self, version: Version, change: dict[str, Any], note: str | None
    ) -> None:
        plate, notes = read(version, plate={**PLATE_JSON, **change})
        assert plate.wells == PLATE.wells
        for key in change:
            assert getattr(plate, key) in ((), None)
        if note is None:
            assert notes == []
        else:
            with pytest.raises(AssertionError, match=note):
                raise AssertionError(notes)

    def test_an_acquisition_keeps_what_is_readable(self, version: Version) -> None:
        runs = [{"id": 1, "name": "a", "starttime": -5, "_x": 1}, {"name": "b"}]
        plate, notes = read(version, plate={**PLATE_JSON, "acquisitions": runs})
        assert plate.acquisitions == (Acquisition(id=1, name="a", _x=1),)
        assert "acquisitions/0/starttime is -5" in notes[0]
        assert "acquisitions/1/id is missing" in notes[0]

    def test_numbers_as_names_are_read_as_text(self, version: Version) -> None:
        json = {**PLATE_JSON, "columns": [{"name": 1}, {"name": 2}]}
        plate, notes = read(version, plate=json)
        assert plate == PLATE
        assert "columns/0/name is read as text" in notes[0]

    def test_indices_that_are_missing_or_wrong_are_told_by_the_path(
        self, version: Version
    ) -> None:
        wells = [{"path": "A/1"}, {"path": "B/2", "rowIndex": 0, "columnIndex": 1}]
        plate, notes = read(version, plate={**PLATE_JSON, "wells": wells})
        assert plate == PLATE
        assert (
            "wells/0/rowIndex is read as 0, the place of 'A' (it is None)" in notes[0]
        )
        assert "wells/1/rowIndex is read as 1, the place of 'B' (it is 0)" in notes[0]

    def test_wells_and_fields_that_are_listed_twice_are_read_once(
        self, version: Version
    ) -> None:
        wells = [*PLATE_JSON["wells"], PLATE_JSON["wells"][0]]
        plate, notes = read(version, plate={**PLATE_JSON, "wells": wells})
        assert plate == PLATE
        assert "/plate/wells lists 'A/1' several times" in notes[0]
        images = [*WELL_JSON["images"], {"path": "1", "acquisition": 3}]
        well, notes = read(version, well={"images": images})
        assert well == WELL
        assert "/well/images lists '1' several times" in notes[0]

    def test_names_that_may_not_be_written_are_read(self, version: Version) -> None:
        images = [{"path": "fov_0.a-b", "acquisition": None}]
        well, notes = read(version, well={"images": images})
        assert well == Well(images=(Field(path="fov_0.a-b"),))
        assert notes == []

    @pytest.mark.parametrize(
        ("members", "problem"),
        [
            ({"plate": {}}, "/plate/rows is missing"),
            ({"plate": {**PLATE_JSON, "wells": None}}, "/plate/wells is missing"),
            ({"plate": {**PLATE_JSON, "rows": [{}]}}, "/plate/rows/0/name is missing"),
            (
                {"plate": {**PLATE_JSON, "wells": [{"path": "../x"}]}},
                "/plate/wells/0/path is",
            ),
            ({"well": {}}, "/well/images is missing"),
            ({"well": {"images": [{"path": 3}]}}, "/well/images/0/path is 3"),
            ({"bioformats2raw_at_layout": "three"}, "bioformats2raw.layout is 'three'"),
        ],
    )
    def test_what_makes_no_sense_is_refused(
        self, version: Version, members: dict[str, Any], problem: str
    ) -> None:
        with pytest.raises(MetadataError, match=problem):
            version.from_attrs(spelled(version, **members))

    def test_new_levels_of_a_label_image_leave_its_values_alone(
        self, version: Version
    ) -> None:
        attrs = version.to_attrs(LABEL)
        levels = [Level.of("0", (1, 1)), Level.of("1", (2, 2))]
        coarser = LABEL.model_copy(
            update={"multiscales": (Multiscale.of(AXES, levels, type="mode"),)}
        )
        assert graft_levels(version, attrs, coarser) == version.to_attrs(coarser)


class TestLabelsOutsideOme:
    version = registry.get("0.5")

    @pytest.mark.parametrize("ome", [{}, {"ome": {"version": "0.5"}}, {"ome": {}}])
    def test_they_are_read_with_a_warning(self, ome: dict[str, Any]) -> None:
        attrs = {**ome, "labels": ["a"], "mine": 1}
        with pytest.warns(OmeZarrWarning, match="/labels stands outside /ome"):
            group = self.version.from_attrs(attrs)
        assert group == LabelsGroup(labels=("a",))
        assert self.version.foreign(attrs) == {"mine": 1}

    def test_they_are_written_inside(self) -> None:
        with pytest.warns(OmeZarrWarning):
            group = self.version.from_attrs({"labels": ["a"]})
        ome = {"version": "0.5", "labels": ["a"]}
        assert self.version.to_attrs(group) == {"ome": ome}

    def test_the_word_belongs_to_others_beside_an_image(self) -> None:
        ome = {"version": "0.5", "multiscales": [PICTURE_JSON]}
        attrs = {"ome": ome, "labels": ["a"]}
        assert type(self.version.from_attrs(attrs)) is Image
        assert self.version.foreign(attrs) == {"labels": ["a"]}

    def test_inside_ome_they_may_lack_a_version(self) -> None:
        with pytest.warns(OmeZarrWarning, match="/ome/version is not given"):
            group = self.version.from_attrs({"ome": {"labels": ["a"]}})
        assert group == LabelsGroup(labels=("a",))

    def test_keys_beside_a_plate_or_well_stay(self) -> None:
        for key, json in (("plate", PLATE_JSON), ("well", WELL_JSON)):
            ome = {"version": "0.5", "_creator": {"name": "x"}}
            attrs = {"ome": {**ome, key: {"version": "0.5", **json}}}
            assert self.version.to_attrs(self.version.from_attrs(attrs)) == attrs
