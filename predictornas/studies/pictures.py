"""The one place where figures become files; a machine that cannot draw gets its tables all the same."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from predictornas.errors import MissingDependencyError
from predictornas.files import writing_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DPI = 160


def save_figures(folder: Path, draw: Callable[[], Mapping[str, Figure]]) -> list[Path]:
    """Draws figures and writes each under its name, in the format that the name ends with.

    A result is its tables: where the libraries that draw are missing, they stand alone and a warning names the extra.

    Args:
        folder: where the files go.
        draw: gives the figures by file name (`gain.png`); it imports `predictornas.plots` itself.

    Returns:
        The files written.

    Raises:
        StoreError: the folder cannot be written.
    """
    try:
        figures = draw()
    except MissingDependencyError as error:
        warnings.warn(f"{folder} holds tables without figures. {error}", stacklevel=2)
        return []
    for name, figure in figures.items():
        with writing_file(folder / name) as temporary:
            figure.savefig(temporary, format=name.rpartition(".")[2], dpi=_DPI)
    return [folder / name for name in figures]
