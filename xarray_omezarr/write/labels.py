"""One label image, planned on the grid of its image."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xarray_omezarr.errors import (
    DataTypeError,
    OptionError,
    Problems,
    warn,
)
from xarray_omezarr.grid.names import CHANNEL_PREFIX, LEVELS_KEY, VARIABLE
from xarray_omezarr.hierarchy import GroupNode, Hierarchy, Node
from xarray_omezarr.ngff.labels import LabelImage, LabelsGroup
from xarray_omezarr.ngff.paths import DOCUMENTS
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import WriteOptions, truth
from xarray_omezarr.pixels.methods import check_method, method_name
from xarray_omezarr.write.fitting import check_spelled
from xarray_omezarr.write.keeping import (
    check_attrs,
    plain_attrs,
    without_systems,
)
from xarray_omezarr.write.label_levels import given_levels, label_view, made_levels
from xarray_omezarr.write.label_values import KEY, plan_meaning
from xarray_omezarr.write.levels import GivenLevels, named
from xarray_omezarr.write.multiscale import (
    image_model,
    kept_beside,
    level_nodes,
    own_name,
    plan_multiscale,
)
from xarray_omezarr.write.number_nodes import number_nodes
from xarray_omezarr.write.spaced import with_systems
from xarray_omezarr.write.stage import placed
from xarray_omezarr.write.tree import (
    numbers_of,
    stored_levels,
    tree_levels,
    tree_numbers,
    with_new_paths,
)

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import Model
    from xarray_omezarr.ngff.labels import ImageLabel
    from xarray_omezarr.pixels.methods import Method
    from xarray_omezarr.write.label_frame import Frame

#: Variable of the levels of a label image that was read.
LABEL_VARIABLE = "labels"

# Methods that make no value which was not there.
_OLD_VALUES = ("mode", "nearest", "max", "min")

# What one of the common disks, or a path in a URL, cannot hold as it is.
_UNSAFE = re.compile(r'[\\/<>:"|?*#%\x00-\x1f\x7f]')


@dataclass(frozen=True, slots=True)
class _Label:
    """A label image as it was given.

    Parameters
    ----------
    da : xarray.DataArray
        Level 0.
    given : GivenLevels, optional
        The other levels, where they are not to be made.
    attrs : mapping
        Attributes of its group.
    meaning : object
        Its attribute ``image-label``.
    told : str, optional
        The method that made its levels in the store that it was read from.
    """

    da: xr.DataArray
    given: GivenLevels | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)
    meaning: Any = None
    told: str | None = None


def check_label_names(
    names: Collection[Any], frame: Frame, others: Collection[str] = ()
) -> None:
    """Refuse names that cannot stand beside the image, in a store or in a Dataset.

    Parameters
    ----------
    names : collection
        Of new label images.
    frame : Frame
        Of their image.
    others : collection of str
        Of label images that are there already.

    Raises
    ------
    OptionError
        For all of them together; each says what to do.
    """
    problems = Problems()
    known = {name.lower(): name for name in others}
    for name in names:
        with problems.collected():
            _check_name(name, frame)
            near = known.setdefault(name.lower(), name)
            if near != name:
                raise OptionError(
                    f"Labels {near!r} and {name!r} differ by case alone, which many "
                    "disks do not tell apart; rename one of them"
                )
    problems.raise_all("Names of label images cannot be used")


def _check_name(name: Any, frame: Frame) -> None:
    if not isinstance(name, str) or not name:
        raise OptionError(f"A label is called {name!r}; give a name, as text")
    if _UNSAFE.search(name) or name != name.strip(" "):
        raise OptionError(
            f"A label is called {name!r}; its name is that of a folder, so leave out "
            '/ \\ < > : " | ? * # % and spaces at the ends'
        )
    if name.startswith(("__", ".")) or name.endswith(".") or name in DOCUMENTS:
        raise OptionError(
            f"A label is called {name!r}; Zarr keeps names that begin with a dot or "
            "two underscores, and disks drop a dot at the end: choose another"
        )
    if name == VARIABLE or name in frame.dims or name.startswith(CHANNEL_PREFIX):
        raise OptionError(
            f"A label is called {name!r}, which means something else in the image that "
            f"is read: {VARIABLE!r}, its dims {frame.dims} and names that begin with "
            f"{CHANNEL_PREFIX!r} are taken; choose another"
        )


def plan_label(
    name: str,
    obj: xr.DataArray | xr.DataTree,
    frame: Frame,
    options: WriteOptions,
    *,
    follows: bool = False,
    colors: Any = None,
    properties: Any = None,
    source: str | None = None,
) -> Hierarchy:
    """Everything that will be stored for one label image; nothing is computed.

    Parameters
    ----------
    name : str
        Of the label image.
    obj : xarray.DataArray or xarray.DataTree
        Integers or booleans on the grid of the image, which may lack dims of it; a
        tree holds them as a variable, or as one level for each of the image.
    frame : Frame
        Of the image.
    options : WriteOptions
        All of them.
    follows : bool
        Whether the options are those of the image: layout and method then follow it
        as far as they fit.
    colors, properties, source : optional
        See `plan_meaning`; over what the object says.

    Raises
    ------
    OmeZarrError
        All problems together, each naming the label image.
    """
    problems = Problems()
    hierarchy = None
    with problems.collected(), named(f"Label {name!r}"):
        hierarchy = _planned(
            name, obj, frame, options, follows, (colors, properties, source)
        )
    problems.raise_all(f"Label {name!r} cannot be written")
    assert hierarchy is not None  # else a problem was raised
    return hierarchy


def _planned(
    name: str,
    obj: xr.DataArray | xr.DataTree,
    frame: Frame,
    options: WriteOptions,
    follows: bool,
    said: tuple[Any, Any, Any],
) -> Hierarchy:
    problems = Problems()
    label, systems = _opened(obj, name)
    version = registry.get(options["version"] or registry.DEFAULT)
    dtype = np.dtype(np.uint8)
    method: Method = "mode"
    with problems.collected():
        dtype = label_dtype(label.da.dtype)
    with problems.collected():
        method = _method(options["method"], label.told, follows=follows)
    meaning: ImageLabel | None = None
    with problems.collected():
        meaning = plan_meaning(label.meaning, *said)
    chosen = _options(options, follows=follows)
    attrs: dict[str, Any] = {}
    with problems.collected():
        truth(chosen, "lossy")
        attrs = {**plain_attrs(label.attrs), **check_attrs(chosen["attrs"])}
    nodes: dict[str, Node] = {}
    with problems.collected():
        stored = label_view(label.da, frame, chosen)
        pyramid = (
            made_levels(stored, frame, method)
            if label.given is None
            else given_levels(stored, frame, label.given, dtype)
        )
        if follows:
            chosen.update(_layout(stored.grid.dims, frame))
        nodes = level_nodes(stored, pyramid, dtype, version, chosen)
        title = own_name(label.da, None, name)
        image = image_model(stored.axes(version.features), pyramid, title, None)
        kept, beside = kept_beside(stored, chosen, title, version)
    problems.raise_all(f"Label {name!r} cannot be written")
    model = LabelImage(multiscales=image.multiscales, image_label=meaning)
    arrays = {}
    if isinstance(obj, xr.DataTree):
        arrays = tree_numbers(number_nodes(obj), chosen)
    keys = attrs.pop("ome", systems)
    spaced = with_systems(model, label.da, keys, chosen, plan_multiscale, arrays)
    root = GroupNode(spaced.model, {**attrs, **kept})
    nodes = {"": root, **nodes, **beside, **spaced.nodes}
    # Breaches of the standard show when the version spells the metadata.
    check_spelled(spaced.model, version)
    if dtype.itemsize == 8:
        warn(
            f"Label {name!r} is {dtype}, and many viewers show no labels of 64 bit; "
            f"convert it, e.g. with .astype('uint32')"
        )
    return Hierarchy(version, nodes)


def label_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The type in which labels of `dtype` are stored.

    Raises
    ------
    DataTypeError
        If they are neither integers nor booleans.
    """
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind in "iu":
        return dtype.newbyteorder("=")
    remedy = ".fillna(0).astype('uint32')" if dtype.kind == "f" else ".astype('uint32')"
    raise DataTypeError(
        f"its values are {dtype}, and labels are integers: the names of things, which "
        f"cannot be averaged. Convert them, e.g. with {remedy}"
    )


