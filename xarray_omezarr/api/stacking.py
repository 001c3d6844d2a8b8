"""A plate as one lazy Dataset: from its store, or from its tree."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

import numpy as np
import xarray as xr
from xarray.backends import BackendEntrypoint
from xarray.core import indexing

from xarray_omezarr.api.kinds import field_levels
from xarray_omezarr.errors import PlateError, Problems
from xarray_omezarr.grid.names import CHANNEL_PREFIX, VARIABLE
from xarray_omezarr.read.assembling import nothing_is_garbage
from xarray_omezarr.read.likeness import check_alike
from xarray_omezarr.read.multiscale import open_image
from xarray_omezarr.read.plate import PlateField, stacked
from xarray_omezarr.read.stacked import VariableMember
from xarray_omezarr.read.tree import OME_XML, PLATE, group_attrs
from xarray_omezarr.store.one_moment import at_one_moment
from xarray_omezarr.store.open import check_levels
from xarray_omezarr.store.open_plate import open_fields
from xarray_omezarr.store.target import StoreLike, open_target
from xarray_omezarr.write.acquisitions import known_acquisition, parse_acquisitions
from xarray_omezarr.write.plate_tree import told_acquisition

if TYPE_CHECKING:
    from xarray_omezarr.store.stored_plate import StoredPlate

_LIMITS = ("min", "max", "start", "end")


def open_plate(
    store: StoreLike,
    *,
    level: int = 0,
    acquisition: int | None = None,
    group: str | None = None,
    storage_options: Mapping[str, Any] | None = None,
    chunks: int | Literal["auto"] | Mapping[str, int] | None = None,
) -> xr.Dataset:
    """Open one resolution of all fields of a plate as one lazy Dataset.

    Only what is used of it is read. Positions along y and x (and z) count from the
    first pixel of each field; where that is on the stage is told by coordinates.

    Parameters
    ----------
    store : str, path, URL, zarr store, zarr.Group or obstore store
        Where the plate is.
    level : int, default 0
        Which resolution; 0 is the finest, -1 the coarsest.
    acquisition : int, optional
        Open the fields of this acquisition only.
    group : str, optional
        Path inside the store.
    storage_options : mapping, optional
        For URLs: passed to fsspec.
    chunks : int, "auto" or mapping, optional
        As in `xarray.open_dataset`: None does without dask, ``{}`` makes one dask
        chunk of each stored shard or chunk.

    Returns
    -------
    xarray.Dataset
        Variable ``image`` with dims ``row``, ``column``, ``field`` and those of the
        fields; rows, columns and fields that are used, in natural order. Where there
        is no field the pixels are 0 and the coordinate ``present`` is False. Along
        the first three dims there are also ``origin_y`` and ``origin_x`` (and
        ``origin_z``), the positions of the first pixels, and ``acquisition``, -1
        where none is told; also ``origin_t`` where fields begin at different times,
        which then count from there. Other coordinates are along the first three dims
        too where fields differ in them; attributes are those that no field contradicts.
        What the plate map tells of wells is along row and column.
        Label images of fields are not in it; the attribute ``label_images`` of the
        variable names them.

    Raises
    ------
    NotOmeZarrError
        If there is no plate.
    OptionError
        If the plate has no such acquisition.
    PlateError
        If fields have other shapes, types, scales or channels than the first; all of
        them are named.

    Examples
    --------
    >>> import numpy as np, xarray as xr, zarr
    >>> import xarray_omezarr as xo
    >>> store = zarr.storage.MemoryStore()
    >>> field = xr.Dataset({"image": (("y", "x"), np.ones((8, 8), "uint8"))})
    >>> plate = xr.DataTree.from_dict({"A/1/0": field, "B/2/0": field})
    >>> _ = plate.omezarr.to_plate(store)
    >>> opened = xo.open_plate(store)
    >>> opened.image.dims
    ('row', 'column', 'field', 'y', 'x')
    >>> opened.present.sel(row="A", column="2", field="0").item()
    False
    """
    plate = xr.open_dataset(
        cast("str", store),  # engines may take more than xarray says
        engine=_PlateEngine,
        level=level,
        acquisition=acquisition,
        group=group,
        storage_options=storage_options,
        chunks=chunks,
        decode_cf=False,
    )
    # xarray cuts these too, and can neither select nor group by what is not computed.
    cut = {name: c for name, c in plate.coords.items() if c.chunks is not None}
    return plate.assign_coords(
        {name: c.compute(scheduler="synchronous") for name, c in cut.items()}
    )


class _PlateEngine(BackendEntrypoint):
    """Lets xarray cut a stacked plate into chunks, as it does for files."""

    open_dataset_parameters: ClassVar[tuple[str, ...]] = (
        *("drop_variables", "level", "acquisition", "group", "storage_options"),
        *("mask_and_scale", "decode_times", "concat_characters", "decode_coords"),
        *("use_cftime", "decode_timedelta"),
    )

    def open_dataset(
        self,
        filename_or_obj: Any,
        *,
        drop_variables: str | Iterable[str] | None = None,
        level: int = 0,
        acquisition: int | None = None,
        group: str | None = None,
        storage_options: Mapping[str, Any] | None = None,
        mask_and_scale: object = None,
        decode_times: object = None,
        concat_characters: object = None,
        decode_coords: object = None,
        use_cftime: object = None,
        decode_timedelta: object = None,
    ) -> xr.Dataset:
        """The stacked plate."""
        target = open_target(
            filename_or_obj,
            group=group,
            storage_options=storage_options,
            read_only=True,
        )
        with nothing_is_garbage():
            fields = at_one_moment(
                target, lambda: open_fields(target, level, acquisition)
            )
            return _stored(fields, target.uri)


def _stored(plate: StoredPlate, source: str) -> xr.Dataset:
    likes = []
    starts: list[dict[str, Any]] = []
    for sample in plate.samples:
        image = open_image(sample.image, source)
        da = image.level(sample.number)[image.variable]
        likes.append(da)
        # Values that were kept are exact, and may be dates.
        exact = {n for n, kept in image.kept.coords.items() if kept.values is not None}
        starts.append({d: _start(da, d) for d in map(str, da.dims) if d in exact})
    # Fields that are alike have the same dims.
    dims = [tuple(map(str, da.dims)) for da in likes]
    fields = [
        PlateField(
            place=entry.place,
            pixels=plate.pixels(entry),
            like=likes[entry.sample],
            origin={
                **dict(zip(dims[entry.sample], entry.translation, strict=True)),
                **starts[entry.sample],
            },
            acquisition=entry.acquisition,
            windows=entry.windows,
        )
        for entry in plate.fields
    ]
    check_alike(_named(fields), source, "open them with xarray.open_datatree")
    attrs = group_attrs(plate.group)
    if plate.xml is not None:
        attrs[OME_XML] = plate.xml.decode("utf-8", errors="replace")
    found = stacked(fields, attrs, plate.labels)
    found.encoding["source"] = source
    return found


def _named(fields: Iterable[PlateField]) -> Iterator[tuple[str, xr.DataArray]]:
    return (("/".join(entry.place), entry.like) for entry in fields)


def stack_plate(
    tree: xr.DataTree, *, level: int = 0, acquisition: int | None = None
) -> xr.Dataset:
    """The fields of a plate that is a tree as one lazy Dataset.

    Parameters
    ----------
    tree : xarray.DataTree
        Nodes ``row/column/field``, read or made by hand, also edited ones; their
        pixels are not read.
    level : int, default 0
        Which resolution; 0 is the finest.
    acquisition : int, optional
        Take the fields of this acquisition only.

    Returns
    -------
    xarray.Dataset
        As `open_plate` gives it.

    Raises
    ------
    PlateError
        If the tree is no plate; if fields are not like the first, or what they tell
        of acquisitions cannot be understood: all are named.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> field = xr.Dataset({"image": (("y", "x"), np.ones((8, 8), "uint8"))})
    >>> plate = xr.DataTree.from_dict({"A/1/0": field, "B/10/0": field})
    >>> plate.omezarr.stack().column.values.tolist()
    ['1', '10']
    """
    check_levels([level])
    images = dict(_images(tree, level))
    runs = _acquisitions(tree, images)
    if acquisition is not None:
        images = {p: d for p, d in images.items() if runs[p] == acquisition}
    if not images:
        raise PlateError(
            f"Node {tree.path!r} has no fields"
            + ("" if acquisition is None else f" of acquisition {acquisition}")
            + "; a plate is a tree row/column/field, such as 'A/1/0'"
        )
    first = next(iter(images.values()))
    check_alike(images.items(), f"The tree {tree.path!r}", "leave them out")
    images = {
        path: da if da.dims == first.dims else da.transpose(*first.dims)
        for path, da in images.items()
    }
    chunked = any(d.chunks is not None for d in images.values())
    fields = [
        PlateField(
            place=cast("tuple[str, str, str]", tuple(path.split("/"))),
            pixels=_alone(da) if chunked else VariableMember(da.variable),
            like=da,
            origin={str(dim): _start(da, str(dim)) for dim in da.dims},
            acquisition=runs[path],
            windows=_windows(da),
        )
        for path, da in images.items()
    ]
    found = stacked(fields, tree.attrs, _labels(tree, images))
    if not chunked:
        # Read once, where all of it is used more than once.
        lazy = found[VARIABLE].variable
        lazy.data = indexing.MemoryCachedArray(indexing.CopyOnWriteArray(lazy._data))
    return found


def _images(tree: xr.DataTree, level: int) -> Iterator[tuple[str, xr.DataArray]]:
    """The chosen level of each field, by path."""
    for row in tree.children.values():
        for column in row.children.values():
            for node in column.children.values():
                levels = field_levels(node)
                path = f"{row.name}/{column.name}/{node.name}"
                if not levels:
                    raise PlateError(
                        f"Node {node.path!r} is no image: a field has a variable "
                        f"{VARIABLE!r}, or levels that have one"
                    )
                try:
                    dataset = levels[level].to_dataset()
                except IndexError:
                    raise PlateError(
                        f"Field {path!r} has {len(levels)} levels in this tree (0 is "
                        f"the finest), and level {level} was asked for"
                    ) from None
                yield path, dataset[VARIABLE]


def _labels(tree: xr.DataTree, paths: Iterable[str]) -> list[str]:
    """Names of the label images of the fields at these paths."""
    nodes = (tree[path].children.get("labels") for path in paths)
    found = [str(name) for node in nodes if node is not None for name in node.children]
    return [*dict.fromkeys(found)]


def _alone(da: xr.DataArray) -> xr.Variable:
    return da.variable.chunk() if da.chunks is None else da.variable


def _start(da: xr.DataArray, dim: str) -> Any:
    """Where a coordinate begins: a number, or a date or duration."""
    coord = da.coords.variables.get(dim)
    if coord is None or coord.dtype.kind not in "iufmM" or not coord.size:
        return 0.0
    start = coord.values[0]
    return start if coord.dtype.kind in "mM" else float(start)


def _acquisitions(
    tree: xr.DataTree, images: Mapping[str, xr.DataArray]
) -> dict[str, int | None]:
    """The acquisition of each field by path, told as for `to_plate`."""
    plate = tree.attrs.get(PLATE)
    known = parse_acquisitions(
        plate.get("acquisitions") if isinstance(plate, Mapping) else None
    )
    found: dict[str, int | None] = {}
    problems = Problems()
    for path in images:
        with problems.collected():
            said = told_acquisition(tree[path], path)
            found[path] = known_acquisition(said, known, path)
    problems.raise_all("The acquisitions of fields cannot be told")
    return found


def _windows(da: xr.DataArray) -> tuple[dict[str, float], ...]:
    """The contrast of each channel that coordinates tell."""
    known = {
        limit: np.atleast_1d(coord.values)
        for limit in _LIMITS
        if (coord := da.coords.get(f"{CHANNEL_PREFIX}window_{limit}")) is not None
    }
    if not known:
        return ()
    count = min(values.size for values in known.values())
    return tuple(
        {limit: float(values[number]) for limit, values in known.items()}
        for number in range(count)
    )
