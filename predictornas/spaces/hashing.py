"""Isomorphism-invariant 64-bit keys of labelled graphs: a vectorised Weisfeiler-Lehman hash.

The arithmetic is on unsigned 64-bit integers only, so the keys are the same on every machine and in every version;
`tests/spaces/test_hashing.py` pins some. Changing anything here invalidates stored tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int8, UInt8, UInt64

_BLOCK = 8192  # graphs at once: seven vertices of state stay in the second-level cache

_OWN, _IN, _OUT, _END = (
    np.uint64(0x9E3779B97F4A7C15),
    np.uint64(0xC2B2AE3D27D4EB4F),
    np.uint64(0x165667B19E3779F9),
    np.uint64(0x27D4EB2F165667C5),
)


def mix(x: UInt64[np.ndarray, "..."]) -> UInt64[np.ndarray, "..."]:
    """The finaliser of SplitMix64: a bijection of 64-bit integers that spreads every bit over all others.

    Of small numbers it is nothing to add up: for one x in sixteen below 2^29 the mixed 2 x is twice the mixed x.
    """
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(x ^ (x >> np.uint64(31)))


def row_keys(rows: Int8[np.ndarray, "n g"], num_choices: Sequence[int]) -> UInt64[np.ndarray, " n"]:
    """One key a row of choices: one-to-one up to 2^64 possible rows, a hash beyond.

    The row is read as a number, its genes the digits; where that has more than 64 bits, in pieces that are mixed one
    into another. Then n rows hold two of one key with probability n^2 / 2^65.

    Args:
        rows: `(n, g)`, gene i in 0 .. num_choices[i] - 1.
        num_choices: number of values of each gene.
    """
    key = np.zeros(len(rows), np.uint64)
    number, possible = np.zeros(len(rows), np.uint64), 1
    for gene, choices in enumerate(num_choices):
        if possible * choices >= 1 << 64:
            key = mix(key * _OWN + number + np.uint64(1))
            number, possible = np.zeros(len(rows), np.uint64), 1
        number = number * np.uint64(choices) + rows[:, gene].astype(np.uint64)
        possible *= choices
    return mix(key * _OWN + number + np.uint64(1))


def graph_hash(
    adjacency: UInt8[np.ndarray, "n v v"], labels: Int8[np.ndarray, "n v"], *, rounds: int | None = None
) -> UInt64[np.ndarray, " n"]:
    """One key a graph, equal for isomorphic graphs.

    Every vertex starts with its label; in each round it takes in the multisets of its in- and of its out-neighbours'
    states; the key is the multiset of the final states.

    Example:
        >>> import numpy as np
        >>> from predictornas.spaces.hashing import graph_hash
        >>> chain = np.array([[[0, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 0]]], np.uint8)  # 0 -> 1 -> 3
        >>> moved = np.array([[[0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]]], np.uint8)  # 0 -> 2 -> 3
        >>> there, elsewhere = np.array([[0, 1, -1, 2]], np.int8), np.array([[0, -1, 1, 2]], np.int8)
        >>> bool(graph_hash(chain, there)[0] == graph_hash(moved, elsewhere)[0])
        True

    Args:
        adjacency: `(n, V, V)`, upper triangular, 1 where vertex i points to vertex j.
        labels: `(n, V)`, -1 on vertices that do not exist (they must have no edges).
        rounds: rounds of refinement; V by default, after which nothing more can be told apart.
    """
    n, vertices = labels.shape
    keys = np.empty(n, np.uint64)
    for start in range(0, n, _BLOCK):
        block = slice(start, start + _BLOCK)
        keys[block] = _hash_block(adjacency[block], labels[block], vertices if rounds is None else rounds)
    return keys


def vertex_hashes(
    adjacency: UInt8[np.ndarray, "n v v"], labels: Int8[np.ndarray, "n v"], rounds: int
) -> Iterator[UInt64[np.ndarray, "v n"]]:
    """The state of every vertex before the first round and after each: what lies around it, up to `rounds` steps away.

    Vertices of equal surroundings have equal states, whatever graph they are in; those that do not exist have 0.
    """
    vertices = labels.shape[1]
    edges = np.ascontiguousarray(adjacency.transpose(1, 2, 0)).astype(np.uint64)
    exists = np.ascontiguousarray((labels >= 0).T).astype(np.uint64)
    # labels from 1, because 0 is the state of what does not exist and must add nothing to any sum
    state = mix((labels.T.astype(np.int64) + 1).astype(np.uint64) * _OWN) * exists
    yield state
    for _ in range(rounds):
        # mixed before they are summed: the sum of mixed states depends on the multiset alone, while that of raw states
        # would let 1 + 3 pass for 2 + 2. Directions are told apart by mixing with different constants
        inward, outward = mix(state ^ _IN), mix(state ^ _OUT)
        received = np.zeros_like(state)
        sent = np.zeros_like(state)
        for j in range(1, vertices):
            for i in range(j):
                received[j] += edges[i, j] * inward[i]
                sent[i] += edges[i, j] * outward[j]
        # arrays of unsigned integers wrap around in silence, on every machine alike
        state = mix(state * _OWN + mix(received) * _IN + mix(sent + _END) * _OUT) * exists
        yield state


def _hash_block(
    adjacency: UInt8[np.ndarray, "n v v"], labels: Int8[np.ndarray, "n v"], rounds: int
) -> UInt64[np.ndarray, " n"]:
    for last in vertex_hashes(adjacency, labels, rounds):
        state = last
    exists = (labels >= 0).T
    # the number of vertices counts too, or a vertex whose state happens to be 0 would be none
    return mix(state.sum(axis=0, dtype=np.uint64) + _END * exists.sum(axis=0, dtype=np.uint64))
