"""Label images lie on their image where their pixels are those of one of its levels."""

from __future__ import annotations

import pytest

from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.write.label_place import axes_off, warn_if_off


def picture(*levels, unit="micrometer"):
    """A picture with axes y, x and levels of these scales and translations of x."""
    axes = [{"name": name, "type": "space", "unit": unit} for name in "yx"]
    datasets = [
        {
            "path": str(number),
            "coordinateTransformations": [
                {"type": "scale", "scale": [1.0, scale]},
                {"type": "translation", "translation": [0.0, first]},
            ],
        }
        for number, (scale, first) in enumerate(levels)
    ]
    told = {"version": "0.4", "axes": axes, "datasets": datasets}
    model = registry.get("0.4").from_attrs({"multiscales": [told]})
    return model.multiscale


IMAGE = picture((0.5, 0.0), (1.0, 0.25))


@pytest.mark.parametrize(
    ("label", "off"),
    [
        (picture((0.5, 0.0)), []),
        (picture((1.0, 0.25)), []),
        (picture((0.5 * (1 + 1e-9), 1e-9)), []),
        (picture((1.0, 0.0)), ["x"]),
        (picture((0.4, 0.0)), ["x"]),
        (picture((0.5, 0.0), unit="nanometer"), ["y", "x"]),
    ],
)
def test_pixels_of_a_label_are_those_of_a_level(label, off) -> None:
    assert axes_off(label, IMAGE, ["t", "y", "x"]) == off


def test_only_axes_that_were_corrected_are_looked_at() -> None:
    assert axes_off(picture((0.4, 0.0)), IMAGE, ["y"]) == []
    with pytest.warns(OmeZarrWarning, match="its image here any more"):
        warn_if_off(picture((0.4, 0.0)), IMAGE, ["x"], "here")
