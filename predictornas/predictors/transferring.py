"""A Gaussian process that also knows how others ranked: on another data set, or by a score without training."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from predictornas.errors import DataError
from predictornas.normal_scores import normal_scores
from predictornas.plain_help import PlainHelp
from predictornas.predictors.fidelity import comparable
from predictornas.predictors.fitting import checked_values
from predictornas.predictors.gaussian_process import GaussianProcess
from predictornas.predictors.process.matern import Regression
from predictornas.remembering import remembered
from predictornas.seeding import rng_for
from predictornas.spaces.base import Genes, SearchSpace

MOST = 500
"""Trials of a prior, drawn at random where there are more, that its process is conditioned on."""

_NOTHING = 1e-12
"""Sum of squares below which predictions are all the same."""


@dataclass(frozen=True, eq=False)
class Prior(metaclass=PlainHelp):
    """Trials of another objective: their values are ranks among themselves, and nothing else.

    Example:
        >>> from predictornas import get_space
        >>> from predictornas.predictors.transferring import Prior
        >>> cells = get_space("nasbench201").sample(30, np.random.default_rng(0))
        >>> len(Prior(cells, (cells == 3).mean(axis=1)))
        30

    Attributes:
        genes: `(n, g)`.
        values: `(n,)`, higher is better; NaN, a training that failed, is left out.

    Raises:
        DataError: fewer than three values, or all of them equal: there is nothing to rank.
    """

    genes: Genes
    values: Float[np.ndarray, " n"]

    def __post_init__(self) -> None:
        known = self.values[np.isfinite(self.values)]
        if len(self.genes) != len(self.values) or len(known) < 3 or known.min() == known.max():
            raise DataError(
                f"A prior needs a value for each architecture, and at least three that are not all equal; this one "
                f"has {len(self.genes)} architectures and {len(np.unique(known))} different values."
            )

    def __len__(self) -> int:
        return len(self.values)


@dataclass(kw_only=True)
class TransferProcess(GaussianProcess):
    """A Gaussian process on what the ranks of priors leave unexplained (ours).

    Each prior has a process of its own, which predicts the normal scores of its ranks for any architecture. These
    predictions times a slope are the mean of the process here, which learns the residuals; see `shrunken_slope`. A
    prior that says nothing, or the opposite, has the slope 0 but for chance, and the process is then the one without
    it. Several priors take turns, each on what those before it left.

    Example:
        >>> from predictornas import get_space
        >>> from predictornas.predictors.transferring import Prior, TransferProcess
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> cells = space.sample(60, rng)
        >>> values = (cells == 3).mean(axis=1)
        >>> process = TransferProcess(priors=(Prior(cells[:50], 100 * values[:50]),))
        >>> process = process.fit(space, cells[50:], values[50:], rng=rng)
        >>> bool(process.slopes_[0] > 0.5)
        True

    Attributes:
        priors: each ranked by itself.
        slopes_: `(s,)` what each counts, after `fit`.
    """

    priors: tuple[Prior, ...] = ()

    @classmethod
    def of(cls, process: GaussianProcess, priors: tuple[Prior, ...]) -> TransferProcess:
        """A process configured like another, with priors."""
        return cls(**_configuration(process), priors=priors)

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> TransferProcess:
        """As `GaussianProcess.fit`, and the slopes; it looks at values twice where a prior counts.

        Raises:
            DataError, UnknownNameError: as there.
        """
        values = checked_values(genes, values)
        genes, values = comparable(genes, values, epochs, self.fidelity_pairs)
        alone = GaussianProcess(**_configuration(self))
        self._others = [fitted(prior, space, alone) for prior in self.priors]
        residuals, slopes = normal_scores(values), np.zeros(len(self.priors))
        self._condition(space, genes, residuals, rng)
        for place, other in enumerate(self._others):
            predicted = other.predict(genes).astype(np.float64)
            predicted -= predicted.mean()
            slopes[place] = shrunken_slope(predicted, residuals, self.regression_)
            residuals = residuals - slopes[place] * predicted
        if slopes.any():
            self._condition(space, genes, residuals, rng)
        self.slopes_ = slopes
        return self

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Posterior means, higher is better: what the priors say, each times its slope, and the residual."""
        means = super().predict(genes)
        for slope, other in zip(self.slopes_.tolist(), self._others, strict=True):
            means = means + slope * other.predict(genes) if slope else means
        return means


def shrunken_slope(
    predicted: Float[np.ndarray, " n"], targets: Float[np.ndarray, " n"], regression: Regression
) -> float:
    """The slope of targets in what was predicted, less what chance alone would make of it; never negative.

    The slope is that of generalised least squares, b = x' C^-1 y / x' C^-1 x, where C is the covariance of the targets
    as a process without predictions sees them: two smooth functions of a few architectures look alike by chance, which
    a plain regression takes for evidence. Its variance is v = 1 / x' C^-1 x, and b (1 - v / b^2), at least 0, is what
    is left of it where slopes that size are common (empirical Bayes; James and Stein 1961).

    Args:
        predicted: `(n,)` x, with mean 0.
        targets: `(n,)` y.
        regression: conditioned on targets of these architectures.
    """
    if predicted @ predicted < _NOTHING:
        return 0.0
    weighed = regression.solve(predicted)
    precision = float(weighed @ predicted)
    slope = float(weighed @ targets) / precision
    return slope * max(0.0, 1 - 1 / (precision * slope**2)) if slope > 0 else 0.0


def fitted(prior: Prior, space: SearchSpace, process: GaussianProcess) -> GaussianProcess:
    """A process on the ranks of a prior, the same every time it is asked for.

    Args:
        prior: `MOST` of its trials, drawn at random, are looked at.
        space: of its architectures.
        process: its configuration.
    """
    configuration = tuple(_configuration(process).items())
    return _fitted(prior, space, configuration)


@remembered(8)  # the iterations of a run ask for the same
def _fitted(prior: Prior, space: SearchSpace, configuration: tuple[tuple[str, Any], ...]) -> GaussianProcess:
    rng = rng_for(0, 0, "source")
    rows = np.sort(rng.permutation(np.flatnonzero(np.isfinite(prior.values)))[:MOST])
    process = GaussianProcess(**dict(configuration))
    return process.fit(space, prior.genes[rows], prior.values[rows], rng=rng)


def _configuration(process: GaussianProcess) -> dict[str, Any]:
    return {field.name: getattr(process, field.name) for field in fields(GaussianProcess)}
