"""How often the 95 % intervals over seeds hold the true value: `python perf/coverage.py`, about ten minutes.

Experiments of 5, 12 and 20 seeds are drawn from populations whose true value is known: the runs of committed histories,
drawn with replacement, and invented ones. Writes `docs/results/statistics/coverage.csv`: `population`, `quantity`,
`interval` ("t", "jackknife" and "bounded" are what the package uses, "percentile bootstrap" what it used before),
`seeds`, `coverage` (of the experiments that have an interval) and `without` (share of those that have none, because
their runs are all alike or too few have a hit).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl

from predictornas.analysis.estimators import ESTIMATORS
from predictornas.analysis.gain import gain_over_runs
from predictornas.analysis.proposals import RunCounts, comparable, counts_of, proposals_of
from predictornas.analysis.regret import incumbent_curves
from predictornas.analysis.split import PARTS, PoolCounts, pool_counts, split_over_runs
from predictornas.analysis.statistics import CORRELATION, SHARE, TAILS, Bounds, t_interval
from predictornas.analysis.urn import expected_trials
from predictornas.studies.tidy_tables import write_table

RESULTS = Path(__file__).parents[1] / "docs" / "results"
SEEDS = (5, 12, 20)
EXPERIMENTS = 2000
HISTORIES = {
    "search/nasbench101": ("regularised-evolution", "local-search", "random"),
    "efficient-sampling/nasbench101": ("evolutionary-100", "exhaustive", "uniform-100"),
}
TABLE_SIZE, TOP = 423_624, (0.001, 0.01)

Ends = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From drawn runs, an index a seed, to both ends of an interval."""


def main() -> None:
    table = pl.DataFrame([row for case in cases() for row in measured(*case)])
    write_table(RESULTS / "statistics" / "coverage.csv", table)
    print(table.pivot("seeds", index=["population", "quantity", "interval"], values="coverage"))


def measured(
    population: str, quantity: str, interval: str, runs: int, truth: Callable[[int], np.ndarray], ends: Ends, *,
    experiments: int = EXPERIMENTS, seeds: tuple[int, ...] = SEEDS,
) -> Iterator[dict[str, object]]:  # fmt: skip
    """Coverage of one interval at every number of seeds; `runs` is the size of the population."""
    for number in seeds:
        rng = np.random.default_rng(number)
        low, high = (
            np.array(side)
            for side in zip(*(ends(rng.integers(runs, size=number)) for _ in range(experiments)), strict=True)
        )
        there = np.isfinite(low)
        held = (low <= truth(number) + 1e-9) & (high >= truth(number) - 1e-9)
        yield {
            "population": population,
            "quantity": quantity,
            "interval": interval,
            "seeds": number,
            "coverage": float(held[there].mean()),
            "without": float(1 - there.mean()),
        }


def cases() -> Iterator[tuple[str, str, str, int, Callable[[int], np.ndarray], Ends]]:
    """All populations with their quantities and intervals, as arguments of `measured`."""
    for folder, methods in HISTORIES.items():
        yield from of_history(folder, methods)
    rng = np.random.default_rng(0)
    for name, values in {"normal": rng.normal(0, 1, 5000), "skewed (gamma 4)": rng.gamma(4, 1, 5000)}.items():
        yield from of_mean(name, "mean", values)
    yield from of_mean("skewed (exponential)", "mean", rng.exponential(1, 5000))
    yield from of_mean("discrete (of 0, 1, 2)", "mean", rng.binomial(2, 0.4, 5000).astype(float))
    yield from of_mean("shares (beta 6, 2)", "mean", rng.beta(6, 2, 5000), SHARE)
    yield from of_mean("correlations (about .8)", "mean", np.tanh(rng.normal(1.1, 0.3, 5000)), CORRELATION)
    for rate in (1.0, 4.0):
        yield from of_gain(f"discrete (Poisson hits, mean {rate:g})", invented(rng.poisson(rate, 2000)))


def of_history(folder: str, methods: tuple[str, ...]) -> Iterator[tuple]:
    """Final errors, paired differences and gains of a committed history on NAS-Bench-101."""
    history = pl.read_parquet(RESULTS / folder / "history.parquet")
    history = history.filter(pl.col("method").is_in(list(methods)))
    curves = incumbent_curves(history)
    last = curves.filter(pl.col("evaluations") == pl.col("evaluations").max().over("run_id")).sort("method", "seed")
    errors = {method: last.filter(pl.col("method") == method)["best"].to_numpy() for method in methods}
    for method in methods:
        yield from of_mean(f"{folder}: {method}", "best evaluated error", errors[method], SHARE)
    yield from of_mean(
        f"{folder}: {methods[0]} - {methods[1]}", "paired difference", errors[methods[0]] - errors[methods[1]]
    )
    gains = RESULTS / folder / "gain.csv"
    targets = (
        pl.read_csv(gains, infer_schema_length=None).select("target_error", "table_hits").unique().sort("table_hits")
    )
    chosen = [int((targets["table_hits"] / TABLE_SIZE - share).abs().arg_min()) for share in TOP]  # type: ignore[arg-type]
    compared = comparable(history)
    table = np.sort(np.unique(1 - compared.history["value"].drop_nulls().to_numpy()))
    runs = proposals_of(compared.history, table, with_initial=compared.with_initial)
    for method in methods:
        for place in chosen:
            error, hits = targets.row(place)
            yield from of_gain(f"{folder}: {method}, M_S = {hits}", counts_of(runs[method], np.array([error + 1e-6])))
    if not compared.with_initial:
        pools = pl.read_parquet(RESULTS / folder / "pools.parquet").filter(pl.col("method") == methods[0])
        error, hits = targets.row(chosen[0])
        grid = pools["target_error"].unique().sort()
        near = float(grid[int((grid - error).abs().arg_min())])  # type: ignore[arg-type]
        pools = pools.filter(pl.col("target_error") == near)
        counted = pool_counts(pools, runs[methods[0]], pl.DataFrame({"target_error": [near]}))
        yield from of_split(
            f"{folder}: {methods[0]}, M_S = {hits}", counts_of(runs[methods[0]], np.array([near + 1e-6])), counted
        )


