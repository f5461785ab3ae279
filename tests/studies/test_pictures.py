from __future__ import annotations

import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from predictornas.errors import MissingDependencyError
from predictornas.studies.pictures import save_figures

ROOT = Path(__file__).parents[2]


def test_each_figure_is_written_in_the_format_of_its_name(tmp_path: Path) -> None:
    files = save_figures(tmp_path, lambda: dict.fromkeys(("one.png", "one.svg", "one.pdf"), Figure()))
    assert [file.name for file in files] == ["one.png", "one.svg", "one.pdf"]
    starts = [file.read_bytes()[:5] for file in files]
    assert starts == [b"\x89PNG\r", b"<?xml", b"%PDF-"]


@pytest.mark.skipif(not (ROOT / "predictornas").is_dir(), reason="the package is installed, not a checkout")
def test_nothing_else_turns_a_figure_into_a_file() -> None:
    sources = (path for folder in ("predictornas", "docs", "perf") for path in (ROOT / folder).rglob("*.py"))
    saving = [
        path.name for path in sources if re.search(r"\.savefig\((?!path\)|drawn,)", path.read_text(encoding="utf-8"))
    ]
    assert saving == ["pictures.py"]


def test_where_nothing_can_be_drawn_a_warning_names_the_extra(tmp_path: Path) -> None:
    def cannot() -> dict[str, Figure]:
        raise MissingDependencyError("Run: pip install 'predictornas[plots]'")

    with pytest.warns(UserWarning, match=r"tables without figures.*predictornas\[plots\]"):
        assert save_figures(tmp_path, cannot) == []
    assert not any(tmp_path.iterdir())
