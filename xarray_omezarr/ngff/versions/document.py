"""Place: a value inside a JSON document that knows the pointer to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from xarray_omezarr.errors import MetadataError, warn
from xarray_omezarr.ngff.base import Model, listed
from xarray_omezarr.ngff.plain import escaped, shown

# The group whose attributes are being read, for those that stand in a hierarchy.
_PATH: ContextVar[str] = ContextVar("path", default="")


@contextmanager
def attributes_of(path: str) -> Iterator[None]:
    """While attributes are read, name the group that they are of where they are odd."""
    token = _PATH.set(path)
    try:
        yield
    finally:
        _PATH.reset(token)


@dataclass(frozen=True, slots=True)
class Place:
    """A value inside a JSON document.

    Parameters
    ----------
    value : object
        The value; None where the document has nothing.
    pointer : str
        JSON pointer to it; empty for the document itself.
    notes : list of str
        What was tolerated anywhere in the document: one list for all its places.
    """

    value: Any
    pointer: str = ""
    notes: list[str] = field(default_factory=list)

    def __getitem__(self, key: str) -> Place:
        return self._at(key, self.members().get(key))

    def members(self) -> Mapping[str, Any]:
        """The members of the object that must be here."""
        if not isinstance(self.value, Mapping):
            raise self.error("give an object")
        return self.value

    def items(self) -> Iterator[Place]:
        """The items of the list that must be here."""
        if not isinstance(self.value, list | tuple):
            raise self.error("give a list")
        for index, item in enumerate(self.value):
            yield self._at(str(index), item)

    def entries(self) -> Iterator[Place]:
        """The items of the list that must be here and not be empty."""
        if self.value == []:
            raise self.error("give at least one entry")
        return self.items()

    def unknown(self, known: frozenset[str], model: type[Model]) -> dict[str, Any]:
        """The members that the standard does not know, for a `model` to keep.

        A key that the version does not know but the model does (later versions
        gave it a meaning) cannot be kept as if it had none: it is left out.
        """
        names = {name for pair in model.json_keys().items() for name in pair}
        rest = {k: v for k, v in self.members().items() if k not in known}
        for key in sorted(names & set(rest)):
            self[key].note("has no meaning in this version and is left out")
        return {key: value for key, value in rest.items() if key not in names}

    def without(self, *keys: str) -> Place:
        """The same object without some members."""
        rest = {key: v for key, v in self.members().items() if key not in keys}
        return Place(rest, self.pointer, self.notes)

    def error(self, remedy: str) -> MetadataError:
        """Say what is wrong with this value."""
        where = self.pointer or "/"
        if self.value is None:
            return MetadataError(f"{where} is missing: {remedy}")
        return MetadataError(f"{where} is {shown(self.value)}: {remedy}")

    def note(self, what: str) -> None:
        """Note what was tolerated here."""
        self.notes.append(f"{self.pointer} {what} (it is {shown(self.value)})")

    def warn(self) -> None:
        """Issue one warning for all notes of the document."""
        if self.notes:
            path = _PATH.get()
            # What many groups have alike is read once.
            where = f" (in {path}, and where they are alike)" if path else ""
            warn(f"Metadata break the standard: {listed(self.notes)}{where}")

    def _at(self, key: str, value: Any) -> Place:
        return Place(value, f"{self.pointer}/{escaped(key)}", self.notes)
