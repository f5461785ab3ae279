from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import check_grad, minimize
from scipy.stats import multivariate_normal, t
from threadpoolctl import threadpool_info, threadpool_limits

from predictornas.predictors.process import matern
from predictornas.predictors.process.matern import Hyperparameters, Regression, tuned

RNG = np.random.default_rng(0)
INPUTS = [RNG.normal(size=(12, 3)), RNG.normal(size=(12, 2))]
TARGETS = RNG.normal(size=12)
RELEVANCES = np.array([0.3, 1.0, 2.5])
HYPER = Hyperparameters(np.array([1.3, 0.4]), np.array([0.8, 2.0]), 0.05, {0: RELEVANCES})


def kernel(a: list[np.ndarray], b: list[np.ndarray]) -> np.ndarray:
    """The sum of Matern-5/2 kernels as Rasmussen and Williams 2006 write it (eq. 4.17), pair by pair."""
    total = np.zeros((len(a[0]), len(b[0])))
    relevances = [RELEVANCES, np.ones(2)]
    for x, z, scale, length, relevance in zip(a, b, HYPER.scales, HYPER.lengths, relevances, strict=True):
        for i, j in np.ndindex(total.shape):
            r = np.linalg.norm(relevance * (x[i] - z[j])) / x.shape[1] ** 0.5 / length
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


def test_fewer_kernels_are_the_subset_of_regressors() -> None:
    """Quinonero-Candela and Rasmussen 2005, section 5: mean K_*u (K_uf N^-1 K_fu + K_uu)^-1 K_uf N^-1 y."""
    whole, rows = Regression(INPUTS, TARGETS, HYPER), np.array([1, 4, 6, 7, 10])
    new = [RNG.normal(size=(5, 3)), RNG.normal(size=(5, 2))]
    few = [view[rows] for view in INPUTS]
    across, inner = kernel(few, INPUTS), kernel(few, few) + 1e-4 * np.eye(5)
    weights = np.linalg.inv(across @ across.T / (HYPER.noise + 1e-4) + inner) @ across @ TARGETS / (HYPER.noise + 1e-4)
    fewer = whole.on_fewer(INPUTS, rows)
    np.testing.assert_allclose(fewer.mean(new), kernel(new, few) @ weights, atol=1e-4)
    parts = sum(fewer.part(place, view) for place, view in enumerate(new))
    np.testing.assert_allclose(parts, fewer.mean(new), atol=1e-4)
    np.testing.assert_array_equal(fewer.std(new), whole.std(new))
    everyone = whole.on_fewer(INPUTS, np.arange(12))
    np.testing.assert_allclose(everyone.mean(new), whole.mean(new), atol=1e-3)


def test_the_covariance_of_many_is_put_together_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = Regression(INPUTS, TARGETS, HYPER)
    monkeypatch.setattr(matern, "_SIDE", 5)
    in_blocks = Regression(INPUTS, TARGETS, HYPER)
    np.testing.assert_allclose(in_blocks.mean(INPUTS), whole.mean(INPUTS), atol=1e-5)
    np.testing.assert_allclose(in_blocks.std(INPUTS), whole.std(INPUTS), atol=1e-9)


def test_expecting_is_observing_the_mean() -> None:
    rng = np.random.default_rng(1)
    flying, new = ([rng.normal(size=(n, 3)), rng.normal(size=(n, 2))] for n in (4, 6))
    plain = Regression(INPUTS, TARGETS, HYPER)
    together = [np.vstack(views) for views in zip(INPUTS, flying, strict=True)]
    observed = Regression(together, np.append(TARGETS, plain.mean(flying)), HYPER)
    expecting = plain.expecting([flying[0][:1], flying[1][:1]]).expecting(flying)  # the last word counts
    np.testing.assert_array_equal(expecting.mean(new), plain.mean(new))
    np.testing.assert_allclose(expecting.mean(new), observed.mean(new), atol=1e-3)
    np.testing.assert_allclose(expecting.std(new), observed.std(new), rtol=1e-9)
    assert (expecting.std(flying) < 0.8 * plain.std(flying)).all()
    assert (plain.std(new) > expecting.std(new)).all()  # and the one before stays as it was


