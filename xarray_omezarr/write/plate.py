"""A tree of rows, columns and fields -> the hierarchy of a plate."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import OptionError, PlateError, Problems, warn
from xarray_omezarr.hierarchy import GroupNode, Hierarchy, Node
from xarray_omezarr.ngff.plate import Acquisition, Field, Well
from xarray_omezarr.ngff.unknown import with_unknown_beside
from xarray_omezarr.ngff.versions import registry
from xarray_omezarr.options import WriteOptions
from xarray_omezarr.write.acquisitions import (
    known_acquisition,
    parse_acquisitions,
    settle_acquisitions,
)
from xarray_omezarr.write.bioformats2raw import OME, OME_XML, with_series
from xarray_omezarr.write.fitting import check_spelled
from xarray_omezarr.write.keeping import check_attrs, plain_attrs
from xarray_omezarr.write.plate_fields import plan_fields
from xarray_omezarr.write.plate_map import (
    PLATE_MAP,
    joined_plate_map,
    kept_plate_map,
    parse_plate_map,
)
from xarray_omezarr.write.plate_names import (
    PlateNames,
    check_layout,
    check_names,
    natural_key,
)
from xarray_omezarr.write.plate_spec import PlateSpec, parse_plate
from xarray_omezarr.write.plate_tree import (
    ACQUISITION,
    PlateTree,
    plate_tree,
    told_acquisition,
    without_acquisition,
)

if TYPE_CHECKING:
    import xarray as xr

#: Attribute of the root that is the plate itself.
PLATE = "plate"
_PROBLEM = "This plate cannot be written"


def plan_plate(
    tree: xr.DataTree | Mapping[Any, Any] | PlateTree,
    options: WriteOptions,
    *,
    plate: Any = None,
    acquisitions: Any = None,
    layout: int | str | None = None,
    plate_map: Any = None,
    ome_xml: Any = None,
    stem: str | None = None,
) -> Hierarchy:
    """Everything that will be stored for a plate; nothing is computed or written.

    Parameters
    ----------
    tree : xarray.DataTree or mapping
        Nodes row/column/field, or fields by ``"A/1/0"`` or ``("A", "1", "0")``.
    options : WriteOptions
        All of them: ``name`` and ``attrs`` are those of the plate, the others are
        for every field.
    plate : mapping or Plate, optional
        What the standard says of a plate; it wins over what the tree tells.
    acquisitions : sequence or mapping, optional
        See `parse_acquisitions`.
    layout : int or str, optional
        Number of wells of the physical plate, all of whose rows and columns are
        declared.
    plate_map : pandas.DataFrame, path or mapping, optional
        See `parse_plate_map`. What came with the tree stays beside it.
    ome_xml : optional
        OME-XML of all fields, in their order; see
        `xarray_omezarr.write.ome_xml.ome_xml_for`. Where it is left out, a plate that
        was read with one keeps it as ``"auto"`` does, others have none.
    stem : str, optional
        Name to fall back to: the target's.

    Returns
    -------
    Hierarchy
        Nodes ``""``, ``"A"``, ``"A/1"``, ``"A/1/0"``, ``"A/1/0/0"``, ...

    Raises
    ------
    OmeZarrError
        All problems of the plate and of all fields together.
    """
    found = plate_tree(tree)
    version = registry.get(options["version"] or registry.DEFAULT)
    planner = _Planner(found, options)
    problems = Problems()
    nodes: dict[str, Node] = {}
    with problems.collected():
        nodes = planner.groups(
            parse_plate(plate),
            acquisitions=acquisitions,
            layout=check_layout(layout),
            plate_map=plate_map,
            stem=stem,
        )
    of_fields = WriteOptions(**options)
    of_fields["attrs"] = of_fields["name"] = None
    fields = planner.images
    images: dict[str, Hierarchy] = {}
    with problems.collected():
        images = plan_fields(fields, of_fields)
    problems.raise_all(_PROBLEM)
    for node in nodes.values():
        # Breaches of the standard show when the version spells the metadata.
        if isinstance(node, GroupNode) and node.model is not None:
            check_spelled(node.model, version)
    planned = Hierarchy(version, nodes).around(
        {path: without_acquisition(plan, fields[path]) for path, plan in images.items()}
    )
    return _with_ome_xml(planned, [*images], ome_xml, found.attrs.get(OME_XML))


@dataclass(frozen=True, slots=True)
class _Planner:
    """One plate, while it is planned."""

    tree: PlateTree
    options: WriteOptions

    @property
    def images(self) -> dict[str, Any]:
        """Fields by path, in the order of a plate: rows, columns, then fields."""
        places = sorted(self.tree.fields, key=lambda p: [*map(natural_key, p)])
        return {"/".join(place): self.tree.fields[place] for place in places}

    def groups(
        self,
        spec: PlateSpec,
        *,
        acquisitions: Any,
        layout: int | None,
        plate_map: Any,
        stem: str | None,
    ) -> dict[str, Node]:
        """The plate, its rows and its wells."""
        problems = Problems()
        known = parse_plate(self._known(), is_kept=True)
        with problems.collected():
            self._check_names()
        problems.raise_all(_PROBLEM)
        names = PlateNames((), ())
        with problems.collected():
            names = spec.names(self._used(), known, layout)
        told: tuple[Acquisition, ...] = ()
        with problems.collected():
            told = _told(spec, acquisitions)
        wells: dict[str, dict[str, int | None]] = {}
        with problems.collected():
            wells = self._wells(told or known.acquisitions)
        problems.raise_all(_PROBLEM)
        runs: tuple[Acquisition, ...] = ()
        with problems.collected():
            runs = _runs(wells, told, known.acquisitions)
        attrs: dict[str, Any] = {}
        with problems.collected():
            attrs = self._attrs(plate_map, names)
        problems.raise_all(_PROBLEM)
        model = spec.plate(
            known, names, wells, runs, name=self.options["name"], stem=stem
        )
        model = with_unknown_beside(model, attrs.pop("ome", None))
        return {"": GroupNode(model, attrs), **self._rows_and_wells(wells, names)}

    def _known(self) -> Any:
        known = self.tree.attrs.get(PLATE)
        return {"name": known} if isinstance(known, str) else known

    def _used(self) -> PlateNames:
        rows, columns = ({place[at] for place in self.tree.fields} for at in (0, 1))
        return PlateNames(
            tuple(sorted(rows, key=natural_key)),
            tuple(sorted(columns, key=natural_key)),
        )

    def _check_names(self) -> None:
        problems, used = Problems(), self._used()
        for names, what in ((used.rows, "row"), (used.columns, "column")):
            with problems.collected():
                check_names(names, what)
        wells: dict[tuple[str, str], list[str]] = {}
        for row, column, name in self.tree.fields:
            wells.setdefault((row, column), []).append(name)
        for same in {tuple(fields) for fields in wells.values()}:
            with problems.collected():
                check_names(same, "field")
        problems.raise_all(_PROBLEM)

    def _wells(
        self, acquisitions: tuple[Acquisition, ...]
    ) -> dict[str, dict[str, int | None]]:
        """By well, the acquisition of each field, in natural order."""
        problems = Problems()
        wells: dict[str, dict[str, int | None]] = {}
        for path, obj in self.images.items():
            well, _, name = path.rpartition("/")
            fields = wells.setdefault(well, {})
            fields[name] = None
            with problems.collected():
                said = told_acquisition(obj, path)
                fields[name] = known_acquisition(said, acquisitions, path)
        problems.raise_all("The acquisitions of fields cannot be told")
        return wells

    def _attrs(self, plate_map: Any, names: PlateNames) -> dict[str, Any]:
        kept = {k: v for k, v in self.tree.attrs.items() if k not in _OURS}
        attrs = {**plain_attrs(kept), **check_attrs(self.options["attrs"])}
        wells = kept_plate_map(self.tree.attrs.get(PLATE_MAP), names)
        if plate_map is not None:
            told = parse_plate_map(plate_map, names)
            wells = joined_plate_map(wells, told, names)
        if wells:
            attrs[PLATE_MAP] = wells
        return attrs

    def _rows_and_wells(
        self, wells: Mapping[str, Mapping[str, int | None]], names: PlateNames
    ) -> dict[str, Node]:
        nodes: dict[str, Node] = {}
        rows = dict.fromkeys(path.split("/")[0] for path in wells)
        for row in sorted(rows, key=names.rows.index):
            nodes[row] = GroupNode(None, plain_attrs(self._foreign(row)))
        for path, fields in wells.items():
            model = Well(
                images=tuple(
                    Field(path=name, acquisition=number)
                    for name, number in fields.items()
                )
            )
            attrs = plain_attrs(self._foreign(path))
            model = with_unknown_beside(model, attrs.pop("ome", None))
            nodes[path] = GroupNode(model, attrs)
        return nodes

    def _foreign(self, path: str) -> Mapping[Any, Any]:
        return self.tree.groups.get(path, {})


def _with_ome_xml(
    planned: Hierarchy, paths: list[str], ome_xml: Any, kept: object
) -> Hierarchy:
    """The plan with the OME-XML of its fields, if it has one."""
    if ome_xml is None and kept is not None:
        ome_xml = "auto"
    if ome_xml is not None and OME in planned.nodes:
        raise PlateError(
            f"A row is called {OME!r}, and the group of this name is for the OME-XML; "
            "rename the row"
        )
    return with_series(planned, paths, ome_xml=ome_xml, kept=kept)


_OURS = frozenset([PLATE, PLATE_MAP, OME_XML, ACQUISITION])


def _told(spec: PlateSpec, given: Any) -> tuple[Acquisition, ...]:
    """What the user says of acquisitions."""
    if given is not None and spec.acquisitions:
        raise OptionError(
            "acquisitions are given twice, also in plate; leave one of them out"
        )
    return parse_acquisitions(given) or spec.acquisitions


def _runs(
    wells: Mapping[str, dict[str, int | None]],
    told: tuple[Acquisition, ...],
    known: tuple[Acquisition, ...],
) -> tuple[Acquisition, ...]:
    """All acquisitions: those of the user, else those that came along."""
    if not told:
        told_ids = {n for fields in wells.values() for n in fields.values()}
        if len(known) > 1 and told_ids == {None}:
            # Of a mean over fields nobody knows them any more.
            warn(
                f"No field tells its acquisition; {[entry.id for entry in known]}, "
                "which the plate had where it was read, are not listed any more"
            )
            return ()
        return settle_acquisitions(known, wells, declared=False)
    if len(told) == 1:
        # There is but one that the fields can belong to.
        for fields in wells.values():
            fields.update({n: told[0].id for n, i in fields.items() if i is None})
    used = {number for fields in wells.values() for number in fields.values()}
    listed = {entry.id for entry in told}
    lost = [entry for entry in known if entry.id in used - listed]
    return settle_acquisitions((*told, *lost), wells, declared=True)
