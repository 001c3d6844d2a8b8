"""A large plate of metadata, and what opens it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.performance.places import CHANNELS, DIMS, SCALE, Place, names, places, wells
from tests.performance.works import Work

_SIDE = 512


def _put(folder: Path, **members: object) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"zarr_format": 3, **members})
    (folder / "zarr.json").write_text(text, encoding="utf-8")


def _put_group(folder: Path, **ome: object) -> None:
    attributes = {"ome": {"version": "0.5", **ome}} if ome else {}
    _put(folder, node_type="group", attributes=attributes)


def _multiscale(place: Place, factors: tuple[int, ...]) -> dict[str, Any]:
    datasets = []
    for number, factor in enumerate((1, *factors)):
        step = SCALE["y"] * factor
        shift = (step - SCALE["y"]) / 2
        scale = {"type": "scale", "scale": [1.0, SCALE["z"], step, step]}
        first = [0.0, 0.0, place.y + shift, place.x + shift]
        moved = {"type": "translation", "translation": first}
        datasets.append(
            {"path": str(number), "coordinateTransformations": [scale, moved]}
        )
    unit = "micrometer"
    space = [{"name": name, "type": "space", "unit": unit} for name in "zyx"]
    axes = [{"name": "c", "type": "channel"}, *space]
    return {"name": place.path, "axes": axes, "datasets": datasets}


def _omero() -> dict[str, Any]:
    window = {"min": 0, "max": 65535, "start": 100, "end": 900}
    colors = ("0000FF", "00FF00")
    pairs = zip(CHANNELS, colors, strict=True)
    return {
        "channels": [
            {"label": label, "color": color, "active": True, "window": window}
            for label, color in pairs
        ]
    }


def _put_array(folder: Path, side: int) -> None:
    """A level without a single chunk: its pixels are 0."""
    shape = [len(CHANNELS), 1, side, side]
    blosc = {"cname": "zstd", "clevel": 1, "shuffle": "shuffle", "typesize": 2}
    codecs = [
        {"name": "bytes", "configuration": {"endian": "little"}},
        {"name": "blosc", "configuration": {**blosc, "blocksize": 0}},
    ]
    _put(
        folder,
        node_type="array",
        shape=shape,
        data_type="uint16",
        chunk_grid={
            "name": "regular",
            "configuration": {"chunk_shape": [1, 1, side, side]},
        },
        chunk_key_encoding={"name": "default", "configuration": {"separator": "/"}},
        fill_value=0,
        codecs=codecs,
        dimension_names=list(DIMS),
        attributes={},
    )


def put_plate(target: Path, work: Work) -> None:
    """Write the metadata of a plate with `work.mebibytes` fields, file by file."""
    fields = places(work.mebibytes, work.fields)
    rows, columns = names(fields)
    grouped = wells(fields)
    for row in rows:
        _put_group(target / row)
    for path, members in grouped.items():
        images = [{"path": place.field} for place in members]
        _put_group(target / path, well={"version": "0.5", "images": images})
    for place in fields:
        folder = target / place.path
        multiscale = _multiscale(place, work.factors)
        _put_group(folder, multiscales=[multiscale], omero=_omero())
        for number, factor in enumerate((1, *work.factors)):
            _put_array(folder / str(number), _SIDE // factor)
    listed = [
        {
            "path": path,
            "rowIndex": rows.index(members[0].row),
            "columnIndex": columns.index(members[0].column),
        }
        for path, members in grouped.items()
    ]
    plate = {
        "version": "0.5",
        "name": "plate",
        "field_count": work.fields,
        "rows": [{"name": name} for name in rows],
        "columns": [{"name": name} for name in columns],
        "wells": listed,
    }
    _put_group(target, plate=plate)


def plate_folder(work: Work, folder: Path) -> Path:
    """The plate of `work`, made at the first call."""
    path = folder / f"opened-{work.mebibytes}-{work.fields}.ome.zarr"
    if not path.exists():
        partial = folder / f"{path.name}.partial"
        put_plate(partial, work)
        partial.rename(path)
    return path


def ours(work: Work, target: Path) -> Any:
    import xarray as xr

    import xarray_omezarr as xo

    if work.verb == "stack":
        return xo.open_plate(target)
    return xr.open_datatree(target, engine="omezarr")


def prepare_ours(work: Work, pixels: Any, target: Path) -> Callable[[], Any]:
    """Opening the plate that is at `target`; `pixels` there are none."""
    return lambda: ours(work, target)


def prepare_floor(work: Work, pixels: Any, target: Path) -> Callable[[], None]:
    """Reading and parsing the files that tell of plate, wells, fields and level 0."""
    fields = places(work.mebibytes, work.fields)
    needed = ["", *wells(fields)]
    needed += [place.path + end for place in fields for end in ("", "/0")]

    def run() -> None:
        for path in needed:
            json.loads((target / path / "zarr.json").read_bytes())

    return run
