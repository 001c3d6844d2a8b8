"""Which coordinate of an object an axis of another system becomes, and its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from xarray_omezarr.grid.names import PLACED_KEY
from xarray_omezarr.placing.positions import dim_of, same_axis

if TYPE_CHECKING:
    import xarray as xr

    from xarray_omezarr.grid.dims import Role
    from xarray_omezarr.placing.plan import Chain, Output


@dataclass(frozen=True, slots=True)
class Naming:
    """Names for the axes of a system on one object.

    Parameters
    ----------
    obj : xarray.DataArray
        The object.
    chain : Chain
        Its way to the system.
    found : mapping
        What each dim of the object is.
    whole : bool
        Whether all its coordinates become positions in the system: each axis lies
        along the dim that is called so, and no dim is left over.
    given : frozenset of str
        Names of variables that others gave, which stay.
    """

    obj: xr.DataArray
    chain: Chain
    found: Mapping[str, Role]
    whole: bool
    given: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        obj: xr.DataArray,
        chain: Chain,
        found: Mapping[str, Role],
        given: frozenset[str] = frozenset(),
    ) -> Naming:
        """Names for an object."""
        names = cls(obj, chain, found, True, given)
        lines = [output for output in chain.outputs if output.dims]
        fitting = all(names.home(o) is not None for o in lines)
        fitting = fitting and all(map(names.may_change, chain.outputs))
        covered = {dim for output in lines for dim in output.dims}
        dims = {place.dim for place in chain.places if place.dim is not None}
        return cls(obj, chain, found, fitting and dims <= covered, given)

    def home(self, output: Output) -> int | None:
        """The axis of the own system whose coordinate an output replaces, by place.

        None where it does not: it lies along several dims, or along one of another
        name.
        """
        places = self.chain.places
        if len(output.dims) == 1:
            (dim,) = output.dims
            if dim_of(output.axis.name, self.found) != dim:
                return None
            return next(at for at, place in enumerate(places) if place.dim == dim)
        if output.dims or len(output.inputs) != 1:
            return None
        (at,) = output.inputs
        return at if same_axis(places[at].axis.name, output.axis.name) else None

    def may_change(self, output: Output) -> bool:
        """Whether what an output replaces may be replaced: it is no name of channels.

        An output that changes nothing may, too.
        """
        if output.same:
            return True
        if not output.dims:
            # The name of a channel that was selected is no position.
            return not self._is_channel(self.home(output))
        (dim,) = output.dims
        return dim not in self.obj.coords or self.found[dim].type != "channel"

    def replaces(self, output: Output) -> int | None:
        """As `home`, where the coordinate is replaced, or already is what it says."""
        at = self.home(output)
        if at is None or not self.may_change(output):
            return None
        # The others stay positions in the own system: a matrix must lead back.
        is_linear = self.chain.rows[output.number] is not None
        return at if self.whole or is_linear else None

    def is_kept(self, output: Output) -> bool:
        """Whether nothing is to be done: the coordinate says it already, or better."""
        at = self.home(output)
        if not output.same or at is None:
            return output.same and self.chain.places[min(output.inputs)].along is None
        if self.chain.places[at].along is None:
            return True
        if not output.dims:
            return self._is_channel(at)
        (dim,) = output.dims
        if dim not in self.obj.coords or self.found[dim].type == "channel":
            return True
        known = self.obj.coords[dim]
        is_exact = known.dtype == np.float64
        return known.dtype.kind not in "iuf" or (
            is_exact and known.attrs.get("units") == output.axis.unit
        )

    def name(self, output: Output) -> str:
        """What the coordinate is called."""
        axis, at = output.axis.name, self.replaces(output)
        if at is not None and output.dims:
            return output.dims[0]
        taken = dim_of(axis, self.found) is not None
        if not taken and at is None and not self.whole:
            # Where the object was selected, the other coordinates depend on it.
            taken = self._is_selected(axis)
        taken = taken or (at is None and axis in self.given)
        return self.apart(output) if taken else axis

    def apart(self, output: Output) -> str:
        """The name of a coordinate whose axis is called as something else."""
        name = f"{output.axis.name}_{self.chain.system}"
        while name in self.given:
            name += "_"
        return name

    def lazy(self, output: Output) -> str:
        """The name of a coordinate that shares its index with others."""
        axis = output.axis.name
        taken = dim_of(axis, self.found) is not None or self._is_selected(axis)
        taken = taken or axis in self.given
        return self.apart(output) if taken else axis

    def _is_channel(self, at: int | None) -> bool:
        return at is not None and self.chain.places[at].axis.type == "channel"

    def _is_selected(self, axis: str) -> bool:
        """Whether it is an axis of the own system along which one pixel is left."""
        return any(
            place.dim is None
            and place.along is not None
            and same_axis(place.axis.name, axis)
            for place in self.chain.places
        )


def given_names(obj: xr.DataArray, beside: xr.Dataset | None = None) -> frozenset[str]:
    """Names of variables along with an object that did not come from placing it."""
    variables = {name: coord.variable for name, coord in obj.coords.items()}
    if beside is not None:
        variables |= beside.variables
    return frozenset(
        str(name)
        for name, variable in variables.items()
        if not variable.encoding.get(PLACED_KEY)
    )
