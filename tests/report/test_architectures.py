from __future__ import annotations

import re

import numpy as np
import polars as pl
import pytest

from predictornas.report import architectures
from predictornas.report.architectures import best_recommended, cell_svg, drawn_architectures
from predictornas.report.markup import joined
from predictornas.spaces.registry import get_space
from tests.extras import needed
from tests.report.studies import SPACE, made_history


def test_the_best_run_by_the_signal_is_shown_whatever_the_evaluation_says() -> None:
    history = made_history({"random": (3, 60)})
    best = history.sort("value", descending=True).row(0, named=True)
    turned = history.with_columns(evaluation=pl.col("value") * -1 + 1)
    (found,) = best_recommended(turned)
    assert (found.method, found.seed, found.genes.tolist()) == ("random", best["seed"], best["genes"])
    assert found.signal == best["value"]
    assert found.evaluation == pytest.approx(1 - best["value"])


def test_the_opinion_of_the_search_comes_before_the_best_by_the_signal() -> None:
    history = made_history({"mine": (1, 60)}, judged=False)
    named = history.row(3, named=True)
    (found,) = best_recommended(history.with_columns(recommended=pl.lit(named["key"], pl.UInt64)))
    assert found.genes.tolist() == named["genes"]
    assert found.evaluation is None


def test_a_method_whose_trainings_all_failed_recommends_nothing() -> None:
    assert best_recommended(made_history({"mine": (1, 60)}).with_columns(value=pl.lit(None, pl.Float64))) == []
    assert drawn_architectures(SPACE, made_history({"mine": (1, 60)}).with_columns(value=pl.lit(np.nan))) is None


@pytest.mark.slow
def test_a_cell_is_drawn_the_same_every_time_and_says_what_it_is() -> None:
    needed("matplotlib")
    genes = SPACE.enumerate()[7]
    drawn = cell_svg(SPACE, genes, "A cell & more")
    assert drawn is not None
    assert drawn == cell_svg(SPACE, genes, "A cell & more")
    assert drawn.startswith('<svg role="img" aria-label="A cell &amp; more"')
    assert ">output<" in drawn  # texts are texts
    assert "<metadata" not in drawn
    assert "<?xml" not in drawn


def test_without_matplotlib_the_notation_stands_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    history = made_history({"random": (1, 60)})
    text = joined(drawn_architectures(SPACE, history))
    assert "<svg" not in text
    assert SPACE.describe(architectures.best_recommended(history)[0].genes).replace("&", "&amp;") in text


@pytest.mark.slow
def test_both_cells_of_a_genotype_are_stacked_and_fit_their_box() -> None:
    """The reduction cell stands below the normal one: the whole is as wide as the wider of them."""
    needed("matplotlib")
    space = get_space("darts")
    genes = space.sample(1, np.random.default_rng(0))[0]
    drawn = cell_svg(space, genes, "Cells")
    assert drawn is not None
    found = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', drawn)
    assert found is not None
    from predictornas.plots.cells import draw_cells

    stacked = draw_cells(space, genes, stacked=True)
    beside = draw_cells(space, genes)
    assert float(found[1]) == pytest.approx(72 * stacked.get_figwidth(), abs=1)
    assert stacked.get_figwidth() < 0.7 * beside.get_figwidth()
    tops = [axes.get_position().y1 for axes in stacked.axes]
    assert tops[1] < stacked.axes[0].get_position().y0 < tops[0]
