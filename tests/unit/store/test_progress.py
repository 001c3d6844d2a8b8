from __future__ import annotations

import gc
import pickle
import subprocess
import sys
import threading
import types

import cloudpickle
import numpy as np
import pytest

from xarray_omezarr.errors import OptionError
from xarray_omezarr.hierarchy import ArrayNode, Deferred, Downsampled, Given, Layout
from xarray_omezarr.store.progress import Progress, Report, total_bytes


@pytest.fixture
def seen():
    return []


@pytest.fixture
def tell(seen):
    return lambda done, total: seen.append((done, total))


def test_the_total_is_of_the_arrays_that_are_filled():
    given = np.zeros((8, 6), "uint16")

    def node(shape, source):
        return ArrayNode(("y", "x"), shape, given.dtype, Layout(shape), source)

    arrays = {
        "0": node((8, 6), Given(given)),
        "1": node((4, 3), Downsampled("0", (2, 2), "mean")),
        "2": node((2, 2), Deferred()),
    }
    assert total_bytes(arrays) == 2 * (48 + 12)


def test_a_function_is_told_the_start_every_block_and_the_end_once(tell, seen):
    progress = Progress(tell, 100)
    report = progress.report()
    with progress:
        report.begin()
        for key in range(4):
            report(25, key)
        report.end()
    assert seen == [(0, 100), (25, 100), (50, 100), (75, 100), (100, 100)]


def test_what_is_missing_at_the_end_is_told_as_done(tell, seen):
    progress = Progress(tell, 100)
    with progress:
        progress.begin()
        progress.add(25)
    assert seen == [(0, 100), (25, 100), (100, 100)]


def test_a_block_that_is_written_twice_counts_once(tell, seen):
    progress = Progress(tell, 100)
    progress.begin()
    for _ in range(3):
        progress.add(60, ("0", 0, 16))
    progress.add(20, ("0", 16, 16))
    assert seen == [(0, 100), (60, 100), (80, 100)]


def test_it_never_goes_beyond_the_total(tell, seen):
    progress = Progress(tell, 100)
    progress.begin()
    progress.add(70)
    progress.add(70)
    progress.add(70)
    assert seen == [(0, 100), (70, 100), (100, 100)]


