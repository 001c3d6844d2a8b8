"""Labels, plates, wells and collections are opened as trees, stacked and flat."""

from __future__ import annotations

import json
import shutil
import warnings

import dask
import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import LocalStore, MemoryStore

import xarray_omezarr as xo
from tests.integration.operations import CountingStore
from tests.integration.plates import SHAPE, image, label, pixels, plate, put

FORMATS = pytest.mark.parametrize("zarr_format", [2, 3])
FIELDS = ["A/1/0", "A/1/1", "B/10/0", "B/2/0", "B/2/10"]


def opened(store, **options):
    return xr.open_datatree(store, engine="omezarr", **options)


def leaves(tree):
    return {node.path.strip("/") for node in tree.subtree if node.data_vars}


@pytest.fixture
def labelled():
    """An image with two label images, made by hand."""
    store = MemoryStore()
    root = zarr.create_group(store)
    image(root, 3, pixels())
    cells = {
        "colors": [{"label-value": 1, "rgba": [255, 0, 0, 255]}, {"label-value": 2}],
        "properties": [{"label-value": 1, "area": 4}, {"label-value": 2, "area": 9}],
        "source": {"image": "../../"},
    }
    group = root.create_group("labels")
    put(group, 3, labels=["cells", "nuclei"])
    data = np.eye(8, 6, dtype="uint32")
    label(group.create_group("cells"), 3, data, **{"image-label": cells})
    label(group.create_group("nuclei"), 3, pixels())
    return store


class TestLabels:
    def test_the_tree_has_them_below_labels(self, labelled) -> None:
        tree = opened(labelled)
        assert leaves(tree) == {"0", "1"} | {
            f"labels/{name}/{level}" for name in ("cells", "nuclei") for level in "01"
        }
        assert list(tree["labels/cells/0"].data_vars) == ["labels"]
        np.testing.assert_array_equal(tree["labels/cells/0"].labels, np.eye(8, 6))
        assert [tree[p].omezarr.kind for p in ("/", "labels", "labels/cells")] == [
            "image",
            "labels",
            "labels",
        ]

    def test_labels_can_be_left_out(self, labelled) -> None:
        assert leaves(opened(labelled, labels=False)) == {"0", "1"}
        flat = xr.open_dataset(labelled, engine="omezarr", labels=False)
        assert list(flat.data_vars) == ["image"]

    def test_what_values_mean_is_a_table_and_a_mapping(self, labelled) -> None:
        cells = opened(labelled)["labels/cells"]
        assert cells.omezarr.label_properties["area"].to_dict() == {1: 4, 2: 9}
        assert cells.omezarr.label_colors == {1: (255, 0, 0, 255)}
        nuclei = opened(labelled)["labels/nuclei"]
        assert nuclei.omezarr.label_properties is None
        assert nuclei.omezarr.label_colors == {}

    def test_levels_of_an_image_are_not_its_labels(self, labelled) -> None:
        tree = opened(labelled)
        assert [ds.sizes["y"] for ds in tree.omezarr.levels] == [8, 4]
        assert [ds.sizes["y"] for ds in tree["labels/cells"].omezarr.levels] == [8, 4]

    def test_the_flat_dataset_has_them_as_variables(self, labelled) -> None:
        flat = xr.open_dataset(labelled, engine="omezarr")
        assert set(flat.data_vars) == {"image", "cells", "nuclei"}
        assert flat.cells.dims == ("y", "x")
        assert flat.cells.attrs["image-label"]["properties"][1]["area"] == 9
        masked = flat.image.where(flat.cells > 0)
        assert np.isfinite(masked.values).sum() == 2 * 6

    @pytest.mark.parametrize("group", ["labels", "labels/cells"])
    def test_they_are_opened_by_themselves(self, labelled, group) -> None:
        tree = opened(labelled, group=group)
        assert tree.omezarr.kind == "labels"

    def test_one_that_does_not_fit_is_left_out_and_its_place_told(self) -> None:
        store = MemoryStore()
        root = zarr.create_group(store)
        image(root, 3, pixels())
        group = root.create_group("labels")
        put(group, 3, labels=["image", "shifted", "small"])
        data = np.ones((8, 6), "uint8")
        label(group.create_group("image"), 3, data)
        label(group.create_group("shifted"), 3, data, origin=(0.25, 0))
        label(group.create_group("small"), 3, data[:4])
        message = "'labels/image'.*'labels/shifted'.*'labels/small'"
        with pytest.warns(xo.OmeZarrWarning, match=message):
            flat = xr.open_dataset(store, engine="omezarr")
        assert list(flat.data_vars) == ["image"]
        assert "labels/small/0" in leaves(opened(store))

    def test_a_list_without_version_is_read(self, labelled) -> None:
        # As in published images of 2024.
        labels = zarr.open_group(labelled, path="labels", mode="r+")
        labels.attrs.put({"ome": {"labels": ["cells"]}})
        assert "labels/cells/0" in leaves(opened(labelled))
        assert opened(labelled, group="labels").omezarr.kind == "labels"

    def test_a_list_outside_ome_is_read(self, labelled) -> None:
        labels = zarr.open_group(labelled, path="labels", mode="r+")
        labels.attrs.put({"labels": ["cells"]})
        assert "labels/cells/0" in leaves(opened(labelled))

    def test_one_that_is_missing_is_named_and_the_rest_opened(self, labelled) -> None:
        del zarr.open_group(labelled, mode="r+")["labels/cells"]
        with pytest.warns(xo.OmeZarrWarning, match=r"'labels/cells'.*nothing"):
            tree = opened(labelled)
        assert "labels/nuclei/0" in leaves(tree)


