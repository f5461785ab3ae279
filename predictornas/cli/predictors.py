"""The verb that compares predictors by how well they rank a table: predictors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from predictornas.cli.console import Json, progress_bar, say_where, show_json, show_rows, shown_in_browser
from predictornas.cli.listing import predictors_help
from predictornas.cli.options import Address, ExecutorName, Formats, Open, Part, Style, Where, Workers, pictures_as
from predictornas.counting import counted

if TYPE_CHECKING:
    import polars as pl

    from predictornas.quantity import Quantity
    from predictornas.studies.predictor_study import PredictorStudy


def predictors(
    *,
    benchmark: str = "nasbench201-cifar10",
    names: Annotated[str, Parameter(help=predictors_help())] = "gp,gcn,rnn",
    sizes: str = "78,156",
    draws: int = 5,
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

    Kendall's tau, the share of the best 1 % that the predictor finds, the regret of its top pick, and the seconds
    of fitting and of scoring. Every predictor sees the same draws. The same command again resumes.

    Parameters
    ----------
    benchmark
        A table's name: see `predictornas data list`.
    sizes
        Numbers of training architectures, separated by commas.
    draws
        Training sets of each size.
    train_on
        Column to learn; the table's signal by default.
    judge_on
        Column to be judged by; the same by default.
    judged
        Random others to be judged on; all by default, which takes minutes a fit for slow predictors.
    out
        Folder of the results; predictors-BENCHMARK by default.
    """
    from predictornas.studies.predictor_study import PredictorStudy, run_predictor_study

    study = PredictorStudy(
        benchmark=benchmark,
        predictors=tuple(name.strip() for name in names.split(",") if name.strip()),
        sizes=tuple(int(size) for size in sizes.split(",") if size.strip()),
        draws=draws,
        train_on=train_on,
        judge_on=judge_on,
        judged=judged,
    )
    folder = out or Path(f"predictors-{benchmark}")
    where, pictures = Where(workers, executor, address, part), pictures_as(format_, style)
    with progress_bar(f"{counted(len(study.predictors), 'predictor')}, {counted(draws, 'draw')}") as started:
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
    from predictornas.studies.predictor_study import OpenedPredictorStudy

    judge = OpenedPredictorStudy(study, open_benchmark(study.benchmark)).quantity
    title = f"Ranks of all others, mean over {counted(study.draws, 'draw')} [95 %]"
    show_rows(_printable(table, judge), title, as_json=False)
    say_where(folder)


def _printable(table: pl.DataFrame, judge: Quantity) -> list[dict[str, str]]:
    """One row for each predictor and size, tau and shares as people read them."""
    scales = {"tau": ("tau", 1.0, 3), "hits": ("top 1 % found, %", 100.0, 1), "regret": ("top pick's regret", 100.0, 2)}
    scales |= {"fit_seconds": ("fit, s", 1.0, 2), "predict_seconds": ("score all, s", 1.0, 2)}
    if not judge.percent:
        scales["regret"] = (judge.with_unit("top pick's regret"), 1.0, 4)
    rows: dict[tuple[str, int], dict[str, str]] = {}
    for row in table.sort("size", maintain_order=True).to_dicts():
        shown = rows.setdefault(
            (row["predictor"], row["size"]), {"predictor": row["predictor"], "trained on": f"{row['size']:,}"}
        )
        label, scale, digits = scales[row["quantity"]]
        shown[label] = f"{scale * row['mean']:.{digits}f}"
        if row["quantity"] == "tau" and row["low"] is not None:
            shown[label] += f" [{row['low']:.{digits}f}, {row['high']:.{digits}f}]"
    return list(rows.values())
