"""How the versions without transformations spell, and what they forgive."""

from __future__ import annotations

import warnings
from typing import Any

import pytest

from xarray_omezarr.errors import MetadataError, NotInVersionError, OmeZarrWarning
from xarray_omezarr.ngff import (
    Axis,
    Bioformats2Raw,
    Image,
    ImageLabel,
    LabelImage,
    LabelsGroup,
    Level,
    Multiscale,
    Plate,
    Series,
    Well,
)
from xarray_omezarr.ngff.plate import Field
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.ngff.versions.protocol import Version
from xarray_omezarr.ngff.versions.v01 import VERSION_01
from xarray_omezarr.ngff.versions.v02 import VERSION_02
from xarray_omezarr.ngff.versions.v03 import VERSION_03

VERSIONS: list[Version] = [VERSION_01, VERSION_02, VERSION_03]
each = pytest.mark.parametrize("version", VERSIONS, ids=lambda version: version.name)

TYPES = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
AXES = [Axis(name=name, type=kind) for name, kind in TYPES.items()]
ONES = (1.0,) * 5
FINE, COARSE = Level.of("0", ONES), Level.of("1", (1, 1, 1, 2, 2), (0, 0, 0, 0.5, 0.5))


def picture(*levels: Level, **fields: Any) -> Image:
    levels = levels or (FINE,)
    return Image(multiscales=(Multiscale.of(AXES, levels, **fields),))


def read(version: Version, attrs: dict[str, Any]) -> tuple[Any, str]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", OmeZarrWarning)
        model = version.from_attrs(attrs)
    return model, " ".join(str(warning.message) for warning in caught)


def written_by_hand(version: Version, **members: Any) -> dict[str, Any]:
    axes = {"axes": [*TYPES]} if version.features.dims is None else {}
    entry = {"version": version.name, **axes, "datasets": [{"path": "0"}], **members}
    return {"multiscales": [entry]}


@each
class TestWriting:
    def test_an_image_has_paths_and_nothing_about_places(self, version) -> None:
        attrs = version.to_attrs(picture(FINE, COARSE, name="a", type="mean"))
        datasets = [{"path": "0"}, {"path": "1"}]
        wanted = written_by_hand(version, datasets=datasets, name="a", type="mean")
        assert attrs == wanted

    def test_a_label_image_tells_its_version(self, version) -> None:
        label = LabelImage(multiscales=picture().multiscales, image_label=ImageLabel())
        assert version.to_attrs(label) == {
            **written_by_hand(version),
            "image-label": {"version": version.name},
        }

    def test_wells_of_a_plate_have_paths_only(self, version) -> None:
        attrs = version.to_attrs(Plate.of(["A/1", "B/2"]))
        assert attrs["plate"]["version"] == version.name
        assert attrs["plate"]["wells"] == [{"path": "A/1"}, {"path": "B/2"}]

    @pytest.mark.parametrize(
        ("model", "wanted"),
        [
            (LabelsGroup(labels=("cells",)), {"labels": ["cells"]}),
            (Bioformats2Raw(), {"bioformats2raw.layout": 3}),
            (Series(series=("0",)), {"series": ["0"]}),
        ],
    )
    def test_what_has_no_place_for_the_version_tells_it_beside(
        self, version, model, wanted
    ) -> None:
        assert version.to_attrs(model) == {"version": version.name, **wanted}

    @pytest.mark.parametrize(
        ("model", "word"),
        [
            (picture(Level.of("0", (1, 1, 1, 0.5, 1))), "scale 0.5 of axis 'y'"),
            (
                picture(Level.of("0", ONES, (0, 0, 0, 0, 7))),
                "translation 7 of axis 'x'",
            ),
            (
                picture(FINE, Level.of("1", (1, 1, 1, 2, 2), (0, 0, 0, 9, 0))),
                "translation 9 of level '1' along 'y'",
            ),
        ],
    )
    def test_places_are_refused_by_name(self, version, model, word) -> None:
        with pytest.raises(NotInVersionError, match=f"(?s){version.name}.*{word}"):
            version.to_attrs(model)
        assert version.fitted(model)[1] == (word,)

    @pytest.mark.parametrize(
        ("fields", "word"),
        [
            ({"unit": "micrometer"}, "unit 'micrometer' of axis 'x'"),
            ({"long_name": "slide"}, "longName 'slide' of axis 'x'"),
            ({"discrete": True}, "discrete True of axis 'x'"),
            ({"orientation": "left"}, "orientation of axis 'x'"),
        ],
    )
    def test_axes_are_refused_by_name(self, version, fields, word) -> None:
        axes = [*AXES[:-1], Axis(name="x", type="space", **fields)]
        model = Image(multiscales=(Multiscale.of(axes, [FINE]),))
        assert version.fitted(model) == (picture(), (word,))

    def test_a_part_that_fits_is_told_to_fit(self, version) -> None:
        fitted, lost = version.fitted(picture(FINE, COARSE))
        assert lost == ()
        assert fitted == picture(FINE, Level.of("1", ONES))


