"""Small studies made up for tests of reports: architectures of NAS-Bench-201 with errors that follow from a seed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl

from predictornas.analysis.distribution import distribution_table
from predictornas.analysis.gain import gain_table
from predictornas.analysis.regret import convergence_table, incumbent_curves, oracle_errors
from predictornas.analysis.targets import targets_for
from predictornas.history import SCHEMA
from predictornas.report.facts import StudyFacts
from predictornas.report.gain_page import GainTables
from predictornas.spaces.nasbench201 import NASBench201

SPACE = NASBench201()

TARGETS = {"top 0.1 %": 0.0505, "top 1 %": 0.06}
"""The best and the twentieth of the errors 0.05, 0.0505, ..., 1.0 that the table holds."""

_KINDS: dict[str, Any] = {
    "str": pl.String,
    "int64": pl.Int64,
    "uint64": pl.UInt64,
    "float64": pl.Float64,
    "list[int8]": pl.List(pl.Int8),
}

STUDY = {
    "protocol": 1,
    "benchmark": "made-up",
    "data_sha256": "ab" * 32,
    "signal": "valid_accuracy_9_run0",
    "evaluation": "test_accuracy_9_run0",
    "budget": 12,
    "preset": "quick",
    "engine": "indexed",
    "warm_start": False,
}


def table_errors() -> np.ndarray:
    """Errors of the whole table, 0.05, 0.0505, ..., ascending."""
    return 0.05 + 0.0005 * np.arange(1900)


def judged_by() -> np.ndarray:
    """The evaluation column: another order than that of the signal."""
    return 0.99 - table_errors() - 0.002 * (13 * np.arange(1900) % 7)


def made_history(methods: Mapping[str, tuple[int, int]], *, evaluations: int = 12, judged: bool = True) -> pl.DataFrame:
    """Runs that draw among the best of the table.

    Args:
        methods: for each how many runs, and among how many of the best architectures it draws.
        evaluations: of each run; the first two are the initial set.
        judged: whether there is an evaluation column.
    """
    genes = SPACE.enumerate()[: len(table_errors())]
    keys, errors = SPACE.keys(genes), table_errors()
    rows = []
    for method, (runs, among) in methods.items():
        for seed in range(runs):
            rng = np.random.default_rng([seed, among])
            for order, place in enumerate(rng.permutation(among)[:evaluations].tolist()):
                rows.append({
                    "run_id": f"{method} {seed}", "method": method, "seed": seed, "iteration": max(0, order - 1),
                    "order": order, "key": int(keys[place]), "genes": genes[place].tolist(), "epochs": 9,
                    "value": 1 - errors[place], "cost_epochs": 9.0, "proposed_by": method,
                    "evaluation": judged_by()[place] if judged else None,
                })  # fmt: skip
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.select(
        (pl.col(name) if name in frame.columns else pl.lit(None)).cast(_KINDS[kind]).alias(name)
        for name, kind in SCHEMA.items()
    )


def made_tables(history: pl.DataFrame) -> GainTables:
    """The tables of a study, as the package makes them."""
    errors = table_errors()
    targets = targets_for(errors, count=12, errors=list(TARGETS.values()))
    gain = gain_table(history, errors, targets, estimators=("pooled",), rng=np.random.default_rng(0))
    curves = incumbent_curves(history)
    judged = history["evaluation"].null_count() == 0
    convergence = convergence_table(curves, oracle_errors(errors, 1 - judged_by()) if judged else None)
    last = convergence.filter(pl.col("evaluations") == pl.col("evaluations").max().over("method"))
    summary = last.select("method", "evaluations", "runs").unique(maintain_order=True)
    for trace in last["trace"].unique(maintain_order=True):
        names = {f"{trace}_{name}": name for name in ("mean", "low", "high", "regret")}
        part = last.filter(pl.col("trace") == trace).select("method", **names)
        summary = summary.join(part, on="method", how="left", maintain_order="left")
    for name, error in TARGETS.items():
        names = {f"{part}, {name}": part for part in ("gain_db", "low", "high", "resolved")}
        part = gain.filter(pl.col("target_error") == error).select("method", **names)
        summary = summary.join(part, on="method", how="left", maintain_order="left")
    summary = summary.with_columns(pool_filled=pl.lit(None, pl.Float64))
    return GainTables(summary, gain, convergence, distribution_table(history, errors), curves, history)


def made_facts(history: pl.DataFrame, **changes: Any) -> StudyFacts:
    """What a report has to know of such a study."""
    methods = {
        method: {"seeds": history.filter(pl.col("method") == method)["seed"].unique().sort().to_list(), "own": False}
        for method in history["method"].unique(maintain_order=True)
    }
    judged = history["evaluation"].null_count() == 0
    errors = table_errors()
    facts = StudyFacts(
        study=STUDY if judged else {**STUDY, "evaluation": None},
        methods=methods,
        space=SPACE.name,
        rows=len(errors),
        oracles=oracle_errors(errors, 1 - judged_by()) if judged else None,
        made_with=({"versions": {"python": "3.12.1", "predictornas": "0.1.0"}, "commit": "c0ffee"},),
    )
    return replace(facts, **changes)
