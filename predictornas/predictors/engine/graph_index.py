"""The distinct neighbourhoods of a batch of graphs: what message passing would compute many times, found once.

After g layers the features of a vertex depend only on its depth-g neighbourhood: for every propagation the multiset of
(weight, depth g-1 neighbourhood) that it gathers, and its own label where layers are gated. Numbering the distinct ones
depth by depth (colour refinement on integers, exact) turns a batch of graphs into one small sparse table a layer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Int32, Int64, Integer, UInt, UInt64

from predictornas.predictors.engine.message_passing import MessagePassing, Propagation

_MULTIPLIERS = (np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9))


@dataclass(frozen=True)
class SparseRows:
    """A sparse matrix by rows (CSR): row r gathers `indices[offsets[r]:offsets[r + 1]]` with the weights there."""

    indices: Int32[np.ndarray, " nonzeros"]
    weights: Float[np.ndarray, " nonzeros"]
    offsets: Int32[np.ndarray, " offsets"]


@dataclass(frozen=True)
class IndexLayer:
    """One layer: the distinct rows of depth g, made of those of depth g-1.

    Attributes:
        sums: for each propagation the distinct weighted sums over rows of depth g-1.
        parts: for each propagation the sum `(rows,)` that each row of depth g takes.
        gates: `(gate labels,)` number of rows that apply each label, rows being sorted by it; None where layers are not
            gated.
    """

    sums: tuple[SparseRows, ...]
    parts: tuple[Int32[np.ndarray, " rows"], ...]
    gates: Int64[np.ndarray, " gates"] | None


@dataclass(frozen=True)
class GraphIndex:
    """A batch of n graphs as its distinct neighbourhoods.

    Attributes:
        labels: `(rows of depth 0,)` the label of each.
        layers: one for each layer of the network.
        vertices: `(V, n)` the last layer's row of each vertex; 0 where the share is 0.
        shares: `(V, n)` weight of each vertex's score in its graph's score.
    """

    labels: Int32[np.ndarray, " rows"]
    layers: tuple[IndexLayer, ...]
    vertices: Int32[np.ndarray, "v n"]
    shares: Float[np.ndarray, "v n"]


def build_index(messages: MessagePassing, depth: int) -> GraphIndex:
    """The index of a batch for a network of `depth` layers: exact, and only of what its read-out depends on."""
    sources = [_Sources.of(propagation) for propagation in messages.propagations]
    # backwards from what is read out: at each depth only those that somebody listens to need a row
    read = messages.shares.reshape(-1) > 0
    active = [read]
    for _ in range(depth):
        active.insert(0, _listened_to(sources, active[0]))
    colours = np.zeros(read.size, np.int32)
    labels, colours[active[0]] = np.unique(messages.labels.reshape(-1)[active[0]], return_inverse=True)
    count = len(labels)
    layers = []
    for vertices in map(np.flatnonzero, active[1:]):
        layer, colours[vertices] = _refine(sources, colours, count, vertices, messages)
        count = len(layer.parts[0])
        layers.append(layer)
    # what is not read has the share 0, so any row will do for it
    rows = np.where(read, colours, 0).reshape(messages.labels.shape)
    return GraphIndex(
        labels=labels.astype(np.int32),
        layers=tuple(layers),
        vertices=np.ascontiguousarray(rows.T),
        shares=np.ascontiguousarray(messages.shares.T),
    )


@dataclass(frozen=True)
class _Sources:
    """Whom each vertex of a batch listens to, as columns: source by source, those it has not at the end.

    Attributes:
        vertices: `(most sources, vertices)` flat positions in the batch.
        codes: `(most sources, vertices)` code of the weight, 0 where there is no source.
        weights: the weight of each code.
    """

    vertices: Int32[np.ndarray, "w m"]
    codes: UInt[np.ndarray, "w m"]
    weights: Float[np.ndarray, " k"]

    @classmethod
    def of(cls, propagation: Propagation) -> _Sources:
        n, size, _ = propagation.codes.shape
        rows = propagation.codes.reshape(-1, size)
        width = int((rows > 0).sum(1).max(initial=1))
        vertices = np.zeros((width, n * size), np.int32)
        codes = np.zeros((width, n * size), rows.dtype)
        filled = np.zeros(n * size, np.int8)
        first = np.repeat(np.arange(n, dtype=np.int32) * size, size)
        for source in range(size):
            listening = np.flatnonzero(rows[:, source])
            place = filled[listening]
            vertices[place, listening] = first[listening] + source
            codes[place, listening] = rows[listening, source]
            filled[listening] += 1
        return cls(vertices, codes, propagation.weights)


def _listened_to(sources: Sequence[_Sources], active: Bool[np.ndarray, " m"]) -> Bool[np.ndarray, " m"]:
    """The vertices that some active vertex gathers from."""
    result = np.zeros_like(active)
    for source in sources:
        result[source.vertices[(source.codes > 0) & active]] = True
    return result


def _refine(
    sources: Sequence[_Sources],
    colours: Int32[np.ndarray, " m"],
    count: int,
    vertices: Int[np.ndarray, " a"],
    messages: MessagePassing,
) -> tuple[IndexLayer, Int32[np.ndarray, " a"]]:
    """The next layer over some vertices, and the row of each of them in it.

    Args:
        sources: whom each vertex listens to, by propagation.
        colours: row of depth g-1 of each vertex.
        count: number of rows of depth g-1.
        vertices: those wanted at depth g.
        messages: the batch, for its gates.
    """
    sums, taken = zip(*(_distinct_sums(source, colours, count, vertices) for source in sources), strict=True)
    # one propagation and no gate: the sums are the rows, and a mean of one part would copy them
    if messages.gates is None and len(sums) == 1:
        identity = np.arange(len(sums[0].offsets) - 1, dtype=np.int32)
        return IndexLayer(sums, (identity,), None), taken[0]
    gates = None if messages.gates is None else messages.gates.reshape(-1)[vertices]
    # the gate comes first: rows are then sorted by it, and the rows of a gate are one slice
    columns = [*taken] if gates is None else [gates, *taken]
    rows, examples = distinct_rows(columns, max(int(column.max(initial=0)) for column in columns) + 1)
    parts = tuple(part[examples] for part in taken)
    segments = None if gates is None else np.bincount(gates[examples], minlength=messages.num_gates)
    return IndexLayer(sums, parts, segments), rows


def _distinct_sums(
    source: _Sources, colours: Int32[np.ndarray, " m"], count: int, vertices: Int[np.ndarray, " a"]
) -> tuple[SparseRows, Int32[np.ndarray, " a"]]:
    """The distinct weighted sums that vertices gather, and which of them each vertex takes."""
    kinds = len(source.weights)
    absent = count * kinds
    pairs = []
    for positions, codes in zip(source.vertices, source.codes, strict=True):
        code = codes[vertices]
        # one number for (whose features, with which weight), in a type that holds the largest of them
        pair = colours[positions[vertices]].astype(np.min_scalar_type(-absent - 1)) * kinds + code
        pairs.append(np.where(code > 0, pair, absent))
    # a sum does not depend on the order of its terms: sorted, equal multisets are equal rows
    columns = sorted_columns(pairs)
    rows, examples = distinct_rows(columns, absent + 1)
    table = np.stack([column[examples] for column in columns], axis=1)
    present = table < absent
    entries = table[present]
    sums = SparseRows(
        indices=(entries // kinds).astype(np.int32),
        weights=source.weights[entries % kinds],
        offsets=np.concatenate([[0], present.sum(1).cumsum()]).astype(np.int32),
    )
    return sums, rows


def distinct_rows(
    columns: Sequence[Integer[np.ndarray, " m"]], bound: int
) -> tuple[Int32[np.ndarray, " m"], Int[np.ndarray, " d"]]:
    """The number of each row among the distinct ones in lexicographic order, and one example row of each.

    Rows are brought together by sorting hashes, which is fast, but told apart by their entries: rows that collide can
    only split a group of equal rows, and the few groups that are left are sorted and merged by their entries.

    Args:
        columns: the columns of the table, entries 0 .. bound - 1.
        bound: one more than the largest entry.
    """
    words = _packed(columns, bound)
    order = _brought_together(words)
    starts = _differs_from_last(words, order)
    group = np.empty(len(order), np.int32)
    group[order] = starts.cumsum(dtype=np.int32) - 1
    examples = order[starts]
    lexicographic = np.lexsort([word[examples] for word in reversed(words)])
    new = _differs_from_last(words, examples[lexicographic])
    number = np.empty(len(examples), np.int32)
    number[lexicographic] = new.cumsum(dtype=np.int32) - 1
    return number[group], examples[lexicographic[new]]


def sorted_columns(columns: Sequence[Integer[np.ndarray, " m"]]) -> list[Integer[np.ndarray, " m"]]:
    """Sorts every row of a table given by columns: a bubble network, vectorised over the rows."""
    ordered = list(columns)
    for end in range(len(ordered) - 1, 0, -1):
        for place in range(end):
            low, high = ordered[place], ordered[place + 1]
            ordered[place], ordered[place + 1] = np.minimum(low, high), np.maximum(low, high)
    return ordered


def _packed(columns: Sequence[Integer[np.ndarray, " m"]], bound: int) -> list[UInt64[np.ndarray, " m"]]:
    """The columns side by side in 64-bit words, the first column in the highest bits of the first word."""
    bits = max(1, (bound - 1).bit_length())
    per_word = 64 // bits
    words = []
    for start in range(0, len(columns), per_word):
        word = np.zeros(len(columns[0]), np.uint64)
        for column in columns[start : start + per_word]:
            word <<= np.uint64(bits)
            word |= column.astype(np.uint64)
        words.append(word)
    return words


def _brought_together(words: Sequence[UInt64[np.ndarray, " m"]]) -> Integer[np.ndarray, " m"]:
    """An order of the rows in which equal rows follow each other, but for hash collisions.

    The low bits of each hash give way to the number of its row: sorting plain integers is far faster than `argsort`.
    """
    key = np.zeros(len(words[0]), np.uint64)
    for word in words:
        key ^= word
        for multiplier in _MULTIPLIERS:
            key *= multiplier
            # a product mixes upwards only: its high bits come down here, to the low bits, which are those that stay
            key ^= key >> np.uint64(31)
    row_bits = np.uint64(len(key).bit_length())
    key <<= row_bits
    key |= np.arange(len(key), dtype=np.uint64)
    key.sort()
    key &= (np.uint64(1) << row_bits) - np.uint64(1)
    return key.astype(np.int64)


def _differs_from_last(
    words: Sequence[UInt64[np.ndarray, " m"]], order: Int[np.ndarray, " k"]
) -> Bool[np.ndarray, " k"]:
    """Whether each row, in this order, has other entries than the row before it; true for the first."""
    result = np.zeros(len(order), bool)
    result[:1] = True
    for word in words:
        ranked = word[order]
        result[1:] |= ranked[1:] != ranked[:-1]
    return result
