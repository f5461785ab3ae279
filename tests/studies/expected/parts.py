"""A predictor that knows the bundled table, as well as one likes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from predictornas import PredictorSearch, Uniform, open_benchmark
from predictornas.benchmarks.table import Benchmark
from predictornas.spaces.base import Genes

TABLE = "nasbench101-digits"


@cache
def opened() -> Benchmark:
    """The table, opened once."""
    return open_benchmark(TABLE)


@dataclass
class Noisy:
    """Scores are the table's values with noise that falls with the number of architectures that it learned from.

    Attributes:
        noise: standard deviation of the noise after one architecture, in standard deviations of the values.
    """

    noise: float = 0.0

    def fit(self, space: Any, genes: Genes, values: Any, *, epochs: Any = None, rng: np.random.Generator) -> Noisy:
        table = opened()
        values = table.values(table.signal)
        spread = self.noise / np.sqrt(len(genes)) * values.std()
        self.scores_ = values + rng.normal(0, spread, len(values)) if self.noise else values
        return self

    def predict(self, genes: Genes) -> np.ndarray:
        table = opened()
        return np.asarray(self.scores_[table.rows(table.space.keys(genes))], np.float64)


def search(noise: float, pool: int = 200) -> PredictorSearch:
    """A search with such a predictor."""
    return PredictorSearch(Noisy(noise), Uniform(), pool_size=pool, initial=10, batch=10)
