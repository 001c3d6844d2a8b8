import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xarray_omezarr.errors import OmeZarrWarning, TransformationError
from xarray_omezarr.ngff import Affine, CoordinateSystem, Displacements, Scale
from xarray_omezarr.ngff.spaces import parse
from xarray_omezarr.transforming.applying import apply
from xarray_omezarr.transforming.chains import between, reachable
from xarray_omezarr.transforming.frame import Frame, Way
from xarray_omezarr.transforming.spaces_moved import framed, moved, moved_as_framed

AXES = [{"name": name, "type": "space"} for name in "yx"]
FIELD = {"type": "displacements", "path": "warp"}


def system(name: str) -> dict[str, Any]:
    return {"name": name, "axes": AXES}


def way(start: str, end: str, told: dict[str, Any]) -> dict[str, Any]:
    return {**told, "input": {"name": start}, "output": {"name": end}}


def scale(*by: float) -> dict[str, Any]:
    return {"type": "scale", "scale": list(by)}


def keys_of(*ways: dict[str, Any], names: str = "abc", **more: Any) -> dict[str, Any]:
    return {
        "coordinateSystems": [system(name) for name in names],
        "coordinateTransformations": list(ways),
        **more,
    }


def test_where_the_coordinates_are_those_already_nothing_changes() -> None:
    keys = keys_of(way("a", "b", scale(2, 2)), index=0)
    assert moved(keys, "a") == keys


def test_the_way_to_the_new_system_stays_and_others_start_there() -> None:
    keys = keys_of(
        way("a", "b", scale(0.1, 2)),
        {**way("a", "c", scale(0.3, 8)), "name": "far", "made": "by hand"},
    )
    assert moved(keys, "b") == {
        "coordinateSystems": keys["coordinateSystems"],
        "intrinsic": "b",
        "coordinateTransformations": [
            way("a", "b", scale(0.1, 2)),
            {**way("b", "c", scale(3, 4)), "name": "far", "made": "by hand"},
        ],
    }


def test_ways_that_lead_to_the_former_system_lead_to_the_new_one() -> None:
    keys = keys_of(way("b", "a", scale(2, 2)), way("c", "a", scale(6, 8)))
    now = moved(keys, "b")
    assert now["coordinateTransformations"] == [
        way("b", "a", scale(2, 2)),
        way("c", "b", scale(3, 4)),
    ]


def test_back_again_it_is_as_it_was() -> None:
    keys = keys_of(way("a", "b", scale(0.1, 2)), way("a", "c", scale(0.3, 8)))
    assert moved(moved(keys, "b"), "a") == keys


def test_ways_between_other_systems_stay() -> None:
    keys = keys_of(way("a", "b", scale(2, 2)), way("b", "c", scale(5, 5)))
    assert moved(keys, "b")["coordinateTransformations"] == [
        way("a", "b", scale(2, 2)),
        way("b", "c", scale(5, 5)),
    ]


def test_a_system_several_ways_away_gets_a_way_of_its_own() -> None:
    keys = keys_of(way("a", "b", scale(2, 2)), way("b", "c", scale(5, 5)))
    found = moved(keys, "c")["coordinateTransformations"]
    assert found == [
        way("c", "b", scale(0.2, 0.2)),
        way("b", "c", scale(5, 5)),
        way("a", "c", scale(10, 10)),
    ]


def test_where_no_inverse_is_needed_fields_are_moved_as_well() -> None:
    keys = keys_of(way("a", "b", scale(2, 2)), way("a", "c", FIELD))
    found = moved(keys, "b")["coordinateTransformations"][1]
    assert (found["input"], found["output"]) == ({"name": "b"}, {"name": "c"})
    assert found["transformations"] == [scale(0.5, 0.5), FIELD]


