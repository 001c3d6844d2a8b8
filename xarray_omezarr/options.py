"""The write options: declared once here, shown in the help of every verb."""

from __future__ import annotations

import difflib
import functools
import inspect
import textwrap
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    Literal,
    ParamSpec,
    TypeAlias,
    TypedDict,
    TypeVar,
    get_args,
    get_type_hints,
)

from xarray_omezarr.errors import OptionError

P = ParamSpec("P")
R = TypeVar("R")

Factors: TypeAlias = int | Mapping[str, int]
Shape: TypeAlias = int | tuple[int, ...] | Mapping[str, int]
Method: TypeAlias = str | Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Option:
    """Default and meaning of one write option."""

    default: Any
    doc: str


class LabelOptions(TypedDict, total=False):
    """Those of label images, which are called by their place."""

    mode: Annotated[
        Literal["w-", "w", "a", "r+"] | None,
        Option(
            None,
            "``None`` or ``'w-'``: refuse a target that holds something; ``'w'``: "
            "replace the image there (a folder that is not Zarr is never removed, "
            "and on local disks the old image stays readable until the new one is "
            "complete); ``'a'``: as ``'w-'``, inside a store that exists; ``'r+'``: "
            "write into the arrays of an image that exists. With `region`, None is "
            "``'r+'``; with `append_dim`, it is ``'a'``.",
        ),
    ]
    version: Annotated[
        str | None, Option(None, "Version of OME-Zarr; the newest common one if None.")
    ]
    group: Annotated[
        str | None, Option(None, "Path inside the store where the image goes.")
    ]
    dims: Annotated[
        str | Sequence[str] | None,
        Option(
            None,
            "Stored dims in order, e.g. ``'tczyx'``; missing ones get size 1. If "
            "None: the object's dims, transposed to the order of the standard.",
        ),
    ]
    scale_factors: Annotated[
        Literal["auto"] | int | Sequence[Factors] | None,
        Option(
            "auto",
            "Factors of the levels after the first, relative to level 0: ints act on "
            "y and x, mappings name dims (``{'z': 2, 'y': 4, 'x': 4}``). ``'auto'`` "
            "halves y and x, and z once its pixels are no coarser, until a level fits "
            "one chunk; None writes no pyramid.",
        ),
    ]
    method: Annotated[
        Method,
        Option(
            "auto",
            "How a coarser level is made: ``'mean'`` (``'auto'``, ``'local_mean'``), "
            "``'nearest'``, ``'mode'``, ``'max'``, ``'min'``, ``'median'``; with the "
            "extra ``resize`` also ``'resize'`` and ``'gaussian'`` (scikit-image), "
            "``'zoom'`` (scipy) and ``'laplacian'`` (not for unsigned integers); or a "
            "function ``(block, factors) -> block``, factors in the block's axis "
            "order. Each level is made from the coarsest finer one whose factors "
            "divide its own, and rounded.",
        ),
    ]
    chunks: Annotated[
        Literal["auto"] | Shape | None | Sequence[Shape | None],
        Option(
            "auto",
            "Shape of a chunk: int (every dim), tuple (in stored order; a short one is "
            "filled on the left with the full sizes), mapping by dim (the others as "
            "in ``'auto'``), None (one chunk), or a list of tuples, mappings or None, "
            "one per level.",
        ),
    ]
    shards: Annotated[
        Literal["auto"] | Shape | None | Sequence[Shape | None],
        Option(
            None,
            "Shape of a stored object of many chunks, as `chunks`; a multiple of it.",
        ),
    ]
    compression: Annotated[
        object,
        Option(
            "auto",
            "``'blosc-zstd'`` (``'auto'``), ``'blosc-lz4'``, ``'zstd'``, ``'gzip'``, "
            "``'none'``, a codec object of zarr or a list of them.",
        ),
    ]
    fill_value: Annotated[
        float | int | bool, Option(0, "Value of pixels that are not stored.")
    ]
    write_empty_chunks: Annotated[
        bool, Option(False, "Store chunks that hold nothing but the fill value.")
    ]
    channels: Annotated[
        Sequence[Any] | None,
        Option(
            None,
            "Names, dicts or `xarray_omezarr.ngff.Channel`, one per channel; they "
            "complete what the channel coordinate says.",
        ),
    ]
    attrs: Annotated[
        Mapping[str, Any] | None,
        Option(None, "Further attributes of the group, beside ``ome``; JSON."),
    ]
    region: Annotated[
        Literal["auto"] | Mapping[str, Any] | None,
        Option(
            None,
            "Write into an existing image, all levels kept consistent: a slice, an "
            "index or ``'auto'`` by stored dim, dims that are not named being covered "
            "as a whole; or ``'auto'`` for all dims, from the coordinates.",
        ),
    ]
    pyramid: Annotated[
        bool,
        Option(
            True,
            "With `region`: False writes level 0 only; `build_pyramid` makes the "
            "other levels later.",
        ),
    ]
    append_dim: Annotated[
        str | None,
        Option(
            None,
            "Stored dim, any but y and x, along which an existing image grows on all "
            "levels; the coordinates must continue those that are there.",
        ),
    ]
    resume: Annotated[
        bool,
        Option(
            False,
            "Go on with a write that was interrupted: what is stored already is "
            "neither read from the source nor written again. Object and options must "
            "be the same; pixels that have changed since are not noticed. A write that "
            "fails then leaves what it has stored, and one that is finished gives its "
            "group. With ``mode='a'``, which it implies.",
        ),
    ]
    writer: Annotated[
        Literal["auto", "zarr", "tensorstore"] | Callable[..., Any],
        Option(
            "auto",
            "Who stores the blocks: ``'zarr'`` (``'auto'``), ``'tensorstore'`` "
            "(folders, S3 and Google's storage), or a function ``(path, shape, dtype, "
            "chunks, *, shards, overwrite, compression, dimension_names) -> array`` "
            "that makes one array in the local folder `path`, which is stored to by "
            "``array[slices] = block`` (see "
            "`xarray_omezarr.store.writers.CallableWriter`).",
        ),
    ]
    progress: Annotated[
        bool | Callable[[int, int], object],
        Option(
            False,
            "True shows a progress bar over the uncompressed bytes of all levels; a "
            "function ``(done, total)`` is called instead, from ``(0, total)`` to "
            "``(total, total)``, never backwards and never twice at once, from any "
            "thread. An error that it raises stops the write (not on a cluster).",
        ),
    ]
    irregular: Annotated[
        Literal["auto", "raise", "keep"],
        Option(
            "auto",
            "Unevenly spaced coordinates: ``'raise'``; ``'keep'``, a nominal scale "
            "and a warning, with the exact values kept beside and restored on "
            "reading; ``'auto'``, keep along time and raise along space.",
        ),
    ]
    storage_options: Annotated[
        Mapping[str, Any] | None, Option(None, "For URLs: passed to fsspec.")
    ]
    consolidated: Annotated[
        bool,
        Option(
            False,
            "Put copies of all metadata into the root: one request opens it on a "
            "server. Whatever is written below later keeps them true by itself.",
        ),
    ]
    lossy: Annotated[
        bool,
        Option(
            False,
            "Drop what the version cannot hold with a warning, not NotInVersionError.",
        ),
    ]
    memory_limit: Annotated[
        int | str | None,
        Option(
            None,
            "Bytes that the write may hold at once, e.g. ``'1 GiB'``; 128 MiB if None, "
            "of dask that much per thread. One stored object, and a chunk of dask, is "
            "held however large it is.",
        ),
    ]
    transforms: Annotated[
        Mapping[str, Any] | Any,
        Option(
            None,
            "From 0.6 on: further coordinate systems, and transformations from or to "
            "that of the image, ``{'coordinateSystems': [...], "
            "'coordinateTransformations': [...]}`` as the standard spells them or "
            "models of `xarray_omezarr.ngff`; under ``'arrays'`` the matrices and "
            "fields that transformations name by a path. The system of the image is "
            "called ``'physical'``, or as it was read. In place of those that were "
            "read; ``{}`` writes none.",
        ),
    ]


