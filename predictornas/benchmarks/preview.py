"""What an import would store, before it does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.sources import Content
from predictornas.benchmarks.validation import checked_table, doubts
from predictornas.spaces.registry import get_space


@dataclass(frozen=True)
class Preview:
    """What `preview` finds.

    Attributes:
        space: name of the search space.
        architectures: rows of the table.
        columns: a row each: `column`, `role`, `direction`, `unit`, `lowest`, `highest`, `missing`.
        best: notation of the architecture with the best signal.
        best_values: its signal and its evaluation, as they are stored.
        warnings: what looks wrong, each with what to do.
    """

    space: str
    architectures: int
    columns: list[dict[str, Any]]
    best: str
    best_values: dict[str, float]
    warnings: list[str]


def preview(content: Content) -> Preview:
    """Checks all that `write_benchmark` checks of a table, and describes it.

    Args:
        content: from `predictornas.benchmarks.importing.read_source`.

    Raises:
        DataError, UnknownNameError, ConfigurationError: as `checked_table`.
    """
    space, genes = get_space(content.space), content.genes
    _, _, checked = checked_table(space, genes, content.columns, content.signal, content.evaluation)
    stored = dict(checked)
    evaluation = content.evaluation or content.signal
    by_name = {column.name: column for column in stored}
    signal = by_name[content.signal]
    best = int(np.nanargmin(signal.costs(stored[signal])))
    return Preview(
        space=content.space,
        architectures=len(genes),
        columns=[_described(column, values, content.signal, evaluation) for column, values in stored.items()],
        best=space.describe(genes[best]),
        best_values={name: float(stored[by_name[name]][best]) for name in dict.fromkeys((content.signal, evaluation))},
        warnings=doubts(by_name, lambda name: stored[by_name[name]], content.signal, evaluation),
    )


def _described(column: Column, values: Float[np.ndarray, " n"], signal: str, evaluation: str) -> dict[str, Any]:
    present = values[np.isfinite(values)]
    roles = [role for role, name in (("signal", signal), ("evaluation", evaluation)) if name == column.name]
    return {
        "column": column.name,
        "role": " and ".join(roles) or None,
        "direction": column.direction,
        "unit": column.unit or None,
        "lowest": float(present.min()) if len(present) else None,
        "highest": float(present.max()) if len(present) else None,
        "missing": len(values) - len(present),
    }
