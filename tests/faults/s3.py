"""Writers on an S3 server that fails: what they leave, and whether they go on.

``table(runs, seed)`` gives the rows that ``python -m tests.faults --only s3`` prints.
"""

from __future__ import annotations

import itertools
import random
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import dask
import dask.array
import numpy as np
import xarray as xr
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from tests.faults.s3_server import BUCKET, PERMANENT, TRANSIENT, Rule, Server

CLIENTS = ("s3fs", "FsspecStore", "obstore")

#: Seconds in which a write that cannot succeed has to end, with clients that ask again
#: as seldom as `patience` says.
BOUND = 60.0

PIXELS = np.random.default_rng(0).integers(1, 999, (3, 48, 64), dtype="uint16")
OPTIONS = {"scale_factors": [2], "chunks": (1, 16, 32)}
LABELS = (PIXELS[0] // 100).astype("uint16")


def place(server, client, name, *, hasty=False):
    """A store of a client, and what goes with it.

    `hasty` clients ask again only a few times.
    """
    late = {"read_timeout": 1}
    if client == "obstore":
        more = {"retry_config": {"max_retries": 2}} if hasty else {}
        patience = {"allow_http": True, "timeout": "1s"}
        return server.obstore(name, client_options=patience, **more), {}
    few = {"retries": {"max_attempts": 1}} if hasty else {}
    options = server.options(config_kwargs={**late, **few})
    url = f"s3://{BUCKET}/{name}"
    if client == "s3fs":
        return url, {"storage_options": options}
    return zarr.storage.FsspecStore.from_url(url, storage_options=options), {}


def image(pixels=PIXELS, kind="numpy"):
    """Pixels with names of channels."""
    data = dask.array.from_array(pixels, (2, 20, 41)) if kind == "dask" else pixels
    return xr.DataArray(data, {"c": [*"abc"[: len(pixels)]]}, ("c", "y", "x"))


def labels(pixels=LABELS):
    """A label image."""
    return xr.DataArray(pixels, dims=("y", "x"))


def coarser(pixels):
    """Level 1, of the definition: means of four, halves to even."""
    c, y, x = pixels.shape
    return np.rint(pixels.reshape(c, y // 2, 2, x // 2, 2).mean((2, 4)))


# -- What is read without us -------------------------------------------------------


def copied(server, name):
    """All that is stored below a name, read by boto3 into memory."""
    store = MemoryStore()
    from zarr.core.buffer import default_buffer_prototype
    from zarr.core.sync import sync

    buffer = default_buffer_prototype().buffer
    for key, value in server.stored(name).items():
        sync(store.set(key, buffer.from_bytes(value)))
    return store


def ome(store, path=""):
    """OME metadata of a group; None where there are none."""
    try:
        attrs = zarr.open_group(store, path=path, mode="r").attrs
    except (FileNotFoundError, zarr.errors.NodeTypeValidationError):
        return None
    return attrs.asdict().get("ome")


def has_image(store, path, pixels):
    """Whether an image of these pixels and no others is there."""
    told = ome(store, path)
    if not told or "multiscales" not in told:
        return False
    group = zarr.open_group(store, path=path, mode="r")
    return np.array_equal(group["0"][...], pixels) and np.array_equal(
        group["1"][...], coarser(pixels)
    )


def is_no_image(store, path):
    """Whether nobody takes what is there for OME-Zarr."""
    return not ome(store, path)


# -- Situations --------------------------------------------------------------------


@dataclass(frozen=True)
class Situation:
    """Something that is written.

    Parameters
    ----------
    before : callable
        ``(place)`` prepares it, without faults.
    act : callable
        ``(place)`` is what the faults fall into.
    is_new, is_old : callable
        ``(store)``: whether that is what is to be there, or what may be there when it
        has failed.
    """

    act: Callable
    is_new: Callable
    is_old: Callable
    before: Callable = lambda _place: None


def _write(at, pixels=PIXELS, kind="numpy", **more):
    store, options = at
    with dask.config.set(scheduler="threads", num_workers=4):
        image(pixels, kind).omezarr.to_image(store, **OPTIONS, **options, **more)


def _label(at, **more):
    store, options = at
    labels().omezarr.to_labels(store, "cells", chunks=16, **options, **more)


def _region(at):
    store, options = at
    new = image(PIXELS[:, :31, :33] + 7)
    region = {"y": slice(0, 31), "x": slice(0, 33)}
    xo.write_image(new.drop_vars("c"), store, region=region, **options)


def _with_region():
    whole = PIXELS.copy()
    whole[:, :31, :33] += 7
    return whole


def _field(at, well="B/2", **more):
    store, options = at
    image().omezarr.to_field(store, f"{well}/0", **OPTIONS, **options, **more)


def _plate_is(store, wells):
    told = ome(store)
    if told is None or "plate" not in told:
        return not wells
    listed = [each["path"] for each in told["plate"]["wells"]]
    if sorted(listed) != sorted(wells):
        return False
    for well in wells:
        fields = [each["path"] for each in ome(store, well)["well"]["images"]]
        if fields != ["0"] or not has_image(store, f"{well}/0", PIXELS):
            return False
    return True


def _append(at):
    store, options = at
    more = image(PIXELS[:1]).assign_coords(c=["d"])
    xo.write_image(more, store, append_dim="c", **options)


def _labelled(store, is_there):
    told = ome(store, "labels")
    listed = [] if told is None else told["labels"]
    if listed != (["cells"] if is_there else []):
        return False
    if not has_image(store, "", PIXELS):
        return False
    if not is_there:
        return True
    found = zarr.open_group(store, path="labels/cells", mode="r")["0"][...]
    return np.array_equal(found, LABELS)


def _either_region(store):
    """Each pixel is old or new, and it opens."""
    found = zarr.open_group(store, mode="r")["0"][...]
    new = _with_region()
    return bool(((found == new) | (found == PIXELS)).all()) and bool(ome(store))


def _convert(at):
    store, options = at
    source = MemoryStore()
    image().omezarr.to_image(source, **OPTIONS)
    xo.convert(source, store, version="0.5", **options)


FIRST_IS_RED = [{"label": "a", "color": "FF0000"}, "b", "c"]


def _attrs(at):
    store, options = at
    xo.update(store, channels=FIRST_IS_RED, **options)


def _first_color(store, color):
    told = ome(store)
    return (
        has_image(store, "", PIXELS)
        and told["omero"]["channels"][0]["color"].upper() == color
    )


SITUATIONS = {
    "a new image": Situation(
        _write, lambda s: has_image(s, "", PIXELS), lambda s: is_no_image(s, "")
    ),
    "a new image, dask": Situation(
        lambda at: _write(at, kind="dask"),
        lambda s: has_image(s, "", PIXELS),
        lambda s: is_no_image(s, ""),
    ),
    "mode='w'": Situation(
        lambda at: _write(at, PIXELS + 3, mode="w"),
        lambda s: has_image(s, "", PIXELS + 3),
        lambda s: is_no_image(s, "") or has_image(s, "", PIXELS),
        _write,
    ),
    "labels": Situation(
        _label, lambda s: _labelled(s, True), lambda s: _labelled(s, False), _write
    ),
    "a well": Situation(
        _field,
        lambda s: _plate_is(s, ["A/1", "B/2"]),
        lambda s: _plate_is(s, ["A/1"]),
        lambda at: _field(at, "A/1"),
    ),
    "a region": Situation(
        _region, lambda s: has_image(s, "", _with_region()), _either_region, _write
    ),
    "an append": Situation(
        _append,
        lambda s: has_image(s, "", np.concatenate([PIXELS, PIXELS[:1]])),
        lambda s: has_image(s, "", PIXELS),
        _write,
    ),
    "a conversion": Situation(
        _convert, lambda s: has_image(s, "", PIXELS), lambda s: is_no_image(s, "")
    ),
    "an update": Situation(
        _attrs,
        lambda s: _first_color(s, "FF0000"),
        lambda s: not _first_color(s, "FF0000") and has_image(s, "", PIXELS),
        _write,
    ),
}


# -- Runs --------------------------------------------------------------------------

# No two runs write to one place, whatever they draw.
_RUNS = itertools.count()

# Requests of a write where nothing fails, by its situation and client.
_ASKED = {}

# Methods that change nothing.
_READ = ("GET", "HEAD")

# What runs in threads makes a few requests more or less.
_GIVEN = 4


@dataclass
class Row:
    """What came of the runs of a situation."""

    situation: str
    faults: str
    runs: int = 0
    injected: int = 0
    ends: Counter = field(default_factory=Counter)
    lost: list = field(default_factory=list)


def rules(kind, rng, count):
    """Faults of one run: those that pass, or one that stays from some request on."""
    if kind == "passing":
        rate = rng.uniform(0.05, 0.2)
        few = {"delay": 0.1}
        return [
            Rule(fault, rate / len(TRANSIENT) * few.get(fault, 1.0))
            for fault in TRANSIENT
        ]
    return [Rule(rng.choice(PERMANENT), after=rng.randrange(count()))]


def asked(server, name, situation, client):
    """How many requests it makes at least."""
    if (name, client) not in _ASKED:
        at = place(server, client, f"counted-{next(_RUNS)}")
        situation.before(at)
        with server.failing():
            situation.act(at)
            _ASKED[name, client] = len(server.requests) - _GIVEN
    return _ASKED[name, client]


def run(server, name, situation, client, kind, rng):
    """One run: what came of it, the number of faults, and what was wrong."""
    path = f"{''.join(c for c in name if c.isalnum())}-{next(_RUNS)}"
    calm = place(server, client, path)
    situation.before(calm)
    at = place(server, client, path, hasty=kind == "staying")
    chosen = rules(kind, rng, partial(asked, server, name, situation, client))
    told = ", ".join(f"{r.fault} after {r.after}" for r in chosen if r.after)
    failure, began = None, time.monotonic()
    with server.failing(*chosen, seed=rng.randrange(10**9)):
        try:
            situation.act(at)
        except Exception as error:
            failure = error
        took = time.monotonic() - began
        injected = server.failed.total()
        wrong = _still_asking(server)
    server.start()
    store = copied(server, path)
    where = f"{name}, {client}, {told}"
    if failure is None:
        if not situation.is_new(store):
            wrong.append("it ended well, and something else is there")
        return "right", injected, [f"{where}: {each}" for each in wrong]
    said = f"{type(failure).__name__}: {str(failure).splitlines()[0][:90]}"
    if kind == "passing":
        wrong.append(f"what passes was not waited for: {said}")
    if took > BOUND:
        wrong.append(f"it took {took:.0f} s to fail")
    is_new = situation.is_new(store)
    if not (is_new or situation.is_old(store)):
        wrong.append(f"a half is there after {said}")
    if not is_new:
        try:
            try:
                situation.act(calm)
            except xo.TargetExistsError:
                # It was complete, and not listed yet: the message says so.
                situation.act(calm, mode="w")
        except Exception as error:
            wrong.append(f"the next write fails: {type(error).__name__}: {error}")
        else:
            if not situation.is_new(copied(server, path)):
                wrong.append("the next write leaves something else")
    return "told", injected, [f"{where}: {each}" for each in wrong]


def _still_asking(server):
    """What is said if anything is stored or removed when the write has ended."""
    # What was sent before may be on its way through the server.
    ends = time.monotonic() + 5
    while server.under_way and time.monotonic() < ends:
        time.sleep(0.01)
    before = len(server.requests)
    time.sleep(0.15)
    # zarr reads documents and parts of an array at once, and leaves them to themselves.
    late = [each for each in server.requests[before:] if each[0] not in _READ]
    return [f"requests after the end: {late[:3]}"] if late else []


def table(runs, seed=0, only=None, say=print):
    """Rows of what came of so many runs in all.

    Parameters
    ----------
    runs : int
        Of all situations together.
    seed : int
        Of the faults.
    only : sequence of str, optional
        Situations.
    say : callable
        Told of what is lost.
    """
    rows = {}
    names = [n for n in SITUATIONS if only is None or n in only]
    server = Server(delay=1.5)
    try:
        for index in range(runs):
            kind = ("passing", "staying")[index % 2]
            name = names[index // 2 % len(names)]
            client = CLIENTS[index // 2 // len(names) % len(CLIENTS)]
            rng = random.Random(seed * 1_000_003 + index)
            row = rows.setdefault((name, kind), Row(name, kind))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                end, injected, wrong = run(
                    server, name, SITUATIONS[name], client, kind, rng
                )
            row.runs += 1
            row.injected += injected
            row.ends[end] += 1
            row.lost += wrong
            for each in wrong:
                say(f"run {index}: {each}")
    finally:
        server.close()
    return [*rows.values()]


def markdown(rows):
    """The rows as a table."""
    head = ["written", "faults", "runs", "injected", "right", "told", "lost"]
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    for row in rows:
        cells = (
            row.situation,
            row.faults,
            row.runs,
            row.injected,
            row.ends["right"],
            row.ends["told"],
            len(row.lost),
        )
        lines.append(" | ".join(map(str, cells)))
    return "\n".join(f"| {line} |" for line in lines)


if __name__ == "__main__":
    import argparse

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=48)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", action="append")
    chosen = parser.parse_args()
    print(markdown(table(chosen.runs, chosen.seed, chosen.only)))
