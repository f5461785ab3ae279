"""The op-gated flow network in torch: its weights and its forward pass, dense and over distinct vertices."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.predictors.engine.dense import DenseBatch
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.networks.graph_network import GraphNetwork, uniform

_Drop = Callable[[Tensor], Tensor]


def _all_of_it(features: Tensor) -> Tensor:
    return features


class FlowNetwork(GraphNetwork):
    """Layers X_g = s_g * (P X_(g-1) W_g) with the gate s_g = sigmoid(E_op U_g + c_g) (Ning et al. 2020, GATES).

    ReLU between layers, not after the last, and no bias on the flow. What the vertices read out goes through one hidden
    layer of ReLUs to the score. Initial weights of W are uniform in +-sqrt(3 / width), those of U, of the hidden layer
    and of the output in +-1/sqrt(width), embeddings in +-sqrt(3), and all biases are 0 (all ours).

    Args:
        operations: number of operations that have an embedding.
        layers: rounds of flow, >= 1.
        width: features of every layer and of the embeddings.
        dropout: share of the features that `in_training` leaves out, 0 <= dropout < 1.
        generator: source of the initial weights.

    Attributes:
        start: `(2, width)` features that flow starts from: at any vertex but the input, and at the input.
        operations: `(operations, width)` embeddings.
        flows: `(width, width)` W of each layer.
        gates: `(width, width)` U of each layer.
        gate_biases: `(layers, width)` c.
        hidden: `(width, width)`.
        hidden_bias: `(width,)`.
        output: `(width,)`.
        bias: `()`.
    """

    def __init__(
        self, operations: int, *, layers: int, width: int, dropout: float = 0.0, generator: torch.Generator
    ) -> None:
        super().__init__()
        square, even = (width, width), math.sqrt(3)
        self.dropout = dropout
        self.start = torch.nn.Parameter(uniform((2, width), even, generator))
        self.operations = torch.nn.Parameter(uniform((operations, width), even, generator))
        self.flows = torch.nn.ParameterList(uniform(square, even / math.sqrt(width), generator) for _ in range(layers))
        self.gates = torch.nn.ParameterList(uniform(square, 1 / math.sqrt(width), generator) for _ in range(layers))
        self.gate_biases = torch.nn.Parameter(torch.zeros(layers, width))
        self.hidden = torch.nn.Parameter(uniform(square, 1 / math.sqrt(width), generator))
        self.hidden_bias = torch.nn.Parameter(torch.zeros(width))
        self.output = torch.nn.Parameter(uniform((width,), 1 / math.sqrt(width), generator))
        self.bias = torch.nn.Parameter(torch.zeros(()))

    def forward(self, batch: DenseBatch) -> Float[Tensor, " n"]:
        """Scores of a dense batch; a real-valued gate label mixes embeddings."""
        operations = _gate_labels(batch) @ self.operations
        return self._scores(batch, [self._gate(operations, layer) for layer in range(len(self.flows))])

    def in_training(self, batch: DenseBatch, generator: torch.Generator) -> Float[Tensor, " n"]:
        """`forward` of discrete graphs with dropout (Srivastava et al. 2014) behind every ReLU.

        Each layer's gate is computed once an operation, not once a vertex.
        """
        labels = _gate_labels(batch)
        gates = [labels @ self._gate(self.operations, layer) for layer in range(len(self.flows))]
        return self._scores(batch, gates, lambda features: _dropped(features, self.dropout, generator))

    def _scores(self, batch: DenseBatch, gates: Sequence[Tensor], drop: _Drop = _all_of_it) -> Float[Tensor, " n"]:
        (propagation,) = batch.propagations
        features = batch.labels @ self.start
        for layer, (flow, gate) in enumerate(zip(self.flows, gates, strict=True)):
            features = gate * (propagation @ (features @ flow))
            features = drop(torch.relu(features)) if layer < len(self.flows) - 1 else features
        return self._head((features * batch.shares[:, :, None]).sum(1), drop)

    def indexed(self, tables: IndexTables) -> Float[Tensor, " n"]:
        """The same scores from the distinct vertices of an index: the same weights, another order of operations.

        A gate is positive and shared by the rows of its segment. So ReLU moves in front of it, and it moves into the
        weights behind it, which are those of the next layer.
        """
        *hidden, last = tables.layers
        messages = (self.start @ self.flows[0]).index_select(0, tables.labels)
        for number, layer in enumerate(hidden):
            rows = torch.split(layer.rows([torch.relu(layer.sums[0](messages))]), layer.segments)
            weights = self._gate(self.operations, number)[:, :, None] * self.flows[number + 1]
            messages = torch.cat([segment @ weight for segment, weight in zip(rows, weights, strict=True)])
        rows = torch.split(last.rows([last.sums[0](messages)]), last.segments)
        gates = self._gate(self.operations, len(hidden))
        features = torch.cat([segment * gate for segment, gate in zip(rows, gates, strict=True)])
        return self._head(tables.read_out_features(features))

    def _head(self, features: Float[Tensor, "n width"], drop: _Drop = _all_of_it) -> Float[Tensor, " n"]:
        scores: Tensor = drop(torch.relu(features @ self.hidden + self.hidden_bias)) @ self.output + self.bias
        return scores

    def _gate(self, operations: Float[Tensor, "... width"], layer: int) -> Float[Tensor, "... width"]:
        opened: Tensor = torch.sigmoid(operations @ self.gates[layer] + self.gate_biases[layer])
        return opened


def _dropped(features: Tensor, share: float, generator: torch.Generator) -> Tensor:
    """Features of which a share is 0 and the others are as much larger; drawn on the CPU, the same for every device."""
    if not share:
        return features
    kept = (torch.rand(features.shape, generator=generator) >= share).to(features.device)
    return features * kept / (1 - share)


def _gate_labels(batch: DenseBatch) -> Float[Tensor, "n v k"]:
    if batch.gates is None:
        raise ConfigurationError(
            "A flow network needs a gate label a vertex; this batch has none. See Flow.message_passing."
        )
    return batch.gates
