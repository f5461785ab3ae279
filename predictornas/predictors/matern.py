"""Gaussian-process regression with a sum of Matern kernels, one for each view of the inputs. Numpy and scipy only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from jaxtyping import Float
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

View: TypeAlias = Float[np.ndarray, "_ _"] | sparse.csr_array
"""Features of n inputs, `(n, f)`; sparse where most are zero: counts of subtrees fill 1 % of their table."""

Inputs = Sequence[View]
"""The same inputs as each view describes them, `(n, features of the view)` each."""

_ROOT5 = 5**0.5
_JITTER = 1e-4
_SCALE_PRIOR = (0.0, 2.0)
_LENGTH_PRIOR = (0.7, 1.0)
_NOISE_PRIOR = (-3.0, 2.0)
_REACH = 8
"""Standard deviations of the priors within which the likelihood is computed."""
_MOST_STEPS = 60
_BLOCK = 1 << 18
"""Kernel entries worked on at once: 2 MiB in float64."""


@dataclass(frozen=True)
class Hyperparameters:
    """Of k(x, z) = sum over views of scale * m(|x - z| / (length * sqrt(features))), m the Matern-5/2 kernel.

    Attributes:
        scales: one for each view, the variance that it explains.
        lengths: one for each view.
        noise: variance of the observations.
    """

    scales: Float[np.ndarray, " views"]
    lengths: Float[np.ndarray, " views"]
    noise: float


def tuned(inputs: Inputs, targets: Float[np.ndarray, " n"]) -> Hyperparameters:
    """The most probable hyperparameters: marginal likelihood times log-normal priors, by L-BFGS with exact slopes.

    The priors are wide (standard deviations 2, 1 and 2 of the logarithms of scales, lengths and noise, medians 1, 2
    and 0.05, ours) and keep a handful of observations from deciding more than they know.
    """
    distances = [_Observed(view).distances(view) for view in inputs]
    views = len(inputs)
    middles = np.repeat([_SCALE_PRIOR[0], _LENGTH_PRIOR[0], _NOISE_PRIOR[0]], [views, views, 1])
    widths = np.repeat([_SCALE_PRIOR[1], _LENGTH_PRIOR[1], _NOISE_PRIOR[1]], [views, views, 1])

    def objective(theta: Float[np.ndarray, " t"]) -> tuple[float, Float[np.ndarray, " t"]]:
        # a line search may try what overflows: the likelihood stays as it is at the edge, the prior goes on to rise
        inside = np.clip(theta, middles - _REACH * widths, middles + _REACH * widths)
        value, slopes = _negative_log_likelihood(inside, distances, targets)
        off = (theta - middles) / widths
        return value + 0.5 * float(off @ off), slopes * (inside == theta) + off / widths

    best = minimize(objective, middles, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS}).x
    return Hyperparameters(np.exp(best[:views]), np.exp(best[views:-1]), float(np.exp(best[-1])))


class Regression:
    """The posterior of a Gaussian process with mean zero.

    Args:
        inputs: what was observed, view by view.
        targets: `(n,)` observations.
        hyperparameters: of the kernel.
    """

    def __init__(self, inputs: Inputs, targets: Float[np.ndarray, " n"], hyperparameters: Hyperparameters) -> None:
        self.hyperparameters = hyperparameters
        self._observed = [_Observed(view) for view in inputs]
        self._count = len(targets)
        covariance = np.concatenate([self._kernel(part, self._observed) for part in self._blocks(inputs)])
        covariance[np.diag_indices(self._count)] += hyperparameters.noise + _JITTER
        self._factor = cho_factor(covariance, lower=True, overwrite_a=True)
        weights = cho_solve(self._factor, targets)
        self._single = [_Observed(view.astype(np.float32)) for view in inputs], weights.astype(np.float32)

    def mean(self, inputs: Inputs) -> Float[np.ndarray, " m"]:
        """Posterior mean at each input, in single precision: what ranks a whole space has to be fast."""
        observed, weights = self._single
        parts = ([view.astype(np.float32) for view in part] for part in self._blocks(inputs))
        return np.concatenate([np.asarray(self._kernel(part, observed) @ weights) for part in parts])

    def std(self, inputs: Inputs) -> Float[np.ndarray, " m"]:
        """Posterior standard deviation of the function, without noise, at each input."""
        variances = []
        for part in self._blocks(inputs):
            explained = solve_triangular(self._factor[0], self._kernel(part, self._observed).T, lower=True)
            variances.append(self.hyperparameters.scales.sum() - (explained**2).sum(axis=0))
        return np.asarray(np.sqrt(np.maximum(np.concatenate(variances), 0)))

    def _kernel(self, inputs: Inputs, observed: Sequence[_Observed]) -> Float[np.ndarray, "m n"]:
        total = np.zeros((inputs[0].shape[0], self._count), inputs[0].dtype)
        scales, lengths = self.hyperparameters.scales.tolist(), self.hyperparameters.lengths.tolist()
        for view, known, scale, length in zip(inputs, observed, scales, lengths, strict=True):
            total += scale * _matern(known.distances(view) / length)[0]
        return total

    def _blocks(self, inputs: Inputs) -> list[Inputs]:
        rows = max(1, _BLOCK // max(1, self._count))
        starts = range(0, max(1, inputs[0].shape[0]), rows)
        return [[view[start : start + rows] for view in inputs] for start in starts]


class _Observed:
    """One view of what was observed, laid out once for many tables of distances to it."""

    def __init__(self, view: View) -> None:
        columns = view.T.toarray() if isinstance(view, sparse.csr_array) else view.T
        self._columns = -2 * np.ascontiguousarray(columns)
        self._squares = _squared_norms(view)

    def distances(self, view: View) -> Float[np.ndarray, "m n"]:
        """Euclidean distances over the root of the number of features; one product of matrices, many times a loop."""
        distances: Float[np.ndarray, "m n"] = view @ self._columns
        distances += self._squares
        distances += _squared_norms(view)[:, None]
        np.maximum(distances, 0, out=distances)
        distances /= max(1, view.shape[1])
        np.sqrt(distances, out=distances)
        return distances


def _squared_norms(view: View) -> Float[np.ndarray, " n"]:
    return np.asarray((view * view).sum(axis=1), view.dtype)


def _matern(
    distances: Float[np.ndarray, "m n"],
) -> tuple[Float[np.ndarray, "m n"], Float[np.ndarray, "m n"]]:
    """The Matern-5/2 kernel, and its slope in the logarithm of the length scale."""
    r = _ROOT5 * distances
    decay = np.exp(-r)
    third = r * r / 3
    return (1 + r + third) * decay, third * (1 + r) * decay


def _negative_log_likelihood(
    theta: Float[np.ndarray, " t"], distances: Sequence[Float[np.ndarray, "n n"]], targets: Float[np.ndarray, " n"]
) -> tuple[float, Float[np.ndarray, " t"]]:
    """-log p(targets) up to a constant, and its slopes, theta = logarithms of scales, lengths and noise."""
    views = len(distances)
    scales, lengths, noise = np.exp(theta[:views]), np.exp(theta[views:-1]), float(np.exp(theta[-1]))
    parts = [_matern(d / length) for d, length in zip(distances, lengths, strict=True)]
    covariance = sum(scale * kernel for scale, (kernel, _) in zip(scales, parts, strict=True))
    covariance += (noise + _JITTER) * np.eye(len(targets))
    factor = cho_factor(covariance, lower=True)
    inverse = cho_solve(factor, np.eye(len(targets)))
    weights = inverse @ targets
    value = 0.5 * float(targets @ weights) + float(np.log(np.diag(factor[0])).sum())
    # d value / d covariance = (inverse - weights weights^T) / 2
    slope = 0.5 * (inverse - np.outer(weights, weights))
    of_scales = [scale * (slope * kernel).sum() for scale, (kernel, _) in zip(scales, parts, strict=True)]
    of_lengths = [scale * (slope * steep).sum() for scale, (_, steep) in zip(scales, parts, strict=True)]
    return value, np.array([*of_scales, *of_lengths, noise * np.trace(slope)])
