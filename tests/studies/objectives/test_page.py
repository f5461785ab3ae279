"""The page of a study of several objectives."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from predictornas.studies.objectives.execution import ObjectivesOutcome, run_objectives
from tests.studies.objectives.conftest import STUDY


def test_the_page_says_how_it_was_made(outcome: ObjectivesOutcome) -> None:
    page = (outcome.folder / "report.html").read_text(encoding="utf-8")
    command = "predictornas gain --benchmark nasbench201-cifar10 --objectives error,parameters --known parameters"
    assert command in page
    assert "--budget 26 --seeds 2" in page


def test_the_fronts_of_the_first_seeds_are_named(outcome: ObjectivesOutcome) -> None:
    page = (outcome.folder / "report.html").read_text(encoding="utf-8")
    key = outcome.report.front.filter(method="nsga-ii", seed=0)["key"][0]
    assert outcome.history.filter(key=key)["architecture"][0] in page
    assert "Recommended architectures" in page


@pytest.mark.slow
def test_a_search_within_a_limit_leads_with_what_it_recommends_and_repeats_as_a_search(tmp_path: Path) -> None:
    study = replace(STUDY, objectives=("error",), limits=("parameters<5e5",), methods=("random",), seeds=(3,))
    outcome = run_objectives(study, tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    error = outcome.report.front.filter(seed=3)["error"][0]
    assert f"error {100 * error:.2f} %, parameters" in page
    assert "(limit parameters&lt;5e5); seed 3." in page
    assert page.index(" recommends ") < page.index("hypervolume")
    assert "predictornas search --benchmark nasbench201-cifar10 --objectives error --limit" in page
    assert "--method random --seed 3 --budget 26 --signal" in page


def test_fronts_are_stairs_in_percent_within_the_limits_of_the_picture(outcome: ObjectivesOutcome) -> None:
    page = (outcome.folder / "report.html").read_text(encoding="utf-8")
    chart = next(part for part in page.split("<figure")[1:] if "figure-fronts" in part)
    spec = json.loads(chart.split('class="spec">')[1].split("</script>")[0])
    line = spec["layer"][0]
    measure = outcome.report.measure
    assert (line["mark"]["interpolate"], line["mark"]["clip"]) == ("step-after", True)
    assert line["encoding"]["x"]["title"] == "error, %"
    assert line["encoding"]["x"]["scale"]["domain"][1] == pytest.approx(100 * measure.reference[0])
    assert line["encoding"]["y"]["scale"]["domain"][1] == pytest.approx(measure.reference[1])
    assert "band" not in chart
    assert "Fewer than 10 seeds" in page
