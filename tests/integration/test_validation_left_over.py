"""Validation tells what interrupted writes have left."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import LocalStore, MemoryStore, WrapperStore

import xarray_omezarr as xo
from xarray_omezarr.store import update_log

LOG = ".xarray_omezarr.lock.update"
VERSIONS = ("0.4", "0.5")


class Remote(WrapperStore):
    """Does not let itself be listed, as a server."""

    async def list_dir(self, prefix):
        raise AssertionError("nothing is listed")
        yield ""

    list = list_prefix = list_dir


def plate(store, version="0.5"):
    da = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"), name="image")
    wells = {f"/A/{n}/0": da.to_dataset() for n in (1, 2)}
    xr.DataTree.from_dict(wells).omezarr.to_plate(
        store, version=version, scale_factors=None
    )
    return store


def killed(store, monkeypatch, **wanted) -> None:
    """Update, and let the process die after the first of the documents."""
    real, calls = update_log._replace, []

    def dying(root, contents, token=""):
        calls.append(contents)
        if len(calls) == 1:  # the log
            return real(root, contents, token)
        if len(calls) == 2:
            real(root, dict([*contents.items()][:1]))
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(update_log, "_replace", dying)
        with pytest.raises(SystemExit):
            xo.update(store, **wanted)


def interrupted(report):
    return [one for one in report.errors if "interrupted" in one.message]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["folder", "memory", "remote"])
def test_an_update_that_was_interrupted_is_told(
    tmp_path, monkeypatch, kind, version
) -> None:
    store = plate(MemoryStore() if kind == "memory" else tmp_path / "p.zarr", version)
    killed(store, monkeypatch, scale={"x": 0.5})
    seen = Remote(LocalStore(store, read_only=True)) if kind == "remote" else store
    (found,) = interrupted(xo.validate(seen))
    assert found.path == ""
    assert "same update again" in found.remedy
    # What is below may have been corrected, or not.
    if kind != "remote":
        field = zarr.open_group(seen, mode="r")["A/1/0"]
        (found,) = interrupted(xo.validate(field))
        assert "root of the store" in found.message
    assert not interrupted(xo.validate(seen, level="schema"))
    with pytest.warns(xo.OmeZarrWarning, match="finished first"):
        xo.update(store, scale={"x": 0.5})
    assert not interrupted(xo.validate(seen))


@pytest.mark.parametrize("kind", ["folder", "memory"])
def test_an_update_of_one_field_is_told_where_looking_is_cheap(tmp_path, kind) -> None:
    store = plate(MemoryStore() if kind == "memory" else tmp_path / "p.zarr")
    put(store, f"A/2/0/{LOG}")
    (found,) = interrupted(xo.validate(store))
    assert found.path == "A/2/0"
    assert "group" in found.message


def put(store, key) -> None:
    from zarr.core.buffer import default_buffer_prototype
    from zarr.core.sync import sync

    opened = store if isinstance(store, MemoryStore) else LocalStore(store)
    sync(opened.set(key, default_buffer_prototype().buffer.from_bytes(b"{}")))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_an_image_whose_writing_was_interrupted_is_told(tmp_path, zarr_format) -> None:
    path = tmp_path / "u.zarr"
    attributes = {"xarray_omezarr_unfinished": True}
    zarr.create_group(path, zarr_format=zarr_format, attributes=attributes)
    (found,) = interrupted(xo.validate(path))
    assert "marked as unfinished" in found.message
    assert "write it again" in found.remedy


def test_a_field_whose_writing_was_interrupted_is_told(tmp_path) -> None:
    path = plate(tmp_path / "p.zarr")
    field = zarr.open_group(path, path="A/2/0")
    field.attrs.put({"xarray_omezarr_unfinished": True})
    (found,) = interrupted(xo.validate(path))
    assert found.path == "A/2/0"