def test_what_needs_an_inverse_that_there_is_not_is_left_out_and_told() -> None:
    keys = keys_of(
        way("a", "b", FIELD), way("a", "c", scale(2, 2)), way("c", "a", scale(3, 3))
    )
    with pytest.warns(OmeZarrWarning, match="'scale' and 'c' .*'bijection'") as told:
        now = moved(keys, "b")
    assert len(told) == 1
    assert [one["type"] for one in now["coordinateTransformations"]] == [
        "displacements",
        "sequence",
    ]
    assert now["coordinateTransformations"][1]["output"] == {"name": "b"}


def test_stored_matrices_are_put_into_inverses_as_numbers() -> None:
    keys = keys_of(
        way("a", "b", {"type": "affine", "path": "m"}), way("a", "c", scale(2, 2))
    )
    now = moved(keys, "b", {"m": np.array([[0, 4.0, 0], [8.0, 0, 0]])})
    first, second = now["coordinateTransformations"]
    assert first == way("a", "b", {"type": "affine", "path": "m"})
    matrix = [[0, 0.25, 0], [0.5, 0, 0]]
    assert second == way("b", "c", {"type": "affine", "affine": matrix})


def test_label_images_are_reached_by_simple_types_or_not_at_all() -> None:
    label = {"name": "physical", "path": "labels/cells"}
    to_label = {**scale(2, 2), "input": {"name": "a"}, "output": label}
    now = moved(keys_of(way("a", "b", scale(4, 4)), to_label), "b")
    assert now["coordinateTransformations"][1] == {
        **scale(0.5, 0.5), "input": {"name": "b"}, "output": label
    }  # fmt: skip
    shear = {"type": "affine", "affine": [[1, 1, 0], [0, 1, 0]]}
    with pytest.warns(OmeZarrWarning, match="may not lead to a label image"):
        now = moved(keys_of(way("a", "b", shear), to_label), "b")
    assert len(now["coordinateTransformations"]) == 1


def test_a_system_that_the_picture_does_not_know_is_added_with_its_way() -> None:
    world = CoordinateSystem.model_validate(system("world"))
    keys = {"coordinateSystems": [system("a")], "index": 0, "lab": 7}
    assert moved(keys, "world", system=world, way=Scale(scale=(2, 3))) == {
        "index": 0,
        "lab": 7,
        "coordinateSystems": [system("a"), system("world")],
        "intrinsic": "world",
        "coordinateTransformations": [way("a", "world", scale(2, 3))],
    }


def test_an_unknown_system_is_told_with_those_that_there_are() -> None:
    with pytest.raises(TransformationError, match="'d': there are 'a', 'b', 'c'"):
        moved(keys_of(way("a", "b", scale(2, 2))), "d")


def test_unknown_keys_of_axes_are_those_of_the_new_own_system() -> None:
    east = {**AXES[1], "orientation": "east"}
    keys = {
        "coordinateSystems": [system("a"), {"name": "b", "axes": [AXES[0], east]}],
        "coordinateTransformations": [way("a", "b", scale(2, 2))],
        "coordinate_systems": [{"name": "a", "axes": [{"name": "y", "old": 1}]}],
    }
    now = moved(keys, "b")
    assert now["coordinate_systems"] == [
        {"name": "b", "axes": [{"name": "x", "orientation": "east"}]}
    ]
    keys["coordinateSystems"][1] = system("b")
    assert "coordinate_systems" not in moved(keys, "b")


def scene(*ways: Way, own: str) -> Frame:
    keys = dict.fromkeys([end for one in ways for end in (one.start, one.end)])
    systems = {
        key: CoordinateSystem.model_validate(system(key.rpartition("/")[2]))
        for key in keys
    }
    return Frame(own, systems, ways)


def test_a_tile_in_the_world_of_its_scene_tells_where_it_was() -> None:
    frame = scene(Way("t/physical", "world", Scale(scale=(2, 3))), own="t/physical")
    found = moved_as_framed({}, frame, framed(frame, "world"))
    assert found == {
        "coordinateSystems": [system("physical"), system("world")],
        "intrinsic": "world",
        "coordinateTransformations": [way("physical", "world", scale(2, 3))],
    }


