"""The analysis tables that the figures are drawn from, made of a small table and simulated searches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl
import pytest

from predictornas.analysis.targets import targets_for

ERRORS = np.sort(np.random.default_rng(0).gamma(3, 0.03, 3000) + 0.05)
"""Errors of a made-up table on the signal column, best first, with a long tail."""

EVALUATION = np.clip(ERRORS + np.random.default_rng(1).normal(0, 0.003, len(ERRORS)), 0.001, 1)
"""The same cells on the evaluation column."""

Searches = Callable[..., tuple[pl.DataFrame, pl.DataFrame]]


@pytest.fixture(scope="session")
def searches() -> Searches:
    """`searches({method: best share of the table that it picks from}, runs=4, budget=44)` gives history and pools."""

    def make(
        methods: dict[str, float], *, runs: int = 4, budget: int = 44, evaluated: bool = True
    ) -> tuple[pl.DataFrame, pl.DataFrame]:
        grid = targets_for(ERRORS, count=12)["target_error"].to_numpy()
        histories, pools = [], []
        for index, (method, share) in enumerate(methods.items()):
            for seed in range(runs):
                rng = np.random.default_rng([20 + index, seed])
                initial = rng.choice(len(ERRORS), 4, replace=False)
                proposed = rng.choice(int(share * len(ERRORS)), budget, replace=False)
                rows = np.concatenate([initial, proposed[~np.isin(proposed, initial)]])[:budget]
                histories.append(_history(method, seed, rows, evaluated))
                pool = np.sort(ERRORS[rng.choice(int(min(1.0, 2 * share) * len(ERRORS)), 50)])
                pools.append(_pools(method, seed, pool, budget // 4 - 1, grid))
        return pl.concat(histories), pl.concat(pools)

    return make


def _history(method: str, seed: int, rows: np.ndarray, evaluated: bool) -> pl.DataFrame:
    order = np.arange(len(rows))
    return pl.DataFrame(
        {
            "run_id": [f"{method}/{seed}"] * len(rows),
            "method": [method] * len(rows),
            "seed": np.full(len(rows), seed),
            "iteration": order // 4,
            "order": order,
            "key": rows.astype(np.uint64),
            "epochs": np.full(len(rows), 108),
            "value": 1 - ERRORS[rows],
            "cost_seconds": pl.Series([1000.0 if evaluated else None] * len(rows), dtype=pl.Float64),
            "cost_epochs": np.full(len(rows), 108.0),
            "evaluation": pl.Series(1 - EVALUATION[rows] if evaluated else [None] * len(rows), dtype=pl.Float64),
        }
    )


def _pools(method: str, seed: int, pool: np.ndarray, iterations: int, grid: np.ndarray) -> pl.DataFrame:
    hits = np.searchsorted(pool, grid, side="right").astype(np.int64)
    one = pl.DataFrame({"target_error": grid, "pool_hits": hits})
    labels = {"run_id": f"{method}/{seed}", "method": method, "seed": seed, "pool_size": len(pool)}
    return pl.concat(
        [
            one.with_columns(iteration=pl.lit(t), **{k: pl.lit(v) for k, v in labels.items()})
            for t in range(1, iterations + 1)
        ]
    )


@pytest.fixture(scope="session")
def table_errors() -> np.ndarray:
    return ERRORS


@pytest.fixture(scope="session")
def evaluation_errors() -> np.ndarray:
    return EVALUATION
