"""Names of versions as files tell them."""

from __future__ import annotations

import re

# A third number counts corrections of the text, which change nothing in files; so do
# candidates for a release. Drafts of a version may say things in other words.
_NAME = re.compile(r"(\d+\.\d+)(?:\.\d+|rc\d+|(\.dev\d+))?")


def without_correction(name: str) -> str:
    """The name of the version that a told name belongs to.

    Examples
    --------
    >>> without_correction("0.5.2"), without_correction("0.6rc0")
    ('0.5', '0.6')
    """
    match = _NAME.fullmatch(name)
    return match[1] if match else name


def as_text(told: object) -> object:
    """The version that a file tells; some programs write it as a number.

    Examples
    --------
    >>> as_text(0.4), as_text("0.4"), as_text(True)
    ('0.4', '0.4', True)
    """
    return str(told) if isinstance(told, float) else told


def is_draft(name: str) -> bool:
    """Whether a told name is that of a draft, which may differ from the version.

    Examples
    --------
    >>> is_draft("0.6.dev4"), is_draft("0.6rc0")
    (True, False)
    """
    match = _NAME.fullmatch(name)
    return match is not None and match[2] is not None
