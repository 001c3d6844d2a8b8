"""Unknown keys: told apart, and put back where they belong."""

from __future__ import annotations

import pytest

from xarray_omezarr.ngff.axes import Axis, CoordinateSystem
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.omero import Channel, Omero, Window
from xarray_omezarr.ngff.transforms import SystemReference
from xarray_omezarr.ngff.unknown import unknown, with_unknown

WINDOW = {"min": 0, "max": 9, "start": 1, "end": 8}


def image(*, name="cells", levels=("0", "1"), labels=("DAPI", "GFP"), marked=True):
    """An image with an unknown key on everything, or on nothing."""

    def mark(what):
        return {"x_made_by": what} if marked else {}

    axes = tuple(
        Axis(name=axis, type=kind, **mark(axis))
        for axis, kind in (("c", "channel"), ("y", "space"), ("x", "space"))
    )
    made = [
        Level.of(path, (1.0, 2.0**i, 2.0**i)).model_copy(update=mark(path))
        for i, path in enumerate(levels)
    ]
    multiscale = Multiscale.of(axes, made, name=name).model_copy(update=mark("image"))
    channels = tuple(
        Channel(
            label=label,
            color="FF0000",
            window=Window(**WINDOW, **mark("window")),
            **mark(label),
        )
        for label in labels
    )
    omero = Omero(
        channels=channels, **({"rdefs": {"model": "color"}} if marked else {})
    )
    return Image(multiscales=(multiscale,), omero=omero, **mark("root"))


def test_what_is_all_known_has_nothing_unknown() -> None:
    assert unknown(image(marked=False)) == {}


def test_every_unknown_key_survives() -> None:
    restored = with_unknown(image(marked=False), unknown(image()))
    assert restored == image()


def test_unknown_keys_of_the_ends_of_transformations_survive() -> None:
    ends = {"input": SystemReference(x_made_by="input")}
    marked = image(marked=False)
    picture = marked.multiscale
    first, *others = picture.levels
    scale = first.transformation.model_copy(update=ends)
    first = first.model_copy(update={"transformation": scale})
    picture = picture.model_copy(update={"levels": (first, *others)})
    marked = marked.model_copy(update={"multiscales": (picture,)})
    assert with_unknown(image(marked=False), unknown(marked)) == marked


def test_what_is_kept_is_plain_json() -> None:
    import json

    kept = unknown(image())
    assert json.loads(json.dumps(kept)) == kept


def test_known_keys_are_no_part_of_it() -> None:
    text = str(unknown(image()))
    assert "FF0000" not in text
    assert "space" not in text


class TestAfterChanges:
    def test_keys_of_a_channel_follow_it_into_another_order(self) -> None:
        swapped = image(labels=("GFP", "DAPI"), marked=False)
        restored = with_unknown(swapped, unknown(image()))
        extras = [channel.extras() for channel in restored.omero.channels]
        assert extras == [{"x_made_by": "GFP"}, {"x_made_by": "DAPI"}]

    def test_keys_of_a_channel_that_is_gone_are_gone(self) -> None:
        restored = with_unknown(image(labels=("GFP",), marked=False), unknown(image()))
        (channel,) = restored.omero.channels
        assert channel.extras() == {"x_made_by": "GFP"}

    def test_a_new_channel_has_none(self) -> None:
        changed = image(labels=("DAPI", "Cy5"), marked=False)
        restored = with_unknown(changed, unknown(image()))
        assert restored.omero.channels[1].extras() == {}

    def test_keys_of_a_level_that_is_gone_are_gone(self) -> None:
        restored = with_unknown(image(levels=("0",), marked=False), unknown(image()))
        assert [level.extras() for level in restored.multiscale.levels] == [
            {"x_made_by": "0"}
        ]

    def test_keys_of_the_image_survive_another_name(self) -> None:
        renamed = with_unknown(image(name="nuclei", marked=False), unknown(image()))
        assert renamed.multiscale.extras() == {"x_made_by": "image"}
        assert renamed.multiscale.name == "nuclei"
        assert renamed.multiscale.axes[0].extras() == {"x_made_by": "c"}

    def test_keys_of_an_image_survive_that_it_has_no_name(self) -> None:
        kept = unknown(image(name=None))
        renamed = with_unknown(image(name="nuclei", marked=False), kept)
        assert renamed.multiscale.extras() == {"x_made_by": "image"}

    def test_channels_without_names_are_told_apart_by_their_place(self) -> None:
        kept = unknown(image(labels=(None, None)))
        restored = with_unknown(image(labels=(None, None), marked=False), kept)
        assert restored == image(labels=(None, None))


class TestNeverChanged:
    @pytest.mark.parametrize("keys", [None, 5, "x", [], {}])
    def test_what_is_no_object_changes_nothing(self, keys) -> None:
        assert with_unknown(image(), keys) == image()

    def test_a_known_key_is_not_taken_for_an_unknown_one(self) -> None:
        system = CoordinateSystem(name="physical", axes=(Axis(name="x"),))
        keys = {
            "name": "stale",
            "axes": [{"name": "x", "unit": "inch", "type": "time"}],
        }
        assert with_unknown(system, keys) == system

    def test_nor_under_its_other_spelling(self) -> None:
        axis = Axis(name="x", long_name="along")
        for key in ("longName", "long_name"):
            assert with_unknown(axis, {key: "stale"}) == axis

    @pytest.mark.parametrize("part", ["multiscales", "omero"])
    @pytest.mark.parametrize("value", [5, "x", None, [5], [[]], {"channels": 5}])
    def test_parts_of_another_shape_change_nothing(self, part, value) -> None:
        assert with_unknown(image(marked=False), {part: value}) == image(marked=False)
