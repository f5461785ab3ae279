"""Graphs of relaxed genes: the exact graph where genes are one-hot, differentiable everywhere."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from predictornas.spaces.base import GraphRelaxation

PRESENT = 0.5
"""Weight from which on a relaxed edge or vertex carries something."""


def relaxed_graphs(
    relaxation: GraphRelaxation, sequences: Float[Tensor, "n steps k"]
) -> tuple[Float[Tensor, "n v v"], Float[Tensor, "n v c"]]:
    """Adjacency and one-hot operations of relaxed genes, laid out as `SearchSpace.graphs` lays them out.

    Vertices on no path from input to output are removed and the others moved together, as in the discrete graph; which
    ones is decided by weights of at least `PRESENT` and has no gradient.

    Args:
        relaxation: the space's map from one-hot genes to graphs.
        sequences: mixtures of choices; one-hot rows give exactly the space's graphs.
    """

    def constant(array: object) -> Tensor:
        return torch.as_tensor(array).to(sequences)

    flat = sequences.flatten(1)
    edges, vertices = constant(relaxation.edges), constant(relaxation.vertices)
    fixed_edges, fixed_vertices = constant(relaxation.fixed_edges), constant(relaxation.fixed_vertices)
    adjacency = (flat @ edges.flatten(2).flatten(0, 1)).view(-1, *fixed_edges.shape) + fixed_edges
    operations = (flat @ vertices.flatten(2).flatten(0, 1)).view(-1, *fixed_vertices.shape) + fixed_vertices
    live = _on_path(adjacency.detach() >= PRESENT, operations.detach().sum(2) >= PRESENT)
    # stable, so that the living stay in topological order, as `SearchSpace.graphs` has them
    order = live.logical_not().to(torch.int8).argsort(dim=1, stable=True)
    adjacency = adjacency * (live[:, :, None] & live[:, None, :])
    adjacency = adjacency.gather(1, order[:, :, None].expand_as(adjacency))
    adjacency = adjacency.gather(2, order[:, None, :].expand_as(adjacency))
    operations = (operations * live[:, :, None]).gather(1, order[:, :, None].expand_as(operations))
    return adjacency, operations


def _on_path(edges: Bool[Tensor, "n v v"], present: Bool[Tensor, "n v"]) -> Bool[Tensor, "n v"]:
    """Which vertices lie on a path from the first to the last one; those two always count."""
    edges = edges & present[:, :, None] & present[:, None, :]
    vertices = edges.shape[1]
    fed, feeds = torch.zeros_like(present), torch.zeros_like(present)
    fed[:, 0] = feeds[:, -1] = True
    for vertex in range(1, vertices):  # edges point forwards, so one sweep each way is enough
        fed[:, vertex] = (fed & edges[:, :, vertex]).any(1)
    for vertex in range(vertices - 2, -1, -1):
        feeds[:, vertex] = (feeds & edges[:, vertex]).any(1)
    live = fed & feeds
    live[:, 0] = live[:, -1] = True
    return live
