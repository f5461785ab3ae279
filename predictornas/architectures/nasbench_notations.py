"""The notations of NAS-Bench-101, NAS-Bench-201, the size space of NATS-Bench and NAS-Bench-Graph."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from predictornas.architectures.any_space import read_described
from predictornas.architectures.orders import index_of, operation_names, ordered, row_at, unordered
from predictornas.architectures.writing import Numbering, Row, Writing, is_numbers, of, wide
from predictornas.literals import Call
from predictornas.spaces.base import ReadableSpace, SearchSpace, require_genes
from predictornas.spaces.chains.natsbench_size import NATSBenchSize
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench101_text import laid_out
from predictornas.spaces.nasbench201 import EDGES, NASBench201
from predictornas.spaces.nasbench_graph import NASBenchGraph

_CELL = re.compile(
    r"\s*\+\s*".join(r"\|" + "".join(rf"\w{{1,40}}~{edge}\|" for edge in range(node)) for node in (1, 2, 3))
)
"""A cell of NAS-Bench-201 within other text."""


def cell_text(text: str) -> str | None:
    """The last cell of NAS-Bench-201 that a text such as a log, or `Structure(4 nodes with |...|)`, holds."""
    found = _CELL.findall(text)
    return found[-1] if found else None


def _read_operations(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    own = operation_names(space)
    names = value.split(",") if isinstance(value, str) and "," in value and "|" not in value else value
    if own is None or not isinstance(names, list) or not names or not all(isinstance(one, str) for one in names):
        return None
    if len(names) != space.num_genes:
        return None
    return own.row_of(space, [name.strip() for name in names])


def _read_nodes(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    """`((('none', 0),), (('none', 0), ('none', 1)), ...)`: the edges into each node, as `Structure` has them."""
    if not isinstance(space, ReadableSpace) or not isinstance(value, list) or len(value) != EDGES[-1][1]:
        return None
    parts = []
    for number, node in enumerate(value):
        edges = node if isinstance(node, list) else []
        if len(edges) != number + 1 or not all(map(_is_edge, edges)):
            return None
        parts.append("".join(f"|{name}~{source}" for name, source in sorted(edges, key=lambda edge: edge[1])) + "|")
    return np.asarray(space.from_strings(["+".join(parts)])[0])


def _is_edge(value: Any) -> bool:
    return isinstance(value, list) and [type(part) for part in value] == [str, int]


def _write_nodes(space: SearchSpace, row: Row) -> str | None:
    parts = [part.strip("|").split("|") for part in space.describe(row).split("+")]
    nodes = tuple(tuple((name, int(source)) for name, source in (edge.split("~") for edge in node)) for node in parts)
    return str(nodes)


def _write_operations(space: SearchSpace, row: Row) -> str:
    own = operation_names(space)
    return ",".join(own.names[gene] for gene in row.tolist()) if own else ""


def _read_index(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    number = value[0] if is_numbers(value) and len(value) == 1 else value
    return row_at(space, number) if type(number) is int else None


def _write_index(space: SearchSpace, row: Row) -> str:
    return str(index_of(space, row))


def _of_order(name: str, help_: str) -> Writing:
    return Writing(
        name,
        help_,
        of(NASBench201),
        lambda space, value, _: unordered(name, space, wide([value])[0].tolist()) if is_numbers(value) else None,
        lambda _, row: str(tuple(ordered(name, row))),
        asked=True,
    )


def _read_matrix(space: SearchSpace, value: Any, numbering: Numbering) -> Row | None:
    match value:
        case Call(name="ModelSpec", arguments=[matrix, operations, *_]):
            pass
        case Call(name="ModelSpec", named={"matrix": matrix, "ops": operations}):
            pass
        case (
            {"matrix": matrix, "ops": operations}
            | {"adjacency": matrix, "operations": operations}
            | {"module_adjacency": matrix, "module_operations": operations}
        ):
            pass
        case [list() as matrix, list() | str() as operations] if matrix:
            if isinstance(operations, list) and operations and isinstance(operations[0], list):
                return None
        case str() if met := re.fullmatch(r"([\[\]01,\s]+)[\s,;]+(\[?\s*['\"]?(?:input|in|conv|-?\d+\s*,).*)", value):
            matrix, operations = met[1], met[2]
        case _:
            return None
    return _cell(space, matrix, operations, numbering)


def _cell(space: SearchSpace, matrix: Any, operations: Any, numbering: Numbering) -> Row:
    if not isinstance(space, NASBench101):
        raise TypeError(space)
    return np.asarray(space.from_matrices(*laid_out(matrix, operations, numbering))[0])


def _write_matrix(space: SearchSpace, row: Row) -> str | None:
    if not isinstance(space, NASBench101):
        return None
    matrix, operations = space.matrix_of(row)
    return f"ModelSpec(matrix={matrix}, ops={operations})"


def _read_hash(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    is_hash = isinstance(value, str) and re.fullmatch("[0-9a-fA-F]{32}", value)
    return space.from_module_hashes([value.lower()])[0] if is_hash and isinstance(space, NASBench101) else None


def _write_hash(space: SearchSpace, row: Row) -> str | None:
    return space.module_hashes(row[None])[0].tobytes().hex() if isinstance(space, NASBench101) else None


def _read_arch(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    """`Arch([0, 1, 1, 2], ['gcn', 'cheb', 'gin', 'fc'])`, or its two lists."""
    match value:
        case Call(name="Arch", arguments=[list() as inputs, list() as operations]):
            pass
        case {"link": list() as inputs, "ops": list() as operations}:
            pass
        case [list() as inputs, list() as operations]:
            pass
        case _:
            return None
    if not is_numbers(inputs) or len(operations) != len(inputs) or not all(type(one) is str for one in operations):
        return None
    return read_described(space, f"{','.join(map(str, inputs))}|{','.join(operations)}", None)


def _write_arch(space: SearchSpace, row: Row) -> str:
    inputs, operations = space.describe(row).split("|")
    return f"Arch([{inputs.replace(',', ', ')}], {operations.split(',')})"


def _read_official_key(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    number = value[0] if is_numbers(value) and len(value) == 1 else value
    if type(number) is not int or number < 0:
        return None
    return np.asarray(require_genes(space, wide([[int(digit) for digit in f"{number:05d}"]]))[0])


def _write_official_key(space: SearchSpace, row: Row) -> str | None:
    return f"{int(space.official_hashes(row[None])[0]):05d}" if isinstance(space, NASBenchGraph) else None


NASBENCH = (
    Writing("matrix", "matrix and operations of NAS-Bench-101", of(NASBench101), _read_matrix, _write_matrix),
    Writing("hash", "module hash of NAS-Bench-101", of(NASBench101), _read_hash, _write_hash),
    Writing("arch", "Arch(...) of the official package", of(NASBenchGraph), _read_arch, _write_arch),
    Writing("hash", "key of the official files", of(NASBenchGraph), _read_official_key, _write_official_key),
    Writing("index", "in the official order", of(NASBench201, NATSBenchSize), _read_index, _write_index),
    Writing("nodes", "the edges into each node, as Structure has them", of(NASBench201), _read_nodes, _write_nodes),
    Writing("operations", "names, edge by edge", of(NASBench201), _read_operations, _write_operations),
    _of_order("naslib", "numbers of NASLib and NAS-Bench-Suite-Zero: edges by where they begin"),
    _of_order("naszilla", "numbers of naszilla and archai: operations in alphabetical order"),
)
"""Beside their own words, genes and keys."""
