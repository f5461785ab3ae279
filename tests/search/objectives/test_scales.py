"""Costs to normal scores and back."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from predictornas.search.objectives.scales import ScoreScale


def test_evaluated_costs_have_the_quantiles_of_their_ranks() -> None:
    scores = ScoreScale(np.array([30.0, 10.0, 20.0])).scores(np.array([10.0, 20.0, 30.0]))
    assert scores == pytest.approx(norm.ppf([1 / 6, 3 / 6, 5 / 6]))


def test_there_and_back_again_also_beyond_the_ends(rng: np.random.Generator) -> None:
    scale = ScoreScale(rng.lognormal(size=40))
    costs = np.linspace(-3, 9, 50)
    assert np.all(np.diff(scale.scores(costs)) > 0)
    assert scale.costs(scale.scores(costs)) == pytest.approx(costs)


def test_costs_that_are_all_alike_still_have_a_direction() -> None:
    scale = ScoreScale(np.full(5, 2.0))
    assert scale.scores(np.array([1.0, 2.0, 3.0])).tolist() == [-1.0, 0.0, 1.0]
