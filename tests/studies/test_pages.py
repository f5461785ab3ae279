from __future__ import annotations

import webbrowser
from pathlib import Path

import pytest

from predictornas.errors import StoreError
from predictornas.report.page import Page, rendered
from predictornas.studies.pages import REPORT, open_page, write_page

PAGE = Page("Title é ≤", "kind", "first", ())


def test_a_page_is_written_as_utf_8(tmp_path: Path) -> None:
    write_page(tmp_path, PAGE)
    assert (tmp_path / REPORT).read_bytes() == rendered(PAGE).encode()
    with pytest.raises(StoreError):
        write_page(tmp_path / REPORT, PAGE)


def test_it_is_opened_by_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(webbrowser, "open", lambda address: opened.append(address) or True)
    assert not open_page(tmp_path)
    write_page(tmp_path, PAGE)
    assert open_page(tmp_path)
    assert opened == [(tmp_path / REPORT).resolve().as_uri()]


def test_no_browser_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(address: str) -> bool:
        raise webbrowser.Error("no display")

    monkeypatch.setattr(webbrowser, "open", fail)
    write_page(tmp_path, PAGE)
    assert not open_page(tmp_path)
