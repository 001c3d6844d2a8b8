"""Which version attributes are written in."""

from __future__ import annotations

import pickle
import subprocess
import sys
from typing import Any

import pytest

from xarray_omezarr.errors import NotInVersionError, UnknownVersionError
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.ngff.versions.protocol import Version


def test_the_default_is_supported_and_versions_are_listed_from_the_oldest() -> None:
    assert registry.DEFAULT == "0.5"
    assert registry.DEFAULT in registry.SUPPORTED
    assert list(registry.SUPPORTED) == sorted(registry.SUPPORTED)


def test_a_copy_has_the_default_or_the_latest_of_what_is_copied() -> None:
    def of(*names: str) -> str:
        return registry.copied(map(registry.get, names)).name

    assert of() == of("0.1") == of("0.4") == of("0.5") == "0.5"
    assert of("0.6") == of("0.5", "0.6", "0.4") == "0.6"


@pytest.mark.parametrize("name", registry.SUPPORTED[:-1])
def test_a_kind_that_a_version_lacks_is_refused_with_a_remedy(name: str) -> None:
    ends = [{"path": path, "name": "physical"} for path in ("a", "b")]
    way = {"type": "identity", "input": ends[0], "output": ends[1]}
    scene = Scene.parse({"coordinateTransformations": [way]}, "")
    with pytest.raises(NotInVersionError, match="a Scene; choose a later version="):
        registry.get(name).to_attrs(scene)


@pytest.mark.parametrize("name", registry.SUPPORTED)
def test_a_version_is_found_by_its_name_and_is_a_value(name: str) -> None:
    version = registry.get(name)
    assert version.name == name
    assert isinstance(version, Version)
    assert pickle.loads(pickle.dumps(version)) == version
    assert hash(version) == hash(registry.get(name))


def test_a_correction_of_the_text_leads_to_its_version() -> None:
    assert registry.get("0.5.2") == registry.get("0.5")


@pytest.mark.parametrize("name", ["0.6", "0.6rc0", "0.6.dev4"])
def test_candidates_and_drafts_lead_to_their_version(name: str) -> None:
    assert registry.get(name).name == "0.6"
    assert registry.detect({"ome": {"version": name}}) == registry.get("0.6")


@pytest.mark.parametrize("name", ["0.7", "latest", "", "v0.5", "0.5.2.1", "0.5.x"])
def test_an_unknown_name_is_told_with_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownVersionError, match=f"'{name}'.*'0.4', '0.5'"):
        registry.get(name)


@pytest.mark.parametrize("name", [0.5, 5, None, ["0.5"]])
def test_a_name_that_is_no_text_is_told_with_its_type(name: object) -> None:
    with pytest.raises(UnknownVersionError, match=f"{type(name).__name__}, not text"):
        registry.get(name)


@pytest.mark.parametrize(
    ("attrs", "name"),
    [
        ({"ome": {"version": "0.5", "multiscales": []}}, "0.5"),
        ({"ome": {"version": "0.5.2"}}, "0.5"),
        ({"ome": {"labels": ["cells"]}}, "0.5"),
        ({"ome": {"version": "0.5"}, "multiscales": [{"version": "0.4"}]}, "0.5"),
        ({"multiscales": [{"version": "0.4"}]}, "0.4"),
        ({"multiscales": [{}]}, "0.4"),
        ({"multiscales": []}, "0.4"),
        ({"plate": {"version": "0.4"}}, "0.4"),
        ({"well": {"images": []}}, "0.4"),
        ({"labels": ["cells"]}, "0.4"),
        ({"bioformats2raw.layout": 3}, "0.4"),
        # Of a file, images and plates tell the version.
        (
            {"image-label": {"version": "0.3"}, "multiscales": [{"version": "0.4"}]},
            "0.4",
        ),
        ({"omero": {"version": "0.1"}, "multiscales": [{"version": "0.4"}]}, "0.4"),
        ({"multiscales": [{}], "image-label": {"version": "0.7"}}, "0.4"),
        ({"well": {"version": 0.4}}, "0.4"),
        # Some programs write numbers.
        ({"ome": {"version": 0.5}}, "0.5"),
        ({"plate": {"version": 0.4}}, "0.4"),
        ({"multiscales": [{"version": 0.2}]}, "0.2"),
        # No later version stands outside the key ``ome``.
        ({"well": {"version": "0.5"}}, "0.4"),
        ({"plate": {"version": "0.5"}}, "0.4"),
    ],
)
def test_the_version_of_attributes_is_told(attrs: dict[str, Any], name: str) -> None:
    assert registry.detect(attrs) == registry.get(name)


@pytest.mark.parametrize(
    "attrs",
    [
        {},
        {"ome": {}},
        {"ome": "x"},
        {"title": "a dataset"},
        {"plate": "P1", "labels": "none", "version": "0.4"},
    ],
)
def test_attributes_without_ome_metadata_have_no_version(attrs: dict[str, Any]) -> None:
    assert registry.detect(attrs) is None


@pytest.mark.parametrize(
    "attrs",
    [
        {"ome": {"version": "0.7"}},
        {"ome": {"version": 0.7}},
        {"ome": {"version": True}},
        {"multiscales": [{"version": "0.7"}]},
        {"multiscales": [{"version": "0.0"}], "image-label": {"version": "0.4"}},
        {"plate": {"version": 4}},
    ],
)
def test_attributes_of_an_unknown_version_are_refused(attrs: dict[str, Any]) -> None:
    with pytest.raises(UnknownVersionError, match="known are"):
        registry.detect(attrs)


def test_who_asks_for_versions_loads_no_models() -> None:
    code = (
        "import sys; from xarray_omezarr.ngff.versions import registry;"
        "registry.detect({'ome': {'version': registry.DEFAULT}});"
        "print(*sys.modules)"
    )
    run = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(run, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "pydantic" not in loaded
    assert not [name for name in loaded if name.startswith("xarray_omezarr.ngff.base")]


@pytest.mark.parametrize("told", ["0.1", "0.2", "0.3", "0.4", 0.4])
def test_metadata_in_the_namespace_that_tell_an_early_version_are_refused(told) -> None:
    image = {"multiscales": [{"datasets": []}]}
    with pytest.raises(UnknownVersionError, match="has no such key") as caught:
        registry.detect({"ome": {"version": told, **image}})
    assert f"tell OME-Zarr {told}" in str(caught.value)
    assert "write the right version there" in str(caught.value)
