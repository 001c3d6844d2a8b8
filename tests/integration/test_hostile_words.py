"""What metadata say reaches pages and terminals as words, and as nothing else."""

from __future__ import annotations

import ast
import html.parser
import json
import re
import warnings
from pathlib import Path

import pytest
import xarray as xr
import zarr
from click.testing import CliRunner
from zarr.core.buffer import default_buffer_prototype

import xarray_omezarr as xo
from tests.integration.handmade import Folder, multiscale, ome_xml
from tests.integration.hostile import READERS, SPOTS, refused_in_words
from xarray_omezarr.cli import main
from xarray_omezarr.errors import printable

PACKAGE = Path(xo.__file__).parent
TEXTS = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "' onmouseover='alert(1)",
    "\x1b[31mred\x1b]0;title\x07",
    "first\r\nsecond\x08\x00\x9b2J",
    "\u202egnp.exe\u2066\u2069\u200f",
)
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


class Tags(html.parser.HTMLParser):
    """Elements and attributes of a page."""

    def __init__(self, page):
        super().__init__()
        self.found = set()
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found |= {tag, *(name for name, _ in attrs)}


def reports(text, folder):
    """Reports of stores that say the text wherever a name can stand."""
    for spot in SPOTS:
        store = Folder(folder / f"{spot}.zarr")
        store.path.mkdir(parents=True, exist_ok=True)
        SPOTS[spot](text, store)
        yield store.path, xo.validate(store.path, data=False)
    store = Folder(folder / "members.zarr").image()

    def spoil(ome):
        picture = multiscale(ome)
        picture.update({"name": text, text: 1, "type": {text: text}})
        picture["axes"][1] = {"name": text, "type": text, "unit": text}
        ome["omero"] = {"channels": [{"label": text, "color": text, text: [text]}]}
        ome["version"] = text

    store.change("", spoil)
    yield store.path, xo.validate(store.path)


@pytest.mark.parametrize("text", TEXTS)
def test_reports_hold_no_markup_and_nothing_for_terminals(tmp_path, text) -> None:
    told = 0
    for path, report in reports(text, tmp_path):
        page = report._repr_html_()
        assert Tags(page).found <= {"div", "p", "table", "tr", "th", "td"}
        assert not UNSEEN.search(page)
        assert not UNSEEN.search(str(report))
        assert not UNSEEN.search("".join(map(str, report.findings)))
        json.loads(json.dumps(report.to_json()))
        told += len(report.findings)
        done = CliRunner().invoke(main, ["validate", str(path)])
        assert not UNSEEN.search(done.output)
        done = CliRunner().invoke(main, ["validate", "--json", str(path)])
        assert json.loads(done.stdout)["findings"] == [
            one.to_json() for one in xo.validate(path).findings
        ]
    assert told > 10


@pytest.mark.parametrize("text", TEXTS)
def test_errors_and_warnings_hold_nothing_for_terminals(tmp_path, text) -> None:
    seen = 0
    for path, _ in reports(text, tmp_path):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for verb in READERS.values():
                try:
                    verb(path)
                except xo.OmeZarrError as error:
                    assert not UNSEEN.search(str(error))
                    seen += 1
        words = [
            str(one.message) for one in caught if one.category is xo.OmeZarrWarning
        ]
        assert not UNSEEN.search("".join(words))
    assert seen


def test_what_a_terminal_shows_stays_as_it_is() -> None:
    assert printable("Größe µm 中文 😀\n\ttab") == "Größe µm 中文 😀\n\ttab"
    assert printable("\ud800\x1b") == "\\ud800\\x1b"


BOMB = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(9))
XML = {
    "a billion laughs": f'<!DOCTYPE OME [<!ENTITY e0 "ha">{BOMB}]>',
    "a file": '<!DOCTYPE OME [<!ENTITY e9 SYSTEM "file://{secret}">]>',
    "a page": '<!DOCTYPE OME [<!ENTITY e9 SYSTEM "{url}/x">]>',
    "a document type elsewhere": '<!DOCTYPE OME SYSTEM "{url}/x.dtd">',
    "a public one": '<!DOCTYPE OME PUBLIC "-//x//y" "{url}/x.dtd">',
    "parameters": '<!DOCTYPE OME [<!ENTITY % p SYSTEM "{url}/x"> %p;]>',
}


@pytest.mark.parametrize("what", XML)
def test_entities_are_neither_expanded_nor_fetched(tmp_path, what) -> None:
    from tests.integration.hostile import served, watched

    secret = tmp_path / "secret.txt"
    secret.write_text("the secret")
    with served(tmp_path) as (url, asked):
        head = XML[what].replace("{secret}", str(secret)).replace("{url}", url)
        text = head + ome_xml(2).replace("Name='img'", "Name='&e9;'")
        folder = Folder(tmp_path / "store.zarr").collection()
        (folder.path / "OME" / "METADATA.ome.xml").write_text(text)
        with watched() as seen:
            assert "document type" in str(xo.validate(folder.path))
            trees = []
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", xo.OmeZarrWarning)
                trees.append(xr.open_datatree(folder.path, engine="omezarr"))
                xo.convert(folder.path, tmp_path / "copy.zarr", version="0.4")
                xo.update(folder.path, scale={"x": 0.25})
                picture = trees[0]["0/0"]["image"].load()
                picture.omezarr.to_series(folder.path, "2")
                refused = refused_in_words(
                    lambda: trees[0].omezarr.to_bioformats2raw(
                        tmp_path / "again.zarr", ome_xml=text
                    )
                )
        assert refused is not None
        assert "document type" in str(refused)
        assert not asked
        assert str(secret) not in {path for _, path in seen}
        for file in tmp_path.rglob("*.xml"):
            assert b"the secret" not in file.read_bytes()
            assert len(file.read_bytes()) < 10_000


