"""Cells of NAS-Bench-101 as people write them: a matrix and operations in any of their usual forms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import isqrt
from typing import Any

import numpy as np

from predictornas.errors import InvalidArchitectureError, quoted
from predictornas.spaces.nasbench101_cells import INPUT, MAX_VERTICES, OUTPUT

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
"""The official names of operation codes 0, 1, 2."""

_MOST_VERTICES = 64
_ENDS = ("input", "output")
_NUMBERS = {**dict(enumerate((*OPERATIONS, *_ENDS))), -1: "input", -2: "output"}  # -1 and -2: those of the hash
_CODES = {name: code for code, name in enumerate((*OPERATIONS, *_ENDS))}
_DIGITS = re.compile(r"[\[\]\s01]+")

Layout = tuple[np.ndarray, np.ndarray]
"""Adjacency `(1, 7, 7)` and codes `(1, 7)`, as `NASBench101.from_matrices` takes them."""


def laid_out(matrix: Any, operations: Any, numbering: Sequence[str] | None = None) -> Layout:
    """A cell without the vertices on no path from input to output; of these any number is allowed.

    Args:
        matrix: rows of zeros and ones, the same as one row, or a text of them with or without marks between the rows.
        operations: a list or a text with commas: the operation of each vertex, or of all but the first and the last.
            Names may lack `-bn-relu`. Numbers are the official ones; -1 or 3 is the input, -2 or 4 the output.
        numbering: what numbers mean instead: the names in the order of their numbers.

    Raises:
        InvalidArchitectureError: no upper triangular matrix, another number of operations, or an unknown one.
    """
    rows = _rows(matrix)
    names = _names(operations, len(rows), numbering)
    kept = on_paths(rows)
    if len(kept) < 2:
        raise InvalidArchitectureError("Input and output of the cell are not connected.")
    if len(kept) > MAX_VERTICES:
        raise InvalidArchitectureError(
            f"A NAS-Bench-101 cell has at most {MAX_VERTICES} vertices, not {len(kept)} on paths from input to output."
        )
    adjacency = np.zeros((1, MAX_VERTICES, MAX_VERTICES), np.uint8)
    adjacency[0, : len(kept), : len(kept)] = np.array(rows, np.uint8)[np.ix_(kept, kept)]
    codes = np.full((1, MAX_VERTICES), -1, np.int8)
    codes[0, : len(kept)] = [_CODES[names[vertex]] for vertex in kept]
    if codes[0, 0] != INPUT or codes[0, len(kept) - 1] != OUTPUT or {INPUT, OUTPUT} & set(codes[0, 1 : len(kept) - 1]):
        raise InvalidArchitectureError(f"The operations begin with input and end with output, not {', '.join(names)}.")
    return adjacency, codes


def read_cells(texts: Sequence[str]) -> Layout:
    """What `NASBench101.describe` writes: rows with `/` between them, a space, operations with commas.

    Raises:
        InvalidArchitectureError: another form; names the entry.
    """
    cells = []
    for entry, text in enumerate(texts):
        matrix, _, operations = text.strip().partition(" ")
        try:
            cells.append(laid_out(matrix, operations))
        except InvalidArchitectureError as error:
            raise InvalidArchitectureError(
                f"Entry {entry}, {quoted(text)}, is no NAS-Bench-101 cell ({error}) Expected its matrix row by row and "
                "its operations, as in 010/001/000 input,conv3x3-bn-relu,output."
            ) from None
    if not cells:
        return np.zeros((0, MAX_VERTICES, MAX_VERTICES), np.uint8), np.zeros((0, MAX_VERTICES), np.int8)
    return np.concatenate([matrix for matrix, _ in cells]), np.concatenate([codes for _, codes in cells])


def on_paths(rows: Sequence[Sequence[object]]) -> list[int]:
    """The vertices on paths from the first to the last vertex, in order; edges point forwards."""
    count = len(rows)
    fed, useful = {0}, {count - 1}
    for x, row in enumerate(rows):
        if x in fed:
            fed.update(y for y in range(x + 1, count) if row[y])
    for x in range(count - 2, -1, -1):
        if any(rows[x][y] for y in useful if y > x):
            useful.add(x)
    return sorted(fed & useful)


def written(adjacency: np.ndarray, codes: np.ndarray) -> tuple[list[list[int]], list[str]]:
    """Rows and operation names of one cell, as the official package takes them.

    Args:
        adjacency: `(7, 7)`, real vertices first.
        codes: `(7,)`, -1 on padding.
    """
    count = int((codes >= 0).sum())
    names = (*OPERATIONS, *_ENDS)
    return adjacency[:count, :count].tolist(), [names[code] for code in codes[:count].tolist()]


def one_line(adjacency: np.ndarray, codes: np.ndarray) -> str:
    """One cell as `NASBench101.describe` writes it; arguments as in `written`."""
    matrix, names = written(adjacency, codes)
    return "/".join("".join(map(str, row)) for row in matrix) + " " + ",".join(names)


def _rows(matrix: Any) -> list[list[int]]:
    """The matrix as rows of zeros and ones, square and upper triangular."""
    if isinstance(matrix, str):
        if not _DIGITS.fullmatch(matrix.replace("/", " ").replace(",", " ")):
            raise InvalidArchitectureError(f"{quoted(matrix)} is no matrix of zeros and ones.")
        parts = re.findall(r"[01]+", matrix) if "/" in matrix else ["".join(re.findall("[01]", matrix))]
        matrix = [list(map(int, part)) for part in parts]
        matrix = matrix if len(matrix) > 1 else matrix[0]
    if isinstance(matrix, (list, tuple)) and matrix and not isinstance(matrix[0], (list, tuple)):
        size = isqrt(len(matrix))
        if size * size != len(matrix):
            raise InvalidArchitectureError(f"{len(matrix)} entries are no square matrix.")
        matrix = [list(matrix[start : start + size]) for start in range(0, len(matrix), size)]
    is_square = isinstance(matrix, (list, tuple)) and all(
        isinstance(row, (list, tuple)) and len(row) == len(matrix) for row in matrix
    )
    if not is_square or not 2 <= len(matrix) <= _MOST_VERTICES:
        raise InvalidArchitectureError(f"The matrix must be square, with 2 to {_MOST_VERTICES} rows.")
    for x, row in enumerate(matrix):
        for y, bit in enumerate(row):
            if isinstance(bit, (str, list, dict)) or bit not in (0, 1):
                raise InvalidArchitectureError(f"Row {x} of the matrix holds {quoted(bit)}; only 0 and 1 are allowed.")
            if bit and y <= x:
                raise InvalidArchitectureError(f"The matrix must be upper triangular; it has an edge {x} -> {y}.")
    return [[int(bit) for bit in row] for row in matrix]


def _names(operations: Any, vertices: int, numbering: Sequence[str] | None) -> list[str]:
    """The name of each vertex's operation."""
    if isinstance(operations, str):
        operations = [part.strip() for part in operations.strip(" []()").split(",")]
    if not isinstance(operations, (list, tuple)) or len(operations) not in (vertices, vertices - 2):
        count = len(operations) if isinstance(operations, (list, tuple)) else 0
        raise InvalidArchitectureError(f"There are {count} operations for {vertices} vertices; give one for each.")
    numbers = _NUMBERS if numbering is None else {**_NUMBERS, **dict(enumerate(map(_name, numbering)))}
    names = []
    for operation in operations:
        if isinstance(operation, str) and operation.lstrip("-").isdecimal() and len(operation) < 5:
            operation = int(operation)
        if type(operation) is int and operation not in numbers:
            raise InvalidArchitectureError(f"Operation number {operation} is none of {', '.join(map(str, numbers))}.")
        names.append(_name(numbers[operation] if type(operation) is int else operation))
    return names if len(names) == vertices else ["input", *names, "output"]


def _name(operation: Any) -> str:
    """The official name."""
    text = operation.strip(" '\"").lower() if isinstance(operation, str) else ""
    known = {name.removesuffix("-bn-relu"): name for name in _CODES} | {"in": "input", "out": "output"}
    if text.removesuffix("-bn-relu") not in known:
        raise InvalidArchitectureError(f"Unknown operation {quoted(operation)}, known: {', '.join(_CODES)}.")
    return known[text.removesuffix("-bn-relu")]
