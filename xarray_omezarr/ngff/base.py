"""Model: the manners that all metadata share."""

from __future__ import annotations

import copy
import json
import math
import numbers
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Strict, ValidationError
from pydantic.alias_generators import to_camel

from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff.plain import (
    endless_number,
    escaped,
    plain,
    shown,
    unboxed,
)

if TYPE_CHECKING:
    from typing import Self

    from pydantic_core import ErrorDetails


def _number(value: object) -> float:
    """A finite float; ``True`` is no number, and neither is ``"1"``."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"is {shown(value)}: give a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"is {shown(value)}: give a finite number; JSON has no other")
    return number


def _integer(value: object) -> int:
    """A whole number; 1.0 is one, since JSON does not tell it from 1."""
    number = _number(value)
    if not number.is_integer():
        raise ValueError(f"is {shown(value)}: give a whole number")
    # Not by way of the float, which would round the large ones.
    return int(value)  # type: ignore[call-overload, no-any-return]


Number: TypeAlias = Annotated[float, BeforeValidator(_number)]
Integer: TypeAlias = Annotated[int, BeforeValidator(_integer)]
Text: TypeAlias = Annotated[str, Strict(), BeforeValidator(unboxed)]
Flag: TypeAlias = Annotated[bool, Strict(), BeforeValidator(unboxed)]


#: Names the model of an object whose "type" is none that is known.
OTHER_TYPE = "*"


class Model(BaseModel):
    """One object of the metadata: frozen, comparable, with its unknown keys kept.

    Fields carry Python names and are given by these or by their JSON keys. A
    broken MUST raises `MetadataError` with the JSON pointer of the value. A key
    that is not known is kept and written back, unless its value is null: null
    means "not given".
    """

    model_config = ConfigDict(
        frozen=True,
        extra="allow",
        populate_by_name=True,
        alias_generator=to_camel,
    )

    def __init__(self, /, **data: Any) -> None:
        with _our_errors(type(self), data):
            super().__init__(**data)

    # Without this mark pydantic would call our ``__init__`` for nested models
    # too, and an error deep inside would lose the pointer that leads to it.
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def model_post_init(self, context: Any, /) -> None:
        """Forget unknown keys whose value is null."""
        extra = self.__pydantic_extra__ or {}
        for key in [key for key, value in extra.items() if value is None]:
            del extra[key]

    @classmethod
    def model_validate(cls, obj: Any, **options: Any) -> Self:
        """The model of a mapping; `MetadataError` if it breaks a MUST."""
        with _our_errors(cls, obj):
            return super().model_validate(obj, **options)

    @classmethod
    def model_validate_json(
        cls, json_data: str | bytes | bytearray, **options: Any
    ) -> Self:
        """The model of a JSON text; `MetadataError` if it breaks a MUST."""
        try:
            data = json.loads(json_data)
        except ValueError as error:
            number = endless_number(error)
            problem = f"holds {number}" if number else f"is no JSON: {error}"
            raise MetadataError(f"{cls.__name__} {problem}") from None
        return cls.model_validate(data, **options)

    @classmethod
    def parse(cls, value: object, pointer: str) -> Self:
        """The model of a part of a document.

        Parameters
        ----------
        value : object
            The part, usually a mapping.
        pointer : str
            JSON pointer (RFC 6901) of the part, that messages start with.
        """
        with _our_errors(cls, value, pointer):
            return super().model_validate(value)

    def model_copy(
        self, *, update: Mapping[str, Any] | None = None, deep: bool = False
    ) -> Self:
        """A copy; what `update` changes is checked as in a new model."""
        if not update:
            return super().model_copy(deep=deep)
        return type(self)(**{**dict(self), **update})

    def to_json(self) -> dict[str, Any]:
        """The object as JSON holds it: JSON keys, no nulls, plain Python values.

        Raises
        ------
        MetadataError
            If an unknown key or free metadata hold what JSON cannot: NaN,
            infinity, arrays, objects.
        """
        result: dict[str, Any] = plain(self)
        return result

    def extras(self) -> dict[str, Any]:
        """A copy of the keys that the model does not know."""
        unknown = self.__pydantic_extra__ or {}
        try:
            return copy.deepcopy(unknown)
        except RecursionError:
            raise MetadataError(
                f"Unknown keys {shown([*unknown])} are nested too deeply to be copied"
            ) from None

    def members(self) -> dict[str, Any]:
        """All values that are not None, by JSON key; the unknown keys last."""
        known = {key: getattr(self, name) for name, key in self.json_keys().items()}
        return {**given(known), **(self.__pydantic_extra__ or {})}

    @classmethod
    def json_keys(cls) -> dict[str, str]:
        """JSON keys by the names of the fields."""
        fields = cls.model_fields
        return {name: fields[name].serialization_alias or name for name in fields}

    if not TYPE_CHECKING:  # so that type checkers still see unknown attributes

        def __setattr__(self, name: str, value: object) -> None:
            with _our_errors(type(self), None):
                super().__setattr__(name, value)

        def __delattr__(self, name: str) -> None:
            with _our_errors(type(self), None):
                super().__delattr__(name)


def given(members: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are not None: a null is never written."""
    return {key: value for key, value in members.items() if value is not None}


