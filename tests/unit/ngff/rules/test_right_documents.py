from __future__ import annotations

import pytest

from tests.unit.ngff.rules.documents import IMAGE_05, IMAGE_06, RIGHT, with_change
from xarray_omezarr.ngff.rules.check import check_attributes


@pytest.mark.parametrize("name", RIGHT)
@pytest.mark.parametrize("level", ["schema", "strict", "standard"])
def test_a_document_that_is_right_has_no_findings_at_any_level(name, level) -> None:
    document, kind = RIGHT[name]
    checked = check_attributes(document, level)
    assert checked.findings == ()
    assert checked.kind == kind
    assert checked.version == (name[-3:] if kind != "labels" else checked.version)


@pytest.mark.parametrize("told", ["0.6", "0.6rc0"])
def test_both_published_spellings_of_a_version_are_right(told) -> None:
    checked = check_attributes(with_change(IMAGE_06, "/ome/version", told))
    assert checked.findings == ()
    assert checked.version == "0.6"


def test_keys_of_others_are_nobodys_fault() -> None:
    document = with_change(IMAGE_05, "/ome/multiscales/0/axes/0/orientation", {"a": 1})
    document = with_change(document, "/tables", [1, None, {"b": "c"}])
    assert check_attributes({**document, "_creator": {}}).findings == ()
