"""Check: all findings about the attributes of one group."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from xarray_omezarr.ngff.rules.collection import check_layout, check_series
from xarray_omezarr.ngff.rules.finding import Finding, Strictness, seen
from xarray_omezarr.ngff.rules.labels import check_label, check_labels
from xarray_omezarr.ngff.rules.multiscales import check_multiscales
from xarray_omezarr.ngff.rules.omero import check_omero
from xarray_omezarr.ngff.rules.plainness import check_plain
from xarray_omezarr.ngff.rules.spot import Log, Spot
from xarray_omezarr.ngff.rules.told import check_told_version, dialect_of

_NAMESPACE = "ome"
_OMERO = "omero"

#: What a group is that has this key.
_KINDS: Mapping[str, str] = {
    "plate": "plate",
    "well": "well",
    "image-label": "label",
    "multiscales": "image",
    "scene": "scene",
    "bioformats2raw.layout": "bioformats2raw",
    "series": "series",
    "labels": "labels",
}

_TELLING = frozenset({"plate", "well", "image-label", "multiscales"})
_COMMON = frozenset({"series", "labels"})


# Imported when there is one: most groups are images, and some who ask start a process
# for each group.
def _check_plate(plate: Spot) -> None:
    from xarray_omezarr.ngff.rules.plate import check_plate

    check_plate(plate)


def _check_well(well: Spot) -> None:
    from xarray_omezarr.ngff.rules.plate import check_well

    check_well(well)


def _check_scene(scene: Spot) -> None:
    from xarray_omezarr.ngff.rules.scene import check_scene

    check_scene(scene)


_CHECKS: Mapping[str, Callable[[Spot], None]] = {
    "plate": _check_plate,
    "well": _check_well,
    "image-label": check_label,
    "multiscales": check_multiscales,
    "scene": _check_scene,
    "bioformats2raw.layout": check_layout,
    "series": check_series,
    "labels": check_labels,
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What the attributes of a group are, and what is wrong with them.

    Parameters
    ----------
    findings : tuple of Finding
        All faults.
    version : str, optional
        Version of the standard that they were measured with; None if they hold no
        OME metadata.
    kind : str, optional
        One of ``"image"``, ``"label"``, ``"labels"``, ``"plate"``, ``"well"``,
        ``"bioformats2raw"``, ``"series"``, ``"scene"``.
    """

    findings: tuple[Finding, ...]
    version: str | None
    kind: str | None


def check_attributes(
    attrs: object,
    level: Strictness = "standard",
    *,
    path: str = "",
    expected: str | None = None,
    within: str | None = None,
) -> Checked:
    """Measure the attributes of one group with the rules of the standard.

    Parameters
    ----------
    attrs : object
        The attributes as JSON was read; anything else is a finding as well.
    level : {"schema", "strict", "standard"}
        Whose demands count: of the official schemas, of their strict forms, or each
        MUST and SHOULD of the text.
    path : str
        Node that the findings name.
    expected : str, optional
        Version that the attributes must be in.
    within : str, optional
        Version of the hierarchy above, for groups that tell none.

    Returns
    -------
    Checked
        All findings. Nothing is raised for what `attrs` holds.

    Examples
    --------
    >>> checked = check_attributes({"ome": {"version": "0.6", "well": {}}}, path="A/1")
    >>> checked.kind, str(checked.findings[0])
    ... # doctest: +ELLIPSIS
    ('well', "error at A/1#/ome/well: has no 'images' ...")
    """
    log = Log(dialect_of(None), level, path)
    kind = None
    try:
        told = attrs
        if isinstance(attrs, Mapping) and not isinstance(attrs, dict):
            told = dict(attrs)
        log.dialect = dialect_of(told, expected=expected, within=within)
        kind = _check(Spot(told, log), expected, is_told=bool(expected or within))
    except Exception as problem:
        # Objects of foreign classes may do anything when they are asked.
        log.findings.append(_unmeasurable(log, problem))
    if log.left_out:
        log.findings.append(_too_many(log))
    return Checked(tuple(log.findings), log.dialect.name if kind else None, kind)


