"""Frames of images and scenes, from models made by hand."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.ngff import (
    Affine,
    Axis,
    Bijection,
    CoordinateSystem,
    Displacements,
    Identity,
    Image,
    ImageLabel,
    LabelImage,
    Level,
    Multiscale,
    Scene,
    Sequence,
    SystemReference,
    Translation,
)
from xarray_omezarr.transforming.frames_of import (
    frame_of_image,
    frame_of_scene,
    has_frame,
    own_key,
)

AXES = tuple(Axis(name=name, type="space") for name in "yx")


def ref(name: str | None, path: str | None = None) -> SystemReference:
    return SystemReference(name=name, path=path)


def picture(*names: str, ways: tuple[Any, ...] = (), kind: Any = Image) -> Any:
    systems = tuple(CoordinateSystem(name=n, axes=AXES) for n in names)
    multiscale = Multiscale(
        coordinate_systems=systems,
        levels=(Level.of("0", (1.0, 1.0)),),
        coordinate_transformations=ways,
    )
    more = {"image_label": ImageLabel()} if kind is LabelImage else {}
    return kind(multiscales=(multiscale,), **more)


def moved(start: Any, end: Any, by: tuple[float, ...] = (1, 2)) -> Translation:
    return Translation(translation=by, input=start, output=end)


PLAIN = picture("physical")
TO_WORLD = moved(ref("physical"), ref("world"))


def told(frame: Any) -> list[tuple[str, str]]:
    return [(way.start, way.end) for way in frame.ways]


class TestImage:
    def test_keys_are_names(self) -> None:
        frame = frame_of_image(picture("physical", "world", ways=(TO_WORLD,)), {})
        assert frame.own == "physical"
        assert [*frame.systems] == ["physical", "world"]
        assert told(frame) == [("physical", "world")]
        assert frame.ways[0].transformation == TO_WORLD

    def test_the_intrinsic_system_need_not_be_the_first(self) -> None:
        image = picture("world", "physical", ways=(TO_WORLD,))
        (multiscale,) = image.multiscales
        multiscale = multiscale.model_copy(update={"intrinsic": "physical"})
        frame = frame_of_image(Image(multiscales=(multiscale,)), {})
        assert (frame.own, next(iter(frame.systems))) == ("physical", "world")

    def test_arrays_are_as_they_were_given(self) -> None:
        way = Affine(path="/m/./a", input=ref("physical"), output=ref("world"))
        arrays = {"m/a": np.eye(2, 3)}
        frame = frame_of_image(picture("physical", "world", ways=(way,)), arrays)
        assert frame.arrays is arrays
        assert frame.ways[0].transformation.path == "m/a"

    @pytest.mark.parametrize(
        ("image", "expected"),
        [
            (PLAIN, False),
            (picture("physical", "world"), True),
            (picture("physical", ways=(moved(None, None),)), False),
            (picture("physical", ways=(moved(ref("physical"), ref("a", "b")),)), True),
        ],
    )
    def test_few_images_have_one(self, image: Any, expected: bool) -> None:
        assert has_frame(image) is expected

    def test_labels_whose_place_is_told_have_a_key(self) -> None:
        way = moved(ref("physical", "labels/cells"), ref("physical"))
        image = picture("physical", ways=(way,))
        cells = picture("physical", kind=LabelImage)
        labels = {"labels/cells": cells, "labels/nuclei": cells}
        frame = frame_of_image(image, {}, labels)
        assert [*frame.systems] == ["physical", "labels/cells/physical"]
        assert told(frame) == [("labels/cells/physical", "physical")]
        keys = [own_key(frame, cells, path, frame.own) for path in labels]
        assert keys == ["labels/cells/physical", "physical"]

    def test_labels_that_were_not_opened_are_left_out_silently(self) -> None:
        way = moved(ref("physical", "labels/cells"), ref("physical"))
        assert frame_of_image(picture("physical", ways=(way,)), {}).ways == ()

    def test_labels_may_have_systems_of_their_own(self) -> None:
        cells = picture("physical", "world", ways=(TO_WORLD,), kind=LabelImage)
        frame = frame_of_image(PLAIN, {}, {"labels/cells": cells})
        assert told(frame) == [
            ("labels/cells/physical", "labels/cells/world"),
            ("labels/cells/physical", "physical"),
        ]
        assert frame.ways[1].transformation.type == "identity"

    def test_systems_that_are_not_there_are_told_once(self) -> None:
        ways = tuple(
            moved(ref("nowhere", "labels/cells"), ref("physical"), (n, n))
            for n in range(3)
        )
        labels = {"labels/cells": picture("physical", kind=LabelImage)}
        with pytest.warns(OmeZarrWarning, match="'nowhere' at 'labels/cells'$") as seen:
            frame = frame_of_image(picture("physical", ways=ways), {}, labels)
        assert len(seen) == 1
        assert frame.ways == ()


class TestScene:
    def scene(self, *ways: Any, systems: tuple[str, ...] = ("world",)) -> Scene:
        own = tuple(CoordinateSystem(name=n, axes=AXES) for n in systems)
        return Scene(coordinate_systems=own, coordinate_transformations=ways)

    def test_images_have_keys_with_their_path(self) -> None:
        scene = self.scene(
            moved(ref("physical", "b"), ref("world")),
            moved(ref("physical", "c/d"), ref("physical", "b")),
        )
        images = {"b": PLAIN, "c/d": picture("physical", "world", ways=(TO_WORLD,))}
        frame = frame_of_scene(scene, images, {})
        assert frame.own is None
        assert [*frame.systems] == [
            "world",
            "b/physical",
            "c/d/physical",
            "c/d/world",
        ]
        assert told(frame) == [
            ("c/d/physical", "c/d/world"),
            ("b/physical", "world"),
            ("c/d/physical", "b/physical"),
        ]
        own = frame.ways[0].transformation
        assert (own.input, own.output) == (ref("physical", "c/d"), ref("world", "c/d"))
        assert own_key(frame, images["c/d"], "c/d", None) == "c/d/physical"

    def test_paths_of_numbers_count_from_the_scene(self) -> None:
        inner = Sequence(transformations=(Affine(path="m"), Displacements(path="/f")))
        both = Bijection(
            forward=inner,
            inverse=Affine(path="back"),
            input=ref("physical"),
            output=ref("world"),
        )
        image = picture("physical", "world", ways=(both,))
        way = Affine(path="m", input=ref("physical", "a"), output=ref("world"))
        frame = frame_of_scene(self.scene(way), {"a": image}, {})
        of_image, of_scene = (way.transformation for way in frame.ways)
        assert of_scene.path == "m"
        assert of_image.inverse.path == "a/back"
        paths = [part.path for part in of_image.forward.transformations]
        assert paths == ["a/m", "a/f"]

    def test_labels_are_there_that_somebody_names(self) -> None:
        cells = picture("physical", kind=LabelImage)
        images = {"a": PLAIN, "a/labels/cells": cells, "a/labels/nuclei": cells}
        way = moved(ref("physical", "a/labels/cells"), ref("physical", "a"))
        frame = frame_of_scene(self.scene(way, systems=()), images, {})
        assert [*frame.systems] == ["a/physical", "a/labels/cells/physical"]
        nuclei = own_key(frame, cells, "a/labels/nuclei", "a/physical")
        assert nuclei == "a/physical"

    def test_images_name_labels_from_where_they_are(self) -> None:
        way = moved(ref("physical", "labels/cells"), ref("physical"))
        image = picture("physical", ways=(way,))
        cells = picture("physical", kind=LabelImage)
        images = {"a": image, "a/labels/cells": cells}
        scene = self.scene(moved(ref("physical", "a"), ref("world")))
        frame = frame_of_scene(scene, images, {})
        assert told(frame)[0] == ("a/labels/cells/physical", "a/physical")

    def test_an_image_with_one_system_need_not_name_it(self) -> None:
        scene = self.scene(moved(ref(None, "a"), ref("world")))
        assert told(frame_of_scene(scene, {"a": PLAIN}, {})) == [
            ("a/physical", "world")
        ]
        two = picture("physical", "other")
        with pytest.warns(OmeZarrWarning, match="None at 'a'"):
            assert frame_of_scene(scene, {"a": two}, {}).ways == ()

    def test_what_is_not_there_is_left_out(self) -> None:
        scene = self.scene(
            moved(ref("physical", "gone"), ref("world")),
            moved(ref("physical", "a"), ref("nowhere")),
            moved(ref("physical", "../a"), ref("world")),
            Identity(),
        )
        with pytest.warns(OmeZarrWarning) as seen:
            frame = frame_of_scene(scene, {"a": PLAIN}, {})
        # Whoever opened the images has told that one is missing.
        assert str(seen[0].message).endswith(": 'nowhere', 'physical' at '../a'")
        assert len(seen) == 1
        assert frame.ways == ()

    def test_two_systems_never_share_a_key(self) -> None:
        scene = self.scene(
            moved(ref("physical", "a"), ref("a/physical")), systems=("a/physical",)
        )
        with pytest.warns(OmeZarrWarning, match="'physical' at 'a'"):
            frame = frame_of_scene(scene, {"a": PLAIN}, {})
        assert [*frame.systems] == ["a/physical"]

    def test_nothing_is_said_where_all_is_well(self) -> None:
        scene = self.scene(moved(ref("physical", "/a/"), ref("world")))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert told(frame_of_scene(scene, {"a": PLAIN}, {})) == [
                ("a/physical", "world")
            ]
