"""Stores on S3 are measured with few requests, and without being listed."""

from __future__ import annotations

import obstore
import pytest
import zarr
from zarr.storage import ObjectStore

import xarray_omezarr as xo
from tests.integration.handmade import Folder
from tests.integration.test_object_stores import BUCKET, s3, server

__all__ = ["s3", "server"]  # fixtures

# Clients and servers of others warn of each other's old habits.
pytestmark = pytest.mark.filterwarnings(
    "default", "error::xarray_omezarr.OmeZarrWarning"
)


@pytest.fixture(params=["s3fs", "obstore"])
def place(s3, request, tmp_path):
    """A label image on the server: how it is opened, and the client that put it."""
    made, name = s3
    folder = Folder(tmp_path / "store.zarr").labelled()
    client = made.obstore(name)
    for file in folder.path.rglob("*"):
        if file.is_file():
            key = file.relative_to(folder.path).as_posix()
            obstore.put(client, key, file.read_bytes())
    if request.param == "s3fs":
        return (f"s3://{BUCKET}/{name}", {"storage_options": made.options}), client
    return (client, {}), client


def test_an_image_with_labels_on_a_server_has_no_findings(place) -> None:
    (store, options), _ = place
    report = xo.validate(store, data="all", **options)
    assert report.findings == (), str(report)
    assert report.nodes == 7


def test_what_is_missing_or_broken_on_a_server_is_found(place) -> None:
    (store, options), client = place
    obstore.delete(client, "labels/cells/1/zarr.json")
    obstore.put(client, "0/c/0/0/0", b"no chunk")
    found = {(one.path, one.seen) for one in xo.validate(store, **options).errors}
    assert found == {("labels/cells", '"1"'), ("0", "c/0/0/0")}


def test_nothing_on_a_server_is_not_there(s3) -> None:
    made, name = s3
    with pytest.raises(xo.TargetNotFoundError):
        xo.validate(f"s3://{BUCKET}/{name}-not", storage_options=made.options)
    with pytest.raises(xo.TargetNotFoundError):
        xo.validate(made.obstore(f"{name}-not"))


def test_an_image_put_by_others_is_one_group_of_a_server(place) -> None:
    (_, _), client = place
    group = zarr.open_group(ObjectStore(client), mode="r")
    assert xo.validate(group).ok
    assert xo.validate(group["labels/cells"]).findings == ()
