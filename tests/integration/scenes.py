"""Images with several systems, and scenes, put together by hand with zarr alone."""

from __future__ import annotations

import asyncio
from typing import Any

import numpy as np
import zarr
from zarr.storage import WrapperStore

VERSION = "0.6rc0"
YX = (("y", "space"), ("x", "space"))
VECTORS = (("displacement", "displacement"), *YX)
AFFINE = [[0.0, -2.0, 5.0], [2.0, 0.0, 7.0]]


def axes(told: tuple[tuple[str, str], ...] = YX) -> list[dict[str, Any]]:
    units = {"space": {"unit": "micrometer"}, "displacement": {"discrete": True}}
    return [{"name": n, "type": kind, **units.get(kind, {})} for n, kind in told]


def system(name: str, told: tuple[tuple[str, str], ...] = YX) -> dict[str, Any]:
    return {"name": name, "axes": axes(told)}


def way(type: str, start: Any, end: Any, **members: Any) -> dict[str, Any]:
    """A transformation; ends are names, or a path and a name."""

    def side(told: Any) -> dict[str, str]:
        return (
            {"name": told}
            if isinstance(told, str)
            else {"path": told[0], "name": told[1]}
        )

    return {"type": type, "input": side(start), "output": side(end), **members}


def group(root: zarr.Group, path: str, ome: dict[str, Any]) -> zarr.Group:
    found = root.require_group(path) if path else root
    found.attrs["ome"] = {"version": VERSION, **ome}
    return found


def image(
    root: zarr.Group,
    path: str = "",
    *,
    scale: tuple[float, ...] = (0.5, 0.5),
    translation: tuple[float, ...] = (0.0, 0.0),
    sizes: tuple[int, ...] = (8, 12),
    told: tuple[tuple[str, str], ...] = YX,
    systems: list[Any] | None = None,
    ways: list[Any] | None = None,
    levels: int = 2,
    pixels: Any = None,
    **members: Any,
) -> zarr.Group:
    """An image of levels ``s0``, ``s1``, with the intrinsic system ``physical``."""
    datasets = []
    for number in range(levels):
        steps = [s * 2**number if n > len(told) - 3 else s for n, s in enumerate(scale)]
        parts = [
            {"type": "scale", "scale": steps},
            {"type": "translation", "translation": list(translation)},
        ]
        name = f"s{number}"
        datasets.append(
            {
                "path": name,
                "coordinateTransformations": [
                    {
                        "type": "sequence",
                        "input": {"path": name},
                        "output": {"name": "physical"},
                        "transformations": parts,
                    }
                ],
            }
        )
    entry: dict[str, Any] = {
        "name": path.rpartition("/")[2] or "img",
        "coordinateSystems": [system("physical", told), *(systems or [])],
        "datasets": datasets,
    }
    if ways:
        entry["coordinateTransformations"] = ways
    found = group(root, path, {"multiscales": [entry], **members})
    for number in range(levels):
        shape = (*sizes[:-2], *(-(-size // 2**number) for size in sizes[-2:]))
        values = np.zeros(shape, "float32" if told == VECTORS else "uint8")
        if number == 0 and pixels is not None:
            values[...] = pixels
        found.create_array(
            f"s{number}", data=values, dimension_names=[name for name, _ in told]
        )
    return found


def label(root: zarr.Group, path: str, **members: Any) -> None:
    """A label image, and the group that lists it."""
    above, _, name = path.rpartition("/")
    group(root, above, {"labels": [name]})
    image(root, path, **{"image-label": {}}, **members)


def matrix(root: zarr.Group, path: str, rows: Any = AFFINE) -> None:
    root.create_array(path, data=np.array(rows))


def registered(store: Any) -> zarr.Group:
    """Two views: one placed by a stored affine, the other by a field of vectors."""
    root = zarr.create_group(store)
    image(root, "views/left")
    image(root, "views/right", translation=(3.0, 4.0))
    ways = [
        way("affine", ("views/left", "physical"), "world", path="numbers/affine"),
        way(
            "displacements",
            ("views/right", "physical"),
            "world",
            path="/numbers/field",
            interpolation="linear",
        ),
    ]
    scene = {"coordinateSystems": [system("world")], "coordinateTransformations": ways}
    group(root, "", {"scene": {**scene, "stage": "A"}, "note": "kept"})
    root.attrs["lab"] = 7
    matrix(root, "numbers/affine")
    image(
        root,
        "numbers/field",
        told=VECTORS,
        scale=(1.0, 2.0, 3.0),
        translation=(0.0, 3.0, 4.0),
        sizes=(2, 4, 4),
        levels=1,
        pixels=np.arange(32.0).reshape(2, 4, 4),
    )
    return root


class Rounds(WrapperStore):
    """Notes what is got, and how often nothing was under way when it was."""

    def __init__(self, store: Any) -> None:
        super().__init__(store)
        self.got: list[str] = []
        self.rounds = 0
        self._under_way = 0

    async def get(self, key: str, *args: Any, **options: Any) -> Any:
        self.got.append(key)
        self.rounds += self._under_way == 0
        self._under_way += 1
        # Others of the same round begin meanwhile.
        await asyncio.sleep(0.005)
        try:
            return await self._store.get(key, *args, **options)
        finally:
            self._under_way -= 1

    @property
    def pixels(self) -> list[str]:
        return [key for key in self.got if "/c/" in f"/{key}"]
