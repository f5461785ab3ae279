"""One small study of two objectives, run once for all tests of the room."""

from __future__ import annotations

import pytest

from predictornas.studies.objectives.execution import ObjectivesOutcome, run_objectives
from predictornas.studies.objectives.study import ObjectivesStudy

STUDY = ObjectivesStudy(objectives=("error", "parameters"), methods=("random", "nsga-ii"), budget=26, seeds=(0, 1))


@pytest.fixture(scope="session")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> ObjectivesOutcome:
    return run_objectives(STUDY, tmp_path_factory.mktemp("objectives") / "study")
