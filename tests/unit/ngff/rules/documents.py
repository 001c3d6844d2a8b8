"""Documents that are right in every version, and ways to break one place of them."""

from __future__ import annotations

from typing import Any

from xarray_omezarr.ngff.rules.check import check_attributes
from xarray_omezarr.ngff.rules.finding import Finding

#: Stands for a member that is taken out.
GONE = object()

AXES = [
    {"name": "t", "type": "time", "unit": "second"},
    {"name": "c", "type": "channel"},
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
]
CHANNEL = {
    "color": "FF0000",
    "window": {"min": 0, "max": 255, "start": 0, "end": 200},
    "label": "DAPI",
    "active": True,
}
METHOD = {
    "name": "cells",
    "type": "mean",
    "metadata": {"method": "mean"},
}


def _flat(path: str, factor: float) -> dict[str, Any]:
    scale = {"type": "scale", "scale": [1.0, 1.0, factor, factor]}
    shift = {"type": "translation", "translation": [0.0, 0.0, factor / 2, factor / 2]}
    return {"path": path, "coordinateTransformations": [scale, shift]}


def _flat_image() -> dict[str, Any]:
    datasets = [_flat("0", 0.5), _flat("1", 1.0)]
    return {**METHOD, "axes": AXES, "datasets": datasets}


def _named(path: str, factor: float) -> dict[str, Any]:
    transform = {
        "type": "sequence",
        "input": {"path": path},
        "output": {"name": "physical"},
        "transformations": _flat(path, factor)["coordinateTransformations"],
    }
    return {"path": path, "coordinateTransformations": [transform]}


def _named_image() -> dict[str, Any]:
    return {
        **METHOD,
        "coordinateSystems": [
            {"name": "physical", "axes": AXES},
            {"name": "world", "axes": AXES},
        ],
        "datasets": [_named("0", 0.5), _named("1", 1.0)],
        "coordinateTransformations": [
            {
                "type": "translation",
                "translation": [0.0, 0.0, 5.0, 7.0],
                "input": {"name": "physical"},
                "output": {"name": "world"},
            }
        ],
    }


PLATE = {
    "name": "screen",
    "field_count": 2,
    "rows": [{"name": "A"}, {"name": "B"}],
    "columns": [{"name": "1"}, {"name": "2"}, {"name": "3"}],
    "wells": [
        {"path": "A/1", "rowIndex": 0, "columnIndex": 0},
        {"path": "B/3", "rowIndex": 1, "columnIndex": 2},
    ],
    "acquisitions": [
        {"id": 0, "name": "day 1", "maximumfieldcount": 2, "starttime": 0},
        {"id": 4, "name": "day 2", "maximumfieldcount": 1, "endtime": 9},
    ],
}
WELL = {
    "images": [
        {"path": "0", "acquisition": 0},
        {"path": "1", "acquisition": 4},
    ]
}
LABEL = {
    "colors": [
        {"label-value": 1, "rgba": [255, 0, 0, 255]},
        {"label-value": 2, "rgba": [0, 0, 0, 0]},
    ],
    "properties": [{"label-value": 1, "area": 12.5}],
    "source": {"image": "../../"},
}


def _versioned(block: dict[str, Any], version: str) -> dict[str, Any]:
    return {**block, "version": version}


OMERO = {"channels": [CHANNEL]}

