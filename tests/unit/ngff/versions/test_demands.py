"""What versions demand of what is stored: as the text of each has it."""

from __future__ import annotations

import pytest

from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.ngff.versions.demands import demands, same
from xarray_omezarr.ngff.versions.dialects import known

FIXED = ("t", "c", "z", "y", "x")


@pytest.mark.parametrize("name", registry.SUPPORTED)
def test_what_a_version_is_is_said_once(name) -> None:
    found, features, dialect = demands(name), registry.get(name).features, known(name)
    assert found is not None and dialect is not None
    assert found.version == dialect.name
    assert found.zarr_format == features.zarr_format
    assert found.dims == features.dims
    assert found.systems == features.systems == (dialect.axes == "systems")
    assert (found.dims is not None) == (dialect.axes == "fixed")
    assert (found.zarr_format == 3) == features.namespace == dialect.namespace
    if found.zarr_format == 2:
        assert found.separator == features.separator


@pytest.mark.parametrize(
    ("name", "zarr_format", "separator", "dims", "systems"),
    [
        ("0.1", 2, ".", FIXED, False),
        ("0.2", 2, "/", FIXED, False),
        ("0.3", 2, "/", None, False),
        ("0.4", 2, "/", None, False),
        ("0.5", 3, None, None, False),
        ("0.6", 3, None, None, True),
    ],
)
def test_versions_differ_as_the_text_says(
    name, zarr_format, separator, dims, systems
) -> None:
    found = demands(name)
    assert found is not None
    told = (found.zarr_format, found.separator, found.dims, found.systems)
    assert told == (zarr_format, separator, dims, systems)


def test_versions_with_a_namespace_demand_more_of_what_is_stored() -> None:
    newer, newest = demands("0.5"), demands("0.6")
    assert newer is not None and newest is not None
    assert (newer.dimension_names, newest.dimension_names) == ("error", "warning")
    assert (newer.dtype, newest.dtype) == ("warning", "error")
    for found in (newer, newest):
        assert (found.one_version, found.metadata_between) == ("error", "error")
    older = demands("0.4")
    assert older is not None
    assert (older.dimension_names, older.metadata_between) == (None, None)


def test_drafts_and_corrections_are_those_of_their_version() -> None:
    assert demands("0.5.2") == demands("0.5")
    assert demands("0.6.dev4") == demands("0.6rc0") == demands("0.6")
    assert demands("0.7") is demands(None) is None
    assert same("0.6rc0", "0.6") and not same("0.5", "0.6")
