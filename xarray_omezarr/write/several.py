"""Several images planned together: all that is said of each, with its path."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from xarray_omezarr.errors import (
    OmeZarrError,
    OmeZarrErrorGroup,
    OmeZarrWarning,
    raise_together,
    some,
    warn,
)

_FEW = 3  # paths that a message repeats
_MOST = 30  # problems that are told one by one


@dataclass(slots=True)
class Said:
    """Problems and warnings of several images; what several say is told once.

    Examples
    --------
    >>> from xarray_omezarr.errors import AxisError
    >>> said = Said()
    >>> for path in ("0", "1"):
    ...     with said.about(path):
    ...         raise AxisError("Dims ('x',) are too few")
    >>> said.close("This collection cannot be written")
    Traceback (most recent call last):
    xarray_omezarr.errors.AxisError: '0', '1': Dims ('x',) are too few
    """

    problems: dict[tuple[type[OmeZarrError], str], list[str]] = field(
        default_factory=dict
    )
    warnings: dict[str, list[str]] = field(default_factory=dict)
    _last: str | None = None

    @contextmanager
    def about(self, path: str) -> Iterator[None]:
        """Note what is raised and warned of inside, and go on."""
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always", OmeZarrWarning)
            try:
                yield
            except OmeZarrErrorGroup as group:
                for problem in group.exceptions:
                    self._note(path, problem)
            except OmeZarrError as problem:
                self._note(path, problem)
        for entry in heard:
            if issubclass(entry.category, OmeZarrWarning):
                self.warnings.setdefault(str(entry.message), []).append(path)
                self._last = path
            else:
                warnings.warn_explicit(
                    entry.message, entry.category, entry.filename, entry.lineno
                )

    def _note(self, path: str, problem: Exception) -> None:
        if not isinstance(problem, OmeZarrError):
            raise problem
        self.problems.setdefault((type(problem), str(problem)), []).append(path)
        self._last = path

    def tells_of(self, path: str) -> bool:
        """Whether the last that there was to say was said of this image."""
        return self._last == path

    def close(self, message: str) -> None:
        """Raise the problems together; warn where there are none."""
        told = [
            kind(f"{_few(paths)}: {text}")
            for (kind, text), paths in self.problems.items()
        ]
        if len(told) > _MOST:
            message = f"{message} (the first {_MOST} of {len(told)} problems)"
        raise_together(told[:_MOST], message)
        for text, paths in self.warnings.items():
            warn(f"{_few(paths)}: {text}")


def _few(paths: list[str]) -> str:
    return some([*map(repr, paths)], _FEW)
