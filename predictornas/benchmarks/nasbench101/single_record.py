"""One record of the official NAS-Bench-101 file, parsed field by field: the reference that the fast reader must equal.

A record is the JSON list `[module_hash, epochs, adjacency, operations, metrics]`; metrics is the base64 of a protobuf
message (see `nasbench101_metrics`).
"""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from typing import NamedTuple

import numpy as np
from jaxtyping import Int8, UInt8, UInt32

from predictornas.benchmarks.nasbench101.model_metrics import (
    MEASURES,
    POINTS,
    MetricsLayout,
    metrics_layout,
    read_varint,
)
from predictornas.errors import DataError
from predictornas.spaces.nasbench101 import OPERATIONS
from predictornas.spaces.nasbench101_cells import ABSENT, INPUT, MAX_VERTICES, NUM_EDGE_GENES, OUTPUT

MAX_EPOCHS, MAX_PARAMETERS, MAX_SECONDS = 9999, (1 << 31) - 1, 1e9
"""Largest budget, number of parameters (an int32 in the file) and training time that are believed."""

MAX_ACCURACY = 1 + 1e-6
"""Means of float32 may round up to just above 1; such an accuracy is stored as 1."""

MAX_EPOCH_OFFSET = 0.5
"""How far from its nominal epoch (half of the budget, the budget) an evaluation may stand, in epochs."""


class Record(NamedTuple):
    """What one record says.

    Attributes:
        module_hash: 16 bytes.
        epochs: the budget, 1..9999.
        cell: the cell, to be read by `unpack_cells`.
        parameters: number of trainable parameters.
        metrics: eight numbers, `MEASURES` at each of `POINTS`: seconds, and accuracies as fractions.
    """

    module_hash: bytes
    epochs: int
    cell: int
    parameters: int
    metrics: tuple[float, ...]


def parse_record(data: bytes) -> Record:
    """Parses and checks one record.

    Raises:
        DataError: what is wrong with it; the caller adds where it stands.
    """
    module_hash, epochs, adjacency, operations, metrics = _json_fields(data)
    if not re.fullmatch("[0-9a-f]{32}", module_hash):
        raise DataError(f"the module hash {module_hash[:40]!r} is not 32 lower-case hexadecimal digits")
    if not 0 < epochs <= MAX_EPOCHS:
        raise DataError(f"{epochs} epochs is outside 1..{MAX_EPOCHS}")
    cell = _packed_cell(adjacency, operations)
    message = _decoded(metrics)
    layout = metrics_layout(message)
    parameters = read_varint(message, *layout.parameters)[0]
    if not 0 < parameters <= MAX_PARAMETERS:
        raise DataError(f"{parameters} trainable parameters is outside 1..{MAX_PARAMETERS}")
    return Record(bytes.fromhex(module_hash), epochs, cell, parameters, _checked_metrics(message, layout, epochs))


def unpack_cells(cells: UInt32[np.ndarray, " n"]) -> tuple[UInt8[np.ndarray, "n 7 7"], Int8[np.ndarray, "n 7"]]:
    """Adjacency and operation codes of packed cells, padding after the output, for `NASBench101.from_matrices`.

    A packed cell holds edge x -> y at bit `x + y(y-1)/2` and, from bit 21 on, two bits for each of vertices 1..5
    (3 = absent).
    """
    adjacency = np.zeros((len(cells), MAX_VERTICES, MAX_VERTICES), np.uint8)
    for y in range(1, MAX_VERTICES):
        for x in range(y):
            adjacency[:, x, y] = (cells >> np.uint32(edge_bit(x, y))) & np.uint32(1)
    operations = np.full((len(cells), MAX_VERTICES), -1, np.int8)
    operations[:, 0] = INPUT
    for vertex in range(1, MAX_VERTICES - 1):
        codes = (cells >> np.uint32(operation_bit(vertex))) & np.uint32(3)
        operations[:, vertex] = np.where(codes == ABSENT, np.int8(-1), codes.astype(np.int8))  # -1 is no uint32
    operations[np.arange(len(cells)), (operations >= 0).sum(axis=1)] = OUTPUT
    return adjacency, operations


