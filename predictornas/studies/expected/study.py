"""The gain that a study of predictor-based searches will show, before any of its searches is run."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from predictornas.analysis.gain import NullColumns, defined, tidy
from predictornas.analysis.lift import TopScores, best_share, expected_gain, top_scores
from predictornas.analysis.statistics import around, over_seeds
from predictornas.analysis.urn import expected_trials, gain_db
from predictornas.description import describe
from predictornas.errors import ConfigurationError
from predictornas.quantity import Quantity
from predictornas.samplers.uniform import Exhaustive
from predictornas.search.strategies import PredictorSearch
from predictornas.seeding import check_seed, rng_for
from predictornas.studies.expected.pilots import Effort, PilotSearch, pilots, ranks_pools
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
        effort: how much is tried.
        runs: seeds that the study will have: where hits are few, its gain depends on them.
        seed: of the pilots.
    """

    study: Study
    effort: Effort = field(default_factory=Effort)
    runs: int = 20
    seed: int = 0


@dataclass(frozen=True)
class Expected:
    """What was found.

    Attributes:
        gain: as `predictornas.analysis.gain.gain_table`, the pooled estimator alone; `low` and `high` are where the
            gain of such a study lies with 95 %, `resolved` says whether a hit is to be expected, `unresolved_share` is
            how likely a run has none.
            Also `sampler_db` and `predictor_db`, the parts of the gain, and `law_db`, the gain by
            `predictornas.analysis.lift`, at the targets with a name and where pools are random or the whole space.
        tops: `method`, `target`, `size` (of the training set), `mean` and `spread` of the scores of the architectures
            that reach the target, `best_pool` (the pool size with the highest lift; null where it is the whole space).
        best: `method`, `evaluations`, and `mean`, `low`, `high` (over pilots) of the lowest cost by the signal so far.
        named: the costs of the targets with a name.
        seconds: that the pilots of each method took.
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
    """Runs pilots of a study's methods and writes `expected.csv`, `tops.csv`, `best.csv`, a figure and the manifest.

    Args:
        expected: what is asked.
        folder: where everything goes.
        started: told the number of fits, gives back what is told about progress.
        pictures: formats and style of the figures.

    Raises:
        ConfigurationError: a method that ranks no pools with a predictor, a budget in epochs or seconds, or a negative
            seed.
        UnknownNameError: no table, column, method or preset has this name.
        StoreError: the folder cannot be written.
    """
    check_seed(expected.seed)
    study = expected.study
    if study.budget is None or study.budget_epochs is not None or study.budget_seconds is not None:
        raise ConfigurationError("Pilots count evaluations. Give --budget, and no epochs or seconds.")
    opened = open_study(study)
    strategies = {name: ranks_pools(name, study.configured(name)) for name in study.method_names}
    for name in study.method_names:
        opened.strategy(name)  # refuses an initial set that leaves nothing to propose
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
        "runs": expected.runs,
        "seed": expected.seed,
        "data_sha256": data_fingerprint(opened.benchmark),
    }
    write_manifest(folder, KIND, {"study": json.loads(json.dumps(asked)), "made_with": surroundings()})
    return found


def _found(
    expected: ExpectedStudy, opened: OpenedStudy, strategies: Mapping[str, PredictorSearch], started: Started
) -> Expected:
    assert expected.study.budget is not None
    budget, effort = expected.study.budget, expected.effort
    fits = {name: -(-(budget - search.initial) // search.batch) for name, search in strategies.items()}
    advance = started(effort.pilots * sum(fits.values()))
    gains, tops, best, seconds = [], [], [], {}
    for name, strategy in strategies.items():
        begin = time.perf_counter()
        found = pilots(opened, strategy, budget, effort, expected.seed, advance)
        own_tops = _tops(name, found, opened)
        law = _law(strategy, own_tops, opened, expected.runs)
        gains.append(_gain(name, found, opened, expected.runs, law))
        tops.append(own_tops)
        best.append(_best(name, found, opened))
        seconds[name] = time.perf_counter() - begin
    return Expected(pl.concat(gains), pl.concat(tops), pl.concat(best), named_errors(opened.errors), seconds)


def _gain(
    method: str, found: Sequence[PilotSearch], opened: OpenedStudy, runs: int, law: Mapping[float, float]
) -> pl.DataFrame:
    """The table of gains: those of a study with so many runs, each of which finds what the pilots would in the mean.

    The pooled estimator has + 1 in it, so its value depends on the number of runs; see `estimators.pooled`.
    """
    targets, size = opened.targets, len(opened.errors)
    trials = expected_trials(size, targets["table_hits"].to_numpy())
    pool_size, pool_hits, hits, chance = (
        np.array([pilot.summed(what) for pilot in found]) for what in ("pool_size", "pool_hits", "hits", "chance")
    )
    proposals, mean = found[0].proposals, hits.mean(axis=0)
    of_pools = expected_trials(runs * pool_size.mean(), runs * np.minimum(pool_hits.mean(axis=0), pool_size.mean()))
    of_search = expected_trials(runs * proposals, runs * np.minimum(mean, proposals))
    gain = gain_db(trials, of_search)
    # what a search finds varies as what it expects does, and by the chance of its own pools
    between, within = hits.var(axis=0, ddof=1), chance.mean(axis=0)
    error = np.sqrt((between + within) / runs + between / len(found)) / (mean + 1 / runs) * 10 / np.log(10)
    low, high = around(gain, np.where(error > 0, error, np.nan), np.full(len(gain), len(found) - 1))
    columns = NullColumns(size, targets, rng_for(0, 0, "null")).of_sizes(
        "pooled", [[each.proposals for each in found[0].iterations]] * runs
    )
    resolved = runs * mean >= 1
    return tidy(
        {"method": method, "estimator": "pooled"},
        targets,
        {
            "gain_db": gain,
            "low": defined(low, resolved),
            "high": defined(np.minimum(high, columns["cap_db"]), resolved),
            "resolved": resolved,
            "unresolved_share": np.exp(-mean),  # hits are rare and nearly independent where it matters
            "evaluations": len(found[0].history),
            "with_initial": False,
            "proposals": proposals,
            "proposals_total": runs * proposals,
            "runs": runs,
        },
        columns,
        {"sampler_db": gain_db(trials, of_pools), "predictor_db": gain_db(of_pools, of_search)},
    ).with_columns(law_db=pl.col("target_error").replace_strict(law, default=None, return_dtype=pl.Float64))


def _tops(method: str, found: Sequence[PilotSearch], opened: OpenedStudy) -> pl.DataFrame:
    """Where the predictors put the architectures that reach the targets with a name and were not evaluated yet."""
    parts = []
    for of_size in zip(*(pilot.iterations for pilot in found), strict=True):
        for target, error in named_errors(opened.errors).items():
            left = [(each.scores, each.costs <= error) for each in of_size if (each.costs <= error).any()]
            if not left:
                continue
            top = top_scores(*zip(*left, strict=True))
            share, size = best_share(top), len(opened.errors)
            parts.append(
                {
                    "method": method,
                    "target": target,
                    "size": of_size[0].learned_from,
                    "mean": top.mean,
                    "spread": top.spread,
                    "best_pool": of_size[0].proposals / share if share * size > of_size[0].proposals else None,
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


def _law(strategy: PredictorSearch, tops: pl.DataFrame, opened: OpenedStudy, runs: int) -> dict[float, float]:
    """The gain in closed form at the targets with a name, where predictors were looked at in each iteration."""
    found: dict[float, float] = {}
    for target, error in named_errors(opened.errors).items():
        own = tops.filter(target=target).sort("size")
        if len(own) < tops["size"].n_unique() or own.is_empty():
            continue
        found[error] = expected_gain(
            [TopScores(*pair) for pair in own.select("mean", "spread").iter_rows()],
            table_size=len(opened.errors),
            table_hits=int(np.count_nonzero(opened.errors <= error)),
            pool_size=None if isinstance(strategy.sampler, Exhaustive) else strategy.pool_size,
            initial=strategy.initial,
            batch=strategy.batch,
            runs=runs,
        )
    return found


def _best(method: str, found: Sequence[PilotSearch], opened: OpenedStudy) -> pl.DataFrame:
    """The lowest cost so far, over pilots."""
    benchmark = opened.benchmark
    costs = benchmark.costs(benchmark.signal)
    curves = [np.minimum.accumulate(costs[benchmark.rows(pilot.history.keys)]) for pilot in found]
    rows = pl.concat(
        pl.DataFrame({"method": method, "evaluations": np.arange(1, len(curve) + 1), "searched": curve})
        for curve in curves
    )
    return over_seeds(rows.sort("evaluations", maintain_order=True), ["method", "evaluations"], "searched")


def _figure(found: Expected, expected: ExpectedStudy) -> Figure:
    from predictornas.plots.gain import draw_gain

    effort = expected.effort
    figure = draw_gain(
        found.gain,
        title=f"Expected gain on {expected.study.benchmark}",
        note=f"Not run: from {effort.pilots} pilots of each method, where every iteration ranks {effort.pools} pools. "
        f"Bands are where the gain of a study of {expected.runs} runs lies with 95 %, and may go on below the figure.",
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
