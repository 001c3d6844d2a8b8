"""Kinds of stores and kinds of writes: what is written where, and how it is judged."""

from __future__ import annotations

import functools
import http.server
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dask.array
import numpy as np
import obstore.store
import upath
import xarray as xr
import zarr
from zarr.core.sync import sync
from zarr.storage import (
    FsspecStore,
    LocalStore,
    LoggingStore,
    MemoryStore,
    ObjectStore,
    WrapperStore,
    ZipStore,
)

import xarray_omezarr as xo

PIXELS = np.arange(2 * 24 * 20, dtype="uint16").reshape(2, 24, 20)


@dataclass
class Place:
    """One store.

    Parameters
    ----------
    where : object
        What verbs are given.
    base : zarr.abc.store.Store
        The same store, as plain zarr reads it; what must be there beforehand is
        written to it where `where` takes nothing.
    path : str
        Of the root of `where` inside of `base`.
    options : dict
        Further options of all verbs.
    seal : callable
        Called when all that must be there beforehand is in `base`.
    """

    where: Any
    base: Any
    path: str = ""
    options: dict[str, Any] = field(default_factory=dict)
    seal: Callable[[], None] = lambda: None
    close: Callable[[], None] = lambda: None

    def plain(self, path: str = "") -> zarr.Group:
        """A group, as zarr reads it without us."""
        whole = "/".join(filter(None, (self.path, path)))
        return zarr.open_group(self.base, path=whole, mode="r", use_consolidated=False)

    def content(self) -> dict[str, bytes]:
        """All that is stored."""
        from zarr.core.buffer import default_buffer_prototype

        async def read() -> dict[str, bytes]:
            # Some releases of zarr open archives only when they are asked to.
            await self.base._ensure_open()
            keys = [key async for key in self.base.list()]
            got = [await self.base.get(k, default_buffer_prototype()) for k in keys]
            pairs = zip(keys, got, strict=True)
            return {k: v.to_bytes() for k, v in pairs if v is not None}

        return sync(read())


# -- Stores -----------------------------------------------------------------------


def _folder(tmp: Path, _s3: Any) -> Place:
    place = tmp / "x.ome.zarr"
    return Place(str(place), LocalStore(place))


def _url(tmp: Path, _s3: Any) -> Place:
    place = tmp / "x.ome.zarr"
    return Place(f"local://{place}", LocalStore(place))


def _upath(tmp: Path, _s3: Any) -> Place:
    place = tmp / "x.ome.zarr"
    return Place(upath.UPath(place), LocalStore(place))


def _same(make: Callable[[Path], Any]) -> Callable[[Path, Any], Place]:
    def made(tmp: Path, _s3: Any) -> Place:
        store = make(tmp)
        return Place(store, store)

    return made


def _group(tmp: Path, _s3: Any) -> Place:
    store = LocalStore(tmp / "lab.zarr")
    # Plain zarr tells the format, which is that of the version of each write.
    return Place(None, store, path="experiments/cells")


def _memory_url(tmp: Path, _s3: Any) -> Place:
    url = f"memory://{tmp.name}/x.ome.zarr"
    return Place(url, FsspecStore.from_url(url))


def _memory_upath(tmp: Path, _s3: Any) -> Place:
    url = f"memory://{tmp.name}/u.ome.zarr"
    return Place(upath.UPath(url), FsspecStore.from_url(url))


def _fsspec_local(tmp: Path, _s3: Any) -> Place:
    place = tmp / "x.ome.zarr"
    options = {"auto_mkdir": True}
    store = FsspecStore.from_url(f"local://{place}", storage_options=options)
    return Place(store, LocalStore(place))


def _obstore(make: Callable[[Path], Any], *, wrap: bool) -> Any:
    def made(tmp: Path, _s3: Any) -> Place:
        raw = make(tmp)
        store = ObjectStore(raw)
        return Place(store if wrap else raw, store)

    return made


def _obstore_folder(tmp: Path) -> Any:
    (tmp / "x.ome.zarr").mkdir()
    return obstore.store.LocalStore(str(tmp / "x.ome.zarr"))


def _s3_url(tmp: Path, s3: Any) -> Place:
    name = f"{tmp.name}.ome.zarr"
    base = ObjectStore(s3.obstore(name))
    return Place(f"s3://images/{name}", base, options={"storage_options": s3.options})


