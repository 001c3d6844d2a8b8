"""What is written satisfies the official schemas and the models of two neighbours."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import ome_zarr_models.v04.image
import ome_zarr_models.v05.image
import pytest
import yaozarrs.v04
import yaozarrs.v05

from xarray_omezarr.ngff import (
    Axis,
    Channel,
    Image,
    Level,
    Multiscale,
    Omero,
    Scale,
    Translation,
    Window,
)
from xarray_omezarr.ngff.versions import registry

SchemaErrors = Callable[[str, str, dict[str, Any]], list[str]]

KINDS = {"t": "time", "c": "channel", "a": "angle"}
UNITS = {"time": "second", "space": "micrometer", "angle": "degree"}
FULL = {"name": "cells", "type": "mean", "metadata": {"method": "by hand"}}
OPTIONS = ("units", "shifted", "full", "omero")


def written_image(
    dims: str, levels: int, *, units: bool, shifted: bool, full: bool, omero: bool
) -> Image:
    """An image with dims such as ``"tczyx"``, halved in y and x at each level."""
    kinds = [KINDS.get(dim, "space") for dim in dims]
    axes = [
        Axis(name=dim, type=kind, unit=UNITS.get(kind) if units else None)
        for dim, kind in zip(dims, kinds, strict=True)
    ]
    scale = [0.1 * 2**level for level in range(levels)]
    planes = [
        Level.of(
            f"s{level}",
            [scale[level] if dim in "yx" else 1 for dim in dims],
            [10 + scale[level] / 2 if dim in "yx" else 0 for dim in dims]
            if shifted
            else (),
        )
        for level in range(levels)
    ]
    picture = Multiscale.of(axes, planes, **(FULL if full else {}))
    if shifted:
        after = (
            Scale(scale=[2.0] * len(dims)),
            Translation(translation=[-1.0] * len(dims)),
        )
        picture = picture.model_copy(update={"coordinate_transformations": after})
    window = Window(min=0, max=65535, start=10.5, end=1500)
    channel = Channel(label="DAPI", color="0000FF", active=True, window=window)
    return Image(
        multiscales=(picture,), omero=Omero(channels=(channel,)) if omero else None
    )


IMAGES = {
    f"{dims}-{levels}{''.join(key[0] for key, given in options.items() if given)}": (
        written_image(dims, levels, **options)
    )
    for dims, levels in [("yx", 1), ("zyx", 3), ("cyx", 2), ("tayx", 2), ("tczyx", 4)]
    for flags in itertools.product((False, True), repeat=4)
    for options in [dict(zip(OPTIONS, flags, strict=True))]
}
images = pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
versions = pytest.mark.parametrize("name", ["0.4", "0.5"])


@versions
@images
def test_the_official_schema_has_nothing_against_it(
    name: str, image: Image, schema_errors: SchemaErrors
) -> None:
    attrs = registry.get(name).to_attrs(image)
    assert schema_errors(name, "image", attrs) == []
    # The strict schema demands name, type and metadata, which are given or not.
    strict = schema_errors(name, "strict_image", attrs)
    assert bool(strict) is (image.multiscale.metadata is None)


@images
def test_the_schema_for_all_kinds_of_groups_has_nothing_against_it(
    image: Image, schema_errors: SchemaErrors
) -> None:
    attrs = registry.get("0.5").to_attrs(image)
    assert schema_errors("0.5", "ome_zarr", attrs) == []


def test_the_schemas_are_not_asleep(schema_errors: SchemaErrors) -> None:
    attrs = registry.get("0.5").to_attrs(IMAGES["yx-1"])
    attrs["ome"]["version"] = "0.4"
    assert schema_errors("0.5", "image", attrs) == ["'0.4' is not one of ['0.5']"]


@images
def test_yaozarrs_reads_the_same_numbers(image: Image) -> None:
    old = registry.get("0.4").to_attrs(image)
    new = registry.get("0.5").to_attrs(image)["ome"]
    with warnings.catch_warnings():
        # It misses units where the standard only advises them.
        warnings.simplefilter("ignore", UserWarning)
        models = [
            yaozarrs.v04.Image.model_validate(old),
            yaozarrs.v05.Image.model_validate(new),
        ]
    for model in models:
        picture = model.multiscales[0]
        assert [axis.name for axis in picture.axes] == [
            axis.name for axis in image.multiscale.axes
        ]
        for theirs, ours in zip(picture.datasets, image.multiscale.levels, strict=True):
            assert theirs.path == ours.path
            transforms = theirs.coordinateTransformations
            assert tuple(transforms[0].scale) == ours.scale
            assert len(transforms) == 1 + any(ours.translation)
            assert (model.omero is None) is (image.omero is None)


@images
def test_ome_zarr_models_reads_the_same_numbers(image: Image) -> None:
    old = registry.get("0.4").to_attrs(image)
    new = registry.get("0.5").to_attrs(image)["ome"]
    models = [
        ome_zarr_models.v04.image.ImageAttrs.model_validate(old),
        ome_zarr_models.v05.image.ImageAttrs.model_validate(new),
    ]
    for model in models:
        picture = model.multiscales[0]
        assert picture.name == image.multiscale.name
        for theirs, ours in zip(picture.datasets, image.multiscale.levels, strict=True):
            assert theirs.path == ours.path
            numbers = [
                tuple(getattr(transform, transform.type))
                for transform in theirs.coordinateTransformations
            ]
            assert numbers == [ours.scale, ours.translation][: len(numbers)]
