"""Every kind of write to every kind of store: right, or refused, and nothing done."""

from __future__ import annotations

import urllib.request
import warnings
from collections.abc import Iterator
from typing import Any

import dask
import fsspec
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import FsspecStore, LocalStore, MemoryStore, ObjectStore, ZipStore

import xarray_omezarr as xo
from tests.integration.every_store import (
    CLUSTER,
    KINDS,
    PIXELS,
    REFUSED,
    STORES,
    Place,
    image,
)
from tests.integration.pages import DOCS
from tests.integration.test_object_stores import BUCKET, Server

# Clients, servers and stores without rename warn; refusals are what matters here.
pytestmark = pytest.mark.filterwarnings("default")

SOURCES = ("numpy", "dask", "xarray")
# Of what differs in nothing but how it is reached, a few writes are enough.
FEW = ("image", "field", "append", "`mode='w'`")
ALIKE = (
    "`s3://`",
    "`FsspecStore`, S3",
    "`UPath`, S3",
    "`UPath`, memory",
    "`UPath`, local",
    "`ObjectStore`, local",
    "`ObjectStore`, memory",
    "`local://`",
)
CASES = [
    (store, kind)
    for store in STORES
    for kind in KINDS
    if store not in ALIKE or kind in FEW
]


@pytest.fixture(scope="module")
def s3() -> Iterator[Server]:
    made = Server()
    bucket = urllib.request.Request(f"{made.url}/{BUCKET}", method="PUT")
    urllib.request.urlopen(bucket).close()
    yield made
    made.close()


@pytest.fixture(scope="module")
def sources(tmp_path_factory: Any) -> Any:
    return tmp_path_factory.mktemp("sources")


@pytest.fixture
def place(request: Any, tmp_path: Any, s3: Server) -> Iterator[Any]:
    """Makes the store of a name."""
    made: list[Place] = []

    def make(store: str) -> Place:
        if "icechunk" in store:
            pytest.importorskip("icechunk")
        made.append(STORES[store](tmp_path, s3))
        return made[-1]

    yield make
    for each in made:
        each.close()
    fsspec.filesystem("memory").store.clear()


def version_of(store: str, kind: str, number: int) -> str:
    """0.4 and 0.5 by turns, where both can be."""
    only = "icechunk" in store or store == "`.ozx`"
    if kind == "upgrade":
        return "0.5" if only else "0.4"
    return "0.5" if only or number % 2 else "0.4"


def begin(place: Place, store: str, kind: str, told: dict[str, Any]) -> Any:
    """What must be there beforehand; gives what verbs are given."""
    zarr_format = 2 if told["version"] == "0.4" else 3
    if place.path:
        root = zarr.open_group(place.base, mode="w", zarr_format=zarr_format)
        root.create_array("temperatures", shape=(3,), dtype="f4")[:] = 36.6
        place.where = root.require_group(place.path)
    refuses = store in ("`ZipStore`", "read-only store", "`http://`", "`.ozx`")
    at = place.base if refuses else place.where
    KINDS[kind].before(at, {**told, **({} if refuses else place.options)})
    place.seal()
    return place.where


