"""Matrices and fields that transformations name: measured where they are stored."""

from __future__ import annotations

import numpy as np
import pytest
import zarr

import xarray_omezarr as xo
from tests.integration.handmade import Folder, only, told
from tests.integration.test_validation_scenes import image, stage, system

POINTER = "/multiscales/0/coordinateTransformations/0"
MATRIX = "coordinateTransformations/matrix"
FIELD = "coordinateTransformations/field"
SPACE = {"type": "space", "unit": "micrometer"}
DISPLACED = (
    {"name": "d", "type": "displacement", "discrete": True},
    {"name": "y", **SPACE},
    {"name": "x", **SPACE},
)


def put(folder, path, values):
    values = np.asarray(values)
    zarr.create_array(folder.path / path, data=values, zarr_format=3)
    return folder


def stored(tmp_path, transform, path=MATRIX, values=None):
    folder = image(Folder(tmp_path / "image.zarr", "0.6"), "", [transform])
    folder.group("coordinateTransformations")
    return folder if values is None else put(folder, path, values)


def field(folder, path=FIELD, axes=DISPLACED, shape=(2, 4, 6)):
    dataset = {
        "path": "s0",
        "coordinateTransformations": [
            {
                "type": "scale",
                "scale": [1.0] * len(axes),
                "input": {"path": "s0"},
                "output": {"name": "physical"},
            }
        ],
    }
    entry = {
        "name": "field",
        "type": "nearest",
        "metadata": {"method": "nearest"},
        "coordinateSystems": [{"name": "physical", "axes": list(axes)}],
        "datasets": [dataset],
    }
    folder.group(path, {"multiscales": [entry]})
    names = tuple(axis["name"] for axis in axes)
    return folder.array(f"{path}/s0", shape, "float32", names)


def part(transform, inputs, outputs):
    inner = {key: transform[key] for key in ("type", "path")}
    return {"transformation": inner, "inputAxes": inputs, "outputAxes": outputs}


def by_dimension(transform, axes=(1, 2)):
    """The same of y and x only; the channel stays."""
    parts = [
        {"transformation": {"type": "identity"}, "inputAxes": [0], "outputAxes": [0]},
        part(transform, list(axes), list(axes)),
    ]
    ends = {key: transform[key] for key in ("input", "output")}
    return {"type": "byDimension", "transformations": parts, **ends}


NESTED = f"{POINTER}/transformations/1/transformation/path"


@pytest.mark.parametrize(("rows", "columns"), [(3, 3), (2, 4), (4, 5)])
def test_a_matrix_that_does_not_fit_the_systems(tmp_path, rows, columns) -> None:
    values = np.eye(rows, columns)
    folder = stored(tmp_path, stage("affine", MATRIX), values=values)
    report = xo.validate(folder.path)
    only(report, "error", "", f"{POINTER}/path", f"the shape [{rows}, {columns}]")


def test_a_matrix_of_another_shape_is_told_without_its_numbers(tmp_path) -> None:
    folder = stored(tmp_path, stage("affine", MATRIX), values=np.eye(3, 3))
    report = xo.validate(folder.path, data=False)
    only(report, "error", "", f"{POINTER}/path", "for 2 input axes")


@pytest.mark.parametrize(
    ("values", "word"),
    [
        (np.diag([1, 1, -1.0]), "determinant -1"),
        (np.diag([1, 2, 0.5]), "no rotation"),
        (np.full((3, 3), np.nan), "no finite numbers"),
        (np.full((3, 3), "a"), "real numbers"),
        (np.eye(3) * 1e12, "large entries"),
    ],
)
@pytest.mark.filterwarnings("ignore::zarr.errors.UnstableSpecificationWarning")
def test_a_stored_rotation_that_is_none(tmp_path, values, word) -> None:
    folder = stored(tmp_path, stage("rotation", MATRIX), values=values)
    only(xo.validate(folder.path), "error", "", f"{POINTER}/path", word)


def test_a_stored_rotation_with_its_numbers(tmp_path) -> None:
    turn = np.array([[1, 0, 0], [0, 0.6, -0.8], [0, 0.8, 0.6]])
    folder = stored(tmp_path, stage("rotation", MATRIX), values=turn)
    report = xo.validate(folder.path)
    assert report.findings == (), str(report)


def test_a_matrix_that_nobody_wrote_is_told(tmp_path) -> None:
    folder = stored(tmp_path, stage("affine", MATRIX), values=np.zeros((3, 4)))
    only(xo.validate(folder.path), "warning", "", f"{POINTER}/path", "all 0")


