"""What a version writes of labels, plates and collections it reads back."""

from __future__ import annotations

import copy
import json
import string
import warnings
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.test_versions import (
    held_by,
    json_values,
    members,
    multiscales,
    optional,
    texts,
    unknown_keys,
)
from xarray_omezarr.errors import MetadataError, OmeZarrWarning, UnknownVersionError
from xarray_omezarr.ngff import (
    Acquisition,
    Bioformats2Raw,
    Field,
    ImageLabel,
    LabelColor,
    LabelImage,
    LabelProperties,
    LabelsGroup,
    LabelSource,
    Plate,
    Series,
    Well,
)
from xarray_omezarr.ngff.unknown import unknown, with_unknown
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.ngff.versions.protocol import Version

few = settings(max_examples=50)
versions = pytest.mark.parametrize("name", registry.SUPPORTED)

ALPHANUMERIC = string.ascii_letters + string.digits
names = st.text(ALPHANUMERIC, min_size=1, max_size=4)
paths = st.text(ALPHANUMERIC + "_- ", min_size=1, max_size=8)
values = st.integers(-(2**63), 2**64 - 1)
times = st.integers(0, 2**40)


def built(model: type[Any], **fields: st.SearchStrategy[Any]) -> Any:
    return members(**fields).map(lambda known: model(**known))


def lists(entries: Any, key: str, *, least: int = 1) -> Any:
    """Tuples of entries, of which no two have the same `key`."""
    unique = st.lists(
        entries, min_size=least, max_size=4, unique_by=lambda e: getattr(e, key)
    )
    return unique.map(tuple)


colors = built(
    LabelColor, label_value=values, rgba=optional(st.tuples(*[st.integers(0, 255)] * 4))
)
properties = built(LabelProperties, label_value=values)
sources = built(LabelSource, image=optional(texts))
image_labels = built(
    ImageLabel,
    colors=optional(lists(colors, "label_value")),
    properties=optional(lists(properties, "label_value")),
    source=optional(sources),
)
label_images = st.builds(
    LabelImage, multiscales=st.tuples(multiscales()), image_label=image_labels
)
acquisitions = built(
    Acquisition,
    id=st.integers(0, 99),
    name=optional(texts),
    maximum_field_count=optional(st.integers(1, 99)),
    description=optional(texts),
    start_time=optional(times),
    end_time=optional(times),
)


@st.composite
def plates(draw: st.DrawFn) -> Plate:
    """Plates with any names, some of whose rows and columns are empty."""
    rows = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    columns = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    every = [f"{row}/{column}" for row in rows for column in columns]
    plate = Plate.of(
        draw(st.lists(st.sampled_from(every), min_size=1, unique=True)),
        rows=rows,
        columns=columns,
        name=draw(optional(texts)),
        field_count=draw(optional(st.integers(1, 99))),
        acquisitions=draw(lists(acquisitions, "id", least=0)),
    )
    update = {
        **draw(unknown_keys),
        "bioformats2raw_layout": draw(st.sampled_from([None, 3])),
    }
    return plate.model_copy(update=update)


fields = built(Field, path=names, acquisition=optional(st.integers(0, 99)))
groups = st.one_of(
    label_images,
    plates(),
    built(Well, images=lists(fields, "path")),
    st.lists(paths, min_size=1, max_size=5, unique=True).map(
        lambda found: LabelsGroup(labels=tuple(found))
    ),
    st.just(Bioformats2Raw()),
    st.lists(paths, min_size=1, max_size=5, unique=True).map(
        lambda found: Series(series=tuple(found))
    ),
)


def held(version: Version, model: Any) -> Any:
    """What of a model a version can hold."""
    return held_by(version, model) if isinstance(model, LabelImage) else model


@versions
@few
@given(model=groups)
def test_a_group_is_read_as_it_was_written(name: str, model: Any) -> None:
    version = registry.get(name)
    model = held(version, model)
    attrs = version.to_attrs(model)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert version.from_attrs(attrs) == model
    assert json.loads(json.dumps(attrs, allow_nan=False)) == attrs


@versions
@few
@given(model=groups)
def test_a_group_tells_its_version_and_nothing_of_it_is_foreign(
    name: str, model: Any
) -> None:
    version = registry.get(name)
    model = held(version, model)
    attrs = version.to_attrs(model)
    assert registry.detect(attrs) == version
    assert version.foreign({**attrs, "others": 1}) == {"others": 1}


@few
@given(model=groups)
def test_unknown_keys_find_their_place_again(model: Any) -> None:
    attrs = unknown(model)
    plain = copy.deepcopy(model)
    assert with_unknown(plain, attrs) == model
    assert model.summary()


@versions
@few
@given(model=groups, value=json_values, data=st.data())
def test_no_broken_metadata_bring_down_the_reader(
    name: str, model: Any, value: object, data: st.DataObject
) -> None:
    # One value anywhere in good attributes is replaced by any other: they are read,
    # with or without a warning, or refused with an error of ours.
    written = registry.get(name)
    attrs = written.to_attrs(held(written, model))
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
                assert version.from_attrs(attrs).summary()
        except (MetadataError, UnknownVersionError) as error:
            assert str(error)