class WriteOptions(LabelOptions, total=False):
    """Keyword arguments that every writing verb understands."""

    name: Annotated[
        str | None,
        Option(
            None,
            "Name of the multiscale. If None: the object's name (unless that is "
            "'image' or 'labels'), else ``attrs['long_name']``, else the stem of the "
            "path.",
        ),
    ]


@functools.cache
def declared() -> dict[str, tuple[Any, Option]]:
    """Annotation and `Option` of every write option, in order."""
    found = {}
    for name, hint in get_type_hints(WriteOptions, include_extras=True).items():
        annotation, option = get_args(hint)
        found[name] = (annotation, option)
    return found


def complete(
    options: LabelOptions, verb: Callable[..., Any] | None = None
) -> WriteOptions:
    """All options, defaults where nothing was given.

    Parameters
    ----------
    options : mapping
        What was given.
    verb : callable, optional
        The function that was called, whose other keywords may have been meant.

    Raises
    ------
    TypeError
        For an unknown option; the nearest name is offered.
    """
    known = declared()
    for name in options:
        if name == "compute":
            raise TypeError(
                "compute cannot be chosen here: this takes no time to speak of, and is "
                "done at once; leave it out"
            )
        if name not in known:
            raise TypeError(_unknown_option(name, [*_keywords(verb), *known]))
    defaults = {name: option.default for name, (_, option) in known.items()}
    return WriteOptions(**{**defaults, **options})  # type: ignore[typeddict-item]