def test_the_likelihood_is_that_of_a_normal_vector_and_its_slopes_are_exact() -> None:
    problem = matern._Problem(INPUTS, TARGETS, (0,))
    theta = np.log([*HYPER.scales, *HYPER.lengths, HYPER.noise, *RELEVANCES])
    value, _ = problem.negative_log_likelihood(theta)
    covariance = kernel(INPUTS, INPUTS) + (HYPER.noise + 1e-4) * np.eye(12)
    expected = -multivariate_normal(np.zeros(12), covariance).logpdf(TARGETS)
    assert value + 6 * np.log(2 * np.pi) == pytest.approx(expected, abs=1e-6)

    def part(place: int, point: np.ndarray) -> object:
        return problem.negative_log_likelihood(point)[place]

    assert check_grad(lambda p: part(0, p), lambda p: part(1, p), theta) < 1e-4  # type: ignore[arg-type]


def test_tuning_tells_which_view_matters_and_how_noisy_it_is() -> None:
    rng = np.random.default_rng(3)
    useful, useless = rng.normal(size=(120, 2)), rng.normal(size=(120, 2))
    targets = np.sin(useful[:, 0]) + useful[:, 1] + 0.1 * rng.normal(size=120)
    found = tuned([useful, useless], targets - targets.mean())
    assert found.scales[0] > 10 * found.scales[1]
    assert 0.1**2 / 3 < found.noise < 3 * 0.1**2


def test_tuning_takes_one_thread_of_blas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its products are small: two threads take longer."""
    seen = set[int]()
    likelihood = matern._Problem.negative_log_likelihood

    def watched(self: Any, theta: np.ndarray) -> tuple[float, np.ndarray]:
        seen.update(library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas")
        return likelihood(self, theta)

    monkeypatch.setattr(matern._Problem, "negative_log_likelihood", watched)
    with threadpool_limits(2, user_api="blas"):
        tuned([np.random.default_rng(0).normal(size=(9, 2))], np.arange(9.0))
    assert seen == {1}


def test_tuning_tells_which_feature_matters() -> None:
    rng = np.random.default_rng(4)
    features = rng.normal(size=(120, 6))
    targets = np.sin(features[:, 1]) + 0.1 * rng.normal(size=120)
    alike, apart = tuned([features], targets), tuned([features], targets, relevant=[0])
    assert not alike.relevances
    assert apart.relevances[0].argmax() == 1
    assert apart.relevances[0][1] > 2 * np.delete(apart.relevances[0], 1).max()
    new = rng.normal(size=(500, 6))
    errors = [np.abs(Regression([features], targets, h).mean([new]) - np.sin(new[:, 1])).mean() for h in (alike, apart)]
    assert errors[1] < 0.7 * errors[0]


def test_under_heavy_tails_the_mean_is_the_mode_of_the_posterior(monkeypatch: pytest.MonkeyPatch) -> None:
    wild = TARGETS.copy()
    wild[3] += 6
    covariance = kernel(INPUTS, INPUTS) + 1e-4 * np.eye(12)
    inverse = np.linalg.inv(covariance)

    def surprise(f: np.ndarray) -> float:
        return 0.5 * float(f @ inverse @ f) - t.logpdf(wild - f, 4, scale=HYPER.noise**0.5).sum()

    monkeypatch.setattr(matern, "_REWEIGHTINGS", 300)
    regression = Regression(INPUTS, wild, HYPER, degrees_of_freedom=4.0)
    found = covariance @ np.linalg.inv(kernel(INPUTS, INPUTS)) @ regression.mean(INPUTS)
    best = minimize(surprise, found, method="BFGS", options={"gtol": 1e-8}).x
    np.testing.assert_allclose(found, best, atol=2e-3)
    normal = covariance @ np.linalg.inv(kernel(INPUTS, INPUTS)) @ Regression(INPUTS, wild, HYPER).mean(INPUTS)
    assert abs(best[3] - wild[3]) > 2 * abs(normal[3] - wild[3])


def test_an_observation_that_its_neighbours_contradict_moves_them_little() -> None:
    line = np.linspace(0, 6, 40)[:, None]
    targets = np.sin(line[:, 0])
    wild = targets.copy()
    wild[20] -= 4
    smooth = Hyperparameters(np.array([1.0]), np.array([1.5]), 0.01)
    errors = [
        np.abs(Regression([line], wild, smooth, degrees_of_freedom=tails).mean([line]) - targets).max()
        for tails in (None, 4.0)
    ]
    assert errors[1] < 0.3 * errors[0]
    few, many = (Regression([line], wild, smooth, degrees_of_freedom=tails).mean([line]) for tails in (1e9, None))
    np.testing.assert_allclose(few, many, atol=1e-3)


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
