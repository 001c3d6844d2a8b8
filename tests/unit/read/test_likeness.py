"""Which fields can be one array, and what is said of those that cannot."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import OmeZarrErrorGroup, PlateError
from xarray_omezarr.grid.names import SCALE_KEY
from xarray_omezarr.read.likeness import check_alike


def image(values=(0.0, 1.0, 2.0), *, dim="x", dtype="u1", **attrs) -> xr.DataArray:
    values = np.asarray(values)
    coords = {dim: (dim, values, attrs)}
    return xr.DataArray(np.zeros(len(values), dtype), dims=dim, coords=coords)


def check(*images: xr.DataArray) -> None:
    names = (f"A/{n}/0" for n in range(1, 1 + len(images)))
    check_alike(zip(names, images, strict=True), "This plate", "open them otherwise")


@pytest.mark.parametrize("dim", ["t", "z", "y", "x"])
def test_where_fields_begin_does_not_matter(dim) -> None:
    check(image(dim=dim), image((7.5, 8.5, 9.5), dim=dim))


def test_rounding_far_from_the_origin_is_no_other_scale() -> None:
    steps = 0.1625 * np.arange(2000)
    check(image(steps), image(steps + 123456.789), image(steps - 98765.4321))


def test_dates_begin_anywhere_and_have_the_same_steps() -> None:
    days = np.datetime64("2020-01-01", "ns") + np.arange(3) * np.timedelta64(1, "D")
    check(image(days, dim="t"), image(days + np.timedelta64(900, "D"), dim="t"))
    with pytest.raises(PlateError, match="another scale along 't'"):
        check(image(days, dim="t"), image(days[0] + 2 * (days - days[0]), dim="t"))


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (image((0.0, 1.0)), r"sizes \{'x': 2\}, and not \{'x': 3\}"),
        (image(dtype="u2"), "dtype uint16, and not uint8"),
        (image((0.0, 2.0, 4.0)), "another scale along 'x'"),
        (image(units="nanometer"), r"unit \(nanometer, and not None\) along 'x'"),
        (image().drop_vars("x"), "another coordinate along 'x'"),
        (image(dim="y"), r"dims \('y',\), and not \('x',\)"),
        (image(np.array(["a", "b", "d"])), r"coordinate \(<U1, and not float64\)"),
    ],
)
def test_what_differs_is_said_with_the_field(other, what) -> None:
    with pytest.raises(PlateError, match=rf"'A/2/0' have .*{what}.*'A/1/0'"):
        check(image(), other)


def test_names_of_channels_are_compared_as_they_are() -> None:
    check(*[image(np.array(["a", "b"]), dim="c")] * 2)
    with pytest.raises(PlateError, match=r"list of channels \(\['a', 'x'\]\)"):
        check(*(image(np.array(["a", last]), dim="c") for last in "bx"))


@pytest.mark.parametrize("place", ["attrs", "encoding"])
def test_one_pixel_has_the_scale_that_is_told_of_it(place) -> None:
    def thick(step) -> xr.DataArray:
        if place == "attrs":
            return image([5.0], dim="z", spacing=step)
        one = image([5.0], dim="z")
        one.encoding[SCALE_KEY] = {"z": step}
        return one

    check(thick(2.0), thick(2.0))
    with pytest.raises(PlateError, match=r"scale \(3.0, and not 2.0\) along 'z'"):
        check(thick(2.0), thick(3.0))


def test_many_fields_that_differ_alike_are_named_in_one_problem() -> None:
    odd = image((0.0, 2.0, 4.0))
    with pytest.raises(PlateError, match="'A/9/0' and 2 more have another scale"):
        check(image(), *[odd] * 10)


def test_all_that_differs_comes_together() -> None:
    with pytest.raises(OmeZarrErrorGroup) as caught:
        check(image(), image((0.0, 2.0, 4.0)), image(dtype="u2"))
    assert [str(e).split(" have ")[0] for e in caught.value.exceptions] == [
        "Fields 'A/2/0'",
        "Fields 'A/3/0'",
    ]
