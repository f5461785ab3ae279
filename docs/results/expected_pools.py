"""Why pools of likelihood gain more than uniform ones, or do not: their quality, and what the predictor gains in them.

Predictors are fitted on what committed searches had evaluated, and rank pools of both kinds; nothing is searched here.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import polars as pl

from predictornas.analysis.lift import TopScores, lift
from predictornas.history import History
from predictornas.normal_scores import normal_scores
from predictornas.predictors.base import fresh
from predictornas.search.strategies import PredictorSearch
from predictornas.seeding import rng_for
from predictornas.studies.gain.manifest import read_manifest, study_in
from predictornas.studies.gain.opened import OpenedStudy
from predictornas.studies.gain.study_targets import named_errors
from predictornas.studies.tidy_tables import write_table

STUDIES = ("nasbench101", "nasbench201-cifar10")
SIZES = (100, 1000)
KINDS = ("uniform", "likelihood")
"""Of pools, and of the searches whose evaluations a predictor learns from."""

FEWEST = 10
"""Good architectures of which a mean and a spread are taken at least."""

_NONE = 1e-12

KEYS = ["table", "pool_size", "target", "learned_from", "pool"]

LEARNED = (20, 70, 140)
"""Evaluations that predictors learn from."""

RUNS = 3
"""Of each kind of search."""

DRAWN = {"uniform": {100: 60, 1000: 6}, "likelihood": {100: 6, 1000: 2}}
"""Pools of each kind and size that a predictor ranks; uniform ones cost nothing."""


def renew_pools(folder: Path, out: Path) -> None:
    """Writes `pools.csv`: pools and what predictors gain in them; a quarter of an hour of a core.

    Args:
        folder: `docs/results/efficient-sampling`.
        out: where the file goes.
    """
    parts = product(STUDIES, SIZES, range(RUNS))
    write(folder, out, pl.concat([ranked(folder / name, size, seed) for name, size, seed in parts]))


def write(folder: Path, out: Path, pools: pl.DataFrame) -> None:
    """Writes `pools.csv` from pools that were ranked, beside what the searches show.

    Args:
        folder: `docs/results/efficient-sampling`.
        out: where the file goes.
        pools: of `ranked`.
    """
    shown = pl.concat([measured(folder / name) for name in STUDIES])
    write_table(out / "pools.csv", summary(pools).join(shown, on=KEYS, how="left", maintain_order="left"))


def measured(folder: Path) -> pl.DataFrame:
    """The gain of the searches themselves and its parts, pooled, with 95 % over seeds.

    Args:
        folder: of a committed study.
    """
    study = study_in(read_manifest(folder) or {})
    opened = OpenedStudy(study, study.open())
    split = pl.read_csv(folder / "split.csv", infer_schema_length=None).filter(estimator="pooled")
    rows = []
    for kind, size, (target, error) in product(KINDS, SIZES, named_errors(opened.errors).items()):
        own = split.filter(method=f"{kind}-{size}")
        far = (own["target_error"] - error).abs()
        row = dict(zip(KEYS, (opened.benchmark.name, size, target, kind, kind), strict=True))
        for part in own.filter(far == far.min()).iter_rows(named=True):
            row |= {f"{part['part']}_{name}": part[name] for name in ("gain_db", "low", "high")}
        rows.append(row)
    return pl.DataFrame(rows)


def ranked(folder: Path, size: int, seed: int) -> pl.DataFrame:
    """One row a pool, target and architecture of the pool that reaches it: its normal score there, or none.

    Args:
        folder: of a committed study with uniform and likelihood pools.
        size: N'.
        seed: of the searches that predictors learn from.
    """
    study = study_in(read_manifest(folder) or {})
    opened = OpenedStudy(study, study.open())
    history = pl.read_parquet(folder / "history.parquet").filter(seed=seed).sort("order")
    return pl.concat([part for kind in KINDS for part in _of_search(opened, history, kind, size, seed)])


def _of_search(
    opened: OpenedStudy, history: pl.DataFrame, learned: str, size: int, seed: int
) -> Iterator[pl.DataFrame]:
    benchmark, space = opened.benchmark, opened.benchmark.space
    costs, targets = benchmark.costs(benchmark.signal), named_errors(opened.errors)
    own = history.filter(method=f"{learned}-{size}")
    for count in LEARNED:
        seen = own.head(count)
        genes, keys = np.array(seen["genes"].to_list(), np.int8), seen["key"].to_numpy()
        known = History.empty(space.num_genes).extended(
            keys=keys, genes=genes, epochs=np.zeros(count, np.int64), values=seen["value"].to_numpy(), iteration=0
        )
        for kind in KINDS:
            strategy = opened.strategy(f"{kind}-{size}")
            assert isinstance(strategy, PredictorSearch)
            if kind == KINDS[0]:  # the same predictor ranks both
                rng = rng_for(seed, count, f"fit on {learned}")
                predictor = fresh(strategy.predictor).fit(space, genes, seen["value"].to_numpy(), rng=rng)
            for pool in range(DRAWN[kind][size]):
                rng = rng_for(seed, pool, f"pool of {kind} after {learned} {count}")
                drawn = strategy.sampler.propose(space, size, known, predictor, rng)
                scores = predictor.predict(drawn.genes)
                normal = normal_scores(scores)
                taken = np.isin(np.arange(len(scores)), drawn.best(scores, strategy.batch))
                errors = costs[benchmark.rows(drawn.keys)]
                for target, error in targets.items():
                    hits = np.flatnonzero(errors <= error)
                    yield pl.DataFrame(
                        {
                            "table": benchmark.name,
                            "pool_size": size,
                            "target": target,
                            "share": float((opened.errors <= error).mean()),
                            "learned_from": learned,
                            "evaluations": count,
                            "pool": kind,
                            "members": len(scores),
                            "batch": strategy.batch,
                            "scores": [normal[hits].tolist()],
                            "taken": int(taken[hits].sum()),
                        },
                        schema_overrides={"scores": pl.List(pl.Float64)},
                    )


def summary(pools: pl.DataFrame) -> pl.DataFrame:
    """One row a table, size, target, kind of search and kind of pool.

    Sampler and predictor are in dB: of the share of the pool that reaches the target over that of the table, and of the
    share of these that is taken over K / N', by the lift of their mean and spread, and as counted. Evaluations are
    averaged in hits, as searches pool theirs.

    Args:
        pools: of `ranked`.
    """
    rows = []
    for key, own in pools.group_by(KEYS, maintain_order=True):
        parts = [_of_pools(alike, key[1]) for _, alike in own.group_by("evaluations", maintain_order=True)]
        quality, taken, by_lift = (np.mean([part[name] for part in parts]) for name in ("quality", "taken", "by_lift"))
        found = {
            "mean": np.mean([part["mean"] for part in parts]),
            "spread": np.mean([part["spread"] for part in parts]),
            "hits": int(own["scores"].list.len().sum()),
            "sampler_db": _db(quality),
            "predictor_db": _db(by_lift / max(quality, _NONE)),
            "counted_db": _db(taken / max(quality, _NONE)),
        }
        rows.append(dict(zip(KEYS, key, strict=True)) | found)
    return pl.DataFrame(rows).fill_nan(None).sort(KEYS)


def _of_pools(pools: pl.DataFrame, size: int) -> dict[str, float]:
    """Of pools after equally many evaluations: good ones in them, and among those taken, over the table's share."""
    batch, share = pools["batch"][0], pools["share"][0]
    scores = pools["scores"].list.explode().drop_nulls().to_numpy()
    quality = len(scores) / pools["members"].sum() / share
    found = {"quality": quality, "taken": pools["taken"].sum() / (batch * len(pools)) / share}
    if len(scores) < FEWEST:
        return found | dict.fromkeys(("mean", "spread", "by_lift"), np.nan)
    top = TopScores(float(scores.mean()), float(scores.std()))
    return found | {"mean": top.mean, "spread": top.spread, "by_lift": quality * float(lift(batch / size, top))}


def _db(ratio: float) -> float:
    return float(10 * np.log10(ratio)) if ratio > 0 else np.nan
