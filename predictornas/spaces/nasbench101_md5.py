"""The official MD5 hash of NAS-Bench-101 cells (Ying et al. 2019, graph_util.hash_module), over whole batches.

A vertex's colour after a round is the MD5 of its neighbours' colours and its own, as hexadecimal text. Vertices with
equal numbers of predecessors and of successors have texts of equal length: these are put together as arrays, for a
whole block of cells at once, and only MD5 itself is called vertex by vertex.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import md5

import numpy as np
from jaxtyping import Int8, Int64, Shaped, UInt8

from predictornas.errors import DataError
from predictornas.spaces.base import Graphs

_BLOCK = 4096  # cells at once: their texts stay in the cache

Colours = Shaped[np.ndarray, " c"]  # 32 hexadecimal digits each, dtype S32
Alike = tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, "m a"], Int64[np.ndarray, "m b"]]


def module_hashes(graphs: Graphs) -> UInt8[np.ndarray, "n 16"]:
    """The official hash of each cell, as 16 bytes a row.

    Args:
        graphs: cells as `NASBench101.graphs` gives them.
    """
    result = np.empty((len(graphs), 16), np.uint8)
    vertices = (graphs.operations >= 0).sum(axis=1)
    for count in np.unique(vertices):
        rows = np.flatnonzero(vertices == count)
        for start in range(0, len(rows), _BLOCK):
            block = rows[start : start + _BLOCK]
            result[block] = _hash_block(graphs.adjacency[block, :count, :count], graphs.operations[block, :count])
    return result


def _hash_block(
    adjacency: UInt8[np.ndarray, "n v v"], operations: Int8[np.ndarray, "n v"]
) -> UInt8[np.ndarray, "n 16"]:
    """Hashes of cells that all have `v` vertices."""
    cells, count = operations.shape
    groups = list(_alike(adjacency))
    colours = _first_colours(adjacency, operations)
    for _ in range(count):
        fresh = np.empty_like(colours)
        for members, into, out in groups:
            parts = [np.sort(colours[into], axis=1), np.sort(colours[out], axis=1), colours[members, None]]
            fresh[members] = _hexadecimal(_digests(_texts("", parts, "|", "")))
        colours = fresh
    ordered = np.sort(colours.reshape(cells, count), axis=1)
    printed = _texts("['", np.split(ordered, count, axis=1), "', '", "']")  # as Python prints a list of strings
    return np.frombuffer(_digests(printed), np.uint8).reshape(cells, 16)


def _first_colours(adjacency: UInt8[np.ndarray, "n v v"], operations: Int8[np.ndarray, "n v"]) -> Colours:
    """Colours of all vertices, cell by cell: from out-degree, in-degree and label (-1 the input, -2 the output)."""
    labels = operations.astype(np.int64)
    labels[:, 0], labels[:, -1] = -1, -2
    signatures = np.stack([adjacency.sum(axis=2), adjacency.sum(axis=1), labels], axis=-1, dtype=np.int64)
    distinct, place = np.unique(signatures.reshape(-1, 3), axis=0, return_inverse=True)
    return _hexadecimal(_digests([str(tuple(row)).encode() for row in distinct.tolist()]))[place]


def _alike(adjacency: UInt8[np.ndarray, "n v v"]) -> Iterator[Alike]:
    """Groups of vertices with `a` predecessors and `b` successors: who they are, and who these are."""
    count = adjacency.shape[1]
    in_degree, out_degree = (adjacency.sum(axis=axis, dtype=np.int64).ravel() for axis in (1, 2))
    cell, _, source = np.nonzero(adjacency.transpose(0, 2, 1))
    predecessors = cell * count + source
    cell, _, target = np.nonzero(adjacency)
    successors = cell * count + target
    first_in, first_out = np.cumsum(in_degree) - in_degree, np.cumsum(out_degree) - out_degree
    for a, b in np.unique(np.stack([in_degree, out_degree], axis=1), axis=0):
        members = np.flatnonzero((in_degree == a) & (out_degree == b))
        into = predecessors[first_in[members, None] + np.arange(a)]
        yield members, into, successors[first_out[members, None] + np.arange(b)]


def _texts(before: str, parts: Sequence[Shaped[np.ndarray, "m _"]], between: str, after: str) -> list[bytes]:
    """One text a row: the colours of each part, side by side, the parts joined by `between`."""
    rows = len(parts[0])
    pieces = []
    for position, part in enumerate(parts):
        pieces.append(_repeated(between if position else before, rows))
        pieces.append(np.ascontiguousarray(part).view(np.uint8).reshape(rows, -1))
    joined = np.concatenate([*pieces, _repeated(after, rows)], axis=1)
    texts: list[bytes] = joined.view(f"S{joined.shape[1]}").ravel().tolist()
    return texts


def _repeated(text: str, rows: int) -> UInt8[np.ndarray, "m _"]:
    return np.broadcast_to(np.frombuffer(text.encode(), np.uint8), (rows, len(text)))


def _digests(texts: list[bytes]) -> bytes:
    return b"".join([md5(text, usedforsecurity=False).digest() for text in texts])


def _hexadecimal(digests: bytes) -> Colours:
    return np.frombuffer(digests.hex().encode(), "S32")


def find(hashes: list[str], known: UInt8[np.ndarray, "n 16"]) -> Int64[np.ndarray, " m"]:
    """Rows of `known` that hold these hexadecimal hashes.

    Raises:
        DataError: a hash that is not 32 hexadecimal digits, or that `known` does not hold.
    """
    try:
        wanted = np.frombuffer(bytes.fromhex("".join(hashes)), np.uint8).reshape(len(hashes), 16)
    except ValueError:
        wrong = next((text for text in hashes if not _is_hash(text)), "")
        raise DataError(f"{wrong!r} is no module hash: 32 hexadecimal digits were expected.") from None
    if bad := next((text for text in hashes if len(text) != 32), None):
        raise DataError(f"{bad!r} is no module hash: 32 hexadecimal digits were expected.")
    table = np.ascontiguousarray(known).view("V16").ravel()
    if len(hashes) == 1:  # sorting a whole space would take longer than looking through it
        places = np.flatnonzero((known == wanted).all(axis=1))
        if len(places):
            return np.asarray(places[:1])
    order = np.argsort(table, kind="stable")
    sorted_table = table[order]
    queries = np.ascontiguousarray(wanted).view("V16").ravel()
    place = np.minimum(np.searchsorted(sorted_table, queries), len(table) - 1)
    missing = sorted_table[place] != queries
    if missing.any():
        first = int(missing.argmax())
        raise DataError(
            f"Unknown module hash {hashes[first]} (entry {first}; {int(missing.sum())} of {len(hashes)} are unknown): "
            "no NAS-Bench-101 cell has it. Check that the column holds official module hashes."
        )
    rows: Int64[np.ndarray, " m"] = order[place]
    return rows


def _is_hash(text: str) -> bool:
    return len(text) == 32 and all(digit in "0123456789abcdefABCDEF" for digit in text)
