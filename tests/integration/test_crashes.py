"""Writers are killed at random moments: nothing is lost, and nobody is fooled.

The same at length, in all situations: ``python -m tests.faults --help``.
"""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults import judges, peers, readers, tables
from tests.faults.crashes import Bench, Result, crash_often
from tests.faults.forks import ROOT, Forks
from tests.faults.judges import LostError
from tests.faults.situations import SITUATIONS, Call, Situation
from tests.faults.writes import NAME

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="children are forked and waited for as on Linux"
)

# How often each is killed here.
RUNS = 4
BRIEFLY = [
    "image, new, numpy",
    "image, new, cluster",
    "replace, image, dask",
    "replace, image with labels",
    "convert, 0.4 to a new 0.5",
    "archive, replaced .ozx",
    "labels, added, dask",
    "plate, field added",
    "series, added",
    "region, two processes",
    "append, planes into half bins",
    "pyramid, made",
    "update, image and labels",
    "upgrade, image with labels",
    "resume, image, numpy",
]


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    with Forks() as made:
        yield made


@pytest.mark.parametrize("name", BRIEFLY)
def test_whoever_is_killed_loses_nothing(forks, tmp_path, name) -> None:
    result = crash_often(forks, SITUATIONS[name], tmp_path, RUNS, seed=1)
    assert result.lost == []
    assert result.runs >= RUNS
    # By the clock a few may have come too late.
    assert result.killed > 0
    assert sum(result.ends.values()) == result.killed


# -- Judges see what they are there for -------------------------------------------


@pytest.fixture
def bench(forks, tmp_path) -> Bench:
    """An image that is replaced by another, of which both are known."""
    return Bench(forks, SITUATIONS["replace, image, numpy"], tmp_path)


def test_a_judge_knows_the_old_and_the_new(bench) -> None:
    assert judges.replaced(bench.start, bench.known) == "old"
    assert judges.replaced(bench.room / "whole", bench.known) == "new"


@pytest.mark.parametrize("missing", ["0/c/0/0/0", "2/c/1/0/1", "1/zarr.json"])
def test_a_judge_misses_every_file(bench, missing) -> None:
    (bench.start / NAME / missing).unlink()
    with pytest.raises(LostError):
        judges.replaced(bench.start, bench.known)
    assert peers.left(bench.start, bench.known) == "torn"


def test_a_judge_sees_a_file_of_which_half_is_there(bench) -> None:
    file = bench.start / NAME / "0/c/0/0/0"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(LostError):
        judges.replaced(bench.start, bench.known)


def test_a_judge_sees_an_image_where_there_should_be_none_yet(bench) -> None:
    known = judges.Known(NAME, None, bench.known.new, {}, {})
    shutil.rmtree(bench.start / NAME / "2")
    with pytest.raises(LostError):
        judges.created(bench.start, known)
    (bench.start / NAME / "zarr.json").unlink()
    assert judges.created(bench.start, known) == "nothing"


def test_readers_of_others_are_asked_and_know_an_image(bench) -> None:
    names = readers.recognising(bench.start / NAME)
    here = [name for name in readers.PEERS if _is_installed(name)]
    assert set(names) == {"zarr", "xarray_omezarr", *here}
    assert readers.recognising(bench.start) == []


def _is_installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None


def test_what_is_left_over_counts_as_lost(bench) -> None:
    (bench.start / f".{NAME}.deadbeef.junk").write_bytes(b"")
    result = Result("leftover")
    bench.run(result, random.Random(0))
    assert any("Left over" in line for line in result.lost)


# -- Killers kill where they say --------------------------------------------------

WRITER = """
import os, sys
from pathlib import Path
from tests.faults.killer import Killer
os.setpgid(0, 0)
folder = Path(sys.argv[1])
Killer(folder, Path(sys.argv[2]), int(sys.argv[3])).install()
(folder / "a").mkdir()
with open(folder / "a" / "b", "wb") as stream:
    stream.write(b"0123456789")
os.rename(folder / "a" / "b", folder / "a" / "c")
os.remove(folder / "a" / "c")
(folder / "a").rmdir()
"""


@pytest.mark.parametrize(
    ("last", "left"),
    [
        (1, {}),
        (2, {"a": None}),
        (3, {"a": None, "a/b": b"01234"}),
        (4, {"a": None, "a/b": b"0123456789"}),
        (5, {"a": None, "a/c": b"0123456789"}),
        (6, {"a": None}),
        (7, {}),
    ],
)
def test_a_killer_kills_before_the_change_it_was_told(tmp_path, last, left) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    ended = subprocess.run(
        [sys.executable, "-c", WRITER, folder, tmp_path / "ledger", str(last)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert ended.returncode == (-signal.SIGKILL if last < 7 else 0)
    there = {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
    }
    assert there == left
    assert (tmp_path / "ledger").stat().st_size == min(last, 6)


def test_children_do_what_they_are_told_and_tell_their_errors(forks, tmp_path) -> None:
    bench = Bench(forks, SITUATIONS["image, new, numpy"], tmp_path)
    assert bench.whole.changes > 50
    failed = bench.call(Call("write_image", ("numpy", "x")), tmp_path / "start")
    assert not failed.killed
    assert "OptionError: mode is 'x'" in failed.error


def test_tables_tell_what_came_of_it(tmp_path) -> None:
    result = Result("an image", runs=4, killed=3)
    result.ends.update(old=2, new=1)
    result.lost.append("a pixel")
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- crashes -->\nold\n<!-- end of crashes -->\nafter\n")
    tables.put(page, "crashes", tables.crashes([result, result]))
    text = page.read_text()
    assert text.startswith("before\n<!-- crashes -->\n| situation | runs |")
    assert "| an image | 4 | 3 |  | 2 |  | 1 | 1 |" in text
    assert "| **all** | 8 | 6 |  | 4 |  | 2 | 2 |" in text
    assert text.endswith("<!-- end of crashes -->\nafter\n")


@pytest.mark.parametrize("name", peers.installed())
def test_peers_are_killed_in_the_same_way(forks, tmp_path, name) -> None:
    first = Call(name, (1,), "tests.faults.peers")
    situation = Situation(name, first, peers.left, again=False)
    result = crash_often(forks, situation, tmp_path, 3, seed=3)
    assert result.lost == []
    assert result.changes > 10
    assert sum(result.ends.values()) == result.killed


def test_what_is_tried_briefly_is_among_what_is_tried_at_length() -> None:
    assert set(BRIEFLY) <= set(SITUATIONS)


def test_the_page_tells_the_command() -> None:
    page = Path(ROOT, "docs", "guarantees.md").read_text("utf-8")
    assert "python -m tests.faults" in page
