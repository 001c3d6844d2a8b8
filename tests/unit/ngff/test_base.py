"""How models take values, keep what they do not know, and complain."""

from __future__ import annotations

import ast
import copy
import pickle
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest

import xarray_omezarr.ngff as ngff
from xarray_omezarr.errors import MetadataError
from xarray_omezarr.ngff import (
    Axis,
    Channel,
    CoordinateSystem,
    Image,
    Level,
    Multiscale,
    Omero,
    Scale,
    Window,
)
from xarray_omezarr.ngff.base import Model

ROOM = Path(ngff.__file__).parent
MODELS = [getattr(ngff, name) for name in ngff.__all__]

X = {"name": "x", "type": "space"}
Y = {"name": "y", "type": "space"}


def image_json(**window: Any) -> dict[str, Any]:
    """An image as nested dicts, with one channel whose window is `window`."""
    level = {"path": "0", "transformation": {"type": "scale", "scale": [1, 1]}}
    system = {"name": "physical", "axes": [Y, X]}
    return {
        "multiscales": [{"coordinateSystems": [system], "levels": [level]}],
        "omero": {"channels": [{"window": window}]},
    }


@pytest.mark.parametrize("model", MODELS)
def test_every_public_name_is_a_model_whose_fields_are_described(
    model: type[Model],
) -> None:
    assert issubclass(model, Model)
    assert [n for n, f in model.model_fields.items() if not f.description] == []
    assert model.model_fields


def test_models_import_nothing_but_pydantic_and_the_standard_library() -> None:
    found = set()
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module or "")
    foreign = {
        name
        for name in found
        if name.split(".")[0] in {"numpy", "xarray", "zarr", "pint", "dask"}
    }
    ours = {name for name in found if name.startswith("xarray_omezarr")}
    assert foreign == set()
    assert "pydantic" in found
    assert {
        name
        for name in ours
        if not name.startswith(("xarray_omezarr.ngff", "xarray_omezarr.errors"))
    } == set()


class TestTakingValues:
    def test_fields_are_given_by_python_name_or_by_json_key(self) -> None:
        by_name = Axis(name="x", long_name="width")
        assert by_name == Axis.model_validate({"name": "x", "longName": "width"})
        assert by_name.to_json() == {"name": "x", "longName": "width"}

    def test_numpy_scalars_become_plain_numbers_text_and_flags(self) -> None:
        scale = Scale(scale=(np.float32(0.5), np.int64(2), np.float64(3)))
        assert [type(value) for value in scale.scale] == [float, float, float]
        assert scale.scale == (0.5, 2.0, 3.0)
        channel = Channel(label=np.str_("DAPI"), active=np.bool_(True))
        assert type(channel.label) is str
        assert channel.active is True

    @pytest.mark.parametrize(
        "value", [True, "1", None, float("nan"), float("inf"), 10**400, [1.0]]
    )
    def test_what_is_no_finite_number_is_refused_as_one(self, value: object) -> None:
        with pytest.raises(MetadataError, match=r"/scale/1 is "):
            Scale.model_validate({"scale": [1.0, value]})

    @pytest.mark.parametrize("value", [1, b"x", ["x"]])
    def test_what_is_no_text_is_refused_as_text(self, value: object) -> None:
        with pytest.raises(MetadataError, match=r"/label is .*: give text"):
            Channel.model_validate({"label": value})

    @pytest.mark.parametrize("value", [1, 0, "true"])
    def test_what_only_resembles_a_flag_is_refused(self, value: object) -> None:
        with pytest.raises(MetadataError, match=r"/active is .*: give true or false"):
            Channel.model_validate({"active": value})


