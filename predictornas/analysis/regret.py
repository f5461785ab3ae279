"""Convergence: what a search saw, how good its choice really was, and how far both stay from the best possible."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from jaxtyping import Float, Int

from predictornas.analysis.comparability import cut_to_shared, evaluations_of_all
from predictornas.analysis.statistics import over_seeds
from predictornas.errors import ConfigurationError, DataError
from predictornas.history import diverged
from predictornas.quantity import ERRORS, Quantities

TRACES = ("searched", "chosen", "recommended", "best")
"""Errors after each evaluation: of the incumbent as the search saw it (signal column), of the same incumbent on the
evaluation column, of what the search would name as its result (evaluation column; see `with_recommendations`), and of
the best architecture evaluated so far on the evaluation column, which no search can know. Where trainings have several
lengths, only the longest so far count."""


@dataclass(frozen=True)
class OracleErrors:
    """The lines that bound a convergence plot, costs (Mauch et al. 2020, section 5): errors as fractions, or losses.

    Attributes:
        signal_on_signal: the signal oracle (best by the signal column, ties to the first), read on the signal column.
        signal_on_evaluation: the same architecture read on the evaluation column.
        evaluation_on_evaluation: the evaluation oracle (best by the evaluation column), read on it.
        evaluation_on_signal: the same architecture read on the signal column.
    """

    signal_on_signal: float
    signal_on_evaluation: float
    evaluation_on_evaluation: float
    evaluation_on_signal: float

    def best_possible(self, trace: str) -> float:
        """The lowest error that a trace can reach."""
        return self.signal_on_signal if trace == "searched" else self.evaluation_on_evaluation


def oracle_errors(signal: Float[np.ndarray, " n"], evaluation: Float[np.ndarray, " n"]) -> OracleErrors:
    """The signal oracle and the evaluation oracle of a table.

    Args:
        signal: `(n,)` cost that the search lowers, as `Benchmark.costs` gives it; NaN where it is missing.
        evaluation: `(n,)` cost that judges it; NaN where it is missing.

    Raises:
        DataError: no architecture has both values.
    """
    both = np.isfinite(signal) & np.isfinite(evaluation)
    if not both.any():
        raise DataError("No architecture has both a signal and an evaluation. Choose two columns of the same rows.")
    on_signal, on_evaluation = signal[both], evaluation[both]
    by_signal, by_evaluation = int(on_signal.argmin()), int(on_evaluation.argmin())
    return OracleErrors(
        float(on_signal[by_signal]),
        float(on_evaluation[by_signal]),
        float(on_evaluation[by_evaluation]),
        float(on_signal[by_evaluation]),
    )


def incumbent_curves(history: pl.DataFrame, quantities: Quantities = ERRORS) -> pl.DataFrame:
    """The traces of every run after each evaluation, T0 included.

    The incumbent is the best value of the signal among the evaluations at the highest fidelity reached so far, ties to
    the earliest; a failed evaluation (null or NaN) is the incumbent only while there is nothing else.

    Args:
        history: rows as in `predictornas.history.SCHEMA`.
        quantities: of its signal and its evaluation.

    Returns:
        One row an evaluation: `run_id`, `method`, `seed`, `evaluations` (1, 2, ...), `cost_seconds` and `cost_epochs`
        (spent so far; null from the first cost that is missing), and the costs of `TRACES`, errors as fractions, null
        where the column has no value.
    """
    columns = [
        "run_id",
        "method",
        "seed",
        "order",
        "key",
        "epochs",
        "value",
        "evaluation",
        "cost_seconds",
        "cost_epochs",
    ]
    recommended = "recommended" if "recommended" in history.columns else pl.lit(None, pl.UInt64).alias("recommended")
    rows = history.select(*columns, recommended).sort("method", "seed", "run_id", "order")
    runs = rows.partition_by("run_id", maintain_order=True)
    return with_recommendations(pl.concat([_curve(run, quantities) for run in runs]))


def with_recommendations(curves: pl.DataFrame) -> pl.DataFrame:
    """The trace "recommended" of all runs, or of none.

    A search that has no opinion beside the signal, or none yet, names its incumbent; an opinion stands until the next
    iteration. Where no run has any, the trace would repeat "chosen" and stays null.

    Args:
        curves: as from `incumbent_curves`, of runs that are shown together.
    """
    if curves["recommended"].null_count() == len(curves):
        return curves
    return curves.with_columns(pl.col("recommended").fill_null(pl.col("chosen")))


def convergence_table(
    curves: pl.DataFrame, oracles: OracleErrors | None = None, quantities: Quantities = ERRORS
) -> pl.DataFrame:
    """Mean and spread of every trace over the runs of each method, after each number of evaluations.

    Only counts that every run of the method has reached are kept, and of a trace those where every run has a value: a
    mean over a changing set of runs would jump.

    Args:
        curves: from `incumbent_curves`.
        oracles: the best possible errors of the table; without them `regret` is null.
        quantities: of the signal and the evaluation.

    Returns:
        `method`, `trace`, `evaluations`, mean `cost_seconds` and `cost_epochs`, `mean`, `std`, `low`, `high` (95 % t
        interval of the mean over seeds; null for one run), `runs`, `regret` (mean - best possible). A trace without
        values (no evaluation column) has no rows.
    """
    shared = cut_to_shared(curves, ["method"])
    costs = shared.group_by("method", "evaluations").agg(_mean_cost("cost_seconds"), _mean_cost("cost_epochs"))
    keys = ["method", "trace", "evaluations"]
    # trace by trace: the rows of all of them at once are the most memory that a large study takes
    summary = pl.concat(
        over_seeds(_one_trace(shared, trace), keys, "error", bounds=quantities.of(trace).bounds) for trace in TRACES
    )
    runs = shared.group_by("method").agg(of_all=pl.col("run_id").n_unique())
    whole = summary.join(runs, on="method", how="left", maintain_order="left")
    whole = whole.filter(pl.col("runs") == pl.col("of_all"))
    joined = whole.join(costs, on=["method", "evaluations"], how="left", maintain_order="left")
    return joined.with_columns(regret=pl.col("mean") - _best_possible(oracles)).select(
        "method", "trace", "evaluations", "cost_seconds", "cost_epochs", "mean", "std", "low", "high", "runs", "regret"
    )


def anytime_regret(curves: pl.DataFrame, oracles: OracleErrors, *, evaluations: int | None = None) -> pl.DataFrame:
    """Area under the regret curve of every run: its mean regret over the first evaluations.

    Args:
        curves: from `incumbent_curves`.
        oracles: the best possible errors of the table.
        evaluations: how many evaluations count; the most that every run has reached by default.

    Returns:
        One row for each run and trace: `method`, `seed`, `run_id`, `trace`, `evaluations`, `regret` (mean of error -
        best possible, a fraction). Summarise it with `over_seeds`, compare methods with `paired_difference`.

    Raises:
        ConfigurationError: some run has fewer evaluations than asked for.
    """
    reached = evaluations_of_all(curves)
    counted = reached if evaluations is None else evaluations
    if not 1 <= counted <= reached:
        raise ConfigurationError(
            f"Regret over {counted} evaluations was asked for; the shortest run has {reached}. Ask for 1 to {reached}."
        )
    rows = _by_trace(curves.filter(pl.col("evaluations") <= counted))
    return (
        rows.with_columns(regret=pl.col("error") - _best_possible(oracles))
        .group_by("method", "seed", "run_id", "trace", maintain_order=True)
        .agg(evaluations=pl.lit(counted, pl.Int64), regret=pl.col("regret").mean())
    )


def _curve(run: pl.DataFrame, quantities: Quantities) -> pl.DataFrame:
    values = run["value"].fill_null(np.nan).to_numpy()
    evaluation = run["evaluation"].cast(pl.Float64).fill_null(np.nan).to_numpy()
    incumbent = _incumbents(run["epochs"].to_numpy(), values)
    best = _incumbents(run["epochs"].to_numpy(), evaluation)
    judged = {
        "chosen": evaluation[incumbent],
        "recommended": _of_keys(run, evaluation),
        "best": evaluation[best],
    }
    return run.select(
        "run_id",
        "method",
        "seed",
        pl.int_range(1, pl.len() + 1, dtype=pl.Int64).alias("evaluations"),
        *(_spent(column) for column in ("cost_seconds", "cost_epochs")),
        pl.Series("searched", quantities.signal.cost(values[incumbent]), nan_to_null=True),
        *(pl.Series(name, quantities.evaluation.cost(found), nan_to_null=True) for name, found in judged.items()),
    )


def _of_keys(run: pl.DataFrame, evaluation: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The evaluation of what the search itself recommended after each evaluation; NaN where it went by the signal."""
    known = dict(zip(run["key"].to_list(), evaluation.tolist(), strict=True))
    return np.array([known.get(key, np.nan) for key in run["recommended"].to_list()], np.float64)


