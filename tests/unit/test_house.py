"""The rules of the house that no linter knows."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import xarray_omezarr

ROOT = Path(xarray_omezarr.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
VERSION_LITERAL = re.compile(r"0\.[1-6](rc\d+)?")
LONGEST_FILE = 400
LONGEST_BODY = 80

Function = ast.FunctionDef | ast.AsyncFunctionDef


def in_package(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def modules_loaded_by(statement: str) -> set[str]:
    """Top-level modules in a fresh interpreter after `statement`."""
    code = f"{statement}; import sys; print(*sys.modules)"
    run = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in done.stdout.split()}


def functions(tree: ast.AST) -> Iterator[Function]:
    return (node for node in ast.walk(tree) if isinstance(node, Function))


def body_lines(function: Function) -> int:
    """Lines after the signature and the docstring, as a reader counts them."""
    body = function.body
    documented = ast.get_docstring(function, clean=False) is not None
    if documented and len(body) == 1:
        return 0
    start = (body[0].end_lineno or 0) + 1 if documented else body[0].lineno
    return (function.end_lineno or 0) - start + 1


def string_literals(tree: ast.AST) -> Iterator[ast.Constant]:
    """Strings that are neither docstrings nor the digits of a `Decimal`."""
    others: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            others.add(id(node.value))
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "Decimal":
            others.update(id(argument) for argument in node.args)
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in others:
            yield node


@pytest.mark.parametrize(
    "door", ["xarray_omezarr", "xarray_omezarr.backend", "xarray_omezarr.cli"]
)
def test_a_door_is_light_to_import(door: str) -> None:
    # xarray imports the package of every engine when a path is opened without one.
    heavy = {"zarr", "pint", "dask", "tensorstore", "skimage", "matplotlib"}
    assert modules_loaded_by(f"import {door}") & heavy == set()


def test_the_command_line_shows_its_help_without_loading_arrays() -> None:
    code = "import xarray_omezarr.cli as c; c.main(['--help'], standalone_mode=False)"
    assert modules_loaded_by(code) & {"zarr", "pint", "dask"} == set()


def test_every_public_name_can_be_imported() -> None:
    for name in xarray_omezarr.__all__:
        assert getattr(xarray_omezarr, name) is not None


def names_shown() -> dict[str, str]:
    """Public names and their modules, as type checkers see them in the face."""
    tree = ast.parse((ROOT / "__init__.py").read_text(encoding="utf-8"))
    return {
        alias.asname or alias.name: node.module or ""
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if (node.module or "").startswith("xarray_omezarr")
        and not (alias.asname or "").startswith("_")
    }


def test_what_is_listed_is_what_type_checkers_see() -> None:
    assert set(xarray_omezarr.__all__) == set(names_shown())


def test_a_name_that_is_loaded_late_is_the_one_that_type_checkers_see() -> None:
    for name, home in names_shown().items():
        shown = getattr(importlib.import_module(home), name)
        assert getattr(xarray_omezarr, name) is shown


def test_the_face_hides_nothing_that_can_be_imported() -> None:
    own = {
        name
        for name, value in vars(xarray_omezarr).items()
        if getattr(value, "__module__", "").startswith("xarray_omezarr")
    }
    assert {name for name in own if not name.startswith("_")} <= set(
        xarray_omezarr.__all__
    )


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = xarray_omezarr.no_such_name


def test_the_list_of_public_names_is_sorted_and_has_no_doubles() -> None:
    names = list(xarray_omezarr.__all__)
    assert names == sorted(set(names))


def test_no_room_bears_the_name_of_a_public_function() -> None:
    # Importing such a module would put it in the place of the function.
    rooms = {path.stem for path in ROOT.glob("*.py")}
    public = {
        name
        for name in xarray_omezarr.__all__
        if not isinstance(getattr(xarray_omezarr, name), ModuleType)
    }
    assert rooms & public == set()


def test_the_house_has_files() -> None:
    # The tests below would pass over an empty list.
    assert {"errors.py", "hierarchy.py", "grid/grid.py"} <= set(map(in_package, FILES))


@pytest.mark.parametrize("path", FILES, ids=in_package)
class TestFile:
    def test_a_file_opens_with_its_sentence(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        sentence = (ast.get_docstring(tree) or "").partition("\n")[0]
        assert re.search(r"[.:]$", sentence), f"{path.name} opens with {sentence!r}"

    def test_a_file_fits_the_head(self, path: Path) -> None:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST_FILE

    def test_a_function_fits_the_screen(self, path: Path) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        sizes = {function.name: body_lines(function) for function in functions(tree)}
        assert {n: size for n, size in sizes.items() if size > LONGEST_BODY} == {}

    def test_only_the_versions_name_a_version(self, path: Path) -> None:
        if (ROOT / "ngff" / "versions") in path.parents:
            return
        tree = ast.parse(path.read_text(encoding="utf-8"))
        found = [
            f"line {node.lineno}: {node.value!r}"
            for node in string_literals(tree)
            if VERSION_LITERAL.fullmatch(node.value)
        ]
        assert found == []

    def test_nothing_is_left_for_later(self, path: Path) -> None:
        # Spelled in parts, so that a search for the word finds only what is meant.
        words = ("TO" + "DO", "FIX" + "ME", "X" * 3)
        text = path.read_text(encoding="utf-8")
        assert [word for word in words if word in text] == []


def test_the_rule_of_versions_sees_neither_docstrings_nor_decimals() -> None:
    lines = [
        '"""0.5"""',
        'def f(v="0.4"):',
        '    "0.3"',
        '    return v == "0.6rc0", Decimal("0.2")',
    ]
    found = {node.value for node in string_literals(ast.parse("\n".join(lines)))}
    assert {v for v in found if VERSION_LITERAL.fullmatch(v)} == {"0.4", "0.6rc0"}


def test_the_rule_of_length_counts_neither_signature_nor_docstring() -> None:
    lines = ["def f(", "  a,", "):", '  """One.', "", '  """', "  b = a", "  return b"]
    tree = ast.parse("\n".join(lines))
    assert [body_lines(function) for function in functions(tree)] == [2]
