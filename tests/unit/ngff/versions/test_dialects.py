from __future__ import annotations

import pytest

from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.ngff.versions.dialects import known, nearest


@pytest.mark.parametrize("name", registry.SUPPORTED)
def test_what_can_be_written_can_be_measured_in_the_same_place(name) -> None:
    dialect = known(name)
    assert dialect is not None
    features = registry.get(name).features
    assert dialect.name == name
    assert dialect.namespace == features.namespace
    assert (dialect.axes == "systems") == features.systems
    assert (dialect.axes == "fixed") == (features.dims is not None)


@pytest.mark.parametrize("told", [None, 0.5, "0.5.2", "0.7", "", [], {}])
def test_what_is_no_published_version_is_not_known(told) -> None:
    assert known(told) is None


@pytest.mark.parametrize("told", ["0.6.dev1", "0.6.dev4", "0.6dev2"])
def test_drafts_are_known(told) -> None:
    dialect = known(told)
    assert dialect is not None
    assert told not in dialect.told_as


@pytest.mark.parametrize(
    ("told", "namespace", "name"),
    [
        ("0.5.2", True, "0.5"),
        ("0.7", True, "0.6"),
        ("2", True, "0.6"),
        ("0.3", True, "0.5"),
        ("0.5", False, "0.4"),
        (None, True, "0.5"),
        (None, False, "0.4"),
        ("latest", False, "0.4"),
    ],
)
def test_the_nearest_is_the_last_one_that_is_not_later(told, namespace, name) -> None:
    assert nearest(told, namespace=namespace).name == name
