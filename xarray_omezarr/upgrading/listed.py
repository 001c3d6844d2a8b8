"""What groups list and what is not there: an upgrade is of the whole, or of nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from xarray_omezarr.errors import MetadataError, OmeZarrError, some, warn
from xarray_omezarr.hierarchy import GroupNode, Node, join
from xarray_omezarr.ngff.bioformats2raw import Series
from xarray_omezarr.ngff.labels import LabelsGroup
from xarray_omezarr.ngff.plate import Plate, Well

if TYPE_CHECKING:
    from xarray_omezarr.store.upgrade_survey import Survey

_SHOWN = 5


def absent(
    found: Survey, nodes: Mapping[str, Node], *, lossy: bool
) -> tuple[OmeZarrError, ...]:
    """What keeps a hierarchy from being upgraded as it lists groups that are not there.

    Parameters
    ----------
    found : Survey
        What stands there.
    nodes : mapping
        What the groups say, by path.
    lossy : bool
        Whether they stay listed, with a warning.
    """
    missing = [
        inner
        for path, node in nodes.items()
        if isinstance(node, GroupNode)
        for inner in _listed(path, node)
        if inner not in found.nodes or found.nodes[inner].kind != "group"
    ]
    if not missing:
        return ()
    names = some([*map(repr, dict.fromkeys(missing))], _SHOWN)
    if lossy:
        warn(f"{found.target} lists {names}, where there is no group; they stay listed")
        return ()
    return (
        MetadataError(
            f"{found.target} lists {names}, where there is no group. Repair it, or "
            "give lossy=True to leave it so"
        ),
    )


def _listed(path: str, node: GroupNode) -> Iterator[str]:
    model = node.model
    if isinstance(model, Plate):
        yield from (join(path, well.path) for well in model.wells)
    elif isinstance(model, Well):
        yield from (join(path, image.path) for image in model.images)
    elif isinstance(model, LabelsGroup):
        yield from (join(path, name) for name in model.labels)
    elif isinstance(model, Series):
        above = path.rpartition("/")[0]
        yield from (join(above, name) for name in model.series)
