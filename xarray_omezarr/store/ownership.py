"""What in a group belongs to the OME-Zarr there, and goes with it when it is replaced.

A plate holds thousands of groups, each of which others may have put a table or a
note into; those are found, wherever they are, before anything is removed.
"""

from __future__ import annotations

import asyncio
import json
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import LocalStore

from xarray_omezarr.errors import OmeZarrError, OmeZarrWarning
from xarray_omezarr.grid import kept
from xarray_omezarr.hierarchy import join, natural_order
from xarray_omezarr.ngff.bioformats2raw import Bioformats2Raw, Series
from xarray_omezarr.ngff.labels import LabelImage, LabelsGroup
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.named import named, within
from xarray_omezarr.ngff.plate import Plate, Well
from xarray_omezarr.ngff.scene import Scene
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.store.in_flight import each
from xarray_omezarr.store.occupancy import METADATA, UNFINISHED, is_litter

if TYPE_CHECKING:
    from zarr.abc.store import Store

    from xarray_omezarr.hierarchy import Model
    from xarray_omezarr.ngff.transforms import Transformation
    from xarray_omezarr.store.occupancy import Occupancy
    from xarray_omezarr.store.target import Target

# Groups that are looked into at the same time.
_IN_FLIGHT = 64

# What rows, columns and fields are called.
_USUAL_NAME = re.compile(r"[A-Za-z]{1,2}|[0-9]{1,4}")

_LABELS, _OME, _XML = "labels", "OME", "METADATA.ome.xml"


@dataclass(frozen=True, slots=True)
class Contents:
    """What is below a group.

    Parameters
    ----------
    strangers : tuple of str
        Paths of what does not belong to the OME-Zarr, in natural order.
    labels : tuple of str
        Paths of the label images in it.
    members : tuple of str
        Paths of the fields of a plate, the series of a collection, or the images of a
        scene.
    model : Model, optional
        What the group says it is.
    """

    strangers: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    model: Model | None = None

    def is_replaced_by(self, model: Model | None) -> bool:
        """Whether what says `model` of itself is of the same kind."""
        if isinstance(self.model, Image):
            # A label image may say nothing of being one; none becomes something else.
            kind = LabelImage if isinstance(self.model, LabelImage) else Image
            return isinstance(model, kind)
        return self.model is None or type(self.model) is type(model)


def contents_of(target: Target, occupancy: Occupancy) -> Contents:
    """What is below the group at `target`.

    Where it cannot be told what the group is, nothing in it is known to be ours.
    """
    if occupancy.kind != "group" or occupancy.is_free:
        return Contents()
    walk = _Walk(target.store, target.path)
    attrs = dict(occupancy.attrs or {})
    with warnings.catch_warnings():
        # What is removed need not be right.
        warnings.simplefilter("ignore", OmeZarrWarning)
        model = _model(attrs)
        sync(walk.group("", model, attrs))
    return Contents(
        tuple(sorted(walk.strangers, key=natural_order)),
        tuple(sorted(walk.labels, key=natural_order)),
        tuple(sorted(walk.members, key=natural_order)),
        model,
    )


