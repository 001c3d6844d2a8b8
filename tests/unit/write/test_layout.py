"""Chunks and shards: what was asked for, cut to the array; else good ones."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xarray_omezarr.errors import LayoutError
from xarray_omezarr.write.layout import plan_chunks, plan_shards

DIMS = ("t", "c", "z", "y", "x")
SHAPE = (10, 3, 40, 2000, 1000)
U2 = np.dtype("uint16")


def chunks(option, dims=DIMS, shape=SHAPE, dtype=U2, level=0):
    return plan_chunks(option, dims, shape, dtype, level)


def shards(option, of, dims=DIMS, shape=SHAPE, dtype=U2, level=0):
    return plan_shards(option, dims, shape, dtype, of, level)


class TestChunks:
    @pytest.mark.parametrize(
        ("option", "expected"),
        [
            (None, SHAPE),
            (256, (10, 3, 40, 256, 256)),
            (np.int64(2), (2, 2, 2, 2, 2)),
            ((1, 1, 8, 256, 128), (1, 1, 8, 256, 128)),
            ((256, 128), (10, 3, 40, 256, 128)),
            ((8, 256, 128), (10, 3, 8, 256, 128)),
            ((np.int32(256), np.uint8(128)), (10, 3, 40, 256, 128)),
            ((), SHAPE),
            ({"y": 256, "x": 128}, (1, 1, 8, 256, 128)),
            ({"x": 128, "t": 10}, (10, 1, 8, 256, 128)),
            ({}, (1, 1, 8, 256, 256)),
            (10**9, SHAPE),
            ((5000, 5000), SHAPE),
            ({"z": 41}, (1, 1, 40, 256, 256)),
        ],
    )
    def test_every_way_of_saying_it(self, option, expected) -> None:
        assert chunks(option) == expected

    def test_they_are_plain_integers(self) -> None:
        for option in (np.int64(2), (np.int32(3),), {"x": np.uint16(7)}, None, "auto"):
            assert {type(n) for n in chunks(option)} == {int}

    @pytest.mark.parametrize(
        ("level", "expected"),
        [
            (0, (10, 3, 40, 64, 64)),
            (1, (1, 1, 8, 256, 32)),
            (2, SHAPE),
            (3, (1, 1, 1, 16, 16)),
        ],
    )
    def test_a_list_has_one_entry_per_level(self, level, expected) -> None:
        option = [(64, 64), {"x": 32}, None, (1, 1, 1, 16, 16)]
        assert chunks(option, level=level) == expected

    @pytest.mark.parametrize("option", [[64, 64], [(64, 64), 32], [np.int64(64)]])
    def test_a_list_of_numbers_is_ambiguous_and_refused(self, option) -> None:
        with pytest.raises(LayoutError, match=r"one entry per level.*write a tuple"):
            chunks(option)

    def test_a_level_without_an_entry_is_named(self) -> None:
        with pytest.raises(
            LayoutError, match=r"chunks has 2 entries.*level 2 has none"
        ):
            chunks([(64, 64), None], level=2)

    def test_a_dim_that_is_not_stored_is_named_with_those_that_are(self) -> None:
        with pytest.raises(LayoutError, match=r"\['q'\].*'t', 'c', 'z', 'y', 'x'"):
            chunks({"q": 3})

    def test_more_entries_than_dims_are_refused(self) -> None:
        with pytest.raises(LayoutError, match=r"\(1, 2, 3\).*more entries.*'y', 'x'"):
            chunks((1, 2, 3), ("y", "x"), (8, 8))

    @pytest.mark.parametrize(
        "option",
        [0, -1, (0, 64), {"x": -1}, (1.5, 2), {"x": "64"}, {"x": None}, (64, 64.0)],
    )
    def test_only_whole_numbers_above_zero_are_sizes(self, option) -> None:
        with pytest.raises(LayoutError, match="whole number above 0"):
            chunks(option)

    @pytest.mark.parametrize("option", ["large", ""])
    def test_auto_is_the_only_word(self, option) -> None:
        with pytest.raises(LayoutError, match="'auto'"):
            chunks(option)

    @pytest.mark.parametrize("option", [1.5, object(), True])
    def test_what_is_no_shape_is_refused(self, option) -> None:
        with pytest.raises(LayoutError, match="chunks is"):
            chunks(option)


class TestAutoChunks:
    @pytest.mark.parametrize("dtype", ["bool", "uint8", "uint16", "float32", "float64"])
    @pytest.mark.parametrize(
        ("dims", "shape"),
        [
            (("y", "x"), (20000, 30000)),
            (("c", "y", "x"), (4, 2048, 2048)),
            (("t", "c", "y", "x"), (500, 2, 1024, 1024)),
            (("z", "y", "x"), (300, 2048, 2048)),
            (DIMS, (10, 3, 100, 512, 512)),
            (DIMS, (10, 3, 1, 2048, 2048)),
        ],
    )
    def test_a_chunk_is_worth_a_request_and_not_felt(self, dims, shape, dtype) -> None:
        size = math.prod(chunks("auto", dims, shape, np.dtype(dtype)))
        assert 2**18 <= size * np.dtype(dtype).itemsize <= 2**21

    def test_a_plane_is_cut_into_squares(self) -> None:
        by_dim = dict(zip(DIMS, chunks("auto"), strict=True))
        assert by_dim["y"] == by_dim["x"]

    def test_time_and_channels_are_never_in_one_chunk(self) -> None:
        assert chunks("auto")[:2] == (1, 1)

    @given(
        shape=st.tuples(*[st.integers(1, 5000)] * 5),
        ndim=st.integers(2, 5),
        dtype=st.sampled_from(["uint8", "uint16", "float64"]),
    )
    def test_chunks_fit_any_array(self, shape, ndim, dtype) -> None:
        shape, dims = shape[-ndim:], DIMS[-ndim:]
        found = chunks("auto", dims, shape, np.dtype(dtype))
        assert all(1 <= c <= n for c, n in zip(found, shape, strict=True))
        assert math.prod(found) * np.dtype(dtype).itemsize <= 2**21

    def test_they_do_not_depend_on_the_level(self) -> None:
        assert chunks("auto", level=7) == chunks("auto")


class TestShards:
    chunk = (1, 1, 8, 256, 256)

    @pytest.mark.parametrize(
        ("option", "expected"),
        [
            (None, None),
            ((1, 1, 8, 512, 512), (1, 1, 8, 512, 512)),
            ((512, 512), (1, 1, 8, 512, 512)),
            ({"x": 1024}, (1, 1, 8, 256, 1024)),
            ({}, (1, 1, 8, 256, 256)),
            (512, (10, 3, 40, 512, 512)),
            (10**6, (10, 3, 40, 2048, 1024)),
            ([(512, 512), None], (1, 1, 8, 512, 512)),
        ],
    )
    def test_every_way_of_saying_it(self, option, expected) -> None:
        assert shards(option, self.chunk) == expected

    def test_a_level_can_go_without(self) -> None:
        assert shards([(512, 512), None], self.chunk, level=1) is None

    def test_dims_that_are_left_out_have_the_size_of_a_chunk(self) -> None:
        assert shards((512, 512), self.chunk)[:3] == self.chunk[:3]

    @pytest.mark.parametrize(
        ("option", "dim", "pixels", "chunk"),
        [
            ({"x": 300}, "x", 300, 256),
            ((100, 256), "y", 100, 256),
            ({"z": 12}, "z", 12, 8),
        ],
    )
    def test_a_shard_that_cuts_a_chunk_names_the_dim(
        self, option, dim, pixels, chunk
    ) -> None:
        with pytest.raises(
            LayoutError, match=rf"{pixels} pixels along '{dim}'.*{chunk}"
        ):
            shards(option, self.chunk)

    def test_the_size_it_offers_instead_is_accepted(self) -> None:
        with pytest.raises(LayoutError) as caught:
            shards({"x": 700}, self.chunk)
        offered = int(str(caught.value).rsplit(" ", 1)[-1])
        assert shards({"x": offered}, self.chunk) == (1, 1, 8, 256, offered)

    def test_a_shard_larger_than_the_array_covers_its_chunks(self) -> None:
        found = shards({"x": 4096}, (64, 64), ("y", "x"), (100, 100))
        assert found == (64, 128)

    @pytest.mark.parametrize("size", [2000, 1000, 500, 250, 63, 1])
    def test_shards_of_level_0_fit_every_coarser_level(self, size) -> None:
        dims, shape = ("y", "x"), (size, size)
        of = plan_chunks(256, dims, shape, U2, 0)
        found = plan_shards(1024, dims, shape, U2, of, 0)
        assert found is not None
        assert all(s % c == 0 for s, c in zip(found, of, strict=True))

    @pytest.mark.parametrize("option", [0, {"x": -256}, (256.0, 256)])
    def test_only_whole_numbers_above_zero_are_sizes(self, option) -> None:
        with pytest.raises(LayoutError, match="shards is"):
            shards(option, self.chunk)

    def test_a_list_of_numbers_is_refused(self) -> None:
        with pytest.raises(LayoutError, match="shards is the list"):
            shards([512, 512], self.chunk)

    def test_auto_is_the_only_word(self) -> None:
        with pytest.raises(LayoutError, match="'auto'"):
            shards("huge", self.chunk)

    @given(
        shape=st.tuples(*[st.integers(1, 20000)] * 3),
        chunk=st.tuples(*[st.integers(1, 512)] * 3),
    )
    def test_auto_shards_are_whole_chunks_of_bounded_size(self, shape, chunk) -> None:
        chunk = tuple(min(a, b) for a, b in zip(chunk, shape, strict=True))
        found = shards("auto", chunk, ("z", "y", "x"), shape)
        assert all(s % c == 0 for s, c in zip(found, chunk, strict=True))
        # No larger than 64 MiB, unless a single chunk is; and never a chunk more than
        # twice the array along any dim.
        assert math.prod(found) * 2 <= max(2**26, math.prod(chunk) * 2)
        assert all(s < 2 * n + c for s, n, c in zip(found, shape, chunk, strict=True))

    def test_auto_shards_of_a_large_image_hold_many_chunks(self) -> None:
        found = shards("auto", (512, 512), ("y", "x"), (20000, 20000))
        assert math.prod(found) * 2 >= 2**25
