import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xarray_omezarr.errors import TransformationError
from xarray_omezarr.ngff import (
    Affine,
    Axis,
    Bijection,
    Coordinates,
    CoordinateSystem,
    Displacements,
    Identity,
    MapAxis,
    ProjectAxis,
    Rotation,
    Scale,
    Sequence,
    SystemReference,
    Translation,
    UnknownTransformation,
)
from xarray_omezarr.transforming.applying import apply
from xarray_omezarr.transforming.chains import between, key_of, reachable
from xarray_omezarr.transforming.frame import Frame, Way
from xarray_omezarr.transforming.stored import Field


def system(key: str, axes: str = "yx") -> CoordinateSystem:
    return CoordinateSystem(
        name=key.rpartition("/")[2], axes=tuple(Axis(name=name) for name in axes)
    )


def frame_of(*ways: Way, others: Iterable[str] = (), arrays: Any = None) -> Frame:
    keys = dict.fromkeys([end for way in ways for end in (way.start, way.end)])
    systems = {key: system(key) for key in [*keys, *others]}
    return Frame(None, systems, ways, arrays or {})


def moved(*by: float) -> Translation:
    return Translation(translation=by)


def steps(found: Any) -> list[Any]:
    """What a chain of translations along y adds one after the other."""
    parts = found.transformations if isinstance(found, Sequence) else (found,)
    return [part.translation[0] for part in parts]


FIELD = Field(np.zeros((2, 3, 4)), 0, (1.0, 1.0), (0.0, 0.0))


def test_one_way_is_that_way_without_its_ends() -> None:
    way = Translation(
        translation=(1, 2),
        name="stage",
        input=SystemReference(name="a", path="0"),
        output=SystemReference(name="b"),
    )
    frame = frame_of(Way("0/a", "b", way))
    assert between(frame, "0/a", "b") == moved(1, 2).model_copy(
        update={"name": "stage"}
    )
    assert between(frame, "b", "0/a").translation == (-1, -2)


def test_a_system_is_the_same_in_itself() -> None:
    frame = frame_of(Way("a", "a", moved(1, 1)), others=["b"])
    assert between(frame, "a", "a") == Identity()
    assert between(frame, "b", "b") == Identity()


def test_ways_follow_one_another_in_one_sequence_without_identities() -> None:
    nested = Sequence(
        transformations=(
            Identity(),
            Sequence(transformations=(Scale(scale=(2, 3)), moved(1, 1))),
        )
    )
    frame = frame_of(
        Way("a", "b", nested),
        Way("b", "c", Identity()),
        Way("d", "c", MapAxis(map_axis=(1, 0))),
    )
    found = between(frame, "a", "d")
    assert found == Sequence(
        transformations=(
            Scale(scale=(2, 3)),
            moved(1, 1),
            MapAxis(map_axis=(1, 0)),
        )
    )


def test_identities_alone_are_one_identity() -> None:
    frame = frame_of(Way("a", "b", Identity()), Way("c", "b", Identity()))
    assert between(frame, "a", "c") == Identity()


def test_the_shortest_chain_is_taken() -> None:
    frame = frame_of(
        Way("a", "b", moved(1, 0)),
        Way("b", "c", moved(2, 0)),
        Way("c", "d", moved(3, 0)),
        Way("d", "a", moved(9, 0)),
    )
    assert steps(between(frame, "a", "d")) == [-9]
    assert steps(between(frame, "a", "c")) == [1, 2]


def test_of_chains_of_one_length_fewer_ways_are_walked_backwards() -> None:
    frame = frame_of(
        Way("b", "a", moved(1, 0)),
        Way("c", "b", moved(2, 0)),
        Way("d", "a", moved(3, 0)),
        Way("d", "c", moved(4, 0)),
    )
    assert steps(between(frame, "a", "c")) == [-3, 4]


def test_of_chains_that_are_alike_that_of_the_first_ways_is_taken() -> None:
    frame = frame_of(
        Way("a", "c", moved(1, 0)),
        Way("a", "b", moved(2, 0)),
        Way("b", "d", moved(3, 0)),
        Way("c", "d", moved(4, 0)),
        Way("c", "d", moved(5, 0)),
    )
    assert steps(between(frame, "a", "d")) == [1, 4]


def test_where_a_chain_is_walked_backwards_does_not_matter() -> None:
    frame = frame_of(
        Way("b", "a", moved(1, 0)),
        Way("a", "c", moved(2, 0)),
        Way("b", "d", moved(3, 0)),
        Way("d", "c", moved(4, 0)),
    )
    assert steps(between(frame, "a", "d")) == [-1, 3]


