"""The verbs that run studies and set their results side by side: gain, search, compare."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from predictornas.cli.console import Json, progress_bar, remark, say, say_where, show_json, show_rows, shown_in_browser
from predictornas.cli.listing import methods_help
from predictornas.cli.objectives import METHODS as OBJECTIVE_METHODS
from predictornas.cli.objectives import (
    Asked,
    Known,
    Limits,
    Objectives,
    gain_of_objectives,
    named,
    search_of_objectives,
)
from predictornas.cli.options import (
    Address,
    Board,
    ExecutorName,
    Formats,
    Log,
    Open,
    Part,
    Seeds,
    Style,
    Where,
    Workers,
    observers_of,
    parsed_seeds,
    pictures_as,
)
from predictornas.cli.predicted import show_predicted
from predictornas.counting import counted
from predictornas.files import writing_file

if TYPE_CHECKING:
    import polars as pl

    from predictornas.benchmarks.table import Benchmark
    from predictornas.studies.gain.epoch_report import EpochReport
    from predictornas.studies.gain.execution import Outcome
    from predictornas.studies.gain.study import Study
    from predictornas.studies.pictures import Pictures

BENCHMARK = "nasbench201-cifar10"
"""Table of a study where none is given: accuracies of whole trainings, no download."""

LEARNING_CURVES = "nasbench101-digits"
"""The same where epochs are counted: it comes with the package and has learning curves."""

BEST = "climbing-bayesian-optimisation"
"""What `search` runs where nothing else is asked for; why stands in `docs/results/search.md`."""

OTHERWISE = "bayesian-optimisation"
"""The same with a prior, which only that process learns from, and for several objectives."""

BY_DEFAULT = f"By default {BEST}; with --prior, --objectives or --limit {OTHERWISE}."

DEFAULT_METHODS = "random,uniform-1000,bayesian-optimisation"

EVALUATIONS = 100
"""Budget of a run where none is given."""

BREAKS = ("dB at", "epochs saved", "best", "worse")
"""Columns of a summary before which it is divided where it is too wide for the terminal."""

FULL_TRAININGS = 30
"""Trainings whose epochs are the budget of a search with a scheduler where none is given."""


def gain(
    *,
    benchmark: str | None = None,
    methods: Annotated[str, Parameter(help=f"Commas between: {methods_help()}")] = DEFAULT_METHODS,
    budget: int | None = None,
    budget_epochs: int | None = None,
    budget_seconds: float | None = None,
    seeds: Seeds = "20",
    objectives: Objectives = None,
    limit: Limits = None,
    known: Known = None,
    signal: str | None = None,
    evaluation: str | None = None,
    preset: str = "quick",
    engine: str = "indexed",
    warm_start: bool = False,
    workers: Workers = 0,
    executor: ExecutorName = None,
    address: Address = None,
    part: Part = None,
    out: Path | None = None,
    log: Log = None,
    tensorboard: Board = None,
    format_: Formats = None,
    style: Style = "screen",
    open_report: Open = False,
    predict: Annotated[bool, Parameter(negative="")] = False,
    pilot: Path | None = None,
    json: Json = False,
) -> None:
    """Compare search methods: how many fewer trainings than random search, in dB.

    Example: predictornas gain --benchmark nasbench101 --methods random,uniform-100,exhaustive --budget 150

    With --objectives, several at once: predictornas gain --objectives error,latency

    What schedulers will save, in seconds: predictornas gain --methods rank-nosh-50,nosh-30 --predict

    Writes report.html, tables, figures and manifest.json. The same command resumes; more seeds or methods, or a larger
    budget, extend what is there. Several commands may be at one folder.

    Parameters
    ----------
    benchmark
        A table's name: see `predictornas data list`; by default nasbench201-cifar10, or with --budget-epochs
        nasbench101-digits, which has learning curves.
    budget
        Evaluations of each run, the random initial set included; 100 by default.
    budget_epochs
        Epochs that each run trains, instead: quality against epochs, and what a scheduler saves.
    budget_seconds
        Seconds of training, by the table, that each run spends, instead.
    signal
        Column that drives the search.
    evaluation
        Column that judges it; no training run of the signal, or the signal itself where there is nothing else.
    preset
        quick (100 training epochs an iteration), default (500) or paper (K = 4, 2000).
    engine
        indexed, or the plain and slow reference dense: the same weights, up to float error.
    warm_start
        Begin each fit of a predictor with the weights of the iteration before.
    out
        Folder of the results; gain-BENCHMARK by default.
    predict
        Run nothing: print what methods with a scheduler will save, from how the levels of the table agree.
    pilot
        The same without a table, from learning curves of about 30 random architectures: a CSV or parquet file with a
        row for each and a column for each level, named by its epochs; higher is better.
    """
    from predictornas.studies.gain.study import Study

    foretold = predict or pilot is not None
    benchmark = benchmark or _default_benchmark(counts_epochs=foretold or budget_epochs is not None)
    folder, told = out or Path(f"gain-{benchmark}"), observers_of(log, tensorboard)
    where = Where(workers, executor, address, part, told)
    pictures = pictures_as(format_, style)
    asked = Asked(objectives, limit, known)
    if asked:
        several = asked.study(
            refused={
                "--budget-epochs": budget_epochs is not None,
                "--budget-seconds": budget_seconds is not None,
                "--preset": preset != "quick",
                "--engine": engine != "indexed",
                "--warm-start": warm_start,
                "--predict": foretold,
            },
            benchmark=benchmark,
            methods=named(OBJECTIVE_METHODS if methods == DEFAULT_METHODS else methods),
            budget=budget,
            seeds=parsed_seeds(seeds),
            signal=signal,
            evaluation=evaluation,
        )
        gain_of_objectives(several, folder, where, pictures, json=json, open_report=open_report)
        return
    study = Study(
        benchmark=benchmark,
        methods=named(methods),
        budget=_evaluations(budget, budget_epochs, budget_seconds),
        seeds=parsed_seeds(seeds),
        signal=signal,
        evaluation=evaluation,
        preset=preset,
        engine=engine,  # type: ignore[arg-type]  # the study checks it
        warm_start=warm_start,
        budget_epochs=budget_epochs,
        budget_seconds=budget_seconds,
    )
    if foretold:
        show_predicted(study, pilot, json=json)
        return
    if where.share is None:
        ran = _run(study, folder, where, pictures)
        show_study(ran, folder, ran.json if json else None)
        shown_in_browser(folder, wanted=open_report)
    else:
        _run_share(study, folder, where, as_json=json)


def search(
    *,
    benchmark: str | None = None,
    method: Annotated[str | None, Parameter(help=f"{methods_help()} {BY_DEFAULT}")] = None,
    budget: int | None = None,
    budget_epochs: int | None = None,
    seed: int = 0,
    objectives: Objectives = None,
    limit: Limits = None,
    known: Known = None,
    signal: str | None = None,
    evaluation: str | None = None,
    trials: Path | None = None,
    trials_value: str = "value",
    prior: Path | None = None,
    prior_value: str = "value",
    preset: str = "default",
    out: Path | None = None,
    log: Log = None,
    tensorboard: Board = None,
    format_: Formats = None,
    style: Style = "screen",
    open_report: Open = False,
    json: Json = False,
) -> None:
    """Run one search, with the same outputs as `gain`, and name the architecture that it recommends.

    Example: predictornas search --benchmark nasbench201-cifar100 --seed 3 --out my-search

    Within limits: predictornas search --limit 'parameters<5e5'

    Knowing others' trials: predictornas search --trials colleague.csv --prior cifar100.csv

    Parameters
    ----------
    benchmark
        A table's name: see `predictornas data list`; by default nasbench201-cifar10, or for methods with a scheduler
        nasbench101-digits, which has learning curves.
    budget
        Evaluations, the random initial set included; 100 by default.
    budget_epochs
        Epochs that are trained, instead; those of 30 full trainings by default for methods with a scheduler.
    seed
        Seed of the run.
    signal
        Column that drives the search.
    evaluation
        Column that judges it.
    trials
        Parquet or CSV file of trials of the same objective: columns `architecture` and `value`, maybe `epochs`. They
        stand for as many of the initial set and do not count to the budget; one of them may be recommended.
    trials_value
        Its column of values: the signal, higher is better.
    prior
        The same of another data set, or of scores without training: only ranks within the file count.
    prior_value
        Its column of values, higher is better.
    preset
        quick, default or paper.
    out
        Folder of the results; search-BENCHMARK by default.
    """
    from predictornas.oracles.tabular import TabularOracle
    from predictornas.search.scheduled import Scheduled
    from predictornas.studies.gain.informed import Files, recommended_of
    from predictornas.studies.gain.opened import open_study
    from predictornas.studies.gain.study import Study

    asked, pictures = Asked(objectives, limit, known), pictures_as(format_, style)
    files = Files(trials, trials_value, prior, prior_value)
    where = Where(workers=1, observers=observers_of(log, tensorboard))
    if asked:
        benchmark = benchmark or BENCHMARK
        several = asked.study(
            refused={
                "--budget-epochs": budget_epochs is not None,
                "--preset": preset != "default",
                "--trials": trials is not None,
                "--prior": prior is not None,
            },
            benchmark=benchmark,
            methods=(method or OTHERWISE,),
            budget=budget,
            seeds=(seed,),
            signal=signal,
            evaluation=evaluation,
        )
        folder = out or Path(f"search-{benchmark}")
        search_of_objectives(several, folder, where, pictures, json=json, open_report=open_report)
        return
    method = method or (OTHERWISE if prior is not None else BEST)
    on_curves = Study(LEARNING_CURVES, (method,), EVALUATIONS, (seed,), preset=preset)
    scheduled = isinstance(on_curves.configured(method), Scheduled)
    benchmark = benchmark or _default_benchmark(counts_epochs=scheduled or budget_epochs is not None)
    study = replace(on_curves, benchmark=benchmark, signal=signal, evaluation=evaluation)
    if budget is None and budget_epochs is None and scheduled:
        budget_epochs = FULL_TRAININGS * TabularOracle(study.open()).levels[-1]
    study = replace(study, budget=_evaluations(budget, budget_epochs), budget_epochs=budget_epochs)
    if files:
        study, told = files.informed(study)
        for line in told:
            remark(line)
    folder = out or Path(f"search-{benchmark}")
    ran, opened = _run(study, folder, where, pictures), open_study(study)
    genes = recommended_of(opened, ran.history)
    notation = opened.benchmark.space.describe(genes)
    with writing_file(folder / "recommended.txt") as temporary:
        temporary.write_text(notation + "\n", encoding="utf-8")
    found = {"genes": genes.tolist(), "notation": notation}
    rows = [row | ({"recommended": found} if row["method"] == study.method_names[0] else {}) for row in ran.json]
    show_study(ran, folder, rows if json else None, recommended=notation)
    shown_in_browser(folder, wanted=open_report)


def compare(
    *folders: Path,
    against: str | None = None,
    pairs: bool = False,
    out: Path | None = None,
    format_: Formats = None,
    style: Style = "screen",
    open_report: Open = False,
    json: Json = False,
) -> None:
    """Compare the runs of several result folders: errors, anytime regret, paired differences, average ranks.

    Example: predictornas compare gain-quick gain-paper --out comparison

    With our runs, without running them again: predictornas compare gain-mine --against published

    Errors are compared within a table, over shared seeds. Ranks are averaged over the tables, or over the seeds where
    all folders are of one table.

    Parameters
    ----------
    folders
        Folders that `gain` or `search` wrote, of one table or several.
    against
        "published" compares with the runs that come with the package, or the name of one of their studies.
    pairs
        Show every pair of methods instead of each next to the best.
    out
        Folder for report.html, errors.csv, regret.csv, pairs.csv, ranks.csv and their diagram.
    """
    from predictornas.studies.comparison import compare_folders
    from predictornas.studies.comparison_report import json_comparison, printable_comparison, write_comparison
    from predictornas.studies.published import compare_with_published

    pictures = pictures_as(format_, style)
    comparison = compare_folders(folders) if against is None else compare_with_published(folders, against)
    for note in comparison.notes:
        remark(note)
    if out is not None:
        write_comparison(out, comparison, pictures)
        shown_in_browser(out, wanted=open_report)
    if json:
        show_json(json_comparison(comparison))
        return
    for title, rows in printable_comparison(comparison, every_pair=pairs):
        show_rows(rows, title, as_json=False)
    if out is not None:
        say_where(out)


def _default_benchmark(*, counts_epochs: bool) -> str:
    return LEARNING_CURVES if counts_epochs else BENCHMARK


def _evaluations(budget: int | None, *others: int | float | None) -> int | None:
    """The limit on evaluations: none where epochs or seconds are limited and nothing else was asked for."""
    return EVALUATIONS if budget is None and all(limit is None for limit in others) else budget


@dataclass(frozen=True)
class Ran:
    """What a study says: history, title, the summary for people and for programs, runs at work, and its table."""

    history: pl.DataFrame
    title: str
    rows: list[dict[str, str]]
    json: list[dict[str, Any]]
    missing: int
    benchmark: Benchmark


def _run(study: Study, folder: Path, where: Where, pictures: Pictures) -> Ran:
    """Runs a study under a progress bar."""
    from predictornas.studies.gain.execution import run_epoch_study, run_study

    executor, benchmark = where.get_executor(), study.open()
    run = run_study if study.budget_epochs is None else run_epoch_study
    with progress_bar(f"{counted(len(study.methods), 'method')}, {counted(len(study.seeds), 'seed')}") as started:
        outcome = run(study, folder, executor=executor, started=started, observers=where.observers, pictures=pictures)
    return what_ran(outcome, benchmark)


def what_ran(outcome: Outcome | tuple[pl.DataFrame, EpochReport, int], benchmark: Benchmark) -> Ran:
    """What a study says, for people and for programs."""
    from predictornas.studies.gain.epoch_report import json_epochs, printable_epochs
    from predictornas.studies.gain.report import json_rows, printable

    if isinstance(outcome, tuple):
        history, report, missing = outcome
        rows, programs = printable_epochs(report), json_epochs(report, shares_noise=benchmark.shares_noise)
        return Ran(history, report.title, rows, programs, missing, benchmark)
    found = outcome.report
    rows = printable(found.told, found.quantities)
    programs = json_rows(found.told, found.quantities, shares_noise=benchmark.shares_noise)
    return Ran(outcome.history, found.title, rows, programs, outcome.missing, benchmark)


def show_study(ran: Ran, folder: Path, json: list[dict[str, Any]] | None, *, recommended: str = "") -> None:
    """Prints the summary of a study and what it recommends, for programs where they have rows of their own."""
    from predictornas.report.cautions import shared_noise

    if json is None:
        show_rows(ran.rows, ran.title, as_json=False, breaks=BREAKS)
        if ran.benchmark.shares_noise:
            say(shared_noise(ran.benchmark.signal, ran.benchmark.evaluation))
        if recommended:
            say(f"Recommended: {recommended}")
        say_where(folder)
    else:
        show_json(json)
    if ran.missing:
        remark(
            f"Other commands are at {counted(ran.missing, 'more run')} of {folder}; "
            "the same command shows them when done."
        )


def _run_share(study: Study, folder: Path, where: Where, *, as_json: bool) -> None:
    """Runs a part of what is missing of a study; what there is to see is for whoever collects the parts."""
    from predictornas.studies.gain.execution import advance_study
    from predictornas.studies.gain.opened import open_study

    with progress_bar(f"part {where.part}") as started:
        missing = advance_study(open_study(study), folder, where.execution(started))
    if as_json:
        show_json({"part": where.part, "missing": missing, "folder": str(folder)})
    remark(
        f"Part {where.part} of {folder} is done; missing, of other parts: {counted(missing, 'run')}. "
        "The same command without --part collects all of them."
    )
