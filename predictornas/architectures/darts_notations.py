"""The notations of the DARTS spaces."""

from __future__ import annotations

import json
import re
from typing import Any

from predictornas.architectures.any_space import read_genes
from predictornas.architectures.writing import Numbering, Row, Writing, is_numbers, of
from predictornas.errors import InvalidArchitectureError, UnknownNameError
from predictornas.literals import Call
from predictornas.spaces.base import SearchSpace
from predictornas.spaces.darts import DARTS
from predictornas.spaces.genotypes import NAMED_GENOTYPES, Cell, Genotype
from predictornas.spaces.printed_genotypes import genotype_of, is_printed, printed_part


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
    return read_genes(space, [gene for pair in pairs for gene in pair], numbering) if is_form else None


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


GENOTYPE = Writing("genotype", "as the code of DARTS prints it", of(DARTS), _read_genotype, _write_genotype)

OTHERS = (
    Writing("name", "of a released genotype", of(DARTS), _read_name, _write_name),
    Writing("naslib", "pairs (input, operation) of NASLib, cell by cell", of(DARTS), _read_pairs, _write_pairs),
    Writing("json", "the fields of a genotype", of(DARTS), _read_genotype, _write_json),
    Writing("nasbench301", "edges of a ConfigSpace", of(DARTS), _read_configuration, _write_configuration),
)
