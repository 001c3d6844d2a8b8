"""Who claims a place: what is written into the claim, and whether that one lives."""

from __future__ import annotations

import functools
import json
import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

Verdict = Literal["alive", "dead", "unknown"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a claim says.

    Parameters
    ----------
    token : str
        Of the write; the same for all processes that take part in it.
    writer : str
        Host and process, for people.
    since : str
        When it was taken, as ISO 8601 in UTC.
    machine : str
        What tells machines (and containers, whose processes have numbers of their
        own) apart.
    process : int
        Number of the process.
    started : str
        When that process was started, as the system counts; empty if unknown.
    is_delayed : bool
        Whether somebody else decides when the write goes on, such as a scheduler.
    beat : int
        How often it was renewed.
    replaces : bool
        Whether what is there already may go; if not, what the writer has not finished
        says so itself, and what it has is whole.
    """

    token: str
    writer: str = ""
    since: str = ""
    machine: str = ""
    process: int = 0
    started: str = ""
    is_delayed: bool = False
    beat: int = 0
    replaces: bool = True

    @classmethod
    def mine(cls, token: str, is_delayed: bool, replaces: bool = True) -> Ticket:
        """The ticket of this process."""
        process = os.getpid()
        return cls(
            token,
            f"{socket.gethostname()}:{process}",
            time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            _machine(),
            process,
            _started(process) or "",
            is_delayed,
            replaces=replaces,
        )

    @classmethod
    def read(cls, content: bytes | None) -> Ticket:
        """What a claim says; without a token where that cannot be told."""
        try:
            told = json.loads(content or b"")
            known = {f.name: told[f.name] for f in fields(cls) if f.name in told}
            made = cls(**known) if isinstance(told, Mapping) else cls("")
        except (TypeError, ValueError):
            return cls("")
        return made if _is_sound(made) else cls("")

    @property
    def content(self) -> bytes:
        """What is stored."""
        return json.dumps(asdict(self)).encode()

    @property
    def is_of_this_process(self) -> bool:
        """Whether this very process took it, and none that had its number before."""
        mine = (_machine(), os.getpid(), _started(os.getpid()) or "")
        return (self.machine, self.process, self.started) == mine

    def renewed(self) -> Ticket:
        """The same, and different from before."""
        return replace(self, beat=self.beat + 1)

    def verdict(self) -> Verdict:
        """Whether the process that took it runs, as far as this one can see."""
        if not self.machine or self.machine != _machine():
            return "unknown"
        started = _started(self.process)
        if started is None:
            return "dead"
        if not started or not self.started:
            return "unknown"
        return "alive" if started == self.started else "dead"

    def __str__(self) -> str:
        return f"{self.writer or 'another process'} since {self.since or 'just now'}"


def _is_sound(ticket: Ticket) -> bool:
    kinds: dict[str, Any] = {"process": int, "is_delayed": bool, "beat": int}
    kinds["replaces"] = bool
    return all(
        isinstance(getattr(ticket, f.name), kinds.get(f.name, str))
        for f in fields(ticket)
    )


@functools.cache
def _machine() -> str:
    """What no other machine is called, nor a container with other processes."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
        parts.append(boot.strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(parts)


def _started(process: int) -> str | None:
    """When a process was started; None if there is none, empty if nobody tells."""
    try:
        told = Path(f"/proc/{process}/stat").read_text("ascii", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _answers(process)
    except OSError:
        return ""
    # The name of the program, in parentheses, may hold anything.
    state, *rest = told.rpartition(")")[2].split()
    return None if state in "ZX" else rest[18]


def _answers(process: int) -> str | None:
    """Empty if there is such a process; None if there is none."""
    if os.name == "nt":
        # Asking would end it.
        return ""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except (OSError, OverflowError):
        return ""
    return ""
