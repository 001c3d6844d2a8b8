"""Collections: their root, and the order of their images."""

from __future__ import annotations

import pytest

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff import Bioformats2Raw, Series
from xarray_omezarr.ngff.bioformats2raw import check_layout, check_series


def test_the_layout_is_3_unless_told_otherwise() -> None:
    assert Bioformats2Raw() == Bioformats2Raw(layout=3)
    assert Bioformats2Raw.model_validate({"bioformats2raw.layout": 3.0}).layout == 3


def test_only_layout_3_may_be_written() -> None:
    assert check_layout(Bioformats2Raw()) == []
    assert check_layout(Bioformats2Raw(layout=2)) == [
        "bioformats2raw.layout is 2: give 3"
    ]


@pytest.mark.parametrize("layout", ["3", 3.5, True])
def test_a_layout_is_a_number(layout: object) -> None:
    with pytest.raises(MetadataError, match=r"/bioformats2raw.layout is"):
        Bioformats2Raw.model_validate({"bioformats2raw.layout": layout})


def test_series_are_neither_empty_nor_repetitive() -> None:
    assert check_series(Series(series=("0", "embryo/1"))) == []
    assert check_series(Series(series=())) == [
        "series is empty: give the path of one image at least"
    ]
    assert check_series(Series(series=("0", "1", "0"))) == [
        "series lists ['0'] several times: list each image once"
    ]


def test_series_lie_below_the_root() -> None:
    with pytest.raises(MetadataError, match=r"/series/0 is '\.\./0'"):
        Series(series=("../0",))


def test_many_series_are_told_in_one_line() -> None:
    text = Series(series=tuple(map(str, range(1000)))).summary()
    assert text == "1000 series: 0, 1, 2, 3, 4, 5, 6, 7, ..."
