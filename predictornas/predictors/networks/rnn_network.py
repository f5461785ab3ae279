"""The recurrent network in torch: an LSTM over the genes of an architecture, then one linear output."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.predictors.networks.graph_network import uniform


class RNNNetwork(torch.nn.Module):
    """The last hidden state of an LSTM through a dense layer (Li, Dong et al. 2020, section 3.3).

    The paper's sigmoid is left to the caller: a score is the logit. Initial weights are uniform in +-1/sqrt(hidden),
    as is usual in torch (ours: the paper names none).

    Args:
        width: k, places of a one-hot row.
        hidden: features of the hidden state, >= 1.
        layers: LSTMs stacked upon each other, >= 1.
        generator: source of the initial weights, the only one.

    Attributes:
        recurrence: the LSTM.
        output: the dense layer.
    """

    def __init__(self, width: int, *, hidden: int, layers: int, generator: torch.Generator) -> None:
        super().__init__()
        with torch.device("meta"):  # elsewhere torch would draw weights of its own from the global random state
            self.recurrence = torch.nn.LSTM(width, hidden, num_layers=layers, batch_first=True)
            self.output = torch.nn.Linear(hidden, 1)
        self.to_empty(device="cpu")
        with torch.no_grad():
            for parameter in self.parameters():
                parameter.copy_(uniform(tuple(parameter.shape), 1 / math.sqrt(hidden), generator))

    def forward(self, sequences: Float[Tensor, "n steps width"]) -> Float[Tensor, " n"]:
        """Scores of rows of one-hot genes, or of mixtures of such rows."""
        states, _ = self.recurrence(sequences)
        scores: Tensor = self.output(states[:, -1])
        return scores[:, 0]
