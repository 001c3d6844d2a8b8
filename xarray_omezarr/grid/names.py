"""Names under which xarray objects carry what their dims cannot say."""

from __future__ import annotations

import re
from typing import Any, TypedDict

#: Variable of a Dataset that holds the pixels of an image.
VARIABLE = "image"
#: Variable of a node that holds a label image.
LABELS = "labels"
#: Names of variables that say nothing about the image in them.
GENERIC_NAMES = (VARIABLE, LABELS)

# A hyphen and a digest, or a random number of as many digits.
_TOKEN = re.compile(r"-[0-9a-f]{32}\Z")


def is_token(name: object) -> bool:
    """Whether dask has made a name: xarray calls an array after its key.

    It stays when the array has become another, and is another in each process.

    Examples
    --------
    >>> is_token("random_sample-fded2ea0c1f64d0f9a3b6b8d1c2e4f50")
    True
    >>> is_token("plate-3")
    False
    """
    return isinstance(name, str) and _TOKEN.search(name) is not None


#: Coordinates along the channel dim whose names begin so describe the channels.
CHANNEL_PREFIX = "channel_"
#: The exact names of the channels, where an index needs others.
CHANNEL_LABEL = f"{CHANNEL_PREFIX}label"

#: Key of a variable's encoding: the scale it was read with, by dim, in the unit of
#: the coordinate. One pixel that is left of a dim has no neighbour to tell it by.
SCALE_KEY = "omezarr_scale"
#: Key of a variable's encoding: the name of the image it was read from.
NAME_KEY = "omezarr_name"
#: Key of a variable's encoding: what the store says of all levels of its image; see
#: `StoredLevels`.
LEVELS_KEY = "omezarr_levels"
#: Key of a node's encoding: what it is, which structure alone may not tell.
KIND_KEY = "omezarr_kind"
#: Kind of a node with a matrix that transformations name, and its variable.
PARAMETERS = "parameters"
#: Key of the encoding of a variable or node: the coordinate systems that its positions
#: can be told in, where there are several; a `transforming.frame.Frame`.
FRAME_KEY = "omezarr_frame"
#: Beside it, where there is a channel dim: the names of all channels in their order,
#: None where one has none. It tells which are left once some were selected.
NUMBERED_KEY = "omezarr_channels"
#: Key of the encoding of a coordinate: it came from placing, and may be replaced.
PLACED_KEY = "omezarr_placed"


class StoredLevels(TypedDict):
    """What a level that was read knows of the pyramid it belongs to.

    ``number`` is its own, ``opened`` those of the levels opened with it. ``factors``
    has pixels of level 0 per pixel by dim, one mapping per stored level; ``type`` and
    ``metadata`` are what the standard lets a pyramid say of how it was made.
    """

    number: int
    opened: tuple[int, ...]
    factors: tuple[dict[str, float], ...]
    type: str | None
    metadata: Any


#: Attribute of a stacked plate: names of the label images that its fields have.
LABEL_IMAGES = "label_images"

#: Encoding of its coordinate ``present``: the type that the pixels had.
DTYPE_KEY = "omezarr_dtype"

#: Attribute with what the standard's metadata say and xarray has no place for.
OME = "ome"
