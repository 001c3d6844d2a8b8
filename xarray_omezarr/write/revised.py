"""Attributes of images that stand -> those of corrected ones, all of a store."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import (
    MetadataError,
    NotInVersionError,
    OmeZarrError,
    OmeZarrWarning,
    OptionError,
    raise_together,
    some,
    warn,
)
from xarray_omezarr.grid.kept_corrected import KeptChange, correct_kept, kept_units
from xarray_omezarr.hierarchy import GroupNode, Hierarchy, join
from xarray_omezarr.ngff.bioformats2raw import Series
from xarray_omezarr.ngff.labels import LabelImage
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.ngff.omero import Omero
from xarray_omezarr.ngff.plate import Plate
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.ngff.versions.patching import (
    patch_channels,
    patch_image,
    patch_plate,
)
from xarray_omezarr.windows import with_default_windows
from xarray_omezarr.write.channels import complete_channels
from xarray_omezarr.write.correcting import Asked, follow, plan_changes
from xarray_omezarr.write.ome_xml import image_facts
from xarray_omezarr.write.ome_xml_corrected import correct_ome_xml

if TYPE_CHECKING:
    from xarray_omezarr.grid.correction import AxisChange
    from xarray_omezarr.ngff.versions.protocol import Metadata, Version

_Groups = Mapping[str, Mapping[str, Any]]
_SHOWN = 4
_OME = "OME"


@dataclass(frozen=True, slots=True)
class Images:
    """The images that are corrected together; paths count from the root of the store.

    Parameters
    ----------
    opened : Hierarchy
        What stands below the group that is corrected, with level 0 of each image.
    root : str
        Path of that group.
    labels : mapping
        Paths of the label images of each image, by its path.
    texts : mapping
        Where a text about the images may be, and the list of its images, by the path
        of the group that has both.
    """

    opened: Hierarchy
    root: str
    labels: Mapping[str, tuple[str, ...]]
    texts: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, opened: Hierarchy, root: str, document: str, xml: str) -> Images:
        """Of an opened hierarchy.

        Parameters
        ----------
        opened : Hierarchy
            See above.
        root : str
            Path of its root inside the store.
        document : str
            Name of the documents of groups.
        xml : str
            Path of a text about images below the root of a collection or plate.
        """
        labels: dict[str, tuple[str, ...]] = {}
        models = opened.images
        for path, model in models.items():
            owner = _owner(path, models) if isinstance(model, LabelImage) else None
            if owner is None:
                labels.setdefault(join(root, path), ())
            else:
                known = labels.get(join(root, owner), ())
                labels[join(root, owner)] = (*known, join(root, path))
        places = [root]
        while places[-1]:
            places.append(places[-1].rpartition("/")[0])
        texts = {at: (join(at, xml), join(at, _OME, document)) for at in places}
        return cls(opened, root, labels, texts)

    @property
    def files(self) -> list[str]:
        """All files that are read, of which those that are there may change."""
        return [path for pair in self.texts.values() for path in pair]

    @property
    def paths(self) -> list[str]:
        """All groups that may change: the root, the images, their labels."""
        below = [path for own, labels in self.labels.items() for path in (own, *labels)]
        return [*dict.fromkeys([self.root, *below])]

    def relative(self, path: str) -> str:
        """The path below the root."""
        return path[len(self.root) :].strip("/")


def _owner(path: str, images: Mapping[str, Image]) -> str | None:
    """The image that a label image belongs to, if that was opened too."""
    while path:
        path = path.rpartition("/")[0]
        if path in images:
            return path
    return None


@dataclass(frozen=True, slots=True)
class Correction:
    """What is asked for: every part is checked, and may be empty."""

    asked: Asked
    channels: tuple[Any, ...] | None = None
    name: str | None = None
    attrs: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked for."""
        others = (self.channels, self.name)
        return not self.asked.axes and not self.attrs and others == (None, None)

    def check(self, images: Images) -> None:
        """Refuse what makes no sense for these images.

        Raises
        ------
        OptionError
            Naming what to do instead.
        """
        what = images.opened.group("").model
        one_by_one = "correct one of its images with group="
        if self.asked.translation and len(images.labels) > 1:
            raise OptionError(
                f"translation is the place of one image, and {len(images.labels)} "
                f"would come to lie on each other; {one_by_one}, such as "
                f"group={next(iter(images.labels))!r}"
            )
        if self.name is not None and not isinstance(what, Image | Plate):
            raise OptionError(
                f"Images and plates have a name, a {type(what).__name__} has none; "
                f"{one_by_one}"
            )
        if self.channels is not None and isinstance(what, LabelImage):
            raise OptionError("A label image has no channels; leave channels out")

    def revised(
        self, images: Images, groups: _Groups, files: Mapping[str, bytes]
    ) -> tuple[dict[str, dict[str, Any]], dict[str, bytes]]:
        """Attributes of groups, and files, as they shall be, of those that are."""
        work = _Work(self, images, groups)
        for path in images.labels:
            work.image(path)
        work.root()
        work.finish()
        return work.new, work.texts(files)


