"""Whole stores that are written from xarray objects satisfy the standard's schemas."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

import xarray_omezarr as xo

SchemaErrors = Callable[[str, str, dict[str, Any]], list[str]]

SIZES = {"t": 3, "c": 2, "z": 4, "y": 40, "x": 50, "angle": 5}
STEPS = {"t": 1.5, "z": 0.75, "y": 0.325, "x": 0.325, "angle": 30.0}
UNITS = {"t": "s", "z": "um", "y": "µm", "x": "micron", "angle": "degree"}

# The lists of the standard: what a unit of space or time SHOULD be (RULES A11).
PREFIXES = (
    "atto centi deca deci exa femto giga hecto kilo mega micro milli nano peta pico "
    "tera yocto yotta zepto zetta"
).split()
SPACE_UNITS = {f"{prefix}meter" for prefix in PREFIXES}
SPACE_UNITS |= {*"angstrom foot inch meter mile parsec yard".split()}
TIME_UNITS = {f"{prefix}second" for prefix in PREFIXES}
TIME_UNITS |= {*"day hour minute second".split()}


@dataclass(frozen=True)
class Written:
    """An object, the options it is written with, and where the image will be."""

    da: xr.DataArray
    options: dict[str, Any] = field(default_factory=dict)
    place: str = ""
    warns: str | None = None


def image(dims, *, units=True, dtype="uint16", coords=True):
    shape = tuple(SIZES[dim] for dim in dims)
    made: dict[str, Any] = {}
    for dim, size in zip(dims, shape, strict=True):
        if dim != "c" and coords:
            attrs = {"units": UNITS[dim]} if units else {}
            made[dim] = (dim, 10 + STEPS[dim] * np.arange(size), attrs)
    pixels = np.random.default_rng(0).integers(0, 2, shape).astype(dtype)
    return xr.DataArray(pixels, made, tuple(dims))


def uneven_times():
    times = ("t", [0.0, 1.0, 5.0], {"units": "s"})
    return image("tyx").assign_coords(t=times)


def dated():
    dates = np.array(["2024-01-01", "2024-01-02", "2024-01-03"], "M8[ns]")
    drift = (("t", "y"), np.full((3, 40), np.nan))
    return image("tyx").assign_coords(t=dates, drift=drift, stage=("t", [1.5, 2, 3]))


def lost_signal():
    da = image("cyx", dtype="float32")
    da[0] = np.nan
    da[1, 0, 0] = np.inf
    return da


CHANNELS = ["DAPI", {"label": "GFP", "color": "#00ff00", "active": False}]
WINDOW = {"start": 0, "end": 200}
FACTORS = [2, 4]

STORES = {
    **{dims: Written(image(dims)) for dims in ["yx", "zyx", "tyx", "cyx", "tczyx"]},
    "zx": Written(image("zx")),
    "tcyx": Written(image("tcyx"), {"scale_factors": FACTORS}),
    "czyx": Written(image("czyx"), {"scale_factors": [{"z": 2, "y": 2, "x": 2}]}),
    "reordered": Written(image("xyczt"), {"scale_factors": [3]}),
    "no units": Written(image("tczyx", units=False)),
    "no coordinates": Written(image("tczyx", coords=False)),
    "no pyramid": Written(image("cyx"), {"scale_factors": None}),
    "channels": Written(image("cyx"), {"channels": CHANNELS}),
    "windows": Written(image("cyx"), {"channels": [{"window": WINDOW}] * 2}),
    "numbered channels": Written(image("cyx").assign_coords(c=[405, 488])),
    "one channel": Written(image("yx"), {"channels": ["DAPI"]}),
    "nested": Written(image("cyx"), {"group": "a/b"}, place="a/b"),
    "attrs": Written(
        image("yx").assign_attrs(who="me", n=np.int64(3)), {"attrs": {"by": ["hand"]}}
    ),
    "uneven": Written(uneven_times(), warns="not evenly spaced"),
    "dates": Written(dated()),
    "angle": Written(image(("angle", "y", "x")), warns="degree"),
    "bool": Written(image("yx", dtype="bool")),
    "floats": Written(image("cyx", dtype="float32")),
    "nothing to see": Written(lost_signal()),
    "nearest": Written(image("yx"), {"method": "nearest", "scale_factors": [5]}),
    "inserted": Written(image("yx"), {"dims": "tczyx"}),
    "lazy": Written(image("tczyx").chunk(7)),
    "whole numbers": Written(
        xr.DataArray(np.zeros((4, 4)), {"x": 2 * np.arange(4)}, ("y", "x"))
    ),
}
VERSIONS = ("0.4", "0.5")


@dataclass(frozen=True)
class Found:
    """A store that was written: what lies where, read as strict JSON."""

    version: str
    root: Path
    group: Path
    attributes: dict[str, Any]

    @property
    def ome(self):
        """The metadata of the standard."""
        return self.attributes["ome"] if self.version == "0.5" else self.attributes

    @property
    def multiscale(self):
        (multiscale,) = self.ome["multiscales"]
        return multiscale

    @property
    def channels(self):
        return self.ome.get("omero", {}).get("channels", [])

    @property
    def axes(self):
        return self.multiscale["axes"]


@pytest.fixture(
    scope="module",
    params=[(version, name) for version in VERSIONS for name in STORES],
    ids=lambda param: "-".join(param),
)
def found(request, tmp_path_factory):
    version, name = request.param
    return write_and_read(STORES[name], version, tmp_path_factory.mktemp("stores"))


def write_and_read(store, version, folder):
    root = folder / "written.ome.zarr"
    with warnings.catch_warnings():
        if store.warns is not None:
            warnings.filterwarnings("ignore", f".*{store.warns}", xo.OmeZarrWarning)
        xo.write_image(store.da, root, version=version, **store.options)
    group = root / store.place
    if version == "0.4":
        return Found(version, root, group, strict_json(group / ".zattrs"))
    document = strict_json(group / "zarr.json")
    return Found(version, root, group, document["attributes"])


def strict_json(file):
    """A JSON file that repeats no key and has no NaN, which Python would accept."""

    def refuse(constant):
        raise AssertionError(f"{file} holds {constant}")

    def once(pairs):
        assert len(dict(pairs)) == len(pairs), f"{file} repeats a key: {pairs}"
        return dict(pairs)

    text = file.read_text("utf-8")
    return json.loads(text, parse_constant=refuse, object_pairs_hook=once)


def test_the_official_schemas_have_nothing_against_it(
    found, schema_errors: SchemaErrors
):
    assert schema_errors(found.version, "image", found.attributes) == []
    # The strict one demands name, type and metadata: all that we write have them.
    assert schema_errors(found.version, "strict_image", found.attributes) == []
    if found.version == "0.5":
        assert schema_errors("0.5", "ome_zarr", found.attributes) == []


def test_no_value_is_null_or_empty(found):
    values = dict(walk(found.ome))
    assert [where for where, value in values.items() if value in (None, "")] == []
    assert len(values) > 5


def walk(value, where=""):
    """Every text, number and null of a document with the JSON pointer to it."""
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        yield where, value
        return
    for key, inner in items:
        yield from walk(inner, f"{where}/{key}")


def test_numbers_of_transformations_and_windows_are_floats(found):
    vectors = [
        transform[transform["type"]]
        for dataset in found.multiscale["datasets"]
        for transform in dataset["coordinateTransformations"]
    ]
    vectors += [list(channel["window"].values()) for channel in found.channels]
    assert {type(number) for vector in vectors for number in vector} == {float}


def test_windows_are_whole_and_not_empty(found):
    for channel in found.channels:
        window = channel["window"]
        assert set(window) == {"min", "max", "start", "end"}
        assert window["min"] <= window["start"] < window["end"] <= window["max"]


def test_axes_have_types_and_units_of_the_list(found):
    listed = {"space": SPACE_UNITS, "time": TIME_UNITS}
    for axis in found.axes:
        assert axis["type"]
        assert axis["type"] != "channel" or "unit" not in axis
        if "unit" in axis and axis["type"] in listed:
            assert axis["unit"] in listed[axis["type"]]


def test_transformations_are_a_scale_and_perhaps_a_translation(found):
    for dataset in found.multiscale["datasets"]:
        entries = dataset["coordinateTransformations"]
        kinds = [entry["type"] for entry in entries]
        assert kinds in (["scale"], ["scale", "translation"])
        for entry in entries:
            assert len(entry[entry["type"]]) == len(found.axes)
            assert set(entry) == {"type", entry["type"]}


def test_every_file_of_metadata_is_json_and_nothing_is_consolidated(found):
    names = (
        {"zarr.json"} if found.version == "0.5" else {".zgroup", ".zarray", ".zattrs"}
    )
    files = [
        file
        for file in found.root.rglob("*")
        if file.name.startswith(".z") or file.name == "zarr.json"
    ]
    # A copy of all metadata would be stale after the next change of one of them.
    assert {file.name for file in files} == names
    for file in files:
        document = strict_json(file)
        assert "consolidated_metadata" not in document
        attributes = document.get("attributes", document)
        assert [key for key in attributes if "unfinished" in key] == []


def test_arrays_have_the_separator_and_the_names_of_the_standard(found):
    names = [axis["name"] for axis in found.axes]
    for dataset in found.multiscale["datasets"]:
        folder = found.group / dataset["path"]
        if found.version == "0.4":
            array = strict_json(folder / ".zarray")
            assert array["dimension_separator"] == "/"
        else:
            array = strict_json(folder / "zarr.json")
            assert array["dimension_names"] == names
            assert array["chunk_key_encoding"]["configuration"]["separator"] == "/"
        assert len(array["shape"]) == len(names)


def test_there_is_one_channel_per_pixel_of_the_channel_axis(found):
    if "channels" not in found.ome.get("omero", {}):
        assert "channel" not in [axis["type"] for axis in found.axes]
        return
    kinds = [axis["type"] for axis in found.axes]
    level = found.group / found.multiscale["datasets"][0]["path"]
    name = ".zarray" if found.version == "0.4" else "zarr.json"
    shape = strict_json(level / name)["shape"]
    count = shape[kinds.index("channel")] if "channel" in kinds else 1
    assert len(found.channels) == count
    for channel in found.channels:
        assert len(channel["color"]) == 6
        assert int(channel["color"], 16) >= 0
        assert isinstance(channel["active"], bool)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_schemas_would_say_if_something_were_wrong(
    version, tmp_path, schema_errors: SchemaErrors
):
    found = write_and_read(STORES["yx"], version, tmp_path)
    del found.axes[0]["name"]
    assert schema_errors(version, "image", found.attributes) != []