class Operations:
    """Counts what stores are asked to change."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        kinds: list[Any] = [LocalStore, MemoryStore, FsspecStore, ObjectStore, ZipStore]
        for kind in kinds:
            for name in (
                "set",
                "set_sync",
                "set_if_not_exists",
                "delete",
                "delete_dir",
            ):
                if name in vars(kind):
                    monkeypatch.setattr(kind, name, self._counted(kind, name))

    def _counted(self, kind: Any, name: str) -> Any:
        known = getattr(kind, name)

        def counted(*args: Any, **kwargs: Any) -> Any:
            self.done.append(f"{kind.__name__}.{name}{args[1:2]}")
            return known(*args, **kwargs)

        return counted


@pytest.mark.parametrize(("store", "kind"), CASES)
def test_it_is_right_or_refused_before_the_first_byte(
    place, store, kind, sources, monkeypatch
) -> None:
    number = CASES.index((store, kind))
    made = place(store)
    told = {"version": version_of(store, kind, number)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        where = begin(made, store, kind, told)
        da = image(SOURCES[number % 3], 7, folder=sources)
        reason = REFUSED.get(store, {}).get(kind)
        if reason is None:
            KINDS[kind].write(da, where, {**told, **made.options})
            if store == "`.ozx`":
                made.base = ZipStore(made.where, mode="r")
            KINDS[kind].check(made)
            if made.path:
                assert made.base is not None
                outer = zarr.open_group(made.base, mode="r")
                np.testing.assert_array_equal(
                    outer["temperatures"][:], np.float32(36.6)
                )
            return
        before = made.content()
        operations = Operations(monkeypatch)
        with pytest.raises((xo.OmeZarrError, OSError), match=f"(?s){reason}"):
            KINDS[kind].write(da, where, {**told, **made.options})
    assert operations.done == []
    assert made.content() == before


@pytest.mark.parametrize("store", STORES)
def test_it_is_opened_where_it_can_be_read(place, store) -> None:
    made = place(store)
    told = {"version": version_of(store, "image", 1)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        where = begin(made, store, "labels", told)
        opened = xr.open_datatree(where, engine="omezarr", **made.options)
        np.testing.assert_array_equal(opened["0"].image, PIXELS)
        chunked = xr.open_dataset(where, engine="omezarr", chunks={}, **made.options)
        np.testing.assert_array_equal(chunked["image"], PIXELS)


# -- Workers ----------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    from distributed import LocalCluster

    with (
        dask.config.set({"distributed.worker.daemon": True}),
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
        ) as made,
    ):
        yield made


WRITABLE = [s for s in STORES if "image" not in REFUSED.get(s, {})]


@pytest.mark.parametrize("store", WRITABLE)
def test_workers_write_it_or_are_not_asked_to(
    place, store, cluster, monkeypatch
) -> None:
    from distributed import Client

    number = WRITABLE.index(store)
    kind = ("image", "plate", "`mode='w'`")[number % 3]
    if store == "`.ozx`":
        kind = "image"
    made = place(store)
    told = {"version": version_of(store, kind, number)}
    with warnings.catch_warnings(), Client(cluster):
        warnings.simplefilter("ignore")
        where = begin(made, store, kind, told)
        da = image("dask", 7)
        reason = CLUSTER.get(store)
        if reason is None:
            KINDS[kind].write(da, where, {**told, **made.options})
            KINDS[kind].check(made)
            return
        before = made.content()
        operations = Operations(monkeypatch)
        with pytest.raises(xo.OptionError, match=reason):
            KINDS[kind].write(da, where, {**told, **made.options})
    assert operations.done == []
    assert made.content() == before


@pytest.mark.parametrize("store", ["`MemoryStore`", "`memory://`"])
def test_processes_of_dask_are_not_given_copies_of_memory(place, store) -> None:
    made = place(store)
    with (
        dask.config.set(scheduler="processes"),
        pytest.raises(xo.OptionError, match="memory of one process"),
    ):
        image("dask").omezarr.to_image(made.where)
    assert made.content() == {}


class Bound(LocalStore):
    """A store that is no use elsewhere."""

    def __reduce__(self) -> Any:
        raise TypeError("cannot pickle a connection")


def test_a_store_that_does_not_travel_is_told(tmp_path, cluster) -> None:
    from distributed import Client

    store = Bound(tmp_path / "x.ome.zarr")
    with (
        Client(cluster),
        pytest.raises(
            xo.OptionError, match=r"(?s)cannot be pickled.*connection.*threads"
        ),
    ):
        image("dask").omezarr.to_image(store)
    assert list(tmp_path.iterdir()) == []
    image("dask").omezarr.to_image(store)


# -- The table --------------------------------------------------------------------


def table() -> str:
    """What works where, as the documentation shows it."""
    kinds = [*KINDS]
    lines = [
        f"| store | {' | '.join(kinds)} | workers |",
        f"|---|{'---|' * (len(kinds) + 1)}",
    ]
    for store in STORES:
        refused = REFUSED.get(store, {})
        cells = ["no" if kind in refused else "yes" for kind in kinds]
        workers = "no" if store in CLUSTER or "image" in refused else "yes"
        lines.append(f"| {store} | {' | '.join(cells)} | {workers} |")
    return "\n".join(lines)


def test_the_table_of_the_documentation_says_the_same() -> None:
    assert table() in (DOCS / "guarantees.md").read_text(encoding="utf-8")