@FORMATS
class TestPlate:
    def test_the_tree_has_level_0_of_each_field(self, zarr_format) -> None:
        store = MemoryStore()
        plate(store, zarr_format)
        tree = opened(store)
        assert leaves(tree) == {f"{path}/0" for path in FIELDS}
        field = tree["B/2/0/0"]
        np.testing.assert_array_equal(field.image, pixels(4))
        assert (field.y.values[0], field.x.values[0]) == (30.0, 16.5)
        assert field.acquisition == 0
        assert tree["B/2/0"].omezarr.kind == "image"
        assert [tree[p].omezarr.kind for p in ("/", "A/1")] == ["plate", "well"]
        told = tree.attrs["plate"]
        assert told["name"] == "by hand"
        assert told["acquisitions"][1] == {"id": 1, "name": "second"}
        assert not {"wells", "version"} & told.keys()

    def test_windows_and_names_are_those_of_each_field(self, zarr_format) -> None:
        store = MemoryStore()
        plate(store, zarr_format)
        tree = opened(store)
        for number, path in enumerate(FIELDS):
            field = tree[f"{path}/0"]
            assert field.channel_window_end.values.tolist() == [200 + number] * 2
            alone = xr.open_dataset(store, engine="omezarr", group=path)
            xr.testing.assert_identical(
                field.to_dataset().drop_vars("acquisition").load(),
                alone.load().drop_attrs(deep=False).assign_attrs(field.attrs),
            )

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ({"levels": "all"}, {f"{p}/{n}" for p in FIELDS for n in "01"}),
            ({"levels": 1}, {f"{p}/1" for p in FIELDS}),
            ({"wells": ["B/2"]}, {"B/2/0/0", "B/2/10/0"}),
            ({"fields": ["1"]}, {"A/1/1/0"}),
            ({"wells": ["A/1"], "fields": ["0"], "levels": [-1]}, {"A/1/0/1"}),
            ({"group": "A/1"}, {f"{f}/{n}" for f in "01" for n in "01"}),
            ({"group": "A/1/0"}, {"0", "1"}),
        ],
    )
    def test_a_part_is_opened(self, zarr_format, options, expected) -> None:
        store = MemoryStore()
        plate(store, zarr_format)
        assert leaves(opened(store, **options)) == expected

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"wells": ["A/1", "C/9"]}, r"wells \['C/9'\].*'A/1', 'B/10'"),
            ({"fields": ["7"]}, r"fields \['7'\].*'0', '1', '10'"),
            ({"group": "A/1", "wells": ["A/1"]}, "no plate"),
            ({"group": "A/1/0", "fields": ["0"]}, "no well"),
            ({"levels": 5}, "2 levels"),
            ({"labels": "yes"}, "True or False"),
        ],
    )
    def test_what_is_not_there_is_refused(self, zarr_format, options, message) -> None:
        store = MemoryStore()
        plate(store, zarr_format)
        with pytest.raises(xo.OmeZarrError, match=message):
            opened(store, **options)

    def test_half_a_plate_opens(self, zarr_format, tmp_path) -> None:
        plate(tmp_path / "p", zarr_format, listed=[*FIELDS, "C/3/0"])
        shutil.rmtree(tmp_path / "p" / "A" / "1" / "1")
        shutil.rmtree(tmp_path / "p" / "B" / "10" / "0" / "0")
        (tmp_path / "p" / "C").mkdir(exist_ok=True)
        shutil.rmtree(tmp_path / "p" / "C")
        with pytest.warns(xo.OmeZarrWarning) as found:
            tree = opened(tmp_path / "p")
        (message,) = [str(warning.message) for warning in found]
        assert all(f"'{p}'" in message for p in ("A/1/1", "B/10/0", "C/3"))
        assert leaves(tree) == {"A/1/0/0", "B/2/0/0", "B/2/10/0"}
        assert "B/10" not in {node.path.strip("/") for node in tree.subtree}
        with pytest.warns(xo.OmeZarrWarning, match="A/1/1"):
            stacked = xo.open_plate(tmp_path / "p")
        assert stacked.present.sum() == 3

    def test_a_slip_in_a_field_is_told_with_its_name(
        self, zarr_format, tmp_path
    ) -> None:
        plate(tmp_path / "p", zarr_format)
        field = zarr.open_group(tmp_path / "p" / "A" / "1" / "1", mode="r+")
        attrs = dict(field.attrs)
        (picture,) = attrs.get("ome", attrs)["multiscales"]
        scale = next(iter(picture["datasets"][0]["coordinateTransformations"]))
        shift = {"type": "translation", "translation": [0.0] * len(scale["scale"])}
        picture["datasets"][0]["coordinateTransformations"] = [shift, scale]
        field.attrs.put(attrs)
        with pytest.warns(xo.OmeZarrWarning, match=r"\(in A/1/1, ") as found:
            opened(tmp_path / "p")
        assert len(found) == 1
        with warnings.catch_warnings(record=True) as found:
            warnings.simplefilter("always")
            xo.open_image(tmp_path / "p", group="A/1/1")
        assert "(in " not in str(found[0].message)

    def test_nothing_left_raises(self, zarr_format, tmp_path) -> None:
        plate(tmp_path / "p", zarr_format)
        for row in "AB":
            shutil.rmtree(tmp_path / "p" / row)
        with pytest.raises(xo.MetadataError, match=r"Nothing.*'A/1'"):
            opened(tmp_path / "p")

    def test_it_is_no_flat_image_and_says_what_to_do(self, zarr_format) -> None:
        store = MemoryStore()
        plate(store, zarr_format)
        with pytest.raises(xo.NotOmeZarrError, match=r"open_plate.*group='A/1/0'"):
            xr.open_dataset(store, engine="omezarr")
        with pytest.raises(xo.NotOmeZarrError, match=r"row.*group='A/1'"):
            opened(store, group="A")
        with pytest.raises(xo.NotOmeZarrError, match="not a plate"):
            xo.open_plate(store, group="A/1/0")


