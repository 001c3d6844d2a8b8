"""One situation again and again: written, killed, judged, and written once more."""

from __future__ import annotations

import random
import shutil
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from tests.faults import readers
from tests.faults.forks import Ended, Forks, Task
from tests.faults.judges import Known, LostError
from tests.faults.situations import SITUATIONS, Call, Situation, of_peers

# So many of the kills come by the clock, not at a change of the disk.
_BY_TIME = 0.2
# So many of the others come in the last part of the changes.
_LATE, _LAST_PART = 0.5, 0.25


@dataclass
class Result:
    """What came of a situation.

    Parameters
    ----------
    name : str
        Of the situation.
    runs, killed : int
        How often it was begun, and did not end by itself.
    ends : Counter
        What was there afterwards, where it was killed.
    lost : list of str
        What should not have happened.
    changes : int
        Of the disk, when nobody is killed.
    """

    name: str
    runs: int = 0
    killed: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    lost: list[str] = field(default_factory=list)
    changes: int = 0


class Bench:
    """Writes one situation in folders of its own.

    Parameters
    ----------
    forks : Forks
        Whose children write.
    situation : Situation
        What they write.
    room : Path
        An empty folder.
    """

    def __init__(self, forks: Forks, situation: Situation, room: Path) -> None:
        self.forks, self.situation, self.room = forks, situation, room
        self.start, place = room / "start", room / "whole"
        self.start.mkdir()
        old = None
        if situation.before is not None:
            self.succeed(situation.before, self.start)
            old = readers.seen(self.start / situation.store) if self._stands() else None
        shutil.copytree(self.start, place)
        # The first is slower: what is imported late, is imported by each child.
        self.whole = self.succeed(situation.write, place)
        self.known = Known(
            situation.store,
            old,
            readers.seen(place / situation.store),
            readers.files(self.start),
            readers.files(place),
        )

    def _stands(self) -> bool:
        return (self.start / self.situation.store).exists()

    def call(
        self, call: Call, folder: Path, *, change: int = 0, seconds: float = 0.0
    ) -> Ended:
        """Have a child do something in a folder."""
        return self.forks.run(
            Task(
                call.module,
                call.name,
                (str(folder), *call.words),
                str(folder),
                str(self.room / "ledger"),
                change,
                seconds,
            )
        )

    def succeed(self, call: Call, folder: Path) -> Ended:
        """Have a child do what must succeed."""
        ended = self.call(call, folder)
        if ended.error or ended.killed:
            raise LostError(f"{call.name}{call.words} failed:\n{ended.error}")
        return ended

    def crash(self, folder: Path, chance: random.Random) -> Ended:
        """Write, and be killed somewhere."""
        write = self.situation.write
        if chance.random() < _BY_TIME:
            seconds = chance.uniform(0.001, self.whole.seconds)
            return self.call(write, folder, seconds=seconds)
        count = self.whole.changes
        first = int(count * (1 - _LAST_PART)) if chance.random() < _LATE else 1
        return self.call(write, folder, change=chance.randint(first, count))

    def run(self, result: Result, chance: random.Random) -> None:
        """Crash once, and judge; what is wrong goes to the result."""
        with self._folder() as folder, warnings.catch_warnings():
            # Of documents of both formats, of names that are no nodes: expected here.
            warnings.simplefilter("ignore")
            try:
                for _ in range(self.situation.crashes):
                    end = self.crash_once(folder, result, chance)
                self.write_again(folder, end)
            except LostError as error:
                result.lost.append(str(error))

    def crash_once(self, folder: Path, result: Result, chance: random.Random) -> str:
        """Be killed, and give the end that is found."""
        ended = self.crash(folder, chance)
        result.runs += 1
        try:
            if ended.error:
                raise LostError(f"It failed and was not killed:\n{ended.error}")
            end = self.situation.judge(folder, self.known)
        except LostError as error:
            told = f"killed after {ended.changes} changes, {ended.seconds:.3f} s"
            raise LostError(f"{told}: {error}") from error
        if ended.killed:
            result.killed += 1
            result.ends[end] += 1
        return end

    def write_again(self, folder: Path, end: str) -> None:
        """Raise unless the same write goes ahead now, and nothing is left over."""
        situation = self.situation
        if not situation.again:
            return
        is_done = situation.once and end == "new"
        if not is_done:
            ended = self.call(situation.write, folder)
            if situation.anyway is not None and "TargetExistsError" in ended.error:
                # Complete, and not listed: only whoever says so replaces it.
                self.succeed(situation.anyway, folder)
            elif ended.error:
                raise LostError(f"It cannot be written again:\n{ended.error}")
            end = situation.judge(folder, self.known)
            if end != "new":
                raise LostError(f"Written again, it is {end}")
        self._check_files(folder, is_done=is_done)

    def _check_files(self, folder: Path, *, is_done: bool) -> None:
        """Raise if files are left over, or missing."""
        there, wanted = readers.files(folder).keys(), self.known.new_files.keys()
        left = there - wanted
        if is_done:
            left = {path for path in left if not readers.is_litter(path)}
        if self.situation.inside:
            left = {path for path in left if not readers.is_nameless(path)}
        if left:
            raise LostError(f"Left over are {sorted(left)[:5]} ({len(left)})")
        if wanted - there:
            raise LostError(f"Missing are {sorted(wanted - there)[:5]}")

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        folder = self.room / "run"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.start, folder)
        yield folder


def crash_often(
    forks: Forks, situation: Situation, room: Path, runs: int, seed: int
) -> Result:
    """Crash a situation so often.

    Parameters
    ----------
    forks : Forks
        Whose children write.
    situation : Situation
        What they write.
    room : Path
        An empty folder.
    runs : int
        How often.
    seed : int
        Of the moments.
    """
    result = Result(situation.name)
    bench = Bench(forks, situation, room)
    result.changes = bench.whole.changes
    chance = random.Random(f"{seed} {situation.name}")
    while result.runs < runs:
        bench.run(result, chance)
    return result


@cache
def _server() -> Forks:
    """The server of this process, which ends with it."""
    return Forks()


def crash_by_name(name: str, runs: int, seed: int, folder: Path | None) -> Result:
    """Crash the situation of a name, in a folder of its own."""
    known = {**SITUATIONS, **{each.name: each for each in of_peers()}}
    with tempfile.TemporaryDirectory(dir=folder) as room:
        return crash_often(_server(), known[name], Path(room), runs, seed)
