"""The tables that come with the package: those that this project measured itself."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

PACKAGE = "predictornas.benchmarks_data"
"""Holds a folder for each bundled table; only read, never imported."""


def bundled_folder(name: str) -> Path:
    """The folder of a bundled table, whether the package is installed or used from a checkout.

    Args:
        name: of the table.
    """
    spec = find_spec(PACKAGE)
    if spec is not None and spec.submodule_search_locations:
        home = Path(next(iter(spec.submodule_search_locations)))
    else:
        home = Path(__file__).parents[2] / "benchmarks_data"
    return home / name
