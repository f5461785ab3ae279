"""The one place where figures become files; a machine that cannot draw gets its tables all the same."""

from __future__ import annotations

import re
import textwrap
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from predictornas.errors import ConfigurationError, MissingDependencyError, UnknownNameError
from predictornas.files import writing_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("png", "svg", "pdf")

STYLES = ("screen", "paper", "paper-wide")
"""The styles that `predictornas.plots.style` has, known without what draws."""

CAPTIONS = "captions.md"
"""What every word on the figures of a folder means."""

_DPI = {"screen": 160, "paper": 300, "paper-wide": 300}


@dataclass(frozen=True)
class Pictures:
    """As what figures are written.

    Attributes:
        formats: endings, of `FORMATS`.
        style: "screen", with title and caption, or without them "paper" for one column (3.3 inches) and "paper-wide"
            for both columns (6.9 inches) of a paper.

    Raises:
        UnknownNameError: another format or style.
        ConfigurationError: no format.
    """

    formats: tuple[str, ...] = ("png", "svg")
    style: str = "screen"

    def __post_init__(self) -> None:
        for name in self.formats:
            if name not in FORMATS:
                raise UnknownNameError("format of figures", name, FORMATS)
        if self.style not in STYLES:
            raise UnknownNameError("style of figures", self.style, STYLES)
        if not self.formats:
            raise ConfigurationError(f"Figures need a format: {', '.join(FORMATS)}, or several with commas between.")


def save_figures(
    folder: Path, draw: Callable[[], Mapping[str, Figure]], pictures: Pictures | None = None
) -> list[Path]:
    """Draws figures and writes each in every format, and what they mean into `captions.md`.

    A result is its tables: where the libraries that draw are missing, they stand alone and a warning names the extra.
    Equal figures give equal files.

    Args:
        folder: where the files go.
        draw: gives the figures by name (`gain`); it imports `predictornas.plots` itself.
        pictures: formats and style.

    Returns:
        The files written, captions last.

    Raises:
        StoreError: the folder cannot be written.
    """
    pictures = pictures or Pictures()
    try:
        from predictornas.plots.style import drawing

        with drawing(pictures.style):
            figures = draw()
    except MissingDependencyError as error:
        warnings.warn(f"{folder} holds tables without figures. {error}", stacklevel=2)
        return []
    return write_figures(folder, figures, pictures)


def write_figures(folder: Path, figures: Mapping[str, Figure], pictures: Pictures) -> list[Path]:
    """Writes figures that are drawn already; arguments as in `save_figures`."""
    written = []
    for name, figure in figures.items():
        for ending in pictures.formats:
            with writing_file(folder / f"{name}.{ending}") as temporary:
                figure.savefig(temporary, format=ending, dpi=_DPI[pictures.style])
            figure.set_layout_engine("none")  # laid out once, it is the same in every format
            written.append(folder / f"{name}.{ending}")
    explained = {name: figure for name, figure in figures.items() if getattr(figure, "caption", "")}
    if explained:
        words = {name: (getattr(figure, "heading", ""), figure.caption) for name, figure in explained.items()}  # type: ignore[attr-defined]
        write_captions(folder, words)
        written.append(folder / CAPTIONS)
    return written


def write_captions(folder: Path, words: Mapping[str, tuple[str, str]]) -> None:
    """Writes titles and captions of figures by name; those of other figures in the folder stay.

    Raises:
        StoreError: the folder cannot be written.
    """
    path = folder / CAPTIONS
    before = path.read_text(encoding="utf-8") if path.is_file() else ""
    known = dict(re.findall(r"^## (\S+)\n\n(.*?)\n*(?=^## |\Z)", before, flags=re.MULTILINE | re.DOTALL))
    for name, (title, caption) in words.items():
        known[name] = textwrap.fill(f"**{' '.join(title.split())}.** {caption}", 98, break_on_hyphens=False)
    text = "# What the figures show\n\n" + "\n".join(f"## {name}\n\n{known[name]}\n" for name in sorted(known))
    with writing_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
