"""Messages in the words of the command line: options as they are typed there."""

from __future__ import annotations

import re
from collections.abc import Collection

# Arguments of functions whose options are called otherwise.
_OPTIONS = {"units": "unit", "channels": "channel", "attrs": "attr"}
_CALL = re.compile(r"xarray_omezarr\.convert\(source, store, version=([^)]*)\)")
_WORD = re.compile(
    r"(?<![\w'\"/.=-])(?P<name>[a-z_]+)=(?P<value>True|'[^']*'|\"[^\"]*\"|)(?![\w.{\[])"
)


def in_shell_words(message: str, options: Collection[str]) -> str:
    """A message with arguments of functions spelled as options of a command.

    Parameters
    ----------
    message : str
        As the functions say it.
    options : collection of str
        What the command takes, such as ``"--lossy"``; other words stay.

    Examples
    --------
    >>> in_shell_words("leave it out with lossy=True", {"--lossy"})
    'leave it out with --lossy'
    >>> in_shell_words("mode='w' replaces it, or choose a version=", {"--mode"})
    '--mode w replaces it, or choose a version='
    """

    def told(match: re.Match[str]) -> str:
        name = match["name"]
        option = "--" + _OPTIONS.get(name, name).replace("_", "-")
        if option not in options:
            return match[0]
        value = match["value"].strip("'\"")
        return option if value in ("", "True") else f"{option} {value}"

    def called(match: re.Match[str]) -> str:
        version = match[1].strip("'\"")
        return f"xarray-omezarr convert SOURCE TARGET --version {version}"

    return _WORD.sub(told, _CALL.sub(called, message))
