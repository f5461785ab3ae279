"""Gaussian-process regression with a sum of Matern kernels, one for each view of the inputs. Numpy and scipy only."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

from predictornas.predictors.process.posterior_mean import ViewMean
from predictornas.predictors.process.views import Inputs, View, columns_of, squared_norms
from predictornas.threads import one_blas_thread

_ROOT5 = 5**0.5
_JITTER = 1e-4
"""Added to the kernel of each input with itself."""
_SCALE_PRIOR = (0.0, 2.0)
_LENGTH_PRIOR = (0.7, 1.0)
_NOISE_PRIOR = (-3.0, 2.0)
_RELEVANCE_PRIOR = (0.0, 0.5)
_REACH = 8
"""Standard deviations of the priors within which the likelihood is computed."""
_MOST_STEPS = 60
_REWEIGHTINGS = 4
"""Rounds in which surprising observations lose weight; more of them change no rank that matters."""
_BLOCK = 1 << 18
"""Kernel entries worked on at once: 2 MiB in float64."""
_SIDE = 1 << 9
"""Of a square of as many entries."""
_CACHED = 1 << 14
"""Entries that stay in the second-level cache while all steps of the kernel pass over them."""


@dataclass(frozen=True)
class Hyperparameters:
    """Of k(x, z) = sum over views of scale * m(|relevances * (x - z)| / (length * sqrt(features))), m = Matern-5/2.

    Attributes:
        scales: one for each view, the variance that it explains.
        lengths: one for each view.
        noise: variance of the observations.
        relevances: `(features,)` of the views that have some, by their places among the views; 1 in all others.
    """

    scales: Float[np.ndarray, " views"]
    lengths: Float[np.ndarray, " views"]
    noise: float
    relevances: Mapping[int, Float[np.ndarray, " f"]] = field(default_factory=dict)

    def scaled(self, inputs: Inputs) -> Inputs:
        """The inputs times their relevances."""
        return [self.scaled_view(place, view) for place, view in enumerate(inputs)]

    def scaled_view(self, place: int, view: View) -> View:
        """One of the views times its relevances, if it has some."""
        return view * self.relevances[place].astype(view.dtype) if place in self.relevances else view


def tuned(inputs: Inputs, targets: Float[np.ndarray, " n"], *, relevant: Collection[int] = ()) -> Hyperparameters:
    """The most probable hyperparameters: marginal likelihood times log-normal priors, by L-BFGS with exact slopes.

    The priors are wide for scales, lengths and noise (standard deviations 2, 1 and 2 of their logarithms, medians 1, 2
    and 0.05, ours) and keep a handful of observations from deciding more than they know. That of a relevance is narrow
    (0.5 around 1): with as many features as observations, it is what they may say and not what they have to.

    Args:
        inputs: what was observed, view by view.
        targets: `(n,)` observations.
        relevant: places of the views whose features each get a relevance (automatic relevance determination; MacKay
            1996); these views must be dense.
    """
    problem = _Problem(inputs, targets, tuple(sorted(relevant)))
    middles, widths = problem.prior()

    def objective(theta: Float[np.ndarray, " t"]) -> tuple[float, Float[np.ndarray, " t"]]:
        # a line search may try what overflows: the likelihood stays as it is at the edge, the prior goes on to rise
        inside = np.clip(theta, middles - _REACH * widths, middles + _REACH * widths)
        value, slopes = problem.negative_log_likelihood(inside)
        off = (theta - middles) / widths
        return value + 0.5 * float(off @ off), slopes * (inside == theta) + off / widths

    with one_blas_thread():
        best = minimize(objective, middles, jac=True, method="L-BFGS-B", options={"maxiter": _MOST_STEPS}).x
    return problem.hyperparameters(best)


class Regression:
    """The posterior of a Gaussian process with mean zero, under normal noise or under noise with heavy tails.

    Student's t noise is normal noise whose variance is unknown for each observation. The mode of the posterior comes
    from giving each the variance that its own residual makes likely, in turns (Lange, Little and Taylor 1989); the
    standard deviations are those under these variances.

    Args:
        inputs: what was observed, view by view.
        targets: `(n,)` observations.
        hyperparameters: of the kernel.
        degrees_of_freedom: of Student's t, > 0; None for normal noise.
    """

    def __init__(
        self,
        inputs: Inputs,
        targets: Float[np.ndarray, " n"],
        hyperparameters: Hyperparameters,
        *,
        degrees_of_freedom: float | None = None,
    ) -> None:
        self.hyperparameters = hyperparameters
        inputs = hyperparameters.scaled(inputs)
        self._observed = [_Observed(view) for view in inputs]
        self._expected: list[_Observed] = []
        self._count = len(targets)
        covariance = self._covariance(inputs)
        noise = np.full(self._count, hyperparameters.noise)
        weights = self._condition(covariance, noise, targets)
        if degrees_of_freedom is not None:
            for _ in range(_REWEIGHTINGS):
                # targets - K weights = noise * weights (but for the jitter), so that residuals cost no product of
                # matrices
                surprise = (noise * weights) ** 2 / hyperparameters.noise
                noise = hyperparameters.noise * (degrees_of_freedom + surprise) / (degrees_of_freedom + 1)
                weights = self._condition(covariance, noise, targets)
        self._targets, self._noise = targets, noise
        self._make_mean_of(inputs, weights)

    def on_fewer(self, inputs: Inputs, rows: Int[np.ndarray, " z"]) -> Regression:
        """The same with a mean made of the kernels of some observations alone, as much faster as they are fewer.

        All others still have their say in how much each weighs: the subset of regressors (Quinonero-Candela and
        Rasmussen 2005, section 5). `std` stays that of all.

        Args:
            inputs: what was observed, as at the beginning.
            rows: those whose kernels are kept.
        """
        fewer, inputs = copy.copy(self), self.hyperparameters.scaled(inputs)
        kept = [view[rows] for view in inputs]
        kernel = self._kernel(inputs, [_Observed(view) for view in kept])
        noisy = kernel / (self._noise + _JITTER)[:, None]
        inner = kernel[rows] + noisy.T @ kernel
        inner[np.diag_indices(len(rows))] += _JITTER
        fewer._make_mean_of(kept, cho_solve(cho_factor(inner, lower=True), noisy.T @ self._targets))
        return fewer

    def _make_mean_of(self, inputs: Inputs, weights: Float[np.ndarray, " z"]) -> None:
        """The mean is the sum of these weights times the kernels of these inputs, which are scaled already."""
        self._single = [_Observed(view.astype(np.float32)) for view in inputs], weights.astype(np.float32)
        self._parts = [
            ViewMean(view, scale * weights, length)
            for view, scale, length in zip(
                inputs, self.hyperparameters.scales, self.hyperparameters.lengths, strict=True
            )
        ]

    def _covariance(self, inputs: Inputs) -> Float[np.ndarray, "n n"]:
        """The kernel of what was observed: the lower triangle, block by block, column by column as LAPACK reads it."""
        covariance = np.zeros((self._count, self._count), order="F")
        starts = range(0, self._count, _SIDE)
        parts = [[view[start : start + _SIDE] for view in inputs] for start in starts]
        known = [[_Observed(view) for view in part] for part in parts]
        for row, part in zip(starts, parts, strict=True):
            for column, observed in zip(starts[: row // _SIDE + 1], known, strict=False):
                covariance[row : row + _SIDE, column : column + _SIDE] = self._kernel(part, observed)
        return covariance

    def _condition(
        self, covariance: Float[np.ndarray, "n n"], noise: Float[np.ndarray, " n"], targets: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " n"]:
        """Observations with these variances: how much the kernel of each weighs in the mean."""
        noisy = covariance.copy(order="F")
        noisy[np.diag_indices(self._count)] += noise + _JITTER
        self._factor = cho_factor(noisy, lower=True, overwrite_a=True)
        return np.asarray(cho_solve(self._factor, targets, check_finite=False))

    def solve(self, vector: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """The inverse of the covariance of the observations, their noise included, times a vector."""
        return np.asarray(cho_solve(self._factor, vector, check_finite=False))

    def mean(self, inputs: Inputs) -> Float[np.ndarray, " m"]:
        """Posterior mean at each input, in single precision, all views at once: the clear way, for pools of a search.

        `part` is faster for a whole space and rounds in another way, which can exchange two architectures of nearly
        equal scores: with this way searches of a seed stay the same.
        """
        observed, weights = self._single
        inputs = self.hyperparameters.scaled(inputs)
        parts = ([view.astype(np.float32) for view in part] for part in self._blocks(inputs))
        return np.concatenate([np.asarray(self._kernel(part, observed) @ weights) for part in parts])

    def part(self, place: int, view: View) -> Float[np.ndarray, " m"]:
        """What one of the views adds to the mean at each input; the mean is the sum of these parts.

        Args:
            place: of the view.
            view: `(m, f)`, the inputs as it describes them.
        """
        return self._parts[place](self.hyperparameters.scaled_view(place, view))

    def std(self, inputs: Inputs) -> Float[np.ndarray, " m"]:
        """Posterior standard deviation of the function, without noise, at each input."""
        variances = []
        for part in self._blocks(self.hyperparameters.scaled(inputs)):
            kernel = self._kernel(part, self._observed)
            if self._expected:
                kernel = np.hstack([kernel, self._kernel(part, self._expected)])
            explained = solve_triangular(self._factor[0], kernel.T, lower=True)
            variances.append(self.hyperparameters.scales.sum() - (explained**2).sum(axis=0))
        return np.asarray(np.sqrt(np.maximum(np.concatenate(variances), 0)))

    def expecting(self, inputs: Inputs) -> Regression:
        """The posterior once these inputs were observed to be just what it predicts: only `std` is another one.

        Observations that lie on the mean leave the mean where it is.

        Args:
            inputs: what is going to be observed, with normal noise; replaces what was expected before.
        """
        inputs = self.hyperparameters.scaled(inputs)
        wider, factor = copy.copy(self), self._factor[0][: self._count, : self._count]
        wider._expected = [_Observed(view) for view in inputs]
        shared = solve_triangular(factor, self._kernel(inputs, self._observed).T, lower=True)
        rest = self._kernel(inputs, wider._expected) - shared.T @ shared
        rest[np.diag_indices(len(rest))] += self.hyperparameters.noise + _JITTER
        lower = np.block([[np.tril(factor), np.zeros(shared.shape)], [shared.T, np.linalg.cholesky(rest)]])
        wider._factor = lower, True
        return wider

    def _kernel(self, inputs: Inputs, observed: Sequence[_Observed]) -> Float[np.ndarray, "m n"]:
        total = np.zeros((inputs[0].shape[0], len(observed[0])), inputs[0].dtype)
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
        self._columns = -2 * np.ascontiguousarray(columns_of(view))
        self._squares = squared_norms(view)

    def __len__(self) -> int:
        return len(self._squares)

    def distances(self, view: View) -> Float[np.ndarray, "m n"]:
        """Euclidean distances over the root of the number of features; one product of matrices, many times a loop."""
        distances: Float[np.ndarray, "m n"] = view @ self._columns
        distances += self._squares
        distances += squared_norms(view)[:, None]
        # |x|^2 + |z|^2 - 2 x z of near inputs can round to less than 0; what that does to the kernel the jitter mends
        np.maximum(distances, 0, out=distances)
        distances /= max(1, view.shape[1])
        np.sqrt(distances, out=distances)
        return distances


def _matern(
    distances: Float[np.ndarray, "m n"],
) -> tuple[Float[np.ndarray, "m n"], Float[np.ndarray, "m n"]]:
    """The Matern-5/2 kernel, and how fast it falls: its slope in half the squared distance is minus this."""
    # k = (1 + r + r^2 / 3) exp(-r); dk / d(distance^2 / 2) = -5/3 (1 + r) exp(-r), which does not divide by the
    # distance: that is 0 on the diagonal
    kernel, fall = np.empty_like(distances), np.empty_like(distances)
    rows = max(1, _CACHED // max(1, distances.shape[1]))
    for start in range(0, len(distances), rows):
        block = slice(start, start + rows)
        r = _ROOT5 * distances[block]
        decay = np.exp(-r)
        np.multiply(1 + r, decay, out=fall[block])
        r *= r
        r /= 3
        r *= decay
        np.add(fall[block], r, out=kernel[block])
        fall[block] *= 5 / 3
    return kernel, fall


class _Problem:
    """What the hyperparameters have to explain; theta = logarithms of scales, lengths, noise and all relevances."""

    def __init__(self, inputs: Inputs, targets: Float[np.ndarray, " n"], relevant: tuple[int, ...]) -> None:
        self._inputs, self._targets, self._relevant = inputs, targets, relevant
        self._features = [inputs[place].shape[1] for place in relevant]
        self._distances = [
            None if place in relevant else _Observed(view).distances(view) for place, view in enumerate(inputs)
        ]

    def prior(self) -> tuple[Float[np.ndarray, " t"], Float[np.ndarray, " t"]]:
        """Means and standard deviations of theta."""
        priors = np.array([_SCALE_PRIOR, _LENGTH_PRIOR, _NOISE_PRIOR, _RELEVANCE_PRIOR])
        views = len(self._inputs)
        middles, widths = np.repeat(priors, [views, views, 1, sum(self._features)], axis=0).T
        return middles, widths

    def hyperparameters(self, theta: Float[np.ndarray, " t"]) -> Hyperparameters:
        """What theta stands for."""
        views = len(self._inputs)
        scales, lengths, noise, rest = np.split(np.exp(theta), [views, 2 * views, 2 * views + 1])
        shares = np.split(rest, np.cumsum(self._features)[:-1])
        return Hyperparameters(scales, lengths, float(noise[0]), dict(zip(self._relevant, shares, strict=False)))

    def negative_log_likelihood(self, theta: Float[np.ndarray, " t"]) -> tuple[float, Float[np.ndarray, " t"]]:
        """-log p(targets) up to a constant, and its slopes."""
        found = self.hyperparameters(theta)
        inputs = found.scaled(self._inputs)
        apart = [
            (known if known is not None else _Observed(view).distances(view)) / length
            for known, view, length in zip(self._distances, inputs, found.lengths, strict=True)
        ]
        parts = [_matern(distances) for distances in apart]
        covariance = sum(scale * kernel for scale, (kernel, _) in zip(found.scales, parts, strict=True))
        covariance += (found.noise + _JITTER) * np.eye(len(self._targets))
        factor = cho_factor(covariance, lower=True)
        inverse = cho_solve(factor, np.eye(len(self._targets)))
        weights = inverse @ self._targets
        # the logarithms of the factor's diagonal add up to half the log determinant, and they come with a plus: with a
        # minus, as in public code around this kernel, the noise always ends at its upper limit
        value = 0.5 * float(self._targets @ weights) + float(np.log(np.diag(factor[0])).sum())
        # d value / d covariance = (inverse - weights weights^T) / 2
        slope = 0.5 * (inverse - np.outer(weights, weights))
        pulls = [scale * slope * fall for scale, (_, fall) in zip(found.scales, parts, strict=True)]
        # theta holds logarithms: d / d log(scale) = scale * d / d scale, and so on
        of_scales = [scale * (slope * kernel).sum() for scale, (kernel, _) in zip(found.scales, parts, strict=True)]
        # distance ~ 1 / length, so d (distance^2 / 2) / d log(length) = -distance^2
        of_lengths = [(pull * distances**2).sum() for pull, distances in zip(pulls, apart, strict=True)]
        of_relevances = [
            _spread_along(inputs[place], pulls[place]) / (-(found.lengths[place] ** 2) * inputs[place].shape[1])
            for place in self._relevant
        ]
        return value, np.concatenate([of_scales, of_lengths, [found.noise * np.trace(slope)], *of_relevances])


def _spread_along(view: Float[np.ndarray, "n f"], pairs: Float[np.ndarray, "n n"]) -> Float[np.ndarray, " f"]:
    """Sum over all pairs, weighted symmetrically, of their squared differences in each feature."""
    return np.asarray(2 * (pairs.sum(axis=1) @ view**2 - (view * (pairs @ view)).sum(axis=0)))
