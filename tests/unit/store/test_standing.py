"""What is taken for a plate or collection that something can be added to."""

from __future__ import annotations

import numpy as np
import pytest
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.errors import TargetExistsError
from xarray_omezarr.ngff.plate import Well
from xarray_omezarr.store.standing import refuse_strangers, standing
from xarray_omezarr.store.target import open_target

AXES = [{"name": name, "type": "space"} for name in "yx"]
ONE = [{"type": "scale", "scale": [1.0, 1.0]}]
IMAGE = {
    "multiscales": [
        {"axes": AXES, "datasets": [{"path": "0", "coordinateTransformations": ONE}]}
    ]
}


def group(store, path: str = "", **attrs) -> None:
    zarr.create_group(store, path=path, attributes=attrs)


def here(store):
    return standing(open_target(store))


def test_where_there_is_nothing_there_is_no_model(tmp_path) -> None:
    found = here(tmp_path / "x.zarr")
    assert (found.version, found.model, found.children) == (None, None, ())


def test_the_model_of_a_group_is_told() -> None:
    store = MemoryStore()
    group(store, ome={"version": "0.5", "well": {"images": [{"path": "0"}]}})
    found = here(store)
    assert isinstance(found.model, Well)
    assert found.version is not None
    assert found.version.name == "0.5"


@pytest.mark.parametrize(
    "name",
    [
        "zarr.0123456789abcdef0123456789abcdef.partial",
        ".xarray_omezarr.lock",
        ".xarray_omezarr.lock.89abcdef",
        ".0.89abcdef.partial",
    ],
)
@pytest.mark.parametrize("is_group", [True, False])
def test_what_other_writers_are_about_is_not_in_the_way(
    tmp_path, name, is_group
) -> None:
    path = tmp_path / "x.zarr"
    path.mkdir()
    if is_group:
        group(path)
    (path / name).write_text("")
    found = here(path)
    assert found.children == ()
    refuse_strangers(found)


def test_a_file_of_others_is_in_the_way(tmp_path) -> None:
    path = tmp_path / "x.zarr"
    path.mkdir()
    (path / "notes.partial").write_text("")
    with pytest.raises(TargetExistsError, match="holds something not Zarr"):
        here(path)
    group(path)
    with pytest.raises(TargetExistsError, match=r"notes\.partial"):
        refuse_strangers(here(path))


@pytest.mark.parametrize(
    "attrs",
    [{}, {"xarray_omezarr_unfinished": True}, {"ome": {"version": "0.5", **IMAGE}}],
)
def test_images_that_nobody_has_listed_yet_are_not_in_the_way(attrs) -> None:
    store = MemoryStore()
    group(store)
    group(store, "0", **attrs)
    refuse_strangers(here(store))


def test_a_list_of_series_that_is_put_before_the_root_is_not_in_the_way() -> None:
    store = MemoryStore()
    group(store)
    group(store, "OME", ome={"version": "0.5", "series": ["0"]})
    refuse_strangers(here(store))


@pytest.mark.parametrize("attrs", [{"note": 1}, {"ome": {"version": "9.9"}}])
def test_other_groups_are_in_the_way(attrs) -> None:
    store = MemoryStore()
    group(store)
    group(store, "0", **attrs)
    with pytest.raises(TargetExistsError, match="'0'"):
        refuse_strangers(here(store))


def test_arrays_are_in_the_way() -> None:
    store = MemoryStore()
    group(store)
    zarr.create_array(store, name="0", data=np.zeros(2))
    with pytest.raises(TargetExistsError, match="'0'"):
        refuse_strangers(here(store))
