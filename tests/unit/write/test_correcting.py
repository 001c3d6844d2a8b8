"""Corrections of level 0 -> the models of all levels."""

from __future__ import annotations

import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.multiscale import Level, Multiscale
from xarray_omezarr.ngff.transforms import Identity, Scale, Translation
from xarray_omezarr.ngff.transforms import Sequence as Chain
from xarray_omezarr.write.correcting import Asked, follow, plan_changes


def picture(*levels: Level, unit: str | None = "micrometer") -> Multiscale:
    axes = [Axis(name=name, type="space", unit=unit) for name in "yx"]
    return Multiscale.of(axes, levels)


def corrected(known: Multiscale, **asked: object) -> Multiscale:
    wanted = Asked(**asked)
    return follow(known, plan_changes(known, wanted))


def test_levels_keep_their_form_where_it_can_hold_the_numbers() -> None:
    known = picture(
        Level(path="0", transformation=Identity()),
        Level.of("1", (2.0, 2.0)),
        Level.of("2", (4.0, 4.0), (1.5, 1.5)),
    )
    found = corrected(known, scale={"x": 0.5})
    kinds = [level.transformation.type for level in found.levels]
    assert kinds == ["scale", "scale", "sequence"]
    assert [level.scale for level in found.levels] == [(1, 0.5), (2, 1), (4, 2)]
    assert found.levels[2].translation == (1.5, 0.75)


def test_a_place_makes_a_scale_a_scale_and_a_translation() -> None:
    found = corrected(picture(Level.of("0", (1.0, 1.0))), translation={"y": 3.0})
    parts = found.levels[0].transformation.transformations
    assert parts == (Scale(scale=(1, 1)), Translation(translation=(3, 0)))


def test_a_place_of_nothing_stays_written() -> None:
    known = picture(Level.of("0", (1.0, 1.0), (3.0, 3.0)))
    found = corrected(known, translation={"y": 0.0, "x": 0.0})
    assert isinstance(found.levels[0].transformation, Chain)
    assert found.levels[0].translation == (0, 0)


def test_what_is_applied_after_levels_goes_where_it_cannot_stay() -> None:
    known = picture(Level.of("0", (1.0, 1.0)), Level.of("1", (2.0, 2.0), (0.5, 0.5)))
    after = Scale(scale=(1.0, 0.1))
    known = known.model_copy(update={"coordinate_transformations": (after,)})
    stays = corrected(known, scale={"x": 0.3})
    assert stays.coordinate_transformations == (after,)
    assert [level.scale[1] for level in stays.levels] == [3.0, 6.0]
    third = Scale(scale=(1.0, 0.7000000000000001))
    known = known.model_copy(update={"coordinate_transformations": (third,)})
    moved = corrected(known, scale={"x": 0.1})
    factors = moved.coordinate_transformations
    products = [
        level.scale[1] * (factors[0].scale[1] if factors else 1.0)
        for level in moved.levels
    ]
    assert products == pytest.approx([0.1, 0.2], rel=1e-15)


def test_axes_that_a_label_image_lacks_are_passed_over() -> None:
    image = Multiscale.of(
        [Axis(name=name, type="space") for name in "zyx"],
        [Level.of("0", (1.0, 1.0, 1.0))],
    )
    changes = plan_changes(image, Asked(scale={"z": 3.0, "x": 0.5}))
    flat = picture(Level.of("0", (1.0, 1.0)), unit=None)
    assert follow(flat, changes).levels[0].scale == (1.0, 0.5)


def test_a_label_image_without_unit_gets_only_the_numbers() -> None:
    image = picture(Level.of("0", (1.0, 1.0)))
    flat = picture(Level.of("0", (2.0, 2.0), (0.5, 0.5)), unit=None)
    found = follow(flat, plan_changes(image, Asked(scale={"x": 0.1})))
    assert found.levels[0].scale == (2.0, 0.2)
    assert found.levels[0].translation == (0.5, 0.05)
    assert [axis.unit for axis in found.axes] == [None, None]


def test_a_scale_of_nothing_can_be_corrected_only_where_there_is_one_level() -> None:
    alone = picture(Level.of("0", (0.0, 0.0)))
    with pytest.warns(UserWarning, match="is 0"):
        found = corrected(alone, scale={"x": 0.5})
    assert found.levels[0].scale == (0.0, 0.5)
    two = picture(Level.of("0", (0.0, 0.0)), Level.of("1", (0.0, 0.0)))
    with pytest.raises(MetadataError, match="scale of 0"):
        corrected(two, scale={"x": 0.5})
