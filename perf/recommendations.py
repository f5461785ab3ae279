"""Whether what searches recommend is as good as the best they saw by the signal, table by table and method by method.

    python perf/recommendations.py FOLDER

Reads every history below docs/results, and runs more searches in FOLDER, on the tables that have too few there;
stopped, it goes on where it was. A recommendation does not influence a search, so what each run would name now follows
from its history. Writes docs/results/recommendations/recommendations.csv: one row for each study, method and number of
evaluations. `chosen` and `recommended` are mean evaluation errors over the runs, `difference` (recommended - chosen)
has a 95 % t interval over them, `other` is the share of runs that recommend another architecture than their incumbent,
`by_predictor` the error of what a predictor that knows the noise likes best, whether or not the search goes by it.
Bar: a difference of at most 0.02 points everywhere, and the lead of Bayesian optimisation on NAS-Bench-101.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import polars as pl

from predictornas.analysis.statistics import over_seeds
from predictornas.benchmarks.table import Benchmark
from predictornas.files import write_json
from predictornas.schedulers.base import incumbent
from predictornas.search.loop import Search
from predictornas.search.strategies import PredictorSearch, Strategy
from predictornas.studies.gain.execution import advance_study, collected
from predictornas.studies.gain.manifest import read_manifest, study_in
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.recommendation import history_of
from predictornas.studies.gain.study import Study
from predictornas.studies.provenance import surroundings
from predictornas.studies.tasks import Execution
from predictornas.studies.tidy_tables import write_table

RESULTS = Path(__file__).parents[1] / "docs" / "results"

MORE = {
    "nasbench101-digits": ("bayesian-optimisation", "evolutionary-100@gp", "uniform-100@gp"),
    "nasbench101-val30k": ("bayesian-optimisation",),
}
"""Methods that are run here, by table."""

SEEDS = tuple(range(20))
EVALUATIONS = 150
"""Of the runs made here; longer ones are looked at after as many too."""


def main(folder: Path) -> None:
    rows = [row for path in studies() for row in rows_of(path, str(path.relative_to(RESULTS)))]
    for table, methods in MORE.items():
        opened = open_study(Study(table, methods, EVALUATIONS, SEEDS, preset="default"))
        advance_study(opened, folder / table, Execution())
        collected(opened, folder / table)
        rows += rows_of(folder / table, "")
    keys = ["folder", "table", "method", "evaluations"]
    runs = pl.DataFrame(rows, infer_schema_length=None)
    summary = over_seeds(runs, keys, "difference").drop("std").rename({"mean": "difference"})
    means = runs.group_by(keys).agg(pl.col("chosen", "recommended", "other", "by_predictor").mean())
    table = means.join(summary, on=keys, nulls_equal=True).select(
        *keys, "runs", "chosen", "recommended", "difference", "low", "high", "other", "by_predictor"
    )
    out = RESULTS / "recommendations"
    out.mkdir(exist_ok=True)
    write_table(out / "recommendations.csv", table.sort(keys))
    facts = {"command": "python perf/recommendations.py FOLDER", "seeds": SEEDS, "made_with": [surroundings()]}
    write_json(out / "manifest.json", facts)


def studies() -> list[Path]:
    """Folders of finished studies."""
    return sorted(path.parent for path in RESULTS.rglob("history.parquet"))


def rows_of(folder: Path, name: str) -> Iterator[dict[str, object]]:
    """What each run of a study names, after `EVALUATIONS` and in the end."""
    study = study_in(read_manifest(folder) or {})
    benchmark = study.open()
    history = pl.read_parquet(folder / "history.parquet").sort("method", "seed", "order")
    for run in history.partition_by("method", "seed", maintain_order=True):
        facts = {"folder": name, "table": benchmark.name, **run.select("method", "seed").row(0, named=True)}
        strategy = study.strategy(str(facts["method"]))
        whole = len(run) if study.budget_epochs is None else None
        for evaluations in {whole, EVALUATIONS} if whole and whole > EVALUATIONS else {whole}:
            seen = run if evaluations is None else run.head(evaluations)
            yield {**facts, "evaluations": evaluations, **named(seen, strategy, benchmark, int(facts["seed"]))}


def named(run: pl.DataFrame, strategy: Strategy, benchmark: Benchmark, seed: int) -> dict[str, float | None]:
    """Evaluation errors of the incumbent of a run, of what its search recommends and of what its predictor likes."""
    history = history_of(run)
    best, opinion = incumbent(history), Search(benchmark.space, strategy, seed=seed, history=history).opinion()
    liked = opinion
    if liked is None and isinstance(strategy, PredictorSearch):
        liked = Search(benchmark.space, replace(strategy, smoothed=True), seed=seed, history=history).opinion()
    recommended = best if opinion is None else opinion
    chosen, named = (1 - float(run["evaluation"][row]) for row in (best, recommended))
    return {
        "chosen": chosen,
        "recommended": named,
        "difference": named - chosen,
        "other": float(recommended != best),
        "by_predictor": None if liked is None else 1 - float(run["evaluation"][liked]),
    }


if __name__ == "__main__":
    main(Path(sys.argv[1]))
