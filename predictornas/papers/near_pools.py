"""Whether ranking the whole space loses to a pool near the best, at equal training of the predictor, and why."""

from __future__ import annotations

import numpy as np
import polars as pl

from predictornas.analysis.statistics import paired_difference
from predictornas.analysis.whereabouts import proposal_distances, whereabouts_table
from predictornas.benchmarks.table import Benchmark
from predictornas.papers.claims import judged
from predictornas.papers.figure import FigureRequest, Made, default_benchmark
from predictornas.plots.near_pools import draw_near_pools
from predictornas.predictors.gcn import GCN
from predictornas.predictors.optimisers import GradientDescent
from predictornas.samplers.base import Sampler
from predictornas.samplers.evolutionary import Evolutionary
from predictornas.samplers.nearby import Nearby
from predictornas.samplers.uniform import Exhaustive
from predictornas.search.named import Named
from predictornas.search.strategies import PredictorSearch
from predictornas.studies.gain.execution import advance_study, collected
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.study import Study
from predictornas.studies.gain.study_targets import named_errors

POOLS: dict[str, tuple[Sampler, int]] = {
    "whole space": (Exhaustive(), 0),
    "evolutionary 100": (Evolutionary(), 100),
    "within 2 edits": (Nearby(), 0),
}
"""What the predictor ranks; the last is the whole space without what is far from the ten best (ours)."""

TRAININGS = {
    "500 steps at 0.1": (GCN(optimiser=GradientDescent(0.1), training_epochs=500), tuple(POOLS)),
    "500 steps at 0.01": (GCN(training_epochs=500), ("whole space", "evolutionary 100")),
}
"""Training of the predictor, and the pools that it ranks."""

BAD = 0.1
"""Error above which a proposal is a bad one."""

EARLY = 50
"""Proposals of a run that are its first ones."""


def searches(training: str, pools: tuple[str, ...] | None = None) -> tuple[Named, ...]:
    """A search with each kind of pool and the same predictor, trained in the same way."""
    predictor, own = TRAININGS[training]
    return tuple(
        Named(f"{pool}; {training}", PredictorSearch(predictor, POOLS[pool][0], pool_size=POOLS[pool][1]))
        for pool in pools or own
    )


def near_pools_figure(request: FigureRequest, *, title: str) -> Made:
    """Hits of searches that rank the whole space or near pools, and where their proposals lie.

    K0 = K = 10, whatever the preset.
    """
    scale = request.scale()
    methods = tuple(method for training in TRAININGS for method in searches(training))
    benchmark = request.benchmark or default_benchmark()
    study = Study(benchmark, methods, scale.budget, tuple(range(scale.seeds)), preset="default")
    opened = open_study(study)
    folder = request.folder / f"near-pools-{benchmark}-{scale.budget}"
    advance_study(opened, folder, request.execution)
    history, _ = collected(opened, folder)
    made = near_pools(history, opened.benchmark, title=title)
    return Made(made.table, made.figure, {"study": opened.identity, "seeds": list(study.seeds)}, made.paper)


def near_pools(history: pl.DataFrame, benchmark: Benchmark, *, title: str) -> Made:
    """The same from runs that were made.

    Args:
        history: of methods named as by `searches`.
        benchmark: the table that was searched.
        title: of the figure.
    """
    errors = benchmark.costs(benchmark.signal)
    target = named_errors(errors[np.isfinite(errors)])["top 0.1 %"]
    proposals = proposal_distances(history, benchmark.space)
    most = int(proposals.group_by("method", "seed").len()["len"].to_numpy().max())
    at = sorted({*range(10, most, 10), most})
    table = whereabouts_table(proposals, target=target, bad=BAD, early=EARLY, at=at)
    parts = pl.col("method").str.split_exact("; ", 1)
    table = table.select(
        pool=parts.struct.field("field_0"), training=parts.struct.field("field_1"), **{c: c for c in table.columns[1:]}
    ).sort(
        pl.col("training").cast(pl.Enum(list(TRAININGS))),
        pl.col("pool").cast(pl.Enum(list(POOLS))),
        maintain_order=True,
    )
    caption = (
        f"{benchmark.name}, signal {benchmark.signal}; ten random architectures, then ten an iteration. Left: "
        "proposals among the best 0.1 % of the table so far, mean over runs and its 95 % interval. Middle: edits "
        "between a proposal and the nearest of the ten best evaluated before it. Right: of the first "
        f"{EARLY} proposals at that distance, those with an error above {BAD:.0%}; 95 % over runs. The last distance "
        "stands for all beyond it. Middle and right: the training of the solid lines."
    )
    figure = draw_near_pools(table, title=title, caption=caption)
    return Made(table, figure, paper=_differences(history, proposals, target))


def _differences(history: pl.DataFrame, proposals: pl.DataFrame, target: float) -> pl.DataFrame:
    """Near pools less the whole space, and less each other, paired by seed; the paper has them level."""
    hits = proposals.group_by("method", "seed").agg(value=(pl.col("error") <= target).sum().cast(pl.Float64))
    bad = (
        proposals.sort("order")
        .group_by("method", "seed", maintain_order=True)
        .agg(value=(pl.col("error").head(EARLY) > BAD).mean())
    )
    best = history.group_by("method", "seed").agg(value=(1 - pl.col("evaluation")).min())
    rows = []
    for quantity, values in (
        ("proposals among the best 0.1 %, difference", hits),
        (f"share of the first {EARLY} above {BAD:.0%}, difference", bad),
        ("error of the best evaluated, difference", best),
    ):
        for training, (_, pools) in TRAININGS.items():
            for a, b in [(pool, pools[0]) for pool in pools[1:]] + [pools[1:]] * (len(pools) > 2):
                rows += _difference(values, quantity, training, a, b)
    return judged(pl.DataFrame(rows, infer_schema_length=None), "claim")


def _difference(values: pl.DataFrame, quantity: str, training: str, a: str, b: str) -> list[dict[str, object]]:
    one, other = (values.filter(pl.col("method") == f"{pool}; {training}") for pool in (a, b))
    both = one.join(other, on="seed")
    if len(both) < 2:
        return []
    found = paired_difference(both["value"].to_numpy(), both["value_right"].to_numpy())
    ends = {end: value if np.isfinite(value) else None for end, value in (("low", found.low), ("high", found.high))}
    facts = {"quantity": quantity, "setting": f"{a} - {b}; {training}", "claim": "about 0"}
    return [{**facts, "ours": found.mean, **ends, "runs": found.pairs}]
