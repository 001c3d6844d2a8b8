"""Paths that metadata tell: followed only where they stay inside the hierarchy."""

from __future__ import annotations

from xarray_omezarr.ngff.names import goes_up, names_elsewhere

_LONGEST = 4096


def inside(path: str) -> str | None:
    """Why a path does not lead below the group that tells it; None if it does.

    Examples
    --------
    >>> inside("A/1") is None
    True
    >>> inside("../other")
    "it leads out of the group by '..'"
    """
    if not path:
        return "it is empty, which is the group itself"
    if len(path) > _LONGEST:
        return f"it has {len(path)} characters"
    if "\\" in path or any(_is_odd(character) for character in path):
        return "it has a backslash or characters that no name can have"
    if path.startswith("/"):
        return "it starts at the root"
    if names_elsewhere(path):
        return "it names a drive or a protocol"
    parts = path.split("/")
    if ".." in parts:
        return "it leads out of the group by '..'"
    if "." in parts or "" in parts:
        return "it has empty parts or '.', which lead to the same place twice"
    if goes_up(path):
        return "it has a part that is '.' or '..' in an address of the web"
    return None


def _is_odd(character: str) -> bool:
    """Control characters, and halves of characters that UTF-8 does not know."""
    return character < " " or "\ud800" <= character <= "\udfff"


def resolved(base: str, path: str) -> str | None:
    """Where a path that may go up leads from a group; None if out of the hierarchy.

    Examples
    --------
    >>> resolved("0/labels/cells", "../../")
    '0'
    >>> resolved("0", "../../") is None
    True
    """
    if len(path) > _LONGEST or "\\" in path or path.startswith("/"):
        return None
    if names_elsewhere(path) or any(map(_is_odd, path)):
        return None
    parts = [part for part in base.split("/") if part]
    for part in path.split("/"):
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != "." and goes_up(part):
            return None
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)
