"""Changes of models are put into attributes, and nothing else is touched."""

from __future__ import annotations

import pytest

from xarray_omezarr.ngff.axes import Axis
from xarray_omezarr.ngff.multiscale import Image, Level, Multiscale
from xarray_omezarr.ngff.omero import Channel, Omero, Window
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.ngff.versions.patching import patch, patch_channels, patch_image

AXES = [Axis(name=name, type="space", unit="micrometer") for name in "yx"]


def image(step: float = 1.0, shift: tuple[float, ...] = ()) -> Image:
    levels = [Level.of("0", (step, step), shift), Level.of("1", (2.0, 2.0))]
    return Image(multiscales=(Multiscale.of(AXES, levels, name="it"),))


@pytest.mark.parametrize(
    ("value", "before", "after", "expected"),
    [
        ({"b": 1, "a": [1]}, {"a": [1.0]}, {"a": [1.0]}, {"b": 1, "a": [1]}),
        ({"b": 1, "a": 1}, {"a": 1}, {"a": 2}, {"b": 1, "a": 2}),
        ({"b": 1, "a": 1}, {"a": 1}, {}, {"b": 1}),
        ({"b": 1}, {}, {"a": 2}, {"b": 1, "a": 2}),
        ([1, 2], [1, 2], [1, 2, 3], [1, 2, 3]),
        # A slip that reading forgave: the order of two transformations.
        (
            [{"type": "b"}, {"type": "a", "n": 1}],
            [{"type": "a", "n": 1}, {"type": "b"}],
            [{"type": "a", "n": 2}, {"type": "b"}],
            [{"type": "a", "n": 2}, {"type": "b"}],
        ),
        ("text", {"a": 1}, {"a": 2}, {"a": 2}),
    ],
)
def test_only_what_differs_is_changed(value, before, after, expected) -> None:
    assert patch(value, before, after) == expected


@pytest.mark.parametrize("name", ["0.4", "0.5", "0.6"])
def test_an_image_says_the_new_numbers_and_keeps_its_keys(name) -> None:
    version = registry.get(name)
    attrs = {"first": 1, **version.to_attrs(image())}
    holder = attrs.get("ome", attrs)
    holder["multiscales"][0]["further"] = {"x": 1}
    holder["omero"] = {"channels": [{"color": "no colour"}]}
    after = image(0.5, (3.0, 0.0))
    patched = patch_image(version, attrs, image(), after)
    assert [*patched] == [*attrs]
    found = patched.get("ome", patched)
    assert found["omero"] == {"channels": [{"color": "no colour"}]}
    assert found["multiscales"][0]["further"] == {"x": 1}
    fresh = version.to_attrs(after)
    wanted = fresh.get("ome", fresh)["multiscales"][0]["datasets"]
    assert found["multiscales"][0]["datasets"] == wanted


def test_channels_keep_what_is_not_said() -> None:
    version = registry.get("0.5")
    attrs = version.to_attrs(image())
    attrs["ome"]["omero"] = {
        "rdefs": {"model": "color"},
        "channels": [{"wavelength": 405, "color": "ff0000", "coefficient": 1}],
    }
    window = Window(min=0, max=1, start=0, end=1)
    channel = Channel(label="dapi", color="FF0000", window=window, coefficient=1)
    patched = patch_channels(version, attrs, image(), Omero(channels=(channel,)))
    assert patched["ome"]["omero"] == {
        "rdefs": {"model": "color"},
        "channels": [
            {
                "wavelength": 405,
                "color": "FF0000",
                "coefficient": 1,
                "label": "dapi",
                "window": {"min": 0.0, "max": 1.0, "start": 0.0, "end": 1.0},
            }
        ],
    }
