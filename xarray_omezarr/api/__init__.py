"""The verbs of the package as typed functions: plan, write, open."""

from xarray_omezarr.api.amending import prepare_image
from xarray_omezarr.api.collections import (
    plan_bioformats2raw,
    prepare_bioformats2raw,
    write_bioformats2raw,
)
from xarray_omezarr.api.committing import commit
from xarray_omezarr.api.describe import (
    image_axes,
    image_channels,
    image_grid,
    image_metadata,
    quantify,
)
from xarray_omezarr.api.fields import write_field
from xarray_omezarr.api.images import plan_image, write_image
from xarray_omezarr.api.kinds import (
    label_colors,
    label_properties,
    node_kind,
    node_levels,
)
from xarray_omezarr.api.labels import plan_labels, prepare_labels, write_labels
from xarray_omezarr.api.metadata import read_metadata, write_metadata
from xarray_omezarr.api.opening import can_open, open_groups, open_image, open_level
from xarray_omezarr.api.placing import coordinate_systems, to_system
from xarray_omezarr.api.plates import plan_plate, prepare_plate, write_plate
from xarray_omezarr.api.rebuilding import build_pyramid
from xarray_omezarr.api.scenes import plan_scene, write_scene
from xarray_omezarr.api.series import write_series
from xarray_omezarr.api.stacking import open_plate, stack_plate
from xarray_omezarr.api.trees import image_pyramid
from xarray_omezarr.api.updating import update
from xarray_omezarr.grid.assign import assign_grid
from xarray_omezarr.read.assembling import as_tree, nothing_is_garbage
from xarray_omezarr.write.templates import template

__all__ = [
    "as_tree",
    "assign_grid",
    "build_pyramid",
    "can_open",
    "commit",
    "coordinate_systems",
    "image_axes",
    "image_channels",
    "image_grid",
    "image_metadata",
    "image_pyramid",
    "label_colors",
    "label_properties",
    "node_kind",
    "node_levels",
    "nothing_is_garbage",
    "open_groups",
    "open_image",
    "open_level",
    "open_plate",
    "plan_bioformats2raw",
    "plan_image",
    "plan_labels",
    "plan_plate",
    "plan_scene",
    "prepare_bioformats2raw",
    "prepare_image",
    "prepare_labels",
    "prepare_plate",
    "quantify",
    "read_metadata",
    "stack_plate",
    "template",
    "to_system",
    "update",
    "write_bioformats2raw",
    "write_field",
    "write_image",
    "write_labels",
    "write_metadata",
    "write_plate",
    "write_scene",
    "write_series",
]
