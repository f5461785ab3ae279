"""What exploring at a peak saves the search that climbs where tables trap it, and what it costs on others.

    python perf/climbing.py tuning FOLDER
    python perf/climbing.py confirming FOLDER

Both go on where they stopped, and write into docs/results/robustness. `tuning`, twenty minutes of a core, compares
shares on generated tables of seeds that perf/exploration.py tuned on as well, and on others with seeds that climbing
was tuned on: `peaks-runs.csv`, a row a run, and `peaks.csv`, how many runs fail on each kind of generated table, and
what each share differs by from none, paired by seed. `confirming`, half an hour, has the method as it is registered on
the generated tables of `runs.csv`, which gets its rows; and beside the search that does not explore on every table of
tables.md and on the fresh seeds of docs/results/fresh_searches.py: `peaks-cost-runs.csv`, and paired, with the gain,
`peaks-cost.csv`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
from exploration import add_generated, continued, exchanged, gains_of

from predictornas import Search, Study, TabularOracle, open_benchmark
from predictornas.analysis.regret import anytime_regret, incumbent_curves, oracle_errors
from predictornas.analysis.robustness import random_median
from predictornas.analysis.statistics import paired_difference, share_interval
from predictornas.benchmarks.table import Benchmark
from predictornas.search.building import climbing_explorative_bayesian_optimisation
from predictornas.search.loop import run
from predictornas.studies.gain.execution import advance_study, collected
from predictornas.studies.gain.opened import open_study
from predictornas.studies.robustness_study import RobustnessStudy
from predictornas.studies.tasks import Execution
from predictornas.studies.tidy_tables import write_table

HERE = Path(__file__).parents[1] / "docs" / "results" / "robustness"

CLIMBING, CHOSEN = "climbing-bayesian-optimisation", "climbing-explorative-bayesian-optimisation"

SHARES = (0.0, 0.1, 0.2, 0.4)
"""Of the evaluations at a peak; the search has the second."""

TRAPS = {"all-convolutions": (4, 5), "deceptive": (4, 5, 6), "exchanged": (4, 5, 6), "plateau": (4, 5)}
"""Kinds of generated tables, and their seeds."""
TRAP_RUNS, TRAP_BUDGET = range(5), 100
TABLES = {
    "nasbench201-cifar10": (100, range(3000, 3060)),
    "nasbench201-cifar100": (100, range(3000, 3060)),
    "nasbench201-imagenet16-120": (100, range(3000, 3060)),
    "nasbench101": (150, range(3000, 3030)),
}
"""Evaluations and seeds."""
GRAPHS = ("arxiv", "cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "proteins")
CONFIRMED = (
    *((name, 150, range(2000, 2050)) for name in TABLES),
    *((f"nasbench201-full-{name}", 100, range(20)) for name in ("cifar10", "cifar100", "imagenet16-120")),
    *((name, 100, range(20)) for name in ("nasbench101", "nasbench101-digits")),
    *((f"nasbench-graph-{name}", 100, range(20)) for name in GRAPHS),
)
"""Table, evaluations and seeds."""
GENERATED = RobustnessStudy(methods=(CHOSEN,))
COLUMNS = ("exploring", "table", "seed", "best", "behind", "found", "regret", "top")
TOP = 0.01


def tables(folder: Path) -> Iterator[tuple[Benchmark, int, Iterable[int]]]:
    """Each with its evaluations and seeds."""
    for kind, seeds in TRAPS.items():
        for seed in seeds:
            made = exchanged(seed, folder) if kind == "exchanged" else open_benchmark(f"adversarial-{kind}-{seed}")
            yield made, TRAP_BUDGET, TRAP_RUNS
    for name, (budget, seeds) in TABLES.items():
        yield open_benchmark(name), budget, seeds


def make_missing(path: Path, folder: Path) -> None:
    """A row a run: the best evaluated, whether random search's median is better, and so on."""
    with continued(path, COLUMNS) as (known, add):
        for table, budget, seeds in tables(folder):
            signal, evaluation = table.costs(table.signal), table.costs(str(table.evaluation))
            median = random_median(signal, evaluation, budget, chosen=False)
            optimum, top = np.nanmin(evaluation), np.nanquantile(evaluation, TOP)
            for share in SHARES:
                search = replace(climbing_explorative_bayesian_optimisation(10, 10), exploring=share)
                for seed in seeds:
                    if (str(share), table.name, str(seed)) in known:
                        continue
                    history = run(Search(table.space, search, seed=seed), TabularOracle(table), budget)
                    errors = evaluation[table.rows(history.keys)]
                    best = np.minimum.accumulate(errors)
                    end = best[-1]
                    behind, found = int(end > median + 1e-7), int(end <= optimum + 1e-9)
                    among_best = int((errors <= top + 1e-12).sum())
                    add((share, table.name, seed, end, behind, found, best.mean() - optimum, among_best))


