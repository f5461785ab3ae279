"""Predictors that were fitted beforehand, in the place of those that a search would fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int, Int64

from predictornas.benchmarks.table import Benchmark
from predictornas.errors import ConfigurationError
from predictornas.predictors.base import Predictor, UncertainPredictor, fresh
from predictornas.spaces.base import Genes, SearchSpace

if TYPE_CHECKING:
    import torch

REFERENCE = 500
"""Architectures on which the scales of two fits are compared."""

_MANY = 10
"""More than a tenth of a space is scored as the whole."""

_SMALL = 50_000
"""So is anything of a space of at most so many architectures."""


class Fitted:
    """A predictor that was fitted on some rows of a table, and scores as if it had not seen them.

    A search looks for what it has not evaluated, while the rows of this fit are any rows to it. A predictor knows the
    values that it learned from, so the scores of these rows would be too good: they are those of another fit of as many
    rows, brought to the scale of this one. Scores are kept.

    Args:
        predictor: fitted.
        table: whose rows it was fitted on.
        rows: `(n,)` these rows.
        reference: `(r,)` rows, the same for all fits.
    """

    def __init__(
        self, predictor: Predictor, table: Benchmark, rows: Int64[np.ndarray, " n"], reference: Int64[np.ndarray, " r"]
    ) -> None:
        self.predictor = predictor
        self.rows = rows
        self.others: Sequence[Fitted] = ()
        self._table = table
        self._known = {"predict": np.full(len(table), np.nan), "predict_std": np.full(len(table), np.nan)}
        compared = self._own("predict", reference)
        self._centre, self._spread = compared.mean(), max(compared.std(), np.finfo(np.float64).tiny)

    def fit(self, space: SearchSpace, genes: Genes, values: Any, *, epochs: Any = None, rng: Any = None) -> Fitted:
        """Nothing is learned."""
        return self

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Scores `(n,)`."""
        return self._scores("predict", genes)

    def predict_std(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Standard deviations `(n,)` of the scores.

        Raises:
            ConfigurationError: the predictor does not know them.
        """
        if not isinstance(self.predictor, UncertainPredictor):
            raise ConfigurationError(f"{type(self.predictor).__name__} does not know how unsure it is.")
        return self._scores("predict_std", genes)

    def relaxed(self, sequences: torch.Tensor) -> torch.Tensor:
        """As of the predictor, for samplers that follow its gradient."""
        scores: torch.Tensor = self.predictor.relaxed(sequences)  # type: ignore[attr-defined]  # asked of those with one
        return scores

    def _scores(self, what: str, genes: Genes) -> Float[np.ndarray, " n"]:
        space = self._table.space
        keys = space.enumerated_keys() if genes is space.enumerate() else space.keys(genes)
        rows = self._table.rows(keys)
        scores = self._own(what, rows)[...]
        for place in np.flatnonzero(np.isin(rows, self.rows)):
            row = rows[place : place + 1]
            other = next((fit for fit in self.others if not np.isin(row, fit.rows).any()), None)
            if other is not None:
                raw = other._own(what, row)[0]
                shifted = raw - other._centre if what == "predict" else raw
                scores[place] = shifted / other._spread * self._spread + (self._centre if what == "predict" else 0.0)
        return scores

    def _own(self, what: str, rows: Int64[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """What the predictor says itself; asked once of each architecture."""
        known = self._known[what]
        missing = np.unique(rows[np.isnan(known[rows])])
        size = len(self._table.space)
        if len(missing) and (size <= _SMALL or len(missing) * _MANY > size):
            # the whole space is what predictors know how to score fast
            every = self._table.rows(self._table.space.enumerated_keys())
            known[every] = getattr(self.predictor, what)(self._table.space.enumerate())
        elif len(missing):
            known[missing] = getattr(self.predictor, what)(self._table.genes[missing])
        return np.asarray(known[rows])


@dataclass(frozen=True)
class Rehearsed:
    """The predictor of a rehearsed search: asked to fit, it gives back the fit on the nearest number of architectures.

    Attributes:
        fits: of one draw, by ascending number of rows.
    """

    fits: tuple[Fitted, ...]

    def fit(
        self,
        space: SearchSpace,
        genes: Genes,
        values: Float[np.ndarray, " n"],
        *,
        epochs: Int[np.ndarray, " n"] | None = None,
        rng: np.random.Generator,
    ) -> Fitted:
        """What was fitted on as many, nearest by ratio."""
        ratios = [abs(np.log(len(fit.rows) / len(genes))) for fit in self.fits]
        return self.fits[int(np.argmin(ratios))]

    def predict(self, genes: Genes) -> Float[np.ndarray, " n"]:
        """Of the largest fit."""
        return self.fits[-1].predict(genes)


def fitted_on(
    predictor: Predictor,
    table: Benchmark,
    values: Float[np.ndarray, " n"],
    rows: Int64[np.ndarray, " k"],
    reference: Int64[np.ndarray, " r"],
    rng: np.random.Generator,
) -> Fitted:
    """A fresh copy of a predictor, fitted on rows of a table.

    Args:
        predictor: its configuration.
        table: the table.
        values: `(n,)` of the signal, the higher the better.
        rows: to learn from.
        reference: see `Fitted`.
        rng: the only source of randomness.
    """
    learned = fresh(predictor).fit(table.space, table.genes[rows], values[rows], rng=rng)
    return Fitted(learned, table, rows, reference)
