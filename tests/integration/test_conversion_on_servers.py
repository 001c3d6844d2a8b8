"""Conversions from and to an S3 server: every object is fetched and put once."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import zarr
from zarr.storage import ObjectStore

from tests.integration.plates import pixels, plate
from tests.integration.test_object_stores import BUCKET, s3, server
from xarray_omezarr import errors
from xarray_omezarr.conversion import convert

__all__ = ["s3", "server"]

# Packages of others warn in their own way.
pytestmark = pytest.mark.filterwarnings("default")


def place(server, client, name):
    """A store of either client, and its options."""
    if client == "s3fs":
        return f"s3://{BUCKET}/{name}", {"storage_options": server.options}
    return server.obstore(name), {}


@pytest.mark.parametrize("client", ["s3fs", "obstore"])
def test_a_plate_goes_up_across_and_down(s3, client, tmp_path):
    found, name = s3
    plate(tmp_path / "s.zarr", 2)
    table = zarr.open_group(tmp_path / "s.zarr", mode="r+").create_group("tables")
    table.create_array("area", data=np.arange(5.0))
    up, options = place(found, client, f"{name}/up")
    convert(tmp_path / "s.zarr", up, version="0.5", **options)
    found.requests.clear()
    across, options = place(found, client, f"{name}/across")
    convert(up, across, version="0.4", wells=["B/2"], **options)
    chunks = [
        path.removeprefix(f"{name}/up/")
        for method, path in found.requests
        if method == "GET" and "/up/" in path and "/c/" in path
    ]
    assert set(Counter(chunks).values()) == {1}
    # Of the well that was chosen, and of the table.
    assert {path.split("/c/")[0] for path in chunks} == {
        *("B/2/0/0", "B/2/0/1", "B/2/10/0", "B/2/10/1"),
        "tables/area",
    }
    puts = Counter(path for path in found.puts if "/across/" in path)
    assert {puts[p] for p in puts if not p.rsplit("/", 1)[-1].startswith(".z")} == {1}
    options = {f"source_{key}": value for key, value in options.items()}
    convert(across, tmp_path / "t.zarr", version="0.5", **options)
    group = zarr.open_group(tmp_path / "t.zarr", mode="r")
    np.testing.assert_array_equal(group["B/2/0/0"][:], pixels(4))
    np.testing.assert_array_equal(group["tables/area"][:], np.arange(5.0))


@pytest.mark.parametrize("client", ["s3fs", "obstore"])
def test_a_place_on_a_server_is_not_converted_into_itself(s3, client, tmp_path):
    found, name = s3
    plate(ObjectStore(found.obstore(name)))
    found.requests.clear()
    store, options = place(found, client, name)
    with pytest.raises(errors.OptionError, match="neither"):
        convert(store, store, mode="w", **options)
    assert found.puts == []
