"""How much of every operation a super-network computes, and which edges are decided already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

OperationWeights = Float[Tensor, "edges operations"]
"""One factor an edge and operation; rows as `CellTopology.edges`, columns as the names on that edge."""

EdgeWeights = Float[Tensor, " edges"]
"""One factor an edge."""

PRUNED = None
"""What `Decisions` holds for an edge that carries nothing any more."""


@dataclass(frozen=True)
class Decisions:
    """Edges that are no longer mixed (SGAS, perturbation selection).

    Attributes:
        decided: for each cell type, the index of the operation that an edge keeps, or `PRUNED`. Edges that are not
            named are open.
    """

    decided: Mapping[str, Mapping[int, int | None]] = field(default_factory=dict)

    def of(self, cell_type: str) -> Mapping[int, int | None]:
        """The decided edges of one cell type."""
        return self.decided.get(cell_type, {})

    def with_edge(self, cell_type: str, edge: int, operation: int | None) -> Decisions:
        """These decisions and one more: `edge` keeps `operation`, or is `PRUNED`."""
        return Decisions({**self.decided, cell_type: {**self.of(cell_type), edge: operation}})


@dataclass(frozen=True)
class Mixture:
    """The factor of every operation of every edge in one forward pass.

    What is computed is what can matter: an operation with a factor of exactly zero is left out where no gradient of
    the factors is asked for, on edges that are decided, and everywhere if the mixture is `sparse`.

    Attributes:
        weights: `(edges, operations)` for each cell type; they need not sum to one.
        edge_weights: `(edges,)` for each cell type, the factor of a whole edge (PC-DARTS), or None for ones. With
            partial channels it is the factor of the channels that bypass the operations too.
        sparse: whether zeros are left out although the factors carry a gradient (sampled paths).
        decisions: the edges that are decided; their weights are one-hot, or all zero.
    """

    weights: dict[str, OperationWeights]
    edge_weights: dict[str, EdgeWeights] | None = None
    sparse: bool = False
    decisions: Decisions = Decisions()

    def computed(self, cell_type: str) -> Bool[Tensor, "edges operations"]:
        """Which operations of a cell type are computed; on the CPU.

        Factors on a GPU are waited for only where their values matter.
        """
        weights = self.weights[cell_type]
        if self.sparse or not weights.requires_grad:
            return (weights.detach() != 0).cpu()
        computed = torch.ones(weights.shape, dtype=torch.bool)
        for edge, operation in self.decisions.of(cell_type).items():
            computed[edge] = False
            if operation is not PRUNED:
                computed[edge, operation] = True
        return computed

    def factors(self, cell_type: str) -> OperationWeights:
        """The factor of every operation, that of its edge included."""
        if self.edge_weights is None:
            return self.weights[cell_type]
        return self.weights[cell_type] * self.edge_weights[cell_type][:, None]

    def edge_factors(self, cell_type: str) -> EdgeWeights:
        """The factor of every edge as a whole; zero where it is pruned."""
        if self.edge_weights is not None:
            factors = self.edge_weights[cell_type]
        else:
            factors = self.weights[cell_type].new_ones(len(self.weights[cell_type]))
        pruned = [edge for edge, operation in self.decisions.of(cell_type).items() if operation is PRUNED]
        if not pruned:
            return factors
        kept = factors.new_ones(len(factors))
        kept[pruned] = 0
        return factors * kept

    def detached(self) -> Mixture:
        """The same factors without gradients, as for a step of the operation weights."""
        edge_weights = self.edge_weights and {name: weights.detach() for name, weights in self.edge_weights.items()}
        weights = {name: weights.detach() for name, weights in self.weights.items()}
        return replace(self, weights=weights, edge_weights=edge_weights)

    def without_operation(self, cell_type: str, edge: int, operation: int) -> Mixture:
        """Detached, with one operation masked; the others are not renormalised (Wang et al. 2021, algorithm 1)."""
        mixture = self.detached()
        weights = mixture.weights[cell_type].clone()
        weights[edge, operation] = 0
        return replace(mixture, weights={**mixture.weights, cell_type: weights})

    def without_edge(self, cell_type: str, edge: int) -> Mixture:
        """Detached, with a whole edge removed, what bypasses its operations included."""
        mixture = self.detached()
        weights = mixture.weights[cell_type].clone()
        weights[edge] = 0
        decisions = self.decisions.with_edge(cell_type, edge, PRUNED)
        return replace(mixture, weights={**mixture.weights, cell_type: weights}, decisions=decisions)
