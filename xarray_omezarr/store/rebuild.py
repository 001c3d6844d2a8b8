"""Make the coarser levels of an image that exists, from its level 0.

Level 0 and the metadata stay readable all the time. Levels that keep their shape are
written in place; where others are needed, the metadata name level 0 alone until the
new ones are complete. What is under way is listed in an attribute, so that whoever
comes after an interruption knows which arrays are nobody's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import dask
import zarr

from xarray_omezarr.errors import Problems, TargetExistsError
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.versions.grafting import graft_levels
from xarray_omezarr.store.boxes import whole
from xarray_omezarr.store.claim_others import refuse_claimed
from xarray_omezarr.store.consolidated import places_with_copies, refresh
from xarray_omezarr.store.disk_rules import refuse_unwritable
from xarray_omezarr.store.existing import Existing, amend, plan_amendment
from xarray_omezarr.store.lock import documents_alone
from xarray_omezarr.store.nodes import new_arrays
from xarray_omezarr.store.occupancy import inspect_target
from xarray_omezarr.store.progress import Progress
from xarray_omezarr.store.protected import refuse_links
from xarray_omezarr.store.reach import Reach

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import ArrayNode, Hierarchy
    from xarray_omezarr.ngff.multiscale import Multiscale
    from xarray_omezarr.store.target import Target

#: Attribute of an image whose coarser levels are being made: their paths.
REBUILDING = "xarray_omezarr_rebuilding"


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Makes the coarser levels; travels to another process.

    Parameters
    ----------
    existing : Existing
        The image as it is.
    planned : Hierarchy
        Its levels and metadata as they will be.
    budget : int
        Bytes of pixels that may be held at once.
    progress : bool or callable
        The write option.
    write_empty_chunks : bool
        The write option.
    """

    existing: Existing
    planned: Hierarchy
    budget: int
    progress: object = False
    write_empty_chunks: bool = False

    @property
    def target(self) -> Target:
        """Where the image is."""
        return self.existing.target

    @property
    def nbytes(self) -> int:
        """Uncompressed bytes of the levels that are made."""
        return sum(node.nbytes for node in list(self.planned.arrays.values())[1:])

    def check(self) -> None:
        """Refuse, before anything is changed, paths that are taken by others.

        Raises
        ------
        TargetExistsError
            Naming them.
        NotWritableError
            If nothing may be written there.
        OptionError
            If nobody can be told the progress.
        LockedError
            If somebody is writing what is to take its place.
        """
        Progress(self.progress, 0)
        own = {*self.existing.paths, *self._left_over()}
        target = self.existing.target
        refuse_claimed(target)
        refuse_links(target, {*own, *self.planned.arrays})
        if target.directory is not None:
            levels = [target.directory / path for path in self.planned.arrays]
            refuse_unwritable([target.directory, *levels], target.uri)
        taken = [
            path
            for path in self.planned.arrays
            if path not in own and inspect_target(target.child(path)).kind != "nothing"
        ]
        if taken:
            raise TargetExistsError(
                f"{target} holds {taken}, where new levels would go, and no level of "
                "the image is there; move or delete them first"
            )

    def __call__(self) -> zarr.Group:
        """Make them; the group of the image."""
        _, *coarser = self.planned.arrays
        fresh = [path for path in coarser if not self._stays(path)]
        is_new = bool(fresh or self._gone())
        with self.existing.written(alone=is_new):
            if is_new:
                self._begin(fresh)
            return self._filled()

    def _filled(self) -> zarr.Group:
        """Fill the coarser levels, and say that they are there."""
        arrays = self.planned.arrays
        handles = self.existing.handles(
            [*arrays], write_empty_chunks=self.write_empty_chunks
        )
        box = whole(next(iter(arrays.values())).shape)
        change, reach = plan_amendment(self.existing, arrays, handles, box, self.budget)
        done: zarr.Group = amend(
            self.existing,
            change,
            None,
            reach=reach,
            compute=True,
            progress=self.progress,
            finish=self._commit,
        )
        return done

    def _image(self) -> Image:
        return self.planned.image()

    def _stays(self, path: str) -> bool:
        """Whether the array of a level is there and is what is planned."""
        if path not in self.existing.paths:
            return False
        return is_same(self.existing.hierarchy.array(path), self.planned.array(path))

    def _gone(self) -> list[str]:
        """Arrays of old levels that no picture of the image has any more."""
        _, *others = self._image().multiscales
        kept = {level.path for scale in others for level in scale.levels}
        old = {*self.existing.paths, *self._left_over()}
        return sorted(
            path for path in old if path not in kept and path not in self.planned.nodes
        )

    def _left_over(self) -> list[str]:
        """Paths that an interrupted rebuild was about to make."""
        found = self.existing.hierarchy.group("").attrs.get(REBUILDING)
        return [str(path) for path in found] if isinstance(found, list) else []

    def _begin(self, fresh: list[str]) -> None:
        """Take the levels that go out of the metadata; make the new arrays, empty."""
        image = self._image()
        level0 = image.multiscale.levels[:1]
        alone = image.multiscale.model_copy(update={"levels": level0})
        listed = sorted({*fresh, *self._gone()})
        copied = places_with_copies(self.existing.target)
        # What others correct meanwhile must not be undone.
        with documents_alone(self.existing.target):
            group = self._group()
            attrs = self._grafted(group, alone)
            group.attrs.put({**attrs, REBUILDING: listed})
        refresh(copied)
        for path in listed:
            if path in group:
                del group[path]
        for path in fresh:
            if "/" in path:
                group.require_group(path.rsplit("/", 1)[0])
        nodes = {path: self.planned.array(path) for path in fresh}
        features = self._version().features
        new_arrays(group, nodes, features.zarr_format, features.separator)

    def _commit(self) -> zarr.Group:
        copied = places_with_copies(self.existing.target)
        with documents_alone(self.existing.target):
            group = self._group()
            attrs = self._grafted(group, self._image().multiscale)
            attrs.pop(REBUILDING, None)
            if attrs != dict(group.attrs):
                group.attrs.put(attrs)
        refresh(copied)
        return self._group()

    def _grafted(self, group: zarr.Group, picture: Multiscale) -> dict[str, Any]:
        image = Image(multiscales=(picture,))
        return graft_levels(self._version(), dict(group.attrs), image)

    def _version(self) -> Any:
        return self.existing.hierarchy.version

    def _group(self) -> zarr.Group:
        target = self.existing.target
        return zarr.open_group(
            target.store,
            path=target.path,
            mode="r+",
            zarr_format=self._version().features.zarr_format,
            use_consolidated=False,
        )


