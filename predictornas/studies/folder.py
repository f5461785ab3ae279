"""The one rule for result folders: each belongs to one kind of result, which its manifest names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from predictornas.errors import ConfigurationError, StoreError, UnknownNameError
from predictornas.files import remove_leftovers
from predictornas.reading import shown_path
from predictornas.studies.sealed import read_sealed, write_sealed

MANIFEST = "manifest.json"

KINDS = {
    "study": "`gain` or `search`",
    "objectives": "`gain` or `search` with --objectives or --limit",
    "live-search": "`live-search`",
    "predictors": "`predictors`",
    "proxies": "`proxies`",
    "agreement": "`data agreement`",
    "training": "`train`",
    "supernet": "`supernet`",
    "supernet-seeds": "`supernet --seeds`",
    "table": "`build-table`",
    "figures": "`reproduce`",
    "comparison": "`compare`",
    "expected": "`expect`",
    "robustness": "`run_robustness_study`",
}
"""Kinds of results, each with the commands that write it."""

_OLDER = {
    "study": {"study", "methods", "made_with"},
    "live-search": {"study", "strategy"},
    "predictors": {"study", "predictors"},
    "training": {"request", "genes"},
    "supernet": {"method", "search"},
    "agreement": {"tables_sha256"},
    "proxies": {"study", "made_with"},
}
"""What manifests of versions that named no kind have; the first that fits is meant."""


def check_owner(folder: Path, kind: str) -> dict[str, Any]:
    """Refuses a folder that belongs to another kind of result.

    Args:
        folder: need not exist.
        kind: one of `KINDS`.

    Returns:
        What its manifest says; empty where it has none yet.

    Raises:
        ConfigurationError: the folder belongs to another kind.
        StoreError: its manifest is damaged, or none of a result.
    """
    if kind not in KINDS:
        raise UnknownNameError("kind of result", kind, KINDS)
    owner, facts = owner_of(folder)
    if owner is None:
        return {}
    if owner != kind:
        raise ConfigurationError(
            f"{folder} holds results of {KINDS[owner]}. Choose another --out, or move the folder away."
        )
    return facts


def owner_of(folder: Path) -> tuple[str | None, dict[str, Any]]:
    """The kind of result that a folder holds, and what its manifest says; None and nothing where it has none.

    Raises:
        StoreError: its manifest is damaged, or none of a result.
    """
    path = folder / MANIFEST
    try:
        if not path.exists():
            return None, {}
    except OSError as error:  # a name longer than file names may be
        raise StoreError(f"{shown_path(folder)} cannot be used: {error.strerror}. Choose another --out.") from error
    facts, has_checksum = read_sealed(path)
    owner = _kind(facts, has_checksum=has_checksum)
    if owner not in KINDS:
        raise StoreError(f"{path} is no manifest of a result. Choose another --out, or move the file away.")
    facts.pop("kind", None)
    return owner, facts


def take(folder: Path, kind: str) -> dict[str, Any]:
    """Makes a folder belong to a kind of result and removes what killed commands left in it.

    Args:
        folder: created when missing.
        kind: one of `KINDS`.

    Returns:
        As `check_owner`.

    Raises:
        ConfigurationError, StoreError: as in `check_owner`.
        StoreError: the folder cannot be written.
    """
    facts = check_owner(folder, kind)
    remove_leftovers(folder, below=True)
    if not facts:
        write_manifest(folder, kind, {})
    return facts


def write_manifest(folder: Path, kind: str, facts: Mapping[str, Any]) -> None:
    """Writes the manifest of a folder: its kind and the facts.

    Raises:
        StoreError: the folder cannot be written.
    """
    write_sealed(folder / MANIFEST, {"kind": kind, **facts})


def _kind(facts: Mapping[str, Any], *, has_checksum: bool) -> str | None:
    """The kind that a manifest names, or that it is of where an older version wrote it; None: no manifest of ours."""
    if has_checksum:
        return facts.get("kind")
    if "kind" in facts:
        return None
    return next((kind for kind, names in _OLDER.items() if names <= set(facts)), None)
