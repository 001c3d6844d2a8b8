"""A demonstration: two real pictures written as OME-Zarr, re-opened and compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from xarray_omezarr.errors import (
    MissingDependencyError,
    OmeZarrError,
    TargetExistsError,
)

# The pictures are small. With chunks of this size they still get a pyramid.
_CHUNKS = {"y": 128, "x": 128}

# Of scikit-image's `cell`, as its description says.
_CELL_PIXEL = 0.107
# The picture of the tissue says nothing of its scale; this is usual for a slide
# scanner at 20 x.
_TISSUE_PIXEL = 0.5

_SMALLEST_OBJECT = 64


@dataclass(frozen=True, slots=True)
class Sample:
    """One picture of the demonstration.

    Parameters
    ----------
    name : str
        File name without its ending.
    pixels : xarray.DataArray
        What is written; coordinates are pixel centres in micrometer.
    method : {"mean", "mode"}
        How the coarser levels are made.
    remark : str
        Where the picture and its pixel size come from.
    """

    name: str
    pixels: xr.DataArray
    method: Literal["mean", "mode"]
    remark: str


def run_demo(directory: Path, *, overwrite: bool = False) -> Iterator[str]:
    """Write the samples, re-open each and compare; yield an account by lines.

    Parameters
    ----------
    directory : pathlib.Path
        Folder of the images; made if it is not there.
    overwrite : bool
        Replace the images of an earlier run, instead of refusing.

    Raises
    ------
    TargetExistsError
        If an image is there already and `overwrite` is False. Nothing is written.
    MissingDependencyError
        If scikit-image, which holds the pictures, is not installed.
    OmeZarrError
        If pixels or coordinates did not come back as they were.
    """
    samples = demo_samples()
    if not overwrite:
        _refuse_existing(directory, samples)
    directory.mkdir(parents=True, exist_ok=True)
    yield f"Writing {len(samples)} OME-Zarr images to {directory}"
    for sample in samples:
        path = _path(directory, sample)
        sample.pixels.omezarr.to_image(
            path,
            mode="w" if overwrite else None,
            method=sample.method,
            chunks=_CHUNKS,
        )
        tree = xr.open_datatree(path, engine="omezarr", chunks=None)
        _check_round_trip(path, sample.pixels, tree["0"].dataset["image"])
        yield ""
        yield from _account(path, sample, tree)
    first = _path(directory, samples[0]).as_posix()
    yield ""
    yield "Open one yourself:"
    yield f'    xarray.open_datatree("{first}", engine="omezarr")'


def demo_samples() -> tuple[Sample, ...]:
    """The pictures inside scikit-image, and labels segmented from each.

    Returns
    -------
    tuple of Sample
        A cell (y, x), its labels, a stained tissue (c, y, x), and its labels.
    """
    try:
        from skimage import data  # an extra; the rest of the package does without
    except ImportError as missing:
        raise MissingDependencyError(
            "The pictures of the demonstration are inside scikit-image, which is not "
            "installed; pip install 'xarray-omezarr[demo]'"
        ) from missing
    cell = _picture(data.cell(), _CELL_PIXEL)
    tissue = _stains(_picture(data.immunohistochemistry(), _TISSUE_PIXEL, rgb=True))
    cells, nuclei = _segment(cell), _segment(tissue.sel(c="Hematoxylin", drop=True))
    return (
        Sample("cell", cell, "mean", "a cell by its phase, at its true pixel size"),
        Sample("cell_labels", cells, "mode", "the cell, segmented"),
        Sample("tissue", tissue, "mean", "colon in three stains, pixel size assumed"),
        Sample("tissue_labels", nuclei, "mode", "its nuclei, segmented"),
    )


def _picture(values: NDArray[Any], pixel: float, *, rgb: bool = False) -> xr.DataArray:
    """The picture with pixel centres in micrometer, the first at 0."""
    dims = ("y", "x", "rgb") if rgb else ("y", "x")
    picture: xr.DataArray = xr.DataArray(values, dims=dims).omezarr.assign_grid(
        scale={"y": pixel, "x": pixel}, units={"y": "micrometer", "x": "micrometer"}
    )
    return picture


def _stains(picture: xr.DataArray) -> xr.DataArray:
    """The amount of each stain, float32, dims (c, y, x)."""
    from skimage.color import rgb2hed  # an extra

    amounts = picture.copy(data=rgb2hed(picture.values).astype(np.float32))
    named = amounts.rename(rgb="c").assign_coords(c=["Hematoxylin", "Eosin", "DAB"])
    return named.transpose("c", "y", "x")


def _segment(plane: xr.DataArray) -> xr.DataArray:
    """Connected regions brighter than Otsu's threshold, numbered from 1."""
    from skimage.filters import gaussian, threshold_otsu  # an extra
    from skimage.measure import label, regionprops

    smooth = gaussian(plane.values, sigma=2)
    regions = label(smooth > threshold_otsu(smooth))
    large = [r.label for r in regionprops(regions) if r.area >= _SMALLEST_OBJECT]
    numbers = np.zeros(regions.max() + 1, np.uint16)
    numbers[large] = np.arange(1, len(large) + 1)
    return plane.copy(data=numbers[regions])


def _refuse_existing(directory: Path, samples: tuple[Sample, ...]) -> None:
    taken = [s.name for s in samples if _path(directory, s).exists()]
    if taken:
        raise TargetExistsError(
            f"Folder {str(directory)!r} already holds {', '.join(taken)} (.ome.zarr); "
            "give another folder, or --overwrite to replace them"
        )


def _path(directory: Path, sample: Sample) -> Path:
    return directory / f"{sample.name}.ome.zarr"


def _check_round_trip(path: Path, written: xr.DataArray, read: xr.DataArray) -> None:
    """Raise unless pixels, type and coordinates are what was written."""
    # Reading adds what viewers need to know of each channel, as further coordinates.
    plain = read.reset_coords(drop=True)
    if plain.dtype != written.dtype or not plain.equals(written):
        raise OmeZarrError(f"{path} does not hold what was written")


def _account(path: Path, sample: Sample, tree: xr.DataTree) -> Iterator[str]:
    """What stands in the re-opened image, in words and numbers."""
    finest = tree["0"].dataset["image"]
    yield f"{path.name}: {sample.remark}"
    if sample.method == "mode":
        yield f"    objects   {int(finest.max())}"
    elif "c" in finest.coords:
        yield f"    channels  {', '.join(finest['c'].values)}"
    for name in sorted(tree.children, key=int):
        yield f"    level {name}   {_describe(tree.children[name].dataset['image'])}"
    yield "    check     pixels and coordinates came back equal"


def _describe(level: xr.DataArray) -> str:
    grid = level.omezarr.grid
    sizes = ", ".join(f"{dim} {size}" for dim, size in level.sizes.items())
    spatial = [axis for axis in grid.axes if axis.type == "space"]
    pixel = " x ".join(f"{axis.scale:g}" for axis in spatial)
    return f"{sizes}; {level.dtype}; pixel {pixel} {spatial[-1].unit}"
