"""Documents that are alike are understood once, and no differently from alone."""

from __future__ import annotations

import copy
import json

import pytest
from zarr.storage import MemoryStore

from xarray_omezarr.errors import OmeZarrError
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.alike import cut, template
from xarray_omezarr.store.open_nodes import GroupReader
from xarray_omezarr.store.target import open_target

IMAGE = {
    "version": "0.5",
    "multiscales": [
        {
            "name": "A1",
            "axes": [
                {"name": "y", "type": "space", "unit": "micrometer"},
                {"name": "x", "type": "space", "unit": "micrometer"},
            ],
            "datasets": [
                {
                    "path": str(level),
                    "coordinateTransformations": [
                        {"type": "scale", "scale": [2.0**level, 2.0**level]},
                        {"type": "translation", "translation": [level, 7.5]},
                    ],
                }
                for level in range(2)
            ],
        }
    ],
    "omero": {
        "channels": [
            {
                "label": "DAPI",
                "color": "0000FF",
                "window": {"min": 0, "max": 255, "start": 1, "end": 99},
            }
        ]
    },
}


def document(ome, **attrs):
    attributes = {"ome": ome, **attrs}
    return json.dumps(
        {"zarr_format": 3, "node_type": "group", "attributes": attributes}
    ).encode()


def changed(change):
    ome = copy.deepcopy(IMAGE)
    change(ome)
    return ome


def multiscale(ome):
    return ome["multiscales"][0]


def move(ome):
    dataset = multiscale(ome)["datasets"][1]
    dataset["coordinateTransformations"][1]["translation"] = [-3, 1e-7]


def name(ome):
    multiscale(ome)["name"] = 'an "odd" name: [1, 2], \\ "start": 3'


def window(ome):
    ome["omero"]["channels"][0]["window"]["end"] = 1234.5


def rename_channel(ome):
    ome["omero"]["channels"][0]["label"] = "GFP"


def rename_axis(ome):
    multiscale(ome)["axes"][0]["name"] = "z"


def rescale(ome):
    dataset = multiscale(ome)["datasets"][1]
    dataset["coordinateTransformations"][0]["scale"] = [4.0, 4.0]


def drop_name(ome):
    del multiscale(ome)["name"]


def know_more(ome):
    multiscale(ome)["start"] = 5


def all_at_once(ome):
    for change in (move, name, window):
        change(ome)


CHANGES = [
    *(move, name, window, rename_channel, rename_axis, rescale, drop_name),
    *(know_more, all_at_once),
]


def reader():
    return GroupReader(open_target(MemoryStore()), 3, registry.get("0.5"))


@pytest.mark.parametrize("change", CHANGES)
def test_a_document_says_the_same_after_another_as_alone(change) -> None:
    ours = reader()
    ours.read("a", document(IMAGE))
    ome = changed(change)
    found = ours.read("b", document(ome))
    alone = registry.get("0.5").from_attrs({"ome": ome})
    assert found.model == alone
    assert found.model.to_json() == alone.to_json()


@pytest.mark.parametrize("change", [move, name, window, all_at_once])
def test_position_name_and_contrast_are_all_that_may_differ(change) -> None:
    made = template(document(IMAGE))
    key, values = cut(document(changed(change)))
    assert key == cut(document(IMAGE))[0]
    assert made.differences(values)


@pytest.mark.parametrize("change", [rename_axis, know_more])
def test_nothing_else_may_differ(change) -> None:
    made = template(document(IMAGE))
    key, values = cut(document(changed(change)))
    same = key == cut(document(IMAGE))[0]
    assert not same or made.differences(values) is None


@pytest.mark.parametrize("bad", [[1], [1, True], [1, "2"], 3, None, [1, 2, 3]])
def test_a_broken_value_is_refused_as_it_is_alone(bad) -> None:
    ours = reader()
    ours.read("a", document(IMAGE))
    ome = copy.deepcopy(IMAGE)
    multiscale(ome)["datasets"][0]["coordinateTransformations"][1]["translation"] = bad
    with pytest.raises(OmeZarrError):
        ours.read("b", document(ome))


def test_attributes_of_others_are_their_own() -> None:
    ours = reader()
    first = ours.read("a", document(IMAGE, note={"name": "x", "start": 1}))
    second = ours.read("b", document(IMAGE, note={"name": "y", "start": 1}))
    assert first.attrs == {"note": {"name": "x", "start": 1}}
    assert second.attrs == {"note": {"name": "y", "start": 1}}