def summary(runs: pl.DataFrame) -> Iterator[dict[str, object]]:
    """Shares that fail, by kind, and paired differences, by table."""
    kind = pl.col("table").str.strip_prefix("adversarial-").str.replace(r"-\d+$", "")
    label = runs.with_columns(table=pl.when(pl.col("table").is_in([*TABLES])).then("table").otherwise(kind))
    for (name, share), own in label.group_by("table", "exploring", maintain_order=True):
        told = {"table": name, "exploring": share, "runs": len(own)}
        if name not in TABLES:
            behind = int(own["behind"].sum())
            low, high = share_interval(behind, len(own))
            whole = {"pairs": None, "nonzero": None}
            yield told | {"quantity": "fails", "mean": behind / len(own), "low": low, "high": high} | whole
            continue
        pairs = own.join(label.filter(table=name, exploring=0.0), on="seed", suffix="_without")
        for quantity in ("best", "found", "regret", "top"):
            one, other = (pairs[column].cast(pl.Float64).to_numpy() for column in (quantity, f"{quantity}_without"))
            yield told | {"quantity": quantity} | vars(paired_difference(one, other))


def tune(folder: Path) -> None:
    """Runs, then both tables."""
    path = folder / "peaks-runs.csv"
    make_missing(path, folder)
    runs = pl.read_csv(path).sort("table", "exploring", "seed")
    write_table(HERE / path.name, runs)
    write_table(HERE / "peaks.csv", pl.DataFrame(list(summary(runs))))


def ends_of(table: Benchmark, history: pl.DataFrame) -> pl.DataFrame:
    """Of each run the regret, what it ends with, and whether it found the best cell within the first hundred."""
    oracles = oracle_errors(table.costs(table.signal), table.costs(str(table.evaluation)))
    curves = incumbent_curves(history, table.quantities)
    regret = anytime_regret(curves, oracles).filter(trace="best").select("method", "seed", "regret")
    best = oracles.evaluation_on_evaluation + 1e-9
    found = curves.filter(evaluations=TRAP_BUDGET).select(
        "method", "seed", found=(pl.col("best") <= best).cast(pl.Float64)
    )
    ends = curves.filter(pl.col("evaluations") == pl.col("evaluations").max())
    joined = ends.join(regret, on=["method", "seed"]).join(found, on=["method", "seed"]).sort("method", "seed")
    columns = ("evaluations", "method", "seed", "regret", "best", "recommended", "found")
    return joined.select(pl.lit(table.name).alias("table"), *columns)


def costs(runs: pl.DataFrame, gain: pl.DataFrame) -> Iterator[dict[str, object]]:
    """What who explores on a table has less who does not, paired by seed."""
    label = {"table": runs["table"][0], "evaluations": runs["evaluations"][0]}
    for quantity in ("regret", "best", "recommended", "found"):
        one, other = (runs.filter(method=name)[quantity].to_numpy() for name in (CHOSEN, CLIMBING))
        yield label | {"quantity": quantity, "ours": one.mean()} | vars(paired_difference(one, other))
    for row in gain.filter(target="top 1 %").iter_rows(named=True):
        kept = {name: row[name] for name in ("low", "high", "pairs", "nonzero")}
        yield label | {"quantity": "gain", "ours": None, "mean": row["difference"]} | kept


def confirm(folder: Path) -> None:
    """The method on tables and seeds that it was not chosen on."""
    add_generated(GENERATED, folder / "generated")
    runs, parts = [], list[dict[str, object]]()
    for name, budget, seeds in CONFIRMED:
        opened = open_study(Study(name, (CLIMBING, CHOSEN), budget, tuple(seeds), preset="default"))
        advance_study(opened, folder / f"{name}-{budget}", Execution())
        history = collected(opened, folder / f"{name}-{budget}")[0]
        runs.append(ends_of(opened.benchmark, history))
        parts += costs(runs[-1], gains_of(opened.benchmark, history, CHOSEN, CLIMBING))
    write_table(HERE / "peaks-cost-runs.csv", pl.concat(runs))
    write_table(HERE / "peaks-cost.csv", pl.DataFrame(parts))


if __name__ == "__main__":
    {"tuning": tune, "confirming": confirm}[sys.argv[1]](Path(sys.argv[2]))
