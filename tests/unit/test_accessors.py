"""Accessors: every method is the verb of the same name, with the same options."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from xarray_omezarr.accessors import (
    DataArrayAccessor,
    DatasetAccessor,
    DataTreeAccessor,
)
from xarray_omezarr.options import declared

# Accessor methods that write or plan, and the verbs that they are.
VERBS = {
    (DataArrayAccessor, "to_image"): xo.write_image,
    (DatasetAccessor, "to_image"): xo.write_image,
    (DataTreeAccessor, "to_image"): xo.write_image,
    (DataArrayAccessor, "plan_image"): xo.plan_image,
    (DatasetAccessor, "plan_image"): xo.plan_image,
    (DataTreeAccessor, "plan_image"): xo.plan_image,
    (DataArrayAccessor, "metadata"): xo.image_metadata,
}
CASES = pytest.mark.parametrize(
    ("method", "verb"),
    [(getattr(cls, name), verb) for (cls, name), verb in VERBS.items()],
    ids=[f"{cls.__name__}.{name}" for cls, name in VERBS],
)


@pytest.fixture
def da():
    return xr.DataArray(
        np.arange(2 * 64 * 64, dtype="uint16").reshape(2, 64, 64),
        dims=("c", "y", "x"),
        coords={
            "c": ["DAPI", "GFP"],
            "y": ("y", 1 + 0.5 * np.arange(64), {"units": "um"}),
            "x": ("x", 0.5 * np.arange(64), {"units": "um"}),
        },
        name="cells",
    )


def shown_options(function):
    parameters = inspect.signature(function).parameters
    return {
        name: (p.default, p.annotation)
        for name, p in parameters.items()
        if name in declared()
    }


class TestSameOptions:
    @CASES
    def test_both_signatures_show_all_options_with_the_same_defaults(
        self, method, verb
    ) -> None:
        assert list(shown_options(method)) == list(declared())
        assert shown_options(method) == shown_options(verb)

    @CASES
    def test_no_signature_hides_options(self, method, verb) -> None:
        for function in (method, verb):
            kinds = {p.kind for p in inspect.signature(function).parameters.values()}
            assert inspect.Parameter.VAR_KEYWORD not in kinds

    @CASES
    def test_both_helps_explain_all_options_in_the_same_words(
        self, method, verb
    ) -> None:
        def explained(function):
            doc = inspect.getdoc(function) or ""
            start = doc.index(f"{next(iter(declared()))} : default")
            end = doc.find("\n\n", start)
            return doc[start:end] if end >= 0 else doc[start:]

        assert explained(method) == explained(verb)
        assert "**options" not in (inspect.getdoc(method) or "")

    @CASES
    def test_further_keywords_of_a_method_have_the_default_of_the_verb(
        self, method, verb
    ) -> None:
        own = {
            name: p
            for name, p in inspect.signature(method).parameters.items()
            if name not in declared() and p.kind is inspect.Parameter.KEYWORD_ONLY
        }
        theirs = inspect.signature(verb).parameters
        for name, parameter in own.items():
            assert theirs[name].default == parameter.default
            assert theirs[name].kind is inspect.Parameter.KEYWORD_ONLY

    @pytest.mark.parametrize(
        "cls", [DataArrayAccessor, DatasetAccessor, DataTreeAccessor]
    )
    def test_every_method_has_its_sentence(self, cls) -> None:
        for name, member in vars(cls).items():
            if not name.startswith("_"):
                sentence = (inspect.getdoc(member) or "").partition("\n\n")[0]
                assert sentence, name

    def test_assign_grid_is_the_verb_bound_to_its_object(self) -> None:
        of_method = list(inspect.signature(DataArrayAccessor.assign_grid).parameters)
        of_verb = list(inspect.signature(xo.assign_grid).parameters)
        assert of_method[1:] == of_verb[1:]

    def test_a_misspelled_option_is_answered_with_the_right_one(self, da) -> None:
        with pytest.raises(TypeError, match="'chunks'"):
            da.omezarr.to_image(MemoryStore(), chunk=5)


class TestDataArray:
    def test_grid_axes_scale_translation_and_units(self, da) -> None:
        assert da.omezarr.grid.dims == ("c", "y", "x")
        assert da.omezarr.scale == {"c": 1.0, "y": 0.5, "x": 0.5}
        assert da.omezarr.translation == {"c": 0.0, "y": 1.0, "x": 0.0}
        assert da.omezarr.units == {"c": None, "y": "micrometer", "x": "micrometer"}
        assert [axis.to_json() for axis in da.omezarr.axes] == [
            {"name": "c", "type": "channel"},
            {"name": "y", "type": "space", "unit": "micrometer"},
            {"name": "x", "type": "space", "unit": "micrometer"},
        ]

    def test_they_follow_the_object(self, da) -> None:
        crop = da.isel(x=slice(10, None, 2)).transpose("x", ...)
        assert crop.omezarr.grid.dims == ("x", "c", "y")
        assert crop.omezarr.scale["x"] == 1.0
        assert crop.omezarr.translation["x"] == 5.0

    def test_channels(self, da) -> None:
        assert [c.label for c in da.omezarr.channels] == ["DAPI", "GFP"]
        assert da.isel(c=0, drop=True).omezarr.channels == ()

    def test_metadata_are_those_that_are_written(self, da) -> None:
        root = da.omezarr.to_image(MemoryStore(), scale_factors=[2])
        assert da.omezarr.metadata(scale_factors=[2]) == dict(root.attrs)

    def test_metadata_in_another_version(self, da) -> None:
        assert "multiscales" in da.omezarr.metadata(version="0.4")

    def test_assign_grid(self, da) -> None:
        bare = xr.DataArray(np.zeros((2, 3)), dims=("y", "x"))
        assigned = bare.omezarr.assign_grid(
            scale={"x": 0.25}, translation={"x": 1}, units={"x": "um"}
        )
        assert assigned["x"].values.tolist() == [1.0, 1.25, 1.5]
        assert assigned.omezarr.units["x"] == "micrometer"

    def test_plan_image_touches_nothing_and_prints_as_a_tree(self, da) -> None:
        text = repr(da.omezarr.plan_image(scale_factors=[2]))
        for part in (
            "'cells'",
            "(c: 2, y: 64, x: 64) uint16",
            "mean of 0 by (1, 2, 2)",
        ):
            assert part in text

    def test_to_image_later(self, da) -> None:
        store = MemoryStore()
        delayed = da.omezarr.to_image(store, compute=False)
        with pytest.raises(xo.OmeZarrError):
            xo.open_image(store)
        delayed.compute()
        np.testing.assert_array_equal(xo.open_image(store), da)

    def test_quantify(self, da) -> None:
        pytest.importorskip("pint_xarray")
        quantified = da.omezarr.quantify()
        assert str(quantified["x"].pint.units) == "micrometer"
        assert quantified.omezarr.scale == da.omezarr.scale

    def test_the_object_is_not_changed(self, da) -> None:
        before = da.copy(deep=True)
        da.omezarr.to_image(MemoryStore(), attrs={"a": 1}, channels=["a", "b"])
        xr.testing.assert_identical(da, before)


class TestDataset:
    def test_one_variable_is_written_with_the_attributes_beside_it(self, da) -> None:
        ds = da.to_dataset(name="image").assign_attrs(lab="B")
        root = ds.omezarr.to_image(MemoryStore())
        assert root.attrs["lab"] == "B"
        np.testing.assert_array_equal(root["0"][:], da)

    def test_one_of_several_is_named(self, da) -> None:
        ds = xr.Dataset({"a": da, "b": da + 1})
        root = ds.omezarr.to_image(MemoryStore(), image="b")
        np.testing.assert_array_equal(root["0"][:], da + 1)
        with pytest.raises(xo.OptionError, match="'a', 'b'"):
            ds.omezarr.to_image(MemoryStore())

    def test_images_along_a_dim_are_series(self, da) -> None:
        ds = xr.concat([da, da + 1], "p").to_dataset(name="image")
        ds = ds.assign_attrs(lab="B")
        root = ds.omezarr.to_bioformats2raw(MemoryStore(), series="p")
        assert root.attrs["lab"] == "B"
        assert root["OME"].attrs["ome"]["series"] == ["0", "1"]
        np.testing.assert_array_equal(root["1/0"][:], da + 1)


class TestDataTree:
    def test_stack_is_a_verb_too(self, da) -> None:
        image = da.to_dataset(name="image")
        tree = xr.DataTree.from_dict({"A/1/0": image, "B/2/0": image})
        xr.testing.assert_identical(xo.stack_plate(tree), tree.omezarr.stack())

    def test_an_image_has_levels_finest_first(self, da) -> None:
        store = MemoryStore()
        da.omezarr.to_image(store, scale_factors=[2, 4])
        tree = xr.open_datatree(store, engine="omezarr")
        assert tree.omezarr.kind == "image"
        assert [ds["image"].sizes["x"] for ds in tree.omezarr.levels] == [64, 32, 16]

    def test_more_than_ten_levels_are_in_order(self) -> None:
        levels = {
            str(n): xr.Dataset({"image": (("y", "x"), np.zeros((2 ** (12 - n), 2)))})
            for n in range(12)
        }
        tree = xr.DataTree.from_dict(dict(sorted(levels.items())))
        sizes = [ds.sizes["y"] for ds in tree.omezarr.levels]
        assert sizes == sorted(sizes, reverse=True)

    def test_other_nodes_are_nothing(self) -> None:
        tree = xr.DataTree.from_dict({"/a": xr.Dataset({"b": ("x", [1])})})
        assert tree.omezarr.kind is None
        assert tree.omezarr.levels == ()
        assert xr.DataTree().omezarr.kind is None
