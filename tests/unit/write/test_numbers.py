"""Matrices and fields as they will be stored."""

from __future__ import annotations

from typing import Any

import dask.array
import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import (
    AxisError,
    DataTypeError,
    MetadataError,
    OmeZarrErrorGroup,
    OptionError,
    UnitError,
)
from xarray_omezarr.hierarchy import ArrayNode, Hierarchy
from xarray_omezarr.ngff import Axis
from xarray_omezarr.ngff.named import Named
from xarray_omezarr.options import complete
from xarray_omezarr.transforming.stored import Field
from xarray_omezarr.write.field_ends import Ends
from xarray_omezarr.write.multiscale import plan_multiscale
from xarray_omezarr.write.numbers import arrays_hierarchy, matrix, plan_numbers
from xarray_omezarr.write.systems import parse_transforms

OPTIONS = complete({"version": "0.6"})
ENDS = {"input": {"name": "physical"}, "output": {"name": "world"}}
START = tuple(Axis(name=n, type="space", unit="micrometer") for n in "yx")


def field(**others: Any) -> xr.DataArray:
    told = {
        "dims": ("displacement", "y", "x"),
        "coords": {"y": [1.0, 3.0, 5.0], "x": [0.1, 0.3]},
        **others,
    }
    return xr.DataArray(np.arange(12, dtype="float32").reshape(2, 3, 2), **told)


def planned(array: Any, kind: str = "displacements", **others: Any) -> Hierarchy:
    is_matrix = kind in ("affine", "rotation")
    wanted = [Named("a", kind, is_matrix=is_matrix)]
    found = plan_numbers(wanted, {"a": array}, OPTIONS, plan_multiscale, **others)
    return found["a"]


class TestMatrices:
    @pytest.mark.parametrize(
        "array",
        [
            [[1, 2, 3], [4, 5, 6]],
            np.array([[1, 2, 3], [4, 5, 6]], dtype="int16"),
            dask.array.from_array(np.array([[1, 2, 3], [4, 5, 6]])),
            xr.DataArray([[1.0, 2, 3], [4, 5, 6]], dims=("output", "input")),
        ],
    )
    def test_are_float64_in_one_chunk_whatever_they_are_given_as(self, array) -> None:
        node = planned(array, "affine").array("")
        assert (node.dims, node.shape) == (("output", "input"), (2, 3))
        assert (node.dtype, node.layout.chunks) == (np.dtype("float64"), (2, 3))
        np.testing.assert_array_equal(node.given[:, :], [[1, 2, 3], [4, 5, 6]])

    def test_of_single_precision_keep_their_values(self) -> None:
        rows = np.array([[0.1, 0.2], [0.3, 0.4]], dtype="float32")
        assert (matrix(rows, "affine") == rows.astype("float64")).all()

    @pytest.mark.parametrize(
        ("array", "kind", "error", "said"),
        [
            ([1, 2], "affine", MetadataError, r"shape \(2,\), and 'affine' needs N x"),
            (np.ones((2, 1)), "affine", MetadataError, "a factor for each axis"),
            (np.ones((2, 0)), "affine", MetadataError, "needs N x"),
            (np.ones((3, 99)), "affine", MetadataError, "needs N x"),
            ([[np.inf, 1]], "affine", MetadataError, "NaN or infinity"),
            ([["a", "b"]], "affine", DataTypeError, "real numbers"),
            (np.ones((2, 2)), "rotation", MetadataError, "is no rotation"),
            (np.ones((2, 3)), "rotation", MetadataError, "as many of both"),
            ([[0, 1], [1, 0]], "rotation", MetadataError, "determinant -1"),
            (xr.Dataset(), "affine", OptionError, "needs a matrix"),
        ],
    )
    def test_that_are_none_are_refused_with_their_path(
        self, array, kind, error, said
    ) -> None:
        with pytest.raises(error, match="^The array at 'a'.*" + said):
            planned(array, kind)


