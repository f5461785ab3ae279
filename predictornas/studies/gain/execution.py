"""Runs a study into its folder and writes what people look at: tables and figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from predictornas.benchmarks.table import Benchmark
from predictornas.search.executors import Advance, run_tasks
from predictornas.studies.gain.manifest import claim
from predictornas.studies.gain.report import Report, report_on, write_report
from predictornas.studies.gain.run_tables import consolidate
from predictornas.studies.gain.runs import Run, execute
from predictornas.studies.gain.study import Study
from predictornas.studies.gain.study_targets import study_targets


@dataclass(frozen=True)
class Outcome:
    """A finished study."""

    folder: Path
    history: pl.DataFrame
    report: Report


def run_study(
    study: Study,
    folder: Path,
    *,
    workers: int = 1,
    started: Callable[[int], Advance] = lambda _: lambda __: None,
) -> Outcome:
    """Runs what is missing of a study and writes all its outputs.

    A folder that already holds this study is extended: its other methods and seeds stay and are finished too.

    Args:
        study: what to run.
        folder: where everything goes; created when missing.
        workers: processes; the results do not depend on it.
        started: told the number of evaluations of the whole study, gives back what is told about progress.

    Raises:
        ConfigurationError: the folder holds another study.
        StoreError: the folder cannot be written.
    """
    history, pools = finish_runs(study, folder, workers=workers, started=started)
    benchmark = study.open()
    report = report_on(history, pools, benchmark, _targets(benchmark))
    write_report(folder, report)
    return Outcome(folder, history, report)


def finish_runs(
    study: Study,
    folder: Path,
    *,
    workers: int = 1,
    started: Callable[[int], Advance] = lambda _: lambda __: None,
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Runs what is missing of a study and of what its folder holds, without reporting on it.

    Args:
        study: as in `run_study`.
        folder: as in `run_study`.
        workers: as in `run_study`.
        started: as in `run_study`.

    Returns:
        History and pools of all runs in the folder, also written there.

    Raises:
        ConfigurationError: the folder holds another study.
        StoreError: the folder cannot be written.
    """
    benchmark = study.open()
    manifest = claim(folder, study, benchmark)
    runs = [
        Run(study, method, seed, folder) for method, entry in manifest["methods"].items() for seed in entry["seeds"]
    ]
    runs.sort(key=lambda run: run.seed)  # whole seeds first, so that an early look compares methods
    per_run = study.budget_epochs or min(study.limits.evaluations or 0, len(benchmark.space))
    run_tasks(execute, runs, workers=workers, advance=started(per_run * len(runs)))
    return consolidate(folder, manifest, study, benchmark, _targets(benchmark)["target_error"].to_list())


def _targets(benchmark: Benchmark) -> pl.DataFrame:
    errors = benchmark.errors(benchmark.signal)
    return study_targets(errors[np.isfinite(errors)])
