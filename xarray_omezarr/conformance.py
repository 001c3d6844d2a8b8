"""The protocol of the standard's own conformance runner: one file in, one word out.

It is asked once per case, each time by a new process, so that nothing is imported
here that is not needed: rules are plain Python, and documents are read as files.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from xarray_omezarr.ngff.rules.check import check_attributes

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.finding import Finding, Strictness

# Added to each case by those who collected them; no part of the attributes.
_LABEL = "_conformance"
# More would only be scrolled past: the runner prints a message in one line.
_SHOWN = 5

#: What can be asked for: a file of attributes, or the folder of a Zarr group.
MODES = ("attributes", "zarr")


def answer(mode: str, path: str) -> str:
    """The line that the official runner reads: one JSON object; see `judge`."""
    asked: Literal["attributes", "zarr"] = "zarr" if mode == "zarr" else "attributes"
    return json.dumps(judge(asked, Path(path)))


def judge(mode: Literal["attributes", "zarr"], path: Path) -> dict[str, Any]:
    """Say whether what lies at a path is valid, as the official runner asks it.

    Parameters
    ----------
    mode
        ``"attributes"``: the path is a JSON file with the attributes of a group;
        ``"zarr"``: it is the folder of a Zarr group, of which only the group's own
        document is read.
    path
        With ``/strict/`` in it, what the strict schemas demand is asked as well: the
        runner has no other way to say so.

    Returns
    -------
    dict
        ``valid`` and, in words, ``message``. What cannot be read is invalid; nothing
        is raised for it.
    """
    level: Strictness = (
        "strict" if "/strict/" in path.absolute().as_posix() else "schema"
    )
    try:
        attrs = _attributes(path) if mode == "attributes" else _of_group(path)
    except (OSError, ValueError, RecursionError) as problem:
        return {"valid": False, "message": _unreadable(path, problem)}
    checked = check_attributes(attrs, level)
    errors = [found for found in checked.findings if found.severity == "error"]
    return {"valid": not errors, "message": _told(errors, level)}


def _attributes(path: Path) -> Any:
    document = _document(path)
    if isinstance(document, dict):
        document.pop(_LABEL, None)
    return document


def _of_group(folder: Path) -> Any:
    """Attributes of the Zarr group in a folder, in the third format or the second."""
    file = folder / "zarr.json"
    if not file.exists():
        if not (folder / ".zgroup").exists() and not (folder / ".zattrs").exists():
            raise ValueError("there is neither a zarr.json nor a .zgroup in it")
        attrs = folder / ".zattrs"
        return _attributes(attrs) if attrs.exists() else {}
    document = _document(file)
    if not isinstance(document, dict) or document.get("node_type") != "group":
        raise ValueError('zarr.json does not say "node_type": "group"')
    attrs_held = document.get("attributes", {})
    if isinstance(attrs_held, dict):
        attrs_held.pop(_LABEL, None)
    return attrs_held


def _document(file: Path) -> Any:
    # Python reads NaN and Infinity, which are no JSON.
    return json.loads(file.read_bytes().decode("utf-8"), parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def _unreadable(path: Path, problem: Exception) -> str:
    from xarray_omezarr.ngff.plain import endless_number

    what = "too deeply nested" if isinstance(problem, RecursionError) else str(problem)
    if number := endless_number(problem):
        what = f"it holds {number}"
    return f"{path.name} cannot be read: {what}"


def _told(errors: list[Finding], level: str) -> str:
    if not errors:
        return f"nothing is wrong at level {level!r}"
    lines = [f"{found.pointer or '/'}: {found.message}" for found in errors[:_SHOWN]]
    if len(errors) > _SHOWN:
        lines.append(f"and {len(errors) - _SHOWN} more")
    return "; ".join(lines)
