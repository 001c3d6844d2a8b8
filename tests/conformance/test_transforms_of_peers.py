"""What others make of the transformations that are written: as the page tells it."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version

import pytest

from tests.conformance import peer_transforms as peers
from tests.conformance.cases import SPEC
from tests.conformance.totals import PAGE, block

pytestmark = [
    pytest.mark.skipif(
        sys.version_info < (3, 12), reason="the newest of the neighbours need 3.12"
    ),
    pytest.mark.skipif(not SPEC.is_dir(), reason="the schemas are not at hand"),
]


def shown() -> list[list[str]]:
    """The table of the page, row by row."""
    lines = block("peers", PAGE.read_text("utf-8")).splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def installed() -> list[str]:
    """The neighbours as the head of the table names them."""
    try:
        return [f"{name} {version(name)}" for name in peers.PACKAGES]
    except PackageNotFoundError as missing:
        pytest.skip(f"{missing} is not installed")


@pytest.mark.parametrize("kind", [*peers.TYPES, *peers.SCENE])
def test_what_is_written_is_valid_and_neighbours_that_compute_agree(kind) -> None:
    installed()
    ours, schema, *theirs = peers.answers(kind)
    assert (ours, schema) == ("valid", "valid")
    assert not [answer for answer in theirs if "other" in answer or " as " in answer]


def test_the_page_says_what_they_answer_now() -> None:
    head, _, *rows = shown()
    if head[-2:] != installed():
        pytest.skip(f"the page is about {head[-2:]}, and here are {installed()}")
    assert [row[0] for row in rows] == [*peers.TYPES, *peers.SCENE]
    assert [row[1:] for row in rows] == [peers.answers(row[0]) for row in rows]
