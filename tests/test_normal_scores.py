from __future__ import annotations

import numpy as np
from scipy.stats import norm

from predictornas.normal_scores import normal_scores


def test_normal_scores_by_hand() -> None:
    scores = normal_scores(np.array([0.3, 0.9, 0.3, 0.1]))
    np.testing.assert_allclose(scores, norm.ppf(np.array([2.0, 3.5, 2.0, 0.5]) / 4))
    assert normal_scores(np.empty(0)).shape == (0,)


def test_columns_are_ranked_one_by_one() -> None:
    values = np.random.default_rng(0).normal(size=(5, 3))
    np.testing.assert_array_equal(normal_scores(values), np.stack([normal_scores(v) for v in values.T], axis=1))
