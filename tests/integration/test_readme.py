"""What the README shows runs, and prints what it says."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


def blocks() -> list[tuple[str, str]]:
    """Language and text of each fenced block, without its indentation."""
    return [
        (language, re.sub(f"^{indent}", "", text, flags=re.MULTILINE))
        for indent, language, text in BLOCK.findall(README.read_text(encoding="utf-8"))
    ]


def test_the_examples_run_and_print_what_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = ""
    for language, text in blocks():
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(text, README.name, "exec"), names)
            printed = output.getvalue()
        elif language == "text":
            assert printed == text
    assert (tmp_path / "cell.ome.zarr").is_dir()


def test_there_is_one_command_to_run_and_one_to_test() -> None:
    commands = [text for language, text in blocks() if language == "sh"]
    assert len(commands) == 2
    assert all(command.count("\n") == 1 for command in commands)
    assert commands[0].rstrip().endswith("xarray-omezarr demo out")
    assert "-m pytest" in commands[1]


def test_pictures_and_links_inside_the_project_exist() -> None:
    targets = re.findall(r"\]\(([^)]+)\)", README.read_text(encoding="utf-8"))
    inside = [target for target in targets if not target.startswith("https://")]
    assert "docs/picture.svg" in inside
    assert [t for t in inside if not (README.parent / t).exists()] == []


def test_pictures_come_from_no_other_host() -> None:
    pictures = re.findall(r"!\[[^]]*\]\(([^)]+)\)", README.read_text(encoding="utf-8"))
    assert [picture for picture in pictures if "://" in picture] == []
