"""Spot: a value with its place in a document, and the questions asked of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.rules.finding import (
    Finding,
    Severity,
    Strictness,
    pointed,
    seen,
)
from xarray_omezarr.ngff.rules.sameness import first_repeated

if TYPE_CHECKING:
    from xarray_omezarr.ngff.rules.parameters import Known
    from xarray_omezarr.ngff.versions.dialects import Dialect

_MOST_FINDINGS = 1000  # of one document; a broken list of a million would fill memory
#: Transformations inside each other that are looked into.
DEEPEST = 30
_MOST_STEPS = (
    2000  # transformations inside one; they may share parts, or hold themselves
)


class Log:
    """The findings of one document, and what it is measured with."""

    def __init__(self, dialect: Dialect, level: Strictness, path: str = "") -> None:
        self.dialect = dialect
        self.level = level
        self.path = path
        self.findings: list[Finding] = []
        self.left_out = 0
        self.steps = 0
        self.is_stopped = False
        # What transformations name by a path, where somebody has looked.
        self.stored: Known = {}
        # Bijections with the number of their axes, for who can compute with them.
        self.bijections: list[tuple[Spot, int | None]] = []

    @property
    def follows_text(self) -> bool:
        """Whether the text counts, not only what the schemas say."""
        return self.level == "standard"

    def may_enter(self, depth: int) -> bool:
        """Whether one more transformation is looked into, `depth` inside of others."""
        if depth == 0:
            self.steps, self.is_stopped = 0, False
        self.steps += 1
        return depth <= DEEPEST and self.steps <= _MOST_STEPS

    def stops_here(self) -> bool:
        """Whether this is the first transformation that is not looked into."""
        is_first, self.is_stopped = not self.is_stopped, True
        self.steps = _MOST_STEPS
        return is_first

    def has_room(self) -> bool:
        """Whether a finding is kept; where there are too many it is only counted."""
        if len(self.findings) < _MOST_FINDINGS:
            return True
        self.left_out += 1
        return False


class Spot:
    """A value of a document, with its place and the log that its faults go to.

    Three words tell who demands: `error` is for what the schemas demand (and with them
    the text), `must` for what only the text demands, `should` for what it advises.
    """

    __slots__ = ("key", "log", "parent", "value")

    def __init__(
        self, value: object, log: Log, parent: Spot | None = None, key: object = None
    ) -> None:
        self.value: Any = value
        self.log = log
        self.parent = parent
        self.key = key

    @property
    def pointer(self) -> str:
        """Its JSON pointer, made when asked for: most values have no faults."""
        parts: list[str] = []
        spot = self
        while spot.parent is not None:
            parts.append(pointed("", spot.key))
            spot = spot.parent
        return "".join(reversed(parts))

    @property
    def dialect(self) -> Dialect:
        """The version to measure with."""
        return self.log.dialect

    @property
    def follows_text(self) -> bool:
        """Whether the text counts, not only what the schemas say."""
        return self.log.follows_text

    # Findings

    def error(self, message: str, demand: str, remedy: str = "") -> None:
        """Note a fault that the schemas know."""
        self._add("error", message, demand, remedy)

    def must(self, message: str, demand: str, remedy: str = "") -> None:
        """Note a fault that only the text knows."""
        if self.follows_text:
            self._add("error", message, demand, remedy)

    def should(self, message: str, demand: str, remedy: str = "") -> None:
        """Note that advice of the text is not followed."""
        if self.follows_text:
            self._add("warning", message, demand, remedy)

    def tolerated(self, message: str, demand: str, why: str, remedy: str = "") -> None:
        """Note what the text demands, but as a warning, and why it is no more."""
        if self.follows_text:
            weight = f"MUST; only a warning, as {why}"
            self._add("warning", message, demand, remedy, weight)

    def _add(
        self,
        severity: Severity,
        message: str,
        demand: str,
        remedy: str,
        weight: str | None = None,
    ) -> None:
        if not self.log.has_room():
            return
        weight = weight or ("MUST" if severity == "error" else "SHOULD")
        clause = f"OME-Zarr {self.dialect.name}, {demand} ({weight})"
        self.log.findings.append(
            Finding(
                severity,
                self.log.path,
                self.pointer,
                message,
                clause,
                seen(self.value),
                remedy,
            )
        )

    def passes(self, rule: Callable[[Spot], object]) -> bool:
        """Whether the schema of `rule` takes the value; nothing is noted."""
        trial = Log(self.dialect, "schema")
        rule(Spot(self.value, trial))
        return not trial.findings

    # Members

    def child(self, key: str) -> Spot | None:
        """The member `key`, if there is one."""
        if isinstance(self.value, dict) and key in self.value:
            return Spot(self.value[key], self.log, self, key)
        return None

    def given(self, key: str) -> Spot | None:
        """The member `key`, if there is one that is not null."""
        child = self.child(key)
        return None if child is None or child.value is None else child

    def need(self, key: str, demand: str, remedy: str = "") -> Spot | None:
        """The member `key`, which the schemas demand."""
        child = self.child(key)
        if child is None and isinstance(self.value, dict):
            self.error(f"has no {key!r}", f"{demand}: {key}", remedy or f"add {key!r}")
        return child

    def want(self, key: str, demand: str, remedy: str = "") -> Spot | None:
        """The member `key`, which the text advises."""
        child = self.child(key)
        if child is None and isinstance(self.value, dict):
            self.should(f"has no {key!r}", f"{demand}: {key}", remedy or f"add {key!r}")
        return child

    def strictly(self, keys: Iterable[str], demand: str) -> None:
        """Members that the strict schemas demand."""
        if self.log.level == "strict" and isinstance(self.value, dict):
            for key in keys:
                self.need(key, demand)

    def items(self) -> Iterator[Spot]:
        """The entries of a list; of anything else none."""
        if isinstance(self.value, list | tuple):
            for i, item in enumerate(self.value):
                yield Spot(item, self.log, self, i)

    # Types

    def is_object(self, demand: str) -> bool:
        """Whether it is an object; a fault is noted."""
        return self._is(isinstance(self.value, dict), "an object", demand)

    def is_text(self, demand: str) -> bool:
        """Whether it is text; a fault is noted."""
        return self._is(isinstance(self.value, str), "text", demand)

    def is_boolean(self, demand: str) -> bool:
        """Whether it is true or false; a fault is noted."""
        return self._is(isinstance(self.value, bool), "true or false", demand)

    def is_number(self, demand: str) -> bool:
        """Whether it is a number; a fault is noted."""
        return self._is(is_number(self.value), "a number", demand)

    def is_integer(self, demand: str, least: int = 0, most: int | None = None) -> bool:
        """An integer not below `least`; JSON counts 1.0 among them."""
        if not self._is(is_integer(self.value), "an integer", demand):
            return False
        if self.value < least or (most is not None and self.value > most):
            limits = f"at least {least}" if most is None else f"{least} to {most}"
            self.error(
                f"is {seen(self.value)}, not {limits}",
                demand,
                f"write an integer, {limits}",
            )
            return False
        return True

    def is_list(
        self,
        demand: str,
        least: int = 0,
        most: int | None = None,
        *,
        unique: bool = False,
    ) -> bool:
        """A list; faults of its length and repeated entries are noted on the way."""
        if not self._is(isinstance(self.value, list | tuple), "a list", demand):
            return False
        count = len(self.value)
        if count < least:
            nothing = "is an empty list" if count == 0 else f"has {count} entries"
            self.error(
                f"{nothing}, not at least {least}", demand, f"give at least {least}"
            )
        if most is not None and count > most:
            self.error(
                f"has {count} entries, not at most {most}",
                demand,
                f"give at most {most}",
            )
        if unique and (twice := first_repeated(self.value)) is not None:
            entry = Spot(self.value[twice], self.log, self, twice)
            entry.error(
                f"repeats an entry of this list: {seen(entry.value)}",
                demand,
                "remove the copy",
            )
        return True

    def is_one_of(self, words: Iterable[str], demand: str, remedy: str = "") -> bool:
        """Whether it is one of some words; a fault is noted."""
        words = tuple(words)
        fits = isinstance(self.value, str) and self.value in words
        if not fits:
            wanted = words[0] if len(words) == 1 else f"one of {', '.join(words)}"
            message = f"is {seen(self.value)}, not {wanted}"
            self.error(message, demand, remedy or f"write {wanted}")
        return fits

    def _is(self, fits: bool, wanted: str, demand: str) -> bool:
        if not fits:
            self.error(
                f"is {seen(self.value)}, not {wanted}", demand, f"write {wanted}"
            )
        return fits

    def text_member(self, key: str, demand: str) -> None:
        """Note a member that is there and no text."""
        if (child := self.child(key)) is not None:
            child.is_text(f"{demand}: {key}")


def is_number(value: object) -> bool:
    """Whether JSON has it as a number; true and false are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_integer(value: object) -> bool:
    """Whether JSON has it as an integer; 1.0 is one."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def is_finite(value: float) -> bool:
    """Without making a float of an integer that is too large for one."""
    return isinstance(value, int) or abs(value) < float("inf")


def numbers(value: object) -> list[float] | None:
    """A list of finite numbers as floats, or None for anything else."""
    if not isinstance(value, list | tuple):
        return None
    try:
        found = [float(item) for item in value if is_number(item)]
    except OverflowError:
        return None
    is_whole = len(found) == len(value) and all(map(is_finite, found))
    return found if is_whole else None


def text(value: object, key: str) -> str | None:
    """Text under `key`, or None."""
    if not isinstance(value, dict):
        return None
    found = value.get(key)
    return found if isinstance(found, str) else None
