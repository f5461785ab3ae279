"""The recurrent predictor of PVLL-NAS (Li, Dong et al. 2020): an LSTM that reads an architecture gene by gene."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from predictornas.plain_help import PlainHelp
from predictornas.predictors.base import Predictor
from predictornas.predictors.fidelity import FidelityRule, comparable
from predictornas.predictors.fitting import check_device, checked_values, fit_network, starting_network
from predictornas.predictors.losses import Loss, MeanSquaredError
from predictornas.predictors.optimisers import Adam, Optimiser
from predictornas.spaces.base import Genes, SearchSpace

if TYPE_CHECKING:
    import torch

    from predictornas.predictors.networks.rnn_network import RNNNetwork

_BLOCK = 1024
"""Architectures scored at once."""


@dataclass(kw_only=True)
class RNN(metaclass=PlainHelp):
    """LSTM over `SearchSpace.sequences`, its last state through a dense layer (Li, Dong et al. 2020, section 3.3).

    A score is a logit: with a squared error its sigmoid is the estimate of the value, scaled to [0, 1] over the
    training set, which is 1 - psi in the paper. Li, Dong et al. train with Adam at a constant learning rate of 0.1; the
    other defaults are ours.

    Example:
        >>> import numpy as np
        >>> from predictornas import RNN, get_space
        >>> space, rng = get_space("nasbench201"), np.random.default_rng(0)
        >>> genes = space.sample(30, rng)
        >>> values = (genes == 3).mean(axis=1)  # more 3 x 3 convolutions are better
        >>> predictor = RNN(hidden=8, training_epochs=50).fit(space, genes, values, rng=rng)
        >>> best, worst = np.array([[3] * 6], np.int8), np.array([[0] * 6], np.int8)
        >>> bool(predictor.predict(best)[0] > predictor.predict(worst)[0])
        True

    Attributes:
        hidden: features of the LSTM's state, >= 1.
        layers: LSTMs stacked upon each other, >= 1.
        loss: what training minimises.
        optimiser: how.
        training_epochs: steps of full-batch training, >= 0.
        device: where torch computes, e.g. "cuda"; initial weights are the same on every device.
        fidelity_pairs: how architectures are ordered that were trained for different numbers of epochs; see `fidelity`.
        space_: the space it was fitted on.
        network_: the trained network.
        start_: the network that training begins with, where `starting_from` gave one.
    """

    hidden: int = 64
    layers: int = 1
    loss: Loss = field(default_factory=MeanSquaredError)
    optimiser: Optimiser = field(default_factory=lambda: Adam(learning_rate=0.01))
    training_epochs: int = 500
    device: str = "cpu"
    fidelity_pairs: FidelityRule = "common"
    start_: RNNNetwork | None = field(default=None, init=False, repr=False, compare=False)

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> RNN:
        """Trains a new network on all architectures at once; values that are all equal leave it untrained.

        Args:
            space: the space the genes belong to.
            genes: `(n, g)`; an architecture that was evaluated at several fidelities has a row for each.
            values: `(n,)`, higher is better.
            epochs: `(n,)` fidelity of each value; where they differ, each architecture's Borda share is learned.
            rng: source of the initial weights.

        Raises:
            DataError: a value is not finite.
            UnknownNameError: no such rule for pairs across fidelities.
            ConfigurationError: training diverged, this machine lacks the device, or the loss does not fit the values.
        """
        import torch

        from predictornas.predictors.networks.rnn_network import RNNNetwork

        values = checked_values(genes, values)
        check_device(self.device)
        genes, values = comparable(genes, values, epochs, self.fidelity_pairs)
        sequences = torch.from_numpy(space.sequences(genes)).to(self.device)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        network = RNNNetwork(sequences.shape[2], hidden=self.hidden, layers=self.layers, generator=generator)
        fit_network(
            network,
            lambda: network(sequences),
            values,
            start=self.start_,
            loss=self.loss,
            optimiser=self.optimiser,
            epochs=self.training_epochs,
            device=self.device,
        )
        self.space_ = space
        self.network_ = network
        return self

    def starting_from(self, fitted: Predictor) -> RNN:
        """An unfitted copy whose `fit` begins with the weights of `fitted` instead of random ones.

        Raises:
            ConfigurationError: `fitted` is no fitted predictor of this class.
        """
        copy = replace(self)
        copy.start_ = starting_network(self, fitted)
        return copy

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Scores in float32, higher is better."""
        import torch

        scores = np.empty(len(genes), np.float32)
        with torch.inference_mode():
            for start in range(0, len(genes), _BLOCK):
                rows = slice(start, start + _BLOCK)
                sequences = torch.from_numpy(self.space_.sequences(genes[rows])).to(self.device)
                scores[rows] = self.network_(sequences).cpu().numpy()
        return scores

    def estimate(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Estimated values in float64, 0 the worst and 1 the best of the training set: 1 - psi (Li, Dong et al. 2020).

        Only a predictor trained with a squared error estimates values; with a ranking loss this is a mere rank.
        """
        from scipy.special import expit

        estimates: np.ndarray = expit(self.predict(genes).astype(np.float64))
        return estimates

    def relaxed(self, sequences: torch.Tensor) -> torch.Tensor:
        """Scores `(n,)` of relaxed genes, differentiable in them.

        Args:
            sequences: `(n, steps, k)` float, rows of `SearchSpace.sequences` or mixtures of such rows.
        """
        scores: torch.Tensor = self.network_(sequences.to(self.device))
        return scores
