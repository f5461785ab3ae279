"""The graph isomorphism network of NPENAS in torch, as it is trained and as it scores."""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.predictors.engine.dense import DenseBatch
from predictornas.predictors.networks.graph_network import dropped, uniform

_KEPT = 0.9
"""Share of the running means that a batch leaves as it was."""
_TINY = 1e-5


class GINNetwork(torch.nn.Module):
    """Layers BN(ReLU(W2 ReLU(W1 (x_v + sum of x_u over its inputs u) + b1) + b2)), the mean over vertices, two layers.

    Batch normalisation is over the real vertices of a batch, and over all training batches' running means afterwards.

    Args:
        labels: number of one-hot labels of a vertex.
        layers: rounds of messages, >= 1.
        width: features of every layer.
        hidden: features of the layer before the output.
        dropout: share of the hidden features that training leaves out.
        generator: source of the initial weights and of dropout.
    """

    def __init__(
        self, labels: int, *, layers: int, width: int, hidden: int, dropout: float, generator: torch.Generator
    ) -> None:
        super().__init__()
        self._dropout, self._generator = dropout, generator
        sizes = [labels, *[width] * (2 * layers), hidden, 1]
        self.weights = torch.nn.ParameterList(
            uniform((inputs, outputs), 1 / math.sqrt(inputs), generator) for inputs, outputs in pairwise(sizes)
        )
        self.biases = torch.nn.ParameterList(torch.zeros(outputs) for outputs in sizes[1:])
        self.scales = torch.nn.Parameter(torch.ones(layers, width))
        self.shifts = torch.nn.Parameter(torch.zeros(layers, width))
        self.means: Tensor
        self.variances: Tensor
        self.register_buffer("means", torch.zeros(layers, width))
        self.register_buffer("variances", torch.ones(layers, width))

    def forward(self, batch: DenseBatch) -> Float[Tensor, " n"]:
        """The output before any sigmoid; in training mode with batch statistics and dropout."""
        features, (along,) = batch.labels, batch.propagations
        real = (batch.labels.sum(2) > 0).to(features)
        for layer in range(len(self.scales)):
            received = along @ features
            for place in (2 * layer, 2 * layer + 1):
                received = torch.relu(received @ self.weights[place] + self.biases[place])
            features = self._normalised(received, real, layer) * real[:, :, None]
        hidden = torch.relu((features * batch.shares[:, :, None]).sum(1) @ self.weights[-2] + self.biases[-2])
        if self.training:
            hidden = dropped(hidden, self._dropout, self._generator)
        output: Tensor = hidden @ self.weights[-1] + self.biases[-1]
        return output[:, 0]

    def _normalised(
        self, features: Float[Tensor, "n v w"], real: Float[Tensor, "n v"], layer: int
    ) -> Float[Tensor, "n v w"]:
        mean, variance = self.means[layer], self.variances[layer]
        if self.training:
            count = real.sum().clamp_min(1)
            mean = (features * real[:, :, None]).sum((0, 1)) / count
            variance = ((features - mean).square() * real[:, :, None]).sum((0, 1)) / count
            with torch.no_grad():
                self.means[layer].lerp_(mean, 1 - _KEPT)
                self.variances[layer].lerp_(variance * (count / (count - 1).clamp_min(1)), 1 - _KEPT)
        scaled = (features - mean) * (variance + _TINY).rsqrt()
        return scaled * self.scales[layer] + self.shifts[layer]
