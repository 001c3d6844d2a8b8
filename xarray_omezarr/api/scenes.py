"""Write images that share a space as a scene."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, Unpack, overload

from xarray_omezarr.api.checking import check_new
from xarray_omezarr.api.writing import fit_planned, refuse_amending, write_planned
from xarray_omezarr.errors import OptionError
from xarray_omezarr.options import WriteOptions, complete, shows_write_options
from xarray_omezarr.store.create import check_arrays
from xarray_omezarr.write.scene import plan_scene as plan_images
from xarray_omezarr.write.templates import refuse_templates

if TYPE_CHECKING:
    import xarray as xr
    from dask.delayed import Delayed

    from xarray_omezarr.hierarchy import Hierarchy
    from xarray_omezarr.store.target import Group, StoreLike

    Images: TypeAlias = xr.DataTree | Mapping[Any, Any]

_INSTEAD = (
    "open the scene as a tree, change that, and write it to another place, or here "
    "with mode='w'"
)


@overload
def write_scene(
    tree: Images,
    store: StoreLike,
    *,
    compute: Literal[True] = True,
    **options: Unpack[WriteOptions],
) -> Group: ...
@overload
def write_scene(
    tree: Images,
    store: StoreLike,
    *,
    compute: Literal[False],
    **options: Unpack[WriteOptions],
) -> Delayed: ...
@overload
def write_scene(
    tree: Images,
    store: StoreLike,
    *,
    compute: bool,
    **options: Unpack[WriteOptions],
) -> Group | Delayed: ...
@shows_write_options
def write_scene(
    tree: Images,
    store: StoreLike,
    *,
    compute: bool = True,
    **options: Unpack[WriteOptions],
) -> Group | Delayed:
    """Write images that share a space, with the transformations between them.

    The images may differ in dims, sizes, types and channels. What is wrong with any of
    them, and with what transformations say of them, is said at once, before the first
    byte; the metadata of the scene come last.

    Parameters
    ----------
    tree : xarray.DataTree or mapping
        Nodes at any depth are the images: a variable, a pyramid of level children,
        with label images under ``labels`` if need be; or images (DataArray, Dataset
        or tree) by path. An image without a name is called by its path.
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the scene goes.
    compute : bool, default True
        False returns a ``dask.delayed.Delayed`` that writes pixels and metadata.
    **options

    Returns
    -------
    zarr.Group or dask.delayed.Delayed
        The group of the scene.

    Raises
    ------
    OmeZarrError
        Of the kind that fits, all before the first byte; several problems come
        together as an `OmeZarrErrorGroup`.
    TypeError
        For an option that does not exist.

    Notes
    -----
    ``transforms`` is the scene: ``coordinateSystems`` are its own, such as ``world``,
    the first being the one to show it in; ``coordinateTransformations`` lead from
    positions in one system to those in another. Each has both ends, ``{"name":
    "world"}`` for a system of the scene, ``{"path": "tile_0", "name": "physical"}``
    for that of an image. Vectors have an entry per axis of the image, in their stored
    order (t, c, z, y, x). Paths of matrices and fields count from the scene; the
    numbers are under ``arrays``. A tree that was read from a scene keeps all of it, and
    needs no ``transforms``. `version` None is the first that has scenes.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> um = {"y": "um", "x": "um"}
    >>> tile = xr.DataArray(np.zeros((64, 64), "uint8"), dims=("y", "x"))
    >>> tile = tile.omezarr.assign_grid(scale={"y": 0.5, "x": 0.5}, units=um)
    >>> axes = [
    ...     {"name": name, "type": "space", "unit": "micrometer"} for name in "yx"
    ... ]
    >>> stage = {"tile_0": [0, 0], "tile_1": [0, 30]}
    >>> group = xo.write_scene(
    ...     dict.fromkeys(stage, tile),
    ...     zarr.storage.MemoryStore(),
    ...     transforms={
    ...         "coordinateSystems": [{"name": "world", "axes": axes}],
    ...         "coordinateTransformations": [
    ...             {
    ...                 "type": "translation",
    ...                 "translation": position,
    ...                 "input": {"path": path, "name": "physical"},
    ...                 "output": {"name": "world"},
    ...             }
    ...             for path, position in stage.items()
    ...         ],
    ...     },
    ... )
    >>> sorted(group.keys()), sorted(group.attrs["ome"])
    (['tile_0', 'tile_1'], ['scene', 'version'])
    """
    full = _complete(options, write_scene)

    def plan(stem: str | None) -> Hierarchy:
        hierarchy = plan_images(tree, full)
        refuse_templates(hierarchy)
        return hierarchy

    return write_planned(plan, store, full, compute=compute)


@shows_write_options
def plan_scene(tree: Images, **options: Unpack[WriteOptions]) -> Hierarchy:
    """What `write_scene` would write, as a value that prints as a tree.

    Parameters
    ----------
    tree : xarray.DataTree or mapping
        As for `write_scene`.
    **options

    Returns
    -------
    Hierarchy
        Every group and array; nothing is computed or touched.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((64, 64), "uint8"), dims=("y", "x"))
    >>> moved = {
    ...     "type": "translation",
    ...     "translation": [0, 50],
    ...     "input": {"path": "right", "name": "physical"},
    ...     "output": {"path": "left", "name": "physical"},
    ... }
    >>> scene = {"coordinateTransformations": [moved]}
    >>> xo.plan_scene({"left": da, "right": da}, transforms=scene)
    <Hierarchy OME-Zarr 0.6, 2 arrays, 8.0 KiB uncompressed>
    /  scene, 1 transformation
        left  image 'left', axes yx, 1 level
            0  (y: 64, x: 64) uint8, chunks (64, 64), 4.0 KiB
        right  image 'right', axes yx, 1 level
            0  (y: 64, x: 64) uint8, chunks (64, 64), 4.0 KiB
    """
    full = _complete(options, plan_scene)
    check_new(full)
    hierarchy = fit_planned(plan_images(tree, full), full)
    check_arrays(hierarchy)
    return hierarchy


def _complete(options: WriteOptions, verb: Any) -> WriteOptions:
    full = complete(options, verb)
    refuse_amending(full, _INSTEAD)
    if full["mode"] == "a":
        raise OptionError(
            "mode is 'a', and a scene is written as a whole, as its transformations "
            f"join all of its images; {_INSTEAD}"
        )
    return full