@dataclass(slots=True)
class _Work:
    """One correction on the way."""

    wanted: Correction
    images: Images
    groups: _Groups
    new: dict[str, dict[str, Any]] = field(default_factory=dict)
    models: dict[str, tuple[Image, Image]] = field(default_factory=dict)
    problems: dict[tuple[type[OmeZarrError], str], list[str]] = field(
        default_factory=dict
    )
    lost: dict[str, list[str]] = field(default_factory=dict)
    scales: dict[str, dict[float, str]] = field(default_factory=dict)

    def image(self, path: str) -> None:
        """Correct an image and its label images."""
        changes: dict[str, AxisChange] = {}

        def own() -> None:
            version, model = self._read(path)
            assert isinstance(model, Image)
            _check_version(version, self.wanted.asked)
            seen = kept_units(self.groups[path])
            changes.update(plan_changes(model.multiscale, self.wanted.asked, seen))
            for name, change in changes.items():
                self.scales.setdefault(name, {}).setdefault(change.scale, path)
            self._correct(path, version, model, changes)

        self._collect(path, own)
        for label in self.images.labels[path]:
            self._collect(label, partial(self._label, label, changes))

    def _label(self, path: str, changes: Mapping[str, AxisChange]) -> None:
        version, model = self._read(path)
        assert isinstance(model, Image)
        if changes:
            self._put_picture(path, version, model, self._moved(model, changes))
            self._put_kept(path, KeptChange(changes))

    def _correct(
        self,
        path: str,
        version: Version,
        model: Image,
        changes: Mapping[str, AxisChange],
    ) -> None:
        after, is_root = self._moved(model, changes), path == self.images.root
        names = None
        if is_root and self.wanted.name is not None:
            names = (after.multiscale.name, self.wanted.name)
            named = after.multiscale.model_copy(update={"name": self.wanted.name})
            pictures = (named, *after.multiscales[1:])
            after = after.model_copy(update={"multiscales": pictures})
        self._put_picture(path, version, model, after)
        renamed: list[str] = []
        if self.wanted.channels is not None:
            completed = self._channels(path, after)
            self.new[path] = patch_channels(
                version, self.new[path], after, completed.omero or Omero(channels=())
            )
            if _labels(model) != _labels(completed):
                renamed = [axis.name for axis in _channel_axes(model)]
            after = completed
        self._put_kept(path, KeptChange(changes, names, renamed))
        self.models[path] = (model, after)

    def _moved(self, model: Image, changes: Mapping[str, AxisChange]) -> Image:
        if not changes:
            return model
        pictures = tuple(follow(picture, changes) for picture in model.multiscales)
        return model.model_copy(update={"multiscales": pictures})

    def _put_picture(
        self, path: str, version: Version, before: Image, after: Image
    ) -> None:
        attrs = self.groups[path]
        if before.multiscales != after.multiscales:
            _check_version(version, self.wanted.asked)
            attrs = patch_image(version, attrs, before, after)
        self.new[path] = dict(attrs)

    def _put_kept(self, path: str, change: KeptChange) -> None:
        self.new[path], lost = correct_kept(self.new[path], change)
        for name in lost:
            self.lost.setdefault(name, []).append(path)

    def _channels(self, path: str, image: Image) -> Image:
        opened = self.images.opened
        level = image.multiscale.levels[0].path
        array = opened.array(join(self.images.relative(path), level))
        names = [axis.name for axis in image.multiscale.axes]
        places = [names.index(axis.name) for axis in _channel_axes(image)]
        count = array.shape[places[0]] if places else 1
        known = () if image.omero is None else image.omero.channels
        channels = complete_channels(known, self.wanted.channels or (), count)
        omero = Omero(channels=channels)
        return with_default_windows(
            image.model_copy(update={"omero": omero}), array.dtype
        )

    def root(self) -> None:
        """Correct what the group itself says that is corrected."""
        path = self.images.root
        attrs = self.new.get(path, dict(self.groups[path]))
        if self.wanted.name is not None and path not in self.models:
            version, model = self._read(path)
            if isinstance(model, Plate):
                after = model.model_copy(update={"name": self.wanted.name})
                attrs = patch_plate(version, attrs, model, after)
        for key, value in self.wanted.attrs.items():
            attrs = {**attrs, key: value}
            if value is None:
                del attrs[key]
        self.new[path] = attrs

    def finish(self) -> None:
        """Raise what was wrong, and warn of what cannot be seen from the result."""
        problems = [
            kind(f"{_paths(paths)}{message}")
            for (kind, message), paths in self.problems.items()
        ]
        raise_together(problems, "Nothing is corrected")
        for name, paths in self.lost.items():
            warn(
                f"Exact positions along {name!r} of {_paths(paths)}are in an array of "
                "their own, which metadata cannot correct; they are not restored any "
                "more, and the array stays"
            )
        for name in self.wanted.asked.scale:
            known = self.scales.get(name, {})
            if len(known) > 1:
                told = [f"{scale} in {path!r}" for scale, path in known.items()]
                warn(
                    f"The images had different scales along {name!r} "
                    f"({some(told, _SHOWN)}), and all get the same; group= corrects "
                    "one of them"
                )

    def texts(self, files: Mapping[str, bytes]) -> dict[str, bytes]:
        """Texts about the images, where they say what was corrected."""
        result = dict(files)
        for holder, (key, listed) in self.images.texts.items():
            if key not in files:
                continue
            order = [join(holder, path) for path in _series(files.get(listed))]
            if not order:
                # Without a list images are numbered.
                order = [join(holder, str(n)) for n in range(len(self.models))]
            before, after = (
                {path: self._facts(path, side) for path in self.models}
                for side in (0, 1)
            )
            result[key] = correct_ome_xml(files[key], order, before, after)
        return result

    def _facts(self, path: str, side: int) -> Any:
        below = self.images.relative(path)
        node = GroupNode(self.models[path][side])
        opened = self.images.opened
        return image_facts(replace(opened, nodes={**opened.nodes, below: node}), below)

    def _read(self, path: str) -> tuple[Version, Metadata]:
        attrs = self.groups[path]
        version = registry.detect(attrs) or self.images.opened.version
        with warnings.catch_warnings():
            # Slips of others were said when the whole was opened.
            warnings.simplefilter("ignore", OmeZarrWarning)
            return version, version.from_attrs(registry.with_version(attrs, version))

    def _collect(self, path: str, part: Callable[[], None]) -> None:
        """Note a problem once, however many images have it."""
        try:
            part()
        except OmeZarrError as error:
            errors = getattr(error, "exceptions", (error,))
            for each in errors:
                self.problems.setdefault((type(each), str(each)), []).append(path)