# What other packages call what is an option here.
_ELSEWHERE = {
    "append": "append_dim, e.g. append_dim='t'",
    "axes": "dims",
    "colors": "attrs['image-label'] of a label image, or to_labels(..., colors=...)",
    "fmt": "version",
    "overwrite": "mode='w'",
    "properties": (
        "attrs['image-label'] of a label image, or to_labels(..., properties=...)"
    ),
    "start": "region, e.g. region={'t': 5}",
}


def _unknown_option(name: str, known: Sequence[str]) -> str:
    names = {**dict.fromkeys(_ELSEWHERE), **dict.fromkeys(known)}
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
    if near and near[0] in _ELSEWHERE and near[0] not in known:
        hint = f"; here that is {_ELSEWHERE[near[0]]}"
    elif near:
        hint = f"; did you mean {near[0]!r}?"
    else:
        hint = f"; there are {sorted({*known})}"
    return f"Unknown write option {name!r}{hint}"


def _keywords(verb: Callable[..., Any] | None) -> list[str]:
    """The keywords of a function; at least `compute`, which most of them have."""
    if verb is None:
        return ["compute"]
    return [
        parameter.name
        for parameter in inspect.signature(verb).parameters.values()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    ]


def shows_write_options(function: Callable[P, R]) -> Callable[P, R]:
    """Spell out the write options in the signature and help of `function`.

    The function takes them as ``**options``; its docstring ends its "Parameters"
    section with a line ``**options`` that is replaced by all of them.
    """
    signature = inspect.signature(function)
    parameters = [
        parameter
        for parameter in signature.parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    parameters += [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            default=option.default,
            annotation=annotation,
        )
        for name, (annotation, option) in declared().items()
        if name not in signature.parameters
    ]
    shown = signature.replace(parameters=parameters)
    function.__signature__ = shown  # type: ignore[attr-defined]
    if function.__doc__:
        function.__doc__ = _spell_out(function.__doc__, signature.parameters)
    return function


def _spell_out(doc: str, others: Collection[str]) -> str:
    lines = inspect.cleandoc(doc).splitlines()
    if "**options" not in lines:
        return doc
    spelled = [_spelled()[name] for name in declared() if name not in others]
    at = lines.index("**options")
    return "\n".join([*lines[:at], *spelled, *lines[at + 1 :]])


@functools.cache
def _spelled() -> dict[str, str]:
    """Each option as docstrings tell it; made once for the many that do."""
    wrap = functools.partial(
        textwrap.wrap, width=76, initial_indent="    ", subsequent_indent="    "
    )
    return {
        name: "\n".join([f"{name} : default {option.default!r}", *wrap(option.doc)])
        for name, (_, option) in declared().items()
    }


def truth(
    options: WriteOptions,
    name: Literal["write_empty_chunks", "lossy", "pyramid", "resume", "consolidated"],
) -> bool:
    """The value of an option that is True or False.

    Raises
    ------
    OptionError
        For anything else: the text ``"no"`` would count as true.
    """
    value: object = options[name]
    if value is True or value is False:
        return value
    raise OptionError(f"{name} is {value!r}; give True or False")
