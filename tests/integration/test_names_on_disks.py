"""Names that disks do not hold, or mix up, are refused before the first byte."""

from __future__ import annotations

import os
import warnings

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo
from xarray_omezarr.errors import OptionError, TargetExistsError
from xarray_omezarr.store import disk_rules

DA = xr.DataArray(np.ones((16, 16), "uint16"), dims=("y", "x"))


def names_below(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    "write",
    [
        lambda path, name: xo.write_image(DA, path / name),
        lambda path, name: xo.write_image(DA, path / "a.zarr", group=name),
        lambda path, name: xo.write_field(DA, path / "a.zarr", f"A/1/{name}"),
        lambda path, name: xo.write_series(DA, path / "a.zarr", name),
        lambda path, name: xo.write_image(DA, path / f"{name[:250]}.ozx"),
        lambda path, name: xo.write_image(DA, path.joinpath(*[name[:200]] * 25)),
    ],
    ids=["store", "group", "field", "series", "one file", "deep"],
)
def test_names_that_are_too_long_are_refused(tmp_path, write) -> None:
    with pytest.raises(OptionError, match="shorter name"):
        write(tmp_path, "n" * 300)
    assert names_below(tmp_path) == []


# The hidden name is longer by 18 signs, that of the mark while folders change by 28.
@pytest.mark.parametrize("length", [228, 236, 237, 250])
def test_a_long_name_is_written_and_what_cannot_be_replaced_is_told(
    tmp_path, length
) -> None:
    path = tmp_path / ("n" * length)
    xo.write_image(DA, path)
    before = names_below(tmp_path)
    with pytest.raises(OptionError, match="too long for the hidden one beside it"):
        xo.write_image(DA + 1, path, mode="w")
    assert names_below(tmp_path) == before
    assert int(xo.open_image(path).max()) == 1


@pytest.mark.parametrize("name", ["a b", "\N{GRINNING FACE}", "\xe9", ".hidden"])
def test_unusual_names_are_right(tmp_path, name) -> None:
    path = tmp_path / f"{name}.ome.zarr"
    xo.write_image(DA, path)
    xo.write_image(DA + 1, path, mode="w")
    assert int(xo.open_image(path).max()) == 2
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


@pytest.mark.skipif(os.name == "nt", reason="there they are refused")
@pytest.mark.parametrize("name", ["CON", "nul.txt", "end.", "a:b"])
def test_names_that_windows_does_not_allow_are_told(tmp_path, name) -> None:
    with pytest.warns(xo.OmeZarrWarning, match="Windows does not allow"):
        xo.write_image(DA, tmp_path / "a.zarr", group=name)
    assert int(xo.open_image(tmp_path / "a.zarr", group=name).max()) == 1


ALIKE = [("Case", "case"), ("e\u0301", "\xe9"), ("stra\xdfe", "STRASSE")]


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_names_that_only_some_disks_tell_apart_are_told(
    tmp_path, monkeypatch, first, second
) -> None:
    monkeypatch.setattr(disk_rules, "ignores_case", lambda folder: False)
    xo.write_series(DA, tmp_path / "c.zarr", first)
    with pytest.warns(xo.OmeZarrWarning, match="differs by case or accents"):
        xo.write_series(DA, tmp_path / "c.zarr", second)


@pytest.mark.parametrize(("first", "second"), ALIKE)
def test_names_that_this_disk_mixes_up_are_refused(
    tmp_path, monkeypatch, first, second
) -> None:
    monkeypatch.setattr(disk_rules, "ignores_case", lambda folder: True)
    xo.write_series(DA, tmp_path / "c.zarr", first)
    before = names_below(tmp_path)
    with pytest.raises(OptionError, match="the same as"):
        xo.write_series(DA, tmp_path / "c.zarr", second)
    assert names_below(tmp_path) == before


def test_wells_that_this_disk_mixes_up_are_refused(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(disk_rules, "ignores_case", lambda folder: True)
    xo.write_field(DA, tmp_path / "p.zarr", "A/1/0")
    before = names_below(tmp_path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xo.OmeZarrWarning)
        with pytest.raises(OptionError, match="would go into 'A'"):
            xo.write_field(DA, tmp_path / "p.zarr", "a/1/1")
        tree = xr.DataTree.from_dict(
            {f"{row}/1/0": xr.Dataset({"image": DA}) for row in ("A", "a")}
        )
        with pytest.raises(OptionError, match="one and the same to the disk"):
            xo.write_plate(tree, tmp_path / "q.zarr")
    assert names_below(tmp_path) == before


def test_a_disk_is_asked_whether_it_ignores_case(tmp_path) -> None:
    (tmp_path / "entry").touch()
    assert disk_rules.ignores_case(tmp_path) == (tmp_path / "ENTRY").exists()


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes in folders")
def test_what_is_no_folder_is_never_written_to_or_removed(tmp_path) -> None:
    file, pipe = tmp_path / "file", tmp_path / "pipe"
    file.write_text("mine")
    os.mkfifo(pipe)
    for place in (file, pipe, file / "a.zarr", pipe / "a.zarr"):
        for mode in (None, "w"):
            with pytest.raises(TargetExistsError):
                xo.write_image(DA, place, mode=mode)
    assert file.read_text() == "mine"
    assert pipe.is_fifo()


@pytest.mark.skipif(os.name == "nt", reason="there are no pipes in folders")
def test_a_pipe_in_an_image_of_which_nobody_knows_is_not_removed(tmp_path) -> None:
    path = tmp_path / "a.zarr"
    xo.write_image(DA, path)
    os.mkfifo(path / "pipe")
    with pytest.raises(TargetExistsError, match="pipe"):
        xo.write_image(DA, path, mode="w")
    assert (path / "pipe").is_fifo()
