"""Correlations of normal scores, and what is left of them among the chosen, by hand and by drawing."""

from __future__ import annotations

import numpy as np
import pytest

from predictornas.analysis.level_copula import drawn_levels, level_correlations, restricted
from predictornas.errors import ConfigurationError


def test_correlations_are_of_normal_scores() -> None:
    # scores -z, 0, z beside -z, z, 0: z^2 / 2 z^2, whatever the values
    found = level_correlations(np.array([[0.1, 2.0], [0.2, 99.0], [0.9, 3.0]]))
    assert found == pytest.approx(np.array([[1.0, 0.5], [0.5, 1.0]]))


def test_half_of_a_normal_score_leaves_a_variance_of_one_less_two_over_pi() -> None:
    # both levels are the score with as much noise: covariance (1 - 2 / pi) / 2, variance 1 - 1 / pi
    agree = np.array([[1.0, *[np.sqrt(0.5)] * 2], [np.sqrt(0.5), 1.0, 0.5], [np.sqrt(0.5), 0.5, 1.0]])
    assert restricted(agree, 0.5)[0, 1] == pytest.approx((1 - 2 / np.pi) / 2 / (1 - 1 / np.pi))
    assert restricted(agree, 1.0) == pytest.approx(agree[1:, 1:])


def test_the_drawn_are_the_best_by_score() -> None:
    agree, rng = np.array([[1.0, 0.6, 0.9], [0.6, 1.0, 0.7], [0.9, 0.7, 1.0]]), np.random.default_rng(0)
    drawn = drawn_levels(agree, 40_000, rng, chosen=0.05)
    # the mean of a normal variable above its 95 % quantile is 2.0627
    assert drawn.mean(axis=0) == pytest.approx([0.6 * 2.0627, 0.9 * 2.0627], abs=0.02)
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(restricted(agree, 0.05)[0, 1], abs=0.02)
    everyone = drawn_levels(agree[1:, 1:], 40_000, rng)
    assert np.corrcoef(everyone.T)[0, 1] == pytest.approx(0.7, abs=0.02)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="contradict"):
        drawn_levels(np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]]), 10, np.random.default_rng(0))
    with pytest.raises(ConfigurationError, match="at most 1, not"):
        restricted(np.eye(2), 1.5)
    with pytest.raises(ConfigurationError, match="three architectures"):
        level_correlations(np.array([[0.1, 0.2], [0.1, 0.3], [0.1, 0.4]]))


def test_a_level_whose_values_are_all_equal_is_named() -> None:
    values = np.stack([np.arange(30.0), np.full(30, 0.5), np.arange(30.0)], axis=1)
    with pytest.raises(ConfigurationError, match="all 30 values of level 2 of 3 are equal"):
        level_correlations(values)
