"""What most programs do with the package, in a process of its own.

``python -m tests.integration.journey FOLDER`` prints what it read back, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import xarray as xr

import xarray_omezarr as xo

PIXELS = np.arange(2 * 3 * 40 * 30, dtype="uint16").reshape(2, 3, 40, 30)
CHANNELS = ["DAPI", "β-tubulin", "Gfäp"]


def picture(pixels=PIXELS):
    """Two time points, three channels with names of all the world, micrometers."""
    return xr.DataArray(
        pixels, dims=("t", "c", "y", "x"), coords={"c": CHANNELS}, name="zellkörper"
    ).omezarr.assign_grid(
        scale={"t": 2.5, "y": 0.325, "x": 0.325}, units={"t": "s", "y": "µm", "x": "µm"}
    )


def travel(folder: Path) -> dict[str, object]:
    """Write, add, change, read, check and convert."""
    place = folder / "größe.ome.zarr"
    da = picture()
    da.omezarr.to_image(place, chunks=(1, 1, 16, 16))
    xo.write_image(da + np.uint16(1), place, mode="w", chunks=(1, 1, 16, 16))
    later = da.isel(t=[0]).assign_coords(t=("t", [5.0], da.t.attrs))
    xo.write_image(later, place, append_dim="t")
    xo.write_image(da.isel(t=1), place, region={"t": 0})
    (da[0, 0] > 100).omezarr.to_labels(place, "kerne", colors={1: "#ff0000"})
    xo.update(place, attrs={"note": "日本"})
    wells = {f"A/{n}/0": da.to_dataset(name="image") for n in (1, 2)}
    xr.DataTree.from_dict(wells).omezarr.to_plate(folder / "plate.ome.zarr")
    da.omezarr.to_field(folder / "plate.ome.zarr", "B/1/0")
    xo.convert(place, folder / "older.ome.zarr", version="0.4")
    reports = [xo.validate(path) for path in sorted(folder.glob("*.ome.zarr"))]
    opened = xo.open_image(place)
    return {
        "valid": all(report.ok for report in reports),
        "frames": [int(frame.values.sum()) for frame in opened],
        "channels": opened.c.values.tolist(),
        "unit": opened.x.attrs["units"],
        "x": float(opened.x[1]),
        "labels": int(xr.open_dataset(place, engine="omezarr").kerne.sum()),
        "fields": int(xo.open_plate(folder / "plate.ome.zarr").present.sum()),
        "stores": len(reports),
    }


#: What `travel` gives, by hand.
EXPECTED = {
    "valid": True,
    "frames": [int(PIXELS[i].astype(int).sum() + n) for i, n in ((1, 0), (1, 3600))]
    + [int(PIXELS[0].astype(int).sum())],
    "channels": CHANNELS,
    "unit": "micrometer",
    "x": 0.325,
    "labels": 40 * 30 - 101,
    "fields": 3,
    "stores": 3,
}

if __name__ == "__main__":
    print(json.dumps(travel(Path(sys.argv[1]))))
