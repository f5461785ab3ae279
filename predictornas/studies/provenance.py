"""Provenance: what results depend on beside their configuration."""

from __future__ import annotations

import datetime
import platform
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any


def surroundings() -> dict[str, Any]:
    """What results depend on beside their configuration: versions, commit, threads, machine type; and the time."""
    names = ("predictornas", "torch", "numpy", "scipy", "polars")
    return {
        "versions": {"python": platform.python_version()} | {name: version(name) for name in names},
        "commit": _commit(),
        "threads_per_worker": 1,
        "machine": platform.machine(),
        "from": now(),
    }


def without_time(surroundings: Mapping[str, Any]) -> dict[str, Any]:
    """What `surroundings` gave, but for when: equal where nothing changed."""
    return {name: value for name, value in surroundings.items() if name != "from"}


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")


def _commit() -> str | None:
    """The commit of the checkout that the package runs from, with "+changes" where files differ; None elsewhere."""
    root = Path(__file__).parents[2]
    if not (root / ".git").exists():
        return None

    def git(*arguments: str) -> str:
        return subprocess.run(
            ["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True, encoding="utf-8"
        ).stdout

    try:
        changes = git("status", "--porcelain", "--untracked-files=no").strip()
        return git("rev-parse", "HEAD").strip() + ("+changes" if changes else "")
    except (OSError, subprocess.CalledProcessError):
        return None
