"""The op-gated flow network in torch: its weights and its forward pass, dense and over distinct vertices."""

from __future__ import annotations

import math
from typing import Any

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

    def in_training(self, batch: DenseBatch) -> Float[Tensor, " n"]:
        """`forward` of discrete graphs: each layer's gate is computed once an operation, not once a vertex."""
        first, *deeper = self.flows
        gates = torch.stack([self._gate(layer) for layer in range(len(self.flows))])
        scores: Tensor = _Discrete.apply(batch, _gate_labels(batch), gates, self.output, self.start @ first, *deeper)  # type: ignore[no-untyped-call]
        return scores + self.bias

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


class _Discrete(torch.autograd.Function):
    """`FlowNetwork.forward` without its bias as a single node: a small batch spends most of a step between nodes.

    A gate is positive, so ReLU moves in front of it, and its slope is known from what it let through.
    """

    @staticmethod
    def forward(
        ctx: Any, batch: DenseBatch, labels: Tensor, gates: Tensor, output: Tensor, first: Tensor, *deeper: Tensor
    ) -> Tensor:
        (propagation,) = batch.propagations
        opened = [labels @ gate for gate in gates]
        sums, features = [], []
        messages = batch.labels @ first
        for number in range(len(gates)):
            sums.append(propagation @ messages)
            if number < len(deeper):
                features.append(opened[number] * sums[-1].relu_())
                messages = features[-1] @ deeper[number]
        last = opened[-1] * sums[-1]
        ctx.batch, ctx.labels, ctx.opened = batch, labels, opened
        ctx.sums, ctx.features, ctx.last = sums, features, last
        ctx.save_for_backward(output, *deeper)
        scores: Tensor = ((last @ output) * batch.shares).sum(1)
        return scores

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        output, *deeper = ctx.saved_tensors
        (propagation,) = ctx.batch.propagations
        of_vertices = ctx.batch.shares * grad[:, None]
        to_output = of_vertices.flatten() @ ctx.last.flatten(0, 1)
        to_rows = of_vertices[:, :, None] * output
        labels = ctx.labels.flatten(0, 1).t()
        to_gates, to_deeper = [], []
        for number in range(len(ctx.sums) - 1, -1, -1):
            sums = ctx.sums[number]
            to_gates.append(labels @ (to_rows * sums).flatten(0, 1))
            to_rows *= ctx.opened[number]
            if number < len(deeper):
                to_rows *= sums.sign_()
            to_messages = propagation.transpose(1, 2) @ to_rows
            if number:
                to_deeper.append(ctx.features[number - 1].flatten(0, 1).t() @ to_messages.flatten(0, 1))
                to_rows = to_messages @ deeper[number - 1].t()
        to_first = ctx.batch.labels.flatten(0, 1).t() @ to_messages.flatten(0, 1)
        ctx.sums = ctx.features = None  # overwritten above: a second pass must fail, not be wrong
        return None, None, torch.stack(to_gates[::-1]), to_output, to_first, *to_deeper[::-1]


def _gate_labels(batch: DenseBatch) -> Float[Tensor, "n v k"]:
    if batch.gates is None:
        raise ConfigurationError(
            "A flow network needs a gate label a vertex; this batch has none. See Flow.message_passing."
        )
    return batch.gates
