"""What a crash may leave: each judge names the end it finds, or says what is lost."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from tests.faults import readers, writes
from tests.faults.readers import Seen, seen


class LostError(AssertionError):
    """Something is lost, torn, or taken for what it is not."""


@dataclass(frozen=True, slots=True)
class Known:
    """How it was before, and how it is when nobody is killed.

    Parameters
    ----------
    name : str
        Of the store in a folder.
    old, new : Seen, optional
        What zarr reads.
    old_files, new_files : mapping
        A digest of each file in the folder.
    """

    name: str
    old: Seen | None
    new: Seen
    old_files: Mapping[str, str]
    new_files: Mapping[str, str]


class Judge(Protocol):
    """Looks at a folder in which a writer was killed."""

    def __call__(self, folder: Path, known: Known) -> str:
        """The end: ``"nothing"``, ``"old"``, ``"new"`` or ``"between"``."""
        ...


def created(folder: Path, known: Known) -> str:
    """Nothing that anybody takes for OME-Zarr, or all of it."""
    place = folder / known.name
    unchanged(folder, known)
    if readers.is_told(readers.attributes(place)) or place.is_file():
        return whole(place, {"new": known.new})
    names = readers.recognising(place)
    if names:
        raise LostError(f"{names} take what is not complete for OME-Zarr")
    for path in readers.told_groups(place):
        below(place, path, known.new)
    return "nothing"


def replaced(folder: Path, known: Known) -> str:
    """The old one or the new one, whole."""
    assert known.old is not None
    return whole(folder / known.name, {"old": known.old, "new": known.new})


def added(folder: Path, known: Known) -> str:
    """What was there as it was; what is listed is complete."""
    unchanged(folder, known)
    return replaced(folder, known)


def upgraded(folder: Path, known: Known) -> str:
    """The old version or the new one, and not a stored object changed."""
    unchanged(folder, known)
    return replaced(folder, known)


def unchanged(folder: Path, known: Known) -> None:
    """Raise if a file that was there is not as it was, and not as it shall be.

    Documents of nodes are left to readers: they may differ in more than one step.
    """
    there = readers.files(folder)
    for path, digest in known.old_files.items():
        allowed = (digest, known.new_files.get(path))
        if not readers.is_document(path) and there.get(path) not in allowed:
            raise LostError(f"{path} is not as it was")


def whole(place: Path, allowed: Mapping[str, Seen]) -> str:
    """Which of some states is there, for zarr and for the package."""
    try:
        found = seen(place)
    except Exception as error:
        raise LostError(f"zarr cannot read what is listed: {error!r}") from error
    differences = {end: found.differs(state) for end, state in allowed.items()}
    for end, difference in differences.items():
        if not difference:
            same_for_us(place, found)
            return end
    raise LostError(f"Neither of {differences}")


def same_for_us(place: Path, found: Seen) -> None:
    """Raise if the package reads other pixels than zarr."""
    try:
        mine = readers.ours(place)
    except Exception as error:
        raise LostError(f"It does not open: {error!r}") from error
    if mine.keys() != found.arrays.keys():
        raise LostError(f"Other levels: {sorted(mine.keys() ^ found.arrays.keys())}")
    for path, array in found.arrays.items():
        if not readers.same_pixels(mine[path], array):
            raise LostError(f"Other pixels at {path!r}")


def below(place: Path, path: str, known: Seen) -> None:
    """Raise if a group of an unfinished store says more than is there."""
    found = seen(place / path)
    start = f"{path}/" if path else ""
    for name, array in found.arrays.items():
        if not readers.same_pixels(array, known.arrays[start + name]):
            raise LostError(f"{start + name} is listed, and not complete")


# -- Images that are changed ------------------------------------------------------


def amended(folder: Path, known: Known) -> str:
    """Every stored object is the old one or the new one; one writer."""
    place = folder / known.name
    found = _same_metadata(place, known)
    assert known.old is not None
    for path, array in found.arrays.items():
        old, new = known.old.arrays[path], known.new.arrays[path]
        chunk = (1, 16, 16)
        for start in itertools.product(
            *(range(0, n, c) for n, c in zip(array.shape, chunk, strict=True))
        ):
            at = tuple(slice(a, a + c) for a, c in zip(start, chunk, strict=True))
            if not any(np.array_equal(array[at], each[at]) for each in (old, new)):
                raise LostError(f"The object at {start} of {path!r} is torn")
    return _end(found, known)


def amended_by_many(folder: Path, known: Known) -> str:
    """Every pixel is what one of the writers made of it, or nobody yet."""
    place = folder / known.name
    found = _same_metadata(place, known)
    assert known.old is not None
    before, after = writes.pixels(1), writes.pixels(2)
    states = []
    for chosen in itertools.product((False, True), repeat=len(writes.REGIONS)):
        state = before.copy()
        for region, is_new in zip(writes.REGIONS, chosen, strict=True):
            at = (slice(None), region["y"], region["x"])
            if is_new:
                state[at] = after[at]
        states.append(state)
    for path in ("0", "1", "2"):
        array = found.arrays[path]
        right = np.logical_or.reduce([array == state for state in states])
        if path == "2":
            # There, a bin of both may be made of one that has been there and gone on.
            right |= _shared(array.shape)
        if not right.all():
            raise LostError(f"Pixels of {path!r} that nobody wrote")
        states = [halved(state) for state in states]
    return _end(found, known)


def _shared(shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    """Which pixels of level 2 are made of pixels of both regions."""
    reached = []
    for region in writes.REGIONS:
        mask = np.zeros(shape, bool)
        y, x = (slice(each.start // 4, -(-each.stop // 4)) for each in region.values())
        mask[:, y, x] = True
        reached.append(mask)
    shared: np.ndarray[Any, Any] = np.logical_and.reduce(reached)
    return shared


def halved(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Means of bins of 2 x 2, rounded half to even."""
    blocks = array.reshape(
        *array.shape[:-2], array.shape[-2] // 2, 2, array.shape[-1] // 2, 2
    )
    return np.rint(blocks.mean((-3, -1))).astype(array.dtype)


