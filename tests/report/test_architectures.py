from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from predictornas.report import architectures
from predictornas.report.architectures import best_recommended, cell_svg, drawn_architectures
from predictornas.report.markup import joined
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
