"""What `gain` and `search` do where objectives or limits are named."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from predictornas.cli.console import progress_bar, remark, say, say_where, show_json, show_rows, shown_in_browser
from predictornas.cli.options import Where
from predictornas.counting import counted
from predictornas.errors import ConfigurationError
from predictornas.search.objectives.registry import OBJECTIVE_METHODS

if TYPE_CHECKING:
    from predictornas.studies.objectives.execution import ObjectivesOutcome
    from predictornas.studies.objectives.study import ObjectivesStudy, OpenedObjectives
    from predictornas.studies.pictures import Pictures

METHODS = "random,nsga-ii,bayesian-optimisation"
"""Methods that are compared where none is named."""

Objectives = Annotated[
    str | None,
    Parameter(
        help="Several objectives, commas between: error,latency. A column of the table, or a word that only one has. "
        f"Methods are then {', '.join(OBJECTIVE_METHODS)}."
    ),
]

Limits = Annotated[
    str | None,
    Parameter(
        help="Conditions, commas between, in quotes: 'parameters<5e6,error<5%'. Alone, the objective is the signal."
    ),
]

Known = Annotated[
    str | None,
    Parameter(help="Objectives and limits that need no training and are read; parameters and flops always are."),
]


@dataclass(frozen=True)
class Asked:
    """The options by which several objectives are asked for.

    Attributes:
        objectives: as `--objectives`.
        limit: as `--limit`.
        known: as `--known`.
    """

    objectives: str | None
    limit: str | None
    known: str | None

    def __bool__(self) -> bool:
        return bool(self.objectives or self.limit or self.known)

    def study(self, *, refused: Mapping[str, bool], **others: Any) -> ObjectivesStudy:
        """The study that is asked for.

        Args:
            refused: options that mean nothing here, and whether they were given.
            others: of `ObjectivesStudy`; None for what was not asked for.

        Raises:
            ConfigurationError: one of the refused options was given.
        """
        from predictornas.studies.objectives.study import ObjectivesStudy

        given = [option for option, is_given in refused.items() if is_given]
        if given:
            raise ConfigurationError(
                f"{', '.join(given)} cannot be combined with --objectives and --limit. Leave it out."
            )
        return ObjectivesStudy(
            objectives=named(self.objectives),
            limits=named(self.limit),
            known=named(self.known),
            **{name: value for name, value in others.items() if value is not None},
        )


def named(text: str | None) -> tuple[str, ...]:
    """What stands between commas.

    Example:
        >>> named("error, latency"), named(None)
        (('error', 'latency'), ())
    """
    return tuple(filter(None, (part.strip() for part in (text or "").split(","))))


def gain_of_objectives(
    study: ObjectivesStudy, folder: Path, where: Where, pictures: Pictures, *, json: bool, open_report: bool
) -> None:
    """Runs a study of several objectives, or a part of it, and prints what it says."""
    from predictornas.studies.objectives.execution import advance_objectives

    if where.share is None:
        outcome = _run(study, folder, where, pictures)
        show_objectives(outcome, folder, as_json=json)
        shown_in_browser(folder, wanted=open_report)
        return
    with progress_bar(f"part {where.part}") as started:
        missing = advance_objectives(study.open(), folder, where.execution(started))
    if json:
        show_json({"part": where.part, "missing": missing, "folder": str(folder)})
    remark(
        f"Part {where.part} of {folder} is done; missing, of other parts: {counted(missing, 'run')}. "
        "The same command without --part collects all of them."
    )


def search_of_objectives(
    study: ObjectivesStudy, folder: Path, where: Where, pictures: Pictures, *, json: bool, open_report: bool
) -> None:
    """Runs one search for several objectives and shows the front that it found."""
    outcome, opened = _run(study, folder, where, pictures), study.open()
    front = _front(outcome, opened)
    if json:
        from predictornas.studies.objectives.report import json_rows

        rows = json_rows(outcome.report.summary)
        show_json([row | ({"front": front} if row["method"] == study.methods[0] else {}) for row in rows])
    else:
        show_objectives(outcome, folder, as_json=False, recommended=(front, opened))
    shown_in_browser(folder, wanted=open_report)


def _run(study: ObjectivesStudy, folder: Path, where: Where, pictures: Pictures) -> ObjectivesOutcome:
    from predictornas.studies.objectives.execution import run_objectives

    with progress_bar(f"{counted(len(study.methods), 'method')}, {counted(len(study.seeds), 'seed')}") as started:
        return run_objectives(
            study, folder, executor=where.get_executor(), started=started, observers=where.observers, pictures=pictures
        )


Recommended = tuple[list[dict[str, Any]], "OpenedObjectives"]
"""The front of a search, as `_front`, and its study."""


def show_objectives(
    outcome: ObjectivesOutcome, folder: Path, *, as_json: bool, recommended: Recommended | None = None
) -> None:
    """Prints what a study of objectives says: of several the hypervolume, of one its own values."""
    from predictornas.report.cautions import shared_noise
    from predictornas.studies.objectives.report import json_rows, printable
    from predictornas.studies.objectives.single import printable_single

    if as_json:
        show_json(json_rows(outcome.report.summary))
    else:
        report = outcome.report
        if len(report.measure.names) == 1:
            rows = printable_single(outcome.history, report.measure.names[0], report.summary, report.quantities[0])
            show_rows(rows, report.title, as_json=False, breaks=("dB at",))
        else:
            show_rows(
                printable(report.summary),
                f"Hypervolume regret on {report.title}",
                as_json=False,
                breaks=("dB at",),
            )
            say(report.scale)
        for pair in outcome.shared_noise:
            say(shared_noise(*pair))
        if recommended is not None:
            _show_recommended(*recommended)
        say_where(folder)
    if outcome.missing:
        remark(
            f"Other commands are at {counted(outcome.missing, 'more run')} of {folder}; "
            "the same command shows them when done."
        )


def _front(outcome: ObjectivesOutcome, opened: OpenedObjectives) -> list[dict[str, Any]]:
    """The front of the one run that was asked for: objectives and what is limited as judged, genes and notation."""
    from predictornas.benchmarks.objectives import costs_of

    run = outcome.report.front.filter(method=str(opened.method_names[0]), seed=opened.seeds[0])
    names = [objective.name for objective in opened.objectives]
    rows = opened.benchmark.rows(run["key"].to_numpy())
    genes = opened.benchmark.genes[rows]
    limited = {one.name: costs_of(opened.benchmark, one.judged)[rows] for one in opened.asked if not one.is_objective}
    return [
        {
            **point,
            **{name: float(costs[place]) for name, costs in limited.items()},
            "genes": own.tolist(),
            "notation": opened.benchmark.space.describe(own),
        }
        for place, (point, own) in enumerate(zip(run.select(names).to_dicts(), genes, strict=True))
    ]


def _show_recommended(front: list[dict[str, Any]], opened: OpenedObjectives) -> None:
    """Each point in the units of its columns, an error in percent."""
    shown = []
    for point in front:
        row = {}
        for one in opened.asked:
            quantity = opened.benchmark.column(one.judged).quantity
            # a limit can be kept as searched and not as judged
            if point[one.name] is None or math.isnan(point[one.name]):
                row[quantity.with_unit(one.name)] = "beyond the limit"
                continue
            shown_as = quantity.shown(point[one.name])
            counts = not quantity.percent and float(shown_as).is_integer()
            row[quantity.with_unit(one.name)] = f"{shown_as:,.0f}" if counts else quantity.text(point[one.name])
        shown.append({**row, "architecture": point["notation"]})
    show_rows(shown, "What it recommends: its front, judged" if len(front) > 1 else "Recommended", as_json=False)
    if not front:
        remark("Nothing that it evaluated keeps the limits. Raise the budget, or loosen them.")
