"""What a graph says about itself before anything is trained: counts, paths, and random message passing. Numpy only."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float32, Int8

from predictornas.spaces.base import Graphs

_NO_PATH = np.float32(1e4)


def structure_features(graphs: Graphs) -> Float32[np.ndarray, "n f"]:
    """Invariant counts of a cell that need no training.

    Numbers of vertices and edges; of each operation, in the cell, behind the input and before the output; of edges from
    each operation to each; of inputs of the output and of outputs of the input, and whether they are joined; the
    logarithm of 1 + the number of paths; and, of each operation and of all together, how often it occurs on the path
    that has it most, on the one that has it least, and on an average one. A cell without a path has zeros for these.

    Args:
        graphs: `n` cells, vertices in topological order.

    Returns:
        `(n, f)`, f = 9 + 6 k + k^2 for k = K - 2 operations.
    """
    edges = np.ascontiguousarray(graphs.adjacency.transpose(1, 2, 0)).astype(bool)
    labels = np.ascontiguousarray(graphs.operations.T)
    kinds = range(graphs.num_codes - 2)
    of_kind = np.stack([labels == kind for kind in kinds])
    output = labels == graphs.num_codes - 1
    into_output = (edges & output).any(axis=1)
    out_of_input = edges[0]
    columns = [
        (labels >= 0).sum(axis=0),
        edges.sum(axis=(0, 1)),
        into_output.sum(axis=0),
        out_of_input.sum(axis=0),
        into_output[0],
        *of_kind.sum(axis=1),
        *(of_kind & into_output).sum(axis=1),
        *(of_kind & out_of_input).sum(axis=1),
        *((edges & first[:, None] & second).sum(axis=(0, 1)) for first in of_kind for second in of_kind),
        *_on_paths(edges, output, np.concatenate([of_kind, of_kind.any(axis=0, keepdims=True)])),
    ]
    return np.stack(columns, axis=1).astype(np.float32)


def _on_paths(
    edges: Bool[np.ndarray, "v v n"], output: Bool[np.ndarray, "v n"], counted: Bool[np.ndarray, "c v n"]
) -> Float[np.ndarray, "f n"]:
    """Number of paths from input to output, and of what is counted on the fullest, the emptiest and an average one."""
    steps = counted.astype(np.float32)
    paths = np.zeros(output.shape, np.float32)
    paths[0] = 1
    most, least, total = np.full_like(steps, -_NO_PATH), np.full_like(steps, _NO_PATH), np.zeros_like(steps)
    most[:, 0] = least[:, 0] = 0
    for vertex in range(1, len(edges)):
        step = steps[:, vertex]
        for source in range(vertex):
            edge = edges[source, vertex]
            paths[vertex] += edge * paths[source]
            total[:, vertex] += edge * total[:, source]
            np.maximum(most[:, vertex], most[:, source], out=most[:, vertex], where=edge)
            np.minimum(least[:, vertex], least[:, source], out=least[:, vertex], where=edge)
        most[:, vertex] += step
        least[:, vertex] += step
        total[:, vertex] += step * paths[vertex]
    at_output = (paths * output).sum(axis=0)
    ends = [(np.where(output, table, 0)).sum(axis=1) * (at_output > 0) for table in (most, least, total)]
    ends[2] /= np.maximum(at_output, 1)
    return np.concatenate([np.log1p(at_output)[None], *ends])


FLOW_LAYERS = 3
_SHARPNESS = 2.0
_REFERENCE = 3.0


def random_flow_features(graphs: Graphs, *, width: int, seed: int = 0) -> Float32[np.ndarray, "n f"]:
    """What three layers of an untrained gated flow network make of a cell, along its edges and against them.

    Layer: ReLU(gate of the operation * (weighted sum over a vertex and its neighbours) W) with normal W and gates
    sigmoid(2 z), z normal; sums are divided by the square root of the number of terms. Read out are the mean over all
    vertices and the vertex at which the flow ends: the output along the edges, the input against them.

    Args:
        graphs: `n` cells, vertices in topological order.
        width: features of every layer.
        seed: of the weights, which are the same for all cells.

    Returns:
        `(n, 4 * width)`.
    """
    rng = np.random.default_rng(seed)
    adjacency = graphs.adjacency.astype(np.float32)
    real = graphs.operations >= 0
    output = real.sum(axis=1) - 1
    count = real.sum(axis=1, keepdims=True).astype(np.float32)
    features = []
    for listening, end in ((adjacency.transpose(0, 2, 1), output), (adjacency, np.zeros_like(output))):
        looped = listening + np.eye(listening.shape[1], dtype=np.float32)
        looped /= np.sqrt(looped.sum(axis=2, keepdims=True))
        last = _flow(looped, graphs.operations, flow_weights(rng, graphs.num_codes, width))
        features += [last[np.arange(len(last)), end], last.sum(axis=1) / count]
    return np.concatenate(features, axis=1)


FlowLayers = list[tuple[Float32[np.ndarray, "_ _"], Float32[np.ndarray, "_ _"]]]


def flow_weights(rng: np.random.Generator, codes: int, width: int) -> FlowLayers:
    """Weights and gates of each layer; a last row of zeros in the gates is that of padding."""
    layers = []
    for inputs in (codes, *[width] * (FLOW_LAYERS - 1)):
        # a one-hot label picks a single weight: the sum has one term, whatever the number of labels
        scale = _REFERENCE / np.sqrt(1 if inputs == codes else inputs)
        weights = (rng.standard_normal((inputs, width)) * scale).astype(np.float32)
        gates = 1 / (1 + np.exp(-_SHARPNESS * rng.standard_normal((codes, width))))
        layers.append((weights, np.vstack([gates, np.zeros(width)]).astype(np.float32)))
    return layers


def _flow(
    listening: Float32[np.ndarray, "n v v"], operations: Int8[np.ndarray, "n v"], layers: FlowLayers
) -> Float32[np.ndarray, "n v o"]:
    first = np.vstack([layers[0][0], np.zeros_like(layers[0][0][:1])])
    messages = first[operations]  # code -1, padding, is the last row: zeros
    features = messages
    for number, (_, gates) in enumerate(layers):
        features = np.asarray(np.maximum(listening @ messages, 0) * gates[operations])
        if number + 1 < len(layers):
            messages = features @ layers[number + 1][0]
    return np.asarray(features)
