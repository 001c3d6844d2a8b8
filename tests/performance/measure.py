"""One measurement in a process of its own; prints one line of JSON.

Only Linux: the peak of memory is that of the kernel (``VmHWM``), set back right before
the call through ``/proc/self/clear_refs``.
"""

from __future__ import annotations

import gc
import json
import os
import resource
import shutil
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tests.performance import check, data, opening
from tests.performance.contestants import CONTESTANTS, Contestant
from tests.performance.works import WORKS, Work

# One chunk of level 0 in y and x (of a plate, a well): enough to load what is loaded
# late.
_WARM_UP_MEBIBYTES = 4
# A file system in memory that every Linux has.
_RAM = Path("/dev/shm")


def memory(field: str) -> int:
    """A field of ``/proc/self/status``, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0]) * 1024
    raise LookupError(f"/proc/self/status has no {field}; this needs Linux")


def cpu_seconds() -> float:
    """Time that the processor gave to this process and the children it waited for."""
    mine, theirs = (
        resource.getrusage(who)
        for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return mine.ru_utime + mine.ru_stime + theirs.ru_utime + theirs.ru_stime


def timed(call: Callable[[], object]) -> tuple[dict[str, float], object]:
    """Wall and CPU seconds of `call`, the rise of peak memory in bytes; its result."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before, cpu, wall = memory("VmRSS"), cpu_seconds(), time.perf_counter()
    result = call()
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    rise = memory("VmHWM") - before
    return {"wall": wall, "cpu": cpu, "rise": rise}, result


def pixels_of(work: Work, folder: Path) -> Any:
    """The pixels as the work says: in memory, or lazily from a Zarr array."""
    if work.verb != "write":
        return None
    if work.source == "numpy":
        return np.load(data.source_file(work.kind, work.mebibytes, folder))
    import dask.array as da

    return da.from_zarr(str(data.source_zarr(work.mebibytes, folder)))


@contextmanager
def target_of(work: Work, place: Path) -> Iterator[Any]:
    """Where the contestant writes, empty: a path, or a store in memory.

    For works that open it is the plate to open, which stays for the next one.
    """
    if work.verb != "write":
        yield opening.plate_folder(work, place.parent)
        return
    if work.store in ("slow", "fast"):
        from tests.performance.slow_store import LATENCY, SlowStore

        yield SlowStore(latency=LATENCY if work.store == "slow" else 0.0)
        return
    if work.store == "ram":
        place = _RAM / f"{os.getpid()}-{place.name}"
    shutil.rmtree(place, ignore_errors=True)
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


@contextmanager
def cluster_of(work: Work) -> Iterator[None]:
    """Two worker processes of one thread each where the work asks for them."""
    if not work.cluster:
        yield
        return
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as cluster,
        Client(cluster),
    ):
        yield


def warm_up(contestant: Contestant, work: Work, folder: Path) -> None:
    """The same with few pixels, so that what is loaded late is loaded."""
    small = replace(work, mebibytes=_WARM_UP_MEBIBYTES)
    if contestant.name != "floor":
        with target_of(small, folder / "warm-up.ome.zarr") as target:
            contestant.prepare(small, pixels_of(small, folder), target)()


def judged(work: Work, pixels: Any, target: Any, came: object) -> dict[str, Any]:
    """What the result looks like, and what is wrong with it."""
    if work.verb != "write":
        return {"problems": check.opened_problems(came, work)}
    if work.kind == "plate":
        return {"problems": check.plate_problems(target, pixels, work)}
    return {"layout": check.layout(target), "problems": check.problems(target, pixels)}


def measured(
    contestant: Contestant, work: Work, folder: Path, *, warm: bool
) -> dict[str, Any]:
    """The figures of one call, its output checked and removed."""
    pixels = pixels_of(work, folder)
    with (
        cluster_of(work),
        target_of(work, folder / "output.ome.zarr") as target,
    ):
        if warm:
            warm_up(contestant, work, folder)
        call = contestant.prepare(work, pixels, target)
        figures, came = timed(call)
        result: dict[str, Any] = dict(figures)
        if work.cluster:
            # The work was done by others.
            del result["cpu"], result["rise"]
        if isinstance(target, Path):
            if work.verb == "write":
                result["disk"] = check.bytes_on_disk(target)
        else:
            result["requests"] = target.requests
            target.latency = 0.0
        if contestant.name != "floor":
            result |= judged(work, pixels, target, came)
    return result


def main() -> None:
    """Read the order from the command line, print what came of it."""
    order = json.loads(sys.argv[1])
    contestant = CONTESTANTS[order["contestant"]]
    work = replace(WORKS[order["work"]], mebibytes=order["mebibytes"])
    warnings.simplefilter("ignore")
    try:
        folder = Path(order["folder"])
        result = measured(contestant, work, folder, warm=order["warm"])
    except Exception as error:
        traceback.print_exc()
        result = {"error": f"{type(error).__name__}: {error}"[:500]}
    print(json.dumps({**order, **result}))


if __name__ == "__main__":
    main()
