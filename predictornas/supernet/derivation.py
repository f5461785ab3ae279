"""From what a search prefers to one architecture."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Int8

from predictornas.errors import InvalidArchitectureError, UnknownNameError
from predictornas.supernet.network.mixture import OperationWeights
from predictornas.supernet.network.topology import NONE, CellTopology, Topology

Choices = dict[str, tuple[tuple[int, int], ...]]
"""For each cell type the edges an architecture keeps, each with the index of its operation, by node and edge."""

RULES = ("darts", "gdas")
"""How the strongest inputs of a node are found; see `strongest`."""


def strongest(topology: Topology, importance: Mapping[str, OperationWeights], rule: str = "darts") -> Choices:
    """The choice of largest importance.

    DARTS cells keep two inputs a node, and `none` is never chosen. `darts`: the two edges whose best operation is
    strongest, each with that operation (Liu et al. 2019, section 2.3). `gdas`: the two strongest pairs of edge and
    operation, as in the released code of Dong and Yang 2019; both may stand on one edge, and such a cell is no member
    of the DARTS space: `genes_of` refuses it. NAS-Bench-201 keeps the best operation of each edge, `none` included,
    under either rule. At ties the earlier edge, then the earlier operation, is taken.

    Args:
        topology: the cells.
        importance: `(edges, operations)` for each cell type.
        rule: `darts` or `gdas`.

    Raises:
        UnknownNameError: another rule.
    """
    if rule not in RULES:
        raise UnknownNameError("derivation rule", rule, RULES)
    return {cell.name: _strongest(cell, importance[cell.name], topology.inputs_kept, rule) for cell in topology.cells}


def _strongest(
    cell: CellTopology, importance: OperationWeights, inputs_kept: int | None, rule: str
) -> tuple[tuple[int, int], ...]:
    values: list[list[float]] = importance.tolist()
    kept = []
    for node in cell.nodes:
        pairs = [
            (edge, column)
            for edge in cell.edges_into(node)
            for column, name in enumerate(cell.operations[edge])
            if name != NONE or inputs_kept is None
        ]
        ranked = sorted(pairs, key=lambda pair: -values[pair[0]][pair[1]])
        if inputs_kept is None or rule == "darts":
            best: dict[int, int] = {}
            for edge, column in ranked:
                best.setdefault(edge, column)
            ranked = list(best.items())
        kept += sorted(ranked[:inputs_kept])
    return tuple(kept)


def genes_of(topology: Topology, choices: Choices) -> Int8[np.ndarray, " g"]:
    """The genes of an architecture, in the normal form of its space.

    Args:
        topology: the cells that the choices speak of.
        choices: the edges kept, with their operations.

    Raises:
        InvalidArchitectureError: a node of DARTS that does not keep exactly two different edges, or an edge of
            NAS-Bench-201 with two operations.
    """
    genes: list[int] = []
    for cell in topology.cells:
        kept = dict(choices[cell.name])
        if len(kept) != len(choices[cell.name]):
            raise InvalidArchitectureError(
                f"The {cell.name} cell keeps two operations on one edge: {_listed(topology, cell, choices)}. An "
                "architecture has one an edge: derive it with rule 'darts'."
            )
        if topology.inputs_kept is None:
            names = [cell.operations[edge][kept[edge]] if edge in kept else NONE for edge in range(len(cell.edges))]
            genes += [topology.names.index(name) for name in names]
        else:
            genes += _inputs_and_operations(topology, cell, choices)
    return np.array(genes, np.int8)


def is_member(topology: Topology, choices: Choices) -> bool:
    """Whether an architecture of the space keeps these edges with these operations."""
    try:
        genes_of(topology, choices)
    except InvalidArchitectureError:
        return False
    return True


def spelled(topology: Topology, choices: Choices) -> dict[str, list[str]]:
    """For each cell type the choices for a reader, as "skip_connect on (0, 2)"."""
    return {
        cell.name: [f"{cell.operations[edge][column]} on {cell.edges[edge]}" for edge, column in choices[cell.name]]
        for cell in topology.cells
    }


def _inputs_and_operations(topology: Topology, cell: CellTopology, choices: Choices) -> list[int]:
    """The genes of a cell that names its edges: (input, operation) of each edge kept, by node."""
    genes = []
    for node in cell.nodes:
        kept = [(edge, column) for edge, column in sorted(choices[cell.name]) if cell.edges[edge][1] == node]
        if len(kept) != topology.inputs_kept:
            raise InvalidArchitectureError(
                f"Node {node} of the {cell.name} cell keeps {len(kept)} edges: {_listed(topology, cell, choices)}. "
                f"Keep {topology.inputs_kept} edges into every node."
            )
        for edge, column in kept:
            genes += [cell.edges[edge][0], topology.names.index(cell.operations[edge][column])]
    return genes


def _listed(topology: Topology, cell: CellTopology, choices: Choices) -> str:
    """The choices of a cell for a message."""
    return ", ".join(spelled(topology, {name: tuple(sorted(kept)) for name, kept in choices.items()})[cell.name])
