"""The gain in closed form against searches with predictors that are made: the truth and noise of a known strength.

    python docs/results/expected_synthetic.py

Writes expected-gain/synthetic.csv and its figure, five minutes of a core. Scores are the normal scores of a table's
signal plus normal noise that leaves a rank correlation tau. In the *same* predictors the noise is the same everywhere;
to the others the best tenth of a table looks alike, so that it is noise alone that orders it. Noise is drawn anew for
each iteration, as if each fit had erred in another way, or once for a search, as if all erred in the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from jaxtyping import Bool, Float
from scipy.special import ndtri

from predictornas.analysis.lift import TopScores, expected_gain, top_scores
from predictornas.analysis.urn import expected_trials, gain_db
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.normal_scores import normal_scores
from predictornas.plots.expected import draw_expected
from predictornas.studies.pictures import Pictures, write_figures
from predictornas.studies.tidy_tables import write_table

FOLDER = Path(__file__).parent / "expected-gain"
TABLES = ("nasbench101", "nasbench201-full-cifar100")
TAUS = (0.3, 0.5, 0.7, 0.85)
POOLS = (100, 1000, 10_000, None)
TARGETS = {"top 0.1 %": 1e-3, "top 1 %": 1e-2}
INITIAL = BATCH = 10
ITERATIONS = 7
"""As many evaluations as in the blind test."""
RUNS = 100
ALIKE = 0.9
"""Quantile above which the degraded predictors see no difference."""
FITS = 10
"""Draws of noise that the closed form is told of."""


class Made:
    """A predictor of a table: what it sees of every architecture, and how much noise it adds.

    Args:
        quality: normal scores of the true values.
        degraded: whether the best tenth looks alike.
        tau: rank correlation of its scores with the truth, where they are not degraded.
    """

    def __init__(self, quality: Float[np.ndarray, " n"], *, degraded: bool, tau: float) -> None:
        self._seen = np.minimum(quality, np.quantile(quality, ALIKE)) if degraded else quality
        correlation = np.sin(np.pi * tau / 2)  # of normal variables with this tau
        self._noise = np.sqrt(correlation**-2 - 1)

    def scores(self, rng: np.random.Generator) -> Float[np.ndarray, " n"]:
        """One fit's scores of the table."""
        return np.asarray(self._seen + self._noise * rng.standard_normal(len(self._seen)))


def searched(
    made: Made, reached: Bool[np.ndarray, "j n"], pool_size: int | None, *, anew: bool, rng: np.random.Generator
) -> Float[np.ndarray, " j"]:
    """How many proposals of one search reach each target."""
    size, found = reached.shape[1], np.zeros(len(reached))
    left = np.ones(size, bool)
    left[rng.choice(size, INITIAL, replace=False)] = False
    scores = made.scores(rng)
    for iteration in range(ITERATIONS):
        if anew and iteration:
            scores = made.scores(rng)
        pool = np.flatnonzero(left)
        if pool_size is not None:
            pool = rng.choice(pool, pool_size, replace=False)
        chosen = pool[np.argpartition(-scores[pool], BATCH)[:BATCH]]
        left[chosen] = False
        found += reached[:, chosen].sum(axis=1)
    return found


def measured(name: str) -> Iterator[dict[str, object]]:
    """One row a predictor, size of pool and target."""
    table = open_benchmark(name)
    costs = table.costs(table.signal)
    costs = costs[np.isfinite(costs)]
    quality, order = normal_scores(-costs), np.argsort(costs)
    reached = np.zeros((len(TARGETS), len(costs)), bool)
    for row, share in enumerate(TARGETS.values()):
        reached[row, order[: round(share * len(costs))]] = True
    proposals = RUNS * BATCH * ITERATIONS
    for degraded in (False, True):
        for tau in TAUS:
            made = Made(quality, degraded=degraded, tau=tau)
            rng = np.random.default_rng([degraded, round(100 * tau)])
            fits = [made.scores(rng) for _ in range(FITS)]
            tops = [top_scores(fits, [good] * FITS) for good in reached]
            for pool_size in POOLS:
                for anew in (True, False):
                    hits = sum(searched(made, reached, pool_size, anew=anew, rng=rng) for _ in range(RUNS))
                    for target, top, good, found in zip(TARGETS, tops, reached, hits, strict=True):
                        trials = expected_trials(len(costs), int(good.sum()))
                        yield {
                            "table": name,
                            "predictor": "the best tenth alike" if degraded else "the same noise",
                            "tau": tau,
                            "noise": "anew" if anew else "kept",
                            "pool_size": pool_size,
                            "target": target,
                            "mean": top.mean,
                            "spread": top.spread,
                            "beyond": beyond(top, len(costs) - INITIAL if pool_size is None else pool_size),
                            "hits": int(found),
                            "expected_db": _expected(top, len(costs), int(good.sum()), pool_size),
                            "measured_db": float(gain_db(trials, expected_trials(proposals, found))),
                        }


def beyond(top: TopScores, pool_size: int) -> float:
    """How many spreads the score of the worst that is taken lies above the mean of the good ones."""
    return float((-ndtri(BATCH / pool_size) - top.mean) / top.spread)


def _expected(top: TopScores, size: int, hits: int, pool_size: int | None) -> float:
    return expected_gain(
        [top] * ITERATIONS,
        table_size=size,
        table_hits=hits,
        pool_size=pool_size,
        initial=INITIAL,
        batch=BATCH,
        runs=RUNS,
    )


def draw(found: pl.DataFrame) -> None:
    """Draws `synthetic.csv`."""
    sizes = pl.when(pl.col("pool_size").is_null()).then(pl.lit("whole space"))
    table = found.filter(noise="anew").with_columns(
        sampler=sizes.otherwise(pl.format("pools of {}", "pool_size")),
        measured_low=pl.lit(None, pl.Float64),
        measured_high=pl.lit(None, pl.Float64),
    )
    figure = draw_expected(
        table,
        title="The gain in closed form, and searches with predictors that are made",
        caption="Each point is a predictor and a size of pool on a table, over a hundred searches: true normal scores "
        f"and noise that leaves a rank correlation of {min(TAUS)} to {max(TAUS)}, drawn anew for each iteration. Band: "
        "1 dB.",
    )
    write_figures(FOLDER, {"synthetic": figure}, Pictures(("png",)))
    (FOLDER / "captions.md").unlink(missing_ok=True)


def main() -> None:
    """Measures and draws."""
    found = pl.DataFrame([row for name in TABLES for row in measured(name)])
    write_table(FOLDER / "synthetic.csv", found)
    draw(found)


if __name__ == "__main__":
    main()
