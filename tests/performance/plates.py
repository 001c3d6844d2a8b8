"""The contestants that write a plate, each as its documentation says it is used."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.performance.floor import levels_by_hand
from tests.performance.places import CHANNELS, DIMS, SCALE, Place, names, places, wells
from tests.performance.works import Work, blosc


def tree_of(work: Work, pixels: Any) -> Any:
    """The plate as somebody who works with xarray has it."""
    import numpy as np
    import xarray as xr

    fields = {}
    for place, image in zip(places(len(pixels), work.fields), pixels, strict=True):
        attrs = {"units": "micrometer"}
        coords: dict[str, Any] = {"c": list(CHANNELS)}
        for dim, start in (("y", place.y), ("x", place.x)):
            steps = np.arange(image.shape[DIMS.index(dim)])
            coords[dim] = (dim, start + SCALE[dim] * steps, attrs)
        coords["z"] = ("z", [0.0], {**attrs, "spacing": SCALE["z"]})
        array = xr.DataArray(image, dims=DIMS, coords=coords, name="image")
        fields[place.path] = array.to_dataset()
    return xr.DataTree.from_dict(fields)


def ours(work: Work, pixels: Any, target: Any) -> None:
    import xarray_omezarr  # noqa: F401  # registers the accessor

    tree_of(work, pixels).omezarr.to_plate(
        target,
        scale_factors=list(work.factors),
        chunks=work.chunks,
        compression=blosc(work),
    )


def prepare_floor(work: Work, pixels: Any, target: Path) -> Callable[[], None]:
    """The bytes of all files of our plate; the call makes the same files of them.

    Folders are made before the files in them, one after the other, in one thread.
    """
    with tempfile.TemporaryDirectory(dir=target.parent) as aside:
        # A plate is called as its folder is.
        first = Path(aside) / target.name
        ours(work, pixels, first)
        inside = sorted(first.rglob("*"))
        folders = [path.relative_to(first) for path in inside if path.is_dir()]
        files = [path.relative_to(first) for path in inside if path.is_file()]
        contents = [(first / path).read_bytes() for path in files]

    def run() -> None:
        target.mkdir()
        for folder in folders:
            (target / folder).mkdir()
        for path, content in zip(files, contents, strict=True):
            with open(target / path, "wb") as file:
                file.write(content)

    return run


def yaozarrs_image(work: Work, place: Place) -> Any:
    """The metadata of one field."""
    from yaozarrs import v05

    datasets = []
    for number, factor in enumerate((1, *work.factors)):
        step = SCALE["y"] * factor
        # Means lie between the pixels that they were made of.
        shift = (step - SCALE["y"]) / 2
        scale = v05.ScaleTransformation(scale=[1.0, SCALE["z"], step, step])
        first = [0.0, 0.0, place.y + shift, place.x + shift]
        moved = v05.TranslationTransformation(translation=first)
        datasets.append(
            v05.Dataset(path=str(number), coordinateTransformations=[scale, moved])
        )
    axes = [v05.ChannelAxis(name="c")]
    axes += [v05.SpaceAxis(name=name, unit="micrometer") for name in "zyx"]
    return v05.Image(multiscales=[v05.Multiscale(axes=axes, datasets=datasets)])


def yaozarrs(work: Work, pixels: Any, target: Path, *, writer: str) -> None:
    from yaozarrs.write.v05 import write_plate

    images = {}
    for place, image in zip(places(len(pixels), work.fields), pixels, strict=True):
        levels = levels_by_hand(image, work.method, work.factors)
        key = (place.row, place.column, place.field)
        images[key] = (yaozarrs_image(work, place), levels)
    write_plate(target, images, writer=writer, chunks=work.chunks)


def ome_zarr(work: Work, pixels: Any, target: Any, *, method: str) -> None:
    import zarr
    from ome_zarr.scale import Methods
    from ome_zarr.writer import (
        write_image,
        write_plate_metadata,
        write_well_metadata,
    )

    fields = places(len(pixels), work.fields)
    rows, columns = names(fields)
    root = zarr.open_group(target, mode="w")
    grouped = wells(fields)
    write_plate_metadata(root, rows, columns, list(grouped), field_count=work.fields)
    for path, members in grouped.items():
        well = root.require_group(path)
        write_well_metadata(well, [place.field for place in members])
    for place, image in zip(fields, pixels, strict=True):
        write_image(
            image,
            root.require_group(place.path),
            axes="czyx",
            scale={"c": 1.0, **SCALE},
            scale_factors=list(work.factors),
            method=Methods[method],
            storage_options={"chunks": work.chunks, "compressors": blosc(work)},
        )


def ngio(work: Work, pixels: Any, target: Path) -> None:
    from ngio import (
        ImageInWellPath,
        create_empty_plate,
        create_ome_zarr_from_array,
    )

    fields = places(len(pixels), work.fields)
    plate = create_empty_plate(
        target,
        name="plate",
        images=[
            ImageInWellPath(row=p.row, column=p.column, path=p.field) for p in fields
        ],
        ngff_version="0.5",
    )
    for place, image in zip(fields, pixels, strict=True):
        create_ome_zarr_from_array(
            plate.get_image_store(place.row, place.column, place.field),
            image,
            pixelsize=SCALE["y"],
            z_spacing=SCALE["z"],
            translation=[0.0, 0.0, place.y, place.x],
            scaling_factors=[1.0, 1.0, 2.0, 2.0],
            levels=1 + len(work.factors),
            axes_names=list(DIMS),
            channels_meta=list(CHANNELS),
            ngff_version="0.5",
            chunks=work.chunks,
            compressors=blosc(work),
        )