def test_what_follows_a_stored_matrix_fits_it(tmp_path) -> None:
    steps = [
        {"type": "affine", "path": MATRIX},
        {"type": "translation", "translation": [1.0, 2.0, 3.0, 4.0]},
        {"type": "projectAxis", "droppedInputs": [0]},
    ]
    ends = {"input": {"name": "physical"}, "output": {"name": "stage"}}
    sequence = {"type": "sequence", "transformations": steps, **ends}
    folder = stored(tmp_path, sequence, values=np.eye(4, 4))
    assert xo.validate(folder.path).ok
    steps[1]["translation"].pop()
    folder = stored(tmp_path / "b", sequence, values=np.eye(4, 4))
    pointer = f"{POINTER}/transformations/1/translation"
    assert ("error", "", pointer) in told(xo.validate(folder.path))


@pytest.mark.parametrize("kind", ["displacements", "coordinates"])
def test_a_field_of_some_axes_as_the_text_has_it(tmp_path, kind) -> None:
    folder = stored(tmp_path, by_dimension(stage(kind, FIELD)))
    first = {**DISPLACED[0], "type": kind.removesuffix("s")}
    report = xo.validate(field(folder, axes=(first, *DISPLACED[1:])).path, data="all")
    assert report.findings == (), str(report)
    # The image, the field, and what is between them does not count.
    assert report.nodes == 3 + 2


AXES = {
    "no axis of vectors": ({"name": "d", "type": "channel"}, "no axes of type"),
    "not discrete": ({"name": "d", "type": "displacement"}, "no discrete"),
    "of coordinates": (
        {"name": "d", "type": "coordinate", "discrete": True},
        "no axes of type 'displacement'",
    ),
}


@pytest.mark.parametrize("case", AXES)
def test_the_axis_of_vectors_says_what_it_is(tmp_path, case) -> None:
    axis, word = AXES[case]
    folder = stored(tmp_path, by_dimension(stage("displacements", FIELD)))
    field(folder, axes=(axis, *DISPLACED[1:]))
    only(xo.validate(folder.path), "error", "", NESTED, word)


def test_the_axis_of_vectors_is_before_those_of_space(tmp_path) -> None:
    folder = stored(tmp_path, by_dimension(stage("displacements", FIELD)))
    field(folder, axes=(*DISPLACED[1:], DISPLACED[0]), shape=(4, 6, 2))
    assert ("error", "", NESTED) in told(xo.validate(folder.path))


def test_vectors_have_an_entry_for_each_axis(tmp_path) -> None:
    folder = stored(tmp_path, by_dimension(stage("displacements", FIELD)))
    field(folder, shape=(3, 4, 6))
    only(xo.validate(folder.path), "error", "", NESTED, "3 entries")


def test_a_field_has_an_axis_for_each_of_its_input(tmp_path) -> None:
    folder = stored(tmp_path, stage("coordinates", FIELD))
    axes = ({"name": "d", "type": "coordinate", "discrete": True}, *DISPLACED[1:])
    field(folder, axes=axes, shape=(3, 4, 6))
    only(xo.validate(folder.path), "error", "", f"{POINTER}/path", "input has 3")


def test_coordinates_lead_to_as_many_axes_as_vectors_have_entries(tmp_path) -> None:
    folder = stored(tmp_path, by_dimension(stage("coordinates", FIELD)))
    axes = ({"name": "d", "type": "coordinate", "discrete": True}, *DISPLACED[1:])
    field(folder, axes=axes, shape=(3, 4, 6))
    only(xo.validate(folder.path), "error", "", NESTED, "output has 2 axes")


def test_a_field_is_measured_as_an_image(tmp_path) -> None:
    folder = stored(tmp_path, by_dimension(stage("displacements", FIELD)))
    field(folder)
    (folder.path / FIELD / "s0" / "zarr.json").unlink()
    assert not xo.validate(folder.path).ok


def test_a_field_that_leads_to_itself_is_measured_once(tmp_path) -> None:
    folder = stored(tmp_path, by_dimension(stage("displacements", FIELD)))
    field(folder)

    def loop(ome):
        ends = {"input": {"name": "physical"}, "output": {"name": "physical"}}
        again = [{"type": "displacements", "path": "", **ends}]
        ome["multiscales"][0]["coordinateTransformations"] = again

    folder.change(FIELD, loop)
    assert not xo.validate(folder.path).ok


@pytest.mark.parametrize("word", ["cubic", "bspline-cubic"])
def test_interpolation_that_text_and_schema_spell_unlike_is_warned_of(
    tmp_path, word
) -> None:
    transform = by_dimension(stage("displacements", FIELD))
    transform["transformations"][1]["transformation"]["interpolation"] = word
    folder = field(stored(tmp_path, transform))
    pointer = NESTED.replace("/path", "/interpolation")
    only(xo.validate(folder.path), "warning", "", pointer, word)


