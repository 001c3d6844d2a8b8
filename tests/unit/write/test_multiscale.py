"""A DataArray becomes a plan: metadata, arrays, and every problem at once."""

from __future__ import annotations

import sys

import dask.array
import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import (
    AxisError,
    CoordinateError,
    DataTypeError,
    LayoutError,
    MetadataError,
    MissingDependencyError,
    NotInVersionError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    OptionError,
    UnknownVersionError,
)
from xarray_omezarr.hierarchy import Downsampled, Given
from xarray_omezarr.options import complete
from xarray_omezarr.write.multiscale import plan_multiscale


def image(shape=(2, 64, 64), dims=("c", "y", "x"), dtype="uint16", **kwargs):
    return xr.DataArray(np.zeros(shape, dtype), dims=dims, **kwargs)


def calibrated():
    return image(
        coords={
            "c": ["DAPI", "GFP"],
            "y": ("y", 1 + 0.5 * np.arange(64), {"units": "um"}),
            "x": ("x", 0.5 * np.arange(64), {"units": "um"}),
        },
        name="cells",
    )


def plan(da, stem=None, **options):
    return plan_multiscale(da, complete(options), stem)


def multiscale(da, stem=None, **options):
    return plan(da, stem, **options).group("").model.multiscale


class TestMetadata:
    def test_they_say_what_the_coordinates_say(self) -> None:
        found = multiscale(calibrated(), scale_factors=[2])
        assert [axis.to_json() for axis in found.axes] == [
            {"name": "c", "type": "channel"},
            {"name": "y", "type": "space", "unit": "micrometer"},
            {"name": "x", "type": "space", "unit": "micrometer"},
        ]
        fine, coarse = found.levels
        assert (fine.path, fine.scale, fine.translation) == (
            "0",
            (1.0, 0.5, 0.5),
            (0.0, 1.0, 0.0),
        )
        assert (coarse.path, coarse.scale, coarse.translation) == (
            "1",
            (1.0, 1.0, 1.0),
            (0.0, 1.25, 0.25),
        )

    def test_the_method_is_told(self) -> None:
        for method, name in [("auto", "mean"), ("nearest", "nearest"), (np.add, "add")]:
            found = multiscale(image(), method=method, scale_factors=[2])
            assert found.type == name
            kind = "function" if callable(method) else "method"
            assert found.metadata["kwargs"] == {kind: name}

    def test_channels_are_told_with_what_the_option_adds(self) -> None:
        model = plan(calibrated(), channels=["Hoechst", {"color": "123456"}])
        labels = [c.label for c in model.group("").model.omero.channels]
        assert labels == ["Hoechst", "GFP"]

    def test_without_a_channel_dim_there_is_no_omero(self) -> None:
        assert plan(image((8, 8), ("y", "x"))).group("").model.omero is None

    @pytest.mark.parametrize("version", [None, "0.4", "0.5", "0.5.2"])
    def test_the_version_is_the_one_that_was_asked_for(self, version) -> None:
        found = plan(image(), version=version).version
        assert found.name == (version or "0.5")[:3]

    def test_an_unknown_version_is_refused_with_the_known_ones(self) -> None:
        with pytest.raises(UnknownVersionError, match=r"'1\.7'.*'0\.5'"):
            plan(image(), version="1.7")


