from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import check_grad, minimize
from scipy.stats import multivariate_normal

from predictornas.predictors import matern
from predictornas.predictors.matern import Hyperparameters, Regression, tuned

RNG = np.random.default_rng(0)
INPUTS = [RNG.normal(size=(12, 3)), RNG.normal(size=(12, 2))]
TARGETS = RNG.normal(size=12)
HYPER = Hyperparameters(np.array([1.3, 0.4]), np.array([0.8, 2.0]), 0.05)


def kernel(a: list[np.ndarray], b: list[np.ndarray]) -> np.ndarray:
    """The sum of Matern-5/2 kernels as Rasmussen and Williams 2006 write it (eq. 4.17), pair by pair."""
    total = np.zeros((len(a[0]), len(b[0])))
    for x, z, scale, length in zip(a, b, HYPER.scales, HYPER.lengths, strict=True):
        for i, j in np.ndindex(total.shape):
            r = np.linalg.norm(x[i] - z[j]) / x.shape[1] ** 0.5 / length
            total[i, j] += scale * (1 + 5**0.5 * r + 5 * r * r / 3) * np.exp(-(5**0.5) * r)
    return total


def test_the_posterior_is_the_textbooks() -> None:
    noisy = kernel(INPUTS, INPUTS) + (HYPER.noise + 1e-4) * np.eye(12)
    new = [RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))]
    across = kernel(new, INPUTS)
    regression = Regression(INPUTS, TARGETS, HYPER)
    np.testing.assert_allclose(regression.mean(new), across @ np.linalg.inv(noisy) @ TARGETS, atol=1e-4)
    variance = 1.7 - np.diag(across @ np.linalg.inv(noisy) @ across.T)
    np.testing.assert_allclose(regression.std(new), np.sqrt(variance), atol=1e-6)


def test_the_likelihood_is_that_of_a_normal_vector_and_its_slopes_are_exact() -> None:
    distances = [matern._Observed(view).distances(view) for view in INPUTS]
    theta = np.log([*HYPER.scales, *HYPER.lengths, HYPER.noise])
    value, _ = matern._negative_log_likelihood(theta, distances, TARGETS)
    covariance = kernel(INPUTS, INPUTS) + (HYPER.noise + 1e-4) * np.eye(12)
    expected = -multivariate_normal(np.zeros(12), covariance).logpdf(TARGETS)
    assert value + 6 * np.log(2 * np.pi) == pytest.approx(expected, abs=1e-6)

    def part(place: int, point: np.ndarray) -> object:
        return matern._negative_log_likelihood(point, distances, TARGETS)[place]

    assert check_grad(lambda p: part(0, p), lambda p: part(1, p), theta) < 1e-4  # type: ignore[arg-type]


def test_tuning_tells_which_view_matters_and_how_noisy_it_is() -> None:
    rng = np.random.default_rng(3)
    useful, useless = rng.normal(size=(120, 2)), rng.normal(size=(120, 2))
    targets = np.sin(useful[:, 0]) + useful[:, 1] + 0.1 * rng.normal(size=120)
    found = tuned([useful, useless], targets - targets.mean())
    assert found.scales[0] > 10 * found.scales[1]
    assert 0.1**2 / 3 < found.noise < 3 * 0.1**2


def test_a_step_far_too_long_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    def too_far(objective, start, **options):
        value, slopes = objective(start + np.array([90.0, -700.0, 50.0, -540.0, 10.0]))
        assert np.isfinite(value)
        assert value > objective(start)[0] + 1e4
        assert np.isfinite(slopes).all()
        return minimize(objective, start, **options)

    expected = tuned(INPUTS, TARGETS)
    monkeypatch.setattr(matern, "minimize", too_far)
    np.testing.assert_array_equal(tuned(INPUTS, TARGETS).lengths, expected.lengths)


def test_blocks_do_not_change_what_comes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    regression = Regression(INPUTS, TARGETS, HYPER)
    new = [RNG.normal(size=(50, 3)), RNG.normal(size=(50, 2))]
    whole = regression.mean(new), regression.std(new)
    monkeypatch.setattr(matern, "_BLOCK", 12 * 7)
    np.testing.assert_allclose(regression.mean(new), whole[0], atol=1e-5)
    np.testing.assert_allclose(regression.std(new), whole[1], rtol=1e-7)


def test_sparse_views_give_what_dense_ones_give() -> None:
    counts = np.sqrt(RNG.poisson(0.3, (12, 6)).astype(float))
    new = np.sqrt(RNG.poisson(0.3, (5, 6)).astype(float))
    dense = Regression([INPUTS[0], counts], TARGETS, HYPER)
    thin = Regression([INPUTS[0], sparse.csr_array(counts)], TARGETS, HYPER)
    asked = RNG.normal(size=(5, 3))
    for quantity in ("mean", "std"):
        expected = getattr(dense, quantity)([asked, new])
        np.testing.assert_allclose(getattr(thin, quantity)([asked, sparse.csr_array(new)]), expected, atol=1e-6)
    assert tuned([sparse.csr_array(counts)], TARGETS).noise == pytest.approx(tuned([counts], TARGETS).noise)


def test_far_from_everything_it_knows_nothing() -> None:
    far = [np.full((1, 3), 1e3), np.full((1, 2), 1e3)]
    regression = Regression(INPUTS, TARGETS, HYPER)
    assert regression.mean(far)[0] == pytest.approx(0, abs=1e-9)
    assert regression.std(far)[0] == pytest.approx(1.7**0.5)


def test_nothing_asked_nothing_answered() -> None:
    none = [np.empty((0, 3)), np.empty((0, 2))]
    assert Regression(INPUTS, TARGETS, HYPER).mean(none).shape == (0,)
