"""The way through a hierarchy: what is listed is read, in few rounds, and measured."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from xarray_omezarr.errors import TargetNotFoundError
from xarray_omezarr.ngff.rules.across import join
from xarray_omezarr.ngff.rules.across_plate import (
    Child,
    PlateFacts,
    check_well_against_plate,
    fields,
    plate_facts,
)
from xarray_omezarr.ngff.rules.facts import part
from xarray_omezarr.ngff.rules.finding import Finding, Strictness
from xarray_omezarr.ngff.rules.inside import inside
from xarray_omezarr.ngff.rules.report import Report
from xarray_omezarr.store.occupancy import group_inside, inspect_target
from xarray_omezarr.store.walk import Node, Walker
from xarray_omezarr.store.walk_listing import Listing, is_anything_there
from xarray_omezarr.store.walk_zip import comment_version
from xarray_omezarr.validation.children import read_children
from xarray_omezarr.validation.images import Images
from xarray_omezarr.validation.left_over import LeftOver
from xarray_omezarr.validation.notes import Notes
from xarray_omezarr.validation.others import Collections
from xarray_omezarr.validation.unlisted import note_unlisted_wells

if TYPE_CHECKING:
    from xarray_omezarr.store.target import Target

_Item = TypeVar("_Item")

# Wells whose documents are in memory at a time: what is known of them is forgotten, so
# that plates of any size are measured in the same memory.
_WELLS = 256
_IMAGES = 256


class Walk:
    """One measurement of a hierarchy.

    Parameters
    ----------
    target : Target
        Its root.
    level : Strictness
        Whose demands count.
    data : bool or "all"
        Whether chunks are decoded.
    """

    def __init__(
        self, target: Target, level: Strictness, data: bool | Literal["all"]
    ) -> None:
        self._target = target
        self._walker = Walker(target)
        self._listing = Listing(target)
        self._left_over = LeftOver(self._walker, self._listing)
        self.notes = Notes(level, self._left_over)
        self._images = Images(self._walker, self._listing, self.notes, data)
        self._others = Collections(
            self._walker, self._listing, self.notes, self._images
        )

    def report(self, known: Iterable[Finding] = ()) -> Report:
        """Measure all of it.

        Parameters
        ----------
        known : iterable of Finding
            What is known to be wrong with the file that the hierarchy is in.

        Raises
        ------
        TargetNotFoundError
            If there is nothing at all.
        OSError
            If the root cannot be read.
        """
        notes = self.notes
        if notes.is_standard:
            notes.add(known)
            notes.add(self._left_over.above())
        root = self._walker.root()
        if root.kind == "group":
            self._root(root)
        elif root.kind == "absent" and not is_anything_there(self._target):
            raise TargetNotFoundError(f"There is nothing at {self._target}")
        else:
            notes.nodes += 1
            notes.troubles("", root.troubles)
            if not root.troubles:
                what = "a Zarr array" if root.kind == "array" else "no Zarr group"
                notes.add([_no_group(what, self._inside(root))])
        target, version = str(self._target), notes.version
        about = target, version, notes.level, notes.nodes
        return Report(notes.findings, *about, skipped=self._images.skipped)

    def _inside(self, root: Node) -> str:
        """The one group in a place that is none."""
        if root.kind != "absent":
            return ""
        return group_inside(self._target, inspect_target(self._target).children)

    def _root(self, root: Node) -> None:
        notes = self.notes
        checked = notes.root(root)
        block, _ = part(root.attrs)
        if checked.kind is None and not notes.has_error(""):
            notes.add([_nothing(block)])
        self._check_comment()
        if "multiscales" in block:
            self._images.check([root], are_labels="image-label" in block)
        if "labels" in block:
            self._images.check_label_groups([(root, None)])
        if "plate" in block:
            self._plate(root)
        elif "well" in block:
            self._wells([root], None)
        self._others.check(root, block)

    def _check_comment(self) -> None:
        told = comment_version(self._target)
        if not self.notes.is_standard or told in (None, self.notes.version):
            return
        words = f"the comment of the archive tells version {told!r:.40}"
        cited = "One-file hierarchies (RFC-9): comment of the archive (SHOULD)"
        remedy = "write the archive again, with the version that it holds"
        self.notes.add([Finding("warning", "", "", words, cited, remedy=remedy)])

    def _plate(self, root: Node) -> None:
        """All wells, a part of them at a time."""
        plate = plate_facts(root.attrs)
        if self.notes.is_standard:
            self._rows(root.path, plate)
            note_unlisted_wells(self._walker, self._listing, self.notes, plate)
        for batch in _batched(plate.wells, _WELLS):
            wells = self.children(root.path, batch, "well")
            self._wells(wells, plate)

    def _rows(self, path: str, plate: PlateFacts) -> None:
        """Whether rows are groups; all of them, there are few."""
        rows = {row: at for row, at in plate.rows.items() if inside(row) is None}
        read = self._walker.read((join(path, row), "group") for row in rows)
        for row, pointer in rows.items():
            node = read[join(path, row)]
            if node.kind == "group":
                self.notes.nodes += 1
                self.notes.troubles(node.path, node.troubles)
                self.notes.same_format(node)
            else:
                self.notes.absent(path, pointer, row, node, "group of the row")

    def _wells(self, wells: Sequence[Node], plate: PlateFacts | None) -> None:
        listed: list[tuple[str, Child]] = []
        for well in wells:
            # A root has been measured.
            if well.path:
                self.notes.group(well)
            if plate is not None and self.notes.is_standard:
                self._well_of_plate(well, plate)
            listed += [(well.path, field) for field in fields(well.attrs)]
        for batch in _batched(listed, _IMAGES):
            images = self.children_of(batch, "field")
            for image in images:
                self.notes.group(image)
            self._images.check(images)

    def _well_of_plate(self, well: Node, plate: PlateFacts) -> None:
        if "well" not in part(well.attrs)[0]:
            self.notes.add([_not_a(well.path, "well")])
        found = check_well_against_plate(
            well.path, well.attrs, plate, self.notes.wanted
        )
        self.notes.add(found)

    def children(self, path: str, listed: Sequence[Child], what: str) -> list[Node]:
        """The groups that a group lists; findings for those that are not there."""
        return self.children_of([(path, child) for child in listed], what)

    def children_of(self, listed: Sequence[tuple[str, Child]], what: str) -> list[Node]:
        """The same of several groups at once."""
        return list(read_children(self._walker, self.notes, listed, what).values())


def _batched(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    rest = iter(items)
    while batch := [*islice(rest, size)]:
        yield batch


def _no_group(what: str, inside: str) -> Finding:
    remedy = "give the group that holds the OME-Zarr metadata"
    return Finding(
        "error",
        "",
        "",
        f"there is {what}, and OME-Zarr is made of groups",
        "OME-Zarr, storage: groups (MUST)",
        remedy=f"name the one inside with group={inside!r}" if inside else remedy,
    )


def _nothing(block: Mapping[str, Any]) -> Finding:
    return Finding(
        "error",
        "",
        "",
        "the group has no OME-Zarr metadata",
        "OME-Zarr, attributes: metadata of a group (MUST)",
        seen=", ".join(sorted(map(str, block))[:5])[:80],
        remedy="give the group of an image, a plate or a collection",
    )


def _not_a(path: str, what: str) -> Finding:
    return Finding(
        "error",
        path,
        "",
        f"the group is listed as a {what}, and its metadata have no {what!r}",
        f"OME-Zarr, {what} (MUST)",
        remedy=f"write the metadata of the {what}",
    )
