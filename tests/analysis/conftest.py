"""Histories made by hand: a table of errors, and runs that name the rows of the table they evaluated."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl
import pytest

MakeHistory = Callable[..., pl.DataFrame]


@pytest.fixture
def make_history() -> MakeHistory:
    """`make_history(table_errors, {method: [rows of run 0, rows of run 1, ...]}, initial=1, per_iteration=1)`.

    The first `initial` rows of a run are T0; the others come `per_iteration` an iteration.
    """

    def make(
        table_errors: np.ndarray,
        methods: dict[str, Sequence[Sequence[int]]],
        *,
        initial: int = 1,
        per_iteration: int = 1,
        evaluation_errors: np.ndarray | None = None,
    ) -> pl.DataFrame:
        frames = []
        for method, runs in methods.items():
            for seed, chosen in enumerate(runs):
                rows = np.asarray(chosen)
                order = np.arange(len(rows))
                iteration = np.where(order < initial, 0, (order - initial) // per_iteration + 1)
                evaluation = [None] * len(rows) if evaluation_errors is None else 1 - evaluation_errors[rows]
                frames.append(
                    pl.DataFrame(
                        {
                            "run_id": [f"{method}/{seed}"] * len(rows),
                            "method": [method] * len(rows),
                            "seed": np.full(len(rows), seed),
                            "iteration": iteration,
                            "order": order,
                            "key": rows.astype(np.uint64),
                            "epochs": np.full(len(rows), 108),
                            "value": 1 - table_errors[rows],
                            "cost_seconds": np.full(len(rows), 10.0),
                            "cost_epochs": np.full(len(rows), 108.0),
                            "evaluation": pl.Series(evaluation, dtype=pl.Float64),
                        }
                    )
                )
        return pl.concat(frames)

    return make
