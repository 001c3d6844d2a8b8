"""One DataArray -> the hierarchy of one multiscale image."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from xarray_omezarr._version import __version__
from xarray_omezarr.errors import (
    NotInVersionError,
    OptionError,
    Problems,
    warn,
)
from xarray_omezarr.grid.kept import KEY, encode
from xarray_omezarr.grid.model import to_level
from xarray_omezarr.grid.names import GENERIC_NAMES, is_token
from xarray_omezarr.hierarchy import (
    ArrayNode,
    Downsampled,
    Given,
    GroupNode,
    Hierarchy,
    Layout,
    Node,
    Source,
    join,
)
from xarray_omezarr.ngff.multiscale import Image, Multiscale
from xarray_omezarr.ngff.omero import Channel, Omero
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import truth
from xarray_omezarr.pixels.methods import check_method_for, method_name
from xarray_omezarr.windows import with_default_windows
from xarray_omezarr.write.channels import plan_channels
from xarray_omezarr.write.fitting import check_spelled
from xarray_omezarr.write.keeping import (
    check_attrs,
    computed_coords,
    plan_kept,
    without_systems,
)
from xarray_omezarr.write.layout import plan_chunks, plan_shards
from xarray_omezarr.write.levels import given_pyramid
from xarray_omezarr.write.pyramid import Method, Pyramid, PyramidLevel, plan_pyramid
from xarray_omezarr.write.source import pixel_unit, pixels, stored_dtype
from xarray_omezarr.write.spaced import with_systems
from xarray_omezarr.write.stage import placed
from xarray_omezarr.write.stored import store_view

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.ngff.axes import Axis
    from xarray_omezarr.ngff.versions.protocol import Version
    from xarray_omezarr.options import WriteOptions
    from xarray_omezarr.write.levels import GivenLevels
    from xarray_omezarr.write.stored import Stored

_PROBLEM = "This object cannot be written as an image"


def plan_multiscale(
    da: xr.DataArray,
    options: WriteOptions,
    stem: str | None = None,
    given: GivenLevels | None = None,
    arrays: Mapping[str, Any] | None = None,
) -> Hierarchy:
    """Everything that will be stored for `da`; nothing is computed or written.

    Parameters
    ----------
    da : xarray.DataArray
        Any dims, order and case; numpy, dask or lazily opened.
    options : WriteOptions
        All of them (see `xarray_omezarr.options.complete`).
    stem : str, optional
        Name to fall back to: the target's.
    given : GivenLevels, optional
        The coarser levels, where they are not to be made from `da`.
    arrays : mapping, optional
        Matrices, and planned fields, that transformations name, by path; over those
        that `da` was read with.

    Raises
    ------
    OmeZarrError
        One problem as itself, several as `OmeZarrErrorGroup`.
    """
    da, systems = without_systems(placed(da))
    problems = Problems()
    version = registry.get(options["version"] or registry.DEFAULT)
    attrs: dict[str, Any] = {}
    # Stands in for a type that is refused, so that nothing else is said of it.
    dtype = np.dtype(np.float64)
    with problems.collected():
        truth(options, "lossy")
    with problems.collected():
        attrs = check_attrs(options["attrs"])
    with problems.collected():
        dtype = stored_dtype(da.dtype)
    stored = None
    with problems.collected():
        stored = store_view(da, options)
    if stored is None:
        problems.raise_all(_PROBLEM)
    assert stored is not None  # else a problem was raised
    channels: tuple[Channel, ...] | None = None
    with problems.collected():
        channels = _channels(stored, options)
    nodes: dict[str, Node] = {}
    pyramid = None
    with problems.collected():
        pyramid = (
            _pyramid(stored, dtype, options)
            if given is None
            else given_pyramid(stored, given, dtype, options["irregular"])
        )
        nodes = level_nodes(stored, pyramid, dtype, version, options)
    problems.raise_all(_PROBLEM)
    assert pyramid is not None  # else a problem was raised
    name = own_name(da, options["name"], stem)
    axes = stored.axes(version.features)
    image = image_model(axes, pyramid, name, channels)
    keys = attrs.pop("ome", systems)
    spaced = with_systems(image, da, keys, options, plan_multiscale, arrays)
    image = spaced.model
    _warn_of_computed(da, image.multiscale)
    kept, beside = kept_beside(stored, options, name, version)
    nodes = {"": GroupNode(image, {**attrs, **kept}), **nodes, **beside, **spaced.nodes}
    # Breaches of the standard show when the version spells the metadata.
    shown = with_default_windows(image, dtype)
    check_spelled(shown, version)
    return Hierarchy(version, nodes)


def _warn_of_computed(da: xr.DataArray, multiscale: Multiscale) -> None:
    """Tell of coordinates that no transformation will give again."""
    known = [system.name for system in multiscale.coordinate_systems]
    if lost := computed_coords(da, known=known):
        warn(
            f"Coordinates {lost} are left out: they are computed from "
            "transformations that did not come along; give these with transforms="
        )


@dataclass(frozen=True, slots=True)
class Shrinking:
    """How an image gets coarser: its stored dims, and the factors of each level.

    Factors count pixels of level 0, by stored dim, of all levels but the first.
    """

    dims: tuple[str, ...]
    factors: list[dict[str, int]]


def shrinking(da: xr.DataArray, options: WriteOptions) -> Shrinking:
    """The factors of the levels that `plan_multiscale` plans for `da`."""
    stored = store_view(da, options)
    levels = _pyramid(stored, stored_dtype(da.dtype), options).levels
    dims = stored.grid.dims
    return Shrinking(
        dims, [dict(zip(dims, level.factors, strict=True)) for level in levels[1:]]
    )


def own_channels(da: xr.DataArray, options: WriteOptions) -> tuple[Channel, ...]:
    """The channels that coordinates of `da` tell; empty if they tell of none."""
    return _channels(store_view(da, options), options) or ()


def _channels(stored: Stored, options: WriteOptions) -> tuple[Channel, ...] | None:
    dim = stored.channel_dim
    axis = None if dim is None else stored.inspection.grid[dim]
    return plan_channels(stored.outline, axis, options["channels"])


def _pyramid(stored: Stored, dtype: np.dtype[Any], options: WriteOptions) -> Pyramid:
    grid = stored.grid

    def chunks_of(level: int, shape: tuple[int, ...]) -> tuple[int, ...]:
        chunks = options["chunks"]
        if isinstance(chunks, list) and level >= len(chunks):
            chunks = chunks[-1] if chunks else None
        return plan_chunks(
            _by_stored_dim(chunks, stored.names), grid.dims, shape, dtype, level
        )

    located = {
        name for own, name in stored.names.items() if own in stored.outline.coords
    }
    pyramid = plan_pyramid(
        grid,
        _by_stored_dim(options["scale_factors"], stored.names),
        options["method"],
        chunks_of=chunks_of,
        located=located,
    )
    if pyramid.method is not None:
        check_method_for(pyramid.method, dtype)
    return pyramid


def _by_stored_dim(option: Any, names: Mapping[str, str]) -> Any:
    """An option with mappings by own or stored dim as mappings by stored dim."""
    if isinstance(option, Mapping):
        return {names.get(dim, dim): value for dim, value in option.items()}
    if isinstance(option, (list, tuple)):
        return type(option)(_by_stored_dim(entry, names) for entry in option)
    return option


def level_nodes(
    stored: Stored,
    pyramid: Pyramid,
    dtype: np.dtype[Any],
    version: Version,
    options: WriteOptions,
) -> dict[str, Node]:
    """The arrays of the levels by path, cut and packed as the options say."""
    nodes: dict[str, Node] = {}
    shards_option = _shards_option(version, options)
    for index, level in enumerate(pyramid.levels):
        grid = level.grid
        chunks = plan_chunks(
            _by_stored_dim(options["chunks"], stored.names),
            grid.dims,
            grid.shape,
            dtype,
            index,
        )
        shards = plan_shards(
            _by_stored_dim(shards_option, stored.names),
            grid.dims,
            grid.shape,
            dtype,
            chunks,
            index,
        )
        layout = Layout(
            chunks=chunks,
            shards=shards,
            compression=options["compression"],
            fill_value=_fill_value(options["fill_value"], dtype),
            write_empty_chunks=truth(options, "write_empty_chunks"),
        )
        source = _source(level, stored, pyramid.method)
        nodes[level.path] = ArrayNode(grid.dims, grid.shape, dtype, layout, source)
    return nodes


def _source(level: PyramidLevel, stored: Stored, method: Method | None) -> Source:
    if level.given is not None:
        return Given(level.given)
    if level.parent is None or method is None:
        return Given(pixels(stored.da, stored.arrangement))
    return Downsampled(level.parent, level.step, method)


def _shards_option(version: Version, options: WriteOptions) -> Any:
    shards = options["shards"]
    if shards is None or version.features.sharding:
        return shards
    message = f"OME-Zarr {version.name} is stored in Zarr v2, which has no shards"
    if not truth(options, "lossy"):
        raise NotInVersionError(
            f"{message}, and shards is {shards!r}; leave it out, choose a later "
            "version=, or drop it with lossy=True"
        )
    warn(f"{message}; wrote chunks only")
    return None


def _fill_value(value: Any, dtype: np.dtype[Any]) -> Any:
    given = np.asarray(value)
    if given.ndim == 0 and given.dtype.kind in "biuf":
        number = given.item()
        with contextlib.suppress(FloatingPointError), np.errstate(all="raise"):
            fitting = given.astype(dtype)
            # NaN, which is no number, is the one that differs from itself.
            if fitting == number or (fitting != fitting and number != number):
                return fitting.item()
    raise OptionError(f"fill_value is {value!r}, which {dtype} cannot hold")


def image_model(
    axes: Sequence[Axis], pyramid: Pyramid, name: str | None, channels: Any
) -> Image:
    """The metadata of an image with these levels."""
    multiscale = Multiscale.of(
        axes,
        [to_level(level.grid, level.path) for level in pyramid.levels],
        name=name,
        **_making(pyramid),
    )
    omero = None if channels is None else Omero(channels=channels)
    return Image(multiscales=(multiscale,), omero=omero)


def _making(pyramid: Pyramid) -> dict[str, Any]:
    """What the metadata say of how the levels were made."""
    if pyramid.method is None:
        return {"type": pyramid.type, "metadata": pyramid.metadata}
    name = method_name(pyramid.method)
    # A function may be called like a method of ours that it is not.
    kind = "method" if isinstance(pyramid.method, str) else "function"
    return {
        "type": name,
        "metadata": {
            "method": "xarray_omezarr.pixels.downsample",
            "version": __version__,
            "kwargs": {kind: name},
        },
    }


def own_name(da: xr.DataArray, given: str | None, stem: str | None) -> str | None:
    """The multiscale's name: what was asked for, else what the object is called."""
    if given is not None:
        return given
    is_key = da.chunks is not None and da.name == getattr(da.data, "name", None)
    says_nothing = is_key or is_token(da.name) or da.name in GENERIC_NAMES
    if da.name is not None and not says_nothing:
        return str(da.name)
    long_name = da.attrs.get("long_name")
    return long_name if isinstance(long_name, str) and long_name else stem


