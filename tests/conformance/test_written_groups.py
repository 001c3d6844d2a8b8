"""Labels, plates and collections that are written satisfy schemas and neighbours."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import pytest

from xarray_omezarr.ngff import (
    Acquisition,
    Axis,
    Bioformats2Raw,
    Field,
    ImageLabel,
    LabelColor,
    LabelImage,
    LabelProperties,
    LabelsGroup,
    LabelSource,
    Level,
    Multiscale,
    Plate,
    Series,
    Well,
)
from xarray_omezarr.ngff.versions import registry

SchemaErrors = Callable[[str, str, dict[str, Any]], list[str]]

AXES = [Axis(name=name, type="space", unit="micrometer") for name in "zyx"]
PICTURE = Multiscale.of(AXES, [Level.of("0", (1, 1, 1))], name="cells", type="mode")
PICTURE = PICTURE.model_copy(update={"metadata": {"method": "mode"}})
RUNS = (
    Acquisition(id=0, name="first", maximum_field_count=2, start_time=1, end_time=2),
    Acquisition(id=7, name="second", maximum_field_count=1, description="again"),
)
GROUPS = {
    "label": LabelImage(
        multiscales=(PICTURE,),
        image_label=ImageLabel(
            colors=(
                LabelColor(label_value=0, rgba=(0, 0, 0, 0)),
                LabelColor(label_value=9, rgba=(255, 255, 0, 255)),
            ),
            properties=(
                LabelProperties(label_value=0),
                LabelProperties(label_value=9, area=1.5, kind="nucleus"),
            ),
            source=LabelSource(image="../../"),
        ),
    ),
    "bare label": LabelImage(multiscales=(PICTURE,)),
    "labels": LabelsGroup(labels=("cells", "nuclei")),
    "plate": Plate.of(
        ["A/1", "a/12", "AA/01"],
        rows=["A", "a", "AA"],
        columns=["1", "01", "12"],
        name="screen",
        field_count=3,
        acquisitions=RUNS,
    ),
    "bare plate": Plate.of(["B/3"]),
    "well": Well(images=(Field(path="0", acquisition=0), Field(path="f1"))),
    "bf2raw": Bioformats2Raw(),
    "ome": Series(series=("0", "1")),
}
groups = pytest.mark.parametrize("kind", GROUPS)
versions = pytest.mark.parametrize("name", ["0.4", "0.5"])

# No official schema covers the list of labels, and ome-zarr-models has no model of the
# group OME. How two neighbours call the models, in the same order for both.
YAOZARRS = {
    "label": "LabelImage",
    "labels": "LabelsGroup",
    "plate": "Plate",
    "well": "Well",
    "bf2raw": "Bf2Raw",
    "ome": "Series",
}
OME_ZARR_MODELS = {
    "label": ("image_label", "ImageLabelAttrs"),
    "labels": ("labels", "LabelsAttrs"),
    "plate": ("hcs", "HCSAttrs"),
    "well": ("well", "WellAttrs"),
    "bf2raw": ("bioformats2raw", "BioFormats2RawAttrs"),
}


@versions
@pytest.mark.parametrize("kind", [kind for kind in GROUPS if kind != "labels"])
def test_the_official_schemas_have_nothing_against_them(
    name: str, kind: str, schema_errors: SchemaErrors
) -> None:
    schema = kind.removeprefix("bare ")
    attrs = registry.get(name).to_attrs(GROUPS[kind])
    assert schema_errors(name, schema, attrs) == []
    if kind in ("label", "plate"):
        assert schema_errors(name, f"strict_{schema}", attrs) == []


@versions
@groups
def test_yaozarrs_takes_them(name: str, kind: str) -> None:
    attrs = registry.get(name).to_attrs(GROUPS[kind])
    package = importlib.import_module(f"yaozarrs.v{name.replace('.', '')}")
    model = getattr(package, YAOZARRS[kind.removeprefix("bare ")])
    read = model.model_validate(attrs.get("ome", attrs))
    if kind == "plate":
        assert [well.path for well in read.plate.wells] == ["A/1", "a/12", "AA/01"]
        assert [run.id for run in read.plate.acquisitions] == [0, 7]
    if kind == "label":
        assert [color.label_value for color in read.image_label.colors] == [0, 9]


@versions
@pytest.mark.parametrize("kind", [kind for kind in GROUPS if kind != "ome"])
def test_ome_zarr_models_takes_them(name: str, kind: str) -> None:
    attrs = registry.get(name).to_attrs(GROUPS[kind])
    package = f"ome_zarr_models.v{name.replace('.', '')}"
    module, model = OME_ZARR_MODELS[kind.removeprefix("bare ")]
    taker = getattr(importlib.import_module(f"{package}.{module}"), model)
    read = taker.model_validate(attrs.get("ome", attrs))
    if kind == "plate":
        assert [row.name for row in read.plate.rows] == ["A", "a", "AA"]
    if kind == "well":
        assert [image.acquisition for image in read.well.images] == [0, None]
