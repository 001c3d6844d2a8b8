"""Axes that several dims tell together: lazy coordinates, and selecting on them."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.placing.building import affine, image, system, to_world
from xarray_omezarr.errors import OmeZarrError, OutsideError, TransformationError
from xarray_omezarr.grid.names import FRAME_KEY
from xarray_omezarr.placing.index import WorldIndex
from xarray_omezarr.transforming.stored import Field

Z, Y, X = np.arange(4) * 2.0 + 7, np.arange(5) * 0.5, np.arange(6) * 0.4 - 1


def turned(degrees, axis):
    """A 4 x 4 matrix, homogeneous, that turns about an axis, by hand."""
    a = np.deg2rad(degrees)
    c, s = np.cos(a), np.sin(a)
    i, j = [k for k in range(3) if k != axis]
    matrix = np.eye(4)
    matrix[i, i], matrix[i, j], matrix[j, i], matrix[j, j] = c, -s, s, c
    return matrix


SHEAR = np.array([[1, 0.3, 0, 0], [0, 1, -0.2, 0], [0.1, 0, 1, 0], [0, 0, 0, 1.0]])
MOVE = np.array([[1, 0, 0, 100], [0, 1, 0, -40], [0, 0, 1, 7.5], [0, 0, 0, 1.0]])
WHOLE = MOVE @ turned(30, 0) @ turned(-50, 2) @ SHEAR


def volume():
    return image(z=Z, y=Y, x=X)


def world(da=None, matrix=WHOLE):
    da = volume() if da is None else da
    transforms = to_world(affine(matrix[:3]), "zyx")
    transforms["coordinateSystems"].append(system("physical", "zyx"))
    return da.omezarr.to_system("world", transforms=transforms)


def by_hand(z, y, x, matrix=WHOLE):
    """Positions of all pixels: shape (3, nz, ny, nx)."""
    grid = np.meshgrid(z, y, x, indexing="ij")
    points = np.stack([*grid, np.ones_like(grid[0])])
    return np.einsum("ij,jzyx->izyx", matrix, points)[:3]


NAMES = ("z_world", "y_world", "x_world")


def labels(position, names=NAMES):
    """What to select, from a position along z, y and x."""
    return dict(zip(names, list(position)[:3], strict=True))


def values(placed):
    return np.stack([placed[f"{a}_world"].values for a in "zyx"])


def test_a_turned_and_sheared_volume_lies_where_a_matrix_puts_it() -> None:
    placed = world()
    np.testing.assert_allclose(values(placed), by_hand(Z, Y, X), rtol=1e-12)
    for name in ("z_world", "y_world", "x_world"):
        assert placed[name].dtype == np.float64
        assert placed[name].attrs == {"units": "micrometer"}
        assert isinstance(placed.xindexes[name], WorldIndex)
    xr.testing.assert_identical(placed.reset_coords(drop=True).x, volume().x)


def test_the_object_says_of_itself_what_it_said() -> None:
    da = volume()
    placed = world(da)
    assert placed.encoding[FRAME_KEY].own == "physical"
    assert placed.omezarr.grid == da.omezarr.grid
    assert placed.attrs == da.attrs


@pytest.mark.parametrize(
    ("turn", "own"),
    [
        (lambda a: a.isel(y=slice(1, 4), x=slice(None, None, 2)), (Z, Y[1:4], X[::2])),
        (lambda a: a.isel(z=slice(None, None, -1)), (Z[::-1], Y, X)),
        (lambda a: a.isel(x=[4, 0, 1]), (Z, Y, X[[4, 0, 1]])),
        (lambda a: a.sel(y=slice(0.5, 1.5)), (Z, Y[1:4], X)),
        (lambda a: a.isel(y=Y > 0.7), (Z, Y[Y > 0.7], X)),
    ],
)
def test_parts_lie_where_the_whole_did(turn, own) -> None:
    for placed in (turn(world()), world(turn(volume()))):
        np.testing.assert_allclose(values(placed), by_hand(*own), rtol=1e-12)
        assert isinstance(placed.xindexes["x_world"], WorldIndex)


def test_one_plane_stays_lazy_and_indexed() -> None:
    full = by_hand(Z, Y, X)
    for placed in (world().isel(y=2), world(volume().isel(y=2))):
        assert placed.x_world.dims == ("z", "x")
        np.testing.assert_allclose(values(placed), full[:, :, 2], rtol=1e-12)
        assert isinstance(placed.xindexes["x_world"], WorldIndex)
        target = labels(full[:, 1, 2, 3])
        found = placed.sel(target, method="nearest")
        assert int(found) == int(volume()[1, 2, 3])
    point = world().isel(z=1, y=2, x=3)
    assert point.x_world.dims == ()
    assert float(point.x_world) == pytest.approx(full[2, 1, 2, 3], rel=1e-12)


def test_transposed_objects_keep_the_order_of_their_dims() -> None:
    full = by_hand(Z, Y, X)
    turned_round = volume().transpose(..., "z")
    for placed in (world().transpose("x", "z", "y"), world(turned_round)):
        flat = placed.x_world.transpose("z", "y", "x")
        np.testing.assert_allclose(flat.values, full[2], rtol=1e-12)
        assert placed.x_world.dims == placed.dims
        part = placed.isel(x=slice(2, 4))
        assert part.x_world.dims == placed.dims
        np.testing.assert_allclose(
            part.x_world.transpose("z", "y", "x").values, full[2][..., 2:4], rtol=1e-12
        )


def test_coarsened_objects_are_placed_by_the_coordinates_they_have() -> None:
    coarse = volume().coarsen(x=2).mean()
    coarse.x.attrs = volume().x.attrs
    x = X.reshape(-1, 2).mean(axis=1)
    np.testing.assert_allclose(values(world(coarse)), by_hand(Z, Y, x), rtol=1e-12)


def test_coordinates_in_nanometers_are_converted() -> None:
    da = image("nanometer", z=Z * 1000, y=Y * 1000, x=X * 1000)
    np.testing.assert_allclose(values(world(da)), by_hand(Z, Y, X), rtol=1e-12)


def test_dims_of_any_case() -> None:
    placed = world(volume().rename(z="Z", y="Y", x="X"))
    assert placed.x_world.dims == ("Z", "Y", "X")
    np.testing.assert_allclose(values(placed), by_hand(Z, Y, X), rtol=1e-12)


def test_uneven_positions() -> None:
    x = np.array([0.0, 0.1, 0.5, 2.0, 2.1, 9.0])
    placed = world(image(z=Z, y=Y, x=x))
    full = by_hand(Z, Y, x)
    np.testing.assert_allclose(values(placed), full, rtol=1e-12)
    target = labels(full[:, 3, 1, 2])
    assert int(placed.sel(target, method="nearest")) == int(volume()[3, 1, 2])


class TestSelecting:
    placed = world()
    full = by_hand(Z, Y, X)

    def at(self, *indices):
        return labels(self.full[(slice(None), *indices)])

    def test_a_position_gives_its_pixel(self) -> None:
        found = self.placed.sel(self.at(1, 2, 3), method="nearest")
        assert found.dims == ()
        assert int(found) == int(volume()[1, 2, 3])

    def test_lists_go_point_by_point(self) -> None:
        z, y, x = [0, 3, 1], [4, 0, 2], [5, 1, 0]
        there = {name: list(v) for name, v in self.at(z, y, x).items()}
        found = self.placed.sel(there, method="nearest")
        assert found.dims == ("points",)
        assert found.values.tolist() == volume().values[z, y, x].tolist()
        arrays = {name: np.asarray(v) for name, v in there.items()}
        xr.testing.assert_equal(self.placed.sel(arrays, method="nearest"), found)

    def test_lists_have_one_length(self) -> None:
        there = {"z_world": [1, 2], "y_world": [1, 2, 3], "x_world": 0}
        with pytest.raises(TransformationError, match="one length"):
            self.placed.sel(there, method="nearest")

    def test_arrays_go_along_their_dims(self) -> None:
        z, y, x = [0, 3], [4, 0], [5, 1]
        cells = {"cell": [17, 18]}
        there = {
            name: xr.DataArray(v, cells, ("cell",))
            for name, v in self.at(z, y, x).items()
        }
        found = self.placed.sel(there, method="nearest")
        assert found.dims == ("cell",)
        assert found.cell.values.tolist() == [17, 18]
        assert found.values.tolist() == volume().values[z, y, x].tolist()
        assert found.x_world.dims == ("cell",)

    def test_outside_is_an_error_with_the_position_and_the_range(self) -> None:
        target = {"z_world": 1e4, "y_world": 0.0, "x_world": 0.0}
        with pytest.raises(KeyError, match=r"z_world=10000.*the pixels lie from") as e:
            self.placed.sel(target, method="nearest")
        assert isinstance(e.value, OutsideError | OmeZarrError)

    def test_pixels_reach_half_way_beyond_the_border(self) -> None:
        inside = WHOLE @ [Z[0] - 0.99, Y[0], X[-1] + 0.19, 1]
        found = self.placed.sel(labels(inside), method="nearest")
        assert int(found) == int(volume()[0, 0, -1])
        for z, x in ((Z[0] - 1.01, X[0]), (Z[0], X[-1] + 0.21)):
            outside = WHOLE @ [z, Y[0], x, 1]
            with pytest.raises(OutsideError):
                self.placed.sel(labels(outside), method="nearest")

    def test_other_methods_and_slices_tell_what_to_do(self) -> None:
        with pytest.raises(TransformationError, match='method="nearest"'):
            self.placed.sel(self.at(1, 2, 3))
        slices = {name: slice(v, v + 1) for name, v in self.at(1, 2, 3).items()}
        with pytest.raises(TransformationError, match="select these with slices"):
            self.placed.sel(slices, method="nearest")

    def test_too_few_coordinates_tell_which_are_missing(self) -> None:
        with pytest.raises(TransformationError, match=r"\['z_world', 'y_world'\]"):
            self.placed.sel(x_world=1.0, method="nearest")

    def test_a_tolerance_holds(self) -> None:
        near = {name: v + 0.01 for name, v in self.at(1, 2, 3).items()}
        self.placed.sel(near, method="nearest", tolerance=0.02)
        with pytest.raises(KeyError):
            self.placed.sel(near, method="nearest", tolerance=0.001)

    def test_nan_is_nowhere(self) -> None:
        nowhere = dict.fromkeys(("z_world", "y_world", "x_world"), np.nan)
        with pytest.raises(OutsideError):
            self.placed.sel(nowhere, method="nearest")


def steps():
    return st.floats(0.01, 50) | st.floats(-50, -0.01)


@settings(deadline=None, max_examples=150)
@given(st.data())
def test_the_pixel_is_that_of_the_nearest_index(data) -> None:
    count = data.draw(st.integers(2, 3))
    axes = "zyx"[-count:]
    shape = data.draw(st.tuples(*[st.integers(1, 5)] * count))
    coords = {
        axis: data.draw(st.floats(-100, 100)) + data.draw(steps()) * np.arange(size)
        for axis, size in zip(axes, shape, strict=True)
    }
    numbers = st.floats(-3, 3).map(lambda v: round(v, 3))
    linear = np.array([[data.draw(numbers) for _ in axes] for _ in axes])
    if abs(np.linalg.det(linear)) < 0.1 or (linear == 0).any():
        linear = linear + 5 * np.eye(count) + 0.5
        if abs(np.linalg.det(linear)) < 0.1:
            return
    matrix = np.column_stack([linear, [data.draw(numbers) for _ in axes]])
    da = image(**coords)
    scale = dict.fromkeys(axes, 1.0)
    placed = da.omezarr.to_system("world", transforms=to_world(affine(matrix), axes))
    names = [f"{axis}_world" for axis in axes if f"{axis}_world" in placed.coords]
    if len(names) < count or any(len(placed[n].dims) < 2 for n in names):
        return
    fraction = [data.draw(st.floats(-0.45, n - 0.55)) for n in shape]
    near = [f - np.rint(f) for f in fraction]
    if max(map(abs, near)) > 0.44:
        return
    index = np.meshgrid(*map(np.arange, shape), indexing="ij")
    distance = sum((i - f) ** 2 for i, f in zip(index, fraction, strict=True))
    brute = np.unravel_index(np.argmin(distance), shape)
    position = [
        c[0] + f * (c[1] - c[0] if len(c) > 1 else scale[a])
        for (a, c), f in zip(coords.items(), fraction, strict=True)
    ]
    target = matrix @ [*position, 1]
    found = placed.sel(dict(zip(names, target, strict=True)), method="nearest")
    assert int(found) == int(da.values[brute])


class TestAmongOthers:
    def test_objects_in_one_system_are_added(self) -> None:
        both = world() + world()
        assert isinstance(both.xindexes["x_world"], WorldIndex)
        np.testing.assert_array_equal(both.values, 2 * volume().values)

    def test_objects_in_unlike_systems_are_not(self) -> None:
        with pytest.raises(ValueError, match="align"):
            xr.align(world(), world(matrix=MOVE @ WHOLE), join="exact")

    def test_nor_are_unlike_parts_added(self) -> None:
        with pytest.raises(TransformationError, match="select the same pixels"):
            world() + world().isel(x=slice(0, 3))

    def test_time_points_are_joined(self) -> None:
        movie = xr.concat([world(), world()], "t")
        assert movie.x_world.dims == ("z", "y", "x")
        assert isinstance(movie.xindexes["x_world"], WorldIndex)

    def test_halves_become_the_whole(self) -> None:
        parts = [world().isel(y=slice(0, 2)), world().isel(y=slice(2, None))]
        whole = xr.concat(parts, "y")
        np.testing.assert_allclose(values(whole), by_hand(Z, Y, X), rtol=1e-12)
        assert isinstance(whole.xindexes["x_world"], WorldIndex)

    def test_they_travel_between_processes(self) -> None:
        again = pickle.loads(pickle.dumps(world()))
        xr.testing.assert_identical(again, world())
        assert isinstance(again.xindexes["x_world"], WorldIndex)

    def test_copies_and_renames(self) -> None:
        for other in (world().copy(deep=True), copy.deepcopy(world())):
            xr.testing.assert_identical(other, world())
        named = world().rename(x_world="right", x="column")
        assert named.right.dims == ("z", "y", "column")
        target = labels(by_hand(Z, Y, X)[:, 1, 2, 3], ("z_world", "y_world", "right"))
        assert int(named.sel(target, method="nearest")) == int(volume()[1, 2, 3])

    def test_dask(self) -> None:
        lazy = world(volume().chunk(x=2))
        assert lazy.chunks == volume().chunk(x=2).chunks
        np.testing.assert_array_equal(lazy.compute().values, volume().values)
        chunked = world().chunk(x=2)
        np.testing.assert_allclose(values(chunked), by_hand(Z, Y, X), rtol=1e-12)

    def test_placing_again_replaces(self) -> None:
        again = world(world())
        xr.testing.assert_identical(again, world())

    def test_conditions_on_positions(self) -> None:
        placed = world()
        low = placed.where(placed.x_world < np.median(by_hand(Z, Y, X)[2]))
        assert 0 < int(low.notnull().sum()) < volume().size

    def test_datasets_have_one_index_for_all_variables(self) -> None:
        ds = volume().to_dataset(name="image")
        ds["cells"] = volume() % 3
        ds["weight"] = ("z", np.ones(4))
        transforms = to_world(affine(WHOLE[:3]), "zyx")
        placed = ds.omezarr.to_system("world", transforms=transforms)
        np.testing.assert_allclose(values(placed), by_hand(Z, Y, X), rtol=1e-12)
        assert "x_world" in placed.cells.coords
        assert placed.weight.dims == ("z",)
        assert "_frame" not in str(placed.weight.encoding)
        assert list(ds.omezarr.coordinate_systems) == ["physical"]


def test_light_sheets_are_deskewed() -> None:
    # The stage moves along y while the sheet is tilted by 30 degrees about x.
    tilt = np.deg2rad(30)
    rows = [
        [0, np.sin(tilt), 0, 0],
        [1, np.cos(tilt), 0, 0],
        [0, 0, 1, 5],
    ]
    da = volume()
    placed = da.omezarr.to_system("world", transforms=to_world(affine(rows), "zyx"))
    assert placed.x.values.tolist() == (X + 5).tolist() or np.allclose(placed.x, X + 5)
    # All that is told together lies along the same dims.
    assert placed.z_world.dims == placed.y_world.dims == ("z", "y")
    depth = np.broadcast_to(np.sin(tilt) * Y, (Z.size, Y.size))
    np.testing.assert_allclose(placed.z_world, depth, rtol=1e-12)
    expected = Z[:, np.newaxis] + np.cos(tilt) * Y
    np.testing.assert_allclose(placed.y_world, expected, rtol=1e-12)
    found = placed.sel(
        z_world=np.sin(tilt) * Y[3],
        y_world=Z[2] + np.cos(tilt) * Y[3],
        x=placed.x.values[4],
        method="nearest",
    )
    assert int(found) == int(da[2, 3, 4])
    assert int(placed.sel(z_world=np.sin(tilt) * Y[3])[2, 4]) == int(da[2, 3, 4])
    assert placed.sel(z_world=slice(0.2, 0.6)).sizes["y"] == 2


def test_an_axis_that_keeps_to_its_dim_is_replaced_beside_lazy_ones() -> None:
    rows = [[3, 0, 0, 1], [0, 0.8, -0.6, 0], [0, 0.6, 0.8, 2]]
    da = volume()
    placed = da.omezarr.to_system("world", transforms=to_world(affine(rows), "zyx"))
    assert placed.z.values.tolist() == [22.0, 28.0, 34.0, 40.0]
    np.testing.assert_allclose(placed.x_world, 0.6 * Y[:, None] + 0.8 * X + 2)
    assert placed.y.values.tolist() == Y.tolist()
    # What it is now can be told in every system still.
    back = placed.omezarr.to_system("physical")
    np.testing.assert_allclose(back.z, Z, rtol=1e-15)
    again = placed.omezarr.to_system("world")
    np.testing.assert_allclose(again.z, placed.z, rtol=1e-15)
    np.testing.assert_allclose(again.x_world, placed.x_world, rtol=1e-12)


def test_a_plane_in_space() -> None:
    rows = [[0.3, 0.1, 4], [0.9, -0.2, 0], [0.1, 1, -3]]
    da = image(y=Y, x=X)
    placed = da.omezarr.to_system("world", transforms=to_world(affine(rows), "zyx"))
    assert placed.z.dims == ("y", "x")
    np.testing.assert_allclose(placed.z, 0.3 * Y[:, None] + 0.1 * X + 4, rtol=1e-12)
    target = np.array(rows) @ [Y[3], X[2], 1]
    there = labels(target, ("z", "y_world", "x_world"))
    assert int(placed.sel(there, method="nearest")) == int(da[3, 2])


def test_an_image_that_loses_an_axis_cannot_be_selected_on() -> None:
    rows = [[0.3, 0.1, 0.2, 4], [0.9, -0.2, 0.1, 0]]
    placed = volume().omezarr.to_system(
        "world", transforms=to_world(affine(rows), "yx")
    )
    with pytest.raises(TransformationError, match=r"select \['z', 'y', 'x'\] instead"):
        placed.sel(y_world=1, x_world=2, method="nearest")


class TestFields:
    y, x = np.arange(5) * 1.0, np.arange(6) * 1.0
    told = to_world({"type": "displacements", "path": "warp"}, "yx")

    def placed(self, told, **options):
        vectors = np.zeros((2, 5, 6))
        vectors[0] = 0.25 * self.x
        field = xr.DataArray(
            vectors, {"y": self.y, "x": self.x}, ("displacement", "y", "x")
        )
        transforms = {**to_world(told, "yx"), "arrays": {"warp": field}}
        da = image(y=self.y, x=self.x)
        return da, da.omezarr.to_system("world", transforms=transforms)

    def test_move_pixels(self) -> None:
        _, placed = self.placed({"type": "displacements", "path": "warp"})
        np.testing.assert_allclose(placed.y_world, self.y[:, None] + 0.25 * self.x)
        np.testing.assert_allclose(placed.x_world, self.x + 0 * self.y[:, None])
        part = placed.isel(x=3)
        np.testing.assert_allclose(part.y_world, self.y + 0.75)

    def test_have_positions_in_the_unit_of_the_axes(self) -> None:
        vectors = np.zeros((2, 3, 3))
        vectors[0] = [0, 1, 2]
        nanometers = {
            dim: (dim, 2500.0 * np.arange(3), {"units": "nm"}) for dim in ("y", "x")
        }
        field = xr.DataArray(vectors, nanometers, ("displacement", "y", "x"))
        told = {"type": "displacements", "path": "warp", "interpolation": "linear"}
        transforms = {**to_world(told, "yx"), "arrays": {"warp": field}}
        da = image(y=self.y, x=self.x)
        placed = da.omezarr.to_system("world", transforms=transforms)
        expected = self.y[:, None] + self.x / 2.5
        np.testing.assert_allclose(placed.y_world, expected, rtol=1e-12)

    def test_of_one_axis_leave_the_others(self) -> None:
        times = np.array([[0.0, 1.0, 10.0]])
        uneven = Field(times, 0, (2.0,), (0.0,))
        told = {
            "type": "byDimension",
            "transformations": [
                {
                    "transformation": {"type": "coordinates", "path": "times"},
                    "inputAxes": [0],
                    "outputAxes": [0],
                },
                {
                    "transformation": {"type": "scale", "scale": [3, 1]},
                    "inputAxes": [1, 2],
                    "outputAxes": [1, 2],
                },
            ],
        }
        da = image(t=[0.0, 2.0, 4.0], y=[0.0, 0.1, 0.2], x=[1.0, 2.0])
        transforms = to_world(told, "tyx", arrays={"times": uneven})
        world = da.omezarr.to_system("world", transforms=transforms)
        assert world.t.values.tolist() == [0.0, 1.0, 10.0]
        assert world.y.values.tolist() == [0.0, 0.3, 0.6]
        assert world.t.attrs == {"units": "second"}
        assert world.encoding[FRAME_KEY].own == "world"
        assert int(world.sel(t=10, y=0.3, x=2)) == 2 * 6 + 2 + 1

    def test_have_no_way_back(self) -> None:
        _, placed = self.placed({"type": "displacements", "path": "warp"})
        with pytest.raises(TransformationError, match="bijection"):
            placed.sel(y_world=1, x_world=2, method="nearest")

    def test_lead_back_where_one_is_told(self) -> None:
        back = affine([[1, -0.25, 0], [0, 1, 0]])
        forward = {"type": "displacements", "path": "warp"}
        told = {"type": "bijection", "forward": forward, "inverse": back}
        da, placed = self.placed(told)
        found = placed.sel(y_world=2 + 0.75, x_world=3, method="nearest")
        assert int(found) == int(da[2, 3])


class TestMemory:
    @staticmethod
    def huge():
        import dask.array

        count = 100_000
        data = dask.array.zeros((count, count), chunks=10_000, dtype="uint16")
        position = np.arange(count) * 0.5
        return xr.DataArray(data, {"y": position, "x": position}, ("y", "x"))

    def test_shown_and_selected_without_memory(self) -> None:
        import tracemalloc

        da = self.huge()
        rows = [[0.8, -0.6, 10], [0.6, 0.8, 20]]
        transforms = to_world(affine(rows), "yx")
        tracemalloc.start()
        placed = da.omezarr.to_system("world", transforms=transforms)
        assert "x_world" in repr(placed)
        assert "x_world" in placed._repr_html_()
        part = placed.isel(y=slice(0, None, 2), x=slice(500, None))
        target = np.array(rows) @ [100.0, 40_000.5, 1]
        there = labels(target, ("y_world", "x_world"))
        found = part.sel(there, method="nearest")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert (float(found.y), float(found.x)) == (100.0, 40_000.5)
        assert peak < 60e6


def test_an_axis_that_an_index_needs_leaves_the_coordinate_of_its_dim_alone() -> None:
    # World z is 5 + z; y and x are sheared along z, so the index needs it.
    rows = [[1, 0, 0, 5], [0.3, 1, 0, 0], [0.2, 0, 1, 0]]
    placed = volume().omezarr.to_system(
        "world", transforms=to_world(affine(rows), "zyx")
    )
    np.testing.assert_array_equal(placed.z, Z)
    expected = np.broadcast_to((Z + 5)[:, np.newaxis, np.newaxis], placed.shape)
    assert placed.z_world.dims == ("z", "y", "x")
    np.testing.assert_allclose(placed.z_world, expected, rtol=1e-12)
    assert [*placed.omezarr.coordinate_systems] == ["physical", "world"]


class TestFarFromTheOrigin:
    """Numbers of the stage are large, and pixels are small."""

    @pytest.mark.parametrize("offset", [1e6, -1e6])
    @pytest.mark.parametrize("degrees", [30, 45, 200])
    def test_the_border_belongs_to_the_image(self, offset, degrees) -> None:
        a = np.deg2rad(degrees)
        turn = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
        rows = np.column_stack([turn, [offset, 2 * offset]])
        y, x = np.arange(5) * 1e-3, np.arange(6) * 1e-3
        placed = image(y=y, x=x).omezarr.to_system(
            "world", transforms=to_world(affine(rows), "yx")
        )
        for row, column in ((0, 0), (4, 5), (0, 5), (4, 0)):
            own = [y[row] + (row - 2) / 4 * 1e-3, x[column] + (column - 2.5) / 5 * 1e-3]
            there = turn @ own + [offset, 2 * offset]
            found = placed.sel(y_world=there[0], x_world=there[1], method="nearest")
            assert int(found) == row * 6 + column

    def test_what_is_outside_stays_outside(self) -> None:
        rows = [[1.0, -1, 1e12], [1, 1, 1e12]]
        da = image(y=np.arange(5) * 1e-3, x=np.arange(6) * 1e-3)
        placed = da.omezarr.to_system("world", transforms=to_world(affine(rows), "yx"))
        with pytest.raises(OutsideError):
            placed.sel(y_world=1e12, x_world=1e12 + 1.2e-2, method="nearest")


class TestWhatNeedsPandas:
    def test_is_told_what_to_leave_out(self) -> None:
        placed = world()
        with pytest.raises(TypeError, match=r"drop_vars\(\['z_world', 'y_world'"):
            _ = placed.indexes
        assert set(placed.drop_vars(NAMES).indexes) == {"z", "y", "x"}


def test_a_tolerance_is_of_the_pixel_that_holds_the_position() -> None:
    placed = world()
    z, y, x = (float(placed[name][1, 2, 3]) for name in NAMES)
    with pytest.raises(OutsideError, match="pixel that holds"):
        placed.sel(labels((z, y + 0.1, x)), method="nearest", tolerance=1e-3)