def bijection(forward, inverse):
    ends = {"input": {"name": "physical"}, "output": {"name": "stage"}}
    return {"type": "bijection", "forward": forward, "inverse": inverse, **ends}


def scale(*factors):
    return {"type": "scale", "scale": list(factors)}


def test_an_inverse_that_leads_back(tmp_path) -> None:
    pair = bijection({"type": "affine", "path": MATRIX}, scale(1.0, 0.5, 0.333))
    folder = stored(tmp_path, pair, values=np.eye(3, 4) * [1, 2, 3, 1])
    report = xo.validate(folder.path)
    assert report.findings == (), str(report)


def test_an_inverse_that_does_not_lead_back_is_warned_of(tmp_path) -> None:
    pair = bijection({"type": "affine", "path": MATRIX}, scale(1.0, 2.0, 3.0))
    folder = stored(tmp_path, pair, values=np.eye(3, 4) * [1, 2, 3, 1])
    only(xo.validate(folder.path), "warning", "", f"{POINTER}/inverse", "lead back")


def test_an_inverse_that_moves_is_warned_of(tmp_path) -> None:
    moved = {"type": "translation", "translation": [0.0, 1.0, 2.0]}
    folder = stored(tmp_path, bijection(moved, moved))
    only(xo.validate(folder.path), "warning", "", f"{POINTER}/inverse", "lead back")


def test_an_inverse_of_a_field_is_not_computed(tmp_path) -> None:
    forward = by_dimension(stage("displacements", FIELD))
    for key in ("input", "output"):
        forward.pop(key)
    pair = bijection(forward, scale(1.0, 2.0, 3.0))
    report = xo.validate(field(stored(tmp_path, pair)).path)
    assert report.findings == (), str(report)


def test_parameters_of_a_scene_fit_the_systems_of_its_images(tmp_path) -> None:
    folder = Folder(tmp_path / "scene.zarr", "0.6")
    ends = {
        "input": {"path": "a", "name": "physical"},
        "output": {"path": "b", "name": "physical"},
    }
    transform = {"type": "affine", "path": MATRIX, **ends}
    folder.group("", {"scene": {"coordinateTransformations": [transform]}})
    image(image(folder, "a"), "b")
    put(folder.group("coordinateTransformations"), MATRIX, np.eye(2, 3))
    pointer = "/scene/coordinateTransformations/0/path"
    only(xo.validate(folder.path), "error", "", pointer, "for 2 input axes")


def test_a_field_of_a_scene_is_measured_once_though_named_twice(tmp_path) -> None:
    folder = Folder(tmp_path / "scene.zarr", "0.6")
    transforms = [
        by_dimension(
            {
                **stage("displacements", FIELD),
                "input": {"path": path, "name": "physical"},
                "output": {"name": "world"},
            }
        )
        for path in "ab"
    ]
    members = {"coordinateSystems": [system("world")]}
    folder.group("", {"scene": {**members, "coordinateTransformations": transforms}})
    image(image(folder.group("coordinateTransformations"), "a"), "b")
    report = xo.validate(field(folder).path)
    assert report.findings == (), str(report)
    assert report.nodes == 1 + 2 * 3 + 2


def test_transformations_to_systems_of_label_images_fit_them(tmp_path) -> None:
    moved = {"type": "translation", "translation": [0.0, 1.0, 2.0]}
    there = {"path": "labels/cells", "name": "physical"}
    moved |= {"input": {"name": "physical"}, "output": there}
    folder = image(Folder(tmp_path / "image.zarr", "0.6"), "", [moved])
    folder.group("labels", {"labels": ["cells"]})
    image(folder, "labels/cells")

    def drop(ome):
        ome["multiscales"][0]["coordinateSystems"][0]["axes"].pop(0)

    folder.change("labels/cells", drop)
    pointer = f"{POINTER}/translation"
    messages = [
        one.message
        for one in xo.validate(folder.path).errors
        if one.pointer.endswith(pointer)
    ]
    assert messages == ["has 3 entries, but the output has 2 axes"]


def test_what_the_attributes_tell_alone_is_told_once(tmp_path) -> None:
    ends = {"input": {"name": "physical"}, "output": {"name": "stage"}}
    flat = {"type": "affine", "affine": np.eye(2, 3).tolist(), **ends}
    flat["affine"][0][1] = 0.5
    folder = stored(tmp_path, flat)
    report = xo.validate(folder.path)
    assert told(report) == {("error", "", f"{POINTER}/affine")}
    messages = [one.message for one in report.errors]
    assert len(messages) == len({*messages}) == 2, str(report)