@each
class TestReading:
    def test_levels_have_the_scale_of_one_pixel(self, version) -> None:
        model, said = read(version, written_by_hand(version))
        assert (model, said) == (picture(), "")

    def test_indices_of_wells_are_told_by_the_path(self, version) -> None:
        plate = Plate.of(["A/1", "B/2"])
        model, said = read(version, version.to_attrs(plate))
        assert (model, said) == (plate, "")

    def test_a_well_is_read(self, version) -> None:
        well = Well(images=(Field(path="0", acquisition=1),))
        assert read(version, version.to_attrs(well)) == (well, "")

    def test_transformations_are_left_out_and_told(self, version) -> None:
        scale = [{"type": "scale", "scale": [9] * 5}]
        datasets = [{"path": "0", "coordinateTransformations": scale}]
        model, said = read(version, written_by_hand(version, datasets=datasets))
        assert model == picture()
        assert "/multiscales/0/datasets/0/coordinateTransformations" in said

    def test_unknown_keys_stay(self, version) -> None:
        attrs = written_by_hand(version, datasets=[{"path": "0", "_a": 1}], _b=2)
        model, _ = read(version, attrs)
        assert version.to_attrs(model) == attrs

    @pytest.mark.parametrize(
        "attrs",
        [
            {"multiscales": 1},
            {"multiscales": [1]},
            {"multiscales": [{}]},
            {"multiscales": [{"datasets": []}]},
            {"multiscales": [{"datasets": [{}], "axes": ["y", "x"]}]},
            {"multiscales": [{"datasets": [{"path": "0"}], "version": "9"}]},
            {"plate": {"rows": 1, "columns": [], "wells": []}},
            {"plate": {"rows": [1], "columns": [{}], "wells": [1]}},
        ],
    )
    def test_what_is_broken_is_refused_with_the_place(self, version, attrs) -> None:
        with pytest.raises(MetadataError, match="/"):
            read(version, attrs)

    def test_what_is_not_of_the_standard_is_foreign(self, version) -> None:
        attrs = {"labels": ["a"], "version": version.name, "mine": 1}
        assert version.foreign(attrs) == {"mine": 1}
        others = {"version": version.name, "mine": 1}
        assert version.foreign(others) == others


@pytest.mark.parametrize("version", VERSIONS[:2], ids=lambda version: version.name)
def test_axes_where_all_images_have_the_same_are_left_out_and_told(version) -> None:
    model, said = read(version, written_by_hand(version, axes=["y", "x"]))
    assert model == picture()
    assert "/multiscales/0/axes" in said


@pytest.mark.parametrize("names", ["yx", "zyx", "cyx", "tyx", "tczyx"])
def test_lists_of_names_make_axes_with_types(names) -> None:
    version = VERSION_03
    attrs = written_by_hand(version, axes=[*names])
    model, said = read(version, attrs)
    assert said == ""
    assert {a.name: a.type for a in model.multiscale.axes} == {
        name: TYPES[name] for name in names
    }
    assert version.to_attrs(model) == attrs


def test_axes_that_are_objects_are_read_by_their_name() -> None:
    axes = [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}]
    model, said = read(VERSION_03, written_by_hand(VERSION_03, axes=axes))
    assert [axis.name for axis in model.multiscale.axes] == ["y", "x"]
    assert "/multiscales/0/axes/0 is read as its name" in said


@pytest.mark.parametrize("names", [["x", "y"], ["t", "c"], ["a", "y", "x"]])
def test_other_axes_have_no_place_whatever_is_left_out(names) -> None:
    axes = [Axis(name=name, type="space") for name in names]
    model = Image(multiscales=(Multiscale.of(axes, [Level.of("0", (1,) * len(axes))]),))
    for version in VERSIONS:
        fitted, lost = version.fitted(model)
        assert any(word.startswith("axes (") for word in lost)
        assert version.fitted(fitted)[1]


LEVELS = {"datasets": [{"path": "0"}]}


@pytest.mark.parametrize(
    ("attrs", "name"),
    [
        ({"multiscales": [{**LEVELS, "version": "0.2"}]}, "0.2"),
        ({"multiscales": [LEVELS]}, "0.1"),
        ({"multiscales": [{**LEVELS, "axes": ["y", "x"]}]}, "0.3"),
        ({"multiscales": [{**LEVELS, "axes": [{"name": "y"}]}]}, "0.4"),
        ({"multiscales": [{**LEVELS, "coordinateTransformations": []}]}, "0.4"),
        ({"plate": {"version": "0.1"}}, "0.1"),
        ({"labels": ["a"], "version": "0.3"}, "0.3"),
        ({"labels": ["a"]}, "0.4"),
        ({"labels": ["a"], "version": "of mine"}, "0.4"),
    ],
)
def test_attributes_tell_their_version(attrs, name) -> None:
    assert registry.detect(attrs).name == name


@each
def test_groups_that_tell_no_version_get_that_of_the_group_above(version) -> None:
    attrs = registry.with_version({"labels": ["a"], "mine": 1}, version)
    assert registry.detect(attrs) == version
    assert version.foreign(attrs) == {"mine": 1}
    told = {"plate": {"version": "0.4"}}
    assert registry.with_version(told, version) == told


@each
def test_a_key_of_an_image_that_is_called_as_a_plate_is_kept(version) -> None:
    anybodys = {"plate": {"wells": [["A", 1]]}}
    axes = {} if version.features.dims else {"axes": ["y", "x"]}
    picture = {**LEVELS, **axes, "version": version.name}
    image = version.from_attrs({"multiscales": [picture]})
    told = type(image)(**{**dict(image), **anybodys})
    assert version.to_attrs(told)["plate"] == anybodys["plate"]
