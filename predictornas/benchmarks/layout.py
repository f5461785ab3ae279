"""How a benchmark lies on disk: `manifest.json`, the rows (`genes`, `keys`, sorted twice) and one file a column."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from predictornas.benchmarks.column import Column
from predictornas.errors import ConfigurationError, StoreError
from predictornas.files import sha256_of

SCHEMA_VERSION = 1
"""Version of the layout; a folder of another version is not opened."""

MANIFEST = "manifest.json"
GENES, KEYS, SORTED_KEYS, SORTED_ROWS = "genes.npy", "keys.npy", "sorted_keys.npy", "sorted_rows.npy"
COLUMNS = "columns"

_ENTRIES = {"schema_version", "name", "space", "rows", "signal", "evaluation", "columns", "source", "licence", "files"}


def file_of(column: Column) -> str:
    """Where the values of a column lie, relative to the folder."""
    return f"{COLUMNS}/{column.name}.npy"


def facts_of_files(folder: Path) -> dict[str, dict[str, int | str]]:
    """Size in bytes and sha256 of every array of a folder, for its manifest."""
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.rglob("*.npy"))
    }


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder, checked to be whole and of this schema, all files present in their full size.

    Raises:
        StoreError: it is not.
    """
    path = folder / MANIFEST
    try:
        manifest = json.loads(path.read_text())
        version = manifest["schema_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} cannot be read ({error!r}); {folder} is no benchmark. Import it again.") from error
    if version != SCHEMA_VERSION:
        raise StoreError(
            f"{path} has schema version {version!r}, but {SCHEMA_VERSION} is read. Import the table again."
        )
    if lacking := _ENTRIES - set(manifest):
        raise StoreError(f"{path} lacks {', '.join(sorted(lacking))}. Import the table again.")
    try:
        expected = {GENES, KEYS, SORTED_KEYS, SORTED_ROWS}
        expected |= {file_of(Column(**entry)) for entry in manifest["columns"]}
        sizes = {name: int(facts["bytes"]) for name, facts in manifest["files"].items()}
    except (KeyError, TypeError, ValueError, AttributeError, ConfigurationError) as error:
        raise StoreError(f"{path} describes its columns or files wrongly ({error}). Import the table again.") from error
    if set(sizes) != expected:
        raise StoreError(f"{path} lists other files than its columns need. Import the table again.")
    _check_sizes(folder, sizes)
    return dict(manifest)


def _check_sizes(folder: Path, sizes: dict[str, int]) -> None:
    for name, size in sizes.items():
        path = folder / name
        found = path.stat().st_size if path.is_file() else None
        if found != size:
            met = "is missing" if found is None else f"has {found} bytes, not {size}"
            raise StoreError(f"{path} {met}. Import the table again.")
