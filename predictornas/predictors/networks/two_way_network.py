"""A residual graph network that passes messages both ways and reads more than the graph, in torch."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor

from predictornas.predictors.engine.dense import DenseBatch
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.networks.graph_network import dropped, uniform

_TINY = 1e-5
_AT_ONCE = 256
"""Graphs scored at once: their features stay in the cache."""


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
            features = real * self._normalised(sums, layer)
        return self._read_out(features, real == 0, batch.shares, known)

    def indexed(
        self, tables: IndexTables, edges: UInt8[Tensor, "n v both"], known: Float[Tensor, "n k"]
    ) -> Float[Tensor, " n"]:
        """The same scores without gradients: the same weights, less to compute.

        The first round is made once for each distinct neighbourhood, and so is what the second one multiplies. Beyond
        that hardly any are alike: the other rounds are those of `forward`, in blocks that stay in the cache.

        Args:
            tables: of an index of one layer with both directions, whose gates are the labels.
            edges: 1 where a vertex hears another, those along and those against in turn for each.
            known: what the head reads beside the vertices.
        """
        features, labels = self._first_round(tables)
        gates, layers = self.gates.sigmoid(), len(self.weights)
        distinct = self._multiplied(features, 1) if layers > 1 else ()
        scores = []
        for start in range(0, len(edges), _AT_ONCE):
            part = slice(start, start + _AT_ONCE)
            shares, heard = tables.shares[:, part].t(), edges[part].to(features)
            rows = tables.vertices[:, part].t().reshape(-1)
            vertices, codes = features.index_select(0, rows), labels.index_select(0, rows)
            for layer in range(1, layers):
                own, messages = (
                    (table.index_select(0, rows) for table in distinct)
                    if layer == 1
                    else self._multiplied(vertices, layer)
                )
                received = own.view(*shares.shape, -1).baddbmm_(heard, messages.view(len(shares), heard.shape[2], -1))
                gated = received.view(vertices.shape).relu_().mul_(gates[layer].index_select(0, codes))
                vertices = self._normalised(gated.add_(vertices), layer)
            scores.append(
                self._read_out(vertices.view(*shares.shape, -1), shares[:, :, None] == 0, shares, known[part])
            )
        return torch.cat(scores) if scores else known.new_empty(0)

    def _first_round(self, tables: IndexTables) -> tuple[Float[Tensor, "rows w"], Int64[Tensor, " rows"]]:
        """What one round makes of each distinct neighbourhood, and the label of its vertex."""
        (layer,) = tables.layers
        segments = torch.tensor(layer.segments, device=self.start.device)
        labels = torch.arange(len(segments), device=self.start.device).repeat_interleave(segments)
        own, *messages = (self.start @ self.weights[0]).split(self.start.shape[1], 1)
        sums = [
            gather(table.index_select(0, tables.labels)) for gather, table in zip(layer.sums, messages, strict=True)
        ]
        # rows are means of two sums
        received = 2 * layer.rows(sums) + (own + self.biases[0]).index_select(0, labels)
        gated = received.relu_().mul_(self.gates[0].sigmoid().index_select(0, labels))
        return self._normalised(gated.add_(self.start.index_select(0, labels)), 0), labels

    def _multiplied(
        self, features: Float[Tensor, "rows w"], layer: int
    ) -> tuple[Float[Tensor, "rows w"], Float[Tensor, "rows both"]]:
        """What vertices tell themselves, with the bias, and what they tell those along and against the edges."""
        own, messages = self.weights[layer].tensor_split((features.shape[1],), 1)
        return torch.addmm(self.biases[layer], features, own), features @ messages

    def _normalised(self, sums: Float[Tensor, "*shape"], layer: int) -> Float[Tensor, "*shape"]:
        return torch.nn.functional.layer_norm(sums, sums.shape[-1:], self.scales[layer], self.shifts[layer], _TINY)

    def _read_out(
        self,
        features: Float[Tensor, "n v w"],
        padding: Bool[Tensor, "n v _"],
        shares: Float[Tensor, "n v"],
        known: Float[Tensor, "n k"],
    ) -> Float[Tensor, " n"]:
        mean = (features * shares[:, :, None]).sum(1)
        most = (features.masked_fill(padding, -math.inf) if padding.any() else features).amax(1)
        hidden = torch.relu(torch.cat([mean, most, known], 1) @ self.hidden + self.hidden_bias)
        scores: Tensor = self._left(hidden) @ self.output + self.bias
        return scores

    def _left(self, features: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
        return dropped(features, self._dropout, self._generator) if self.training else features
