"""A study with its table, opened once and handed down to everything that needs either."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from jaxtyping import Float, Int64

from predictornas.benchmarks.table import Benchmark
from predictornas.description import describe
from predictornas.errors import ConfigurationError
from predictornas.oracles.tabular import TabularOracle
from predictornas.samplers.base import Pool
from predictornas.search.strategies import Strategy
from predictornas.spaces.base import Keys
from predictornas.studies.gain.refusals import refuse_constant, refuse_small
from predictornas.studies.gain.study import Study
from predictornas.studies.gain.study_targets import study_targets


@dataclass(frozen=True)
class OpenedStudy:
    """What a study means on its table. A copy in another process works out anew what it needs.

    Attributes:
        study: what is run.
        benchmark: its table, with the study's columns.
    """

    study: Study
    benchmark: Benchmark

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.study, self.benchmark)

    @cached_property
    def identity(self) -> dict[str, Any]:
        """As `Study.identity`."""
        return self.study.identity(self.benchmark)

    @property
    def method_names(self) -> tuple[str, ...]:
        """As `Study.method_names`."""
        return self.study.method_names

    @property
    def seeds(self) -> tuple[int, ...]:
        """As `Study.seeds`."""
        return self.study.seeds

    @cached_property
    def oracle(self) -> TabularOracle:
        """What answers the searches."""
        return TabularOracle(self.benchmark)

    @cached_property
    def errors(self) -> Float[np.ndarray, " n"]:
        """The cost by the signal of every architecture that was measured, ascending: 1 - accuracy, or a loss."""
        errors = self._signal_errors
        return np.sort(errors[np.isfinite(errors)])

    @cached_property
    def targets(self) -> pl.DataFrame:
        """The targets of the gain."""
        return study_targets(self.errors)

    def strategy(self, method: str) -> Strategy:
        """As `Study.strategy`; a table that the initial set uses up is a ConfigurationError too."""
        if method not in self._strategies:
            strategy = self.study.strategy(method, levels=self._levels)
            refuse_small(self.benchmark.name, len(self.benchmark.space), method, strategy.initial)
            self._strategies[method] = strategy
        return self._strategies[method]

    def knows(self, method: str, described: Any) -> bool:
        """Whether a method that a folder holds can be run: one that was an object, or of a plug-in, may be gone.

        Args:
            method: its name. A `module:attribute` is looked at only where this study asks for it: no folder makes a
                module of its choice be imported.
            described: its strategy as the folder describes it; a name that means another one now is not known.
        """
        if ":" in method and method not in self.study.method_names:
            return False
        try:
            return bool(describe(self.strategy(method)) == described)
        except ConfigurationError:
            return False

    def hits(self, keys: Keys) -> Int64[np.ndarray, " t"]:
        """M_t: for each target the architectures with signal error <= target."""
        return self._at_or_below(self._errors_of(keys))

    def pool_hits(self, pool: Pool) -> list[int]:
        """M'_t: for each target the members of the pool, evaluated ones left out, with signal error <= target."""
        whole = pool.keys is self.benchmark.space.enumerated_keys()
        inside = self.errors if whole else self._errors_of(pool.keys)
        counts = self._at_or_below(inside) - self.hits(pool.excluded)
        return [int(count) for count in counts]

    @cached_property
    def _strategies(self) -> dict[str, Strategy]:
        return {}

    @cached_property
    def _levels(self) -> tuple[int, ...]:
        return self.oracle.levels

    @cached_property
    def _signal_errors(self) -> Float[np.ndarray, " n"]:
        return self.benchmark.costs(self.benchmark.signal)

    @cached_property
    def _thresholds(self) -> Float[np.ndarray, " t"]:
        return self.targets["target_error"].to_numpy()

    def _errors_of(self, keys: Keys) -> Float[np.ndarray, " k"]:
        return np.sort(self._signal_errors[self.benchmark.rows(keys)])

    def _at_or_below(self, ascending: Float[np.ndarray, " k"]) -> Int64[np.ndarray, " t"]:
        return np.searchsorted(ascending, self._thresholds, side="right")


def open_study(study: Study) -> OpenedStudy:
    """Opens the table of a study.

    Raises:
        UnknownNameError, ConfigurationError: as in `Study.open`.
        ConfigurationError: all values of the signal are equal.
    """
    opened = OpenedStudy(study, study.open())
    refuse_constant(opened.benchmark.name, opened.benchmark.signal, opened.errors)
    return opened