def test_a_way_without_inverse_is_walked_forward_and_gone_round_backwards() -> None:
    field = Displacements(path="d")
    frame = frame_of(
        Way("a", "b", field),
        Way("a", "c", moved(1, 0)),
        Way("c", "b", moved(2, 0)),
        arrays={"d": FIELD},
    )
    assert between(frame, "a", "b") == field
    assert steps(between(frame, "b", "a")) == [-2, -1]


SINGULAR = Affine(affine=((1, 1, 0), (1, 1, 0)))


@pytest.mark.parametrize(
    ("way", "reason"),
    [
        (Displacements(path="d"), "no closed form"),
        (Coordinates(path="d"), "no closed form"),
        (Sequence(transformations=(Displacements(path="d"),)), "no closed form"),
        (SINGULAR, ""),
        (Scale(scale=(1, 0)), "has a 0"),
        (ProjectAxis(dropped_inputs=(0,), created_outputs=(0,)), "drops or makes"),
        (Affine(affine=((1, 0, 5),)), "from 2 axes to 1"),
        (Affine(path="matrix"), ""),
    ],
)
def test_a_way_that_is_missing_backwards_is_named_with_the_remedy(
    way: Any, reason: str
) -> None:
    arrays = {"d": FIELD, "matrix": np.zeros((2, 3))}
    frame = frame_of(
        Way("x", "a", moved(0, 0)),
        Way("a", "b", way),
        Way("b", "c", moved(0, 0)),
        arrays=arrays,
    )
    told = (
        rf"from the coordinate system 'c' to 'x': ways lead to 'b'; the '{way.type}' "
        rf"from 'a' to 'b' cannot be walked backwards \(.*{reason}.*\): make it a "
        "'bijection'"
    )
    with pytest.raises(TransformationError, match=f"(?s){told}"):
        between(frame, "c", "x")


def test_all_ways_that_are_missing_backwards_are_named() -> None:
    field = Displacements(path="d")
    frame = frame_of(Way("a", "b", field), Way("b", "c", field), arrays={"d": FIELD})
    told = "(?s)from 'b' to 'c' cannot.*from 'a' to 'b' cannot"
    with pytest.raises(TransformationError, match=told):
        between(frame, "c", "a")


def test_frames_with_the_same_ways_do_not_share_their_arrays() -> None:
    frame = frame_of(
        Way("a", "b", Affine(path="m")),
        arrays={"m": np.array([[2.0, 0, 0], [0, 2, 0]])},
    )
    other = replace(frame, arrays={"m": np.zeros((2, 3))})
    assert apply(between(frame, "b", "a"), np.ones((1, 2))).tolist() == [[0.5, 0.5]]
    with pytest.raises(TransformationError, match="cannot be walked backwards"):
        between(other, "b", "a")
    assert apply(between(frame, "b", "a"), np.ones((1, 2))).tolist() == [[0.5, 0.5]]


