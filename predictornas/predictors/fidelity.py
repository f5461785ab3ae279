"""What is learned from architectures that were trained for different numbers of epochs: an order of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np
from jaxtyping import Float, Int, Int8

from predictornas.errors import ConfigurationError, UnknownNameError
from predictornas.spaces.base import Genes

TrainedRule = Literal["common", "level"]
"""How a pair is ordered that was trained: "common" compares at the highest level that both reached (ours), because
newcomers have been trained less only for being new; "level" holds what was trained longer for better, and compares
values at the same level (RANK-NOSH)."""


@dataclass(frozen=True)
class WithUntrained:
    """A rule for a pool with a level 0: architectures after 0 epochs, whose value is a zero-cost score (ours).

    Wang's thesis (chapter 4) says that proxies let more architectures into the pool at no cost, and not how. Here
    whoever was trained is better than whoever was not, because somebody chose it.

    Example:
        >>> import numpy as np
        >>> from predictornas.predictors.fidelity import WithUntrained, curves_of, ordered_pairs
        >>> genes, values = np.array([[0], [1], [2]], np.int8), np.array([0.6, 31.0, 47.0])
        >>> curves = curves_of(genes, values, np.array([1, 0, 0]))  # one was trained, and the others have scores
        >>> ordered_pairs(curves, WithUntrained(weight=Fraction(3, 10))).tolist()
        [[0, 3, 3], [-3, 0, -3], [-3, 3, 0]]

    Attributes:
        trained: the rule for those that were trained.
        weight: what a pair with an untrained one counts, where one of two trained ones counts 1; exact, above 0, its
            numerator and denominator at most 100.
        by_score: whether two untrained ones are ordered by their scores: where the proxy is trusted.

    Raises:
        ConfigurationError: a weight that is none of these.
    """

    trained: TrainedRule = "common"
    weight: Fraction = Fraction(1, 10)
    by_score: bool = True

    def __post_init__(self) -> None:
        if self.weight <= 0 or max(self.weight.numerator, self.weight.denominator) > 100:
            raise ConfigurationError(
                f"The weight of a pair with an untrained architecture is a fraction such as 1/10, not {self.weight}. "
                "For no weight at all take a rule without them."
            )


FidelityRule = TrainedRule | WithUntrained
"""How a pair is ordered, with or without architectures that were not trained."""


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
        rule: see `FidelityRule`. With "common", a pair that shares no level has no order. Where `WithUntrained` finds
            untrained ones, the sizes of the numbers are the weights of the pairs, relative to each other.

    Raises:
        UnknownNameError: no such rule.
    """
    if isinstance(rule, WithUntrained):
        return _pairs_with_untrained(curves, rule)
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
    can win most comparisons at few epochs and lose its only one at many. Weights of pairs have no place in it.

    Raises:
        UnknownNameError: no such rule.
    """
    others = len(curves) - 1
    wins: Float[np.ndarray, " n"] = np.sign(ordered_pairs(curves, rule)).sum(axis=1, dtype=np.float64)
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
    shares get the mean of what falls to them (ours). Untrained ones, which have no accuracy, are left out.
    """
    if isinstance(rule, WithUntrained) and epochs is not None and epochs.any():
        genes, values, epochs = genes[epochs > 0], values[epochs > 0], epochs[epochs > 0]
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


def _pairs_with_untrained(curves: Curves, rule: WithUntrained) -> Int8[np.ndarray, "n n"]:
    """`ordered_pairs` of trained and untrained ones."""
    signs = ordered_pairs(curves, rule.trained)
    trained = curves.levels[curves.last()[0]] > 0
    if trained.all():
        return signs
    apart = trained[:, None] != trained
    signs = np.where(apart, _signs(trained.astype(np.int64)), signs)
    if not rule.by_score:
        signs[np.ix_(~trained, ~trained)] = 0
    weights = np.where(trained[:, None] & trained, rule.weight.denominator, rule.weight.numerator)
    return (signs * weights).astype(np.int8)


def _signs(values: Int[np.ndarray, " n"] | Float[np.ndarray, " n"]) -> Int8[np.ndarray, "n n"]:
    """+1 where the row's value is above the column's, -1 where it is below."""
    return (values[:, None] > values).astype(np.int8) - (values[:, None] < values)
