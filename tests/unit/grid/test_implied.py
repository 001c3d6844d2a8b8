"""Where levels lie in versions that do not say it."""

from __future__ import annotations

import pytest

from xarray_omezarr.grid.implied import implied_factors, placed
from xarray_omezarr.ngff import Axis, Image, Level, Multiscale

AXES = [Axis(name=name, type="space") for name in "zyx"]


def pyramid(*shapes: tuple[int, ...], type: str | None = None) -> tuple:
    """A picture with these levels, and the sizes of its arrays."""
    levels = [Level.of(str(number), (1, 1, 1)) for number in range(len(shapes))]
    picture = Multiscale.of(AXES, levels, type=type)
    sizes = {
        str(number): dict(zip("zyx", shape, strict=True))
        for number, shape in enumerate(shapes)
    }
    return picture, sizes


@pytest.mark.parametrize(
    ("shapes", "wanted"),
    [
        # Rounded down and up.
        ([(1, 65, 65), (1, 32, 33)], [(1, 2, 2)]),
        # An axis that does not shrink.
        ([(8, 64, 64), (8, 32, 32), (8, 16, 16)], [(1, 2, 2), (1, 4, 4)]),
        # A short axis: 3 pixels in 1 are 2 rounded down, 3, or 4 rounded up.
        ([(3, 64, 64), (1, 32, 32)], [(2, 2, 2)]),
        # It ended at one pixel, and stays there.
        ([(3, 64, 64), (1, 32, 32), (1, 16, 16)], [(2, 2, 2), (2, 4, 4)]),
        # Anisotropic factors.
        ([(10, 100, 120), (5, 25, 30)], [(2, 4, 4)]),
        # No whole number makes 66 of 100.
        ([(1, 100, 100), (1, 66, 50)], [(1, 100 / 66, 2)]),
        # A level of equal size.
        ([(2, 10, 10), (2, 10, 10)], [(1, 1, 1)]),
    ],
)
def test_sizes_tell_factors(shapes, wanted) -> None:
    assert implied_factors(*pyramid(*shapes)) == [(1, 1, 1), *wanted]


def test_levels_begin_in_the_middle_of_their_first_block() -> None:
    picture, sizes = pyramid((1, 64, 64), (1, 16, 32))
    level = placed(Image(multiscales=(picture,)), sizes).multiscale.levels[1]
    assert level.scale == (1, 4, 2)
    assert level.translation == (0, 1.5, 0.5)


def test_levels_of_picked_pixels_begin_at_the_first() -> None:
    picture, sizes = pyramid((1, 64, 64), (1, 16, 32), type="nearest")
    level = placed(Image(multiscales=(picture,)), sizes).multiscale.levels[1]
    assert level.scale == (1, 4, 2)
    assert level.translation == (0, 0, 0)


def test_a_picture_of_which_a_level_is_missing_stays_as_it_is() -> None:
    picture, sizes = pyramid((1, 64, 64), (1, 16, 32))
    image = Image(multiscales=(picture,))
    assert placed(image, {"0": sizes["0"]}) is image


def test_unknown_keys_of_levels_stay() -> None:
    picture, sizes = pyramid((1, 64, 64), (1, 16, 32))
    marked = tuple(level.model_copy(update={"_mine": 1}) for level in picture.levels)
    picture = picture.model_copy(update={"levels": marked})
    found = placed(Image(multiscales=(picture,)), sizes).multiscale.levels
    assert [level.extras() for level in found] == [{"_mine": 1}, {"_mine": 1}]


def test_levels_that_tell_their_scales_keep_them() -> None:
    axes = [Axis(name=name, type="space") for name in "yx"]
    levels = [Level.of("0", (0.3, 0.3)), Level.of("1", (0.6, 0.6), (0.15, 0.15))]
    image = Image(multiscales=(Multiscale.of(axes, levels),))
    assert placed(image, {"0": {"y": 8, "x": 8}, "1": {"y": 4, "x": 4}}) is image
