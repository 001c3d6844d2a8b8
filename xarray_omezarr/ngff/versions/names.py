"""Names of versions as files tell them."""

from __future__ import annotations

import re

# A third number counts corrections of the text, which change nothing in files.
_CORRECTED = re.compile(r"(\d+\.\d+)\.\d+")


def without_correction(name: str) -> str:
    """The name of the version that a told name belongs to.

    Examples
    --------
    >>> without_correction("0.5.2")
    '0.5'
    """
    match = _CORRECTED.fullmatch(name)
    return match[1] if match else name