def _incumbents(epochs: Int[np.ndarray, " n"], values: Float[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
    """Row of the incumbent after each evaluation: the earliest best value at the highest fidelity so far; NaN for none.

    A training that failed reaches no fidelity, as for `predictornas.schedulers.base.incumbent`.
    """
    fidelity = np.where(np.isfinite(values) & ~diverged(values), epochs, -1)
    values = np.where(np.isnan(values), -np.inf, values)
    level = np.maximum.accumulate(fidelity)
    incumbent = np.empty(len(values), np.int64)
    for reached in np.unique(level):
        rows = np.flatnonzero(level == reached)  # contiguous: the level only rises
        own = np.where(fidelity[rows] == reached, values[rows], -np.inf)
        running = np.maximum.accumulate(own)
        improved = np.concatenate([[True], running[1:] > running[:-1]])
        incumbent[rows] = rows[np.maximum.accumulate(np.where(improved, np.arange(len(rows)), 0))]
    return incumbent


def _spent(column: str) -> pl.Expr:
    known = pl.col(column).is_not_null().cum_min()
    return pl.when(known).then(pl.col(column).cum_sum()).alias(column)


def _mean_cost(column: str) -> pl.Expr:
    return pl.when(pl.col(column).is_not_null().all()).then(pl.col(column).mean()).alias(column)


def _one_trace(curves: pl.DataFrame, trace: str) -> pl.DataFrame:
    """One row for each evaluation that has a value of a trace."""
    rows = curves.select("method", pl.lit(trace).alias("trace"), "evaluations", pl.col(trace).alias("error"))
    return rows.drop_nulls("error")


def _by_trace(curves: pl.DataFrame) -> pl.DataFrame:
    """One row for each evaluation and trace, in column `error`; missing values are left out.

    Args:
        curves: from `incumbent_curves`.
    """
    kept = ["run_id", "method", "seed", "evaluations"]
    long = curves.unpivot(on=list(TRACES), index=kept, variable_name="trace", value_name="error")
    return long.drop_nulls("error")


def _best_possible(oracles: OracleErrors | None) -> pl.Expr:
    if oracles is None:
        return pl.lit(None, pl.Float64)
    values = [oracles.best_possible(trace) for trace in TRACES]
    return pl.col("trace").replace_strict(list(TRACES), values, return_dtype=pl.Float64)