IMAGE_04 = {"multiscales": [_versioned(_flat_image(), "0.4")], "omero": OMERO}
IMAGE_05 = {"ome": {"version": "0.5", "multiscales": [_flat_image()], "omero": OMERO}}
IMAGE_06 = {"ome": {"version": "0.6", "multiscales": [_named_image()], "omero": OMERO}}
LABEL_04 = {**IMAGE_04, "image-label": _versioned(LABEL, "0.4")}
LABEL_05 = {"ome": {**IMAGE_05["ome"], "image-label": _versioned(LABEL, "0.5")}}
LABEL_06 = {"ome": {**IMAGE_06["ome"], "image-label": LABEL}}
PLATE_04 = {"plate": _versioned(PLATE, "0.4")}
PLATE_05 = {"ome": {"version": "0.5", "plate": _versioned(PLATE, "0.5")}}
PLATE_06 = {"ome": {"version": "0.6", "plate": PLATE}}
WELL_04 = {"well": _versioned(WELL, "0.4")}
WELL_05 = {"ome": {"version": "0.5", "well": _versioned(WELL, "0.5")}}
WELL_06 = {"ome": {"version": "0.6", "well": WELL}}
LABELS_05 = {"ome": {"version": "0.5", "labels": ["cells", "nuclei"]}}
LAYOUT_05 = {"ome": {"version": "0.5", "bioformats2raw.layout": 3}}
SERIES_05 = {"ome": {"version": "0.5", "series": ["0", "1"]}}
SCENE_06 = {
    "ome": {
        "version": "0.6",
        "scene": {
            "coordinateSystems": [{"name": "stage", "axes": AXES[2:]}],
            "coordinateTransformations": [
                {
                    "type": "translation",
                    "translation": [3.0, 4.0],
                    "input": {"name": "physical", "path": "tile"},
                    "output": {"name": "stage"},
                }
            ],
        },
    }
}
IMAGE_03 = {
    "multiscales": [
        {
            **METHOD,
            "version": "0.3",
            "axes": ["z", "y", "x"],
            "datasets": [{"path": "0"}],
        }
    ]
}
IMAGE_01 = {
    "multiscales": [{**METHOD, "version": "0.1", "datasets": [{"path": "0"}]}],
}

#: Whatever should be clean, by name, with what it is.
RIGHT = {
    "image 0.1": (IMAGE_01, "image"),
    "image 0.3": (IMAGE_03, "image"),
    "image 0.4": (IMAGE_04, "image"),
    "image 0.5": (IMAGE_05, "image"),
    "image 0.6": (IMAGE_06, "image"),
    "label 0.4": (LABEL_04, "label"),
    "label 0.5": (LABEL_05, "label"),
    "label 0.6": (LABEL_06, "label"),
    "plate 0.4": (PLATE_04, "plate"),
    "plate 0.5": (PLATE_05, "plate"),
    "plate 0.6": (PLATE_06, "plate"),
    "well 0.4": (WELL_04, "well"),
    "well 0.5": (WELL_05, "well"),
    "well 0.6": (WELL_06, "well"),
    "labels 0.4": ({"labels": ["cells"]}, "labels"),
    "labels 0.5": (LABELS_05, "labels"),
    "layout 0.4": ({"bioformats2raw.layout": 3}, "bioformats2raw"),
    "layout 0.5": (LAYOUT_05, "bioformats2raw"),
    "series 0.5": (SERIES_05, "series"),
    "scene 0.6": (SCENE_06, "scene"),
}


def with_change(document: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    """A copy with another value at `pointer`, or without it; ``-`` appends."""
    # The documents share their parts; a change is to one place.
    new = _unshared(document)
    at: Any = new
    *above, last = pointer.strip("/").split("/")
    for key in above:
        at = at[int(key)] if isinstance(at, list) else at[key]
    key = last.replace("~1", "/").replace("~0", "~")
    if isinstance(at, list) and key == "-":
        at.append(value)
    elif value is GONE:
        del at[int(key) if isinstance(at, list) else key]
    else:
        at[int(key) if isinstance(at, list) else key] = value
    return new


def _unshared(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unshared(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unshared(item) for item in value]
    return value


def faults(document: object, level: Any = "standard", **told: Any) -> list[Finding]:
    """The findings about a document; none says that measuring itself failed."""
    found = list(check_attributes(document, level, **told).findings)
    assert not [one for one in found if "cannot be measured" in one.message]
    return found


def summary(document: object, level: Any = "standard") -> list[tuple[str, str]]:
    """Severity and pointer of each finding."""
    return [(one.severity, one.pointer) for one in faults(document, level)]


def assert_one_fault(
    document: object, severity: str, pointer: str, word: str, level: Any = "standard"
) -> None:
    """There is one finding, at `pointer`, whose clause has `word`."""
    found = faults(document, level)
    assert [(one.severity, one.pointer) for one in found] == [(severity, pointer)]
    assert word in found[0].clause
    weights = ["(MUST)"] if severity == "error" else ["(SHOULD)", "(MUST; only a"]
    assert any(weight in found[0].clause for weight in weights)
    assert found[0].message
    assert found[0].remedy
