"""Graphs with their identities taken out: an operation that hands on what it is given is a wire. Numpy only."""

from __future__ import annotations

import numpy as np

from predictornas.spaces.base import Graphs, SearchSpace


def wired(space: SearchSpace, graphs: Graphs) -> Graphs:
    """Graphs of a space without its identities, where it says which operation is one (`identity`)."""
    identity = getattr(space, "identity", None)
    return graphs if identity is None else without_identities(graphs, identity)


def without_identities(graphs: Graphs, identity: int) -> Graphs:
    """Graphs in which each identity gives way to edges from all that it reads to all that read it.

    Where vertices add up what comes in, both graphs are the same function, but that a vertex may have read another
    more than once. So cells that differ in where an identity stands, as many in NAS-Bench-201, become one graph.

    Example:
        >>> from predictornas import get_space
        >>> space = get_space("nasbench201")
        >>> genes = space.from_strings(
        ...     [
        ...         "|nor_conv_3x3~0|+|none~0|none~1|+|none~0|skip_connect~1|none~2|",
        ...         "|none~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|",
        ...     ]
        ... )
        >>> graphs = without_identities(space.graphs(genes), space.identity)
        >>> graphs.operations[:, :4].tolist()
        [[4, 2, 5, -1], [4, 2, 5, -1]]

    Args:
        graphs: `n` cells, vertices in topological order.
        identity: the code of the operation.
    """
    wire = graphs.operations == identity
    edges = graphs.adjacency.astype(bool)
    # in topological order: what an identity reads has been replaced by then where it was an identity itself
    for vertex in range(1, edges.shape[1] - 1):
        through = edges[:, :, vertex, None] & edges[:, None, vertex] & wire[:, vertex, None, None]
        edges |= through
    kept = (graphs.operations >= 0) & ~wire
    order = np.argsort(~kept, axis=1, kind="stable")
    rows = np.arange(len(graphs))[:, None]
    edges &= kept[:, :, None] & kept[:, None, :]
    adjacency = edges[rows[:, :, None], order[:, :, None], order[:, None, :]]
    operations = np.where(kept, graphs.operations, -1)[rows, order]
    return Graphs(adjacency.astype(graphs.adjacency.dtype), operations.astype(np.int8), graphs.num_codes)
