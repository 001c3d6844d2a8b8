"""Images by path: found in a tree or a mapping, checked, and planned together."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import xarray as xr

from xarray_omezarr.errors import MetadataError, OptionError, Problems
from xarray_omezarr.hierarchy import Hierarchy, join, natural_key
from xarray_omezarr.ngff.paths import below
from xarray_omezarr.write.image import plan_labelled
from xarray_omezarr.write.several import Said
from xarray_omezarr.write.tree import LABELS

if TYPE_CHECKING:
    from xarray_omezarr.options import WriteOptions

ImageObject: TypeAlias = xr.DataArray | xr.DataTree
Images: TypeAlias = Mapping[str, ImageObject]


@dataclass(frozen=True, slots=True)
class Places:
    """What is known of paths in a tree, before it is looked through.

    Parameters
    ----------
    images : container of str
        Images, whatever is below them.
    groups : container of str
        Groups that have images below, and are none.
    others : container of str
        Neither, with all that is below.
    """

    images: Container[str] = ()
    groups: Container[str] = ()
    others: Container[str] = ()


def images_of_mapping(obj: Mapping[Any, Any], problem: str) -> dict[str, ImageObject]:
    """The images of a mapping, in its order.

    Parameters
    ----------
    obj : mapping
        DataArrays, Datasets or trees of levels by path.
    problem : str
        What cannot be done where something is wrong.

    Raises
    ------
    OptionError
        If a path is given twice, or something is no image; all of them together.
    """
    images: dict[str, ImageObject] = {}
    problems = Problems()
    for key, value in obj.items():
        with problems.collected():
            path = str(key).strip("/")
            if path in images:
                raise OptionError(
                    f"Image {path!r} is given twice, the second time as {key!r}; give "
                    "each a path of its own"
                )
            images[path] = _checked(value, key)
    problems.raise_all(problem)
    return images


def _checked(value: Any, path: Any) -> ImageObject:
    if isinstance(value, xr.Dataset):
        return xr.DataTree(dataset=value)
    if not isinstance(value, (xr.DataArray, xr.DataTree)):
        raise OptionError(
            f"{path!r}: an image is a DataArray, a Dataset or a tree of levels, not a "
            f"{type(value).__name__}; make one with xarray.DataArray(pixels, dims=...)"
        )
    return value


def images_below(
    node: xr.DataTree, path: str = "", places: Places | None = None
) -> Iterator[tuple[str, xr.DataTree]]:
    """Images at a node or below: where pixels are in it or in a child.

    Parameters
    ----------
    node : xarray.DataTree
        Where to look.
    path : str
        Its own, in front of those of the images.
    places : Places, optional
        What is known of some paths.
    """
    places = places or Places()
    if path in places.images:
        yield path, node
        return
    below = {join(path, n): node.children[n] for n in node.children if n != LABELS}
    children = {at: child for at, child in below.items() if at not in places.others}
    is_image = any(child.data_vars for child in children.values()) or not below
    if node.data_vars or (is_image and path not in places.groups):
        yield path, node
        return
    for at, child in children.items():
        yield from images_below(child, at, places)


def in_natural_order(images: Images) -> dict[str, ImageObject]:
    """The same images, 2 before 10."""
    order = sorted(images, key=lambda path: [*map(natural_key, path.split("/"))])
    return {path: images[path] for path in order}


def check_path(path: str, images: Container[str]) -> None:
    """Refuse a path that no image can have, among those of all images.

    Raises
    ------
    MetadataError
        Saying why.
    """
    try:
        below(path)
    except ValueError as error:
        raise MetadataError(f"The name of an image {error}") from None
    refuse_nested(path, images)


def refuse_nested(path: str, images: Container[str]) -> None:
    """Refuse an image inside another, whose levels and labels lie there.

    Raises
    ------
    MetadataError
        Naming both.
    """
    parts = path.split("/")
    for end in range(1, len(parts)):
        outer = "/".join(parts[:end])
        if outer in images:
            raise MetadataError(
                f"Image {path!r} lies in image {outer!r}, where the levels and labels "
                "of that one are; give it a path outside of it"
            )


def refuse_one_name(options: WriteOptions, what: str) -> None:
    """Refuse the option `name`, which names one image, where there are several.

    Raises
    ------
    OptionError
        If it is given.
    """
    if options["name"] is not None:
        raise OptionError(
            f"name is {options['name']!r}, which names one image, and {what}; name "
            "their variables, or leave it out"
        )


def plan_images(
    images: Images, options: WriteOptions, problem: str
) -> dict[str, Hierarchy]:
    """What will be stored for each image and its labels, by its path.

    Parameters
    ----------
    images : mapping
        By path, which is the name of those that have none.
    options : WriteOptions
        All of them, as they are said of each image.
    problem : str
        What cannot be done where something is wrong.

    Raises
    ------
    OmeZarrError
        All problems of all images together.
    """
    said = Said()
    planned = plan_each(images, options, said)
    said.close(problem)
    return planned


def plan_each(
    images: Images, options: WriteOptions, said: Said
) -> dict[str, Hierarchy]:
    """As `plan_images`, of those that have no problem; `said` tells of the others."""
    planned = {}
    for path, image in images.items():
        with said.about(path):
            planned[path] = plan_labelled(image, options, stem=path)
    return planned
