from __future__ import annotations

import polars as pl
import pytest

from predictornas.errors import ConfigurationError
from predictornas.experiments import pvll_figures
from predictornas.experiments.figure import FigureRequest
from predictornas.search.pvll import PVLLSearch

QUICK = {"warm_up_steps": 10, "hidden": 4, "estimator_steps": 1}


@pytest.fixture
def request_of_two_seeds(store, tmp_path, monkeypatch):
    """A request small enough for a test: few samples, two settings of each kind."""
    monkeypatch.setattr(pvll_figures, "SAMPLES", 6)
    monkeypatch.setattr(pvll_figures, "POPULATIONS", {5: 0.0023, 10: 0.0009})
    monkeypatch.setattr(pvll_figures, "SPACES", dict(list(pvll_figures.SPACES.items())[:2]))
    rows = (
        ("sampler", PVLLSearch(warm_up=5, **QUICK), 2.72, 0.02),
        ("none", PVLLSearch(warm_up=0, gradient=False, **QUICK), 3.2, 0.32),
    )
    monkeypatch.setattr(pvll_figures, "ABLATION", rows)
    return FigureRequest(tmp_path, seeds=2)


def test_figure_3a_has_a_test_and_a_training_curve_of_each_sampling(request_of_two_seeds):
    made = pvll_figures.learning_curves_figure(request_of_two_seeds, title="Title")
    counts = made.table.group_by("curve", "split").len().sort("curve", "split")
    assert counts.rows() == [
        ("gradient sampling", "test", 6),
        ("gradient sampling", "training", 6),
        ("uniform sampling", "test", 6),
        ("uniform sampling", "training", 6),
    ]
    assert made.table["runs"].unique().to_list() == [2]
    assert made.facts["benchmark"] == "nasbench201-cifar10"
    assert len(made.facts["data_sha256"]) == 64


def test_figure_3b_names_the_sizes_of_the_parts(request_of_two_seeds):
    made = pvll_figures.space_sizes_figure(request_of_two_seeds, title="Title")
    assert made.table["curve"].unique(maintain_order=True).to_list() == [
        "729 (3 operations on 6 edges)",
        "3,125 (5 operations on 5 edges)",
    ]


def test_table_3_stands_beside_the_papers_losses(request_of_two_seeds):
    made = pvll_figures.populations_figure(request_of_two_seeds, title="Title")
    assert made.paper is not None
    assert made.paper.select("setting", "paper", "runs").rows() == [
        ("5 architectures", 0.0023, 2),
        ("10 architectures", 0.0009, 2),
    ]
    ours = made.table.filter((pl.col("quantity") == "test_loss") & (pl.col("setting") == "5 architectures"))["value"]
    assert abs(made.paper["ours"][0] - ours.mean()) < 1e-12


def test_table_5_compares_the_best_found_at_equal_budgets(request_of_two_seeds):
    made = pvll_figures.ablation_figure(request_of_two_seeds, title="Title")
    assert made.table["evaluations"].unique().to_list() == [12]
    derived = made.table.filter(pl.col("quantity") == "derived")
    assert derived.filter(pl.col("setting") == "none")["value"].null_count() == 2
    assert derived.filter(pl.col("setting") == "sampler")["value"].null_count() == 0
    assert made.paper is not None
    assert made.paper["paper"].to_list() == pytest.approx([0.0272, 0.032])


def test_options_that_make_no_sense_are_refused(request_of_two_seeds, tmp_path):
    with pytest.raises(ConfigurationError, match="draws from no study"):
        pvll_figures.learning_curves_figure(FigureRequest(tmp_path, study=tmp_path), title="Title")
