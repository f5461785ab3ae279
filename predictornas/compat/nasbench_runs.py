"""Which training runs of NAS-Bench-101 cells a table tells apart, and where it keeps what was measured in them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from jaxtyping import Shaped

from predictornas.benchmarks.column import Column
from predictornas.benchmarks.nasbench101.model_metrics import MEASURES, POINTS
from predictornas.benchmarks.table import Benchmark

NAMES = dict(zip(MEASURES, ("training_time", "train_accuracy", "validation_accuracy", "test_accuracy"), strict=True))
"""What the original API calls each measure."""


class MeasuredRun:
    """One training run at one budget, by the original's names; a quantity that the table lacks is None.

    Args:
        benchmark: a table of NAS-Bench-101.
        epochs: the budget.
        run: as columns name it; None for columns that name no run.
    """

    def __init__(self, benchmark: Benchmark, epochs: int, run: str | None) -> None:
        self._benchmark, self._epochs, self._run = benchmark, epochs, run

    def is_there(self, row: int) -> bool:
        """Whether anything was measured of the architecture in this row."""
        return not self._may_lack or any(
            self.value(point, name, row) is not None for point in POINTS for name in NAMES.values()
        )

    def value(self, point: str, name: str, row: int) -> float | None:
        """One number, e.g. `value("final", "test_accuracy", 0)`; None where there is none."""
        values = self._values[point][name]
        if values is None:
            return None
        number = float(values[row])
        return None if number != number else number

    def has(self, point: str) -> bool:
        """Whether the table knows anything "halfway", or "final"."""
        return any(values is not None for values in self._values[point].values())

    def all_values(self, row: int) -> dict[str, float | None]:
        """What the original lists of a run: `halfway_training_time` to `final_test_accuracy`."""
        return {f"{point}_{name}": self.value(point, name, row) for point in POINTS for name in NAMES.values()}

    @cached_property
    def _columns(self) -> dict[str, dict[str, Column | None]]:
        return {point: {name: self._column(point, measure) for measure, name in NAMES.items()} for point in POINTS}

    @cached_property
    def _values(self) -> Mapping[str, Mapping[str, Shaped[np.ndarray, " n"] | None]]:
        return {
            # plain views: a mapped array takes several times as long to give a single number
            point: {
                name: None if column is None else np.asarray(self._benchmark.values(column.name))
                for name, column in of_point.items()
            }
            for point, of_point in self._columns.items()
        }

    @cached_property
    def _may_lack(self) -> bool:
        there = [column for of_point in self._columns.values() for column in of_point.values() if column is not None]
        return all(column.nullable for column in there)

    def _column(self, point: str, measure: str) -> Column | None:
        """The column of this run, or else the one that holds for every run."""
        metric, split = ("seconds", "train") if measure == "seconds" else ("accuracy", measure)
        metric = metric if point == "final" else f"{point}_{metric}"
        for run in dict.fromkeys((self._run, None)):
            name = Column.named(metric=metric, split=split, epochs=self._epochs, run=run).name
            if name in self._benchmark.columns:
                return self._benchmark.columns[name]
        return None


def runs_of(benchmark: Benchmark) -> dict[int, list[MeasuredRun]]:
    """The runs at each budget: those that have a number, else the one that has none, else their mean."""
    known: dict[int, set[str | None]] = {}
    for column in benchmark.columns.values():
        if column.metric == "accuracy" and column.epochs is not None:
            known.setdefault(column.epochs, set()).add(column.run)
    return {
        epochs: [MeasuredRun(benchmark, epochs, run) for run in _told_apart(runs)] for epochs, runs in known.items()
    }


def _told_apart(runs: set[str | None]) -> list[str | None]:
    numbers = sorted(int(run) for run in runs if run is not None and run.isdigit())
    return [str(number) for number in numbers] or ([None] if None in runs else ["mean"])
