"""What spoilt metadata are given to: each may refuse them, in words of ours only."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

import xarray as xr
import zarr
from zarr.core.buffer import default_buffer_prototype

import xarray_omezarr as xo
from xarray_omezarr.ngff.rules.check import check_attributes
from xarray_omezarr.ngff.versions import registry

LEVELS: tuple[Any, ...] = ("schema", "strict", "standard")


def check(document: Any) -> None:
    """The rules alone: nothing may be raised, and every word can be written."""
    for level in LEVELS:
        checked = check_attributes(document, level)
        json.dumps([finding.to_json() for finding in checked.findings])
        # Rules that fail say so in a finding, so that nothing is raised.
        failed = [
            one for one in checked.findings if "cannot be measured" in one.message
        ]
        assert not failed, failed[0].message


def report(document: Any) -> None:
    """The public function: its report can be shown in every way."""
    made = xo.validate_attributes(document)
    assert str(made)
    assert made._repr_html_()
    json.dumps(made.to_json())


def read(document: Any) -> None:
    """Reading as models: refused in words, also when written again."""
    if not isinstance(document, dict):
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xo.OmeZarrWarning)
        try:
            version = registry.detect(document)
            if version is not None:
                model = version.from_attrs(document)
                version.foreign(document)
                version.to_attrs(model)
        except xo.OmeZarrError as refusal:
            assert str(refusal)


def memory(files: dict[str, bytes]) -> Any:
    """A store in memory that holds the files."""
    make = default_buffer_prototype().buffer.from_bytes
    return zarr.storage.MemoryStore({key: make(data) for key, data in files.items()})


def validate_store(files: dict[str, bytes]) -> None:
    """A whole hierarchy: judged, or refused where nothing is there."""
    try:
        made = xo.validate(memory(files), data=False)
    except xo.OmeZarrError as refusal:
        assert str(refusal)
        return
    assert str(made)
    json.dumps(made.to_json())


def open_store(files: dict[str, bytes]) -> None:
    """A whole hierarchy as a tree: opened, or refused in words."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", xo.OmeZarrWarning)
        try:
            xr.open_datatree(memory(files), engine="omezarr").close()
        except xo.OmeZarrError as refusal:
            assert str(refusal)


DOCUMENTS: dict[str, Callable[[Any], None]] = {
    "rules": check,
    "report": report,
    "models": read,
}
STORES: dict[str, Callable[[dict[str, bytes]], None]] = {
    "validate": validate_store,
    "open_datatree": open_store,
}
