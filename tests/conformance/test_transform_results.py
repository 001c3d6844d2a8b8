"""What the arithmetic of transformations makes is valid for the official schema."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tests.conformance.cases import SPEC
from tests.conformance.conftest import load
from tests.property.transformations import linear, square
from xarray_omezarr import transforms

pytestmark = pytest.mark.skipif(
    not SPEC.is_dir(), reason="the schemas of the standard are not beside the checkout"
)


def is_valid(transformation: Any) -> bool:
    schemas, registry = load("0.6")
    address = schemas["coordinate_transformations"]["$id"]
    schema = {"$ref": f"{address}#/$defs/coordinateTransformation"}
    ends = {"input": {"name": "a"}, "output": {"name": "b"}}
    told = {**transformation.to_json(), **ends}
    return Draft202012Validator(schema, registry=registry).is_valid(told)


@pytest.mark.parametrize("kind", sorted(linear(2)))
@pytest.mark.parametrize("ndim", (2, 3, 5))
@settings(max_examples=20)
@given(data=st.data())
def test_the_least_expressive_types_are_valid(
    kind: str, ndim: int, data: st.DataObject
) -> None:
    # Of negative scales, too, which the schema does not know.
    t = data.draw(linear(ndim)[kind])
    found = transforms.simplify(t, ndim=ndim)
    # A projection may make more axes than the schema has; that stays what it is.
    assert is_valid(found) or (kind == "projectAxis" and found == t)


@pytest.mark.parametrize("kind", sorted(square(2)))
@pytest.mark.parametrize("ndim", (2, 3, 5))
@settings(max_examples=20)
@given(data=st.data())
def test_inverses_and_compositions_of_the_valid_are_valid(
    kind: str, ndim: int, data: st.DataObject
) -> None:
    t = data.draw(square(ndim)[kind])
    back = transforms.invert(t)
    assert is_valid(back) or not is_valid(t)
    assert is_valid(transforms.compose(t, back)) or not is_valid(t)


def test_the_schema_tells_what_is_not_valid() -> None:
    assert not is_valid(transforms.compose({"type": "scale", "scale": [-1.0]}))
