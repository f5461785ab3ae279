"""The page of a study of several objectives."""

from __future__ import annotations

from predictornas.studies.objectives.execution import ObjectivesOutcome


def test_the_page_says_how_it_was_made(outcome: ObjectivesOutcome) -> None:
    page = (outcome.folder / "report.html").read_text(encoding="utf-8")
    command = "predictornas gain --benchmark nasbench201-cifar10 --objectives error,parameters --known parameters"
    assert command in page
    assert "--budget 26 --seeds 2" in page
