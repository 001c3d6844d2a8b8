"""Stores that somebody hands out to do harm, and eyes on what is done with them."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import sys
import threading
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from zarr.core.buffer import default_buffer_prototype

import xarray_omezarr as xo
from tests.integration.handmade import Folder, multiscale
from tests.integration.scenes import image, system, way

#: Events of Python that read, write or remove what is at a path.
_EVENTS = frozenset(
    {
        *("open", "os.listdir", "os.scandir", "os.mkdir", "os.rename", "os.remove"),
        *("os.rmdir", "os.symlink", "os.link", "os.truncate", "os.chmod"),
        *("shutil.rmtree", "shutil.move", "shutil.copyfile", "shutil.copymode"),
    }
)
_watching: list[list[tuple[str, str]]] = []


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watching or event not in _EVENTS:
        return
    for one in arguments[:2]:
        if isinstance(one, str | bytes | os.PathLike):
            for seen in _watching:
                seen.append((event, os.path.normpath(os.fsdecode(one))))


_is_hooked: list[bool] = []


@contextlib.contextmanager
def watched():
    """What is done with files, by any package: pairs of an event and a path."""
    if not _is_hooked:
        sys.addaudithook(_hook)
        _is_hooked.append(True)
    seen: list[tuple[str, str]] = []
    _watching.append(seen)
    try:
        yield seen
    finally:
        _watching.remove(seen)


class Yard:
    """A folder with a hostile store, and beside it what nobody may touch."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "yard" / "store.zarr"
        self.path.mkdir(parents=True)
        self.secrets = [folder / "secret.zarr", folder / "yard" / "secret.zarr"]
        for secret in self.secrets:
            Folder(secret).labelled()
            (secret / "note.txt").write_text("mine")
        self._before = self._state()

    def _state(self) -> dict[str, bytes]:
        files = (f for secret in self.secrets for f in secret.rglob("*"))
        return {str(f): f.read_bytes() for f in files if f.is_file()}

    def outside(self, seen: list[tuple[str, str]]) -> list[tuple[str, str]]:
        """What was done with secrets, or to anything that is not the store."""
        found = []
        for event, path in seen:
            inside = path == str(self.path) or path.startswith(f"{self.path}{os.sep}")
            hidden = path.startswith(f"{self.path.parent}{os.sep}.store.zarr")
            if inside or hidden or not path.startswith(f"{self.folder}{os.sep}"):
                continue
            below = path.startswith(tuple(map(str, self.secrets)))
            if below or event not in ("open", "os.listdir", "os.scandir"):
                found.append((event, path))
        return found

    def check(self, seen: list[tuple[str, str]], told: object) -> None:
        """Nothing outside was read, written or removed."""
        assert not self.outside(seen), told
        assert self._state() == self._before, told
        there = {path.name for path in self.folder.iterdir()}
        assert there <= {"secret.zarr", "yard", "others"}, told


def names(folder: Path) -> list[str]:
    """Names that would lead out of a store, or to what is no node of it."""
    away = str(folder / "secret.zarr")
    return [
        *("..", ".", "", "/", "//", "...", " ..", ".. ", "../", "./0", "0/.", "0//1"),
        *("../secret.zarr", "../../secret.zarr", "../../../secret.zarr"),
        *("a/../../secret.zarr", "0/../../secret.zarr", "a/b/../../../../secret.zarr"),
        *(away, f"/{away}", f"file://{away}", f"file:{away}", f"local://{away}"),
        *("s3://bucket/x", "http://127.0.0.1:9/x", "memory://secret", "zip://a::b"),
        *("simplecache::file://a", "C:\\secret.zarr", "C:/secret.zarr", "C:secret"),
        *("..\\secret.zarr", "a\\..\\..\\secret.zarr", "\\\\host\\share\\x"),
        *("a\0b", "\0", "../secret.zarr\0", "a\nb", ".\n./secret.zarr", "..\t/x"),
        *("%2e%2e/secret.zarr", "%2e%2e%2fsecret.zarr", ".%2e/.%2e/secret.zarr"),
        *("%252e%252e/secret.zarr", "..%5csecret.zarr", "..?a/b", "..#/a", "..;/a"),
        *("\uff0e\uff0e/secret.zarr", "..\uff0fsecret.zarr", "\u2024\u2024/x"),
        *("\u202e..", "\ud800", "x" * 300, "x/" * 3000 + "x", "y" * 100_000),
        *("~/secret.zarr", "~root", "$HOME/x", "${PWD}", "*", "[a]", "zarr.json"),
        *("0/zarr.json", ".zattrs", "con", "NUL", "a:b", "-rf", "; rm -rf x"),
    ]


