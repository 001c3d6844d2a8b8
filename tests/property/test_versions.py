"""What a version writes it reads back, whatever the image."""

from __future__ import annotations

import json
import string
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xarray_omezarr.errors import MetadataError, OmeZarrWarning, UnknownVersionError
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
from xarray_omezarr.ngff.units import SPACE_UNITS, TIME_UNITS
from xarray_omezarr.ngff.versions import registry

# Images are large examples: fewer of them say as much.
few = settings(max_examples=50)
versions = pytest.mark.parametrize("name", registry.SUPPORTED)

numbers = st.floats(allow_nan=False, allow_infinity=False)
scales = st.floats(min_value=1e-6, max_value=1e6)
texts = st.text(max_size=8)
words = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=8)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | numbers | texts,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=8,
)
# A key of its own kind, so that it is known to no version; null would mean nothing.
unknown_keys = st.dictionaries(
    words.map(lambda word: f"_{word}"),
    json_values.filter(lambda value: value is not None),
    max_size=2,
)


def optional(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | strategy


def members(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The fields of a model, and sometimes keys that it does not know."""
    known = st.fixed_dictionaries(dict(fields))
    return st.builds(lambda known, unknown: {**unknown, **known}, known, unknown_keys)


@st.composite
def axis_lists(draw: st.DrawFn) -> list[Axis]:
    """Axes of an image: at most a time and a channel or custom axis, then space."""
    names = draw(st.lists(words, min_size=5, max_size=5, unique=True))
    types = [
        *draw(st.sampled_from([[], ["time"]])),
        *draw(st.sampled_from([[], ["channel"], ["angle"], [None]])),
        *["space"] * draw(st.integers(2, 3)),
    ]
    units = {"space": sorted(SPACE_UNITS), "time": sorted(TIME_UNITS)}
    return [
        Axis(
            **draw(unknown_keys),
            name=name,
            type=kind,
            unit=draw(optional(st.sampled_from(units.get(kind or "", ["degree"])))),
            long_name=draw(optional(texts)),
            discrete=draw(optional(st.booleans())),
        )
        for name, kind in zip(names, types, strict=False)
    ]


def vectors(ndim: int, entries: st.SearchStrategy[float]) -> st.SearchStrategy[Any]:
    return st.tuples(*[entries] * ndim)


@st.composite
def multiscales(draw: st.DrawFn) -> Multiscale:
    axes = draw(axis_lists())
    ndim = len(axes)
    paths = draw(st.lists(words, min_size=1, max_size=3, unique=True))
    scale = draw(vectors(ndim, scales))
    levels = []
    for path in paths:
        translation = draw(vectors(ndim, numbers) | st.just(()))
        level = Level.of(path, scale, translation)
        levels.append(level.model_copy(update=draw(unknown_keys)))
        factors = draw(vectors(ndim, st.integers(1, 4)))
        scale = tuple(s * f for s, f in zip(scale, factors, strict=True))
    after = draw(
        st.just(())
        | st.tuples(st.builds(Scale, scale=vectors(ndim, scales)))
        | st.tuples(
            st.builds(Scale, scale=vectors(ndim, scales)),
            st.builds(Translation, translation=vectors(ndim, numbers)),
        )
    )
    picture = Multiscale.of(
        axes,
        levels,
        name=draw(optional(texts)),
        type=draw(optional(texts)),
        metadata=draw(optional(st.dictionaries(texts, json_values, max_size=3))),
    )
    update = {**draw(unknown_keys), "coordinate_transformations": after}
    return picture.model_copy(update=update)


windows = members(min=numbers, max=numbers, start=numbers, end=numbers).map(
    lambda fields: Window(**fields)
)
channels = members(
    label=optional(texts),
    color=st.integers(0, 0xFFFFFF).map("{:06x}".format),
    active=optional(st.booleans()),
    window=windows,
    family=optional(texts),
    inverted=optional(st.booleans()),
    coefficient=optional(numbers),
).map(lambda fields: Channel(**fields))
omeros = members(channels=st.lists(channels, max_size=3).map(tuple)).map(
    lambda fields: Omero(**fields)
)
images = st.builds(
    Image,
    multiscales=st.lists(multiscales(), min_size=1, max_size=2, unique_by=repr).map(
        tuple
    ),
    omero=optional(omeros),
)


@versions
@few
@given(image=images)
def test_an_image_is_read_as_it_was_written(name: str, image: Image) -> None:
    version = registry.get(name)
    attrs = version.to_attrs(image)
    assert version.from_attrs(attrs) == image
    assert version.to_attrs(version.from_attrs(attrs)) == attrs


@versions
@few
@given(image=images)
def test_what_is_written_survives_a_file(name: str, image: Image) -> None:
    attrs = registry.get(name).to_attrs(image)
    assert json.loads(json.dumps(attrs, allow_nan=False)) == attrs


@versions
@few
@given(image=images)
def test_what_is_written_tells_its_version(name: str, image: Image) -> None:
    version = registry.get(name)
    attrs = version.to_attrs(image)
    assert registry.detect(attrs) == version
    assert version.foreign({**attrs, "others": 1}) == {"others": 1}


@few
@given(image=images, one=st.sampled_from(registry.SUPPORTED))
def test_an_image_goes_through_every_version_unchanged(image: Image, one: str) -> None:
    first = registry.get(one)
    read = first.from_attrs(first.to_attrs(image))
    for name in registry.SUPPORTED:
        version = registry.get(name)
        assert version.from_attrs(version.to_attrs(read)) == image


@versions
@few
@given(image=images, value=json_values, data=st.data())
def test_no_broken_metadata_bring_down_the_reader(
    name: str, image: Image, value: object, data: st.DataObject
) -> None:
    # One value anywhere in good attributes is replaced by any other: they are read,
    # with or without a warning, or refused with an error of ours.
    attrs = registry.get(name).to_attrs(image)
    place: Any = attrs
    while True:
        keys = sorted(place) if isinstance(place, dict) else range(len(place))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
            place[key] = value
            break
        place = inner
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", OmeZarrWarning)
        try:
            version = registry.detect(attrs)
            if version is not None:
                assert version.from_attrs(attrs).summary().startswith("image")
        except (MetadataError, UnknownVersionError) as error:
            assert str(error)
