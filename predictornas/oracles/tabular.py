"""An oracle that reads the signal of a benchmark; the evaluation column stays out of its reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictornas.benchmarks.table import Benchmark, Column
from predictornas.errors import ConfigurationError, UnknownArchitectureError
from predictornas.oracles.base import Evaluations
from predictornas.plain_help import PlainHelp
from predictornas.spaces.base import Genes


@dataclass(frozen=True)
class TabularOracle(metaclass=PlainHelp):
    """Answers from a table, the same value every time.

    Example:
        >>> import numpy as np
        >>> from predictornas import TabularOracle, open_benchmark
        >>> table = open_benchmark("nasbench101-digits")
        >>> oracle = TabularOracle(table)
        >>> oracle.levels
        (1, 3, 9)
        >>> answer = oracle.evaluate(table.genes[:2], 3, np.random.default_rng(0))
        >>> answer.epochs.tolist(), answer.value.round(3).tolist()
        ([3, 3], [0.187, 0.288])

    Attributes:
        benchmark: the table.
        signal: the column to read; None for the benchmark's own signal.
    """

    benchmark: Benchmark
    signal: str | None = None

    @property
    def resumes(self) -> bool:
        """Whether the table's budgets lie on one learning curve, so that a longer training goes on with a shorter."""
        return bool(self.benchmark.manifest["source"].get("learning_curves", False))

    @property
    def levels(self) -> tuple[int, ...]:
        """Epochs at which the table has the signal, ascending; its own alone where other lengths are of other runs."""
        return tuple(self.signals)

    @property
    def signals(self) -> dict[int, Column]:
        """The signal's column at each of `levels`, in their order."""
        family = self._family(self.benchmark.with_columns(signal=self.signal))
        return {epochs: family[epochs] for epochs in sorted(epochs for epochs in family if epochs is not None)}

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        """Signal values of `(n, g)` architectures; nothing is drawn from `rng`.

        Values are accuracies, or what `Column.worth` makes of another signal: a loss comes negated, as searches
        maximise.

        The cost in seconds is the table's training time of the same length, of the same run where it tells runs
        apart; the cost in epochs is the full length, as budgets of tables were trained separately.

        Args:
            genes: `(n, g)`.
            epochs: None for the signal's own; else the column of the same metric, split and run with these epochs.
            rng: not used.

        Raises:
            ConfigurationError: no column has these epochs, or the signal shares a training run with the evaluation.
            UnknownNameError: the benchmark has no such signal.
            InvalidArchitectureError: genes that are no architecture of the table's space; names row, gene and range.
            UnknownArchitectureError: an architecture without a row or without a value.
        """
        column = self._column(epochs)
        value = column.worth(self.benchmark.lookup(genes, column.name))
        if np.isnan(value).any():
            first = int(np.isnan(value).argmax())
            raise UnknownArchitectureError(
                f"{self.benchmark.name!r} has no {column.name!r} for architecture {first} of {len(genes)}, "
                f"{self.benchmark.space.describe(genes[first])}. Propose only architectures of the benchmark's space."
            )
        return Evaluations(
            value=value,
            epochs=np.full(len(genes), column.epochs or 0, np.int64),
            cost_seconds=self._seconds(genes, column),
            cost_epochs=np.full(len(genes), np.nan if column.epochs is None else float(column.epochs)),
        )

    def _column(self, epochs: int | None) -> Column:
        view = self.benchmark.with_columns(signal=self.signal)
        signal = view.column(view.signal)
        if epochs is None or epochs == signal.epochs:
            return signal
        family = self._family(view)
        if epochs not in family:
            available = ", ".join(str(known) for known in sorted(known for known in family if known is not None))
            raise ConfigurationError(
                f"{view.name!r} has no {signal.name!r} at {epochs} epochs. Available: {available or 'none'}."
            )
        return family[epochs]

    def _family(self, view: Benchmark) -> dict[int | None, Column]:
        """The signal after each number of epochs that the table has."""
        signal = view.column(view.signal)
        return {
            column.epochs: column
            for column in view.columns.values()
            if (column.metric, column.split, column.run) == (signal.metric, signal.split, signal.run)
        }

    def _seconds(self, genes: Genes, column: Column) -> np.ndarray:
        times = {
            time.run: time.name
            for time in self.benchmark.columns.values()
            if (time.metric, time.split, time.epochs) == ("seconds", "train", column.epochs)
        }
        name = times.get(column.run, times.get(None))
        return np.full(len(genes), np.nan) if name is None else self.benchmark.lookup(genes, name)
