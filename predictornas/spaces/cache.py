"""What is computed once for a whole space (its rows, keys, hashes), kept on disk and opened by mmap."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Shaped

from predictornas.errors import StoreError
from predictornas.files import cache_home, writing_folder

logger = logging.getLogger(__name__)

Arrays = Mapping[str, Shaped[np.ndarray, "..."]]


def cached_arrays(name: str, version: int, build: Callable[[], Arrays]) -> Arrays:
    """Named read-only arrays from the cache, built and stored when missing, torn or of another version.

    Args:
        name: folder inside the cache, e.g. "nasbench101-cells".
        version: raise it when `build` would give something else; older folders are rebuilt.
        build: computes the arrays. Where the cache cannot be written, its result is used as it is.
    """
    folder = cache_home() / f"{name}-v{version}"
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        if manifest["version"] != version:
            raise ValueError(f"{folder} holds version {manifest['version']}, not {version}")
        return {key: _open(folder / f"{key}.npy", size) for key, size in manifest["bytes"].items()}
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        pass
    arrays = build()
    try:
        with writing_folder(folder) as temporary:
            sizes = {}
            for key, array in arrays.items():
                np.save(temporary / f"{key}.npy", array)
                sizes[key] = (temporary / f"{key}.npy").stat().st_size
            (temporary / "manifest.json").write_text(json.dumps({"name": name, "version": version, "bytes": sizes}))
        return {key: _open(folder / f"{key}.npy", size) for key, size in sizes.items()}
    except (StoreError, OSError) as error:
        logger.warning("The cache %s cannot be used (%s); computing again next time.", folder, error)
        for array in arrays.values():
            array.setflags(write=False)
        return arrays


def _open(path: Path, size: int) -> Shaped[np.ndarray, "..."]:
    if path.stat().st_size != size:
        raise ValueError(f"{path} has {path.stat().st_size} bytes, not {size}")
    array: Shaped[np.ndarray, "..."] = np.load(path, mmap_mode="r", allow_pickle=False)
    return array
