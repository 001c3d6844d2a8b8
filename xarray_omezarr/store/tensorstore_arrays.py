"""Arrays that zarr makes and tensorstore fills: the same metadata, other hands."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from zarr.core.buffer import default_buffer_prototype
from zarr.core.sync import sync
from zarr.storage import FsspecStore

from xarray_omezarr.errors import MissingDependencyError, OptionError
from xarray_omezarr.store.arrays import model_array
from xarray_omezarr.store.target import open_target
from xarray_omezarr.store.writers import ZarrWriter

if TYPE_CHECKING:
    import zarr

    from xarray_omezarr.hierarchy import ArrayNode, Hierarchy
    from xarray_omezarr.store.arrays import ZarrFormat
    from xarray_omezarr.store.target import Target
    from xarray_omezarr.store.writers import Handles

_DRIVERS = {2: "zarr", 3: "zarr3"}

# Blocks are written once and wait for the disk anyway: a cache would only grow. zarr
# does not wait for the disk to have everything on it either.
_CONTEXT = {"cache_pool": {"total_bytes_limit": 0}, "file_io_sync": False}


def _tensorstore() -> Any:
    try:
        import tensorstore
    except ImportError as error:
        raise MissingDependencyError(
            "writer='tensorstore' needs a package that is not installed; "
            "pip install 'xarray-omezarr[tensorstore]'"
        ) from error
    return tensorstore


@dataclass(frozen=True, slots=True)
class TensorstoreWriter:
    """Arrays filled by tensorstore, block by block.

    zarr makes the empty arrays, so metadata do not depend on the writer, and
    tensorstore opens what zarr made.

    Raises
    ------
    MissingDependencyError
        If tensorstore is not installed.
    """

    def __post_init__(self) -> None:
        _tensorstore()

    def check(self, hierarchy: Hierarchy, target: Target) -> None:
        """Raise an OptionError where tensorstore has no way to that store or codec."""
        kvstore(target)
        seen = set()
        for path, node in hierarchy.arrays.items():
            kind = (node.dtype, node.layout.shards is None, id(node.layout.compression))
            if kind not in seen:
                seen.add(kind)
                _check_openable(path, node, hierarchy.version.features.zarr_format)

    def create(self, hierarchy: Hierarchy, root: zarr.Group) -> Handles:
        """The empty arrays, made by zarr."""
        ZarrWriter().create(hierarchy, root)
        return self.open(hierarchy, root)

    def open(self, hierarchy: Hierarchy, root: zarr.Group) -> Handles:
        """The arrays that are there; each is opened where it is first used."""
        target = open_target(root)
        zarr_format = hierarchy.version.features.zarr_format
        return {
            path: TensorstoreArray(
                json.dumps(_spec(kvstore(target.child(path)), node, zarr_format))
            )
            for path, node in hierarchy.arrays.items()
        }


@dataclass(frozen=True, slots=True)
class TensorstoreArray:
    """An array of tensorstore, opened by the process that uses it.

    Parameters
    ----------
    spec : str
        How tensorstore opens it, as JSON.
    """

    spec: str
    _opened: list[Any] = field(default_factory=list, repr=False, compare=False)

    def __reduce__(self) -> tuple[type[TensorstoreArray], tuple[str]]:
        return TensorstoreArray, (self.spec,)

    def __setitem__(self, key: tuple[slice, ...], value: NDArray[Any]) -> None:
        # Waiting here bounds what is held: one block per thread.
        self._array[key].write(np.asarray(value)).result()

    def __getitem__(self, key: tuple[slice, ...]) -> NDArray[Any]:
        return np.asarray(self._array[key].read().result())

    @property
    def _array(self) -> Any:
        # Two threads may both open it; either result will do.
        if not self._opened:
            spec = json.loads(self.spec)
            self._opened.append(_tensorstore().open(spec, open=True).result())
        return self._opened[0]


def _spec(
    where: dict[str, Any], node: ArrayNode, zarr_format: ZarrFormat
) -> dict[str, Any]:
    return {
        "driver": _DRIVERS[zarr_format],
        "kvstore": where,
        "context": _CONTEXT,
        "store_data_equal_to_fill_value": node.layout.write_empty_chunks,
    }


def _check_openable(path: str, node: ArrayNode, zarr_format: ZarrFormat) -> None:
    """Raise if tensorstore cannot work with the metadata that zarr will write."""
    model = model_array(node, zarr_format).store_path
    key = "zarr.json" if zarr_format == 3 else ".zarray"
    found = sync(model.store.get(key, default_buffer_prototype()))
    assert found is not None  # written one line above
    tensorstore = _tensorstore()
    context = tensorstore.Context(_CONTEXT)
    memory = tensorstore.KvStore.open("memory://", context=context).result()
    memory[key] = found.to_bytes()
    spec = _spec({"driver": "memory"}, node, zarr_format)
    del spec["context"]
    try:
        tensorstore.open(spec, open=True, context=context).result()
    except (ValueError, NotImplementedError) as error:
        raise OptionError(
            f"writer is 'tensorstore', which cannot write array {path!r} of "
            f"{node.dtype} with compression {node.layout.compression!r}: {error}; "
            "choose another compression, or writer='zarr'"
        ) from error


def kvstore(target: Target) -> dict[str, Any]:
    """What tensorstore calls the place of `target`: folders, S3, Google's storage.

    Raises
    ------
    OptionError
        For all other stores, and where tensorstore could not log in as the store
        does.
    """
    if target.directory is not None:
        return {"driver": "file", "path": f"{target.directory}/"}
    store = target.store
    if isinstance(store, FsspecStore):
        protocols = getattr(store.fs, "protocol", ())
        protocols = (protocols,) if isinstance(protocols, str) else protocols
        bucket, _, prefix = f"{store.path}/{target.path}".strip("/").partition("/")
        place = {"bucket": bucket, "path": f"{prefix}/"}
        if "s3" in protocols:
            return {"driver": "s3", **place, **_s3_login(store.fs, target)}
        if "gs" in protocols:
            return {"driver": "gcs", **place}
    raise OptionError(
        f"writer is 'tensorstore', which reaches folders of local disks and URLs of "
        f"s3:// and gs://, and {target} is a {type(store).__name__}; write to one of "
        "those, or use writer='zarr'"
    )


def _s3_login(fs: Any, target: Target) -> dict[str, Any]:
    client = {**(fs.client_kwargs or {})}
    found: dict[str, Any] = {"aws_credentials": {"type": "default"}}
    if fs.key or fs.secret or fs.token or "aws_access_key_id" in client:
        raise OptionError(
            f"writer is 'tensorstore', which takes the keys of S3 from the environment "
            f"or the configuration of AWS only, and those of {target} are in "
            "storage_options; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY "
            "instead, or use writer='zarr'"
        )
    if fs.anon:
        found["aws_credentials"] = {"type": "anonymous"}
    endpoint = client.get("endpoint_url") or getattr(fs, "endpoint_url", None)
    if endpoint:
        found["endpoint"] = endpoint
    region = client.get("region_name")
    if region or endpoint:
        # Servers that are not Amazon's cannot be asked where a bucket is.
        found["aws_region"] = region or "us-east-1"
    return found
