"""The command line: verbs only. Everything heavy is imported inside a verb, so that `--help` stays fast."""

from __future__ import annotations

import json as json_module
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from predictornas.errors import PredictorNASError

if TYPE_CHECKING:
    import polars as pl
    from rich.console import JustifyMethod

    from predictornas.experiments.study import Study

DEFAULT_METHODS = "random,uniform-100,uniform-1000,exhaustive"

app = App(
    name="predictornas",
    help="Predictor-based neural architecture search on tabular benchmarks, and its gain over random search in dB.",
    help_format="plaintext",
    version_flags=["--version"],
    version=lambda: _version(),
)
data = App(name="data", help="Tables: list them, look at one, import a file, download, verify.")
app.command(data)

Json = Annotated[bool, Parameter(name="--json", negative="", help="Print JSON instead of a table.")]


@app.command
def gain(
    *,
    benchmark: str = "nasbench201-cifar10",
    methods: str = DEFAULT_METHODS,
    budget: int = 100,
    seeds: int = 20,
    signal: str | None = None,
    evaluation: str | None = None,
    preset: str = "quick",
    engine: str = "indexed",
    warm_start: bool = False,
    workers: int = 0,
    out: Path | None = None,
    json: Json = False,
) -> None:
    """Compare search methods: how many fewer trainings than random search, in dB.

    Example: predictornas gain --benchmark nasbench101 --methods random,uniform-100,exhaustive --budget 150

    Writes history.parquet, pools.parquet, gain.csv, convergence.csv, the figures and manifest.json. The same command
    again resumes: finished runs are not repeated; more seeds or methods extend what is there.

    Parameters
    ----------
    benchmark
        A table's name: see `predictornas data list`.
    methods
        Names with commas between: random, exhaustive, uniform-N, evolutionary-N (N = size of the ranked pool).
    budget
        Evaluations of each run, the random initial set included.
    seeds
        Runs of each method.
    signal
        Column that drives the search.
    evaluation
        Column that judges it; never the same training run as the signal.
    preset
        quick (100 training epochs an iteration), default (500) or paper (K = 4, 2000).
    engine
        indexed, or the plain and slow reference dense: the same weights, up to float error.
    warm_start
        Begin each fit of a predictor with the weights of the iteration before.
    workers
        Processes; 0 takes one for each core. Results do not depend on it.
    out
        Folder of the results; gain-BENCHMARK by default.
    """
    from predictornas.experiments.study import Study

    study = Study(
        benchmark=benchmark,
        methods=tuple(name.strip() for name in methods.split(",") if name.strip()),
        budget=budget,
        seeds=tuple(range(seeds)),
        signal=signal,
        evaluation=evaluation,
        preset=preset,
        engine=engine,  # type: ignore[arg-type]  # the study checks it
        warm_start=warm_start,
    )
    _run(study, out or Path(f"gain-{benchmark}"), workers, as_json=json)


@app.command
def search(
    *,
    benchmark: str = "nasbench201-cifar10",
    method: str = "uniform-1000",
    budget: int = 100,
    seed: int = 0,
    signal: str | None = None,
    evaluation: str | None = None,
    preset: str = "default",
    out: Path | None = None,
    json: Json = False,
) -> None:
    """Run one search, with the same outputs as `gain`.

    Example: predictornas search --method uniform-1000 --seed 3 --out my-search

    Parameters
    ----------
    benchmark
        A table's name: see `predictornas data list`.
    method
        random, exhaustive, uniform-N or evolutionary-N.
    budget
        Evaluations, the random initial set included.
    seed
        Seed of the run.
    signal
        Column that drives the search.
    evaluation
        Column that judges it.
    preset
        quick, default or paper.
    out
        Folder of the results; search-BENCHMARK by default.
    """
    from predictornas.experiments.study import Study

    study = Study(benchmark, (method,), budget, (seed,), signal, evaluation, preset)
    _run(study, out or Path(f"search-{benchmark}"), 1, as_json=json)


@app.command
def compare(*folders: Path, json: Json = False) -> None:
    """Compare the runs of several result folders of one benchmark.

    Example: predictornas compare gain-quick gain-paper

    Parameters
    ----------
    folders
        Folders that `gain` or `search` wrote.
    """
    from predictornas.experiments.comparison import compare_folders

    _show(compare_folders(folders), "Final errors, % (mean over seeds, 95 % interval)", as_json=json)


@data.command(name="list")
def list_tables(*, json: Json = False) -> None:
    """List the tables that can be searched.

    Example: predictornas data list
    """
    from dataclasses import asdict

    from predictornas.benchmarks.catalog import list_benchmarks

    rows = [asdict(listing) for listing in list_benchmarks()]
    shown = rows if json else [{name: row[name] for name in ("name", "state", "rows", "description")} for row in rows]
    _show_rows(shown, "Benchmarks", as_json=json)