def _opened(obj: Any, name: str) -> tuple[_Label, Any]:
    """The label image, and coordinate systems that an array brings along."""
    if isinstance(obj, xr.DataTree):
        label = _from_tree(obj)
    elif isinstance(obj, xr.DataArray):
        label = _Label(placed(obj), meaning=obj.attrs.get(KEY))
    else:
        raise OptionError(
            f"it is a {type(obj).__module__}.{type(obj).__qualname__}; give a "
            "DataArray, or a DataTree of levels"
        )
    da, systems = without_systems(label.da)
    da = da.copy(deep=False)
    da.attrs = {key: value for key, value in da.attrs.items() if key != KEY}
    if da.name == name:
        # A Dataset calls it after its place; its own name is the long one.
        da.name = None
    return replace(label, da=da), systems


def _from_tree(tree: xr.DataTree) -> _Label:
    levels = tree_levels(tree, None, LABEL_VARIABLE)
    finest = levels[0].da
    attrs = {str(key): value for key, value in tree.attrs.items() if key != KEY}
    meaning = tree.attrs.get(KEY, finest.attrs.get(KEY))
    known = stored_levels(levels)
    told = None if known is None else known["type"]
    bare = _Label(finest, attrs=attrs, meaning=meaning, told=told)
    if known is not None and known["opened"] == numbers_of(levels):
        if len(known["factors"]) > len(levels):
            _check_has_finest(finest, known["opened"])
            return bare
        metadata = known["metadata"]
    else:
        told, metadata = None, None
    if len(levels) == 1:
        return bare
    return replace(
        bare,
        attrs=with_new_paths(attrs, levels, tree.path),
        given=GivenLevels(tuple(levels[1:]), told, metadata),
    )