@dataclass(slots=True)
class _Walk:
    store: Store
    root: str
    strangers: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    members: list[str] = field(default_factory=list)
    room: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(_IN_FLIGHT)
    )

    async def group(
        self,
        path: str,
        model: Model | None,
        attrs: Mapping[str, Any],
        more: Iterable[str] = (),
    ) -> None:
        """Look into a group with metadata, or into one that should have some.

        A scene may keep numbers of its transformations, at the paths `more`, in an
        image.
        """
        names = await self._names(path)
        match model:
            case Image():
                await self._image(path, model, attrs, names, more)
            case Scene():
                await self._placed(path, names, _paths_of(model))
            case Plate():
                rows = _firsts(well.path for well in model.wells)
                own = await self._own(path, names, [*rows, _OME])
                wells = {well.path for well in model.wells}

                async def look(name: str) -> None:
                    if name == _OME:
                        await self._ome(path)
                    else:
                        await self._row(path, name, wells)

                await each(look, own, nullcontext)
            case Well():
                fields = await self._own(path, names, [f.path for f in model.images])
                await self._below(path, fields)
            case Bioformats2Raw():
                series = await self._series(path, names)
                own = await self._own(path, names, [*series, _OME])
                await self._below(path, [name for name in own if name != _OME])
                if _OME in own:
                    await self._ome(path)
            case LabelsGroup():
                await self._labels(path, names, model.labels)
            case _:
                await self._strange(path, names)

    async def _image(
        self,
        path: str,
        image: Image,
        attrs: Mapping[str, Any],
        names: list[str],
        more: Iterable[str],
    ) -> None:
        levels = _firsts(
            level.path for scale in image.multiscales for level in scale.levels
        )
        beside = [kept.KEY] if kept.is_kept(attrs.get(kept.KEY)) else []
        numbers = [*_numbers_of(image), *more]
        expected = [*levels, _LABELS, *beside, *_firsts(numbers)]
        own = await self._own(path, names, expected)
        await self._placed(path, [n for n in _firsts(numbers) if n in own], numbers)
        if _LABELS in own:
            below = join(path, _LABELS)
            model = _model(await self._attrs(below))
            listed = model.labels if isinstance(model, LabelsGroup) else ()
            await self._labels(below, await self._names(below), listed)

    async def _placed(self, path: str, names: list[str], paths: Iterable[str]) -> None:
        """Images, matrices and fields at paths below a group, and nothing else."""
        below: dict[str, list[str]] = {}
        for told in paths:
            first, _, rest = told.partition("/")
            below.setdefault(first, []).append(rest)

        async def look(name: str) -> None:
            here, rests = join(path, name), [rest for rest in below[name] if rest]
            if len(rests) == len(below[name]):
                await self._placed(here, await self._names(here), rests)
                return
            attrs = await self._attrs(here)
            model = _model(attrs)
            if isinstance(model, Image):
                self.members.append(here)
                await self.group(here, model, attrs, rests)

        own = await self._own(path, names, below)
        await each(look, own, nullcontext)

    async def _labels(self, path: str, names: list[str], listed: Iterable[str]) -> None:
        """Label images, whether listed or not; nothing else belongs there."""

        async def look(name: str) -> None:
            below = join(path, name)
            attrs = await self._attrs(below)
            model = _model(attrs)
            if isinstance(model, Image):
                self.labels.append(below)
                await self.group(below, model, attrs)
            elif name not in _firsts(listed):
                await self._strange(path, [name])

        await each(look, names, nullcontext)

    async def _row(self, path: str, row: str, wells: set[str]) -> None:
        below = join(path, row)
        # Paths come from a file: they need not have the names of a row and a column.
        pairs = [well.partition("/") for well in wells]
        columns = _firsts(rest for name, _, rest in pairs if name == row and rest)
        own = await self._own(below, await self._names(below), columns)
        await self._below(below, own)

    async def _series(self, path: str, names: list[str]) -> list[str]:
        """Names of the series of a collection: listed, else numbered."""
        model = _model(await self._attrs(join(path, _OME)))
        if isinstance(model, Series):
            return _firsts(model.series)
        return [name for name in names if name.isdecimal()]

    async def _ome(self, path: str) -> None:
        below = join(path, _OME)
        await self._own(below, await self._names(below), [_XML])

    async def _below(self, path: str, names: Iterable[str]) -> None:
        async def look(name: str) -> None:
            below = join(path, name)
            attrs = await self._attrs(below)
            model = _model(attrs)
            if isinstance(model, Image):
                self.members.append(below)
            await self.group(below, model, attrs)

        await each(look, names, nullcontext)

    async def _own(
        self, path: str, names: list[str], expected: Iterable[str]
    ) -> list[str]:
        """Those of the names that are expected; the others are strangers."""
        known = set(expected)
        await self._strange(path, [name for name in names if name not in known])
        return [name for name in names if name in known]

    async def _strange(self, path: str, names: Iterable[str]) -> None:
        for name in names:
            below = join(path, name)
            if not await self._is_left_over(below):
                self.strangers.append(below)

    async def _is_left_over(self, path: str) -> bool:
        """Whether it is of a write that failed: an unfinished image, or an empty well.

        Other groups may be empty and mean something to somebody.
        """
        members = await self._document(path)
        if members is None or members.get("node_type", "group") != "group":
            return False
        attrs = members.get("attributes")
        if attrs:
            return isinstance(attrs, dict) and UNFINISHED in attrs
        if _USUAL_NAME.fullmatch(path.rsplit("/", 1)[-1]) is None:
            return False
        below = [join(path, name) for name in await self._names(path)]
        return all([await self._is_left_over(child) for child in below])

    async def _names(self, path: str) -> list[str]:
        async with self.room:
            listed = self.store.list_dir(join(self.root, path))
            names = {name.strip("/") async for name in listed}
        return sorted(name for name in names - METADATA if not is_litter(name))

    async def _attrs(self, path: str) -> dict[str, Any]:
        members = await self._document(path) or {}
        attrs = members.get("attributes")
        return attrs if isinstance(attrs, dict) else {}

    async def _document(self, path: str) -> dict[str, Any] | None:
        """The metadata of a node as Zarr v3 has them; None where there are none."""
        if (members := await self._json(path, "zarr.json")) is not None:
            return members
        attrs = await self._json(path, ".zattrs") or {}
        for name, kind in ((".zgroup", "group"), (".zarray", "array")):
            if await self._json(path, name) is not None:
                return {"node_type": kind, "attributes": attrs}
        return None

    async def _json(self, path: str, name: str) -> dict[str, Any] | None:
        key = join(self.root, path, name)
        if isinstance(self.store, LocalStore):
            document = self.store.root / key
            # A pipe would keep whoever opens it waiting.
            if document.exists() and not document.is_file():
                return {"node_type": "unknown"}
        async with self.room:
            found = await self.store.get(key, default_buffer_prototype())
        return None if found is None else _members(found.to_bytes())


def _members(document: bytes) -> dict[str, Any]:
    """Members of a JSON object; nothing can be told of what is broken."""
    try:
        return dict(json.loads(document))
    except (TypeError, ValueError, RecursionError):
        return {"node_type": "unknown"}


def _model(attrs: Mapping[str, Any]) -> Model | None:
    """What the attributes say; None where they cannot be understood."""
    try:
        version = registry.detect(attrs)
        return None if version is None else version.from_attrs(attrs)
    except OmeZarrError:
        return None


def _paths_of(scene: Scene) -> Iterator[str]:
    """Paths of the images of a scene, and of the numbers of its transformations."""
    for way in scene.coordinate_transformations:
        for end in (way.input, way.output):
            if end is not None and end.path:
                # A label image lies in its image.
                yield end.path.strip("/").partition(f"/{_LABELS}/")[0]
        yield from _stored(way)


def _numbers_of(image: Image) -> Iterator[str]:
    for picture in image.multiscales:
        for way in picture.between_systems:
            yield from _stored(way)


def _stored(way: Transformation) -> Iterator[str]:
    """Paths of the matrices and fields of a transformation, as far as they lie here."""
    for one in named(way):
        with suppress(ValueError):
            yield within(one.path)


def _firsts(paths: Iterable[str]) -> list[str]:
    """The first parts of paths, each once."""
    return list(dict.fromkeys(path.split("/", 1)[0] for path in paths))