def _s3_store(tmp: Path, s3: Any) -> Place:
    place = _s3_url(tmp, s3)
    store = FsspecStore.from_url(place.where, storage_options=s3.options)
    return Place(store, place.base)


def _s3_upath(tmp: Path, s3: Any) -> Place:
    place = _s3_url(tmp, s3)
    return Place(upath.UPath(place.where, **s3.options), place.base)


def _s3_obstore(tmp: Path, s3: Any) -> Place:
    raw = s3.obstore(f"{tmp.name}.ome.zarr")
    return Place(raw, ObjectStore(raw))


def _icechunk(tmp: Path, _s3: Any) -> Place:
    import icechunk

    storage = icechunk.local_filesystem_storage(str(tmp / "repository"))
    repo = icechunk.Repository.create(storage)
    store = repo.writable_session("main").store
    return Place(store, store)


def _committed(tmp: Path, _s3: Any) -> Place:
    place = _icechunk(tmp, _s3)
    session = place.where.session

    def commit() -> None:
        place.where.session.commit("done", allow_empty=True)

    del session
    return Place(place.where, place.base, seal=commit)


def _one_file(tmp: Path, _s3: Any) -> Place:
    file = tmp / "x.ozx"
    base = MemoryStore()
    place = Place(file, base)

    def seal() -> None:
        if base._store_dict:
            xo.convert(base, file, version="0.5")
            place.base = ZipStore(file, mode="r")

    place.seal = seal
    return place


def _zip(tmp: Path, _s3: Any) -> Place:
    file, base = tmp / "x.zip", MemoryStore()
    place = Place(None, base)

    def seal() -> None:
        with zipfile.ZipFile(file, "w") as archive:
            for key, value in place.content().items():
                archive.writestr(key, value)
        place.where = ZipStore(file, mode="a")

    place.seal = seal
    return place


def _read_only(tmp: Path, _s3: Any) -> Place:
    place = tmp / "x.ome.zarr"
    place.mkdir()
    return Place(LocalStore(place, read_only=True), LocalStore(place))


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        pass


def _http(tmp: Path, _s3: Any) -> Place:
    place = tmp / "x.ome.zarr"
    place.mkdir()
    handler = functools.partial(_Quiet, directory=tmp)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()

    def close() -> None:
        server.shutdown()
        thread.join()
        server.server_close()

    url = f"http://127.0.0.1:{server.server_port}/x.ome.zarr"
    return Place(url, LocalStore(place), close=close)


#: By the name that the table of the documentation has for it.
STORES: dict[str, Callable[[Path, Any], Place]] = {
    "path": _folder,
    "`LocalStore`": _same(lambda tmp: LocalStore(tmp / "x.ome.zarr")),
    "`local://`": _url,
    "`UPath`, local": _upath,
    "`FsspecStore`, local": _fsspec_local,
    "obstore `LocalStore`": _obstore(_obstore_folder, wrap=False),
    "`ObjectStore`, local": _obstore(_obstore_folder, wrap=True),
    "`zarr.Group` in a larger hierarchy": _group,
    "`MemoryStore`": _same(lambda _: MemoryStore()),
    "`memory://`": _memory_url,
    "`UPath`, memory": _memory_upath,
    "obstore `MemoryStore`": _obstore(
        lambda _: obstore.store.MemoryStore(), wrap=False
    ),
    "`ObjectStore`, memory": _obstore(lambda _: obstore.store.MemoryStore(), wrap=True),
    "`WrapperStore`": _same(lambda tmp: WrapperStore(LocalStore(tmp / "x.zarr"))),
    "`LoggingStore`": _same(
        lambda _: LoggingStore(MemoryStore(), log_level="CRITICAL")
    ),
    "`s3://`": _s3_url,
    "`FsspecStore`, S3": _s3_store,
    "`UPath`, S3": _s3_upath,
    "obstore `S3Store`": _s3_obstore,
    "icechunk session": _icechunk,
    "icechunk session, committed": _committed,
    "`.ozx`": _one_file,
    "`ZipStore`": _zip,
    "read-only store": _read_only,
    "`http://`": _http,
}


# -- Writes -----------------------------------------------------------------------


