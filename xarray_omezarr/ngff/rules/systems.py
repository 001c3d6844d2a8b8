"""Systems: named coordinate systems of an image, and what joins them."""

from __future__ import annotations

from collections.abc import Mapping

from xarray_omezarr.ngff.rules.axes import check_axes
from xarray_omezarr.ngff.rules.dimensions import check_dimensions
from xarray_omezarr.ngff.rules.finding import seen
from xarray_omezarr.ngff.rules.graph import Graph
from xarray_omezarr.ngff.rules.levels import check_levels, check_order
from xarray_omezarr.ngff.rules.spot import Spot, numbers, text
from xarray_omezarr.ngff.rules.transforms import (
    check_scale,
    check_transform,
    check_translation,
)

_S = "coordinate systems"
_T = "transformations"
_SIMPLE = ("identity", "scale", "translation")


def check_system(system: Spot) -> int | None:
    """Measure one system (RULES C1, C2); how many axes it has."""
    if not system.is_object(f"{_S}: each is an object"):
        return None
    name = system.need("name", f"{_S}: each has a name")
    if name is not None and name.is_text(f"{_S}: names are text") and not name.value:
        name.error("is empty", f"{_S}: names are not empty", "write a name")
    axes = system.need("axes", f"{_S}: each has axes")
    return None if axes is None else check_axes(axes)


def check_systems(systems: Spot) -> dict[str, int | None]:
    """Measure a list of systems; the number of axes of each name."""
    sizes: dict[str, int | None] = {}
    for system in systems.items():
        count = check_system(system)
        name = text(system.value, "name")
        if name is not None and name in sizes:  # RULES C1
            system.must(
                f"has the name {seen(name)} of another one",
                f"{_S}: names are unique",
                "rename one of them",
            )
        elif name is not None:
            sizes[name] = count
    return sizes


def check_end(end: Spot, *, needs: str) -> None:
    """Measure ``input`` or ``output`` of a transformation of a dataset (RULES C3)."""
    if not end.is_object(f"{_T}: input and output are objects"):
        return
    for key in ("name", "path"):
        member = end.child(key)
        if member is None or isinstance(member.value, str):
            continue
        if member.value is None and key != needs and end.follows_text:
            _note_null(member)
        else:
            member.is_text(f"{_T}: {key} of input and output")
    end.need(needs, f"{_T}: input and output name what they join")


def _note_null(member: Spot) -> None:
    # RULES 11: the text takes a null, the schema does not.
    member.should("is null", f"{_T}: input and output", "leave it out")


def check_systems_and_levels(multiscale: Spot) -> None:
    """Measure the systems, datasets and transformations of one image."""
    systems = multiscale.need("coordinateSystems", f"{_S}: an image has them")
    sizes: dict[str, int | None] = {}
    if systems is not None and systems.is_list(f"{_S}: a list, at least one", 1):
        sizes = check_systems(systems)
    levels = []
    intrinsic: str | None = None
    for dataset in check_levels(multiscale):
        demand = f"{_T}: each dataset has exactly one"  # RULES C5
        transforms = dataset.need("coordinateTransformations", demand)
        if transforms is None or not transforms.is_list(demand, 1, 1):
            continue
        for transform in list(transforms.items())[:1]:
            _check_level(transform)
            intrinsic = _check_level_ends(transform, dataset, sizes, intrinsic)
            size = sizes.get(intrinsic or "")
            levels.append((dataset, _check_parameters(transform, size)))
    if multiscale.follows_text and systems is not None:
        check_order(levels, _axes_of(systems, intrinsic))
        _check_sizes(systems, sizes, intrinsic)
    check_joins(multiscale, sizes, intrinsic)


def _axes_of(systems: Spot, name: str | None) -> object:
    for system in systems.items():
        if name is not None and text(system.value, "name") == name:
            return system.value.get("axes")
    return None


def _check_sizes(
    systems: Spot, sizes: Mapping[str, int | None], intrinsic: str | None
) -> None:
    """RULES C2: all systems of an image have the dimensions of its arrays."""
    wanted = sizes.get(intrinsic or "")
    for system in systems.items():
        size = sizes.get(text(system.value, "name") or "")
        if None not in (size, wanted) and size != wanted:
            system.tolerated(
                f"has {size} axes, but the arrays have {wanted}, as {seen(intrinsic)}",
                f"{_S}: those of an image have the dimensions of its arrays",
                "the text has a transformation that needs others, projectAxis",
                "keep it in a scene, or give it as many axes",
            )