def test_threads_are_told_one_after_the_other_and_upwards(seen):
    busy = threading.Lock()

    def tell(done, _total):
        assert busy.acquire(blocking=False)
        seen.append(done)
        busy.release()

    progress = Progress(tell, 8000)
    with progress:
        progress.begin()
        threads = [
            threading.Thread(
                target=lambda n=n: [progress.add(1, (n, k)) for k in range(1000)]
            )
            for n in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == list(range(8001))


def test_an_error_stops_it_where_it_is(tell, seen):
    progress = Progress(tell, 100)
    report = progress.report()
    with pytest.raises(KeyboardInterrupt), progress:
        report.begin()
        report(30, "a")
        raise KeyboardInterrupt
    report(30, "b")
    assert seen == [(0, 100), (30, 100)]


def test_what_the_function_raises_is_raised_to_the_writer():
    def tell(done, _total):
        if done:
            raise RuntimeError("stop")

    progress = Progress(tell, 100)
    report = progress.report()
    with pytest.raises(RuntimeError, match="stop"), progress:
        report.begin()
        report(30, "a")


def test_it_begins_again_when_the_write_runs_again(tell, seen):
    report = Progress(tell, 100).report()
    for _ in range(2):
        report.begin()
        report(100, "a")
        report.end()
    assert seen == [(0, 100), (100, 100)] * 2


def test_a_report_keeps_its_progress_alive_and_nothing_else_does(tell, seen):
    report = Progress(tell, 100).report()
    gc.collect()
    copy = pickle.loads(pickle.dumps(report))
    copy.begin()
    assert seen == [(0, 100)]
    data = pickle.dumps(report)
    del report, copy
    gc.collect()
    with pytest.raises(OptionError, match="other processes"):
        pickle.loads(data)(10, "a")


def test_functions_that_cannot_be_pickled_stay_at_home(seen):
    lock = threading.Lock()

    def tell(done, total):
        with lock:
            seen.append((done, total))

    progress = Progress(tell, 100)
    cloudpickle.loads(cloudpickle.dumps(progress.report())).begin()
    assert seen == [(0, 100)]


def test_without_progress_nobody_is_told():
    progress = Progress(False, 100)
    report = progress.report()
    assert report == Report() == pickle.loads(pickle.dumps(report))
    with progress:
        report.begin()
        report(100, "a")
        report.end()


@pytest.mark.parametrize("option", [None, 1, "yes", 0])
def test_other_options_are_refused(option):
    with pytest.raises(OptionError, match="progress is"):
        Progress(option, 100)


def test_a_bar_shows_bytes_and_the_end(capsys):
    progress = Progress(True, 2**21)
    with progress:
        progress.begin()
        progress.add(2**20)
    shown = capsys.readouterr().err
    assert shown.startswith("\rWriting:   0%|")
    assert "Writing: 100%|" in shown
    assert "2.00M/2.00M" in shown
    assert shown.endswith("\n")


def test_a_bar_is_closed_by_an_error(capsys):
    progress = Progress(True, 2**21)
    with pytest.raises(ValueError, match="no"), progress:
        progress.begin()
        progress.add(2**20)
        raise ValueError("no")
    shown = capsys.readouterr().err
    assert shown.endswith("\n")
    assert "100%" not in shown


def test_a_bar_leaves_no_thread_behind():
    before = set(threading.enumerate())
    with Progress(True, 100) as progress:
        progress.begin()
        progress.add(50)
    assert set(threading.enumerate()) == before


def test_tqdm_is_imported_for_a_bar_only():
    code = (
        "import sys, xarray_omezarr.store.progress as p\n"
        "with p.Progress(print, 3) as progress: progress.begin()\n"
        "assert not [name for name in sys.modules if name.startswith('tqdm')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


class Client:
    """As one of dask.distributed, as far as progress knows it."""

    status = "running"

    def __init__(self):
        self.handlers, self.heard = {}, set()

    def subscribe_topic(self, topic, handler):
        self.handlers[topic] = handler
        self.heard.add(topic)

    def unsubscribe_topic(self, topic):
        self.heard.remove(topic)

    def tell(self, *event):
        for topic in list(self.heard):
            self.handlers[topic]((0.0, event))


@pytest.fixture
def client(monkeypatch):
    client = Client()
    module = types.SimpleNamespace(default_client=lambda: client)
    monkeypatch.setitem(sys.modules, "distributed", module)
    return client


def test_what_was_put_off_is_listened_to_until_it_ends(client, tell, seen):
    report = Progress(tell, 100).report()
    # The graph goes to the cluster, and nobody keeps it here.
    pickle.dumps(report)
    del report
    gc.collect()
    client.tell("begin", 0, "None")
    client.tell("add", 60, "'a'")
    client.tell("add", 60, "'a'")
    assert len(client.heard) == 1
    client.tell("end", 0, "None")
    assert seen == [(0, 100), (60, 100), (100, 100)]
    assert client.heard == set()


def test_what_was_put_off_and_is_never_run_is_not_listened_to(client, tell):
    report = Progress(tell, 100).report()
    assert len(client.heard) == 1
    del report
    gc.collect()
    assert client.heard == set()


def test_a_client_that_is_closed_is_left_alone(client, tell, seen):
    progress = Progress(tell, 100)
    with progress:
        progress.report().begin()
        client.status = "closed"
    assert seen == [(0, 100), (100, 100)]


def test_keys_are_kept_of_tasks_that_may_run_twice_only(client, tell, seen):
    progress = Progress(tell, 100)
    report = progress.report()
    report.begin()
    for key in range(10):
        report(2, key)
    assert not progress._seen
    elsewhere = pickle.loads(pickle.dumps(report))
    for _ in range(2):
        elsewhere(10, "a")
    assert seen[-1] == (30, 100)
