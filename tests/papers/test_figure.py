from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest
from matplotlib.figure import Figure

from predictornas.errors import UnknownNameError
from predictornas.papers.figure import FigureRequest, Made, NamedFigure, Size, default_benchmark, write_figure

TABLE = pl.DataFrame({"x": [1, 2], "y": [0.5, 0.25]})
PAPER = pl.DataFrame({"quantity": ["y at 1"], "paper": [0.6], "ours": [0.5]})


def named(paper: pl.DataFrame | None) -> NamedFigure:
    made = Made(TABLE, Figure(), {"study": {"budget": 20}}, paper)
    return NamedFigure("some-fig1", "A line", "Somebody, figure 1", "nothing", {}, lambda _: made)


def test_table_pictures_manifest_and_the_papers_values_are_written(tmp_path: Path) -> None:
    paths = write_figure(named(PAPER), FigureRequest(tmp_path, seeds=3))
    names = ["some-fig1.csv", "some-fig1-paper.csv", "some-fig1.png", "some-fig1.svg", "some-fig1.json"]
    assert [path.name for path in paths] == names
    assert pl.read_csv(paths[0]).equals(TABLE)
    assert pl.read_csv(paths[1]).equals(PAPER)
    assert paths[2].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in paths[3].read_text()
    manifest = json.loads(paths[4].read_text())
    assert manifest["source"] == "Somebody, figure 1"
    assert manifest["request"]["seeds"] == 3
    assert manifest["study"] == {"budget": 20}
    assert manifest["paper"] == PAPER.to_dicts()
    assert {"versions", "commit"} <= set(manifest["made_with"])


def test_without_stated_values_there_is_no_table_of_them(tmp_path: Path) -> None:
    paths = write_figure(named(None), FigureRequest(tmp_path))
    names = sorted(path.name for path in paths)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["manifest.json", *names]
    assert not any("paper" in path.name for path in paths)


def test_the_full_size_is_that_of_the_paper_and_flags_override_it() -> None:
    assert FigureRequest(Path(), size="full").scale() == Size("paper", 1400, 20)
    assert FigureRequest(Path(), size="full", budget=300, preset="default").scale() == Size("default", 300, 20)
    assert FigureRequest(Path(), seeds=0).scale().seeds == 0  # refused by the study, not replaced
    with pytest.raises(UnknownNameError, match="'small'"):
        FigureRequest(Path(), size="smal").scale()


def test_the_papers_table_is_the_default_once_it_is_imported(store: Path) -> None:
    assert default_benchmark() == "nasbench201-cifar10"
    (store / "nasbench101").mkdir(parents=True)
    assert default_benchmark() == "nasbench101"