@FORMATS
class TestStack:
    def test_it_is_one_lazy_dataset(self, zarr_format) -> None:
        store = MemoryStore()
        plate(store, zarr_format, plate_map={"A/1": {"drug": "DMSO", "dose": 1.5}})
        found = xo.open_plate(store)
        assert found.image.dims == ("row", "column", "field", "c", "y", "x")
        assert found.row.values.tolist() == ["A", "B"]
        assert found.column.values.tolist() == ["1", "2", "10"]
        assert found.field.values.tolist() == ["0", "1", "10"]
        expected = np.zeros((2, 3, 3, *SHAPE), "uint16")
        for number, path in enumerate(FIELDS):
            row, column, name = path.split("/")
            at = {"row": row, "column": column, "field": name}
            place = ["AB".index(row), [1, 2, 10].index(int(column))]
            expected[(*place, [0, 1, 10].index(int(name)))] = pixels(number + 1)
            one = found.sel(at)
            assert one.present
            assert (one.origin_y, one.origin_x) == (10.0 * number, 5.5 * number)
        np.testing.assert_array_equal(found.image, expected)
        assert found.present.sum() == 5
        assert np.isnan(found.origin_y.values[~found.present.values]).all()
        assert (found.acquisition.values[~found.present.values] == -1).all()
        assert found.y.values.tolist() == [0.5 * n for n in range(8)]
        assert found.origin_y.attrs == {"units": "micrometer"}
        assert found.channel_window_start.values.tolist() == [0, 0]
        assert found.channel_window_end.values.tolist() == [204, 204]

    @pytest.mark.parametrize("chunks", [None, {}])
    def test_the_tree_stacks_to_the_same(self, zarr_format, chunks) -> None:
        store = MemoryStore()
        plate(store, zarr_format)
        tree = opened(store, chunks=chunks)
        found = tree.omezarr.stack()
        assert (found.image.chunks is None) == (chunks is None)
        xr.testing.assert_identical(found.load(), xo.open_plate(store).load())

    def test_one_acquisition(self, zarr_format) -> None:
        store = MemoryStore()
        plate(store, zarr_format)
        found = xo.open_plate(store, acquisition=1)
        assert (found.row.values.tolist(), found.field.values.tolist()) == (
            ["A"],
            ["1"],
        )
        of_tree = opened(store).omezarr.stack(acquisition=1)
        xr.testing.assert_identical(found.load(), of_tree.load())
        with pytest.raises(xo.OptionError, match=r"\[0, 1\]"):
            xo.open_plate(store, acquisition=7)

    @pytest.mark.parametrize(
        ("odd", "message"),
        [
            ({"data": pixels(9)[:, :6]}, "shape|sizes"),
            ({"data": pixels(9).astype("uint8")}, "dtype"),
            ({"channels": ("DAPI", "RFP")}, "channels"),
            ({"scale": 0.25}, "scale"),
        ],
    )
    def test_fields_that_differ_are_named(self, zarr_format, odd, message) -> None:
        store = MemoryStore()
        fields = {"A/1/0": {}, "A/1/1": {}, "A/2/0": odd, "A/2/1": odd}
        plate(store, zarr_format, fields)
        for stack in (xo.open_plate, lambda s: opened(s).omezarr.stack()):
            with pytest.raises(xo.PlateError, match=rf"'A/2/0', 'A/2/1'.*({message})"):
                stack(store)

    def test_another_level(self, zarr_format) -> None:
        store = MemoryStore()
        plate(store, zarr_format)
        found = xo.open_plate(store, level=1)
        np.testing.assert_array_equal(
            found.image.sel(row="B", column="2", field="0"), pixels(4)[:, ::2, ::2]
        )
        assert found.x.values.tolist() == [0.0, 1.0, 2.0]

    @pytest.mark.parametrize(
        "key",
        [
            {"row": 0, "column": 0, "field": 1},
            {"y": slice(None, None, -1), "x": [3, 0, 5]},
            {"row": [1, 0], "column": -1, "c": 0},
            {"field": slice(0, 0)},
            {
                "row": xr.DataArray([0, 1, 1], dims="point"),
                "column": xr.DataArray([0, 1, -1], dims="point"),
                "field": xr.DataArray([1, 2, 0], dims="point"),
                "y": xr.DataArray([0, 3, 7], dims="point"),
            },
        ],
    )
    def test_any_index_gives_what_it_gives_of_numpy(self, zarr_format, key) -> None:
        store = MemoryStore()
        plate(store, zarr_format)
        lazy, loaded = xo.open_plate(store), xo.open_plate(store).load()
        xr.testing.assert_identical(lazy.isel(key).load(), loaded.isel(key))
        stacked = opened(store).omezarr.stack()
        xr.testing.assert_identical(stacked.isel(key).load(), loaded.isel(key))

    def test_chunks_are_stored_objects(self, zarr_format) -> None:
        store = MemoryStore()
        plate(store, zarr_format)
        found = xo.open_plate(store, chunks={})
        assert found.image.data.chunksize == (1, 1, 1, 1, 4, 4)
        with dask.config.set(scheduler="synchronous"):
            np.testing.assert_array_equal(found.image, xo.open_plate(store).image)

    def test_wells_are_chosen_by_what_is_known_of_them(self, zarr_format) -> None:
        store = MemoryStore()
        told = {"A/1": {"drug": "DMSO", "dose": 1}, "B/2": {"drug": "X", "dose": 2.5}}
        root = plate(store, zarr_format)
        root.attrs["plate_map"] = told
        found = xo.open_plate(store)
        kept = found.where((found.drug == "DMSO") & found.present, drop=True)
        assert (kept.row.item(), kept.column.item()) == ("A", "1")
        assert found.dose.sel(row="B", column="2") == 2.5
        assert np.isnan(found.dose.sel(row="A", column="10"))


