"""Axes that lie along one dim each: 1-D coordinates, in exact decimals."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from tests.unit.placing.building import affine, image, system, to_world, way
from xarray_omezarr.errors import TransformationError
from xarray_omezarr.grid.names import FRAME_KEY, SCALE_KEY

STAGE = {
    "type": "sequence",
    "transformations": [
        {"type": "scale", "scale": [1, 3]},
        {"type": "translation", "translation": [500, 0.1]},
    ],
}


def plane(**coords):
    return image(**{"y": [0.0, 1.0, 2.0], "x": [0.0, 0.1, 0.2, 0.3], **coords})


def test_coordinates_are_the_decimals_that_people_compute() -> None:
    world = plane().omezarr.to_system("world", transforms=to_world(STAGE, "yx"))
    assert world.x.values.tolist() == [0.1, 0.4, 0.7, 1.0]
    assert world.y.values.tolist() == [500.0, 501.0, 502.0]
    assert world.x.dtype == world.y.dtype == np.float64
    assert int(world.sel(y=501, x=0.7)) == 6
    assert world.sel(x=slice(0.4, 0.7)).sizes["x"] == 2


def test_dims_pixels_and_other_coordinates_stay() -> None:
    da = plane().assign_coords(note=("x", list("abcd")), lens=7)
    world = da.omezarr.to_system("world", transforms=to_world(STAGE, "yx"))
    assert world.dims == da.dims
    assert world.data is da.data
    xr.testing.assert_equal(world.note.drop_vars(["x"]), da.note.drop_vars(["x"]))
    assert int(world.lens) == 7


def test_units_are_those_of_the_axes_and_coordinates_are_converted() -> None:
    da = image("nanometer", y=[0.0, 1000.0], x=[0.0, 100.0, 200.0])
    own = system("physical", "yx")
    transforms = to_world(STAGE, "yx")
    transforms["coordinateSystems"].append(own)
    world = da.omezarr.to_system("world", transforms=transforms)
    assert world.x.values.tolist() == [0.1, 0.4, 0.7]
    assert world.x.attrs == {"units": "micrometer"}
    assert da.x.attrs == {"units": "nanometer"}


def test_an_axis_that_does_not_change_keeps_its_very_values() -> None:
    odd = np.linspace(0, 1, 7) ** 2
    told = {"type": "scale", "scale": [1, 2]}
    da = plane(y=odd)
    world = da.omezarr.to_system("world", transforms=to_world(told, "yx"))
    assert world.y.values.tolist() == odd.tolist()


def test_uneven_and_descending_coordinates_are_placed_one_by_one() -> None:
    da = plane(y=[5.0, 3.0, 2.5], x=[0.3, 0.2, 0.1])
    world = da.omezarr.to_system("world", transforms=to_world(STAGE, "yx"))
    assert world.y.values.tolist() == [505.0, 503.0, 502.5]
    assert world.x.values.tolist() == [1.0, 0.7, 0.4]
    assert int(world.sel(x=0.4, y=503)) == 5


def test_whole_numbers_become_float64() -> None:
    da = image(y=[0, 1], x=[0, 1, 2])
    same = to_world({"type": "identity"}, "yx")
    world = da.omezarr.to_system("world", transforms=same)
    assert world.x.dtype == np.float64


def test_single_precision_means_its_decimals() -> None:
    da = image(y=[0.0, 1.0], x=np.array([0.0, 0.1, 0.2], np.float32))
    world = da.omezarr.to_system("world", transforms=to_world(STAGE, "yx"))
    assert world.x.values.tolist() == [0.1, 0.4, 0.7]


@pytest.mark.parametrize(
    "turn",
    [
        lambda da: da.isel(x=slice(1, None, 2), y=slice(None, None, -1)),
        lambda da: da.transpose("x", "y"),
        lambda da: da.coarsen(x=2).mean(),
        lambda da: da.isel(y=1),
        lambda da: da.isel(x=[3, 0]),
    ],
)
def test_what_was_done_before_and_after_is_the_same(turn) -> None:
    da = plane()
    with xr.set_options(keep_attrs=True):
        before = turn(da.omezarr.to_system("world", transforms=to_world(STAGE, "yx")))
        own = turn(da)
    transforms = to_world(STAGE, "yx")
    transforms["coordinateSystems"].append(system("physical", "yx"))
    after = own.omezarr.to_system("world", transforms=transforms)
    xr.testing.assert_allclose(after, before, rtol=1e-15)


def test_dims_of_any_case_are_the_axes() -> None:
    da = plane().rename(y="Y", x="X")
    world = da.omezarr.to_system("world", transforms=to_world(STAGE, "yx"))
    assert world.dims == ("Y", "X")
    assert world.X.values.tolist() == [0.1, 0.4, 0.7, 1.0]
    assert set(world.coords) == {"Y", "X"}


def test_axes_that_change_places_have_the_name_of_the_system() -> None:
    told = {"type": "mapAxis", "mapAxis": [1, 0]}
    da = plane()
    world = da.omezarr.to_system("world", transforms=to_world(told, "yx"))
    assert world.x_world.dims == ("y",)
    assert world.x_world.values.tolist() == da.y.values.tolist()
    assert world.y_world.values.tolist() == da.x.values.tolist()
    assert world.x.variable.identical(da.x.variable)
    assert int(world.sel(x_world=2, y_world=0.1)) == 9
    assert world.sel(x_world=slice(0.5, 2)).sizes == {"y": 2, "x": 4}


def test_axes_of_other_names_are_coordinates_beside() -> None:
    transforms = {
        "coordinateSystems": [
            {
                "name": "map",
                "axes": [
                    {"name": "north", "type": "space"},
                    {"name": "east", "type": "space"},
                ],
            }
        ],
        "coordinateTransformations": [way(STAGE, end="map")],
    }
    da = plane()
    placed = da.omezarr.to_system("map", transforms=transforms)
    assert placed.east.dims == ("x",)
    assert int(placed.sel(east=0.4, north=502)) == 9
    assert placed.x.variable.identical(da.x.variable)
    assert placed.encoding[FRAME_KEY].own == "physical"


def test_an_axis_that_is_made_is_a_single_value() -> None:
    told = {"type": "projectAxis", "createdOutputs": [0]}
    world = plane().omezarr.to_system("world", transforms=to_world(told, "zyx"))
    assert world.z.dims == ()
    assert float(world.z) == 0.0
    assert world.dims == ("y", "x")


def test_an_axis_that_is_dropped_keeps_its_coordinate() -> None:
    da = image(z=[0.0, 2.0], y=[0.0, 1.0], x=[0.0, 0.5])
    told = {
        "type": "sequence",
        "transformations": [
            {"type": "scale", "scale": [1, 10, 10]},
            {"type": "projectAxis", "droppedInputs": [0]},
        ],
    }
    world = da.omezarr.to_system("world", transforms=to_world(told, "yx"))
    assert world.z.values.tolist() == [0.0, 2.0]
    assert world.x.values.tolist() == [0.0, 5.0]
    again = world.omezarr.to_system("world")
    assert again.x.values.tolist() == [0.0, 5.0]


def test_a_dim_that_was_selected_away_is_a_constant() -> None:
    da = image(z=[0.0, 2.0, 4.0], y=[0.0, 1.0], x=[0.0, 0.5])
    told = {"type": "scale", "scale": [3, 10, 10]}
    transforms = to_world(told, "zyx")
    transforms["coordinateSystems"].append(system("physical", "zyx"))
    world = da.isel(z=2).omezarr.to_system("world", transforms=transforms)
    assert world.z.dims == ()
    assert float(world.z) == 12.0
    assert world.encoding[FRAME_KEY].own == "world"
    # Of a dim that is gone nothing is said, as long as nothing else depends on it.
    without = da.isel(z=2, drop=True)
    world = without.omezarr.to_system("world", transforms=transforms)
    assert "z" not in world.coords
    np.testing.assert_array_equal(world.x, [0.0, 5.0])
    told |= {"type": "affine", "affine": [[1, 0, 0, 0], [0.5, 1, 0, 0], [0, 0, 1, 0]]}
    transforms = to_world(told, "zyx")
    transforms["coordinateSystems"].append(system("physical", "zyx"))
    with pytest.raises(TransformationError, match=r"'z'.*drop=True"):
        without.omezarr.to_system("world", transforms=transforms)


def test_a_position_that_was_selected_is_no_axis_of_another_system() -> None:
    rows = [[1, 0, 0, 0], [2, 1, 0, 0.5], [0, 0, 1, 0]]
    da = image(z=[0.0, 1.0], y=[3.0, 4.0, 5.0], x=[0.0, 2.0])
    transforms = to_world({"type": "affine", "affine": rows}, "zyx")
    transforms["coordinateSystems"].append(system("physical", "zyx"))
    placed = da.isel(y=1).omezarr.to_system("world", transforms=transforms)
    assert float(placed.y) == 4.0
    assert placed.y_world.dims == ("z",)
    np.testing.assert_array_equal(placed.y_world, [4.5, 6.5])
    # The plane still knows where it lies in its own system.
    again = placed.isel(z=1).omezarr.to_system("world")
    assert float(again.y_world) == 6.5


class TestNames:
    @staticmethod
    def transforms(told):
        return to_world(told, "tcyx")

    da = image(
        t=np.array([0, 10], "timedelta64[s]"),
        c=["DAPI", "GFP"],
        y=[0.0, 1.0],
        x=[0.0, 1.0],
    )

    def test_of_channels_stay_and_so_do_durations(self) -> None:
        told = {"type": "scale", "scale": [1, 1, 2, 2]}
        world = self.da.omezarr.to_system("world", transforms=self.transforms(told))
        assert world.c.values.tolist() == ["DAPI", "GFP"]
        assert world.t.dtype.kind == "m"
        assert world.x.values.tolist() == [0.0, 2.0]

    def test_stay_also_where_the_numbers_of_channels_change(self) -> None:
        told = {"type": "scale", "scale": [1, 5, 2, 2]}
        world = self.da.omezarr.to_system("world", transforms=self.transforms(told))
        assert world.c.values.tolist() == ["DAPI", "GFP"]
        assert world.c_world.values.tolist() == [0.0, 5.0]

    def test_durations_are_seconds(self) -> None:
        told = {"type": "scale", "scale": [0.5, 1, 1, 1]}
        world = self.da.omezarr.to_system("world", transforms=self.transforms(told))
        assert world.t.values.tolist() == [0.0, 5.0]

    def test_dates_are_refused_where_they_would_change(self) -> None:
        dates = np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]")
        da = self.da.assign_coords(t=dates)
        told = {"type": "scale", "scale": [0.5, 1, 1, 1]}
        with pytest.raises(TransformationError, match="'t' holds dates"):
            da.omezarr.to_system("world", transforms=self.transforms(told))

    def test_dates_stay_where_they_are_the_same(self) -> None:
        dates = np.array(["2020-01-01", "2020-01-02"], "datetime64[ns]")
        da = self.da.assign_coords(t=dates)
        told = {"type": "scale", "scale": [1, 1, 2, 2]}
        world = da.omezarr.to_system("world", transforms=self.transforms(told))
        assert (world.t.values == dates).all()


class TestWhatAnObjectSaysOfItself:
    def test_its_frame_tells_the_new_system(self) -> None:
        world = plane().omezarr.to_system("world", transforms=to_world(STAGE, "yx"))
        assert world.encoding[FRAME_KEY].own == "world"
        xr.testing.assert_identical(world.omezarr.to_system("world"), world)

    def test_and_the_way_back(self) -> None:
        da = plane()
        world = da.omezarr.to_system("world", transforms=to_world(STAGE, "yx"))
        back = world.omezarr.to_system("physical")
        xr.testing.assert_allclose(back, da, rtol=1e-15)
        assert back.encoding[FRAME_KEY].own == "physical"

    def test_a_single_pixel_knows_its_size(self) -> None:
        da = plane()
        da.encoding[SCALE_KEY] = {"y": 1.0, "x": 0.1}
        world = da.omezarr.to_system("world", transforms=to_world(STAGE, "yx"))
        assert world.encoding[SCALE_KEY] == {"y": 1.0, "x": 0.3}
        assert world.isel(x=[0]).omezarr.scale["x"] == 0.3
        alone = da.isel(x=[0])
        placed = alone.omezarr.to_system("world", transforms=to_world(STAGE, "yx"))
        assert placed.omezarr.scale["x"] == 0.3

    def test_its_own_system_changes_nothing(self) -> None:
        da = plane()
        xr.testing.assert_identical(da.omezarr.to_system("physical"), da)

    def test_a_plain_image_has_one_system(self) -> None:
        systems = plane().transpose("x", "y").omezarr.coordinate_systems
        assert list(systems) == ["physical"]
        assert [axis.name for axis in systems["physical"].axes] == ["y", "x"]
        assert "x (micrometer)" in repr(systems)

    def test_an_unknown_system_is_told_with_those_there_are(self) -> None:
        with pytest.raises(TransformationError, match="there are 'physical'"):
            plane().omezarr.to_system("wurld")


def test_a_lost_coordinate_is_not_guessed() -> None:
    da = plane().drop_vars("x")
    transforms = to_world(STAGE, "yx")
    transforms["coordinateSystems"].append(system("physical", "yx"))
    with pytest.raises(TransformationError, match=r"assign_grid"):
        da.omezarr.to_system("world", transforms=transforms)


def test_plain_pixels_count_from_0() -> None:
    da = xr.DataArray(np.zeros((2, 3)), dims=("y", "x"))
    world = da.omezarr.to_system("world", transforms=to_world(STAGE, "yx"))
    assert world.x.values.tolist() == [0.1, 3.1, 6.1]


def test_matrices_may_be_arrays() -> None:
    told = {"type": "affine", "path": "stage"}
    transforms = to_world(told, "yx", arrays={"stage": [[1, 0, 500], [0, 3, 0.1]]})
    world = plane().omezarr.to_system("world", transforms=transforms)
    assert world.x.values.tolist() == [0.1, 0.4, 0.7, 1.0]


def test_a_mirrored_axis_descends() -> None:
    told = affine([[1, 0, 0], [0, -1, 10]])
    world = plane().omezarr.to_system("world", transforms=to_world(told, "yx"))
    assert world.x.values.tolist() == [10.0, 9.9, 9.8, 9.7]
    assert int(world.sel(x=9.8, y=0)) == 2


def test_the_functions_are_public() -> None:
    da = plane()
    transforms = to_world(STAGE, "yx")
    xr.testing.assert_identical(
        xo.to_system(da, "world", transforms=transforms),
        da.omezarr.to_system("world", transforms=transforms),
    )
    assert xo.coordinate_systems(da) == da.omezarr.coordinate_systems
