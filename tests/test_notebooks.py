"""Notebooks run from top to bottom in a kernel of their own, and whoever reads them sees their figures."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from tests.extras import needed

ROOT = Path(__file__).parents[1]

NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))

MOST = 300_000
"""Bytes of a notebook with its outputs."""


def shows_a_figure(source: str) -> bool:
    """Whether the last line of a cell is a figure: a call of `draw_...`, or the attribute `figure`."""
    last = ast.parse(source).body[-1]
    if not isinstance(last, ast.Expr):
        return False
    if isinstance(last.value, ast.Call):
        return isinstance(last.value.func, ast.Name) and last.value.func.id.startswith("draw_")
    return isinstance(last.value, ast.Attribute) and last.value.attr == "figure"


def without_picture(notebook: dict[str, Any]) -> list[str]:
    """Sources of the cells that should show a figure and have no picture in their output."""
    found = []
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and shows_a_figure(source):
            kinds = {kind for output in cell["outputs"] for kind in output.get("data", {})}
            found += [] if "image/png" in kinds else [source]
    return found


def test_cells_with_figures_are_known() -> None:
    assert shows_a_figure("x = 1\ndraw_gain(x)")
    assert shows_a_figure("chosen.figure")
    assert not shows_a_figure("figure = draw_gain(x)")
    assert not shows_a_figure("x.tail()")
    text_alone = {"outputs": [{"data": {"text/plain": "<Figure size 900x540>"}}]}
    assert without_picture({"cells": [{"cell_type": "code", "source": ["draw_gain(x)"], **text_alone}]})


def test_there_are_five() -> None:
    names = ["live-search", "own-predictor", "own-table", "quickstart", "reproduce-gain"]
    assert [path.stem for path in NOTEBOOKS] == names


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_with_its_figures_and_stays_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert any(shows_a_figure("".join(c["source"])) for c in json.loads(text)["cells"] if c["cell_type"] == "code")
    assert without_picture(json.loads(text)) == []
    assert len(text) <= MOST
    assert str(ROOT) not in text


@pytest.mark.slow
@pytest.mark.parametrize(
    "path",
    [
        pytest.param(path, id=path.stem, marks=[] if path.stem == "quickstart" else pytest.mark.thorough)
        for path in NOTEBOOKS
    ],
)
def test_it_runs_without_a_screen_and_shows_its_figures(
    path: Path, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed("nbclient")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.delenv("MPLBACKEND", raising=False)
    assert without_picture(executed(path, tmp_path)) == []


def executed(path: Path, folder: Path) -> dict[str, Any]:
    """The notebook with the outputs of a fresh kernel that works in a folder."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    for cell in notebook.cells:
        cell["outputs"] = []
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}}).execute()
    return dict(notebook)
