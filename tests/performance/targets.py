"""What has to be reached, each a number that is computed from the medians."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

MIB = 2**20

#: Median of each figure (``"wall"``, ``"cpu"``, ``"rise"``, ``"disk"``, ...), by names
#: of the work and the contestant.
Medians = Mapping[tuple[str, str], Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Target:
    """A bound on a number.

    Attributes
    ----------
    value
        The number, from the medians; a KeyError where something was not measured.
    at_most
        The bound is the largest (True) or the smallest number that will do.
    unit
        Written behind the number.
    """

    work: str
    about: str
    value: Callable[[Medians], float]
    bound: float
    at_most: bool = True
    unit: str = "x"

    def reached(self, medians: Medians) -> tuple[float, bool] | None:
        """The number and whether it will do; None if something was not measured."""
        try:
            value = self.value(medians)
        except KeyError:
            return None
        return value, value <= self.bound if self.at_most else value >= self.bound


def _faster(work: str, other: str, bound: float) -> Target:
    """Ours takes at most 1 / `bound` of the time of another contestant."""

    def value(medians: Medians) -> float:
        return medians[work, other]["wall"] / medians[work, "ours"]["wall"]

    return Target(work, f"time of {other} / ours", value, bound, at_most=False)


def _rise(work: str, bound: float) -> Target:
    def value(medians: Medians) -> float:
        return medians[work, "ours"]["rise"] / MIB

    return Target(work, "rise of memory", value, bound, unit="MiB")


def _ours(
    work: str, other: str, figure: str, about: str, bound: float, at_most: bool = True
) -> Target:
    """A figure of ours over the same of another contestant or work."""
    where = (work, other) if "ours" not in other else (other.partition(":")[0], "ours")

    def value(medians: Medians) -> float:
        return medians[work, "ours"][figure] / medians[where][figure]

    return Target(work, about, value, bound, at_most)


def _cpu(work: str, bound: float) -> Target:
    def value(medians: Medians) -> float:
        return medians[work, "ours"]["cpu"]

    return Target(work, "CPU time", value, bound, unit="s")


def _more(work: str, base: str, bound: float) -> Target:
    def value(medians: Medians) -> float:
        rises = [medians[name, "ours"]["rise"] for name in (work, base)]
        return (rises[0] - rises[1]) / MIB

    return Target(work, f"rise of memory beyond {base}", value, bound, unit="MiB")


def _beyond(medians: Medians) -> float:
    return medians["slow", "ours"]["wall"] - medians["fast", "ours"]["wall"]


TARGETS: tuple[Target, ...] = (
    _ours("w1", "floor", "wall", "time of ours / floor", 1.2),
    _faster("w1", "ome-zarr-local-mean", 3.5),
    _faster("w1", "ome-zarr", 10),
    _faster("w1", "ngff-zarr-bin-shrink", 2.5),
    _faster("w1", "bioio-ome-zarr", 2.5),
    _faster("w1", "ngio", 2.5),
    _faster("w1", "yaozarrs-tensorstore", 1),
    _rise("w1", 64),
    _more("w1-4x", "w1", 10),
    _ours("w1-4x", "w1:ours", "wall", "time / that of w1, at most", 4.4),
    _ours("w1-4x", "w1:ours", "wall", "time / that of w1, at least", 3.6, False),
    _faster("w1-own", "yaozarrs-tensorstore", 2),
    _faster("w1-own", "yaozarrs-zarr", 2),
    _faster("w1-own", "ome-zarr", 18),
    _ours("w1-own", "yaozarrs-tensorstore", "disk", "size of ours / yaozarrs", 1.02),
    _faster("w2", "ome-zarr-local-mean", 2.2),
    _faster("w2", "yaozarrs-zarr", 3.5),
    _rise("w2", 130),
    _rise("w2-4x", 130),
    _ours("w2-4x", "w2:ours", "wall", "time / that of w2, at most", 4.4),
    _ours("w2-4x", "w2:ours", "wall", "time / that of w2, at least", 3.6, False),
    _faster("w3", "ome-zarr-local-mean", 3.2),
    _faster("w3", "yaozarrs-tensorstore", 1),
    _rise("w3", 128),
    _faster("w4", "yaozarrs-tensorstore", 2.5),
    _faster("w4", "ome-zarr-local-mean", 8),
    _rise("w4", 64),
    _ours("w4-disk", "floor", "wall", "time of ours / floor", 1.3),
    _rise("w4-disk", 64),
    _cpu("plate-tree", 5),
    _cpu("plate-stack", 0.3),
    _faster("w5-nearest", "ome-zarr-nearest", 9),
    _ours("w5-nearest", "ome-zarr-nearest", "rise", "memory of ours / ome-zarr", 0.1),
    _ours("w5-mode", "w5-nearest:ours", "wall", "time / that of nearest", 2),
    _faster("cluster", "ome-zarr-local-mean", 2.2),
    Target("slow", "time beyond that of fast", _beyond, 1.5, unit="s"),
)
