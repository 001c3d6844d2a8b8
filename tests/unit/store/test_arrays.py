"""Arrays of zarr: made as a node says, read in three ways."""

from __future__ import annotations

import asyncio
import json
import pickle
from concurrent.futures import ThreadPoolExecutor

import numcodecs
import numpy as np
import pytest
import zarr
import zarr.codecs
from zarr.core.codec_pipeline import BatchedCodecPipeline
from zarr.registry import register_pipeline
from zarr.storage import MemoryStore

from xarray_omezarr.errors import LayoutError, OptionError
from xarray_omezarr.hierarchy import ArrayNode, Deferred, Layout, LazyArray
from xarray_omezarr.store.arrays import (
    COMPRESSIONS,
    StoredArray,
    compressors,
    readable,
)
from xarray_omezarr.store.nodes import new_arrays

PIXELS = np.arange(60, dtype=np.int16).reshape(3, 4, 5)


def node(layout=None, dtype="int16", **fields):
    layout = layout or Layout((1, 2, 5))
    return ArrayNode(
        ("c", "y", "x"), PIXELS.shape, np.dtype(dtype), layout, Deferred(), **fields
    )


def created(planned, zarr_format=3, store=None):
    group = zarr.create_group(store or MemoryStore(), zarr_format=zarr_format)
    return new_arrays(group, {"0": planned}, zarr_format)["0"]


class TestCreate:
    @pytest.mark.parametrize("zarr_format", [2, 3])
    def test_shape_dtype_chunks_and_names_are_those_of_the_node(
        self, zarr_format
    ) -> None:
        array = created(node(), zarr_format)
        assert array.metadata.zarr_format == zarr_format
        assert (array.shape, array.dtype) == ((3, 4, 5), np.dtype("int16"))
        assert array.chunks == (1, 2, 5)
        if zarr_format == 2:
            assert array.attrs["_ARRAY_DIMENSIONS"] == ["c", "y", "x"]
        else:
            assert array.metadata.dimension_names == ("c", "y", "x")

    def test_attributes_of_the_node_are_kept_beside_the_names(self) -> None:
        planned = node(attrs={"of": "others"})
        assert dict(created(planned, 3).attrs) == {"of": "others"}
        assert dict(created(planned, 2).attrs) == {
            "of": "others",
            "_ARRAY_DIMENSIONS": ["c", "y", "x"],
        }
        assert planned.attrs == {"of": "others"}

    def test_shards_hold_whole_chunks(self) -> None:
        array = created(node(Layout((1, 2, 5), shards=(3, 4, 5))))
        assert (array.chunks, array.shards) == ((1, 2, 5), (3, 4, 5))

    @pytest.mark.parametrize("zarr_format", [2, 3])
    @pytest.mark.parametrize(
        ("dtype", "fill"),
        [
            ("int16", -3),
            ("uint8", 255),
            ("float32", float("nan")),
            ("float64", 0),
            ("bool", False),
            ("bool", 0),
            ("bool", 1),
        ],
    )
    def test_pixels_that_are_not_stored_have_the_fill_value(
        self, zarr_format, dtype, fill
    ) -> None:
        array = created(node(Layout((1, 2, 5), fill_value=fill), dtype), zarr_format)
        np.testing.assert_array_equal(array[0, 0, :1], np.array([fill], dtype))
        assert array.dtype == np.dtype(dtype)

    @pytest.mark.parametrize("zarr_format", [2, 3])
    @pytest.mark.parametrize("stored", [True, False])
    def test_empty_chunks_are_stored_only_on_demand(
        self, zarr_format, stored, tmp_path
    ) -> None:
        layout = Layout((3, 4, 5), write_empty_chunks=stored)
        array = created(node(layout), zarr_format, str(tmp_path))
        array[:] = 0
        metadata = {"zarr.json", ".zarray", ".zattrs", ".zgroup"}
        chunks = [
            path
            for path in tmp_path.rglob("*")
            if path.is_file() and path.name not in metadata
        ]
        assert len(chunks) == stored

    def test_an_array_without_dims_can_be_made(self) -> None:
        planned = ArrayNode((), (), np.dtype("f8"), Layout(()), Deferred())
        array = created(planned)
        array[()] = 2.5
        assert array[()] == 2.5


