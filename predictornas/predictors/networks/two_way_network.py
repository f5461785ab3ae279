"""A residual graph network that passes messages both ways and reads more than the graph, in torch."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.predictors.engine.dense import DenseBatch
from predictornas.predictors.networks.graph_network import dropped, uniform

_TINY = 1e-5


class TwoWayNetwork(torch.nn.Module):
    """Layers X <- LN(X + s * ReLU(X W + P X W' + P' X W'' + b)), then two fully connected layers.

    P gathers along the edges, P' against them, and the gate s = sigmoid(e) has a vector e for each operation and layer
    (ours; what opens by operation is from Ning et al. 2020, GATES, layer normalisation from Ba et al. 2016). The head
    reads the mean and the maximum over vertices, and what else is known of the graph. Initial weights are uniform in
    +-1/sqrt(features in), labels start from uniform numbers in +-sqrt(3), gates half open, biases from 0.

    Args:
        labels: number of one-hot labels of a vertex.
        known: features of a graph that the head reads beside the vertices.
        layers: rounds of messages, >= 1.
        width: features of every layer.
        hidden: features of the layer before the output.
        dropout: share of the features behind every ReLU that training leaves out.
        generator: source of the initial weights and of dropout.
    """

    def __init__(
        self,
        labels: int,
        known: int,
        *,
        layers: int,
        width: int,
        hidden: int,
        dropout: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self._dropout, self._generator = dropout, generator
        bound = 1 / math.sqrt(3 * width)
        self.start = torch.nn.Parameter(uniform((labels, width), math.sqrt(3), generator))
        self.weights = torch.nn.ParameterList(uniform((width, 3 * width), bound, generator) for _ in range(layers))
        self.biases = torch.nn.Parameter(torch.zeros(layers, width))
        self.gates = torch.nn.Parameter(torch.zeros(layers, labels, width))
        self.scales = torch.nn.Parameter(torch.ones(layers, width))
        self.shifts = torch.nn.Parameter(torch.zeros(layers, width))
        read = 2 * width + known
        self.hidden = torch.nn.Parameter(uniform((read, hidden), 1 / math.sqrt(read), generator))
        self.hidden_bias = torch.nn.Parameter(torch.zeros(hidden))
        self.output = torch.nn.Parameter(uniform((hidden,), 1 / math.sqrt(hidden), generator))
        self.bias = torch.nn.Parameter(torch.zeros(()))

    def forward(self, batch: DenseBatch, known: Float[Tensor, "n k"]) -> Float[Tensor, " n"]:
        """Scores of graphs; in training mode with dropout.

        Args:
            batch: with both directions as its propagations.
            known: what the head reads beside the vertices.
        """
        along, against = batch.propagations
        real = batch.labels.sum(2, keepdim=True)
        features = batch.labels @ self.start
        for layer, weights in enumerate(self.weights):
            own, inputs, outputs = (features @ weights).split(features.shape[2], 2)
            received = torch.baddbmm(torch.baddbmm(own + self.biases[layer], along, inputs), against, outputs)
            sums = features + self._left(torch.relu(received) * (batch.labels @ self.gates[layer].sigmoid()))
            features = real * torch.nn.functional.layer_norm(
                sums, sums.shape[2:], self.scales[layer], self.shifts[layer], _TINY
            )
        mean = (features * batch.shares[:, :, None]).sum(1)
        most = features.masked_fill(real == 0, -math.inf).amax(1)
        hidden = torch.relu(torch.cat([mean, most, known], 1) @ self.hidden + self.hidden_bias)
        scores: Tensor = self._left(hidden) @ self.output + self.bias
        return scores

    def _left(self, features: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return dropped(features, self._dropout, self._generator) if self.training else features
