"""The image in a Dataset."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from xarray_omezarr.errors import MetadataError, OmeZarrWarning, OptionError
from xarray_omezarr.options import complete
from xarray_omezarr.write.dataset import image_of

PIXELS = (("y", "x"), np.zeros((2, 3), "u1"))


def dataset(*names, **attrs):
    return xr.Dataset(dict.fromkeys(names, PIXELS), attrs=attrs)


def test_the_only_variable_is_the_image() -> None:
    da, _ = image_of(dataset("cells"), None, complete({}))
    xr.testing.assert_identical(da, dataset("cells")["cells"])


def test_one_of_several_is_named() -> None:
    da, _ = image_of(dataset("cells", "nuclei"), "nuclei", complete({}))
    assert da.name == "nuclei"


@pytest.mark.parametrize(
    ("names", "image", "said"),
    [
        (("cells", "nuclei"), None, "not given"),
        ((), None, "not given"),
        (("cells",), "nuclei", "'nuclei'"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(names, image, said) -> None:
    with pytest.raises(OptionError, match=rf"{said}.*variables .*image=") as caught:
        image_of(dataset(*names), image, complete({}))
    for name in names:
        assert repr(name) in str(caught.value)


def test_a_coordinate_is_no_variable() -> None:
    ds = dataset("cells").assign_coords(x=[1, 2, 3])
    with pytest.raises(OptionError):
        image_of(ds, "x", complete({}))


def test_its_attributes_go_beside_the_image_and_those_given_win() -> None:
    ds = dataset("cells", lab="A", project=7)
    _, options = image_of(ds, None, complete({"attrs": {"lab": "B"}, "chunks": 5}))
    assert options["attrs"] == {"lab": "B", "project": 7}
    assert options["chunks"] == 5
    assert ds.attrs == {"lab": "A", "project": 7}


def test_attributes_that_json_lacks_are_left_out_with_a_warning() -> None:
    with pytest.warns(OmeZarrWarning, match="'metadata'"):
        _, options = image_of(dataset("cells", metadata=object()), None, complete({}))
    assert options["attrs"] == {}


def test_options_of_the_caller_are_left_alone() -> None:
    options = complete({"attrs": {"a": 1}})
    image_of(dataset("cells", lab="A"), None, options)
    assert options["attrs"] == {"a": 1}


@pytest.mark.parametrize("attrs", [5, "text"])
def test_attributes_that_are_no_mapping_are_refused(attrs) -> None:
    with pytest.raises(MetadataError, match="mapping"):
        image_of(dataset("cells"), None, complete({"attrs": attrs}))
