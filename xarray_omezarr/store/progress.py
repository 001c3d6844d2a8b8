"""How far a write is: a bar, or a function of the user, wherever blocks are written."""

from __future__ import annotations

import sys
import threading
import uuid
import weakref
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from xarray_omezarr.errors import OptionError, warn
from xarray_omezarr.hierarchy import Deferred

if TYPE_CHECKING:
    from types import TracebackType

    from xarray_omezarr.hierarchy import ArrayNode

Show: TypeAlias = Callable[[int, int], object]

# Reports that have travelled within this process find their way back by name.
_RUNNING: weakref.WeakValueDictionary[str, Progress] = weakref.WeakValueDictionary()


def total_bytes(arrays: Mapping[str, ArrayNode]) -> int:
    """Uncompressed bytes of all arrays that are filled."""
    return sum(
        node.nbytes for node in arrays.values() if not isinstance(node.source, Deferred)
    )


class Progress:
    """Bytes done of one write, told to a bar or a function.

    It lives in the process of the user. Tasks hold a `Report` of it, which finds it
    from other threads directly and from the workers of a cluster by its events.

    Parameters
    ----------
    option : bool or callable
        The option `progress`: True for a bar, False for nothing, or a function
        ``(done, total)``.
    total : int
        Uncompressed bytes to write.

    Raises
    ------
    OptionError
        For any other option.

    Examples
    --------
    >>> seen = []
    >>> progress = Progress(lambda done, total: seen.append((done, total)), 100)
    >>> report = progress.report()
    >>> with progress:
    ...     report.begin()
    ...     report(60, "a")
    ...     report(30, "b")
    >>> seen
    [(0, 100), (60, 100), (90, 100), (100, 100)]
    """

    def __init__(self, option: object, total: int) -> None:
        if not (option is True or option is False or callable(option)):
            raise OptionError(
                f"progress is {option!r}; give True, False or a function (done, total)"
            )
        self._option, self._total = option, total
        self._name = f"xarray-omezarr-{uuid.uuid4().hex}"
        # A function of the user may look at the progress again.
        self._lock = threading.RLock()
        self._seen: set[Hashable] = set()
        self._done = 0
        self._show: Show | None = None
        self._close: Callable[[], object] = _nothing
        self._listener: _Listener | None = None

    def report(self) -> Report:
        """What tasks call. Listens to the cluster whose Client is active now."""
        if self._option is False:
            return Report()
        _RUNNING[self._name] = self
        if self._listener is None:
            self._listener = _listen(self._name, self)
        return Report(self._name, self._listener is not None, self)

    def begin(self) -> None:
        """Start at 0, also once more."""
        with self._lock:
            self._close()
            self._seen.clear()
            self._done = 0
            if callable(self._option):
                self._show, self._close = self._option, _nothing
            elif self._option:
                self._show, self._close = _bar(self._total)
            self._tell(0)

    def add(self, nbytes: int, key: Hashable = None) -> None:
        """Count `nbytes` more.

        Parameters
        ----------
        nbytes : int
            Uncompressed bytes that were written.
        key : hashable, optional
            Which they are: what was counted under the same key is not counted again,
            for tasks of a cluster may run twice.
        """
        with self._lock:
            if self._show is None or (key is not None and key in self._seen):
                return
            if key is not None:
                self._seen.add(key)
            done = min(self._done + nbytes, self._total)
            if done > self._done:
                self._done = done
                self._tell(done)

    def end(self) -> None:
        """The write has ended well: everything is done."""
        with self._lock:
            self.add(self._total)
            self._seen.clear()
            self.close()
        self._stop_listening()

    def travels(self) -> None:
        """A report goes elsewhere: live on for what is told from there."""
        if self._listener is not None:
            self._listener.hold(self)

    def close(self) -> None:
        """Stop showing, wherever it stands."""
        with self._lock:
            self._show = None
            close, self._close = self._close, _nothing
            close()

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self.end()
        finally:
            self.close()
            self._stop_listening()

    def _stop_listening(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            listener.stop()

    def _tell(self, done: int) -> None:
        if self._show is not None:
            self._show(done, self._total)


@dataclass(frozen=True, slots=True)
class Report:
    """Tells a `Progress` what was written, from wherever it was written.

    Without a name it tells nobody. Of what it holds, only the name and whether
    somebody listens travel to other processes: functions of the user stay at home.
    """

    name: str = ""
    is_heard: bool = False
    progress: Progress | None = field(default=None, repr=False, compare=False)
    has_travelled: bool = field(default=False, repr=False, compare=False)

    def __reduce__(self) -> tuple[Callable[..., Report], tuple[str, bool]]:
        if self.progress is not None:
            self.progress.travels()
        return _arrived, (self.name, self.is_heard)

    def check(self) -> None:
        """Raise an OptionError if nobody would hear what is told from here."""
        if self.name and self.progress is None:
            _worker_of(self)

    def begin(self) -> None:
        """The arrays are there, pixels follow."""
        self._tell("begin", 0, None)

    def __call__(self, nbytes: int, key: Hashable) -> None:
        """The block `key`, `nbytes` with all levels made from it, is written.

        Parameters
        ----------
        nbytes : int
            Uncompressed bytes.
        key : hashable
            The same whenever the block is written; of numbers and texts, or tuples
            of them.
        """
        self._tell("add", nbytes, key)

    def end(self) -> None:
        """Everything is written."""
        self._tell("end", 0, None)

    def _tell(self, what: str, nbytes: int, key: Hashable) -> None:
        if self.progress is not None:
            # Only tasks of a cluster run twice; the objects of a large image are many.
            kept = key if self.has_travelled else None
            _apply(self.progress, what, nbytes, kept)
        elif self.name:
            _worker_of(self).log_event(self.name, (what, nbytes, repr(key)))


class Tally:
    """In place of a `Report`: adds up what the threads of one task tell."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.nbytes = 0

    def __call__(self, nbytes: int, key: Hashable) -> None:
        """Count `nbytes` more."""
        with self._lock:
            self.nbytes += nbytes


def _arrived(name: str, is_heard: bool) -> Report:
    """A report that has travelled, at home again if this is its process."""
    return Report(name, is_heard, _RUNNING.get(name), has_travelled=True)


def _worker_of(report: Report) -> Any:
    """The worker of dask.distributed that runs this task.

    Raises
    ------
    OptionError
        If there is none, or nobody listens to what it tells.
    """
    distributed = sys.modules.get("distributed")
    try:
        if distributed is None:
            raise ValueError("not a worker")
        worker = distributed.get_worker()
    except ValueError as error:
        raise OptionError(
            "progress cannot be told from other processes than the workers of a "
            "dask.distributed cluster; use one, or threads, or progress=False"
        ) from error
    if not report.is_heard:
        raise OptionError(
            "progress cannot be told from this cluster, for its Client was made after "
            "the write was asked for; make the Client first, or use progress=False"
        )
    return worker


def _apply(progress: Progress, what: str, nbytes: int, key: Hashable) -> None:
    if what == "begin":
        progress.begin()
    elif what == "end":
        progress.end()
    else:
        progress.add(nbytes, key)


class _Listener:
    """Hears what workers tell, in the process of the Client."""

    def __init__(self, client: Any, name: str, progress: Progress) -> None:
        # The Client keeps its handlers for good: what is never run must not stay.
        self._progress = weakref.ref(progress)
        self._held: Progress | None = None
        client.subscribe_topic(name, self)
        self._stop = weakref.finalize(progress, _unsubscribe, client, name)
        self._stop.atexit = False

    def __call__(self, event: tuple[float, tuple[str, int, str]]) -> None:
        progress = self._progress()
        if progress is None or not self._stop.alive:
            return
        try:
            _apply(progress, *event[1])
        except Exception as error:
            # The loop of the Client would only log it.
            progress.close()
            warn(f"progress is told no more, for it raised {error!r}")

    def hold(self, progress: Progress) -> None:
        """Keep it alive until it ends: the graph that does may be gone before."""
        if self._stop.alive:
            self._held = progress

    def stop(self) -> None:
        """Listen no more."""
        self._stop()
        self._held = None


def _unsubscribe(client: Any, name: str) -> None:
    # A Client that is closed has told the scheduler so itself.
    if client.status == "running":
        client.unsubscribe_topic(name)


def _listen(name: str, progress: Progress) -> _Listener | None:
    # Whoever has a Client has imported it.
    distributed = sys.modules.get("distributed")
    if distributed is None:
        return None
    try:
        client = distributed.default_client()
    except ValueError:
        return None
    return _Listener(client, name, progress)


def _bar(total: int) -> tuple[Show, Callable[[], object]]:
    """A bar of tqdm, for the terminal or the notebook."""
    from tqdm.auto import tqdm

    # The monitor is a thread that would outlive the write; it is for loops whose
    # steps are so many that not each is looked at, and here each is.
    kind = type("Bar", (tqdm,), {"monitor_interval": 0})
    bar = kind(
        total=total,
        desc="Writing",
        unit="B",
        unit_scale=True,
        unit_divisor=1024,
        miniters=1,
    )

    def show(done: int, _total: int) -> None:
        bar.update(done - bar.n)

    return show, bar.close


def _nothing() -> None:
    pass
