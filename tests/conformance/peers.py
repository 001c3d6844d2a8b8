"""The neighbours among the judges: those who know a version answer for it."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.conformance.cases import Case
from tests.conformance.judges import (
    CANDIDATE,
    RELEASE,
    Attributes,
    Judge,
    Verdict,
    asked,
    jsonschema,
    read,
)

_YAOZARRS = {
    "image": "Image",
    "label": "LabelImage",
    "labels": "LabelsGroup",
    "plate": "Plate",
    "well": "Well",
    "bf2raw": "Bf2Raw",
    "ome": "Series",
}


def yaozarrs(case: Case) -> Verdict | None:
    """Models of 0.4 and 0.5; hierarchies through their own validator."""
    import yaozarrs as package

    module = {"0.4": package.v04, "0.5": package.v05}.get(case.version)
    if module is None:
        return None
    if case.mode == "store":
        return asked(lambda: package.validate_zarr_store(str(case.path)))
    model = getattr(module, _YAOZARRS.get(case.kind, ""), None)
    if model is None:
        return None
    attrs = inner(case.version, read(case))
    return asked(lambda: model.model_validate(attrs))


_OME_ZARR_MODELS = {
    "image": ("image", "ImageAttrs"),
    "transforms": ("image", "ImageAttrs"),
    "label": ("image_label", "ImageLabelAttrs"),
    "labels": ("labels", "LabelsAttrs"),
    "plate": ("hcs", "HCSAttrs"),
    "well": ("well", "WellAttrs"),
    "bf2raw": ("bioformats2raw", "BioFormats2RawAttrs"),
    "scene": ("scene", "BaseSceneAttrs"),
}


def ome_zarr_models(case: Case) -> Verdict | None:
    """Models of each kind; hierarchies through the function that opens any."""
    import ome_zarr_models as package

    if case.mode == "store":
        version: Any = case.version
        with released(case) as path:
            return asked(lambda: package.open_ome_zarr(str(path), version=version))
    room, name = _OME_ZARR_MODELS.get(case.kind, ("", ""))
    if not room or case.mode == "fragment":
        return None
    short = f"v{case.version.replace('.', '')}"
    try:
        module = importlib.import_module(f"ome_zarr_models.{short}.{room}")
    except ImportError:
        return None
    model = getattr(module, name)
    attrs = inner(case.version, as_release(read(case)))
    return asked(lambda: model.model_validate(attrs))


def ngff_zarr(case: Case) -> Verdict | None:
    """Its bundled schemas, and the rules that its readers of stores add to them.

    Attributes of an image are read from a store made for them, with arrays that fit.
    """
    from ngff_zarr import from_hcs_zarr, from_ome_zarr

    validate: Any = importlib.import_module("ngff_zarr.validate").validate
    kind = "image" if case.kind == "transforms" else case.kind
    known = ("image", "label", "plate", "well")
    if kind not in known or case.mode == "fragment":
        return None
    reader = from_hcs_zarr if kind == "plate" else from_ome_zarr
    if case.mode == "store":
        with released(case) as path:
            return asked(lambda: reader(str(path), validate=True))
    attrs = as_release(read(case))
    verdict = asked(lambda: validate(attrs, case.version, kind, case.strict))
    if not verdict.valid or kind == "well" or not isinstance(attrs, dict):
        return verdict
    if "multiscales" not in inner(case.version, attrs) and kind != "plate":
        return verdict
    with fitting_store(case.version, attrs) as path:
        return asked(lambda: reader(str(path), validate=True))


@contextmanager
def fitting_store(version: str, attrs: Attributes) -> Iterator[Path]:
    """A passing store of metadata: the group, and arrays where its levels should be."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "case.ome.zarr"
        root.mkdir()
        if version == "0.4":
            put(root / ".zgroup", {"zarr_format": 2})
            put(root / ".zattrs", attrs)
        else:
            head = {"zarr_format": 3, "node_type": "group"}
            put(root / "zarr.json", {**head, "attributes": attrs})
        for picture in inner(version, attrs).get("multiscales", []):
            systems = picture.get("coordinateSystems") or [picture]
            count = len(systems[0].get("axes", []))
            for dataset in picture.get("datasets", []):
                put_array(root / dataset["path"], version, count)
        yield root


def put(file: Path, document: Attributes) -> None:
    """Write a document, and the folders above it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(document), "utf-8")


def put_array(folder: Path, version: str, count: int) -> None:
    """Write the metadata of an array of `count` dims; its pixels are fill values."""
    shape = [4] * count
    if version == "0.4":
        document = {"zarr_format": 2, "shape": shape, "chunks": shape, "order": "C"}
        document |= {"dtype": "|u1", "fill_value": 0, "filters": None}
        document |= {"compressor": None, "dimension_separator": "/"}
        put(folder / ".zarray", document)
        return
    grid = {"name": "regular", "configuration": {"chunk_shape": shape}}
    keys = {"name": "default", "configuration": {"separator": "/"}}
    document = {"zarr_format": 3, "node_type": "array", "shape": shape}
    document |= {"data_type": "uint8", "chunk_grid": grid, "chunk_key_encoding": keys}
    document |= {"fill_value": 0, "codecs": [{"name": "bytes"}], "attributes": {}}
    put(folder / "zarr.json", document)


def inner(version: str, attrs: Any) -> Any:
    """What stands under the key of the standard, where the version has one."""
    if version == "0.4" or not isinstance(attrs, dict):
        return attrs
    return attrs.get("ome", {})


def as_release(attrs: Any) -> Any:
    """The same attributes as of the release, for those who know only its name."""
    ome = attrs.get("ome") if isinstance(attrs, dict) else None
    if not isinstance(ome, dict) or ome.get("version") != CANDIDATE:
        return attrs
    return {**attrs, "ome": {**ome, "version": RELEASE}}


@contextmanager
def released(case: Case) -> Iterator[Path]:
    """The folder of a case; of the candidate, a passing copy that names the release."""
    with tempfile.TemporaryDirectory() as folder:
        if case.version != RELEASE:
            yield case.path
            return
        copy = Path(folder) / case.path.name
        for file in case.path.rglob("*"):
            if file.is_file():
                target = copy / file.relative_to(case.path)
                target.parent.mkdir(parents=True, exist_ok=True)
                text = file.read_text("utf-8")
                target.write_text(text.replace(CANDIDATE, RELEASE), "utf-8")
        yield copy


PEERS: dict[str, Judge] = {
    "official schemas, jsonschema": jsonschema,
    "yaozarrs": yaozarrs,
    "ome-zarr-models": ome_zarr_models,
    "ngff-zarr": ngff_zarr,
}
# The package of each judge, whose version is told with its totals.
PACKAGES = {
    **{name: name for name in PEERS},
    "official schemas, jsonschema": "jsonschema",
}
