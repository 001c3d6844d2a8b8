"""Which arrays are copied as bytes and which encoded anew, and what groups will say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from xarray_omezarr.conversion.asked import Asked, is_kept
from xarray_omezarr.conversion.parts import (
    check_spelling,
    with_tidy_paths,
    with_true_lists,
)
from xarray_omezarr.conversion.shaping import (
    WithAxes,
    dims_of_levels,
    inserted_axes,
    with_axes,
    with_ones,
)
from xarray_omezarr.errors import (
    LayoutError,
    MetadataError,
    NotInVersionError,
    OmeZarrError,
    raise_together,
    some,
    warn,
)
from xarray_omezarr.hierarchy import ArrayNode, Given, Hierarchy, Node
from xarray_omezarr.places import with_places
from xarray_omezarr.store.transfer import Transfer
from xarray_omezarr.store.transfer_arrays import (
    ArrayDocument,
    Copied,
    plan_copy,
    similar_codecs,
)
from xarray_omezarr.store.translated import DIMENSIONS, Untranslatable
from xarray_omezarr.write.fitting import fit
from xarray_omezarr.write.whole_channels import with_whole_channels

if TYPE_CHECKING:
    from xarray_omezarr.store.transfer_source import StoredSource

# Of arrays of others, the kinds of values that are encoded anew.
_NUMBERS = "biufc"
_SHOWN = 8


def plan(
    stored: StoredSource, asked: Asked, *, is_part: bool
) -> tuple[Hierarchy, Transfer]:
    """What the engine writes, and what is copied beside it.

    Raises
    ------
    OmeZarrError
        For all that stands in the way, nothing having been written.
    """
    version = asked.version
    whole = with_true_lists(with_tidy_paths(stored.hierarchy), is_part=is_part)
    whole = with_whole_channels(with_places(whole))
    longer = with_axes(whole, version.features.dims)
    fitted = fit(longer, version, lossy=asked.lossy)
    raise_together(check_spelling(fitted), f"Cannot convert {stored.target}")
    planner = _Planner(stored, asked, fitted)
    problems: list[OmeZarrError] = [] if asked.lossy else planner.missing()
    for path, array in stored.arrays.items():
        try:
            planner.array(path, array)
        except MetadataError as error:
            problems.append(error)
    problems += planner.left_behind()
    raise_together(problems, f"Cannot convert {stored.target}")
    limit = {} if asked.memory_limit is None else {"limit": asked.memory_limit}
    transfer = Transfer(
        stored.target, planner.copied, stored.files, stored.lists, **limit
    )
    groups: dict[str, Node] = dict(fitted.groups)
    return replace(fitted, nodes={**groups, **planner.encoded}), transfer


@dataclass(slots=True)
class _Planner:
    """Decides array by array; those that are alike are decided once."""

    stored: StoredSource
    asked: Asked
    fitted: Hierarchy
    copied: dict[str, Copied] = field(default_factory=dict)
    encoded: dict[str, ArrayNode] = field(default_factory=dict)
    left: dict[str, str] = field(default_factory=dict)
    levels: Mapping[str, tuple[tuple[str, ...], int]] = field(default_factory=dict)
    most: tuple[str, ...] = ()
    known: dict[Any, Copied | str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.levels = dims_of_levels(self.fitted)
        every = [dims for dims, _ in self.levels.values()]
        self.most = max(every, key=len, default=())

    def missing(self) -> list[OmeZarrError]:
        """Levels that images list and that are not there."""
        return [
            MetadataError(
                f"{path!r} of {self.stored.target} is listed as a level, but there is "
                "no array of that name"
            )
            for path in self.levels
            if path not in self.stored.arrays
        ]

    def array(self, path: str, array: ArrayDocument) -> None:
        """Decide on one array."""
        node = self.stored.hierarchy.nodes.get(path)
        if path not in self.levels:
            self._of_others(path, array, node)
            return
        if not isinstance(node, ArrayNode):
            raise MetadataError(
                f"Array {path!r} of {self.stored.target} cannot be read by zarr"
            )
        dims, number = self.levels[path]
        at = inserted_axes(self.stored.dims[path], dims)
        if at is None:
            raise LayoutError(
                f"Array {path!r} has the dims {self.stored.dims[path]}, and would "
                f"need {dims}"
            )
        wanted = self._longer(node, dims, at)
        may_shard = self.asked.version.features.sharding
        layout = self.asked.layout(wanted, number, self.most, may_shard=may_shard)
        if layout is None and not isinstance(self._copy(array, dims, at), str):
            self._put(path, array, dims, at)
            return
        layout = layout or wanted.layout
        if is_kept(self.asked.compression):
            layout = replace(layout, compression=self._compression(array, wanted))
        attrs = {k: v for k, v in array.attrs.items() if k != DIMENSIONS}
        self.encoded[path] = replace(wanted, layout=layout, attrs=attrs)

    def _of_others(self, path: str, array: ArrayDocument, node: Node | None) -> None:
        copied = self._copy(array, None, ())
        if not isinstance(copied, str):
            self.copied[path] = copied
            return
        if not isinstance(node, ArrayNode) or node.dtype.kind not in _NUMBERS:
            self.left[path] = copied
            return
        layout = node.layout
        if not self.asked.version.features.sharding:
            layout = replace(layout, shards=None)
        layout = replace(
            layout,
            compression=self._compression(array, node),
            fill_value=layout.fill_value or 0,
        )
        attrs = {k: v for k, v in array.attrs.items() if k != DIMENSIONS}
        self.encoded[path] = replace(node, layout=layout, attrs=attrs)

    def _longer(
        self, node: ArrayNode, dims: tuple[str, ...], at: tuple[int, ...]
    ) -> ArrayNode:
        """The array with the dims it will have."""
        layout = node.layout
        # In Zarr v2 an array may have none.
        fill_value: Any = layout.fill_value
        longer = replace(
            layout,
            fill_value=0 if fill_value is None else fill_value,
            chunks=with_ones(layout.chunks, at),
            shards=layout.shards and with_ones(layout.shards, at),
        )
        pixels = WithAxes(node.given, at, longer.chunks)
        return replace(
            node, dims=dims, shape=pixels.shape, layout=longer, source=Given(pixels)
        )

    def _copy(
        self,
        array: ArrayDocument,
        dims: tuple[str, ...] | None,
        at: tuple[int, ...],
    ) -> Copied | str:
        """How an array is copied, or why it cannot be."""
        features = self.asked.version.features
        key = (id(array), dims, at)
        if key not in self.known:
            try:
                self.known[key] = plan_copy(
                    array, features.zarr_format, features.separator, dims, at
                )
            except Untranslatable as error:
                self.known[key] = error.reason
        return self.known[key]

    def _put(
        self,
        path: str,
        array: ArrayDocument,
        dims: tuple[str, ...],
        at: tuple[int, ...],
    ) -> None:
        copied = self._copy(array, dims, at)
        assert not isinstance(copied, str)  # looked at before
        self.copied[path] = copied

    def _compression(self, array: ArrayDocument, node: ArrayNode) -> object:
        """What compresses as it is compressed; the usual where there is no such."""
        zarr_format = self.asked.version.features.zarr_format
        if array.zarr_format == zarr_format:
            return node.layout.compression
        similar = similar_codecs(array, zarr_format)
        return "auto" if similar is None else similar

    def left_behind(self) -> list[OmeZarrError]:
        """Arrays of others that cannot come along; with ``lossy=True`` a warning."""
        if not self.left:
            return []
        told = [f"{path!r} ({reason})" for path, reason in self.left.items()]
        what = f"Arrays of others at {self.stored.target} that OME-Zarr "
        name = self.asked.version.name
        if self.asked.lossy:
            warn(f"{what}{name} cannot be given are left out: {some(told, _SHOWN)}")
            return []
        return [
            NotInVersionError(
                f"{what}{name} cannot be given: {some(told, _SHOWN)}. Store them as "
                "numbers first, or give lossy=True to leave them out"
            )
        ]
