"""What is said of things that are listed and cannot be opened, or are no image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from xarray_omezarr import errors
from xarray_omezarr.errors import MetadataError, OmeZarrError, OptionError
from xarray_omezarr.ngff.labels import LabelsGroup
from xarray_omezarr.ngff.named import image_paths
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.ngff.scene import Scene

if TYPE_CHECKING:
    from xarray_omezarr.store.open_images import Opening

# Names that a message lists before it only counts.
_SHOWN = 12


def remedy(model: object) -> str:
    """How something that is no image is opened."""
    one = "open one of its images with group="
    if isinstance(model, Plate):
        well = model.wells[0].path if model.wells else "A/1"
        return (
            "xarray_omezarr.open_plate gives all fields as one Dataset, "
            f"xarray.open_datatree all as a tree; or {one}, e.g. group='{well}/0'"
        )
    if isinstance(model, Well):
        names = [entry.path for entry in model.images[:1]] or ["0"]
        return f"open the plate above, or {one}, e.g. group='.../{names[0]}'"
    if isinstance(model, LabelsGroup):
        if not model.labels:
            return "none of them is an image: the list is empty"
        return f"open one of them with group=, e.g. 'labels/{model.labels[0]}'"
    first = "0' of a collection"
    if isinstance(model, Scene) and (paths := [*image_paths(model)[0]]):
        first = f"{paths[0]}'"
    return f"xarray.open_datatree opens all; or {one}, e.g. group='{first}"


def nothing_left(opening: Opening) -> OmeZarrError:
    """The error that nothing of what is listed can be opened."""
    left_out = opening.left_out
    is_level = bool(left_out) and {*left_out} <= opening.without_level
    if is_level and len({*left_out.values()}) == 1:
        reason = next(iter(left_out.values()))
        count = f"each of the {len(left_out)} images" if len(left_out) > 1 else "all"
        return OptionError(
            f"{reason[:1].upper()}{reason[1:]}; so it is with {count} that "
            f"{opening.target} lists"
        )
    message = f"Nothing that {opening.target} lists can be opened: {told(left_out)}"
    if is_level:
        return OptionError(message)
    return MetadataError(message)


def told(left_out: Mapping[str, str]) -> str:
    """What was left out, and why: once for all that share a reason."""
    paths: dict[str, list[str]] = {}
    for path, reason in left_out.items():
        paths.setdefault(reason, []).append(path)
    lines = [f"{some(names)} ({reason})" for reason, names in paths.items()]
    rest = len(lines) - _SHOWN
    return "; ".join([*lines[:_SHOWN], *([f"and {rest} more"] if rest > 0 else [])])


def some(names: Sequence[str]) -> str:
    """The first of many names, in quotes."""
    return errors.some([*map(repr, names)], _SHOWN)
