"""What a version cannot hold of a hierarchy."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from xarray_omezarr.errors import (
    NotInVersionError,
    OmeZarrWarning,
)
from xarray_omezarr.hierarchy import ArrayNode, Deferred, GroupNode, Hierarchy, Layout
from xarray_omezarr.ngff import Axis, Image, LabelsGroup, Level, Multiscale
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.write.fitting import fit

LATEST = registry.get(registry.DEFAULT)
EARLY = [
    version
    for version in map(registry.get, registry.SUPPORTED)
    if version.features.dims is None and not version.features.transformations
]
early = pytest.mark.parametrize("version", EARLY, ids=lambda version: version.name)


def array(*shape: int) -> ArrayNode:
    return ArrayNode(("y", "x"), shape, np.dtype("u1"), Layout(shape), Deferred())


def image(*levels: Level, **axis: Any) -> Image:
    axes = [Axis(name="y", type="space"), Axis(name="x", type="space", **axis)]
    return Image(multiscales=(Multiscale.of(axes, levels),))


def of_one(model: Image, *shapes: tuple[int, int], path: str = "") -> Hierarchy:
    nodes: dict[str, Any] = {"": GroupNode(model, {"others": 1})}
    nodes |= {str(n): array(*shape) for n, shape in enumerate(shapes)}
    return Hierarchy(LATEST, nodes).under(path)


PLAIN = image(Level.of("0", (1, 1)), Level.of("1", (2, 2), (0.5, 0.5)))


@early
def test_what_fits_stays_as_it_is(version) -> None:
    before = of_one(PLAIN, (8, 8), (4, 4))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        after = fit(before, version, lossy=True)
    assert after.version == version
    assert after.image() == PLAIN
    assert after.group("").attrs == {"others": 1}
    assert after.arrays == before.arrays


@early
def test_what_has_no_place_is_named(version) -> None:
    before = of_one(image(Level.of("0", (1, 1)), unit="micrometer"), (8, 8))
    with pytest.raises(NotInVersionError, match=r"unit 'micrometer' of axis 'x'"):
        fit(before, version, lossy=False)


@early
def test_several_are_raised_together_each_with_its_nodes(version) -> None:
    one = image(Level.of("0", (1, 0.5)), unit="micrometer")
    other = image(Level.of("0", (1, 0.5)))
    parts = {"A/1/0": of_one(one, (8, 8)), "A/2/0": of_one(other, (8, 8))}
    before = Hierarchy(LATEST, {"": GroupNode()}).around(parts)
    with pytest.raises(NotInVersionError) as caught:
        fit(before, version, lossy=False)
    assert str(caught.value).splitlines()[1:] == [
        "- unit 'micrometer' of axis 'x' (at A/1/0)",
        "- scale 0.5 of axis 'x' (at A/1/0, A/2/0)",
        "give version='0.4', or leave it out with lossy=True",
    ]


@early
def test_what_all_fields_of_a_plate_have_is_said_once(version) -> None:
    parts = {
        f"A/{n}/0": of_one(
            image(Level.of("0", (0.5, 0.5), (n, 0)), unit="micrometer"), (8, 8)
        )
        for n in range(1, 13)
    }
    before = Hierarchy(LATEST, {"": GroupNode()}).around(parts)
    with pytest.raises(NotInVersionError) as caught:
        fit(before, version, lossy=False)
    assert str(caught.value) == (
        f"OME-Zarr {version.name} has no place for unit 'micrometer' of axis 'x', "
        "scale 0.5 of axis 'y', scale 0.5 of axis 'x', translation 1, 2, 3 and 9 more "
        "of axis 'y' (at A/1/0, A/2/0, A/3/0 and 9 more); give version='0.4', or "
        "leave it out with lossy=True"
    )


@early
def test_lossy_warns_once_and_leaves_out(version) -> None:
    one = image(
        Level.of("0", (1, 0.5), (3, 0)), Level.of("1", (2, 1), (3.5, 0.25)), unit="foot"
    )
    with pytest.warns(OmeZarrWarning) as caught:
        after = fit(of_one(one, (8, 8), (4, 4)), version, lossy=True)
    (message,) = [str(warning.message) for warning in caught]
    for words in ("unit 'foot'", "scale 0.5", "translation 3 of axis 'y'"):
        assert words in message
    assert after.image() == PLAIN
    assert version.to_attrs(after.image())


@early
def test_a_scale_that_sizes_do_not_tell_is_lost(version) -> None:
    model = image(Level.of("0", (1, 1)), Level.of("1", (3.03125, 2), (0, 0)))
    before = of_one(model, (97, 64), (32, 32))
    with pytest.raises(NotInVersionError, match=r"scale 3\.03125 of level '1'"):
        fit(before, version, lossy=False)


@early
def test_levels_that_begin_with_their_first_pixel_fit(version) -> None:
    model = image(Level.of("0", (1, 1)), Level.of("1", (2, 2)))
    after = fit(of_one(model, (8, 8), (4, 4)), version, lossy=False)
    assert version.to_attrs(after.image())


@early
def test_axes_that_a_version_does_not_know_are_refused_with_lossy_too(version) -> None:
    axes = [Axis(name=name, type="space") for name in ("lat", "lon")]
    model = Image(multiscales=(Multiscale.of(axes, [Level.of("0", (1, 1))]),))
    with pytest.raises(NotInVersionError, match="nothing is left without"):
        fit(of_one(model, (8, 8)), version, lossy=True)


@pytest.mark.parametrize("name", registry.SUPPORTED)
def test_groups_without_images_fit_everywhere(name) -> None:
    version = registry.get(name)
    before = Hierarchy(LATEST, {"": GroupNode(LabelsGroup(labels=("cells",)))})
    assert fit(before, version, lossy=False) == Hierarchy(version, before.nodes)
