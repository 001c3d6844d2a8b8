"""One measurement in a process of its own; prints one line of JSON.

Only Linux: the peak of memory is that of the kernel (``VmHWM``), set back right before
the call through ``/proc/self/clear_refs``.
"""

from __future__ import annotations

import gc
import json
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

from tests.performance import check, data
from tests.performance.contestants import CONTESTANTS, Contestant
from tests.performance.works import WORKS, Work

# One chunk of level 0 in y and x: enough to load what is loaded late.
_WARM_UP_MEBIBYTES = 4


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


def timed(call: Callable[[], object]) -> dict[str, float]:
    """Wall and CPU seconds of `call` and the rise of peak memory in bytes."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before, cpu, wall = memory("VmRSS"), cpu_seconds(), time.perf_counter()
    call()
    wall, cpu = time.perf_counter() - wall, cpu_seconds() - cpu
    return {"wall": wall, "cpu": cpu, "rise": memory("VmHWM") - before}


def pixels_of(work: Work, folder: Path) -> Any:
    """The pixels as the work says: in memory, or lazily from a Zarr array."""
    if work.source == "numpy":
        return np.load(data.source_file(work.kind, work.mebibytes, folder))
    import dask.array as da

    return da.from_zarr(str(data.source_zarr(work.mebibytes, folder)))


def target_of(work: Work, place: Path) -> Any:
    """Where the contestant writes: a path, or a store in memory."""
    if work.store == "local":
        return place
    from tests.performance.slow_store import LATENCY, SlowStore

    return SlowStore(latency=LATENCY if work.store == "slow" else 0.0)


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


def measured(
    contestant: Contestant, work: Work, folder: Path, *, warm: bool
) -> dict[str, Any]:
    """The figures of one call, its output checked and removed."""
    place = folder / "output.ome.zarr"
    pixels = pixels_of(work, folder)
    with cluster_of(work):
        if warm:
            small = replace(work, mebibytes=_WARM_UP_MEBIBYTES)
            if contestant.name != "floor":
                warm_up = folder / "warm-up.ome.zarr"
                shutil.rmtree(warm_up, ignore_errors=True)
                target = target_of(small, warm_up)
                contestant.prepare(small, pixels_of(small, folder), target)()
                shutil.rmtree(warm_up, ignore_errors=True)
        shutil.rmtree(place, ignore_errors=True)
        target = target_of(work, place)
        call = contestant.prepare(work, pixels, target)
        result: dict[str, Any] = dict(timed(call))
    if work.cluster:
        # The work was done by others.
        del result["cpu"], result["rise"]
    if work.store == "local":
        result["disk"] = check.bytes_on_disk(place)
    else:
        result["requests"] = target.requests
        target.latency = 0.0
    if contestant.name != "floor":
        result["layout"] = check.layout(target)
        result["problems"] = check.problems(target, pixels)
    shutil.rmtree(place, ignore_errors=True)
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