class TestName:
    @pytest.mark.parametrize(
        ("da_name", "long_name", "option", "stem", "expected"),
        [
            ("cells", "Cells", "given", "stem", "given"),
            ("cells", "Cells", None, "stem", "cells"),
            ("image", "Cells", None, "stem", "Cells"),
            ("labels", "Cells", None, "stem", "Cells"),
            (None, "Cells", None, "stem", "Cells"),
            (None, None, None, "stem", "stem"),
            ("image", "", None, "stem", "stem"),
            (None, 5, None, "stem", "stem"),
            (None, None, None, None, None),
            (7, None, None, "stem", "7"),
        ],
    )
    def test_the_first_that_says_something_counts(
        self, da_name, long_name, option, stem, expected
    ) -> None:
        attrs = {} if long_name is None else {"long_name": long_name}
        da = image(name=da_name, attrs=attrs)
        assert multiscale(da, stem, name=option).name == expected

    def test_the_token_of_a_dask_array_is_no_name(self) -> None:
        lazy = dask.array.zeros((4, 4), chunks=2)
        da = xr.DataArray(lazy, dims=("y", "x"))
        assert multiscale(da, "stem").name == "stem"

    @pytest.mark.parametrize(
        "change", [lambda da: da.clip(0, 1), lambda da: da + 0, lambda da: da.load()]
    )
    def test_nor_is_it_one_when_another_array_carries_it(self, change) -> None:
        da = xr.DataArray(dask.array.zeros((4, 4), chunks=2), dims=("y", "x"))
        assert multiscale(change(da), "stem").name == "stem"

    def test_names_with_numbers_and_hyphens_are_names(self) -> None:
        for name in ("plate-3", f"plate-{'a' * 31}", f"{'0' * 32}"):
            assert multiscale(image(name=name), "stem").name == name


class TestArrays:
    def test_every_level_has_its_place(self) -> None:
        found = plan(calibrated(), scale_factors=[2, 4], chunks=(32, 32))
        assert list(found.arrays) == ["0", "1", "2"]
        assert [node.shape for node in found.arrays.values()] == [
            (2, 64, 64),
            (2, 32, 32),
            (2, 16, 16),
        ]
        assert [node.layout.chunks for node in found.arrays.values()] == [
            (2, 32, 32),
            (2, 32, 32),
            (2, 16, 16),
        ]
        assert isinstance(found.array("0").source, Given)
        assert found.array("2").source == Downsampled("1", (1, 2, 2), "mean")

    def test_dims_are_stored_in_the_order_of_the_standard(self) -> None:
        da = image((5, 6, 2, 3), ("X", "Time", "c", "Y"))
        node = plan(da).array("0")
        assert (node.dims, node.shape) == (("t", "c", "y", "x"), (6, 2, 3, 5))

    def test_dims_that_are_asked_for_are_put_in(self) -> None:
        node = plan(image(), dims="tczyx").array("0")
        assert (node.dims, node.shape) == (tuple("tczyx"), (1, 2, 1, 64, 64))

    def test_a_position_that_was_selected_is_that_of_the_dim_put_in(self) -> None:
        da = image((3, 8, 8), ("z", "y", "x"), coords={"z": [1.0, 1.5, 2.0]})
        found = multiscale(da.isel(z=2), dims="zyx")
        assert found.levels[0].translation[0] == 2.0

    @pytest.mark.parametrize("wrap", [list, tuple])
    def test_options_may_name_own_or_stored_dims(self, wrap) -> None:
        da = image((8, 64, 64), ("Z", "Y", "X"))
        for dim in "zZ":
            found = plan(
                da,
                scale_factors=wrap([{dim: 2, "Y": 2, "x": 2}]),
                chunks={dim: 4},
                shards=[{dim: 8}, None],
            )
            assert found.array("1").shape == (4, 32, 32)
            assert found.array("0").layout.chunks == (4, 64, 64)
            assert found.array("0").layout.shards == (8, 64, 64)
            assert found.array("1").layout.shards is None

    def test_auto_pyramids_end_with_the_last_chunks_of_a_list(self) -> None:
        da = image((256, 256), ("y", "x"))
        with pytest.raises(LayoutError, match="level 2"):
            plan(da, chunks=[(64, 64), (64, 64)])
        found = plan(da, chunks=[(64, 64), (64, 64), (64, 64)])
        assert len(found.arrays) == 3

    def test_big_endian_pixels_are_stored_as_the_machine_has_them(self) -> None:
        assert plan(image(dtype=">u2")).array("0").dtype.isnative

    def test_nothing_is_computed(self) -> None:
        def boom(block):
            raise AssertionError("computed")

        lazy = dask.array.zeros((2, 64, 64), chunks=32).map_blocks(
            boom, meta=np.zeros((0, 0, 0))
        )
        plan(xr.DataArray(lazy, dims=("c", "y", "x")))


