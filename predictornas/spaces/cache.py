"""What is computed once and kept on disk, such as all rows of a space: opened by mmap, each file checked before."""

from __future__ import annotations

import hashlib
import json
import logging
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Shaped

from predictornas.errors import StoreError
from predictornas.files import cache_home, remove_leftovers, writing_folder
from predictornas.reading import read_json, sealed, unsealed

if TYPE_CHECKING:
    from predictornas.spaces.base import SearchSpace

logger = logging.getLogger(__name__)

Arrays = Mapping[str, Shaped[np.ndarray, "..."]]

_BLOCK = 1 << 22
_LOOKED_AT = 1024
"""Graphs of a space that tell whether it is the one that something was kept of."""


def cached_arrays(name: str, version: int, build: Callable[[], Arrays]) -> Arrays:
    """Named read-only arrays from the cache, built and stored when missing, damaged or of another version.

    Args:
        name: folder inside the cache, e.g. "nasbench101-cells".
        version: raise it when `build` would give something else; older folders are rebuilt.
        build: computes the arrays. Where the cache cannot be written, its result is used as it is.
    """
    folder = cache_home() / f"{name}-v{version}"
    try:
        return _opened(folder, version)
    except (StoreError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        if folder.exists():
            logger.warning("The cache %s is damaged (%s) and is computed again.", folder, error)
    arrays = build()
    remove_leftovers(folder.parent)
    try:
        with writing_folder(folder) as temporary:
            for key, array in arrays.items():
                np.save(temporary / f"{key}.npy", array)
            facts = {"name": name, "version": version, "crc32": {key: _crc32(temporary, key) for key in arrays}}
            (temporary / "manifest.json").write_text(json.dumps(sealed(facts)), encoding="utf-8")
        return _opened(folder, version)
    except (StoreError, OSError) as error:
        logger.warning("The cache %s cannot be used (%s); computing again next time.", folder, error)
        for array in arrays.values():
            array.setflags(write=False)
        return arrays


def space_digest(space: SearchSpace) -> str:
    """What arrays that follow from a space depend on: its architectures, and what it says of them.

    Of a large space about a thousand graphs are looked at, evenly spread.
    """
    genes = space.enumerate()
    graphs = space.graphs(genes[:: max(1, len(genes) // _LOOKED_AT)])
    digest = hashlib.blake2b(np.ascontiguousarray(genes).data, digest_size=8)
    for array in (graphs.adjacency, graphs.operations):
        digest.update(np.ascontiguousarray(array).data)
    said = [graphs.num_codes, *(str(getattr(space, name, None)) for name in ("convolution_areas", "identity"))]
    digest.update(json.dumps(said).encode())
    return digest.hexdigest()


def _opened(folder: Path, version: int) -> Arrays:
    """The arrays, once manifest and files are as they were written. CRC-32, because it costs 1 ms for 4 MB or less."""
    path = folder / "manifest.json"
    facts = unsealed(read_json(path, error=StoreError, remedy=""), str(path), error=StoreError, remedy="")
    if facts["version"] != version:
        raise StoreError(f"{path} is of version {facts['version']}, not {version}.")
    for key, checksum in facts["crc32"].items():
        if _crc32(folder, key) != checksum:
            raise StoreError(f"{folder / key}.npy is not as it was written.")
    return {key: np.load(folder / f"{key}.npy", mmap_mode="r", allow_pickle=False) for key in facts["crc32"]}


def _crc32(folder: Path, key: str) -> int:
    checksum = 0
    with (folder / f"{key}.npy").open("rb") as stream:
        while block := stream.read(_BLOCK):
            checksum = zlib.crc32(block, checksum)
    return checksum
