"""The network of Wen et al. 2020 in torch, as it is trained: with dropout, and with its head unfolded."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.predictors.engine.dense import DenseBatch
from predictornas.predictors.networks.gcn_network import GCNNetwork
from predictornas.predictors.networks.graph_network import dropped, uniform


class NeuralPredictorNetwork(torch.nn.Module):
    """Graph convolutions both ways, the mean over vertices, a fully connected layer and one output.

    No activation follows the fully connected layer, as in both public reimplementations. Without dropout the head is
    linear then, and the whole network a `GCNNetwork`: see `folded`. Initial weights are Glorot-uniform as in these
    reimplementations, biases 0 (ours).

    Args:
        labels: number of one-hot labels of a vertex.
        layers: number of graph convolutions, >= 1.
        width: features of every convolution.
        hidden: features of the fully connected layer.
        dropout: share of features set to 0 in training, behind each convolution and the fully connected layer.
        generator: source of the initial weights and of dropout.

    Attributes:
        convolutions: a matrix `(features in, width)` for each layer and direction, layer by layer.
        hidden: `(width, hidden)`.
        hidden_bias: `(hidden,)`.
        output: `(hidden,)`.
        bias: `()`.
    """

    def __init__(
        self, labels: int, *, layers: int, width: int, hidden: int, dropout: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        sizes = [labels, *[width] * (layers - 1)]
        self._dropout = dropout
        self._generator = generator
        self.convolutions = torch.nn.ParameterList(
            _glorot((size, width), generator) for size in sizes for _ in range(2)
        )
        self.hidden = torch.nn.Parameter(_glorot((width, hidden), generator))
        self.hidden_bias = torch.nn.Parameter(torch.zeros(hidden))
        self.output = torch.nn.Parameter(_glorot((hidden, 1), generator)[:, 0])
        self.bias = torch.nn.Parameter(torch.zeros(()))

    def forward(self, batch: DenseBatch) -> Float[Tensor, " n"]:
        """Scores of a dense batch in training: each call draws other features to drop."""
        features = batch.labels
        along, against = batch.propagations
        for ahead, back in zip(self.convolutions[::2], self.convolutions[1::2], strict=True):
            received = torch.relu(along @ (features @ ahead)) + torch.relu(against @ (features @ back))
            features = dropped(received / 2, self._dropout, self._generator)
        pooled = (features * batch.shares[:, :, None]).sum(1)
        hidden = dropped(pooled @ self.hidden + self.hidden_bias, self._dropout, self._generator)
        return hidden @ self.output + self.bias

    def folded(self) -> GCNNetwork:
        """The same scores without dropout: the head as one output of the convolutions, for the engines of `GCN`."""
        labels, width = self.convolutions[0].shape
        layers = len(self.convolutions) // 2
        network = GCNNetwork(labels, layers=layers, width=width, propagations=2, generator=torch.Generator())
        with torch.no_grad():
            for folded, own in zip(network.convolutions, self.convolutions, strict=True):
                folded.copy_(own)
            network.output.copy_(self.hidden @ self.output)
            network.bias.copy_(self.hidden_bias @ self.output + self.bias)
        return network.requires_grad_(False).to(self.bias.device)


def _glorot(shape: tuple[int, int], generator: torch.Generator) -> Float[Tensor, "a b"]:
    return uniform(shape, math.sqrt(6 / sum(shape)), generator)
