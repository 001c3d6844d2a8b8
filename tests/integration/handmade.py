"""Stores put together by hand, document by document, as the text has them."""

from __future__ import annotations

import json

import numpy as np
import zarr

SCALES = ([1.0, 0.5, 0.5], [1.0, 1.0, 1.0])
SHAPES = ((2, 16, 12), (2, 8, 6))
AXES = (
    {"name": "c", "type": "channel"},
    {"name": "y", "type": "space", "unit": "micrometer"},
    {"name": "x", "type": "space", "unit": "micrometer"},
)


class Folder:
    """A hierarchy in a local folder whose attributes can be changed."""

    def __init__(self, path, version="0.5"):
        self.path, self.version = path, version
        self.is_v2 = version in ("0.1", "0.2", "0.3", "0.4")

    def group(self, path="", ome=None):
        folder = self.path / path
        folder.mkdir(parents=True, exist_ok=True)
        if self.is_v2:
            (folder / ".zgroup").write_text('{"zarr_format": 2}')
            if ome is not None:
                (folder / ".zattrs").write_text(json.dumps(ome))
            return self
        attrs = {} if ome is None else {"ome": {"version": self.version, **ome}}
        document = {"zarr_format": 3, "node_type": "group", "attributes": attrs}
        (folder / "zarr.json").write_text(json.dumps(document))
        return self

    def array(self, path, shape, dtype="uint16", dims=("c", "y", "x"), **options):
        if self.is_v2:
            options = {"chunk_key_encoding": {"name": "v2", "separator": "/"}} | options
        else:
            options["dimension_names"] = dims
        array = zarr.create_array(
            self.path / path,
            shape=shape,
            chunks=tuple(min(8, size) for size in shape),
            dtype=dtype,
            zarr_format=2 if self.is_v2 else 3,
            overwrite=True,
            **options,
        )
        values = np.ones(shape, "uint8").cumsum(-1) % 100
        array[...] = values.astype(dtype)
        return self

    def ome(self, path=""):
        """The attributes of OME of a group, and where they are."""
        name = ".zattrs" if self.is_v2 else "zarr.json"
        file = self.path / path / name
        document = json.loads(file.read_text())
        return (document if self.is_v2 else document["attributes"]["ome"]), document

    def change(self, path, change):
        """Change the attributes of a group in place."""
        ome, document = self.ome(path)
        change(ome)
        name = ".zattrs" if self.is_v2 else "zarr.json"
        (self.path / path / name).write_text(json.dumps(document))
        return self

    def image(self, path="", name="img", dtype="uint16", label=None, arrays=True):
        """An image of two levels; with `label` a label image."""
        entry = {
            "name": name,
            "type": "mean",
            "metadata": {"method": "mean"},
            "axes": AXES,
            "datasets": [
                {
                    "path": str(number),
                    "coordinateTransformations": [
                        {"type": "scale", "scale": scale},
                        {"type": "translation", "translation": [0.0, start, start]},
                    ],
                }
                for number, (scale, start) in enumerate(
                    zip(SCALES, (0.0, 0.25), strict=True)
                )
            ],
        }
        ome = {"multiscales": [entry]}
        if self.is_v2:
            entry["version"] = self.version
        if label is not None:
            ome["image-label"] = label
        self.group(path, ome)
        for number, shape in enumerate(SHAPES) if arrays else ():
            self.array(f"{path}/{number}".strip("/"), shape, dtype)
        return self

    def labelled(self, path=""):
        """An image with a label image ``cells``."""
        below = f"{path}/labels" if path else "labels"
        colors = [
            {"label-value": value, "rgba": [value, 0, 0, 255]} for value in range(100)
        ]
        label = {"colors": colors, "source": {"image": "../../"}}
        label["version"] = self.version
        self.image(path)
        self.group(below, {"labels": ["cells"]})
        return self.image(f"{below}/cells", "cells", "uint8", label)

    def plate(self, wells=("A/1", "B/2"), fields=("0",), arrays=True, **members):
        """A plate with an image for each field."""
        rows = sorted({well.split("/")[0] for well in wells})
        columns = sorted({well.split("/")[1] for well in wells}, key=int)
        plate = {
            "name": "plate",
            "version": self.version,
            "field_count": len(fields),
            "rows": [{"name": row} for row in rows],
            "columns": [{"name": column} for column in columns],
            "wells": [
                {
                    "path": well,
                    "rowIndex": rows.index(well.split("/")[0]),
                    "columnIndex": columns.index(well.split("/")[1]),
                }
                for well in wells
            ],
            **members,
        }
        self.group("", {"plate": plate})
        for row in rows:
            self.group(row)
        for well in wells:
            images = [{"path": field} for field in fields]
            self.group(well, {"well": {"images": images, "version": self.version}})
            for field in fields:
                self.image(f"{well}/{field}", arrays=arrays)
        return self

    def collection(self, names=("0", "1"), series=True, xml=True):
        """A collection of images."""
        self.group("", {"bioformats2raw.layout": 3})
        self.group("OME", {"series": list(names)} if series else None)
        for name in names:
            self.image(name)
        if xml:
            (self.path / "OME" / "METADATA.ome.xml").write_text(ome_xml(len(names)))
        return self


def ome_xml(count, width=12):
    """OME-XML of images like those of `Folder.image`."""
    images = "".join(
        f"<Image ID='Image:{i}' Name='img'><Pixels ID='Pixels:{i}' Type='uint16' "
        f"DimensionOrder='XYCZT' SizeX='{width}' SizeY='16' SizeC='2' SizeZ='1' "
        "SizeT='1'><MetadataOnly/></Pixels></Image>"
        for i in range(count)
    )
    name = "http://www.openmicroscopy.org/Schemas/OME/2016-06"
    return f"<OME xmlns='{name}'>{images}</OME>"


def pointed(finding):
    pointer = finding.pointer
    return pointer.removeprefix("/ome") if pointer.startswith("/ome/") else pointer


def told(report):
    """Severity, node and pointer of each finding, versions' namespace aside."""
    return {(one.severity, one.path, pointed(one)) for one in report.findings}


def only(report, severity, path, pointer, words):
    """The finding, if there is no other."""
    assert told(report) == {(severity, path, pointer)}, str(report)
    assert words in report.findings[0].message
    assert report.findings[0].clause
    assert report.findings[0].remedy
    assert report.ok is (severity == "warning")


def multiscale(ome):
    return ome["multiscales"][0]
