"""Every kind of group takes the options that images take."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import yaozarrs
import zarr

import xarray_omezarr as xo

PIXELS = (np.arange(64 * 48).reshape(64, 48) % 251 + 1).astype("uint8")
LEVELS = {"scale_factors": [2]}


def plane(number: int = 0) -> xr.DataArray:
    da = xr.DataArray(PIXELS + np.uint8(number), dims=("y", "x"), name="image")
    return da.omezarr.assign_grid(scale={"y": 0.5, "x": 0.5})


def attributes(path: Path) -> dict[str, Any]:
    return json.loads((path / "zarr.json").read_text("utf-8"))["attributes"]


def codecs(path: Path) -> list[str]:
    """Names of the codecs of an array, straight from its file."""
    found = json.loads((path / "zarr.json").read_text("utf-8"))["codecs"]
    if found[0]["name"] == "sharding_indexed":
        found = found[0]["configuration"]["codecs"]
    return [codec["name"] for codec in found]


def files(path: Path) -> dict[Path, bytes]:
    return {file: file.read_bytes() for file in path.rglob("*") if file.is_file()}


@dataclass(frozen=True)
class Kind:
    """One way of writing: where its image lies, what its verbs are called."""

    image: str
    # Where `attrs` stand.
    root: str
    verb: str
    prepare: str | None = None
    # How many images are written.
    count: int = 1

    def before(self, target: Path) -> None:
        if self.verb == "write_labels":
            plane(9).omezarr.to_image(target, **LEVELS)

    def write(self, target: Path, **options: Any) -> Any:
        if self.verb == "write_labels":
            made = getattr(xo, self.verb)(plane(), target, "cells", **options)
        elif self.prepare:
            made = getattr(xo, self.verb)(self.images(), target, **LEVELS, **options)
        else:
            options = {**LEVELS, **options}
            made = getattr(xo, self.verb)(plane(), target, self.image, **options)
        return made

    def images(self) -> dict[str, xr.DataArray]:
        if self.verb == "write_labels":
            return {"cells": plane()}
        second = "B/2/0" if self.verb == "write_plate" else "1"
        return {self.image: plane(), second: plane(1)}

    def prepared(self, target: Path, **options: Any) -> Any:
        if self.verb != "write_labels":
            options = {**LEVELS, **options}
        return getattr(xo, self.prepare)(self.images(), target, **options)


KINDS = {
    "plate": Kind("A/1/0", "", "write_plate", "prepare_plate", 2),
    "collection": Kind("0", "", "write_bioformats2raw", "prepare_bioformats2raw", 2),
    "labels": Kind("labels/cells", "labels/cells", "write_labels", "prepare_labels"),
    "field": Kind("A/1/0", "A/1/0", "write_field"),
    "series": Kind("0", "0", "write_series"),
}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
with_prepare = pytest.mark.parametrize(
    "kind",
    [kind for kind in KINDS.values() if kind.prepare],
    ids=[name for name, kind in KINDS.items() if kind.prepare],
)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "target.ome.zarr"


def assert_holds(target: Path, kind: Kind) -> None:
    group = zarr.open_group(target, mode="r", path=kind.image)
    np.testing.assert_array_equal(group["0"][...], PIXELS)
    assert group["1"].shape == (32, 24)
    yaozarrs.validate_zarr_store(target)


@every_kind
def test_chunks_and_shards_are_those_of_every_image(kind, target) -> None:
    kind.before(target)
    kind.write(target, chunks=(8, 16), shards={"y": 32, "x": 16})
    assert_holds(target, kind)
    for level in "01":
        array = zarr.open_array(target / kind.image / level, mode="r")
        assert (array.chunks, array.shards) == ((8, 16), (32, 16))


@every_kind
def test_each_level_has_a_layout_of_its_own(kind, target) -> None:
    kind.before(target)
    kind.write(target, chunks=[(16, 16), (8, 4)], shards=[(32, 48), None])
    assert_holds(target, kind)
    found = [zarr.open_array(target / kind.image / level, mode="r") for level in "01"]
    assert [array.chunks for array in found] == [(16, 16), (8, 4)]
    assert [array.shards for array in found] == [(32, 48), None]


@every_kind
@pytest.mark.parametrize(
    ("compression", "names"),
    [
        ("blosc-zstd", ["bytes", "blosc"]),
        ("blosc-lz4", ["bytes", "blosc"]),
        ("zstd", ["bytes", "zstd"]),
        ("none", ["bytes"]),
    ],
)
def test_pixels_are_compressed_as_asked(kind, target, compression, names) -> None:
    kind.before(target)
    kind.write(target, compression=compression)
    assert_holds(target, kind)
    array = target / kind.image / "0"
    assert codecs(array) == names
    if "blosc" in names:
        found = json.loads((array / "zarr.json").read_text())["codecs"][1]
        assert found["configuration"]["cname"] == compression.removeprefix("blosc-")


@every_kind
def test_further_attributes_stand_beside_the_standards(kind, target) -> None:
    kind.before(target)
    kind.write(target, attrs={"lab": {"who": "Ada", "runs": [1, 2]}})
    assert attributes(target / kind.root)["lab"] == {"who": "Ada", "runs": [1, 2]}
    assert_holds(target, kind)


@every_kind
@pytest.mark.parametrize("writer", ["auto", "zarr", "tensorstore"])
def test_writers_are_chosen_by_name(kind, target, writer) -> None:
    kind.before(target)
    kind.write(target, writer=writer)
    assert_holds(target, kind)


@every_kind
def test_a_function_makes_the_arrays(kind, target) -> None:
    made = []

    def make(
        path, shape, dtype, chunks, *, shards, overwrite, compression, dimension_names
    ):
        made.append((path.relative_to(target).as_posix(), chunks, dimension_names))
        return zarr.create_array(
            path,
            shape=shape,
            dtype=dtype,
            chunks=chunks,
            dimension_names=dimension_names,
        )

    kind.before(target)
    # What replaces something may be made elsewhere first, so nothing stands here.
    kind.write(target, writer=make, chunks=32)
    assert_holds(target, kind)
    assert len(made) == 2 * kind.count
    own = [entry for entry in made if entry[0].startswith(f"{kind.image}/")]
    # Chunks are clamped to the array: level 1 has 32 x 24 pixels.
    assert sorted(own) == [
        (f"{kind.image}/0", (32, 32), ["y", "x"]),
        (f"{kind.image}/1", (32, 24), ["y", "x"]),
    ]


@every_kind
def test_progress_counts_the_bytes_of_all_levels(kind, target) -> None:
    told = []
    kind.before(target)
    kind.write(target, progress=lambda done, total: told.append((done, total)))
    done = [one for one, _ in told]
    assert done == sorted(done)
    # One byte each: 64 x 48, and 32 x 24 of the coarser level.
    assert told[-1] == (kind.count * (64 * 48 + 32 * 24),) * 2


@every_kind
def test_what_is_there_is_replaced_only_when_asked(kind, target) -> None:
    kind.before(target)
    kind.write(target)
    before = files(target)
    for refusal in (FileExistsError, ValueError):
        with pytest.raises(refusal, match="mode='w'"):
            kind.write(target)
    assert files(target) == before
    kind.write(target, mode="w", chunks=16)
    assert zarr.open_array(target / kind.image / "0", mode="r").chunks == (16, 16)
    assert_holds(target, kind)


@every_kind
@pytest.mark.parametrize("mode", [None, "w"])
def test_a_folder_that_is_not_zarr_stays(kind, target, mode) -> None:
    target.mkdir()
    (target / "thesis.txt").write_text("all of it")
    with pytest.raises((FileExistsError, xo.NotOmeZarrError, xo.TargetNotFoundError)):
        kind.write(target, mode=mode)
    assert files(target) == {target / "thesis.txt": b"all of it"}


@every_kind
def test_nothing_stands_there_before_it_is_computed(kind, target) -> None:
    kind.before(target)
    before = files(target) if target.exists() else {}
    later = kind.write(target, compute=False)
    assert (files(target) if target.exists() else {}) == before
    later.compute()
    assert_holds(target, kind)


@every_kind
@pytest.mark.parametrize(
    "options",
    [
        {"compression": "lzma"},
        {"writer": "pencil"},
        {"chunks": 16, "shards": (24, 16)},
        {"attrs": {"who": object()}},
        {"mode": "x"},
    ],
)
def test_options_without_a_meaning_are_refused_first(kind, target, options) -> None:
    kind.before(target)
    before = files(target) if target.exists() else {}
    with pytest.raises(ValueError, match=r"\S") as refused:
        kind.write(target, **options)
    assert isinstance(refused.value, xo.OmeZarrError)
    assert (files(target) if target.exists() else {}) == before


@with_prepare
def test_what_is_prepared_has_the_same_options(kind, target) -> None:
    kind.before(target)
    group, arrays = kind.prepared(
        target, chunks=(8, 16), shards=(32, 16), compression="zstd"
    )
    assert isinstance(group, zarr.Group)
    below = kind.image.removeprefix("labels/")
    assert {f"{below}/0", f"{below}/1"} <= set(arrays)
    assert len(arrays) == 2 * kind.count
    assert not [file for file in target.rglob("c/*/*") if kind.image in str(file)]
    array = arrays[f"{below}/0"]
    assert (array.chunks, array.shards) == ((8, 16), (32, 16))
    assert codecs(target / kind.image / "0") == ["bytes", "zstd"]
    array[:] = PIXELS
    assert_holds(target, kind)


@with_prepare
def test_nothing_cannot_be_prepared(kind, target) -> None:
    kind.before(target)
    before = files(target) if target.exists() else {}
    with pytest.raises(ValueError, match="give a"):
        getattr(xo, kind.prepare)({}, target)
    assert (files(target) if target.exists() else {}) == before
