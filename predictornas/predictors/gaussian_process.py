"""A Gaussian process on views of a cell's graph that need no training: the cheap predictor, with its uncertainty."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float, Int

from predictornas.errors import ConfigurationError
from predictornas.normal_scores import normal_scores
from predictornas.plain_help import PlainHelp
from predictornas.predictors.fidelity import FidelityRule, comparable
from predictornas.predictors.fitting import checked_values
from predictornas.predictors.process.graph_views import STRUCTURE, RawViews, Scaling, raw_views
from predictornas.predictors.process.matern import Hyperparameters, Regression, tuned
from predictornas.predictors.process.views import Inputs
from predictornas.spaces.base import Genes, SearchSpace

_BLOCK = 1 << 13


@dataclass(kw_only=True)
class GaussianProcess(metaclass=PlainHelp):
    """Regression on normal scores with a sum of Matern-5/2 kernels, one for each view of the graph (ours).

    The views are counts of what a cell is made of, subtrees around its vertices (as in the Weisfeiler-Lehman kernel of
    Ru et al. 2021) and the features of an untrained flow network; see `graph_views`. Values are replaced by the normal
    quantiles of their ranks, so that a training that blew up weighs no more than any last place, and noise has heavy
    tails, so that it weighs little where its neighbours say otherwise. Hyperparameters are the most probable ones, with
    a relevance for each count; see `matern`.

    Example:
        >>> import numpy as np
        >>> from predictornas import GaussianProcess, get_space
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(30, rng)
        >>> values = (genes == 3).mean(axis=1)  # more 3 x 3 convolutions are better
        >>> predictor = GaussianProcess().fit(space, genes, values, rng=rng)
        >>> best, worst = np.array([[3] * 6], np.int8), np.array([[0] * 6], np.int8)
        >>> bool(predictor.predict(best)[0] > predictor.predict(worst)[0])
        True

    Attributes:
        width: of the random flow features, >= 1.
        flow_seed: of the random flow network; members of an ensemble differ by it.
        tuned_on: architectures, drawn at random where there are more, that the hyperparameters are tuned on.
        relevances: whether each count has a relevance of its own.
        degrees_of_freedom: of the noise, Student's t; None for normal noise.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs; see `fidelity`.
        space_: the space it was fitted on.
        regression_: the posterior.
    """

    width: int = 64
    flow_seed: int = 0
    tuned_on: int = 500
    relevances: bool = True
    degrees_of_freedom: float | None = 4.0
    fidelity_pairs: FidelityRule = "common"

    _signals: ClassVar[bool] = False

    @property
    def knows_noise(self) -> bool:
        """Its noise is one of the hyperparameters, and its scores are posterior means."""
        return True

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> GaussianProcess:
        """Tunes the kernel and conditions on all architectures.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`; an architecture that was evaluated at several fidelities has a row for each.
            values: `(n,)`, higher is better.
            epochs: `(n,)` fidelity of each value; where they differ, each architecture's Borda share is learned.
            rng: draws what the hyperparameters are tuned on where there are more than `tuned_on`.

        Raises:
            DataError: a value is not finite.
            UnknownNameError: no such rule for pairs across fidelities.
        """
        values = checked_values(genes, values)
        genes, values = comparable(genes, values, epochs, self.fidelity_pairs)
        self._condition(space, genes, normal_scores(values), rng)
        return self

    def _condition(
        self, space: SearchSpace, genes: Genes, targets: Float[np.ndarray, " n"], rng: np.random.Generator
    ) -> None:
        """Tunes the kernel on targets and conditions on them."""
        views = raw_views(space, genes, width=self.width, seed=self.flow_seed, signals=self._signals)
        self._scaled = Scaling(views)
        inputs = self._scaled(views)
        rows = np.sort(rng.permutation(len(targets))[: self.tuned_on])
        relevant = (STRUCTURE,) if self.relevances else ()
        hyperparameters = tuned([view[rows] for view in inputs], targets[rows], relevant=relevant)
        self.regression_ = self._regression(inputs, targets, hyperparameters, rng)
        self.space_ = space

    def _regression(
        self, inputs: Inputs, targets: Float[np.ndarray, " n"], found: Hyperparameters, rng: np.random.Generator
    ) -> Regression:
        """The posterior with the hyperparameters that were found."""
        return Regression(inputs, targets, found, degrees_of_freedom=self.degrees_of_freedom)

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Posterior means of the normal scores, higher is better."""
        if len(genes) <= _BLOCK:
            return self.regression_.mean(self._scaled(self._views(genes)))
        scores = np.zeros(len(genes), np.float32)
        for place, part in enumerate(self._scaled.in_parts(self._views(genes))):
            scores += part.gathered(functools.partial(self.regression_.part, place))
        return scores

    def predict_std(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Posterior standard deviations of the normal scores, without the noise of one more training."""
        views = self._views(genes)
        # all views of a whole space at once would not fit
        blocks = (views.rows(start, start + _BLOCK) for start in range(0, max(1, len(views)), _BLOCK))
        return np.concatenate([self.regression_.std(self._scaled(block)) for block in blocks])

    def expecting(self, genes: Genes) -> GaussianProcess:
        """This process once architectures in flight have turned out to be just what it predicts (a fantasy).

        What it predicts stays the same, and it is surer of them and of what is like them; hyperparameters are kept.

        Args:
            genes: `(p, g)`, one training each.
        """
        wider = copy.copy(self)
        wider.regression_ = self.regression_.expecting(self._scaled(self._views(genes)))
        return wider

    def _views(self, genes: Genes) -> RawViews:
        return raw_views(self.space_, genes, width=self.width, seed=self.flow_seed, signals=self._signals)


@dataclass(kw_only=True)
class SignalProcess(GaussianProcess):
    """The same with how signals pass through the untrained cell.

    In NAS-Bench-101 that is worked out by mean-field theory and stands among the counts: see
    `process.signal_propagation`. In NAS-Bench-201 skip connections are wires: counts and subtrees of the cell without
    them stand beside those with them, so that cells which compute the same look alike: see `process.identities`. In
    spaces that say nothing of what their operations do to a signal it is the same as `GaussianProcess`.

    Example:
        >>> import numpy as np
        >>> from predictornas import SignalProcess, get_space
        >>> space, rng = get_space("nasbench101"), np.random.default_rng(0)
        >>> genes = space.enumerate()[::9000]
        >>> quality = (genes[:, 21:] == 0).mean(axis=1)  # more 3 x 3 convolutions are better
        >>> predictor = SignalProcess().fit(space, genes, quality, rng=rng)
        >>> bool(np.corrcoef(predictor.predict(genes), quality)[0, 1] > 0.9)
        True

    Attributes:
        width: of the random flow features, >= 1.
        flow_seed: of the random flow network.
        tuned_on: architectures that the hyperparameters are tuned on.
        relevances: whether each count has a relevance of its own.
        degrees_of_freedom: of the noise, Student's t; None for normal noise.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs.
    """

    _signals: ClassVar[bool] = True


@dataclass(kw_only=True)
class SparseSignalProcess(SignalProcess):
    """The same with scores made of fewer kernels, so that a space is scored in seconds where thousands were trained.

    All that was trained is conditioned on and has its say; only the mean is made of the kernels of `inducing` of them,
    drawn at random: the subset of regressors, see `process.matern.Regression.on_fewer`. `predict_std` is that of all.

    Example:
        >>> import numpy as np
        >>> from predictornas import get_space
        >>> from predictornas.predictors.gaussian_process import SparseSignalProcess
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(60, rng)
        >>> predictor = SparseSignalProcess(inducing=30).fit(space, genes, (genes == 3).mean(axis=1), rng=rng)
        >>> predictor.predict(genes).shape
        (60,)

    Attributes:
        inducing: kernels that scores are made of, >= 1; all where no more were trained.
        width: of the random flow features, >= 1.
        flow_seed: of the random flow network.
        tuned_on: architectures that the hyperparameters are tuned on.
        relevances: whether each count has a relevance of its own.
        degrees_of_freedom: of the noise, Student's t; None for normal noise.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs.
    """

    inducing: int = 1500
    width: int = 16

    def __post_init__(self) -> None:
        if self.inducing < 1:
            raise ConfigurationError(f"SparseSignalProcess needs inducing >= 1, not {self.inducing}.")

    def _regression(
        self, inputs: Inputs, targets: Float[np.ndarray, " n"], found: Hyperparameters, rng: np.random.Generator
    ) -> Regression:
        whole = super()._regression(inputs, targets, found, rng)
        if self.inducing >= len(targets):
            return whole
        return whole.on_fewer(inputs, np.sort(rng.permutation(len(targets))[: self.inducing]))
