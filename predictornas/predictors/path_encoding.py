"""The path encoding of cells (White et al. 2021, section 3.1): which operation sequences lead from input to output."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float32, Int64

from predictornas.spaces.base import Graphs

Paths = Bool[np.ndarray, "n p"]


def num_paths(num_operations: int, longest: int) -> int:
    """Number of sequences of up to `longest` operations: 1 + k + k^2 + ..."""
    return int(sum(num_operations**length for length in range(longest + 1)))


def shortest_paths(graphs: Graphs) -> Int64[np.ndarray, " n"]:
    """The number of operations on the shortest path from input to output; V where there is no path."""
    count = graphs.operations.shape[1]
    steps = np.full(graphs.operations.shape, count)
    steps[:, 0] = 0
    for vertex in range(1, count):
        reached = np.where(graphs.adjacency[:, :vertex, vertex] > 0, steps[:, :vertex], count).min(axis=1)
        steps[:, vertex] = np.minimum(reached + (graphs.operations[:, vertex] < graphs.num_codes - 2), count)
    last = (graphs.operations == graphs.num_codes - 1).argmax(axis=1)
    return np.asarray(steps[np.arange(len(graphs)), last])


def path_encoding(graphs: Graphs, *, longest: int) -> Paths:
    """Which paths each cell has; a path is the sequence of the operations on its way, the empty one a plain edge.

    A path of l operations is less probable in a random cell of NAS-Bench-101 the longer it is, and equally probable
    whatever its operations (White et al. 2021, section 4), so truncation to the most probable paths keeps the short
    ones: up to three operations are the 40 paths of the paper. NAS-Bench-201 has no longer ones.

    Args:
        graphs: `n` cells, vertices in topological order.
        longest: longer paths are left out, >= 0.

    Returns:
        `(n, p)`, p = `num_paths(K - 2, longest)`, shorter paths first, those of one length in the order of their
        operations read as digits.
    """
    return path_counts(graphs, longest=longest) > 0


def path_counts(graphs: Graphs, *, longest: int) -> Float32[np.ndarray, "n p"]:
    """How many paths of each kind a cell has, in the order of `path_encoding`.

    Args:
        graphs: `n` cells, vertices in topological order.
        longest: longer paths are left out, >= 0.
    """
    count, vertices = graphs.num_codes - 2, graphs.operations.shape[1]
    first = [num_paths(count, length) for length in range(-1, longest + 1)]  # where the paths of each length begin
    # a vertex is reached by no more operations than stand before it
    widths = [first[min(vertex, longest) + 1] for vertex in range(vertices)]
    reaching = [np.ones((1, len(graphs)), np.float32)]
    found = np.zeros((first[-1], len(graphs)), np.float32)
    for vertex in range(1, vertices):
        arriving = np.zeros((widths[vertex - 1], len(graphs)), np.float32)
        for source in np.flatnonzero(graphs.adjacency[:, :vertex, vertex].any(axis=0)).tolist():
            paths = reaching[source]
            arriving[: len(paths)] += graphs.adjacency[:, source, vertex] * paths
        labels = graphs.operations[:, vertex]
        found[: len(arriving)] += arriving * (labels == count + 1)
        passed_on = np.zeros((widths[vertex], len(graphs)), np.float32)
        for length in range(min(vertex, longest)):
            shorter = arriving[first[length] : first[length + 1]]
            for operation in range(count):  # a path is followed by those that it becomes with each operation
                passed_on[first[length + 1] + operation : first[length + 2] : count] = shorter * (labels == operation)
        reaching.append(passed_on)
    return np.ascontiguousarray(found.T)
