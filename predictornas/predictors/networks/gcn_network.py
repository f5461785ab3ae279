"""The graph convolutional network in torch: its weights and its forward pass, dense and over distinct vertices."""

from __future__ import annotations

import math
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from predictornas.predictors.engine.dense import DenseBatch
from predictornas.predictors.engine.index_tables import IndexTables
from predictornas.predictors.networks.graph_network import GraphNetwork, uniform


class GCNNetwork(GraphNetwork):
    """Layers X_g = ReLU(P X_(g-1) W_g), then one linear output (Mauch et al. 2020, eq. 3).

    With several propagations (Wen et al. 2020) each has its own weights and X_g is the mean over them. No layer has a
    bias (ours: eq. 3 names none); the output has one. Initial weights are uniform in +-sqrt(6 / features in), He et al.
    2015, those of the output in +-1/sqrt(width), its bias 0 (ours).

    Args:
        labels: number of one-hot labels of a vertex.
        layers: number of graph convolutions, >= 1.
        width: features of every layer.
        propagations: number of directions that messages travel.
        generator: source of the initial weights.

    Attributes:
        convolutions: a matrix `(features in, width)` per layer and propagation, layer by layer.
        output: `(width,)`.
        bias: `()`.
    """

    def __init__(self, labels: int, *, layers: int, width: int, propagations: int, generator: torch.Generator) -> None:
        super().__init__()
        sizes = [labels, *[width] * (layers - 1)]
        self._ways = propagations
        self.convolutions = torch.nn.ParameterList(
            uniform((size, width), math.sqrt(6 / size), generator) for size in sizes for _ in range(propagations)
        )
        self.output = torch.nn.Parameter(uniform((width,), math.sqrt(1 / width), generator))
        self.bias = torch.nn.Parameter(torch.zeros(()))

    def forward(self, batch: DenseBatch) -> Float[Tensor, " n"]:
        """Scores of a dense batch."""
        features = batch.labels
        for matrices in self._layers():
            received = [torch.relu(p @ (features @ w)) for p, w in zip(batch.propagations, matrices, strict=True)]
            features = received[0] if len(received) == 1 else torch.stack(received).mean(0)
        return ((features @ self.output) * batch.shares).sum(1) + self.bias

    def indexed(self, tables: IndexTables) -> Float[Tensor, " n"]:
        """The same scores from the distinct vertices of an index: the same weights, another order of summation."""
        if self._ways == 1 and torch.is_grad_enabled():
            scores: Tensor = _OneWay.apply(tables, self.output, self.bias, *self.convolutions)  # type: ignore[no-untyped-call]
            return scores
        first, *deeper = self._layers()
        messages = [weights.index_select(0, tables.labels) for weights in first]
        for layer, matrices in zip(tables.layers, deeper, strict=False):
            features = layer.rows([gather(table).relu_() for gather, table in zip(layer.sums, messages, strict=True)])
            messages = [features @ weights for weights in matrices]
        last = tables.layers[-1]
        parts = [gather.rectified_dot(table, self.output) for gather, table in zip(last.sums, messages, strict=True)]
        return tables.read_out(last.rows([part[:, None] for part in parts])[:, 0]) + self.bias

    def _layers(self) -> list[list[Tensor]]:
        """The matrices of each layer, one for each propagation."""
        matrices = list(self.convolutions)
        return [matrices[start : start + self._ways] for start in range(0, len(matrices), self._ways)]


class _OneWay(torch.autograd.Function):
    """`GCNNetwork.indexed` with one propagation as a single node: small batches spend most of a step between nodes."""

    @staticmethod
    def forward(ctx: Any, tables: IndexTables, output: Tensor, bias: Tensor, first: Tensor, *deeper: Tensor) -> Tensor:
        gathers = [layer.sums[0] for layer in tables.layers]
        table = first.index_select(0, tables.labels)
        features = []
        for gather, weights in zip(gathers, deeper, strict=False):
            features.append(gather(table).relu_())
            table = features[-1] @ weights
        last = gathers[-1](table).relu_()
        ctx.tables, ctx.gathers, ctx.features, ctx.last = tables, gathers, features, last
        ctx.save_for_backward(output, first, *deeper)
        return tables.read_out(last @ output) + bias

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        output, first, *deeper = ctx.saved_tensors
        of_vertices = ctx.tables.read_out_slopes(grad, len(ctx.last))
        to_table, to_output = ctx.gathers[-1].rectified_dot_slopes(ctx.last, output, of_vertices)
        slopes = []
        for gather, features, weights in zip(ctx.gathers[-2::-1], ctx.features[::-1], deeper[::-1], strict=True):
            slopes.append(features.t() @ to_table)
            to_features = (to_table @ weights.t()).mul_(features.sign_())
            to_table = gather.transposed(to_features)
        to_first = torch.zeros_like(first).index_add_(0, ctx.tables.labels, to_table)
        ctx.features = ctx.last = None  # overwritten above: a second pass must fail, not be wrong
        return None, to_output, grad.sum(), to_first, *slopes[::-1]
