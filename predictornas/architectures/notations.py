"""The notations of the field, one record each: what it is called, how it is read and how it is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int8, Int64

from predictornas.architectures.orders import index_of, operation_names, ordered, row_at, unordered
from predictornas.errors import ConfigurationError, InvalidArchitectureError, UnknownNameError
from predictornas.literals import Call
from predictornas.spaces.base import MOST, ReadableSpace, SearchSpace, require_genes
from predictornas.spaces.chains.natsbench_size import NATSBenchSize
from predictornas.spaces.chains.space import ChainSpace
from predictornas.spaces.darts import DARTS
from predictornas.spaces.genotypes import NAMED_GENOTYPES, Cell, Genotype
from predictornas.spaces.nasbench101 import NASBench101
from predictornas.spaces.nasbench101_text import laid_out
from predictornas.spaces.nasbench201 import EDGES, NASBench201
from predictornas.spaces.nasbench_graph import NASBenchGraph
from predictornas.spaces.printed_genotypes import genotype_of, is_printed, printed_part

Row = Int8[np.ndarray, " g"]
Numbering = Sequence[str] | None
"""The names of operations in the order of their numbers; None for ours, which is the official one."""


@dataclass(frozen=True)
class Writing:
    """One way to write architectures of some spaces.

    Attributes:
        name: what the command calls it; `NAME: text` reads a text in this notation and no other.
        help: one line.
        fits: whether architectures of a space are written so.
        read: the genes of a value, a text or what a text prints; None where it is not of this form. Raises
            `InvalidArchitectureError` where it is, but is no architecture.
        write: the text of one valid row; None where it has none.
        asked: whether it is only read when it is named, because its form is that of genes.
    """

    name: str
    help: str
    fits: Callable[[SearchSpace], bool]
    read: Callable[[SearchSpace, Any, Numbering], Row | None]
    write: Callable[[SearchSpace, Row], str | None]
    asked: bool = False


def notations_of(space: SearchSpace) -> list[Writing]:
    """Those in which architectures of a space are written, the usual one first."""
    return [notation for notation in NOTATIONS if notation.fits(space)]


def is_numbers(value: Any) -> bool:
    """Whether a value is a list of whole numbers, at least one."""
    return isinstance(value, list) and bool(value) and all(type(one) is int for one in value)


def _of(*kinds: type) -> Callable[[SearchSpace], bool]:
    return lambda space: isinstance(space, kinds)


# ---- what spaces write by themselves ----

_FORMS: dict[type, str] = {
    NASBench201: r"\|.*~.*\|",
    NASBench101: r"[01]+(/[01]+)+ .*",
    NASBenchGraph: r"[\d, ]+\|[^~]*",
    NATSBenchSize: r"\d+(:\d+)+",
}
"""What tells texts of these spaces from those of others; a space of one's own is asked itself."""


