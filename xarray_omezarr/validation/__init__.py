"""Validation: whole hierarchies measured with the rules of the standard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from xarray_omezarr.errors import (
    MissingDependencyError,
    OptionError,
    TargetNotFoundError,
)
from xarray_omezarr.ngff.rules.check import check_attributes
from xarray_omezarr.ngff.rules.finding import Strictness
from xarray_omezarr.ngff.rules.report import Report

__all__ = ["Report", "Strictness", "validate", "validate_attributes", "validate_tree"]

_LEVELS = ("schema", "strict", "standard")


def validate(
    store: Any,
    *,
    level: Strictness = "standard",
    data: bool | Literal["all"] = True,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
) -> Report:
    """Measure an image, a plate, a collection, a scene, and all below, with the rules.

    Nothing that stands in the store raises: documents that cannot be read, paths that
    lead elsewhere, levels that are not there and chunks that cannot be decoded are
    findings. Consolidated metadata are not used.

    Parameters
    ----------
    store : str, path, URL, zarr store, zarr.Group or obstore store
        What is measured; also a file that ends in ``.ozx`` or ``.zip``.
    level : {"standard", "schema", "strict"}
        ``"standard"``: every MUST (an error) and SHOULD (a warning) of the text, also
        those that no schema can say and those between nodes. ``"schema"`` and
        ``"strict"``: what the official schemas say of the attributes of each group.
    data : bool or "all"
        Whether arrays are opened and chunks decoded: of each array up to five, the
        first, the last and some between, at most 1 GiB of a whole hierarchy: when
        half of that is used up one chunk of each array, then none (the report tells
        of how many arrays, ``skipped``). ``"all"``: every chunk, in bounded memory.
        Only at level ``"standard"``.
    group : str, optional
        Path inside the store of the group that is measured.
    storage_options : mapping, optional
        For URLs: passed to fsspec.

    Returns
    -------
    Report
        All findings; ``.ok`` is True if none is an error.

    Raises
    ------
    TargetNotFoundError
        If there is nothing at all at the store.
    OptionError
        For another level, or a store of a kind that is not supported.
    OSError
        If the store cannot be reached, or does not let its root be read. What cannot
        be read further down is a finding.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr, xarray_omezarr as xo
    >>> store = zarr.storage.MemoryStore()
    >>> da = xr.DataArray(np.zeros((8, 8), "uint8"), dims=("y", "x"), name="dots")
    >>> group = xo.write_image(da, store)
    >>> xo.validate(store).ok
    True
    >>> group.attrs["ome"] = {"version": "0.5", "multiscales": "dots"}
    >>> xo.validate(store).ok
    False
    """
    _check(level, data)
    # Only here, since attributes alone are measured without zarr.
    from xarray_omezarr.store.target import open_target
    from xarray_omezarr.store.walk_zip import is_one_file, open_zip
    from xarray_omezarr.validation.walking import Walk

    known: list[Any] = []
    if is_one_file(store):
        target, known = open_zip(store)
        target = target if group is None else target.child(group)
    else:
        options = {"group": group, "storage_options": storage_options}
        target = open_target(store, **options, read_only=True)  # type: ignore[arg-type]
    return Walk(target, level, data if level == "standard" else False).report(known)


def validate_attributes(attributes: Any, *, level: Strictness = "standard") -> Report:
    """Measure the attributes of one group with the rules; no store is needed.

    Parameters
    ----------
    attributes : mapping
        As they stand in the group: with the key ``ome`` where the version has it.
        Whatever else is given is a finding.
    level : {"standard", "schema", "strict"}
        As for `validate`.

    Returns
    -------
    Report
        All findings; ``.ok`` is True if none is an error.

    Raises
    ------
    OptionError
        For another level.

    Examples
    --------
    >>> import xarray_omezarr as xo
    >>> report = xo.validate_attributes({"ome": {"version": "0.5", "multiscales": []}})
    >>> report.ok
    False
    """
    _check(level, False)
    checked = check_attributes(attributes, level)
    return Report(checked.findings, "attributes", checked.version, level, 1)


def validate_tree(
    tree: Any, *, level: Strictness = "standard", data: bool | Literal["all"] = True
) -> Report:
    """Measure the store that a tree was opened from.

    Parameters
    ----------
    tree : xarray.DataTree
        As `xarray.open_datatree` gives it.
    level, data
        As for `validate`.

    Raises
    ------
    OptionError
        If the tree was not opened from a place that can be opened again.
    TargetNotFoundError
        If the place is gone.
    """
    source = tree.encoding.get("source") or tree.to_dataset().encoding.get("source")
    if not isinstance(source, str):
        raise OptionError(
            "The tree was not opened from a store, so there is nothing to measure; "
            "write it and give the store to xarray_omezarr.validate"
        )
    try:
        return validate(source, level=level, data=data)
    except (TargetNotFoundError, MissingDependencyError) as error:
        raise TargetNotFoundError(
            f"The tree was opened from {source}, which cannot be opened by that name "
            f"alone ({error}); give the store, with its storage_options, to "
            "xarray_omezarr.validate"
        ) from None


def _check(level: object, data: object) -> None:
    if level not in _LEVELS:
        raise OptionError(f"level is {level!r}; give one of {', '.join(_LEVELS)}")
    if data not in (True, False, "all"):
        raise OptionError(f"data is {data!r}; give True, False or 'all'")
