"""One image of a store becomes one lazy Dataset per level."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr
import zarr
from zarr.storage import MemoryStore

from xarray_omezarr.errors import OmeZarrWarning
from xarray_omezarr.read.multiscale import datasets, open_image
from xarray_omezarr.store.open import open_hierarchy
from xarray_omezarr.store.target import open_target

PIXELS = np.arange(2 * 9 * 8, dtype=np.uint16).reshape(2, 9, 8)
CHANNELS = [
    {
        "label": "DAPI",
        "color": "0000FF",
        "active": True,
        "window": {"min": 0, "max": 255, "start": 3, "end": 200},
    },
    {
        "label": "GFP",
        "color": "00FF00",
        "active": False,
        "window": {"min": 0, "max": 99, "start": 5, "end": 90},
    },
]


def metadata(**changes):
    """Metadata of an image of two levels as another program writes them."""
    multiscale = {
        "name": "cells",
        "axes": [
            {"name": "c", "type": "channel"},
            {"name": "y", "type": "space", "unit": "micrometer"},
            {"name": "x", "type": "space", "unit": "micrometer"},
        ],
        "datasets": [
            {
                "path": path,
                "coordinateTransformations": [
                    {"type": "scale", "scale": [1, 0.325 * f, 0.325 * f]},
                    {"type": "translation", "translation": [0, 10 + shift, shift]},
                ],
            }
            for path, f, shift in (("0", 1, 0), ("1", 2, 0.1625))
        ],
    }
    ome = {
        "version": "0.5",
        "multiscales": [{**multiscale, **changes.pop("multiscale", {})}],
        "omero": {"channels": CHANNELS},
        **changes,
    }
    return {key: value for key, value in ome.items() if value is not None}


def store_with(ome=None, attrs=None, **arrays):
    store = MemoryStore()
    attributes = {"ome": ome or metadata(), **(attrs or {})}
    root = zarr.create_group(store, attributes=attributes)
    root.create_array("0", data=PIXELS, chunks=(1, 4, 8), shards=(2, 12, 8))
    root.create_array("1", data=PIXELS[:, ::2, ::2], chunks=(1, 5, 4))
    for name, values in arrays.items():
        root.create_array(f"xarray/{name}", data=values)
    return store


def opened(store, levels=None):
    target = open_target(store, read_only=True)
    return open_image(open_hierarchy(target, levels), "where it is")


class TestLevel:
    def test_the_pixels_are_the_variable_image_and_lazy(self) -> None:
        store = store_with()
        ds = opened(store).level(0)
        zarr.open_array(store, path="0", mode="r+")[:] = 7
        assert list(ds.data_vars) == ["image"]
        assert ds["image"].dims == ("c", "y", "x")
        assert (ds["image"].values == 7).all()

    def test_coordinates_are_positions_of_the_level_in_its_unit(self) -> None:
        fine, coarse = (opened(store_with()).level(n) for n in (0, 1))
        assert fine["x"].values.tolist()[:4] == [0.0, 0.325, 0.65, 0.975]
        assert fine["y"].values[0] == 10.0
        assert coarse["x"].values.tolist() == [0.1625, 0.8125, 1.4625, 2.1125]
        assert coarse["y"].values[0] == 10.1625
        assert fine["y"].attrs == coarse["x"].attrs == {"units": "micrometer"}

    def test_a_decimal_can_be_selected(self) -> None:
        ds = opened(store_with()).level(0)
        assert ds["image"].sel(c="GFP", y=10.325, x=0.975) == PIXELS[1, 1, 3]

    def test_channels_are_coordinates_along_their_dim(self) -> None:
        ds = opened(store_with()).level(0)
        assert ds["c"].values.tolist() == ["DAPI", "GFP"]
        assert {name for name in ds.coords if str(name).startswith("channel_")} == {
            "channel_color",
            "channel_active",
            "channel_window_min",
            "channel_window_max",
            "channel_window_start",
            "channel_window_end",
        }
        assert ds["channel_window_start"].values.tolist() == [3, 5]
        assert ds["image"].sel(c="GFP")["channel_color"] == "00FF00"

    def test_without_omero_there_is_nothing_to_say_of_channels(self) -> None:
        ds = opened(store_with(metadata(omero=None))).level(0)
        assert set(ds.coords) == {"y", "x"}

    def test_repeated_channel_names_can_be_told_apart(self) -> None:
        omero = {"channels": [{**CHANNELS[0]}, {**CHANNELS[1], "label": "DAPI"}]}
        ds = opened(store_with(metadata(omero=omero))).level(0)
        assert ds["c"].values.tolist() == ["DAPI", "DAPI_1"]
        assert ds["channel_label"].values.tolist() == ["DAPI", "DAPI"]

    @pytest.mark.parametrize("count", [1, 3])
    def test_another_number_of_channels_is_left_out_with_a_warning(self, count) -> None:
        omero = {"channels": (CHANNELS * 2)[:count]}
        image = opened(store_with(metadata(omero=omero)))
        with pytest.warns(OmeZarrWarning, match=rf"where it is.*{count} channels.* 2"):
            ds = image.level(0)
        assert set(ds.coords) == {"y", "x"}

    def test_the_name_is_the_long_name_of_the_variable(self) -> None:
        assert opened(store_with()).level(0)["image"].attrs == {"long_name": "cells"}

    @pytest.mark.parametrize("name", [None, ""])
    def test_without_a_name_there_is_no_long_name(self, name) -> None:
        ome = metadata()
        del ome["multiscales"][0]["name"]
        if name is not None:
            ome["multiscales"][0]["name"] = name
        assert opened(store_with(ome)).level(0)["image"].attrs == {}

    def test_encoding_says_how_the_array_is_stored(self) -> None:
        encoding = opened(store_with()).level(0)["image"].encoding
        assert encoding["source"] == "where it is"
        assert encoding["dtype"] == np.dtype("uint16")
        assert encoding["chunks"] == (1, 4, 8)
        assert encoding["shards"] == (2, 12, 8)
        assert encoding["preferred_chunks"] == {"c": 2, "y": 12, "x": 8}

    def test_without_shards_chunks_are_preferred(self) -> None:
        encoding = opened(store_with()).level(1)["image"].encoding
        assert encoding["preferred_chunks"] == {"c": 1, "y": 5, "x": 4}

    def test_an_axis_of_one_pixel_carries_its_size_along(self) -> None:
        store = MemoryStore()
        root = zarr.create_group(store, attributes={"ome": metadata(omero=None)})
        root.create_array("0", data=PIXELS[:, :1])
        root.create_array("1", data=PIXELS[:, :1, ::2])
        y = opened(store).level(0)["y"]
        assert y.attrs == {"units": "micrometer", "spacing": 0.325}

    def test_transformations_of_the_whole_image_are_applied(self) -> None:
        after = [{"type": "scale", "scale": [1, 2, 2]}]
        ome = metadata(multiscale={"coordinateTransformations": after})
        x = opened(store_with(ome)).level(0)["x"].values
        assert x.tolist()[:3] == [0.0, 0.65, 1.3]


class TestKept:
    def kept(self, **coords):
        return {"xarray": {"version": 1, "attrs": {"lab": "B"}, "coords": coords}}

    def test_attributes_come_back_on_the_variable(self) -> None:
        ds = opened(store_with(attrs=self.kept())).level(0)
        assert ds["image"].attrs == {"lab": "B", "long_name": "cells"}

    def test_a_long_name_that_was_kept_is_the_long_name(self) -> None:
        attrs = {"xarray": {"version": 1, "attrs": {"long_name": "All the cells"}}}
        ds = opened(store_with(attrs=attrs)).level(0)
        assert ds["image"].attrs == {"long_name": "All the cells"}

    def test_coordinates_come_back_from_json_and_from_arrays(self) -> None:
        stage = np.arange(18.0).reshape(9, 2)
        attrs = self.kept(
            exposure={"dims": ["c"], "dtype": "<f4", "values": [1.5, 2.5]},
            stage={"dims": ["y", "c"], "dtype": "<f8", "array": "stage"},
        )
        ds = opened(store_with(attrs=attrs, stage=stage)).level(0)
        assert ds["exposure"].dtype == np.float32
        np.testing.assert_array_equal(ds["stage"], stage)

    def test_coordinates_of_dims_that_are_coarser_stay_with_the_finest(self) -> None:
        attrs = self.kept(
            exposure={"dims": ["c"], "dtype": "<f4", "values": [1.5, 2.5]},
            row={"dims": ["y"], "dtype": "<i8", "values": list(range(9))},
        )
        coarse = opened(store_with(attrs=attrs)).level(1)
        assert "exposure" in coarse.coords
        assert "row" not in coarse.coords

    def test_a_coarse_level_knows_them_also_if_it_is_opened_alone(self) -> None:
        attrs = self.kept(exposure={"dims": ["c"], "dtype": "<f4", "values": [1, 2]})
        assert "exposure" in opened(store_with(attrs=attrs), [1]).level(1).coords


class TestAttrs:
    def test_attributes_of_others_are_those_of_the_image(self) -> None:
        assert opened(store_with(attrs={"lab": "B"})).attrs == {"lab": "B"}

    def test_what_was_kept_is_not_shown_twice(self) -> None:
        attrs = {"xarray": {"version": 1, "attrs": {"lab": "B"}}}
        assert opened(store_with(attrs=attrs)).attrs == {}

    def test_an_attribute_of_that_name_by_others_is_shown(self) -> None:
        assert opened(store_with(attrs={"xarray": "x"})).attrs == {"xarray": "x"}

    def test_unknown_keys_ride_along(self) -> None:
        ome = metadata(acquired_by="X", multiscale={"note": 1})
        attrs = opened(store_with(ome)).attrs
        assert attrs["ome"]["acquired_by"] == "X"
        assert attrs["ome"]["multiscales"][0]["note"] == 1

    def test_known_metadata_are_no_attributes(self) -> None:
        assert opened(store_with()).attrs == {}


class TestDatasets:
    def test_the_tree_mirrors_the_store(self) -> None:
        found = datasets(opened(store_with(attrs={"lab": "B"})))
        assert list(found) == ["/", "/0", "/1"]
        assert found["/"].attrs == {"lab": "B"}
        assert found["/"].encoding["source"] == "where it is"
        assert not found["/"].variables
        assert found["/1"].sizes == {"c": 2, "y": 5, "x": 4}

    def test_only_opened_levels_are_in_it(self) -> None:
        assert list(datasets(opened(store_with(), [1]))) == ["/", "/1"]

    def test_a_tree_can_be_made_of_it(self) -> None:
        tree = xr.DataTree.from_dict(dict(datasets(opened(store_with()))))
        assert tree["0/image"].shape == PIXELS.shape
