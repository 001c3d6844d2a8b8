"""Names under which xarray objects carry what their dims cannot say."""

from __future__ import annotations

#: Variable of a Dataset that holds the pixels of an image.
VARIABLE = "image"
#: Names of variables that say nothing about the image in them.
GENERIC_NAMES = (VARIABLE, "labels")

#: Coordinates along the channel dim whose names begin so describe the channels.
CHANNEL_PREFIX = "channel_"
#: The exact names of the channels, where an index needs others.
CHANNEL_LABEL = f"{CHANNEL_PREFIX}label"

#: Key of a variable's encoding: the scale it was read with, by dim, in the unit of
#: the coordinate. One pixel that is left of a dim has no neighbour to tell it by.
SCALE_KEY = "omezarr_scale"
#: Key of a variable's encoding: the name of the image it was read from.
NAME_KEY = "omezarr_name"
