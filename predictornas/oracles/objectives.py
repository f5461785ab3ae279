"""An oracle that reads several columns of a benchmark; what judges a search stays out of its reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from predictornas.benchmarks.objectives import Objective, costs_of
from predictornas.benchmarks.table import Benchmark
from predictornas.errors import UnknownArchitectureError
from predictornas.oracles.base import Evaluations
from predictornas.oracles.tabular import TabularOracle
from predictornas.spaces.base import Genes


class TableReader:
    """Reads columns of a table as costs.

    Args:
        benchmark: the table.
        columns: names, in this order.
    """

    def __init__(self, benchmark: Benchmark, columns: Sequence[str]) -> None:
        self.columns = tuple(columns)
        self._benchmark = benchmark
        self._costs = [costs_of(benchmark, column) for column in columns]

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._benchmark, self.columns)

    def read(self, genes: Genes) -> Float[np.ndarray, "n k"]:
        """The costs of `(n, g)` architectures, a column each.

        Raises:
            UnknownArchitectureError: one that has no row, or no value in one of the columns; names the first.
        """
        rows = self._benchmark.rows(self._benchmark.space.keys(genes))
        costs = np.column_stack([*(column[rows] for column in self._costs), np.empty((len(genes), 0))])
        missing = (rows < 0) | np.isnan(costs).any(axis=1)
        if missing.any():
            first = int(missing.argmax())
            raise UnknownArchitectureError(
                f"{self._benchmark.name!r} does not have {', '.join(self.columns)} of architecture {first} of "
                f"{len(genes)}, {self._benchmark.space.describe(genes[first])}. Propose only what was measured."
            )
        return costs


@dataclass(frozen=True)
class ObjectivesOracle:
    """Answers with the signal and with the costs of all that a search goes by.

    Attributes:
        benchmark: the table.
        objectives: whose `searched` columns are read.
    """

    benchmark: Benchmark
    objectives: tuple[Objective, ...]

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        """As `TabularOracle.evaluate`, with `costs`."""
        reader = TableReader(self.benchmark, [objective.searched for objective in self.objectives])
        return replace(TabularOracle(self.benchmark).evaluate(genes, epochs, rng), costs=reader.read(genes))
