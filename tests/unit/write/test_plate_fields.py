"""Fields of a plate are alike: one depth for all, and problems of all together."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import OmeZarrError, OmeZarrWarning
from xarray_omezarr.options import complete
from xarray_omezarr.write.plate_fields import check_alike, plan_fields


def field(size=32, dtype="u1", dims="yx", channels=2):
    sizes = {"y": size, "x": size, "c": channels}
    return xr.DataArray(np.zeros([sizes[d] for d in dims], dtype), dims=tuple(dims))


def pyramid(*sizes):
    coords = {
        n: {d: (d, (f - 1) / 2 + f * np.arange(size)) for d in "yx"}
        for n, size in enumerate(sizes)
        for f in [sizes[0] // size]
    }
    return xr.DataTree.from_dict(
        {
            f"/{n}": xr.Dataset({"image": field(size).assign_coords(coords[n])})
            for n, size in enumerate(sizes)
        }
    )


def sizes(fields, **options):
    """Pixels along y of every level, by path."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Fields are not like", OmeZarrWarning)
        planned = plan_fields(fields, complete({"chunks": 16, **options}))
    assert [*planned] == [*fields]
    return {
        path: [
            image.array(level.path).shape[-2]
            for level in image.image().multiscale.levels
        ]
        for path, image in planned.items()
    }


def problems(fields, **options):
    with pytest.raises(OmeZarrError) as caught:
        sizes(fields, **options)
    return [str(p) for p in getattr(caught.value, "exceptions", [caught.value])]


# Depth.
def test_all_have_as_many_levels_as_the_largest_needs() -> None:
    fields = {"A/1/0": field(20), "A/1/1": field(64), "A/2/0": field(32)}
    assert sizes(fields) == {
        # 64 pixels are one chunk of 16 after two halvings.
        "A/1/0": [20, 10, 5],
        "A/1/1": [64, 32, 16],
        "A/2/0": [32, 16, 8],
    }


def test_a_pyramid_that_exists_says_how_deep_the_others_are() -> None:
    fields = {"A/1/0": field(64), "A/1/1": pyramid(32, 8)}
    assert sizes(fields) == {"A/1/0": [64, 16], "A/1/1": [32, 8]}
    # In whatever order they come.
    turned = dict(reversed(fields.items()))
    assert sizes(turned) == {"A/1/1": [32, 8], "A/1/0": [64, 16]}


def test_factors_that_are_given_hold_for_all() -> None:
    fields = {"A/1/0": field(20), "A/1/1": field(64)}
    assert sizes(fields, scale_factors=[2]) == {"A/1/0": [20, 10], "A/1/1": [64, 32]}
    assert sizes(fields, scale_factors=None) == {"A/1/0": [20], "A/1/1": [64]}


def test_pyramids_of_different_depths_are_refused_with_some_of_each() -> None:
    fields = {f"A/{n}/0": pyramid(32, 16) for n in range(1, 6)}
    (said,) = problems({**fields, "B/1/0": pyramid(32, 16, 8)})
    assert "2 (A/1/0, A/2/0, A/3/0 and 2 more); 3 (B/1/0)" in said


# Likeness.
@pytest.mark.parametrize(
    ("other", "said"),
    [
        (field(dtype="u2"), r"types of pixels: uint8 \(A/1/0\); uint16 \(A/2/0\)"),
        (field(dims="cyx"), r"axes: yx \(A/1/0\); cyx \(A/2/0\)"),
    ],
)
def test_what_viewers_do_not_expect_is_told(other, said) -> None:
    with pytest.warns(OmeZarrWarning) as heard:
        sizes({"A/1/0": field(), "A/2/0": other})
    told = " ".join(str(entry.message) for entry in heard)
    assert said.replace("\\", "") in told


def test_numbers_of_channels_that_differ_are_told() -> None:
    fields = {"A/1/0": field(dims="cyx"), "A/2/0": field(dims="cyx", channels=3)}
    with pytest.warns(OmeZarrWarning, match=r"channels: 2 \(A/1/0\); 3 \(A/2/0\)"):
        sizes(fields)


def test_images_that_are_alike_give_no_word() -> None:
    options = complete({"scale_factors": None})
    check_alike(plan_fields({"A/1/0": field(), "A/2/0": field()}, options))


# Problems.
def test_a_problem_of_many_fields_is_told_once_with_some_of_them() -> None:
    fields = {f"A/{n}/0": field(dtype="U3") for n in range(1, 8)}
    (said,) = problems({**fields, "B/1/0": field()})
    assert said.startswith("'A/1/0', 'A/2/0', 'A/3/0' and 4 more: ")


def test_problems_of_different_fields_come_together() -> None:
    wrong = field().assign_coords(x=("x", np.nan * np.arange(32)))
    said = problems({"A/1/0": field(dtype="U3"), "A/2/0": wrong, "A/3/0": field()})
    assert len(said) == 2
    assert {text[:8] for text in said} == {"'A/1/0':", "'A/2/0':"}


def measured(unit="um", step=0.5, channels=("a", "b"), size=32):
    return (
        field(size, dims="cyx")
        .assign_coords(c=list(channels))
        .omezarr.assign_grid(
            scale={"y": step, "x": step}, units=dict.fromkeys("yx", unit)
        )
    )


@pytest.mark.parametrize(
    ("other", "said"),
    [
        (measured(size=30), r"\(sizes \{'c': 2, 'y': 30.*and not \{'c': 2, 'y': 32"),
        (measured(channels="ad"), r"\(channels \['a', 'd'\], and not \['a', 'b'\]\)"),
        (measured("nm"), r"\(units \{'y': 'nanometer'.*and not \{'y': 'micrometer'"),
        (measured(step=0.6), r"\(scale \{'y': 0.6.*and not \{'y': 0.5"),
    ],
)
def test_what_no_stack_holds_is_told_once_with_some_of_the_fields(other, said) -> None:
    fields = {"A/1/0": measured()} | {f"A/{n}/0": other for n in range(2, 8)}
    with pytest.warns(OmeZarrWarning, match=said) as caught:
        plan_fields(fields, complete({"scale_factors": None}))
    assert len(caught) == 1
    assert "not like A/1/0: A/2/0, A/3/0, A/4/0 and 3 more" in str(caught[0].message)


def test_scales_that_differ_in_their_last_digits_are_alike() -> None:
    # Warnings are errors here.
    plan_fields(
        {"A/1/0": measured(), "A/2/0": measured(step=0.5 * (1 + 1e-12))}, complete({})
    )
