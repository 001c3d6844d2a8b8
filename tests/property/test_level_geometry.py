"""Pixels that hold their own position tell whether levels declare the right one.

An image is a ramp: the value of each pixel is its coordinate along one axis. Its
coarser levels are then read without any of our code, and their values are compared
with the positions that the metadata declare for them.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import numpy as np
import tensorstore
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import xarray_omezarr as xo

# Of the pixel size and of the position: what doubles can tell, with some room.
EXACT = 1e-9

# Methods that give the middle of a whole block of a ramp.
CENTRED = ("mean", "local_mean", "median", "callable")
METHODS = (*CENTRED, "nearest", "mode", "max", "min")

many = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)


def block_means(block, factors):
    """A method of a user: means of blocks, which arrive whole."""
    split = [k for n, f in zip(block.shape, factors, strict=True) for k in (n // f, f)]
    return block.reshape(split).mean(axis=tuple(range(1, 2 * block.ndim, 2)))


@dataclass(frozen=True)
class Case:
    """An image to be written: its geometry by dim, and factors by level and dim."""

    sizes: dict[str, int]
    scale: dict[str, float]
    first: dict[str, float]
    factors: list[dict[str, int]]
    along: str

    @property
    def dims(self):
        return tuple(self.sizes)

    def image(self):
        """The image whose pixels hold their position along `along`."""
        coords = {
            dim: (
                dim,
                self.first[dim] + self.scale[dim] * np.arange(size),
                {"spacing": self.scale[dim]} if size == 1 else {},
            )
            for dim, size in self.sizes.items()
            if dim != "c"
        }
        ramp = xr.DataArray(coords[self.along][1], dims=self.along)
        empty = xr.DataArray(np.zeros((*self.sizes.values(),)), coords, self.dims)
        return empty + ramp.drop_vars(self.along, errors="ignore")


@st.composite
def decimals(draw, digits=6):
    """A number of few decimal digits, as people write scales and positions."""
    mantissa = draw(st.integers(1, 10**digits - 1))
    return float(f"{mantissa}e{draw(st.integers(-digits - 2, 2 - digits))}")


@st.composite
def cases(draw):
    dims = draw(st.sampled_from(["yx", "zx", "zyx", "tyx", "cyx", "tczyx"]))
    largest = 40 if len(dims) == 2 else 14
    sizes = {dim: draw(st.integers(1, largest)) for dim in dims}
    scale = {dim: draw(decimals()) for dim in dims}
    # Far offsets leave too few digits to tell a scale by.
    first = {dim: draw(st.integers(-9999, 9999)) * scale[dim] / 4 for dim in dims}
    if "c" in dims:
        scale["c"], first["c"] = 1.0, 0.0
    moved = [dim for dim in dims if dim != "c"]
    wanted = []
    for _ in range(draw(st.integers(1, 3))):
        before = wanted[-1] if wanted else dict.fromkeys(moved, 1)
        wanted.append(draw(coarser(before)))
    return Case(sizes, scale, first, wanted, draw(st.sampled_from(moved)))


@st.composite
def coarser(draw, before):
    """Factors relative to level 0, none smaller and one larger than `before`.

    They may be multiples of those before, so that levels are made from each other,
    or not: 2, 3, 6 are made from level 0, level 0 and level 2.
    """
    grown = {
        dim: draw(st.sampled_from([f, f + 1, 2 * f, 3 * f]))
        for dim, f in before.items()
    }
    if grown == before:
        dim = draw(st.sampled_from(sorted(before)))
        grown[dim] *= draw(st.sampled_from([2, 3]))
    return grown


def read_levels(path):
    """``(scale, translation, pixels)`` by level; numbers by dim."""
    document = json.loads((path / "zarr.json").read_text("utf-8"))
    (multiscale,) = document["attributes"]["ome"]["multiscales"]
    names = [axis["name"] for axis in multiscale["axes"]]
    levels = []
    for dataset in multiscale["datasets"]:
        numbers = {
            entry["type"]: dict(zip(names, entry[entry["type"]], strict=True))
            for entry in dataset["coordinateTransformations"]
        }
        spec = {
            "driver": "zarr3",
            "kvstore": {"driver": "file", "path": str(path / dataset["path"])},
        }
        pixels = tensorstore.open(spec, read=True, open=True).result()
        assert list(pixels.domain.labels) == names
        levels.append(
            (
                numbers["scale"],
                numbers.get("translation", dict.fromkeys(names, 0.0)),
                pixels.read().result(),
            )
        )
    return levels


def write_and_read(case, method):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ramp.ome.zarr"
        xo.write_image(
            case.image(),
            path,
            scale_factors=case.factors,
            method=block_means if method == "callable" else method,
            compression="none",
        )
        return read_levels(path)


def along(case, pixels):
    """Values along the ramp, which are the same everywhere across it.

    But for the last bit: the mean of three equal doubles may differ from them by it.
    """
    axis = case.dims.index(case.along)
    lines = np.moveaxis(pixels, axis, -1).reshape(-1, pixels.shape[axis])
    np.testing.assert_allclose(
        lines, np.broadcast_to(lines[0], lines.shape), rtol=1e-14
    )
    return lines[0]


def positions(scale, translation, count):
    return translation + scale * np.arange(count)


def whole_blocks(case, factors):
    """How many blocks along the ramp have all their pixels."""
    return case.sizes[case.along] // factors[case.along]


def assert_close(values, expected, scale):
    error = np.abs(values - expected)
    assert (error <= EXACT * (scale + np.abs(expected))).all()


@many
@given(case=cases(), method=st.sampled_from(CENTRED))
def test_means_stand_where_the_level_declares_them(case, method):
    _, *levels = write_and_read(case, method)
    for factors, (scale, translation, pixels) in zip(case.factors, levels, strict=True):
        values = along(case, pixels)
        step = scale[case.along]
        declared = positions(step, translation[case.along], values.size)
        whole = whole_blocks(case, factors)
        assert_close(values[:whole], declared[:whole], step)
        # A partial block has pixels on its near side only.
        assert (values[whole:] <= declared[whole:] + EXACT * step).all()
        assert (values[whole:] > declared[whole:] - step / 2).all()


@many
@given(case=cases())
def test_sampled_pixels_stand_where_the_level_declares_them(case):
    (_, _, finest), *levels = write_and_read(case, "nearest")
    for factors, (scale, translation, pixels) in zip(case.factors, levels, strict=True):
        values = along(case, pixels)
        step = scale[case.along]
        # With partial blocks too: a sampled pixel stands where it stood.
        assert_close(
            values, positions(step, translation[case.along], values.size), step
        )
        sampled = tuple(slice(None, None, factors.get(dim, 1)) for dim in case.dims)
        np.testing.assert_array_equal(pixels, finest[sampled])


@many
@given(case=cases(), method=st.sampled_from(["mode", "max", "min"]))
def test_ranks_come_from_the_block_around_their_position(case, method):
    (fine, _, _), *levels = write_and_read(case, method)
    for factors, (scale, translation, pixels) in zip(case.factors, levels, strict=True):
        values = along(case, pixels)
        whole = whole_blocks(case, factors)
        declared = positions(scale[case.along], translation[case.along], values.size)
        reach = (factors[case.along] - 1) / 2 * fine[case.along]
        shift = {"max": reach, "min": -reach}.get(method)
        if shift is not None:
            expected = declared[:whole] + shift
            assert_close(values[:whole], expected, scale[case.along])
        off = np.abs(values - declared)
        assert (off <= reach + EXACT * (scale[case.along] + np.abs(declared))).all()


@many
@given(case=cases(), method=st.sampled_from(METHODS))
def test_levels_declare_the_mean_of_the_positions_in_a_block(case, method):
    (fine, first, _), *levels = write_and_read(case, method)
    for factors, (scale, translation, pixels) in zip(case.factors, levels, strict=True):
        for dim, size, count in zip(
            case.dims, case.sizes.values(), pixels.shape, strict=True
        ):
            factor = factors.get(dim, 1)
            assert count == -(-size // factor)
            if method == "nearest":
                expected = Decimal(0)
            else:
                # The mean of the positions 0, 1, ... factor - 1.
                expected = Decimal(sum(range(factor))) / factor
            step = Decimal(repr(fine[dim]))
            # To the last bit, and whether or not the last block is a partial one.
            assert scale[dim] == float(step * factor)
            origin = Decimal(repr(first[dim]))
            assert translation[dim] == float(origin + step * expected)


@many
@given(case=cases(), method=st.sampled_from(METHODS))
def test_level_0_declares_the_coordinates_and_scales_never_shrink(case, method):
    levels = write_and_read(case, method)
    scale, translation, pixels = levels[0]
    values = along(case, pixels)
    declared = positions(scale[case.along], translation[case.along], values.size)
    assert_close(values, declared, scale[case.along])
    assert scale == case.scale
    for (fine, _, more), (coarse, _, fewer) in pairwise(levels):
        assert all(fine[dim] <= coarse[dim] for dim in case.dims)
        assert any(fine[dim] < coarse[dim] for dim in case.dims)
        assert all(a >= b for a, b in zip(more.shape, fewer.shape, strict=True))
