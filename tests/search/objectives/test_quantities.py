"""Limits and NSGA-II's order of selection by hand."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.errors import ConfigurationError
from predictornas.history import History
from predictornas.search.objectives.quantities import Goal, best_first, costs_of, excess, objectives_of

LIMITED = (Goal("error"), Goal("latency", is_objective=False, limit=2.0), Goal("parameters", known=True))


def test_excess_is_the_share_of_the_limit_and_infinite_for_failures() -> None:
    costs = np.array([[0.1, 2.0, 9.0], [0.1, 3.0, 9.0], [np.nan, 1.0, 9.0]])
    assert excess(costs, LIMITED).tolist() == [0.0, 0.5, np.inf]
    assert objectives_of(LIMITED).tolist() == [0, 2]


def test_feasible_fronts_come_first_then_the_least_crowded_then_the_least_beyond() -> None:
    goals = np.array([[0.0, 4.0], [1.0, 2.9], [1.5, 2.5], [4.0, 0.0], [5.0, 5.0], [0.0, 0.0], [0.0, 0.0]])
    beyond = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 0.7, 0.3])
    # ends are not crowded at all; (1.5, 2.5) has (3 / 4 + 2.9 / 4), (1, 2.9) has (1.5 / 4 + 1.5 / 4)
    assert best_first(goals, beyond).tolist() == [0, 3, 2, 1, 4, 6, 5]


def test_a_history_without_costs_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="Give tell\\(\\) costs"):
        costs_of(History.empty(6), LIMITED)