class TestFillValue:
    @pytest.mark.parametrize(
        ("value", "dtype", "stored"),
        [
            (0, "uint8", 0),
            (255, "uint8", 255),
            (-1, "int8", -1),
            (np.int64(7), "uint16", 7),
            (2.0, "uint8", 2),
            (0.5, "float32", 0.5),
            (True, "bool", True),
            (0, "bool", False),
            (float("inf"), "float32", float("inf")),
        ],
    )
    def test_a_value_that_fits_is_stored_as_a_plain_number(
        self, value, dtype, stored
    ) -> None:
        found = plan(image(dtype=dtype), fill_value=value).array("0").layout.fill_value
        assert found == stored
        assert type(found) in (int, float, bool)

    @pytest.mark.parametrize("nan", [float("nan"), np.float32("nan")])
    def test_nan_fits_floats(self, nan) -> None:
        found = plan(image(dtype="float32"), fill_value=nan)
        assert np.isnan(found.array("0").layout.fill_value)

    @pytest.mark.parametrize(
        ("value", "dtype"),
        [
            (256, "uint8"),
            (-1, "uint8"),
            (0.5, "uint8"),
            (float("nan"), "uint8"),
            (float("inf"), "int16"),
            (2, "bool"),
            ("0", "uint8"),
            (None, "uint8"),
            ([0, 0], "uint8"),
            ([0], "uint8"),
            (1e300, "float32"),
            (1j, "float32"),
        ],
    )
    def test_a_value_that_does_not_fit_is_refused(self, value, dtype) -> None:
        with pytest.raises(OptionError, match="fill_value is"):
            plan(image(dtype=dtype), fill_value=value)


class TestVersions:
    def test_shards_need_zarr_v3(self) -> None:
        with pytest.raises(NotInVersionError, match=r"0\.4.*no shards.*lossy=True"):
            plan(image(), version="0.4", shards="auto")

    def test_shards_can_be_dropped_on_purpose(self) -> None:
        with pytest.warns(OmeZarrWarning, match="no shards"):
            found = plan(image(), version="0.4", shards="auto", lossy=True)
        assert found.array("0").layout.shards is None


class TestProblems:
    def test_one_problem_is_raised_as_itself(self) -> None:
        with pytest.raises(AxisError):
            plan(image((4,), ("x",)))

    def test_several_problems_are_raised_together(self) -> None:
        da = image(
            dtype="complex64",
            coords={"x": np.arange(64.0)[::-1], "y": np.arange(64) ** 2},
        )
        with pytest.raises(OmeZarrErrorGroup) as caught:
            plan(da, attrs={"bad": object()}, chunks={"q": 3})
        kinds = {type(problem) for problem in caught.value.exceptions}
        assert {DataTypeError, CoordinateError, MetadataError} <= kinds
        for named in ("'bad'", "complex64", "'x'", "'y'"):
            assert named in str(caught.value)

    @pytest.mark.parametrize("dtype", ["U3", "M8[ns]", "complex64"])
    def test_a_type_that_is_refused_is_one_problem(self, dtype) -> None:
        with pytest.raises(DataTypeError):
            plan(image((4, 4), ("y", "x"), dtype))

    def test_those_of_options_are_raised_together(self) -> None:
        with pytest.raises(OmeZarrErrorGroup) as caught:
            plan(image(), channels=["one"], scale_factors=[1])
        assert len(caught.value.exceptions) == 2

    def test_a_group_is_a_value_error(self) -> None:
        with pytest.raises(ValueError, match="2 problems"):
            plan(image(), channels=["one"], scale_factors=[1])

    @pytest.mark.parametrize("size", [0])
    def test_an_image_without_pixels_is_refused(self, size) -> None:
        with pytest.raises(AxisError, match=r"\['y'\]"):
            plan(image((2, size, 64)))


