"""The same image, written and overwritten by others as their documentation says."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dask.array
import numpy as np

from tests.faults import readers
from tests.faults.judges import Known, halved
from tests.faults.writes import NAME, pixels

#: Where an image is told and pixels of it are missing, or nothing is left of the old.
TORN, GONE = "torn", "gone"


def ome_zarr(folder: str, seed: int) -> None:
    """``write_image`` into a group that is opened for writing."""
    import zarr
    from ome_zarr.writer import write_image

    write_image(
        _lazy(seed),
        zarr.open_group(f"{folder}/{NAME}", mode="w"),
        axes="cyx",
        scale={"c": 1.0, "y": 0.5, "x": 0.5},
        scale_factors=[2, 4],
        storage_options={"chunks": (1, 16, 16)},
    )


def yaozarrs(folder: str, seed: int) -> None:
    """``write_image`` with levels that are made beforehand."""
    from yaozarrs import v05
    from yaozarrs.write.v05 import write_image

    levels = [pixels(seed)]
    levels += [level := halved(levels[-1]), halved(level)]
    axes: list[Any] = [v05.ChannelAxis(name="c")]
    axes += [v05.SpaceAxis(name=name, unit="micrometer") for name in "yx"]
    datasets = []
    for number, factor in enumerate((1, 2, 4)):
        scale = v05.ScaleTransformation(scale=[1.0, 0.5 * factor, 0.5 * factor])
        datasets.append(
            v05.Dataset(path=str(number), coordinateTransformations=[scale])
        )
    image = v05.Image(multiscales=[v05.Multiscale(axes=axes, datasets=datasets)])
    write_image(
        f"{folder}/{NAME}",
        image,
        levels,
        writer="zarr",
        chunks=(1, 16, 16),
        overwrite=True,
    )


def ngff_zarr(folder: str, seed: int) -> None:
    """``to_ngff_zarr`` of multiscales."""
    import ngff_zarr as nz

    image = nz.to_ngff_image(
        _lazy(seed), dims=("c", "y", "x"), scale={"c": 1.0, "y": 0.5, "x": 0.5}
    )
    levels = nz.to_multiscales(
        image,
        scale_factors=[{"y": 2, "x": 2}, {"y": 4, "x": 4}],
        chunks={"c": 1, "y": 16, "x": 16},
    )
    nz.to_ngff_zarr(f"{folder}/{NAME}", levels, version="0.5", overwrite=True)


def _lazy(seed: int) -> Any:
    return dask.array.from_array(pixels(seed), (1, 16, 16))


#: Who takes part, by the module that must be installed.
WRITERS: dict[str, Callable[[str, int], None]] = {
    "ome_zarr": ome_zarr,
    "yaozarrs": yaozarrs,
    "ngff_zarr": ngff_zarr,
}


def installed() -> list[str]:
    """Peers that are here."""
    return [name for name in WRITERS if importlib.util.find_spec(name) is not None]


def left(folder: Path, known: Known) -> str:
    """What a peer leaves; nothing is wrong, for this only counts.

    ``"old"`` and ``"new"`` are whole, ``"torn"`` is told as an image and is neither,
    ``"gone"`` is told as nothing where there was an image, ``"nothing"`` where there
    was none.
    """
    place = folder / known.name
    try:
        is_told = readers.is_told(readers.attributes(place))
    except Exception:
        is_told = False
    if not is_told:
        return "nothing" if known.old is None else GONE
    try:
        found = readers.seen(place)
    except Exception:
        return TORN
    for end, state in (("old", known.old), ("new", known.new)):
        if state is not None and _same_pixels(found, state):
            return end
    return TORN


def _same_pixels(found: readers.Seen, state: readers.Seen) -> bool:
    # Metadata may hold the time at which they were written.
    return found.arrays.keys() == state.arrays.keys() and all(
        np.array_equal(array, state.arrays[path])
        for path, array in found.arrays.items()
    )
