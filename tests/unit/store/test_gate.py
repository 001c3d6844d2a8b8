"""A gate: closed, nobody gets in, and all who were in are out."""

from __future__ import annotations

import pickle
import threading

import pytest

from xarray_omezarr.store.gate import Gate, GateClosedError


def test_a_closed_gate_lets_nobody_in() -> None:
    gate = Gate()
    with gate.passed():
        pass
    gate.close()
    with pytest.raises(GateClosedError), gate.passed():
        pass


def test_closing_waits_for_those_who_are_in() -> None:
    gate, entered, leave, seen = Gate(), threading.Event(), threading.Event(), []

    def write() -> None:
        with gate.passed():
            entered.set()
            leave.wait(30)
            seen.append("written")

    def close() -> None:
        gate.close()
        seen.append("closed")

    threads = [threading.Thread(target=write), threading.Thread(target=close)]
    threads[0].start()
    entered.wait(30)
    threads[1].start()
    leave.set()
    for thread in threads:
        thread.join()
    assert seen == ["written", "closed"]


def test_whoever_fails_inside_is_out() -> None:
    gate = Gate()
    with pytest.raises(OSError, match="full"), gate.passed():
        raise OSError("full")
    gate.close()


def test_a_copy_in_another_process_is_open() -> None:
    gate = Gate()
    gate.close()
    with pickle.loads(pickle.dumps(gate)).passed():
        pass
