"""The gain that a study of predictor-based searches will show, before any of its searches is run."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
from jaxtyping import Float

from predictornas.analysis.estimators import pooled
from predictornas.analysis.gain import gain_table
from predictornas.analysis.lift import TopScores, best_share, expected_gain, top_scores
from predictornas.analysis.proposals import counts_of, proposals_of
from predictornas.analysis.regret import incumbent_curves
from predictornas.analysis.split import split_table
from predictornas.analysis.statistics import jackknife_interval, over_seeds
from predictornas.analysis.urn import expected_trials
from predictornas.description import describe
from predictornas.errors import ConfigurationError
from predictornas.quantity import Quantity
from predictornas.samplers.uniform import Exhaustive, Uniform
from predictornas.search.strategies import PredictorSearch
from predictornas.seeding import rng_for
from predictornas.studies.expected.fits import Fitted
from predictornas.studies.expected.rehearsal import Effort, Rehearsal, rehearsable
from predictornas.studies.folder import take, write_manifest
from predictornas.studies.gain.opened import OpenedStudy, open_study
from predictornas.studies.gain.study import Study, data_fingerprint
from predictornas.studies.gain.study_targets import named_errors
from predictornas.studies.pictures import Pictures, save_figures
from predictornas.studies.provenance import surroundings
from predictornas.studies.tasks import Started, silently
from predictornas.studies.tidy_tables import write_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KIND = "expected"

LOWEST = -5.0
"""dB at which the figure ends: intervals of few draws may reach far below."""


@dataclass(frozen=True)
class ExpectedStudy:
    """What is to be expected of which study.

    Attributes:
        study: the study; its seeds do not matter.
        effort: how much is rehearsed.
        seed: of the rehearsal.
    """

    study: Study
    effort: Effort = field(default_factory=Effort)
    seed: int = 0


@dataclass(frozen=True)
class Expected:
    """What was found.

    Attributes:
        gain: as `predictornas.analysis.gain.gain_table`, the pooled estimator alone; `low` and `high` are 95 % over
            draws. Also `sampler_db` and `predictor_db`, the parts of the gain, and `law_db`, the gain by
            `predictornas.analysis.lift`, at the targets with a name and where pools are random or the whole space.
        tops: `method`, `target`, `size` (of the training set), `mean` and `spread` of the scores of the architectures
            that reach the target, `best_pool` (the pool size with the highest lift; null where it is the whole space).
        best: `method`, `evaluations`, and `mean`, `low`, `high` (over draws) of the lowest cost by the signal so far.
        named: the costs of the targets with a name.
        seconds: that the rehearsal of each method took.
    """

    gain: pl.DataFrame
    tops: pl.DataFrame
    best: pl.DataFrame
    named: Mapping[str, float]
    seconds: Mapping[str, float]


def run_expected(
    expected: ExpectedStudy,
    folder: Path,
    *,
    started: Started = silently,
    pictures: Pictures | None = None,
) -> Expected:
    """Rehearses the methods of a study and writes `expected.csv`, `tops.csv`, `best.csv`, a figure and the manifest.

    Args:
        expected: what to rehearse.
        folder: where everything goes.
        started: told the number of fits, gives back what is told about progress.
        pictures: formats and style of the figures.

    Raises:
        ConfigurationError: a method that ranks no pools with a predictor, a budget in epochs or seconds.
        UnknownNameError: no table, column, method or preset has this name.
        StoreError: the folder cannot be written.
    """
    study = expected.study
    if study.budget is None or study.budget_epochs is not None or study.budget_seconds is not None:
        raise ConfigurationError("A rehearsal counts evaluations. Give --budget, and no epochs or seconds.")
    opened = open_study(study)
    strategies = {name: rehearsable(name, opened.strategy(name)) for name in study.method_names}
    take(folder, KIND)
    found = _found(expected, opened, strategies, started)
    write_table(folder / "expected.csv", found.gain)
    write_table(folder / "tops.csv", found.tops)
    write_table(folder / "best.csv", found.best)
    save_figures(folder, lambda: {"expected": _figure(found, expected)}, pictures)
    asked = {
        **opened.identity,
        "methods": {name: describe(strategy) for name, strategy in strategies.items()},
        "effort": asdict(expected.effort),
        "seed": expected.seed,
        "data_sha256": data_fingerprint(opened.benchmark),
    }
    write_manifest(folder, KIND, {"study": json.loads(json.dumps(asked)), "made_with": surroundings()})
    return found


def _found(
    expected: ExpectedStudy, opened: OpenedStudy, strategies: Mapping[str, PredictorSearch], started: Started
) -> Expected:
    assert expected.study.budget is not None
    kinds = {name: json.dumps(describe(strategy.predictor), sort_keys=True) for name, strategy in strategies.items()}
    advance = started(sum(expected.effort.fits(list(kinds.values()).count(kind)) for kind in set(kinds.values())))
    shared: dict[tuple[str, int, int], list[tuple[Fitted, ...]]] = {}
    gains, tops, best, seconds = [], [], [], {}
    for name, strategy in strategies.items():
        begin = time.perf_counter()
        rehearsal = Rehearsal(opened, strategy, expected.study.budget, expected.effort, expected.seed)
        same = (kinds[name], strategy.initial, strategy.batch)
        if same not in shared:
            shared[same] = rehearsal.shared_rounds(advance)
        fits = rehearsal.next_round(shared[same], advance)
        history, pools = rehearsal.histories(fits, name)
        own_tops = _tops(name, strategy, fits, opened)
        law = _law(strategy, own_tops, expected.study.budget, opened, expected.effort.runs)
        gains.append(_gain(name, history, pools, opened, expected.effort.draws, law))
        tops.append(own_tops)
        best.append(_best(history, opened, expected.effort.draws))
        seconds[name] = time.perf_counter() - begin
    return Expected(pl.concat(gains), pl.concat(tops), pl.concat(best), named_errors(opened.errors), seconds)


def _gain(
    method: str,
    history: pl.DataFrame,
    pools: pl.DataFrame,
    opened: OpenedStudy,
    draws: int,
    law: Mapping[float, float],
) -> pl.DataFrame:
    """The table of gains, with intervals over draws: searches of one draw have their fits in common."""
    quantity, rng = opened.benchmark.quantities.signal, rng_for(0, 0, "null")
    table = gain_table(history, opened.errors, opened.targets, estimators=("pooled",), rng=rng, quantity=quantity)
    (runs,) = proposals_of(history, opened.errors, quantity=quantity).values()
    targets = table["target_error"].to_numpy()
    counts, of_draw = counts_of(runs, targets), np.arange(len(runs)) % draws
    without = 1 - (of_draw == np.arange(draws)[:, None]).astype(np.int64)
    trials = expected_trials(len(opened.errors), table["table_hits"].to_numpy())
    resolved = np.array([counts.resolved[of_draw == draw].any(axis=0) for draw in range(draws)])
    gains = pooled(counts, trials, without)
    low, high = jackknife_interval(table["gain_db"].to_numpy(), gains, resolved.sum(axis=0))
    high = np.minimum(high, table["cap_db"].to_numpy())
    split = split_table(history, pools, opened.errors, estimators=("pooled",), rng=rng, quantity=quantity)
    parts = split.pivot(on="part", index="target_error", values="gain_db").rename(
        {"sampler": "sampler_db", "predictor": "predictor_db"}
    )
    return (
        table.with_columns(low=pl.Series(low).fill_nan(None), high=pl.Series(high).fill_nan(None))
        .join(parts.drop("total"), on="target_error", how="left", maintain_order="left")
        .with_columns(
            law_db=pl.col("target_error").replace_strict(law, default=None, return_dtype=pl.Float64),
            method=pl.lit(method),
        )
    )


def _tops(method: str, strategy: PredictorSearch, fits: list[tuple[Fitted, ...]], opened: OpenedStudy) -> pl.DataFrame:
    """Where the fits put the architectures that reach the targets with a name."""
    if not isinstance(strategy.sampler, Uniform | Exhaustive):
        return pl.DataFrame(schema=_TOPS)  # pools of other samplers are not like the whole table
    benchmark, genes = opened.benchmark, opened.benchmark.space.enumerate()  # whose keys are known
    costs = benchmark.costs(benchmark.signal)[benchmark.rows(benchmark.space.enumerated_keys())]
    parts = []
    for of_size in zip(*fits, strict=True):
        scores = [fit.predict(genes) for fit in of_size]
        for target, error in named_errors(opened.errors).items():
            top = top_scores(scores, costs <= error)
            share = best_share(top)
            parts.append(
                {
                    "method": method,
                    "target": target,
                    "size": len(of_size[0].rows),
                    "mean": top.mean,
                    "spread": top.spread,
                    "best_pool": strategy.batch / share if share * len(costs) > strategy.batch else None,
                }
            )
    return pl.DataFrame(parts, schema=_TOPS)


_TOPS: dict[str, Any] = {
    "method": pl.String,
    "target": pl.String,
    "size": pl.Int64,
    "mean": pl.Float64,
    "spread": pl.Float64,
    "best_pool": pl.Float64,
}


def _law(
    strategy: PredictorSearch, tops: pl.DataFrame, budget: int, opened: OpenedStudy, runs: int
) -> dict[float, float]:
    """The gain in closed form at the targets with a name."""
    found: dict[float, float] = {}
    if tops.is_empty():
        return found
    seen = np.arange(strategy.initial, budget, strategy.batch)
    for target, error in named_errors(opened.errors).items():
        own = tops.filter(target=target).sort("size")
        mean, spread = (_between(own, name, seen) for name in ("mean", "spread"))
        found[error] = expected_gain(
            [TopScores(*pair) for pair in zip(mean.tolist(), spread.tolist(), strict=True)],
            table_size=len(opened.errors),
            table_hits=int(np.count_nonzero(opened.errors <= error)),
            pool_size=None if isinstance(strategy.sampler, Exhaustive) else strategy.pool_size,
            initial=strategy.initial,
            batch=strategy.batch,
            runs=runs,
        )
    return found


def _between(tops: pl.DataFrame, column: str, sizes: np.ndarray) -> Float[np.ndarray, " t"]:
    return np.asarray(np.interp(np.log(sizes), np.log(tops["size"].to_numpy()), tops[column].to_numpy()))


def _best(history: pl.DataFrame, opened: OpenedStudy, draws: int) -> pl.DataFrame:
    """The lowest cost so far, over draws."""
    curves = incumbent_curves(history, opened.benchmark.quantities)
    of_draw = curves.with_columns(draw=pl.col("seed") % draws)
    means = of_draw.group_by("method", "evaluations", "draw", maintain_order=True).agg(pl.col("searched").mean())
    return over_seeds(means.sort("evaluations", "draw"), ["method", "evaluations"], "searched")


def _figure(found: Expected, expected: ExpectedStudy) -> Figure:
    from predictornas.plots.gain import draw_gain

    effort = expected.effort
    figure = draw_gain(
        found.gain,
        title=f"Expected gain on {expected.study.benchmark}",
        note=f"Rehearsed, not run: searches on the table with predictors that were fitted beforehand on {effort.draws} "
        "draws of training sets. Where the text below speaks of runs, bands are over draws, and may go on below the "
        "figure.",
    )
    figure.axes[0].set_ylim(bottom=LOWEST)
    return figure


def printed(found: Expected, quantity: Quantity) -> list[dict[str, str]]:
    """A row a method, as a person reads it.

    Args:
        found: of `run_expected`.
        quantity: that of the signal.
    """
    shown = []
    for (method,), own in found.gain.group_by("method", maintain_order=True):
        row = {"method": str(method), "K": str(own["proposals"][0])}
        for name, error in found.named.items():
            at = own.row(by_predicate=pl.col("target_error") == error, named=True)
            row[f"dB at {name}"] = _decibels(at)
            row[f"sampler + predictor at {name}"] = _parts(at)
        last = found.best.filter(method=method).row(-1, named=True)
        row[quantity.with_unit("best by the signal")] = quantity.text(last["mean"])
        row["seconds"] = f"{found.seconds[str(method)]:.0f}"
        shown.append(row)
    return shown


def _decibels(at: Mapping[str, Any]) -> str:
    if not at["resolved"]:
        return f"<= {at['gain_db']:.1f}"
    between = "" if at["low"] is None else f" [{at['low']:.1f}, {at['high']:.1f}]"
    return f"{at['gain_db']:.1f}{between}"


def _parts(at: Mapping[str, Any]) -> str:
    if at["sampler_db"] is None or at["predictor_db"] is None:
        return "-"
    return f"{at['sampler_db']:.1f} + {at['predictor_db']:.1f}"