class TestReads:
    """How often the store is asked, and for what."""

    def counted(self, store, action):
        counting = CountingStore(store)
        result = action(counting)
        return result, counting.ledger

    def test_a_plate_takes_few_requests(self) -> None:
        store = MemoryStore()
        fields = {f"{r}/{c}/{f}": {} for r in "AB" for c in (1, 2) for f in range(3)}
        plate(store, 3, fields)
        rows, wells, count = 2, 4, len(fields)
        # Of the root: its document in both formats of Zarr, and copies of others.
        _, ledger = self.counted(store, xo.open_plate)
        # However many fields there are, 16 are asked for label images.
        assert len(ledger.got) <= 4 + wells + 2 * count + 16
        _, ledger = self.counted(store, lambda s: opened(s, labels=False))
        assert len(ledger.got) <= 4 + rows + wells + 2 * count
        _, ledger = self.counted(store, opened)
        assert len(ledger.got) <= 4 + rows + wells + 3 * count

    def test_only_pixels_that_are_used_are_read(self) -> None:
        store = MemoryStore()
        plate(store, 3)
        lazy, ledger = self.counted(store, xo.open_plate)
        ledger.got.clear()
        lazy.image.sel(row="B", column="2", field="10").isel(c=1, y=0, x=0).load()
        assert set(ledger.got) == {"B/2/10/0/c/1/0/0"}


