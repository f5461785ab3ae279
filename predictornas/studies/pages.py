"""The one place where reports become files, and are opened."""

from __future__ import annotations

import webbrowser
from pathlib import Path

from predictornas.files import writing_file
from predictornas.report.page import Page, rendered

REPORT = "report.html"
"""Name of the report in every folder that has one."""


def write_page(folder: Path, page: Page) -> None:
    """Writes a report as `report.html`, whole or not at all.

    Raises:
        StoreError: the folder cannot be written.
    """
    with writing_file(folder / REPORT) as temporary:
        temporary.write_text(rendered(page), encoding="utf-8", newline="\n")


def open_page(folder: Path) -> bool:
    """Shows the report of a folder in a browser.

    Returns:
        Whether there is a report, and a browser took it.
    """
    path = folder / REPORT
    if not path.is_file():
        return False
    try:
        return webbrowser.open(path.resolve().as_uri())
    except (webbrowser.Error, OSError):
        return False