def _same_metadata(place: Path, known: Known) -> Seen:
    try:
        found = seen(place)
    except Exception as error:
        raise LostError(f"zarr cannot read what is listed: {error!r}") from error
    if found.groups != known.new.groups:
        raise LostError("Other metadata")
    same_for_us(place, found)
    return found


def _end(found: Seen, known: Known) -> str:
    assert known.old is not None
    for end, state in (("old", known.old), ("new", known.new)):
        if not found.differs(state):
            return end
    return "between"


def appended(folder: Path, known: Known) -> str:
    """So many whole frames; a coarser level may be one frame ahead."""
    assert known.old is not None
    place = folder / known.name
    try:
        found = seen(place)
    except Exception as error:
        raise LostError(f"zarr cannot read what is listed: {error!r}") from error
    same_for_us(place, found)
    dim = _grown_dim(known)
    frames, count = writes.frames(dim), found.arrays["0"].shape[0]
    if not np.array_equal(found.arrays["0"], frames[:count]):
        raise LostError("Frames of level 0 are not what was appended")
    coarse, step = found.arrays["1"], 2 if dim == "z" else 1
    states = [_coarser(frames[:n], step) for n in (count, count + 1)]
    if len(coarse) not in map(len, states):
        raise LostError(f"Level 1 has {len(coarse)} frames, and level 0 {count}")
    for index, frame in enumerate(coarse):
        allowed = [state[index] for state in states if index < len(state)]
        if not np.logical_or.reduce([frame == each for each in allowed]).all():
            raise LostError(f"Frame {index} of level 1 is made of nothing that was")
    return _end(found, known)


def _grown_dim(known: Known) -> str:
    document = known.new.groups[""]
    axes = document.get("ome", document)["multiscales"][0]["axes"]
    return str(axes[0]["name"])


def _coarser(frames: np.ndarray[Any, Any], step: int) -> np.ndarray[Any, Any]:
    """Level 1 of some frames; the last bin counts with those it has."""
    height, width = frames.shape[1] // 2, frames.shape[2] // 2
    made = [
        np.rint(frames[n : n + step].reshape(-1, height, 2, width, 2).mean((0, 2, 4)))
        for n in range(0, len(frames), step)
    ]
    return np.stack(made).astype(frames.dtype)


def levels_made(folder: Path, known: Known) -> str:
    """Level 0 as it was, and no coarser level is listed that is not complete."""
    assert known.old is not None
    unchanged(folder, known)
    place = folder / known.name
    found = seen(place)
    same_for_us(place, found)
    below(place, "", known.new)
    if "0" not in found.arrays:
        raise LostError("Level 0 is not listed any more")
    return "new" if len(found.arrays) == len(known.new.arrays) else "old"


def levels_remade(folder: Path, known: Known) -> str:
    """Level 0 as it was; every object of the others is old or new."""
    assert known.old is not None
    found = seen(folder / known.name)
    if not readers.same_pixels(found.arrays["0"], known.old.arrays["0"]):
        raise LostError("Level 0 has changed")
    return amended(folder, known)


def updated(folder: Path, known: Known) -> str:
    """Metadata of the image and of its labels, old or new; a log while they differ."""
    assert known.old is not None
    unchanged(folder, known)
    found = seen(folder / known.name)
    states = set()
    for path, attrs in found.groups.items():
        old, new = known.old.groups[path], known.new.groups[path]
        if attrs not in (old, new):
            raise LostError(f"The attributes of {path!r} are neither old nor new")
        if old != new:
            states.add("old" if attrs == old else "new")
    if len(states) == 1:
        return states.pop()
    if not any(path.endswith(".lock.update") for path in readers.files(folder)):
        raise LostError("Metadata are half old and half new, and nothing says so")
    return "between"
