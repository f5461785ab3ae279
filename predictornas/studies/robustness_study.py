"""How often searches fail on tables that are made to trap them: the share of runs worse than random search's median."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from predictornas.analysis.comparability import SAME
from predictornas.analysis.regret import incumbent_curves
from predictornas.analysis.robustness import TRACES, random_median
from predictornas.analysis.statistics import share_interval
from predictornas.benchmarks.adversarial import TRAPS, VERSION, adversarial_table
from predictornas.plain_help import PlainHelp
from predictornas.search.named import Named
from predictornas.studies.folder import take, write_manifest
from predictornas.studies.gain.execution import advance_study, collected
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.study import Study
from predictornas.studies.provenance import surroundings
from predictornas.studies.tasks import Execution
from predictornas.studies.tidy_tables import write_table

KIND = "robustness"

RUNS, FAILURES = "runs.csv", "failures.csv"


@dataclass(frozen=True)
class RobustnessStudy(metaclass=PlainHelp):
    """Methods on generated tables.

    Example:
        >>> from predictornas.studies.robustness_study import RobustnessStudy
        >>> RobustnessStudy(kinds=("plateau",), tables=(0, 7)).names
        ('adversarial-plateau', 'adversarial-plateau-7')

    Attributes:
        methods: by name, or as `Named` strategies of your own.
        kinds: of tables, keys of `predictornas.benchmarks.adversarial.TRAPS`.
        tables: seeds of the tables of each kind.
        seeds: of the runs on each table.
        budget: evaluations of each run.
        preset: fills in what a method's name leaves open.
    """

    methods: tuple[str | Named, ...] = ("random", "local-search", "regularised-evolution", "bayesian-optimisation")
    kinds: tuple[str, ...] = tuple(TRAPS)
    tables: tuple[int, ...] = (0, 1, 2, 3)
    seeds: tuple[int, ...] = (0, 1, 2, 3, 4)
    budget: int = 100
    preset: str = "quick"

    @property
    def names(self) -> tuple[str, ...]:
        """The tables, as `predictornas gain --benchmark` takes them."""
        return tuple(
            f"adversarial-{kind}" + (f"-{seed}" if seed else "") for kind in self.kinds for seed in self.tables
        )


def run_robustness_study(study: RobustnessStudy, folder: Path, execution: Execution | None = None) -> pl.DataFrame:
    """Makes what is missing of a study and writes `runs.csv`, `failures.csv` and the manifest.

    Each table has a folder of runs as `gain` makes them, so an interrupted study continues, and a later one may add
    methods, tables and seeds.

    Args:
        study: what to run.
        folder: where everything goes.
        execution: where runs are made. Serial by default.

    Returns:
        As `failure_table`.

    Raises:
        UnknownNameError: no such method or kind.
        ConfigurationError: the folder holds another kind of result, or runs of another budget or preset.
        StoreError: the folder or the store cannot be written.
    """
    take(folder, KIND)
    parts, tables = [], {}
    for kind in study.kinds:
        for seed in study.tables:
            name = adversarial_table(kind, seed).name
            tables[name] = {"kind": kind, "seed": seed}
            opened = open_study(Study(name, study.methods, study.budget, study.seeds, preset=study.preset))
            place = folder / "tables" / name
            advance_study(opened, place, execution or Execution())
            history, _ = collected(opened, place)
            parts.append(_ends(history, kind, seed, name))
    runs = pl.concat(parts, how="diagonal")
    write_table(folder / RUNS, runs)
    failures = failure_table(runs)
    write_table(folder / FAILURES, failures)
    seeds = runs.group_by("method", maintain_order=True).agg(pl.col("seed").unique().sort())
    asked = {"budget": study.budget, "preset": study.preset, "tables": tables, "generated": VERSION}
    made = {"study": asked, "methods": dict(seeds.iter_rows()), "made_with": surroundings()}
    write_manifest(folder, KIND, made)
    return failures


def failure_table(runs: pl.DataFrame) -> pl.DataFrame:
    """How many runs of each method end worse than random search's median, by kind of table and over all kinds.

    Args:
        runs: one a run: `kind`, `method`, and for each of `analysis.robustness.TRACES` its cost and `TRACE_median`.

    Returns:
        `kind` ("all" for all of them), `method`, `trace`, `runs`, `behind`, `share`, `low`, `high` (exact binomial,
        95 %: of runs on these tables, taken as independent).
    """
    rows = []
    everywhere = pl.concat([runs, runs.with_columns(kind=pl.lit("all"))])
    for (kind, method), own in everywhere.group_by("kind", "method", maintain_order=True):
        for trace in TRACES:
            if own[trace].null_count():
                continue
            behind = int((own[trace] > own[f"{trace}_median"] + SAME).sum())
            low, high = share_interval(behind, len(own))
            rows.append(
                {
                    "kind": kind,
                    "method": method,
                    "trace": trace,
                    "runs": len(own),
                    "behind": behind,
                    "share": behind / len(own),
                    "low": low,
                    "high": high,
                }
            )
    return pl.DataFrame(rows)


def _ends(history: pl.DataFrame, kind: str, table_seed: int, name: str) -> pl.DataFrame:
    """What every run of one table ended with, and what random search has in half of its runs."""
    table = adversarial_table(kind, table_seed)
    signal, evaluation = table.costs(table.signal), table.costs(table.evaluation)
    curves = incumbent_curves(history)
    last = curves.group_by("method", "seed", "run_id", maintain_order=True).last()
    count = int(last["evaluations"].min())  # type: ignore[arg-type]
    ends = curves.filter(evaluations=count)
    medians = {trace: random_median(signal, evaluation, count, chosen=trace != "best") for trace in TRACES}
    # what a method without an opinion of its own recommends is what it chose
    recommended = pl.col("recommended").fill_null(pl.col("chosen"))
    return ends.select(
        pl.lit(kind).alias("kind"),
        pl.lit(table_seed).alias("table_seed"),
        pl.lit(name).alias("table"),
        "method",
        "seed",
        "evaluations",
        "best",
        "chosen",
        recommended,
        *(pl.lit(median).alias(f"{trace}_median") for trace, median in medians.items()),
    )
