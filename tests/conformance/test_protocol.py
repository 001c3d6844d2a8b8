"""The command speaks the protocol of the official conformance runner."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.conformance import runner
from tests.conformance.cases import SPEC, all_cases
from xarray_omezarr import __main__, cli

pytestmark = pytest.mark.skipif(
    not all_cases(), reason="the cases of the standard are not beside the checkout"
)

COMMAND = [sys.executable, "-m", "xarray_omezarr", "validate", "--conformance"]
MODES = [("0.4", "attributes"), ("0.5", "attributes"), ("0.6", "attributes")]
MODES += [("0.6", "zarr")]
# Cases of each mode that get a process of their own; the script asks for all.
PROCESSES = 3


def judged() -> dict[Path, bool]:
    """Cases whose answer is not doubted, by their places: what the schema says."""
    return {
        case.path: case.valid
        for case in all_cases()
        if case.is_document and not case.contested and case.schema_valid == case.valid
    }


def is_answerable(case: Path) -> bool:
    return case in judged()


@pytest.mark.parametrize(("version", "mode"), MODES)
def test_processes_answer_as_the_official_runner_wants_it(
    version: str, mode: str
) -> None:
    cases = list(filter(is_answerable, runner.discover(version, mode)))
    chosen = random.Random(0).sample(cases, PROCESSES)
    results = dict(runner.run([*COMMAND, mode], chosen))
    assert results == dict.fromkeys(chosen, "pass")


@pytest.mark.parametrize(("version", "mode"), MODES)
def test_every_case_gets_one_json_object_and_nothing_else(
    version: str, mode: str
) -> None:
    cases = runner.discover(version, mode)
    assert cases
    for case in cases:
        done = CliRunner().invoke(
            cli.main, ["validate", "--conformance", mode, str(case)]
        )
        assert (done.exit_code, done.stderr) == (0, ""), case
        answer = json.loads(done.stdout)
        assert [*answer] == ["valid", "message"]
        assert type(answer["valid"]) is bool
        assert type(answer["message"]) is str


def test_the_runner_finds_the_cases_that_the_index_lists() -> None:
    for mode in runner.PATTERNS:
        listed = {case.path for case in all_cases() if case.mode == mode}
        found = {
            case
            for version in ("0.4", "0.5", "0.6")
            for case in runner.discover(version, mode)
        }
        assert found == listed


def test_the_runner_tells_pass_from_fail_and_error() -> None:
    folder = SPEC / "0.6" / "tests" / "attributes" / "spec"
    yes = "import json; print(json.dumps({'valid': True, 'message': ''}))"
    valid, invalid = folder / "valid" / "a.json", folder / "invalid" / "a.json"
    assert runner.ask([sys.executable, "-c", yes], valid) == "pass"
    assert runner.ask([sys.executable, "-c", yes], invalid) == "fail"
    assert runner.ask([sys.executable, "-c", "raise SystemExit(1)"], valid) == "error"
    with pytest.raises(json.JSONDecodeError):
        runner.ask([sys.executable, "-c", "print('hello')"], valid)


def test_attributes_are_judged_without_parser_arrays_units_and_models() -> None:
    case = SPEC / "0.6/tests/attributes/spec/valid/image/missing_name.json"
    code = (
        "import sys, xarray; before = {*sys.modules}\n"
        f"sys.argv[1:] = ['validate', '--conformance', 'attributes', {str(case)!r}]\n"
        "from xarray_omezarr.__main__ import main; main()\n"
        "print(*sorted({*sys.modules} - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    answer, text = done.stdout.splitlines()
    assert json.loads(answer)["valid"] is True
    loaded = text.split()
    roots = {name.partition(".")[0] for name in loaded}
    heavy = {"click", "zarr", "pint", "dask", "pydantic", "rich", "fsspec", "aiohttp"}
    assert heavy & roots == set()
    # Those of ours are small; more of them, or of others, would be felt by a runner
    # that asks a thousand times.
    assert len([name for name in loaded if name.startswith("xarray_omezarr")]) <= 40
    assert len(loaded) <= 45


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--conformance", "attributes", "--help"],
        ["--conformance", "colours", "a.json"],
        ["--conformance", "attributes"],
    ],
    ids=" ".join,
)
def test_whatever_else_is_asked_reaches_the_parser(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    monkeypatch.setattr(cli, "main", lambda **given: asked.append(given))
    monkeypatch.setattr(sys, "argv", ["xarray-omezarr", "validate", *arguments])
    __main__.main()
    assert asked == [{"prog_name": "xarray-omezarr"}]


@pytest.mark.parametrize("mode", ["attributes", "zarr"])
def test_the_short_way_answers_as_the_command_does(
    mode: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for case in runner.discover("0.6", mode)[:5]:
        arguments = ["validate", "--conformance", mode, str(case)]
        monkeypatch.setattr(sys, "argv", ["xarray-omezarr", *arguments])
        __main__.main()
        done = CliRunner().invoke(cli.main, arguments)
        assert capsys.readouterr().out == done.stdout