class TestCompression:
    @pytest.mark.parametrize("zarr_format", [2, 3])
    @pytest.mark.parametrize("name", COMPRESSIONS)
    def test_every_name_gives_pixels_back_in_both_formats(
        self, zarr_format, name
    ) -> None:
        array = created(node(Layout((2, 4, 5), compression=name)), zarr_format)
        array[:] = PIXELS
        np.testing.assert_array_equal(array[:], PIXELS)

    @pytest.mark.parametrize(
        ("name", "codec"),
        [
            ("auto", {"name": "blosc", "cname": "zstd"}),
            ("blosc-zstd", {"name": "blosc", "cname": "zstd"}),
            ("blosc-lz4", {"name": "blosc", "cname": "lz4"}),
            ("zstd", {"name": "zstd"}),
            ("gzip", {"name": "gzip"}),
        ],
    )
    def test_names_mean_these_codecs_in_the_file(self, name, codec, tmp_path) -> None:
        created(node(Layout((2, 4, 5), compression=name)), 3, str(tmp_path))
        codecs = json.loads((tmp_path / "0/zarr.json").read_text())["codecs"]
        found = {"name": codecs[-1]["name"], **codecs[-1]["configuration"]}
        assert codec.items() <= found.items()

    @pytest.mark.parametrize(
        ("name", "codec"),
        [
            ("auto", {"id": "blosc", "cname": "zstd", "shuffle": 1}),
            ("blosc-lz4", {"id": "blosc", "cname": "lz4"}),
            ("zstd", {"id": "zstd"}),
            ("gzip", {"id": "gzip"}),
        ],
    )
    def test_names_mean_these_codecs_in_the_older_file(
        self, name, codec, tmp_path
    ) -> None:
        created(node(Layout((2, 4, 5), compression=name)), 2, str(tmp_path))
        found = json.loads((tmp_path / "0/.zarray").read_text())["compressor"]
        assert codec.items() <= found.items()

    def test_none_compresses_nothing(self, tmp_path) -> None:
        created(node(Layout((3, 4, 5), compression="none")), 3, str(tmp_path))[:] = (
            PIXELS
        )
        assert (tmp_path / "0/c/0/0/0").read_bytes() == PIXELS.tobytes()

    def test_the_bytes_of_a_pixel_are_shuffled_by_its_size(self) -> None:
        codec = compressors("auto", np.dtype("float64"), 3)
        assert codec.typesize == 8

    def test_a_codec_or_several_are_used_as_they_are(self) -> None:
        one = zarr.codecs.ZstdCodec(level=9)
        assert compressors(one, np.dtype("u1"), 3) == [one]
        assert compressors((one,), np.dtype("u1"), 3) == [one]
        old = numcodecs.Zlib(1)
        assert compressors([old], np.dtype("u1"), 2) == [old]

    def test_an_unknown_name_is_answered_with_the_list(self) -> None:
        with pytest.raises(OptionError, match=r"'brotli'.*'blosc-zstd'"):
            compressors("brotli", np.dtype("u1"), 3)

    @pytest.mark.parametrize(
        ("codec", "zarr_format", "wanted"),
        [
            (numcodecs.Zstd(3), 3, r"zarr\.codecs"),
            (zarr.codecs.ZstdCodec(), 2, "numcodecs"),
        ],
    )
    def test_a_codec_of_the_other_format_is_refused(
        self, codec, zarr_format, wanted
    ) -> None:
        with pytest.raises(LayoutError, match=wanted):
            compressors(codec, np.dtype("u1"), zarr_format)

    @pytest.mark.parametrize("nonsense", [5, {"id": "zstd"}, [None], ["zstd", "gzip"]])
    def test_what_is_no_codec_is_refused(self, nonsense) -> None:
        with pytest.raises((OptionError, LayoutError), match="compression"):
            compressors(nonsense, np.dtype("u1"), 3)

    def test_several_codecs_are_refused_where_only_one_can_be_stored(self) -> None:
        codecs = [numcodecs.Shuffle(2), numcodecs.Zstd(3)]
        with pytest.raises(LayoutError, match="one codec"):
            compressors(codecs, np.dtype("u2"), 2)

    def test_what_the_reader_found_can_be_written_again(self) -> None:
        first = created(node(Layout((2, 4, 5), compression="blosc-lz4")))
        again = created(node(Layout((2, 4, 5), compression=list(first.compressors))))
        assert again.compressors == first.compressors


