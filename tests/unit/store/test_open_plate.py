"""One level of the fields of a stored plate, of which like ones are understood once."""

from __future__ import annotations

import pytest
import zarr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from tests.integration.plates import pixels, plate, put
from xarray_omezarr.store.open_plate import open_fields
from xarray_omezarr.store.target import open_target

FORMATS = pytest.mark.parametrize("zarr_format", [2, 3])


def opened(store, **options):
    return open_fields(open_target(store, read_only=True), **options)


@FORMATS
def test_fields_that_differ_in_place_and_contrast_alone_have_one_sample(
    zarr_format,
) -> None:
    store = MemoryStore()
    plate(store, zarr_format)
    found = opened(store)
    assert len(found.samples) == 1
    assert {entry.sample for entry in found.fields} == {0}
    assert [entry.place for entry in found.fields] == [
        *(("A", "1", "0"), ("A", "1", "1")),
        *(("B", "2", "0"), ("B", "2", "10"), ("B", "10", "0")),
    ]
    assert [entry.translation[-1] for entry in found.fields] == [0, 5.5, 16.5, 22, 11]
    assert found.fields[0].windows[0] == {
        "min": 0,
        "max": 65535,
        "start": 0,
        "end": 200,
    }
    assert found.samples[0].image.image("").multiscale.name == "at (0.0, 0.0)"


@FORMATS
@pytest.mark.parametrize(
    "odd",
    [
        {"scale": 0.25},
        {"levels": 3},
        {"channels": ("a", "b")},
        {"data": pixels(9)[:, :4]},
        {"data": pixels(9).astype("uint8")},
    ],
)
def test_fields_that_differ_in_anything_else_have_another(zarr_format, odd) -> None:
    store = MemoryStore()
    plate(store, zarr_format, {"A/1/0": {}, "A/2/0": odd, "A/3/0": {}})
    found = opened(store)
    assert [entry.sample for entry in found.fields] == [0, 1, 0]


@FORMATS
def test_the_coarsest_level_is_counted_in_each_field(zarr_format) -> None:
    store = MemoryStore()
    depths = {"A/1/0": {"levels": 1}, "A/2/0": {"levels": 3}}
    plate(store, zarr_format, depths)
    found = opened(store, level=-1)
    assert [sample.number for sample in found.samples] == [0, 2]
    assert [entry.path for entry in found.fields] == ["A/1/0/0", "A/2/0/2"]


@FORMATS
def test_a_field_that_cannot_be_opened_costs_no_other(zarr_format) -> None:
    store = MemoryStore()
    root = plate(store, zarr_format, {"A/1/0": {}, "A/2/0": {}})
    del root["A/1/0/0"]
    with pytest.warns(xo.OmeZarrWarning, match=r"'A/1/0' .it lists '0', but there is"):
        found = opened(store)
    assert [entry.path for entry in found.fields] == ["A/2/0/0"]
    assert len(found.samples) == 1


@FORMATS
def test_a_plate_of_which_nothing_is_there_is_refused(zarr_format) -> None:
    store = MemoryStore()
    root = plate(store, zarr_format, {"A/1/0": {}})
    del root["A/1/0"]
    with pytest.raises(xo.MetadataError, match=r"Nothing that .* lists can be opened"):
        opened(store)


@FORMATS
def test_something_else_is_no_plate(zarr_format) -> None:
    store = MemoryStore()
    put(
        zarr.create_group(store, zarr_format=zarr_format),
        zarr_format,
        **{"bioformats2raw.layout": 3},
    )
    with pytest.raises(xo.NotOmeZarrError, match=r"not a plate, but holds collection"):
        opened(store)
