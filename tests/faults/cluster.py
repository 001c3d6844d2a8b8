"""A cluster of dask whose workers are processes, up in a tenth of a second.

Workers are forked before there are threads; they connect to the scheduler of the
process that writes.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager

_WORKERS = 2


@contextmanager
def cluster() -> Iterator[None]:
    """A client is the default scheduler inside."""
    pipes = [_fork_worker() for _ in range(_WORKERS)]
    from distributed import Client, LocalCluster

    with (
        LocalCluster(n_workers=0, processes=True, dashboard_address=":0") as made,
        Client(made) as client,
    ):
        for pipe in pipes:
            os.write(pipe, made.scheduler_address.encode())
            os.close(pipe)
        client.wait_for_workers(_WORKERS)
        yield


def _fork_worker() -> int:
    """Fork a process that is a worker as soon as it is told of whom."""
    heard, told = os.pipe()
    if os.fork():
        os.close(heard)
        return told
    os.close(told)
    try:
        address = os.read(heard, 1000).decode()
        asyncio.run(_work(address))
    finally:
        os._exit(0)


async def _work(address: str) -> None:
    from distributed import Worker

    worker = await Worker(address, nthreads=1, dashboard=False)
    await worker.finished()
