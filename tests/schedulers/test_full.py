from __future__ import annotations

import pytest

from predictornas.errors import ConfigurationError
from predictornas.schedulers import Full, Scheduler

from .conftest import Rehearsal, cost


def test_everyone_is_trained_to_the_end_once(rehearse: type[Rehearsal]) -> None:
    rehearsal = rehearse(Full((4, 12, 36)), lambda number, epochs: 0.5)
    assert isinstance(rehearsal.scheduler, Scheduler)
    rehearsal.run([3, 2])
    assert rehearsal.history.epochs.tolist() == [36] * 5
    for history, plan in rehearsal.plans:
        for resumes in (True, False):
            assert cost(history, plan, resumes=resumes) == [36] * len(plan)


def test_levels_must_ascend() -> None:
    with pytest.raises(ConfigurationError, match="ascending order"):
        Full((2, 1))
