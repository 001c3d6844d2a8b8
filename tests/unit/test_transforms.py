import subprocess
import sys
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr import transforms
from xarray_omezarr.errors import (
    CoordinateError,
    MetadataError,
    OmeZarrError,
    TransformationError,
)
from xarray_omezarr.ngff import Scale, Sequence, Translation
from xarray_omezarr.transforming.stored import Field

SCALE = {"type": "scale", "scale": [0.5, 0.25]}
MOVE = {"type": "translation", "translation": [10, 20]}


def test_json_and_models_are_the_same() -> None:
    model = Scale(scale=(0.5, 0.25))
    for transformation in (SCALE, model):
        moved = transforms.apply(transformation, [[2, 4]])
        np.testing.assert_array_equal(moved, [[1, 1]])
        assert transforms.invert(transformation) == Scale(scale=(2, 4))
        assert transforms.simplify(transformation) == model
        assert transforms.compose(transformation) == model


def test_compositions_of_json_are_models() -> None:
    whole = transforms.compose(SCALE, Translation(translation=(10, 20)))
    assert isinstance(whole, Sequence)
    assert whole.to_json() == {"type": "sequence", "transformations": [SCALE, MOVE]}
    np.testing.assert_array_equal(transforms.apply(whole, [2, 4]), [11, 21])


def test_the_module_is_part_of_the_face() -> None:
    assert xo.transforms is transforms
    assert transforms.__all__ == ["apply", "compose", "invert", "simplify"]


def test_the_package_does_not_load_it_before_it_is_used() -> None:
    code = (
        "import sys, xarray_omezarr as xo\n"
        "assert 'xarray_omezarr.transforms' not in sys.modules\n"
        "xo.transforms.apply({'type': 'identity'}, [1.0])\n"
        "assert not {'zarr', 'pint', 'dask'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ({"type": "scale", "scale": []}, "/scale"),
        ({"type": "scale", "scale": [1, "2"]}, "/scale/1"),
        ({"type": "sequence", "transformations": [{"type": "affine"}]}, "neither of"),
        ({"scale": [1, 2]}, "give a model of xarray_omezarr.ngff"),
        ("scale", "give a model of xarray_omezarr.ngff"),
        (None, "give a model of xarray_omezarr.ngff"),
        ({"type": 5}, "give a model of xarray_omezarr.ngff"),
    ],
)
def test_what_is_no_transformation_is_an_error_of_metadata(
    value: Any, says: str
) -> None:
    for function in (transforms.invert, transforms.simplify, transforms.compose):
        with pytest.raises(MetadataError, match=says):
            function(value)
    with pytest.raises(MetadataError, match=says):
        transforms.apply(value, [1.0, 2.0])


def test_arrays_may_be_lists_and_arrays_of_all_kinds() -> None:
    numbers = [[0, 1, 10], [1, 0, 20]]
    named = {"type": "affine", "path": "stage"}
    for matrix in (
        numbers,
        np.array(numbers, np.float32),
        xr.DataArray(numbers, dims=("output", "input")),
        dask.array.from_array(np.array(numbers)),
        zarr.array(np.array(numbers)),
    ):
        moved = transforms.apply(named, [2, 3], arrays={"stage": matrix})
        np.testing.assert_array_equal(moved, [13, 22])
        back = transforms.invert(named, arrays={"stage": matrix})
        np.testing.assert_array_equal(transforms.apply(back, moved), [2, 3])


def test_rows_of_several_lengths_are_no_matrix() -> None:
    with pytest.raises(TransformationError, match="rows of several lengths"):
        transforms.apply(
            {"type": "affine", "path": "m"}, [1.0], arrays={"m": [[1, 2], [3]]}
        )


def warp(**coordinates: Any) -> xr.DataArray:
    vectors = np.zeros((2, 3, 2))
    vectors[0] = [[0, 1], [2, 3], [4, 5]]
    vectors[1] = 100
    return xr.DataArray(vectors, dims=("displacement", "y", "x"), coords=coordinates)


NAMED = {"type": "displacements", "path": "warp", "interpolation": "linear"}


def test_a_field_is_a_dataarray_whose_coordinates_are_positions() -> None:
    field = warp(y=[10.0, 12, 14], x=[0.0, 0.5])
    moved = transforms.apply(NAMED, [[11, 0.5], [14, 0.25]], arrays={"warp": field})
    # Half way between 1 and 3, and between 4 and 5.
    np.testing.assert_array_equal(moved, [[13, 100.5], [18.5, 100.25]])


def test_pixels_without_coordinates_are_counted() -> None:
    moved = transforms.apply(NAMED, [[1, 1], [2, 0]], arrays={"warp": warp()})
    np.testing.assert_array_equal(moved, [[4, 101], [6, 100]])


def test_vectors_may_lie_along_any_dim() -> None:
    field = warp(y=[10.0, 12, 14], x=[0.0, 0.5]).transpose("y", "x", "displacement")
    moved = transforms.apply(NAMED, [[11, 0.5]], arrays={"warp": field})
    np.testing.assert_array_equal(moved, [[13, 100.5]])


