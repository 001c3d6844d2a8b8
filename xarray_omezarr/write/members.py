"""One field more: what plate and well say of it afterwards.

Each of these is called with what a group says at that moment, under a lock, and gives
what it shall say: nothing that others have listed meanwhile is lost.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from xarray_omezarr.errors import PlateError, TargetExistsError, some, warn
from xarray_omezarr.ngff.plate import (
    Acquisition,
    Column,
    Field,
    Plate,
    PlateWell,
    Row,
    Well,
)
from xarray_omezarr.write.acquisitions import warn_of_undeclared
from xarray_omezarr.write.plate_names import (
    LAYOUTS,
    PlateNames,
    meaning,
    natural_key,
    plate_names,
)
from xarray_omezarr.write.plate_spec import PlateSpec

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.hierarchy import Model
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.ngff.versions.protocol import Version

T = TypeVar("T")


@dataclass(slots=True)
class AddField:
    """A well with a field more, or with another acquisition of a field.

    Parameters
    ----------
    name : str
        Of the field.
    acquisition : int, optional
        The one it belongs to; None keeps that of the field that it replaces.
    well : Well, optional
        What the well said when this was called last, for the plate counts its fields.
    only : int, optional
        The one acquisition that the plate has, of which a field is that tells none.
    """

    name: str
    acquisition: int | None = None
    well: Well | None = None
    only: int | None = None

    def __call__(self, model: Model | None) -> Well:
        """The well as it shall be."""
        if model is not None and not isinstance(model, Well):
            raise other_kind("a well", model)
        fields = () if model is None else model.images
        at = next((i for i, old in enumerate(fields) if old.path == self.name), None)
        if at is not None:
            # What others have said of it besides stays.
            run = self._run(fields[at].acquisition)
            same = fields[at].model_copy(update={"acquisition": run})
            images = (*fields[:at], same, *fields[at + 1 :])
        else:
            new = Field(path=self.name, acquisition=self._run(None))
            images = inserted(fields, new, lambda entry: natural_key(entry.path))
        if model is None:
            self.well = Well(images=images)
        else:
            self.well = model.model_copy(update={"images": images})
        return self.well

    def _run(self, known: int | None) -> int | None:
        told = (self.acquisition, known, self.only)
        return next((number for number in told if number is not None), None)

    @property
    def settled(self) -> int | None:
        """The acquisition of the field, in the well that was seen last."""
        fields = () if self.well is None else self.well.images
        known = [field.acquisition for field in fields if field.path == self.name]
        return known[0] if known else self._run(None)


@dataclass(frozen=True, slots=True)
class AddWell:
    """A plate with the well of a field that was added.

    Parameters
    ----------
    row, column : str
        Where the well is.
    member : AddField
        The field; it is called before.
    spec : PlateSpec
        What the user says of the plate.
    acquisitions : tuple of Acquisition
        What the user says of its acquisitions.
    layout : int, optional
        Number of wells of the physical plate.
    name : str, optional
        Name to fall back to, for a plate that is new.
    """

    row: str
    column: str
    member: AddField
    spec: PlateSpec = field(default_factory=PlateSpec)
    acquisitions: tuple[Acquisition, ...] = ()
    layout: int | None = None
    name: str | None = None

    def __call__(self, model: Model | None) -> Plate:
        """The plate as it shall be.

        Raises
        ------
        PlateError
            If it has no place for the well.
        TargetExistsError
            If the group is no plate.
        """
        if model is not None and not isinstance(model, Plate):
            raise other_kind("a plate", model)
        names = self._names(model)
        known = () if model is None else model.wells
        wells = tuple(_moved(well, names) for well in known)
        path = f"{self.row}/{self.column}"
        if all(well.path != path for well in wells):
            here = PlateWell(
                path=path,
                row_index=names.rows.index(self.row),
                column_index=names.columns.index(self.column),
            )
            wells = inserted(wells, here, _place)
        changed = {
            "rows": _kept(names.rows, () if model is None else model.rows, Row),
            "columns": _kept(
                names.columns, () if model is None else model.columns, Column
            ),
            "wells": wells,
            "acquisitions": self._runs(() if model is None else model.acquisitions),
            "field_count": self._count(model),
            **self.spec.further,
        }
        if model is None:
            changed["name"] = self.spec.name or self.name
            base = Plate.of([path])
        else:
            changed["name"] = self.spec.name or model.name
            base = model
        return base.model_copy(update=changed)

    def _names(self, model: Plate | None) -> PlateNames:
        told = PlateNames(self.spec.rows or (), self.spec.columns or ())
        if model is None:
            return self.spec.names(
                PlateNames((self.row,), (self.column,)), PlateSpec(), self.layout
            )
        known, fills = _names_of(model), self.layout is not None
        # Others list wells in rows and columns that they do not declare.
        used = [well.names for well in model.wells]
        rows = (*told.rows, *(row for row, _ in used), self.row)
        columns = (*told.columns, *(column for _, column in used), self.column)
        return PlateNames(
            _joined(known.rows, rows, self._rows, fills=fills),
            _joined(known.columns, columns, self._columns, fills=fills),
        )

    def _rows(self, rows: Sequence[str]) -> tuple[str, ...]:
        return self._declared(PlateNames(tuple(rows), ("1",))).rows

    def _columns(self, columns: Sequence[str]) -> tuple[str, ...]:
        return self._declared(PlateNames(("A",), tuple(columns))).columns

    def _declared(self, used: PlateNames) -> PlateNames:
        return plate_names(used, rows=None, columns=None, layout=self.layout)

    def _runs(self, known: tuple[Acquisition, ...]) -> tuple[Acquisition, ...]:
        """The acquisitions, with those of the well."""
        listed = {run.id: run for run in known}
        listed |= {run.id: run for run in self.acquisitions}
        fields = () if self.member.well is None else self.member.well.images
        counts = Counter(
            entry.acquisition for entry in fields if entry.acquisition is not None
        )
        for number, count in counts.items():
            run = listed.get(number, Acquisition(id=number, name=str(number)))
            most = run.maximum_field_count
            # Where others do not count, what they have is not known.
            if number not in {entry.id for entry in known} or most is not None:
                run = run.model_copy(
                    update={"maximum_field_count": max(count, most or 0)}
                )
            listed[number] = run
        return tuple(listed.values())

    def _count(self, model: Plate | None) -> int | None:
        fields = 1 if self.member.well is None else len(self.member.well.images)
        told = self.spec.field_count or 0
        if model is not None and model.field_count is None and not told:
            # How many fields its other wells have is not known here.
            return None
        known = 0 if model is None else model.field_count or 0
        return max(fields, told, known)


def inserted(
    entries: tuple[T, ...], new: T, key: Callable[[T], object]
) -> tuple[T, ...]:
    """The entries with a new one: in its place where they are in order, else last."""
    keys: list[object] = [key(entry) for entry in entries]
    if keys != sorted(keys):  # type: ignore[type-var]  # as keys of one kind can be
        return (*entries, new)
    return tuple(sorted([*entries, new], key=key))  # type: ignore[arg-type]  # as above


def _joined(
    known: tuple[str, ...],
    new: tuple[str, ...],
    filled: Callable[[Sequence[str]], tuple[str, ...]],
    *,
    fills: bool,
) -> tuple[str, ...]:
    """All names: in natural order where those that are known are, else new ones last.

    Gaps are filled where there are none yet; a plate that declares nothing but what
    it uses goes on so.
    """
    wanted = tuple(sorted({*known, *new}, key=natural_key))
    if fills or (len(wanted) > len(known) and filled(known) == known):
        wanted = tuple(sorted({*wanted, *filled(wanted)}, key=natural_key))
    if list(known) == sorted(known, key=natural_key):
        return wanted
    return (*known, *(name for name in wanted if name not in known))


def _place(well: PlateWell) -> tuple[int, int]:
    return well.row_index, well.column_index


def _names_of(model: Plate) -> PlateNames:
    return PlateNames(model.row_names, model.column_names)


def _moved(well: PlateWell, names: PlateNames) -> PlateWell:
    """The well where its row and column are now; its path tells which they are."""
    row, column = well.names
    return well.model_copy(
        update={
            "row_index": names.rows.index(row),
            "column_index": names.columns.index(column),
        }
    )


def _kept(
    names: Sequence[str], known: Sequence[T], make: Callable[..., T]
) -> tuple[T, ...]:
    """A row or column of each name; those that are there keep what they say besides."""
    by_name = {entry.name: entry for entry in known}  # type: ignore[attr-defined]  # both kinds have one
    return tuple(by_name.get(name) or make(name=name) for name in names)


def other_kind(wanted: str, model: Model) -> TargetExistsError:
    """The error for a group that others have replaced by something else."""
    return TargetExistsError(
        f"The group is no longer {wanted}, but {model.summary()}; somebody has "
        "replaced it meanwhile. What was written is there and is not listed"
    )


def check_member(plate: Plate | None, revise: AddWell, version: Version) -> None:
    """Refuse a field, before it is written, that the plate could not list.

    Raises
    ------
    PlateError
        If rows or columns do not fit, or an acquisition is missing.
    MetadataError
        If the plate or the well break a MUST of the standard as they are.
    """
    well = f"{revise.row}/{revise.column}"
    listed = revise.spec.wells
    if listed is not None and well not in listed:
        raise PlateError(
            f"Well {well} is none of those that plate lists: {some([*listed])}. "
            "Correct the path, or list it"
        )
    found = revise(plate)
    for model in (revise.member.well, found):
        if model is not None:
            # It would show when they are listed, with the pixels stored.
            version.to_attrs(model)
    ids = [run.id for run in found.acquisitions]
    if len(found.acquisitions) > 1 and revise.member.settled is None:
        raise PlateError(
            f"Field {well}/{revise.member.name} has no acquisition, and the plate "
            f"lists {ids}; give acquisition="
        )


def warn_of_member(plate: Plate | None, revise: AddWell) -> None:
    """Warn of what a field that is not refused makes of its plate."""
    _warn_of_undeclared(plate)
    _warn_of_growing(plate, revise)
    found = revise(plate)
    declared = (*_runs_of(plate), *revise.acquisitions)
    known = {run.id for run in declared}
    new = [run.id for run in found.acquisitions if run.id not in known]
    warn_of_undeclared(new, declared)
    wells = () if plate is None else plate.wells
    rows, columns = ({well.names[at] for well in wells} for at in (0, 1))
    for name, used, names, what in (
        (revise.row, rows, found.row_names, "row"),
        (revise.column, columns, found.column_names, "column"),
    ):
        alike = [n for n in names if n != name and meaning(n) == meaning(name)]
        if alike and name not in used:
            warn(
                f"The plate has the {what} {alike[0]!r}, and {name!r} becomes another "
                "one, which looks the same to people and to some disks"
            )


def _warn_of_undeclared(plate: Plate | None) -> None:
    wells = () if plate is None else plate.wells
    names = PlateNames((), ()) if plate is None else _names_of(plate)
    outside = [
        well.path
        for well in wells
        if well.names[0] not in names.rows or well.names[1] not in names.columns
    ]
    if outside:
        warn(
            f"The plate lists wells {some(outside)} in rows or columns that it does "
            "not declare; they are declared now"
        )


def _warn_of_growing(plate: Plate | None, revise: AddWell) -> None:
    """Warn if a well is outside a plate that declares all that it physically has."""
    if plate is None or revise.spec.rows or revise.spec.columns:
        return
    names = _names_of(plate)
    shape = (len(names.rows), len(names.columns))
    is_outside = revise.row not in names.rows or revise.column not in names.columns
    rows, columns = ({well.names[at] for well in plate.wells} for at in (0, 1))
    # One that has grown field by field declares nothing that is beyond its wells.
    is_whole = names.rows[-1] not in rows or names.columns[-1] not in columns
    if is_outside and is_whole and shape in LAYOUTS.values():
        warn(
            f"Well {revise.row}/{revise.column} is outside the plate, which has "
            f"{names.describe()}; it is added, and the plate becomes larger"
        )


def _runs_of(plate: Plate | None) -> tuple[Acquisition, ...]:
    return () if plate is None else plate.acquisitions


def factors_like(image: Image, da: xr.DataArray) -> list[dict[str, int]] | None:
    """The write option ``scale_factors`` that gives `da` the levels of an image.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> import xarray_omezarr as xo
    >>> da = xr.DataArray(np.zeros((3, 64, 64), "u1"), dims=("z", "y", "x"))
    >>> image = xo.plan_image(da, scale_factors=[2, 4])[""].model
    >>> factors_like(image, da)
    [{'y': 2, 'x': 2}, {'y': 4, 'x': 4}]
    """
    own = {str(dim).lower() for dim in da.dims}
    names = [axis.name for axis in image.multiscale.axes]
    first, *coarser = image.multiscale.levels
    found = []
    for level in coarser:
        ratios = zip(names, level.scale, first.scale, strict=True)
        factors = {name: max(1, round(a / b)) for name, a, b in ratios}
        found.append({n: f for n, f in factors.items() if f > 1 and n in own})
    return found or None