def _check_level(transform: Spot) -> None:
    """The one transformation of a dataset (RULES C5)."""
    demand = f"{_T}: a dataset has scale, identity, or scale and translation"
    if not transform.is_object(demand):
        return
    for key, needs in (("input", "path"), ("output", "name")):  # RULES C6
        end = transform.need(key, f"{_T}: has input and output")  # RULES C4
        if end is not None:
            check_end(end, needs=needs)
    transform.text_member("name", f"{_T}: members")
    kind = transform.child("type")
    if kind is None:
        _check_untyped(transform)
    elif kind.is_one_of(("scale", "identity", "sequence"), demand):
        if kind.value == "scale":
            check_scale(transform)
        elif kind.value == "sequence":
            _check_pair(transform)


def _check_untyped(transform: Spot) -> None:
    """Without a type the schema takes what has not the form of two types at once."""
    missing = "has no 'type'", f"{_T}: each has a type", "add 'type'"
    if transform.passes(check_scale):
        transform.error(*missing)
    else:
        transform.must(*missing)


def _check_pair(transform: Spot) -> None:
    demand = f"{_T}: a sequence of a dataset is scale, then translation"
    parts = transform.need("transformations", demand)
    if parts is None or not parts.is_list(demand, 2, 2):
        return
    for part in list(parts.items())[:2]:
        _check_part(part, demand)
    kinds = [text(part, "type") for part in parts.value]
    if kinds != ["scale", "translation"]:  # RULES 11: sequence order
        parts.must(f"has the order {seen(kinds)}", demand, "write the scale first")


def _check_part(part: Spot, demand: str) -> None:
    if not part.is_object(demand):
        return
    kind = part.child("type")
    if kind is None:
        fits = [part.passes(rule) for rule in (check_scale, check_translation)]
        if fits.count(True) == 1:
            part.must("has no 'type'", f"{_T}: each has a type", "add 'type'")
        else:
            part.error("has no 'type'", f"{_T}: each has a type", "add 'type'")
    elif kind.is_one_of(("scale", "translation"), demand):
        (check_scale if kind.value == "scale" else check_translation)(part)


def _check_level_ends(
    transform: Spot,
    dataset: Spot,
    sizes: Mapping[str, int | None],
    intrinsic: str | None,
) -> str | None:
    """RULES C6: from the array of the dataset to one system, the same for all."""
    start, end = transform.child("input"), transform.child("output")
    path = text(dataset.value, "path")
    told = None if start is None else text(start.value, "path")
    if start is not None and None not in (path, told) and told != path:
        start.must(
            f"has the path {seen(told)}, but the dataset has {seen(path)}",
            f"{_T}: input of a dataset's transformation is the dataset",
            f"write {seen(path)}",
        )
    name = None if end is None else text(end.value, "name")
    if end is None or name is None:
        return intrinsic
    if name not in sizes:
        end.must(
            f"names the system {seen(name)}, which is not there",
            f"{_T}: output of a dataset's transformation is a system of the image",
            f"use one of {seen(list(sizes))}, or add the system",
        )
    if intrinsic is not None and name != intrinsic:
        end.must(
            f"is {seen(name)}, but {seen(intrinsic)} in the datasets before it",
            f"{_T}: all datasets lead to one system",
            f"write {seen(intrinsic)}",
        )
    for one, key in ((start, "name"), (end, "path")):
        if one is not None and text(one.value, key) is not None:
            one.should(
                f"has {key!r}: {seen(one.value)}",
                f"{_T}: input of a dataset has a path only, output a name only",
                f"leave {key!r} out",
            )
    return name if intrinsic is None else intrinsic


