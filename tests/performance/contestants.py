"""The contestants: each tool as its documentation says it is used."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from tests.performance import opening, plates
from tests.performance.data import DIMS, SCALE
from tests.performance.floor import levels_by_hand, prepare_floor
from tests.performance.works import FACTORS, Work, blosc

Prepare = Callable[[Work, Any, Any], Callable[[], object]]

_W1 = ("w1", "w1-4x", "w1-own")
_W2 = ("w2", "w2-4x")
_W4 = ("w4", "w4-disk")
_W5 = ("w5-nearest", "w5-mode")
_OPEN = ("plate-tree", "plate-stack")
_SCALE = dict(zip(DIMS, SCALE, strict=True))


@dataclass(frozen=True, slots=True)
class Contestant:
    """A way to write an image or a plate, or to open one.

    Attributes
    ----------
    prepare
        Of the work, the pixels and the place; gives the call whose time is taken.
    needs
        Modules that must be installed.
    works
        Names of the works it takes part in; others it has no way to do.
    """

    name: str
    prepare: Prepare
    works: tuple[str, ...]
    needs: tuple[str, ...] = ()

    def missing(self) -> list[str]:
        """Modules that are not installed."""
        return [name for name in self.needs if importlib.util.find_spec(name) is None]


def at_once(job: Callable[..., object], **options: Any) -> Prepare:
    """A contestant that needs no preparation: all it does is timed."""
    return lambda work, pixels, target: partial(job, work, pixels, target, **options)


def by_kind(image: Prepare, plate: Prepare, opening: Prepare | None = None) -> Prepare:
    """A contestant that does images, plates and perhaps opens plates."""

    def prepare(work: Work, pixels: Any, target: Any) -> Callable[[], object]:
        if opening is not None and work.verb != "write":
            return opening(work, pixels, target)
        return (plate if work.kind == "plate" else image)(work, pixels, target)

    return prepare


def ours(work: Work, pixels: Any, target: Any, **further: Any) -> None:
    import xarray as xr

    import xarray_omezarr  # noqa: F401  # registers the accessor

    image = xr.DataArray(pixels, dims=DIMS)
    image = image.omezarr.assign_grid(scale={d: _SCALE[d] for d in "zyx"})
    layout: dict[str, Any] = {}
    if work.codec == "matched":
        layout = {"chunks": work.chunks, "shards": work.shards}
        layout["compression"] = blosc(work)
    image.omezarr.to_image(
        target, scale_factors=list(FACTORS), method=work.method, **layout, **further
    )


def ours_with_zarrs(work: Work, pixels: Any, target: Any) -> None:
    import zarr
    import zarrs  # noqa: F401  # registers its pipeline

    with zarr.config.set({"codec_pipeline.path": "zarrs.ZarrsCodecPipeline"}):
        ours(work, pixels, target)


def yaozarrs(work: Work, pixels: Any, target: Path, *, writer: str) -> None:
    from yaozarrs import v05
    from yaozarrs.write.v05 import write_image

    if work.source == "numpy":
        levels = levels_by_hand(pixels, work.method)
    else:
        levels = lazy_levels(pixels)
    axes = [v05.TimeAxis(name="t"), v05.ChannelAxis(name="c")]
    axes += [v05.SpaceAxis(name=name, unit="micrometer") for name in "zyx"]
    datasets = []
    for number, factor in enumerate((1, *FACTORS)):
        scale = [*SCALE[:3], SCALE[3] * factor, SCALE[4] * factor]
        transform = v05.ScaleTransformation(scale=scale)
        datasets.append(
            v05.Dataset(path=str(number), coordinateTransformations=[transform])
        )
    image = v05.Image(multiscales=[v05.Multiscale(axes=axes, datasets=datasets)])
    layout: dict[str, Any] = {}
    if work.codec == "matched":
        layout = {"chunks": work.chunks, "shards": work.shards}
    write_image(target, image, levels, writer=writer, **layout)


def lazy_levels(pixels: Any) -> list[Any]:
    """A pyramid by hand with dask: means, rounded at each level."""
    import dask.array as da
    import numpy as np

    levels = [pixels]
    for _ in FACTORS:
        means = da.coarsen(np.mean, levels[-1], {3: 2, 4: 2})
        levels.append(da.rint(means).astype(pixels.dtype))
    return levels


def ome_zarr(work: Work, pixels: Any, target: Any, *, method: str) -> None:
    import zarr
    from ome_zarr.scale import Methods
    from ome_zarr.writer import write_image

    layout: dict[str, Any] = {}
    if work.codec == "matched":
        layout = {"chunks": work.chunks, "compressors": blosc(work)}
    if work.shards:
        layout["shards"] = work.shards
    write_image(
        pixels,
        zarr.open_group(target, mode="w"),
        axes="tczyx",
        scale=_SCALE,
        scale_factors=list(FACTORS),
        method=Methods[method],
        storage_options=layout or None,
    )


def ngff_zarr(work: Work, pixels: Any, target: Path, *, method: str | None) -> None:
    import ngff_zarr as nz

    image = nz.to_ngff_image(pixels, dims=DIMS, scale=_SCALE)
    matched = work.codec == "matched"
    multiscales = nz.to_multiscales(
        image,
        scale_factors=[{"z": 1, "y": factor, "x": factor} for factor in FACTORS],
        method=None if method is None else nz.Methods[method],
        chunks=dict(zip(DIMS, work.chunks, strict=True)) if matched else None,
    )
    layout: dict[str, Any] = {"compressors": blosc(work)} if matched else {}
    if work.shards:
        pairs = zip(work.shards, work.chunks, strict=True)
        layout["chunks_per_shard"] = tuple(a // b for a, b in pairs)
    nz.to_ngff_zarr(str(target), multiscales, version="0.5", **layout)


def bioio(work: Work, pixels: Any, target: Path) -> None:
    from bioio_ome_zarr.writers import OMEZarrWriter

    *leading, height, width = pixels.shape
    shapes = [(*leading, height // f, width // f) for f in (1, *FACTORS)]
    layout: dict[str, Any] = {}
    if work.codec == "matched":
        # It takes one shape for all levels only where that fits all of them.
        layout = {"compressor": blosc(work)}
        layout["chunk_shape"] = [tuple(map(min, work.chunks, s)) for s in shapes]
    writer = OMEZarrWriter(
        str(target),
        level_shapes=shapes,
        dtype=pixels.dtype,
        axes_names=list(DIMS),
        physical_pixel_size=list(SCALE),
        **layout,
    )
    writer.write_full_volume(pixels)


def ngio(work: Work, pixels: Any, target: Path) -> None:
    from ngio import create_ome_zarr_from_array

    layout: dict[str, Any] = {}
    if work.codec == "matched":
        layout = {"chunks": work.chunks, "compressors": blosc(work)}
    create_ome_zarr_from_array(
        target,
        pixels,
        pixelsize=SCALE[-1],
        z_spacing=SCALE[-3],
        scaling_factors=[1.0, 1.0, 1.0, 2.0, 2.0],
        levels=1 + len(FACTORS),
        axes_names=list(DIMS),
        ngff_version="0.5",
        **layout,
    )


def acquire(work: Work, pixels: Any, target: Path) -> None:
    import acquire_zarr as aqz

    kinds = dict.fromkeys(DIMS, aqz.DimensionType.SPACE)
    kinds |= {"t": aqz.DimensionType.TIME, "c": aqz.DimensionType.CHANNEL}
    shards = work.shards or work.chunks
    dimensions = [
        aqz.Dimension(
            name=name,
            kind=kinds[name],
            array_size_px=size,
            chunk_size_px=chunk,
            shard_size_chunks=shard // chunk,
        )
        for name, size, chunk, shard in zip(
            DIMS, pixels.shape, work.chunks, shards, strict=True
        )
    ]
    compression = aqz.CompressionSettings(
        compressor=aqz.Compressor.BLOSC1,
        codec=aqz.CompressionCodec.BLOSC_ZSTD,
        level=3,
        shuffle=1,
    )
    array = aqz.ArraySettings(
        dimensions=dimensions,
        data_type=pixels.dtype,
        compression=compression,
        downsampling_method=aqz.DownsamplingMethod.MEAN,
        max_levels=len(FACTORS),
    )
    stream = aqz.ZarrStream(
        aqz.StreamSettings(store_path=str(target), arrays=[array], overwrite=True)
    )
    # It is fed as a camera would: plane after plane.
    for plane in pixels.reshape(-1, *pixels.shape[-2:]):
        stream.append(plane)
    stream.close()


_EVERYWHERE = (*_W1, *_W2, "w3", *_W4, *_W5, "cluster", "fast", "slow")
_YAO_WORKS = (*_W1, *_W2, "w3", *_W4)
_YAO, _OME, _NGFF = ("yaozarrs", "tensorstore"), ("ome_zarr",), ("ngff_zarr",)

CONTESTANTS: dict[str, Contestant] = {
    contestant.name: contestant
    for contestant in (
        Contestant(
            "ours",
            by_kind(at_once(ours), at_once(plates.ours), opening.prepare_ours),
            (*_EVERYWHERE, *_OPEN),
        ),
        Contestant(
            "ours-tensorstore",
            at_once(ours, writer="tensorstore"),
            ("w1", "w2", "w3"),
            ("tensorstore",),
        ),
        Contestant(
            "ours-zarrs", at_once(ours_with_zarrs), ("w1", "w2", "w3"), ("zarrs",)
        ),
        Contestant(
            "floor",
            by_kind(prepare_floor, plates.prepare_floor, opening.prepare_floor),
            (*_W1, *_W2, "w3", *_W4, *_W5, *_OPEN),
            ("numcodecs",),
        ),
        Contestant(
            "yaozarrs-tensorstore",
            by_kind(
                at_once(yaozarrs, writer="tensorstore"),
                at_once(plates.yaozarrs, writer="tensorstore"),
            ),
            _YAO_WORKS,
            _YAO,
        ),
        Contestant(
            "yaozarrs-zarr",
            by_kind(
                at_once(yaozarrs, writer="zarr"),
                at_once(plates.yaozarrs, writer="zarr"),
            ),
            _YAO_WORKS,
            _YAO,
        ),
        Contestant(
            "ome-zarr-local-mean",
            by_kind(
                at_once(ome_zarr, method="LOCAL_MEAN"),
                at_once(plates.ome_zarr, method="LOCAL_MEAN"),
            ),
            ("w1", "w1-4x", *_W2, "w3", *_W4, "cluster", "fast", "slow"),
            _OME,
        ),
        Contestant(
            "ome-zarr",
            by_kind(
                at_once(ome_zarr, method="RESIZE"),
                at_once(plates.ome_zarr, method="RESIZE"),
            ),
            ("w1", "w1-own", *_W4),
            _OME,
        ),
        Contestant(
            "ome-zarr-nearest", at_once(ome_zarr, method="NEAREST"), _W5[:1], _OME
        ),
        Contestant(
            "ngff-zarr-bin-shrink",
            at_once(ngff_zarr, method="DASK_BIN_SHRINK"),
            ("w1", *_W2, "w3"),
            _NGFF,
        ),
        Contestant(
            "ngff-zarr",
            at_once(ngff_zarr, method=None),
            ("w1", "w1-own"),
            (*_NGFF, "itkwasm_downsample"),
        ),
        Contestant(
            "bioio-ome-zarr",
            at_once(bioio),
            ("w1", "w1-own", "w2"),
            ("bioio_ome_zarr",),
        ),
        Contestant(
            "ngio",
            by_kind(at_once(ngio), at_once(plates.ngio)),
            ("w1", "w1-own", *_W4),
            ("ngio",),
        ),
        Contestant("acquire-zarr", at_once(acquire), ("w1", "w3"), ("acquire_zarr",)),
    )
}
