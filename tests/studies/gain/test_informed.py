"""Searches of a study that know the trials of files."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from predictornas.benchmarks.catalog import open_benchmark
from predictornas.errors import ConfigurationError, DataError
from predictornas.studies.gain.execution import advance_study, collected
from predictornas.studies.gain.informed import Files, recommended_of
from predictornas.studies.gain.opened import open_study
from predictornas.studies.gain.study import Study, run_identity
from predictornas.studies.tasks import Execution

TABLE = "nasbench101-digits"


def colleagues(folder: Path) -> list[str]:
    """Files of the twelve best cells of a table, one of them twice: with accuracies, and with scores after 9 epochs."""
    table = open_benchmark(TABLE)
    best = table.values(table.signal).argsort()[::-1][:12]
    cells = [table.space.describe(table.genes[row]) for row in best]
    accuracies = [*table.values(table.signal)[best].tolist(), 0.1]
    pl.DataFrame({"arch": [*cells, cells[0]], "accuracy": accuracies}).write_csv(folder / "colleague.csv")
    scores = {"arch": [*cells, cells[0]], "score": [*range(13)], "epochs": [9] * 12 + [1]}
    pl.DataFrame(scores).write_csv(folder / "scores.csv")
    return cells


def study(method: str) -> Study:
    return Study(TABLE, (method,), 12, (0,), preset="default")


@pytest.mark.slow
def test_the_best_of_all_is_recommended_and_no_trial_is_evaluated(tmp_path: Path) -> None:
    """The colleague has trained the best cell; twelve evaluations beside them cannot be better."""
    cells = colleagues(tmp_path)
    files = Files(tmp_path / "colleague.csv", "accuracy", tmp_path / "scores.csv", "score")
    informed, told = files.informed(study("uniform-20@fast-gp"))
    assert told == [
        "12 trials of scores.csv (1 left out): their ranks are the prior.",
        "12 trials of colleague.csv (1 left out): known from the beginning, not counted to the budget.",
    ]
    assert informed.method_names == ("uniform-20 fast-gp with prior and trials",)
    opened, out = open_study(informed), tmp_path / "out"
    assert advance_study(opened, out, Execution()) == 0
    history, _ = collected(opened, out)
    assert len(history) == 12
    assert not set(history["architecture"]) & set(cells)
    assert opened.benchmark.space.describe(recommended_of(opened, history)) == cells[0]


def test_a_run_is_another_one_with_other_trials(tmp_path: Path) -> None:
    cells = colleagues(tmp_path)
    pl.DataFrame({"arch": cells[:3], "accuracy": [0.5, 0.6, 0.7]}).write_csv(tmp_path / "fewer.csv")
    ids = set()
    for name in ("colleague.csv", "colleague.csv", "fewer.csv"):
        informed, _ = Files(tmp_path / name, "accuracy").informed(study("random"))
        strategy = informed.strategy("random with trials")
        ids.add(run_identity({}, "random with trials", strategy, 0)["run_id"])
    assert len(ids) == 2
    assert not Files()


def test_what_cannot_begin_with_a_file_says_so(tmp_path: Path) -> None:
    colleagues(tmp_path)
    scores = Files(prior=tmp_path / "scores.csv", prior_value="score")
    with pytest.raises(ConfigurationError, match="RandomSearch is none"):
        scores.informed(study("random"))
    with pytest.raises(ConfigurationError, match="different numbers of epochs"):
        scores.informed(Study(TABLE, ("nosh",), None, (0,), budget_epochs=90))
    with pytest.raises(DataError, match="lacks the column 'value'"):
        Files(tmp_path / "colleague.csv").informed(study("random"))
    (tmp_path / "none.csv").write_text("arch,value\n")
    with pytest.raises(ConfigurationError, match=r"none\.csv has no trials"):
        Files(tmp_path / "none.csv").informed(study("random"))


def test_a_small_budget_is_enough_beside_many_trials(tmp_path: Path) -> None:
    """Local search begins with ten cells, and asks for one at a time once it knows as many."""
    cells = colleagues(tmp_path)
    asked = Study(TABLE, ("local-search",), 3, (0,))
    with pytest.raises(ConfigurationError, match="the initial set of 10"):
        asked.strategy("local-search")
    informed, _ = Files(tmp_path / "colleague.csv", "accuracy").informed(asked)
    opened, out = open_study(informed), tmp_path / "out"
    assert advance_study(opened, out, Execution()) == 0
    history, _ = collected(opened, out)
    assert len(history) == 3
    assert not set(history["architecture"]) & set(cells)
    batches, _ = Files(tmp_path / "colleague.csv", "accuracy").informed(Study(TABLE, ("uniform-20",), 3, (0,)))
    with pytest.raises(ConfigurationError, match="the first batch beside the trials of 10"):
        batches.strategy(batches.method_names[0])


def test_trials_that_failed_are_counted_and_cannot_be_all(tmp_path: Path) -> None:
    cells = colleagues(tmp_path)
    values = [None, 0.5, 0.6]
    pl.DataFrame({"arch": cells[:3], "value": values}).write_csv(tmp_path / "some.csv")
    _, told = Files(tmp_path / "some.csv").informed(study("random"))
    assert told[0].endswith("not counted to the budget; 1 of them failed.")
    pl.DataFrame({"arch": cells[:3], "value": [None] * 3}, schema_overrides={"value": pl.Float64}).write_csv(
        tmp_path / "none.csv"
    )
    with pytest.raises(DataError, match=r"Each of 3 trials of none\.csv failed: 'value' has no number"):
        Files(tmp_path / "none.csv").informed(study("random"))


def test_percentages_are_not_taken_for_fractions(tmp_path: Path) -> None:
    cells = colleagues(tmp_path)
    pl.DataFrame({"arch": cells[:2], "accuracy": [91.35, 88.0]}).write_csv(tmp_path / "percent.csv")
    with pytest.raises(DataError, match=r"values from 88 to 91\.35, .* from 0 to 1.* Divide percentages by 100"):
        Files(tmp_path / "percent.csv", "accuracy").informed(study("random"))
