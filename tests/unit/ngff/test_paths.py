"""Paths and names that metadata list."""

from __future__ import annotations

import pytest

from xarray_omezarr.ngff.paths import below, repeated


@pytest.mark.parametrize("path", ["0", "A/1", "a b", "orig/0", "ä", "10:30"])
def test_a_path_below_the_group_is_taken_as_it_is(path: str) -> None:
    assert below(path) == path


@pytest.mark.parametrize(
    "path",
    ["", "/", "/0", "0/", "a//b", ".", "..", "../0", "a/../b", "a\\b", "C:", "s3://x"],
)
def test_a_path_that_may_lead_elsewhere_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="give the path of a group below this one"):
        below(path)


def test_what_is_repeated_is_told_once() -> None:
    assert repeated(["b", "a", "b", "b", "c", "a"]) == ["b", "a"]


@pytest.mark.parametrize("path", ["zarr.json", "a/zarr.json", "a/.zattrs/b", ".zgroup"])
def test_no_group_has_the_name_of_a_document(path: str) -> None:
    with pytest.raises(ValueError, match="is a document of Zarr; give another name"):
        below(path)