def _levels(name: str, folder: Folder) -> None:
    folder.image().change(
        "", lambda ome: multiscale(ome)["datasets"][1].update(path=name)
    )


def _labels(name: str, folder: Folder) -> None:
    folder.labelled().change("labels", lambda ome: ome.update(labels=["cells", name]))


def _source(name: str, folder: Folder) -> None:
    def put(ome: Any) -> None:
        ome["image-label"]["source"] = {"image": name}

    folder.labelled().change("labels/cells", put)


def _kept(name: str, folder: Folder) -> None:
    folder.image()
    file = folder.path / "zarr.json"
    document = json.loads(file.read_text())
    entry = {"dims": ["x"], "dtype": "<f8", "array": name}
    document["attributes"]["xarray"] = {"version": 1, "coords": {"far": entry}}
    file.write_text(json.dumps(document))


def _wells(name: str, folder: Folder) -> None:
    folder.plate()
    folder.change("", lambda ome: ome["plate"]["wells"][1].update(path=name))


def _rows(name: str, folder: Folder) -> None:
    folder.plate()

    def put(ome: Any) -> None:
        ome["plate"]["rows"][1]["name"] = name
        ome["plate"]["wells"][1]["path"] = f"{name}/2"

    folder.change("", put)


def _columns(name: str, folder: Folder) -> None:
    folder.plate()

    def put(ome: Any) -> None:
        ome["plate"]["columns"][1]["name"] = name
        ome["plate"]["wells"][1]["path"] = f"B/{name}"

    folder.change("", put)


def _fields(name: str, folder: Folder) -> None:
    folder.plate()
    folder.change("A/1", lambda ome: ome["well"]["images"].append({"path": name}))


def _series(name: str, folder: Folder) -> None:
    folder.collection().change("OME", lambda ome: ome.update(series=["0", "1", name]))


def _systems(folder: Folder, **members: Any) -> None:
    root = zarr.open_group(folder.path, mode="w", zarr_format=3)
    image(root, systems=[system("world")], ways=[members])


def _matrix(name: str, folder: Folder) -> None:
    _systems(folder, **way("affine", "physical", "world", path=name))


def _field(name: str, folder: Folder) -> None:
    _systems(folder, **way("displacements", "physical", "world", path=name))


def _scene(name: str, folder: Folder) -> None:
    root = zarr.open_group(folder.path, mode="w", zarr_format=3)
    image(root, "tile")
    ends = [("tile", "physical"), (name, "physical")]
    ways = [way("identity", end, "world") for end in ends]
    scene = {"coordinateSystems": [system("world")], "coordinateTransformations": ways}
    root.attrs["ome"] = {"version": "0.6rc0", "scene": scene}


def _consolidated(name: str, folder: Folder) -> None:
    folder.labelled()
    file = folder.path / "zarr.json"
    document = json.loads(file.read_text())
    inner = json.loads((folder.path / "0" / "zarr.json").read_text())
    held = {"kind": "inline", "must_understand": False, "metadata": {name: inner}}
    file.write_text(json.dumps({**document, "consolidated_metadata": held}))