def kept_beside(
    stored: Stored, options: WriteOptions, name: str | None, version: Version
) -> tuple[dict[str, Any], dict[str, Node]]:
    """The attribute and the nodes that keep what the standard has no place for."""
    kept = plan_kept(
        stored.outline,
        names=stored.names,
        exact=stored.inspection.exact,
        channel_dim=stored.channel_dim,
        grid=stored.inspection.grid,
        features=version.features,
    )
    unit = pixel_unit(stored.da)
    if unit is not None:
        kept = replace(kept, attrs={"units": unit, **kept.attrs})
    if options["name"] is not None or kept.attrs.get("long_name") == name:
        # The image's name comes back as it: the one that was asked for, not the
        # object's.
        attrs = {k: v for k, v in kept.attrs.items() if k != "long_name"}
        kept = replace(kept, attrs=attrs)
    encoded, arrays = encode(kept)
    if not (kept.attrs or kept.coords):
        return {}, {}
    nodes: dict[str, Node] = {KEY: GroupNode()} if arrays else {}
    for key, values in arrays.items():
        dims = tuple(f"{key}_{axis}" for axis in range(values.ndim))
        nodes[join(KEY, key)] = ArrayNode(
            dims, values.shape, values.dtype, Layout(values.shape), Given(values)
        )
    return {KEY: encoded}, nodes
