"""The intervals over seeds hold what they say: a small run of `perf/coverage.py`, and the table of the whole one."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import polars as pl
import pytest

from predictornas.analysis.statistics import SHARE, t_interval

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def coverage() -> ModuleType:
    spec = importlib.util.spec_from_file_location("coverage_of_intervals", ROOT / "perf" / "coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return pl.read_csv(ROOT / "docs" / "results" / "statistics" / "coverage.csv")


def rows(coverage: ModuleType, cases, interval: str, experiments: int = 1000) -> dict[tuple[str, int], float]:
    found = [row for case in cases if case[2] == interval for row in coverage.measured(*case, experiments=experiments)]
    return {(row["quantity"], row["seeds"]): row["coverage"] for row in found}


@pytest.mark.slow
def test_means_are_held_as_often_as_claimed_and_not_by_the_bootstrap(coverage: ModuleType) -> None:
    values = np.random.default_rng(0).normal(0, 1, 5000)
    held = rows(coverage, coverage.of_mean("normal", "mean", values), "t")
    assert min(held.values()) > 0.93  # three standard errors of 1000 experiments below .95
    before = rows(coverage, coverage.of_mean("normal", "mean", values), "percentile bootstrap", 500)
    assert before["mean", 5] < 0.88


@pytest.mark.slow
def test_shares_are_held_within_their_bounds(coverage: ModuleType) -> None:
    values = np.random.default_rng(0).beta(6, 2, 5000)
    held = rows(coverage, coverage.of_mean("shares", "mean", values, SHARE), "bounded")
    assert min(held.values()) > 0.93
    low, high = t_interval(values[:5], bounds=SHARE)
    assert 0 < low < high < 1


@pytest.mark.slow
def test_gains_of_discrete_hits_are_held(coverage: ModuleType) -> None:
    counts = coverage.invented(np.random.default_rng(0).poisson(4.0, 2000))
    held = rows(coverage, list(coverage.of_gain("poisson", counts))[:2], "jackknife")
    assert set(held) == {(f"gain, {name}", seeds) for name in ("pooled", "per_run") for seeds in (5, 12, 20)}
    assert min(held.values()) > 0.92


def test_the_truth_of_a_gain_is_the_populations(coverage: ModuleType) -> None:
    """Two runs of 100 with 1 and 3 hits: five such runs have 500 proposals and 10 hits on average."""
    counts = coverage.invented(np.array([1, 3]))
    truth = next(iter(coverage.of_gain("two", counts)))[4](5)
    table = 423_625 / 424
    assert truth == pytest.approx(10 * np.log10(table / (501 / 11)))


@pytest.mark.parametrize("seeds", [5, 12, 20])
@pytest.mark.parametrize("quantity", ["mean", "gain, pooled", "gain, per_run"])
def test_the_median_population_is_held_as_often_as_the_bar_asks(table: pl.DataFrame, quantity: str, seeds: int) -> None:
    of = table.filter((pl.col("quantity") == quantity) & (pl.col("seeds") == seeds))
    used = of.filter(pl.col("interval") != "percentile bootstrap")["coverage"].median()
    assert used >= 0.94
    before = of.filter(pl.col("interval") == "percentile bootstrap")["coverage"].median()
    assert before is None or before < used


def test_no_interval_in_use_covers_less_than_the_bootstrap_did(table: pl.DataFrame) -> None:
    used, before = (table.filter((pl.col("interval") == "percentile bootstrap") == old) for old in (False, True))
    both = used.join(before, on=["population", "quantity", "seeds"], suffix="_before")
    assert len(both) >= 60
    assert (both["coverage"] >= both["coverage_before"] - 0.02).all()  # two standard errors of 2000 experiments
