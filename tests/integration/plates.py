"""Plates, label images and collections written out by hand, as the standard says."""

from __future__ import annotations

import numpy as np
import zarr

SHAPE = (2, 8, 6)
CHANNELS = ("DAPI", "GFP")


def pixels(number=1, shape=SHAPE):
    """Pixels that tell their field: none of them is 0."""
    return (np.arange(np.prod(shape)).reshape(shape) + 1000 * number).astype("uint16")


def put(group, zarr_format, **metadata):
    """The metadata of a group, as the version of its Zarr format spells them."""
    attrs = metadata if zarr_format == 2 else {"ome": {"version": "0.5", **metadata}}
    group.attrs.put(attrs)


def image(
    group,
    zarr_format,
    data,
    *,
    origin=(0.0, 0.0),
    levels=2,
    channels=CHANNELS,
    scale=0.5,
    limits=(3, 200),
    **more,
):
    """An image with dims (c), y, x whose first pixel is at `origin`."""
    names = "cyx"[-data.ndim :]
    axes = [{"name": "c", "type": "channel"}] * (data.ndim - 2)
    axes += [{"name": n, "type": "space", "unit": "micrometer"} for n in "yx"]
    ones, zeros = [1.0] * (data.ndim - 2), [0.0] * (data.ndim - 2)
    datasets = []
    for level in range(levels):
        step = 2**level
        chain = [
            {"type": "scale", "scale": [*ones, scale * step, scale * step]},
            {"type": "translation", "translation": [*zeros, *origin]},
        ]
        datasets.append({"path": str(level), "coordinateTransformations": chain})
        part = data[..., ::step, ::step]
        extra = {} if zarr_format == 2 else {"dimension_names": list(names)}
        chunks = (*(1,) * (data.ndim - 2), 4, 4)
        group.create_array(str(level), data=part, chunks=chunks, **extra)
    multiscale = {"name": f"at {origin}", "axes": axes, "datasets": datasets}
    if zarr_format == 2:
        multiscale["version"] = "0.4"
    if channels:
        start, end = limits
        window = {"min": 0, "max": 65535, "start": start, "end": end}
        shown = [
            {"label": label, "color": "00FF00", "active": True, "window": window}
            for label in channels
        ]
        more["omero"] = {"channels": shown}
    put(group, zarr_format, multiscales=[multiscale], **more)


def label(group, zarr_format, data, **more):
    """A label image."""
    image(group, zarr_format, data, channels=(), **{"image-label": {}, **more})


def plate(store, zarr_format=3, fields=None, *, listed=None, **more):
    """A plate; `fields` are keywords of `image` by path, `listed` what it lists."""
    fields = fields or {
        path: {"origin": (10.0 * n, 5.5 * n), "limits": (n, 200 + n)}
        for n, path in enumerate(["A/1/0", "A/1/1", "B/10/0", "B/2/0", "B/2/10"])
    }
    listed = [*fields] if listed is None else listed
    paths = list(dict.fromkeys(path.rpartition("/")[0] for path in listed))
    rows = sorted({path.split("/")[0] for path in paths})
    columns = sorted({path.split("/")[1] for path in paths}, key=int)
    wells = [
        {
            "path": path,
            "rowIndex": rows.index(path.split("/")[0]),
            "columnIndex": columns.index(path.split("/")[1]),
        }
        for path in paths
    ]
    root = zarr.create_group(store, zarr_format=zarr_format)
    for number, (path, keywords) in enumerate(fields.items(), 1):
        own = {"data": pixels(number), **keywords}
        image(root.require_group(path), zarr_format, **own)
    for path in paths:
        images = [
            {"path": name.rpartition("/")[2], "acquisition": int("1" in name[-1:])}
            for name in listed
            if name.rpartition("/")[0] == path
        ]
        well = {"version": "0.4" if zarr_format == 2 else "0.5", "images": images}
        put(root.require_group(path), zarr_format, well=well)
    told = {
        "name": "by hand",
        "rows": [{"name": name} for name in rows],
        "columns": [{"name": name} for name in columns],
        "wells": wells,
        "acquisitions": [{"id": 0, "name": "first"}, {"id": 1, "name": "second"}],
        "version": "0.4" if zarr_format == 2 else "0.5",
    }
    put(root, zarr_format, plate=told, **more)
    return root