def test_ways_of_scenes_are_looked_through_once_for_all_of_their_images(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from xarray_omezarr.transforming import graphs

    looked = []

    def counted(ways: Any) -> Any:
        looked.append(ways)
        return iter_ways(ways)

    iter_ways = graphs._steps_from.__wrapped__
    monkeypatch.setattr(graphs, "_steps_from", lru_cache(maxsize=4)(counted))
    frame = frame_of(*(Way(f"t{i}/p", "world", moved(i, 0)) for i in range(50)))
    for i in range(50):
        own = replace(frame, own=f"t{i}/p")
        assert steps(between(own, f"t{i}/p", "world")) == [i]
    assert len(looked) == 1


def test_a_singular_matrix_is_gone_round() -> None:
    frame = frame_of(
        Way("a", "b", SINGULAR), Way("a", "b", moved(7, 0)), Way("b", "c", moved(1, 0))
    )
    assert steps(between(frame, "c", "a")) == [-1, -7]


def test_a_stored_matrix_is_read_where_it_is_walked_backwards() -> None:
    frame = frame_of(
        Way("a", "b", Affine(path="m")),
        arrays={"m": np.array([[2.0, 0, 1], [0, 4, 0]])},
    )
    there, back = between(frame, "a", "b"), between(frame, "b", "a")
    assert there == Affine(path="m")
    found = apply(back, np.array([[5.0, 8.0]]))
    np.testing.assert_array_equal(found, [[2, 2]])


def test_a_bijection_leads_back() -> None:
    there, back = Displacements(path="d"), Displacements(path="e")
    frame = frame_of(Way("a", "b", Bijection(forward=there, inverse=back)))
    assert between(frame, "b", "a") == Bijection(forward=back, inverse=there)
    assert reachable(frame, "b") == ("b", "a")


def test_ways_of_types_that_are_not_known_are_gone_round_or_named() -> None:
    unknown = UnknownTransformation(type="spline")
    frame = frame_of(
        Way("a", "b", Sequence(transformations=(unknown,))),
        Way("a", "c", moved(1, 0)),
        Way("c", "b", moved(2, 0)),
        Way("b", "z", unknown),
    )
    assert steps(between(frame, "a", "b")) == [1, 2]
    assert "z" not in reachable(frame, "a")
    with pytest.raises(
        TransformationError, match="'spline' from 'b' to 'z' cannot be applied"
    ):
        between(frame, "a", "z")


def test_where_no_way_leads_it_is_said_where_ways_lead() -> None:
    frame = frame_of(Way("a", "b", moved(0, 0)), others=["c"])
    told = "from the coordinate system 'a' to 'c': ways lead to 'b'; add"
    with pytest.raises(TransformationError, match=told):
        between(frame, "a", "c")
    with pytest.raises(TransformationError, match="'c' to 'a': no way starts there"):
        between(frame, "c", "a")


def test_reachable_systems_are_listed_the_nearest_first() -> None:
    frame = frame_of(
        Way("a", "b", moved(0, 0)),
        Way("b", "c", moved(0, 0)),
        Way("d", "a", moved(0, 0)),
        Way("c", "f", Displacements(path="d")),
        Way("g", "a", SINGULAR),
        Way("h", "a", Displacements(path="d")),
        others=["lonely"],
    )
    assert reachable(frame, "a") == ("a", "b", "d", "c", "f")
    assert reachable(frame, "h") == ("h", "a", "b", "d", "c", "f")
    assert reachable(frame, "lonely") == ("lonely",)


def test_to_list_systems_no_stored_matrix_is_read() -> None:
    class Unreadable:
        shape = (2, 3)
        dtype = np.dtype("float64")

        def __getitem__(self, key: Any, /) -> Any:
            raise AssertionError("read")

    frame = frame_of(Way("a", "b", Affine(path="m")), arrays={"m": Unreadable()})
    assert reachable(frame, "b") == ("b", "a")


def test_a_name_that_one_system_has_is_enough() -> None:
    ways = [
        Way("tile_0/physical", "world", moved(1, 0)),
        Way("tile_1/physical", "world", moved(2, 0)),
        Way("tile_1/physical", "tile_1/stage", moved(3, 0)),
    ]
    frame = frame_of(*ways)
    assert key_of(frame, "stage") == "tile_1/stage"
    assert steps(between(frame, "stage", "tile_0/physical")) == [-3, 2, -1]
    told = "2 coordinate systems .* 'physical'.* 'tile_0/physical', 'tile_1/physical'"
    with pytest.raises(TransformationError, match=told):
        between(frame, "physical", "world")


def test_a_key_comes_before_a_name() -> None:
    frame = frame_of(Way("a/world", "world", moved(1, 0)))
    assert key_of(frame, "world") == "world"


def test_a_name_may_have_slashes() -> None:
    systems = {"a/b/c": system("b/c").model_copy(update={"name": "b/c"})}
    assert key_of(Frame(None, systems), "b/c") == "a/b/c"


def test_an_unknown_system_is_told_with_those_that_are_like_it_first() -> None:
    frame = frame_of(others=["stage", "camera", "tile_0/physical", "world", "atlas"])
    with pytest.raises(
        TransformationError, match=r"no coordinate system 'wordl': there are 'world', "
    ):
        between(frame, "wordl", "stage")
    with pytest.raises(TransformationError, match="there are 'tile_0/physical', "):
        reachable(frame, "phisycal")
    with pytest.raises(TransformationError, match=re.escape("and no other")):
        key_of(Frame(None, {}), "world")


def test_ten_thousand_tiles_are_found_along_each_other() -> None:
    count = 10_000
    ways = [Way(f"t{i}/p", f"t{i + 1}/p", moved(i, 0)) for i in range(count)]
    frame = frame_of(*ways)
    assert steps(between(frame, "t0/p", f"t{count}/p")) == list(range(count))
    assert len(reachable(frame, "t5000/p")) == count + 1


def test_ten_thousand_tiles_of_one_world_are_inverted_only_where_walked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from xarray_omezarr.transforming import graphs

    inverted = []

    def counted(transformation: Any, *args: Any, **options: Any) -> Any:
        inverted.append(transformation)
        return moved(-1, 0)

    monkeypatch.setattr(graphs, "invert", counted)
    matrix = Affine(affine=((1, 0, 1), (0, 1, 0)))
    frame = frame_of(*(Way(f"t{i}/p", "world", matrix) for i in range(10_000)))
    between(frame, "t1/p", "t9999/p")
    assert len(inverted) == 1


SIZE = 5
ANGLE = np.deg2rad(30)
KINDS = [
    Identity(),
    Scale(scale=(2, 0.5)),
    Translation(translation=(3, -1)),
    MapAxis(map_axis=(1, 0)),
    Rotation(
        rotation=((np.cos(ANGLE), -np.sin(ANGLE)), (np.sin(ANGLE), np.cos(ANGLE)))
    ),
    Affine(affine=((1, 0.5, 2), (0, 3, 1))),
    SINGULAR,
    Displacements(path="d"),
    Sequence(transformations=(Scale(scale=(4, 1)), Translation(translation=(0, 7)))),
    UnknownTransformation(type="spline"),
]
ONE_WAY = (SINGULAR, Displacements(path="d"))


@st.composite
def graphs(draw: st.DrawFn) -> Frame:
    keys = st.sampled_from([f"s{i}" for i in range(SIZE)])
    ways = draw(
        st.lists(st.builds(Way, keys, keys, st.sampled_from(KINDS)), max_size=9)
    )
    return frame_of(*ways, others=[f"s{i}" for i in range(SIZE)], arrays={"d": FIELD})


def all_chains(frame: Frame, start: str, end: str) -> list[list[tuple[int, bool]]]:
    """All chains that visit no system twice, found by trying them all."""
    chains: list[list[tuple[int, bool]]] = []
    open_ends: list[tuple[str, list[tuple[int, bool]], set[str]]] = [
        (start, [], {start})
    ]
    while open_ends:
        key, chain, seen = open_ends.pop()
        if key == end:
            chains.append(chain)
            continue
        for index, way in enumerate(frame.ways):
            if isinstance(way.transformation, UnknownTransformation):
                continue
            if way.start == key and way.end not in seen:
                open_ends.append((way.end, [*chain, (index, False)], seen | {way.end}))
            if (
                way.end == key
                and way.start not in seen
                and way.transformation not in ONE_WAY
            ):
                open_ends.append(
                    (way.start, [*chain, (index, True)], seen | {way.start})
                )
    return chains


def stepwise(transformation: Any, points: Any, backwards: bool) -> Any:
    """Positions after one way, by numpy alone."""
    if isinstance(transformation, Sequence):
        parts = transformation.transformations
        for part in reversed(parts) if backwards else parts:
            points = stepwise(part, points, backwards)
        return points
    if isinstance(transformation, Displacements):
        inside = np.all((points >= -0.5) & (points <= [2.5, 3.5]), axis=1)
        return np.where(inside[:, None], points, np.nan)
    if isinstance(transformation, Rotation):
        rows = np.array(transformation.rotation)
        matrix = np.column_stack([rows, np.zeros(2)])
    else:
        matrix = {
            "identity": lambda t: np.eye(2, 3),
            "scale": lambda t: np.diag(t.scale) @ np.eye(2, 3),
            "translation": lambda t: np.column_stack([np.eye(2), t.translation]),
            "mapAxis": lambda t: np.eye(2, 3)[list(t.map_axis)],
            "affine": lambda t: np.array(t.affine),
        }[transformation.type](transformation)
    linear, added = matrix[:, :2], matrix[:, 2]
    if backwards:
        return np.linalg.solve(linear, (points - added).T).T
    return points @ linear.T + added


@given(graphs())
@settings(deadline=None, max_examples=300)
def test_chains_are_the_best_of_all_and_lead_where_their_ways_lead(
    frame: Frame,
) -> None:
    points = np.random.default_rng(0).uniform(-1, 4, (20, 2))
    ends = [f"s{i}" for i in range(SIZE)]
    found = set(reachable(frame, "s0"))
    for end in ends:
        chains = all_chains(frame, "s0", end)
        assert (end in found) == bool(chains)
        if not chains:
            with pytest.raises(TransformationError):
                between(frame, "s0", end)
            continue
        best = min(
            chains,
            key=lambda chain: (
                len(chain),
                sum(backwards for _, backwards in chain),
                [index for index, _ in chain],
            ),
        )
        expected = points
        for index, backwards in best:
            expected = stepwise(frame.ways[index].transformation, expected, backwards)
        got = apply(between(frame, "s0", end), points, frame.arrays)
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)