class TestCollection:
    def made(self, series=("0", "1"), xml=True, listed=True, layout=3):
        store = MemoryStore()
        root = zarr.create_group(store)
        for number, path in enumerate(series):
            image(root.create_group(path), 3, pixels(number)[:, : 8 - 2 * number])
        put(root, 3, **{"bioformats2raw.layout": layout})
        if listed:
            put(root.create_group("OME"), 3, series=list(series))
        if xml:
            from zarr.core.buffer import default_buffer_prototype
            from zarr.core.sync import sync

            text = default_buffer_prototype().buffer.from_bytes(b"<OME/>")
            sync(store.set("OME/METADATA.ome.xml", text))
        return store

    def test_series_are_images_in_the_order_of_the_list(self) -> None:
        tree = opened(self.made(("second", "first")))
        assert list(tree.children) == ["second", "first"]
        assert tree.omezarr.kind == "bioformats2raw"
        assert tree.attrs["ome_xml"] == "<OME/>"
        assert tree["first/0"].image.shape == (2, 6, 6)

    def test_without_a_list_they_are_numbered(self) -> None:
        tree = opened(self.made(("0", "1", "3"), listed=False, xml=False))
        assert list(tree.children) == ["0", "1"]
        assert "ome_xml" not in tree.attrs

    def test_one_series_is_opened(self) -> None:
        found = xr.open_dataset(self.made(), engine="omezarr", group="1")
        assert found.image.shape == (2, 6, 6)

    def test_the_group_that_describes_them_is_refused_helpfully(self) -> None:
        with pytest.raises(xo.NotOmeZarrError, match="group above"):
            opened(self.made(), group="OME")
        with pytest.raises(xo.TargetNotFoundError, match="group above"):
            opened(self.made(listed=False), group="OME")

    def test_a_plate_wins(self) -> None:
        store = MemoryStore()
        plate(store, 3, **{"bioformats2raw.layout": 3})
        assert opened(store).omezarr.kind == "plate"


def test_a_large_plate_is_an_ordinary_tree(tmp_path) -> None:
    root = tmp_path / "p"
    fields = [f"{r}/{c}/{f}" for r in "ABCD" for c in range(1, 9) for f in range(9)]
    plate(LocalStore(root), 3, {"A/1/0": {}})
    told = json.loads((root / "zarr.json").read_text())
    names = told["attributes"]["ome"]["plate"]
    names["rows"] = [{"name": r} for r in "ABCD"]
    names["columns"] = [{"name": str(c)} for c in range(1, 9)]
    names["wells"] = [
        {"path": f"{r}/{c}", "rowIndex": i, "columnIndex": c - 1}
        for i, r in enumerate("ABCD")
        for c in range(1, 9)
    ]
    (root / "zarr.json").write_text(json.dumps(told))
    well = json.loads((root / "A/1/zarr.json").read_text())
    well["attributes"]["ome"]["well"]["images"] = [{"path": str(f)} for f in range(9)]
    for path in fields:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).parent.joinpath("zarr.json").write_text(json.dumps(well))
        if path != "A/1/0":
            shutil.copytree(root / "A/1/0", root / path)
    tree = opened(root)
    assert type(tree) is xr.DataTree
    assert leaves(tree) == {f"{path}/0" for path in fields}
    doubled = tree.map_over_datasets(lambda ds: ds * 2)
    assert type(doubled) is xr.DataTree
    np.testing.assert_array_equal(doubled["D/8/8/0"].image, 2 * pixels(1))
    xr.testing.assert_identical(
        opened(root, wells=["D/8"])["D/8"].load(), tree["D/8"].load()
    )