@data.command
def info(name: str, *, json: Json = False) -> None:
    """Describe one table and its columns.

    Example: predictornas data info nasbench201-cifar10

    Parameters
    ----------
    name
        Name of the table.
    """
    from predictornas.benchmarks.catalog import open_benchmark

    benchmark = open_benchmark(name)
    rows = [
        {
            "column": column.name,
            "metric": column.metric,
            "split": column.split,
            "epochs": column.epochs,
            "run": column.run,
            "role": {benchmark.signal: "signal", benchmark.evaluation: "evaluation"}.get(column.name),
        }
        for column in benchmark.columns.values()
    ]
    _show_rows(rows, f"{name}: {len(benchmark):,} rows in {benchmark.folder}", as_json=json)


@data.command(name="import")
def import_file(
    name: str,
    file: Path,
    *,
    recipe: Path | None = None,
    join: Path | None = None,
    signal: str | None = None,
    evaluation: str | None = None,
) -> None:
    """Import a table from a file: official TFRecord, parquet or CSV.

    Example: predictornas data import nasbench101 nasbench_only108.tfrecord

    Parameters
    ----------
    name
        Name of the table: one of the catalog, or your own.
    file
        The file.
    recipe
        JSON file that says which columns hold what; not needed for the catalog's own tables.
    join
        A second file with the evaluation column, for tables that have none.
    signal
        Default signal column of the table.
    evaluation
        Default evaluation column of the table.
    """
    from predictornas.benchmarks.catalog import import_table

    with _progress(f"Importing {name}") as started:
        advance = None
        before = 0

        def progress(done: int, total: int) -> None:
            nonlocal advance, before
            advance = advance or started(total)
            advance(done - before)
            before = done

        benchmark = import_table(
            name, file, recipe=recipe, join=join, signal=signal, evaluation=evaluation, progress=progress
        )
    _console().print(
        f"{name}: {len(benchmark):,} rows in {benchmark.folder}\n"
        f"signal {benchmark.signal}, evaluation {benchmark.evaluation}"
    )


@data.command
def fetch(name: str, *, folder: Path | None = None) -> None:
    """Download an official file, going on where an earlier download stopped.

    Example: predictornas data fetch nasbench_only108

    Parameters
    ----------
    name
        nasbench_only108 (0.5 GB: 108 epochs) or nasbench_full (2 GB: 4, 12, 36 and 108 epochs).
    folder
        Where to put it; the cache folder by default.
    """
    from predictornas.benchmarks.download import fetch as download

    path = download(name, folder=folder)
    _console().print(f"{path}\nImport it: predictornas data import nasbench101 {path}")


@data.command
def verify(name: str) -> None:
    """Check the SHA-256 of every file of a table.

    Example: predictornas data verify nasbench101

    Parameters
    ----------
    name
        Name of the table.
    """
    from predictornas.benchmarks.catalog import open_benchmark

    benchmark = open_benchmark(name)
    benchmark.verify()
    _console().print(f"{name}: all {len(benchmark.manifest['files'])} files are as they were written.")


def main(arguments: list[str] | None = None) -> None:
    """Entry point. Exit codes: 0 done, 2 wrong input (the reason on standard error), 130 interrupted."""
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        _fail(str(error) + " See --help.")
    except PredictorNASError as error:
        _fail(str(error))
    except KeyboardInterrupt:
        Console(stderr=True).print("Stopped. The same command goes on from here.")
        sys.exit(130)


def _fail(message: str) -> None:
    Console(stderr=True, soft_wrap=True).print(f"Error: {message}", markup=False, highlight=False)
    sys.exit(2)


def _run(study: Study, folder: Path, workers: int, *, as_json: bool) -> None:
    import os

    from predictornas.experiments.execution import run_study
    from predictornas.experiments.report import printable

    if workers < 0:
        raise PredictorNASError(f"--workers must be 0 (one for each core) or more, not {workers}.")
    with _progress(f"{len(study.methods)} methods, {len(study.seeds)} seeds") as started:
        outcome = run_study(study, folder, workers=workers or len(os.sched_getaffinity(0)), started=started)
    if as_json:
        _show(outcome.report.summary, "", as_json=True)
    else:
        _show_rows(printable(outcome.report.summary), outcome.report.title, as_json=False)
        _console().print(f"Tables and figures: {folder}/", highlight=False)


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int], Callable[[int], None]]]:
    """Gives a function that takes the total, starts a bar on standard error and returns what advances it."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True)

    def started(total: int) -> Callable[[int], None]:
        bar.start()
        task = bar.add_task(label, total=total)
        return lambda count: bar.advance(task, count)

    try:
        yield started
    finally:
        if bar.live.is_started:
            bar.stop()


def _show(frame: pl.DataFrame, title: str, *, as_json: bool) -> None:
    _show_rows(frame.to_dicts(), title, as_json=as_json)


def _show_rows(rows: list[dict[str, Any]], title: str, *, as_json: bool) -> None:
    if as_json:
        print(json_module.dumps(rows, indent=2))
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold", box=SIMPLE_HEAD, pad_edge=False)
    for name in rows[0] if rows else []:
        justify: JustifyMethod = "right" if isinstance(rows[0][name], int | float) else "left"
        table.add_column(name, overflow="fold", justify=justify, no_wrap=not table.columns)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    _console().print(table)


def _console() -> Console:
    return Console(width=None if sys.stdout.isatty() else 120)


def _version() -> str:
    from predictornas import __version__

    return __version__
