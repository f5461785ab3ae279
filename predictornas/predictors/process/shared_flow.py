"""The random flow features of many graphs at once: what repeats in them is computed once. Numpy and scipy only.

What a layer makes of a vertex depends only on what lies around it, in the direction that messages travel. In all of
NAS-Bench-101 there are 2.9 million vertices, but 232, 23,972 and 219,140 different surroundings after one, two and
three layers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, Int, Int8, Int32, Int64, Shaped, UInt8, UInt64
from scipy import sparse

from predictornas.predictors.engine.graph_index import distinct_rows
from predictornas.predictors.process.graph_features import FLOW_LAYERS, FlowLayers, flow_weights
from predictornas.spaces.base import Graphs
from predictornas.spaces.hashing import mix

_BLOCK = 8192
"""Graphs at once: the states of their vertices stay in the second-level cache."""
_OWN, _NEAR = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F)


@dataclass(frozen=True)
class SharedLayer:
    """One layer: the distinct rows of features, made of those of the layer before.

    Attributes:
        labels: `(rows,)` the operation of each.
        offsets: `(rows + 1,)` row r takes in `sources[offsets[r]:offsets[r + 1]]`.
        sources: rows of the layer before; labels in the first layer.
    """

    labels: Int8[np.ndarray, " rows"]
    offsets: Int64[np.ndarray, " offsets"]
    sources: Int32[np.ndarray, " entries"]

    def gathered(self, messages: Float32[np.ndarray, "before width"]) -> Float32[np.ndarray, "rows width"]:
        """The sums of what each row takes in, over the square root of the number of terms."""
        counts = np.diff(self.offsets)
        shares = np.repeat(1 / np.sqrt(counts, dtype=np.float32), counts)
        sums = sparse.csr_array((shares, self.sources, self.offsets), shape=(len(counts), len(messages))) @ messages
        return np.asarray(sums)


@dataclass(frozen=True)
class SharedFlow:
    """Messages in one direction through n graphs.

    Attributes:
        layers: each with the distinct rows among all vertices that are needed.
        vertices: `(V, n)` the last layer's row of each vertex; -1 on padding.
        ends: `(n,)` the vertex at which the flow ends.
    """

    layers: tuple[SharedLayer, ...]
    vertices: Int32[np.ndarray, "v n"]
    ends: Int[np.ndarray, " n"]

    @classmethod
    def of(cls, graphs: Graphs, *, against: bool) -> SharedFlow:
        """What is distinct in these graphs, along their edges or against them."""
        starts = range(0, len(graphs), _BLOCK)
        blocks = (slice(start, start + _BLOCK) for start in starts)
        parts = [tuple(_states(graphs.adjacency[rows], graphs.operations[rows], against=against)) for rows in blocks]
        states = [np.concatenate(part, axis=1) for part in zip(*parts, strict=True)]
        real = np.ascontiguousarray(graphs.operations.T) >= 0
        places, examples = _distinct(states[-1][real])
        vertices = np.full(real.shape, -1, np.int32)
        vertices[real] = places
        wanted = np.flatnonzero(real)[examples]
        layers: list[SharedLayer] = []
        for depth in reversed(range(FLOW_LAYERS)):
            layer, wanted = _layer(graphs, wanted, states[depth - 1] if depth else None, against=against)
            layers.insert(0, layer)
        ends = np.zeros(len(graphs), np.int64) if against else real.sum(axis=0) - 1
        return cls(tuple(layers), vertices, ends)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Shaped[np.ndarray, "..."]]) -> SharedFlow:
        """The inverse of `arrays`."""
        layers = (
            SharedLayer(*(arrays[f"{name}{depth}"] for name in ("labels", "offsets", "sources")))
            for depth in range(FLOW_LAYERS)
        )
        return cls(tuple(layers), arrays["vertices"], arrays["ends"])

    def arrays(self) -> dict[str, Shaped[np.ndarray, "..."]]:
        """What it is made of, by name."""
        found: dict[str, Shaped[np.ndarray, "..."]] = {"vertices": self.vertices, "ends": self.ends}
        for depth, layer in enumerate(self.layers):
            found |= {
                f"labels{depth}": layer.labels,
                f"offsets{depth}": layer.offsets,
                f"sources{depth}": layer.sources,
            }
        return found

    def features(self, weights: FlowLayers) -> Iterator[tuple[slice, int, Float32[np.ndarray, "b w"]]]:
        """What the network makes of the graphs, as `graph_features.random_flow_features` orders it.

        Yields:
            Some of the graphs, 0 or 1, and their features: those of the vertex at which the flow ends, or the mean
            over all vertices.
        """
        messages = weights[0][0]
        for depth, (layer, (_, gates)) in enumerate(zip(self.layers, weights, strict=True)):
            rows = layer.gathered(messages)
            np.maximum(rows, 0, out=rows)
            rows *= gates[layer.labels]
            if depth + 1 < FLOW_LAYERS:
                messages = rows @ weights[depth + 1][0]
        for start in range(0, len(self.ends), _BLOCK):
            block = slice(start, start + _BLOCK)
            vertices = self.vertices[:, block].T
            yield block, 0, rows[vertices[np.arange(len(vertices)), self.ends[block]]]
            real = vertices >= 0
            counts = real.sum(axis=1)
            shares = np.repeat(1 / counts.astype(np.float32), counts)
            offsets = np.concatenate([[0], counts.cumsum()])
            yield block, 1, sparse.csr_array((shares, vertices[real], offsets), shape=(len(counts), len(rows))) @ rows


def shared_flow_features(
    ways: Sequence[SharedFlow], num_codes: int, *, width: int, seed: int
) -> Float32[np.ndarray, "n f"]:
    """The same as `graph_features.random_flow_features`, but for the order of additions.

    Args:
        ways: the messages along the edges and against them.
        num_codes: of the graphs.
        width: features of every layer.
        seed: of the weights.
    """
    rng = np.random.default_rng(seed)
    result = np.empty((len(ways[0].ends), 2 * len(ways), width), np.float32)
    for number, way in enumerate(ways):
        for block, which, features in way.features(flow_weights(rng, num_codes, width)):
            result[block, 2 * number + which] = features
    return result.reshape(len(result), 2 * len(ways) * width)


def _states(
    adjacency: UInt8[np.ndarray, "n v v"], operations: Int8[np.ndarray, "n v"], *, against: bool
) -> Iterator[UInt64[np.ndarray, "v n"]]:
    """A number for what each layer knows of each vertex, equal for equal surroundings; 64 mixed bits, as all keys."""
    vertices = operations.shape[1]
    # all bits or none: an "and" is faster than a product
    edges = -np.ascontiguousarray(adjacency.transpose(1, 2, 0)).astype(np.int64).astype(np.uint64)
    own = mix((operations.T.astype(np.int64) + 2).astype(np.uint64) * _OWN)
    state = own
    for _ in range(FLOW_LAYERS):
        told = mix(state)
        taken = told.copy()
        for j in range(1, vertices):
            for i in range(j):
                listener, source = (i, j) if against else (j, i)
                taken[listener] += edges[i, j] & told[source]
        state = mix(own + taken * _NEAR)
        yield state


def _layer(
    graphs: Graphs,
    wanted: Int[np.ndarray, " rows"],
    before: UInt64[np.ndarray, "v n"] | None,
    *,
    against: bool,
) -> tuple[SharedLayer, Int[np.ndarray, " distinct"]]:
    """A layer whose rows are those of some vertices, and examples of what it is made of."""
    vertex, graph = np.divmod(wanted, len(graphs))
    listened = graphs.adjacency[graph, vertex] if against else graphs.adjacency[graph, :, vertex]
    terms = listened.astype(bool)
    terms[np.arange(len(wanted)), vertex] = True
    rows, sources = np.nonzero(terms)
    offsets = np.concatenate([[0], terms.sum(axis=1).cumsum()])
    if before is None:
        taken, examples = graphs.operations[graph[rows], sources].astype(np.int32), wanted[:0]
    else:
        places = sources * len(graphs) + graph[rows]
        taken, first = _distinct(before.reshape(-1)[places])
        examples = places[first]
    return SharedLayer(graphs.operations[graph, vertex], offsets, taken), examples


def _distinct(states: UInt64[np.ndarray, " m"]) -> tuple[Int32[np.ndarray, " m"], Int[np.ndarray, " d"]]:
    """The number of each state among the distinct ones, and one example of each."""
    halves = [states >> np.uint64(32), states & np.uint64(0xFFFFFFFF)]
    return distinct_rows(halves, 1 << 32)
