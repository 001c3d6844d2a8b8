"""Images of a hierarchy, many at a time: levels, parameters, label images, pixels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from xarray_omezarr.errors import some
from xarray_omezarr.ngff.rules.across import check_levels, clause, join
from xarray_omezarr.ngff.rules.across_labels import (
    Leveled,
    check_between,
    check_is_label,
    check_label_against_image,
    check_label_arrays,
)
from xarray_omezarr.ngff.rules.across_plate import Child, labels
from xarray_omezarr.ngff.rules.facts import (
    ImageFacts,
    images,
    label_values,
    part,
    source,
)
from xarray_omezarr.ngff.rules.finding import Finding, Severity
from xarray_omezarr.ngff.rules.inside import inside, resolved
from xarray_omezarr.ngff.rules.stored import Stored, stored
from xarray_omezarr.store.walk_pixels import Sampler
from xarray_omezarr.validation.children import read_children
from xarray_omezarr.validation.transforms import check_transforms
from xarray_omezarr.validation.unlisted import note_unlisted_labels

if TYPE_CHECKING:
    from xarray_omezarr.store.walk import Node, Walker, Want
    from xarray_omezarr.store.walk_listing import Listing
    from xarray_omezarr.validation.notes import Notes

_LABELS = "labels"
_DATA = "Zarr: chunks that can be decoded (MUST)"
_DATA_REMEDY = "write the pixels again, or install what decodes them"
# Groups between a list of labels and an image that are looked into.
_DEEPEST = 32
# Values without a colour that a finding names.
_SHOWN = 5


class Images:
    """Measures images and what is below them.

    Parameters
    ----------
    walker : Walker
        Reads documents.
    listing : Listing
        Tells what is there.
    notes : Notes
        Where findings go.
    data : bool or "all"
        Whether chunks are decoded.
    """

    def __init__(
        self,
        walker: Walker,
        listing: Listing,
        notes: Notes,
        data: bool | Literal["all"],
    ) -> None:
        self._walker = walker
        self._listing = listing
        self._notes = notes
        self._sampler = (
            Sampler(walker.target, everything=data == "all") if data else None
        )
        self._fields: set[str] = set()

    @property
    def skipped(self) -> int:
        """Arrays of which no chunk was decoded, as samples of others took too much."""
        return self._sampler.skipped if self._sampler else 0

    def check(
        self, nodes: Sequence[Node], *, are_labels: bool = False
    ) -> dict[str, Leveled]:
        """Measure images whose own attributes have been measured.

        Parameters
        ----------
        nodes : sequence of Node
            Groups that are listed as images.
        are_labels : bool
            Whether they are label images, which have none of their own.

        Returns
        -------
        dict
            By path: what they say and the arrays of their levels.
        """
        if self._notes.is_standard:
            nodes = [node for node in nodes if not self._notes.is_foreign(node)]
        told = {node.path: self._told(node) for node in nodes}
        read = self._walker.read(self._wanted(nodes, told, are_labels))
        found: dict[str, Leveled] = {}
        for node in nodes:
            for image in told[node.path]:
                arrays = self._levels(node.path, image, read)
                leveled = Leveled(node.path, image, arrays)
                found.setdefault(node.path, leveled)
                if self._notes.is_standard:
                    self._across(node, leveled, are_labels)
        self.check_transforms(nodes)
        self._pixels(nodes, told, read, are_labels)
        if not are_labels:
            self._labels_of(nodes, read, found)
        return found

    def check_transforms(
        self, nodes: Sequence[Node], others: Mapping[str, object] | None = None
    ) -> None:
        """Measure what transformations refer to, the images of fields as well.

        Parameters
        ----------
        nodes : sequence of Node
            Images, or a scene.
        others : mapping, optional
            Attributes of the images of the scene, by path.
        """
        if not self._notes.is_standard:
            return
        numbers = self._sampler is not None
        found: dict[str, Node] = {}
        for node in nodes:
            told = check_transforms(
                self._walker, self._notes, node, others, numbers=numbers
            )
            found |= {field.path: field for field in told}
        # Transformations of fields may lead to fields, and to where they began.
        fields = [node for path, node in found.items() if path not in self._fields]
        self._fields |= {*found}
        for field in fields:
            self._notes.group(field)
        if fields:
            self.check(fields)

    def _told(self, node: Node) -> list[ImageFacts]:
        found = images(node.attrs, self._notes.wanted)
        if not found and "multiscales" not in part(node.attrs)[0]:
            if self._notes.is_standard and not self._notes.has_error(node.path):
                self._notes.add([_no_image(node.path)])
        return found

    def _wanted(
        self,
        nodes: Sequence[Node],
        told: Mapping[str, list[ImageFacts]],
        are_labels: bool,
    ) -> Iterator[tuple[str, Want]]:
        """What is read of images: their levels, and whether they have labels."""
        for node in nodes:
            if self._notes.is_standard:
                for image in told[node.path]:
                    for level in image.levels:
                        if inside(level.path) is None:
                            yield join(node.path, level.path), "array"
            if not are_labels:
                yield join(node.path, _LABELS), "maybe"

    def _levels(
        self, path: str, image: ImageFacts, read: Mapping[str, Node]
    ) -> dict[str, Stored]:
        """The arrays of levels that are there; findings for the others."""
        notes, found = self._notes, dict[str, Stored]()
        if not notes.is_standard:
            return found
        for level in image.levels:
            if (reason := inside(level.path)) is not None:
                notes.refused(path, level.pointer, level.path, reason)
                continue
            node = read[join(path, level.path)]
            if node.kind != "array":
                notes.absent(
                    path, level.pointer, level.path, node, "array of the level"
                )
                continue
            if level.path in found:
                # Told twice, which is a fault of the attributes.
                continue
            notes.nodes += 1
            notes.troubles(node.path, node.troubles)
            notes.same_format(node)
            found[level.path] = stored(node.document, node.zarr_format)
            for words in found[level.path].problems:
                cited = "Zarr: documents of arrays (MUST)"
                remedy = "write the metadata of the array again"
                notes.add(
                    [Finding("error", node.path, "", words, cited, remedy=remedy)]
                )
        return found

    def _across(self, node: Node, image: Leveled, are_labels: bool) -> None:
        wanted = self._notes.wanted
        found = check_levels(node.path, image.image, image.arrays, wanted)
        # What the scales of the levels have told already is the same fault.
        self._notes.add(
            one
            for one in found
            if "/datasets/" not in one.pointer
            or not self._notes.has_error(one.path, _entry(one.pointer))
        )
        if are_labels:
            self._notes.add(check_label_arrays(image, node.attrs, wanted))

    def _pixels(
        self,
        nodes: Sequence[Node],
        told: Mapping[str, list[ImageFacts]],
        read: Mapping[str, Node],
        are_labels: bool,
    ) -> None:
        """Decode chunks of the levels of all images."""
        if self._sampler is None:
            return
        arrays: dict[str, tuple[Node, Node]] = {}
        for node in nodes:
            for level in (one for image in told[node.path] for one in image.levels):
                path = join(node.path, level.path)
                array = read.get(path)
                if array and array.kind == "array" and not self._notes.has_error(path):
                    arrays[path] = array, node
        looked = self._sampler.look(
            [array for array, _ in arrays.values()], values=are_labels
        )
        seen: dict[str, set[int]] = {}
        for (array, node), found in zip(arrays.values(), looked, strict=True):
            seen.setdefault(node.path, set()).update(found.values)
            for bad in found.bad:
                severity: Severity = "error" if bad.is_error else "warning"
                about = severity, array.path, "", bad.message, _DATA, bad.key
                self._notes.add([Finding(*about, _DATA_REMEDY)])
        for node in nodes if are_labels else ():
            self._colours(node, seen.get(node.path, set()))

    def _colours(self, node: Node, seen: set[int]) -> None:
        known = label_values(node.attrs)[1]
        missing = sorted(seen - known - {0}) if known else []
        if missing:
            _, above = part(node.attrs)
            words = f"pixels have values without a colour: {some([*map(str, missing)])}"
            cited = clause(
                self._notes.wanted, "image-label: a colour for each label", "warning"
            )
            pointer = f"{above}/image-label/colors"
            shown = some([*map(str, missing)], _SHOWN)
            remedy = "give each value a colour, or leave colours out"
            self._notes.add(
                [Finding("warning", node.path, pointer, words, cited, shown, remedy)]
            )

    def _labels_of(
        self,
        nodes: Sequence[Node],
        read: Mapping[str, Node],
        found: Mapping[str, Leveled],
    ) -> None:
        """The groups of label images of several images."""
        groups = []
        for node in nodes:
            group = read[join(node.path, _LABELS)]
            if group.kind in ("array", "unreadable"):
                self._notes.troubles(group.path, group.troubles)
            elif group.kind == "group":
                self._notes.group(group)
                groups.append((group, found.get(node.path)))
            elif self._notes.is_standard:
                self._hidden_labels(group.path)
        self.check_label_groups(groups)

    def _hidden_labels(self, path: str) -> None:
        names = self._listing.folders(path)
        if names:
            words = f"there is a folder with {some(names)}, and it is no Zarr group"
            cited = clause(
                self._notes.wanted, "labels: the group lists them", "warning"
            )
            remedy = "write the group labels, with the list of the label images"
            self._notes.add([Finding("warning", path, "", words, cited, "", remedy)])

    def check_label_groups(self, groups: Sequence[tuple[Node, Leveled | None]]) -> None:
        """Measure the label images that groups list.

        Parameters
        ----------
        groups : sequence of (Node, Leveled or None)
            Each with the image that the labels are of, where it is known.
        """
        listed: list[tuple[str, Child]] = []
        above: dict[str, Leveled | None] = {}
        for group, image in groups:
            children = labels(group.attrs)
            listed += [(group.path, child) for child in children]
            above |= {join(group.path, child.path): image for child in children}
            self._check_label_group(group, {child.path for child in children})
        self._check_between(listed)
        read = read_children(self._walker, self._notes, listed, "label image")
        nodes = [*read.values()]
        for node in nodes:
            self._notes.group(node)
        found = self.check(nodes, are_labels=True) if nodes else {}
        if self._notes.is_standard:
            for node in nodes:
                self._check_label(node, found.get(node.path), above[node.path])

    def _check_label_group(self, group: Node, listed: set[str]) -> None:
        if not self._notes.is_standard:
            return
        block, above = part(group.attrs)
        if "labels" not in block and not self._notes.has_error(group.path):
            words = "the group labels has no list of label images"
            cited = clause(self._notes.wanted, "labels: a list of paths", "error")
            remedy = "list the label images under labels"
            self._notes.add(
                [Finding("error", group.path, above, words, cited, "", remedy)]
            )
        note_unlisted_labels(
            self._walker, self._listing, self._notes, group.path, listed
        )

    def _check_between(self, listed: Sequence[tuple[str, Child]]) -> None:
        """Groups on the way to label images, where names have several parts."""
        if not self._notes.is_standard or self._notes.wanted.metadata_between is None:
            return
        between: dict[str, Want] = {}
        for path, child in listed:
            if inside(child.path) is None:
                for name in child.path.split("/")[:-1][:_DEEPEST]:
                    path = join(path, name)
                    between[path] = "maybe"
        for node in self._walker.read(between.items()).values():
            self._notes.add(check_between(node.path, node.attrs, self._notes.wanted))

    def _check_label(
        self, node: Node, label: Leveled | None, image: Leveled | None
    ) -> None:
        wanted = self._notes.wanted
        self._notes.add(check_is_label(node.path, node.attrs, wanted))
        if label is not None and image is not None and self._in_order(label, image):
            self._notes.add(check_label_against_image(label, image, wanted))
        told = source(node.attrs)
        if told is None or image is None:
            return
        place = resolved(node.path, told)
        if place != image.path:
            self._check_source(node, told, place)

    def _in_order(self, *images: Leveled) -> bool:
        """Whether levels are what they should be, so that they can be compared."""
        return not any(
            self._notes.has_error(image.path, pointer)
            for image in images
            for level in image.image.levels
            for pointer in (level.pointer, _entry(level.pointer))
        )

    def _check_source(self, node: Node, told: str, place: str | None) -> None:
        _, above = part(node.attrs)
        pointer = f"{above}/image-label/source/image"
        wanted = self._notes.wanted
        read = {} if place is None else self._walker.read([(place, "group")])
        other = None if place is None else read[place]
        if other is not None and "multiscales" in part(other.attrs)[0]:
            return
        words = f"the image that the labels are said to be of is not at {told!r:.80}"
        # What lies above the target is not looked at.
        severity: Severity = "warning" if place is None else "error"
        cited = clause(wanted, "image-label: source is an image", severity)
        remedy = "leave source out, or give the path of the image: ../../"
        self._notes.add(
            [Finding(severity, node.path, pointer, words, cited, told[:80], remedy)]
        )


def _entry(pointer: str) -> str:
    """The dataset that a path is of."""
    return pointer.removesuffix("/path")


def _no_image(path: str) -> Finding:
    return Finding(
        "error",
        path,
        "",
        "the group is listed as an image, and its metadata have no multiscales",
        "OME-Zarr, multiscales (MUST)",
        remedy="write the metadata of the image, or take it off the list",
    )
