"""Search quality against the epochs that were trained for it, and how many epochs a scheduler saves."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import polars as pl
from jaxtyping import Bool, Float, Int

from predictornas.analysis.regret import TRACES, OracleErrors
from predictornas.analysis.statistics import over_seeds, t_interval
from predictornas.errors import ConfigurationError, DataError
from predictornas.quantity import ERRORS, Quantities

_DIGITS = 12
"""To how many digits differences of errors are rounded: sums of the same errors may differ by their rounding."""

_POINTS = 240
"""Numbers of epochs on the grid that `grid_of` makes."""


def grid_of(curves: pl.DataFrame) -> Int[np.ndarray, " t"]:
    """Numbers of epochs, evenly spaced on a logarithmic axis, from the first evaluation to the end of the shortest run.

    Raises:
        DataError: a run does not know its epochs.
    """
    if curves["cost_epochs"].null_count():
        raise DataError("Some evaluation has no cost in epochs. Take an oracle or a table that knows them.")
    ends = curves.group_by("run_id").agg(first=pl.col("cost_epochs").min(), last=pl.col("cost_epochs").max())
    first, last = float(ends["first"].max()), float(ends["last"].min())  # type: ignore[arg-type]
    return np.unique(np.geomspace(max(1.0, first), max(1.0, last), _POINTS).round().astype(np.int64))


def errors_after(curves: pl.DataFrame, epochs: Int[np.ndarray, " t"]) -> pl.DataFrame:
    """The traces of every run after given numbers of epochs: those of the last evaluation that was finished by then.

    Args:
        curves: from `predictornas.analysis.regret.incumbent_curves`.
        epochs: ascending.

    Returns:
        `method`, `seed`, `run_id`, `cost_epochs` (one of `epochs`), `evaluations`, and the errors of `TRACES`; no row
        where a run had not finished anything yet.
    """
    grid = pl.DataFrame({"cost_epochs": np.asarray(epochs, np.float64)})
    runs = [
        grid.sort("cost_epochs").join_asof(run.sort("cost_epochs", maintain_order=True), on="cost_epochs")
        for run in curves.partition_by("run_id", maintain_order=True)
    ]
    columns = ["method", "seed", "run_id", "cost_epochs", "evaluations", *TRACES]
    return pl.concat(runs).drop_nulls("run_id").select(columns)


def epochs_table(
    curves: pl.DataFrame, oracles: OracleErrors | None = None, quantities: Quantities = ERRORS
) -> pl.DataFrame:
    """Mean and spread of each trace over the runs of each method, against the epochs trained.

    Args:
        curves: from `predictornas.analysis.regret.incumbent_curves`, of runs with a budget of epochs.
        oracles: the best possible errors of the table; without them `regret` is null.
        quantities: of the signal and the evaluation.

    Returns:
        As `predictornas.analysis.regret.convergence_table`, one row for each number of epochs of `grid_of` after which
        every run of the method has a value;
        `evaluations` is the mean over runs, rounded; `cost_seconds` is null.
    """
    after = errors_after(curves, grid_of(curves))
    counted = after.group_by("method", "cost_epochs").agg(
        evaluations=pl.col("evaluations").mean().round().cast(pl.Int64)
    )
    long = after.unpivot(
        on=list(TRACES), index=["method", "seed", "cost_epochs"], variable_name="trace", value_name="error"
    )
    keys, known = ["method", "trace", "cost_epochs"], long.drop_nulls("error")
    summary = pl.concat(
        over_seeds(known.filter(pl.col("trace") == trace), keys, "error", bounds=quantities.of(trace).bounds)
        for trace in TRACES
    )
    runs = after.group_by("method").agg(of_all=pl.col("run_id").n_unique())
    summary = summary.join(runs, on="method", how="left", maintain_order="left")
    summary = summary.filter(pl.col("runs") == pl.col("of_all"))  # a mean over a changing set of runs would jump
    best = None if oracles is None else {trace: oracles.best_possible(trace) for trace in TRACES}
    lowest = pl.lit(None, pl.Float64) if best is None else pl.col("trace").replace_strict(best, return_dtype=pl.Float64)
    return summary.join(counted, on=["method", "cost_epochs"], how="left", maintain_order="left").select(
        "method",
        "trace",
        "evaluations",
        pl.lit(None, pl.Float64).alias("cost_seconds"),
        "cost_epochs",
        "mean",
        "std",
        "low",
        "high",
        "runs",
        regret=pl.col("mean") - lowest,
    )


def savings(curves: pl.DataFrame, reference: str, *, at: Sequence[int], trace: str = "chosen") -> pl.DataFrame:
    """How many times fewer epochs each method needs to be as good as the reference is after given epochs.

    A method is as good once its mean error over the runs is at most the reference's mean error after those epochs, both
    over the seeds that both have; without any, or where one of these runs has lost its value of the trace or never has
    one, they are not compared. A reference that has stopped to improve is
    compared at the first of the epochs with that error. Epochs are counted on the grid of `grid_of`.

    The interval is of the epochs that the method needs, at `reference_epochs` as measured: it begins where the paired t
    interval of the method's error less the reference's first holds 0, and ends where it first lies below. These are the
    epochs that a test does not refuse; a bootstrap of so few seeds covers too little.

    Args:
        curves: from `predictornas.analysis.regret.incumbent_curves`.
        reference: the method that trains every architecture to the end.
        at: epochs that the reference has trained, ascending.
        trace: which error counts.

    Returns:
        `method`, `reference`, `trace`, `at`, `error` (the reference's after `at` epochs), `reference_epochs` (after
        which it had that error first), `epochs` (null where the method never gets there), `factor` =
        `reference_epochs / epochs`, and its 95 % interval `low` (0 where it is not certain to get there), `high` (0
        where it is certain not to), null for a single run.

    Raises:
        ConfigurationError: no run of the reference.
    """
    grid = np.union1d(grid_of(curves), np.asarray(at, np.int64))
    by_method = errors_after(curves, grid).partition_by("method", as_dict=True)
    parts = {str(method): part for (method,), part in by_method.items()}
    if reference not in parts:
        raise ConfigurationError(f"No run of {reference!r} is there to compare with. Run it, or name another method.")
    pairs = {}
    for method, part in parts.items():
        shared = set(part["seed"]) & set(parts[reference]["seed"])
        both = [rows.filter(pl.col("seed").is_in(shared)) for rows in (part, parts[reference])]
        if method != reference and shared and not any(_is_lacking(rows, trace) for rows in both):
            pairs[method] = [_matrix(rows, trace, grid) for rows in both]
    rows = []
    for epochs, (method, (matrix, theirs)) in itertools.product(at, pairs.items()):
        goals = theirs[:, int(np.searchsorted(grid, epochs))]
        own = _first(_means(theirs, goals) <= 0, grid)
        facts = {"method": method, "reference": reference, "trace": trace, "at": epochs}
        rows.append(facts | {"error": float(goals.mean())} | _saved(matrix, goals, own, grid))
    return pl.DataFrame(rows, schema_overrides=dict.fromkeys(("epochs", "factor", "low", "high"), pl.Float64))


def _saved(
    errors: Float[np.ndarray, "runs t"], goals: Float[np.ndarray, " runs"], own: float, grid: Int[np.ndarray, " t"]
) -> dict[str, float | None]:
    needed = _first(_means(errors, goals) <= 0, grid)
    found = {"reference_epochs": own, "epochs": needed if np.isfinite(needed) else None, "factor": own / needed or None}
    if len(goals) < 2:
        return found | {"low": None, "high": None}
    low, high = t_interval(_rounded(errors - goals[:, None], errors))  # NaN where all differences are equal: undecided
    return found | {"low": own / _first(high <= 0, grid), "high": own / _first(~(low > 0), grid)}


def _means(errors: Float[np.ndarray, "runs t"], goals: Float[np.ndarray, " runs"]) -> Float[np.ndarray, " t"]:
    """How much worse than its goal the mean error is."""
    return _rounded(errors.mean(axis=0) - goals.mean(), errors)


def _rounded(
    differences: Float[np.ndarray, "*any t"], errors: Float[np.ndarray, "runs t"]
) -> Float[np.ndarray, "*any t"]:
    """Without what the rounding of such errors may add: to fewer digits where they are larger than 1."""
    before = np.ceil(np.log10(max(1.0, float(np.abs(errors).max()))))
    return np.asarray(differences.round(_DIGITS - int(before)))


def _is_lacking(rows: pl.DataFrame, trace: str) -> bool:
    """Whether a run has no value of a trace after it had one, or never any though it evaluated something."""
    for run in rows.sort("cost_epochs").partition_by("run_id"):
        known = run[trace].is_not_null().to_numpy()
        if not known[known.argmax() :].all() and (known.any() or run["searched"].is_not_null().any()):
            return True
    return False


def _matrix(rows: pl.DataFrame, trace: str, grid: Int[np.ndarray, " t"]) -> Float[np.ndarray, "runs t"]:
    """Errors by seed and number of epochs; where a run has none yet, 1, or the highest of all where that is more."""
    runs, none = [], max(1.0, float(rows[trace].max() or 0.0))  # type: ignore[arg-type]
    for run in rows.sort("seed", "cost_epochs").partition_by("run_id", maintain_order=True):
        errors = run[trace].fill_null(none).to_numpy()
        runs.append(np.concatenate([np.full(len(grid) - len(errors), none), errors]))
    return np.stack(runs)


def _first(there: Bool[np.ndarray, " t"], grid: Int[np.ndarray, " t"]) -> float:
    """The first number of epochs at which something holds; infinite if it never does."""
    return float(grid[there.argmax()]) if there.any() else np.inf
