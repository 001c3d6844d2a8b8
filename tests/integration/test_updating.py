"""Finished images are corrected in place, and what is opened then is what was asked."""

from __future__ import annotations

import json
import warnings
from decimal import Decimal
from pathlib import Path

import numpy as np
import pint
import pytest
import xarray as xr
import zarr

import xarray_omezarr as xo
from xarray_omezarr.store import update_log

VERSIONS = ("0.4", "0.5")


def picture(**scale: float) -> xr.DataArray:
    """A small picture with channels, whose pixels are of the wrong size."""
    da = xr.DataArray(
        np.arange(2 * 36 * 48, dtype="uint16").reshape(2, 36, 48),
        dims=("c", "y", "x"),
        coords={"c": ["dapi", "gfp"]},
    )
    return da.omezarr.assign_grid(
        scale=scale or {"y": 1.0, "x": 1.0}, units=dict.fromkeys("yx", "micrometer")
    )


def cells(da: xr.DataArray) -> xr.DataArray:
    return (da.isel(c=0, drop=True) % 7).astype("uint8")


def positions(scale: str, first: str, factor: int, count: int) -> list[float]:
    """Centres of blocks of `factor` pixels, in decimals."""
    step, start = Decimal(scale), Decimal(first)
    shift = Decimal(factor - 1) / 2
    return [float(start + step * (factor * index + shift)) for index in range(count)]


