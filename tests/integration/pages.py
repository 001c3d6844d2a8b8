"""Runs what a page of the documentation shows."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def run_page(name: str) -> dict[str, object]:
    """Run the Python blocks of a page, one after the other; returns their names.

    A block of text has to be what the block before it prints.
    """
    names: dict[str, object] = {}
    printed = ""
    for language, text in _BLOCK.findall((DOCS / name).read_text(encoding="utf-8")):
        if language == "python":
            with contextlib.redirect_stdout(io.StringIO()) as output:
                exec(compile(text, name, "exec"), names)
            printed = output.getvalue()
        elif language == "text":
            assert printed == text
    return names