def test_only_the_part_of_a_lazy_field_that_is_needed_is_computed() -> None:
    computed = []

    def block(block_info: Any = None) -> np.ndarray:
        place = block_info[None]["chunk-location"]
        computed.append(place)
        return np.zeros((2, 100, 100))

    lazy = dask.array.map_blocks(
        block, chunks=((2,), (100,) * 40, (100,) * 40), dtype=float
    )
    field = xr.DataArray(lazy, dims=("displacement", "y", "x"))
    computed.clear()
    moved = transforms.apply(NAMED, [[150.0, 250.0]], arrays={"warp": field})
    np.testing.assert_array_equal(moved, [[150, 250]])
    assert set(computed) == {(0, 1, 2)}


def test_a_field_may_be_given_with_its_numbers() -> None:
    field = Field(np.array([[10.0, 20.0]]), 0, (2.0,), (5.0,))
    found = transforms.apply(
        {"type": "coordinates", "path": "line"}, [[6.0]], arrays={"line": field}
    )
    np.testing.assert_array_equal(found, [[15]])


@pytest.mark.parametrize(
    ("field", "error", "says"),
    [
        (np.zeros((2, 3, 3)), TransformationError, "give a DataArray with coordinates"),
        (warp(y=[0.0, 1, 5]), CoordinateError, "'y'"),
        (
            warp(y=np.array(["2026-01-01", "2026-01-02", "2026-01-03"], "M8[ns]")),
            TransformationError,
            "'y' of a field holds datetime64",
        ),
        (xr.DataArray(np.zeros((3, 3)), dims=("y", "x")), OmeZarrError, "dims"),
    ],
)
def test_fields_without_plain_positions_are_refused(
    field: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        transforms.apply(NAMED, [[1.0, 1.0]], arrays={"warp": field})


def test_a_missing_array_is_named_with_the_remedy() -> None:
    with pytest.raises(TransformationError, match=r"'warp'.*there are none.*give the"):
        transforms.apply(NAMED, [[1.0, 1.0]])
    with pytest.raises(TransformationError, match="'stage'"):
        transforms.simplify({"type": "affine", "path": "stage"})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A group with a matrix, and below it one with another of the same path."""
    place = tmp_path / "a.zarr"
    root = zarr.open_group(place, mode="w")
    matrix = np.array([[0.0, 1, 10], [1, 0, 20]])
    root.create_array("numbers/stage", data=matrix)
    root.create_group("tile_0").create_array("numbers/stage", data=2 * matrix)
    return place


def test_matrices_are_read_from_a_store(store: Path) -> None:
    named = {"type": "affine", "path": "numbers/stage"}
    for place in (store, str(store), zarr.open_group(store, mode="r")):
        moved = transforms.apply(named, [2, 3], store=place)
        np.testing.assert_array_equal(moved, [13, 22])
    simple = transforms.simplify(named, store=store)
    assert simple.to_json() == {"type": "affine", "affine": [[0, 1, 10], [1, 0, 20]]}
    back = transforms.invert(named, store=store)
    np.testing.assert_array_equal(transforms.apply(back, [13, 22]), [2, 3])


def test_paths_count_from_the_group(store: Path) -> None:
    named = {"type": "affine", "path": "numbers/stage"}
    moved = transforms.apply(named, [2, 3], store=store, group="tile_0")
    np.testing.assert_array_equal(moved, [26, 44])


def test_what_is_given_goes_before_what_is_stored(store: Path) -> None:
    named = {"type": "affine", "path": "numbers/stage"}
    given = {"numbers/stage": [[1, 0, 0], [0, 1, 0]]}
    moved = transforms.apply(named, [2, 3], store=store, arrays=given)
    np.testing.assert_array_equal(moved, [2, 3])


def test_a_store_without_the_array_is_told(store: Path) -> None:
    named = {"type": "affine", "path": "numbers/other"}
    with pytest.warns(xo.OmeZarrWarning, match="numbers/other"):
        with pytest.raises(TransformationError, match="'numbers/other'"):
            transforms.apply(named, [2, 3], store=store)


def test_a_field_is_read_from_the_image_that_holds_it(tmp_path: Path) -> None:
    field = warp(y=[10.0, 12, 14], x=[0.0, 0.5])
    ways = {
        "coordinateSystems": [
            {
                "name": "world",
                "axes": [
                    {"name": "y", "type": "space", "unit": "micrometer"},
                    {"name": "x", "type": "space", "unit": "micrometer"},
                ],
            }
        ],
        "coordinateTransformations": [
            {**NAMED, "input": {"name": "physical"}, "output": {"name": "world"}}
        ],
        "arrays": {"warp": field},
    }
    image = xr.DataArray(
        np.zeros((4, 4), np.uint8),
        dims=("y", "x"),
        coords={
            "y": ("y", 10 + np.arange(4.0), {"units": "micrometer"}),
            "x": ("x", np.arange(4) / 8, {"units": "micrometer"}),
        },
    )
    xo.write_image(image, tmp_path / "a.zarr", version="0.6", transforms=ways)
    points = [[11, 0.5], [14, 0.25], [30, 0]]
    moved = transforms.apply(NAMED, points, store=tmp_path / "a.zarr")
    np.testing.assert_array_equal(
        moved, [[13, 100.5], [18.5, 100.25], [np.nan, np.nan]]
    )
