"""Processes that cost nothing: children of one that has imported everything.

Run as a script, this is the server: it takes tasks as lines of JSON and forks a child
for each. It never starts a thread, so that its children begin as a fresh interpreter
does; event loops and pools are theirs.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import time
import traceback
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
# Longer than any task takes on a machine that is busy with something else.
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Task:
    """What a child does.

    Parameters
    ----------
    module, call : str
        A function, as ``"Class.method"`` or by its name.
    words : tuple
        Its arguments.
    folder, ledger : str
        Where changes count, and the file that counts them.
    change : int
        The child and its helpers die before this change; 0: not so.
    seconds : float
        They are killed after this time; 0: they are not.
    """

    module: str
    call: str
    words: tuple[Any, ...]
    folder: str
    ledger: str
    change: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended."""

    killed: bool
    error: str
    seconds: float
    changes: int


class Forks:
    """A server in a process of its own."""

    def __init__(self) -> None:
        environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            # A pool of threads that is made when numpy is imported.
            **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1"),
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.forks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment,
        )

    def __enter__(self) -> Forks:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def run(self, task: Task) -> Ended:
        """Have a child do a task, and wait for its end."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(asdict(task)), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"The server of forks ended, with {self.process.wait()}")
        return Ended(**json.loads(answer))


def serve() -> None:
    """Fork a child for every line of the input."""
    # What children print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    preload()
    for line in sys.stdin:
        print(json.dumps(asdict(run(Task(**json.loads(line))))), file=answers)
        answers.flush()


def preload() -> None:
    """Import what children need; none of it starts a thread."""
    for name in (
        "distributed",
        "xarray_omezarr.api",
        "xarray_omezarr.store.engine",
        "xarray_omezarr.store.amend",
        "xarray_omezarr.api.writing",
        "tests.faults.cluster",
        "tests.faults.writes",
        "tests.faults.peers",
    ):
        importlib.import_module(name)
    for name in ("ome_zarr.writer", "yaozarrs", "ngff_zarr"):
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def run(task: Task) -> Ended:
    """Fork a child, wait for it, and end whatever it leaves."""
    ledger = Path(task.ledger)
    ledger.unlink(missing_ok=True)
    errors, told = os.pipe()
    started = time.monotonic()
    with warnings.catch_warnings():
        # An allocator of memory has a thread, which minds no fork.
        warnings.simplefilter("ignore")
        child = os.fork()
    if child == 0:
        os.close(errors)
        become(task, told)
    os.close(told)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)
    killed = wait(child, task.seconds)
    seconds = time.monotonic() - started
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    with os.fdopen(errors, "r") as stream:
        error = stream.read()
    changes = ledger.stat().st_size if ledger.exists() else 0
    return Ended(killed, error, seconds, changes)


def wait(child: int, seconds: float) -> bool:
    """Wait for the end of a child, or make it; whether it was killed."""
    handle = os.pidfd_open(child)
    try:
        ready, _, _ = select.select([handle], [], [], seconds or _PATIENCE)
        if not ready:
            os.killpg(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
    finally:
        os.close(handle)
    if not ready and not seconds:
        raise TimeoutError(f"A child was not done after {_PATIENCE} s")
    return os.WIFSIGNALED(status)


def become(task: Task, told: int) -> None:
    """Be the child: do the task, tell of an error, and end."""
    os.setpgid(0, 0)
    code = 0
    silent = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        # Workers tell of each other; errors go another way.
        os.dup2(silent, stream)
    try:
        from tests.faults.killer import Killer

        Killer(Path(task.folder), Path(task.ledger), task.change).install()
        place: Any = importlib.import_module(task.module)
        for name in task.call.split("."):
            place = getattr(place, name)
        place(*task.words)
    except BaseException:
        code = 1
        os.write(told, traceback.format_exc()[-4000:].encode())
    finally:
        # Threads of pools and event loops are not waited for.
        os._exit(code)


if __name__ == "__main__":
    serve()