def _check_parameters(transform: Spot, size: int | None) -> list[float] | None:
    """RULES C10; the scale of the dataset."""
    if transform.follows_text:
        check_dimensions(transform, size, size)
    kind = text(transform.value, "type")
    if kind == "identity" and size is not None:
        return [1.0] * size
    if kind == "sequence":
        parts = transform.child("transformations")
        found = [] if parts is None else list(parts.items())
        scales = [part for part in found if text(part.value, "type") == "scale"]
        transform = scales[0] if scales else transform
    scale = transform.child("scale")
    return None if scale is None else numbers(scale.value)


def check_joins(
    multiscale: Spot, sizes: Mapping[str, int | None], intrinsic: str | None
) -> None:
    """Transformations between the systems of an image (RULES C7, C9)."""
    graph = Graph(sizes)
    transforms = multiscale.child("coordinateTransformations")
    demand = f"{_T}: a list, at least one"
    if transforms is not None and transforms.is_list(demand, 1):
        for transform in transforms.items():
            check_transform(transform)
            _check_join(transform, sizes, intrinsic, graph)
    if multiscale.follows_text and intrinsic is not None:
        for name in graph.apart_from(intrinsic):
            multiscale.must(
                f"has the system {seen(name)}, which no transformation joins to "
                f"{seen(intrinsic)}",
                f"{_S}: transformations join all systems",
                "add a transformation, or remove the system",
            )


def _check_join(
    transform: Spot,
    sizes: Mapping[str, int | None],
    intrinsic: str | None,
    graph: Graph,
) -> None:
    if not isinstance(transform.value, dict):
        return
    ends = []
    for key in ("input", "output"):
        end = transform.need(key, f"{_T}: has input and output")  # RULES C4
        if end is not None and end.is_object(f"{_T}: input and output are objects"):
            name = end.need("name", f"{_T}: input and output name systems")
            if name is not None and name.is_text(f"{_T}: names are text"):
                ends.append(end)
    if not transform.follows_text:
        return
    for end in ends:
        _check_own_end(end, sizes)
    inputs, outputs = (_size(transform.child(k), sizes) for k in ("input", "output"))
    check_dimensions(transform, inputs, outputs)  # RULES C10
    if len(ends) == 2:
        _check_sides(transform, ends, intrinsic)
        if not any(_path(end) for end in ends):
            graph.join(*(end.value["name"] for end in ends))


def _path(end: Spot) -> str | None:
    """Node of a system, None for the group itself."""
    return text(end.value, "path") or None


def _size(end: Spot | None, sizes: Mapping[str, int | None]) -> int | None:
    if end is None or _path(end):
        return None
    return sizes.get(text(end.value, "name") or "")


def _check_own_end(end: Spot, sizes: Mapping[str, int | None]) -> None:
    path = end.child("path")
    if path is not None and path.value is None:
        _note_null(path)
    elif path is not None and not isinstance(path.value, str):
        path.must(
            f"is {seen(path.value)}, not text", f"{_T}: path of a system", "write text"
        )
    if _path(end) is None and end.value["name"] not in sizes:
        end.must(
            f"names the system {seen(end.value['name'])}, which is not there",
            f"{_T}: input and output are systems of the image, or have a path",
            f"use one of {seen(list(sizes))}, or add the system",
        )


def _check_sides(transform: Spot, ends: list[Spot], intrinsic: str | None) -> None:
    """RULES C7, B13: one side is the system of the datasets."""
    own = [end.value["name"] for end in ends if not _path(end)]
    if intrinsic is not None and intrinsic not in own:
        transform.must(
            f"joins {seen([end.value for end in ends])}, neither of them "
            f"{seen(intrinsic)}, the system of the datasets",
            f"{_T}: one side is the system that the datasets lead to",
            f"lead from or to {seen(intrinsic)}, or keep it in a scene",
        )
    if len(own) < 2 and not _is_simple(transform.value):
        transform.must(
            f"is of type {seen(text(transform.value, 'type'))}",
            f"{_T}: to a label image only {', '.join(_SIMPLE)} and sequences of them",
            "use one of these, or keep it in a scene",
        )


def _is_simple(transform: object) -> bool:
    kind = text(transform, "type")
    if kind == "sequence" and isinstance(transform, dict):
        parts = transform.get("transformations")
        known = parts if isinstance(parts, list | tuple) else ()
        return all(text(part, "type") in _SIMPLE for part in known)
    return kind in _SIMPLE
