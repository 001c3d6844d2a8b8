"""Images that look alike are planned as each of them is alone."""

from __future__ import annotations

import dask.array
import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import OmeZarrError
from xarray_omezarr.hierarchy import ArrayNode, Given
from xarray_omezarr.options import complete
from xarray_omezarr.write import alike
from xarray_omezarr.write.alike import Alike
from xarray_omezarr.write.multiscale import plan_multiscale
from xarray_omezarr.write.tree import plan_tree

RANDOM = np.random.default_rng(0)


def line(size, scale=0.65, first=0.0):
    return first + scale * np.arange(size)


def image(dims="cyx", name=None, dtype="uint16", attrs=None, **coords):
    """An image of 70 pixels along y and x; `coords` are of its dims or scalars."""
    sizes = {"t": 3, "c": 2, "z": 4, "y": 70, "x": 70}
    shape = [sizes[dim] for dim in dims]
    pixels = RANDOM.integers(0, 99, shape).astype(dtype)
    known = {}
    for dim, values in coords.items():
        if isinstance(values, tuple):
            known[dim] = values
        elif np.ndim(values) == 0:
            known[dim] = ((), values)
        else:
            known[dim] = (dim, values, {"units": "um"} if dim in "zyx" else {})
    return xr.DataArray(pixels, known, tuple(dims), name=name, attrs=attrs or {})


def at(y, x, scale=0.65, **further):
    return image(y=line(70, scale, y), x=line(70, scale, x), **further)


def pixels(node):
    return np.asarray(node.given[(slice(None),) * len(node.shape)])


def outcome(plan, *given):
    """The plan, or what is said of the image."""
    try:
        return plan(*given)
    except OmeZarrError as error:
        return type(error), str(error)


def same(one, other):
    """Whether two plans would store the same bytes."""
    if isinstance(one, tuple):
        assert one == other
        return
    assert one.version is other.version
    assert list(one.nodes) == list(other.nodes)
    assert one.files == other.files
    for path, node in one.nodes.items():
        twin = other.nodes[path]
        if not isinstance(node, ArrayNode):
            assert node == twin
            # Which tells 0 from -0, and 1 from True.
            assert repr(node) == repr(twin)
            continue
        for part in ("dims", "shape", "dtype", "layout", "attrs"):
            assert getattr(node, part) == getattr(twin, part), part
        assert type(node.source) is type(twin.source)
        if isinstance(node.source, Given):
            np.testing.assert_array_equal(pixels(node), pixels(twin))
        else:
            assert node.source == twin.source


TIMES = np.array(["2026-05-01", "2026-05-02", "2026-05-03"], "M8[ns]")

