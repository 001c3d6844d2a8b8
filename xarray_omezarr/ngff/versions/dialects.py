"""Dialects: how the demands of the versions on a group's attributes differ, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

#: How an image tells its axes: not at all, by names, as objects, or in named systems.
AxesStyle: TypeAlias = Literal["fixed", "names", "objects", "systems"]

_NONE: frozenset[str] = frozenset()
_BLOCKS = frozenset({"multiscales", "image-label", "plate", "well"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """What one version demands where the versions differ.

    Parameters
    ----------
    name : str
        Of the version.
    told_as : tuple of str
        What files may tell as their version.
    unfinished : str, optional
        Pattern of names that drafts of the version had.
    namespace : bool
        RULES L2: whether metadata are below the key ``ome``, where the version is told.
    axes : {"fixed", "names", "objects", "systems"}
        RULES A1, M2: how an image tells its axes.
    axis_types : frozenset of str
        RULES A4: types that the standard knows.
    untyped_is_space : bool
        RULES A16: whether the schema counts an axis without type as one of space.
    null_unit : bool
        RULES A12: whether a null may stand for a unit that is not known.
    version_closed, version_strict, version_advised : frozenset of str
        RULES M7, B12, P10, W5: the blocks whose ``version`` has one possible value,
        for which the strict schemas demand it, and the text advises or demands it.
    version_lacking : frozenset of str
        RULES P10: those of the last for which the text demands it, but official cases
        that are valid lack it.
    channel_members : tuple of str
        RULES O2, O3: what the schema demands of a channel; the text wants both.
    channels_demanded : bool
        RULES O2, O3: whether the text demands them at all.
    unique_label_colors : bool
        RULES B9: whether no two colours may be for one label (else it is advice).
    empty_labels : bool
        RULES B1: whether a list of labels may be empty.
    well_indices : bool
        RULES P6: whether wells tell the indices of their row and column.
    plain_fields : bool
        RULES W2: whether paths of fields have letters and digits only.
    kinds : tuple of str
        Keys that tell what a group is, the most telling first.
    """

    name: str
    told_as: tuple[str, ...]
    unfinished: str | None = None
    namespace: bool = False
    axes: AxesStyle = "objects"
    axis_types: frozenset[str] = frozenset({"space", "time", "channel"})
    untyped_is_space: bool = True
    null_unit: bool = True
    version_closed: frozenset[str] = _NONE
    version_strict: frozenset[str] = _NONE
    version_advised: frozenset[str] = _NONE
    version_lacking: frozenset[str] = _NONE
    channel_members: tuple[str, ...] = ()
    channels_demanded: bool = True
    unique_label_colors: bool = False
    empty_labels: bool = False
    well_indices: bool = True
    plain_fields: bool = True
    kinds: tuple[str, ...] = field(
        default=(
            "plate",
            "well",
            "image-label",
            "multiscales",
            "bioformats2raw.layout",
            "series",
            "labels",
        )
    )


def _old(name: str, axes: AxesStyle) -> Dialect:
    return Dialect(
        name,
        told_as=(name,),
        axes=axes,
        version_closed=_BLOCKS,
        version_advised=_BLOCKS,
        version_strict=_BLOCKS,
        channels_demanded=False,
        unique_label_colors=True,
        empty_labels=True,
        well_indices=False,
    )


_DIALECTS: tuple[Dialect, ...] = (
    _old("0.1", "fixed"),
    _old("0.2", "fixed"),
    _old("0.3", "names"),
    Dialect(
        "0.4",
        told_as=("0.4",),
        version_closed=_BLOCKS,
        version_strict=_BLOCKS,
        version_advised=_BLOCKS,
        channel_members=("window", "color"),
        unique_label_colors=True,
        empty_labels=True,
    ),
    Dialect(
        "0.5",
        told_as=("0.5",),
        namespace=True,
        version_advised=frozenset({"image-label", "plate", "well"}),
        version_lacking=frozenset({"plate"}),
    ),
    Dialect(
        "0.6",
        told_as=("0.6", "0.6rc0"),
        unfinished=r"0\.6\.?dev\d*",
        namespace=True,
        axes="systems",
        axis_types=frozenset(
            {"space", "time", "channel", "array", "coordinate", "displacement"}
        ),
        untyped_is_space=False,
        null_unit=False,
        plain_fields=False,
        kinds=(
            "plate",
            "well",
            "image-label",
            "multiscales",
            "scene",
            "bioformats2raw.layout",
            "series",
            "labels",
        ),
    ),
)

#: Of files without the key ``ome`` that tell no version.
LAST_WITHOUT_NAMESPACE = next(d for d in reversed(_DIALECTS) if not d.namespace)
#: Of files with the key ``ome`` that tell no version.
FIRST_WITH_NAMESPACE = next(d for d in _DIALECTS if d.namespace)
#: The first of those whose images have coordinate systems.
FIRST_WITH_SYSTEMS = next(d for d in _DIALECTS if d.axes == "systems")


def known(told: object) -> Dialect | None:
    """The dialect of a version as files tell it, drafts included; None if unknown.

    Examples
    --------
    >>> known("0.6rc0").name
    '0.6'
    """
    if not isinstance(told, str):
        return None
    for dialect in _DIALECTS:
        if told in dialect.told_as:
            return dialect
        if dialect.unfinished and re.fullmatch(dialect.unfinished, told):
            return dialect
    return None


def nearest(told: object, *, namespace: bool) -> Dialect:
    """The dialect to measure attributes with that tell a version nobody knows.

    Examples
    --------
    >>> nearest("0.5.2", namespace=True).name, nearest("7", namespace=True).name
    ('0.5', '0.6')
    """
    possible = [d for d in _DIALECTS if d.namespace == namespace]
    wanted = _told_numbers(told)
    if wanted is None:
        return FIRST_WITH_NAMESPACE if namespace else LAST_WITHOUT_NAMESPACE
    before = [d for d in possible if _numbers(d) <= wanted]
    return before[-1] if before else possible[0]


def is_later(told: object) -> bool:
    """Whether a told version is later than all that are known here.

    Examples
    --------
    >>> is_later("0.9"), is_later("0.5.2"), is_later("new")
    (True, False, False)
    """
    numbers = _told_numbers(told)
    return numbers is not None and numbers > _numbers(_DIALECTS[-1])


def _told_numbers(told: object) -> tuple[int, int] | None:
    text = told if isinstance(told, str) else ""
    numbers = re.match(r"(\d{1,4})(?:\.(\d{1,4}))?", text)
    return (int(numbers[1]), int(numbers[2] or 0)) if numbers else None


def _numbers(dialect: Dialect) -> tuple[int, int]:
    major, minor = dialect.name.split(".")
    return int(major), int(minor)