def of_mean(population: str, quantity: str, values: np.ndarray, bounds: Bounds | None = None) -> Iterator[tuple]:
    facts = population, quantity
    sizes = len(values), lambda _: values.mean()
    yield *facts, "bounded" if bounds else "t", *sizes, lambda drawn: t_interval(values[drawn], bounds=bounds)
    weights = {n: np.random.default_rng(1).multinomial(n, np.full(n, 1 / n), size=1000) / n for n in SEEDS}

    def bootstrap(drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        low, high = np.quantile(weights[len(drawn)] @ values[drawn], TAILS)
        return low, high

    yield *facts, "percentile bootstrap", *sizes, bootstrap


def of_gain(population: str, counts: RunCounts) -> Iterator[tuple]:
    runs = len(counts.proposals)
    trials = expected_trials(TABLE_SIZE, np.array([TABLE_SIZE // 1000]))  # a constant: it moves gain and interval alike
    for name, estimator in ESTIMATORS.items():

        def truth(number: int, estimator=estimator) -> np.ndarray:
            return estimator(counts, trials, np.full((1, runs), number / runs))[0, 0]

        def jackknife(drawn: np.ndarray, name: str = name) -> tuple[np.ndarray, np.ndarray]:
            _, low, high = gain_over_runs(name, rows_of(counts, drawn), trials)
            return low[0], high[0]

        yield population, f"gain, {name}", "jackknife", runs, truth, jackknife
    yield (
        population,
        "gain, pooled",
        "percentile bootstrap",
        runs,
        lambda n: pooled_truth(counts, trials, n),
        lambda drawn: bootstrapped(rows_of(counts, drawn), trials),
    )


def of_split(population: str, counts: RunCounts, pool: PoolCounts) -> Iterator[tuple]:
    """The sampler's and the predictor's part, `per_run`: a mean, so the population's own is the truth."""
    trials, runs = expected_trials(TABLE_SIZE, np.array([TABLE_SIZE // 1000])), len(counts.proposals)
    whole = split_over_runs("per_run", counts, pool, trials)
    for place, part in enumerate(PARTS[:2]):

        def ends(drawn: np.ndarray, place: int = place) -> tuple[np.ndarray, np.ndarray]:
            own = PoolCounts(pool.sizes[drawn], pool.hits[drawn])
            columns = split_over_runs("per_run", rows_of(counts, drawn), own, trials)[place]
            return columns["low"][0], columns["high"][0]

        truth = whole[place]["gain_db"][0]
        yield population, f"split, {part}, per_run", "jackknife", runs, lambda _, truth=truth: truth, ends


def pooled_truth(counts: RunCounts, trials: np.ndarray, number: int) -> np.ndarray:
    return ESTIMATORS["pooled"](counts, trials, np.full((1, len(counts.proposals)), number / len(counts.proposals)))[
        0, 0
    ]


def bootstrapped(counts: RunCounts, trials: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    runs = len(counts.proposals)
    if not counts.hits.any():
        return np.array(np.nan), np.array(np.nan)
    weights = np.random.default_rng(2).multinomial(runs, np.full(runs, 1 / runs), size=400)
    low, high = np.quantile(ESTIMATORS["pooled"](counts, trials, weights)[:, 0], TAILS)
    return low, high


def rows_of(counts: RunCounts, rows: np.ndarray) -> RunCounts:
    parts = (counts.proposals, counts.hits, counts.first_hit, counts.iterations, counts.iteration_trials)
    return RunCounts(*(part[rows] for part in parts))


def invented(hits: np.ndarray) -> RunCounts:
    """Runs of 100 proposals with given hits, spread at random over ten iterations."""
    rng, runs = np.random.default_rng(3), len(hits)
    places = np.argsort(rng.random((runs, 100)), axis=1)
    good = places < hits[:, None]
    steps = good.reshape(runs, 10, 10).sum(axis=2)
    first = np.where(hits > 0, good.argmax(axis=1) + 1, 100)
    trials = expected_trials(10, steps).sum(axis=1)
    return RunCounts(np.full(runs, 100), hits[:, None], first[:, None], np.full(runs, 10), trials[:, None])


if __name__ == "__main__":
    main()