class TestFields:
    def test_are_images_of_one_level_whose_vectors_come_first(self) -> None:
        found = planned(field())
        picture = found.image().multiscale
        assert [axis.name for axis in picture.axes] == ["displacement", "y", "x"]
        vectors = picture.axes[0]
        assert (vectors.type, vectors.discrete) == ("displacement", True)
        assert picture.levels[0].scale == (1.0, 2.0, 0.2)
        assert picture.levels[0].translation == (0.0, 1.0, 0.1)
        assert picture.name == "a"
        node = found.array("0")
        assert (node.dtype, node.layout.chunks) == (np.dtype("float32"), (2, 3, 2))

    def test_may_have_any_name_for_their_vectors_and_any_place(self) -> None:
        turned = field(dims=("c", "y", "x")).transpose("y", "x", "c")
        found = planned(turned, "coordinates")
        axes = found.image().multiscale.axes
        assert [axis.name for axis in axes] == ["c", "y", "x"]
        assert (axes[0].type, axes[0].discrete) == ("coordinate", True)
        whole = (slice(None),) * 3
        np.testing.assert_array_equal(found.array("0").given[whole], field().values)
        assert found.image().omero is None

    @pytest.mark.filterwarnings("ignore:dims=.*:xarray_omezarr.OmeZarrWarning")
    def test_keep_the_order_of_their_other_dims(self) -> None:
        # By place they are the axes of the system that the transformation starts from.
        swapped = field(dims=("displacement", "x", "y"), coords=None)
        axes = planned(swapped).image().multiscale.axes
        assert [axis.name for axis in axes] == ["displacement", "x", "y"]

    def test_have_time_before_their_vectors(self) -> None:
        values = np.zeros((3, 2, 4, 5), dtype="float32")
        da = xr.DataArray(values, dims=("displacement", "t", "y", "x"))
        found = planned(da)
        assert found.array("0").dims == ("t", "displacement", "y", "x")

    def test_have_the_units_of_the_system_that_they_start_from(self) -> None:
        axes = planned(field(), starts={"a": Ends(START)}).image().multiscale.axes
        assert [axis.unit for axis in axes] == [None, "micrometer", "micrometer"]

    def test_in_another_unit_are_converted(self) -> None:
        da = field()
        da.x.attrs["units"] = da.y.attrs["units"] = "nanometer"
        picture = planned(da, starts={"a": Ends(START)}).image().multiscale
        assert [axis.unit for axis in picture.axes] == [None, *2 * ["micrometer"]]
        assert picture.levels[0].scale == (1, 0.002, 0.0002)
        assert picture.levels[0].translation == (0, 0.001, 0.0001)

    def test_that_measure_something_else_are_refused(self) -> None:
        da = field()
        da.x.attrs["units"] = da.y.attrs["units"] = "second"
        with pytest.raises(UnitError, match="is no length"):
            planned(da, starts={"a": Ends(START)})

    def test_that_are_lazy_stay_lazy(self) -> None:
        def fail(block: Any) -> Any:
            raise AssertionError("was computed")

        lazy = dask.array.zeros((2, 3, 2), dtype="float32").map_blocks(
            fail, dtype="float32", meta=np.zeros((0, 0, 0), "float32")
        )
        assert planned(field().copy(data=lazy)).array("0").shape == (2, 3, 2)

    def test_of_which_only_numbers_are_known_have_dims_of_space(self) -> None:
        vectors = np.arange(12, dtype="float32").reshape(2, 3, 2)
        found = planned(Field(vectors, 0, (2.0, 0.2), (1.0, 0.1)))
        level = found.image().multiscale.levels[0]
        assert (level.scale, level.translation) == ((1.0, 2.0, 0.2), (0.0, 1.0, 0.1))
        assert found.array("0").dims == ("displacement", "y", "x")
        assert found.array("0").given is vectors

    def test_of_single_pixels_keep_their_scale(self) -> None:
        found = planned(Field(np.ones((2, 1, 1)), 0, (2.0, 0.5), (1.0, 3.0)))
        assert found.image().multiscale.levels[0].scale == (1.0, 2.0, 0.5)

    @pytest.mark.parametrize(
        ("array", "error", "said"),
        [
            (np.zeros((2, 3, 3)), OptionError, "needs a field: give a DataArray"),
            (field().isel(displacement=[0]), MetadataError, "one entry per axis"),
            (field().isel(displacement=0), AxisError, "one dim along which"),
            (field().astype(complex), DataTypeError, "real numbers"),
            (Field(np.zeros((2, 3)), 0, (1.0,), (0.0,)), MetadataError, "1 axes"),
        ],
    )
    def test_that_are_none_are_refused_with_their_path(
        self, array, error, said
    ) -> None:
        with pytest.raises(error, match="^The array at 'a'.*" + said):
            planned(array)


class TestHierarchy:
    def test_has_the_groups_above(self) -> None:
        ways = [
            {"type": "affine", "path": "all/deep/a", **ENDS},
            {"type": "displacements", "path": "all/f", **ENDS},
        ]
        told = {
            "coordinateTransformations": ways,
            "arrays": {"all/deep/a": np.eye(2, 3), "all/f": field()},
        }
        found = arrays_hierarchy(parse_transforms(told), OPTIONS, plan_multiscale)
        assert set(found) == {"all", "all/deep", "all/deep/a", "all/f", "all/f/0"}
        assert isinstance(found["all/deep/a"], ArrayNode)

    def test_tells_all_that_is_missing_together(self) -> None:
        ways = [{"type": "affine", "path": path, **ENDS} for path in "ab"]
        told = parse_transforms({"coordinateTransformations": ways})
        with pytest.raises(OmeZarrErrorGroup) as caught:
            arrays_hierarchy(told, OPTIONS, plan_multiscale)
        said = [str(problem) for problem in caught.value.exceptions]
        assert [text.split(":")[0] for text in said] == [
            "The array at 'a'",
            "The array at 'b'",
        ]
        assert "give it under 'arrays'" in said[0]
