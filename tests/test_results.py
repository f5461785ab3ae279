"""The results that are committed say what the documents say of them, and follow from the histories beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from predictornas.analysis.ordering import ordering_table
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.experiments.targets import named_errors

RESULTS = Path(__file__).parents[1] / "docs" / "results"
NAS_BENCH_101 = RESULTS / "efficient-sampling" / "nasbench101"


def claims(folder: Path) -> pl.DataFrame:
    return pl.read_csv(folder / "ordering.csv", infer_schema_length=None)


@pytest.mark.parametrize("size", [100, 1000])
def test_evolutionary_pools_keep_what_the_paper_claims_of_them(size: int) -> None:
    """Not worse than the whole space, better than uniform pools, in error and in gain, paired over 20 seeds."""
    mine = claims(NAS_BENCH_101).filter(pl.col("a") == f"evolutionary-{size}")
    assert set(mine["b"]) == {"exhaustive", f"uniform-{size}"}
    assert mine["pairs"].min() == 20
    assert mine["holds"].to_list() == [True] * len(mine)


def test_likelihood_pools_do_not_keep_all_that_the_paper_claims() -> None:
    gains = claims(NAS_BENCH_101).filter(pl.col("a").str.starts_with("likelihood") & (pl.col("quantity") == "gain"))
    held = {(row["a"], row["of"]): row["verdict"] for row in gains.to_dicts()}
    assert held == {
        ("likelihood-100", "top 0.1 %"): "not worse",
        ("likelihood-100", "top 1 %"): "better",
        ("likelihood-1000", "top 0.1 %"): "worse",
        ("likelihood-1000", "top 1 %"): "better",
    }


@pytest.mark.usefixtures("store")
def test_the_ordering_follows_from_the_history_beside_it() -> None:
    folder = RESULTS / "efficient-sampling" / "nasbench201-cifar10"
    errors = open_benchmark("nasbench201-cifar10").errors("valid_accuracy_200_run0")
    errors = errors[np.isfinite(errors)]
    again = ordering_table(pl.read_parquet(folder / "history.parquet"), errors, named_errors(errors))
    kept = claims(folder)
    assert again["difference"].to_list() == pytest.approx(kept["difference"].to_list(), abs=2e-6)
    assert again["verdict"].to_list() == kept["verdict"].to_list()


def test_bayesian_optimisation_is_better_than_every_baseline_on_fresh_seeds() -> None:
    """In the best it evaluated and in anytime regret, paired over seeds, by intervals that exclude zero."""
    pairs = pl.read_csv(RESULTS / "search" / "comparison-nasbench101" / "pairs.csv", infer_schema_length=None)
    about = pairs.filter((pl.col("trace") == "best") & (pl.struct("a", "b").map_elements(_mine, pl.Boolean)))
    baselines = {"random", "bananas", "local-search", "one-shot", "regularised-evolution"}
    assert {(a if b == BEST else b) for a, b in about.select("a", "b").rows()} == baselines
    assert set(about["quantity"]) == {"final", "regret"}
    for row in about.to_dicts():
        assert (row["high"] < 0) if row["a"] == BEST else (row["low"] > 0), row


def test_the_bars_of_the_best_search() -> None:
    curves = pl.read_csv(RESULTS / "search" / "nasbench101" / "convergence.csv", infer_schema_length=None)
    mine = curves.filter((pl.col("method") == BEST) & (pl.col("runs") == 50))
    means = {(row["trace"], row["evaluations"]): 100 * row["mean"] for row in mine.to_dicts()}
    assert means["recommended", 150] <= 6.10
    assert means["best", 150] <= 5.77
    assert 5.71 < means["best", 300] <= 5.73  # the bar, 5.71, is missed, and the document says so


BEST = "bayesian-optimisation"


def _mine(pair: dict[str, str]) -> bool:
    return BEST in (pair["a"], pair["b"])
