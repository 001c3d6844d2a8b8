"""Options that no plan looks at: refused where they say nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xarray_omezarr.byte_counts import parse_bytes
from xarray_omezarr.errors import OptionError
from xarray_omezarr.options import WriteOptions, declared, truth
from xarray_omezarr.store.progress import Progress
from xarray_omezarr.store.writers import resolve_writer

if TYPE_CHECKING:
    from xarray_omezarr.store.writers import ArrayWriter


def check_new(options: WriteOptions) -> ArrayWriter:
    """The writer of a new image, when options that no plan looks at make sense.

    Raises
    ------
    OptionError
        For the first that does not.
    """
    if options["mode"] not in (None, "w-", "w", "a"):
        raise OptionError(
            f"mode is {options['mode']!r}; give 'w-' (or None), 'w' or 'a'"
        )
    if not truth(options, "pyramid"):
        raise OptionError(
            "pyramid is False, which is for regions of images that exist; for a new "
            "image without coarser levels give scale_factors=None"
        )
    if truth(options, "resume") and options["mode"] not in (None, "a"):
        raise OptionError(
            f"resume is True and mode is {options['mode']!r}; what was interrupted is "
            "gone on with in mode 'a', which need not be given"
        )
    if options["memory_limit"] is not None:
        parse_bytes(options["memory_limit"])
    Progress(options["progress"], 0)
    return resolve_writer(options["writer"])


def check_amending(
    options: WriteOptions, allowed: frozenset[str], name: str, mode: str
) -> None:
    """Refuse options that only a new image can have.

    Raises
    ------
    OptionError
        Naming all of them.
    """
    if options["mode"] not in (None, mode):
        raise OptionError(
            f"mode is {options['mode']!r}, and with {name} it is {mode!r}, which need "
            "not be given"
        )
    if options["region"] is not None and options["append_dim"] is not None:
        raise OptionError(
            "region and append_dim are both given; what is appended goes to the end, "
            "so leave region out"
        )
    given: Any = options
    refused = [
        key
        for key, (_, option) in declared().items()
        if key not in allowed and not _is_default(given[key], option.default)
    ]
    if refused:
        raise OptionError(
            f"{', '.join(refused)} cannot be chosen with {name}: the image exists, and "
            "what is written into it follows it. Leave them out"
        )


def _is_default(value: Any, default: Any) -> bool:
    return value is default or (
        isinstance(value, type(default)) and bool(value == default)
    )