def _read_described(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    form = next((form for kind, form in _FORMS.items() if type(space) is kind), ".+")
    if not isinstance(value, str) or not isinstance(space, ReadableSpace):
        return None
    text = re.sub(r"\s*([|+~:,])\s*", r"\1", value) if not isinstance(space, NASBench101) else value
    return space.from_strings([text])[0] if re.fullmatch(form, text, re.DOTALL) else None


def _write_described(space: SearchSpace, row: Row) -> str:
    return space.describe(row)


def _is_described(space: SearchSpace) -> bool:
    """A space without words writes its genes, and the DARTS spaces write genotypes."""
    return not isinstance(space, DARTS) and (isinstance(space, (*_FORMS, ChainSpace, ReadableSpace)))


# ---- genes ----


def _read_genes(space: SearchSpace, value: Any, numbering: Numbering) -> Row | None:
    rows = value if isinstance(value, list) and value and isinstance(value[0], list) else [value]
    if len(rows) != 1 or not is_numbers(rows[0]):
        return None
    if numbering is None:
        return np.asarray(require_genes(space, _wide(rows))[0])
    own = operation_names(space)
    if own is None:
        raise ConfigurationError(f"Genes of {space.name!r} are no numbers of operations; leave out the numbering.")
    if set(numbering) != set(own.names) and not set(numbering) >= set(own.names):
        raise ConfigurationError(
            f"The operations of {space.name!r} are {', '.join(own.names)}; give all, in any order."
        )
    return own.renumbered(space, rows[0], numbering)


_CELL = re.compile(
    r"\s*\+\s*".join(r"\|" + "".join(rf"\w{{1,40}}~{edge}\|" for edge in range(node)) for node in (1, 2, 3))
)
"""A cell of NAS-Bench-201 within other text."""


def cell_text(text: str) -> str | None:
    """The last cell of NAS-Bench-201 that a text such as a log, or `Structure(4 nodes with |...|)`, holds."""
    found = _CELL.findall(text)
    return found[-1] if found else None


def _wide(rows: list[list[int]]) -> Int64[np.ndarray, "n g"]:
    """Numbers of any size as an array; what no gene can be becomes -1."""
    return np.array([[number if abs(number) < 1 << 31 else -1 for number in row] for row in rows], np.int64)


def _write_genes(_: SearchSpace, row: Row) -> str:
    return ",".join(map(str, row.tolist()))


def _read_key(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not re.fullmatch(r"\d{1,20}|0x[0-9a-fA-F]{1,16}", text, re.ASCII):
        return None
    if len(space) > MOST:
        raise InvalidArchitectureError(f"{space.name!r} is too large to find an architecture by its key.")
    number = int(text, 0 if text.startswith("0x") else 10)
    found = np.flatnonzero(space.enumerated_keys() == np.uint64(number % (1 << 64)))
    if not len(found):
        raise InvalidArchitectureError(f"No architecture of {space.name!r} has the key {text}.")
    return np.asarray(space.enumerate()[found[0]])


def _write_key(space: SearchSpace, row: Row) -> str:
    return str(space.keys(row[None])[0])


# ---- NAS-Bench-201 and the size space ----


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
        _of(NASBench201),
        lambda space, value, _: unordered(name, space, _wide([value])[0].tolist()) if is_numbers(value) else None,
        lambda _, row: str(tuple(ordered(name, row))),
        asked=True,
    )


# ---- NAS-Bench-101 ----


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


# ---- NAS-Bench-Graph ----


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
    return _read_described(space, f"{','.join(map(str, inputs))}|{','.join(operations)}", None)


def _write_arch(space: SearchSpace, row: Row) -> str:
    inputs, operations = space.describe(row).split("|")
    return f"Arch([{inputs.replace(',', ', ')}], {operations.split(',')})"


def _read_official_key(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    number = value[0] if is_numbers(value) and len(value) == 1 else value
    if type(number) is not int or number < 0:
        return None
    return np.asarray(require_genes(space, _wide([[int(digit) for digit in f"{number:05d}"]]))[0])


def _write_official_key(space: SearchSpace, row: Row) -> str | None:
    return f"{int(space.official_hashes(row[None])[0]):05d}" if isinstance(space, NASBenchGraph) else None


# ---- the DARTS spaces ----


def _read_genotype(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    is_one = (
        isinstance(value, Genotype)
        or (isinstance(value, Call) and value.name == "Genotype")
        or (isinstance(value, dict) and {"normal", "reduce"} <= value.keys())
        or (isinstance(value, list) and len(value) == 4 and all(isinstance(part, list) for part in value))
    )
    if not is_one or not isinstance(space, DARTS):
        return None
    try:
        return space.genes_of(genotype_of(value))
    except ValueError as error:
        raise InvalidArchitectureError(f"This is no genotype of the DARTS space: {error}.") from None


def _write_genotype(space: SearchSpace, row: Row) -> str | None:
    return space.describe(row) if isinstance(space, DARTS) else None


def _write_json(space: SearchSpace, row: Row) -> str | None:
    return json.dumps(space.genotype(row)._asdict()) if isinstance(space, DARTS) else None


def _read_name(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    is_name = isinstance(value, str) and re.fullmatch(r"(?![0-9a-fA-F]{32}$)[A-Za-z][\w.+-]{1,60}", value)
    if not is_name or not isinstance(space, DARTS):
        return None
    known = {name.lower(): genotype for name, genotype in NAMED_GENOTYPES.items()}
    if value.lower() not in known:
        raise UnknownNameError("genotype", value, NAMED_GENOTYPES)
    return space.genes_of(known[value.lower()])


def _write_name(space: SearchSpace, row: Row) -> str | None:
    if not isinstance(space, DARTS):
        return None
    for name, genotype in NAMED_GENOTYPES.items():
        try:
            if (space.genes_of(genotype) == row).all():
                return name
        except InvalidArchitectureError:  # of another space
            continue
    return None


def _read_pairs(space: SearchSpace, value: Any, numbering: Numbering) -> Row | None:
    cells = value if isinstance(value, list) and len(value) == 2 else []
    pairs = [pair for cell in cells if isinstance(cell, list) for pair in cell]
    is_form = len(pairs) * 2 == space.num_genes and all(is_numbers(pair) and len(pair) == 2 for pair in pairs)
    return _read_genes(space, [gene for pair in pairs for gene in pair], numbering) if is_form else None


def _write_pairs(_: SearchSpace, row: Row) -> str:
    pairs = [tuple(pair) for pair in row.reshape(-1, 2).tolist()]
    return str((tuple(pairs[: len(pairs) // 2]), tuple(pairs[len(pairs) // 2 :])))


_EDGE = re.compile(r"(?:.*:)?edge_(normal|reduce)_(\d{1,2})")


def _read_configuration(space: SearchSpace, value: Any, _: Numbering) -> Row | None:
    if not isinstance(value, dict) or not isinstance(space, DARTS):
        return None
    cells: dict[str, list[tuple[int, str]]] = {"normal": [], "reduce": []}
    for key, operation in value.items():
        if met := _EDGE.fullmatch(key):
            cells[met[1]].append((int(met[2]), str(operation)))
    if not any(cells.values()):
        return None
    normal, reduction = (_cell_of_edges(name, sorted(edges)) for name, edges in cells.items())
    return space.genes_of(Genotype(normal, range(2, 6), reduction, range(2, 6)))


def _cell_of_edges(name: str, edges: list[tuple[int, str]]) -> Cell:
    """Edges are numbered by node, then by input: 0 and 1 end in node 0, 2 to 4 in node 1, up to 13."""
    first = (0, 2, 5, 9, 14)
    nodes = [sum(number >= start for start in first) - 1 for number, _ in edges]
    if nodes != [0, 0, 1, 1, 2, 2, 3, 3]:
        numbers = [number for number, _ in edges]
        raise InvalidArchitectureError(f"The {name} cell has edges {numbers}, not two of each of its four nodes.")
    return [(operation, number - first[node]) for node, (number, operation) in zip(nodes, edges, strict=True)]


def _write_configuration(space: SearchSpace, row: Row) -> str | None:
    if not isinstance(space, DARTS):
        return None
    genotype = space.genotype(row)
    found = {}
    for name, cell in (("normal", genotype.normal), ("reduce", genotype.reduce)):
        for number, (operation, source) in enumerate(cell):
            found[f"edge_{name}_{(0, 2, 5, 9)[number // 2] + source}"] = operation
    return json.dumps(found)


def genotype_text(text: str) -> str | None:
    """The part of a text that prints a genotype, the last where there are several; None where there is none.

    Raises:
        ValueError: the last one is not closed.
    """
    return printed_part(text) if is_printed(text) else None


NOTATIONS = (
    Writing("string", "as the space writes it", _is_described, _read_described, _write_described),
    Writing("genotype", "as the code of DARTS prints it", _of(DARTS), _read_genotype, _write_genotype),
    Writing("genes", "numbers, as tables and histories hold them", lambda _: True, _read_genes, _write_genes),
    Writing("name", "of a released genotype", _of(DARTS), _read_name, _write_name),
    Writing("matrix", "matrix and operations of NAS-Bench-101", _of(NASBench101), _read_matrix, _write_matrix),
    Writing("hash", "module hash of NAS-Bench-101", _of(NASBench101), _read_hash, _write_hash),
    Writing("arch", "Arch(...) of the official package", _of(NASBenchGraph), _read_arch, _write_arch),
    Writing("hash", "key of the official files", _of(NASBenchGraph), _read_official_key, _write_official_key),
    Writing("index", "in the official order", _of(NASBench201, NATSBenchSize), _read_index, _write_index),
    Writing("nodes", "the edges into each node, as Structure has them", _of(NASBench201), _read_nodes, _write_nodes),
    Writing("operations", "names, edge by edge", _of(NASBench201), _read_operations, _write_operations),
    _of_order("naslib", "numbers of NASLib and NAS-Bench-Suite-Zero: edges by where they begin"),
    _of_order("naszilla", "numbers of naszilla and archai: operations in alphabetical order"),
    Writing("naslib", "pairs (input, operation) of NASLib, cell by cell", _of(DARTS), _read_pairs, _write_pairs),
    Writing("json", "the fields of a genotype", _of(DARTS), _read_genotype, _write_json),
    Writing("nasbench301", "edges of a ConfigSpace", _of(DARTS), _read_configuration, _write_configuration),
    Writing(
        "key", "the identity of the architecture in every table and history", lambda _: True, _read_key, _write_key
    ),
)
"""All of them; a notation that takes the form of another stands behind it."""
