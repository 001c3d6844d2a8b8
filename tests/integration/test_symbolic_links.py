"""Nothing is written or removed through links that leave a store, nor in copies."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo

PIXELS = np.arange(2 * 32 * 32, dtype="uint16").reshape(2, 32, 32)
LEVELS = {"scale_factors": [2], "chunks": (1, 16, 16)}


def image(add: int = 0, dims: str = "zyx") -> xr.DataArray:
    return xr.DataArray((PIXELS + add).astype("uint16"), dims=tuple(dims))


def label(add: int = 0) -> xr.DataArray:
    return xr.DataArray((PIXELS % 5 + add).astype("uint8"), dims=("z", "y", "x"))


def seen(folder: Path) -> dict[str, str]:
    """Every file below a folder with what is in it; links are not followed."""
    return {
        file.relative_to(folder).as_posix(): os.readlink(file)
        if file.is_symlink()
        else hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() or file.is_symlink()
    }


@pytest.fixture(params=["0.4", "0.5"])
def store(request, tmp_path) -> Path:
    folder = tmp_path / "in" / "cells.ome.zarr"
    image().omezarr.to_image(folder, version=request.param, **LEVELS)
    label().omezarr.to_labels(folder, name="nuclei")
    return folder


def moved_out(store: Path, path: str) -> Path:
    """A part of a store moved to another place, with a link to it where it was."""
    away = store.parents[1] / "away"
    shutil.move(store / path, away)
    (store / path).symlink_to(away)
    return away


REGION = {"z": slice(0, 1), "y": slice(0, 16), "x": slice(0, 16)}


def region(store: Path) -> None:
    image(7).isel(REGION).omezarr.to_image(store, region=REGION)


def grown(store: Path) -> None:
    image(7).isel(z=[0]).omezarr.to_image(store, append_dim="z")


def labelled(store: Path) -> None:
    label().omezarr.to_labels(store, name="other")


def label_replaced(store: Path) -> None:
    label(1).omezarr.to_labels(store, name="nuclei", mode="w")


def corrected(store: Path) -> None:
    xo.update(store, scale={"x": 0.5})


def remade(store: Path) -> None:
    xo.build_pyramid(store)


def other_levels(store: Path) -> None:
    xo.build_pyramid(store, scale_factors=[4])


def label_region(store: Path) -> None:
    label(1).isel(REGION).omezarr.to_labels(store, name="nuclei", region=REGION)


CHUNKS = {"0.4": "0/0", "0.5": "0/c/0"}


@pytest.mark.filterwarnings("ignore:Replacing")
@pytest.mark.parametrize(
    ("path", "change"),
    [
        *(("0", change) for change in (region, grown)),
        *(("1", change) for change in (region, grown, remade, other_levels)),
        *(("chunks", change) for change in (region,)),
        *(("labels", change) for change in (labelled, label_replaced, corrected)),
        *(("labels/nuclei", change) for change in (label_replaced, label_region)),
        ("labels/nuclei", corrected),
    ],
    ids=lambda told: told if isinstance(told, str) else told.__name__,
)
def test_what_would_leave_the_store_is_refused_with_the_link_named(
    store, path, change
) -> None:
    path = CHUNKS[_version(store)] if path == "chunks" else path
    away = moved_out(store, path)
    before = seen(store.parents[1])
    with pytest.raises(xo.OmeZarrError, match=str(store / path)):
        change(store)
    assert seen(store.parents[1]) == before
    assert away.is_dir()


def _version(store: Path) -> str:
    return "0.4" if (store / ".zgroup").exists() else "0.5"


def test_an_image_with_such_links_is_replaced_and_they_lead_to_what_was_there(
    store,
) -> None:
    away = moved_out(store, "labels/nuclei")
    before = seen(away)
    with pytest.warns(xo.OmeZarrWarning, match="labels"):
        image(3).omezarr.to_image(store, mode="w", **LEVELS)
    assert seen(away) == before
    np.testing.assert_array_equal(xo.open_image(store).values, PIXELS + 3)
    assert not (store / "labels").exists()


def test_a_field_whose_well_is_elsewhere_is_refused(tmp_path) -> None:
    plate, away = tmp_path / "plate.ome.zarr", tmp_path / "away"
    image().omezarr.to_field(plate, "A/1/0", **LEVELS)
    shutil.move(plate / "A", away)
    (plate / "A").symlink_to(away)
    before = seen(tmp_path)
    for field in ("A/1/9", "A/2/0"):
        with pytest.raises(xo.OptionError, match=f"{plate}/A is a symbolic link"):
            image().omezarr.to_field(plate, field, **LEVELS)
    assert seen(tmp_path) == before


@pytest.mark.parametrize("change", [region, grown, labelled, corrected, remade])
def test_links_that_stay_in_the_store_are_written_through(store, change) -> None:
    shutil.move(store / "0", store / "data")
    (store / "0").symlink_to("data")
    change(store)
    assert (store / "0").is_symlink()
    xo.open_image(store).load()


@pytest.mark.filterwarnings("ignore:Replacing")
@pytest.mark.parametrize(
    "change", [region, grown, labelled, label_replaced, corrected, other_levels]
)
def test_a_link_to_the_store_itself_works_and_stays_one(store, change) -> None:
    link = store.parents[1] / "link.ome.zarr"
    link.symlink_to(store)
    before = seen(store)
    change(link)
    assert link.is_symlink()
    assert seen(store) != before
    xo.open_image(store).load()


def test_a_link_to_what_was_left_over_stays_a_link(tmp_path) -> None:
    real, link = tmp_path / "real", tmp_path / "link.ome.zarr"
    real.mkdir()
    link.symlink_to(real)
    with pytest.raises(RuntimeError, match="no more light"):
        image().omezarr.to_image(link, scale_factors=[2], method=_broken)
    assert link.is_symlink()
    assert os.listdir(real) == []
    image().omezarr.to_image(link, **LEVELS)
    assert link.is_symlink()
    np.testing.assert_array_equal(xo.open_image(real).values, PIXELS)


def _broken(block: object, factors: object) -> None:
    raise RuntimeError("no more light")


def replaced(store: Path) -> None:
    image(5).omezarr.to_image(store, mode="w", **LEVELS)


def upgraded(store: Path) -> None:
    xo.upgrade(store, version="0.5")


@pytest.mark.filterwarnings("ignore:Replacing")
@pytest.mark.parametrize("shards", [None, (2, 32, 32)])
@pytest.mark.parametrize(
    "change",
    [
        *(region, grown, labelled, label_replaced, corrected, remade, other_levels),
        *(label_region, replaced, upgraded),
    ],
)
def test_copies_that_share_files_stay_as_they_are(tmp_path, change, shards) -> None:
    """As `cp -al` makes them."""
    version = "0.4" if change is upgraded else "0.5"
    if shards and version == "0.4":
        pytest.skip("there are no shards in 0.4")
    store, copy = tmp_path / "cells.ome.zarr", tmp_path / "copy.ome.zarr"
    image().omezarr.to_image(store, version=version, shards=shards, **LEVELS)
    label().omezarr.to_labels(store, name="nuclei")
    shutil.copytree(store, copy, copy_function=os.link)
    before = seen(copy)
    change(store)
    assert seen(copy) == before
    # What is made anew of the same pixels is the same.
    assert (seen(store) == before) == (change is remade)
