"""What a version writes it reads back, whatever the image."""

from __future__ import annotations

import json
import string
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xarray_omezarr.errors import (
    MetadataError,
    NotInVersionError,
    OmeZarrWarning,
    UnknownVersionError,
)
from xarray_omezarr.ngff import (
    Affine,
    Axis,
    Channel,
    CoordinateSystem,
    Identity,
    Image,
    Level,
    MapAxis,
    Multiscale,
    Omero,
    Scale,
    SystemReference,
    Translation,
    UnknownTransformation,
    Window,
)
from xarray_omezarr.ngff.units import SPACE_UNITS, TIME_UNITS
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.ngff.versions.protocol import Version

# Images are large examples: fewer of them say as much.
few = settings(max_examples=25, deadline=None)
# Hardly any image of these fits into the versions before, which fix the axes.
PLACED = [
    name for name in registry.SUPPORTED if registry.get(name).features.transformations
]
versions = pytest.mark.parametrize("name", PLACED)

numbers = st.floats(allow_nan=False, allow_infinity=False)
# Sums and products of these are numbers as well.
places = st.floats(min_value=-1e100, max_value=1e100)
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
        translation = draw(vectors(ndim, places) | st.just(()))
        level = Level.of(path, scale, translation)
        levels.append(level.model_copy(update=draw(unknown_keys)))
        factors = draw(vectors(ndim, st.integers(1, 4)))
        scale = tuple(s * f for s, f in zip(scale, factors, strict=True))
    after = draw(
        st.just(())
        | st.tuples(st.builds(Scale, scale=vectors(ndim, scales)))
        | st.tuples(
            st.builds(Scale, scale=vectors(ndim, scales)),
            st.builds(Translation, translation=vectors(ndim, places)),
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


def between(ndim: int, there: str, back: str) -> st.SearchStrategy[Any]:
    """Transformations from one system of `ndim` axes to another."""
    ends = {"input": SystemReference(name=there), "output": SystemReference(name=back)}
    rows = st.lists(vectors(ndim + 1, numbers), min_size=ndim, max_size=ndim)
    return st.one_of(
        st.just(Identity(**ends)),
        st.builds(Scale, scale=vectors(ndim, scales), **_just(ends)),
        st.permutations(range(ndim)).map(
            lambda order: MapAxis(map_axis=tuple(order), **ends)
        ),
        st.builds(Affine, affine=rows, **_just(ends)),
        st.builds(UnknownTransformation, type=st.just("shear"), **_just(ends)),
    )


def _just(fields: dict[str, Any]) -> dict[str, st.SearchStrategy[Any]]:
    return {name: st.just(value) for name, value in fields.items()}


@st.composite
def pictures_in_space(draw: st.DrawFn) -> Multiscale:
    """A picture with further coordinate systems and transformations to them."""
    picture = draw(multiscales())
    own = picture.system.model_copy(update=draw(unknown_keys))
    names = draw(st.lists(words, min_size=1, max_size=2, unique=True))
    others = [
        CoordinateSystem(name=f"{name}-", axes=own.axes, **draw(unknown_keys))
        for name in names
    ]
    ways = [
        draw(between(len(own.axes), own.name, other.name))
        for other in others
        for _ in range(draw(st.integers(1, 2)))
    ]
    systems = draw(st.permutations([own, *others]))
    after = picture.coordinate_transformations
    return picture.model_copy(
        update={
            "coordinate_systems": tuple(systems),
            "intrinsic": own.name,
            "coordinate_transformations": (*after, *ways),
        }
    )


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


def with_known_axes(version: Version, image: Image) -> Image:
    """The image with axes that early versions know: they know no others."""
    if version.features.transformations:
        return image
    types = {"t": "time", "c": "channel", "z": "space", "y": "space", "x": "space"}
    axes = tuple(Axis(name=name, type=kind, unit="_") for name, kind in types.items())
    ones = Scale(scale=(1,) * len(axes))
    pictures = tuple(
        entry.model_copy(
            update={
                "coordinate_systems": (CoordinateSystem(name="physical", axes=axes),),
                "coordinate_transformations": (),
                "intrinsic": None,
                "levels": tuple(
                    level.model_copy(update={"transformation": ones})
                    for level in entry.levels
                ),
            }
        )
        for entry in image.multiscales
    )
    return image.model_copy(update={"multiscales": pictures})


def held_by(version: Version, image: Image) -> Image:
    """What of an image a version can hold, if that leaves anything to write."""
    held, _ = version.fitted(with_known_axes(version, image))
    assert version.fitted(held)[1] == ()
    assert isinstance(held, Image)
    return held


@versions
@few
@given(image=images, data=st.data())
def test_an_image_is_read_as_it_was_written(
    name: str, image: Image, data: st.DataObject
) -> None:
    version = registry.get(name)
    if data.draw(st.booleans()):
        space = data.draw(pictures_in_space())
        image = image.model_copy(update={"multiscales": (space,)})
    held = held_by(version, image)
    attrs = version.to_attrs(held)
    with warnings.catch_warnings():
        # Types that nobody knows are told.
        warnings.simplefilter("ignore", OmeZarrWarning)
        assert version.from_attrs(attrs) == held
        assert version.to_attrs(version.from_attrs(attrs)) == attrs


@versions
@few
@given(image=images)
def test_what_a_version_holds_it_holds_wholly(name: str, image: Image) -> None:
    version = registry.get(name)
    held, lost = version.fitted(image)
    if lost:
        with pytest.raises(NotInVersionError):
            version.to_attrs(image)
    else:
        assert version.to_attrs(image) == version.to_attrs(held)
        assert version.fitted(held) == (held, ())


@versions
@few
@given(image=images)
def test_what_is_written_survives_a_file(name: str, image: Image) -> None:
    version = registry.get(name)
    attrs = version.to_attrs(held_by(version, image))
    assert json.loads(json.dumps(attrs, allow_nan=False)) == attrs


@versions
@few
@given(image=images)
def test_what_is_written_tells_its_version(name: str, image: Image) -> None:
    version = registry.get(name)
    attrs = version.to_attrs(held_by(version, image))
    assert registry.detect(attrs) == version
    assert version.foreign({**attrs, "others": 1}) == {"others": 1}


@few
@given(image=images, one=st.sampled_from(PLACED))
def test_an_image_goes_through_every_version_unchanged(image: Image, one: str) -> None:
    first = registry.get(one)
    held = held_by(first, image)
    read = first.from_attrs(first.to_attrs(held))
    for name in PLACED:
        version = registry.get(name)
        fitted, lost = version.fitted(read)
        if not lost:
            assert version.from_attrs(version.to_attrs(read)) == fitted


@versions
@few
@given(image=images, value=json_values, data=st.data())
def test_no_broken_metadata_bring_down_the_reader(
    name: str, image: Image, value: object, data: st.DataObject
) -> None:
    # One value anywhere in good attributes is replaced by any other: they are read,
    # with or without a warning, or refused with an error of ours.
    written = registry.get(name)
    attrs = written.to_attrs(held_by(written, image))
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
