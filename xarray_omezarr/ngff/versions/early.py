"""Images as versions without transformations spell them: names of axes, and paths.

What these versions share with later ones is read and spelled by the same functions.
Documents get the words that those expect before they are read, and lose them after
they were spelled.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.plain import plain
from xarray_omezarr.ngff.plate import Plate
from xarray_omezarr.ngff.versions.document import Place
from xarray_omezarr.ngff.versions.early_fitted import AXIS_TYPES, fit_early
from xarray_omezarr.ngff.versions.fitted import refuse_lost
from xarray_omezarr.ngff.versions.kinds import read_metadata, spell_metadata
from xarray_omezarr.ngff.versions.tolerant import check_version
from xarray_omezarr.ngff.versions.v04 import standard_part

if TYPE_CHECKING:
    from xarray_omezarr.ngff.versions.protocol import Metadata

_LATER = "coordinateTransformations"
_INDICES = ("rowIndex", "columnIndex")
# Where these versions tell their version; groups without such a block tell none.
_TOLD_IN = ("multiscales", "plate", "well")


def read_early(
    attrs: Mapping[str, Any], version: str, dims: tuple[str, ...] | None
) -> Metadata:
    """What the attributes of a group say; every level has the scale 1.

    Parameters
    ----------
    attrs : mapping
        Of the group.
    version : str
        Name of the version they are in.
    dims : tuple of str, optional
        The axes of every image; None where images list the names of theirs.

    Raises
    ------
    MetadataError
        If they break a MUST of the standard.
    """
    document = Place(standard_part(attrs))
    members = dict(document.members())
    if "multiscales" in members:
        members["multiscales"] = [
            _later_picture(entry, version, dims)
            for entry in document["multiscales"].items()
        ]
    if "plate" in members:
        members["plate"] = _later_plate(document["plate"])
    model = read_metadata(Place(members, "", document.notes), version)
    document.warn()
    return model


def _later_picture(
    entry: Place, version: str, dims: tuple[str, ...] | None
) -> dict[str, Any]:
    check_version(entry["version"], version)
    members = dict(entry.members())
    names = _names(entry, dims)
    members["axes"] = [_axis(name) for name in names]
    _leave_out(entry, members)
    ones = [{"type": "scale", "scale": [1.0] * len(names)}]
    members["datasets"] = [
        {**_later_level(dataset), _LATER: ones}
        for dataset in entry["datasets"].entries()
    ]
    return members


def _names(entry: Place, dims: tuple[str, ...] | None) -> tuple[str, ...]:
    axes = entry["axes"]
    if dims is None:
        return tuple(map(_name, axes.entries()))
    if axes.value is not None:
        axes.note(f"is left out: the axes of all images are {', '.join(dims)}")
    return dims


def _name(axis: Place) -> str:
    name = axis.value
    if isinstance(name, Mapping):
        axis.note("is read as its name, as axes are names in this version")
        name = name.get("name")
    if not isinstance(name, str) or not name:
        raise axis.error("give the name of an axis, such as 'x'")
    return name


def _axis(name: str) -> dict[str, Any]:
    return {"name": name, "type": AXIS_TYPES.get(name)}


def _later_level(dataset: Place) -> dict[str, Any]:
    members = dict(dataset.members())
    _leave_out(dataset, members)
    return members


def _leave_out(place: Place, members: dict[str, Any]) -> None:
    """Transformations, to which readers of these versions pay no attention."""
    if members.pop(_LATER, None) is not None:
        place[_LATER].note("has no meaning in this version and is left out")


def _later_plate(plate: Place) -> dict[str, Any]:
    """The plate with the indices of wells that paths tell."""
    members = dict(plate.members())
    rows, columns = (_places(plate[key]) for key in ("rows", "columns"))
    members["wells"] = [
        _later_well(well, rows, columns) for well in plate["wells"].items()
    ]
    return members


def _places(names: Place) -> dict[str, int]:
    told = [entry.value for entry in names.items()]
    found = [str(e.get("name")) if isinstance(e, Mapping) else "" for e in told]
    return {name: index for index, name in reversed([*enumerate(found)])}


def _later_well(well: Place, rows: dict[str, int], columns: dict[str, int]) -> Any:
    if not isinstance(well.value, Mapping):
        return well.value
    row, _, column = str(well.value.get("path")).partition("/")
    if row not in rows or column not in columns:
        return well.value
    return {
        **dict(zip(_INDICES, (rows[row], columns[column]), strict=True)),
        **well.value,
    }


def spell_early(
    model: Metadata, version: str, dims: tuple[str, ...] | None
) -> dict[str, Any]:
    """All attributes of a group; every one tells the version.

    Parameters
    ----------
    model : Metadata
        What they shall say.
    version : str
        Name of the version to spell it in.
    dims : tuple of str, optional
        As for `read_early`.

    Raises
    ------
    NotInVersionError
        If the version has no place for something.
    MetadataError
        If the metadata break a MUST of the standard.
    """
    fitting, lost = fit_early(model, dims)
    refuse_lost(model, lost, version)
    attrs: dict[str, Any] = plain(spell_metadata(fitting, version))
    if "multiscales" in attrs:
        attrs["multiscales"] = [
            {"version": version, **_early_picture(entry, dims)}
            for entry in attrs["multiscales"]
        ]
    # An image may have a key of that name, which is anybody's.
    wells = attrs["plate"]["wells"] if isinstance(fitting, Plate) else ()
    for well in wells:
        for key in _INDICES:
            well.pop(key, None)
    if not any(key in attrs for key in _TOLD_IN):
        # The standard has no place for it, and later versions look the same.
        attrs = {"version": version, **attrs}
    return attrs


def _early_picture(
    entry: dict[str, Any], dims: tuple[str, ...] | None
) -> dict[str, Any]:
    names = [axis["name"] for axis in entry.pop("axes")]
    datasets = [
        {key: value for key, value in level.items() if key != _LATER}
        for level in entry["datasets"]
    ]
    axes = {} if dims else {"axes": names}
    return {**entry, **axes, "datasets": datasets}
