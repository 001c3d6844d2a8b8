"""New values put into the attributes of an image that stands; the rest stays as it is.

What is read and written again is corrected on the way, and keys of others may move.
Who changes one thing in a file of others leaves everything else to the letter.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from xarray_omezarr.ngff.multiscale import Image

if TYPE_CHECKING:
    from xarray_omezarr.ngff.omero import Omero
    from xarray_omezarr.ngff.versions.protocol import Version


def graft_levels(
    version: Version, attrs: Mapping[str, Any], image: Image
) -> dict[str, Any]:
    """`attrs` with the levels, ``type`` and ``metadata`` of the picture of `image`.

    An entry that has the path of an old one keeps the keys that are not known.
    """
    grafted, spelled = copy.deepcopy(dict(attrs)), _spelled(version, image, None)
    old = _holder(grafted)["multiscales"][0]
    new = _holder(spelled)["multiscales"][0]
    known = {entry["path"]: entry for entry in old["datasets"]}
    old["datasets"] = [
        {**known.get(entry["path"], {}), **entry} for entry in new["datasets"]
    ]
    for key in ("type", "metadata"):
        old.pop(key, None)
        if key in new:
            old[key] = new[key]
    return grafted


def graft_channels(
    version: Version, attrs: Mapping[str, Any], image: Image, omero: Omero
) -> dict[str, Any]:
    """`attrs` with the channels of `omero` put after those that are there."""
    grafted, spelled = copy.deepcopy(dict(attrs)), _spelled(version, image, omero)
    known = _holder(grafted)["omero"]["channels"]
    added: Sequence[Any] = _holder(spelled)["omero"]["channels"]
    _holder(grafted)["omero"]["channels"] = [*known, *added]
    return grafted


def _spelled(version: Version, image: Image, omero: Omero | None) -> dict[str, Any]:
    # As an image, also where it is a label image: what its values mean stays.
    return version.to_attrs(Image(multiscales=(image.multiscale,), omero=omero))


def _holder(attrs: dict[str, Any]) -> dict[str, Any]:
    """The object that has the key ``multiscales``: the attributes, or one in them."""
    if "multiscales" in attrs:
        return attrs
    inner: dict[str, Any] = attrs["ome"]
    return inner
