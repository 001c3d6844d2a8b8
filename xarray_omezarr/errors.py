"""The tree of errors: each is an OmeZarrError and the builtin it stands for.

OmeZarrError
├── CoordinateError        ValueError         uneven, descending, missing coordinates
├── UnitError              ValueError         a unit the standard does not know
├── AxisError              ValueError         type, order or number of dims
├── DataTypeError          TypeError          pixels that no reader could decode
├── LayoutError            ValueError         chunks and shards that do not fit
├── OptionError            ValueError         a write option with an impossible value
├── PlateError             ValueError         rows, columns, wells that make no plate
├── MetadataError          ValueError         a MUST of the standard is broken
├── TransformationError    ValueError         cannot be applied, inverted, found
├── OutsideError           KeyError           a position outside of the image
├── UnknownVersionError    ValueError         no such version of the standard
├── NotInVersionError      ValueError         the version cannot hold this
├── TargetExistsError      FileExistsError,   the place is taken
│                          ValueError
├── TargetNotFoundError    FileNotFoundError  nothing is there
├── NotWritableError       PermissionError    the disk must not be written to
├── NotOmeZarrError        ValueError         something else is there
├── NoPixelsError          ValueError         a template has no pixels to write or read
├── LockedError            TimeoutError       another writer does not let go of a lock
├── ReplacedError          RuntimeError       what was opened is not there any more
├── MissingDependencyError ImportError        an extra is not installed
└── OmeZarrErrorGroup      ExceptionGroup     several of the above at once
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

# Lines of these packages lie between a user's line and a warning.
_PASSED_THROUGH = ("xarray_omezarr", "xarray", "contextlib")


# What moves the cursor of a terminal, colours it, or turns text round: controls but for
# tabs and line breaks, marks of direction, separators, halves of characters.
_UNSEEN = re.compile(
    "[\\x00-\\x08\\x0b-\\x1f\\x7f-\\x9f\\u061c\\u200e\\u200f\\u2028-\\u202e"
    "\\u2066-\\u2069\\ud800-\\udfff]"
)


def printable(text: str) -> str:
    r"""A text without what would do something to a terminal, as Python spells that.

    Names in messages and reports come from files of others.

    Examples
    --------
    >>> print(printable("A\x1b[31m/1"))
    A\x1b[31m/1
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNSEEN.sub(lambda found: repr(found[0])[1:-1], text)


class OmeZarrError(Exception):
    """Base of everything this package raises on purpose."""

    def __str__(self) -> str:
        return printable(super().__str__())


class CoordinateError(OmeZarrError, ValueError):
    """A coordinate cannot be written as scale and translation."""


class UnitError(OmeZarrError, ValueError):
    """A unit has no name in the standard."""


class AxisError(OmeZarrError, ValueError):
    """The dims of an object do not make a set of axes the standard allows."""


class DataTypeError(OmeZarrError, TypeError):
    """The pixels have a type that OME-Zarr readers cannot decode."""


class LayoutError(OmeZarrError, ValueError):
    """Chunks or shards do not fit the array or each other."""


class OptionError(OmeZarrError, ValueError):
    """A write option has a value that has no meaning."""


class PlateError(OmeZarrError, ValueError):
    """Rows, columns, wells, fields or acquisitions do not make a plate."""


class MetadataError(OmeZarrError, ValueError):
    """Metadata break a MUST of the standard, or cannot be written as JSON."""


class TransformationError(OmeZarrError, ValueError):
    """A transformation cannot be applied, inverted or found."""


class OutsideError(OmeZarrError, KeyError):
    """A position that is to be selected lies outside of the image."""

    def __str__(self) -> str:
        # A KeyError shows its message as Python spells texts.
        return printable(str(self.args[0])) if self.args else ""


class UnknownVersionError(OmeZarrError, ValueError):
    """There is no such version of the standard, or it cannot be told."""


class NotInVersionError(OmeZarrError, ValueError):
    """The chosen version of the standard has no place for something."""


class TargetExistsError(OmeZarrError, FileExistsError, ValueError):
    """The target holds something that must not be replaced.

    A label, field or series whose name is taken is a wrong value too: other writers
    raise ValueError for it.
    """


class TargetNotFoundError(OmeZarrError, FileNotFoundError):
    """There is nothing at the target."""


class NotWritableError(OmeZarrError, PermissionError):
    """A disk is read-only, or a folder must not be written to."""


class NotOmeZarrError(OmeZarrError, ValueError):
    """The target holds no OME-Zarr metadata."""


class NoPixelsError(OmeZarrError, ValueError):
    """A template stands for an image; it has no pixels to write or read."""


class LockedError(OmeZarrError, TimeoutError):
    """Another writer holds a lock and does not let go of it."""


class ReplacedError(OmeZarrError, RuntimeError):
    """Pixels were opened, and something else stands there when they are read."""


class MissingDependencyError(OmeZarrError, ImportError):
    """An optional package is needed; the message holds the pip line."""


class OmeZarrErrorGroup(OmeZarrError, ExceptionGroup[OmeZarrError], ValueError):
    """Several problems, found together before the first byte was written."""

    # Keeps the class when a group is split.
    def derive(self, excs: Sequence[OmeZarrError]) -> OmeZarrErrorGroup:  # type: ignore[override]
        """A group of some of the same problems."""
        return OmeZarrErrorGroup(self.message, excs)

    def __str__(self) -> str:
        # The plain text of a group hides its members; a notebook user who sees
        # only the last line of a traceback must still see every problem.
        problems = "\n".join(f"- {problem}" for problem in self.exceptions)
        return f"{printable(self.message)}\n{problems}"


class OmeZarrWarning(UserWarning):
    """Something the standard advises against, or that others may not see."""


def warn(message: str) -> None:
    """Issue an `OmeZarrWarning` that points at the line outside which led to it."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and _passes_through(frame.f_globals.get("__name__", "")):
        frame, level = frame.f_back, level + 1
    warnings.warn(printable(message), OmeZarrWarning, stacklevel=level)


def _passes_through(module: str) -> bool:
    return module.partition(".")[0] in _PASSED_THROUGH


class Problems:
    """Collects what is wrong, so that all of it can be raised together.

    Examples
    --------
    >>> problems = Problems()
    >>> with problems.collected():
    ...     raise UnitError("Unit 'blink' is not known")
    >>> with problems.collected():
    ...     raise AxisError("Dims ('x',) are too few")
    >>> try:
    ...     problems.raise_all("Cannot write the image")
    ... except OmeZarrErrorGroup as group:
    ...     print(len(group.exceptions))
    2
    """

    def __init__(self) -> None:
        self._found: list[OmeZarrError] = []

    def __bool__(self) -> bool:
        return bool(self._found)

    @contextmanager
    def collected(self) -> Iterator[None]:
        """Note an error of this package that is raised inside, and go on."""
        try:
            yield
        except OmeZarrErrorGroup as group:
            self._found.extend(
                problem
                for problem in group.exceptions
                if isinstance(problem, OmeZarrError)
            )
        except OmeZarrError as problem:
            self._found.append(problem)

    def raise_all(self, message: str) -> None:
        """Raise what was noted: one as itself, several as a group."""
        raise_together(self._found, message)


def some(names: Sequence[str], most: int = 5) -> str:
    """Names as messages list them: the first few, and how many more there are.

    Examples
    --------
    >>> some(["A/1", "A/2", "A/3"], most=2)
    'A/1, A/2 and 1 more'
    """
    rest = len(names) - most
    listed = ", ".join(names[:most])
    return f"{listed} and {rest} more" if rest > 0 else listed


def raise_together(problems: Sequence[OmeZarrError], message: str) -> None:
    """Raise one problem as itself, several as a group, none not at all."""
    if len(problems) == 1:
        raise problems[0]
    if problems:
        raise OmeZarrErrorGroup(f"{message}: {len(problems)} problems", problems)
