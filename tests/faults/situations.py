"""Everything that is killed while it is written, and who judges what is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.faults import judges, peers
from tests.faults.judges import Judge
from tests.faults.writes import ARCHIVE, NAME


@dataclass(frozen=True, slots=True)
class Call:
    """A function of `tests.faults.writes`, or of another room, with its arguments."""

    name: str
    words: tuple[Any, ...] = ()
    module: str = "tests.faults.writes"


@dataclass(frozen=True, slots=True)
class Situation:
    """Something that is written.

    Parameters
    ----------
    name : str
        The first word is the family, which ``--only`` chooses.
    write : Call
        What is killed. Called again, it must go ahead.
    judge : Judge
        Of what is left.
    before : Call, optional
        Makes what is there already.
    store : str
        Name of the store in the folder.
    once : bool
        It cannot be written again where it is complete.
    anyway : Call, optional
        Written instead where what was killed is refused the second time: the new node
        is complete, and was not listed yet.
    again : bool
        What is left is written again.
    crashes : int
        It is killed so often before it may finish.
    inside : bool
        It changes what others may be changing too: files that never got their names
        may be left beside those that did.
    """

    name: str
    write: Call
    judge: Judge
    before: Call | None = None
    store: str = NAME
    once: bool = False
    anyway: Call | None = None
    again: bool = True
    crashes: int = 1
    inside: bool = False

    @property
    def family(self) -> str:
        """The word that chooses it."""
        return self.name.split()[0].rstrip(",")


KINDS = ("numpy", "dask", "cluster")
_OLD = Call("write_image", ("numpy",))
_PAIR = Call("write_both", ("numpy",))
_PLATE = Call("write_plate", ("numpy",))
_SERIES = Call("write_collection", ("numpy",))


def _whole() -> list[Situation]:
    made = []
    for kind in KINDS:
        new = Call("write_image", (kind,))
        made.append(Situation(f"image, new, {kind}", new, judges.created, once=True))
    for kind in KINDS:
        new = Call("write_image", (kind, "w", 2))
        made.append(Situation(f"replace, image, {kind}", new, judges.replaced, _OLD))
    new = Call("write_both", ("numpy", "w", 2))
    made += [
        Situation("replace, image with labels", new, judges.replaced, _PAIR),
        Situation(
            "image, new, with labels",
            Call("write_both", ("numpy",)),
            judges.created,
            once=True,
        ),
        Situation(
            "image, new, 0.4",
            Call("write_both", ("dask", None, 1, "0.4")),
            judges.created,
            once=True,
        ),
        Situation(
            "convert, 0.4 to a new 0.5",
            Call("convert"),
            judges.created,
            Call("write_source"),
            once=True,
        ),
        Situation(
            "archive, new .ozx",
            Call("write_archive", ("numpy",)),
            judges.created,
            store=ARCHIVE,
            once=True,
        ),
        Situation(
            "archive, replaced .ozx",
            Call("write_archive", ("dask", "w", 2)),
            judges.replaced,
            Call("write_archive", ("numpy",)),
            store=ARCHIVE,
        ),
    ]
    return made


def _add(name: str, call: str, words: tuple[str, ...], before: Call) -> Situation:
    return Situation(
        name,
        Call(call, words),
        judges.added,
        before,
        once=True,
        anyway=Call(call, (*words, "w")),
        inside=True,
    )


def _added() -> list[Situation]:
    made = []
    for kind in KINDS:
        words = (kind, "nuclei")
        made.append(_add(f"labels, added, {kind}", "write_labels", words, _PAIR))
    for kind in ("numpy", "dask"):
        plate = Call("write_plate", (kind,))
        made.append(Situation(f"plate, new, {kind}", plate, judges.created, once=True))
    for what, where in (("well", "B/3/0"), ("field", "B/2/1")):
        words = ("numpy", where)
        made.append(_add(f"plate, {what} added", "write_field", words, _PLATE))
    again = Call("write_field", ("dask", "B/2/0", "w"))
    collection = Call("write_collection", ("dask",))
    labels = Call("write_labels", ("numpy", "cells", "w"))
    made += [
        Situation("labels, replaced", labels, judges.replaced, _PAIR, inside=True),
        Situation("plate, field replaced", again, judges.replaced, _PLATE, inside=True),
        Situation(
            "plate, replaced",
            Call("write_plate", ("numpy", "w")),
            judges.replaced,
            Call("write_other_plate"),
        ),
        Situation("series, new", collection, judges.created, once=True),
        _add("series, added", "write_series", ("numpy", "2"), _SERIES),
    ]
    return made


def _changed() -> list[Situation]:
    return [
        *(
            Situation(
                f"region, one process, {kind}",
                Call("write_region", (kind,)),
                judges.amended,
                _OLD,
                inside=True,
            )
            for kind in ("numpy", "dask")
        ),
        Situation(
            "region, two processes",
            Call("write_regions"),
            judges.amended_by_many,
            _OLD,
            inside=True,
        ),
        *(
            Situation(
                f"append, {what}",
                Call("append", (kind, dim)),
                judges.appended,
                Call("begin_series", (dim,)),
                once=True,
                inside=True,
            )
            for what, kind, dim in (
                ("frames", "numpy", "t"),
                ("frames, dask", "dask", "t"),
                ("planes into half bins", "numpy", "z"),
            )
        ),
        Situation(
            "pyramid, made",
            Call("build_pyramid", ([2, 4],)),
            judges.levels_made,
            Call("write_flat"),
            inside=True,
        ),
        Situation(
            "pyramid, remade",
            Call("build_pyramid"),
            judges.levels_remade,
            Call("write_stale"),
            inside=True,
        ),
        Situation("update, image and labels", Call("update"), judges.updated, _PAIR),
        Situation(
            "upgrade, image",
            Call("upgrade"),
            judges.upgraded,
            Call("write_image_04"),
        ),
        Situation(
            "upgrade, image with labels",
            Call("upgrade"),
            judges.upgraded,
            Call("write_both", ("numpy", None, 1, "0.4")),
        ),
    ]


def _resumed() -> list[Situation]:
    return [
        Situation(f"resume, {name}", Call(call, words), judges.created, crashes=3)
        for name, call, words in (
            ("image, numpy", "resume_image", ("numpy",)),
            ("image, dask", "resume_image", ("dask",)),
            ("plate", "resume_plate", ("numpy",)),
        )
    ]


SITUATIONS: dict[str, Situation] = {
    each.name: each for each in (*_whole(), *_added(), *_changed(), *_resumed())
}


def of_peers() -> list[Situation]:
    """An image, new and replaced, by every peer that is installed, and by us."""
    writers = {
        name: (
            Call(name, (1,), "tests.faults.peers"),
            Call(name, (2,), "tests.faults.peers"),
        )
        for name in peers.installed()
    }
    writers["xarray_omezarr"] = (_OLD, Call("write_image", ("dask", "w", 2)))
    made = []
    for name, (first, second) in writers.items():
        made.append(Situation(f"{name}, new", first, peers.left, again=False))
        made.append(
            Situation(f"{name}, replaced", second, peers.left, first, again=False)
        )
    return made
