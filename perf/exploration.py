"""How the search that explores was chosen, and what it is worth on tables and seeds that it was not chosen on.

    python perf/exploration.py tuning FOLDER
    python perf/exploration.py confirming FOLDER

Both go on where they stopped, and write into docs/results/robustness. `tuning` compares variants, a row a run, on
generated tables of seeds 4 to 7 and on two others with seeds from 100: `tuning.csv`. `confirming` runs the frozen
method where `bayesian-optimisation` was run:

- on the generated tables of `runs.csv`, which gets its rows;
- on every other table of tables.md, seeds 0 to 19, and with fifty seeds of 150 evaluations on NAS-Bench-101:
  `cost-runs.csv`, and paired by seed `cost.csv` (errors) and `cost-gain.csv` (dB);
- with `bayesian-optimisation` on the trap of all convolutions with its operations exchanged, seeds 0 to 3:
  `exchanged.csv`.

About ten minutes of a core each.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from predictornas import Search, Study, TabularOracle, open_benchmark
from predictornas.analysis.ordering import Claim, ordering_table
from predictornas.analysis.regret import anytime_regret, incumbent_curves, oracle_errors
from predictornas.analysis.robustness import TRACES, random_median
from predictornas.analysis.statistics import paired_difference, share_interval
from predictornas.benchmarks.adversarial import EVALUATION, SIGNAL, TRAPS, adversarial_genes
from predictornas.benchmarks.table import Benchmark, write_benchmark
from predictornas.predictors.base import Predictor
from predictornas.search.building import bayesian_optimisation
from predictornas.search.exploring import ExploringSearch
from predictornas.search.loop import run
from predictornas.search.methods import get_preset, get_strategy
from predictornas.search.strategies import Strategy
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes
from predictornas.spaces.registry import get_space
from predictornas.studies.folder import write_manifest
from predictornas.studies.gain.execution import advance_study, collected
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.study_targets import named_errors
from predictornas.studies.provenance import surroundings
from predictornas.studies.robustness_study import (
    FAILURES,
    KIND,
    RUNS,
    RobustnessStudy,
    failure_table,
    run_robustness_study,
)
from predictornas.studies.tasks import Execution
from predictornas.studies.tidy_tables import write_table

RESULTS = Path(__file__).parents[1] / "docs" / "results"
HERE = RESULTS / "robustness"

DEFAULT, FROZEN = "bayesian-optimisation", "explorative-bayesian-optimisation"

BASE = bayesian_optimisation(10, 10)

BUDGET = 100


def exploring(share: float, patience: int, made: type[ExploringSearch] = ExploringSearch) -> ExploringSearch:
    """The default with a share of evaluations that explore once it is stuck; always with no patience."""
    return made(**vars(BASE), share=share, patience=patience)


class Blind(ExploringSearch):
    """Explores at random."""

    def explored(self, predictor: Predictor, pool: Genes, free: Any, sooner: Genes, *, at: int) -> int:
        return int(free.argmax())


class Mixed(Blind):
    """Explores by turns what the predictor is least sure of and at random."""

    def explored(self, predictor: Predictor, pool: Genes, free: Any, sooner: Genes, *, at: int) -> int:
        made: type[ExploringSearch] = ExploringSearch if int(self.share * (at + 1) + 1e-9) % 2 else Blind
        return made.explored(self, predictor, pool, free, sooner, at=at)


VARIANTS: dict[str, Strategy] = {
    "default": BASE,
    **{f"always-{share}": exploring(share / 100, 0) for share in (10, 20)},
    "random-20": exploring(0.2, 0, Blind),
    **{f"mixed-{share}": exploring(share / 100, 0, Mixed) for share in (10, 20, 30)},
    "stuck-30-after-20": exploring(0.3, 20),
    "stuck-50-after-10": exploring(0.5, 10),
}

TRAP_SEEDS, RUNS_A_TRAP = range(4, 8), range(5)
TUNED = ("nasbench201-full-cifar100", "nasbench-graph-arxiv")
TUNING_SEEDS = range(100, 115)

GENERATED = RobustnessStudy(methods=(FROZEN,))
EXCHANGED_SEEDS = range(4)
GRAPHS = ("cora", "citeseer", "pubmed", "cs", "physics", "photo", "computers", "proteins")
TABLES = ("nasbench101", "nasbench101-digits", "nasbench201-full-cifar10", "nasbench201-full-imagenet16-120")
CONFIRMED = (
    *((table, f"tables/{table}", BUDGET, 20) for table in (*TABLES, *(f"nasbench-graph-{name}" for name in GRAPHS))),
    ("nasbench101", "search/nasbench101", 150, 50),
)
"""Table, committed study of `bayesian-optimisation`, evaluations and seeds."""


@contextmanager
def continued(path: Path, columns: Sequence[str]) -> Iterator[tuple[set[tuple[str, ...]], Callable[..., None]]]:
    """A table of runs to go on with: the first three fields of each row that is whole, and what adds one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    whole = path.read_text(encoding="utf-8").rpartition("\n")[0] if path.exists() else ""
    path.write_text((whole or ",".join(columns)) + "\n", encoding="utf-8")
    with path.open("a", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")

        def add(row: Iterable[object]) -> None:
            writer.writerow(row)
            file.flush()

        yield {tuple(row[:3]) for row in csv.reader(whole.splitlines())}, add


def make_missing(
    path: Path, strategies: Mapping[str, Strategy], benchmarks: Iterable[Benchmark], seeds: Iterable[int]
) -> None:
    """One row a run: error of the best evaluated, random search's median of it, and its anytime regret."""
    columns = ("variant", "table", "seed", "best", "median", "regret")
    with continued(path, columns) as (known, add):
        for benchmark in benchmarks:
            signal, evaluation = (benchmark.costs(column) for column in (benchmark.signal, benchmark.evaluation))
            median = random_median(signal, evaluation, BUDGET, chosen=False)
            for variant, strategy in strategies.items():
                for seed in seeds:
                    if (variant, benchmark.name, str(seed)) in known:
                        continue
                    history = run(Search(benchmark.space, strategy, seed=seed), TabularOracle(benchmark), BUDGET)
                    best = np.minimum.accumulate(evaluation[benchmark.rows(history.keys)])
                    regret = best.mean() - np.nanmin(evaluation)
                    add((variant, benchmark.name, seed, best[-1], median, regret))


def exchanged(seed: int, folder: Path) -> Benchmark:
    """`adversarial-all-convolutions` with its operations exchanged, on each edge in another way: no count tells."""
    rng = rng_for(seed, 0, "exchanged operations")
    genes = adversarial_genes()
    others = np.column_stack([1 + rng.permutation(4)[edge - 1] for edge in genes.T]).astype(np.int8)
    signal, truth = TRAPS["all-convolutions"].make(others, rng)
    return write_benchmark(
        folder / f"exchanged-{seed}",
        name=f"exchanged-{seed}",
        space=get_space("nasbench201"),
        genes=genes,
        columns={SIGNAL: signal, EVALUATION: truth},
        signal=SIGNAL.name,
        evaluation=EVALUATION.name,
        source={"generated": "perf/exploration.py", "seed": seed},
        licence="generated, none",
    )


def failures_of(runs: pl.DataFrame) -> pl.DataFrame:
    """How many runs of each variant end worse than random search's median, by kind of table."""
    kind = pl.col("table").str.strip_prefix("adversarial-").str.replace(r"-\d+$", "").alias("kind")
    rows = []
    for (name, variant), own in runs.group_by(kind, "variant", maintain_order=True):
        behind = int((own["best"] > own["median"] + 1e-7).sum())
        low, high = share_interval(behind, len(own))
        label = {"kind": name, "variant": variant, "runs": len(own), "behind": behind}
        rows.append({**label, "share": behind / len(own), "low": low, "high": high})
    return pl.DataFrame(rows)


def tune(folder: Path) -> None:
    """Every variant on both kinds of trap and on two tables."""
    path = folder / "tuning.csv"
    named = [f"adversarial-{kind}-{seed}" for kind in ("all-convolutions", "deceptive") for seed in TRAP_SEEDS]
    traps = [*map(open_benchmark, named), *(exchanged(seed, folder) for seed in TRAP_SEEDS)]
    make_missing(path, VARIANTS, traps, RUNS_A_TRAP)
    make_missing(path, VARIANTS, map(open_benchmark, TUNED), TUNING_SEEDS)
    order = {name: place for place, name in enumerate(VARIANTS)}
    runs = pl.read_csv(path, infer_schema_length=None).sort(pl.col("variant").replace_strict(order), "table", "seed")
    write_table(HERE / path.name, runs)
    write_table(HERE / "tuning-failures.csv", failures_of(runs.filter(~pl.col("table").is_in(TUNED))))
    rows = []
    for (table, variant), own in runs.filter(pl.col("table").is_in(TUNED)).group_by(
        "table", "variant", maintain_order=True
    ):
        paired = own.join(runs.filter(variant="default"), on=["table", "seed"], suffix="_default")
        for quantity in ("regret", "best"):
            found = paired_difference(*(paired[name].to_numpy() for name in (quantity, f"{quantity}_default")))
            rows.append({"table": table, "variant": variant, "quantity": quantity} | vars(found))
    write_table(HERE / "tuning-cost.csv", pl.DataFrame(rows))


def add_generated(study: RobustnessStudy, folder: Path) -> None:
    """Runs of a method beside the committed ones of others, in their tables and their manifest."""
    run_robustness_study(study, folder)
    methods = [str(method) for method in study.methods]
    kept = pl.read_csv(HERE / RUNS).filter(~pl.col("method").is_in(methods))
    runs = pl.concat([kept, pl.read_csv(folder / RUNS)])
    write_table(HERE / RUNS, runs)
    write_table(HERE / FAILURES, failure_table(runs))
    manifest = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    facts = {name: fact for name, fact in manifest.items() if name not in ("kind", "sha256")}
    facts["methods"] |= {method: list(study.seeds) for method in methods}
    before, now = facts["made_with"], surroundings()
    others = [made for made in (before if isinstance(before, list) else [before]) if made["commit"] != now["commit"]]
    facts["made_with"] = [*others, now]
    write_manifest(HERE, KIND, facts)


def confirm_on_generated(folder: Path) -> None:
    """The frozen method on the tables and with the seeds of the committed runs."""
    add_generated(GENERATED, folder / "generated")
    strategies = {DEFAULT: BASE, FROZEN: get_strategy(FROZEN, get_preset("quick"))}
    made = [exchanged(seed, folder) for seed in EXCHANGED_SEEDS]
    make_missing(folder / "exchanged.csv", strategies, made, RUNS_A_TRAP)
    found = pl.read_csv(folder / "exchanged.csv")
    write_table(HERE / "exchanged.csv", found)
    write_table(HERE / "exchanged-failures.csv", failures_of(found))


def both(table: str, folder: Path, study: str, budget: int, seeds: int) -> tuple[Benchmark, pl.DataFrame]:
    """A table, and what the frozen method evaluates on it beside `bayesian-optimisation` in a committed study."""
    opened = open_study(Study(table, (FROZEN,), budget, tuple(range(seeds))))
    place = folder / f"{table}-{budget}"
    advance_study(opened, place, Execution())
    committed = pl.read_parquet(RESULTS / study / "history.parquet").filter(pl.col("order") < budget, method=DEFAULT)
    return opened.benchmark, pl.concat([committed, collected(opened, place)[0]], how="diagonal_relaxed")


def ends_of(benchmark: Benchmark, history: pl.DataFrame) -> pl.DataFrame:
    """Regret and final error of each run, by trace."""
    curves = incumbent_curves(history, benchmark.quantities)
    errors = [benchmark.costs(column) for column in (benchmark.signal, benchmark.evaluation)]
    regrets = anytime_regret(curves, oracle_errors(*errors)).filter(pl.col("trace").is_in(TRACES))
    last = curves.filter(pl.col("evaluations") == pl.col("evaluations").max())
    ends = last.unpivot(TRACES, index=["method", "seed"], variable_name="trace")
    joined = regrets.join(ends, on=["method", "seed", "trace"], maintain_order="left")
    named = joined.with_columns(table=pl.lit(benchmark.name))
    return named.select("table", "evaluations", "method", "seed", "trace", "regret", final="value")


def gains_of(benchmark: Benchmark, history: pl.DataFrame, one: str = FROZEN, other: str = DEFAULT) -> pl.DataFrame:
    """The gain of a method over random search less that of another, dB, paired by seed."""
    errors = benchmark.costs(benchmark.signal)
    errors = errors[np.isfinite(errors)]
    claims = (Claim(one, "not worse", other, about=("gain",)),)
    found = ordering_table(history, errors, named_errors(errors), claims=claims)
    return found.select(
        pl.lit(benchmark.name).alias("table"),
        "evaluations",
        pl.col("of").alias("target"),
        "difference",
        "low",
        "high",
        "pairs",
        "nonzero",
    )


def differences(runs: pl.DataFrame) -> pl.DataFrame:
    """The frozen method less the default, paired by seed."""
    rows = []
    for (table, evaluations, trace), own in runs.group_by("table", "evaluations", "trace", maintain_order=True):
        for quantity in ("regret", "final"):
            new, old = (own.filter(method=name).sort("seed")[quantity].to_numpy() for name in (FROZEN, DEFAULT))
            label = {"table": table, "evaluations": evaluations, "trace": trace, "quantity": quantity}
            rows.append(label | vars(paired_difference(new, old)))
    return pl.DataFrame(rows)


def confirm(folder: Path) -> None:
    """Everything that was not tuned on."""
    confirm_on_generated(folder)
    found = [both(table, folder, study, budget, seeds) for table, study, budget, seeds in CONFIRMED]
    runs = pl.concat(ends_of(*each) for each in found)
    write_table(HERE / "cost-runs.csv", runs)
    write_table(HERE / "cost-gain.csv", pl.concat(gains_of(*each) for each in found))
    write_table(HERE / "cost.csv", differences(runs))


if __name__ == "__main__":
    {"tuning": tune, "confirming": confirm}[sys.argv[1]](Path(sys.argv[2]))
