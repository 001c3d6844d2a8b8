"""Options of validation, what attributes alone tell, and how little that takes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import xarray_omezarr as xo

IMAGE = {
    "ome": {
        "version": "0.5",
        "multiscales": [
            {
                "name": "img",
                "type": "mean",
                "metadata": {"method": "mean"},
                "axes": [
                    {"name": "y", "type": "space", "unit": "micrometer"},
                    {"name": "x", "type": "space", "unit": "micrometer"},
                ],
                "datasets": [
                    {
                        "path": "0",
                        "coordinateTransformations": [
                            {"type": "scale", "scale": [0.5, 0.5]}
                        ],
                    }
                ],
            }
        ],
    }
}


@pytest.mark.parametrize("level", ["schema", "strict", "standard"])
def test_attributes_as_the_text_has_them_have_no_findings(level) -> None:
    report = xo.validate_attributes(IMAGE, level=level)
    assert isinstance(report, xo.Report)
    assert (report.findings, report.ok, report.level) == ((), True, level)
    assert report.version == "0.5"


@pytest.mark.parametrize(
    "given", [None, 1, "ome", [], {}, {"ome": []}, {1: 2}, object()]
)
def test_attributes_of_any_type_are_findings(given) -> None:
    report = xo.validate_attributes(given)
    assert not report.ok
    assert json.dumps(report.to_json())


@pytest.mark.parametrize("function", [xo.validate, xo.validate_attributes])
def test_another_level_is_refused(function) -> None:
    with pytest.raises(xo.OptionError, match="level is 'lax'"):
        function({}, level="lax")


def test_measuring_attributes_loads_no_arrays() -> None:
    code = (
        "import xarray_omezarr as xo, sys; xo.validate_attributes({'ome': {}}); "
        "print(sorted({'zarr', 'pint', 'dask', 'pydantic'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
