"""Version: what a version of the standard is asked, and what it can hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    # Who asks which version attributes are written in needs no models.
    from xarray_omezarr.ngff.bioformats2raw import Bioformats2Raw, Series
    from xarray_omezarr.ngff.labels import LabelImage, LabelsGroup
    from xarray_omezarr.ngff.multiscale import Image
    from xarray_omezarr.ngff.plate import Plate, Well
    from xarray_omezarr.ngff.scene import Scene

    #: What the attributes of a group can say.
    Metadata: TypeAlias = (
        Image
        | LabelImage
        | LabelsGroup
        | Plate
        | Well
        | Bioformats2Raw
        | Series
        | Scene
    )


@dataclass(frozen=True, slots=True)
class Features:
    """What a version of the standard can hold.

    Parameters
    ----------
    zarr_format : {2, 3}
        Format of all groups and arrays.
    sharding : bool
        Whether several chunks can share one stored object.
    separator : {".", "/"}
        What stands between the indices in keys of chunks.
    dims : tuple of str, optional
        The axes that every image has, in their order; None if images choose.
    transformations : bool
        Whether levels tell their scale and translation.
    units : bool
        Whether axes tell their unit.
    namespace : bool
        Whether everything stands under the key ``ome``.
    systems : bool
        Whether coordinate systems have names, and transformations between them.
    """

    zarr_format: Literal[2, 3]
    sharding: bool
    separator: Literal[".", "/"] = "/"
    dims: tuple[str, ...] | None = None
    transformations: bool = True
    units: bool = True
    namespace: bool = False
    systems: bool = False


@runtime_checkable
class Version(Protocol):
    """One spelling of the metadata. Versions are values: equal ones are the same."""

    @property
    def name(self) -> str:
        """What stands in files: two numbers with a point between."""
        ...

    @property
    def features(self) -> Features:
        """What it can hold."""
        ...

    def fitted(self, model: Metadata) -> tuple[Metadata, tuple[str, ...]]:
        """The part of a model that the version can hold, and what it cannot.

        Returns
        -------
        model : Metadata
            The model without what has no place; the same where all has one.
        lost : tuple of str
            What has no place, in words that name the field.
        """
        ...

    def to_attrs(self, model: Metadata) -> dict[str, Any]:
        """All attributes of the group, as JSON.

        Raises
        ------
        NotInVersionError
            If the version has no place for something.
        MetadataError
            If the metadata break a MUST of the standard, or are no JSON.
        """
        ...

    def from_attrs(self, attrs: Mapping[str, Any]) -> Metadata:
        """What the attributes of a group say.

        Slips that files in use contain are put right or left out, with one
        `OmeZarrWarning` that names them all.

        Raises
        ------
        MetadataError
            If they break a MUST of the standard.
        """
        ...

    def foreign(self, attrs: Mapping[str, Any]) -> dict[str, Any]:
        """The attributes of a group that are not the standard's."""
        ...
