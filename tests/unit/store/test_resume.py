"""Plans are told apart, and what is stored is counted object by object."""

from __future__ import annotations

import functools
from dataclasses import replace

import numpy as np
import pytest

from xarray_omezarr.hierarchy import Downsampled
from xarray_omezarr.store.blocks import Stage, Step
from xarray_omezarr.store.resume import fingerprint
from xarray_omezarr.store.stored import Objects, Stored, cut, find_stored
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.told import told


def with_level(hierarchy, path, **changes):
    node = replace(hierarchy.nodes[path], **changes)
    return replace(hierarchy, nodes={**hierarchy.nodes, path: node})


class TestFingerprint:
    def test_is_the_same_of_other_pixels(self, plan_image) -> None:
        first, second = np.zeros((8, 6), "u2"), np.ones((8, 6), "u2")
        assert fingerprint(plan_image(first)) == fingerprint(plan_image(second))

    @pytest.mark.parametrize(
        ("aspect", "change"),
        [
            ("arrays", lambda h: with_level(h, "0", dtype=np.dtype("i2"))),
            ("arrays", lambda h: with_level(h, "1", shape=(4, 2))),
            (
                "arrays",
                lambda h: with_level(
                    h, "0", layout=replace(h.array("0").layout, compression="gzip")
                ),
            ),
            (
                "pixels",
                lambda h: with_level(
                    h, "1", layout=replace(h.array("1").layout, write_empty_chunks=True)
                ),
            ),
            (
                "pixels",
                lambda h: with_level(h, "1", source=Downsampled("0", (2, 2), "min")),
            ),
            ("metadata", lambda h: replace(h, files={"a.xml": b"x"})),
            ("metadata", lambda h: with_level(h, "", attrs={"made": "by us"})),
        ],
    )
    def test_tells_what_differs(self, plan_image, aspect, change) -> None:
        ours = fingerprint(plan_image()).split()
        theirs = fingerprint(change(plan_image())).split()
        differing = [a for a, b in zip(ours, theirs, strict=True) if a != b]
        assert [part.split(":")[0] for part in differing] == [aspect]

    def test_of_the_names_of_images_is_another(self, plan_image) -> None:
        assert fingerprint(plan_image(name="a")) != fingerprint(plan_image(name="b"))


def made(by):
    def method(block, factors):
        return block * by

    return method


class TestMethods:
    def test_of_one_function_are_told_alike_and_of_others_not(self) -> None:
        assert told(made(2)) == told(made(2))
        assert told(made(2)) != told(made(3))
        assert told(functools.partial(made, 1)) != told(functools.partial(made, 2))

    def test_wherever_in_its_file_it_stands(self) -> None:
        here, there = {}, {}
        text = "def f(block, factors):\n    return block[{'a', 'b'} and 0]\n"
        exec(text, here)
        exec("\n\n\n" + text, there)
        assert told(here["f"]) == told(there["f"]) is not None

    def test_that_bring_along_what_has_no_name_are_not_told(self) -> None:
        assert told(made(object())) is None
        assert told(made(np.zeros(3))) is None
        assert told(print) is None

        def itself(block, factors):
            return itself

        assert told(itself) is None


def objects(*there, unit=(4, 4), counts=(3, 2)) -> Objects:
    made = Objects(unit, 1, np.zeros(counts, bool))
    for index in there:
        made.add(index)
    return made


class TestBlocks:
    def test_objects_that_the_array_does_not_have_are_no_matter(self) -> None:
        assert not objects((3, 0), (0, 2), (0,), (0, 0, 0)).there.any()

    def test_hold_what_lies_in_objects_that_are_there(self) -> None:
        some = objects((0, 0), (0, 1))
        assert some.hold((slice(0, 4), slice(0, 7)))
        assert not some.hold((slice(0, 5), slice(0, 7)))

    @pytest.mark.parametrize("missing", [None, ("0", (2, 1)), ("1", (1, 0))])
    def test_is_stored_if_all_its_levels_are(self, missing) -> None:
        # 11 x 7 pixels, and 5 x 4 of half the size: the last of them is not made.
        step = Step("1", "0", (2, 2), (2, 2), (5, 4))
        stage = Stage("0", True, (step,), (11, 7), (8, 8), (0, 0))
        first = objects(*np.ndindex(3, 2))
        second = objects(*np.ndindex(2, 1), counts=(2, 1))
        if missing is not None:
            {"0": first, "1": second}[missing[0]].there[missing[1]] = False
        stored = Stored({"0": first, "1": second})
        blocks = [*stage.blocks()]
        assert [stored.has(stage, block) for block in blocks] == [True, missing is None]
        assert sum(stored.nbytes(stage, block) for block in blocks) == 11 * 7 + 5 * 4

    def test_without_anything_stored_is_none(self) -> None:
        stage = Stage("0", True, (), (8, 8), (8, 8), (0, 0))
        assert not Stored().has(stage, (slice(0, 8), slice(0, 8)))

    def test_is_cut_at_objects(self) -> None:
        place = (slice(4, 11), slice(0, 4))
        assert [*cut(place, (4, 4))] == [
            (slice(4, 8), slice(0, 4)),
            (slice(8, 11), slice(0, 4)),
        ]

    def test_covers_what_it_holds(self) -> None:
        few, many = objects((0, 0)), objects((0, 0), (1, 1))
        assert Stored({"0": many}).covers(Stored({"0": few}))
        assert not Stored({"0": few}).covers(Stored({"0": many}))
        assert not Stored().covers(Stored({"0": few}))


@pytest.mark.parametrize(("version", "key"), [("0.5", "0/c/{}/0"), ("0.4", "0/{}/0")])
def test_names_that_are_no_keys_are_not_counted(tmp_path, plan_image, version, key):
    names = ["1", "01", "-1", "+0", "2", "x", "1.5", "0.0123456789abcdef.partial"]
    for name in names:
        path = tmp_path / key.format(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    (tmp_path / "elsewhere" / "c").mkdir(parents=True)
    (tmp_path / "elsewhere" / "c" / "0").write_bytes(b"x")
    found = find_stored(open_target(tmp_path), plan_image(version=version))
    np.testing.assert_array_equal(found.stored.objects["0"].there, [[False], [True]])
    assert not found.stored.objects["1"].there.any()