FAMILIES = {
    "shifted": [at(0, 0), at(45.5, 0), at(0, -45.5), at(1e5, 1e-3), at(0, 0)],
    "decimals": [at(i * 332.8, j * 332.8) for i in range(6) for j in (0, 3, 7)],
    "thirds": [at(i / 3, i * 0.1) for i in range(6)],
    "scaled": [at(0, 0), at(0, 0, 0.325), at(7, 7, 0.325), at(0, 0, 1 / 3)],
    "drifted": [at(0, 0), at(0, 0, 0.6500001), at(1, 0, 0.65)],
    "named": [at(0, 0, name=n) for n in ("a", "b", None, "image", "a")],
    "named by attributes": [
        at(0, i, name=n, attrs={"long_name": long})
        for i, (n, long) in enumerate(
            [("a", "a"), ("b", "a"), (None, "a"), (None, "b"), ("b", "b")]
        )
    ],
    "other attributes": [
        at(0, i, attrs=attrs)
        for i, attrs in enumerate(
            [{}, {"by": "me"}, {"by": 1}, {"by": True}, {"by": 1.0}, {"by": [1]}]
        )
    ],
    "other units": [
        image(y=("y", line(70), {"units": u}), x=("x", line(70), {"units": u}))
        for u in ("um", "nm", "micrometer", "mm")
    ],
    "mixed units": [
        image(
            y=("y", line(70, first=i), {"units": "um"}),
            x=("x", line(70, 0.00065, i), {"units": "mm"}),
        )
        for i in range(3)
    ],
    "other types": [
        at(0, i, dtype=d) for i, d in enumerate(["u2", "u1", "f4", ">u2", "bool"])
    ],
    "other channels": [
        at(0, i, c=("c", c))
        for i, c in enumerate(
            [["DAPI", "GFP"], ["GFP", "DAPI"], ["DAPI", "GFP"], [0, 1], [1, 2]]
        )
    ],
    "objects as channels": [
        at(0, i, c=("c", np.array(c, object)))
        for i, c in enumerate([["DAPI", "GFP"], ["GFP", "DAPI"]])
    ],
    "channels with wavelengths": [
        at(0, i, wavelength=("c", w)) for i, w in enumerate([[405, 488], [405, 561]])
    ],
    "single precision": [
        image(
            y=("y", line(70, 0.65, y).astype("f4"), {"units": "um"}),
            x=("x", line(70, 0.65, x).astype("f4"), {"units": "um"}),
        )
        for y, x in [(0, 0), (332.8, 0), (0, 998.4), (0, 0)]
    ],
    "was single precision": [
        image(
            y=("y", line(70, 0.65, y).astype("f4").astype("f8"), {"units": "um"}),
            x=("x", line(70, 0.65, x), {"units": "um"}),
        )
        for y, x in [(0, 0), (332.8, 0), (0, 998.4)]
    ],
    "first pixel was single precision": [
        at(float(np.float32(y)), 0.0) for y in (0.0, 0.1, 332.8)
    ],
    "rounded": [
        image(y=np.round(line(70, 0.65, i * 332.8), 3), x=line(70)) for i in range(4)
    ],
    "linspace": [
        image(y=np.linspace(i, i + 69 * 0.65, 70), x=line(70)) for i in (0, 3.3, 100)
    ],
    "uneven": [
        image(y=np.cumsum(RANDOM.random(70)), x=line(70, first=i)) for i in range(2)
    ],
    "falling": [image(y=line(70, first=i)[::-1], x=line(70)) for i in (0, 5)],
    "whole numbers": [image(y=np.arange(i, i + 70), x=line(70)) for i in (0, 7)],
    "minus zero": [at(-0.0, 0.0), at(0.0, -0.0)],
    "far away": [at(1e12, 0.0), at(2e12, 0.0), at(0, 0)],
    "dates": [
        at(0, i, dims="tcyx", t=("t", TIMES + np.timedelta64(i, "D"))) for i in range(3)
    ],
    "lags": [
        at(0, i, dims="tcyx", t=("t", np.arange(3) * np.timedelta64(step, "ms")))
        for i, step in enumerate([100, 100, 250])
    ],
    "seconds": [
        at(0, i, dims="tcyx", t=("t", line(3, 1.5, 10 * i), {"units": "s"}))
        for i in range(3)
    ],
    "one plane": [
        at(0, i, dims="zcyx", z=("z", line(4, 2.0, i), {"units": "um"})).isel(z=[0])
        for i in range(3)
    ],
    "scalars": [at(0, i, plane=i, by="me") for i in (0, 0, 1)],
    "two dims": [
        at(0, i).assign_coords(mask=(("y", "x"), np.full((70, 70), i)))
        for i in (0, 0, 1)
    ],
    "without coordinates": [image(), image(y=line(70)), image(x=line(70)), image()],
    "orders of dims": [
        image("cyx"),
        image("yxc"),
        image("cyx").transpose("y", "c", "x"),
    ],
    "chunked": [at(0, 0), at(0, 1).chunk(y=16), at(0, 2).chunk(y=33), at(0, 3)],
    "named by dask": [
        xr.DataArray(dask.array.zeros((70, 70), chunks=c), dims=("y", "x"))
        for c in (20, 30)
    ],
}
OPTIONS = {
    "auto": {},
    "pyramid": {"scale_factors": [2, 4]},
    "corner": {
        "scale_factors": [{"y": 2, "x": 2}, {"y": 6, "x": 4}],
        "method": "nearest",
    },
    "0.4": {"version": "0.4", "scale_factors": [2], "name": "all"},
}


@pytest.mark.filterwarnings("ignore::xarray_omezarr.OmeZarrWarning")
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_each_image_is_planned_as_it_is_alone(family, options) -> None:
    full = complete(options)
    together = Alike()
    for number, da in enumerate(family):
        stem = f"A/1/{number}"
        same(
            outcome(together.plan, da, full, stem),
            outcome(plan_multiscale, da, full, stem),
        )


@pytest.mark.filterwarnings("ignore::xarray_omezarr.OmeZarrWarning")
@pytest.mark.parametrize("family", FAMILIES.values(), ids=FAMILIES.keys())
def test_so_is_the_only_variable_of_a_node(family) -> None:
    full = complete({"scale_factors": [2]})
    together = Alike()
    for number, da in enumerate(family):
        dataset = da.to_dataset(name="image").assign_attrs(from_microscope=number // 2)
        tree = xr.DataTree(dataset)
        expected = outcome(plan_tree, tree, full, None, "stem")
        same(outcome(together.plan, tree, full, "stem"), expected)


@pytest.mark.parametrize("family", ["shifted", "decimals", "named", "seconds"])
def test_only_the_first_is_planned_as_a_whole(family, monkeypatch) -> None:
    planned = []

    def counted(obj, options, **further):
        planned.append(obj)
        return plan_multiscale(obj, options, further["stem"])

    monkeypatch.setattr(alike, "plan_labelled", counted)
    together, full = Alike(), complete({"scale_factors": [2]})
    for number, da in enumerate(FAMILIES[family]):
        together.plan(da, full, f"A/1/{number}")
    assert len(planned) == 1


def test_what_is_ignored_does_not_tell_images_apart(monkeypatch) -> None:
    planned = []

    def counted(obj, options, **further):
        planned.append(obj)
        return plan_multiscale(obj, options, further["stem"])

    monkeypatch.setattr(alike, "plan_labelled", counted)
    together, full = Alike(frozenset(["acquisition"])), complete({})
    for number in range(3):
        together.plan(at(0, 0, acquisition=number), full, "stem")
    assert len(planned) == 1


def test_other_options_make_other_plans() -> None:
    together = Alike()
    for factors in (None, [2], [2, 4], None):
        full = complete({"scale_factors": factors})
        da = at(0, 0)
        same(together.plan(da, full, "a"), plan_multiscale(da, full, "a"))
