"""What systems and transformations must be to belong to an image."""

from __future__ import annotations

import re
from typing import Any

import pytest

from xarray_omezarr.errors import MetadataError, OmeZarrErrorGroup, OmeZarrWarning
from xarray_omezarr.ngff import Axis, Level, Multiscale
from xarray_omezarr.write.joined_systems import joined_systems
from xarray_omezarr.write.systems import parse_transforms

UNIT = "micrometer"
PHYSICAL, WORLD, STAGE = ({"name": n} for n in ("physical", "world", "stage"))
SHIFT = {"type": "translation", "translation": [1, 2]}


def axes(dims: str = "yx", **others: Any) -> list[dict[str, Any]]:
    return [{"name": n, "type": "space", "unit": UNIT, **others} for n in dims]


def picture(**others: Any) -> Multiscale:
    own = [Axis(name=n, type="space", **{"unit": UNIT, **others}) for n in "yx"]
    return Multiscale.of(own, [Level.of("0", (0.5, 0.5))])


def joined(*ways: Any, systems: Any = None, **others: Any) -> Multiscale:
    known = [{"name": "world", "axes": axes()}] if systems is None else systems
    told = {"coordinateSystems": known, "coordinateTransformations": ways}
    return joined_systems(picture(**others), parse_transforms(told), {})


def test_the_system_of_the_image_comes_first_and_need_not_be_told() -> None:
    found = joined({**SHIFT, "input": PHYSICAL, "output": WORLD})
    assert [system.name for system in found.coordinate_systems] == ["physical", "world"]
    assert found.intrinsic is None
    assert found.between_systems[0].type == "translation"


def test_where_it_is_told_the_order_is_that_of_the_user() -> None:
    own = {"name": "physical", "axes": axes()}
    systems = [{"name": "world", "axes": axes()}, own]
    found = joined({**SHIFT, "input": WORLD, "output": PHYSICAL}, systems=systems)
    assert [system.name for system in found.coordinate_systems] == ["world", "physical"]
    assert found.system.name == found.intrinsic == "physical"


def test_what_is_told_of_the_system_of_the_image_completes_it() -> None:
    own = {"name": "physical", "axes": axes(longName="along", note=1), "lab": 7}
    found = joined(systems=[own], unit=None).system
    assert [axis.unit for axis in found.axes] == [UNIT, UNIT]
    assert [axis.long_name for axis in found.axes] == ["along", "along"]
    assert found.axes[0].extras() == {"note": 1}
    assert found.extras() == {"lab": 7}


@pytest.mark.parametrize(
    ("system", "said"),
    [
        ({"axes": axes("xy")}, r"whose axes are \['y', 'x'\], and it is told with"),
        ({"axes": axes("zyx")}, "name the system differently"),
        (
            {"axes": axes(unit="nanometer")},
            "Axis 'y' of 'physical' has the unit 'nanometer', and that of the image is "
            "'micrometer'",
        ),
        ({"axes": axes(type="array")}, "has the type 'array'"),
    ],
)
def test_what_contradicts_the_image_is_refused(system, said) -> None:
    with pytest.raises((MetadataError, OmeZarrErrorGroup)) as caught:
        joined(systems=[{"name": "physical", **system}])
    assert re.search(said, str(caught.value))


@pytest.mark.parametrize(
    ("way", "said"),
    [
        (
            {"input": PHYSICAL, "output": {"name": "wrold"}},
            r"names the system 'wrold', which is none of \['physical', 'world'\]",
        ),
        ({"input": WORLD, "output": WORLD}, "transforms.compose"),
        ({"input": PHYSICAL, "output": PHYSICAL}, "to itself: leave it out"),
        (
            {"input": PHYSICAL, "output": WORLD, "translation": [1, 2, 3]},
            "does not fit: .* 3 axes",
        ),
    ],
)
def test_ends_that_do_not_fit_are_refused(way, said) -> None:
    good = {**SHIFT, "input": PHYSICAL, "output": WORLD}
    with pytest.raises(MetadataError, match="^/coordinateTransformations/1.*" + said):
        joined(good, {**SHIFT, **way})


def test_a_way_between_others_is_told_how_to_be_composed() -> None:
    systems = [{"name": name, "axes": axes()} for name in ("world", "stage")]
    good = {**SHIFT, "input": PHYSICAL, "output": WORLD}
    with pytest.raises(MetadataError, match=r"from 'world' to 'stage'.*'physical'"):
        joined(good, {**SHIFT, "input": WORLD, "output": STAGE}, systems=systems)


def test_systems_that_nothing_leads_to_are_refused() -> None:
    with pytest.raises(MetadataError, match="'world' is not joined to 'physical'"):
        joined()


def test_axes_of_every_system_are_those_of_an_image() -> None:
    wrong = [{"name": "world", "axes": axes("x")}]
    with pytest.raises(OmeZarrErrorGroup) as caught:
        joined({**SHIFT, "input": PHYSICAL, "output": WORLD}, systems=wrong)
    said = [str(problem) for problem in caught.value.exceptions]
    assert "'world' has 1 axes" in said[0]
    assert "which" not in said[0]
    assert "gives 2 axes" in said[-1]


def test_a_projection_is_written_with_a_warning() -> None:
    way = {"type": "projectAxis", "createdOutputs": [0]}
    volume = [{"name": "world", "axes": axes("zyx")}]
    with pytest.warns(OmeZarrWarning, match=r"\['world'\] have another number of axes"):
        found = joined({**way, "input": PHYSICAL, "output": WORLD}, systems=volume)
    assert len(found.coordinate_systems[1].axes) == 3


class TestLabels:
    LABEL = {"name": "physical", "path": "labels/cells"}  # noqa: RUF012

    def test_may_lie_elsewhere(self) -> None:
        found = joined({**SHIFT, "input": PHYSICAL, "output": self.LABEL}, systems=[])
        end = found.between_systems[0].output
        assert end is not None
        assert end.path == "labels/cells"

    def test_are_only_moved_and_scaled(self) -> None:
        way = {"type": "mapAxis", "mapAxis": [1, 0]}
        with pytest.raises(MetadataError, match="leads to a label image, which only"):
            joined({**way, "input": PHYSICAL, "output": self.LABEL}, systems=[])
