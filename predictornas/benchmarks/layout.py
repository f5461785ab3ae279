"""How a benchmark lies on disk: `manifest.json`, the rows (`genes`, `keys`, sorted twice) and one file a column."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from types import NoneType
from typing import Any

from predictornas.benchmarks.column import Column, check_roles, column_of_entry
from predictornas.errors import ConfigurationError, StoreError
from predictornas.files import sha256_of
from predictornas.reading import CHECKSUM, Kinds, checked_object, read_json, sealed, shown_path, unsealed

SCHEMA_VERSION = 2
"""Version of the layout that is written: the manifest of a folder is sealed since version 2."""

NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,199}")
"""What a table may be called, and its folder with it."""

_READ_VERSIONS = (1, SCHEMA_VERSION)

MANIFEST = "manifest.json"
GENES, KEYS, SORTED_KEYS, SORTED_ROWS = "genes.npy", "keys.npy", "sorted_keys.npy", "sorted_rows.npy"
COLUMNS = "columns"
CURVES = "curves"
"""Folder of arrays that are no columns, and the entry of the manifest that says what they are."""

_ENTRIES: Kinds = {
    "schema_version": int,
    "name": str,
    "space": str,
    "rows": int,
    "signal": str,
    "evaluation": (str, NoneType),
    "columns": list,
    "source": dict,
    "licence": str,
    "files": dict,
}
_COLUMN: Kinds = {
    "name": str,
    "metric": str,
    "split": (str, NoneType),
    "epochs": (int, NoneType),
    "run": (str, NoneType),
    "nullable": bool,
}
_MEANING: Kinds = {"direction": str, "unit": str}
_FILE: Kinds = {"bytes": int, "sha256": str}
_REMEDY = "Import the table again."


def file_of(column: Column) -> str:
    """Where the values of a column lie, relative to the folder."""
    return f"{COLUMNS}/{column.name}.npy"


def facts_of_files(folder: Path) -> dict[str, dict[str, int | str]]:
    """Size in bytes and sha256 of every array of a folder, for its manifest."""
    return {
        path.relative_to(folder).as_posix(): {"bytes": path.stat().st_size, "sha256": sha256_of(path)}
        for path in sorted(folder.rglob("*.npy"))
    }


def sealed_manifest(folder: Path, entries: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest of a folder of arrays: `entries`, the facts of its files, and a checksum over all of it."""
    return sealed({"schema_version": SCHEMA_VERSION, **entries, "files": facts_of_files(folder)})


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a folder, checked to be whole and of this schema, all files present in their full size.

    Raises:
        StoreError: it is not.
    """
    path = folder / MANIFEST
    where = shown_path(path)
    content = read_json(path, error=StoreError, remedy=f"{shown_path(folder)} is no benchmark. {_REMEDY}")
    version = checked_object(content, {"schema_version": int}, where, error=StoreError, remedy=_REMEDY)[
        "schema_version"
    ]
    if version not in _READ_VERSIONS:
        raise StoreError(f"{where} has schema version {version}, but {SCHEMA_VERSION} is read. {_REMEDY}")
    if version > 1 or CHECKSUM in content:
        content = unsealed(content, where, error=StoreError, remedy=_REMEDY)
    manifest = checked_object(content, _ENTRIES, where, error=StoreError, remedy=_REMEDY)
    columns = _columns(manifest, where)
    sizes = _sizes(manifest, where)
    if {file for file in sizes if not file.startswith(f"{CURVES}/")} != {GENES, KEYS, SORTED_KEYS, SORTED_ROWS} | {
        file_of(column) for column in columns.values()
    } or (len(sizes) > len(columns) + 4 and CURVES not in manifest):
        raise StoreError(f"{where} lists other files than its columns need. {_REMEDY}")
    _check_sizes(folder, sizes)
    return manifest


def checked_column(entry: Any, where: str, remedy: str) -> Column:
    """The column that an entry of a manifest describes.

    Args:
        entry: as it was read.
        where: the file, for messages.
        remedy: what the reader can do.

    Raises:
        StoreError: it describes none.
    """
    parts = checked_object(entry, _COLUMN, f"{where}: a column", error=StoreError, remedy=remedy)
    said = {name: kind for name, kind in _MEANING.items() if name in parts}
    checked_object(parts, said, f"{where}: a column", error=StoreError, remedy=remedy)
    try:
        return column_of_entry(parts)
    except ConfigurationError as error:
        raise StoreError(f"{where} describes a column wrongly ({error}). {remedy}") from error


def _columns(manifest: dict[str, Any], where: str) -> dict[str, Column]:
    """The columns of a manifest, and whether its signal and evaluation are among them."""
    columns = {}
    for entry in manifest["columns"]:
        column = checked_column(entry, where, _REMEDY)
        columns[column.name] = column
    try:
        check_roles(columns, manifest["signal"], manifest["evaluation"])
    except ConfigurationError as error:
        raise StoreError(f"{where} names a signal or an evaluation that cannot be ({error}). {_REMEDY}") from error
    if len(columns) != len(manifest["columns"]) or manifest["rows"] < 1:
        raise StoreError(f"{where} names a column twice, or has {manifest['rows']} rows. {_REMEDY}")
    return columns


def _sizes(manifest: dict[str, Any], where: str) -> dict[str, int]:
    files = {
        name: checked_object(facts, _FILE, f"{where}: a file", error=StoreError, remedy=_REMEDY)
        for name, facts in manifest["files"].items()
    }
    return {name: facts["bytes"] for name, facts in files.items()}


def _check_sizes(folder: Path, sizes: dict[str, int]) -> None:
    for name, size in sizes.items():
        path = folder / name
        found = path.stat().st_size if path.is_file() else None
        if found != size:
            met = "is missing" if found is None else f"has {found} bytes, not {size}"
            raise StoreError(f"{path} {met}. Import the table again.")


def verify_file(path: Path, sha256: str) -> None:
    """Checks the content of a file of a folder.

    Raises:
        StoreError: it was altered since it was written, or cannot be read.
    """
    try:
        found = sha256_of(path)
    except OSError as error:
        raise StoreError(f"{shown_path(path)} cannot be read ({error.strerror}). {_REMEDY}") from error
    if found != sha256:
        raise StoreError(f"{shown_path(path)} was altered: its sha256 is {found}, not {sha256}. {_REMEDY}")


_verified: set[tuple[object, ...]] = set()  # what this process has read already, by inode, size and time


def verify_file_once(path: Path, sha256: str) -> None:
    """As `verify_file`, but a file that this process has verified is not read again unless it was written since.

    Raises:
        StoreError: as `verify_file`.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise StoreError(f"{shown_path(path)} cannot be read ({error.strerror}). {_REMEDY}") from error
    facts = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns, sha256)
    if facts not in _verified:
        verify_file(path, sha256)
        _verified.add(facts)


def check_table_name(name: str) -> None:
    """Refuses what cannot be the name of a table.

    Raises:
        ConfigurationError: other characters than `NAME` has, or too many.
    """
    if not NAME.fullmatch(name):
        raise ConfigurationError(
            f"{name[:60]!r} cannot be the name of a benchmark; use at most 200 lower-case letters, digits, '-' and "
            "'.', no folder."
        )
