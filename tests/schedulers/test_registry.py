from __future__ import annotations

from fractions import Fraction

import pytest

from predictornas.schedulers.base import Scheduler
from predictornas.schedulers.registry import SCHEDULERS


@pytest.mark.parametrize("name", SCHEDULERS)
def test_a_scheduler_has_the_levels_and_the_share_that_it_is_given(name: str) -> None:
    scheduler = SCHEDULERS[name].make(levels=(2, 6), ratio=Fraction(1, 3))
    assert isinstance(scheduler, Scheduler)
    assert scheduler.levels == (2, 6)
    assert getattr(scheduler, "ratio", Fraction(1, 3)) == Fraction(1, 3)
    assert (SCHEDULERS[name].number == "none") == (not hasattr(scheduler, "ratio"))