def _check_has_finest(finest: xr.DataArray, opened: Sequence[int]) -> None:
    if finest.encoding[LEVELS_KEY]["number"] != 0:
        raise OptionError(
            f"of its levels {[*opened]} were opened, and the others are made from "
            "level 0, which is missing; open it with levels=None"
        )


def _method(asked: Any, told: str | None, *, follows: bool) -> Method:
    """Who makes coarser levels: never a value that was not there."""
    if isinstance(asked, str) and asked in ("mode", "nearest"):
        return asked
    if follows or (isinstance(asked, str) and asked == "auto"):
        return told if told in ("mode", "nearest") else "mode"
    check_method(asked)
    if isinstance(asked, str) and asked not in _OLD_VALUES:
        raise OptionError(
            f"method is {method_name(asked)!r}, which makes values that no pixel had, "
            f"and values of labels are names; choose one of {_OLD_VALUES}"
        )
    method: Method = asked
    return method


def _options(options: WriteOptions, *, follows: bool) -> WriteOptions:
    """The options of a label image."""
    chosen = WriteOptions(**options)
    chosen["name"] = None
    if follows:
        own = WriteOptions(dims=None, attrs=None, fill_value=0, channels=None)
        chosen.update(own)
        # They lead from the system of the image, where the label image lies as well.
        chosen["transforms"] = None
    elif options["channels"] is not None:
        raise OptionError("channels are given, and labels have none; leave them out")
    elif not isinstance(options["scale_factors"], str) or options["name"] is not None:
        raise OptionError(
            "a label image has the levels of its image and is called by its place; "
            "leave scale_factors and name out"
        )
    return chosen


def _layout(dims: tuple[str, ...], frame: Frame) -> WriteOptions:
    """Chunks and shards of all levels as those of the image."""
    chunks, shards = [], []
    for node in frame.nodes:
        cut = dict(zip(node.dims, node.layout.chunks, strict=True))
        chunks.append(tuple(cut[dim] for dim in dims))
        packed = node.layout.shards
        if packed is not None:
            pack = dict(zip(node.dims, packed, strict=True))
            shards.append(tuple(pack[dim] for dim in dims))
    return WriteOptions(chunks=chunks, shards=shards or None)


@dataclass(frozen=True, slots=True)
class Listed:
    """Lists label images beside those that a group of labels has; none twice.

    Parameters
    ----------
    names : tuple of str
        Of the new label images.
    """

    names: tuple[str, ...]

    def __call__(self, model: Model | None) -> Model:
        """The group with these names at the end."""
        if not isinstance(model, LabelsGroup):
            return LabelsGroup(labels=self.names)
        names = tuple(dict.fromkeys([*model.labels, *self.names]))
        return model.model_copy(update={"labels": names})
