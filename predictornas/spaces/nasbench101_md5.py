"""The official MD5 hash of NAS-Bench-101 cells (Ying et al. 2019, graph_util.hash_module), over whole batches.

A vertex's colour after a round is the MD5 of its neighbours' colours and its own. Over many cells the same colours
come back in the first rounds, so each distinct combination is hashed once.
"""

from __future__ import annotations

from hashlib import md5

import numpy as np
from jaxtyping import Int64, UInt8

from predictornas.errors import DataError
from predictornas.spaces.base import Graphs

_SHARED_ROUNDS = 2  # after these most colours are unique, and looking them up costs more than it saves


def module_hashes(graphs: Graphs) -> UInt8[np.ndarray, "n 16"]:
    """The official hash of each cell, as 16 bytes a row.

    Args:
        graphs: cells as `NASBench101.graphs` gives them.
    """
    result = np.empty((len(graphs), 16), np.uint8)
    shared: dict[str, str] = {}
    vertices = (graphs.operations >= 0).sum(axis=1).tolist()
    matrices = graphs.adjacency.tolist()
    operations = graphs.operations.tolist()
    for row, count in enumerate(vertices):
        digest = _module_hash([line[:count] for line in matrices[row][:count]], operations[row][1 : count - 1], shared)
        result[row] = np.frombuffer(digest, np.uint8)
    return result


def _module_hash(matrix: list[list[int]], operations: list[int], shared: dict[str, str]) -> bytes:
    count = len(matrix)
    labels = [-1, *operations, -2]
    successors = [[w for w in range(count) if matrix[v][w]] for v in range(count)]
    predecessors = [[w for w in range(count) if matrix[w][v]] for v in range(count)]
    colours = [
        _hex(str((len(out), len(into), label)), shared)
        for out, into, label in zip(successors, predecessors, labels, strict=True)
    ]
    for index in range(count):
        texts = [
            "".join(sorted([colours[w] for w in into])) + "|" + "".join(sorted([colours[w] for w in out])) + "|" + own
            for into, out, own in zip(predecessors, successors, colours, strict=True)
        ]
        if index < _SHARED_ROUNDS:
            colours = [_hex(text, shared) for text in texts]
        else:
            colours = [md5(text.encode()).hexdigest() for text in texts]
    return md5(str(sorted(colours)).encode()).digest()


def _hex(text: str, shared: dict[str, str]) -> str:
    colour = shared.get(text)
    if colour is None:
        colour = shared[text] = md5(text.encode()).hexdigest()
    return colour


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
