"""What a study of several objectives says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from predictornas.fronts.dominance import non_dominated
from predictornas.studies.objectives.execution import ObjectivesOutcome, run_objectives
from predictornas.studies.objectives.report import json_rows, printable
from tests.studies.objectives.conftest import STUDY


def test_the_scale_is_on_everything(outcome: ObjectivesOutcome) -> None:
    report = outcome.report
    assert "error from 0.0" in report.scale
    assert "parameters from " in report.scale
    captions = (outcome.folder / "captions.md").read_text(encoding="utf-8")
    assert "ideal and the reference point" in " ".join(captions.split())
    assert "ideal and the reference point" in (outcome.folder / "report.html").read_text(encoding="utf-8")


def test_the_front_of_a_run_is_that_of_what_it_saw(outcome: ObjectivesOutcome) -> None:
    run = outcome.history.filter(method="nsga-ii", seed=0)
    seen = run.select("searched_error", "searched_parameters").to_numpy()
    expected = set(run["key"].to_numpy()[non_dominated(seen)].tolist())
    assert set(outcome.report.front.filter(method="nsga-ii", seed=0)["key"].to_list()) == expected
    whole = outcome.report.front.filter(method="whole table")
    assert np.all(np.diff(whole["parameters"].to_numpy()) < 0)


def test_the_summary_is_printed_in_percent_and_given_in_fractions(outcome: ObjectivesOutcome) -> None:
    shown, given = printable(outcome.report.summary), json_rows(outcome.report.summary)
    assert [row["method"] for row in shown] == ["nsga-ii", "random"]
    assert shown[0]["chosen, %"].startswith(f"{100 * given[0]['chosen_final_mean']:.1f} [")
    assert [gain["target"] for gain in given[0]["gains"]] == ["top 0.1 %", "top 1 %"]


@pytest.mark.slow
def test_one_objective_within_limits_has_no_figure_of_fronts(tmp_path: Path) -> None:
    study = replace(STUDY, objectives=("error",), limits=("parameters<5e5",), methods=("random",), seeds=(3,))
    report = run_objectives(study, tmp_path / "one").report
    assert report.attainment.is_empty()
    assert report.pairs.is_empty()
    assert not (tmp_path / "one" / "fronts.png").exists()
    assert report.summary["best_final_low"].to_list() == [None]


@pytest.mark.slow
def test_three_objectives_are_measured(tmp_path: Path) -> None:
    from tests.extras import needed

    needed("moocore")
    study = replace(STUDY, objectives=("error", "parameters", "latency"), seeds=(0,))
    report = run_objectives(study, tmp_path / "three").report
    regrets = report.hypervolume["mean"].to_numpy()
    assert ((regrets >= 0) & (regrets <= 1)).all()
    assert set(report.gain["trade_off"]) == {"balanced", "error first", "parameters first", "latency first"}
