"""Tests of the command line: what is asked reaches the function, what it says is told.

The functions have tests of their own; here they are replaced, except where a command
is run as a user runs it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from click.testing import CliRunner, Result

import xarray_omezarr as xo
from xarray_omezarr.cli import main
from xarray_omezarr.errors import (
    MetadataError,
    NotInVersionError,
    OmeZarrErrorGroup,
    TargetNotFoundError,
    warn,
)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


class Called:
    """A function that remembers what it was called with."""

    def __init__(self, result: object = None, raises: Exception | None = None) -> None:
        self.result, self.raises = result, raises
        self.args: tuple[Any, ...] | None = None
        self.kwargs: dict[str, Any] = {}

    def __call__(self, *args: Any, **kwargs: Any) -> object:
        self.args, self.kwargs = args, kwargs
        if self.raises is not None:
            raise self.raises
        return self.result


@pytest.fixture
def replaced(monkeypatch: pytest.MonkeyPatch) -> Any:
    def replace(name: str, **behaviour: Any) -> Called:
        called = Called(**behaviour)
        monkeypatch.setattr(xo, name, called, raising=False)
        return called

    return replace


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.ome.zarr"
    pixels = np.arange(64, dtype="uint8").reshape(8, 8)
    xo.write_image(xr.DataArray(pixels, dims=("y", "x")), path)
    return path


COMMANDS = ("convert", "demo", "update", "upgrade", "validate")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    assert command in run("--help").output
    done = run(command, "--help")
    assert done.exit_code == 0
    assert "Usage:" in done.output


# --- validate ------------------------------------------------------------------------


def test_a_valid_image_has_exit_code_0(image: Path) -> None:
    done = run("validate", image)
    assert done.exit_code == 0, done.output
    assert "valid" in done.output


def test_an_invalid_image_has_exit_code_1_and_names_the_place(image: Path) -> None:
    file = image / "zarr.json"
    document = json.loads(file.read_text())
    del document["attributes"]["ome"]["multiscales"][0]["axes"]
    file.write_text(json.dumps(document))
    done = run("validate", image)
    assert done.exit_code == 1
    assert "axes" in done.output


def test_findings_as_json_are_one_object(image: Path) -> None:
    done = run("validate", "--json", "--no-data", "--level", "schema", image)
    report = json.loads(done.stdout)
    assert (report["valid"], report["level"]) == (True, "schema")
    assert report["findings"] == []


def test_the_options_of_validate_reach_the_function(replaced: Any) -> None:
    report = xo.Report((), "there")
    called = replaced("validate", result=report)
    url = "s3://bucket/image.zarr"
    options = ["--no-data", "--group", "a/b", "--storage-options", '{"anon": true}']
    assert run("validate", url, "--level", "strict", *options).exit_code == 0
    assert called.args == (url,)
    assert called.kwargs == {
        "level": "strict",
        "data": False,
        "group": "a/b",
        "storage_options": {"anon": True},
    }


def test_what_cannot_be_asked_has_exit_code_2(replaced: Any, tmp_path: Path) -> None:
    assert run("validate").exit_code == 2
    assert run("validate", tmp_path, "--level", "best").exit_code == 2
    replaced("validate", raises=TargetNotFoundError("Nothing is at nowhere"))
    done = run("validate", "nowhere")
    assert done.exit_code == 2
    assert done.stderr == "Error: Nothing is at nowhere\n"


def test_a_place_without_anything_has_exit_code_2(tmp_path: Path) -> None:
    done = run("validate", tmp_path / "absent.zarr")
    assert done.exit_code == 2
    assert "absent.zarr" in done.stderr
    assert "Traceback" not in done.output


def test_any_mishap_has_exit_code_2_and_is_told(replaced: Any) -> None:
    replaced("validate", raises=AttributeError("no attribute '_lock'"))
    done = run("validate", "image.zip")
    assert (done.exit_code, done.stdout) == (2, "")
    words = "It could not be checked: AttributeError: no attribute '_lock'"
    assert done.stderr == f"Error: {words}\n"


@pytest.mark.parametrize("problem", [TargetNotFoundError("Not there"), KeyError("k")])
def test_what_cannot_be_asked_is_json_too(replaced: Any, problem: Exception) -> None:
    replaced("validate", raises=problem)
    done = run("validate", "--json", "nowhere")
    told = json.loads(done.stdout)
    assert (done.exit_code, [*told]) == (2, ["error"])
    assert str(problem) in told["error"]
    assert str(problem) in done.stderr


@pytest.mark.parametrize(
    ("options", "data"),
    [
        ([], True),
        (["--data", "all"], "all"),
        (["--all-data"], "all"),
        (["--data", "none"], False),
        (["--no-data"], False),
    ],
)
def test_which_chunks_are_decoded_is_asked(
    replaced: Any, options: list[str], data: object
) -> None:
    called = replaced("validate", result=xo.Report((), "there"))
    assert run("validate", "there", *options).exit_code == 0
    assert called.kwargs["data"] == data


# --- convert, upgrade ----------------------------------------------------------------


def test_a_bare_conversion_asks_for_nothing(replaced: Any) -> None:
    called = replaced("convert")
    assert run("convert", "a.zarr", "b.zarr").exit_code == 0
    assert (called.args, called.kwargs) == (("a.zarr", "b.zarr"), {})


def test_the_options_of_convert_reach_the_function(replaced: Any) -> None:
    called = replaced("convert")
    options = ["--version", "0.6", "--mode", "w", "--group", "labels/cells"]
    options += ["--chunks", "z=1,y=64,x=64", "--shards", "4, 512,512"]
    options += ["--compression", "zstd", "--wells", "A/1,B/2", "--wells", "C/3"]
    options += ["--fields", "0", "--lossy", "--progress"]
    done = run("convert", "a.zarr", "b.zarr", *options)
    assert done.exit_code == 0, done.output
    assert called.kwargs == {
        "version": "0.6",
        "mode": "w",
        "group": "labels/cells",
        "chunks": {"z": 1, "y": 64, "x": 64},
        "shards": (4, 512, 512),
        "compression": "zstd",
        "wells": ["A/1", "B/2", "C/3"],
        "fields": ["0"],
        "lossy": True,
        "progress": True,
    }


@pytest.mark.parametrize(("text", "shape"), [("auto", "auto"), ("256", 256)])
def test_shapes_are_words_or_one_number(replaced: Any, text: str, shape: Any) -> None:
    called = replaced("convert")
    run("convert", "a.zarr", "b.zarr", "--chunks", text)
    assert called.kwargs == {"chunks": shape}


@pytest.mark.parametrize("text", ["big", "1,x", "y=big", "y=1=2", ""])
def test_what_is_no_shape_is_refused(replaced: Any, text: str) -> None:
    called = replaced("convert")
    done = run("convert", "a.zarr", "b.zarr", "--chunks", text)
    assert (done.exit_code, called.args) == (2, None)
    assert "is no shape" in done.stderr


def test_all_problems_are_told_without_a_traceback(replaced: Any) -> None:
    several = [NotInVersionError("no units"), MetadataError("no axes")]
    replaced("convert", raises=OmeZarrErrorGroup("Cannot convert", several))
    done = run("convert", "a.zarr", "b.zarr")
    assert done.exit_code == 1
    assert done.stderr == "Error: Cannot convert\n- no units\n- no axes\n"


def test_warnings_are_told_in_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def lossy(*args: object, **kwargs: object) -> None:
        warn("The unit of x is lost")

    monkeypatch.setattr(xo, "convert", lossy, raising=False)
    done = run("convert", "a.zarr", "b.zarr", "--lossy")
    assert (done.exit_code, done.stdout) == (0, "")
    assert done.stderr == "Warning: The unit of x is lost\n"


def test_an_upgrade_needs_a_version(replaced: Any) -> None:
    called = replaced("upgrade")
    assert run("upgrade", "a.zarr").exit_code == 2
    assert called.args is None


def test_the_options_of_upgrade_reach_the_function(replaced: Any) -> None:
    called = replaced("upgrade", result="3 files would be written")
    options = ["--version", "0.5", "--dry-run", "--keep", "--lossy"]
    done = run("upgrade", "a.zarr", *options)
    assert done.output == "3 files would be written\n"
    assert called.args == ("a.zarr",)
    wanted = {"version": "0.5", "dry_run": True, "keep": True, "lossy": True}
    assert called.kwargs == wanted


def test_a_dry_run_of_what_cannot_be_done_is_no_success(replaced: Any) -> None:
    class Plan:
        problems = (NotInVersionError("no units"),)

        def __str__(self) -> str:
            return "cannot be done, but with lossy=True"

    replaced("upgrade", result=Plan())
    done = run("upgrade", "a.zarr", "--version", "0.5", "--dry-run")
    assert (done.exit_code, done.output) == (1, "cannot be done, but with --lossy\n")


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("mode='w' replaces it", "--mode w replaces it"),
        ("choose a later version=, or", "choose a later --version, or"),
        ("leave it out with lossy=True", "leave it out with --lossy"),
        ("choose with wells= or fields=, or", "choose with --wells or --fields, or"),
        ("chunks={'x': 3} is no path", "chunks={'x': 3} is no path"),
        ("scale=2 of /a/mode=w/b and 'mode=w'", "scale=2 of /a/mode=w/b and 'mode=w'"),
        (
            "xarray_omezarr.convert(source, store, version='0.4')",
            "xarray-omezarr convert SOURCE TARGET --version 0.4",
        ),
    ],
)
def test_messages_speak_of_options(replaced: Any, said: str, told: str) -> None:
    replaced("convert", raises=MetadataError(said))
    assert run("convert", "a", "b").stderr == f"Error: {told}\n"


def test_further_options_of_convert_reach_the_function(replaced: Any) -> None:
    called = replaced("convert")
    options = ["--fill-value", "0", "--memory-limit", "2GB"]
    options += ["--source-storage-options", '{"anon": true}']
    assert run("convert", "a.zarr", "b.zarr", *options).exit_code == 0
    assert called.kwargs == {
        "fill_value": 0,
        "memory_limit": "2GB",
        "source_storage_options": {"anon": True},
    }


def test_a_group_is_upgraded(replaced: Any) -> None:
    called = replaced("upgrade")
    run("upgrade", "a.zarr", "--version", "0.5", "--group", "b/c")
    assert called.kwargs == {"version": "0.5", "group": "b/c"}


# --- update --------------------------------------------------------------------------


def test_the_options_of_update_reach_the_function(replaced: Any) -> None:
    called = replaced("update")
    options = ["--scale", "y=0.25", "--scale", "x=1e-1", "--translation", "x=-5"]
    options += ["--unit", "x=micrometer", "--channel", "DAPI"]
    options += ["--channel", '{"label": "GFP", "color": "00FF00"}']
    options += ["--name", "cells", "--attr", "operator=Anna", "--attr", "runs=[1, 2]"]
    options += ["--attr", "note=a=b", "--group", "A/1/0"]
    done = run("update", "a.zarr", *options)
    assert done.exit_code == 0, done.output
    assert called.args == ("a.zarr",)
    assert called.kwargs == {
        "scale": {"y": 0.25, "x": 0.1},
        "translation": {"x": -5.0},
        "units": {"x": "micrometer"},
        "channels": ["DAPI", {"label": "GFP", "color": "00FF00"}],
        "name": "cells",
        "attrs": {"operator": "Anna", "runs": [1, 2], "note": "a=b"},
        "group": "A/1/0",
    }


@pytest.mark.parametrize(
    ("option", "text", "told"),
    [
        ("--scale", "0.1", "is not NAME=VALUE"),
        ("--scale", "x=small", "is no number"),
        ("--unit", "=micrometer", "is not NAME=VALUE"),
        ("--unit", "x", "is not NAME=VALUE"),
        ("--channel", "{DAPI", "is no JSON"),
        ("--storage-options", "[1]", "write a JSON object"),
        ("--storage-options", "anon", "write a JSON object"),
    ],
)
def test_a_value_that_has_no_meaning_is_refused(
    replaced: Any, option: str, text: str, told: str
) -> None:
    called = replaced("update")
    done = run("update", "a.zarr", option, text)
    assert (done.exit_code, called.args) == (2, None)
    assert told in done.stderr


def test_a_unit_without_a_name_is_removed(replaced: Any) -> None:
    called = replaced("update")
    assert run("update", "a.zarr", "--unit", "x=", "--unit", "y=um").exit_code == 0
    assert called.kwargs == {"units": {"x": None, "y": "um"}}


@pytest.mark.parametrize("unit", ["parsnip", "furlong", "kelvin", "acre"])
def test_a_unit_that_is_none_is_told_without_attrs(image: Path, unit: str) -> None:
    done = run("update", image, "--unit", f"x={unit}")
    assert done.exit_code == 1
    assert f"Unit {unit!r} of 'x'" in done.stderr
    assert "attrs" not in done.stderr
    assert "coordinate" not in done.stderr


def test_an_update_of_nothing_is_refused(replaced: Any) -> None:
    called = replaced("update")
    done = run("update", "a.zarr", "--group", "0")
    assert (done.exit_code, called.args) == (2, None)
    assert "Say what to correct" in done.stderr


# --- as processes --------------------------------------------------------------------


def process(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "xarray_omezarr", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_protocol_prints_one_object_whatever_the_file_is(tmp_path: Path) -> None:
    files = {"no json": "{", "a list": "[]", "a number": "1e999", "nothing": ""}
    files |= {"not a number": '{"ome": NaN}', "deep": "[" * 100_000}
    for name, text in files.items():
        file = tmp_path / f"{name}.json"
        file.write_text(text)
        done = run("validate", "--conformance", "attributes", file)
        assert (done.exit_code, done.stderr) == (0, ""), name
        assert json.loads(done.stdout)["valid"] is False, name


def test_the_command_can_be_called_as_a_program(image: Path, tmp_path: Path) -> None:
    done = process("validate", "--conformance", "zarr", image)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["valid"] is True
    done = process("validate", "--conformance", "zarr", tmp_path / "absent")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["valid"] is False
