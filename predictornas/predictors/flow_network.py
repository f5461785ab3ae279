"""The op-gated flow network in torch: its weights and its forward pass, dense and over distinct vertices."""

from __future__ import annotations

import math

import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.errors import ConfigurationError
from predictornas.predictors.dense import DenseBatch
from predictornas.predictors.index_tables import IndexTables
from predictornas.predictors.network import GraphNetwork, uniform


class FlowNetwork(GraphNetwork):
    """Layers X_g = s_g * (P X_(g-1) W_g) with the gate s_g = sigmoid(E_op U_g + c_g) (Ning et al. 2020, GATES).

    ReLU between layers, not after the last, and no bias on the flow. Initial weights of W are uniform in
    +-sqrt(3 / width), those of U and of the output in +-1/sqrt(width), embeddings in +-sqrt(3), and c and the output's
    bias are 0 (all ours).

    Args:
        operations: number of operations that have an embedding.
        layers: rounds of flow, >= 1.
        width: features of every layer and of the embeddings.
        generator: source of the initial weights.

    Attributes:
        start: `(2, width)` features that flow starts from: at any vertex but the input, and at the input.
        operations: `(operations, width)` embeddings.
        flows: `(width, width)` W of each layer.
        gates: `(width, width)` U of each layer.
        gate_biases: `(layers, width)` c.
        output: `(width,)`.
        bias: `()`.
    """

    def __init__(self, operations: int, *, layers: int, width: int, generator: torch.Generator) -> None:
        super().__init__()
        square, even = (width, width), math.sqrt(3)
        self.start = torch.nn.Parameter(uniform((2, width), even, generator))
        self.operations = torch.nn.Parameter(uniform((operations, width), even, generator))
        self.flows = torch.nn.ParameterList(uniform(square, even / math.sqrt(width), generator) for _ in range(layers))
        self.gates = torch.nn.ParameterList(uniform(square, 1 / math.sqrt(width), generator) for _ in range(layers))
        self.gate_biases = torch.nn.Parameter(torch.zeros(layers, width))
        self.output = torch.nn.Parameter(uniform((width,), 1 / math.sqrt(width), generator))
        self.bias = torch.nn.Parameter(torch.zeros(()))

    def forward(self, batch: DenseBatch) -> Float[Tensor, " n"]:
        """Scores of a dense batch; a real-valued gate label mixes embeddings."""
        (propagation,) = batch.propagations
        operations = _gate_labels(batch) @ self.operations
        features = batch.labels @ self.start
        for layer, (flow, gate, bias) in enumerate(zip(self.flows, self.gates, self.gate_biases, strict=True)):
            features = torch.sigmoid(operations @ gate + bias) * (propagation @ (features @ flow))
            features = torch.relu(features) if layer < len(self.flows) - 1 else features
        return ((features @ self.output) * batch.shares).sum(1) + self.bias

    def indexed(self, tables: IndexTables) -> Float[Tensor, " n"]:
        """The same scores from the distinct vertices of an index: the same weights, another order of operations.

        A gate is positive and shared by the rows of its segment. So ReLU moves in front of it, and it moves into the
        weights behind it: of the next layer, and, in the last layer, of the output, which leaves one number a gate to
        be gathered there.
        """
        *hidden, last = tables.layers
        *flows, last_flow = self.flows
        flows.append(last_flow @ (self._gate(len(flows)) * self.output).T)
        messages = (self.start @ flows[0]).index_select(0, tables.labels)
        for number, layer in enumerate(hidden):
            rows = torch.split(layer.rows([torch.relu(layer.sums[0](messages))]), layer.segments)
            weights = self._gate(number)[:, :, None] * flows[number + 1]
            messages = torch.cat([segment @ weight for segment, weight in zip(rows, weights, strict=True)])
        rows = torch.split(last.rows([last.sums[0](messages)]), last.segments)
        scores = torch.cat([segment[:, gate] for gate, segment in enumerate(rows)])
        return tables.read_out(scores) + self.bias

    def _gate(self, layer: int) -> Float[Tensor, "operations width"]:
        return torch.sigmoid(self.operations @ self.gates[layer] + self.gate_biases[layer])


def _gate_labels(batch: DenseBatch) -> Float[Tensor, "n v k"]:
    if batch.gates is None:
        raise ConfigurationError(
            "A flow network needs a gate label a vertex; this batch has none. See Flow.message_passing."
        )
    return batch.gates