#: What of a store somebody can put a name into.
SPOTS = {
    "levels": _levels,
    "labels": _labels,
    "source of a label image": _source,
    "kept coordinate": _kept,
    "wells": _wells,
    "rows": _rows,
    "columns": _columns,
    "fields": _fields,
    "series": _series,
    "matrix": _matrix,
    "displacements": _field,
    "image of a scene": _scene,
    "consolidated metadata": _consolidated,
}


def _world(store: Any) -> None:
    with contextlib.closing(xr.open_datatree(store, engine="omezarr")) as tree:
        tree.omezarr.to_system("world")


def _read_all(store: Any) -> None:
    with contextlib.closing(xr.open_datatree(store, engine="omezarr")) as tree:
        tree.load()


#: What reads a store.
READERS = {
    "open_datatree": _read_all,
    "open_dataset": lambda s: xr.open_dataset(s, engine="omezarr").load(),
    "open_image": lambda s: xo.open_image(s).load(),
    "open_plate": lambda s: xo.open_plate(s).load(),
    "to_system": _world,
    "validate": xo.validate,
    "validate schema": lambda s: xo.validate(s, level="schema", data="all"),
    "read_metadata": xo.read_metadata,
}
PICTURE = xr.DataArray(np.ones((4, 4), "uint8"), dims=("y", "x"))


def _labels_into(store: Any) -> None:
    labels = xr.DataArray(np.ones((16, 12), "uint8"), dims=("y", "x"))
    labels.omezarr.to_labels(store, "more")


#: What writes into a store, or over it.
WRITERS = {
    "update": lambda s: xo.update(s, scale={"x": 0.25}),
    "build_pyramid": xo.build_pyramid,
    "upgrade": lambda s: xo.upgrade(s, version="0.6"),
    "to_labels": _labels_into,
    "to_field": lambda s: PICTURE.omezarr.to_field(s, "C/3/0"),
    "to_series": lambda s: PICTURE.omezarr.to_series(s, "2"),
    "append": lambda s: PICTURE.omezarr.to_image(s, append_dim="c"),
    "a": lambda s: PICTURE.omezarr.to_image(s, mode="a"),
    "w": lambda s: PICTURE.omezarr.to_image(s, mode="w"),
}


def refused_in_words(verb: Any, *arguments: Any) -> xo.OmeZarrError | None:
    """Do something: it succeeds, or ends with an error of this package."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xo.OmeZarrWarning)
        try:
            verb(*arguments)
        except xo.OmeZarrError as refusal:
            assert str(refusal)
            return refusal
    return None


class Recorder(zarr.storage.MemoryStore):
    """A store in memory that notes every key."""

    def __init__(self, folder: Path) -> None:
        make = default_buffer_prototype().buffer.from_bytes
        files = (file for file in folder.rglob("*") if file.is_file())
        super().__init__(
            {f.relative_to(folder).as_posix(): make(f.read_bytes()) for f in files}
        )
        self.asked: list[str] = []

    async def get(self, key: str, *arguments: Any, **options: Any) -> Any:
        self.asked.append(key)
        return await super().get(key, *arguments, **options)

    async def set(self, key: str, *arguments: Any, **options: Any) -> None:
        self.asked.append(key)
        await super().set(key, *arguments, **options)

    async def delete(self, key: str) -> None:
        self.asked.append(key)
        await super().delete(key)

    async def delete_dir(self, prefix: str) -> None:
        self.asked.append(prefix)
        await super().delete_dir(prefix)

    @property
    def odd(self) -> list[str]:
        """Keys that no store should be asked for."""
        return [
            key
            for key in self.asked
            if {"..", "."} & {*key.split("/")}
            or {"\\", "\0"} & {*key}
            or key[:1] == "/"
        ]


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        super().do_GET()

    def do_HEAD(self) -> None:
        self.server.asked.append(self.path)
        super().do_HEAD()

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def served(folder: Path):
    """A web server of a folder: its address, and the paths it is asked for."""
    handler = functools.partial(_Handler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", server.asked
        finally:
            server.shutdown()
            thread.join()