def test_a_system_of_the_picture_itself_is_not_added_again() -> None:
    keys = keys_of(way("a", "b", scale(2, 2)), way("a", "c", FIELD), index=0)
    ways = [
        Way("t/a", "t/b", Scale(scale=(2, 2))),
        Way("t/a", "t/c", Displacements(path="t/warp")),
    ]
    frame = scene(*ways, own="t/a")
    assert moved_as_framed(keys, frame, framed(frame, "t/b")) == moved(keys, "b")


def test_a_system_of_another_image_gets_a_name_that_is_free() -> None:
    frame = scene(
        Way("t/physical", "u/physical", Scale(scale=(2, 3))), own="t/physical"
    )
    found = moved_as_framed({}, frame, framed(frame, "u/physical"))
    assert found["intrinsic"] == "physical_"
    assert found["coordinateTransformations"] == [
        way("physical", "physical_", scale(2, 3))
    ]


def test_stored_matrices_of_a_scene_are_told_by_their_numbers() -> None:
    frame = replace(
        scene(Way("t/a", "world", Affine(path="m")), own="t/a"),
        arrays={"m": np.array([[1.0, 0.5, 2], [0, 1, 3]])},
    )
    found = moved_as_framed({}, frame, framed(frame, "world"))
    matrix = [[1, 0.5, 2], [0, 1, 3]]
    assert found["coordinateTransformations"] == [
        way("a", "world", {"type": "affine", "affine": matrix})
    ]


def test_fields_are_told_by_their_path_from_the_image_or_not_at_all() -> None:
    near, far = Displacements(path="t/warp"), Displacements(path="warp")
    frame = scene(Way("t/a", "world", near), Way("t/a", "sky", far), own="t/a")
    found = moved_as_framed({}, frame, framed(frame, "world"))
    assert found["coordinateTransformations"] == [way("a", "world", FIELD)]
    found = moved_as_framed({}, frame, framed(frame, "sky"))
    assert "coordinateTransformations" not in found


NUMBER = st.sampled_from([0.1, 0.25, 2.0, 3.0, 10.0])
KINDS = st.one_of(
    st.just({"type": "identity"}),
    st.builds(scale, NUMBER, NUMBER),
    st.builds(lambda *by: {"type": "translation", "translation": by}, NUMBER, NUMBER),
    st.just({"type": "mapAxis", "mapAxis": [1, 0]}),
    st.just({"type": "rotation", "rotation": [[0.0, -1.0], [1.0, 0.0]]}),
    st.just({"type": "affine", "affine": [[1.0, 0.5, 2.0], [0.0, 3.0, 1.0]]}),
)  # fmt: skip


def frame_of(keys: dict[str, Any]) -> Frame:
    told = parse(keys)
    return Frame(
        told.intrinsic,
        {one.name: one for one in told.systems},
        tuple(Way(w.input.name, w.output.name, w) for w in told.ways),
    )


@given(st.lists(st.tuples(KINDS, st.booleans()), min_size=1, max_size=4), st.data())
@settings(deadline=None)
def test_positions_in_all_systems_are_those_that_they_were(
    kinds: list[tuple[dict[str, Any], bool]], data: st.DataObject
) -> None:
    names = "abcde"[: len(kinds) + 1]
    ways = [
        way(*(("a", name) if forward else (name, "a")), told)
        for name, (told, forward) in zip(names[1:], kinds, strict=True)
    ]
    keys = keys_of(*ways, names=names)
    own = data.draw(st.sampled_from(names))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        now = moved(keys, own)
    for told in now["coordinateTransformations"]:
        # RULES C7: the own system is at one end.
        assert own in (told["input"]["name"], told["output"]["name"])
    before, after = frame_of(keys), frame_of(now)
    assert set(reachable(after, own)) == set(names)
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [-3.0, 7.5]])
    for name in names:
        np.testing.assert_allclose(
            apply(between(after, own, name), points),
            apply(between(before, own, name), points),
            rtol=1e-12,
            atol=1e-12,
        )
