"""Settings that every test shares."""

from __future__ import annotations

import ast
import copy
import functools
import importlib.util
from collections.abc import Iterator
from pathlib import Path

import pytest
import zarr
from hypothesis import settings

# A deadline measures the machine, not the code, where two workers share two cores.
settings.register_profile("house", deadline=None)
settings.load_profile("house")


# They need newer neighbours than the lowest that the package allows.
PEERS = frozenset(
    {
        *("bioio_base", "bioio_ome_zarr", "icechunk", "iohub", "itk", "napari"),
        *("nbclient", "ngff_zarr", "ngio", "ome_types", "ome_zarr", "ome_zarr_models"),
        *("pydantic_zarr", "SimpleITK", "spatial_image", "xmlschema", "yaozarrs"),
    }
)


def pytest_addoption(parser):
    """Add an option for environments that cannot hold all peers."""
    parser.addoption(
        "--without-peers",
        action="store_true",
        help="leave out tests that need a peer which is not installed",
    )


def pytest_ignore_collect(collection_path, config):
    """Leave a file out, where that was asked for, if it could not be imported."""
    is_asked = config.getoption("--without-peers") and collection_path.suffix == ".py"
    return True if is_asked and _missing(collection_path) else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Skip a test, where that was asked for, that finds a peer missing as it runs."""
    try:
        return (yield)
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if item.config.getoption("--without-peers") and name in PEERS:
            pytest.skip(str(error))
        raise


@functools.cache
def _missing(file: Path) -> frozenset[str]:
    """Packages that a file, or one of our files that it imports, needs and has not."""
    tests = Path(__file__).parent
    found: set[str] = set()
    for module in _imported(file):
        first, *rest = module.split(".")
        if first == "tests":
            ours = tests.joinpath(*rest).with_suffix(".py")
            found |= _missing(ours) if ours.is_file() else set()
        elif first in PEERS and importlib.util.find_spec(first) is None:
            found.add(first)
    return frozenset(found)


def _imported(file: Path) -> Iterator[str]:
    """Modules that the file imports when it is imported."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _mend_models_of_a_peer() -> None:
    """Complete models that the newest pydantic would have refuse everything.

    They miss a name that their module imports for type checkers only.
    """
    if importlib.util.find_spec("ome_zarr_models") is None:
        return
    import ome_zarr_models.v04.image
    import ome_zarr_models.v04.labels
    import pydantic_zarr.v2

    for module, model in (
        (ome_zarr_models.v04.image, "Image"),
        (ome_zarr_models.v04.labels, "Labels"),
    ):
        getattr(module, model).model_rebuild(
            _types_namespace={**vars(module), "ArraySpec": pydantic_zarr.v2.ArraySpec},
            raise_errors=False,
        )


_mend_models_of_a_peer()


@pytest.fixture(autouse=True)
def settings_of_zarr():
    """What a test, or a package it uses, sets of zarr ends with the test.

    iohub chooses other codecs for the whole process when it opens a store.
    """
    before = copy.deepcopy(zarr.config.config)
    yield
    if zarr.config.config != before:
        zarr.config.config.clear()
        zarr.config.config.update(before)
