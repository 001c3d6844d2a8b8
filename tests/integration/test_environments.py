"""The package runs as well where interpreters, locales and folders are not as usual."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from zarr.storage import MemoryStore

import xarray_omezarr as xo
from tests.integration import journey

ROOT = Path(__file__).parents[2]

# What the package needs at all, and what it only makes use of.
EXTRAS = (
    *("fsspec", "s3fs", "obstore", "tensorstore", "distributed", "icechunk"),
    *("scipy", "skimage", "matplotlib", "pint_xarray", "tifffile", "upath"),
    *("ipywidgets", "IPython", "aiohttp", "requests"),
)


def run(*arguments, options=(), **environment):
    """Run Python on arguments; the last line of what it prints."""
    told = {key: text for key, text in os.environ.items() if not key.startswith("LC_")}
    done = subprocess.run(
        [sys.executable, *options, *map(str, arguments)],
        env={**told, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        cwd=ROOT,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    return done.stdout.decode().splitlines()[-1]


def travel(folder, *, options=(), **environment):
    found = run(
        *("-m", "tests.integration.journey", folder), options=options, **environment
    )
    return json.loads(found)


def without(modules):
    """Code after which modules cannot be imported."""
    return textwrap.dedent(f"""
        import sys
        from importlib.machinery import PathFinder

        class Rest(PathFinder):
            @classmethod
            def find_spec(cls, name, path=None, target=None):
                is_absent = name.split(".")[0] in {modules!r}
                return None if is_absent else super().find_spec(name, path, target)

        sys.meta_path[sys.meta_path.index(PathFinder)] = Rest
    """)


# -- Interpreters -----------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [("-W", "error"), ("-O", "-W", "error"), ("-OO",), ("-I",)],
    ids=lambda options: "".join(options),
)
def test_a_journey_ends_well_however_python_is_started(tmp_path, options):
    if "-I" not in options:
        assert travel(tmp_path, options=options) == journey.EXPECTED
        return
    # Isolated from the folder it is started in, and from its variables.
    code = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[1:] = "
    code += f"[{str(tmp_path)!r}]; runpy.run_module('tests.integration.journey', "
    found = run("-c", f"{code}run_name='__main__')", options=options)
    assert json.loads(found) == journey.EXPECTED


def test_files_are_read_and_written_as_utf8_wherever_that_is_not_the_default(tmp_path):
    # Paths are ASCII here: what a file system calls its files is not ours.
    code = """
        import json, sys, warnings
        warnings.filterwarnings("error", category=EncodingWarning, module="xarray_omez")
        from pathlib import Path
        from tests.integration import journey
        import locale
        place = Path(sys.argv[1])
        assert "utf" not in locale.getpreferredencoding(False).lower()
        journey.picture().omezarr.to_image(place / "a.ome.zarr")
        import xarray_omezarr as xo
        xo.update(place / "a.ome.zarr", name="gr\\u00f6\\u00dfer")
        xo.convert(place / "a.ome.zarr", place / "b.ome.zarr", version="0.4")
        xo.upgrade(place / "b.ome.zarr", version="0.5")
        opened = [xo.open_image(place / name) for name in ("a.ome.zarr", "b.ome.zarr")]
        print(json.dumps([[da.name, *da.c.values.tolist()] for da in opened]))
    """
    found = run(
        *("-c", textwrap.dedent(code), tmp_path),
        options=("-X", "warn_default_encoding"),
        LC_ALL="C",
        LANG="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
    )
    assert json.loads(found) == [["größer", *journey.CHANNELS]] * 2


# -- Packages that are not installed, folders that must not be written -----------


def test_no_extra_is_needed_for_local_images(tmp_path):
    code = without(EXTRAS) + textwrap.dedent("""
        import json, sys
        from pathlib import Path
        from tests.integration import journey

        print(json.dumps(journey.travel(Path(sys.argv[1]))))
    """)
    assert json.loads(run("-c", code, tmp_path)) == journey.EXPECTED


@pytest.mark.parametrize(
    ("packages", "asked", "extra"),
    [
        (("fsspec", "upath"), "to_image('memory://a')", "remote"),
        (("s3fs",), "to_image('s3://a/b')", "remote"),
        (("tensorstore",), "to_image(place, writer='tensorstore')", "tensorstore"),
        (("skimage",), "to_image(place, method='resize')", "resize"),
        (("scipy",), "to_image(place, method='zoom')", "resize"),
        (("pint_xarray",), "quantify()", "pint"),
    ],
)
def test_what_is_missing_is_told_with_the_way_to_get_it(
    tmp_path, packages, asked, extra
):
    code = without(packages) + textwrap.dedent(f"""
        import sys
        import xarray_omezarr as xo
        from pathlib import Path
        from tests.integration import journey

        place = Path(sys.argv[1]) / "a.ome.zarr"
        try:
            journey.picture().omezarr.{asked}
        except xo.MissingDependencyError as error:
            print(error)
        assert not place.exists()
    """)
    assert f"pip install 'xarray-omezarr[{extra}]'" in run("-c", code, tmp_path)


def test_nothing_is_written_but_what_was_asked_for(tmp_path):
    # So the package may be installed where nobody may write, and the home be missing.
    code = """
        import json, os, sys
        from pathlib import Path
        import tests.integration.journey as journey

        opened = []

        def watch(event, arguments):
            flags = arguments[2] if event == "open" else 0
            writing = os.O_WRONLY | os.O_RDWR | os.O_CREAT
            if isinstance(flags, int) and flags & writing:
                opened.append(str(arguments[0]))
            if event in ("os.mkdir", "os.rename", "os.remove", "shutil.rmtree"):
                opened.append(str(arguments[0]))

        sys.addaudithook(watch)
        journey.travel(Path(sys.argv[1]))
        print(json.dumps([p for p in opened if not p.startswith(sys.argv[1])]))
    """
    # A folder of a descriptor is told by its name alone.
    found = run("-c", textwrap.dedent(code), tmp_path, PYTHONDONTWRITEBYTECODE="1")
    elsewhere = [path for path in json.loads(found) if path.startswith("/")]
    assert [path for path in elsewhere if not path.startswith("/dev/")] == []


# -- Processes and threads --------------------------------------------------------


def write_and_read(number, folder):
    """In another process: an image of its own, and what another process wrote."""
    place = Path(folder) / f"{number}.ome.zarr"
    (journey.picture() + np.uint16(number)).omezarr.to_image(place)
    first = xo.open_image(Path(folder) / "first.ome.zarr").values
    return int(xo.open_image(place).values.sum()), int(first.sum())


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_processes_that_were_begun_in_any_way_write_and_read(tmp_path, method):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system does not {method}")
    # Threads and event loops of this process are there already, and locks may be held.
    journey.picture().omezarr.to_image(tmp_path / "first.ome.zarr")
    xo.open_image(tmp_path / "first.ome.zarr").load()
    context = multiprocessing.get_context(method)
    with context.Pool(2) as pool:
        jobs = [(number, str(tmp_path)) for number in range(4)]
        found = pool.starmap_async(write_and_read, jobs).get(timeout=240)
    whole = int(journey.PIXELS.astype(int).sum())
    assert found == [(whole + n * journey.PIXELS.size, whole) for n in range(4)]


def test_an_image_that_was_opened_before_a_fork_is_read_after_it(tmp_path):
    journey.picture().omezarr.to_image(tmp_path / "first.ome.zarr")
    opened = xo.open_image(tmp_path / "first.ome.zarr")
    opened[0, 0, :2].load()
    if "fork" not in multiprocessing.get_all_start_methods():
        pytest.skip("this system does not fork")
    with multiprocessing.get_context("fork").Pool(1) as pool:
        found = pool.apply_async(lazily_summed, (opened,)).get(timeout=240)
    assert found == int(journey.PIXELS.astype(int).sum())


def lazily_summed(da):
    return int(da.values.astype(int).sum())


@pytest.mark.parametrize("where", ["disk", "memory"])
def test_threads_open_and_read_while_others_write(tmp_path, where):
    stores = [
        tmp_path / f"{n}.ome.zarr" if where == "disk" else MemoryStore()
        for n in range(12)
    ]

    def work(number):
        da = journey.picture() + np.uint16(number)
        da.omezarr.to_image(stores[number], chunks=(1, 1, 16, 16))
        with xr.open_datatree(stores[number], engine="omezarr") as tree:
            trees = int(tree["0/image"].values.sum())
        flat = xr.open_dataset(stores[number], engine="omezarr", chunks={})
        return trees, int(flat.image.sum()), xo.validate(stores[number]).ok

    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(work, range(12)))
    whole = int(journey.PIXELS.astype(int).sum())
    for number, told in enumerate(found):
        expected = whole + number * journey.PIXELS.size
        assert told == (expected, expected, True)


def test_many_threads_open_one_image_at_the_same_time(tmp_path):
    journey.picture().omezarr.to_image(tmp_path / "one.ome.zarr")
    shared = xo.open_image(tmp_path / "one.ome.zarr")
    with ThreadPoolExecutor(16) as pool:
        sums = list(
            pool.map(
                lambda n: (
                    int(shared[n % 2].values.sum()),
                    int(xo.open_image(tmp_path / "one.ome.zarr")[n % 2].values.sum()),
                ),
                range(64),
            )
        )
    frames = [int(frame.astype(int).sum()) for frame in journey.PIXELS]
    assert sums == [(frames[n % 2],) * 2 for n in range(64)]
