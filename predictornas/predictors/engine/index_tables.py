"""A graph index as torch tensors, ready for the networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int32, Int64
from torch import Tensor

from predictornas.predictors.engine.gather import Gather
from predictornas.predictors.engine.graph_index import GraphIndex, IndexLayer, SparseRows


@dataclass(frozen=True)
class TableLayer:
    """One layer of an index; see `graph_index.IndexLayer`.

    Attributes:
        sums: for each propagation the distinct sums over the rows of the layer before.
        mean: makes rows from the sums of all propagations, one below the other: the mean of a row's parts. None where
            row r is sum r of the only propagation.
        segments: number of rows of each gate, one gate after the other; empty where layers are not gated.
    """

    sums: tuple[Gather, ...]
    mean: Gather | None
    segments: list[int]

    def rows(self, sums: Sequence[Float[Tensor, "_ width"]]) -> Float[Tensor, "rows width"]:
        """The rows of this layer from what was made of its sums, one table for each propagation."""
        if self.mean is None:
            return sums[0]
        return self.mean(sums[0] if len(sums) == 1 else torch.cat([*sums]))


@dataclass(frozen=True)
class IndexTables:
    """A graph index on torch's side; see `graph_index.GraphIndex`."""

    labels: Int64[Tensor, " rows"]
    layers: tuple[TableLayer, ...]
    vertices: Int32[Tensor, "v n"]
    shares: Float[Tensor, "v n"]

    @classmethod
    def of(cls, index: GraphIndex, device: str = "cpu") -> IndexTables:
        """The tables of an index on a device; on the CPU arrays are shared where numpy allows writing to them."""
        layers = []
        rows = len(index.labels)
        for layer in index.layers:
            layers.append(_table_layer(layer, rows, device))
            rows = len(layer.parts[0])
        return cls(
            labels=torch.from_numpy(index.labels.astype(np.int64)).to(device),
            layers=tuple(layers),
            vertices=torch.from_numpy(np.require(index.vertices, requirements="W")).to(device),
            shares=torch.from_numpy(np.require(index.shares, requirements="W")).to(device),
        )

    def read_out(self, vertex_scores: Float[Tensor, " rows"]) -> Float[Tensor, " n"]:
        """The score of each graph from the scores of the last layer's rows."""
        chosen = vertex_scores.index_select(0, self.vertices.view(-1)).view(self.vertices.shape)
        return (chosen * self.shares).sum(0)

    def read_out_features(self, features: Float[Tensor, "rows f"]) -> Float[Tensor, "n f"]:
        """`read_out` of several scores a vertex."""
        vertices, shares = self.vertices.t().contiguous(), self.shares.t().contiguous()
        return torch.nn.functional.embedding_bag(vertices, features, mode="sum", per_sample_weights=shares)

    def read_out_slopes(self, slopes: Float[Tensor, " n"], rows: int) -> Float[Tensor, " rows"]:
        """The backward pass of `read_out`: derivatives of the `rows` vertex scores from those of the graphs."""
        spread = (self.shares * slopes).view(-1)
        return spread.new_zeros(rows).index_add_(0, self.vertices.view(-1), spread)


def _table_layer(layer: IndexLayer, rows: int, device: str) -> TableLayer:
    sums = tuple(Gather(matrix, rows, device) for matrix in layer.sums)
    count, total = len(layer.parts), sum(map(len, sums))
    if count == 1 and layer.gates is None:
        return TableLayer(sums, None, [])
    starts = np.cumsum([0, *map(len, sums[:-1])], dtype=np.int32)
    chosen = np.stack([part + start for part, start in zip(layer.parts, starts, strict=True)], axis=1)
    mean = SparseRows(
        indices=chosen.reshape(-1),
        weights=np.full(chosen.size, 1 / count, np.float32),
        offsets=np.arange(0, chosen.size + 1, count, dtype=np.int32),
    )
    return TableLayer(sums, Gather(mean, total, device), [] if layer.gates is None else layer.gates.tolist())