def _check(document: Spot, expected: str | None, *, is_told: bool) -> str | None:
    demand = "attributes: an object"
    if not document.is_object(demand):
        return None
    check_plain(document)
    spelled = _spelled(document, expected)
    if spelled is None:
        return None
    keys = _keys(spelled)
    if not keys and not is_told and not spelled.dialect.namespace:
        spelled.log.findings.append(_nothing(spelled.log))
        return None
    if not keys:
        spelled.error(
            "holds none of the metadata of OME-Zarr",
            f"attributes: one of {', '.join(document.dialect.kinds)}",
            "add the metadata of an image, plate, well or collection",
        )
        return None
    for key in keys:
        if (block := spelled.child(key)) is not None:
            _CHECKS[key](block)
    _check_beside(spelled, keys)
    return _KINDS[keys[0]]


def _keys(spelled: Spot) -> list[str]:
    """The keys that tell what the group is, the most telling first."""
    dialect = spelled.dialect
    keys = [key for key in dialect.kinds if spelled.child(key) is not None]
    if not dialect.namespace and set(keys) & _TELLING:
        # Without a place of their own such words may be anybody's.
        return [key for key in keys if key not in _COMMON]
    return keys


def _check_beside(spelled: Spot, keys: list[str]) -> None:
    """What stands beside the metadata that tell the kind."""
    omero = spelled.child(_OMERO)
    if omero is not None and "multiscales" in keys:
        check_omero(omero)
    elif omero is not None:
        omero.should("is beside no image", "omero: describes an image", "remove it")
    if "image-label" in keys and "multiscales" not in keys:
        spelled.should(  # RULES B4; parts of a document are shown without
            "has no 'multiscales'",
            "image-label: a label image is an image",
            "add 'multiscales'",
        )


def _spelled(document: Spot, expected: str | None) -> Spot | None:
    """The object with the metadata, after its version was looked at."""
    if not document.dialect.namespace:
        check_told_version(document, expected)
        return document
    if document.child(_NAMESPACE) is None:
        kinds = document.dialect.kinds
        outside = [key for key in kinds if document.child(key) is not None]
        demand = f"attributes: metadata are below the key {_NAMESPACE!r}"  # RULES L2
        document.error(
            f"has {outside[0]!r}, but not below {_NAMESPACE!r}"
            if outside
            else f"holds none of the metadata of OME-Zarr: no {_NAMESPACE!r}",
            demand,
            f"move the metadata below {_NAMESPACE!r} and add 'version' there",
        )
        return document if outside and document.follows_text else None
    ome = document.need(_NAMESPACE, "attributes")
    if ome is None or not ome.is_object(f"attributes: {_NAMESPACE} is an object"):
        return None
    check_told_version(ome, expected)
    _check_outside(document)
    return ome


def _check_outside(document: Spot) -> None:
    for key in ("multiscales", "plate", "well"):
        if (other := document.child(key)) is not None:  # RULES L2
            other.should(
                f"is outside of {_NAMESPACE!r} as well",
                f"attributes: metadata are below the key {_NAMESPACE!r} only",
                "remove it",
            )


def _nothing(log: Log) -> Finding:
    """Nothing tells of a version, so that of no version is cited."""
    return Finding(
        "error",
        log.path,
        "",
        "holds none of the metadata of OME-Zarr",
        "OME-Zarr, attributes: those of an image, plate, well or collection (MUST)",
        remedy="add the metadata, or give the group that has them",
    )


def _unmeasurable(log: Log, problem: Exception) -> Finding:
    return Finding(
        "error",
        log.path,
        "",
        f"cannot be measured: {type(problem).__name__}",
        f"OME-Zarr {log.dialect.name}, JSON: values are plain (MUST)",
        remedy="write the attributes as plain JSON",
    )


def _too_many(log: Log) -> Finding:
    return Finding(
        "error",
        log.path,
        "",
        f"has {seen(log.left_out)} more faults, which are not listed",
        f"OME-Zarr {log.dialect.name} (MUST)",
        remedy="correct the others first",
    )
