"""The verb that makes tables, figures and reports of result folders anew."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from predictornas.cli.console import Json, remark, show_json, shown_in_browser
from predictornas.cli.objectives import show_objectives
from predictornas.cli.options import Formats, Open, Style, pictures_as
from predictornas.cli.predictors import json_predictors, show_predictors
from predictornas.cli.studies import show_study, what_ran
from predictornas.counting import counted
from predictornas.errors import ConfigurationError

if TYPE_CHECKING:
    from predictornas.studies.pictures import Pictures

Told = tuple[list[dict[str, Any]], int, Callable[[], None]]
"""The summary for programs, how many runs or fits are missing, and what prints the summary for people."""


def report(
    *folders: Path,
    format_: Formats = None,
    style: Style = "screen",
    open_report: Open = False,
    json: Json = False,
) -> None:
    """Write tables, figures and report.html of result folders anew, without running anything.

    Example: predictornas report gain-nasbench201-cifar10 --style paper --format pdf

    All settings come from the folder's manifest. A folder that is not finished, or that holds a part, is reported with
    what it has; what is missing is said, with the command that runs it.

    Parameters
    ----------
    folders
        Folders that `gain`, `search` or `predictors` wrote. For others, the command to repeat is named.
    """
    if not folders:
        raise ConfigurationError("Name at least one result folder, as in: predictornas report gain-nasbench201-cifar10")
    pictures = pictures_as(format_, style)
    programs = []
    for folder in folders:
        rows, missing, show = _told(folder, pictures)
        programs.append({"folder": str(folder), "missing": missing, "summary": rows})
        if not json:
            show()
        if missing:
            _remark_on(folder, missing)
        shown_in_browser(folder, wanted=open_report)
    if json:
        show_json(programs)


def _told(folder: Path, pictures: Pictures) -> Told:
    from predictornas.studies.commands import repeated
    from predictornas.studies.folder import KINDS, owner_of

    kind, _ = owner_of(folder)
    if kind in _TOLD:
        return _TOLD[kind](folder, pictures)
    if kind is None:
        missing = "is no folder" if folder.exists() else "does not exist"
        met = "holds no result: it has no manifest.json" if folder.is_dir() else missing
        raise ConfigurationError(f"{folder} {met}. Name a folder that `gain`, `search` or `predictors` wrote.")
    raise ConfigurationError(
        f"{folder} holds results of {KINDS[kind]}, whose own command writes them anew and runs nothing twice. "
        f"{repeated(folder)}"
    )


def _study(folder: Path, pictures: Pictures) -> Told:
    from dataclasses import replace

    from predictornas.studies.gain.again import report_study

    opened, outcome = report_study(folder, pictures)
    ran = what_ran(outcome, opened.benchmark)
    shown = replace(ran, missing=0)  # nobody may be at what is missing
    return ran.json, ran.missing, lambda: show_study(shown, folder, None)


def _objectives(folder: Path, pictures: Pictures) -> Told:
    from dataclasses import replace

    from predictornas.studies.gain.again import report_objectives
    from predictornas.studies.objectives.report import json_rows

    outcome = report_objectives(folder, pictures)
    shown = replace(outcome, missing=0)
    rows = json_rows(outcome.report.summary)
    return rows, outcome.missing, lambda: show_objectives(shown, folder, as_json=False)


def _predictors(folder: Path, pictures: Pictures) -> Told:
    from predictornas.studies.predictor_study import report_predictors

    study, table, missing = report_predictors(folder, pictures)
    return json_predictors(table), missing, lambda: show_predictors(table, study, folder)


def _remark_on(folder: Path, missing: int) -> None:
    from predictornas.studies.commands import repeated

    remark(f"{folder} is not finished, missing: {counted(missing, 'run')}. This shows the others. {repeated(folder)}")


_TOLD: dict[str | None, Callable[[Path, Pictures], Told]] = {
    "study": _study,
    "objectives": _objectives,
    "predictors": _predictors,
}