def documents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("wrong", [1.0, 1 / 3, 0.6500000000000001])
def test_a_new_scale_reaches_all_levels_and_labels(tmp_path, version, wrong) -> None:
    da = picture(y=wrong, x=wrong)
    path = tmp_path / "a.ome.zarr"
    da.omezarr.to_image(
        path, labels={"cells": cells(da)}, scale_factors=[2, 3, 6], version=version
    )
    before = documents(path)
    group = xo.update(path, scale={"y": 0.1, "x": 0.325})
    assert isinstance(group, zarr.Group)
    tree = xr.open_datatree(path, engine="omezarr")
    for number, factor in enumerate((1, 2, 3, 6)):
        for name in (str(number), f"labels/cells/{number}"):
            level = tree[name]
            expected = positions("0.325", "0", factor, -(-48 // factor))
            assert level.x.values.tolist() == expected, name
            expected = positions("0.1", "0", factor, -(-36 // factor))
            assert level.y.values.tolist() == expected, name
    after = documents(path)
    changed = {name for name in before if before[name] != after[name]}
    document = ".zattrs" if version == "0.4" else "zarr.json"
    assert changed == {document, f"labels/cells/{document}"}
    assert after.keys() == before.keys()


@pytest.mark.parametrize("version", VERSIONS)
def test_it_says_what_a_new_image_with_that_grid_says(tmp_path, version) -> None:
    wrong = picture()
    right = wrong.omezarr.assign_grid(
        scale={"y": 0.1083, "x": 0.1083}, translation={"y": 12.5, "x": -3.75}
    )
    for name, da in (("updated", wrong), ("fresh", right)):
        da.omezarr.to_image(
            tmp_path / f"{name}.ome.zarr",
            labels={"cells": cells(da)},
            scale_factors=[2, 4],
            version=version,
            name="it",
        )
    updated = xo.update(
        tmp_path / "updated.ome.zarr",
        scale={"y": 0.1083, "x": 0.1083},
        translation={"y": 12.5, "x": -3.75},
    )
    fresh = zarr.open_group(tmp_path / "fresh.ome.zarr", mode="r")
    assert dict(updated.attrs) == dict(fresh.attrs)
    assert dict(updated["labels/cells"].attrs) == dict(fresh["labels/cells"].attrs)
    xr.testing.assert_identical(
        xr.open_datatree(tmp_path / "updated.ome.zarr", engine="omezarr"),
        xr.open_datatree(tmp_path / "fresh.ome.zarr", engine="omezarr"),
    )


@pytest.mark.parametrize("version", VERSIONS)
def test_other_readers_find_the_numbers(tmp_path, version) -> None:
    yaozarrs = pytest.importorskip("yaozarrs")
    da = picture()
    path = tmp_path / "a.ome.zarr"
    da.omezarr.to_image(
        path, labels={"cells": cells(da)}, scale_factors=[2], version=version
    )
    xo.update(path, scale={"y": 0.25, "x": 0.5}, translation={"x": 10.0})
    yaozarrs.validate_zarr_store(path)
    found = yaozarrs.open_group(path).ome_metadata().multiscales[0].datasets
    numbers = [level.coordinateTransformations for level in found]
    assert [level[0].scale for level in numbers] == [[1, 0.25, 0.5], [1, 0.5, 1]]
    assert [level[1].translation for level in numbers] == [
        [0, 0, 10],
        [0, 0.125, 10.25],
    ]
    from ome_zarr.io import parse_url
    from ome_zarr.reader import Reader

    (image, *_) = Reader(parse_url(str(path)))()
    told = image.metadata["coordinateTransformations"]
    assert told[0][0]["scale"] == [1, 0.25, 0.5]
    assert told[1][1]["translation"] == [0, 0.125, 10.25]


def test_a_quantity_brings_its_unit_and_the_place_stays(tmp_path) -> None:
    import pint

    da = picture().omezarr.assign_grid(translation={"x": 500.0, "y": 0.0})
    path = tmp_path / "a.ome.zarr"
    da.omezarr.to_image(path, labels={"cells": cells(da)}, scale_factors=[2])
    quantity = pint.get_application_registry().Quantity(250, "nanometer")
    xo.update(path, scale={"x": quantity})
    for name in ("0", "labels/cells/0"):
        level = xr.open_datatree(path, engine="omezarr")[name]
        assert level.x.attrs["units"] == "nanometer"
        assert level.x.values[:2].tolist() == [500000.0, 500250.0]
        assert level.y.attrs["units"] == "micrometer"
    level = xr.open_datatree(path, engine="omezarr")["1"]
    assert level.x.values[:2].tolist() == [500125.0, 500625.0]


def test_a_translation_in_another_unit_is_converted(tmp_path) -> None:
    import pint

    path = tmp_path / "a.ome.zarr"
    picture().omezarr.to_image(path, scale_factors=None)
    xo.update(
        path,
        translation={"x": pint.get_application_registry().Quantity(2, "millimeter")},
    )
    found = xo.open_image(path)
    assert found.x.attrs["units"] == "micrometer"
    assert found.x.values[:2].tolist() == [2000.0, 2001.0]


def test_units_change_names_and_no_numbers(tmp_path) -> None:
    da = picture()
    path = tmp_path / "a.ome.zarr"
    da.omezarr.to_image(path, labels={"cells": cells(da)}, scale_factors=[2])
    xo.update(path, units={"x": "nm", "y": None})
    for name in ("0", "1", "labels/cells/0", "labels/cells/1"):
        level = xr.open_datatree(path, engine="omezarr")[name]
        assert level.x.attrs["units"] == "nanometer"
        assert "units" not in level.y.attrs
        assert level.x.values[1] - level.x.values[0] in (1.0, 2.0)


@pytest.mark.parametrize("version", VERSIONS)
def test_what_others_wrote_stays_to_the_letter(tmp_path, version) -> None:
    path = tmp_path / "a.ome.zarr"
    picture().omezarr.to_image(path, scale_factors=[2], version=version)
    file = path / (".zattrs" if version == "0.4" else "zarr.json")
    document = json.loads(file.read_bytes())
    attrs = document if version == "0.4" else document["attributes"]
    ome = attrs if version == "0.4" else attrs["ome"]
    multiscale = ome["multiscales"][0]
    multiscale["zebra"] = {"b": 1, "a": [1, 2.50]}
    multiscale["datasets"][0] = {
        "note": "\u00b5",
        "coordinateTransformations": [{"scale": [1, 1, 1], "x": 0, "type": "scale"}],
        "path": multiscale["datasets"][0]["path"],
    }
    attrs["others"] = {"n": 12345678901234567890}
    file.write_text(json.dumps(document, indent=3, ensure_ascii=False))
    text = file.read_text()
    xo.update(path, scale={"x": 0.5})
    found = file.read_text()
    old, new = text.splitlines(), found.splitlines()
    assert len(old) == len(new)
    differing = [
        (a.strip(), b.strip()) for a, b in zip(old, new, strict=True) if a != b
    ]
    assert [pair[1] for pair in differing] == ["0.5", "1.0", "0.25"]
    assert "12345678901234567890" in found


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("after", [0.5, 0.1, 3.0])
def test_a_transformation_of_the_whole_image_is_reckoned_with(
    tmp_path, version, after
) -> None:
    path = tmp_path / "a.ome.zarr"
    picture().omezarr.to_image(path, scale_factors=[2, 3], version=version)
    file = path / (".zattrs" if version == "0.4" else "zarr.json")
    document = json.loads(file.read_bytes())
    attrs = document if version == "0.4" else document["attributes"]["ome"]
    attrs["multiscales"][0]["coordinateTransformations"] = [
        {"type": "scale", "scale": [1.0, after, after]},
        {"type": "translation", "translation": [0.0, 7.0, 7.0]},
    ]
    file.write_text(json.dumps(document))
    assert xo.open_image(path).x.values[0] == 7
    xo.update(path, scale={"x": 0.7}, translation={"x": 1.1})
    for number, factor in enumerate((1, 2, 3)):
        found = xo.open_image(path, level=number)
        count = found.sizes["x"]
        assert found.x.values.tolist() == positions("0.7", "1.1", factor, count)
        # The other axis is not touched.
        steps = positions(str(after), "7", factor, found.sizes["y"])
        np.testing.assert_allclose(found.y.values, steps, rtol=1e-14)


def test_label_images_at_other_factors_follow(tmp_path) -> None:
    da = picture()
    path = tmp_path / "a.ome.zarr"
    da.omezarr.to_image(path, labels={"cells": cells(da)}, scale_factors=[2])
    # As others do: the label image begins at the second level of the image.
    file = path / "labels/cells/zarr.json"
    document = json.loads(file.read_bytes())
    levels = document["attributes"]["ome"]["multiscales"][0]["datasets"]
    document["attributes"]["ome"]["multiscales"][0]["datasets"] = levels[1:]
    file.write_text(json.dumps(document))
    xo.update(path, scale={"y": 0.1, "x": 0.1}, translation={"x": 5.0})
    labels = xr.open_datatree(path, engine="omezarr")["labels/cells/1"]
    assert labels.x.values.tolist() == positions("0.1", "5", 2, 24)
    assert labels.y.values.tolist() == positions("0.1", "0", 2, 18)


def test_a_label_image_in_another_unit_is_refused_with_the_remedy(tmp_path) -> None:
    da = picture()
    path = tmp_path / "a.ome.zarr"
    da.omezarr.to_image(path, labels={"cells": cells(da)}, scale_factors=None)
    with pytest.warns(xo.OmeZarrWarning, match="does not lie on its image"):
        xo.update(path, group="labels/cells", units={"x": "nanometer"})
    before = documents(path)
    with pytest.raises(xo.MetadataError, match=r"labels/cells.*nanometer.*group="):
        xo.update(path, scale={"x": 0.1})
    assert documents(path) == before
    xo.update(path, group="labels/cells", units={"x": "micrometer"})
    xo.update(path, scale={"x": 0.1})
    assert xr.open_datatree(path, engine="omezarr")["labels/cells/0"].x.values[1] == 0.1


def test_channels_complete_what_is_there(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    channels = [{"label": "a", "color": "FF0000"}, {"label": "b", "color": "00FF00"}]
    picture().omezarr.to_image(path, channels=channels, scale_factors=None)
    before = zarr.open_group(path, mode="r").attrs["ome"]["omero"]["channels"]
    xo.update(path, channels=["dapi", {"color": "#0000ff", "window": {"start": 3.0}}])
    after = zarr.open_group(path, mode="r").attrs["ome"]["omero"]["channels"]
    assert after[0] == {**before[0], "label": "dapi"}
    window = {**before[1]["window"], "start": 3.0}
    assert after[1] == {**before[1], "color": "0000FF", "window": window}
    assert xo.open_image(path).c.values.tolist() == ["dapi", "b"]
    xo.update(path, channels=[xo.ngff.Channel(label="x"), xo.ngff.Channel(label="y")])
    assert xo.open_image(path).c.values.tolist() == ["x", "y"]
    with pytest.raises(xo.OptionError, match=r"3 entries.*2 channels"):
        xo.update(path, channels=["a", "b", "c"])


def test_channels_that_nobody_named_get_windows_of_their_type(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    picture().omezarr.to_image(path, scale_factors=None)
    file = path / "zarr.json"
    document = json.loads(file.read_bytes())
    del document["attributes"]["ome"]["omero"]
    file.write_text(json.dumps(document))
    xo.update(path, channels=["dapi", "gfp"])
    found = xo.open_image(path)
    assert found.c.values.tolist() == ["dapi", "gfp"]
    assert found.channel_window_end.values.tolist() == [65535, 65535]


def test_name_and_attributes(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    da = picture().rename("old")
    da.omezarr.to_image(path, attrs={"who": "me", "old": 1}, scale_factors=None)
    group = xo.update(path, name="new", attrs={"old": None, "run": {"n": [1, 2]}})
    assert {k: v for k, v in group.attrs.items() if k != "ome"} == {
        "who": "me",
        "run": {"n": [1, 2]},
    }
    assert xo.open_image(path).name == "new"
    assert xo.open_image(path).attrs["long_name"] == "new"


def test_a_name_that_was_kept_beside_does_not_come_back(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    da = picture().assign_attrs(long_name="old")
    da.omezarr.to_image(path, scale_factors=None)
    xo.update(path, name="new")
    assert xo.open_image(path).attrs["long_name"] == "new"


def movie(times: object) -> xr.DataArray:
    return xr.DataArray(
        np.zeros((4, 8, 8), "uint8"), dims=("t", "y", "x"), coords={"t": times}
    )


def test_uneven_times_move_with_their_axis(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    da = movie([0.0, 1.0, 2.5, 3.0])
    da.t.attrs["units"] = "second"
    with pytest.warns(xo.OmeZarrWarning, match="evenly"):
        da.omezarr.to_image(path, scale_factors=None)
    nominal = xo.open_image(path).t
    assert nominal.values.tolist() == [0.0, 1.0, 2.5, 3.0]
    stored = zarr.open_group(path, mode="r").attrs["ome"]["multiscales"][0]
    scale = stored["datasets"][0]["coordinateTransformations"][0]["scale"][0]
    xo.update(path, scale={"t": 2 * scale}, units={"t": "minute"})
    found = xo.open_image(path).t
    assert found.values.tolist() == [0.0, 2.0, 5.0, 6.0]
    assert found.attrs["units"] == "minute"
    xo.update(path, translation={"t": 10.0})
    assert xo.open_image(path).t.values.tolist() == [10.0, 12.0, 15.0, 16.0]


def test_dates_stay_dates(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    start = np.datetime64("2024-05-01T12:00:00", "ns")
    da = movie(start + np.arange(4) * np.timedelta64(10, "s"))
    da.omezarr.to_image(path, scale_factors=None)
    assert xo.open_image(path).t.values[1] == start + np.timedelta64(10, "s")
    xo.update(path, scale={"t": 2.5})
    found = xo.open_image(path).t.values
    expected = start + np.arange(4) * np.timedelta64(2500, "ms")
    np.testing.assert_array_equal(found, expected)


def test_long_lists_of_exact_times_are_forgotten_with_a_warning(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    times = np.cumsum(np.random.default_rng(1).uniform(0.5, 1.5, 700))
    da = xr.DataArray(
        np.zeros((700, 4, 4), "uint8"), dims=("t", "y", "x"), coords={"t": times}
    )
    da.t.attrs["units"] = "second"
    with pytest.warns(xo.OmeZarrWarning, match="evenly"):
        da.omezarr.to_image(path, scale_factors=None)
    with pytest.warns(xo.OmeZarrWarning, match="Exact positions along 't'"):
        xo.update(path, scale={"t": 2.0}, translation={"t": 0.0})
    assert xo.open_image(path).t.values.tolist() == [2.0 * n for n in range(700)]


def test_wavelengths_do_not_come_back_when_channels_are_renamed(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    da = picture().assign_coords(c=[405, 488])
    da.omezarr.to_image(path, scale_factors=None)
    assert xo.open_image(path).c.values.tolist() == [405, 488]
    xo.update(path, channels=["dapi", "gfp"])
    assert xo.open_image(path).c.values.tolist() == ["dapi", "gfp"]
    xo.update(path, channels=["405", "488"])
    assert xo.open_image(path).c.values.tolist() == ["405", "488"]


@pytest.mark.parametrize("version", VERSIONS)
def test_consolidated_copies_follow(tmp_path, version) -> None:
    da = picture()
    path = tmp_path / "a.ome.zarr"
    da.omezarr.to_image(
        path, labels={"cells": cells(da)}, scale_factors=[2], version=version
    )
    with warnings.catch_warnings():
        # zarr says that Zarr v3 does not define them.
        warnings.simplefilter("ignore")
        zarr.consolidate_metadata(path)
    xo.update(path, scale={"x": 0.5}, attrs={"mine": 1})
    copied = zarr.open_consolidated(path)
    plain = zarr.open_group(path, mode="r", use_consolidated=False)
    assert copied.metadata.consolidated_metadata is not None
    for name in ("labels/cells",):
        assert dict(copied[name].attrs) == dict(plain[name].attrs)
    assert dict(copied.attrs) == dict(plain.attrs)
    assert xo.open_image(path).x.values[1] == 0.5


@pytest.mark.parametrize(
    ("wanted", "error", "match"),
    [
        ({}, xo.OptionError, "nothing to correct"),
        ({"scale": {}}, xo.OptionError, "nothing to correct"),
        ({"scale": {"x": 0}}, xo.CoordinateError, "above zero"),
        ({"scale": {"x": -1.0}}, xo.CoordinateError, "above zero"),
        ({"scale": {"x": float("nan")}}, xo.CoordinateError, "finite"),
        ({"scale": {"x": "0.5"}}, xo.CoordinateError, "finite"),
        ({"scale": {"x": True}}, xo.CoordinateError, "finite"),
        ({"scale": {"q": 1.0}}, xo.AxisError, r"'q'.*\['c', 'y', 'x'\]"),
        ({"scale": {"c": 1.0}}, xo.AxisError, "channels"),
        ({"scale": 0.5}, xo.OptionError, "mapping by axis"),
        ({"translation": {"x": float("inf")}}, xo.CoordinateError, "finite"),
        ({"units": {"x": "blink"}}, xo.UnitError, "blink"),
        ({"units": {"x": "second"}}, xo.UnitError, "second"),
        ({"channels": "dapi"}, xo.OptionError, "list"),
        ({"channels": ["a"]}, xo.OptionError, "2 channels"),
        ({"name": ""}, xo.OptionError, "name"),
        ({"name": 3}, xo.OptionError, "name"),
        ({"attrs": {"ome": {}}}, xo.MetadataError, "ome"),
        ({"attrs": {"xarray": {}}}, xo.MetadataError, "xarray"),
        ({"attrs": {"multiscales": []}}, xo.MetadataError, "multiscales"),
        ({"attrs": {"a": {1, 2}}}, xo.MetadataError, "JSON"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything(
    tmp_path, wanted, error, match
) -> None:
    da = picture()
    path = tmp_path / "a.ome.zarr"
    da.omezarr.to_image(path, labels={"cells": cells(da)}, scale_factors=[2])
    before = documents(path)
    with pytest.raises(error, match=match):
        xo.update(path, **wanted)
    assert documents(path) == before


def test_several_problems_are_told_together(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    picture().omezarr.to_image(path)
    with pytest.raises(xo.OmeZarrErrorGroup) as raised:
        xo.update(path, scale={"x": -1.0, "y": 0.0})
    assert len(raised.value.exceptions) == 2


def test_places_that_hold_nothing_to_correct_are_refused(tmp_path) -> None:
    with pytest.raises(xo.TargetNotFoundError):
        xo.update(tmp_path / "none.zarr", name="a")
    zarr.create_group(tmp_path / "plain.zarr", attributes={"a": 1})
    with pytest.raises(xo.NotOmeZarrError):
        xo.update(tmp_path / "plain.zarr", name="a")
    zarr.create_group(
        tmp_path / "u.zarr", attributes={"xarray_omezarr_unfinished": {"a": 1}}
    )
    with pytest.raises(xo.NotOmeZarrError, match="interrupted"):
        xo.update(tmp_path / "u.zarr", name="a")
    picture().omezarr.to_image(tmp_path / "a.zarr")
    store = zarr.storage.LocalStore(tmp_path / "a.zarr", read_only=True)
    with pytest.raises(xo.OptionError, match="read-only"):
        xo.update(store, name="a")


def test_the_same_again_writes_nothing(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    picture().omezarr.to_image(path, scale_factors=[2])
    wanted = {"scale": {"x": 0.3}, "name": "it", "units": {"x": "nm"}}
    xo.update(path, **wanted)
    times = (path / "zarr.json").stat().st_mtime_ns
    xo.update(path, **wanted)
    assert (path / "zarr.json").stat().st_mtime_ns == times


def killed_half_way(monkeypatch, path, **wanted) -> None:
    """Make an update whose process dies after the first of its documents."""
    real, calls = update_log._replace, []

    def dying(root, contents, token=""):
        calls.append(contents)
        if len(calls) == 1:  # the log
            return real(root, contents, token)
        if len(calls) == 2:
            real(root, dict([*contents.items()][:1]))
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(update_log, "_replace", dying)
        with pytest.raises(SystemExit):
            xo.update(path, **wanted)


def test_what_is_corrected_in_part_is_neither_converted_nor_upgraded(
    tmp_path, monkeypatch
) -> None:
    path, copy = tmp_path / "a.ome.zarr", tmp_path / "b.ome.zarr"
    da = picture()
    da.omezarr.to_image(path, labels={"cells": cells(da)}, version="0.4")
    killed_half_way(monkeypatch, path, scale={"x": 0.25})
    before = documents(path)
    for verb in (
        lambda: xo.convert(path, copy, version="0.5"),
        lambda: xo.upgrade(path, version="0.5", dry_run=True),
        lambda: xo.upgrade(path, version="0.5"),
    ):
        with pytest.raises(xo.LockedError, match="make the same update again"):
            verb()
    assert documents(path) == before
    assert not copy.exists()
    with pytest.warns(xo.OmeZarrWarning, match="finished first"):
        xo.update(path, scale={"x": 0.25})
    xo.upgrade(path, version="0.5")
    xo.convert(path, copy, version="0.6")
    for place in (path, copy):
        tree = xr.open_datatree(place, engine="omezarr")
        for image in ("0", "labels/cells/0"):
            assert tree[image].x.values[:3].tolist() == [0.0, 0.25, 0.5]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("by", ["group", "path"])
def test_a_label_image_that_leaves_its_image_is_warned_of(
    tmp_path, version, by
) -> None:
    path = tmp_path / "a.ome.zarr"
    da = picture(y=0.5, x=0.5)
    da.omezarr.to_image(path, labels={"nuc": cells(da)}, version=version)
    place = {
        "group": {"store": path, "group": "labels/nuc"},
        "path": {"store": path / "labels" / "nuc"},
    }[by]
    for wrong in (
        {"scale": {"x": 0.4}},
        {"translation": {"x": 3.0}},
        {"units": {"x": "nanometer"}},
    ):
        with pytest.warns(
            xo.OmeZarrWarning, match=r"its image .*a\.ome\.zarr any.*'x'"
        ):
            xo.update(**place, **wrong)
    # Put back it lies where it lay, and nothing is to be said.
    right = {"x": 0.5}, {"x": 0.0}, {"x": "micrometer"}
    xo.update(
        **place, **dict(zip(("scale", "translation", "units"), right, strict=True))
    )
    xo.update(**place, name="nuclei")


def test_a_label_image_of_a_coarser_level_lies_on_its_image(tmp_path) -> None:
    path = tmp_path / "a.ome.zarr"
    da = picture(y=0.5, x=0.5)
    da.omezarr.to_image(path, scale_factors=[2], labels={"nuc": cells(da)})
    where = {"group": "labels/nuc", "translation": {"y": 0.25, "x": 0.25}}
    xo.update(path, scale={"y": 1.0, "x": 1.0}, **where)


@pytest.mark.parametrize(
    "asked",
    [
        {"scale": {"z": 400}},
        {"translation": {"z": 7}},
        {"units": {"z": "nm"}},
        {"scale": {"z": 400}, "units": {"z": "nm"}},
    ],
)
def test_a_number_is_refused_that_may_be_in_the_unit_of_the_file_or_of_the_reader(
    tmp_path, asked
) -> None:
    path = _in_two_units(tmp_path)
    before = (path / "zarr.json").read_bytes()
    with pytest.raises(xo.UnitError, match=r"read in nanometer .* tells micrometer"):
        xo.update(path, **asked)
    assert (path / "zarr.json").read_bytes() == before


@pytest.mark.parametrize("told", ["quantity", "all"])
def test_an_axis_that_is_read_in_a_unit_of_its_own_is_corrected(tmp_path, told) -> None:
    path = _in_two_units(tmp_path)
    if told == "quantity":
        nm = pint.get_application_registry()("nanometer")
        xo.update(path, scale={"z": 400 * nm, "x": 0.2})
    else:
        new = {"scale": {"z": 400}, "translation": {"z": 3000}, "units": {"z": "nm"}}
        xo.update(path, **new)
        xo.update(path, scale={"x": 0.2})
    z, x = (xo.open_image(path)[dim] for dim in "zx")
    assert z.attrs["units"] == "nanometer"
    assert z.values.tolist() == [3000, 3400, 3800, 4200]
    assert (x.attrs["units"], x.values[1]) == ("micrometer", 0.2)


def _in_two_units(folder: Path) -> Path:
    da = xr.DataArray(np.zeros((4, 8, 8), "uint8"), dims=("z", "y", "x"))
    scales = {"z": 500, "y": 0.1, "x": 0.1}
    units = {"z": "nm", "y": "um", "x": "um"}
    da = da.omezarr.assign_grid(scale=scales, translation={"z": 3000}, units=units)
    da.omezarr.to_image(folder / "image.ome.zarr")
    return folder / "image.ome.zarr"
