"""Plates and collections are corrected as a whole, in few requests, or not at all."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import LocalStore

import xarray_omezarr as xo
from tests.integration.operations import CountingStore
from tests.integration.test_object_stores import BUCKET, s3, server
from tests.integration.test_updating import cells, documents, picture, positions

__all__ = ["s3", "server"]  # fixtures

VERSIONS = ("0.4", "0.5")


def field(x: float = 0.0) -> xr.DataArray:
    da = xr.DataArray(np.ones((8, 12), "uint8"), dims=("y", "x"))
    return da.omezarr.assign_grid(
        scale={"y": 1.0, "x": 1.0},
        translation={"y": 0.0, "x": x},
        units=dict.fromkeys("yx", "micrometer"),
    )


def plate(store, *, rows="AB", columns=2, fields=2, labels=False, **options):
    tree = {}
    for row in rows:
        for column in range(1, columns + 1):
            for number in range(fields):
                place = f"/{row}/{column}/{number}"
                tree[place] = xr.Dataset({"image": field(100.0 * number)})
                if labels:
                    found = xr.Dataset({"labels": field(100.0 * number)})
                    tree[f"{place}/labels/cells"] = found
    xr.DataTree.from_dict(tree).omezarr.to_plate(
        store, **{"scale_factors": [2], **options}
    )
    return store


@pytest.mark.parametrize("version", VERSIONS)
def test_all_fields_get_the_scale_and_keep_their_places(tmp_path, version) -> None:
    path = plate(tmp_path / "p.zarr", labels=True, version=version)
    xo.update(path, scale={"y": 0.25, "x": 0.25}, units={"x": "nm"}, name="again")
    tree = xr.open_datatree(path, engine="omezarr", levels="all")
    for row in "AB":
        for column in "12":
            for number in (0, 1):
                for below in ("", "labels/cells/"):
                    node = tree[f"{row}/{column}/{number}/{below}1"]
                    first = str(100 * number)
                    expected = positions("0.25", first, 2, 6)
                    assert node.x.values.tolist() == expected
                    assert node.x.attrs["units"] == "nanometer"
                    assert node.y.attrs["units"] == "micrometer"
    assert xo.read_metadata(path).name == "again"


@pytest.mark.parametrize("version", VERSIONS)
def test_one_field_is_corrected_by_itself(tmp_path, version) -> None:
    path = plate(tmp_path / "p.zarr", labels=True, version=version)
    before = documents(path)
    group = xo.update(path, group="A/2/1", translation={"x": 7.0}, scale={"x": 2.0})
    assert group.path == "A/2/1"
    after = documents(path)
    changed = {name for name in before if before[name] != after[name]}
    document = ".zattrs" if version == "0.4" else "zarr.json"
    assert changed == {f"A/2/1/{document}", f"A/2/1/labels/cells/{document}"}
    assert xo.open_image(path / "A/2/1").x.values[:2].tolist() == [7.0, 9.0]
    xo.update(path, group="B/1", scale={"x": 4.0})
    assert xo.open_image(path / "B/1/0").x.values[1] == 4.0
    assert xo.open_image(path / "A/1/0").x.values[1] == 1.0


def test_one_place_for_all_fields_is_refused(tmp_path) -> None:
    path = plate(tmp_path / "p.zarr")
    before = documents(path)
    with pytest.raises(xo.OptionError, match=r"8 would come to lie.*group='A/1/0'"):
        xo.update(path, translation={"x": 0.0}, scale={"x": 2.0})
    assert documents(path) == before
    alone = plate(tmp_path / "one.zarr", rows="A", columns=1, fields=1)
    xo.update(alone, translation={"x": 3.0})
    assert xo.open_image(alone / "A/1/0").x.values[0] == 3.0


def test_wells_and_collections_have_no_name(tmp_path) -> None:
    path = plate(tmp_path / "p.zarr")
    with pytest.raises(xo.OptionError, match="Well has none"):
        xo.update(path, group="A/1", name="a")


def test_a_problem_of_many_fields_is_told_once(tmp_path) -> None:
    path = plate(tmp_path / "p.zarr")
    with pytest.raises(xo.AxisError, match=r"A/1/0.*4 more: There is no axis \['z'\]"):
        xo.update(path, scale={"z": 2.0})


def test_different_scales_that_become_one_are_told(tmp_path) -> None:
    path = plate(tmp_path / "p.zarr")
    xo.update(path, group="A/1/1", scale={"x": 3.0})
    with pytest.warns(xo.OmeZarrWarning, match=r"1\.0 in 'A/1/0', 3\.0 in 'A/1/1'"):
        xo.update(path, scale={"x": 2.0})
    assert xo.open_image(path / "A/1/1").x.values[1] == 102.0


def test_four_hundred_fields_take_one_put_each_and_few_rounds(tmp_path) -> None:
    store = LocalStore(tmp_path / "p.zarr")
    plate(store, rows="ABCDEFGHIJ", columns=10, fields=4, scale_factors=None)
    counting = CountingStore(store)
    xo.update(counting, scale={"x": 0.5})
    ledger = counting.ledger
    assert len(ledger.put) == 401  # and the log
    assert len({*ledger.put}) == 401
    assert len(ledger.deleted) == 1
    # Root, wells, fields, level 0 of each, lists of labels; then once more the
    # documents that change with those above them, and logs.
    assert len(ledger.got) < 3000
    assert not ledger.listed
    last = xr.open_datatree(store, engine="omezarr", wells=["J10"])
    assert last["J/10/3/0"].x.values[1] == 300.5


def collection(store, **options):
    images = {"0": picture(), "1": picture()}
    xo.write_bioformats2raw(images, store, scale_factors=[2], **options)
    return store


def steps(path: Path) -> list[tuple[str | None, str | None]]:
    text = (path / "OME/METADATA.ome.xml").read_text("utf-8")
    found = re.findall(r"<Pixels [^>]*>", text)
    return [
        tuple(
            match[1] if (match := re.search(rf'{key}="([^"]*)"', tag)) else None
            for key in ("PhysicalSizeX", "PhysicalSizeXUnit")
        )
        for tag in found
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_xml_of_a_collection_says_the_same(tmp_path, version) -> None:
    path = collection(tmp_path / "c.zarr", version=version)
    assert steps(path) == [("1.0", "µm"), ("1.0", "µm")]
    text = (path / "OME/METADATA.ome.xml").read_text("utf-8")
    xo.update(path, scale={"x": 0.5})
    assert steps(path) == [("0.5", "µm"), ("0.5", "µm")]
    xo.update(path, group="1", scale={"x": 250.0}, units={"x": "nm"}, name="<b>")
    assert steps(path) == [("0.5", "µm"), ("250.0", "nm")]
    xo.update(path, group="0", channels=["q", {"color": "0000FF"}])
    changed = (path / "OME/METADATA.ome.xml").read_text("utf-8")
    assert 'Name="&lt;b&gt;"' in changed
    assert 'Name="q"' in changed
    assert 'Color="65535"' in changed
    same = [line for line in text.splitlines() if line in changed.splitlines()]
    assert len(same) >= len(text.splitlines()) - 5
    ome_types = pytest.importorskip("ome_types")
    found = ome_types.from_xml(changed)
    assert found.images[1].pixels.physical_size_x == 250.0
    assert found.images[0].pixels.channels[0].name == "q"
    assert [image.id for image in found.images] == ["Image:0", "Image:1"]


def test_the_xml_of_other_programs_stays_with_a_warning(tmp_path) -> None:
    path = collection(tmp_path / "c.zarr")
    file = path / "OME/METADATA.ome.xml"
    text = file.read_text("utf-8").replace("xarray-omezarr", "a microscope")
    file.write_text(text, "utf-8")
    with pytest.warns(xo.OmeZarrWarning, match="another program wrote it"):
        xo.update(path, scale={"x": 0.5})
    assert file.read_text("utf-8") == text
    assert xo.open_image(path / "1").x.values[1] == 0.5


def test_attributes_of_a_plate_are_its_own(tmp_path) -> None:
    path = plate(tmp_path / "p.zarr")
    xo.update(path, attrs={"assay": "a"})
    assert zarr.open_group(path, mode="r").attrs["assay"] == "a"
    assert "assay" not in zarr.open_group(path, path="A/1/0", mode="r").attrs


def test_all_or_nothing_where_a_put_fails(tmp_path) -> None:
    path = plate(tmp_path / "p.zarr", labels=True)
    before = documents(path)

    class Breaking(CountingStore):
        left = 5

        async def set(self, key, value):
            Breaking.left -= 1
            if Breaking.left == 0:
                raise OSError("the server is gone for a moment")
            await super().set(key, value)

    with pytest.raises(OSError, match="for a moment") as raised:
        xo.update(Breaking(LocalStore(path)), scale={"x": 0.5})
    assert "as they were before" in raised.value.__notes__[0]
    assert documents(path) == before


def test_what_cannot_be_put_back_is_told_and_finished_later(tmp_path) -> None:
    path = plate(tmp_path / "p.zarr", labels=True)

    class Broken(CountingStore):
        left = 5

        async def set(self, key, value):
            Broken.left -= 1
            if Broken.left < 0:
                raise OSError("the server is gone")
            await super().set(key, value)

    with pytest.raises(OSError, match="is gone") as raised:
        xo.update(Broken(LocalStore(path)), scale={"x": 0.5})
    assert "some the old" in raised.value.__notes__[0]
    with pytest.warns(xo.OmeZarrWarning, match="interrupted.*finished first"):
        xo.update(path, attrs={"then": 1})
    everywhere(path, 0.5)


def everywhere(path: Path, scale: float) -> None:
    tree = xr.open_datatree(path, engine="omezarr", levels="all")
    for row in "AB":
        for column in "12":
            for number in (0, 1):
                for below in ("", "labels/cells/"):
                    node = tree[f"{row}/{column}/{number}/{below}0"]
                    assert node.x.values[1] - node.x.values[0] == scale
    assert not [name for name in documents(path) if "lock" in name or "partial" in name]


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no signals")
@pytest.mark.parametrize("count", [0, 9, 16])
def test_a_killed_update_is_finished_by_the_next(tmp_path, count) -> None:
    path = plate(tmp_path / "p.zarr", labels=True)
    script = textwrap.dedent(
        f"""
        import os, signal, sys
        import xarray_omezarr as xo
        from xarray_omezarr.store import replaced

        replace, left = os.replace, [{count} + 1]

        def counted(source, target):
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            left[0] -= 1
            replace(source, target)

        replaced.os.replace = counted
        xo.update(sys.argv[1], scale={{"x": 0.5}})
        """
    )
    done = subprocess.run([sys.executable, "-c", script, str(path)], check=False)
    if count == 16:
        assert done.returncode == 0
    else:
        assert done.returncode == -signal.SIGKILL
        # Somebody who opens it meanwhile finds whole documents, old or new.
        xr.open_datatree(path, engine="omezarr", levels="all")
        with pytest.warns(xo.OmeZarrWarning, match=r"16 documents|of 16"):
            xo.update(path, scale={"x": 0.5})
    everywhere(path, 0.5)


def test_a_log_yields_to_later_changes(tmp_path) -> None:
    path = plate(tmp_path / "p.zarr", rows="A", columns=1)
    file = path / "A/1/0/zarr.json"
    content = '{"node_type": "group"}'
    log = {
        "update": 1,
        "token": "0" * 16,
        "documents": {"A/1/0/zarr.json": {"before": "0" * 64, "content": content}},
    }
    (path / ".xarray_omezarr.lock.update").write_text(json.dumps(log))
    before = file.read_bytes()
    with pytest.warns(xo.OmeZarrWarning, match=r"A/1/0/zarr.json changed since"):
        xo.update(path, attrs={"a": 1})
    assert file.read_bytes() == before


def test_two_processes_lose_nothing_of_each_other(tmp_path) -> None:
    path = plate(tmp_path / "p.zarr", rows="A", columns=1, fields=1)
    script = textwrap.dedent(
        """
        import sys
        import xarray_omezarr as xo
        for number in range(10):
            xo.update(sys.argv[1], attrs={f"{sys.argv[2]}{number}": number})
        """
    )
    both = [
        subprocess.Popen([sys.executable, "-c", script, str(path), name])
        for name in "ab"
    ]
    assert [process.wait() for process in both] == [0, 0]
    attrs = zarr.open_group(path, mode="r").attrs
    wanted = {f"{name}{number}" for name in "ab" for number in range(10)}
    assert wanted <= {*attrs}


def test_on_object_stores(s3) -> None:
    made, name = s3
    url, options = f"s3://{BUCKET}/{name}", {"storage_options": made.options}
    da = picture()
    da.omezarr.to_image(url, labels={"cells": cells(da)}, scale_factors=[2], **options)
    xo.update(url, scale={"x": 0.5}, channels=["q", "r"], **options)
    tree = xr.open_datatree(url, engine="omezarr", **options)
    assert tree["labels/cells/1"].x.values[:2].tolist() == [0.25, 1.25]
    assert tree["0"].c.values.tolist() == ["q", "r"]
    store = made.obstore(name)
    xo.update(store, translation={"x": 5.0})
    assert xo.open_image(store).x.values[0] == 5.0
    keys = [entry["path"] for batch in store.list() for entry in batch]
    assert not [key for key in keys if "lock" in key]


def test_icechunk_commits_it(tmp_path) -> None:
    icechunk = pytest.importorskip("icechunk")
    repository = icechunk.Repository.create(icechunk.in_memory_storage())
    session = repository.writable_session("main")
    da = picture()
    da.omezarr.to_image(session.store, labels={"cells": cells(da)}, scale_factors=[2])
    xo.update(session.store, scale={"x": 0.5})
    session.commit("corrected")
    store = repository.readonly_session("main").store
    tree = xr.open_datatree(store, engine="omezarr")
    assert tree["labels/cells/0"].x.values[1] == 0.5


def test_permissions_of_files_stay(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    picture().omezarr.to_image(path, scale_factors=None)
    os.chmod(path / "zarr.json", 0o640)
    xo.update(path, scale={"x": 0.5})
    assert (path / "zarr.json").stat().st_mode & 0o777 == 0o640
