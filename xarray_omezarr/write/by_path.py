"""Images by path: found in a tree or a mapping, checked, and planned together."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

import xarray as xr

from xarray_omezarr.errors import MetadataError, OptionError, Problems
from xarray_omezarr.hierarchy import Hierarchy, natural_key
from xarray_omezarr.ngff.paths import below
from xarray_omezarr.write.image import plan_labelled
from xarray_omezarr.write.several import Said
from xarray_omezarr.write.tree import LABELS

if TYPE_CHECKING:
    from xarray_omezarr.options import WriteOptions

ImageObject: TypeAlias = xr.DataArray | xr.DataTree
Images: TypeAlias = Mapping[str, ImageObject]


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
    node: xr.DataTree,
    path: str = "",
    *,
    known: Container[str] = (),
    groups: Container[str] = (),
) -> Iterator[tuple[str, xr.DataTree]]:
    """Images at a node or below: where pixels are in it or in a child.

    Parameters
    ----------
    node : xarray.DataTree
        Where to look.
    path : str
        Its own, in front of those of the images.
    known : container of str
        Paths of images, whatever is below them.
    groups : container of str
        Paths that hold images, and are none.
    """
    if path in known:
        yield path, node
        return
    children = {n: child for n, child in node.children.items() if n != LABELS}
    holders = [node, *children.values()]
    holds_pixels = any(holder.data_vars for holder in holders) or not children
    if holds_pixels and (path not in groups or node.data_vars):
        yield path, node
        return
    for name, child in children.items():
        further = f"{path}/{name}".lstrip("/")
        yield from images_below(child, further, known=known, groups=groups)


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
    planned = {}
    for path, image in images.items():
        with said.about(path):
            planned[path] = plan_labelled(image, options, stem=path)
    said.close(problem)
    return planned
