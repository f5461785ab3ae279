"""What `gain --predict` prints: what schedulers will save, before anything is run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from predictornas.cli.console import progress_bar, remark, say, show_json, show_rows
from predictornas.counting import counted
from predictornas.errors import ConfigurationError

if TYPE_CHECKING:
    from predictornas.analysis.early_stopping import Saving
    from predictornas.studies.expected.schedulers import ExpectedSaving
    from predictornas.studies.gain.study import Study


def show_predicted(study: Study, pilot: Path | None, *, json: bool) -> None:
    """Prints what the methods of a study with a scheduler will save, and where to ask about the others.

    Args:
        study: what would be run.
        pilot: file of learning curves that are known instead of the table.
        json: for programs.

    Raises:
        ConfigurationError: no method has a scheduler.
    """
    from predictornas.studies.expected.schedulers import Pilot, expected_savings, piloted_savings

    if pilot is None:
        with progress_bar(counted(len(study.methods), "method")) as started:
            found, known = expected_savings(study, advance=started(len(study.methods))), study.benchmark
    else:
        curves = Pilot.read(pilot)
        found, known = piloted_savings(study, curves), f"{pilot}, {counted(len(curves.curves), 'curve')}"
    predicted = {each.method for each in found}
    others = ",".join(name for name in study.method_names if name not in predicted)
    elsewhere = f"predictornas expect --benchmark {study.benchmark} --methods {others}"
    if not found:
        raise ConfigurationError(
            f"No method promotes trainings ({others}), so none saves epochs. Name some such as rank-nosh-50, nosh-50 "
            f"or successive-halving-50; what methods that rank pools gain says `{elsewhere}`."
        )
    if json:
        show_json([_json(each) for each in found])
    else:
        with_chosen = any(each.chosen is not None for each in found)
        rows = [_printed(each, with_chosen=with_chosen) for each in found]
        show_rows(rows, f"Expected of early stopping: {known}", as_json=False)
        say("Saved: how many times fewer epochs than full trainings for as good a best by the signal, [95 %].")
    if others:
        remark(f"No trainings are promoted by {others}; what those that rank pools gain says `{elsewhere}`.")
    if pilot is not None and any(name.startswith("rank-") for name in predicted):
        remark("A pilot tells of random newcomers. Those that a predictor chose agree less: they save less than this.")


def _printed(expected: ExpectedSaving, *, with_chosen: bool) -> dict[str, str]:
    row = {
        "method": expected.method,
        "newcomers": str(expected.candidates),
        "nominal": f"{expected.random.nominal:.2f}x",
        "survive": _share(expected.random),
        "saved": _factor(expected.random),
    }
    if with_chosen:
        row["chosen survive"] = "-" if expected.chosen is None else _share(expected.chosen)
        row["saved, chosen"] = "-" if expected.chosen is None else _factor(expected.chosen)
    return row


def _share(saving: Saving) -> str:
    return f"{saving.survival:.2f} [{saving.low:.2f}, {saving.high:.2f}]"


def _factor(saving: Saving) -> str:
    low, high = saving.between
    return f"{saving.factor:.1f}x [{low:.1f}, {high:.1f}]"


def _json(expected: ExpectedSaving) -> dict[str, Any]:
    return {
        "method": expected.method,
        "newcomers": expected.candidates,
        "nominal": expected.random.nominal,
        "random": _numbers(expected.random),
        "chosen": None if expected.chosen is None else _numbers(expected.chosen),
    }


def _numbers(saving: Saving) -> dict[str, float]:
    low, high = saving.between
    return {"survival": saving.survival, "factor": saving.factor, "low": low, "high": high}
