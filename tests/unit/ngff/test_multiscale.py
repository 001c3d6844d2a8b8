"""Levels, pictures and images."""

from __future__ import annotations

from collections.abc import Sequence as Many

import pytest

from xarray_omezarr.errors import MetadataError
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
from xarray_omezarr.ngff.multiscale import check_for_writing, check_levels

YX = (Axis(name="y", type="space"), Axis(name="x", type="space"))


def picture(*scales: Many[float], name: str | None = None) -> Multiscale:
    """A picture with a level of each scale."""
    levels = [Level.of(str(i), scale) for i, scale in enumerate(scales)]
    return Multiscale.of(YX, levels, name=name)


class TestLevel:
    @pytest.mark.parametrize(
        "path", ["0", "s0", "path/to/0", "ab:c", "0.5x", "...", "é"]
    )
    def test_a_path_below_the_image_is_kept(self, path: str) -> None:
        assert Level.of(path, (1, 1)).path == path

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "/0",
            "..",
            "../0",
            "a/../../0",
            ".",
            "./0",
            "a\\b",
            "a\0b",
            "C:0",
            "c:/data",
            "http://example.org/0",
            "file:/etc",
            "s3://bucket/0",
        ],
    )
    def test_a_path_that_leads_elsewhere_is_refused(self, path: str) -> None:
        with pytest.raises(MetadataError, match=r"/path is .*below the image"):
            Level.of(path, (1, 1))

    def test_a_translation_of_zeros_is_not_written(self) -> None:
        assert Level.of("0", (2, 2), (0, 0.0)) == Level.of("0", (2, 2))
        assert Level.of("0", (2, 2)).transformation == Scale(scale=(2, 2))

    def test_a_translation_follows_the_scale(self) -> None:
        level = Level.of("1", (2, 2), (0, 0.5))
        assert level.transformation == Sequence(
            transformations=(Scale(scale=(2, 2)), Translation(translation=(0, 0.5)))
        )
        assert (level.scale, level.translation) == ((2.0, 2.0), (0.0, 0.5))

    def test_without_translation_the_first_centre_is_zero(self) -> None:
        assert Level.of("0", (2, 2, 2)).translation == (0.0, 0.0, 0.0)

    def test_an_identity_has_no_numbers(self) -> None:
        level = Level(path="0", transformation=Identity())
        assert (level.scale, level.translation) == ((), ())

    @pytest.mark.parametrize(
        "parts",
        [
            (Translation(translation=(1, 1)), Scale(scale=(1, 1))),
            (Scale(scale=(1, 1)), Scale(scale=(1, 1))),
            (Translation(translation=(1, 1)),),
            (Scale(scale=(1, 1)), *[Translation(translation=(1, 1))] * 2),
        ],
    )
    def test_other_chains_are_refused(self, parts: tuple[Scale, ...]) -> None:
        with pytest.raises(MetadataError, match="/transformation is a sequence of"):
            Level(path="0", transformation=Sequence(transformations=parts))

    def test_a_translation_alone_is_refused(self) -> None:
        with pytest.raises(MetadataError, match="/transformation "):
            Level.model_validate(
                {"path": "0", "transformation": Translation(translation=(1, 1))}
            )


