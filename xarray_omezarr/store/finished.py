"""Whether a write that is asked for again was complete already."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xarray_omezarr.errors import TargetExistsError
from xarray_omezarr.hierarchy import join
from xarray_omezarr.ngff.multiscale import Image
from xarray_omezarr.store.claim import CLAIM, take
from xarray_omezarr.store.nodes import get
from xarray_omezarr.store.occupancy import inspect_target
from xarray_omezarr.store.resume import difference, planned_documents
from xarray_omezarr.windows import needs_windows, with_stored_windows

if TYPE_CHECKING:
    from xarray_omezarr.hierarchy import GroupNode, Hierarchy
    from xarray_omezarr.store.target import Target


@dataclass(frozen=True, slots=True)
class AsFound:
    """Gives the group of a write that was complete; whoever died right then is tidied.

    Parameters
    ----------
    target : Target
        Where it is.
    finish : callable
        Gives the group, and has it listed where it is not yet.
    """

    target: Target
    finish: Callable[[], Any]

    def __call__(self) -> Any:
        """The group.

        Raises
        ------
        LockedError
            If the writer is at it still.
        """
        key = join(self.target.path, CLAIM)
        if get(self.target.store, [key])[key] is None:
            return self.finish()
        with take(self.target, secrets.token_hex(8), replaces=False):
            return self.finish()


def is_finished(hierarchy: Hierarchy, target: Target) -> bool:
    """Whether all of `hierarchy` is stored, to the last of its metadata.

    Raises
    ------
    TargetExistsError
        If something else is.
    """
    found = inspect_target(target)
    if found.is_free or found.kind != "group":
        return False
    planned = planned_documents(hierarchy, target)
    for key, theirs in get(target.store, planned).items():
        if theirs != planned[key]:
            said = (
                f"there is no {key!r}"
                if theirs is None
                else difference(key, planned[key], theirs)
            )
            raise _is_another(target, said)
    name = "zarr.json" if hierarchy.version.features.zarr_format == 3 else ".zattrs"
    keys = {join(target.path, path, name): path for path in hierarchy.groups}
    for key, content in get(target.store, keys).items():
        path = keys[key]
        node = hierarchy.group(path)
        if not _is_group(hierarchy, node, content, is_root=not path):
            raise _is_another(target, f"the metadata of {path or '/'!r} differ")
    files = {join(target.path, path): file for path, file in hierarchy.files.items()}
    for key, content in get(target.store, files).items():
        if content != files[key]:
            raise _is_another(target, f"the file {key!r} differs")
    return True


def _is_another(target: Target, said: str) -> TargetExistsError:
    return TargetExistsError(
        f"{target} holds something that is finished and is not what was to be written: "
        f"{said}; mode='w' without resume replaces it, and group= writes beside it"
    )


def _is_group(
    hierarchy: Hierarchy, node: GroupNode, content: bytes | None, *, is_root: bool
) -> bool:
    """Whether a group says what was planned, windows of channels aside."""
    try:
        told = json.loads(content or b"{}")
        attrs = told["attributes"] if "node_type" in told else told
        model = node.model
        if isinstance(model, Image) and needs_windows(model):
            stored = hierarchy.version.from_attrs(attrs)
            if not isinstance(stored, Image):
                return False
            model = with_stored_windows(model, stored)
    except (KeyError, TypeError, ValueError):
        return False
    ome = {} if model is None else hierarchy.version.to_attrs(model)
    wanted = json.loads(json.dumps({**node.attrs, **ome}))
    # A group that was there may have had attributes of its own.
    given = {key: attrs.get(key) for key in wanted} if is_root else attrs
    return bool(given == wanted)