@contextmanager
def _our_errors(
    model: type[Model], data: object, pointer: str | None = None
) -> Iterator[None]:
    """Turn pydantic's error into ours; `pointer` None: there is no document."""
    try:
        yield
    except ValidationError as error:
        start = f"{model.__name__} " if pointer is None else pointer
        problems = [_sentence(detail, start, data) for detail in error.errors()]
        raise MetadataError(listed(problems)) from None
    except UnicodeEncodeError as error:
        # JSON can hold half of a character, which pydantic cannot tell of.
        where = model.__name__ if pointer is None else pointer or "/"
        half = error.object[error.start : error.end]
        raise MetadataError(
            f"{where} holds {half!a}, which is half a character: give whole ones"
        ) from None


def listed(problems: Iterable[str]) -> str:
    """One problem as it is, several as a list."""
    lines = list(problems)
    if len(lines) == 1:
        return lines[0]
    return "\n- ".join([f"{len(lines)} problems:", *lines])


def _sentence(detail: ErrorDetails, start: str, data: object) -> str:
    """What, where, the value and the remedy of one error of pydantic."""
    where = (start + _pointer(detail["loc"], data)).strip() or "/"
    own = detail.get("ctx", {}).get("error")
    if isinstance(own, ValueError):
        # Validators of this package go on where the pointer ends: "is 'x': give ...".
        return f"{where} {own}"
    if detail["type"] == "missing":
        return f"{where} is missing: it must be given"
    remedy = _REMEDIES.get(detail["type"], detail["msg"])
    return f"{where} is {shown(detail['input'])}: {remedy}"


# pydantic speaks of Python; these are the words of JSON.
_REMEDIES = {
    "model_type": "give an object",
    "model_attributes_type": "give an object",
    "dict_type": "give an object",
    "tuple_type": "give a list",
    "string_type": "give text",
    "bool_type": "give true or false",
    "string_too_short": "give at least one character",
    "too_short": "give at least one entry",
    "union_tag_not_found": "give an object with a type, such as 'scale'",
    "frozen_instance": "models are frozen; make another with model_copy(update=...)",
}


def _pointer(location: tuple[int | str, ...], data: object) -> str:
    """The JSON pointer of pydantic's location."""
    pointer = ""
    may_be_tag = False
    for part in location:
        # Inside a union pydantic names the member it chose, which is the value of
        # "type" in the document, not a key on the way. Below it the key may follow
        # that has the same name: {"type": "scale", "scale": ...}.
        is_tag = isinstance(data, Mapping) and part in (data.get("type"), OTHER_TYPE)
        if may_be_tag and is_tag:
            may_be_tag = False
            continue
        data = _child(data, part)
        pointer += f"/{escaped(str(part))}"
        may_be_tag = True
    return pointer


def _child(data: object, part: int | str) -> object:
    if isinstance(data, Mapping):
        return data.get(part)
    if isinstance(data, list | tuple) and isinstance(part, int) and part < len(data):
        child: object = data[part]
        return child
    return None