def edge_bit(x: int, y: int) -> int:
    """Bit of edge x -> y (x < y) in a packed cell."""
    return x + y * (y - 1) // 2


def operation_bit(vertex: int) -> int:
    """Lowest of the two bits of a vertex 1..5 in a packed cell."""
    return NUM_EDGE_GENES + 2 * (vertex - 1)


def absent_bits(vertices: int) -> int:
    """What a packed cell of this many vertices holds for those that it lacks."""
    return sum(ABSENT << operation_bit(vertex) for vertex in range(vertices - 1, MAX_VERTICES - 1))


def _json_fields(data: bytes) -> tuple[str, int, str, str, str]:
    try:
        fields = json.loads(data.decode())
    except (ValueError, RecursionError) as error:
        raise DataError(f"the record is not JSON ({error})") from None
    if not isinstance(fields, list) or [type(field) for field in fields] != [str, int, str, str, str]:
        raise DataError(
            "a JSON list [module_hash, epochs, adjacency, operations, metrics] of a text, a whole number and three "
            f"texts was expected, not {str(fields)[:60]!r}"
        )
    return fields[0], fields[1], fields[2], fields[3], fields[4]


def _packed_cell(adjacency: str, operations: str) -> int:
    vertices = math.isqrt(len(adjacency))
    if vertices**2 != len(adjacency) or not 2 <= vertices <= MAX_VERTICES or set(adjacency) - {"0", "1"}:
        raise DataError(f"the adjacency {adjacency[:60]!r} is not V * V zeros and ones, 2 <= V <= {MAX_VERTICES}")
    names = operations.split(",")
    if len(names) != vertices or names[0] != "input" or names[-1] != "output":
        raise DataError(
            f"the operations {operations[:120]!r} are not 'input', {vertices - 2} operations and 'output', as the "
            "adjacency needs"
        )
    cell = absent_bits(vertices)
    for index, digit in enumerate(adjacency):
        x, y = divmod(index, vertices)
        if digit == "1" and x >= y:
            raise DataError(f"the edge {x} -> {y} does not point forwards; an upper triangular adjacency was expected")
        if digit == "1":
            cell |= 1 << edge_bit(x, y)
    for vertex, name in enumerate(names[1:-1], start=1):
        if name not in OPERATIONS:
            raise DataError(f"unknown operation {name[:40]!r} (known: {', '.join(OPERATIONS)})")
        cell |= OPERATIONS.index(name) << operation_bit(vertex)
    return cell


def _decoded(metrics: str) -> bytes:
    """The bytes of a base64 text; it may be wrapped into lines."""
    try:
        return base64.b64decode("".join(metrics.split()), validate=True)
    except ValueError as error:
        raise DataError(f"the metrics are not base64 ({error})") from None


def _checked_metrics(message: bytes, layout: MetricsLayout, epochs: int) -> tuple[float, ...]:
    for point, byte, share in zip(POINTS, layout.epochs, (0.5, 1.0), strict=True):
        met = struct.unpack_from("<d", message, byte)[0]
        if not abs(met - share * epochs) <= MAX_EPOCH_OFFSET:
            raise DataError(f"the {point} evaluation stands at epoch {met}, not {share * epochs}")
    metrics = []
    for index, byte in enumerate(layout.metrics):
        point, measure = POINTS[index // len(MEASURES)], MEASURES[index % len(MEASURES)]
        value = struct.unpack_from("<d", message, byte)[0]
        if measure == "seconds" and not 0 <= value <= MAX_SECONDS:
            raise DataError(f"the {point} training time of {value} seconds is outside 0..{MAX_SECONDS:g}")
        if measure != "seconds" and not 0 <= value <= MAX_ACCURACY:
            raise DataError(f"the {point} {measure} accuracy {value} is outside 0..1")
        metrics.append(value if measure == "seconds" else min(value, 1.0))
    return tuple(metrics)
