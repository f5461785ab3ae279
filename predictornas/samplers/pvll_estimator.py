"""The validation loss estimator psi of PVLL-NAS: a recurrent network that learns on through the search."""

from __future__ import annotations

import copy

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.predictors.networks.rnn_network import RNNNetwork
from predictornas.samplers.adam import OngoingAdam


class LossEstimator:
    """psi: relaxed architectures to a loss in [0, 1], and the Adam that trains it (Li, Dong et al. 2020, section 3.3).

    The sigmoid of the network is the loss itself, lower is better.

    Args:
        width: k of the sequences `(n, steps, k)`.
        hidden: state size of the LSTM (ours; the paper names none).
        learning_rate: constant rate of Adam (paper: 0.1).
        rng: source of the initial weights.
    """

    def __init__(self, width: int, *, hidden: int, learning_rate: float, rng: np.random.Generator) -> None:
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        self._network = RNNNetwork(width, hidden=hidden, layers=1, generator=generator)
        self._adam = OngoingAdam(list(self._network.parameters()), learning_rate)

    def copy(self) -> LossEstimator:
        """An estimator of its own, with the state of Adam; `train` on one leaves the other as it is."""
        return copy.deepcopy(self)

    def __call__(self, sequences: Float[Tensor, "n steps k"]) -> Float[Tensor, " n"]:
        """Estimated losses, differentiable in the sequences."""
        return torch.sigmoid(self._network(sequences))

    def losses(self, sequences: Float[np.ndarray, "n steps k"]) -> Float[np.ndarray, " n"]:
        """Estimated losses in [0, 1], as float64."""
        with torch.no_grad():
            return np.asarray(self(torch.from_numpy(sequences)).numpy().astype(np.float64))

    def train(
        self,
        sequences: Float[np.ndarray, "n steps k"],
        losses: Float[np.ndarray, " n"],
        weights: Float[np.ndarray, " n"],
        *,
        steps: int,
    ) -> None:
        """`steps` full-batch steps on the mean of weight * (psi(H~) - loss)^2 (Li, Dong et al. 2020, eq. 8)."""
        inputs = torch.from_numpy(sequences)
        targets, factors = (torch.from_numpy(column.astype(np.float32)) for column in (losses, weights))
        for _ in range(steps):
            self._adam.descend((factors * (self(inputs) - targets) ** 2).mean())