class TestMultiscale:
    def test_its_axes_are_those_of_the_first_system(self) -> None:
        world = CoordinateSystem(name="world", axes=(Axis(name="q", type="array"),))
        first = CoordinateSystem(name="physical", axes=YX)
        levels = (Level.of("0", (1, 1)),)
        both = Multiscale(coordinate_systems=(first, world), levels=levels)
        assert both.axes == YX

    def test_the_short_way_says_the_same_as_the_long_one(self) -> None:
        level = Level.of("0", (1, 1))
        assert Multiscale.of(YX, [level], name="a", type="mean") == Multiscale(
            name="a",
            type="mean",
            coordinate_systems=(CoordinateSystem(name="physical", axes=YX),),
            levels=(level,),
        )

    def test_axes_must_make_an_image(self) -> None:
        with pytest.raises(MetadataError, match="Multiscale has 2 axes of type 'time'"):
            times = [Axis(name=name, type="time") for name in "ts"]
            Multiscale.of([*times, *YX], [Level.of("0", (1,) * 4)])

    def test_there_is_a_level(self) -> None:
        with pytest.raises(
            MetadataError, match=r"/levels is .*: give at least one entry"
        ):
            Multiscale.of(YX, [])

    def test_each_array_is_one_level(self) -> None:
        level = Level.of("0", (1, 1))
        with pytest.raises(MetadataError, match="several levels with the path '0'"):
            Multiscale.of(YX, [level, level])

    def test_each_system_has_its_name(self) -> None:
        system = CoordinateSystem(name="physical", axes=YX)
        with pytest.raises(MetadataError, match=r"several .* called 'physical'"):
            Multiscale(
                coordinate_systems=(system,) * 2, levels=(Level.of("0", (1, 1)),)
            )

    def test_vectors_of_levels_have_one_entry_per_axis(self) -> None:
        levels = [Level.of("0", (1, 1)), Level.of("1", (2, 2, 2))]
        with pytest.raises(MetadataError, match=r"2 axes, but level .1. .* of 3 axes"):
            Multiscale.of(YX, levels)

    def test_vectors_after_the_levels_have_one_entry_per_axis(self) -> None:
        with pytest.raises(
            MetadataError, match=r"coordinateTransformations .* of 3 axes"
        ):
            picture((1, 1)).model_copy(
                update={"coordinate_transformations": (Scale(scale=(1, 1, 1)),)}
            )

    def test_several_problems_are_told_at_once(self) -> None:
        level = Level.of("0", (1, 1, 1))
        with pytest.raises(MetadataError, match=r"several levels.*; has 2 axes, but"):
            Multiscale.of(YX, [level, level])


class TestOrderOfLevels:
    @pytest.mark.parametrize(
        "scales",
        [
            [(1, 1)],
            [(1, 1), (2, 2), (4, 4)],
            [(1, 1), (1, 2), (1, 2)],
            [(-1, 1), (-2, 2)],
        ],
    )
    def test_levels_from_fine_to_coarse_are_in_order(
        self, scales: list[tuple[float, float]]
    ) -> None:
        assert check_levels(picture(*scales)) == []

    def test_a_scale_that_shrinks_by_rounding_is_told_with_its_axis(self) -> None:
        (problem,) = check_levels(picture((0.5, 1), (0.4999, 2)))
        assert "'1' has scale 0.4999 along 'y', less than 0.5 of level '0'" in problem

    def test_an_identity_counts_as_scale_one(self) -> None:
        identity = Level(path="0", transformation=Identity())
        coarse = Multiscale.of(YX, [identity, Level.of("1", (2, 2))])
        fine = Multiscale.of(YX, [identity, Level.of("1", (2, 0.5))])
        assert check_levels(coarse) == []
        assert len(check_levels(fine)) == 1


class TestImage:
    def test_its_picture_is_the_first(self) -> None:
        first, second = picture((1, 1), name="a"), picture((1, 1), name="b")
        assert Image(multiscales=(first, second)).multiscale is first

    def test_it_has_a_picture(self) -> None:
        with pytest.raises(MetadataError, match="/multiscales is "):
            Image(multiscales=())

    def test_it_is_described_in_one_line(self) -> None:
        image = Image(multiscales=(picture((1, 1), (2, 2), name="cells"),))
        assert image.summary() == "image 'cells', axes yx, 2 levels"

    def test_long_names_of_axes_are_parted(self) -> None:
        axes = (Axis(name="angle", type="angle"), *YX)
        one = Multiscale.of(axes, [Level.of("0", (1, 1, 1))])
        assert Image(multiscales=(one,)).summary() == "image, axes angle, y, x, 1 level"


class TestWriting:
    def test_a_good_image_may_be_written(self) -> None:
        window = Window(min=0, max=1, start=0, end=1)
        channel = Channel(color="00FF00", window=window)
        image = Image(
            multiscales=(picture((1, 1), (2, 2)),), omero=Omero(channels=(channel,))
        )
        assert check_for_writing(image) == []

    def test_what_readers_forgive_is_told(self) -> None:
        image = Image(
            multiscales=(picture((2, 2), (1, 2)),), omero=Omero(channels=(Channel(),))
        )
        found = " ".join(check_for_writing(image))
        assert len(check_for_writing(image)) == 3
        assert "along 'y'" in found
        assert "no color" in found
        assert "no window" in found

    def test_equal_pictures_are_told(self) -> None:
        image = Image(multiscales=(picture((1, 1)),) * 2)
        assert check_for_writing(image) == [
            "multiscales has equal entries: give each picture once"
        ]
