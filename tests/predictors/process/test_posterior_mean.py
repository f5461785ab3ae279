from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from predictornas.predictors.process import posterior_mean
from predictornas.predictors.process.posterior_mean import ViewMean

RNG = np.random.default_rng(0)


def expected(observed: np.ndarray, weights: np.ndarray, length: float, asked: np.ndarray) -> np.ndarray:
    """The weighted kernels (Rasmussen and Williams 2006, eq. 4.17), pair by pair, in double precision."""
    found = np.zeros(len(asked))
    for i, j in np.ndindex(len(asked), len(observed)):
        r = np.linalg.norm(asked[i] - observed[j]) / asked.shape[1] ** 0.5 / length
        found[i] += weights[j] * (1 + 5**0.5 * r + 5 * r * r / 3) * np.exp(-(5**0.5) * r)
    return found


def test_it_is_the_sum_over_all_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    observed, asked, weights = RNG.normal(size=(9, 5)), RNG.normal(size=(31, 5)), RNG.normal(size=9)
    asked[3] = observed[4]
    monkeypatch.setattr(posterior_mean, "_MOST_COLUMNS", 4)  # in three goes
    monkeypatch.setattr(posterior_mean, "_BLOCK", 28)
    found = ViewMean(observed, weights, 1.7)(asked)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected(observed, weights, 1.7, asked), atol=1e-5)


def test_counts_that_repeat_give_what_each_row_gives() -> None:
    observed, asked = RNG.poisson(0.4, (9, 12)) ** 0.5, RNG.poisson(0.3, (200, 12)) ** 0.5
    asked[0] = 0
    weights = RNG.normal(size=9)
    found = ViewMean(sparse.csr_array(observed), weights, 0.9)(sparse.csr_array(asked))
    np.testing.assert_allclose(found, expected(observed, weights, 0.9, asked), atol=1e-5)


def test_rows_without_entries_and_values_that_nothing_was_observed_with() -> None:
    observed, weights = np.eye(3), np.array([1.0, -2.0, 0.5])
    asked = np.array([[0, 0, 0], [5.0, 0, 0.25], [0, 0, 1.0]])
    found = ViewMean(sparse.csr_array(observed), weights, 1.0)(sparse.csr_array(asked))
    np.testing.assert_allclose(found, expected(observed, weights, 1.0, asked), atol=1e-6)
    nobody = ViewMean(sparse.csr_array(observed), weights, 1.0)(sparse.csr_array((2, 3)))
    np.testing.assert_allclose(nobody, expected(observed, weights, 1.0, np.zeros((2, 3))), atol=1e-6)


@pytest.mark.parametrize("asked", [np.empty((0, 4)), sparse.csr_array((0, 4))])
def test_nothing_asked_nothing_answered(asked: np.ndarray | sparse.csr_array) -> None:
    assert ViewMean(np.eye(4), np.ones(4), 1.0)(asked).shape == (0,)