@pytest.mark.parametrize("what", ["utf-16", "utf-7", "idna", "cp037", "nothing-known"])
def test_texts_in_other_encodings_are_read_or_refused(tmp_path, what) -> None:
    folder = Folder(tmp_path / "store.zarr").collection()
    file = folder.path / "OME" / "METADATA.ome.xml"
    said = f"<?xml version='1.0' encoding='{what}'?>" + ome_xml(2)
    for raw in (said.encode(), b"\xff\xfe" + said.encode("utf-16-le"), b"\x00" * 999):
        file.write_bytes(raw)
        for verb in READERS.values():
            refused_in_words(verb, folder.path)
        refused_in_words(lambda: xo.update(folder.path, scale={"x": 0.25}))


def test_a_deep_and_a_long_text_end(tmp_path) -> None:
    folder = Folder(tmp_path / "store.zarr").collection()
    file = folder.path / "OME" / "METADATA.ome.xml"
    head, _, tail = ome_xml(2).rpartition("</OME>")
    deep = "<a>" * 100_000 + "</a>" * 100_000
    for inside in (deep, "<Image/>" * 100_000, f"<!--{'x' * 10_000_000}-->"):
        file.write_text(f"{head}{inside}</OME>{tail}")
        refused_in_words(xo.validate, folder.path)
        refused_in_words(READERS["open_datatree"], folder.path)
        refused_in_words(lambda: xo.update(folder.path, scale={"x": 0.25}))


FORBIDDEN = {"eval", "exec", "compile", "__import__", "breakpoint"}
MODULES = {"pickle", "marshal", "shelve", "subprocess", "ctypes", "xmlrpc", "dill"}
# Handles and sessions of the user travel to workers of the user; nothing of a store is
# unpacked so. A function of the C library exchanges folders.
ALLOWED = {
    *(("testing.py", "pickle"), ("store/sessions.py", "pickle")),
    *(("store/as_opened.py", "ctypes"), ("store/exchange.py", "ctypes")),
}


def test_no_code_of_the_package_runs_or_unpacks_what_it_reads() -> None:
    files = [*PACKAGE.rglob("*.py")]
    assert len(files) > 200
    for file in files:
        name = file.relative_to(PACKAGE).as_posix()
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called = node.func
                if isinstance(called, ast.Name):
                    assert called.id not in FORBIDDEN, (name, node.lineno)
                if isinstance(called, ast.Attribute) and isinstance(
                    called.value, ast.Name
                ):
                    spelled = f"{called.value.id}.{called.attr}"
                    assert spelled not in ("os.system", "os.popen"), name
                    assert spelled not in ("cloudpickle.loads", "np.load"), name
                allowed = {word.arg for word in node.keywords}
                assert "allow_pickle" not in allowed, name
                assert "shell" not in allowed, name
            if isinstance(node, ast.Import):
                taken = {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                taken = {(node.module or "").partition(".")[0]}
            else:
                continue
            odd = {one for one in taken & MODULES if (name, one) not in ALLOWED}
            assert not odd, name


class Touched:
    """Unpacking it leaves a trace."""

    def __reduce__(self):
        return (setattr, (Touched, "was_unpacked", True))


@pytest.mark.parametrize("codec", ["pickle", "json2", "msgpack2", "os.system", "vlen"])
def test_pixels_are_never_unpacked_as_objects(tmp_path, codec) -> None:
    import pickle

    folder = Folder(tmp_path / "store.zarr", "0.4").image()
    place = folder.path / "0"
    first = json.loads((place / ".zarray").read_text())
    for change in (
        {"filters": [{"id": codec}], "dtype": "|O"},
        {"filters": [{"id": codec}]},
        {"compressor": {"id": codec}},
        {"compressor": {"id": codec}, "dtype": "|O"},
        {"dtype": "|O"},
        {"dtype": [["a", "|O"]]},
    ):
        (place / ".zarray").write_text(json.dumps({**first, **change}))
        for chunk in place.rglob("*"):
            if chunk.is_file() and chunk.name != ".zarray":
                chunk.write_bytes(pickle.dumps(Touched()))
        for name in ("open_datatree", "open_image", "validate", "validate schema"):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                # Pixels that are no pixels fail in zarr; what counts is what ran.
                try:
                    READERS[name](folder.path)
                except Exception as error:
                    assert str(error) or repr(error)
        assert not hasattr(Touched, "was_unpacked")


def test_codecs_of_names_that_nobody_knows_are_refused(tmp_path) -> None:
    folder = Folder(tmp_path / "store.zarr").image()
    file = folder.path / "0" / "zarr.json"
    document = json.loads(file.read_text())
    for name in ("os", "os:system", "numcodecs.pickle", "../x", "", 1, None, {"a": 1}):
        codecs = [{"name": name, "configuration": {"endian": "little"}}]
        file.write_text(json.dumps({**document, "codecs": codecs}))
        assert refused_in_words(READERS["open_image"], folder.path) is not None
        assert not xo.validate(folder.path).ok


def test_a_store_in_memory_of_odd_keys_is_judged() -> None:
    make = default_buffer_prototype().buffer.from_bytes
    store = zarr.storage.MemoryStore(
        {key: make(b"{}") for key in ("zarr.json", "../zarr.json", "/zarr.json", "")}
    )
    assert not xo.validate(store).ok
