"""The map of the rules has all of them."""

from __future__ import annotations

import re
from pathlib import Path

from xarray_omezarr.ngff import rules


def test_each_module_is_on_the_map_once_and_nothing_else_is() -> None:
    text = (rules.__doc__ or "").partition("Tools:")[2]
    named = re.findall(r"`([a-z_]+)`", text)
    there = {file.stem for file in Path(rules.__file__).parent.glob("*.py")}
    assert sorted(named) == sorted(there - {"__init__"})
