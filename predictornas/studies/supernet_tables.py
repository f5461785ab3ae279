"""The epochs of a super-network search as tidy tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from predictornas.spaces.base import SearchSpace
from predictornas.spaces.darts import DARTS
from predictornas.spaces.nasbench201 import OPERATIONS
from predictornas.supernet.cautions import edge_entropy
from predictornas.supernet.network.topology import topology_of

if TYPE_CHECKING:
    from predictornas.supernet.records import EpochRecord

SKIP = "skip_connect"
"""The operation whose share tells a collapsing search."""

_EPOCHS: dict[str, Any] = {
    "epoch": pl.Int64,
    "phase": pl.String,
    "learning_rate": pl.Float64,
    "train_loss": pl.Float64,
    "train_accuracy": pl.Float64,
    "validation_loss": pl.Float64,
    "validation_accuracy": pl.Float64,
    "eigenvalue": pl.Float64,
    "clamp_rate": pl.Float64,
    "effective_share": pl.Float64,
    "second_order_error": pl.Float64,
    "second_order_cosine": pl.Float64,
    "architecture": pl.String,
    "seconds": pl.Float64,
}


def epochs_table(space: SearchSpace, records: Sequence[EpochRecord]) -> pl.DataFrame:
    """One row an epoch: what was measured, and the architecture that would be selected then.

    Args:
        space: of the search.
        records: of its epochs.
    """
    rows = [{**vars(record), "architecture": space.describe(_row(record))} for record in records]
    return pl.DataFrame({name: [row[name] for row in rows] for name in _EPOCHS}, schema=_EPOCHS)


def cells_table(space: SearchSpace, records: Sequence[EpochRecord]) -> pl.DataFrame:
    """One row an epoch and cell type.

    `entropy` is the mean over edges of the entropy of an edge's importance, as a share of its largest value, 0 to 1,
    and 0 on decided edges; `skip_share` is the share of skip connections among the edges of the architecture that would
    be selected then; `decided` is the number of decided edges.

    Args:
        space: of the search.
        records: of its epochs.
    """
    rows: list[dict[str, Any]] = []
    for record in records:
        for cell, chosen in operations_of(space, _row(record)).items():
            entropies = [edge_entropy(edge) for edge in record.importance[cell]]
            row = {"epoch": record.epoch, "cell": cell, "entropy": sum(entropies) / len(entropies)}
            rows.append({**row, "skip_share": chosen.count(SKIP) / len(chosen), "decided": record.decided[cell]})
    return pl.DataFrame(rows)


def operations_table(space: SearchSpace, records: Sequence[EpochRecord]) -> pl.DataFrame:
    """One row an epoch, cell type, edge (`source` to `target`, as in the genes) and operation: alpha and importance.

    Operations that a later stage has removed have no rows in it.

    Args:
        space: of the search.
        records: of its epochs.
    """
    rows: list[dict[str, Any]] = []
    for record in records:
        for cell in topology_of(space).cells:
            values = zip(cell.edges, record.alpha[cell.name], record.importance[cell.name], strict=True)
            for (source, target), alpha, importance in values:
                place = {"epoch": record.epoch, "cell": cell.name, "source": source, "target": target}
                rows += [
                    {**place, "operation": name, "alpha": alpha[name], "importance": importance[name]} for name in alpha
                ]
    return pl.DataFrame(rows)


def operations_of(space: SearchSpace, genes: np.ndarray) -> dict[str, list[str]]:
    """The operations on the edges that an architecture keeps, by cell type.

    Args:
        space: a DARTS space or NAS-Bench-201.
        genes: a row `(g,)`.
    """
    if isinstance(space, DARTS):
        genotype = space.genotype(genes)
        cells = {"normal": genotype.normal, "reduction": genotype.reduce}
        return {name: [operation for operation, _ in cell] for name, cell in cells.items()}
    return {"cell": [OPERATIONS[gene] for gene in genes]}


def _row(record: EpochRecord) -> np.ndarray:
    return np.array(record.genes, dtype=np.int8)