def image(source: str = "numpy", add: int = 0, *, folder: Path | None = None) -> Any:
    """Two frames with names, of numpy, dask, or opened from another store."""
    pixels: Any = PIXELS + np.uint16(add)
    da = xr.DataArray(
        pixels,
        {"t": ("t", [0.0, 1.0], {"units": "second"})},
        ("t", "y", "x"),
        name="cells",
    )
    if source == "dask":
        return da.copy(data=dask.array.from_array(pixels, (1, 10, 20)))
    if source == "xarray":
        assert folder is not None
        place = folder / f"source-{add}.ome.zarr"
        if not place.exists():
            da.omezarr.to_image(place, scale_factors=None)
        return xo.open_image(place)
    return da


def mean(pixels: Any) -> Any:
    """The next level, of even sizes."""
    t, y, x = pixels.shape
    return np.rint(pixels.reshape(t, y // 2, 2, x // 2, 2).mean(axis=(2, 4)))


LEVELS = {"scale_factors": [2], "chunks": (1, 8, 20)}


@dataclass(frozen=True)
class Kind:
    """One kind of write: what must be there, what is done, and what must be there."""

    before: Callable[[Any, dict[str, Any]], object]
    write: Callable[[Any, Any, dict[str, Any]], object]
    check: Callable[[Place], None]


def _same_pixels(got: Any, expected: Any) -> None:
    np.testing.assert_array_equal(np.asarray(got), expected)


def _nothing(_store: Any, _told: dict[str, Any]) -> None:
    return None


def _an_image(store: Any, told: dict[str, Any]) -> None:
    image().omezarr.to_image(store, **LEVELS, **told)


def _a_plate(store: Any, told: dict[str, Any]) -> None:
    xo.write_plate({"A/1/0": image()}, store, **LEVELS, **told)


def _a_collection(store: Any, told: dict[str, Any]) -> None:
    xo.write_bioformats2raw({"0": image()}, store, **LEVELS, **told)


def _ome(group: zarr.Group) -> Any:
    return group.attrs.get("ome", group.attrs)


def _check_image(place: Place, path: str = "", add: int = 0) -> None:
    group = place.plain(path)
    assert "multiscales" in _ome(group)
    _same_pixels(group["0"][...], PIXELS + add)
    _same_pixels(group["1"][...], mean(PIXELS + add))


def _check_labels(place: Place) -> None:
    _check_image(place)
    assert list(_ome(place.plain("labels"))["labels"]) == ["cells"]
    _same_pixels(place.plain("labels/cells")["0"][...], PIXELS)


def _check_plate(place: Place, add: int = 0) -> None:
    assert [w["path"] for w in _ome(place.plain())["plate"]["wells"]] == ["A/1"]
    _check_image(place, "A/1/0", add)


def _check_field(place: Place) -> None:
    wells = [w["path"] for w in _ome(place.plain())["plate"]["wells"]]
    assert wells == ["A/1", "B/2"]
    _check_image(place, "A/1/0")
    _check_image(place, "B/2/0", 7)


def _check_collection(place: Place) -> None:
    told = place.plain("OME").attrs
    assert list(_ome(place.plain("OME"))["series"]) == ["0"], told
    _check_image(place, "0", 7)


def _check_series(place: Place) -> None:
    assert list(_ome(place.plain("OME"))["series"]) == ["0", "1"]
    _check_image(place, "0")
    _check_image(place, "1", 7)


def _check_region(place: Place) -> None:
    expected = PIXELS.copy()
    expected[1, 3:10] = PIXELS[1, 3:10] + 7
    _same_pixels(place.plain()["0"][...], expected)
    _same_pixels(place.plain()["1"][...], mean(expected))


def _append(da: Any, store: Any, told: dict[str, Any]) -> None:
    later = da.assign_coords(t=("t", [2.0, 3.0], {"units": "second"}))
    told = {key: value for key, value in told.items() if key != "version"}
    later.omezarr.to_image(store, append_dim="t", **told)


def _check_append(place: Place) -> None:
    expected = np.concatenate([PIXELS, PIXELS + 7])
    _same_pixels(place.plain()["0"][...], expected)
    _same_pixels(place.plain()["1"][...], mean(expected))


def _scale(group: zarr.Group) -> list[float]:
    levels = _ome(group)["multiscales"][0]["datasets"]
    return [d["coordinateTransformations"][0]["scale"][-1] for d in levels]


def _check_update(place: Place) -> None:
    assert _scale(place.plain()) == [0.25, 0.5]
    _check_image(place)


def _unversioned(told: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in told.items() if key != "version"}


@functools.cache
def _source() -> MemoryStore:
    """What is converted."""
    made = MemoryStore()
    image(add=7).omezarr.to_image(made, **LEVELS)
    return made


def _there_is_a_source(_store: Any, _told: dict[str, Any]) -> None:
    _source()


def _convert(_da: Any, store: Any, told: dict[str, Any]) -> None:
    xo.convert(_source(), store, **{"version": "0.5", **told})


def _check_upgrade(place: Place) -> None:
    assert place.plain().attrs["ome"]["version"] == "0.5"
    _check_image(place)


def _region(da: Any, store: Any, told: dict[str, Any]) -> None:
    part = da.isel(t=slice(1, 2), y=slice(3, 10)).drop_vars(
        ["t", "y", "x"], errors="ignore"
    )
    region = {"t": slice(1, 2), "y": slice(3, 10)}
    part.omezarr.to_image(store, region=region, **_unversioned(told))


#: By the name that the table of the documentation has for it.
KINDS: dict[str, Kind] = {
    "image": Kind(
        _nothing, lambda da, s, o: da.omezarr.to_image(s, **LEVELS, **o), 
        lambda place: _check_image(place, add=7),
    ),
    "labels": Kind(
        _an_image,
        lambda da, s, o: (da - 7).astype("uint16").omezarr.to_labels(s, "cells", **o),
        _check_labels,
    ),
    "plate": Kind(
        _nothing,
        lambda da, s, o: xo.write_plate({"A/1/0": da}, s, **LEVELS, **o),
        lambda place: _check_plate(place, 7),
    ),
    "field": Kind(
        _a_plate, lambda da, s, o: da.omezarr.to_field(s, "B/2/0", **LEVELS, **o),
        _check_field,
    ),
    "collection": Kind(
        _nothing,
        lambda da, s, o: xo.write_bioformats2raw({"0": da}, s, **LEVELS, **o),
        _check_collection,
    ),
    "series": Kind(
        _a_collection, lambda da, s, o: da.omezarr.to_series(s, "1", **LEVELS, **o),
        _check_series,
    ),
    "region": Kind(_an_image, _region, _check_region),
    "append": Kind(_an_image, _append, _check_append),
    "`mode='w'`": Kind(
        _an_image, lambda da, s, o: da.omezarr.to_image(s, mode="w", **LEVELS, **o),
        lambda place: _check_image(place, add=7),
    ),
    "update": Kind(
        _an_image,
        lambda _da, s, o: xo.update(s, scale={"x": 0.25}, **_unversioned(o)),
        _check_update,
    ),
    "convert": Kind(
        _there_is_a_source, _convert, lambda place: _check_image(place, add=7)
    ),
    "upgrade": Kind(
        _an_image,
        lambda _da, s, o: xo.upgrade(s, **{**o, "version": "0.5"}),
        _check_upgrade,
    ),
}  # fmt: skip

# Why a kind of write is refused in a store; those that are not named work.
_ZIP = r"zip file, in which nothing can be written twice"
_FILE = r"one file|only be replaced|\.ozx"
_RO = r"read-only"
_GONE = r"committed already"
_DISK = r"no folder of a local disk.*convert"

REFUSED: dict[str, dict[str, str]] = {
    **{store: {"upgrade": _DISK} for store in STORES},
    **{store: {} for store in ("path", "`LocalStore`", "`UPath`, local")},
    "`local://`": {},
    "`zarr.Group` in a larger hierarchy": {"upgrade": "upgrade that as a whole"},
    "`ZipStore`": {**dict.fromkeys(KINDS, _ZIP), "upgrade": _DISK},
    "`.ozx`": dict.fromkeys(
        ("labels", "field", "series", "region", "append", "update", "upgrade"), _FILE
    ),
    "read-only store": dict.fromkeys(KINDS, _RO),
    "icechunk session, committed": {**dict.fromkeys(KINDS, _GONE), "upgrade": _DISK},
    "`http://`": {**dict.fromkeys(KINDS, "over HTTP is read-only"), "upgrade": _DISK},
}  # fmt: skip

#: Stores of which dask.distributed, or processes, can write new images, and the others.
IN_MEMORY = r"memory of one process"
CLUSTER: dict[str, str] = {
    "`MemoryStore`": IN_MEMORY,
    "`memory://`": IN_MEMORY,
    "`UPath`, memory": IN_MEMORY,
    "obstore `MemoryStore`": IN_MEMORY,
    "`ObjectStore`, memory": IN_MEMORY,
    "`LoggingStore`": IN_MEMORY,
    "`.ozx`": r"one file",
}