class TestStored:
    @pytest.fixture
    def stored(self):
        array = created(node())
        array[:] = PIXELS
        return StoredArray(array)

    def test_it_is_what_the_reader_expects(self, stored) -> None:
        assert isinstance(stored, LazyArray)
        assert (stored.shape, stored.dtype) == ((3, 4, 5), np.dtype("int16"))

    def test_slices_and_integers_give_what_numpy_gives(self, stored) -> None:
        for key in [
            (slice(None), slice(1, 3), slice(0, 5, 2)),
            (1, slice(None), 4),
            (np.int64(2), 0, 0),
        ]:
            np.testing.assert_array_equal(stored[key], PIXELS[key])
            assert isinstance(stored[key], np.ndarray)

    def test_outer_gives_the_product_of_indices(self, stored) -> None:
        key = (np.array([2, 0]), slice(None), np.array([4, 1]))
        expected = PIXELS[np.ix_([2, 0], range(4), [4, 1])]
        np.testing.assert_array_equal(stored.outer(key), expected)
        np.testing.assert_array_equal(asyncio.run(stored.load_outer(key)), expected)

    def test_points_gives_one_pixel_per_point(self, stored) -> None:
        key = (np.array([2, 0]), np.array([1, 3]), np.array([4, 1]))
        np.testing.assert_array_equal(stored.points(key), PIXELS[key])
        np.testing.assert_array_equal(asyncio.run(stored.load_points(key)), PIXELS[key])

    def test_loading_gives_what_indexing_gives(self, stored) -> None:
        key = (slice(1, 3), 2, slice(None))
        np.testing.assert_array_equal(asyncio.run(stored.load(key)), PIXELS[key])

    def test_it_travels_to_another_process(self, tmp_path) -> None:
        array = created(node(), 3, str(tmp_path))
        array[:] = PIXELS
        again = pickle.loads(pickle.dumps(StoredArray(array)))
        np.testing.assert_array_equal(again[(slice(None),) * 3], PIXELS)


class HastyCodecs(BatchedCodecPipeline):
    """Codecs that do as some fast ones do: they want native, C-contiguous pixels."""

    async def read(self, batch_info, out, drop_axes=()):
        pixels = out.as_numpy_array()
        if not (pixels.dtype.isnative and pixels.flags.c_contiguous):
            raise RuntimeError("these codecs cannot read that")
        return await super().read(batch_info, out, drop_axes)


@pytest.fixture
def hasty():
    """A session that has chosen other codecs."""
    register_pipeline(HastyCodecs)
    name = f"{HastyCodecs.__module__}.{HastyCodecs.__qualname__}"
    with zarr.config.set({"codec_pipeline.path": name}):
        yield HastyCodecs
        # Nothing but the test's own setting is left where ours was needed.
        assert zarr.config.get("codec_pipeline.path") == name


class TestOtherCodecs:
    """Of a session, or of a package that chose them for it."""

    @staticmethod
    def array(dtype, order):
        array = zarr.create_array(
            MemoryStore(),
            shape=PIXELS.shape,
            dtype=dtype,
            chunks=(1, 2, 5),
            order=order,
            zarr_format=2,
        )
        array[:] = PIXELS
        return array

    @pytest.mark.parametrize("order", ["C", "F"])
    @pytest.mark.parametrize("dtype", ["<i2", ">i2"])
    def test_every_layout_is_read_with_any(self, hasty, dtype, order) -> None:
        array = self.array(dtype, order)
        everything = (slice(None),) * 3
        if (dtype, order) != ("<i2", "C"):
            with pytest.raises(RuntimeError, match="cannot read"):
                array[everything]
        stored = StoredArray(array)
        np.testing.assert_array_equal(stored[everything], PIXELS)
        again = pickle.loads(pickle.dumps(stored))
        assert type(again.array.async_array.codec_pipeline) is type(
            stored.array.async_array.codec_pipeline
        )

    def test_they_are_used_where_they_can_be(self, hasty) -> None:
        array = self.array("<i2", "C")
        assert readable(array) is array
        assert isinstance(array.async_array.codec_pipeline, hasty)

    def test_an_array_that_all_can_read_is_left_as_it_is(self) -> None:
        array = self.array(">i2", "F")
        assert readable(array) is array

    def test_threads_leave_the_settings_as_they_were(self, hasty) -> None:
        array = self.array(">i2", "F")
        with ThreadPoolExecutor(8) as threads:
            made = list(threads.map(readable, [array] * 400))
        assert not any(
            isinstance(one.async_array.codec_pipeline, hasty) for one in made
        )
