"""A gate that writers pass: closed, nobody gets in, and all who were in are out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from threading import Condition


class GateClosedError(Exception):
    """The write has been given up; seen by tasks that run on, and by nobody else."""


class Gate:
    """Keeps writers from what is being removed.

    When one task fails, dask raises at once, while tasks in its other threads run on:
    what they stored after the clean-up would be left for good. A copy that has
    travelled to another process is a gate of its own, which nobody closes.
    """

    def __init__(self) -> None:
        self._changed = Condition()
        self._inside = 0
        self._is_closed = False

    def __reduce__(self) -> tuple[Callable[[], Gate], tuple[()]]:
        return Gate, ()

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        """A context in which the gate cannot be closed.

        Raises
        ------
        GateClosedError
            If it is.
        """
        with self._changed:
            if self._is_closed:
                raise GateClosedError
            self._inside += 1
        try:
            yield
        finally:
            with self._changed:
                self._inside -= 1
                self._changed.notify_all()

    def close(self) -> None:
        """Let nobody in any more, and wait for those who are in."""
        with self._changed:
            self._is_closed = True
            self._changed.wait_for(lambda: not self._inside)
