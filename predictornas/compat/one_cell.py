"""Key and official hash of one NAS-Bench-101 cell, in plain integers: faster than arrays of length one.

The rooms below compute both for whole tables at once; here a single cell has neither to wait for numpy's calls nor to
be laid out on seven vertices. `tests/compat/test_one_cell.py` holds the two to each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import md5

from predictornas.spaces.nasbench101_cells import MAX_VERTICES

Rows = Sequence[Sequence[object]]
"""The rows of an upper triangular adjacency matrix; what is true is an edge."""

_WORD = (1 << 64) - 1
_LANE = 128  # bits from one vertex to the next: a 64-bit state times a 64-bit constant stays within them

# the constants of spaces/hashing.py
_OWN, _IN, _OUT, _END = 0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5


def cell_key(rows: Rows, labels: Sequence[int]) -> int:
    """`predictornas.spaces.hashing.graph_hash` of one cell, as `NASBench101.keys` gives it.

    The states of all vertices lie side by side in one long integer, so that one multiplication mixes all of them.

    Example:
        >>> import numpy as np
        >>> from predictornas.compat.one_cell import cell_key
        >>> from predictornas.spaces.nasbench101 import NASBench101
        >>> adjacency, labels = np.array([[0, 1, 0], [0, 0, 1], [0, 0, 0]], np.uint8), np.array([3, 2, 4], np.int8)
        >>> genes = NASBench101().from_matrices(adjacency[None], labels[None])
        >>> bool(cell_key(adjacency.tolist(), labels.tolist()) == NASBench101().keys(genes)[0])
        True

    Args:
        rows: V x V, V at most 7.
        labels: V codes, 0 to 2 for operations, 3 for the input, 4 for the output.
    """
    count = len(labels)
    one, both = _lanes(count), _lanes(2 * count)
    half = _LANE * count
    marks = one.every * (_IN + (_OUT << half))
    ends = one.every * _END << half
    moves = _moves(rows, count)
    state = one.mixed(sum(((label + 1) * _OWN & _WORD) << _LANE * place for place, label in enumerate(labels)))
    for _ in range(MAX_VERTICES):
        # in the lower half what successors receive, in the upper half what predecessors do
        sent = both.mixed((state | state << half) ^ marks)
        received = ends
        for shift, targets in moves:
            received += (sent >> shift & _WORD) * targets
        taken = both.mixed(received & both.words)
        into, out = (taken & one.words) * _IN & one.words, (taken >> half) * _OUT & one.words
        state = one.mixed((state * _OWN & one.words) + into + out & one.words)
    total = sum(state >> _LANE * place & _WORD for place in range(count))
    return _lanes(1).mixed(total + _END * count & _WORD)


def module_hash(rows: Rows, labels: Sequence[int]) -> str:
    """The official MD5 hash of one cell (Ying et al. 2019, graph_util.hash_module), 32 hexadecimal digits.

    Args:
        rows: V x V.
        labels: V numbers: -1 for the input, -2 for the output, the place of its operation for any other vertex.
    """
    count = len(labels)
    successors = [[y for y in range(x + 1, count) if row[y]] for x, row in enumerate(rows)]
    predecessors = [[x for x in range(y) if rows[x][y]] for y in range(count)]
    around = list(zip(predecessors, successors, strict=True))
    colours = [_digest(str((len(out), len(into), label))) for label, (into, out) in zip(labels, around, strict=True)]
    for _ in range(count):
        colours = [
            _digest(f"{_joined(colours, into)}|{_joined(colours, out)}|{own}")
            for own, (into, out) in zip(colours, around, strict=True)
        ]
    return _digest(str(sorted(colours)))


class _Lanes:
    """Mixes that many 64-bit states at once, one in each lane of a long integer; the upper half of a lane is 0."""

    __slots__ = ("every", "rest27", "rest30", "rest31", "words")

    def __init__(self, count: int) -> None:
        self.every = sum(1 << _LANE * place for place in range(count))
        self.words = _WORD * self.every
        # what a shift brings into a lane from the next one is cut off
        self.rest30, self.rest27, self.rest31 = (self.every * (_WORD >> shift) for shift in (30, 27, 31))

    def mixed(self, state: int) -> int:
        """`predictornas.spaces.hashing.mix` of every lane."""
        state = (state ^ state >> 30 & self.rest30) * 0xBF58476D1CE4E5B9 & self.words
        state = (state ^ state >> 27 & self.rest27) * 0x94D049BB133111EB & self.words
        return state ^ state >> 31 & self.rest31


_lanes = cache(_Lanes)


def _moves(rows: Rows, count: int) -> list[tuple[int, int]]:
    """From which bit a state is taken, and an integer with a one in each lane that it is added to."""
    targets = [0] * (2 * count)
    for x, row in enumerate(rows):
        for y in range(x + 1, count):
            if row[y]:
                targets[x] |= 1 << _LANE * y
                targets[count + y] |= 1 << _LANE * (count + x)
    return [(_LANE * lane, there) for lane, there in enumerate(targets) if there]


def _digest(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()


def _joined(colours: Sequence[str], vertices: Iterable[int]) -> str:
    return "".join(sorted([colours[vertex] for vertex in vertices]))
