from __future__ import annotations

import re
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from predictornas.errors import ConfigurationError, MissingDependencyError, UnknownNameError
from predictornas.plots.style import STYLES as DRAWN
from predictornas.plots.style import CaptionedFigure, new_figure
from predictornas.studies.pictures import STYLES, Pictures, save_figures

ROOT = Path(__file__).parents[2]


def _figure(caption: str = "Words.") -> CaptionedFigure:
    figure = new_figure(3.0, 2.0, title="Title", caption=caption)
    figure.add_subplot().set_xlabel("evaluations")
    return figure


def test_every_figure_is_written_in_every_format_with_its_caption(tmp_path: Path) -> None:
    files = save_figures(tmp_path, lambda: {"one": _figure()}, Pictures(("png", "svg", "pdf")))
    assert [file.name for file in files] == ["one.png", "one.svg", "one.pdf", "captions.md"]
    starts = [file.read_bytes()[:5] for file in files[:3]]
    assert starts == [b"\x89PNG\r", b"<?xml", b"%PDF-"]
    assert "evaluations</text>" in files[1].read_text()
    assert files[3].read_text() == "# What the figures show\n\n## one\n\n**Title.** Words.\n"


def test_captions_of_other_figures_in_the_folder_stay(tmp_path: Path) -> None:
    long = "A caption of a hundred letters and more, which is why it stands in two lines. " * 2
    for name, caption in (("b.2", long), ("a", "First."), ("a", "Second.")):
        save_figures(tmp_path, lambda name=name, caption=caption: {name: _figure(caption)}, Pictures(("svg",)))
    text = (tmp_path / "captions.md").read_text()
    assert text.count("## ") == 2
    assert "First." not in text
    assert text.index("## a\n\n**Title.** Second.\n\n## b.2\n\n**Title.** A caption") > 0
    assert max(map(len, text.splitlines())) <= 98


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        save_figures(tmp_path / folder, lambda: {"one": _figure()}, Pictures(("png", "svg", "pdf"), "paper"))
    for name in ("one.png", "one.svg", "one.pdf"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert b"/CreationDate" not in (tmp_path / "a" / "one.pdf").read_bytes()
    assert "<dc:date>" not in (tmp_path / "a" / "one.svg").read_text()


def test_styles_that_are_known_without_what_draws_are_those_that_draw() -> None:
    assert tuple(DRAWN) == STYLES


def test_other_formats_and_styles_are_refused_with_those_there_are() -> None:
    with pytest.raises(UnknownNameError, match="pdf"):
        Pictures(("pdff",))
    with pytest.raises(UnknownNameError, match="paper-wide"):
        Pictures(style="paper-wid")
    with pytest.raises(ConfigurationError, match="png, svg, pdf"):
        Pictures(())


@pytest.mark.skipif(not (ROOT / "predictornas").is_dir(), reason="the package is installed, not a checkout")
def test_nothing_else_turns_a_figure_into_a_file() -> None:
    sources = (path for folder in ("predictornas", "docs", "perf") for path in (ROOT / folder).rglob("*.py"))
    saving = [
        path.name
        for path in sources
        if re.search(r"(?<!super\(\))\.savefig\((?!path\)|drawn,)", path.read_text(encoding="utf-8"))
    ]
    # style.py shows a figure in a notebook, into memory
    assert sorted(saving) == ["pictures.py", "style.py"]


def test_where_nothing_can_be_drawn_a_warning_names_the_extra(tmp_path: Path) -> None:
    def cannot() -> dict[str, Figure]:
        raise MissingDependencyError("Run: pip install 'predictornas[plots]'")

    with pytest.warns(UserWarning, match=r"tables without figures.*predictornas\[plots\]"):
        assert save_figures(tmp_path, cannot) == []
    assert not any(tmp_path.iterdir())
