"""The verb that compares predictors by how well they rank a table: predictors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from predictornas.captions import Quality, qualities
from predictornas.cli.console import Json, progress_bar, say_where, show_json, show_rows, shown_in_browser
from predictornas.cli.listing import predictors_help, protocols_help
from predictornas.cli.options import (
    Address,
    ExecutorName,
    Formats,
    Open,
    Part,
    Style,
    Where,
    Workers,
    pictures_as,
    whole_numbers,
)
from predictornas.counting import counted

if TYPE_CHECKING:
    import polars as pl

    from predictornas.quantity import Quantity
    from predictornas.studies.predictor_study import PredictorStudy

DRAWS = 5
"""Training sets of each size where neither their number nor a protocol is given."""

BREAKS = ("N@10", "fit")
"""Columns before which the table is divided where it is too wide for the terminal."""

_SECONDS = {
    "fit_seconds": Quality("fit", "", unit="s", digits=2),
    "predict_seconds": Quality("score all", "", unit="s", digits=2),
}


def predictors(
    *,
    benchmark: str = "nasbench201-cifar10",
    names: Annotated[str, Parameter(help=predictors_help())] = "gp,gcn,rnn",
    sizes: str = "78,156",
    draws: int | None = None,
    protocol: Annotated[str | None, Parameter(help=protocols_help())] = None,
    train_on: str | None = None,
    judge_on: str | None = None,
    judged: int | None = None,
    workers: Workers = 0,
    executor: ExecutorName = None,
    address: Address = None,
    part: Part = None,
    out: Path | None = None,
    format_: Formats = None,
    style: Style = "screen",
    open_report: Open = False,
    json: Json = False,
) -> None:
    """Train predictors on few architectures of a table and measure how well they rank all others.

    Example: predictornas predictors --benchmark nasbench101 --names gp,flow --sizes 100,424 --draws 10

    By a protocol of others: predictornas predictors --benchmark nasbench201-full-cifar10 --protocol pinat

    Kendall's tau, P@0.5 %, P@1 % and P@5 % (how much of the best the predictor finds), N@10 (the place of the best of
    its ten highest scores), the regret of its top pick, whether its uncertainty is right, what random scores would
    have, and the seconds of fitting and of scoring. Every predictor sees the same draws. The same command again
    resumes.

    Parameters
    ----------
    benchmark
        A table's name: see `predictornas data list`.
    sizes
        Numbers of training architectures, separated by commas.
    draws
        Training sets of each size; 5 by default, with a protocol its own.
    train_on
        Column to learn; the table's signal by default.
    judge_on
        Column to be judged by; the same by default.
    judged
        Random others to be judged on; all by default, which takes minutes a fit for slow predictors.
    out
        Folder of the results; predictors-BENCHMARK by default, predictors-BENCHMARK-PROTOCOL with a protocol.
    """
    from predictornas.benchmarks.catalog import open_benchmark
    from predictornas.studies.predictor_protocols import get_protocol
    from predictornas.studies.predictor_study import PredictorStudy, run_predictor_study

    study = PredictorStudy(
        benchmark=benchmark,
        predictors=tuple(name.strip() for name in names.split(",") if name.strip()),
        sizes=whole_numbers(sizes, "--sizes"),
        draws=DRAWS if draws is None else draws,
        train_on=train_on,
        judge_on=judge_on,
        judged=judged,
    )
    if protocol is not None:
        by_protocol = get_protocol(protocol).applied(study, open_benchmark(benchmark))
        study = by_protocol if draws is None else replace(by_protocol, draws=draws)
    folder = out or Path(f"predictors-{benchmark}" + (f"-{protocol}" if protocol else ""))
    where, pictures = Where(workers, executor, address, part), pictures_as(format_, style)
    with progress_bar(f"{counted(len(study.predictors), 'predictor')}, {counted(study.draws, 'draw')}") as started:
        table = run_predictor_study(study, folder, execution=where.execution(started), pictures=pictures)
    if json:
        show_json(json_predictors(table))
    else:
        show_predictors(table, study, folder)
    shown_in_browser(folder, wanted=open_report)


def json_predictors(table: pl.DataFrame) -> list[dict[str, Any]]:
    """The table of a study for programs."""
    return [row | {"quantity": row["quantity"].removesuffix("_seconds")} for row in table.to_dicts()]


def show_predictors(table: pl.DataFrame, study: PredictorStudy, folder: Path) -> None:
    """Prints the table of a study."""
    from predictornas.benchmarks.catalog import open_benchmark
    from predictornas.studies.predictor_study import OpenedPredictorStudy, judged_in_words

    judge = OpenedPredictorStudy(study, open_benchmark(study.benchmark)).quantity
    title = f"Ranks of {judged_in_words(study)}, mean over {counted(study.draws, 'draw')} [95 %]"
    show_rows(_printable(table, judge), title, as_json=False, breaks=BREAKS)
    say_where(folder)


def _printable(table: pl.DataFrame, judge: Quantity) -> list[dict[str, str]]:
    """One row for each predictor and size, tau and shares as people read them; last what random scores have."""
    read = qualities(judge) | _SECONDS
    known = [name for name in read if name in set(table["quantity"])]
    rows: dict[tuple[str, int], dict[str, str]] = {}
    chance: dict[tuple[str, int], dict[str, str]] = {}
    for row in table.sort("size", maintain_order=True).to_dicts():
        quality, size, name = read[row["quantity"]], row["size"], row["quantity"]
        shown = rows.setdefault((row["predictor"], size), _empty(row["predictor"], size, read, known))
        shown[_heading(name, quality)] = f"{quality.scale * row['mean']:,.{quality.digits}f}"
        if name == "tau" and row["low"] is not None:
            low, high = (f"{row[end]:.{quality.digits}f}" for end in ("low", "high"))
            shown[_heading(name, quality)] += f" [{low}, {high}]"
        if row.get("random") is not None:
            by_chance = chance.setdefault(("random scores", size), _empty("random scores", size, read, known))
            by_chance[_heading(name, quality)] = f"{quality.scale * row['random']:,.{quality.digits}f}"
    return [*rows.values(), *chance.values()]


def _empty(predictor: str, size: int, read: Mapping[str, Quality], known: Sequence[str]) -> dict[str, str]:
    """A row with nothing measured: a predictor without an uncertainty has no coverage."""
    return {"predictor": predictor, "trained on": f"{size:,}"} | {_heading(name, read[name]): "-" for name in known}


def _heading(name: str, quality: Quality) -> str:
    """In a table of the terminal, where every letter counts."""
    return {"tau": "tau", "regret": quality.heading.replace("regret of the top pick", "top pick's regret")}.get(
        name, quality.heading
    )
