"""The pieces of the benchmark on tiny images; no time is judged here."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import dask.array as da
import numpy as np
import pytest

from tests.performance import __main__ as script
from tests.performance import check, data, report
from tests.performance.contestants import CONTESTANTS
from tests.performance.floor import halved, levels_by_hand, pieces
from tests.performance.slow_store import SlowStore
from tests.performance.targets import MIB, TARGETS
from tests.performance.works import FACTORS, WORKS

SHAPE = (1, 2, 2, 64, 64)
linux = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def result(work: str, contestant: str, **figures: float) -> dict[str, object]:
    return {"work": work, "contestant": contestant, "mebibytes": 1, **figures}


@pytest.mark.parametrize("work", ["w1", "w1-own", "w2", "w3", "w5-mode", "fast"])
def test_ours_writes_what_the_check_accepts(work: str, tmp_path: Path) -> None:
    small = replace(WORKS[work], mebibytes=1)
    image = data.cells(SHAPE) if small.kind == "labels" else data.camera_image(SHAPE)
    pixels = da.from_array(image) if small.source == "dask" else image
    slow = small.store == "fast"
    target = SlowStore(latency=0.0) if slow else tmp_path / "image.ome.zarr"
    CONTESTANTS["ours"].prepare(small, pixels, target)()
    assert check.problems(target, pixels) == []


def test_the_check_sees_another_image_and_a_missing_level(tmp_path: Path) -> None:
    import xarray as xr

    image = data.camera_image(SHAPE)
    xr.DataArray(image, dims=data.DIMS).omezarr.to_image(
        tmp_path / "image.ome.zarr", scale_factors=[2]
    )
    other = image.copy()
    other[0, 1, 0, 3, 3] += 1
    found = check.problems(tmp_path / "image.ome.zarr", other)
    assert found == ["2 levels", "level 0 differs at (0, 1)"]


def test_the_floor_writes_each_stored_object_once(tmp_path: Path) -> None:
    image = data.camera_image((1, 1, 2, 64, 64))
    work = replace(WORKS["w1"], chunks=(1, 1, 2, 16, 16))
    CONTESTANTS["floor"].prepare(work, image, tmp_path / "floor")()
    # 16 + 4 + 1 + 1 + 1 chunks of 64, 32, 16, 8 and 4 pixels.
    assert len(list((tmp_path / "floor").iterdir())) == 23


def test_levels_by_hand_round_half_to_even() -> None:
    blocks = np.array([[0, 1, 1, 2], [0, 1, 1, 2]], np.uint16).reshape(1, 1, 1, 2, 4)
    assert halved(blocks).ravel().tolist() == [0, 2]
    assert len(levels_by_hand(np.zeros(SHAPE, np.uint16), "mean")) == 1 + len(FACTORS)


def test_pieces_cover_an_image_once() -> None:
    image = np.arange(5 * 7).reshape(5, 7)
    found = np.concatenate([piece.ravel() for piece in pieces(image, (2, 3))])
    assert sorted(found.tolist()) == list(range(35))


def test_images_are_the_same_at_every_run() -> None:
    for make in (data.camera_image, data.cells):
        np.testing.assert_array_equal(make(SHAPE), make(SHAPE))


def test_sizes_are_what_is_asked_for() -> None:
    for mebibytes in (256, 1024):
        assert np.prod(data.shape_of(mebibytes, 2)) * 2 == mebibytes * MIB
    assert np.prod(data.shape_of(256, 4)) * 4 == 256 * MIB


def test_a_slow_store_counts_requests_and_keeps_what_is_put() -> None:
    import zarr

    store = SlowStore(latency=0.0)
    zarr.create_array(store, shape=(4,), chunks=(2,), dtype="u1")[:] = [1, 2, 3, 4]
    before = store.requests
    assert zarr.open_array(store)[:].tolist() == [1, 2, 3, 4]
    assert store.requests >= before + 3


def test_contestants_name_works_that_there_are() -> None:
    for contestant in CONTESTANTS.values():
        assert set(contestant.works) <= set(WORKS)
    assert {target.work for target in TARGETS} <= set(WORKS)


def test_a_target_is_judged_by_medians() -> None:
    walls = (1.0, 9.0, 2.0)
    results = [result("w1", "ours", wall=wall, rise=10.0 * MIB) for wall in walls]
    results += [result("w1", "floor", wall=1.0), result("w1", "ngio", wall=6.0)]
    table = "\n".join(report.target_table(results))
    assert "| time of ours / floor | <= 1.2 x | 2.00 x | **no** |" in table
    assert "| time of ngio / ours | >= 2.5 x | 3.00 x | yes |" in table
    assert "| rise of memory | <= 64 MiB | 10.00 MiB | yes |" in table
    assert "| time of ome-zarr / ours | >= 10 x |  | not measured |" in table


def test_failures_are_listed_and_do_not_count() -> None:
    failed = {"work": "w1", "contestant": "ngio", "error": "OSError: full"}
    text = report.markdown([result("w1", "ours", wall=1.0), failed], ["a machine"])
    assert "- w1, ngio: OSError: full" in text
    assert "| ours | 1 | 1.00 |" in text


def test_tables_replace_what_stands_between_the_marks(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{report.BEGIN}\nold\n{report.END}\nafter\n")
    report.put_into(page, "new\n")
    report.put_into(page, "newer\n")
    kept = f"before\n{report.BEGIN}\n\nnewer\n\n{report.END}\nafter\n"
    assert page.read_text() == kept
    (tmp_path / "bare.md").write_text("nothing")
    with pytest.raises(ValueError, match=r"bare\.md holds no"):
        report.put_into(tmp_path / "bare.md", "new")


def test_contestants_take_turns() -> None:
    words = ["--works", "w1", "--contestants", "ours,floor", "--repeats", "2"]
    chosen = script.arguments(words)
    names = [order["contestant"] for order in script.orders(chosen, Path("somewhere"))]
    assert names == ["ours", "floor", "ours", "floor"]


def test_an_unknown_work_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        script.arguments(["--works", "w9"])
    assert "--works names ['w9']" in capsys.readouterr().err


@linux
def test_one_measurement_in_a_process_of_its_own(tmp_path: Path) -> None:
    order = {"work": "w1", "contestant": "ours", "mebibytes": 1, "warm": False}
    found = script.measured({**order, "folder": str(tmp_path)})
    assert found.get("error") is None
    assert found["problems"] == []
    assert found["wall"] > 0
    assert found["disk"] > 0
    assert json.loads(json.dumps(found)) == found
    assert not (tmp_path / "output.ome.zarr").exists()


def test_simulated_pictures_have_the_types_they_are_named_for() -> None:
    from tests.performance.pictures import simulated

    kinds = {"labels": "uint32", "labels of 8 bits": "uint8"}
    for picture in simulated((4, 64, 64)):
        assert picture.pixels.dtype.name == kinds.get(picture.kind, picture.kind)
        assert picture.pixels.any()


def test_every_codec_of_the_defaults_gives_back_what_it_got() -> None:
    from tests.performance.defaults import chunks_of, codecs, encoded

    image = data.camera_image((1, 1, 2, 300, 300))[0, 0]
    chunks = chunks_of(image)
    assert sum(chunk.size for chunk in chunks) == image.size
    for codec in codecs().values():
        size, _, _ = encoded(codec, chunks)
        assert 0 < size < image.nbytes


def test_a_layout_is_written_and_read_in_all_ways() -> None:
    from tests.performance.defaults import layout_row

    image = data.camera_image((1, 1, 4, 256, 256))[0, 0]
    row = layout_row(image, (2, 64, 64), (4, 128, 128))
    assert row[:4] == [(2, 64, 64), (4, 128, 128), "0.015625", 4]
