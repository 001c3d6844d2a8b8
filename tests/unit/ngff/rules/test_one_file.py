"""Archives that hold a hierarchy: what RFC-9 wants of them."""

from __future__ import annotations

import json

import pytest

from xarray_omezarr.ngff.rules.one_file import Archive, Entry, check_archive, told

NAMES = ("zarr.json", "b/zarr.json", "a/zarr.json", "a/0/zarr.json", "a/0/c/0")
DIRECTORY = {"centralDirectory": {"jsonFirst": True}}
COMMENT = json.dumps({"ome": {"version": "0.5", "zipFile": DIRECTORY}}).encode()


def archive(names=NAMES, comment=COMMENT, offsets=None, packed=(), **members):
    offsets = range(len(names)) if offsets is None else offsets
    entries = [
        Entry(name, offset, name in packed)
        for name, offset in zip(names, offsets, strict=True)
    ]
    return Archive(
        tuple(entries), comment, **{"is_zip64": True, "is_named": True, **members}
    )


def one(given):
    (found,) = check_archive(given)
    return found.severity, found.message


def test_an_archive_as_the_text_has_it_has_no_findings() -> None:
    assert [*check_archive(archive())] == []


@pytest.mark.parametrize(
    ("changed", "severity", "words"),
    [
        ({"names": NAMES[1:]}, "error", "no zarr.json at the root"),
        ({"names": (*NAMES, "a/old.ozx")}, "error", "archives in the archive"),
        ({"names": (*NAMES, "more.ZIP")}, "error", "archives in the archive"),
        ({"packed": NAMES[4:]}, "warning", "1 entries are compressed"),
        ({"is_zip64": False}, "warning", "not of the form ZIP64"),
        ({"comment": b""}, "warning", "no comment"),
        ({"comment": b"\xff made by hand"}, "warning", "tells no ome.version"),
        ({"comment": b'{"ome": {"version": 5}}'}, "warning", "tells no ome.version"),
        ({"names": (*NAMES, NAMES[4])}, "warning", "a name that another one has"),
        ({"offsets": (5, 1, 2, 3, 4)}, "warning", "not first in the archive"),
    ],
)
def test_one_fault_is_one_finding(changed, severity, words) -> None:
    found, message = one(archive(**changed))
    assert found == severity
    assert words in message


ORDERS = {
    "a chunk before a document": (*NAMES[:3], NAMES[4], NAMES[3]),
    "a document before the root": (NAMES[1], NAMES[0], *NAMES[2:]),
    "depth first": ("zarr.json", "a/zarr.json", "a/0/zarr.json", "b/zarr.json"),
}


@pytest.mark.parametrize("case", ORDERS)
def test_another_order_is_advice_unless_the_comment_promises_it(case) -> None:
    silent = b'{"ome": {"version": "0.5"}}'
    assert one(archive(ORDERS[case], silent))[0] == "warning"
    severity, message = one(archive(ORDERS[case]))
    assert severity == "error"
    assert "jsonFirst" in message


def test_archives_of_other_names_promise_nothing() -> None:
    given = archive(("a/c", "b"), b"", packed=("b",), is_zip64=False, is_named=False)
    assert [*check_archive(given)] == []


@pytest.mark.parametrize(
    "comment", [b"[]", b"{}", b'{"ome": 3}', b"\xff", b"[" * 100_000, b"NaN"]
)
def test_comments_may_be_anything(comment) -> None:
    assert told(comment) == {}
