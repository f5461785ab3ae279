"""The store: the folder of this machine in which every imported or built table has a folder of its name."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from predictornas.benchmarks.layout import NAME, read_manifest
from predictornas.errors import StoreError, UnknownNameError
from predictornas.files import data_home, remove_leftovers


def stored_names() -> list[str]:
    """Names of the folders in the store that are, or were, benchmarks; sorted.

    What killed commands left in the store is removed, and a table that one had only moved aside put back.
    """
    home = data_home()
    remove_leftovers(home)
    if not home.is_dir():
        return []
    return sorted(path.name for path in home.iterdir() if path.is_dir() and NAME.fullmatch(path.name))


def stored_folder(name: str) -> Path:
    """The folder of a table in the store, whether it can be opened or not.

    Raises:
        UnknownNameError: the store holds no such table.
    """
    if name not in stored_names():
        raise UnknownNameError("table in the store", name, stored_names())
    return data_home() / name


def stored_rows(name: str) -> int:
    """How many rows a table in the store says that it has; 0 where it is damaged. Its space need not be known here."""
    try:
        return int(read_manifest(stored_folder(name))["rows"])
    except StoreError:
        return 0


def remove_benchmark(name: str) -> Path:
    """Removes an imported table from the store; what the package brings or builds itself is there again when asked for.

    Args:
        name: under which it was imported.

    Returns:
        The folder that was removed.

    Raises:
        UnknownNameError: the store holds no such table.
        StoreError: the folder cannot be removed.
    """
    folder = stored_folder(name)
    place = os.path.realpath(folder)
    try:
        # what a link points to goes with it, unless something else of the store is that, or points there too
        if not any(os.path.realpath(other) == place for other in data_home().iterdir() if other != folder):
            shutil.rmtree(place)
        if folder.is_symlink():
            folder.unlink()
    except OSError as error:
        raise StoreError(f"Could not remove {folder}: {error.strerror or error}.") from error
    return folder
