"""What several tests of the search share: a tiny predictor and an oracle that counts what it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from predictornas.oracles.base import Evaluations
from predictornas.spaces.base import Genes, SearchSpace


@dataclass
class CountingPredictor:
    """Ranks by least squares on gene counts; fast, deterministic, and better than chance on `CountingOracle`."""

    ridge: float = 1e-3

    def fit(
        self, space: SearchSpace, genes: Genes, values: np.ndarray, *, epochs: object = None, rng: np.random.Generator
    ) -> CountingPredictor:
        features = genes - genes.mean(axis=0)
        gram = features.T @ features + self.ridge * np.eye(features.shape[1])
        self.weights_ = np.linalg.solve(gram, features.T @ (values - values.mean()))
        return self

    def predict(self, genes: Genes) -> np.ndarray:
        return genes.astype(np.float64) @ self.weights_


@dataclass
class UnsurePredictor(CountingPredictor):
    """As sure of a cell as its last gene is small, and sure of what is expected; remembers what that was."""

    asked: list[np.ndarray] = field(default_factory=list)
    known: frozenset[tuple[int, ...]] = frozenset()

    def predict_std(self, genes: np.ndarray) -> np.ndarray:
        return np.array([0.0 if tuple(row) in self.known else float(row[-1]) for row in genes.tolist()])

    def expecting(self, genes: np.ndarray) -> UnsurePredictor:
        self.asked.append(genes)
        return replace(self, known=frozenset(map(tuple, genes.tolist())))


@dataclass
class DenoisingPredictor(CountingPredictor):
    """The same, and says that its scores are values without their noise."""

    knows_noise: bool = True


@dataclass
class CountingOracle:
    """The value of a cell is the mean of its genes; remembers every architecture it was asked for."""

    asked: list[tuple[int, ...]] = field(default_factory=list)
    stop_after: int | None = None

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        if self.stop_after is not None and len(self.asked) >= self.stop_after:
            raise KeyboardInterrupt
        self.asked += [tuple(row) for row in genes.tolist()]
        n = len(genes)
        return Evaluations(
            value=genes.mean(axis=1).astype(np.float64),
            epochs=np.full(n, 12, np.int64),
            cost_seconds=np.full(n, np.nan),
            cost_epochs=np.full(n, 12.0),
        )


@dataclass
class CurveOracle:
    """Trains epoch by epoch and counts the epochs; early values are further from the mean of the genes.

    Where it `resumes`, a training goes on from the longest one of the same cell, else it begins anew.
    """

    resumes: bool
    asked: list[tuple[tuple[int, ...], int]] = field(default_factory=list)
    trained: int = 0
    _stopped_at: dict[tuple[int, ...], int] = field(default_factory=dict)

    def evaluate(self, genes: Genes, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        assert epochs is not None
        for cell in map(tuple, genes.tolist()):
            self.asked.append((cell, epochs))
            for _ in range(self._stopped_at.get(cell, 0) if self.resumes else 0, epochs):
                self.trained += 1
            self._stopped_at[cell] = epochs
        return Evaluations(
            value=curve_value(genes, epochs),
            epochs=np.full(len(genes), epochs, np.int64),
            cost_seconds=np.full(len(genes), 10.0 * epochs),
            cost_epochs=np.full(len(genes), float(epochs)),
        )


def curve_value(genes: Genes, epochs: int) -> np.ndarray:
    """What `CurveOracle` answers."""
    return genes.mean(axis=1) + (genes @ np.array([1, 2, 3, 5, 8, 13])) % 7 / epochs


def trap(genes: np.ndarray) -> np.ndarray:
    """More convolutions are better, and best are the few cells of NAS-Bench-201 without."""
    convolutions = ((genes == 2) | (genes == 3)).sum(axis=1)
    return np.where(convolutions == 0, 2.0, convolutions / 6)


class Trap(CountingOracle):
    """As `trap` says."""

    def evaluate(self, genes: np.ndarray, epochs: int | None, rng: np.random.Generator) -> Evaluations:
        return replace(super().evaluate(genes, epochs, rng), value=trap(genes))