def is_same(there: ArrayNode, planned: ArrayNode) -> bool:
    """Whether an array is as planned; codecs are what they are."""
    return (there.shape, there.dtype, there.layout.objects, there.layout.chunks) == (
        planned.shape,
        planned.dtype,
        planned.layout.objects,
        planned.layout.chunks,
    )


@dataclass(frozen=True, slots=True)
class Rebuilds:
    """Makes the coarser levels of many images; travels to another process.

    Parameters
    ----------
    target : Target
        The plate, well or collection that they belong to.
    parts : tuple of Rebuild
        One per image.
    progress : bool or callable
        The write option.
    """

    target: Target
    parts: tuple[Rebuild, ...]
    progress: object = False

    def check(self) -> None:
        """As `Rebuild.check`, for all images together."""
        Progress(self.progress, 0)
        problems = Problems()
        for part in self.parts:
            with problems.collected():
                part.check()
        problems.raise_all(f"The pyramids of {self.target} cannot be made")

    def __call__(self) -> zarr.Group:
        """Make them, one image after the other; the group of the whole."""
        sizes = [part.nbytes for part in self.parts]
        shown = Progress(self.progress, sum(sizes))
        report = shown.report()
        with shown:
            report.begin()
            for index, (part, nbytes) in enumerate(zip(self.parts, sizes, strict=True)):
                part()
                report(nbytes, index)
            report.end()
        return zarr.open_group(self.target.store, path=self.target.path, mode="r+")


def later(rebuild: Rebuild | Rebuilds) -> Any:
    """A Delayed that makes the levels; until it runs, nothing is touched."""
    reach = Reach.from_here(rebuild.target)
    task = dask.delayed(_in_reach, pure=False, traverse=False)
    return task(reach, dask.delayed(rebuild, pure=False, traverse=False))


def _in_reach(reach: Reach, rebuild: Rebuild | Rebuilds) -> zarr.Group:
    reach.check()
    return rebuild()
