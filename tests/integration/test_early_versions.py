"""Versions 0.1 to 0.3: what others read of ours, what we read of theirs, every verb."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.errors import NotInVersionError, OmeZarrWarning
from xarray_omezarr.ngff.versions import registry

EARLY = [n for n in registry.SUPPORTED if not registry.get(n).features.transformations]
early = pytest.mark.parametrize("version", EARLY)
every = pytest.mark.parametrize("version", registry.SUPPORTED)


def picture(shape: tuple[int, ...] = (2, 3, 65, 70), dims: str = "czyx") -> Any:
    values = np.random.default_rng(7).integers(0, 4000, shape).astype("uint16")
    return xr.DataArray(values, dims=tuple(dims), name="cells")


def sized() -> xr.DataArray:
    """An image with what only later versions can hold."""
    return xr.DataArray(
        np.zeros((8, 10), "uint8"),
        dims=("y", "x"),
        coords={"x": ("x", 5 + np.arange(10) * 0.5, {"units": "micrometer"})},
    )


def opened(path: Path) -> xr.DataTree:
    return xr.open_datatree(path, engine="omezarr")


def attributes(path: Path) -> dict[str, Any]:
    name = ".zattrs" if (path / ".zattrs").exists() else "zarr.json"
    found = json.loads((path / name).read_text())
    return found if name == ".zattrs" else found["attributes"]


def in_full(values: np.ndarray, dims: str, version: str) -> np.ndarray:
    """Values as a version stores them."""
    fixed = registry.get(version).features.dims
    if fixed is None:
        return values
    shape = dict(zip(dims, values.shape, strict=True))
    return values.reshape([shape.get(dim, 1) for dim in fixed])


def means(values: np.ndarray) -> np.ndarray:
    """Blocks of 2 by 2 along the last two axes, without remainders."""
    *outer, height, width = values.shape
    cut = values[..., : height // 2 * 2, : width // 2 * 2].astype(float)
    blocks = cut.reshape(*outer, height // 2, 2, width // 2, 2)
    return np.rint(blocks.mean((-3, -1)))


class TestWhatOthersRead:
    @early
    def test_an_image_its_levels_and_labels(self, tmp_path, version) -> None:
        from ome_zarr.io import parse_url
        from ome_zarr.reader import Reader

        da = picture((2, 3, 64, 72))
        label = (da.isel(c=0, drop=True) > 2000).astype("uint8")
        path = tmp_path / "image.zarr"
        da.omezarr.to_image(
            path, version=version, scale_factors=[2], labels={"nuclei": label}
        )
        location = parse_url(path)
        assert location is not None
        assert location.fmt.version == version
        image, *_ = Reader(location)()
        fine, coarse = (np.asarray(level) for level in image.data)
        np.testing.assert_array_equal(fine, in_full(da.values, "czyx", version))
        wanted = in_full(means(da.values), "czyx", version)
        np.testing.assert_array_equal(coarse, wanted)
        nodes = {
            Path(str(node.zarr.basename())).name: node
            for node in Reader(parse_url(path / "labels" / "nuclei"))()
        }
        values = np.asarray(nodes["nuclei"].data[0])
        np.testing.assert_array_equal(values, in_full(label.values, "zyx", version))

    @early
    @pytest.mark.parametrize("writer", ["zarr", "tensorstore"])
    def test_keys_of_chunks_are_those_of_the_version(
        self, tmp_path, version, writer
    ) -> None:
        if writer == "tensorstore":
            pytest.importorskip("tensorstore")
        da = picture((1, 1, 20, 20), "czyx")
        path = tmp_path / "image.zarr"
        da.omezarr.to_image(path, version=version, chunks=10, writer=writer)
        separator = registry.get(version).features.separator
        ndim = 4 if registry.get(version).features.dims is None else 5
        last = separator.join(["0"] * (ndim - 2) + ["1", "1"])
        assert (path / "0" / last).is_file()
        declared = json.loads((path / "0" / ".zarray").read_text())
        assert declared.get("dimension_separator", ".") == separator
        array = zarr.open_array(path / "0", mode="r")
        np.testing.assert_array_equal(np.squeeze(array[...]), np.squeeze(da.values))

    @early
    def test_a_plate(self, tmp_path, version) -> None:
        from ome_zarr.io import parse_url
        from ome_zarr.reader import Reader

        fields = {
            f"{w}/0": picture((16, 16), "yx") + n for n, w in enumerate(["A/1", "B/2"])
        }
        path = tmp_path / "plate.zarr"
        xo.write_plate(fields, path, version=version, scale_factors=[])
        wells = attributes(path)["plate"]["wells"]
        assert wells == [{"path": "A/1"}, {"path": "B/2"}]
        assert attributes(path)["plate"]["version"] == version
        assert attributes(path / "A" / "1")["well"]["version"] == version
        field = next(iter(Reader(parse_url(path / "B" / "2" / "0"))()))
        wanted = in_full(fields["B/2/0"].values, "yx", version)
        np.testing.assert_array_equal(np.asarray(field.data[0]), wanted)
        tree = opened(path)
        found = tree["B/2/0/0"]["image"]
        np.testing.assert_array_equal(found.values, wanted)
        plate = xo.open_plate(path)
        np.testing.assert_array_equal(
            np.squeeze(plate["image"].isel(row=1, column=1, field=0).values),
            fields["B/2/0"].values,
        )


class TestWhatWeRead:
    @pytest.mark.filterwarnings("ignore:Call to deprecated:DeprecationWarning")
    @early
    @pytest.mark.parametrize("dims", ["tczyx", "zyx", "yx"])
    def test_images_of_ome_zarr(self, tmp_path, version, dims) -> None:
        from ome_zarr.format import format_from_version
        from ome_zarr.writer import write_multiscale

        fixed = registry.get(version).features.dims
        if fixed is not None and dims != "tczyx":
            pytest.skip("images of this version have five dims")
        shape = {"t": 2, "c": 3, "z": 4, "y": 32, "x": 48}
        values = np.arange(np.prod([shape[d] for d in dims]), dtype="uint16")
        values = values.reshape([shape[d] for d in dims])
        fmt = format_from_version(version)
        group = zarr.open_group(tmp_path / "image.zarr", mode="w", zarr_format=2)
        levels = [values, values[..., ::2, ::2], values[..., ::4, ::4]]
        axes = list(dims) if fixed is None else None
        write_multiscale(levels, group, fmt=fmt, axes=axes)
        for number, level in enumerate(levels):
            found = xo.open_image(tmp_path / "image.zarr", level=number)
            assert found.dims == tuple(dims)
            np.testing.assert_array_equal(found.values, level)
            factor = 2**number
            first = [(factor - 1) / 2, (factor - 1) / 2 + factor]
            np.testing.assert_array_equal(found.x.values[:2], first)
            assert "units" not in found.x.attrs

    def test_an_image_that_tells_no_version_and_no_axes(self, tmp_path) -> None:
        group = zarr.open_group(tmp_path / "old.zarr", mode="w", zarr_format=2)
        group.create_array("0", data=np.ones((1, 2, 1, 4, 5), "uint8"))
        group.attrs["multiscales"] = [{"datasets": [{"path": "0"}]}]
        assert xo.open_image(tmp_path / "old.zarr").dims == tuple("tczyx")


class TestWhatHasNoPlace:
    @early
    def test_is_refused_by_name_before_the_first_byte(self, tmp_path, version) -> None:
        path = tmp_path / "image.zarr"
        with pytest.raises(NotInVersionError) as caught:
            sized().omezarr.to_image(path, version=version)
        for word in (version, "unit 'micrometer'", "scale 0.5", "translation 5", "'x'"):
            assert word in str(caught.value)
        assert not path.exists()

    @early
    def test_is_left_out_with_one_warning(self, tmp_path, version) -> None:
        path = tmp_path / "image.zarr"
        with pytest.warns(OmeZarrWarning) as caught:
            sized().omezarr.to_image(path, version=version, lossy=True)
        assert len(caught) == 1
        for word in ("unit 'micrometer'", "scale 0.5", "translation 5"):
            assert word in str(caught[0].message)
        found = xo.open_image(path)
        np.testing.assert_array_equal(found.x.values, np.arange(10))

    @early
    def test_of_a_plate_is_told_once_with_the_fields(self, tmp_path, version) -> None:
        fields = {"A/1/0": sized(), "B/2/0": sized()}
        path = tmp_path / "plate.zarr"
        with pytest.raises(NotInVersionError, match="unit 'micrometer'") as refused:
            xo.write_plate(fields, path, version=version)
        assert str(refused.value).count("lossy=True") == 1
        assert str(refused.value).count("'micrometer' of axis 'x'") == 1
        assert not path.exists()
        with pytest.warns(OmeZarrWarning) as caught:
            xo.write_plate(fields, path, version=version, lossy=True)
        told = [str(w.message) for w in caught if "no place" in str(w.message)]
        assert len(told) == 1
        assert "at A/1/0" in told[0]

    @early
    def test_metadata_say_the_same(self, version) -> None:
        with pytest.raises(NotInVersionError, match=r"scale 0\.5"):
            sized().omezarr.metadata(version=version)
        with pytest.warns(OmeZarrWarning, match=r"scale 0\.5"):
            found = sized().omezarr.metadata(version=version, lossy=True)
        assert found["multiscales"][0]["version"] == version

    @pytest.mark.parametrize("version", EARLY[:2])
    def test_a_custom_axis_has_no_place_even_with_lossy(
        self, tmp_path, version
    ) -> None:
        da = xr.DataArray(np.zeros((3, 4, 5)), dims=("angle", "y", "x"))
        with pytest.raises(NotInVersionError, match="angle"):
            da.omezarr.to_image(tmp_path / "a.zarr", version=version, lossy=True)

    def test_a_custom_axis_has_no_name_in_lists_of_names(self, tmp_path) -> None:
        da = xr.DataArray(np.zeros((3, 4, 5)), dims=("angle", "y", "x"))
        with pytest.raises(NotInVersionError, match="angle"):
            da.omezarr.to_image(tmp_path / "a.zarr", version=EARLY[-1], lossy=True)

    @pytest.mark.parametrize("version", EARLY[:2])
    def test_other_dims_are_refused(self, tmp_path, version) -> None:
        with pytest.raises(NotInVersionError, match="tczyx"):
            picture().omezarr.to_image(
                tmp_path / "a.zarr", version=version, dims="czyx"
            )


class TestEveryVerb:
    """Each verb once in each version; what is read is what was written."""

    @every
    def test_an_image_and_a_part_of_it(self, tmp_path, version) -> None:
        path = tmp_path / "image.zarr"
        da = picture((2, 40, 50), "cyx")
        da.omezarr.to_image(path, version=version, chunks=16)
        part = (da + 1).isel(y=slice(16, 32), x=slice(16, 32))
        region = {"y": slice(16, 32), "x": slice(16, 32)}
        part.omezarr.to_image(path, mode="r+", region=region)
        wanted = da.values.copy()
        wanted[:, 16:32, 16:32] += 1
        found = xo.open_image(path)
        np.testing.assert_array_equal(np.squeeze(found.values), wanted)
        assert attributes(path) != {}
        assert registry.detect(attributes(path)).name == version

    @every
    def test_more_time_points(self, tmp_path, version) -> None:
        path = tmp_path / "image.zarr"
        first, second = picture((2, 20, 30), "tyx"), picture((1, 20, 30), "tyx") + 1
        first.omezarr.to_image(path, version=version)
        second.omezarr.to_image(path, append_dim="t")
        found = np.squeeze(xo.open_image(path).values)
        np.testing.assert_array_equal(found[:2], first.values)
        np.testing.assert_array_equal(found[2], second.values[0])

    @every
    def test_labels_that_are_added(self, tmp_path, version) -> None:
        path = tmp_path / "image.zarr"
        da = picture((20, 30), "yx")
        da.omezarr.to_image(path, version=version)
        label = (da > 2000).astype("uint8")
        label.omezarr.to_labels(path, "nuclei")
        assert attributes(path / "labels" / "nuclei") != {}
        tree = opened(path)
        found = tree["labels/nuclei/0"]["labels"]
        np.testing.assert_array_equal(np.squeeze(found.values), label.values)

    @every
    def test_a_field_that_is_added_to_a_plate(self, tmp_path, version) -> None:
        path = tmp_path / "plate.zarr"
        xo.write_plate({"A/1/0": picture((16, 16), "yx")}, path, version=version)
        other = picture((16, 16), "yx") + 1
        other.omezarr.to_field(path, "B/2/0")
        found = xo.open_image(path, group="B/2/0")
        np.testing.assert_array_equal(np.squeeze(found.values), other.values)
        assert registry.detect(attributes(path / "B" / "2" / "0")).name == version

    @every
    def test_an_image_that_is_added_to_a_collection(self, tmp_path, version) -> None:
        path = tmp_path / "several.zarr"
        images = {"0": picture((16, 16), "yx")}
        xo.write_bioformats2raw(images, path, version=version)
        other = picture((20, 16), "yx")
        other.omezarr.to_series(path, "1")
        tree = opened(path)
        np.testing.assert_array_equal(
            np.squeeze(tree["1/0"]["image"].values), other.values
        )
        assert registry.detect(attributes(path)).name == version

    @every
    def test_a_skeleton_and_its_levels(self, tmp_path, version) -> None:
        path = tmp_path / "image.zarr"
        da = picture((64, 64), "yx")
        xo.prepare_image(da, path, version=version, scale_factors=[2])
        region = {"y": slice(0, 64), "x": slice(0, 64)}
        da.omezarr.to_image(path, mode="r+", region=region, pyramid=False)
        xo.build_pyramid(path)
        found = xo.open_image(path, level=1)
        np.testing.assert_array_equal(np.squeeze(found.values), means(da.values))

    @every
    def test_another_version_than_that_of_the_store_is_refused(
        self, tmp_path, version
    ) -> None:
        path = tmp_path / "image.zarr"
        da = picture((20, 30), "yx")
        da.omezarr.to_image(path, version=version)
        other = next(name for name in registry.SUPPORTED if name != version)
        label = (da > 2000).astype("uint8")
        with pytest.raises(NotInVersionError):
            label.omezarr.to_labels(path, "nuclei", version=other)


class TestRoundTrips:
    @pytest.mark.parametrize("new", registry.SUPPORTED)
    @early
    def test_unknown_keys_stay(self, tmp_path, version, new) -> None:
        path = tmp_path / "old.zarr"
        picture((20, 30), "yx").omezarr.to_image(path, version=version)
        attrs = attributes(path)
        attrs["multiscales"][0]["_mine"] = {"a": 1}
        attrs["_others"] = [1, 2]
        (path / ".zattrs").write_text(json.dumps(attrs))
        xo.write_image(opened(path), tmp_path / "new.zarr", version=new)
        found = attributes(tmp_path / "new.zarr")
        assert found["_others"] == [1, 2]
        multiscales = found.get("ome", found)["multiscales"]
        assert multiscales[0]["_mine"] == {"a": 1}

    @early
    def test_a_pyramid_of_the_first_pixels_keeps_its_places(
        self, tmp_path, version
    ) -> None:
        path = tmp_path / "image.zarr"
        da = picture((20, 30), "yx")
        da.omezarr.to_image(path, version=version, scale_factors=[2], method="nearest")
        found = xo.open_image(path, level=1)
        np.testing.assert_array_equal(found.x.values[:2], [0, 2])
        np.testing.assert_array_equal(np.squeeze(found.values), da.values[::2, ::2])

    @early
    def test_nothing_is_warned_of(self, tmp_path, version) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            picture().omezarr.to_image(tmp_path / "image.zarr", version=version)
            opened(tmp_path / "image.zarr")