class TestErrors:
    """pydantic's own error must never come out, whichever way a model is made."""

    def test_a_constructor_names_model_pointer_and_what_to_do(self) -> None:
        with pytest.raises(MetadataError) as caught:
            Axis(type="space")  # type: ignore[call-arg]
        assert str(caught.value) == "Axis /name is missing: it must be given"

    def test_an_error_deep_inside_has_the_pointer_from_the_top(self) -> None:
        document = image_json(min=0, max="high", start=0, end=1)
        message = "/omero/channels/0/window/max is 'high': give a number"
        for make in (Image.model_validate, lambda data: Image(**data)):
            with pytest.raises(MetadataError) as caught:
                make(document)
            assert str(caught.value) == f"Image {message}"
        with pytest.raises(MetadataError) as caught:
            Image.parse(document, "/ome")
        assert str(caught.value) == f"/ome{message}"

    def test_the_chosen_member_of_a_union_is_no_part_of_the_pointer(self) -> None:
        document = image_json(min=0, max=1, start=0, end=1)
        level = document["multiscales"][0]["levels"][0]
        level["transformation"]["scale"] = [1, "wide"]
        pointer = "/multiscales/0/levels/0/transformation/scale/1 is 'wide'"
        with pytest.raises(MetadataError, match=pointer):
            Image.model_validate(document)

    def test_several_errors_are_listed_together(self) -> None:
        with pytest.raises(MetadataError) as caught:
            Window.model_validate({"min": 0, "max": None})
        assert str(caught.value).splitlines() == [
            "3 problems:",
            "- Window /max is None: give a number",
            "- Window /start is missing: it must be given",
            "- Window /end is missing: it must be given",
        ]

    def test_json_text_goes_the_same_way(self) -> None:
        assert Axis.model_validate_json('{"name": "x"}') == Axis(name="x")
        with pytest.raises(MetadataError, match="/name is 5: give text"):
            Axis.model_validate_json('{"name": 5}')
        with pytest.raises(MetadataError, match="Axis is no JSON"):
            Axis.model_validate_json('{"name": ')

    def test_what_is_no_object_is_refused(self) -> None:
        with pytest.raises(MetadataError, match=r"/axes/1 is 'x': give an object"):
            Axis.parse("x", "/axes/1")

    def test_a_model_cannot_be_changed(self) -> None:
        axis = Axis(name="x")
        with pytest.raises(MetadataError, match=r"model_copy\(update="):
            axis.unit = "meter"  # type: ignore[misc]
        with pytest.raises(MetadataError, match="frozen"):
            del axis.unit
        assert axis.unit is None

    def test_keys_with_slashes_are_escaped_in_pointers(self) -> None:
        axis = Axis.model_validate({"name": "x", "a/b~c": {"d": float("nan")}})
        with pytest.raises(MetadataError, match="/a~1b~0c/d is nan"):
            axis.to_json()

    def test_no_pydantic_error_hides_behind_ours(self) -> None:
        with pytest.raises(MetadataError) as caught:
            Axis(name="")
        assert not isinstance(caught.value, pydantic.ValidationError)
        shown = "".join(traceback.format_exception(caught.value))
        assert "ValidationError" not in shown


class TestUnknownKeys:
    def test_they_are_kept_and_come_last(self) -> None:
        orientation = {"type": "anatomical", "value": "left-to-right"}
        axis = Axis.model_validate({"orientation": orientation, **X})
        assert axis.extras() == {"orientation": orientation}
        assert list(axis.to_json()) == ["name", "type", "orientation"]

    def test_those_that_are_null_mean_nothing(self) -> None:
        axis = Axis.model_validate({**X, "orientation": None})
        assert axis == Axis(name="x", type="space")
        assert axis.extras() == {}

    def test_what_is_handed_out_is_a_copy(self) -> None:
        channel = Channel.model_validate({"lut": {"name": "fire"}})
        channel.extras()["lut"]["name"] = "ice"
        channel.to_json()["lut"]["name"] = "ice"
        assert channel.extras() == {"lut": {"name": "fire"}}

    def test_models_with_other_unknown_keys_differ(self) -> None:
        assert Axis.model_validate({**X, "a": 1}) != Axis.model_validate({**X, "a": 2})


class TestCopies:
    def test_an_update_changes_only_what_it_names(self) -> None:
        axis = Axis.model_validate({**X, "orientation": "up"})
        copied = axis.model_copy(update={"unit": "meter"})
        assert copied.to_json() == {
            "name": "x",
            "type": "space",
            "unit": "meter",
            "orientation": "up",
        }
        assert axis.unit is None

    def test_an_update_is_checked(self) -> None:
        level = Level.of("0", (1, 1))
        with pytest.raises(MetadataError, match=r"/path is '../1'"):
            level.model_copy(update={"path": "../1"})

    def test_models_survive_pickle_and_copy(self) -> None:
        image = Image.model_validate(image_json(min=0, max=1, start=0, end=1))
        assert pickle.loads(pickle.dumps(image)) == image
        assert copy.deepcopy(image) == image
        assert image.model_copy() == image


class TestJson:
    def test_fields_that_are_not_given_are_left_out(self) -> None:
        omero = Omero(channels=(Channel(color="00ff00"),))
        assert omero.to_json() == {"channels": [{"color": "00FF00"}]}

    def test_nested_models_become_objects_and_tuples_lists(self) -> None:
        system = CoordinateSystem(name="physical", axes=(Axis(name="x"),))
        assert system.to_json() == {"name": "physical", "axes": [{"name": "x"}]}

    def test_free_metadata_keep_their_nulls(self) -> None:
        axes = (Axis(**Y), Axis(**X))
        metadata = {"kwargs": {"seed": None}}
        multiscale = Multiscale.of(axes, [Level.of("0", (1, 1))], metadata=metadata)
        assert multiscale.to_json()["metadata"] == {"kwargs": {"seed": None}}


def test_half_a_character_is_a_problem_of_the_document() -> None:
    axes = [{"name": "y", "type": "\ud800"}, {"name": "x", "type": "space"}]
    document = {"name": "intrinsic", "axes": [*axes, {"name": "z", "type": "\ud800"}]}
    level = {"path": "0", "transformation": {"type": "scale", "scale": [1, 1, 1]}}
    picture = {"coordinate_systems": [document], "levels": [level]}
    with pytest.raises(MetadataError, match=r"/multiscales/0 .*\\ud800.*half a"):
        Multiscale.parse(picture, "/multiscales/0")
