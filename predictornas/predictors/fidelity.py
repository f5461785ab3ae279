"""What is learned from architectures that were trained for different numbers of epochs: an order of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Int8

from predictornas.errors import UnknownNameError
from predictornas.spaces.base import Genes

FidelityRule = Literal["common", "level"]
"""How a pair is ordered: "common" compares at the highest level that both reached (ours), because newcomers have been
trained less only for being new; "level" holds what was trained longer for better, and compares values at the same level
(RANK-NOSH)."""


@dataclass(frozen=True)
class Curves:
    """One row an architecture, one column a fidelity.

    Attributes:
        genes: `(n, g)`, distinct, in order of first appearance.
        values: `(n, l)`, higher is better, NaN where an architecture was not evaluated.
        levels: `(l,)` epochs of each column, ascending.
    """

    genes: Int8[np.ndarray, "n g"]
    values: Float[np.ndarray, "n l"]
    levels: Int[np.ndarray, " l"]

    def __len__(self) -> int:
        return len(self.genes)

    def last(self) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """The highest level of each architecture, counted from 0, and its value there."""
        highest = len(self.levels) - 1 - np.isfinite(self.values[:, ::-1]).argmax(axis=1)
        return highest, self.values[np.arange(len(self)), highest]


def curves_of(
    genes: Int8[np.ndarray, "rows g"], values: Float[np.ndarray, " rows"], epochs: Int[np.ndarray, " rows"]
) -> Curves:
    """Gathers the evaluations of each architecture; those at the same fidelity are averaged.

    Args:
        genes: `(rows, g)`, an architecture once for each of its evaluations.
        values: `(rows,)`, finite, higher is better.
        epochs: `(rows,)` fidelity of each value.
    """
    distinct, first, members = np.unique(genes, axis=0, return_index=True, return_inverse=True)
    rank = np.empty(len(distinct), np.int64)
    rank[np.argsort(first)] = np.arange(len(distinct))
    levels, columns = np.unique(epochs, return_inverse=True)
    places = (rank[members.reshape(-1)], columns)
    sums, counts = np.zeros((2, len(distinct), len(levels)))
    np.add.at(sums, places, values)
    np.add.at(counts, places, 1)
    with np.errstate(invalid="ignore"):
        return Curves(genes[np.sort(first)], sums / counts, levels)


def ordered_pairs(curves: Curves, rule: FidelityRule) -> Int8[np.ndarray, "n n"]:
    """The order of each pair: +1 where the row's architecture is better, -1 where it is worse, 0 where neither is.

    Args:
        curves: n architectures.
        rule: see `FidelityRule`. With "common", a pair that shares no level has no order.

    Raises:
        UnknownNameError: no such rule.
    """
    if rule == "common":
        signs = np.zeros((len(curves), len(curves)), np.int8)
        for values in curves.values.T:
            shared = np.isfinite(values)
            signs[np.ix_(shared, shared)] = _signs(values[shared])
        return signs
    if rule == "level":
        highest, values = curves.last()
        return np.where(highest[:, None] == highest, _signs(values), _signs(highest))
    raise UnknownNameError("rule for pairs across fidelities", rule, ["common", "level"])


def borda(curves: Curves, rule: FidelityRule) -> Float[np.ndarray, " n"]:
    """The share of the others that each architecture beats, from 0 to 1; a pair without an order counts half.

    One number an architecture, for what cannot learn from pairs. It need not agree with every pair: an architecture
    can win most comparisons at few epochs and lose its only one at many.

    Raises:
        UnknownNameError: no such rule.
    """
    others = len(curves) - 1
    wins: Float[np.ndarray, " n"] = ordered_pairs(curves, rule).sum(axis=1, dtype=np.float64)
    return (wins / max(1, others) + 1) / 2


def comparable(
    genes: Genes, values: Float[np.ndarray, " n"], epochs: Int[np.ndarray, " n"] | None, rule: FidelityRule
) -> tuple[Int8[np.ndarray, "m g"], Float[np.ndarray, " m"]]:
    """Each architecture once, with its `borda` share; the arguments themselves where all have the same fidelity.

    Args:
        genes: `(n, g)`, an architecture once for each of its evaluations.
        values: `(n,)`, finite, higher is better.
        epochs: `(n,)` fidelity of each value; None where all have the same.
        rule: see `FidelityRule`.

    Raises:
        UnknownNameError: no such rule.
    """
    if epochs is None or same_fidelity(epochs):
        return genes, values
    curves = curves_of(genes, values, epochs)
    return curves.genes, borda(curves, rule)


def comparable_accuracies(
    genes: Genes, values: Float[np.ndarray, " n"], epochs: Int[np.ndarray, " n"] | None, rule: FidelityRule
) -> tuple[Int8[np.ndarray, "m g"], Float[np.ndarray, " m"]]:
    """`comparable` for predictors with thresholds on accuracies: the shares' order, on the scale of `values`.

    The values of all architectures at their highest levels are dealt out, the best to the best share and so on; equal
    shares get the mean of what falls to them (ours).
    """
    if epochs is None or same_fidelity(epochs):
        return genes, values
    curves = curves_of(genes, values, epochs)
    _, ties = np.unique(borda(curves, rule), return_inverse=True)
    dealt = np.empty(len(curves))
    dealt[np.argsort(ties, kind="stable")] = np.sort(curves.last()[1])
    means = np.bincount(ties, weights=dealt) / np.bincount(ties)
    return curves.genes, means[ties]


def same_fidelity(epochs: Int[np.ndarray, " n"]) -> bool:
    """Whether all values were measured after the same number of epochs."""
    return bool((epochs == epochs[:1]).all())


def _signs(values: Int[np.ndarray, " n"] | Float[np.ndarray, " n"]) -> Int8[np.ndarray, "n n"]:
    """+1 where the row's value is above the column's, -1 where it is below."""
    return (values[:, None] > values).astype(np.int8) - (values[:, None] < values)
