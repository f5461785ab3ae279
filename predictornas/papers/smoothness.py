"""The premise of evolutionary sampling (Mauch et al. 2020, section 3.2): like architectures are about as good."""

from __future__ import annotations

import numpy as np
import polars as pl

from predictornas.analysis.smoothness import AGAIN, DISTANCE, RANKS, smoothness_table
from predictornas.benchmarks.catalog import open_benchmark
from predictornas.benchmarks.store import stored_names
from predictornas.benchmarks.table import Benchmark
from predictornas.executors import Tell
from predictornas.papers.claims import judged
from predictornas.papers.figure import FigureRequest, Made
from predictornas.plots.smoothness import draw_smoothness
from predictornas.seeding import rng_for
from predictornas.studies.gain.study import data_fingerprint

ANCHORS = {"small": 50, "full": 200}
"""Random architectures of a large table whose distances to all others are taken."""

_OFFLINE = tuple(f"nasbench201-{images}" for images in ("cifar10", "cifar100", "imagenet16-120"))


def smoothness_figure(request: FigureRequest, *, title: str) -> Made:
    """Correlation of accuracies by edit distance, and how many of the best 1 % are near the best 0.1 %.

    On the table asked for, otherwise on NAS-Bench-101 where it is imported and the three data sets of NAS-Bench-201.
    """
    own = ("nasbench101",) if "nasbench101" in stored_names() else ()
    names = (request.benchmark,) if request.benchmark else (*own, *_OFFLINE)
    anchors = ANCHORS.get(request.size, ANCHORS["small"])
    opened = [open_benchmark(name) for name in names]
    if request.found is None:
        tell = request.started(len(opened))
        table = pl.concat([_rows(benchmark, anchors, tell) for benchmark in opened])
    else:
        table = request.found
    columns = "; ".join(f"{one.name}: {one.signal}, again {one.evaluation}" for one in opened)
    caption = (
        "Left: Spearman's correlation of the accuracies of two architectures, each trained once, by the edits between "
        "them (edges, operations and vertices added, removed or exchanged). Right: of the architectures at a distance "
        "from one of the best 0.1 %, the share among the best 1 %. Hollow: the same architectures trained again, as "
        "alike as two can be seen to be. Dashed: random pairs. Bands: 95 %, over the architectures that distances were "
        f"taken from; without a band every pair was looked at. Columns: {columns}."
    )
    measured = {
        one.name: {"data_sha256": data_fingerprint(one), "columns": [one.signal, one.evaluation]} for one in opened
    }
    facts = {"anchors": anchors, "tables": measured}
    return Made(table, draw_smoothness(table, title=title, caption=caption), facts, _beside(table))


def _rows(benchmark: Benchmark, anchors: int, tell: Tell) -> pl.DataFrame:
    signal, again = (benchmark.values(name).astype(np.float64) for name in (benchmark.signal, benchmark.evaluation))
    both = np.isfinite(signal) & np.isfinite(again)
    rows = smoothness_table(
        benchmark.space, benchmark.genes[both], signal[both], again[both], anchors=anchors, rng=rng_for(0, 0, "pairs")
    )
    tell(1)
    return rows.select(pl.lit(benchmark.name).alias("benchmark"), *rows.columns)


def _beside(table: pl.DataFrame) -> pl.DataFrame:
    """That neighbours are alike, for each table: their correlation, beside that of the same architectures again."""
    ranks = table.filter(pl.col("quantity") == RANKS)
    again = ranks.filter(pl.col("of") == AGAIN).select("benchmark", again="value")
    near = ranks.filter((pl.col("of") == DISTANCE) & (pl.col("distance") == 1)).join(again, on="benchmark")
    rows = near.select(
        quantity=pl.lit("rank correlation at one edit"),
        setting="benchmark",
        claim=pl.lit("> 0"),
        ours="value",
        low=pl.col("low").fill_null(pl.col("value")),  # all pairs were looked at
        high=pl.col("high").fill_null(pl.col("value")),
        again="again",
    )
    return judged(rows, "claim")