class TestBeside:
    def test_attributes_of_the_option_stand_in_the_group(self) -> None:
        assert plan(image(), attrs={"lab": "B"}).group("").attrs == {"lab": "B"}

    def test_what_xarray_alone_has_is_kept_under_one_key(self) -> None:
        found = plan(image(attrs={"instrument": "widefield"}))
        assert found.group("").attrs == {
            "xarray": {"version": 1, "attrs": {"instrument": "widefield"}}
        }

    def test_long_coordinates_become_arrays_of_a_group(self) -> None:
        da = image(
            coords={"stage": (("y", "x"), np.random.default_rng(1).random((64, 64)))}
        )
        found = plan(da)
        assert found.group("xarray").model is None
        node = found.array("xarray/stage")
        np.testing.assert_array_equal(node.given[:, :], da["stage"])

    def test_a_name_that_was_asked_for_replaces_the_long_name(self) -> None:
        found = plan(image(attrs={"long_name": "old", "a": 1}), name="new")
        assert found.group("").attrs["xarray"]["attrs"] == {"a": 1}

    def test_unknown_keys_come_back_to_their_place(self) -> None:
        ome = {
            "acquired_by": "X",
            "multiscales": [
                {"index": 0, "note": 1, "levels": [{"path": "0", "checksum": "a"}]}
            ],
        }
        model = plan(image(), attrs={"ome": ome}).group("").model
        assert model.extras() == {"acquired_by": "X"}
        assert model.multiscale.extras() == {"note": 1}
        assert model.multiscale.levels[0].extras() == {"checksum": "a"}

    @pytest.mark.parametrize("version", ["0.4", "0.5"])
    def test_metadata_of_another_image_say_nothing_of_this_one(self, version) -> None:
        # Somebody passes on all attributes of a store that was opened otherwise.
        old = plan(
            image((4, 4), ("y", "x")), version="0.5", name="old", scale_factors=None
        )
        stale = old.version.to_attrs(old.group("").model)
        for attrs in (stale, {"ome": {**stale["ome"], "version": "0.9"}}):
            found = plan(calibrated(), attrs=attrs, version=version)
            plain = plan(calibrated(), version=version)
            model, expected = found.group("").model, plain.group("").model
            assert model.multiscale == expected.multiscale
            spelled = found.version.to_attrs(model.model_copy(update={"omero": None}))
            assert spelled == found.version.to_attrs(
                expected.model_copy(update={"omero": None})
            )

    def test_the_object_is_left_as_it_was(self) -> None:
        da = calibrated()
        before = da.copy(deep=True)
        attrs = {"ome": {"acquired_by": "X"}, "lab": "B"}
        plan(da, attrs=attrs)
        xr.testing.assert_identical(da, before)
        assert attrs == {"ome": {"acquired_by": "X"}, "lab": "B"}


class TestMethods:
    def test_a_band_pass_of_unsigned_pixels_is_refused_when_planning(self) -> None:
        with pytest.raises(DataTypeError, match="uint16 cannot hold"):
            plan(image(), method="laplacian", scale_factors=[2])
        plan(image(dtype="int16"), method="laplacian", scale_factors=[2])

    def test_a_missing_extra_is_told_when_planning(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "skimage.transform", None)
        with pytest.raises(MissingDependencyError, match=r"pip install .*\[resize\]"):
            plan(image(), method="resize", scale_factors=[2])

    @pytest.mark.parametrize("method", ["resize", "zoom", "gaussian"])
    def test_smooth_methods_shift_by_half_the_difference(self, method: str) -> None:
        fine, coarse = multiscale(calibrated(), method=method, scale_factors=[2]).levels
        assert fine.translation == (0, 1, 0)
        assert coarse.translation == (0, 1.25, 0.25)