def _check_version(version: Version, asked: Asked) -> None:
    features = version.features
    for what, is_there in (
        ("scale", features.transformations),
        ("translation", features.transformations),
        ("units", features.units),
    ):
        if getattr(asked, what) and not is_there:
            raise NotInVersionError(
                f"OME-Zarr {version.name} has no place for {what}; upgrade or convert "
                "the whole store to a later version first"
            )


def _paths(paths: list[str]) -> str:
    told = [path for path in paths if path]
    return f"{some(told, _SHOWN)}: " if told else ""


def _channel_axes(image: Image) -> list[Any]:
    return [
        axis
        for axis in image.multiscale.axes
        if axis.type == "channel" or (axis.type is None and axis.name == "c")
    ]


def _labels(image: Image) -> list[str | None]:
    return [] if image.omero is None else [c.label for c in image.omero.channels]


def _series(document: bytes | None) -> tuple[str, ...]:
    """Paths of images that the group beside a text lists; none if it does not."""
    try:
        attrs = json.loads(document or b"")
        attrs = attrs.get("attributes", attrs)
        version = registry.detect(attrs)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", OmeZarrWarning)
            model = None if version is None else version.from_attrs(attrs)
    except (ValueError, AttributeError, MetadataError):
        return ()
    return model.series if isinstance(model, Series) else ()
